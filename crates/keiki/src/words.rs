//! The words of definitions in the reader's languages: groups, units, directions and the like.

use keiki_model::dataset::DatasetKind;
use keiki_model::kpi::{CLASSES, Direction, Due, GROUPS, Indicator, MATURITIES, Tag, Unit, Worse};
use keiki_model::text::Text;

/// The title of a group; the word itself where it is unknown.
#[must_use]
pub fn group(code: &str) -> Text {
    title(&GROUPS, code)
}

/// The title of a maturity.
#[must_use]
pub fn maturity(code: &str) -> Text {
    title(&MATURITIES, code)
}

/// The level of maturity in a word, for a column that is headed so.
#[must_use]
pub fn level(code: &str) -> Text {
    match code {
        "low" => Text::new("低", "low"),
        "middle" => Text::new("中", "middle"),
        "high" => Text::new("高", "high"),
        other => Text::new(other, other),
    }
}

/// The title of a class.
#[must_use]
pub fn class(code: &str) -> Text {
    title(&CLASSES, code)
}

fn title(list: &[(&str, &str, &str)], code: &str) -> Text {
    let found = list.iter().find(|row| row.0 == code);
    found.map_or_else(|| Text::new(code, code), |row| Text::new(row.1, row.2))
}

/// The unit of an indicator.
#[must_use]
pub fn unit(unit: Unit) -> Text {
    match unit {
        Unit::Ratio => Text::new("比率", "ratio"),
        Unit::Count => Text::new("数", "count"),
        Unit::Hours => Text::new("時間", "hours"),
        Unit::Days => Text::new("日", "days"),
        Unit::PersonHours => Text::new("人時", "person-hours"),
        Unit::Score => Text::new("点", "score"),
        Unit::Currency => Text::new("金額", "amount"),
    }
}

/// Which way is better.
#[must_use]
pub fn direction(direction: Direction) -> Text {
    match direction {
        Direction::Higher => Text::new("高いほど良い", "higher is better"),
        Direction::Lower => Text::new("低いほど良い", "lower is better"),
        Direction::None => Text::new("高低の良否なし", "neither way is better"),
    }
}

/// When a target is due.
#[must_use]
pub fn due(due: Due) -> Text {
    match due {
        Due::Period => Text::new("対象期間末", "period's end"),
        Due::CycleEnd => Text::new("棚卸周期末", "stocktake cycle's end"),
        Due::FiscalYearEnd => Text::new("年度末", "fiscal year's end"),
        Due::Deadline => Text::new("各項目の期限", "each item's deadline"),
    }
}

/// What is held beside an indicator's formula, by the names of its measures.
#[must_use]
pub fn beside(indicator: &Indicator) -> Vec<Text> {
    let named = |name: &Option<String>, ja: &str, en: &str| {
        let name = name.as_deref()?;
        Some(Text::new(format!("{ja} {name}"), format!("{en} {name}")))
    };
    let all = [
        named(&indicator.pace, "計画の進み", "pace by"),
        named(&indicator.unmet, "0でなければ未達", "met only where 0:"),
        named(
            &indicator.pending,
            "期限前の未完了",
            "open before their deadlines:",
        ),
    ];
    all.into_iter().flatten().collect()
}

/// What an indicator speaks of. *Source*: the types of measures of NIST SP 800-55.
#[must_use]
pub fn tag(tag: Tag) -> Text {
    match tag {
        Tag::Implementation => Text::new("実施", "implementation"),
        Tag::Effectiveness => Text::new("有効性", "effectiveness"),
        Tag::Impact => Text::new("影響", "impact"),
    }
}

/// How a dataset's records live.
#[must_use]
pub fn dataset_kind(kind: DatasetKind) -> Text {
    match kind {
        DatasetKind::Register => Text::new("台帳", "register"),
        DatasetKind::Fact => Text::new("事象", "fact"),
        DatasetKind::Derived => Text::new("派生", "derived"),
    }
}

/// What a sample is, for indicators that are one.
#[must_use]
pub fn sample(indicator: &Indicator) -> Option<Text> {
    let least = indicator.minimum_n;
    indicator.is_sample.then(|| {
        Text::new(
            format!("標本(最少{least}件)"),
            format!("a sample (at least {least})"),
        )
    })
}

/// What a cell of the published table is about.
#[must_use]
pub fn seed_column(column: &str) -> Text {
    match column {
        "number" => Text::new("管理番号", "number"),
        "major_item" => Text::new("大項目", "major item"),
        "middle_item" => Text::new("中項目", "middle item"),
        "minor_item" => Text::new("小項目", "minor item"),
        "target" => Text::new("KPIの目安", "target"),
        "maturity" => Text::new("対象組織", "organisation it suits"),
        "class" => Text::new("分類", "class"),
        "formula" => Text::new("KPI算出方法", "formula"),
        "purpose" => Text::new("目的/期待する効果", "purpose"),
        "reference" => Text::new("参考情報", "reference"),
        "url" => Text::new("URL", "URL"),
        other => Text::new(other, other),
    }
}

/// Which way a counter-indicator must not move.
#[must_use]
pub fn worse(worse: Worse, direction: Direction) -> Text {
    keiki_report::report::must_not(worse, direction)
}
