//! Any bytes as evidence of the kind json.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| keiki_fuzz::read("json", data));
