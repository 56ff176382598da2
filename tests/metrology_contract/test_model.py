"""The reference itself against every number of metrology reference 2.10; needs no program."""
import math
import unittest
from datetime import datetime, timedelta
from fractions import Fraction
from zoneinfo import ZoneInfo

import model
from model import Constant, Meter, Outage, Ramp, Sine

WH = 3600
T8_V = [(1, 240, 0), (3, 12, 0), (5, 7.2, 0)]
T8_I = [(1, 20, -30), (3, 6, -150), (5, 2, 60)]


def one(v, i):
    return model.element_pairs("1S", "form", v, [], i, [])


def two(mode, v, i):
    """P of a 2S meter; v and i are (rms, angle) of L1 and L2."""
    return model.exact_power(model.element_pairs("2S", mode, *[[(1, *x)] for x in (*v, *i)]))


class Vectors(unittest.TestCase):
    def close(self, got, want, relative=1e-12):
        self.assertLessEqual(abs(float(got) - want), relative * abs(want) + 1e-12, f"{got} for {want}")

    def test_t1_to_t5_power_of_one_element(self):
        for angle, want in ((0, 7200), (-60, 3600), (30, 6235.382907247958), (180, -7200), (90, 0)):
            self.assertAlmostEqual(model.exact_power(one([(1, 240, 0)], [(1, 30, angle)])), want, delta=1e-10)
        self.assertEqual(model.pulses(7200 * WH, "7.2"), (1000, 0))
        self.assertEqual(model.pulses(3600 * WH, "7.2"), (500, 0))
        count, carry = model.pulses(Fraction("6235.382907247958") * WH, "7.2")
        self.assertEqual(count, 866)
        self.close(carry, 0.18290724796, 1e-10)
        self.close(carry / Fraction("7.2"), 0.0254037844386, 1e-10)
        self.assertEqual(Constant(-7200).energy(3600), (0, 7200 * WH))
        self.close(240 * 30 / math.pi, 2291.831180523, 1e-12)  # what the sign of each instant would give

    def test_t6_t7_two_legs(self):
        for name, v, i, true, form in (
                ("T6a", ((120, 0), (120, 180)), ((15, 0), (15, 180)), 3600, 3600),
                ("T6b", ((120, 0), (120, 180)), ((10, 0), (20, 180)), 3600, 3600),
                ("T6c", ((122, 0), (118, 180)), ((10, 0), (20, 180)), 3580, 3600),
                ("T6d", ((120, 0), (120, -120)), ((10, 0), (10, -120)), 2400, 1800),
                ("T6e", ((120, 0), (120, 180)), ((10, 0), (5, 0)), 600, 600),
                ("T6f", ((122, 0), (118, 180)), ((10, 0), (5, 0)), 630, 600),
                ("T7", ((120, 0), (120, 180)), ((10, 0), (10, 180)), 2400, 2400)):
            with self.subTest(name):
                self.close(two("true", v, i), true)
                self.close(two("form", v, i), form)
        self.close((3600 / 3580 - 1) * 100, 0.5586592178770949)

    def test_t8_power_quantities(self):
        (v, i), = one(T8_V, T8_I)
        got = model.power_quantities(v, i)
        for key, want in {
                "p_w": 4101.768109092826, "v_rms": 240.40765378831014, "i_rms": 20.97617696340303,
                "s_va": 5042.833489220123, "pf": 0.8133855932108452, "s1_va": 4800, "q1_var": 2400,
                "p1_w": 4156.921938165306, "sn_va": 1546.0173349610275, "d_i_va": 1517.8932768808222,
                "d_v_va": 279.8856909525744, "s_h_va": 88.50762679001173, "p_h_w": -55.15382907247931,
                "d_h_va": 69.22178225561471, "n_var": 2933.54188298532, "thd_v": 0.05830951894845301,
                "thd_i": 0.31622776601683794}.items():
            with self.subTest(key):
                self.close(got[key], want, 1e-11)
        self.close(model.mean_power({3: v[3]}, i), -62.353829072479584)
        self.close(model.mean_power({5: v[5]}, i), 7.2)

    def test_t9_t10_t14_samples(self):
        pairs = one(T8_V, T8_I)
        self.close(model.sampled_power(pairs, 60, 8), 4127.180406536313)
        for n in (12, 16, 32, 64):
            self.close(model.sampled_power(pairs, 60, n), 4101.768109092826)
        pairs = one([(1, 240, 0), (15, 12, 0)], [(1, 20, 0)])
        self.close(model.sampled_power(pairs, 60, 16), 4560)
        for n in (32, 64):
            self.close(model.sampled_power(pairs, 60, n), 4800)
        pairs = one([(1, 240, 0)], [(1, 30, -60)])
        self.close((model.sampled_power(pairs, 60, 64, 1e-6) / 3600 - 1) * 100, 0.06528966945067438, 1e-9)

    def test_t11_t12_both_directions(self):
        meter = Meter([(600, Constant(6000)), (300, Constant(-3000))], 0)
        self.assertEqual(meter.totals, (1000 * WH, 250 * WH))
        for energy, kw in zip((1000, 250, 750), (4.0, 1.0, 3.0)):
            self.assertEqual(model.kilowatts(energy * WH, 900), kw)
        delivered, received = Meter([(900, Sine(6000, 900))], 0).totals
        self.close(delivered / WH, 477.464829275686)
        self.close(received / WH, 477.464829275686)

    def test_t13_exponential(self):
        meter = Meter([(2700, Constant(5000))], 0)
        for minute, kw in ((1, 0.7115205070455294), (5, 2.6792055831936104), (10, 3.9227826549840583), (15, 4.5),
                           (20, 4.767920558319362), (30, 4.95), (45, 4.995)):
            self.close(meter.thermal_demand(minute * 60, 900), kw)
        self.close(Meter([(900, Constant(5000)), (900, Constant(0))], 0).thermal_demand(1800, 900), 0.45)
        tau = 900 / math.log(10)
        self.close(tau, 390.865034, 1e-8)
        self.close(1 - math.exp(-1 / tau), 0.002555157893763149)
        self.close(1 - math.exp(-60 / tau), 0.14230410140910588)

    def test_t15_t16_demand(self):
        meter = Meter([(600, Constant(0)), (600, Constant(12000)), (600, Constant(0))], 0)
        block = [model.kilowatts(meter.between(r.start, r.finish)[0], 900) for r in meter.records(900)]
        self.assertEqual(block, [4.0, 4.0])
        subs = [meter.between(r.start, r.finish)[0] for r in meter.records(300)]
        rolling = model.sliding(subs, 3, 900)
        self.assertEqual((max(rolling), rolling.index(max(rolling))), (8.0, 3))  # the 4th end is 00:20
        self.close(meter.thermal_demand(1200, 900), 9.41467837196174)
        kwh = [Fraction(x) * 1000 * WH for x in ("0.1", "0.2", "0.4", "0.5", "0.3", "0.1")]
        for got, want in zip(model.sliding(kwh, 3, 900), (0.4, 1.2, 2.8, 4.4, 4.8, 3.6)):
            self.close(got, want)
        for got, want in zip((sum(kwh[:3]), sum(kwh[3:])), (2.8, 3.6)):
            self.close(model.kilowatts(got, 900), want)

    def test_t17_pulses_keep_their_carry(self):
        meter = Meter([(7200, Constant(Fraction(10000, 3)))], 0)
        self.assertEqual([meter.pulses_between(r.start, r.finish, 0) for r in meter.records(900)],
                         [694, 694, 695, 694, 695, 694, 695, 694])
        count, carry = model.pulses(meter.totals[0], "1.2")
        self.assertEqual((count, carry / Fraction("1.2")), (5555, Fraction(5, 9)))

    def test_t18_cumulative(self):
        total, got = Fraction(0), []
        for maximum in ("4.8", "5.2", "3.9"):
            total += Fraction(maximum)
            got.append(total)
        self.assertEqual(got, [Fraction(x) for x in ("4.8", "10.0", "13.9")])

    def test_t19_t20_t25_rollover(self):
        self.assertEqual(model.register("99998000", 5, 0), "99998")
        self.assertEqual(model.register("100003000", 5, 0), "00003")
        self.assertEqual(model.register_delta("99998", "00003", 5, 0), 5)
        self.close(10 ** 5 / 48, 2083.33, 1e-5)
        self.close(10 ** 5 / 48 / 24, 86.8056, 1e-6)
        self.assertEqual(model.register("100000400", 6, 1), "000004")
        self.assertEqual(model.register_delta("999998", "000004", 6, 1), Fraction(6, 10))
        self.assertEqual(model.register_delta("99999", "00001", 5, 0) - model.register_delta("00010", "00014", 5, 0),
                         -2)

    def test_t21_t22_t23_limits(self):
        self.assertEqual(255 * Fraction("7.2"), 1836)
        self.assertEqual(Fraction(1836) * 4 / 1000, Fraction("7.344"))
        self.assertEqual(65535 * Fraction("1.2"), 78642)
        self.assertEqual(Fraction("12.345") * 40, Fraction("493.8"))
        self.assertEqual(Fraction("0.6") * 40, 24)
        for hours, kwh in ((Fraction(1, 12), 4), (Fraction(1, 4), 12), (1, 48)):
            self.assertEqual(240 * 200 * hours / 1000, kwh)

    def test_t24_local_days(self):
        for zone, day, quarters, start in (("America/Toronto", (2026, 3, 8), 92, "05:00"),
                                           ("America/Toronto", (2026, 11, 1), 100, "04:00"),
                                           ("America/Regina", (2026, 3, 8), 96, "06:00"),
                                           ("America/Regina", (2026, 11, 1), 96, "06:00")):
            first = datetime(*day, tzinfo=ZoneInfo(zone)).astimezone(ZoneInfo("UTC"))
            last = (datetime(*day) + timedelta(days=1)).replace(tzinfo=ZoneInfo(zone)).astimezone(ZoneInfo("UTC"))
            self.assertEqual(((last - first) / timedelta(minutes=15), first.strftime("%H:%M")), (quarters, start))


class ClosedForms(unittest.TestCase):
    """Loads against sums of many small steps, which is what the closed forms stand for."""

    def test_energy_and_thermal_demand_of_each_load(self):
        tau = 900 / math.log(10)
        for load in (Constant(2500), Constant(-700), Ramp(-3000, 6000, 1000), Ramp(6000, -1000, 1000),
                     Ramp(500, 500, 1000), Sine(4000, 333), Sine(-4000, 700), Outage()):
            for t in (10, 333.25, 1000):
                n = 10000
                step = t / n
                powers = [float(load.power((k + 0.5) * step)) for k in range(n)]
                want = (sum(p for p in powers if p > 0) * step, -sum(p for p in powers if p < 0) * step)
                for got, brute in zip(load.energy(t), want):
                    self.assertAlmostEqual(float(got), brute, delta=1e-6 * abs(brute) + 1e-3)
                d, decay = 1000.0, math.exp(-step / tau)
                for p in powers:
                    d = max(p, 0) + (d - max(p, 0)) * decay
                self.assertAlmostEqual(load.thermal(1000.0, t, tau), d, delta=1e-6 * abs(d) + 1e-3)

    def test_a_sine_telescopes_over_its_periods(self):
        whole, part = Sine(1000, 60).energy(6000), Sine(1000, 60).energy(60)
        self.assertAlmostEqual(whole[0], 100 * part[0], places=6)
        self.assertAlmostEqual(whole[1], 100 * part[1], places=6)


class Clock(unittest.TestCase):
    """The rules of clock sets on a 900-s grid, worked by hand."""

    def labels(self, *sets, end=3600, phase=0):
        return [(r.label, r.finish, sorted(r.required)) for r in Meter([(end, Constant(1000))], phase,
                list(sets)).records(900)]

    def test_forward_inside_an_interval_shortens_it(self):
        self.assertEqual(self.labels((1000, 120), end=2700), [
            (900, 900, []), (1800, 1680, ["CLOCK_FORWARD", "PARTIAL"]), (2700, 2580, [])])

    def test_back_inside_an_interval_lengthens_it(self):
        self.assertEqual(self.labels((1300, -120), end=2820), [
            (900, 900, []), (1800, 1920, ["CLOCK_BACKWARD", "LONG"]), (2700, 2820, [])])

    def test_back_over_the_start_closes_at_once_and_labels_repeat(self):
        self.assertEqual(self.labels((1000, -300), end=2100), [
            (900, 900, []), (None, 1000, ["CLOCK_BACKWARD", "PARTIAL"]), (900, 1200, ["PARTIAL"]), (1800, 2100, [])])

    def test_forward_over_ends_skips_them(self):
        self.assertEqual(self.labels((1000, 2000), end=2500), [
            (900, 900, []), (None, 1000, ["CLOCK_FORWARD", "PARTIAL"]), (3600, 1600, ["SKIPPED"]), (4500, 2500, [])])

    def test_start_off_the_grid_is_partial(self):
        self.assertEqual(self.labels(phase=300, end=1500), [(600, 600, ["PARTIAL"]), (1500, 1500, [])])


if __name__ == "__main__":
    unittest.main()
