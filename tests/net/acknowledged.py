"""acknowledged.py LOG DOCUMENT PREFIX - compares the ports of a configuration, those whose
name begins with PREFIX, with the log of who made and removed them: what was acknowledged
is there, with its numbers; what is there was asked for, and not removed.

Lines of the log: "try add|del NAME" before, "done add|del NAME [OFPORT MAC]" after."""
import json
import sys

log, document, prefix = sys.argv[1:]
with open(document) as f:
    ports = {p["name"]: p for p in json.load(f)["ports"] if p["name"].startswith(prefix)}
must, may = {}, set()
with open(log) as f:
    for line in f:
        state, action, name, *numbers = line.split()
        if state == "try":
            may.add(name)  # in the air: either way is right
            must.pop(name, None)
        elif action == "add":
            must[name] = numbers
        else:
            may.discard(name)
assert set(must) <= set(ports), f"acknowledged, and lost: {set(must) - set(ports)}"
assert set(ports) <= may, f"never asked for, or removed: {set(ports) - may}"
for name, numbers in must.items():
    port = ports[name]
    now = [str(port["ofport"]), port.get("mac")][:len(numbers)]
    assert numbers == now, f"{name} had {numbers}, and has {now}"
