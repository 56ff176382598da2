#!/usr/bin/env python3
"""Switch orders of four families on the real wire, in a field where acknowledgements are lost, doubled and late, switches are
stuck and generators hold voltage: what the field truly did is what the book says, or the book says that it does not know."""
import unittest
from collections import Counter

from switch_field import FAMILIES, PREFIX, SwitchField, contradictions

from ledger import Ledger  # of tests/e2e/fieldsim

METERS = 7
# What nobody draws: the last two of each family.
JAMMED, BACKFED = METERS - 2, METERS - 1
MORE = "faults:\n" + "".join(
    f"  - {{fault: jammed_switch, names: [{prefix}{JAMMED:08d}], lasts: 30d}}\n"
    f"  - {{fault: load_side_voltage, names: [{prefix}{BACKFED:08d}], lasts: 30d}}\n" for prefix in PREFIX.values())


class Faults(unittest.TestCase):
    maxDiff = 4000

    def setUp(self):
        self.field = SwitchField(verify="8s")
        self.addCleanup(self.field.close)

    def test_the_book_says_what_the_field_did_or_that_it_does_not_know(self):
        field = self.field
        field.begin_with(METERS, misfortune=", lost: 0.15, duplicated: 0.3, late: 0.15, late_by: 5s", more=MORE)
        meters = [f"{PREFIX[family]}{i:08d}" for family in FAMILIES for i in range(METERS)]
        for action in ("open", "close"):
            for meter in meters:
                asked = field.order(action, meter, f"{action}-{meter}")
                self.assertIn(asked.returncode, (0, 1), asked.stdout)
                again = field.order(action, meter, f"{action}-{meter}")  # the same request is the same operation
                self.assertIn(again.returncode, (0, 1), again.stdout)
            field.gateway.wait(field.all_ended, 90, f"each {action} to end", pause=0.3)
        self.assertEqual(field.end(60), 0)
        book = field.book()
        ledger = Ledger(field.ledger)
        self.assertEqual(contradictions(book, ledger), "")
        self.assertEqual(len({row["request_id"] for row in book}), len(book))
        steps = Counter(line["step"] for line in ledger.of("command") if line["command"] in ("open", "close"))
        self.assertGreater(steps["lost"] + steps["expired"], 0, "no acknowledgement was lost")
        states = {(row["meter"], row["action"]): row for row in book}
        for family in FAMILIES:
            opened = [states.get((f"{PREFIX[family]}{i:08d}", "OPEN")) for i in range(METERS)]
            self.assertTrue(any(row and row["transaction"] for row in opened), f"nothing of {family} left")
            for meter, action in ((JAMMED, "OPEN"), (BACKFED, "CLOSE")):
                stuck = states[(f"{PREFIX[family]}{meter:08d}", action)]
                self.assertIn(stuck["state"], ("FAILED", "UNCERTAIN"), stuck)
                told = ledger.of("command", step="executed", transaction=stuck["transaction"])
                self.assertLessEqual({line["result"] for line in told}, {"refused"}, stuck)
        self.assertTrue(ledger.of("command", step="executed", result="refused"))
        # MultiSpeak 3.0 and jobs tell no time of the device: what they say is never enough by itself.
        done = Counter(row["meter"][:2] for row in book if row["state"].startswith("VERIFIED"))
        for family in ("flexnet", "securemesh"):
            self.assertGreater(done[PREFIX[family]], 2, f"hardly anything of {family} was verified: {book}")
        verified = field.ctl("audit", "verify", check=False)
        self.assertEqual(verified.returncode, 0, verified.stdout)


if __name__ == "__main__":
    unittest.main()
