#!/usr/bin/env python3
"""fieldsim from outside: help, schema, what is wrong with a scenario, and a run that SIGTERM ends in order."""
import json
import os
import pathlib
import signal
import subprocess
import tempfile
import time
import unittest

FIELDSIM = pathlib.Path(os.environ["AMI_BIN_DIR"]) / "fieldsim"
SOURCE = pathlib.Path(os.environ["AMI_SOURCE_DIR"])

GOOD = """
seed: 4
start: 2024-03-10T00:00:00Z
time_factor: 600
networks:
  - {family: ts2, meters: 3}
"""


class CommandLine(unittest.TestCase):
    def setUp(self):
        holder = tempfile.TemporaryDirectory(prefix="ami-fieldsim-cli.")
        self.addCleanup(holder.cleanup)
        self.folder = pathlib.Path(holder.name)

    def call(self, *args):
        return subprocess.run([FIELDSIM, *map(str, args)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              timeout=60, check=False)

    def scenario(self, text):
        path = self.folder / "field.yaml"
        path.write_text(text, encoding="utf-8")
        return path

    def test_help_names_every_option(self):
        done = self.call("--help")
        self.assertEqual(done.returncode, 0)
        for option in ("--scenario", "--ledger", "--base-dir", "--time-factor", "--check", "--schema", "--verbose"):
            self.assertIn(option, done.stdout)

    def test_the_schema_has_the_keys(self):
        done = self.call("--schema")
        self.assertEqual(done.returncode, 0)
        for key in ("time_factor", "networks", "crossed", "late_by", "ports_folder"):
            self.assertIn(key, done.stdout)

    def test_check_says_how_many_and_leaves_nothing_behind(self):
        done = self.call("--scenario", self.scenario(GOOD), "--base-dir", self.folder, "--check")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn("1 networks, 3 meters", done.stdout)
        self.assertEqual([path.name for path in self.folder.iterdir()], ["field.yaml"])

    def test_what_is_wrong_comes_with_its_line_and_exit_2(self):
        done = self.call("--scenario", self.scenario(GOOD + "lenght: 1d\n"), "--check")
        self.assertEqual(done.returncode, 2)
        self.assertIn("field.yaml:7: ", done.stderr)
        self.assertIn("length", done.stderr)

    def test_an_own_key_that_is_wrong_comes_with_the_networks_line(self):
        text = GOOD.replace("meters: 3}", "meters: 3, listen: nowhere}")
        done = self.call("--scenario", self.scenario(text), "--check")
        self.assertEqual(done.returncode, 2)
        self.assertIn("field.yaml:6: network ts2: listen", done.stderr)

    def test_usage(self):
        self.assertEqual(self.call().returncode, 2)
        self.assertEqual(self.call("--scenario", self.folder / "absent.yaml").returncode, 2)
        self.assertEqual(self.call("--scenari").returncode, 2)
        self.assertEqual(self.call("--scenario", self.scenario(GOOD), "--base-dir", self.folder / "absent").returncode, 2)
        self.assertEqual(self.call("--scenario", self.scenario(GOOD), "--time-factor", "0", "--check").returncode, 2)

    def test_a_folder_that_is_not_there_ends_it_with_exit_1(self):
        text = GOOD.replace("meters: 3}", "meters: 3, files: nowhere}")
        done = self.call("--scenario", self.scenario(text), "--base-dir", self.folder)
        self.assertEqual(done.returncode, 1)
        self.assertIn("nowhere", done.stderr)

    def test_sigterm_ends_it_in_order(self):
        run = subprocess.Popen([FIELDSIM, "--scenario", self.scenario(GOOD), "--base-dir", self.folder,
                                "--ledger", "other.jsonl"])
        try:
            end = time.monotonic() + 60
            while not (self.folder / "ports.json").exists():
                self.assertIsNone(run.poll())
                self.assertLess(time.monotonic(), end)
                time.sleep(0.01)
            ports = json.loads((self.folder / "ports.json").read_text())
            self.assertGreater(ports["ts2"]["multispeak"], 0)
            self.assertEqual(len((self.folder / "meters.csv").read_text().splitlines()), 4)
            run.send_signal(signal.SIGTERM)
            self.assertEqual(run.wait(60), 0)
        finally:
            run.kill()
            run.wait()
        lines = [json.loads(line) for line in (self.folder / "other.jsonl").read_text().splitlines()]
        self.assertEqual(lines[0]["kind"], "run")
        self.assertEqual(lines[0]["seed"], 4)
        self.assertEqual(lines[1], {"kind": "network", "network": "ts2", "family": "ts2", "meters": 3})
        self.assertEqual(lines[-1]["kind"], "end")
        self.assertEqual(lines[-1]["lines"], len(lines) - 1)

    def test_the_shipped_scenarios_are_good(self):
        shipped = sorted((SOURCE / "config/fieldsim").glob("*.yaml"))
        self.assertTrue(shipped)
        for path in shipped:
            done = self.call("--scenario", path, "--base-dir", self.folder, "--check")
            self.assertEqual((done.returncode, done.stderr), (0, ""), path.name)


if __name__ == "__main__":
    unittest.main()
