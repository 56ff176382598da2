"""Explain: every check of a day with its numbers, each of which the model works out by itself; where each value came from."""
import hashlib
import json
import unittest
import xml.etree.ElementTree as ElementTree
from fractions import Fraction

import model
import site_under_test
from days import DAY, FIRST, Day
from model import CODES
from site_under_test import TORONTO, explain, types
from test_checks import spiked
from vendor_files import cmep_intervals, cmep_registers

PASSED, FAILED, NOT_JUDGED = explain.CheckResult.PASSED, explain.CheckResult.FAILED, explain.CheckResult.NOT_JUDGED
ALL = [f"V{n:02}" for n in range(1, 27)]
HEAD_END = ["V01", "V02", "V03", "V06", "V07", "V08", "V12", "V14", "V15", "V16", "V17", "V24"]


def numbers(check):
    return {Fraction(f.value) for f in check.figures}


class Explained(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.site = site_under_test.the()
        cls.site.enlist([(n, {}) for n in ("X-CLEAN", "X-HEAD", "X-SUM", "X-MAX", "X-SPIKE", "X-HOLE", "X-CORRECTED", "X-KE", "X-MULT",
                                           "X-MISSED", "X-LEAP")] +
                        [("X-BARE", {"class": "320"}), ("X-COUNT", {"class": "100"})])
        cls.clean, cls.sum, cls.max = Day(), Day(), Day().set({33: 13201})
        cls.spike, cls.hole = spiked(DAY, 9000, 5000, 3000), Day().set({40: None})
        cls.count = Day(ke="7.2").set({33: 1836})
        cls.first = Day().intervals("X-CORRECTED", created="202601160000")
        cls.drop = cls.site.drop("full", "".join((
            cls.clean.both("X-CLEAN"), cls.sum.both("X-SUM", off_by=7), cls.max.intervals("X-MAX"), cls.spike.intervals("X-SPIKE"),
            cls.hole.both("X-HOLE"), cls.first, cls.clean.both("X-BARE", off_by=500), cls.count.intervals("X-COUNT"),
            cmep_registers("X-LEAP", [(cls.clean.begin, FIRST), (cls.clean.end, FIRST - 1000)]))))
        cls.later = cls.site.drop("full", cmep_intervals("X-CORRECTED", [(cls.clean.starts[30], 999)], created="202601170000"))
        # Registers that rose by more: a pulse of 1.2 Wh where 1 Wh was counted, a transformer ratio, the two intervals after midnight.
        following = Day(model.next_day(DAY))
        scaled = Day().fill([5 * (30 + i % 11) for i in range(96)])
        cls.causes = {"X-KE": (scaled, scaled.total * 6 / 5), "X-MULT": (scaled, scaled.total * 40),
                      "X-MISSED": (scaled, scaled.total + sum(following.values[:2]))}
        cls.site.drop("head", cls.clean.both("X-HEAD") + "".join(
            about.intervals(name) + about.registers(name, advance=advance) for name, (about, advance) in cls.causes.items()) +
                      following.intervals("X-MISSED"))
        cls.site.settle()

    def day(self, name, **more):
        days = self.site.explain(name, DAY, **more).days
        self.assertEqual(len(days), 1)
        return days[0]

    def channel(self, name, key="cmep:KWH", **more):
        return next(c for c in self.day(name, **more).channels if c.channel == key)

    def checks(self, name, check):
        day = self.day(name)
        return [c for c in [*day.checks, *(c for ch in day.channels for c in ch.checks)] if c.check == check]

    def test_every_check_of_the_profile_is_told_and_no_other(self):
        for name, expected in (("X-CLEAN", ALL), ("X-HEAD", HEAD_END)):
            day = self.day(name)
            told = [*day.checks, *(c for ch in day.channels for c in ch.checks)]
            self.assertEqual(sorted({c.check for c in told}), expected)
            self.assertEqual([c.check for c in told if c.verdict == FAILED], [])
            for check in told:
                self.assertIn(check.footing, ("EXACT", "DERIVED", "ASSUMED"))
                self.assertTrue(check.title)
                if check.verdict == NOT_JUDGED:
                    self.assertTrue(check.words, f"{check.check} says why it was not judged")

    def test_footing_is_what_the_reference_says(self):
        derived, assumed = {"V14", "V15", "V16", "V23"}, {"V02", "V03", "V12", "V18", "V19", "V20", "V21", "V24", "V25"}
        day = self.day("X-CLEAN")
        for check in [*day.checks, *(c for ch in day.channels for c in ch.checks)]:
            self.assertEqual(check.footing, "DERIVED" if check.check in derived else "ASSUMED" if check.check in assumed else "EXACT", check.check)

    def test_v14_has_the_models_numbers(self):
        for name, off_by, verdict in (("X-CLEAN", 0, PASSED), ("X-SUM", 7, FAILED)):
            expected = model.sum_check(self.sum.values, FIRST, FIRST + self.sum.total + off_by, 1, 1)
            told = [c for c in self.checks(name, "V14") if c.verdict != NOT_JUDGED]
            self.assertEqual([c.verdict for c in told], [verdict])
            values = numbers(told[0])
            self.assertLessEqual({expected.total, expected.advance, expected.bound}, values)
            self.assertTrue({expected.difference, -expected.difference} & values, values)

    def test_v14_without_a_programme_says_what_is_not_known(self):
        told = self.checks("X-BARE", "V14")
        self.assertEqual({c.verdict for c in told}, {NOT_JUDGED})
        self.assertIn("ke", " ".join(c.words for c in told).lower())

    def test_v12_v18_v08_have_the_models_numbers(self):
        told = [c for c in self.checks("X-MAX", "V12") if c.verdict != NOT_JUDGED]
        self.assertEqual([c.verdict for c in told], [FAILED])
        finding = [f for f in self.channel("X-MAX").findings if f.check == "V12"]
        self.assertEqual([(f.start.seconds, f.end.seconds, f.first_slot, f.slots, f.quality_code) for f in finding],
                         [(self.max.starts[33], self.max.starts[34], 33, 1, CODES["V12"])])
        values = numbers(told[0]) | numbers(finding[0])
        self.assertLessEqual({model.physical_limit(240, 200, 900), Fraction(13201)}, values)

        ratio, index, _ = model.spike(self.spike.values)
        told = [c for c in self.checks("X-SPIKE", "V18") if c.verdict != NOT_JUDGED]
        finding = [f for f in self.channel("X-SPIKE").findings if f.check == "V18"]
        self.assertEqual(([c.verdict for c in told], [f.first_slot for f in finding]), ([FAILED], [index]))
        values = numbers(told[0]) | numbers(finding[0])
        self.assertEqual(ratio, 2)   # 6000 / 3000; told as the rise and what it may be, or as the ratio
        self.assertLessEqual({Fraction(9000), Fraction(3000), Fraction("1.8"), Fraction(1000)}, values)
        self.assertTrue({ratio, Fraction(6000)} & values)

        finding = [f for f in self.channel("X-COUNT").findings if f.check == "V08"]
        self.assertEqual([f.first_slot for f in finding], [33])
        self.assertLessEqual({Fraction(1836)}, numbers(finding[0]))

    def test_v17_names_both_readings(self):
        channel = self.channel("X-LEAP", "cmep:KWHREG")
        finding = [f for f in channel.findings if f.check == "V17"]
        self.assertEqual([(f.start.seconds, f.end.seconds, f.quality_code) for f in finding], [(self.clean.begin, self.clean.end, CODES["V17"])])
        self.assertLessEqual({Fraction(FIRST), Fraction(FIRST - 1000)}, numbers(finding[0]) | {Fraction(r.value) for r in channel.registers})
        # What Explain says of each reading is what a reader of the registers is told.
        self.assertEqual([set(r.found) for r in channel.registers], [codes - {"2.0.1"} for *_, codes in self.site.registers("X-LEAP")])

    def test_slots_are_those_of_the_civil_day_with_values_codes_and_origin(self):
        channel = self.channel("X-HOLE")
        self.assertEqual([s.start.seconds for s in channel.slots], self.hole.starts)
        self.assertEqual([None if s.value == "" else Fraction(s.value) for s in channel.slots], self.hole.values)
        self.assertEqual({i: list(s.found) for i, s in enumerate(channel.slots) if s.found}, {40: [CODES["V07 missing"]]})
        self.assertEqual((channel.unit, channel.length_s, channel.quantity), ("Wh", 900, types.ENERGY_DELIVERED))

    def test_the_raw_reference_leads_to_the_bytes(self):
        day = self.day("X-CORRECTED")
        by_number = {s.number: s for s in day.sources}
        channel = next(c for c in day.channels if c.channel == "cmep:KWH")
        slot = channel.slots[30]
        self.assertEqual(Fraction(slot.value), 999)
        self.assertEqual([(Fraction(o.value), o.contradiction) for o in slot.others], [(self.clean.values[30], False)])
        self.assertEqual((by_number[slot.source].file, by_number[channel.slots[29].source].file), (self.later, self.drop))
        source = by_number[slot.source]
        self.assertTrue(source.kept and source.mapping_version > 0 and source.feed == "full")
        raw = b"".join(m.content if hasattr(m, "content") else m.data for m in self.site.ingest.GetRaw(
            site_under_test.ingest.GetRawRequest(name=source.source, purpose="contract test"), timeout=30))
        self.assertEqual(source.content_sha256, hashlib.sha256(raw).hexdigest())
        self.assertIn(b"X-CORRECTED", raw[source.offset:source.offset + source.length])

    def test_what_would_explain_a_mismatch(self):
        for name, cause in (("X-KE", "WRONG_KE"), ("X-MULT", "MULTIPLIER"), ("X-MISSED", "MISSED_INTERVALS")):
            with self.subTest(name):
                about, advance = self.causes[name]
                found = [f for f in self.channel(name).findings if f.check == "V14"]
                self.assertEqual(len(found), 1)
                diagnosis = found[0].diagnosis
                self.assertEqual((diagnosis.identity, abs(Fraction(diagnosis.by))), ("SUM", abs(about.total - advance)))
                self.assertIn(cause, [c.cause for c in diagnosis.causes])
        plain = [f for f in self.channel("X-SUM").findings if f.check == "V14"][0].diagnosis
        self.assertNotIn("WRONG_KE", [c.cause for c in plain.causes])
        self.assertNotIn("MULTIPLIER", [c.cause for c in plain.causes])

    def test_a_usage_point_and_one_channel(self):
        days = self.site.explain("utilities/u/usagePoints/UP-X-SUM", DAY).days
        self.assertEqual([(d.meter, d.time_zone, d.judged, d.feed) for d in days], [("utilities/u/meters/X-SUM", TORONTO, True, "full")])
        self.assertEqual([(s.usage_point, s.multiplier) for s in days[0].stays], [("utilities/u/usagePoints/UP-X-SUM", "1")])
        only = self.site.explain("X-SUM", DAY, channel="cmep:KWH").days[0]
        self.assertEqual([c.channel for c in only.channels], ["cmep:KWH"])

    def test_what_explain_says_now_is_what_was_found(self):
        for name in ("X-CLEAN", "X-SUM", "X-MAX", "X-SPIKE", "X-HOLE", "X-COUNT", "X-LEAP", "X-KE"):
            day = self.day(name)
            told = sorted((f.check, f.quality_code) for f in [*day.findings, *(f for c in day.channels for f in c.findings)])
            kept = sorted((f.check, f.quality_code) for f in self.site.findings(name, first_day=DAY, last_day=DAY))
            self.assertEqual(told, kept, name)

    def test_amictl_shows_and_draws_it(self):
        explained = ("--utility", "u", "reads", "X-SUM", "--explain", "--day", DAY)
        out = self.site.gateway.amictl(*explained)
        self.assertIn("V14", out)
        self.assertIn("2.6.0", out)
        picture = self.site.folder / "day.svg"
        self.site.gateway.amictl(*explained, "--plot", str(picture))
        root = ElementTree.parse(picture).getroot()
        self.assertEqual(root.tag, "{http://www.w3.org/2000/svg}svg")
        self.assertTrue(root.findtext("{http://www.w3.org/2000/svg}title"))
        lines = self.site.gateway.amictl("--output", "json", *explained).splitlines()
        self.assertTrue(all(json.loads(line) for line in lines))

    def test_what_is_refused(self):
        def refused(**fields):
            return self.site.refusal(self.site.readings.Explain, explain.ExplainRequest(**fields))
        good = dict(name="utilities/u/meters/X-SUM", day=DAY, purpose="contract test")
        self.assertEqual(refused(**{**good, "purpose": ""})["reason"], "PURPOSE_REQUIRED")
        self.assertEqual(refused(**{**good, "day": "2026-02-30"})["code"], "INVALID_ARGUMENT")
        self.assertEqual(refused(**{**good, "day": ""})["code"], "INVALID_ARGUMENT")
        self.assertEqual(refused(**{**good, "name": ""})["code"], "INVALID_ARGUMENT")
        self.assertEqual(refused(**{**good, "channel": "cmep:NOPE"})["reason"], "CHANNEL_NOT_FOUND")
        unknown = refused(**{**good, "name": "utilities/u/meters/X-SUMM"})
        self.assertEqual((unknown["reason"], unknown["nearest"].split("/")[-1]), ("METER_NOT_FOUND", "X-SUM"))

    def test_a_day_without_anything_is_an_answer(self):
        days = self.site.explain("X-SUM", "2024-06-01").days
        for day in days:
            self.assertEqual([s for c in day.channels for s in c.slots if s.value], [])
        # A usage point at which no meter was.
        self.assertEqual(list(self.site.explain("utilities/u/usagePoints/UP-X-SUM", "1999-06-01").days), [])


if __name__ == "__main__":
    unittest.main(verbosity=2)
