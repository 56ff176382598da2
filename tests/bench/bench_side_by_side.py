#!/usr/bin/env python3
"""side_by_side: the same readings stored by this gateway and by other programs, in one run on one private cluster.

The gateway takes a CMEP file from its drop folder, as in bench_ingest. The others take the readings of the same file
as lines that are ready to be stored: see contenders.py. The clock runs from handing over to the last commit, seen from
outside. A slow one gets the readings of fewer meters (its rate counts; a smaller table never makes it slower). What is
stored is compared with what was sent by count and exact sum; loss is printed, and never ends the run.
A program that is not installed is named and left out: deploy/setup --bench installs them.
"""
import argparse
import os
import sys
from decimal import Decimal

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
from gateway import Gateway, machine, report

from bench_feeds import timed_drop
from bench_ingest import FEED, FIRST_END, config, partition_bytes, stored_intervals, write_input, write_meters
from contenders import CONTENDERS, Database, Failed

NOTES = ["rows and day arrays differ: the gateway stores the values of a channel and day in one row with quality and source, "
         "the others one row a reading; a single reading is easier to reach in rows",
         "the others get parsed lines, no index and no meter to look up while the clock runs; their unique index (meter, time) is built after it",
         "the gateway parses CMEP, resolves meter and reading type, merges by rank, and keeps revisions, provenance and the file"]


def read_day(path):
    """[(meter, 96 values as they are written)], out of the file that the gateway gets."""
    day = {}
    with open(path, encoding="ascii") as records:
        for record in records:
            fields = record.rstrip("\r\n").split(",")
            half = 0 if fields[14] == FIRST_END else 48
            day.setdefault(fields[5], [None] * 96)[half:half + 48] = fields[16::3]
    return sorted(day.items())


def run_gateway(gateway, made, meters, total_wh):
    seconds = timed_drop(gateway, made, gateway.inbox, "day.cmep")
    count, wh = stored_intervals(gateway)
    table, with_index = partition_bytes(gateway)
    return {"meters": meters, "readings": meters * 96, "seconds": round(seconds, 2), "readings_per_s": round(meters * 96 / seconds),
            "lost": meters * 96 - count, "sum_matches": wh == total_wh, "value_type": "integer mantissas with an exponent",
            "bytes_per_reading": {"table": round(table / count, 2), "with_index": round(with_index / count, 2)}}


def run_contender(contender, database, parent, day, gateway_rate):
    version = contender.installed()
    if not version:
        return "not installed"
    table, folder, sent = contender.name, parent / contender.name, len(day) * 96
    folder.mkdir()
    database.sql(f"create table {table} (meter text, time timestamptz, value {contender.value_type}, quality text); checkpoint")
    try:
        seconds = contender.run(database, folder, day, table)
    except (Failed, OSError) as failure:
        return {"version": version, "failed": str(failure)}
    # A double's cast gives its shortest 15 digits, so that the sum is exact and in no order.
    count, wh = database.sql(f"select count(*), coalesce(sum(value::numeric) * 1000, 0) from {table}").split("|")
    wanted_wh = sum(int(value.replace(".", "")) for _, values in day for value in values)
    stored = int(count)
    figures = {"version": version, "settings": contender.settings, "meters": len(day), "readings": sent, "seconds": round(seconds, 2),
               "readings_per_s": round(stored / seconds), "ratio_to_gateway": round(stored / seconds / gateway_rate, 4),
               "lost": sent - stored, "sum_matches": Decimal(wh) == wanted_wh, "value_type": contender.value_type}
    if stored:
        table_bytes = int(database.sql(f"select pg_table_size('{table}')"))
        twice = int(database.sql(f"select count(*) - count(distinct (meter, time)) from {table}"))
        figures["stored_twice"] = twice
        database.sql(f"create {'' if twice else 'unique'} index on {table} (meter, time)")
        figures["bytes_per_reading"] = {
            "table": round(table_bytes / stored, 2),
            "with_index": round(int(database.sql(f"select pg_total_relation_size('{table}')")) / stored, 2)}
    figures["leaves_out"] = contender.leaves_out
    return figures


def main():
    def size(name, default):
        return int(os.environ.get(f"AMI_BENCH_SIDE_{name}", default))

    parser = argparse.ArgumentParser()
    parser.add_argument("--build", required=True)
    parser.add_argument("--json", required=True)
    parser.add_argument("--meters", type=int, default=size("METERS", 20000))
    args = parser.parse_args()
    share = {"copy": args.meters, "rsyslog": size("RSYSLOG_METERS", 4000), "collectd": size("COLLECTD_METERS", 2000)}

    with Gateway(args.build) as gateway:
        (gateway.folder / "flexnet.yaml").write_text(FEED.format(inbox=gateway.inbox), encoding="utf-8")
        gateway.start(config(gateway))
        write_meters(gateway.folder / "meters.csv", args.meters)
        gateway.amictl("meters", "import", "--utility", "bench", str(gateway.folder / "meters.csv"))
        made = gateway.folder / "day.cmep"
        total_wh = write_input(made, args.meters, seed=7)
        day = read_day(made)
        figures = {"bench": "side_by_side", "machine": machine(gateway.folder),
                   "settings": {name: gateway.sql(f"show {name}") for name in
                                ("server_version", "fsync", "synchronous_commit", "full_page_writes", "shared_buffers")},
                   "notes": NOTES}
        gateway.sql("checkpoint")
        figures["gateway"] = run_gateway(gateway, made, args.meters, total_wh)
        gateway.stop_daemon()
        for kind, contenders in CONTENDERS.items():
            for contender in contenders:
                figures[contender.name] = run_contender(
                    contender, Database(gateway), gateway.folder, day[:share[kind]], figures["gateway"]["readings_per_s"])
        report(args.json, figures)
        if figures["gateway"]["lost"] or not figures["gateway"]["sum_matches"]:
            raise SystemExit("the gateway's stored intervals are not those that were sent")


if __name__ == "__main__":
    main()
