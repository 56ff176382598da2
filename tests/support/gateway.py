"""A private cluster and a running daemon, for tests and benchmarks that look from outside."""
import contextlib
import json
import os
import pathlib
import platform
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]


def fsync_latency_ms(folder, rounds=50):
    """Median time of a 8 KiB write with fsync in `folder`."""
    path = os.path.join(folder, "fsync-probe")
    times = []
    with open(path, "wb", buffering=0) as probe:
        for _ in range(rounds):
            begin = time.perf_counter()
            probe.write(b"x" * 8192)
            os.fsync(probe.fileno())
            times.append(time.perf_counter() - begin)
    os.unlink(path)
    return round(sorted(times)[rounds // 2] * 1000, 3)


def machine(folder):
    model = "unknown"
    with open("/proc/cpuinfo", encoding="utf-8") as info:
        for line in info:
            if line.startswith("model name"):
                model = line.split(":", 1)[1].strip()
                break
    return {"cpu": model, "cores": os.cpu_count(), "kernel": platform.release(), "fsync_ms": fsync_latency_ms(folder)}


class Gateway:
    """Daemon and database of one run, in a folder of its own. The folder and both processes go when the context ends."""

    def __init__(self, build):
        self.build = pathlib.Path(build)
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="ami-gateway."))
        self.inbox = self.folder / "inbox"
        self.inbox.mkdir()
        self.daemon = None
        self.conninfo = subprocess.run([ROOT / "deploy/private-cluster", "start", self.folder / "db"], check=True,
                                       stdout=subprocess.PIPE, text=True).stdout.strip()

    def sql(self, query):
        return subprocess.run(["psql", "-XqAt", self.conninfo, "-v", "ON_ERROR_STOP=1", "-c", query], check=True,
                              stdout=subprocess.PIPE, text=True).stdout.strip()

    def amictl(self, *args):
        return subprocess.run([self.build / "bin/amictl", "--address", f"unix:{self.folder}/rpc.sock", *args],
                              check=True, stdout=subprocess.PIPE, text=True).stdout

    def start(self, config_text, program="bin/ami-gatewayd", environment=None):
        """`program`: another one of the build folder that is called in the same way. `environment`: beside this process's."""
        config = self.folder / "gateway.yaml"
        config.write_text(config_text, encoding="utf-8")
        log = open(self.folder / "daemon.log", "wb")
        self.daemon = subprocess.Popen([self.build / program, "--config", config], stdout=log, stderr=log,
                                       env={**os.environ, **(environment or {})})
        self.wait(lambda: (self.folder / "rpc.sock").exists() and self.ready(), 60, "the daemon to be ready")

    def ready(self):
        port_file = self.folder / "http.port"
        if not port_file.exists():
            return False
        with contextlib.suppress(OSError, urllib.error.URLError):
            return urllib.request.urlopen(f"http://127.0.0.1:{port_file.read_text().strip()}/readyz", timeout=2).status == 200
        return False

    def wait(self, condition, seconds, what, pause=0.005):
        """Polls, since we look from outside; gives up with the daemon's last words. A condition that starts a program
        leaves the machine to the daemon in between."""
        end = time.monotonic() + seconds
        while not condition():
            if self.daemon and self.daemon.poll() is not None or time.monotonic() > end:
                sys.stderr.write((self.folder / "daemon.log").read_text(errors="replace")[-3000:])
                raise SystemExit(f"gave up waiting for {what}")
            time.sleep(pause)

    def deliverable(self):
        """Until every change that is stored by now can be delivered: the feed waits for each transaction that still runs,
        the daemon's own among them."""
        newest = self.sql("SELECT coalesce(max(txid::text::bigint), 0) FROM change")
        self.wait(lambda: self.sql(f"SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint > {newest}") == "t", 120,
                  "the running transactions to end")

    def reload(self):
        """SIGHUP, and wait until the daemon says that the new configuration is in force."""
        before = self.log().count("RELOAD_DONE")
        self.daemon.send_signal(signal.SIGHUP)
        self.wait(lambda: self.log().count("RELOAD_DONE") > before, 30, "the reload")

    def log(self):
        return (self.folder / "daemon.log").read_text(errors="replace")

    def resident_mb(self):
        with open(f"/proc/{self.daemon.pid}/status", encoding="utf-8") as status:
            fields = dict(line.split(":", 1) for line in status if ":" in line)
        return {name: int(fields[key].split()[0]) // 1024 for name, key in (("now", "VmRSS"), ("peak", "VmHWM"))}

    def stop_daemon(self):
        if self.daemon:
            self.daemon.send_signal(signal.SIGTERM)
            try:
                self.daemon.wait(30)
            except subprocess.TimeoutExpired:
                self.daemon.kill()
            self.daemon = None

    def close(self):
        self.stop_daemon()
        subprocess.run([ROOT / "deploy/private-cluster", "stop", self.folder / "db", "--delete"], check=False)
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def report(path, figures):
    pathlib.Path(path).parent.mkdir(parents=True, exist_ok=True)
    pathlib.Path(path).write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(figures, indent=1))
