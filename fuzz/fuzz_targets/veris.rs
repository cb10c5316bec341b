//! Any bytes as evidence, read by the target `veris`.

#![no_main]

keiki_fuzz::target!("veris");
