#!/usr/bin/env python3
"""backlog: a week that was held back comes at once, while a subscriber reads the change feed and callers ask.

Meters x 7 days of 96 values; 5 % of the records come twice, 1 % of them once more with another value and a later stamp.
The default fleet is a tenth of 500,000 meters, and the time is extrapolated tenfold.
"""
import argparse
import os
import random
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "support"))
sys.path.insert(0, os.path.join(HERE, "..", "e2e/python_client"))
from gateway import Gateway, machine, report

import client
from bench_ingest import FEED, config, write_meters
from bench_feeds import timed_drop

DAYS = 7


def write_day(path, meters, day, rng):
    """Returns the sum in Wh of what must be current in the end, and how many records were corrected."""
    records, total, corrected = [], 0, 0
    for number in range(meters):
        badge = f"B{number:07d}"

        def record(values, created):
            body = ",,R,".join(f"{wh // 1000}.{wh % 1000:03d}" for wh in values)
            return (f"MEPMD01,19970819,HES01,LDC001,MDM01,{badge},202601{created:02d}0100,{badge},OK,E,KWH,1.0,00000015,96,"
                    f"202601{day + 1:02d}0015,R,{body}\r\n")
        values = [rng.randrange(3000) for _ in range(96)]
        records.append(record(values, day + 2))
        if rng.random() < 0.05:
            records.append(records[-1])
        if rng.random() < 0.01:
            values = [wh + 1 for wh in values]
            records.append(record(values, day + 3))
            corrected += 1
        total += sum(values)
    rng.shuffle(records)
    with open(path, "w", encoding="ascii", newline="") as out:
        out.writelines(records)
    return total, corrected


def subscribe(address, seen, stop):
    with client.connect(address) as channel:
        stub = client.reading_service_pb2_grpc.ReadingServiceStub(channel)
        pb = client.reading_service_pb2
        call = stub.StreamChanges(pb.StreamChangesRequest(parent="utilities/bench", subscriber="bench", purpose="benchmark"))
        try:
            for message in call:
                if message.HasField("change"):
                    seen["changes"] += 1
                    seen["corrected"] += pb.Change.CORRECTED in message.change.kinds
                elif stop.is_set():
                    call.cancel()
        except client.grpc.RpcError as error:
            if error.code() != client.grpc.StatusCode.CANCELLED:
                seen["error"] = str(error)


def ask(address, meters, times, stop):
    rng = random.Random(1)
    with client.connect(address) as channel:
        stub = client.reading_service_pb2_grpc.ReadingServiceStub(channel)
        while not stop.wait(0.05):
            request = client.reading_service_pb2.StreamIntervalsRequest(
                names=[f"utilities/bench/meters/B{rng.randrange(meters):07d}"], purpose="benchmark")
            request.start.FromJsonString("2026-01-01T00:00:00Z")
            request.end.FromJsonString("2026-01-09T00:00:00Z")
            begin = time.perf_counter()
            for _ in stub.StreamIntervals(request):
                pass
            times.append((time.perf_counter() - begin) * 1000)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", required=True)
    parser.add_argument("--json", required=True)
    parser.add_argument("--meters", type=int, default=int(os.environ.get("AMI_BENCH_BACKLOG_METERS", "50000")))
    args = parser.parse_args()
    rng = random.Random(17)
    with Gateway(args.build) as gateway:
        (gateway.folder / "flexnet.yaml").write_text(FEED.format(inbox=gateway.inbox), encoding="utf-8")
        gateway.start(config(gateway, settle="0s"))  # validation works beside it from the first day on
        write_meters(gateway.folder / "meters.csv", args.meters)
        gateway.amictl("meters", "import", "--utility", "bench", str(gateway.folder / "meters.csv"))
        address = f"unix:{gateway.folder}/rpc.sock"
        seen, times, stop = {"changes": 0, "corrected": 0}, [], threading.Event()
        threads = [threading.Thread(target=subscribe, args=(address, seen, stop)),
                   threading.Thread(target=ask, args=(address, args.meters, times, stop))]
        total, corrected, seconds = 0, 0, 0.0
        for thread in threads:
            thread.start()
        try:
            for day in range(DAYS):
                made = gateway.folder / f"day{day}.cmep"
                wh, more = write_day(made, args.meters, day, rng)
                total, corrected = total + wh, corrected + more
                seconds += timed_drop(gateway, made, gateway.inbox, made.name)
            wanted = int(gateway.sql("select count(*) from change"))
            begin = time.perf_counter()
            gateway.wait(lambda: seen["changes"] >= wanted or "error" in seen, 1800, "the subscriber to catch up")
            behind = time.perf_counter() - begin
            gateway.wait(lambda: gateway.sql("SELECT (SELECT count(*) FROM validation_due WHERE due_at <= now()) +"
                                             " (SELECT count(*) FROM validation_dirty)") == "0"
                         and int(gateway.sql("SELECT coalesce(sum(meters), 0) FROM judged_count")) >= args.meters * DAYS, 3600,
                         "validation to catch up")
            unjudged = time.perf_counter() - begin
        finally:
            stop.set()
        for thread in threads:
            thread.join(60)
        stored = gateway.sql("select sum(v * 10 ^ exponent)::bigint from interval_day, unnest(values) v where v <> -2147483648")
        times.sort()
        figures = {"bench": "backlog", "meters": args.meters, "days": DAYS, "intervals": args.meters * DAYS * 96,
                   "seconds": round(seconds, 1), "intervals_per_s": round(args.meters * DAYS * 96 / seconds),
                   "hours_for_500000_meters": round(seconds / args.meters * 500_000 / 3600, 2),
                   "subscriber": {**seen, "seconds_behind_at_the_end": round(behind, 1)},
                   "validation_seconds_behind_at_the_end": round(unjudged, 1),
                   "meter_week_query_ms": {"calls": len(times), "median": round(times[len(times) // 2], 1),
                                           "p99": round(times[len(times) * 99 // 100], 1)},
                   "daemon_resident_mb": gateway.resident_mb(), "machine": machine(gateway.folder),
                   "sum_matches": int(stored) == total}
        report(args.json, figures)
        if not figures["sum_matches"] or "error" in seen or seen["changes"] < wanted:
            raise SystemExit("what is stored, or what the subscriber heard, is not what was sent")


if __name__ == "__main__":
    main()
