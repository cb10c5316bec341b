//! `[sign_in]` and `[openid_connect]` of `keiki.toml`: how somebody signs in to the pages.

use std::sync::Arc;

use keiki_ingest::live::{SecretReference, Service, secret_reference};
use keiki_model::access::Role;
use keiki_model::document::Node;
use keiki_model::problem::Problem;
use keiki_model::text::Text;
use url::Url;

/// How somebody signs in.
#[derive(Debug, Clone, Default)]
pub struct SignInSettings {
    /// Who may sign in with a password.
    pub passwords: Passwords,
    /// The provider that says who somebody is; `None` = there is none.
    pub openid_connect: Option<OpenIdSettings>,
}

/// Who may sign in with a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Passwords {
    /// Whoever has one.
    #[default]
    Everybody,
    /// Administrators alone, so that somebody can still when the provider cannot be reached.
    Administrators,
}

impl Passwords {
    const ALL: [(&'static str, Self); 2] = [
        ("everybody", Self::Everybody),
        ("administrators", Self::Administrators),
    ];
}

/// A provider of `OpenID` Connect.
#[derive(Debug, Clone)]
pub struct OpenIdSettings {
    /// What people call it.
    pub name: Text,
    /// What it calls itself, to the letter.
    pub issuer: String,
    /// What it calls Keiki.
    pub client_id: String,
    /// The secret by which it knows Keiki; `None` for a client without one.
    pub client_secret: Option<SecretReference>,
    /// What is asked for beside `openid`.
    pub scopes: Vec<String>,
    /// The claim that lists groups; a dotted path leads into objects.
    pub groups_claim: String,
    /// The address of Keiki's pages as browsers open them; `None` = the loopback address on which it listens.
    pub address: Option<Url>,
    /// How it is reached.
    pub service: Arc<Service>,
    /// Groups with their roles as they are written: `data_owner@JP1`.
    pub groups: Vec<(String, Vec<String>)>,
}

/// Reads `[sign_in]` and `[openid_connect]`.
pub(super) fn sign_in(node: &Node<'_>) -> SignInSettings {
    let mut passwords = Passwords::default();
    if let Some(table) = node.table("sign_in") {
        passwords = table
            .choice("passwords", &Passwords::ALL)
            .unwrap_or_default();
        table.finish();
    }
    let openid_connect = node
        .table("openid_connect")
        .and_then(|table| openid_connect(&table));
    if passwords == Passwords::Administrators && !node.has("openid_connect") {
        let message = Text::new(
            "管理者以外がサインインできなくなります",
            "nobody but administrators could sign in",
        );
        node.report(
            Problem::new(node.place_of("sign_in"), message).hint(Text::new(
                "[openid_connect] を加えるか、passwords = \"everybody\" としてください",
                "add [openid_connect], or write passwords = \"everybody\"",
            )),
        );
    }
    SignInSettings {
        passwords,
        openid_connect,
    }
}

fn openid_connect(table: &Node<'_>) -> Option<OpenIdSettings> {
    let issuer = guarded(table, "issuer", table.required_string("issuer"));
    let client_id = table.required_string("client_id");
    let client_secret = secret_reference(table, "client_secret");
    let is_secret_sound = client_secret.is_some() || !table.has("client_secret");
    let address = guarded(table, "address", table.string("address"));
    let is_address_sound = address.is_some() || !table.has("address");
    let name = table.text("name");
    let scopes = if table.has("scopes") {
        table.strings("scopes")
    } else {
        vec!["profile".to_owned()]
    };
    let groups_claim = table.string("groups_claim");
    let service = Arc::new(Service::read(table));
    let groups = table.table("groups").map(|table| groups(&table));
    table.finish();
    if !is_secret_sound || !is_address_sound {
        return None;
    }
    Some(OpenIdSettings {
        name: name.unwrap_or_else(|| Text::new("組織のアカウント", "your organisation's account")),
        issuer: issuer?.0,
        client_id: client_id?,
        client_secret,
        scopes,
        groups_claim: groups_claim.unwrap_or_else(|| "groups".to_owned()),
        address: address.map(|(_, url)| url),
        service,
        groups: groups.unwrap_or_default(),
    })
}

/// An address to which one may send what is secret.
fn guarded(table: &Node<'_>, key: &str, text: Option<String>) -> Option<(String, Url)> {
    let text = text?;
    let url = Url::parse(&text).ok();
    let sound = url.filter(|url| {
        Service::is_guarded(url)
            && url.query().is_none()
            && url.fragment().is_none()
            && url.username().is_empty()
    });
    if sound.is_none() {
        let message = Text::new(
            format!("`{key}` は https のアドレスでなければなりません"),
            format!("`{key}` should be an address with https"),
        );
        table.report(
            Problem::new(table.place_of(key), message).hint(Text::new(
                "https://login.example.jp のように書いてください。http はこのコンピュータ自身に限ります",
                "write it as https://login.example.jp; http is for this computer alone",
            )),
        );
    }
    sound.map(|url| (text, url))
}

fn groups(table: &Node<'_>) -> Vec<(String, Vec<String>)> {
    let mut groups = Vec::new();
    for group in table.keys() {
        let roles = table.strings(&group);
        for role in &roles {
            let code = role.split('@').next().unwrap_or_default();
            if Role::from_code(code).is_none() {
                let message = Text::new(
                    format!("役割がありません: {code}"),
                    format!("unknown role: {code}"),
                );
                let codes = Role::ALL.map(|(code, _)| code).join(", ");
                table.report(
                    Problem::new(table.place_of(&group), message).hint(Text::quoted(codes)),
                );
            }
        }
        groups.push((group, roles));
    }
    table.finish();
    groups
}
