"""Checks that look further than the day: use against an earlier period (V19), runs across midnight (V20, V21), days of
estimates (V25), and times that cannot be (V24)."""
import unittest

import model
import site_under_test
from days import DAY, Day
from model import CODES
from test_checks import merged, ssn_day
from vendor_files import cmep_intervals, cmep_registers

LAST_YEAR = [f"2025-01-{d:02}" for d in range(1, 32)]
AVERAGE = 24_000


def use(day, total):
    """A day of `total` Wh: 25 to 26 slots in a hundred stand out, none repeats eight times."""
    about = Day(day)
    count = len(about.values)
    about.fill([total // count + (6 if i % 2 else -6) for i in range(count)])
    return about.set({0: about.values[0] + total - about.total})


def month(meter, total=AVERAGE):
    return "".join(use(d, total).intervals(meter) for d in LAST_YEAR)


class Usage(unittest.TestCase):
    """V19 at both bounds, against the same month of last year."""
    TOTALS = {"V19-LOW": (11_999, "low"), "V19-LEAST": (12_000, None), "V19-MOST": (48_000, None), "V19-HIGH": (48_001, "high")}

    @classmethod
    def setUpClass(cls):
        cls.site = site_under_test.the()
        names = [*cls.TOTALS, "V19-BEFORE", "V19-BOTH", "V19-ALONE", "V19-HOLE"]
        cls.site.enlist([(n, {}) for n in names])
        before = [model.next_day(DAY, -n) for n in range(1, 32)]
        content = "".join(month(n) + use(DAY, total).intervals(n) for n, (total, _) in cls.TOTALS.items())
        # Where last year has nothing, the last period speaks.
        content += "".join(use(d, AVERAGE).intervals("V19-BEFORE") for d in before) + use(DAY, 60_000).intervals("V19-BEFORE")
        # Where both are known last year's month decides: 30 kWh are usual for January, whatever December was.
        content += month("V19-BOTH", 30_000) + "".join(use(d, 10_000).intervals("V19-BOTH") for d in before[13:]) + \
            use(DAY, 30_000).intervals("V19-BOTH")
        content += use(DAY, 60_000).intervals("V19-ALONE")
        content += month("V19-HOLE") + use(DAY, 60_000).set({50: None}).intervals("V19-HOLE")
        cls.site.drop("full", content)
        cls.site.settle()

    def told(self, name):
        about = Day(DAY)
        found = {f.quality_code for f in self.site.findings(name, check="V19", first_day=DAY, last_day=DAY)}
        slots = {code for s in self.site.slots(name, about.begin, about.end).values() for code in s.findings
                 if code in (CODES["V19 low"], CODES["V19 high"])}
        self.assertEqual(found, slots)
        return found

    def test_bounds(self):
        for name, (total, verdict) in self.TOTALS.items():
            with self.subTest(name):
                self.assertEqual(model.usage(total, AVERAGE), verdict)
                self.assertEqual(self.told(name), {CODES[f"V19 {verdict}"]} if verdict else set())

    def test_else_the_last_period(self):
        self.assertEqual(self.told("V19-BEFORE"), {CODES["V19 high"]})

    def test_last_years_month_comes_first(self):
        self.assertEqual(self.told("V19-BOTH"), set())

    def test_not_judged_without_history_or_with_a_hole(self):
        for name in ("V19-ALONE", "V19-HOLE"):
            self.assertEqual(self.told(name), set())
        checks = [c for ch in self.site.explain("V19-ALONE", DAY).days[0].channels for c in ch.checks if c.check == "V19"]
        self.assertEqual([c.verdict for c in checks], [site_under_test.explain.CheckResult.NOT_JUDGED])
        self.assertTrue(checks[0].words)


class AcrossMidnight(unittest.TestCase):
    """A run of N is a run of N wherever midnight falls."""

    @classmethod
    def setUpClass(cls):
        cls.site = site_under_test.the()
        cls.site.enlist([(n, {}) for n in ("RUN-ZEROS", "RUN-FROZEN", "RUN-SHORT")], until="2026-01-16T05:00:00Z")
        zeros = [Day("2026-01-14").set({i: 0 for i in range(48, 96)}), Day("2026-01-15").set({i: 0 for i in range(48)})]
        frozen = [Day("2026-01-14").set({i: 222 for i in range(92, 96)}), Day("2026-01-15").set({i: 222 for i in range(4)})]
        short = [Day("2026-01-14").set({i: 222 for i in range(92, 96)}), Day("2026-01-15").set({i: 222 for i in range(3)})]
        cls.days = zeros
        cls.site.drop("full", "".join(d.intervals(m) for m, days in (
            ("RUN-ZEROS", zeros), ("RUN-FROZEN", frozen), ("RUN-SHORT", short)) for d in days))
        cls.site.settle()

    def told(self, name):
        return [{i: set(s.findings) for i, s in enumerate(self.site.slots(name, d.begin, d.end).values()) if s.findings}
                for d in self.days]

    def test_a_day_of_zeros_from_noon_to_noon(self):
        self.assertEqual(self.told("RUN-ZEROS"), [{i: {CODES["V20"]} for i in range(48, 96)}, {i: {CODES["V20"]} for i in range(48)}])

    def test_eight_equal_values_around_midnight(self):
        self.assertEqual(self.told("RUN-FROZEN"), [{i: {CODES["V21"]} for i in range(92, 96)}, {i: {CODES["V21"]} for i in range(4)}])

    def test_seven_are_none(self):
        self.assertEqual(self.told("RUN-SHORT"), [{}, {}])

    def test_the_second_half_comes_later_and_is_corrected_after_that(self):
        one, other = Day("2026-01-14").set({i: 222 for i in range(92, 96)}), Day("2026-01-15").set({i: 222 for i in range(4)})
        self.site.enlist([("RUN-LATE", {"until": "2026-01-16T05:00:00Z"})])
        self.site.drop("full", one.intervals("RUN-LATE"))
        self.site.settle()
        self.assertEqual(self.told("RUN-LATE")[0], {})
        self.site.drop("full", other.intervals("RUN-LATE", created="202606020000"))
        self.site.settle()
        suspect = [{i: {CODES["V21"]} for i in range(92, 96)}, {i: {CODES["V21"]} for i in range(4)}]
        self.assertEqual(self.told("RUN-LATE"), suspect)
        self.site.drop("full", cmep_intervals("RUN-LATE", [(other.starts[0], 221)], created="202606030000"))
        self.site.settle()
        self.assertEqual(self.told("RUN-LATE"), [{}, {}])


class Prolonged(unittest.TestCase):
    """V25: more than three days of estimates, whoever made them."""

    @classmethod
    def setUpClass(cls):
        cls.site = site_under_test.the()
        # What the vendor sends ends with Saturday the 17th, and so do the meters: a silent one has estimates of ours.
        cls.site.enlist([("V25-3", {"until": "2026-01-18T05:00:00Z"}), ("V25-4", {"until": "2026-01-18T05:00:00Z"}),
                         ("V25-OURS-3", {"until": "2026-01-16T05:00:00Z"}), ("V25-OURS-4", {"until": "2026-01-17T05:00:00Z"})])
        # Monday to Friday of the week before are complete; from Tuesday on nothing comes, to the removal.
        whole = ["2026-01-05", "2026-01-06", "2026-01-07", "2026-01-08", "2026-01-09", "2026-01-10", "2026-01-11", "2026-01-12"]
        cls.site.drop("full", "".join(Day(d).intervals(m) for d in whole for m in ("V25-OURS-3", "V25-OURS-4")))
        for name, count in (("V25-3", 3), ("V25-4", 4)):
            content = ""
            for n in range(6):
                about = Day(f"2026-01-{12 + n}")
                flags = {s: "E" for s in about.starts} if n < count else None
                content += cmep_intervals(name, about.pairs(), flags=flags)
            cls.site.drop("full", content)
        cls.site.settle()

    def test_three_days_will_do_and_the_fourth_is_too_much(self):
        self.assertEqual(self.site.findings("V25-3", check="V25"), [])
        self.assertEqual([(f.day, f.quality_code) for f in self.site.findings("V25-4", check="V25")], [("2026-01-15", "2.8.0")])

    def test_our_own_estimates_count(self):
        self.assertEqual(self.site.findings("V25-OURS-3", check="V25"), [])
        self.assertEqual([(f.day, f.quality_code) for f in self.site.findings("V25-OURS-4", check="V25")], [("2026-01-16", "2.8.0")])


class Timestamps(unittest.TestCase):
    """V24: what ends in the future is never stored; what began before the meter was put up is set aside."""

    @classmethod
    def setUpClass(cls):
        cls.site = site_under_test.the()
        cls.site.enlist([("V24-FUTURE", {}), ("V24-OLD", {"usage_point": "UP-V24", "until": None})])
        planned = cls.site.folder / "planned-v24.csv"
        planned.write_text("meter,model,form,class\nV24-NEW,FOCUS AXR,2S,200\n")
        cls.site.gateway.amictl("--utility", "u", "meters", "import", "--planned", str(planned))
        cls.about = Day()
        cls.site.gateway.amictl("--utility", "u", "meters", "exchange", "UP-V24", "V24-NEW", "--at", model.utc_text(cls.about.starts[40]))
        cls.future = cls.site.drop("full", cls.about.intervals("V24-FUTURE") + cmep_intervals(
            "V24-FUTURE", [(site_under_test.instant("2069-01-01T05:00:00Z"), 100)]))
        cls.site.drop("full", cls.about.intervals("V24-NEW"))
        cls.site.settle()

    def test_the_year_2069_is_quarantined_and_its_neighbours_are_stored(self):
        self.assertEqual(self.site.quarantined(self.future), ["time_in_future"])
        slots = self.site.slots("V24-FUTURE", self.about.begin, self.about.end)
        self.assertEqual([s.value for s in slots.values()], self.about.values)

    def test_intervals_before_the_installation(self):
        found = self.site.findings("V24-NEW", check="V24")
        self.assertEqual({f.quality_code for f in found}, {CODES["V24"]})
        self.assertEqual({f.advice for f in found}, {"QUARANTINE"})
        slots = self.site.slots("V24-NEW", self.about.begin, self.about.end)
        self.assertEqual({i for i, s in enumerate(slots.values()) if CODES["V24"] in s.codes}, set(range(40)))
        self.assertFalse(self.site.intervals("utilities/u/usagePoints/UP-V24", self.about.begin, self.about.starts[40]).get("cmep:KWH"))


class OffTheGrid(unittest.TestCase):
    """V06: an interval of the right length that does not end on the grid."""

    def test_only_the_interval_itself_and_the_slots_beneath_it_are_touched(self):
        site = site_under_test.the()
        site.enlist([("V06-OFF", {})])
        about = Day().set({48: None, 49: None})
        site.drop("full", about.intervals("V06-OFF") + cmep_intervals("V06-OFF", [(about.starts[48] + 120, 300)]))
        site.settle()
        found = site.findings("V06-OFF", check="V06")
        self.assertEqual([(f.start.seconds, f.end.seconds) for f in found], [(about.starts[48] + 120, about.starts[49] + 120)])
        self.assertIn(found[0].quality_code, ("2.4.2", "2.4.3"))
        slots = site.slots("V06-OFF", about.begin, about.end)
        self.assertLessEqual({s for s, slot in slots.items() if slot.findings}, {about.starts[48], about.starts[49], about.starts[48] + 120})
        self.assertEqual(slots[about.starts[48] + 120].value, 300)
        self.assertTrue(slots[about.starts[48] + 120].findings)


class ReadingsOfTheMeter(unittest.TestCase):
    """What a feed's other words lead to: clock set, diagnostics, reverse flow."""

    @classmethod
    def setUpClass(cls):
        cls.site = site_under_test.the()
        cls.about = about = Day()
        at = about.starts[40] + 60
        cls.cases = {"EV-CLOCK": ("T_CLOCK_ADJUSTED", "V11", {"2.4.9", "2.4.64", "2.4.128"}),
                     "EV-RAM": ("T_RAM_ERROR", "V05", {"2.1.7"}), "EV-REVERSE": ("T_REVERSE_ENERGY", "V13", {"2.3.4"})}
        cls.site.enlist([(n, {"until": about.end + 86400}) for n in cls.cases])
        cls.site.drop("ssn", merged([ssn_day(n, about, events=[(at, event)]) for n, (event, _, _) in cls.cases.items()]))
        cls.site.settle()

    def test_each_raises_its_own_check_and_no_other(self):
        for name, (_, check, codes) in self.cases.items():
            with self.subTest(name):
                found = self.site.findings(name, first_day=DAY, last_day=DAY)
                self.assertEqual({f.check for f in found}, {check})
                self.assertLessEqual({f.quality_code for f in found}, codes)

    def test_other_slots_are_not_harmed(self):
        slots = self.site.slots("EV-CLOCK", self.about.begin, self.about.end, channel="ssn:lp:1")
        self.assertEqual([i for i, s in enumerate(slots.values()) if s.findings], [40])


class Installed(unittest.TestCase):
    """V17 by reference 2.9: an exchange between two readings forbids to accept a wrap. It is no doubt about a rise, and the
    reading of the moment itself is the last, or the first, of that place."""

    @classmethod
    def setUpClass(cls):
        cls.site = site_under_test.the()
        cls.about = about = Day()
        cls.site.enlist([("V17-REMOVED", {"until": about.end}), ("V17-INSIDE", {"until": about.starts[48]}),
                         ("V17-ACROSS-OLD", {"usage_point": "UP-ACROSS", "until": None})])
        planned = cls.site.folder / "planned-v17.csv"
        planned.write_text("meter,model,form,class\nV17-ACROSS,FOCUS AXR,2S,200\n")
        cls.site.gateway.amictl("--utility", "u", "meters", "import", "--planned", str(planned))
        cls.site.gateway.amictl("--utility", "u", "meters", "exchange", "UP-ACROSS", "V17-ACROSS", "--at", model.utc_text(about.starts[48]))
        cls.site.drop("full", about.both("V17-REMOVED") +
                      cmep_registers("V17-ACROSS", [(about.starts[40], 2_900), (about.starts[52], 3_100), (about.end, 9_000)]) +
                      cmep_registers("V17-INSIDE", [(about.begin, 99_999_000), (about.end, 12_000)]))
        cls.site.settle()

    def codes(self, name):
        return [codes - {"2.0.1"} for _, channel, _, codes in self.site.registers(name) if channel == "cmep:KWHREG"]

    def test_the_final_reading_at_the_moment_of_removal_is_not_doubted(self):
        self.assertEqual(self.codes("V17-REMOVED"), [set(), set()])
        self.assertEqual(self.site.findings("V17-REMOVED"), [])

    def test_a_rise_from_before_the_installation_makes_no_reading_suspect(self):
        self.assertEqual([CODES["V17"] in codes for codes in self.codes("V17-ACROSS")], [False, False, False])

    def test_a_turn_of_the_dial_across_a_removal_is_not_accepted(self):
        self.assertEqual([CODES["V17"] in codes for codes in self.codes("V17-INSIDE")], [False, True])


if __name__ == "__main__":
    unittest.main(verbosity=2)
