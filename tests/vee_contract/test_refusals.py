"""Bad input: files of validation settings that are refused with file, line and the nearest known word, and calls that are
refused with a reason."""
import os
import pathlib
import subprocess
import tempfile
import unittest

import site_under_test
from days import DAY
from site_under_test import BUILD, FEED, ROOT, collection, explain

GATEWAY = """utilities:
  - {key: u, zone: America/Toronto}
data_dir: {data}
state_dir: {folder}
database: {conninfo: "host=/nowhere"}
rpc: {unix_socket: {folder}/rpc.sock}
http: {address: "127.0.0.1:0"}
validation: {validation}
adapters: [{folder}/feed.yaml]
"""
VALIDATION_LINE = 8

# What is wrong, the text of the file, its line, a word that must be said.
VEE = (
    ("an unknown check", "profile: mine\nprofiles:\n  mine: {checks: [V12, V99], estimation: false}\n", 3, "V99"),
    ("a check in words", "profiles:\n  mine: {checks: [spike], estimation: false}\n", 2, "spike"),
    ("an unknown profile", "profile: ful\n", 1, "full"),
    ("an unknown key", "profile: full\ntresholds:\n  V18: {ratio: 2}\n", 2, "thresholds"),
    ("an unknown key of a threshold", "thresholds:\n  V12: {factor: 1.2}\n  V18: {ration: 2}\n", 3, "ratio"),
    ("a threshold of no check", "thresholds:\n  V18: {ratio: 2}\n  V88: {ratio: 2}\n", 3, "V88"),
    ("a bound below zero", "thresholds:\n  V12: {factor: -1.1}\n", 2, "factor"),
    ("a bound of zero", "thresholds:\n  V18: {ratio: 1.8}\n  V20: {zeros_h: 0}\n", 3, "zeros_h"),
    ("one value is no run", "thresholds:\n  V21: {times: 1}\n", 2, "times"),
    ("more than all meters", "thresholds:\n  threshold_suspect: {above_percent: 101}\n", 2, "above_percent"),
    ("least above most", "thresholds:\n  V19: {least_of_usual: 3, most_of_usual: 2}\n", 2, "least_of_usual"),
    ("a text for a number", "thresholds:\n  V18: {ratio: high}\n", 2, "high"),
    ("a list for a section", "thresholds: [V18]\n", 1, "thresholds"),
    ("a pulse of less than nothing", "programmes:\n  - {class_a: 200, ke_wh: 1}\n  - {class_a: 100, ke_wh: -1}\n", 3, "ke_wh"),
    ("an unknown fact of a programme", "programmes:\n  - {class_a: 200, ke: 1}\n", 2, "ke_wh"),
    ("an unknown quantity", "programmes:\n  - {quantity: ENERGY_DELIVERD, ke_wh: 1}\n", 2, "ENERGY_DELIVERED"),
    ("a dial without digits", "programmes:\n  - {register_digits: 0, register_decimals: 0}\n", 2, "register_digits"),
    ("a text that is no YAML", "profile: [full\n", None, "vee.yaml"),
)
SECTION = (
    ("an unknown key", "{settel: 1m}", "settle"),
    ("a time below zero", "{settle: -1m}", "settle"),
    ("a pause of nothing", "{every: 0s}", "every"),
    ("a number without unit", "{every: 30}", "every"),
    ("a day that is none", "{holidays: [2026-02-30]}", "2026-02-30"),
    ("a holiday in words", "{holidays: [Christmas]}", "Christmas"),
)


class Configuration(unittest.TestCase):
    def setUp(self):
        if not (BUILD / "bin/ami-gatewayd").exists():
            self.skipTest("ami-gatewayd is not built")
        self.made = tempfile.TemporaryDirectory()
        self.addCleanup(self.made.cleanup)
        self.folder = pathlib.Path(self.made.name)
        (self.folder / "inbox").mkdir()

    def check(self, vee="profile: full\n", validation="{settle: 15m, every: 30s}", name="vee.yaml"):
        (self.folder / "vee.yaml").write_text(vee)
        text = GATEWAY
        for key, value in (("data", ROOT / "config"), ("folder", self.folder), ("validation", validation)):
            text = text.replace("{" + key + "}", str(value))
        (self.folder / "gateway.yaml").write_text(text)
        (self.folder / "feed.yaml").write_text(FEED.format(
            name="feed", utility="u", family="flexnet", zone="Etc/UTC", inbox=self.folder / "inbox", more=f"vee: {self.folder}/{name}"))
        done = subprocess.run([BUILD / "bin/ami-gatewayd", "--config", self.folder / "gateway.yaml", "--check-config"],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=30, check=False)
        return done.returncode, done.stdout

    def test_a_good_file_is_good(self):
        self.assertEqual(self.check(), self.check(site_under_test.MANY + site_under_test.PROGRAMMES))
        self.assertEqual(self.check()[0], 0, self.check()[1])
        self.assertEqual(self.check(vee="")[0], 0, "an empty overlay is the default")
        self.assertEqual(self.check(validation="{settle: 15m, every: 30s, holidays: [2026-12-25, 2027-01-01]}")[0], 0)

    def test_each_fault_of_a_vee_file_is_told_with_its_line(self):
        for what, text, line, word in VEE:
            with self.subTest(what):
                code, said = self.check(text)
                self.assertEqual(code, 2, said)
                self.assertIn(f"vee.yaml:{line}:" if line else "vee.yaml", said)
                self.assertIn(word, said)

    def test_all_faults_of_a_file_are_told_at_once(self):
        code, said = self.check("tresholds: {}\nprofile: ful\n")
        self.assertEqual(code, 2)
        self.assertIn("vee.yaml:1:", said)
        self.assertIn("vee.yaml:2:", said)

    def test_a_file_that_is_not_there(self):
        code, said = self.check(name="veee.yaml")
        self.assertEqual(code, 2)
        self.assertIn("veee.yaml", said)

    def test_the_section_of_the_gateway(self):
        for what, text, word in SECTION:
            with self.subTest(what):
                code, said = self.check(validation=text)
                self.assertEqual(code, 2, said)
                self.assertIn(f"gateway.yaml:{VALIDATION_LINE}:", said)
                self.assertIn(word, said)


class Calls(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.site = site_under_test.the()

    def findings(self, **fields):
        return self.site.refusal(self.site.findings_of.ListFindings, collection.ListFindingsRequest(**{"parent": "utilities/u", **fields}))

    def revalidate(self, **fields):
        return self.site.refusal(self.site.findings_of.Revalidate, collection.RevalidateRequest(**{"parent": "utilities/u", **fields}))

    def test_list_findings(self):
        for fields in (dict(check="V99"), dict(check="v14"), dict(first_day="2026-02-30"), dict(last_day="x"), dict(page_size=-1),
                       dict(first_day="2026-02-02", last_day="2026-02-01"), dict(purpose="x"), dict(page_token="nonsense")):
            with self.subTest(**fields):
                self.assertEqual(self.findings(**fields)["code"], "INVALID_ARGUMENT")
        unknown = self.findings(meter="utilities/u/meters/SENTINELS")
        self.assertEqual((unknown["reason"], unknown["nearest"].split("/")[-1]), ("METER_NOT_FOUND", "SENTINEL"))
        self.assertEqual(self.findings(parent="utilities/nowhere")["reason"], "UTILITY_NOT_FOUND")
        self.assertEqual(self.findings(meter="utilities/x/meters/SENTINEL")["code"] in ("INVALID_ARGUMENT", "NOT_FOUND"), True)

    def test_revalidate(self):
        for fields in (dict(), dict(first_day="2026-02-30"), dict(first_day="2026-02-02", last_day="2026-02-01"),
                       dict(first_day="1000-01-01", last_day="9999-12-31")):
            with self.subTest(**fields):
                self.assertEqual(self.revalidate(**fields)["code"], "INVALID_ARGUMENT")
        unknown = self.revalidate(meters=["utilities/u/meters/SENTINELS"], first_day=DAY)
        self.assertEqual((unknown["reason"], unknown["nearest"].split("/")[-1]), ("METER_NOT_FOUND", "SENTINEL"))

    def test_amictl_explain_of_a_day_that_is_none(self):
        done = subprocess.run([BUILD / "bin/amictl", "--address", f"unix:{self.site.folder}/rpc.sock", "--utility", "u", "reads",
                               "SENTINEL", "--explain", "--day", "2026-02-30"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True, check=False, env=dict(os.environ))
        self.assertIn(done.returncode, (1, 2), done.stdout)
        self.assertIn("day", done.stdout)


if __name__ == "__main__":
    unittest.main(verbosity=2)
