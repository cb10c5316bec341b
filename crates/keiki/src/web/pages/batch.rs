//! `/batches/{seq}`: a reading, and the files that it read.

use askama::Template;
use axum::extract::Path;
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::{Html, IntoResponse, Response};
use keiki_ingest::place::last_part;

use crate::operations::office::Desk;
use crate::operations::office::batches::BatchView;
use crate::web::failure::Answer;
use crate::web::layout::Layout;
use crate::web::visitor::Visitor;

#[derive(Template)]
#[template(path = "batch.html")]
struct Page<'p> {
    layout: Layout<'p>,
    view: BatchView,
}

pub(in crate::web) async fn show(visitor: Visitor, desk: Desk, Path(seq): Path<i64>) -> Answer {
    let page = Page {
        layout: Layout::new(&visitor, "batch-title"),
        view: desk.batch(seq)?,
    };
    Ok(Html(page.render()?))
}

/// A file as it came: nothing in it is shown or run by the browser.
pub(in crate::web) async fn file(
    desk: Desk,
    Path((seq, position)): Path<(i64, usize)>,
) -> Answer<Response> {
    let (name, bytes) = desk.raw_file(seq, position).await?;
    let headers: [(HeaderName, HeaderValue); 2] = [
        (
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/octet-stream"),
        ),
        (header::CONTENT_DISPOSITION, attached(&name)),
    ];
    Ok((headers, bytes).into_response())
}

/// The header that makes a browser keep a file under its name: percent-encoded, so that no name makes a header up.
/// *Source*: RFC 6266, RFC 8187.
pub(in crate::web) fn attached(name: &str) -> HeaderValue {
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
