//! Rebuilds the crate when a kind of source is added; the files themselves are embedded by the code.

fn main() {
    println!("cargo::rerun-if-changed=kinds");
}
