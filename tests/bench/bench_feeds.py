#!/usr/bin/env python3
"""feeds: what the other kinds of input cost, file in the drop folder to last commit, through the running daemon.

ssn              SSNExportDocument with four channels a meter: channel-values a second
register_ingest  CMEP dial readings, ten midnights a meter: registers a second
"""
import argparse
import os
import random
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
from gateway import ROOT, Gateway, machine, report

from bench_ingest import FEED, write_meters

UNITS = [("kWh", 1000), ("kWh(rec)", 1000), ("kWh", 1000), ("VrmsA-N", 1)]  # and their size in the canonical unit


def stamp(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%S.000+00:00", time.gmtime(seconds))


def write_ssn(path, meters, seed):
    """One day of 96 intervals with four channels of each meter. Returns the sums by channel in 10^-4 of the unit as sent."""
    rng = random.Random(seed)
    start = 1768435200  # 2026-01-15T00:00:00Z
    sums = [0] * len(UNITS)
    with open(path, "w", encoding="ascii") as out:
        out.write('<?xml version="1.0"?>\n<SSNExportDocument xmlns="urn:com:ssn:schema:export:SSNExportFormat.xsd" Version="0.1" '
                  f'DocumentID="bench-1" ExportID="bench" JobID="1" RunID="1" CreationTime="{stamp(start + 90000)}" '
                  f'StartTime="{stamp(start)}" EndTime="{stamp(start + 86400)}">\n')
        for number in range(meters):
            out.write(f'<MeterData MeterName="B{number:07d}" UtilDeviceID="B{number:07d}" MacID="00:00:00:00:00:00:00:00">'
                      f'<IntervalReadData IntervalLength="15" StartTime="{stamp(start)}" EndTime="{stamp(start + 86400)}" NumberIntervals="96">\n')
            for slot in range(1, 97):
                end = start + slot * 900
                out.write(f'<Interval EndTime="{stamp(end)}" GatewayCollectedTime="{stamp(end + 600)}" BlockSequenceNumber="1" '
                          f'IntervalSequenceNumber="{slot}">')
                for channel, (unit, _) in enumerate(UNITS):
                    value = rng.randrange(30000)
                    sums[channel] += value
                    out.write(f'<Reading Channel="{channel + 1}" Value="{value // 10000}.{value % 10000:04d}" UOM="{unit}"/>')
                out.write("</Interval>\n")
            out.write("</IntervalReadData></MeterData>\n")
        out.write("</SSNExportDocument>\n")
    return sums


def write_dials(path, meters, days, seed):
    rng = random.Random(seed)
    records, total = [], 0
    for number in range(meters):
        dial, parts = rng.randrange(10_000_000), []
        for day in range(days):
            dial += rng.randrange(50_000)
            total += dial
            parts.append(f"202601{day + 1:02d}0000,R,{dial // 1000}.{dial % 1000:03d}")
        records.append(f"MEPMD01,19970819,HES01,LDC001,MDM01,B{number:07d},202601160600,B{number:07d},OK,E,KWHREG,1.0,,{days},"
                       f"{','.join(parts)}\r\n")
    rng.shuffle(records)
    with open(path, "w", encoding="ascii", newline="") as out:
        out.writelines(records)
    return total


def timed_drop(gateway, made, inbox, name):
    begin = time.perf_counter()
    os.rename(made, inbox / name)
    gateway.wait(lambda: (inbox / "done" / name).exists() or (inbox / "rejected" / name).exists(), 900, f"{name} in done/")
    return time.perf_counter() - begin


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", required=True)
    parser.add_argument("--json", required=True)
    parser.add_argument("--meters", type=int, default=int(os.environ.get("AMI_BENCH_FEED_METERS", "20000")))
    args = parser.parse_args()
    days = 10
    with Gateway(args.build) as gateway:
        ssn_inbox = gateway.folder / "ssn-inbox"
        ssn_inbox.mkdir()
        (gateway.folder / "flexnet.yaml").write_text(FEED.format(inbox=gateway.inbox), encoding="utf-8")
        (gateway.folder / "ssn.yaml").write_text(
            FEED.format(inbox=ssn_inbox).replace("flexnet", "ssn") + "meter_id: MeterName\n", encoding="utf-8")
        gateway.start(f"""
utilities:
  - {{key: bench, zone: America/Toronto}}
database: {{conninfo: "{gateway.conninfo}", migrate_on_start: true, allow_owner: true}}
data_dir: {ROOT}/config
state_dir: {gateway.folder}
rpc: {{unix_socket: {gateway.folder}/rpc.sock}}
http: {{address: "127.0.0.1:0", port_file: {gateway.folder}/http.port}}
adapters: [{gateway.folder}/flexnet.yaml, {gateway.folder}/ssn.yaml]
""")
        write_meters(gateway.folder / "meters.csv", args.meters)
        gateway.amictl("meters", "import", "--utility", "bench", str(gateway.folder / "meters.csv"))
        figures = {"bench": "feeds", "meters": args.meters, "machine": machine(gateway.folder)}

        made = gateway.folder / "day.xml"
        ssn_meters = args.meters // 4
        sums = write_ssn(made, ssn_meters, seed=3)
        megabytes = made.stat().st_size / 2**20
        seconds = timed_drop(gateway, made, ssn_inbox, "day.xml")
        count = ssn_meters * 96 * len(UNITS)
        stored = gateway.sql("select c.key, sum(v * 10 ^ exponent)::numeric(30,4) from interval_day join channel c using (channel_id), "
                             "unnest(values) v where v <> -2147483648 group by 1 order by 1")
        wanted = sorted((f"ssn:lp:{n + 1}", sums[n] * scale / 10000) for n, (_, scale) in enumerate(UNITS))
        figures["ssn"] = {"meters": ssn_meters, "input_mb": round(megabytes, 1), "seconds": round(seconds, 2),
                          "channel_values_per_s": round(count / seconds), "mb_per_s": round(megabytes / seconds, 1),
                          "quarantined": int(gateway.sql("select count(*) from quarantine")),
                          "count_matches": int(gateway.sql("select count(*) from interval_day, unnest(values) v where v <> -2147483648")) == count,
                          "sums_match": [(key, float(total)) for key, total in (line.split("|") for line in stored.split("\n"))] == wanted}

        made = gateway.folder / "dials.cmep"
        total = write_dials(made, args.meters, days, seed=5)
        seconds = timed_drop(gateway, made, gateway.inbox, "dials.cmep")
        count, wh = gateway.sql("select count(*), sum(mantissa * 10::numeric ^ exponent)::bigint from register_read").split("|")
        figures["register_ingest"] = {"registers": args.meters * days, "seconds": round(seconds, 2),
                                      "registers_per_s": round(args.meters * days / seconds),
                                      "sum_matches": int(count) == args.meters * days and int(wh) == total}
        figures["daemon_resident_mb"] = gateway.resident_mb()
        report(args.json, figures)
        if not (figures["ssn"]["sums_match"] and figures["ssn"]["count_matches"] and figures["register_ingest"]["sum_matches"]):
            raise SystemExit("what is stored is not what was sent")


if __name__ == "__main__":
    main()
