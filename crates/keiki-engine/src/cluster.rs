//! Measuring on several machines: a scheduler and workers of Apache Ballista compute partial cubes, and only these travel.
//!
//! What a worker gets is a `Share`: the definitions' expressions, the files with their sizes from the journal's log, and how they
//! are parted. It reads the files itself and sends back a cube for each part. Whoever asked adds the cubes up, after it has made
//! sure that there is one of each part and that all rows were read of which the log knows.

mod asking;
mod codec;
mod operator;
mod scheduler;
mod security;
mod share;
mod worker;

pub use asking::{Cluster, ClusterSetting};
pub use scheduler::{SchedulerSetting, run_scheduler};
pub use security::Token;
pub use worker::{WorkerSetting, run_worker};
