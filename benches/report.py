"""Turns the benchmark's log into docs/benchmarks.md."""
import collections
import os
import sys

found = collections.defaultdict(list)
for line in open(sys.argv[1], encoding="utf-8"):
    name, _, value = line.strip().partition(" ")
    try:
        number = float(value)
    except ValueError:
        continue
    found[name].append(number)

best = {name: min(values) for name, values in found.items()}
peak = {name: max(values) for name, values in found.items() if name.endswith("_mib")}


def row(what, figure, wanted="", is_reached=None):
    verdict = "" if is_reached is None else "yes" if is_reached else "no"
    print(f"| {what} | {figure} | {wanted} | {verdict} |")


print("# Benchmarks\n")
print("Written by `benches/run`. The best of several runs in one go on one machine; machines are noisy, so what is")
print("compared was run side by side.\n")
print(f"Cores: {os.cpu_count()}. Entries: {best.get('entries', 0):,.0f} in two datasets (a register of assets, facts of")
print("vulnerabilities), 300 org units, 36 months; KPIs 1 and 24 with all their companions, every org unit and month:")
print(f"{best.get('measurements', 0):,.0f} measurements.\n")
print("| what | measured | wanted | reached |")
print("|---|---|---|---|")
row("DataFusion decodes the columns, 2 threads", f"{best['decode_seconds']:.2f} s")
ratio = best["measure_seconds"] / best["decode_seconds"]
row("everything measured from a cold start", f"{best['measure_seconds']:.2f} s = {ratio:.1f} x decoding", "at most 3 x", ratio <= 3)
row("peak memory of that", f"{peak['measure_peak_mib']:.0f} MiB", "under 1,024 MiB", peak["measure_peak_mib"] < 1024)
share = best["again_seconds"] / best["full_seconds"]
row("measured again after 5,000 more rows", f"{best['again_seconds']*1000:.0f} ms = {share:.1%} of the full", "under 5 %", share < 0.05)
ratio = best["ingest_seconds"] / best["duckdb_seconds"]
row("a register export of 1,000,000 rows taken in", f"{best['ingest_seconds']:.2f} s = {ratio:.1f} x DuckDB", "at most 5 x", ratio <= 5)
row("of that: raw evidence kept", f"{best['ingest_raw_seconds']:.2f} s")
row("meanwhile: read, mapped and checked", f"{best['ingest_read_seconds']:.2f} s")
row("peak memory of that ingest", f"{peak['ingest_peak_mib']:.0f} MiB")
row("DuckDB reads the file and joins it with the current state", f"{best['duckdb_seconds']:.2f} s")
