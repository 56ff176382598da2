#!/usr/bin/env python3
"""The daemon links no simulated far side and no virtual meter: its link edge in a build.ninja. Exit 1 where it does,
or where the edge is not found."""
import os
import re
import sys

NEVER = re.compile(r"libami_(peer_\w+|\w+_peer|virtual_meter)\.a")


def main(build_file):
    with open(build_file, encoding="utf-8") as text:
        edges = [line for line in text if re.match(r"build (\S*/)?ami-gatewayd: ", line)]
    linked = {os.path.basename(part) for edge in edges for part in edge.split()}
    if "libami_adapters.a" not in linked:
        print(f"{build_file}: no link edge of ami-gatewayd with its adapters")
        return 1
    found = sorted(part for part in linked if NEVER.fullmatch(part))
    if found:
        print("ami-gatewayd links " + ", ".join(found))
        return 1
    print(f"{len(linked)} inputs, no peer")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
