//! Answers that a browser saves as a file, and shows or runs nothing of.

use axum::body::Body;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use keiki_ingest::place::last_part;

/// The kind of bytes of which nothing else is said.
pub(super) const OCTETS: &str = "application/octet-stream";
/// The kind of a zip file.
pub(super) const ZIP: &str = "application/zip";

/// A file that is saved under a name. `nosniff` is on every answer, so that its kind is what is said here.
pub(super) fn saved(name: &str, kind: &'static str, bytes: impl Into<Body>) -> Response {
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(kind)),
        (header::CONTENT_DISPOSITION, attached(name)),
    ];
    (headers, bytes.into()).into_response()
}

/// The header that makes a browser keep a file under its name: percent-encoded, so that no name makes a header up.
/// *Source*: RFC 6266, RFC 8187.
fn attached(name: &str) -> HeaderValue {
    let last = last_part(name);
    let encoded: String = last
        .bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'-' | b'_' => {
                char::from(byte).to_string()
            }
            other => format!("%{other:02X}"),
        })
        .collect();
    let header = format!("attachment; filename*=UTF-8''{encoded}");
    HeaderValue::from_str(&header).unwrap_or(HeaderValue::from_static("attachment"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_makes_a_header_up() {
        let named = |name: &str| attached(name).to_str().unwrap_or("").to_owned();
        assert_eq!(
            named("evidence/a\r\nset-cookie: x=\"1\".csv"),
            "attachment; filename*=UTF-8''a%0D%0Aset-cookie%3A%20x%3D%221%22.csv"
        );
        assert_eq!(
            named("表.csv"),
            "attachment; filename*=UTF-8''%E8%A1%A8.csv"
        );
    }
}
