"""`amictl decode --wire delimited`: water and gas on the ports of a board, with the keys of a feed file."""
import unittest

from running import CONFIG, ROOT, Case, amictl

PORTS = ROOT / "tests/adapters/wire/delimited/golden/ports.csv"
FEED = CONFIG / "adapters/twacs-water.yaml"
HEAD = "MeterSN,MTUID,Port,MeterTypeID,ScaledRead,RawRead,Scalar,ReadingTime,LocalTime,Active\n"


class Delimited(Case):
    def test_a_feeds_table_gives_units_and_commodities(self):
        lines = self.decode("delimited", "--config", FEED, PORTS)
        said = [(line["meter"], line["channel"], line["value"], line["unit"], line["time"]) for line in lines]
        self.assertEqual(said[:2], [("W0001", "emtr:1", "23497.071", "ft3", "2026-01-15T17:00:00Z"),
                                    ("W0001", "emtr:1", "23497.085", "ft3", "2026-01-15T18:00:00Z")])
        gas, = (line for line in lines if line["meter"] == "G0003")
        self.assertEqual((gas["value"], gas["unit"], gas["reading_type"]),
                         ("1234.5", "CCF", "0.0.0.1.1.7.58.0.0.0.0.0.0.0.0.2.119.0"))
        failed, = (line for line in lines if line["meter"] == "W0004")
        self.assertIsNone(failed["value"])
        self.assertNotIn("NOWHERE", str(lines))

    def test_without_a_feed_the_numbers_are_shown_and_have_no_meaning(self):
        line, = self.decode("delimited", self.file(HEAD + "A,1,1,2212,3.50,,,2026-01-15 17:00,,1\n"))
        self.assertEqual((line["value"], line.get("reading_type")), ("3.50", None))

    def test_bad_records_are_errors_and_decoding_goes_on(self):
        text = HEAD + "A,1,1,2212,3,3000,0.01,2026-01-15 17:00,,1\nB,1,1,9,3,,,2026-01-15 17:00,,1\nC,1,1,3001,3,,,2026-01-15 17:00,,1\n"
        lines = self.decode("delimited", "--config", FEED, self.file(text), code=1)
        self.assertEqual([line.get("reason") for line in lines if line["kind"] == "error"],
                         ["scale_mismatch", "unknown_meter_type"])
        self.assertEqual([line["meter"] for line in lines if line["kind"] == "register"], ["C"])

    def test_another_file_is_one_clear_error(self):
        line, = self.decode("delimited", self.file("<html>\n</html>\n"), code=1)
        self.assertEqual(line["reason"], "missing_column")

    def test_other_columns_and_delimiter_by_the_feed(self):
        feed = self.file("delimiter: semicolon\nzone: UTC\ncolumns: {device: No, port: P, meter_type: T, scaled: V, time: At, "
                         "module: '', raw: '', scalar: '', local_time: '', active: ''}\nmeters: [{commodity: water, unit: m3}]\n",
                         "feed.yaml")
        line, = self.decode("delimited", "--config", feed, self.file("At;V;No;P;T\n2026-01-15 17:00;7;W9;2;x\n"))
        self.assertEqual((line["meter"], line["channel"], line["value"], line["unit"]), ("W9", "emtr:2", "7", "m3"))

    def test_a_delimiter_that_is_none_is_a_usage_error(self):
        feed = self.file("delimiter: space\n", "feed.yaml")
        code, _, error = amictl("decode", "--wire", "delimited", "--config", feed, PORTS)
        self.assertEqual(code, 2)
        self.assertIn(b"delimiter is none of", error)


if __name__ == "__main__":
    unittest.main()
