#!/usr/bin/env python3
"""A second opinion on Command Center files, written from the format's description and not from the codec.

usage: oracle.py ORDER FILE     ORDER: off | value | status; prints what render.h describes
"""
import datetime
import re
import sys

VALUES = "kWh Peak Dmd TouA TouB TouC TouD TouE Volts PF PrevKWh KWhRecv".split()


class Bad(Exception):
    pass


def when(text):
    match = re.fullmatch(r"(\d\d)(\d\d)(\d{4})(\d\d)(\d\d)(\d\d)([AaPp])[Mm]", text, re.ASCII)
    if not match:
        raise Bad("bad_time")
    month, day, year, hour, minute, second = map(int, match.groups()[:6])
    if not 1 <= hour <= 12:
        raise Bad("bad_time")
    try:
        return datetime.datetime(year, month, day, hour % 12 + 12 * (match.group(7) in "Pp"), minute, second)
    except ValueError:
        raise Bad("bad_time") from None


NEVER = {datetime.datetime(1, 1, 1), datetime.datetime(1970, 1, 1)}


def shown(time):
    return "-" if time is None else f"{time.year:04}-{time:%m-%dT%H:%M:%S}"


def number(text):
    return len(text) <= 32 and re.fullmatch(r"[+-]?[0-9]+(\.[0-9]+)?", text) is not None


def moment(text):
    if not text:
        raise Bad("missing_time")
    time = when(text)
    if time in NEVER:
        raise Bad("missing_time")
    return time


def main():
    order, name = sys.argv[1:]
    data = open(name, "rb").read()
    if data.startswith(b"\xef\xbb\xbf"):
        data, start = data[3:], 3
    else:
        start = 0
    lines, header, at = [], None, 0
    values, bad = [], []
    for piece in re.findall(rb"[^\n]*\n|[^\n]+\Z", data):
        offset = 0 if at == 0 else at + start
        at += len(piece)
        meter = ""
        ended = piece.endswith(b"\n")
        line = piece[:-1] if ended else piece
        if line.endswith(b"\r"):
            line = line[:-1]
        if not ended and line.strip(b" \t\r"):
            bad.append(f"M|{offset}||line_end_missing")
            break
        try:
            if not line.strip(b" \t"):
                continue
            if len(line) > 65536:
                raise Bad("line_too_long")
            if any((byte < 32 and byte != 9) or byte > 126 for byte in line):
                raise Bad("not_ascii")
            fields = [field.strip(" \t") for field in line.decode().split("~")]
            if fields[0] == "MEPMD01":
                meter = fields[5] if len(fields) > 5 else ""
                get = lambda i: fields[i] if i < len(fields) else ""
                if order == "off":
                    raise Bad("record_type_not_enabled")
                if not meter:
                    raise Bad("missing_meter")
                if not re.fullmatch("[0-9]{6}", get(10)) or int(get(10)) == 0:
                    raise Bad("unsupported_interval")
                seconds = int(get(10)[:2]) * 86400 + int(get(10)[2:4]) * 3600 + int(get(10)[4:]) * 60
                if not re.fullmatch("[0-9]{1,9}", get(11)):
                    raise Bad("bad_number")
                count = int(get(11))
                if not 1 <= count <= 10000:
                    raise Bad("count_out_of_range")
                rest = fields[13:]
                if len(rest) == 2 * count + 1 and not rest[-1]:
                    rest.pop()
                if len(fields) < 13 or len(rest) != 2 * count:
                    raise Bad("field_count_mismatch")
                if get(9) and not number(get(9)):
                    raise Bad("bad_number")
                first = "from " + shown(moment(get(12)))
                spoilt = False
                for i in range(count):
                    pair = rest[2 * i:2 * i + 2]
                    value, status = pair if order == "value" else pair[::-1]
                    if value and not number(value):
                        spoilt, value = True, ""
                    values.append("|".join(["V", str(offset), meter, "interval", get(8), "MEPMD01", get(8), get(7),
                                            str(seconds), get(9), first if i == 0 else "-", "-", status, value]))
                if spoilt:
                    bad.append(f"M|{offset}|{meter}|bad_number")
                continue
            names = "ID" in fields and "DateTime" in fields
            if header is None or names or (header["ID"] < len(fields) and fields[header["ID"]] == "ID"):
                if "ID" not in fields or len(fields) > 256:
                    raise Bad("missing_header")
                if "Meter" not in fields or "DateTime" not in fields:
                    raise Bad("missing_column")
                if any(fields.count(one) > 1 for one in VALUES + ["ID", "Meter", "DateTime", "PeakDateTime"]):
                    raise Bad("duplicate_column")
                if not set(fields) & set(VALUES):
                    raise Bad("missing_column")
                header = {one: fields.index(one) for one in fields}
                header["#"] = len(fields)
                continue
            meter = fields[header["Meter"]] if header["Meter"] < len(fields) else ""
            if header["ID"] >= len(fields) or fields[header["ID"]] != "EMED01":
                raise Bad("unknown_record_type")
            if len(fields) == header["#"] + 1 and not fields[-1]:
                fields.pop()
            if len(fields) != header["#"]:
                raise Bad("field_count_mismatch")
            if not meter:
                raise Bad("missing_meter")
            time, peak, lost, spoilt = moment(fields[header["DateTime"]]), None, False, False
            if "PeakDateTime" in header and fields[header["PeakDateTime"]]:
                try:
                    peak = when(fields[header["PeakDateTime"]])
                    peak = None if peak in NEVER else peak
                except Bad:
                    lost = True
            for column in sorted((c for c in VALUES if c in header), key=header.get):
                value = fields[header[column]]
                if not value:
                    continue
                if not number(value):
                    spoilt = True
                elif column != "Peak" or not lost:
                    values.append("|".join(["V", str(offset), meter, "register", column, "EMED01", column, "", "0", "",
                                            shown(time), shown(peak if column == "Peak" else None), "", value]))
            if lost:
                bad.append(f"M|{offset}|{meter}|bad_time")
            if spoilt:
                bad.append(f"M|{offset}|{meter}|bad_number")
        except Bad as problem:
            word = problem.args[0]
            bad.append(f"M|{offset}|{meter}|{word}")
            if word in ("missing_header", "missing_column", "duplicate_column"):
                break
    for line in values + bad:
        print(line)


main()
