#!/usr/bin/env python3
"""on_demand: what the gateway adds to an on-demand read. The clock runs from ReadNow to the request's arrival at the far
side, and from the answer's first byte to the end of the call, which returns the reading; the far side's own time is left
out, gRPC and both ends' sockets are in. One caller, one read after the other, through the whole daemon with a made-up
family; every step that must be durable is (fsync on)."""
import argparse
import json
import os
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "support"))
from far_side import FarSide, stamp  # noqa: E402
from gateway import ROOT, Gateway, machine, report  # noqa: E402

CONFIG = """
utilities:
  - {{key: bench, zone: America/Toronto}}
data_dir: {config}
state_dir: {folder}
database: {{conninfo: "{conninfo}", allow_owner: true, migrate_on_start: true}}
rpc: {{unix_socket: {folder}/rpc.sock}}
http: {{address: "127.0.0.1:0", port_file: {folder}/http.port}}
adapters: [{folder}/radio.yaml]
"""


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", required=True)
    parser.add_argument("--json", required=True)
    parser.add_argument("--meters", type=int, default=100)
    parser.add_argument("--calls", type=int, default=int(os.environ.get("AMI_BENCH_ON_DEMAND_CALLS", "2000")))
    args = parser.parse_args()

    with Gateway(args.build) as gateway:
        folder = gateway.folder
        (folder / "radio.yaml").write_text(f"{{name: radio, utility: bench, family: line_command, port_file: {folder}/radio.port}}\n")
        gateway.start(CONFIG.format(folder=folder, conninfo=gateway.conninfo, config=ROOT / "config"), program="tests/pushed-gatewayd")
        (folder / "meters.csv").write_text("meter,valid_from\n" + "".join(f"M{n},2020-01-01\n" for n in range(args.meters)))
        gateway.amictl("meters", "import", "--utility", "bench", str(folder / "meters.csv"))
        far = FarSide(folder / "radio.port")
        for n in range(args.meters):  # a first reading of each says which feed reaches it
            far.say(f"M{n}", f"M{n} 1 {stamp(minutes_ago=600)}")
        gateway.wait(lambda: gateway.sql("select count(*) from register_read") == str(args.meters), 60, "the first readings")
        far.close()
        gateway.sql("vacuum analyze")
        out = subprocess.run([pathlib.Path(args.build) / "tests/on_demand_client", folder / "rpc.sock", (folder / "radio.port").read_text().strip(),
                              str(args.meters), str(args.calls)], check=True, stdout=subprocess.PIPE, text=True).stdout
        figures = json.loads(out)
        report(args.json, {
            "bench": "on_demand", "meters": args.meters, **figures, "resident_mb": gateway.resident_mb(), "machine": machine(folder),
            "settings": {name: gateway.sql(f"show {name}") for name in ("fsync", "synchronous_commit", "shared_buffers")},
            "journal": "SQLite, WAL, synchronous=FULL"})


if __name__ == "__main__":
    main()
