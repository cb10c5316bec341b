//! Any bytes as evidence, read by the target `values`.

#![no_main]

keiki_fuzz::target!("values");
