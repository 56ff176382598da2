"""Random meter-days with holes, faults and registers: the gateway finds what the model finds, on the same slots, and fills
what the model fills. AMI_SEED and AMI_CASES steer it; a failure names the meter, which the seed makes again."""
import os
import random
import unittest
from fractions import Fraction

import model
import site_under_test
from days import FIRST, Day
from model import CODES
from site_under_test import TORONTO
from vendor_files import cmep_intervals

SEED = int(os.environ.get("AMI_SEED", "20260114"))
CASES = int(os.environ.get("AMI_CASES", "100"))
DAYS = [("2026-01-14", TORONTO), ("2026-03-08", TORONTO), ("2025-11-02", TORONTO), ("2026-01-14", "Asia/Kolkata")]


class Drawn:
    def __init__(self, number):
        draw = random.Random(f"{SEED}/{number}")
        self.name = f"RND-{number:03}"
        day, zone = draw.choice(DAYS)
        self.zone = zone
        self.day = about = Day(day, zone)
        count = len(about.values)
        about.fill([v + draw.randrange(0, 40) for v in about.values])
        free = list(range(1, count))  # slot 0 stays: the channel is known from its first value on

        def some(most):
            taken = draw.sample(free, min(draw.choice([0, 0, 0, 0, 1, most]), len(free)))
            for i in taken:
                free.remove(i)
            return taken

        def stretch(least, longest):
            length = draw.randint(least, longest)
            first = draw.randrange(1, count - length)
            if all(i in free for i in range(first, first + length)):
                for i in range(first, first + length):
                    free.remove(i)
                return list(range(first, first + length))
            return []

        if draw.random() < 0.06:
            zeros = draw.choice([count, 96, 95, 96 - 1])
            about.set({i: 0 for i in range(min(zeros, count))})
            free = [i for i in free if i >= zeros]
        for value in (222, 1):
            if draw.random() < 0.15 and len(free) > 40:
                run = stretch(6, 10)
                about.set({i: value for i in run})
        about.set({i: draw.choice([13_200, 13_201, 15_000]) for i in some(2)})
        about.set({i: -draw.randrange(1, 500) for i in some(2)})
        about.set({i: 65_535 for i in some(1)})
        about.set({i: draw.randrange(900, 9_000) for i in some(3)})
        self.conflicts = set(some(2)) if draw.random() < 0.3 else set()
        for _ in range(draw.choice([0, 0, 0, 1, 3])):
            about.set({i: None for i in stretch(1, 11)})
        self.stated = draw.random() < 0.5   # holes: stated or simply not there
        self.registers = draw.random() < 0.6 and not self.conflicts
        self.first, self.last = FIRST, None
        if self.registers:
            off_by = [0, 0, 0, 1, -1, 2, -2, 60] if None not in about.values else [0, 500, -1, -3, -40]
            self.last = max(self.first, self.first + about.total + draw.choice(off_by))   # a drop would be V17's

    def content(self):
        twice = [(self.day.starts[i], self.day.values[i] + 1) for i in sorted(self.conflicts)]
        return (self.day.intervals(self.name, holes="stated" if self.stated else "omitted") +
                (cmep_intervals(self.name, twice) if twice else "") +
                (self.day.registers(self.name, self.first, self.last - self.first) if self.registers else ""))

    def expected(self):
        return model.judge(self.day.as_model(conflicts=self.conflicts, r1=self.first if self.registers else None, r2=self.last))

    def filled(self):
        """{index: Wh or None} that the linear rule gives where no register speaks."""
        out, found = {}, self.expected()
        for first, count in model.holes(self.day.values):
            before, after = first - 1, first + count
            good = count <= 8 and after < len(self.day.values) and before not in found and after not in found
            line = model.linear(self.day.values[before], self.day.values[after], count) if good else [None] * count
            out.update({first + n: None if v is None else Fraction((v + Fraction(1, 2)) // 1) for n, v in enumerate(line)})
        return out


class RandomDays(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.site = site_under_test.the()
        cls.drawn = [Drawn(n) for n in range(CASES)]
        cls.site.enlist([(d.name, {"zone": d.zone, "until": d.day.end + 86400}) for d in cls.drawn])
        cls.site.drop("full", "".join(d.content() for d in cls.drawn))
        cls.site.settle()

    def test_codes_by_slot_are_those_of_the_model(self):
        for drawn in self.drawn:
            with self.subTest(drawn.name, seed=SEED):
                slots = self.site.slots(drawn.name, drawn.day.begin, drawn.day.end)
                told = {i: set(slots[s].findings) for i, s in enumerate(drawn.day.starts)
                        if slots[s].findings and slots[s].value is not None}
                for finding in self.site.findings(drawn.name, check="V07"):
                    if finding.quality_code == CODES["V07 missing"]:
                        told.update({i: {finding.quality_code} for i, s in enumerate(drawn.day.starts)
                                     if finding.start.seconds <= s < finding.end.seconds})
                self.assertEqual(told, drawn.expected())
                self.assertEqual({codes - {"2.0.1"} for *_, codes in self.site.registers(drawn.name)} - {frozenset()}, set())

    def test_holes_without_registers_are_filled_as_the_model_fills_them(self):
        for drawn in self.drawn:
            if not drawn.registers:
                with self.subTest(drawn.name, seed=SEED):
                    best = self.site.best(drawn.name, drawn.day)
                    self.assertEqual({i: best[i].value for i, v in enumerate(drawn.day.values) if v is None}, drawn.filled())

    def test_between_registers_the_sum_is_theirs_unless_they_contradict(self):
        for drawn in self.drawn:
            if drawn.registers and None in drawn.day.values and drawn.last - drawn.first >= drawn.day.total:
                with self.subTest(drawn.name, seed=SEED):
                    best = self.site.best(drawn.name, drawn.day)
                    self.assertEqual(sum(s.value for s in best if s.value is not None), drawn.last - drawn.first)

    def test_the_cases_are_worth_it(self):
        """Every code of the model is drawn somewhere, and some days are clean."""
        codes = [c for d in self.drawn for found in d.expected().values() for c in found]
        if CASES >= 100 and SEED == 20260114:
            self.assertEqual(set(codes), {CODES[c] for c in ("V07 missing", "V07 conflict", "V08", "V12", "V13", "V14", "V18", "V20", "V21")})
            self.assertTrue([d for d in self.drawn if not d.expected()])


if __name__ == "__main__":
    unittest.main(verbosity=2)
