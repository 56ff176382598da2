"""A check that hits more than 2 % of the meters of a day is itself suspect: that is said once, instead of a flood."""
import functools
import unittest

import site_under_test
from days import Day

AT_BOUND, ABOVE, FEW = "2026-01-14", "2026-01-15", "2026-01-20"


@functools.cache
def dropped():
    """Fifty meters with one hit on a day and ten on the next; nineteen others that are all hit. The shares are worked out
    once a minute, so a run of everything drops these first and looks last."""
    site = site_under_test.the()
    fifty, few = [f"SUS-{n:02}" for n in range(50)], [f"FEW-{n:02}" for n in range(19)]
    site.enlist([(m, {}) for m in fifty], utility="s", until="2026-01-16T05:00:00Z")
    site.enlist([(m, {}) for m in few], utility="x", until="2026-01-21T05:00:00Z")
    for feed, meters, days in (("suspect", fifty, ((AT_BOUND, 1), (ABOVE, 10))), ("plain", few, ((FEW, 19),))):
        site.drop(feed, "".join((Day(day, length_s=3600).set({12: 52_801}) if n < hits else Day(day, length_s=3600)).intervals(meter)
                                for day, hits in days for n, meter in enumerate(meters)))
    return site


class ThresholdSuspect(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.site = dropped()
        cls.site.settle()

    def warnings(self, utility):
        number = self.site.gateway.sql(f"select utility_id from utility where key = '{utility}'")
        return [line for line in self.site.gateway.log().splitlines()
                if "THRESHOLD_SUSPECT" in line and "level=warn" in line and f"utility_id={number} " in line]

    def test_one_warning_that_names_check_and_day_and_no_other_of_the_same(self):
        self.site.wait(lambda: self.warnings("s"), 90, "the warning")
        told = self.warnings("s")
        self.assertEqual(len(told), 1, told)
        for word in ("check=V12 ", f"day={ABOVE} ", "meters_hit=10 ", "meters=50 "):
            self.assertIn(word, told[0])

    def test_whoever_asks_for_the_findings_is_told_that_the_threshold_is_suspect(self):
        self.site.wait(lambda: self.warnings("s"), 90, "the warning")

        def asked(day, check="V12"):
            answer = self.site.findings_of.ListFindings(site_under_test.collection.ListFindingsRequest(
                parent="utilities/s", check=check, first_day=day, last_day=day, page_size=1000), timeout=30)
            return len(answer.findings), [(t.day, t.check, t.meters_hit, t.meters) for t in answer.suspect_thresholds]
        self.assertEqual(asked(ABOVE), (10, [(ABOVE, "V12", 10, 50)]))
        self.assertEqual(asked(AT_BOUND), (1, []))
        self.assertEqual(asked(ABOVE, "V07"), (0, []))
        said = [line for line in self.site.gateway.amictl("--utility", "s", "vee", "findings", "--from", AT_BOUND).splitlines()
                if line.startswith("threshold suspect: ")]
        self.assertEqual(len(said), 1, said)
        self.assertIn(f"V12 on {ABOVE} hit 10 of 50 meters", said[0])

    def test_the_log_has_that_line_and_none_a_finding(self):
        self.site.wait(lambda: self.warnings("s"), 90, "the warning")
        self.assertEqual([line for line in self.site.gateway.log().splitlines() if "SUS-" in line], [])

    def test_the_findings_of_a_day_at_the_bound_stand(self):
        found = self.site.findings(utility="s", check="V12", first_day=AT_BOUND, last_day=AT_BOUND)
        self.assertEqual([f.meter.split("/")[-1] for f in found], ["SUS-00"])

    def test_fewer_meters_than_tell_anything_are_no_reason(self):
        self.site.wait(lambda: self.warnings("s"), 90, "the warning")
        self.assertEqual(len(self.site.findings(utility="x", check="V12", first_day=FEW, last_day=FEW)), 19)
        self.assertEqual(self.warnings("x"), [])

    def test_feeds_that_set_the_figure_higher_do_not_warn(self):
        """The faults of the other tests are most of their days' meters, and their feeds say from 1,000,000 meters on."""
        self.site.wait(lambda: self.warnings("s"), 90, "the warning")
        self.assertEqual(self.warnings("u")[:3], [])


if __name__ == "__main__":
    unittest.main(verbosity=2)
