"""`amictl read-now`, `ping`, `demand-reset` and `operations` against a running gateway with a far side that does what it is told."""
import json
import os
import pathlib
import pty
import subprocess
import sys
import threading
import unittest

from running import AMICTL, ROOT, amictl

sys.path.insert(0, str(ROOT / "tests/support"))
from far_side import FarSide, result, stamp  # noqa: E402
from gateway import Gateway  # noqa: E402

CONFIG = """
utilities:
  - {{key: u, zone: America/Toronto}}
data_dir: {config}
state_dir: {folder}
database: {{conninfo: "{conninfo}", allow_owner: true, migrate_on_start: true, check_every: 200ms}}
rpc: {{unix_socket: {folder}/rpc.sock}}
http: {{address: "127.0.0.1:0", port_file: {folder}/http.port}}
commands: {{queue: 6}}
adapters: [{folder}/radio.yaml]
"""
FEED = "{{name: radio, utility: u, family: line_command, port_file: {folder}/radio.port, in_flight: {in_flight}}}\n"
METERS = [f"M{n}" for n in range(1, 9)]


class Commands(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.gateway = Gateway(pathlib.Path(AMICTL).parents[1])
        cls.addClassCleanup(cls.gateway.close)
        cls.folder = cls.gateway.folder
        cls.feed(in_flight=3)
        cls.gateway.start(CONFIG.format(folder=cls.folder, conninfo=cls.gateway.conninfo, config=ROOT / "config"),
                          program="tests/pushed-gatewayd")
        (cls.folder / "meters.csv").write_text("meter,valid_from\n" + "".join(f"{m},2020-01-01\n" for m in [*METERS, "LOST"]))
        cls.gateway.amictl("--utility", "u", "meters", "import", str(cls.folder / "meters.csv"))
        cls.far = FarSide(cls.folder / "radio.port")
        cls.addClassCleanup(cls.far.close)
        # A first reading of each says which feed reaches it.
        for meter in METERS:
            cls.far.say(meter, f"{meter} 1 {stamp(minutes_ago=600)}")
        cls.gateway.wait(lambda: cls.gateway.sql("select count(*) from register_read") == str(len(METERS)), 60, "the first readings")

    @classmethod
    def feed(cls, in_flight):
        (cls.folder / "radio.yaml").write_text(FEED.format(folder=cls.folder, in_flight=in_flight))

    def tearDown(self):
        self.far.answer = None

    def run_amictl(self, *args, code=0):
        """stdout and stderr"""
        got, out, err = amictl("--address", f"unix:{self.folder}/rpc.sock", "--utility", "u", *args)
        self.assertEqual(got, code, err.decode())
        return out.decode(), err.decode()

    def objects(self, *args, code=0):
        return [json.loads(line) for line in self.run_amictl("--output", "json", *args, code=code)[0].splitlines()]

    def in_background(self, *args):
        process = subprocess.Popen([AMICTL, "--address", f"unix:{self.folder}/rpc.sock", "--utility", "u", *args],
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.addCleanup(process.wait)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.stderr.close)
        return process

    def operation(self):
        """The newest one."""
        return self.objects("operations", "list", "--limit", "1")[0]

    def test_read_now_shows_what_the_meter_said(self):
        time = stamp()

        def answer(kind, transaction, meter):
            self.assertEqual((kind, meter), ("read", "M1"))
            return [f"{meter} 1234.5 {time}", result(transaction, meter, "done")]
        self.far.answer = answer
        out, err = self.run_amictl("read-now", "M1", "--order", "WO-1", "--purpose", "move-out")
        lines = out.splitlines()
        self.assertEqual(lines[0].split(), ["METER", "STATE", "CHANNEL", "QUANTITY", "VALUE", "UNIT", "TIME", "QUALITY", "APPROVAL", "NOTE"])
        self.assertEqual(lines[1].split()[:2] + lines[1].split()[3:7],
                         ["M1", "SUCCEEDED", "ENERGY_DELIVERED", "1234500", "Wh", time])
        self.assertEqual(len(lines), 2)
        self.assertRegex(err, r"operation [0-9]+: 1 of 1 done")
        self.assertNotIn("\r", err)
        newest = self.operation()
        self.assertEqual((newest["order_id"], newest["purpose"], newest["done"]), ("WO-1", "move-out", True))
        # Who read it, and why, is on record.
        self.assertEqual(self.gateway.sql("select distinct purpose from access_log where meter = 'M1'"), "move-out")

    def test_a_file_of_meters_is_one_operation_with_an_end_for_each(self):
        def answer(_, transaction, meter):
            return [result(transaction, meter, "failed" if meter == "M3" else "done")]
        self.far.answer = answer
        (self.folder / "list").write_text("# the street\nM2\n\n M3 # at the corner\nNOBODY\nLOST\n")
        before = self.far.count
        targets = self.objects("read-now", "--file", str(self.folder / "list"), "--latest", code=1)
        self.assertEqual([(t["meter"].split("/")[-1], t["state"], t.get("reason", "")) for t in targets],
                         [("M2", "SUCCEEDED", ""), ("M3", "FAILED", "failed"), ("NOBODY", "FAILED", "no_such_meter"),
                          ("LOST", "FAILED", "not_assigned")])
        self.assertEqual([v["value"] for v in targets[0]["latest"]], ["1000"], "what is stored stands in")
        self.assertEqual(self.far.count - before, 2)
        out, _ = self.run_amictl("read-now", "--file", str(self.folder / "list"), code=1)
        self.assertIn("the head-end says that it failed", out)
        self.assertIn("no such meter", out)
        self.assertIn("no network is known to reach it", out)

    def test_ping_says_powered_no_answer_or_unknown(self):
        words = {"M1": "powered", "M2": "silent", "M3": "failed"}
        self.far.answer = lambda kind, transaction, meter: [result(transaction, meter, words[meter])]
        targets = self.objects("ping", "M1", "M2", "M3", code=1)
        self.assertEqual([t["power"] for t in targets], ["POWERED", "NO_ANSWER", "UNKNOWN"])
        out, _ = self.run_amictl("ping", "M1")
        self.assertEqual(out.splitlines()[0].split(), ["METER", "STATE", "POWER", "SENT", "ENDED", "FEED", "NOTE"])
        self.assertEqual(out.splitlines()[1].split()[:3], ["M1", "SUCCEEDED", "POWERED"])

    def test_wait_that_is_over_leaves_an_operation_that_goes_on(self):
        out, err = self.run_amictl("read-now", "M4", "--wait", "1s", code=1)
        _, transaction, meter = self.far.next_ask()
        self.assertEqual(meter, "M4")
        self.assertIn("0 of 1 done, 1 sent", err)
        self.assertIn("it goes on: amictl operations watch", err)
        self.assertIn("SENT", out)
        number = self.operation()["name"].split("/")[-1]

        watching = self.in_background("operations", "watch", number)
        first = watching.stderr.readline()
        self.assertIn(f"operation {number}: 0 of 1 done", first)
        self.far.say("M4", result(transaction, "M4", "done"))
        out, err = watching.communicate(timeout=60)
        self.assertEqual(watching.returncode, 0, err)
        self.assertIn("1 of 1 done", err)
        self.assertIn("SUCCEEDED", out)

        out, _ = self.run_amictl("operations", "show", number)
        self.assertIn(f"operation  utilities/u/operations/{number}\n", out)
        self.assertIn("kind       READ\n", out)
        self.assertIn("progress   1 of 1 done\n", out)
        # Said again, and otherwise: kept and shown.
        self.far.say("M4", result(transaction, "M4", "failed"))
        self.gateway.wait(lambda: self.gateway.sql("select count(*) from operation_answer") == "1", 60, "the later answer")
        out, _ = self.run_amictl("operations", "show", number)
        self.assertIn("answers that came later and changed nothing", out)

    def test_only_asking_is_done_when_it_is_accepted_and_the_same_again_is_the_same(self):
        args = ("read-now", "M5", "--wait", "0s", "--request-id", "twice")
        _, err = self.run_amictl(*args)
        self.assertIn("it goes on", err)
        _, transaction, _ = self.far.next_ask()
        self.far.say("M5", result(transaction, "M5", "done"))
        before = self.far.count
        out, _ = self.run_amictl("read-now", "M5", "--request-id", "twice")
        self.assertIn("SUCCEEDED", out)
        self.assertEqual(self.far.count, before)
        _, err = self.run_amictl("read-now", "M6", "--request-id", "twice", code=1)
        self.assertIn("[REQUEST_ID_REUSED]", err)
        self.assertIn("take a new one", err)
        found = self.objects("operations", "list", "--request-id", "twice", "--caller", "local operator")
        self.assertEqual(len(found), 1)

    def test_cancel_takes_back_what_has_not_left(self):
        _, err = self.run_amictl("read-now", *METERS[3:8], "--wait", "0s")
        asked = [self.far.next_ask() for _ in range(3)]
        number = self.operation()["name"].split("/")[-1]
        self.assertIn("0 of 5 done, 3 sent, 2 wait", self.run_amictl("operations", "list", "--unfinished")[0])
        self.assertEqual(self.objects("operations", "list", "--unfinished")[0]["name"], f"utilities/u/operations/{number}")
        out, _ = self.run_amictl("operations", "cancel", number)
        self.assertEqual(out, "2 taken back; 3 had left and go on\n")
        for _, transaction, meter in asked:
            self.far.say(meter, result(transaction, meter, "done"))
        _, err = self.run_amictl("operations", "watch", number, code=1)
        self.assertIn("5 of 5 done (2 not as asked)", err)

    def test_demand_reset_says_what_it_destroys_and_asks_first(self):
        before = self.far.count
        out, err = self.run_amictl("demand-reset", "M8", code=2)
        self.assertIn("DESTROYS the present maximum demand of meter M8", err)
        self.assertIn("Nothing of it is stored", err)
        self.assertIn("--yes", err)
        self.assertEqual(self.gateway.sql("select count(*) from operation where kind = 'DEMAND_RESET'"), "0")
        self.assertEqual(self.far.count, before)

        kinds = []

        def answer(kind, transaction, meter):
            kinds.append(kind)
            return [result(transaction, meter, "done")]
        self.far.answer = answer
        # Whether the meter's own count proves it is not this test's business: no such register is made up here.
        code, out, err = amictl("--address", f"unix:{self.folder}/rpc.sock", "--utility", "u", "demand-reset", "M8", "--yes", "--order", "WO-2",
                                "--wait", "20s")
        self.assertIn(code, (0, 1), err)
        self.assertEqual(kinds[:2], ["read", "demand_reset"])
        self.assertIn(b"M8", out)
        # The gateway looks at the meter afterwards; that read is answered, too.
        self.gateway.wait(lambda: len(kinds) >= 3, 60, "the read afterwards")
        self.assertEqual(kinds[2], "read")
        _, err = self.run_amictl("demand-reset", "M8", "--yes", code=1)
        self.assertRegex(err, r"\[DEMAND_RESET_(LOCK_OUT|LIVE)\]")
        self.assertRegex(err, "each reset destroys a maximum|amictl operations watch")

    def test_refusals_are_told_in_plain_words(self):
        _, err = self.run_amictl("read-now", "M11", code=1)
        self.assertIn("nearest known is utilities/u/meters/M1", err)
        _, err = self.run_amictl("read-now", "LOST", code=1)
        self.assertIn("[NOT_ASSIGNED]", err)
        self.assertIn("wait for its first reading", err)
        _, err = self.run_amictl("read-now", "M1", "--purpose", "x", code=1)
        self.assertIn("[PURPOSE_REQUIRED]", err)
        _, err = self.run_amictl("operations", "show", "99999", code=1)
        self.assertIn("[OPERATION_NOT_FOUND]", err)
        _, err = self.run_amictl("read-now", *METERS, code=1)
        self.assertIn("has room for 6 at most", err)
        self.assertNotIn("try again in", err, "it would never fit")

    def test_a_full_queue_says_when_to_come_again(self):
        self.run_amictl("read-now", *METERS[:4], "--wait", "0s")
        _, err = self.run_amictl("read-now", *METERS[4:], code=1)
        self.assertIn("[QUEUE_FULL]", err)
        self.assertIn("most: 6", err)
        self.assertIn("try again in", err)
        self.assertIn("amictl operations list --unfinished", err)
        for _ in range(4):
            _, transaction, meter = self.far.next_ask()
            self.far.say(meter, result(transaction, meter, "done"))
        self.gateway.wait(lambda: self.operation().get("done"), 60, "the first four")

    def test_adapters_shows_facts_and_what_a_feed_can_be_asked(self):
        out, _ = self.run_amictl("adapters")
        self.assertIn("radio: made up for tests\n  can be asked: read_on_demand, ping, demand_reset\n  head-end: made up for tests\n"
                      "  connected: yes\n", out)
        adapter = self.objects("adapters")[0]
        self.assertEqual(adapter["facts"][1], {"name": "connected", "value": "yes"})
        self.assertIn("pushed_messages", adapter["capabilities"])

    def test_progress_moves_on_a_terminal(self):
        main, side = pty.openpty()
        process = subprocess.Popen([AMICTL, "--address", f"unix:{self.folder}/rpc.sock", "--utility", "u", "ping", "M7"],
                                   stdout=subprocess.DEVNULL, stderr=side, env={**os.environ, "TERM": "xterm"})
        os.close(side)
        _, transaction, meter = self.far.next_ask()
        seen = os.read(main, 4096).decode()
        self.far.say(meter, result(transaction, meter, "powered"))
        self.assertEqual(process.wait(60), 0)
        try:
            while part := os.read(main, 4096):
                seen += part.decode()
        except OSError:
            pass
        os.close(main)
        self.assertIn("\r\033[K", seen)
        self.assertIn("1 of 1 done", seen)


class Usage(unittest.TestCase):
    def refused(self, *args, says):
        code, out, err = amictl(*args)
        self.assertEqual((code, out), (2, b""), err)
        self.assertIn(says, err)

    def test_arguments_are_checked_before_the_gateway_is_asked(self):
        for command in ("read-now", "ping"):
            self.refused(command, "M1", says=b"--utility")
            self.refused(command, "--utility", "u", says=b"which meters")
            self.refused(command, "--utility", "u", "M1", "--file", "x", says=b"which meters")
            self.refused(command, "--utility", "u", "--file", "/nonexistent", says=b"cannot read")
            self.refused(command, "--utility", "u", "--file", "/dev/null", says=b"names no meter")
            self.refused(command, "--utility", "u", "M1", "--wait", "soon", says=b"soon")
            self.refused(command, "--utility", "u", "M1", "--expiry", "1w", says=b"1w")
            self.refused(command, "--utility", "u", "M1", "--priority", "10", says=b"--priority")
        self.refused("demand-reset", "--utility", "u", says=b"meter")
        self.refused("demand-reset", "--utility", "u", "M1", "M2", says=b"meter")
        self.refused("operations", says=b"subcommand")
        self.refused("operations", "list", says=b"--utility")
        self.refused("operations", "list", "--utility", "u", "--kind", "SWITCH", says=b"--kind")
        self.refused("operations", "show", "--utility", "u", "seven", says=b"seven")
        self.refused("operations", "show", "--utility", "u", "7", "--readings", says=b"--purpose")
        self.refused("operations", "watch", "7", says=b"--utility")
        self.refused("operations", "cancel", "--utility", "u", "0", says=b"0")

    def test_file_with_more_than_one_meter_a_line_is_refused(self):
        path = pathlib.Path(os.environ.get("TMPDIR", "/tmp")) / f"amictl-list-{os.getpid()}-{threading.get_ident()}"
        path.write_text("M1\nM2,M3\n")
        self.addCleanup(path.unlink)
        self.refused("ping", "--utility", "u", "--file", str(path), says=b"M2,M3")

    def test_gateway_that_is_not_there_is_exit_3(self):
        for command in (["read-now", "M1"], ["ping", "M1", "M2"], ["demand-reset", "M1", "--yes"], ["demand-reset", "M1"],
                        ["operations", "list"], ["operations", "show", "7"], ["operations", "watch", "7"], ["operations", "cancel", "7"]):
            code, out, err = amictl("--address", "unix:/nonexistent/x.sock", "--utility", "u", *command)
            self.assertEqual((code, out), (3, b""), err)
        _, _, err = amictl("--address", "unix:/nonexistent/x.sock", "--utility", "u", "read-now", "M1", "--request-id", "r-9")
        self.assertIn(b"--request-id r-9 is carried out once", err)


if __name__ == "__main__":
    unittest.main()
