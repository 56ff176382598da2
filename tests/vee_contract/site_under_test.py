"""One running gateway for all of these tests: feeds with profiles of their own, files dropped, answers asked over gRPC.

Nothing here judges. `the()` starts it on first use, or skips where it cannot be started; it ends with the process."""
import atexit
import datetime as dt
import functools
import os
import pathlib
import shutil
import sys
import time
import unittest
from dataclasses import dataclass
from fractions import Fraction

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests/support"), str(ROOT / "tests/e2e/python_client")]
import client  # noqa: E402  makes the stubs
import grpc  # noqa: E402
from ami.v1 import asset_service_pb2 as asset, asset_service_pb2_grpc  # noqa: E402
from ami.v1 import collection_service_pb2 as collection, collection_service_pb2_grpc  # noqa: E402
from ami.v1 import explain_pb2 as explain, ingest_service_pb2 as ingest, ingest_service_pb2_grpc  # noqa: E402,F401
from ami.v1 import reading_service_pb2 as api, reading_service_pb2_grpc, types_pb2 as types  # noqa: E402,F401
from gateway import Gateway  # noqa: E402
from google.protobuf import timestamp_pb2  # noqa: E402

import model  # noqa: E402
import vendor_files  # noqa: E402

BUILD = pathlib.Path(os.environ.get("AMI_BIN_DIR", ROOT / "build/bin")).parent
TORONTO = "America/Toronto"
VALIDATED = "2.0.1"

GATEWAY = """
utilities:
  - {{key: u, zone: America/Toronto}}
  - {{key: s, zone: America/Toronto}}
  - {{key: x, zone: America/Toronto}}
data_dir: {folder}/config
state_dir: {folder}/state
database: {{conninfo: "{conninfo}", allow_owner: true, migrate_on_start: true, check_every: 200ms}}
rpc: {{unix_socket: {folder}/rpc.sock, changes: {{poll: 20ms, heartbeat: 100ms}}}}
http: {{address: "127.0.0.1:0", port_file: {folder}/http.port}}
validation: {{settle: {settle}, every: 200ms, holidays: [2026-02-16]}}
adapters: [{adapters}]
"""
FEED = """
name: {name}
utility: {utility}
family: {family}
folder: {inbox}
zone: {zone}
settle: 100ms
rescan: 300ms
{more}
"""
# What the file says of the meters' programmes: class 200 counts Wh, class 100 counts 7.2 Wh in 8 bits, class 20 counts
# 0.6 Wh. Digits count those behind the point, too (reference 2.9). Class 320 is left without, so that nothing is known of it.
PROGRAMMES = """
programmes:
  - {class_a: 200, ke_wh: 1, register_digits: 8, register_decimals: 3, amps: 200, largest_count: 65535}
  - {class_a: 100, ke_wh: 7.2, register_digits: 8, register_decimals: 3, amps: 100, largest_count: 255}
  - {class_a: 20, ke_wh: 0.6, register_digits: 6, register_decimals: 1, amps: 20, largest_count: 65535}
  - {form: 2S, volts: 240}
"""
MANY = "thresholds: {threshold_suspect: {from_meters: 1000000}}\n"  # the faults below are most of a day's meters
EVENTS = """
version: 1
vendor: ssn
events:
""" + "".join(f"  - {{code: T_{kind}, kind: {kind}}}\n" for kind in (
    "OUTAGE", "RESTORATION", "TEST_MODE_START", "TEST_MODE_STOP", "SWITCH_OPENED", "SWITCH_CLOSED", "CLOCK_ADJUSTED",
    "CONFIG_CHANGED", "RAM_ERROR", "REVERSE_ENERGY", "DEMAND_RESET"))
NET = """
events: maps/contract-events.yaml
assume_version: 2
assume:
  - assumed: the net register and the block maximum of this made-up programme
    mapping:
      units:
        - {unit: kWh(net), measure: Summation, kind: register, tou: "0", reading_type: 0.0.0.1.4.1.12.0.0.0.0.0.0.0.0.3.72.0}
"""
# name: (utility, family, zone of times without offset, profile overlay, more of the feed file)
FEEDS = {
    "head": ("u", "flexnet", "Etc/UTC", "profile: head_end\n" + MANY + PROGRAMMES, ""),
    "full": ("u", "flexnet", "Etc/UTC", "profile: full\n" + MANY + PROGRAMMES, ""),
    "local": ("u", "flexnet", TORONTO, "profile: full\n" + MANY + PROGRAMMES, ""),
    "ssn": ("u", "ssn", "Etc/UTC", "profile: full\n" + MANY + PROGRAMMES, NET),
    "silent": ("u", "flexnet", "Etc/UTC", 'profile: "off"\n' + MANY, ""),
    "plain": ("x", "flexnet", "Etc/UTC", None, ""),  # no `vee:` at all: the default
    "suspect": ("s", "flexnet", "Etc/UTC", "profile: head_end\n" + PROGRAMMES, ""),
}


def instant(text):
    return int(dt.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp())


def stamp(seconds):
    return timestamp_pb2.Timestamp(seconds=int(seconds), nanos=round((seconds - int(seconds)) * 1e9))


@dataclass(frozen=True)
class Slot:
    value: object               # Fraction of the unit, None = missing
    codes: frozenset
    estimate: object = None     # the Estimate that the value is, if it is one
    flag: str = ""

    @property
    def findings(self):
        """The codes but for "was validated"."""
        return self.codes - {VALIDATED}


class Site:
    def __init__(self):
        self.gateway = Gateway(BUILD)
        atexit.register(self.gateway.close)
        self.folder = self.gateway.folder
        shutil.copytree(ROOT / "config", self.folder / "config")
        (self.folder / "state").mkdir()
        (self.folder / "config/maps/contract-events.yaml").write_text(EVENTS)
        for name, (utility, family, zone, overlay, more) in FEEDS.items():
            (self.folder / "inbox" / name).mkdir()
            if overlay is not None:
                (self.folder / f"vee-{name}.yaml").write_text(overlay)
                more += f"\nvee: {self.folder}/vee-{name}.yaml\n"
            (self.folder / f"{name}.yaml").write_text(FEED.format(
                name=name, utility=utility, family=family, zone=zone, inbox=self.folder / "inbox" / name, more=more))
        self.gateway.start(self.config_text())
        self.channel = client.connect(f"unix:{self.folder}/rpc.sock")
        self.readings = reading_service_pb2_grpc.ReadingServiceStub(self.channel)
        self.findings_of = collection_service_pb2_grpc.CollectionServiceStub(self.channel)
        self.assets = asset_service_pb2_grpc.AssetServiceStub(self.channel)
        self.ingest = ingest_service_pb2_grpc.IngestServiceStub(self.channel)
        self.sentinels, self.files = 0, 0
        self.enlist([("SENTINEL", {})], until="2026-06-01T04:00:00Z")

    def config_text(self, settle="100ms"):
        return GATEWAY.format(folder=self.folder, conninfo=self.gateway.conninfo, settle=settle,
                              adapters=", ".join(f"{self.folder}/{name}.yaml" for name in FEEDS))

    # ---- what goes in ----

    def enlist(self, meters, utility="u", until="2026-01-23T05:00:00Z"):
        """[(key, {"zone", "class", "valid_from", "usage_point", ...})]; each at a usage point of its own name, and taken away
        at `until` or at its own {"until"}, for a meter that is left alone owes a value for every slot up to now."""
        columns = ("meter", "usage_point", "zone", "model", "form", "class", "valid_from", "multiplier")
        lines = [",".join(columns)]
        for key, more in meters:
            row = {"meter": key, "usage_point": f"UP-{key}", "zone": TORONTO, "model": "FOCUS AXR", "form": "2S",
                   "class": "200", "valid_from": "2000-01-01", "multiplier": "1", **more}
            lines.append(",".join(row[c] for c in columns))
        self.files += 1
        table = self.folder / f"meters-{self.files}.csv"
        table.write_text("\n".join(lines) + "\n")
        self.gateway.amictl("--utility", utility, "meters", "import", str(table))
        for key, more in meters:
            end = more.get("until", until)
            if end:
                self.assets.Remove(asset.RemoveRequest(meter=f"utilities/{utility}/meters/{key}", at=stamp(
                    instant(end) if isinstance(end, str) else end)), timeout=30)

    def drop(self, feed, content, expect="done"):
        """Drops one file and returns its name once it was read."""
        self.files += 1
        name = f"f{self.files:04}.{'xml' if FEEDS[feed][1] == 'ssn' else 'cmep'}"
        inbox = self.folder / "inbox" / feed
        (inbox / f".{name}.part").write_text(str(content))
        (inbox / f".{name}.part").rename(inbox / name)
        self.wait(lambda: any((inbox / place / name).exists() for place in ("done", "rejected")), 60, f"{name} of {feed} to be read")
        if not (inbox / expect / name).exists():
            raise AssertionError(f"{name} of {feed}: " + "".join(f.read_text() for f in inbox.glob(f"rejected/{name}*.txt")))
        return name

    @staticmethod
    def wait(condition, seconds, what, pause=0.05):
        end = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > end:
                raise AssertionError(f"gave up waiting for {what}")
            time.sleep(pause)

    def settle(self):
        """Until everything that was dropped has been judged: a day that is dropped last is validated, and nothing that is
        due waits."""
        self.sentinels += 1
        day = model.next_day("2026-01-05", self.sentinels)
        starts = model.grid(TORONTO, day)
        self.drop("head", vendor_files.cmep_intervals("SENTINEL", [(s, 100 + i % 7) for i, s in enumerate(starts)]))
        self.wait(lambda: VALIDATED in self.slots("SENTINEL", starts[0], starts[0] + 900)[starts[0]].codes, 60,
                  "the sentinel's day to be validated")
        self.wait(lambda: self.gateway.sql("select count(*) from validation_due where due_at < now() + interval '5 seconds'") == "0",
                  60, "the queue to be empty")

    # ---- what comes out ----

    def intervals(self, name, start, end, layer=api.VALIDATED, as_of=None, utility="u"):
        """{channel: {start: Slot}}"""
        if "/" not in name:
            name = f"utilities/{utility}/meters/{name}"
        request = api.StreamIntervalsRequest(names=[name], start=stamp(start), end=stamp(end), purpose="contract test", layer=layer)
        if as_of is not None:
            request.as_of.CopyFrom(stamp(as_of))
        channels, qualities, sources, out = {}, {}, {}, {}
        for message in self.readings.StreamIntervals(request, timeout=30):
            channels.update({c.number: c for c in message.dictionary.channels})
            qualities.update({q.number: q.quality for q in message.dictionary.qualities})
            sources.update({s.number: s for s in message.dictionary.sources})
            if not message.HasField("block"):
                continue
            block = message.block
            quality_of, source_of = {}, {}
            for runs, known in ((block.qualities, quality_of), (block.sources, source_of)):
                for run in runs:
                    known.update({slot: run.number for slot in range(run.first, run.first + run.count)})
            slots = out.setdefault(channels[block.channel].channel, {})
            for i, mantissa in enumerate(block.mantissas):
                missing = bool(block.missing) and block.missing[i // 8] >> (i % 8) & 1
                quality = qualities[quality_of[i]] if i in quality_of else None
                source = sources[source_of[i]] if i in source_of else None
                slots[block.first_start.seconds + i * block.length_s] = Slot(
                    None if missing else Fraction(mantissa) * Fraction(10) ** block.exponent,
                    frozenset(quality.codes if quality else ()),
                    source.estimate if source is not None and source.HasField("estimate") else None,
                    quality.vendor_flag if quality else "")
        return out

    def slots(self, name, start, end, layer=api.VALIDATED, as_of=None, channel="cmep:KWH", utility="u"):
        """{start: Slot} of one channel; slots that were not told are missing."""
        told = self.intervals(name, start, end, layer, as_of, utility).get(channel, {})
        nothing = Slot(None, frozenset())
        length_s = min((b - a for a, b in zip(sorted(told), sorted(told)[1:])), default=900)
        return {at: told.get(at, nothing) for at in sorted({*told, *range(int(start), int(end), length_s)})}

    def best(self, name, about, channel="cmep:KWH", **more):
        """Slots of a Day at layer BEST, in its order."""
        slots = self.slots(name, about.begin, about.end, layer=api.BEST, channel=channel, **more)
        return [slots[s] for s in about.starts]

    def registers(self, name, start=None, end=None, layer=api.VALIDATED, utility="u"):
        """[(instant, channel, Fraction, codes)]"""
        request = api.ListRegistersRequest(name=f"utilities/{utility}/meters/{name}", page_size=1000, layer=layer)
        if start is not None:
            request.start.CopyFrom(stamp(start))
        if end is not None:
            request.end.CopyFrom(stamp(end))
        return [(v.time.seconds, v.channel, Fraction(v.value), frozenset(v.quality.codes))
                for v in self.readings.ListRegisters(request, timeout=30).values]

    def findings(self, name=None, utility="u", **more):
        """Findings of a meter, or of all; `more` as in ListFindingsRequest."""
        request = collection.ListFindingsRequest(parent=f"utilities/{utility}", page_size=1000,
                                                 meter=f"utilities/{utility}/meters/{name}" if name else "", **more)
        out = []
        while True:
            page = self.findings_of.ListFindings(request, timeout=30)
            out += page.findings
            if not page.next_page_token:
                return out
            request.page_token = page.next_page_token

    def explain(self, name, day, utility="u", **more):
        if "/" not in name:
            name = f"utilities/{utility}/meters/{name}"
        return self.readings.Explain(explain.ExplainRequest(name=name, day=day, purpose="contract test", **more), timeout=30)

    def revalidate(self, meters, first_day, last_day="", utility="u"):
        return self.findings_of.Revalidate(collection.RevalidateRequest(
            parent=f"utilities/{utility}", meters=[f"utilities/{utility}/meters/{m}" for m in meters], first_day=first_day,
            last_day=last_day), timeout=30).queued

    def quarantined(self, file):
        return self.gateway.sql("select q.reason from quarantine q join source s using (source_id) "
                                f"where s.name = '{file}'").split()

    def changes(self, after=None):
        """Every change up to now, and the cursor behind them."""
        self.gateway.deliverable()
        out, cursor = [], after
        request = api.StreamChangesRequest(parent="utilities/u", purpose="contract test", until_caught_up=True, cursor=after or "")
        for message in self.readings.StreamChanges(request, timeout=60):
            if message.HasField("change"):
                out.append(message.change)
                cursor = message.change.cursor
            else:
                cursor = message.heartbeat.cursor
        return out, cursor

    def refusal(self, call, request):
        """What a refused call says: {code, reason, fields, nearest}."""
        try:
            answer = call(request, timeout=30)
            if hasattr(answer, "__iter__"):
                list(answer)
        except grpc.RpcError as error:
            return {**client.refusal(error), "text": error.details()}
        raise AssertionError(f"{type(request).__name__} was not refused")


@functools.cache
def the():
    if not (BUILD / "bin/ami-gatewayd").exists():
        raise unittest.SkipTest("ami-gatewayd is not built")
    return Site()
