select org_unit, cast(date_trunc('month', planned_on) as date) as changed_month_on, 0 as above, 1 as below
from '{{ env_var("PEERS_TABLES") }}/milestones.parquet' where project = 'security_system' and planned_on is not null
union all
select org_unit, cast(date_trunc('month', done_on) as date), 1, 0
from '{{ env_var("PEERS_TABLES") }}/milestones.parquet' where project = 'security_system' and done_on is not null
union all
select org_unit, cast(date_trunc('month', ceased_on) as date),
    case when done_on < ceased_on then -1 else 0 end, case when planned_on < ceased_on then -1 else 0 end
from '{{ env_var("PEERS_TABLES") }}/milestones.parquet' where project = 'security_system' and ceased_on is not null
