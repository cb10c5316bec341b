"""Measures the same books on disk, on an object store and on a cluster, while things break, and fails where a figure is another.

    check.py KEIKI [--report FILE]

KEIKI was built with `--features cluster`. An object store that speaks S3 is started on this machine (moto, from PyPI, into a folder of its own), a scheduler
and workers as processes of their own: in network namespaces where this machine allows that, else on addresses of the loopback. `--report` writes what the
workers did as a table. Exit code: 0 all figures are the same and what could not be measured said so, 1 something was not as it should be, 2 a tool is missing
or fails.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(HERE))

from books import BATCHES, HEAD, MEASURE, SECRET, TOKEN, UNITS, Keiki, forget, make, rows, setting, write  # noqa: E402
from house import ROLES, serve  # noqa: E402 (the folder beside this one)
from machines import Cluster, Network  # noqa: E402
from programs import libraries  # noqa: E402
from store import MOTO, Objects  # noqa: E402

faults = []


def check(is_so, what):
    """Notes what is not as it should be."""
    print(f"  {'as it should be' if is_so else 'WRONG'}: {what}", flush=True)
    if not is_so:
        faults.append(what)


# The object store ----------------------------------------------------------------------------------------------------------

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
    shutil.rmtree(os.path.join(remote, ".keiki", "objects"))
    objects.faults(delay_ms=50)
    objects.counts()
    check(keiki.measure(remote)[0] == expected, "the figures from a store that takes its time are the same")
    gave = objects.counts()["keiki"]
    objects.faults()
    check(gave["most_delayed"] > BATCHES, f"logs and files are asked for together: {gave}")

    writers = make(folder, "writers", "s3://books/writers")
    started = [keiki.start("ingest", f"s{number}", "--as-of", "2026-09-30", "--workspace", writers, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
               for number in range(BATCHES)]
    ended = [(process.communicate(timeout=600), process.returncode) for process in started]
    keiki.said += [text for said, _ in ended for text in said]
    check(all(code in (0, 3) for _, code in ended), f"{BATCHES} programs that write at the same time all end well: {[code for _, code in ended]}")
    check(keiki.measure(writers)[0] == expected, "nothing is lost and nothing counted twice where several write at the same time")

    broken = make(folder, "broken", "s3://books/broken", "object_store = { retry_seconds = 120 }")
    objects.counts()
    objects.faults(every=3, status=503, delay_ms=3)
    keiki.ingest(broken)
    check(keiki.measure(broken)[0] == expected, "a store that answers every third request with 503 gives the same figures")
    gave = total(objects.counts())
    check(gave["refused"] > 0 and gave["slowed"] > 0, f"it did: {gave}")
    lost = make(folder, "lost", "s3://books/lost", "object_store = { retry_seconds = 120 }")
    objects.faults(lose=4)
    keiki.ingest(lost)
    check(keiki.measure(lost)[0] == expected, "a store that loses every fourth answer after it has written gives the same figures")
    gave = total(objects.counts())
    check(gave["lost"] > 0, f"it did: {gave}")
    away = make(folder, "away", "s3://books/plain", "object_store = { retry_seconds = 2 }")
    objects.faults(every=1, status=503)
    began = time.monotonic()
    figures, said = keiki.measure(away, codes=())
    check(figures is None and said.returncode in (1, 4) and "error" in said.stderr and time.monotonic() - began < 60,
          f"a store that never answers is an error: {said.stderr.strip().splitlines()[-2:]}")
    gave = total(objects.counts())
    check(gave["refused"] == gave["requests"] > 0, f"it never did: {gave}")
    objects.faults()
    return expected, local, remote


def backed_up(keiki, objects, expected, remote, folder):
    """A journal on an object store is backed up as of one moment, and comes back into a folder and into an empty place of a bucket."""
    print("A backup of a journal on an object store", flush=True)
    backup = os.path.join(folder, "backup")
    objects.faults(every=5, status=503, delay_ms=3)
    objects.counts()
    keiki.run("backup", backup, "--workspace", remote)
    gave = total(objects.counts())
    check(gave["refused"] > 0 and gave["slowed"] > 0, f"the store refused and was slow meanwhile: {gave}")
    check(gave["written"] == 0, "nothing is written to it")
    objects.faults()
    with open(os.path.join(backup, "backup.json"), encoding="utf-8") as file:
        said = json.load(file)
    raw = [name for name in said["journal"] if name.startswith("raw/")]
    check(said["journal_version"] >= BATCHES and len(raw) >= BATCHES, f"{len(said['journal'])} files of the journal, {len(raw)} of raw evidence")
    here, there, again = (os.path.join(folder, name) for name in ("restored", "restored-there", "restored-again"))
    keiki.run("restore", backup, here)
    keiki.run("restore", backup, there, "--journal", "s3://books/restored")
    for place in (here, there):
        check(keiki.measure(place)[0] == expected, f"{os.path.basename(place)}: the figures are those of before")
        check(keiki.run("verify", "--workspace", place, codes=()).returncode == 0, f"{os.path.basename(place)}: the books are in order")
    twice = keiki.run("restore", backup, again, "--journal", "s3://books/restored", codes=())
    check(twice.returncode == 1 and "something lies there already" in twice.stderr, "nothing is put where something lies")

    print("A backup while something is taken in", flush=True)
    write(os.path.join(there, "evidence", "s0.csv"), rows(BATCHES))
    during = os.path.join(folder, "backup-during")
    # Slowly, so that there is time for both.
    objects.faults(delay_ms=20)
    backing = keiki.start("backup", during, "--workspace", there, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    taking = keiki.start("ingest", "s0", "--as-of", "2026-09-30", "--workspace", there, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    ended = [process.communicate(timeout=600) for process in (backing, taking)]
    keiki.said += [text for said in ended for text in said]
    objects.faults()
    check(backing.returncode == 0 and taking.returncode in (0, 3), f"both end well: {backing.returncode} {taking.returncode}")
    keiki.run("restore", during, again)
    check(keiki.run("verify", "--workspace", again, codes=()).returncode == 0, "what was backed up meanwhile is in order")
    after = keiki.measure(there)[0]
    check(after != expected and keiki.measure(again)[0] in (expected, after), "it is of before or of after, and nothing between")


def previewed(keiki, objects, expected, local, remote):
    """What a file would do to the figures is the same whether the journal lies on disk or on an object store, and changes nothing."""
    print("What a file would do", flush=True)
    row = "P{0},U000,hardware,new {0},true,E1,2026-09-01,2026-09-02,2026-09-02,declaration,\n"
    sent = (HEAD + "".join(row.format(number) for number in range(5))).encode()
    told = []
    for place in (local, remote):
        keiki.run("user", "add", "tester", "--role", ROLES, "--workspace", place)
        token = keiki.run("token", "make", "tester", "previews", "--right", "submit,see", "--workspace", place).stdout.strip()
        process, url = serve(keiki.program, place, keiki.environment)
        try:
            objects.counts()
            path = f"{url}/api/v1/previews?into=dataset:assets&name=a.csv&unit=U000&as_of=2026-09-30"
            asked = urllib.request.Request(path, data=sent, headers={"Authorization": f"Bearer {token}", "Content-Type": "text/csv"})
            with urllib.request.urlopen(asked, timeout=300) as answer:
                told.append(json.load(answer).get("effects"))
            gave = total(objects.counts())
        finally:
            process.terminate()
            process.wait()
    check(told[0] is not None and told[0]["figures"] != [], f"figures would move: {str(told[0])[:300]}")
    check(told[1] == told[0], f"with a journal on an object store it is the same: {str(told[1])[:300]}")
    check(gave["requests"] > 0 and gave["written"] == 0, f"the journal is read where it lies, and nothing is written there: {gave}")
    check(keiki.measure(remote)[0] == expected, "the figures are those of before")


def total(counts):
    return {key: sum(of[key] for of in counts.values()) for key in ("requests", "written", "refused", "slowed", "lost", "bytes")}


# The cluster ---------------------------------------------------------------------------------------------------------------

DONE = ("parts", "rows", "read_bytes", "shuffled_bytes", "cpu_micros")


def worked(said):
    """What the workers did, by the log of who asked."""
    work = {}
    for line in re.sub(r"\x1b\[[0-9;]*m", "", said).splitlines():
        if "a worker answered" in line:
            found = dict(re.findall(r'(\w+)="?([\w.]+)"?', line))
            of = work.setdefault(found["worker"], dict.fromkeys(DONE, 0))
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
        # A part takes longer than a worker that has none waits before it asks for one, so that each gets some.
        objects.faults(delay_ms=50)
        began = time.monotonic()
        found, said = keiki.measure(place)
        wall = time.monotonic() - began
        objects.faults()
        check(found == expected, f"{workers} workers give the figures of this machine alone")
        work = worked(said.stderr)
        check(len(work) == workers, f"all of {workers} workers did something: {work}")
        for number in cluster.workers:
            did = work.get(f"worker{number}", dict.fromkeys(DONE, 0))
            seconds, said_seconds = cluster.cpu_seconds(number) - before[number], did["cpu_micros"] / 1e6
            # What the system counts comes in steps of a hundredth of a second, and has the talk with the scheduler in it.
            check(0 < said_seconds <= seconds + 0.05, f"worker{number} says that it took {said_seconds:.3f} s of processors; the system says {seconds:.2f}")
            lines.append(f"| {workers} | worker{number} | {did['parts']} | {did['rows']} | {did['read_bytes']} | {did['shuffled_bytes']} "
                         f"| {said_seconds:.3f} | {seconds:.2f} | {wall:.1f} |")
        cluster.stop()
    return lines


def breaking(keiki, objects, network, expected, place, folder):
    """While things break, a run ends right or says that it could not."""

    def during(what, workers, act, seen, timeout=120, delay_ms=150, must="right"):
        """Measures, and has something break when the workers have begun to read. `seen` tells whether it did break."""
        print(what, flush=True)
        cluster = Cluster(keiki, network, workers, folder)
        setting(place, *cluster.engine(timeout))
        objects.faults(delay_ms=delay_ms)
        forget(place)
        began = time.monotonic()
        asking = keiki.start(*MEASURE, "--workspace", place, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        objects.counts()
        # Worker 1 holds a part from its first request on, and needs several answers for it.
        while asking.poll() is None and "worker1" not in objects.askers():
            time.sleep(0.05)
        is_running = asking.poll() is None
        objects.counts()
        act(cluster)
        output, said = asking.communicate(timeout=600)
        took = time.monotonic() - began
        keiki.said += [output, said]
        gave = total(objects.counts())
        objects.faults()
        cluster.stop()
        check(is_running, "it breaks while the cluster measures")
        what_was_seen = seen(cluster.said(), said, gave)
        check(what_was_seen, f"it did break: {what_was_seen}")
        if must == "right":
            found = json.loads(output) if asking.returncode == 0 else []
            found = [{key: value for key, value in figure.items() if key != "known_at"} for figure in found]
            check(found == expected, f"the run ends with the right figures, after {took:.0f} s: {errors(said) if asking.returncode else ''}")
        else:
            check(asking.returncode != 0 and output == "", f"the run ends with an error and no figure: {asking.returncode}")
            check(any(words in said for words in must), f"it says `{must}`: {errors(said)}")
            check(took < timeout + 20, f"it ends once {timeout} s are over: after {took:.0f} s")

    def errors(said):
        return [line for line in said.splitlines() if "error" in line or "hint" in line][-2:]

    def lost(*workers):
        """The scheduler has missed workers, and noted it."""
        words = [f"ACTIVE executor worker{number} heartbeat timed out" for number in workers]
        return lambda cluster, said, gave: words if all(word in cluster for word in words) else []

    def asked_again(cluster, said, gave):
        return [line[-150:] for line in said.splitlines() if "the cluster is asked again" in line]

    def refused_and_slowed(cluster, said, gave):
        return gave if gave["refused"] > 0 and gave["slowed"] > 0 else {}

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

    during("A worker is killed", 2, kill(1), lost(1))
    during("A worker is cut off", 2, lambda cluster: network.cut(Cluster.SCHEDULER + 1, cluster.workers[1]), lost(1))
    during("The scheduler is started again", 2, restart, asked_again)
    during("All workers are killed", 2, kill_all, lost(1, 2), timeout=30,
           must=["the cluster could not measure: there was no answer within 30 seconds"])
    during("The object store answers every third request with 503, and slowly", 2, lambda _: objects.faults(every=3, status=503, delay_ms=100), refused_and_slowed)
    # Who asks reads the journal's logs itself, and may be the first to miss it.
    during("The object store is gone", 2, lambda _: objects.faults(every=1, status=503, delay_ms=1), refused_and_slowed, timeout=20,
           must=["the cluster could not measure: there was no answer within 20 seconds", "503 Service Unavailable"])


def given_up(keiki, objects, network, place, folder):
    """What nobody waits for any more is not computed on, whether patience was over or somebody ended the program."""
    cases = (("Patience is over", 15, None), ("Who asks is interrupted", 120, signal.SIGINT), ("Who asks is killed", 120, signal.SIGKILL))
    cluster = Cluster(keiki, network, 2, folder)
    for number, (what, patience, leave) in enumerate(cases, 1):
        print(what, flush=True)
        setting(place, *cluster.engine(patience))
        forget(place)
        objects.counts()
        # No worker gets an answer, however quick or slow this machine is.
        objects.faults(hold="worker")
        asking = keiki.start(*MEASURE, "--workspace", place, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        while asking.poll() is None and not {"worker1", "worker2"} <= objects.askers():
            time.sleep(0.05)
        is_running = asking.poll() is None
        if leave:
            asking.send_signal(leave)
        output, said = asking.communicate(timeout=600)
        keiki.said += [output, said]
        is_of_patience = "there was no answer within" in said
        check(is_running and asking.returncode != 0 and output == "" and is_of_patience == (leave is None),
              f"it ends while both workers read: {asking.returncode} {said.strip().splitlines()[-2:]}")
        cancelled = cluster.waits_for("nobody waits for a job any more; it is cancelled", number)
        stopped = cluster.waits_for("a partial cube is not computed to its end", 2 * number)
        check((cancelled, stopped) == (number, 2 * number), f"the scheduler cancels the job and both workers stop: {cancelled} {stopped}")
        objects.counts()
        objects.faults()
        # Who still had something to read would ask for it now.
        time.sleep(3)
        later = {name for name in objects.askers() if name.startswith("worker")}
        check(later == set(), f"nothing is read any more: {later}")
        check(keiki.measure(place, codes=())[0] is not None, "the same workers measure for the next who asks")
    cluster.stop()


def refusing(keiki, objects, network, place, folder):
    """What fails for a reason that stays is asked for once."""

    def refused(cluster, *words):
        figures, said = keiki.measure(place, codes=())
        missing = [text for text in words if text not in said.stderr]
        check(figures is None and missing == [], f"it is said, and how to mend it: {said.stderr.strip().splitlines()[-2:]}")
        check("asked again" not in said.stderr, "and not asked again")

    mend = "put AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_REGION (for a folder, its permissions) right where worker worker1 runs, then start that worker again"
    print("A worker whose credentials are not taken", flush=True)
    cluster = Cluster(keiki, network, 1, folder)
    setting(place, *cluster.engine())
    # Which it is, InvalidAccessKeyId, SignatureDoesNotMatch or ExpiredToken, is in the text of an answer, and HEAD has none.
    for status, said in ((403, "403 Forbidden"), (400, "400 Bad Request")):
        objects.faults(deny="worker", status=status, code="InvalidAccessKeyId")
        refused(cluster, "the cluster could not measure: worker worker1: it may not read the journal", said, mend)
    objects.faults()
    check(keiki.measure(place, codes=())[0] is not None, "with others the same worker measures")
    cluster.stop()

    print("A worker without credentials", flush=True)
    # No machine is asked for those of its cloud.
    none = {"AWS_ACCESS_KEY_ID": None, "AWS_SECRET_ACCESS_KEY": None, "AWS_METADATA_ENDPOINT": "http://127.0.0.1:9"}
    cluster = Cluster(keiki, network, 1, folder, environment=none)
    setting(place, *cluster.engine())
    refused(cluster, "the cluster could not measure: worker worker1: it has no credentials for the journal", mend)
    cluster.stop()
    cluster = Cluster(keiki, network, 1, folder, environment={"AWS_SECRET_ACCESS_KEY": None})
    setting(place, *cluster.engine())
    refused(cluster, "the cluster could not measure: worker worker1: s3://books/plain", "Missing SecretAccessKey")
    cluster.stop()

    print("Who asks has no credentials", flush=True)
    setting(place)
    forget(place)
    asking = keiki.start(*MEASURE, "--workspace", place, environment=none, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    output, said = asking.communicate(timeout=600)
    keiki.said += [output, said]
    check(asking.returncode == 1 and output == "" and "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment" in said,
          f"it is said, and how to mend it: {asking.returncode} {said.strip().splitlines()[-2:]}")

    print("Another token", flush=True)
    cluster = Cluster(keiki, network, 1, folder)
    setting(place, *cluster.engine())
    other = Keiki(keiki.program, keiki.environment["AWS_ENDPOINT_URL"])
    other.environment["KEIKI_CLUSTER_TOKEN"] = "u" * 40
    figures, said = other.measure(place, codes=())
    cluster.stop()
    keiki.said += other.said
    check(figures is None and "has another token than this program" in said.stderr, f"it is said: {said.stderr.strip().splitlines()[-2:]}")
    check("asked again" not in said.stderr, "and not asked again")


def main(program, *options):
    # A shell that starts this in the background has interrupts ignored, and what is started here would ignore them too.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with tempfile.TemporaryDirectory() as folder:
        programs = libraries(folder, MOTO)
        network = Network()
        objects = Objects(programs, network.gateway)
        try:
            keiki = Keiki(program, objects.url)
            expected, local, place = on_objects(keiki, objects, folder)
            backed_up(keiki, objects, expected, place, folder)
            previewed(keiki, objects, expected, local, place)
            lines = on_cluster(keiki, objects, network, expected, place, folder)
            refusing(keiki, objects, network, place, folder)
            given_up(keiki, objects, network, place, folder)
            breaking(keiki, objects, network, expected, place, folder)
            secrets = sum(SECRET in text or TOKEN in text for text in keiki.said)
            files = subprocess.run(["grep", "-rlE", f"{SECRET}|{TOKEN}", folder], capture_output=True, text=True).stdout
            check(secrets == 0 and files == "", f"neither credentials nor token are in any file or log: {secrets} {files}")
        finally:
            objects.process.kill()
            network.close()
        table = ["| workers | | parts | rows | bytes read | bytes shuffled | CPU s of parts | CPU s | wall s |", "|---|---|---|---|---|---|---|---|---|", *lines]
        print("\n".join(table))
        if options[:1] == ("--report",):
            write(os.path.abspath(options[1]), "\n".join(table) + "\n")
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main(*sys.argv[1:])
