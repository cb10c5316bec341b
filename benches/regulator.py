"""What the books of a whole sector would take, from what the books of some organisations are measured to take.

    regulator.py measure FOLDER KEIKI [ROWS..]    measures organisations of those sizes, the last one to check the others by,
                                                  and one workspace of ten thousand org units
    regulator.py simulate FOLDER                  a month of the sector of docs/decisions/0113, from what was measured

Every cost is taken as `fixed + each * rows`, fitted to the measured ones (the line of least relative deviation), and what the line
says of the last organisation, which it has not seen, is printed beside what that took. Seconds are the processor's.
"""
import heapq
import json
import math
import os
import random
import shutil
import subprocess
import sys

from findings import COLUMNS, record

DATASET = "vulnerabilities"
UNITS = 10
PERIODS = ("2024-10", "2025-09")
CLOSED = "2025-09"
CHANGED = 100  # one row in so many is another in the month after

# What grows with the rows. Memory does not, and is reported as the largest that was seen.
LINES = ("first_load", "second_load", "month_load", "measure_full", "measure_month", "statement", "verify", "bytes", "month_bytes", "month_files")

SECTOR = {
    "organisations": 10_000,
    "rows": 100e9,
    # Each is loaded, journalled and compacted by itself.
    "datasets": 30,
    # Sizes are spread as those of firms are: the logarithm is normal. The largest holds about a hundredth of all rows.
    "spread": 2.2,
    "workers": 64,
    "cores": 8,
    # Closes come in within three business days, most of them on the last afternoon.
    "close_hours": 3 * 8.0,
    "late_share": 0.6,
    "late_hours": 4.0,
    "worker_fails_every_hours": 30 * 24.0,
    # Prices of a public cloud, in US dollars; replace them by your own.
    "core_hour": 0.045,
    "gigabyte_month": 0.023,
    "thousand_puts": 0.005,
}


def run(command):
    """Runs a command to its end. Returns its processor seconds, its peak in MiB and what it printed."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    code = os.waitstatus_to_exitcode(status)
    if code:
        sys.exit(f"{' '.join(command)} failed with {code}: {output.strip()[-400:]}")
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, output


def held(folder):
    """Bytes and files below a folder."""
    size = count = 0
    for place, _, files in os.walk(folder):
        for name in files:
            size += os.path.getsize(os.path.join(place, name))
            count += 1
    return size, count


def write_units(place, count, kind):
    with open(os.path.join(place, "org.csv"), "w", encoding="utf-8") as out:
        out.write("id,parent_id,name_ja,name_en,kind,country,valid_from,valid_until,successor_id\n")
        out.write("G,,全体,Whole,group,JP,2020-04-01,,\n")
        for unit in range(count):
            out.write(f"U{unit},G,組織{unit},Unit {unit},{kind},JP,2020-04-01,,\n")


def write(path, rows, units, changed=""):
    with open(path, "w", encoding="utf-8") as out:
        out.write(",".join(COLUMNS) + "\n")
        for number in range(0, rows, CHANGED if changed else 1):
            fields = list(record(number))
            fields[1] = f"U{number % units}"
            if changed:
                fields[4] = changed
            out.write(",".join(fields) + "\n")


def organisation(folder, keiki, rows):
    """The measured costs of one organisation."""
    place = os.path.join(folder, f"organisation-{rows}")
    shutil.rmtree(place, ignore_errors=True)
    run([keiki, "init", place])
    write_units(place, UNITS, "department")
    evidence = os.path.join(folder, "evidence.csv")
    here = [keiki, "--workspace", place, "--quiet"]
    measure = [*here, "measure", "--all-orgs", "--from", PERIODS[0], "--to", PERIODS[1], "--format", "json"]
    cost = {"rows": rows}
    write(evidence, rows, UNITS)
    take = [*here, "ingest", "--dataset", DATASET, evidence]
    cost["first_load"], cost["load_peak_mib"], _ = run([*take, "--as-of", "2025-08-31"])
    # The second load also puts in order what the first was spared (decision 0110); the third is as all that follow.
    write(evidence, rows, UNITS, changed="another")
    cost["second_load"], _, _ = run([*take, "--as-of", "2025-09-30"])
    cost["bytes"], files_before = held(os.path.join(place, ".keiki"))
    cost["measure_full"], cost["measure_peak_mib"], _ = run(measure)
    write(evidence, rows, UNITS, changed="a third")
    cost["month_load"], _, _ = run([*take, "--as-of", "2025-10-31"])
    grown, files = held(os.path.join(place, ".keiki"))
    cost["month_bytes"], cost["month_files"] = grown - cost["bytes"], files - files_before
    cost["measure_month"], _, _ = run(measure)
    cost["statement"], _, _ = run([*here, "statement", CLOSED, "--revision", "now", "--format", "pdf", "--output", os.path.join(folder, "statement.pdf")])
    cost["verify"], _, _ = run([*here, "verify"])
    for left in (evidence, os.path.join(folder, "statement.pdf")):
        os.remove(left)
    shutil.rmtree(place)
    return cost


def sector(folder, keiki):
    """What one workspace takes in which each organisation of the sector is an org unit, with its totals of a month."""
    place, evidence = os.path.join(folder, "sector"), os.path.join(folder, "evidence.csv")
    shutil.rmtree(place, ignore_errors=True)
    run([keiki, "init", place])
    write_units(place, SECTOR["organisations"], "company")
    write(evidence, 60 * SECTOR["organisations"], SECTOR["organisations"])
    here = [keiki, "--workspace", place, "--quiet"]
    steps = {
        "rows taken in": ["ingest", "--dataset", DATASET, evidence, "--as-of", "2025-09-30"],
        "the whole, 12 months": ["measure", "--from", PERIODS[0], "--to", PERIODS[1], "--format", "json"],
        "one KPI of every organisation": ["measure", "--kpi", "24", "--all-orgs", "--period", CLOSED, "--format", "json"],
    }
    for name, step in steps.items():
        seconds, peak, _ = run([*here, *step])
        print(f"{SECTOR['organisations']:,} org units, {name}: {seconds:.1f} s, {peak:,.0f} MiB", flush=True)
    shutil.rmtree(place)
    os.remove(evidence)


def line(sizes, costs):
    """`fixed` and `each`, both at least zero, of the least sum of squared relative deviations."""
    def fit(columns):
        rows = [[column(n) / cost for column in columns] for n, cost in zip(sizes, costs)]
        if len(columns) == 1:
            return [sum(r[0] for r in rows) / sum(r[0] ** 2 for r in rows)]
        a, b, d = (sum(r[i] * r[j] for r in rows) for i, j in ((0, 0), (0, 1), (1, 1)))
        e, f = sum(r[0] for r in rows), sum(r[1] for r in rows)
        determinant = a * d - b * b
        return [(e * d - b * f) / determinant, (a * f - b * e) / determinant]

    fixed, each = fit([lambda _: 1.0, float])
    if fixed < 0:
        return 0.0, fit([float])[0]
    if each < 0:
        return fit([lambda _: 1.0])[0], 0.0
    return fixed, each


def fitted(costs):
    """The lines of all costs but the last organisation's, and what they say of that."""
    *seen, last = costs
    lines = {}
    for name in LINES:
        # Compaction can leave less behind than was there; the smallest then say nothing about growth.
        grown = [(cost["rows"], cost[name]) for cost in seen if cost[name] > 0]
        fixed, each = line(*zip(*grown))
        said = fixed + each * last["rows"]
        lines[name] = {"fixed": fixed, "each": each, "said": said, "took": last[name]}
    return lines


def measure(folder, keiki, sizes):
    os.makedirs(folder, exist_ok=True)
    costs = []
    for rows in sizes:
        costs.append(organisation(folder, keiki, rows))
        print(json.dumps(costs[-1]), flush=True)
    lines = fitted(costs)
    with open(os.path.join(folder, "costs.json"), "w", encoding="utf-8") as out:
        json.dump(costs, out, indent=1)
    print(f"{'cost':18} {'fixed':>12} {'each million':>14} {'said of last':>14} {'took':>14} {'off by':>8}")
    for name, found in lines.items():
        off = found["said"] / found["took"] - 1
        print(f"{name:18} {found['fixed']:12.3f} {found['each'] * 1e6:14.3f} {found['said']:14.3f} {found['took']:14.3f} {off:8.1%}")
    for name in ("load_peak_mib", "measure_peak_mib"):
        print(f"{name:18} at most {max(cost[name] for cost in costs):,.0f}")
    sector(folder, keiki)


def sizes_of(sector, chance):
    """The rows of every organisation."""
    weights = [math.exp(chance.gauss(0, sector["spread"])) for _ in range(sector["organisations"])]
    # No organisation is smaller than the smallest that reports at all.
    scale = sector["rows"] / sum(weights)
    return [max(1_000.0, weight * scale) for weight in weights]


def arrivals(sector, chance):
    """The hour at which each organisation closes."""
    hours = []
    for _ in range(sector["organisations"]):
        if chance.random() < sector["late_share"]:
            hours.append(sector["close_hours"] - sector["late_hours"] * chance.random())
        else:
            hours.append(sector["close_hours"] * chance.random())
    return hours


def closing(sector, jobs, chance):
    """Serves closes in the order of their arrival on the cores of all workers; a worker that fails loses what its core was at.
    Returns hours waited until the statement stands, one for each organisation, and how many were begun twice."""
    cores = [0.0] * (sector["workers"] * sector["cores"])
    heapq.heapify(cores)
    waited, twice = [], 0
    for hour, seconds in sorted(jobs):
        begin = max(heapq.heappop(cores), hour)
        length = seconds / 3600
        # The chance that the worker fails while it is at this.
        while chance.random() < 1 - math.exp(-length / sector["worker_fails_every_hours"]):
            begin += length * chance.random()
            twice += 1
        heapq.heappush(cores, begin + length)
        waited.append(begin + length - hour)
    return waited, twice


def simulate(lines, sector):
    chance = random.Random(47)
    sizes = sizes_of(sector, chance)

    def cost(name, rows):
        return lines[name]["fixed"] + lines[name]["each"] * rows

    def loads(name, rows):
        # Every dataset has its own fixed part.
        return lines[name]["fixed"] * sector["datasets"] + lines[name]["each"] * rows

    seconds = [loads("month_load", rows) + cost("measure_month", rows) + cost("statement", rows) for rows in sizes]
    anew = sum(loads("first_load", rows) + loads("second_load", rows) + cost("measure_full", rows) for rows in sizes)
    verified = [cost("verify", rows) for rows in sizes]
    kept = sum(loads("bytes", rows) for rows in sizes)
    grown = sum(loads("month_bytes", rows) for rows in sizes)
    files = sum(loads("month_files", rows) for rows in sizes)
    waited, twice = closing(sector, list(zip(arrivals(sector, chance), seconds)), chance)
    waited.sort()
    sizes.sort()
    seconds.sort()
    count = len(sizes)
    cores = sum(seconds) / 3600 * sector["core_hour"]
    store = kept / 1e9 * sector["gigabyte_month"]
    writes = files / 1000 * sector["thousand_puts"]
    print(f"rows: median {sizes[count // 2]:,.0f}; 99 of 100 {sizes[count * 99 // 100]:,.0f}; largest {sizes[-1]:,.0f}; all {sum(sizes):,.0f}")
    print(f"closing: {sum(seconds) / 3600:,.0f} core hours; median {seconds[count // 2]:.1f} s; largest {seconds[-1] / 60:,.0f} min")
    print(
        f"waited: median {waited[count // 2] * 60:.2f} min; 99 of 100 {waited[count * 99 // 100] * 60:.1f} min; longest {waited[-1] * 60:,.0f} min;"
        f" begun twice {twice}"
    )
    print(f"kept: {kept / 1e12:.1f} TB, and {grown / 1e12:.2f} TB in {files:,.0f} files more each month")
    print(f"verified: {sum(verified) / 3600:,.0f} core hours; largest {max(verified) / 3600:,.1f} h; read and measured anew: {anew / 3600:,.0f} core hours")
    print(f"US dollars a month: cores {cores:,.2f}, kept {store:,.0f}, writes {writes:,.0f}; a statement {(cores + store + writes) / count:.3f}")


if __name__ == "__main__":
    if sys.argv[1:2] == ["measure"] and len(sys.argv) > 3:
        measure(sys.argv[2], sys.argv[3], [int(rows) for rows in sys.argv[4:]] or [1_000, 30_000, 300_000, 1_000_000, 4_000_000])
    elif sys.argv[1:2] == ["simulate"] and len(sys.argv) == 3:
        with open(os.path.join(sys.argv[2], "costs.json"), encoding="utf-8") as costs:
            simulate(fitted(json.load(costs)), SECTOR)
    else:
        sys.exit(__doc__)
