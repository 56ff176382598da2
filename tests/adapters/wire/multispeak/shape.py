#!/usr/bin/env python3
"""Whether encoded messages have the shape that the published schemas state: names, order, required parts, words.

usage: shape.py FOLDER     one message a file; prints what is wrong, exit 1
Written from the element lists of the WSDLs (3.0ac, 4.1.6), apart from the codec. Elements of 4.1 that have no list here
are held against 3.0's, with meterID for meterNo.
"""
import datetime
import pathlib
import sys
import xml.etree.ElementTree as ET

V30 = "http://www.multispeak.org/Version_3.0"
V41 = "http://www.multispeak.org/Version_4.1_Release"
SOAP = {"http://schemas.xmlsoap.org/soap/envelope/", "http://www.w3.org/2003/05/soap-envelope"}

REPLY30 = "responseURL transactionID! expirationTime!"
REPLY41 = "responseURL transactionID! expTime"
# element of a message -> its children in order; "!" = must be there, "*" = any number
SEQUENCES = {
    V30: {
        "PingURL": "", "GetMethods": "",
        "InitiateMeterReadByMeterNumber": "meterNos! " + REPLY30,
        "GetLatestReadingByMeterNo": "meterNo!",
        "GetReadingsByDate": "startDate! endDate! lastReceived!",
        "GetReadingsByBillingCycle": "billingCycle billingDate! kWhLookBack! kWLookBack! kWLookForward! lastReceived! "
                                     "formattedBlockTemplateName fieldName",
        "GetAMRSupportedMeters": "lastReceived!",
        "InitiateConnectDisconnect": "cdEvents! " + REPLY30,
        "InitiateCDStateRequest": "states! " + REPLY30,
        "GetCDMeterState": "meterNo!",
        "InitiateOutageDetectionEventRequest": "meterNos! requestDate! " + REPLY30,
        "InitiateDemandReset": "meterIDs! " + REPLY30,
        "MeterAddNotification": "addedMeters!", "MeterRemoveNotification": "removedMeters!",
        "MeterRetireNotification": "retiredMeters!", "MeterExchangeNotification": "meterChangeout!",
        "ReadingChangedNotification": "changedMeterReads transactionID",
        "IntervalDataNotification": "intervalReads transactionID errorString",
        "FormattedBlockNotification": "changedMeterReads transactionID errorString",
        "CDStateChangedNotification": "meterNo stateChange! transactionID errorString",
        "CDStatesChangedNotification": "stateChanges transactionID",
        "CDStateNotification": "state transactionID",
        "CDStatesNotification": "states transactionID",
        "ODEventNotification": "ODEvents transactionID",
        "MeterEventNotification": "events",
        "meterIdentifier": "meterNo meterID serviceType",
        "CDState": "meterNo meterID serviceType RCDState", "state": "meterNo meterID serviceType RCDState",
        "CDStateChange": "meterID meterNo stateChange",
        "connectDisconnectEvent": "servLoc custID gridLocation accountNumber meterID loadActionCode! powerLimitationValue "
                                  "powerLimitationUnits reasonCode amountDue meterNo billingTerms",
        "meterExchange": "serviceLocation outMeterRead inMeterRead lastRead lastReadDate averageConsumption",
        "meterRead": "meterNo deviceID readingDate posKWh negKWh kW kVAr kWDateTime phase momentaryOutages momentaryEvents "
                     "sustainedOutages TOUReadings readingValues",
        "TOUReading": "ratePeriod kWh kW kWDateTime",
        "readingValue": "units value readingType readingValueType name dateTime fieldName",
        "profile": "name intervalLength channels", "channel": "index fieldName fieldDescription units",
        "block": "profileID meterID meterNo serviceType utility endReadingList logTime intervalStart dB",
        "endReading": "channelIndex reading readingDate", "dB": "chs cS", "ch": "idx! d",
        "intervalReads": "statusDelimiter intervalDelimiter comment profiles blocks",
        "syntaxItem": "fieldName position uom",
        "outageDetectionEvent": "phaseCd eventTime outageEventType outageDetectDeviceID outageDetectDeviceType outageLocation "
                                "messageList outageCustomer priority percentConfident problemCode resolvedLevel",
        "outageLocation": "servLoc meterNo areaCode phone accountNumber gridLocation",
        "eventInstance": "extensions meterNo serviceType meterID meterEvent timeStamp",
        "events": "eventinstances",
    },
    V41: {
        "PingURL": "", "GetMethods": "",
        "InitiateMeterReadingsByMeterID": "meterIDs! " + REPLY41,
        "GetLatestReadingByMeterID": "meterID!",
        "GetReadingsByDate": "startDate! endDate! lastReceived!",
        "GetReadingsByBillingCycle": "billingCycle billingDate! kWhLookBack! kWLookBack! kWLookForward! lastReceived! "
                                     "formattedBlockTemplateName fieldName",
        "GetAMRSupportedMeters": "lastReceived!",
        "InitiateConnectDisconnect": "cdEvents! " + REPLY41,
        "InitiateCDStateRequest": "states! " + REPLY41,
        "GetCDMeterState": "meterID!",
        "InitiateOutageDetectionEventRequest": "meterIDs! requestDate! " + REPLY41,
        "InitiateDemandReset": "meterIDs! " + REPLY41,
        "MeterAddNotification": "addedMeters!", "MeterRemoveNotification": "removedMeters!",
        "MeterRetireNotification": "retiredMeters!", "MeterExchangeNotification": "meterChangeout!",
        "InitiateMeterExchange": "meterChangeout! " + REPLY41,
        "ReadingChangedNotification": "changedMeterReads transactionID",
        "IntervalDataNotification": "intervalReads transactionID errorString",
        "FormattedBlockNotification": "changedMeterReads transactionID errorString",
        "CDStateChangedNotification": "stateChange transactionID",
        "CDStatesChangedNotification": "stateChanges transactionID",
        "CDStateNotification": "state transactionID",
        "CDStatesNotification": "states transactionID",
        "ODEventNotification": "ODEvents transactionID",
        "MeterEventNotification": "events transactionID",
        "connectDisconnectEvent": "meterID loadActionCode! CDReasonCode",
        "GetCDMeterStateResult": "meterID RCDState", "GetAMRSupportedMetersResult": "electricMeters",
        "electricMeters": "electricMeter*", "addedMeters": "electricMeters", "removedMeters": "electricMeters",
        "retiredMeters": "electricMeters",
        "CDStateChange": "meterID stateChange timestamp", "CDState": "meterID RCDState timestamp",
        "state": "meterID RCDState timestamp",
        "meterReading": "meterID deviceID readingValues",
        "readingValue": "extensions extensionsList units value ratePeriod readingType fieldName name measurementPeriod "
                        "timeStamp readingStatusCode readingTypeCode",
        "outageDetectionEvent": "phaseCode eventTime outageEventType outageDetectionDeviceID outageDetectionDeviceType "
                                "outageLocation messageList outageCustomer priority percentConfident problemCode resolvedLevel",
        "eventInstance": "extensions meterID meterEvent timeStamp",
        "events": "eventInstances",
    },
}
DATES = {"startDate", "endDate", "requestDate", "billingDate", "readingDate", "kWDateTime", "dateTime", "timeStamp",
         "eventTime", "intervalStart", "logTime", "timestamp"}
NUMBERS = {"expirationTime", "expTime", "kWhLookBack", "kWLookBack", "kWLookForward", "posKWh", "negKWh", "idx"}
HEADER30 = {"Version", "UserID", "Pwd", "AppName", "AppVersion", "Company", "CSUnits", "CoordinateSystem", "Datum", "SessionID",
            "PreviousSessionID", "ObjectsRemaining", "LastSent", "RegistrationID", "AuditID", "MessageID", "TimeStamp",
            "BuildString"}
HEADER41 = {"MajorVersion", "MinorVersion", "Build", "Branch", "BuildString", "UserID", "Pwd", "AppName", "AppVersion",
            "Company", "DefaultCurrencyCode", "CSUnits", "CoordinateSystemName", "CoordinateSystemAuthority",
            "CoordinateSystemAuthorityCode", "Datum", "SessionID", "PreviousSessionID", "ObjectsRemaining", "LastSent",
            "RegistrationID", "MessageID", "TimeStamp", "Context", "AuditID", "AuditPassword"}
EMPTY_RESPONSES = {"CDStateChangedNotification", "CDStateNotification"}


def split(element):
    space, _, name = element.tag.rpartition("}")
    return space[1:], name


class Checker:
    def __init__(self, file):
        self.file, self.problems = file, []

    def wrong(self, what):
        self.problems.append(f"{self.file}: {what}")

    def message(self, root):
        if split(root) not in {(space, "Envelope") for space in SOAP}:
            return self.wrong("no SOAP envelope")
        header, body = list(root)
        content, = list(body)
        space, name = split(content)
        if name == "Fault":
            return self.fault(root, content)
        if space not in SEQUENCES:
            return self.wrong(f"namespace {space}")
        self.header(header, space)
        if name.endswith("Response"):
            self.response(content, space, name[:-len("Response")])
        elif name not in SEQUENCES[space]:
            self.wrong(f"{name} is no operation")
        else:
            self.element(content, space)

    def header(self, header, space):
        one, = list(header)
        if split(one) != (space, "MultiSpeakMsgHeader"):
            self.wrong("header is not of the body's version")
        known = HEADER30 if space == V30 else HEADER41
        for name in set(one.keys()) - known:
            self.wrong(f"header attribute {name}")
        if space == V41 and one.get("BuildString") not in {"PR", "RC", "Branch", "Release", "Other", "Unknown"}:
            self.wrong("BuildString is required")

    def response(self, content, space, name):
        if name not in SEQUENCES[space]:
            self.wrong(f"{name} is no operation")
        want = [] if name in EMPTY_RESPONSES else [(space, name + "Result")]
        if [split(child) for child in content] != want:
            return self.wrong(f"children of {name}Response")
        for result in content:
            self.element(result, space)

    def fault(self, root, fault):
        space = split(root)[0]
        v11 = space == "http://schemas.xmlsoap.org/soap/envelope/"
        names = [split(child) for child in fault]
        want = ([("", "faultcode"), ("", "faultstring")] if v11 else [(space, "Code"), (space, "Reason")])
        if names[:2] != want:
            self.wrong(f"children of Fault: {names}")

    def element(self, element, space):
        own_space, name = split(element)
        if own_space != space:
            self.wrong(f"{name} is in namespace {own_space!r}")
        # The single change of 4.1 has the name of its own word.
        sequence = None if name == "stateChange" else SEQUENCES[space].get(name)
        if sequence is None and space == V41:
            sequence = SEQUENCES[V30].get(name)  # assumed: as in 3.0
            if sequence is not None:
                sequence = sequence.replace("meterNo", "meterID") if "meterID" not in sequence else sequence
        if sequence is not None:
            names = [split(child)[1] for child in element]
            order = [word.rstrip("!*") for word in sequence.split()]
            unknown = [one for one in names if one not in order]
            if unknown:
                self.wrong(f"{name} has {unknown}")
            elif [order.index(one) for one in names] != sorted(order.index(one) for one in names):
                self.wrong(f"order in {name}: {names}")
            if len(set(names)) != len(names) and "*" not in sequence:
                self.wrong(f"{name} repeats a child: {names}")
            for word in sequence.split():
                if word.endswith("!") and word[:-1] not in names:
                    self.wrong(f"{name} lacks {word[:-1]}")
        text = (element.text or "").strip()
        if name in DATES:
            try:
                datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
            except ValueError:
                self.wrong(f"{name} {text!r} is no date-time")
        if name in NUMBERS:
            float(text)
        if name == "expTime" and element.get("units") not in {"Seconds", "Minutes"}:
            self.wrong("expTime without units")
        if name == "meterID" and space == V41 and element.get("meterNo") != text:
            self.wrong("meterID: text and @meterNo must both be there")
        for child in element:
            self.element(child, space)


failed = []
files = sorted(pathlib.Path(sys.argv[1]).glob("*.xml"))
for file in files:
    checker = Checker(file.name)
    checker.message(ET.parse(file).getroot())
    failed += checker.problems
print("\n".join(failed) or f"{len(files)} messages")
sys.exit(bool(failed) or not files)
