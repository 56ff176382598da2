#!/usr/bin/env python3
"""The crash matrix: the gateway kills itself with SIGKILL at a named point of the way of a read, and is started again.

At the moment of death everything that was acknowledged (file in done/, position recorded) is stored; after the restart everything
that was sent is stored once. Without arguments a sample runs; --matrix runs each point at its passings 1, 2 and 5 and prints a table.
"""
import re
import signal
import sys
import unittest

from harness import Cluster, Daemon, ROOT, check_acknowledged, check_exact, new_files

PASSINGS = (1, 2, 5)
SAMPLE = [("ingest.before_copy", 3), ("ingest.before_commit", 2), ("ingest.after_commit", 4), ("drop_folder.after_commit_before_move", 1),
          ("drop_folder.after_move", 2), ("migrate.after_commit", 2)]
# Points that reading files never passes, and the test that crashes them.
ELSEWHERE = {
    "journal.before_sync": "tests/storage/journal/crash_test.cc",
    "journal.after_sync": "tests/storage/journal/crash_test.cc",
    "journal.salvaged": "tests/storage/journal/damage_test.cc",
    "journal.set_aside": "tests/storage/journal/damage_test.cc",
    "reprocess.after_commit": "tests/e2e/reprocess/reprocess_test.py",
    "reprocess.before_progress": "tests/e2e/reprocess/reprocess_test.py",
    "journal.before_trim": "tests/daemon/gateway/pushed_process_test.cc",
    "command_sent": "tests/daemon/gateway/commands_process_test.cc",
    "reprocess.before_progress": "tests/e2e/reprocess/reprocess_test.py",
    "reprocess.after_commit": "tests/e2e/reprocess/reprocess_test.py",
}
MATRIX = "--matrix" in sys.argv


def points():
    """As they stand in the source, so that a new point cannot be forgotten."""
    found = set()
    for folder in ("adapters", "daemon", "storage", "meter_model"):
        for file in (ROOT / folder).rglob("*.cc"):
            found.update(re.findall(r'\bfailpoint\("([a-z_.]+)"\)', file.read_text()))
    return sorted(found)


class Crash(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.cluster = Cluster()
        cls.addClassCleanup(cls.cluster.close)
        with Daemon(cls.cluster) as daemon:
            daemon.start()
            daemon.import_meters()
            daemon.stop()
        cls.rows = []

    def crash(self, point, passing):
        name = f"{point.replace('.', '_')}_{passing}"
        database = f"cell_{name}"
        self.cluster.sql(f"create database {database} template {'template0' if point.startswith('migrate.') else 'ami'}", "postgres")
        with Daemon(self.cluster, database) as daemon:
            def sql(query):
                return self.cluster.sql(query, database)
            if not point.startswith("migrate."):
                for part in range(3):
                    daemon.drop(*new_files(name, part))
            daemon.start(failpoint=f"{point}:{passing}", ready=False)
            daemon.wait(lambda: not daemon.alive(), 60, f"the end at the {passing}th passing of {point}", alive=False)
            self.assertEqual(daemon.process.returncode, -signal.SIGKILL, daemon.log()[-3000:])
            self.assertIn("id=FAILPOINT_SET", daemon.log())
            at_death = {}
            if not point.startswith("migrate."):
                at_death = check_acknowledged(self, daemon, sql)
            done = sum(daemon.place(file) == "done" for file in daemon.files)

            daemon.start()
            if point.startswith("migrate."):
                daemon.import_meters()
                daemon.drop(*new_files(name, 0))
            daemon.wait_done()
            check_exact(self, daemon, sql)
            daemon.stop()
            self.rows.append((point, passing, done, at_death.get("intervals", 0), len(daemon.said().intervals)))
        self.cluster.sql(f"drop database {database}", "postgres")

    @unittest.skipIf(MATRIX, "the matrix has these")
    def test_sample(self):
        for point, passing in SAMPLE:
            with self.subTest(point=point, passing=passing):
                self.crash(point, passing)

    @unittest.skipUnless(MATRIX, "runs with --matrix")
    def test_matrix(self):
        for point in points():
            if point not in ELSEWHERE:
                for passing in (*PASSINGS, 20) if point.startswith("ingest.") else PASSINGS:
                    with self.subTest(point=point, passing=passing):
                        self.crash(point, passing)
        passings = sorted({row[1] for row in self.rows})
        print("\n| killed at | " + " | ".join(f"passing {n}" for n in passings) + " |\n|---|" + "---|" * len(passings))
        for point in sorted({row[0] for row in self.rows}):
            cells = {row[1]: f"{row[3]:,} in {row[2]} files" for row in self.rows if row[0] == point}
            print(f"| `{point}` | " + " | ".join(cells.get(n, "") for n in passings) + " |")
        print(f"\n{len(self.rows)} crashes.")

    def test_each_point_of_the_source_is_crashed_somewhere(self):
        known = set(points())
        self.assertGreaterEqual(known, {point for point, _ in SAMPLE})
        self.assertGreaterEqual(known, set(ELSEWHERE))
        for point, test in ELSEWHERE.items():
            self.assertIn(point, (ROOT / test).read_text(), f"{test} does not crash {point}")


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *(a for a in sys.argv[1:] if a != "--matrix")], verbosity=2)
