#!/usr/bin/env python3
"""A simulated field, the gateway, and the ledger of truth: what was sent is in the store, once and digit for digit; what
was never sent is not there. The gateway is killed (SIGKILL) in the middle and started again.
"""
import datetime as dt
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import unittest
from decimal import Decimal

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tests/support"))
from gateway import Gateway  # noqa: E402

BUILD = pathlib.Path(os.environ["AMI_BIN_DIR"]).parent

CONFIG = """
utilities:
  - {{key: u, notice: AE-1641, zone: America/Toronto}}
data_dir: {config}
state_dir: {folder}/state
database: {{conninfo: "{conninfo}", migrate_on_start: true, allow_owner: true, check_every: 200ms}}
rpc: {{unix_socket: {folder}/rpc.sock}}
http: {{address: "127.0.0.1:0", port_file: {folder}/http.port}}
adapters: [{folder}/gridstream.yaml, {folder}/ts2.yaml, {folder}/ts2-files.yaml, {folder}/water.yaml]
"""
MESSAGES = """
name: {family}
utility: u
family: {family}
interface: multispeak
zone: UTC
mr: {{url: "http://127.0.0.1:{head_end}/Multispeak/webapi/MR_CB.asmx"}}
callback: {{listen: ["127.0.0.1:{callback}"], paths: [/multispeak]}}
response_url: http://127.0.0.1:{callback}/multispeak
"""
FILES = """
name: ts2-files
utility: u
family: ts2
interface: files
folder: {folder}
zone: UTC
settle: 200ms
rescan: 300ms
"""
WATER = """
name: water
utility: u
family: twacs
interface: files
folder: {folder}
zone: UTC
settle: 200ms
rescan: 300ms
meters:
  - {{meter_type: "3001", commodity: water, unit: m3}}
  - {{meter_type: "4001", commodity: gas, unit: m3}}
"""
SCENARIO = """
seed: 31
start_ago: 2d  # a meter is asked through the feed that brought its values lately
time_factor: 2400
programme: {{tiers: true}}
fleet: {{solar_share: 0.4}}
networks:
  - {{family: gridstream, meters: 12, batch: 3, lost: 0.15, duplicated: 0.15, late: 0.1, late_by: 40m,
     latency: {{least: 1s, most: 60s}}, listen: "127.0.0.1:{gridstream}", callback: "http://127.0.0.1:{cb1}/multispeak"}}
  - {{family: ts2, meters: 6, batch: 1, report_every: 1h, lost: 0.4, files: inbox/ts2, catch_up: 2h,
     latency: {{least: 1s, most: 60s}}, listen: "127.0.0.1:{ts2}", callback: "http://127.0.0.1:{cb2}/multispeak"}}
  - {{family: twacs, meters: 1, report_every: 1h, water: 3, gas: 2, ports_folder: inbox/water, ports_every: 2h}}
faults:
  - {{fault: wrong_ke, network: gridstream, meters: 2, from: 1h, lasts: 3h, amount: 2}}
  - {{fault: register_drop, meters: 2, from: 2h, lasts: 2h, amount: 100}}
outages: [{{share: 0.3, at: 90m, lasts: 40m}}]
crossed: [{{network: gridstream, pairs: 1, from: 3h, lasts: 1h}}]
"""


def free_ports(count):
    """Ports that nobody has now: both sides must know the other's before they start."""
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def instant(text):
    return dt.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


class Ledger:
    """What it says of readings, as sets of (meter, reading type, instant, number)."""

    def __init__(self, path):
        self.lines = [json.loads(line) for line in path.read_text().splitlines()]
        self.readings = {"sent": set(), "lost": set(), "unsure": set()}
        self.copies = 0
        for line in self.lines:
            if line["kind"] == "register":
                self._add(line, instant(line["at"]), line["value"])
            elif line["kind"] == "interval_block":
                for i, value in enumerate(line["values"]):
                    self._add(line, instant(line["start"]) + i * line["length_s"], value)
            if line.get("copies", 0) > 1:
                self.copies += 1

    def _add(self, line, at, value):
        if value is not None:
            self.readings[line["delivery"]].add((line["meter"], line["reading_type"], at, Decimal(value)))


class SimulatedField(unittest.TestCase):
    maxDiff = 3000

    def setUp(self):
        self.gateway = Gateway(BUILD)
        self.addCleanup(self.gateway.close)
        self.folder = self.gateway.folder
        heads, backs = free_ports(2), free_ports(2)
        for family, head_end, callback in zip(("gridstream", "ts2"), heads, backs):
            (self.folder / f"{family}.yaml").write_text(MESSAGES.format(family=family, head_end=head_end, callback=callback))
        for name in ("ts2", "water"):
            (self.folder / "inbox" / name).mkdir()
        (self.folder / "ts2-files.yaml").write_text(FILES.format(folder=self.folder / "inbox/ts2"))
        (self.folder / "water.yaml").write_text(WATER.format(folder=self.folder / "inbox/water"))
        (self.folder / "field.yaml").write_text(
            SCENARIO.format(gridstream=heads[0], ts2=heads[1], cb1=backs[0], cb2=backs[1]))
        self.start()

    def start(self):
        (self.folder / "rpc.sock").unlink(missing_ok=True)
        (self.folder / "http.port").unlink(missing_ok=True)
        self.gateway.start(CONFIG.format(folder=self.folder, conninfo=self.gateway.conninfo, config=ROOT / "config"))

    def ctl(self, *args, check=True):
        return subprocess.run([BUILD / "bin/amictl", "--address", f"unix:{self.folder}/rpc.sock", "--utility", "u",
                               *map(str, args)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=check)

    def ledger_lines(self):
        path = self.folder / "ledger.jsonl"
        return path.read_text().count("\n") if path.exists() else 0

    def stored(self):
        rows = self.gateway.sql(
            "SELECT m.key, v.reading_type, extract(epoch FROM v.start_at), trim_scale(v.value) FROM interval_value v "
            "JOIN meter m USING (meter_id) WHERE v.value IS NOT NULL UNION ALL "
            "SELECT m.key, v.reading_type, extract(epoch FROM v.at), trim_scale(v.value) FROM register_value v "
            "JOIN meter m USING (meter_id)")
        out = []
        for row in rows.splitlines():
            key, kind, at, value = row.split("|")
            out.append((key, kind, float(at), Decimal(value)))
        return out

    def test_the_ledger_is_the_store(self):
        # The books first: what comes before is of unknown meters.
        dry = books_of(self.folder)
        self.ctl("meters", "import", dry)
        field = subprocess.Popen([BUILD / "bin/fieldsim", "--scenario", self.folder / "field.yaml", "--base-dir",
                                  self.folder])
        self.addCleanup(lambda: (field.kill(), field.wait()))
        self.gateway.wait(lambda: self.ledger_lines() > 400, 90, "the first reports", pause=0.05)
        # Where values come from says through which feed a meter is asked.
        self.gateway.wait(lambda: self.gateway.sql("SELECT count(*) FROM register_value JOIN meter m USING (meter_id) "
                                                   "WHERE m.key = 'GS00000003'") != "0", 60, "its first reading", pause=0.1)
        read = self.ctl("read-now", "GS00000003", check=False)
        self.assertIn(read.returncode, (0, 1), read.stdout)  # its callback may be lost, as any
        self.gateway.daemon.kill()
        self.gateway.daemon.wait()
        self.start()
        before = self.ledger_lines()
        self.gateway.wait(lambda: self.ledger_lines() > before + 400, 90, "reports after the restart", pause=0.05)
        field.send_signal(signal.SIGTERM)
        self.assertEqual(field.wait(90), 0)

        ledger = Ledger(self.folder / "ledger.jsonl")
        sent, lost, unsure = (ledger.readings[word] for word in ("sent", "lost", "unsure"))
        self.assertEqual(ledger.lines[-1]["kind"], "end")
        self.assertGreater(len(sent), 500)
        self.assertGreater(len(lost - sent), 50)
        self.assertGreater(ledger.copies, 0)
        self.gateway.wait(lambda: sent <= set(self.stored()), 90, "what was sent to be stored", pause=0.3)
        stored = self.stored()
        self.assertEqual(len(stored), len(set(stored)), "a reading stands twice")
        self.assertEqual(set(stored) - sent - unsure, set(), "nobody sent that")
        self.assertEqual(sent - set(stored), set(), "was sent and is not there")
        self.assertEqual((lost - sent - unsure) & set(stored), set(), "never left, and is there")
        steps = [line["step"] for line in ledger.lines if line["kind"] == "command" and line["command"] == "read"]
        self.assertEqual(steps.count("executed"), 1)
        checked = self.ctl("demo-check", self.folder / "ledger.jsonl", check=False)
        self.assertEqual(checked.returncode, 0, checked.stdout)


def books_of(folder):
    """The same fleet's books, from a run of an instant: they are needed before the field begins."""
    text = (folder / "field.yaml").read_text()
    (folder / "books.yaml").write_text(text + "length: 1m\nledger: books.jsonl\nbooks: books.csv\nports: books.json\n")
    subprocess.run([BUILD / "bin/fieldsim", "--scenario", folder / "books.yaml", "--base-dir", folder], check=True,
                   timeout=60)
    return folder / "books.csv"


if __name__ == "__main__":
    unittest.main()
