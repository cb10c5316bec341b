"""The figures with Polars: as an analyst writes them, and as cleverly as we can."""
import polars as pl

from queries import HAPPENED, INVENTORIES, PLANS, as_figures

INVENTORIED = (
    pl.col("inventoried_on").is_not_null()
    & pl.col("owner_assigned_on").is_not_null()
    & pl.col("inventoried_by").is_in(["declaration", "designated_tool"])
)
NEVER = pl.date(2200, 1, 1)


def month(day):
    return day.dt.year().cast(pl.Int32) * 12 + day.dt.month().cast(pl.Int32) - 1


def days(until, since):
    return (pl.col(until) - pl.col(since)).dt.total_days()


def after_fiscal_year(day):
    return pl.date(day.dt.year() + (day.dt.month() >= 4).cast(pl.Int32), 4, 1)


def least(*days):
    return pl.min_horizontal(*[day.fill_null(NEVER) for day in days])


def of_plan(project, stage):
    is_of = pl.col("project") == project
    return is_of & (pl.col("stage") == stage) if stage else is_of


def figures(form, tables):
    read = {name: pl.scan_parquet(f"{tables}/{name}.parquet") for name in ("assets", "vulnerabilities", "milestones", "calendar", "org")}
    lazy = natural(**read) if form == "natural" else clever(**read)
    found = []
    for name, frame in lazy.items():
        rows = ([whole(value) for value in row] for row in frame.collect(engine="streaming").iter_rows())
        found.extend(as_figures(name, rows))
    return found


def whole(value):
    return int(value) if isinstance(value, float) else value


def natural(assets, vulnerabilities, milestones, calendar, org):
    def reached(plan, day, name):
        at_month_end = milestones.filter(plan).join_where(calendar, pl.col(day) <= pl.col("last_on"))
        in_force = at_month_end.filter(pl.col("ceased_on").is_null() | (pl.col("ceased_on") > pl.col("last_on")))
        return in_force.join(org, on="org_unit").group_by("node", "month").agg(pl.len().cast(pl.Int64).alias(name))

    def done_to_plan(plan):
        planned, done = reached(plan, "planned_on", "below"), reached(plan, "done_on", "above")
        plans = planned.join(done, on=["node", "month"], how="left")
        return plans.select("node", "month", pl.col("above").fill_null(0), "below")

    def inventory(kind):
        of_kind = assets.filter((pl.col("kind") == kind) & pl.col("is_in_scope"))
        at_month_end = of_kind.join_where(
            calendar, pl.col("valid_from") <= pl.col("last_on"), pl.col("valid_until") > pl.col("last_on")
        ).filter(pl.col("disposed_on").is_null() | (pl.col("disposed_on") > pl.col("last_on")))
        is_counted = (
            INVENTORIED
            & (pl.max_horizontal("inventoried_on", "owner_assigned_on") <= pl.col("last_on"))
            & (least(pl.col("disposed_on"), after_fiscal_year(pl.col("inventoried_on"))) > pl.col("last_on"))
        )
        by_node = at_month_end.join(org, on="org_unit").group_by("node", "month")
        return by_node.agg(is_counted.fill_null(False).sum().alias("above"), pl.len().alias("below"))

    def happened(on, above, below):
        is_urgent = (pl.col("cvss_base_score") >= 9) & (pl.col("published_on") <= pl.col(on))
        in_month = vulnerabilities.filter(is_urgent).join_where(
            calendar, pl.col(on) >= pl.col("first_on"), pl.col(on) <= pl.col("last_on")
        )
        by_node = in_month.join(org, on="org_unit").group_by("node", "month")
        return by_node.agg(above.alias("above"), below.alias("below"))

    frames = {f"{kpi}/inventory_ratio": inventory(kind) for kpi, kind in INVENTORIES.items()}
    for kpi, (name, on, since) in HAPPENED.items():
        took = days(on, since)
        frames[f"{kpi}/base_score_only_count"] = happened(on, pl.len(), pl.lit(1))
        frames[f"{kpi}/{name}_days_mean"] = happened(on, took.sum(), pl.len())
        frames[f"{kpi}/{name}_days_median"] = happened(on, 2 * took.median(), pl.lit(2))
    return frames | {f"{kpi}/done_to_plan_ratio": done_to_plan(of_plan(*plan)) for kpi, plan in PLANS.items()}


def clever(assets, vulnerabilities, milestones, calendar, org):
    def changes(rows, enters, leaves, name):
        spans = rows.select("kpi", "org_unit", enters.alias("enters"), leaves.alias("leaves")).filter(pl.col("leaves") > pl.col("enters"))
        counted = lambda at, sign: spans.group_by("kpi", "org_unit", pl.col(at).alias("month")).agg(
            (pl.len().cast(pl.Int64) * sign).alias(name)
        )
        return pl.concat([counted("enters", 1), counted("leaves", -1)])

    by_kind = pl.col("kind").replace_strict(list(INVENTORIES.values()), list(INVENTORIES), return_dtype=pl.Int32)
    counted = assets.filter(pl.col("is_in_scope")).with_columns(by_kind.alias("kpi"))
    below = changes(
        counted, month(pl.col("valid_from")), month(least(pl.col("valid_until"), pl.col("disposed_on"))), "below"
    )
    above = changes(
        counted.filter(INVENTORIED),
        month(pl.max_horizontal("valid_from", "inventoried_on", "owner_assigned_on")),
        month(least(pl.col("valid_until"), pl.col("disposed_on"), after_fiscal_year(pl.col("inventoried_on")))),
        "above",
    )
    months = calendar.select(pl.col("month").cast(pl.Int32))

    def levels(above, below, kpis):
        every = org.select("node").unique().join(months, how="cross")
        every = every.join(pl.LazyFrame({"kpi": list(kpis)}, schema={"kpi": pl.Int32}), how="cross")
        every = every.select("kpi", "node", "month", above=pl.lit(0, pl.Int64), below=pl.lit(0, pl.Int64))
        of_node = pl.concat([above, below], how="diagonal").join(org, on="org_unit").select("kpi", "node", "month", "above", "below")
        return (
            pl.concat([of_node.with_columns(pl.col("above", "below").fill_null(0)), every])
            .group_by("kpi", "node", "month")
            .agg(pl.col("above", "below").sum())
            .sort("kpi", "node", "month")
            .with_columns(pl.col("above", "below").cum_sum().over("kpi", "node"))
            .join(months, on="month")
        )

    by_plan = pl.lit(None, pl.Int32)
    for kpi, plan in PLANS.items():
        by_plan = pl.when(of_plan(*plan)).then(pl.lit(kpi, pl.Int32)).otherwise(by_plan)
    plans = milestones.with_columns(by_plan.alias("kpi")).filter(pl.col("kpi").is_not_null())
    ceased = month(pl.col("ceased_on").fill_null(NEVER))
    planned = changes(plans, month(pl.col("planned_on")), ceased, "below")
    done = changes(plans.filter(pl.col("done_on").is_not_null()), month(pl.col("done_on")), ceased, "above")
    urgent = vulnerabilities.filter(pl.col("cvss_base_score") >= 9)

    def took(kpi, on, since):
        rows = urgent.filter(pl.col("published_on") <= pl.col(on))
        by = rows.group_by(pl.lit(kpi, pl.Int32).alias("kpi"), "org_unit", month(pl.col(on)).alias("month"), days(on, since).alias("days"))
        return by.agg(pl.len().cast(pl.Int64).alias("n"))

    happened = (
        pl.concat([took(kpi, on, since) for kpi, (_, on, since) in HAPPENED.items()])
        .join(org, on="org_unit")
        .join(months, on="month")
        .group_by("kpi", "node", "month", "days")
        .agg(pl.col("n").sum())
        .sort("kpi", "node", "month", "days")
        .with_columns(up_to=pl.col("n").cum_sum().over("kpi", "node", "month"), all=pl.col("n").sum().over("kpi", "node", "month"))
        .group_by("kpi", "node", "month")
        .agg(
            (pl.col("days") * pl.col("n")).sum().alias("sum"),
            pl.col("n").sum(),
            pl.col("days").filter(2 * pl.col("up_to") >= pl.col("all")).min()
            + pl.col("days").filter(2 * pl.col("up_to") > pl.col("all")).min(),
        )
    )
    return {
        "inventory_ratio": levels(above, below, INVENTORIES),
        "happened": happened,
        "done_to_plan_ratio": levels(done, planned, PLANS),
    }
