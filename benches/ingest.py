"""Takes evidence of several forms in with the built program, and lets others read the same files beside it.

    ingest.py FOLDER KEIKI ROWS [GIGABYTES]

Each step is a process of its own, so that time and peak memory are its own. With GIGABYTES, a CSV file of that size is taken
in too, and deleted.
"""
import json
import os
import shutil
import subprocess
import sys
import time
import zipfile

from findings import COLUMNS, record

folder, keiki, rows = sys.argv[1], sys.argv[2], int(sys.argv[3])
gigabytes = float(sys.argv[4]) if len(sys.argv) > 4 else 0
DATASET = "vulnerabilities"
PYTHON = sys.executable


def write_csv(path, count, changed=0):
    with open(path, "w", encoding="utf-8") as out:
        out.write(",".join(COLUMNS) + "\n")
        for start in range(0, count, 10_000):
            lines = []
            for number in range(start, min(count, start + 10_000)):
                fields = record(number)
                if changed and number % changed == 0:
                    fields = (*fields[:4], "another", *fields[5:])
                lines.append(",".join(fields))
            out.write("\n".join(lines) + "\n")


def write_ndjson(path, count):
    with open(path, "w", encoding="utf-8") as out:
        for number in range(count):
            fields = zip(COLUMNS, record(number))
            out.write(json.dumps({name: value or None for name, value in fields}) + "\n")


def write_xml(path, count):
    with open(path, "w", encoding="utf-8") as out:
        out.write("<findings>\n")
        for number in range(count):
            fields = zip(COLUMNS, record(number))
            inner = "".join(f"<{name}>{value}</{name}>" for name, value in fields if value)
            out.write(f"<finding>{inner}</finding>\n")
        out.write("</findings>\n")


def write_xlsx(path, count):
    from openpyxl import Workbook

    book = Workbook(write_only=True)
    sheet = book.create_sheet("findings")
    sheet.append(COLUMNS)
    for number in range(count):
        sheet.append([value or None for value in record(number)])
    book.save(path)


def measured(command, log=None):
    """Runs a command and returns its seconds, peak memory in MiB, output and seconds of processor time."""
    began = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - began
    code = os.waitstatus_to_exitcode(status)
    if code != 0:
        print(f"# {' '.join(command)} failed with {code}: {output.strip()[:300]}", file=sys.stderr)
        return None
    return seconds, usage.ru_maxrss / 1024, output, usage.ru_utime + usage.ru_stime


def say(name, value):
    print(f"{name} {value:.3f}", flush=True)


def ingest(name, path, count, workspace="fresh", options=()):
    place = os.path.join(folder, f"workspace-{name.split('_')[0]}")
    if workspace == "fresh":
        shutil.rmtree(place, ignore_errors=True)
        subprocess.run([keiki, "init", place], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    command = [keiki, "--workspace", place, "ingest", "--dataset", DATASET, *options, path]
    if name == "xml":
        # Where the records are in XML has to be said.
        source = os.path.join(place, "sources", "findings.toml")
        os.makedirs(os.path.dirname(source), exist_ok=True)
        shutil.copy(path, os.path.join(place, "findings.xml"))
        with open(source, "w", encoding="utf-8") as out:
            out.write(f'name = "findings"\nkind = "xml"\ndataset = "{DATASET}"\nplace = "findings.xml"\n')
            out.write('extent = "part"\n\n[format]\nrecords = "/findings/finding"\n')
        command = [keiki, "--workspace", place, "ingest", "findings"]
    found = measured(command)
    if found is None:
        return
    seconds, peak, _, processor = found
    say(f"take_{name}_seconds", seconds)
    say(f"take_{name}_processor_seconds", processor)
    say(f"take_{name}_rows", count)
    say(f"take_{name}_bytes", os.path.getsize(path))
    say(f"take_{name}_peak_mib", peak)


def start(path):
    """What the program takes before it reads: itself, its definitions and a workspace. The file has no row."""
    with open(path, "w", encoding="utf-8") as out:
        out.write(",".join(COLUMNS) + "\n")
    ingest("start", path, 0)
    os.remove(path)
    shutil.rmtree(os.path.join(folder, "workspace-start"), ignore_errors=True)


READERS = {
    "polars_csv": "import polars as m; read = lambda p: m.read_csv(p, try_parse_dates=True)",
    "polars_ndjson": "import polars as m; read = lambda p: m.read_ndjson(p)",
    "duckdb_csv": "import duckdb as m; c = m.connect(); c.execute('SET threads = 2'); "
    "read = lambda p: c.execute(f\"CREATE OR REPLACE TABLE t AS SELECT * FROM read_csv('{p}')\")",
    "duckdb_ndjson": "import duckdb as m; c = m.connect(); c.execute('SET threads = 2'); "
    "read = lambda p: c.execute(f\"CREATE OR REPLACE TABLE t AS SELECT * FROM read_json('{p}')\")",
    "openpyxl_xlsx": "import openpyxl as m; read = lambda p: [0 for s in m.load_workbook(p, read_only=True) for r in "
    "s.iter_rows(values_only=True)]",
    "pandas_xlsx": "import pandas as m; read = lambda p: m.read_excel(p)",
    "pandas_xml": "import pandas as m; read = lambda p: m.read_xml(p, parser='lxml')",
}


def others(form, path):
    for name, code in READERS.items():
        if not name.endswith(f"_{form}"):
            continue
        program = (
            f"import time; {code}\nbegan, used = time.perf_counter(), time.process_time(); read({path!r})\n"
            "print(time.perf_counter() - began, time.process_time() - used)"
        )
        os.environ["POLARS_MAX_THREADS"] = "2"
        found = measured([PYTHON, "-c", program])
        if found:
            seconds, processor = found[2].strip().splitlines()[-1].split()
            say(f"read_{name}_seconds", float(seconds))
            say(f"read_{name}_processor_seconds", float(processor))
            say(f"read_{name}_peak_mib", found[1])


def main():
    os.makedirs(folder, exist_ok=True)
    file = lambda name: os.path.join(folder, name)
    sizes = {"csv": rows, "ndjson": rows, "xml": rows // 5, "xlsx": rows // 10}
    writers = {"csv": write_csv, "ndjson": write_ndjson, "xml": write_xml, "xlsx": write_xlsx}
    for _ in range(3):
        start(file("start.csv"))
    for form, write in writers.items():
        path = file(f"findings.{form}")
        write(path, sizes[form])
        for _ in range(2):
            ingest(form, path, sizes[form])
            others(form, path)
        if form == "csv":
            # The same export again, a hundredth of it changed: most rows say nothing new.
            again = file("findings-again.csv")
            write_csv(again, sizes[form], changed=100)
            for _ in range(2):
                ingest("csv", path, sizes[form])
                ingest("csv_again", again, sizes[form], workspace="kept", options=["--full"])
                others("csv", again)
            os.remove(again)
        shutil.rmtree(file(f"workspace-{form}"), ignore_errors=True)
        os.remove(path)
    if gigabytes:
        path = file("large.csv")
        write_csv(path, 100_000)
        count = int(gigabytes * 1e9 / os.path.getsize(path) * 100_000)
        write_csv(path, count)
        try:
            ingest("large", path, count)
        finally:
            os.remove(path)
            shutil.rmtree(file("workspace-large"), ignore_errors=True)


main()
