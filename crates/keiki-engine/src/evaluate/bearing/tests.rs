//! Held against the rules as they are said: every total is compared with every other, and every unit is looked at.

use std::sync::Arc;

use keiki_model::calendar::BEGINNING;
use keiki_model::org::{Hierarchy, Organisation};
use proptest::prelude::*;

use super::*;
use crate::coverage::cover_by_parts;

const HEADER: &str =
    "id,parent_id,name_ja,name_en,kind,country,valid_from,valid_until,successor_id\n";

/// A tree: of each unit but the root what it is below, by a number drawn, and whether it is a department.
type Drawn = Vec<(prop::sample::Index, bool)>;

fn drawn() -> impl Strategy<Value = Drawn> {
    prop::collection::vec((any::<prop::sample::Index>(), any::<bool>()), 1..14)
}

fn id(unit: usize) -> String {
    format!("U{unit}")
}

fn organisation(units: &Drawn) -> Organisation {
    let mut text = format!("{HEADER}U0,,名,Name,group,JP,,,\n");
    for (at, (above, is_department)) in (1..).zip(units) {
        let kind = if *is_department {
            "department"
        } else {
            "company"
        };
        let above = id(above.index(at));
        text += &format!("U{at},{above},名,Name,{kind},JP,,,\n");
    }
    Organisation::read("org.csv", &text).unwrap_or_else(|found| unreachable!("{found:?}"))
}

/// A hierarchy with two nodes of its own, in which some of the units stand in another order.
fn hierarchy(organisation: &Organisation, places: &[Option<prop::sample::Index>]) -> Hierarchy {
    let mut text = format!("{HEADER}R0,,名,Name,group,,,,\nR1,R0,名,Name,group,,,,\n");
    let mut nodes = vec!["R0".to_owned(), "R1".to_owned()];
    // A node of its own leads to a unit.
    text += "U0,R1,,,,,,,\n";
    for unit in organisation.rows().iter().skip(1).zip(places) {
        if let (unit, Some(place)) = unit {
            text += &format!("{},{},,,,,,,\n", unit.id, nodes[place.index(nodes.len())]);
            nodes.push(unit.id.clone());
        }
    }
    Hierarchy::read("region", "region.csv", &text, organisation)
        .unwrap_or_else(|found| unreachable!("{found:?}"))
}

/// How a total of a unit bears on a node.
fn bearing(of: &Arrangement, scope: Scope, node: usize, unit: usize) -> Option<Bearing> {
    let tree = of.tree();
    let taker = of.taker(unit);
    let is_below = match scope {
        Scope::Consolidated => tree.is_within(taker, node),
        Scope::StandAlone => tree.entity_of(taker) == node,
    };
    let is_of = |node: usize| {
        let stands_for = of.stands_for(node);
        stands_for.is_some_and(|at| of.main().is_within(at, unit))
    };
    if is_below {
        Some(Bearing::Within)
    } else if is_of(node) {
        Some(Bearing::Above)
    } else {
        let mut below = node..tree.nodes()[node].subtree_end;
        (of.is_hierarchy() && below.any(is_of)).then_some(Bearing::Elsewhere)
    }
}

/// The totals that make a node's figure.
fn plainly(of: &Arrangement, scope: Scope, node: usize, units: &[usize]) -> Vec<(usize, Bearing)> {
    let all: Vec<(usize, usize, Bearing)> = units
        .iter()
        .enumerate()
        .filter_map(|(total, unit)| Some((total, *unit, bearing(of, scope, node, *unit)?)))
        .collect();
    let has_own = all
        .iter()
        .any(|(_, unit, _)| Some(*unit) == of.stands_for(node));
    let is_held = |unit: usize, bearing: Bearing| {
        all.iter().any(|(_, other, of_other)| {
            *other != unit && *of_other == bearing && of.main().is_within(unit, *other)
        })
    };
    all.iter()
        .filter(|(_, _, bearing)| !(has_own && *bearing == Bearing::Above))
        .filter(|(_, unit, bearing)| !is_held(*unit, *bearing))
        .map(|(total, _, bearing)| (*total, *bearing))
        .collect()
}

/// Which units of the main tree have reported with the totals of a node's figure, from the leaves up.
fn covered_plainly(
    main: &Tree,
    totals: &[(usize, Bearing)],
    units: &[usize],
    (claimed, own): (&[bool], &[bool]),
) -> Vec<bool> {
    let mut covered = claimed.to_vec();
    for counts in [false, true] {
        let totals = totals.iter();
        for (total, _) in totals.filter(|(_, of)| (*of != Bearing::Elsewhere) == counts) {
            let unit = units[*total];
            covered[unit..main.nodes()[unit].subtree_end].fill(counts);
        }
    }
    let parts = |unit: usize| main.own_parts(unit).collect();
    cover_by_parts(&mut covered, parts, |unit| own[unit]);
    covered
}

proptest! {
    #[test]
    fn totals_bear_and_cover_as_if_each_were_held_against_all(
        tree in drawn(),
        places in prop::collection::vec(any::<Option<prop::sample::Index>>(), 14),
        totals in prop::collection::vec(any::<prop::sample::Index>(), 0..10),
        flags in prop::collection::vec((any::<bool>(), any::<bool>()), 16),
    ) {
        let organisation = organisation(&tree);
        let main = Arc::new(organisation.tree(BEGINNING));
        let hierarchy = hierarchy(&organisation, &places);
        let arrangements = [
            Arrangement::of_main(Arc::clone(&main)),
            hierarchy.arrange(Arc::clone(&main), BEGINNING),
        ];
        let units: Vec<usize> = totals.iter().map(|of| of.index(main.nodes().len() - 1)).collect();
        let (claimed, own): (Vec<bool>, Vec<bool>) = flags.into_iter().take(main.nodes().len()).unzip();
        for of in &arrangements {
            let stands = Stands::new(of, &units);
            for scope in [Scope::Consolidated, Scope::StandAlone] {
                for node in 0..of.tree().nodes().len() {
                    let found = stands.bearing_on(of, scope, node);
                    prop_assert_eq!(&found, &plainly(of, scope, node, &units), "{:?} of {}", scope, node);
                    let subtrees = |counts: bool| {
                        let totals = found.iter();
                        let totals = totals.filter(|(_, of)| (*of != Bearing::Elsewhere) == counts);
                        Subtrees::new(&main, totals.map(|(total, _)| units[*total]))
                    };
                    let covering = Covering {
                        claimed: &claimed,
                        here: subtrees(true),
                        elsewhere: subtrees(false),
                        parts_of: |unit| main.own_parts(unit).collect(),
                        has_own: |unit: usize| own[unit],
                    };
                    let covered: Vec<bool> = (0..main.nodes().len()).map(|unit| covering.covers(unit)).collect();
                    let expected = covered_plainly(&main, &found, &units, (&claimed, &own));
                    prop_assert_eq!(covered, expected, "{:?} of {}", scope, node);
                }
            }
        }
    }
}
