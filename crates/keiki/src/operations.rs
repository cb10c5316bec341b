//! The use cases of the program. They name neither the command line nor the web, and print nothing.

pub mod audit;
pub mod catalogue;
pub mod certify;
pub mod check;
pub mod collect;
pub mod compact;
pub mod coverage;
pub mod demo;
mod disclosure;
pub mod explain;
pub mod framework;
pub mod identity;
pub mod ingest;
pub mod init;
pub mod measure;
pub mod notes;
pub mod past;
pub mod period;
pub mod person;
pub mod plans;
pub mod programme;
pub mod refusals;
pub mod rejects;
pub mod report;
pub mod road_map;
pub mod seals;
pub mod sources;
pub mod sql;
pub mod statement;
pub mod trend;
pub mod trial;
pub mod unassigned;
pub mod verify;

mod obstacles;
mod packing;
mod units;
