//! The fiscal calendars of a group: its own, and those of entities that keep another year.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::calendar::{Calendar, Day, FiscalYear, Month, Period};
use crate::dataset::ORG_UNIT_SEPARATOR;
use crate::org::{Organisation, Tree};
use crate::problem::{Place, Problem, nearest};
use crate::text::Text;

/// The longest lag in months at which an entity's own year stands for the group's; beyond it the group's months are taken.
///
/// *Source*: IFRS 10, B93; the Japanese standard on consolidated statements (ASBJ No. 22, note 4): three months.
pub const LAG_MONTHS_MAX: i32 = 3;

/// The number of the group's calendar.
pub const GROUP: usize = 0;

/// A fiscal calendar that an entity has of its own, with all below it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EntityCalendar {
    /// The entity.
    pub org_unit: String,
    /// Its calendar.
    pub calendar: Calendar,
    /// Where it is stated.
    pub place: Place,
}

/// The group's calendar, which has number 0, and those of entities.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Calendars {
    group: Calendar,
    own: Vec<EntityCalendar>,
    /// For org units that ever follow a calendar of their own: from which day on which, in order.
    followed: BTreeMap<String, Vec<(Day, usize)>>,
}

impl From<Calendar> for Calendars {
    fn from(group: Calendar) -> Self {
        Self {
            group,
            ..Self::default()
        }
    }
}

impl Calendars {
    /// Puts the calendars together. An org unit follows the calendar of the nearest entity at or above it that has one, on
    /// the tree of each day.
    #[must_use]
    pub fn new(group: Calendar, own: Vec<EntityCalendar>, organisation: &Organisation) -> Self {
        let mut calendars = Self {
            group,
            own,
            followed: BTreeMap::new(),
        };
        if calendars.own.is_empty() {
            return calendars;
        }
        let mut followed: BTreeMap<String, Vec<(Day, usize)>> = BTreeMap::new();
        for day in organisation.change_days() {
            let tree = organisation.tree(day);
            let numbers = calendars.of_nodes(&tree);
            for unit in organisation.rows() {
                let node = tree.position_of_evidence(&unit.id);
                if node + 1 == tree.nodes().len() {
                    continue;
                }
                let of_unit = followed.entry(unit.id.clone()).or_default();
                if of_unit
                    .last()
                    .is_none_or(|(_, last)| *last != numbers[node])
                {
                    of_unit.push((day, numbers[node]));
                }
            }
        }
        followed.retain(|_, days| days.iter().any(|(_, number)| *number != GROUP));
        calendars.followed = followed;
        calendars
    }

    /// Holds the entities that are named against the org tree.
    #[must_use]
    pub fn check(own: &[EntityCalendar], organisation: &Organisation) -> Vec<Problem> {
        let mut problems = Vec::new();
        for (number, entity) in own.iter().enumerate() {
            let id = &entity.org_unit;
            let mut report = |message: Text, hint: Text| {
                problems.push(Problem::new(entity.place.clone(), message).hint(hint));
            };
            let rows: Vec<_> = organisation.rows().iter().filter(|u| u.id == *id).collect();
            if rows.is_empty() {
                let ids = organisation.rows().iter().map(|unit| unit.id.as_str());
                let hint = nearest(id, ids).map_or_else(
                    || Text::new("org.csv のIDを確かめてください", "see the ids in org.csv"),
                    |near| {
                        Text::new(
                            format!("{near} ではありませんか"),
                            format!("did you mean {near}?"),
                        )
                    },
                );
                report(
                    Text::new(
                        format!("組織がありません: {id}"),
                        format!("unknown org unit: {id}"),
                    ),
                    hint,
                );
            } else if rows.iter().any(|unit| !unit.kind.is_entity()) {
                report(
                    Text::new(
                        format!("部門に独自の会計年度は設定できません: {id}"),
                        format!("a department has no fiscal year of its own: {id}"),
                    ),
                    Text::new(
                        "その部門が属する会社を指定してください",
                        "name the entity that it belongs to",
                    ),
                );
            } else if rows.iter().any(|unit| unit.parent_id.is_none()) {
                report(
                    Text::new(
                        format!("グループ全体の会計年度は [fiscal] に書きます: {id}"),
                        format!("the fiscal year of the whole group stands in [fiscal]: {id}"),
                    ),
                    Text::new(
                        "[fiscal] の `first_month` または `years` に設定してください",
                        "set `first_month` or `years` in [fiscal] itself",
                    ),
                );
            }
            if own[..number].iter().any(|other| other.org_unit == *id) {
                report(
                    Text::new(
                        format!("一つの組織に会計年度が二つ設定されています: {id}"),
                        format!("two fiscal calendars for one org unit: {id}"),
                    ),
                    Text::new(
                        "決算期を変更した場合は、年度を years = [{ name, first, last }] に列挙してください",
                        "a calendar that changes lists its years: years = [{ name, first, last }]",
                    ),
                );
            }
        }
        problems
    }

    /// The group's calendar.
    #[must_use]
    pub fn group(&self) -> &Calendar {
        &self.group
    }

    /// Tells whether all org units follow the group's calendar.
    #[must_use]
    pub fn are_one(&self) -> bool {
        self.own.is_empty()
    }

    /// The numbers of all calendars, the group's first.
    #[must_use]
    pub fn numbers(&self) -> std::ops::RangeInclusive<usize> {
        GROUP..=self.own.len()
    }

    /// The calendar of a number; the group's where there is no such number.
    #[must_use]
    pub fn numbered(&self, number: usize) -> &Calendar {
        self.own_of(number)
            .map_or(&self.group, |entity| &entity.calendar)
    }

    /// The entity whose calendar has a number; `None` for the group's.
    #[must_use]
    pub fn entity(&self, number: usize) -> Option<&str> {
        self.own_of(number).map(|entity| entity.org_unit.as_str())
    }

    fn own_of(&self, number: usize) -> Option<&EntityCalendar> {
        self.own.get(number.checked_sub(1)?)
    }

    /// Per node of a tree, the number of the calendar that it follows.
    #[must_use]
    pub fn of_nodes(&self, tree: &Tree) -> Vec<usize> {
        let mut numbers: Vec<usize> = Vec::with_capacity(tree.nodes().len());
        for node in tree.nodes() {
            let own = self.own.iter().position(|of| of.org_unit == node.id);
            let above = || node.parent.map_or(GROUP, |parent| numbers[parent]);
            numbers.push(own.map_or_else(above, |at| at + 1));
        }
        numbers
    }

    /// The number of the calendar by which a day counts for evidence of an org unit, or of several: the group's where these
    /// do not follow the same.
    #[must_use]
    pub fn of_evidence(&self, units: &str, day: Day) -> usize {
        let mut numbers = units
            .split(ORG_UNIT_SEPARATOR)
            .map(|unit| self.followed.get(unit).map_or(GROUP, |days| on(days, day)));
        let first = numbers.next().unwrap_or(GROUP);
        if numbers.all(|number| number == first) {
            first
        } else {
            GROUP
        }
    }

    /// The number of the calendar that evidence of an org unit, or of several, follows on all days; `None` where it changes.
    #[must_use]
    pub fn of_evidence_always(&self, units: &str) -> Option<usize> {
        let is_fixed = units.split(ORG_UNIT_SEPARATOR).all(|unit| {
            let days = self.followed.get(unit);
            days.is_none_or(|days| days.len() == 1)
        });
        is_fixed.then(|| self.of_evidence(units, Day::MAX))
    }

    /// First and last month that stand for a period in the calendar of a number; the first may be after the last, where
    /// none does.
    ///
    /// A calendar month is the same for all. Of a fiscal year, or a part of one, an entity gives its own: its year is the
    /// one that ended last when the group's ends, and every part of it lags as much as its end does. Over the years
    /// every month counts once, also where a calendar changes: a long own year, or a short one, is taken whole.
    #[must_use]
    pub fn months(&self, number: usize, period: Period) -> Option<(Month, Month)> {
        let (first, last) = period.months(&self.group)?;
        let Some(own) = self.own_of(number) else {
            return Some((first, last));
        };
        if matches!(period, Period::Month(_)) {
            return Some((first, last));
        }
        let end = |month| self.own_end(&own.calendar, month);
        Some((end(first.plus(-1)).plus(1), end(last)))
    }

    /// The last own month that is taken with the group's months up to one.
    fn own_end(&self, own: &Calendar, month: Month) -> Month {
        let year = self.group.year_of(month);
        let before = year.first.plus(-1);
        let shifted = |month: Month, year| month.plus(-lag(own, year));
        shifted(month, year).max(shifted(before, self.group.year_of(before)))
    }
}

/// The number in force on a day; before the first day, that of the first.
fn on(days: &[(Day, usize)], day: Day) -> usize {
    let after = days.partition_point(|(from, _)| *from <= day);
    days[after.saturating_sub(1)].1
}

/// How many months before the end of the group's year an entity's last own year ended; none where it is too long ago.
fn lag(own: &Calendar, year: FiscalYear) -> i32 {
    let at_end = own.year_of(year.last);
    let last = if at_end.last == year.last {
        at_end.last
    } else {
        at_end.first.plus(-1)
    };
    let lag = year.last.0 - last.0;
    if lag <= LAG_MONTHS_MAX { lag } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calendar::parse_day;

    fn organisation(rows: &str) -> Organisation {
        let header =
            "id,parent_id,name_ja,name_en,kind,country,valid_from,valid_until,successor_id";
        let text = format!("{header}\nG,,群,Group,group,JP,2020-04-01,,\n{rows}");
        Organisation::read("org.csv", &text).expect("the tree is sound")
    }

    fn starting_in(first_month: i32, years: &[(i32, &str, &str)]) -> Calendar {
        let month = |text: &str| match Period::parse(text) {
            Ok(Period::Month(month)) => month,
            other => unreachable!("{other:?}"),
        };
        let listed = years
            .iter()
            .map(|(name, first, last)| FiscalYear {
                name: *name,
                first: month(first),
                last: month(last),
            })
            .collect();
        Calendar::new(first_month, listed, &Place::default()).expect("a calendar")
    }

    fn with(own: Calendar) -> Calendars {
        let entity = EntityCalendar {
            org_unit: "U".into(),
            calendar: own,
            place: Place::default(),
        };
        let tree = organisation("U,G,海,Sea,overseas,US,2020-04-01,,\n");
        Calendars::new(Calendar::default(), vec![entity], &tree)
    }

    fn own(calendars: &Calendars, period: &str) -> String {
        let period = Period::parse(period).expect("a period");
        let (first, last) = calendars.months(1, period).expect("it has months");
        format!("{first}..{last}")
    }

    #[test]
    fn an_entity_that_closes_in_december_lags_three_months_in_fiscal_periods_alone() {
        let calendars = with(starting_in(1, &[]));
        assert_eq!(own(&calendars, "2026-09"), "2026-09..2026-09");
        assert_eq!(own(&calendars, "FY2026-Q1"), "2026-01..2026-03");
        assert_eq!(own(&calendars, "FY2026-Q2"), "2026-04..2026-06");
        assert_eq!(own(&calendars, "FY2026-H2"), "2026-07..2026-12");
        assert_eq!(own(&calendars, "FY2026"), "2026-01..2026-12");
        assert_eq!(own(&calendars, "2026-09-YTD"), "2026-01..2026-06");
    }

    #[test]
    fn a_lag_of_more_than_three_months_is_none() {
        let calendars = with(starting_in(7, &[]));
        assert_eq!(own(&calendars, "FY2026"), "2026-04..2027-03");
        assert_eq!(own(&calendars, "FY2026-Q2"), "2026-07..2026-09");
    }

    #[test]
    fn a_long_year_on_the_way_to_the_groups_calendar_is_taken_whole() {
        // Fifteen months from January 2026 bring the entity to the end of March.
        let calendars = with(starting_in(
            4,
            &[(2025, "2025-01", "2025-12"), (2026, "2026-01", "2027-03")],
        ));
        assert_eq!(own(&calendars, "FY2025"), "2025-01..2025-12");
        assert_eq!(own(&calendars, "FY2026-Q1"), "2026-01..2026-06");
        assert_eq!(own(&calendars, "FY2026"), "2026-01..2027-03");
        assert_eq!(own(&calendars, "FY2027-Q1"), "2027-04..2027-06");
    }

    #[test]
    fn a_short_year_on_the_way_to_december_is_taken_whole_and_counts_no_month_twice() {
        let calendars = with(starting_in(
            1,
            &[(2025, "2025-04", "2026-03"), (2026, "2026-04", "2026-12")],
        ));
        assert_eq!(own(&calendars, "FY2025"), "2025-04..2026-03");
        assert_eq!(own(&calendars, "FY2026"), "2026-04..2026-12");
        let (first, last) = calendars
            .months(1, Period::Quarter(2026, 1))
            .expect("it has months");
        assert_eq!((first, last), (Month::new(2026, 4), Month::new(2026, 3)));
        assert_eq!(own(&calendars, "FY2026-Q2"), "2026-04..2026-06");
    }

    #[test]
    fn a_unit_follows_the_entity_above_it_on_the_day() {
        let tree = organisation(
            "U,G,海,Sea,overseas,US,2020-04-01,,\nJ,G,陸,Land,subsidiary,JP,2020-04-01,,\n\
             D,U,部,Dept,department,US,2020-04-01,2026-04-01,\nD,J,部,Dept,department,JP,2026-04-01,,\n",
        );
        let entity = EntityCalendar {
            org_unit: "U".into(),
            calendar: starting_in(1, &[]),
            place: Place::default(),
        };
        let calendars = Calendars::new(Calendar::default(), vec![entity], &tree);
        let day = |text| parse_day(text).expect("a date");
        assert_eq!(calendars.of_evidence("D", day("2026-03-31")), 1);
        assert_eq!(calendars.of_evidence("D", day("2026-04-01")), GROUP);
        // Before anything is known of it, what is known first holds.
        assert_eq!(calendars.of_evidence("D", day("2019-01-01")), 1);
        assert_eq!(calendars.of_evidence("U;D", day("2026-03-31")), 1);
        assert_eq!(calendars.of_evidence("U;J", day("2026-03-31")), GROUP);
        assert_eq!(
            (
                calendars.of_evidence_always("U"),
                calendars.of_evidence_always("D"),
                calendars.of_evidence_always("X")
            ),
            (Some(1), None, Some(GROUP))
        );
    }

    #[test]
    fn a_calendar_of_nobody_or_of_a_department_is_a_problem() {
        let tree = organisation(
            "U,G,海,Sea,overseas,US,2020-04-01,,\nD,U,部,Dept,department,US,2020-04-01,,\n",
        );
        let of = |unit: &str| EntityCalendar {
            org_unit: unit.into(),
            calendar: Calendar::default(),
            place: Place::default(),
        };
        let found = Calendars::check(&[of("V"), of("D"), of("G"), of("U"), of("U")], &tree);
        assert_eq!(found.len(), 4, "{found:?}");
    }
}
