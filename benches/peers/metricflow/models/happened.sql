-- What was started and what was completed, each with its KPI and how many days it took.
with urgent as (
    select org_unit, published_on, started_on, completed_on
    from '{{ env_var("PEERS_TABLES") }}/vulnerabilities.parquet' where cvss_base_score >= 9.0)
select 24 as kpi, org_unit, cast(date_trunc('month', started_on) as date) as happened_month_on, started_on - published_on as days
from urgent where published_on <= started_on
union all
select 25, org_unit, cast(date_trunc('month', completed_on) as date), completed_on - started_on
from urgent where published_on <= completed_on
