//! The program `keiki`.

use std::process::ExitCode;

/// Hands out memory. *Source*: decision 0054.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    keiki::cli::main()
}
