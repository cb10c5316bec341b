//! The group's people: the yearly course, the yearly self-check, and the phishing drills.

use keiki_model::calendar::Day;

use super::dice::Dice;
use super::sheet::{Sheet, day, iso, slashed};
use super::tables::{Row, YEARS, is_chosen, is_member, percent_of, rows};

const TABLE: &str = include_str!("tables/people.csv");

/// Columns of the table: staff, course, self-check, test, opened, retrained.
const STAFF: usize = 1;
const COURSE: usize = 5;
const CHECK: usize = 9;
const PASSED: usize = 12;
const OPENED: usize = 16;
const RETRAINED: usize = 20;

/// People of Fictional Manufacturing whose attendance was counted twice: once for another person.
const COUNTED_TWICE: i32 = 48;

/// Which people an export speaks of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Of {
    /// All companies but Fictional Logistics, whose own export comes later.
    Others,
    /// Fictional Logistics.
    Late,
}

fn rows_of(of: Of) -> impl Iterator<Item = Row> {
    rows(TABLE).filter(move |row| (row.text(0) == "JP3") == (of == Of::Late))
}

fn person(unit: &str, index: i32) -> String {
    format!("{unit}-{:04}", index + 1)
}

/// A course or self-check of a year, for one org unit.
struct Course {
    unit: &'static str,
    staff: i32,
    year: i16,
    is_check: bool,
    attended: i32,
    passed: i32,
}

impl Course {
    fn code(&self) -> String {
        format!("{}{}", if self.is_check { "SC" } else { "ED" }, self.year)
    }

    fn first_day(&self) -> Day {
        day(self.year, if self.is_check { 11 } else { 6 }, 1)
    }

    /// Writes one person's line.
    fn line(&self, sheet: &mut Sheet, index: i32, is_withdrawn: bool, form: fn(Day) -> String) {
        let mut dice = Dice::of(&format!("{} {} {index}", self.code(), self.unit));
        let (start, salt) = (self.first_day(), i32::from(self.year));
        let is_on_leave = dice.percent(1);
        let is_agency = dice.percent(4);
        // Of those with one day of grace nobody is counted as late.
        let on = start + 1 + dice.below(28);
        let has_attended = is_chosen(index, self.staff, self.attended, salt) && !is_withdrawn;
        let has_passed = has_attended && dice.below(1000) < self.passed * 10;
        let is_first = dice.below(100) < 80;
        let done = if has_attended {
            form(on)
        } else {
            String::new()
        };
        let passed_on = if has_passed {
            form(if is_first { on } else { on + 1 })
        } else {
            String::new()
        };
        sheet.row(&[
            &self.code(),
            &person(self.unit, index),
            self.unit,
            if is_agency { "派遣" } else { "社員" },
            &form(start - 1),
            &form(start + 29),
            &if is_on_leave {
                form(start - 90)
            } else {
                String::new()
            },
            if self.is_check { "" } else { &done },
            &done,
            if self.is_check { "" } else { &passed_on },
            match (self.is_check || !has_passed, is_first) {
                (true, _) => "",
                (false, true) => "1",
                (false, false) => "2",
            },
        ]);
    }
}

fn courses(of: Of) -> impl Iterator<Item = Course> {
    rows_of(of).flat_map(|row| {
        let unit = row.text(0);
        let years = YEARS.into_iter().enumerate();
        let of_year = move |(at, year): (usize, i16)| {
            let staff = row.number(STAFF + at);
            let course = Course {
                unit,
                staff,
                year,
                is_check: false,
                attended: percent_of(staff, row.number(COURSE + at)),
                passed: row.number(PASSED + at),
            };
            let check = (year < 2026).then(|| Course {
                unit,
                staff,
                year,
                is_check: true,
                attended: percent_of(staff, row.number(CHECK + at)),
                passed: 100,
            });
            // Fictional Precision joined in October, after the course of that year and before its self-check.
            let course = (unit != "JP5" || year > 2024).then_some(course);
            course
                .into_iter()
                .chain(check)
                .filter(move |_| is_member(unit, year))
        };
        years.flat_map(of_year)
    })
}

const TRAINING_HEADER: &str =
    "講座,社員番号,所属,雇用区分,基準日,受講期限,休業開始日,受講完了日,受検日,合格日,合格回次";

/// The learning system's export: everybody's courses and self-checks.
pub(super) fn trainings(of: Of) -> String {
    let mut sheet = Sheet::new(TRAINING_HEADER);
    let form = if of == Of::Late { slashed } else { iso };
    for course in courses(of) {
        for index in 0..course.staff {
            course.line(&mut sheet, index, false, form);
        }
    }
    sheet.text()
}

/// The correction of August: attendances of the plants that were counted twice are withdrawn.
pub(super) fn withdrawn_attendances() -> String {
    let mut sheet = Sheet::new(TRAINING_HEADER);
    let wanted = |course: &Course| course.unit == "JP1-FAC1" && course.year == 2026;
    for course in courses(Of::Others).filter(wanted) {
        let salt = i32::from(course.year);
        let attended = (0..course.staff)
            .filter(|index| is_chosen(*index, course.staff, course.attended, salt));
        for index in attended.take(COUNTED_TWICE.unsigned_abs() as usize) {
            course.line(&mut sheet, index, true, iso);
        }
    }
    sheet.text()
}

/// The same course as known at the end of September: nothing has changed, and the export says so for its first people.
pub(super) fn trainings_since(of: Of) -> String {
    let mut sheet = Sheet::new(TRAINING_HEADER);
    let form = if of == Of::Late { slashed } else { iso };
    for course in courses(of).filter(|course| course.year == 2026 && course.unit != "JP1-FAC1") {
        for index in 0..course.staff.min(5) {
            course.line(&mut sheet, index, false, form);
        }
    }
    sheet.text()
}

/// A drill: its number, the day, whether it is a re-test of the drill before, and how hard the lure was.
type Drill = (&'static str, (i16, i8), bool, &'static str);

const DRILLS: [Drill; 9] = [
    ("PH2306", (2023, 6), false, "2"),
    ("PH2311", (2023, 11), true, "2"),
    ("PH2406", (2024, 6), false, "3"),
    ("PH2409", (2024, 9), true, "3"),
    ("PH2506", (2025, 6), false, "3"),
    ("PH2509", (2025, 9), true, "3"),
    ("PH2602", (2026, 2), true, "4"),
    ("PH2605", (2026, 5), false, "4"),
    ("PH2608", (2026, 8), true, "4"),
];

/// The results of the drills of some days, which go to every second person. Who is retrained after the last day is not yet.
pub(super) fn drills(of: Of, from: Day, today: Day) -> String {
    let mut sheet = Sheet::new(
        "訓練番号,社員番号,所属,実施日,回,初回訓練,難易度,到達,送信日時,開封日時,通報日時,再教育日",
    );
    let mut first = "";
    for (drill, (year, month), is_retest, difficulty) in DRILLS {
        if !is_retest {
            first = drill;
        }
        let on = day(year, month, 17);
        if on < from || on > today {
            continue;
        }
        let fiscal = if month < 4 { year - 1 } else { year };
        for row in rows_of(of) {
            let joined = fiscal > 2024 || row.text(0) != "JP5";
            let Some(at) = YEARS
                .iter()
                .position(|known| *known == fiscal)
                .filter(|_| joined)
            else {
                continue;
            };
            let count = row.number(STAFF + at) / 2;
            let percent = row.number(OPENED + at) * if is_retest { 10 } else { 16 };
            let opened = (count * percent + 500) / 1000;
            let retrained = percent_of(opened, row.number(RETRAINED));
            let mut openers = 0;
            for index in 0..count {
                let mut dice = Dice::of(&format!("{drill} {} {index}", row.text(0)));
                let has_opened =
                    is_chosen(index, count, opened, i32::from(year) + i32::from(month));
                let has_reported = dice.below(100) < 22 + (i32::from(fiscal) - 2023) * 9;
                let is_delivered = has_opened || has_reported || !dice.percent(2);
                openers += i32::from(has_opened);
                let is_retrained = has_opened && openers <= retrained;
                let at = |hour: i32, minute: i32| format!("{} {hour:02}:{minute:02}", iso(on));
                let either = |yes: bool, text: String| if yes { text } else { String::new() };
                let (opened_at, reported_at) = (
                    at(10 + dice.below(6), dice.below(60)),
                    at(16, dice.below(60)),
                );
                let retrained_on = on + 3 + dice.below(24);
                sheet.row(&[
                    drill,
                    &person(row.text(0), index * 2),
                    row.text(0),
                    &iso(on),
                    if is_retest { "再テスト" } else { "初回" },
                    if is_retest { first } else { "" },
                    difficulty,
                    if is_delivered { "はい" } else { "いいえ" },
                    &at(9, 30),
                    &either(has_opened, opened_at),
                    &either(has_reported, reported_at),
                    &either(is_retrained && retrained_on <= today, iso(retrained_on)),
                ]);
            }
        }
    }
    sheet.text()
}
