//! The organisation's tree of org units, with dates, and further hierarchies beside it.

mod aliases;
mod hierarchy;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::calendar::{BEGINNING, Day, parse_day};
use crate::problem::{Place, Problem, nearest};
use crate::text::Text;

pub use aliases::{ALIASES_FILE, AliasDay, OrgUnitNames};
pub use hierarchy::{Arrangement, Hierarchy};

/// The org unit to which evidence of an unknown unit goes.
pub const UNASSIGNED: &str = "unassigned";

/// What an org unit is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum UnitKind {
    /// The group as a whole, with its holding company.
    Group,
    /// A company.
    Company,
    /// A domestic subsidiary.
    Subsidiary,
    /// An overseas entity.
    Overseas,
    /// A department of one of them.
    Department,
}

impl UnitKind {
    /// The kinds by the names that files use.
    pub const NAMES: [(&'static str, Self); 5] = [
        ("group", Self::Group),
        ("company", Self::Company),
        ("subsidiary", Self::Subsidiary),
        ("overseas", Self::Overseas),
        ("department", Self::Department),
    ];

    /// Tells whether a unit of this kind is an entity of its own, not a part of one.
    #[must_use]
    pub fn is_entity(self) -> bool {
        self != Self::Department
    }
}

/// One row of the tree: an org unit under a parent for a span of days.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrgUnit {
    /// Identity.
    pub id: String,
    /// The unit above it; `None` for the root.
    pub parent_id: Option<String>,
    /// Name.
    pub name: Text,
    /// What it is.
    pub kind: UnitKind,
    /// ISO 3166 code of its country.
    pub country: String,
    /// First day on which it is so.
    pub valid_from: Day,
    /// First day on which it is no longer so; `None` = still.
    pub valid_until: Option<Day>,
    /// The unit that takes over its evidence once it has ended.
    pub successor_id: Option<String>,
}

/// All rows of an organisation's tree, through time.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Organisation {
    rows: Vec<OrgUnit>,
    /// Of each id the position of the row that says of it what holds last.
    last: HashMap<String, usize>,
}

pub(crate) const HEADER: &str =
    "id,parent_id,name_ja,name_en,kind,country,valid_from,valid_until,successor_id";

impl Organisation {
    /// Reads `org.csv`.
    ///
    /// # Errors
    /// Every fault: columns, dates, kinds, two rows of one id on one day, unknown parents, cycles, several roots.
    pub fn read(file: &str, text: &str) -> Result<Self, Vec<Problem>> {
        let (rows, mut problems) = read_rows(file, text, ORG_TREE, read_unit)?;
        problems.extend(check_rows(&rows, file, ORG_TREE));
        sound(rows, problems).map(|rows| {
            let mut last: HashMap<String, usize> = HashMap::new();
            for (at, unit) in rows.iter().enumerate() {
                let known = last.entry(unit.id.clone()).or_insert(at);
                if rows[*known].valid_from <= unit.valid_from {
                    *known = at;
                }
            }
            Self { rows, last }
        })
    }

    /// All rows, in the order of the file.
    #[must_use]
    pub fn rows(&self) -> &[OrgUnit] {
        &self.rows
    }

    /// What is said last of an org unit.
    #[must_use]
    pub fn last_known(&self, id: &str) -> Option<&OrgUnit> {
        self.last.get(id).map(|at| &self.rows[*at])
    }

    /// The tree as it is on a day.
    #[must_use]
    pub fn tree(&self, day: Day) -> Tree {
        let units: Vec<&OrgUnit> = self
            .rows
            .iter()
            .filter(|unit| is_valid(unit, day))
            .collect();
        Tree::new(&units, self, day)
    }

    /// The days on which the tree changes, in order.
    #[must_use]
    pub fn change_days(&self) -> BTreeSet<Day> {
        self.rows
            .iter()
            .flat_map(|unit| std::iter::once(unit.valid_from).chain(unit.valid_until))
            .collect()
    }
}

/// How messages name a tree.
#[derive(Debug, Clone, Copy)]
struct Kind {
    ja: &'static str,
    en: &'static str,
    with_article: &'static str,
}

const ORG_TREE: Kind = Kind {
    ja: "組織図",
    en: "org tree",
    with_article: "an org tree",
};

/// The units of a file, each with its place.
type Rows = Vec<(OrgUnit, Place)>;

/// Reads the rows of a file with the columns of an org tree. Returns those that can be read, and the problems of the rest.
fn read_rows(
    file: &str,
    text: &str,
    what: Kind,
    read: impl Fn(&csv::StringRecord, &Place) -> Result<OrgUnit, Vec<Problem>>,
) -> Result<(Rows, Vec<Problem>), Vec<Problem>> {
    let mut problems = Vec::new();
    let mut rows = Rows::new();
    let mut reader = csv::ReaderBuilder::new()
        .flexible(true)
        .from_reader(text.trim_start_matches('\u{feff}').as_bytes());
    let header: Vec<String> = reader
        .headers()
        .map(|h| h.iter().map(str::to_owned).collect())
        .unwrap_or_default();
    if header.join(",") != HEADER {
        let place = Place {
            file: file.into(),
            line: 1,
            column: 1,
        };
        let message = Text::new(
            format!(
                "見出しが{}のものではありません: {}",
                what.ja,
                header.join(",")
            ),
            format!(
                "the header is not that of {}: {}",
                what.with_article,
                header.join(",")
            ),
        );
        let problem = Problem::new(place, message);
        return Err(vec![problem.hint(Text::new(
            format!("見出しを {HEADER} としてください"),
            format!("the header should be {HEADER}"),
        ))]);
    }
    for record in reader.records() {
        match record {
            Err(error) => problems.push(Problem::new(
                Place::file(file),
                Text::new(
                    format!("読めません: {error}"),
                    format!("cannot be read: {error}"),
                ),
            )),
            Ok(record) => {
                let line = record
                    .position()
                    .map_or(0, |p| usize::try_from(p.line()).unwrap_or(0));
                let place = Place {
                    file: file.into(),
                    line,
                    column: 0,
                };
                match read(&record, &place) {
                    Ok(unit) => rows.push((unit, place)),
                    Err(found) => problems.extend(found),
                }
            }
        }
    }
    Ok((rows, problems))
}

/// The units, if nothing is wrong with any; else every problem once, in the order of the file.
fn sound(rows: Rows, mut problems: Vec<Problem>) -> Result<Vec<OrgUnit>, Vec<Problem>> {
    problems.sort_by(|a, b| a.place.cmp(&b.place));
    problems.dedup();
    if problems.is_empty() {
        Ok(rows.into_iter().map(|(unit, _)| unit).collect())
    } else {
        Err(problems)
    }
}

fn is_valid(unit: &OrgUnit, day: Day) -> bool {
    unit.valid_from <= day && unit.valid_until.is_none_or(|until| day < until)
}

fn read_unit(record: &csv::StringRecord, place: &Place) -> Result<OrgUnit, Vec<Problem>> {
    let mut problems = Vec::new();
    if record.len() != 9 {
        return Err(vec![
            Problem::new(
                place.clone(),
                Text::new(
                    format!("行の欄は9個です(現在は{}個)", record.len()),
                    format!("the row should have 9 fields, found {}", record.len()),
                ),
            )
            .hint(Text::new(
                format!("欄: {HEADER}"),
                format!("fields: {HEADER}"),
            )),
        ]);
    }
    let field = |i: usize| record.get(i).unwrap_or_default().trim();
    let text = |i: usize| Some(field(i).to_owned()).filter(|t| !t.is_empty());
    let mut day = |i: usize, name: &str| match field(i) {
        "" => None,
        found => {
            let parsed = parse_day(found);
            if parsed.is_none() {
                problems.push(
                    Problem::new(
                        place.clone(),
                        Text::new(
                            format!("`{name}` が日付ではありません: {found}"),
                            format!("`{name}` is not a date: {found}"),
                        ),
                    )
                    .hint(Text::new(
                        "日付は 2026-04-01 のように書いてください",
                        "write dates as 2026-04-01",
                    )),
                );
            }
            parsed
        }
    };
    let valid_from = day(6, "valid_from").unwrap_or(BEGINNING);
    let valid_until = day(7, "valid_until");
    let kind = read_kind(field(4), place, &mut problems);
    if field(0).is_empty() {
        problems.push(Problem::new(
            place.clone(),
            Text::new("組織のIDがありません", "an org unit has no id"),
        ));
    }
    if field(0) == UNASSIGNED || field(0).contains([';', '|']) {
        problems.push(
            Problem::new(
                place.clone(),
                Text::new(
                    format!("このIDは組織に使えません: {}", field(0)),
                    format!("an org unit cannot have this id: {}", field(0)),
                ),
            )
            .hint(Text::new(
                "`unassigned` は予約されています。`;` と `|` はIDの区切りです",
                "`unassigned` is taken; `;` and `|` separate ids",
            )),
        );
    }
    if valid_until.is_some_and(|until| until <= valid_from) {
        problems.push(Problem::new(
            place.clone(),
            Text::new(
                format!("組織 {} が、始まる前に終わっています", field(0)),
                format!("org unit {} ends before it begins", field(0)),
            ),
        ));
    }
    match (kind, problems.is_empty()) {
        (Some(kind), true) => Ok(OrgUnit {
            id: field(0).to_owned(),
            parent_id: text(1),
            name: Text::new(field(2), field(3)),
            kind,
            country: field(5).to_owned(),
            valid_from,
            valid_until,
            successor_id: text(8),
        }),
        _ => Err(problems),
    }
}

fn read_kind(found: &str, place: &Place, problems: &mut Vec<Problem>) -> Option<UnitKind> {
    let mut kinds = UnitKind::NAMES.iter();
    let kind = kinds.find(|(name, _)| *name == found);
    if kind.is_none() {
        let names: Vec<&str> = UnitKind::NAMES.iter().map(|(name, _)| *name).collect();
        let message = Text::new(
            format!("組織の種別がありません: {found}"),
            format!("unknown kind of org unit: {found}"),
        );
        problems.push(Problem::new(place.clone(), message).hint(Text::new(
            format!("選べる値: {}", names.join(", ")),
            format!("one of: {}", names.join(", ")),
        )));
    }
    kind.map(|(_, kind)| *kind)
}

/// Checks ids, parents and shape of a tree; `what` names it in messages.
fn check_rows(rows: &[(OrgUnit, Place)], file: &str, what: Kind) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut by_id: BTreeMap<&str, Vec<&(OrgUnit, Place)>> = BTreeMap::new();
    for row in rows {
        by_id.entry(&row.0.id).or_default().push(row);
    }
    if rows.is_empty() {
        problems.push(
            Problem::new(
                Place::file(file),
                Text::new(
                    format!("{}に組織がありません", what.ja),
                    format!("the {} has no org unit", what.en),
                ),
            )
            .hint(Text::new(
                "少なくともグループ自体を加えてください",
                "add at least the group itself",
            )),
        );
    }
    for (id, versions) in &by_id {
        for (index, (unit, place)) in versions.iter().map(|v| (&v.0, &v.1)).enumerate() {
            let ends = |u: &OrgUnit| u.valid_until.unwrap_or(Day::MAX);
            let clash = versions[..index]
                .iter()
                .find(|(other, _)| unit.valid_from < ends(other) && other.valid_from < ends(unit));
            if let Some((_, first)) = clash {
                problems.push(
                    Problem::new(at_id(place), Text::new(format!("ID {id} の組織が二つあります(一つ目は{}行目)", first.line), format!("two org units have the id {id}; the first is in line {}", first.line)))
                        .hint(Text::new("組織ごとに別のIDを付けるか、二つ目が始まる日を一つ目の valid_until に書いてください", "give each unit its own id, or end the first row with valid_until where the second begins")),
                );
            }
        }
    }
    for (unit, place) in rows {
        for (role_ja, role, id) in [
            ("親", "parent", &unit.parent_id),
            ("承継先", "successor", &unit.successor_id),
        ] {
            if let Some(id) = id.as_deref().filter(|id| !by_id.contains_key(id)) {
                let hint = nearest(id, by_id.keys().copied()).map_or_else(
                    || Text::new("その組織の行を加えてください", "add a row for it"),
                    |near| {
                        Text::new(
                            format!("{near} ではありませんか"),
                            format!("did you mean {near}?"),
                        )
                    },
                );
                problems.push(
                    Problem::new(
                        place.clone(),
                        Text::new(
                            format!("{}の{role_ja}が存在しません: {id}", unit.id),
                            format!("the {role} of {} does not exist: {id}", unit.id),
                        ),
                    )
                    .hint(hint),
                );
            }
        }
    }
    if problems.is_empty() {
        problems.extend(check_shape(rows, file, what));
    }
    problems
}

/// Checks on every day of change that each unit reaches one root.
fn check_shape(rows: &[(OrgUnit, Place)], file: &str, what: Kind) -> Vec<Problem> {
    let mut problems = Vec::new();
    let days: BTreeSet<Day> = rows.iter().map(|(unit, _)| unit.valid_from).collect();
    for day in days {
        let valid: HashMap<&str, &(OrgUnit, Place)> = rows
            .iter()
            .filter(|(unit, _)| is_valid(unit, day))
            .map(|row| (row.0.id.as_str(), row))
            .collect();
        let roots: BTreeSet<&str> = valid
            .values()
            .filter(|(unit, _)| unit.parent_id.is_none())
            .map(|(unit, _)| unit.id.as_str())
            .collect();
        let on = crate::calendar::date_of(day);
        if roots.len() > 1 {
            let names: Vec<&str> = roots.into_iter().collect();
            problems.push(several_roots(&names, file, what, day));
        }
        for (unit, place) in valid.values() {
            let mut path = vec![unit.id.as_str()];
            let mut at = unit.parent_id.is_some();
            let mut parent = unit.parent_id.as_deref();
            while at {
                let Some(id) = parent else { break };
                let Some((next, _)) = valid.get(id) else {
                    problems.push(
                        Problem::new(
                            at_parent(unit, place),
                            Text::new(
                                format!(
                                    "{}の親が{on}時点で存在しません: {id}",
                                    path[path.len() - 1]
                                ),
                                format!(
                                    "the parent of {} does not exist on {on}: {id}",
                                    path[path.len() - 1]
                                ),
                            ),
                        )
                        .hint(Text::new(
                            "親の有効期間が組織の有効期間を含むようにしてください",
                            "let the parent's dates span those of the unit",
                        )),
                    );
                    break;
                };
                if let Some(start) = path.iter().position(|seen| *seen == id) {
                    let mut cycle: Vec<&str> = path[start..].to_vec();
                    let least = cycle
                        .iter()
                        .enumerate()
                        .min_by_key(|(_, id)| **id)
                        .map_or(0, |(i, _)| i);
                    cycle.rotate_left(least);
                    if cycle[0] == unit.id {
                        problems.push(circular(&cycle, &at_parent(unit, place), what, day));
                    }
                    at = false;
                } else {
                    path.push(id);
                    parent = next.parent_id.as_deref();
                }
            }
        }
    }
    problems
}

/// The place of a row's id, its first field.
fn at_id(place: &Place) -> Place {
    Place {
        column: 1,
        ..place.clone()
    }
}

/// The place of a row's parent, the field behind its id.
fn at_parent(unit: &OrgUnit, place: &Place) -> Place {
    Place {
        column: unit.id.chars().count() + 2,
        ..place.clone()
    }
}

fn several_roots(names: &[&str], file: &str, what: Kind, day: Day) -> Problem {
    let (names, on) = (names.join(", "), crate::calendar::date_of(day));
    let message = Text::new(
        format!("{on}時点の{}に頂点が複数あります: {names}", what.ja),
        format!("the {} has several roots on {on}: {names}", what.en),
    );
    Problem::new(Place::file(file), message).hint(Text::new(
        "一つを除いて parent_id を書いてください",
        "give all but one a parent_id",
    ))
}

fn circular(cycle: &[&str], place: &Place, what: Kind, day: Day) -> Problem {
    let on = crate::calendar::date_of(day);
    let way = format!("{} > {}", cycle.join(" > "), cycle[0]);
    let message = Text::new(
        format!("{on}時点の{}が循環しています: {way}", what.ja),
        format!("the {} has a cycle on {on}: {way}", what.en),
    );
    Problem::new(place.clone(), message).hint(Text::new(
        "いずれかの組織の親を変えてください",
        "give one of these units another parent",
    ))
}

/// A node of the tree on one day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// The org unit's id.
    pub id: String,
    /// Name.
    pub name: Text,
    /// What it is.
    pub kind: UnitKind,
    /// Position of the parent in the tree; `None` for the root.
    pub parent: Option<usize>,
    /// Depth, 0 for the root.
    pub depth: usize,
    /// One past the last position of its subtree: the subtree of position `i` is `i..subtree_end`.
    pub subtree_end: usize,
}

/// The tree on one day, in depth-first order, with `unassigned` as its last node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tree {
    nodes: Arc<Vec<Node>>,
    /// Every id ever known, to the position that takes its evidence on this day.
    positions: Arc<HashMap<String, usize>>,
    /// The day.
    pub day: Day,
}

impl Tree {
    fn empty(day: Day) -> Self {
        Self {
            nodes: Arc::default(),
            positions: Arc::default(),
            day,
        }
    }

    fn new(units: &[&OrgUnit], organisation: &Organisation, day: Day) -> Self {
        let mut children: BTreeMap<Option<&str>, Vec<&OrgUnit>> = BTreeMap::new();
        for unit in units {
            children
                .entry(unit.parent_id.as_deref())
                .or_default()
                .push(unit);
        }
        let mut tree = Self::empty(day);
        if let Some(root) = children.get(&None).and_then(|roots| roots.first()) {
            tree.add(root, None, &children);
        }
        let unassigned = tree.add_unassigned(Text::new("組織不明", "Unassigned"));
        let successors: HashMap<&str, &str> = organisation
            .rows
            .iter()
            .filter_map(|unit| Some((unit.id.as_str(), unit.successor_id.as_deref()?)))
            .collect();
        for unit in &organisation.rows {
            let mut at = unit.id.as_str();
            let mut steps = 0;
            while !tree.positions.contains_key(at) && steps <= organisation.rows.len() {
                let Some(next) = successors.get(at) else {
                    break;
                };
                at = next;
                steps += 1;
            }
            let position = tree.positions.get(at).copied().unwrap_or(unassigned);
            let positions = Arc::make_mut(&mut tree.positions);
            positions.entry(unit.id.clone()).or_insert(position);
        }
        tree
    }

    /// Adds the node that takes what belongs nowhere else, after all others.
    fn add_unassigned(&mut self, name: Text) -> usize {
        let position = self.nodes.len();
        let root = (position > 0).then_some(0);
        let nodes = Arc::make_mut(&mut self.nodes);
        nodes.push(Node {
            id: UNASSIGNED.into(),
            name,
            kind: UnitKind::Department,
            parent: root,
            depth: usize::from(root.is_some()),
            subtree_end: position + 1,
        });
        nodes[0].subtree_end = position + 1;
        Arc::make_mut(&mut self.positions).insert(UNASSIGNED.into(), position);
        position
    }

    fn add(
        &mut self,
        unit: &OrgUnit,
        parent: Option<usize>,
        children: &BTreeMap<Option<&str>, Vec<&OrgUnit>>,
    ) {
        let position = self.nodes.len();
        Arc::make_mut(&mut self.positions).insert(unit.id.clone(), position);
        let depth = parent.map_or(0, |p| self.nodes[p].depth + 1);
        Arc::make_mut(&mut self.nodes).push(Node {
            id: unit.id.clone(),
            name: unit.name.clone(),
            kind: unit.kind,
            parent,
            depth,
            subtree_end: 0,
        });
        for child in children.get(&Some(unit.id.as_str())).into_iter().flatten() {
            self.add(child, Some(position), children);
        }
        let end = self.nodes.len();
        Arc::make_mut(&mut self.nodes)[position].subtree_end = end;
    }

    /// The same structure, for figures of another day: what the programme says is taken as of that day.
    #[must_use]
    pub fn seen_on(mut self, day: Day) -> Self {
        self.day = day;
        self
    }

    /// Tells whether it is the same structure as another, one being made of the other.
    #[must_use]
    pub fn shares_nodes_with(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.nodes, &other.nodes)
    }

    /// The nodes in depth-first order.
    #[must_use]
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// The position of the unit that takes the evidence of `id` on this day: itself, its successor, or `unassigned`.
    #[must_use]
    pub fn position_of_evidence(&self, id: &str) -> usize {
        self.positions
            .get(id)
            .copied()
            .unwrap_or(self.nodes.len() - 1)
    }

    /// The position of an org unit that exists on this day.
    #[must_use]
    pub fn position(&self, id: &str) -> Option<usize> {
        self.positions
            .get(id)
            .copied()
            .filter(|position| self.nodes[*position].id == id)
    }

    /// Tells whether `inner` is `outer` or lies below it.
    #[must_use]
    pub fn is_within(&self, inner: usize, outer: usize) -> bool {
        outer <= inner && inner < self.nodes[outer].subtree_end
    }

    /// The units whose evidence together is all that a unit has: the departments directly below it, and not the entities, which
    /// answer for themselves. A unit without departments is no more than the entities directly below it.
    pub fn own_parts(&self, position: usize) -> impl Iterator<Item = usize> {
        let has_departments = self.children(position).any(|at| self.is_department(at));
        self.children(position)
            .filter(move |at| !has_departments || self.is_department(*at))
    }

    fn is_department(&self, position: usize) -> bool {
        !self.nodes[position].kind.is_entity()
    }

    /// The units directly below another, `unassigned` aside.
    pub fn children(&self, position: usize) -> impl Iterator<Item = usize> {
        let end = self.nodes[position].subtree_end;
        let first = Some(position + 1).filter(|at| *at < end);
        let next = move |at: &usize| Some(self.nodes[*at].subtree_end).filter(|at| *at < end);
        std::iter::successors(first, next).filter(|at| self.nodes[*at].id != UNASSIGNED)
    }

    /// The entity of a unit: itself, or the nearest unit above it that is no department.
    #[must_use]
    pub fn entity_of(&self, position: usize) -> usize {
        let mut at = position;
        while !self.nodes[at].kind.is_entity() {
            match self.nodes[at].parent {
                Some(parent) => at = parent,
                None => break,
            }
        }
        at
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn csv(rows: &str) -> String {
        format!("{HEADER}\n{rows}")
    }

    #[test]
    fn a_moved_unit_stands_where_it_stood_on_the_day() {
        let text = csv(
            "G,,群,Group,group,JP,2020-04-01,,\nA,G,甲,A,company,JP,2020-04-01,,\nB,G,乙,B,company,JP,2020-04-01,,\nD,A,丁,D,department,JP,2020-04-01,2026-04-01,\nD,B,丁,D,department,JP,2026-04-01,,\n",
        );
        let organisation = Organisation::read("org.csv", &text).expect("the tree is sound");
        let parent = |day| {
            let tree = organisation.tree(parse_day(day).expect("a date"));
            let position = tree.position("D").expect("D exists");
            tree.nodes()[tree.nodes()[position].parent.expect("it has a parent")]
                .id
                .clone()
        };
        assert_eq!(
            (parent("2026-03-31").as_str(), parent("2026-04-01").as_str()),
            ("A", "B")
        );
    }

    #[test]
    fn evidence_of_an_ended_unit_goes_to_its_successor_and_of_an_unknown_one_to_unassigned() {
        let text = csv(
            "G,,群,Group,group,JP,2020-04-01,,\nA,G,甲,A,company,JP,2020-04-01,2026-04-01,B\nB,G,乙,B,company,JP,2020-04-01,,\n",
        );
        let tree = Organisation::read("org.csv", &text)
            .expect("sound")
            .tree(parse_day("2026-05-01").expect("a date"));
        assert_eq!(tree.nodes()[tree.position_of_evidence("A")].id, "B");
        assert_eq!(tree.nodes()[tree.position_of_evidence("Z")].id, UNASSIGNED);
        assert!(tree.is_within(tree.position_of_evidence("Z"), 0));
    }

    #[test]
    fn the_own_parts_of_a_unit_are_its_departments_or_where_it_has_none_the_entities_below() {
        let text = csv(
            "G,,群,Group,group,JP,,,\nD,G,丁,D,department,JP,,,\nD1,D,丁一,D1,department,JP,,,\nA,G,甲,A,company,JP,,,\nB,A,乙,B,company,JP,,,\nE,B,戊,E,department,JP,,,\n",
        );
        let organisation = Organisation::read("org.csv", &text).expect("the tree is sound");
        let tree = organisation.tree(BEGINNING);
        let parts = |id: &str| {
            let position = tree.position(id).expect("it exists");
            let parts = tree.own_parts(position);
            parts
                .map(|at| tree.nodes()[at].id.as_str())
                .collect::<Vec<_>>()
        };
        let found = ["G", "D", "D1", "A", "B", UNASSIGNED].map(parts);
        let expected: [&[&str]; 6] = [&["D"], &["D1"], &[], &["B"], &["E"], &[]];
        assert_eq!(found.each_ref().map(Vec::as_slice), expected);
    }

    #[test]
    fn a_cycle_and_two_units_of_one_id_are_named_with_their_lines() {
        let cycle = csv("G,,群,G,group,JP,,,\nA,B,甲,A,company,JP,,,\nB,A,乙,B,company,JP,,,\n");
        let problems = Organisation::read("org.csv", &cycle).expect_err("a cycle");
        assert!(
            problems
                .iter()
                .any(|p| p.message.en.contains("A > B > A")
                    && p.place.to_string() == "org.csv:3:3"),
            "{problems:?}"
        );
        let twice = csv("G,,群,G,group,JP,,,\nA,G,甲,A,company,JP,,,\nA,G,甲,A,company,JP,,,\n");
        let problems = Organisation::read("org.csv", &twice).expect_err("one id twice");
        assert!(
            problems[0].message.en.contains("line 3")
                && problems[0].place.to_string() == "org.csv:4:1",
            "{problems:?}"
        );
    }
}
