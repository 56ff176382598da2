#!/usr/bin/env python3
"""A second opinion on CMEP, written from the format's rules and not from the codec.

usage: oracle.py METER_FIELD FILE     prints what render.h describes
"""
import datetime
import re
import sys

FIELD = re.compile(r'[ \t]*(?:"((?:[^"]|"")*)"[ \t]*(?=,|$)|((?![ \t"])[^,]*))')
NUMBER = re.compile(r'[+-]?(\d+\.?\d*|\.\d+)([EeDd][+-]?\d+)?')
OTHERS = "MEPAD01 MEPAD02 MEPBD01 MEPBD02 MEPBD03 MEPLF01 MEPEC01 MEPRR01".split()


class Malformed(Exception):
    pass


def split(text):
    fields, at = [], 0
    while True:
        match = FIELD.match(text, at)
        if not match:
            raise Malformed("bad_quoting")
        quoted, plain = match.groups()
        fields.append(plain.strip(" \t") if quoted is None else quoted.replace('""', '"'))
        at = match.end()
        if at == len(text):
            return fields
        assert text[at] == ","
        at += 1


def when(text):
    if not re.fullmatch(r"\d{12}", text, re.ASCII):
        raise Malformed("bad_time")
    try:
        if text.endswith("2400"):
            return datetime.datetime.strptime(text[:8], "%Y%m%d") + datetime.timedelta(days=1)
        return datetime.datetime.strptime(text, "%Y%m%d%H%M")
    except (ValueError, OverflowError):
        raise Malformed("bad_time") from None


def shown(time):
    return "-" if time is None else f"{time.year:04}-{time:%m-%d %H:%M}"


def number(text):
    if len(text) <= 16 and re.fullmatch("H[0-9A-Fa-f]{1,15}", text):
        return str(int(text[1:], 16))
    if len(text) > 16 or not NUMBER.fullmatch(text):
        raise Malformed("bad_number")
    return text


def whole(text):
    if len(text) > 16:
        raise Malformed("bad_number")
    if re.fullmatch("H[0-9A-Fa-f]+", text):
        return int(text[1:], 16)
    if not re.fullmatch(r"\d*", text, re.ASCII):
        raise Malformed("bad_number")
    return int(text or "0")


def is_crc(text):
    return re.fullmatch("H[0-9A-Fa-f]{4}", text) is not None


def triplets(fields, header):
    count = whole(fields[header - 1]) if len(fields) >= header else 0
    rest = fields[header:]
    if len(rest) == 3 * count + 1 and is_crc(rest[-1]):
        rest = rest[:-1]
    if len(rest) != 3 * count:
        raise Malformed("count_mismatch")
    return [rest[i:i + 3] for i in range(0, len(rest), 3)]


def read(line, offset, meter_field, series, malformed):
    """Returns 1 when the record is one that is only counted."""
    meter = ""

    def fault(word):
        malformed.append(f"M|{offset}|{meter}|{word}|{len(line)}")

    try:
        if any(b > 126 or (b < 32 and b != 9) for b in line):
            raise Malformed("not_ascii")
        fields = split(line.decode("ascii"))
        kind = fields[0]
        if kind in OTHERS:
            return 1
        if kind not in ("MEPMD01", "MEPMD02"):
            raise Malformed("unknown_record_type")
        header = 14 if kind == "MEPMD01" else 16
        at = dict(enumerate(fields, 1))
        meter = at.get(meter_field, "")
        purpose = at.get(9, "")
        if purpose in ("PROFILE", "TEMPLATE", "REJECT"):
            return 1
        if purpose not in ("", "OK", "RESEND", "SUMMARY", "HISTORY"):
            raise Malformed("unknown_purpose")
        if not meter:
            raise Malformed("missing_meter")
        if 11 < len(fields) <= header and is_crc(fields[-1]):
            fields.pop()
            at = dict(enumerate(fields, 1))
        created = when(at[7]) if at.get(7) else None
        constant = at.get(12 if kind == "MEPMD01" else 13, "")
        constant = number(constant) if constant else ""
        unit, commodity = at.get(11, ""), at.get(10, "")

        def emit(channel, tou, seconds, start, values, dial):
            series.append("|".join(["S", str(offset), meter, "register" if dial else "interval", channel, kind,
                                    unit, commodity, tou, str(seconds), constant, shown(created), shown(start),
                                    str(len(line))]))
            series.extend(f"V|{shown(t)}|{flag}|{value}" for t, flag, value in values)

        if kind == "MEPMD01":
            stated = at.get(13, "")
            if stated and not re.fullmatch(r"00\d{6}", stated, re.ASCII):
                raise Malformed("unsupported_interval")
            seconds = 0
            if stated:
                days, hours, minutes = (int(stated[i:i + 2]) for i in (2, 4, 6))
                seconds = ((days * 24 + hours) * 60 + minutes) * 60
            readings = triplets(fields, header)
            if not readings:
                return 1
            # Label each reading first, then decide which holes have to stay for the sake of their successor.
            labelled, anchored = [], False
            for time, flag, value in readings:
                stamp, fine = None, True
                if time:
                    try:
                        stamp, anchored = when(time), True
                    except Malformed:
                        anchored = False
                elif not seconds:
                    anchored = False
                if value and anchored:
                    try:
                        value = number(value)
                    except Malformed:
                        fine, value = False, ""
                labelled.append((anchored, fine, not time, (stamp, flag, value)))
            values = []
            for i, (placed, fine, _, reading) in enumerate(labelled):
                successor = i + 1 < len(labelled) and labelled[i + 1][2] and seconds > 0
                if placed and (fine or successor):
                    values.append((fine, reading))
            while values and not values[-1][0]:
                values.pop()
            if not all(placed for placed, _, _, _ in labelled):
                fault("bad_time")
            if not all(fine for _, fine, _, _ in labelled):
                fault("bad_number")
            if values:
                dial = unit.endswith("REG") or (purpose == "SUMMARY" and not stated)
                emit(unit, "", seconds, None, [reading for _, reading in values], dial)
            return 0

        readings = triplets(fields, header)
        if not readings:
            return 1
        start, end = (when(at[14]) if at[14] else None), when(at[15])
        if start and start > end:
            raise Malformed("bad_time")
        bad_number = missing = False
        for label, flag, value in readings:
            if not label:
                missing = True
                continue
            try:
                value = number(value) if value else ""
            except Malformed:
                bad_number = True
                continue
            emit(unit + ":" + label, label, 0, start, [(end, flag, value)], True)
        if missing:
            fault("missing_tou_label")
        if bad_number:
            fault("bad_number")
    except Malformed as problem:
        fault(problem.args[0])
    return 0


def main():
    meter_field = int(sys.argv[1])
    with open(sys.argv[2], "rb") as source:
        data = source.read()
    series, malformed, skipped, offset = [], [], 0, 0
    for line in data.split(b"\n"):
        content = line[:-1] if line.endswith(b"\r") else line
        if content.strip(b" \t"):
            skipped += read(content, offset, meter_field, series, malformed)
        offset += len(line) + 1
    print("\n".join(series + malformed + [f"K|{skipped}"]))


main()
