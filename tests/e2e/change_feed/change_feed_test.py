#!/usr/bin/env python3
"""A back office in Python that keeps its own copy of the intervals by the change feed of a running gateway: files are
dropped and corrected, it acknowledges, is cut off, the gateway restarts, and its copy ends up equal."""
import decimal
import json
import os
import pathlib
import signal
import sys
import unittest
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path[:0] = [str(ROOT / "tests/support"), str(ROOT / "tests/e2e/python_client")]
import client  # noqa: E402  makes the stubs
import grpc  # noqa: E402
from ami.v1 import reading_service_pb2 as api, reading_service_pb2_grpc  # noqa: E402
from gateway import Gateway  # noqa: E402

CONFIG = """
utilities:
  - {{key: u, zone: America/Toronto}}
data_dir: {config}
state_dir: {folder}
database: {{conninfo: "{conninfo}", allow_owner: true, migrate_on_start: true, check_every: 200ms}}
rpc: {{unix_socket: {folder}/rpc.sock, changes: {{poll: 20ms, heartbeat: 100ms}}}}
http: {{address: "127.0.0.1:0", port_file: {folder}/http.port}}
adapters: [{folder}/flexnet.yaml]
"""
FEED = "{{name: flexnet, utility: u, family: flexnet, folder: {inbox}, zone: America/Toronto, settle: 200ms, rescan: 500ms}}\n"
METER = "utilities/u/meters/M1"


def quarter_hours(created, *kwh, first_end="202601150015"):
    """A CMEP record of consecutive quarter hours; the first one ends at 00:15 in Toronto, which is 05:15Z."""
    triplets = ",".join(f"{first_end if i == 0 else ''},R,{value}" for i, value in enumerate(kwh))
    return f"MEPMD01,19970819,S,C,R,C,{created},M1,OK,E,KWH,1.0,00000015,{len(kwh)},{triplets}\r\n".encode()


class Copy:
    """What a back office does with each change. Applying one twice changes nothing."""

    def __init__(self):
        self.values = {}  # (meter, channel, second of start) -> value in Wh
        self.seen = []    # (change id, kinds, start, value, old)

    def apply(self, change):
        for run in change.intervals:
            for i, mantissa in enumerate(run.now.mantissas):
                start = run.first_start.seconds + i * run.length_s
                value = self.value(run.now, i, mantissa)
                old = self.value(run.old, i, run.old.mantissas[i]) if run.HasField("old") else None
                key = (change.meter, change.channel, start)
                if value is None:
                    self.values.pop(key, None)
                else:
                    self.values[key] = value
                self.seen.append((change.change_id, [api.Change.Kind.Name(k) for k in run.kinds], start, value, old))

    @staticmethod
    def value(values, i, mantissa):
        if values.missing and values.missing[i // 8] >> (i % 8) & 1:
            return None
        return decimal.Decimal(mantissa).scaleb(values.exponent)


class ChangeFeed(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.gateway = Gateway(pathlib.Path(os.environ["AMI_BIN_DIR"]).parent)
        cls.addClassCleanup(cls.gateway.close)
        folder = cls.gateway.folder
        (folder / "flexnet.yaml").write_text(FEED.format(inbox=cls.gateway.inbox))
        cls.config = CONFIG.format(folder=folder, conninfo=cls.gateway.conninfo, config=ROOT / "config")
        cls.gateway.start(cls.config)
        (folder / "meters.csv").write_text("meter,usage_point\nM1,UP1\n")
        cls.gateway.amictl("--utility", "u", "meters", "import", str(folder / "meters.csv"))
        cls.channel = client.connect(f"unix:{folder}/rpc.sock")
        cls.addClassCleanup(cls.channel.close)
        cls.stub = reading_service_pb2_grpc.ReadingServiceStub(cls.channel)

    def drop(self, name, content):
        part = self.gateway.inbox / f".{name}.part"
        part.write_bytes(content)
        part.rename(self.gateway.inbox / name)

    def subscribe(self):
        return self.stub.StreamChanges(api.StreamChangesRequest(parent="utilities/u", subscriber="billing", purpose="billing"),
                                       timeout=60, wait_for_ready=True)

    def ack(self, cursor):
        self.stub.AckCursor(api.AckCursorRequest(parent="utilities/u", subscriber="billing", cursor=cursor), timeout=30)

    def next_change(self, stream):
        return next(message.change for message in stream if message.HasField("change"))

    def until_quiet(self, stream, copy):
        """Applies what waits; returns the cursor of the heartbeat behind it."""
        for message in stream:
            if message.HasField("heartbeat"):
                return message.heartbeat.cursor
            copy.apply(message.change)
        raise AssertionError("the stream ended")

    def test_a_copy_is_kept_through_correction_reconnection_and_restart(self):
        copy = Copy()
        stream = self.subscribe()
        self.drop("first.cmep", quarter_hours("202601160000", "0.100", "0.200", "0.300"))
        change = self.next_change(stream)
        copy.apply(change)
        self.assertEqual(change.meter, METER)
        self.assertEqual(change.intervals[0].usage_point, "utilities/u/usagePoints/UP1")
        start = 1768453200  # 2026-01-15T05:00:00Z
        self.assertEqual([(kinds, when, value, old) for _, kinds, when, value, old in copy.seen],
                         [(["NEW"], start, 100, None), (["NEW"], start + 900, 200, None), (["NEW"], start + 1800, 300, None)])
        self.ack(change.cursor)

        self.drop("second.cmep", quarter_hours("202601170000", "0.100", "0.222", "0.300"))
        corrected = self.next_change(stream)
        copy.seen.clear()
        copy.apply(corrected)
        self.assertEqual([(kinds, when, value, old) for _, kinds, when, value, old in copy.seen],
                         [(["SUPERSEDED"], start, 100, None), (["CORRECTED"], start + 900, 222, 200), (["SUPERSEDED"], start + 1800, 300, None)])

        # Cut off before the correction was acknowledged; more arrives meanwhile.
        stream.cancel()
        self.drop("third.cmep", quarter_hours("202601170000", "0.400", first_end="202601150100"))
        self.gateway.wait(lambda: self.gateway.sql("select count(*) from change") == "3", 60, "the third file")
        self.gateway.deliverable()
        stream = self.subscribe()
        copy.seen.clear()
        cursor = self.until_quiet(stream, copy)
        self.assertEqual([seen[0] for seen in copy.seen if "CORRECTED" in seen[1]], [corrected.change_id], "sent once more, under its own number")
        self.assertEqual(copy.seen[-1][1:], (["NEW"], start + 2700, 400, None))
        self.ack(cursor)

        # The gateway restarts; the stream ends with word of it, and its successor misses nothing.
        self.gateway.daemon.send_signal(signal.SIGTERM)
        with self.assertRaises(grpc.RpcError) as ended:
            for message in stream:
                self.assertTrue(message.HasField("heartbeat"))
        self.assertEqual(client.refusal(ended.exception)["reason"], "GATEWAY_STOPPING")
        self.assertGreater(client.refusal(ended.exception)["retry_s"], 0)
        self.gateway.daemon.wait(60)
        (self.gateway.folder / "http.port").unlink()
        self.drop("fourth.cmep", quarter_hours("202601180000", "0.401", first_end="202601150100"))
        self.gateway.start(self.config)
        self.gateway.wait(lambda: self.gateway.sql("select count(*) from change") == "4", 60, "the fourth file")
        self.gateway.deliverable()
        stream = self.subscribe()
        copy.seen.clear()
        cursor = self.until_quiet(stream, copy)
        self.assertEqual([seen[1:] for seen in copy.seen], [(["CORRECTED"], start + 2700, 401, 400)], "nothing that was acknowledged, nothing less")
        self.ack(cursor)
        stream.cancel()

        # The copy is what the gateway answers, and what it counts.
        self.assertEqual(sorted(copy.values.items()),
                         [((METER, "cmep:KWH", start + 900 * i), value) for i, value in enumerate((100, 222, 300, 401))])
        counted = json.loads(self.gateway.amictl("--utility", "u", "--output", "json", "reconcile", "--day", "2026-01-15"))
        self.assertEqual(int(counted["interval_values"]), len(copy.values))
        self.assertEqual(decimal.Decimal(counted["interval_sum"]).scaleb(counted.get("interval_exponent", 0)), sum(copy.values.values()))

        # The operator's view.
        listed = json.loads(self.gateway.amictl("--utility", "u", "--output", "json", "changes"))
        self.assertEqual([(s["name"], s.get("waiting", "0")) for s in listed["subscribers"]], [("billing", "0")])
        self.assertEqual(listed["subscribers"][0]["cursor"], cursor)
        port = (self.gateway.folder / "http.port").read_text().strip()
        gauge = 'ami_change_subscriber_lag_seconds{subscriber="billing",utility="u"} 0'
        self.gateway.wait(lambda: gauge in urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5).read().decode(), 30, gauge)
        self.gateway.deliverable()
        printed = self.gateway.amictl("--utility", "u", "changes", "--once", "--ack", "clerk", "--kind", "CORRECTED")
        self.assertEqual([line.split(" ", 1)[1] for line in printed.splitlines()],
                         ["M1 cmep:KWH CORRECTED 2026-01-15T05:15:00Z 222 Wh (was 200)",
                          "M1 cmep:KWH CORRECTED 2026-01-15T05:45:00Z 401 Wh (was 400)"])
        self.assertEqual(self.gateway.amictl("--utility", "u", "changes", "--once", "--ack", "clerk"), "")
        self.gateway.amictl("--utility", "u", "changes", "--rewind", "clerk", "--cursor", listed["oldest_cursor"])
        self.assertEqual(len(self.gateway.amictl("--utility", "u", "--output", "json", "changes", "--once", "--ack", "clerk").splitlines()), 4)
        self.gateway.amictl("--utility", "u", "changes", "--forget", "clerk")
        self.assertIn("billing", self.gateway.amictl("--utility", "u", "changes"))
        self.assertNotIn("clerk", self.gateway.amictl("--utility", "u", "changes"))


if __name__ == "__main__":
    unittest.main(verbosity=2)
