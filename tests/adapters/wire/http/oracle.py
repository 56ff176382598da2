#!/usr/bin/env python3
"""Python's HTTP judges ours: http.client and ssl against the server, http.server against the client.
usage: oracle.py HTTP_ORACLE"""
import http.client
import http.server
import json
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import unittest

ORACLE = sys.argv.pop(1)
TRANSIENT, PERMANENT, IN_DOUBT = 1, 0, 2  # ami::Fault


class OurServer(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="ami-http-oracle-")
        cls.process = subprocess.Popen([ORACLE, "serve", cls.folder.name], stdin=subprocess.PIPE,
                                       stdout=subprocess.PIPE, text=True)
        cls.at = json.loads(cls.process.stdout.readline())

    @classmethod
    def tearDownClass(cls):
        cls.process.stdin.close()
        cls.process.wait(10)
        cls.process.stdout.close()
        cls.folder.cleanup()

    def plain(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.at["plain"], timeout=10)
        self.addCleanup(connection.close)
        return connection

    def tls(self, with_certificate=False, host="localhost"):
        context = ssl.create_default_context(cafile=self.at["ca"])
        if with_certificate:
            context.load_cert_chain(self.at["certificate"], self.at["key"])
        connection = http.client.HTTPSConnection(host, self.at["tls"], timeout=10, context=context)
        self.addCleanup(connection.close)
        return connection

    def test_many_requests_on_one_connection(self):
        connection = self.plain()
        for size in (0, 1, 511, 512, 513, 4096, 65_536, 1_000_000):
            connection.request("POST", "/echo", b"x" * size, {"Content-Type": "a/b"})
            answer = connection.getresponse()
            self.assertEqual((answer.status, answer.version, answer.getheader("Content-Type")), (200, 11, "a/b"))
            self.assertEqual(answer.read(), b"x" * size)
            self.assertIsNotNone(answer.getheader("Date"))
            self.assertFalse(answer.will_close)
        connection.request("GET", "/empty")
        answer = connection.getresponse()
        self.assertEqual((answer.status, answer.read()), (204, b""))

    def test_chunks(self):
        connection = self.plain()
        parts = [b"a", b"b" * 70_000, b"c" * 3]
        connection.request("POST", "/echo", iter(parts), encode_chunked=True,
                           headers={"Transfer-Encoding": "chunked"})
        self.assertEqual(connection.getresponse().read(), b"".join(parts))

    def test_refusal_of_a_large_body_can_be_read(self):
        for connection in (self.plain(), self.tls()):
            try:
                connection.request("POST", "/echo", b"x" * 3_000_000)
            except (BrokenPipeError, ConnectionResetError, ssl.SSLError):
                pass  # the answer came while we were writing
            self.assertEqual(connection.getresponse().status, 413)

    def test_unknown_paths_methods_and_codings(self):
        connection = self.plain()
        for method, path, headers, status in (("GET", "/nothing", {}, 404), ("PUT", "/echo", {}, 405),
                                              ("HEAD", "/empty", {}, 405),
                                              ("POST", "/echo", {"Content-Encoding": "gzip"}, 415)):
            connection.request(method, path, headers=headers)
            answer = connection.getresponse()
            answer.read()
            self.assertEqual(answer.status, status, path)

    def test_tls_and_client_certificate(self):
        connection = self.tls()
        connection.request("POST", "/echo", b"hello")
        answer = connection.getresponse()
        self.assertEqual((answer.read(), answer.getheader("X-Subject")), (b"hello", ""))
        self.assertIn(connection.sock.version(), ("TLSv1.2", "TLSv1.3"))
        connection = self.tls(with_certificate=True, host="127.0.0.1")
        connection.request("POST", "/echo", b"x" * 900_000)
        answer = connection.getresponse()
        self.assertEqual((len(answer.read()), answer.getheader("X-Subject")), (900_000, "CN=client"))

    def test_basic(self):
        connection = self.plain()
        connection.request("POST", "/echo", b"", {"Authorization": "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="})
        self.assertEqual(connection.getresponse().getheader("X-User"), "Aladdin")

    def test_http_1_0(self):
        with socket.create_connection(("127.0.0.1", self.at["plain"]), timeout=10) as raw:
            raw.sendall(b"POST /echo HTTP/1.0\r\nContent-Length: 2\r\n\r\nhi")
            text = b""
            while part := raw.recv(4096):
                text += part
        self.assertTrue(text.endswith(b"\r\n\r\nhi"))
        self.assertIn(b"\r\nConnection: close\r\n", text)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *unused):
        pass

    def answer(self):
        size = int(self.headers.get("Content-Length", 0))
        body = self.rfile.read(size)
        path = self.path
        if path == "/chunks":
            self.send_response(200)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            for part in (body[:1], body[1:]):
                self.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))
            self.wfile.write(b"0\r\n\r\n")
            return
        if path == "/cut":
            self.send_response(200)
            self.send_header("Content-Length", "100")
            self.end_headers()
            self.wfile.write(b"half")
            self.close_connection = True
            return
        status = {"/echo": 200, "/moved": 302, "/busy": 503, "/fault": 500, "/no": 404}[path]
        self.send_response(status)
        if status == 503:
            self.send_header("Retry-After", "1")
        if status == 302:
            self.send_header("Location", "http://127.0.0.1:1/")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_GET = do_POST = do_HEAD = do_PUT = answer


class OurClient(unittest.TestCase):
    def talk(self, tls, lines):
        """One JSON object for each (method, path, bytes)."""
        with tempfile.TemporaryDirectory(prefix="ami-http-oracle-") as folder:
            server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
            server.daemon_threads = True
            server.handle_error = lambda *unused: None  # a client that hangs up on a too large answer
            ca = "-"
            if tls:
                made = subprocess.Popen([ORACLE, "serve", folder], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True)
                files = json.loads(made.stdout.readline())
                made.communicate()
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                context.load_cert_chain(folder + "/server.pem", folder + "/server.key")
                server.socket = context.wrap_socket(server.socket, server_side=True)
                ca = files["ca"]
            thread = threading.Thread(target=server.serve_forever, daemon=True)
            thread.start()
            try:
                url = f"{'https' if tls else 'http'}://127.0.0.1:{server.server_port}/"
                asked = "".join(f"{method} {path} {size}\n" for method, path, size in lines)
                done = subprocess.run([ORACLE, "call", url, ca], input=asked, capture_output=True, text=True,
                                      timeout=60, check=True)
                return [json.loads(line) for line in done.stdout.splitlines()]
            finally:
                server.shutdown()
                server.server_close()

    def check_all(self, tls):
        cases = [
            (("POST", "/echo", 5), {"status": 200, "bytes": 5, "failure": ""}),
            (("POST", "/echo", 900_000), {"status": 200, "bytes": 900_000, "failure": ""}),
            (("GET", "/echo", 0), {"status": 200, "bytes": 0, "failure": ""}),
            (("HEAD", "/echo", 0), {"status": 200, "bytes": 0, "failure": ""}),
            (("POST", "/chunks", 70_000), {"status": 200, "bytes": 70_000, "failure": ""}),
            (("POST", "/moved", 1), {"status": 302, "failure": "redirected", "fault": PERMANENT}),
            (("POST", "/busy", 1), {"status": 503, "failure": "busy", "fault": TRANSIENT}),
            (("POST", "/fault", 7), {"status": 500, "bytes": 7, "failure": "server_error", "fault": IN_DOUBT}),
            (("POST", "/no", 1), {"status": 404, "failure": "refused", "fault": PERMANENT}),
            (("POST", "/cut", 1), {"status": 0, "failure": "cut", "fault": IN_DOUBT}),
            (("POST", "/echo", 2_000_000), {"status": 0, "failure": "too_large", "fault": IN_DOUBT}),
            (("PUT", "/echo", 5), {"status": 200, "bytes": 5, "failure": ""}),
        ]
        answers = self.talk(tls, [case for case, _ in cases])
        self.assertEqual(len(answers), len(cases))
        for (case, expected), answer in zip(cases, answers):
            for key, value in expected.items():
                self.assertEqual(answer[key], value, f"{case}: {answer}")

    def test_plain(self):
        self.check_all(False)

    def test_tls(self):
        self.check_all(True)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
