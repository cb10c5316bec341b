//! `[mail]` and `[[webhooks]]` of `keiki.toml`: by what people and other systems are told.

use std::sync::Arc;

use keiki_ingest::live::{Destination, SecretReference, secret_reference};
use keiki_model::calendar::Day;
use keiki_model::document::Node;
use keiki_model::problem::Problem;
use keiki_model::text::Text;

/// By what people and other systems are told; nothing is, where neither is set.
#[derive(Debug, Clone, Default)]
pub struct NotifySettings {
    /// The mail server.
    pub mail: Option<MailSettings>,
    /// Other systems.
    pub webhooks: Vec<Webhook>,
}

/// The mail server by which people are told.
#[derive(Debug, Clone)]
pub struct MailSettings {
    /// Its name.
    pub server: String,
    /// Its port.
    pub port: u16,
    /// How what is sent is kept from others.
    pub security: MailSecurity,
    /// The user and the password with which it is used.
    pub credentials: Option<(String, SecretReference)>,
    /// From whom mail comes.
    pub from: String,
    /// The address of the pages, to which mail leads; absent = it leads nowhere.
    pub pages: Option<String>,
    /// How seldom somebody gets mail; absent = as often as something is new.
    pub digest: Option<Digest>,
}

/// How seldom somebody gets mail: what is new meanwhile waits, and comes together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Digest {
    /// Once a day.
    Daily,
    /// Once a week, from Monday on.
    Weekly,
}

impl Digest {
    const ALL: [(&'static str, Self); 2] = [("daily", Self::Daily), ("weekly", Self::Weekly)];

    /// Whether two days have one mail.
    #[must_use]
    pub fn is_of_one(self, first: Day, second: Day) -> bool {
        // The first day of all, 1 January 1970, was a Thursday.
        let week = |day: Day| (day + 3).div_euclid(7);
        match self {
            Self::Daily => first == second,
            Self::Weekly => week(first) == week(second),
        }
    }
}

/// How mail is kept from others on its way to the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MailSecurity {
    /// TLS from the first byte.
    Tls,
    /// TLS after a greeting; without it nothing is sent.
    StartTls,
    /// Not at all: for a server on this computer.
    None,
}

impl MailSecurity {
    const ALL: [(&'static str, Self); 3] = [
        ("tls", Self::Tls),
        ("starttls", Self::StartTls),
        ("none", Self::None),
    ];

    fn port(self) -> i64 {
        match self {
            Self::Tls => 465,
            Self::StartTls => 587,
            Self::None => 25,
        }
    }
}

/// Another system that is told.
#[derive(Debug, Clone)]
pub struct Webhook {
    /// What it is called.
    pub name: String,
    /// The form that it reads.
    pub form: WebhookForm,
    /// Where it is.
    pub destination: Arc<Destination>,
    /// The secret by which messages are signed.
    pub secret: Option<SecretReference>,
    /// How long it may take to answer. *Units*: seconds.
    pub answer_seconds: u64,
}

/// How long another system may take to answer, where nothing is said, and at most. *Units*: seconds.
const ANSWER_SECONDS: u64 = 10;
/// At most.
const ANSWER_SECONDS_MOST: u64 = 60;

/// The form of a message to another system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WebhookForm {
    /// What Slack's incoming webhooks read.
    Slack,
    /// What Microsoft Teams' workflows read: an adaptive card.
    Teams,
    /// The notices as data.
    Json,
}

impl WebhookForm {
    const ALL: [(&'static str, Self); 3] = [
        ("slack", Self::Slack),
        ("teams", Self::Teams),
        ("json", Self::Json),
    ];
}

/// Reads `[mail]` and `[[webhooks]]`.
pub(super) fn notify(node: &Node<'_>) -> NotifySettings {
    NotifySettings {
        mail: node.table("mail").and_then(|table| mail(&table)),
        webhooks: node.list("webhooks").iter().filter_map(webhook).collect(),
    }
}

fn mail(table: &Node<'_>) -> Option<MailSettings> {
    let security = table.choice("security", &MailSecurity::ALL);
    let security = security.unwrap_or(MailSecurity::StartTls);
    let server = table.required_string("server");
    let from = table.required_string("from");
    let user = table.string("user");
    let password = secret_reference(table, "password");
    let credentials = user.zip(password);
    let pages = table.string("pages");
    let digest = table.choice("digest", &Digest::ALL);
    let port = table.integer("port").unwrap_or_else(|| security.port());
    let port = u16::try_from(port).ok();
    if port.is_none() {
        let message = Text::new("ポート番号ではありません", "not a port");
        table.report(
            Problem::new(table.place_of("port"), message).hint(Text::new(
                "1から65535までの番号を書いてください",
                "write a number from 1 to 65535",
            )),
        );
    }
    if from
        .as_ref()
        .is_some_and(|from| from.parse::<lettre::message::Mailbox>().is_err())
    {
        let message = Text::new(
            "差出人がメールアドレスではありません",
            "not an address of mail",
        );
        table.report(
            Problem::new(table.place_of("from"), message).hint(Text::new(
                "Keiki <keiki@example.jp> のように書いてください",
                "write it as Keiki <keiki@example.jp>",
            )),
        );
    }
    if security == MailSecurity::None && credentials.is_some() {
        let message = Text::new(
            "パスワードが暗号化されずに送られます",
            "the password would be sent unencrypted",
        );
        table.report(
            Problem::new(table.place_of("security"), message).hint(Text::new(
                "security = \"starttls\" または \"tls\" としてください",
                "write security = \"starttls\" or \"tls\"",
            )),
        );
    }
    table.finish();
    Some(MailSettings {
        server: server?,
        port: port?,
        security,
        credentials,
        from: from?,
        pages,
        digest,
    })
}

fn webhook(table: &Node<'_>) -> Option<Webhook> {
    let name = table.required_string("name");
    let form = table.required_choice("form", &WebhookForm::ALL);
    let secret = secret_reference(table, "secret");
    let destination = Destination::read(table);
    let answer_seconds = answer_seconds(table);
    table.finish();
    Some(Webhook {
        answer_seconds: answer_seconds?,
        name: name?,
        form: form?,
        destination: Arc::new(destination?),
        secret,
    })
}

fn answer_seconds(table: &Node<'_>) -> Option<u64> {
    if !table.has("answer_seconds") {
        return Some(ANSWER_SECONDS);
    }
    let given = table.integer("answer_seconds")?;
    let seconds = u64::try_from(given).ok();
    let seconds = seconds.filter(|given| (1..=ANSWER_SECONDS_MOST).contains(given));
    if seconds.is_none() {
        let message = Text::new(
            format!("応答を待つ秒数ではありません: {given}"),
            format!("not a number of seconds to wait for an answer: {given}"),
        );
        table.report(
            Problem::new(table.place_of("answer_seconds"), message).hint(Text::new(
                format!("1から{ANSWER_SECONDS_MOST}までの秒数を書いてください"),
                format!("write a number from 1 to {ANSWER_SECONDS_MOST}"),
            )),
        );
    }
    seconds
}

#[cfg(test)]
mod tests {
    use super::*;
    use keiki_model::calendar::parse_day;

    #[test]
    fn a_week_of_mail_begins_on_monday() {
        let day = |text: &str| parse_day(text).expect("it is a day");
        let (sunday, monday) = (day("2026-07-12"), day("2026-07-13"));
        assert!(!Digest::Weekly.is_of_one(sunday, monday));
        assert!(Digest::Weekly.is_of_one(monday, day("2026-07-19")));
        assert!(!Digest::Daily.is_of_one(sunday, monday));
        assert!(Digest::Daily.is_of_one(monday, monday));
    }
}
