//! Any bytes as evidence, read by the target `nessus`.

#![no_main]

keiki_fuzz::target!("nessus");
