//! Any bytes as evidence, read by the target `lynis`.

#![no_main]

keiki_fuzz::target!("lynis");
