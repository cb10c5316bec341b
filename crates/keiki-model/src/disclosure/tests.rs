//! That what is withheld does not follow from what is shown, tried by solving for it.

use std::fmt::Write;

use super::*;
use crate::calendar::day_of;
use crate::org::{HEADER, Organisation};

/// Numbers that look random and are the same every time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, most: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % most
    }

    fn index(&mut self, most: usize) -> usize {
        usize::try_from(self.below(u64::try_from(most).expect("few"))).expect("few")
    }
}

/// A tree whose nodes are `U0`, `U1`, … with random parents, and `unassigned`.
fn tree(dice: &mut Dice, count: usize) -> Tree {
    let mut rows = "U0,,群,Group,group,JP,2020-04-01,,\n".to_owned();
    for at in 1..count {
        let parent = dice.index(at);
        writeln!(rows, "U{at},U{parent},社,Unit,company,JP,2020-04-01,,").expect("it is memory");
    }
    let organisation = Organisation::read("org.csv", &format!("{HEADER}\n{rows}"));
    let day = day_of(jiff::civil::date(2026, 9, 30));
    organisation.expect("the tree is sound").tree(day)
}

/// Sizes by node, each with all below it, from random own parts.
fn sizes(dice: &mut Dice, tree: &Tree) -> Vec<i128> {
    let mut sizes: Vec<i128> = tree
        .nodes()
        .iter()
        .map(|_| match dice.below(5) {
            0 | 1 => 0,
            2 => i128::from(dice.below(8)),
            _ => i128::from(dice.below(60)),
        })
        .collect();
    for at in (1..sizes.len()).rev() {
        let parent = tree.nodes()[at].parent.expect("it is not the root");
        sizes[parent] += sizes[at];
    }
    sizes
}

/// Linear equations over what a reader does not know, in whole numbers modulo a large prime.
#[derive(Default)]
struct Equations(Vec<Vec<u64>>);

const PRIME: u64 = 1_000_000_007;

impl Equations {
    /// Adds that a sum of unknowns with these factors is known.
    fn add(&mut self, unknowns: usize, factors: &[(usize, i64)]) {
        let mut row = vec![0; unknowns];
        for (unknown, factor) in factors {
            row[*unknown] =
                (row[*unknown] + factor.rem_euclid(1_000_000_007).unsigned_abs()) % PRIME;
        }
        self.0.push(row);
    }

    /// The unknowns that the equations determine.
    fn determined(mut self, unknowns: usize) -> Vec<usize> {
        let mut done = 0;
        for column in 0..unknowns {
            let Some(pivot) = (done..self.0.len()).find(|row| self.0[*row][column] != 0) else {
                continue;
            };
            self.0.swap(done, pivot);
            let inverse = power(self.0[done][column], PRIME - 2);
            for factor in &mut self.0[done] {
                *factor = *factor * inverse % PRIME;
            }
            let pivot = self.0[done].clone();
            for (at, row) in self.0.iter_mut().enumerate() {
                let times = row[column];
                if at != done && times != 0 {
                    for (factor, by) in row.iter_mut().zip(&pivot) {
                        *factor = (*factor + PRIME * PRIME - times * by) % PRIME;
                    }
                }
            }
            done += 1;
        }
        let alone = |row: &Vec<u64>| {
            let mut filled = (0..unknowns).filter(|column| row[*column] != 0);
            filled.next().filter(|_| filled.next().is_none())
        };
        self.0.iter().filter_map(alone).collect()
    }
}

fn power(mut base: u64, mut exponent: u64) -> u64 {
    let mut result = 1;
    while exponent > 0 {
        if exponent % 2 == 1 {
            result = result * base % PRIME;
        }
        base = base * base % PRIME;
        exponent /= 2;
    }
    result
}

/// The unknowns of one indicator in one period: the nodes that are withheld, then own parts of which a reader cannot know that
/// they are nothing.
struct Unknowns {
    nodes: Vec<Option<usize>>,
    own: Vec<Option<usize>>,
}

fn own_part(tree: &Tree, sizes: &[i128], node: usize) -> i128 {
    let below = (0..sizes.len()).filter(|at| tree.nodes()[*at].parent == Some(node));
    sizes[node] - below.map(|at| sizes[at]).sum::<i128>()
}

fn number(tree: &Tree, sizes: &[i128], withheld: &Withheld, from: &mut usize) -> Unknowns {
    let mut next = || {
        *from += 1;
        *from - 1
    };
    let has_children = |node: usize| tree.nodes().iter().any(|of| of.parent == Some(node));
    let mut of = Unknowns {
        nodes: vec![None; sizes.len()],
        own: vec![None; sizes.len()],
    };
    for node in 0..sizes.len() {
        let is_unknown =
            withheld.nodes[node] && !is_known_to_be_nobody(tree, sizes, withheld, node);
        of.nodes[node] = is_unknown.then(&mut next);
        // Of a withheld node that is nobody, no part is known to be nobody, as of one that has none below it.
        let may_be_nobody = is_unknown && sizes[node] == 0;
        let has_own = own_part(tree, sizes, node) > 0 || may_be_nobody;
        let is_open = withheld.own_parts[node] && has_own;
        of.own[node] = (is_open && has_children(node)).then(&mut next);
    }
    of
}

/// What the tree says: a node is its own part and the nodes below it.
fn of_tree(tree: &Tree, unknowns: &Unknowns, count: usize, equations: &mut Equations) {
    for node in 0..unknowns.nodes.len() {
        let mut factors: Vec<(usize, i64)> = unknowns.nodes[node]
            .map(|at| (at, -1))
            .into_iter()
            .collect();
        factors.extend(unknowns.own[node].map(|at| (at, 1)));
        let mut has_children = false;
        for (child, of) in tree.nodes().iter().enumerate() {
            if of.parent == Some(node) {
                has_children = true;
                factors.extend(unknowns.nodes[child].map(|at| (at, 1)));
            }
        }
        if has_children && !factors.is_empty() {
            equations.add(count, &factors);
        }
    }
}

/// Whether a node lies below one that is shown and is nobody: then it is nobody, and that is no secret.
fn is_known_to_be_nobody(tree: &Tree, sizes: &[i128], withheld: &Withheld, node: usize) -> bool {
    let parent = |node: &usize| tree.nodes()[*node].parent;
    std::iter::successors(parent(&node), parent).any(|at| !withheld.nodes[at] && sizes[at] == 0)
}

/// The unknowns that are groups of people; that a withheld group is nobody may come out.
fn unknown_nodes(unknowns: &Unknowns, sizes: &[i128]) -> Vec<usize> {
    let groups = unknowns.nodes.iter().zip(sizes);
    let groups = groups.filter(|(_, size)| **size > 0);
    groups.filter_map(|(unknown, _)| *unknown).collect()
}

#[test]
fn no_set_of_shown_cells_determines_one_that_is_withheld() {
    let mut dice = Dice(11);
    let mut tried = 0;
    for _ in 0..400 {
        let count = 2 + dice.index(14);
        let tree = tree(&mut dice, count);
        let all: Vec<Vec<i128>> = (0..=dice.index(3))
            .map(|_| sizes(&mut dice, &tree))
            .collect();
        let found = withheld(&tree, &all, &[], 5);
        for sizes in &all {
            for (size, is_withheld) in sizes.iter().zip(&found.nodes) {
                assert!(!(1..5).contains(size) || *is_withheld);
            }
            let mut unknown = 0;
            let unknowns = number(&tree, sizes, &found, &mut unknown);
            let mut equations = Equations::default();
            of_tree(&tree, &unknowns, unknown, &mut equations);
            let determined = equations.determined(unknown);
            for node in unknown_nodes(&unknowns, sizes) {
                tried += 1;
                assert!(
                    !determined.contains(&node),
                    "{sizes:?} {found:?} {:?}",
                    tree.nodes()
                );
            }
            no_small_remainder_follows(&tree, sizes, &found);
        }
    }
    assert!(tried > 1_000, "{tried} cells were withheld");
}

/// What a shown node has beside the shown nodes below it is nothing, or a group that is large enough.
fn no_small_remainder_follows(tree: &Tree, sizes: &[i128], found: &Withheld) {
    for node in (0..sizes.len()).filter(|node| !found.nodes[*node]) {
        let mut below = (0..sizes.len())
            .filter(|at| tree.nodes()[*at].parent == Some(node))
            .peekable();
        if below.peek().is_none() {
            continue;
        }
        let shown: i128 = below
            .filter(|at| !found.nodes[*at])
            .map(|at| sizes[at])
            .sum();
        let rest = sizes[node] - shown;
        assert!(
            rest == 0 || rest >= 5,
            "{rest} at {node}: {sizes:?} {found:?}"
        );
    }
}

#[test]
fn the_months_of_a_quarter_do_not_give_a_withheld_month_away() {
    let mut dice = Dice(5);
    let mut tried = 0;
    for _ in 0..200 {
        let count = 2 + dice.index(9);
        let tree = tree(&mut dice, count);
        let months: Vec<Vec<i128>> = (0..3).map(|_| sizes(&mut dice, &tree)).collect();
        let quarter: Vec<i128> = (0..tree.nodes().len())
            .map(|node| months.iter().map(|month| month[node]).sum())
            .collect();
        let mut cells: Vec<(Vec<i128>, Withheld)> = months
            .into_iter()
            .map(|month| {
                let found = withheld(&tree, std::slice::from_ref(&month), &[], 5);
                (month, found)
            })
            .collect();
        let also: Vec<bool> = (0..quarter.len())
            .map(|node| cells.iter().any(|(_, found)| found.nodes[node]))
            .collect();
        let found = withheld(&tree, std::slice::from_ref(&quarter), &also, 5);
        assert_eq!(found.nodes, also, "the months withhold enough");
        cells.push((quarter, found));
        let mut unknown = 0;
        let of: Vec<Unknowns> = cells
            .iter()
            .map(|(sizes, found)| number(&tree, sizes, found, &mut unknown))
            .collect();
        let mut equations = Equations::default();
        for unknowns in &of {
            of_tree(&tree, unknowns, unknown, &mut equations);
        }
        for node in 0..tree.nodes().len() {
            for kind in [
                |of: &Unknowns, node: usize| of.nodes[node],
                |of: &Unknowns, node: usize| of.own[node],
            ] {
                let mut factors: Vec<(usize, i64)> = of[..3]
                    .iter()
                    .filter_map(|of| Some((kind(of, node)?, 1)))
                    .collect();
                factors.extend(kind(&of[3], node).map(|at| (at, -1)));
                if !factors.is_empty() {
                    equations.add(unknown, &factors);
                }
            }
        }
        let determined = equations.determined(unknown);
        for (unknowns, (sizes, _)) in of[..3].iter().zip(&cells) {
            for node in unknown_nodes(unknowns, sizes) {
                tried += 1;
                assert!(!determined.contains(&node), "{cells:?}");
            }
        }
    }
    assert!(tried > 500, "{tried} cells were withheld");
}

/// Sizes of a group within another: of each own part some.
fn within(dice: &mut Dice, tree: &Tree, sizes: &[i128]) -> Vec<i128> {
    let mut inner: Vec<i128> = (0..sizes.len())
        .map(|node| match own_part(tree, sizes, node) {
            0 => 0,
            own => i128::from(dice.below(u64::try_from(own).expect("few") + 1)),
        })
        .collect();
    for at in (1..inner.len()).rev() {
        let parent = tree.nodes()[at].parent.expect("it is not the root");
        inner[parent] += inner[at];
    }
    inner
}

#[test]
fn a_kpi_about_those_whom_another_counts_does_not_give_away_what_that_one_withholds() {
    let mut dice = Dice(23);
    let (mut tried, mut alone) = (0, 0);
    for _ in 0..400 {
        let count = 2 + dice.index(12);
        let tree = tree(&mut dice, count);
        // Of the audience some attended, and the pass rate is of those who attended.
        let audience = sizes(&mut dice, &tree);
        let attended = within(&mut dice, &tree, &audience);
        let cells = |sizes: &Vec<i128>| Cells {
            sizes: vec![sizes.clone()],
            also: Vec::new(),
        };
        let both = [cells(&audience), cells(&attended)];
        let apart: Vec<Withheld> = both
            .iter()
            .map(|cells| withheld(&tree, &cells.sizes, &[], 5))
            .collect();
        let together = withheld_together(&tree, &both, 5);
        for (found, is_together) in [(&apart, false), (&together, true)] {
            // How many attended stands in both: it is unknown only where both withhold it.
            let mut unknown = 0;
            let hidden = Withheld {
                nodes: pairs(&found[0].nodes, &found[1].nodes),
                own_parts: pairs(&found[0].own_parts, &found[1].own_parts),
            };
            let unknowns = number(&tree, &audience, &hidden, &mut unknown);
            let mut equations = Equations::default();
            of_tree(&tree, &unknowns, unknown, &mut equations);
            let determined = equations.determined(unknown);
            let withheld =
                (0..audience.len()).filter(|at| found[0].nodes[*at] && audience[*at] > 0);
            for node in withheld {
                let is_known = unknowns.nodes[node].is_none_or(|at| determined.contains(&at));
                if is_together {
                    tried += 1;
                    assert!(!is_known, "{audience:?} {attended:?} {found:?}");
                } else {
                    alone += usize::from(is_known);
                }
            }
        }
    }
    assert!(tried > 500, "{tried} cells were withheld");
    assert!(alone > 50, "{alone} cells were given away without the rule");
}

fn pairs(one: &[bool], other: &[bool]) -> Vec<bool> {
    one.iter()
        .zip(other)
        .map(|(one, other)| *one && *other)
        .collect()
}

#[test]
fn a_kpi_about_a_larger_group_says_how_many_the_smaller_are() {
    let rows = "G,,群,Group,group,JP,2020-04-01,,\nA,G,甲,A,company,JP,2020-04-01,,\n\
                B,G,乙,B,company,JP,2020-04-01,,\n";
    let organisation =
        Organisation::read("org.csv", &format!("{HEADER}\n{rows}")).expect("the tree is sound");
    let tree = organisation.tree(day_of(jiff::civil::date(2026, 9, 30)));
    let cells = |sizes: [i128; 4]| Cells {
        sizes: vec![sizes.to_vec()],
        also: Vec::new(),
    };
    // 3 of the 200 who got the mail in A opened it, and 9 of 100 in B.
    let found = withheld_together(&tree, &[cells([300, 200, 100, 0]), cells([12, 3, 9, 0])], 5);
    assert_eq!(found[0].nodes, [false; 4]);
    assert_eq!(found[1].nodes, [false, true, true, false]);
}

#[test]
fn one_small_department_takes_the_smallest_of_its_sisters_with_it() {
    let rows = "G,,群,Group,group,JP,2020-04-01,,\nA,G,甲,A,company,JP,2020-04-01,,\n\
                B,G,乙,B,company,JP,2020-04-01,,\nC,G,丙,C,company,JP,2020-04-01,,\n";
    let organisation =
        Organisation::read("org.csv", &format!("{HEADER}\n{rows}")).expect("the tree is sound");
    let tree = organisation.tree(day_of(jiff::civil::date(2026, 9, 30)));
    let names = |found: &Withheld| {
        let nodes = tree.nodes().iter().zip(&found.nodes);
        let names = nodes
            .filter(|(_, is)| **is)
            .map(|(node, _)| node.id.clone());
        names.collect::<Vec<_>>()
    };
    let found = withheld(&tree, &[vec![103, 3, 60, 40, 0]], &[], 5);
    assert_eq!(names(&found), ["A", "C"]);
    let found = withheld(&tree, &[vec![100, 0, 60, 40, 0]], &[], 5);
    assert!(names(&found).is_empty());
    // Two small ones hide each other only where they are five people together.
    let found = withheld(&tree, &[vec![63, 1, 2, 60, 0]], &[], 5);
    assert_eq!(names(&found), ["A", "B", "C"]);
    let found = withheld(&tree, &[vec![66, 3, 3, 60, 0]], &[], 5);
    assert_eq!(names(&found), ["A", "B"]);
    // What the group itself has hides one that is small.
    let found = withheld(&tree, &[vec![43, 3, 0, 0, 0]], &[], 5);
    assert_eq!(names(&found), ["A"]);
    assert!(found.own_parts[0] && !found.nodes[0]);
}
