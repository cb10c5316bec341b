//! What somebody may do and of which org units they may know: the one place that decides, below every page.
//!
//! A role holds for an org unit and all below it. Whoever is in charge of one subsidiary sees that subtree and its roll-ups. What
//! stands above it is not shown, since a total less one's own part is a total of the others.
//!
//! *Source*: decision 0044.

use std::collections::BTreeSet;

use keiki_model::access::{Grant, Right};
use keiki_model::org::Tree;

use crate::error::{Error, Result};

/// What somebody may do.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Scope {
    grants: Vec<Grant>,
    /// The rights that are left of those that the roles give; `None` = all.
    only: Option<Vec<Right>>,
}

impl Scope {
    /// The scope of some roles.
    #[must_use]
    pub fn new(grants: Vec<Grant>) -> Self {
        Self { grants, only: None }
    }

    /// The same with some rights alone, of those that the roles give.
    #[must_use]
    pub fn narrowed(self, rights: Vec<Right>) -> Self {
        Self {
            only: Some(rights),
            ..self
        }
    }

    /// The rights that they have for any org unit.
    #[must_use]
    pub fn rights(&self) -> Vec<Right> {
        let all = Right::ALL.into_iter().map(|(_, right)| right);
        all.filter(|right| self.allows(*right)).collect()
    }

    /// Whether a role gives a right here.
    fn gives(&self, grant: &Grant, right: Right) -> bool {
        let is_left = self.only.as_ref();
        is_left.is_none_or(|only| only.contains(&right)) && grant.role.rights().contains(&right)
    }

    /// Whether they have a right for any org unit.
    #[must_use]
    pub fn allows(&self, right: Right) -> bool {
        let mut grants = self.grants.iter();
        grants.any(|grant| self.gives(grant, right))
    }

    /// Whether they have a right for an org unit by a role that they hold for that very unit, such as the root of the tree.
    #[must_use]
    pub fn allows_at(&self, right: Right, unit: &str) -> bool {
        let mut grants = self.grants.iter();
        grants.any(|grant| grant.org_unit == unit && self.gives(grant, right))
    }

    /// Refuses who lacks a right.
    ///
    /// # Errors
    /// They have it for no org unit.
    pub fn need(&self, right: Right) -> Result<()> {
        if self.allows(right) {
            Ok(())
        } else {
            Err(Error::Forbidden)
        }
    }

    /// The org units of a tree for which they have a right.
    #[must_use]
    pub fn within(&self, right: Right, tree: &Tree) -> Within {
        let mut ids = BTreeSet::new();
        let grants = self.grants.iter();
        for grant in grants.filter(|grant| self.gives(grant, right)) {
            // An org unit that is not in this tree gives nothing: its successor may be another's.
            let Some(position) = tree.position(&grant.org_unit) else {
                continue;
            };
            let nodes = &tree.nodes()[position..tree.nodes()[position].subtree_end];
            ids.extend(nodes.iter().map(|node| node.id.clone()));
        }
        let first = tree.nodes().iter().find(|node| ids.contains(&node.id));
        Within {
            is_whole: tree.nodes().iter().all(|node| ids.contains(&node.id)),
            first: first.map(|node| node.id.clone()),
            ids,
        }
    }
}

/// Org units that somebody may know of.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Within {
    ids: BTreeSet<String>,
    first: Option<String>,
    is_whole: bool,
}

impl Within {
    /// Whether that is the whole tree.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.is_whole
    }

    /// The uppermost of them; `None` where there is none.
    #[must_use]
    pub fn first(&self) -> Option<&str> {
        self.first.as_deref()
    }

    /// All of them, by id.
    #[must_use]
    pub fn all(&self) -> Vec<String> {
        self.ids.iter().cloned().collect()
    }

    /// Whether an org unit is one of them.
    #[must_use]
    pub fn has(&self, id: &str) -> bool {
        self.ids.contains(id)
    }

    /// An org unit that somebody asks for, or the uppermost where they ask for none.
    ///
    /// # Errors
    /// It is none of them, or there are none: that it exists is not told.
    pub fn chosen<'w>(&'w self, asked: Option<&'w str>) -> Result<&'w str> {
        let id = asked.filter(|id| !id.is_empty()).or(self.first());
        id.filter(|id| self.has(id)).ok_or(Error::Absent)
    }

    /// Those of them that lie at or below one of them.
    #[must_use]
    pub fn below(&self, id: &str, tree: &Tree) -> BTreeSet<String> {
        let Some(position) = tree.position(id) else {
            return BTreeSet::new();
        };
        let nodes = &tree.nodes()[position..tree.nodes()[position].subtree_end];
        let ids = nodes.iter().map(|node| &node.id);
        ids.filter(|id| self.has(id)).cloned().collect()
    }

    /// Whether all of some org units are among them; nothing is, where none is named, unless they are the whole.
    #[must_use]
    pub fn has_all<'i>(&self, ids: impl IntoIterator<Item = &'i str>) -> bool {
        let mut ids = ids.into_iter().peekable();
        self.is_whole || (ids.peek().is_some() && ids.all(|id| self.has(id)))
    }
}

#[cfg(test)]
mod tests {
    use keiki_model::access::Role;
    use keiki_model::org::Organisation;

    use super::*;

    const ORG: &str = "id,parent_id,name_ja,name_en,kind,country,valid_from,valid_until,successor_id\n\
                       HD,,親,Parent,group,JP,,,\n\
                       A,HD,甲,A,subsidiary,JP,,,\n\
                       A-IT,A,甲情シス,A IT,department,JP,,,\n\
                       B,HD,乙,B,subsidiary,JP,,,\n";

    fn within(role: Role, unit: &str, right: Right) -> Within {
        let organisation = Organisation::read("org.csv", ORG).expect("the tree is sound");
        let grant = Grant {
            role,
            org_unit: unit.to_owned(),
        };
        Scope::new(vec![grant]).within(right, &organisation.tree(20_000))
    }

    #[test]
    fn who_is_in_charge_of_a_subsidiary_knows_its_subtree_and_nothing_else() {
        let seen = within(Role::DataOwner, "A", Right::See);
        assert!(seen.has("A") && seen.has("A-IT"));
        assert!(!seen.has("HD") && !seen.has("B") && !seen.has("unassigned"));
        assert!(seen.chosen(Some("B")).is_err() && seen.chosen(Some("nowhere")).is_err());
        assert_eq!(seen.first(), Some("A"));
        assert!(seen.has_all(["A", "A-IT"]) && !seen.has_all(["A", "B"]) && !seen.has_all([]));
    }

    #[test]
    fn who_holds_the_root_knows_everything() {
        let seen = within(Role::Auditor, "HD", Right::See);
        assert!(seen.is_whole() && seen.has("unassigned") && seen.has_all([]));
    }

    #[test]
    fn a_narrowed_scope_has_what_is_left_of_its_roles_and_no_more() {
        let grant = Grant {
            role: Role::DataOwner,
            org_unit: "A".to_owned(),
        };
        let organisation = Organisation::read("org.csv", ORG).expect("the tree is sound");
        let tree = organisation.tree(20_000);
        let scope = Scope::new(vec![grant]).narrowed(vec![Right::See, Right::Close]);
        assert_eq!(scope.rights(), [Right::See]);
        assert!(scope.within(Right::See, &tree).has("A-IT"));
        assert!(!scope.allows(Right::Submit) && !scope.allows_at(Right::Close, "A"));
        assert_eq!(scope.within(Right::Submit, &tree).first(), None);
    }

    #[test]
    fn a_role_gives_its_own_rights_alone() {
        assert_eq!(within(Role::Administrator, "HD", Right::See).first(), None);
        assert_eq!(within(Role::Executive, "HD", Right::Close).first(), None);
    }
}
