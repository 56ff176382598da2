#!/usr/bin/env python3
"""month: one month filled day by day in random order of meters, as fields deliver it.

growth       rate of the first and of the last files: half of each file's records complete rows that are stored already
bytes_a_slot of the open month after the load, and of the same month rewritten in the order of its key at fillfactor 100,
             which is what the nightly maintenance does to a closed one
scan         all values of all meters over gRPC to a Python client that counts and adds them up
"""
import argparse
import os
import random
import statistics
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "support"))
sys.path.insert(0, os.path.join(HERE, "..", "e2e/python_client"))
from gateway import Gateway, machine, report

import client
from bench_ingest import FEED, config, write_meters
from bench_feeds import timed_drop

MONTH = "202601"


def half_days(rng, count):
    """Bodies of a record, with their sum in Wh: enough to be told apart, few enough to be made in a moment."""
    made = []
    for _ in range(count):
        values = [rng.randrange(3000) for _ in range(48)]
        made.append((",,R,".join(f"{wh // 1000}.{wh % 1000:03d}" for wh in values), sum(values)))
    return made


def write_day(path, meters, day, bodies, rng):
    """Two records a meter and UTC day; the second completes the row that the first began. Returns count and sum in Wh."""
    records, total = [], 0
    for number in range(meters):
        badge = f"B{number:07d}"
        for first in ("0015", "1215"):
            body, wh = bodies[rng.randrange(len(bodies))]
            total += wh
            records.append(f"MEPMD01,19970819,HES01,LDC001,MDM01,{badge},{MONTH}{day + 1:02d}2359,{badge},OK,E,KWH,1.0,00000015,48,"
                           f"{MONTH}{day + 1:02d}{first},R,{body}\r\n")
    rng.shuffle(records)
    with open(path, "w", encoding="ascii", newline="") as out:
        out.writelines(records)
    return meters * 96, total


def table_bytes(gateway):
    return int(gateway.sql("select sum(pg_total_relation_size(inhrelid)) from pg_inherits where inhparent = 'interval_day'::regclass"))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", required=True)
    parser.add_argument("--json", required=True)
    parser.add_argument("--meters", type=int, default=int(os.environ.get("AMI_BENCH_MONTH_METERS", "20000")))
    parser.add_argument("--days", type=int, default=int(os.environ.get("AMI_BENCH_MONTH_DAYS", "28")))
    args = parser.parse_args()
    rng = random.Random(13)
    with Gateway(args.build) as gateway:
        (gateway.folder / "flexnet.yaml").write_text(FEED.format(inbox=gateway.inbox), encoding="utf-8")
        gateway.start(config(gateway, settle="24h"))  # the store alone is measured
        write_meters(gateway.folder / "meters.csv", args.meters)
        gateway.amictl("meters", "import", "--utility", "bench", str(gateway.folder / "meters.csv"))
        stored, total, rates = 0, 0, []
        bodies = half_days(rng, 5000)
        for day in rng.sample(range(args.days), args.days):
            made = gateway.folder / f"day{day}.cmep"
            count, wh = write_day(made, args.meters, day, bodies, rng)
            seconds = timed_drop(gateway, made, gateway.inbox, made.name)
            stored, total = stored + count, total + wh
            rates.append(round(count / seconds))
            print(f"{stored:,} stored, {rates[-1]:,}/s", file=sys.stderr)
            os.unlink(gateway.inbox / "done" / made.name)
        edge = max(1, len(rates) // 5)
        figures = {"bench": "month", "meters": args.meters, "days": args.days, "intervals": stored, "machine": machine(gateway.folder),
                   "growth": {"first_per_s": statistics.median(rates[1:edge + 1]), "last_per_s": statistics.median(rates[-edge:]),
                              "ratio": round(statistics.median(rates[-edge:]) / statistics.median(rates[1:edge + 1]), 3)},
                   "daemon_resident_mb": gateway.resident_mb()}
        gateway.sql("checkpoint")
        figures["bytes_a_slot"] = {"open": round(table_bytes(gateway) / stored, 2)}

        names = [f"utilities/bench/meters/B{number:07d}" for number in range(args.meters)]
        with client.connect(f"unix:{gateway.folder}/rpc.sock") as channel:
            stub = client.reading_service_pb2_grpc.ReadingServiceStub(channel)
            seen, wh, begin = 0, 0, time.perf_counter()
            for first in range(0, min(args.meters, 5000), 1000):
                request = client.reading_service_pb2.StreamIntervalsRequest(names=names[first:first + 1000], purpose="benchmark")
                request.start.FromJsonString("2026-01-01T00:00:00Z")
                request.end.FromJsonString("2026-02-01T00:00:00Z")
                for part in stub.StreamIntervals(request):
                    if part.HasField("block"):
                        seen += len(part.block.mantissas)
                        wh += sum(part.block.mantissas) * 10 ** part.block.exponent
            figures["scan"] = {"intervals": seen, "intervals_per_s": round(seen / (time.perf_counter() - begin))}
        scanned_right = seen == min(args.meters, 5000) * args.days * 96 and (args.meters > 5000 or wh == total)

        gateway.sql("create table closed (like interval_day including all) with (fillfactor = 100)")
        gateway.sql("insert into closed select * from interval_day order by meter_id, channel_id, day, interval_s")
        figures["bytes_a_slot"]["closed"] = round(int(gateway.sql("select pg_total_relation_size('closed')")) / stored, 2)
        sums = gateway.sql("select count(*), sum(v * 10 ^ exponent)::bigint from interval_day, unnest(values) v where v <> -2147483648")
        figures["sum_matches"] = sums == f"{stored}|{total}"
        report(args.json, figures)
        if not figures["sum_matches"] or not scanned_right:
            raise SystemExit("what is stored is not what was sent")


if __name__ == "__main__":
    main()
