"""Runs amictl from outside and reads what it says: knows the contract's names, nothing of the program."""
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from fractions import Fraction

ROOT = pathlib.Path(os.environ.get("AMI_SOURCE_DIR") or pathlib.Path(__file__).resolve().parents[2])
AMICTL = pathlib.Path(os.environ.get("AMI_BIN_DIR") or ROOT / "build/bin") / "amictl"
DECIMAL = re.compile(r"^-?[0-9]+(\.[0-9]+)?$")
INSTANT = re.compile(r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?Z$")
START = "2026-03-08T00:00:00-05:00"


def amictl(*arguments, folder=None, timeout=60):
    """Exit code, stdout and stderr as text. The caller's own AMI_ settings never take part."""
    env = {key: value for key, value in os.environ.items() if not key.startswith("AMI_")}
    env["AMI_CONFIG_DIR"] = str(ROOT / "config")
    done = subprocess.run([str(AMICTL), *map(str, arguments)], env=env, timeout=timeout, cwd=folder,
                          stdin=subprocess.DEVNULL, capture_output=True, check=False)
    return done.returncode, done.stdout.decode("utf-8"), done.stderr.decode("utf-8", "replace")


def strict_json(text):
    def no_constant(name):
        raise ValueError(f"{name} is no JSON number")

    def no_key_twice(pairs):
        keys = [key for key, _ in pairs]
        if len(keys) != len(set(keys)):
            raise ValueError(f"a key stands twice: {keys}")
        return dict(pairs)
    return json.loads(text, parse_constant=no_constant, object_pairs_hook=no_key_twice)


def instant(text):
    """Seconds since the epoch, exact to the microsecond."""
    if not INSTANT.match(text):
        raise AssertionError(f"{text!r} is not an instant in UTC with Z")
    whole, _, part = text[:-1].partition(".")
    moment = datetime.fromisoformat(whole).replace(tzinfo=timezone.utc)
    return Fraction(int(moment.timestamp())) + (Fraction(f"0.{part}") if part else 0)


def start_instant(text):
    return Fraction(int(datetime.fromisoformat(text).timestamp()))


def grid_phase(text):
    """Seconds from civil midnight, at the offset that the start is written with."""
    moment = datetime.fromisoformat(text)
    return int(timedelta(hours=moment.hour, minutes=moment.minute, seconds=moment.second).total_seconds())


def harmonics(leg, entries, quantity):
    return [{"leg": leg, "order": order, f"rms_{quantity}": size, "angle_deg": angle}
            for order, size, angle in entries]


def scenario(segments, events=None, demand=None, start=START, initial=None, sampling=None, zone="America/Toronto",
             **meter):
    """A scenario as a mapping; what is not named is an AXR-SD with 900-s intervals and block demand."""
    out = {"meter": {"model": "FOCUS AXR-SD", "form": "2S", "mode": "form", "kh_wh": 7.2, "ke_wh": 1.2, "digits": 5,
                     "decimals": 0, "interval_s": 900, "channel_bits": 16,
                     "demand": demand or {"method": "block", "window_s": 900}, **meter},
           "start": start, "zone": zone}
    for key, value in (("initial", initial), ("sampling", sampling), ("segments", segments), ("events", events)):
        if value is not None:
            out[key] = value
    return out


def as_yaml(value, indent=0):
    """Block style for the outer shape, flow style (which JSON is) inside: both are what people write."""
    pad = "  " * indent
    if indent < 2 and isinstance(value, dict) and value:
        return "".join(f"{pad}{key}:" + (f"\n{as_yaml(item, indent + 1)}" if isinstance(item, dict) and item and
                                         indent < 1 else f"{list_yaml(item, pad)}\n") for key, item in value.items())
    return f"{pad}{json.dumps(value)}\n"


def list_yaml(value, pad):
    if isinstance(value, list) and value:
        return "".join(f"\n{pad}  - {json.dumps(item)}" for item in value)
    return f" {json.dumps(value)}"


class Case(unittest.TestCase):
    maxDiff = 4000

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="metrology-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def run_scenario(self, what, *arguments, timeout=60):
        """The output of a scenario (a mapping or YAML text), its form checked."""
        text = what if isinstance(what, str) else as_yaml(what)
        (self.folder / "scenario.yaml").write_text(text)
        code, out, err = amictl("metrology", "scenario.yaml", *arguments, folder=self.folder, timeout=timeout)
        self.assertEqual(code, 0, f"exit code; stderr: {err[:1500]}\nscenario:\n{text[:3000]}")
        result = strict_json(out)
        self.check_form(result)
        return result

    def check_form(self, out):
        for key in ("energy_wh", "pulses", "segments", "intervals", "demand", "registers"):
            self.assertIn(key, out)
        for text in [*(out["energy_wh"][k] for k in ("delivered", "received", "net")),
                     *(out["pulses"]["carry_wh"][k] for k in ("delivered", "received"))]:
            self.assertIsInstance(text, str, "exact values are decimal strings")
            self.assertRegex(text, DECIMAL)
        for k in ("delivered", "received"):
            self.assertIsInstance(out["pulses"][k], str)
            self.assertRegex(out["pulses"][k], r"^[0-9]+$")
            self.assertFalse(out["energy_wh"][k].startswith("-"), "a direction's total is never negative")
        for record in out["intervals"]:
            self.assertRegex(record["end"], INSTANT)
            for k in ("delivered_wh", "received_wh"):
                self.assertIsInstance(record[k], (int, float))
                self.assertGreaterEqual(record[k], 0)
            for k in ("delivered_pulses", "received_pulses"):
                self.assertIs(type(record[k]), int)
            self.assertIsInstance(record["flags"], list)
        demand = out["demand"]
        for k in ("max_kw", "present_kw", "previous_max_kw", "cumulative_kw", "continuous_cumulative_kw"):
            self.assertIsInstance(demand[k], (int, float), k)
        self.assertIn("max_at", demand)
        self.assertIs(type(demand["resets"]), int)
        for point in demand["trace"]:
            self.assertRegex(point["at"], INSTANT)
            self.assertIsInstance(point["kw"], (int, float))

    def near(self, got, want, relative=1e-9, scale=None, absolute=1e-9, message=""):
        """Within 1e-9 of the wanted value, or of the larger one that it is a difference of."""
        bound = relative * max(abs(float(want)), abs(float(scale or 0))) + absolute * 1e-3
        self.assertLessEqual(abs(float(Fraction(got) - Fraction(want))), bound,
                             f"{message}: got {float(got)!r}, want {float(want)!r}")

    def exactly(self, text, want, message=""):
        """A decimal string that is this number, however many zeros it ends in."""
        self.assertEqual(Fraction(Decimal(text)), Fraction(want), f"{message}: {text}")

    def energy(self, out, delivered, received, relative=0):
        """The totals: exact when relative is 0."""
        net = Fraction(delivered) - Fraction(received)
        for key, want in (("delivered", delivered), ("received", received), ("net", net)):
            if relative:
                self.near(Decimal(out["energy_wh"][key]), want, relative, scale=delivered, message=key)
            else:
                self.exactly(out["energy_wh"][key], want, key)

    def trace(self, out, start=START):
        """[(seconds of the meter's clock since the start, kW)]."""
        return [(instant(p["at"]) - start_instant(start), p["kw"]) for p in out["demand"]["trace"]]

    def labels(self, out, start=START):
        return [instant(r["end"]) - start_instant(start) for r in out["intervals"]]

    def display(self, out, direction):
        """The display of a direction's energy register: the contract leaves the shape around it open."""
        found = []

        def walk(value, path):
            if isinstance(value, dict):
                for key, item in value.items():
                    walk(item, [*path, str(key)])
                named = next((v for v in value.values() if v == direction), None)
                if named:
                    found.extend(v for v in value.values() if isinstance(v, str) and re.fullmatch(r"[0-9.]+", v))
            elif isinstance(value, list):
                for item in value:
                    walk(item, path)
            elif isinstance(value, str) and any(direction in part for part in path) \
                    and re.fullmatch(r"[0-9.]+", value):
                found.append(value)
        walk(out["registers"], [])
        self.assertTrue(found, f"registers show {direction} as a string: {out['registers']}")
        return found[0]


def tiers(out):
    """{tier: (delivered, received)} in Wh; the contract names neither keys nor types of tou[]."""
    found = {}
    for entry in out.get("tou", []):
        def value(direction):
            key = next(k for k in sorted(entry) if k.startswith(direction) and "kw" not in k and "pulse" not in k)
            return Fraction(Decimal(str(entry[key])))
        found[entry["tier"]] = (value("delivered"), value("received"))
    return found


def exposed(demand):
    """Whether the maximum is marked E34_EXPOSED; trace points and the previous copy do not count."""
    def walk(value, key):
        if isinstance(value, dict):
            return any(walk(item, name) for name, item in value.items()
                       if not re.search("trace|previous|last", name))
        if isinstance(value, list):
            return bool(value) if re.search("e34", key, re.I) else any(walk(item, key) for item in value)
        if isinstance(value, str):
            return "E34_EXPOSED" in value or (bool(value) and bool(re.search("e34.?exposed", key, re.I)))
        return value is True and bool(re.search("e34.?exposed", key, re.I))
    return walk(demand, "")


def main():
    """Skips (77) where there is no program to ask."""
    if not AMICTL.exists():
        print(f"no {AMICTL}: nothing to test")
        sys.exit(77)
    unittest.main(module="__main__")
