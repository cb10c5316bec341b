"""Computes the figures with one engine, in one form, in a process of its own: peer.py ENGINE FORM FOLDER OUTPUT"""
import csv
import importlib
import os
import sys

import measured
import queries

engine, form, folder, output = sys.argv[1:]
tables = os.path.join(folder, "tables")
FORMS = {"natural": queries.natural, "clever": queries.clever}


def duckdb_figures():
    import duckdb

    connection = duckdb.connect()
    connection.execute("SET threads = 2; SET memory_limit = '8GB'")
    dialect = {
        "table": lambda name: f"'{tables}/{name}.parquet'",
        "month": lambda day: f"(year({day}) * 12 + month({day}) - 1)",
        "days": lambda end, begin: f"({end} - {begin})",
        "never": "DATE '2200-01-01'",
        "ever": "DATE '1900-01-01'",
        "after_fiscal_year": lambda day: f"make_date(CAST(year({day}) + CASE WHEN month({day}) >= 4 THEN 1 ELSE 0 END AS INTEGER), 4, 1)",
        "doubled_median": lambda value: f"CAST(2 * median({value}) AS BIGINT)",
    }
    for name, query in FORMS[form](dialect).items():
        yield from queries.as_figures(name, connection.execute(query).fetchall())


def datafusion_figures():
    import datafusion

    config = datafusion.SessionConfig().with_target_partitions(2)
    context = datafusion.SessionContext(config)
    for name in ("assets", "vulnerabilities", "milestones", "calendar", "org"):
        context.register_parquet(name, f"{tables}/{name}.parquet")
    part = lambda part, day: f"CAST(date_part('{part}', {day}) AS INTEGER)"
    year_after = lambda day: f"{part('year', day)} + CASE WHEN {part('month', day)} >= 4 THEN 1 ELSE 0 END"
    dialect = {
        "table": lambda name: name,
        "month": lambda day: f"({part('year', day)} * 12 + {part('month', day)} - 1)",
        "days": lambda end, begin: f"(CAST({end} AS INTEGER) - CAST({begin} AS INTEGER))",
        "never": "DATE '2200-01-01'",
        "ever": "DATE '1900-01-01'",
        "after_fiscal_year": lambda day: f"CASE WHEN {day} IS NULL THEN NULL ELSE make_date({year_after(day)}, 4, 1) END",
        "doubled_median": lambda value: f"CAST(2 * median(CAST({value} AS DOUBLE)) AS BIGINT)",
    }
    for name, query in FORMS[form](dialect).items():
        for batch in context.sql(query).collect():
            columns = [column.to_pylist() for column in batch.columns]
            yield from queries.as_figures(name, zip(*columns))


def chdb_figures():
    from chdb import session

    connection = session.Session()
    dialect = {
        "table": lambda name: f"file('{tables}/{name}.parquet', Parquet)",
        "month": lambda day: f"(toYear({day}) * 12 + toMonth({day}) - 1)",
        "days": lambda end, begin: f"dateDiff('day', {begin}, {end})",
        "never": "toDate32('2200-01-01')",
        "ever": "toDate32('1900-01-01')",
        "after_fiscal_year": lambda day: f"makeDate32(toYear({day}) + if(toMonth({day}) >= 4, 1, 0), 4, 1)",
        "doubled_median": lambda value: f"toInt64(2 * quantileExactInclusive(0.5)({value}))",
    }
    settings = " SETTINGS max_threads = 2, allow_experimental_join_condition = 1, join_use_nulls = 1"
    for name, query in FORMS[form](dialect).items():
        answer = connection.query(query + settings, "CSV").bytes().decode()
        yield from queries.as_figures(name, (list(map(whole, row)) for row in csv.reader(answer.splitlines())))


def whole(text):
    """A number as one; the name of a node as it is."""
    return int(text) if text.lstrip("-").isdigit() else text


def polars_figures():
    import with_polars

    return with_polars.figures(form, tables)


ENGINES = {"duckdb": duckdb_figures, "polars": polars_figures, "chdb": chdb_figures, "datafusion": datafusion_figures}

if engine == "polars":
    os.environ["POLARS_MAX_THREADS"] = "2"
# Loading the library is no part of the time.
importlib.import_module(engine)
measured.write(ENGINES[engine], output)
