"""A simulated field's ledger, read apart from amictl: what must be in the store, what must not, and what was done."""
import datetime as dt
import json
from collections import defaultdict
from decimal import Decimal


def instant(text):
    return dt.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


class Ledger:
    """said[delivery][(meter, reading type, instant)]: the numbers that were said of it."""

    def __init__(self, path):
        lines = path.read_text().splitlines(keepends=True)
        self.lines = [json.loads(line) for line in lines if line.endswith("\n")]
        self.said = {word: defaultdict(set) for word in ("sent", "lost", "unsure")}
        self.copied, self.late = 0, 0
        for line in self.lines:
            if line["kind"] == "register":
                self._add(line, instant(line["at"]), line["value"])
            elif line["kind"] == "interval_block":
                for i, value in enumerate(line["values"]):
                    self._add(line, instant(line["start"]) + i * line["length_s"], value)
            self.copied += line.get("copies", 0) > 1

    def _add(self, line, at, value):
        if value is not None:
            self.said[line["delivery"]][(line["meter"], line["reading_type"], at)].add(Decimal(value))

    def of(self, kind, **keys):
        return [line for line in self.lines if line["kind"] == kind and all(line.get(k) == v for k, v in keys.items())]

    def exchanges(self):
        return self.of("action", action="exchange")


def differences(ledger, stored):
    """Of (meter, reading type, instant, number) rows of a store; "" = it is what was sent. In a few lines for people."""
    sent, lost, unsure = (ledger.said[word] for word in ("sent", "lost", "unsure"))
    held = defaultdict(set)
    for meter, kind, at, value in stored:
        held[(meter, kind, at)].add(value)
    found = [f"{slot}: sent {sorted(sent[slot])}, and not there" for slot in sent if slot not in held]
    for slot, values in held.items():
        may = sent.get(slot, set()) | unsure.get(slot, set())
        if not may:
            found.append(f"{slot}: {sorted(values)} is there and " + ("was lost" if slot in lost else "was never said"))
        elif not values <= may:
            found.append(f"{slot}: {sorted(values)} instead of {sorted(may)}")
    return "\n".join(found[:20]) + (f"\n… {len(found)} in all" if len(found) > 20 else "")
