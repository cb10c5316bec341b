//! Holds the books: the journal, raw evidence and the operational database; alone knows Delta, object stores and SQL databases.

mod batches;
mod derived;
mod error;
mod evolution;
mod gathered;
mod heads;
mod identity;
mod journal;
mod ledger;
mod lookups;
mod maintenance;
mod parallel;
mod plan;
mod raw;
mod rejects;
mod scan;
mod schema;
mod statements;
mod table;
mod tokens;
mod verify;

pub use batches::{Batch, Snapshot};
pub use error::StoreError;
pub use gathered::{Gathered, Gathering, MEMORY_BYTES, Repeats, Summary};
pub use identity::{Differing, IDENTITY_SOURCE, IdentityReport, Merge, SharedIdentifier};
pub use journal::{FrozenPlan, Journal, Receipt, Submission};
pub use ledger::{Edition, Ledger, Texts};
pub use maintenance::Compacted;
pub use raw::{RawFile, RawWriter};
pub use rejects::{Afterwards, Outcome, StoredReject};
pub use scan::{EntryFile, Scan};
pub use schema::{EFFECTIVE_ON, KNOWN_AT, RECORD_KEY, SEQ, SOURCE, WEIGHT, entries_schema};
pub use statements::{Event, Recorded, Statements};
pub use tokens::Tokens;
pub use verify::{Finding, Verification};
