//! Any bytes as evidence, read by the target `glpi`.

#![no_main]

keiki_fuzz::target!("glpi");
