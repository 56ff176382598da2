"""`amictl meters import`: what cannot be read is told row by row, and nothing is sent."""
import unittest

from running import Case, amictl


class Import(Case):
    def run_import(self, csv, *arguments):
        self.path = self.file(csv, "meters.csv")
        address = f"unix:{self.folder}/nobody.sock"
        code, out, err = amictl("--address", address, "--utility", "u", "meters", "import", self.path, *arguments)
        return code, out.decode(), err.decode()

    def told(self, err):
        """line -> message, of the lines that begin with the file's name."""
        start = f"{self.path}:"
        found = {}
        for text in err.splitlines():
            if text.startswith(start):
                number, message = text[len(start):].split(": ", 1)
                found[int(number)] = message
        return found

    def test_every_bad_row_is_named_with_file_and_line(self):
        code, out, err = self.run_import(
            b"meter,wires,valid_from,feeder\n"
            b"M1,3,2026-01-01,F1\n"
            b"M2,three,2026-01-01,F1\n"
            b"M3,3,yesterday,F1\n"
            b"\n"
            b"M4,3\n"
            b"M5,3,2026-01-01,F1,more\n"
            b"M6,3x,2026-01-01,F1\n"
            b"M7,99999999999,2026-01-01,F1\n"
            b'M8,3,2026-01-01,"two\nlines"\n'
            b"M9,,,Qu\xe9bec\n"
            b"M10,3,2026-01-01T00:00:00,F1\n")
        told = self.told(err)
        self.assertEqual(sorted(told), [3, 4, 6, 7, 8, 9, 12, 13])
        for line in (3, 8, 9):
            self.assertIn("wires", told[line])
        for line in (4, 13):
            self.assertIn("valid_from", told[line])
        self.assertIn("yesterday", told[4])
        self.assertIn("2 fields", told[6])
        self.assertIn("5 fields", told[7])
        self.assertEqual(told[12], "feeder: not UTF-8 text")
        self.assertIn("nothing stored: 8 rows", err)
        self.assertEqual((code, out), (1, ""))  # 1, not 3: the gateway was never called

    def test_broken_quote_ends_the_reading_and_earlier_problems_are_told_too(self):
        code, _, err = self.run_import('meter,feeder\nM1\nM2,"F1\nM3,F1\n')
        self.assertEqual(code, 1)
        told = self.told(err)
        self.assertEqual(sorted(told), [2, 3])
        self.assertIn("never closed", told[3])

    def test_nul_byte_and_over_long_row(self):
        code, _, err = self.run_import(b"meter\nM\0\n")
        self.assertEqual((code, sorted(self.told(err))), (1, [2]))
        code, _, err = self.run_import(b"meter\nM1\n" + b"M" * (2 << 20) + b"\n")
        self.assertEqual((code, sorted(self.told(err))), (1, [3]))

    def test_header_that_cannot_be_understood_is_a_usage_error(self):
        for csv, says in ((b"", "empty"), (b"\r\n\n", "empty"), (b"badge\nB1\n", '"meter"'),
                          (b"meter,frob\nM1,x\n", '"frob"'), (b"meter,meter\nM1,M1\n", "twice"),
                          (b'meter,"bad\n', "meters.csv:1:"), (b"\xff\xfem\0e\0t\0e\0r\0", "meters.csv:1:")):
            with self.subTest(csv=csv):
                code, out, err = self.run_import(csv)
                self.assertEqual((code, out), (2, ""), err)
                self.assertIn(says, err)

    def test_file_that_cannot_be_read(self):
        for path in (self.folder / "gone.csv", self.folder):
            code, _, err = amictl("--utility", "u", "meters", "import", path)
            self.assertEqual(code, 2, err)
            self.assertIn(f"cannot read {path}", err.decode())

    def test_bad_at_is_a_usage_error_and_no_rows_fault(self):
        code, _, err = self.run_import("meter\nM1\n", "--at", "yesterday")
        self.assertEqual(code, 2)
        self.assertIn("yesterday", err)
        self.assertEqual(self.told(err), {})

    def test_good_rows_go_to_the_gateway_which_is_not_there(self):
        code, _, err = self.run_import(b"\xef\xbb\xbfmeter,wires,feeder\r\nM1,3,\"F, 1\"\r\n\r\nM2,,Qu\xc3\xa9bec")
        self.assertEqual(code, 3, err)
        self.assertEqual(self.told(err), {})

    def test_without_a_utility_nothing_is_sent(self):
        path = self.file("meter\nM1\n")
        code, _, err = amictl("--address", f"unix:{self.folder}/nobody.sock", "meters", "import", path)
        self.assertEqual(code, 2)
        self.assertIn(b"--utility", err)


if __name__ == "__main__":
    unittest.main()
