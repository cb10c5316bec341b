-- Which company an org unit belongs to. A metric layer knows no tree of any depth: each level is a column.
select org_unit, coalesce(max(case when node <> 'G' and node <> org_unit then node end), org_unit) as company
from '{{ env_var("PEERS_TABLES") }}/org.parquet'
group by org_unit
