#!/usr/bin/env python3
"""A second opinion on delimited files, written from the format's description and not from the codec.

usage: oracle.py FILE     prints what render.h describes, with the table of render.h's site()
"""
import datetime
import decimal
import re
import sys
import zoneinfo

READ = "MeterSN MTUID Port MeterTypeID ScaledRead RawRead Scalar ReadingTime LocalTime Active".split()
ZONE = zoneinfo.ZoneInfo("America/Toronto")


# A field: blanks, then text in quotes (a quote in it doubled) and blanks, or text that does not begin with a quote.
FIELD = re.compile(r'[ \t]*(?:"((?:[^"]|"")*)"[ \t]*|((?!")[^,]*))(?:,|\Z)')


class Bad(Exception):
    pass


def split(line):
    fields, at = [], 0
    while True:
        found = FIELD.match(line, at)
        if not found:
            raise Bad("bad_quote")
        quoted, plain = found.groups()
        fields.append(quoted.replace('""', '"') if quoted is not None else plain.rstrip(" \t"))
        at = found.end()
        if not found.group().endswith(",") or (quoted is None and plain is None):
            return fields


def number(text):
    if len(text) > 32 or not re.fullmatch(r"[+-]?([0-9]+(\.[0-9]+)?|\.[0-9]+)", text):
        return None
    value = decimal.Decimal(text)
    return value if abs(int(value.scaleb(-value.as_tuple().exponent))) < 2**63 else None


def when(text):
    match = re.fullmatch(r"(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d)(:\d\d)?(\.\d+)?(Z|[+-]\d\d:\d\d)?", text, re.ASCII)
    if not match:
        raise Bad("bad_time")
    day, minute, second, fraction, offset = match.groups()
    try:
        face = datetime.datetime.fromisoformat(day + "T" + minute + (second or ":00"))
    except ValueError:
        raise Bad("bad_time") from None
    if fraction:
        face += datetime.timedelta(microseconds=int((fraction[1:] + "000000")[:6]))
    if offset == "Z":
        return face, 0
    if offset:
        return face, (1 if offset[0] == "+" else -1) * (int(offset[1:3]) * 3600 + int(offset[4:]) * 60)
    return face, None


def kind(meter_type, port):
    if meter_type == "2212":
        return "water", "ft3"
    if meter_type == "7" and port == "2":
        return "gas", "m3"
    raise Bad("unknown_meter_type")


def record(get):
    if any(not 32 <= ord(c) <= 126 for name in READ for c in get(name)):
        raise Bad("not_ascii")
    if not get("MeterSN"):
        raise Bad("missing_meter")
    if not re.fullmatch("[0-9A-Za-z]{1,16}", get("Port")):
        raise Bad("bad_port")
    commodity, unit = kind(get("MeterTypeID"), get("Port"))
    if not get("ReadingTime"):
        raise Bad("missing_time")
    face, offset = when(get("ReadingTime"))
    if face in (datetime.datetime(1, 1, 1), datetime.datetime(1970, 1, 1)):
        raise Bad("missing_time")
    offset = offset or 0
    if get("LocalTime"):
        try:
            local, has_offset = when(get("LocalTime"))
        except Bad:
            local, has_offset = None, None
        if local and has_offset is None:
            utc = (face - datetime.timedelta(seconds=offset)).replace(tzinfo=datetime.timezone.utc)
            if abs(utc.astimezone(ZONE).replace(tzinfo=None) - local) >= datetime.timedelta(seconds=60):
                raise Bad("time_mismatch")
    active = get("Active").lower()
    if active not in ("", "1", "true", "yes", "y", "active", "0", "false", "no", "n", "inactive"):
        raise Bad("bad_flag")
    flag = "inactive" if active in ("0", "false", "no", "n", "inactive") else ""
    scaled, raw, scalar = get("ScaledRead"), get("RawRead"), get("Scalar")
    if not scaled:
        return None
    value = raw_count = ""
    if scaled.upper() == "ERROR":
        flag = "ERROR"
    else:
        if number(scaled) is None:
            raise Bad("bad_number")
        value = scaled
        if (raw and number(raw) is None) or (scalar and number(scalar) is None):
            raise Bad("bad_number")
        if raw:
            raw_count = raw
        if raw and scalar:
            half = decimal.Decimal(5).scaleb(number(scaled).as_tuple().exponent - 1)
            with decimal.localcontext() as exact:
                exact.prec = 80
                if abs(number(raw) * number(scalar) - number(scaled)) > half:
                    raise Bad("scale_mismatch")
    stamp = f"{face.year:04}-{face:%m-%d %H:%M:%S}.{face.microsecond // 1000:03}+{offset}".replace("+-", "+-")
    return ["emtr:" + get("Port"), unit, commodity, stamp, flag, value, raw_count]


def main():
    data = open(sys.argv[1], "rb").read()
    start = 3 if data.startswith(b"\xef\xbb\xbf") else 0
    header, at, values, bad = None, start, [], []
    for piece in re.findall(rb"[^\n]*\n|[^\n]+\Z", data[start:]):
        offset, meter = at if at != start else 0, ""
        at += len(piece)
        if not piece.endswith(b"\n"):
            bad.append(f"M|{offset}||line_end_missing")
            break
        line = piece.rstrip(b"\n").removesuffix(b"\r").decode("latin-1")
        if not line.strip():
            continue
        try:
            fields = split(line)
        except Bad:
            bad.append(f"M|{offset}||bad_quote")
            continue
        if header is None or {"MeterSN", "ScaledRead"} <= set(fields):
            header = {name: fields.index(name) for name in READ}
            header["#"] = len(fields)
            continue
        if len(fields) != header["#"]:
            bad.append(f"M|{offset}||field_count_mismatch")
            continue
        get = lambda name: fields[header[name]]
        try:
            meter = get("MeterSN") if all(32 <= ord(c) <= 126 for n in READ for c in get(n)) else ""
            said = record(get)
            if said:
                values.append("|".join(["V", str(offset), get("MeterSN")] + said))
        except Bad as problem:
            bad.append(f"M|{offset}|{meter}|{problem.args[0]}")
    for line in values + bad:
        print(line)


main()
