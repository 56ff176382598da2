"""ListBillingReads: a reading that a meter sent, how it was chosen, what was passed over and why; or MISSING with the last
good one. No value is ever made up for midnight."""
import unittest
from fractions import Fraction

import model
import site_under_test
from days import FIRST
from google.protobuf import duration_pb2
from site_under_test import TORONTO, api, stamp, types
from vendor_files import cmep_registers

BILLED = "2026-01-14"
AT = model.midnight(TORONTO, BILLED)
HOUR = 3600
Read, Rejected = api.BillingRead, api.RejectedRead


def dial(meter, *reads, flag=None):
    """Reads are (hours from the billed midnight, Wh)."""
    text = cmep_registers(meter, [(AT + round(h * HOUR), v) for h, v in reads])
    return text.replace(",R,", f",{flag},") if flag else text


class BillingReads(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.site = site_under_test.the()
        names = ["BILL-EXACT", "BILL-BEFORE", "BILL-AFTER", "BILL-TIE", "BILL-EDGE", "BILL-FAR", "BILL-SUSPECT", "BILL-ESTIMATED",
                 "BILL-NONE", "BILL-TWO-EXACT"]
        cls.site.enlist([(n, {}) for n in names] + [("BILL-KOLKATA", {"zone": "Asia/Kolkata"}), ("BILL-MONTHS", {"until": "2026-04-02T04:00:00Z"}),
                                                    ("BILL-OLD", {"usage_point": "UP-SWAP", "until": None}), ("BILL-MULTI", {"multiplier": "40"})])
        planned = cls.site.folder / "planned.csv"
        planned.write_text("meter,model,form,class\nBILL-NEW,FOCUS AXR,2S,200\n")
        cls.site.gateway.amictl("--utility", "u", "meters", "import", "--planned", str(planned))
        cls.site.gateway.amictl("--utility", "u", "meters", "exchange", "UP-SWAP", "BILL-NEW", "--at", model.utc_text(AT - 30 * HOUR),
                                "--old-end", "5010.000", "--new-start", "3.000", "--order", "WO-1")
        kolkata = model.midnight("Asia/Kolkata", BILLED)
        cls.months = [model.midnight(TORONTO, d) for d in ("2025-11-01", "2025-12-01", "2026-01-01", "2026-02-01", "2026-03-01", "2026-04-01")]
        cls.site.drop("full", "".join((
            dial("BILL-EXACT", (-24, FIRST), (-1, FIRST + 900), (0, FIRST + 1000), (0.5, FIRST + 1010), (24, FIRST + 2000)),
            dial("BILL-BEFORE", (-24, FIRST), (-2, FIRST + 900), (3, FIRST + 1200)),
            dial("BILL-AFTER", (-24, FIRST), (-4, FIRST + 900), (3, FIRST + 1200)),
            dial("BILL-TIE", (-2, FIRST + 900), (2, FIRST + 1100)),
            dial("BILL-EDGE", (-6, FIRST + 900)),
            dial("BILL-FAR", (-30, FIRST), (-6 - 1 / 60, FIRST + 900), (7, FIRST + 1200)),
            dial("BILL-SUSPECT", (-48, FIRST), (-24, FIRST + 500), (-3, FIRST + 900), (-1, FIRST - 50_000), (5, FIRST + 1300)),
            dial("BILL-ESTIMATED", (-24, FIRST), (-3, FIRST + 900)), dial("BILL-ESTIMATED", (0, FIRST + 1000), flag="E"),
            cmep_registers("BILL-KOLKATA", [(kolkata, FIRST), (kolkata + 1800, FIRST + 10), (AT, FIRST + 20)]),
            cmep_registers("BILL-MONTHS", [(t, FIRST + 1000 * n) for n, t in enumerate(cls.months)]),
            dial("BILL-OLD", (-72, FIRST), (-31, 5_009_900), (-1, 5_011_000)),
            dial("BILL-NEW", (-29, 3_100), (-2, 9_000), (1, 9_300)),
            dial("BILL-MULTI", (0, FIRST)))))
        cls.site.settle()

    def ask(self, *points, before=6 * HOUR, after=6 * HOUR, **more):
        if "time" not in more and "date" not in more:
            more["date"] = BILLED
        request = api.ListBillingReadsRequest(
            names=[f"utilities/u/usagePoints/{p}" for p in points], quantities=[types.ENERGY_DELIVERED],
            tolerance_before=duration_pb2.Duration(seconds=before), tolerance_after=duration_pb2.Duration(seconds=after), **more)
        answer = self.site.readings.ListBillingReads(request, timeout=30)
        self.assertEqual([u.usage_point.split("/")[-1] for u in answer.usage_points], list(points))
        return answer.usage_points

    def one(self, meter, **more):
        told = self.ask(f"UP-{meter}", **more)[0]
        self.assertEqual(len(told.reads), 1, told)
        return told.reads[0]

    def chosen(self, read):
        return read.how, Fraction(read.value.value), (read.value.time.seconds - AT) / HOUR, read.distance.seconds / HOUR

    def rejected(self, read):
        return [(Fraction(r.value.value), r.distance.seconds / HOUR, r.reason) for r in read.rejected]

    def test_read_at_midnight(self):
        told = self.ask("UP-BILL-EXACT")[0]
        self.assertEqual((told.time.seconds, told.time_zone, told.meter), (AT, TORONTO, "utilities/u/meters/BILL-EXACT"))
        self.assertEqual(self.chosen(told.reads[0]), (Read.EXACT, FIRST + 1000, 0, 0))
        self.assertEqual(self.rejected(told.reads[0]), [])

    def test_the_nearest_within_the_tolerance_with_its_sign(self):
        self.assertEqual(self.chosen(self.one("BILL-BEFORE")), (Read.NEAREST_BEFORE, FIRST + 900, -2, -2))
        self.assertEqual(self.chosen(self.one("BILL-AFTER")), (Read.NEAREST_AFTER, FIRST + 1200, 3, 3))
        self.assertEqual(self.chosen(self.one("BILL-AFTER", after=2 * HOUR)), (Read.NEAREST_BEFORE, FIRST + 900, -4, -4))

    def test_of_two_as_near_the_earlier_one(self):
        read = self.one("BILL-TIE")
        self.assertEqual(self.chosen(read), (Read.NEAREST_BEFORE, FIRST + 900, -2, -2))
        self.assertEqual(self.rejected(read), [(FIRST + 1100, 2, Rejected.NOT_PREFERRED)])

    def test_just_at_the_tolerance_will_do_and_a_minute_more_will_not(self):
        self.assertEqual(self.chosen(self.one("BILL-EDGE")), (Read.NEAREST_BEFORE, FIRST + 900, -6, -6))
        read = self.one("BILL-FAR")
        self.assertEqual(read.how, Read.MISSING)
        self.assertFalse(read.HasField("value"))
        self.assertEqual({reason for _, _, reason in self.rejected(read)}, {Rejected.OUTSIDE_TOLERANCE})
        self.assertEqual([v for v, _, _ in self.rejected(read)], [FIRST + 900, FIRST + 1200])
        self.assertEqual(Fraction(read.last_good.value), FIRST + 900)

    def test_without_a_tolerance_only_the_instant_itself(self):
        self.assertEqual(self.one("BILL-EXACT", before=0, after=0).how, Read.EXACT)
        read = self.one("BILL-BEFORE", before=0, after=0)
        self.assertEqual((read.how, Fraction(read.last_good.value)), (Read.MISSING, FIRST + 900))

    def test_a_register_that_ran_backwards_is_passed_over(self):
        read = self.one("BILL-SUSPECT")
        self.assertEqual((Fraction(read.value.value), read.distance.seconds), (FIRST + 900, -3 * HOUR))
        self.assertIn((FIRST - 50_000, -1, Rejected.SUSPECT), self.rejected(read))
        near = self.one("BILL-SUSPECT", before=2 * HOUR, after=0)
        self.assertEqual((near.how, Fraction(near.last_good.value)), (Read.MISSING, FIRST + 900))
        self.assertIn((FIRST - 50_000, -1, Rejected.SUSPECT), self.rejected(near))

    def test_an_estimated_reading_is_passed_over(self):
        read = self.one("BILL-ESTIMATED")
        self.assertEqual(self.chosen(read), (Read.NEAREST_BEFORE, FIRST + 900, -3, -3))
        self.assertEqual(self.rejected(read), [(FIRST + 1000, 0, Rejected.ESTIMATED)])
        self.assertTrue(read.rejected[0].detail)

    def test_midnight_is_that_of_the_usage_point(self):
        both = self.ask("UP-BILL-KOLKATA", "UP-BILL-EXACT")
        self.assertEqual((both[0].time.seconds, both[0].reads[0].how), (model.midnight("Asia/Kolkata", BILLED), Read.EXACT))
        self.assertEqual(Fraction(both[0].reads[0].value.value), FIRST)
        self.assertEqual(both[1].time.seconds, AT)

    def test_each_month_is_billed_once_at_its_own_midnight_in_summer_and_in_winter(self):
        # A cycle that keeps one offset fires at 23:00 for half of the year: thirteen months, one of an hour.
        told = [self.ask("UP-BILL-MONTHS", before=0, after=0, date=d)[0] for d in
                ("2025-11-01", "2025-12-01", "2026-01-01", "2026-02-01", "2026-03-01", "2026-04-01")]
        self.assertEqual([t.time.seconds for t in told], self.months)
        self.assertEqual([(t.reads[0].how, Fraction(t.reads[0].value.value)) for t in told],
                         [(Read.EXACT, FIRST + 1000 * n) for n in range(6)])
        self.assertEqual([model.utc_text(t)[11:] for t in self.months], ["04:00:00Z"] + ["05:00:00Z"] * 4 + ["04:00:00Z"])

    def test_a_meter_exchange_is_told_and_the_other_meters_reads_do_not_count(self):
        told = self.ask("UP-SWAP", period_start="2026-01-01")[0]
        self.assertEqual(told.meter, "utilities/u/meters/BILL-NEW")
        read = told.reads[0]
        self.assertEqual((read.how, Fraction(read.value.value), read.distance.seconds), (Read.NEAREST_AFTER, 9300, HOUR))
        self.assertEqual(read.value.meter, "utilities/u/meters/BILL-NEW")
        other = {(Fraction(r.value.value), r.reason) for r in read.rejected}
        self.assertLessEqual(other, {(Fraction(5_011_000), Rejected.OTHER_METER), (Fraction(5_011_000), Rejected.NOT_INSTALLED)})
        self.assertEqual(len(told.exchanges), 1)
        exchange = told.exchanges[0]
        self.assertEqual((exchange.time.seconds, exchange.removed, exchange.installed, exchange.order_id),
                         (AT - 30 * HOUR, "utilities/u/meters/BILL-OLD", "utilities/u/meters/BILL-NEW", "WO-1"))
        self.assertIn((Read.RECORDED, 5_010_000), {(r.how, Fraction(r.value.value)) for r in exchange.end_reads})
        self.assertIn((Read.RECORDED, 3_000), {(r.how, Fraction(r.value.value)) for r in exchange.start_reads})
        self.assertIn(5_009_900, {Fraction(r.value.value) for r in exchange.end_reads})
        self.assertIn(3_100, {Fraction(r.value.value) for r in exchange.start_reads})

    def test_before_the_exchange_the_old_meter_is_billed(self):
        told = self.ask("UP-SWAP", time=stamp(AT - 31 * HOUR))[0]
        self.assertEqual((told.meter.split("/")[-1], Fraction(told.reads[0].value.value)), ("BILL-OLD", 5_009_900))

    def test_a_usage_point_without_readings_says_so(self):
        told = self.ask("UP-BILL-NONE")[0]
        self.assertEqual(list(told.reads), [])
        self.assertEqual(told.missing.reason, types.Missing.NO_READING)

    def test_the_multiplier_is_beside_the_value_unless_asked_for(self):
        self.assertEqual((Fraction(self.one("BILL-MULTI").value.value), self.one("BILL-MULTI").value.multiplier), (FIRST, "40"))
        read = self.one("BILL-MULTI", apply_multiplier=True)
        self.assertEqual((Fraction(read.value.value), read.value.multiplier_applied, read.value.origin), (40 * FIRST, True, types.ORIGIN_PROCESSED))

    def test_no_value_is_ever_made_up(self):
        meters = [m for m in ("BILL-EXACT", "BILL-BEFORE", "BILL-AFTER", "BILL-TIE", "BILL-EDGE", "BILL-FAR", "BILL-SUSPECT",
                              "BILL-ESTIMATED")]
        sent = {m: {(when, value) for when, _, value, _ in self.site.registers(m)} for m in meters}
        for hours in (0, 1, 2.5, 12, 35 * 24):
            for offset in (-20, -1, 0, 0.5, 4, 30):
                for told, meter in zip(self.ask(*[f"UP-{m}" for m in meters], before=int(hours * HOUR), after=int(hours * HOUR),
                                                time=stamp(AT + int(offset * HOUR))), meters):
                    for read in told.reads:
                        for value in [*([read.value] if read.HasField("value") else []), *(r.value for r in read.rejected),
                                      *([read.last_good] if read.HasField("last_good") else [])]:
                            self.assertIn((value.time.seconds, Fraction(value.value)), sent[meter])
                        if read.HasField("value"):
                            self.assertLessEqual(abs(read.distance.seconds), hours * HOUR)
                            self.assertEqual(read.value.time.seconds - told.time.seconds, read.distance.seconds)

    def test_of_a_whole_utility_in_pages(self):
        request = api.ListBillingReadsRequest(parent="utilities/u", date=BILLED, quantities=[types.ENERGY_DELIVERED], page_size=7)
        told = []
        while True:
            page = self.site.readings.ListBillingReads(request, timeout=30)
            self.assertLessEqual(len(page.usage_points), 7)
            told += [u.usage_point.split("/")[-1] for u in page.usage_points]
            if not page.next_page_token:
                break
            request.page_token = page.next_page_token
        self.assertEqual(told, sorted(set(told)))
        self.assertIn("UP-BILL-NONE", told)

    def test_what_is_refused(self):
        def refused(**fields):
            return self.site.refusal(self.site.readings.ListBillingReads, api.ListBillingReadsRequest(**fields))
        name = ["utilities/u/usagePoints/UP-BILL-EXACT"]
        day = {"date": BILLED}
        far = duration_pb2.Duration(seconds=36 * 86400)
        for fields in (dict(parent="utilities/u", names=name, **day), dict(**day), dict(names=name),
                       dict(names=name, time=stamp(AT), **day), dict(names=name, date="2026-02-30"), dict(names=name, date="14.1.2026"),
                       dict(names=name, tolerance_before=far, **day), dict(names=name, tolerance_after=far, **day),
                       dict(names=name, tolerance_after=duration_pb2.Duration(seconds=-1), **day), dict(names=name, date="2126-01-14"),
                       dict(names=["utilities/u/meters/BILL-EXACT"], **day), dict(names=name, period_start="2026-02-01", **day),
                       dict(names=name * 1001, **day), dict(parent="utilities/u", page_token="nonsense", **day)):
            with self.subTest(fields=sorted(fields)):
                self.assertEqual(refused(**fields)["code"], "INVALID_ARGUMENT")
        self.assertEqual(refused(parent="utilities/nowhere", **day)["reason"], "UTILITY_NOT_FOUND")


if __name__ == "__main__":
    unittest.main(verbosity=2)
