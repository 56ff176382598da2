"""Meter-days as the tests need them: a plain load that no check minds, and registers that fit it."""
from fractions import Fraction

import model
from model import MeterDay
from site_under_test import TORONTO
from vendor_files import cmep_intervals, cmep_registers

DAY = "2026-01-14"      # a Wednesday
FIRST = 5_000_000       # Wh that the register shows at the day's beginning


def load(index, ke=1):
    """Wh of slot i: between 150 and 286, in whole pulses, never twice alike in a row."""
    return Fraction(round((150 + 10 * (index * 7 % 13) + index % 5 * 4) / Fraction(str(ke)))) * Fraction(str(ke))


class Day:
    """Values of one civil day of one channel. Slots are named by their index of the day."""

    def __init__(self, day=DAY, zone=TORONTO, length_s=900, ke=1, **changed):
        self.day, self.zone, self.length_s, self.ke = day, zone, length_s, ke
        self.starts = model.grid(zone, day, length_s)
        self.values = [load(i, ke) * length_s // 900 for i in range(len(self.starts))]
        self.begin, self.end = model.day_span(zone, day)

    def set(self, values):
        """{index: Wh}; None takes the value away."""
        for index, value in values.items():
            self.values[index] = None if value is None else Fraction(str(value))
        return self

    def fill(self, values):
        assert len(values) == len(self.values), (len(values), len(self.values))
        return self.set(dict(enumerate(values)))

    @property
    def total(self):
        return sum(v for v in self.values if v is not None)

    def pairs(self, holes="omitted"):
        return [(s, v) for s, v in zip(self.starts, self.values) if v is not None or holes == "stated"]

    def intervals(self, meter, holes="omitted", **more):
        return cmep_intervals(meter, self.pairs(holes), length_s=self.length_s, **more)

    def registers(self, meter, first=FIRST, advance=None, **more):
        """The dial at both midnights."""
        last = first + (self.total if advance is None else advance)
        return cmep_registers(meter, [(self.begin, first), (self.end, last)], **more)

    def both(self, meter, first=FIRST, off_by=0):
        """Intervals, and registers that differ from their sum by `off_by`."""
        return self.intervals(meter) + self.registers(meter, first, self.total + off_by)

    def as_model(self, **more):
        return MeterDay(list(self.values), ke=self.ke, length_s=self.length_s, **more)
