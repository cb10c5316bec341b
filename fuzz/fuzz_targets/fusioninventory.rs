//! Any bytes as evidence, read by the target `fusioninventory`.

#![no_main]

keiki_fuzz::target!("fusioninventory");
