//! `keiki user`

use keiki_model::text::Text;
use keiki_report::table::{Column, Table};
use keiki_store::AccountStanding;
use serde_json::json;

use crate::cli::grid::Grid;
use crate::cli::session::{Session, actor};
use crate::cli::{Exit, Format};
use crate::config::Workspace;
use crate::environment;
use crate::error::Result;
use crate::operations::accounts::{self, NewAccount, Registry};
use crate::operations::measure::root_of_period;

/// Keep the accounts of the web pages
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Make an account, and a link by which its owner sets a password
    Add {
        /// The name with which to sign in
        name: String,
        /// The name that others read [default: the same]
        #[arg(long, value_name = "NAME")]
        shown: Option<String>,
        /// A role, for an org unit and all below it [default org unit: the root of the tree]
        #[arg(long, value_name = "ROLE[@ORG]", num_args = 1.., value_delimiter = ',')]
        role: Vec<String>,
    },
    /// List the accounts
    List {
        /// How to print the list
        #[arg(long, default_value = "table", value_name = "FORMAT")]
        format: Format,
    },
    /// Put roles in the place of those that an account has
    Roles {
        /// The account
        name: String,
        /// A role, for an org unit and all below it [default org unit: the root of the tree]
        #[arg(long, value_name = "ROLE[@ORG]", num_args = 1.., value_delimiter = ',', required = true)]
        role: Vec<String>,
    },
    /// Let an account sign in no longer, and end what it has open
    Disable {
        /// The account
        name: String,
    },
    /// Let an account sign in again
    Enable {
        /// The account
        name: String,
    },
    /// Set the address of mail at which an account's owner is told; without one they are told nothing
    Mail {
        /// The account
        name: String,
        /// The address; none takes it away
        address: Option<String>,
    },
    /// Make a link by which an account's owner sets a new password
    Password {
        /// The account
        name: String,
    },
}

impl Args {
    pub(crate) async fn run(self, session: &Session) -> Result<Exit> {
        let workspace = session.workspace()?;
        let registry = Registry::open(&workspace).await?;
        let by = actor();
        match self.what {
            What::Add { name, shown, role } => {
                let new = NewAccount {
                    shown_name: shown.unwrap_or_default(),
                    grants: grants(&workspace, &role)?,
                    name,
                };
                let token = registry.add(&new, &by).await?;
                tell_link(&token, &workspace, session);
            }
            What::List { format } => list(&registry, format, session).await?,
            What::Roles { name, role } => {
                let grants = grants(&workspace, &role)?;
                registry.set_grants(&name, &grants, &by).await?;
                let told = accounts::told(&grants);
                session.line(format!("{name}: {told}"));
            }
            What::Disable { name } => {
                let standing = AccountStanding::Disabled;
                registry.set_standing(&name, standing, &by).await?;
                let said = Text::new(format!("停止しました: {name}"), format!("disabled: {name}"));
                session.line(said.get(session.language()));
            }
            What::Enable { name } => {
                let standing = AccountStanding::Active;
                registry.set_standing(&name, standing, &by).await?;
                let said = Text::new(format!("再開しました: {name}"), format!("enabled: {name}"));
                session.line(said.get(session.language()));
            }
            What::Mail { name, address } => {
                let address = address.unwrap_or_default();
                registry.set_mail(&name, &address, &by).await?;
                session.line(format!("{name}: {address}"));
            }
            What::Password { name } => {
                let token = registry.renew(&name, &by).await?;
                tell_link(&token, &workspace, session);
            }
        }
        Ok(Exit::Fine)
    }
}

fn grants(workspace: &Workspace, roles: &[String]) -> Result<Vec<keiki_model::access::Grant>> {
    let now = environment::now();
    let today = keiki_model::calendar::local_day(now, &workspace.settings.zone);
    let month = keiki_model::calendar::Month::of(today);
    let root = root_of_period(workspace, keiki_model::calendar::Period::Month(month));
    roles
        .iter()
        .map(|role| accounts::grant(workspace, role, &root))
        .collect()
}

fn tell_link(token: &str, workspace: &Workspace, session: &Session) {
    let link = workspace.settings.link(&format!("/welcome/{token}"));
    let address = &link.text;
    let said = Text::new(
        format!("パスワードを設定するリンク(72時間有効、1回限り): {address}"),
        format!("the link that sets the password, once and within 72 hours: {address}"),
    );
    session.line(said.get(session.language()));
    if let Some(note) = link.note {
        session.line(note.get(session.language()));
    }
}

async fn list(registry: &Registry, format: Format, session: &Session) -> Result<()> {
    let language = session.language();
    let all = registry.all().await?;
    let state = |one: &keiki_store::Account| {
        let text = match (one.standing, &one.password) {
            (AccountStanding::Disabled, _) => Text::new("停止", "disabled"),
            (AccountStanding::Active, None) => Text::new("パスワード未設定", "no password yet"),
            (AccountStanding::Active, Some(_)) => Text::new("有効", "active"),
        };
        text.get(language).to_owned()
    };
    if format == Format::Table {
        let head = |ja: &str, en: &str| Text::new(ja, en).get(language).to_owned();
        let mut table = Table::new(vec![
            Column::text(head("利用者名", "User"), 12),
            Column::text(head("表示名", "Shown as"), 12),
            Column::text(head("状態", "State"), 8),
            Column::text(head("役割", "Roles"), 20),
        ]);
        for one in &all {
            table.push(vec![
                one.name.clone().into(),
                one.shown_name.clone().into(),
                state(one).into(),
                accounts::told(&one.grants).into(),
            ]);
        }
        session.table(&table);
        return Ok(());
    }
    let row = |one: &keiki_store::Account| {
        vec![
            json!(one.name),
            json!(one.shown_name),
            json!(one.standing == AccountStanding::Disabled),
            json!(one.password.is_some()),
            json!(accounts::told(&one.grants)),
        ]
    };
    let grid = Grid {
        names: vec!["name", "shown_name", "is_disabled", "has_password", "roles"],
        columns: Vec::new(),
        rows: all.iter().map(row).collect(),
    };
    grid.print(format, session)
}
