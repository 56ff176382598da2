"""Files as the two head-ends write them: CMEP (text v1.20, as public feeds use it) and Silver Spring's SSNExportDocument.

Times are whole seconds of UTC since 1970, energy is in Wh and written in kWh, intervals are labelled by their end."""
import datetime as dt
from fractions import Fraction
from xml.sax.saxutils import quoteattr

NAMESPACE = "urn:com:ssn:schema:export:SSNExportFormat.xsd"
MOST_TRIPLETS = 48   # of one CMEP record
VERSION, MADE = "19970819", "202606010000"


def kwh(wh):
    """Wh as kWh with the digits that it needs, three at least."""
    thousandths = Fraction(str(wh)) * 1000
    assert thousandths.denominator == 1, f"{wh} Wh has more digits than a file writes"
    sign, whole = "-" if thousandths < 0 else "", abs(thousandths.numerator)
    text = f"{whole // 10 ** 6}.{whole % 10 ** 6:06}"
    return sign + text[:-3] + text[-3:].rstrip("0")


def _stamp(instant):
    return dt.datetime.fromtimestamp(instant, dt.timezone.utc).strftime("%Y%m%d%H%M")


def _record(meter, unit, created, interval, triplets):
    body = ",".join(f"{when},{flag},{value}" for when, flag, value in triplets)
    return f"MEPMD01,{VERSION},S,C,R,C,{created},{meter},OK,E,{unit},1.0,{interval},{len(triplets)},{body}\r\n"


def triplets_of(pairs, length_s=900, flag="R", flags=None):
    """(end, flag, kWh) of (start, Wh or None) pairs; None is a stated hole. `flags` overrides by start."""
    return [(_stamp(start + length_s), "N", "") if wh is None else
            (_stamp(start + length_s), (flags or {}).get(start, flag), kwh(wh)) for start, wh in pairs]


def cmep_intervals(meter, pairs, created=MADE, length_s=900, unit="KWH", flags=None):
    """Every value with its own time, in records of at most 48."""
    all_of_them = triplets_of(pairs, length_s, flags=flags)
    hours, minutes = divmod(length_s // 60, 60)
    return "".join(_record(meter, unit, created, f"0000{hours:02}{minutes:02}", all_of_them[i:i + MOST_TRIPLETS])
                   for i in range(0, len(all_of_them), MOST_TRIPLETS))


def cmep_local(meter, texts, created=MADE, length_s=1800, unit="KWH"):
    """One record a value, with the local time as a text: ("202603080230", Wh). What a careless exporter writes."""
    hours, minutes = divmod(length_s // 60, 60)
    return "".join(_record(meter, unit, created, f"0000{hours:02}{minutes:02}", [(text, "R", kwh(wh))])
                   for text, wh in texts)


def cmep_registers(meter, reads, created=MADE, unit="KWHREG"):
    """Dial readings: (instant, Wh) pairs."""
    return _record(meter, unit, created, "", [(_stamp(at), "R", kwh(wh)) for at, wh in reads]) if reads else ""


class Ssn:
    """One SSNExportDocument under construction."""

    def __init__(self, created="2026-06-01T00:00:00.000Z"):
        self.created, self.meters = created, []

    @staticmethod
    def _time(instant):
        return dt.datetime.fromtimestamp(instant, dt.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.000Z")

    def meter(self, name, intervals=(), registers=(), events=(), length_s=900):
        """intervals: (start, {channel: (Wh, UOM)}) pairs, a channel that is left out is a hole;
        registers: (instant, {tier: [(number, Wh, UOM)]}) pairs; events: (instant, name) pairs."""
        parts = []
        if registers:
            reads = "".join(
                f'<RegisterRead ReadTime="{self._time(at)}">' +
                "".join(f'<Tier Number="{tier}">' +
                        "".join(f'<Register Number="{number}" Summation="{kwh(wh)}" SummationUOM={quoteattr(uom)}/>'
                                for number, wh, uom in values) + "</Tier>" for tier, values in tiers.items()) +
                "</RegisterRead>" for at, tiers in registers)
            parts.append(f'<RegisterData NumberReads="{len(registers)}">{reads}</RegisterData>')
        if intervals:
            body = "".join(
                f'<Interval EndTime="{self._time(start + length_s)}">' +
                "".join(f'<Reading Channel="{channel}" RawValue="0" Value="{kwh(wh)}" UOM={quoteattr(uom)}/>'
                        for channel, (wh, uom) in channels.items()) + "</Interval>"
                for start, channels in intervals if channels)
            parts.append(f'<IntervalReadData IntervalLength="{length_s // 60}" NumberIntervals="{sum(bool(channels) for _, channels in intervals)}">'
                         f"{body}</IntervalReadData>")
        if events:
            body = "".join(f'<Event EventName={quoteattr(event)} EventTime="{self._time(at)}">{event}</Event>'
                           for at, event in events)
            parts.append(f'<EventData NumberEvents="{len(events)}">{body}</EventData>')
        self.meters.append(f"<MeterData MeterName={quoteattr(name)}>{''.join(parts)}</MeterData>")
        return self

    def __str__(self):
        return (f'<?xml version="1.0"?><SSNExportDocument xmlns="{NAMESPACE}" Version="0.1" CreationTime="{self.created}">'
                f"{''.join(self.meters)}</SSNExportDocument>")
