#!/usr/bin/env python3
"""Who may include whom (CONTRIBUTING.md, "The house"). Exit 1 and one line for each include that crosses a wall."""
import os
import re
import sys

INCLUDE = re.compile(r'^\s*#\s*include\s*"([^"]+)"')
# Headers that cost seconds to compile: never in a public header.
HEAVY = re.compile(r'^\s*#\s*include\s*<(grpcpp/|grpc/|pqxx/|yaml-cpp/|expat|pugixml|boost/beast|boost/json|prometheus/|CLI/)')


def room(path):
    """The room of the house that a file stands in, most specific first."""
    parts = path.split("/")
    if parts[0] == "adapters" and len(parts) > 2:
        return "adapters/" + (parts[1] if parts[1] in ("sdk", "wire") else "module:" + parts[1])
    return parts[0]


def allowed(source, target):
    """May a file of room `source` include a file of room `target`?"""
    if source == target:
        return True
    if target == "meter_model":
        return source != "proto"
    if source == "adapters/wire":
        return target == "adapters/sdk"
    if source.startswith("adapters/module:"):
        return target in ("adapters/sdk", "adapters/wire")
    if source == "daemon":
        return target in ("storage", "proto", "adapters/sdk", "adapters/wire")
    if source == "tools":
        return target in ("proto", "adapters/wire")
    return False


def main(root):
    rooms = ("meter_model", "adapters", "storage", "daemon", "tools")
    crossings = []
    files = 0
    for top in rooms:
        for folder, _, names in os.walk(os.path.join(root, top)):
            for name in names:
                if not name.endswith((".h", ".cc")):
                    continue
                files += 1
                path = os.path.relpath(os.path.join(folder, name), root)
                with open(os.path.join(folder, name), encoding="utf-8") as text:
                    for number, line in enumerate(text, 1):
                        found = INCLUDE.match(line)
                        if found:
                            target = found.group(1)
                            if target.split("/")[0] in rooms and not allowed(room(path), room(target)):
                                crossings.append(f"{path}:{number}: {room(path)} must not know {target}")
                            if "/peer/" in target and top == "daemon":
                                crossings.append(f"{path}:{number}: the daemon must not know {target}")
                        if name.endswith(".h") and HEAVY.match(line):
                            crossings.append(f"{path}:{number}: heavy header in a header: {line.strip()}")
    for crossing in crossings:
        print(crossing)
    print(f"{files} files, {len(crossings)} crossings")
    return 1 if crossings or files == 0 else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
