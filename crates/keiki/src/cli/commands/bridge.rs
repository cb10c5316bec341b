//! `keiki bridge`

use keiki_model::calendar::instant_text;
use keiki_model::fraction::Fraction;
use keiki_model::measurement::DATA_DIGITS;
use keiki_model::restatement::{Cause, Difference};
use keiki_model::statement::Restated;
use keiki_model::text::Text;
use keiki_report::table::{Column, Table};
use keiki_report::{format, scorecard};
use serde_json::{Value, json};

use super::statement::{local, revision_of, root_of};
use crate::cli::grid::Grid;
use crate::cli::session::Session;
use crate::cli::{Exit, Format};
use crate::config::Workspace;
use crate::environment;
use crate::error::Result;
use crate::messages;
use crate::operations::programme::Run;
use crate::operations::statement::{self, Moving, Revision, Wanted};
use crate::operations::{catalogue, period};

/// Lead from a figure as reported to the same figure as restated: by evidence, definitions and org tree, with causes
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The period
    period: String,
    /// From this revision, or `now` [default: the first that Keiki closed]
    #[arg(long, value_name = "NUMBER|now")]
    from: Option<String>,
    /// To this revision, or `now` for what is known today
    #[arg(long, value_name = "NUMBER|now", default_value = "now")]
    to: String,
    /// Only this KPI, by number or code
    #[arg(long, value_name = "NO|CODE")]
    kpi: Option<String>,
    /// The org unit [default: the root of the tree]
    #[arg(long, value_name = "ID")]
    org: Option<String>,
    /// The records that moved the KPI: when each became known, and in which batch
    #[arg(long, requires = "kpi")]
    entries: bool,
    /// Companions too
    #[arg(long)]
    companions: bool,
    /// How to print it
    #[arg(long, default_value = "table", value_name = "FORMAT")]
    format: Format,
}

impl Args {
    pub(crate) async fn run(self, session: &Session) -> Result<Exit> {
        let workspace = session.workspace()?;
        let run = Run {
            author: environment::author(),
            now: environment::now(),
        };
        let period = period::period(&self.period)?;
        let from = match self.from.as_deref() {
            None => Revision::Number(1),
            Some(text) => revision_of(text)?,
        };
        let to = revision_of(&self.to)?;
        let progress = session.progress();
        let before = statement::get(&workspace, period, from, &run, progress).await?;
        let after = statement::get(&workspace, period, to, &run, progress).await?;
        let root = root_of(&after, &workspace);
        let org_unit = self.org.as_deref().unwrap_or(&root);
        let no = match &self.kpi {
            None => None,
            Some(kpi) => Some(catalogue::find(&workspace.catalogue, kpi)?.no),
        };
        let wanted = |one: &Restated| {
            let (of, _, unit) = &one.place;
            let sides = [&one.before, &one.after].into_iter().flatten();
            **unit == *org_unit
                && no.is_none_or(|no| *of == no)
                && (self.companions || sides.into_iter().all(|side| !side.is_companion))
        };
        let both = (&before, &after);
        let asked: (Wanted<'_>, _) = (&wanted, Some(run.author.as_str()));
        let differences =
            statement::differences_of(&workspace, period, both, asked, progress).await?;
        if self.entries {
            let mut moving = Vec::new();
            let mut is_withheld = differences.iter().any(|one| one.is_of_few);
            if is_withheld {
                session.note(messages::RECORDS_WITHHELD.get(session.language()));
            }
            let shown = differences.iter();
            for one in shown.filter(|one| one.before.is_some() && one.after.is_some()) {
                let place = one.place();
                let both = (&before, &after);
                let found =
                    statement::entries(&workspace, period, both, &place, &run.author).await?;
                let Some(found) = found else {
                    if !is_withheld {
                        session.note(messages::RECORDS_WITHHELD.get(session.language()));
                    }
                    is_withheld = true;
                    continue;
                };
                moving.extend(found.into_iter().map(|of| (one.indicator.to_string(), of)));
            }
            if !moving.is_empty() || !is_withheld {
                entries(&moving, self.format, &workspace, session)?;
            }
            return Ok(Exit::Fine);
        }
        if self.format == Format::Table {
            if differences.is_empty() {
                let none = Text::new("違いはありません", "nothing differs");
                session.line(none.get(session.language()));
            } else {
                session.table(&table(&differences, &workspace, session));
            }
            return Ok(Exit::Fine);
        }
        let grid = Grid {
            names: NAMES.to_vec(),
            columns: Vec::new(),
            rows: differences.iter().map(data).collect(),
        };
        grid.print(self.format, session)?;
        Ok(Exit::Fine)
    }
}

const NAMES: [&str; 14] = [
    "no",
    "indicator",
    "org_unit",
    "unit",
    "before",
    "by_evidence",
    "by_definitions",
    "by_tree",
    "after",
    "causes",
    "material",
    "status_before",
    "status_after",
    "few_people",
];

fn number(value: Option<Fraction>) -> Value {
    let text = value.map(|value| value.to_short_decimal(DATA_DIGITS));
    text.and_then(|text| serde_json::from_str(&text).ok())
        .unwrap_or(Value::Null)
}

fn data(one: &Difference) -> Vec<Value> {
    let causes: Vec<&str> = one.causes.iter().map(|cause| cause.code()).collect();
    vec![
        json!(one.no),
        json!(one.indicator),
        json!(one.org_unit),
        json!(one.unit.name()),
        number(one.before),
        number(one.bridge.evidence),
        number(one.bridge.definitions),
        number(one.bridge.tree),
        number(one.after),
        json!(causes.join(" ")),
        json!(one.is_material),
        json!(one.status_before.map(keiki_model::status::Status::code)),
        json!(one.status_after.map(keiki_model::status::Status::code)),
        json!(one.is_of_few),
    ]
}

fn table(found: &[Difference], workspace: &Workspace, session: &Session) -> Table {
    let language = session.language();
    let names = session.names(workspace);
    let word = |ja: &str, en: &str| Text::new(ja, en).get(language).to_owned();
    let mut table = Table::new(vec![
        Column::figure("No."),
        Column::text(word("指標", "Indicator"), 12).wrapped(3),
        Column::figure(word("訂正前", "Before")),
        Column::figure(word("証跡", "Evidence")),
        Column::figure(word("定義等", "Definitions")),
        Column::figure(word("組織", "Tree")),
        Column::figure(word("訂正後", "After")),
        Column::text(word("原因", "Cause"), 8).wrapped(3),
        Column::text(word("重要性", "Weight"), 6),
    ]);
    for one in found {
        let figure = |value: Option<Fraction>| format::optional_figure(value, one.unit, language);
        let moved = |by: Option<Fraction>| {
            by.map_or_else(
                || format::NOTHING.to_owned(),
                |by| format::difference(by, one.unit, language),
            )
        };
        let cause = |cause: &Cause| cause.title().get(language).to_owned();
        let causes: Vec<String> = one.causes.iter().map(cause).collect();
        let weight = if one.is_of_few {
            format::NOTHING.to_owned()
        } else if one.is_material {
            word("重要", "material")
        } else {
            word("基準未満", "below")
        };
        table.push(vec![
            one.no.to_string().into(),
            names.indicator(one.no, &one.indicator).into(),
            figure(one.before).into(),
            if one.is_of_few {
                scorecard::few(language).into()
            } else {
                moved(one.bridge.evidence).into()
            },
            moved(one.bridge.definitions).into(),
            moved(one.bridge.tree).into(),
            figure(one.after).into(),
            causes.join(&word("、", ", ")).into(),
            weight.into(),
        ]);
    }
    table
}

fn entries(
    moving: &[(String, Moving)],
    format: Format,
    workspace: &Workspace,
    session: &Session,
) -> Result<()> {
    let language = session.language();
    let word = |ja: &str, en: &str| Text::new(ja, en).get(language).to_owned();
    if moving.is_empty() && format == Format::Table {
        let none = Text::new("証跡による違いはありません", "no record moved it");
        session.line(none.get(language));
        return Ok(());
    }
    let when = |micros: i64| match format {
        Format::Table => local(micros, workspace),
        Format::Json | Format::Csv => instant_text(micros),
    };
    let row = |(indicator, one): &(String, Moving)| {
        vec![
            json!(indicator),
            json!(one.measure),
            json!(one.record_key),
            number(one.before),
            number(one.after),
            json!(when(one.known_at)),
            json!(one.seq),
            json!(one.batch),
            json!(one.source),
        ]
    };
    let grid = Grid {
        names: vec![
            "indicator",
            "measure",
            "record_key",
            "before",
            "after",
            "known_at",
            "seq",
            "batch_id",
            "source",
        ],
        columns: vec![
            Column::text(word("指標", "Indicator"), 10),
            Column::text(word("基本測定量", "Measure"), 10),
            Column::text(word("レコード", "Record"), 10),
            Column::figure(word("訂正前", "Before")),
            Column::figure(word("訂正後", "After")),
            Column::text(word("認識時点", "Known at"), 16),
            Column::figure(word("記帳番号", "Commit")),
            Column::text(word("取込", "Batch"), 8),
            Column::text(word("取得元", "Source"), 8),
        ],
        rows: moving.iter().map(row).collect(),
    };
    grid.print(format, session)
}
