//! Any bytes as evidence, read by the target `collection`.

#![no_main]

keiki_fuzz::target!("collection");
