#!/usr/bin/env python3
"""Bad input through the running gateway: a clear reason each time, and every good neighbour stored.

Each case drops one file for meters of its own. A case says which dial readings must be there afterwards (kWh by meter)
and which reason stands in quarantine or in the file's reason note.
"""
import os
import pathlib
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tests/support"))
from gateway import Gateway  # noqa: E402

BUILD = pathlib.Path(os.environ["AMI_BIN_DIR"]).parent
NS = "urn:com:ssn:schema:export:SSNExportFormat.xsd"

CONFIG = """
utilities:
  - {{key: u, zone: America/Toronto}}
data_dir: {config}
state_dir: {folder}
database: {{conninfo: "{conninfo}", allow_owner: true, migrate_on_start: true, check_every: 200ms}}
rpc: {{unix_socket: {folder}/rpc.sock}}
http: {{address: "127.0.0.1:0", port_file: {folder}/http.port}}
adapters: [{folder}/ssn.yaml, {folder}/flexnet.yaml]
"""
FEED = "{{name: {family}, utility: u, family: {family}, folder: {inbox}, zone: America/Toronto, settle: 200ms, rescan: 500ms}}\n"


def dial(meter, kwh="1.0", time="202601150500", unit="KWHREG", count="1", flag="R"):
    return f"MEPMD01,19970819,S,C,R,C,202601160000,{meter},OK,E,{unit},1.0,,{count},{time},{flag},{kwh}"


def ssn(*bodies, ns=NS, head='<?xml version="1.0"?>', end="</SSNExportDocument>"):
    meters = "".join(bodies)
    return (f'{head}<SSNExportDocument xmlns="{ns}" Version="0.1" CreationTime="2026-01-16T00:00:00.000-05:00">'
            f"{meters}{end}").encode()


def ssn_dial(meter, kwh="1.0", time="2026-01-15T00:00:00.000-05:00", uom="kWh"):
    return (f'<MeterData MeterName="{meter}"><RegisterData NumberReads="1"><RegisterRead ReadTime="{time}"><Tier Number="0">'
            f'<Register Number="1010" Summation="{kwh}" SummationUOM="{uom}"/></Tier></RegisterRead></RegisterData></MeterData>')


def ssn_event(meter, name):
    return (f'<MeterData MeterName="{meter}"><EventData NumberEvents="1"><Event EventName="{name}" '
            f'EventTime="2026-01-15T00:00:00Z">text</Event></EventData></MeterData>')


def ssn_block(meter, channels):
    readings = "".join(f'<Reading Channel="{n}" RawValue="1" Value="0.1" UOM="kWh"/>' for n in range(1, channels + 1))
    return (f'<MeterData MeterName="{meter}"><IntervalReadData IntervalLength="15" NumberIntervals="1">'
            f'<Interval EndTime="2026-01-15T00:15:00Z">{readings}</Interval></IntervalReadData></MeterData>')


def lines(*records, newline="\r\n"):
    return "".join(record + newline for record in records).encode()


# name: (family, file content by case letter, kWh expected by meter letter, place, word that must be said)
def cases(m):
    bomb = '<?xml version="1.0"?><!DOCTYPE b [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>'
    good = [dial(m("a"), "1.0"), dial(m("z"), "2.0")]
    both = {m("a"): 1, m("z"): 2}
    return {
        "wrong_count": ("flexnet", lines(good[0], dial(m("b"), count="7"), good[1]), both, "done", "count_mismatch"),
        "bad_number": ("flexnet", lines(good[0], dial(m("b"), "12x4"), good[1]), both, "done", "bad_number"),
        "date_0": ("flexnet", lines(good[0], dial(m("b"), time="000000000000"), good[1]), both, "done", "bad_time"),
        "date_2069": ("flexnet", lines(good[0], dial(m("b"), time="206901010000"), good[1]), both, "done", "time_in_future"),
        "unknown_unit": ("flexnet", lines(good[0], dial(m("b"), unit="FURLONGREG"), good[1]), both, "done", "unknown_unit"),
        "unknown_meter": ("flexnet", lines(good[0], dial("NOBODY"), good[1]), both, "done", "unknown_meter"),
        "unknown_flag": ("flexnet", lines(good[0], dial(m("b"), flag="Q"), good[1]), both, "done", "unknown_flag"),
        "empty_value_of_a_valid_read": ("flexnet", lines(good[0], dial(m("b"), ""), good[1]), both, "done", "empty_value"),
        "long_flag": ("flexnet", lines(good[0], dial(m("b"), flag="R" + "9" * 9000), good[1]), both, "done", "text_too_long"),
        "skipped_spring_hour": ("flexnet", lines(good[0], dial(m("b"), time="202503090230"), good[1]), both, "done", "nonexistent_local_time"),
        "repeated_autumn_hour": ("flexnet", lines(good[0], dial(m("b"), time="202511020130"), good[1]), both, "done", "ambiguous_local_time"),
        "long_line": ("flexnet", lines(good[0]) + b"MEPMD01," + b"7" * (100 << 20) + b"\r\n" + lines(good[1]), both, "done", "line_too_long"),
        "nul_bytes": ("flexnet", lines(good[0], dial(m("b") + "\0")) + lines(good[1]), both, "done", "not_ascii"),
        "invalid_utf8": ("flexnet", lines(good[0]) + b"MEPMD01,\xff\xfe\xfa,x\r\n" + lines(good[1]), both, "done", "not_ascii"),
        "lf_instead_of_crlf": ("flexnet", lines(*good, newline="\n"), both, "done", None),
        "truncated_in_a_record": ("flexnet", lines(*good) + dial(m("b"))[:-14].encode(), both, "rejected", "cut short"),
        "empty_file": ("flexnet", b"", {}, "rejected", "empty"),
        "ssn_truncated": ("ssn", ssn(ssn_dial(m("a")), ssn_dial(m("b")), end="")[:-40], {m("a"): 1}, "rejected", "truncated"),
        "ssn_wrong_namespace": ("ssn", ssn(ssn_dial(m("a")), ns="urn:other"), {}, "rejected", "wrong_namespace"),
        "ssn_entity_bomb": ("ssn", ssn(ssn_dial(m("a"), "&b;"), head=bomb), {}, "rejected", "entity_declaration"),
        "ssn_not_xml": ("ssn", b"PK\x03\x04 this is a zip", {}, "rejected", "not_well_formed"),
        "ssn_empty_file": ("ssn", b"", {}, "rejected", "empty"),
        "ssn_invalid_utf8": ("ssn", ssn(ssn_dial(m("a"))) [:-20] + b"\xff\xfe", {m("a"): 1}, "rejected", "not_well_formed"),
        "ssn_bad_number": ("ssn", ssn(ssn_dial(m("a")), ssn_dial(m("b"), "1,5"), ssn_dial(m("z"), "2.0")), both, "done", "bad_number"),
        "ssn_unknown_unit": ("ssn", ssn(ssn_dial(m("a")), ssn_dial(m("b"), uom="kBTU"), ssn_dial(m("z"), "2.0")), both, "done", "unknown_unit"),
        "ssn_unknown_meter": ("ssn", ssn(ssn_dial(m("a")), ssn_dial("NOBODY"), ssn_dial(m("z"), "2.0")), both, "done", "unknown_meter"),
        "ssn_long_event": ("ssn", ssn(ssn_dial(m("a")), ssn_event(m("b"), "E" * 6000), ssn_dial(m("z"), "2.0")), both, "done", "text_too_long"),
        # One block, one raw record, one row in quarantine, however many channels it has.
        "ssn_block_of_an_unknown_meter": ("ssn", ssn(ssn_dial(m("a")), ssn_block("NOBODY", 40), ssn_dial(m("z"), "2.0")), both, "done",
                                          "unknown_meter"),
        "ssn_date_2069": ("ssn", ssn(ssn_dial(m("a")), ssn_dial(m("b"), time="2069-01-01T00:00:00Z"), ssn_dial(m("z"), "2.0")), both, "done", "time_in_future"),
    }


def case_names():
    return list(cases(lambda letter: letter))


class BadInput(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.gateway = Gateway(BUILD)
        cls.addClassCleanup(cls.gateway.close)
        folder = cls.gateway.folder
        for family in ("ssn", "flexnet"):
            (folder / "inbox" / family).mkdir()
            (folder / f"{family}.yaml").write_text(FEED.format(family=family, inbox=folder / "inbox" / family))
        cls.gateway.start(CONFIG.format(folder=folder, conninfo=cls.gateway.conninfo, config=ROOT / "config"))
        table = folder / "meters.csv"
        table.write_text("meter,usage_point\n" + "".join(f"{n}-{letter},UP-{n}-{letter}\n"
                                                         for n in case_names() + ["correction", "unreadable", "partition"] for letter in "abz"))
        cls.gateway.amictl("--utility", "u", "meters", "import", str(table))

    def drop(self, family, name, content):
        inbox = self.gateway.folder / "inbox" / family
        part = inbox / f".{name}.part"
        part.write_bytes(content)
        part.rename(inbox / name)
        self.gateway.wait(lambda: any((inbox / place / name).exists() for place in ("done", "rejected")), 60, f"{name} to be read")
        return "done" if (inbox / "done" / name).exists() else "rejected"

    def stored(self, prefix):
        rows = self.gateway.sql("select m.key, r.mantissa * 10.0 ^ r.exponent / 1000 from register_read r join meter m using (meter_id) "
                                f"where m.key like '{prefix}-%'")
        return {row.split("|")[0]: float(row.split("|")[1]) for row in rows.splitlines()}

    def test_each_case_says_what_is_wrong_and_stores_the_good_neighbours(self):
        for name in case_names():
            with self.subTest(name):
                family, content, expected, place, word = cases(lambda letter, n=name: f"{n}-{letter}")[name]
                file = f"{name}.{'xml' if family == 'ssn' else 'cmep'}"
                self.assertEqual(self.drop(family, file, content), place)
                self.assertEqual(self.stored(name), expected)
                reasons = self.gateway.sql("select q.reason, q.detail, length(q.raw) from quarantine q join source s using (source_id) "
                                           f"where s.name = '{file}'")
                if place == "rejected":
                    note = (self.gateway.folder / "inbox" / family / "rejected" / f"{file}.reason.txt").read_text()
                    self.assertIn(word, note)
                elif word is None:
                    self.assertEqual(reasons, "")
                else:
                    self.assertEqual([row.split("|")[0] for row in reasons.splitlines()], [word])
                    self.assertGreater(len(reasons.split("|")[1]), 5)  # words for a person

    def test_newest_wins_whatever_the_order_of_arrival_and_nothing_is_forgotten(self):
        def day(created, kwh):
            return (f"MEPMD01,19970819,S,C,R,C,{created},correction-a,OK,E,KWH,1.0,00000015,3,"
                    f"202601150015,R,0.100,,R,{kwh},,R,0.300\r\n").encode()
        self.drop("flexnet", "second.cmep", day("202601170000", "0.222"))
        self.drop("flexnet", "first.cmep", day("202601160000", "0.200"))
        self.drop("flexnet", "second-again.cmep", day("202601170000", "0.222") + b"MEPLF01,19970819\r\n")
        out = self.gateway.amictl("--utility", "u", "--output", "json", "reads", "correction-a", "--intervals", "--from", "2026-01-15",
                                  "--to", "2026-01-16")
        self.assertEqual([line.split('"value":"')[1].split('"')[0] for line in out.splitlines() if '"value":"' in line],
                         ["100", "222", "300"])
        self.assertEqual(self.gateway.sql("select count(*) from interval_revision"), "3")  # of the older file: slots 1 to 3

    def test_a_month_whose_partition_went_away_is_made_anew(self):
        def in_march(letter, day):
            return lines(dial(f"partition-{letter}", time=f"202603{day}0000"))
        self.assertEqual(self.drop("flexnet", "march-1.cmep", in_march("a", "01")), "done")
        self.gateway.sql("drop table register_read_2026_03")  # as after a restored backup
        self.assertEqual(self.drop("flexnet", "march-2.cmep", in_march("b", "02")), "done")
        self.assertEqual(self.stored("partition"), {"partition-b": 1.0})

    @unittest.skipIf(os.geteuid() != 0, "a file that root owns is needed")
    def test_a_file_that_is_no_plain_file_is_refused_and_others_go_on(self):
        inbox = self.gateway.folder / "inbox" / "flexnet"
        outside = self.gateway.folder / "outside.cmep"
        outside.write_bytes(lines(dial("unreadable-b")))
        os.symlink(outside, inbox / "link.cmep")
        self.assertEqual(self.drop("flexnet", "after.cmep", lines(dial("unreadable-a"))), "done")
        self.assertEqual(self.stored("unreadable"), {"unreadable-a": 1.0})
        self.assertTrue(outside.exists())


if __name__ == "__main__":
    unittest.main(verbosity=2)
