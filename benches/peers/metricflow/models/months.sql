-- All months in which anything may change.
select cast(range as date) as month_on
from range(date '2015-01-01', date '2032-01-01', interval 1 month)
