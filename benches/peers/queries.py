"""The SQL of the figures, for engines that speak it: as an analyst writes it, and as cleverly as we can.

Each query gives node, month (years times twelve plus months), and the figure as `above` / `below`, in whole numbers; a clever one
gives those of several KPIs, with the KPI before them.
"""

# By the KPI: which assets it counts, when what it counts of vulnerabilities happened and since when it took, which milestones.
INVENTORIES = {1: "hardware", 2: "software", 3: "mobile", 4: "cloud_service"}
HAPPENED = {24: ("start", "started_on", "published_on"), 25: ("completion", "completed_on", "started_on")}
PLANS = {
    41: ("incident_procedure", "approval"),
    42: ("incident_procedure", "rollout"),
    43: ("disclosure_criteria", "approval"),
    44: ("disclosure_criteria", "rollout"),
    45: ("security_system", None),
    47: ("new_regulation", None),
}
COUNTS = tuple(f"{kpi}/base_score_only_count" for kpi in HAPPENED)
INDICATORS = (
    *(f"{kpi}/inventory_ratio" for kpi in INVENTORIES),
    *COUNTS,
    *(f"{kpi}/{name}_days_{statistic}" for kpi, (name, _, _) in HAPPENED.items() for statistic in ("mean", "median")),
    *(f"{kpi}/done_to_plan_ratio" for kpi in PLANS),
)

INVENTORIED = (
    "inventoried_on IS NOT NULL AND owner_assigned_on IS NOT NULL AND inventoried_by IN ('declaration', 'designated_tool')"
)


def of_plan(project, stage):
    """The milestones of a plan."""
    return f"project = '{project}'" + (f" AND stage = '{stage}'" if stage else "")


def ordered(dialect, function, *items):
    """The greatest or least of items of which some may be null, and then do not count."""
    never = dialect["never"] if function == "least" else dialect["ever"]
    return f"{function}({', '.join(f'coalesce({item}, {never})' for item in items)})"


def natural(dialect):
    days, table = dialect["days"], dialect["table"]
    counted = ordered(dialect, "least", "a.disposed_on", dialect["after_fiscal_year"]("a.inventoried_on"))

    def inventory(kind):
        return f"""
        SELECT o.node, c.month,
            sum(CASE WHEN {INVENTORIED} AND a.inventoried_on <= c.last_on AND a.owner_assigned_on <= c.last_on
                AND {counted} > c.last_on THEN 1 ELSE 0 END) AS above,
            count(*) AS below
        FROM {table("calendar")} AS c JOIN {table("assets")} AS a ON a.valid_from <= c.last_on AND a.valid_until > c.last_on
        JOIN {table("org")} AS o ON o.org_unit = a.org_unit
        WHERE a.kind = '{kind}' AND a.is_in_scope AND (a.disposed_on IS NULL OR a.disposed_on > c.last_on)
        GROUP BY o.node, c.month"""

    def happened(on, above, below):
        return f"""SELECT o.node, c.month, {above} AS above, {below} AS below
            FROM {table("calendar")} AS c JOIN {table("vulnerabilities")} AS v ON v.{on} >= c.first_on AND v.{on} <= c.last_on
            JOIN {table("org")} AS o ON o.org_unit = v.org_unit
            WHERE cvss_base_score >= 9.0 AND published_on <= {on} GROUP BY o.node, c.month"""

    def reached(day, plan):
        return f"""SELECT o.node AS node, c.month AS month, count(*) AS n
            FROM {table("calendar")} AS c JOIN {table("milestones")} AS m ON m.{day} <= c.last_on
            JOIN {table("org")} AS o ON o.org_unit = m.org_unit
            WHERE {plan} AND (m.ceased_on IS NULL OR m.ceased_on > c.last_on)
            GROUP BY o.node, c.month"""

    def done_to_plan(plan):
        return f"""
        WITH planned AS ({reached("planned_on", plan)}), done AS ({reached("done_on", plan)})
        SELECT p.node, p.month, coalesce(d.n, 0) AS above, p.n AS below
        FROM planned AS p LEFT JOIN done AS d ON d.node = p.node AND d.month = p.month"""

    queries = {f"{kpi}/inventory_ratio": inventory(kind) for kpi, kind in INVENTORIES.items()}
    for kpi, (name, on, since) in HAPPENED.items():
        took = days(f"v.{on}", f"v.{since}")
        queries[f"{kpi}/base_score_only_count"] = happened(on, "count(*)", "1")
        queries[f"{kpi}/{name}_days_mean"] = happened(on, f"sum({took})", "count(*)")
        queries[f"{kpi}/{name}_days_median"] = happened(on, dialect["doubled_median"](took), "2")
    return queries | {f"{kpi}/done_to_plan_ratio": done_to_plan(of_plan(*plan)) for kpi, plan in PLANS.items()}


def levels(dialect, changes, kpis):
    """The query of ratios of levels, from changes in both: a level is the sum of all changes up to its month."""
    table = dialect["table"]
    listed = " UNION ALL ".join(f"SELECT {kpi} AS kpi" for kpi in kpis)
    return f"""{changes},
        monthly AS (
            SELECT kpi, org_unit, month, sum(CASE WHEN is_above = 1 THEN change ELSE 0 END) AS above,
                sum(CASE WHEN is_above = 0 THEN change ELSE 0 END) AS below
            FROM changes GROUP BY kpi, org_unit, month),
        of_node AS (
            SELECT m.kpi AS kpi, o.node AS node, m.month AS month, sum(m.above) AS above, sum(m.below) AS below
            FROM monthly AS m JOIN {table("org")} AS o ON o.org_unit = m.org_unit GROUP BY m.kpi, o.node, m.month),
        nodes AS (SELECT DISTINCT node FROM {table("org")}),
        kpis AS ({listed}),
        months AS (
            SELECT kpi, node, month, above, below FROM of_node
            UNION ALL SELECT k.kpi, n.node, c.month, 0, 0 FROM kpis AS k CROSS JOIN nodes AS n CROSS JOIN {table("calendar")} AS c),
        summed AS (SELECT kpi, node, month, sum(above) AS above, sum(below) AS below FROM months GROUP BY kpi, node, month),
        levels AS (
            SELECT kpi, node, month, sum(above) OVER w AS above, sum(below) OVER w AS below FROM summed
            WINDOW w AS (PARTITION BY kpi, node ORDER BY month ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW))
        SELECT l.kpi, l.node, l.month, l.above, l.below FROM levels AS l JOIN {table("calendar")} AS c ON c.month = l.month"""


def spans_to_changes():
    """What enters and leaves in one month changes nothing."""
    return """changes AS (
            SELECT kpi, org_unit, enters AS month, is_above, 1 AS change FROM spans WHERE leaves > enters
            UNION ALL SELECT kpi, org_unit, leaves, is_above, -1 FROM spans WHERE leaves > enters)"""


def clever(dialect):
    """The KPIs of one table by one query: what tells them apart is one more thing to group by."""
    month, days, table = dialect["month"], dialect["days"], dialect["table"]
    end = month(ordered(dialect, "least", "valid_until", "disposed_on"))
    begin = month(ordered(dialect, "greatest", "valid_from", "inventoried_on", "owner_assigned_on"))
    until = month(
        ordered(dialect, "least", "valid_until", "disposed_on", dialect["after_fiscal_year"]("inventoried_on"))
    )
    by_kind = " ".join(f"WHEN '{kind}' THEN {kpi}" for kpi, kind in INVENTORIES.items())
    inventory = levels(dialect, f"""
        WITH counted AS (SELECT *, CASE kind {by_kind} END AS kpi FROM {table('assets')} WHERE is_in_scope),
        spans AS (
            SELECT kpi, org_unit, {month("valid_from")} AS enters, {end} AS leaves, 0 AS is_above FROM counted
            UNION ALL SELECT kpi, org_unit, {begin}, {until}, 1 FROM counted WHERE {INVENTORIED}),
        {spans_to_changes()}""", INVENTORIES)
    ceased = month(f"coalesce(ceased_on, {dialect['never']})")
    by_plan = " ".join(f"WHEN {of_plan(*plan)} THEN {kpi}" for kpi, plan in PLANS.items())
    plans = levels(dialect, f"""
        WITH every_one AS (SELECT *, CASE {by_plan} END AS kpi FROM {table('milestones')}),
        counted AS (SELECT * FROM every_one WHERE kpi IS NOT NULL),
        spans AS (
            SELECT kpi, org_unit, {month("planned_on")} AS enters, {ceased} AS leaves, 0 AS is_above FROM counted
            UNION ALL SELECT kpi, org_unit, {month("done_on")}, {ceased}, 1 FROM counted WHERE done_on IS NOT NULL),
        {spans_to_changes()}""", PLANS)
    # All figures of what happened come of one small table: how many took so many days, by KPI, org unit and month.
    each = " UNION ALL ".join(
        f"SELECT {kpi} AS kpi, org_unit, {month(on)} AS month, {days(on, since)} AS days FROM urgent WHERE published_on <= {on}"
        for kpi, (_, on, since) in HAPPENED.items()
    )
    took = f"""
        WITH urgent AS (SELECT * FROM {table("vulnerabilities")} WHERE cvss_base_score >= 9.0),
        happened AS ({each}),
        took AS (SELECT kpi, org_unit, month, days, count(*) AS n FROM happened GROUP BY kpi, org_unit, month, days),
        of_node AS (
            SELECT t.kpi AS kpi, o.node AS node, t.month AS month, t.days AS days, sum(t.n) AS of_days
            FROM took AS t JOIN {table("org")} AS o ON o.org_unit = t.org_unit
            JOIN {table("calendar")} AS c ON c.month = t.month GROUP BY t.kpi, o.node, t.month, t.days),
        ranked AS (
            SELECT kpi, node, month, days, of_days,
                sum(of_days) OVER (PARTITION BY kpi, node, month ORDER BY days ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS up_to,
                sum(of_days) OVER (PARTITION BY kpi, node, month) AS n_all
            FROM of_node)
        SELECT kpi, node, month, sum(days * of_days) AS days_sum, sum(of_days) AS happened,
            min(CASE WHEN 2 * up_to >= n_all THEN days END) + min(CASE WHEN 2 * up_to > n_all THEN days END) AS doubled_median
        FROM ranked GROUP BY kpi, node, month"""
    return {"inventory_ratio": inventory, "happened": took, "done_to_plan_ratio": plans}


def as_figures(name, rows):
    """Rows of a query as (indicator with its KPI, node, month, above, below)."""
    for row in rows:
        if name == "happened":
            kpi, node, month, days, n, doubled = row
            yield from happened(kpi, node, month, n, days, doubled)
        elif name in INDICATORS:
            yield (name, *row)
        else:
            kpi, *rest = row
            yield (f"{kpi}/{name}", *rest)


def happened(kpi, node, month, n, days, doubled_median):
    """The figures of what happened in a month."""
    of = HAPPENED[int(kpi)][0]
    yield f"{kpi}/base_score_only_count", node, month, n, 1
    yield f"{kpi}/{of}_days_mean", node, month, days, n
    yield f"{kpi}/{of}_days_median", node, month, doubled_median, 2
