"""`amictl audit`, `retention` and `maintenance` against a gateway that works with the documented database logins."""
import json
import pathlib
import subprocess
import sys
import unittest

from running import AMICTL, ROOT, amictl

sys.path.insert(0, str(ROOT / "tests/support"))
from gateway import Gateway  # noqa: E402

CONFIG = """
utilities: [{{key: u, zone: UTC}}]
data_dir: {config}
state_dir: {folder}
database:
  conninfo: "{login} user=ami_gateway"
  reader_conninfo: "{login} user=ami_gateway_reader"
  migrator_conninfo: "{login} user=ami_gateway_owner"
  migrate_on_start: true
  check_every: 200ms
rpc: {{unix_socket: {folder}/rpc.sock}}
http: {{address: "127.0.0.1:0", port_file: {folder}/http.port}}
adapters: [{folder}/flexnet.yaml]
"""
FEED = "{{name: north, utility: u, family: flexnet, folder: {inbox}, zone: UTC, settle: 100ms, rescan: 200ms}}\n"
RECORD = ("MEPMD01,19970819,S,C,R,C,202404010000,M1,OK,E,KWH,1.0,00000015,4,202403010015,R,1,202403010030,R,2,"
          "202403010045,R,3,202403010100,R,4\r\n")


class Admin(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.gateway = Gateway(pathlib.Path(AMICTL).parents[1])
        cls.addClassCleanup(cls.gateway.close)
        folder, conninfo = cls.gateway.folder, cls.gateway.conninfo
        subprocess.run(["psql", "-Xq", "-v", "ON_ERROR_STOP=1", "-v", "database=ami", "-d", conninfo, "-f",
                        ROOT / "deploy/database-roles.sql"], check=True)
        (folder / "flexnet.yaml").write_text(FEED.format(inbox=folder / "inbox"))
        cls.gateway.start(CONFIG.format(folder=folder, login=conninfo.replace("user=ami ", ""), config=ROOT / "config"))
        (folder / "meters.csv").write_text("meter,usage_point\nM1,P1\n")
        cls.gateway.amictl("--utility", "u", "meters", "import", str(folder / "meters.csv"))
        inbox = folder / "inbox"
        (inbox / ".a.part").write_text(RECORD)
        (inbox / ".a.part").rename(inbox / "a.cmep")
        cls.gateway.wait(lambda: (inbox / "done" / "a.cmep").exists(), 60, "the file to be read")

    def run_amictl(self, *args, code=0):
        got, out, err = amictl("--address", f"unix:{self.gateway.folder}/rpc.sock", "--utility", "u", *args)
        self.assertEqual(got, code, err.decode())
        return out.decode() if code == 0 else err.decode()

    def objects(self, *args):
        return [json.loads(line) for line in self.run_amictl("--output", "json", *args).splitlines()]

    def test_who_read_what(self):
        read = ("reads", "M1", "--intervals", "--from", "2024-03-01", "--to", "2024-03-02", "--purpose", "complaint 12")
        self.assertIn("1", self.run_amictl(*read))
        rows = [row for row in self.objects("audit", "access", "--meter", "M1") if row["purpose"] == "complaint 12"]
        self.assertEqual([(r["caller"], r["meter"], r["rpc"]) for r in rows],
                         [("local operator", "M1", "/ami.v1.ReadingService/StreamIntervals")])
        self.assertIn("complaint 12", self.run_amictl("audit", "access"))
        self.assertEqual(self.objects("audit", "access", "--meter", "M2"), [])
        self.assertEqual(self.objects("audit", "access", "--to", "2020-01-01"), [])

    def test_hold_is_set_shown_and_lifted(self):
        made = self.objects("retention", "hold", "--meter", "M1", "--from", "2024-01-01", "--to", "2025-01-01", "--holder",
                            "Court 17", "--reason", "disputed bills")[0]
        self.assertEqual((made["subject"], made["set_by"]), ("utilities/u/meters/M1", "local operator"))
        number = made["name"].rsplit("/", 1)[1]
        self.assertIn("Court 17", self.run_amictl("retention", "holds"))
        self.run_amictl("retention", "lift", number, "--reason", "settled out of court")
        self.assertNotIn("Court 17", self.run_amictl("retention", "holds"))
        self.assertIn("settled", self.run_amictl("retention", "holds", "--lifted"))
        self.assertIn("lifted already", self.run_amictl("retention", "lift", number, "--reason", "again", code=1))
        self.assertIn("LEGAL_HOLD_NOT_FOUND", self.run_amictl("retention", "lift", "999", "--reason", "why", code=1))

    def test_bad_input(self):
        hold = ("retention", "hold", "--holder", "Court 17", "--reason", "disputed bills")
        self.assertIn("what shall be held", self.run_amictl(*hold, code=2))
        self.assertIn("what shall be held", self.run_amictl(*hold, "--meter", "M1", "--everything", code=2))
        self.assertIn("METER_NOT_FOUND", self.run_amictl(*hold, "--meter", "M9", code=1))
        self.assertIn("INVALID_FIELD", self.run_amictl("retention", "hold", "--everything", "--holder", "x", "--reason",
                                                       "disputed bills", code=1))
        self.assertIn("is not a time", self.run_amictl(*hold, "--meter", "M1", "--from", "yesterday", code=2))
        self.run_amictl("retention", code=2)
        self.run_amictl("audit", code=2)

    def test_nothing_was_dropped_and_nothing_maintained_yet(self):
        self.assertEqual(self.objects("retention", "certificates"), [])
        self.assertEqual(self.objects("maintenance"), [])
        self.assertIn("BYTES BEFORE", self.run_amictl("maintenance"))


if __name__ == "__main__":
    unittest.main()
