#!/usr/bin/env python3
"""Checks the sealed switch audit without a line of the gateway's code: psql, hashlib, openssl. Format: docs/audit.md

usage: independent_check.py CONNINFO [HEAD PUBLIC_KEY]     (CONNINFO: any login that may read, e.g. in role ami_audit)
"""
import base64
import hashlib
import json
import pathlib
import struct
import subprocess
import sys
import tempfile

NUMBERS = "audit_id switch_id utility_id version".split()
COLUMNS = (NUMBERS + "from_state to_state input actor certificate gateway words facts at recorded_at meter usage_point "
           "serial_last4 action reason order_id caller request_id on_behalf_of attestation automatic request_sha256 feed vendor_id "
           "transaction sent_sha256 evidence attainable position final_register rule".split())


def micros(column):
    return (f"CASE WHEN isfinite({column}) THEN ((extract(epoch FROM {column}) * 1000000)::bigint)::text ELSE {column}::text END")


def as_text(column):
    column = "a." + column
    return micros(column) if column in ("a.at", "a.recorded_at") else f"({column}::int)::text" if column == "a.automatic" else f"{column}::text"


def main(conninfo, head=None, public_key=None):
    query = (f"SELECT json_build_array(s.position, {micros('s.sealed_at')}, encode(s.row_sha256, 'hex'), "
             f"encode(s.chain_sha256, 'hex'), json_build_array({', '.join(map(as_text, COLUMNS))})) "
             "FROM switch_seal s LEFT JOIN switch_audit a USING (audit_id) ORDER BY s.position")
    rows = subprocess.run(["psql", "-XqAt", conninfo, "-v", "ON_ERROR_STOP=1", "-c", query], check=True, capture_output=True, text=True)
    chain, chains, bad = bytes(32), {0: bytes(32).hex()}, []
    for expected, line in enumerate(rows.stdout.splitlines(), 1):
        position, sealed_us, row_hex, chain_hex, fields = json.loads(line)
        canonical = b"".join(b"\xff" * 4 if f is None else struct.pack(">I", len(f.encode())) + f.encode()
                             for f in ["ami-switch-audit-1", *fields])
        row = hashlib.sha256(canonical).digest()
        chain = hashlib.sha256(chain + struct.pack(">qq", position, int(sealed_us) if sealed_us.lstrip("-").isdigit() else 0) + row).digest()
        if position != expected or row.hex() != row_hex or chain.hex() != chain_hex:
            bad.append(position)
        chains[position] = chain.hex()
    if head:
        text = pathlib.Path(head).read_bytes()
        body, signature = text.rsplit(b"signature: ", 1)
        with tempfile.TemporaryDirectory() as folder:
            (pathlib.Path(folder) / "body").write_bytes(body)
            (pathlib.Path(folder) / "signature").write_bytes(base64.b64decode(signature))
            good = subprocess.run(["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", public_key, "-rawin", "-in", folder + "/body",
                                   "-sigfile", folder + "/signature"], capture_output=True, check=False).returncode == 0
        said = dict(line.split(": ", 1) for line in body.decode().splitlines()[1:])
        if not good or chains.get(int(said["position"])) != said["chain_sha256"]:
            bad.append("head")
    print(f"{len(chains) - 1} lines, head of the chain {chain.hex()}" + (f", not as sealed: {bad}" if bad else ", all as sealed"))
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
