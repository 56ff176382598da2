"""Writes scenarios, runs `amictl metrology` on them and reads what it says."""
import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from running import INSTANT, ROOT, Case, amictl, no_key_twice  # noqa: E402

EXAMPLES = ROOT / "config/scenarios"
SVG = "{http://www.w3.org/2000/svg}"


def scenario(segments, events=(), meter="{}", start="2026-01-15T00:00:00Z", rest=""):
    """YAML of a run: `segments` and `events` are flow mappings without their braces."""
    lines = [f"meter: {meter}", f'start: "{start}"', rest, "segments:"]
    lines += [f"  - {{{one}}}" for one in segments]
    if events:
        lines += ["events:"] + [f"  - {{{one}}}" for one in events]
    return "\n".join(line for line in lines if line) + "\n"


class ScenarioCase(Case):
    def run_file(self, path, *arguments):
        code, out, err = amictl("metrology", path, *arguments)
        self.assertEqual((code, err), (0, b""), err.decode(errors="replace"))
        return json.loads(out.decode("utf-8"), object_pairs_hook=no_key_twice)

    def run_text(self, text, *arguments):
        return self.run_file(self.file(text, "scenario.yaml"), *arguments)

    def refused(self, text, *messages):
        """Exit code 2, nothing on stdout, and exactly these problems: (line, words)."""
        path = self.file(text, "s.yaml")
        code, out, err = amictl("metrology", path)
        self.assertEqual((code, out), (2, b""), err)
        lines = err.decode().splitlines()
        self.assertEqual(len(lines), len(messages), lines)
        for line, (number, words) in zip(lines, messages):
            self.assertTrue(line.startswith(f"{path}:{number}: "), line)
            self.assertIn(words, line)

    def close(self, value, expected, relative=1e-9):
        self.assertLessEqual(abs(value - expected), relative * max(abs(expected), 1e-9), f"{value} is not {expected}")


__all__ = ["EXAMPLES", "INSTANT", "ROOT", "SVG", "ScenarioCase", "amictl", "scenario"]
