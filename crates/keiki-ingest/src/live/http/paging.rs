//! How a system says where the rest of a list is.

use keiki_model::document::Node;
use keiki_model::problem::Problem;
use keiki_model::text::Text;
use serde_json::Value;

use super::client::Answer;
use super::{at, text};

/// The ways of paging.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Paging {
    /// One answer holds everything.
    None,
    /// Pages are counted.
    Page {
        parameter: String,
        first: i64,
        size: Option<(String, usize)>,
        total: Option<String>,
    },
    /// Records are counted.
    Offset {
        parameter: String,
        size: Option<(String, usize)>,
        total: Option<String>,
    },
    /// The answer holds the address of the next page.
    Next { path: String },
    /// The answer's `Link` header does. *Source*: RFC 8288.
    Link,
    /// The answer holds what the next page is asked for with.
    Cursor {
        path: String,
        parameter: String,
        size: Option<(String, usize)>,
    },
}

/// What is asked for next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    /// The endpoint with these parameters.
    Parameters(Vec<(String, String)>),
    /// Another address.
    Url(String),
}

#[derive(Debug, Clone, Copy)]
enum By {
    Page,
    Offset,
    Next,
    Link,
    Cursor,
}

const WAYS: [(&str, By); 5] = [
    ("page", By::Page),
    ("offset", By::Offset),
    ("next", By::Next),
    ("link", By::Link),
    ("cursor", By::Cursor),
];

impl Paging {
    /// Reads `paging = { by = "…", … }`.
    pub(super) fn read(node: &Node<'_>) -> Self {
        let Some(table) = node.table("paging") else {
            return Self::None;
        };
        let by = table.required_choice("by", &WAYS);
        let paging = by.and_then(|by| Self::of(by, &table));
        table.finish();
        paging.unwrap_or(Self::None)
    }

    fn of(by: By, table: &Node<'_>) -> Option<Self> {
        Some(match by {
            By::Page => Self::Page {
                parameter: table
                    .string("parameter")
                    .unwrap_or_else(|| "page".to_owned()),
                first: table.integer("first").unwrap_or(1),
                size: size(table),
                total: table.string("total"),
            },
            By::Offset => Self::Offset {
                parameter: table
                    .string("parameter")
                    .unwrap_or_else(|| "offset".to_owned()),
                size: size(table),
                total: table.string("total"),
            },
            By::Next => Self::Next {
                path: table.required_string("path")?,
            },
            By::Link => Self::Link,
            By::Cursor => {
                let path = table.required_string("path");
                let parameter = table.required_string("parameter");
                Self::Cursor {
                    path: path?,
                    parameter: parameter?,
                    size: size(table),
                }
            }
        })
    }

    /// What is asked for first.
    pub(super) fn first(&self) -> Step {
        Step::Parameters(match self {
            Self::None | Self::Next { .. } | Self::Link => Vec::new(),
            Self::Page {
                parameter,
                first,
                size,
                ..
            } => with_size(size.as_ref(), Some((parameter, first.to_string()))),
            Self::Offset {
                parameter, size, ..
            } => with_size(size.as_ref(), Some((parameter, "0".to_owned()))),
            Self::Cursor { size, .. } => with_size(size.as_ref(), None),
        })
    }

    /// What is asked for after an answer; `None` where it was the last. Where the asker counts, that
    /// is after an empty page or when all have come, not after a page that is not full: a system may
    /// give less than it is asked for.
    pub(super) fn next(
        &self,
        step: &Step,
        value: &Value,
        came: Came,
        answer: &Answer,
    ) -> Option<Step> {
        match self {
            Self::None => None,
            Self::Page {
                parameter, total, ..
            } => {
                let is_last = came.is_last(value, total.as_deref());
                (!is_last).then(|| counted(step, parameter, 1))?
            }
            Self::Offset {
                parameter, total, ..
            } => {
                let is_last = came.is_last(value, total.as_deref());
                (!is_last).then(|| counted(step, parameter, came.now))?
            }
            Self::Next { path } => at(value, path).and_then(text).map(Step::Url),
            Self::Link => answer
                .links
                .iter()
                .find_map(|link| next_link(link))
                .map(Step::Url),
            Self::Cursor {
                path,
                parameter,
                size,
            } => {
                let cursor = at(value, path).and_then(text)?;
                Some(Step::Parameters(with_size(
                    size.as_ref(),
                    Some((parameter, cursor)),
                )))
            }
        }
    }
}

/// Reads `size` and `size_parameter`.
fn size(table: &Node<'_>) -> Option<(String, usize)> {
    let parameter = table.string("size_parameter");
    let size = table.integer("size");
    match (parameter, size) {
        (None, None) => None,
        (Some(parameter), Some(size)) if size > 0 => Some((parameter, usize::try_from(size).ok()?)),
        _ => {
            table.report(
                Problem::new(
                    table.place(),
                    Text::new(
                        "`size` と `size_parameter` は組で指定します",
                        "`size` and `size_parameter` belong together",
                    ),
                )
                .hint(Text::new(
                    "システムの仕様に合わせて size = 100 と size_parameter = \"limit\" のように書いてください",
                    "write size = 100 and size_parameter = \"limit\", as the system has them",
                )),
            );
            None
        }
    }
}

fn with_size(
    size: Option<&(String, usize)>,
    pair: Option<(&String, String)>,
) -> Vec<(String, String)> {
    let size = size.map(|(parameter, size)| (parameter.clone(), size.to_string()));
    let pair = pair.map(|(parameter, value)| (parameter.clone(), value));
    pair.into_iter().chain(size).collect()
}

/// How many records have come.
#[derive(Debug, Clone, Copy)]
pub(super) struct Came {
    /// With this answer.
    pub(super) now: usize,
    /// With all.
    pub(super) all: usize,
}

impl Came {
    fn is_last(self, value: &Value, total: Option<&str>) -> bool {
        let total = total
            .and_then(|path| at(value, path))
            .and_then(Value::as_u64);
        self.now == 0 || total.is_some_and(|total| self.all as u64 >= total)
    }
}

/// The step with a number that is larger by so much.
fn counted(step: &Step, parameter: &str, by: usize) -> Option<Step> {
    let Step::Parameters(pairs) = step else {
        return None;
    };
    let mut pairs = pairs.clone();
    let (_, value) = pairs.iter_mut().find(|(name, _)| name == parameter)?;
    let number: i64 = value.parse().ok()?;
    *value = number.checked_add(i64::try_from(by).ok()?)?.to_string();
    Some(Step::Parameters(pairs))
}

/// The target of `rel=next` in a `Link` header.
fn next_link(header: &str) -> Option<String> {
    let mut rest = header;
    while let Some(start) = rest.find('<') {
        let end = start + rest[start..].find('>')?;
        let target = &rest[start + 1..end];
        let parameters = &rest[end + 1..];
        let until = parameters.find('<').unwrap_or(parameters.len());
        let is_next = parameters[..until].split([';', ',']).any(|part| {
            part.trim().split_once('=').is_some_and(|(name, value)| {
                let mut relations = value.trim().trim_matches('"').split_whitespace();
                name.trim().eq_ignore_ascii_case("rel")
                    && relations.any(|relation| relation.eq_ignore_ascii_case("next"))
            })
        });
        if is_next {
            return Some(target.to_owned());
        }
        rest = &parameters[until..];
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_page_is_found_in_a_link_header() {
        let header =
            "<https://a/?page=1>; rel=\"prev\", </?page=3,x>; title=\"n\"; rel=\"next last\"";
        assert_eq!(next_link(header).as_deref(), Some("/?page=3,x"));
        assert_eq!(next_link("<https://a/>; rel=\"last\""), None);
        assert_eq!(next_link("nonsense"), None);
    }
}
