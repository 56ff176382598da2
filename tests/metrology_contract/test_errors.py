"""Bad scenarios: exit 2, the line on stderr, nothing on stdout, and never a crash or a hang."""
import os
import re
import unittest

from tool import Case, amictl, main

# Line numbers count from 1; each case replaces one line of this.
GOOD = """\
meter:
  model: FOCUS AXR-SD
  form: 2S
  mode: form
  kh_wh: 7.2
  ke_wh: 1.2
  digits: 5
  decimals: 0
  interval_s: 900
  channel_bits: 16
  demand:
    method: sliding
    window_s: 900
    subinterval_s: 300
start: "2026-03-08T00:00:00-05:00"
zone: America/Toronto
initial:
  delivered_wh: "99998000"
  received_wh: "10000"
sampling:
  frequency_hz: 60
  samples_per_cycle: 64
  skew_s: 0
segments:
  - duration_s: 60
    voltage:
      - {leg: L1, order: 1, rms_v: 120, angle_deg: 0}
      - {leg: L2, order: 1, rms_v: 120, angle_deg: 180}
    current:
      - {leg: L1, order: 1, rms_a: 10, angle_deg: 0}
      - {leg: L2, order: 1, rms_a: 20, angle_deg: 180}
  - duration_s: 600
    power_w: -3000
  - duration_s: 300
    outage: true
  - duration_s: 900
    power_w: {sine_amplitude: 6000, period_s: 900}
  - duration_s: 900
    power_w: {ramp_from: 0, ramp_to: 6000}
events:
  - {at_s: 100, type: demand_reset}
  - {at_s: 500, type: clock_set, by_s: 120}
  - {at_s: 600, type: tou_tier, tier: B}
"""
LINES = GOOD.splitlines()
EXPONENTIAL = ("    method: exponential", "    t90_s: 900")


def line_of(text):
    (number,) = [n for n, line in enumerate(LINES, 1) if text in line]
    return number


def changed(old, new):
    """The good scenario with one line's text changed, and that line."""
    number = line_of(old)
    lines = list(LINES)
    lines[number - 1] = lines[number - 1].replace(old, new)
    return "\n".join(lines) + "\n", number


# (what stands in the scenario, what stands there instead, the known key that must be named)
UNKNOWN_KEYS = (
    ("meter:", "metre:", "meter"), ("zone: A", "zoen: A", "zone"), ("initial:", "inital:", "initial"),
    ("sampling:", "samplings:", "sampling"), ("segments:", "segment:", "segments"), ("events:", "event:", "events"),
    ("  model:", "  modell:", "model"), ("kh_wh:", "kh_w:", "kh_wh"), ("digits:", "digit:", "digits"),
    ("decimals:", "decimal:", "decimals"), ("interval_s: 900\n".strip(), "intervals_s: 900", "interval_s"),
    ("channel_bits:", "channel_bit:", "channel_bits"), ("  demand:", "  demands:", "demand"),
    ("    method:", "    metod:", "method"), ("    window_s:", "    windows_s:", "window_s"),
    ("subinterval_s:", "subintervall_s:", "subinterval_s"), ("  delivered_wh:", "  deliverd_wh:", "delivered_wh"),
    ("frequency_hz:", "frequency:", "frequency_hz"), ("samples_per_cycle:", "samples_per_cycles:", "samples_per_cycle"),
    ("skew_s:", "skew_us:", "skew_s"), ("  - duration_s: 600", "  - duration: 600", "duration_s"),
    ("    power_w: -3000", "    power_kw: -3000", "power_w"), ("    outage:", "    outages:", "outage"),
    ("    voltage:", "    voltages:", "voltage"), ("    current:", "    curent:", "current"),
    ("rms_v: 120, angle_deg: 0}", "rms: 120, angle_deg: 0}", "rms_v"),
    ("rms_a: 10, angle_deg: 0}", "rms_a: 10, angle: 0}", "angle_deg"),
    ("sine_amplitude: 6000", "sine_amplitud: 6000", "sine_amplitude"), ("ramp_to: 6000", "ramp_too: 6000", "ramp_to"),
    ("at_s: 500", "at: 500", "at_s"), ("by_s: 120", "by: 120", "by_s"), ("tier: B", "tiers: B", "tier"),
)

# (name, old, new): an impossible value on that line
IMPOSSIBLE = (
    ("model that the notice does not name", "FOCUS AXR-SD", "FOCUS AXRR"),
    ("model as a list", "FOCUS AXR-SD", "[FOCUS AXR-SD]"),
    ("form 3S", "form: 2S", "form: 3S"), ("form empty", "form: 2S", "form:"),
    ("mode unknown", "mode: form", "mode: faithful"),
    ("Kh zero", "kh_wh: 7.2", "kh_wh: 0"), ("Kh negative", "kh_wh: 7.2", "kh_wh: -7.2"),
    ("Kh a word", "kh_wh: 7.2", "kh_wh: seven"), ("Kh not a number", "kh_wh: 7.2", "kh_wh: .nan"),
    ("Ke zero", "ke_wh: 1.2", "ke_wh: 0"), ("Ke negative", "ke_wh: 1.2", "ke_wh: -1"),
    ("Ke infinite", "ke_wh: 1.2", "ke_wh: .inf"), ("Ke huge", "ke_wh: 1.2", "ke_wh: 1e400"),
    ("Ke with a unit", "ke_wh: 1.2", "ke_wh: 1.2 Wh"),
    ("digits zero", "digits: 5", "digits: 0"), ("digits negative", "digits: 5", "digits: -5"),
    ("digits broken", "digits: 5", "digits: 4.5"), ("digits huge", "digits: 5", "digits: 1000000000"),
    ("decimals negative", "decimals: 0", "decimals: -1"), ("decimals beyond the digits", "decimals: 0", "decimals: 6"),
    ("interval zero", "  interval_s: 900", "  interval_s: 0"), ("interval negative", "  interval_s: 900",
                                                                "  interval_s: -900"),
    ("interval a word", "  interval_s: 900", "  interval_s: quarter"),
    ("interval beyond any integer", "  interval_s: 900", "  interval_s: 99999999999999999999999"),
    ("channel of 12 bits", "channel_bits: 16", "channel_bits: 12"), ("channel of -8 bits", "channel_bits: 16",
                                                                     "channel_bits: -8"),
    ("channel of 2^32+16 bits", "channel_bits: 16", "channel_bits: 4294967312"),
    ("demand method unknown", "method: sliding", "method: triangular"), ("demand method a number", "method: sliding",
            "method: 3"),
    ("window zero", "    window_s: 900", "    window_s: 0"), ("window negative", "    window_s: 900",
                                                              "    window_s: -900"),
    ("window not a number", "    window_s: 900", "    window_s: .nan"),
    ("sub-interval zero", "subinterval_s: 300", "subinterval_s: 0"), ("sub-interval negative", "subinterval_s: 300",
                                                                      "subinterval_s: -300"),
    ("sub-interval that does not divide the window", "subinterval_s: 300", "subinterval_s: 400"),
    ("sub-interval longer than the window", "subinterval_s: 300", "subinterval_s: 1800"),
    ("start a word", '"2026-03-08T00:00:00-05:00"', "yesterday"), ("start on no day", "2026-03-08T", "2026-02-30T"),
    ("start at no hour", "T00:00:00-05:00", "T25:00:00-05:00"), ("start empty", '"2026-03-08T00:00:00-05:00"', '""'),
    ("zone unknown", "America/Toronto", "America/Torontoo"), ("zone a path", "America/Toronto", "../../../etc/passwd"),
    ("initial negative", '"99998000"', '"-5"'), ("initial a word", '"99998000"', '"12x"'),
    ("initial empty", '"99998000"', '""'), ("initial of 400 digits", '"99998000"', '"' + "9" * 400 + '"'),
    ("initial with a huge exponent", '"99998000"', '"1e999999999"'), ("initial not a number", '"10000"', '"nan"'),
    ("frequency zero", "frequency_hz: 60", "frequency_hz: 0"), ("frequency negative", "frequency_hz: 60",
                                                                "frequency_hz: -60"),
    ("frequency infinite", "frequency_hz: 60", "frequency_hz: .inf"),
    ("no samples", "samples_per_cycle: 64", "samples_per_cycle: 0"), ("negative samples", "samples_per_cycle: 64",
                                                                      "samples_per_cycle: -64"),
    ("half a sample", "samples_per_cycle: 64", "samples_per_cycle: 10.5"),
    ("huge number of samples", "samples_per_cycle: 64", "samples_per_cycle: 1e18"),
    ("skew not a number", "skew_s: 0", "skew_s: .nan"), ("skew a word", "skew_s: 0", "skew_s: little"),
    ("negative duration", "duration_s: 600", "duration_s: -600"), ("duration not a number", "duration_s: 600",
                                                                   "duration_s: .nan"),
    ("infinite duration", "duration_s: 600", "duration_s: .inf"), ("duration 1e300", "duration_s: 600",
                                                                   "duration_s: 1e300"),
    ("duration beyond a double", "duration_s: 600", "duration_s: 1e999"), ("duration 30 thousand years",
            "duration_s: 600", "duration_s: 1e12"),
    ("duration a word", "duration_s: 600", "duration_s: long"), ("duration empty", "duration_s: 600", "duration_s:"),
    ("duration a list", "duration_s: 600", "duration_s: [600]"), ("duration in clock form", "duration_s: 600",
                                                                  "duration_s: 10:00"),
    ("leg L3", "leg: L1, order: 1, rms_v", "leg: L3, order: 1, rms_v"), ("leg a number", "leg: L1, order: 1, rms_a",
            "leg: 1, order: 1, rms_a"),
    ("order negative", "order: 1, rms_v: 120, angle_deg: 0", "order: -1, rms_v: 120, angle_deg: 0"),
    ("order broken", "order: 1, rms_v: 120, angle_deg: 0", "order: 1.5, rms_v: 120, angle_deg: 0"),
    ("order huge", "order: 1, rms_v: 120, angle_deg: 0", "order: 1e30, rms_v: 120, angle_deg: 0"),
    ("rms negative", "rms_v: 120, angle_deg: 0}", "rms_v: -120, angle_deg: 0}"),
    ("rms not a number", "rms_a: 10,", "rms_a: .nan,"), ("rms infinite", "rms_a: 10,", "rms_a: .inf,"),
    ("rms 1e300", "rms_a: 10,", "rms_a: 1e300,"), ("rms a word", "rms_a: 10,", "rms_a: ten,"),
    ("angle not a number", "rms_a: 10, angle_deg: 0", "rms_a: 10, angle_deg: .nan"),
    ("angle infinite", "rms_a: 10, angle_deg: 0", "rms_a: 10, angle_deg: -.inf"),
    ("power not a number", "power_w: -3000", "power_w: .nan"), ("power infinite", "power_w: -3000", "power_w: -.inf"),
    ("power 1e300", "power_w: -3000", "power_w: 1e300"), ("power beyond int64 nanowatts", "power_w: -3000",
                                                          "power_w: 1e11"),
    ("power a word", "power_w: -3000", "power_w: much"), ("power a list", "power_w: -3000", "power_w: [1, 2]"),
    ("power an empty mapping", "power_w: -3000", "power_w: {}"),
    ("sine without a period", "{sine_amplitude: 6000, period_s: 900}", "{sine_amplitude: 6000}"),
    ("sine of period zero", "period_s: 900", "period_s: 0"), ("sine of negative period", "period_s: 900",
                                                              "period_s: -900"),
    ("sine of NaN amplitude", "sine_amplitude: 6000", "sine_amplitude: .nan"), ("sine of 1e300 W",
            "sine_amplitude: 6000", "sine_amplitude: 1e300"),
    ("ramp without an end", "{ramp_from: 0, ramp_to: 6000}", "{ramp_from: 0}"),
    ("ramp and sine at once", "{ramp_from: 0, ramp_to: 6000}",
     "{ramp_from: 0, ramp_to: 6000, sine_amplitude: 1, period_s: 9}"),
    ("ramp to infinity", "ramp_to: 6000", "ramp_to: .inf"), ("ramp to 1e300", "ramp_to: 6000", "ramp_to: 1e300"),
    ("outage a number", "outage: true", "outage: 5"), ("outage a word", "outage: true", "outage: perhaps"),
    ("event before the start", "at_s: 100", "at_s: -100"), ("event at no time", "at_s: 100", "at_s: .nan"),
    ("event at infinity", "at_s: 100", "at_s: .inf"), ("event at a word", "at_s: 100", "at_s: noon"),
    ("event at 1e30", "at_s: 100", "at_s: 1e30"),
    ("event of unknown type", "type: demand_reset", "type: demand_rest"), ("event of no type", "type: demand_reset",
            "type:"),
    ("event without a type", "{at_s: 100, type: demand_reset}", "{at_s: 100}"),
    ("event without a time", "{at_s: 100, type: demand_reset}", "{type: demand_reset}"),
    ("event a word", "{at_s: 100, type: demand_reset}", "demand_reset"),
    ("clock set by nothing said", ", by_s: 120", ""), ("clock set by NaN", "by_s: 120", "by_s: .nan"),
    ("clock set by 1e30", "by_s: 120", "by_s: 1e30"), ("clock set by a word", "by_s: 120", "by_s: ahead"),
    ("tier E", "tier: B", "tier: E"), ("tier a number", "tier: B", "tier: 1"), ("tier empty", "tier: B", "tier: ''"),
    ("tier of two letters", "tier: B", "tier: AB"), ("no tier", ", tier: B", ""),
)


class ErrorCase(Case):
    def refused(self, text, *lines, names=(), timeout=20):
        """Exit 2 with one of the lines named on stderr; stdout stays empty."""
        data = text if isinstance(text, bytes) else text.encode()
        (self.folder / "scenario.yaml").write_bytes(data)
        code, out, err = amictl("metrology", "scenario.yaml", folder=self.folder, timeout=timeout)
        told = [int(n) for n in re.findall(r"(?:\bline\s+|scenario\.yaml:)(\d+)", err)]
        self.assertEqual(code, 2, f"exit code; stdout {out[:200]!r}; stderr {err[:800]!r}")
        self.assertEqual(out, "", "nothing on stdout")
        self.assertTrue(err.strip(), "a message on stderr")
        self.assertLess(len(err), 20000, "a message, not a dump")
        if lines:
            self.assertTrue(set(told) & set(lines), f"line {lines} in: {err[:800]}")
        for name in names:
            self.assertRegex(err, rf"(?<![A-Za-z_]){re.escape(name)}(?![A-Za-z_])", "the nearest known name")
        return err


class Shape(ErrorCase):
    def test_the_good_scenario_is_good(self):
        self.run_scenario(GOOD)

    def test_unknown_keys_name_the_nearest_known_one(self):
        for old, new, known in UNKNOWN_KEYS:
            with self.subTest(new.strip()):
                text, line = changed(old, new)
                self.refused(text, line, names=[known])

    def test_unknown_key_far_from_any_other(self):
        text, line = changed("zone: America/Toronto", "zone: America/Toronto\nxyzzy: 1")
        self.refused(text, line + 1, names=["xyzzy"])

    def test_unknown_type_names_the_nearest_known_one(self):
        text, line = changed("type: demand_reset", "type: demand_rest")
        self.refused(text, line, names=["demand_reset"])

    def test_missing_parts(self):
        for part in ("meter", "start", "segments"):
            with self.subTest(part):
                lines, skipping = [], False
                for line in LINES:
                    if not line.startswith(" "):
                        skipping = line.startswith(f"{part}:")
                    if not skipping:
                        lines.append(line)
                self.refused("\n".join(lines) + "\n", names=[part])

    def test_missing_keys_of_the_meter_and_of_a_segment(self):
        # the text names no default for these; the line is that of the mapping they are missing from
        for gone, lines in (("  form: 2S", (1, 2)), ("    method: sliding", (11, 12)), ("    window_s: 900", (11, 12)),
                            ("    subinterval_s: 300", (11, 12, 13))):
            with self.subTest(gone):
                text = "\n".join(line for line in LINES if line != gone) + "\n"
                (self.folder / "scenario.yaml").write_text(text)
                code, out, err = amictl("metrology", "scenario.yaml", folder=self.folder)
                if code == 0:
                    continue  # a default is a harmless freedom here, a crash or a silent failure is not
                self.assertEqual((code, out), (2, ""))
                self.refused(text, *lines, names=[gone.split(":")[0].strip()])
        text = GOOD.replace("  - duration_s: 600\n    power_w: -3000\n", "  - power_w: -3000\n")
        self.refused(text, 32, names=["duration_s"])

    def test_wrong_shapes(self):
        for name, text, lines in (
                ("list on top", "- meter\n- start\n", (1,)), ("scalar on top", "hello\n", (1,)),
                ("meter a list", re.sub(r"(?s)meter:\n.*?start:", "meter: [1, 2]\nstart:", GOOD), (1,)),
                ("meter a number", re.sub(r"(?s)meter:\n.*?start:", "meter: 5\nstart:", GOOD), (1,)),
                ("meter empty", re.sub(r"(?s)meter:\n.*?start:", "meter:\nstart:", GOOD), (1, 2)),
                ("demand a word", re.sub(r"(?s)demand:\n.*?start:", "demand: sliding\nstart:", GOOD), (11,)),
                ("segments a mapping", re.sub(r"(?s)segments:\n.*?events:", "segments: {duration_s: 5}\nevents:",
                                              GOOD), (24,)),
                ("segments a word", re.sub(r"(?s)segments:\n.*?events:", "segments: many\nevents:", GOOD), (24,)),
                ("segment a number", re.sub(r"(?s)segments:\n.*?events:", "segments:\n  - 5\nevents:", GOOD), (25,)),
                ("events a mapping", re.sub(r"(?s)events:\n.*", "events: {at_s: 5}\n", GOOD), (40,)),
                ("voltage a mapping", re.sub(r"(?s)    voltage:\n.*?    current:",
                                             "    voltage: {leg: L1}\n    current:", GOOD), (26,)),
                ("voltage a number", re.sub(r"(?s)    voltage:\n.*?    current:", "    voltage: 240\n    current:",
                                            GOOD), (26,)),
                ("initial a list", re.sub(r"(?s)initial:\n.*?sampling:", "initial: [1]\nsampling:", GOOD), (17,))):
            with self.subTest(name):
                self.refused(text, *lines)

    def test_contradictions(self):
        for name, old, new, lines in (
                ("power and waveform", "    power_w: -3000",
                 "    power_w: -3000\n    voltage: [{leg: L1, order: 1, rms_v: 1, angle_deg: 0}]", (32, 33, 34)),
                ("power and outage", "    outage: true", "    outage: true\n    power_w: 5", (34, 35, 36)),
                ("nothing but a duration", "    power_w: -3000", "", (32,))):
            with self.subTest(name):
                self.refused(changed(old, new)[0], *lines)


class Values(ErrorCase):
    def test_impossible_values(self):
        for name, old, new in IMPOSSIBLE:
            with self.subTest(name):
                text, line = changed(old, new)
                self.refused(text, line)

    def test_event_while_there_is_no_power(self):
        """Whether a dark meter's clock and tiers move is not said: refused with its line, or carried out."""
        for kind in ("demand_reset", "clock_set, by_s: 60", "tou_tier, tier: C"):
            with self.subTest(kind):
                text = GOOD + f"  - {{at_s: 800, type: {kind}}}\n"
                (self.folder / "scenario.yaml").write_text(text)
                if amictl("metrology", "scenario.yaml", folder=self.folder)[0]:
                    self.refused(text, 44)

    def test_impossible_response_period(self):
        for value in ("0", "-900", ".nan", ".inf", "1e400", "soon"):
            with self.subTest(value):
                text = GOOD.replace("    method: sliding\n    window_s: 900\n    subinterval_s: 300\n",
                                    f"    method: exponential\n    t90_s: {value}\n")
                self.refused(text, 13)

    def test_huge_run_ends_by_itself(self):
        """A second-long interval over centuries: refused or finished, in bounded time; never a crash."""
        text = GOOD.replace("interval_s: 900\n  channel", "interval_s: 1\n  channel").replace("duration_s: 600",
                "duration_s: 9e9")
        self.refused(text, 9, 32, timeout=60)


class Yaml(ErrorCase):
    def test_yaml_that_does_not_parse(self):
        for name, text, lines in (
                ("tab", GOOD.replace("  form: 2S", "\tform: 2S"), (2, 3, 4)),
                ("bracket left open", GOOD.replace("angle_deg: 0}\n      - {leg: L2, order: 1, rms_v",
                                                   "angle_deg: 0\n      - {leg: L2, order: 1, rms_v"), (27, 28, 29,
                                                           30, 31)),
                ("quote left open", GOOD.replace('-05:00"', "-05:00"), ()),
                ("bad indent", GOOD.replace("  form: 2S", "   form: 2S"), (2, 3, 4)),
                ("alias without an anchor", GOOD.replace("form: 2S", "form: *nothing"), (3,)),
                ("two values", GOOD.replace("form: 2S", "form: 2S: 3S"), (3,)),
                ("only braces", "{{{{", (1,)), ("control bytes", "\x00\x01\x02\x03", ()), ("not UTF-8",
                        b"meter: \xff\xfe\xfa\n", ())):
            with self.subTest(name):
                self.refused(text, *lines)

    def test_two_documents_are_not_run_as_one(self):
        (self.folder / "scenario.yaml").write_text(GOOD + "---\nmeter: 5\n")
        code, out, err = amictl("metrology", "scenario.yaml", folder=self.folder)
        self.assertIn(code, (0, 2))
        if code:
            self.assertEqual(out, "")
            self.assertTrue(err.strip())

    def test_key_said_twice_never_crashes(self):
        """Whether it is refused is not said; that one of two values is silently taken would be poor."""
        (self.folder / "scenario.yaml").write_text(GOOD.replace("  form: 2S", "  form: 2S\n  form: 1S"))
        code, out, err = amictl("metrology", "scenario.yaml", folder=self.folder)
        self.assertIn(code, (0, 2))
        self.assertTrue(out or err)

    def test_billion_laughs(self):
        bomb = "a: &a [lol, lol, lol, lol, lol, lol, lol, lol, lol]\n" + "".join(
            f"{b}: &{b} [{', '.join([f'*{a}'] * 9)}]\n" for a, b in zip("abcdefghij", "bcdefghijk"))
        self.refused(bomb + GOOD, 1)
        for where in ("segments: *k\n", "events: *k\n", "meter: *k\n", "start: *k\n"):
            with self.subTest(where):
                key = where.split(":")[0]
                rest = re.sub(rf"(?ms)^{key}:.*?(?=^[a-z]|\Z)", "", GOOD)
                self.refused(bomb + where + rest)

    def test_laughs_inside_known_places(self):
        ladder = "".join(f"  - &{b} [{', '.join([f'*{a}'] * 9)}]\n" for a, b in zip("abcdefghij", "bcdefghijk"))
        self.refused(re.sub(r"(?s)segments:\n.*", "",
                            GOOD) + "segments:\n  - &a [x, x, x, x, x, x, x, x, x]\n" + ladder, 25)

    def test_laughs_of_good_segments(self):
        """Anchors that multiply valid harmonics: nine to the tenth of them, were they copied."""
        text = "v: &v {leg: L1, order: 1, rms_v: 1, angle_deg: 0}\n" + re.sub(r"(?s)segments:\n.*", "", GOOD) + \
            "segments:\n  - duration_s: 60\n    current: []\n    voltage: &a [" + ", ".join(["*v"] * 9) + "]\n" + \
            "".join(f"  - {{duration_s: 60, current: [], voltage: &{b} [{', '.join([f'*{a}'] * 9)}]}}\n"
                    for a, b in zip("abcdefghij", "bcdefghijk"))
        self.refused(text)

    def test_alias_of_itself(self):
        self.refused("meter: &m\n  demand: *m\n" + re.sub(r"(?s)meter:\n.*?start:", "start:", GOOD))
        self.refused(re.sub(r"(?s)segments:\n.*", "", GOOD) + "segments: &s\n  - *s\n")

    def test_deep_nesting(self):
        for depth in (1000, 200000):
            with self.subTest(depth):
                self.refused("[" * depth + "]" * depth + "\n", timeout=60)
                self.refused("segments: " + "{a: " * depth + "1" + "}" * depth + "\n", timeout=60)
        self.refused("- " * 100000 + "1\n", timeout=60)

    def test_long_line_and_long_key(self):
        self.refused("k" * 1_000_000 + ": 1\n" + GOOD, timeout=60)
        self.refused(changed("FOCUS AXR-SD", "F" * 1_000_000)[0], timeout=60)


class Files(ErrorCase):
    def command(self, *arguments, code=2):
        got, out, err = amictl("metrology", *arguments, folder=self.folder)
        self.assertEqual((got, out), (code, ""), err)
        self.assertTrue(err.strip())
        return err

    def test_missing_file(self):
        self.assertIn("no-such-file.yaml", self.command("no-such-file.yaml"))

    def test_directory(self):
        (self.folder / "folder.yaml").mkdir()
        self.assertIn("folder.yaml", self.command("folder.yaml"))

    def test_empty_file(self):
        for text in ("", "\n\n", "# only a remark\n", "---\n", "~\n"):
            with self.subTest(text):
                self.refused(text)

    @unittest.skipIf(os.geteuid() == 0, "root reads everything")
    def test_unreadable_file(self):
        path = self.folder / "secret.yaml"
        path.write_text(GOOD)
        path.chmod(0)
        self.assertIn("secret.yaml", self.command("secret.yaml"))

    def test_no_argument_and_too_many(self):
        self.command()
        (self.folder / "a.yaml").write_text(GOOD)
        self.command("a.yaml", "b.yaml")
        self.command("--no-such-option", "a.yaml")

    def test_message_names_the_file(self):
        text, line = changed("form: 2S", "form: 9Z")
        self.assertIn("scenario.yaml", self.refused(text, line))
        self.assertRegex(self.refused(text, line), "9Z")


if __name__ == "__main__":
    main()
