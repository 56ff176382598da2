#!/usr/bin/env python3
"""docs/write-an-adapter.md against the tree: each excerpt stands in its file, word for word, and the family that it
builds is one folder and one line: nothing else in the tree names it."""
import os
import pathlib
import re
import unittest

ROOT = pathlib.Path(os.environ["AMI_SOURCE_DIR"])
PAGE = ROOT / "docs/write-an-adapter.md"
FAMILY = ROOT / "tests/seventh_family/adapters/millrace"
NETWORK = ROOT / "tests/seventh_family/tools/fieldsim/networks/millrace"
# An excerpt: a line that names its file, then a fenced block. "…" on a line of its own skips lines of the file.
EXCERPT = re.compile(r"^`(\S+)`:\n\n```\w+\n(.*?)^```$", re.MULTILINE | re.DOTALL)
# The folder; the kit and the test beside it; the page; and who tells of the page.
MAY_NAME_IT = ("tests/seventh_family/", "tests/adapter_conformance/CMakeLists.txt", "tests/adapter_conformance/interfaces.h",
               "docs/write-an-adapter.md", "CHANGELOG.md", "README.md", "CONTRIBUTING.md")
SOURCES = (".h", ".cc", ".py", ".md", ".yaml", ".sql", ".proto", ".txt", ".cmake")


def excerpts(text):
    return EXCERPT.findall(text)


def missing(block, text):
    """The first part of an excerpt that does not stand in `text`, behind the part before it; None = all do."""
    at = 0
    for part in re.split(r"^ *…\n", block, flags=re.MULTILINE):
        found = text.find("\n" + part, at) if part else at
        if found < 0:
            return part
        at = found + len(part)
    return None


class WriteAnAdapter(unittest.TestCase):
    def test_every_excerpt_stands_in_its_file(self):
        found = excerpts(PAGE.read_text(encoding="utf-8"))
        self.assertGreaterEqual(len(found), 8)
        for path, block in found:
            with self.subTest(path):
                text = "\n" + (ROOT / path).read_text(encoding="utf-8")
                self.assertIsNone(missing(block, text), f"{path} does not say so any more")

    def test_a_rotten_excerpt_is_found(self):
        (path, block), *_ = excerpts("`a.h`:\n\n```cpp\nint one;\n…\nint three;\n```\n")
        self.assertEqual(path, "a.h")
        self.assertIsNone(missing(block, "\nint one;\nint two;\nint three;\n"))
        self.assertIsNotNone(missing(block, "\nint one;\nint two;\nint thirty;\n"))
        self.assertIsNotNone(missing(block, "\nint three;\nint one;\n"), "in their order")

    def test_every_code_block_of_the_page_is_an_excerpt_or_something_to_type(self):
        text = PAGE.read_text(encoding="utf-8")
        blocks = re.findall(r"^```(\w+)$", text, re.MULTILINE)
        typed = blocks.count("sh") + blocks.count("text")
        self.assertEqual(len(blocks) - typed, len(excerpts(text)))

    def test_the_page_speaks_of_every_file_of_the_folder(self):
        text = PAGE.read_text(encoding="utf-8")
        for folder in (FAMILY, NETWORK):
            for file in sorted(folder.rglob("*")):
                if file.is_file():
                    self.assertIn(str(file.relative_to(folder)), text)

    def test_one_folder_and_one_line(self):
        elsewhere = []
        for top in ("adapters", "cmake", "config", "daemon", "deploy", "docs", "meter_model", "proto", "storage", "tests", "tools"):
            for folder, _, names in os.walk(ROOT / top):
                for name in names:
                    path = pathlib.Path(folder, name)
                    relative = str(path.relative_to(ROOT))
                    if not name.endswith(SOURCES) or relative.startswith(MAY_NAME_IT):
                        continue
                    if "millrace" in path.read_text(encoding="utf-8", errors="replace").lower():
                        elsewhere.append(relative)
        self.assertEqual(elsewhere, [])
        lines = (ROOT / "tests/seventh_family/CMakeLists.txt").read_text(encoding="utf-8").splitlines()
        # One in the list of families, one in the list of simulated networks.
        self.assertEqual([line for line in lines if line.strip() == "millrace"], ["    millrace"] * 2)


if __name__ == "__main__":
    unittest.main()
