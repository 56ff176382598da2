"""T1 to T25 of metrology reference 2.10 through `amictl metrology`, each as a scenario of its own."""
import math
import xml.etree.ElementTree as ElementTree
from decimal import Decimal
from fractions import Fraction

from tool import Case, START, amictl, as_yaml, harmonics, instant, main, scenario, start_instant

T8_V = harmonics("L1", [(1, 240, 0), (3, 12, 0), (5, 7.2, 0)], "v")
T8_I = harmonics("L1", [(1, 20, -30), (3, 6, -150), (5, 2, 60)], "a")
T8 = {"p_w": 4101.768109092826, "v_rms": 240.40765378831014, "i_rms": 20.97617696340303, "s_va": 5042.833489220123,
      "pf": 0.8133855932108452, "p1_w": 4156.921938165306, "q1_var": 2400, "sn_va": 1546.0173349610275,
      "d_i_va": 1517.8932768808222, "d_v_va": 279.8856909525744, "thd_v": 0.05830951894845301,
      "thd_i": 0.31622776601683794}
ONE = {"form": "1S", "kh_wh": 7.2, "ke_wh": 7.2}


def one_element(angle, duration=3600, amperes=30):
    return {"duration_s": duration, "voltage": harmonics("L1", [(1, 240, 0)], "v"),
            "current": harmonics("L1", [(1, amperes, angle)], "a")}


def two_legs(v1, v2, i1, i2, duration=3600):
    return {"duration_s": duration,
            "voltage": harmonics("L1", [(1, *v1)], "v") + harmonics("L2", [(1, *v2)], "v"),
            "current": harmonics("L1", [(1, *i1)], "a") + harmonics("L2", [(1, *i2)], "a")}


class OneElement(Case):
    def test_t1_unity(self):
        out = self.run_scenario(scenario([one_element(0)], **ONE))
        self.energy(out, 7200, 0)
        self.exactly(out["pulses"]["delivered"], 1000)
        self.exactly(out["pulses"]["carry_wh"]["delivered"], 0)
        self.exactly(out["pulses"]["received"], 0)

    def test_t2_half_lagging(self):
        out = self.run_scenario(scenario([one_element(-60)], **ONE))
        self.energy(out, 3600, 0)
        self.exactly(out["pulses"]["delivered"], 500)
        self.exactly(out["pulses"]["carry_wh"]["delivered"], 0)
        self.near(out["segments"][0]["pf"], 0.5)
        self.near(out["segments"][0]["q1_var"], 7200 * math.sqrt(3) / 2)

    def test_t3_thirty_degrees_leading(self):
        out = self.run_scenario(scenario([one_element(30)], **ONE))
        self.energy(out, "6235.382907247958", 0, relative=1e-9)
        self.exactly(out["pulses"]["delivered"], 866)
        self.near(Decimal(out["pulses"]["carry_wh"]["delivered"]), 0.18290724796, scale=6235.4)
        self.near(out["segments"][0]["q1_var"], -3600)

    def test_t4_reversed(self):
        out = self.run_scenario(scenario([one_element(180)], **ONE))
        self.energy(out, 0, 7200)
        self.exactly(out["energy_wh"]["net"], -7200)
        self.exactly(out["pulses"]["received"], 1000)
        self.near(out["segments"][0]["pf"], -1)

    def test_t5_quarter_turn_counts_nothing_either_way(self):
        for sampling in (None, {"frequency_hz": 60, "samples_per_cycle": 64, "skew_s": 0}):
            for angle in (90, -90):
                with self.subTest(angle=angle, sampling=sampling):
                    out = self.run_scenario(scenario([one_element(angle, 900)], sampling=sampling, **ONE))
                    for key in ("delivered", "received", "net"):
                        self.assertLess(abs(Decimal(out["energy_wh"][key])), Decimal("1e-6"))
                    self.exactly(out["pulses"]["delivered"], 0)
                    self.exactly(out["pulses"]["received"], 0)

    def test_t1_to_t4_in_samples(self):
        sampling = {"frequency_hz": 60, "samples_per_cycle": 32, "skew_s": 0}
        for angle, want in ((0, 1800), (-60, 900), (30, 6235.382907247958 / 4), (180, -1800)):
            with self.subTest(angle):
                out = self.run_scenario(scenario([one_element(angle, 900)], sampling=sampling, **ONE))
                self.near(Decimal(out["energy_wh"]["net"]), want)


class TwoLegs(Case):
    CASES = (("T6a", ((120, 0), (120, 180), (15, 0), (15, 180)), 3600, 3600),
             ("T6b", ((120, 0), (120, 180), (10, 0), (20, 180)), 3600, 3600),
             ("T6c", ((122, 0), (118, 180), (10, 0), (20, 180)), 3580, 3600),
             ("T6d", ((120, 0), (120, -120), (10, 0), (10, -120)), 2400, 1800),
             ("T6e", ((120, 0), (120, 180), (10, 0), (5, 0)), 600, 600),
             ("T6f", ((122, 0), (118, 180), (10, 0), (5, 0)), 630, 600),
             ("T7", ((120, 0), (120, 180), (10, 0), (10, 180)), 2400, 2400))

    def test_t6_t7_in_both_modes(self):
        for sampling in (None, {"frequency_hz": 60, "samples_per_cycle": 16, "skew_s": 0}):
            for name, phasors, true, form in self.CASES:
                for mode, want in (("true", true), ("form", form)):
                    with self.subTest(vector=name, mode=mode, sampling=sampling):
                        out = self.run_scenario(scenario([two_legs(*phasors)], mode=mode, sampling=sampling))
                        self.energy(out, want, 0, relative=1e-9 if sampling else 0)
                        self.near(out["segments"][0]["p_w"], want)

    def delivered(self, phasors):
        """Wh in an hour by mode."""
        return {mode: Decimal(self.run_scenario(scenario([two_legs(*phasors)], mode=mode))["energy_wh"]["delivered"])
                for mode in ("true", "form")}

    def test_t6c_error_of_the_form(self):
        got = self.delivered(self.CASES[2][1])
        self.near((got["form"] / got["true"] - 1) * 100, 0.5586592178770949)

    def test_t6d_ratio(self):
        got = self.delivered(self.CASES[3][1])
        self.near(got["form"] / got["true"], 0.75)

    def test_form_1s_uses_l1_alone(self):
        out = self.run_scenario(scenario([{"duration_s": 3600, "voltage": harmonics("L1", [(1, 120, 0)], "v"),
                                           "current": harmonics("L1", [(1, 10, 0)], "a")}], form="1S"))
        self.energy(out, 1200, 0)


class Harmonics(Case):
    def segment(self, duration=3600):
        return {"duration_s": duration, "voltage": T8_V, "current": T8_I}

    def test_t8_power_quantities(self):
        out = self.run_scenario(scenario([self.segment()], **ONE))
        segment = out["segments"][0]
        for key, want in T8.items():
            with self.subTest(key):
                self.assertIn(key, segment)
                self.near(segment[key], want)
        self.near(math.hypot(segment["p1_w"], segment["q1_var"]), 4800, message="S1")
        self.near(math.sqrt(segment["s_va"] ** 2 - segment["p_w"] ** 2), 2933.54188298532, message="N")
        self.near(segment["p_w"] - segment["p1_w"], -55.15382907247931, scale=4200, message="PH")
        self.energy(out, "4101.768109092826", 0, relative=1e-9)

    def test_t8_harmonic_powers_one_by_one(self):
        for order, want in ((3, -62.353829072479584), (5, 7.2)):
            out = self.run_scenario(scenario([{"duration_s": 3600, "voltage": [h for h in T8_V if h["order"] == order],
                                               "current": [h for h in T8_I if h["order"] == order]}], **ONE))
            self.near(Decimal(out["energy_wh"]["net"]), want)

    def test_t9_samples_per_cycle(self):
        for n, want in ((8, 4127.180406536313), *((n, T8["p_w"]) for n in (12, 16, 32, 64))):
            with self.subTest(n):
                out = self.run_scenario(scenario([self.segment(900)], sampling={
                    "frequency_hz": 60, "samples_per_cycle": n, "skew_s": 0}, **ONE))
                self.near(Decimal(out["energy_wh"]["delivered"]), want / 4)
                self.near(out["segments"][0]["p_w"], want)

    def test_t10_fifteenth_harmonic_aliases(self):
        segment = {"duration_s": 900, "voltage": harmonics("L1", [(1, 240, 0), (15, 12, 0)], "v"),
                   "current": harmonics("L1", [(1, 20, 0)], "a")}
        self.near(Decimal(self.run_scenario(scenario([segment], **ONE))["energy_wh"]["delivered"]), 1200)
        for n, want in ((16, 4560), (32, 4800), (64, 4800)):
            with self.subTest(n):
                out = self.run_scenario(scenario([segment], sampling={
                    "frequency_hz": 60, "samples_per_cycle": n, "skew_s": 0}, **ONE))
                self.near(Decimal(out["energy_wh"]["delivered"]), want / 4)

    def test_t14_skew(self):
        for skew, want in ((1e-6, 0.06528966945067438), (0, 0)):
            out = self.run_scenario(scenario([one_element(-60, 900)], sampling={
                "frequency_hz": 60, "samples_per_cycle": 64, "skew_s": skew}, **ONE))
            self.near((Decimal(out["energy_wh"]["delivered"]) / 900 - 1) * 100, want, scale=100)

    def test_quantities_that_are_not_defined_are_left_out_or_null(self):
        out = self.run_scenario(scenario([{"duration_s": 900, "voltage": harmonics("L1", [(1, 240, 0)], "v"),
                                           "current": harmonics("L1", [(1, 0, 0)], "a")}], **ONE))
        for key in ("pf", "thd_i"):
            self.assertIsNone(out["segments"][0].get(key))
        self.near(out["segments"][0]["v_rms"], 240)


class Demand(Case):
    def test_t11_both_directions_in_one_interval(self):
        segments = [{"duration_s": 600, "power_w": 6000}, {"duration_s": 300, "power_w": -3000}]
        out = self.run_scenario(scenario(segments))
        self.energy(out, 1000, 250)
        self.assertEqual(len(out["intervals"]), 1)
        self.near(out["intervals"][0]["delivered_wh"], 1000)
        self.near(out["intervals"][0]["received_wh"], 250)
        self.near(out["demand"]["max_kw"], 4.0)
        self.near(out["intervals"][0]["received_wh"] * 4 / 1000, 1.0)
        self.near((out["intervals"][0]["delivered_wh"] - out["intervals"][0]["received_wh"]) * 4 / 1000, 3.0)

    def test_t11_demand_of_received_and_net_where_it_can_be_chosen(self):
        segments = [{"duration_s": 600, "power_w": 6000}, {"duration_s": 300, "power_w": -3000}]
        for quantity, want in (("delivered", 4.0), ("received", 1.0), ("net", 3.0)):
            what = scenario(segments, demand={"method": "block", "window_s": 900, "quantity": quantity})
            (self.folder / "choose.yaml").write_text(as_yaml(what))
            code, _, err = amictl("metrology", "choose.yaml", folder=self.folder)
            if code == 2 and "quantity" in err:
                self.skipTest("the tool offers no choice of the demand's quantity")
            self.near(self.run_scenario(what)["demand"]["max_kw"], want, message=quantity)

    def test_t12_sine_power(self):
        out = self.run_scenario(scenario([{"duration_s": 900, "power_w": {"sine_amplitude": 6000, "period_s": 900}}]))
        self.near(Decimal(out["energy_wh"]["delivered"]), 477.464829275686)
        self.near(Decimal(out["energy_wh"]["received"]), 477.464829275686)
        self.near(Decimal(out["energy_wh"]["net"]), 0, scale=477)
        self.near(out["intervals"][0]["delivered_wh"], 477.464829275686)
        self.near(out["intervals"][0]["received_wh"], 477.464829275686)

    def test_t13_exponential(self):
        minutes = (0, 1, 5, 10, 15, 20, 30, 45)
        want = {60: 0.7115205070455294, 300: 2.6792055831936104, 600: 3.9227826549840583, 900: 4.5,
                1200: 4.767920558319362, 1800: 4.95, 2700: 4.995}
        segments = [{"duration_s": (b - a) * 60, "power_w": 5000} for a, b in zip(minutes, minutes[1:])]
        out = self.run_scenario(scenario(segments, demand={"method": "exponential", "t90_s": 900}))
        trace = dict(self.trace(out))
        for second, kw in want.items():
            with self.subTest(second):
                self.assertIn(second, trace)
                self.near(trace[second], kw)
        self.near(out["demand"]["max_kw"], 4.995)
        self.near(out["demand"]["present_kw"], 4.995)

    def test_t13_load_removed(self):
        out = self.run_scenario(scenario([{"duration_s": 900, "power_w": 5000}, {"duration_s": 900, "power_w": 0}],
                                         demand={"method": "exponential", "t90_s": 900}))
        self.near(dict(self.trace(out))[1800], 0.45)
        self.near(out["demand"]["present_kw"], 0.45)
        self.near(out["demand"]["max_kw"], 4.5)
        self.assertEqual(instant(out["demand"]["max_at"]) - start_instant(START), 900)

    T15 = [{"duration_s": 600, "power_w": 0}, {"duration_s": 600, "power_w": 12000}, {"duration_s": 600, "power_w": 0}]

    def test_t15_block(self):
        out = self.run_scenario(scenario(self.T15))
        self.assertEqual([at for at, _ in self.trace(out)], [900, 1800])
        self.near(out["demand"]["max_kw"], 4.0)
        self.assertEqual(instant(out["demand"]["max_at"]) - start_instant(START), 900, "of equals the earlier stays")

    def test_t15_sliding(self):
        out = self.run_scenario(scenario(self.T15, demand={"method": "sliding", "window_s": 900, "subinterval_s": 300}))
        self.assertEqual([at for at, _ in self.trace(out)], [300, 600, 900, 1200, 1500, 1800])
        self.near(out["demand"]["max_kw"], 8.0)
        self.assertEqual(instant(out["demand"]["max_at"]) - start_instant(START), 1200)

    def test_t15_exponential(self):
        out = self.run_scenario(scenario(self.T15, demand={"method": "exponential", "t90_s": 900}))
        self.near(out["demand"]["max_kw"], 9.41467837196174)
        self.assertEqual(instant(out["demand"]["max_at"]) - start_instant(START), 1200)

    T16 = [{"duration_s": 300, "power_w": kwh * 12000} for kwh in (0.10, 0.20, 0.40, 0.50, 0.30, 0.10)]

    def test_t16_sliding(self):
        out = self.run_scenario(scenario(self.T16, demand={"method": "sliding", "window_s": 900, "subinterval_s": 300}))
        trace = self.trace(out)
        self.assertEqual([at for at, _ in trace], [300, 600, 900, 1200, 1500, 1800])
        for (_, got), want in zip(trace[2:], (2.8, 4.4, 4.8, 3.6)):
            self.near(got, want)
        self.near(out["demand"]["max_kw"], 4.8)
        self.assertEqual(instant(out["demand"]["max_at"]) - start_instant(START), 1500, "the end of the fifth")

    def test_t16_window_that_is_not_yet_full_is_divided_by_its_programmed_length(self):
        out = self.run_scenario(scenario(self.T16, demand={"method": "sliding", "window_s": 900, "subinterval_s": 300}))
        for (_, got), want in zip(self.trace(out), (0.4, 1.2)):
            self.near(got, want)

    def test_t16_block(self):
        out = self.run_scenario(scenario(self.T16))
        for (_, got), want in zip(self.trace(out), (2.8, 3.6)):
            self.near(got, want)
        self.near(out["demand"]["max_kw"], 3.6)

    def test_t18_cumulative_over_three_resets(self):
        segments, events = [], []
        for n, kw in enumerate((4.8, 5.2, 3.9)):
            segments += [{"duration_s": 900, "power_w": kw * 1000}, {"duration_s": 900, "power_w": 0}]
            events.append({"at_s": 1800 * n + 1200, "type": "demand_reset"})
        for count, cumulative in ((1, 4.8), (2, 10.0), (3, 13.9)):
            with self.subTest(resets=count):
                out = self.run_scenario(scenario(segments[:2 * count], events=events[:count]))["demand"]
                self.near(out["cumulative_kw"], cumulative)
                self.near(out["continuous_cumulative_kw"], cumulative)
                self.near(out["previous_max_kw"], (4.8, 5.2, 3.9)[count - 1])
                self.near(out["max_kw"], 0)
                self.assertEqual(out["resets"], count)
        middle = self.run_scenario(scenario(segments[:3], events=events[:1]))["demand"]
        self.near(middle["continuous_cumulative_kw"], 10.0, message="previous cumulative and present maximum")
        self.near(middle["cumulative_kw"], 4.8)


class Registers(Case):
    def test_t17_pulses_keep_their_carry(self):
        out = self.run_scenario(scenario([{"duration_s": 7200, "power_w": 10000 / 3}], ke_wh=1.2))
        self.assertEqual([r["delivered_pulses"] for r in out["intervals"]], [694, 694, 695, 694, 695, 694, 695, 694])
        self.exactly(out["pulses"]["delivered"], 5555)
        self.near(Decimal(out["pulses"]["carry_wh"]["delivered"]), 1.2 * 5 / 9, scale=6666.67)

    def test_t19_five_digits_roll_over(self):
        out = self.run_scenario(scenario([{"duration_s": 3600, "power_w": 5000}], digits=5, decimals=0,
                                         initial={"delivered_wh": "99998000"}))
        self.assertEqual(self.display(out, "delivered"), "00003")

    def test_t19_display_before_the_wrap(self):
        out = self.run_scenario(scenario([{"duration_s": 3600, "power_w": 1999}], digits=5, decimals=0,
                                         initial={"delivered_wh": "99998000"}))
        self.assertEqual(self.display(out, "delivered"), "99999")

    def test_t20_six_digits_with_a_tenth_roll_over(self):
        out = self.run_scenario(scenario([{"duration_s": 3600, "power_w": 600}], digits=6, decimals=1,
                                         initial={"delivered_wh": "99999800"}))
        self.assertIn(self.display(out, "delivered"), ("00000.4", "000004"))

    def test_t21_eight_bit_channel_saturates(self):
        for watts, pulses, overflow in ((7300, 253, False), (7373, 255, True), (9000, 255, True), (40000, 255, True)):
            with self.subTest(watts):
                out = self.run_scenario(scenario([{"duration_s": 900, "power_w": watts}], channel_bits=8, ke_wh=7.2))
                record = out["intervals"][0]
                self.assertEqual(record["delivered_pulses"], pulses)
                self.assertEqual("OVERFLOW" in record["flags"], overflow)
                self.near(record["delivered_wh"], watts / 4, message="the energy itself is not cut")
                self.exactly(out["pulses"]["delivered"], watts * 10 // 4 // 72, "nor are the pulses of the LED")

    def test_t21_last_count_of_eight_bits(self):
        out = self.run_scenario(scenario([{"duration_s": 900, "power_w": 7344}], channel_bits=8, ke_wh=7.2))
        self.assertEqual(out["intervals"][0]["delivered_pulses"], 255)
        self.near(out["intervals"][0]["delivered_wh"], 1836)

    def test_t21_saturation_costs_the_next_interval_nothing(self):
        out = self.run_scenario(scenario([{"duration_s": 900, "power_w": 9000}, {"duration_s": 900, "power_w": 2880}],
                                         channel_bits=8, ke_wh=7.2))
        # 2250 Wh is 312 pulses and 3.6 Wh; 720 Wh more makes 412 and 3.6 Wh
        self.assertEqual([r["delivered_pulses"] for r in out["intervals"]], [255, 100])
        self.assertNotIn("OVERFLOW", out["intervals"][1]["flags"])

    def test_t21_received_saturates_by_itself(self):
        out = self.run_scenario(scenario([{"duration_s": 900, "power_w": -9000}], channel_bits=8, ke_wh=7.2))
        self.assertEqual((out["intervals"][0]["received_pulses"], out["intervals"][0]["delivered_pulses"]), (255, 0))
        self.assertIn("OVERFLOW", out["intervals"][0]["flags"])

    def test_t21_t23_sixteen_bits_hold_the_physical_ceiling(self):
        for interval, wh in ((300, 4000), (900, 12000), (3600, 48000)):
            with self.subTest(interval):
                out = self.run_scenario(scenario([{"duration_s": 3600, "power_w": 48000}], interval_s=interval,
                                                 channel_bits=16, ke_wh=1.2))
                self.assertEqual(len(out["intervals"]), 3600 // interval)
                total = 0
                for record in out["intervals"]:
                    self.near(record["delivered_wh"], wh)
                    self.assertEqual(record["flags"], [])
                    total += record["delivered_pulses"]
                self.assertEqual(total, 40000)
        self.near(out["demand"]["max_kw"], 48)

    def test_t22_multipliers_are_never_applied_in_the_meter(self):
        out = self.run_scenario(scenario([{"duration_s": 3600, "power_w": 12345}], kh_wh=0.6, ke_wh=0.6, digits=6,
                                         decimals=3, model="FOCUS AXR", form="1S"))
        self.energy(out, 12345, 0)
        self.assertIn(self.display(out, "delivered"), ("012.345", "012345"))
        self.exactly(out["pulses"]["delivered"], 12345 * 10 // 6)

    def test_t24_local_days(self):
        for zone, start, hours, first, last in (
                ("America/Toronto", "2026-03-08T00:00:00-05:00", 23, "2026-03-08T05:15:00Z", "2026-03-09T04:00:00Z"),
                ("America/Toronto", "2026-11-01T00:00:00-04:00", 25, "2026-11-01T04:15:00Z", "2026-11-02T05:00:00Z"),
                ("America/Regina", "2026-03-08T00:00:00-06:00", 24, "2026-03-08T06:15:00Z", "2026-03-09T06:00:00Z")):
            with self.subTest(zone=zone, start=start):
                out = self.run_scenario(scenario([{"duration_s": hours * 3600, "power_w": 1200}], zone=zone, start=start))
                ends = [instant(r["end"]) for r in out["intervals"]]
                self.assertEqual(len(ends), {23: 92, 24: 96, 25: 100}[hours])
                self.assertEqual((ends[0], ends[-1]), (instant(first), instant(last)))
                self.assertEqual({b - a for a, b in zip(ends, ends[1:])}, {900})
                for record in out["intervals"]:
                    self.assertEqual(record["flags"], [], "daylight saving moves no interval of a meter")
                    self.assertEqual(record["delivered_pulses"], 250)

    def test_t25_net_over_a_wrap(self):
        what = {"initial": {"delivered_wh": "99999000", "received_wh": "10000"}, "digits": 5, "decimals": 0}
        before = self.run_scenario(scenario([{"duration_s": 900, "power_w": 0}], **what))
        after = self.run_scenario(scenario([{"duration_s": 3600, "power_w": 2000},
                                            {"duration_s": 3600, "power_w": -4000}], **what))
        self.assertEqual([self.display(o, k) for o in (before, after) for k in ("delivered", "received")],
                         ["99999", "00010", "00001", "00014"])
        self.exactly(str(Decimal(after["energy_wh"]["net"]) - Decimal(before["energy_wh"]["net"])), -2000)


class Plot(Case):
    def test_plot_is_an_svg_and_changes_no_output(self):
        what = scenario([{"duration_s": 900, "power_w": 6000},
                         {"duration_s": 900, "power_w": {"ramp_from": 0, "ramp_to": 6000}},
                         {"duration_s": 900, "outage": True},
                         {"duration_s": 900, "power_w": {"sine_amplitude": 6000, "period_s": 900}}])
        plain = self.run_scenario(what)
        plotted = self.run_scenario(what, "--plot", "out.svg")
        self.assertEqual(plain, plotted)
        root = ElementTree.fromstring((self.folder / "out.svg").read_text())
        self.assertTrue(root.tag.endswith("svg"))
        self.assertGreater(len(list(root.iter())), 10)
        self.assertNotIn("nan", (self.folder / "out.svg").read_text().lower())

    def test_plot_that_cannot_be_written_is_an_error(self):
        (self.folder / "scenario.yaml").write_text(as_yaml(scenario([{"duration_s": 900, "power_w": 6000}])))
        code, _, err = amictl("metrology", "scenario.yaml", "--plot", "no/such/folder/out.svg", folder=self.folder)
        self.assertNotEqual(code, 0)
        self.assertIn("no/such/folder/out.svg", err)


class Issue(Case):
    def test_the_scenario_of_the_requirement(self):
        out = self.run_scenario("""\
meter: {model: FOCUS AXR-SD, form: 2S, mode: form, kh_wh: 7.2, ke_wh: 1.2, digits: 5, decimals: 0, interval_s: 900, channel_bits: 16,
        demand: {method: sliding, window_s: 900, subinterval_s: 300}}        # mode: form|true
start: "2026-03-08T00:00:00-05:00"
zone: America/Toronto
initial: {delivered_wh: "99998000", received_wh: "10000"}                       # left out: zero
sampling: {frequency_hz: 60, samples_per_cycle: 64, skew_s: 0}               # left out: exact phasors
segments:
  - {duration_s: 3600, voltage: [{leg: L1, order: 1, rms_v: 120, angle_deg: 0}, {leg: L2, order: 1, rms_v: 120, angle_deg: 180}], current: [{leg: L1, order: 1, rms_a: 10, angle_deg: 0}, {leg: L2, order: 1, rms_a: 20, angle_deg: 180}]}
  - {duration_s: 600, power_w: -3000}                                          # constant element power
  - {duration_s: 300, outage: true}
  - {duration_s: 900, power_w: {sine_amplitude: 6000, period_s: 900}}
  - {duration_s: 900, power_w: {ramp_from: 0, ramp_to: 6000}}
events: [{at_s: 1800, type: demand_reset}, {at_s: 2400, type: clock_set, by_s: 120}, {at_s: 3000, type: tou_tier, tier: B}]
""")
        # delivered: 3600 + 477.46… + 750; received: 500 + 477.46…
        delivered, received = 3600 + 477.464829275686 + 750, 500 + 477.464829275686
        got = Fraction(Decimal(out["energy_wh"]["delivered"]))
        self.near(got - (99998000 if got > 99990000 else 0), delivered, scale=got)
        got = Fraction(Decimal(out["energy_wh"]["received"]))
        self.near(got - (10000 if got > 9000 else 0), received, scale=got)
        self.assertEqual(self.display(out, "delivered"), "00002")  # 99998 + 4.827 kWh
        self.assertEqual(self.display(out, "received"), "00010")
        self.assertEqual(out["demand"]["resets"], 1)
        self.near(out["demand"]["previous_max_kw"], 3.6)
        self.assertEqual(len(out["segments"]), 5)
        # elapsed 6300 s and 120 s of the clock set: the clock shows 6420 s, so 7 ends were passed
        self.assertEqual([t for t in self.labels(out) if t % 900 == 0], [900 * n for n in range(1, 8)])
        self.assertLessEqual({"PARTIAL", "CLOCK_FORWARD"}, set(out["intervals"][2]["flags"]))


if __name__ == "__main__":
    main()
