#!/usr/bin/env python3
"""Callbacks through the whole gateway: acknowledged is stored, once, whatever is killed, stopped or repeated meanwhile.

With --all the storm is waited for until the last of its outages is in the database, which takes minutes.
"""
import signal
import sys
import unittest

from callback_site import METERS, AskedHeadEnd, Site, outage, post_all, post_once, reading
from harness import Cluster

STORM = 20_000
ALL = "--all" in sys.argv


class Callbacks(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.cluster = Cluster()
        cls.addClassCleanup(cls.cluster.close)
        with Site(cls.cluster) as site:
            site.start()
            site.import_meters(METERS)
            site.stop()

    def site(self, name, **more):
        """With a database of its own, in which the meters are known."""
        self.cluster.sql(f"create database {name} template ami", "postgres")
        self.addCleanup(self.cluster.sql, f"drop database {name} with (force)", "postgres", False)
        site = Site(self.cluster, name, **more)
        self.addCleanup(site.close)
        return site

    def check_sources(self, site):
        """One source a message, however often it was stored."""
        self.assertEqual(site.sql("SELECT count(*) - count(DISTINCT content_sha256) FROM source"), "0")
        self.assertEqual(site.sql("SELECT count(*) FROM register_revision"), "0")
        self.assertEqual(site.sql("SELECT count(*) FROM quarantine"), "0")

    def test_killed_right_after_a_reply_and_at_each_point_of_the_way_nothing_is_lost_or_doubled(self):
        site = self.site("killed")
        sent = set()
        for point in (None, "journal.after_sync:5", "journal.before_trim:1", "ingest.after_commit:3"):
            with self.subTest(point=point):
                bodies = {n: reading(n) for n in range(len(sent), len(sent) + 200)}
                sent |= set(bodies)
                site.start(failpoint=point)
                answered = []

                def kill_at_reply(number):
                    answered.append(number)
                    if point is None and len(answered) == 60:
                        site.process.kill()
                taken = post_all(site.port(), bodies, on_answer=kill_at_reply)
                site.wait(lambda: not site.alive(), 60, f"the end at {point}", alive=False)
                self.assertEqual(site.process.returncode, -signal.SIGKILL, site.log()[-3000:])
                site.start()
                site.wait_drained()
                stored = site.stored()
                self.assertLessEqual(taken, set(stored), "acknowledged and not stored")
                self.assertLessEqual(set(stored), sent)
                self.assertEqual(len(stored), len(set(stored)))
                again = {n: body for n, body in bodies.items() if n not in taken}  # as a head-end does
                self.assertEqual(post_all(site.port(), again), set(again))
                site.wait_drained()
                self.assertEqual(site.stored(), sorted(sent))
                self.check_sources(site)
                self.assertNotIn("id=JOURNAL_DAMAGED", site.log())
                site.stop()

    def test_without_postgresql_callbacks_are_taken_up_to_the_bound_and_stored_when_it_is_back(self):
        cluster = Cluster()
        self.addCleanup(cluster.close)
        with Site(cluster, max_messages=50) as site:
            site.start()
            site.import_meters(METERS)
            port = site.port()
            cluster.stop()
            bodies = {n: reading(n) for n in range(50)}
            self.assertEqual(post_all(port, bodies, senders=1), set(bodies))
            status, retry_after = post_once(port, reading(50))
            self.assertEqual((status, retry_after), (503, "5"))
            site.kill()
            cluster.start()
            site.start()
            site.wait_drained()
            self.assertEqual(site.stored(), list(range(50)))
            # And without a restart.
            cluster.stop("immediate")
            more = {n: reading(n) for n in range(50, 100)}
            self.assertEqual(post_all(site.port(), more), set(more))
            cluster.start()
            site.wait_drained()
            self.assertEqual(post_once(site.port(), reading(100))[0], 200)
            site.wait_drained()
            self.assertEqual(site.stored(), list(range(101)))
            self.check_sources(site)
            site.stop()

    def test_the_same_callback_ten_times_is_stored_once_at_once_or_after_it_was_stored(self):
        site = self.site("repeated")
        site.start()
        port = site.port()
        self.assertEqual([post_once(port, reading(7, "t-7"))[0] for _ in range(10)], [200] * 10)
        self.assertEqual([post_once(port, outage(8, "t-8"))[0] for _ in range(10)], [200] * 10)
        site.wait_drained()
        for body in (reading(7, "t-7"), outage(8, "t-8")):
            self.assertEqual(post_once(port, body)[0], 200)
        site.wait_drained()
        self.assertEqual(site.stored(), [7])
        self.assertEqual(site.stored("event"), [8])
        self.check_sources(site)
        # A head-end that stamps each message anew says the same again, later: another statement, and the same reading.
        for body in (reading(7, "t-7"), outage(8, "t-8")):
            self.assertEqual(post_once(port, body.replace(b'TimeStamp="2026-01-15T00:00:00Z"', b'TimeStamp="2026-01-15T00:09:00Z"'))[0], 200)
        site.wait_drained()
        self.assertEqual(site.stored(), [7])
        self.assertEqual(site.stored("event"), [8])
        self.assertEqual(site.sql("SELECT DISTINCT (mantissa * 10::numeric ^ exponent)::bigint FROM register_revision"), "7000")
        site.stop()

    def test_a_callback_for_a_transaction_that_nobody_knows_is_stored_as_a_reading(self):
        site = self.site("unknown")
        site.start()
        self.assertEqual(post_once(site.port(), reading(3, "asked-by-nobody"))[0], 200)
        site.wait_drained()
        self.assertEqual(site.stored(), [3])
        self.assertEqual(site.sql("SELECT count(*) FROM operation"), "0")
        site.stop()

    def test_a_callback_for_a_transaction_that_has_expired_is_kept_as_late_and_its_reading_is_stored(self):
        head_end = AskedHeadEnd()
        self.addCleanup(head_end.close)
        site = self.site("expired", head_end=head_end)
        site.start()
        self.assertEqual(site.read_now(METERS[5]), 1)
        self.assertEqual(site.sql("SELECT state, reason FROM operation_target"), "TIMED_OUT|no_answer")
        [transaction] = head_end.asked
        late = reading(505, transaction)
        self.assertEqual(post_once(site.port(), late)[0], 200)
        site.kill()
        site.start()
        site.wait_drained()

        def expect_late():
            self.assertEqual(site.stored(), [505])
            self.assertEqual(site.sql("SELECT state, reason FROM operation_target"), "TIMED_OUT|no_answer")
            self.assertEqual(site.sql("SELECT transaction, found, state FROM operation_answer"), f"{transaction}|TIMED_OUT|SUCCEEDED")
        expect_late()
        number = site.sql("SELECT operation_id FROM operation")
        self.assertIn("answers that came later and changed nothing", site.amictl("--utility", "u", "operations", "show", number))
        before = int(site.sql("SELECT times FROM operation_answer"))
        for _ in range(3):  # each comes after the one before was stored
            self.assertEqual(post_once(site.port(), late)[0], 200)
            site.wait_drained()
        expect_late()
        self.assertEqual(int(site.sql("SELECT times FROM operation_answer")), before + 3)
        self.assertIn("id=COMMAND_ANSWERS_KEPT", site.log())
        self.assertEqual(head_end.asked, [transaction], "asked once")
        self.check_sources(site)
        site.stop()

    def test_wrong_credentials_and_garbage_are_kept_nowhere_and_the_next_good_one_is(self):
        site = self.site("wrong")
        site.start()
        port = site.port()
        self.assertEqual(post_once(port, reading(1).replace(b"made-up", b"guessed"))[0], 500)
        self.assertEqual(post_once(port, b'<!DOCTYPE l [<!ENTITY a "b">]><l>&a;</l>')[0], 500)
        self.assertEqual(post_once(port, reading(1))[0], 200)
        site.wait_drained()
        self.assertEqual(site.stored(), [1])
        self.assertNotIn("guessed", site.log())
        self.assertNotIn("made-up", site.log())
        site.stop()

    def test_a_storm_of_outages_is_taken_in_bounded_memory_and_each_is_in_the_journal_or_stored(self):
        site = self.site("storm")
        site.start()
        port = site.port()
        first = {n: outage(n) for n in range(STORM // 10)}
        self.assertEqual(len(post_all(port, first, senders=16)), len(first))
        before = site.resident_mb()["peak"]
        rest = {n: outage(n) for n in range(STORM // 10, STORM)}
        self.assertEqual(len(post_all(port, rest, senders=32)), len(rest))
        waiting = site.metric("ami_journal_messages")
        stored = site.stored("event")  # asked afterwards: what is stored meanwhile is in both, and nothing is in neither
        self.assertGreaterEqual(waiting + len(stored), STORM)
        self.assertEqual(len(stored), len(set(stored)))
        if ALL:
            site.wait_drained(600)
            self.assertEqual(site.stored("event"), list(range(STORM)))
        after = site.resident_mb()["peak"]
        print(f"storm: peak resident {before} MB after {len(first)} outages, {after} MB after {STORM}")
        self.assertLess(after - before, 100)
        site.kill()


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *(a for a in sys.argv[1:] if a != "--all")], verbosity=2)
