//! Reads the definition of a kind of source from its document.

use keiki_model::dataset::content_version;
use keiki_model::document::{Node, read_document};
use keiki_model::problem::Problem;
use keiki_model::text::Text;

use crate::format::{self, Format};
use crate::live;
use crate::readers::Reader;

use super::{Kind, Preset};

/// Reads a definition, whose name is to be `name`.
///
/// # Errors
/// Every fault of the file, each with its place.
pub(super) fn read(name: &str, file: &str, text: &str) -> Result<Kind, Vec<Problem>> {
    read_document(file, text, |node| kind(node, name, file, text))
}

fn kind(node: &Node<'_>, expected: &str, file: &str, text: &str) -> Option<Kind> {
    let name = node.required_string("name");
    if let Some(name) = name.as_deref().filter(|name| *name != expected) {
        let message = Text::new(
            format!("名前がファイル名と一致しません: `{name}`"),
            format!("the name does not fit the file's: `{name}`"),
        );
        let problem = Problem::new(node.place_of("name"), message);
        node.report(problem.hint(Text::new(
            format!("name = \"{expected}\" と書くか、ファイル名を変えてください"),
            format!("write name = \"{expected}\", or rename the file"),
        )));
    }
    let title = node.required_text("title");
    let description = node.required_text("description");
    let reader = node.required_choice("reader", &Reader::ALL);
    let connector = node.string("connector");
    if let Some(name) = connector
        .as_deref()
        .filter(|name| !live::is_connector(name))
    {
        let message = Text::new(
            format!("コネクターがありません: `{name}`"),
            format!("there is no connector `{name}`"),
        );
        let problem = Problem::new(node.place_of("connector"), message);
        node.report(problem.hint(Text::new(
            "ファイルの取得元では `connector` を書きません",
            "leave it out for a kind of file",
        )));
    }
    let extensions = node.strings("extensions");
    let references = node.strings("references");
    let example = node.string("example").unwrap_or_default();
    let format = node.table("format").map_or_else(Format::default, |table| {
        format::read(&table, Format::default(), reader)
    });
    let presets = node
        .tables("datasets")
        .into_iter()
        .map(|(dataset, table)| preset(dataset, &table, &format, reader))
        .collect();
    Some(Kind {
        name: name?,
        title: title?,
        description: description?,
        reader: reader?,
        connector,
        extensions,
        references,
        example: example.trim_start().to_owned(),
        format,
        presets,
        version: content_version(text),
        file: file.to_owned(),
    })
}

fn preset(dataset: String, table: &Node<'_>, base: &Format, reader: Option<Reader>) -> Preset {
    let format = table.table("format").map_or_else(
        || base.clone(),
        |table| format::read(&table, base.clone(), reader),
    );
    let filter = table.located("where");
    let columns = table
        .table("columns")
        .map(|columns| columns.all_strings())
        .unwrap_or_default();
    table.finish();
    Preset {
        dataset,
        format,
        filter,
        columns,
    }
}
