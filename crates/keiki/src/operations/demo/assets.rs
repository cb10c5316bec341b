//! The group's assets: the register, the declarations of Fictional Logistics, and what the network scanner saw.

use keiki_model::calendar::Day;
use serde_json::json;

use super::dice::Dice;
use super::sheet::{Sheet, day, iso, once_come, slashed};

/// Org units of the register with their number of assets.
const UNITS: [(&str, i32); 7] = [
    ("HD-IT", 14),
    ("HD-SEC", 6),
    ("JP1-IT", 12),
    ("JP1-FAC", 34),
    ("JP2", 26),
    ("US1", 24),
    ("SG1", 12),
];

/// The unit that joins the group later.
const JOINER: &str = "SG1";

/// Assets of Fictional Logistics.
const DECLARED_COUNT: i32 = 22;

/// The asset whose stocktake day is mistyped in September.
const MISTYPED: &str = "A-US1-007";

/// The assets that leave the register in July.
const SCRAPPED: [&str; 2] = ["A-JP1-FAC-003", "A-JP2-011"];

struct Asset {
    number: String,
    owner: String,
    owned_on: Option<Day>,
    inventoried_on: Option<Day>,
    is_declared: bool,
    kind: &'static str,
}

impl Asset {
    fn new(unit: &str, index: i32) -> Self {
        let number = format!("A-{unit}-{:03}", index + 1);
        let mut dice = Dice::of(&number);
        let is_owned = dice.percent(97);
        let joins = if unit == JOINER {
            day(2026, 7, 1)
        } else {
            day(2026, 4, 1)
        };
        let span = day(2026, 9, 28) - joins;
        let is_counted = dice.percent(95);
        Self {
            owner: format!("E{:04}", dice.below(9000) + 1000),
            owned_on: is_owned.then(|| day(2025, 4, 1) + dice.below(300)),
            inventoried_on: (is_counted && is_owned).then(|| joins + 5 + dice.below(span - 5)),
            is_declared: dice.percent(60),
            kind: ["ハードウェア", "ソフトウェア", "モバイル"]
                [usize::try_from((dice.below(100) - 78).max(0) / 12).unwrap_or(0)],
            number,
        }
    }
}

/// The register's full export on a day.
pub(super) fn register(today: Day) -> String {
    let mut sheet = Sheet::new(
        "資産番号,管理組織,区分,資産名,棚卸対象,管理責任者,責任者決定日,申告日,検出日,棚卸日,棚卸方法",
    );
    for (unit, count) in UNITS {
        if unit == JOINER && today < day(2026, 7, 1) {
            continue;
        }
        for index in 0..count {
            let asset = Asset::new(unit, index);
            if SCRAPPED.contains(&asset.number.as_str()) && today >= day(2026, 7, 1) {
                continue;
            }
            let counted = asset.inventoried_on.filter(|on| *on <= today);
            let mut counted_on = once_come(asset.inventoried_on, today);
            if asset.number == MISTYPED && today >= day(2026, 9, 1) {
                counted_on = "2026-09-31".into();
            }
            let way = match (counted, asset.is_declared) {
                (None, _) => "",
                (Some(_), true) => "申告",
                (Some(_), false) => "資産管理ツール",
            };
            sheet.row(&[
                &asset.number,
                unit,
                asset.kind,
                &format!("{}-{index:02}", name_of(unit)),
                "はい",
                if asset.owned_on.is_some() {
                    &asset.owner
                } else {
                    ""
                },
                &once_come(asset.owned_on, today),
                &once_come(counted.filter(|_| asset.is_declared), today),
                &once_come(counted.filter(|_| !asset.is_declared), today),
                &counted_on,
                way,
            ]);
        }
    }
    sheet.text()
}

fn name_of(unit: &str) -> &'static str {
    match unit {
        "JP1-FAC" => "生産設備端末",
        "US1" | "SG1" => "workstation",
        "HD-IT" | "JP1-IT" => "サーバ",
        _ => "業務端末",
    }
}

/// The declarations of Fictional Logistics on a day.
pub(super) fn declarations(today: Day) -> String {
    let mut sheet = Sheet::new("番号,機器名,責任者,責任者決定日,申告日,棚卸日");
    for index in 0..DECLARED_COUNT {
        let number = format!("L-{:03}", index + 1);
        let mut dice = Dice::of(&number);
        let owned_on = day(2025, 6, 1) + dice.below(200);
        let counted_on = day(2026, 5, 10) + dice.below(190);
        let counted = if counted_on <= today {
            slashed(counted_on)
        } else {
            String::new()
        };
        let owner = format!("E{:04}", dice.below(9000) + 1000);
        sheet.row(&[
            &number,
            "ハンディ端末",
            &owner,
            &slashed(owned_on),
            &counted,
            &counted,
        ]);
    }
    sheet.text()
}

/// The devices that the network scanner had seen by a day and that nobody has taken on.
pub(super) fn discovered(today: Day) -> String {
    let seen = [
        ("02-00-5e-10-00-01", "JP2", "unknown-nas", day(2026, 5, 18)),
        (
            "02-00-5e-10-00-02",
            "JP1-FAC",
            "raspberrypi",
            day(2026, 6, 9),
        ),
        ("02-00-5e-10-00-03", "JP2", "android-7f21", day(2026, 8, 3)),
        (
            "02-00-5e-10-00-04",
            "HD-IT",
            "test-server-old",
            day(2026, 8, 20),
        ),
        (
            "02-00-5e-10-00-05",
            "JP1-FAC",
            "ip-camera",
            day(2026, 9, 14),
        ),
    ];
    let first = ("02-00-5e-10-00-00", "HD-IT", "printer-3f", day(2026, 4, 8));
    let known = std::iter::once(first)
        .chain(seen)
        .filter(|(_, _, _, on)| *on <= today);
    let line = |(mac, unit, hostname, on): (&str, &str, &str, Day)| {
        json!({ "mac": mac, "unit": unit, "hostname": hostname, "first_seen": iso(on) }).to_string()
            + "\n"
    };
    known.map(line).collect()
}
