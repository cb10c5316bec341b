//! Any bytes as evidence, read by the target `xml`.

#![no_main]

keiki_fuzz::target!("xml");
