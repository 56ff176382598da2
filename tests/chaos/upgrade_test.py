#!/usr/bin/env python3
"""A database of an earlier release, with data in it, is brought up to date by the gateway: it answers as before and takes new reads."""
import datetime
import hashlib
import json
import subprocess
import unittest

import readings
from harness import Cluster, Daemon, ROOT

SCHEMA = sorted((ROOT / "storage/schema").glob("*.sql"))
FROM = 4  # of release 0.1


def value(meter, day, slot):
    """As schema4_data.sql has it; None is a hole."""
    if (meter, day, slot) == (12, 30, 7):
        return 5_000_000_000
    return None if (meter + day + slot) % 97 == 0 else (meter * 7919 + day * 131 + slot) % 4000


def changed(before, after):
    """The first row of each that the other does not have."""
    was, now = set(before.splitlines()), set(after.splitlines())
    return sorted(was - now)[:1], sorted(now - was)[:1]


class Upgrade(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.cluster = Cluster()
        cls.addClassCleanup(cls.cluster.close)
        # The names that today's gateway gives to a channel: what an old one gave to it, or new reads would not join the old.
        with Daemon(cls.cluster) as daemon:
            daemon.start()
            daemon.import_meters(["C1", "S1"])
            daemon.drop(readings.cmep("probe.cmep", ["C1"], 0, 4, seed=0), readings.ssn("probe.xml", ["S1"], 0, 4, seed=0))
            daemon.wait_done()
            daemon.stop()
        cls.names = [row.split("|") for row in cls.cluster.sql(
            "select c.key, c.reading_type, c.unit from channel c where exists (select from interval_day d where d.channel_id = c.channel_id) and "
            "c.key like 'cmep%' union all select c.key, c.reading_type, c.unit from channel c where exists (select from register_read r "
            "where r.channel_id = c.channel_id)").splitlines()]
        assert len(cls.names) == 2, cls.names
        cls.mapping = cls.cluster.sql("select mapping_version from source where name = 'probe.cmep' limit 1")
        # A file that the old release had stored: the first eight hours of meter 5 on day 10.
        values = ",,R,".join(readings.text(value(5, 10, slot)) for slot in range(32))
        cls.known = readings.File("known.cmep", f"MEPMD01,19970819,HES,LDC,MDM,U005,202601112300,U005,OK,E,KWH,1.0,00000015,32,202601110015,R,{values}\r\n"
                                  .encode(), [])
        cls.old("old")

    @classmethod
    def old(cls, database):
        """A database at schema FROM, with data."""
        cls.cluster.sql(f"create database {database}", "postgres")
        cls.cluster.sql("create table schema_version (version int primary key, name text not null, sha256 text not null, "
                        "applied_at timestamptz not null default now())", database)
        for number, file in enumerate(SCHEMA[:FROM], 1):
            digest = hashlib.sha256(file.read_bytes()).hexdigest()
            cls.script(database, file)
            cls.cluster.sql(f"insert into schema_version (version, name, sha256) values ({number}, '{file.stem}', '{digest}')", database)
        (key, kind, unit), (dial_key, dial_kind, dial_unit) = cls.names
        cls.script(database, ROOT / "tests/chaos/schema4_data.sql", key=key, type=kind, unit=unit, dial_key=dial_key, dial_type=dial_kind,
                   dial_unit=dial_unit, known=cls.known.sha256, mapping=cls.mapping)

    @classmethod
    def script(cls, database, file, **variables):
        words = [word for name, text in variables.items() for word in ("-v", f"{name}={text}")]
        done = subprocess.run(["psql", "-Xq1", cls.cluster.conninfo(database), "-v", "ON_ERROR_STOP=1", "-c", "set timezone = 'UTC'", *words, "-f", file],
                              check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        assert done.returncode == 0, f"{file}: {done.stdout}"

    def contents(self, database, columns=None):
        """Every row of every table (or of these), as text, partitions through their parents; and what the analysts' views say.

        With `columns` (of an earlier look) only what is not our validation's own. Table gap was made anew by a migration: no release had written to it before.
        """
        compared = columns is not None
        columns = columns or dict(row.split("|") for row in self.cluster.sql(
            "select c.relname, string_agg(format('%I', a.attname), ', ' order by a.attnum) from pg_class c join pg_attribute a on a.attrelid = c.oid "
            "and a.attnum > 0 and not a.attisdropped where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p', 'v') "
            "and not c.relispartition and c.relname not in ('schema_version', 'gap') group by 1", database).splitlines())
        keys = {"interval_value": "meter_id, channel, start_at", "register_value": "meter_id, channel, at"}
        # What the new release's own validation says of the old values stands beside them.
        own = {"change": "where kinds & 64 = 0", "quality_set": "where not exists (select from unnest(codes) c where c like '2.%')"} if compared else {}
        script = "set timezone = 'UTC';\n" + "".join(
            f"\\echo ==== {table}\nselect {names} from {table} {own.get(table, '')} order by {keys.get(table, names)};\n" for table, names in columns.items())
        done = subprocess.run(["psql", "-XqAt", self.cluster.conninfo(database), "-v", "ON_ERROR_STOP=1"], input=script, check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        out = dict(part.split("\n", 1) for part in done.stdout.split("==== ")[1:])
        return columns, out

    def test_what_was_there_answers_as_before_and_new_reads_join_it(self):
        columns, before = self.contents("old")
        self.assertEqual(len(before["interval_day"].splitlines()), 480, "the fixture has data")
        with Daemon(self.cluster, "old") as daemon:
            daemon.start()
            newest = int(SCHEMA[-1].name[:4])
            self.assertGreater(newest, FROM)
            self.assertEqual(self.cluster.sql("select max(version) from schema_version", "old"), str(newest))
            _, after = self.contents("old", columns)
            for table, rows in before.items():
                self.assertEqual(changed(rows, after[table]), ([], []), f"{table} was changed by the upgrade")

            # Through the interface, against the formula.
            for meter, day in ((1, 0), (7, 17), (12, 30)):
                date = datetime.date(2026, 1, 1) + datetime.timedelta(days=day)
                lines = daemon.amictl("--utility", "u", "--output", "json", "reads", f"U{meter:03d}", "--intervals", "--from", f"{date}T00:00:00Z", "--to",
                                      f"{date + datetime.timedelta(days=1)}T00:00:00Z").splitlines()
                said = [found for line in lines if '"value"' in line for found in [json.loads(line)["value"]]]
                self.assertEqual([int(v) for v in said if v is not None], [v for v in (value(meter, day, s) for s in range(96)) if v is not None])
            self.assertIn("25000000", daemon.amictl("--utility", "u", "--output", "json", "reads", "U007", "--from", "2026-01-01", "--to", "2026-12-01").replace(
                str(7 * 1000000 + 39 * 20000), "25000000"))

            # A file that is dropped again says nothing new; a later statement about an old slot wins, and the earlier one is kept.
            daemon.drop(self.known)
            daemon.wait_done()
            old_days = self.cluster.sql("select values from interval_day where meter_id = 5 order by day", "old").splitlines()
            self.assertEqual([int(v) for v in old_days[10].strip("{}").split(",")],
                             [-2147483648 if value(5, 10, s) is None else value(5, 10, s) for s in range(96)])
            self.assertEqual(self.cluster.sql("select count(*) from interval_revision where meter_id = 5", "old"), "4", "as the fixture has it")
            fresh = readings.cmep("fresh.cmep", ["U003"], 0, 96, seed="new")  # of DAY, day 14 of the old data, stamped later
            daemon.drop(fresh)
            daemon.wait_done()
            sql = lambda query: self.cluster.sql(query, "old")  # noqa: E731
            row = sql("select values, version from interval_day where meter_id = 3 and day = '2026-01-15'").split("|")
            self.assertEqual([int(v) for v in row[0].strip("{}").split(",")], [wh for _, wh in sorted(fresh.said().intervals.items())])
            old = {s: value(3, 14, s) for s in range(96) if value(3, 14, s) is not None}
            kept = [line.split("|") for line in sql("select extract(epoch from start_at - '2026-01-15')::int / 900, mantissa * 10 ^ exponent from "
                                                   "interval_revision where meter_id = 3 and start_at >= '2026-01-15' and start_at < '2026-01-16' "
                                                   "and mantissa is not null").splitlines()]
            self.assertEqual({int(s): int(float(v)) for s, v in kept}, old)
            daemon.stop()

    def test_killed_in_the_middle_of_the_upgrade_it_goes_on_at_the_next_start(self):
        self.old("cut")
        columns, before = self.contents("cut")
        for point in ("migrate.before_commit:2", "migrate.after_commit:1", f"migrate.after_commit:{int(SCHEMA[-1].name[:4]) - FROM - 2}"):
            with Daemon(self.cluster, "cut") as daemon:
                daemon.start(failpoint=point, ready=False)
                self.assertEqual(daemon.process.wait(60), -9, daemon.log())
        with Daemon(self.cluster, "cut") as daemon:
            daemon.start()
            after = self.contents("cut", columns)[1]
            self.assertEqual({table: changed(rows, after[table]) for table, rows in before.items() if after[table] != rows}, {})
            daemon.stop()
        # Also the rights that come with a migration: none is left undone between two of its steps.
        self.assertEqual(self.rights("cut"), self.rights("ami"))

    def rights(self, database):
        return self.cluster.sql("select relname, relrowsecurity, relacl::text from pg_class where relnamespace = 'public'::regnamespace and "
                                "relkind in ('r', 'p', 'v') and not relispartition order by 1", database)

    def test_a_newer_database_is_refused_with_words_and_untouched(self):
        self.cluster.sql("create database newer template ami", "postgres")
        self.cluster.sql("insert into schema_version values (9999, '9999_future', 'x')", "newer")
        _, before = self.contents("newer")
        with Daemon(self.cluster, "newer") as daemon:
            daemon.start(ready=False)
            daemon.wait(lambda: (daemon.folder / "http.port").exists(), 30, "the gateway to listen")
            daemon.wait_unready("database", "9999_future", "use a newer release")
            self.assertIn("level=error id=DATABASE_UNFIT", daemon.log())
            daemon.stop()
        self.assertTrue(self.contents("newer")[1] == before)


if __name__ == "__main__":
    unittest.main(verbosity=2)
