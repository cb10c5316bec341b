//! The address of the pages as browsers open it, and links to them that are told once.

use keiki_model::text::Text;

use super::Settings;

/// A link that somebody is given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// The whole address, or its path where the server's address is not known.
    pub text: String,
    /// What to do with a path; `None` where the address is whole.
    pub note: Option<Text>,
}

impl Settings {
    /// The link to a page: whole where the settings say by which address browsers reach the server.
    #[must_use]
    pub fn link(&self, path: &str) -> Link {
        let mail = self.notify.mail.as_ref();
        let provider = self.sign_in.openid_connect.as_ref();
        let mail = mail.and_then(|mail| mail.pages.as_deref());
        let provider = provider.and_then(|provider| provider.address.as_ref());
        match mail.or(provider.map(url::Url::as_str)) {
            Some(pages) => Link {
                text: format!("{}{path}", pages.trim_end_matches('/')),
                note: None,
            },
            None => Link {
                text: path.to_owned(),
                note: Some(Text::new(
                    "先頭にこのサーバーのアドレスを付けて渡してください。アドレスは keiki.toml の [mail] の pages で設定できます。",
                    "Give the server's address before it; that address can be set in keiki.toml, as pages under [mail].",
                )),
            },
        }
    }
}
