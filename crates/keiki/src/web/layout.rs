//! What every page has around it: title, menu, who is signed in, language.

use keiki_model::text::Language;
use keiki_report::format;
use keiki_report::report::period_name;

use super::assets;
use super::routes;
use super::visitor::Visitor;
use super::words::Words;

/// What every page has around it.
pub(super) struct Layout<'p> {
    visitor: &'p Visitor,
    words: Words,
    /// The page's title.
    pub(super) title: String,
    /// The menu.
    pub(super) menu: Vec<Entry>,
}

/// An entry of the menu.
pub(super) struct Entry {
    /// Where it leads.
    pub(super) href: &'static str,
    /// What it is called.
    pub(super) title: String,
    /// Whether that is where the reader is.
    pub(super) is_here: bool,
}

impl<'p> Layout<'p> {
    /// The layout of a page whose title is a text.
    pub(super) fn new(visitor: &'p Visitor, title: &str) -> Self {
        let title = Words(visitor.language).say(title);
        Self::titled(visitor, title)
    }

    /// The layout of a page with a title of its own.
    pub(super) fn titled(visitor: &'p Visitor, title: String) -> Self {
        let words = Words(visitor.language);
        let scope = visitor.scope();
        let here = visitor.path.split('?').next().unwrap_or_default();
        let entries = routes::menu().iter();
        let menu = entries
            .filter(|entry| {
                visitor.signed_in.is_some() && entry.need.is_met_by(&scope, &visitor.root)
            })
            .map(|entry| Entry {
                href: entry.path,
                title: words.say(entry.title),
                is_here: here == entry.path || here.starts_with(&format!("{}/", entry.path)),
            });
        Self {
            menu: menu.collect(),
            title,
            words,
            visitor,
        }
    }

    /// A text in the reader's language.
    pub(super) fn say(&self, id: &str) -> String {
        self.words.say(id)
    }

    /// A text with one thing put into it.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "templates hand values over as they come"
    )]
    pub(super) fn tell(&self, id: &str, name: &str, value: impl ToString) -> String {
        self.words.tell(id, &[(name, &value.to_string())])
    }

    /// A day, or a day with a time, as the reader writes it.
    pub(super) fn moment(&self, text: impl AsRef<str>) -> String {
        format::moment(text.as_ref(), self.visitor.language)
    }

    /// A period in the reader's words.
    pub(super) fn period(&self, code: impl AsRef<str>) -> String {
        period_name(code.as_ref(), self.visitor.language)
    }

    /// A whole number with its thousands apart.
    #[expect(
        clippy::needless_pass_by_value,
        clippy::unused_self,
        reason = "templates call methods and hand values over as they come"
    )]
    pub(super) fn number(&self, value: impl ToString) -> String {
        let text = value.to_string();
        text.parse().map_or(text, format::count)
    }

    /// The reader's language.
    pub(super) fn reads_in(&self) -> Language {
        self.visitor.language
    }

    /// The language as documents name it.
    pub(super) fn tag(&self) -> &'static str {
        match self.visitor.language {
            Language::Ja => "ja",
            Language::En => "en",
        }
    }

    /// The other language, as documents name it.
    pub(super) fn other_tag(&self) -> &'static str {
        match self.visitor.language {
            Language::Ja => "en",
            Language::En => "ja",
        }
    }

    /// The organisation's name.
    pub(super) fn organisation(&self) -> &str {
        &self.visitor.organisation
    }

    /// The name of who is signed in; empty where nobody is.
    pub(super) fn account(&self) -> &str {
        let signed_in = self.visitor.signed_in.as_ref();
        signed_in.map_or("", |one| &one.account.shown_name)
    }

    /// Where the reader is, with the query.
    pub(super) fn here(&self) -> &str {
        &self.visitor.path
    }

    /// A text in pieces, each with whether it stands between backticks, as names of commands and fields do.
    #[expect(clippy::unused_self, reason = "templates call methods")]
    pub(super) fn coded(&self, text: impl AsRef<str>) -> Vec<(bool, String)> {
        let pieces = text.as_ref().split('`').enumerate();
        pieces
            .map(|(at, piece)| (at % 2 == 1, piece.to_owned()))
            .collect()
    }

    /// A text as a value in an address.
    #[expect(clippy::unused_self, reason = "templates call methods")]
    pub(super) fn encoded(&self, text: &str) -> String {
        url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
    }

    /// The address of a file that belongs to the pages.
    #[expect(clippy::unused_self, reason = "templates call methods")]
    pub(super) fn asset(&self, name: &str) -> String {
        assets::href(name)
    }
}
