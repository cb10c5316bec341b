//! The web pages from outside: a server in this process on a free port, and a browser's requests.

mod access;
mod api;
mod browser;
mod changing;
mod hostile;
mod house;
mod nodes;
mod notices;
mod openid;
mod pages;
#[path = "../../../keiki-store/tests/database/postgresql.rs"]
mod postgresql;
mod schedules;
mod signing_in;
mod submitting;
mod uploads;
