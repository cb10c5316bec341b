//! `keiki upload-link`

use keiki_model::calendar::instant_text;
use keiki_model::text::Text;
use keiki_report::table::{Column, Table};
use keiki_store::StoredUploadLink;
use serde_json::json;

use crate::cli::grid::Grid;
use crate::cli::session::{Session, actor};
use crate::cli::{Exit, Format};
use crate::error::Result;
use crate::operations::accounts::Registry;
use crate::operations::office::holders::LinkStanding;
use crate::operations::upload_links::{self, DAYS, NewUploadLink};

/// Keep the links by which somebody without an account sends one file
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Make a link; it is printed this once
    Make {
        /// For whom it is
        holder: String,
        /// The org unit for which they speak
        #[arg(long, value_name = "ORG")]
        org: String,
        /// What the file is read as: workbook, dataset:NAME or source:NAME
        #[arg(long, value_name = "workbook|KIND:NAME")]
        into: String,
        /// The period that the file is about
        #[arg(long, value_name = "PERIOD")]
        period: String,
        /// For how many days it holds, 60 at most
        #[arg(long, default_value_t = DAYS, value_name = "DAYS")]
        days: u16,
    },
    /// List the links, the latest first
    List {
        /// How to print the list
        #[arg(long, default_value = "table", value_name = "FORMAT")]
        format: Format,
    },
    /// Take a link back
    Revoke {
        /// Its id, from the list
        id: String,
    },
}

impl Args {
    pub(crate) async fn run(self, session: &Session) -> Result<Exit> {
        let workspace = session.workspace()?;
        let registry = Registry::open(&workspace).await?;
        let links = upload_links::open(&workspace).await?;
        let by = actor();
        match self.what {
            What::Make {
                holder,
                org,
                into,
                period,
                days,
            } => {
                let new = NewUploadLink {
                    holder,
                    org_unit: org,
                    into,
                    period,
                    days,
                };
                let (link, token) = upload_links::make(&workspace, &links, &new, &by).await?;
                upload_links::note_made(&registry, &link, &by).await?;
                let link = workspace.settings.link(&format!("/upload/{token}"));
                let address = &link.text;
                let said = Text::new(
                    format!("提出リンク({days}日間有効、1回限り): {address}"),
                    format!("the link, once and within {days} days: {address}"),
                );
                session.line(said.get(session.language()));
                if let Some(note) = link.note {
                    session.line(note.get(session.language()));
                }
            }
            What::List { format } => {
                let local = |at: i64| workspace.settings.local(at);
                list(&links.all().await?, &local, (format, by.now), session)?;
            }
            What::Revoke { id } => {
                upload_links::revoke(&links, &registry, &id, &by).await?;
                let said = Text::new(format!("取り消しました: {id}"), format!("taken back: {id}"));
                session.line(said.get(session.language()));
            }
        }
        Ok(Exit::Fine)
    }
}

fn standing(link: &StoredUploadLink, now: i64) -> Text {
    match LinkStanding::of(link, now) {
        LinkStanding::Open => Text::new("有効", "holds"),
        LinkStanding::Used => Text::new("使用済み", "used"),
        LinkStanding::Revoked => Text::new("取消し済み", "taken back"),
        LinkStanding::Expired => Text::new("期限切れ", "too old"),
    }
}

fn list(
    links: &[StoredUploadLink],
    local: &dyn Fn(i64) -> String,
    (format, now): (Format, i64),
    session: &Session,
) -> Result<()> {
    let language = session.language();
    if format == Format::Table {
        let head = |ja: &str, en: &str| Text::new(ja, en).get(language).to_owned();
        let mut table = Table::new(vec![
            Column::text(head("ID", "Id"), 16),
            Column::text(head("相手", "For whom"), 12),
            Column::text(head("組織", "Org unit"), 8),
            Column::text(head("証跡", "Evidence"), 16),
            Column::text(head("対象期間", "Period"), 8),
            Column::text(head("期限", "Ends"), 16),
            Column::text(head("状態", "Status"), 8),
        ]);
        for one in links {
            table.push(vec![
                one.id.clone().into(),
                one.holder.clone().into(),
                one.org_unit.clone().into(),
                one.into.clone().into(),
                one.period.clone().into(),
                local(one.expires_at).into(),
                standing(one, now).get(language).to_owned().into(),
            ]);
        }
        session.table(&table);
        return Ok(());
    }
    let row = |one: &StoredUploadLink| {
        vec![
            json!(one.id),
            json!(one.holder),
            json!(one.org_unit),
            json!(one.into),
            json!(one.period),
            json!(one.made_by),
            json!(instant_text(one.made_at)),
            json!(instant_text(one.expires_at)),
            json!(LinkStanding::of(one, now).code()),
        ]
    };
    let grid = Grid {
        names: vec![
            "id",
            "holder",
            "org_unit",
            "into",
            "period",
            "made_by",
            "made_at",
            "expires_at",
            "standing",
        ],
        columns: Vec::new(),
        rows: links.iter().map(row).collect(),
    };
    grid.print(format, session)
}
