//! Statements are signed, time-stamped by a real authority on loopback, handed on, and one flipped bit is found wherever it is.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::workspace::{ASSETS_HEADER, Workspace, run_in};

const SOURCE: &str = "name = \"assets\"\nkind = \"csv\"\ndataset = \"assets\"\nplace = \"evidence/assets.csv\"\n\
                      covers = [\"HD\"]\n";

const ROWS: &str = "A1,JP1,hardware,one,true,E1,2026-04-01,2026-05-01,2026-05-01,declaration,\n\
                    A4,US1,hardware,four,true,,,,,,\n";

fn closed() -> Workspace {
    let workspace = Workspace::new();
    workspace.write("sources/assets.toml", SOURCE);
    workspace.write("programme.toml", "[adopted]\nkpis = [1]\n");
    workspace.write("evidence/assets.csv", format!("{ASSETS_HEADER}{ROWS}"));
    workspace.run(&["ingest", "--as-of", "2026-05-31"]).exits(0);
    // Of April, nothing was reported yet.
    let all_the_same = ["--reason", "backlog", "--agreed-by", "ciso"];
    for period in ["2026-04", "2026-05"] {
        let close = [&["close", period][..], &all_the_same].concat();
        workspace.run(&close).exits(0);
    }
    workspace
}

/// Signs the last statement and returns the workspace with the file of the public key.
fn signed() -> (Workspace, PathBuf) {
    let workspace = closed();
    let key = workspace.run(&["key", "new", "board"]).exits(0);
    let public = workspace.write("board.pub.pem", &key.out);
    workspace
        .run(&["seal", "sign", "2026-05", "--key", "board"])
        .exits(0)
        .says("signed revision 1 of 2026-05");
    (workspace, public)
}

fn text(path: &Path) -> &str {
    path.to_str().expect("the path is text")
}

/// Runs a command of the system in a folder.
fn system(folder: &Path, program: &str, arguments: &[&str]) {
    let done = Command::new(program)
        .args(arguments)
        .current_dir(folder)
        .output()
        .expect(".ci/install brings openssl");
    assert!(done.status.success(), "{program} {arguments:?}: {done:#?}");
}

/// Makes a root and a time-stamping authority under it with OpenSSL.
fn authority(folder: &Path) {
    std::fs::write(
        folder.join("tsa.cnf"),
        "[ext]\nextendedKeyUsage = critical,timeStamping\nbasicConstraints = CA:FALSE\n\n\
         [tsa]\ndefault_tsa = one\n\n[one]\nserial = ./serial\nsigner_digest = sha256\n\
         default_policy = 1.2.3.4.1\ndigests = sha256\nsigner_cert = ./tsa.pem\nsigner_key = ./tsa.key\ncerts = ./root.pem\n",
    )
    .expect("the folder can be written");
    std::fs::write(folder.join("serial"), "01\n").expect("the folder can be written");
    let root = [
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-keyout",
        "root.key",
        "-out",
        "root.pem",
        "-subj",
        "/CN=Test Root",
        "-days",
        "30",
    ];
    system(folder, "openssl", &root);
    let request = [
        "req",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
        "-keyout",
        "tsa.key",
        "-out",
        "tsa.csr",
        "-subj",
        "/CN=Test Authority",
    ];
    system(folder, "openssl", &request);
    let issue = [
        "x509",
        "-req",
        "-in",
        "tsa.csr",
        "-CA",
        "root.pem",
        "-CAkey",
        "root.key",
        "-CAcreateserial",
        "-out",
        "tsa.pem",
        "-days",
        "30",
        "-extfile",
        "tsa.cnf",
        "-extensions",
        "ext",
    ];
    system(folder, "openssl", &issue);
}

/// Answers one request for a time stamp over HTTP, as an authority does.
fn serve_one(folder: &Path, listener: &TcpListener) {
    let (mut stream, _) = listener.accept().expect("a request comes");
    let body = body_of(&mut stream);
    std::fs::write(folder.join("request.tsq"), body).expect("the folder can be written");
    let reply = [
        "ts",
        "-reply",
        "-config",
        "tsa.cnf",
        "-queryfile",
        "request.tsq",
        "-out",
        "answer.tsr",
    ];
    system(folder, "openssl", &reply);
    let answer = std::fs::read(folder.join("answer.tsr")).expect("there is an answer");
    let head = format!(
        "HTTP/1.0 200 OK\r\nContent-Type: application/timestamp-reply\r\nContent-Length: {}\r\n\r\n",
        answer.len()
    );
    stream.write_all(head.as_bytes()).expect("it is sent");
    stream.write_all(&answer).expect("it is sent");
}

/// The body of a message whose head states its length.
fn body_of(stream: &mut TcpStream) -> Vec<u8> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).expect("the head comes");
        head.push(byte[0]);
    }
    let head = String::from_utf8(head)
        .expect("the head is text")
        .to_lowercase();
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "));
    let length = length
        .and_then(|length| length.trim().parse().ok())
        .expect("a length");
    let mut body = vec![0; length];
    stream.read_exact(&mut body).expect("the body comes");
    body
}

/// Has the authority answer a request over HTTP on loopback.
fn stamped(folder: &Path, request: &[u8]) -> Vec<u8> {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
    let address = listener.local_addr().expect("it has an address");
    std::thread::scope(|scope| {
        scope.spawn(|| serve_one(folder, &listener));
        let mut stream = TcpStream::connect(address).expect("the authority listens");
        let head = format!(
            "POST / HTTP/1.0\r\nContent-Type: application/timestamp-query\r\nContent-Length: {}\r\n\r\n",
            request.len()
        );
        stream.write_all(head.as_bytes()).expect("it is sent");
        stream.write_all(request).expect("it is sent");
        body_of(&mut stream)
    })
}

#[test]
fn a_key_is_its_owners_alone() {
    let workspace = closed();
    workspace
        .run(&["key", "new", "board"])
        .exits(0)
        .says("-----BEGIN PUBLIC KEY-----");
    workspace
        .run(&["key", "new", "board"])
        .exits(1)
        .complains("a key of that name");
    workspace
        .run(&["key", "new", "../board"])
        .exits(1)
        .complains("not a name for a key");
    workspace
        .run(&["key", "show"])
        .exits(0)
        .says("PUBLIC KEY")
        .complains("board");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let file = workspace.path().join(".keiki/keys/board.pem");
        let mode = file.metadata().expect("it is there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    workspace
        .run(&["seal", "sign", "2026-05", "--key", "nobody"])
        .exits(1)
        .complains("no such key: nobody");
}

#[test]
fn a_bundle_verifies_with_nothing_but_itself_and_the_key() {
    let (workspace, public) = signed();
    workspace
        .run(&["seal", "bundle", "2026-05", "--out", "statement.zip"])
        .exits(0);
    let elsewhere = tempfile::tempdir().expect("a temporary folder can be made");
    let bundle = elsewhere.path().join("statement.zip");
    std::fs::copy(workspace.path().join("statement.zip"), &bundle).expect("it can be copied");
    let check = |key: &Path| {
        let arguments = ["verify", "--bundle", "statement.zip", "--key", text(key)];
        run_in(elsewhere.path(), &arguments)
    };
    check(&public)
        .exits(0)
        .says("2026-05 revision 1: the chain of 2 events, the definitions and the signature");
    // The steps that the bundle documents are those of common tools.
    let unpacked = elsewhere.path().join("unpacked");
    unpack(&bundle, &unpacked);
    let by_hand = [
        "pkeyutl",
        "-verify",
        "-pubin",
        "-inkey",
        text(&public),
        "-rawin",
        "-in",
        "sealed.txt",
        "-sigfile",
        "seals/1.sig",
    ];
    system(&unpacked, "openssl", &by_hand);
    let other = workspace.run(&["key", "new", "other"]).exits(0);
    let other = workspace.write("other.pub.pem", &other.out);
    check(&other)
        .exits(1)
        .complains("nobody signed it with this key");
    // One bit of any file in it is found.
    for file in [
        "events/1.json",
        "events/2.json",
        "statement.json",
        "journal.sha256",
        "seals/1.json",
        "definitions.sha256",
    ] {
        repack(&unpacked, &bundle, file);
        let refused = check(&public).exits(1);
        assert!(
            refused.err.contains("does not verify"),
            "{file}: {refused:#?}"
        );
    }
}

fn unpack(bundle: &Path, folder: &Path) {
    let script = format!(
        "import zipfile; zipfile.ZipFile({:?}).extractall({:?})",
        text(bundle),
        text(folder)
    );
    system(Path::new("."), "python3", &["-c", &script]);
}

/// Packs a folder again with one bit of a file flipped.
fn repack(folder: &Path, bundle: &Path, file: &str) {
    let script = format!(
        "import os, zipfile\nroot = {:?}\nwith zipfile.ZipFile({:?}, 'w') as out:\n  for at, _, names in os.walk(root):\n    for name in names:\n      \
         path = os.path.join(at, name)\n      short = os.path.relpath(path, root)\n      data = bytearray(open(path, 'rb').read())\n      \
         if short == {file:?}: data[len(data) // 2] ^= 1\n      out.writestr(short, bytes(data))\n",
        text(folder),
        text(bundle),
    );
    system(Path::new("."), "python3", &["-c", &script]);
}

#[test]
fn a_time_stamp_of_an_authority_on_loopback_is_kept_if_it_fits() {
    let (workspace, public) = signed();
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    authority(folder.path());
    let root = folder.path().join("root.pem");
    workspace
        .run(&["seal", "request", "2026-05", "--out", "request.tsq"])
        .exits(0);
    let request = std::fs::read(workspace.path().join("request.tsq")).expect("it was written");
    workspace.write("answer.tsr", stamped(folder.path(), &request));
    let keep = |period: &str, trust: &Path| {
        let arguments = [
            "seal",
            "stamp",
            period,
            "--answer",
            "answer.tsr",
            "--trust",
            text(trust),
        ];
        workspace.run(&arguments)
    };
    keep("2026-04", &root)
        .exits(1)
        .complains("the time stamp is over something else");
    let other = tempfile::tempdir().expect("a temporary folder can be made");
    authority(other.path());
    keep("2026-05", &other.path().join("root.pem"))
        .exits(1)
        .complains("is not signed by its issuer");
    keep("2026-05", &root).exits(0).says("CN=Test Authority");
    workspace.run(&["verify"]).exits(0).says("checked 2 seals");
    workspace
        .run(&["seal", "bundle", "2026-05", "--out", "statement.zip"])
        .exits(0);
    let arguments = [
        "verify",
        "--bundle",
        "statement.zip",
        "--key",
        text(&public),
        "--trust",
        text(&root),
    ];
    workspace
        .run(&arguments)
        .exits(0)
        .says("by CN=Test Authority");
    // OpenSSL agrees about the token in the bundle.
    let unpacked = folder.path().join("unpacked");
    unpack(&workspace.path().join("statement.zip"), &unpacked);
    let by_hand = [
        "ts",
        "-verify",
        "-data",
        "sealed.txt",
        "-in",
        "seals/2.token",
        "-token_in",
        "-CAfile",
        text(&root),
    ];
    system(&unpacked, "openssl", &by_hand);
}

/// Flips one bit in the middle of a file.
fn flip(file: &Path) {
    let mut bytes = std::fs::read(file).expect("the file is there");
    let at = bytes.len() / 2;
    bytes[at] ^= 1;
    std::fs::write(file, bytes).expect("the file can be written");
}

/// The first file below a folder with an extension.
fn first_file(folder: &Path, extension: &str) -> PathBuf {
    let mut open = vec![folder.to_owned()];
    let mut found = Vec::new();
    while let Some(folder) = open.pop() {
        for entry in folder.read_dir().expect("a folder").flatten() {
            if entry.path().is_dir() {
                open.push(entry.path());
            } else if entry.path().extension().is_some_and(|of| of == extension) {
                found.push(entry.path());
            }
        }
    }
    found.sort();
    found.into_iter().next().expect("there is a file")
}

#[test]
fn one_flipped_bit_of_the_journal_is_found_and_named() {
    let workspace = closed();
    workspace.run(&["verify"]).exits(0);
    let file = first_file(
        &workspace.path().join(".keiki/journal/entries/assets"),
        "parquet",
    );
    flip(&file);
    let name = file
        .file_name()
        .expect("it has a name")
        .to_string_lossy()
        .into_owned();
    workspace
        .run(&["verify"])
        .exits(4)
        .complains("error: journal entries/assets/")
        .complains(&name);
    let workspace = closed();
    let file = first_file(
        &workspace.path().join(".keiki/journal/batches/_delta_log"),
        "json",
    );
    flip(&file);
    let found = workspace.run(&["verify"]);
    assert_eq!(found.code, 4, "{found:#?}");
}

#[test]
fn files_that_no_batch_names_and_files_that_came_after_the_last_close_are_listed() {
    let workspace = closed();
    let quiet = workspace.run(&["verify"]).exits(0);
    assert!(!quiet.out.contains("belong to no batch"), "{}", quiet.out);
    workspace.write(".keiki/journal/raw/0123.zst", "laid here by somebody");
    let id = "0f3b2a52-6c39-4c41-9c7e-1f0a7f7d1b11";
    workspace.write(&format!(".keiki/journal/entries/assets/{id}.parquet"), "");
    workspace
        .run(&["verify"])
        .exits(0)
        .says("2 files belong to no batch; they move no figure")
        .says("  raw/0123.zst")
        .says(&format!("  entries/assets/{id}.parquet"));
    let late = format!("{ASSETS_HEADER}A9,JP1,hardware,nine,true,,,,,,\n");
    workspace.write("evidence/assets.csv", format!("{late}{ROWS}"));
    workspace.run(&["ingest", "--as-of", "2026-06-30"]).exits(0);
    workspace
        .run(&["verify"])
        .exits(0)
        .says("files came after the last close; the next statement will vouch for them");
}

#[test]
fn one_flipped_bit_of_raw_evidence_is_found_and_named() {
    let workspace = closed();
    let raw = workspace.path().join(".keiki/journal/raw");
    let file = raw
        .read_dir()
        .expect("a folder")
        .flatten()
        .next()
        .expect("there is raw evidence");
    flip(&file.path());
    workspace
        .run(&["verify"])
        .exits(4)
        .complains("error: raw commit 1: ");
}

#[test]
fn one_flipped_bit_of_a_statement_or_of_the_rest_of_the_database_is_found_and_named() {
    let tampered = |sql: &str| {
        let (workspace, _) = signed();
        let script = format!(
            "import sqlite3\nbooks = sqlite3.connect('.keiki/keiki.db')\nflip = lambda b: b[:len(b) // 2] + bytes([b[len(b) // 2] ^ 1]) + b[len(b) // 2 + 1:]\n\
             books.create_function('flip', 1, flip)\nbooks.execute(\"{sql}\")\nbooks.commit()\n"
        );
        system(workspace.path(), "python3", &["-c", &script]);
        workspace.run(&["verify"]).exits(4)
    };
    tampered("update statements set event = flip(event) where number = 1")
        .complains("error: statement event 1: ");
    tampered(
        "update contents set text = flip(text) where rowid = (select min(rowid) from contents)",
    )
    .complains("error: edition 1: the text of ");
    tampered("update seals set data = flip(data)")
        .complains("error: statement event 2: its signature is not one over it");
    tampered("update edition_files set name = name || 'x' where rowid = 1")
        .complains("is not the one that was closed");
    // In the file itself, wherever the bytes of a statement lie: what SQLite has left behind in free space is nobody's.
    let (workspace, _) = signed();
    let script = "import sqlite3\nname = '.keiki/keiki.db'\nbooks = sqlite3.connect(name)\n\
                  event = books.execute('select event from statements where number = 2').fetchone()[0]\nbooks.close()\n\
                  data = bytearray(open(name, 'rb').read())\n\
                  part = next(event[at:at + 24] for at in range(len(event) // 2, len(event)) if event[at:at + 24] in data)\n\
                  at = data.find(part)\nwhile at >= 0:\n  data[at + 12] ^= 1\n  at = data.find(part, at + 24)\n\
                  open(name, 'wb').write(data)\n";
    system(workspace.path(), "python3", &["-c", script]);
    let found = workspace.run(&["verify"]);
    assert_eq!(found.code, 4, "{found:#?}");
    assert!(found.err.contains("error: "), "{found:#?}");
}
