#!/usr/bin/env python3
"""Computes what canonical_test.cc and chain_test.cc expect, from the words of docs/audit.md alone."""
import hashlib
import struct


def canonical(fields):
    """None = NULL; everything else is its text."""
    out = b""
    for field in ("ami-switch-audit-1", *fields):
        out += b"\xff\xff\xff\xff" if field is None else struct.pack(">I", len(str(field).encode())) + str(field).encode()
    return out


def chain(before, position, sealed_at_us, row):
    return hashlib.sha256(before + struct.pack(">qq", position, sealed_at_us) + row).digest()


FULL = (19, 4, 1, 3, "QUEUED", "SENT", "SEND", "CN=pat", "ami://role/switch ami://utility/*", "gw-1", "gesendet ✓", "a=1\nb=2\n",
        1768478400123456, 1768478400123999, "M1", "UP-1", "4711", "OPEN", "NON_PAYMENT", "WO-1", "CN=pat", "r1", "billing", "",
        0, "ab" * 32, "radio", "B1", "sw4-abc", "cd" * 32, -1, 4, "", "1234.500 kWh", "")
OLD = (1, 1, 1, 1, None, "REQUESTED", "REQUEST", "CN=pat", None, "gw-1", "", "", -1, "infinity") + (None,) * 21

if __name__ == "__main__":
    rows = []
    for name, fields in (("full", FULL), ("old", OLD)):
        assert len(fields) == 35, len(fields)
        rows.append(hashlib.sha256(canonical(fields)).digest())
        print(name, len(canonical(fields)), rows[-1].hex())
    first = chain(bytes(32), 1, 1768478401000000, rows[0])
    second = chain(first, 2, -5, rows[1])
    print("chain", first.hex(), second.hex())
