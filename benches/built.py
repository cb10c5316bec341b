"""Names the program that cargo says it built for a bench."""
import json
import sys

for line in sys.stdin:
    built = json.loads(line)
    if built.get("executable") and built["target"]["name"] == sys.argv[1]:
        print(built["executable"])
