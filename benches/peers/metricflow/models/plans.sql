with every_one as (
    select *, case
        when project = 'incident_procedure' and stage = 'approval' then 41 when project = 'incident_procedure' and stage = 'rollout' then 42
        when project = 'disclosure_criteria' and stage = 'approval' then 43 when project = 'disclosure_criteria' and stage = 'rollout' then 44
        when project = 'security_system' then 45 when project = 'new_regulation' then 47 end as kpi
    from '{{ env_var("PEERS_TABLES") }}/milestones.parquet'),
plans as (select * from every_one where kpi is not null)
select kpi, org_unit, cast(date_trunc('month', planned_on) as date) as changed_month_on, 0 as above, 1 as below
from plans where planned_on is not null
union all
select kpi, org_unit, cast(date_trunc('month', done_on) as date), 1, 0
from plans where done_on is not null
union all
select kpi, org_unit, cast(date_trunc('month', ceased_on) as date),
    case when done_on < ceased_on then -1 else 0 end, case when planned_on < ceased_on then -1 else 0 end
from plans where ceased_on is not null
