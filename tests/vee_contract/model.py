"""A small reference of its own for validation and estimation: metrology reference section 3, read as written.

Shares nothing with the gateway. Energy is an exact Fraction of Wh, time is whole seconds of UTC since 1970, an interval
is [start, end). test_model.py checks the figures that the reference prints, so this file is judged before it judges.
"""
import datetime as dt
import zoneinfo
from dataclasses import dataclass, field
from fractions import Fraction

MISSING, CONFLICT = "2.5.259", "2.5.258"
CODES = {"V07 missing": MISSING, "V07 conflict": CONFLICT, "V08": "2.4.1", "V09": "2.4.5", "V10": "2.2.32", "V12": "2.6.3",
         "V13": "2.5.256", "V14": "2.6.0", "V15": "2.6.9", "V16": "2.6.0", "V17": "2.5.258", "V18": "2.6.3",
         "V19 low": "2.6.6", "V19 high": "2.6.5", "V20": "2.6.1", "V21": "2.5.258", "V22": "2.6.2", "V24": "2.5.257"}


def exact(number):
    return number if isinstance(number, Fraction) else Fraction(str(number))


# ---- civil time ------------------------------------------------------------------------------------------------

def midnight(zone, day):
    """The instant at which a civil day begins. `day` is a date or "2026-03-08"."""
    day = dt.date.fromisoformat(day) if isinstance(day, str) else day
    return int(dt.datetime(day.year, day.month, day.day, tzinfo=zoneinfo.ZoneInfo(zone)).timestamp())


def next_day(day, count=1):
    return (dt.date.fromisoformat(day) + dt.timedelta(days=count)).isoformat()


def day_span(zone, day):
    """[begin, end) of a civil day: midnight to midnight, never 24 hours later."""
    return midnight(zone, day), midnight(zone, next_day(day))


def grid(zone, day, length_s=900):
    """Starts of the slots of a civil day: 92, 96 or 100 quarter-hours, as the zone has it."""
    begin, end = day_span(zone, day)
    return list(range(begin, end, length_s))


def utc_text(instant):
    return dt.datetime.fromtimestamp(instant, dt.timezone.utc).isoformat().replace("+00:00", "Z")


# ---- the checks ------------------------------------------------------------------------------------------------

def off_grid(start, length_s, programme_s, phase_s=0):
    """V06: the interval has not the programme's length, or does not end on its grid."""
    return length_s != programme_s or (start + length_s - phase_s) % programme_s != 0


def overflowed(value, ke, largest_count):
    """V08: the count stands at the channel's greatest."""
    return exact(value) == exact(ke) * largest_count


def physical_limit(volts, amps, seconds, factor="1.1"):
    """V12's and V17's bound: what the service can carry in that time, in Wh."""
    return exact(factor) * volts * amps * Fraction(seconds, 3600)


@dataclass(frozen=True)
class SumCheck:
    """V14. `bound` is exclusive: a difference that reaches it fails."""
    total: Fraction
    advance: Fraction
    bound: Fraction

    @property
    def difference(self):
        return abs(self.total - self.advance)

    @property
    def fails(self):
        return self.difference >= self.bound


def sum_check(values, r1, r2, resolution, ke, multiplier=1, relaxed_percent=0):
    m, advance = exact(multiplier), exact(r2) - exact(r1)
    return SumCheck(m * sum(map(exact, values), Fraction(0)), m * advance,
                    m * (exact(resolution) + exact(ke)) + abs(m * advance) * exact(relaxed_percent) / 100)


def tou_sum(tier_deltas, bulk_delta, resolution):
    """V15: n tiers against the bulk register, bound (n + 1) r."""
    return SumCheck(sum(map(exact, tier_deltas), Fraction(0)), exact(bulk_delta), (len(tier_deltas) + 1) * exact(resolution))


def net_identity(net, delivered, received, resolution):
    """V16: the net register against delivered less received, bound 3 r."""
    return SumCheck(exact(net), exact(delivered) - exact(received), 3 * exact(resolution))


def register_step(r1, r2, modulus, ceiling):
    """V17 by reference 2.9: "rise", "wrap" or "suspect" for two readings in sequence, and the advance that it means."""
    r1, r2, modulus, ceiling = map(exact, (r1, r2, modulus, ceiling))
    wrapped = r2 < r1
    advance = (r2 - r1) % modulus
    return ("suspect" if advance > ceiling else "wrap" if wrapped else "rise"), advance


def spike(values, ratio="1.8", floor=1000):
    """V18: (ratio found, index of the highest, whether it fails). Values are those of one civil day, None = missing. Over a
    third highest of zero any height is beyond every ratio; of fewer than three values nothing can be said."""
    ranked = sorted(((value, -i) for i, value in enumerate(values) if value is not None), reverse=True)
    if len(ranked) < 3:
        return None
    high, third = exact(ranked[0][0]), exact(ranked[2][0])
    return (high - third) / third if third else None, -ranked[0][1], high - third > exact(ratio) * third and high > floor


def usage(total, average, least="0.5", most="2.0"):
    """V19: "low", "high" or None."""
    found = exact(total) / exact(average)
    return "low" if found < exact(least) else "high" if found > exact(most) else None


def runs(values, same):
    """[first, last] of maximal stretches of consecutive values for which same(previous, this) holds; holes end one."""
    out, first = [], None
    for i, value in enumerate(values):
        if value is None:
            first = None
        elif first is not None and same(values[i - 1], value):
            out[-1][1] = i
        else:
            first = i
            out.append([i, i])
    return out


def zero_runs(values, length_s=900, hours=24):
    """V20: indexes of all slots that belong to a run of zeros of N = 1 day or more."""
    need = hours * 3600 // length_s
    return {i for a, b in runs(values, lambda p, v: p == v == 0) if values[a] == 0 and b - a + 1 >= need
            for i in range(a, b + 1)}


def frozen_runs(values, times=8):
    """V21: indexes of all slots that repeat one non-zero value N times or more."""
    return {i for a, b in runs(values, lambda p, v: p == v) if values[a] != 0 and b - a + 1 >= times
            for i in range(a, b + 1)}


# ---- estimation ------------------------------------------------------------------------------------------------

def linear(before, after, count):
    """Point to point between two good anchors."""
    a, b = exact(before), exact(after)
    return [a + (b - a) * (i + 1) / (count + 1) for i in range(count)]


def largest_remainder(total, shape, unit):
    """`total` shared in proportion to `shape` in whole units, exactly: largest remainders first, ties to the earliest."""
    total, unit, shape = exact(total), exact(unit), [exact(s) for s in shape]
    units = total / unit
    assert units.denominator == 1, "the total is a whole number of units"
    weight = sum(shape)
    if weight == 0:
        shape, weight = [Fraction(1)] * len(shape), Fraction(len(shape))
    ideal = [units * s / weight for s in shape]
    floors = [i.numerator // i.denominator for i in ideal]
    left = int(units) - sum(floors)
    order = sorted(range(len(shape)), key=lambda i: (-(ideal[i] - floors[i]), i))
    for i in order[:left]:
        floors[i] += 1
    return [f * unit for f in floors]


def register_scaled(r1, r2, good, shape, unit):
    """What the registers rose by, less what is there, over the gap; None where less than nothing is left (V14 then)."""
    missing = exact(r2) - exact(r1) - sum(map(exact, good), Fraction(0))
    return None if missing < 0 else largest_remainder(missing, shape, unit)


def like_day(days, positions):
    """Mean of up to four like days at the given positions."""
    days = days[:4]
    return [sum(exact(day[i]) for day in days) / len(days) for i in positions]


def holes(values):
    """(first index, count) of each stretch of missing values."""
    out = []
    for i, value in enumerate(values):
        if value is None:
            if out and sum(out[-1]) == i:
                out[-1] = (out[-1][0], out[-1][1] + 1)
            else:
                out.append((i, 1))
    return out


# ---- a whole meter-day -----------------------------------------------------------------------------------------

@dataclass
class MeterDay:
    """One channel of delivered energy and its register over one civil day."""
    values: list                       # Wh or None, one for each slot
    r1: object = None                  # register at the day's beginning and end; None = not read
    r2: object = None
    conflicts: set = field(default_factory=set)    # indexes that came twice, with two values, in one version
    ke: object = 1
    resolution: object = 1
    largest_count: int = 65535
    volts: int = 240
    amps: int = 200
    length_s: int = 900
    digits_wh: object = 10 ** 8        # where the register begins anew, in Wh


def judge(day):
    """Codes that the checks of one day give: {index of slot: set of codes} and {code of the register: True}.

    A hole is never a zero: where one is, the sum of the day is not known, so V14 speaks only if the values alone are
    already more than the registers rose (reference 3.3.5)."""
    found = {}

    def say(index, code):
        found.setdefault(index, set()).add(code)

    limit = physical_limit(day.volts, day.amps, day.length_s)
    for i, value in enumerate(day.values):
        if value is None:
            say(i, CODES["V07 missing"])
            continue
        if i in day.conflicts:
            say(i, CODES["V07 conflict"])
        if overflowed(value, day.ke, day.largest_count):
            say(i, CODES["V08"])
        if value > limit:
            say(i, CODES["V12"])
        if value < 0:
            say(i, CODES["V13"])
    top = spike(day.values)
    if top and top[2]:
        say(top[1], CODES["V18"])
    for i in zero_runs(day.values, day.length_s):
        say(i, CODES["V20"])
    for i in frozen_runs(day.values):
        say(i, CODES["V21"])
    if day.r1 is not None and day.r2 is not None:
        whole = None not in day.values
        check = sum_check([v for v in day.values if v is not None], day.r1, day.r2, day.resolution, day.ke)
        if (whole and check.fails) or (not whole and check.total > check.advance):
            for i, value in enumerate(day.values):
                if value is not None:
                    say(i, CODES["V14"])
    return found
