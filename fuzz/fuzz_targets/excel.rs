//! Any bytes as evidence, read by the target `excel`.

#![no_main]

keiki_fuzz::target!("excel");
