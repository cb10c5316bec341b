//! Long lists in parts: a cursor names the last thing that was given, so that what comes in meanwhile moves nothing.

use axum::http::StatusCode;
use keiki_model::text::{Text, hexadecimal};
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::web::failure::Failure;

/// How many things come at once where nobody says.
const LIMIT: usize = 100;
/// The most that come at once.
const LIMIT_MOST: usize = 1_000;

/// Which part of a list is asked for.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(in crate::web) struct Paging {
    #[serde(default, deserialize_with = "limit")]
    #[param(value_type = Option<u16>, minimum = 1, maximum = 1000)]
    limit: Option<usize>,
    #[serde(default, deserialize_with = "after")]
    #[param(value_type = Option<String>, min_length = 2, pattern = "^([0-7][0-9a-f])+$")]
    cursor: Option<String>,
}

fn limit<'de, D: Deserializer<'de>>(from: D) -> Result<Option<usize>, D::Error> {
    let limit = usize::deserialize(from)?;
    if (1..=LIMIT_MOST).contains(&limit) {
        Ok(Some(limit))
    } else {
        Err(D::Error::custom(format!("limit is from 1 to {LIMIT_MOST}")))
    }
}

/// The key of the last thing that was given.
fn after<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    let cursor = String::deserialize(from)?;
    let byte = |pair: &[u8]| {
        let pair = std::str::from_utf8(pair).ok()?;
        u8::from_str_radix(pair, 16)
            .ok()
            .filter(|_| pair.len() == 2)
    };
    let bytes = cursor.as_bytes().chunks(2).map(byte);
    let key = bytes
        .collect::<Option<Vec<u8>>>()
        .filter(|key| !key.is_empty());
    let key = key.and_then(|key| String::from_utf8(key).ok());
    key.map(Some)
        .ok_or_else(|| D::Error::custom("cursor is what `next` of the part before says"))
}

/// A part of a list.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::web) struct Part<T> {
    /// The things, in the order of the list.
    pub(super) items: Vec<T>,
    /// The cursor of the next part; null after the last one.
    pub(super) next: Option<String>,
}

impl Paging {
    /// How many things are asked for.
    pub(super) fn limit(&self) -> usize {
        self.limit.unwrap_or(LIMIT)
    }

    /// The key of the last thing that was given; `None` from the beginning on.
    pub(super) fn after(&self) -> Option<&str> {
        self.cursor.as_deref()
    }

    /// The part that is asked for, of a whole list whose keys rise in the order of bytes.
    pub(super) fn part<T>(&self, all: Vec<T>, key: impl Fn(&T) -> String) -> Part<T> {
        let after = self.after();
        let mut rest = all
            .into_iter()
            .filter(|one| after.is_none_or(|after| key(one).as_str() > after));
        let items: Vec<T> = rest.by_ref().take(self.limit()).collect();
        let is_last = rest.next().is_none();
        Part {
            next: items
                .last()
                .filter(|_| !is_last)
                .map(|one| cursor(&key(one))),
            items,
        }
    }
}

/// The cursor of a key.
pub(super) fn cursor(key: &str) -> String {
    hexadecimal(key.as_bytes())
}

/// The refusal of a cursor that another list gave.
pub(super) fn no_cursor() -> Failure {
    let text = Text::new(
        "cursorは前の部分の `next` ではありません",
        "the cursor is no `next` of a part before",
    );
    Failure::refused(StatusCode::UNPROCESSABLE_ENTITY, text)
}

/// The key of a number in a rising list.
pub(super) fn rising(number: i64) -> String {
    format!("{number:020}")
}

/// The key of a number in a list whose latest comes first.
pub(super) fn falling(number: i64) -> String {
    rising(i64::MAX - number)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(query: &str) -> Result<Paging, serde_json::Error> {
        serde_json::from_str(query)
    }

    fn after(next: Option<String>) -> Paging {
        let next = next.expect("there is another part");
        asked(&format!("{{\"limit\":2,\"cursor\":\"{next}\"}}")).expect("it is a cursor")
    }

    #[test]
    fn parts_make_up_the_whole_whatever_comes_in_between() {
        let key = |one: &i64| rising(*one);
        let paging = asked("{\"limit\":2}").expect("it is sound");
        let first = paging.part(vec![10, 20, 30, 40], key);
        assert_eq!(first.items, [10, 20]);
        let second = after(first.next).part(vec![5, 10, 15, 20, 25, 30, 40], key);
        assert_eq!(second.items, [25, 30]);
        let last = after(second.next).part(vec![10, 20, 30, 40], key);
        assert_eq!(last.items, [40]);
        assert_eq!(last.next, None);
        assert!(falling(7) < falling(6));
    }

    #[test]
    fn what_is_no_cursor_or_no_limit_is_refused() {
        for query in [
            "{\"cursor\":\"\"}",
            "{\"cursor\":\"abc\"}",
            "{\"cursor\":\"no cursor\"}",
            "{\"limit\":0}",
            "{\"limit\":1001}",
        ] {
            assert!(asked(query).is_err(), "{query}");
        }
    }
}
