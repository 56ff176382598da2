"""`amictl gaps` against a running gateway: files come, gaps open, late files close them, and a month is drawn."""
import json
import os
import pathlib
import pty
import subprocess
import sys
import unittest
from datetime import datetime, timedelta

from running import AMICTL, ROOT, amictl

sys.path.insert(0, str(ROOT / "tests/support"))
from gateway import Gateway  # noqa: E402

CONFIG = """
utilities:
  - {{key: u, zone: America/Toronto}}
  - {{key: other, zone: America/Toronto}}
data_dir: {config}
state_dir: {folder}
database: {{conninfo: "{conninfo}", allow_owner: true, migrate_on_start: true, check_every: 200ms}}
rpc: {{unix_socket: {folder}/rpc.sock}}
http: {{address: "127.0.0.1:0", port_file: {folder}/http.port}}
collection: {{every: 200ms}}
adapters: [{folder}/flexnet.yaml]
"""
FEED = "{{name: north, utility: u, family: flexnet, folder: {inbox}, zone: UTC, settle: 100ms, rescan: 200ms}}\n"


def quarters(meter, first_end, count):
    """One CMEP record of 15 minute intervals; times are ends, in UTC."""
    at = datetime.fromisoformat(first_end)
    triples = ",".join(f"{(at + timedelta(minutes=15 * i)).strftime('%Y%m%d%H%M')},R,{i % 7}.25" for i in range(count))
    return f"MEPMD01,19970819,S,C,R,C,202404010000,{meter},OK,E,KWH,1.0,00000015,{count},{triples}\r\n"


class Gaps(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.gateway = Gateway(pathlib.Path(AMICTL).parents[1])
        cls.addClassCleanup(cls.gateway.close)
        folder = cls.gateway.folder
        (folder / "flexnet.yaml").write_text(FEED.format(inbox=folder / "inbox"))
        cls.gateway.start(CONFIG.format(folder=folder, conninfo=cls.gateway.conninfo, config=ROOT / "config"))
        (folder / "meters.csv").write_text("meter,usage_point,feeder,substation,collector\nM1,P1,F7,SUB-3,C-17\n")
        cls.gateway.amictl("--utility", "u", "meters", "import", str(folder / "meters.csv"))
        # The meter was there in March 2024 only; the file says nothing of the past.
        cls.gateway.sql("update installation set valid = '[2024-01-01, 2024-03-15 04:00Z)'; "
                        "update usage_point_detail set valid = '[2020-01-01,)'; update device_alias set valid = '[2020-01-01,)'; "
                        "update meter_detail set valid = '[2020-01-01,)'")

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

    def gaps(self, *args):
        return [(g["start"], g["end"], g["missing"], g["state"]) for g in self.objects("gaps", *args)]

    def wait_gaps(self, expected):
        self.gateway.wait(lambda: self.gaps() == expected, 60, f"the gaps {expected}, not {self.gaps()}")

    def test_a_month_from_files_to_calendar(self):
        # 9 March whole; the 10th, of 23 hours, without its last two values; the 11th nothing; the 12th whole; silence then.
        self.drop("a.cmep", quarters("M1", "2024-03-09T05:15:00", 96) + quarters("M1", "2024-03-10T05:15:00", 90) +
                  quarters("M1", "2024-03-12T04:15:00", 96))
        hole, silence = ("2024-03-11T03:30:00Z", "2024-03-12T04:00:00Z"), ("2024-03-13T04:00:00Z", "2024-03-15T04:00:00Z")
        self.wait_gaps([(*hole, "98", "OPEN"), (*silence, "192", "OPEN")])

        table = self.run_amictl("gaps", "--meter", "M1", "--from", "2024-03-12", "--to", "2024-03-20")
        self.assertEqual(table.splitlines()[0].split()[:6], ["ID", "METER", "CHANNEL", "START", "END", "LENGTH"])
        self.assertEqual(len(table.splitlines()), 3)
        self.assertIn("900 s", table)

        def calendar(*more):
            return self.run_amictl("gaps", "--calendar", "M1", "--month", "2024-03", *more).splitlines()
        lines = calendar()
        self.assertEqual(lines[0], "M1  2024-03")
        self.assertEqual(lines[1], "Mon  Tue  Wed  Thu  Fri  Sat  Sun")
        self.assertEqual(lines[2], "                     1.   2.   3.")
        self.assertEqual(lines[3], " 4.   5.   6.   7.   8.   9+  10~")
        self.assertEqual(lines[4], "11x  12+  13x  14x  15.  16.  17.")
        self.assertEqual(lines[-1], "572 expected, 282 received, 290 missing, 0 of them given up")
        self.assertNotIn("\033", "\n".join(lines))
        self.assertEqual(len(self.objects("gaps", "--calendar", "M1", "--month", "2024-03")), 6)

        # One more look, as a person in a terminal has it: coloured, unless told not to.
        for no_color, coloured in ((None, True), ("", True), ("1", False)):
            self.assertEqual("\033[32m+\033[0m" in self.in_terminal(no_color), coloured, no_color)

        whole = self.objects("gaps", "completeness", "--day", "2024-03-10", "--feed", "north")
        self.assertEqual([(r["feed"], r["expected"], r["received"], r["missing"]) for r in whole], [("north", "92", "90", "2")])
        by_feeder = self.run_amictl("gaps", "completeness", "--day", "2024-03-09", "--days", "3", "--by", "feeder").splitlines()
        self.assertEqual([line.split() for line in by_feeder[1:]],
                         [["2024-03-09", "F7", "1", "0", "96", "96", "0", "0", "100.0"], ["2024-03-10", "F7", "1", "0", "92", "90", "2", "0", "97.8"],
                          ["2024-03-11", "F7", "1", "0", "96", "0", "96", "0", "0.0"]])
        self.assertEqual(self.objects("gaps", "completeness", "--day", "2024-03-09", "--family", "ssn"), [])

        # The late file closes the end of the 10th; the silence is given up, and waited for again.
        self.drop("late.cmep", quarters("M1", "2024-03-11T03:45:00", 2))
        self.wait_gaps([("2024-03-11T04:00:00Z", hole[1], "96", "OPEN"), (*silence, "192", "OPEN")])
        number = self.objects("gaps")[1]["id"]
        self.assertIn("burnt", self.run_amictl("gaps", "give-up", number, "--reason", "module burnt, WO 4711"))
        self.assertEqual(len(self.gaps()), 1)
        self.assertEqual(self.gaps("--state", "GIVEN_UP"), [(*silence, "192", "GIVEN_UP")])
        self.assertEqual(calendar()[4], "11x  12+  13g  14g  15.  16.  17.")
        self.assertIn("GAP_SETTLED", self.run_amictl("gaps", "give-up", number, "--reason", "no idea", code=1))
        self.run_amictl("gaps", "give-up", number, "--undo")
        self.assertEqual(len(self.gaps()), 2)

        # All that was refused is told in words, with what would be right.
        self.assertIn("nearest known is utilities/u/meters/M1", self.run_amictl("gaps", "--meter", "M11", code=1))
        self.assertIn("GAP_NOT_FOUND", self.run_amictl("gaps", "give-up", "999999", "--reason", "gone", code=1))
        self.assertIn("day", self.run_amictl("gaps", "completeness", "--day", "2024-02-30", code=1))

        # No network is known to reach a meter that has sent nothing for 35 days; and what was imported of the place is what commands are paced by.
        period = ("--from", "2024-03-11T04:00:00Z", "--to", "2024-03-12T04:00:00Z")
        for which in (["M1"], ["--feed", "north"], ["--open-gaps"]):
            self.assertIn("[NOT_ASSIGNED]", self.run_amictl("gaps", "backfill", *which, *period, code=1))
        self.assertIn("[NO_METERS]", self.run_amictl("gaps", "backfill", "--feed", "south", *period, code=1))
        self.assertIn("nearest known is utilities/u/meters/M1", self.run_amictl("gaps", "backfill", "M11", *period, code=1))
        self.assertEqual(self.gateway.sql("select feeder, substation, collector from usage_point_detail"), "F7|SUB-3|C-17")

    def in_terminal(self, no_color):
        """What the calendar looks like on a pseudo-terminal."""
        env = {**os.environ, "TERM": "xterm"}
        env.pop("NO_COLOR", None)
        if no_color is not None:
            env["NO_COLOR"] = no_color
        main, side = pty.openpty()
        try:
            done = subprocess.run([str(AMICTL), "--address", f"unix:{self.gateway.folder}/rpc.sock", "--utility", "u", "gaps", "--calendar",
                                   "M1", "--month", "2024-03"], env=env, stdout=side, stdin=subprocess.DEVNULL, timeout=60, check=True)
            self.assertEqual(done.returncode, 0)
            return os.read(main, 65536).decode()
        finally:
            os.close(main)
            os.close(side)


class Usage(unittest.TestCase):
    def refused(self, *args, says):
        code, out, err = amictl(*args)
        self.assertEqual((code, out), (2, b""), err)
        self.assertIn(says, err)

    def test_arguments_are_checked_before_the_gateway_is_asked(self):
        self.refused("gaps", says=b"--utility")
        self.refused("gaps", "--utility", "u", "--state", "LOST", says=b"--state")
        self.refused("gaps", "--utility", "u", "--from", "yesterday", says=b"yesterday")
        self.refused("gaps", "--utility", "u", "--meter", "M1", "--usage-point", "P1", says=b"--meter")
        self.refused("gaps", "--utility", "u", "--limit", "0", says=b"--limit")
        self.refused("gaps", "--utility", "u", "--calendar", "M1", says=b"--month")
        self.refused("gaps", "--utility", "u", "--month", "2024-03", says=b"--calendar")
        for month in ("2024-13", "2024-3", "March", "2024-03-01", "-024-03"):
            self.refused("gaps", "--utility", "u", "--calendar", "M1", f"--month={month}", says=b"not a month")
        self.refused("gaps", "completeness", "--utility", "u", says=b"--day")
        self.refused("gaps", "completeness", "--utility", "u", "--day", "2024-03-01", "--days", "63", says=b"--days")
        self.refused("gaps", "completeness", "--utility", "u", "--day", "2024-03-01", "--by", "moon", says=b"--by")
        self.refused("gaps", "backfill", "--utility", "u", "M1", "--from", "2024-03-01", says=b"--to")
        self.refused("gaps", "backfill", "--utility", "u", "--from", "2024-03-01", "--to", "2024-03-02", says=b"which meters")
        self.refused("gaps", "backfill", "--utility", "u", "M1", "--from", "then", "--to", "2024-03-02", says=b"then")
        self.refused("gaps", "backfill", "--from", "2024-03-01", "--to", "2024-03-02", "M1", says=b"--utility")
        self.refused("gaps", "give-up", "--utility", "u", "--reason", "x", says=b"ids")
        self.refused("gaps", "give-up", "--utility", "u", "seven", "--reason", "x", says=b"seven")
        self.refused("gaps", "give-up", "--utility", "u", "7", says=b"--reason")
        self.refused("gaps", "give-up", "--utility", "u", "7", "--undo", "--reason", "x", says=b"--undo")

    def test_gateway_that_is_not_there_is_exit_3(self):
        for command in (["gaps"], ["gaps", "--calendar", "M1", "--month", "2024-03"], ["gaps", "completeness", "--day", "2024-03-01"],
                        ["gaps", "give-up", "7", "--reason", "gone"],
                        ["gaps", "backfill", "M1", "--from", "2024-03-01", "--to", "2024-03-02"]):
            code, out, err = amictl("--address", "unix:/nonexistent/x.sock", "--utility", "u", *command)
            self.assertEqual((code, out), (3, b""), err)


if __name__ == "__main__":
    unittest.main()
