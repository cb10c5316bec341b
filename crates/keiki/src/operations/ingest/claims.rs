//! What a reading claims to cover.
//!
//! A claim covers a unit and all below it. A parent company's own rows must therefore not claim the parent, or they would
//! speak for subsidiaries that sent nothing: the parent is claimed once every entity below it has reported, and, where it has
//! departments of its own, it or one of them has too. That is the rule of any company: rows of one of its departments speak for
//! it, since hardly any dataset has rows of all. Who needs more certainty states `covers`.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use keiki_model::calendar::Day;
use keiki_model::evidence::Claim;
use keiki_model::org::{Tree, UNASSIGNED};

/// The claims of a reading.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Claims {
    /// What it claims.
    pub(super) made: Vec<Claim>,
    /// Org units of rows for which it cannot claim anything.
    pub(super) uncovered: Vec<String>,
}

/// The days and the instant for which a reading speaks.
#[derive(Debug, Clone, Copy)]
pub(super) struct Span {
    pub(super) from: Day,
    pub(super) until: Day,
    pub(super) known_from: i64,
    /// For how many days more it speaks, where the source says so.
    pub(super) fresh_days: Option<i32>,
}

impl Span {
    fn claim(self, org_unit: &str) -> Claim {
        Claim {
            org_unit: org_unit.to_owned(),
            from: self.from,
            until: self.until,
            known_from: self.known_from,
            fresh_days: self.fresh_days,
        }
    }
}

/// Makes the claims of a reading that says itself what it covers.
pub(super) fn stated(covers: &[String], span: Span) -> Claims {
    Claims {
        made: covers.iter().map(|unit| span.claim(unit)).collect(),
        uncovered: Vec::new(),
    }
}

/// Makes the claims of a reading from the org units of its rows, lifted to their entities.
pub(super) fn of_rows(units: &BTreeSet<String>, tree: &Tree, span: Span) -> Claims {
    let mut claimed = BTreeSet::new();
    let mut uncovered = Vec::new();
    for unit in units {
        let position = tree.position_of_evidence(unit);
        if tree.nodes()[position].id == UNASSIGNED {
            uncovered.push(unit.clone());
            continue;
        }
        let entity = tree.entity_of(position);
        if !has_entities_below(tree, entity) {
            claimed.insert(entity);
        } else if position != entity {
            claimed.insert(position);
        } else {
            uncovered.push(unit.clone());
        }
    }
    let made = claimed
        .into_iter()
        .map(|position| span.claim(&tree.nodes()[position].id))
        .collect();
    Claims { made, uncovered }
}

/// Tells whether a reading covers the whole tree, so that there is nothing to lift.
pub(super) fn cover_all(claims: &Claims, tree: &Tree) -> bool {
    tree.nodes()
        .first()
        .is_some_and(|root| claims.made.iter().any(|claim| claim.org_unit == root.id))
}

/// Adds claims for parents below which every entity has reported, in this reading or before. A parent with departments of its
/// own has to have reported itself, or one of them has; one without them is no more than what lies below it.
pub(super) fn lift(claims: &mut Claims, earlier: &[Claim], tree: &Tree) {
    for position in (0..tree.nodes().len()).rev() {
        let node = &tree.nodes()[position];
        let known: Vec<Claim> = claims.made.iter().chain(earlier).cloned().collect();
        let is_claimed = claims.made.iter().any(|claim| claim.org_unit == node.id);
        if is_claimed || !node.kind.is_entity() || !has_entities_below(tree, position) {
            continue;
        }
        let own = own_claim(tree, position, &known);
        let owes = has_departments(tree, position);
        let has_own_rows = !owes || own.is_some() || claims.uncovered.contains(&node.id);
        let below: Option<Vec<&Claim>> = entities_below(tree, position)
            .map(|entity| latest_over(tree, entity, position, &known))
            .collect();
        let Some(parts) = below.filter(|_| has_own_rows) else {
            continue;
        };
        let parts: Vec<&Claim> = parts.into_iter().chain(own).collect();
        let Some(mut lifted) = parts.first().map(|claim| Claim {
            org_unit: node.id.clone(),
            ..(*claim).clone()
        }) else {
            continue;
        };
        for part in parts {
            lifted.from = lifted.from.max(part.from);
            lifted.until = lifted.until.min(part.until);
            let limits = lifted.fresh_days.into_iter().chain(part.fresh_days);
            lifted.fresh_days = limits.min();
            // The least instant stands for the batch's own, which is later than any before it.
            let is_now = lifted.known_from == i64::MIN || part.known_from == i64::MIN;
            lifted.known_from = if is_now {
                i64::MIN
            } else {
                lifted.known_from.max(part.known_from)
            };
        }
        if lifted.from <= lifted.until {
            claims.uncovered.retain(|unit| *unit != node.id);
            claims.made.push(lifted);
        }
    }
}

fn entities_below(tree: &Tree, position: usize) -> impl Iterator<Item = usize> {
    (position + 1..tree.nodes()[position].subtree_end)
        .filter(|below| tree.nodes()[*below].kind.is_entity())
}

fn has_entities_below(tree: &Tree, position: usize) -> bool {
    entities_below(tree, position).next().is_some()
}

/// Tells whether an entity has departments of its own.
fn has_departments(tree: &Tree, position: usize) -> bool {
    let mut below = position + 1..tree.nodes()[position].subtree_end;
    below.any(|at| tree.nodes()[at].id != UNASSIGNED && tree.entity_of(at) == position)
}

/// The claim that speaks longest for the parent's own departments.
fn own_claim<'c>(tree: &Tree, position: usize, claims: &'c [Claim]) -> Option<&'c Claim> {
    let own = claims.iter().filter(|claim| {
        let at = tree.position_of_evidence(&claim.org_unit);
        at != position && tree.nodes()[at].id != UNASSIGNED && tree.entity_of(at) == position
    });
    longest(own)
}

/// The claim that speaks longest for an entity, made for it or for a unit between it and the parent.
fn latest_over<'c>(
    tree: &Tree,
    entity: usize,
    parent: usize,
    claims: &'c [Claim],
) -> Option<&'c Claim> {
    let over = claims.iter().filter(|claim| {
        let at = tree.position_of_evidence(&claim.org_unit);
        at != parent && tree.is_within(at, parent) && tree.is_within(entity, at)
    });
    longest(over)
}

/// The claim that speaks up to the latest day, of those the one that speaks from the earliest.
fn longest<'c>(claims: impl Iterator<Item = &'c Claim>) -> Option<&'c Claim> {
    claims.max_by_key(|claim| (claim.until, Reverse(claim.from)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use keiki_model::org::Organisation;

    const ORG: &str = "id,parent_id,name_ja,name_en,kind,country,valid_from,valid_until,successor_id\n\
        HD,,架空,Fictional,group,JP,,,\nHD-SEC,HD,部,Dept,department,JP,,,\nJP1,HD,甲,A,subsidiary,JP,,,\n\
        JP1-IT,JP1,部,Dept,department,JP,,,\nUS1,HD,米,B,overseas,US,,,\n";

    fn tree() -> Tree {
        Organisation::read("org.csv", ORG)
            .expect("the tree is sound")
            .tree(20_000)
    }

    fn span(until: Day) -> Span {
        Span {
            from: 0,
            until,
            known_from: i64::MIN,
            fresh_days: None,
        }
    }

    fn claims(units: &[&str], earlier: &[Claim], until: Day) -> (Vec<String>, Vec<String>) {
        let units = units.iter().map(|unit| (*unit).to_owned()).collect();
        let mut claims = of_rows(&units, &tree(), span(until));
        lift(&mut claims, earlier, &tree());
        (
            claims
                .made
                .iter()
                .map(|claim| claim.org_unit.clone())
                .collect(),
            claims.uncovered,
        )
    }

    #[test]
    fn a_parents_own_rows_do_not_speak_for_its_subsidiaries() {
        assert_eq!(claims(&["HD-SEC", "JP1-IT"], &[], 9).0, ["HD-SEC", "JP1"]);
        assert_eq!(
            claims(&["HD", "JP1"], &[], 9),
            (vec!["JP1".to_owned()], vec!["HD".to_owned()])
        );
    }

    #[test]
    fn a_tool_that_knows_only_the_last_months_does_not_shorten_what_the_register_speaks_for() {
        let register = [span(9).claim("HD-SEC"), span(9).claim("JP1")];
        let tool = Span { from: 8, ..span(9) };
        let earlier = [&register[..], &[tool.claim("JP1")]].concat();
        let units = BTreeSet::from(["US1".to_owned()]);
        let mut late = of_rows(&units, &tree(), span(9));
        lift(&mut late, &earlier, &tree());
        let lifted = late.made.last().map(|claim| (&*claim.org_unit, claim.from));
        assert_eq!(lifted, Some(("HD", 0)));
    }

    #[test]
    fn the_parent_is_covered_once_everything_below_has_reported() {
        assert_eq!(
            claims(&["HD", "JP1", "US1"], &[], 9).0,
            ["JP1", "US1", "HD"]
        );
        let earlier = [span(5).claim("HD-SEC"), span(4).claim("JP1")];
        let units = BTreeSet::from(["US1".to_owned()]);
        let mut late = of_rows(&units, &tree(), span(9));
        lift(&mut late, &earlier, &tree());
        assert_eq!(
            late.made
                .last()
                .map(|claim| (claim.org_unit.as_str(), claim.until)),
            Some(("HD", 4))
        );
    }

    #[test]
    fn a_parent_without_departments_is_what_lies_below_it() {
        let text = ORG.replace("HD-SEC,HD,部,Dept,department,JP,,,\n", "");
        let tree = Organisation::read("org.csv", &text)
            .expect("the tree is sound")
            .tree(20_000);
        let mut claims = of_rows(
            &BTreeSet::from(["JP1".to_owned(), "US1".to_owned()]),
            &tree,
            span(9),
        );
        lift(&mut claims, &[], &tree);
        assert_eq!(
            claims.made.last().map(|claim| claim.org_unit.as_str()),
            Some("HD")
        );
    }

    #[test]
    fn unknown_units_cover_nothing() {
        assert_eq!(claims(&["XX"], &[], 9), (vec![], vec!["XX".to_owned()]));
    }
}
