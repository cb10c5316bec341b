//! The program `keiki`.

use std::process::ExitCode;

fn main() -> ExitCode {
    keiki::cli::main()
}
