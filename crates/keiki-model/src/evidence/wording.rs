//! Reasons in words.

use super::Reason;
use crate::dataset::Dataset;
use crate::text::Text;

impl Reason {
    /// The reason in words, with what is known of how to mend it. Columns go by their names in data.
    #[must_use]
    pub fn message(&self) -> Text {
        self.message_in(None)
    }

    /// The same to whoever keeps a dataset's evidence: columns go by their titles, each with its name in data behind it.
    #[must_use]
    pub fn message_in(&self, dataset: Option<&Dataset>) -> Text {
        let said = self.said_in(dataset);
        match self {
            Self::WrongType { why: Some(why), .. } => Text::new(
                format!("{}({})", said.ja, why.ja),
                format!("{}: {}", said.en, why.en),
            ),
            _ => said,
        }
    }

    /// How to mend it, where that is not plain.
    #[must_use]
    pub fn hint(&self) -> Option<Text> {
        Some(match self {
            Self::WrongType { why: Some(why), .. } => why.as_ref().clone(),
            Self::WrongType { expected, .. } => Text::new(
                format!("{expected}型の値に直すか、[format] に書き方を指定してください"),
                format!("write a value of {expected}, or state in [format] how it is written"),
            ),
            Self::MissingValue { column } => Text::new(
                format!("出力元で値を補うか、取得元の [columns] で {column} の値を与えてください"),
                format!(
                    "fill it in where the evidence is from, or give `{column}` a value in the source's [columns]"
                ),
            ),
            Self::NotListed { .. } => Text::new(
                "取得元の [columns] で、選択肢の値に置き換えてください(case … when … then …)",
                "map it to a value of the list in the source's [columns] (case … when … then …)",
            ),
            Self::DuplicateKey { .. } => Text::new(
                "どちらか一方だけを送ってください。時点の異なる行であれば effective_on を対応付けてください",
                "send one of the two; if they hold from different days, map effective_on",
            ),
            Self::RowShape { .. } => Text::new(
                "行が途中で切れているか、値の中に区切り文字や改行があります。値を引用符で囲んで出力し直してください",
                "the row is cut off, or a separator or line break stands in a value; export it again, with values in quotes",
            ),
            Self::Unreadable { .. } => Text::new(
                "引用符と文字コードを確かめ、出力し直してください",
                "check quotation marks and encoding, and export the row again",
            ),
            Self::Expression { column, .. } => Text::new(
                format!("取得元の [columns] の {column} の式か、元の値を直してください"),
                format!(
                    "correct the expression of `{column}` in the source's [columns], or the value"
                ),
            ),
            Self::OutsideScope { .. } => Text::new(
                "取得元の [scope] を広げるか、出力から行を除いてください",
                "widen [scope] of the source, or leave the row out of the export",
            ),
            Self::RuleBroken { .. }
            | Self::KnowledgeTime { .. }
            | Self::NotStated { .. }
            | Self::PlanFrozen { .. } => return None,
        })
    }

    /// What is wrong alone, with columns as in `message_in`.
    #[must_use]
    pub fn said_in(&self, dataset: Option<&Dataset>) -> Text {
        let called = |column: &str| called(column, dataset);
        match self {
            Self::MissingValue { column } => Text::new(
                format!("{}は必須ですが、空です", called(column).ja),
                format!("{} is required, found nothing", called(column).en),
            ),
            Self::WrongType {
                column,
                expected,
                found,
                ..
            } => Text::new(
                format!(
                    "{}は{expected}型の値が必要ですが、「{found}」が入っています",
                    called(column).ja
                ),
                format!(
                    "{} should be {expected}, found `{found}`",
                    called(column).en
                ),
            ),
            Self::NotListed {
                column,
                found,
                expected,
            } => Text::new(
                format!(
                    "{}の値「{found}」は選択肢にありません(選択肢: {expected})",
                    called(column).ja
                ),
                format!(
                    "{} should be one of {expected}, found `{found}`",
                    called(column).en
                ),
            ),
            Self::RuleBroken { ja, en, .. } => Text::new(ja, en),
            // The words were chosen where the row was read; they name the column where they speak of it.
            Self::NotStated { column, ja, en } => {
                let (plain, called) = (called_in_data(column), called(column));
                Text::new(
                    ja.replace(&plain.ja, &called.ja),
                    en.replace(&plain.en, &called.en),
                )
            }
            Self::DuplicateKey { key, first_row } => Text::new(
                format!("キー「{key}」が{first_row}行目と重複し、値が異なります"),
                format!("key `{key}` was already given in row {first_row} with other values"),
            ),
            Self::RowShape { expected, found } => Text::new(
                format!("列数が見出しと一致しません(見出し{expected}列、この行{found}列)"),
                format!("the row should have {expected} fields like the header, found {found}"),
            ),
            Self::Unreadable { detail } => Text::new(
                format!("行を読み取れません({})", detail.ja),
                format!("unreadable row: {}", detail.en),
            ),
            Self::Expression { column, detail } => Text::new(
                format!("{}の式を計算できません({detail})", called(column).ja),
                format!("{} cannot be computed: {detail}", called(column).en),
            ),
            Self::KnowledgeTime { found, limit } => Text::new(
                format!("認識時点「{found}」が許される範囲の外です(基準: {limit})"),
                format!("time of knowledge `{found}` is out of order; the limit is {limit}"),
            ),
            Self::OutsideScope { found } => Text::new(
                format!("取得元が宣言した範囲の外の行です({found})"),
                format!("the row lies outside the source's stated scope: {found}"),
            ),
            Self::PlanFrozen {
                column,
                fiscal_year,
                found,
                kept,
                revision,
            } => frozen(
                &called(column),
                fiscal_year,
                (found.as_deref(), kept.as_deref()),
                &called(revision),
            ),
        }
    }
}

/// How words speak of a column: by its title with the name in data behind it, where the dataset is known and has the column.
fn called(column: &str, dataset: Option<&Dataset>) -> Text {
    let title = dataset.and_then(|dataset| dataset.column(column));
    title.map_or_else(
        || called_in_data(column),
        |one| {
            Text::new(
                format!("「{}」({column})", one.title.ja),
                format!("{} (`{column}`)", one.title.en),
            )
        },
    )
}

fn called_in_data(column: &str) -> Text {
    Text::new(format!("「{column}」"), format!("`{column}`"))
}

/// What became of a day that an approved plan does not take.
fn frozen(
    column: &Text,
    fiscal_year: &str,
    (found, kept): (Option<&str>, Option<&str>),
    revision: &Text,
) -> Text {
    let (column_ja, revision_ja) = (&column.ja, &revision.ja);
    let (column_en, revision_en) = (&column.en, &revision.en);
    match (found, kept) {
        (Some(found), Some(kept)) => Text::new(
            format!(
                "{fiscal_year}の基準計画は承認済みのため、{column_ja}は{kept}のままとします。{found}は改訂であり、{revision_ja}が空欄の行ではそこに記入します"
            ),
            format!(
                "the plan of {fiscal_year} is approved: {column_en} stays {kept}; {found} is a revision and goes to {revision_en} unless the row gives one"
            ),
        ),
        (Some(found), None) => Text::new(
            format!(
                "{fiscal_year}の基準計画は承認済みで、この項目は含まれていません。{column_ja}は空欄とします。{found}は改訂であり、{revision_ja}が空欄の行ではそこに記入します"
            ),
            format!(
                "the plan of {fiscal_year} is approved and does not hold this item: {column_en} stays empty; {found} is a revision and goes to {revision_en} unless the row gives one"
            ),
        ),
        (None, kept) => {
            let kept = kept.unwrap_or("-");
            Text::new(
                format!(
                    "{fiscal_year}の基準計画は承認済みのため、{column_ja}は行で空欄でも{kept}のままとします"
                ),
                format!(
                    "the plan of {fiscal_year} is approved: {column_en} stays {kept}, although the row leaves it empty"
                ),
            )
        }
    }
}
