#!/usr/bin/env python3
"""The server dies and its synchronous standby, at another address, is promoted: the gateway finds it by itself, and nothing that it
had acknowledged is lost.
"""
import shutil
import unittest

from harness import BIN, Cluster, Daemon, as_server, check_acknowledged, check_exact, new_files
from pg_gate import Gate


def standby_of(primary):
    """A streaming standby without which the primary confirms no commit."""
    folder = Cluster.new_folder()
    as_server(BIN / "pg_basebackup", "-h", primary.folder, "-U", "ami", "-D", folder / "data", "-R", "-X", "stream", "-C", "-S", "standby",
              "--checkpoint=fast", "--no-sync")
    standby = Cluster.adopt(folder)
    standby.set(synchronous_standby_names="")  # once promoted it stands alone
    standby.start()
    primary.set(synchronous_standby_names="*")
    primary.pg_ctl("reload")
    return standby


class Failover(unittest.TestCase):
    def test_the_standby_is_promoted(self):
        primary = Cluster()
        self.addCleanup(primary.close)
        standby = standby_of(primary)
        self.addCleanup(standby.close)
        gates = [Gate(primary.folder), Gate(standby.folder)]
        for gate in gates:
            self.addCleanup(gate.close)
        conninfo = (f"host=127.0.0.1,127.0.0.1 port={gates[0].port},{gates[1].port} user=gateway dbname=ami target_session_attrs=read-write "
                    "sslmode=disable")
        daemon = Daemon(primary, through=conninfo, answer_timeout="4s")
        self.addCleanup(daemon.close)
        daemon.start()
        daemon.import_meters()
        daemon.wait(lambda: primary.sql("select sync_state from pg_stat_replication") == "sync", 30, "the standby to be synchronous")
        daemon.drop(*new_files("before", 0))
        daemon.wait_done()

        # The standby stalls: a commit that it did not confirm is not acknowledged, whatever the primary has.
        standby.pg_ctl("stop", "-m", "immediate")
        daemon.drop(*new_files("between", 1))
        daemon.wait(lambda: "did not answer a COMMIT" in daemon.log(), 30, "a commit that nobody confirms")
        self.assertTrue(all(daemon.place(file) == "inbox" for file in daemon.files[2:]))
        standby.start()

        daemon.wait(lambda: any(daemon.place(file) == "done" for file in daemon.files[2:]), 60, "a first file to be confirmed")
        daemon.drop(*new_files("during", 2))
        primary.stop("immediate")
        gates[0].refuse()  # as a host does whose server is gone
        self.assertNotEqual(primary.sql("select 1", check=False), "1")
        acknowledged = [file for file in daemon.files if daemon.place(file) == "done"]
        self.assertGreaterEqual(len(acknowledged), 3)
        daemon.wait_unready("database")
        check_acknowledged(self, daemon, standby.sql)  # of what the standby has, which is all that is left
        standby.pg_ctl("promote")
        shutil.rmtree(primary.data)

        daemon.wait_done()
        daemon.wait(daemon.ready, 30, "the gateway to be ready again")
        check_exact(self, daemon, standby.sql)
        daemon.drop(*new_files("after", 0, day=1))
        daemon.wait_done()
        check_exact(self, daemon, standby.sql)
        self.assertNotIn("permanent", daemon.faults())
        self.assertEqual(daemon.metric("ami_feed_commits_refused_total"), 0)


if __name__ == "__main__":
    unittest.main(verbosity=2)
