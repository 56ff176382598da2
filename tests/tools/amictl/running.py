"""Runs amictl and checks what every decode line must hold, whatever the input."""
import json
import os
import pathlib
import re
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(os.environ.get("AMI_SOURCE_DIR") or pathlib.Path(__file__).resolve().parents[3])
AMICTL = pathlib.Path(os.environ.get("AMI_BIN_DIR") or ROOT / "build/bin") / "amictl"
SAMPLES = pathlib.Path(os.environ.get("AMI_SAMPLES_DIR") or ROOT / "../shared/samples")
CONFIG = ROOT / "config"

DECIMAL = re.compile(r"^-?[0-9]+(\.[0-9]+)?$")
INSTANT = re.compile(r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?Z$")
READING_TYPE = re.compile(r"^[0-9]+(\.[0-9]+){17}$")


def amictl(*arguments, env=None, timeout=60):
    """Exit code, stdout and stderr (bytes). The caller's own AMI_ settings never take part."""
    clean = {key: value for key, value in os.environ.items() if not key.startswith("AMI_")}
    clean["AMI_CONFIG_DIR"] = str(CONFIG)
    clean.update(env or {})
    done = subprocess.run([str(AMICTL), *map(str, arguments)], env=clean, timeout=timeout,
                          stdin=subprocess.DEVNULL, capture_output=True, check=False)
    return done.returncode, done.stdout, done.stderr


def no_key_twice(pairs):
    keys = [key for key, _ in pairs]
    if len(keys) != len(set(keys)):
        raise ValueError(f"a key stands twice: {keys}")
    return dict(pairs)


class Case(unittest.TestCase):
    maxDiff = 4000

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="amictl-test-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def file(self, content, name="input"):
        path = self.folder / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    def decode(self, wire, *arguments, code=0):
        """The lines as objects, each checked against the contract."""
        got, out, err = amictl("decode", "--wire", wire, *arguments)
        self.assertEqual(got, code, f"exit code; stderr: {err.decode(errors='replace')[:2000]}")
        self.assertTrue(out == b"" or out.endswith(b"\n"))
        lines = []
        for text in out.decode("utf-8").split("\n")[:-1]:
            line = json.loads(text, object_pairs_hook=no_key_twice)
            self.check_line(line)
            lines.append(line)
        return lines

    def check_line(self, line):
        kind = line["kind"]
        self.assertIn(kind, ("register", "interval_block", "event", "command_result", "error"))
        self.assertIsInstance(line["offset"], int)
        self.assertIsInstance(line["raw"], str)
        if kind == "error":
            self.assertRegex(line["reason"], r"^[a-z0-9_]+$")
            self.assertIn("meter", line)
            return
        self.assertIsInstance(line["meter"], str)
        if kind in ("event", "command_result"):
            return
        self.assertIsInstance(line["channel"], str)
        self.assertIsInstance(line["unit"], str)
        if line["reading_type"] is not None:
            self.assertRegex(line["reading_type"], READING_TYPE)
        if kind == "register":
            values, quality = [line["value"]], [line["quality"]]
            self.assertRegex(line["time"], INSTANT)
        else:
            values, quality = line["values"], line["quality"]
            self.assertRegex(line["first_end"], INSTANT)
            self.assertGreater(line["length_s"], 0)
            self.assertTrue(values)
            self.assertEqual(len(values), len(quality))
        for value in values:
            if value is not None:
                self.assertRegex(value, DECIMAL)
        for one in quality:
            if one is not None:
                self.assertIsInstance(one["codes"], list)


def of_kind(lines, kind):
    return [line for line in lines if line["kind"] == kind]
