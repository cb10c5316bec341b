//! The figures that a report is made of, found by their place. A group of a thousand companies has hundreds of thousands of them.

use std::collections::{HashMap, HashSet};
use std::ops::Deref;

use keiki_model::measurement::Measurement;
use keiki_model::org::Organisation;

/// The measurements that are shown, in their order.
#[derive(Debug)]
pub struct Placed<'s> {
    all: &'s [Measurement],
    /// *Shape*: KPI and indicator: org unit: the figure.
    by_place: HashMap<(u32, &'s str), HashMap<&'s str, &'s Measurement>>,
    /// Ids of org units that are entities, at whatever time.
    entities: HashSet<&'s str>,
}

impl<'s> Placed<'s> {
    /// Puts measurements in order.
    #[must_use]
    pub fn new(all: &'s [Measurement], organisation: &'s Organisation) -> Self {
        let mut by_place: HashMap<_, HashMap<&str, &Measurement>> = HashMap::new();
        for one in all {
            let of_indicator = by_place.entry((one.no, &*one.indicator)).or_default();
            of_indicator.entry(&*one.org_unit).or_insert(one);
        }
        let entities = organisation.rows().iter();
        let entities = entities.filter(|unit| unit.kind.is_entity());
        Self {
            all,
            by_place,
            entities: entities.map(|unit| unit.id.as_str()).collect(),
        }
    }

    /// All of them.
    #[must_use]
    pub fn all(&self) -> &'s [Measurement] {
        self.all
    }

    /// The figure of an indicator in an org unit.
    #[must_use]
    pub fn find(&self, no: u32, indicator: &str, org_unit: &str) -> Option<&'s Measurement> {
        let of_indicator = self.by_place.get(&(no, indicator))?;
        of_indicator.get(org_unit).copied()
    }

    /// Tells whether an org unit is an entity.
    pub(crate) fn is_entity(&self, org_unit: &str) -> bool {
        self.entities.contains(org_unit)
    }

    /// Tells whether a figure is a company's, not that of the root.
    fn is_company(&self, one: &Measurement, root: &str) -> bool {
        one.org_unit != *root && self.is_entity(&one.org_unit)
    }

    /// The figures of an indicator in the companies below the root, in their order.
    pub(super) fn of_companies(
        &self,
        (no, indicator): (u32, &str),
        root: &str,
    ) -> impl Iterator<Item = &'s Measurement> {
        self.all.iter().filter(move |one| {
            one.no == no && one.indicator == *indicator && self.is_company(one, root)
        })
    }

    /// The companies below the root that have figures, in the order of these, each with all of its own.
    pub(super) fn by_company(&self, root: &str) -> Vec<(&'s str, Vec<&'s Measurement>)> {
        let mut found: Vec<(&str, Vec<&Measurement>)> = Vec::new();
        let mut places: HashMap<&str, usize> = HashMap::new();
        for one in self.all.iter().filter(|one| self.is_company(one, root)) {
            let place = *places.entry(&*one.org_unit).or_insert(found.len());
            if place == found.len() {
                found.push((&*one.org_unit, Vec::new()));
            }
            found[place].1.push(one);
        }
        found
    }
}

impl Deref for Placed<'_> {
    type Target = [Measurement];

    fn deref(&self) -> &[Measurement] {
        self.all
    }
}
