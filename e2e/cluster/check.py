"""Measures the same books on disk, on an object store and on a cluster, while things break, and fails where a figure is another.

    check.py KEIKI [--report FILE]

KEIKI was built with `--features cluster`. An object store that speaks S3 is started on this machine (moto, from PyPI, into a folder of its own), a scheduler
and workers as processes of their own: in network namespaces where this machine allows that, else on addresses of the loopback. `--report` writes what the
workers did as a table. Exit code: 0 all figures are the same and what could not be measured said so, 1 something was not as it should be, 2 a tool is missing
or fails.
"""

import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(HERE))

from programs import fail, libraries, run  # noqa: E402 (the folder beside this one)

MOTO = "moto[server]==5.2.5"
SECRET = "hush-" + "s" * 35
TOKEN = "t" * 40
UNITS = 40
ASSETS = 4000
BATCHES = 6
PERIOD = "2026-09"
KPIS = ["1", "7"]
ORGS = [word for unit in ["HD", *(f"U{unit:03}" for unit in range(UNITS))] for word in ("--org", unit)]
HEAD = "asset_id,org_unit,kind,name,is_in_scope,owner_id,owner_assigned_on,declared_on,inventoried_on,inventoried_by,disposed_on\n"

faults = []


def check(is_so, what):
    """Notes what is not as it should be."""
    print(f"  {'as it should be' if is_so else 'WRONG'}: {what}", flush=True)
    if not is_so:
        faults.append(what)


# The books -----------------------------------------------------------------------------------------------------------------

def write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def rows(number, count=ASSETS):
    """The rows of a batch: every batch says something of its own assets and of some that others spoke of."""
    chance = random.Random(number)
    lines = [HEAD]
    for asset in range(count // BATCHES * (number + 1)):
        if asset < count // BATCHES * number and chance.random() > 0.05:
            continue
        unit = f"U{chance.randrange(UNITS):03}"
        day = f"2026-{chance.randrange(4, 10):02}-{chance.randrange(1, 29):02}"
        owner = f"E{chance.randrange(90)},{day}" if chance.random() < 0.8 else ","
        inventoried = f"{day},declaration" if chance.random() < 0.7 else ","
        lines.append(f"A{asset},{unit},hardware,n{asset},{'true' if chance.random() < 0.9 else 'false'},{owner},{day},{inventoried},\n")
    return "".join(lines)


def make(folder, name, journal, more=""):
    """Makes a workspace whose sources are one for each batch."""
    place = os.path.join(folder, name)
    settings = f'language = "en"\nzone = "Asia/Tokyo"\njournal = "{journal}"\n{more}\n[organisation]\nname = {{ ja = "架空", en = "Fictional" }}\n'
    write(os.path.join(place, "keiki.toml"), settings)
    tree = ["id,parent_id,name_ja,name_en,kind,country,valid_from,valid_until,successor_id\nHD,,架空親会社,Parent,group,JP,,,\n"]
    tree += [f"U{unit:03},HD,架空{unit},Unit {unit},subsidiary,JP,,,\n" for unit in range(UNITS)]
    write(os.path.join(place, "org.csv"), "".join(tree))
    write(os.path.join(place, "programme.toml"), f"[adopted]\nkpis = [{', '.join(KPIS)}]\n")
    for number in range(BATCHES):
        source = (f'name = "s{number}"\nkind = "csv"\ndataset = "assets"\nplace = "evidence/s{number}.csv"\ncovers = ["HD"]\nprecedence = {number + 1}\n'
                  'extent = "part"\n')
        write(os.path.join(place, "sources", f"s{number}.toml"), source)
        write(os.path.join(place, "evidence", f"s{number}.csv"), rows(number))
    return place


def setting(place, engine="local", more=""):
    """Changes what measures the books of a workspace."""
    path = os.path.join(place, "keiki.toml")
    with open(path, encoding="utf-8") as file:
        text = file.read()
    text = re.sub(r'^engine = .*\n|^cluster = .*\n|^object_store = .*\n', "", text, flags=re.M)
    write(path, f'engine = "{engine}"\n{more}' + text)


class Keiki:
    """Runs the program with the object store's address and credentials in its environment."""

    def __init__(self, program, store):
        self.program = os.path.abspath(program)
        self.said = []
        self.environment = dict(
            os.environ, AWS_ACCESS_KEY_ID="keiki", AWS_SECRET_ACCESS_KEY=SECRET, AWS_REGION="us-east-1", AWS_ENDPOINT_URL=store,
            AWS_ALLOW_HTTP="true", KEIKI_CLUSTER_TOKEN=TOKEN, LC_ALL="C.UTF-8", KEIKI_LOG="warn,keiki_engine=info,keiki_store=info")

    def start(self, *arguments, inside=(), **more):
        return subprocess.Popen([*inside, self.program, "--language", "en", *arguments], env=self.environment, text=True, **more)

    def run(self, *arguments, codes=(0,)):
        done = subprocess.run([self.program, "--language", "en", *arguments], env=self.environment, capture_output=True, text=True, timeout=900)
        self.said += [done.stdout, done.stderr]
        if codes and done.returncode not in codes:
            fail(f"keiki {' '.join(arguments)} ended with {done.returncode}:\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}")
        return done

    def ingest(self, place):
        for number in range(BATCHES):
            self.run("ingest", f"s{number}", "--as-of", "2026-09-30", "--workspace", place, codes=(0, 3))

    def measure(self, place, is_fresh=True, codes=(0,)):
        """The figures of a workspace, without what says when and how they were computed."""
        if is_fresh:
            shutil.rmtree(os.path.join(place, ".keiki", "cubes"), ignore_errors=True)
        kpis = [word for kpi in KPIS for word in ("--kpi", kpi)]
        done = self.run("measure", *kpis, *ORGS, "--period", PERIOD, "--format", "json", "--workspace", place, codes=codes)
        if done.returncode != 0:
            return None, done
        return [{key: value for key, value in figure.items() if key != "known_at"} for figure in json.loads(done.stdout)], done


# The object store ----------------------------------------------------------------------------------------------------------

def port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


class Objects:
    """The object store of `objects.py`."""

    def __init__(self, programs, address):
        self.number = port()
        self.url = f"http://{address}:{self.number}"
        self.process = subprocess.Popen(
            [os.path.join(programs, "python"), os.path.join(HERE, "objects.py"), f"0.0.0.0:{self.number}", "books"], stdout=subprocess.PIPE, text=True)
        if self.process.stdout.readline().strip() != "ready":
            fail("the object store does not start")

    def ask(self, path, data=None):
        body = None if data is None else json.dumps(data).encode()
        with urllib.request.urlopen(f"http://127.0.0.1:{self.number}/-/{path}", data=body, timeout=30) as answer:
            return json.load(answer)

    def faults(self, **faults):
        self.ask("faults", faults)

    def counts(self):
        """Requests, refused requests and bytes by client since the last call."""
        return self.ask("reset")


def on_objects(keiki, objects, folder):
    """A journal on the object store gives the figures that one on disk gives, and loses nothing where two write at once."""
    print("A journal on an object store", flush=True)
    local = make(folder, "local", ".keiki/journal")
    keiki.ingest(local)
    expected, _ = keiki.measure(local)
    check(len(expected) > UNITS, f"{len(expected)} figures from a journal on disk")

    remote = make(folder, "remote", "s3://books/plain")
    keiki.ingest(remote)
    check(keiki.measure(remote)[0] == expected, "the figures of a journal on the object store are those of one on disk")
    check(keiki.run("verify", "--workspace", remote, codes=()).returncode == 0, "the journal on the object store is in order")

    shutil.rmtree(os.path.join(remote, ".keiki", "objects"), ignore_errors=True)
    objects.counts()
    keiki.measure(remote)
    first = total(objects.counts())
    keiki.measure(remote)
    second = total(objects.counts())
    setting(remote, more="object_store = { cache_mib = 0 }\n")
    keiki.measure(remote)
    none = total(objects.counts())
    print(f"  read: {first['bytes']} bytes at first, {second['bytes']} with what was kept, {none['bytes']} where nothing is kept")
    check(second["bytes"] < first["bytes"] / 2, "what was read once is not fetched again")
    check(none["bytes"] > second["bytes"], "where nothing may be kept, nothing is")
    setting(remote)

    writers = make(folder, "writers", "s3://books/writers")
    started = [keiki.start("ingest", f"s{number}", "--as-of", "2026-09-30", "--workspace", writers, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
               for number in range(BATCHES)]
    ended = [(process.communicate(timeout=600), process.returncode) for process in started]
    keiki.said += [text for said, _ in ended for text in said]
    check(all(code in (0, 3) for _, code in ended), f"{BATCHES} programs that write at the same time all end well: {[code for _, code in ended]}")
    check(keiki.measure(writers)[0] == expected, "nothing is lost and nothing counted twice where several write at the same time")

    broken = make(folder, "broken", "s3://books/broken", "object_store = { retry_seconds = 120 }")
    objects.faults(every=3, status=503, delay_ms=3)
    keiki.ingest(broken)
    check(keiki.measure(broken)[0] == expected, "a store that answers every third request with 503 gives the same figures")
    lost = make(folder, "lost", "s3://books/lost", "object_store = { retry_seconds = 120 }")
    objects.faults(lose=4)
    keiki.ingest(lost)
    check(keiki.measure(lost)[0] == expected, "a store that loses every fourth answer after it has written gives the same figures")
    away = make(folder, "away", "s3://books/plain", "object_store = { retry_seconds = 2 }")
    objects.faults(every=1, status=503)
    began = time.monotonic()
    figures, said = keiki.measure(away, codes=())
    check(figures is None and said.returncode in (1, 4) and "error" in said.stderr and time.monotonic() - began < 60,
          f"a store that never answers is an error: {said.stderr.strip().splitlines()[-2:]}")
    objects.faults()
    objects.counts()
    return expected, remote


def total(counts):
    return {key: sum(of[key] for of in counts.values()) for key in ("requests", "refused", "bytes")}


# The cluster ---------------------------------------------------------------------------------------------------------------

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

    def __init__(self, keiki, network, workers, folder):
        self.keiki, self.network, self.folder = keiki, network, folder
        self.logs = []
        self.address, self.inside = network.join(self.SCHEDULER)
        self.scheduler = self.start_scheduler()
        self.workers = {}
        for number in range(1, workers + 1):
            address, inside = network.join(self.SCHEDULER + number)
            self.workers[number] = self.spawn(
                f"worker{number}", "worker", "--scheduler", f"{self.address}:50050", "--listen", f"{address}:50051", "--name", f"worker{number}",
                "--threads", "1", "--cache-mib", "0", inside=inside)
        time.sleep(2)

    def spawn(self, name, *arguments, inside):
        path = os.path.join(self.folder, f"{name}-{time.monotonic_ns()}.log")
        self.logs.append(path)
        with open(path, "w", encoding="utf-8") as log:
            return self.keiki.start(*arguments, inside=inside, stdout=log, stderr=log)

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

    def said(self):
        return "\n".join(open(path, encoding="utf-8").read() for path in self.logs)

    def stop(self):
        for process in [self.scheduler, *self.workers.values()]:
            if process.poll() is None:
                process.kill()
            process.wait()
        self.network.leave()
        self.keiki.said.append(self.said())


def worked(said):
    """What the workers did, by the log of who asked."""
    work = {}
    for line in re.sub(r"\x1b\[[0-9;]*m", "", said).splitlines():
        if "a worker answered" in line:
            found = dict(re.findall(r'(\w+)="?([\w.]+)"?', line))
            of = work.setdefault(found["worker"], {"parts": 0, "rows": 0, "read_bytes": 0, "sent_bytes": 0})
            for key in of:
                of[key] += int(found[key])
    return work


def on_cluster(keiki, objects, network, expected, place, folder):
    """A cluster gives the same figures with one, two and four workers."""
    lines = []
    for workers in (1, 2, 4):
        print(f"A cluster of {workers}", flush=True)
        cluster = Cluster(keiki, network, workers, folder)
        setting(place, *cluster.engine())
        before = {number: cluster.cpu_seconds(number) for number in cluster.workers}
        began = time.monotonic()
        found, said = keiki.measure(place)
        wall = time.monotonic() - began
        check(found == expected, f"{workers} workers give the figures of this machine alone")
        work = worked(said.stderr)
        check(len(work) == workers, f"all of {workers} workers did something: {work}")
        for number in cluster.workers:
            did = work.get(f"worker{number}", {"parts": 0, "rows": 0, "read_bytes": 0, "sent_bytes": 0})
            seconds = cluster.cpu_seconds(number) - before[number]
            lines.append(f"| {workers} | worker{number} | {did['parts']} | {did['rows']} | {did['read_bytes']} | {did['sent_bytes']} | {seconds:.2f} | {wall:.1f} |")
        cluster.stop()
    return lines


def breaking(keiki, objects, network, expected, place, folder):
    """While things break, a run ends right or says that it could not."""

    def during(what, workers, act, timeout=120, delay_ms=150, must=None):
        """Measures, and has something break when the workers have begun to read."""
        print(what, flush=True)
        cluster = Cluster(keiki, network, workers, folder)
        setting(place, *cluster.engine(timeout))
        objects.faults(delay_ms=delay_ms)
        shutil.rmtree(os.path.join(place, ".keiki", "cubes"), ignore_errors=True)
        kpis = [word for kpi in KPIS for word in ("--kpi", kpi)]
        asking = keiki.start("measure", *kpis, *ORGS, "--period", PERIOD, "--format", "json", "--workspace", place, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        objects.counts()
        for _ in range(400):
            if any(address.startswith("10.77.0.1") and address != "10.77.0.1" for address in objects.ask("counts")) or not network.is_apart and \
                    total(objects.ask("counts"))["requests"] > 12:
                break
            time.sleep(0.05)
        is_running = asking.poll() is None
        act(cluster)
        output, said = asking.communicate(timeout=600)
        keiki.said += [output, said]
        objects.faults()
        cluster.stop()
        check(is_running, "it breaks while the cluster measures")
        if asking.returncode == 0:
            found = [{key: value for key, value in figure.items() if key != "known_at"} for figure in json.loads(output)]
            check(found == expected and must != "says", "the run ends with the right figures")
        else:
            text = [line for line in said.splitlines() if "error" in line or "hint" in line]
            check(must != "right" and output == "" and "the cluster could not measure" in said, f"the run says that it could not: {text[:2]}")

    def kill(number):
        return lambda cluster: cluster.workers[number].kill()

    def restart(cluster):
        cluster.scheduler.kill()
        cluster.scheduler.wait()
        time.sleep(1)
        cluster.scheduler = cluster.start_scheduler()

    def kill_all(cluster):
        for process in cluster.workers.values():
            process.kill()

    during("A worker is killed", 2, kill(1), must="right")
    during("A worker is cut off", 2, lambda cluster: network.cut(Cluster.SCHEDULER + 1, cluster.workers[1]), must="right")
    during("The scheduler is started again", 2, restart, must="right")
    during("All workers are killed", 2, kill_all, timeout=30, must="says")
    during("The object store answers every third request with 503, and slowly", 2, lambda _: objects.faults(every=3, status=503, delay_ms=100), must="right")
    during("The object store is gone", 2, lambda _: objects.faults(every=1, status=503), timeout=20, must="says")


def main(program, *options):
    with tempfile.TemporaryDirectory() as folder:
        programs = libraries(folder, MOTO)
        network = Network()
        objects = Objects(programs, network.gateway)
        try:
            keiki = Keiki(program, objects.url)
            expected, place = on_objects(keiki, objects, folder)
            lines = on_cluster(keiki, objects, network, expected, place, folder)
            breaking(keiki, objects, network, expected, place, folder)
            secrets = sum(SECRET in text or TOKEN in text for text in keiki.said)
            files = subprocess.run(["grep", "-rlE", f"{SECRET}|{TOKEN}", folder], capture_output=True, text=True).stdout
            check(secrets == 0 and files == "", f"neither credentials nor token are in any file or log: {secrets} {files}")
        finally:
            objects.process.kill()
            network.close()
        table = ["| workers | | parts | rows | bytes read | bytes sent | CPU s | wall s |", "|---|---|---|---|---|---|---|---|", *lines]
        print("\n".join(table))
        if options[:1] == ("--report",):
            write(os.path.abspath(options[1]), "\n".join(table) + "\n")
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main(*sys.argv[1:])
