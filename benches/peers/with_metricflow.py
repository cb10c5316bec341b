"""The figures with a metric layer, MetricFlow over DuckDB: with_metricflow.py FOLDER OUTPUT

Of the metrics in metricflow/models, asked for by month: of each org unit, of each company with what lies below it, and of all. Its own
start, its reading of the project and the views that dbt makes are no part of the time.
"""
import os
import pathlib
import shutil
import subprocess
import sys

import measured

folder, output = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
project = os.path.join(folder, "metricflow")
os.environ["PEERS_TABLES"] = os.path.join(folder, "tables")
os.environ.update(DO_NOT_TRACK="1", DBT_SEND_ANONYMOUS_USAGE_STATS="false", DBT_PROJECT_DIR=project, DBT_PROFILES_DIR=project)
shutil.copytree(os.path.join(os.path.dirname(os.path.abspath(__file__)), "metricflow"), project, dirs_exist_ok=True)
os.chdir(project)
dbt = os.path.join(os.path.dirname(sys.executable), "dbt")
subprocess.run([dbt, "--quiet", "run"], check=True, stdout=sys.stderr)

from dbt_metricflow.cli.cli_configuration import CLIConfiguration  # noqa: E402
from metricflow.engine.metricflow_engine import MetricFlowQueryRequest  # noqa: E402

from queries import happened  # noqa: E402

MONTHS, LAST = 36, 2026 * 12 + 8
HAPPENED = ["happened_count", "happened_days", "happened_days_median"]
LEVELS = {"inventory_ratio": ["inventory_above", "inventory_below"], "done_to_plan_ratio": ["plans_above", "plans_below"]}
# What a model's rows are called, by which the dimension that tells KPIs apart is asked for.
ENTITIES = {"happened_count": "happening", "inventory_above": "inventory_change", "plans_above": "plans_change"}
configuration = CLIConfiguration()
configuration.setup(dbt_profiles_path=pathlib.Path(project), dbt_project_path=pathlib.Path(project), configure_file_logging=False)
engine = configuration.mf


def rows(metrics, group_by):
    """Rows of KPI, node, month and the metrics; of what there is nothing there is zero."""
    of_kpi = f"{ENTITIES[metrics[0]]}__kpi"
    asked = MetricFlowQueryRequest.create(metric_names=metrics, group_by_names=["metric_time__month", of_kpi, *group_by])
    table = engine.query(asked).result_df
    columns = [description.column_name for description in table.column_descriptions]
    for row in table.rows:
        found = dict(zip(columns, row))
        node = found[group_by[0]] if group_by else "G"
        month, kpi = found["metric_time__month"], found[of_kpi]
        if node is not None and month is not None and kpi is not None:
            yield kpi, node, month.year * 12 + month.month - 1, [found[metric] or 0 for metric in metrics]


def rows_of_nodes(metrics):
    """A company is asked for with what lies below it, any other org unit as itself."""
    yield from rows(metrics, [])
    companies = list(rows(metrics, ["unit__company"]))
    yield from companies
    names = {row[1] for row in companies}
    yield from (row for row in rows(metrics, ["unit"]) if row[1] not in names)


def figures():
    for kpi, node, month, (count, days, median) in rows_of_nodes(HAPPENED):
        yield from happened(kpi, node, month, int(count), int(days), int(2 * median))
    for name, metrics in LEVELS.items():
        for kpi, node, month, (above, below) in rows_of_nodes(metrics):
            yield f"{kpi}/{name}", node, month, int(above), int(below)


measured.write(lambda: (figure for figure in figures() if LAST - MONTHS < figure[2] <= LAST), output)
