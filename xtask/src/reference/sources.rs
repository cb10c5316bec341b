//! The page of the kinds of source.

use keiki_ingest::format::COMMON_KEYS;
use keiki_ingest::kind::Preset;
use keiki_ingest::limits::{self, Unit};
use keiki_ingest::{Kind, Kinds};

use super::{Definitions, both, code, heading, notice, plain, row};

const INTRODUCTION: &str = "
The kinds of source that Keiki reads. A kind says which reader reads it, how its values are written, and, where its columns are known,
how they map to datasets. A source of the kind takes that mapping over column by column: what it states itself goes first. What the
keys of a source mean is in [definitions.md](definitions.md#sources). An organisation's own kind is a file `kinds/<kind>.toml` in its
workspace, written like these.
";

const LIMITS: &str = "
## Limits

What comes from outside has limits, so that a hostile or broken file costs a rejected row or a refused reading, and not the machine. Past a
limit the error or the rejected row names it.

";

/// Makes the page.
pub(super) fn page(definitions: &Definitions) -> String {
    let mut out = format!(
        "# The kinds of source\n\n{}",
        notice("crates/keiki-ingest/kinds/*/kind.toml")
    );
    out.push_str(INTRODUCTION);
    out.push_str(&heading(&["kind", "title", "datasets", "files"]));
    for kind in Kinds::shipped().iter() {
        out.push_str(&row(&[
            format!("[{}](#{})", kind.name, kind.name),
            both(&kind.title),
            datasets(kind),
            kind.extensions
                .iter()
                .map(|extension| code(&format!(".{extension}")))
                .collect::<Vec<_>>()
                .join(" "),
        ]));
    }
    for kind in Kinds::shipped().iter() {
        out.push_str(&whole(definitions, kind));
    }
    out.push_str(&bounds());
    out
}

/// The section on limits.
fn bounds() -> String {
    let mut out = String::from(LIMITS);
    out.push_str(&heading(&["limit on", "most", "past it"]));
    for limit in limits::listed() {
        let most = match limit.unit {
            Unit::Bytes => bytes(limit.most),
            Unit::Seconds => format!("{} s", grouped(limit.most)),
            Unit::Count => grouped(limit.most),
        };
        out.push_str(&row(&[limit.what.to_owned(), most, limit.then.to_owned()]));
    }
    out
}

/// A number of bytes in the largest unit that says it exactly.
fn bytes(count: u64) -> String {
    let units = [(30, "GiB"), (20, "MiB"), (10, "KiB")];
    let fitting = units
        .iter()
        .find(|(power, _)| count.is_multiple_of(1 << power));
    fitting.map_or_else(
        || format!("{} bytes", grouped(count)),
        |(power, unit)| format!("{} {unit}", grouped(count >> power)),
    )
}

/// A number with its thousands apart.
fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

fn datasets(kind: &Kind) -> String {
    if kind.presets.is_empty() {
        return "as the source maps it".to_owned();
    }
    kind.presets
        .iter()
        .map(|preset| format!("[{0}](datasets.md#{0})", preset.dataset))
        .collect::<Vec<_>>()
        .join(", ")
}

fn whole(definitions: &Definitions, kind: &Kind) -> String {
    let references: Vec<String> = kind
        .references
        .iter()
        .map(|reference| format!("<{reference}>"))
        .collect();
    let keys: Vec<String> = COMMON_KEYS
        .iter()
        .copied()
        .chain(kind.reader.format_keys())
        .map(code)
        .collect();
    let mut out = format!(
        "\n## {}\n\n**{} · {}**\n\n{}\n\n{}\n\n`[format]` takes {}. Format: {} · [kind.toml](../../crates/keiki-ingest/kinds/{}/kind.toml)\n",
        kind.name,
        plain(&kind.title.ja),
        plain(&kind.title.en),
        plain(&kind.description.ja),
        plain(&kind.description.en),
        keys.join(", "),
        references.join(", "),
        kind.name,
    );
    if let Some(records) = &kind.format.records {
        out.push_str(&format!("\nIts records are at {}.\n", code(records)));
    }
    out.push_str(&format!("\n```toml\n{}\n```\n", kind.example.trim_end()));
    for preset in &kind.presets {
        out.push_str(&mapping(definitions, kind, preset));
    }
    out
}

fn mapping(definitions: &Definitions, kind: &Kind, preset: &Preset) -> String {
    let name = &preset.dataset;
    let mut out = format!("\nInto [{name}](datasets.md#{name}):\n");
    out.push_str(&heading(&["column", "from"]));
    for (column, sql) in &preset.columns {
        out.push_str(&row(&[
            code(column),
            code(&sql.value.split_whitespace().collect::<Vec<_>>().join(" ")),
        ]));
    }
    if let Some(filter) = &preset.filter {
        out.push_str(&format!(
            "\nEvidence are the rows where {}.\n",
            code(&filter.value)
        ));
    }
    if preset.format.records != kind.format.records
        && let Some(records) = &preset.format.records
    {
        out.push_str(&format!("\nIts records are at {}.\n", code(records)));
    }
    let left = definitions
        .catalogue
        .datasets
        .get(name)
        .map(|dataset| preset.left_to_source(dataset))
        .unwrap_or_default();
    if !left.is_empty() {
        let left: Vec<String> = left.into_iter().map(code).collect();
        out.push_str(&format!("\nThe source states {}.\n", left.join(", ")));
    }
    out
}
