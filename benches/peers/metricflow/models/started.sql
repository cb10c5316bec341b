select org_unit, started_on, cast(date_trunc('month', started_on) as date) as started_month_on, started_on - published_on as days
from '{{ env_var("PEERS_TABLES") }}/vulnerabilities.parquet'
where cvss_base_score >= 9.0 and published_on <= started_on
