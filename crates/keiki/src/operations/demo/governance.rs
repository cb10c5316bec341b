//! What the group owes and plans: requirements, findings, budgets, assessments, exercises.

use keiki_model::calendar::Day;
use serde_json::json;

use super::dice::Dice;
use super::sheet::{Sheet, day, iso, once_come};

/// Requirements of law and standards with the days on which they are planned to be met and are met.
pub(super) fn obligations(today: Day) -> String {
    let mut sheet =
        Sheet::new("管理番号,対象会社,法令・基準,条項,種別,要求事項,適用,充足計画日,施行日,充足日");
    let instruments = [
        ("個人情報保護法", "法令", "安全管理措置"),
        ("経済安全保障推進法", "法令", "基幹設備の届出"),
        (
            "サイバーセキュリティ経営ガイドライン",
            "ガイドライン",
            "指示の実施",
        ),
        ("ISO/IEC 27001", "基準", "管理策の実装"),
    ];
    for index in 0..36 {
        let number = format!("R-{:03}", index + 1);
        let mut dice = Dice::of(&number);
        let company = dice
            .pick(&["HD", "JP1", "JP1", "JP2", "JP3", "US1"])
            .unwrap_or("HD");
        let Some((instrument, kind, requirement)) = dice.pick(&instruments) else {
            continue;
        };
        let planned_on = day(2026, 4, 10) + dice.below(340);
        // One requirement of Fictional Logistics is not met in time; the others come a little before their day.
        let met_on = if index == 17 {
            None
        } else {
            Some(planned_on - 3 - dice.below(20))
        };
        let is_applicable = if dice.percent(94) {
            "はい"
        } else {
            "いいえ"
        };
        sheet.row(&[
            &number,
            if index == 17 { "JP3" } else { company },
            instrument,
            &format!("第{}条", dice.below(40) + 1),
            kind,
            requirement,
            if index == 17 { "はい" } else { is_applicable },
            &iso(if index == 17 {
                day(2026, 8, 31)
            } else {
                planned_on
            }),
            "",
            &once_come(met_on, today),
        ]);
    }
    sheet.text()
}

/// Findings of regulators and auditors.
pub(super) fn findings(today: Day) -> String {
    let mut sheet = Sheet::new("指摘番号,対象会社,区分,指摘元,件名,指摘日,対応期限,完了日");
    let all = [
        (
            "F-01",
            "JP2",
            "監督官庁",
            "架空庁",
            "委託先管理の不備",
            day(2026, 2, 10),
            day(2026, 5, 31),
            Some(day(2026, 5, 20)),
        ),
        (
            "F-02",
            "JP1",
            "監督官庁",
            "架空庁",
            "特権IDの棚卸漏れ",
            day(2026, 5, 12),
            day(2026, 8, 31),
            Some(day(2026, 8, 28)),
        ),
        (
            "F-03",
            "HD",
            "監督官庁",
            "架空庁",
            "報告手順の遅れ",
            day(2026, 6, 4),
            day(2026, 9, 15),
            None,
        ),
        (
            "F-04",
            "US1",
            "監督官庁",
            "Fictional State",
            "breach notice template",
            day(2026, 7, 22),
            day(2026, 12, 31),
            None,
        ),
        (
            "F-05",
            "JP1",
            "内部監査",
            "監査部",
            "ログ保存期間",
            day(2026, 4, 20),
            day(2026, 7, 31),
            Some(day(2026, 7, 10)),
        ),
    ];
    for (number, company, origin, by, title, raised_on, deadline_on, closed_on) in all {
        if raised_on <= today {
            let closed = once_come(closed_on, today);
            sheet.row(&[
                number,
                company,
                origin,
                by,
                title,
                &iso(raised_on),
                &iso(deadline_on),
                &closed,
            ]);
        }
    }
    sheet.text()
}

/// The plan rates of the fiscal year.
pub(super) fn plan_rates(_: Day) -> String {
    let mut sheet = Sheet::new("fiscal_year_start_on,currency,rate,approved_on");
    for (currency, rate) in [("JPY", "1"), ("USD", "150"), ("SGD", "112.5")] {
        sheet.row(&["2026-04-01", currency, rate, "2026-03-19"]);
    }
    sheet.text()
}

/// The approved budgets of the fiscal year; amounts in each company's own currency.
pub(super) fn budgets(_: Day) -> String {
    let all = [
        ("HD", "JPY", "46000000", "540000000"),
        ("JP1", "JPY", "52000000", "700000000"),
        ("JP2", "JPY", "20000000", "310000000"),
        ("JP3", "JPY", "9000000", "160000000"),
        ("US1", "USD", "250000.00", "3400000.00"),
        ("SG1", "SGD", "60000.00", "900000.00"),
    ];
    let mut lines = Vec::new();
    for (unit, currency, security, other) in all {
        for (category, amount) in [("security", security), ("other_it", other)] {
            lines.push(json!({
                "id": format!("B26-{unit}-{category}"),
                "unit": unit,
                "year_start": "2026-04-01",
                "category": category,
                "cost": "service",
                "amount": amount,
                "currency": currency,
            }));
        }
    }
    format!("{:#}\n", json!({ "budget": "FY2026", "lines": lines }))
}

/// Assessments of group companies; Fictional Logistics has none yet.
pub(super) fn assessments(today: Day) -> String {
    let mut sheet = Sheet::new("評価番号,会社,会社区分,手法,版,評価日,点数");
    let all = [
        (
            "S-01",
            "JP1",
            "国内",
            "自己点検",
            "2.1",
            day(2026, 2, 13),
            "78.5",
        ),
        (
            "S-02",
            "JP2",
            "国内",
            "自己点検",
            "2.1",
            day(2026, 5, 29),
            "64",
        ),
        (
            "S-03",
            "US1",
            "海外",
            "実地監査",
            "1.0",
            day(2026, 7, 16),
            "71",
        ),
        (
            "S-04",
            "SG1",
            "海外",
            "自己点検",
            "2.1",
            day(2026, 9, 3),
            "52.5",
        ),
    ];
    for (number, company, kind, method, version, on, score) in all {
        if on <= today {
            sheet.row(&[number, company, kind, method, version, &iso(on), score]);
        }
    }
    sheet.text()
}

/// Exercises, one of them joint, one behind plan.
pub(super) fn exercises(today: Day) -> String {
    let mut sheet = Sheet::new("演習番号,参加会社,名称,参加人数,予定日,実施日");
    let all = [
        (
            "X-01",
            "JP1",
            "工場停止机上演習",
            "18",
            day(2026, 5, 20),
            Some(day(2026, 5, 20)),
        ),
        (
            "X-02",
            "JP2;JP3",
            "委託先事故合同演習",
            "31",
            day(2026, 7, 8),
            Some(day(2026, 7, 8)),
        ),
        (
            "X-03",
            "US1",
            "ransomware tabletop",
            "",
            day(2026, 9, 10),
            None,
        ),
        (
            "X-04",
            "JP1;JP2;US1;SG1",
            "グループ合同演習",
            "",
            day(2026, 11, 26),
            None,
        ),
    ];
    for (number, companies, title, count, planned_on, held_on) in all {
        let held = once_come(held_on, today);
        let count = if held.is_empty() { "" } else { count };
        sheet.row(&[number, companies, title, count, &iso(planned_on), &held]);
    }
    sheet.text()
}
