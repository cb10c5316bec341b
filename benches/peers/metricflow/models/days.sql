-- A metric layer wants a calendar of days too, even where all is asked for by month.
select cast(range as date) as day_on
from range(date '2015-01-01', date '2032-01-01', interval 1 day)
