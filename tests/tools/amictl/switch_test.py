"""`amictl switch` against a running gateway with a far side that does what it is told: what it shows, how it refuses, what it asks."""
import json
import os
import pathlib
import pty
import subprocess
import sys
import unittest

from running import AMICTL, ROOT, amictl

sys.path.insert(0, str(ROOT / "tests/support"))
from far_side import FarSide, result, stamp  # noqa: E402
from gateway import Gateway  # noqa: E402

# Flight and times are short, so that what nobody answers is seen to its end within a test.
CONFIG = """
utilities:
  - {{key: u, zone: America/Toronto}}
data_dir: {config}
state_dir: {folder}
database: {{conninfo: "{conninfo}", allow_owner: true, migrate_on_start: true, check_every: 200ms}}
rpc: {{unix_socket: {folder}/rpc.sock}}
http: {{address: "127.0.0.1:0", port_file: {folder}/http.port}}
adapters: [{folder}/radio.yaml]
switching:
  conninfo: "{conninfo}"
  utilities:
    - utility: u
      evidence: [{{family: line_switch, reports_device_time: true, register_step_kwh: 1, interval: 15m}}]
      shown:
        - {{family: line_switch, firmware: "1.0", open: true, close: true, arm: true, rely_on_meter_interlock: true,
           module: line radio, author: "a metrologist", document: "trial of January"}}
        - {{family: line_switch, firmware: "*", open: true, close: true, arm: true, module: line radio,
           author: "a metrologist", document: "trial of January, part 1"}}
"""
FEED = "{{name: radio, utility: u, family: line_switch, port_file: {folder}/radio.port}}\n"
METERS = [f"S{n}" for n in range(1, 16)]
HELD = "S15"
OLD = "S14"     # of a firmware whose interlock nobody has shown
SERIALS = {meter: f"99004{n:03d}" for n, meter in enumerate(METERS, 701)}


def order(action, meter, *more, serial=None, point=None, reason="VACANT_MOVE_OUT"):
    return ("switch", action, meter, "--usage-point", point or f"UP-{meter}", "--serial-last4", serial or SERIALS[meter][-4:],
            "--reason", reason, "--order", "WO-1", *more)


def done(transaction, meter, word):
    return f"{result(transaction, meter, word)} {stamp()}"


class Scene(unittest.TestCase):
    """A gateway that runs, and its far side."""

    @classmethod
    def start_gateway(cls):
        cls.gateway.start(CONFIG.format(folder=cls.folder, conninfo=cls.gateway.conninfo, config=ROOT / "config"),
                          program="tests/pushed-gatewayd")

    @classmethod
    def setUpClass(cls):
        cls.gateway = Gateway(pathlib.Path(AMICTL).parents[1])
        cls.addClassCleanup(cls.gateway.close)
        cls.folder = cls.gateway.folder
        (cls.folder / "radio.yaml").write_text(FEED.format(folder=cls.folder))
        cls.start_gateway()
        (cls.folder / "meters.csv").write_text(
            "meter,valid_from,usage_point,manufacturer_serial,badge,module_type,firmware\n" +
            "".join(f"{m},2020-01-01,UP-{m},{SERIALS[m]},{m},line radio,{'0.9' if m == OLD else '1.0'}\n" for m in METERS))
        cls.gateway.amictl("--utility", "u", "meters", "import", str(cls.folder / "meters.csv"))
        cls.far = FarSide(cls.folder / "radio.port")
        cls.addClassCleanup(cls.far.close)
        # A first reading of each says which feed reaches it.
        for meter in METERS:
            cls.far.say(meter, f"{meter} 1 {stamp(minutes_ago=600)}")
        cls.gateway.wait(lambda: cls.gateway.sql("select count(*) from register_read") == str(len(METERS)), 60, "the first readings")

    def setUp(self):
        self.far.answer = None

    def tearDown(self):
        self.far.answer = None

    def answers(self, word):
        """Every command from now on; reads of the final register are answered, too."""
        def answer(kind, transaction, meter):
            if not kind.startswith("switch_"):
                return [f"{meter} 4711.5 {stamp()}", result(transaction, meter, "done")]
            return [done(transaction, meter, word)]
        self.far.answer = answer

    def run_amictl(self, *args, code=0):
        """stdout and stderr"""
        got, out, err = amictl("--address", f"unix:{self.folder}/rpc.sock", "--utility", "u", *args)
        self.assertEqual(got, code, (out + err).decode())
        return out.decode(), err.decode()

    def objects(self, *args, code=0):
        return [json.loads(line) for line in self.run_amictl("--output", "json", *args, code=code)[0].splitlines()]

    def newest(self, meter):
        return self.objects("switch", "list", "--meter", meter, "--limit", "1")[0]

    def number(self, meter):
        return self.newest(meter)["name"].split("/")[-1]

    def in_background(self, *args):
        process = subprocess.Popen([AMICTL, "--address", f"unix:{self.folder}/rpc.sock", "--utility", "u", *args],
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.addCleanup(process.wait)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.stderr.close)
        return process

    def on_terminal(self, *args, typed=None, until=None):
        """Exit code and what stands on the terminal; `typed` is answered once `until` was asked."""
        main, side = pty.openpty()
        process = subprocess.Popen([AMICTL, "--address", f"unix:{self.folder}/rpc.sock", "--utility", "u", *args],
                                   stdin=side, stdout=subprocess.DEVNULL, stderr=side, env={**os.environ, "TERM": "xterm"})
        os.close(side)
        seen = ""
        try:
            while part := os.read(main, 4096):
                seen += part.decode()
                if typed is not None and until in seen:
                    os.write(main, typed.encode())
                    typed = None
        except OSError:
            pass
        code = process.wait(60)
        os.close(main)
        return code, seen


class Switch(Scene):
    def test_open_with_wait_is_exit_0_only_when_it_is_verified(self):
        self.answers("opened")
        out, err = self.run_amictl(*order("open", "S1", "--yes", "--wait", "60s"))
        self.assertRegex(out, r"^operation [0-9]+: VERIFIED_OPEN: the switch is open, shown by E1\n")
        for state in ("REQUESTED", "POLICY_CHECKED", "QUEUED", "SENT", "VERIFYING", "VERIFIED_OPEN"):
            self.assertIn(state, err)
        self.assertNotIn("\r", err)
        newest = self.newest("S1")
        self.assertEqual((newest["state"], newest["action"], newest["order_id"], newest["caller"], newest["reason"]),
                         ("VERIFIED_OPEN", "OPEN", "WO-1", "local operator", "VACANT_MOVE_OUT"))
        out, _ = self.run_amictl("switch", "show", self.number("S1"))
        self.assertIn("what       OPEN meter S1 at usage point UP-S1\n", out)
        self.assertIn("evidence   E1, E1 is wanted, E3 can be had\n", out)
        self.assertIn("position   open\n", out)
        self.assertRegex(out, r"[0-9:.]+Z +SENT")

    def test_far_side_that_fails_is_exit_1_and_says_what_to_do(self):
        self.answers("failed")
        out, err = self.run_amictl(*order("open", "S2", "--yes", "--wait"), code=1)
        self.assertIn("FAILED: not done: the head-end says that it was not done", out)
        self.assertIn("order it anew, or somebody goes there", err)

    def test_without_wait_it_is_accepted_and_watch_follows_it(self):
        out, err = self.run_amictl(*order("open", "S3", "--yes"))
        self.assertRegex(out, "^operation [0-9]+: (QUEUED|SENT|ACKNOWLEDGED): ", "as far as it came")
        self.assertRegex(err, r"it goes on: amictl switch watch [0-9]+")
        kind, transaction, meter = self.far.next_ask()
        self.assertEqual((kind, meter), ("switch_open", "S3"))
        watching = self.in_background("switch", "watch", self.number("S3"))
        self.assertIn("REQUESTED", watching.stderr.readline())
        self.answers("opened")
        self.far.say("S3", done(transaction, "S3", "opened"))
        out, err = watching.communicate(timeout=60)
        self.assertEqual(watching.returncode, 0, err)
        self.assertIn("VERIFIED_OPEN", out)
        self.assertIn("evidence E1", err)
        updates = self.objects("switch", "watch", self.number("S3"))
        self.assertEqual(updates[-1]["operation"]["state"], "VERIFIED_OPEN")
        versions = [int(c["version"]) for u in updates for c in u.get("changes", [])]
        self.assertEqual(versions, list(range(1, len(versions) + 1)))

    def test_wait_that_is_over_is_exit_1_and_it_goes_on(self):
        out, err = self.run_amictl(*order("open", "S4", "--yes", "--wait", "1s"), code=1)
        self.assertIn("ACKNOWLEDGED: the far side has taken it", out)
        self.assertIn("it goes on", err)
        _, transaction, _ = self.far.next_ask()
        late, err = self.run_amictl("switch", "cancel", self.number("S4"), code=1)
        self.assertEqual(late, "")
        self.assertIn("[TOO_LATE]", err)
        self.assertIn("no far side takes one back", err)
        out, err = self.run_amictl(*order("close", "S4", "--attest", "CUSTOMER_PRESENT"), code=1)
        self.assertIn("[SWITCH_LIVE]", err)
        self.assertIn(f"amictl switch watch {self.number('S4')}", err)
        self.answers("opened")
        self.far.say("S4", done(transaction, "S4", "opened"))
        self.run_amictl("switch", "watch", self.number("S4"))

    def test_dry_run_shows_every_check_and_leaves_no_trace(self):
        before = self.far.count
        out, _ = self.run_amictl(*order("open", "S5", "--dry-run"))
        for rule in ("WRONG_HOUSE", "CAPABILITY", "SWITCH_UNCERTAIN"):
            self.assertRegex(out, rule + r" +yes")
        self.assertRegex(out, r"(?m)^WRONG_HOUSE +yes +meter, usage point and serial belong together +serial_last4_asked=")
        self.assertIn("evidence: E1 is wanted, E3 can be had", out)
        self.assertIn("E2 register over a window: yes, 20 h (2 x 1 kWh at 100 W)", out)
        self.assertIn("Nothing was done", out)
        out, _ = self.run_amictl(*order("open", "S5", "--dry-run", serial="0000"), code=1)
        self.assertRegex(out, r"WRONG_HOUSE +NO")
        self.assertRegex(out, r"CAPABILITY +yes")
        self.assertIn("what to do: read the badge and the serial at the meter again", out)
        verdict = self.objects(*order("close", "S5", "--dry-run"), code=1)[0]
        self.assertEqual(verdict["rule"], "ATTESTATION")
        self.assertEqual(self.objects("switch", "list", "--meter", "S5"), [])
        self.assertEqual(self.far.count, before)

    def test_wrong_house_is_refused_in_plain_words_without_the_serial(self):
        for wrong in ({"serial": "0000"}, {"point": "UP-S7"}):
            out, err = self.run_amictl(*order("open", "S6", "--yes", **wrong), code=1)
            self.assertEqual(out, "")
            self.assertIn("[WRONG_HOUSE]", err)
            self.assertIn("do not belong together: nothing was sent", err)
            self.assertIn("what to do:", err)
            self.assertNotIn(SERIALS["S6"], err)
            self.assertNotIn("LIMIT", err, "what other rules looked at")
        kept = self.objects("switch", "list", "--meter", "S6", "--state", "REJECTED")
        self.assertEqual([one["rule"] for one in kept], ["WRONG_HOUSE"] * 2)
        out, _ = self.run_amictl("switch", "show", kept[0]["name"])
        self.assertRegex(out, r"looked at  serial_last4_asked=")

    def test_cancel_takes_back_what_has_not_left(self):
        self.run_amictl(*order("open", "S7", "--yes", "--not-before", "2099-01-01", "--not-after", "2099-01-02"), code=1)
        soon = stamp(minutes_ago=-60)
        out, _ = self.run_amictl(*order("open", "S7", "--yes", "--not-before", soon))
        self.assertIn("nothing has left yet", out)
        number = self.number("S7")
        out, _ = self.run_amictl("switch", "cancel", number, "--on-behalf-of", "Ada")
        self.assertEqual(out, f"operation {number} was taken back before it left\n")
        _, err = self.run_amictl("switch", "cancel", number, code=1)
        self.assertIn("[ENDED]", err)
        out, _ = self.run_amictl("switch", "show", number)
        self.assertIn("by local operator for Ada", out)
        self.run_amictl("switch", "watch", number, code=1)

    def test_same_request_id_is_carried_out_once(self):
        self.answers("opened")
        args = order("open", "S8", "--yes", "--request-id", "twice")
        self.run_amictl(*args, "--wait", "60s")
        before = self.far.count
        self.run_amictl(*args, "--wait", "60s")
        self.assertEqual(self.far.count, before)
        _, err = self.run_amictl(*order("arm", "S8", "--request-id", "twice"), code=1)
        self.assertIn("[REQUEST_ID_REUSED]", err)
        self.assertIn("take a new one", err)

    def test_state_says_who_says_what_and_what_was_told_last(self):
        out, _ = self.run_amictl("switch", "state", "S9")
        self.assertIn("position      not known\n", out)
        self.assertIn("meant to be   nothing was done to it from here\n", out)
        self.assertRegex(out, r"site +yes +shown: trial of January, a metrologist")
        self.assertRegex(out, r"adapter +yes")
        self.assertRegex(out, r"OPEN: yes; evidence E1 is wanted, E3 can be had")
        self.assertRegex(out, r"ARM: yes; evidence E1 is wanted, E1 can be had")
        self.answers("opened")
        self.run_amictl(*order("open", "S9", "--yes", "--wait", "60s"))
        out, _ = self.run_amictl("switch", "state", "S9")
        self.assertRegex(out, r"position +OPEN, told [0-9T:.-]+Z of operation [0-9]+: ")
        self.assertRegex(out, r"meant to be +OPEN, operation [0-9]+")
        standing = self.objects("switch", "state", "S9")[0]
        self.assertEqual((standing["position"], standing["intended"]), ("OPEN", "OPEN"))
        _, err = self.run_amictl("switch", "state", "S99", code=1)
        self.assertIn("nearest known is utilities/u/meters/S9", err)

    def test_way_back_needs_an_attestation_or_the_customers_button(self):
        _, err = self.run_amictl(*order("close", "S10"), code=1)
        self.assertIn("[ATTESTATION]", err)
        self.assertIn("ask the customer", err)
        _, err = self.run_amictl(*order("close", "S10", "--attest", "TARIFF_PERMITS"), code=1)
        self.assertIn("[ARM_PREFERRED]", err)
        self.answers("armed")
        out, _ = self.run_amictl(*order("arm", "S10", "--wait", "60s", reason="RECONNECT"))
        self.assertIn("VERIFIED_ARMED: the switch is armed", out)
        self.assertIn("until the customer presses the button", out)
        self.answers("closed")
        out, _ = self.run_amictl(*order("close", "S10", "--attest", "CUSTOMER_PRESENT", "--wait", "60s", reason="RECONNECT"))
        self.assertIn("VERIFIED_CLOSED", out)

    def test_open_asks_on_a_terminal_and_does_nothing_without_the_word(self):
        before = self.far.count
        code, seen = self.on_terminal(*order("open", "S11"), typed="yes\n", until="Type OPEN")
        self.assertEqual(code, 1)
        self.assertIn("This cuts the power of usage point UP-S11, meter S11", seen)
        self.assertIn("Nothing was done.", seen)
        code, seen = self.on_terminal(*order("open", "S11", serial="0000"))
        self.assertEqual(code, 1)
        self.assertNotIn("Type OPEN", seen, "what is refused is not asked about")
        self.assertIn("[WRONG_HOUSE]", seen)
        self.assertEqual(self.far.count, before)
        self.answers("opened")
        code, seen = self.on_terminal(*order("open", "S11", "--wait", "60s"), typed="OPEN\n", until="Type OPEN")
        self.assertEqual(code, 0, seen)
        self.assertIn("\r\033[K", seen)
        self.assertIn("VERIFIED_OPEN", seen)
        self.assertIn("evidence E1, E1 is wanted, E3 can be had", seen)

    def test_without_a_terminal_open_needs_yes(self):
        out, err = self.run_amictl(*order("open", "S12"), code=2)
        self.assertEqual(out, "")
        self.assertIn("--yes", err)
        self.assertIn("Nothing was done", err)
        self.assertEqual(self.objects("switch", "list", "--meter", "S12"), [])

    def test_what_is_not_known_is_told_as_not_known_and_a_person_settles_it(self):
        # As after the flight of a command that nobody answered: minutes that a test does not wait for.
        self.run_amictl(*order("open", "S13", "--yes"))
        _, transaction, _ = self.far.next_ask()
        number = self.number("S13")
        self.gateway.sql("update switch_operation set version = version + 1, state = 'UNCERTAIN', ended_at = now(),"
                         f" words = 'nobody said what came of it' where switch_id = {number}")
        out, _ = self.run_amictl("switch", "show", number)
        self.assertIn("UNCERTAIN: NOT KNOWN whether it was done: nobody said what came of it. It is never sent again", out)
        self.assertNotIn("FAILED", out)
        self.assertIn(f"amictl switch resolve {number} --position", out)
        self.assertIn("another open is not", out)
        out, _ = self.run_amictl("switch", "list", "--unresolved")
        self.assertRegex(out, rf"(?m)^ *{number} .*UNCERTAIN")
        _, err = self.run_amictl(*order("open", "S13", "--yes"), code=1)
        self.assertIn("[SWITCH_UNCERTAIN]", err)
        self.assertIn(f"amictl switch resolve {number}", err)
        self.run_amictl("switch", "watch", number, code=1)
        out, _ = self.run_amictl("switch", "resolve", number, "--position", "CLOSED", "--reference", "customer on the phone, call 7")
        self.assertIn("FAILED: not done", out)
        _, err = self.run_amictl("switch", "resolve", number, "--position", "CLOSED", "--reference", "again", code=1)
        self.assertIn("[NOT_NOW]", err)
        self.assertEqual(self.objects("switch", "list", "--unresolved", "--meter", "S13"), [])

    def test_orders_for_which_somebody_has_to_go_there_are_listed(self):
        _, err = self.run_amictl(*order("close", OLD, "--attest", "CUSTOMER_PRESENT", "--on-behalf-of", "Ada", reason="RECONNECT"), code=1)
        self.assertIn("[LOAD_SIDE_UNREADABLE]", err)
        self.assertIn("somebody has to go there: amictl switch truck-rolls", err)
        out, _ = self.run_amictl("switch", "truck-rolls")
        self.assertEqual(out.splitlines()[0].split(), ["OPERATION", "ASKED", "METER", "USAGE", "POINT", "ACTION", "ORDER", "FOR", "WHY"])
        self.assertEqual(len(out.splitlines()), 2)
        self.assertRegex(out.splitlines()[1], r"S14 +UP-S14 +CLOSE +WO-1 +Ada +whether there is voltage behind the switch cannot be read")
        out, _ = self.run_amictl("switch", "show", self.number(OLD))
        self.assertIn("state      REJECTED: refused before it left: whether there is voltage", out)
        self.assertEqual(self.objects("switch", "truck-rolls", "--since", "2099-01-01"), [])

    def test_hold_stops_an_operation_until_it_is_lifted(self):
        out, _ = self.run_amictl("switch", "hold", "set", "METER", HELD, "--effect", "NO_OPEN", "--reason", "line crew",
                                 "--reference", "permit 881", "--until", "2099-01-01")
        self.assertRegex(out, rf"^hold [0-9]+: NO_OPEN on METER {HELD}, until 2099-01-01T00:00:00Z\n")
        number = out.split()[1].rstrip(":")
        out, _ = self.run_amictl("switch", "hold", "list")
        self.assertRegex(out, rf"(?m)^ *{number} +NO_OPEN +METER +{HELD} .* line crew +permit 881")
        before = self.far.count
        self.answers("opened")
        out, err = self.run_amictl(*order("open", HELD, "--yes", "--wait", "2s"), code=1)
        self.assertIn("QUEUED: nothing has left yet", out)
        self.assertEqual(self.far.count, before)
        out, _ = self.run_amictl("switch", "hold", "lift", number, "--reason", "crew is back")
        self.assertRegex(out, r"lifted [0-9T:.-]+Z by local operator: crew is back")
        _, err = self.run_amictl("switch", "hold", "lift", number, "--reason", "crew is back", code=1)
        self.assertIn("[ALREADY_LIFTED]", err)
        self.assertIn("amictl switch hold list --all", err)
        self.assertEqual(self.objects("switch", "hold", "list"), [])
        out, _ = self.run_amictl("switch", "watch", self.number(HELD))
        self.assertIn("VERIFIED_OPEN", out)

    def test_limits_are_shown_with_what_is_used(self):
        out, _ = self.run_amictl("switch", "limits", "S1", "--action", "OPEN", "--reason", "NON_PAYMENT")
        self.assertEqual(out.splitlines()[0].split(), ["OF", "REASON", "IN", "USED", "CEILING", "FULL", "ENFORCED"])
        self.assertRegex(out, r"(?m)^ALL +\* +3600 s +[0-9]+ +[0-9]+ ")
        _, err = self.run_amictl("switch", "limits", "S99", "--action", "OPEN", "--reason", "TEST", code=1)
        self.assertIn("[METER_NOT_FOUND]", err)

    def test_differences_say_when_was_compared(self):
        out, _ = self.run_amictl("switch", "differences")
        self.assertRegex(out, r"^(nothing was compared yet|[0-9]+ meters compared at [0-9T:.-]+Z: [0-9]+ differ, )")
        _, err = self.run_amictl("switch", "differences", "--purpose", "x", code=1)
        self.assertIn("purpose", err)

    def test_what_is_not_there_is_said(self):
        for command in (["show", "99999"], ["watch", "99999"], ["cancel", "99999"],
                        ["resolve", "99999", "--position", "OPEN", "--reference", "x"]):
            out, err = self.run_amictl("switch", *command, code=1)
            self.assertEqual(out, "")
            self.assertIn("[SWITCH_OPERATION_NOT_FOUND]", err)
            self.assertIn("amictl switch list", err)
        _, err = self.run_amictl("switch", "open", "S99", "--usage-point", "UP-S9", "--serial-last4", "4711", "--reason", "TEST",
                                 "--order", "x", "--yes", code=1)
        self.assertIn("nearest known is utilities/u/meters/S9", err)


class Stop(Scene):
    def test_kill_switch_stops_opens_until_two_persons_have_cleared_it(self):
        out, _ = self.run_amictl("switch", "stop", "OPENS", "--reason", "wrong list")
        self.assertRegex(out, r"^stop [0-9]+ of opening is in force; 2 more to clear it: amictl switch resume [0-9]+ --reason WHY\n"
                              r"nothing that left before may still act\n$")
        number = out.split()[1]
        _, err = self.run_amictl(*order("open", "S1", "--yes"), code=1)
        self.assertIn("[KILL_SWITCH]", err)
        self.assertIn("the way back (close, arm) goes on", err)
        out, _ = self.run_amictl("switch", "resume", number, "--reason", "list corrected")
        self.assertIn("is in force; 1 more to clear it", out)
        _, err = self.run_amictl("switch", "resume", number, "--reason", "again", code=1)
        self.assertIn("[ALREADY_CLEARED]", err)
        self.assertIn("a second person", err)
        out, _ = self.run_amictl("switch", "stops")
        self.assertRegex(out, rf"(?m)^ *{number} +OPENS .* wrong list +local operator +yes$")
        self.answers("armed")
        out, _ = self.run_amictl(*order("arm", "S2", "--wait", "60s", reason="RECONNECT"))
        self.assertIn("VERIFIED_ARMED", out)

    def test_hold_names_what_left_before_and_may_still_act(self):
        self.run_amictl(*order("close", "S3", "--attest", "CUSTOMER_PRESENT", reason="RECONNECT"))
        self.far.next_ask()
        number = self.number("S3")
        told = rf"1 command left before and MAY STILL ACT until [0-9T:.-]+Z; nothing calls them back:\n  utilities/u/switchOperations/{number}\n$"
        out, _ = self.run_amictl("switch", "hold", "set", "METER", "S3", "--effect", "NO_CLOSE", "--reason", "line crew")
        self.assertRegex(out, told)
        out, _ = self.run_amictl("switch", "hold", "set", "METER", "S3", "--effect", "NO_OPEN", "--reason", "line crew")
        self.assertRegex(out, r"\nnothing that left before may still act\n$")

    def test_emergencies_that_wait_are_listed_and_reviewed_by_another_person(self):
        self.assertEqual(self.objects("switch", "emergencies"), [])
        _, err = self.run_amictl("switch", "review", "99999", "--words", "looked at it", code=1)
        self.assertIn("[EMERGENCY_NOT_FOUND]", err)
        self.assertIn("amictl switch emergencies", err)
        _, err = self.run_amictl("switch", "review", "1", "--words", "x", code=1)
        self.assertIn("words", err)


class Restart(Scene):
    def test_watch_goes_on_where_it_was_when_the_gateway_starts_again(self):
        self.run_amictl(*order("open", "S1", "--yes"))
        _, transaction, _ = self.far.next_ask()
        watching = self.in_background("switch", "watch", self.number("S1"))
        while "ACKNOWLEDGED" not in watching.stderr.readline():
            self.assertIsNone(watching.poll())
        self.gateway.stop_daemon()
        for name in ("radio.port", "http.port"):
            (self.folder / name).unlink()
        self.start_gateway()
        far = FarSide(self.folder / "radio.port")
        self.addCleanup(far.close)
        far.say("S1", done(transaction, "S1", "opened"))
        out, err = watching.communicate(timeout=120)
        self.assertEqual(watching.returncode, 0, err)
        self.assertIn("VERIFIED_OPEN", out)
        self.assertIn("VERIFYING", err)
        self.assertNotIn("REQUESTED", err, "told before, and not again")


class Usage(unittest.TestCase):
    def refused(self, *args, says):
        code, out, err = amictl(*args)
        self.assertEqual((code, out), (2, b""), err)
        self.assertIn(says, err)

    def test_arguments_are_checked_before_the_gateway_is_asked(self):
        good = ["--usage-point", "UP-S1", "--serial-last4", "4711", "--reason", "TEST", "--order", "WO-1"]
        for action in ("open", "close", "arm"):
            command = ["--utility", "u", "switch", action]
            self.refused(*command, *good, says=b"meter")
            for missing in range(0, len(good), 2):
                self.refused(*command, "S1", *good[:missing], *good[missing + 2:], says=good[missing].encode())
            self.refused("switch", action, "S1", *good, says=b"--utility")
            self.refused(*command, "S1", *good[:2], "--serial-last4", "471", *good[4:], says=b"four characters")
            self.refused(*command, "S1", *good[:4], "--reason", "BECAUSE", *good[6:], says=b"RESTORE_WRONGFUL")
            self.refused(*command, "S1", *good[:4], "--reason", "REASON_UNSPECIFIED", *good[6:], says=b"RESTORE_WRONGFUL")
            self.refused(*command, "S1", *good, "--not-before", "tomorrow", says=b"tomorrow")
            self.refused(*command, "S1", *good, "--not-after", "soon", says=b"soon")
            self.refused(*command, "S1", *good, "--wait", "long", says=b"long")
        self.refused("--utility", "u", "switch", "close", "S1", *good, "--attest", "TRUST_ME", says=b"MAIN_BREAKER_OPEN")
        self.refused("--utility", "u", "switch", "open", "S1", *good, "--attest", "CUSTOMER_PRESENT", says=b"--attest")
        self.refused("--utility", "u", "switch", "arm", "S1", *good, "--yes", says=b"--yes")
        self.refused("--utility", "u", "switch", says=b"subcommand")
        self.refused("--utility", "u", "switch", "toggle", "S1", says=b"subcommand")
        for command in ("show", "watch", "cancel"):
            self.refused("--utility", "u", "switch", command, says=b"operation")
            self.refused("--utility", "u", "switch", command, "seven", says=b"seven")
            self.refused("--utility", "u", "switch", command, "0", says=b"0")
            self.refused("switch", command, "7", says=b"--utility")
        self.refused("--utility", "u", "switch", "resolve", "7", "--position", "OPEN", says=b"--reference")
        self.refused("--utility", "u", "switch", "resolve", "7", "--position", "AJAR", "--reference", "x", says=b"--position")
        self.refused("--utility", "u", "switch", "state", says=b"meter")
        self.refused("--utility", "u", "switch", "list", "--state", "DONE", says=b"DONE")
        self.refused("--utility", "u", "switch", "list", "--since", "once", says=b"once")
        self.refused("--utility", "u", "switch", "list", "--limit", "0", says=b"--limit")
        self.refused("switch", "truck-rolls", says=b"--utility")
        self.refused("switch", "differences", says=b"--utility")
        self.refused("--utility", "u", "switch", "hold", says=b"subcommand")
        self.refused("--utility", "u", "switch", "hold", "set", "HOUSE", "x", "--effect", "NO_OPEN", "--reason", "test", says=b"FEEDER")
        self.refused("--utility", "u", "switch", "hold", "set", "METER", "x", "--effect", "NOTHING", "--reason", "test", says=b"NO_COMMAND")
        self.refused("--utility", "u", "switch", "hold", "set", "METER", "x", "--effect", "NO_OPEN", says=b"--reason")
        self.refused("--utility", "u", "switch", "hold", "lift", "one", "--reason", "test", says=b"one")
        self.refused("--utility", "u", "switch", "stop", "SOME", "--reason", "test", says=b"OPENS")
        self.refused("--utility", "u", "switch", "stop", "ALL", says=b"--reason")
        self.refused("--utility", "u", "switch", "resume", "--reason", "test", says=b"stop")
        self.refused("--utility", "u", "switch", "limits", "S1", "--action", "LOOK", "--reason", "TEST", says=b"--action")
        self.refused("--utility", "u", "switch", "limits", "S1", "--action", "OPEN", "--reason", "WHIM", says=b"--reason")
        self.refused("--utility", "u", "switch", "differences", "--limit", "x", says=b"--limit")

    def test_help_says_what_each_does(self):
        code, out, _ = amictl("switch", "--help")
        self.assertEqual(code, 0)
        for word in (b"open", b"close", b"arm", b"show", b"watch", b"cancel", b"state", b"list", b"resolve", b"truck-rolls", b"differences"):
            self.assertIn(word, out)
        code, out, _ = amictl("switch", "open", "--help")
        self.assertEqual(code, 0)
        for word in (b"--usage-point", b"--serial-last4", b"--reason", b"--dry-run", b"--wait", b"--yes"):
            self.assertIn(word, out)

    def test_gateway_that_is_not_there_is_exit_3(self):
        good = ["S1", "--usage-point", "UP-S1", "--serial-last4", "4711", "--reason", "TEST", "--order", "WO-1"]
        for command in (["open", *good, "--yes"], ["open", *good, "--dry-run"], ["close", *good], ["arm", *good, "--wait"],
                        ["show", "7"], ["watch", "7"], ["cancel", "7"], ["state", "S1"], ["list"], ["truck-rolls"], ["differences"], ["hold", "list"], ["stops"], ["stop", "ALL", "--reason", "test"],
                        ["emergencies"], ["review", "7", "--words", "looked at it"],
                        ["resolve", "7", "--position", "OPEN", "--reference", "x"]):
            code, out, err = amictl("--address", "unix:/nonexistent/x.sock", "--utility", "u", "switch", *command)
            self.assertEqual((code, out), (3, b""), err)
        _, _, err = amictl("--address", "unix:/nonexistent/x.sock", "--utility", "u", "switch", "arm", *good, "--request-id", "r-9")
        self.assertIn(b"--request-id r-9 is carried out once", err)


if __name__ == "__main__":
    unittest.main()
