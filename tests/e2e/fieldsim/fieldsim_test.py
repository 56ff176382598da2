#!/usr/bin/env python3
"""A simulated day of all six networks with every fault on, the gateway, and the ledger of truth: what was sent is in the
store, once and digit for digit; what was never sent is not there. The gateway is killed (SIGKILL) in the middle and started
again; meters are exchanged at 10:37, and what comes late of those that are gone stays theirs.
"""
import json
import pathlib
import time
import unittest
from collections import Counter
from decimal import Decimal

from field import Field
from ledger import Ledger, differences, instant

HERE = pathlib.Path(__file__).parent
FAMILIES = {"gridstream", "ts2", "twacs", "ssn", "flexnet", "securemesh"}
INTERVAL = "0.0.2.4.1.1.12.0.0.0.0.0.0.0.0.0.72.0"

COMMANDS = """
seed: 8
start_ago: 2d  # a meter is asked through the feed that brought its values lately
time_factor: 1200
networks:
  - {family: gridstream, meters: 2, registers_every: 15m, latency: {least: 1s, most: 30s}, listen: "127.0.0.1:18081",
     callback: "http://127.0.0.1:18441/multispeak"}
  - {family: ts2, meters: 2, latency: {least: 1s, most: 30s}, listen: "127.0.0.1:18082",
     callback: "http://127.0.0.1:18442/multispeak"}
  - {family: twacs, meters: 2, models: [FOCUS AX], latency: {least: 1s, most: 30s}, listen: "127.0.0.1:18083",
     callback: "http://127.0.0.1:18447/multispeak"}
  - {family: ssn, meters: 2, folder: inbox/ssn, template: uiq_job/assumed.yaml, listen: "127.0.0.1:18085"}
  - {family: flexnet, meters: 2, folder: inbox/flexnet, latency: {least: 1s, most: 30s}, listen: "127.0.0.1:18084",
     callback: "http://127.0.0.1:18446/multispeak"}
  - {family: securemesh, meters: 2, latency: {least: 1s, most: 30s}, listen: "127.0.0.1:18086",
     callback: "http://127.0.0.1:18445/cim"}
"""
ASKED = ["GS00000001", "TS00000001", "TW00000001", "SN00000001", "FN00000001", "TR00000001"]


class SimulatedField(unittest.TestCase):
    maxDiff = 3000

    def begin(self, scenario, **field):
        self.field = Field(**field)
        self.addCleanup(self.field.close)
        self.gateway = self.field.gateway
        self.field.start_gateway()
        self.field.import_books(scenario)
        self.field.begin(scenario)

    def settled(self, ledger):
        """Files and messages are stored a moment after they were acknowledged. What is not there then is told as it is."""
        stored = []

        def there():
            stored[:] = self.field.stored()
            held = {row[:3] for row in stored}
            return time.monotonic() > end or all(slot in held for slot in ledger.said["sent"])

        end = time.monotonic() + 60
        self.gateway.wait(there, 90, "what was sent to be stored", pause=0.3)
        self.assertEqual(differences(ledger, [row[:4] for row in stored]), "")
        return stored

    def test_a_day_with_every_fault_is_stored_as_it_was_sent(self):
        self.begin((HERE / "day.yaml").read_text(), zones={"flexnet": "America/Toronto", "twacs-water": "America/Toronto"})
        exchanged, lines = [], 0
        kills = [4000]  # of the ledger's lines: some hours into the day

        def went_on():
            nonlocal lines
            for line in self.field.new_lines():
                lines += 1
                if line["kind"] == "action" and line["action"] == "exchange":
                    exchanged.append(line)
            return self.field.process.poll() is not None or (kills and lines > kills[0]) or len(exchanged) > entered

        entered = 0
        while self.field.process.poll() is None:
            self.gateway.wait(went_on, 120, "the day to go on", pause=0.05)
            if kills and lines > kills[0]:
                kills.pop()
                self.field.kill_gateway()
                self.field.start_gateway()
            for line in exchanged[entered:]:  # whoever was in the street tells the office
                self.field.ctl("meters", "exchange", line["usage_point"], line["other"], "--at", line["at"], "--old-end",
                               line["end_kwh"], "--new-start", line["start_kwh"], "--order", "WO-" + line["meter"], "--already-in-place")
                entered += 1
        self.assertEqual(self.field.end(5, signalled=False), 0)
        self.assertEqual(kills, [], "the gateway was never killed")

        ledger = Ledger(self.field.ledger)
        self.assertEqual(ledger.lines[-1]["kind"], "end")
        self.every_misfortune_happened(ledger)
        stored = self.settled(ledger)
        slots = Counter(row[:3] + row[5:] for row in stored)  # two channels of a meter may tell one thing
        self.assertEqual([slot for slot, count in slots.items() if count > 1], [], "stands twice")
        checked = self.field.ctl("demo-check", self.field.ledger, check=False)
        self.assertEqual(checked.returncode, 0, checked.stdout)
        self.exchanges_are_right(ledger, stored)

    def every_misfortune_happened(self, ledger):
        sent, lost = ledger.said["sent"], ledger.said["lost"]
        networks = {line["network"] for line in ledger.of("interval_block", delivery="sent") + ledger.of("register", delivery="sent")}
        self.assertEqual(networks, FAMILIES)
        self.assertEqual({line["network"] for line in ledger.of("register", delivery="lost")}, FAMILIES)
        self.assertGreater(ledger.copied, 50)
        self.assertGreater(len([slot for slot in lost if slot not in sent]), 100, "gaps for good")
        late = [line for line in ledger.of("register", delivery="sent") if instant(line["sent"]) - instant(line["at"]) > 2400]
        self.assertGreater(len(late), 20, "late callbacks")
        self.assertTrue([line for line in ledger.lines if str(line.get("message", "")).startswith("catchup-")])
        by_cim = [line for line in ledger.of("event") if "-cim-" in line["message"]]
        self.assertLessEqual({"OUTAGE", "RESTORATION"}, {line["name"] for line in by_cim})
        self.assertEqual({line["network"] for line in by_cim}, {"gridstream"})
        self.assertGreater(len({line["name"] for line in ledger.of("event")}), 8)

    def exchanges_are_right(self, ledger, stored):
        exchanges = ledger.exchanges()
        self.assertEqual(Counter(line["network"] for line in exchanges), {"gridstream": 2, "flexnet": 2, "ts2": 1})
        late = 0
        for line in exchanges:
            at, place = instant(line["at"]), line["usage_point"]
            self.assertEqual(line["at"], "2026-03-08T14:37:00Z", "10:37 in Toronto, in summer time")
            old = [row for row in stored if row[0] == line["meter"]]
            new = [row for row in stored if row[0] == line["other"]]
            self.assertTrue(old and new)
            for meter, kind, begin, _, held, _ in old + new:
                length = 900 if kind == INTERVAL or kind.startswith("0.0.2.4.19.") else 0
                was = begin + length <= at if meter == line["meter"] else begin >= at
                self.assertEqual(held, place if was else "", (meter, kind, begin))
            late += len([one for one in ledger.of("interval_block", meter=line["meter"], delivery="sent") if instant(one["sent"]) > at])
            self.usage_point_goes_on(line, ledger)
        self.assertGreater(late, 0, "nothing of the removed meters came after they were gone")

    def usage_point_goes_on(self, line, ledger):
        """Over the RPC: at the usage point there is what the old meter said before and the new one after, and nothing of
        the quarter in which they were exchanged."""
        at = instant(line["at"])
        wanted = {}
        for meter, kind, begin in ledger.said["sent"]:
            if kind == INTERVAL and (meter == line["meter"] and begin + 900 <= at or meter == line["other"] and begin >= at):
                wanted[begin] = ledger.said["sent"][(meter, kind, begin)]
        answer = self.field.ctl("--output", "json", "reads", line["usage_point"], "--usage-point", "--intervals", "--from",
                                "2026-03-08T05:00:00Z", "--to", "2026-03-09T05:00:00Z", "--quantity", "ENERGY_DELIVERED", "--layer", "raw")
        told = dict(intervals_of(answer.stdout))
        if line["network"] == "ts2":
            self.assertEqual(told, {}, "its meters have no recorder")
            return
        self.assertEqual(sorted(told), sorted(wanted))
        self.assertEqual([begin for begin in wanted if told[begin] not in wanted[begin]], [])
        self.assertTrue([begin for begin in told if begin < at] and [begin for begin in told if begin > at])

    def test_each_family_answers_a_read_once(self):
        self.begin(COMMANDS)
        keys = ", ".join(f"'{key}'" for key in ASKED)
        # Where values come from says through which feed a meter is asked.
        self.gateway.wait(lambda: self.gateway.sql("SELECT count(DISTINCT m.key) FROM register_value JOIN meter m USING (meter_id) "
                                                   f"WHERE m.key IN ({keys})") == str(len(ASKED)), 60, "first readings", pause=0.2)
        read = self.field.ctl("read-now", *ASKED, "--wait", "40s", check=False)
        self.assertEqual(read.returncode, 0, read.stdout)
        self.assertEqual(self.field.end(60), 0)
        ledger = Ledger(self.field.ledger)
        self.assertEqual(Counter(line["meter"] for line in ledger.of("command", command="read", step="executed")),
                         dict.fromkeys(ASKED, 1), read.stdout)
        self.settled(ledger)
        checked = self.field.ctl("demo-check", self.field.ledger, check=False)
        self.assertEqual(checked.returncode, 0, checked.stdout)


def intervals_of(text):
    """(start, number) of each line of `reads --output json` that has a value."""
    for line in map(json.loads, text.splitlines()):
        if line["value"] is not None:
            yield instant(line["start"]), Decimal(line["value"])


if __name__ == "__main__":
    unittest.main()
