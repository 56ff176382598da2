#!/usr/bin/env python3
"""A second opinion on messages of IEC 61968-9, by xml.etree and written from the description in cim.h, not from the codec.

usage: oracle.py [-l] FILE...     prints what render.h describes, one message after the other; -l: also the vendor's namespace
"""
import datetime
import re
import sys
import xml.etree.ElementTree as ElementTree

VENDOR = "http://www.landisgyr.com/iec61968/2010/03"
SOAP = {"http://schemas.xmlsoap.org/soap/envelope/": "1.1", "http://www.w3.org/2003/05/soap-envelope": "1.2"}
SPACES = ["http://iec.ch/TC57/2011/schema/message", "http://www.iec.ch/TC57/2008/schema/message",
          "http://iec.ch/TC57/2008/schema/message"]
PERIODS = {1: 600, 2: 900, 3: 60, 4: 86400, 5: 1800, 6: 300, 7: 3600, 10: 120, 14: 180, 31: 1200, 79: 7200}
NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eEdD][+-]?[0-9]+)?\Z")
EPOCH = datetime.datetime(1970, 1, 1)


class Bad(Exception):
    pass


def name(element):
    return element.tag.rpartition("}")[2]


def space(element):
    return element.tag[1:].partition("}")[0] if element.tag.startswith("{") else ""


def kids(element, *wanted):
    return [] if element is None else [child for child in element if name(child) in wanted]


def kid(element, *path):
    for step in path:
        found = kids(element, step)
        element = found[0] if found else None
    return element


def text(element, *path):
    element = kid(element, *path)
    return "" if element is None else "".join([element.text or ""] + [child.tail or "" for child in element]).strip(" \t\r\n")


class Time:
    def __init__(self, said):
        match = re.fullmatch(r"([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt]([0-9:]{8})(\.[0-9]+)?([Zz]|[+-][0-9]{2}:[0-9]{2})?", said)
        if not match:
            raise Bad("bad_time")
        try:
            self.face = datetime.datetime.strptime(f"{match.group(1)} {match.group(2)}", "%Y-%m-%d %H:%M:%S")
        except ValueError:
            raise Bad("bad_time") from None
        self.fraction = ((match.group(3) or ".")[1:] + "000000")[:6]
        self.face = self.face.replace(microsecond=int(self.fraction))
        zone = match.group(4)
        self.offset = None
        if zone:
            self.offset = 0 if zone in "Zz" else int(zone[0] + "1") * (int(zone[1:3]) * 60 + int(zone[4:]))
        try:
            utc = self.face - datetime.timedelta(minutes=self.offset or 0)
        except OverflowError:
            utc = None
        self.utc = utc
        self.unset = (self.face in (EPOCH, datetime.datetime(1, 1, 1)) or
                      (self.offset is not None and utc == EPOCH))

    def __str__(self):
        micro = self.face.microsecond
        part = "" if not micro else f".{micro // 1000:03}" if micro % 1000 == 0 else f".{micro:06}"
        return (f"{self.face.year:04}-{self.face:%m-%dT%H:%M:%S}{part}@" +
                ("none" if self.offset is None else str(self.offset)))


def stamp(said):
    return Time(said) if said else None


def ref(element):
    if element is None:
        return ""
    return element.get("ref") or text(element, "mRID") or text(element, "Names", "name") or text(element)


def device(item):
    for one in ("Meter", "MeterAsset", "EndDevice", "EndDevices", "Assets"):
        if kids(item, one):
            return kids(item, one)[0]
    return None


def meter_id(holder):
    for names in kids(holder, "Names"):
        if text(names, "name"):
            return text(names, "name")
    return text(holder, "mRID")


def any_id(holder):
    return text(holder, "Names", "name") or text(holder, "mRID")


def parts(code):
    try:
        split = [int(part) for part in code.split(".")]
    except ValueError:
        return None
    return split if len(split) == 18 else None


class Reader:
    def __init__(self, vendor):
        self.vendor = vendor
        self.values, self.events, self.controls, self.bad = [], [], [], []
        self.never = self.skipped = 0

    def value(self, meter, code, element, measure, registers, into):
        try:
            known = parts(code)
            interval = measure == "IntervalBlocks"
            period = 0
            if known:
                interval = known[3] == 4 or (known[1] and known[2] and not known[0] and known[3] not in (2, 3))
                period = PERIODS.get(known[2], 0)
            period_element = kid(element, "timePeriod")
            said = [text(element, "timeStamp"), text(period_element, "start"), text(period_element, "end")]
            at, start, end = map(stamp, said)
            chosen = (end or at) if interval else (at or end)
            if chosen is None:
                raise Bad("missing_time")
            if chosen.unset:
                self.never += 1
                return
            length, begun = 0, "-"
            if interval:
                length = period
                if start and end and not start.unset and not end.unset:
                    if (start.offset is None) != (end.offset is None):
                        raise Bad("bad_time")
                    seconds = (end.utc - start.utc).total_seconds()
                    if seconds <= 0 or seconds != int(seconds):
                        raise Bad("bad_time")
                    if period and seconds != period and not (period == 86400 and seconds in (82800, 90000)):
                        raise Bad("interval_mismatch")
                    length = int(seconds)
            elif start and not start.unset and measure == "Readings":
                begun = str(start)
            number = text(element, "value")
            if number and not NUMBER.match(number):
                raise Bad("bad_number")
            codes = [ref(kid(one, "ReadingQualityType")) or text(one, "quality") for one in kids(element, "ReadingQualities")]
            into.append("|".join(["V", meter, "interval" if interval else "register", code, measure, str(length),
                                  str(chosen), begun, " ".join(filter(None, codes)), number]))
        except Bad as problem:
            registers.append(f"M|{meter}|{problem.args[0]}")

    def event(self, meter, element):
        code = ref(kid(element, "EndDeviceEventType")) or text(element, "category")
        try:
            if not meter:
                raise Bad("missing_meter")
            if not code:
                raise Bad("missing_code")
            at = stamp(text(element, "createdDateTime"))
            if at is None or at.unset:
                at = stamp(text(element, "status", "dateTime"))
            if at is None or at.unset:
                raise Bad("missing_time")
            words = text(element, "status", "value") or text(element, "reason")
            self.events.append(f"E|{meter}|{code}|{words}|{at}")
        except Bad as problem:
            self.bad.append(f"M|{meter}|{problem.args[0]}")

    def item(self, element):
        kind = name(element)
        if kind not in ("MeterReading", "EndDeviceEvent", "EndDeviceControl"):
            self.skipped += 1
            return
        right = [f"http://iec.ch/TC57/{year}/{kind}s#" for year in (2009, 2011)] + ([VENDOR] if self.vendor else [])
        if space(element) not in right:
            self.bad.append("M||wrong_namespace")
        elif kind == "EndDeviceEvent":
            self.event(meter_id(device(element)), element)
        elif kind == "EndDeviceControl":
            code = ref(kid(element, "EndDeviceControlType")) or text(element, "type")
            meters = [any_id(one) for holder in ("Meter", "MeterAsset", "EndDevice", "EndDevices", "Assets")
                      for one in kids(element, holder)]
            meters = [one for one in meters if one]
            if not code or not meters:
                self.bad.append("M||" + ("missing_code" if not code else "missing_meter"))
            else:
                self.controls.append(f"C|{code}|{text(element, 'mRID')}|{','.join(meters)}")
        else:
            meter = meter_id(device(element))
            if not meter:
                self.bad.append("M||missing_meter")
                return
            registers = []
            for child in element:
                if name(child) == "IntervalBlocks":
                    code = ref(kid(child, "ReadingType"))
                    if len(child) == 0:
                        continue
                    if not code:
                        self.bad.append(f"M|{meter}|missing_reading_type")
                    elif kids(child, "Pending", "PendingCalculation"):
                        self.bad.append(f"M|{meter}|pending_calculation")
                    else:
                        for one in kids(child, "IntervalReadings"):
                            self.value(meter, code, one, "IntervalBlocks", self.bad, self.values)
                elif name(child) == "EndDeviceEvents":
                    self.event(meter, child)
                elif name(child) == "Readings":
                    code = ref(kid(child, "ReadingType"))
                    if not code:
                        self.bad.append(f"M|{meter}|missing_reading_type")
                    else:
                        self.value(meter, code, child, "Readings", self.bad, registers)
            self.values += registers


def read(path, vendor):
    try:
        root = ElementTree.parse(path).getroot()
    except ElementTree.ParseError:
        print("error|not_well_formed")
        return
    soap, secret, at = "none", False, root
    if name(root) == "Envelope" and space(root) in SOAP:
        soap = SOAP[space(root)]
        header = kid(root, "Header")
        secret = header is not None and any(space(one) == VENDOR and name(one) in ("UserName", "Password") for one in header)
        body = kid(root, "Body")
        fault = kid(body, "Fault")
        if fault is not None:
            words = (text(fault, "faultstring") or text(fault, "Reason", "Text") or text(fault, "faultcode") or
                     text(fault, "Code", "Value") or "a SOAP Fault without words")
            print(f"K|fault|{soap}||||{'yes' if secret else 'no'}\nR|||Fault|||{words}\nN|0|0")
            return
        at = body[0] if body is not None and len(body) else None
    for _ in range(3):
        if at is not None and kid(at, "Header") is None and kid(at, "Reply") is None:
            at = at[0] if len(at) else None
    header, reply = kid(at, "Header"), kid(at, "Reply")
    part = header if header is not None else reply
    if part is None:
        print("error|not_a_message")
        return
    if space(part[0] if len(part) else part) not in SPACES:
        print("error|wrong_namespace")
        return
    verb = text(header, "Verb")
    kinds = {"RequestMessage": "request", "ResponseMessage": "response", "EventMessage": "event", "FaultMessage": "fault"}
    kind = next((word for end, word in kinds.items() if name(at).endswith(end)), None)
    kind = kind or ("response" if verb == "reply" else "event" if verb.endswith("ed") else "request")
    secret = secret or any(text(one, "Name").lower() == "password" for one in kids(header, "Property"))
    reader = Reader(vendor)
    payload = kid(at, "Payload")
    for child in ([] if payload is None else payload):
        if name(child) == "Compressed":
            reader.bad.append("M||compressed_payload")
        elif name(child) in ("MeterReading", "EndDeviceEvent", "EndDeviceControl"):
            reader.item(child)
        else:
            for one in child:
                reader.item(one)
    transaction = text(header, "CorrelationID")
    results = []
    if reply is not None:
        errors = []
        for error in kids(reply, "Error"):
            identity, object_ = kid(error, "ID"), kid(error, "object")
            who, what = "", ""
            if identity is not None:
                who, what = text(identity), identity.get("objectType", "")
            elif object_ is not None:
                who = text(object_, "Name", "name") or text(object_, "mRID")
                what = text(object_, "objectType")
            mine = bool(who) and what in ("", "Meter", "MeterAsset", "EndDevice")
            errors.append((mine, who, text(error, "level"), text(error, "code"), text(error, "reason")))
        general = next(((code, words) for mine, _, _, code, words in errors if not mine), ("", ""))
        results.append(f"R|{transaction}||Reply|{general[0]}|{text(reply, 'Result')}|{general[1]}")
        results += [f"R|{transaction}|{who}|Error|{level}|{code}|{words}" for mine, who, level, code, words in errors if mine]
    print(f"K|{kind}|{soap}|{verb}|{text(header, 'Noun')}|{transaction}|{'yes' if secret else 'no'}")
    for one in reader.values + reader.events + results + reader.controls + reader.bad:
        print(one)
    print(f"N|{reader.never}|{reader.skipped}")


def main():
    files = sys.argv[1:]
    vendor = files[0] == "-l"
    for path in files[vendor:]:
        read(path, vendor)


main()
