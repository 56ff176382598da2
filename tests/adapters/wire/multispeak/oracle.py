#!/usr/bin/env python3
"""A second opinion on MultiSpeak callbacks, written from the message descriptions and not from the codec.

usage: oracle.py FILE…     prints what messages.h describes, file after file
"""
import datetime
import decimal
import sys
import xml.etree.ElementTree as ET

KNOWN = {"http://www.multispeak.org/Version_3.0", "http://www.multispeak.org/Version_4.1_Release"}


def local(element):
    return element.tag.rpartition("}")[2]


def kids(element, *path):
    found = [] if element is None else [element]
    for name in path:
        found = [child for one in found for child in one if local(child) == name]
    return found


def kid(element, *path):
    return next(iter(kids(element, *path)), None)


def text(element, *path):
    one = kid(element, *path)
    return "" if one is None or one.text is None else one.text.strip()


def attribute(element, name):
    return "" if element is None else element.get(name, "")


def dash(part):
    return part or "-"


def row(*parts):
    return "|".join(dash(part) for part in parts)


def number_of(owner):
    identity = kid(owner, "meterID")
    return text(owner, "meterNo") or attribute(identity, "meterNo") or text(owner, "meterID")


def instant(written):
    return datetime.datetime.fromisoformat(written.replace("Z", "+00:00"))


class Lines:
    def __init__(self, operation):
        self.said, self.results, self.malformed = [], [], []
        self.skipped = self.placeholders = 0
        self.transaction, self.fault = text(operation, "transactionID"), text(operation, "errorString")

    def result(self, meter, word, fault, when, always=False):
        if self.transaction or fault or self.fault or always:
            self.results.append(row("T", meter, self.transaction, word, fault or self.fault, when))

    def when(self, written):
        if written and instant(written).year in (1, 1970):
            self.placeholders += 1
            return ""
        return written

    def text(self):
        return "\n".join(self.said + self.results + self.malformed + [f"K|{self.skipped}|{self.placeholders}"])


def first(*texts):
    return next((one for one in texts if one), "")


def meter_read(read, out):
    meter = number_of(read) or (attribute(read, "objectID") if attribute(read, "errorString") else "")
    at = out.when(text(read, "readingDate"))
    service = attribute(kid(read, "meterID"), "serviceType")
    out.result(meter, "", attribute(read, "errorString"), at)
    values = kids(read, "readingValues", "readingValue")
    flags = {}
    for dial, kind in (("posKWh", "Energy"), ("negKWh", "Negative Energy")):
        whole = kid(read, dial)
        if whole is None:
            continue
        differ = [(value, abs(decimal.Decimal(text(value, "value")) - decimal.Decimal(whole.text)) > 1)
                  for value in values if text(value, "readingValueType") == kind and text(value, "units") == "kWh"
                  and (not text(value, "dateTime") or instant(text(value, "dateTime")) == instant(at))]
        wrong = any(bad for _, bad in differ)
        flags.update({value: "disagrees" for value, _ in differ if wrong})
        if wrong or not differ:
            out.said.append(row("R", meter, dial, dial, "kWh", service, "", at, whole.text,
                                "disagrees" if wrong else "whole_kwh", ""))
    if kid(read, "kW") is not None:
        dated = kid(read, "kWDateTime") is not None
        out.said.append(row("R", meter, "kW", "kW" if dated else "kW undated", "kW", service, "", at,
                            text(read, "kW"), "", text(read, "kWDateTime")))
    for tou in kids(read, "TOUReadings", "TOUReading"):
        period = text(tou, "ratePeriod")
        out.said.append(row("R", meter, f"TOU:{period}:kWh", "TOUReading", "kWh", service, period, at,
                            text(tou, "kWh"), "", ""))
    for value in values:
        status = kid(value, "readingStatusCode")
        flag = "/".join(part for part in (attribute(status, "originatingSystemID"),
                                          attribute(status, "codeCategory"),
                                          text(value, "readingStatusCode")) if part)
        if not flag.endswith(attribute(status, "codeIndex")):
            flag += attribute(status, "codeIndex")
        out.said.append(row(
            "R", meter,
            first(text(value, "fieldName"), text(value, "readingType"), text(value, "name"),
                  text(value, "readingValueType"), text(value, "units")),
            first(text(value, "readingValueType"), text(value, "readingType"), "readingValue"),
            text(value, "units"), service, "",
            first(text(value, "dateTime"), text(value, "timeStamp"), at), text(value, "value"),
            flags.get(value, flag), ""))


def interval_block(data, block, out):
    meter = number_of(block)
    profile = next(one for one in kids(data, "profiles", "profile")
                   if one.get("profileID") == text(block, "profileID"))
    seconds = int(decimal.Decimal(text(profile, "intervalLength")) * 60)
    start = text(block, "intervalStart")
    out.result(meter, "", "", start)
    for channel in kids(block, "dB", "chs", "ch"):
        about = next(one for one in kids(profile, "channels", "channel")
                     if text(one, "index") == text(channel, "idx"))
        end = (instant(start) + datetime.timedelta(seconds=seconds)).isoformat()
        values = text(channel, "d").split(text(data, "intervalDelimiter"))
        shown = ",".join("~".join(part for part in value.split(text(data, "statusDelimiter"), 1) if part)
                         for value in values)
        out.said.append(row("I", meter, "lp:" + text(channel, "idx"), text(about, "fieldName"),
                            text(about, "units"), "", str(seconds), end, shown) + "|")


def switch(owner, word_name, out):
    fault = attribute(owner, "errorString") or text(owner, "errorString")
    when = text(owner, "timestamp")
    word = text(owner, word_name)
    out.result(number_of(owner), word, fault, when, always=True)
    failure = fault or out.fault
    if when:
        code = "/".join(part for part in ("CDStateChangeFailed" if failure else "CDStateChange", word) if part)
        out.said.append(row("E", number_of(owner), "BADGE", code, failure, when, "DEVICE"))


def outage(event, out):
    def named(what):
        return text(event, "outageDetect" + what) or text(event, "outageDetection" + what)
    kind, when = text(event, "outageEventType"), text(event, "eventTime")
    meter = number_of(kid(event, "outageLocation"))
    words = " ".join(f"{name}={value}" for name, value in (
        ("deviceType", named("DeviceType")), ("resolvedLevel", text(event, "resolvedLevel")),
        ("percentConfident", text(event, "percentConfident"))) if value)
    out.result(meter or named("DeviceID"), kind, attribute(event, "errorString"), when)
    out.said.append(row("E", meter or named("DeviceID"), "BADGE" if meter else "MODULE", "OD/" + kind, words, when,
                        "DEVICE"))


def meter_event(instance, out):
    event, when = kid(instance, "meterEvent"), text(instance, "timeStamp")
    code = ".".join(event.get(part, "") for part in ("type", "domain", "domainPart", "index"))
    out.result(number_of(instance), code, "", when)
    out.said.append(row("E", number_of(instance), "BADGE", code, text(instance, "meterEvent"), when, "DEVICE"))


def read(path):
    body = kid(ET.parse(path).getroot(), "Body")
    operation = body[0]
    assert operation.tag[1:].partition("}")[0] in KNOWN
    out = Lines(operation)
    name = local(operation)
    if name == "ReadingChangedNotification":
        for one in kid(operation, "changedMeterReads"):
            meter_read(one, out)
    elif name == "IntervalDataNotification":
        for block in kids(operation, "intervalReads", "blocks", "block"):
            interval_block(kid(operation, "intervalReads"), block, out)
    elif name == "CDStateChangedNotification":
        inner = kid(operation, "stateChange")
        switch(inner if len(inner) else operation, "stateChange", out)
    elif name == "ODEventNotification":
        for event in kids(operation, "ODEvents", "outageDetectionEvent"):
            outage(event, out)
    elif name == "MeterEventNotification":
        for event in (kids(operation, "events", "eventInstances", "eventInstance")
                      + kids(operation, "events", "eventinstances", "eventInstance")):
            meter_event(event, out)
    else:
        return "not a notification"
    return out.text()


for file in sys.argv[1:]:
    print(read(file))
