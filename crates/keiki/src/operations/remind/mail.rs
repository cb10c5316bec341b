//! Mail: what is new for somebody, in their language, in one message.

use std::time::Duration;

use keiki_ingest::live::Vault;
use keiki_model::text::{Language, Text};
use lettre::message::header::ContentType;
use lettre::message::{Mailbox, Message};
use lettre::transport::smtp::authentication::Credentials;
use lettre::{AsyncSmtpTransport, AsyncTransport, Tokio1Executor};

use super::messages::Outgoing;
use super::{Notice, lines};
use crate::config::{MailSecurity, MailSettings, Workspace};
use crate::error::{Error, Result};

/// How long the server may take for one message.
const ANSWER_SECONDS: u64 = 30;

/// Sends a message.
pub(super) async fn send(
    workspace: &Workspace,
    settings: &MailSettings,
    vault: &Vault<'_>,
    (address, language): (&str, Language),
    Outgoing { id, notices, .. }: &Outgoing,
) -> Result<()> {
    let to: Mailbox = address
        .parse()
        .map_err(|_| refused(address, "not an address"))?;
    let from: Mailbox = settings
        .from
        .parse()
        .map_err(|_| refused(&settings.from, "not an address"))?;
    // By it a program that has got the mail already drops it. *Source*: RFC 5322, 3.6.4.
    let id = format!("<{id}@{}>", from.email.domain());
    let message = Message::builder()
        .message_id(Some(id))
        .from(from)
        .to(to)
        .subject(subject(workspace, notices, language))
        .header(ContentType::TEXT_PLAIN)
        // What tells a program's mail from a person's, so that no answer comes by itself. *Source*: RFC 3834.
        .raw_header(automatic())
        .body(body(settings, notices, language));
    let message = message.map_err(|error| refused(address, &error.to_string()))?;
    let sent = transport(settings, vault)?.send(message).await;
    sent.map(drop)
        .map_err(|error| refused(address, &error.to_string()))
}

fn automatic() -> lettre::message::header::HeaderValue {
    let name = lettre::message::header::HeaderName::new_from_ascii_str("Auto-Submitted");
    lettre::message::header::HeaderValue::new(name, "auto-generated".to_owned())
}

fn transport(
    settings: &MailSettings,
    vault: &Vault<'_>,
) -> Result<AsyncSmtpTransport<Tokio1Executor>> {
    // Another part of the program may have chosen the same already.
    drop(rustls::crypto::aws_lc_rs::default_provider().install_default());
    let server = &settings.server;
    let builder = match settings.security {
        MailSecurity::Tls => AsyncSmtpTransport::<Tokio1Executor>::relay(server),
        MailSecurity::StartTls => AsyncSmtpTransport::<Tokio1Executor>::starttls_relay(server),
        MailSecurity::None => Ok(AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(
            server,
        )),
    };
    let builder = builder.map_err(|error| refused(server, &error.to_string()))?;
    let mut builder = builder
        .port(settings.port)
        .timeout(Some(Duration::from_secs(ANSWER_SECONDS)));
    if let Some((user, password)) = &settings.credentials {
        let password = vault.open(password)?;
        builder = builder.credentials(Credentials::new(user.clone(), password.expose().to_owned()));
    }
    Ok(builder.build())
}

fn subject(workspace: &Workspace, notices: &[Notice], language: Language) -> String {
    let organisation = workspace.settings.name.get(language);
    match (language, notices.len()) {
        (Language::Ja, count) => format!("{organisation} 計器: お知らせ{count}件"),
        (Language::En, 1) => format!("{organisation}, Keiki: 1 notice"),
        (Language::En, count) => format!("{organisation}, Keiki: {count} notices"),
    }
}

fn body(settings: &MailSettings, notices: &[Notice], language: Language) -> String {
    let mut body = String::new();
    for (line, notice) in lines(notices, language).iter().zip(notices) {
        body.push_str(&format!("- {line}\n"));
        if let Some(pages) = &settings.pages {
            body.push_str(&format!(
                "  {}{}\n",
                pages.trim_end_matches('/'),
                notice.path
            ));
        }
    }
    body
}

fn refused(to: &str, why: &str) -> Error {
    Error::user(
        Text::new(
            format!("メールを送信できません: {to}: {why}"),
            format!("mail cannot be sent: {to}: {why}"),
        ),
        Text::new(
            "keiki.toml の [mail] と宛先を確かめてください。次回の実行時に再送します",
            "check [mail] in keiki.toml and the address; the next run tries again",
        ),
    )
}
