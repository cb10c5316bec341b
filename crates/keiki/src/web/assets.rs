//! Style sheet and scripts: embedded, under an address that holds their hash, so that browsers keep them for ever.

use std::sync::LazyLock;

use axum::Router;
use axum::extract::Path;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use include_dir::{Dir, include_dir};
use keiki_report::html::PALETTE;
use sha2::{Digest, Sha256};

use super::site::Shared;

/// The style sheet, before which the palette of the editions of statements is put.
const SHEET: &str = "keiki.css";

static FILES: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/static");

/// The hash of all files, shortened.
static VERSION: LazyLock<String> = LazyLock::new(|| {
    let mut hash = Sha256::new();
    hash.update(PALETTE);
    for file in FILES.files() {
        hash.update(file.contents());
    }
    format!("{:x}", hash.finalize())[..16].to_owned()
});

/// The address of a file.
pub(super) fn href(name: &str) -> String {
    format!("/static/{}/{name}", *VERSION)
}

pub(super) fn router() -> Router<Shared> {
    Router::new().route("/static/{version}/{name}", get(file))
}

/// A file by its name. Only names of embedded files are known, so that no path leads elsewhere.
async fn file(Path((version, name)): Path<(String, String)>) -> Response {
    let found = FILES
        .files()
        .find(|file| file.path().to_str() == Some(&name));
    let kind = match name.rsplit_once('.') {
        Some((_, "css")) => "text/css; charset=utf-8",
        Some((_, "js")) => "text/javascript; charset=utf-8",
        Some((_, "svg")) => "image/svg+xml",
        _ => "application/octet-stream",
    };
    match found.filter(|_| version == *VERSION) {
        Some(file) => {
            let palette = if name == SHEET { PALETTE } else { "" };
            let body = [palette.as_bytes(), file.contents()].concat();
            let headers = [
                (header::CONTENT_TYPE, kind),
                (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
            ];
            (headers, body).into_response()
        }
        None => StatusCode::NOT_FOUND.into_response(),
    }
}
