-- A metric layer sums: what is in force at the end of a month has to be given to it as changes.
with counted as (
    select *, least(valid_until, coalesce(disposed_on, date '2200-01-01')) as gone_on,
        make_date(cast(year(inventoried_on) + case when month(inventoried_on) >= 4 then 1 else 0 end as integer), 4, 1) as next_year_on,
        case kind when 'hardware' then 1 when 'software' then 2 when 'mobile' then 3 when 'cloud_service' then 4 end as kpi
    from '{{ env_var("PEERS_TABLES") }}/assets.parquet' where is_in_scope),
spans as (
    select kpi, org_unit, valid_from as enters, gone_on as leaves, 0 as above, 1 as below from counted
    union all
    select kpi, org_unit, greatest(valid_from, inventoried_on, owner_assigned_on), least(gone_on, next_year_on), 1, 0 from counted
    where inventoried_on is not null and owner_assigned_on is not null and inventoried_by in ('declaration', 'designated_tool')),
months as (
    select kpi, org_unit, cast(date_trunc('month', enters) as date) as enters, cast(date_trunc('month', leaves) as date) as leaves, above, below
    from spans)
select kpi, org_unit, enters as changed_month_on, above, below from months where leaves > enters
union all
select kpi, org_unit, leaves, -above, -below from months where leaves > enters
