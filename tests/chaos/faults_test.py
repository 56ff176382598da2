#!/usr/bin/env python3
"""PostgreSQL at its worst, with the gateway reading files all the while: each fault passes, the gateway restores by itself, and what was
sent is stored once, slot by slot.
"""
import socket
import struct
import subprocess
import sys
import unittest

import readings
from harness import CMEP_METERS, Cluster, Daemon, check_exact, new_files, wait
from pg_gate import Frames, Gate, commit_of_readings

ALL = "--all" in sys.argv
long = unittest.skipUnless(ALL, "runs with --all")


class Faults(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.cluster = Cluster(max_connections=40)
        cls.addClassCleanup(cls.cluster.close)
        cls.gate = Gate(cls.cluster.folder)
        cls.addClassCleanup(cls.gate.close)
        cls.daemon = Daemon(cls.cluster, through=cls.through(cls.gate), answer_timeout="4s")
        cls.addClassCleanup(cls.daemon.close)
        cls.daemon.start()
        cls.daemon.import_meters()
        cls.day = 0

    @staticmethod
    def through(gate):
        return f"host=127.0.0.1 port={gate.port} user=gateway dbname=ami sslmode=prefer"

    def setUp(self):
        type(self).day += 1  # a day of its own for each test
        self.addCleanup(self.gate.accept)  # a test that fails leaves the way open for the next
        self.addCleanup(self.gate.resume)
        self.addCleanup(self.gate.traps.clear)
        self.restarts = self.daemon.metric("ami_feed_restarts_total")
        self.refused = self.daemon.metric("ami_feed_commits_refused_total")

    def files(self, part=0):
        return new_files(f"{self._testMethodName}-{self.day}", part, day=self.day)

    def in_flight(self):
        """Drops the files of one part and waits until they are being stored."""
        before = self.commits()
        self.daemon.drop(*self.files())
        self.daemon.wait(lambda: self.commits() > before, 30, "a first commit")

    def commits(self):
        return self.daemon.metric("ami_feed_commit_seconds_count")

    def end_well(self):
        """The end of every test: more files come, all is stored once, the gateway is ready, and no file or feed was given up."""
        self.daemon.drop(*self.files(1))
        self.daemon.wait_done()
        self.daemon.wait(self.daemon.ready, 30, "the gateway to be ready again")
        check_exact(self, self.daemon, self.cluster.sql)
        self.assertEqual(self.daemon.metric("ami_feed_commits_refused_total"), self.refused)
        self.assertEqual(self.daemon.metric("ami_feed_restarts_total"), self.restarts)
        self.assertNotIn("permanent", self.daemon.faults())

    # --- the server

    def test_a_fast_restart(self):
        self.in_flight()
        self.cluster.stop("fast")
        self.daemon.drop(*self.files(2))
        self.daemon.wait_unready("database")
        self.cluster.start()
        self.assertIn("transient", self.daemon.faults())
        self.end_well()

    def test_a_crash(self):
        self.in_flight()
        self.cluster.stop("immediate")
        self.daemon.drop(*self.files(2))
        self.daemon.wait_unready("database")
        self.cluster.start()
        self.end_well()

    def test_no_connection_is_left(self):
        self.cluster.sql("select count(pg_terminate_backend(pid)) from pg_stat_activity where usename = 'gateway'")
        hogs = []
        self.addCleanup(lambda: [hog.close() for hog in hogs])
        wait(lambda: hogs.append(self.hog()) or hogs[-1] is None, 30, "the last connection to be taken")
        hogs.pop()
        self.daemon.drop(*self.files())
        self.daemon.wait_unready("remaining connection slots")
        while hogs:
            hogs.pop().close()
        self.end_well()

    def hog(self):
        """One connection as the gateway's role, straight to the server; None when it is refused."""
        hog = socket.socket(socket.AF_UNIX)
        hog.connect(f"{self.cluster.folder}/.s.PGSQL.5432")
        words = b"user\0gateway\0database\0ami\0\0"
        hog.sendall(struct.pack("!II", len(words) + 8, 196608) + words)
        frames = Frames(startup=False)
        while data := hog.recv(1 << 16):
            for kind, _ in frames.feed(data):
                if kind == "Z":
                    return hog
        hog.close()
        return None

    @long
    def test_permission_is_lost_and_given_back(self):
        self.in_flight()
        self.cluster.sql("revoke ami_ingest from gateway")
        self.daemon.drop(*self.files(2))
        self.daemon.wait_unready("permission denied")
        self.daemon.wait(lambda: "transient" in self.daemon.faults(), 30, "the fault to be told")
        self.cluster.sql("grant ami_ingest to gateway")
        self.end_well()

    def test_one_table_cannot_be_written_though_the_database_answers(self):
        self.cluster.sql("alter table adapter_state rename to adapter_state_away")
        self.daemon.drop(*self.files())
        self.daemon.wait(lambda: "adapter_state" in self.daemon.log(), 30, "the fault to be told")
        self.cluster.sql("alter table adapter_state_away rename to adapter_state")
        self.daemon.wait_done()
        day = self.day
        self.cluster.sql("create function no() returns trigger language plpgsql as $$begin raise insufficient_privilege; end$$;"
                         "create trigger no before insert on source for each row execute function no()")
        self.daemon.drop(*self.files(2))
        self.daemon.wait_unready("feed:flexnet", "feed:ssn", "wait: ", "42501")
        self.cluster.sql("drop trigger no on source; drop function no")
        self.assertEqual(day, self.day)
        self.end_well()

    @long
    def test_a_schema_ahead_of_the_program_is_waited_out(self):
        self.cluster.sql("insert into schema_version values (9999, '9999_future', 'x')")
        self.daemon.wait_unready("database", "9999")
        self.cluster.sql("delete from schema_version where version = 9999")
        self.daemon.wait(self.daemon.ready, 30, "the gateway to be ready again")
        self.daemon.drop(*self.files())
        self.end_well()

    @long
    def test_somebody_holds_a_lock_for_longer_than_we_wait(self):
        holder = subprocess.Popen(["psql", "-XqAt", self.cluster.conninfo()], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.addCleanup(holder.kill)
        holder.stdin.write("begin; lock table source in exclusive mode; select 'held';\n")
        holder.stdin.flush()
        self.assertEqual(holder.stdout.readline().strip(), "held")
        self.daemon.drop(*self.files())
        self.daemon.wait(lambda: "lock timeout" in self.daemon.log(), 30, "the lock to be given up")
        waiting = int(self.cluster.sql("select count(*) from pg_stat_activity where usename = 'gateway' and wait_event_type = 'Lock'"))
        self.assertLessEqual(waiting, 2, "attempts that were given up do not queue up in the server")
        holder.communicate("rollback;\n", 30)
        self.end_well()

    @long
    def test_a_meter_is_exchanged_between_the_lanes_of_a_batch(self):
        # Found by this test: values of the lanes that had ended stayed with the old meter, those stored anew went to the other.
        day, commits = self.day, []

        def last_transaction(link, kind, message):
            commits.extend([1] if commit_of_readings(link, kind, message) else [])
            return kind == "Q" and message[5:10].upper() == b"BEGIN" and len(commits) == 2
        trap = self.gate.trap("hold", last_transaction)
        self.daemon.drop(readings.cmep(f"lanes-{day}.cmep", CMEP_METERS, 0, 8, seed=day, day=day))
        self.daemon.wait(trap.sprung.is_set, 30, "the lanes to end")
        exchange = subprocess.Popen(["psql", "-Xq1", self.cluster.conninfo(), "-c", "update device_alias set meter_id = "
                                     "(select meter_id from meter where key = 'C001') where value = 'C000'"])
        self.addCleanup(exchange.kill)
        wait(lambda: int(self.cluster.sql("select count(*) from pg_locks where locktype = 'advisory' and not granted")) > 0
             or exchange.poll() is not None, 30, "the exchange to be made or to wait")
        self.gate.resume()
        self.assertEqual(exchange.wait(30), 0)
        self.daemon.wait_done()
        stored = {(m, at) for m, at, _ in readings.stored(self.cluster.sql).intervals if m in ("C000", "C001") and at // 86400 ==
                  readings.epoch(readings.DAY) // 86400 + day}
        self.assertEqual({m for m, _ in stored}, {"C000", "C001"}, "the batch was stored as it was resolved, and once")
        self.assertEqual(len(stored), 16)
        self.cluster.sql("update device_alias set meter_id = (select meter_id from meter where key = 'C000') where value = 'C000'")
        self.end_well()

    # --- the way to it

    def test_commit_is_lost_on_its_way(self):
        trap = self.gate.trap("lose", nth=3)
        self.daemon.drop(*self.files())
        self.daemon.wait(trap.sprung.is_set, 30, "the third commit")
        self.daemon.wait(lambda: "in_doubt" in self.daemon.faults(), 30, "the doubt to be told")
        self.end_well()

    def test_the_answer_of_commit_is_lost(self):
        before = int(self.cluster.sql("select count(*) from source"))
        trap = self.gate.trap("commit_lose_answer", nth=1)
        self.daemon.drop(*self.files())
        self.daemon.wait(trap.sprung.is_set, 30, "the first commit")
        self.daemon.wait(lambda: "in_doubt" in self.daemon.faults(), 30, "the doubt to be told")
        self.assertGreater(int(self.cluster.sql("select count(*) from source")), before, "it was committed")
        self.end_well()

    @long
    def test_the_answer_of_commit_is_lost_again_and_again(self):
        traps = [self.gate.trap("commit_lose_answer", nth=n) for n in (1, 1, 1, 2, 2, 3)]
        self.daemon.drop(*self.files())
        self.daemon.wait(lambda: all(trap.sprung.is_set() for trap in traps), 60, "six lost answers")
        self.end_well()

    def test_a_server_that_stalls_for_longer_than_we_wait(self):
        self.in_flight()
        self.gate.stall()
        self.daemon.drop(*self.files(2))
        self.daemon.wait(lambda: "did not answer for 4000 ms" in self.daemon.log(), 60, "the patience to end")
        self.daemon.wait_unready("database")
        self.gate.resume()
        self.end_well()

    @long
    def test_a_stall_between_commit_and_its_answer(self):
        trap = self.gate.trap("hold_answer", nth=2)
        self.daemon.drop(*self.files())
        self.daemon.wait(trap.sprung.is_set, 30, "the second commit")
        self.daemon.wait(lambda: "did not answer for 4000 ms" in self.daemon.log(), 60, "the patience to end")
        self.gate.resume()
        self.end_well()

    @long
    def test_a_short_stall_is_sat_out(self):
        self.in_flight()
        retries = self.daemon.metric("ami_feed_commit_retries_total")
        self.gate.stall("to_client")
        self.daemon.drop(*self.files(2))
        self.daemon.wait(lambda: self.daemon.metric("ami_feed_commits_waiting") > 0, 30, "a commit to wait")
        self.gate.resume()
        self.daemon.wait_done()
        self.assertEqual(self.daemon.metric("ami_feed_commit_retries_total"), retries)
        self.end_well()

    @long
    def test_connections_are_refused(self):
        self.in_flight()
        self.gate.refuse()
        self.gate.cut()
        self.daemon.drop(*self.files(2))
        self.daemon.wait_unready("database", "refused")
        self.gate.accept()
        self.end_well()

    @long
    def test_connections_are_reset(self):
        self.in_flight()
        self.gate.cut(reset=True)
        self.end_well()

    @long
    def test_the_way_to_the_server_is_closed_and_the_way_back_is_open(self):
        self.in_flight()
        self.gate.half_close()
        self.end_well()

    @long
    def test_a_slow_line(self):
        self.gate.slow(delay_s=0.002, bytes_per_s=2_000_000)
        self.addCleanup(self.gate.slow)
        retries = self.daemon.metric("ami_feed_commit_retries_total")
        self.daemon.drop(*self.files())
        self.daemon.wait_done()
        self.gate.slow()
        self.assertEqual(self.daemon.metric("ami_feed_commit_retries_total"), retries, "slow is no fault")
        self.end_well()


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *(a for a in sys.argv[1:] if a != "--all")], verbosity=2)
