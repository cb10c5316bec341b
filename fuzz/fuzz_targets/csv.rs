//! Any bytes as evidence, read by the target `csv`.

#![no_main]

keiki_fuzz::target!("csv");
