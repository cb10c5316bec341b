//! Reads the text files of a workspace.

use std::path::Path;

use keiki_model::problem::{Place, Problem};

/// The most that a definition may hold. *Units*: bytes.
const FILE_BYTES: u64 = 16 << 20;

/// How deep folders are followed.
const DEPTH: usize = 8;

/// Reads a file that must be there.
pub(super) fn required(root: &Path, name: &str) -> Result<String, Vec<Problem>> {
    read(&root.join(name), name).map_err(|problem| vec![problem])
}

/// Reads all files below a folder whose names are wanted, in the order of their names; a missing folder is empty.
pub(super) fn texts(
    root: &Path,
    folder: &str,
    is_wanted: &dyn Fn(&str) -> bool,
) -> Result<Vec<(String, String)>, Vec<Problem>> {
    let mut names = Vec::new();
    let mut problems = Vec::new();
    walk(&root.join(folder), folder, DEPTH, &mut names, &mut problems);
    names.sort();
    let mut found = Vec::new();
    for name in names.into_iter().filter(|name| is_wanted(name)) {
        match read(&root.join(&name), &name) {
            Ok(text) => found.push((name, text)),
            Err(problem) => problems.push(problem),
        }
    }
    if problems.is_empty() {
        Ok(found)
    } else {
        Err(problems)
    }
}

/// Tells whether a file's name is that of a definition.
pub(super) fn is_toml(name: &str) -> bool {
    Path::new(name)
        .extension()
        .is_some_and(|extension| extension == "toml")
}

fn walk(
    path: &Path,
    name: &str,
    depth: usize,
    names: &mut Vec<String>,
    problems: &mut Vec<Problem>,
) {
    if depth == 0 || !path.is_dir() {
        return;
    }
    let entries = match path.read_dir() {
        Ok(entries) => entries,
        Err(error) => {
            problems.push(unreadable(name, &error));
            return;
        }
    };
    for entry in entries.flatten() {
        let file = entry.file_name().to_string_lossy().into_owned();
        if file.starts_with('.') {
            continue;
        }
        let below = format!("{name}/{file}");
        if entry.path().is_dir() {
            walk(&entry.path(), &below, depth - 1, names, problems);
        } else {
            names.push(below);
        }
    }
}

fn read(path: &Path, name: &str) -> Result<String, Problem> {
    let bytes = std::fs::metadata(path)
        .map_err(|error| unreadable(name, &error))?
        .len();
    if bytes > FILE_BYTES {
        let problem = Problem::new(
            Place::file(name),
            format!("the file is larger than {FILE_BYTES} bytes: {bytes}"),
        );
        return Err(problem.hint("definitions are small; is this evidence?"));
    }
    let text = std::fs::read(path).map_err(|error| unreadable(name, &error))?;
    match String::from_utf8(text) {
        Ok(text) if text.trim().is_empty() => {
            Err(Problem::new(Place::file(name), "the file is empty")
                .hint("fill it in, or remove it; see `keiki init`"))
        }
        Ok(text) => Ok(text),
        Err(error) => {
            let sound =
                String::from_utf8_lossy(&error.as_bytes()[..error.utf8_error().valid_up_to()])
                    .into_owned();
            let place = Place::at(name, &sound, sound.len());
            Err(Problem::new(place, "the file is not UTF-8").hint("save the file as UTF-8"))
        }
    }
}

fn unreadable(name: &str, error: &std::io::Error) -> Problem {
    let hint = match error.kind() {
        std::io::ErrorKind::NotFound => {
            "make a workspace with `keiki init DIR` to see what belongs here"
        }
        _ => "check the file and its permissions",
    };
    Problem::new(Place::file(name), format!("cannot be read: {error}")).hint(hint)
}
