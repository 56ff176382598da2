"""`amictl decode` on good, bad and broken input; nothing but made-up records."""
import subprocess
import unittest
from decimal import Decimal

from running import AMICTL, CONFIG, Case, amictl, of_kind

NS = "urn:com:ssn:schema:export:SSNExportFormat.xsd"


def cmep(meter, values, unit="KWH", length="00000015", count=None, start="202601150515"):
    readings = ",".join(f"{start if i == 0 else ''},R,{value}" for i, value in enumerate(values))
    count = len(values) if count is None else count
    return f"MEPMD01,19970819,S,C,R,RC,202601151700,{meter},OK,E,{unit},1.0,{length},{count},{readings}".encode()


def ssn(*intervals, before="", meter="M1"):
    body = "".join(f'<Interval EndTime="2026-01-14T0{i}:00:00.000-05:00"><Reading Channel="1" Value="{value}" '
                   f'UOM="kWh"/></Interval>' for i, value in enumerate(intervals, 1))
    return (f'<?xml version="1.0"?>{before}<SSNExportDocument xmlns="{NS}" CreationTime="2026-01-15T00:00:00.850-05:00">'
            f'<MeterData MeterName="{meter}"><IntervalReadData IntervalLength="60">{body}</IntervalReadData>'
            f'</MeterData></SSNExportDocument>').encode()


class Cmep(Case):
    def test_malformed_line_in_the_middle_costs_only_itself(self):
        bad_lines = {
            "count_mismatch": cmep("BAD", ["1", "2"], count=3),
            "unknown_record_type": b"HELLO,WORLD",
            "bad_quoting": b'MEPMD01,19970819,"S,C,R',
            "not_ascii": cmep("B\xc9D", ["1"]),
            "unknown_purpose": cmep("BAD", ["1"]).replace(b",OK,", b",MAYBE,"),
            "missing_meter": cmep("", ["1"]),
            "unsupported_interval": cmep("BAD", ["1"], length="01000000"),
            "bad_time": cmep("BAD", ["1"], start="202613150515"),
            "bad_number": cmep("BAD", ["0x10"]),
            "line_too_long": b"MEPMD01," + b"x" * 200_000,
        }
        bad_lines_too = {"not_ascii": cmep("BA\0D", ["1"]), "missing_meter": b"MEPMD01",
                         "count_mismatch": cmep("BAD", ["1"])[:-2]}
        for reason, bad in [*bad_lines.items(), *bad_lines_too.items()]:
            with self.subTest(reason=reason, line=bad[:60]):
                first, last = cmep("A", ["0.1", "0.2"]), cmep("Z", ["0.3"])
                lines = self.decode("cmep", self.file(first + b"\r\n" + bad + b"\n" + last), code=1)
                self.assertEqual([line["kind"] for line in lines], ["interval_block", "error", "interval_block"])
                self.assertEqual([line["meter"] for line in lines if line["kind"] != "error"], ["A", "Z"])
                self.assertEqual([line["offset"] for line in lines],
                                 [0, len(first) + 2, len(first) + 2 + len(bad) + 1])
                self.assertEqual(lines[1]["reason"], reason)
                self.assertTrue(lines[1]["detail"])
                self.assertEqual(lines[2]["values"], ["0.3"])

    def test_bad_number_inside_a_record_costs_only_its_reading(self):
        lines = self.decode("cmep", self.file(cmep("A", ["1", "nan", "3"]) + b"\n"), code=1)
        self.assertEqual([line["reason"] for line in of_kind(lines, "error")], ["bad_number"])
        self.assertEqual(of_kind(lines, "interval_block")[0]["values"], ["1", None, "3"])

    def test_number_that_no_exact_decimal_holds_is_an_error_and_not_missing(self):
        lines = self.decode("cmep", self.file(cmep("A", ["1", "1E99", "3"]) + b"\n"), code=1)
        self.assertEqual([line["reason"] for line in of_kind(lines, "error")], ["bad_number"])
        self.assertEqual(of_kind(lines, "interval_block")[0]["values"], ["1", None, "3"])

    def test_every_notation_of_a_number_keeps_its_exact_value(self):
        given = ["-0.0", "+12.50", ".5", "7.", "1E3", "25d-2", "H00FF", "999999999999999"]
        wanted = [Decimal(0), Decimal("12.50"), Decimal("0.5"), Decimal(7), Decimal(1000), Decimal("0.25"),
                  Decimal(255), Decimal("999999999999999")]
        block, = self.decode("cmep", self.file(cmep("A", given)))
        self.assertEqual([Decimal(value) for value in block["values"]], wanted)

    def test_empty_file_has_no_lines_and_is_no_error(self):
        for content in (b"", b"\n\r\n \n"):
            self.assertEqual(self.decode("cmep", self.file(content)), [])

    def test_line_ends_change_nothing_but_offsets(self):
        records = [cmep("A", ["1", "2"]), b"junk", cmep("B", ["3"], unit="KWHREG", length=""), cmep("C", [""])]
        found = {}
        for name, end in (("lf", b"\n"), ("crlf", b"\r\n")):
            found[name] = self.decode("cmep", self.file(end.join(records) + end, name), code=1)
        self.assertEqual([line["offset"] for line in found["crlf"]],
                         [line["offset"] + i for i, line in enumerate(found["lf"])])
        for line in found["lf"] + found["crlf"]:
            del line["offset"]
        self.assertEqual(found["lf"], found["crlf"])
        self.assertEqual(len(found["lf"]), 4)

    def test_utf16_and_binary_files_give_errors_and_valid_json(self):
        for content in (cmep("A", ["1"]).decode().encode("utf-16"), bytes(range(256)) * 40):
            lines = self.decode("cmep", self.file(content), code=1)
            self.assertTrue(lines)
            self.assertEqual({line["kind"] for line in lines}, {"error"})


class SsnExport(Case):
    def test_bad_reading_in_the_middle_costs_only_itself(self):
        content = ssn("0.1", "many", "0.3")
        lines = self.decode("ssn-export", self.file(content), code=1)
        error, = of_kind(lines, "error")
        self.assertEqual((error["reason"], error["meter"]), ("bad_number", "M1"))
        at = content.index(b'<Reading Channel="1" Value="many"')
        self.assertEqual(error["offset"], at)
        block, = of_kind(lines, "interval_block")
        self.assertEqual(block["values"], ["0.1", None, "0.3"])
        self.assertEqual(block["first_end"], "2026-01-14T06:00:00Z")

    def test_document_that_breaks_off_delivers_what_was_complete(self):
        content = ssn("0.1", "0.2", "0.3")
        cut = content[:content.index(b'Value="0.3"')]
        lines = self.decode("ssn-export", self.file(cut), code=1)
        self.assertEqual([line["reason"] for line in of_kind(lines, "error")], ["truncated"])
        self.assertEqual(of_kind(lines, "interval_block")[0]["values"], ["0.1", "0.2"])

    def test_broken_documents_name_their_reason(self):
        bomb = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
        deep = (f'<SSNExportDocument xmlns="{NS}">' + "<x>" * 5000).encode()
        cases = {
            "empty_file": b"",
            "wrong_namespace": ssn("1").replace(NS.encode(), b"urn:other"),
            "wrong_root": ssn("1").replace(b"SSNExportDocument", b"Document"),
            "entity_declaration": ssn("1", before=bomb),
            "not_well_formed": ssn("1").replace(b"</MeterData>", b"</Meter>"),
            "too_deep": deep,
            "attribute_too_long": ssn("1", meter="x" * 100_000),
            "unsupported_encoding": ssn("1").replace(b'"1.0"?', b'"1.0" encoding="ISO-8859-1"?'),
        }
        for reason, content in cases.items():
            with self.subTest(reason=reason):
                lines = self.decode("ssn-export", self.file(content), code=1)
                self.assertEqual([line["reason"] for line in of_kind(lines, "error")], [reason])

    def test_bytes_that_are_no_utf8_end_the_document_with_valid_json(self):
        lines = self.decode("ssn-export", self.file(ssn("1", "2").replace(b"M1", b"M\xff\xfe")), code=1)
        self.assertEqual(len(of_kind(lines, "error")), 1)


class Files(Case):
    def test_hex_gives_the_same_as_the_bytes(self):
        for wire, content in (("cmep", cmep("A", ["1", ""]) + b"\r\n" + b"ju\xffnk\n" + cmep("B", ["2"])),
                              ("ssn-export", ssn("0.1", "x"))):
            plain = self.decode(wire, self.file(content), code=1)
            digits = content.hex()
            spaced = "\n".join(digits[i:i + 47] for i in range(0, len(digits), 47)) + "\r\n\t"
            self.assertEqual(self.decode(wire, "--hex", self.file(digits, "hex"), code=1), plain)
            self.assertEqual(self.decode(wire, "--hex", self.file(spaced.upper(), "HEX"), code=1), plain)

    def test_what_is_no_hex_is_an_error_object_and_the_next_file_is_read(self):
        good = self.file((cmep("A", ["1"]) + b"\n").hex(), "good")
        for content, offset in ((b"4d45 zz", 5), (b"4d4", 3), (b"\xff", 0)):
            with self.subTest(content=content):
                lines = self.decode("cmep", "--hex", self.file(content, "bad"), good, code=1)
                self.assertEqual([line["kind"] for line in lines], ["error", "interval_block"])
                self.assertEqual((lines[0]["reason"], lines[0]["offset"]), ("not_hex", offset))

    def test_file_that_cannot_be_read_is_named_and_the_next_one_is_read(self):
        good = self.file(cmep("A", ["1"]) + b"\n", "good")
        hexed = self.file((cmep("A", ["1"]) + b"\n").hex(), "hexed")
        for flags, neighbour in (([], good), (["--hex"], hexed)):
            for path in (self.folder / "gone", self.folder):
                with self.subTest(flags=flags, path=path):
                    code, out, err = amictl("decode", "--wire", "cmep", *flags, path, neighbour)
                    self.assertEqual(code, 1)
                    self.assertIn(f"cannot read {path}", err.decode())
                    self.assertEqual(out.count(b'"interval_block"'), 1)

    def test_files_are_printed_one_after_the_other(self):
        one, two = self.file(cmep("A", ["1"]) + b"\n", "1"), self.file(cmep("B", ["2"]), "2")
        lines = self.decode("cmep", one, two, one)
        self.assertEqual([(line["meter"], line["offset"]) for line in lines], [("A", 0), ("B", 0), ("A", 0)])

    def test_usage_errors(self):
        path = self.file(cmep("A", ["1"]))
        for arguments in ([path], ["--wire", "cmep"], ["--wire", "smoke-signals", path], ["--wire", path], [],
                          ["--wire", "cmep", "--frob", path], ["--wire", "cmep", "--config", "gone.yaml", path]):
            with self.subTest(arguments=arguments):
                code, out, err = amictl("decode", *arguments)
                self.assertEqual((code, out), (2, b""))
                self.assertTrue(err)

    def test_output_that_cannot_be_written_is_a_failure(self):
        path = self.file((cmep("A", ["1"]) + b"\n") * 2000)
        with open("/dev/full", "wb") as full:
            done = subprocess.run([AMICTL, "decode", "--wire", "cmep", path], stdout=full, stderr=subprocess.PIPE,
                                  env={"AMI_CONFIG_DIR": str(CONFIG)}, timeout=60, check=False)
        self.assertEqual(done.returncode, 1)


if __name__ == "__main__":
    unittest.main()
