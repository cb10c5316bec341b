"""Where the processes of a cluster run for the check beside it, and the processes."""

import os
import shutil
import signal
import subprocess
import time

from programs import fail


class Network:
    """Where processes run: each in a network namespace of its own, or on an address of the loopback of its own."""

    BRIDGE = "keikibr"
    GATEWAY = "10.77.0.1"

    def __init__(self):
        self.names = []
        self.is_apart = os.geteuid() == 0 and shutil.which("ip") is not None and self.ip("netns", "add", "keiki-try") and self.ip("netns", "del", "keiki-try")
        if self.is_apart:
            self.is_apart = self.ip("link", "add", self.BRIDGE, "type", "bridge") and self.ip("addr", "add", f"{self.GATEWAY}/24", "dev", self.BRIDGE) \
                and self.ip("link", "set", self.BRIDGE, "up")
        print(f"Processes run in {'network namespaces' if self.is_apart else 'the network of this machine, on addresses of the loopback'}", flush=True)

    @staticmethod
    def ip(*words):
        return subprocess.run(["ip", *words], capture_output=True).returncode == 0

    @property
    def gateway(self):
        return self.GATEWAY if self.is_apart else "127.0.0.1"

    def join(self, number):
        """Makes the place of a process. Returns its address and what a command there begins with."""
        if not self.is_apart:
            return f"127.77.0.{number}", ()
        name = f"keiki{number}"
        self.names.append(name)
        steps = [("netns", "add", name), ("link", "add", f"{name}o", "type", "veth", "peer", "name", f"{name}i"),
                 ("link", "set", f"{name}i", "netns", name), ("link", "set", f"{name}o", "master", self.BRIDGE, "up"),
                 ("-n", name, "addr", "add", f"10.77.0.{number}/24", "dev", f"{name}i"), ("-n", name, "link", "set", f"{name}i", "up"),
                 ("-n", name, "link", "set", "lo", "up")]
        for step in steps:
            if not self.ip(*step):
                fail(f"ip {' '.join(step)} fails")
        return f"10.77.0.{number}", ("ip", "netns", "exec", name)

    def cut(self, number, process):
        """Cuts a process off: nothing reaches it and nothing comes from it."""
        if self.is_apart:
            self.ip("link", "set", f"keiki{number}o", "down")
        else:
            os.kill(process.pid, signal.SIGSTOP)

    def leave(self):
        for name in self.names:
            # A namespace goes when nothing runs in it any more; the line into it has to go now.
            self.ip("link", "del", f"{name}o")
            self.ip("netns", "del", name)
        self.names = []

    def close(self):
        self.leave()
        if self.is_apart:
            self.ip("link", "del", self.BRIDGE)


class Cluster:
    """A scheduler and workers, each a process of its own."""

    SCHEDULER = 10

    def __init__(self, keiki, network, workers, folder, environment=None):
        """`environment` is what is otherwise in that of the workers; None = is not in it."""
        self.keiki, self.network, self.folder = keiki, network, folder
        self.logs = []
        self.address, self.inside = network.join(self.SCHEDULER)
        self.scheduler = self.start_scheduler()
        self.workers = {}
        for number in range(1, workers + 1):
            address, inside = network.join(self.SCHEDULER + number)
            self.workers[number] = self.spawn(
                f"worker{number}", "worker", "--scheduler", f"{self.address}:50050", "--listen", f"{address}:50051", "--name", f"worker{number}",
                "--threads", "1", "--cache-mib", "0", inside=inside, environment=environment)
        time.sleep(2)

    def spawn(self, name, *arguments, inside, environment=None):
        path = os.path.join(self.folder, f"{name}-{time.monotonic_ns()}.log")
        self.logs.append(path)
        with open(path, "w", encoding="utf-8") as log:
            return self.keiki.start(*arguments, inside=inside, client=name, environment=environment, stdout=log, stderr=log)

    def start_scheduler(self):
        process = self.spawn("scheduler", "scheduler", "--listen", f"{self.address}:50050", "--worker-timeout", "6", inside=self.inside)
        for _ in range(200):
            with open(self.logs[-1], encoding="utf-8") as log:
                if "listening on" in log.read():
                    return process
            if process.poll() is not None:
                fail(f"the scheduler ended: {self.said()}")
            time.sleep(0.05)
        fail("the scheduler does not start")

    def engine(self, timeout=120):
        return f"ballista://{self.address}:50050", f"cluster = {{ part_mib = 1, timeout_seconds = {timeout} }}\n"

    def cpu_seconds(self, number):
        with open(f"/proc/{self.workers[number].pid}/stat", encoding="utf-8") as file:
            words = file.read().rsplit(")", 1)[1].split()
        return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")

    def waits_for(self, words, times, seconds=60):
        """Waits until the processes have said something so often. Returns how often they have."""
        for _ in range(seconds * 10):
            count = self.said().count(words)
            if count >= times:
                break
            time.sleep(0.1)
        return count

    def said(self):
        return "\n".join(open(path, encoding="utf-8").read() for path in self.logs)

    def stop(self):
        for process in [self.scheduler, *self.workers.values()]:
            if process.poll() is None:
                process.kill()
            process.wait()
        self.network.leave()
        self.keiki.said.append(self.said())
