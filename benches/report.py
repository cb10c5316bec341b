"""Turns the benchmarks' logs into docs/benchmarks.md. A part that was not run keeps what the page says of it."""
import collections
import os
import re
import sys

PAGE = os.path.join(os.path.dirname(__file__), "..", "docs", "benchmarks.md")
PARTS = dict(zip(("The books", "Evidence in", "Statements out", "The sample group", "Beside others", "The pages"), sys.argv[1:]))


def read(path):
    found = collections.defaultdict(list)
    for line in open(path, encoding="utf-8"):
        name, _, value = line.strip().partition(" ")
        try:
            number = float(value)
        except ValueError:
            continue
        found[name].append(number)
    return found


def row(what, figure, wanted="", is_reached=None):
    verdict = "" if is_reached is None else "yes" if is_reached else "no"
    print(f"| {what} | {figure} | {wanted} | {verdict} |")



def books(found):
    best = {name: min(values) for name, values in found.items()}
    peak = {name: max(values) for name, values in found.items() if name.endswith("_mib")}
    print(f"Entries: {best.get('entries', 0):,.0f} in all datasets that the catalogue's KPIs read, four fifths of them in a register of assets and in")
    print("facts of vulnerabilities and of milestones; 300 org units, 36 months. All 47 KPIs with all their companions, every org unit and month:")
    print(f"{best.get('measurements', 0):,.0f} measurements, all held at once.\n")
    if found.get("load"):
        low, high = min(found["load"]), max(found["load"])
        print(f"Load average of the machine meanwhile: {low:.0f} to {high:.0f}; what is above two waits, and times by the clock say little then.\n")
    print("| what | measured | wanted | reached |")
    print("|---|---|---|---|")
    row("DataFusion decodes the columns, 2 threads", f"{best['decode_seconds']:.2f} s")
    ratio = best["measure_seconds"] / best["decode_seconds"]
    row("everything measured from a cold start", f"{best['measure_seconds']:.2f} s = {ratio:.1f} x decoding", "at most 2.5 x", ratio <= 2.5)
    if "measure_processor_seconds" in best:
        ratio = best["measure_processor_seconds"] / max(best["decode_processor_seconds"], 0.01)
        row("the same in processor time, whatever else the machine did", f"{best['measure_processor_seconds']:.2f} s = {ratio:.1f} x decoding")
    row("peak memory of that", f"{peak['measure_peak_mib']:.0f} MiB", "under 1,024 MiB", peak["measure_peak_mib"] < 1024)
    share = best["again_seconds"] / best["full_seconds"]
    row("measured again after 10,000 more entries, a thousandth", f"{best['again_seconds']*1000:.0f} ms = {share:.2%} of the full; at 100 million entries see below")
    ratio = best["ingest_seconds"] / best["duckdb_seconds"]
    row("a register export of 800,000 rows taken in", f"{best['ingest_seconds']:.2f} s = {ratio:.1f} x DuckDB", "at most 5 x", ratio <= 5)
    row("of that: raw evidence kept", f"{best['ingest_raw_seconds']:.2f} s")
    row("meanwhile: read, mapped and checked", f"{best['ingest_read_seconds']:.2f} s")
    row("peak memory of that ingest", f"{peak['ingest_peak_mib']:.0f} MiB")
    row("DuckDB reads the file and joins it with the current state", f"{best['duckdb_seconds']:.2f} s")


FORMS = {
    "csv": ("CSV, first load", "csv", 3),
    "csv_again": ("CSV, the same export again, a hundredth changed", "csv", 3),
    "ndjson": ("NDJSON, first load", "ndjson", 3),
    "xlsx": ("XLSX, first load", "xlsx", None),
    "xml": ("XML, first load", "xml", None),
}


def evidence(found):
    best = {name: min(values) for name, values in found.items()}
    peak = {name: max(values) for name, values in found.items() if name.endswith("_mib")}
    start = best.get("take_start_seconds")
    print("Files of vulnerabilities with eleven columns, taken in by `keiki ingest` from start to end: read, mapped, checked, raw")
    print("evidence kept, journal written (the rows of a first load are its heads: decision 0110). The others only read the same file into memory, on two threads.\n")
    print("| what | measured | wanted | reached |")
    print("|---|---|---|---|")
    for name, (title, form, times) in FORMS.items():
        seconds = best.get(f"take_{name}_seconds")
        if seconds is None:
            continue
        rows, size = best[f"take_{name}_rows"], best[f"take_{name}_bytes"]
        speed = f"{seconds:.2f} s: {rows / seconds:,.0f} rows/s, {size / seconds / 1e6:.0f} MB/s"
        memory = f"processor {best[f'take_{name}_processor_seconds']:.1f} s; peak {peak[f'take_{name}_peak_mib']:.0f} MiB"
        others = {
            other: best[other]
            for other in (f"read_{tool}_{form}_seconds" for tool in ("polars", "duckdb", "openpyxl", "pandas"))
            if other in best
        }
        wanted, is_reached = "", None
        if times and others:
            ratio = seconds / min(others.values())
            speed += f" = {ratio:.1f} x the faster reader"
            if start:
                speed += f", {(seconds - start) / min(others.values()):.1f} x without the start"
            wanted, is_reached = f"at most {times} x", ratio <= times
        openpyxl = others.get("read_openpyxl_xlsx_seconds")
        if openpyxl:
            ratio = openpyxl / seconds
            speed += f"; openpyxl takes {ratio:.1f} x as long"
            wanted, is_reached = "at least 10 x", ratio >= 10
        row(title, f"{speed}; {memory}", wanted, is_reached)
        for other, value in others.items():
            tool = other.split("_")[1]
            again = peak.get(other.replace("_seconds", "_peak_mib"), 0)
            used = best.get(other.replace("_seconds", "_processor_seconds"))
            used = f"processor {used:.1f} s; " if used else ""
            row(f"{tool} reads that {form.upper()} file", f"{value:.2f} s; {used}peak {again:.0f} MiB")
    if start:
        row("the start: the program, its definitions and a workspace, and a file without a row", f"{start:.2f} s", "", None)
    if "take_large_seconds" in best:
        size, seconds = best["take_large_bytes"] / 1e9, best["take_large_seconds"]
        rows, memory = best["take_large_rows"], peak["take_large_peak_mib"]
        speed = f"{seconds:.0f} s: {rows:,.0f} rows, {rows / seconds:,.0f} rows/s, {size * 1e3 / seconds:.0f} MB/s; peak {memory:.0f} MiB"
        row(f"{size:.1f} GB of CSV, first load", speed, "under 1,024 MiB", memory < 1024)


def statements(found):
    best = {name: min(values) for name, values in found.items()}
    print("The editions of the sample group's statement of a month: ten companies, 47 KPIs, some 4,000 measurements, twelve periods before it.")
    print("`keiki statement` from start to end, so reading the statement and measuring what was not closed before it are in.\n")
    print("| what | measured | wanted | reached |")
    print("|---|---|---|---|")
    for name, title, limit in (
        ("pdf_board", "PDF, board edition", 2),
        ("pdf_full", "PDF, full edition", None),
        ("xlsx", "Excel workbook", 1),
        ("html", "HTML", None),
        ("json", "JSON, to compare with: the statement alone", None),
    ):
        seconds = best.get(f"{name}_seconds")
        if seconds is None:
            continue
        size = best.get(f"{name}_bytes")
        figure = f"{seconds:.2f} s" + (f"; {size / 1024:,.0f} KiB" if size else "")
        row(title, figure, f"under {limit} s" if limit else "", seconds < limit if limit else None)


def demo(found):
    best = {name: min(values) for name, values in found.items()}
    print("`keiki demo` in the optimised build, from nothing to the scorecard: the workspace made, three and a half years of evidence")
    print(f"taken in by {best['demo_readings']:,.0f} readings, all 47 KPIs measured.\n")
    print("| what | measured | wanted | reached |")
    print("|---|---|---|---|")
    seconds = best["demo_seconds"]
    row("the whole demo", f"{seconds:.1f} s", "under 10 s", seconds < 10)
    row("processor time of that", f"{best['demo_processor_seconds']:.1f} s")
    row("peak memory of that", f"{max(found['demo_peak_mib']):.0f} MiB")
    if "measure_one_seconds" in found:
        one = sorted(found["measure_one_seconds"])
        figure = f"{one[0] * 1000:.0f} ms, half of {len(one)} runs within {one[len(one) // 2] * 1000:.0f} ms"
        row("one KPI measured from the kept cube, the whole process", figure, "under 50 ms", one[0] < 0.05)


NAMES = {
    "duckdb": "DuckDB",
    "polars": "Polars",
    "chdb": "ClickHouse (chdb)",
    "datafusion": "DataFusion SQL",
    "metricflow": "MetricFlow on DuckDB",
}
WAYS = {"natural": "as an analyst writes it", "clever": "as cleverly as we can", "layer": "its metrics over our changes"}


OWN = {
    "decode": "DataFusion merely decodes the columns of everything",
    "decoderead": "of those entries that measuring reads",
    "keiki": "**Keiki**, everything",
    "decodealone": "DataFusion merely decodes the columns of these figures",
    "decodereadalone": "of those entries that measuring reads",
    "alone": "**Keiki**, these figures alone",
}


def times(found):
    """Wall, processor and peak of what was measured."""
    return {what: [float(part) for part in rest.split()] for what, rest in found.items() if is_measured(what, rest)}


def is_measured(what, rest):
    return what in OWN or ("-" in what and not rest.startswith("failed"))


def peers(path):
    """Lines of `millions what wall processor peak`, `millions what failed why`, and others by name."""
    lines = [line.strip().split(maxsplit=2) for line in open(path, encoding="utf-8")]
    about = [rest for at, what, rest in lines if at == "0" and what == "machine"]
    versions = [rest for at, what, rest in lines if at == "0" and what == "versions"]
    print(f"{about[0]}; every engine on two threads. {'; '.join(versions)}.\n")
    print("The same figures of the same evidence, 300 org units and 36 months, by other engines: sixteen figures of twelve KPIs. Ratios of stocks")
    print("(KPI 1 to 4), of the vulnerabilities started and completed in a month their number, mean and median days (KPI 24 and 25), and")
    print("actual against plan (KPI 41 to 45 and 47). The others read tables made beforehand: of each version of an asset the days between")
    print("which it held, vulnerabilities and milestones as they are known now; so about half as many rows as there are entries, and no")
    print("history of knowledge. As an analyst writes it: a query for each figure, a calendar joined to those days. As cleverly as we can: one")
    print("query for all KPIs of a table, which adds up changes by month. The metric layer sums changes that its models make of those days,")
    print("since it has no stocks of records that come and go.")
    print("Each answer was compared with Keiki's cell by cell, as exact fractions, before its time was taken. A time is that of the whole set of")
    print("figures, in a process of its own, the best of three (of one where it takes 20 seconds), the library loaded and nothing read before.")
    print("Compaction sets apart entries that come to nothing (decision 0131), and measuring passes over them; decoding is that of all, and once more without")
    print("them. Everything is one measurement of all 47 KPIs with all of their companions, survival among them, over all datasets; a fifth of the")
    print("entries lies in datasets that the others do not read. These figures alone are those that the others compute. Ratios are to these.")
    sizes = [at for at in dict.fromkeys(line[0] for line in lines) if at != "0"]
    all_found = {at: {what: rest for of, what, rest in lines if of == at} for at in sizes}
    for at, found in all_found.items():
        size(int(at), found)
    if len(sizes) > 1:
        print("\nFrom size to size:\n")
        print("| what | measured | wanted | reached |")
        print("|---|---|---|---|")
        for less, more in zip(sizes, sizes[1:]):
            before, after = (times(all_found[at])["keiki"] for at in (less, more))
            ratio, entries = after[0] / before[0], int(more) / int(less)
            wanted = f"at most {1.05 * entries:.1f}"
            row(f"{more} million entries take as many times as long as {less} million", f"{ratio:.1f}", wanted, ratio <= 1.05 * entries)


def size(millions, found):
    """The tables of one size."""
    measured = times(found)
    everything, keiki = measured["keiki"], measured["alone"]
    print(f"\n{millions:,},000,000 entries, {int(found['cells']):,} cells; load average of the machine before: {float(found['load']):.0f}:\n")
    print("| what | wall | processor | peak memory | times Keiki's wall |")
    print("|---|---|---|---|---|")
    for what, rest in found.items():
        engine, _, way = what.partition("-")
        if what not in OWN and not way:
            continue
        title = OWN.get(what) or f"{NAMES[engine]}, {WAYS[way]}"
        if what not in measured:
            print(f"| {title} | {rest[7:].strip()} | | | |")
            continue
        wall, processor, peak = measured[what]
        print(f"| {title} | {wall:.2f} s | {processor:.2f} s | {peak:,.0f} MiB | {wall / keiki[0]:.1f} |")
    print("\n| what | measured | wanted | reached |")
    print("|---|---|---|---|")
    wall, processor = (everything[at] / measured["decode"][at] for at in (0, 1))
    row("everything measured, in times of decoding, by the clock", f"{wall:.2f}", "at most 2.5", wall <= 2.5)
    row("the same in processor time", f"{processor:.2f}", "at most 2.5", processor <= 2.5)
    if "decoderead" in measured:
        wall, processor = (everything[at] / measured["decoderead"][at] for at in (0, 1))
        row("the same, in times of decoding those entries alone that measuring reads", f"{wall:.1f}, {processor:.1f}")
    best = None
    for way, wanted, title in (("clever", 5, "the best clever set of queries"), ("natural", 25, "the best natural one")):
        walls = [(figures[0], what) for what, figures in measured.items() if what.endswith(f"-{way}")]
        if walls:
            wall, what = min(walls)
            ratio = wall / keiki[0]
            named = f"{title} ({NAMES[what.partition('-')[0]]})"
            row(f"{named}, in times of Keiki", f"{ratio:.1f}", f"at least {wanted}", ratio >= wanted)
            if way == "clever":
                row("the same, in times of merely decoding the columns, beyond which nothing comes that reads all entries", f"{wall / measured['decodealone'][0]:.1f}")
                best = wall
        else:
            row(f"{title}", "none came to an end with the right figures", f"at least {wanted}")
    row("peak memory of everything measured", f"{everything[2]:,.0f} MiB", "under 1,024 MiB", everything[2] < 1024)
    if "increment" in found:
        full, again, entries = (float(part) for part in found["increment"].split())
        title = f"measured again after {entries:,.0f} more entries, a thousandth"
        row(title, f"{again * 1000:.0f} ms = {again / full:.2%} of the full", "under 1 %", again / full < 0.01)
        if best is not None:
            row("the best clever set of queries, which has to run again, in times of that", f"{best / again:.0f}")


def pages(found):
    one = {name: values[-1] for name, values in found.items()}
    print("`keiki serve` over the sample group in the optimised build, on the same cores as who asks: a mix of pages (scorecards, KPIs, records, evidence, programme,")
    print("close, API) by three readers, each request due at its instant and timed from then, so that a server that falls behind is not spared. Then it is killed")
    print("(`SIGKILL`) in the middle of submissions, some times over.\n")
    print("| what | measured | wanted | reached |")
    print("|---|---|---|---|")
    row("the dashboard, one reader at a time, median and 99 of 100", f"{one['serve_dashboard_ms']:.1f} ms, {one['serve_dashboard_p99_ms']:.1f} ms", "under 20 ms", one["serve_dashboard_ms"] < 20)
    row("the slowest page, asked for the first time", f"{one['serve_first_ms']:.0f} ms")
    rate, seconds = one["serve_rate"], one["serve_seconds"]
    row("requests", f"{rate:.0f} a second for {seconds:.0f} s, {one['serve_errors']:.0f} errors", "200 a second", rate >= 199 and not one["serve_errors"])
    row("half of them, 95 of 100, and the worst", f"{one['serve_p50_ms']:.1f} ms, {one['serve_p95_ms']:.1f} ms, {one['serve_worst_ms']:.0f} ms")
    row("99 of 100", f"{one['serve_p99_ms']:.1f} ms", "under 50 ms", one["serve_p99_ms"] < 50)
    row("processor of the server", f"{one['serve_processor_share']:.2f} of a core")
    row("memory, and how much it grew from the second third to the last", f"{one['serve_memory_mib']:.0f} MiB, {one['serve_memory_growth_mib']:+.1f} MiB", "does not grow", one["serve_memory_growth_mib"] < 16)
    lost = f"{one['serve_kills']:.0f} kills, {one['serve_answered']:.0f} answered submissions: {one['serve_lost']:.0f} lost, {one['serve_twice']:.0f} twice, {one.get('serve_left', 0):.0f} files left behind; the books "
    lost += "verify" if one["serve_sound"] else "do not verify"
    if "serve_agreed" in one:
        agreed = f"{one['serve_kills']:.0f} kills, {one['serve_agreed']:.0f} answered agreements, {one['serve_agreed_undone']:.0f} found agreed and not done, and done by hand: {one['serve_agreed_lost']:.0f} lost, {one['serve_agreed_twice']:.0f} twice"
        row("killed while somebody agrees to a target", agreed, "nothing lost", not one["serve_agreed_lost"] and not one["serve_agreed_twice"])
    row("killed in the middle", lost, "nothing lost", not one["serve_lost"] and not one["serve_twice"] and not one.get("serve_left") and one["serve_sound"] == 1)


def kept(title):
    """What the page says of a part now."""
    try:
        text = open(PAGE, encoding="utf-8").read()
    except OSError:
        return ""
    part = re.search(rf"^## {title}\n\n(.*?)(?=^## |\Z)", text, re.M | re.S)
    return part.group(1).rstrip() if part else ""


before = {title: kept(title) for title in PARTS}
print("# Benchmarks\n")
print("Written by `benches/run`. The best of several runs in one go on one machine; machines are noisy, so what is")
print(f"compared was run side by side. Cores: {os.cpu_count()}.")
for (title, path), write in zip(PARTS.items(), (books, evidence, statements, demo, peers, pages)):
    found = path if write is peers and os.path.getsize(path) else {} if write is peers else read(path)
    if not found and not before[title]:
        continue
    print(f"\n## {title}\n")
    if found:
        write(found)
    else:
        print(before[title])
