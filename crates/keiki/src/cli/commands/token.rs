//! `keiki token`

use keiki_model::access::Right;
use keiki_model::calendar::instant_text;
use keiki_model::text::Text;
use keiki_report::table::{Column, Table};
use keiki_store::StoredApiToken;
use serde_json::json;

use crate::cli::grid::Grid;
use crate::cli::session::{Session, actor};
use crate::cli::{Exit, Format};
use crate::config::suggestion;
use crate::error::{Error, Result};
use crate::operations::accounts::{NewApiToken, Registry};

/// Keep the tokens with which programs use the server
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Make a token of an account; it is printed this once
    Make {
        /// The account for which it acts
        account: String,
        /// What it is for
        name: String,
        /// What may be done with it, of what its account may do
        #[arg(long, value_name = "RIGHT", num_args = 1.., value_delimiter = ',', required = true)]
        right: Vec<String>,
        /// For how many days it holds, 366 at most
        #[arg(long, default_value_t = 90, value_name = "DAYS")]
        days: u16,
    },
    /// List the tokens that have not ended
    List {
        /// How to print the list
        #[arg(long, default_value = "table", value_name = "FORMAT")]
        format: Format,
    },
    /// Take a token away
    Revoke {
        /// Its id, from the list
        id: String,
    },
}

impl Args {
    pub(crate) async fn run(self, session: &Session) -> Result<Exit> {
        let workspace = session.workspace()?;
        let registry = Registry::open(&workspace).await?;
        let by = actor();
        match self.what {
            What::Make {
                account,
                name,
                right,
                days,
            } => {
                let rights = right.iter().map(|code| right_of(code));
                let new = NewApiToken {
                    name,
                    rights: rights.collect::<Result<_>>()?,
                    days,
                    until: None,
                };
                let (_, token) = registry.make_api_token(&account, &new, &by).await?;
                session.line(token);
            }
            What::List { format } => {
                let tokens = registry.api_tokens(by.now).await?;
                let local = |at: i64| workspace.settings.local(at);
                list(&tokens, &local, format, session)?;
            }
            What::Revoke { id } => {
                registry.revoke_api_token(&id, &by).await?;
                let said = Text::new(format!("取り消しました: {id}"), format!("revoked: {id}"));
                session.line(said.get(session.language()));
            }
        }
        Ok(Exit::Fine)
    }
}

fn right_of(code: &str) -> Result<Right> {
    Right::from_code(code).ok_or_else(|| {
        Error::user(
            Text::new(
                format!("権限がありません: {code}"),
                format!("unknown right: {code}"),
            ),
            suggestion(code, Right::ALL.into_iter().map(|(code, _)| code)),
        )
    })
}

fn codes(token: &StoredApiToken) -> String {
    let codes = token.rights.iter().map(|right| right.code());
    codes.collect::<Vec<_>>().join(" ")
}

fn list(
    tokens: &[(String, StoredApiToken)],
    local: &dyn Fn(i64) -> String,
    format: Format,
    session: &Session,
) -> Result<()> {
    let language = session.language();
    if format == Format::Table {
        let head = |ja: &str, en: &str| Text::new(ja, en).get(language).to_owned();
        let mut table = Table::new(vec![
            Column::text(head("ID", "Id"), 16),
            Column::text(head("利用者名", "User"), 12),
            Column::text(head("用途", "For"), 12),
            Column::text(head("権限", "Rights"), 16),
            Column::text(head("期限", "Ends"), 16),
            Column::text(head("最終利用", "Last used"), 16),
        ]);
        for (account, one) in tokens {
            table.push(vec![
                one.id.clone().into(),
                account.clone().into(),
                one.name.clone().into(),
                codes(one).into(),
                local(one.expires_at).into(),
                one.seen_at.map_or_else(String::new, local).into(),
            ]);
        }
        session.table(&table);
        return Ok(());
    }
    let row = |(account, one): &(String, StoredApiToken)| {
        vec![
            json!(one.id),
            json!(account),
            json!(one.name),
            json!(codes(one)),
            json!(instant_text(one.created_at)),
            json!(instant_text(one.expires_at)),
            json!(one.seen_at.map(instant_text)),
        ]
    };
    let grid = Grid {
        names: vec![
            "id",
            "account",
            "name",
            "rights",
            "created_at",
            "expires_at",
            "seen_at",
        ],
        columns: Vec::new(),
        rows: tokens.iter().map(row).collect(),
    };
    grid.print(format, session)
}
