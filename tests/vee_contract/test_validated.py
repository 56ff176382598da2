"""When the gateway says that a value was validated (2.0.1, Green Button 17): after its day was judged as it is now, and
not before, not after new data, not of earlier answers, and never where nothing is judged."""
import time
import unittest

import site_under_test
from days import DAY, Day
from site_under_test import VALIDATED, api, stamp
from vendor_files import cmep_intervals


class Validated(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.site = site_under_test.the()
        cls.site.enlist([("VAL", {}), ("VAL-OFF", {}), ("VAL-NEIGHBOUR", {})])
        cls.site.enlist([("VAL-PLAIN", {})], utility="x", until="2026-01-16T05:00:00Z")

    def green(self, name, start, end):
        """Green Button codes of a meter's blocks, by start of slot."""
        request = api.StreamIntervalsRequest(names=[f"utilities/u/meters/{name}"], start=stamp(start), end=stamp(end), purpose="contract test")
        qualities, out = {}, {}
        for message in self.site.readings.StreamIntervals(request, timeout=30):
            qualities.update({q.number: q.quality for q in message.dictionary.qualities})
            if message.HasField("block"):
                for run in message.block.qualities:
                    for i in range(run.first, run.first + run.count):
                        out[message.block.first_start.seconds + i * 900] = qualities[run.number].green_button
        return out

    def validated(self, name, about, **more):
        return sum(VALIDATED in s.codes for s in self.site.slots(name, about.begin, about.end, **more).values())

    def slow(self):
        """Nothing that is stored from now on is judged by itself within this test."""
        for settle in ("1h", "100ms"):
            (self.site.folder / "gateway.yaml").write_text(self.site.config_text(settle))
            if settle == "1h":
                self.site.gateway.reload()
                self.addCleanup(self.site.gateway.reload)

    def test_said_once_the_day_was_judged_gone_with_new_data_and_said_again(self):
        about = Day()
        self.slow()
        self.site.drop("head", about.intervals("VAL", created="202601160000") + about.intervals("VAL-NEIGHBOUR"))
        time.sleep(0.6)  # several rounds of `every`: what would be judged too early would have been
        self.assertEqual(self.validated("VAL", about), 0)
        self.assertEqual(self.site.revalidate(["VAL", "VAL-NEIGHBOUR"], DAY), 2)
        self.site.wait(lambda: self.validated("VAL", about) == 96, 30, "the day to be validated")
        self.site.wait(lambda: self.validated("VAL-NEIGHBOUR", about) == 96, 30, "the neighbour to be validated")
        self.assertEqual(set(self.green("VAL", about.begin, about.end).values()), {17})
        self.assertEqual(self.validated("VAL", about, layer=api.RAW), 0)
        self.assertEqual(self.validated("VAL", about, as_of=time.time() - 0.001), 0)

        self.site.drop("head", cmep_intervals("VAL", [(about.starts[50], 333)], created="202601170000"))
        slots = self.site.slots("VAL", about.begin, about.end)
        self.assertNotIn(VALIDATED, slots[about.starts[50]].codes)
        self.assertNotEqual(self.green("VAL", about.begin, about.end).get(about.starts[50]), 17)
        # Nor of what is stored with it, which is the rest of the UTC day: the slots before 19:00 in Toronto.
        self.assertEqual([i for i, s in enumerate(about.starts[:76]) if VALIDATED in slots[s].codes], [])
        self.assertEqual(self.validated("VAL-NEIGHBOUR", about), 96)
        # At once, whether or not the gateway has taken note of the new value yet.
        self.site.revalidate(["VAL"], DAY)
        self.site.wait(lambda: self.validated("VAL", about) == 96, 30, "the day to be validated again")

    def test_becoming_validated_is_no_change(self):
        about = Day("2026-01-20")
        _, cursor = self.site.changes()
        self.site.drop("head", about.intervals("VAL-NEIGHBOUR"))
        self.site.settle()
        kinds = {api.Change.Kind.Name(k) for c in self.site.changes(cursor)[0] if c.meter.endswith("VAL-NEIGHBOUR") for k in c.kinds}
        self.assertEqual(kinds, {"NEW"})

    def test_a_finding_is_a_change_of_quality_with_the_old_one(self):
        about = Day("2026-01-21").set({33: 13201})
        _, cursor = self.site.changes()
        self.site.drop("head", about.intervals("VAL-NEIGHBOUR"))
        self.site.settle()
        told = [run for c in self.site.changes(cursor)[0] if c.meter.endswith("VAL-NEIGHBOUR") for run in c.intervals
                if api.Change.QUALITY_CHANGED in run.kinds]
        self.assertEqual([(run.first_start.seconds, len(run.now.mantissas)) for run in told], [(about.starts[33], 1)])
        self.assertIn("2.6.3", told[0].now.quality.codes)
        self.assertNotIn("2.6.3", told[0].old.quality.codes)

    def test_never_said_where_the_profile_is_off(self):
        about = Day().set({33: 13201, 50: None})
        self.site.drop("silent", about.intervals("VAL-OFF"))
        self.site.settle()
        self.site.revalidate(["VAL-OFF"], DAY)
        self.site.settle()
        slots = self.site.slots("VAL-OFF", about.begin, about.end)
        self.assertEqual({s.codes for s in slots.values()}, {frozenset()})
        self.assertEqual(self.site.findings("VAL-OFF", gone_too=True), [])
        self.assertFalse(self.site.explain("VAL-OFF", DAY).days[0].judged)

    def test_a_feed_without_a_vee_file_has_the_head_end_profile(self):
        about = Day().set({33: 13201, 50: None, 20: 222, 60: -5})
        self.site.drop("plain", about.intervals("VAL-PLAIN"))
        self.site.settle()
        slots = self.site.slots("VAL-PLAIN", about.begin, about.end, utility="x")
        self.assertEqual({i: set(slots[s].findings) for i, s in enumerate(about.starts) if slots[s].findings},
                         {33: {"2.6.3"}, 50: {"2.5.259"}})
        self.assertTrue(all(VALIDATED in slots[s].codes for i, s in enumerate(about.starts) if about.values[i] is not None))
        best = self.site.best("VAL-PLAIN", about, utility="x")
        self.assertIsNone(best[50].value)


class WithdrawnFinding(unittest.TestCase):
    def test_a_finding_goes_when_the_value_is_mended_and_stays_on_record(self):
        site = site_under_test.the()
        site.enlist([("MENDED", {})], until="2026-01-15T05:00:00Z")
        about = Day().set({33: 13201})
        site.drop("head", about.intervals("MENDED", created="202601160000"))
        site.settle()
        before = time.time()
        time.sleep(0.05)
        held = site.findings("MENDED")
        self.assertEqual([(f.check, f.quality_code, f.start.seconds, f.end.seconds) for f in held],
                         [("V12", "2.6.3", about.starts[33], about.starts[34])])
        self.assertEqual((held[0].meter, held[0].day, held[0].channel, held[0].interval_s, held[0].words),
                         ("utilities/u/meters/MENDED", DAY, "cmep:KWH", 900, ""))
        self.assertIn("13201", site.findings("MENDED", purpose="complaint")[0].words.replace(" ", "").replace(",", ""))
        site.drop("head", cmep_intervals("MENDED", [(about.starts[33], 300)], created="202601170000"))
        site.settle()
        self.assertEqual(site.findings("MENDED"), [])
        gone = site.findings("MENDED", gone_too=True)
        self.assertEqual([f.id for f in gone], [held[0].id])
        self.assertGreaterEqual(gone[0].gone_time.seconds, int(before))
        slot = about.starts[33]
        self.assertEqual(site.slots("MENDED", slot, slot + 900)[slot].findings, set())
        # As of then: the value of then, with the code of then.
        then = site.slots("MENDED", slot, slot + 900, as_of=before)[slot]
        self.assertEqual((then.value, set(then.codes)), (13201, {"2.6.3"}))

    def test_a_finding_that_still_holds_keeps_its_row(self):
        site = site_under_test.the()
        site.enlist([("KEPT", {})], until="2026-01-15T05:00:00Z")
        about = Day().set({33: 13201})
        site.drop("head", about.intervals("KEPT", created="202601160000"))
        site.settle()
        before = [(f.id, f.found_time.seconds, f.found_time.nanos) for f in site.findings("KEPT")]
        site.drop("head", cmep_intervals("KEPT", [(about.starts[40], 300)], created="202601170000"))
        site.settle()
        self.assertEqual([(f.id, f.found_time.seconds, f.found_time.nanos) for f in site.findings("KEPT")], before)
        self.assertEqual(len(site.findings("KEPT", gone_too=True)), 1)


if __name__ == "__main__":
    unittest.main(verbosity=2)
