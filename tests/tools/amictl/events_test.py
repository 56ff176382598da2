"""`amictl events` and `amictl clocks` against a running gateway: one outage told by several, and clocks that are off."""
import json
import pathlib
import sys
import unittest
from datetime import datetime, timedelta, timezone

from running import AMICTL, ROOT, amictl

sys.path.insert(0, str(ROOT / "tests/support"))
from gateway import Gateway  # noqa: E402

CONFIG = """
utilities:
  - {{key: u, zone: America/Toronto}}
data_dir: {config}
state_dir: {folder}
database: {{conninfo: "{conninfo}", allow_owner: true, migrate_on_start: true, check_every: 200ms}}
rpc: {{unix_socket: {folder}/rpc.sock}}
http: {{address: "127.0.0.1:0", port_file: {folder}/http.port}}
adapters: [{folder}/ssn.yaml]
"""
FEED = "{{name: north, utility: u, family: ssn, folder: {inbox}, zone: UTC, settle: 100ms, rescan: 200ms}}\n"


def document(name, meter, events):
    """(EventName, text, time); a name that is a code of the table of record is known by it."""
    body = "".join(f'<Event EventName="{code}" EventTime="{time}">{text}</Event>' for code, text, time in events)
    return (f'<SSNExportDocument xmlns="urn:com:ssn:schema:export:SSNExportFormat.xsd" Version="0.1" DocumentID="{name}" '
            'ExportID="made up" JobID="1" RunID="1" CreationTime="2026-01-15T00:00:00.000Z" StartTime="2026-01-14T00:00:00.000Z" '
            f'EndTime="2026-01-15T00:00:00.000Z"><MeterData MeterName="{meter}" UtilDeviceID="{meter}" MacID="00:00:00:00:00:00:00:01">'
            f'<EventData StartTime="2026-01-14T00:00:00.000Z" EndTime="2026-01-15T00:00:00.000Z" NumberEvents="{len(events)}">{body}'
            "</EventData></MeterData></SSNExportDocument>")


class Events(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.gateway = Gateway(pathlib.Path(AMICTL).parents[1])
        cls.addClassCleanup(cls.gateway.close)
        folder = cls.gateway.folder
        (folder / "ssn.yaml").write_text(FEED.format(inbox=folder / "inbox"))
        cls.gateway.start(CONFIG.format(folder=folder, conninfo=cls.gateway.conninfo, config=ROOT / "config"))
        (folder / "meters.csv").write_text("meter,module_type,han,valid_from\nM1,TS2,ZIGBEE,2020-01-01T00:00:00Z\n"
                                           "M2,TS2,,2020-01-01T00:00:00Z\n")
        cls.gateway.amictl("--utility", "u", "meters", "import", str(folder / "meters.csv"))

    def drop(self, name, text):
        inbox = self.gateway.folder / "inbox"
        (inbox / f".{name}.part").write_text(text)
        (inbox / f".{name}.part").rename(inbox / name)
        self.gateway.wait(lambda: (inbox / "done" / name).exists(), 60, f"{name} to be read")

    def run_amictl(self, *args, code=0):
        got, out, err = amictl("--address", f"unix:{self.gateway.folder}/rpc.sock", "--utility", "u", *args)
        self.assertEqual(got, code, err.decode())
        return out.decode() if code == 0 else err.decode()

    def objects(self, *args):
        return [json.loads(line) for line in self.run_amictl("--output", "json", *args).splitlines()]

    def test_one_outage_told_by_several_is_listed_once_and_all_on_request(self):
        self.drop("outage.xml", document("a", "M1", [
            ("3.26.136.47", "last gasp", "2026-01-14T06:00:20.000Z"), ("3.26.0.47", "primary power down", "2026-01-14T06:00:00.000Z"),
            ("3.26.0.216", "restored", "2026-01-14T07:00:00.000Z"), ("METER_HAN_COMM_FAILURE", "han", "2026-01-14T08:00:00.000Z")]))
        heads = self.objects("events", "M1")
        self.assertEqual([(e["kind"], e.get("duplicates", 0)) for e in heads], [("OUTAGE", 1), ("RESTORATION", 0), ("HAN_FAULT", 0)])
        everything = self.objects("events", "M1", "--duplicates")
        self.assertEqual([e["kind"] for e in everything], ["OUTAGE", "LAST_GASP", "RESTORATION", "HAN_FAULT"])
        self.assertEqual(everything[1]["duplicate_of"], heads[0]["name"])
        table = self.run_amictl("events", "M1").splitlines()
        self.assertTrue(table[0].rstrip().endswith("TOLD AGAIN"), table[0])
        self.assertTrue(table[1].rstrip().endswith(" 1"), table[1])
        table = self.run_amictl("events", "M1", "--duplicates").splitlines()
        self.assertIn("again: " + heads[0]["name"].rsplit("/", 1)[1], table[2])
        # By the kind of any who told it; what the home area network reports is a kind as any other.
        self.assertEqual([e["kind"] for e in self.objects("events", "--kind", "LAST_GASP")], ["OUTAGE"])
        self.assertEqual([e["vendor_code"] for e in self.objects("events", "--kind", "HAN_FAULT")], ["METER_HAN_COMM_FAILURE"])

    def test_a_clock_ahead_of_its_receipt_is_told(self):
        self.assertEqual(self.run_amictl("clocks", "M1").splitlines()[1:], [])
        ahead = datetime.now(timezone.utc) + timedelta(seconds=200)
        self.drop("ahead.xml", document("b", "M2", [("3.12.0.257", "tamper", ahead.strftime("%Y-%m-%dT%H:%M:%S.000Z")),
                                                    ("3.36.0.79", "clock error", "2026-01-14T06:00:00.000Z")]))
        signs = {s["kind"]: s for s in self.objects("clocks")}
        self.assertEqual(set(signs), {"AHEAD", "CLOCK_EVENT"})
        self.assertTrue(signs["AHEAD"]["meter"].endswith("/M2"))
        self.assertTrue(60 < int(signs["AHEAD"]["last_offset_s"]) <= 200, signs)
        self.assertEqual(signs["AHEAD"]["tolerance_s"], 60)
        table = self.run_amictl("clocks", "M2", "--feed", "north", "--kind", "AHEAD").splitlines()
        self.assertEqual(len(table), 2)
        self.assertIn("AHEAD", table[1])
        self.assertIn("60 s", table[1])
        self.assertIn("--kind is AHEAD", self.run_amictl("clocks", "--kind", "LATE", code=2))
        self.assertIn("M9", self.run_amictl("clocks", "M9", code=1))

    def test_the_radio_of_a_module_is_shown_and_said(self):
        self.assertEqual(self.objects("meters", "show", "M1")[0]["han"], "ZIGBEE")
        self.assertNotIn("han", self.objects("meters", "show", "M2")[0])
        self.assertIn("HAN NONE", self.run_amictl("meters", "han", "M2", "NONE"))
        self.assertEqual(self.objects("meters", "show", "M2")[0]["han"], "NONE")
        self.assertNotIn("HAN", self.run_amictl("meters", "han", "M2", "unknown"))
        self.assertIn("han", self.run_amictl("meters", "han", "M2", "WIFI", code=1))


if __name__ == "__main__":
    unittest.main(verbosity=2)
