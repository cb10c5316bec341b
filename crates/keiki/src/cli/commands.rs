//! One file per command.

pub(super) mod audit;
pub(super) mod bridge;
pub(super) mod catalogue;
pub(super) mod certify;
pub(super) mod check;
pub(super) mod close;
pub(super) mod collect;
pub(super) mod compact;
pub(super) mod completions;
pub(super) mod demo;
pub(super) mod explain;
pub(super) mod identity;
pub(super) mod ingest;
pub(super) mod init;
pub(super) mod key;
pub(super) mod measure;
pub(super) mod notes;
pub(super) mod person;
pub(super) mod programme;
pub(super) mod rejects;
pub(super) mod reopen;
pub(super) mod seal;
pub(super) mod sources;
pub(super) mod sql;
pub(super) mod statement;
pub(super) mod verify;
