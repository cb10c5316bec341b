//! The definitions of a workspace as texts: what its files say, or what they said in a recorded edition.

use std::collections::BTreeMap;
use std::path::Path;

use keiki_model::catalogue::Catalogue;
use keiki_model::expression::Expressions;
use keiki_model::org::ALIASES_FILE;
use keiki_model::problem::{Place, Problem};
use keiki_model::programme::PROGRAMME_FILE;
use keiki_model::text::Text;

use super::{
    DATASETS_FOLDER, HIERARCHIES_FOLDER, KINDS_FOLDER, KPIS_FOLDER, LISTS_FOLDER, ORG_FILE,
    SOURCES_FOLDER, settings, shipped,
};

/// The most that a definition may hold. *Units*: bytes.
const FILE_BYTES: u64 = 16 << 20;

/// How deep folders are followed.
const DEPTH: usize = 8;

/// The files that a workspace must have.
const REQUIRED: [&str; 2] = [settings::FILE, ORG_FILE];

/// The texts of a workspace's definitions, by name; the shipped ones among them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Content {
    texts: BTreeMap<String, String>,
}

impl Content {
    /// Reads the files of a folder. Returns what could be read, and the problems of the rest.
    pub(super) fn read(root: &Path) -> (Self, Vec<Problem>) {
        let mut content = Self::default();
        let mut problems = Vec::new();
        let mut names: Vec<String> = REQUIRED.map(str::to_owned).to_vec();
        let optional = [PROGRAMME_FILE, ALIASES_FILE];
        let present = optional.iter().filter(|name| root.join(name).is_file());
        names.extend(present.map(|name| (*name).to_owned()));
        for (folder, is_wanted) in FOLDERS {
            let mut found = Vec::new();
            walk(&root.join(folder), folder, DEPTH, &mut found, &mut problems);
            names.extend(found.into_iter().filter(|name| is_wanted(name)));
        }
        for name in names {
            match read(&root.join(&name), &name) {
                Ok(text) => {
                    content.texts.insert(name, text);
                }
                Err(problem) => problems.push(problem),
            }
        }
        content.texts.extend(shipped::definitions());
        (content, problems)
    }

    /// The shipped definitions beside others.
    pub(super) fn shipped(others: impl Iterator<Item = (String, String)>) -> Self {
        Self {
            texts: others.chain(shipped::definitions()).collect(),
        }
    }

    /// Checks the definitions that these texts are. What is shipped was checked by this program's tests, unless an earlier
    /// program shipped it.
    pub(super) fn check(
        &self,
        catalogue: &Catalogue,
        expressions: &dyn Expressions,
    ) -> Vec<Problem> {
        let here = self.texts.iter();
        let ours: BTreeMap<_, _> = shipped::definitions().collect();
        let is_ours = here.filter(|(name, _)| shipped::is_shipped(name)).eq(&ours);
        catalogue.check(expressions, &|file| is_ours && shipped::is_shipped(file))
    }

    /// What was recorded.
    pub(super) fn recorded(texts: BTreeMap<String, String>) -> Self {
        Self { texts }
    }

    /// All texts by name.
    #[must_use]
    pub fn texts(&self) -> &BTreeMap<String, String> {
        &self.texts
    }

    /// The text of a file.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.texts.get(name).map(String::as_str)
    }

    /// The texts below a folder, in the order of their names.
    pub(super) fn below(&self, folder: &str) -> Vec<(String, String)> {
        let prefix = format!("{folder}/");
        self.texts
            .range(prefix.clone()..)
            .take_while(|(name, _)| name.starts_with(&prefix))
            .map(|(name, text)| (name.clone(), text.clone()))
            .collect()
    }
}

/// The folders of definitions, and which of their files are such.
type Wanted = fn(&str) -> bool;
const FOLDERS: [(&str, Wanted); 6] = [
    (LISTS_FOLDER, is_csv_directly_below),
    (HIERARCHIES_FOLDER, is_csv_directly_below),
    (SOURCES_FOLDER, is_toml_directly_below),
    (KINDS_FOLDER, is_toml_directly_below),
    (DATASETS_FOLDER, is_toml_directly_below),
    (KPIS_FOLDER, is_kpi),
];

fn is_toml_directly_below(name: &str) -> bool {
    is_toml(name) && name.matches('/').count() == 1
}

fn is_csv_directly_below(name: &str) -> bool {
    let extension = Path::new(name).extension();
    extension.is_some_and(|extension| extension == "csv") && name.matches('/').count() == 1
}

fn is_kpi(name: &str) -> bool {
    name.ends_with("/kpi.toml")
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
            Text::new(
                format!("ファイルが{FILE_BYTES}バイトを超えています: {bytes}"),
                format!("the file is larger than {FILE_BYTES} bytes: {bytes}"),
            ),
        );
        return Err(problem.hint(Text::new(
            "定義ファイルは小さいものです。証跡のファイルではありませんか",
            "definitions are small; is this evidence?",
        )));
    }
    let text = std::fs::read(path).map_err(|error| unreadable(name, &error))?;
    match String::from_utf8(text) {
        Ok(text) if text.trim().is_empty() => Err(Problem::new(
            Place::file(name),
            Text::new("ファイルが空です", "the file is empty"),
        )
        .hint(Text::new(
            "内容を書くか、ファイルを削除してください(`keiki init` 参照)",
            "fill it in, or remove it; see `keiki init`",
        ))),
        Ok(text) => Ok(text),
        Err(error) => {
            let sound =
                String::from_utf8_lossy(&error.as_bytes()[..error.utf8_error().valid_up_to()])
                    .into_owned();
            let place = Place::at(name, &sound, sound.len());
            Err(Problem::new(
                place,
                Text::new("ファイルがUTF-8ではありません", "the file is not UTF-8"),
            )
            .hint(Text::new(
                "ファイルをUTF-8で保存してください",
                "save the file as UTF-8",
            )))
        }
    }
}

fn unreadable(name: &str, error: &std::io::Error) -> Problem {
    let hint = match error.kind() {
        std::io::ErrorKind::NotFound => Text::new(
            "`keiki init DIR` でワークスペースを作ると、ここに置くものが分かります",
            "make a workspace with `keiki init DIR` to see what belongs here",
        ),
        _ => Text::new(
            "ファイルと権限を確かめてください",
            "check the file and its permissions",
        ),
    };
    Problem::new(
        Place::file(name),
        Text::new(
            format!("読めません: {error}"),
            format!("cannot be read: {error}"),
        ),
    )
    .hint(hint)
}
