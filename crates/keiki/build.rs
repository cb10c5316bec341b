//! Rebuilds the program when a definition is added to the shipped catalogue; the files themselves are embedded by the code.

#![expect(
    clippy::print_stdout,
    reason = "a build script speaks to cargo on its standard output"
)]

fn main() {
    for folder in ["../../catalogue", "../../datasets"] {
        println!("cargo::rerun-if-changed={folder}");
    }
}
