//! The cover of an audit pack, in the reader's language.

use std::fmt::Write;

use keiki_engine::Explanation;
use keiki_model::statement::Statement;
use keiki_model::text::Text;
use keiki_report::format;

use super::{Asked, Edited, Written, instant};
use crate::config::Workspace;

/// What a cover tells.
pub(super) struct Cover<'c> {
    pub(super) workspace: &'c Workspace,
    pub(super) asked: &'c Asked,
    pub(super) of: Option<&'c Statement>,
    pub(super) figure: &'c Explanation,
    pub(super) seed: &'c str,
    pub(super) written: Written,
    pub(super) definition: &'c [Edited],
}

impl Cover<'_> {
    fn say<'t>(&self, text: &'t Text) -> &'t str {
        text.get(self.asked.language)
    }

    /// The cover.
    pub(super) fn text(&self) -> String {
        let mut page = String::new();
        let mut line = |text: Text| {
            page.push_str(text.get(self.asked.language));
            page.push('\n');
        };
        self.head(&mut line);
        self.people(&mut line);
        self.method(&mut line);
        self.history(&mut line);
        page
    }

    fn head(&self, line: &mut impl FnMut(Text)) {
        let one = &self.figure.measurement;
        let language = self.asked.language;
        let kpi = self
            .workspace
            .catalogue
            .kpis
            .iter()
            .find(|kpi| kpi.no == one.no);
        let name = kpi.map_or_else(|| one.no.to_string(), |kpi| self.say(&kpi.name).to_owned());
        let units = self.workspace.organisation.rows();
        let unit = units.iter().find(|unit| one.org_unit == *unit.id);
        let unit = unit.map_or_else(
            || one.org_unit.to_string(),
            |unit| self.say(&unit.name).to_owned(),
        );
        let value = format::optional_figure(one.value, one.unit, language);
        let sum = |of: Option<keiki_model::fraction::Fraction>| {
            of.map_or_else(
                || format::NOTHING.to_owned(),
                |of| format::part(of, one.unit),
            )
        };
        line(Text::new(
            format!("# 監査資料: KPI {} {name}\n", one.no),
            format!("# Audit pack: KPI {} {name}\n", one.no),
        ));
        line(Text::new(
            format!(
                "- 組織: {unit} ({})\n- 対象期間: {}",
                one.org_unit, one.period
            ),
            format!(
                "- Org unit: {unit} ({})\n- Period: {}",
                one.org_unit, one.period
            ),
        ));
        let (numerator, denominator) = (sum(one.numerator), sum(one.denominator));
        line(Text::new(
            format!(
                "- 指標: {} = {value}(分子 {numerator}、分母 {denominator})",
                one.indicator
            ),
            format!(
                "- Indicator: {} = {value} ({numerator} / {denominator})",
                one.indicator
            ),
        ));
        line(Text::new(
            format!(
                "- 記帳番号: {}、定義の版: {}",
                one.journal_version, one.definition_version
            ),
            format!(
                "- Commit: {}, definition: {}",
                one.journal_version, one.definition_version
            ),
        ));
        for total in &self.figure.totals {
            let by = total.prepared_by.as_deref().unwrap_or("–");
            let backed = total.attachment.as_deref().unwrap_or("–");
            line(Text::new(
                format!(
                    "- 報告集計値: {}(作成者 {by}、証憑 {backed})",
                    total.org_unit
                ),
                format!(
                    "- Reported total: {} (prepared by {by}, backed by {backed})",
                    total.org_unit
                ),
            ));
        }
    }

    /// Who prepared and who approved.
    fn people(&self, line: &mut impl FnMut(Text)) {
        line(Text::new(
            "\n## 作成と承認\n",
            "\n## Prepared and approved\n",
        ));
        line(Text::new(
            "- 作成者: sample.csv の prepared_by(報告集計値は作成者、その他は取り込んだ人)",
            "- Prepared by: prepared_by in sample.csv (who made up a total, else who took the evidence in)",
        ));
        let Some(of) = self.of else {
            line(Text::new(
                "- 承認: 締める前の現時点値のため、なし",
                "- Approved by: nobody, these figures are not closed",
            ));
            return;
        };
        let (at, by) = (instant(of.closed_at), &of.closed_by);
        line(Text::new(
            format!("- 締め: {by} {at}(第{}版)", of.revision),
            format!("- Closed by: {by} {at} (revision {})", of.revision),
        ));
        if let Some(second) = &of.agreed_by {
            line(Text::new(
                format!("- 同意: {second}"),
                format!("- Agreed by: {second}"),
            ));
        }
        for one in &of.remarks.certifications {
            let at = instant(one.at);
            line(Text::new(
                format!("- 確認: {} {} {at}", one.org_unit, one.by),
                format!("- Certified: {} by {} {at}", one.org_unit, one.by),
            ));
        }
    }

    fn method(&self, line: &mut impl FnMut(Text)) {
        let Written {
            population,
            sampled,
            with_raw_row,
        } = self.written;
        let seed = self.seed;
        line(Text::new(
            "\n## 標本の抽出方法\n",
            "\n## How the sample was drawn\n",
        ));
        line(Text::new(
            format!(
                "母集団はこの数値に計上されたレコード{population}件。各レコードについて「シード、改行、データ種別、改行、レコードのキー」のSHA-256を\
                 計算し、小さい順に{sampled}件を抽出(非復元の単純無作為抽出)。同じシードからは常に同じ標本が得られる。"
            ),
            format!(
                "The population is the {population} records that the figure is made of. For each, SHA-256 is taken over seed, line feed, dataset, \
                 line feed, record key; the {sampled} smallest are the sample: a simple random sample without replacement, which the same seed \
                 always gives again."
            ),
        ));
        line(Text::new(
            format!(
                "\n- シード: `{seed}`\n- 生データの行が見つかったもの: {with_raw_row}件(raw_rows.csv)"
            ),
            format!("\n- Seed: `{seed}`\n- Raw rows found: {with_raw_row} (raw_rows.csv)"),
        ));
    }

    fn history(&self, line: &mut impl FnMut(Text)) {
        line(Text::new(
            "\n## 定義の変更履歴\n",
            "\n## Changes of the definition\n",
        ));
        let mut text = String::new();
        for one in self.definition {
            let reason = one.reason.as_deref().unwrap_or("–");
            let at = instant(one.at);
            // Writing to a String cannot fail.
            writeln!(text, "- {} {at} {} {reason}", one.edition, one.author).ok();
        }
        text.push_str(match self.asked.language {
            keiki_model::text::Language::Ja => {
                "\n定義は definition.toml、変更点は definition_changes.txt。"
            }
            keiki_model::text::Language::En => {
                "\nThe definition is definition.toml, what changed definition_changes.txt."
            }
        });
        line(Text::new(text.clone(), text));
    }
}
