//! `keiki programme`

use std::path::PathBuf;

use jiff::tz::TimeZone;
use keiki_model::calendar::date_of;
use keiki_model::text::{Language, Text};
use keiki_report::table::Column;
use serde_json::json;

use crate::cli::grid::Grid;
use crate::cli::session::Session;
use crate::cli::{Exit, Format};
use crate::config::suggestion;
use crate::environment;
use crate::error::{Error, Result};
use crate::messages;
use crate::operations::accounts::{Actor, Registry};
use crate::operations::changes::{self, Came, ChangeKind};
use crate::operations::plans;
use crate::operations::programme::{self, Change, Difference, Run};

/// What can be changed, in the words of the help.
const KINDS_HELP: &str = "What: adoption, target, parameter, cadence, applicability, waiver, owner, hand_over, end, unit_add, unit_move, unit_end";
/// How fields are given, in the words of the help.
const FIELDS_HELP: &str = "To what, such as kpi=1 org_unit=JP1 from=2026-04-01 at_least=0.95";

/// The ledger of definitions: what is in force, since when, and who recorded it
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Show what the files would change, or what one edition changed
    Diff {
        /// What this edition changed against the one before it
        #[arg(long, value_name = "NUMBER")]
        edition: Option<i64>,
        /// Only the names of the files
        #[arg(long)]
        names: bool,
    },
    /// Record what the files say, with the reason
    Import {
        /// Why it changes
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
    /// Change the programme or the org tree; what needs four eyes becomes a request
    Change {
        #[arg(help = KINDS_HELP)]
        kind: String,
        #[arg(value_name = "FIELD=VALUE", help = FIELDS_HELP)]
        fields: Vec<String>,
        /// Why it changes
        #[arg(long, value_name = "TEXT", required_unless_present = "dry_run")]
        reason: Option<String>,
        /// Only show what it would make of the files
        #[arg(long)]
        dry_run: bool,
    },
    /// List the editions
    Log {
        /// How to print the list
        #[arg(long, default_value = "table", value_name = "FORMAT")]
        format: Format,
    },
    /// List the approved plans: what their baseline holds, what was revised and added since
    Plans {
        /// How to print the list
        #[arg(long, default_value = "table", value_name = "FORMAT")]
        format: Format,
    },
    /// Write the files of an edition into a new folder
    Export {
        /// The edition [default: the last]
        #[arg(long, value_name = "NUMBER")]
        edition: Option<i64>,
        /// The folder
        folder: PathBuf,
    },
}

impl Args {
    pub(crate) async fn run(self, session: &Session) -> Result<Exit> {
        let workspace = session.workspace()?;
        let language = session.language();
        match self.action {
            Action::Diff { edition, names } => {
                let found = programme::differences(&workspace, edition).await?;
                if found.is_empty() {
                    session.line(messages::SAME_FILES.get(language));
                }
                for difference in &found {
                    show(difference, names, session);
                }
            }
            Action::Import { reason } => {
                let run = Run {
                    author: environment::author(),
                    now: environment::now(),
                };
                let recorded = programme::record(&workspace, &run, Some(&reason)).await?;
                match recorded.new_number() {
                    None => session.line(messages::SAME_FILES.get(language)),
                    Some(number) => {
                        let text = Text::new(
                            format!("第{number}版として記録しました"),
                            format!("recorded as edition {number}"),
                        );
                        session.line(text.get(language));
                    }
                }
            }
            Action::Change {
                kind,
                fields,
                reason,
                dry_run,
            } => {
                let change = change_of(&kind, &fields)?;
                if dry_run {
                    for difference in &changes::preview(&workspace, &change)? {
                        show(difference, false, session);
                    }
                } else {
                    make_change(session, &change, &reason.unwrap_or_default()).await?;
                }
            }
            Action::Log { format } => log(session, format).await?,
            Action::Plans { format } => show_plans(session, format).await?,
            Action::Export { edition, folder } => {
                let count = programme::export(&workspace, edition, &folder).await?;
                let text = Text::new(
                    format!("{count}ファイルを書き出しました: {}", folder.display()),
                    format!("wrote {count} files: {}", folder.display()),
                );
                session.line(text.get(language));
            }
        }
        Ok(Exit::Fine)
    }
}

fn change_of(kind: &str, fields: &[String]) -> Result<changes::Change> {
    let codes = ChangeKind::ALL.into_iter().map(|(code, _)| code);
    let known = ChangeKind::from_code(kind).ok_or_else(|| {
        Error::user(
            Text::new(
                format!("変更の種類がありません: {kind}"),
                format!("unknown change: {kind}"),
            ),
            suggestion(kind, codes),
        )
    })?;
    let mut given = Vec::new();
    for field in fields {
        let Some((name, value)) = field.split_once('=') else {
            return Err(Error::user(
                Text::new(
                    format!("項目=値 の形ではありません: {field}"),
                    format!("not FIELD=VALUE: {field}"),
                ),
                Text::new("例: kpi=1 from=2026-04-01", "such as kpi=1 from=2026-04-01"),
            ));
        };
        given.push((name.to_owned(), value.to_owned()));
    }
    changes::Change::read(known, given)
}

async fn make_change(session: &Session, change: &changes::Change, reason: &str) -> Result<()> {
    let workspace = session.workspace()?;
    let run = Run {
        author: environment::author(),
        now: environment::now(),
    };
    let came = changes::ask(&workspace, change, reason, &run).await?;
    let (action, text) = match came {
        Came::Made(Some(number)) => (
            "change",
            Text::new(
                format!("第{number}版として記録しました"),
                format!("recorded as edition {number}"),
            ),
        ),
        Came::Made(None) => (
            "change",
            Text::new(
                messages::SAME_FILES.get(Language::Ja),
                messages::SAME_FILES.get(Language::En),
            ),
        ),
        Came::Asked => (
            "request_change",
            Text::new(
                "申請しました。承認者が「申請」の画面で承認すると反映されます",
                "asked for; it is made once an approver agrees, under Requests",
            ),
        ),
    };
    let by = Actor {
        name: run.author,
        address: String::new(),
        now: run.now,
    };
    let registry = Registry::open(&workspace).await?;
    registry.note(&by, action, &change.said(), reason).await?;
    session.line(text.get(session.language()));
    Ok(())
}

fn show(difference: &Difference, names: bool, session: &Session) {
    let word = match difference.change {
        Change::Added => Text::new("追加", "added"),
        Change::Removed => Text::new("削除", "removed"),
        Change::Changed => Text::new("変更", "changed"),
    };
    session.line(format!(
        "{}  {}",
        word.get(session.language()),
        difference.file
    ));
    if names || difference.change != Change::Changed {
        return;
    }
    for (sign, line) in &difference.in_context {
        session.line(format!("  {sign} {line}"));
    }
}

/// The local time for people, the instant for programs.
fn when(micros: i64, zone: &TimeZone, format: Format) -> String {
    jiff::Timestamp::from_microsecond(micros).map_or_else(
        |_| micros.to_string(),
        |instant| match format {
            Format::Table => {
                let zoned = instant.to_zoned(zone.clone());
                zoned.strftime("%Y-%m-%d %H:%M").to_string()
            }
            Format::Json | Format::Csv => instant.to_string(),
        },
    )
}

async fn log(session: &Session, format: Format) -> Result<()> {
    let workspace = session.workspace()?;
    let language = session.language();
    let editions = programme::editions(&workspace).await?;
    let zone = &workspace.settings.zone;
    let rows = editions
        .iter()
        .map(|edition| {
            vec![
                json!(edition.number),
                json!(when(edition.known_at, zone, format)),
                json!(edition.author),
                json!(edition.reason),
            ]
        })
        .collect();
    let grid = Grid {
        names: vec!["edition", "recorded_at", "author", "reason"],
        columns: vec![
            Column::figure(Text::new("版", "Edition").get(language)),
            Column::text(Text::new("記録日時", "Recorded at").get(language), 16),
            Column::text(Text::new("記録者", "Author").get(language), 8),
            Column::text(Text::new("理由", "Reason").get(language), 20),
        ],
        rows,
    };
    grid.print(format, session)?;
    Ok(())
}

async fn show_plans(session: &Session, format: Format) -> Result<()> {
    let workspace = session.workspace()?;
    let language = session.language();
    let found = plans::standings(&workspace, environment::now()).await?;
    if found.is_empty() && format == Format::Table {
        session.line(messages::NO_PLANS.get(language));
        return Ok(());
    }
    let rows = found
        .iter()
        .map(|standing| {
            let plan = &standing.plan;
            vec![
                json!(plan.dataset.value),
                json!(plan.org_unit.value),
                json!(format!("FY{}", plan.fiscal_year)),
                json!(date_of(plan.approved_on).to_string()),
                json!(plan.approved_by),
                json!(date_of(plan.entered_until).to_string()),
                json!(standing.items),
                json!(standing.revised),
                json!(standing.added),
            ]
        })
        .collect();
    let text =
        |ja: &str, en: &str, width: usize| Column::text(Text::new(ja, en).get(language), width);
    let figure = |ja: &str, en: &str| Column::figure(Text::new(ja, en).get(language));
    let grid = Grid {
        names: vec![
            "dataset",
            "org_unit",
            "fiscal_year",
            "approved_on",
            "approved_by",
            "entered_until",
            "items",
            "revised",
            "added",
        ],
        columns: vec![
            text("データ種別", "Dataset", 10),
            text("組織", "Org unit", 4),
            text("年度", "Year", 6),
            text("承認日", "Approved on", 10),
            text("承認者", "Approved by", 8),
            text("登録期限", "Entered until", 10),
            figure("基準計画の項目", "Items"),
            figure("改訂", "Revised"),
            figure("追加", "Added"),
        ],
        rows,
    };
    grid.print(format, session)?;
    Ok(())
}
