//! Changes of `org.csv`: a unit is added, comes under another one from a day on, or ends.
//!
//! Only the rows that a change is about are written anew; all others stay as their author wrote them.

use std::ops::Range;

use csv::StringRecord;
use keiki_model::text::Text;

use super::{Change, ChangeKind};
use crate::config::Workspace;
use crate::error::{Error, Result};

/// The columns, in the order of the file.
const ID: usize = 0;
const PARENT: usize = 1;
const VALID_FROM: usize = 6;
const VALID_UNTIL: usize = 7;
const SUCCESSOR: usize = 8;
const COLUMNS: usize = 9;

/// The file's text with a change.
pub(super) fn changed(workspace: &Workspace, before: &str, change: &Change) -> Result<String> {
    match change.kind {
        ChangeKind::UnitAdd => added(workspace, before, change),
        ChangeKind::UnitMove => {
            let (at, values) = in_force(before, change)?;
            let (mut old, mut new) = (values.clone(), values);
            change.field("parent_id").clone_into(&mut new[PARENT]);
            change.field("from").clone_into(&mut new[VALID_FROM]);
            change.field("from").clone_into(&mut old[VALID_UNTIL]);
            old[SUCCESSOR].clear();
            replaced(before, at, &[old, new])
        }
        _ => {
            let (at, mut values) = in_force(before, change)?;
            values[VALID_UNTIL] = change.until()?.unwrap_or_default();
            change
                .field("successor_id")
                .clone_into(&mut values[SUCCESSOR]);
            replaced(before, at, &[values])
        }
    }
}

fn added(workspace: &Workspace, before: &str, change: &Change) -> Result<String> {
    let id = change.field("id");
    if workspace.organisation.rows().iter().any(|row| row.id == id) {
        return Err(Error::user(
            Text::new(
                format!("その組織IDはすでに使われています: {id}"),
                format!("there is an org unit of that id already: {id}"),
            ),
            Text::new("別のIDを付けてください", "give it another id"),
        ));
    }
    let names = [
        "id",
        "parent_id",
        "name_ja",
        "name_en",
        "kind",
        "country",
        "from",
    ];
    let mut values = vec![String::new(); COLUMNS];
    for (value, name) in values.iter_mut().zip(names) {
        change.field(name).clone_into(value);
    }
    let end = before.trim_end_matches(['\r', '\n']).len();
    replaced(before, end..end, &[values])
}

/// The text with rows in the place of what stands in a range.
fn replaced(before: &str, at: Range<usize>, rows: &[Vec<String>]) -> Result<String> {
    let line_end = if before.contains("\r\n") {
        "\r\n"
    } else {
        "\n"
    };
    let terminator = match line_end {
        "\n" => csv::Terminator::Any(b'\n'),
        _ => csv::Terminator::CRLF,
    };
    let mut writer = csv::WriterBuilder::new()
        .terminator(terminator)
        .from_writer(Vec::new());
    for row in rows {
        writer.write_record(row).map_err(Error::stopped)?;
    }
    let bytes = writer
        .into_inner()
        .map_err(|error| Error::stopped(error.into_error()))?;
    let rows = String::from_utf8(bytes).map_err(Error::stopped)?;
    let (head, tail) = (&before[..at.start], &before[at.end..]);
    let between = match head {
        "" => "",
        head if head.ends_with('\n') => "",
        _ => line_end,
    };
    let tail = tail.trim_start_matches(['\r', '\n']);
    Ok(format!("{head}{between}{rows}{tail}"))
}

/// Where the row of a unit stands that has no end yet, and its values.
fn in_force(text: &str, change: &Change) -> Result<(Range<usize>, Vec<String>)> {
    let id = change.field("id");
    let mut rows = rows(text).into_iter().skip(1);
    let found = rows.find(|(_, values)| {
        values.len() == COLUMNS && values[ID].trim() == id && values[VALID_UNTIL].trim().is_empty()
    });
    let (at, values) = found.ok_or_else(|| {
        Error::user(
            Text::new(
                format!("存続中の組織ではありません: {id}"),
                format!("no org unit that has no end: {id}"),
            ),
            Text::new(
                "組織の一覧にあるIDを記入してください",
                "write an id of the list of org units",
            ),
        )
    })?;
    Ok((at, values.iter().map(str::to_owned).collect()))
}

/// The rows of a text, each with where it stands: from its first byte to the end of its line.
fn rows(text: &str) -> Vec<(Range<usize>, StringRecord)> {
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .from_reader(text.as_bytes());
    let mut rows = Vec::new();
    let mut record = StringRecord::new();
    // The workspace was loaded from it, so that every row can be read.
    while reader.read_record(&mut record).unwrap_or(false) {
        let start = record.position().map_or(0, csv::Position::byte);
        let place = |byte: u64| usize::try_from(byte).unwrap_or(text.len());
        let (start, end) = (place(start), place(reader.position().byte()));
        // Lines that are empty belong to no row.
        let blank = &text[start..end];
        let blank = blank.len() - blank.trim_start_matches(['\r', '\n']).len();
        rows.push((start + blank..end, record.clone()));
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "id,parent_id,name_ja,name_en,kind,country,valid_from,valid_until,successor_id\r\n\r\n\
                        \"HD\",,\"親,会社\",\"Parent\r\nCompany\",group,JP,,,\r\n\
                        JP1,HD,製造,Plant,subsidiary,JP,,,";

    #[test]
    fn a_row_ends_where_its_line_does_whatever_stands_in_its_values() {
        let found = rows(TEXT);
        let of = |at: usize| &TEXT[found[at].0.clone()];
        assert_eq!(found.len(), 3);
        assert!(of(1).starts_with("\"HD\""), "{}", of(1));
        assert!(of(1).trim_end().ends_with("group,JP,,,"), "{}", of(1));
        assert_eq!(&found[1].1[3], "Parent\r\nCompany");
        assert_eq!(of(2), "JP1,HD,製造,Plant,subsidiary,JP,,,");
    }

    #[test]
    fn what_a_change_is_not_about_stays_as_it_was_written() {
        let found = rows(TEXT);
        let row = |at: usize| found[at].1.iter().map(str::to_owned).collect::<Vec<_>>();
        let mut ended = row(2);
        ended[VALID_UNTIL] = "2026-10-01".to_owned();
        let text = replaced(TEXT, found[2].0.clone(), &[ended]).expect("it is written");
        let (head, _) = TEXT.split_at(found[2].0.start);
        assert_eq!(
            text,
            format!("{head}JP1,HD,製造,Plant,subsidiary,JP,,2026-10-01,\r\n")
        );
        let text = replaced(TEXT, TEXT.len()..TEXT.len(), &[row(2)]).expect("it is written");
        assert_eq!(
            text,
            format!("{TEXT}\r\nJP1,HD,製造,Plant,subsidiary,JP,,,\r\n")
        );
    }
}
