//! The web application: pages for those who run a programme, over the same operations as the command line.
//!
//! One page is one file in `pages`, one template, and one row of the table in `routes`. *Source*: decision 0044.

mod api;
mod assets;
mod begun;
mod choosing;
mod drawing;
mod failure;
mod guard;
mod layout;
mod metrics;
mod pages;
mod routes;
mod saving;
mod server;
mod site;
mod visitor;
mod words;

pub use api::paths as described_paths;
pub use routes::{Need, RouteFacts, facts};
pub use server::{HEADER_LIMIT, Options, REQUEST_LIMIT, Schedules, Security, Server};
