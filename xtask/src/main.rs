//! `cargo xtask`: what is done to the repository by command.

use std::io::Write;
use std::path::Path;
use std::process::{Command, ExitCode};

use xtask::reference;

const USAGE: &str = "\
usage: cargo xtask reference      writes the pages of docs/reference
       cargo xtask bench peers    sets other engines beside Keiki and writes docs/benchmarks.md";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    // Cargo says where the package is when it runs it; a built program may have been built from another checkout.
    let package = std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| "xtask".into());
    let root = Path::new(&package).join("..");
    let done = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["reference"] => reference::write(&root).map_err(|error| error.to_string()),
        ["bench", "peers"] => bench(&root, "peers"),
        _ => Err(USAGE.to_owned()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            // Without standard error there is nobody to tell.
            drop(writeln!(std::io::stderr(), "{message}"));
            ExitCode::FAILURE
        }
    }
}

/// Runs a part of the benchmarks.
fn bench(root: &Path, part: &str) -> Result<(), String> {
    let mut run = Command::new("bash");
    let run = run.arg("benches/run").env("KEIKI_BENCH_PARTS", part);
    match run.current_dir(root).status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("benches/run: {status}")),
        Err(error) => Err(format!("benches/run: {error}")),
    }
}
