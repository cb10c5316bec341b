//! `keiki sources`

mod coverage;
mod trial;

use keiki_model::calendar::date_of;
use keiki_report::table::Column;
use serde_json::{Value, json};

use crate::cli::grid::Grid;
use crate::cli::session::Session;
use crate::cli::{Exit, Format};
use crate::config::Workspace;
use crate::environment;
use crate::error::Result;
use crate::messages;
use crate::operations::coverage::{self as owed, Asked, Timeliness};
use crate::operations::sources::{self, Listed};
use crate::operations::unassigned;

/// List sources with what they brought last, or try one
#[derive(Debug, clap::Args)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a flag of the command line"
)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    action: Option<Action>,
    /// List for each org unit and dataset when evidence last came, what is overdue, and which KPIs that leaves without data
    #[arg(long, conflicts_with = "unassigned")]
    coverage: bool,
    /// Only what this org unit and those below it owe
    #[arg(long, value_name = "ID", requires = "coverage")]
    org: Option<String>,
    /// Only what is overdue or never came
    #[arg(long, requires = "coverage")]
    overdue: bool,
    /// List the records whose retirement waits for a person, with the command that confirms it
    #[arg(long, conflicts_with_all = ["unassigned", "coverage"])]
    waiting: bool,
    /// List the texts in the place of org units that nobody knows, which need an alias
    #[arg(long)]
    unassigned: bool,
    /// How to print the list
    #[arg(long, default_value = "table", value_name = "FORMAT")]
    format: Format,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    Test(trial::Args),
}

impl Args {
    pub(crate) async fn run(self, session: &Session) -> Result<Exit> {
        let workspace = session.workspace()?;
        if let Some(Action::Test(args)) = self.action {
            return args.run(&workspace, session).await;
        }
        if self.coverage {
            return self.owed(&workspace, session).await;
        }
        if self.waiting {
            return self.waiting(&workspace, session).await;
        }
        if self.unassigned {
            return self.unassigned(&workspace, session).await;
        }
        list(&workspace, self.format, session).await
    }

    async fn owed(self, workspace: &Workspace, session: &Session) -> Result<Exit> {
        let asked = Asked {
            org_unit: self.org,
            now: environment::now(),
        };
        let mut owed = owed::list(workspace, &asked).await?;
        if self.overdue {
            owed.retain(|one| one.timeliness != Timeliness::Fresh);
        }
        let language = session.language();
        if owed.is_empty() && self.format == Format::Table {
            session.line(messages::NOTHING_OVERDUE.get(language));
            return Ok(Exit::Fine);
        }
        coverage::grid(&owed, self.format, language).print(self.format, session)?;
        Ok(Exit::Fine)
    }

    async fn waiting(self, workspace: &Workspace, session: &Session) -> Result<Exit> {
        let language = session.language();
        let listed = sources::list(workspace, environment::now()).await?;
        let waits = |one: &&Listed<'_>| {
            let last = one.last.as_ref();
            last.is_some_and(|last| last.counts.retirements_held > 0)
        };
        let waiting: Vec<&Listed<'_>> = listed.iter().filter(waits).collect();
        if waiting.is_empty() && self.format == Format::Table {
            session.line(messages::NOTHING_WAITS.get(language));
            return Ok(Exit::Fine);
        }
        let rows = waiting.iter().flat_map(|one| {
            let held = one.last.iter().flat_map(|last| {
                let command = sources::confirming(&one.name, &one.dataset, last.as_of);
                last.held
                    .iter()
                    .map(move |record| (record, command.clone()))
            });
            held.map(|(record, command)| {
                vec![
                    json!(one.name),
                    json!(one.dataset),
                    json!(record),
                    json!(command),
                ]
            })
        });
        let grid = Grid {
            names: vec!["source", "dataset", "record_key", "confirm"],
            columns: vec![
                Column::text(messages::SOURCE.get(language), 10),
                Column::text(messages::DATASET.get(language), 10),
                Column::text(messages::RECORD.get(language), 10),
                Column::text(messages::CONFIRM.get(language), 20),
            ],
            rows: rows.collect(),
        };
        grid.print(self.format, session)?;
        Ok(Exit::Fine)
    }

    async fn unassigned(self, workspace: &Workspace, session: &Session) -> Result<Exit> {
        let found = unassigned::list(workspace, environment::now()).await?;
        let language = session.language();
        if found.is_empty() && self.format == Format::Table {
            session.line(messages::NO_UNASSIGNED.get(language));
            return Ok(Exit::Fine);
        }
        let grid = Grid {
            names: vec![
                "text",
                "dataset",
                "sources",
                "records",
                "stands_for",
                "nearest",
            ],
            columns: vec![
                Column::text(messages::TEXT.get(language), 12),
                Column::text(messages::DATASET.get(language), 10),
                Column::text(messages::SOURCE.get(language), 10),
                Column::figure(messages::RECORDS.get(language)),
                Column::text(messages::STANDS_FOR.get(language), 6),
                Column::text(messages::NEAREST.get(language), 6).spare(),
            ],
            rows: found
                .into_iter()
                .map(|one| {
                    vec![
                        json!(one.text),
                        json!(one.dataset),
                        json!(one.sources.join(", ")),
                        json!(one.records),
                        json!(one.stands_for),
                        json!(one.nearest),
                    ]
                })
                .collect(),
        };
        grid.print(self.format, session)?;
        Ok(Exit::Fine)
    }
}

async fn list(workspace: &Workspace, format: Format, session: &Session) -> Result<Exit> {
    let listed = sources::list(workspace, environment::now()).await?;
    let language = session.language();
    let is_table = format == Format::Table;
    let has_schedules = listed
        .iter()
        .any(|listed| listed.next_due.is_some() || listed.standing.failed_at.is_some());
    let mut grid = Grid {
        names: vec![
            "source", "dataset", "kind", "place", "as_of", "known_at", "accepted", "changed",
            "retired", "rejected",
        ],
        columns: vec![
            Column::text(messages::SOURCE.get(language), 10),
            Column::text(messages::DATASET.get(language), 10),
            Column::text(messages::KIND.get(language), 4).spare(),
            Column::text(messages::PLACE.get(language), 10).spare(),
            Column::text(messages::AS_OF.get(language), 10),
            Column::text(messages::KNOWN_AT.get(language), 16),
            Column::figure(messages::ACCEPTED.get(language)),
            Column::figure(messages::CHANGED.get(language)),
            Column::figure(messages::RETIRED.get(language)),
            Column::figure(messages::REJECTED.get(language)),
        ],
        rows: listed
            .iter()
            .map(|listed| row(listed, workspace, is_table, messages::NEVER.get(language)))
            .collect(),
    };
    if !is_table {
        grid.names
            .extend(["refused_at", "refused_because", "mended_by"]);
    }
    if !is_table || has_schedules {
        grid.names.extend(["failed_at", "next_due"]);
        grid.columns
            .push(Column::text(messages::FAILED_AT.get(language), 16));
        grid.columns
            .push(Column::text(messages::NEXT_DUE.get(language), 16));
        for (row, listed) in grid.rows.iter_mut().zip(&listed) {
            let shown = |at: Option<i64>| json!(instant(at, workspace, is_table));
            row.extend([shown(listed.standing.failed_at), shown(listed.next_due)]);
        }
    }
    if !is_table {
        grid.names.extend(["succeeded_at", "failures", "reason"]);
        for (row, listed) in grid.rows.iter_mut().zip(&listed) {
            let standing = &listed.standing;
            let reason = standing.reason.as_ref().map(|reason| reason.get(language));
            row.push(json!(instant(standing.succeeded_at, workspace, is_table)));
            row.extend([json!(standing.failures), json!(reason)]);
        }
    }
    grid.print(format, session)?;
    if is_table {
        complain(&listed, workspace, session);
        tell_what_is_late(workspace, session).await?;
    }
    Ok(Exit::Fine)
}

/// Says how much of the evidence that org units owe is late, and which KPIs that leaves without data.
async fn tell_what_is_late(workspace: &Workspace, session: &Session) -> Result<()> {
    let asked = Asked {
        org_unit: None,
        now: environment::now(),
    };
    let owed = owed::list(workspace, &asked).await?;
    let late = owed
        .iter()
        .filter(|one| one.timeliness != Timeliness::Fresh);
    let count = late.clone().count();
    if count > 0 {
        let without_data = late.flat_map(|one| one.without_data.iter().copied());
        let said = messages::late(count, owed.len(), &without_data.collect());
        session.note(said.get(session.language()));
    }
    Ok(())
}

/// Says which sources failed or were refused last, and why.
fn complain(listed: &[Listed<'_>], workspace: &Workspace, session: &Session) {
    let language = session.language();
    for one in listed.iter().filter_map(|listed| listed.refused.as_ref()) {
        let at = instant(Some(one.reading.at), workspace, true).unwrap_or_default();
        let said = messages::refused(&at, one.mended_by);
        let reason = one.reading.reason.get(language);
        session.note(format!(
            "{}: {}: {reason}",
            one.reading.source,
            said.get(language)
        ));
    }
    for listed in listed {
        let standing = &listed.standing;
        let is_told = listed
            .refused
            .as_ref()
            .is_some_and(|one| Some(one.reading.at) == standing.failed_at);
        if let Some(reason) = standing.reason.as_ref().filter(|_| !is_told) {
            let text = messages::failed(&listed.name, standing.failures, reason);
            session.note(text.get(language));
        }
    }
}

fn row(listed: &Listed<'_>, workspace: &Workspace, is_table: bool, never: &str) -> Vec<Value> {
    let kind = listed.source.map(|source| source.kind.name.as_str());
    let place = listed.source.and_then(keiki_ingest::Source::shown_place);
    let mut row = vec![
        json!(listed.name),
        json!(listed.dataset),
        json!(kind),
        json!(place),
    ];
    match &listed.last {
        None => {
            row.push(if is_table { json!(never) } else { Value::Null });
            row.extend(vec![Value::Null; 5]);
        }
        Some(batch) => {
            row.extend([
                json!(date_of(batch.as_of).to_string()),
                json!(instant(Some(batch.known_at), workspace, is_table)),
                json!(batch.counts.accepted),
                json!(batch.counts.changed),
                json!(batch.counts.retired),
                json!(batch.counts.rejected),
            ]);
        }
    }
    if !is_table {
        let refused = listed.refused.as_ref();
        row.extend([
            json!(refused.and_then(|one| instant(Some(one.reading.at), workspace, is_table))),
            json!(refused.map(|one| one.reading.reason.en.as_str())),
            json!(refused.map(|one| one.mended_by)),
        ]);
    }
    row
}

/// An instant for people in the workspace's zone, for programs in UTC.
fn instant(at: Option<i64>, workspace: &Workspace, is_table: bool) -> Option<String> {
    let instant = jiff::Timestamp::from_microsecond(at?).ok()?;
    Some(if is_table {
        let local = instant.to_zoned(workspace.settings.zone.clone());
        local.strftime("%Y-%m-%d %H:%M").to_string()
    } else {
        instant.to_string()
    })
}
