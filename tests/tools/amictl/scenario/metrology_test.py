"""`amictl metrology`: what the reference meter says, against closed forms worked out by hand."""
import json
import math
import unittest
from fractions import Fraction

from scenarios import EXAMPLES, INSTANT, ROOT, ScenarioCase, amictl, scenario

ONE_S = "{model: FOCUS AXR, form: 1S}"


def l1(volts, amperes, angle=0):
    return (f"voltage: [{{leg: L1, order: 1, rms_v: {volts}, angle_deg: 0}}], "
            f"current: [{{leg: L1, order: 1, rms_a: {amperes}, angle_deg: {angle}}}]")


def two_legs(v1, v2, i1, i2):
    return (f"voltage: [{{leg: L1, order: 1, rms_v: {v1}, angle_deg: 0}}, {{leg: L2, order: 1, rms_v: {v2}, angle_deg: 180}}], "
            f"current: [{{leg: L1, order: 1, rms_a: {i1}, angle_deg: 0}}, {{leg: L2, order: 1, rms_a: {i2}, angle_deg: 180}}]")


def demand(method):
    return f"{{model: FOCUS AXR, form: 1S, interval_s: 300, demand: {{{method}}}}}"


BLOCK = "method: block, window_s: 900"
SLIDING = "method: sliding, window_s: 900, subinterval_s: 300"
EXPONENTIAL = "method: exponential, t90_s: 900"


class ClosedForms(ScenarioCase):
    def test_t1_an_hour_of_240_v_and_30_a(self):
        result = self.run_text(scenario([f"duration_s: 3600, {l1(240, 30)}"], meter="{form: 1S, ke_wh: 7.2}"))
        self.assertEqual(result["energy_wh"], {"delivered": "7200", "received": "0", "net": "7200"})
        self.assertEqual(result["pulses"]["delivered"], "1000")
        self.assertEqual(result["pulses"]["carry_wh"], {"delivered": "0", "received": "0"})
        self.assertEqual(result["pulses"]["test_led"]["delivered"], "1000")
        self.assertEqual(result["registers"]["kwh_delivered"], "00007")

    def test_t3_thirty_degrees_lead(self):
        result = self.run_text(scenario([f"duration_s: 3600, {l1(240, 30, 30)}"], meter="{form: 1S, ke_wh: 7.2}"))
        self.close(float(result["energy_wh"]["delivered"]), 6235.382907247958)
        self.assertEqual(result["pulses"]["delivered"], "866")
        self.close(float(result["pulses"]["carry_wh"]["delivered"]), 0.18290724796, 1e-8)
        segment = result["segments"][0]
        self.close(segment["q1_var"], -3600)  # leading: negative
        self.close(segment["pf"], math.cos(math.radians(30)))

    def test_t4_opposite_current_is_received(self):
        result = self.run_text(scenario([f"duration_s: 3600, {l1(240, 30, 180)}"], meter=ONE_S))
        self.assertEqual(result["energy_wh"], {"delivered": "0", "received": "7200", "net": "-7200"})
        self.assertEqual(result["registers"], {"kwh_delivered": "00000", "kwh_received": "00007", "kwh_net": "-00007"})

    def test_t6c_unequal_legs_in_both_modes(self):
        for mode, power in (("form", 3600), ("true", 3580)):
            result = self.run_text(scenario([f"duration_s: 900, {two_legs(122, 118, 10, 20)}"],
                                            meter=f"{{form: 2S, mode: {mode}}}"))
            self.close(result["segments"][0]["p_w"], power)
            self.close(result["segments"][0]["p_true_w"], 3580)
            self.close(float(result["energy_wh"]["delivered"]), power / 4)
            self.assertEqual(len(result["findings"]), 1 if mode == "form" else 0)

    def test_t8_every_quantity_of_ieee_1459(self):
        volts = ((1, 240, 0), (3, 12, 0), (5, 7.2, 0))
        amperes = ((1, 20, -30), (3, 6, -150), (5, 2, 60))
        waves = ", ".join(
            f"{key}: [" + ", ".join(f"{{leg: L1, order: {o}, {unit}: {rms}, angle_deg: {angle}}}" for o, rms, angle in items) + "]"
            for key, unit, items in (("voltage", "rms_v", volts), ("current", "rms_a", amperes)))
        expected = {
            "p_w": 4101.768109092826, "v_rms": 240.40765378831014, "i_rms": 20.97617696340303, "s_va": 5042.833489220123,
            "pf": 0.8133855932108452, "p1_w": 4156.921938165306, "q1_var": 2400, "sn_va": 1546.0173349610275,
            "d_i_va": 1517.8932768808222, "d_v_va": 279.8856909525744, "thd_v": 0.05830951894845301,
            "thd_i": 0.31622776601683794, "s1_va": 4800, "s_h_va": 88.50762679001173, "ph_w": -55.15382907247931,
            "d_h_va": 69.22178225561471, "n_va": 2933.54188298532}
        for sampling in ("", "sampling: {frequency_hz: 60, samples_per_cycle: 12, skew_s: 0}"):
            result = self.run_text(scenario([f"duration_s: 3600, {waves}"], meter=ONE_S, rest=sampling))
            segment = result["segments"][0]
            for key, value in expected.items():
                self.close(segment[key], value)
            self.close(float(result["energy_wh"]["delivered"]), 4101.768109092826)
        # T9: eight samples a cycle take the fifth for the third.
        result = self.run_text(scenario([f"duration_s: 3600, {waves}"], meter=ONE_S, rest="sampling: {samples_per_cycle: 8}"))
        self.close(result["segments"][0]["p_w"], 4127.180406536313)
        self.assertIn("aliased", result["findings"][0])

    def test_t14_skew_of_a_microsecond(self):
        result = self.run_text(scenario([f"duration_s: 3600, {l1(240, 30, -60)}"], meter=ONE_S,
                                        rest="sampling: {frequency_hz: 60, samples_per_cycle: 64, skew_s: 1e-6}"))
        self.close(result["segments"][0]["p_w"] / 3600 - 1, 0.0006528966945067438, 1e-7)

    def test_t11_both_directions_in_one_interval(self):
        result = self.run_text(scenario(["duration_s: 600, power_w: 6000", "duration_s: 300, power_w: -3000"]))
        self.assertEqual(result["energy_wh"], {"delivered": "1000", "received": "250", "net": "750"})
        (interval,) = result["intervals"]
        self.assertEqual((interval["delivered_wh"], interval["received_wh"]), (1000, 250))
        self.assertEqual((interval["delivered_pulses"], interval["received_pulses"]), (833, 208))
        self.assertEqual(result["demand"]["max_kw"], 4)
        for quantity, kw in (("received", 1), ("net", 3)):
            result = self.run_text(scenario(["duration_s: 600, power_w: 6000", "duration_s: 300, power_w: -3000"],
                                            meter=f"{{demand: {{quantity: {quantity}}}}}"))
            self.assertEqual(result["demand"]["max_kw"], kw)

    def test_t12_sine_over_an_interval(self):
        result = self.run_text(scenario(["duration_s: 900, power_w: {sine_amplitude: 6000, period_s: 900}"]))
        # Half a wave: amplitude * period / pi, in watt-hours.
        half = 6000 * 900 / math.pi / 3600
        self.close(result["intervals"][0]["delivered_wh"], half)
        self.close(result["intervals"][0]["received_wh"], half)
        self.assertLess(abs(float(result["energy_wh"]["net"])), 1e-9)

    def test_t13_exponential_response(self):
        result = self.run_text(scenario(["duration_s: 300, power_w: 5000", "duration_s: 600, power_w: 5000",
                                         "duration_s: 900, power_w: 0"], meter=demand(EXPONENTIAL)))
        trace = {point["at"]: point["kw"] for point in result["demand"]["trace"]}
        self.close(trace["2026-01-15T00:05:00Z"], 2.6792055831936104)
        self.close(trace["2026-01-15T00:15:00Z"], 4.5)
        self.close(trace["2026-01-15T00:30:00Z"], 0.45)
        self.close(result["demand"]["max_kw"], 4.5)
        self.assertEqual(result["demand"]["max_at"], "2026-01-15T00:15:00Z")
        self.close(result["demand"]["present_kw"], 0.45)

    def test_t15_the_method_decides(self):
        segments = ["duration_s: 600, power_w: 0", "duration_s: 600, power_w: 12000", "duration_s: 600, power_w: 0"]
        for method, kw, at in ((BLOCK, 4.0, "00:15:00"), (SLIDING, 8.0, "00:20:00"), (EXPONENTIAL, 9.41467837196174, "00:20:00")):
            result = self.run_text(scenario(segments, meter=demand(method)))
            self.close(result["demand"]["max_kw"], kw)
            self.assertEqual(result["demand"]["max_at"], f"2026-01-15T{at}Z", method)

    def test_t16_sliding_and_block_over_the_same_steps(self):
        segments = [f"duration_s: 300, power_w: {kwh * 12}" for kwh in (100, 200, 400, 500, 300, 100)]
        result = self.run_text(scenario(segments, meter=demand(SLIDING)))
        for point, kw in zip(result["demand"]["trace"][2:], (2.8, 4.4, 4.8, 3.6)):
            self.close(point["kw"], kw)
        self.close(result["demand"]["max_kw"], 4.8)
        self.assertEqual(result["demand"]["max_at"], "2026-01-15T00:25:00Z")
        result = self.run_text(scenario(segments, meter=demand(BLOCK)))
        self.assertEqual(len(result["demand"]["trace"]), 2)
        self.close(result["demand"]["trace"][0]["kw"], 2.8)
        self.close(result["demand"]["max_kw"], 3.6)

    def test_t17_pulses_carry_over(self):
        # 10 kW / 3, eight quarter-hours: 694 4/9 pulses each.
        result = self.run_text(scenario(["duration_s: 7200, power_w: 3333.333333333"]))
        self.assertEqual([one["delivered_pulses"] for one in result["intervals"]],
                         [694, 694, 695, 694, 695, 694, 695, 694])
        self.assertEqual(result["pulses"]["delivered"], "5555")

    def test_t18_cumulative_demand(self):
        segments = [f"duration_s: 900, power_w: {w}" for w in (4800, 5200, 3900, 1000)]
        result = self.run_text(scenario(segments, [f"at_s: {s}, type: demand_reset" for s in (900, 1800, 2700)]))
        self.assertEqual(result["demand"]["resets"], 3)
        self.close(result["demand"]["cumulative_kw"], 13.9)
        self.close(result["demand"]["continuous_cumulative_kw"], 14.9)
        self.close(result["demand"]["previous_max_kw"], 3.9)
        self.close(result["demand"]["max_kw"], 1.0)

    def test_t19_registers_roll_over_and_show_leading_zeros(self):
        result = self.run_text(scenario(["duration_s: 3600, power_w: 5000", "duration_s: 3600, power_w: -4000"],
                                        rest='initial: {delivered_wh: "99998000", received_wh: 10000}'))
        self.assertEqual(result["registers"]["kwh_delivered"], "00003")
        self.assertEqual(result["registers"]["kwh_received"], "00014")
        self.assertEqual(result["energy_wh"], {"delivered": "5000", "received": "4000", "net": "1000"})
        self.assertEqual(result["register_wh"]["delivered"], "100003000")
        self.assertIn("rolled over", result["findings"][0])

    def test_t21_eight_bit_channel_saturates(self):
        result = self.run_text(scenario(["duration_s: 900, power_w: 7500"], meter="{ke_wh: 7.2, channel_bits: 8}"))
        self.assertEqual(result["intervals"][0]["delivered_pulses"], 255)
        self.assertEqual(result["intervals"][0]["flags"], ["OVERFLOW"])
        self.assertEqual(result["pulses"]["delivered"], "260")  # 1875 Wh / 7.2 Wh
        self.assertIn("OVERFLOW", result["findings"][0])


class Events(ScenarioCase):
    def test_clock_set_forward_shortens_the_interval(self):
        result = self.run_text(scenario(["duration_s: 1800, power_w: 4000"], ["at_s: 300, type: clock_set, by_s: 120"]))
        first, second = result["intervals"][:2]
        self.assertEqual(first["end"], "2026-01-15T00:15:00Z")
        self.close(first["delivered_wh"], 4000 * 780 / 3600)  # 13 minutes of true time
        self.assertEqual(set(first["flags"]), {"PARTIAL", "CLOCK_FORWARD"})
        self.assertEqual(second["flags"], [])
        self.assertEqual(result["meter_clock_at_end"], "2026-01-15T00:32:00Z")
        self.assertEqual(result["end"], "2026-01-15T00:30:00Z")
        # What the interval still running holds: two minutes.
        self.close(float(result["unclosed_interval_wh"]["delivered"]), 4000 * 120 / 3600)

    def test_maximum_over_a_clock_set_is_exposed_and_not_altered(self):
        result = self.run_text(scenario(["duration_s: 900, power_w: 9000", "duration_s: 900, power_w: 1000"],
                                        ["at_s: 300, type: clock_set, by_s: 120"]))
        self.close(result["demand"]["max_kw"], 9 * 780 / 900)  # divided by the programmed length
        self.assertEqual(result["demand"]["flags"][0], "E34_EXPOSED")
        self.assertEqual(result["demand"]["e34_causes"], ["CLOCK_FORWARD"])

    def test_outage_is_flagged_and_measures_nothing(self):
        result = self.run_text(scenario(["duration_s: 600, power_w: 6000", "duration_s: 300, outage: true",
                                         "duration_s: 900, power_w: 6000"]))
        self.assertEqual(set(result["intervals"][0]["flags"]), {"PARTIAL", "POWER_FAIL"})
        self.assertEqual(result["intervals"][0]["delivered_wh"], 1000)
        self.assertEqual(result["intervals"][1]["flags"], [])
        self.assertTrue(result["segments"][1]["outage"])

    def test_tiers_divide_the_bulk_register(self):
        result = self.run_text(scenario(["duration_s: 3600, power_w: 3600", "duration_s: 1800, power_w: -2000"],
                                        ["at_s: 0.5, type: tou_tier, tier: C", "at_s: 3600, type: tou_tier, tier: A"]))
        tou = {one["tier"]: one for one in result["tou"]}
        self.assertEqual(set(tou), {"A", "C"})
        self.close(tou["A"]["delivered_wh"], 0.5)
        self.close(tou["C"]["delivered_wh"], 3599.5)
        self.close(tou["A"]["received_wh"], 1000)
        self.assertEqual(tou["C"]["kwh_delivered"], "00003")

    def test_test_mode_keeps_energy_from_the_registers_and_lights_the_led(self):
        result = self.run_text(scenario(["duration_s: 1800, power_w: 7200"],
                                        ["at_s: 900, type: test_mode, active: true", "at_s: 1200, type: test_mode, active: false"]))
        self.assertEqual(result["energy_wh"]["delivered"], "3000")
        self.assertEqual(result["pulses"]["test_led"]["delivered"], "500")
        self.assertIn("TEST_MODE", result["intervals"][1]["flags"])


class Shape(ScenarioCase):
    def test_keys_and_kinds_are_those_of_the_contract(self):
        result = self.run_text(scenario([f"duration_s: 900, {l1(240, 30)}", "duration_s: 900, power_w: 1"], meter=ONE_S))
        for key in ("energy_wh", "pulses", "segments", "intervals", "demand", "registers", "tou", "findings"):
            self.assertIn(key, result)
        for key in "p_w v_rms i_rms s_va pf p1_w q1_var sn_va d_i_va d_v_va thd_v thd_i".split():
            self.assertIsInstance(result["segments"][0][key], float)
        self.assertNotIn("v_rms", result["segments"][1])
        interval = result["intervals"][0]
        self.assertRegex(interval["end"], INSTANT)
        self.assertIsInstance(interval["delivered_pulses"], int)
        self.assertIsInstance(interval["flags"], list)
        for key in ("max_kw", "present_kw", "previous_max_kw", "cumulative_kw", "continuous_cumulative_kw"):
            self.assertIsInstance(result["demand"][key], float)
        self.assertIsInstance(result["demand"]["resets"], int)
        self.assertEqual(set(result["demand"]["trace"][0]), {"at", "kw", "flags"})
        for direction in ("delivered", "received"):
            Fraction(result["energy_wh"][direction])
            self.assertIsInstance(result["pulses"][direction], str)
            self.assertIsInstance(result["pulses"]["carry_wh"][direction], str)

    def test_exact_strings_add_up_exactly(self):
        result = self.run_text(scenario(["duration_s: 1000.000001, power_w: 12345.678901234", "duration_s: 77.7, power_w: -1"],
                                        meter="{kh_wh: 7.2, ke_wh: '0.6'}"))
        for direction in ("delivered", "received"):
            pulses = int(result["pulses"][direction]) * Fraction("0.6") + Fraction(result["pulses"]["carry_wh"][direction])
            self.assertLess(abs(pulses - Fraction(result["energy_wh"][direction])), Fraction(1, 10**18))
        # 12345.678901234 W for 1000.000001 s, in watt-hours; a third of a nanowatt-microsecond may be rounded.
        exact = Fraction("12345.678901234") * Fraction("1000.000001") / 3600
        self.assertLess(abs(exact - Fraction(result["energy_wh"]["delivered"])), Fraction(1, 10**18))

    def test_same_scenario_prints_the_same_bytes(self):
        path = EXAMPLES / "solar-day.yaml"
        first, second = amictl("metrology", path), amictl("--output", "json", "metrology", path)
        self.assertEqual(first, second)
        self.assertEqual(list(json.loads(first[1]))[:3], ["title", "meter", "start"])

    def test_a_year_of_hours_is_quick(self):
        segments = [f"duration_s: 3600, power_w: {(hour * 37) % 5000 - 1000}" for hour in range(8760)]
        result = self.run_text(scenario(segments, meter="{ke_wh: 0.6}"))
        self.assertEqual(len(result["intervals"]), 35040)
        hours = [(hour * 37) % 5000 - 1000 for hour in range(8760)]
        self.assertEqual(result["energy_wh"]["net"], str(sum(hours)))
        self.assertEqual(result["energy_wh"]["delivered"], str(sum(max(w, 0) for w in hours)))


class Examples(ScenarioCase):
    def test_every_example_runs(self):
        paths = sorted(EXAMPLES.glob("*.yaml"))
        self.assertGreaterEqual(len(paths), 5)
        for path in paths:
            with self.subTest(path.name):
                result = self.run_file(path)
                self.assertNotEqual(result["title"], path.stem, "an example says what it shows")
                net = Fraction(result["energy_wh"]["delivered"]) - Fraction(result["energy_wh"]["received"])
                self.assertEqual(net, Fraction(result["energy_wh"]["net"]))

    def test_solar_day_sends_back_what_its_half_wave_gives(self):
        result = self.run_file(EXAMPLES / "solar-day.yaml")
        # Half a wave of 4600 W over ten hours: amplitude * period / pi, the period being twenty.
        self.close(float(result["energy_wh"]["received"]), 4600 * 20 / math.pi)
        self.assertEqual(len(result["intervals"]), 96)
        self.close(result["demand"]["max_kw"], 7.02)

    def test_sliding_demand_is_twice_the_block(self):
        result = self.run_file(EXAMPLES / "sliding-demand.yaml")
        self.close(result["demand"]["previous_max_kw"], 8.0)
        self.assertEqual(result["demand"]["previous_max_at"], "2026-01-15T05:20:00Z")

    def test_clock_set_example_is_exposed(self):
        result = self.run_file(EXAMPLES / "clock-set-e34.yaml")
        self.assertEqual(result["demand"]["flags"], ["E34_EXPOSED", "PARTIAL", "CLOCK_FORWARD"])
        self.close(result["demand"]["max_kw"], 7.2)  # 12 minutes of 9 kW over 15
        flags = {name for interval in result["intervals"] for name in interval["flags"]}
        self.assertLessEqual({"PARTIAL", "CLOCK_FORWARD", "CLOCK_BACKWARD", "POWER_FAIL", "TIER_CHANGE"}, flags)
        ends = [interval["end"] for interval in result["intervals"]]
        self.assertLess(len(set(ends)), len(ends), "set back over an interval's start: labels repeat")

    def test_network_meter_sees_three_quarters(self):
        result = self.run_file(EXAMPLES / "network-120-208.yaml")
        self.close(result["segments"][0]["p_w"], 1800)
        self.close(result["segments"][0]["p_true_w"], 2400)
        self.close(result["segments"][0]["v_rms"], 120 * math.sqrt(3))
        self.assertTrue(any("1800 W of the 2400 W" in text for text in result["findings"]), result["findings"])

    def test_thermal_demand_after_half_an_hour(self):
        result = self.run_file(EXAMPLES / "thermal-demand.yaml")
        self.close(result["demand"]["max_kw"], 4.95)

    def test_example_of_the_page_runs(self):
        page = (ROOT / "docs/metrology.md").read_text()
        blocks = [block.split("```")[0] for block in page.split("```yaml\n")[1:]]
        self.assertGreaterEqual(len(blocks), 1)
        for block in blocks:
            self.run_text(block)


if __name__ == "__main__":
    unittest.main()
