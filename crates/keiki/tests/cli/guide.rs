//! The walk through one month: every command of the guide is run, and what the guide shows of its output is what it prints.

use std::path::Path;

use crate::workspace::run_in;

const GUIDES: [(&str, &str); 2] = [
    ("en", include_str!("../../../../docs/guides/one-month.md")),
    (
        "ja",
        include_str!("../../../../docs/guides/one-month.ja.md"),
    ),
];

const README: &str = include_str!("../../../../README.md");

/// Holds the page that README shows against the one that is printed, line by line.
pub(crate) fn readme_is_as_printed(page: &str) {
    let shown = blocks(README).into_iter().find_map(|block| match block {
        Block::Shown(lines) => Some(lines),
        Block::File(..) | Block::Command(_) => None,
    });
    let shown = shown.expect("README shows the page");
    assert!(shown.len() > 30, "{shown:?}");
    let printed: Vec<&str> = page.lines().map(str::trim_end).collect();
    let (mut next, mut may_skip) = (0, true);
    for line in shown {
        if line.trim() == "…" {
            may_skip = true;
            continue;
        }
        let mut rest = printed[next..].iter();
        let skipped = rest.position(|found| *found == line.trim_end());
        let skipped =
            skipped.unwrap_or_else(|| unreachable!("README shows what is not printed: {line}"));
        assert!(
            may_skip || skipped == 0,
            "README leaves out what stands before: {line}"
        );
        (next, may_skip) = (next + skipped + 1, false);
    }
}

/// Runs the commands of the guide in both languages, side by side, in the sample group's workspace.
pub(crate) fn is_as_written(sample: &Path, english_page: &str) {
    let empty = std::fs::write(sample.join("empty.csv"), "");
    empty.expect("the sample's folder can be written");
    let [english, japanese] = GUIDES.map(|(_, guide)| commands(guide));
    assert_eq!(english, japanese, "both guides run the same commands");
    assert!(english.len() > 15, "{english:?}");
    std::thread::scope(|scope| {
        for (language, guide) in GUIDES {
            scope.spawn(move || follow(sample, language, guide, english_page));
        }
    });
}

/// What stands in a guide's blocks: files, commands, and texts that show what the last command printed.
enum Block<'g> {
    File(&'g str, String),
    Command(&'g str),
    Shown(Vec<&'g str>),
}

fn blocks(guide: &str) -> Vec<Block<'_>> {
    let mut found = Vec::new();
    let mut lines = guide.lines();
    let mut file = None;
    while let Some(line) = lines.next() {
        let Some(kind) = line.strip_prefix("```").filter(|kind| !kind.is_empty()) else {
            file = file_named(line).or(file);
            continue;
        };
        let inside: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
        match (kind, file.take()) {
            ("text", _) => found.push(Block::Shown(inside)),
            ("toml" | "csv", Some(name)) => {
                found.push(Block::File(name, inside.join("\n") + "\n"));
            }
            ("sh", _) => {
                let commands = inside.into_iter().filter_map(|l| l.strip_prefix("keiki "));
                found.extend(commands.map(Block::Command));
            }
            _ => {}
        }
    }
    found
}

/// The file that a line names as the one that follows: a path in code before the line's end.
fn file_named(line: &str) -> Option<&str> {
    let name = line.trim_end().strip_suffix("`:")?.rsplit('`').next()?;
    name.contains('/').then_some(name)
}

fn commands(guide: &str) -> Vec<&str> {
    let of_block = |block| match block {
        Block::Command(command) => Some(command),
        Block::File(..) | Block::Shown(_) => None,
    };
    blocks(guide).into_iter().filter_map(of_block).collect()
}

/// The files that a guide has its reader write.
pub(crate) fn written(guide: &str) -> Vec<(String, String)> {
    let of_block = |block| match block {
        Block::File(name, text) => Some((name.to_owned(), text)),
        Block::Command(_) | Block::Shown(_) => None,
    };
    blocks(guide).into_iter().filter_map(of_block).collect()
}

/// Follows a guide; `before` is told each command before it is run, for what a person does in between.
pub(crate) fn follow_with(sample: &Path, language: &str, guide: &str, before: &dyn Fn(&str)) {
    walk(sample, language, guide, None, before);
}

fn follow(sample: &Path, language: &str, guide: &str, english_page: &str) {
    walk(sample, language, guide, Some(english_page), &|_| ());
}

fn walk(
    sample: &Path,
    language: &str,
    guide: &str,
    english_page: Option<&str>,
    before: &dyn Fn(&str),
) {
    let mut printed: Option<String> = None;
    for block in blocks(guide) {
        match block {
            Block::File(name, text) => {
                let path = sample.join(name);
                let made = path.parent().map_or(Ok(()), std::fs::create_dir_all);
                let written = made.and_then(|()| std::fs::write(&path, text));
                written.expect("the guide's file can be written");
            }
            Block::Command(command) => {
                before(command);
                let mut arguments = vec!["--language", language];
                let quoted = command.split('"').enumerate();
                for (position, part) in quoted {
                    // What stands between quotes is one argument.
                    if position % 2 == 1 {
                        arguments.push(part);
                    } else {
                        arguments.extend(part.split_whitespace());
                    }
                }
                let ran = run_in(sample, &arguments);
                printed = Some(one_spaced(&format!("{}\n{}", ran.out, ran.err)));
            }
            Block::Shown(lines) => {
                // The first text is the page that the sample group was made with, in English.
                if printed.is_none() && language != "en" {
                    continue;
                }
                let page = || one_spaced(english_page.unwrap_or_default());
                let printed = printed.clone().unwrap_or_else(page);
                for piece in lines.iter().flat_map(|line| line.split('…')) {
                    let piece = one_spaced(piece);
                    assert!(printed.contains(&piece), "{language}: {piece}\n{printed}");
                }
            }
        }
    }
}

fn one_spaced(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
