//! The group's people: headcounts, qualifications, phishing drills.

use keiki_model::calendar::Day;

use super::dice::Dice;
use super::sheet::{Sheet, day, iso};

/// Companies with their staff: all, of IT, of security; and outside staff: all, of IT, of security.
const STAFF: [(&str, [i32; 6]); 6] = [
    ("HD", [320, 58, 9, 40, 22, 3]),
    ("JP1", [4_200, 132, 6, 610, 48, 2]),
    ("JP2", [860, 46, 2, 90, 18, 0]),
    ("JP3", [1_540, 38, 1, 720, 12, 0]),
    ("US1", [410, 31, 2, 25, 8, 1]),
    ("SG1", [190, 14, 1, 10, 4, 0]),
];

/// The personnel department's counts. In June one cell holds a unit; in August a correction reaches back to May.
pub(super) fn headcounts(today: Day) -> String {
    let mut sheet = Sheet::new(
        "会社,全社員,IT要員,セキュリティ要員,外部要員,外部IT要員,外部セキュリティ要員,適用日",
    );
    let is_june = day(2026, 6, 1) <= today && today < day(2026, 7, 1);
    let is_corrected = today >= day(2026, 8, 1);
    for (company, staff) in STAFF {
        if company == "SG1" && today < day(2026, 7, 1) {
            continue;
        }
        let mut cells = staff.map(|count| count.to_string());
        let mut effective_on = String::new();
        if company == "JP2" && is_june {
            cells[0].push('名');
        }
        if company == "JP1" && is_corrected {
            cells[2] = "9".into();
            if today < day(2026, 9, 1) {
                effective_on = "2026-05-01".into();
            }
        }
        let [all, it, security, outside, outside_it, outside_security] = &cells;
        sheet.row(&[
            company,
            all,
            it,
            security,
            outside,
            outside_it,
            outside_security,
            &effective_on,
        ]);
    }
    sheet.text()
}

/// The list of qualifications; some people hold two.
pub(super) fn certifications(today: Day) -> String {
    let mut sheet = Sheet::new("登録番号,所属,社員番号,資格,取得日,有効期限");
    let units = [
        "HD-SEC", "HD-SEC", "HD-IT", "JP1-IT", "JP1-IT", "JP2", "US1", "SG1",
    ];
    for index in 0..26 {
        let number = format!("Q-{:03}", index + 1);
        let mut dice = Dice::of(&number);
        let unit = dice.pick(&units).unwrap_or("HD-SEC");
        if unit == "SG1" && today < day(2026, 7, 1) {
            continue;
        }
        // Every fifth row is a second qualification of the person of the row before.
        let person = if index % 5 == 4 { index - 1 } else { index };
        let home = Dice::of(&format!("Q-{:03}", person + 1))
            .pick(&units)
            .unwrap_or("HD-SEC");
        if home == "SG1" && today < day(2026, 7, 1) {
            continue;
        }
        let qualification = dice
            .pick(&["RISS", "RISS", "CISSP", "CISM", "CISA", "SG", "GIAC"])
            .unwrap_or("RISS");
        let obtained_on = day(2023, 10, 1) + dice.below(1080);
        if obtained_on > today {
            continue;
        }
        let expires_on = iso(obtained_on + 1095);
        sheet.row(&[
            &number,
            home,
            &format!("E{:04}", 2000 + person),
            qualification,
            &iso(obtained_on),
            &expires_on,
        ]);
    }
    sheet.text()
}

/// Recipients of the drills by org unit.
const RECIPIENTS: [(&str, i32); 6] = [
    ("HD-SEC", 10),
    ("HD-IT", 30),
    ("JP1", 64),
    ("JP2", 42),
    ("JP3", 36),
    ("US1", 34),
];

/// The results of the drills that were held by a day: a first round in June, a re-test in September.
pub(super) fn drills(today: Day) -> String {
    let mut sheet =
        Sheet::new("訓練番号,社員番号,所属,実施日,回,難易度,到達,送信日時,開封日時,通報日時");
    for (drill, round, on, difficulty, opened) in [
        ("P2026-1", "初回", day(2026, 6, 16), "3", 19),
        ("P2026-2", "再テスト", day(2026, 9, 15), "4", 8),
    ] {
        if on > today {
            continue;
        }
        for (unit, count) in RECIPIENTS {
            for index in 0..count {
                let person = format!("{unit}-{index:03}");
                let mut dice = Dice::of(&format!("{drill} {person}"));
                let is_delivered = dice.percent(98);
                let has_opened = is_delivered && dice.percent(opened);
                let has_reported = is_delivered && dice.percent(34);
                let at = |hour: i32, minute: i32| format!("{} {hour:02}:{minute:02}", iso(on));
                let opened_at = if has_opened {
                    at(10 + dice.below(6), dice.below(60))
                } else {
                    String::new()
                };
                let reported_at = if has_reported {
                    at(16, dice.below(60))
                } else {
                    String::new()
                };
                let delivered = if is_delivered { "はい" } else { "いいえ" };
                sheet.row(&[
                    drill,
                    &person,
                    unit,
                    &iso(on),
                    round,
                    difficulty,
                    delivered,
                    &at(9, 30),
                    &opened_at,
                    &reported_at,
                ]);
            }
        }
    }
    sheet.text()
}
