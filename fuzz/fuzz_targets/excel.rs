//! Any bytes as evidence of the kind excel.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| keiki_fuzz::read("excel", data));
