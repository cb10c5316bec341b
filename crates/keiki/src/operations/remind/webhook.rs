//! Webhooks: what is new, in the form that another system reads, signed.

use aws_lc_rs::hmac;
use keiki_ingest::live::{FetchLimits, Message, Vault};
use keiki_model::text::{Language, Text, hexadecimal};
use serde_json::{Value, json};

use super::messages::Outgoing;
use super::{Notice, lines};
use crate::config::{Webhook, WebhookForm, Workspace};
use crate::error::{Error, Result};

/// How often a message is tried in one run.
const ATTEMPT_COUNT: u32 = 3;

/// How many notices a chat shows; the rest is counted. *Source*: Slack takes 40,000 characters, Teams 28 KB, and a line has some
/// hundred of them.
const SHOWN_MOST: usize = 40;

/// Sends a message.
pub(super) async fn send(
    workspace: &Workspace,
    hook: &Webhook,
    vault: &Vault<'_>,
    Outgoing { id, notices, .. }: &Outgoing,
    now: i64,
) -> Result<()> {
    let body = body(workspace.settings.language, hook.form, (id, notices)).to_string();
    // The same however often it is sent. *Source*: the IETF draft "The Idempotency-Key HTTP Header Field".
    let mut headers = vec![("idempotency-key", format!("\"{id}\""))];
    if let Some(secret) = &hook.secret {
        let secret = vault.open(secret)?;
        headers.push((
            "keiki-signature",
            signature(secret.expose(), now / 1_000_000, &body),
        ));
    }
    let limits = FetchLimits {
        answer_seconds: hook.answer_seconds,
        answer_bytes: 64 << 10,
        attempt_count: ATTEMPT_COUNT,
        wait_seconds: hook.answer_seconds,
        ..FetchLimits::default()
    };
    let now = jiff::Timestamp::from_microsecond(now).map_err(Error::stopped)?;
    let message = Message { body, headers };
    let within = (workspace.root.as_path(), vault);
    Ok(hook
        .destination
        .send(&message, now, within, &limits)
        .await?)
}

/// The signature of a body at a time, so that what was sent once cannot be sent again by others later: `t` is in seconds since
/// 1970, `v1` the HMAC-SHA-256 over the time, a full stop and the body.
fn signature(secret: &str, seconds: i64, body: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let tag = hmac::sign(&key, format!("{seconds}.{body}").as_bytes());
    format!("t={seconds},v1={}", hexadecimal(tag.as_ref()))
}

/// The lines of a chat.
fn shown(notices: &[Notice], language: Language) -> Vec<String> {
    let mut lines = lines(notices, language);
    let more = lines.len().saturating_sub(SHOWN_MOST);
    if more > 0 {
        lines.truncate(SHOWN_MOST);
        let rest = Text::new(format!("ほか{more}件"), format!("and {more} more"));
        lines.push(rest.get(language).to_owned());
    }
    lines
}

fn body(language: Language, form: WebhookForm, (id, notices): (&str, &[Notice])) -> Value {
    let lines = shown(notices, language);
    match form {
        // In Slack's own markup these three begin something. *Source*: Slack, "Formatting text for app surfaces".
        WebhookForm::Slack => {
            let plain = |line: &String| {
                let line = line.replace('&', "&amp;");
                format!("• {}", line.replace('<', "&lt;").replace('>', "&gt;"))
            };
            json!({ "text": lines.iter().map(plain).collect::<Vec<_>>().join("\n") })
        }
        WebhookForm::Teams => {
            let block = |line: &String| json!({ "type": "TextBlock", "text": line, "wrap": true });
            let content = json!({
                "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
                "type": "AdaptiveCard",
                "version": "1.4",
                "body": lines.iter().map(block).collect::<Vec<_>>(),
            });
            let kind = "application/vnd.microsoft.card.adaptive";
            json!({ "type": "message", "attachments": [{ "contentType": kind, "content": content }] })
        }
        WebhookForm::Json => {
            let one = |notice: &Notice| {
                json!({
                    "key": notice.key,
                    "occasion": notice.occasion.code(),
                    "org_unit": notice.unit,
                    "text": notice.text,
                    "path": notice.path,
                })
            };
            json!({ "id": id, "notices": notices.iter().map(one).collect::<Vec<_>>() })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operations::remind::Occasion;

    fn notice(text: &str) -> Notice {
        Notice {
            key: text.to_owned(),
            occasion: Occasion::Late,
            text: Text::new(text, text),
            unit: None,
            path: "/todo".to_owned(),
        }
    }

    #[test]
    fn slack_gets_a_text_in_which_nothing_is_markup() {
        let notices = [notice("<!channel> & more"), notice("two")];
        assert_eq!(
            body(Language::En, WebhookForm::Slack, ("1", &notices)),
            json!({ "text": "• &lt;!channel&gt; &amp; more\n• two" })
        );
    }

    #[test]
    fn teams_gets_an_adaptive_card() {
        assert_eq!(
            body(Language::En, WebhookForm::Teams, ("1", &[notice("one")])),
            json!({
                "type": "message",
                "attachments": [{
                    "contentType": "application/vnd.microsoft.card.adaptive",
                    "content": {
                        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
                        "type": "AdaptiveCard",
                        "version": "1.4",
                        "body": [{ "type": "TextBlock", "text": "one", "wrap": true }],
                    },
                }],
            })
        );
    }

    #[test]
    fn a_chat_is_not_flooded() {
        let notices = vec![notice(&"証".repeat(120)); 500];
        let card = body(Language::Ja, WebhookForm::Teams, ("1", &notices));
        assert!(card.to_string().len() < 28_000);
        assert!(card.to_string().contains("ほか460件"));
    }

    #[test]
    fn a_signature_is_of_the_time_and_the_body() {
        // As `printf '1700000000.{}' | openssl dgst -sha256 -hmac key` says.
        let of = "9d713ed406bb7076d4123f0dc2c39d2df5c654ed4b0cd56b52c8b4c940bd63ae";
        let signed = signature("key", 1_700_000_000, "{}");
        assert_eq!(signed, format!("t=1700000000,v1={of}"));
        assert_ne!(signed, signature("key", 1_700_000_001, "{}"));
        assert_ne!(signed, signature("key", 1_700_000_000, "{ }"));
    }
}
