"""Compares `keiki measure` with figures.py, cell by cell: value, numerator and denominator as exact fractions, and coverage by number of
units and by people.

    compare.py KEIKI WORKSPACE [--deliveries DIR | --record DIR] [--org HD,JP1,US1,SG1,DE1]
               [--period 2026-03,2026-06,2026-08,2026-09]

Some files of the demo are delivered several times under one name, and only the last is in the folder. Without more, the cells that need
the earlier ones are left out, and listed. `--deliveries DIR` takes the folder that `keiki demo --deliveries DIR` filled with a copy of every file
as it arrived; `--record DIR` makes it by a further demo. The last copy of each file must be the one in the workspace.

Exit code: 0 all agree, 1 some do not, 2 it could not be compared.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections import defaultdict
from decimal import Decimal
from fractions import Fraction

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import figures  # noqa: E402

DIGITS = 12  # places after the point of a printed value; numerators and denominators are printed in full


def fail(message):
    print(message, file=sys.stderr)
    sys.exit(2)


def record(keiki, folder):
    """Makes a demo once more, which leaves a copy of each delivery."""
    if os.path.isdir(folder) and os.listdir(folder):
        fail(f"{folder} is not empty")
    with tempfile.TemporaryDirectory() as temporary:
        done = subprocess.run([keiki, "demo", os.path.join(temporary, "demo"), "--deliveries", os.path.abspath(folder)],
                              stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False)
    if done.returncode != 0:
        fail(done.stderr.decode(errors="replace"))


def check_deliveries(workspace, folder):
    """The last copy of each file is the file of the workspace; and no source was caught less often than it was read."""
    copies = defaultdict(list)
    for name in sorted(os.listdir(folder)):
        with open(os.path.join(folder, name), "rb") as f:
            data = f.read()
        if data:
            copies[name.split("_", 1)[1].replace("__", "/")].append(data)
    for place, data in copies.items():
        with open(os.path.join(workspace, "evidence", place), "rb") as f:
            if f.read() != data[-1]:
                fail(f"{place}: the last delivery is not the file of the workspace")
    for source in figures.SOURCES:
        wanted = len(figures.READINGS.get(source.name, figures.MONTHLY))
        if wanted > 1 and source.place and "*" not in source.place and len(copies[source.place]) < wanted:
            fail(f"{source.place}: {wanted} readings, but {len(copies[source.place])} copies")


def keikis(keiki, workspace, units, months):
    out = {}
    for month in months:
        # As somebody from whom no figure is withheld.
        done = subprocess.run([keiki, "--language", "en", "measure", "--workspace", workspace, "--org", ",".join(units), "--period", month,
                               "--format", "json"], capture_output=True, check=False, env={**os.environ, "USER": "ciso"})
        if done.returncode not in (0, 1) or not done.stdout:
            fail(done.stderr.decode(errors="replace"))
        for cell in json.loads(done.stdout, parse_float=Decimal):
            if not cell["companion"]:
                figure = [None if cell[k] is None else Fraction(cell[k]) for k in ("value", "numerator", "denominator")]
                coverage = cell["coverage"]
                people = coverage["headcount"] or {"covered": 0, "expected": 0}
                coverage = (coverage["covered"], coverage["expected"], people["covered"], people["expected"])
                out[cell["no"], cell["indicator"], cell["org_unit"], month] = figures.Figure(*figure, coverage)
    return out


def same(ours, theirs):
    if (ours.numerator, ours.denominator, ours.coverage) != (theirs.numerator, theirs.denominator, theirs.coverage):
        return False
    if ours.value is None or theirs.value is None:
        return ours.value is theirs.value
    return abs(ours.value - theirs.value) <= Fraction(1, 2 * 10 ** DIGITS)


def shown(figure):
    values = ["-" if x is None else str(x) if x.denominator == 1 else f"{float(x):.6f}" for x in figure[:3]]
    return "  ".join([*values, f"coverage {figure.coverage}"])


def main():
    parser = argparse.ArgumentParser(description="compares keiki with an independent computation")
    parser.add_argument("keiki")
    parser.add_argument("workspace")
    parser.add_argument("--deliveries")
    parser.add_argument("--record")
    parser.add_argument("--org", default="HD,JP1,US1,SG1,DE1")
    parser.add_argument("--period", default="2026-03,2026-06,2026-08,2026-09")
    args = parser.parse_args()
    units, months = args.org.split(","), args.period.split(",")
    if args.record:
        record(args.keiki, args.record)
    deliveries = args.record or args.deliveries
    if deliveries:
        check_deliveries(args.workspace, deliveries)
    ours, evidence = figures.figures(args.workspace, units, months, deliveries)
    theirs = keikis(args.keiki, args.workspace, units, months)
    agree, disagree, reasons = [], [], defaultdict(list)
    for key, figure in ours.items():
        if isinstance(figure, str):
            reasons[figure].append(key)
        elif key in theirs and same(figure, theirs[key]):
            agree.append(key)
        else:
            disagree.append(key)
    missing = [key for key in theirs if key not in ours]
    for key in disagree:
        no, indicator, unit, month = key
        other = shown(theirs[key]) if key in theirs else "no such cell"
        print(f"{no:>2} {indicator:<28} {unit:<4} {month}  here: {shown(ours[key]):<40} keiki: {other}")
    for no, indicator, unit, month in missing:
        print(f"{no:>2} {indicator:<28} {unit:<4} {month}  keiki has it, figures.py has not")
    for reason, keys in reasons.items():
        numbers = sorted({no for no, _, _, _ in keys})
        print(f"left out, {len(keys)} cells of KPIs {', '.join(map(str, numbers))}, units {', '.join(sorted({k[2] for k in keys}))}: {reason}")
    for source, reason in sorted(set(evidence.rejected)):
        print(f"rejected rows of {source}: {evidence.rejected.count((source, reason))} ({reason})")

    def kpi_cells(keys):
        return len({(no, unit, month) for no, _, unit, month in keys})
    bad = kpi_cells(disagree + missing)
    out = kpi_cells([k for keys in reasons.values() for k in keys])
    print(f"indicators x units x months: {len(agree)} agree, {len(disagree) + len(missing)} disagree, "
          f"{sum(map(len, reasons.values()))} left out")
    print(f"KPIs x units x months: {kpi_cells(ours) - bad - out} agree, {bad} disagree, {out} left out")
    sys.exit(1 if disagree or missing else 0)


if __name__ == "__main__":
    main()
