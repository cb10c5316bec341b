//! The log, for those who look for a fault: to standard error, and only where `KEIKI_LOG` asks for it.

use tracing_subscriber::EnvFilter;

use crate::environment;

/// What is logged of a server that nobody asked for a log: what failed.
const FAULTS: &str = "keiki=error";

/// Starts a log of what fails, unless there is one already: whoever looks into a fault of a server has nothing else.
pub(super) fn faults() {
    let started = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(FAULTS))
        .with_writer(std::io::stderr)
        .try_init();
    // The log that was asked for says more.
    drop(started);
}

/// Starts the log if it is asked for.
pub(super) fn start() {
    let Some(filter) = environment::log_filter() else {
        return;
    };
    let filter = EnvFilter::builder().parse_lossy(filter);
    let started = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .try_init();
    // A log that runs already is the one that is wanted.
    drop(started);
}
