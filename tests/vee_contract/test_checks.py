"""Each check on whole days through a feed: a clean day raises nothing, a fault raises exactly its codes on exactly its
slots, and both sides of every bound are told apart."""
import unittest
from dataclasses import dataclass, field

import model
import site_under_test
from days import DAY, FIRST, Day
from model import CODES
from site_under_test import TORONTO, VALIDATED
from vendor_files import Ssn, cmep_intervals, cmep_registers

MISSING, CONFLICT = CODES["V07 missing"], CODES["V07 conflict"]
SUSPECT = CODES["V17"]
OFF_THE_UTC_GRID = ("CLEAN-Kolkata-2026-01-14-3600-full", "CLEAN-Kathmandu-2026-01-14-3600-full")
SHORT = {"2026-03-08": 92, "2025-11-02": 100}


@dataclass
class Case:
    """A meter of its own. `expect` is {index of slot: codes}; what it leaves out must have none."""
    name: str
    feed: str
    content: object                      # meter -> text of the file, or a list of texts dropped one after the other
    expect: dict = field(default_factory=dict)
    registers: dict = field(default_factory=dict)   # {(channel, instant): codes}; likewise
    about: Day = field(default_factory=Day)
    meter: dict = field(default_factory=dict)       # asset data
    channel: str = "cmep:KWH"
    may: dict = field(default_factory=dict)   # {index of slot: codes} that the reference leaves open
    checks: object = None                # ids of the checks that find something; by default that of the name, if it expects

    def finders(self):
        if self.checks is not None:
            return self.checks
        return {self.name.split("-")[0]} if self.expect or any(self.registers.values()) else set()


def every(day, code):
    return {i: {code} for i, v in enumerate(day.values) if v is not None}


def at(indexes, code):
    return {i: {code} for i in indexes}


def spiked(day, *heights):
    return Day(day).fill([100] * 0 + [100 + i % 7 for i in range(len(Day(day).values))]).set(
        {30 + 10 * n: h for n, h in enumerate(heights)})


def zeros(day, count):
    return Day(day).set({i: 0 for i in range(count)})


def frozen(count, value=222, first=20):
    """`count` equal values between others."""
    return Day().set({first - 1: value + 1, first + count: value + 2, **{first + i: value for i in range(count)}})


def clean(zone, day, length_s=900, feed="full"):
    about = Day(day, zone, length_s)
    return Case(f"CLEAN-{zone.split('/')[1]}-{day}-{length_s}-{feed}", feed, about.both, about=about, meter={"zone": zone})


def v14(name, off_by, fails, feed="head", **more):
    about = Day()
    return Case(name, feed, lambda m: about.both(m, off_by=off_by), every(about, CODES["V14"]) if fails else {}, about=about, **more)


def coarse(extra_pulse, off_by):
    """Class 20: r = 100 Wh, Ke = 0.6 Wh. 500 pulses a slot and the register 100 Wh behind."""
    about = Day(ke="0.6").fill([300 + 300 * (i % 3) for i in range(96)])
    total = about.total
    if extra_pulse:
        about.set({50: about.values[50] + model.exact("0.6")})
    return about, lambda m: about.intervals(m) + about.registers(m, advance=total + off_by)


def cases():
    out = [clean(TORONTO, DAY), clean(TORONTO, DAY, feed="head"), clean(TORONTO, "2026-03-08"), clean(TORONTO, "2025-11-02"),
           clean("Asia/Kolkata", DAY), clean("Asia/Kolkata", DAY, 3600), clean("Asia/Kathmandu", DAY, 3600),
           clean("America/Regina", "2026-03-08"), clean(TORONTO, "2025-11-02", 3600), clean(TORONTO, "2026-03-08", 1800)]

    # V07: what is missing, said twice, said anew.
    hole = Day().set({40: None, 41: None, 77: None})
    out += [Case("V07-omitted", "head", hole.intervals, at((40, 41, 77), MISSING), about=hole),
            Case("V07-stated", "head", lambda m: hole.intervals(m, holes="stated"), at((40, 41, 77), MISSING), about=hole),
            Case("V07-to-the-end", "head", Day().set({i: None for i in range(90, 96)}).intervals, at(range(90, 96), MISSING),
                 about=Day().set({i: None for i in range(90, 96)})),
            Case("V07-twice-alike", "head", lambda m: Day().intervals(m) + cmep_intervals(m, Day().pairs()[30:31])),
            Case("V07-twice-unlike", "head", lambda m: Day().intervals(m) +
                 cmep_intervals(m, [(Day().starts[30], Day().values[30] + 1)]), at([30], CONFLICT)),
            Case("V07-corrected", "head", lambda m: [Day().intervals(m, created="202601150100"), cmep_intervals(
                m, [(Day().starts[30], Day().values[30] + 1)], created="202601160100")],
                about=Day().set({30: Day().values[30] + 1}))]

    # V08: the 8-bit channel at 7.2 Wh ends at 1836 Wh (T21).
    for pulses, fails in ((255, True), (254, False)):
        about = Day(ke="7.2").set({33: pulses * model.exact("7.2")})
        out.append(Case(f"V08-{pulses}", "head", about.intervals, at([33], CODES["V08"]) if fails else {}, about=about,
                        meter={"class": "100"}))

    # V12: 1.1 x 240 V x 200 A x 15 min (T23), for each length the same power.
    for value, length_s, fails in ((13200, 900, False), (13201, 900, True), (52800, 3600, False), (52801, 3600, True)):
        about = Day(length_s=length_s).set({12: value})
        out.append(Case(f"V12-{value}", "head", about.intervals, at([12], CODES["V12"]) if fails else {}, about=about))

    # V13: only a one-way channel may not be negative.
    for value, fails in ((0, False), (-1, True)):
        about = Day().set({12: value})
        out.append(Case(f"V13-{-value}", "full", about.intervals, at([12], CODES["V13"]) if fails else {}, about=about))

    # V14: r + Ke = 2 Wh is too much, 1 Wh is not; where r is 100 Wh and Ke 0.6 Wh the bound is 100.6 Wh.
    out += [v14("V14-plus-1", 1, False), v14("V14-plus-2", 2, True), v14("V14-minus-1", -1, False), v14("V14-minus-2", -2, True),
            v14("V14-nothing-known", 500, False, meter={"class": "320"}),
            v14("V14-multiplier", 2, True, meter={"multiplier": "40"}), v14("V14-multiplier-less", 1, False, meter={"multiplier": "40"})]
    for extra, off_by, fails in ((False, -100, False), (True, -100, True), (False, 100, False), (True, 0, False)):
        about, content = coarse(extra, off_by)
        out.append(Case(f"V14-coarse-{int(extra)}-{'less' if off_by < 0 else 'more' if off_by else 'even'}", "head", content,
                        every(about, CODES["V14"]) if fails else {}, about=about, meter={"class": "20"}))
    # Both registers at noon: the sum is of the intervals between them, not of the civil day.
    two = [Day("2026-01-14"), Day("2026-01-15")]
    noon = [two[0].starts[48], two[1].starts[48]]
    between = sum(two[0].values[48:]) + sum(two[1].values[:48])
    for off_by, fails in ((1, False), (2, True)):
        out.append(Case(f"V14-noon-{off_by}", "head", lambda m, o=off_by: two[0].intervals(m) + two[1].intervals(m) +
                        cmep_registers(m, [(noon[0], FIRST), (noon[1], FIRST + between + o)]),
                        {i: {CODES["V14"]} for i in range(48, 96)} if fails else {}))

    # V17: a drop is a wrap only where the service could have carried it.
    dial = {k: lambda m, a=a, b=b: cmep_registers(m, [(Day().begin, a), (Day().end, b)]) for k, (a, b) in {
        "drop": (FIRST, FIRST - 1000), "wrap": (99_999_000, 12_000), "rise": (FIRST, FIRST + 1_267_200),
        "leap": (FIRST, FIRST + 1_267_300)}.items()}
    second = ("cmep:KWHREG", Day().end)
    out += [Case("V17-drop", "head", dial["drop"], registers={second: {SUSPECT}}),
            Case("V17-wrap", "head", dial["wrap"]), Case("V17-rise", "head", dial["rise"]),
            Case("V17-leap", "head", dial["leap"], registers={second: {SUSPECT}})]
    wrapped = Day()
    out.append(Case("V17-wrap-with-intervals", "full", lambda m: wrapped.intervals(m) + cmep_registers(
        m, [(wrapped.begin, 99_990_000), (wrapped.end, (99_990_000 + wrapped.total) % 10 ** 8)]), about=wrapped))

    # V18: 9, 5, 3 is 2.0; 8.4, 5, 3 is exactly 1.8; at the floor itself nothing is said.
    for name, heights, fails in (("9-5-3", (9000, 5000, 3000), True), ("84-5-3", (8400, 5000, 3000), False),
                                 ("floor", (1000, 300, 200), False), ("above-floor", (1001, 300, 200), True)):
        about = spiked(DAY, *heights)
        out.append(Case(f"V18-{name}", "full", about.intervals, at([30], CODES["V18"]) if fails else {}, about=about))
    out.append(Case("V18-head-end", "head", spiked(DAY, 9000, 5000, 3000).intervals, about=spiked(DAY, 9000, 5000, 3000)))

    # V20: 24 hours of zeros, also where the day has 23 or 25.
    for day, count, fails in ((DAY, 96, True), (DAY, 95, False), ("2026-03-08", 92, False), ("2025-11-02", 96, True),
                              ("2025-11-02", 95, False)):
        about = zeros(day, count)
        out.append(Case(f"V20-{day}-{count}", "full", about.intervals, at(range(count), CODES["V20"]) if fails else {}, about=about))

    # V21: eight times the same.
    for count, value, fails in ((8, 222, True), (7, 222, False), (9, 222, True), (8, 0, False)):
        about = frozen(count, value)
        out.append(Case(f"V21-{count}-{value}", "full", about.intervals, at(range(20, 20 + count), CODES["V21"]) if fails else {},
                        about=about))
    out.append(Case("V21-head-end", "head", frozen(8).intervals, about=frozen(8)))
    broken = frozen(8).set({24: None})
    out.append(Case("V21-broken-by-a-hole", "full", broken.intervals, at([24], MISSING), about=broken, checks={"V07"}))

    # Of a meter whose programme is not known, what needs none is judged all the same.
    bare = Day().set({40: None})
    out.append(Case("BARE", "full", bare.intervals, at([40], MISSING), about=bare, meter={"class": "320"},
                    checks={"V07"}))
    return out


# ---- Silver Spring: tiers, net, events --------------------------------------------------------------------------

def ssn_day(meter, day=None, registers=(), events=(), channels=None):
    day = day or Day()
    channels = channels or (lambda i, v: {1: (v, "kWh")})
    doc = Ssn().meter(meter, [(s, channels(i, v)) for i, (s, v) in enumerate(zip(day.starts, day.values)) if v is not None],
                      registers, events)
    return str(doc)


def tiers(day, a, b, bulk):
    """Bulk and two tiers at both midnights; the tiers rise by a and b, the bulk by `bulk`."""
    return [(day.begin, {0: [("1010", FIRST, "kWh")], 1: [("2010", 1000, "kWh")], 2: [("3010", 2000, "kWh")]}),
            (day.end, {0: [("1010", FIRST + bulk, "kWh")], 1: [("2010", 1000 + a, "kWh")], 2: [("3010", 2000 + b, "kWh")]})]


def net(day, delivered, received, netted, before=50_000):
    return [(day.begin, {0: [("1010", FIRST, "kWh"), ("1020", 7000, "kWh(rec)"), ("1030", before, "kWh(net)")]}),
            (day.end, {0: [("1010", FIRST + delivered, "kWh"), ("1020", 7000 + received, "kWh(rec)"),
                           ("1030", before + netted, "kWh(net)")]})]


def ssn_cases():
    out, day = [], Day()
    total = day.total
    # V15: two tiers, r = 1 Wh: 3 r is too much.
    for off_by, fails in ((0, False), (2, False), (3, True), (-2, False), (-3, True)):
        out.append(Case(f"V15-{off_by}", "ssn", lambda m, o=off_by: ssn_day(m, registers=tiers(day, 9000, total - 9000 + o, total)),
                        registers={"V15": fails}))
    # V16: net against delivered less received, 3 r.
    for off_by, fails in ((0, False), (2, False), (3, True), (-3, True)):
        out.append(Case(f"V16-{off_by}", "ssn", lambda m, o=off_by: ssn_day(m, registers=net(day, total, 4000, total - 4000 + o)),
                        registers={"V16": fails}))
    # T25: the delivered register turns over on the way, net is signed.
    out.append(Case("V16-wrap", "ssn", lambda m: str(Ssn().meter(m, (), [
        (day.begin, {0: [("1010", 99_999_000, "kWh"), ("1020", 10_000, "kWh(rec)"), ("1030", 5000, "kWh(net)")]}),
        (day.end, {0: [("1010", 1000, "kWh"), ("1020", 14_000, "kWh(rec)"), ("1030", 3000, "kWh(net)")]})])),
        registers={"V16": False, "V17": False}))

    # Events say what overlaps: from slot 40 on for an hour and a bit.
    start, stop = day.starts[40] + 60, day.starts[44] + 60
    for check, first, last, code in (("V09", "TEST_MODE_START", "TEST_MODE_STOP", CODES["V09"]),
                                     ("V10", "OUTAGE", "RESTORATION", CODES["V10"])):
        out.append(Case(check, "ssn", lambda m, a=first, b=last: ssn_day(m, events=[(start, f"T_{a}"), (stop, f"T_{b}")]),
                        at(range(40, 45), code)))
    out.append(Case("V09-boundary", "ssn", lambda m: ssn_day(m, events=[(day.starts[40], "T_TEST_MODE_START"),
                                                                         (day.starts[44], "T_TEST_MODE_STOP")]),
                    at(range(40, 44), CODES["V09"])))
    # V22: behind an open switch more than one pulse is use. The slot in which it opened may hold what came before. Which of
    # the slots behind the switch have the code is not stated; the one with the energy must.
    opened = day.starts[40]
    for value, fails in ((1, False), (2, True)):
        about = Day().set({i: 0 for i in range(40, 96)}).set({60: value})
        out.append(Case(f"V22-{value}", "ssn", lambda m, d=about: ssn_day(m, d, events=[(opened, "T_SWITCH_OPENED")]),
                        at([60], CODES["V22"]) if fails else {}, about=about,
                        may=at(range(40, 96), CODES["V22"]) if fails else {}))
    about = Day().set({i: 0 for i in range(41, 96)})
    out.append(Case("V22-opening-slot", "ssn", lambda m, d=about: ssn_day(m, d, events=[(opened + 600, "T_SWITCH_OPENED")]), about=about))
    again = Day().set({i: 0 for i in range(40, 50)})
    out.append(Case("V22-closed-again", "ssn", lambda m: ssn_day(m, again, events=[(opened, "T_SWITCH_OPENED"),
                                                                                  (day.starts[50], "T_SWITCH_CLOSED")]), about=again))
    # V20: not behind an open switch, not in an outage.
    dark = zeros(DAY, 96)
    out.append(Case("V20-switch-open", "ssn", lambda m: ssn_day(m, dark, events=[(dark.begin, "T_SWITCH_OPENED")]), about=dark))
    out.append(Case("V20-switch-closed", "ssn", lambda m: ssn_day(m, dark), at(range(96), CODES["V20"]), about=dark))
    for case in out:
        case.channel = "ssn:lp:1"
    return out


class EachCheck(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.site = site_under_test.the()
        cls.cases = cases() + ssn_cases()
        cls.site.enlist([(case.name, {"until": case.about.end + 86400, **case.meter}) for case in cls.cases])
        rounds, documents = {}, []
        for case in cls.cases:
            content = case.content(case.name)
            for turn, text in enumerate(content if isinstance(content, list) else [content]):
                if case.feed == "ssn":
                    documents.append(text)
                else:
                    rounds.setdefault((turn, case.feed), []).append(text)
        for turn, feed in sorted(rounds):
            cls.site.drop(feed, "".join(rounds[turn, feed]))
        cls.site.drop("ssn", merged(documents))
        cls.site.settle()

    def told(self, case):
        about = case.about
        slots = self.site.slots(case.name, about.begin, about.end, channel=case.channel)
        return {i: slots[s] for i, s in enumerate(about.starts) if s in slots}

    @staticmethod
    def strict(case, told):
        told = {i: codes - (case.may.get(i, set()) - case.expect.get(i, set())) for i, codes in told.items()}
        return {i: codes for i, codes in told.items() if codes}

    def found(self, case):
        """What was found of the day, and of register readings from which the day is told: not the silence after it."""
        return [f for f in self.site.findings(case.name) if f.start.seconds < case.about.end + (0 if f.interval_s else 1)]

    def test_exactly_the_codes_expected_on_exactly_the_slots_expected(self):
        for case in self.cases:
            with self.subTest(case.name):
                told = self.told(case)
                self.assertEqual(self.strict(case, {i: set(s.findings) for i, s in told.items() if s.value is not None}),
                                 {i: codes for i, codes in case.expect.items() if codes != {MISSING}})

    def test_a_slot_without_value_has_no_code_but_missing(self):
        """Whether a stream tells the code of a hole depends on what lies around it; the finding is what counts."""
        for case in self.cases:
            with self.subTest(case.name):
                holes = {i: set(s.findings) for i, s in self.told(case).items() if s.value is None and s.findings}
                self.assertLessEqual(set(holes), {i for i, codes in case.expect.items() if MISSING in codes})
                self.assertLessEqual(set().union(*holes.values()), {MISSING})

    def test_the_values_are_those_of_the_file_whatever_is_said_of_them(self):
        for case in self.cases:
            told = self.told(case)
            if any(s.value is not None for s in told.values()):
                with self.subTest(case.name):
                    # Of two values of one version either may stand: the finding says that there were two.
                    either = {i for i, codes in case.expect.items() if CONFLICT in codes and "twice" in case.name}
                    self.assertEqual([s.value for i, s in told.items() if i not in either],
                                     [v for i, v in enumerate(case.about.values) if i not in either])

    def test_registers_have_exactly_the_codes_expected(self):
        for case in self.cases:
            if case.feed == "ssn":
                continue
            with self.subTest(case.name):
                told = {(channel, when): set(codes - {VALIDATED}) for when, channel, _, codes in self.site.registers(case.name)}
                self.assertEqual({k: v for k, v in told.items() if v}, case.registers)

    def test_only_the_check_that_is_meant_finds_something(self):
        for case in self.cases:
            with self.subTest(case.name):
                self.assertEqual({f.check for f in self.found(case)}, case.finders())

    def test_findings_name_the_same_slots_as_the_codes(self):
        for case in self.cases:
            with self.subTest(case.name):
                told = {}
                for finding in self.found(case):
                    if finding.interval_s:
                        for i, start in enumerate(case.about.starts):
                            if finding.start.seconds <= start < finding.end.seconds and \
                                    (case.about.values[i] is not None or finding.quality_code == MISSING):
                                told.setdefault(i, set()).add(finding.quality_code)
                self.assertEqual(self.strict(case, told), case.expect)

    def not_validated(self, case):
        return {i for i, s in self.told(case).items() if s.value is not None and VALIDATED not in s.codes}

    def test_everything_that_has_a_value_says_that_it_was_validated(self):
        for case in self.cases:
            if case.name not in OFF_THE_UTC_GRID:
                with self.subTest(case.name):
                    self.assertEqual(self.not_validated(case), set())

    def test_hours_off_the_utc_grid_say_that_they_were_validated(self):
        self.assertEqual([self.not_validated(c) for c in self.cases if c.name in OFF_THE_UTC_GRID], [set(), set()])

    def test_raw_layer_has_none_of_it(self):
        for case in self.cases:
            with self.subTest(case.name):
                slots = self.site.slots(case.name, case.about.begin, case.about.end, layer=site_under_test.api.RAW, channel=case.channel)
                self.assertEqual({s.codes for s in slots.values()}, {frozenset()})


def merged(documents):
    """One export of many meters."""
    head, tail = str(Ssn()).split("</SSNExportDocument>")[0], "</SSNExportDocument>"
    return head + "".join(d[d.index("<MeterData"):d.index(tail)] for d in documents) + tail


if __name__ == "__main__":
    unittest.main(verbosity=2)
