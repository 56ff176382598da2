"""The gateway with the feeds of config/demo, a simulated field beside it, on ports that are free."""
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
from decimal import Decimal

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tests/support"))
from gateway import Gateway  # noqa: E402
from ports import free_ports  # noqa: E402

BUILD = pathlib.Path(os.environ["AMI_BIN_DIR"]).parent
FEEDS = sorted(path for path in (ROOT / "config/demo").glob("*.yaml") if path.stem not in ("field", "gateway"))

CONFIG = """
utilities:
  - {{key: demo, notice: AE-1641, zone: America/Toronto}}
data_dir: {config}
state_dir: {folder}/state
database: {{conninfo: "{conninfo}", migrate_on_start: true, allow_owner: true, check_every: 200ms}}
rpc: {{unix_socket: {folder}/rpc.sock}}
http: {{address: "127.0.0.1:0", port_file: {folder}/http.port}}
adapters: [{feeds}]
{more}
"""


class Field:
    """Everything below one folder, which goes with close()."""

    def __init__(self, more="", zones=None, lines=None):
        """more: further lines of gateway.yaml. zones: civil time of a feed's files, by feed; the demonstration has UTC.
        lines: of a feed, by feed, for those of the demonstration with the same keys or beside them."""
        self.gateway = Gateway(BUILD)
        self.folder = self.gateway.folder
        self.more = more
        self.process = None
        self._ports = {}
        (self.folder / "uiq_job").mkdir()
        shutil.copy(ROOT / "config/uiq_job/assumed.yaml", self.folder / "uiq_job")
        for family in ("gridstream", "twacs-water", "ssn", "flexnet"):
            (self.folder / "inbox" / family).mkdir()
        texts = {feed.name: feed.read_text() for feed in FEEDS}
        self._draw_ports("".join(texts.values()))
        for name, text in texts.items():
            # The demonstration's files settle for a second; here nobody waits.
            text = self.own(text.replace("@DEMO@/field", str(self.folder)))
            text = text.replace("zone: UTC", "zone: " + (zones or {}).get(name.removesuffix(".yaml"), "UTC"))
            text = re.sub(r"^settle: .*\nrescan: .*", "settle: 200ms\nrescan: 300ms", text, flags=re.M)
            for line in (lines or {}).get(name.removesuffix(".yaml"), []):
                key = line.split(":")[0]
                text = re.sub(rf"^{key}: .*\n", "", text, flags=re.M) + line.replace("@FIELD@", str(self.folder)) + "\n"
            (self.folder / name).write_text(text)

    def _draw_ports(self, text):
        wanted = sorted(set(re.findall(r"127\.0\.0\.1:(18\d{3})", text)))
        self._ports = {port: str(free) for port, free in zip(wanted, free_ports(len(wanted)))}

    def own(self, text):
        return re.sub(r"127\.0\.0\.1:(18\d{3})", lambda found: "127.0.0.1:" + self._ports[found[1]], text)

    def start_gateway(self, environment=None):
        (self.folder / "rpc.sock").unlink(missing_ok=True)
        (self.folder / "http.port").unlink(missing_ok=True)
        feeds = ", ".join(str(self.folder / feed.name) for feed in FEEDS)
        self.gateway.start(CONFIG.format(folder=self.folder, conninfo=self.gateway.conninfo, config=ROOT / "config", feeds=feeds,
                                         more=self.more.replace("@CONNINFO@", self.gateway.conninfo)), environment=environment)

    def kill_gateway(self):
        self.gateway.daemon.kill()
        self.gateway.daemon.wait()

    def ctl(self, *args, check=True, gateway=None):
        """`gateway`: another one than its own."""
        folder = (gateway or self.gateway).folder
        return subprocess.run([BUILD / "bin/amictl", "--address", f"unix:{folder}/rpc.sock", "--utility", "demo",
                               *map(str, args)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=check)

    def import_books(self, scenario):
        """The same fleet's books, from a run of a moment: what comes before them would be of unknown meters."""
        text = re.sub(r"^length:.*\n", "", self.own(scenario), flags=re.M)
        (self.folder / "books.yaml").write_text(text + "length: 1m\nledger: books.jsonl\nbooks: books.csv\nports: books.json\n")
        subprocess.run([BUILD / "bin/fieldsim", "--scenario", self.folder / "books.yaml", "--base-dir", self.folder], check=True,
                       timeout=60)
        self.ctl("meters", "import", self.folder / "books.csv")

    def begin(self, scenario):
        (self.folder / "field.yaml").write_text(self.own(scenario))
        self.process = subprocess.Popen([BUILD / "bin/fieldsim", "--scenario", self.folder / "field.yaml", "--base-dir", self.folder])

    def end(self, within, signalled=True):
        if signalled:
            self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(within)
        self.process = None
        return code

    @property
    def ledger(self):
        return self.folder / "ledger.jsonl"

    def new_lines(self):
        """Lines of the ledger that came since the last call."""
        path = self.ledger
        if not path.exists():
            return []
        with open(path, encoding="utf-8") as file:
            file.seek(getattr(self, "_seen", 0))
            text = file.read()
        whole = text[:text.rfind("\n") + 1]
        self._seen = getattr(self, "_seen", 0) + len(whole.encode())
        return [json.loads(line) for line in whole.splitlines()]

    def stored(self):
        """Rows (meter, reading type, instant, number, usage point, channel) of the views."""
        rows = self.gateway.sql(
            "SELECT m.key, v.reading_type, extract(epoch FROM v.start_at), trim_scale(v.value), coalesce(u.key, ''), v.channel "
            "FROM interval_value v JOIN meter m USING (meter_id) LEFT JOIN usage_point u USING (usage_point_id) "
            "WHERE v.value IS NOT NULL UNION ALL "
            "SELECT m.key, v.reading_type, extract(epoch FROM v.at), trim_scale(v.value), coalesce(u.key, ''), v.channel "
            "FROM register_value v JOIN meter m USING (meter_id) LEFT JOIN usage_point u USING (usage_point_id)")
        out = []
        for row in rows.splitlines():
            key, kind, at, value, place, channel = row.split("|")
            out.append((key, kind, float(at), Decimal(value), place, channel))
        return out

    def close(self):
        if self.process:
            self.process.kill()
            self.process.wait()
        self.gateway.close()
