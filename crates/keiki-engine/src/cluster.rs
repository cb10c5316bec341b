//! Measuring on several machines: a scheduler and workers of Apache Ballista compute partial cubes, and only these travel.
//!
//! What every worker gets is a `Share`, with the definitions' expressions, and for each part that it computes the names of its files
//! with their sizes from the journal's log. It reads the files itself and sends back a cube for each part, or why it cannot. Whoever
//! asked adds the cubes up, after it has made sure that there is one of each part and that all rows were read of which the log knows.

mod answer;
mod asking;
mod attended;
mod codec;
mod computing;
mod cpu;
mod lasting;
mod operator;
mod parts;
mod persisting;
mod scheduler;
mod security;
mod share;
mod stopping;
mod worker;

pub use asking::{Cluster, ClusterSetting};
pub use scheduler::{SchedulerSetting, run_scheduler};
pub use security::Token;
pub use worker::{WorkerSetting, run_worker};
