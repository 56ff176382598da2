"""A gateway that may switch, and a simulated field of the four families whose interfaces state switching, on the real wire.

The field catches up with the machine's clock within seconds and keeps pace with it: evidence counts by the meter's own time.
"""
import json
import pathlib
import re
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tests/e2e/fieldsim"))
from field import CONFIG, Field, Gateway  # noqa: E402
from ledger import instant  # noqa: E402
from ports import free_ports  # noqa: E402

FAMILIES = ("ts2", "flexnet", "ssn", "securemesh")
PREFIX = {"ts2": "TS", "flexnet": "FN", "ssn": "SN", "securemesh": "TR"}

# What the site has shown and can attain; times that fit a test.
SWITCHING = """
switching:
  conninfo: "@CONNINFO@"
  lease: 2s
  retry: 500ms
  verify: {verify}
  utilities:
    - utility: demo
      evidence: [{evidence}]
      shown: [{shown}]
"""
EVIDENCE = "{{family: {family}, reports_device_time: true}}"
SHOWN = ("{{family: {family}, firmware: \"*\", open: true, close: true, arm: {arm}, rely_on_meter_interlock: true, "
         "author: the test, document: the scenario}}")
FLIGHT = ["expiry: 5s", "grace: 1s"]
LINES = {"ts2": FLIGHT, "flexnet-multispeak": FLIGHT, "securemesh": FLIGHT,
         # The shipped template is assumed and opens nothing; a site compares it, and leaves the mark out of its copy.
         "ssn-jobs": [*FLIGHT, "template: @FIELD@/uiq_job/site.yaml", "poll_first: 200ms", "poll_longest: 500ms"]}

SCENARIO = """
seed: {seed}
start_ago: 1h
time_factor: 2400
networks:
  - {{family: ts2, models: [FOCUS AX-SD], listen: "127.0.0.1:18082", callback: "http://127.0.0.1:18442/multispeak", {common}}}
  - {{family: flexnet, folder: inbox/flexnet, listen: "127.0.0.1:18084", callback: "http://127.0.0.1:18446/multispeak", {common}}}
  - {{family: ssn, folder: inbox/ssn, template: uiq_job/site.yaml, listen: "127.0.0.1:18085", {common}}}
  - {{family: securemesh, listen: "127.0.0.1:18086", callback: "http://127.0.0.1:18445/cim", {common}}}
{more}
"""
ENDED = ("VERIFIED_OPEN", "VERIFIED_CLOSED", "VERIFIED_ARMED", "REJECTED", "CANCELLED", "EXPIRED", "FAILED", "UNCERTAIN", "CONTRADICTED")


class Second(Gateway):
    """A gateway beside another one, on its cluster."""

    def __init__(self, beside):
        self.build, self.conninfo, self.daemon = beside.build, beside.conninfo, None
        self.folder = beside.folder / "second"
        self.folder.mkdir()

    def close(self):
        self.stop_daemon()


class SwitchField(Field):
    def __init__(self, verify="20s"):
        evidence = ", ".join(EVIDENCE.format(family=family) for family in FAMILIES)
        shown = ", ".join(SHOWN.format(family=family, arm=str(family == "flexnet").lower()) for family in FAMILIES)
        super().__init__(more=SWITCHING.format(verify=verify, evidence=evidence, shown=shown), lines=LINES)
        template = (ROOT / "config/uiq_job/assumed.yaml").read_text().splitlines(keepends=True)
        (self.folder / "uiq_job/site.yaml").write_text("".join(line for line in template if not line.startswith("assumed:")))
        self.serials = {}

    def begin_with(self, meters, seed=12, misfortune="", more=""):
        """Starts gateway and field; returns when each meter has a way, which its first reading says."""
        common = f"meters: {meters}, latency: {{least: 1500ms, most: 2500ms}}{misfortune}"
        scenario = SCENARIO.format(seed=seed, common=common, more=more)
        self.start_gateway()
        self.import_books(scenario)
        rows = [line.split(",") for line in (self.folder / "books.csv").read_text().splitlines()]
        self.serials = {row[0]: row[rows[0].index("manufacturer_serial")] for row in rows[1:]}
        self.begin(scenario)
        self.gateway.wait(self.has_caught_up, 60, "the field to catch up with the clock", pause=0.1)
        self.gateway.wait(lambda: int(self.gateway.sql("SELECT count(DISTINCT meter_id) FROM register_read")) == len(self.serials),
                          90, "a first reading of each meter", pause=0.3)

    def second_gateway(self):
        """Another one on the same database, with the feeds that carry commands, on ports of its own."""
        second = Second(self.gateway)
        feeds = []
        for name in ("ts2", "flexnet-multispeak", "ssn-jobs", "securemesh"):
            text = (self.folder / f"{name}.yaml").read_text()
            for port in set(re.findall(r'^ +listen: \["127\.0\.0\.1:(\d+)"\]', text, flags=re.M)):
                text = text.replace(port, str(free_ports(1)[0]))
            feeds.append(second.folder / f"{name}.yaml")
            feeds[-1].write_text(text)
        second.begin = lambda: second.start(CONFIG.format(
            folder=second.folder, conninfo=self.gateway.conninfo, config=ROOT / "config", feeds=", ".join(map(str, feeds)),
            more=self.more.replace("@CONNINFO@", self.gateway.conninfo)))
        second.begin()
        return second

    def has_caught_up(self):
        """Its last report is of this quarter of an hour."""
        quarter = time.time() // 900 * 900
        return any(line["kind"] == "register" and instant(line["at"]) >= quarter - 1 for line in self.new_lines())

    def order(self, action, meter, request, *more, gateway=None):
        """Asks; what came back, with exit code and words."""
        attest = ["--attest", "CUSTOMER_PRESENT"] if action == "close" else []
        yes = ["--yes"] if action == "open" else []
        reason = "VACANT_MOVE_OUT" if action == "open" else "RECONNECT"
        return self.ctl("switch", action, meter, "--usage-point", f"UP-{meter}", "--serial-last4", self.serials[meter][-4:], "--reason",
                        reason, "--order", f"WO-{request}", "--request-id", request, *attest, *yes, *more, check=False, gateway=gateway)

    def book(self):
        """Rows of the book, with how often each was SENT by the audit."""
        text = self.gateway.sql(
            "SELECT json_agg(r) FROM (SELECT o.switch_id, m.key AS meter, o.action, o.state, o.request_id, o.transaction, o.evidence, "
            "o.rule, o.words, (SELECT count(*) FROM switch_audit a WHERE a.switch_id = o.switch_id AND a.to_state = 'SENT' AND "
            "a.from_state <> 'SENT') AS sent FROM switch_operation o JOIN meter m USING (meter_id) ORDER BY 1) r")
        return json.loads(text or "[]") or []

    def all_ended(self):
        return all(row["state"] in ENDED for row in self.book())


def contradictions(book, ledger):
    """Where the book says one thing and the ledger another; a row whose outcome is not known says nothing. "" = nowhere."""
    by_transaction = {row["transaction"]: row for row in book if row["transaction"]}
    done, refused, said = {}, {}, []
    for line in ledger.of("command", step="executed"):
        if line["command"] not in ("open", "close", "arm"):
            continue
        row = by_transaction.get(line["transaction"])
        if row is None:
            said.append(f"{line['meter']} {line['command']}: transaction {line['transaction']} is in no row")
            continue
        if (line["meter"], line["command"]) != (row["meter"], row["action"].lower()):
            said.append(f"operation {row['switch_id']}: {row['meter']} {row['action']}, and {line['meter']} did {line['command']}")
        count = done if line["result"] in ("done", "already_there") else refused
        count[row["switch_id"]] = count.get(row["switch_id"], 0) + 1
    for row in book:
        of = done.get(row["switch_id"], 0)
        total = of + refused.get(row["switch_id"], 0)
        words = f"operation {row['switch_id']} ({row['meter']} {row['action']}): {row['state']} {row['rule']} {row['words']}"
        if total > 1 or row["sent"] > 1:
            said.append(f"{words}: executed {total} times, SENT {row['sent']} times")
        if row["state"].startswith("VERIFIED") and of != 1:
            said.append(f"{words}: executed {of} times")
        if row["state"] not in ENDED:
            said.append(f"{words}: has not ended")
        if row["state"] in ("FAILED", "REJECTED", "CANCELLED", "EXPIRED") and of != 0:
            said.append(f"{words}: was executed")
        if row["state"] == "CONTRADICTED":
            said.append(words)
    return "\n".join(said)
