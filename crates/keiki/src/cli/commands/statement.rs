//! `keiki statement`

mod editions;

use std::borrow::Cow;
use std::path::PathBuf;

use keiki_model::calendar::{Period, instant_text};
use keiki_model::fraction::Fraction;
use keiki_model::measurement::Measurement;
use keiki_model::standing::KpiStatuses;
use keiki_model::statement::Statement;
use keiki_model::text::{Language, Text};
use keiki_report::report::{Serious, period_name};
use keiki_report::table::{Column, Table};
use keiki_report::{csv, format, json, scorecard, sentence};
use keiki_store::{Event, Recorded};
use serde_json::{Value, json};

use super::close;
use crate::cli::grid::{Grid, print_json};
use crate::cli::session::Session;
use crate::cli::{Exit, Format};
use crate::config::Workspace;
use crate::environment;
use crate::error::{Error, Result};
use crate::operations::programme::Run;
use crate::operations::statement::{self, Change, Revision};
use crate::operations::{past, period, report};
use editions::Extent;

/// Show what was closed: as reported, as restated, and what differs
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The period [default: list all that was closed]
    period: Option<String>,
    /// The revision, or `now` for today's figures [default: the last]
    #[arg(long, value_name = "NUMBER|now", requires = "period")]
    revision: Option<String>,
    /// What differs in another revision, or `now`, and what moved it
    #[arg(long, value_name = "NUMBER|now", requires = "period")]
    against: Option<String>,
    /// Org units [default: the root of the tree; every one in JSON and CSV]
    #[arg(long, value_name = "ID", num_args = 1.., value_delimiter = ',')]
    org: Vec<String>,
    /// Show companions in the table too; JSON and CSV always hold them
    #[arg(long)]
    companions: bool,
    /// File figures of the time before Keiki as revision 0, from a CSV file
    #[arg(long, value_name = "FILE", conflicts_with = "period")]
    import: Option<PathBuf>,
    /// How to give the figures; all but `table`, `json` and `csv` write a file
    #[arg(long, default_value = "table", value_name = "FORMAT")]
    format: Form,
    /// What the PDF and HTML editions hold
    #[arg(
        long,
        default_value = "board",
        value_name = "EDITION",
        requires = "period"
    )]
    edition: Extent,
    /// The file of an edition [default: statement-PERIOD.pdf and so on]
    #[arg(long, alias = "out", value_name = "FILE", requires = "period")]
    output: Option<PathBuf>,
}

/// The form in which a statement is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
enum Form {
    /// For people.
    #[default]
    Table,
    /// For programs.
    Json,
    /// For spreadsheets.
    Csv,
    /// An Excel workbook.
    Xlsx,
    /// A document for the board or for reference.
    Pdf,
    /// A page in one file.
    Html,
    /// A table with types, for analysis.
    Parquet,
    /// OSCAL assessment results, in JSON.
    Oscal,
}

impl Form {
    /// The form of what is printed.
    fn plain(self) -> Format {
        match self {
            Self::Json => Format::Json,
            Self::Csv => Format::Csv,
            Self::Table | Self::Xlsx | Self::Pdf | Self::Html | Self::Parquet | Self::Oscal => {
                Format::Table
            }
        }
    }

    /// What the name of its file ends with; `None` for what is printed.
    fn extension(self) -> Option<&'static str> {
        match self {
            Self::Table | Self::Json | Self::Csv => None,
            Self::Xlsx => Some("xlsx"),
            Self::Pdf => Some("pdf"),
            Self::Html => Some("html"),
            Self::Parquet => Some("parquet"),
            Self::Oscal => Some("oscal.json"),
        }
    }
}

impl Args {
    pub(crate) async fn run(self, session: &Session) -> Result<Exit> {
        let workspace = session.workspace()?;
        let run = Run {
            author: environment::author(),
            now: environment::now(),
        };
        if let Some(file) = &self.import {
            for (period, count) in past::import(&workspace, file, &run).await? {
                let said = Text::new(
                    format!("{period}: 過去の報告値{count}件を第0版として収めました"),
                    format!("{period}: filed {count} figures as revision 0"),
                );
                session.line(said.get(session.language()));
            }
            return Ok(Exit::Fine);
        }
        let Some(period) = &self.period else {
            let events = statement::events(&workspace).await?;
            return book(&events, &workspace, self.format.plain(), session);
        };
        let period = period::period(period)?;
        let revision = self.revision.as_deref().map(revision_of).transpose()?;
        let of = revision.unwrap_or(Revision::Last);
        let first = statement::get(&workspace, period, of, &run, session.progress()).await?;
        if let Some(extension) = self.format.extension() {
            let what = (period, &first, of);
            editions::write(&self, what, extension, (&workspace, &run), session).await?;
            return Ok(Exit::Fine);
        }
        match &self.against {
            None => {
                let what = (period, &first, of);
                self.show(what, (&workspace, &run), session).await?;
            }
            Some(other) => {
                let of = revision_of(other)?;
                let second =
                    statement::get(&workspace, period, of, &run, session.progress()).await?;
                let both = (&first, &second);
                self.compare(period, both, (&workspace, &run), session)
                    .await?;
            }
        }
        Ok(Exit::Fine)
    }

    /// The org units that are shown: those asked for, or in a table the root.
    fn is_shown(&self, one: &Measurement, root: &str) -> bool {
        if self.org.is_empty() {
            self.format.plain() != Format::Table || one.org_unit == *root
        } else {
            self.org.iter().any(|id| one.org_unit == *id)
        }
    }

    async fn show(
        &self,
        (period, statement, of): (Period, &Statement, Revision),
        (workspace, run): (&Workspace, &Run),
        session: &Session,
    ) -> Result<()> {
        let root = root_of(statement, workspace);
        let shown = |one: &&Measurement| self.is_shown(one, &root);
        let is_whole = self.org.is_empty() && self.format.plain() != Format::Table;
        let mut measured = if is_whole {
            Cow::Borrowed(statement.measurements.as_slice())
        } else {
            statement
                .measurements
                .iter()
                .filter(shown)
                .cloned()
                .collect()
        };
        match self.format.plain() {
            Format::Json => {
                let mut whole = header(statement, of);
                let durations = statement.durations.iter();
                let durations = durations.filter(|one| {
                    self.org.is_empty() || self.org.iter().any(|id| one.org_unit == *id)
                });
                whole["durations"] = json!(durations.collect::<Vec<_>>());
                let progress = session.progress();
                let what = (period, statement, of);
                let root = self.org.first().unwrap_or(&root);
                let judged = report::judgements(workspace, what, root, run, progress).await?;
                let of_kpis = KpiStatuses::new(&statement.measurements);
                whole["measurements"] = Value::Null;
                let serious = keiki_report::report::serious(&measured);
                whole["serious_incidents"] = serious.iter().map(Serious::to_json).collect();
                let whole = json::With {
                    object: &whole,
                    field: ("measurements", json::judged(&measured, &judged, &of_kpis)),
                };
                print_json(&whole, session);
            }
            Format::Csv => {
                let text = csv::measurements(&measured).map_err(Error::stopped)?;
                session.print(&text);
            }
            Format::Table => {
                measured.to_mut().retain(|one| {
                    (self.companions || !one.is_companion) && !scorecard::is_idle(one)
                });
                session.line(title(statement, of, workspace, session.language()));
                session.line(scorecard::heading(&measured, &session.names(workspace)));
                session.table(&scorecard::table(&measured, &session.names(workspace)));
                for lag in sentence::own_periods(&*measured) {
                    session.note(lag.get(session.language()));
                }
                if let Some(restatement) = &statement.restatement {
                    session.line(close::restated(restatement, &root).get(session.language()));
                }
                close::list(&statement.obstacles, workspace, session, Session::note);
            }
        }
        Ok(())
    }

    async fn compare(
        &self,
        period: Period,
        (before, after): (&Statement, &Statement),
        (workspace, run): (&Workspace, &Run),
        session: &Session,
    ) -> Result<()> {
        let (both, reader) = ((before, after), Some(run.author.as_str()));
        let mut found =
            statement::changes(workspace, period, both, reader, session.progress()).await?;
        let root = root_of(after, workspace);
        found.retain(|change| {
            let one = change
                .restated
                .after
                .as_ref()
                .or(change.restated.before.as_ref());
            one.is_some_and(|one| {
                let is_listed =
                    self.format.plain() != Format::Table || self.companions || !one.is_companion;
                self.is_shown(one, &root) && is_listed
            })
        });
        let language = session.language();
        if found.is_empty() && self.format.plain() == Format::Table {
            session.line(Text::new("違いはありません", "nothing differs").get(language));
            return Ok(());
        }
        if self.format.plain() == Format::Table {
            session.table(&differences(&found, workspace, session));
            return Ok(());
        }
        let rows = found.iter().map(difference).collect();
        let grid = Grid {
            names: vec![
                "no",
                "indicator",
                "org_unit",
                "before",
                "after",
                "by_evidence",
                "by_definitions",
                "by_tree",
                "status_before",
                "status_after",
            ],
            columns: Vec::new(),
            rows,
        };
        grid.print(self.format.plain(), session)
    }
}

pub(super) fn revision_of(text: &str) -> Result<Revision> {
    if text == "now" {
        return Ok(Revision::Open);
    }
    text.parse().map(Revision::Number).map_err(|_| {
        Error::user(
            Text::new(
                format!("版として読めません: {text}"),
                format!("not a revision: {text}"),
            ),
            Text::new(
                "版の番号か now を指定してください",
                "give a number, or `now`",
            ),
        )
    })
}

/// The root of the tree as the statement has it: the org unit of its first measurement, if it holds every unit.
pub(super) fn root_of(statement: &Statement, workspace: &Workspace) -> String {
    let first = statement.measurements.first();
    let on = first.and_then(|one| keiki_model::calendar::parse_day(&one.cut_on));
    let tree = on.map(|day| workspace.organisation.tree(day));
    tree.map_or_else(String::new, |tree| tree.nodes()[0].id.clone())
}

pub(super) fn local(micros: i64, workspace: &Workspace) -> String {
    workspace.settings.local(micros)
}

fn title(statement: &Statement, of: Revision, workspace: &Workspace, language: Language) -> String {
    let at = local(statement.closed_at, workspace);
    let (day, hour) = at.split_once(' ').unwrap_or((&at, ""));
    let day_ja = format::day(day, Language::Ja);
    let by = &statement.closed_by;
    let mut text = Text::new(
        format!(
            "KPI報告書 {}  {}  {day_ja} {hour} {by}",
            period_name(&statement.period, Language::Ja),
            statement::kind(statement, of).ja
        ),
        format!(
            "Statement {}  {}  {at} {by}",
            statement.period,
            statement::kind(statement, of).en
        ),
    );
    if let Some(reason) = &statement.reason {
        let (ja, en) = match statement.edition {
            Some(_) => ("理由", "reason"),
            None => ("出典", "from"),
        };
        text.ja.push_str(&format!("  {ja}: {reason}"));
        text.en.push_str(&format!("  {en}: {reason}"));
    }
    if let Some(second) = &statement.agreed_by {
        text.ja.push_str(&format!("  同意: {second}"));
        text.en.push_str(&format!("  agreed: {second}"));
    }
    text.get(language).to_owned()
}

fn header(statement: &Statement, of: Revision) -> Value {
    json!({
        "period": statement.period,
        "revision": (of != Revision::Open).then_some(statement.revision),
        "closed_at": (of != Revision::Open).then(|| instant_text(statement.closed_at)),
        "closed_by": statement.closed_by,
        "agreed_by": statement.agreed_by,
        "reason": statement.reason,
        "journal_version": statement.journal_version,
        "edition": statement.edition,
        "obstacles": statement.obstacles,
        "remarks": statement.remarks,
        "restatement": statement.restatement,
        "durations": statement.durations,
    })
}

fn book(
    events: &[Recorded],
    workspace: &Workspace,
    format: Format,
    session: &Session,
) -> Result<Exit> {
    let language = session.language();
    if events.is_empty() && format == Format::Table {
        let said = Text::new(
            "まだ何も締められていません。`keiki close 対象期間` で締めます",
            "nothing was closed yet; `keiki close PERIOD` does it",
        );
        session.line(said.get(language));
        return Ok(Exit::Fine);
    }
    let when = |micros: i64| match format {
        Format::Table => local(micros, workspace),
        Format::Json | Format::Csv => instant_text(micros),
    };
    let row = |recorded: &Recorded| match &recorded.event {
        Event::Closed(statement) => vec![
            json!(recorded.number),
            json!(statement.period),
            json!(statement.revision),
            json!(Text::new("締め", "closed").get(language)),
            json!(when(statement.closed_at)),
            json!(statement.closed_by),
            json!(statement.reason),
            json!(&recorded.sha256[..12]),
        ],
        Event::Reopened {
            period,
            at,
            by,
            reason,
            ..
        } => vec![
            json!(recorded.number),
            json!(period),
            Value::Null,
            json!(Text::new("締め解除", "reopened").get(language)),
            json!(when(*at)),
            json!(by),
            json!(reason),
            json!(&recorded.sha256[..12]),
        ],
        Event::Noted {
            period,
            at,
            by,
            reason,
            restatement,
        } => vec![
            json!(recorded.number),
            json!(period),
            json!(restatement.of_revision),
            json!(Text::new("差異の記録", "difference noted").get(language)),
            json!(when(*at)),
            json!(by),
            json!(reason),
            json!(&recorded.sha256[..12]),
        ],
        Event::Preliminary { period, at, by, .. } => vec![
            json!(recorded.number),
            json!(period),
            Value::Null,
            json!(Text::new("仮締め", "preliminary").get(language)),
            json!(when(*at)),
            json!(by),
            Value::Null,
            json!(&recorded.sha256[..12]),
        ],
    };
    let word = |ja: &str, en: &str| Text::new(ja, en).get(language).to_owned();
    let grid = Grid {
        names: vec![
            "number", "period", "revision", "event", "at", "by", "reason", "sha256",
        ],
        columns: vec![
            Column::figure("No."),
            Column::text(word("対象期間", "Period"), 9),
            Column::figure(word("版", "Rev.")),
            Column::text(word("出来事", "Event"), 8),
            Column::text(word("日時", "At"), 16),
            Column::text(word("実施者", "By"), 8),
            Column::text(word("理由", "Reason"), 16).wrapped(3),
            Column::text(word("連鎖ハッシュ", "Chain"), 12),
        ],
        rows: events.iter().map(row).collect(),
    };
    grid.print(format, session)?;
    Ok(Exit::Fine)
}

fn differences(found: &[Change], workspace: &Workspace, session: &Session) -> Table {
    let language = session.language();
    let names = session.names(workspace);
    let word = |ja: &str, en: &str| Text::new(ja, en).get(language).to_owned();
    let mut table = Table::new(vec![
        Column::figure("No."),
        Column::text(word("指標", "Indicator"), 12)
            .wrapped(3)
            .spare(),
        Column::text(word("組織", "Org unit"), 8).wrapped(2),
        Column::figure(word("訂正前", "Before")),
        Column::figure(word("訂正後", "After")),
        Column::figure(word("証跡による差", "By evidence")),
        Column::figure(word("定義等による差", "By definitions")),
        Column::figure(word("組織による差", "By tree")),
        Column::text(word("状態", "Status"), 9).wrapped(3),
    ]);
    for change in found {
        let (before, after) = (&change.restated.before, &change.restated.after);
        let Some(one) = after.as_ref().or(before.as_ref()) else {
            continue;
        };
        let figure = |value: Option<Fraction>| format::optional_figure(value, one.unit, language);
        let value = |one: &Option<Measurement>| figure(one.as_ref().and_then(|one| one.value));
        let moved = |by: Option<Fraction>| {
            by.map_or_else(
                || format::NOTHING.to_owned(),
                |by| format::difference(by, one.unit, language),
            )
        };
        let status = |one: &Option<Measurement>| {
            one.as_ref().map_or_else(
                || format::NOTHING.to_owned(),
                |one| one.status.title().get(language).to_owned(),
            )
        };
        let (was, is) = (status(before), status(after));
        table.push(vec![
            one.no.to_string().into(),
            names.indicator(one.no, &one.indicator).into(),
            names.org_unit(&one.org_unit).into(),
            value(before).into(),
            value(after).into(),
            if change.is_of_few() {
                scorecard::few(language).into()
            } else {
                moved(change.bridge.evidence).into()
            },
            moved(change.bridge.definitions).into(),
            moved(change.bridge.tree).into(),
            if was == is {
                is
            } else {
                format!("{was} → {is}")
            }
            .into(),
        ]);
    }
    table
}

fn difference(change: &Change) -> Vec<Value> {
    let number = |value: Option<Fraction>| {
        value.map_or(Value::Null, |value| {
            let text = value.to_short_decimal(keiki_model::measurement::DATA_DIGITS);
            serde_json::from_str(&text).unwrap_or(Value::Null)
        })
    };
    let value = |one: &Option<Measurement>| number(one.as_ref().and_then(|one| one.value));
    let status = |one: &Option<Measurement>| json!(one.as_ref().map(|one| one.status.code()));
    let restated = &change.restated;
    vec![
        json!(restated.place.0),
        json!(restated.place.1),
        json!(restated.place.2),
        value(&restated.before),
        value(&restated.after),
        number(change.bridge.evidence),
        number(change.bridge.definitions),
        number(change.bridge.tree),
        status(&restated.before),
        status(&restated.after),
    ]
}
