"""The figures with Polars: as an analyst writes them, and as cleverly as we can."""
import polars as pl

URGENT = (pl.col("cvss_base_score") >= 9) & (pl.col("published_on") <= pl.col("started_on"))
INVENTORIED = (
    pl.col("inventoried_on").is_not_null()
    & pl.col("owner_assigned_on").is_not_null()
    & pl.col("inventoried_by").is_in(["declaration", "designated_tool"])
)
NEVER = pl.date(2200, 1, 1)
DAYS = (pl.col("started_on") - pl.col("published_on")).dt.total_days()


def month(day):
    return day.dt.year().cast(pl.Int32) * 12 + day.dt.month().cast(pl.Int32) - 1


def after_fiscal_year(day):
    return pl.date(day.dt.year() + (day.dt.month() >= 4).cast(pl.Int32), 4, 1)


def least(*days):
    return pl.min_horizontal(*[day.fill_null(NEVER) for day in days])


def figures(form, tables):
    read = {name: pl.scan_parquet(f"{tables}/{name}.parquet") for name in ("assets", "vulnerabilities", "milestones", "calendar", "org")}
    lazy = natural(**read) if form == "natural" else clever(**read)
    found = []
    for name, frame in lazy.items():
        for row in frame.collect(engine="streaming").iter_rows():
            found.extend(as_figures(name, row))
    return found


def as_figures(name, row):
    if name != "started":
        return [(name, *map(whole, row))]
    node, at, count, days, doubled = map(whole, row)
    return [
        ("base_score_only_count", node, at, count, 1),
        ("start_days_mean", node, at, days, count),
        ("start_days_median", node, at, doubled, 2),
    ]


def whole(value):
    return int(value) if isinstance(value, float) else value


def natural(assets, vulnerabilities, milestones, calendar, org):
    def reached(day, name):
        at_month_end = milestones.filter(pl.col("project") == "security_system").join_where(calendar, pl.col(day) <= pl.col("last_on"))
        in_force = at_month_end.filter(pl.col("ceased_on").is_null() | (pl.col("ceased_on") > pl.col("last_on")))
        return in_force.join(org, on="org_unit").group_by("node", "month").agg(pl.len().cast(pl.Int64).alias(name))

    planned, done = reached("planned_on", "below"), reached("done_on", "above")
    plans = planned.join(done, on=["node", "month"], how="left")

    hardware = assets.filter((pl.col("kind") == "hardware") & pl.col("is_in_scope"))
    at_month_end = hardware.join_where(
        calendar, pl.col("valid_from") <= pl.col("last_on"), pl.col("valid_until") > pl.col("last_on")
    ).filter(pl.col("disposed_on").is_null() | (pl.col("disposed_on") > pl.col("last_on")))
    is_counted = (
        INVENTORIED
        & (pl.max_horizontal("inventoried_on", "owner_assigned_on") <= pl.col("last_on"))
        & (least(pl.col("disposed_on"), after_fiscal_year(pl.col("inventoried_on"))) > pl.col("last_on"))
    )
    inventory = at_month_end.join(org, on="org_unit").group_by("node", "month")
    started = (
        vulnerabilities.filter(URGENT)
        .join_where(calendar, pl.col("started_on") >= pl.col("first_on"), pl.col("started_on") <= pl.col("last_on"))
        .join(org, on="org_unit")
        .group_by("node", "month")
    )
    return {
        "inventory_ratio": inventory.agg(is_counted.fill_null(False).sum().alias("above"), pl.len().alias("below")),
        "started": started.agg(pl.len().alias("n"), DAYS.sum().alias("days"), (2 * DAYS.median()).alias("doubled")),
        "done_to_plan_ratio": plans.select("node", "month", pl.col("above").fill_null(0), "below"),
    }


def clever(assets, vulnerabilities, milestones, calendar, org):
    hardware = assets.filter((pl.col("kind") == "hardware") & pl.col("is_in_scope"))

    def changes(rows, enters, leaves, name):
        spans = rows.select("org_unit", enters.alias("enters"), leaves.alias("leaves")).filter(pl.col("leaves") > pl.col("enters"))
        counted = lambda at, sign: spans.group_by("org_unit", pl.col(at).alias("month")).agg((pl.len().cast(pl.Int64) * sign).alias(name))
        return pl.concat([counted("enters", 1), counted("leaves", -1)])

    below = changes(
        hardware, month(pl.col("valid_from")), month(least(pl.col("valid_until"), pl.col("disposed_on"))), "below"
    )
    above = changes(
        hardware.filter(INVENTORIED),
        month(pl.max_horizontal("valid_from", "inventoried_on", "owner_assigned_on")),
        month(least(pl.col("valid_until"), pl.col("disposed_on"), after_fiscal_year(pl.col("inventoried_on")))),
        "above",
    )
    every = org.select("node").unique().join(calendar.select("month"), how="cross")
    every = every.with_columns(above=pl.lit(0, pl.Int64), below=pl.lit(0, pl.Int64), month=pl.col("month").cast(pl.Int32))

    def levels(above, below):
        of_node = pl.concat([above, below], how="diagonal").join(org, on="org_unit").select("node", "month", "above", "below")
        return (
            pl.concat([of_node.with_columns(pl.col("above", "below").fill_null(0)), every])
            .group_by("node", "month")
            .agg(pl.col("above", "below").sum())
            .sort("node", "month")
            .with_columns(pl.col("above", "below").cum_sum().over("node"))
            .join(calendar.select(pl.col("month").cast(pl.Int32)), on="month")
        )

    project = milestones.filter(pl.col("project") == "security_system")
    ceased = month(pl.col("ceased_on").fill_null(NEVER))
    planned = changes(project, month(pl.col("planned_on")), ceased, "below")
    done = changes(project.filter(pl.col("done_on").is_not_null()), month(pl.col("done_on")), ceased, "above")
    started = (
        vulnerabilities.filter(URGENT)
        .group_by("org_unit", month(pl.col("started_on")).alias("month"), DAYS.alias("days"))
        .agg(pl.len().cast(pl.Int64).alias("n"))
        .join(org, on="org_unit")
        .join(calendar.select(pl.col("month").cast(pl.Int32)), on="month")
        .group_by("node", "month", "days")
        .agg(pl.col("n").sum())
        .sort("node", "month", "days")
        .with_columns(up_to=pl.col("n").cum_sum().over("node", "month"), all=pl.col("n").sum().over("node", "month"))
        .group_by("node", "month")
        .agg(
            pl.col("n").sum(),
            (pl.col("days") * pl.col("n")).sum().alias("sum"),
            pl.col("days").filter(2 * pl.col("up_to") >= pl.col("all")).min()
            + pl.col("days").filter(2 * pl.col("up_to") > pl.col("all")).min(),
        )
    )
    return {"inventory_ratio": levels(above, below), "started": started, "done_to_plan_ratio": levels(done, planned)}
