#!/usr/bin/env python3
"""ingest: CMEP files through the running daemon to commit, next to binary COPY of the same rows in the same run.

100,000 meters x one civil day of 15-minute intervals, in records of 48 cut at local midnight, shuffled. The clock
runs from the moment the file is in the drop folder until it is in done/, which happens after its last commit.
"""
import argparse
import os
import random
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
from gateway import ROOT, Gateway, machine, report

FIRST_END = "202601150515"  # 00:15 in Toronto
CUT_END = "202601151715"    # 12:15


def write_input(path, meters, seed):
    """Returns the sum in Wh. Values differ from slot to slot; the sum is formed here, apart from the gateway."""
    rng = random.Random(seed)
    records, total = [], 0
    for number in range(meters):
        badge = f"B{number:07d}"
        for first in (FIRST_END, CUT_END):
            values = [rng.randrange(0, 3000) for _ in range(48)]
            total += sum(values)
            body = ",,R,".join(f"{wh // 1000}.{wh % 1000:03d}" for wh in values)
            records.append(f"MEPMD01,19970819,HES01,LDC001,MDM01,{badge},202601160600,{badge},OK,E,KWH,1.0,00000015,48,"
                           f"{first},R,{body}\r\n")
    rng.shuffle(records)
    with open(path, "w", encoding="ascii", newline="") as out:
        out.writelines(records)
    return total


def write_meters(path, meters):
    with open(path, "w", encoding="ascii") as out:
        out.write("meter,badge,model,form,elements,wires,class,usage_point,zone\n")
        for number in range(meters):
            out.write(f"B{number:07d},B{number:07d},FOCUS AX,2S,1.5,3,200,UP{number:07d},America/Toronto\n")


def config(gateway, settle="15m"):
    """`settle`: how long after a change its day is judged."""
    return f"""
utilities:
  - {{key: bench, zone: America/Toronto}}
database: {{conninfo: "{gateway.conninfo}", allow_owner: true, migrate_on_start: true}}
data_dir: {ROOT}/config
state_dir: {gateway.folder}
validation: {{settle: {settle}}}
rpc: {{unix_socket: {gateway.folder}/rpc.sock}}
http: {{address: "127.0.0.1:0", port_file: {gateway.folder}/http.port}}
adapters: [{gateway.folder}/flexnet.yaml]
"""


FEED = """
name: flexnet-bench
utility: bench
family: flexnet
folder: {inbox}
zone: UTC
"""


def stored_intervals(gateway):
    """Count and sum in Wh."""
    count, wh = gateway.sql("select count(*), coalesce(sum(v * 10 ^ exponent), 0)::numeric from interval_day, unnest(values) v "
                            "where v <> -2147483648").split("|")
    return int(count), int(float(wh))


def partition_bytes(gateway):
    """Of all interval values: the tables alone, and with their indexes."""
    table, total = gateway.sql("select sum(pg_table_size(inhrelid)), sum(pg_total_relation_size(inhrelid)) from pg_inherits "
                               "where inhparent = 'interval_day'::regclass").split("|")
    return int(table), int(total)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", required=True)
    parser.add_argument("--json", required=True)
    parser.add_argument("--meters", type=int, default=int(os.environ.get("AMI_BENCH_METERS", "100000")))
    args = parser.parse_args()

    with Gateway(args.build) as gateway:
        (gateway.folder / "flexnet.yaml").write_text(FEED.format(inbox=gateway.inbox), encoding="utf-8")
        gateway.start(config(gateway))
        write_meters(gateway.folder / "meters.csv", args.meters)
        begin = time.perf_counter()
        gateway.amictl("meters", "import", "--utility", "bench", str(gateway.folder / "meters.csv"))
        import_s = time.perf_counter() - begin

        made = gateway.folder / "day.cmep"
        total_wh = write_input(made, args.meters, seed=7)
        figures = {"bench": "ingest", "meters": args.meters, "intervals": args.meters * 96, "input_mb": made.stat().st_size // 2**20,
                   "machine": machine(gateway.folder),
                   "settings": {name: gateway.sql(f"show {name}") for name in ("fsync", "synchronous_commit", "shared_buffers")},
                   "import_meters_per_s": round(args.meters / import_s)}
        done = gateway.inbox / "done"
        for label, name in (("first_load", "day.cmep"), ("identical_replay", "again.cmep")):
            copy = gateway.folder / name
            if label == "identical_replay":  # other bytes, same readings: one more record, of a type that is only counted
                copy.write_bytes((done / "day.cmep").read_bytes() + b"MEPLF01,19970819\r\n")
            begin = time.perf_counter()
            os.rename(copy, gateway.inbox / name)
            gateway.wait(lambda n=name: (done / n).exists() or (gateway.inbox / "rejected" / n).exists(), 900, f"{name} in done/")
            seconds = time.perf_counter() - begin
            figures[label] = {"seconds": round(seconds, 2), "intervals_per_s": round(args.meters * 96 / seconds),
                              "meter_days_per_s": round(args.meters / seconds), "daemon_resident_mb": gateway.resident_mb()}
        count, wh = stored_intervals(gateway)
        figures["stored_intervals"] = count
        figures["sum_matches"] = wh == total_wh and count == args.meters * 96
        figures["quarantined"] = int(gateway.sql("select count(*) from quarantine"))

        binary = gateway.folder / "rows.bin"
        gateway.sql(f"\\copy (select * from interval_day) to '{binary}' (format binary)")
        gateway.sql("create table copy_target (like interval_day including all)")
        begin = time.perf_counter()
        gateway.sql(f"\\copy copy_target from '{binary}' (format binary)")
        copy_s = time.perf_counter() - begin
        figures["binary_copy"] = {"seconds": round(copy_s, 2), "rows": int(gateway.sql("select count(*) from copy_target"))}
        figures["ratio_to_copy"] = round(copy_s / figures["first_load"]["seconds"], 4)
        figures["bytes_per_slot"] = round(partition_bytes(gateway)[1] / count, 2)
        report(args.json, figures)
        if not figures["sum_matches"]:
            raise SystemExit("the stored intervals are not those that were sent")


if __name__ == "__main__":
    main()
