//! `keiki collect status`

use jiff::Timestamp;
use keiki_model::calendar::date_of;
use keiki_model::text::Text;
use keiki_report::table::Column;
use serde_json::{Value, json};

use crate::cli::grid::Grid;
use crate::cli::session::Session;
use crate::cli::{Exit, Format};
use crate::config::Workspace;
use crate::environment;
use crate::error::Result;
use crate::messages;
use crate::operations::collect::{self, Standing, State};
use crate::operations::period;

/// List what was sent to whom, what came back, and what is missing
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The period
    #[arg(long)]
    period: String,
    /// Org units [default: all]
    #[arg(long, value_name = "ID", num_args = 1.., value_delimiter = ',')]
    org: Vec<String>,
    /// How to print the list
    #[arg(long, default_value = "table", value_name = "FORMAT")]
    format: Format,
}

impl Args {
    pub(crate) async fn run(self, session: &Session) -> Result<Exit> {
        let workspace = session.workspace()?;
        let period = period::period(&self.period)?;
        let found = collect::status(&workspace, period, &self.org, environment::now()).await?;
        let language = session.language();
        if found.is_empty() && self.format == Format::Table {
            let said = Text::new(
                format!("{period}: 収集票で集めるものはなく、様式も作成されていません"),
                format!("{period}: nothing is owed by workbook, and no form was made"),
            );
            session.line(said.get(language));
            return Ok(Exit::Fine);
        }
        let is_table = self.format == Format::Table;
        let title = |ja: &str, en: &str| Text::new(ja, en).get(language).to_owned();
        let rows = found
            .iter()
            .map(|standing| {
                let state = if is_table {
                    json!(state(standing.state).get(language))
                } else {
                    json!(code(standing.state))
                };
                row(standing, state, &workspace)
            })
            .collect();
        let grid = Grid {
            names: vec![
                "org_unit",
                "dataset",
                "form",
                "sent_on",
                "due",
                "came_back_on",
                "as_of",
                "accepted",
                "changed",
                "rejected",
                "state",
            ],
            columns: vec![
                Column::text(messages::ORG_UNIT.get(language), 8),
                Column::text(messages::DATASET.get(language), 10),
                Column::text(title("様式番号", "Form"), 12).spare(),
                Column::text(title("作成日", "Made"), 10),
                Column::text(title("期限", "Due"), 10).spare(),
                Column::text(title("受領日", "Back"), 10),
                Column::text(messages::AS_OF.get(language), 10).spare(),
                Column::figure(messages::ACCEPTED.get(language)),
                Column::figure(messages::CHANGED.get(language)),
                Column::figure(messages::REJECTED.get(language)),
                Column::text(title("状態", "State"), 10),
            ],
            rows,
        };
        grid.print(self.format, session)?;
        Ok(Exit::Fine)
    }
}

fn row(standing: &Standing, state: Value, workspace: &Workspace) -> Vec<Value> {
    let day = |micros: i64| {
        let instant = Timestamp::from_microsecond(micros).ok();
        instant.map(|at| {
            let local = at.to_zoned(workspace.settings.zone.clone());
            local.date().to_string()
        })
    };
    let sent = standing.sent.as_ref();
    let back = standing.back.as_ref();
    vec![
        json!(standing.org_unit),
        json!(standing.dataset),
        json!(sent.map(|form| &form.id)),
        json!(sent.and_then(|form| day(form.issued_at))),
        json!(sent.and_then(|form| form.due.clone())),
        json!(back.and_then(|batch| day(batch.known_at))),
        json!(back.map(|batch| date_of(batch.as_of).to_string())),
        json!(back.map(|batch| batch.counts.accepted)),
        json!(back.map(|batch| batch.counts.changed)),
        json!(back.map(|batch| batch.counts.rejected)),
        state,
    ]
}

fn state(state: State) -> Text {
    match state {
        State::NotSent => Text::new("未送付", "not sent"),
        State::Missing => Text::new("未提出", "missing"),
        State::Back => Text::new("受領", "back"),
        State::Partly => Text::new("要修正あり", "back, to be mended"),
        State::Nothing => Text::new("該当なし", "nothing to report"),
    }
}

fn code(state: State) -> &'static str {
    match state {
        State::NotSent => "not_sent",
        State::Missing => "missing",
        State::Back => "back",
        State::Partly => "partly",
        State::Nothing => "nothing",
    }
}
