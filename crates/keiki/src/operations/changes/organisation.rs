//! Changes of `org.csv`: a unit is added, comes under another one from a day on, or ends.

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
    let mut lines: Vec<String> = before.lines().map(str::to_owned).collect();
    match change.kind {
        ChangeKind::UnitAdd => {
            let mut values = vec![String::new(); COLUMNS];
            let names = [
                "id",
                "parent_id",
                "name_ja",
                "name_en",
                "kind",
                "country",
                "from",
            ];
            for (at, name) in names.into_iter().enumerate() {
                change.field(name).clone_into(&mut values[at]);
            }
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
            lines.push(line(&values)?);
        }
        ChangeKind::UnitMove => {
            let (at, mut values) = in_force(&lines, change)?;
            let from = change.field("from").to_owned();
            let mut after = values.clone();
            change.field("parent_id").clone_into(&mut after[PARENT]);
            after[VALID_FROM].clone_from(&from);
            values[VALID_UNTIL] = from;
            values[SUCCESSOR].clear();
            lines[at] = line(&values)?;
            lines.insert(at + 1, line(&after)?);
        }
        _ => {
            let (at, mut values) = in_force(&lines, change)?;
            values[VALID_UNTIL] = change.until()?.unwrap_or_default();
            change
                .field("successor_id")
                .clone_into(&mut values[SUCCESSOR]);
            lines[at] = line(&values)?;
        }
    }
    Ok(format!("{}\n", lines.join("\n")))
}

/// The line of the row of a unit that has no end yet, and its values.
fn in_force(lines: &[String], change: &Change) -> Result<(usize, Vec<String>)> {
    let id = change.field("id");
    for (at, text) in lines.iter().enumerate().skip(1) {
        let values = values(text);
        if values.len() == COLUMNS
            && values[ID].trim() == id
            && values[VALID_UNTIL].trim().is_empty()
        {
            return Ok((at, values));
        }
    }
    Err(Error::user(
        Text::new(
            format!("存続中の組織ではありません: {id}"),
            format!("no org unit that has no end: {id}"),
        ),
        Text::new(
            "組織の一覧にあるIDを記入してください",
            "write an id of the list of org units",
        ),
    ))
}

fn values(text: &str) -> Vec<String> {
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .from_reader(text.as_bytes());
    let record = reader.records().next().and_then(std::result::Result::ok);
    record.map_or_else(Vec::new, |record| {
        record.iter().map(str::to_owned).collect()
    })
}

fn line(values: &[String]) -> Result<String> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(values).map_err(Error::stopped)?;
    let bytes = writer
        .into_inner()
        .map_err(|error| Error::stopped(error.into_error()))?;
    let text = String::from_utf8(bytes).map_err(Error::stopped)?;
    Ok(text.trim_end().to_owned())
}
