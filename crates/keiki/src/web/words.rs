//! The texts of the pages: Fluent files in `texts/<language>/`, one for each page, read when the first of them is needed.

use std::sync::LazyLock;

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource, FluentValue};
use include_dir::{Dir, include_dir};
use keiki_model::text::{Language, Text};

static TEXTS: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/texts");

type Bundle = FluentBundle<FluentResource>;

static JAPANESE: LazyLock<Bundle> = LazyLock::new(|| bundle("ja"));
static ENGLISH: LazyLock<Bundle> = LazyLock::new(|| bundle("en"));

fn bundle(tag: &str) -> Bundle {
    let locale = tag
        .parse()
        .expect("the tags of the two languages are sound");
    let mut bundle = FluentBundle::new_concurrent(vec![locale]);
    // Marks around inserted texts would end up in titles and be copied with figures.
    bundle.set_use_isolating(false);
    let files = TEXTS.get_dir(tag).map(Dir::files).into_iter().flatten();
    for file in files {
        let text = file.contents_utf8().unwrap_or_default().to_owned();
        let resource = match FluentResource::try_new(text) {
            Ok(resource) => resource,
            Err((resource, problems)) => {
                tracing::error!(file = %file.path().display(), ?problems, "texts cannot be read");
                resource
            }
        };
        if let Err(problems) = bundle.add_resource(resource) {
            tracing::error!(file = %file.path().display(), ?problems, "texts are there twice");
        }
    }
    bundle
}

/// The texts in a reader's language.
#[derive(Debug, Clone, Copy)]
pub(super) struct Words(pub(super) Language);

/// A text in both languages, for what is told of a form.
pub(super) fn both(id: &str) -> Text {
    Text::new(Words(Language::Ja).say(id), Words(Language::En).say(id))
}

impl Words {
    /// A text.
    pub(super) fn say(self, id: &str) -> String {
        self.tell(id, &[])
    }

    /// A text with what is put into it.
    pub(super) fn tell(self, id: &str, put: &[(&str, &str)]) -> String {
        let bundle = match self.0 {
            Language::Ja => &*JAPANESE,
            Language::En => &*ENGLISH,
        };
        let Some(pattern) = bundle.get_message(id).and_then(|message| message.value()) else {
            tracing::error!(id, "there is no such text");
            return id.to_owned();
        };
        let mut arguments = FluentArgs::new();
        for (name, value) in put {
            arguments.set(*name, FluentValue::from(*value));
        }
        let mut problems = Vec::new();
        let told = bundle.format_pattern(pattern, Some(&arguments), &mut problems);
        if !problems.is_empty() {
            tracing::error!(id, ?problems, "a text lacks what is put into it");
        }
        told.into_owned()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;

    /// The ids of a language, with the names of what is put into each.
    fn ids(tag: &str) -> BTreeMap<String, BTreeSet<String>> {
        let mut found = BTreeMap::new();
        for file in TEXTS.get_dir(tag).expect("the folder is there").files() {
            let text = file.contents_utf8().expect("texts are UTF-8");
            assert!(FluentResource::try_new(text.to_owned()).is_ok(), "{file:?}");
            let mut last = String::new();
            for line in text.lines() {
                if let Some((id, _)) = line
                    .split_once(" =")
                    .filter(|_| !line.starts_with([' ', '#']))
                {
                    id.clone_into(&mut last);
                    let before = found.insert(last.clone(), BTreeSet::new());
                    assert!(before.is_none(), "{id} is there twice");
                }
                for part in line.split("{ $").skip(1) {
                    let name = part.split([' ', '}']).next().unwrap_or_default();
                    found
                        .entry(last.clone())
                        .or_default()
                        .insert(name.to_owned());
                }
            }
        }
        found
    }

    #[test]
    fn both_languages_have_the_same_texts() {
        assert_eq!(ids("ja"), ids("en"));
    }

    /// What is no word of a language: names of forms, files and algorithms, and of the program.
    const NAMES: [&str; 6] = ["Keiki", "PDF", "Excel", "HTML", "SHA", "openapi.json"];

    /// A text without what stands between two marks.
    fn without(text: &str, (open, close): (&str, &str)) -> String {
        let mut left = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once(open) {
            left.push_str(before);
            left.push(' ');
            rest = after.split_once(close).map_or("", |(_, after)| after);
        }
        left + rest
    }

    #[test]
    fn no_page_holds_words_of_its_own() {
        let folder = std::fs::read_dir("templates").expect("the folder is there");
        for entry in folder.flatten() {
            let text = std::fs::read_to_string(entry.path()).expect("templates are UTF-8");
            let marks = [("{%", "%}"), ("{{", "}}"), ("<", ">"), ("&", ";")];
            let mut words = marks
                .into_iter()
                .fold(text, |text, mark| without(&text, mark));
            for name in NAMES {
                words = words.replace(name, " ");
            }
            let is_word = |word: &&str| word.chars().filter(|c| c.is_alphabetic()).count() > 1;
            let words: Vec<&str> = words.split_whitespace().filter(is_word).collect();
            assert!(words.is_empty(), "{}: {words:?}", entry.path().display());
        }
        let folder = std::fs::read_dir("src/web/pages").expect("the folder is there");
        for entry in folder.flatten() {
            let text = std::fs::read_to_string(entry.path()).expect("sources are UTF-8");
            let said = text.contains("Text::new(");
            assert!(!said, "{}: texts are in texts/", entry.path().display());
        }
    }

    #[test]
    fn every_text_that_a_page_names_is_there() {
        let known = ids("en");
        let mut named = BTreeSet::new();
        let mut folders = vec!["src/web".to_owned(), "templates".to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(&folder)
                .expect("the folder is there")
                .flatten()
            {
                let path = entry.path();
                if path.is_dir() {
                    folders.push(path.display().to_string());
                    continue;
                }
                let text = std::fs::read_to_string(&path).expect("sources are UTF-8");
                for call in [
                    "say(\"",
                    "both(\"",
                    "tell(\"",
                    "Layout::new(&visitor, \"",
                    "in_menu(\"",
                ] {
                    for part in text.split(call).skip(1) {
                        let id = part.split('"').next().unwrap_or_default();
                        named.insert(id.to_owned());
                    }
                }
            }
        }
        assert!(named.len() > 20, "only {} texts are named", named.len());
        let missing: Vec<&String> = named.iter().filter(|id| !known.contains_key(*id)).collect();
        assert!(missing.is_empty(), "{missing:?}");
    }
}
