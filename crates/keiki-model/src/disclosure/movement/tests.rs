//! That what moved few people is held, and does not follow from what is shown.

use super::*;
use crate::calendar::day_of;
use crate::org::{HEADER, Organisation};

/// A group `U0` with the companies `U1` and `U2`; `U3` and `U4` are departments of `U1`.
fn tree() -> Tree {
    let rows = "U0,,群,Group,group,JP,2020-04-01,,\nU1,U0,社,Unit,company,JP,2020-04-01,,\nU2,U0,社,Unit,company,JP,2020-04-01,,\n\
                U3,U1,課,Unit,department,JP,2020-04-01,,\nU4,U1,課,Unit,department,JP,2020-04-01,,\n";
    let organisation = Organisation::read("org.csv", &format!("{HEADER}\n{rows}"));
    let day = day_of(jiff::civil::date(2026, 9, 30));
    organisation.expect("the tree is sound").tree(day)
}

/// How far each node moves, if its own part moves so far.
fn moved(tree: &Tree, own: &[(&str, i128)]) -> Vec<i128> {
    let mut moved = vec![0; tree.nodes().len()];
    for (org_unit, by) in own {
        let mut at = tree.position(org_unit);
        while let Some(node) = at {
            moved[node] += by;
            at = tree.nodes()[node].parent;
        }
    }
    moved
}

fn held_units(own: &[(&str, i128)]) -> Vec<String> {
    let tree = tree();
    let found = held(&tree, &[vec![moved(&tree, own)]], 5);
    let nodes = tree.nodes().iter().zip(found.nodes);
    let held = nodes.filter(|(_, is_held)| *is_held);
    let mut units: Vec<String> = held.map(|(node, _)| node.id.clone()).collect();
    units.sort();
    units
}

#[test]
fn a_movement_of_few_holds_the_unit_and_all_above_it() {
    assert_eq!(held_units(&[("U3", 1)]), ["U0", "U1", "U3"]);
    assert_eq!(held_units(&[("U2", -4)]), ["U0", "U2"]);
}

#[test]
fn a_movement_of_many_and_none_at_all_hold_nothing() {
    assert!(held_units(&[("U3", 5), ("U2", -12)]).is_empty());
    assert!(held_units(&[]).is_empty());
}

#[test]
fn a_movement_of_few_does_not_follow_from_those_beside_it() {
    // The group's nine less the eight of U2 would be the one of U3.
    let found = held_units(&[("U3", 1), ("U2", 8)]);
    assert_eq!(found, ["U1", "U2", "U3"]);
}

#[test]
fn gains_and_losses_do_not_cancel_out() {
    // In U1 two came in U3 and two went in U4: nothing moved on the whole, and both are cells of two.
    let found = held_units(&[("U3", 2), ("U4", -2)]);
    assert_eq!(found, ["U0", "U1", "U3", "U4"]);
    // Six and six are shown, and so is their sum.
    assert!(held_units(&[("U3", 6), ("U4", -6)]).is_empty());
}

#[test]
fn as_many_have_moved_as_the_count_that_moved_most_says() {
    let tree = tree();
    let of = |by| moved(&tree, &[("U3", by)]);
    // Forty-six are taken out, of whom forty-five had passed and one had not.
    let many = held(&tree, &[vec![of(-46), of(-45), of(-1)]], 5);
    assert!(!many.nodes.contains(&true));
    // Nobody is taken out, and one who had passed has not.
    let few = held(&tree, &[vec![of(0), of(-1), of(1)]], 5);
    assert!(few.nodes.contains(&true));
}
