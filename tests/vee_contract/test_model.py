"""The model against every figure of section 3 of the metrology reference, and against what its words imply."""
import unittest
from fractions import Fraction as F

import model

TORONTO, KOLKATA = "America/Toronto", "Asia/Kolkata"


class Time(unittest.TestCase):
    def test_t24_quarter_hours_of_local_days(self):
        self.assertEqual(len(model.grid(TORONTO, "2026-03-08")), 92)
        self.assertEqual(len(model.grid(TORONTO, "2026-11-01")), 100)
        self.assertEqual({len(model.grid("America/Regina", f"2026-{m:02}-08")) for m in range(1, 13)}, {96})
        self.assertEqual(model.utc_text(model.grid(TORONTO, "2026-03-08")[0]), "2026-03-08T05:00:00Z")
        self.assertEqual(model.utc_text(model.grid(TORONTO, "2026-11-01")[0]), "2026-11-01T04:00:00Z")
        self.assertEqual(model.utc_text(model.grid(KOLKATA, "2026-01-15")[0]), "2026-01-14T18:30:00Z")
        self.assertEqual(len(model.grid(TORONTO, "2026-11-01", 3600)), 25)

    def test_hours_of_a_half_hour_zone_are_on_their_own_grid(self):
        start = model.midnight(KOLKATA, "2026-01-15")
        self.assertTrue(model.off_grid(start, 3600, 3600))
        self.assertFalse(model.off_grid(start, 3600, 3600, 1800))
        self.assertFalse(model.off_grid(start, 900, 900))
        self.assertTrue(model.off_grid(start, 899, 900))


class Checks(unittest.TestCase):
    def test_t21_and_t23(self):
        self.assertTrue(model.overflowed(1836, "7.2", 255))
        self.assertFalse(model.overflowed("1828.8", "7.2", 255))
        self.assertTrue(model.overflowed(78642, "1.2", 65535))
        self.assertEqual([model.physical_limit(240, 200, s, 1) for s in (300, 900, 3600)], [4000, 12000, 48000])
        self.assertEqual(model.physical_limit(240, 200, 900), 13200)

    def test_sum_check_reaches_its_bound_exclusively(self):
        for difference, fails in ((0, False), (1, False), (2, True), (3, True)):
            self.assertEqual(model.sum_check([100] * 4, 1000, 1400 + difference, 1, 1).fails, fails)
            self.assertEqual(model.sum_check([100] * 4, 1000, 1400 - difference, 1, 1).fails, fails)
        self.assertEqual(model.sum_check([100], 0, 100, 1, "7.2", 40).bound, F(328))
        self.assertEqual(model.sum_check([100], 0, 1000, 1, 1, 1, "0.1").bound, 3)

    def test_tou_and_net(self):
        self.assertFalse(model.tou_sum([10, 20], 32, 1).fails)
        self.assertTrue(model.tou_sum([10, 20], 33, 1).fails)
        self.assertFalse(model.net_identity(-2, 2, 6, 1).fails)
        self.assertTrue(model.net_identity(-1, 2, 6, 1).fails)

    def test_t19_and_t20_wraps(self):
        self.assertEqual(model.register_step(99998, 3, 10 ** 5, 48), ("wrap", 5))
        self.assertEqual(model.register_step("99999.8", "0.4", 10 ** 5, 48), ("wrap", F(6, 10)))
        self.assertEqual(model.register_step(99998, 50, 10 ** 5, 48)[0], "suspect")
        self.assertEqual(model.register_step(500, 400, 10 ** 5, 48)[0], "suspect")

    def test_spike_vector(self):
        self.assertEqual(model.spike([3000, 9000, 5000]), (F(2), 1, True))
        self.assertEqual(model.spike([3000, 8400, 5000]), (F(18, 10), 1, False))
        self.assertFalse(model.spike([3, 9, 5])[2])
        self.assertTrue(model.spike([0, 1001, 0, 0])[2])
        self.assertIsNone(model.spike([1, 2000]))

    def test_usage_bounds_are_exclusive(self):
        self.assertEqual([model.usage(total, 24000) for total in (11999, 12000, 48000, 48001)], ["low", None, None, "high"])

    def test_runs(self):
        self.assertEqual(model.zero_runs([0] * 96), set(range(96)))
        self.assertEqual(model.zero_runs([0] * 95 + [1]), set())
        self.assertEqual(model.frozen_runs([5] * 7 + [6]), set())
        self.assertEqual(model.frozen_runs([1] + [5] * 8 + [6]), set(range(1, 9)))
        self.assertEqual(model.frozen_runs([5] * 4 + [None] + [5] * 4), set())
        self.assertEqual(model.frozen_runs([0] * 20), set())


class Estimates(unittest.TestCase):
    def test_linear_vector(self):
        self.assertEqual(model.linear(1200, 2000, 3), [1400, 1600, 1800])

    def test_register_scaled_vectors(self):
        self.assertEqual(model.largest_remainder(10, [1, 1, 1], 1), [4, 3, 3])
        self.assertEqual(model.largest_remainder(5000, [1, 2, 3, 4], 1), [500, 1000, 1500, 2000])
        self.assertEqual(model.register_scaled(100, 113, [1, 2], [1, 1, 1], 1), [4, 3, 3])
        self.assertIsNone(model.register_scaled(100, 102, [1, 2], [1], 1))

    def test_holes(self):
        self.assertEqual(model.holes([None, 1, None, None, 2, None]), [(0, 1), (2, 2), (5, 1)])


if __name__ == "__main__":
    unittest.main(verbosity=2)
