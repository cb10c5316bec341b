//! Further hierarchies beside the org tree, such as regions or businesses: its org units in another order.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{
    Kind, OrgUnit, Organisation, Rows, Tree, UNASSIGNED, UnitKind, check_rows, is_valid, read_rows,
    read_unit, sound,
};
use crate::calendar::{Day, date_of};
use crate::problem::{Place, Problem, nearest};
use crate::text::Text;

const HIERARCHY: Kind = Kind {
    ja: "階層",
    en: "hierarchy",
    with_article: "a hierarchy",
};

/// The name of the node that takes what a hierarchy does not place.
const ELSEWHERE: (&str, &str) = ("この階層に含まれない組織", "Not in this hierarchy");

/// The fields of a row that `org.csv` says of its own units, and their positions.
const SAID_BY_ORG: [(&str, usize); 4] =
    [("name_ja", 2), ("name_en", 3), ("kind", 4), ("country", 5)];

/// A hierarchy: nodes of its own, and org units of the main tree placed below them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hierarchy {
    /// Its name, by which it is asked for.
    pub name: String,
    rows: Vec<OrgUnit>,
    /// Ids of the nodes that the main tree does not have.
    own: BTreeSet<String>,
}

impl Hierarchy {
    /// Reads a hierarchy over an org tree.
    ///
    /// # Errors
    /// Every fault: those of an org tree, units that do not exist, nodes without a name or without a unit below them.
    pub fn read(
        name: &str,
        file: &str,
        text: &str,
        organisation: &Organisation,
    ) -> Result<Self, Vec<Problem>> {
        let placed = |record: &csv::StringRecord, place: &Place| {
            let id = record.get(0).unwrap_or_default().trim();
            let versions = versions(organisation, id);
            if versions.is_empty() || record.len() != 9 {
                return own_node(record, place, organisation);
            }
            placed_unit(record, place, &versions)
        };
        let (rows, mut problems) = read_rows(file, text, HIERARCHY, placed)?;
        problems.extend(check_name(name, file));
        let faults = problems.len();
        problems.extend(check_rows(&rows, file, HIERARCHY));
        if problems.len() == faults {
            problems.extend(check_placement(&rows, organisation));
        }
        let rows = sound(rows, problems)?;
        let own = rows
            .iter()
            .filter(|row| versions(organisation, &row.id).is_empty())
            .map(|row| row.id.clone())
            .collect();
        Ok(Self {
            name: name.to_owned(),
            rows,
            own,
        })
    }

    /// All rows, in the order of the file.
    #[must_use]
    pub fn rows(&self) -> &[OrgUnit] {
        &self.rows
    }

    /// The name of a node of its own as last known, or of the one that takes what it does not place; `None` for org units.
    #[must_use]
    pub fn own_name(&self, id: &str) -> Option<Text> {
        if id == UNASSIGNED {
            return Some(Text::new(ELSEWHERE.0, ELSEWHERE.1));
        }
        let rows = self.rows.iter().filter(|row| row.id == id);
        let last = rows.max_by_key(|row| row.valid_from);
        last.filter(|_| self.own.contains(id))
            .map(|row| row.name.clone())
    }

    /// The hierarchy on a day over the main tree of that day. A placed unit that the main tree does not have on the day is left
    /// out, and what lies below it goes to the next node above.
    #[must_use]
    pub fn arrange(&self, main: Arc<Tree>, day: Day) -> Arrangement {
        let valid: BTreeMap<&str, &OrgUnit> = self
            .rows
            .iter()
            .filter(|row| is_valid(row, day))
            .map(|row| (row.id.as_str(), row))
            .collect();
        let exists = |id: &str| self.own.contains(id) || main.position(id).is_some();
        let parent = |row: &OrgUnit| {
            let mut at = row.parent_id.as_deref();
            while let Some(id) = at.filter(|id| !exists(id)) {
                at = valid.get(id).and_then(|row| row.parent_id.as_deref());
            }
            at.and_then(|id| valid.get(id)).map(|row| row.id.as_str())
        };
        let mut children: BTreeMap<Option<&str>, Vec<&OrgUnit>> = BTreeMap::new();
        let in_order = self.rows.iter().filter(|row| is_valid(row, day));
        for row in in_order.filter(|row| exists(&row.id)) {
            let above = valid.get(row.id.as_str()).and_then(|row| parent(row));
            children.entry(above).or_default().push(row);
        }
        let mut tree = Tree::empty(main.day);
        if let Some(root) = children.get(&None).and_then(|roots| roots.first()) {
            tree.add(root, None, &children);
        }
        tree.add_unassigned(Text::new(ELSEWHERE.0, ELSEWHERE.1));
        let stands_for: Vec<Option<usize>> = tree
            .nodes
            .iter()
            .map(|node| main.position(&node.id))
            .collect();
        for (node, unit) in Arc::make_mut(&mut tree.nodes).iter_mut().zip(&stands_for) {
            if let Some(unit) = unit.filter(|_| node.id != UNASSIGNED) {
                let unit = &main.nodes[unit];
                (node.name, node.kind) = (unit.name.clone(), unit.kind);
            }
        }
        let takers = takers(&main, &tree);
        Arrangement {
            main,
            tree: Arc::new(tree),
            takers,
            stands_for,
        }
    }
}

/// Per node of the main tree, the node of the hierarchy for the nearest unit at or above it that the hierarchy places.
fn takers(main: &Tree, tree: &Tree) -> Vec<usize> {
    let elsewhere = tree.nodes.len() - 1;
    let mut takers: Vec<usize> = Vec::with_capacity(main.nodes.len());
    for node in main.nodes() {
        let above = node.parent.filter(|_| node.id != UNASSIGNED);
        let taker = tree
            .position(&node.id)
            .or_else(|| above.map(|above| takers[above]));
        takers.push(taker.unwrap_or(elsewhere));
    }
    takers
}

/// The rows of an org unit in `org.csv`.
fn versions<'o>(organisation: &'o Organisation, id: &str) -> Vec<&'o OrgUnit> {
    let rows = organisation.rows().iter();
    rows.filter(|unit| unit.id == id).collect()
}

/// Reads a row that places a unit of the main tree: what `org.csv` says of the unit may be left empty.
fn placed_unit(
    record: &csv::StringRecord,
    place: &Place,
    versions: &[&OrgUnit],
) -> Result<OrgUnit, Vec<Problem>> {
    let said = |unit: &OrgUnit, field: usize| match field {
        2 => unit.name.ja.clone(),
        3 => unit.name.en.clone(),
        4 => kind_name(unit.kind).to_owned(),
        _ => unit.country.clone(),
    };
    let mut problems = Vec::new();
    let mut fields: Vec<String> = record.iter().map(|field| field.trim().to_owned()).collect();
    for (column, field) in SAID_BY_ORG {
        if fields[field].is_empty() {
            fields[field] = said(versions[0], field);
        } else if !versions
            .iter()
            .any(|unit| said(unit, field) == fields[field])
        {
            let message = Text::new(
                format!(
                    "`{column}` が org.csv の組織{}の値と異なります: {}",
                    fields[0], fields[field]
                ),
                format!(
                    "`{column}` of org unit {} is not what org.csv says: {}",
                    fields[0], fields[field]
                ),
            );
            let hint = Text::new(
                format!("空欄にするか、{}と書いてください", said(versions[0], field)),
                format!("leave it empty, or write {}", said(versions[0], field)),
            );
            problems.push(Problem::new(place.clone(), message).hint(hint));
        }
    }
    let record = csv::StringRecord::from(fields);
    check_successor(&record, place, &mut problems);
    read_checked(&record, place, problems)
}

/// Reads a row for a node that the main tree does not have.
fn own_node(
    record: &csv::StringRecord,
    place: &Place,
    organisation: &Organisation,
) -> Result<OrgUnit, Vec<Problem>> {
    let field = |i: usize| record.get(i).unwrap_or_default().trim();
    let mut problems = Vec::new();
    if record.len() == 9 && !field(0).is_empty() {
        let is_unit = field(4).is_empty() || field(4) == kind_name(UnitKind::Department);
        if is_unit {
            let message = Text::new(
                format!("org.csv にその組織がありません: {}", field(0)),
                format!("org.csv has no such org unit: {}", field(0)),
            );
            let ids = organisation.rows().iter().map(|unit| unit.id.as_str());
            let near = nearest(field(0), ids);
            let hint = near.map_or_else(
                || {
                    Text::new(
                        "階層独自の節点には、部門以外の種別を指定してください",
                        "a node of the hierarchy's own is of another kind than department",
                    )
                },
                |near| {
                    Text::new(
                        format!("{near} ではありませんか"),
                        format!("did you mean {near}?"),
                    )
                },
            );
            return Err(vec![Problem::new(place.clone(), message).hint(hint)]);
        }
        for (column, i) in [("name_ja", 2), ("name_en", 3)] {
            if field(i).is_empty() {
                let message = Text::new(
                    format!("`{column}` が節点{}にありません", field(0)),
                    format!("`{column}` is missing of node {}", field(0)),
                );
                let hint = Text::new(
                    "階層独自の節点には、日本語と英語の名前が必要です",
                    "a node of the hierarchy's own has a name in both languages",
                );
                problems.push(Problem::new(place.clone(), message).hint(hint));
            }
        }
        check_successor(record, place, &mut problems);
    }
    read_checked(record, place, problems)
}

/// Reads a row of which some problems are known already.
fn read_checked(
    record: &csv::StringRecord,
    place: &Place,
    mut problems: Vec<Problem>,
) -> Result<OrgUnit, Vec<Problem>> {
    match read_unit(record, place) {
        Ok(unit) if problems.is_empty() => Ok(unit),
        Ok(_) => Err(problems),
        Err(found) => {
            problems.extend(found);
            Err(problems)
        }
    }
}

fn check_successor(record: &csv::StringRecord, place: &Place, problems: &mut Vec<Problem>) {
    let successor = record.get(8).unwrap_or_default().trim();
    if !successor.is_empty() {
        let message = Text::new(
            format!("階層に承継先は指定できません: {successor}"),
            format!("a hierarchy knows no successors: {successor}"),
        );
        let hint = Text::new(
            "`successor_id` は空欄にしてください。証跡は org.csv の承継先に従います",
            "leave `successor_id` empty; evidence follows the successors in org.csv",
        );
        problems.push(Problem::new(place.clone(), message).hint(hint));
    }
}

fn kind_name(kind: UnitKind) -> &'static str {
    let names = UnitKind::NAMES.iter();
    let found = names.clone().find(|(_, of)| *of == kind);
    found.map_or("", |(name, _)| name)
}

fn check_name(name: &str, file: &str) -> Option<Problem> {
    let is_fine = name
        .chars()
        .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '-');
    (name.is_empty() || !is_fine).then(|| {
        let message = Text::new(
            format!("この名前は階層に使えません: {name}"),
            format!("a hierarchy cannot have this name: {name}"),
        );
        Problem::new(Place::file(file), message).hint(Text::new(
            "ファイル名には英小文字、数字、`_`、`-` を使ってください",
            "name the file with lower-case letters, digits, `_` and `-`",
        ))
    })
}

/// Checks that each node of its own leads to org units, that each placed unit exists on some of its days, and that the root
/// exists whenever a unit below it does.
fn check_placement(rows: &Rows, organisation: &Organisation) -> Vec<Problem> {
    let mut problems = Vec::new();
    let parents: BTreeSet<&str> = rows
        .iter()
        .filter_map(|(row, _)| row.parent_id.as_deref())
        .collect();
    let ids = || organisation.rows().iter().map(|unit| unit.id.as_str());
    for (row, place) in rows {
        let versions = versions(organisation, &row.id);
        if versions.is_empty() {
            if !parents.contains(row.id.as_str()) {
                let message = Text::new(
                    format!("節点{}の下に何も置かれていません", row.id),
                    format!("nothing is placed below node {}", row.id),
                );
                let hint = nearest(&row.id, ids()).map_or_else(
                    || {
                        Text::new(
                            "org.csv のIDで組織をその下に置いてください",
                            "place org units below it, by their ids in org.csv",
                        )
                    },
                    |near| {
                        Text::new(
                            format!("org.csv にその組織がありません。{near} ではありませんか"),
                            format!("org.csv has no such unit; did you mean {near}?"),
                        )
                    },
                );
                problems.push(Problem::new(place.clone(), message).hint(hint));
            }
            continue;
        }
        let ends = |unit: &OrgUnit| unit.valid_until.unwrap_or(Day::MAX);
        let meets = |unit: &&OrgUnit| unit.valid_from < ends(row) && row.valid_from < ends(unit);
        if !versions.iter().any(meets) {
            let message = Text::new(
                format!("org.csv には、この期間のどの日にも{}がありません", row.id),
                format!("org.csv does not have {} on any of these days", row.id),
            );
            let hint = Text::new(
                "期間を org.csv の組織の期間に合わせてください",
                "let the dates meet those of the unit in org.csv",
            );
            problems.push(Problem::new(place.clone(), message).hint(hint));
        }
    }
    let from = rows.iter().map(|(row, _)| row.valid_from);
    let mut days: BTreeSet<Day> = organisation.change_days();
    days.extend(from);
    for day in days {
        let exists = |id: &str| {
            let versions = versions(organisation, id);
            versions.is_empty() || versions.iter().any(|unit| is_valid(unit, day))
        };
        let valid = || rows.iter().filter(|(row, _)| is_valid(row, day));
        let has_units = valid().any(|(row, _)| row.parent_id.is_some() && exists(&row.id));
        let root = valid().find(|(row, _)| row.parent_id.is_none());
        if let Some((root, place)) = root.filter(|(root, _)| has_units && !exists(&root.id)) {
            let message = Text::new(
                format!(
                    "org.csv には、{}時点で階層の頂点がありません: {}",
                    date_of(day),
                    root.id
                ),
                format!(
                    "org.csv does not have the hierarchy's root on {}: {}",
                    date_of(day),
                    root.id
                ),
            );
            let hint = Text::new(
                "頂点を階層独自の節点か、org.csv の頂点にしてください",
                "make the root a node of the hierarchy's own, or the root of org.csv",
            );
            problems.push(Problem::new(place.clone(), message).hint(hint));
            break;
        }
    }
    problems
}

/// The tree along which figures are rolled up on a day, over the main tree, in which evidence, claims and rules are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arrangement {
    main: Arc<Tree>,
    tree: Arc<Tree>,
    /// Per node of the main tree, the node that takes its evidence.
    takers: Vec<usize>,
    /// Per node, the node of the main tree that it stands for; `None` for a hierarchy's own.
    stands_for: Vec<Option<usize>>,
}

impl Arrangement {
    /// The main tree itself.
    #[must_use]
    pub fn of_main(main: Arc<Tree>) -> Self {
        let nodes = 0..main.nodes.len();
        Self {
            tree: Arc::clone(&main),
            takers: nodes.clone().collect(),
            stands_for: nodes.map(Some).collect(),
            main,
        }
    }

    /// The main tree.
    #[must_use]
    pub fn main(&self) -> &Tree {
        &self.main
    }

    /// The tree along which figures are rolled up.
    #[must_use]
    pub fn tree(&self) -> &Tree {
        &self.tree
    }

    /// Tells whether the tree is another than the main one.
    #[must_use]
    pub fn is_hierarchy(&self) -> bool {
        !Arc::ptr_eq(&self.main, &self.tree)
    }

    /// The node that takes the evidence of a node of the main tree.
    #[must_use]
    pub fn taker(&self, unit: usize) -> usize {
        self.takers[unit]
    }

    /// The node of the main tree that a node stands for; `None` for a hierarchy's own.
    #[must_use]
    pub fn stands_for(&self, node: usize) -> Option<usize> {
        self.stands_for[node]
    }

    /// The node of the main tree whose rules hold for a node: for a hierarchy's own, the root.
    #[must_use]
    pub fn ruled_by(&self, node: usize) -> usize {
        self.stands_for[node].unwrap_or(0)
    }

    /// Flags of the main tree's nodes, by the nodes that stand for them; a hierarchy's own has none.
    #[must_use]
    pub fn flags(&self, of_main: &[bool]) -> Vec<bool> {
        let flag = |unit: &Option<usize>| unit.is_some_and(|unit| of_main[unit]);
        self.stands_for.iter().map(flag).collect()
    }

    /// Tells whether a node holds departments without their entities, so that they owe evidence themselves.
    #[must_use]
    pub fn holds_departments_alone(&self, node: usize) -> bool {
        let is_entity =
            |at: usize| self.stands_for[at].is_some() && self.tree.nodes[at].kind.is_entity();
        let mut below = node..self.tree.nodes[node].subtree_end;
        self.stands_for[node].is_none() && !below.any(is_entity)
    }

    /// The uppermost departments below a node of the hierarchy's own.
    #[must_use]
    pub fn departments(&self, node: usize) -> Vec<usize> {
        let is_uppermost = |at: &usize| {
            let found = &self.tree.nodes[*at];
            let above = found.parent.and_then(|above| self.stands_for[above]);
            found.id != UNASSIGNED && self.stands_for[*at].is_some() && above.is_none()
        };
        (node..self.tree.nodes[node].subtree_end)
            .filter(is_uppermost)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calendar::parse_day;
    use crate::org::HEADER;

    fn organisation() -> Organisation {
        let rows = "G,,群,Group,group,JP,2020-04-01,,\nA,G,甲,A,company,JP,2020-04-01,,\n\
                    D,A,丁,D,department,JP,2020-04-01,,\nB,G,乙,B,company,US,2024-10-01,2026-04-01,A\n";
        Organisation::read("org.csv", &format!("{HEADER}\n{rows}")).expect("the tree is sound")
    }

    fn read(rows: &str) -> Result<Hierarchy, Vec<Problem>> {
        let text = format!("{HEADER}\n{rows}");
        Hierarchy::read("region", "hierarchies/region.csv", &text, &organisation())
    }

    /// The problems of a hierarchy that has a sound root, as text.
    fn problems(rows: &str) -> String {
        let found = read(&format!("W,,世界,World,group,,,,\nG,W,,,,,,,\n{rows}"));
        let found = found.expect_err("it is not sound");
        found.iter().map(|p| format!("{p}\n")).collect()
    }

    #[test]
    fn each_fault_is_named_with_its_line() {
        for (rows, place, says) in [
            (
                "E,W,東,East,group,,,,\nAA,E,,,,,,,\n",
                ":5",
                "org.csv has no such org unit: AA",
            ),
            (
                "E,W,東,East,group,,,,\n",
                ":4",
                "nothing is placed below node E",
            ),
            (
                "E,W,東,,group,,,,\nA,E,,,,,,,\n",
                ":4",
                "`name_en` is missing of node E",
            ),
            (
                "E,W,,East,group,,,,\nA,E,,,,,,,\n",
                ":4",
                "`name_ja` is missing of node E",
            ),
            (
                "E,W,東,East,part,,,,\nA,E,,,,,,,\n",
                ":4",
                "unknown kind of org unit: part",
            ),
            ("A,E,,,,,,,\n", ":4", "the parent of A does not exist: E"),
            (
                "A,W,,,,,,,\nA,G,,,,,,,\n",
                ":5",
                "two org units have the id A",
            ),
            (
                "A,D,,,,,,,\nD,A,,,,,,,\n",
                ":4",
                "the hierarchy has a cycle",
            ),
            (
                "A,,,,,,,,\n",
                "region.csv:",
                "the hierarchy has several roots",
            ),
            (
                "A,W,,,overseas,,,,\n",
                ":4",
                "`kind` of org unit A is not what org.csv says",
            ),
            ("A,W,,,,,,,B\n", ":4", "a hierarchy knows no successors: B"),
            ("A,W,,,,,2026-04-31,,\n", ":4", "`valid_from` is not a date"),
            (
                "B,W,,,,,2026-05-01,,\n",
                ":4",
                "org.csv does not have B on any of these days",
            ),
            ("A,W\n", ":4", "the row should have 9 fields, found 2"),
            (
                "unassigned,W,不明,None,group,,,,\nA,unassigned,,,,,,,\n",
                ":4",
                "cannot have this id",
            ),
        ] {
            let found = problems(rows);
            assert!(
                found.contains(says) && found.contains(place),
                "{rows}: {found}"
            );
        }
        let several = problems("E,W,,,group,,,,\nA,W,,,overseas,,,,\n");
        assert_eq!(
            several.matches("hierarchies/region.csv:").count(),
            3,
            "{several}"
        );
        let name = Hierarchy::read(
            "By Region",
            "hierarchies/By Region.csv",
            &format!("{HEADER}\nG,,,,,,,,\n"),
            &organisation(),
        );
        assert!(name.is_err());
        assert!(Hierarchy::read("x", "hierarchies/x.csv", "id,name\n", &organisation()).is_err());
    }

    #[test]
    fn a_root_that_ends_before_its_units_is_refused() {
        let found = read("B,,,,,,,,\nA,B,,,,,,,\n").expect_err("B begins later and ends");
        assert!(found[0].message.en.contains("root"), "{found:?}");
        assert!(read("G,,,,,,,,\nA,G,,,,,,,\n").is_ok());
    }

    #[test]
    fn what_is_below_a_unit_that_is_not_there_goes_to_the_node_above() {
        let placed =
            read("W,,世界,World,group,,,,\nE,W,東,East,group,,,,\nB,E,,,,,,,\nD,B,,,,,,,\n");
        let placed = placed.expect("it is sound");
        let above = |day: &str| {
            let day = parse_day(day).expect("a date");
            let arrangement = placed.arrange(Arc::new(organisation().tree(day)), day);
            let tree = arrangement.tree();
            let node = tree.position("D").expect("D is placed");
            let parent = tree.nodes()[node].parent.expect("it lies below");
            tree.nodes()[parent].id.clone()
        };
        assert_eq!(
            (above("2026-03-31").as_str(), above("2026-04-01").as_str()),
            ("B", "E")
        );
    }

    #[test]
    fn every_unit_has_a_taker_and_unknown_units_stay_apart() {
        let placed =
            read("W,,世界,World,group,,,,\nE,W,東,East,group,,,,\nG,E,,,,,,,\nA,W,,,,,,,\n");
        let day = parse_day("2026-05-01").expect("a date");
        let main = Arc::new(organisation().tree(day));
        let arrangement = placed.expect("it is sound").arrange(Arc::clone(&main), day);
        let taker = |id: &str| {
            let unit = main.position_of_evidence(id);
            arrangement.tree().nodes()[arrangement.taker(unit)]
                .id
                .clone()
        };
        let takers = ["G", "A", "D", "B", "Z"].map(taker);
        assert_eq!(takers, ["G", "A", "A", "A", UNASSIGNED]);
    }
}
