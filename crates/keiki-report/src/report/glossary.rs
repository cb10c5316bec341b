//! The words of a report.

use keiki_model::status::Status;
use keiki_model::text::{Language, Text};
use serde::Serialize;

use super::Standing;

/// A word with what it means.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// The word.
    pub term: String,
    /// The shape and colour, where it is a status.
    pub status: Option<Standing>,
    /// What it means.
    pub meaning: String,
}

pub(super) fn glossary(language: Language) -> Vec<Entry> {
    let entry = |(term, meaning): (Text, Text)| Entry {
        term: term.get(language).to_owned(),
        status: None,
        meaning: meaning.get(language).to_owned(),
    };
    let status = |status: Status| Entry {
        term: status.title().get(language).to_owned(),
        status: Some(Standing::of(status, language)),
        meaning: meaning(status).get(language).to_owned(),
    };
    Status::all()
        .map(status)
        .chain(words().into_iter().map(entry))
        .collect()
}

fn words() -> Vec<(Text, Text)> {
    let word = |ja: &str, en: &str, ja_means: &str, en_means: &str| {
        (Text::new(ja, en), Text::new(ja_means, en_means))
    };
    vec![
        word(
            "報告値",
            "as reported",
            "締めた版の数値。後から届いた証跡では変わらない。",
            "A figure of a closed revision; later evidence does not change it.",
        ),
        word(
            "訂正値",
            "as restated",
            "締め直した後の版の数値。報告値と並べて示す。",
            "A figure of a later closed revision, shown beside the one reported.",
        ),
        word(
            "現時点値",
            "not closed",
            "まだ締めていない、現時点で分かっている数値。",
            "What is known today of a period that nobody has closed.",
        ),
        word(
            "報告充足率",
            "coverage",
            "証跡を提出すべき組織のうち、提出済みの割合。",
            "The share of the org units that owe evidence which have sent it.",
        ),
        word(
            "報告集計値",
            "reported total",
            "明細ではなく、組織が合計だけを報告した数値。証憑と作成者を伴う。",
            "A total that an org unit sent in the place of rows, with who prepared it and the attachment.",
        ),
        word(
            "参考値",
            "reference value",
            "割合だけが伝わる過去の値など。示すが、合算しない。",
            "A percentage alone, such as from an old spreadsheet: shown, never added up.",
        ),
        word(
            "中央値・90パーセンタイル",
            "median, 90th percentile",
            "並べて真ん中、または9割が収まる値。平均は長い1件に引かれるため併記する。",
            "The middle value, and the one that nine in ten do not exceed; a mean follows a single long case.",
        ),
        word(
            "n",
            "n",
            "数値のもとになった記録の件数。",
            "The number of records behind a figure.",
        ),
    ]
}

fn meaning(status: Status) -> Text {
    match status {
        Status::Met => Text::new("目標を満たしている。", "The target is met."),
        Status::Near => Text::new(
            "目標に届かないが、許容幅に収まる。",
            "The target is missed by no more than the margin.",
        ),
        Status::Missed => Text::new("目標に届いていない。", "The target is missed."),
        Status::OnPace => Text::new(
            "期限前で、計画どおりに進んでいる。または、未完了の項目がすべて期限前である。",
            "The target is due later and the pace suffices, or all that is open is before its deadline.",
        ),
        Status::Behind => Text::new(
            "期限前で、計画より遅れている。",
            "The target is due later and the pace does not suffice.",
        ),
        Status::NotDue => Text::new(
            "まだ計画日を迎えた項目がない。または、収集頻度により証跡を求めない期間である。",
            "Nothing was planned by then, or by its cadence no evidence is asked for in the period.",
        ),
        Status::NoneOccurred => Text::new(
            "報告はあり、該当する事案がない。",
            "Evidence was sent, and nothing of the kind happened.",
        ),
        Status::NotApplicable => Text::new(
            "この組織には当てはまらない。",
            "It does not concern the org unit.",
        ),
        Status::NoTarget => Text::new("目標を定めていない。", "No target is set."),
        Status::NoData => Text::new(
            "提出すべき証跡が届いていない。ゼロではない。",
            "Evidence is owed and has not come in. It is not zero.",
        ),
        Status::Provisional => Text::new(
            "報告がそろわず、判定していない。",
            "Too few org units have reported for a judgement.",
        ),
        Status::TooFew => Text::new(
            "件数が少なく、判定していない。",
            "There are too few records for a judgement.",
        ),
        Status::Waived => Text::new(
            "目標に届かないが、期限付きで承認されている。",
            "The miss is approved for a time.",
        ),
    }
}
