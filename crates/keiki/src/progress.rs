//! How a use case tells what it is doing, without knowing who watches.

/// A step of long work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// The definitions of the workspace are being loaded.
    Loading,
    /// A live system is being asked.
    Fetching {
        /// The source.
        source: String,
    },
    /// A source's files are being stored and read.
    Reading {
        /// The source.
        source: String,
        /// How many files.
        files: usize,
    },
    /// A reading is being written to the journal.
    Committing {
        /// The source.
        source: String,
        /// How many rows.
        rows: usize,
    },
    /// Figures are being computed.
    Measuring,
    /// The journal is being checked.
    Verifying,
    /// The journal's files are being put together.
    Compacting,
    /// A month is being closed.
    Closing {
        /// The month.
        month: String,
    },
    /// A month of the sample group is being played.
    Playing {
        /// The month.
        month: String,
    },
}

/// Watches long work.
pub trait Progress: Send + Sync {
    /// A step begins; the one before it is over.
    fn begin(&self, step: &Step);
}

/// Watches nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Progress for Silent {
    fn begin(&self, _: &Step) {}
}
