//! The people in a group, and in the groups within it.

use std::collections::{BTreeSet, VecDeque};
use std::ops::ControlFlow;

use keiki_model::text::Text;
use ldap3::{Scope, ldap_escape};
use serde_json::Value;

use super::super::error::FetchError;
use super::connection::Directory;
use super::{Entry, Ldap};
use crate::limits::Quantity;

/// Attributes that list members by name. *Source*: RFC 4519, RFC 2307, Active Directory.
const MEMBERS: [&str; 2] = ["member", "uniqueMember"];
/// The attribute that lists members by their `uid`.
const MEMBER_UID: &str = "memberUid";
/// What tells a group of Active Directory, which may have no members, and people whose primary group it is.
const OBJECT_CLASS: &str = "objectClass";
const OBJECT_SID: &str = "objectSid";
/// Most groups within one.
const GROUP_COUNT: usize = 10_000;

/// A person in a group.
pub(super) struct Member {
    pub(super) entry: Entry,
    /// The group in which the person is directly.
    pub(super) via: String,
}

/// Finds the people in a group, each once however many ways lead there; the shortest is told.
///
/// # Errors
/// The group is not there, or the directory refuses.
pub(super) async fn of(
    group: &str,
    asked: &Ldap,
    directory: &mut Directory,
) -> Result<Vec<Member>, FetchError> {
    let mut wanted = asked.attributes.clone();
    wanted.extend(
        MEMBERS
            .iter()
            .chain([&MEMBER_UID, &OBJECT_CLASS, &OBJECT_SID])
            .map(|&name| name.to_owned()),
    );
    let mut members = Vec::new();
    let mut seen = BTreeSet::from([group.to_lowercase()]);
    let mut waiting = VecDeque::from([group.to_owned()]);
    let mut groups = 0;
    while let Some(current) = waiting.pop_front() {
        groups += 1;
        if groups > GROUP_COUNT {
            let place = asked.server.place();
            return Err(FetchError::limit(
                &place,
                Quantity::Groups,
                GROUP_COUNT as u64,
            ));
        }
        let entry = one(&current, &wanted, directory).await?;
        let Some(entry) = entry else {
            if current == group {
                let detail = Text::new(
                    format!("グループがありません: {group}"),
                    format!("there is no group {group}"),
                );
                return Err(FetchError::unusable(&asked.server.place(), detail));
            }
            continue;
        };
        let by_uid = texts(&entry, MEMBER_UID);
        let by_uid = by_uid
            .into_iter()
            .map(|uid| format!("(uid={})", ldap_escape(uid)));
        // Active Directory does not list a person among the members of the primary group.
        let by_group = relative_id(&entry).map(|id| format!("(primaryGroupID={id})"));
        for condition in by_uid.chain(by_group) {
            let filter = format!("(&{}{condition})", asked.filter);
            let found = all(&asked.base, &filter, &asked.attributes, directory).await?;
            for entry in found {
                if seen.insert(entry.dn.to_lowercase()) {
                    let via = current.clone();
                    members.push(Member { entry, via });
                }
            }
        }
        for dn in MEMBERS.iter().flat_map(|name| texts(&entry, name)) {
            if !seen.insert(dn.to_lowercase()) {
                continue;
            }
            match one(&dn, &wanted, directory).await? {
                // A name that leads nowhere is a member that was deleted.
                None => {}
                Some(found) if is_group(&found) => waiting.push_back(dn),
                Some(mut entry) => {
                    let is_asked = |name: &String| {
                        let mut asked = asked.attributes.iter();
                        asked.any(|attribute| attribute.eq_ignore_ascii_case(name))
                    };
                    entry.values.retain(|name, _| is_asked(name));
                    let via = current.clone();
                    members.push(Member { entry, via });
                }
            }
        }
    }
    Ok(members)
}

fn is_group(entry: &Entry) -> bool {
    let classes = texts(entry, OBJECT_CLASS);
    let is_class = classes
        .iter()
        .any(|class| class.eq_ignore_ascii_case("group"));
    is_class || has_members(entry)
}

/// The last part of a group's security identifier, by which people name it as their primary group.
fn relative_id(entry: &Entry) -> Option<u32> {
    let sid = entry.values.get(OBJECT_SID)?.as_str()?;
    // The built-in groups, which have the same numbers in every domain, are nobody's primary group.
    let id = sid.strip_prefix("S-1-5-21-")?.rsplit('-').next()?;
    id.parse().ok()
}

fn has_members(entry: &Entry) -> bool {
    MEMBERS
        .iter()
        .chain([&MEMBER_UID])
        .any(|name| entry.values.contains_key(*name))
}

async fn one(
    dn: &str,
    attributes: &[String],
    directory: &mut Directory,
) -> Result<Option<Entry>, FetchError> {
    let mut found = None;
    directory
        .search(
            dn,
            Scope::Base,
            "(objectClass=*)",
            attributes,
            &mut |entry| {
                found = Some(entry);
                Ok(ControlFlow::Continue(()))
            },
        )
        .await?;
    Ok(found)
}

async fn all(
    base: &str,
    filter: &str,
    attributes: &[String],
    directory: &mut Directory,
) -> Result<Vec<Entry>, FetchError> {
    let mut found = Vec::new();
    directory
        .search(base, Scope::Subtree, filter, attributes, &mut |entry| {
            found.push(entry);
            Ok(ControlFlow::Continue(()))
        })
        .await?;
    Ok(found)
}

fn texts(entry: &Entry, name: &str) -> Vec<String> {
    match entry.values.get(name) {
        Some(Value::String(one)) => vec![one.clone()],
        Some(Value::Array(many)) => many
            .iter()
            .filter_map(|value| value.as_str().map(str::to_owned))
            .collect(),
        _ => Vec::new(),
    }
}
