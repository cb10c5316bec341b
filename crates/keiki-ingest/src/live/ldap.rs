//! LDAP and Active Directory: the entries below a base, or the people in groups and in the groups
//! within them.
//!
//! *Source*: RFC 4511; paging RFC 2696; ranges of long lists of members as Active Directory gives
//! them. Texts are taken as they are, `objectGUID` and `objectSid` in their usual written forms;
//! other binary values are left out. A value that there are several of becomes a list.

mod connection;
mod members;
mod written;

use std::sync::Arc;

use async_trait::async_trait;
use keiki_model::document::Node;
use keiki_model::problem::Problem;
use keiki_model::text::Text;
use ldap3::Scope;
use serde_json::{Map, Value};

use super::error::FetchError;
use super::rows::RowsFile;
use super::{Connector, Fetched, Request};
use connection::{Directory, Server};

/// What is asked of a directory.
#[derive(Debug)]
struct Ldap {
    server: Server,
    base: String,
    filter: String,
    attributes: Vec<String>,
    groups: Vec<String>,
}

/// One entry of the directory.
#[derive(Debug, Clone)]
struct Entry {
    dn: String,
    values: Map<String, Value>,
}

/// Reads the `[fetch]` table.
pub(super) fn definition(node: &Node<'_>) -> Option<Arc<dyn Connector>> {
    let server = Server::read(node);
    let base = node.required_string("base");
    let filter = node
        .string("filter")
        .unwrap_or_else(|| "(objectClass=person)".to_owned());
    if ldap3::parse_filter(&filter).is_err() {
        let problem = Problem::new(
            node.place_of("filter"),
            Text::new("LDAPのフィルターとして読めません", "not a filter of LDAP"),
        );
        node.report(problem.hint(Text::new(
            "filter = \"(&(objectClass=person)(mail=*))\" のように書いてください",
            "write it as in filter = \"(&(objectClass=person)(mail=*))\"",
        )));
    }
    let attributes = node.strings("attributes");
    if attributes.is_empty() {
        let problem = Problem::new(
            node.place_of("attributes"),
            Text::new("`attributes` がありません", "there are no `attributes`"),
        );
        node.report(problem.hint(Text::new(
            "対応付けに必要な属性を attributes = [\"uid\", \"mail\"] のように書いてください",
            "name those that the mapping needs, such as attributes = [\"uid\", \"mail\"]",
        )));
    }
    let groups = node.strings("groups");
    Some(Arc::new(Ldap {
        server: server?,
        base: base?,
        filter,
        attributes,
        groups,
    }))
}

#[async_trait]
impl Connector for Ldap {
    fn place(&self) -> String {
        self.server.place()
    }

    async fn fetch(&self, request: &Request<'_>) -> Result<Fetched, FetchError> {
        let mut directory = Directory::connect(&self.server, request).await?;
        let mut rows = RowsFile::create(request, &self.place(), "entries.json")?;
        if self.groups.is_empty() {
            directory
                .search(
                    &self.base,
                    Scope::Subtree,
                    &self.filter,
                    &self.attributes,
                    &mut |entry| rows.push(&row(&entry)),
                )
                .await?;
        } else {
            'groups: for group in &self.groups {
                for member in members::of(group, self, &mut directory).await? {
                    let mut values = Map::new();
                    values.insert("group".into(), group.as_str().into());
                    values.insert("via".into(), member.via.as_str().into());
                    values.insert("is_direct".into(), (member.via == *group).into());
                    values.extend(row(&member.entry));
                    if rows.push(&values)?.is_break() {
                        break 'groups;
                    }
                }
            }
        }
        directory.end().await;
        Ok(Fetched {
            files: vec![rows.finish()?],
            cursor: None,
        })
    }
}

fn row(entry: &Entry) -> Map<String, Value> {
    let mut values = Map::new();
    values.insert("dn".into(), entry.dn.as_str().into());
    values.extend(entry.values.clone());
    values
}
