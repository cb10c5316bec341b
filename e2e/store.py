"""The object store of `objects.py` as a process of its own, for checks that need one: its faults, its counts, its end."""

import json
import os
import subprocess
import urllib.request

from programs import fail

HERE = os.path.dirname(os.path.abspath(__file__))
MOTO = "moto[server]==5.2.5"


class Objects:
    """The object store of `objects.py`."""

    def __init__(self, programs, address="127.0.0.1"):
        command = [os.path.join(programs, "python"), os.path.join(HERE, "objects.py"), "0.0.0.0", "books"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        ready = self.process.stdout.readline().split()
        if ready[:1] != ["ready"]:
            fail("the object store does not start")
        self.number = int(ready[1])
        self.url = f"http://{address}:{self.number}"

    def ask(self, path, data=None):
        body = None if data is None else json.dumps(data).encode()
        with urllib.request.urlopen(f"http://127.0.0.1:{self.number}/-/{path}", data=body, timeout=30) as answer:
            return json.load(answer)

    def faults(self, **faults):
        self.ask("faults", faults)

    def askers(self):
        """Who asked for anything since the last call of `counts`."""
        return {name for name, of in self.ask("counts").items() if of["requests"]}

    def counts(self):
        """What each client asked for and got since the last call."""
        return self.ask("reset")
