//! Rebuilds the program when a definition is added to the shipped catalogue; the files themselves are embedded by the code.

fn main() {
    for folder in ["../../catalogue", "../../datasets"] {
        println!("cargo::rerun-if-changed={folder}");
    }
}
