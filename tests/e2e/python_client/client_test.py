#!/usr/bin/env python3
"""The plain Python client against our server: by client certificate and by Unix socket, values compared as decimals."""
import json
import os
import subprocess
import sys
import unittest
from decimal import Decimal

import client
import grpc

M1 = "utilities/maui/meters/m1"
CLIENT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "client.py")

# What tests/daemon/rpc/store_data.h says was stored.
REGISTERS = [
    ("ssn:reg:1", "2013-04-08T00:00:00Z", Decimal("12345.678"), "Wh"),
    ("ssn:reg:1", "2013-04-09T00:00:00Z", Decimal("12400"), "Wh"),
    ("ssn:v", "2013-04-08T00:00:00Z", Decimal("240.5"), "V"),
]
INTERVALS = {
    ("ssn:lp:1", "2013-04-07T23:00:00Z"): Decimal("18.15"),
    ("ssn:lp:1", "2013-04-07T23:15:00Z"): None,
    ("ssn:lp:1", "2013-04-07T23:30:00Z"): Decimal(0),
    ("ssn:lp:1", "2013-04-07T23:45:00Z"): Decimal("4.2"),
    ("ssn:lp:1", "2013-04-08T00:00:00Z"): Decimal(5),
    ("ssn:lp:1", "2013-04-08T00:15:00Z"): Decimal(6),
    ("ssn:lp:1", "2013-04-08T00:30:00Z"): Decimal(7),
    ("ssn:lp:1", "2013-04-08T00:45:00Z"): Decimal("9007199254740993"),
    ("ssn:lp:2", "2013-04-08T00:00:00Z"): Decimal(-1),
    ("ssn:lp:2", "2013-04-08T00:15:00Z"): Decimal(2),
}


class PythonClient(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = subprocess.Popen([os.environ["AMI_RPC_TEST_SERVER"]], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        cls.addClassCleanup(cls.stop)
        cls.facts = json.loads(cls.server.stdout.readline())

    @classmethod
    def stop(cls):
        cls.server.stdin.close()
        cls.server.wait(60)
        cls.server.stdout.close()

    def by_socket(self):
        return client.connect(self.facts["socket"])

    def by_certificate(self, role="reader"):
        return client.connect(self.facts["address"], self.facts["ca"], self.facts[role + "_cert"],
                              self.facts[role + "_key"])

    def ways(self):
        for way in (self.by_socket, self.by_certificate):
            with self.subTest(way.__name__), way() as channel:
                yield channel

    def test_registers_equal_what_was_stored_whatever_the_page_size(self):
        for channel in self.ways():
            for page_size in (1, 1000):
                values = client.registers(channel, M1, page_size=page_size)
                self.assertEqual([(v["channel"], v["time"], Decimal(v["value"]), v["unit"]) for v in values], REGISTERS)

    def test_latest_is_the_newest_and_keeps_its_quality(self):
        for channel in self.ways():
            values = client.latest(channel, [M1, "utilities/maui/meters/dry"])
            energy = next(v for v in values[M1] if v["channel"] == "ssn:reg:1")
            self.assertEqual(Decimal(energy["value"]), Decimal("12400"))
            self.assertEqual(energy["quantity"], "ENERGY_DELIVERED")
            self.assertEqual(energy["quality"], {"codes": ["2.5.258"], "green_button": 10, "vendor_flag": "R0"})
            self.assertEqual(energy["origin"], "ORIGIN_SOURCE_REGISTER")
            self.assertEqual(values["utilities/maui/meters/dry"], [])

    def test_intervals_of_both_channels_equal_what_was_stored(self):
        for channel in self.ways():
            slots = list(client.intervals(channel, M1, "2013-04-07T23:00:00Z", "2013-04-08T01:00:00Z", "test"))
            got = {(s["channel"], s["start"]): None if s["value"] is None else Decimal(s["value"]) for s in slots}
            values = {key: value for key, value in got.items() if value is not None or key in INTERVALS}
            self.assertEqual(values, INTERVALS)
            self.assertEqual({s["unit"] for s in slots}, {"Wh"})
            self.assertEqual({s["usage_point"] for s in slots}, {"utilities/maui/usagePoints/up1"})

    def test_command_line_prints_the_same_as_json(self):
        out = subprocess.run([sys.executable, CLIENT, "--address", self.facts["socket"], "registers", M1], check=True,
                             stdout=subprocess.PIPE, text=True).stdout
        self.assertEqual([Decimal(v["value"]) for v in json.loads(out)], [value for _, _, value, _ in REGISTERS])

    def test_refusals_reach_a_program(self):
        with self.by_certificate() as channel:
            with self.assertRaises(grpc.RpcError) as raised:
                list(client.registers(channel, "utilities/maui/meters/m2"))
            self.assertEqual(client.refusal(raised.exception)["reason"], "METER_NOT_FOUND")
            self.assertEqual(client.refusal(raised.exception)["nearest"], M1)
            with self.assertRaises(grpc.RpcError) as raised:
                list(client.intervals(channel, M1, "2013-04-07T23:00:00Z", "2013-04-08T01:00:00Z", ""))
            self.assertEqual(client.refusal(raised.exception),
                             {"code": "INVALID_ARGUMENT", "reason": "PURPOSE_REQUIRED", "fields": ["purpose"], "nearest": "", "retry_s": 0})

    def test_certificate_of_the_asset_role_reads_no_readings(self):
        with self.by_certificate("asset") as channel, self.assertRaises(grpc.RpcError) as raised:
            client.latest(channel, [M1])
        self.assertEqual(client.refusal(raised.exception)["code"], "PERMISSION_DENIED")
        self.assertEqual(client.refusal(raised.exception)["reason"], "ROLE_NOT_GRANTED")

    def test_without_a_certificate_nothing_is_said(self):
        with client.connect(self.facts["address"], self.facts["ca"]) as channel, self.assertRaises(grpc.RpcError) as raised:
            client.latest(channel, [M1])
        self.assertEqual(raised.exception.code(), grpc.StatusCode.UNAVAILABLE)


if __name__ == "__main__":
    unittest.main(verbosity=2)
