"""`amictl meters` about modules, verification and the notice, against a gateway: from the CSV to what a read says."""
import json
import pathlib
import subprocess
import sys
import unittest

from running import AMICTL, ROOT, amictl

sys.path.insert(0, str(ROOT / "tests/support"))
from gateway import Gateway  # noqa: E402

CONFIG = """
demo: true
utilities:
  - key: u
    zone: UTC
    notice: AE-1641
    switch_evidence: [{{module: RF_MESH, author: J. Doe, document: Test report 7}}]
data_dir: {config}
state_dir: {folder}
database: {{conninfo: "{conninfo}", migrate_on_start: true, check_every: 200ms}}
rpc: {{unix_socket: {folder}/rpc.sock}}
http: {{address: "127.0.0.1:0", port_file: {folder}/http.port}}
adapters: [{folder}/flexnet.yaml]
"""
FEED = "{{name: north, utility: u, family: flexnet, folder: {inbox}, zone: UTC, settle: 100ms, rescan: 200ms}}\n"
# Energy delivered of two meters, four quarter-hours of 2024-03-01.
RECORDS = "".join(
    f"MEPMD01,19970819,S,C,R,C,202404010000,{meter},OK,E,KWH,1.0,00000015,4,202403010015,R,1,202403010030,R,2,"
    "202403010045,R,3,202403010100,R,4\r\n" for meter in ("good", "wall"))
HEAD = "meter,model,form,elements,wires,class,firmware,module_type,usage_point\n"
GOOD = "good,FOCUS AXR-SD,2S,1.5,3,200,5.33,FlexNet,P1\n"
# A service switch in a transformer-rated meter.
WALL = "wall,FOCUS AXR-SD,2S,1.5,3,20,5.33,FlexNet,P2\n"


class MetersApproval(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.gateway = Gateway(pathlib.Path(AMICTL).parents[1])
        cls.addClassCleanup(cls.gateway.close)
        folder = cls.gateway.folder
        (folder / "flexnet.yaml").write_text(FEED.format(inbox=folder / "inbox"))
        cls.gateway.start(CONFIG.format(folder=folder, conninfo=cls.gateway.conninfo, config=ROOT / "config"))
        cls.csv = folder / "meters.csv"
        cls.csv.write_text(HEAD + GOOD + WALL)
        cls.refused = cls.run_amictl("meters", "import", cls.csv, "--planned", "--at", "2020-01-01", code=1)
        cls.nothing = cls.run_amictl("meters")
        cls.stored = cls.run_amictl("meters", "import", cls.csv, "--at", "2020-01-01")
        inbox = folder / "inbox"
        (inbox / ".a.part").write_text(RECORDS)
        (inbox / ".a.part").rename(inbox / "a.cmep")
        cls.gateway.wait(lambda: (inbox / "done" / "a.cmep").exists(), 60, "the file to be read")

    @classmethod
    def run_amictl(cls, *args, code=0):
        """Standard output, and behind it what went to standard error."""
        got, out, err = amictl("--address", f"unix:{cls.gateway.folder}/rpc.sock", "--utility", "u", *args)
        assert got == code, f"exit code {got}: {err.decode()}{out.decode()}"
        return out.decode() + err.decode()

    def objects(self, *args):
        return [json.loads(line) for line in self.run_amictl("--output", "json", *args).splitlines()]

    def shown(self, meter):
        return self.objects("meters", "show", meter)[0]

    def test_planned_import_is_refused_with_line_and_clause_and_stores_nothing(self):
        self.assertIn(f"{self.csv}:3: ", self.refused)
        self.assertIn("SUMMARY DESCRIPTION, paragraph 7", self.refused)
        self.assertIn("nothing stored: 1 of 2 rows", self.refused)
        self.assertNotIn("good", self.nothing)

    def test_what_is_on_the_wall_is_stored_and_listed(self):
        self.assertIn("2 new meters, 2 installed", self.stored)
        self.assertIn("1 are NONCONFORMING", self.stored)
        listed = self.objects("meters", "nonconforming")
        listed = {row["meter"]["name"]: row for row in listed}
        self.assertNotIn("utilities/u/meters/good", listed)
        wall = listed["utilities/u/meters/wall"]
        self.assertEqual(wall["usage_point"], "utilities/u/usagePoints/P2")
        self.assertEqual(wall["findings"][0]["rule"], "MODEL_RESTRICTION")
        table = self.run_amictl("meters", "nonconforming")
        self.assertIn("AE-1641, SUMMARY DESCRIPTION, paragraph 7", table)
        self.assertNotIn("good", table)
        self.assertEqual(self.objects("meters", "nonconforming", "--at", "2019-01-01"), [])

    def test_its_reads_are_stored_and_marked(self):
        read = ("--intervals", "--from", "2024-03-01", "--to", "2024-03-02", "--purpose", "test")
        for meter, approval, nonconforming in (("good", "TYPE_APPROVAL_APPROVED", False), ("wall", "TYPE_APPROVAL_OUTSIDE", True)):
            values = self.objects("reads", meter, *read)
            self.assertEqual([value["value"] for value in values], ["1000", "2000", "3000", "4000"])
            self.assertEqual({value["type_approval"] for value in values}, {approval})
            self.assertEqual({value["nonconforming"] for value in values}, {nonconforming})
            self.assertEqual({value["verification"] for value in values}, {"VERIFICATION_UNKNOWN"})
        self.assertIn("OUTSIDE NONCONFORMING", self.run_amictl("reads", "wall", *read))

    def test_show_says_conformity_and_switch_with_the_clause(self):
        self.assertEqual(self.shown("good")["conformity"]["state"], "CONFORMING")
        self.assertEqual(self.shown("good")["conformity"]["switch_capability"], "SWITCH_ALLOWED")
        wall = self.shown("wall")["conformity"]
        self.assertEqual((wall["state"], wall["switch_capability"]), ("NONCONFORMING", "SWITCH_REFUSED"))
        self.assertIn("SUMMARY DESCRIPTION, paragraph 7", wall["switch_reason"])
        self.assertIn("NONCONFORMING", self.run_amictl("meters", "show", "wall"))

    def test_modules_are_swapped_and_seals_follow(self):
        self.csv.with_name("swap.csv").write_text(HEAD + GOOD.replace("good", "swap").replace("P1", ""))
        self.run_amictl("meters", "import", self.csv.with_name("swap.csv"), "--planned", "--at", "2020-01-01")
        self.assertIn("IN_PERIOD", self.run_amictl("meters", "verify", "swap", "--seal-date", "2021-05-03", "--certificate",
                                                   "C-7", "--lot", "L-1", "--due-year", "2199"))
        self.assertIn("FlexNet", self.run_amictl("meters"))
        self.assertEqual(self.run_amictl("meters", "fit", "swap", "RF_MESH", "--at", "2022-01-01", "--seal-kept"),
                         "swap: RF_MESH\n")
        self.assertEqual(self.shown("swap")["conformity"]["switch_capability"], "SWITCH_ALLOWED_BY_SITE_EVIDENCE")
        self.assertEqual(self.shown("swap")["verification"], "VERIFICATION_IN_PERIOD")
        self.assertEqual(self.run_amictl("meters", "fit", "swap", "UMT-R-F", "--board", "EMTR-3-FX", "--at", "2023-01-01"),
                         "swap: UMT-R-F with EMTR-3-FX, seal broken\n")
        swap = self.shown("swap")
        self.assertEqual(swap["verification"], "VERIFICATION_NOT_VERIFIED")
        self.assertEqual([module["key"] for module in swap["modules"]], ["FLEXNET", "RF_MESH", "UMT"])
        self.assertEqual(swap["verifications"][0]["certificate"], "C-7")
        self.assertIn("IN_PERIOD", self.run_amictl("meters", "verify", "swap", "--seal-date", "2023-02-01", "--certificate",
                                                   "C-8", "--due-year", "2199"))
        self.assertIn("NOT_VERIFIED", self.run_amictl("meters", "verify", "swap", "--seal-date", "2023-02-01", "--withdraw"))
        self.assertIn("no module", self.run_amictl("meters", "fit", "swap", "none", "--at", "2024-01-01"))

    def test_excluded_exchange_is_refused_unless_it_has_been_done(self):
        self.csv.with_name("new.csv").write_text(HEAD + WALL.replace("wall", "new").replace("P2", "")
                                                 + GOOD.replace("good", "old").replace("P1", "P3"))
        self.run_amictl("meters", "import", self.csv.with_name("new.csv"), "--at", "2020-01-01")
        swap = ("meters", "exchange", "P3", "new", "--at", "2024-02-01T00:00:00Z")
        said = self.run_amictl(*swap, code=1)
        self.assertIn("MODEL_RESTRICTION", said)
        self.assertIn("SUMMARY DESCRIPTION, paragraph 7", said)
        self.assertIn("old removed, new installed", self.run_amictl(*swap, "--already-in-place"))

    def test_bad_input(self):
        self.assertIn("FLEXNET, RF_MESH, SSN, TRILLIANT, TS2, UMT",
                      self.run_amictl("meters", "fit", "good", "Itron", "--at", "2025-01-01", code=1))
        self.assertIn("due_year", self.run_amictl("meters", "verify", "good", "--seal-date", "2021-05-03", "--certificate",
                                                  "C", "--due-year", "2020", code=1))
        self.assertIn("seal_date", self.run_amictl("meters", "verify", "good", "--seal-date", "May", "--certificate", "C",
                                                   "--due-year", "2030", code=1))
        self.assertIn("METER_NOT_FOUND", self.run_amictl("meters", "verify", "nobody", "--seal-date", "2021-05-03",
                                                         "--certificate", "C", "--due-year", "2030", code=1))
        self.run_amictl("meters", "verify", "good", code=2)
        self.run_amictl("meters", "fit", "good", code=2)
        self.assertIn("is not a time", self.run_amictl("meters", "nonconforming", "--at", "yesterday", code=2))
        self.csv.with_name("bad.csv").write_text(HEAD + GOOD.replace("good", "bad").replace("FlexNet", "Itron"))
        said = self.run_amictl("meters", "import", self.csv.with_name("bad.csv"), code=1)
        self.assertIn("bad.csv:2: module_type: ", said)
        self.assertIn("METER_NOT_FOUND", self.run_amictl("meters", "show", "bad", code=1))


if __name__ == "__main__":
    unittest.main()
