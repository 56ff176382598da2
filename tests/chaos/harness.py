"""A private cluster that can be stopped, crashed, copied and restored; and a gateway in front of it that can be killed."""
import contextlib
import json
import os
import pathlib
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ["AMI_BIN_DIR"]).parent
BIN = pathlib.Path("/usr/lib/postgresql/15/bin")
sys.path.insert(0, str(pathlib.Path(__file__).parent))
import readings  # noqa: E402


def server_user():
    """Who runs PostgreSQL, which refuses to run as root."""
    if os.geteuid() != 0:
        return pwd.getpwuid(os.geteuid())
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    raise SystemExit(77)


def as_server(*command, check=True, **more):
    user = server_user()
    drop = ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"] if os.geteuid() == 0 else []
    done = subprocess.run([*drop, *map(str, command)], check=False, cwd="/", stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **more)
    if check and done.returncode != 0:
        raise AssertionError(f"{command} failed: {done.stdout}")
    return done.stdout


def wait(condition, seconds, what, why=lambda: ""):
    """Polls, since we look from outside."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"gave up waiting for {what}\n{why()}")
        time.sleep(0.01)


class Cluster:
    """One data folder below a folder that belongs to the server's user; the socket lies beside the data."""

    def __init__(self, **settings):
        self.folder = self.new_folder()
        self.data = self.folder / "data"
        as_server(BIN / "initdb", "-D", self.data, "-U", "ami", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync")
        self.set(listen_addresses="", fsync="on", synchronous_commit="on", shared_buffers="64MB", max_wal_size="1GB", wal_level="replica",
                 **settings)
        self.start()
        self.sql("create role ami_ingest nologin; create role gateway login bypassrls in role ami_ingest", "postgres")
        self.sql("create database ami", "postgres")

    @staticmethod
    def new_folder():
        folder = pathlib.Path(tempfile.mkdtemp(prefix="ami-chaos."))
        user = server_user()
        os.chmod(folder, 0o755)
        if os.geteuid() == 0:
            os.chown(folder, user.pw_uid, user.pw_gid)
        return folder

    @classmethod
    def adopt(cls, folder):
        """A data folder made otherwise: a copy, a restored backup."""
        self = cls.__new__(cls)
        self.folder, self.data = folder, folder / "data"
        return self

    def set(self, **settings):
        lines = "".join(f"{name} = '{value}'\n" for name, value in settings.items())
        as_server("sh", "-c", 'cat >>"$0"', self.data / "postgresql.conf", input=lines)

    def pg_ctl(self, *words, check=True):
        return as_server(BIN / "pg_ctl", "-D", self.data, "-s", "-w", "-t", "60", "-l", self.folder / "server.log", *words, check=check)

    def start(self):
        self.pg_ctl("start", "-o", f"-c unix_socket_directories={self.folder} -c unix_socket_permissions=0777")

    def stop(self, mode="fast"):
        self.pg_ctl("stop", "-m", mode)

    def conninfo(self, database="ami", user="ami"):
        """Of the owner; the gateway itself is `gateway`."""
        return f"host={self.folder} user={user} dbname={database}"

    def sql(self, query, database="ami", check=True):
        done = subprocess.run(["psql", "-XqAt", self.conninfo(database), "-v", "ON_ERROR_STOP=1", "-c", query], check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        if check and done.returncode != 0:
            raise AssertionError(f"{query}: {done.stderr}\n{self.log()[-2000:]}")
        return done.stdout.strip()

    def log(self):
        path = self.folder / "server.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def close(self):
        self.pg_ctl("stop", "-m", "immediate", check=False)
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


CONFIG = """
utilities:
  - {{key: u, zone: America/Toronto}}
data_dir: {root}/config
state_dir: {folder}
database:
  conninfo: "{conninfo}"
  migrator_conninfo: "{migrator}"
  migrate_on_start: true
  check_every: {check_every}
  retry_first: 50ms
  retry_longest: 400ms
  answer_timeout: {answer_timeout}
collection: {{every: 500ms}}
rpc: {{unix_socket: {folder}/rpc.sock}}
http: {{address: "127.0.0.1:0", port_file: {folder}/http.port}}
adapters: [{folder}/ssn.yaml, {folder}/flexnet.yaml]
"""
FEED = """
name: {family}
utility: u
family: {family}
folder: {inbox}
zone: UTC
settle: 200ms
rescan: 500ms
batch_records: {batch}
batch_bytes: {batch_bytes}
"""
CMEP_METERS = [f"C{n:03d}" for n in range(100)]  # enough series in a batch for it to be split into lanes
SSN_METERS = [f"S{n:03d}" for n in range(24)]


class Daemon:
    """A gateway with one CMEP and one SSN feed, in a folder of its own; it may be killed and started again."""

    def __init__(self, cluster, database="ami", batch_records=12, batch_bytes="64KiB", **more):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="ami-chaos-gateway."))
        self.process = None
        self.logs = 0
        self.files = []
        self.configure(cluster, database, **more)
        for family in ("ssn", "flexnet"):
            (self.folder / "inbox" / family).mkdir(parents=True)
            (self.folder / f"{family}.yaml").write_text(FEED.format(family=family, inbox=self.folder / "inbox" / family, batch=batch_records,
                                                                    batch_bytes=batch_bytes))

    def configure(self, cluster, database="ami", through=None, answer_timeout="30s", check_every="200ms"):
        """`through`: connection string that leads through gates; else straight to the cluster."""
        (self.folder / "gateway.yaml").write_text(CONFIG.format(
            root=ROOT, folder=self.folder, conninfo=through or cluster.conninfo(database, "gateway"), migrator=cluster.conninfo(database),
            answer_timeout=answer_timeout, check_every=check_every))

    def start(self, failpoint=None, ready=True):
        for name in ("http.port", "rpc.sock"):
            (self.folder / name).unlink(missing_ok=True)
        self.logs += 1
        environment = {k: v for k, v in os.environ.items() if k != "AMI_FAILPOINT"}
        if failpoint:
            environment["AMI_FAILPOINT"] = failpoint
        with open(self.log_path(), "wb") as log:
            self.process = subprocess.Popen([BUILD / "bin/ami-gatewayd", "--config", self.folder / "gateway.yaml"], stdout=log, stderr=log,
                                            env=environment)
        if ready:
            self.wait(self.ready, 60, "the gateway to be ready")

    def log_path(self):
        return self.folder / f"daemon.{self.logs}.log"

    def log(self):
        """Of the run that is under way."""
        return self.log_path().read_text(errors="replace")

    def alive(self):
        return self.process is not None and self.process.poll() is None

    def wait(self, condition, seconds, what, alive=True):
        def ended():
            try:
                return condition()
            finally:
                if alive and not self.alive():
                    raise AssertionError(f"the gateway ended ({self.process.returncode}) while we waited for {what}\n{self.log()[-4000:]}")
        wait(ended, seconds, what, lambda: self.log()[-4000:])

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(60)
        assert code == 0, f"the gateway ended with {code}\n{self.log()[-4000:]}"

    def kill(self):
        self.process.kill()
        self.process.wait(30)

    def get(self, path):
        port = (self.folder / "http.port").read_text().strip()
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def ready(self):
        with contextlib.suppress(OSError, ValueError):
            return self.get("/readyz")[0] == 200
        return False

    def reasons(self):
        """Why it is not ready, in one text; empty when it is."""
        return "; ".join(f"{part['name']}: {part['reason']}" for part in json.loads(self.get("/readyz")[1])["parts"] if not part["ok"])

    def wait_unready(self, *words):
        self.wait(lambda: all(word in self.reasons() for word in words), 30, f"/readyz to say {words}; it says: {self.reasons()}")

    def metric(self, name):
        total = 0.0
        for line in self.get("/metrics")[1].splitlines():
            if line.startswith((name + "{", name + " ")):
                total += float(line.rsplit(" ", 1)[1])
        return total

    def faults(self):
        """Classes of the failures that the log tells of; it tells the first of each batch and then every tenth."""
        return {line.split("fault=")[1].split()[0] for line in self.log().splitlines() if "id=COMMIT_RETRIED" in line and "fault=" in line}

    def amictl(self, *args):
        done = subprocess.run([BUILD / "bin/amictl", "--address", f"unix:{self.folder}/rpc.sock", *map(str, args)], check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert done.returncode == 0, f"amictl {args}: {done.stderr}"
        return done.stdout

    def import_meters(self, meters=None):
        meters = meters or CMEP_METERS + SSN_METERS
        table = self.folder / "meters.csv"
        table.write_text("meter,usage_point\n" + "".join(f"{m},UP-{m}\n" for m in meters))
        self.amictl("--utility", "u", "meters", "import", table)

    # --- files

    def inbox(self, file):
        return self.folder / "inbox" / ("ssn" if file.name.endswith(".xml") else "flexnet")

    def drop(self, *files):
        for file in files:
            part = self.inbox(file) / f".{file.name}.part"
            part.write_bytes(file.content)
            part.rename(self.inbox(file) / file.name)
            if file not in self.files:
                self.files.append(file)

    def place(self, file):
        """done, rejected, or inbox; a file that is found nowhere is lost."""
        for place in ("done", "rejected", "."):
            if (self.inbox(file) / place / file.name).exists():
                return place if place != "." else "inbox"
        return "lost"

    def wait_done(self, seconds=60):
        self.wait(lambda: all(self.place(file) != "inbox" for file in self.files), seconds, "all files to be read")
        places = {file.name: self.place(file) for file in self.files}
        assert set(places.values()) <= {"done"}, f"{places}\n{self.log()[-4000:]}"

    def said(self):
        out = readings.Said()
        for file in self.files:
            out.add(file.said())
        return out

    def close(self):
        if self.alive():
            self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def check_exact(test, daemon, sql):
    """Everything that was sent is stored, each value once, and nothing else: slot by slot, count and sum."""
    expected = daemon.said()
    test.assertEqual(readings.differences(expected, readings.stored(sql)), [])
    test.assertEqual(readings.doubles(sql, expected), [])


def check_acknowledged(test, daemon, sql):
    """What the outside may take for accepted is stored: files in done/, and what lies before a recorded position."""
    acknowledged = readings.Said()
    state = {}
    for line in sql("select convert_from(key, 'UTF8'), convert_from(value, 'UTF8') from adapter_state where convert_from(key, 'UTF8') like 'file:%'"
                    ).splitlines():
        key, value = line.split("|")
        state[key.removeprefix("file:")] = int(value.split("offset=")[1].split(";")[0])
    for file in daemon.files:
        if daemon.place(file) == "done":
            acknowledged.add(file.said())
        elif file.sha256 in state:
            acknowledged.add(file.said(before=state[file.sha256]))
    found = readings.stored(sql)
    lost = [d for d in readings.differences(acknowledged, found) if "invented" not in d and "sums" not in d]
    test.assertEqual(lost, [])
    invented = [d for d in readings.differences(daemon.said(), found) if "invented" in d or "altered" in d]
    test.assertEqual(invented, [])
    return acknowledged.figures()


def new_files(tag, part, day=0):
    """Two files, one a feed, with a third of a day each; parts 0, 1, 2 make a whole day, so that day rows are merged."""
    return [readings.cmep(f"{tag}-{part}.cmep", CMEP_METERS, part * 32, 32, seed=tag, day=day),
            readings.ssn(f"{tag}-{part}.xml", SSN_METERS, part * 32, 32, seed=tag, day=day)]
