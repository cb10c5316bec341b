//! The lists that companies keep by hand, as they stood at a month's end.
//!
//! The files of the workspace hold them as they stand at the end of September. A month earlier the later rows were not there, and
//! what had not happened yet was not written down.

use keiki_model::calendar::Day;

use super::sheet::iso;

/// A list, and how it grows.
#[derive(Debug, Clone, Copy)]
pub(super) struct List {
    /// The source that reads it.
    pub(super) source: &'static str,
    /// Its place below the folder of evidence.
    pub(super) file: &'static str,
    /// The column with the day from which a row is there; empty where all are from the beginning.
    since: &'static str,
    /// What happens to a row.
    happenings: &'static [Happening],
}

/// The column with the day on which something happened, and other columns with what stood in them before. The day itself is
/// empty until then, unless it is among them.
type Happening = (&'static str, &'static [(&'static str, &'static str)]);

const fn list(
    source: &'static str,
    file: &'static str,
    since: &'static str,
    happenings: &'static [Happening],
) -> List {
    List {
        source,
        file,
        since,
        happenings,
    }
}

/// The lists of all companies but Fictional Logistics.
pub(super) const LISTS: [List; 18] = [
    list(
        "assessments",
        "assessments.csv",
        "確定日",
        &[("後続評価日", &[])],
    ),
    list("certifications", "certifications.csv", "届出日", &[]),
    list(
        "controls",
        "controls.csv",
        "登録日",
        &[("対応完了日", &[]), ("準拠確認日", &[])],
    ),
    // The checker looks at all rules every time; what it found right since then was wrong before.
    list(
        "hardening_rules",
        "jp1/hardening.csv",
        "",
        &[("判定日", &[("判定", "不適合"), ("判定日", "2026-04-01")])],
    ),
    list("drills", "drills.csv", "", &[("実施日", &[])]),
    list("evaluations", "evaluations.csv", "判定日", &[]),
    list(
        "exercises",
        "exercises.csv",
        "",
        &[("実施日", &[("参加人数", "")]), ("中止日", &[])],
    ),
    list("findings", "findings.csv", "指摘日", &[("完了日", &[])]),
    list("headcounts", "headcounts.csv", "適用日", &[]),
    list("meetings", "meetings.csv", "開催日", &[]),
    list("monitoring", "monitoring.csv", "登録日", &[("稼働日", &[])]),
    list(
        "obligations",
        "obligations.csv",
        "登録日",
        &[("充足日", &[])],
    ),
    list(
        "partners",
        "partners.csv",
        "評価依頼日",
        &[("評価日", &[]), ("契約日", &[]), ("取下日", &[])],
    ),
    list(
        "personal_data",
        "personal_data.csv",
        "登録日",
        &[("匿名化日", &[]), ("廃棄日", &[]), ("トークン化日", &[])],
    ),
    list("policy", "policy.csv", "登録日", &[("準拠確認日", &[])]),
    list("reviews", "reviews.csv", "", REVIEWED),
    list(
        "sharing",
        "sharing.csv",
        "登録日",
        &[("構築日", &[]), ("失効日", &[])],
    ),
    list(
        "supplier_audits",
        "supplier_audits.csv",
        "",
        &[("実施日", &[])],
    ),
];

/// The column with the day for which something is planned.
const PLANNED: &str = "予定日";

const REVIEWED: &[Happening] = &[
    ("開催日", &[("結果", "")]),
    ("改訂承認日", &[("改訂予定日", "")]),
];

/// What Fictional Logistics sends by itself. Its plans, and the reviews by them, arrive once the half-year has ended.
pub(super) const LATE_LISTS: [List; 2] = [
    list("evaluations_jp3", "jp3/evaluations.csv", "日付", &[]),
    list(
        "findings_jp3",
        "jp3/findings.csv",
        "受領日",
        &[("是正日", &[])],
    ),
];

impl List {
    /// What a list that holds everything said at the end of a day.
    pub(super) fn as_of(&self, whole: &str, today: Day) -> String {
        let today = iso(today);
        let header: Vec<&str> = whole
            .lines()
            .next()
            .unwrap_or_default()
            .split(',')
            .collect();
        let place = |column: &str| header.iter().position(|name| *name == column);
        let mut text = format!("{}\n", header.join(","));
        for line in whole.lines().skip(1) {
            let mut cells: Vec<&str> = line.split(',').collect();
            if place(self.since).is_some_and(|at| cells[at] > today.as_str()) {
                continue;
            }
            let is_planned = place(PLANNED).is_none_or(|at| !cells[at].is_empty());
            let whole = cells.clone();
            for (day, before) in self.happenings {
                let Some(at) = place(day).filter(|at| cells[*at] > today.as_str()) else {
                    continue;
                };
                cells[at] = "";
                for (column, stood) in *before {
                    if let Some(at) = place(column) {
                        cells[at] = stood;
                    }
                }
            }
            // What was done without a plan was in no list before.
            if is_planned || cells == whole {
                text.push_str(&cells.join(","));
                text.push('\n');
            }
        }
        text
    }
}

/// The lines of a log of changes that were entered after one day and by another.
pub(super) fn entered(log: &str, after: Day, today: Day) -> String {
    let (after, today) = (iso(after), iso(today));
    let is_wanted = |line: &&str| {
        let entered = line.get(..10).unwrap_or_default();
        entered > after.as_str() && entered <= today.as_str()
    };
    let lines = log.lines().skip(1).filter(is_wanted);
    log.lines()
        .take(1)
        .chain(lines)
        .map(|line| format!("{line}\n"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::sheet::day;
    use super::super::whole;
    use super::*;

    #[test]
    fn at_the_end_of_the_story_every_list_is_whole() {
        for list in LISTS.iter().chain(&LATE_LISTS) {
            let text = whole(list.file);
            assert_eq!(list.as_of(text, day(2026, 9, 30)), text, "{}", list.source);
        }
    }

    #[test]
    fn a_month_earlier_nothing_is_known_of_what_came_later() {
        for list in LISTS.iter().chain(&LATE_LISTS) {
            let text = list.as_of(whole(list.file), day(2026, 6, 30));
            let header: Vec<&str> = text.lines().next().unwrap_or_default().split(',').collect();
            let days = list.happenings.iter().map(|(day, _)| *day);
            for column in days.chain([list.since]).filter(|name| !name.is_empty()) {
                let at = header.iter().position(|name| *name == column);
                let at = at.expect("the column is in the list");
                let later = text.lines().skip(1);
                let later = later.filter(|line| line.split(',').nth(at) > Some("2026-06-30"));
                assert_eq!(later.count(), 0, "{}: {column}", list.source);
            }
        }
    }

    #[test]
    fn the_columns_that_a_list_names_are_in_it() {
        for list in LISTS.iter().chain(&LATE_LISTS) {
            let header = whole(list.file).lines().next().unwrap_or_default();
            let others = list.happenings.iter().flat_map(|(_, before)| *before);
            for (column, _) in others {
                assert!(header.split(',').any(|name| name == *column), "{column}");
            }
        }
    }
}
