"""`amictl decode` on real files, against readers that share nothing with it: csv and xml.etree."""
import csv
import sys
import unittest
import xml.etree.ElementTree as ElementTree
from datetime import datetime, timedelta, timezone
from decimal import Decimal

from running import CONFIG, SAMPLES, Case, of_kind

NS = "{urn:com:ssn:schema:export:SSNExportFormat.xsd}"
DEMO = CONFIG / "adapters/flexnet-demo.yaml"
CMEP_FILES = [SAMPLES / "cmep/cmep.dat", SAMPLES / "cmep/constructed-focusax.cmep"]
SSN_FILES = [SAMPLES / "ssn/meco_v3-energy-test-data.xml", SAMPLES / "ssn/constructed-event.xml"]

# Vendor's unit -> ours, from the reading types that the shipped mapping documents.
DOCUMENTED = {"KWH": "kWh", "GKWH": "kWh", "KWHREG": "kWh"}
WITH_ASSUMPTIONS = {**DOCUMENTED, "GALREG": "USgal", "SKWHREG": "kWh", "PULSE": "kWh"}


def instant(text):
    """With an offset; as a moment in UTC."""
    return datetime.fromisoformat(text).astimezone(timezone.utc)


def cmep_time(text):
    return datetime.strptime(text, "%Y%m%d%H%M").replace(tzinfo=timezone.utc)


def read_cmep(path, meter_field, units):
    """(kind, meter, offset, channel, unit, instant, value) of each value, by the csv module."""
    offset, values = 0, []
    for line in path.read_bytes().split(b"\n"):
        if line.strip():
            fields = next(csv.reader([line.decode("ascii").rstrip("\r")]))
            tou = fields[0] == "MEPMD02"
            unit, constant = fields[10], Decimal(fields[12 if tou else 11])
            if unit not in units:
                constant = Decimal(1)  # without a known unit a value stays as written
            shown = units.get(unit, unit)
            readings = fields[16 if tou else 14:]
            assert len(readings) == 3 * int(fields[15 if tou else 13])
            register = tou or unit.endswith("REG")
            at = None
            for label_or_time, flag, value in zip(*[iter(readings)] * 3):
                if tou:
                    at, channel = cmep_time(fields[14]), f"{unit}:{label_or_time}"
                else:
                    length = fields[12]
                    at = (cmep_time(label_or_time) if label_or_time else
                          at + timedelta(days=int(length[2:4]), hours=int(length[4:6]), minutes=int(length[6:])))
                    channel = unit
                number = None if value == "" or flag.startswith("N") else Decimal(value) * constant
                values.append(("register" if register else "interval", fields[meter_field - 1], offset, channel,
                               shown, at, number, flag))
        offset += len(line) + 1
    return values


def values_of(lines):
    """The same of what amictl printed. A hole has no quality, a missing value has."""
    values = []
    for line in lines:
        if line["kind"] not in ("register", "interval_block"):
            continue
        start = [line[key] for key in ("meter", "offset", "channel", "unit")]
        if line["kind"] == "register":
            value = None if line["value"] is None else Decimal(line["value"])
            values.append(("register", *start, instant(line["time"]), value, line["quality"]["flag"]))
        elif line["kind"] == "interval_block":
            for i, (value, quality) in enumerate(zip(line["values"], line["quality"])):
                if quality is not None:
                    at = instant(line["first_end"]) + timedelta(seconds=line["length_s"] * i)
                    values.append(("interval", *start, at, None if value is None else Decimal(value),
                                   quality["flag"]))
    return values


def read_ssn(path):
    """(kind, meter, channel, unit, instant, value, tier) of each value, and the events, by xml.etree."""
    values, events = [], []
    for meter in ElementTree.parse(path).getroot().iter(f"{NS}MeterData"):
        name = meter.get("MeterName")
        for read in meter.iter(f"{NS}RegisterRead"):
            for tier in read.iter(f"{NS}Tier"):
                for register in tier.iter(f"{NS}Register"):
                    for attribute, unit in (("Summation", "SummationUOM"), ("CumulativeDemand", "DemandUOM")):
                        if register.get(attribute) is not None:
                            values.append(("register", name, register.get("Number"), register.get(unit),
                                           instant(read.get("ReadTime")), Decimal(register.get(attribute)),
                                           tier.get("Number")))
        for interval in meter.iter(f"{NS}Interval"):
            for reading in interval.iter(f"{NS}Reading"):
                values.append(("interval", name, "lp:" + reading.get("Channel"), reading.get("UOM"),
                               instant(interval.get("EndTime")), Decimal(reading.get("Value")), None))
        for event in meter.iter(f"{NS}Event"):
            events.append((name, event.get("EventName"), instant(event.get("EventTime"))))
    return values, events


class CmepSamples(Case):
    def test_demo_feed_reads_every_value_of_every_file(self):
        for path in CMEP_FILES:
            with self.subTest(path=path.name):
                lines = self.decode("cmep", "--config", DEMO, path)
                expected = read_cmep(path, 6, WITH_ASSUMPTIONS)
                self.assertGreater(len(expected), 10)
                self.assertEqual(values_of(lines), expected)

    def test_documented_mapping_alone_reads_what_needs_no_assumption(self):
        path = CMEP_FILES[1]
        lines = self.decode("cmep", path)
        self.assertEqual(values_of(lines), read_cmep(path, 8, DOCUMENTED))
        unmapped = {line["channel"] for line in lines if line["reading_type"] is None}
        self.assertEqual(unmapped, {"PULSE", "GALREG"})

    def test_real_file_has_no_meter_where_the_text_of_the_format_puts_it(self):
        path = CMEP_FILES[0]
        records = [line for line in path.read_bytes().split(b"\n") if line.strip()]
        lines = self.decode("cmep", path, code=1)
        self.assertEqual([line["reason"] for line in lines], ["missing_meter"] * len(records))
        offsets = [sum(len(record) + 1 for record in records[:i]) for i in range(len(records))]
        self.assertEqual([line["offset"] for line in lines], offsets)
        self.assertEqual([line["raw"] for line in lines], [r.decode().rstrip("\r") for r in records])

    def test_reading_types_are_those_of_the_table_of_record(self):
        lines = self.decode("cmep", CMEP_FILES[1])
        self.assertEqual(
            {line["channel"]: line["reading_type"] for line in lines if line["reading_type"]},
            {"KWH": "0.0.2.4.1.1.12.0.0.0.0.0.0.0.0.3.72.0", "GKWH": "0.0.2.4.19.1.12.0.0.0.0.0.0.0.0.3.72.0",
             "KWHREG": "0.0.0.1.1.1.12.0.0.0.0.0.0.0.0.3.72.0",
             "KWHREG:TOTAL": "0.0.0.1.1.1.12.0.0.0.0.0.0.0.0.3.72.0",
             "KWHREG:ON-PEAK": "0.0.0.9.1.1.12.0.0.0.0.1.0.0.0.3.72.0",
             "KWHREG:OFF-PEAK": "0.0.0.9.1.1.12.0.0.0.0.2.0.0.0.3.72.0"})

    def test_hex_and_bytes_give_the_same(self):
        for path in CMEP_FILES:
            hexed = self.file(path.read_bytes().hex(), path.name)
            self.assertEqual(self.decode("cmep", "--config", DEMO, "--hex", hexed),
                             self.decode("cmep", "--config", DEMO, path))

    def test_bad_line_put_between_real_ones_costs_only_itself(self):
        records = [line for line in CMEP_FILES[0].read_bytes().split(b"\n") if line.strip()]
        whole = self.file(b"\n".join(records) + b"\n", "whole")
        spoilt = self.file(b"\n".join(records[:2] + [records[2][:-40]] + records[2:]) + b"\n", "spoilt")
        good = self.decode("cmep", "--config", DEMO, whole)
        lines = self.decode("cmep", "--config", DEMO, spoilt, code=1)
        error, = of_kind(lines, "error")
        self.assertEqual(error["offset"], len(records[0]) + len(records[1]) + 2)
        self.assertEqual(error["reason"], "count_mismatch")
        without_offset = [{key: value for key, value in line.items() if key != "offset"} for line in lines
                          if line is not error]
        self.assertEqual(without_offset, [{k: v for k, v in line.items() if k != "offset"} for line in good])


class SsnSamples(Case):
    def check(self, path):
        expected, events = read_ssn(path)
        lines = self.decode("ssn-export", path)
        got = [(kind, meter, channel, at, value) for kind, meter, _, channel, _, at, value, _ in values_of(lines)]
        wanted = [(kind, meter, channel, at, value) for kind, meter, channel, _, at, value, _ in expected]
        key = lambda one: (one[0], one[1], one[2], one[3])
        self.assertEqual(sorted(got, key=key), sorted(wanted, key=key))
        self.assertEqual([(line["meter"], line["code"], instant(line["time"])) for line in of_kind(lines, "event")],
                         events)
        # kWh(rec) is kWh in the other direction; what that means stands in the reading type.
        ours = {"kWh": "kWh", "kWh(rec)": "kWh", "kW": "kW", "kW(rec)": "kW", "VrmsA-N": "V"}
        units = {(channel, ours[unit]) for _, _, channel, unit, _, _, _ in expected}
        self.assertEqual({(line["channel"], line["unit"]) for line in lines if "channel" in line}, units)
        tiers = {(channel, tier) for kind, _, channel, _, _, _, tier in expected if kind == "register"}
        self.assertEqual({(line["channel"], line["tou"]) for line in of_kind(lines, "register")}, tiers)
        return lines, expected, events

    def test_real_file_is_read_value_by_value(self):
        lines, expected, _ = self.check(SSN_FILES[0])
        self.assertEqual(len(expected), 7 * 8 + 8 * 4)  # 7 reads of 8 registers, 8 intervals of 4 channels
        for line in lines:
            if line["kind"] in ("register", "interval_block") and line["unit"] != "V":
                received = line["channel"] in ("1020", "1021", "2020", "2021", "lp:2")
                self.assertEqual(line["reading_type"].split(".")[4], "19" if received else "1", line["channel"])

    def test_nulls_stand_exactly_where_the_file_has_no_interval(self):
        expected, _ = read_ssn(SSN_FILES[0])
        there = {(channel, at) for kind, _, channel, _, at, _, _ in expected if kind == "interval"}
        for line in of_kind(self.decode("ssn-export", SSN_FILES[0]), "interval_block"):
            for i, value in enumerate(line["values"]):
                at = instant(line["first_end"]) + timedelta(seconds=900 * i)
                self.assertEqual(value is not None, (line["channel"], at) in there)

    def test_constructed_file_is_read_value_by_value(self):
        self.check(SSN_FILES[1])

    def test_demo_feed_reads_the_same(self):
        for path in SSN_FILES:
            self.assertEqual(self.decode("ssn-export", "--config", CONFIG / "adapters/ssn-demo.yaml", path),
                             self.decode("ssn-export", path))

    def test_hex_and_bytes_give_the_same(self):
        hexed = self.file(SSN_FILES[0].read_bytes().hex(), "hex")
        self.assertEqual(self.decode("ssn-export", "--hex", hexed), self.decode("ssn-export", SSN_FILES[0]))

    def test_line_ends_change_no_value(self):
        lf = SSN_FILES[0].read_bytes().replace(b"\r\n", b"\n")
        crlf = lf.replace(b"\n", b"\r\n")
        found = [[(kind, meter, channel, unit, at, value) for kind, meter, _, channel, unit, at, value, _ in
                  values_of(self.decode("ssn-export", self.file(content)))] for content in (lf, crlf)]
        self.assertEqual(found[0], found[1])
        self.assertTrue(found[0])


if __name__ == "__main__":
    missing = [str(path) for path in [*CMEP_FILES, *SSN_FILES] if not path.exists()]
    if missing:
        print("skipped, samples are missing:", *missing)
        sys.exit(77)
    unittest.main()
