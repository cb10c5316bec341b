//! What reads bytes that nobody wrote: the targets that cargo-fuzz and the program `fuzz` share, and how they change what they
//! begin with.

pub mod mutation;

mod stand_in;
mod targets;

pub use targets::{Target, find, targets};

/// Defines a target of cargo-fuzz by its name.
#[cfg(feature = "libfuzzer")]
#[macro_export]
macro_rules! target {
    ($name:literal) => {
        static TARGET: std::sync::LazyLock<&'static $crate::Target> =
            std::sync::LazyLock::new(|| $crate::find($name).expect("the target is in the list"));

        libfuzzer_sys::fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
            let mut random = $crate::mutation::Random::new(u64::from(seed));
            match $crate::mutation::within_archive(&data[..size], &mut random) {
                Some(bytes) if bytes.len() <= max_size => {
                    data[..bytes.len()].copy_from_slice(&bytes);
                    bytes.len()
                }
                _ => libfuzzer_sys::fuzzer_mutate(data, size, max_size),
            }
        });

        libfuzzer_sys::fuzz_target!(|data: &[u8]| TARGET.read(data));
    };
}
