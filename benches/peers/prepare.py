"""Writes the evidence of a journal as others keep it: prepare.py FOLDER

Beside the journal that Keiki measures, in Parquet: assets with the days between which each version held, vulnerabilities as they are
known now, the months, and which org unit lies below which. The others read these, half as many rows as there are entries.
"""
import os
import sys

import duckdb

UNITS, COMPANIES, MONTHS = 300, 30, 36
LAST = 2026 * 12 + 8

folder = sys.argv[1]
tables = os.path.join(folder, "tables")
os.makedirs(tables, exist_ok=True)
connection = duckdb.connect()
connection.execute("SET threads = 2; SET memory_limit = '8GB'")


def write(name, query):
    connection.execute(f"COPY ({query}) TO '{tables}/{name}.parquet' (FORMAT parquet, COMPRESSION zstd)")


def entries(dataset):
    return f"'{folder}/journal/entries/{dataset}/*.parquet'"


# Only files of visible batches count; nothing else is in a journal that was just made and compacted.
write(
    "assets",
    f"""SELECT org_unit, kind, is_in_scope, disposed_on, inventoried_on, owner_assigned_on, inventoried_by,
               effective_on AS valid_from,
               coalesce(lead(effective_on) OVER (PARTITION BY record_key ORDER BY effective_on), DATE '2200-01-01') AS valid_until
        FROM {entries("assets")} WHERE weight = 1""",
)
write(
    "vulnerabilities",
    f"""SELECT any_value(org_unit) AS org_unit, any_value(cvss_base_score) AS cvss_base_score, any_value(published_on) AS published_on,
               started_on, completed_on
        FROM {entries("vulnerabilities")} GROUP BY record_key, started_on, completed_on HAVING sum(weight) = 1""",
)
write(
    "milestones",
    f"""SELECT any_value(org_unit) AS org_unit, any_value(project) AS project, any_value(stage) AS stage,
               planned_on, done_on, ceased_on
        FROM {entries("milestones")} GROUP BY record_key, planned_on, done_on, ceased_on HAVING sum(weight) = 1""",
)
months = range(LAST - MONTHS + 1, LAST + 1)
days = [(month, f"{month // 12}-{month % 12 + 1:02}-01") for month in months]
rows = ", ".join(f"({month}, DATE '{first}', CAST(DATE '{first}' + INTERVAL 1 MONTH - INTERVAL 1 DAY AS DATE))" for month, first in days)
write("calendar", f"SELECT * FROM (VALUES {rows}) AS months(month, first_on, last_on)")
below = [("G", f"U{unit:03}") for unit in range(UNITS)]
below += [(f"U{unit:03}", f"U{unit:03}") for unit in range(UNITS)]
below += [(f"U{unit % COMPANIES:03}", f"U{unit:03}") for unit in range(COMPANIES, UNITS)]
write("org", f"SELECT * FROM (VALUES {', '.join(map(str, below))}) AS org(node, org_unit)")
