#!/usr/bin/env python3
"""callback: 500 ReadingChangedNotifications a second of 100 reads each, from a head-end's side, through the running daemon with fsync on.

Two questions: are they acknowledged as fast as they come, and are they committed rows as fast as they come. The clock of an
acknowledgement runs from the moment that the message was due, that of the rows from the first message until the journal is empty.
"""
import argparse
import datetime
import os
import socket
import sys
import threading
import time
import urllib.request

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
from gateway import ROOT, Gateway, machine, report

UTC = datetime.timezone.utc
DAY = datetime.datetime(2026, 1, 15, tzinfo=UTC)
READS = 100       # of a message
METERS = 10_000   # a round of 100 messages reads each once
SENDERS = 32
NS = "http://www.multispeak.org/Version_3.0"

CONFIG = """
utilities:
  - {{key: bench, zone: America/Toronto}}
database: {{conninfo: "{conninfo}", allow_owner: true, migrate_on_start: true}}
data_dir: {root}/config
state_dir: {folder}
rpc: {{unix_socket: {folder}/rpc.sock}}
http: {{address: "127.0.0.1:0", port_file: {folder}/http.port}}
adapters: [{folder}/calls.yaml]
"""
FEED = """
name: calls
utility: bench
family: gridstream
interface: multispeak
zone: UTC
callback: {listen: ["127.0.0.1:0"]}
"""
HEAD = ('<?xml version="1.0" encoding="utf-8"?><soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Header>'
        f'<MultiSpeakMsgHeader xmlns="{NS}" Version="3.0" AppName="bench"/></soap:Header><soap:Body>'
        f'<ReadingChangedNotification xmlns="{NS}"><changedMeterReads>')
TAIL = "</changedMeterReads></ReadingChangedNotification></soap:Body></soap:Envelope>"


def pieces():
    """For each hundred of meters what stands between the reads' values: a message is these, joined by time and value."""
    out = []
    for first in range(0, METERS, READS):
        parts = [HEAD + f"<meterRead><meterNo>B{first:07d}</meterNo>"]
        parts += [f"</meterRead><meterRead><meterNo>B{n:07d}</meterNo>" for n in range(first + 1, first + READS)]
        out.append([part.encode() for part in parts] + [("</meterRead>" + TAIL).encode()])
    return out


def request(hundreds, number):
    """Message `number` says of its hundred meters that they stand at its round, a quarter of an hour later in each round."""
    turn = number // len(hundreds)
    at = (DAY + datetime.timedelta(minutes=15 * turn)).strftime("%Y-%m-%dT%H:%M:%SZ")
    body = f"<readingDate>{at}</readingDate><posKWh>{turn}</posKWh>".encode().join(hundreds[number % len(hundreds)])
    return (f"POST /multispeak HTTP/1.1\r\nHost: gateway\r\nContent-Type: text/xml; charset=utf-8\r\nContent-Length: {len(body)}\r\n\r\n").encode() + body


def answer(connection, buffer):
    while b"\r\n\r\n" not in buffer:
        got = connection.recv(65536)
        if not got:
            raise SystemExit("the gateway closed the connection")
        buffer += got
    head, _, rest = buffer.partition(b"\r\n\r\n")
    length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
    while len(rest) < length:
        rest += connection.recv(65536)
    return int(head[9:12]), rest[length:]


def send(port, messages, per_second):
    """Each message at its time, or as soon after as a sender is free. Gives seconds from due to answered, and refusals."""
    hundreds, lock, late, refused = pieces(), threading.Lock(), [], [0]
    numbers = iter(range(messages))
    begin = time.perf_counter() + 0.2

    def work():
        connection = socket.create_connection(("127.0.0.1", port))
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        buffer = b""
        while True:
            with lock:
                number = next(numbers, None)
            if number is None:
                return
            due = begin + number / per_second
            ready = request(hundreds, number)
            pause = due - time.perf_counter()
            if pause > 0:
                time.sleep(pause)
            while True:
                connection.sendall(ready)
                status, buffer = answer(connection, buffer)
                if status == 200:
                    break
                with lock:
                    refused[0] += 1
                time.sleep(0.2)
            with lock:
                late.append(time.perf_counter() - due)
    threads = [threading.Thread(target=work) for _ in range(SENDERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return begin, time.perf_counter(), sorted(late), refused[0]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", required=True)
    parser.add_argument("--json", required=True)
    parser.add_argument("--seconds", type=int, default=int(os.environ.get("AMI_BENCH_SECONDS", "30")))
    parser.add_argument("--per-second", type=int, default=500)
    args = parser.parse_args()

    with Gateway(args.build) as gateway:
        (gateway.folder / "calls.yaml").write_text(FEED, encoding="utf-8")
        gateway.start(CONFIG.format(conninfo=gateway.conninfo, root=ROOT, folder=gateway.folder))
        with open(gateway.folder / "meters.csv", "w", encoding="ascii") as table:
            table.write("meter,badge,usage_point\n" + "".join(f"B{n:07d},B{n:07d},UP{n:07d}\n" for n in range(METERS)))
        gateway.amictl("meters", "import", "--utility", "bench", str(gateway.folder / "meters.csv"))
        port = int(gateway.log().split("id=MULTISPEAK_CALLBACKS_OPEN")[1].split("ports=")[1].split()[0])
        metrics = f"http://127.0.0.1:{(gateway.folder / 'http.port').read_text().strip()}/metrics"

        def waiting():
            with urllib.request.urlopen(metrics, timeout=10) as page:
                for line in page.read().decode().splitlines():
                    if line.startswith('ami_journal_messages{feed="calls"}'):
                        return int(float(line.rsplit(" ", 1)[1]))
            return 0

        messages = args.seconds * args.per_second
        begin, sent, late, refused = send(port, messages, args.per_second)
        behind = waiting()
        gateway.wait(lambda: waiting() == 0, 1800, "the journal to be empty", pause=0.1)
        drained = time.perf_counter()

        rows, kwh = gateway.sql("select count(*), coalesce(sum(mantissa * 10::numeric ^ exponent), 0)::bigint / 1000 from register_read").split("|")
        expected_kwh = sum(number // (METERS // READS) for number in range(messages)) * READS
        figures = {
            "bench": "callback", "messages": messages, "reads_of_a_message": READS, "senders": SENDERS, "machine": machine(gateway.folder),
            "settings": {name: gateway.sql(f"show {name}") for name in ("fsync", "synchronous_commit", "shared_buffers")},
            "acknowledged": {"asked_per_s": args.per_second, "per_s": round(messages / (sent - begin), 1), "refused": refused,
                             "from_due_ms": {name: round(late[min(len(late) - 1, int(len(late) * part))] * 1000, 1)
                                             for name, part in (("median", 0.5), ("p99", 0.99), ("max", 1.0))}},
            "drained": {"reads_per_s": round(messages * READS / (drained - begin)), "messages_behind_at_the_end": behind,
                        "seconds_after_the_last": round(drained - sent, 2),
                        "reads_per_s_after_the_last": round(behind * READS / max(drained - sent, 0.001))},
            "daemon_resident_mb": gateway.resident_mb(), "rows": int(rows), "sum_matches": int(rows) == messages * READS and int(kwh) == expected_kwh,
            "quarantined": int(gateway.sql("select count(*) from quarantine")),
        }
        report(args.json, figures)
        if not figures["sum_matches"]:
            raise SystemExit("the stored reads are not those that were sent")


if __name__ == "__main__":
    main()
