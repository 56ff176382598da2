#!/usr/bin/env python3
"""The daemon links no simulated far side (adapters/<family>/peer/). usage: links_no_peer.py BUILD.NINJA [PROGRAM]"""
import re
import subprocess
import sys


def main(ninja, program=None):
    with open(ninja, encoding="utf-8") as text:
        found = re.search(r"^build bin/ami-gatewayd: .*?^  LINK_LIBRARIES = (.*?)$", text.read(), re.S | re.M)
    if not found:
        print(f"{ninja}: no rule links bin/ami-gatewayd")
        return 1
    libraries = found.group(1).split()
    peers = [name for name in libraries if re.search(r"/peer/|_peer\b|fieldsim|_testing\b", name)]
    if program:
        symbols = subprocess.run(["nm", "-C", program], check=True, stdout=subprocess.PIPE, text=True).stdout
        peers += [line for line in symbols.splitlines() if re.search(r"ami::(\w+::)*(peer|testing)::", line)]
    for peer in peers[:20]:
        print("the daemon links", peer)
    print(f"{len(libraries)} libraries, {len(peers)} of peers")
    return 1 if peers or not libraries else 0


sys.exit(main(*sys.argv[1:]))
