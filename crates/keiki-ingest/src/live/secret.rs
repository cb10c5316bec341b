//! Secrets: a definition refers to them, and their values are nowhere but where they are used.

use std::fmt;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use keiki_model::document::{Node, Value};
use keiki_model::problem::Problem;
use keiki_model::text::Text;

use super::Surroundings;
use super::error::FetchError;

/// What stands in the place of a secret in every text.
const SCRUBBED: &str = "***";

/// Shorter secrets are not looked for in texts: they would blank out ordinary words.
const SCRUB_LENGTH: usize = 4;

/// Words in the names of keys whose values are secrets.
const SECRET_WORDS: [&str; 8] = [
    "password",
    "passwd",
    "secret",
    "token",
    "api_key",
    "api-key",
    "apikey",
    "authorization",
];

/// Says where a secret is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretReference {
    /// The value of an environment variable.
    Environment(String),
    /// The first line of a file, relative to the workspace.
    File(String),
}

impl fmt::Display for SecretReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Environment(name) => write!(f, "{{ env = \"{name}\" }}"),
            Self::File(path) => write!(f, "{{ file = \"{path}\" }}"),
        }
    }
}

/// A secret's value; it has no text form.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(SCRUBBED)
    }
}

impl Secret {
    /// The value, for the one place that needs it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

/// A value of a definition: written there, or a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Setting {
    /// As it stands.
    Plain(String),
    /// By reference.
    Secret(SecretReference),
}

impl Setting {
    pub(crate) fn is_secret(&self) -> bool {
        matches!(self, Self::Secret(_))
    }
}

/// Opens secrets, and remembers them so that no text that came from outside shows one.
pub struct Vault<'v> {
    surroundings: &'v dyn Surroundings,
    workspace: &'v Path,
    opened: Mutex<Vec<String>>,
}

impl fmt::Debug for Vault<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Vault").finish_non_exhaustive()
    }
}

impl<'v> Vault<'v> {
    /// Makes a vault that opens secrets of a workspace.
    #[must_use]
    pub fn new(surroundings: &'v dyn Surroundings, workspace: &'v Path) -> Self {
        Self {
            surroundings,
            workspace,
            opened: Mutex::default(),
        }
    }

    /// What the program runs in.
    pub(crate) fn surroundings(&self) -> &dyn Surroundings {
        self.surroundings
    }

    /// Opens a secret.
    ///
    /// # Errors
    /// It is not where the reference says, or is empty.
    pub fn open(&self, reference: &SecretReference) -> Result<Secret, FetchError> {
        let missing = |detail: Text| FetchError::Secret {
            reference: reference.to_string(),
            detail: Box::new(detail),
        };
        let value = match reference {
            SecretReference::Environment(name) => {
                self.surroundings.variable(name).ok_or_else(|| {
                    missing(Text::new(
                        "環境変数が設定されていません",
                        "the variable is not set",
                    ))
                })?
            }
            SecretReference::File(path) => {
                let text = std::fs::read_to_string(self.workspace.join(path))
                    .map_err(|e| missing(Text::quoted(e)))?;
                text.lines().next().unwrap_or_default().trim().to_owned()
            }
        };
        if value.is_empty() {
            return Err(missing(Text::new("値が空です", "it is empty")));
        }
        let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        if !opened.contains(&value) {
            opened.push(value.clone());
        }
        Ok(Secret(value))
    }

    pub(crate) fn setting(&self, setting: &Setting) -> Result<String, FetchError> {
        match setting {
            Setting::Plain(text) => Ok(text.clone()),
            Setting::Secret(reference) => Ok(self.open(reference)?.expose().to_owned()),
        }
    }

    /// The text without any secret that was opened, also where a URL or JSON writes it otherwise.
    #[must_use]
    pub fn scrub(&self, text: String) -> String {
        let opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        let mut text = text;
        for secret in opened.iter().filter(|s| s.len() >= SCRUB_LENGTH) {
            let encoded: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
            let escaped = serde_json::to_string(secret).unwrap_or_default();
            let escaped = escaped.trim_matches('"');
            for form in [secret.as_str(), encoded.as_str(), escaped] {
                if text.contains(form) {
                    text = text.replace(form, SCRUBBED);
                }
            }
        }
        text
    }
}

/// Reads a secret's reference. A secret that stands in the file is a problem.
#[must_use]
pub fn reference(node: &Node<'_>, key: &str) -> Option<SecretReference> {
    if !node.has(key) {
        return None;
    }
    if let Value::Table(table) = node.value(key)? {
        return of_table(&table);
    }
    literal(node, key);
    None
}

/// Reads a table of texts, each written there or a secret by reference.
pub(crate) fn settings(node: &Node<'_>, key: &str) -> Vec<(String, Setting)> {
    let Some(table) = node.table(key) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for name in table.keys() {
        match table.value(&name) {
            Some(Value::Table(inner)) => {
                if let Some(reference) = of_table(&inner) {
                    found.push((name, Setting::Secret(reference)));
                }
            }
            Some(Value::List(_)) | None => table.report(
                Problem::new(
                    table.place_of(&name),
                    Text::new(
                        format!("`{name}` は文字列でなければなりません"),
                        format!("`{name}` should be a text"),
                    ),
                )
                .hint(Text::new(
                    format!("{name} = \"…\"、または {name} = {{ env = \"…\" }} と書いてください"),
                    format!("write {name} = \"…\", or {name} = {{ env = \"…\" }}"),
                )),
            ),
            Some(_) if names_a_secret(&name) => literal(&table, &name),
            Some(Value::Text(text) | Value::Number(text)) => {
                found.push((name, Setting::Plain(text)));
            }
            Some(Value::Flag(flag)) => found.push((name, Setting::Plain(flag.to_string()))),
        }
    }
    table.finish();
    found
}

/// Tells whether a key's value is a secret, by its name.
pub(crate) fn names_a_secret(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    SECRET_WORDS.iter().any(|word| key.contains(word))
}

/// Reports a secret that stands in the file, without repeating it.
pub(crate) fn literal(node: &Node<'_>, key: &str) {
    node.report(
        Problem::new(
            node.place_of(key),
            Text::new(
                format!("`{key}` は秘密情報であり、ファイルに書くことはできません"),
                format!("`{key}` is a secret and must not stand in a file"),
            ),
        )
        .hint(Text::new(
            format!(
                "{key} = {{ env = \"名前\" }} または {{ file = \"パス\" }} で参照してください。書かれていた秘密情報は、ほかの人に読まれた可能性があるため変更してください"
            ),
            format!(
                "refer to it: {key} = {{ env = \"NAME\" }}, or {{ file = \"path\" }}; and change the secret, which others may have read"
            ),
        )),
    );
}

/// Reads `{ env = "…" }` or `{ file = "…" }`.
pub(crate) fn of_table(table: &Node<'_>) -> Option<SecretReference> {
    let environment = table.string("env").map(SecretReference::Environment);
    let file = table.string("file").map(SecretReference::File);
    table.finish();
    match (environment, file) {
        (Some(one), None) | (None, Some(one)) => Some(one),
        _ => {
            table.report(
                Problem::new(
                    table.place(),
                    Text::new("秘密情報の参照先は1つです", "a secret is in one place"),
                )
                .hint(Text::new(
                    "{ env = \"名前\" } または { file = \"パス\" } と書いてください",
                    "write { env = \"NAME\" } or { file = \"path\" }",
                )),
            );
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use async_trait::async_trait;
    use std::time::Duration;

    #[derive(Debug)]
    struct One;

    #[async_trait]
    impl Surroundings for One {
        fn variable(&self, name: &str) -> Option<String> {
            (name == "ONE").then(|| "a \"b\"/c".to_owned())
        }

        async fn wait(&self, _: Duration) {}
    }

    #[test]
    fn a_secret_is_scrubbed_in_every_form_and_has_no_text_form() {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let vault = Vault::new(&One, folder.path());
        let secret = vault
            .open(&SecretReference::Environment("ONE".into()))
            .expect("it is set");
        assert_eq!(format!("{secret:?}"), "***");
        let text = "GET /?k=a+%22b%22%2Fc {\"k\":\"a \\\"b\\\"/c\"} a \"b\"/c";
        assert_eq!(
            vault.scrub(text.to_owned()),
            "GET /?k=*** {\"k\":\"***\"} ***"
        );
    }

    #[test]
    fn a_secret_in_a_file_is_its_first_line() {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        std::fs::write(folder.path().join("s"), "first \nsecond\n").expect("it can be written");
        let vault = Vault::new(&One, folder.path());
        let open = |path: &str| vault.open(&SecretReference::File(path.into()));
        assert_eq!(open("s").expect("it is there").expose(), "first");
        assert!(open("none").is_err());
    }
}
