"""`amictl decode` of Command Center files and CIM messages: the samples beside the checkout, and what is built here."""
import sys
import unittest

from running import SAMPLES, Case, of_kind

EXPORT = SAMPLES / "landisgyr/constructed-register-export.txt"
EVENT = SAMPLES / "landisgyr/cim-enddeviceevent-sample.xml"


class Files(Case):
    def test_registers_of_the_export(self):
        lines = self.decode("lg-delimited", EXPORT)
        self.assertEqual({line["channel"]: (line["value"], line["unit"]) for line in lines},
                         {"kWh": ("34315.482", "kWh"), "Peak": ("2.66", "kW"), "TouA": ("20000.000", "kWh"),
                          "TouB": ("14315.482", "kWh"), "TouC": ("0.000", "kWh"), "TouD": ("0.000", "kWh"),
                          "TouE": ("0.000", "kWh"), "Volts": ("241.2", "V"), "PrevKWh": ("33693.000", "kWh"),
                          "KWhRecv": ("0.000", "kWh")})
        self.assertEqual({line["time"] for line in lines}, {"2026-01-15T00:00:00Z"})

    def test_missing_column_is_one_clear_error(self):
        line, = self.decode("lg-delimited", self.file("ID~Meter~Datetime~kWh\nEMED01~M~x~1\n"), code=1)
        self.assertEqual(line["reason"], "missing_column")
        self.assertIn('nearest is "Datetime"', line["detail"])

    def test_file_that_was_cut_short_keeps_its_whole_lines(self):
        text = "ID~Meter~DateTime~kWh\nEMED01~M~01152026120000AM~1\nEMED01~M~01162026120000AM~2"
        lines = self.decode("lg-delimited", self.file(text), code=1)
        self.assertEqual([line["kind"] for line in lines], ["register", "error"])
        self.assertEqual(lines[1]["reason"], "line_end_missing")

    def test_zone_of_a_feed_applies(self):
        feed = self.file("name: f\nzone: America/Toronto\n", "feed.yaml")
        text = "ID~Meter~DateTime~kWh\nEMED01~M~01152026120000AM~1\n"
        line, = self.decode("lg-delimited", "--config", feed, self.file(text))
        self.assertEqual(line["time"], "2026-01-15T05:00:00Z")


READINGS = """<ResponseMessage xmlns="http://iec.ch/TC57/2011/schema/message"><Header><Verb>reply</Verb><Noun>MeterReadings</Noun>
<User><UserID>u</UserID></User><CorrelationID>c1</CorrelationID><Property><Name>Password</Name><Value>open-sesame</Value></Property></Header>
<Reply><Result>PARTIAL</Result><Error><code>2.4</code><reason>no such meter</reason><ID objectType="Meter">M9</ID></Error></Reply>
<Payload><MeterReadings xmlns="http://iec.ch/TC57/2011/MeterReadings#"><MeterReading><Meter><mRID>R1</mRID><Names><name>M1</name></Names></Meter>
<Readings><timeStamp>2026-01-15T00:00:00-05:00</timeStamp><value>12.5</value>
<ReadingQualities><ReadingQualityType ref="1.8.0"/></ReadingQualities><ReadingType ref="0.0.0.1.1.1.12.0.0.0.0.0.0.0.0.3.72.0"/></Readings>
</MeterReading></MeterReadings></Payload></ResponseMessage>"""


class Messages(Case):
    def test_real_event_is_read_without_its_credentials(self):
        line, = self.decode("cim", EVENT)
        self.assertEqual((line["kind"], line["meter"], line["code"], line["text"]),
                         ("event", "abcde", "6.20.1.185", "POWER_FAIL"))
        self.assertEqual(line["time"], "2017-10-11T19:19:12.155436Z")
        self.assertNotIn("Password", line["raw"])

    def test_readings_and_results_of_a_reply(self):
        lines = self.decode("cim", self.file(READINGS))
        register, = of_kind(lines, "register")
        self.assertEqual((register["meter"], register["value"], register["unit"], register["time"]),
                         ("M1", "12.5", "kWh", "2026-01-15T05:00:00Z"))
        self.assertEqual(register["quality"], {"codes": ["1.8.0"], "flag": "1.8.0"})
        results = of_kind(lines, "command_result")
        self.assertEqual([(one["transaction"], one["meter"], one["word"], one["fault"]) for one in results],
                         [("c1", "", "PARTIAL", None), ("c1", "M9", "2.4", "no such meter")])
        self.assertNotIn("open-sesame", str(lines))

    def test_other_name_of_the_meter_by_the_feed(self):
        feed = self.file("name: f\nmeter_id: mRID\n", "feed.yaml")
        lines = self.decode("cim", "--config", feed, self.file(READINGS))
        self.assertEqual(of_kind(lines, "register")[0]["meter"], "R1")

    def test_broken_messages_are_one_error(self):
        for text, reason in (("", "empty_file"), (READINGS[:400], "truncated"), ("<a/>", "not_a_message"),
                             ("<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>", "entity_declaration")):
            line, = self.decode("cim", self.file(text), code=1)
            self.assertEqual(line["reason"], reason)


if __name__ == "__main__":
    if not EXPORT.exists() or not EVENT.exists():
        print("skipped, samples are missing")
        sys.exit(77)
    unittest.main()
