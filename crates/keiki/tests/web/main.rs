//! The web pages from outside: a server in this process on a free port, and a browser's requests.

mod access;
mod actions;
mod api;
mod browser;
mod changing;
mod figures;
mod hostile;
mod house;
mod kept;
mod nodes;
mod notices;
mod openid;
#[path = "../cli/packages.rs"]
mod packages;
mod pages;
#[path = "../../../keiki-store/tests/database/port.rs"]
mod port;
#[path = "../../../keiki-store/tests/database/postgresql.rs"]
mod postgresql;
mod restated;
mod sample;
mod schedules;
mod signing_in;
#[expect(
    dead_code,
    reason = "the tests of the command line use more of it than these"
)]
#[path = "../cli/spreadsheet.rs"]
mod spreadsheet;
mod stopped;
mod submitting;
mod system;
mod transport;
mod uploads;
mod workbooks;
