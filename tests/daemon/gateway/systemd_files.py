#!/usr/bin/env python3
"""Unit, sysusers and tmpfiles files: exposure at most 2.0, and read by systemd's own tools. 77 = tools missing."""
import os
import re
import shutil
import subprocess
import sys
import tempfile

folder = os.path.abspath(sys.argv[1])
failures = []


def run(*command):
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)


if not all(map(shutil.which, ("systemd-analyze", "systemd-sysusers", "systemd-tmpfiles"))):
    print("systemd's tools are missing: run deploy/setup")
    sys.exit(77)

unit = os.path.join(folder, "ami-gatewayd.service")
security = run("systemd-analyze", "security", "--offline=true", unit)
exposure = re.search(r"Overall exposure level for ami-gatewayd.service: ([0-9.]+)", security.stdout)
if not exposure or float(exposure.group(1)) > 2.0:
    failures.append("systemd-analyze security:\n" + security.stdout[-2000:])
else:
    print("exposure", exposure.group(1))

# verify also complains about programs that are not installed here; only what it says about the file itself counts.
verified = run("systemd-analyze", "verify", unit)
for line in verified.stdout.splitlines():
    if re.search(r"ami-gatewayd.service:\d+:|[Uu]nknown|Failed to parse|Invalid", line):
        failures.append("systemd-analyze verify: " + line)

with tempfile.TemporaryDirectory() as root:
    os.makedirs(os.path.join(root, "etc"))
    users = os.path.join(folder, "ami-gateway.sysusers.conf")
    made = run("systemd-sysusers", "--dry-run", f"--root={root}", users)
    if made.returncode != 0 or "Creating user 'ami-gateway'" not in made.stdout:
        failures.append("systemd-sysusers: " + made.stdout)
    if os.geteuid() == 0:  # only root may give folders to the new user
        run("systemd-sysusers", f"--root={root}", users)
        created = run("systemd-tmpfiles", "--create", f"--root={root}", os.path.join(folder, "ami-gateway.tmpfiles.conf"))
        inbox = os.path.join(root, "var/lib/ami-gateway/inbox/ssn")
        if created.returncode != 0 or not os.path.isdir(inbox) or os.stat(inbox).st_mode & 0o7777 != 0o2770:
            failures.append("systemd-tmpfiles: " + created.stdout)
        credentials = os.path.join(root, "etc/ami-gateway/credentials")
        if not os.path.isdir(credentials) or os.stat(credentials).st_mode & 0o077:
            failures.append("the folder of the credentials is open to others")

with open(unit, encoding="utf-8") as text:
    settings = text.read()
for needed in ("Type=notify", "User=ami-gateway", "StateDirectory=", "LoadCredential=", "WatchdogSec=", "ExecReload="):
    if needed not in settings:
        failures.append(f"the unit lacks {needed}")
for failure in failures:
    print(failure)
sys.exit(1 if failures else 0)
