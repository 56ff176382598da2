"""`amictl reads --explain`, `reads --at`, `billing` and `vee` against a running gateway: files come, the day is judged."""
import csv
import io
import json
import pathlib
import re
import sys
import unittest
import xml.etree.ElementTree as ET
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
validation: {{settle: 0s, every: 200ms}}
adapters: [{folder}/flexnet.yaml]
"""
FEED = ("{{name: north, utility: u, family: flexnet, folder: {inbox}, zone: UTC, settle: 100ms, rescan: 200ms, "
        "vee: {folder}/vee.yaml}}\n")
VEE = """
profile: full
programmes:
  - {ke_wh: 1, register_digits: 9, register_decimals: 4, assumed: "of the test"}
"""
SVG = "{http://www.w3.org/2000/svg}"


def quarters(meter, first_end, values):
    """One CMEP record of 15 minute intervals in kWh; times are ends, in UTC. None = the sender says that it has none."""
    at = datetime.fromisoformat(first_end)
    triples = ",".join(f"{(at + timedelta(minutes=15 * i)):%Y%m%d%H%M},{'N' if v is None else 'R'},{'' if v is None else v / 1000}"
                       for i, v in enumerate(values))
    return f"MEPMD01,19970819,S,C,R,C,202404010000,{meter},OK,E,KWH,1.0,00000015,{len(values)},{triples}\r\n"


def dial(meter, readings):
    triples = ",".join(f"{datetime.fromisoformat(at):%Y%m%d%H%M},R,{kwh}" for at, kwh in readings)
    return f"MEPMD01,19970819,S,C,R,C,202404010000,{meter},OK,E,KWHREG,1.0,00000000,{len(readings)},{triples}\r\n"


# 8, 9, 10, 11, 12, 8, … Wh: 958 in 96 quarters. 9 March 2024 in Toronto is [9th 05:00Z, 10th 05:00Z).
DAY = [8 + i % 5 for i in range(96)]


class ReadsOfADay(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.gateway = Gateway(pathlib.Path(AMICTL).parents[1])
        cls.addClassCleanup(cls.gateway.close)
        folder = cls.gateway.folder
        (folder / "flexnet.yaml").write_text(FEED.format(inbox=folder / "inbox", folder=folder))
        (folder / "vee.yaml").write_text(VEE)
        cls.gateway.start(CONFIG.format(folder=folder, conninfo=cls.gateway.conninfo, config=ROOT / "config"))
        (folder / "meters.csv").write_text("meter,usage_point,model\nM1,P1,AXR-SD\nM2,P2,AXR-SD\nM3,P3,AXR-SD\n")
        cls.gateway.amictl("--utility", "u", "meters", "import", str(folder / "meters.csv"))
        cls.gateway.sql("update installation set valid = '[2024-01-01,)'; update usage_point_detail set valid = '[2020-01-01,)'; "
                        "update device_alias set valid = '[2020-01-01,)'; update meter_detail set valid = '[2020-01-01,)'")
        holes = list(DAY)
        holes[40] = holes[41] = None
        # M1's register moved 1.8 times as much as its intervals: 1724.4 Wh. M2 is sound, M3 lacks two quarters.
        text = (quarters("M1", "2024-03-09T05:15:00", DAY) +
                dial("M1", [("2024-03-09T05:00:00", "10.0000"), ("2024-03-10T05:00:00", "11.7244")]) +
                quarters("M2", "2024-03-09T05:15:00", DAY) +
                dial("M2", [("2024-03-09T05:00:00", "10.0000"), ("2024-03-10T05:00:00", "10.9580")]) +
                quarters("M3", "2024-03-09T05:15:00", holes))
        inbox = folder / "inbox"
        (inbox / ".day.part").write_text(text)
        (inbox / ".day.part").rename(inbox / "day.cmep")
        cls.gateway.wait(lambda: (inbox / "done" / "day.cmep").exists(), 60, "the file to be read")

    def run_amictl(self, *args, code=0):
        got, out, err = amictl("--address", f"unix:{self.gateway.folder}/rpc.sock", "--utility", "u", *args)
        self.assertEqual(got, code, err.decode())
        return out.decode() if code == 0 else err.decode()

    def objects(self, *args):
        return [json.loads(line) for line in self.run_amictl("--output", "json", *args).splitlines()]

    def test_a_mismatch_is_explained_to_a_person(self):
        text = self.run_amictl("reads", "M1", "--explain", "--day", "2024-03-09")
        lines = text.splitlines()
        self.assertEqual(lines[0], "M1  2024-03-09  America/Toronto, 2024-03-09T05:00:00Z to 2024-03-10T05:00:00Z")
        self.assertEqual(lines[1], "at P1, multiplier 1 (not applied)")
        self.assertTrue(lines[2].startswith("judged by profile full/"), lines[2])
        self.assertTrue(lines[2].endswith(" of feed north"), lines[2])
        for title in ("CHECKS", "FINDINGS", "WHERE IT CAME FROM  (amictl raw SOURCE shows it)"):
            self.assertIn(title, lines)
        check = next(line for line in lines if line.startswith("cmep:KWH ") and " V14 " in line)
        self.assertIn("FAILED", check)
        self.assertIn("DERIVED", check)
        at = next(i for i, line in enumerate(lines) if line.startswith("V14 2.6.0  cmep:KWH"))
        finding = "\n".join(lines[at:at + 8])
        self.assertIn("2024-03-09T05:00:00Z to 2024-03-10T05:00:00Z", finding)
        self.assertIn("register difference 1724.4 Wh", finding)
        self.assertIn("identity SUM fails by", finding)
        self.assertIn("WRONG_KE", finding)
        self.assertIn("assumed: of the test", lines)
        # Each interval of the day is marked by the local clock: 24 hours of four.
        hours = [hour for line in lines if re.fullmatch(r"\d\d [.?!xe]+(  \d\d [.?!xe]+)*", line) for hour in line.split("  ")]
        self.assertEqual(hours, [f"{hour:02} !!!!" for hour in range(24)])
        self.assertIn("day.cmep", text)
        self.assertNotIn("\033", text)

    def test_json_holds_every_slot_and_its_source(self):
        [day] = self.objects("reads", "M1", "--explain", "--day", "2024-03-09")
        channel = next(c for c in day["channels"] if c["channel"] == "cmep:KWH")
        self.assertEqual(len(channel["slots"]), 96)
        self.assertEqual(channel["slots"][0]["start"], "2024-03-09T05:00:00Z")
        self.assertEqual(float(channel["slots"][1]["value"]), 9)
        self.assertEqual(channel["slots"][1]["found"], ["2.6.0"])
        self.assertEqual(channel["paired"], "cmep:KWHREG")
        source = next(s for s in day["sources"] if s["number"] == channel["slots"][0]["source"])
        self.assertEqual(source["feed"], "north")
        self.assertEqual(len(source["content_sha256"]), 64)
        raw = self.run_amictl("raw", source["source"].rsplit("/", 1)[1], "--purpose", "test of the source")
        offset = int(source.get("offset", 0))
        self.assertIn("MEPMD01", raw[offset:offset + int(source["length"])])
        [only] = self.objects("reads", "M1", "--explain", "--day", "2024-03-09", "--channel", "cmep:KWHREG")
        self.assertEqual([c["channel"] for c in only["channels"]], ["cmep:KWHREG"])

    def picture(self, meter):
        path = self.gateway.folder / f"{meter}.svg"
        self.run_amictl("reads", meter, "--explain", "--day", "2024-03-09", "--plot", str(path))
        root = ET.parse(path).getroot()
        self.assertEqual(root.tag, SVG + "svg")
        self.assertEqual(root.get("role"), "img")
        self.assertEqual(root.find(SVG + "title").text, f"{meter}, 2024-03-09")
        self.assertIn("96 intervals of 900 s", root.find(SVG + "desc").text)
        self.assertIn("prefers-color-scheme:dark", root.find(SVG + "style").text)
        marks = {}
        for element in root.iter():
            marks.setdefault(element.get("class"), []).append(element)
        return marks

    def test_pictures_show_findings_estimates_and_the_sum_check(self):
        broken, sound, holes = self.picture("M1"), self.picture("M2"), self.picture("M3")
        self.assertEqual(len(broken["under"]), 96)
        self.assertIn("found", broken)
        self.assertIn("differ", broken)
        self.assertNotIn("agree", broken)
        self.assertIn("agree", sound)
        self.assertEqual(len(sound["reading"]), 2)
        self.assertNotIn("differ", sound)
        self.assertEqual(len(holes["under"]), 94)
        self.assertEqual(len(holes["guess"]), 2)
        self.assertEqual(len(holes["hatch"]), 2)
        self.assertTrue(all("estimated" in e.find(SVG + "title").text for e in holes["guess"]))

    def test_estimates_leave_through_layer_best_and_say_so(self):
        def slots(layer):
            rows = self.objects("reads", "M3", "--intervals", "--from", "2024-03-09T15:00:00Z", "--to", "2024-03-09T15:30:00Z", "--layer",
                                layer)
            return [(row["value"], row["quality"]) for row in rows]
        self.gateway.wait(lambda: all(value for value, _ in slots("best")), 60, "the estimates")
        # Between 12 and 10: 11 1/3 and 10 2/3, to the last place that the intervals have.
        best = slots("best")
        self.assertEqual([round(float(value)) for value, _ in best], [11, 11])
        self.assertEqual({quality.split()[0] for _, quality in best}, {"2.8.0"})
        self.assertTrue(all(value is None for value, _ in slots("validated")))
        self.assertEqual(slots("raw"), [(None, q) for _, q in slots("raw")])
        table = self.run_amictl("reads", "M3", "--intervals", "--from", "2024-03-09T15:00:00Z", "--to", "2024-03-09T15:30:00Z",
                                "--layer", "best")
        self.assertEqual(table.count("LINEAR"), 2)

    def test_findings_are_listed_and_days_judged_again(self):
        def found():
            return self.objects("vee", "findings", "--check", "V14", "--from", "2024-03-09", "--to", "2024-03-09")
        self.gateway.wait(lambda: len(found()) == 1, 60, "the finding")
        [finding] = found()
        self.assertEqual((finding["meter"], finding["channel"], finding["quality_code"]), ("utilities/u/meters/M1", "cmep:KWH", "2.6.0"))
        self.assertNotIn("words", finding)
        with_words = self.objects("vee", "findings", "--meter", "M1", "--check", "V14", "--purpose", "test of the words")
        self.assertTrue(with_words[0]["words"])
        table = self.run_amictl("vee", "findings", "--meter", "M1").splitlines()
        self.assertEqual(table[0].split()[:6], ["ID", "DAY", "METER", "CHANNEL", "CHECK", "CODE"])
        self.assertEqual(self.run_amictl("vee", "revalidate", "M1", "M2", "--from", "2024-03-09"), "2 days of meters are judged again\n")
        self.assertIn("METER_NOT_FOUND", self.run_amictl("vee", "revalidate", "M9", "--from", "2024-03-09", code=1))

    def test_reads_at_an_instant(self):
        def at(*more):
            [answer] = self.objects("reads", "M2", "--at", "2024-03-09T06:00:00Z", *more)
            return answer["reads"][0]
        plain = at()
        self.assertEqual((plain["how"], float(plain["before"]["value"]), plain["before_distance"]), ("BRACKETING", 10000, "3600s"))
        computed = at("--processed")
        # The first hour: 8 + 9 + 10 + 11.
        self.assertEqual((computed["how"], float(computed["processed"]["value"])), ("PROCESSED", 10038))
        self.assertEqual(computed["processed"]["method"], "REGISTER_PLUS_INTERVALS")
        self.assertEqual(at("--max-distance", "1h")["how"], "BRACKETING")
        self.assertEqual(at("--max-distance", "59m")["how"], "MISSING")
        table = self.run_amictl("reads", "P2", "--usage-point", "--at", "2024-03-09T06:07:00Z", "--processed").splitlines()
        self.assertEqual(table[0], "M2 at P2 (America/Toronto), 2024-03-09T06:07:00Z")
        self.assertIn("LINEAR, not from the intervals: no interval ends at this time", "\n".join(table))

    def test_billing_reads_as_table_json_and_csv(self):
        points = self.objects("billing", "--date", "2024-03-10", "--before", "6h")
        self.assertEqual([p["usage_point"].rsplit("/", 1)[1] for p in points], ["P1", "P2", "P3"])
        self.assertEqual(points[1]["time"], "2024-03-10T05:00:00Z")
        self.assertEqual((points[1]["reads"][0]["how"], float(points[1]["reads"][0]["value"]["value"])), ("EXACT", 10958))
        rows = list(csv.DictReader(io.StringIO(self.run_amictl("billing", "P2", "P9", "--time", "2024-03-09T06:00:00Z", "--csv"))))
        self.assertEqual([(r["usage_point"], r["kind"], r["how"]) for r in rows], [("P2", "READ", "MISSING")])
        self.assertEqual((float(rows[0]["last_good_value"]), rows[0]["last_good_time"]), (10000, "2024-03-09T05:00:00Z"))
        self.assertIn("OUTSIDE_TOLERANCE", rows[0]["rejected"])
        table = self.run_amictl("billing", "P2", "--date", "2024-03-09", "--after", "30m").splitlines()
        self.assertEqual(table[0].split()[:3], ["USAGE", "POINT", "KIND"])
        self.assertIn("EXACT", table[1])
        self.assertIn("date", self.run_amictl("billing", "--date", "2024-02-30", code=1))

    def test_what_is_refused_is_told_in_words(self):
        self.assertIn("nearest known is utilities/u/meters/M1", self.run_amictl("reads", "M11", "--explain", "--day", "2024-03-09", code=1))
        self.assertIn("CHANNEL_NOT_FOUND",
                      self.run_amictl("reads", "M1", "--explain", "--day", "2024-03-09", "--channel", "cmep:KVAH", code=1))
        self.assertIn("cannot write", self.run_amictl("reads", "M1", "--explain", "--day", "2024-03-09", "--plot", "/nonexistent/x.svg", code=1))
        self.assertIn("no meter was there",
                      self.run_amictl("reads", "P1", "--usage-point", "--explain", "--day", "2023-03-09", code=1))


class Usage(unittest.TestCase):
    def refused(self, *args, says):
        code, out, err = amictl(*args)
        self.assertEqual((code, out), (2, b""), err)
        self.assertIn(says, err)

    def test_arguments_are_checked_before_the_gateway_is_asked(self):
        u = ("--utility", "u")
        self.refused("reads", *u, "M1", "--explain", says=b"--day")
        self.refused("reads", *u, "M1", "--day", "2024-03-09", says=b"--explain")
        self.refused("reads", *u, "M1", "--plot", "x.svg", says=b"--explain")
        self.refused("reads", *u, "M1", "--explain", "--intervals", says=b"--intervals")
        self.refused("reads", *u, "M1", "--at", "yesterday", says=b"yesterday")
        self.refused("reads", *u, "M1", "--processed", says=b"--at")
        for span in ("6", "h", "-6h", "6 h", "six", "6w", "999999999999d"):
            self.refused("reads", *u, "M1", "--at", "2024-03-09", f"--max-distance={span}", says=b"no length of time")
        self.refused("billing", *u, says=b"--date")
        self.refused("billing", *u, "--date", "2024-03-09", "--time", "2024-03-09", says=b"--time")
        self.refused("billing", *u, "--date", "2024-03-09", "--before", "soon", says=b"soon")
        self.refused("billing", *u, "--date", "2024-03-09", "--quantity", "POWER", says=b"POWER")
        self.refused("billing", *u, "--output", "json", "--csv", "--date", "2024-03-09", says=b"--csv")
        self.refused("billing", "--date", "2024-03-09", says=b"--utility")
        self.refused("vee", *u, says=b"subcommand")
        self.refused("vee", "revalidate", *u, "M1", says=b"--from")
        self.refused("vee", "findings", *u, "--limit", "0", says=b"--limit")

    def test_gateway_that_is_not_there_is_exit_3(self):
        for command in (["reads", "M1", "--explain", "--day", "2024-03-09"], ["reads", "M1", "--at", "2024-03-09"],
                        ["billing", "--date", "2024-03-09"], ["vee", "findings"], ["vee", "revalidate", "--from", "2024-03-09"]):
            code, out, err = amictl("--address", "unix:/nonexistent/x.sock", "--utility", "u", *command)
            self.assertEqual((code, out), (3, b""), (command, err))


if __name__ == "__main__":
    unittest.main()
