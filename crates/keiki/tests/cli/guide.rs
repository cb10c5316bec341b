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

/// What stands in a guide's blocks: commands, and texts that show what the last command printed.
enum Block<'g> {
    Command(&'g str),
    Shown(Vec<&'g str>),
}

fn blocks(guide: &str) -> Vec<Block<'_>> {
    let mut found = Vec::new();
    let mut lines = guide.lines();
    while let Some(line) = lines.next() {
        let inside: Vec<&str> = match line {
            "```sh" | "```text" => lines.by_ref().take_while(|line| *line != "```").collect(),
            _ => continue,
        };
        if line == "```text" {
            found.push(Block::Shown(inside));
        } else {
            let commands = inside.into_iter().filter_map(|l| l.strip_prefix("keiki "));
            found.extend(commands.map(Block::Command));
        }
    }
    found
}

fn commands(guide: &str) -> Vec<&str> {
    let of_block = |block| match block {
        Block::Command(command) => Some(command),
        Block::Shown(_) => None,
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
