"""Sets other engines beside Keiki: the same figures of the same evidence, compared cell by cell before any time is printed.

run.py FOLDER BOOKS METRICFLOW MILLIONS..: BOOKS is the built benchmark, METRICFLOW a Python that has MetricFlow, MILLIONS are how many
entries there are. KEIKI_BENCH_PEERS="duckdb polars" names the engines, KEIKI_BENCH_LIMIT_SECONDS says how long one may take.
"""
import csv
import json
import os
import platform
import shutil
import signal
import subprocess
import sys
import time
from fractions import Fraction
from importlib.metadata import version

from queries import COUNTS, INDICATORS

HERE = os.path.dirname(os.path.abspath(__file__))
FORMS = ("natural", "clever")
ROUNDS = 3
# What takes longer than this is measured once.
LONG_SECONDS = 20
LIMIT_SECONDS = float(os.environ.get("KEIKI_BENCH_LIMIT_SECONDS", 600))
LIMIT_MIB = int(os.environ.get("KEIKI_BENCH_LIMIT_MIB", 12_288))


def stage(books, folder, millions, name, **more):
    """What a stage printed; of what it measured several times, the best."""
    asked = {"KEIKI_BENCH_DIR": folder, "KEIKI_BENCH_MILLIONS": str(millions), "KEIKI_BENCH_ROUNDS": "1", **more}
    environment = {**os.environ, **asked}
    printed = subprocess.run([books, f"stage={name}"], env=environment, check=True, capture_output=True, text=True).stdout
    found = {}
    for line in printed.splitlines():
        name, _, value = line.partition(" ")
        try:
            found[name] = min(float(value), found.get(name, float("inf")))
        except ValueError:
            continue
    return found


def best(books, folder, millions, name, **more):
    """The best of some runs, each in a process of its own like those of the others."""
    runs = [stage(books, folder, millions, name, **more) for _ in range(ROUNDS)]
    return min(runs, key=lambda run: run[f"{name}_seconds"])


def ours(folder):
    """Keiki's figures. A count of none is zero; what has no value has no cell."""
    cells = {}
    with open(os.path.join(folder, "answers.csv"), encoding="utf-8") as file:
        for row in csv.DictReader(file):
            value = Fraction(row["value"]) if row["value"] else None
            indicator = f"{row['kpi']}/{row['indicator']}"
            if indicator in INDICATORS and value is not None and row["org_unit"] != "unassigned":
                cells[indicator, row["org_unit"], row["period"]] = value
    return cells


def theirs(path):
    cells = {}
    with open(path, encoding="utf-8") as file:
        for indicator, node, month, above, below in csv.reader(file):
            month = int(month)
            if int(below) > 0:
                cells[indicator, node, f"{month // 12}-{month % 12 + 1:02}"] = Fraction(int(above), int(below))
    return cells


def differing(mine, others):
    """The cells in which two sets of figures differ."""
    nothing = lambda key: Fraction(0) if key[0] in COUNTS else None
    keys = mine.keys() | others.keys()
    return sorted(key for key in keys if mine.get(key, nothing(key)) != others.get(key, nothing(key)))


def resident_mib(process):
    """The memory of a process and of what it started."""
    family, total = {process}, 0
    for entry in sorted(filter(str.isdigit, os.listdir("/proc")), key=int):
        try:
            with open(f"/proc/{entry}/status", encoding="utf-8") as file:
                status = dict(line.split(":", 1) for line in file)
        except OSError:
            continue
        if int(entry) in family or int(status["PPid"]) in family:
            family.add(int(entry))
            total += int(status.get("VmRSS", "0").split()[0]) // 1024
    return total


def within_limits(command, output):
    """Runs a command; gives what it printed, or why it was ended."""
    with open(f"{output}.out", "w+", encoding="utf-8") as out, open(f"{output}.err", "w+", encoding="utf-8") as err:
        process, began = subprocess.Popen(command, stdout=out, stderr=err, start_new_session=True), time.monotonic()
        while process.poll() is None:
            ended = None
            if time.monotonic() - began > LIMIT_SECONDS:
                ended = f"more than {LIMIT_SECONDS:.0f} s"
            elif resident_mib(process.pid) > LIMIT_MIB:
                ended = f"more than {LIMIT_MIB:,} MiB of memory, after {time.monotonic() - began:.0f} s"
            if ended:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
                return None, ended
            try:
                process.wait(0.25)
            except subprocess.TimeoutExpired:
                continue
        err.seek(0)
        out.seek(0)
        if process.returncode != 0:
            last = (err.read().strip().splitlines() or [f"ended with {process.returncode}"])[-1]
            return None, f"did not finish: {last[:160]}"
        return out.read(), None


def peer(command, output, mine):
    found = None
    for _ in range(ROUNDS):
        printed, ended = within_limits([*command, output], output)
        if ended:
            return ended
        differences = differing(mine, theirs(output))
        if differences:
            return f"differs in {len(differences):,} of {len(mine):,} cells, first {' '.join(differences[0])}"
        measured = json.loads(printed.splitlines()[-1])
        if found is None or measured["wall"] < found["wall"]:
            found = measured
        if measured["wall"] > LONG_SECONDS:
            break
    return found


def machine():
    """What all of this ran on."""
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        named = [line.split(":", 1)[1].strip() for line in file if line.startswith("model name")]
    with open("/proc/meminfo", encoding="utf-8") as file:
        memory = int(file.readline().split()[1]) // (1 << 20)
    return f"{named[0] if named else platform.machine()}, {os.cpu_count()} cores, {memory} GiB of memory, {platform.system()} {platform.release()}"


def compare(folder, books, metricflow, millions, engines):
    folder = os.path.join(folder, f"{millions}m")
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    prefix = f"{millions}"
    made = stage(books, folder, millions, "make")
    print(f"{prefix} made {made['make_seconds']}", flush=True)
    stage(books, folder, millions, "answers")
    subprocess.run([sys.executable, os.path.join(HERE, "prepare.py"), folder], check=True)
    mine = ours(folder)
    print(f"{prefix} cells {len(mine)}")
    print(f"{prefix} load {os.getloadavg()[0]:.1f}")
    alone = {"KEIKI_BENCH_FIGURES": " ".join(INDICATORS)}
    stages = (("decode", "decode"), ("decode_read", "decoderead"), ("measure", "keiki"))
    everything = [(name, title, {}) for name, title in stages]
    these = [(name, "alone" if title == "keiki" else f"{title}alone", alone) for name, title in stages]
    for name, title, more in everything + these:
        found = best(books, folder, millions, name, **more)
        figures = (found[f"{name}_seconds"], found[f"{name}_processor_seconds"], found[f"{name}_peak_mib"])
        print(prefix, title, *figures, flush=True)
    for engine in engines:
        for form in FORMS if engine != "metricflow" else ("layer",):
            output = os.path.join(folder, f"{engine}-{form}.csv")
            command = [sys.executable, os.path.join(HERE, "peer.py"), engine, form, folder]
            if engine == "metricflow":
                command = [metricflow, os.path.join(HERE, "with_metricflow.py"), folder]
            found = peer(command, output, mine)
            if isinstance(found, str):
                print(f"{prefix} {engine}-{form} failed {found}", flush=True)
            else:
                print(f"{prefix} {engine}-{form} {found['wall']:.3f} {found['processor']:.2f} {found['peak_mib']}", flush=True)
    # Last, since it adds to the journal that the others were compared with.
    found = stage(books, folder, millions, "increment", KEIKI_BENCH_ROUNDS=str(ROUNDS))
    print(f"{prefix} increment {found['full_seconds']} {found['again_seconds']} {found['increment_entries']:.0f}", flush=True)
    shutil.rmtree(folder)


folder, books, metricflow, *sizes = sys.argv[1:]
engines = os.environ.get("KEIKI_BENCH_PEERS", "duckdb polars chdb datafusion metricflow").split()
print(f"0 machine {machine()}")
print("0 versions", ", ".join(f"{name} {version(name)}" for name in ("duckdb", "polars", "chdb", "datafusion")))
asked = "import importlib.metadata as m; print(m.version('metricflow'), m.version('duckdb'))"
layer, under = subprocess.run([metricflow, "-c", asked], capture_output=True, text=True, check=True).stdout.split()
print(f"0 versions metricflow {layer} over duckdb {under}", flush=True)
for millions in sizes:
    compare(folder, books, metricflow, int(millions), engines)
