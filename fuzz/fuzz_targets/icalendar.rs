//! Any bytes as evidence, read by the target `icalendar`.

#![no_main]

keiki_fuzz::target!("icalendar");
