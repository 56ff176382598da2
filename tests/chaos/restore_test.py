#!/usr/bin/env python3
"""Backup and restore as docs/operations.md tells an operator: the commands of that page are run here, word for word."""
import os
import pathlib
import re
import shutil
import subprocess
import unittest

import readings
from harness import BIN, CMEP_METERS, Cluster, Daemon, ROOT, as_server, check_exact, new_files, wait
from pg_gate import Gate

PAGE = ROOT / "docs/operations.md"


def steps(name):
    """The shell block of the page that follows `<!-- step: name -->`."""
    found = re.search(rf"<!-- step: {re.escape(name)} -->\n```sh\n(.*?)```", PAGE.read_text(), re.S)
    assert found, f"{PAGE} has no step '{name}'"
    return found.group(1)


def run(name, server=False, **variables):
    """A step as PostgreSQL's user or as the gateway's; the page's variables come from the environment."""
    environment = {**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}", **{key: str(value) for key, value in variables.items()}}
    if server:
        return as_server("bash", "-euo", "pipefail", "-c", steps(name), env=environment)
    done = subprocess.run(["bash", "-euo", "pipefail", "-c", steps(name)], check=False, env=environment, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True)
    assert done.returncode == 0, f"step {name}: {done.stdout}"
    return done.stdout


class Restore(unittest.TestCase):
    def setUp(self):
        self.store = Cluster.new_folder()
        self.addCleanup(shutil.rmtree, self.store, True)
        for name in ("wal", "base"):
            as_server("mkdir", self.store / name)
        self.cluster = Cluster()
        self.addCleanup(self.cluster.close)
        # The page's settings, with its folder in place of the site's.
        settings = re.search(r"<!-- step: archive settings -->\n```\n(.*?)```", PAGE.read_text(), re.S).group(1)
        as_server("sh", "-c", 'cat >>"$0"', self.cluster.data / "postgresql.conf", input=settings.replace("/backup", str(self.store)))
        self.cluster.stop()
        self.cluster.start()

    def back_up(self):
        run("base backup", server=True, BACKUP=self.store, PGHOST=self.cluster.folder, PGUSER="ami")

    def restore(self, moment):
        """A new cluster from the backup, rolled forward to `moment`."""
        restored = Cluster.adopt(Cluster.new_folder())
        self.addCleanup(restored.close)
        run("restore", server=True, BACKUP=self.store, PGDATA=restored.data, MOMENT=moment)
        restored.start()
        wait(lambda: restored.sql("select pg_is_in_recovery()", check=False) == "f", 60, "the end of recovery", restored.log)
        return restored

    def moment(self):
        return self.cluster.sql("select clock_timestamp()")

    def lose(self):
        """The last log is in the archive, then the server is gone."""
        last = self.cluster.sql("select pg_walfile_name(pg_current_wal_lsn())")
        self.cluster.sql("select pg_switch_wal()")
        wait(lambda: (self.store / "wal" / last).exists(), 30, "the last log to be archived")
        self.cluster.stop("immediate")

    def test_restored_to_a_moment_and_the_files_dropped_again(self):
        daemon = Daemon(self.cluster)
        self.addCleanup(daemon.close)
        daemon.start()
        daemon.import_meters()
        daemon.drop(*new_files("a", 0))
        daemon.wait_done()
        self.back_up()
        daemon.drop(*new_files("b", 1))
        daemon.wait_done()
        kept = daemon.said()
        moment = self.moment()
        daemon.drop(*new_files("c", 2))
        daemon.wait_done()
        daemon.stop()
        self.lose()

        restored = self.restore(moment)
        self.assertEqual(readings.differences(kept, readings.stored(restored.sql)), [], "all that was stored at that moment, and no more")
        run("renew the change feed", server=True, PGHOST=restored.folder, PGUSER="ami", PGDATABASE="ami")
        run("stop all switching", server=True, PGHOST=restored.folder, PGUSER="ami", PGDATABASE="ami")
        self.assertEqual(restored.sql("SELECT scope, actor, ami_stop_in_force(s), (SELECT count(*) FROM utility) FROM switch_stop s"),
                         "ALL|restore|t|1", "nothing that the book holds as waiting leaves again")
        daemon.configure(restored)
        daemon.start()
        for family in ("ssn", "flexnet"):
            run("drop again", INBOX=daemon.folder / "inbox" / family, SINCE="@0")
        daemon.wait_done()
        check_exact(self, daemon, restored.sql)
        log = daemon.log()
        self.assertEqual(log.count("id=DROP_FILE_DUPLICATE"), 4, "what the backup has is known by its content")
        daemon.drop(*new_files("d", 0, day=1))
        daemon.wait_done()
        check_exact(self, daemon, restored.sql)

    def test_restored_behind_the_same_address_while_the_gateway_runs(self):
        # Against the page's advice. What the gateway remembers of ids must not be used in a database where they
        # belong to others: meters X got channels after the backup; in the restored database meters Y have those ids.
        xs, ys = [f"X{n:03d}" for n in range(60)], [f"Y{n:03d}" for n in range(120)]
        gate = Gate(self.cluster.folder)
        self.addCleanup(gate.close)
        daemon = Daemon(self.cluster, through=f"host=127.0.0.1 port={gate.port} user=gateway dbname=ami sslmode=disable", check_every="60s")
        self.addCleanup(daemon.close)
        daemon.start()
        daemon.import_meters(CMEP_METERS + xs + ys)
        daemon.drop(readings.cmep("a.cmep", CMEP_METERS, 0, 32, seed="a"))
        daemon.wait_done()
        self.back_up()
        moment = self.moment()
        lost = readings.cmep("x.cmep", xs, 0, 32, seed="x")
        daemon.drop(lost)
        daemon.wait_done()
        taken = {int(n) for n in self.cluster.sql("select channel_id from channel join meter using (meter_id) where meter.key like 'X%'").split()}
        self.lose()

        restored = self.restore(moment)
        restored.sql("insert into channel (utility_id, meter_id, key, reading_type, unit) select m.utility_id, m.meter_id, c.key, c.reading_type, c.unit "
                     "from meter m, (select distinct key, reading_type, unit from channel) c where m.key like 'Y%' order by m.key")
        again = {int(n) for n in restored.sql("select channel_id from channel join meter using (meter_id) where meter.key like 'Y%'").split()}
        self.assertTrue(taken & again, "the trap is set: some ids now belong to others")
        gate.retarget(restored.folder)
        gate.cut()
        daemon.files.remove(lost)
        daemon.drop(readings.cmep("x2.cmep", xs, 32, 32, seed="x2"), readings.cmep("y.cmep", ys, 0, 32, seed="y"))
        daemon.wait_done()
        (daemon.inbox(lost) / "done" / lost.name).unlink()
        daemon.drop(lost)
        daemon.wait_done()
        check_exact(self, daemon, restored.sql)


if __name__ == "__main__":
    unittest.main(verbosity=2)
