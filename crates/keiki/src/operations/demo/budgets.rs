//! Budgets and what was spent of them, one export for each company; two of them in dollars.

use keiki_model::calendar::Day;

use super::sheet::{Sheet, day, iso};
use super::tables::{Row, YEARS, rows};

const TABLE: &str = include_str!("tables/budgets.csv");

/// Columns of the table: currency, the IT budget, its security part, the percentage of that which was spent, the first month
/// of the company's fiscal year.
const CURRENCY: usize = 1;
const ALL_IT: usize = 2;
const SECURITY: usize = 6;
const SPENT: usize = 10;
const FIRST_MONTH: usize = 14;

/// The last month of the story, until which a year's spending is shared out.
const LAST_SPENT: (i16, i64) = (2026, 9);

/// How the security budget divides into kinds of cost, in hundredths.
const COSTS: [(&str, i64); 5] = [
    ("人件費", 38),
    ("サービス", 27),
    ("保守", 18),
    ("購入", 13),
    ("研修", 4),
];

/// Each company's file and what is in it: what was spent by a day.
pub(super) fn files(today: Day) -> Vec<(String, String)> {
    let file = |row: Row| {
        let name = format!("evidence/budgets/{}.csv", row.text(0).to_lowercase());
        (name, company(row, today))
    };
    rows(TABLE).map(file).collect()
}

fn company(row: Row, today: Day) -> String {
    let mut sheet = Sheet::new("明細番号,会社,年度開始日,区分,計上日,予算区分,費目,金額,通貨");
    let (unit, currency) = (row.text(0), row.text(CURRENCY));
    let known = iso(today);
    for (at, year) in YEARS.into_iter().enumerate() {
        let all = hundredths(row.text(ALL_IT + at));
        let security = hundredths(row.text(SECURITY + at));
        if all == 0 {
            continue;
        }
        let first = row.number(FIRST_MONTH);
        let first = i8::try_from(first).unwrap_or(4);
        let start = iso(day(year, first, 1));
        let mut number = 0;
        let mut add = |kind: &str, on: &str, category: &str, cost: &str, amount: i64| {
            number += 1;
            if kind == "実績" && on > known.as_str() {
                return;
            }
            let id = format!("B{}-{unit}-{number:03}", year % 100);
            let money = format!("{}.{:02}", amount / 100, amount % 100);
            sheet.row(&[
                &id, unit, &start, kind, on, category, cost, &money, currency,
            ]);
        };
        let approved = iso(day(year, first, 1) - 4);
        let mut rest = security;
        for (cost, part) in COSTS {
            let amount = if cost == "研修" {
                rest
            } else {
                security / 100 * part
            };
            rest -= amount;
            add("予算", &approved, "セキュリティ", cost, amount);
        }
        add(
            "予算",
            &approved,
            "その他IT",
            "サービス",
            (all - security) / 2,
        );
        add(
            "予算",
            &approved,
            "その他IT",
            "購入",
            all - security - (all - security) / 2,
        );
        let (last_year, last_month) = LAST_SPENT;
        let months = if year == last_year {
            last_month + 1 - i64::from(first)
        } else {
            12
        };
        let spent = security / 100 * i64::from(row.number(SPENT + at));
        let mut left = spent;
        for month in 0..12 {
            let months_on = i16::try_from(month).unwrap_or(0) + i16::from(first) - 1;
            let number = i8::try_from(months_on % 12 + 1).unwrap_or(first);
            let in_year = year + months_on / 12;
            add(
                "月別計画",
                &iso(day(in_year, number, 1)),
                "セキュリティ",
                "その他",
                security / 12,
            );
            if month >= months {
                continue;
            }
            let amount = if month + 1 == months {
                left
            } else {
                spent / months
            };
            left -= amount;
            let (people, services) = (amount / 100 * 60, amount - amount / 100 * 60);
            add(
                "実績",
                &iso(day(in_year, number, 25)),
                "セキュリティ",
                "人件費",
                people,
            );
            add(
                "実績",
                &iso(day(in_year, number, 28)),
                "セキュリティ",
                "サービス",
                services,
            );
        }
    }
    sheet.text()
}

/// An amount in hundredths of its currency.
fn hundredths(amount: &str) -> i64 {
    let whole = amount.split('.').next().unwrap_or_default();
    whole.parse::<i64>().unwrap_or(0) * 100
}
