//! Any bytes as evidence, read by the target `cyclonedx_xml`.

#![no_main]

keiki_fuzz::target!("cyclonedx_xml");
