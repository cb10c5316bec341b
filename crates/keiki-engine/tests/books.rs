//! The books as a whole: worked cases, the plain reference implementation, and what must hold whatever happens to the journal.

#[path = "books/calendars.rs"]
mod calendars;
#[path = "books/cases.rs"]
mod cases;
#[path = "books/compaction.rs"]
mod compaction;
#[path = "books/copies.rs"]
mod copies;
#[path = "books/damage.rs"]
mod damage;
#[path = "books/early.rs"]
mod early;
#[path = "books/edges.rs"]
mod edges;
#[path = "books/explanations.rs"]
mod explanations;
#[path = "books/hierarchies.rs"]
mod hierarchies;
#[path = "books/holdings.rs"]
mod holdings;
#[path = "books/identity.rs"]
mod identity;
#[path = "books/inventory.rs"]
mod inventory;
#[path = "books/journal.rs"]
mod journal;
#[path = "books/judgements.rs"]
mod judgements;
#[path = "books/kept.rs"]
mod kept;
#[path = "books/late.rs"]
mod late;
#[cfg(feature = "cluster")]
#[path = "books/on_cluster.rs"]
mod on_cluster;
#[path = "books/plans.rs"]
mod plans;
#[path = "books/properties.rs"]
mod properties;
#[path = "books/reference.rs"]
mod reference;
#[path = "books/spilled.rs"]
mod spilled;
#[path = "books/world.rs"]
mod world;
