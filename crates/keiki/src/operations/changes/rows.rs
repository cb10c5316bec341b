//! Changes of `programme.toml`: what is new is written after what is there, so that its author's words and order stay.

use keiki_model::calendar::{date_of, local_day};
use keiki_model::programme::Standing;
use keiki_model::text::Text;

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
    match change.kind {
        ChangeKind::Adoption => adoption(before, change),
        ChangeKind::HandOver => hand_over(workspace, before, change),
        ChangeKind::End => end(workspace, before, change),
        _ => {
            let row = row(change, approved_by)?;
            Ok(with(before, &row))
        }
    }
}

/// The text with a table after it.
fn with(before: &str, table: &str) -> String {
    let before = before.trim_end();
    if before.is_empty() {
        format!("{table}\n")
    } else {
        format!("{before}\n\n{table}\n")
    }
}

/// A text as TOML writes it; JSON's way of writing is one of TOML's.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// The table that says a change.
fn row(change: &Change, approved_by: &str) -> Result<String> {
    let table = match change.kind {
        ChangeKind::Target => "targets",
        ChangeKind::Parameter => "parameters",
        ChangeKind::Applicability => "applicability",
        ChangeKind::Waiver => "waivers",
        _ => "owners",
    };
    let mut lines = vec![format!("[[{table}]]")];
    for (name, _) in change.kind.fields() {
        let value = change.field(name);
        match *name {
            "kpi" => lines.push(format!("kpi = {}", number(value)?)),
            "last_day" => {
                let until = change.until()?;
                lines.extend(until.map(|until| format!("until = \"{until}\"")));
            }
            "applies" => match value {
                "true" | "false" => lines.push(format!("applies = {value}")),
                _ => return Err(no_such("applies", value, "true, false")),
            },
            "reason_ja" => lines.push(format!(
                "reason = {{ ja = {}, en = {} }}",
                quoted(value),
                quoted(change.field("reason_en"))
            )),
            "reason_en" => {}
            _ if value.is_empty() => {}
            _ => lines.push(format!("{name} = {}", quoted(value))),
        }
    }
    if change.kind.takes_four_eyes() && change.kind != ChangeKind::Parameter {
        lines.push(format!("approved_by = {}", quoted(approved_by)));
    }
    Ok(lines.join("\n"))
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

/// The table `[adopted]` in the place of the one that is there.
fn adoption(before: &str, change: &Change) -> Result<String> {
    let words = |name: &str| {
        let text = change.field(name).replace([',', '、'], " ");
        text.split_whitespace()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    let maturities: Vec<String> = words("maturity").iter().map(|one| quoted(one)).collect();
    let numbers = words("kpis");
    let numbers = numbers
        .iter()
        .map(|one| number(one).map(|no| no.to_string()));
    let numbers: Vec<String> = numbers.collect::<Result<_>>()?;
    let mut table = "[adopted]".to_owned();
    for (name, values) in [("maturity", &maturities), ("kpis", &numbers)] {
        if !values.is_empty() {
            table.push_str(&format!("\n{name} = [{}]", values.join(", ")));
        }
    }
    let lines: Vec<&str> = before.lines().collect();
    let Some(first) = lines.iter().position(|line| line.trim() == "[adopted]") else {
        let rest = before.trim_start();
        return Ok(format!("{table}\n\n{rest}"));
    };
    let rest = &lines[first + 1..];
    // Comments that stand before the next table are about that table.
    let next = rest.iter().position(|line| line.starts_with('['));
    let mut next = next.unwrap_or(rest.len());
    while next > 0 && (rest[next - 1].starts_with('#') || rest[next - 1].trim().is_empty()) {
        next -= 1;
    }
    let parts = [&lines[..first], &[table.as_str()], &rest[next..]];
    Ok(format!("{}\n", parts.concat().join("\n")))
}

/// From a day on somebody else answers for what somebody answers for.
fn hand_over(workspace: &Workspace, before: &str, change: &Change) -> Result<String> {
    let day = change.day("from")?.unwrap_or_default();
    let (old, new) = (change.field("from_owner"), change.field("to_owner"));
    let owners = &workspace.programme.owners;
    let holds =
        |standing: &Standing| standing.from < day && standing.until.is_none_or(|until| day < until);
    let mut text = before.to_owned();
    let mut count = 0;
    for row in owners.iter().filter(|row| holds(&row.standing)) {
        let is_deputy = row.deputy.as_deref() == Some(old);
        if row.owner != old && !is_deputy {
            continue;
        }
        // Somebody may have followed on that very row already.
        let is_followed = owners.iter().any(|other| {
            let (of, than) = (&other.standing, &row.standing);
            of.kpi == than.kpi
                && of.org_unit == than.org_unit
                && of.from > than.from
                && of.from <= day
        });
        if is_followed {
            continue;
        }
        let owner = if row.owner == old { new } else { &row.owner };
        let deputy = match (change.field("deputy"), is_deputy) {
            ("", true) => Some(new),
            ("", false) => row.deputy.as_deref(),
            (named, _) if row.owner == old => Some(named),
            (_, true) => Some(new),
            (_, false) => row.deputy.as_deref(),
        };
        let mut lines = vec![
            "[[owners]]".to_owned(),
            format!("kpi = {}", row.standing.kpi),
            format!("org_unit = {}", quoted(&row.standing.org_unit)),
            format!("from = \"{}\"", date_of(day)),
        ];
        let until = row.standing.until;
        lines.extend(until.map(|until| format!("until = \"{}\"", date_of(until))));
        lines.push(format!("owner = {}", quoted(owner)));
        let deputy = deputy.filter(|deputy| *deputy != owner);
        lines.extend(deputy.map(|deputy| format!("deputy = {}", quoted(deputy))));
        text = with(&text, &lines.join("\n"));
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
    Ok(text)
}

/// A row with the day on which it ends.
fn end(workspace: &Workspace, before: &str, change: &Change) -> Result<String> {
    let programme = &workspace.programme;
    let of = change.field("of");
    let mut standings: Vec<&Standing> = match of {
        "target" => programme.targets.iter().map(|row| &row.standing).collect(),
        "parameter" => programme
            .parameters
            .iter()
            .map(|row| &row.standing)
            .collect(),
        "applicability" => programme
            .applicability
            .iter()
            .map(|row| &row.standing)
            .collect(),
        "waiver" => programme.waivers.iter().map(|row| &row.standing).collect(),
        "owner" => programme.owners.iter().map(|row| &row.standing).collect(),
        _ => {
            let known = "target, parameter, applicability, waiver, owner";
            return Err(no_such("of", of, known));
        }
    };
    let (kpi, from) = (number(change.field("kpi"))?, change.day("from")?);
    standings.retain(|one| {
        one.kpi == kpi && one.org_unit == change.field("org_unit") && Some(one.from) == from
    });
    let [standing] = standings.as_slice() else {
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
    let until = format!("until = \"{}\"", change.until()?.unwrap_or_default());
    let mut lines: Vec<String> = before.lines().map(str::to_owned).collect();
    let is_key = |line: &str, key: &str| {
        let rest = line.trim_start().strip_prefix(key);
        rest.is_some_and(|rest| rest.trim_start().starts_with('='))
    };
    // The table's own line is the last one that opens a table, at or above the place.
    let upto = standing.place.line.min(lines.len());
    let opens = |line: &String| line.trim_start().starts_with("[[");
    let first = lines[..upto].iter().rposition(opens).unwrap_or_default();
    let length = lines
        .iter()
        .skip(first + 1)
        .position(|line| line.trim_start().starts_with('['));
    let last = length.map_or(lines.len(), |length| first + 1 + length);
    let within = |key: &str| (first..last).find(|at| is_key(&lines[*at], key));
    match (within("until"), within("from")) {
        (Some(there), _) => lines[there] = until,
        (None, Some(there)) => lines.insert(there + 1, until),
        (None, None) => {
            return Err(Error::user(
                Text::new(
                    "行の書き方が想定と異なるため、変更できません",
                    "the row is written in a way that cannot be changed here",
                ),
                Text::new(
                    "programme.toml を直接編集してください",
                    "edit programme.toml itself",
                ),
            ));
        }
    }
    Ok(format!("{}\n", lines.join("\n")))
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
