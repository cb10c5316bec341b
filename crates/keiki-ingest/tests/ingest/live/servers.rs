//! Servers that the tests start on free ports of the loopback address, in temporary folders.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Output};
use std::sync::{Arc, Mutex};

use tempfile::TempDir;

/// A port that was free a moment ago.
pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    listener.local_addr().expect("it has an address").port()
}

/// Runs a program to its end.
pub(crate) fn run(program: &str, arguments: &[&str]) -> Output {
    let output = Command::new(program)
        .args(arguments)
        .output()
        .unwrap_or_else(|e| unreachable!("{program} is not installed; see .ci/test: {e}"));
    assert!(
        output.status.success(),
        "{program} {arguments:?}: {output:?}"
    );
    output
}

/// A small HTTP server: each request's head goes to a function, what it gives goes back as it is.
pub(crate) struct Http {
    pub(crate) url: String,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Http {
    pub(crate) fn start(answer: impl Fn(&str, usize) -> Vec<u8> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let address = listener.local_addr().expect("it has an address");
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (answer, seen) = (Arc::new(answer), Arc::clone(&requests));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (answer, seen) = (Arc::clone(&answer), Arc::clone(&seen));
                std::thread::spawn(move || serve(stream, &*answer, &seen));
            }
        });
        Self {
            url: format!("http://{address}"),
            requests,
        }
    }

    /// The heads of all requests so far.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.requests.lock().expect("nobody panicked").clone()
    }
}

fn serve(
    mut stream: TcpStream,
    answer: &(dyn Fn(&str, usize) -> Vec<u8> + Send + Sync),
    seen: &Mutex<Vec<String>>,
) {
    let mut head = String::new();
    let mut lines = BufReader::new(stream.try_clone().expect("a socket can be shared"));
    while !head.ends_with("\r\n\r\n") {
        if lines.read_line(&mut head).unwrap_or(0) == 0 {
            return;
        }
    }
    let number = {
        let mut seen = seen.lock().expect("nobody panicked");
        seen.push(head.clone());
        seen.len()
    };
    // A client that has gone away is what some tests are about.
    let _ = stream.write_all(&answer(&head, number));
}

/// An answer with a JSON body and more headers, each with its line end.
pub(crate) fn json(status: &str, headers: &str, body: &str) -> Vec<u8> {
    format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\nconnection: close\r\n{headers}content-length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// A directory server with a certificate of its own.
pub(crate) struct Slapd {
    folder: TempDir,
    pub(crate) port: u16,
    pub(crate) port_tls: u16,
}

impl Slapd {
    pub(crate) fn start(entries: &str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let (port, port_tls) = (free_port(), free_port());
        let at = |name: &str| folder.path().join(name).display().to_string();
        certificate(folder.path());
        std::fs::create_dir(folder.path().join("db")).expect("a folder can be made");
        let text = format!(
            "include /etc/ldap/schema/core.schema\ninclude /etc/ldap/schema/cosine.schema\n\
             include /etc/ldap/schema/nis.schema\ninclude /etc/ldap/schema/inetorgperson.schema\n\
             pidfile {}\nmodulepath /usr/lib/ldap\nmoduleload back_mdb\n\
             TLSCertificateFile {}\nTLSCertificateKeyFile {}\nsizelimit 500\n\
             database mdb\nsuffix \"dc=example,dc=jp\"\nrootdn \"cn=admin,dc=example,dc=jp\"\nrootpw {}\n\
             directory {}\nlimits * size.soft=50 size.hard=50 size.prtotal=unlimited\n\
             access to * by users read by anonymous auth\n",
            at("pid"),
            at("cert.pem"),
            at("key.pem"),
            super::SECRET,
            at("db"),
        );
        std::fs::write(folder.path().join("slapd.conf"), text).expect("it can be written");
        std::fs::write(folder.path().join("entries.ldif"), entries).expect("it can be written");
        run(
            "/usr/sbin/slapadd",
            &["-q", "-f", &at("slapd.conf"), "-l", &at("entries.ldif")],
        );
        // It goes into the background once it listens.
        let urls = format!("ldap://127.0.0.1:{port} ldaps://127.0.0.1:{port_tls}");
        run("/usr/sbin/slapd", &["-h", &urls, "-f", &at("slapd.conf")]);
        Self {
            folder,
            port,
            port_tls,
        }
    }

    /// The file of the authority that the server's certificate is from.
    pub(crate) fn ca(&self) -> String {
        self.folder.path().join("cert.pem").display().to_string()
    }
}

impl Drop for Slapd {
    fn drop(&mut self) {
        end(&self.folder.path().join("pid"));
    }
}

/// Ends the process of a pid file.
pub(crate) fn end(file: &Path) {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    if let Some(pid) = text.lines().next().filter(|pid| !pid.is_empty()) {
        let ended = Command::new("kill").arg(pid.trim()).status();
        drop(ended);
    }
}

/// Makes a certificate for the loopback address in a folder.
fn certificate(folder: &Path) {
    let at = |name: &str| folder.join(name).display().to_string();
    run(
        "openssl",
        &[
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
            "-nodes",
            "-days",
            "3650",
            "-subj",
            "/CN=localhost",
            "-addext",
            "subjectAltName=DNS:localhost,IP:127.0.0.1",
            "-addext",
            "basicConstraints=critical,CA:FALSE",
            "-keyout",
            &at("key.pem"),
            "-out",
            &at("cert.pem"),
        ],
    );
}

/// Makes an authority in a folder, and a certificate from it for the loopback address and no other: `ca.pem`, `cert.pem`,
/// `key.pem`. A second authority, from which nothing is, is `other.pem`.
#[cfg(feature = "databases")]
pub(crate) fn certificate_of_an_authority(folder: &Path) {
    let at = |name: &str| folder.join(name).display().to_string();
    let curve = [
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
    ];
    let authority = |name: &str| {
        let (key, file) = (at(&format!("{name}.key")), at(&format!("{name}.pem")));
        let subject = format!("/CN={name}");
        let own = [
            "-days", "3650", "-subj", &subject, "-keyout", &key, "-out", &file,
        ];
        let extension = ["-addext", "keyUsage=critical,keyCertSign,cRLSign"];
        run(
            "openssl",
            &[&["req", "-x509"], &curve[..], &extension, &own].concat(),
        );
    };
    authority("ca");
    authority("other");
    let request = [
        "-subj",
        "/CN=server",
        "-keyout",
        &at("key.pem"),
        "-out",
        &at("request.pem"),
    ];
    run("openssl", &[&["req"], &curve[..], &request].concat());
    std::fs::write(folder.join("names"), "subjectAltName=IP:127.0.0.1\n")
        .expect("it can be written");
    run(
        "openssl",
        &[
            "x509",
            "-req",
            "-in",
            &at("request.pem"),
            "-CA",
            &at("ca.pem"),
            "-CAkey",
            &at("ca.key"),
            "-days",
            "3650",
            "-extfile",
            &at("names"),
            "-out",
            &at("cert.pem"),
        ],
    );
}

/// Debian's Redmine, on a copy of the database that its package makes.
pub(crate) struct Redmine {
    folder: TempDir,
    puma: Option<Child>,
    pub(crate) url: String,
}

impl Redmine {
    /// The access key of its administrator; Redmine takes letters and digits only.
    pub(crate) const KEY: &str = "0123456789abcdef0123456789abcdef01234567";
    const PROGRAM: &str = "/usr/share/redmine";
    const DATABASE: &str =
        "/var/lib/dbconfig-common/sqlite3/redmine/instances/default/redmine_default";

    pub(crate) fn start(seed: &str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let port = free_port();
        std::fs::copy(Self::DATABASE, folder.path().join("redmine.db"))
            .expect("Redmine is installed; see .ci/test");
        let mut server = Self {
            folder,
            puma: None,
            url: format!("http://127.0.0.1:{port}"),
        };
        server.run(seed);
        let mut puma = server
            .command("puma")
            .args(["-e", "production", "-b", &server.url.replace("http", "tcp")])
            .stdout(std::process::Stdio::piped())
            .spawn()
            .expect("puma is installed; see .ci/test");
        let said = BufReader::new(puma.stdout.take().expect("it is piped"));
        // It says so once it listens; what it says afterwards is read, so that it never waits for a reader.
        let mut lines = said.lines().map_while(Result::ok);
        let listens = lines.any(|line| line.contains("Use Ctrl-C to stop"));
        assert!(listens, "puma ended");
        std::thread::spawn(move || lines.for_each(drop));
        server.puma = Some(puma);
        server
    }

    /// Runs a script within Redmine.
    pub(crate) fn run(&self, script: &str) {
        let path = self.folder.path().join("script.rb");
        std::fs::write(&path, script).expect("it can be written");
        let ran = self
            .command("ruby")
            .args(["bin/rails", "runner"])
            .arg(&path)
            .output();
        let ran = ran.expect("ruby is installed; see .ci/test");
        assert!(
            ran.status.success(),
            "{}",
            String::from_utf8_lossy(&ran.stderr)
        );
    }

    fn command(&self, program: &str) -> Command {
        let database = self.folder.path().join("redmine.db");
        let mut command = Command::new(program);
        command
            .current_dir(Self::PROGRAM)
            .env("RAILS_ENV", "production")
            .env("DATABASE_URL", format!("sqlite3:{}", database.display()))
            .env("REDMINE_TEST_KEY", Self::KEY);
        command
    }
}

impl Drop for Redmine {
    fn drop(&mut self) {
        if let Some(puma) = &mut self.puma {
            stop(puma);
        }
    }
}

/// Ends a process that a test started.
pub(crate) fn stop(child: &mut Child) {
    // One that has ended by itself is what was wanted.
    let _ = child.kill();
    let _ = child.wait();
}
