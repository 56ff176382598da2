"""Other programs that store readings in PostgreSQL, one row a reading: what they need, how they run, what they leave out.

Each contender has a table of its own (meter, time, value, quality) without any index while the clock runs, which is
the cheapest for it, and reads lines that are ready to be stored; the gateway parses a head-end's file. Each runs as a
child of the benchmark with a configuration of its own, on the database's Unix socket, and is ended by its process.
"""
import contextlib
import glob
import json
import os
import pathlib
import re
import shutil
import socket
import subprocess
import threading
import time

from gateway import ROOT

HERE = pathlib.Path(__file__).resolve().parent
NODE_FOLDER = ROOT / "build/bench-node"  # deploy/setup --bench puts the pinned npm packages there
STALLED_S = 20
FIRST_END = 1768454100  # 2026-01-15T05:15:00Z, the end of the first interval; see bench_ingest
NO_ROWS = ("no merge by rank", "no revisions", "no provenance", "no units or reading types", "no check of the meter")


class Failed(Exception):
    """A contender did not start or died; the benchmark says so and goes on."""


class Database:
    """What a contender may know of the database, and what the benchmark asks about its table."""

    def __init__(self, gateway):
        self.sql, self.conninfo = gateway.sql, gateway.conninfo
        self.host = re.search(r"host=(\S+)", gateway.conninfo)[1]
        self.name = re.search(r"dbname=(\S+)", gateway.conninfo)[1]
        self.user = re.search(r"user=(\S+)", gateway.conninfo)[1]

    def wait_stored(self, table, wanted, process, between=lambda: None):
        """Polls until `wanted` rows are committed, or none came for STALLED_S: what is missing then is lost.
        Returns when the last growth was seen (perf_counter). `between` runs after each look at the table."""
        stored, grown = 0, time.perf_counter()
        while stored < wanted:
            between()
            now_stored, now = int(self.sql(f"select count(*) from {table}")), time.perf_counter()
            if now_stored > stored:
                stored, grown = now_stored, now
            elif process.poll() is not None:
                raise Failed(f"ended by itself with {process.returncode}")
            elif now - grown > STALLED_S:
                break
            time.sleep(0.1)
        return grown


@contextlib.contextmanager
def child(folder, *command, **options):
    with open(folder / "output.log", "wb") as log:
        process = subprocess.Popen([str(part) for part in command], **{"stdout": log, "stderr": log, **options})
    try:
        yield process
    except Failed as failure:
        raise Failed(f"{failure}: {(folder / 'output.log').read_text(errors='replace')[-800:]}") from failure
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def program(name):
    return shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/bin")


def version_of(*command):
    said = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False).stdout
    found = re.search(r"\d+\.\d+\.\d+", said)
    return found[0] if found else "of unknown version"


def write_rows(path, day):
    """meter,time,value,quality: a line a reading."""
    ends = [time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(FIRST_END + 900 * slot)) for slot in range(96)]
    with open(path, "w", encoding="ascii") as out:
        for meter, values in day:
            out.writelines(f"{meter},{end},{value},R\n" for end, value in zip(ends, values))


class Rsyslog:
    name = "rsyslog_ompgsql"
    value_type = "numeric"
    settings = ("imfile; action queue LinkedList of 100,000 with 5 workers (so many connections) as in ompgsql's example, "
                "queue.dequeueBatchSize 1024: one transaction a batch, one INSERT a reading")
    leaves_out = NO_ROWS + ("SQL formed from text", "a queue in memory until stored",
                            "a refused row loses others of its batch")

    def installed(self):
        if program("rsyslogd") and glob.glob("/usr/lib/*/rsyslog/ompgsql.so"):
            return "rsyslog " + version_of(program("rsyslogd"), "-v")
        return None

    def run(self, database, folder, day, table):
        inbox = folder / "in"
        inbox.mkdir()
        write_rows(folder / "rows", day)
        fields = ",".join(f"'%msg:F,44:{field}%'" for field in range(1, 5))
        (folder / "rsyslog.conf").write_text(f"""
global(workDirectory="{folder}" net.enableDNS="off")
module(load="imfile")
module(load="ompgsql")
template(name="reading" type="string" option.stdsql="on" string="insert into {table} values ({fields})")
ruleset(name="readings") {{
  action(type="ompgsql" conninfo="postgresql:///{database.name}?host={database.host}&user={database.user}" template="reading"
         queue.type="LinkedList" queue.size="100000" queue.dequeueBatchSize="1024" queue.workerThreads="5"
         queue.workerThreadMinimumMessages="500" queue.timeoutWorkerThreadShutdown="1000" queue.timeoutEnqueue="600000")
}}
input(type="imfile" file="{inbox}/*.rows" tag="reading:" ruleset="readings")
action(type="omfile" file="{folder}/messages.log")
""", encoding="ascii")
        with child(folder, program("rsyslogd"), "-n", "-f", folder / "rsyslog.conf", "-i", folder / "rsyslog.pid") as process:
            deadline = time.monotonic() + 20
            while not (folder / "rsyslog.pid").exists():
                if process.poll() is not None or time.monotonic() > deadline:
                    raise Failed("did not start")
                time.sleep(0.05)
            begin = time.perf_counter()
            os.rename(folder / "rows", inbox / "day.rows")
            return database.wait_stored(table, len(day) * 96, process) - begin


class Collectd:
    name = "collectd_postgresql"
    value_type = "double precision"
    settings = ("unixsock PUTVAL, 48 values a line; CommitInterval 10 as in collectd.conf(5); WriteThreads 5 (its default); "
                "one connection, one INSERT a reading")
    leaves_out = NO_ROWS + ("values are floating point on their way", "no place for a quality (sent as the type's instance)",
                            "a queue in memory until stored", "one refused row loses its transaction")

    def installed(self):
        if program("collectd") and os.path.exists("/usr/lib/collectd/postgresql.so"):
            return "collectd " + version_of(program("collectd"), "-h")
        return None

    def run(self, database, folder, day, table):
        # Every parameter must have a type to PostgreSQL, also those that have no column here.
        (folder / "collectd.conf").write_text(f"""
BaseDir "{folder}"
PIDFile "{folder}/collectd.pid"
Hostname "bench"
FQDNLookup false
Interval 3600
WriteThreads 5
LoadPlugin unixsock
LoadPlugin postgresql
<Plugin unixsock>
  SocketFile "{folder}/collectd.sock"
  SocketPerms "0600"
</Plugin>
<Plugin postgresql>
  <Writer readings>
    Statement "insert into {table} select $2, $1::timestamptz, ($9::float8[])[1], $6 where coalesce($3::text, $4, $5, $7, $8) is not null"
    StoreRates false
  </Writer>
  <Database {database.name}>
    Host "{database.host}"
    User "{database.user}"
    Writer readings
    CommitInterval 10
  </Database>
</Plugin>
""", encoding="ascii")
        lines = []
        for meter, values in day:
            for half in (0, 48):  # a line of the socket is at most 1,024 bytes
                body = " ".join(f"{FIRST_END + 900 * slot}:{values[slot]}" for slot in range(half, half + 48))
                lines.append(f"PUTVAL {meter}/ami/gauge-R interval=900 {body}\n".encode("ascii"))
        with child(folder, program("collectd"), "-f", "-C", folder / "collectd.conf") as process:
            link, deadline = socket.socket(socket.AF_UNIX), time.monotonic() + 20
            while link.connect_ex(str(folder / "collectd.sock")):
                if process.poll() is not None or time.monotonic() > deadline:
                    raise Failed("did not start")
                time.sleep(0.05)
            with link, link.makefile("r", encoding="ascii") as answers:
                begin = time.perf_counter()
                sender = threading.Thread(target=lambda: link.sendall(b"".join(lines)))
                sender.start()
                refused = [answer for answer in (answers.readline() for _ in lines) if not answer.startswith("0 ")]
                sender.join()
                if refused:
                    raise Failed(f"refused {len(refused)} lines, the first with {refused[0]!r}")

                def commit_the_rest():
                    """What came after the last commit is visible only after another value or a FLUSH."""
                    if database.sql("select count(*) from pg_stat_activity where state = 'idle in transaction' and "
                                    "clock_timestamp() - state_change > interval '0.3 s'") != "0":
                        link.sendall(b"FLUSH plugin=postgresql\n")
                        answers.readline()

                return database.wait_stored(table, len(day) * 96, process, commit_the_rest) - begin


class PgCopyStreams:
    value_type = "numeric"
    leaves_out = NO_ROWS + ("nothing is stored until the end of the stream", "one bad row refuses all")

    def __init__(self, mode, settings):
        self.mode, self.settings, self.name = mode, settings, f"pg_copy_streams_{mode}"

    def installed(self):
        package = NODE_FOLDER / "node_modules/pg-copy-streams/package.json"
        if program("node") and package.exists():
            return f"pg-copy-streams {json.loads(package.read_text())['version']}, node {version_of(program('node'), '-v')}"
        return None

    def run(self, database, folder, day, table):
        write_rows(folder / "rows", day)
        with child(folder, program("node"), HERE / "copy_rows.js", self.mode, database.host, database.user, database.name,
                   table, folder / "rows", env={**os.environ, "NODE_PATH": str(NODE_FOLDER / "node_modules")},
                   stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
            with process.stdin, process.stdout:
                if process.stdout.readline() != b"ready\n":
                    raise Failed("did not start")
                begin = time.perf_counter()
                process.stdin.write(b"go\n")
                process.stdin.flush()
                if process.stdout.readline() != b"stored\n":
                    raise Failed("the copy failed")
                return time.perf_counter() - begin


CONTENDERS = {
    "rsyslog": [Rsyslog()],
    "collectd": [Collectd()],
    "copy": [PgCopyStreams("rows", "COPY FROM STDIN in one transaction; a program writes each reading into the stream"),
             PgCopyStreams("file", "COPY FROM STDIN in one transaction; the file of ready rows is piped through, as in its README")],
}
