"""Seeded random scenarios against model.py, and directed cases of the clock, power and demand rules.

AMI_SEED sets the seed, AMI_CASES the count; a failure prints both and the scenario."""
import math
import os
import random
from decimal import Decimal
from fractions import Fraction

import model
from tool import Case, START, exposed, grid_phase, harmonics, instant, main, scenario, start_instant, tiers

SEED = int(os.environ.get("AMI_SEED") or 1641)
CASES = int(os.environ.get("AMI_CASES") or 150)
KNOWN_FLAGS = {"PARTIAL", "LONG", "SKIPPED", "OVERFLOW", "CLOCK_FORWARD", "CLOCK_BACKWARD", "POWER_FAIL", "TEST_MODE",
               "TIER_CHANGE"}
STARTS = (("America/Toronto", "2026-03-08T00:00:00-05:00"), ("America/Toronto", "2026-07-01T13:00:00-04:00"),
          ("America/Regina", "2026-01-15T06:30:00-06:00"), ("America/Toronto", "2026-11-01T00:30:00-04:00"),
          ("America/St_Johns", "2026-05-05T09:00:00-02:30"))
OFF_GRID = (("America/Toronto", "2026-03-08T00:07:30-05:00"), ("America/Regina", "2026-02-28T23:59:00-06:00"),
            ("America/Toronto", "2026-12-31T23:50:10-05:00"))


def leg(rng, name, quantity, base, angle, orders):
    entries = [(1, round(base, 3), angle)]
    entries += [(order, round(base * rng.uniform(0.01, 0.3), 3), rng.randrange(-180, 180)) for order in orders]
    return harmonics(name, entries, quantity)


def picked(entries, name, quantity):
    return [(h["order"], h[f"rms_{quantity}"], h["angle_deg"]) for h in entries if h["leg"] == name]


class Drawn:
    """A random scenario and the model of it."""

    def __init__(self, rng, kind=None):
        self.kind = kind or rng.choice(("plain", "plain", "waves", "samples", "clock", "outage", "reset", "tou",
                                        "off_grid"))
        self.zone, self.start = rng.choice(OFF_GRID if self.kind == "off_grid" else STARTS)
        self.interval = rng.choice((300, 900, 1800, 3600))
        self.demand = rng.choice((
            {"method": "block", "window_s": 900}, {"method": "block", "window_s": 1800},
            {"method": "block", "window_s": 3600}, {"method": "sliding", "window_s": 900, "subinterval_s": 300},
            {"method": "sliding", "window_s": 1800, "subinterval_s": 300},
            {"method": "sliding", "window_s": 3600, "subinterval_s": 900},
            {"method": "exponential", "t90_s": rng.choice((900, 1800))}))
        if "window_s" in self.demand and rng.random() < 0.2:
            self.demand = {**self.demand, "quantity": "received"}
        self.ke = rng.choice(("1.2", "7.2", "0.6", "1", "1.8"))
        self.digits, self.decimals = rng.choice(((5, 0), (6, 1), (4, 0), (6, 2)))
        self.bits = rng.choice((8, 16))
        self.form, self.mode = rng.choice((("1S", "form"), ("2S", "form"), ("2S", "true")))
        self.initial = {k: str(Fraction(self.ke) * 5 * rng.randrange(0, 10 ** 7) // 1)
                        for k in ("delivered_wh", "received_wh")} if rng.random() < 0.4 else None
        if self.initial:  # whole pulses, so that a carry begun by the initial register cannot matter
            self.initial = {k: str(Fraction(v) - Fraction(v) % (Fraction(self.ke) * 5)) for k, v in self.initial.items()}
        self.sampling = {"frequency_hz": 60, "samples_per_cycle": rng.choice((12, 16, 32)), "skew_s": rng.choice(
            (0, 1e-6, -2e-5))} if self.kind == "samples" else None
        self.segments, self.loads, self.quantities = [], [], []
        for _ in range(rng.randrange(2, 7)):
            self.add_segment(rng)
        if self.kind == "outage":
            for _ in range(rng.randrange(1, 3)):
                at = rng.randrange(0, len(self.segments) + 1)
                seconds = rng.choice((20, 60, 150, 900, 4000))
                self.segments.insert(at, {"duration_s": seconds, "outage": True})
                self.loads.insert(at, (seconds, model.Outage()))
                self.quantities.insert(at, None)
        phase = grid_phase(self.start)
        total = sum(model.exact(d) for d, _ in self.loads)
        rest = -(phase + total) % 3600  # every grid length divides an hour
        if rest:
            self.segments.append({"duration_s": int(rest) if rest == int(rest) else float(rest), "power_w": 1000})
            self.loads.append((rest, model.Constant(1000)))
            self.quantities.append(None)
        self.events, clock_sets, tou = [], [], []
        end = int(sum(model.exact(d) for d, _ in self.loads))
        if self.kind == "clock":
            at = rng.randrange(1, end)
            by = rng.choice((1, 60, 240, 1000, 4000, -1, -60, -240, -1000, -4000))
            while not self.clean(at, by, phase):
                at += 1
            if at < end:
                clock_sets.append((at, by))
                self.events.append({"at_s": at, "type": "clock_set", "by_s": by})
        if self.kind == "reset":
            boundary = int(self.demand.get("subinterval_s", self.demand.get("window_s", 900)))
            ends = [at for at in range(1, end) if (at + phase) % boundary == 0]
            self.resets = sorted(rng.sample(ends, min(len(ends), rng.randrange(1, 4))))
            self.events += [{"at_s": at, "type": "demand_reset"} for at in self.resets]
        if self.kind in ("tou", "outage") and rng.random() < 0.9:
            tou = [(0, rng.choice("ABCD"))] + [(rng.randrange(1, end),
                                                rng.choice("ABCD")) for _ in range(rng.randrange(0, 5))]
            dark = model.Meter(self.loads, phase).outages  # what an event does to a meter without power is not said
            tou = [(at, tier) for at, tier in tou if not any(a <= at <= b for a, b in dark)]
            tou.sort(key=lambda x: x[0])
            self.events += [{"at_s": at, "type": "tou_tier", "tier": tier} for at, tier in tou]
            self.events.sort(key=lambda e: e["at_s"])
        self.meter = model.Meter(self.loads, phase, clock_sets, tou, Fraction(self.ke))

    def clean(self, at, by, phase):
        """Not within two seconds of a boundary before or after the set, where the texts leave the order open."""
        return all(2 <= (x + phase) % 300 <= 298 for x in (at, at + by))

    def add_segment(self, rng):
        quantities = None
        if self.kind in ("waves", "samples"):
            seconds = rng.choice((60, 300, 900, 1234)) if self.kind == "waves" else rng.choice((60, 300, 450))
            orders = rng.sample((3, 5, 7, 9), rng.randrange(0, 3))
            names = ("L1",) if self.form == "1S" else ("L1", "L2")
            turn = rng.choice((180, -120))
            volts = [h for name, angle in zip(names, (0, turn))
                     for h in leg(rng, name, "v", rng.uniform(110, 130), angle, orders)]
            amps = [h for name, angle in zip(names, (rng.randrange(-180, 180), turn + rng.randrange(-180, 180)))
                    for h in leg(rng, name, "a", rng.uniform(2, 50), angle, orders)]
            pairs = model.element_pairs(self.form, self.mode, picked(volts, "L1", "v"), picked(volts, "L2", "v"),
                                        picked(amps, "L1", "a"), picked(amps, "L2", "a"))
            watts = model.sampled_power(pairs, 60, self.sampling["samples_per_cycle"], self.sampling["skew_s"]) \
                if self.sampling else model.exact_power(pairs)
            quantities = {"p_w": watts}
            if len(pairs) == 1 and not self.sampling:
                quantities = model.power_quantities(*pairs[0])
            self.segments.append({"duration_s": seconds, "voltage": volts, "current": amps})
            self.loads.append((seconds, model.Constant(watts)))
        else:
            seconds = rng.choice((60, 300, 420, 900, 1000, 2700, 12.5, 0.25))
            shape = rng.choice(("constant", "constant", "constant", "ramp", "sine"))
            if shape == "constant":
                watts = rng.choice((rng.randrange(-20000, 45000), round(rng.uniform(-5000, 20000), 3), 0))
                self.segments.append({"duration_s": seconds, "power_w": watts})
                self.loads.append((seconds, model.Constant(watts)))
                quantities = {"p_w": watts}
            elif shape == "ramp":
                a, b = rng.randrange(-9000, 20000), rng.randrange(-9000, 20000)
                self.segments.append({"duration_s": seconds, "power_w": {"ramp_from": a, "ramp_to": b}})
                self.loads.append((seconds, model.Ramp(a, b, seconds)))
            else:
                amplitude, period = rng.randrange(-9000, 20000) or 1, rng.choice((60, 333, 900, 1.5))
                self.segments.append({"duration_s": seconds,
                                      "power_w": {"sine_amplitude": amplitude, "period_s": period}})
                self.loads.append((seconds, model.Sine(amplitude, period)))
        self.quantities.append(quantities)

    @property
    def rational(self):
        """Whether each power is a whole number of nanowatts, constant: then the engine's integers are the model's."""
        return self.kind not in ("waves", "samples") and all(isinstance(x, model.Constant) for _, x in self.loads)

    def scenario(self, **changes):
        what = {"segments": self.segments, "events": self.events or None, "demand": self.demand, "start": self.start,
                "zone": self.zone, "initial": self.initial, "sampling": self.sampling, "form": self.form,
                "mode": self.mode, "ke_wh": float(self.ke), "digits": self.digits, "decimals": self.decimals,
                "interval_s": self.interval, "channel_bits": self.bits, **changes}
        return scenario(what.pop("segments"), **what)


class Comparison(Case):
    def compare(self, index, kind=None):
        drawn = Drawn(random.Random(f"{SEED}/{index}"), kind)
        out = self.run_scenario(drawn.scenario())
        self.totals(drawn, out)
        self.segments(drawn, out)
        self.intervals(drawn, out)
        if drawn.demand["method"] == "exponential":
            self.exponential(drawn, out)
        else:
            self.windows(drawn, out)
        self.maximum(drawn, out)
        self.sum_check(drawn, out)
        if drawn.meter.tiers:
            self.tou(drawn, out)
        return drawn, out

    def totals(self, drawn, out):
        delivered, received = (Fraction(x) / 3600 for x in drawn.meter.totals)
        base = [Fraction(0), Fraction(0)]
        if drawn.initial:  # whether totals begin at zero or at the initial registers is not said: either, but one
            base = [Fraction(drawn.initial[k]) for k in ("delivered_wh", "received_wh")]
            total = Fraction(Decimal(out["energy_wh"]["delivered"]))
            if abs(total - delivered) < abs(total - delivered - base[0]):
                base = [Fraction(0), Fraction(0)]
        want = delivered + base[0], received + base[1]
        got = [Fraction(Decimal(out["energy_wh"][k])) for k in ("delivered", "received", "net")]
        for value, expected, moved in zip(got, want, (delivered, received)):
            # the movement is what must be right to 1e-9, whatever stood on the register
            self.near(value - expected + moved, moved, message="total")
            if drawn.rational and (expected * 10 ** 9).denominator == 1:
                self.assertEqual(value, expected, "a total that a decimal can hold is exact")
        self.assertLessEqual(abs(got[2] - got[0] + got[1]), Fraction(2, 10 ** 9), "net = delivered - received")
        if drawn.rational and all((x * 10 ** 9).denominator == 1 for x in want):
            self.assertEqual(got[2], got[0] - got[1])
        ke = Fraction(drawn.ke)
        for k, value, moved, first in zip(("delivered", "received"), got, (delivered, received), base):
            count = int(out["pulses"][k])
            carry = Fraction(Decimal(out["pulses"]["carry_wh"][k]))
            self.assertTrue(0 <= carry < ke or abs(carry - ke) < Fraction(1, 10 ** 9), f"0 <= carry < Ke: {carry}")
            self.assertTrue(any(abs(count * ke + carry - x) <= Fraction(1, 10 ** 8) for x in (value, value - first)),
                            f"{k}: {count} pulses and {float(carry)} Wh are not {float(value)} Wh")
            if drawn.rational:
                self.assertIn(count, {model.pulses(x * 3600, ke)[0] for x in (moved, moved + first)})
        for k, moved in (("delivered", delivered), ("received", received)):
            first = Fraction(drawn.initial[f"{k}_wh"]) if drawn.initial else 0
            shown = self.display(out, k)
            digits = shown.replace(".", "")
            if "." in shown:
                self.assertEqual(len(shown.partition(".")[2]), drawn.decimals)
            slack = Fraction(0) if drawn.rational else moved / 10 ** 9
            self.assertIn(digits, {model.register(first + moved + d, drawn.digits, drawn.decimals)
                                   for d in (-min(slack, moved), 0, slack)}, f"register of {k}")

    def segments(self, drawn, out):
        self.assertEqual(len(out["segments"]), len(drawn.segments))
        for got, want in zip(out["segments"], drawn.quantities):
            for key, value in (want or {}).items():
                if got.get(key) is not None and value is not None:
                    scale = want.get("s_va") if key.endswith(("_w", "_va", "_var")) else 1
                    if key == "sn_va":  # a difference of squares
                        scale = want["s_va"] * max(1.0, 1e-6 * want["s_va"] / max(value, 1e-9))
                    self.near(got[key], value, 1e-9 if key != "sn_va" else 1e-7, scale=scale, message=key)

    def groups(self, records):
        """Runs of records that are compared together."""
        out = []
        for record in records:
            if out and record.group is not None and out[-1][-1].group == record.group:
                out[-1].append(record)
            else:
                out.append([record])
        return out

    def intervals(self, drawn, out):
        meter, got = drawn.meter, list(out["intervals"])
        for record in got:
            self.assertLessEqual(set(record["flags"]), KNOWN_FLAGS)
            self.assertEqual(len(record["flags"]), len(set(record["flags"])))
        labels = [instant(r["end"]) - start_instant(drawn.start) for r in got]
        cap = 2 ** drawn.bits - 1
        groups = self.groups(meter.records(drawn.interval))
        covered = Fraction(0)
        for number, group in enumerate(groups):
            first, last = group[0], group[-1]
            covered = last.finish
            count = len(group)
            if count > 1:  # how many records this makes is open: up to the one that the next label follows
                follows = groups[number + 1][0].label if number + 1 < len(groups) else None
                options = [n for n in range(1, count + 2) if len(got) >= n and (
                    (n == len(got) and follows is None) or (n < len(got) and labels[n] == follows))]
                self.assertTrue(options, f"records at {labels[:count + 2]} for {group}")
                count = options[-1] if abs(options[-1] - count) <= abs(options[0] - count) else options[0]
            self.assertGreaterEqual(len(got), count, f"record {group} is missing")
            mine, got = got[:count], got[count:]
            here, labels = labels[:count], labels[count:]
            if last.label is not None and count == len(group):
                self.assertEqual(here[-1], last.label, "end as stamped by the meter's clock")
            flags = set().union(*(r["flags"] for r in mine))
            need = set().union(*(r.required for r in group))
            self.assertLessEqual(need, flags, f"flags of {group}")
            extra = flags - need - set().union(*(r.allowed for r in group)) - {"OVERFLOW", "TIER_CHANGE"}
            if len(group) == 1:
                self.assertFalse(extra, f"flags {extra} of {group}")
            energies = meter.between(first.start, last.finish)
            for direction, k in enumerate(("delivered", "received")):
                scale = max(float(x) for x in meter.cumulative(last.finish)) / 3600
                self.near(sum(r[f"{k}_wh"] for r in mine), Fraction(energies[direction]) / 3600,
                          scale=scale if not drawn.rational else 0, message=f"{k} of {group}")
                pulses = meter.pulses_between(first.start, last.finish, direction)
                shown = sum(r[f"{k}_pulses"] for r in mine)
                open_by = sum(meter.near_a_pulse(t, direction) for t in (first.start, last.finish))
                if len(group) == 1:
                    self.assertLessEqual(abs(shown - min(pulses, cap)), open_by, f"{k} pulses of {group}")
                    if abs(pulses - cap) > 1:
                        if pulses > cap:
                            self.assertIn("OVERFLOW", flags)
                elif pulses <= cap:
                    self.assertLessEqual(abs(shown - pulses), open_by, f"{k} pulses of {group}")
            if len(group) == 1:
                both = [meter.pulses_between(first.start, last.finish, d) for d in (0, 1)]
                if max(both) < cap - 1:
                    self.assertNotIn("OVERFLOW", flags)
                inside = [t for t, _ in meter.tiers if first.start < t < last.finish]
                changed = [t for t in inside if self.tier_before(meter, t) != self.tier_at(meter, t)]
                if changed:
                    self.assertIn("TIER_CHANGE", flags)
                elif not [t for t, _ in meter.tiers if first.start <= t <= last.finish]:
                    self.assertNotIn("TIER_CHANGE", flags)
        self.assertLessEqual(len(got), 1, "records that nothing stands for")
        if got:  # a running rest may be shown, never as if it were whole
            self.assertGreater(meter.end, covered)
            self.assertIn("PARTIAL", got[0]["flags"])

    @staticmethod
    def tier_before(meter, t):
        names = [name for at, name in meter.tiers if at < t]
        return names[-1] if names else "A"

    @staticmethod
    def tier_at(meter, t):
        return [name for at, name in meter.tiers if at <= t][-1]

    def windows(self, drawn, out):
        """Block and sliding: each closed grid length over the programmed window."""
        meter, got = drawn.meter, self.trace(out, drawn.start)
        window = drawn.demand["window_s"]
        sub = drawn.demand.get("subinterval_s", window)
        records = meter.records(sub)
        direction = 1 if drawn.demand.get("quantity") == "received" else 0
        energy = [meter.between(r.start, r.finish)[direction] for r in records]
        values = model.sliding(energy, window // sub, window)
        # what an open record touches is open too, for as long as the window holds it
        doubtful = [any(r.group is not None or "LONG" in r.required for r in records[max(0, n - window // sub + 1):n + 1])
                    for n in range(len(records))]
        if drawn.kind == "reset" and sub != window:
            for reset in drawn.resets:  # whether a sliding window forgets at a reset is not said
                doubtful = [d or reset < r.finish < reset + window for d, r in zip(doubtful, records)]
        head = next((n for n, r in enumerate(records) if r.group is not None), len(records))
        tail = next((n for n, r in enumerate(reversed(records)) if r.group is not None), 0)
        if head == len(records):
            self.assertEqual([at if r.label is not None else None for (at, _), r in zip(got, records)],
                             [r.label for r in records], "a trace point at every boundary")
            self.assertEqual(len(got), len(records))
            pairs = list(zip(got, values, doubtful))
        else:
            self.assertGreaterEqual(len(got), head + tail)
            self.assertEqual([at for at, _ in got[:head]], [r.label for r in records[:head]])
            pairs = list(zip(got[:head], values[:head], doubtful[:head]))
            if tail:
                self.assertEqual([at for at, _ in got[-tail:]], [r.label for r in records[-tail:]])
                pairs += list(zip(got[-tail:], values[-tail:], doubtful[-tail:]))
        scale = float(meter.totals[direction]) / window / 1000 if not drawn.rational else 0
        for (at, kw), want, open_value in pairs:
            if not open_value:
                self.near(kw, want, scale=scale, message=f"demand at {float(at)}")

    def exponential(self, drawn, out):
        meter, t90 = drawn.meter, drawn.demand["t90_s"]
        got = self.trace(out, drawn.start)
        quiet = min([a for a, _ in meter.outages] + [Fraction(at) for at, _ in meter.clock_sets] + [meter.end])
        scale = max([abs(float(load.power(float(d) * x))) for d, load in meter.loads for x in (0, 0.25, 0.5, 1)])
        for at, kw in got:  # up to where elapsed time and the meter's clock part
            if at > quiet:
                break
            self.near(kw, meter.thermal_demand(at, t90), scale=scale / 1000, message=f"demand at {float(at)}")
            if at == quiet:
                break
        for start in meter.starts[1:]:
            if start <= quiet:
                self.assertIn(start, [at for at, _ in got], "a trace point at every segment's end")
        if quiet == meter.end:
            self.near(out["demand"]["present_kw"], meter.thermal_demand(meter.end, t90), scale=scale / 1000)

    def maximum(self, drawn, out):
        demand, got = out["demand"], self.trace(out, drawn.start)
        resets = getattr(drawn, "resets", [])
        self.assertEqual(demand["resets"], len(resets))
        thermal = drawn.demand["method"] == "exponential"
        edges = [Fraction(-10 ** 6), *map(Fraction, resets), drawn.meter.end + 10 ** 6]
        maxima = []
        for a, b in zip(edges, edges[1:]):
            maxima.append(max([kw for at, kw in got if a < at <= b] or [0]))
        near = self.near if not thermal else lambda x, y, **_: self.assertGreaterEqual(x, y * (1 - 1e-9))
        if drawn.kind != "clock":
            near(demand["max_kw"], maxima[-1], message="present maximum")
            near(demand["previous_max_kw"], maxima[-2] if resets else 0, message="previous maximum")
            near(demand["cumulative_kw"], sum(maxima[:-1]), message="cumulative")
            if thermal:  # a peak between trace points, or the value that stood at the reset
                peak = max([0, *(drawn.meter.thermal_demand(drawn.meter.end * k / 1000, drawn.demand["t90_s"])
                                 for k in range(1001) if not drawn.meter.outages)])
                if not drawn.meter.outages:
                    self.assertLessEqual(demand["max_kw"], max(peak, *maxima) * 1.01 + 1e-9)
        elif not any("LONG" in r.required for r in drawn.meter.records(drawn.demand.get("subinterval_s",
                                                                       drawn.demand.get("window_s", 900)))):
            near(demand["max_kw"], maxima[-1], message="present maximum")
        self.near(demand["continuous_cumulative_kw"], demand["cumulative_kw"] + demand["max_kw"])
        if demand["max_kw"] > 0 and not thermal:
            at = instant(demand["max_at"]) - start_instant(drawn.start)
            held = [t for t, kw in got if t > edges[-2] and abs(kw - demand["max_kw"]) <= 1e-12 * kw]
            self.assertIn(at, held, "the maximum's time is one at which the trace had it")
            if len(held) > 1 and drawn.rational and drawn.demand["method"] == "block" and drawn.kind != "clock":
                self.assertEqual(at, held[0], "of equal maxima the earlier stays")
        if drawn.kind in ("plain", "waves", "samples", "reset"):
            self.assertFalse(exposed(demand), f"nothing happened that E-34 speaks of: {demand}")

    def sum_check(self, drawn, out):
        """V14: the intervals' pulses against the registers' difference, less than one display step and one pulse."""
        if any("OVERFLOW" in r["flags"] for r in out["intervals"]):
            return
        for k in ("delivered", "received"):
            first = Fraction((drawn.initial or {}).get(f"{k}_wh", 0))
            before = model.register(first, drawn.digits, drawn.decimals)
            moved = drawn.meter.totals[0 if k == "delivered" else 1] / 3600
            step, ke = Fraction(1000, 10 ** drawn.decimals), Fraction(drawn.ke)
            if moved >= 1000 * 10 ** (drawn.digits - drawn.decimals) - step:
                continue
            delta = model.register_delta(before, self.display(out, k).replace(".", ""), drawn.digits, drawn.decimals)
            recorded = sum(r[f"{k}_pulses"] for r in out["intervals"]) * ke
            rest = 0 if drawn.kind != "clock" else (moved - sum(Fraction(r[f"{k}_wh"]) for r in out["intervals"]))
            self.assertLess(abs(recorded + rest - delta * 1000), step + ke, f"V14 of {k}")
            self.near(sum(r[f"{k}_wh"] for r in out["intervals"]) + float(rest), moved, message=f"sum of intervals, {k}")

    def tou(self, drawn, out):
        want, got = drawn.meter.by_tier(), tiers(out)
        for name in {*want, *got}:
            for direction in (0, 1):
                w = want.get(name, (0, 0))[direction]
                self.near(got.get(name, (0, 0))[direction], Fraction(w) / 3600,
                          scale=float(max(drawn.meter.totals)) / 3600, message=f"tier {name}")
        for direction in (0, 1):
            self.near(sum(x[direction] for x in got.values()), Fraction(drawn.meter.totals[direction]) / 3600,
                      message="the bulk register is the sum of its tiers")


class Random(Comparison):
    """Filled by add_random_cases."""


def add_random_cases():
    chunk = 10
    for first in range(0, CASES, chunk):
        def run(self, first=first):
            for index in range(first, min(first + chunk, CASES)):
                with self.subTest(seed=SEED, case=index):
                    self.compare(index)
        setattr(Random, f"test_cases_from_{first:04d}", run)


class Mixed(Comparison):
    """Clock sets, resets, tiers and power failures together: what must hold whatever the texts leave open."""

    def test_everything_at_once(self):
        for index in range(CASES // 3):
            with self.subTest(seed=SEED, case=f"mixed/{index}"):
                self.everything(index)

    def everything(self, index):
        rng = random.Random(f"{SEED}/mixed/{index}")
        drawn = Drawn(rng, "outage")
        end, dark = int(drawn.meter.end), drawn.meter.outages
        times = sorted(at for at in rng.sample(range(1, end), min(end - 1, 12))
                       if not any(a <= at <= b for a, b in dark))
        drawn.events, clock_sets, tou, resets = [], [], [], 0
        for at in times:
            kind = rng.choice(("clock_set", "demand_reset", "tou_tier"))
            event = {"at_s": at, "type": kind}
            if kind == "clock_set":
                event["by_s"] = rng.choice((1, -1, 30, -30, 600, -600, 5000, -5000, 0.5))
                clock_sets.append((at, event["by_s"]))
            elif kind == "tou_tier":
                event["tier"] = rng.choice("ABCD")
                tou.append((at, event["tier"]))
            else:
                resets += 1
            drawn.events.append(event)
        drawn.meter = model.Meter(drawn.loads, grid_phase(drawn.start), clock_sets, tou, Fraction(drawn.ke))
        out = self.run_scenario(drawn.scenario())
        self.totals(drawn, out)
        self.tou(drawn, out)
        records = drawn.meter.records(drawn.interval)
        if records and records[-1].group is None:
            moved = drawn.meter.between(0, records[-1].finish)
            for direction, k in enumerate(("delivered", "received")):
                self.near(sum(r[f"{k}_wh"] for r in out["intervals"]), Fraction(moved[direction]) / 3600,
                          scale=float(max(drawn.meter.totals)) / 3600, message=f"sum of intervals, {k}")
        for label, record in zip(self.labels(out, drawn.start), out["intervals"]):
            self.assertLessEqual(set(record["flags"]), KNOWN_FLAGS)
            if (label + grid_phase(drawn.start)) % drawn.interval:
                self.assertTrue({"PARTIAL", "LONG"} & set(record["flags"]), f"an end off the grid: {record}")
        forward, backward = any(by > 0 for _, by in clock_sets), any(by < 0 for _, by in clock_sets)
        said = set().union(*(r["flags"] for r in out["intervals"]), set())
        self.assertLessEqual("CLOCK_FORWARD" in said, forward)
        self.assertLessEqual("CLOCK_BACKWARD" in said, backward)
        demand = out["demand"]
        self.assertEqual(demand["resets"], resets)
        self.near(demand["continuous_cumulative_kw"], demand["cumulative_kw"] + demand["max_kw"])
        if drawn.demand["method"] != "exponential":
            held = [0.0, *(kw for _, kw in self.trace(out, drawn.start))]
            for key in ("max_kw", "previous_max_kw"):
                self.assertTrue(any(abs(kw - demand[key]) <= 1e-12 * kw for kw in held), key)
        if not resets:
            self.assertEqual((demand["previous_max_kw"], demand["cumulative_kw"]), (0, 0))


class Invariants(Case):
    """What must not depend on how the same thing is said."""

    def same(self, a, b, path=""):
        if isinstance(a, dict) and isinstance(b, dict):
            self.assertEqual(a.keys(), b.keys(), path)
            for key in a:
                self.same(a[key], b[key], f"{path}.{key}")
        elif isinstance(a, list) and isinstance(b, list):
            self.assertEqual(len(a), len(b), path)
            for n, (x, y) in enumerate(zip(a, b)):
                self.same(x, y, f"{path}[{n}]")
        elif isinstance(a, float) or isinstance(b, float):
            self.assertLessEqual(abs(a - b), 1e-12 * max(1.0, abs(a)), path)
        else:
            self.assertEqual(a, b, path)

    def split(self, rng, segments):
        out = []
        for s in segments:
            d = s["duration_s"]
            if not isinstance(d, int) or d < 2 or isinstance(s.get("power_w"), dict):
                out.append(s)
                continue
            cut = rng.randrange(1, d)
            out += [{**s, "duration_s": cut}, {**s, "duration_s": d - cut}]
        return out

    def test_splitting_a_segment_changes_nothing_but_segments(self):
        for index in range(30):
            kind = ("plain", "clock", "outage", "reset", "tou", "off_grid", "waves", "samples")[index % 8]
            rng = random.Random(f"{SEED}/split/{index}")
            drawn = Drawn(rng, kind)
            if drawn.demand["method"] == "exponential":  # its trace has a point at every segment's end
                drawn.demand = {"method": "block", "window_s": 900}
            with self.subTest(seed=SEED, case=index, kind=kind):
                whole = self.run_scenario(drawn.scenario())
                parts = self.run_scenario(drawn.scenario(segments=self.split(rng, drawn.segments)))
                for out in (whole, parts):
                    for key in set(out) - {"energy_wh", "pulses", "intervals", "demand", "registers", "tou"}:
                        del out[key]
                    if kind in ("waves", "samples"):
                        self.round_energies(out)
                self.same(whole, parts)

    @staticmethod
    def round_energies(out):
        """Sampled energy is the same to 1e-9, not to the last digit."""
        out["energy_wh"] = {k: float(f"{float(v):.7g}") for k, v in out["energy_wh"].items()}
        out["pulses"].pop("carry_wh", None)

    def test_splitting_an_exponential_keeps_every_value(self):
        for index in range(8):
            rng = random.Random(f"{SEED}/thermal/{index}")
            drawn = Drawn(rng, "plain")
            drawn.demand = {"method": "exponential", "t90_s": 900}
            with self.subTest(seed=SEED, case=index):
                whole = self.run_scenario(drawn.scenario())
                parts = self.run_scenario(drawn.scenario(segments=self.split(rng, drawn.segments)))
                trace = dict(self.trace(parts, drawn.start))
                for at, kw in self.trace(whole, drawn.start):
                    self.near(trace[at], kw, scale=20)
                for key in ("energy_wh", "pulses", "registers", "intervals"):
                    self.same(whole[key], parts[key])
                self.assertGreaterEqual(parts["demand"]["max_kw"], whole["demand"]["max_kw"] * (1 - 1e-12))

    def test_splitting_a_ramp_and_a_sine_at_its_period(self):
        whole = self.run_scenario(scenario([{"duration_s": 1800, "power_w": {"ramp_from": -2000, "ramp_to": 7000}},
                                            {"duration_s": 1800, "power_w": {"sine_amplitude": 6000, "period_s": 200}}]))
        parts = self.run_scenario(scenario([
            {"duration_s": 600, "power_w": {"ramp_from": -2000, "ramp_to": 1000}},
            {"duration_s": 1200, "power_w": {"ramp_from": 1000, "ramp_to": 7000}},
            {"duration_s": 400, "power_w": {"sine_amplitude": 6000, "period_s": 200}},
            {"duration_s": 1400, "power_w": {"sine_amplitude": 6000, "period_s": 200}}]))
        for k in ("delivered", "received", "net"):
            self.near(Decimal(parts["energy_wh"][k]), Decimal(whole["energy_wh"][k]), scale=4000)
        for a, b in zip(whole["intervals"], parts["intervals"]):
            self.near(a["delivered_wh"], b["delivered_wh"], scale=4000)

    def test_a_thousand_small_segments_do_not_drift(self):
        out = self.run_scenario(scenario([{"duration_s": 3.6, "power_w": 1000 / 3}] * 1000 +
                                         [{"duration_s": 3600, "power_w": 1000 / 3}]))
        whole = self.run_scenario(scenario([{"duration_s": 7200, "power_w": 1000 / 3}]))
        self.assertEqual(out["energy_wh"], whole["energy_wh"])
        self.assertEqual(out["pulses"], whole["pulses"])
        self.near(Decimal(out["energy_wh"]["delivered"]), 2000 / 3)

    def test_a_year_does_not_drift(self):
        seconds = 365 * 86400
        out = self.run_scenario(scenario([{"duration_s": seconds, "power_w": {"sine_amplitude": 3000,
                "period_s": 86400}}],
                                         interval_s=3600, demand={"method": "block", "window_s": 3600}), timeout=120)
        want = 365 * 3000 * 86400 / math.pi / 3600
        self.near(Decimal(out["energy_wh"]["delivered"]), want)
        self.near(Decimal(out["energy_wh"]["received"]), want)
        self.near(Decimal(out["energy_wh"]["net"]), 0, scale=want)
        self.assertEqual(len(out["intervals"]), 8760)
        self.near(sum(r["delivered_wh"] for r in out["intervals"]), want)

    def test_same_scenario_same_bytes(self):
        what = Drawn(random.Random(f"{SEED}/again"), "tou").scenario()
        self.assertEqual(self.run_scenario(what), self.run_scenario(what))

    def test_events_of_one_time_act_in_the_order_they_are_written(self):
        load = [{"duration_s": 1800, "power_w": 3600}]
        for order, want in ((("B", "C"), {"A": 1200, "C": 600}), (("C", "B"), {"A": 1200, "B": 600})):
            out = self.run_scenario(scenario(load, events=[{"at_s": 0, "type": "tou_tier", "tier": "A"}] + [
                {"at_s": 1200, "type": "tou_tier", "tier": tier} for tier in order]))
            self.assertEqual({k: v[0] for k, v in tiers(out).items() if v[0]}, want)

    def test_reset_twice_at_one_time_destroys_the_maximum(self):
        out = self.run_scenario(scenario([{"duration_s": 1800, "power_w": 3600}, {"duration_s": 900, "power_w": 0}],
                                         events=[{"at_s": 2000, "type": "demand_reset"}] * 2))["demand"]
        self.assertEqual((out["resets"], out["previous_max_kw"], out["max_kw"]), (2, 0, 0))
        self.near(out["cumulative_kw"], 3.6)

    def test_a_reset_on_a_boundary_takes_the_interval_that_ends_there(self):
        out = self.run_scenario(scenario([{"duration_s": 900, "power_w": 4800}, {"duration_s": 900, "power_w": 5200}],
                                         events=[{"at_s": 900, "type": "demand_reset"}]))["demand"]
        self.near(out["previous_max_kw"], 4.8)
        self.near(out["max_kw"], 5.2)

    def test_a_tier_change_on_a_boundary_gives_the_interval_before_to_the_old_tier(self):
        out = self.run_scenario(scenario([{"duration_s": 1800, "power_w": 3600}], events=[
            {"at_s": 0, "type": "tou_tier", "tier": "A"}, {"at_s": 900, "type": "tou_tier", "tier": "D"}]))
        self.assertEqual({k: v[0] for k, v in tiers(out).items() if v[0]}, {"A": 900, "D": 900})

    def test_set_forward_and_back_at_one_time_moves_no_end(self):
        plain = self.run_scenario(scenario([{"duration_s": 2700, "power_w": 3600}]))
        both = self.run_scenario(scenario([{"duration_s": 2700, "power_w": 3600}], events=[
            {"at_s": 1200, "type": "clock_set", "by_s": 60}, {"at_s": 1200, "type": "clock_set", "by_s": -60}]))
        self.assertEqual(self.labels(plain), self.labels(both))
        for a, b in zip(plain["intervals"], both["intervals"]):
            self.assertEqual(a["delivered_wh"], b["delivered_wh"])


class ClockAndPower(Case):
    """2.6 and 2.9 on a 900-s grid at 3.6 kW (1 Wh a second), worked by hand."""
    LOAD = [{"duration_s": 4500, "power_w": 3600}]

    def run_events(self, *events, load=None, **meter):
        out = self.run_scenario(scenario(load or self.LOAD, events=list(events), **meter))
        return out, [(at, r["delivered_wh"], set(r["flags"])) for at, r in zip(self.labels(out), out["intervals"])]

    def test_set_forward_inside_an_interval(self):
        out, got = self.run_events({"at_s": 1200, "type": "clock_set", "by_s": 120})
        self.assertEqual(got[:4], [(900, 900, set()), (1800, 780, {"PARTIAL", "CLOCK_FORWARD"}), (2700, 900, set()),
                                   (3600, 900, set())])
        self.near(out["demand"]["max_kw"], 3.6)
        self.assertEqual(self.trace(out)[1], (1800, 3.12), "divided by the programmed length")
        self.assertFalse(exposed(out["demand"]), "the maximum is the first interval's, before the set")

    def test_set_back_inside_an_interval(self):
        _, got = self.run_events({"at_s": 1400, "type": "clock_set", "by_s": -120})
        self.assertEqual(got[:3], [(900, 900, set()), (1800, 1020, {"LONG", "CLOCK_BACKWARD"}), (2700, 900, set())])

    def test_set_back_over_the_start_of_the_interval(self):
        _, got = self.run_events({"at_s": 1000, "type": "clock_set", "by_s": -300})
        self.assertEqual(got[0], (900, 900, set()))
        self.assertEqual(got[1][1:], (100, {"PARTIAL", "CLOCK_BACKWARD"}))
        self.assertEqual((got[2][0], got[2][1]), (900, 200), "labels repeat, nothing is overwritten")
        self.assertIn("PARTIAL", got[2][2])
        self.assertEqual(got[3], (1800, 900, set()))

    def test_set_forward_to_the_very_end(self):
        _, got = self.run_events({"at_s": 1500, "type": "clock_set", "by_s": 300})
        self.assertEqual(got[1], (1800, 600, {"PARTIAL", "CLOCK_FORWARD"}))
        self.assertEqual(got[2], (2700, 900, set()))

    def test_set_forward_over_several_ends_invents_nothing(self):
        out, got = self.run_events({"at_s": 1000, "type": "clock_set", "by_s": 2000})
        whole = [g for g in got if not g[2]]
        self.assertEqual(got[0], (900, 900, set()))
        self.assertIn((4500, 900, set()), whole)
        flags = set().union(*(g[2] for g in got))
        self.assertLessEqual({"PARTIAL", "CLOCK_FORWARD", "SKIPPED"}, flags)
        self.assertFalse({1800, 2700, 3600} <= {g[0] for g in got}, "no record for an end that was jumped over")
        touched = [g for g in got if g[2] and g[0] <= 3600]
        self.assertEqual(sum(g[1] for g in touched), 700, "100 s before the set and 600 s after it")
        self.energy(out, 4500, 0)

    def test_maximum_over_a_clock_set_is_exposed_and_not_altered(self):
        load = [{"duration_s": 900, "power_w": 3600}, {"duration_s": 900, "power_w": 36000}, {"duration_s": 900,
                "power_w": 0}]
        out, _ = self.run_events({"at_s": 1200, "type": "clock_set", "by_s": 120}, load=load)
        # elapsed 900..1680 at 36 kW: 7800 Wh over the programmed quarter of an hour
        self.near(out["demand"]["max_kw"], 31.2)
        self.assertEqual(instant(out["demand"]["max_at"]) - start_instant(START), 1800)
        self.assertTrue(exposed(out["demand"]), out["demand"])
        self.assertRegex(str(out["demand"]), "(?i)clock", "its cause stands with it")

    def test_maximum_over_an_outage_is_exposed(self):
        load = [{"duration_s": 900, "power_w": 3600}, {"duration_s": 300, "power_w": 36000}, {"duration_s": 60,
                "outage": True},
                {"duration_s": 540, "power_w": 36000}, {"duration_s": 900, "power_w": 0}]
        out, got = self.run_events(load=load)
        self.near(out["demand"]["max_kw"], 33.6)
        self.assertTrue(exposed(out["demand"]), out["demand"])
        self.assertRegex(str(out["demand"]), "(?i)power")
        self.assertEqual(got[1][:2], (1800, 8400))
        self.assertIn("POWER_FAIL", got[1][2])
        self.assertEqual((got[0][2], got[2][2]), (set(), set()))

    def test_maximum_over_a_tier_change_is_exposed(self):
        load = [{"duration_s": 900, "power_w": 3600}, {"duration_s": 900, "power_w": 36000}, {"duration_s": 900,
                "power_w": 0}]
        out, got = self.run_events({"at_s": 1300, "type": "tou_tier", "tier": "B"}, load=load)
        self.near(out["demand"]["max_kw"], 36)
        self.assertTrue(exposed(out["demand"]), out["demand"])
        self.assertRegex(str(out["demand"]), "(?i)tier|tou")
        self.assertIn("TIER_CHANGE", got[1][2])
        self.assertNotIn("TIER_CHANGE", got[2][2])

    def test_events_after_the_maximum_do_not_expose_it(self):
        load = [{"duration_s": 900, "power_w": 36000}, {"duration_s": 1800, "power_w": 3600}]
        for event in ({"type": "clock_set", "by_s": 60}, {"type": "tou_tier", "tier": "B"}):
            out, _ = self.run_events({"at_s": 1300, **event}, load=load)
            self.assertFalse(exposed(out["demand"]), out["demand"])

    def test_exposure_goes_with_the_reset(self):
        load = [{"duration_s": 900, "power_w": 36000}, {"duration_s": 900, "power_w": 0}, {"duration_s": 900,
                "power_w": 3600}]
        out, _ = self.run_events({"at_s": 300, "type": "tou_tier", "tier": "B"}, {"at_s": 1200,
                "type": "demand_reset"}, load=load)
        self.near(out["demand"]["max_kw"], 3.6)
        self.assertFalse(exposed(out["demand"]), out["demand"])

    def test_a_sliding_window_is_exposed_as_long_as_it_holds_the_event(self):
        load = [{"duration_s": 900, "power_w": 3600}, {"duration_s": 1800, "power_w": 7200}]
        out = self.run_scenario(scenario(load, events=[{"at_s": 1000, "type": "tou_tier", "tier": "B"}],
                                         demand={"method": "sliding", "window_s": 900, "subinterval_s": 300}))
        self.near(out["demand"]["max_kw"], 7.2)  # first at 1800, whose window is 900..1800
        self.assertEqual(instant(out["demand"]["max_at"]) - start_instant(START), 1800)
        self.assertTrue(exposed(out["demand"]), out["demand"])

    def test_partial_first_interval_never_counts_as_whole(self):
        out = self.run_scenario(scenario([{"duration_s": 300, "power_w": 36000}, {"duration_s": 1800, "power_w": 3600}],
                                         start="2026-03-08T00:10:00-05:00"))
        first = out["intervals"][0]
        self.assertEqual((first["end"][:19], first["delivered_wh"]), ("2026-03-08T05:15:00", 3000))
        self.assertIn("PARTIAL", first["flags"])
        self.assertLessEqual(out["demand"]["max_kw"], 12.0 + 1e-9,
                             "3 kWh over a quarter of an hour, or discarded: never 36 kW")
        self.assertEqual([r["flags"] for r in out["intervals"][1:]], [[], []])

    def test_power_failure_over_several_intervals_loses_no_energy_and_invents_none(self):
        load = [{"duration_s": 1000, "power_w": 3600}, {"duration_s": 3000, "outage": True}, {"duration_s": 1400,
                "power_w": 3600}]
        out, got = self.run_events(load=load)
        self.energy(out, 2400, 0)
        self.assertEqual(got[0], (900, 900, set()))
        self.assertEqual(got[-1], (5400, 900, set()))
        self.assertEqual(sum(g[1] for g in got), 2400)
        self.assertIn("POWER_FAIL", got[1][2])
        self.assertIn((4500, 500), [g[:2] for g in got])
        for g in got:
            if 1800 < g[0] < 4500:
                self.assertEqual(g[1], 0)
                self.assertTrue(g[2])

    def test_grid_is_of_civil_time_at_the_start_offset(self):
        out = self.run_scenario(scenario([{"duration_s": 7200, "power_w": 3600}], start="2026-05-05T09:10:00-02:30",
                                         zone="America/St_Johns", interval_s=3600))
        self.assertEqual([r["end"][11:19] for r in out["intervals"]][:1], ["12:30:00"])  # 10:00 at -02:30
        self.assertIn("PARTIAL", out["intervals"][0]["flags"])

    def test_energies_with_no_finite_decimal_stay_within_a_nanowatthour(self):
        out = self.run_scenario(scenario([{"duration_s": 1, "power_w": 1}, {"duration_s": 899, "power_w": 0}]))
        self.assertLess(abs(Fraction(Decimal(out["energy_wh"]["delivered"])) - Fraction(1, 3600)), Fraction(1, 10 ** 9))


if __name__ == "__main__":
    print(f"AMI_SEED={SEED} AMI_CASES={CASES}", flush=True)
    add_random_cases()
    main()
