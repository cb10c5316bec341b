//! A small workspace in a temporary folder, and the program run in it.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use tempfile::TempDir;

const SETTINGS: &str = "language = \"en\"\nzone = \"Asia/Tokyo\"\n\n[organisation]\n\
                        name = { ja = \"架空\", en = \"Fictional\" }\n";

const ORG: &str = "id,parent_id,name_ja,name_en,kind,country,valid_from,valid_until,successor_id\n\
                   HD,,架空グループ,Fictional Group,group,JP,,,\n\
                   JP1,HD,架空製造,Fictional Manufacturing,subsidiary,JP,,,\n\
                   JP1-IT,JP1,情報システム部,IT Department,department,JP,,,\n\
                   US1,HD,架空アメリカ,Fictional America,overseas,US,,,\n";

/// The columns of assets that the tests use.
pub(crate) const ASSETS_HEADER: &str = "asset_id,org_unit,kind,name,is_in_scope,owner_id,owner_assigned_on,\
                                        declared_on,inventoried_on,inventoried_by,disposed_on\n";

/// What a run of the program gave.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ran {
    /// Asserts how it exited.
    pub(crate) fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{self:#?}");
        self
    }

    /// Asserts that standard output says something.
    pub(crate) fn says(self, text: &str) -> Self {
        assert!(self.out.contains(text), "not found: {text}\n{self:#?}");
        self
    }

    /// Asserts that standard error says something.
    pub(crate) fn complains(self, text: &str) -> Self {
        assert!(self.err.contains(text), "not found: {text}\n{self:#?}");
        self
    }

    /// Standard output as JSON.
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.out).expect("the output is JSON")
    }
}

/// A workspace.
#[derive(Debug)]
pub(crate) struct Workspace {
    folder: TempDir,
}

impl Workspace {
    /// Makes a workspace with an org tree and nothing else.
    pub(crate) fn new() -> Self {
        let workspace = Self {
            folder: tempfile::tempdir().expect("a temporary folder can be made"),
        };
        workspace.write("keiki.toml", SETTINGS);
        workspace.write("org.csv", ORG);
        workspace
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Writes a file below the workspace.
    pub(crate) fn write(&self, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path().join(name);
        std::fs::create_dir_all(path.parent().expect("a file lies in a folder"))
            .expect("a folder can be made");
        std::fs::write(&path, text).expect("the file can be written");
        path
    }

    /// Runs the program in the workspace, in English.
    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        run_in(self.path(), arguments)
    }

    /// Runs the program in the workspace as somebody.
    pub(crate) fn run_as(&self, user: &str, arguments: &[&str]) -> Ran {
        ran(command(self.path()).env("USER", user).args(arguments))
    }

    /// Runs the program in the workspace, in English and with everything in its log.
    pub(crate) fn run_logged(&self, arguments: &[&str]) -> Ran {
        ran(command(self.path())
            .env("KEIKI_LOG", "trace")
            .args(arguments))
    }

    /// Starts the program in the workspace, in English, and waits for nothing.
    pub(crate) fn start(&self, arguments: &[&str]) -> Child {
        let mut command = command(self.path());
        let command = command.args(arguments).stdout(Stdio::null());
        command.spawn().expect("the program can be run")
    }

    /// Starts the program as a server of the workspace, on a free port, and waits until it listens.
    pub(crate) fn serve(&self, arguments: &[&str]) -> Serving {
        let mut command = command(self.path());
        command
            .args(["--language", "en", "serve", "--listen", "127.0.0.1:0"])
            .args(arguments)
            .stdout(Stdio::piped());
        let mut process = command.spawn().expect("the program can be run");
        let mut lines = BufReader::new(process.stdout.take().expect("it is piped"));
        let mut said = String::new();
        lines.read_line(&mut said).expect("it says where it is");
        let mut serving = Serving {
            process,
            _lines: lines,
        };
        let ended = serving.process.try_wait().expect("it was started");
        assert!(said.contains("listening on http://"), "{said} {ended:?}");
        serving
    }

    /// Asserts that nothing of a reading is in the books: no commit and no raw evidence.
    pub(crate) fn holds_nothing(&self) {
        let raw = self.path().join(".keiki/journal/raw");
        let files = raw.read_dir().map_or(0, Iterator::count);
        assert_eq!(files, 0, "raw evidence was left behind");
        let batches = self
            .run(&[
                "sql",
                "select count(*) as n from batches",
                "--format",
                "json",
            ])
            .exits(0);
        assert_eq!(batches.json()[0]["n"], 0);
    }
}

/// A server that runs until it is dropped.
#[derive(Debug)]
pub(crate) struct Serving {
    process: Child,
    /// It is still to be able to say something.
    _lines: BufReader<ChildStdout>,
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _has_ended = self.process.kill();
        let _was_waited_for = self.process.wait();
    }
}

/// Runs the program in a folder, in English and without what the caller's environment says.
pub(crate) fn run_in(folder: &Path, arguments: &[&str]) -> Ran {
    ran(command(folder).args(arguments))
}

/// Runs the program in a folder as a user.
pub(crate) fn run_in_as(folder: &Path, user: &str, arguments: &[&str]) -> Ran {
    ran(command(folder).env("USER", user).args(arguments))
}

fn command(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_keiki"));
    for variable in [
        "KEIKI_LANGUAGE",
        "KEIKI_LOG",
        "LC_ALL",
        "LC_MESSAGES",
        "LANG",
        "NO_COLOR",
    ] {
        command.env_remove(variable);
    }
    command.current_dir(folder);
    command
}

fn ran(command: &mut Command) -> Ran {
    let output = command.output().expect("the program can be run");
    Ran {
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8(output.stdout).expect("the output is UTF-8"),
        err: String::from_utf8(output.stderr).expect("the errors are UTF-8"),
    }
}
