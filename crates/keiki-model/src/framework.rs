//! Published frameworks: the ids of their items, with labels in our own words.

use crate::document::{Node, read_document};
use crate::problem::{Problem, nearest};
use crate::text::Text;

/// The codes of the frameworks to which KPIs may be mapped.
pub const CODES: [&str; 4] = ["csf", "iso27001", "meti", "cis"];

/// A framework.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Framework {
    /// Its code.
    pub code: String,
    /// What it is called.
    pub title: Text,
    /// Whose it is, and of when.
    pub edition: Text,
    /// Its parts, in its order.
    pub parts: Vec<Part>,
}

/// A part of a framework with its items.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// What it is about.
    pub title: Text,
    /// Its items, in its order.
    pub items: Vec<Item>,
}

/// An item that a KPI may serve.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// The id, as the framework writes it.
    pub id: String,
    /// What it asks for, in our own words.
    pub label: Text,
}

impl Framework {
    /// Reads a framework.
    ///
    /// # Errors
    /// Every fault of the file, each with its place.
    pub fn read(file: &str, text: &str) -> Result<Self, Vec<Problem>> {
        read_document(file, text, framework)
    }

    /// Its items, in its order.
    pub fn items(&self) -> impl Iterator<Item = &Item> {
        self.parts.iter().flat_map(|part| &part.items)
    }

    /// Whether it has an item of this id.
    #[must_use]
    pub fn has(&self, id: &str) -> bool {
        self.items().any(|item| item.id == id)
    }

    /// The id that is most like one that it does not have.
    #[must_use]
    pub fn nearest(&self, id: &str) -> Option<&str> {
        nearest(id, self.items().map(|item| item.id.as_str()))
    }
}

fn framework(node: &Node<'_>) -> Option<Framework> {
    let choices = CODES.map(|code| (code, code));
    let code = node.required_choice("code", &choices);
    let title = node.required_text("title");
    let edition = node.required_text("edition");
    let parts = node.list("parts").iter().filter_map(part).collect();
    Some(Framework {
        code: code?.to_owned(),
        title: title?,
        edition: edition?,
        parts,
    })
}

fn part(node: &Node<'_>) -> Option<Part> {
    let title = node.required_text("title");
    let items = node.list("items");
    let item = |table: &Node<'_>| {
        let id = table.required_string("id");
        let (ja, en) = (table.required_string("ja"), table.required_string("en"));
        table.finish();
        Some(Item {
            id: id?,
            label: Text::new(ja?, en?),
        })
    };
    let items = items.iter().filter_map(item).collect();
    node.finish();
    Some(Part {
        title: title?,
        items,
    })
}
