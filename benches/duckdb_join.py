"""Reads the export and full-outer-joins it with a table of current state, as the ingest benchmark's yardstick."""
import os
import sys
import time

import duckdb

folder = sys.argv[1]
export = os.path.join(folder, "assets.csv")
state = os.path.join(folder, "state.parquet")
connection = duckdb.connect()
connection.execute("SET threads = 2")
if not os.path.exists(state):
    connection.execute(f"COPY (SELECT * FROM read_csv('{export}')) TO '{state}' (FORMAT parquet)")
connection.execute(f"CREATE TABLE current_state AS SELECT * FROM '{state}'")
columns = [row[0] for row in connection.execute("DESCRIBE current_state").fetchall() if row[0] != "asset_id"]
differs = " OR ".join(f"e.{c} IS DISTINCT FROM s.{c}" for c in columns)
began = time.perf_counter()
changed = connection.execute(
    f"SELECT count(*) FROM read_csv('{export}') e FULL OUTER JOIN current_state s USING (asset_id) WHERE {differs}"
).fetchone()[0]
print(f"duckdb_seconds {time.perf_counter() - began:.3f}")
print(f"duckdb_changed {changed}")
