#!/usr/bin/env python3
"""switch: what the gateway takes from Submit to the first byte of the command on the wire, PostgreSQL with fsync on.

TS2 over MultiSpeak 3.0, as its adapter speaks it; the head-end is the client's own. A CLOSE of one meter after the other,
then again while the notifications of an outage arrive, one meter each, then so many reconnects a second whether or not the
gateway keeps up (each counts from when it was due). A command that leaves twice, or not at all, ends the run as failed.
"""
import argparse
import json
import os
import pathlib
import subprocess
import sys
import urllib.request

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
from gateway import ROOT, Gateway, machine, report
from ports import free_ports

from bench_field import Watched

CONFIG = """
utilities:
  - {{key: bench, notice: AE-1641, zone: America/Toronto}}
database: {{conninfo: "{conninfo}", allow_owner: true, migrate_on_start: true}}
data_dir: {root}/config
state_dir: {folder}/state
rpc: {{unix_socket: {folder}/rpc.sock}}
http: {{address: "127.0.0.1:0", port_file: {folder}/http.port}}
adapters: [{folder}/ts2.yaml, {folder}/gridstream.yaml]
switching:
  conninfo: "{conninfo}"
  utilities:
    - utility: bench
      evidence: [{{family: ts2, reports_device_time: true}}]
      shown: [{{family: ts2, firmware: "*", open: true, close: true, rely_on_meter_interlock: true, author: the bench, document: none}}]
"""
FEED = """
name: {family}
utility: bench
family: {family}
interface: multispeak
zone: UTC
{roles}
callback: {{listen: ["127.0.0.1:{told}"], paths: [/callback]}}
response_url: http://127.0.0.1:{told}/callback
names: BADGE
meter_id: MeterNo
"""
# Each of the outage's meters tells its last gasp; nothing else is reported.
SCENARIO = """
seed: 5
start_ago: 2h
time_factor: 3600
networks:
  - {{family: ts2, models: [FOCUS AX-SD], meters: {meters}, listen: "127.0.0.1:{ts2}", callback: "http://127.0.0.1:{ts2_told}/callback"}}
length: 15m
"""
OUTAGE = """
seed: 6
start_ago: 1h
time_factor: 3600
length: 15m
books: outage.csv
ledger: outage.jsonl
ports: outage.json
networks:
  - {{family: gridstream, meters: {meters}, batch: 1, intervals: "false", registers_every: 1d, listen: "127.0.0.1:{asked}",
     callback: "http://127.0.0.1:{told}/callback"}}
outages: [{{share: 1, at: 1m, spread: 5m, lasts: 2h}}]
"""
AIMS = {"to_first_byte_us": {"median": 5000, "p99": 20000}, "per_second": 200}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", required=True)
    parser.add_argument("--json", required=True)
    parser.add_argument("--calls", type=int, default=int(os.environ.get("AMI_BENCH_SWITCH_CALLS", "1000")))
    parser.add_argument("--callbacks", type=int, default=20000)
    parser.add_argument("--per-second", type=float, default=200)
    parser.add_argument("--seconds", type=int, default=20)
    args = parser.parse_args()
    rates = {"quiet": (args.calls, 0), "while_outages_arrive": (args.calls, 0),
             "sustained": (int(args.per_second * args.seconds), args.per_second)}
    meters = sum(count for count, _ in rates.values())

    with Gateway(args.build) as gateway:
        folder = gateway.folder
        ports = dict(zip(("ts2", "ts2_told", "wire", "asked", "told"), free_ports(5)))
        mine = f'mr: {{url: "http://127.0.0.1:{ports["ts2"]}/MR_Server"}}\ncd: {{url: "http://127.0.0.1:{ports["wire"]}/CD_Server"}}'
        bounds = "\nin_flight: 100000\nper_minute: 1000000\n"
        (folder / "ts2.yaml").write_text(FEED.format(family="ts2", roles=mine, told=ports["ts2_told"]) + bounds)
        storm = f'mr: {{url: "http://127.0.0.1:{ports["asked"]}/MR_Server"}}'
        (folder / "gridstream.yaml").write_text(FEED.format(family="gridstream", roles=storm, told=ports["told"]))
        gateway.start(CONFIG.format(conninfo=gateway.conninfo, root=ROOT, folder=folder))

        def fieldsim(name, text, **more):
            (folder / name).write_text(text, encoding="utf-8")
            return subprocess.Popen([gateway.build / "bin/fieldsim", "--base-dir", folder, "--scenario", folder / name], **more)

        def books(name, text):
            """The same fleet's books, from a run of an instant: they are needed before the field begins."""
            lines = [line for line in text.splitlines() if line.split(":")[0] not in ("length", "books", "ledger", "ports")]
            if fieldsim(name, "\n".join(lines) + f"\nlength: 1m\nbooks: {name}.csv\nledger: {name}.jsonl\nports: {name}.json\n").wait(120):
                raise SystemExit("the simulated field did not start")
            rows = [line.split(",") for line in (folder / f"{name}.csv").read_text().splitlines()]
            # The two fields number their meters alike: of the storm's only the badge is taken.
            table = folder / f"{name}-import.csv"
            kept = [i for i, column in enumerate(rows[0]) if name == "ways" or column in ("meter", "badge", "usage_point", "valid_from")]
            table.write_text("".join(",".join(row[i] for i in kept) + "\n" for row in rows))
            gateway.amictl("--timeout", "600", "meters", "import", "--utility", "bench", str(table))
            return [dict(zip(rows[0], row)) for row in rows[1:]]

        ways = SCENARIO.format(meters=meters, **ports)
        outage = OUTAGE.format(meters=args.callbacks, **ports)
        fleet = books("ways", ways)
        books("storm", outage)
        (folder / "meters.txt").write_text("".join(f"{one['meter']} {one['usage_point']} {one['manufacturer_serial']}\n" for one in fleet))
        if fieldsim("field.yaml", ways).wait(300):  # a first reading of each says which feed reaches it
            raise SystemExit("the simulated field ended")
        gateway.wait(lambda: int(gateway.sql("SELECT count(DISTINCT meter_id) FROM register_read")) == meters, 300,
                     "a first reading of each meter", pause=0.3)
        gateway.sql("vacuum analyze")
        metrics = f"http://127.0.0.1:{(folder / 'http.port').read_text().strip()}/metrics"

        def waiting():
            with urllib.request.urlopen(metrics, timeout=10) as page:
                for line in page.read().decode().splitlines():
                    if line.startswith('ami_journal_messages{feed="gridstream"}'):
                        return int(float(line.rsplit(" ", 1)[1]))
            return 0

        figures, first = {}, 0
        for phase, (count, rate) in rates.items():
            outages = None
            if phase == "while_outages_arrive":
                outages = fieldsim("outage.yaml", outage)
                gateway.wait(lambda: waiting() > 0 or outages.poll() is not None, 60, "the first outages", pause=0.05)
            watched = Watched({"gateway": gateway.daemon.pid})
            client = subprocess.run([pathlib.Path(args.build) / "tests/switch_client", folder / "rpc.sock", "bench", str(ports["wire"]),
                                     folder / "meters.txt", str(first), str(count), str(rate)], stdout=subprocess.PIPE, text=True)
            first += count
            watched.look()
            figures[phase] = {**json.loads(client.stdout or "{}"), "ok": client.returncode == 0,
                              "gateway_cpu_s": round(watched.spent()["gateway"], 2)}
            if outages:
                figures[phase]["outages_still_arriving_at_the_end"] = outages.poll() is None or waiting() > 0
                if outages.wait(300):
                    raise SystemExit("the storm ended badly")
                gateway.wait(lambda: waiting() == 0, 300, "the journal to be empty", pause=0.1)
                figures[phase]["outage_events_stored"] = int(gateway.sql("SELECT count(*) FROM event WHERE kind = 'OUTAGE'"))
        result = {"bench": "switch", "aims": AIMS, "callbacks": args.callbacks, "asked_per_second": args.per_second, **figures,
                  "states": json.loads(gateway.sql("SELECT json_object_agg(state, n) FROM (SELECT state, count(*) AS n FROM "
                                                   "switch_operation GROUP BY 1) s") or "{}"),
                  "resident_mb": gateway.resident_mb(), "machine": machine(folder),
                  "settings": {name: gateway.sql(f"show {name}") for name in ("fsync", "synchronous_commit", "shared_buffers")}}
        report(args.json, result)
        if not all(one["ok"] for one in figures.values()) or figures["while_outages_arrive"]["outage_events_stored"] < args.callbacks:
            raise SystemExit("a command left twice, or not at all, or an outage was lost")
        if wrong := result["states"].keys() - {"SENT", "ACKNOWLEDGED"}:  # each was taken by the head-end, and none is told the end
            raise SystemExit(f"commands that left and were taken are told as {', '.join(sorted(wrong))}")


if __name__ == "__main__":
    main()
