"""Computes figures by the SQL that Keiki prints for them, in other engines, and compares: reproduce.py KEIKI WORKSPACE JOURNAL ENGINE..

JOURNAL is the folder or the address of the workspace's journal. Of an object store the environment says how it is reached.
"""

import json
import os
import re
import subprocess
import sys
from fractions import Fraction

from deltalake import DeltaTable

keiki, workspace, journal, *engines = sys.argv[1:]
# How the libraries reach an object store; nothing of it counts for a folder.
STORE = {name: value for name, value in os.environ.items() if name.startswith("AWS_")}
# What is done of what was planned, who attended of who was to, which policies are met of all: stocks of facts, flows, a register.
FIGURES = {45: "done_to_plan_ratio", 28: "attended_of_held_ratio", 17: "compliance_ratio"}
UNITS = ("HD", "JP1", "JP2", "US1")
PERIODS = ("2025-12", "2026-06", "2026-09")


def ask(*words):
    command = [keiki, "--language", "en", "--quiet", *words, "--workspace", workspace]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        print(f"{' '.join(command)} ended with {done.returncode}:\n{done.stderr}", file=sys.stderr)
        sys.exit(2)
    return done.stdout


def statements(text):
    """The statements that `explain --sql` prints, by measure."""
    found, name = {}, None
    for line in text.splitlines():
        if line.startswith("-- ") and ": " in line:
            name = line[3:].partition(":")[0]
        elif name and line and not line.startswith("--"):
            found.setdefault(name, []).append(line)
    return {name: "\n".join(lines).rstrip(";") for name, lines in found.items()}


def tables(parts):
    """The tables of the journal that statements ask, by the names that these give them."""
    named = sorted(set(re.findall(r"^from (\w+)", "\n".join(parts), flags=re.M)))
    return {"batches": f"{journal}/batches", **{name: f"{journal}/entries/{name}" for name in named}}


def duckdb_engine(tables):
    import duckdb

    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    for name, place in tables.items():
        connection.register(name, DeltaTable(place, storage_options=STORE).to_pyarrow_dataset())
    return lambda sql: connection.execute(sql).fetchall()


def polars_engine(tables):
    import polars

    context = polars.SQLContext({name: polars.scan_delta(place, storage_options=STORE) for name, place in tables.items()})
    return lambda sql: context.execute(sql, eager=True).rows()


def spark_engine(tables):
    from pyspark.sql import SparkSession

    # The processes that read have the libraries of this one.
    os.environ["PYSPARK_PYTHON"] = sys.executable
    builder = SparkSession.builder.master("local[2]").appName("keiki").config("spark.ui.enabled", "false").config("spark.ui.showConsoleProgress", "false")
    builder = builder.config("spark.sql.shuffle.partitions", "2").config("spark.sql.session.timeZone", "UTC")
    session = builder.config("spark.driver.bindAddress", "127.0.0.1").config("spark.driver.host", "127.0.0.1").getOrCreate()
    session.sparkContext.setLogLevel("ERROR")
    if "://" in journal:
        session.dataSource.register(data_source())
    for name, place in tables.items():
        # Without Delta's own library for Spark: the files that the log of the table names.
        read = session.read.format("delta-rs").load(place) if "://" in place else session.read.parquet(*DeltaTable(place).file_uris())
        read.createOrReplaceTempView(name)
        session.catalog.cacheTable(name)
    return lambda sql: [tuple(row) for row in session.sql(sql).collect()]


def data_source():
    """Reads tables on an object store into Spark by deltalake, as many files at a time as Spark has cores: without hadoop-aws."""
    from pyspark.sql.datasource import DataSource, DataSourceReader, InputPartition
    from pyspark.sql.pandas.types import from_arrow_schema

    # It is sent to the processes that read, which have the environment of this one.
    class Table(DataSource):
        @classmethod
        def name(cls):
            return "delta-rs"

        def dataset(self):
            environment = {name: value for name, value in os.environ.items() if name.startswith("AWS_")}
            return DeltaTable(self.options["path"], storage_options=environment).to_pyarrow_dataset()

        def schema(self):
            return from_arrow_schema(self.dataset().schema)

        def reader(self, schema):
            return Files(self)

    class Files(DataSourceReader):
        def __init__(self, table):
            self.table = table

        def partitions(self):
            return [InputPartition(fragment.path) for fragment in self.table.dataset().get_fragments()]

        def read(self, partition):
            dataset = self.table.dataset()
            for fragment in dataset.get_fragments():
                if fragment.path == partition.value:
                    yield from fragment.to_batches(schema=dataset.schema)

    return Table


ENGINES = {"duckdb": duckdb_engine, "polars": polars_engine, "spark": spark_engine}


def number(value):
    return Fraction(str(value))


def cells():
    """The figures as measured, and the SQL of their parts. *Shape*: (KPI, org unit, period), measurement, statements."""
    kpis, units = ",".join(map(str, FIGURES)), ",".join(UNITS)
    measured = json.loads(ask("measure", "--kpi", kpis, "--org", units, "--from", min(PERIODS), "--to", max(PERIODS), "--format", "json"))
    for figure in measured:
        no, unit, period, indicator = (figure[name] for name in ("no", "org_unit", "period", "indicator"))
        if FIGURES[no] == indicator and period in PERIODS:
            sql = ask("explain", str(no), "--org", unit, "--period", period, "--indicator", indicator, "--sql")
            yield (no, unit, period), figure, statements(sql)


def check(engine, run, asked):
    """How many cells an engine computes otherwise."""
    different, compared = 0, 0
    for cell, figure, parts in asked:
        above, below = (number(run(sql)[0][0]) for sql in parts.values())
        expected = (number(figure["numerator"] or 0), number(figure["denominator"] or 0))
        value = None if below == 0 else above / below
        known = None if figure["value"] is None else number(figure["value"])
        # A value is printed to twelve places.
        is_same = (value is None) == (known is None) and (value is None or abs(value - known) < Fraction(1, 10**11))
        compared += 1
        if (above, below) != expected or not is_same:
            different += 1
            print(f"{engine}: {cell}: {above} / {below}, Keiki says {expected[0]} / {expected[1]} = {known}", file=sys.stderr)
    print(f"{engine}: {compared} figures of {len(FIGURES)} KPIs computed by the SQL that Keiki prints, {different} different")
    return different


everything = list(cells())
if len(everything) != len(FIGURES) * len(UNITS) * len(PERIODS) or not any(figure["value"] for _, figure, _ in everything):
    print(f"{len(everything)} figures were measured, which are not all or all nothing", file=sys.stderr)
    sys.exit(2)
asked = tables([sql for *_, parts in everything for sql in parts.values()])
sys.exit(1 if sum(check(engine, ENGINES[engine](asked), everything) for engine in engines) else 0)
