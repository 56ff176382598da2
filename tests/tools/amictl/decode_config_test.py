"""`amictl decode --config`: mapping, zone, meter field and assumptions of a feed file; and feed files that are wrong."""
import unittest

from running import CONFIG, Case, amictl

RECORD = "MEPMD01,19970819,S,F4,F5,F6,202601151700,F8,OK,E,{unit},2.5,00000100,1,202601150600,R,10\n"
KWH_HOURLY = "0.0.7.4.1.1.12.0.0.0.0.0.0.0.0.3.72.0"  # measuring period 7: sixty minutes
ASSUMES = """
assume:
  - assumed: "pulses are kWh"
    mapping:
      units:
        - {unit: PULSE, measure: MEPMD01, kind: interval, reading_type: "0.0.{period}.4.1.1.12.0.0.0.0.0.0.0.0.3.72.0"}
"""


class FeedFile(Case):
    def one(self, feed, unit="KWH"):
        lines = self.decode("cmep", "--config", self.file(feed, "feed.yaml"), self.file(RECORD.format(unit=unit)))
        self.assertEqual(len(lines), 1)
        return lines[0]

    def refused(self, feed, *says):
        path = self.file(feed, "feed.yaml")
        code, out, err = amictl("decode", "--wire", "cmep", "--config", path, self.file(RECORD.format(unit="KWH")))
        self.assertEqual((code, out), (2, b""), err)
        for one in says:
            self.assertIn(one, err.decode())

    def test_meter_field_chooses_the_meter(self):
        for field, meter in (("field4", "F4"), ("field5", "F5"), ("field6", "F6"), ("field8", "F8")):
            self.assertEqual(self.one(f"zone: UTC\nmeter_id_field: {field}\n")["meter"], meter)
        self.assertEqual(self.one("zone: UTC\n")["meter"], "F8")

    def test_zone_places_the_times(self):
        self.assertEqual(self.one("zone: UTC\n")["first_end"], "2026-01-15T06:00:00Z")
        # Toronto is five hours behind UTC in January.
        self.assertEqual(self.one("zone: America/Toronto\n")["first_end"], "2026-01-15T11:00:00Z")

    def test_without_a_zone_times_cannot_be_placed(self):
        lines = self.decode("cmep", "--config", self.file("name: x\n", "feed.yaml"),
                            self.file(RECORD.format(unit="KWH")), code=1)
        self.assertEqual([line["reason"] for line in lines], ["no_zone"])

    def test_unit_without_a_rule_stays_as_written(self):
        line = self.one("zone: UTC\n", "PULSE")
        self.assertEqual((line["reading_type"], line["unit"], line["values"]), (None, "PULSE", ["10"]))

    def test_assumption_gives_the_unit_a_meaning_and_the_constant_is_applied(self):
        line = self.one("zone: UTC\n" + ASSUMES, "PULSE")
        self.assertEqual((line["reading_type"], line["unit"], line["values"]), (KWH_HOURLY, "kWh", ["25.0"]))
        self.assertEqual(self.one("zone: UTC\n" + ASSUMES)["reading_type"], KWH_HOURLY)  # the mapping still counts

    def test_many_assumptions_lie_over_each_other_the_last_on_top(self):
        rule = "  - {assumed: x, mapping: {flags: {R: {quality: [2.%d.0]}}}}\n"
        line = self.one("zone: UTC\nassume:\n" + "".join(rule % i for i in (7, 7, 7, 7, 7, 8)))
        self.assertEqual(line["quality"], [{"codes": ["2.8.0"], "flag": "R"}])

    def test_mapping_of_the_feed_is_found_beside_it(self):
        self.file('version: 1\nwire: cmep\nunits:\n  - {unit: ZAP, kind: interval, reading_type: '
                  '"0.0.{period}.4.1.1.12.0.0.0.0.0.0.0.0.3.72.0"}\n', "own.yaml")
        line = self.one("zone: UTC\nmapping: own.yaml\n", "ZAP")
        self.assertEqual(line["unit"], "kWh")

    def test_feed_files_that_are_wrong_say_where(self):
        self.refused("zone: UTC\nfoo: [\n", "feed.yaml:")
        self.refused("- a\n- b\n", "feed.yaml:1:")
        self.refused("", "feed.yaml:1:")
        self.refused("zone: Mars/Olympus\n", "Mars/Olympus")
        self.refused("zone: UTC\nmapping: gone.yaml\n", "gone.yaml")
        self.refused("zone: UTC\nmeter_id_field: field7\n", "feed.yaml:2:", "field8")

    def test_assumptions_that_are_wrong_say_where(self):
        self.refused("zone: UTC\nassume: {units: []}\n", "feed.yaml:2:")
        self.refused("zone: UTC\nassume:\n  - just words\n", "feed.yaml:3:")
        self.refused("zone: UTC\nassume:\n  - {assumed: no rules}\n", "feed.yaml:3:")
        self.refused('zone: UTC\nassume:\n  - assumed: x\n    mapping:\n      unitz: []\n', "feed.yaml:5:", "units")

    def test_config_folder_is_no_feed_file(self):
        code, out, err = amictl("decode", "--wire", "cmep", "--config", self.folder, self.file("x"))
        self.assertEqual((code, out), (2, b""), err)

    def test_feed_files_that_are_shipped_can_be_used(self):
        for path in sorted((CONFIG / "adapters").glob("*.yaml")):
            wire = "ssn-export" if path.name.startswith("ssn") else "cmep"
            empty = b"" if wire == "cmep" else b'<SSNExportDocument xmlns="urn:com:ssn:schema:export:SSNExportFormat.xsd"/>'
            with self.subTest(path=path.name):
                self.assertEqual(self.decode(wire, "--config", path, self.file(empty)), [])


if __name__ == "__main__":
    unittest.main()
