#!/usr/bin/env python3
"""The server's disk is full: batches wait, nobody is told that they are stored, and when there is room again all of them are, once.

The disk is a tmpfs of 48 MB for the tables, or of 160 MB for all of the cluster, in a mount namespace of the test's own, so that nothing
of it outlives the test. Mounting needs root; without it the test is skipped and says so.
"""
import os
import pathlib
import shutil
import subprocess
import sys
import unittest

INSIDE = "AMI_CHAOS_MOUNTS"


def enter_namespace():
    """Runs this program again where it may mount; ends with 77 when it may not."""
    if os.environ.get(INSIDE):
        return
    trial = subprocess.run(["unshare", "-m", "sh", "-c", "mount -t tmpfs -o size=1m none /mnt"], check=False, stdout=subprocess.PIPE,
                           stderr=subprocess.STDOUT, text=True) if shutil.which("unshare") else None
    if os.geteuid() != 0 or trial is None or trial.returncode != 0:
        print(f"skipped: mounting a small disk needs root and the right to mount: {trial.stdout.strip() if trial else 'no unshare'}")
        raise SystemExit(77)
    os.execvpe("unshare", ["unshare", "-m", "--propagation", "private", sys.executable, *sys.argv], {**os.environ, INSIDE: "1"})


enter_namespace()
from harness import Cluster, Daemon, check_exact, new_files, server_user  # noqa: E402


def small_disk(folder, megabytes):
    user = server_user()
    folder.mkdir(exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,uid={user.pw_uid},gid={user.pw_gid},mode=0700", "none", folder], check=True)


def fill(folder):
    """Takes all the room that is left."""
    with open(folder / "filler", "wb", buffering=0) as filler:
        size = 1 << 20
        while size:
            try:
                filler.write(b"\0" * size)
            except OSError:
                size //= 2
    return folder / "filler"


class DiskFull(unittest.TestCase):
    def test_no_room_for_tables(self):
        with Cluster() as cluster:
            disk = cluster.folder / "disk"
            small_disk(disk, 48)
            self.addCleanup(subprocess.run, ["umount", "-l", disk], check=True)
            cluster.sql(f"create tablespace small location '{disk}'")
            cluster.sql("create database tight tablespace small")
            with Daemon(cluster, "tight") as daemon:
                daemon.start()
                daemon.import_meters()
                daemon.drop(*new_files("before", 0))
                daemon.wait_done()
                filler = fill(disk)
                day = 1
                while daemon.metric("ami_feed_commit_retries_total") == 0:  # what room is left in the tables' own files is used up
                    self.assertLess(day, 40, "the disk never was full")
                    before = daemon.metric("ami_feed_commit_seconds_count")
                    daemon.drop(*new_files(f"full-{day}", 0, day=day))
                    daemon.wait(lambda b=before: daemon.metric("ami_feed_commit_seconds_count") > b
                                or daemon.metric("ami_feed_commit_retries_total") > 0, 30, "a commit")
                    day += 1
                daemon.wait_unready("No space left on device")
                self.assertIn("transient", daemon.faults())
                filler.unlink()
                daemon.wait_done()
                daemon.wait(daemon.ready, 30, "the gateway to be ready again")
                check_exact(self, daemon, lambda query: cluster.sql(query, "tight"))
                self.assertEqual(daemon.metric("ami_feed_commits_refused_total"), 0)

    def test_no_room_for_the_log_of_the_server(self):
        # Without room for its log PostgreSQL ends at once; an administrator makes room and starts it.
        folder = Cluster.new_folder()
        small_disk(folder / "disk", 160)
        self.addCleanup(shutil.rmtree, folder, True)
        self.addCleanup(subprocess.run, ["umount", "-l", folder / "disk"], check=True)
        with Cluster(min_wal_size="32MB", wal_recycle="off") as cluster:
            wal = pathlib.Path(folder / "disk" / "pg_wal")
            cluster.stop()
            shutil.move(cluster.data / "pg_wal", wal)
            (cluster.data / "pg_wal").symlink_to(wal)
            subprocess.run(["chown", "-R", f"{server_user().pw_uid}", folder], check=True)
            cluster.start()
            with Daemon(cluster) as daemon:
                daemon.start()
                daemon.import_meters()
                daemon.drop(*new_files("before", 0))
                daemon.wait_done()
                filler = fill(folder / "disk")
                cluster.sql("select pg_switch_wal()", check=False)
                daemon.drop(*new_files("full", 1))
                daemon.wait_unready("database")
                self.assertIn("No space left on device", cluster.log())
                filler.unlink()
                if "1" != cluster.sql("select 1", check=False):
                    cluster.pg_ctl("start", "-o", f"-c unix_socket_directories={cluster.folder} -c unix_socket_permissions=0777", check=False)
                daemon.wait_done()
                check_exact(self, daemon, cluster.sql)


if __name__ == "__main__":
    unittest.main(verbosity=2)
