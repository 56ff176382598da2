#!/usr/bin/env python3
"""Real vendor files in, PostgreSQL, gRPC out: what comes out equals what an independent reader finds in the file.

Runs the built daemon on a private cluster and asks it with amictl and with a plain Python grpc client.
"""
import csv
import datetime as dt
import decimal
import json
import os
import pathlib
import shutil
import sys
import unittest
import xml.etree.ElementTree as ElementTree

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tests/support"))
sys.path.insert(0, str(ROOT / "tests/e2e/python_client"))
from gateway import Gateway  # noqa: E402

SAMPLES = pathlib.Path(os.environ.get("AMI_SAMPLES_DIR", ROOT.parent / "shared/samples"))
BUILD = pathlib.Path(os.environ["AMI_BIN_DIR"]).parent
NS = "{urn:com:ssn:schema:export:SSNExportFormat.xsd}"
Decimal = decimal.Decimal

CONFIG = """
utilities:
  - {{key: maui, zone: Pacific/Honolulu}}
data_dir: {config}
state_dir: {folder}/state
database: {{conninfo: "{conninfo}", allow_owner: true, migrate_on_start: true, check_every: 200ms}}
rpc: {{unix_socket: {folder}/rpc.sock}}
http: {{address: "127.0.0.1:0", port_file: {folder}/http.port}}
adapters: [{folder}/ssn.yaml, {folder}/flexnet.yaml]
"""


def utc(text):
    return dt.datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone(dt.timezone.utc)


def canonical(value, unit):
    """kWh and kW of the file as the gateway's Wh and W, by decimal shift."""
    return Decimal(value).scaleb(3) if unit.startswith("k") else Decimal(value)


@unittest.skipUnless(SAMPLES.is_dir(), "samples are not beside the checkout")
class Samples(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.gateway = Gateway(BUILD)
        cls.addClassCleanup(cls.gateway.close)
        folder = cls.gateway.folder
        (folder / "state").mkdir()
        shutil.copytree(ROOT / "config", folder / "config")
        for family in ("ssn", "flexnet"):
            (folder / "inbox" / family).mkdir()
            text = (ROOT / f"config/adapters/{family}.yaml").read_text()
            text = text.replace("utility: example", "utility: maui")
            text = text.replace(f"/var/lib/ami-gateway/inbox/{family}", str(folder / "inbox" / family))
            (folder / f"{family}.yaml").write_text(text)
        cls.gateway.start(CONFIG.format(folder=folder, conninfo=cls.gateway.conninfo, config=folder / "config"))
        meters = ["100000", "B72842123", "B72842062", "B72842130", "BW23020", "E36525F12SD", "FA10000001"]
        table = folder / "meters.csv"
        table.write_text("meter,usage_point,zone\n" + "".join(f"{m},UP-{m},Pacific/Honolulu\n" for m in meters))
        cls.ctl("meters", "import", str(table))
        cls.drop("ssn", SAMPLES / "ssn/meco_v3-energy-test-data.xml")
        cls.drop("flexnet", SAMPLES / "cmep/cmep.dat", to="rejected")  # not one record names its meter in field 8

    @classmethod
    def ctl(cls, *args):
        out = cls.gateway.amictl("--utility", "maui", "--output", "json", *args)
        return [json.loads(line) for line in out.splitlines()]

    @classmethod
    def drop(cls, family, path, name=None, to="done"):
        inbox = cls.gateway.folder / "inbox" / family
        name = name or path.name
        shutil.copy(path, inbox / f".{name}.part")
        (inbox / f".{name}.part").rename(inbox / name)
        cls.gateway.wait(lambda: (inbox / "done" / name).exists() or (inbox / "rejected" / name).exists(), 60, f"{name} to be read")
        if not (inbox / to / name).exists():
            raise AssertionError(f"{name} is not in {to}/; reasons: {[f.read_text() for f in inbox.glob('rejected/*.txt')]}")

    def sample_registers(self):
        root = ElementTree.parse(SAMPLES / "ssn/meco_v3-energy-test-data.xml").getroot()
        found = {}
        for read in root.iter(NS + "RegisterRead"):
            for register in read.iter(NS + "Register"):
                for value, unit in (("Summation", "SummationUOM"), ("CumulativeDemand", "DemandUOM")):
                    if register.get(value) is not None:
                        key = (register.get("Number"), utc(read.get("ReadTime")))
                        found[key] = canonical(register.get(value), register.get(unit))
        return found

    def sample_intervals(self):
        root = ElementTree.parse(SAMPLES / "ssn/meco_v3-energy-test-data.xml").getroot()
        found = {}
        for interval in root.iter(NS + "Interval"):
            for reading in interval.iter(NS + "Reading"):
                key = (reading.get("Channel"), utc(interval.get("EndTime")))
                found[key] = canonical(reading.get("Value"), reading.get("UOM"))
        return found

    def test_registers_by_amictl_equal_the_file(self):
        expected = self.sample_registers()
        self.assertEqual(len(expected), 56)
        got = {}
        for read in self.ctl("reads", "100000", "--registers"):
            got[(read["channel"].split(":", 1)[1], utc(read["time"]))] = Decimal(read["value"])
            self.assertEqual(read["type_approval"], "TYPE_APPROVAL_NO_REGIME")  # this utility has no notice
        self.assertEqual(got, expected)

    def test_intervals_by_amictl_equal_the_file_in_both_kwh_channels(self):
        expected = self.sample_intervals()
        got, ends = {}, set()
        for read in self.ctl("reads", "100000", "--intervals", "--from", "2013-04-01", "--to", "2013-05-01", "--purpose", "test"):
            ends.add(utc(read["end"]))
            if read["value"] is not None:
                got[(read["channel"].split("lp:")[1], utc(read["end"]))] = Decimal(read["value"])
        self.assertEqual(got, expected)
        one = [value for (channel, _), value in sorted(got.items()) if channel == "1"]
        three = [value for (channel, _), value in sorted(got.items()) if channel == "3"]
        self.assertEqual(one, three)
        self.assertEqual(len(one), 8)

    def test_python_client_returns_the_same(self):
        import client  # the plain grpc client of tests/e2e/python_client
        with client.connect(f"unix:{self.gateway.folder}/rpc.sock") as channel:
            registers = {(r["channel"].split(":", 1)[1], utc(r["time"])): Decimal(r["value"])
                         for r in client.registers(channel, "utilities/maui/meters/100000")}
            self.assertEqual(registers, self.sample_registers())
            intervals = {(r["channel"].split("lp:")[1], utc(r["end"])): Decimal(r["value"])
                         for r in client.intervals(channel, "utilities/maui/meters/100000", "2013-04-01T00:00:00Z",
                                                   "2013-05-01T00:00:00Z", "test") if r["value"] is not None}
            self.assertEqual(intervals, self.sample_intervals())

    def test_events_of_the_file_are_there_once(self):
        events = self.ctl("events", "100000")
        self.assertEqual([e["vendor_code"] for e in events], ["METER_HAN_COMM_FAILURE"] * 4)
        self.assertEqual({e["kind"] for e in events}, {"HAN_FAULT"})

    def test_the_same_file_under_another_name_changes_nothing(self):
        before = self.dump()
        self.drop("ssn", SAMPLES / "ssn/meco_v3-energy-test-data.xml", "again.xml")
        self.assertEqual(self.dump(), before)

    def dump(self):
        return [self.gateway.sql(f"select * from {table} t order by t::text")
                for table in ("interval_day", "interval_revision", "register_read", "register_revision", "event", "quarantine")]

    def test_water_and_electric_rows_of_the_cmep_sample_wait_until_the_site_says_what_it_assumes(self):
        waiting = self.ctl("quarantine", "list", "--feed", "flexnet")
        self.assertEqual(len(waiting), 5)
        self.assertEqual({item["reason"] for item in waiting}, {"missing_meter"})

        demo = (ROOT / "config/adapters/flexnet-demo.yaml").read_text()
        inbox = str(self.gateway.folder / "inbox/flexnet")
        demo = demo.replace("name: flexnet-demo", "name: flexnet").replace("utility: demo", "utility: maui")
        demo = demo.replace("../../build/demo/inbox/flexnet", inbox)
        (self.gateway.folder / "flexnet.yaml").write_text(demo)
        self.gateway.reload()
        replayed = self.ctl("quarantine", "replay", "--feed", "flexnet")[0]
        self.assertEqual(int(replayed["settled"]), 5)
        self.assertEqual(self.ctl("quarantine", "list", "--feed", "flexnet"), [])

        with open(SAMPLES / "cmep/cmep.dat", encoding="ascii", newline="") as lines:
            for row in csv.reader(lines):
                meter, unit, values = row[5], row[10], row[14:]
                scale = 3 if unit == "SKWHREG" else 0
                expected = {dt.datetime.strptime(values[i], "%Y%m%d%H%M").replace(tzinfo=dt.timezone.utc):
                            Decimal(values[i + 2]).scaleb(scale) for i in range(0, len(values), 3)}
                reads = self.ctl("reads", meter, "--registers")
                self.assertEqual({utc(r["time"]): Decimal(r["value"]) for r in reads}, expected)
                self.assertTrue(all(r["quality"]["vendor_flag"] == "R0" for r in reads))


if __name__ == "__main__":
    if not SAMPLES.is_dir():
        print("skipped: samples are not beside the checkout")
        sys.exit(77)
    unittest.main(verbosity=2)
