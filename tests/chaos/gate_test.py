#!/usr/bin/env python3
"""The gate itself, between a client and a server made of sockets: it passes bytes as they are and acts at the right message."""
import pathlib
import shutil
import socket
import struct
import tempfile
import unittest

from pg_gate import START, Frames, Gate

HELLO = struct.pack("!II", 8 + 9, 196608) + b"user\0ami\0"
SSL = struct.pack("!II", 8, 80877103)


def message(kind, body):
    return kind.encode() + struct.pack("!I", len(body) + 4) + body


READY = message("Z", b"I")


class FramesOfAStream(unittest.TestCase):
    def test_are_the_same_however_the_bytes_come(self):
        stream = SSL + HELLO + message("Q", b"BEGIN\0") + message("d", b"x" * 1000) + message("c", b"") + message("Q", b"COMMIT\0")
        for piece in (1, 2, 3, 7, 64, 100_000):
            frames, seen = Frames(startup=True), []
            for at in range(0, len(stream), piece):
                seen += frames.feed(stream[at:at + piece])
            self.assertEqual([kind for kind, _ in seen], [START, START, "Q", "d", "c", "Q"], piece)
            self.assertEqual(b"".join(whole for _, whole in seen), stream)


class BetweenSockets(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.folder)
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(f"{self.folder}/.s.PGSQL.5432")
        self.listener.listen()
        self.addCleanup(self.listener.close)
        self.gate = Gate(self.folder)
        self.addCleanup(self.gate.close)

    def pair(self):
        client = socket.create_connection(("127.0.0.1", self.gate.port), timeout=20)
        server, _ = self.listener.accept()
        server.settimeout(20)
        for end in (client, server):
            self.addCleanup(end.close)
        return client, server

    def read(self, end, size):
        out = b""
        while len(out) < size and (more := end.recv(size - len(out))):
            out += more
        return out

    def transaction(self, client, server):
        sent = HELLO + message("Q", b"BEGIN\0") + message("Q", b"COPY t FROM STDIN\0")
        client.sendall(sent)
        self.assertEqual(self.read(server, len(sent)), sent)

    def test_an_ssl_refusal_of_one_byte_passes(self):
        client, server = self.pair()
        client.sendall(SSL)
        self.assertEqual(self.read(server, len(SSL)), SSL)
        server.sendall(b"N")
        self.assertEqual(client.recv(1), b"N")
        self.transaction(client, server)

    def test_a_commit_without_rows_springs_no_trap(self):
        client, server = self.pair()
        trap = self.gate.trap("lose")
        sent = HELLO + message("Q", b"BEGIN\0") + message("Q", b"COMMIT\0")
        client.sendall(sent)
        self.assertEqual(self.read(server, len(sent)), sent)
        self.assertFalse(trap.sprung.is_set())

    def test_a_lost_commit_does_not_arrive_and_both_ends_are_hung_up_on(self):
        client, server = self.pair()
        self.transaction(client, server)
        trap = self.gate.trap("lose")
        client.sendall(message("Q", b"COMMIT\0"))
        self.assertTrue(trap.sprung.wait(20))
        self.assertEqual(self.ended(server), b"")
        self.assertEqual(self.ended(client), b"")

    def test_a_commit_whose_answer_is_lost_arrives_and_is_answered_to_nobody(self):
        client, server = self.pair()
        self.transaction(client, server)
        self.gate.trap("commit_lose_answer")
        commit = message("Q", b"COMMIT\0")
        client.sendall(commit)
        self.assertEqual(self.read(server, len(commit)), commit)
        server.sendall(message("C", b"COMMIT\0") + READY)
        self.assertEqual(self.ended(client), b"")

    def test_a_stall_holds_bytes_and_gives_them_back_in_order(self):
        client, server = self.pair()
        self.transaction(client, server)
        self.gate.stall()
        sent = b"".join(message("Q", b"SELECT %d\0" % n) for n in range(50))
        client.sendall(sent)
        server.settimeout(0.05)
        self.assertRaises(TimeoutError, server.recv, 1)
        server.settimeout(20)
        self.gate.resume()
        self.assertEqual(self.read(server, len(sent)), sent)

    def test_a_reset_is_one_and_a_refusal_is_one_and_both_pass(self):
        client, server = self.pair()
        self.transaction(client, server)
        self.gate.cut(reset=True)
        self.assertRaises(ConnectionResetError, client.recv, 1)
        self.gate.refuse()
        self.assertRaises(ConnectionRefusedError, socket.create_connection, ("127.0.0.1", self.gate.port))
        self.gate.accept()
        self.transaction(*self.pair())

    def test_half_closed_the_way_back_is_open(self):
        client, server = self.pair()
        self.transaction(client, server)
        self.gate.half_close()
        self.assertEqual(server.recv(1), b"")
        server.sendall(READY)
        self.assertEqual(self.read(client, len(READY)), READY)

    @staticmethod
    def ended(end):
        """What still comes before the end, however it ends."""
        out = b""
        try:
            while more := end.recv(4096):
                out += more
        except ConnectionResetError:
            pass
        return out


if __name__ == "__main__":
    unittest.main(verbosity=2)
