"""The public failures of other systems at the change of clocks (reference 3.4), each told here by what must happen instead."""
import datetime as dt
import unittest

import model
import site_under_test
from days import Day
from model import CODES
from site_under_test import TORONTO, VALIDATED
from vendor_files import cmep_intervals, cmep_local, cmep_registers

SPRING, AUTUMN = "2026-03-08", "2025-11-02"
MISSING, CONFLICT = CODES["V07 missing"], CODES["V07 conflict"]


class ClockChange(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.site = site_under_test.the()
        names = ["DST-TWICE", "DST-48", "DST-HE", "DST-25", "DST-INFLATED", "DST-INFLATED-REG", "DST-LABELS", "DST-MEET", "DST-NEXT-23", "DST-NEXT-25"]
        until = {"DST-48": "2026-03-11", "DST-MEET": "2026-03-11", "DST-NEXT-23": "2026-03-11"}
        cls.site.enlist([(n, {"until": model.midnight(TORONTO, until.get(n, "2025-11-05"))}) for n in names])

    def told(self, name, about):
        slots = self.site.slots(name, about.begin, about.end)
        return [slots[s] for s in about.starts]

    def test_the_repeated_hour_counts_once_each_time(self):
        # home-assistant/core 102984: the hour that came twice was counted twice.
        about = Day(AUTUMN, length_s=3600)
        self.site.drop("full", about.both("DST-TWICE"))
        self.site.settle()
        told = self.told("DST-TWICE", about)
        self.assertEqual([s.value for s in told], about.values)
        self.assertEqual(len(told), 25)
        self.assertEqual({frozenset(s.codes) for s in told}, {frozenset({VALIDATED})})
        day = next(r for r in self.reconciled(AUTUMN, "DST-TWICE") if r.channel == "cmep:KWH")
        self.assertEqual((day.interval_values, int(day.interval_sum) * 10 ** day.interval_exponent), (25, sum(about.values)))

    def reconciled(self, day, name):
        request = site_under_test.api.ReconcileCountsRequest(parent="utilities/u", day=day, purpose="contract test")
        return [c for m in self.site.readings.ReconcileCounts(request, timeout=30) for c in m.channels if c.meter.endswith(f"/{name}")]

    def test_an_export_of_always_48_half_hours_costs_two_of_them_and_no_later_day(self):
        # ha-dominion-energy 14: the hour that is not there collided with the next one, and all later days were lost.
        def labels(day):
            first = dt.datetime.fromisoformat(day)
            return [(first + dt.timedelta(minutes=30 * (i + 1))).strftime("%Y%m%d%H%M") for i in range(48)]
        here, following = Day(SPRING, length_s=1800), Day("2026-03-09", length_s=1800)
        said = [400 + i for i in range(48)]
        name = self.site.drop("local", cmep_local("DST-48", list(zip(labels(SPRING), said))) +
                              cmep_local("DST-48", list(zip(labels("2026-03-09"), following.values))))
        self.site.settle()
        # The ends 02:00 and 02:30 do not exist that day; 03:00 does, and is that of the half-hour after 01:30.
        self.assertEqual(self.site.quarantined(name), ["nonexistent_local_time"] * 2)
        told = self.told("DST-48", here)
        self.assertEqual(len(told), 46)
        self.assertEqual([s.value for s in told], [400, 401, 402] + [400 + i for i in range(5, 48)])
        self.assertEqual([s.findings for s in told], [set()] * 46)
        self.assertEqual([s.value for s in self.told("DST-48", following)], following.values)

    def test_two_rows_of_one_hour_and_none_of_the_repeated_one(self):
        # gridstatus 469: two rows for the hour that ends at 02:00, none for the second 01:00.
        about = Day(AUTUMN, length_s=3600)
        pairs = about.pairs()
        twice = pairs[2]   # the second hour that ends at 02:00 by the clock on the wall
        self.site.drop("full", cmep_intervals("DST-HE", pairs[:1] + pairs[2:], length_s=3600) +
                       cmep_intervals("DST-HE", [(twice[0], twice[1] + 77)], length_s=3600))
        self.site.settle()
        told = self.told("DST-HE", about)
        self.assertEqual({i: set(s.findings) for i, s in enumerate(told) if s.findings}, {1: {MISSING}, 2: {CONFLICT}})
        self.assertEqual([s.value for i, s in enumerate(told) if i not in (1, 2)], [v for i, v in enumerate(about.values) if i not in (1, 2)])

    def test_the_long_day_has_25_hours_and_its_neighbours_24(self):
        # eddie-energy 960: 25 values on the long day were an error.
        days = [Day(d, length_s=3600) for d in ("2025-11-01", AUTUMN, "2025-11-03")]
        self.site.drop("full", "".join(d.intervals("DST-25") for d in days))
        self.site.settle()
        self.assertEqual([len(self.told("DST-25", d)) for d in days], [24, 25, 24])
        for about in days:
            told = self.told("DST-25", about)
            self.assertEqual(([s.value for s in told], {s.codes for s in told}), (about.values, {frozenset({VALIDATED})}))
        self.assertEqual(self.site.findings("DST-25", last_day="2025-11-03"), [])

    def test_an_hour_that_holds_two_is_not_taken_for_both(self):
        # amsreader-firmware 349: one hour was inflated by its twin, which is then missing.
        about = Day(AUTUMN, length_s=3600)
        total = about.total
        about.set({1: about.values[1] + about.values[2], 2: None})
        self.site.drop("full", about.intervals("DST-INFLATED") + about.intervals("DST-INFLATED-REG") +
                       cmep_registers("DST-INFLATED-REG", [(about.begin, 5_000_000), (about.end, 5_000_000 + total)]))
        self.site.settle()
        told = self.told("DST-INFLATED", about)
        self.assertEqual({i: set(s.findings) for i, s in enumerate(told) if s.findings}, {2: {MISSING}})
        # Nothing is left between the registers for the missing hour, and nothing more is invented.
        best = self.site.best("DST-INFLATED-REG", about)
        self.assertEqual(best[2].value, 0)
        self.assertEqual(sum(s.value for s in best), total)

    def test_labels_without_an_offset_in_the_repeated_hour_are_quarantined_each(self):
        labels = [f"20251102{h:02}{m:02}" for h in range(0, 4) for m in (0, 30)][1:]
        name = self.site.drop("local", cmep_local("DST-LABELS", [(t, 500 + i) for i, t in enumerate(labels)]))
        self.assertEqual(self.site.quarantined(name), ["ambiguous_local_time"] * 2)   # 01:00 and 01:30

    def test_days_are_counted_by_the_calendar_and_not_by_24_hours(self):
        # date-fns 4140 and its like: begin + n x 24 h is not the beginning of the n-th day.
        for first, other, hours in ((AUTUMN, "2025-11-03", 25), (SPRING, "2026-03-09", 23)):
            about, name = Day(first), f"DST-NEXT-{hours}"
            self.assertEqual((about.end - about.begin) // 3600, hours)
            self.site.drop("full", about.set({len(about.values) - 1: None}).intervals(name) + Day(other).intervals(name))
            self.site.settle()
            self.assertEqual([(f.day, f.start.seconds) for f in self.site.findings(name, first_day=first, last_day=other)
                              if f.check == "V07"],
                             [(first, about.starts[-1])])
            explained = self.site.explain(name, first).days[0]
            self.assertEqual((explained.start.seconds, explained.end.seconds), (about.begin, about.end))
            channel = next(c for c in explained.channels if c.channel == "cmep:KWH")
            self.assertEqual([s.start.seconds for s in channel.slots], about.starts)

    def test_spring_and_autumn_in_one_meter(self):
        days = [Day(d) for d in ("2026-03-07", SPRING, "2026-03-09")]
        self.site.drop("full", "".join(d.intervals("DST-MEET") for d in days) + cmep_registers(
            "DST-MEET", [(d.begin, 5_000_000 + sum(x.total for x in days[:n])) for n, d in enumerate(days)]))
        self.site.settle()
        self.assertEqual(self.site.findings("DST-MEET", last_day="2026-03-09"), [])


if __name__ == "__main__":
    unittest.main(verbosity=2)
