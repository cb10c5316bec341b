"""Sets other engines beside Keiki: the same figures of the same evidence, compared cell by cell before any time is printed.

run.py FOLDER BOOKS MILLIONS..: BOOKS is the built benchmark, MILLIONS are how many entries there are. KEIKI_BENCH_PEERS="duckdb polars"
names the engines.
"""
import collections
import csv
import json
import os
import subprocess
import sys
from fractions import Fraction

HERE = os.path.dirname(os.path.abspath(__file__))
INDICATORS = ("inventory_ratio", "base_score_only_count", "start_days_mean", "start_days_median")
FORMS = ("natural", "clever")
ROUNDS = 3
LIMIT_SECONDS = 1800


def stage(books, folder, millions, name):
    environment = dict(os.environ, KEIKI_BENCH_DIR=folder, KEIKI_BENCH_MILLIONS=str(millions))
    printed = subprocess.run([books, f"stage={name}"], env=environment, check=True, capture_output=True, text=True).stdout
    found = collections.defaultdict(list)
    for line in printed.splitlines():
        name, _, value = line.partition(" ")
        try:
            found[name].append(float(value))
        except ValueError:
            continue
    return found


def ours(folder):
    """Keiki's figures. A count of none is zero; what has no value has no cell."""
    cells = {}
    with open(os.path.join(folder, "answers.csv"), encoding="utf-8") as file:
        for row in csv.DictReader(file):
            value = Fraction(row["value"]) if row["value"] else None
            if row["indicator"] in INDICATORS and value is not None and row["org_unit"] != "unassigned":
                cells[row["indicator"], row["org_unit"], row["period"]] = value
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
    counts = lambda key: Fraction(0) if key[0] == "base_score_only_count" else None
    keys = mine.keys() | others.keys()
    return sorted(key for key in keys if mine.get(key, counts(key)) != others.get(key, counts(key)))


def peer(engine, form, folder, mine):
    output = os.path.join(folder, f"{engine}-{form}.csv")
    command = [sys.executable, os.path.join(HERE, "peer.py"), engine, form, folder, output]
    best = None
    for _ in range(ROUNDS):
        done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_SECONDS, check=False)
        if done.returncode != 0:
            last = (done.stderr.strip().splitlines() or [f"ended with {done.returncode}"])[-1]
            return f"did not finish: {last[:120]}"
        differences = differing(mine, theirs(output))
        if differences:
            return f"differs in {len(differences)} cells, first {differences[0]}"
        measured = json.loads(done.stdout.splitlines()[-1])
        if best is None or measured["wall"] < best["wall"]:
            best = measured
    return best


def compare(folder, books, millions, engines):
    folder = os.path.join(folder, f"{millions}m")
    os.makedirs(folder, exist_ok=True)
    if not os.path.exists(os.path.join(folder, "answers.csv")):
        stage(books, folder, millions, "make")
        stage(books, folder, millions, "answers")
        subprocess.run([sys.executable, os.path.join(HERE, "prepare.py"), folder], check=True)
    mine = ours(folder)
    decode, measure = stage(books, folder, millions, "decode"), stage(books, folder, millions, "measure")
    prefix = f"{millions}"
    print(f"{prefix} cells {len(mine)}")
    print(f"{prefix} decode {min(decode['decode_seconds'])} {min(decode['decode_processor_seconds'])} {max(decode['decode_peak_mib'])}")
    print(f"{prefix} keiki {min(measure['measure_seconds'])} {min(measure['measure_processor_seconds'])} {max(measure['measure_peak_mib'])}")
    for engine in engines:
        for form in FORMS:
            found = peer(engine, form, folder, mine)
            if isinstance(found, str):
                print(f"{prefix} {engine}-{form} failed {found}", flush=True)
            else:
                print(f"{prefix} {engine}-{form} {found['wall']:.3f} {found['processor']:.2f} {found['peak_mib']}", flush=True)


folder, books, *sizes = sys.argv[1:]
engines = os.environ.get("KEIKI_BENCH_PEERS", "duckdb polars chdb datafusion").split()
for millions in sizes:
    compare(folder, books, int(millions), engines)
