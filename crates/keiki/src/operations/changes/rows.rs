//! Changes of `programme.toml`: what is new comes after what is there of its kind, so that its author's words and order stay.

use keiki_model::calendar::{date_of, local_day};
use keiki_model::programme::Standing;
use keiki_model::text::Text;
use toml_edit::{Array, ArrayOfTables, DocumentMut, InlineTable, Item, Table, TableLike, value};

use super::{Change, ChangeKind};
use crate::config::Workspace;
use crate::error::{Error, Result};

/// The file's text with a change.
pub(super) fn changed(
    workspace: &Workspace,
    before: &str,
    change: &Change,
    approved_by: &str,
) -> Result<String> {
    // The workspace was loaded from it.
    let mut document: DocumentMut = before.parse().map_err(Error::stopped)?;
    match change.kind {
        ChangeKind::Adoption => adopt(&mut document, change)?,
        ChangeKind::HandOver => hand_over(workspace, &mut document, change)?,
        ChangeKind::End => end(&mut document, change)?,
        _ => append(
            &mut document,
            table_of(change.kind),
            row(change, approved_by)?,
        )?,
    }
    Ok(document.to_string())
}

/// The table in which a change of a kind is a row.
fn table_of(kind: ChangeKind) -> &'static str {
    match kind {
        ChangeKind::Target => "targets",
        ChangeKind::Parameter => "parameters",
        ChangeKind::Cadence => "cadences",
        ChangeKind::Applicability => "applicability",
        ChangeKind::Waiver => "waivers",
        _ => "owners",
    }
}

/// Puts a row after the others of its table.
fn append(document: &mut DocumentMut, table: &str, mut row: Table) -> Result<()> {
    let is_first = document.iter().next().is_none();
    let rows = document
        .entry(table)
        .or_insert_with(|| Item::ArrayOfTables(ArrayOfTables::new()));
    if let Some(rows) = rows.as_array_of_tables_mut() {
        row.decor_mut().set_prefix(if is_first { "" } else { "\n" });
        rows.push(row);
        return Ok(());
    }
    let rows = rows.as_array_mut().ok_or_else(unusual)?;
    rows.push(row.into_inline_table());
    Ok(())
}

/// The row that says a change.
fn row(change: &Change, approved_by: &str) -> Result<Table> {
    let mut row = Table::new();
    for (name, _) in change.kind.fields() {
        let text = change.field(name);
        match *name {
            "kpi" => row[*name] = value(i64::from(number(text)?)),
            "last_day" => {
                if let Some(until) = change.until()? {
                    row["until"] = value(until);
                }
            }
            "applies" => {
                let known = text.parse::<bool>();
                let applies = known.map_err(|_| no_such("applies", text, "true, false"))?;
                row[*name] = value(applies);
            }
            "reason_ja" => {
                let mut reason = InlineTable::new();
                reason.insert("ja", text.into());
                reason.insert("en", change.field("reason_en").into());
                row["reason"] = value(reason);
            }
            "reason_en" => {}
            _ if text.is_empty() => {}
            _ => row[*name] = value(text),
        }
    }
    if change.kind.takes_four_eyes() && change.kind != ChangeKind::Parameter {
        row["approved_by"] = value(approved_by);
    }
    Ok(row)
}

fn number(text: &str) -> Result<u32> {
    text.parse().map_err(|_| {
        Error::user(
            Text::new(
                format!("KPI番号ではありません: {text}"),
                format!("not the number of a KPI: {text}"),
            ),
            Text::new(
                "1 のように番号で記入してください",
                "write its number, such as 1",
            ),
        )
    })
}

fn no_such(name: &str, value: &str, known: &str) -> Error {
    Error::user(
        Text::new(
            format!("{name} に使えない値です: {value}"),
            format!("no value of {name}: {value}"),
        ),
        Text::new(format!("使える値: {known}"), format!("there are: {known}")),
    )
}

/// That the file says it in a way that cannot be changed here.
fn unusual() -> Error {
    Error::user(
        Text::new(
            "行の書き方が想定と異なるため、変更できません",
            "the row is written in a way that cannot be changed here",
        ),
        Text::new(
            "programme.toml を直接編集してください",
            "edit programme.toml itself",
        ),
    )
}

/// Says what is adopted in the place of what was.
fn adopt(document: &mut DocumentMut, change: &Change) -> Result<()> {
    let words = |name: &str| {
        let text = change.field(name).replace([',', '、'], " ");
        text.split_whitespace()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    let maturities: Array = words("maturity").iter().collect();
    let mut kpis = Array::new();
    for word in words("kpis") {
        kpis.push(i64::from(number(&word)?));
    }
    let adopted = document.entry("adopted").or_insert_with(toml_edit::table);
    let adopted = adopted.as_table_like_mut().ok_or_else(unusual)?;
    for (name, values) in [("maturity", maturities), ("kpis", kpis)] {
        adopted.remove(name);
        if !values.is_empty() {
            adopted.insert(name, value(values));
        }
    }
    Ok(())
}

/// From a day on somebody else answers for what somebody answers for.
fn hand_over(workspace: &Workspace, document: &mut DocumentMut, change: &Change) -> Result<()> {
    let day = change.day("from")?.unwrap_or_default();
    let (old, new) = (change.field("from_owner"), change.field("to_owner"));
    let owners = &workspace.programme.owners;
    let holds =
        |standing: &Standing| standing.from < day && standing.until.is_none_or(|until| day < until);
    let mut count = 0;
    for held in owners.iter().filter(|held| holds(&held.standing)) {
        let is_deputy = held.deputy.as_deref() == Some(old);
        if held.owner != old && !is_deputy {
            continue;
        }
        // Somebody may have followed on that very row already.
        let is_followed = owners.iter().any(|other| {
            let (of, than) = (&other.standing, &held.standing);
            of.kpi == than.kpi
                && of.org_unit == than.org_unit
                && of.from > than.from
                && of.from <= day
        });
        if is_followed {
            continue;
        }
        let owner = if held.owner == old { new } else { &held.owner };
        let deputy = match (change.field("deputy"), is_deputy) {
            ("", true) => Some(new),
            ("", false) => held.deputy.as_deref(),
            (named, _) if held.owner == old => Some(named),
            (_, true) => Some(new),
            (_, false) => held.deputy.as_deref(),
        };
        let mut row = Table::new();
        row["kpi"] = value(i64::from(held.standing.kpi));
        row["org_unit"] = value(&held.standing.org_unit);
        row["from"] = value(date_of(day).to_string());
        if let Some(until) = held.standing.until {
            row["until"] = value(date_of(until).to_string());
        }
        row["owner"] = value(owner);
        if let Some(deputy) = deputy.filter(|deputy| *deputy != owner) {
            row["deputy"] = value(deputy);
        }
        append(document, "owners", row)?;
        count += 1;
    }
    if count == 0 {
        return Err(Error::user(
            Text::new(
                format!("その日に {old} が責任者または代行者である行はありません"),
                format!("nothing is answered for by {old} on that day"),
            ),
            Text::new(
                "「責任者」の一覧のとおりに記入してください",
                "write the name as the list of owners has it",
            ),
        ));
    }
    Ok(())
}

/// Says on which row the day is on which it ends.
fn end(document: &mut DocumentMut, change: &Change) -> Result<()> {
    let of = change.field("of");
    let table = match of {
        "target" => "targets",
        "parameter" => "parameters",
        "cadence" => "cadences",
        "applicability" => "applicability",
        "waiver" => "waivers",
        "owner" => "owners",
        _ => {
            let known = "target, parameter, cadence, applicability, waiver, owner";
            return Err(no_such("of", of, known));
        }
    };
    let kpi = i64::from(number(change.field("kpi"))?);
    let from = change.day("from")?.map(|day| date_of(day).to_string());
    let is_meant = |row: &dyn TableLike| {
        let text = |name: &str| {
            let found = row.get(name)?;
            let day = || found.as_datetime().map(ToString::to_string);
            found.as_str().map(str::to_owned).or_else(day)
        };
        row.get("kpi").and_then(Item::as_integer) == Some(kpi)
            && text("org_unit").as_deref() == Some(change.field("org_unit"))
            && text("from") == from
    };
    let until = change.until()?.unwrap_or_default();
    let rows = document.get_mut(table);
    let mut rows: Vec<&mut dyn TableLike> = match rows {
        Some(Item::ArrayOfTables(rows)) => rows
            .iter_mut()
            .map(|row| row as &mut dyn TableLike)
            .collect(),
        Some(Item::Value(toml_edit::Value::Array(rows))) => rows
            .iter_mut()
            .filter_map(toml_edit::Value::as_inline_table_mut)
            .map(|row| row as &mut dyn TableLike)
            .collect(),
        _ => Vec::new(),
    };
    rows.retain(|row| is_meant(&**row));
    let [row] = rows.as_mut_slice() else {
        return Err(Error::user(
            Text::new(
                "該当する行がないか、複数あります",
                "there is no such row, or there are several",
            ),
            Text::new(
                "programme.toml を直接編集してください",
                "edit programme.toml itself",
            ),
        ));
    };
    row.insert("until", value(until));
    Ok(())
}

/// KPIs that are adopted and for which nobody answers on a day at an org unit.
pub(in crate::operations) fn vacant(workspace: &Workspace, unit: &str, now: i64) -> Vec<u32> {
    let day = local_day(now, &workspace.settings.zone);
    let tree = workspace.organisation.tree(day);
    let Some(node) = tree.nodes().iter().position(|node| node.id == unit) else {
        return Vec::new();
    };
    let programme = &workspace.programme;
    let adopted = workspace
        .catalogue
        .kpis
        .iter()
        .filter(|kpi| programme.adopts(kpi));
    adopted
        .filter(|kpi| programme.owner(kpi.no, &tree, node).is_none())
        .map(|kpi| kpi.no)
        .collect()
}
