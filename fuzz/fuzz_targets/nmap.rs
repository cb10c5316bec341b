//! Any bytes as evidence, read by the target `nmap`.

#![no_main]

keiki_fuzz::target!("nmap");
