//! Functions of days. Batches share dates, so the calendar is asked once for each day and what it says is kept.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::{Array, ArrayRef, AsArray, Date32Array, new_null_array};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Date32Type, Int32Type, Int64Type};
use datafusion::error::Result;
use keiki_model::calendar::{Calendar, Day};
use keiki_model::calendars::{Calendars, GROUP};

use super::{Arguments, Column, by_row};

/// The day so many days after another; null beyond the last day that there is.
pub(super) fn days_after(arguments: &Arguments) -> Result<ArrayRef> {
    let (dates, numbers) = (
        arguments.column::<Date32Type>(0)?,
        arguments.column::<Int64Type>(1)?,
    );
    let later = |day: Day, number: i64| day.checked_add(i32::try_from(number).ok()?);
    if let Some(days) = all_later(&dates, &numbers, later) {
        return Ok(days);
    }
    Ok(by_row::<Date32Type>(arguments.rows, |row| {
        later(dates.get(row)?, numbers.get(row)?)
    }))
}

/// The same number of days after each; `None` where numbers differ, or one of the days does not exist.
fn all_later(
    dates: &Column<Date32Type>,
    numbers: &Column<Int64Type>,
    later: impl Fn(Day, i64) -> Option<Day>,
) -> Option<ArrayRef> {
    let [number] = **numbers.0.values() else {
        return None;
    };
    let (first, last) = dates.bounds().filter(|_| numbers.0.is_valid(0))?;
    later(first, number).and(later(last, number))?;
    let number = i32::try_from(number).ok()?;
    let days: Date32Array = dates.0.unary(|day| day.wrapping_add(number));
    Some(Arc::new(days))
}

/// How many days a table holds at most.
const TABLE_DAYS: i64 = 1 << 16;

/// What a function gives for each day from a first on.
#[derive(Clone)]
struct DayTable {
    first: Day,
    days: Vec<Option<Day>>,
    /// The same where it gives something for every day.
    whole: Option<Vec<Day>>,
}

impl DayTable {
    fn place(&self, day: Day) -> Option<usize> {
        usize::try_from(i64::from(day) - i64::from(self.first)).ok()
    }

    fn of(&self, day: Day) -> Option<Day> {
        *self.days.get(self.place(day)?)?
    }

    /// What it gives for each of some dates, all of which it holds; `None` where there is something that it gives nothing for.
    fn of_each(&self, dates: &Date32Array) -> Option<Date32Array> {
        let days = self.whole.as_deref()?;
        let last = days.len().checked_sub(1)?;
        // Where there is no date, its place may be any.
        let place = |day: Day| {
            usize::try_from(day.wrapping_sub(self.first))
                .unwrap_or(0)
                .min(last)
        };
        Some(dates.unary(|day| days[place(day)]))
    }

    fn holds(&self, day: Day) -> bool {
        self.place(day).is_some_and(|place| place < self.days.len())
    }

    /// A table that holds two days, and all between them, too; `None` where that would be too many.
    fn with(&self, first: Day, last: Day, f: impl Fn(Day) -> Option<Day>) -> Option<Self> {
        let after = self
            .first
            .checked_add(i32::try_from(self.days.len()).ok()?)?;
        let (least, end) = if self.days.is_empty() {
            (first, last.checked_add(1)?)
        } else {
            (first.min(self.first), after.max(last.checked_add(1)?))
        };
        if i64::from(end) - i64::from(least) > TABLE_DAYS {
            return None;
        }
        let known = |day: Day| {
            if self.holds(day) {
                self.of(day)
            } else {
                f(day)
            }
        };
        let days: Vec<Option<Day>> = (least..end).map(known).collect();
        Some(Self {
            first: least,
            whole: days.iter().copied().collect(),
            days,
        })
    }
}

/// The tables of a function, by the number of the calendar and by what else is the same for all rows.
#[derive(Default)]
pub(super) struct DayTables(Mutex<HashMap<Key, Arc<DayTable>>>);

type Key = (usize, Option<i64>);

impl DayTables {
    /// Computes a function of days, and of numbers where there is a second argument.
    pub(super) fn of(
        &self,
        calendar: usize,
        arguments: &Arguments,
        f: impl Fn(Day, Option<i64>) -> Option<Day>,
    ) -> Result<ArrayRef> {
        let dates = arguments.column::<Date32Type>(0)?;
        let has_number = arguments.arrays.len() > 1;
        let numbers = has_number.then(|| arguments.column::<Int64Type>(1));
        let numbers = numbers.transpose()?;
        let number = |row: usize| numbers.as_ref().and_then(|numbers| numbers.get(row));
        let Some((first, last)) = dates.bounds() else {
            return Ok(new_null_array(&DataType::Date32, arguments.rows));
        };
        let is_constant = numbers.as_ref().is_none_or(|numbers| numbers.0.len() == 1);
        let key = is_constant.then(|| (calendar, number(0)));
        let table = key.and_then(|key| self.table(key, (first, last), |day| f(day, key.1)));
        Ok(match table {
            Some(table) => match table.of_each(&dates.0) {
                Some(found) if found.len() == arguments.rows => Arc::new(found),
                _ => by_row::<Date32Type>(arguments.rows, |row| table.of(dates.get(row)?)),
            },
            None => by_row::<Date32Type>(arguments.rows, |row| f(dates.get(row)?, number(row))),
        })
    }

    fn table(
        &self,
        key: Key,
        (first, last): (Day, Day),
        f: impl Fn(Day) -> Option<Day>,
    ) -> Option<Arc<DayTable>> {
        let mut tables = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = tables.get(&key);
        if let Some(known) = known.filter(|table| table.holds(first) && table.holds(last)) {
            return Some(Arc::clone(known));
        }
        let empty = DayTable {
            first,
            days: Vec::new(),
            whole: None,
        };
        let wider = known.map_or(&empty, |known| known);
        let wider = Arc::new(wider.with(first, last, f)?);
        tables.insert(key, Arc::clone(&wider));
        Some(wider)
    }
}

/// A function of days and of the fiscal calendar of each row's org unit.
pub(super) struct FiscalDays {
    calendars: Arc<Calendars>,
    tables: DayTables,
}

impl FiscalDays {
    pub(super) fn new(calendars: Arc<Calendars>) -> Self {
        Self {
            calendars,
            tables: DayTables::default(),
        }
    }

    /// Computes it. The org unit is the argument after the others; without it the group's calendar counts.
    pub(super) fn of(
        &self,
        arguments: &Arguments,
        others: usize,
        f: impl Fn(&Calendar, Day, Option<i64>) -> Option<Day>,
    ) -> Result<ArrayRef> {
        let dates = Arguments {
            arrays: arguments.arrays.iter().take(others).cloned().collect(),
            rows: arguments.rows,
        };
        let calendars = &self.calendars;
        let by = |number: usize| {
            let of_day = |day, n| f(calendars.numbered(number), day, n);
            self.tables.of(number, &dates, of_day)
        };
        let Some(units) = arguments.arrays.get(others) else {
            return by(GROUP);
        };
        let units = cast(
            units,
            &DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8)),
        )?;
        let units = units.as_dictionary::<Int32Type>();
        let names = units.values().as_string::<i32>();
        let of_name = |at: usize| calendars.of_evidence_always(names.value(at));
        let always: Vec<Option<usize>> = (0..names.len()).map(of_name).collect();
        if always.iter().all(|number| *number == Some(GROUP)) {
            return by(GROUP);
        }
        let days = dates.column::<Date32Type>(0)?;
        let number_of = |row: usize| -> usize {
            let row_of_unit = if units.len() == 1 { 0 } else { row };
            let Some(name) = units.key(row_of_unit) else {
                return GROUP;
            };
            let day = days.get(row);
            always[name].unwrap_or_else(|| {
                day.map_or(GROUP, |day| calendars.of_evidence(names.value(name), day))
            })
        };
        let numbers: Vec<usize> = (0..arguments.rows).map(number_of).collect();
        let mut by_number: Vec<Option<Date32Array>> = vec![None; calendars.numbers().count()];
        for number in &numbers {
            if by_number[*number].is_none() {
                by_number[*number] = Some(by(*number)?.as_primitive::<Date32Type>().clone());
            }
        }
        Ok(by_row::<Date32Type>(arguments.rows, |row| {
            let found = by_number[numbers[row]].as_ref()?;
            found.is_valid(row).then(|| found.value(row))
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_grows_to_both_sides_and_gives_what_the_function_gives() {
        let tables = DayTables::default();
        let f = |day: Day| (day % 5 != 0).then_some(day * 2);
        for (first, last) in [(100, 120), (110, 150), (-7, 3), (50, 60), (90_000, 90_001)] {
            let table = tables.table((GROUP, None), (first, last), f);
            let Some(table) = table else {
                assert_eq!(
                    (first, last),
                    (90_000, 90_001),
                    "only this lies too far away"
                );
                continue;
            };
            for day in first..=last {
                assert_eq!(table.of(day), f(day), "{day}");
            }
        }
    }
}
