"""`amictl demo-check` against a running gateway: a CMEP file comes, and hand-written ledgers are true of it, or not."""
import json
import pathlib
import sys
import unittest

from running import AMICTL, ROOT, Case, amictl

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
adapters: [{folder}/flexnet.yaml]
"""
FEED = "{{name: north, utility: u, family: flexnet, folder: {inbox}, zone: UTC, settle: 100ms, rescan: 200ms}}\n"
HEAD = "MEPMD01,19970819,S,C,R,C,202404010000,{meter},OK,E,"
INTERVAL = "0.0.2.4.1.1.12.0.0.0.0.0.0.0.0.0.72.0"
DIAL = "0.0.0.1.1.1.12.0.0.0.0.0.0.0.0.0.72.0"
RUN = {"kind": "run", "version": 1, "scenario": "hand.yaml", "seed": 1, "start": "2024-03-09T05:00:00Z",
       "time_factor": 1440, "wall": "2024-04-01T00:00:00Z"}
SENT = {"delivery": "sent", "copies": 1, "via": "file", "message": "day.cmep", "sent": "2024-03-09T06:00:00Z",
        "wall": "2024-04-01T00:00:01Z"}


def block(values, **more):
    return {"kind": "interval_block", "network": "f", "meter": "M1", "reading_type": INTERVAL, "unit": "Wh",
            "start": "2024-03-09T05:00:00Z", "length_s": 900, "values": values, **SENT, **more}


def dial(at, value, **more):
    return {"kind": "register", "network": "f", "meter": "M1", "reading_type": DIAL, "unit": "Wh", "at": at,
            "value": value, **SENT, **more}


# 8 Wh, a hole, 0 Wh and 7.2 Wh; the dial at 10 kWh and at 10.0152 kWh.
TRUE = [block(["8", None, "0", "7.20"]), dial("2024-03-09T05:00:00Z", "10000"), dial("2024-03-09T06:00:00Z", "10015.2")]


class Ledgers(Case):
    """Without a gateway."""

    def check(self, text, *more):
        return amictl("--address", f"unix:{self.folder}/none.sock", "--utility", "u", "demo-check",
                      self.file(text, "ledger"), *more)

    def test_a_file_that_is_not_there_is_a_mistake_of_the_caller(self):
        code, _, err = amictl("--utility", "u", "demo-check", self.folder / "none")
        self.assertEqual(code, 2)
        self.assertIn(b"cannot read", err)

    def test_what_is_no_ledger_is_told_with_its_line(self):
        for text, words in (("", "is empty"), ("hello\n", "line 1: no JSON object"),
                            ('{"kind":"end"}\n', "this is no ledger"),
                            ('{"kind":"run","version":2}\n', "version 2"),
                            (json.dumps(RUN) + '\n{"kind":"register"}\n', "line 2: delivery is missing")):
            code, _, err = self.check(text)
            self.assertEqual((code, words in err.decode()), (2, True), err.decode())

    def test_a_time_that_is_none_is_a_mistake_of_the_caller(self):
        self.assertEqual(self.check(json.dumps(RUN) + "\n", "--until", "yesterday")[0], 2)

    def test_a_gateway_that_is_not_there_is_exit_3(self):
        self.assertEqual(self.check(json.dumps(RUN) + "\n")[0], 3)


class Stores(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.gateway = Gateway(pathlib.Path(AMICTL).parents[1])
        cls.addClassCleanup(cls.gateway.close)
        folder = cls.gateway.folder
        (folder / "flexnet.yaml").write_text(FEED.format(inbox=folder / "inbox"))
        cls.gateway.start(CONFIG.format(folder=folder, conninfo=cls.gateway.conninfo, config=ROOT / "config"))
        (folder / "meters.csv").write_text("meter,usage_point,model\nM1,P1,AXR-SD\nM2,P2,AXR-SD\n")
        cls.gateway.amictl("--utility", "u", "meters", "import", str(folder / "meters.csv"))
        cls.gateway.sql("update installation set valid = '[2024-01-01,)'; update usage_point_detail set valid = '[2020-01-01,)'; "
                        "update device_alias set valid = '[2020-01-01,)'; update meter_detail set valid = '[2020-01-01,)'")
        text = (HEAD.format(meter="M1") + "KWH,1.0,00000015,4,202403090515,R,0.008,202403090530,N,,202403090545,R,0,202403090600,R,0.0072\r\n" +
                HEAD.format(meter="M1") + "KWHREG,1.0,00000000,2,202403090500,R,10,202403090600,R,10.0152\r\n" +
                HEAD.format(meter="M2") + "KWHREG,1.0,00000000,1,202403090500,R,77\r\n")
        inbox = folder / "inbox"
        (inbox / ".day.part").write_text(text)
        (inbox / ".day.part").rename(inbox / "day.cmep")
        cls.gateway.wait(lambda: (inbox / "done" / "day.cmep").exists(), 60, "the file to be read")

    def check(self, lines, *more, code):
        path = self.gateway.folder / "ledger.jsonl"
        path.write_text("".join(json.dumps(line) + "\n" for line in [RUN, *lines]))
        got, out, err = amictl("--address", f"unix:{self.gateway.folder}/rpc.sock", "--utility", "u", "--output", "json",
                               "demo-check", path, *more)
        self.assertEqual(got, code, err.decode() + out.decode())
        objects = [json.loads(line) for line in out.decode().splitlines()]
        counts = {one["what"]: one["count"] for one in objects if "what" in one}
        return counts, [one for one in objects if "difference" in one]

    def differences(self, lines, *more):
        counts, found = self.check(lines, *more, code=1)
        return {what: count for what, count in counts.items() if what.startswith("different") and count}, found

    def test_a_true_ledger_is_equal_and_counts_agree(self):
        counts, found = self.check(TRUE, code=0)
        self.assertEqual(found, [])
        self.assertEqual(counts["values to be there"], 5)
        self.assertEqual((counts["intervals in the store"], counts["registers in the store"]), (3, 2))
        self.assertEqual(counts["channel-days counted"], 2)
        self.assertEqual(counts["other meters, not compared"], 1)

    def test_what_was_sent_and_is_not_there_is_missing(self):
        what, found = self.differences(TRUE + [dial("2024-03-09T07:00:00Z", "10020")])
        self.assertEqual(what, {"different: missing": 1})
        self.assertIn("10020 was sent", found[0]["words"])
        self.assertEqual(found[0]["meter"], "M1")

    def test_until_makes_what_was_sent_later_uncertain(self):
        late = dial("2024-03-09T07:00:00Z", "10020", sent="2024-03-09T07:00:00Z")
        self.check(TRUE + [late], "--until", "2024-03-09T06:30:00Z", code=0)

    def test_other_digits_are_found(self):
        what, found = self.differences([block(["8", None, "0", "7.21"]), *TRUE[1:]])
        self.assertEqual(what, {"different: other value": 1})
        self.assertIn("7.21 was sent", found[0]["words"])

    def test_what_was_never_sent_is_found_and_a_zero_is_no_gap(self):
        what, found = self.differences([block(["8", None]), dial("2024-03-09T05:00:00Z", "10000"),
                                        block(["0"], start="2024-03-09T05:30:00Z", delivery="lost", copies=0),
                                        dial("2024-03-09T06:00:00Z", "10015.2")])
        self.assertEqual(what, {"different: never sent": 2})
        self.assertIn("a gap, not a zero", found[0]["words"])

    def test_a_meter_that_the_gateway_does_not_know_is_told(self):
        what, found = self.differences(TRUE + [dial("2024-03-09T05:00:00Z", "1", meter="M9")])
        self.assertEqual(what, {"different: unknown meter": 1})
        self.assertEqual(found[0]["meter"], "M9")

    def test_a_table_for_people_ends_with_the_verdict(self):
        path = self.gateway.folder / "plain.jsonl"
        path.write_text("".join(json.dumps(line) + "\n" for line in [RUN, *TRUE]) + '{"kind":"regi')  # cut off by a kill
        out = self.gateway.amictl("--utility", "u", "demo-check", str(path))
        self.assertIn("The store is what was sent.", out if isinstance(out, str) else str(out))


if __name__ == "__main__":
    unittest.main()
