"""Files of made-up readings, what they say (formed here, apart from the gateway), and what a database holds."""
import collections
import dataclasses
import datetime
import decimal
import hashlib
import random

UTC = datetime.timezone.utc
DAY = datetime.datetime(2026, 1, 15, tzinfo=UTC)
QUARTER = 900  # seconds
FILLERS = 60  # of 50 kB in a file
NS = "urn:com:ssn:schema:export:SSNExportFormat.xsd"


@dataclasses.dataclass
class Said:
    """Intervals in Wh by (meter, start, seconds); registers in Wh by (meter, time); events counted by (meter, time, raw code)."""
    intervals: dict = dataclasses.field(default_factory=dict)
    registers: dict = dataclasses.field(default_factory=dict)
    events: collections.Counter = dataclasses.field(default_factory=collections.Counter)

    def add(self, other):
        for mine, its in ((self.intervals, other.intervals), (self.registers, other.registers)):
            assert not mine.keys() & its.keys(), "each test value is said once"
            mine.update(its)
        self.events.update(other.events)
        return self

    def figures(self):
        return {"intervals": len(self.intervals), "interval_wh": sum(self.intervals.values()), "registers": len(self.registers),
                "register_wh": sum(self.registers.values()), "events": sum(self.events.values())}


@dataclasses.dataclass
class File:
    name: str
    content: bytes
    parts: list  # (offset behind the part, Said), in the order of the file

    @property
    def sha256(self):
        return hashlib.sha256(self.content).hexdigest()

    def said(self, before=None):
        """All of it, or the parts that end at or before an offset."""
        out = Said()
        for end, part in self.parts:
            if before is None or end <= before:
                out.add(part)
        return out


def epoch(at):
    return int(at.timestamp())


def text(kwh_milli):
    return f"{kwh_milli // 1000}.{kwh_milli % 1000:03d}"


def cmep(name, meters, first_slot, slots, seed, day=0, values_a_record=4):
    """Quarter hours [first_slot, first_slot + slots) of one UTC day, for each meter, in records that are shuffled."""
    rng = random.Random(f"{name}{seed}")
    records = []
    for meter in meters:
        for start in range(first_slot, first_slot + slots, values_a_record):
            begin = DAY + datetime.timedelta(days=day, seconds=start * QUARTER)
            values = [rng.randrange(0, 30_000) for _ in range(values_a_record)]
            end = begin + datetime.timedelta(seconds=QUARTER)
            line = (f"MEPMD01,19970819,HES,LDC,MDM,{meter},{DAY + datetime.timedelta(days=day + 1):%Y%m%d%H%M},{meter},OK,E,KWH,1.0,00000015,"
                    f"{values_a_record},{end:%Y%m%d%H%M},R,{',,R,'.join(map(text, values))}\r\n").encode()
            said = Said({(meter, epoch(begin) + i * QUARTER, QUARTER): v for i, v in enumerate(values)})
            records.append((line, said))
    rng.shuffle(records)
    return assemble(name, b"", records, b"", b"MEPLF01,19970819," + b"7" * 50_000 + b"\r\n")


def ssn(name, meters, first_slot, slots, seed, day=0):
    """The same for the SSN export: a block of quarter hours, a dial reading at its end, and an event, for each meter."""
    rng = random.Random(f"{name}{seed}")
    records = []
    for meter in meters:
        begin = DAY + datetime.timedelta(days=day, seconds=first_slot * QUARTER)
        values = [rng.randrange(0, 30_000) for _ in range(slots)]
        dial = rng.randrange(1_000_000, 9_000_000)
        at = begin + datetime.timedelta(seconds=slots * QUARTER)
        ends = [begin + datetime.timedelta(seconds=(i + 1) * QUARTER) for i in range(slots)]
        intervals = "".join(f'<Interval EndTime="{end:%Y-%m-%dT%H:%M:%SZ}"><Reading Channel="1" RawValue="{v}" Value="{text(v)}" UOM="kWh"/></Interval>'
                            for end, v in zip(ends, values))
        body = (f'<MeterData MeterName="{meter}"><RegisterData NumberReads="1"><RegisterRead ReadTime="{at:%Y-%m-%dT%H:%M:%SZ}"><Tier Number="0">'
                f'<Register Number="1010" Summation="{text(dial)}" SummationUOM="kWh"/></Tier></RegisterRead></RegisterData>'
                f'<IntervalReadData IntervalLength="15" NumberIntervals="{slots}">{intervals}</IntervalReadData>'
                f'<EventData NumberEvents="1"><Event EventName="CHAOS_{seed}" EventTime="{at:%Y-%m-%dT%H:%M:%SZ}">text</Event></EventData>'
                "</MeterData>\n").encode()
        said = Said({(meter, epoch(begin) + i * QUARTER, QUARTER): v for i, v in enumerate(values)}, {(meter, epoch(at)): dial},
                    collections.Counter({(meter, epoch(at), f"CHAOS_{seed}"): 1}))
        records.append((body, said))
    rng.shuffle(records)
    filler = b"<!--" + b" " * 50_000 + b"-->\n"
    head = (f'<?xml version="1.0"?><SSNExportDocument xmlns="{NS}" Version="0.1" '
            f'CreationTime="{DAY + datetime.timedelta(days=day + 1):%Y-%m-%dT%H:%M:%SZ}">').encode()
    return assemble(name, head, records, b"</SSNExportDocument>", filler)


def assemble(name, head, records, tail, filler):
    """Filler that says nothing makes the file long enough to be read in some pieces and stored in as many transactions."""
    content, parts = bytearray(head), []
    for n, (body, said) in enumerate(records):
        content += filler * (n * FILLERS // len(records) - (n - 1) * FILLERS // len(records) if n else 0)
        content += body
        parts.append((len(content), said))
    return File(name, bytes(content + tail), parts)


def number(mantissa, exponent):
    value = decimal.Decimal(mantissa).scaleb(int(exponent))
    assert value == value.to_integral_value(), "a fraction of a Wh was never said"
    return int(value)


def stored(sql):
    """What the tables hold, read row by row without the gateway's own views. `sql` runs a query and returns psql's unaligned text."""
    out = Said()

    def rows(query):
        return [line.split("|") for line in sql(query).splitlines()]
    for meter, day, length, exponent, values, wide in rows(
            "select m.key, extract(epoch from d.day)::bigint, d.interval_s, d.exponent, d.values, d.wide from interval_day d join meter m using (meter_id) "
            "join channel c on (c.channel_id, c.meter_id) = (d.channel_id, d.meter_id)"):
        assert wide == "", "no value here needs 64 bits"
        for slot, mantissa in enumerate(values.strip("{}").split(",")):
            if mantissa != "-2147483648":
                key = (meter, int(day) + slot * int(length), int(length))
                assert key not in out.intervals, f"{key} is stored twice"
                out.intervals[key] = number(mantissa, exponent)
    for meter, at, mantissa, exponent in rows(
            "select m.key, extract(epoch from r.at)::bigint, r.mantissa, r.exponent from register_read r join meter m using (meter_id) "
            "join channel c on (c.channel_id, c.meter_id) = (r.channel_id, r.meter_id)"):
        key = (meter, int(at))
        assert key not in out.registers, f"{key} is stored twice"
        out.registers[key] = number(mantissa, exponent)
    for meter, at, code in rows("select m.key, extract(epoch from e.at)::bigint, e.raw_code from event e join meter m using (meter_id)"):
        out.events[(meter, int(at), code)] += 1
    return out


def differences(expected, found):
    """Words for what is lost, invented or altered; empty when all is equal, slot by slot."""
    out = []
    for what in ("intervals", "registers", "events"):
        want, have = getattr(expected, what), getattr(found, what)
        lost, more = want.keys() - have.keys(), have.keys() - want.keys()
        wrong = [key for key in want.keys() & have.keys() if want[key] != have[key]]
        for name, keys in (("lost", lost), ("invented", more), ("altered", wrong)):
            if keys:
                out.append(f"{len(keys)} {what} {name}, such as {sorted(keys)[0]}")
    if not out and expected.figures() != found.figures():
        out.append(f"sums differ: {expected.figures()} != {found.figures()}")
    return out


def doubles(sql, expected):
    """Words for traces of a second storing: revisions, off-grid copies, quarantine, or a change told twice."""
    out = []
    for table in ("interval_odd", "interval_revision", "register_revision", "quarantine"):
        if (count := int(sql(f"select count(*) from {table}"))):
            out.append(f"{count} rows in {table}")
    told = collections.Counter()
    for entity, kinds, slots in (line.split("|") for line in sql("select entity, kinds, slots from change where kinds & 64 = 0").splitlines()):
        if kinds != "1":
            out.append(f"a change of entity {entity} says kinds {kinds}: nothing was ever corrected")
        runs = [int(n) for n in slots.strip("{}").split(",")] if slots else []
        told[entity] += sum(runs[1::3]) if entity == "1" else 1
    want = {"1": len(expected.intervals), "3": len(expected.registers), "4": sum(expected.events.values())}
    if told != collections.Counter({k: v for k, v in want.items() if v}):
        out.append(f"changes told {dict(told)}, said {want}")
    return out
