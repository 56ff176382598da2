#!/usr/bin/env python3
"""Real vendor files through the running gateway: every finding that they give, one by one, and why.

What is expected is made out from the files by an independent reader. The exports of the samples are years old, so the
grace of every civil day has passed.
"""
import csv
import datetime as dt
import os
import pathlib
import re
import shutil
import sys
import unittest
import urllib.request
import xml.etree.ElementTree as ElementTree

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tests/support"))
from gateway import Gateway  # noqa: E402

SAMPLES = pathlib.Path(os.environ.get("AMI_SAMPLES_DIR", ROOT.parent / "shared/samples"))
BUILD = pathlib.Path(os.environ["AMI_BIN_DIR"]).parent
NS = "{urn:com:ssn:schema:export:SSNExportFormat.xsd}"
UTC = dt.timezone.utc
HONOLULU = dt.timezone(dt.timedelta(hours=-10))  # no summer time
QUARTER = dt.timedelta(minutes=15)
DAY = dt.timedelta(days=1)
REACH = dt.timedelta(hours=26)   # how far a day looks around itself
PATIENCE = 180  # seconds, on a machine that has other things to do
SILENT = dt.timedelta(days=40)   # so long before that, a channel must have had a value to owe any

CONFIG = """
utilities:
  - {{key: maui, zone: Pacific/Honolulu}}
data_dir: {config}
state_dir: {folder}/state
database: {{conninfo: "{conninfo}", allow_owner: true, migrate_on_start: true, check_every: 200ms}}
rpc: {{unix_socket: {folder}/rpc.sock}}
http: {{address: "127.0.0.1:0", port_file: {folder}/http.port}}
validation: {{settle: 0s, every: 100ms}}
adapters: [{folder}/ssn.yaml, {folder}/flexnet.yaml]
"""


def utc(text):
    return dt.datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone(UTC)


def midnight(day):
    return dt.datetime.combine(day, dt.time(), HONOLULU).astimezone(UTC)


@unittest.skipUnless(SAMPLES.is_dir(), "samples are not beside the checkout")
class RealSamples(unittest.TestCase):
    maxDiff = 2000

    @classmethod
    def setUpClass(cls):
        cls.gateway = Gateway(BUILD)
        cls.addClassCleanup(cls.gateway.close)
        cls.folder = folder = cls.gateway.folder
        (folder / "state").mkdir()
        shutil.copytree(ROOT / "config", folder / "config")
        for family, source in (("ssn", "ssn.yaml"), ("flexnet", "flexnet-demo.yaml")):
            (folder / "inbox" / family).mkdir()
            cls.write_feed(family, source)
        cls.gateway.start(CONFIG.format(folder=folder, conninfo=cls.gateway.conninfo, config=folder / "config"))
        meters = ["100000", "B72842123", "B72842062", "B72842130", "BW23020", "E36525F12SD"]
        table = folder / "meters.csv"
        table.write_text("meter,usage_point,zone,form,class\n" +
                         "".join(f"{m},UP-{m},Pacific/Honolulu,2S,200\n" for m in meters))
        cls.gateway.amictl("--utility", "maui", "meters", "import", str(table))
        cls.drop("ssn", SAMPLES / "ssn/meco_v3-energy-test-data.xml")
        cls.drop("flexnet", SAMPLES / "cmep/cmep.dat")
        cls.judged()

    @classmethod
    def write_feed(cls, family, source, more=""):
        text = (ROOT / "config/adapters" / source).read_text()
        for name in ("example", "demo"):
            text = text.replace(f"utility: {name}", "utility: maui")
        for inbox in (f"/var/lib/ami-gateway/inbox/{family}", f"../../build/demo/inbox/{family}"):
            text = text.replace(inbox, str(cls.folder / "inbox" / family))
        if more:
            text = re.sub(r"(?m)^vee:.*\n", "", text) + more
        (cls.folder / f"{family}.yaml").write_text(text)

    @classmethod
    def drop(cls, family, path):
        inbox = cls.folder / "inbox" / family
        shutil.copy(path, inbox / f".{path.name}.part")
        (inbox / f".{path.name}.part").rename(inbox / path.name)
        cls.gateway.wait(lambda: (inbox / "done" / path.name).exists(), 60, f"{path.name} to be read")

    @classmethod
    def judged(cls):
        """Until the change feed was read, what was there before it was queued, and nothing waits that is due. A silent
        meter's days are judged one after the other, a step each."""
        cls.gateway.wait(lambda: cls.gateway.sql(
            "SELECT count(*) FROM judged_day") != "0" and cls.gateway.sql(
            "SELECT (SELECT count(*) FROM validation_due WHERE due_at <= now()) + (SELECT count(*) FROM validation_dirty)"
            " + (SELECT count(*) FROM validation_state WHERE seeded_to IS NOT NULL)"
            " + (SELECT count(*) FROM change c LEFT JOIN validation_cursor v USING (utility_id)"
            "    WHERE c.kinds & 64 = 0 AND ((c.txid, c.change_id) > (v.txid, v.change_id)) IS NOT FALSE)") == "0",
            PATIENCE, "validation", pause=0.1)

    def findings(self, meter):
        """{(check, code, channel, from, to)} as they stand."""
        rows = self.gateway.sql(
            "SET timezone = 'UTC'; SELECT f.check_number, f.quality, coalesce(c.key, ''), extract(epoch FROM from_at)::bigint,"
            " extract(epoch FROM to_at)::bigint FROM any_finding f JOIN meter m USING (meter_id)"
            f" LEFT JOIN channel c USING (channel_id) WHERE gone_at IS NULL AND m.key = '{meter}'")
        found = []
        for line in rows.splitlines():
            check, code, channel, begin, end = line.split("|")
            found.append((f"V{int(check):02}", code, channel, dt.datetime.fromtimestamp(int(begin), UTC),
                          dt.datetime.fromtimestamp(int(end), UTC)))
        self.assertEqual(len(found), len(set(found)), "each once")
        return set(found)

    # ---- SSN: a UtilityIQ export of which eight quarter-hours were published ----

    def ssn(self):
        return ElementTree.parse(SAMPLES / "ssn/meco_v3-energy-test-data.xml").getroot()

    def test_of_the_ssn_export_only_what_was_cut_out_of_it_is_missing(self):
        """Its intervals were published for 8 April 2013 from 00:00 to 02:00, the dials until the 14th. So in each of the
        four channels everything is missing from 02:00 on, and then day by day, until the channel has been silent for 40
        days before the hours that are looked at: from then on it owes nothing.

        Not found, and why:
        V14  two kWh channels may belong to the one kWh dial, which is read at 06:00:08 besides; Ke is not configured.
        V15  tier 1 stands at zero for a week in which the total counts: no tariff is programmed, so there is no sum.
        V17  each dial only rises, by less than 240 V x 200 A x 1.1 allow in a day.
        V12  the greatest quarter-hour has 211 Wh; 13,200 Wh are possible.
        V06  what is there is on the grid. V24: neither from the future nor from before the meter was installed.
        """
        root = self.ssn()
        there = {}
        for interval in root.iter(NS + "Interval"):
            end = utc(interval.get("EndTime"))
            for reading in interval.iter(NS + "Reading"):
                there.setdefault(f"ssn:lp:{reading.get('Channel')}", set()).add(end - QUARTER)
        self.assertEqual(sorted(there), ["ssn:lp:1", "ssn:lp:2", "ssn:lp:3", "ssn:lp:4"])
        first = min(min(starts) for starts in there.values())
        expected = set()
        for channel, starts in there.items():
            day = first.astimezone(HONOLULU).date()
            while midnight(day) - REACH - SILENT <= max(starts):
                begin, end = midnight(day), midnight(day + DAY)
                slots = [begin + i * QUARTER for i in range(96)]
                missing = [slot for slot in slots if slot not in starts]
                runs = [slot for slot in missing if slot - QUARTER not in missing]
                self.assertEqual(len(runs), 1, "one stretch a day")
                self.assertEqual(missing[-1] + QUARTER, end)
                expected.add(("V07", "2.5.259", channel, missing[0], end))
                day += DAY
        self.assertEqual(self.findings("100000"), expected)

    def test_the_words_say_what_is_missing(self):
        words = self.gateway.sql("SELECT words FROM finding WHERE from_at = '2013-04-08 12:00Z' AND gone_at IS NULL")
        self.assertEqual(set(words.splitlines()), {"intervals are missing: missing 88"})

    # ---- CMEP: hourly dials of four water meters and one electricity meter, 2011 ----

    def test_of_the_cmep_file_only_the_dials_that_ran_backwards_are_suspect(self):
        """Three of the four water dials fall by 1 to 5 gallons, four times in all: each time V17 says so of the lower
        reading, since neither the digits nor the greatest flow of these meters are known, which a wrap would need. The
        fourth and the electricity meter only rise. Hours apart by a minute are readings of a dial, not intervals, so
        there is no grid for V06 and nothing is missing.
        """
        falls = 0
        with open(SAMPLES / "cmep/cmep.dat", encoding="ascii", newline="") as lines:
            for row in csv.reader(lines):
                meter, unit, values = row[5], row[10], row[14:]
                reads = [(dt.datetime.strptime(values[i], "%Y%m%d%H%M").replace(tzinfo=UTC), float(values[i + 2]))
                         for i in range(0, len(values), 3)]
                lower = [at for (_, before), (at, value) in zip(reads, reads[1:]) if value < before]
                falls += len(lower)
                self.assertEqual(self.findings(meter), {("V17", "2.5.258", f"cmep:{unit}", at, at) for at in lower}, meter)
        self.assertEqual(falls, 4)

    # ---- what a site changes ----

    def test_other_thresholds_hold_for_the_days_that_are_judged_again(self):
        """A profile of the site's own that does not look for gaps, taken over by a reload: no feed is started anew or reads
        a file again, and what was found stays until the day is judged again."""
        before = self.findings("100000")
        sources = self.gateway.sql("SELECT count(*) FROM source")
        started = self.gateway.log().count("FEED_STARTED")
        (self.folder / "config/vee/site.yaml").write_text("profile: mine\nprofiles: {mine: {checks: [V06, V17]}}\n")
        self.write_feed("ssn", "ssn.yaml", "vee: vee/site.yaml\n")
        self.gateway.reload()
        self.assertEqual(self.findings("100000"), before)
        self.gateway.amictl("--utility", "maui", "vee", "revalidate", "--from", "2013-04-08")
        gone = {finding for finding in before if finding[3] < midnight(dt.date(2013, 4, 9))}
        self.assertEqual(len(gone), 4)
        self.gateway.wait(lambda: self.findings("100000") == before - gone, PATIENCE, "the day to be judged again", pause=0.1)
        self.write_feed("ssn", "ssn.yaml")
        self.gateway.reload()
        self.gateway.amictl("--utility", "maui", "vee", "revalidate", "--from", "2013-04-08")
        self.gateway.wait(lambda: self.findings("100000") == before, PATIENCE, "the day to be judged again", pause=0.1)
        self.assertEqual(self.gateway.sql("SELECT count(*) FROM source"), sources)
        self.assertEqual(self.gateway.log().count("FEED_STARTED"), started)

    def test_metrics_tell_what_was_done(self):
        """The counters follow the commit of a step, and the queue's length is told once a round has ended: neither is
        there at the moment when the database says that all is judged."""
        port = (self.folder / "http.port").read_text().strip()
        wanted = (r"(?m)^ami_validation_meter_days_total [1-9]", r'(?m)^ami_validation_findings_total\{check="V07"\} [1-9]',
                  r'(?m)^ami_validation_findings_total\{check="V17"\} [1-9]', r"(?m)^ami_validation_waiting [0-9]")

        def told():
            page = urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=60).read().decode()
            return all(re.search(line, page) for line in wanted)
        self.gateway.wait(told, PATIENCE, "the metrics", pause=0.1)


if __name__ == "__main__":
    if not SAMPLES.is_dir():
        print("skipped: samples are not beside the checkout")
        sys.exit(77)
    unittest.main(verbosity=2)
