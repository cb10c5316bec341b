//! What programs use: the same operations as the pages, as data, under `/api/v1`.
//!
//! One subject is one file; a handler's row is in `routes`, its words are in `texts/<language>/api.ftl`, and `document` makes of all of
//! them the `OpenAPI` document. *Source*: decision 0062.

mod answering;
pub(super) mod catalogue;
pub(super) mod changing;
pub(super) mod closing;
pub(super) mod difference;
pub(super) mod docs;
mod document;
pub(super) mod evidence;
pub(super) mod figures;
mod once;
mod paging;
pub(super) mod people;
pub(super) mod problem;
pub(super) mod programme;
pub(super) mod requests;
pub(super) mod rows;
pub(super) mod said;
pub(super) mod submitting;
pub(super) mod system;
pub(super) mod tokens;
pub(super) mod uploads;

pub(super) use answering::answering;
pub use document::paths;
