#!/usr/bin/env python3
"""A wrong unit for 200 meters, found after two weeks of files: from the dropped file to the corrected answer.

The daemon is killed (SIGKILL) while the run writes; it goes on by itself when it is started again.
"""
import json
import os
import pathlib
import signal
import subprocess
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tests/support"))
from gateway import Gateway  # noqa: E402

BUILD = pathlib.Path(os.environ["AMI_BIN_DIR"]).parent
WRONG, NEIGHBOURS, DAYS, SLOTS = 200, 10, 14, 4

CONFIG = """
utilities:
  - {{key: u, zone: America/Toronto}}
data_dir: {config}
state_dir: {folder}/state
database: {{conninfo: "{conninfo}", migrate_on_start: true, allow_owner: true, check_every: 200ms}}
rpc: {{unix_socket: {folder}/rpc.sock}}
http: {{address: "127.0.0.1:0", port_file: {folder}/http.port}}
adapters: [{folder}/cmep.yaml]
"""
# The sender's KWHX is an interval in Wh; at first it is taken for kWh.
FEED = """
name: cmep
utility: u
family: flexnet
folder: {inbox}
zone: UTC
settle: 200ms
rescan: 500ms
batch_bytes: 8KiB
assume_version: {version}
assume:
  - assumed: told by the sender
    mapping:
      units:
        - {{unit: KWHX, kind: interval, reading_type: "0.0.{{period}}.4.1.1.12.0.0.0.0.0.0.0.0.{scale}.72.0"}}
"""


def measured(meter, day, slot):
    return 1 + (meter * 5 + day * 11 + slot) % 40


def key(meter):
    return f"w{meter}" if meter < WRONG else f"n{meter - WRONG}"


def file_of(day):
    lines = []
    for meter in range(WRONG + NEIGHBOURS):
        unit = "KWHX" if meter < WRONG else "KWH"
        values = ",".join(("R," if slot == 0 else ",R,") + str(measured(meter, day, slot)) for slot in range(SLOTS))
        lines.append(f"MEPMD01,19970819,S,C,R,C,202601{day + 2:02}0000,{key(meter)},OK,E,{unit},1.0,00000015,{SLOTS},"
                     f"202601{day + 1:02}0015,{values}\r\n")
    return "".join(lines).encode()


class Reprocess(unittest.TestCase):
    def setUp(self):
        self.gateway = Gateway(BUILD)
        self.addCleanup(self.gateway.close)
        self.folder = self.gateway.folder

    def feed(self, version, scale):
        (self.folder / "cmep.yaml").write_text(FEED.format(inbox=self.gateway.inbox, version=version, scale=scale))

    def start(self, failpoint=None):
        (self.folder / "rpc.sock").unlink(missing_ok=True)
        (self.folder / "http.port").unlink(missing_ok=True)
        if failpoint:
            os.environ["AMI_FAILPOINT"] = failpoint
            self.addCleanup(os.environ.pop, "AMI_FAILPOINT", None)
        else:
            os.environ.pop("AMI_FAILPOINT", None)
        self.gateway.start(CONFIG.format(folder=self.folder, conninfo=self.gateway.conninfo, config=ROOT / "config"))

    def drop(self, name, content):
        part = self.gateway.inbox / f".{name}.part"
        part.write_bytes(content)
        part.rename(self.gateway.inbox / name)
        self.gateway.wait(lambda: (self.gateway.inbox / "done" / name).exists(), 60, f"{name} to be read")

    def ctl(self, *args, code=0):
        done = subprocess.run([BUILD / "bin/amictl", "--address", f"unix:{self.folder}/rpc.sock", "--utility", "u",
                               "--output", "json", *map(str, args)], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              check=False)
        self.assertEqual(done.returncode, code, done.stderr.decode())
        return done.stdout

    def run_of(self, *args, code=0):
        return json.loads(self.ctl("reprocess", *args, code=code))

    def energy(self):
        """Wh by meter, as SQL people see it."""
        rows = self.gateway.sql("select m.key, trim_scale(sum(value)) from interval_value join meter m using (meter_id) "
                                "group by 1")
        return {row.split("|")[0]: int(row.split("|")[1]) for row in rows.splitlines()}

    def test_from_the_wrong_unit_to_the_corrected_answer(self):
        self.feed(1, 3)
        self.start()
        table = self.folder / "meters.csv"
        table.write_text("meter,usage_point\n" + "".join(f"{key(m)},UP-{key(m)}\n" for m in range(WRONG + NEIGHBOURS)))
        self.ctl("meters", "import", table)
        for day in range(DAYS):
            self.drop(f"day-{day:02}.cmep", file_of(day))
        sums = {key(m): sum(measured(m, d, s) for d in range(DAYS) for s in range(SLOTS)) for m in range(WRONG + NEIGHBOURS)}
        wrong = {k: v * 1000 for k, v in sums.items()}
        right = {k: v if k[0] == "w" else v * 1000 for k, v in sums.items()}
        self.assertEqual(self.energy(), wrong)

        # What was dropped is kept, byte for byte, and listed as such.
        source = next(line for line in map(json.loads, self.ctl("sources", "--limit", 1000).splitlines())
                      if line["file"] == "day-03.cmep")
        self.assertTrue(source["raw_kept"])
        self.assertEqual(self.ctl("raw", source["name"].rsplit("/", 1)[1], "--purpose", "test"), file_of(3))
        self.ctl("raw", "1", code=2)  # no purpose

        # The scale is corrected, the version forgotten.
        self.feed(1, 0)
        self.gateway.reload()
        refused = self.run_of("--adapter", "cmep", "--cause", "KWHX is Wh", "--dry-run", code=1)
        self.assertEqual(refused["state"], "REFUSED")
        self.assertIn("assume_version", refused["message"])

        self.feed(2, 0)
        self.gateway.reload()
        before = self.gateway.sql("select md5(string_agg(t::text, '|' order by t::text)) from interval_day t")
        dry = self.run_of("--adapter", "cmep", "--cause", "KWHX is Wh", "--dry-run", "--rate", -1)
        self.assertEqual(dry["state"], "DONE")
        self.assertEqual((dry["meters"], dry["channels"]), ("200", "200"))
        self.assertEqual(dry["counts"], {"intervals_corrected": str(WRONG * DAYS * SLOTS)})
        total = sum(v for k, v in sums.items() if k[0] == "w")
        self.assertEqual(dry["deltas"], [{"unit": "Wh", "before": str(total * 1000), "after": str(total),
                                          "delta": str(-total * 999)}])
        self.assertEqual(len(dry["top"]), 20)
        self.assertEqual(self.gateway.sql("select md5(string_agg(t::text, '|' order by t::text)) from interval_day t"), before)

        # In earnest. Killed between a commit and the note of it, then between that note and the next, then at any moment.
        self.gateway.daemon.send_signal(signal.SIGTERM)
        self.gateway.daemon.wait()
        self.start(failpoint="reprocess.after_commit:5")
        run = self.run_of("--adapter", "cmep", "--cause", "KWHX is Wh", "--rate", -1, "--no-wait")
        number = run["name"].rsplit("/", 1)[1]
        moment = self.gateway.sql("select to_char(now() at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')")
        self.assertEqual(self.gateway.daemon.wait(60), -signal.SIGKILL)
        # It may die before it is ready, so nobody waits for that.
        dying = subprocess.Popen([BUILD / "bin/ami-gatewayd", "--config", self.folder / "gateway.yaml"],
                                 env={**os.environ, "AMI_FAILPOINT": "reprocess.before_progress:7"},
                                 stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.assertEqual(dying.wait(60), -signal.SIGKILL)
        written = "select count(*) from reprocess_content where differs and written_to >= end_offset and run_id = " + number
        self.assertLess(int(self.gateway.sql(written)), DAYS)
        self.assertGreater(int(self.gateway.sql("select count(*) from interval_revision")), 0)
        half = self.energy()
        self.assertTrue(all(half[k] == right[k] for k in right if k[0] == "n"))
        self.start()
        done = self.run_of("show", number)
        self.assertEqual(done["state"], "DONE")
        self.assertEqual(done["contents_written"], str(DAYS))
        self.assertEqual(done["counts"], dry["counts"])
        self.assertEqual(done["deltas"], dry["deltas"])
        self.assertEqual(self.energy(), right)
        self.assertEqual(self.gateway.sql("select count(*) from interval_revision"), str(WRONG * DAYS * SLOTS))
        then = self.ctl("reads", "w7", "--intervals", "--from", "2026-01-01", "--to", "2026-02-01", "--as-of", moment)
        values = [int(v["value"]) for line in map(json.loads, then.splitlines()) for v in [line] if "value" in v]
        self.assertEqual(sum(values), wrong["w7"])

        again = self.run_of("--adapter", "cmep", "--cause", "once more", "--rate", -1)
        self.assertEqual(again["state"], "DONE")
        self.assertNotIn("counts", {k: v for k, v in again.items() if v not in ({}, [])})
        listed = [json.loads(line) for line in self.ctl("reprocess", "list").splitlines()]
        self.assertEqual([line["state"] for line in listed], ["DONE", "DONE", "DONE", "REFUSED"])
        self.assertEqual({line["ordered_by"] for line in listed}, {"local operator"})

        # Wrong use.
        self.ctl("reprocess", "--cause", "why", code=2)
        self.ctl("reprocess", "--adapter", "cmep", code=2)
        self.ctl("reprocess", "--adapter", "nobody", "--cause", "why", code=1)
        self.ctl("reprocess", "show", "4711", code=1)
        self.ctl("reprocess", "cancel", number, code=1)  # it has ended
        self.ctl("raw", "99999", "--purpose", "test", code=1)

    def test_a_file_dropped_again_after_the_zone_was_corrected_is_read_again(self):
        self.feed(1, 3)
        text = (self.folder / "cmep.yaml").read_text()
        (self.folder / "cmep.yaml").write_text(text.replace("zone: UTC", "zone: America/Toronto"))
        self.start()
        table = self.folder / "meters.csv"
        table.write_text("meter,usage_point\nw0,UP-0\n")
        self.ctl("meters", "import", table)
        line = ("MEPMD01,19970819,S,C,R,C,202601020000,w0,OK,E,KWH,1.0,00000015,1,202601010015,R,5\r\n").encode()
        self.drop("a.cmep", line)
        self.assertEqual(self.gateway.sql("select start_at from interval_value"), "2026-01-01 05:00:00+00")
        self.drop("b.cmep", line)
        self.assertEqual(self.gateway.sql("select count(*) from source"), "1")  # a duplicate
        (self.folder / "cmep.yaml").write_text(text.replace("assume_version: 1", "assume_version: 2"))
        self.gateway.reload()
        self.drop("c.cmep", line)
        self.assertEqual(self.gateway.sql("select start_at from interval_value order by 1"),
                         "2026-01-01 00:00:00+00\n2026-01-01 05:00:00+00")
        # The drop adds; the run takes back what is not said any more.
        run = self.run_of("--adapter", "cmep", "--cause", "zone was wrong", "--rate", -1)
        self.assertEqual(run["counts"], {"intervals_retracted": "1"})
        self.assertEqual(self.gateway.sql("select start_at from interval_value"), "2026-01-01 00:00:00+00")
        out = self.ctl("reads", "w0", "--intervals", "--from", "2026-01-01", "--to", "2026-01-02").decode()
        self.assertIn("2026-01-01T00:00:00Z", out)
        self.assertNotIn("2026-01-01T05:00:00Z", out)


if __name__ == "__main__":
    unittest.main(verbosity=2)
