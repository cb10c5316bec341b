//! Which org units' evidence is there and fresh on a day, as known at an instant.

use jiff::tz::TimeZone;
use keiki_model::calendar::{Day, Month, local_day};
use keiki_model::dataset::Dataset;
use keiki_model::evidence::Claim;
use keiki_model::org::{Arrangement, Node, Tree, UnitKind};
use keiki_store::Snapshot;

/// The claims about one dataset that are known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Claims {
    claims: Vec<Claim>,
    freshness_days: i32,
}

impl Claims {
    /// Collects the claims of commits up to `seq` that were known at an instant.
    pub(crate) fn new(
        dataset: &Dataset,
        snapshot: &Snapshot,
        seq: i64,
        known_at: i64,
        zone: &TimeZone,
    ) -> Self {
        let input = dataset
            .distinct
            .as_ref()
            .map_or(dataset.name.as_str(), |d| d.dataset.value.as_str());
        let today = local_day(known_at, zone);
        let freshness_days = dataset.freshness_days;
        let claims = snapshot
            .batches()
            .iter()
            .filter(|batch| batch.dataset == input && batch.seq <= seq)
            .flat_map(|batch| &batch.claims)
            .filter(|claim| claim.known_from <= known_at)
            .map(|claim| Claim {
                until: claim.until.min(today),
                ..claim.clone()
            })
            .collect();
        Self {
            claims: widest(claims, freshness_days),
            freshness_days,
        }
    }

    /// Tells for each node of the tree whether its evidence speaks for a day.
    pub(crate) fn on(&self, tree: &Tree, day: Day) -> Vec<bool> {
        self.covering(tree, |claim| {
            claim.from <= day && day <= claim.fresh_until(self.freshness_days)
        })
    }

    /// Tells for each node whether its evidence speaks for every month of a period that is cut on a day.
    pub(crate) fn throughout(&self, tree: &Tree, months: (Month, Month), cut: Day) -> Vec<bool> {
        let mut all = vec![true; tree.nodes().len()];
        let mut month = months.0;
        while month <= months.1 && month.first_day() <= cut {
            let last = month.last_day().min(cut);
            let of_month = self.covering(tree, |claim| {
                claim.from <= month.first_day() && last <= claim.fresh_until(self.freshness_days)
            });
            for (flag, covered) in all.iter_mut().zip(of_month) {
                *flag &= covered;
            }
            month = month.plus(1);
        }
        all
    }

    fn covering(&self, tree: &Tree, speaks: impl Fn(&Claim) -> bool) -> Vec<bool> {
        let mut covered = vec![false; tree.nodes().len()];
        for claim in self.claims.iter().filter(|claim| speaks(claim)) {
            let position = tree.position_of_evidence(&claim.org_unit);
            let end = tree.nodes()[position].subtree_end;
            covered[position..end].fill(true);
        }
        // Evidence that nobody can be asked for has no coverage of its own: it shows wherever anything does.
        if let Some(unassigned) = covered.last_mut() {
            *unassigned = true;
        }
        covered
    }
}

/// Leaves out claims about an org unit that speak for no day for which another about it does not speak, as those of each reading
/// but the last mostly are.
fn widest(mut claims: Vec<Claim>, freshness_days: i32) -> Vec<Claim> {
    let until = |claim: &Claim| claim.fresh_until(freshness_days);
    claims.sort_by(|a, b| {
        let by_unit = a.org_unit.cmp(&b.org_unit);
        by_unit.then((a.from, until(b)).cmp(&(b.from, until(a))))
    });
    let mut kept: Vec<Claim> = Vec::new();
    for claim in claims {
        let last = kept.last().filter(|last| last.org_unit == claim.org_unit);
        if last.is_none_or(|last| until(last) < until(&claim)) {
            kept.push(claim);
        }
    }
    kept
}

/// Covers units of the main tree all of whose parts are covered, from the leaves up. `has_own` tells of a unit whether there is
/// evidence that names it; without a claim that is not counted, and the unit not covered.
pub(crate) fn cover_by_parts(
    covered: &mut [bool],
    parts_of: impl Fn(usize) -> Vec<usize>,
    has_own: impl Fn(usize) -> bool,
) {
    for position in (0..covered.len()).rev() {
        if covered[position] {
            continue;
        }
        let parts = parts_of(position);
        let are_covered = !parts.is_empty() && parts.iter().all(|part| covered[*part]);
        covered[position] = are_covered && !has_own(position);
    }
}

/// The org units that owe evidence below a node: its entities of the given kinds; a department owes for itself. A hierarchy's
/// own nodes owe nothing.
pub(crate) fn owing(arrangement: &Arrangement, node: usize, kinds: &[UnitKind]) -> Vec<usize> {
    let tree = arrangement.tree();
    if arrangement.holds_departments_alone(node) {
        return arrangement.departments(node);
    }
    if !tree.nodes()[node].kind.is_entity() {
        return vec![node];
    }
    (node..tree.nodes()[node].subtree_end)
        .filter(|position| arrangement.stands_for(*position).is_some())
        .filter(|position| owes(&tree.nodes()[*position], kinds))
        .collect()
}

/// Tells whether a unit owes evidence for the units above it.
pub(crate) fn owes(unit: &Node, kinds: &[UnitKind]) -> bool {
    if kinds.is_empty() {
        unit.kind.is_entity()
    } else {
        kinds.contains(&unit.kind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn claims_that_others_hold_are_left_out_and_every_span_speaks_as_before() {
        const FRESH: i32 = 3;
        // Numbers that scatter, the same every time.
        let scattered = |n: i32, salt: i32, most: i32| n.wrapping_mul(salt).rem_euclid(97) % most;
        let claim = |n: i32| Claim {
            org_unit: format!("U{}", scattered(n, 31, 3)),
            from: scattered(n, 53, 12),
            until: scattered(n, 71, 14),
            known_from: 0,
            fresh_days: (n % 3 == 0).then_some(1),
        };
        let all: Vec<Claim> = (0..60).map(claim).collect();
        let kept = widest(all.clone(), FRESH);
        assert!(kept.len() < all.len() / 2, "{}", kept.len());
        let speaks = |claims: &[Claim], unit: &str, from: i32, until: i32| {
            let mut of_unit = claims.iter().filter(|claim| claim.org_unit == unit);
            of_unit.any(|claim| claim.from <= from && until <= claim.fresh_until(FRESH))
        };
        for (from, until) in (0..20).flat_map(|from| (from..20).map(move |until| (from, until))) {
            for unit in ["U0", "U1", "U2"] {
                let (before, after) = (&all, &kept);
                assert_eq!(
                    speaks(before, unit, from, until),
                    speaks(after, unit, from, until)
                );
            }
        }
    }
}
