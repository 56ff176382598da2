"""Estimates as reference 3.3 has them: what is put where nothing came, out of what, in which layer, and that it makes
way for a late value."""
import datetime
import json
import time
import unittest
from fractions import Fraction

import model
import site_under_test
from days import DAY, Day
from model import CODES
from site_under_test import api
from test_checks import merged, ssn_day
from vendor_files import cmep_intervals, cmep_registers

MISSING, ESTIMATED = CODES["V07 missing"], "2.8.0"
EARLIER = ["2026-01-07", "2026-01-08", "2026-01-09", "2026-01-10", "2026-01-11", "2026-01-12", "2026-01-13"]  # Wed .. Tue
LIKE = ["2026-01-08", "2026-01-09", "2026-01-12", "2026-01-13"]  # the latest four weekdays before DAY
WIDE = range(40, 52)   # 3 hours


def busy(day=DAY, **values):
    """A day on which 2000 Wh are no spike."""
    out = Day(day, **values)
    return out.fill([1000 + v for v in out.values])


def gap(first, count, day=None, **anchors):
    return (day or busy()).set({first + i: None for i in range(count)}).set({int(k[1:]): v for k, v in anchors.items()})


def with_gap(day, values):
    return [e if v is None else v for v, e in zip(day.values, values)]


class Gap:
    """A meter with holes: what must stand in them. None = they stay empty."""

    def __init__(self, name, about, expect, methods=(), advance=None, feed="full", content=None, scaled=None, meter=None):
        self.name, self.about, self.expect, self.methods, self.feed = name, about, expect, set(methods), feed
        self.scaled, self.meter = scaled, meter or {}
        self.content = content or (lambda m: about.intervals(m) + (
            about.registers(m, advance=about.total + advance) if advance is not None else ""))
        self.channel = "ssn:lp:1" if feed == "ssn" else "cmep:KWH"


def history(meter, day, values_of):
    """A week of complete days before DAY: values_of(date, index)."""
    out = day.intervals(meter)
    for date in EARLIER:
        about = busy(date)
        out += about.fill([values_of(date, i) for i in range(96)]).intervals(meter)
    return out


def like_values(date, i):
    """Weekdays differ by date so that the mean of the latest four is whole; the weekend and the fifth differ a lot."""
    return 1500 + i if date not in LIKE else 1000 + 8 * (i % 5) + 4 * LIKE.index(date)


def like_mean():
    days = [[like_values(date, i) for i in range(96)] for date in reversed(LIKE)]
    return model.like_day(days, WIDE)


def gaps():
    out = []
    three = gap(21, 3, s20=1200, s24=2000)
    out.append(Gap("E-VECTOR", three, [1400, 1600, 1800], ["LINEAR"]))
    out.append(Gap("E-VECTOR-AGAIN", three, [1400, 1600, 1800], ["LINEAR"]))
    for count in (1, 8):
        about = gap(21, count)
        a, b = about.values[20], about.values[21 + count]
        about.set({21 + count: a + 9 * (count + 1)})
        out.append(Gap(f"E-LINEAR-{count}", about, model.linear(a, a + 9 * (count + 1), count), ["LINEAR"]))
    out.append(Gap("E-NINE", gap(21, 9), None))
    out.append(Gap("E-HOURS-TWO", gap(10, 2, busy(length_s=3600), s9=1200, s12=1500), [1300, 1400], ["LINEAR"]))
    out.append(Gap("E-HOURS-THREE", gap(10, 3, busy(length_s=3600)), None))
    out.append(Gap("E-HEAD", three, None, feed="head"))
    out.append(Gap("E-OFF", three, None, feed="silent"))

    # Registers bracket the gap: the energy is theirs, the shape that of the straight line.
    even = gap(21, 3, Day(), s20=1, s24=1)
    out.append(Gap("E-SCALED", even, [4, 3, 3], ["LINEAR"], advance=10, scaled=True))
    ramp = gap(21, 4, Day(), s20=0, s25=5)
    out.append(Gap("E-SCALED-SHAPE", ramp, [500, 1000, 1500, 2000], ["LINEAR"], advance=5000, scaled=True))
    flat = gap(21, 12)
    out.append(Gap("E-SCALED-FLAT", flat, model.largest_remainder(12007, [1] * 12, 1), ["FLAT"], advance=12007, scaled=True))
    nothing = gap(21, 3)
    out.append(Gap("E-SCALED-NOTHING", nothing, [0, 0, 0], ["LINEAR"], advance=0, scaled=True))
    pulses = Day(ke="7.2").set({21: None, 22: None, 23: None, 20: "7.2", 24: "7.2"})
    whole = Fraction(72)   # ten pulses; the rest of the day is a whole number of Wh, as the register shows it
    pulses.set({0: pulses.values[0] + (-pulses.total % 36)})
    out.append(Gap("E-SCALED-PULSES", pulses, [Fraction(144, 5), Fraction(108, 5), Fraction(108, 5)], ["LINEAR"],
                   advance=whole, scaled=True, meter={"class": "100"}))
    two = gap(60, 2, gap(21, 2, Day(), s20=10, s23=10), s59=30, s62=30)
    out.append(Gap("E-SCALED-TWO-GAPS", two, [5, 5, 15, 15], ["LINEAR"], advance=40, scaled=True))

    # Anchors across midnight; across the repeated hour, in time and not by the clock's face.
    one, other = busy("2026-01-14"), busy("2026-01-15")
    one.set({93: 1200, 94: None, 95: None})
    other.set({0: None, 1: None, 2: 1700})
    out.append(Gap("E-MIDNIGHT", one, [1300, 1400], ["LINEAR"], content=lambda m: one.intervals(m) + other.intervals(m)))
    autumn = gap(4, 7, busy("2025-11-02"), s3=1000, s11=1800)
    out.append(Gap("E-AUTUMN", autumn, [1100, 1200, 1300, 1400, 1500, 1600, 1700], ["LINEAR"]))
    spring = gap(6, 5, busy("2026-03-08"), s5=1000, s11=1600)
    out.append(Gap("E-SPRING", spring, [1100, 1200, 1300, 1400, 1500], ["LINEAR"]))

    # A suspect neighbour is no anchor: one of eight equal values, one that came twice with two values, a spike of 9 kWh.
    same = gap(21, 3).set({i: 1111 for i in range(13, 21)})
    out.append(Gap("E-FROZEN-ANCHOR", same, None))
    twice = gap(21, 3)
    out.append(Gap("E-CONFLICT-ANCHOR", twice, None, content=lambda m: twice.intervals(m) + cmep_intervals(
        m, [(twice.starts[24], twice.values[24] - 1)])))
    out.append(Gap("E-SPIKE-ANCHOR", gap(21, 3, s20=1200, s24=9000), None))
    # Like days: the mean of the latest four of the same class, at the same places.
    wide = gap(WIDE[0], len(WIDE))
    out.append(Gap("E-LIKE", wide, like_mean(), ["LIKE_DAYS"], content=lambda m: history(m, wide, like_values)))
    scaled = model.largest_remainder(20000, like_mean(), 1)
    out.append(Gap("E-LIKE-SCALED", wide, scaled, ["LIKE_DAYS"], scaled=True, content=lambda m: history(
        m, wide, like_values) + wide.registers(m, advance=wide.total + 20000)))
    # A holiday is like no weekday (2026-02-16 is a Monday and a holiday of this site).
    family = gap(WIDE[0], len(WIDE), busy("2026-02-16"))
    workdays = ["2026-02-10", "2026-02-11", "2026-02-12", "2026-02-13"]
    out.append(Gap("E-HOLIDAY", family, None, content=lambda m: family.intervals(m) + "".join(
        busy(d).intervals(m) for d in workdays)))

    # What an outage record says.
    dark = gap(40, 4)
    covered = [(dark.starts[40], "T_OUTAGE"), (dark.starts[44], "T_RESTORATION")]
    out.append(Gap("E-OUTAGE", dark, [0, 0, 0, 0], ["ZERO_IN_OUTAGE"], feed="ssn",
                   content=lambda m: ssn_day(m, dark, events=covered)))
    beside = [(dark.starts[39] + 60, "T_OUTAGE"), (dark.starts[39] + 300, "T_RESTORATION"),
              (dark.starts[44] + 60, "T_OUTAGE"), (dark.starts[44] + 300, "T_RESTORATION")]
    out.append(Gap("E-OUTAGE-BESIDE", dark, None, feed="ssn", content=lambda m: ssn_day(m, dark, events=beside)))
    tested = [(dark.starts[39] + 60, "T_TEST_MODE_START"), (dark.starts[39] + 300, "T_TEST_MODE_STOP")]
    out.append(Gap("E-TESTED-ANCHOR", dark, None, feed="ssn", content=lambda m: ssn_day(m, dark, events=tested)))
    return out


class EachGap(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.site = site_under_test.the()
        cls.gaps = gaps()
        cls.site.enlist([(g.name, {"until": g.about.end + 86400, **g.meter}) for g in cls.gaps] + [(n, {}) for n in ("E-NEGATIVE", "E-LIKE-OUTAGE")])
        for feed in ("full", "head", "silent"):
            cls.site.drop(feed, "".join(g.content(g.name) for g in cls.gaps if g.feed == feed))
        cls.negative = gap(21, 3, Day())
        cls.site.drop("full", cls.negative.intervals("E-NEGATIVE") + cls.negative.registers(
            "E-NEGATIVE", advance=cls.negative.total - 5))
        documents = [g.content(g.name) for g in cls.gaps if g.feed == "ssn"]
        # The newest like day had an outage: the fifth takes its place.
        cls.wide = gap(WIDE[0], len(WIDE))
        documents += [ssn_day("E-LIKE-OUTAGE", cls.wide)]
        for date in EARLIER:
            about = busy(date).fill([1000 + 16 * (i % 3) + (400 if date == LIKE[-1] else 0) for i in range(96)])
            cut = [(about.starts[10], "T_OUTAGE"), (about.starts[11], "T_RESTORATION")] if date == LIKE[-1] else []
            documents.append(ssn_day("E-LIKE-OUTAGE", about, events=cut))
        cls.site.drop("ssn", merged(documents))
        cls.site.settle()

    def estimates(self, g):
        slots = self.site.best(g.name, g.about, g.channel)
        return [s for s, v in zip(slots, g.about.values) if v is None]

    @property
    def inside_a_day(self):
        return [g for g in self.gaps if g.name != "E-MIDNIGHT"]

    def has_the_estimate(self, g):
        told = self.estimates(g)
        self.assertEqual([s.value for s in told], g.expect or [None] * len(told))
        self.assertEqual({s.estimate.method for s in told if s.estimate}, g.methods)

    def test_each_hole_has_the_estimate_that_the_rules_give(self):
        for g in self.inside_a_day:
            with self.subTest(g.name):
                self.has_the_estimate(g)

    def test_a_gap_over_midnight_has_the_estimate_that_the_rules_give(self):
        self.has_the_estimate(next(g for g in self.gaps if g.name == "E-MIDNIGHT"))

    def test_estimates_say_so_and_cite_their_inputs(self):
        for g in self.inside_a_day:
            for slot in self.estimates(g):
                with self.subTest(g.name):
                    if g.expect is None:
                        self.assertIsNone(slot.estimate)
                        continue
                    self.assertIn(ESTIMATED, slot.codes)
                    self.assertEqual(slot.estimate.algorithm, "ami.vee.interval-estimation")
                    self.assertGreater(slot.estimate.version, 0)
                    self.assertTrue(json.loads(slot.estimate.inputs))

    def test_what_was_received_is_the_same_in_best(self):
        for g in self.gaps:
            with self.subTest(g.name):
                slots = self.site.best(g.name, g.about, g.channel)
                self.assertEqual([s.value for s, v in zip(slots, g.about.values) if v is not None],
                                 [v for v in g.about.values if v is not None])
                self.assertFalse([s for s, v in zip(slots, g.about.values) if v is not None and (s.estimate or ESTIMATED in s.codes)])

    def test_raw_and_validated_show_the_holes(self):
        for g in self.gaps:
            for layer in (api.RAW, api.VALIDATED, api.LAYER_UNSPECIFIED):
                with self.subTest(g.name, layer=layer):
                    slots = self.site.slots(g.name, g.about.begin, g.about.end, layer=layer, channel=g.channel)
                    self.assertEqual([slots[s].value for s in g.about.starts], g.about.values)

    def test_a_gap_between_registers_is_scaled_so_that_the_sum_is_exact(self):
        for g in self.gaps:
            if g.scaled:
                with self.subTest(g.name):
                    registers = sorted((when, value) for when, channel, value, _ in self.site.registers(g.name))
                    self.assertEqual(sum(s.value for s in self.site.best(g.name, g.about)), registers[-1][1] - registers[0][1])
                    answer = self.site.explain(g.name, g.about.day)
                    told = [e for c in answer.days[0].channels for e in c.estimates]
                    self.assertEqual({e.register_scaled for e in told}, {True})

    def test_where_less_than_nothing_is_left_nothing_is_scaled_and_v14_is_raised(self):
        told = [s for s, v in zip(self.site.best("E-NEGATIVE", self.negative), self.negative.values) if v is None]
        line = model.linear(self.negative.values[20], self.negative.values[24], 3)
        self.assertIn([s.value for s in told], ([None] * 3, [round(v) for v in line]))
        self.assertIn("V14", {f.check for f in self.site.findings("E-NEGATIVE")})
        self.assertEqual({i for i, s in enumerate(self.site.slots("E-NEGATIVE", self.negative.begin, self.negative.end).values())
                          if CODES["V14"] in s.codes and s.value is not None},
                         {i for i, v in enumerate(self.negative.values) if v is not None})

    def test_a_day_with_an_outage_is_no_like_day(self):
        told = [s for s, v in zip(self.site.best("E-LIKE-OUTAGE", self.wide, "ssn:lp:1"), self.wide.values) if v is None]
        self.assertEqual([s.value for s in told], [1000 + 16 * (i % 3) for i in WIDE])

    def test_explain_names_method_inputs_and_what_stayed_empty(self):
        day = self.site.explain("E-VECTOR", DAY).days[0]
        channel = next(c for c in day.channels if c.channel == "cmep:KWH")
        self.assertEqual([(e.method, e.register_scaled, e.version > 0) for e in channel.estimates], [("LINEAR", False, True)])
        starts = self.gaps[0].about.starts
        self.assertEqual({(i.kind, i.time.seconds) for i in channel.estimates[0].inputs}, {("ANCHOR", starts[20]), ("ANCHOR", starts[24])})
        self.assertEqual([(channel.slots[i].value, Fraction(channel.slots[i].estimate), channel.slots[i].estimate_number) for i in (21, 22, 23)],
                         [("", 1400, 1), ("", 1600, 1), ("", 1800, 1)])
        nine = next(c for c in self.site.explain("E-NINE", DAY).days[0].channels if c.channel == "cmep:KWH")
        self.assertEqual([(u.start.seconds, u.end.seconds) for u in nine.unfilled], [(starts[21], starts[30])])
        self.assertTrue(nine.unfilled[0].why)

    def test_judged_again_the_same_estimate_stands_as_it_was_made(self):
        before = [s.estimate.made_at for s in self.estimates(self.gaps[0])]
        _, cursor = self.site.changes()
        self.assertEqual(self.site.revalidate(["E-VECTOR"], DAY), 1)
        self.site.settle()
        self.assertEqual([s.estimate.made_at for s in self.estimates(self.gaps[0])], before)
        self.assertEqual([c for c in self.site.changes(cursor)[0] if c.meter.endswith("/E-VECTOR")], [])


class LateOverMidnight(unittest.TestCase):
    """A gap of an hour around midnight: what comes late on one side changes what stands on the other."""

    def days(self, name):
        self.site = site_under_test.the()
        self.site.enlist([(name, {"until": "2026-01-16T05:00:00Z"})])
        return (busy("2026-01-14").set({93: 1200, 94: None, 95: None}),
                busy("2026-01-15").set({0: None, 1: None, 2: 1700}))

    def around(self, name, one, other):
        self.site.settle()
        return [s.value for s in self.site.best(name, one)[94:] + self.site.best(name, other)[:2]]

    @staticmethod
    def line(before, after, count):
        return [Fraction((v + Fraction(1, 2)) // 1) for v in model.linear(before, after, count)]

    def test_one_value_of_the_second_day(self):
        one, other = self.days("LATE-ONE")
        self.site.drop("full", one.intervals("LATE-ONE") + other.intervals("LATE-ONE"))
        self.assertEqual(self.around("LATE-ONE", one, other), self.line(1200, 1700, 4))
        self.site.drop("full", cmep_intervals("LATE-ONE", [(other.starts[0], 1333)], created="202606020000"))
        self.assertEqual(self.around("LATE-ONE", one, other), [*self.line(1200, 1333, 2), 1333, *self.line(1333, 1700, 1)])

    def test_the_whole_second_day(self):
        one, other = self.days("LATE-SECOND")
        self.site.drop("full", one.intervals("LATE-SECOND"))
        self.assertEqual(self.around("LATE-SECOND", one, other)[:2], [None, None])  # no end point yet
        self.site.drop("full", other.intervals("LATE-SECOND", created="202606020000"))
        self.assertEqual(self.around("LATE-SECOND", one, other), self.line(1200, 1700, 4))

    def test_the_whole_first_day(self):
        one, other = self.days("LATE-FIRST")
        self.site.drop("full", other.intervals("LATE-FIRST"))
        self.site.settle()
        self.site.drop("full", one.intervals("LATE-FIRST", created="202606020000"))
        self.assertEqual(self.around("LATE-FIRST", one, other), self.line(1200, 1700, 4))

    def test_a_register_of_the_second_day(self):
        one, other = self.days("LATE-REGISTER")
        self.site.drop("full", one.intervals("LATE-REGISTER") + other.intervals("LATE-REGISTER") +
                       cmep_registers("LATE-REGISTER", [(one.starts[48], 5_000_000)]))
        shape = self.line(1200, 1700, 4)
        self.assertEqual(self.around("LATE-REGISTER", one, other), shape)
        there = sum(v for v in one.values[48:] + other.values[:48] if v is not None)
        self.site.drop("full", cmep_registers("LATE-REGISTER", [(other.starts[48], 5_000_000 + there + 2901)], created="202606020000"))
        self.assertEqual(self.around("LATE-REGISTER", one, other), model.largest_remainder(2901, shape, 1))


class LateValue(unittest.TestCase):
    """1.20, ?, ?, ?, 2.00: the middle one comes late."""

    @classmethod
    def setUpClass(cls):
        cls.site = site_under_test.the()
        cls.site.enlist([("LATE", {})])
        cls.about = gap(21, 3, s20=1200, s24=2000)
        _, cls.before = cls.site.changes()
        cls.site.drop("full", cls.about.intervals("LATE", created="202601160000"))
        cls.site.settle()
        cls.first, cls.between = cls.site.changes(cls.before)
        cls.estimated = cls.site.best("LATE", cls.about)[21:24]
        time.sleep(0.05)
        cls.then = time.time() - 0.02
        time.sleep(0.05)
        cls.site.drop("full", cmep_intervals("LATE", [(cls.about.starts[22], 1777)], created="202601170000"))
        cls.site.settle()
        cls.second, _ = cls.site.changes(cls.between)

    @staticmethod
    def told(changes):
        """[(kind, start, now, old, whether `now` is an estimate)] of the meter's slots."""
        out = []
        for change in changes:
            if not change.meter.endswith("/LATE"):
                continue
            for run in change.intervals:
                for i in range(len(run.now.mantissas)):
                    now, old = (None if v.missing and v.missing[i // 8] >> (i % 8) & 1 or i >= len(v.mantissas) else
                                Fraction(v.mantissas[i]) * Fraction(10) ** v.exponent for v in (run.now, run.old))
                    for kind in run.kinds:
                        out.append((api.Change.Kind.Name(kind), run.first_start.seconds + i * run.length_s, now, old,
                                    run.now.HasField("estimate")))
        return out

    def test_the_value_takes_the_place_of_its_estimate(self):
        self.assertEqual([s.value for s in self.estimated], [1400, 1600, 1800])
        now = self.site.best("LATE", self.about)[21:24]
        self.assertEqual([s.value for s in now], [Fraction(1200 + 1777) / 2 // 1 + 1, 1777, Fraction(1777 + 2000) / 2 // 1 + 1])
        self.assertEqual([s.estimate is None for s in now], [False, True, False])
        self.assertNotIn(ESTIMATED, now[1].codes)

    def test_an_earlier_answer_has_the_earlier_estimate(self):
        then = self.site.best("LATE", self.about, as_of=self.then)[21:24]
        self.assertEqual([s.value for s in then], [1400, 1600, 1800])
        validated = self.site.slots("LATE", self.about.begin, self.about.end, as_of=self.then)
        self.assertEqual([validated[s].value for s in self.about.starts[21:24]], [None] * 3)

    def test_explain_of_an_earlier_moment_has_the_earlier_estimate_and_names_what_it_cannot_tell(self):
        day = self.site.explain("LATE", DAY, as_of=site_under_test.stamp(self.then)).days[0]
        channel = next(c for c in day.channels if c.channel == "cmep:KWH")
        self.assertEqual([(channel.slots[i].value, Fraction(channel.slots[i].estimate), list(channel.slots[i].found)) for i in (21, 22, 23)],
                         [("", value, ["2.5.259"]) for value in (1400, 1600, 1800)])
        starts = self.about.starts
        self.assertEqual([{(i.kind, i.time.seconds) for i in e.inputs} for e in channel.estimates],
                         [{("ANCHOR", starts[20]), ("ANCHOR", starts[24])}])
        self.assertEqual([(f.check, f.first_slot, f.slots) for f in channel.findings if f.check == "V07"], [("V07", 21, 3)])
        self.assertEqual((list(day.checks), list(channel.checks), day.judged), ([], [], False))
        self.assertTrue(day.not_told)
        now = next(c for c in self.site.explain("LATE", DAY).days[0].channels if c.channel == "cmep:KWH")
        self.assertEqual(Fraction(now.slots[22].value), 1777)
        future = site_under_test.explain.ExplainRequest(name="utilities/u/meters/LATE", day=DAY, purpose="contract test",
                                                        as_of=site_under_test.stamp(time.time() + 3600))
        self.assertEqual(self.site.refusal(self.site.readings.Explain, future)["fields"], ["as_of"])

    def test_amictl_shows_it(self):
        then = datetime.datetime.fromtimestamp(self.then, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        out = self.site.gateway.amictl("--utility", "u", "reads", "LATE", "--explain", "--day", DAY, "--as-of", then)
        self.assertIn("as of ", out)
        self.assertIn("not told of that moment", out)
        self.assertIn("1600", out)
        self.assertNotIn("1777", out)
        self.assertNotIn("CHECKS", out)

    def test_subscribers_hear_of_the_estimate_and_then_of_the_value(self):
        starts = self.about.starts
        first = [(start, now, is_one) for kind, start, now, _, is_one in self.told(self.first) if kind == "ESTIMATED"]
        self.assertEqual(sorted(first), [(starts[21], 1400, True), (starts[22], 1600, True), (starts[23], 1800, True)])
        second = self.told(self.second)
        came = [(kind, now) for kind, start, now, _, _ in second if start == starts[22]]
        self.assertTrue({("NEW", 1777), ("CORRECTED", 1777)} & set(came), came)
        self.assertFalse([c for c in came if c[0] == "ESTIMATED"], "a value is no estimate")
        again = {start: now for kind, start, now, _, _ in second if kind == "ESTIMATED"}
        self.assertEqual(again, {starts[21]: 1489, starts[23]: 1889})

    def test_nothing_is_told_of_slots_to_which_nothing_happened(self):
        touched = {start for _, start, _, _, _ in self.told(self.second)}
        self.assertLessEqual(touched, set(self.about.starts[21:24]))


if __name__ == "__main__":
    unittest.main(verbosity=2)
