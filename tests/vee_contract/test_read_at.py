"""GetReadAt: the reading of an instant, or the two around it, or on request one that was computed and says so."""
import time
import unittest
from fractions import Fraction

import model
import site_under_test
from days import FIRST, Day
from site_under_test import api, stamp, types
from test_estimates import gap
from vendor_files import cmep_registers
from google.protobuf import duration_pb2

DELIVERED = types.ENERGY_DELIVERED


class ReadAt(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.site = site_under_test.the()
        cls.whole, cls.holed, cls.turned = Day(), gap(21, 3, Day(), s20=100, s24=100), Day()
        cls.site.enlist([(n, {}) for n in ("AT", "AT-HOLE", "AT-WRAP", "AT-BARE", "AT-OFF-BY", "AT-EMPTY")] +
                        [("AT-OLD", {"usage_point": "UP-AT-SWAP", "until": None})])
        planned = cls.site.folder / "planned-at.csv"
        planned.write_text("meter,model,form,class\nAT-NEW,FOCUS AXR,2S,200\n")
        cls.site.gateway.amictl("--utility", "u", "meters", "import", "--planned", str(planned))
        cls.noon = cls.whole.starts[48]
        cls.site.gateway.amictl("--utility", "u", "meters", "exchange", "UP-AT-SWAP", "AT-NEW", "--at", model.utc_text(cls.noon))
        cls.site.drop("full", cls.whole.both("AT") + cls.holed.intervals("AT-HOLE") +
                      cls.holed.registers("AT-HOLE", advance=cls.holed.total + 300) +
                      cls.turned.intervals("AT-WRAP") + cmep_registers(
                          "AT-WRAP", [(cls.turned.begin, 99_999_000), (cls.turned.end, (99_999_000 + cls.turned.total) % 10 ** 8)]) +
                      cmep_registers("AT-OLD", [(cls.whole.begin, FIRST), (cls.noon - 3600, FIRST + 5000), (cls.noon + 7200, FIRST + 6000)]) +
                      cmep_registers("AT-NEW", [(cls.noon - 7200, 10), (cls.noon + 3600, 500), (cls.whole.end, 6000)]) +
                      cls.whole.registers("AT-BARE", advance=9600) + cls.whole.both("AT-OFF-BY", off_by=500))
        cls.site.settle()

    def ask(self, name, at, layer=api.VALIDATED, **more):
        request = api.GetReadAtRequest(name=name if "/" in name else f"utilities/u/meters/{name}", time=stamp(at),
                                       quantities=[DELIVERED], layer=layer, **more)
        if request.allow_processed and not request.purpose:
            request.purpose = "contract test"
        answer = self.site.readings.GetReadAt(request, timeout=30)
        reads = [r for r in answer.reads if r.channel == "cmep:KWHREG"]
        return answer, reads[0] if reads else None

    def test_exact(self):
        for at, value in ((self.whole.begin, FIRST), (self.whole.end, FIRST + self.whole.total)):
            for processed in (False, True):
                answer, read = self.ask("AT", at, allow_processed=processed)
                self.assertEqual(read.how, api.ReadAt.EXACT)
                self.assertEqual((Fraction(read.exact.value), read.exact.time.seconds), (value, at))
                self.assertFalse(read.HasField("processed"))
                self.assertEqual((answer.meter, answer.usage_point, answer.time_zone),
                                 ("utilities/u/meters/AT", "utilities/u/usagePoints/UP-AT", "America/Toronto"))

    def test_a_usage_point_answers_with_its_meter(self):
        answer, read = self.ask("utilities/u/usagePoints/UP-AT", self.whole.begin)
        self.assertEqual((answer.meter, read.how), ("utilities/u/meters/AT", api.ReadAt.EXACT))

    def test_bracketing_tells_both_sides_and_computes_nothing(self):
        at = self.whole.starts[48]
        _, read = self.ask("AT", at)
        self.assertEqual(read.how, api.ReadAt.BRACKETING)
        self.assertEqual((read.before.time.seconds, read.after.time.seconds), (self.whole.begin, self.whole.end))
        self.assertEqual((read.before_distance.seconds, read.after_distance.seconds), (at - self.whole.begin, self.whole.end - at))
        self.assertFalse(read.HasField("exact") or read.HasField("processed"))

    def test_one_side_only(self):
        _, read = self.ask("AT", self.whole.begin - 3600)
        self.assertEqual((read.how, read.HasField("before"), read.after.time.seconds), (api.ReadAt.BRACKETING, False, self.whole.begin))
        _, read = self.ask("AT", self.whole.end + 3600, allow_processed=True)
        self.assertEqual((read.how, read.HasField("after"), read.HasField("processed")), (api.ReadAt.BRACKETING, False, False))
        self.assertTrue(read.not_processed)

    def test_processed_is_the_register_before_and_the_intervals_up_to_then(self):
        for slot in (1, 48, 95):
            at = self.whole.starts[slot]
            _, read = self.ask("AT", at, allow_processed=True)
            self.assertEqual(read.how, api.ReadAt.PROCESSED)
            self.assertEqual(Fraction(read.processed.value), FIRST + sum(self.whole.values[:slot]))
            self.assertEqual(read.processed.method, api.ProcessedRead.REGISTER_PLUS_INTERVALS)
            self.assertEqual(read.processed.origin, types.ORIGIN_PROCESSED)
            self.assertEqual((Fraction(read.processed.check_difference), Fraction(read.processed.check_bound)), (0, 2))
            self.assertEqual({i.channel for i in read.processed.inputs}, {"cmep:KWH", "cmep:KWHREG"})
            self.assertEqual({i.start.seconds for i in read.processed.inputs if i.channel == "cmep:KWHREG"} - {self.whole.end},
                             {self.whole.begin})

    def test_inside_an_interval_only_a_straight_line_is_left(self):
        at = self.whole.starts[48] + 420
        _, read = self.ask("AT", at, allow_processed=True)
        self.assertEqual((read.how, read.processed.method), (api.ReadAt.PROCESSED, api.ProcessedRead.LINEAR))
        line = FIRST + self.whole.total * Fraction(at - self.whole.begin, 86400)
        self.assertLess(abs(Fraction(read.processed.value) - line), 1)
        self.assertTrue(read.processed.words)

    def test_without_intervals_a_straight_line(self):
        _, read = self.ask("AT-BARE", self.whole.starts[24], allow_processed=True)
        self.assertEqual((read.how, read.processed.method, Fraction(read.processed.value)),
                         (api.ReadAt.PROCESSED, api.ProcessedRead.LINEAR, FIRST + 2400))

    def test_intervals_that_the_registers_contradict_are_not_added_up(self):
        _, read = self.ask("AT-OFF-BY", self.whole.starts[48], allow_processed=True)
        if read.how == api.ReadAt.PROCESSED:
            self.assertEqual(read.processed.method, api.ProcessedRead.LINEAR)
        else:
            self.assertTrue(read.not_processed)

    def test_estimated_intervals_count_only_in_best(self):
        at = self.holed.starts[48]
        _, read = self.ask("AT-HOLE", at, allow_processed=True)
        self.assertEqual(read.processed.method, api.ProcessedRead.LINEAR)
        _, read = self.ask("AT-HOLE", at, layer=api.BEST, allow_processed=True)
        self.assertEqual(read.processed.method, api.ProcessedRead.REGISTER_PLUS_INTERVALS)
        self.assertEqual(Fraction(read.processed.value), FIRST + sum(v for v in self.holed.values[:48] if v is not None) + 300)
        self.assertIn("", {i.source for i in read.processed.inputs})

    def test_a_register_that_turned_over(self):
        at = self.turned.starts[90]
        _, read = self.ask("AT-WRAP", at, allow_processed=True)
        self.assertTrue(read.processed.wrapped)
        self.assertEqual(Fraction(read.processed.value), (99_999_000 + sum(self.turned.values[:90])) % 10 ** 8)

    def test_readings_of_two_meters_are_never_put_together(self):
        point = "utilities/u/usagePoints/UP-AT-SWAP"
        answer, read = self.ask(point, self.noon - 1800, allow_processed=True)
        self.assertEqual((answer.meter.split("/")[-1], read.how), ("AT-OLD", api.ReadAt.BRACKETING))
        self.assertEqual((Fraction(read.before.value), read.HasField("after"), read.HasField("processed")), (FIRST + 5000, False, False))
        self.assertTrue(read.not_processed)
        answer, read = self.ask(point, self.noon + 1800, allow_processed=True)
        self.assertEqual((answer.meter.split("/")[-1], read.how), ("AT-NEW", api.ReadAt.BRACKETING))
        self.assertEqual((read.HasField("before"), Fraction(read.after.value), read.HasField("processed")), (False, 500, False))

    def test_beyond_the_distance_nothing_counts(self):
        _, read = self.ask("AT", self.whole.starts[48], max_distance=duration_pb2.Duration(seconds=3600))
        self.assertEqual(read.how if read else api.ReadAt.MISSING, api.ReadAt.MISSING)
        self.assertFalse(read is not None and (read.HasField("before") or read.HasField("after")))
        _, read = self.ask("AT", self.whole.begin + 3600, max_distance=duration_pb2.Duration(seconds=3600))
        self.assertEqual((read.how, read.HasField("before"), read.HasField("after")), (api.ReadAt.BRACKETING, True, False))

    def test_a_meter_without_registers_is_missing_and_no_error(self):
        answer, read = self.ask("AT-EMPTY", self.whole.begin)
        self.assertIsNone(read)
        self.assertEqual(answer.missing.reason, types.Missing.NO_READING)

    def test_what_is_refused(self):
        def refused(**fields):
            return self.site.refusal(self.site.readings.GetReadAt, api.GetReadAtRequest(**fields))
        name = "utilities/u/meters/AT"
        at = stamp(self.whole.begin)
        self.assertEqual(refused(name=name)["code"], "INVALID_ARGUMENT")
        self.assertEqual(refused(time=at)["code"], "INVALID_ARGUMENT")
        self.assertEqual(refused(name=name, time=stamp(time.time() + 86400))["code"], "INVALID_ARGUMENT")
        self.assertEqual(refused(name=name, time=at, allow_processed=True)["reason"], "PURPOSE_REQUIRED")
        self.assertEqual(refused(name=name, time=at, max_distance=duration_pb2.Duration(seconds=401 * 86400))["code"], "INVALID_ARGUMENT")
        self.assertEqual(refused(name=name, time=at, max_distance=duration_pb2.Duration(seconds=-1))["code"], "INVALID_ARGUMENT")
        unknown = refused(name="utilities/u/meters/AT-WRAPP", time=at)
        self.assertEqual((unknown["code"], unknown["reason"], unknown["nearest"].split("/")[-1]), ("NOT_FOUND", "METER_NOT_FOUND", "AT-WRAP"))
        self.assertEqual(refused(name="utilities/u/usagePoints/NOWHERE", time=at)["reason"], "USAGE_POINT_NOT_FOUND")
        self.assertEqual(refused(name="meters/AT", time=at)["code"], "INVALID_ARGUMENT")


if __name__ == "__main__":
    unittest.main(verbosity=2)
