#!/usr/bin/env python3
"""The gateway ends by SIGKILL at the transitions of switch operations, while others are under way, and is started again: what
the ledger says that the field executed is what the book says, or the row says that nobody knows. Never twice. And two
gateways on one database, of which one dies.

--rounds N: so many kills at points that chance draws, instead of one at each point.
"""
import argparse
import random
import subprocess
import sys
import unittest

from switch_field import FAMILIES, PREFIX, SwitchField, contradictions

from ledger import Ledger  # of tests/e2e/fieldsim

STATES = ("REQUESTED", "POLICY_CHECKED", "AUTHORISED", "QUEUED", "SENT", "ACKNOWLEDGED", "VERIFYING", "VERIFIED_OPEN", "VERIFIED_CLOSED", "FAILED",
          "REJECTED", "UNCERTAIN")
SAMPLE = ["switch.before_commit.QUEUED", "switch.before_commit.SENT", "switch.after_commit.SENT", "switch.after_commit.ACKNOWLEDGED",
          "switch.before_commit.VERIFYING", "switch.after_commit.VERIFYING", "switch.before_commit.VERIFIED_OPEN",
          "switch.after_commit.UNCERTAIN"]
METERS = 10
ROUNDS = 0


class Kills(unittest.TestCase):
    """Of the points of storage/postgres/switching.cc: before and after the commit that takes an operation into a state."""
    maxDiff = 4000

    def setUp(self):
        self.field = SwitchField(verify="5s")
        self.addCleanup(self.field.close)
        self.asked = {}  # request: (action, meter), as long as nobody knows that it was taken
        self.blocked = set()  # meters of which nobody knows whether they were opened: only the way back is free

    def ask(self, number):
        meter = number % METERS
        for family in FAMILIES:
            key = f"{PREFIX[family]}{meter:08d}"
            action = "close" if number // METERS % 2 or key in self.blocked else "open"
            self.asked[f"{number}-{key}"] = (action, key)

    def repeat(self):
        """Until each was answered: the same request is the same operation."""
        for request, (action, meter) in list(self.asked.items()):
            answer = self.field.order(action, meter, request)
            if answer.returncode == 3 or "it may have been accepted" in answer.stdout:
                return  # the gateway is gone
            self.assertIn(answer.returncode, (0, 1), answer.stdout)
            if "it is not known what an earlier operation" in answer.stdout:
                self.blocked.add(meter)
            del self.asked[request]

    def lives(self, failpoint):
        """A life of the gateway that ends at the point. What it was told before stays."""
        try:
            self.field.start_gateway({"AMI_FAILPOINT": failpoint})
        except SystemExit:
            self.assertEqual(self.field.gateway.daemon.poll(), -9, "died of something else")
            return
        self.repeat()
        try:
            self.assertEqual(self.field.gateway.daemon.wait(10 if ROUNDS else 25), -9, failpoint)
        except subprocess.TimeoutExpired:
            if not ROUNDS:  # drawn by chance, a point may not lie on the way of what is asked
                self.fail(f"{failpoint} was not passed: {self.field.book()}")
            self.field.kill_gateway()

    def test_killed_at_every_transition_nothing_is_done_twice(self):
        self.field.begin_with(METERS, misfortune=", lost: 0.1, duplicated: 0.2")
        chance = random.Random(7)
        points = [f"switch.{when}_commit.{state}:{nth}" for when in ("before", "after") for state in STATES for nth in (1, 2, 3)]
        self.field.kill_gateway()
        for number, point in enumerate([chance.choice(points) for _ in range(ROUNDS)] or SAMPLE):
            self.ask(number)
            self.lives(point)
            if ROUNDS and number % 50 == 49:
                print(f"round {number + 1}: {len(self.field.book())} operations", flush=True)
        self.finish()

    def test_of_two_gateways_one_dies_and_the_other_goes_on(self):
        field = self.field
        field.begin_with(METERS, misfortune=", lost: 0.1, duplicated: 0.2")
        second = field.second_gateway()
        self.addCleanup(second.close)
        answers = {}
        for number in range(6):
            for family in FAMILIES:
                meter, request = f"{PREFIX[family]}{number:08d}", f"{number}-{family}"
                # Both are asked the same, and whichever holds the lease sends.
                answers[request] = [field.order("open", meter, request, gateway=one) for one in (second, field.gateway)]
        for request, both in answers.items():
            self.assertEqual([one.returncode for one in both], [0, 0], f"{request}: {both[0].stdout} {both[1].stdout}")
        self.assertEqual(len(field.book()), 24)
        holder = field.gateway.sql("SELECT holder FROM switch_lease WHERE name = 'sender'")
        sent = field.gateway.sql("SELECT DISTINCT gateway FROM switch_audit WHERE to_state = 'SENT'")
        self.assertIn(holder, sent.splitlines())
        field.kill_gateway()
        for number in range(6, METERS):
            for family in FAMILIES:
                meter, request = f"{PREFIX[family]}{number:08d}", f"{number}-{family}"
                self.assertEqual(field.order("open", meter, request, gateway=second).returncode, 0)
        second.wait(lambda: all(row["sent"] for row in field.book()), 60, "the other gateway to send what is left", pause=0.2)
        self.finish()
        senders = set(field.gateway.sql("SELECT DISTINCT gateway FROM switch_audit WHERE to_state = 'SENT'").splitlines())
        self.assertEqual(len(senders), 2, "both have sent, one after the other")

    def finish(self):
        self.field.start_gateway()
        self.repeat()
        self.assertEqual(self.asked, {}, "the gateway was not there to the end")
        self.field.gateway.wait(self.field.all_ended, 90, "every operation to end", pause=0.3)
        self.assertEqual(self.field.end(60), 0)
        book = self.field.book()
        self.assertEqual(contradictions(book, Ledger(self.field.ledger)), "")
        self.assertEqual(len({row["request_id"] for row in book}), len(book))
        self.assertTrue([row for row in book if row["state"].startswith("VERIFIED")])
        verified = self.field.ctl("audit", "verify", check=False)
        self.assertEqual(verified.returncode, 0, verified.stdout)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=0)
    given, rest = parser.parse_known_args()
    ROUNDS = given.rounds
    unittest.main(argv=sys.argv[:1] + rest)
