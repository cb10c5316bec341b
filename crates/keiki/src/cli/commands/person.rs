//! `keiki person`

use keiki_model::text::Text;
use keiki_report::table::Column;
use serde_json::{Map, Value, json};

use crate::cli::commands::measure::local;
use crate::cli::grid::{Grid, csv_text, print_json};
use crate::cli::session::Session;
use crate::cli::{Exit, Format};
use crate::environment;
use crate::error::{Error, Result};
use crate::messages;
use crate::operations::person::{self, Found, Grounds, PersonRow, Whom};
use crate::operations::programme::Run;

/// Find, export or erase one person; the log of what was done about people
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Find a person's token and the records that carry it
    Find {
        #[command(flatten)]
        whom: WhomArgs,
        /// How to print the list
        #[arg(long, default_value = "table", value_name = "FORMAT")]
        format: Format,
    },
    /// Write every row of one person, for a request of the data subject
    Export {
        #[command(flatten)]
        whom: WhomArgs,
        /// How to print the rows: json or csv
        #[arg(long, default_value = "json", value_name = "FORMAT")]
        format: Format,
    },
    /// Forget one person: raw files that hold the person are taken away; no figure changes
    Erase {
        #[command(flatten)]
        whom: WhomArgs,
    },
    /// List what was done about people, by whom and why
    Log {
        /// How to print the list
        #[arg(long, default_value = "table", value_name = "FORMAT")]
        format: Format,
    },
}

#[derive(Debug, clap::Args)]
struct WhomArgs {
    /// The name, staff number or address, or a part of it
    #[arg(required_unless_present = "token", conflicts_with = "token")]
    text: Option<String>,
    /// The token that stands for the person
    #[arg(long, value_name = "TOKEN")]
    token: Option<String>,
    /// Why; it is logged with who did it
    #[arg(long, value_name = "TEXT")]
    reason: String,
}

impl WhomArgs {
    fn read(self) -> Result<(Whom, Grounds)> {
        let whom = match (self.token, self.text) {
            (Some(token), _) if is_token(&token) => Whom::Token(token),
            (Some(token), _) => {
                return Err(Error::user(
                    Text::new(
                        format!("トークンではありません: {token}"),
                        format!("not a token: {token}"),
                    ),
                    Text::new(
                        "`keiki person find` が示す p- で始まる値を指定してください",
                        "write it as `keiki person find` shows it, beginning with p-",
                    ),
                ));
            }
            (None, text) => Whom::Named(text.unwrap_or_default()),
        };
        let grounds = Grounds {
            reason: self.reason,
            run: Run {
                author: environment::author(),
                now: environment::now(),
            },
        };
        Ok((whom, grounds))
    }
}

fn is_token(text: &str) -> bool {
    let digits = text.strip_prefix("p-");
    digits.is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_hexdigit()))
}

impl Args {
    pub(crate) async fn run(self, session: &Session) -> Result<Exit> {
        let workspace = session.workspace()?;
        let language = session.language();
        match self.action {
            Action::Find { whom, format } => {
                let (whom, grounds) = whom.read()?;
                let found = person::find(&workspace, &whom, &grounds).await?;
                list(&found, session).print(format, session)?;
            }
            Action::Export { whom, format } => {
                let (whom, grounds) = whom.read()?;
                let rows = person::export(&workspace, &whom, &grounds).await?;
                write(&rows, format, session)?;
            }
            Action::Erase { whom } => {
                let (whom, grounds) = whom.read()?;
                let erased = person::erase(&workspace, &whom, &grounds).await?;
                session.line(messages::erased(&erased).get(language));
                session.note(messages::ERASED_AT_THE_SOURCE.get(language));
            }
            Action::Log { format } => {
                let rows = person::log(&workspace).await?.into_iter().map(|event| {
                    let at = jiff::Timestamp::from_microsecond(event.at);
                    let at = at.map(|at| at.to_string()).unwrap_or_default();
                    let at = if format == Format::Table {
                        local(&at, &workspace, session.language())
                    } else {
                        at
                    };
                    vec![
                        json!(at),
                        json!(event.author),
                        json!(event.action),
                        json!(event.token),
                        json!(event.count),
                        json!(event.reason),
                    ]
                });
                let title = |ja: &str, en: &str| Text::new(ja, en).get(language).to_owned();
                Grid {
                    names: vec!["at", "author", "action", "token", "count", "reason"],
                    columns: vec![
                        Column::text(title("日時", "When"), 16),
                        Column::text(title("実行者", "Who"), 6),
                        Column::text(title("操作", "What"), 6),
                        Column::text(title("トークン", "Token"), 10),
                        Column::figure(title("件数", "Count")),
                        Column::text(messages::REASON.get(language), 12).wrapped(3),
                    ],
                    rows: rows.collect(),
                }
                .print(format, session)?;
            }
        }
        Ok(Exit::Fine)
    }
}

fn list(found: &[Found], session: &Session) -> Grid {
    let language = session.language();
    let title = |ja: &str, en: &str| Text::new(ja, en).get(language).to_owned();
    let row = |one: &Found| {
        let records: Vec<String> = one
            .records
            .iter()
            .map(|(dataset, count)| format!("{dataset} {count}"))
            .collect();
        vec![
            json!(one.person.value),
            json!(one.person.token),
            json!(records.join(", ")),
        ]
    };
    Grid {
        names: vec!["value", "token", "records"],
        columns: vec![
            Column::text(title("本人を示す値", "Person"), 10),
            Column::text(title("トークン", "Token"), 34),
            Column::text(title("レコード", "Records"), 12).wrapped(4),
        ],
        rows: found.iter().map(row).collect(),
    }
}

/// Writes the rows: as objects, or as one line of CSV for each value.
fn write(rows: &[PersonRow], format: Format, session: &Session) -> Result<()> {
    if format == Format::Json {
        let object = |row: &PersonRow| {
            let columns = row.columns.iter();
            let mut object = Map::new();
            object.insert("dataset".into(), json!(row.dataset));
            object.extend(columns.map(|(name, value)| (name.clone(), json!(value))));
            Value::Object(object)
        };
        print_json(&Value::Array(rows.iter().map(object).collect()), session);
        return Ok(());
    }
    let lines: Vec<Vec<Value>> = rows
        .iter()
        .enumerate()
        .flat_map(|(at, row)| {
            let values = row.columns.iter();
            values.map(move |(name, value)| {
                vec![json!(at + 1), json!(row.dataset), json!(name), json!(value)]
            })
        })
        .collect();
    session.print(&csv_text(&["row", "dataset", "column", "value"], &lines)?);
    Ok(())
}
