"""A small reference of its own for what the metrology engine must report: closed forms over exact fractions.

Shares nothing with the engine. Energies are watt-seconds (Fraction where the closed form is rational, float for a
sine); times are seconds since the scenario's start, labels are seconds of the meter's clock on the same zero.
test_model.py checks every figure of it against the vectors of metrology reference 2.10."""
import math
from dataclasses import dataclass, field
from fractions import Fraction

WS_PER_WH = 3600


def exact(number):
    """A fraction from what a scenario says: an int, a decimal text, or a float as YAML prints it."""
    return number if isinstance(number, Fraction) else Fraction(repr(number) if isinstance(number, float) else number)


# ---- loads: power over time from a segment's start ------------------------------------------------------------

class Constant:
    def __init__(self, watts):
        self.watts = exact(watts)

    def energy(self, seconds):
        """(delivered, received) from 0 to seconds."""
        both = self.watts * exact(seconds)
        return (both, Fraction(0)) if both >= 0 else (Fraction(0), -both)

    def power(self, seconds):
        return self.watts

    def thermal(self, d0, seconds, tau):
        """Exponential demand of the delivered power after `seconds`, from d0, in watts."""
        p = max(0.0, float(self.watts))
        return p + (d0 - p) * math.exp(-float(seconds) / tau)


class Outage(Constant):
    def __init__(self):
        super().__init__(0)


class Ramp:
    def __init__(self, from_w, to_w, duration):
        self.a, self.b, self.duration = exact(from_w), exact(to_w), exact(duration)
        self.slope = (self.b - self.a) / self.duration
        zero = -self.a / self.slope if self.slope else None
        self.zero = zero if zero is not None and 0 < zero < self.duration else None

    def power(self, seconds):
        return self.a + self.slope * exact(seconds)

    def _pieces(self, seconds):
        t = exact(seconds)
        cut = [Fraction(0), t] if self.zero is None or self.zero >= t else [Fraction(0), self.zero, t]
        return list(zip(cut, cut[1:]))

    def energy(self, seconds):
        delivered = received = Fraction(0)
        for start, end in self._pieces(seconds):
            area = (self.power(start) + self.power(end)) / 2 * (end - start)
            delivered, received = (delivered + area, received) if area >= 0 else (delivered, received - area)
        return delivered, received

    def thermal(self, d0, seconds, tau):
        d = d0
        for start, end in self._pieces(seconds):
            span = float(end - start)
            decay = math.exp(-span / tau)
            if self.power((start + end) / 2) <= 0:
                d *= decay
                continue
            p, k = float(self.power(start)), float(self.slope)  # tau D' + D = p + k t has D = p + k (t - tau)
            d = p + k * (span - tau) + (d - (p - k * tau)) * decay
        return d


class Sine:
    def __init__(self, amplitude_w, period):
        self.amplitude, self.period = float(amplitude_w), float(period)
        self.omega = 2 * math.pi / self.period

    def power(self, seconds):
        return self.amplitude * math.sin(self.omega * float(seconds))

    def energy(self, seconds):
        halves, rest = divmod(exact(seconds), exact(self.period) / 2)
        half = abs(self.amplitude) / self.omega * 2
        tail = abs(self.amplitude) / self.omega * (1 - math.cos(self.omega * float(rest)))
        first, second = half * ((halves + 1) // 2), half * (halves // 2)
        first, second = (first + tail, second) if halves % 2 == 0 else (first, second + tail)
        return (first, second) if self.amplitude >= 0 else (second, first)

    def thermal(self, d0, seconds, tau):
        d, t, end, half = d0, Fraction(0), exact(seconds), exact(self.period) / 2
        wt = self.omega * tau
        scale = abs(self.amplitude) / (1 + wt * wt)
        index = 0
        while t < end:
            span = float(min(half, end - t))
            decay = math.exp(-span / tau)
            positive = (index % 2 == 0) == (self.amplitude >= 0)
            # tau D' + D = A sin wt has D = A/(1+(w tau)^2) (sin wt - w tau cos wt)
            here = lambda x: scale * (math.sin(self.omega * x) - wt * math.cos(self.omega * x))
            d = here(span) + (d - here(0.0)) * decay if positive else d * decay
            t, index = t + half, index + 1
        return d


# ---- waveforms: harmonics as (order, rms, angle in degrees), sines at the segment's start ---------------------

def phasors(harmonics):
    """Complex rms phasor of each order; order 0 (DC) is its plain value."""
    out = {}
    for order, rms, angle in harmonics:
        turn = 1 if order == 0 else complex(math.cos(math.radians(angle)), math.sin(math.radians(angle)))
        out[order] = out.get(order, 0) + rms * turn
    return out


def minus(a, b, scale=1.0):
    return {order: scale * (a.get(order, 0) - b.get(order, 0)) for order in {*a, *b}}


def mean_power(v, i):
    return sum((v[order] * complex(i[order]).conjugate()).real for order in v if order in i)


def rms(x):
    return math.sqrt(sum(abs(value) ** 2 for value in x.values()))


def element_pairs(form, mode, v1, v2, i1, i2):
    """(voltage, current) of each product whose sum is the element power."""
    v1, v2, i1, i2 = (phasors(x) for x in (v1, v2, i1, i2))
    if form == "1S":
        return [(v1, i1)]
    if mode == "form":
        return [(minus(v1, v2), minus(i1, i2, 0.5))]
    return [(v1, i1), (v2, i2)]


def exact_power(pairs):
    return sum(mean_power(v, i) for v, i in pairs)


def sampled_power(pairs, frequency, samples, skew=0.0):
    """Mean of v(t) i(t + skew) over one cycle of `samples` samples beginning at t = 0."""
    def at(x, angle):
        return sum(value.real if order == 0 else
                   math.sqrt(2) * (value.real * math.sin(order * angle) + value.imag * math.cos(order * angle))
                   for order, value in ((order, complex(value)) for order, value in x.items()))
    step, shift = 2 * math.pi / samples, 2 * math.pi * frequency * skew
    return sum(math.fsum(at(v, n * step) * at(i, n * step + shift) for n in range(samples))
               for v, i in pairs) / samples


def power_quantities(v, i):
    """IEEE 1459, single phase, of phasor sets without DC."""
    p, vr, ir = mean_power(v, i), rms(v), rms(i)
    v1, i1 = complex(v.get(1, 0)), complex(i.get(1, 0))
    vh = rms({k: x for k, x in v.items() if k != 1})
    ih = rms({k: x for k, x in i.items() if k != 1})
    s1 = v1 * i1.conjugate()
    s, ph, sh = vr * ir, p - s1.real, vh * ih
    return {"p_w": p, "v_rms": vr, "i_rms": ir, "s_va": s, "pf": p / s if s else None, "p1_w": s1.real,
            "q1_var": s1.imag, "s1_va": abs(s1), "sn_va": math.sqrt(max(0.0, s * s - abs(s1) ** 2)),
            "d_i_va": abs(v1) * ih, "d_v_va": vh * abs(i1), "s_h_va": sh, "p_h_w": ph,
            "d_h_va": math.sqrt(max(0.0, sh * sh - ph * ph)), "n_var": math.sqrt(max(0.0, s * s - p * p)),
            "thd_v": vh / abs(v1) if v1 else None, "thd_i": ih / abs(i1) if i1 else None}


# ---- pulses and registers -------------------------------------------------------------------------------------

def pulses(ws, ke_wh):
    """Whole pulses and the carry in Wh."""
    quantum = exact(ke_wh) * WS_PER_WH
    count = exact(ws) // quantum
    return int(count), (exact(ws) - count * quantum) / WS_PER_WH


def register(wh, digits, decimals):
    """As displayed, without the decimal point."""
    return str(int(exact(wh) / 1000 * 10 ** decimals) % 10 ** digits).zfill(digits)


def register_delta(before, after, digits, decimals):
    """kWh between two displays (digits only), at most one wrap."""
    return Fraction((int(after) - int(before)) % 10 ** digits, 10 ** decimals)


# ---- the meter ------------------------------------------------------------------------------------------------

@dataclass
class Record:
    """One stretch that ended at a boundary of the meter's clock."""
    start: Fraction                                # in elapsed time
    finish: Fraction
    label: Fraction | None                         # meter's clock at its end; None: the texts leave it open
    required: set = field(default_factory=set)     # flags that must stand
    allowed: set = field(default_factory=set)      # flags that may stand besides
    group: int | None = None                       # records of one group are compared together


@dataclass
class Meter:
    loads: list                                    # (duration, load), end to end
    grid_phase: int                                # seconds from civil midnight to the start
    clock_sets: list = field(default_factory=list)  # (at, by), in order of time
    tiers: list = field(default_factory=list)      # (at, tier), in order of time
    ke_wh: Fraction = Fraction(6, 5)

    def __post_init__(self):
        self.starts, self.at_start, total, t = [], [], (Fraction(0), Fraction(0)), Fraction(0)
        self.outages = []
        for duration, load in self.loads:
            duration = exact(duration)
            self.starts.append(t)
            self.at_start.append(total)
            delivered, received = load.energy(duration)
            total = total[0] + delivered, total[1] + received
            if isinstance(load, Outage):
                if self.outages and self.outages[-1][1] == t:
                    self.outages[-1] = (self.outages[-1][0], t + duration)
                else:
                    self.outages.append((t, t + duration))
            t += duration
        self.end, self.totals = t, total

    def cumulative(self, t):
        t = exact(t)
        if t >= self.end:
            return self.totals
        index = max(k for k, start in enumerate(self.starts) if start <= t)
        delivered, received = self.loads[index][1].energy(t - self.starts[index])
        return self.at_start[index][0] + delivered, self.at_start[index][1] + received

    def between(self, start, finish):
        a, b = self.cumulative(start), self.cumulative(finish)
        return b[0] - a[0], b[1] - a[1]

    def pulses_between(self, start, finish, direction):
        a, b = self.cumulative(start)[direction], self.cumulative(finish)[direction]
        return pulses(b, self.ke_wh)[0] - pulses(a, self.ke_wh)[0]

    def near_a_pulse(self, t, direction, within=1e-6):
        """Whether rounding alone may decide if a pulse falls before or after t."""
        value = self.cumulative(t)[direction]
        if isinstance(value, Fraction) and all(isinstance(x, Constant) for _, x in self.loads):
            return False
        turns = float(value) / (float(self.ke_wh) * WS_PER_WH)
        return abs(turns - round(turns)) < within * max(1.0, turns * 1e-3)

    def records(self, length):
        """What closes at the boundaries of a grid of `length` seconds since civil midnight; the running rest is left."""
        out, t, clock, began = [], Fraction(0), Fraction(0), Fraction(0)
        first_clock = Fraction(0)  # what the clock showed when the running stretch began
        sets = [(exact(at), exact(by)) for at, by in self.clock_sets]
        required, allowed = ({"PARTIAL"} if self.grid_phase % length else set()), set()
        groups, group = 0, None

        def close(finish, label):
            nonlocal began, first_clock, required, allowed, group
            out.append(Record(began, finish, label, required, allowed, group))
            began, first_clock, required, allowed, group = finish, clock, set(), set(), None

        while True:
            boundary = ((clock + self.grid_phase) // length + 1) * length - self.grid_phase
            reached = t + boundary - clock
            if sets and sets[0][0] < reached and sets[0][0] <= self.end:
                at, by = sets.pop(0)
                clock, t = clock + (at - t) + by, at
                if by > 0:
                    required = required | {"PARTIAL", "CLOCK_FORWARD"}
                    if clock == boundary:
                        close(t, boundary)
                    elif clock > boundary:  # closed here, or carried to the next end: both are read in the texts
                        groups += 1
                        group = groups
                        close(t, None)
                        group = groups
                        required = {"SKIPPED"} if clock - boundary >= length else set()
                elif by < 0:
                    required = required | {"CLOCK_BACKWARD"}
                    if clock >= first_clock:
                        whole = "PARTIAL" not in required  # a short first interval may stay short
                        required, allowed = (required | {"LONG"}, allowed) if whole else (required, allowed | {"LONG"})
                    else:
                        required = required | {"PARTIAL"}
                        close(t, None)
                        if (clock + self.grid_phase) % length:
                            required, allowed = {"PARTIAL"}, {"CLOCK_BACKWARD"}
                continue
            if reached > self.end:
                break
            t, clock = reached, boundary
            close(t, boundary)
        self._power_events(out)
        return out

    def _power_events(self, records):
        group = 1000
        for start, finish in self.outages:
            touched = [r for r in records if r.start < finish and r.finish > start]
            for r in touched:
                r.required = r.required | {"POWER_FAIL"}
                r.allowed = r.allowed | {"PARTIAL", "SKIPPED"}
            for r in records:
                if r.finish == start or r.start == finish:
                    r.allowed = r.allowed | {"POWER_FAIL", "SKIPPED", "PARTIAL"}
            open_end = records and finish > records[-1].finish
            if len(touched) > 1 or (touched and open_end):  # a boundary passed without power: how many records is open
                group += 1
                for r in touched:
                    r.group = group

    def thermal_demand(self, t, t90):
        """Exponential demand in kW at elapsed time t."""
        tau, d, t = float(t90) / math.log(10), 0.0, exact(t)
        for (duration, load), start in zip(self.loads, self.starts):
            if start >= t:
                break
            d = load.thermal(d, min(exact(duration), t - start), tau)
        return d / 1000

    def by_tier(self, first="A"):
        """{tier: (delivered, received)} in watt-seconds."""
        out, tier, since = {}, first, Fraction(0)
        for at, name in [*self.tiers, (self.end, None)]:
            delivered, received = self.between(since, at)
            if at > since:
                old = out.get(tier, (0, 0))
                out[tier] = old[0] + delivered, old[1] + received
            tier, since = name, exact(at)
        return out


def kilowatts(ws, programmed_s):
    """Mean over the programmed length."""
    return float(exact(ws) / exact(programmed_s)) / 1000


def sliding(energies, k, window):
    """Demand at each sub-interval's end: the last k of them over the programmed window."""
    return [kilowatts(sum(energies[max(0, n - k + 1):n + 1]), window) for n in range(len(energies))]
