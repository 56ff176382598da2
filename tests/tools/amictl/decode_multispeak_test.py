"""`amictl decode --wire multispeak`: one SOAP message a file."""
import unittest

from running import Case, of_kind

NS = "http://www.multispeak.org/Version_3.0"
READ = ("<meterRead><meterNo>M1</meterNo><deviceID>D1</deviceID><readingDate>2026-01-15T12:00:00-05:00</readingDate>"
        "<posKWh>34315</posKWh><kW>2.66</kW></meterRead>")


def message(reads=READ, namespace=NS, header=""):
    return (f'<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Header>{header}</e:Header><e:Body>'
            f'<ReadingChangedNotification xmlns="{namespace}"><changedMeterReads>{reads}</changedMeterReads>'
            f'<transactionID>t-1</transactionID></ReadingChangedNotification></e:Body></e:Envelope>').encode()


class MultiSpeak(Case):
    def test_readings_and_the_result_of_the_transaction(self):
        lines = self.decode("multispeak", self.file(message()))
        energy, demand = of_kind(lines, "register")
        self.assertEqual((energy["meter"], energy["channel"], energy["value"], energy["unit"], energy["time"]),
                         ("M1", "posKWh", "34315", "kWh", "2026-01-15T17:00:00Z"))
        self.assertEqual(energy["reading_type"], "0.0.0.1.1.1.12.0.0.0.0.0.0.0.0.3.72.0")
        self.assertEqual(energy["quality"]["flag"], "whole_kwh")
        self.assertIsNone(demand["reading_type"])  # a kW without its time: nobody says which
        result, = of_kind(lines, "command_result")
        self.assertEqual((result["meter"], result["transaction"], result["fault"]), ("M1", "t-1", None))

    def test_a_block_that_begins_at_a_clock_face_is_placed_by_the_zone(self):
        block = (f'<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body><IntervalDataNotification xmlns="{NS}">'
                 '<intervalReads><profiles><profile profileID="p"><intervalLength>60</intervalLength><channels><channel>'
                 '<index>1</index><fieldName>kWhDel</fieldName><units>kWh</units></channel></channels></profile></profiles>'
                 '<blocks><block><profileID>p</profileID><meterNo>M1</meterNo><intervalStart>2026-11-01T00:00:00</intervalStart>'
                 '<dB><chs><ch><idx>1</idx><d>1,2,3</d></ch></chs></dB></block></blocks></intervalReads>'
                 '</IntervalDataNotification></e:Body></e:Envelope>')
        feed = self.file("name: f\nzone: America/Toronto\n", "feed.yaml")
        line, = self.decode("multispeak", "--config", feed, self.file(block))
        self.assertEqual((line["kind"], line["first_end"], line["values"]),
                         ("interval_block", "2026-11-01T05:00:00Z", ["1", "2", "3"]))

    def test_a_bad_read_costs_only_itself(self):
        bad = "<meterRead><meterNo>M2</meterNo><readingDate>yesterday</readingDate><posKWh>5</posKWh></meterRead>"
        lines = self.decode("multispeak", self.file(message(bad + READ)), code=1)
        self.assertEqual([line["reason"] for line in of_kind(lines, "error")], ["bad_time"])
        self.assertEqual([line["meter"] for line in of_kind(lines, "register")], ["M1", "M1"])

    def test_what_is_no_callback_says_why(self):
        for content, reason in ((b"", "empty_file"), (b"<a/>", "unknown_namespace"), (message()[:200], "truncated"),
                                (message(namespace="http://www.multispeak.org/V5.0"), "unsupported_version"),
                                (f'<PingURL xmlns="{NS}"/>'.encode(), "not_a_notification")):
            line, = self.decode("multispeak", self.file(content), code=1)
            self.assertEqual((line["kind"], line["reason"]), ("error", reason))
            self.assertTrue(line["detail"].startswith(reason + ":"), line)

    def test_credentials_are_not_printed(self):
        header = f'<MultiSpeakMsgHeader xmlns="{NS}" UserID="hes" Pwd="very-secret"/>'
        lines = self.decode("multispeak", self.file(message(header=header)))
        self.assertNotIn("very-secret", str(lines))

    def test_the_feed_says_which_id_names_the_meter(self):
        config = self.file(b"meter_id: DeviceID\n", "feed.yaml")
        lines = self.decode("multispeak", "--config", config, self.file(message()))
        self.assertEqual({line["meter"] for line in lines}, {"D1"})


if __name__ == "__main__":
    unittest.main()
