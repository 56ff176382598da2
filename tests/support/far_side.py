"""The far side of the made-up family line_command (tests/daemon/support/line_command_family.h): is asked, and answers."""
import datetime as dt
import queue
import socket
import threading
import time


class FarSide:
    """One connection to the gateway. What it asks comes out of next_ask(), unless `answer` says what to say at once."""

    def __init__(self, port_file, patience=60):
        end = time.monotonic() + patience
        while not port_file.exists():
            if time.monotonic() > end:
                raise SystemExit(f"no {port_file}")
            time.sleep(0.01)
        self.patience = patience
        self.socket = socket.create_connection(("127.0.0.1", int(port_file.read_text())), timeout=patience)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.asked, self.acks = queue.Queue(), queue.Queue()
        self.answer = None      # function of (kind, transaction, meter): the records to say; None = none
        self.count = 0
        self.saying = threading.Lock()
        self.ended = False
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self):
        try:
            for line in self.socket.makefile("r", encoding="utf-8"):
                word, rest = line.rstrip("\n").split(" ", 1)
                if word != "ASK":
                    self.acks.put(line.rstrip("\n"))
                    continue
                ask = tuple(rest.split(" "))
                self.count += 1
                if self.answer is None:
                    self.asked.put(ask)
                elif (records := self.answer(*ask)) is not None:
                    # Not here: its acknowledgement comes in on this thread.
                    threading.Thread(target=self.say, args=(ask[2], *records), daemon=True).start()
        except OSError:
            pass
        self.ended = True

    def next_ask(self):
        """(kind, transaction, meter)"""
        return self.asked.get(timeout=self.patience)

    def say(self, key, *records):
        """Completes when the gateway has it on disk."""
        with self.saying:
            self.socket.sendall(f"SAY {key} {';'.join(records)}\n".encode())
            ack = self.acks.get(timeout=self.patience)
        if not ack.startswith("ok "):
            raise AssertionError(ack)

    def close(self):
        self.socket.close()


def stamp(minutes_ago=0):
    """A time of late: which feed reaches a meter follows from its newest values, and a read answers with new ones."""
    return (dt.datetime.now(dt.timezone.utc) - dt.timedelta(minutes=minutes_ago)).strftime("%Y-%m-%dT%H:%M:%SZ")


def result(transaction, meter, word):
    return f"RESULT {transaction} {meter} {word}"
