"""`amictl decode` on megabytes: everything comes out, and the time grows no faster than the input."""
import resource
import unittest
from datetime import datetime, timedelta

from running import Case, amictl

MEGABYTE = 1 << 20
NS = "urn:com:ssn:schema:export:SSNExportFormat.xsd"


def cmep_lines(size):
    record = ("MEPMD01,19970819,S,C,R,RC,202601151700,M{:06d},OK,E,KWH,1.0,00000015,96,202601150015,R,0.250"
              + ",,R,0.251" * 95 + "\r\n")
    count = size // len(record.format(0)) + 1
    return "".join(record.format(i) for i in range(count)).encode(), count


def ssn_document(size):
    """One meter, one block of data as large as asked for."""
    start = datetime(2020, 1, 1)
    parts, length, count = [], 0, 0
    while length < size:
        end = (start + timedelta(minutes=15 * (count + 1))).strftime("%Y-%m-%dT%H:%M:%S.000-10:00")
        parts.append(f'<Interval EndTime="{end}"><Reading Channel="1" RawValue="500" Value="0.2500" UOM="kWh"/></Interval>\n')
        length += len(parts[-1])
        count += 1
    document = (f'<SSNExportDocument xmlns="{NS}"><MeterData MeterName="M1"><IntervalReadData IntervalLength="15">'
                + "".join(parts) + "</IntervalReadData></MeterData></SSNExportDocument>")
    return document.encode(), count


class Scale(Case):
    def seconds(self, wire, content, code):
        """Processor time of one run; what else the machine does has no part in it."""
        path = self.file(content)
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        got, _, err = amictl("decode", "--wire", wire, path, timeout=100)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        self.assertEqual(got, code, err[:500])
        return after.ru_utime - before.ru_utime

    def grows_in_proportion(self, wire, make, code):
        small, large = self.seconds(wire, make(MEGABYTE), code), self.seconds(wire, make(5 * MEGABYTE), code)
        # Five times the input: 5 when linear, 25 when quadratic. Small times are mostly start-up.
        self.assertLess(large, 12 * max(small, 0.2))

    def test_every_value_of_five_megabytes_of_cmep(self):
        content, count = cmep_lines(5 * MEGABYTE)
        lines = self.decode("cmep", self.file(content))
        self.assertEqual(len(lines), count)
        self.assertEqual({line["meter"] for line in lines}, {f"M{i:06d}" for i in range(count)})
        self.assertEqual({tuple(line["values"]) for line in lines}, {("0.250",) + ("0.251",) * 95})
        self.assertEqual([line["offset"] for line in lines], [i * (len(content) // count) for i in range(count)])

    def test_every_value_of_five_megabytes_of_ssn(self):
        content, count = ssn_document(5 * MEGABYTE)
        lines = self.decode("ssn-export", self.file(content))
        end = datetime(2020, 1, 1, 10, 15)  # UTC
        for line in lines:  # blocks follow each other without a gap
            self.assertEqual(line["first_end"], end.strftime("%Y-%m-%dT%H:%M:%SZ"))
            end += timedelta(minutes=15) * len(line["values"])
        values = [value for line in lines for value in line["values"]]
        self.assertEqual((len(values), set(values)), (count, {"0.2500"}))

    def test_time_for_good_files_grows_in_proportion(self):
        self.grows_in_proportion("cmep", lambda size: cmep_lines(size)[0], 0)
        self.grows_in_proportion("ssn-export", lambda size: ssn_document(size)[0], 0)

    def test_time_for_hostile_files_grows_in_proportion(self):
        root = f'<SSNExportDocument xmlns="{NS}">'.encode()
        for wire, make, code in (
                ("cmep", lambda size: b"x" * size, 1),                      # a line without an end
                ("cmep", lambda size: b"\n" * size, 0),
                ("cmep", lambda size: b"x\n" * (size // 20), 1),
                ("cmep", lambda size: (b'"' * 60_000 + b"\n") * (size // 60_001), 1),
                ("ssn-export", lambda size: root + b" " * size, 1),
                ("ssn-export", lambda size: root + b"<a/>" * (size // 4) + b"</SSNExportDocument>", 0),
                ("ssn-export", lambda size: root + b'<a b="' + b"x" * size, 1),
                ("ssn-export", lambda size: root + b"<!-- " + b"-x" * (size // 2), 1)):
            with self.subTest(wire=wire, start=make(200)[:90]):
                self.grows_in_proportion(wire, make, code)

    def test_few_readings_with_wide_gaps_do_not_become_gigabytes(self):
        start = datetime(1000, 1, 1)
        readings = ",".join(f"{(start + timedelta(minutes=99_000 * i)).strftime('%Y%m%d%H%M').zfill(12)},R,1"
                            for i in range(1000))
        record = f"MEPMD01,19970819,S,C,R,RC,202601151700,M1,OK,E,KWH,1.0,00000001,1000,{readings}\n"
        self.assertLess(len(record), 65_536)
        code, out, err = amictl("decode", "--wire", "cmep", self.file(record), timeout=100)
        self.assertEqual(code, 0, err)
        self.assertLess(len(out), 60 * MEGABYTE)
        self.assertEqual(out.count(b'["1"]'), 1000)


if __name__ == "__main__":
    unittest.main()
