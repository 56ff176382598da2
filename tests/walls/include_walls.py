#!/usr/bin/env python3
"""Who may include whom (CONTRIBUTING.md, "The house"). Exit 1 and one line for each include that crosses a wall."""
import os
import re
import sys

INCLUDE = re.compile(r'^\s*#\s*include\s*"([^"]+)"')
# Headers that cost seconds to compile: only in headers that no other folder includes.
HEAVY = re.compile(r'^\s*#\s*include\s*<(grpcpp/|grpc/|pqxx/|yaml-cpp/|expat|pugixml|boost/beast|boost/json|prometheus/|CLI/)')


def room(path):
    """The room of the house that a file stands in, most specific first."""
    parts = path.split("/")
    if parts[0] == "adapters" and len(parts) > 2:
        if len(parts) > 3 and parts[2] == "peer":
            return "adapters/peer:" + parts[1]
        if len(parts) > 3 and parts[2] == "codec":  # a wire that only this family speaks
            return "adapters/codec:" + parts[1]
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
    if target.startswith("adapters/codec:"):
        name = target.split(":")[1]
        return source in ("tools", "adapters/module:" + name, "adapters/peer:" + name)
    if source.startswith(("adapters/module:", "adapters/peer:")):  # a module does not know its own far side either
        return target in ("adapters/sdk", "adapters/wire")
    if source == "daemon":
        return target in ("storage", "proto", "adapters/sdk", "adapters/wire")
    if source == "tools":
        # The simulated field hosts peers, which are handed the SDK's services as adapters are.
        return target in ("proto", "adapters/sdk", "adapters/wire") or target.startswith("adapters/peer:")
    return False


def read_includes(root, rooms):
    """path -> [(line, what, quoted)] of every source file."""
    found = {}
    for top in rooms:
        for folder, _, names in os.walk(os.path.join(root, top)):
            for name in names:
                if not name.endswith((".h", ".cc")):
                    continue
                path = os.path.relpath(os.path.join(folder, name), root)
                found[path] = []
                with open(os.path.join(folder, name), encoding="utf-8") as text:
                    for number, line in enumerate(text, 1):
                        quoted = INCLUDE.match(line)
                        if quoted:
                            found[path].append((number, quoted.group(1), True))
                        elif HEAVY.match(line):
                            found[path].append((number, line.strip(), False))
    return found


def heavy_headers(includes):
    """Headers that pull in a heavy one, directly or through another header of the project."""
    heavy = {path for path, lines in includes.items() if path.endswith(".h") and any(not quoted for _, _, quoted in lines)}
    grown = True
    while grown:
        more = {path for path, lines in includes.items() if path.endswith(".h") and path not in heavy
                and any(what in heavy for _, what, _ in lines)}
        heavy |= more
        grown = bool(more)
    return heavy


def main(root):
    rooms = ("meter_model", "adapters", "storage", "daemon", "tools")
    includes = read_includes(root, rooms)
    heavy = heavy_headers(includes)
    crossings = []
    for path, lines in sorted(includes.items()):
        for number, what, quoted in lines:
            if not quoted:
                continue
            if what.split("/")[0] in rooms and not allowed(room(path), room(what)):
                crossings.append(f"{path}:{number}: {room(path)} must not know {what}")
            if what in heavy and os.path.dirname(what) != os.path.dirname(path):
                crossings.append(f"{path}:{number}: heavy header from another folder: {what}")
    for crossing in crossings:
        print(crossing)
    print(f"{len(includes)} files, {len(crossings)} crossings")
    return 1 if crossings or not includes else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
