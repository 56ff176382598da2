#!/usr/bin/env python3
"""query: a meter-year of 15-minute intervals over gRPC, to a plain Python client that counts the values.

Cached: the median of many calls for meters whose pages are in memory. Cold: the first call after PostgreSQL was
restarted and the kernel's page cache dropped (only as root; else PostgreSQL's own cache alone is cold, and the
figure says so). The clock runs from the call to the last message; the client's own decoding is inside.
"""
import argparse
import os
import pathlib
import random
import statistics
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "support"))
sys.path.insert(0, str(HERE.parent / "e2e/python_client"))
from gateway import ROOT, Gateway, machine, report  # noqa: E402

import client  # noqa: E402

from bench_ingest import FEED, config, write_meters  # noqa: E402

DAYS = 365


def write_year(path, meters, seed):
    """A year of every meter, day by day; each day's record pair as in the ingest benchmark."""
    rng = random.Random(seed)
    with open(path, "w", encoding="ascii", newline="") as out:
        for day in range(DAYS):
            date = time.gmtime(1735689600 + day * 86400)  # from 2025-01-01
            stamp = time.strftime("%Y%m%d", date)
            for number in range(meters):
                badge = f"B{number:07d}"
                for first in ("0015", "1215"):
                    body = ",,R,".join(f"0.{rng.randrange(1000):03d}" for _ in range(48))
                    out.write(f"MEPMD01,19970819,HES01,LDC001,MDM01,{badge},{stamp}2359,{badge},OK,E,KWH,1.0,00000015,48,"
                              f"{stamp}{first},R,{body}\r\n")


def read_year(stub, number):
    request = client.reading_service_pb2.StreamIntervalsRequest(
        names=[f"utilities/bench/meters/B{number:07d}"], purpose="benchmark")
    request.start.FromJsonString("2025-01-01T00:00:00Z")
    request.end.FromJsonString("2026-01-01T00:00:00Z")
    begin = time.perf_counter()
    values = sum(len(part.block.mantissas) for part in stub.StreamIntervals(request))
    return (time.perf_counter() - begin) * 1000, values


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", required=True)
    parser.add_argument("--json", required=True)
    parser.add_argument("--meters", type=int, default=int(os.environ.get("AMI_BENCH_QUERY_METERS", "200")))
    args = parser.parse_args()

    with Gateway(args.build) as gateway:
        (gateway.folder / "flexnet.yaml").write_text(FEED.format(inbox=gateway.inbox), encoding="utf-8")
        gateway.start(config(gateway))
        write_meters(gateway.folder / "meters.csv", args.meters)
        gateway.amictl("meters", "import", "--utility", "bench", str(gateway.folder / "meters.csv"))
        write_year(gateway.folder / ".year.part", args.meters, seed=11)
        os.rename(gateway.folder / ".year.part", gateway.inbox / "year.cmep")
        gateway.wait(lambda: (gateway.inbox / "done/year.cmep").exists(), 900, "the year in done/")
        gateway.sql("vacuum analyze")

        with client.connect(f"unix:{gateway.folder}/rpc.sock") as channel:
            stub = client.reading_service_pb2_grpc.ReadingServiceStub(channel)
            values = read_year(stub, 0)[1]
            cached = [read_year(stub, number % args.meters)[0] for number in range(2 * args.meters)][args.meters:]

            subprocess.run([ROOT / "deploy/private-cluster", "stop", gateway.folder / "db"], check=True)
            cold = "PostgreSQL's cache alone"
            if os.geteuid() == 0:
                subprocess.run(["sync"], check=True)
                try:
                    pathlib.Path("/proc/sys/vm/drop_caches").write_text("3")
                    cold = "PostgreSQL's cache and the kernel's page cache"
                except OSError:
                    pass
            subprocess.run([ROOT / "deploy/private-cluster", "start", gateway.folder / "db"], check=True,
                           stdout=subprocess.DEVNULL)
            gateway.wait(gateway.ready, 60, "the daemon to find its database again")
            cold_ms = read_year(stub, args.meters // 2)[0]

        report(args.json, {
            "bench": "query", "meters_stored": args.meters, "values_of_a_meter_year": values,
            "cached_ms": {"median": round(statistics.median(cached), 2), "p99": round(sorted(cached)[len(cached) * 99 // 100], 2),
                          "calls": len(cached)},
            "cold_ms": {"first_call": round(cold_ms, 2), "what_was_cold": cold},
            "machine": machine(gateway.folder),
            "settings": {name: gateway.sql(f"show {name}") for name in ("fsync", "synchronous_commit", "shared_buffers")}})
        if values != DAYS * 96:
            raise SystemExit(f"{values} values, {DAYS * 96} were sent")


if __name__ == "__main__":
    main()
