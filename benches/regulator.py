"""What the books of a whole sector would take, from what the books of some organisations are measured to take.

    regulator.py measure FOLDER KEIKI [ROWS..]    measures organisations of those sizes, the last one to check the others by
    regulator.py sector FOLDER KEIKI              measures workspaces of a regulator, to which statements are sent up as totals
    regulator.py requests FOLDER KEIKI            counts what an organisation asks an object store for, and what of it in a row
                                                  (KEIKI with `--features keiki/cluster`, of any build; moto from PyPI)
    regulator.py simulate FOLDER                  a month of the sector of docs/decisions/0126, from what was measured and
                                                  counted, and what breaks first

Every cost is taken as `fixed + each * rows`, fitted to the measured ones (the line of least relative deviation), and what the line
says of the last organisation, which it has not seen, is printed beside what that took. Seconds are the processor's. What waits for an
object store is counted in requests that follow one upon another: with a store that is slow, the time in which any request is being delayed is
divided by the delay.
"""
import heapq
import json
import math
import os
import random
import shutil
import subprocess
import sys
import tomllib

from findings import COLUMNS, record

DATASET = "vulnerabilities"
UNITS = 10
PERIODS = ("2024-10", "2025-09")
CLOSED = "2025-09"
CHANGED = 100  # one row in so many is another in the month after

# What grows with the rows. Memory does not, and is reported as the largest that was seen.
LINES = ("first_load", "second_load", "month_load", "measure_full", "measure_month", "statement", "verify", "bytes", "month_bytes")

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
    "thousand_gets": 0.0004,
    # For how long such a store has a small request wait.
    "request_seconds": 0.03,
    # What verifies, lists and copies at night.
    "night_hours": 8.0,
    # The memory of the machine on which the regulator asks.
    "machine_mib": 16 * 1024,
    # What a cube holds (keiki-engine/src/error.rs).
    "org_units_most": 65_000,
}
SMALLER = (1_000, 3_000)  # organisations of the sectors that are measured
ONE = "all KPIs of one organisation"
FAR = 100  # times the sector: limits beyond are not printed
SLOW_MS = 100  # how slow the slow store is


def run(command, environment=None):
    """Runs a command to its end. Returns its processor seconds, its peak in MiB and what it printed."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment)
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    code = os.waitstatus_to_exitcode(status)
    if code:
        sys.exit(f"{' '.join(command)} failed with {code}: {output.strip()[-400:]}")
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, output


def held(folder):
    """Bytes of the files below a folder."""
    size = 0
    for place, _, files in os.walk(folder):
        for name in files:
            size += os.path.getsize(os.path.join(place, name))
    return size


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
    cost["bytes"] = held(os.path.join(place, ".keiki"))
    cost["measure_full"], cost["measure_peak_mib"], _ = run(measure)
    write(evidence, rows, UNITS, changed="a third")
    cost["month_load"], _, _ = run([*take, "--as-of", "2025-10-31"])
    cost["month_bytes"] = held(os.path.join(place, ".keiki")) - cost["bytes"]
    cost["measure_month"], _, _ = run(measure)
    cost["statement"], _, _ = run([*here, "statement", CLOSED, "--revision", "now", "--format", "pdf", "--output", os.path.join(folder, "statement.pdf")])
    cost["verify"], _, _ = run([*here, "verify"])
    for left in (evidence, os.path.join(folder, "statement.pdf")):
        os.remove(left)
    shutil.rmtree(place)
    return cost


def ratios():
    """The number and the name of every figure of the catalogue that has a numerator and a denominator."""
    catalogue = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "catalogue")
    found = []
    for place, _, files in os.walk(catalogue):
        if "kpi.toml" in files:
            with open(os.path.join(place, "kpi.toml"), "rb") as file:
                kpi = tomllib.load(file)
            found += [(kpi["no"], indicator["code"]) for indicator in kpi["indicators"] if indicator["kind"] == "ratio"]
    return sorted(found)


def write_totals(path, units, period):
    """What closed statements are sent up as. Returns how many totals these are."""
    totals = ratios()
    with open(path, "w", encoding="utf-8") as out:
        out.write("kpi_no,indicator,org_unit,period,numerator,denominator,value,prepared_by,attachment\n")
        for unit in range(units):
            for no, indicator in totals:
                out.write(f"{no},{indicator},U{unit},{period},{(unit * 7 + no) % 50},50,,,statement-U{unit}-{period}\n")
    return units * len(totals)


def sector(folder, keiki, units):
    """What one workspace takes in which each organisation of a sector is an org unit, with the totals of its statements. *Shape*: step:
    processor seconds, MiB."""
    place, evidence = (os.path.join(folder, name) for name in ("sector", "evidence.csv"))
    shutil.rmtree(place, ignore_errors=True)
    run([keiki, "init", place])
    write_units(place, units, "company")
    here = [keiki, "--workspace", place, "--quiet"]
    found = {}
    for period, as_of in (("2025-08", "2025-09-05"), (CLOSED, "2025-10-05")):
        write_totals(evidence, units, period)
        found[f"totals of {period} taken in"] = run([*here, "ingest", "--dataset", "reported_figures", evidence, "--as-of", as_of])[:2]
    for name, step in [
        ("the whole sector, a month", ["measure", "--org", "G", "--period", CLOSED, "--format", "json"]),
        ("one KPI of every organisation", ["measure", "--kpi", "7", "--all-orgs", "--period", CLOSED, "--format", "json"]),
        (ONE, ["measure", "--org", "U7", "--period", CLOSED, "--format", "json"]),
    ]:
        found[name] = run([*here, *step])[:2]
    shutil.rmtree(place)
    os.remove(evidence)
    return found


def sectors(folder, keiki):
    """Two sectors that are smaller, and what follows for one of all organisations if it goes on as it does from one to the other."""
    small, large = (sector(folder, keiki, units) for units in SMALLER)
    found = {}
    for name, (seconds, peak) in large.items():
        of = found[name] = {"seconds": power(small[name][0], seconds), "mib": power(small[name][1], peak)}
        of_seconds, of_mib = (at(of[what], SECTOR["organisations"]) for what in ("seconds", "mib"))
        print(
            f"{name:32} of {SMALLER[0]:,} {small[name][0]:7.2f} s {small[name][1]:6,.0f} MiB; of {SMALLER[1]:,} {seconds:7.2f} s {peak:6,.0f} MiB;"
            f" so of {SECTOR['organisations']:,} {of_seconds:8.1f} s (power {of['seconds']['power']:.2f}) {of_mib:8,.0f} MiB", flush=True)
    with open(os.path.join(folder, "sector.json"), "w", encoding="utf-8") as out:
        json.dump(found, out, indent=1)


def power(small, large):
    """The power of the organisations with which a cost grows, and the cost of one."""
    exponent = max(0.0, math.log(large / small) / math.log(SMALLER[1] / SMALLER[0]))
    return {"power": exponent, "one": large / SMALLER[1] ** exponent}


def at(cost, organisations):
    return cost["one"] * organisations ** cost["power"]


def times(cost, limit):
    """How many times the organisations of the sector a limit bears."""
    if cost["power"] < 0.05:
        return math.inf
    return (limit / cost["one"]) ** (1 / cost["power"]) / SECTOR["organisations"]


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


def requests(folder, keiki):
    """What the steps of a month ask an object store for: requests, those of them that write, and how many follow one upon another."""
    sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "e2e"))
    from programs import libraries
    from store import MOTO, Objects

    os.makedirs(folder, exist_ok=True)
    objects = Objects(libraries(folder, MOTO))
    environment = dict(os.environ, AWS_ACCESS_KEY_ID="keiki", AWS_SECRET_ACCESS_KEY="keiki", AWS_REGION="us-east-1", AWS_ENDPOINT_URL=objects.url, AWS_ALLOW_HTTP="true")
    objects.faults(delay_ms=SLOW_MS)
    found = {}
    try:
        for name, counts in stepped(folder, keiki, environment, objects):
            # A busy machine sleeps longer than it is told to.
            in_a_row = min(counts["requests"], counts["delayed_seconds"] * 1000 / SLOW_MS)
            of = found[name] = {"requests": counts["requests"], "written": counts["written"], "in_a_row": in_a_row}
            print(f"{name:14} {of['requests']:6} requests, {of['written']:6} of them write; {of['in_a_row']:6.1f} follow one upon another", flush=True)
    finally:
        objects.process.kill()
    with open(os.path.join(folder, "requests.json"), "w", encoding="utf-8") as out:
        json.dump(found, out, indent=1)


def stepped(folder, keiki, environment, objects, rows=30_000):
    """Goes through the steps of a month with a journal on an object store. *Shape*: name, what was asked for."""
    place, evidence = os.path.join(folder, "stored"), os.path.join(folder, "evidence.csv")
    shutil.rmtree(place, ignore_errors=True)
    run([keiki, "init", place])
    write_units(place, UNITS, "department")
    settings = os.path.join(place, "keiki.toml")
    with open(settings, encoding="utf-8") as file:
        text = file.read()
    with open(settings, "w", encoding="utf-8") as file:
        file.write(f'journal = "s3://books/organisation"\n{text}')
    here = [keiki, "--workspace", place, "--quiet"]
    take = [*here, "ingest", "--dataset", DATASET, evidence, "--as-of"]
    measured = [*here, "measure", "--all-orgs", "--from", PERIODS[0], "--to", PERIODS[1], "--format", "json"]
    statement = [*here, "statement", CLOSED, "--revision", "now", "--format", "pdf", "--output", os.path.join(folder, "statement.pdf")]
    for name, command, changed in [
        ("first_load", [*take, "2025-08-31"], ""), ("second_load", [*take, "2025-09-30"], "another"), ("measure_full", measured, None),
        ("month_load", [*take, "2025-10-31"], "a third"), ("measure_month", measured, None), ("statement", statement, None), ("verify", [*here, "verify"], None),
    ]:
        if changed is not None:
            write(evidence, rows, UNITS, changed=changed)
        objects.counts()
        run(command, environment)
        yield name, objects.counts()["keiki"]
    for left in (evidence, os.path.join(folder, "statement.pdf")):
        os.remove(left)
    shutil.rmtree(place)


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
    """Serves closes in the order of their arrival on the cores of all workers, each of which waits for the store as long as its job does; a
    worker that fails loses what its core was at. Returns hours waited until the statement stands, one for each organisation, and how many
    were begun twice."""
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
    return sorted(waited), twice


class Month:
    """A month of a sector."""

    def __init__(self, lines, asked, sector):
        self.lines, self.asked, self.sector = lines, asked, sector
        self.sizes = sorted(sizes_of(sector, random.Random(47)))
        self.seconds = [self.loads("month_load", rows) + self.cost("measure_month", rows) + self.cost("statement", rows) for rows in self.sizes]
        self.waiting = self.of_close("in_a_row") * sector["request_seconds"]
        self.verified = [self.cost("verify", rows) for rows in self.sizes]
        self.kept = sum(self.loads("bytes", rows) for rows in self.sizes)
        self.grown = sum(self.loads("month_bytes", rows) for rows in self.sizes)
        # What a load writes into the journal, whatever its rows; computed sums beside it are no part of the journal.
        self.files = self.asked["month_load"]["written"] * sector["datasets"] * sector["organisations"]

    def cost(self, name, rows):
        return self.lines[name]["fixed"] + self.lines[name]["each"] * rows

    def loads(self, name, rows):
        # Every dataset has its own fixed part.
        return self.lines[name]["fixed"] * self.sector["datasets"] + self.lines[name]["each"] * rows

    def of_close(self, what):
        """What one close asks of the store: a load for each dataset, a measurement and a statement."""
        return self.asked["month_load"][what] * self.sector["datasets"] + self.asked["measure_month"][what] + self.asked["statement"][what]

    def anew(self):
        return sum(self.loads("first_load", rows) + self.loads("second_load", rows) + self.cost("measure_full", rows) for rows in self.sizes)

    def closed(self, cores=None):
        """Hours waited for each statement, the shortest first, and how many were begun twice."""
        chance = random.Random(47)
        sector = self.sector if cores is None else {**self.sector, "workers": 1, "cores": cores}
        jobs = list(zip(arrivals(sector, chance), [seconds + self.waiting for seconds in self.seconds]))
        return closing(sector, jobs, chance)

    def limits(self, of_sector):
        """What stands in the way of a larger sector. *Shape*: what, how many times this sector it bears."""
        sector, night = self.sector, self.sector["night_hours"] * 3600
        late = sum(seconds + self.waiting for seconds in self.seconds) * sector["late_share"] / (sector["late_hours"] * 3600)
        listed = self.files * 12 / 1000 * sector["request_seconds"]
        return sorted([
            ("verification of the largest in a night, on one core", night / max(self.verified)),
            ("verification of all in a night, on all cores", night * sector["workers"] * sector["cores"] / sum(self.verified)),
            ("the last afternoon, on all cores", sector["workers"] * sector["cores"] / late),
            ("a year's files listed in a night, one listing after another", night / listed),
            ("org units in the regulator's workspace", sector["org_units_most"] / sector["organisations"]),
            *((f"the regulator's workspace: {name}, within an hour", times(of["seconds"], 3600)) for name, of in of_sector.items()),
            *((f"the regulator's workspace: {name}, in the memory of one machine", times(of["mib"], sector["machine_mib"])) for name, of in of_sector.items()),
        ], key=lambda limit: limit[1])


def simulate(lines, asked, of_sector, sector):
    month = Month(lines, asked, sector)
    count, sizes, seconds = len(month.sizes), month.sizes, month.seconds
    waited, twice = month.closed()
    cores = sum(seconds) / 3600 * sector["core_hour"]
    store = month.kept / 1e9 * sector["gigabyte_month"]
    writes = month.of_close("written") * count / 1000 * sector["thousand_puts"]
    reads = (month.of_close("requests") - month.of_close("written")) * count / 1000 * sector["thousand_gets"]
    print(f"rows: median {sizes[count // 2]:,.0f}; 99 of 100 {sizes[count * 99 // 100]:,.0f}; largest {sizes[-1]:,.0f}; all {sum(sizes):,.0f}")
    print(f"closing: {sum(seconds) / 3600:,.0f} core hours; median {seconds[count // 2]:.1f} s; largest {seconds[-1] / 60:,.0f} min")
    print(f"a close waits for the store {month.waiting:.1f} s in {month.of_close('in_a_row'):,.0f} requests one upon another, of {month.of_close('requests'):,.0f}")
    print(
        f"waited: median {waited[count // 2] * 60:.2f} min; 99 of 100 {waited[count * 99 // 100] * 60:.1f} min; longest {waited[-1] * 60:,.0f} min;"
        f" begun twice {twice}"
    )
    for few in (8, 16, 32, 64, 128):
        fewer, _ = month.closed(few)
        print(f"  on {few} cores: median {fewer[count // 2] * 60:.2f} min; 99 of 100 {fewer[count * 99 // 100] * 60:.1f} min; longest {fewer[-1] * 60:,.0f} min")
    print(f"kept: {month.kept / 1e12:.1f} TB, and {month.grown / 1e12:.2f} TB in {month.files:,.0f} files more each month")
    print(f"verified: {sum(month.verified) / 3600:,.0f} core hours; largest {max(month.verified) / 3600:,.1f} h; read and measured anew: {month.anew() / 3600:,.0f} core hours")
    asks = writes + reads
    print(f"US dollars a month: cores {cores:,.2f}, kept {store:,.0f}, requests {asks:,.0f} (writes {writes:,.0f}); a statement {(cores + store + asks) / count:.3f}")
    print("what breaks first, and how many times this sector it bears:")
    for what, borne in month.limits(of_sector):
        if borne < FAR:
            print(f"  {borne:8.1f}  {what}")


def read(folder, name):
    with open(os.path.join(folder, name), encoding="utf-8") as file:
        return json.load(file)


if __name__ == "__main__":
    if sys.argv[1:2] == ["measure"] and len(sys.argv) > 3:
        measure(sys.argv[2], sys.argv[3], [int(rows) for rows in sys.argv[4:]] or [1_000, 30_000, 300_000, 1_000_000, 4_000_000])
    elif sys.argv[1:2] == ["simulate"] and len(sys.argv) == 3:
        place = sys.argv[2]
        simulate(fitted(read(place, "costs.json")), read(place, "requests.json"), read(place, "sector.json"), SECTOR)
    elif sys.argv[1:2] == ["sector"] and len(sys.argv) == 4:
        sectors(sys.argv[2], sys.argv[3])
    elif sys.argv[1:2] == ["requests"] and len(sys.argv) == 4:
        requests(sys.argv[2], sys.argv[3])
    else:
        sys.exit(__doc__)
