"""`amictl audit` against a running gateway that seals: the story of an operation, signed heads, and what somebody with the
database in hand cannot hide."""
import json
import pathlib
import subprocess
import sys
import unittest

from running import AMICTL, ROOT, amictl

sys.path.insert(0, str(ROOT / "tests/support"))
from far_side import FarSide, result, stamp  # noqa: E402
from gateway import Gateway  # noqa: E402

CONFIG = """
utilities:
  - {{key: u, zone: America/Toronto}}
  - {{key: v, zone: America/Toronto}}
data_dir: {config}
state_dir: {folder}
database: {{conninfo: "{conninfo}", allow_owner: true, migrate_on_start: true, check_every: 200ms}}
rpc: {{unix_socket: {folder}/rpc.sock}}
http: {{address: "127.0.0.1:0", port_file: {folder}/http.port}}
adapters: [{folder}/radio.yaml]
switching:
  conninfo: "{conninfo}"
  audit: {{head_dir: {folder}/heads, key_file: {folder}/keys/audit.key}}
  utilities:
    - utility: u
      evidence: [{{family: line_switch, reports_device_time: true, register_step_kwh: 1, interval: 15m}}]
      shown:
        - {{family: line_switch, firmware: "*", open: true, close: true, arm: true, rely_on_meter_interlock: true,
           module: line radio, author: "a metrologist", document: "trial of January"}}
"""
FEED = "{{name: radio, utility: u, family: line_switch, port_file: {folder}/radio.port}}\n"
METERS = ["S1", "S2", "S3"]


class Audit(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.gateway = Gateway(pathlib.Path(AMICTL).parents[1])
        cls.addClassCleanup(cls.gateway.close)
        cls.folder = cls.gateway.folder
        (cls.folder / "heads").mkdir()
        subprocess.run([ROOT / "deploy/audit-key", cls.folder / "keys"], check=True, stdout=subprocess.DEVNULL)
        (cls.folder / "radio.yaml").write_text(FEED.format(folder=cls.folder))
        cls.start()
        (cls.folder / "meters.csv").write_text(
            "meter,valid_from,usage_point,manufacturer_serial,badge,module_type,firmware\n" +
            "".join(f"{m},2020-01-01,UP-{m},9900470{n},{m},line radio,1.0\n" for n, m in enumerate(METERS)))
        cls.gateway.amictl("--utility", "u", "meters", "import", str(cls.folder / "meters.csv"))
        cls.far = FarSide(cls.folder / "radio.port")
        cls.addClassCleanup(cls.far.close)
        for meter in METERS:
            cls.far.say(meter, f"{meter} 1 {stamp(minutes_ago=600)}")
        cls.gateway.wait(lambda: cls.gateway.sql("select count(*) from register_read") == str(len(METERS)), 60, "first readings")
        cls.far.answer = lambda kind, transaction, meter: (
            [f"{result(transaction, meter, 'opened')} {stamp()}"] if kind.startswith("switch_") else
            [f"{meter} 4711.5 {stamp()}", result(transaction, meter, "done")])
        for number, meter in enumerate(METERS):
            got, out, err = amictl("--address", f"unix:{cls.folder}/rpc.sock", "--utility", "u", "switch", "open", meter,
                                   "--usage-point", f"UP-{meter}", "--serial-last4", f"470{number}", "--reason",
                                   "VACANT_MOVE_OUT", "--order", f"WO-{number}", "--yes")
            assert got == 0, (out + err).decode()
        cls.gateway.wait(lambda: cls.gateway.sql("select count(*) from switch_operation where state = 'VERIFIED_OPEN'") == "3"
                         and cls.sealed(), 60, "three meters to be open and the audit to be sealed", pause=0.1)
        # A stop keeps a head that names the end of the chain.
        cls.far.close()
        cls.gateway.stop_daemon()
        cls.lines = int(cls.gateway.sql("select count(*) from switch_audit"))
        cls.heads = sorted((cls.folder / "heads").glob("*.head"))
        cls.start()
        cls.gateway.sql("create table kept_audit as table switch_audit; create table kept_seal as table switch_seal")

    @classmethod
    def start(cls):
        cls.gateway.start(CONFIG.format(folder=cls.folder, conninfo=cls.gateway.conninfo, config=ROOT / "config"),
                          program="tests/pushed-gatewayd")

    @classmethod
    def sealed(cls):
        return cls.gateway.sql("select (select count(*) from switch_audit) = (select count(*) from switch_seal)") == "t"

    @classmethod
    def tamper(cls, statements):
        cls.gateway.sql("set session_replication_role = replica; " + statements)

    def restore(self):
        self.tamper("delete from switch_seal; delete from switch_audit; insert into switch_audit overriding system value "
                    "table kept_audit; insert into switch_seal table kept_seal")

    def run_amictl(self, *args, code=0, utility="u"):
        got, out, err = amictl("--address", f"unix:{self.folder}/rpc.sock", "--utility", utility, *args)
        self.assertEqual(got, code, (out + err).decode())
        return (out + err).decode()

    def verify(self, *args, code=0):
        return self.run_amictl("audit", "verify", *args, code=code)

    def with_heads(self):
        return [part for head in self.heads for part in ("--head", head)] + ["--public-key", self.folder / "keys/audit.pub"]

    def test_whole_audit_with_its_heads(self):
        said = self.verify(*self.with_heads())
        self.assertIn(f"{self.lines} lines checked, positions 1 to {self.lines}: every line is what was sealed", said)
        self.assertIn(f"signature good, position {self.lines}", said)
        self.assertIn("up to the newest signed head nothing was cut off", said)
        self.assertIn("0 lines are not sealed yet", said)
        objects = [json.loads(line) for line in self.run_amictl("--output", "json", "audit", "verify", *self.with_heads()).splitlines()]
        self.assertEqual([objects[-1][key] for key in ("lines", "findings", "heads_good", "heads_met", "unsealed")],
                         [self.lines, 0, len(self.heads), len(self.heads), 0])

    def test_without_a_head_it_says_what_it_cannot_see(self):
        self.assertIn("no signed head was given: that lines were cut off at the end", self.verify())
        self.assertIn("what stands before position 5 was not checked", self.verify("--from", "5"))

    def test_program_of_another_hand_comes_to_the_same(self):
        done = subprocess.run(["/usr/bin/python3", ROOT / "tests/e2e/audit/independent_check.py", self.gateway.conninfo,
                               self.heads[-1], self.folder / "keys/audit.pub"], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn(f"{self.lines} lines", done.stdout)

    def test_story_of_an_operation(self):
        story = self.run_amictl("audit", "show", "1")
        for words in ("OPEN of meter S1 at usage point UP-S1", "VACANT_MOVE_OUT, order WO-0", "asked for by  local operator",
                      "QUEUED -> SENT", "by the gateway's clock", "sealed at position 1,"):
            self.assertIn(words, story)
        lines = [json.loads(line) for line in self.run_amictl("--output", "json", "audit", "show", "1").splitlines()]
        self.assertEqual([line["version"] for line in lines], list(range(1, len(lines) + 1)))
        self.assertEqual((lines[0]["from_state"], lines[0]["to_state"], lines[0]["meter"]), (None, "REQUESTED", "S1"))
        self.assertIn("S3", self.run_amictl("audit", "list"))
        newest = [json.loads(line) for line in self.run_amictl("--output", "json", "audit", "list", "--meter", "S2").splitlines()]
        self.assertEqual({line["meter"] for line in newest}, {"S2"})
        self.assertEqual(newest, sorted(newest, key=lambda line: -line["audit_id"]))
        self.assertEqual(len(self.run_amictl("--output", "json", "audit", "list", "--limit", "2").splitlines()), 2)
        self.assertIn(f"up to position {self.lines}", self.run_amictl("audit", "status"))
        self.assertIn("has no line of operation 1", self.run_amictl("audit", "show", "1", utility="v", code=1))
        self.assertEqual(self.run_amictl("--output", "json", "audit", "list", utility="v"), "")

    def test_edit_is_named_by_its_position(self):
        self.addCleanup(self.restore)
        self.tamper("update switch_audit set on_behalf_of = 'somebody' where audit_id = (select audit_id from switch_seal where position = 4)")
        said = self.verify(*self.with_heads(), code=1)
        self.assertIn("position 4: EDITED", said)
        found = json.loads(self.run_amictl("--output", "json", "audit", "verify", code=1).splitlines()[0])
        self.assertEqual((found["finding"], found["position"]), ("EDITED", 4))

    def test_deleted_line_and_broken_chain(self):
        self.addCleanup(self.restore)
        self.tamper("delete from switch_audit where audit_id = (select audit_id from switch_seal where position = 3); "
                    "update switch_seal set chain_sha256 = sha256('x') where position = 6")
        said = self.verify(code=1)
        self.assertIn("position 3: DELETED", said)
        self.assertIn("position 6: SEAL: the chain breaks here", said)

    def test_cut_off_tail_needs_the_head(self):
        self.addCleanup(self.restart_clean)
        self.tamper("delete from switch_audit where audit_id in (select audit_id from switch_seal where position > 5); "
                    "delete from switch_seal where position > 5")
        self.assertIn("5 lines checked", self.verify())
        self.assertIn("TRUNCATED", self.verify(*self.with_heads(), code=1))
        # The gateway's sealer knew the end, too.
        self.gateway.wait(lambda: "SWITCH_AUDIT_CONTRADICTED" in self.gateway.log(), 30, "the alert")

    def restart_clean(self):
        self.restore()
        self.gateway.stop_daemon()
        self.start()

    def test_heads_that_do_not_hold(self):
        forged = self.folder / "forged.head"
        forged.write_text(self.heads[-1].read_text().replace(f"position: {self.lines}", "position: 1"))
        said = self.verify("--head", forged, "--public-key", self.folder / "keys/audit.pub", code=1)
        self.assertIn("HEAD: forged.head was not signed with this key, or was changed", said)
        subprocess.run([ROOT / "deploy/audit-key", self.folder / "other"], check=True, stdout=subprocess.DEVNULL)
        self.assertIn("was not signed with this key", self.verify("--head", self.heads[-1], "--public-key",
                                                                  self.folder / "other/audit.pub", code=1))
        garbage = self.folder / "garbage.head"
        garbage.write_bytes(b"\x00\xff" * 50)
        self.assertIn("has no signature", self.verify("--head", garbage, "--public-key", self.folder / "keys/audit.pub", code=1))

    def test_bad_usage(self):
        self.assertIn("--public-key", self.verify("--head", self.heads[-1], code=2))
        self.assertIn("cannot read", self.verify("--head", self.folder / "none", "--public-key", self.folder / "keys/audit.pub", code=2))
        self.assertIn("public key", self.verify("--head", self.heads[-1], "--public-key", self.heads[-1], code=2))
        self.verify("--from", "0", code=2)
        self.run_amictl("audit", "show", "0", code=2)
        got, _, err = amictl("--address", f"unix:{self.folder}/nobody.sock", "audit", "verify")
        self.assertEqual(got, 3, err.decode())

    def test_metrics_tell_what_waits(self):
        import urllib.request
        port = (self.folder / "http.port").read_text().strip()
        text = urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5).read().decode()
        for name in ("ami_switch_audit_unsealed", "ami_switch_audit_position"):
            self.assertIn(name, text)


if __name__ == "__main__":
    unittest.main()
