//! `keiki notes`

use std::path::PathBuf;

use keiki_model::calendar::{Period, date_of, local_day};
use keiki_model::measurement::Measurement;
use keiki_model::remark::{Action, Origin, State, Step, Subject};
use keiki_model::text::Text;
use keiki_report::format;
use keiki_report::table::{Column, Table};
use serde_json::{Value, json};

use crate::cli::grid::Grid;
use crate::cli::session::Session;
use crate::cli::{Exit, Format};
use crate::config::Workspace;
use crate::environment;
use crate::error::Result;
use crate::operations::notes::{self, Explain, Line, Plan};
use crate::operations::period;
use crate::operations::programme::Run;
use crate::operations::statement::{self, Revision};

/// Why figures missed their targets, what is done about it, and what the board asked for
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    action: Notes,
}

#[derive(Debug, clap::Subcommand)]
enum Notes {
    /// List what waits for an explanation, what was explained, and what is to be done
    List {
        /// The figures of this period too, and what its statement carries
        period: Option<String>,
        /// Everything that was ever said
        #[arg(long, conflicts_with = "period")]
        all: bool,
        /// How to print the list; CSV can be filled in and imported
        #[arg(long, default_value = "table", value_name = "FORMAT")]
        format: Format,
    },
    /// Say why a figure is what it is, and what is done about it
    Explain {
        /// The KPI by number or code
        kpi: String,
        /// The org unit
        #[arg(long, value_name = "ID")]
        org: String,
        /// The period: 2026-09, FY2026-Q2, FY2026-H1 or FY2026
        #[arg(long)]
        period: String,
        /// The indicator [default: the KPI's first]
        #[arg(long, value_name = "CODE")]
        indicator: Option<String>,
        /// The cause
        #[arg(long, value_name = "TEXT", required_unless_present = "action")]
        cause: Option<String>,
        /// What is done about it
        #[arg(long, value_name = "TEXT", requires = "owner")]
        action: Option<String>,
        /// Who sees to it
        #[arg(long, value_name = "NAME", requires = "action")]
        owner: Option<String>,
        /// By when it is due
        #[arg(long, value_name = "DATE", requires = "action")]
        due: Option<String>,
    },
    /// Note what the board asked for
    Instruct {
        /// What it asked for
        what: String,
        /// The period whose statement lay before the board
        #[arg(long)]
        period: String,
        /// Who sees to it
        #[arg(long, value_name = "NAME")]
        owner: String,
        /// By when it is due
        #[arg(long, value_name = "DATE")]
        due: Option<String>,
    },
    /// Note how far an action is, who sees to it now, or by when
    Step {
        /// The number of the action
        number: u32,
        /// What happened
        #[arg(long, value_name = "TEXT")]
        note: Option<String>,
        /// Who sees to it
        #[arg(long, value_name = "NAME")]
        owner: Option<String>,
        /// By when it is due
        #[arg(long, value_name = "DATE")]
        due: Option<String>,
        /// Open an action again that had ended
        #[arg(long)]
        reopen: bool,
    },
    /// Note that an action is done
    Done {
        /// The number of the action
        number: u32,
        /// What happened
        #[arg(long, value_name = "TEXT")]
        note: Option<String>,
    },
    /// Give an action up
    Drop {
        /// The number of the action
        number: u32,
        /// Why
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
    /// Take in a CSV file that `list --format csv` wrote and somebody filled in
    Import {
        /// The file
        file: PathBuf,
    },
}

impl Args {
    pub(crate) async fn run(self, session: &Session) -> Result<Exit> {
        let workspace = session.workspace()?;
        let run = Run {
            author: environment::author(),
            now: environment::now(),
        };
        if let Notes::List {
            period,
            all,
            format,
        } = &self.action
        {
            let period = period.as_deref().map(period::period).transpose()?;
            let scope = match (period, all) {
                (Some(period), _) => Scope::Period(period),
                (None, true) => Scope::All,
                (None, false) => Scope::Open,
            };
            list(&workspace, scope, *format, &run, session).await?;
            return Ok(Exit::Fine);
        }
        let said = self.action.carry_out(&workspace, &run).await?;
        session.line(said.get(session.language()));
        Ok(Exit::Fine)
    }
}

impl Notes {
    /// Says something, and tells what came of it.
    async fn carry_out(self, workspace: &Workspace, run: &Run) -> Result<Text> {
        let both = |text: String| Text::new(text.clone(), text);
        let day = |text: Option<String>| text.as_deref().map(period::day).transpose();
        let (number, step) = match self {
            Self::List { .. } => return Ok(Text::default()),
            Self::Explain {
                kpi,
                org,
                period,
                indicator,
                cause,
                action,
                owner,
                due,
            } => {
                let action = action.zip(owner).map(|(what, owner)| (both(what), owner));
                let due_on = day(due)?;
                let asked = Explain {
                    kpi,
                    indicator,
                    org_unit: org,
                    period: period::period(&period)?,
                    cause,
                    action: action.map(|(what, owner)| Plan {
                        what,
                        owner,
                        due_on,
                    }),
                };
                let number = notes::explain(workspace, &asked, run).await?;
                return Ok(explained(asked.cause.is_some(), number));
            }
            Self::Instruct {
                what,
                period,
                owner,
                due,
            } => {
                let plan = Plan {
                    what: both(what),
                    owner,
                    due_on: day(due)?,
                };
                let period = period::period(&period)?;
                let number = notes::instruct(workspace, period, plan, run).await?;
                return Ok(Text::new(
                    format!("取締役会の指示を対応 {number} として記録しました"),
                    format!("noted the board's instruction as action {number}"),
                ));
            }
            Self::Import { file } => {
                let count = notes::import(workspace, &file, run).await?;
                return Ok(Text::new(
                    format!("{count}件を記録しました"),
                    format!("noted {count} things"),
                ));
            }
            Self::Step {
                number,
                note,
                owner,
                due,
                reopen,
            } => (
                number,
                Step {
                    note: note.map(both),
                    owner,
                    due_on: day(due)?,
                    state: reopen.then_some(State::Open),
                },
            ),
            Self::Done { number, note } => (
                number,
                Step {
                    note: note.map(both),
                    state: Some(State::Done),
                    ..Step::default()
                },
            ),
            Self::Drop { number, reason } => (
                number,
                Step {
                    note: Some(both(reason)),
                    state: Some(State::Dropped),
                    ..Step::default()
                },
            ),
        };
        notes::step(workspace, number, step, run).await?;
        Ok(Text::new(
            format!("対応 {number} に記録しました"),
            format!("noted on action {number}"),
        ))
    }
}

fn explained(is_explained: bool, number: Option<u32>) -> Text {
    match (is_explained, number) {
        (true, None) => Text::new("差異の説明を記録しました", "noted the explanation"),
        (false, Some(number)) => Text::new(
            format!("対応 {number} を記録しました"),
            format!("noted action {number}"),
        ),
        (_, number) => {
            let number = number.unwrap_or(0);
            Text::new(
                format!("差異の説明と対応 {number} を記録しました"),
                format!("noted the explanation and action {number}"),
            )
        }
    }
}

/// What is listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scope {
    /// What is open.
    Open,
    /// All.
    All,
    /// What a period's statement carries, with figures that wait for an explanation.
    Period(Period),
}

async fn list(
    workspace: &Workspace,
    scope: Scope,
    format: Format,
    run: &Run,
    session: &Session,
) -> Result<()> {
    let mut waiting: Vec<Measurement> = Vec::new();
    let mut figures: Vec<Measurement> = Vec::new();
    let remarks = match scope {
        Scope::Open | Scope::All => {
            let mut told = notes::told(workspace).await?.remarks;
            if scope == Scope::Open {
                told.explanations.clear();
                told.actions.retain(|one| one.state == State::Open);
            }
            told
        }
        Scope::Period(period) => {
            let progress = session.progress();
            let open = statement::get(workspace, period, Revision::Open, run, progress).await?;
            let owed = statement::explained_units(workspace, &open);
            let found = notes::deviations(&open.measurements, &owed);
            let remarks = open.remarks.clone();
            waiting.extend(
                found
                    .filter(|one| remarks.explanation(one).is_none())
                    .cloned(),
            );
            figures = open.measurements;
            remarks
        }
    };
    if format != Format::Table {
        let waiting = waiting.iter().map(|one| Line::waiting(&Subject::of(one)));
        let lines: Vec<Line> = waiting.chain(Line::of(&remarks)).collect();
        let grid = Grid {
            names: Line::COLUMNS.to_vec(),
            columns: Vec::new(),
            rows: lines.iter().map(data).collect(),
        };
        return grid.print(format, session);
    }
    let language = session.language();
    let mut said = false;
    let explanations = explanations(&waiting, &figures, &remarks, workspace, session);
    if !explanations.is_empty() {
        let heading = Text::new("差異の説明", "Deviations");
        session.line(heading.get(language));
        session.table(&explanations);
        said = true;
    }
    if !remarks.actions.is_empty() {
        let heading = Text::new(
            "対応と取締役会の指示",
            "Actions and the board's instructions",
        );
        session.line(heading.get(language));
        session.table(&actions(&remarks.actions, workspace, run, session));
        said = true;
    }
    if !said {
        let none = Text::new("該当するものはありません", "there is nothing");
        session.line(none.get(language));
    }
    Ok(())
}

fn data(line: &Line) -> Vec<Value> {
    let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    vec![
        json!(line.kind),
        json!(line.number),
        json!(line.kpi),
        json!(some(&line.indicator)),
        json!(some(&line.org_unit)),
        json!(line.period),
        json!(some(&line.text.ja)),
        json!(some(&line.text.en)),
        json!(some(&line.owner)),
        json!(some(&line.due_on)),
        json!(some(line.state)),
        json!(some(&line.note.ja)),
        json!(some(&line.note.en)),
        json!(some(&line.by)),
    ]
}

fn explanations(
    waiting: &[Measurement],
    figures: &[Measurement],
    remarks: &keiki_model::remark::Remarks,
    workspace: &Workspace,
    session: &Session,
) -> Table {
    let language = session.language();
    let names = session.names(workspace);
    let word = |ja: &str, en: &str| Text::new(ja, en).get(language).to_owned();
    let mut table = Table::new(vec![
        Column::figure("No."),
        Column::text(word("指標", "Indicator"), 12).wrapped(3),
        Column::text(word("組織", "Org unit"), 8).wrapped(2),
        Column::text(word("対象期間", "Period"), 7),
        Column::figure(word("値", "Value")),
        Column::text(word("状態", "Status"), 6),
        Column::text(word("原因", "Cause"), 20).wrapped(4),
        Column::text(word("説明者", "By"), 6),
    ]);
    let mut row = |subject: &Subject, one: Option<&Measurement>, cause: &str, by: &str| {
        let value = one.map(|one| format::optional_figure(one.value, one.unit, language));
        let status = one.map(|one| one.status.title().get(language).to_owned());
        table.push(vec![
            subject.kpi.to_string().into(),
            names.indicator(subject.kpi, &subject.indicator).into(),
            names.org_unit(&subject.org_unit).into(),
            subject.period.to_string().into(),
            value.unwrap_or_default().into(),
            status.unwrap_or_default().into(),
            cause.into(),
            by.into(),
        ]);
    };
    let wanted = word("(説明待ち)", "(not explained yet)");
    for one in waiting {
        row(&Subject::of(one), Some(one), &wanted, "");
    }
    for one in &remarks.explanations {
        let figure = figures
            .iter()
            .find(|figure| Subject::of(figure) == one.subject);
        row(&one.subject, figure, one.cause.get(language), &one.by);
    }
    table
}

fn actions(found: &[Action], workspace: &Workspace, run: &Run, session: &Session) -> Table {
    let language = session.language();
    let names = session.names(workspace);
    let today = local_day(run.now, &workspace.settings.zone);
    let word = |ja: &str, en: &str| Text::new(ja, en).get(language).to_owned();
    let mut table = Table::new(vec![
        Column::figure(word("対応", "Action")),
        Column::text(word("起因", "Because of"), 14).wrapped(3),
        Column::text(word("内容", "What"), 20).wrapped(4),
        Column::text(word("担当", "Owner"), 6),
        Column::text(word("期限", "Due"), 10),
        Column::text(word("進捗", "State"), 8),
        Column::text(word("最新の記録", "Latest note"), 12)
            .wrapped(3)
            .spare(),
    ]);
    for action in found {
        let origin = match &action.origin {
            Origin::Deviation(subject) => format!(
                "KPI {} {} {}",
                subject.kpi,
                names.org_unit(&subject.org_unit),
                subject.period
            ),
            Origin::Board { period } => {
                format!("{} {period}", word("取締役会", "Board"))
            }
        };
        let state = if action.is_overdue(today) {
            word("期限超過", "overdue")
        } else {
            action.state.title().get(language).to_owned()
        };
        let due = action
            .due_on
            .map(|due| format::day(&date_of(due).to_string(), language));
        table.push(vec![
            action.number.to_string().into(),
            origin.into(),
            action.what.get(language).into(),
            action.owner.as_str().into(),
            due.unwrap_or_else(|| format::NOTHING.to_owned()).into(),
            state.into(),
            action
                .latest_note()
                .map_or("", |note| note.get(language))
                .into(),
        ]);
    }
    table
}
