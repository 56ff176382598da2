"""`amictl metrology --plot`: a self-contained, well-formed SVG with the marks that the run calls for."""
import re
import unittest
import xml.etree.ElementTree as ET

from scenarios import EXAMPLES, ROOT, SVG, ScenarioCase, scenario


class Plot(ScenarioCase):
    def plot(self, path):
        picture = self.folder / "picture.svg"
        self.run_file(path, "--plot", picture)
        self.text = picture.read_text(encoding="utf-8")
        return ET.fromstring(self.text)

    def plot_text(self, text):
        return self.plot(self.file(text, "scenario.yaml"))

    def group(self, root, name):
        found = root.findall(f"./{SVG}g[@id='{name}']")
        self.assertEqual(len(found), 1, f"group {name}")
        return found[0]

    def words(self, element):
        return [text.text for text in element.iter(f"{SVG}text")]

    def of_class(self, element, tag, css_class):
        return [one for one in element.iter(SVG + tag) if css_class in one.get("class", "").split()]

    def test_is_self_contained_and_serves_light_and_dark(self):
        self.plot(EXAMPLES / "solar-day.yaml")
        self.assertIn("prefers-color-scheme", self.text)
        links = re.findall(r"(?:href|src|url\(|@import)", self.text)
        self.assertEqual(links, [])
        self.assertEqual(re.findall(r"https?://[^\"]*", self.text), ["http://www.w3.org/2000/svg"])
        self.assertNotIn("<script", self.text)

    def test_every_class_has_a_style(self):
        for path in sorted(EXAMPLES.glob("*.yaml")):
            root = self.plot(path)
            style = root.find(f"{SVG}style").text
            for element in root.iter():
                for css_class in element.get("class", "").split():
                    if css_class != "time":
                        self.assertIn("." + css_class, style, path.name)

    def test_panels_have_headings_units_and_civil_times(self):
        root = self.plot(EXAMPLES / "solar-day.yaml")
        self.assertIn("Element power, kW", self.words(self.group(root, "power")))
        self.assertIn("Energy of each interval, Wh", self.words(self.group(root, "intervals")))
        self.assertIn("Demand, kW", self.words(self.group(root, "demand")))
        times = self.words(self.group(root, "time"))
        self.assertIn("06:00", times)
        self.assertIn("Sun 14 Jun", times)
        self.assertIn("civil time, America/Toronto", times)

    def test_delivered_is_up_and_received_is_down(self):
        intervals = self.group(self.plot(EXAMPLES / "solar-day.yaml"), "intervals")
        (zero,) = self.of_class(intervals, "line", "zero")
        level = float(zero.get("y1"))
        bars = {kind: [one for one in self.of_class(intervals, "rect", kind) if one.find(f"{SVG}title") is not None]
                for kind in ("delivered", "received")}
        # Ten hours of sun, but for what the clouds of a tenth of a pixel hide.
        self.assertGreaterEqual(len(bars["received"]), 38)
        self.assertGreaterEqual(len(bars["delivered"]), 54)
        for bar in bars["delivered"]:
            self.assertLess(float(bar.get("y")), level)
        for bar in bars["received"]:
            self.assertAlmostEqual(float(bar.get("y")), level, delta=0.11)

    def test_maximum_is_marked_with_value_and_time(self):
        root = self.plot(EXAMPLES / "solar-day.yaml")
        maxima = self.group(root, "maxima")
        self.assertEqual(self.words(maxima), ["max 7.020 kW at 21:45"])
        self.assertEqual(len(self.of_class(maxima, "circle", "max")), 1)

    def test_events_and_outages_are_marked(self):
        root = self.plot(EXAMPLES / "clock-set-e34.yaml")
        events = self.group(root, "events")
        self.assertEqual(self.words(events), ["clock +3 min", "tier B", "clock \u221220 min"])
        # Three panels and a short line to the label for each.
        self.assertEqual(len(self.of_class(events, "line", "clock")), 8)
        self.assertEqual(len(self.of_class(events, "line", "tier")), 4)
        outages = self.of_class(self.group(root, "outages"), "rect", "outage")
        self.assertEqual(len(outages), 3)
        # Seven of 180 minutes, over the width from 92 to 1170.
        self.assertAlmostEqual(float(outages[0].get("width")), 7 / 180 * 1078, delta=0.2)
        self.assertAlmostEqual(float(outages[0].get("x")), 92 + 100 / 180 * 1078, delta=0.2)
        flagged = [one for one in self.of_class(root, "rect", "flagged") if one.find(f"{SVG}title") is not None]
        self.assertEqual(len(flagged), 6)
        self.assertTrue(any("PARTIAL, CLOCK_FORWARD" in one.find(f"{SVG}title").text for one in flagged))
        (label,) = self.words(self.group(root, "maxima"))
        self.assertIn("E34_EXPOSED: CLOCK_FORWARD", label)

    def test_maximum_closed_by_a_reset_stays_in_the_picture(self):
        root = self.plot(EXAMPLES / "sliding-demand.yaml")
        self.assertEqual(len(self.of_class(self.group(root, "maxima"), "circle", "closed")), 1)
        self.assertEqual(self.words(self.group(root, "events")), ["demand reset"])

    def test_text_is_escaped_and_bytes_that_are_no_text_are_replaced(self):
        text = scenario(["duration_s: 60, power_w: 1"], rest='title: "</text><script>alert(1)</script> & \\"x\\" \\x07"')
        root = self.plot_text(text)
        self.assertEqual(root.find(f"{SVG}title").text, '</text><script>alert(1)</script> & "x" ?')
        self.assertEqual(root.findall(f".//{SVG}script"), [])

    def test_everything_lies_inside_the_picture(self):
        for path in sorted(EXAMPLES.glob("*.yaml")):
            root = self.plot(path)
            width, height = float(root.get("width")), float(root.get("height"))
            for element in root.iter():
                for low, high, limit in (("x", "width", width), ("y", "height", height)):
                    if element.tag in (SVG + "rect", SVG + "text"):
                        start = float(element.get(low))
                        self.assertGreaterEqual(start, 0, path.name)
                        self.assertLessEqual(start + float(element.get(high, 0)), limit + 0.1, path.name)
                for numbers in re.findall(r"[ML](-?[0-9.]+) (-?[0-9.]+)", element.get("d", "")):
                    self.assertTrue(0 <= float(numbers[0]) <= width and 0 <= float(numbers[1]) <= height, path.name)

    def test_labels_of_events_do_not_cover_each_other(self):
        events = [f"at_s: {at}, type: {what}" for at in range(0, 3600, 150)
                  for what in ("demand_reset", "tou_tier, tier: B", "clock_set, by_s: 1")]
        root = self.plot_text(scenario(["duration_s: 3600, power_w: 1000"], events))
        group = self.group(root, "events")
        boxes = {}
        for text in group.iter(f"{SVG}text"):
            if text.get("class") == "muted":
                self.assertRegex(text.text, r"^and [0-9]+ more events")
                continue
            boxes.setdefault(text.get("y"), []).append((float(text.get("x")), len(text.text)))
        self.assertGreater(len(boxes), 1)
        for row in boxes.values():
            row.sort()
            for (left, characters), (right, _) in zip(row, row[1:]):
                self.assertLessEqual(left + characters * 6, right)

    def test_one_microsecond_and_twenty_years_can_be_drawn(self):
        self.plot_text(scenario(["duration_s: 0.000001, power_w: 1"]))
        self.plot_text(scenario(["duration_s: 315360000, power_w: {sine_amplitude: 1, period_s: 0.001}"] * 2,
                                meter="{interval_s: 86400, demand: {window_s: 86400}}"))
        self.assertLess(len(self.text), 1_000_000)

    def test_thousands_of_events_and_outages_stay_a_picture(self):
        segments = ["duration_s: 30, power_w: 1", "duration_s: 10, outage: true"] * 20000
        events = [f"at_s: {at}, type: tou_tier, tier: {'AB'[at // 40 % 2]}" for at in range(0, 800000, 40)]
        self.plot_text(scenario(segments, events, meter="{interval_s: 60}"))
        self.assertLess(len(self.text), 3_000_000)

    def test_nothing_at_all_can_be_drawn(self):
        root = self.plot_text(scenario(["duration_s: 900, outage: true"]))
        self.group(root, "outages")
        self.plot_text(scenario(["duration_s: 900, power_w: 0"]))

    def test_picture_of_the_page_is_todays(self):
        self.plot(EXAMPLES / "solar-day.yaml")
        shown = (ROOT / "docs/metrology-solar-day.svg").read_text(encoding="utf-8")
        self.assertEqual(self.text, shown, "run: amictl metrology config/scenarios/solar-day.yaml --plot docs/metrology-solar-day.svg")


if __name__ == "__main__":
    unittest.main()
