#!/usr/bin/env python3
"""The plain Python client asks meters through a whole gateway: a daemon, its database, and a far side that answers over TCP."""
import json
import os
import pathlib
import signal
import subprocess
import sys
import threading
import unittest
from decimal import Decimal

import client
import grpc

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "support"))
from far_side import FarSide, result, stamp  # noqa: E402
from gateway import ROOT, Gateway  # noqa: E402

CONFIG = """
utilities:
  - {{key: u, zone: America/Toronto}}
data_dir: {config}
state_dir: {folder}
database: {{conninfo: "{conninfo}", allow_owner: true, migrate_on_start: true, check_every: 200ms}}
rpc: {{unix_socket: {folder}/rpc.sock}}
http: {{address: "127.0.0.1:0", port_file: {folder}/http.port}}
adapters: [{folder}/radio.yaml]
"""
CLIENT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "client.py")


def meter(number):
    return f"utilities/u/meters/M{number}"


class Commands(unittest.TestCase):
    def setUp(self):
        self.gateway = Gateway(os.environ["AMI_BUILD_DIR"])
        self.addCleanup(self.gateway.close)
        folder = self.gateway.folder
        (folder / "radio.yaml").write_text(f"{{name: radio, utility: u, family: line_command, port_file: {folder}/radio.port}}\n")
        self.start()
        (folder / "meters.csv").write_text("meter,valid_from\nM1,2020-01-01\nM2,2020-01-01\nM3,2020-01-01\n")
        self.gateway.amictl("--utility", "u", "meters", "import", str(folder / "meters.csv"))
        for number in (1, 2, 3):  # a first reading of each says which feed reaches it
            self.far.say(f"M{number}", f"M{number} 1 {stamp(minutes_ago=600)}")
        self.gateway.wait(lambda: self.gateway.sql("select count(*) from register_read") == "3", 60, "the first readings")
        self.channel = client.connect(f"unix:{folder}/rpc.sock")
        self.addCleanup(self.channel.close)

    def start(self):
        folder = self.gateway.folder
        self.gateway.start(CONFIG.format(folder=folder, conninfo=self.gateway.conninfo, config=ROOT / "config"),
                           program="tests/pushed-gatewayd")
        self.far = FarSide(folder / "radio.port")
        self.addCleanup(self.far.close)

    def test_read_comes_back_with_its_value_and_the_same_again_is_the_same(self):
        time = stamp()

        def answer(kind, transaction, badge):
            self.assertEqual((kind, badge), ("read", "M1"))
            return [f"{badge} 12.345 {time}", result(transaction, badge, "done")]
        self.far.answer = answer
        operation = client.read_now(self.channel, meter(1), "mdm-1", "move-out", order_id="WO-1")
        self.assertTrue(operation["done"])
        value = operation["targets"][0]["readings"][0]
        self.assertEqual((Decimal(value["value"]), value["unit"], value["time"]), (Decimal(12345), "Wh", time))
        self.assertEqual(value["type_approval"], "TYPE_APPROVAL_NO_REGIME")
        again = client.read_now(self.channel, meter(1), "mdm-1", "move-out", order_id="WO-1")
        self.assertEqual((again["name"], again["repeated"], self.far.count), (operation["name"], True, 1))
        out = subprocess.run([sys.executable, CLIENT, "--address", f"unix:{self.gateway.folder}/rpc.sock", "read-now", meter(1), "mdm-9",
                              "move-out"], check=True, stdout=subprocess.PIPE, text=True).stdout
        self.assertTrue(json.loads(out)["done"])

    def test_ping_watch_and_refusals(self):
        words = {"M1": "powered", "M2": "silent", "M3": "failed"}
        self.far.answer = lambda kind, transaction, badge: [result(transaction, badge, words[badge])]
        self.assertEqual(client.ping(self.channel, [meter(1), meter(2), meter(3)], "oms-1", "outage 17"),
                         {meter(1): "POWERED", meter(2): "NO_ANSWER", meter(3): "UNKNOWN"})
        self.far.answer = None
        operation = client.read_now(self.channel, meter(2), "mdm-2", "move-out", wait=0)
        self.assertNotIn("done", operation)
        _, transaction, badge = self.far.next_ask()
        seen = []
        for message in client.watch(self.channel, operation["name"]):
            seen.append(message["targets"][0]["state"])
            if len(seen) == 1:
                self.far.say(badge, result(transaction, badge, "done"))
        self.assertEqual((seen[0], seen[-1]), ("SENT", "SUCCEEDED"))
        with self.assertRaises(grpc.RpcError) as raised:
            client.read_now(self.channel, "utilities/u/meters/M4", "mdm-3", "move-out")
        refusal = client.refusal(raised.exception)
        self.assertEqual((refusal["code"], refusal["reason"]), ("NOT_FOUND", "METER_NOT_FOUND"))
        self.assertIn(refusal["nearest"], [meter(1), meter(2), meter(3)])
        with self.assertRaises(grpc.RpcError) as raised:
            client.read_now(self.channel, meter(1), "mdm-2", "move-out")
        self.assertEqual(client.refusal(raised.exception)["reason"], "REQUEST_ID_REUSED")

    def test_gateway_killed_in_the_middle_takes_the_answer_and_asks_nothing_twice(self):
        waiting = {}
        thread = threading.Thread(target=lambda: waiting.update(self.refused(meter(3), "mdm-5")))
        thread.start()
        _, transaction, badge = self.far.next_ask()
        self.gateway.daemon.send_signal(signal.SIGKILL)
        self.gateway.daemon.wait(60)
        thread.join(60)
        self.assertEqual(waiting["code"], "UNAVAILABLE")
        (self.gateway.folder / "radio.port").unlink()
        (self.gateway.folder / "http.port").unlink()
        self.start()
        self.far.say(badge, f"{badge} 77 {stamp()}", result(transaction, badge, "done"))
        operation = client.read_now(self.channel, meter(3), "mdm-5", "move-out")
        self.assertEqual((operation["done"], operation["repeated"], operation["targets"][0]["state"]), (True, True, "SUCCEEDED"))
        self.assertEqual(operation["targets"][0]["readings"][0]["value"], "77000")
        self.assertEqual(self.far.count, 0, "the new far side was asked nothing")

    def refused(self, name, request_id):
        try:
            return client.read_now(self.channel, name, request_id, "move-out")
        except grpc.RpcError as error:
            return client.refusal(error)


if __name__ == "__main__":
    unittest.main(verbosity=2)
