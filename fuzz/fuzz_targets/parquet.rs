//! Any bytes as evidence, read by the target `parquet`.

#![no_main]

keiki_fuzz::target!("parquet");
