//! Any bytes as evidence, read by the target `xccdf`.

#![no_main]

keiki_fuzz::target!("xccdf");
