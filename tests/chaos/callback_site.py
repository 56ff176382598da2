"""A gateway that a MultiSpeak head-end calls back, and that head-end's end of the wire, written apart from the gateway."""
import contextlib
import datetime
import http.client
import http.server
import pathlib
import re
import subprocess
import tempfile
import threading

from harness import BUILD, ROOT, Daemon

UTC = datetime.timezone.utc
DAY = datetime.datetime(2026, 1, 15, tzinfo=UTC)
METERS = [f"K{n:04d}" for n in range(500)]
NS = "http://www.multispeak.org/Version_3.0"
JOURNAL_EMPTY = 'ami_journal_messages{feed="calls"} 0\n'

CONFIG = """
utilities:
  - {{key: u, zone: America/Toronto}}
data_dir: {root}/config
state_dir: {folder}
database:
  conninfo: "{conninfo}"
  migrator_conninfo: "{migrator}"
  migrate_on_start: true
  check_every: 200ms
  retry_first: 50ms
  retry_longest: 400ms
journal: {{max_messages: {max_messages}}}
rpc: {{unix_socket: {folder}/rpc.sock}}
http: {{address: "127.0.0.1:0", port_file: {folder}/http.port}}
adapters: [{folder}/calls.yaml]
"""
FEED = """
name: calls
utility: u
family: gridstream
interface: multispeak
zone: UTC
callback: {listen: ["127.0.0.1:0"], header_user: hes, header_password_file: password}
"""
ASKS = """
mr: {{url: "http://127.0.0.1:{port}/MR_Server"}}
response_url: http://127.0.0.1/multispeak
expiry: 1s
grace: 0s
"""


def stamp(at):
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def envelope(content, time="2026-01-15T00:00:00Z"):
    return (f'<?xml version="1.0" encoding="utf-8"?><soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Header>'
            f'<MultiSpeakMsgHeader xmlns="{NS}" Version="3.0" UserID="hes" Pwd="made-up" TimeStamp="{time}"/></soap:Header><soap:Body>'
            f'{content}</soap:Body></soap:Envelope>').encode()


def transaction(name):
    return f"<transactionID>{name}</transactionID>" if name else ""


def reading(number, name=""):
    """Message `number`: a dial of so many kWh of one meter, at so many seconds past midnight."""
    meter = METERS[number % len(METERS)]
    at = stamp(DAY + datetime.timedelta(seconds=number))
    return envelope(f'<ReadingChangedNotification xmlns="{NS}"><changedMeterReads><meterRead><meterNo>{meter}</meterNo><readingDate>{at}'
                    f'</readingDate><posKWh>{number}</posKWh></meterRead></changedMeterReads>{transaction(name)}</ReadingChangedNotification>')


def outage(number, name=""):
    meter = METERS[number % len(METERS)]
    at = stamp(DAY + datetime.timedelta(seconds=number))
    return envelope(f'<ODEventNotification xmlns="{NS}"><ODEvents><outageDetectionEvent><eventTime>{at}</eventTime><outageEventType>Outage'
                    f'</outageEventType><outageLocation><meterNo>{meter}</meterNo></outageLocation></outageDetectionEvent></ODEvents>'
                    f'{transaction(name)}</ODEventNotification>')


class HeadEnd:
    """One kept connection."""

    def __init__(self, port):
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)

    def post(self, body):
        """Status and Retry-After; (0, None) when the connection ends without an answer."""
        try:
            self.connection.request("POST", "/multispeak", body, {"Content-Type": "text/xml; charset=utf-8"})
            answer = self.connection.getresponse()
            answer.read()
            return answer.status, answer.getheader("Retry-After")
        except (OSError, http.client.HTTPException):
            self.connection.close()
            return 0, None

    def close(self):
        self.connection.close()


class AskedHeadEnd:
    """Takes whatever it is asked for, and never says what became of it."""

    def __init__(self):
        asked = self.asked = []  # transactions

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                operation = re.search(r"Body>\s*<(?:\w+:)?(\w+)", body).group(1)
                if operation.startswith("Initiate"):
                    asked.append(re.search(r"transactionID>([^<]+)<", body).group(1))
                answer = envelope(f'<{operation}Response xmlns="{NS}"><{operation}Result/></{operation}Response>')
                self.send_response(200)
                self.send_header("Content-Type", "text/xml; charset=utf-8")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_):
                pass
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()

    def close(self):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


def post_once(port, body):
    """On a connection of its own."""
    with contextlib.closing(HeadEnd(port)) as head_end:
        return head_end.post(body)


def post_all(port, bodies, senders=8, on_answer=lambda number: None):
    """{number: body}; side by side, each sender waits for its answer. Gives the numbers that were answered with 200; a sender ends at the
    first connection that ends."""
    taken, lock, rest = set(), threading.Lock(), iter(list(bodies.items()))

    def work():
        with contextlib.closing(HeadEnd(port)) as head_end:
            while True:
                with lock:
                    number, body = next(rest, (None, None))
                if body is None:
                    return
                status, _ = head_end.post(body)
                if status == 0:
                    return
                if status == 200:
                    on_answer(number)
                    with lock:
                        taken.add(number)
    threads = [threading.Thread(target=work) for _ in range(senders)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return taken


class Site(Daemon):
    def __init__(self, cluster, database="ami", max_messages=1_000_000, head_end=None):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="ami-callbacks."))
        self.process = None
        self.logs = 0
        self.files = []
        self.cluster, self.database = cluster, database
        (self.folder / "password").write_text("made-up\n")
        (self.folder / "password").chmod(0o400)
        (self.folder / "gateway.yaml").write_text(CONFIG.format(
            root=ROOT, folder=self.folder, conninfo=cluster.conninfo(database, "gateway"), migrator=cluster.conninfo(database),
            max_messages=max_messages))
        (self.folder / "calls.yaml").write_text(FEED + (ASKS.format(port=head_end.port) if head_end else ""))

    def import_meters(self, meters):
        """By the names that the head-end has for them, so that it is known who is to be asked about a meter."""
        table = self.folder / "meters.csv"
        table.write_text("meter,usage_point,alias_feed\n" + "".join(f"{m},UP-{m},calls\n" for m in meters))
        self.amictl("--utility", "u", "meters", "import", table)

    def listening(self):
        return re.search(r"id=MULTISPEAK_CALLBACKS_OPEN\b.*?ports=(\d+)", self.log())

    def port(self):
        """Of the run that is under way; the system chose it."""
        self.wait(self.listening, 60, "the callback server")
        return int(self.listening().group(1))

    def read_now(self, meter):
        """Asks the meter and waits for the end of it: amictl's exit code."""
        return subprocess.run([BUILD / "bin/amictl", "--address", f"unix:{self.folder}/rpc.sock", "--utility", "u", "read-now", meter, "--wait",
                               "60s"], check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode

    def drained(self):
        return JOURNAL_EMPTY in self.get("/metrics")[1]

    def wait_drained(self, seconds=120):
        self.wait(self.drained, seconds, "the journal to be empty")

    def resident_mb(self):
        text = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return {name: int(re.search(rf"{key}:\s+(\d+)", text).group(1)) // 1024 for name, key in (("now", "VmRSS"), ("peak", "VmHWM"))}

    def sql(self, query):
        return self.cluster.sql(query, self.database)

    def stored(self, table="register_read"):
        """Seconds past midnight of each row; a reading must say the same number of kWh, of that number's meter."""
        value = "(mantissa * 10::numeric ^ exponent / 1000)::bigint" if table == "register_read" else "extract(epoch FROM at - '2026-01-15T00:00Z')::bigint"
        rows = self.sql(f"SELECT extract(epoch FROM at - '2026-01-15T00:00Z')::bigint, {value}, (SELECT min(value) FROM device_alias a WHERE "
                        f"a.meter_id = r.meter_id AND a.kind = 'BADGE') FROM {table} r")
        numbers = []
        for line in rows.splitlines():
            number, said, badge = line.split("|")
            assert number == said and badge == METERS[int(number) % len(METERS)], f"nobody sent {line}"
            numbers.append(int(number))
        return sorted(numbers)
