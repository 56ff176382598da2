"""`amictl metrology` with what cannot be: every problem with its line, exit code 2, nothing on stdout."""
import unittest

from scenarios import ScenarioCase, amictl, scenario


class Refused(ScenarioCase):
    def test_unknown_key_names_its_line_and_the_nearest(self):
        self.refused(scenario(["duration_s: 900, power_w: 1", "duration: 900, power_w: 1"]),
                     (5, 'unknown key "duration", nearest is "duration_s"'), (5, "'duration_s' is missing"))

    def test_all_problems_are_told_at_once(self):
        self.refused(scenario(["duration_s: -5, power_w: 1", "duration_s: 5, power_w: .nan", "duration_s: 5, power_w: 1, outage: true"],
                              ["at_s: 1, type: reset", "at_s: 1, type: clock_set"],
                              meter="{model: FOCUS BX, form: 3S, interval_s: 7}"),
                     (1, "FOCUS BX"), (1, "3S"), (1, "divide a day"), (4, "duration_s"), (5, "power_w"),
                     (6, "not several"), (8, "reset"), (9, "'by_s' is missing"))

    def test_events_in_the_dark_and_outside_the_run(self):
        self.refused(scenario(["duration_s: 60, power_w: 1", "duration_s: 60, outage: true"],
                              ["at_s: 90, type: demand_reset", "at_s: 121, type: demand_reset"]),
                     (7, "dark"), (8, "at_s"))

    def test_one_element_has_one_leg(self):
        wave = ("voltage: [{leg: L1, order: 1, rms_v: 120, angle_deg: 0}, {leg: L2, order: 1, rms_v: 120, angle_deg: 180}], "
                "current: [{leg: L2, order: 1, rms_a: 1, angle_deg: 0}]")
        self.refused(scenario([f"duration_s: 60, {wave}"], meter="{form: 1S}"), (4, "no L2"), (4, "no L2"))
        self.refused(scenario(["duration_s: 60, voltage: [{leg: L3, rms_v: 120}]"]), (4, "L3"))

    def test_what_is_no_yaml_has_a_line(self):
        self.refused("meter: {}\nstart: [\n", (3, ""))
        self.refused("", (1, "empty"))
        self.refused("meter: {}\n\tzone: UTC\n", (2, ""))

    def test_files_that_cannot_be_read(self):
        for path in (self.folder / "gone.yaml", self.folder):
            code, out, err = amictl("metrology", path)
            self.assertEqual((code, out), (2, b""))
            self.assertIn(str(path).encode(), err)

    def test_usage(self):
        self.assertEqual(amictl("metrology")[0], 2)
        self.assertEqual(amictl("metrology", self.file("x"), "--plod", "y")[0], 2)
        code, out, _ = amictl("metrology", "--help")
        self.assertEqual(code, 0)
        self.assertIn(b"--plot", out)

    def test_picture_that_cannot_be_written(self):
        path = self.file(scenario(["duration_s: 60, power_w: 1"]))
        code, out, err = amictl("metrology", path, "--plot", self.folder / "no/such/folder.svg")
        self.assertEqual(code, 1)
        self.assertIn(b"cannot write", err)
        self.assertIn(b"energy_wh", out)

    def test_random_damage_never_crashes(self):
        text = scenario(["duration_s: 900, power_w: {ramp_from: 1, ramp_to: 2}", "duration_s: 60, outage: true",
                         "duration_s: 9, voltage: [{leg: L1, rms_v: 120}], current: [{leg: L1, rms_a: 1}]"],
                        ["at_s: 3, type: tou_tier, tier: B"], rest="zone: America/Toronto").encode()
        path = self.folder / "damaged.yaml"
        for cut in range(0, len(text), 7):
            for damaged in (text[:cut], text[:cut] + b"\xff{" + text[cut:], text[:cut] + text[cut + 3:]):
                path.write_bytes(damaged)
                code, out, err = amictl("metrology", path)
                self.assertIn(code, (0, 2), (damaged, err))
                self.assertEqual(bool(out), code == 0)
                if code == 2:
                    self.assertTrue(err.startswith(str(path).encode() + b":"), err)


if __name__ == "__main__":
    unittest.main()
