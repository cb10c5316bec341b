//! Any bytes as evidence, read by the target `ods`.

#![no_main]

keiki_fuzz::target!("ods");
