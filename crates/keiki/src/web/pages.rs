//! One file per page.

pub(super) mod account;
pub(super) mod batch;
pub(super) mod catalogue;
pub(super) mod changing;
pub(super) mod closing;
pub(super) mod compare;
pub(super) mod evidence;
pub(super) mod home;
pub(super) mod kpi;
pub(super) mod language;
pub(super) mod log;
pub(super) mod openid;
pub(super) mod programme;
pub(super) mod requests;
pub(super) mod rows;
pub(super) mod scorecard;
pub(super) mod sign_in;
pub(super) mod statement;
pub(super) mod submit;
pub(super) mod system;
pub(super) mod todo;
pub(super) mod uploads;
pub(super) mod users;
pub(super) mod verification;
pub(super) mod welcome;
