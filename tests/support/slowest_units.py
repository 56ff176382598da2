#!/usr/bin/env python3
"""Prints the ten slowest translation units of a build folder (from Ninja's log) and those past the limit.

A unit that ccache answered looks fast: for true figures build once with CCACHE_DISABLE=1 in an empty folder.
"""
import sys

LIMIT_S = 8.0


def main():
    folder = sys.argv[1] if len(sys.argv) > 1 else "build"
    times = {}
    with open(f"{folder}/.ninja_log", encoding="utf-8") as log:
        for line in log:
            parts = line.rstrip("\n").split("\t")
            if len(parts) == 5 and parts[3].endswith((".o", ".gch")):
                times[parts[3]] = (int(parts[1]) - int(parts[0])) / 1000
    slowest = sorted(times.items(), key=lambda item: -item[1])[:10]
    for name, seconds in slowest:
        print(f"{seconds:7.1f} s  {name}")
    over = [name for name, seconds in times.items() if seconds > LIMIT_S]
    print(f"{len(times)} units, {sum(times.values()):.0f} s of compiling; {len(over)} over {LIMIT_S:.0f} s")


if __name__ == "__main__":
    main()
