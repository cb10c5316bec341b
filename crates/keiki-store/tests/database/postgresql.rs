//! A `PostgreSQL` that a test starts on a free port of the loopback address, in a temporary folder.

use std::path::Path;
use std::process::{Command, Stdio};

use tempfile::TempDir;

use crate::port::free_port;

/// The user's password, which an address has to escape.
pub(crate) const PASSWORD: &str = "pass/word+1";

/// The server, with a database and a user `keiki`. It ends with the value.
pub(crate) struct Postgresql {
    folder: TempDir,
    port: u16,
}

impl Postgresql {
    pub(crate) fn start() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let at = |name: &str| folder.path().join(name).display().to_string();
        std::fs::write(folder.path().join("password"), PASSWORD).expect("it can be written");
        if is_root() {
            // PostgreSQL does not run as root.
            let whole = folder.path().display().to_string();
            run(Command::new("chown").args(["-R", "postgres", &whole]));
        }
        let (data, password) = (at("data"), at("password"));
        server(
            "initdb",
            &[
                "-D",
                &data,
                "-U",
                "keiki",
                "-A",
                "scram-sha-256",
                "--pwfile",
                &password,
                "-E",
                "UTF8",
                "--no-sync",
            ],
        );
        let port = free_port();
        let sockets = folder.path().display();
        let options =
            format!("-h 127.0.0.1 -p {port} -k {sockets} -c fsync=off -c max_connections=200");
        server(
            "pg_ctl",
            &["-D", &data, "-w", "-o", &options, "-l", &at("log"), "start"],
        );
        let started = Self { folder, port };
        started.psql("postgres", "create database keiki");
        started
    }

    /// Where the database is, without the password.
    pub(crate) fn address(&self) -> String {
        format!("postgres://keiki@127.0.0.1:{}/keiki", self.port)
    }

    /// Does something in a database.
    pub(crate) fn psql(&self, database: &str, sql: &str) {
        let port = self.port.to_string();
        let arguments = [
            "-q",
            "-v",
            "ON_ERROR_STOP=1",
            "-h",
            "127.0.0.1",
            "-p",
            &port,
            "-U",
            "keiki",
        ];
        let mut command = Command::new("psql");
        command
            .args(arguments)
            .args(["-c", sql, database])
            .env("PGPASSWORD", PASSWORD);
        run(&mut command);
    }
}

impl Drop for Postgresql {
    fn drop(&mut self) {
        let data = self.folder.path().join("data").display().to_string();
        server("pg_ctl", &["-D", &data, "-m", "immediate", "stop"]);
    }
}

fn is_root() -> bool {
    let id = Command::new("id")
        .arg("-u")
        .output()
        .expect("it tells who runs");
    id.stdout.starts_with(b"0\n")
}

/// Runs a program of the server, which Debian keeps out of the path, as the user that it wants.
fn server(program: &str, arguments: &[&str]) {
    let installed = Path::new("/usr/lib/postgresql").read_dir();
    let versions = installed
        .expect("PostgreSQL is installed; see .ci/test")
        .flatten();
    let newest = versions.map(|entry| entry.path()).max();
    let newest = newest.expect("PostgreSQL is installed; see .ci/test");
    let program = newest.join("bin").join(program);
    let mut command = if is_root() {
        let mut command = Command::new("runuser");
        command.args(["-u", "postgres", "--"]).arg(program);
        command
    } else {
        Command::new(program)
    };
    run(command.args(arguments));
}

fn run(command: &mut Command) {
    // A server keeps the standard streams; a pipe would never end.
    let status = command.stdout(Stdio::null()).stderr(Stdio::null()).status();
    assert!(
        status.is_ok_and(|status| status.success()),
        "{command:?} failed; is PostgreSQL installed, see .ci/test"
    );
}
