//! The program's own words on screen, each in Japanese and English.

use std::collections::BTreeSet;

use keiki_model::evidence::{OpenEnd, Wait};
use keiki_model::measurement::Headcount;
use keiki_model::text::{Language, Text};
use keiki_report::format;
use keiki_store::{Merge, Separation};

use crate::operations::person::Erased;

/// A fixed phrase in both languages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Phrase {
    ja: &'static str,
    en: &'static str,
}

impl Phrase {
    /// The phrase in a language.
    #[must_use]
    pub fn get(self, language: Language) -> &'static str {
        match language {
            Language::Ja => self.ja,
            Language::En => self.en,
        }
    }
}

const fn phrase(ja: &'static str, en: &'static str) -> Phrase {
    Phrase { ja, en }
}

/// Column: the number of a KPI.
pub const NUMBER: Phrase = phrase("No.", "No.");
/// Column: a dotted number.
pub const CODE: Phrase = phrase("番号", "Code");
/// Column: a name.
pub const NAME: Phrase = phrase("名称", "Name");
/// Column: the maturity that a KPI suits.
pub const MATURITY: Phrase = phrase("成熟度", "Maturity");
/// Column: the class of a KPI.
pub const CLASS: Phrase = phrase("分類", "Class");
/// Column: how often a KPI is measured.
pub const FREQUENCY: Phrase = phrase("頻度", "Frequency");
/// Column: a source.
pub const SOURCE: Phrase = phrase("取得元", "Source");
/// Column: a dataset.
pub const DATASET: Phrase = phrase("データ種別", "Dataset");
/// Column: the form of a source.
pub const KIND: Phrase = phrase("形式", "Kind");
/// Column: where a source's files are.
pub const PLACE: Phrase = phrase("場所", "Place");
/// Column: the day that a reading speaks for.
pub const AS_OF: Phrase = phrase("基準日", "As of");
/// Column: when something became known.
pub const KNOWN_AT: Phrase = phrase("認識時点", "Known at");
/// Column: a commit of the journal.
pub const COMMIT: Phrase = phrase("記帳番号", "Commit");
/// Column: what became of a row.
pub const OUTCOME: Phrase = phrase("結果", "Outcome");
/// Column: why a row was rejected.
pub const REASON: Phrase = phrase("理由", "Reason");
/// Column: a record.
pub const RECORD: Phrase = phrase("レコード", "Record");
/// Column: a base measure.
pub const MEASURE: Phrase = phrase("基本測定量", "Measure");
/// Column: what a record adds.
pub const AMOUNT: Phrase = phrase("計上", "Adds");
/// Column: what a record added to the figure compared with.
pub const BEFORE: Phrase = phrase("比較対象", "Before");
/// Column: what a record adds to the figure asked for.
pub const AFTER: Phrase = phrase("今回", "After");
/// Column: an org unit.
pub const ORG_UNIT: Phrase = phrase("組織", "Org unit");
/// Column: a total that was reported.
pub const REPORTED: Phrase = phrase("報告集計値", "Reported");
/// Column: who made up a total.
pub const PREPARED_BY: Phrase = phrase("作成者", "Prepared by");
/// Column: the document that backs a total.
pub const ATTACHMENT: Phrase = phrase("証憑", "Attachment");
/// Column: the columns of a record.
pub const VALUES: Phrase = phrase("内容", "Values");
/// Column: the first day on which a record is so.
pub const EFFECTIVE_ON: Phrase = phrase("発効日", "Effective");
/// Column: when a source could not be read.
pub const FAILED_AT: Phrase = phrase("失敗日時", "Failed at");
/// Column: when a source is read next.
pub const NEXT_DUE: Phrase = phrase("次回予定", "Next due");
/// Nothing is due by its schedule.
pub const NOTHING_DUE: Phrase = phrase("予定の時刻を過ぎた取得元はありません", "no source is due");
/// Nothing of a trial is kept.
pub const NOTHING_JOURNALLED: Phrase = phrase(
    "試し読みです。何も記帳していません",
    "this was a trial; nothing was journalled",
);
/// A trial found no row.
pub const NO_ROW: Phrase = phrase("行がありません", "there are no rows");
/// Heading: rows that would be rejected.
pub const WOULD_REJECT: Phrase = phrase("取込エラーになる行", "rows that would be rejected");
/// Counts: rows accepted.
pub const ACCEPTED: Phrase = phrase("受理", "accepted");
/// Counts: records changed.
pub const CHANGED: Phrase = phrase("変更", "changed");
/// Counts: rows that said nothing new.
pub const UNCHANGED: Phrase = phrase("変更なし", "unchanged");
/// Counts: records retired.
pub const RETIRED: Phrase = phrase("終了", "retired");
/// Counts: rows rejected.
pub const REJECTED: Phrase = phrase("取込エラー行", "rejected");
/// Counts: values left unknown.
pub const LEFT_UNKNOWN: Phrase = phrase("不明のまま", "left unknown");
/// Counts: days of approved plans that were kept.
pub const KEPT: Phrase = phrase("基準計画を維持", "plan kept");
/// There is no approved plan.
pub const NO_PLANS: Phrase = phrase(
    "承認済みの基準計画はありません。programme.toml の [[plans]] に記入します",
    "no plan is approved; [[plans]] in programme.toml says which are",
);
/// Label: target.
pub const TARGET: Phrase = phrase("目標", "target");
/// What the marks of the table of judgements mean.
pub const JUDGEMENT_LEGEND: Phrase = phrase(
    "● 改善  ▼ 悪化  ◆ 変化(良否なし)  ≈ 通常の変動の範囲内  ? 履歴不足。予測の括弧内は95%区間。値は keiki explain で文章で確認できます",
    "● better  ▼ worse  ◆ moved, neither way is better  ≈ no more than noise  ? too little history; forecasts with their 95 % interval; keiki explain says it in sentences",
);
/// Heading: how good forecasts would have been.
pub const BACK_TEST: Phrase = phrase(
    "予測の検証(各時点までの値だけで1〜6期間先を予測し、実績と比べたもの)",
    "back-test: each value forecast from those before it, one to six periods ahead, and held against what came",
);
/// No forecast could be tried.
pub const NO_BACK_TEST: Phrase = phrase(
    "予測を検証できるだけの履歴(9期間以上)を持つ指標がありません",
    "no figure has the history that a back-test needs, nine periods",
);
/// Heading: the other figures of a KPI.
pub const OTHER_FIGURES: Phrase = phrase("同じKPIの他の数値", "Other figures of the KPI");
/// Column: an indicator.
pub const INDICATOR: Phrase = phrase("指標", "Indicator");
/// Column: a value.
pub const VALUE: Phrase = phrase("値", "Value");
/// Heading: what must not get worse with a KPI.
pub const COUNTERS: Phrase = phrase(
    "併せて悪化していないかを見る指標",
    "What must not get worse with it",
);
/// Heading: items of published frameworks that a KPI serves.
pub const FRAMEWORKS: Phrase = phrase("対応する枠組みの項目", "Frameworks that it serves");
/// Why a figure is withheld.
pub const WITHHELD_LEGEND: Phrase = phrase(
    "*** 少人数の保護のため秘匿(keiki.toml の [people] で設定)",
    "*** withheld to protect few people; [people] in keiki.toml sets from how many on figures are shown",
);
/// Why a figure stays as it was reported.
pub const HELD_LEGEND: Phrase = phrase(
    "‡ その後に判明した訂正が少人数に関わるため、報告時の値を据え置き(keiki.toml の [people] で設定)",
    "‡ as it was reported: what became known since is of few people; [people] in keiki.toml sets from how many on it is shown",
);
/// Why the records that moved a figure are not listed.
pub const RECORDS_WITHHELD: Phrase = phrase(
    "少人数のレコードに関わるため、動かしたレコードは表示しません",
    "the records that moved it are of few people, or might be, and are not listed",
);
/// Label: coverage.
pub const COVERAGE: Phrase = phrase("報告充足率", "coverage");
/// Label: parts of a figure.
pub const PARTS: Phrase = phrase("内訳", "Parts");
/// Heading: what a KPI is for.
pub const PURPOSE: Phrase = phrase("目的", "Purpose");
/// Heading: how evidence is collected.
pub const EVIDENCE: Phrase = phrase("証跡の集め方", "Evidence");
/// Heading: how the published row is read.
pub const READING: Phrase = phrase("原表の読み方", "How the table is read");
/// Heading: indicators.
pub const INDICATORS: Phrase = phrase("指標", "Indicators");
/// Heading: base measures.
pub const MEASURES: Phrase = phrase("基本測定量", "Base measures");
/// Heading: datasets.
pub const DATASETS: Phrase = phrase("データ種別", "Datasets");
/// Label: what identifies a record.
pub const KEY: Phrase = phrase("キー", "key");
/// Label: when a target is due.
pub const DUE: Phrase = phrase("期限", "due");
/// Heading: parameters.
pub const PARAMETERS: Phrase = phrase("パラメータ", "Parameters");
/// Heading: the row of the published table.
pub const SEED: Phrase = phrase("原表の記載", "As printed in the table");
/// Heading: published sources.
pub const REFERENCES: Phrase = phrase("参考資料", "References");
/// Marks a companion.
pub const COMPANION: Phrase = phrase("補助指標", "companion");
/// Marks a reference that is no longer in force.
pub const LAPSED: Phrase = phrase("失効", "lapsed");
/// Label: the default of a parameter.
pub const DEFAULT: Phrase = phrase("既定値", "default");
/// Legend: a star beside a value.
pub const REPORTED_LEGEND: Phrase = phrase(
    "* 集計値として報告された数値を含む",
    "* rests in part on totals that were reported, not on rows",
);
/// What the steps of a trend are.
pub const TREND_LEGEND: Phrase = phrase(
    "推移: 締めた期間は報告値、ほかは現時点値。括弧内は参考値、· は値なし",
    "trend: as reported where a period was closed, else as known now; (in parentheses) reference values; · no value",
);
/// Column: the command that confirms.
pub const CONFIRM: Phrase = phrase("確認のコマンド", "To confirm");
/// No retirement waits.
pub const NOTHING_WAITS: Phrase = phrase(
    "確認待ちの終了はありません",
    "no retirement waits for confirmation",
);

/// Says how retirements that wait are confirmed.
#[must_use]
pub fn confirm_hint(command: &str) -> Text {
    Text::new(
        format!(
            "内容を確かめ、正しければ --confirm-missing を付けて再度取り込んでください: {command}"
        ),
        format!(
            "check the export; if it is complete, ingest it again with --confirm-missing: {command}"
        ),
    )
}

/// Note: a reading that was read before.
pub const REPLAY: Phrase = phrase(
    "前回と同じ内容のため、追記はありません",
    "the same reading as the last one; nothing was added",
);
/// Note: nothing was rejected.
pub const NO_REJECTS: Phrase = phrase("取込エラー行はありません", "no row was rejected");
/// Note: no row to show.
pub const SAME_FILES: Phrase = phrase("違いはありません", "no difference");
/// Nothing fits a query.
pub const NO_ROWS: Phrase = phrase("該当する行はありません", "no rows");
/// Note: nothing can be measured yet.
pub const NOTHING_MEASURED: Phrase = phrase(
    "認識時点までに始まった対象期間がないため、測定結果はありません",
    "no period had begun at the instant of knowledge; there is nothing to measure",
);
/// Note: the books balance.
pub const BALANCED: Phrase = phrase("証跡台帳に矛盾はありません", "the books balance");
/// Never read yet.
pub const NEVER: Phrase = phrase("未取込", "never");
/// Heading of a comparison.
pub const COMPARED: Phrase = phrase("比較", "Compared with");
/// Heading: totals of a figure.
pub const REPORTED_TOTALS: Phrase = phrase(
    "明細に代えて報告された集計値",
    "Totals that were reported in the place of rows",
);
/// Heading: totals that differ between two figures.
pub const CHANGED_TOTALS: Phrase = phrase("異なる報告集計値", "Reported totals that differ");
/// Note: two figures rest on the same records.
pub const NO_DIFFERENCE: Phrase = phrase(
    "計上されたレコードに違いはありません",
    "no record adds differently to the two figures",
);
/// Next steps.
pub const NEXT: Phrase = phrase("次に試すこと", "Try next");

/// Says how much of a part comes from records and how much was reported as a total.
#[must_use]
pub fn with_reported(whole: &str, of_rows: &str, reported: &str) -> Text {
    Text::new(
        format!("{whole}(明細 {of_rows} + 報告集計値 {reported})"),
        format!("{whole} (rows {of_rows} + reported {reported})"),
    )
}

/// Rejects that a screen has no room for.
#[must_use]
pub fn rejects_not_shown(count: usize) -> Text {
    Text::new(
        format!("ほかに{count}件あります(--format csv ですべて出力できます)"),
        format!("{count} more are not shown; --format csv lists them all"),
    )
}

/// Says how many rows more there are, and how to see them.
#[must_use]
pub fn more_rejects(count: usize, source: &str) -> Text {
    Text::new(
        format!("ほか{count}件: keiki rejects --source {source}"),
        format!("{count} more: keiki rejects --source {source}"),
    )
}

/// Says how many days of approved plans were kept although the rows give others, and how to see them.
#[must_use]
pub fn kept(count: usize, source: &str) -> Text {
    Text::new(
        format!("承認済みの基準計画の日付を{count}件維持しました: keiki rejects --source {source}"),
        format!(
            "{count} {} of approved plans kept as approved: keiki rejects --source {source}",
            if count == 1 { "date" } else { "dates" }
        ),
    )
}

/// Note: where a person who was erased may come from again.
pub const ERASED_AT_THE_SOURCE: Phrase = phrase(
    "evidence/ のファイルと取得元のシステムはそのままです。そこに本人が残っていると、次の取込で再び取り込まれます",
    "the files below evidence/ and the systems behind them are as they were; what still names the person there comes in again",
);

/// Says what erasing a person did.
#[must_use]
pub fn erased(done: &Erased) -> Text {
    let Erased {
        token,
        files,
        records,
    } = done;
    Text::new(
        format!(
            "消去しました: {token} が誰かは分からなくなりました(生データ{files}ファイルを除去、レコード{records}件はトークンのまま残り、数値は変わりません)"
        ),
        format!(
            "erased: nobody can tell any more for whom {token} stands ({files} raw files taken away; {records} records keep the token, and no figure changes)"
        ),
    )
}

/// Says when a reading was refused, and whether a later one came in its place.
#[must_use]
pub fn refused(on: &str, mended_by: Option<i64>) -> Text {
    match mended_by {
        Some(seq) => Text::new(
            format!("読み取り不能({on}、コミット{seq}で取り込み直し済み)"),
            format!("refused on {on}, mended by commit {seq}"),
        ),
        None => Text::new(
            format!("読み取り不能({on}、未解消)"),
            format!("refused on {on}, not mended yet"),
        ),
    }
}

/// Says for how long a reading of a dataset speaks.
#[must_use]
pub fn fresh_for(days: i32) -> Text {
    Text::new(
        format!("基準日から{days}日間有効"),
        format!("a reading speaks for {days} days"),
    )
}

/// Says that retirements wait.
#[must_use]
pub fn held(count: u64) -> Text {
    Text::new(
        format!("全件取込に含まれない{count}件の終了を保留しました"),
        match count {
            1 => "1 record is missing from the full export; its retirement waits".to_owned(),
            _ => {
                format!("{count} records are missing from the full export; their retirement waits")
            }
        },
    )
}

/// Says why retirements wait.
#[must_use]
pub fn wait(why: &Wait) -> Text {
    match why {
        Wait::OpenEnd(OpenEnd { file, row }) => Text::new(
            format!(
                "{file}:{row} 最終行が改行で終わっていません。ファイルが途中で切れている可能性があります"
            ),
            format!("{file}:{row} the last line does not end; the file may be cut off"),
        ),
        Wait::UnreadableKey => Text::new(
            "キーを読み取れない行があり、どのレコードの行か分かりません",
            "the key of a row is unreadable, so that nobody knows which record it is about",
        ),
        Wait::TooMany { limit_percent } => Text::new(
            format!("この取得元のレコードの{limit_percent}%を超えています"),
            format!("that is more than {limit_percent} % of the source's records"),
        ),
    }
}

/// Says why values are unknown.
#[must_use]
pub fn unknown_because(count: usize, reason: &str) -> Text {
    Text::new(
        format!("不明とした値 {count}件: {reason}"),
        format!("{count} left unknown: {reason}"),
    )
}

/// Says where all values that were left unknown are listed.
#[must_use]
pub fn all_unknown(source: &str) -> Text {
    Text::new(
        format!("不明とした値の一覧: keiki rejects --source {source}"),
        format!("listed with their places by: keiki rejects --source {source}"),
    )
}

/// Says which org units' rows cannot be said to cover them.
#[must_use]
pub fn uncovered(units: &str) -> Text {
    Text::new(
        format!("報告済みとはみなせない組織があります: {units}(下位組織が未報告)"),
        format!("not counted as reported: {units} (units below have not reported)"),
    )
}

/// Says which org units of rows the tree does not know.
#[must_use]
pub fn unassigned(units: &str) -> Text {
    Text::new(
        format!(
            "組織図にない組織があります: {units}(「組織不明」に計上し、org.csv に加えれば移ります。別名は aliases.csv に記入します。一覧: keiki sources --unassigned)"
        ),
        format!(
            "not in org.csv: {units} (counted as Unassigned until org.csv has them, or aliases.csv says what they stand for; list: keiki sources --unassigned)"
        ),
    )
}

/// Says what a sound workspace holds.
#[must_use]
pub fn contents(
    org_units: usize,
    hierarchies: usize,
    sources: usize,
    datasets: usize,
    kpis: usize,
) -> Text {
    let (further_ja, further_en) = if hierarchies == 0 {
        (String::new(), String::new())
    } else {
        (
            format!("、階層{hierarchies}"),
            format!(", {hierarchies} hierarchies"),
        )
    };
    Text::new(
        format!(
            "問題はありません: 組織{org_units}{further_ja}、取得元{sources}、データ種別{datasets}、KPI {kpis}"
        ),
        format!(
            "all is sound: {org_units} org units{further_en}, {sources} sources, {datasets} datasets, {kpis} KPIs"
        ),
    )
}

/// Says how many mappings were held against a file.
#[must_use]
pub fn sampled(sources: usize) -> Text {
    Text::new(
        format!("証跡ファイルの項目とも照合した取得元: {sources}"),
        format!("mappings held against a file that is there: {sources}"),
    )
}

/// Column: the last day for which evidence speaks.
pub const LAST_EVIDENCE: Phrase = phrase("証跡の最終日", "Evidence until");
/// Column: the last day on which evidence is fresh.
pub const FRESH_UNTIL: Phrase = phrase("有効期限", "Fresh until");
/// Column: whether evidence is there in time.
pub const STATE: Phrase = phrase("状態", "State");
/// Column: how often evidence is asked for.
pub const CADENCE: Phrase = phrase("頻度", "Cadence");
/// State: evidence is there in time.
pub const FRESH: Phrase = phrase("期限内", "fresh");
/// State: evidence is too old.
pub const OVERDUE: Phrase = phrase("期限超過", "overdue");
/// Column: KPIs that have no data.
pub const WITHOUT_DATA: Phrase = phrase("データなしとなるKPI", "KPIs without data");
/// Nothing is overdue.
pub const NOTHING_OVERDUE: Phrase =
    phrase("期限を過ぎた証跡はありません", "no evidence is overdue");

/// Nothing is to be said of identity.
pub const NO_IDENTITY: Phrase = phrase(
    "統合されたレコードも、取得元の間の相違もありません",
    "no record was found to be another, and no sources differ",
);
/// Column: what was found.
pub const FINDING: Phrase = phrase("区分", "Finding");
/// Column: the particulars.
pub const DETAIL: Phrase = phrase("詳細", "Detail");

/// Says that a merge was taken back.
#[must_use]
pub fn separated(separation: &Separation) -> Text {
    let Separation { record, from, .. } = separation;
    Text::new(
        format!("{record} を {from} から分離しました。それまでに認識していた値は変わりません"),
        format!("{record} is a record of its own again, not {from}; what was known before stays"),
    )
}

/// Says that two records were made one.
#[must_use]
pub fn joined(merge: &Merge) -> Text {
    let Merge { absorbed, into, .. } = merge;
    Text::new(
        format!("{absorbed} を {into} に統合しました。それまでに認識していた値は変わりません"),
        format!("{absorbed} is {into} now; what was known before stays"),
    )
}

/// Says how many records were found to be others.
#[must_use]
pub fn merged(count: usize) -> Text {
    Text::new(
        format!(
            "{count}件のレコードが既存のレコードと同一と判明し、統合しました(一覧: keiki identity)"
        ),
        format!(
            "{count} records were found to be others and became one with them (list: keiki identity)"
        ),
    )
}

/// No text stands in the place of an org unit without being one.
pub const NO_UNASSIGNED: Phrase = phrase(
    "組織図にない組織を指す証跡はありません",
    "all evidence names org units that org.csv knows",
);
/// Column: a text in the place of an org unit.
pub const TEXT: Phrase = phrase("証跡の記載", "Text");
/// Column: how many records.
pub const RECORDS: Phrase = phrase("件数", "Records");
/// Column: what an alias has a text stand for.
pub const STANDS_FOR: Phrase = phrase("次回取込で移る先", "Next reading");
/// Column: the nearest org unit.
pub const NEAREST: Phrase = phrase("近い組織", "Nearest");

/// Says how many problems there are.
#[must_use]
pub fn problems(count: usize) -> Text {
    Text::new(
        format!("問題が{count}件あります"),
        format!("{count} problems"),
    )
}

/// Says how many items keep a target from being met.
#[must_use]
pub fn unmet(count: &str) -> Text {
    Text::new(
        format!("達成を妨げる未了 {count}件"),
        format!("{count} left undone, so that the target is not met"),
    )
}

/// Says for how many people those org units stand that have reported.
#[must_use]
pub fn people_covered(people: Headcount) -> Text {
    let count = |number: i64| format::count(i128::from(number));
    let (covered, expected) = (count(people.covered), count(people.expected));
    Text::new(
        format!("(人員では{covered}/{expected})"),
        format!(" ({covered} of {expected} people)"),
    )
}

/// Says how many items are left undone, where there is no target that they could keep from being met.
#[must_use]
pub fn undone(count: &str) -> Text {
    Text::new(format!("未了 {count}件"), format!("{count} left undone"))
}

/// Names the files of a reading, the first of them where there are several.
#[must_use]
pub fn files(names: &[String]) -> Text {
    match names {
        [] => Text::default(),
        [one] => Text::new(one, one),
        [first, rest @ ..] => Text::new(
            format!("{first} ほか{}ファイル", rest.len()),
            format!("{first} and {} more", rest.len()),
        ),
    }
}

/// Why a source could not be read, and how often.
#[must_use]
pub fn failed(source: &str, failures: u32, reason: &Text) -> Text {
    Text::new(
        format!("{source}: {failures}回続けて失敗: {}", reason.ja),
        format!(
            "{source}: failed {}: {}",
            if failures == 1 {
                "once".to_owned()
            } else {
                format!("{failures} times in a row")
            },
            reason.en
        ),
    )
}

/// How much evidence is late, and the KPIs that have no data because of it.
#[must_use]
pub fn late(late: usize, owed: usize, without_data: &BTreeSet<u32>) -> Text {
    let numbers: Vec<String> = without_data.iter().map(u32::to_string).collect();
    let numbers = numbers.join(" ");
    let command = "keiki sources --coverage --overdue";
    let (ja, en) = if numbers.is_empty() {
        (String::new(), String::new())
    } else {
        (
            format!("。データなしとなるKPI: {numbers}"),
            format!("; KPIs without data: {numbers}"),
        )
    };
    Text::new(
        format!(
            "期限超過または未提出の証跡: {owed}件中{late}件{ja}。一覧は {command} で確認できます"
        ),
        format!(
            "{late} of {owed} pieces of evidence that org units owe are overdue or never came{en}; `{command}` lists them"
        ),
    )
}

/// What a trial found.
#[must_use]
pub fn tried(accepted: usize, rejected: usize, shown: usize) -> Text {
    Text::new(
        format!("受理される行 {accepted}(うち {shown} 行を表示)、取込エラーになる行 {rejected}"),
        format!("{accepted} rows would be accepted ({shown} shown), {rejected} rejected"),
    )
}

/// Says that records are not listed, since they are of few people.
#[must_use]
pub fn records_withheld(count: usize) -> Text {
    Text::new(
        format!("少人数の保護のため、{count}件のレコードを表示していません"),
        format!("{count} records are not listed, to protect few people"),
    )
}
