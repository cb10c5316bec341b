"""What the books of a group with very many companies take: figures, editions of its statement, first pages.

    group.py FOLDER KEIKI [COMPANIES [TOTALS]]    a group of so many companies (1000), each with two departments; TOTALS is `companies`
                                                  where each company reports a total of every ratio of the catalogue for three months,
                                                  or `all` where the departments do too (which the companies' own stand above)

Prints for each step the processor's seconds, seconds from beginning to end, the peak of memory in MiB and the size of what it wrote.
"""
import os
import shutil
import sys
import time

from regulator import CLOSED, ratios, run

MONTHS = (("2025-07", "2025-08-05"), ("2025-08", "2025-09-05"), (CLOSED, "2025-10-05"))
DEPARTMENTS = 2
EDITIONS = ("json", "csv", "parquet", "html", "pdf", "xlsx")


def write_tree(place, companies):
    """The group. Returns the ids of companies, and of departments."""
    ids, parts = [f"U{company}" for company in range(companies)], []
    with open(os.path.join(place, "org.csv"), "w", encoding="utf-8") as out:
        out.write("id,parent_id,name_ja,name_en,kind,country,valid_from,valid_until,successor_id\n")
        out.write("G,,全体,Whole,group,JP,2020-04-01,,\n")
        for company, unit in enumerate(ids):
            out.write(f"{unit},G,架空会社{company}号,Fictional Company {company},company,JP,2020-04-01,,\n")
            for part in range(DEPARTMENTS):
                parts.append(f"{unit}-{part}")
                out.write(f"{unit}-{part},{unit},部門{part},Department {part},department,JP,2020-04-01,,\n")
    return ids, parts


def write_totals(path, units, period):
    totals = ratios()
    with open(path, "w", encoding="utf-8") as out:
        out.write("kpi_no,indicator,org_unit,period,numerator,denominator,value,prepared_by,attachment\n")
        for at, unit in enumerate(units):
            for no, indicator in totals:
                out.write(f"{no},{indicator},{unit},{period},{(at * 7 + no + int(period[-2:])) % 50},50,,,statement-{unit}-{period}\n")


def step(name, command, wrote=None):
    began = time.time()
    seconds, mib, output = run(command)
    size = os.path.getsize(wrote) if wrote else len(output)
    print(f"{name:36} {seconds:7.1f} s {time.time() - began:7.1f} s {mib:8,.0f} MiB {size / 1e6:8.1f} MB", flush=True)


def main(folder, keiki, companies="1000", reporting="companies"):
    place, evidence = os.path.join(folder, "group"), os.path.join(folder, "evidence.csv")
    shutil.rmtree(place, ignore_errors=True)
    run([keiki, "--language", "en", "init", place])
    units, parts = write_tree(place, int(companies))
    here = [keiki, "--workspace", place, "--quiet"]
    for period, as_of in MONTHS:
        write_totals(evidence, units + parts if reporting == "all" else units, period)
        step(f"totals of {period} taken in", [*here, "ingest", "--dataset", "reported_figures", evidence, "--as-of", as_of])
    measure = [*here, "measure", "--period", CLOSED, "--format", "json"]
    step("all KPIs of the group", [*measure, "--org", "G"])
    step("one KPI of every org unit", [*measure, "--kpi", "7", "--all-orgs"])
    step("all KPIs of every org unit", [*measure, "--all-orgs"])
    for form in EDITIONS:
        written = None if form in ("json", "csv") else os.path.join(folder, f"statement.{form}")
        output = ["--output", written] if written else []
        step(f"statement as {form}", [*here, "statement", CLOSED, "--revision", "now", "--format", form, *output], written)
    full = os.path.join(folder, "full.pdf")
    step("statement as pdf, full", [*here, "statement", CLOSED, "--revision", "now", "--format", "pdf", "--edition", "full", "--output", full], full)


if __name__ == "__main__":
    main(*sys.argv[1:])
