//! Any bytes as evidence, read by the target `json`.

#![no_main]

keiki_fuzz::target!("json");
