//! Reads a source's definition from its document.

use std::sync::Arc;

use keiki_model::calendar::{BEGINNING, parse_day};
use keiki_model::dataset::content_version;
use keiki_model::document::{Located, Node};
use keiki_model::evidence::{Extent, Missing, Scope};
use keiki_model::problem::{Problem, nearest};
use keiki_model::text::Text;

use crate::format::{self, Format};
use crate::kind::{Kind, Kinds, Preset};
use crate::live::{self, Connector};
use crate::place::last_part;
use crate::schedule::{self, Schedule};

use super::{History, PRECEDENCE_DEFAULT, Source};

const EXTENTS: [(&str, Extent); 2] = [("full", Extent::Full), ("part", Extent::Part)];
const MISSING: [(&str, Missing); 3] = [
    ("keep", Missing::Keep),
    ("retire", Missing::Retire),
    ("withdraw", Missing::Withdraw),
];

/// Reads the document's root.
pub(super) fn source(node: &Node<'_>, file: &str, text: &str, kinds: &Kinds) -> Option<Source> {
    let name = name(node, file);
    let kind = kind(node, kinds);
    let dataset = dataset(node, kind.as_deref());
    let origin = origin(node, kind.as_deref());
    let schedule = schedule(node);
    let extent = node.choice("extent", &EXTENTS).unwrap_or(Extent::Part);
    let missing = node.choice("missing", &MISSING).unwrap_or(Missing::Keep);
    if missing != Missing::Keep && extent == Extent::Part {
        node.report(
            Problem::new(
                node.place_of("missing"),
                Text::new(
                    "一部だけの取込では、含まれないレコードを判断できません",
                    "a part says nothing about the records that it leaves out",
                ),
            )
            .hint(Text::new(
                "extent = \"full\" を加えるか、`missing` を外してください",
                "add extent = \"full\", or leave out `missing`",
            )),
        );
    }
    let is_incremental = origin
        .as_ref()
        .and_then(|origin| origin.fetch.as_ref())
        .is_some_and(|connector| connector.is_incremental());
    if is_incremental && extent == Extent::Full {
        node.report(
            Problem::new(
                node.place_of("extent"),
                Text::new(
                    "差分の読み取りは全件ではありません",
                    "an incremental reading is a part",
                ),
            )
            .hint(Text::new(
                "`extent`、または差分の読み取りの指定を外してください",
                "leave out `extent`, or what makes the reading incremental",
            )),
        );
    }
    let covers = node.strings("covers");
    let fresh_days = fresh_days(node);
    let precedence = node.integer("precedence").unwrap_or(PRECEDENCE_DEFAULT);
    let (scope, scope_place) = match node.table("scope") {
        Some(table) => (scope(&table), table.place_of("where")),
        None => (Scope::default(), node.place()),
    };
    let window_from = node
        .table("window")
        .map_or(BEGINNING, |table| window(&table));
    let format = format(node, kind.as_deref(), dataset.as_deref());
    let own_filter = node.located("where");
    let columns = node
        .table("columns")
        .map(|table| table.all_strings())
        .unwrap_or_default();
    let preset = kind.as_ref().zip(dataset.as_ref());
    let columns = filled(preset.and_then(|(kind, name)| kind.preset(name)), columns);
    let history = node.table("history").and_then(|table| history(&table));
    Some(Source {
        name: name?,
        version: version(text, kind.as_ref()?),
        kind: kind?,
        dataset: dataset?,
        place: origin.as_ref()?.place.clone(),
        query: origin.as_ref()?.query.clone(),
        fetch: origin?.fetch,
        schedule,
        extent,
        missing,
        covers,
        fresh_days,
        precedence,
        scope,
        scope_place,
        window_from,
        format,
        own_filter,
        columns,
        history,
        file: file.to_owned(),
    })
}

/// For how many days a reading speaks beyond its own.
fn fresh_days(node: &Node<'_>) -> Option<i32> {
    let stated = node.integer("fresh_days")?;
    let days = i32::try_from(stated).ok().filter(|days| *days >= 0);
    if days.is_none() {
        node.report(Problem::new(
            node.place_of("fresh_days"),
            Text::new(
                format!("日数ではありません: {stated}"),
                format!("not a number of days: {stated}"),
            ),
        ));
    }
    days
}

/// What stands in a preset for the source's expression of the org unit: most tools know none, and many numbers are
/// unique within one only.
const ORG_UNIT: &str = "{org_unit}";

/// A source's own columns, and those of its kind's preset in which its org unit is to be put.
pub(super) fn filled(
    preset: Option<&Preset>,
    mut columns: Vec<(String, Located)>,
) -> Vec<(String, Located)> {
    let own = |name: &str| columns.iter().find(|(column, _)| column == name);
    let org_unit = own("org_unit").map_or_else(
        // Without one the source is refused for its want, not for this.
        || "cast(null as varchar)".to_owned(),
        |(_, sql)| format!("({})", sql.value),
    );
    let brought: Vec<(String, Located)> = preset
        .into_iter()
        .flat_map(|preset| &preset.columns)
        .filter(|(name, sql)| sql.value.contains(ORG_UNIT) && own(name).is_none())
        .map(|(name, sql)| {
            let value = sql.value.replace(ORG_UNIT, &org_unit);
            let place = sql.place.clone();
            (name.clone(), Located { value, place })
        })
        .collect();
    columns.extend(brought);
    columns
}

/// Where evidence comes from: files, the books themselves, or a live system.
struct Origin {
    place: Option<Located>,
    query: Option<Located>,
    fetch: Option<Arc<dyn Connector>>,
}

fn origin(node: &Node<'_>, kind: Option<&Kind>) -> Option<Origin> {
    let Some(connector) = kind.and_then(|kind| kind.connector.as_deref()) else {
        return files_or_query(node);
    };
    let Some(table) = node.table("fetch") else {
        if !node.has("fetch") {
            let problem = Problem::new(
                node.place(),
                Text::new("表 `[fetch]` がありません", "missing table `[fetch]`"),
            );
            node.report(problem.hint(Text::new(
                "コネクターがシステムに接続するための [fetch] を加えてください",
                "add [fetch] with what the connector needs to reach the system",
            )));
        }
        return None;
    };
    Some(Origin {
        place: None,
        query: None,
        fetch: Some(live::definition(connector, &table)?),
    })
}

fn files_or_query(node: &Node<'_>) -> Option<Origin> {
    let (place, query) = (node.located("place"), node.located("query"));
    if place.is_none() && !node.has("place") && !node.has("query") {
        let problem = Problem::new(
            node.place(),
            Text::new("項目 `place` がありません", "missing key `place`"),
        );
        node.report(problem.hint(Text::new(
            "ファイル、フォルダまたはパターンを place = \"evidence/…\" のように書いてください",
            "add place = \"evidence/…\", a file, folder or pattern",
        )));
    }
    if node.has("place") && node.has("query") {
        let problem = Problem::new(
            node.place_of("query"),
            Text::new(
                "取得元にはファイルか問い合わせの一方だけを指定します",
                "a source has files or a query, not both",
            ),
        );
        node.report(problem.hint(Text::new(
            "`place` か `query` を外してください",
            "take `place` or `query` away",
        )));
    }
    Some(Origin {
        place: if query.is_some() { None } else { Some(place?) },
        query,
        fetch: None,
    })
}

fn schedule(node: &Node<'_>) -> Option<Schedule> {
    let text = node.string("schedule")?;
    let found = Schedule::parse(&text);
    if found.is_none() {
        let message = Text::new(
            format!("`schedule` として使えません: `{text}`"),
            format!("`schedule` cannot be `{text}`"),
        );
        node.report(Problem::new(node.place_of("schedule"), message).hint(schedule::forms()));
    }
    found
}

fn name(node: &Node<'_>, file: &str) -> Option<String> {
    let name = node.required_string("name")?;
    let base = last_part(file);
    if base.strip_suffix(".toml").unwrap_or(base) != name || name.is_empty() {
        node.report(
            Problem::new(
                node.place_of("name"),
                Text::new(
                    format!("名前がファイル名と一致しません: `{name}`"),
                    format!("the name does not fit the file: `{name}`"),
                ),
            )
            .hint(Text::new(
                "ファイル名から `.toml` を除いた名前にしてください",
                "use the file's name without `.toml`",
            )),
        );
    }
    Some(name)
}

/// The version of a definition: what it says, and what its kind says in its place.
pub(super) fn version(text: &str, kind: &Kind) -> String {
    if kind.presets.is_empty() {
        content_version(text)
    } else {
        content_version(&format!("{text}\n{}", kind.version))
    }
}

fn kind(node: &Node<'_>, kinds: &Kinds) -> Option<Arc<Kind>> {
    node.required_string("kind")?;
    let Located { value: name, place } = node.located("kind")?;
    let found = kinds.get(&name).cloned();
    if found.is_none() {
        let names = || kinds.iter().map(|kind| kind.name.as_str());
        let all = names().collect::<Vec<_>>().join(", ");
        let hint = match nearest(&name, names()) {
            Some(near) => Text::new(
                format!("`{near}` ではありませんか。選べる値: {all}"),
                format!("did you mean `{near}`? one of: {all}"),
            ),
            None => Text::new(format!("選べる値: {all}"), format!("one of: {all}")),
        };
        let problem = Problem::new(
            place,
            Text::new(
                format!("`kind` に `{name}` は指定できません"),
                format!("`kind` cannot be `{name}`"),
            ),
        );
        node.report(problem.hint(hint));
    }
    found
}

/// How values are written: as the definition says, over what the kind says of the dataset.
fn format(node: &Node<'_>, kind: Option<&Kind>, dataset: Option<&str>) -> Format {
    let base = kind.map_or_else(Format::default, |kind| {
        kind.format(dataset.unwrap_or_default()).clone()
    });
    match node.table("format") {
        Some(table) => format::read(&table, base, kind.map(|kind| kind.reader)),
        None => base,
    }
}

fn dataset(node: &Node<'_>, kind: Option<&Kind>) -> Option<String> {
    let stated = node.string("dataset");
    if stated.is_some() || node.has("dataset") {
        return stated;
    }
    let brought = kind?.dataset();
    if brought.is_none() {
        let problem = Problem::new(
            node.place(),
            Text::new("項目 `dataset` がありません", "missing key `dataset`"),
        );
        node.report(problem.hint(Text::new(
            "取得元に対応するデータ種別を dataset = \"…\" に書いてください",
            "add dataset = \"…\", the dataset into which the source maps",
        )));
    }
    brought.map(str::to_owned)
}

fn scope(table: &Node<'_>) -> Scope {
    let scope = Scope {
        org_units: table.strings("org_units"),
        predicate: table.string("where"),
    };
    table.finish();
    scope
}

fn window(table: &Node<'_>) -> i32 {
    let from = table.required_string("from");
    table.finish();
    let Some(text) = from else { return BEGINNING };
    parse_day(&text).unwrap_or_else(|| {
        let problem = Problem::new(
            table.place_of("from"),
            Text::new(
                format!("日付ではありません: `{text}`"),
                format!("not a date: `{text}`"),
            ),
        );
        table.report(problem.hint(Text::new(
            "2026-04-01 のように書いてください",
            "write it as 2026-04-01",
        )));
        BEGINNING
    })
}

fn history(table: &Node<'_>) -> Option<History> {
    let known_at = table.located("known_at");
    if known_at.is_none() && !table.has("known_at") {
        let problem = Problem::new(
            table.place(),
            Text::new("項目 `known_at` がありません", "missing key `known_at`"),
        );
        table.report(problem.hint(Text::new(
            "取得元の列に対するSQLを known_at = \"…\" に書いてください",
            "add known_at = \"…\", SQL over the source's columns",
        )));
    }
    let order = table.located("order");
    table.finish();
    Some(History {
        known_at: known_at?,
        order,
    })
}
