#!/usr/bin/env python3
"""audit: sealing a backlog of the switch audit, and `amictl audit verify` over it, end to end.

The lines are put in by SQL while the gateway is away, of the length that real ones have. Sealing: from the gateway's start
until nothing is unsealed. Verify: a program of its own over the Unix socket, from its start to its exit, against daemon and
PostgreSQL on the same machine; every line is read from the database, sent, and its hashes are computed anew.
"""
import argparse
import json
import os
import pathlib
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "support"))
from gateway import ROOT, Gateway, machine, report  # noqa: E402

CONFIG = """
utilities: [{{key: bench, zone: UTC}}]
data_dir: {config}
state_dir: {folder}
database: {{conninfo: "{conninfo}", allow_owner: true, migrate_on_start: true}}
rpc: {{unix_socket: {folder}/rpc.sock}}
http: {{address: "127.0.0.1:0", port_file: {folder}/http.port}}
adapters: [{folder}/flexnet.yaml]
switching:
  conninfo: "{conninfo}"
  audit: {{head_dir: {folder}/heads, key_file: {folder}/keys/audit.key}}
"""
FEED = "{{name: north, utility: bench, family: flexnet, folder: {inbox}, zone: UTC}}\n"
STATES = "REQUESTED POLICY_CHECKED AUTHORISED QUEUED SENT ACKNOWLEDGED VERIFYING VERIFIED_OPEN".split()

# Eight changes an operation, with what each carries.
LINES = """
SET session_replication_role = replica;
INSERT INTO switch_audit (switch_id, utility_id, version, from_state, to_state, input, actor, gateway, words, facts, at, certificate,
  meter, usage_point, serial_last4, action, reason, order_id, caller, request_id, on_behalf_of, attestation, automatic,
  request_sha256, feed, vendor_id, transaction, sent_sha256, evidence, attainable, position, final_register, rule)
SELECT n / 8 + 1, 1, n % 8 + 1, s[n % 8], s[n % 8 + 1], 'CHANGE', 'CN=operator ' || n % 40, 'gateway-host-17-0123456789abcdef',
  'every rule of the policy allows it', E'approval=AE-1641 rev 6\\nfirmware=4.21\\nminimum=3\\npolicy=rules 12 of 2026-01-04\\n',
  now(), 'ami://role/switch ami://utility/bench', 'M' || n % 100000, 'UP' || n % 100000, '4711', 'OPEN', 'NON_PAYMENT',
  'WO-2026-' || n / 8, 'CN=operator ' || n % 40, md5(n::text), 'billing', '', false, md5(n::text) || md5((n + 1)::text), 'north',
  'B' || n % 100000, 'sw' || n / 8, '', (n % 8 > 5)::int, 4, '', '', ''
FROM generate_series({first}, {last}) AS n, (SELECT ARRAY{states}::text[] AS s) AS states;
"""


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", required=True)
    parser.add_argument("--json", required=True)
    parser.add_argument("--lines", type=int, default=int(os.environ.get("AMI_BENCH_AUDIT_LINES", "1000000")))
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()

    with Gateway(args.build) as gateway:
        (gateway.folder / "heads").mkdir()
        subprocess.run([ROOT / "deploy/audit-key", gateway.folder / "keys"], check=True, stdout=subprocess.DEVNULL)
        (gateway.folder / "flexnet.yaml").write_text(FEED.format(inbox=gateway.inbox), encoding="utf-8")
        text = CONFIG.format(config=ROOT / "config", folder=gateway.folder, conninfo=gateway.conninfo)
        gateway.start(text)
        gateway.stop_daemon()
        begin = time.perf_counter()
        for first in range(0, args.lines, 100_000):
            gateway.sql(LINES.format(first=first, last=min(first + 100_000, args.lines) - 1, states=STATES))
        filled = time.perf_counter() - begin
        line_bytes = gateway.sql("SELECT avg(pg_column_size(a)) FROM (SELECT * FROM switch_audit LIMIT 10000) a")
        gateway.sql("ANALYZE")

        seals = lambda: int(gateway.sql("SELECT coalesce(max(position), 0) FROM switch_seal"))  # noqa: E731
        gateway.start(text)
        gateway.wait(lambda: seals() > 0, 60, "the first seals", pause=0.05)
        begin, before = time.perf_counter(), seals()
        gateway.wait(lambda: seals() == args.lines, 600, "the backlog to be sealed", pause=0.25)
        sealing = (args.lines - before) / (time.perf_counter() - begin)
        # What PostgreSQL does by itself within a minute, and would else do beside the first round.
        for table in ("switch_audit", "switch_seal"):
            gateway.sql(f"VACUUM ANALYZE {table}")
        # As in service: a line that comes alone.
        delays = []
        for number in range(20):
            gateway.sql(LINES.format(first=args.lines + number, last=args.lines + number, states=STATES))
            gateway.wait(lambda wanted=args.lines + number + 1: seals() == wanted, 30, "a single seal", pause=0.02)
            delays.append(float(gateway.sql("SELECT extract(epoch FROM s.sealed_at - a.recorded_at) FROM switch_seal s JOIN"
                                            " switch_audit a USING (audit_id) ORDER BY s.position DESC LIMIT 1")))

        amictl = [gateway.build / "bin/amictl", "--address", f"unix:{gateway.folder}/rpc.sock", "--output", "json", "audit", "verify"]
        rates = []
        for _ in range(args.rounds):
            begin = time.perf_counter()
            done = subprocess.run(amictl, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=True)
            rates.append(args.lines / (time.perf_counter() - begin))
            summary = json.loads(done.stdout.splitlines()[-1])
            assert (summary["findings"], summary["lines"]) == (0, args.lines + 20), summary
        report(args.json, {"name": "audit", "machine": machine(gateway.folder), "lines": args.lines,
                           "line_bytes_stored": round(float(line_bytes)), "filled_s": round(filled, 1),
                           "verify_lines_per_s": sorted(round(rate) for rate in rates), "aim_lines_per_s": 100_000,
                           "sealed_lines_per_s": round(sealing), "seal_delay_s": {"median": round(sorted(delays)[10], 3),
                                                                                  "worst": round(max(delays), 3)},
                           "daemon_mb": gateway.resident_mb(), "durability": "fsync on, synchronous_commit on"})


if __name__ == "__main__":
    main()
