"""The SQL of the figures, for engines that speak it: as an analyst writes it, and as cleverly as we can.

Each query gives node, month (years times twelve plus months), and the figure as `above` / `below`, in whole numbers.
"""

URGENT = "cvss_base_score >= 9.0 AND published_on <= started_on"
INVENTORIED = (
    "inventoried_on IS NOT NULL AND owner_assigned_on IS NOT NULL AND inventoried_by IN ('declaration', 'designated_tool')"
)


def ordered(dialect, function, *items):
    """The greatest or least of items of which some may be null, and then do not count."""
    never = dialect["never"] if function == "least" else dialect["ever"]
    return f"{function}({', '.join(f'coalesce({item}, {never})' for item in items)})"


def natural(dialect):
    month, days, table = dialect["month"], dialect["days"], dialect["table"]
    counted = ordered(dialect, "least", "a.disposed_on", dialect["after_fiscal_year"]("a.inventoried_on"))
    started = f"""{table("calendar")} AS c JOIN {table("vulnerabilities")} AS v
            ON v.started_on >= c.first_on AND v.started_on <= c.last_on
        JOIN {table("org")} AS o ON o.org_unit = v.org_unit WHERE {URGENT} GROUP BY o.node, c.month"""

    def reached(day):
        return f"""SELECT o.node AS node, c.month AS month, count(*) AS n
            FROM {table("calendar")} AS c JOIN {table("milestones")} AS m ON m.{day} <= c.last_on
            JOIN {table("org")} AS o ON o.org_unit = m.org_unit
            WHERE m.project = 'security_system' AND (m.ceased_on IS NULL OR m.ceased_on > c.last_on)
            GROUP BY o.node, c.month"""

    return {
        "inventory_ratio": f"""
        SELECT o.node, c.month,
            sum(CASE WHEN {INVENTORIED} AND a.inventoried_on <= c.last_on AND a.owner_assigned_on <= c.last_on
                AND {counted} > c.last_on THEN 1 ELSE 0 END) AS above,
            count(*) AS below
        FROM {table("calendar")} AS c JOIN {table("assets")} AS a ON a.valid_from <= c.last_on AND a.valid_until > c.last_on
        JOIN {table("org")} AS o ON o.org_unit = a.org_unit
        WHERE a.kind = 'hardware' AND a.is_in_scope AND (a.disposed_on IS NULL OR a.disposed_on > c.last_on)
        GROUP BY o.node, c.month""",
        "base_score_only_count": f"SELECT o.node, c.month, count(*) AS above, 1 AS below FROM {started}",
        "start_days_mean": f"""
        SELECT o.node, c.month, sum({days("v.started_on", "v.published_on")}) AS above, count(*) AS below FROM {started}""",
        "start_days_median": f"""
        SELECT o.node, c.month, {dialect["doubled_median"](days("v.started_on", "v.published_on"))} AS above, 2 AS below
        FROM {started}""",
        "done_to_plan_ratio": f"""
        WITH planned AS ({reached("planned_on")}), done AS ({reached("done_on")})
        SELECT p.node, p.month, coalesce(d.n, 0) AS above, p.n AS below
        FROM planned AS p LEFT JOIN done AS d ON d.node = p.node AND d.month = p.month""",
    }


def levels(dialect, changes):
    """The query of a ratio of levels, from changes in both: a level is the sum of all changes up to its month."""
    table = dialect["table"]
    return f"""{changes},
        monthly AS (
            SELECT org_unit, month, sum(CASE WHEN is_above = 1 THEN change ELSE 0 END) AS above,
                sum(CASE WHEN is_above = 0 THEN change ELSE 0 END) AS below
            FROM changes GROUP BY org_unit, month),
        of_node AS (
            SELECT o.node AS node, m.month AS month, sum(m.above) AS above, sum(m.below) AS below
            FROM monthly AS m JOIN {table("org")} AS o ON o.org_unit = m.org_unit GROUP BY o.node, m.month),
        nodes AS (SELECT DISTINCT node FROM {table("org")}),
        months AS (
            SELECT node, month, above, below FROM of_node
            UNION ALL SELECT n.node, c.month, 0, 0 FROM nodes AS n CROSS JOIN {table("calendar")} AS c),
        summed AS (SELECT node, month, sum(above) AS above, sum(below) AS below FROM months GROUP BY node, month),
        levels AS (
            SELECT node, month, sum(above) OVER w AS above, sum(below) OVER w AS below FROM summed
            WINDOW w AS (PARTITION BY node ORDER BY month ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW))
        SELECT l.node, l.month, l.above, l.below FROM levels AS l JOIN {table("calendar")} AS c ON c.month = l.month"""


def clever(dialect):
    month, days, table = dialect["month"], dialect["days"], dialect["table"]
    end = month(ordered(dialect, "least", "valid_until", "disposed_on"))
    begin = month(ordered(dialect, "greatest", "valid_from", "inventoried_on", "owner_assigned_on"))
    until = month(
        ordered(dialect, "least", "valid_until", "disposed_on", dialect["after_fiscal_year"]("inventoried_on"))
    )
    # What enters and leaves in one month changes nothing.
    hardware = f"SELECT * FROM {table('assets')} WHERE kind = 'hardware' AND is_in_scope"
    inventory = levels(dialect, f"""
        WITH hardware AS ({hardware}),
        spans AS (
            SELECT org_unit, {month("valid_from")} AS enters, {end} AS leaves, 0 AS is_above FROM hardware
            UNION ALL SELECT org_unit, {begin}, {until}, 1 FROM hardware WHERE {INVENTORIED}),
        changes AS (
            SELECT org_unit, enters AS month, is_above, 1 AS change FROM spans WHERE leaves > enters
            UNION ALL SELECT org_unit, leaves, is_above, -1 FROM spans WHERE leaves > enters)""")
    ceased = month(f"coalesce(ceased_on, {dialect['never']})")
    plans = levels(dialect, f"""
        WITH planned AS (SELECT * FROM {table('milestones')} WHERE project = 'security_system'),
        spans AS (
            SELECT org_unit, {month("planned_on")} AS enters, {ceased} AS leaves, 0 AS is_above FROM planned
            UNION ALL SELECT org_unit, {month("done_on")}, {ceased}, 1 FROM planned WHERE done_on IS NOT NULL),
        changes AS (
            SELECT org_unit, enters AS month, is_above, 1 AS change FROM spans WHERE leaves > enters
            UNION ALL SELECT org_unit, leaves, is_above, -1 FROM spans WHERE leaves > enters)""")
    # All three figures of what was started come of one small table: how many took so many days, by org unit and month.
    took = f"""
        WITH took AS (
            SELECT org_unit, {month("started_on")} AS month, {days("started_on", "published_on")} AS days, count(*) AS n
            FROM {table("vulnerabilities")} WHERE {URGENT} GROUP BY 1, 2, 3),
        of_node AS (
            SELECT o.node AS node, t.month AS month, t.days AS days, sum(t.n) AS of_days
            FROM took AS t JOIN {table("org")} AS o ON o.org_unit = t.org_unit
            JOIN {table("calendar")} AS c ON c.month = t.month GROUP BY o.node, t.month, t.days),
        ranked AS (
            SELECT node, month, days, of_days,
                sum(of_days) OVER (PARTITION BY node, month ORDER BY days ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS up_to,
                sum(of_days) OVER (PARTITION BY node, month) AS n_all
            FROM of_node)
        SELECT node, month, sum(days * of_days) AS days_sum, sum(of_days) AS started,
            min(CASE WHEN 2 * up_to >= n_all THEN days END) + min(CASE WHEN 2 * up_to > n_all THEN days END) AS doubled_median
        FROM ranked GROUP BY node, month"""
    return {"inventory_ratio": inventory, "started": took, "done_to_plan_ratio": plans}


def as_figures(name, rows):
    """Rows of a query as (indicator, node, month, above, below)."""
    for row in rows:
        if name == "started":
            node, month, days, n, doubled = row
            yield "base_score_only_count", node, month, n, 1
            yield "start_days_mean", node, month, days, n
            yield "start_days_median", node, month, doubled, 2
        else:
            yield (name, *row)
