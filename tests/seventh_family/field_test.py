#!/usr/bin/env python3
"""The field simulator hosts a seventh network beside the six: hours of it through the gateway, and what its ledger says was
sent is what is stored. Its folder and its line are all that the simulator knows of it."""
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time
import unittest

ROOT = pathlib.Path(os.environ["AMI_SOURCE_DIR"])
BUILD = pathlib.Path(os.environ["AMI_BIN_DIR"]).parent
sys.path.insert(0, str(ROOT / "tests/support"))
from gateway import Gateway  # noqa: E402

FIELDSIM = BUILD / "tests/seventh-fieldsim"
SCENARIO = """
seed: 3
start_ago: 2d
length: 6h
time_factor: 1800
networks:
  - {family: millrace, meters: 5, lost: 0.1, duplicated: 0.2, late: 0.1, late_by: 1h}
outages:
  - {share: 0.5, at: 1h, spread: 10m, lasts: 1h, waves: 2, every: 2h}
"""
GATEWAY = """
utilities: [{{key: mill, zone: America/Toronto}}]
data_dir: {root}/config
state_dir: {folder}/state
database: {{conninfo: "{conninfo}", migrate_on_start: true, allow_owner: true, check_every: 100ms}}
rpc: {{unix_socket: {folder}/rpc.sock}}
http: {{address: "127.0.0.1:0", port_file: {folder}/http.port}}
adapters: [{adapters}]
"""
FEED = """
name: river
utility: mill
family: millrace
port: {port}
zone: UTC
mapping: {data}/millrace.yaml
events: {data}/millrace-events.yaml
"""


class SeventhField(unittest.TestCase):
    def setUp(self):
        holder = tempfile.TemporaryDirectory(prefix="ami-seventh-field.")
        self.addCleanup(holder.cleanup)
        self.folder = pathlib.Path(holder.name)

    def scenario(self, text):
        path = self.folder / "field.yaml"
        path.write_text(text, encoding="utf-8")
        return path

    def check(self, text):
        return subprocess.run([FIELDSIM, "--scenario", self.scenario(text), "--base-dir", self.folder, "--check"],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=60, check=False)

    def test_a_scenario_may_have_all_seven_and_its_own_key_is_checked(self):
        self.assertIn("1 networks, 5 meters", self.check(SCENARIO).stdout)
        beside = SCENARIO.replace("networks:\n", "networks:\n  - {family: twacs, models: [FOCUS AX], meters: 2}\n")
        self.assertIn("2 networks, 7 meters", self.check(beside).stdout)
        for port in ("x", "65536", "-1"):
            done = self.check(SCENARIO.replace("meters: 5", f'meters: 5, port: "{port}"'))
            self.assertEqual(done.returncode, 2, port)
            self.assertIn("network millrace: port", done.stderr)
        schema = subprocess.run([FIELDSIM, "--schema"], stdout=subprocess.PIPE, text=True, timeout=60, check=True).stdout
        self.assertIn("securemesh twacs millrace", schema)
        six = subprocess.run([BUILD / "bin/fieldsim", "--schema"], stdout=subprocess.PIPE, text=True, timeout=60, check=True).stdout
        self.assertNotIn("millrace", six)

    def field(self):
        """A running field; what it writes first is there."""
        process = subprocess.Popen([FIELDSIM, "--scenario", self.scenario(SCENARIO), "--base-dir", self.folder])
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        end = time.monotonic() + 60
        while not (self.folder / "ports.json").exists():
            self.assertIsNone(process.poll())
            self.assertLess(time.monotonic(), end)
            time.sleep(0.01)
        return process, json.loads((self.folder / "ports.json").read_text(encoding="utf-8"))["millrace"]["lines"]

    def test_hours_of_it_are_stored_as_they_were_sent(self):
        with Gateway(BUILD) as gateway:
            def config(adapters):
                return GATEWAY.format(root=ROOT, folder=gateway.folder, conninfo=gateway.conninfo, adapters=adapters)

            def ctl(*args, check=True):
                return subprocess.run([BUILD / "bin/amictl", "--address", f"unix:{gateway.folder}/rpc.sock", "--utility", "mill",
                                       *map(str, args)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=check).stdout

            # The books first: nobody connects to the far side yet, and its lines wait.
            field, port = self.field()
            program = "tests/seventh-gatewayd"
            gateway.start(config(""), program)
            self.assertIn("5 new", ctl("meters", "import", self.folder / "meters.csv"))
            gateway.stop_daemon()
            (gateway.folder / "http.port").unlink()
            (gateway.folder / "millrace.yaml").write_text(
                FEED.format(port=port, data=ROOT / "tests/seventh_family/adapters/millrace"), encoding="utf-8")
            gateway.start(config("millrace.yaml"), program)

            # A meter is asked through the feed that brought its values.
            gateway.wait(lambda: "Wh" in ctl("reads", "ML00000003", "--purpose", "test", check=False), 60, "the first values", 0.1)
            said = ctl("read-now", "ML00000003", "--wait", "60s", "--purpose", "test")
            self.assertEqual(field.wait(180), 0)
            ledger = [json.loads(line) for line in (self.folder / "ledger.jsonl").read_text(encoding="utf-8").splitlines()]
            answers = [line for line in ledger if line.get("via") == "answer"]
            self.assertEqual([(line["meter"], line["kind"]) for line in answers], [("ML00000003", "register")])
            self.assertIn("SUCCEEDED", said)
            steps = [(line["step"], line["meter"], line.get("result", "")) for line in ledger if line["kind"] == "command"]
            self.assertEqual(steps, [("received", "ML00000003", ""), ("executed", "ML00000003", "done")])
            became = {(line["kind"], line["delivery"]) for line in ledger if "delivery" in line}
            for kind in ("register", "interval_block", "event"):
                self.assertIn((kind, "sent"), became)
            self.assertIn(("register", "lost"), became)
            self.assertTrue(any(line.get("copies") == 2 for line in ledger))

            def same():
                return subprocess.run([BUILD / "bin/amictl", "--address", f"unix:{gateway.folder}/rpc.sock", "--utility", "mill",
                                       "demo-check", self.folder / "ledger.jsonl"], stdout=subprocess.DEVNULL,
                                      stderr=subprocess.DEVNULL, check=False).returncode == 0
            end = time.monotonic() + 60  # the last lines are acknowledged when they are journalled, and stored soon after
            while not same() and time.monotonic() < end:
                time.sleep(0.2)
            self.assertTrue(same(), ctl("demo-check", self.folder / "ledger.jsonl", check=False))
            # A ledger that says something else is found out: the check can fail.
            broken = [line for line in ledger if line["kind"] == "register" and line["delivery"] == "sent"][0]
            broken["value"] = str(int(float(broken["value"])) + 1)
            (self.folder / "ledger.jsonl").write_text("".join(json.dumps(line, separators=(",", ":")) + "\n" for line in ledger),
                                                      encoding="utf-8")
            self.assertFalse(same())


if __name__ == "__main__":
    unittest.main()
