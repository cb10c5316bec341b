//! Messages: to whom, what, by mail and webhook, and nothing twice.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use keiki_store::{Database, Notices};
use serde_json::Value;

use crate::packages::installed;
use crate::workspace::Workspace;

/// Debian's own mail server for tests, which prints what it is sent.
struct MailServer {
    process: Child,
    port: u16,
    lines: BufReader<std::process::ChildStdout>,
}

impl MailServer {
    fn start() -> Self {
        let script = "import asyncio, sys\n\
                      from aiosmtpd.controller import UnthreadedController\n\
                      from aiosmtpd.handlers import Debugging\n\
                      loop = asyncio.new_event_loop()\n\
                      asyncio.set_event_loop(loop)\n\
                      server = UnthreadedController(Debugging(sys.stdout), hostname='127.0.0.1', port=0, loop=loop)\n\
                      server.begin()\n\
                      print(server.server.sockets[0].getsockname()[1], flush=True)\n\
                      loop.run_forever()\n";
        let process = Command::new("/usr/bin/python3")
            .args(["-u", "-c", script])
            .stdout(Stdio::piped())
            .spawn();
        let mut process = process.expect("python3 is there");
        let mut lines = BufReader::new(process.stdout.take().expect("it is piped"));
        let mut port = String::new();
        lines
            .read_line(&mut port)
            .expect("the server says its port");
        Self {
            port: port.trim().parse().expect("python3-aiosmtpd is there"),
            process,
            lines,
        }
    }

    /// The next message, as it came.
    fn message(&mut self) -> String {
        let mut message = String::new();
        while !message.contains("END MESSAGE") {
            let read = self.lines.read_line(&mut message);
            assert!(
                read.expect("the server is there") > 0,
                "no message: {message}"
            );
        }
        message
    }

    /// All that came besides, once the server has stopped.
    fn rest(mut self) -> String {
        self.process.kill().expect("the server stops");
        let mut rest = String::new();
        self.lines.read_to_string(&mut rest).expect("it is text");
        self.process.wait().expect("the server has stopped");
        rest
    }
}

/// Takes requests, answers each with the next of some statuses, and hands them on: headers and body.
fn hook(statuses: Vec<u16>) -> (u16, Receiver<(String, String)>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port can be taken");
    let port = listener.local_addr().expect("it has an address").port();
    let (hand, taken) = channel();
    thread::spawn(move || {
        for status in statuses {
            let Ok((stream, _)) = listener.accept() else {
                return;
            };
            if hand.send(request(stream, status)).is_err() {
                return;
            }
        }
    });
    (port, taken)
}

fn request(mut stream: TcpStream, status: u16) -> (String, String) {
    let came = read(&stream);
    let answer = format!("HTTP/1.1 {status} X\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    stream
        .write_all(answer.as_bytes())
        .expect("it can be answered");
    came
}

/// What somebody sends: headers and body.
fn read(stream: &TcpStream) -> (String, String) {
    let mut reader = BufReader::new(stream.try_clone().expect("it can be read and written"));
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        reader.read_line(&mut head).expect("it is text");
    }
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length")
            .then(|| value.trim().parse::<usize>().ok())?
    });
    let mut body = vec![0; length.unwrap_or(0)];
    reader.read_exact(&mut body).expect("the body comes");
    (head, String::from_utf8(body).expect("it is text"))
}

/// A workspace with the owner of a subsidiary's evidence, whose source has no file.
fn workspace() -> Workspace {
    let workspace = Workspace::new();
    workspace.write("programme.toml", "[adopted]\nkpis = [1]\n");
    let source = "name = \"assets\"\nkind = \"csv\"\ndataset = \"assets\"\nplace = \"evidence/assets.csv\"\n\
                  covers = [\"HD\"]\n";
    workspace.write("sources/assets.toml", source);
    let add = ["user", "add", "owner", "--role", "data_owner@JP1"];
    workspace.run(&add).exits(0);
    workspace
        .run(&["user", "mail", "owner", "owner@example.jp"])
        .exits(0);
    workspace
}

/// Puts tables at the end of the settings.
fn set(workspace: &Workspace, tables: &str) {
    let path = workspace.path().join("keiki.toml");
    let settings = std::fs::read_to_string(path).expect("the settings are there");
    workspace.write("keiki.toml", format!("{settings}\n{tables}"));
}

fn mail_by(port: u16) -> String {
    // So far away that a period that has ended is always asked for.
    let close = "[close]\ncut_off = 60\npreliminary = 60\nfinal = 60\n";
    format!(
        "[mail]\nserver = \"127.0.0.1\"\nport = {port}\nsecurity = \"none\"\nfrom = \"Keiki <keiki@example.jp>\"\n\
         pages = \"https://keiki.example.jp/\"\n{close}"
    )
}

#[test]
fn links_are_told_whole_where_the_settings_know_the_servers_address() {
    let workspace = workspace();
    let password = ["user", "password", "owner"];
    let to_assets = ["--org", "JP1", "--into", "dataset:assets"];
    let upload = ["upload-link", "make", "Tanaka", "--period", "2026-05"];
    let upload = [&upload[..], &to_assets].concat();
    for (asked, path) in [(&password[..], ": /welcome/"), (&upload, ": /upload/")] {
        let told = workspace.run(asked).exits(0);
        told.says(path).says("as pages under [mail]");
    }
    set(&workspace, &mail_by(9));
    for (asked, path) in [(&password[..], "/welcome/"), (&upload, "/upload/")] {
        let told = workspace.run(asked).exits(0);
        let told = told.says(&format!(": https://keiki.example.jp{path}"));
        assert!(!told.out.contains("keiki.toml"), "{}", told.out);
    }
}

#[test]
fn a_period_that_has_ended_is_asked_for_by_mail_and_asked_for_once() {
    let workspace = workspace();
    let mut server = MailServer::start();
    set(&workspace, &mail_by(server.port));
    workspace
        .run(&["remind", "--list"])
        .exits(0)
        .says("owner <owner@example.jp>");
    workspace
        .run(&["remind"])
        .exits(0)
        .says("Fictional Manufacturing");
    let message = server.message();
    for part in [
        "To: owner@example.jp",
        "From: Keiki <keiki@example.jp>",
        "Auto-Submitted: auto-generated",
        "Subject: Fictional, Keiki:",
        "- Fictional Manufacturing: please send",
        "https://keiki.example.jp/todo",
    ] {
        assert!(message.contains(part), "not found: {part}\n{message}");
    }
    // Nothing of org units for which they do not speak.
    assert!(!message.contains("America"), "{message}");
    workspace
        .run(&["remind"])
        .exits(0)
        .says("nothing is new for anybody");
    assert!(!server.rest().contains("MESSAGE"));
}

#[test]
fn what_could_not_be_sent_is_sent_the_next_time() {
    let workspace = workspace();
    let free = TcpListener::bind("127.0.0.1:0").expect("a free port can be taken");
    let port = free.local_addr().expect("it has an address").port();
    drop(free);
    set(&workspace, &mail_by(port));
    workspace
        .run(&["remind"])
        .exits(1)
        .complains("mail cannot be sent: owner@example.jp");
    let mut server = MailServer::start();
    redirect(&workspace, MAIL, server.port);
    workspace.run(&["remind"]).exits(0);
    assert!(server.message().contains("To: owner@example.jp"));
    let rest = server.rest();
    assert!(!rest.contains("To:"), "it is sent once: {rest}");
}

#[test]
fn another_system_is_told_signed_again_where_it_failed_and_not_twice() {
    let workspace = workspace();
    let (port, taken) = hook(vec![503, 200]);
    workspace.write("secret.txt", "a secret of the two\n");
    set(
        &workspace,
        &format!(
            "[[webhooks]]\nname = \"desk\"\nform = \"json\"\nurl = \"http://127.0.0.1:{port}/hook\"\n\
             network = \"internal\"\nsecret = {{ file = \"secret.txt\" }}\n"
        ),
    );
    workspace.run(&["ingest"]).exits(1);
    workspace.run(&["remind"]).exits(0).says("desk <127.0.0.1>");
    let (head, body) = taken.recv().expect("it was tried");
    assert!(head.starts_with("POST /hook HTTP/1.1"), "{head}");
    assert!(
        head.to_lowercase().contains("keiki-signature: t="),
        "{head}"
    );
    let told: Value = serde_json::from_str(&body).expect("it is data");
    assert_eq!(told["notices"][0]["occasion"], "source_failed");
    assert_eq!(told["notices"].as_array().map(Vec::len), Some(1));
    let (_, again) = taken.recv().expect("it was tried again");
    assert_eq!(again, body);
    workspace
        .run(&["remind"])
        .exits(0)
        .says("nothing is new for anybody");
}

/// A webhook of a form, which has one try after another answered with the next of some statuses.
fn chat(form: &str, port: u16, more: &str) -> String {
    format!(
        "[[webhooks]]\nname = \"{form}\"\nform = \"{form}\"\nurl = \"http://127.0.0.1:{port}/hook\"\nnetwork = \"internal\"\n{more}\n"
    )
}

#[test]
fn what_teams_is_sent_is_read_by_its_own_library_without_a_complaint() {
    let workspace = workspace();
    let (port, taken) = hook(vec![200]);
    set(&workspace, &chat("teams", port, ""));
    workspace.run(&["ingest"]).exits(1);
    workspace.run(&["remind"]).exits(0);
    let (head, body) = taken.recv().expect("it was sent");
    assert!(
        head.to_lowercase()
            .contains("content-type: application/json"),
        "{head}"
    );
    let message: Value = serde_json::from_str(&body).expect("it is data");
    // *Source*: Microsoft, "Create incoming webhooks with Workflows for Microsoft Teams": a message with one attachment, a card.
    assert_eq!(message["type"], "message");
    let attachments = message["attachments"].as_array().expect("a list");
    assert_eq!(attachments.len(), 1);
    assert_eq!(
        attachments[0]["contentType"],
        "application/vnd.microsoft.card.adaptive"
    );
    let card = attachments[0]["content"].to_string();
    let found = read_card(&card);
    assert_eq!(found["wrong"], serde_json::json!([]), "{card}");
    let texts = found["texts"].as_array().expect("a list");
    assert!(
        texts.len() == 1
            && texts[0]
                .as_str()
                .is_some_and(|text| text.contains("assets")),
        "{found}"
    );
    // The library does complain of what is no card.
    let wrong = read_card(
        "{\"type\": \"AdaptiveCard\", \"version\": \"1.4\", \"body\": [{\"type\": \"TextBlok\"}]}",
    );
    assert_ne!(wrong["wrong"], serde_json::json!([]));
}

/// What the library for adaptive cards, of the npm registry, finds in one.
fn read_card(card: &str) -> Value {
    let folder = installed(
        "cards",
        include_str!("cards/package.json"),
        include_str!("cards/package-lock.json"),
    );
    let mut process = Command::new("node")
        .args(["--eval", include_str!("cards/read.cjs")])
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("nodejs is installed");
    let mut into = process.stdin.take().expect("it is piped");
    into.write_all(card.as_bytes()).expect("it reads");
    drop(into);
    let out = process.wait_with_output().expect("it ends");
    serde_json::from_slice(&out.stdout).expect("it prints data")
}

/// *Source*: Slack, "Sending messages using incoming webhooks" and "Formatting text for app surfaces": `text` is the message, of 40,000
/// characters at most, in which `&`, `<` and `>` begin markup and are written as entities.
#[test]
fn what_slack_is_sent_is_a_text_of_plain_words() {
    let workspace = workspace();
    let (port, taken) = hook(vec![200]);
    set(&workspace, &chat("slack", port, ""));
    workspace.write("sources/assets.toml", "name = \"assets\"\nkind = \"csv\"\ndataset = \"assets\"\nplace = \"evidence/<!channel>&.csv\"\ncovers = [\"HD\"]\n");
    workspace.run(&["ingest"]).exits(1);
    workspace.run(&["remind"]).exits(0);
    let (head, body) = taken.recv().expect("it was sent");
    assert!(head.starts_with("POST /hook HTTP/1.1"), "{head}");
    let message: Value = serde_json::from_str(&body).expect("it is data");
    let keys: Vec<&String> = message.as_object().expect("an object").keys().collect();
    assert_eq!(keys, ["text"]);
    let text = message["text"].as_str().expect("a text");
    assert!(text.chars().count() <= 40_000);
    assert!(!text.contains('<') && !text.contains('>'), "{text}");
    assert!(text.contains("&lt;!channel&gt;&amp;.csv"), "{text}");
}

#[test]
fn another_system_that_never_answers_holds_nobody_up_and_is_told_the_next_time() {
    let workspace = workspace();
    // Connections are taken by the computer itself, and nobody answers.
    let silent = TcpListener::bind("127.0.0.1:0").expect("a free port can be taken");
    let port = silent.local_addr().expect("it has an address").port();
    let (other, taken) = hook(vec![200]);
    let hooks = chat("slack", port, "answer_seconds = 1") + &chat("json", other, "");
    set(&workspace, &hooks);
    workspace.run(&["ingest"]).exits(1);
    workspace
        .run(&["remind"])
        .exits(1)
        .complains("127.0.0.1")
        .says("json <127.0.0.1>");
    taken.recv().expect("the other one was told");
    drop(silent);
    let (again, taken) = hook(vec![200]);
    let path = workspace.path().join("keiki.toml");
    let settings = std::fs::read_to_string(path).expect("the settings are there");
    let settings = settings.replace(&format!(":{port}/"), &format!(":{again}/"));
    workspace.write("keiki.toml", settings);
    workspace
        .run(&["remind"])
        .exits(0)
        .says("slack <127.0.0.1>");
    taken.recv().expect("it was told the next time");
    let wrong = chat("slack", port, "answer_seconds = 0");
    workspace.write("keiki.toml", format!("language = \"en\"\nzone = \"Asia/Tokyo\"\n[organisation]\nname = {{ ja = \"架空\", en = \"Fictional\" }}\n{wrong}"));
    workspace
        .run(&["check"])
        .exits(1)
        .complains("not a number of seconds to wait for an answer: 0");
}

/// A header's value.
fn header<'h>(head: &'h str, name: &str) -> &'h str {
    let found = head.lines().find_map(|line| {
        let (of, value) = line.split_once(": ")?;
        of.eq_ignore_ascii_case(name).then_some(value)
    });
    found.expect("it has the header")
}

/// Makes what somebody took upon themselves old enough that nobody knows what became of it.
fn age(workspace: &Workspace) {
    let database = Database::file(&workspace.path().join(".keiki/keiki.db"));
    let runtime = tokio::runtime::Runtime::new().expect("it starts");
    runtime.block_on(async {
        let notices = Notices::open(&database).await.expect("it opens");
        for message in notices.unsettled().await.expect("they are read") {
            let earlier = message.claimed_at - 3_600_000_000;
            let aged = notices.claim_again(&message, earlier).await;
            assert!(aged.expect("it is written"));
        }
    });
}

/// Starts `keiki remind`, and kills it once another system has its message and before that answers. Returns what the other got.
fn killed_while_it_tells(workspace: &Workspace, form: &str) -> (String, String) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port can be taken");
    let port = listener.local_addr().expect("it has an address").port();
    set(workspace, &chat(form, port, ""));
    let mut process = workspace.start(&["remind"]);
    let (stream, _) = listener.accept().expect("it comes");
    let came = read(&stream);
    process.kill().expect("it runs");
    process.wait().expect("it has ended");
    drop(stream);
    came
}

/// What stands before the port of the mail server in the settings, and what before that of a webhook.
const MAIL: &str = "port = ";
const WEBHOOK: &str = "127.0.0.1:";

/// Lets what is told go to another port: the last one that stands behind these words.
fn redirect(workspace: &Workspace, before: &str, port: u16) {
    let path = workspace.path().join("keiki.toml");
    let settings = std::fs::read_to_string(path).expect("the settings are there");
    let at = settings.rfind(before).expect("it is told somewhere") + before.len();
    let is_over = |letter: char| !letter.is_ascii_digit();
    let end = at + settings[at..].find(is_over).expect("a line ends");
    let settings = format!("{}{port}{}", &settings[..at], &settings[end..]);
    workspace.write("keiki.toml", settings);
}

#[test]
fn a_message_whose_sender_is_killed_is_sent_again_under_the_same_id() {
    let workspace = workspace();
    workspace.run(&["ingest"]).exits(1);
    let (head, body) = killed_while_it_tells(&workspace, "json");
    let (port, taken) = hook(vec![503, 503, 503, 200]);
    redirect(&workspace, WEBHOOK, port);
    // Whoever began may still be at it.
    let nothing = "nothing is new for anybody";
    workspace.run(&["remind"]).exits(0).says(nothing);
    age(&workspace);
    let listed = workspace.run(&["remind", "--list"]).exits(0);
    listed.says("json <127.0.0.1> (again: it is not known whether it was sent)");
    // It goes on being unknown where it cannot be sent now.
    workspace.run(&["remind"]).exits(1);
    for _ in 0..3 {
        taken.recv().expect("it was tried");
    }
    workspace.run(&["remind"]).exits(0).says(nothing);
    age(&workspace);
    workspace.run(&["remind"]).exits(0).says("(again:");
    let (again, same) = taken.recv().expect("it was sent again");
    assert_eq!(same, body);
    let key = header(&head, "idempotency-key");
    assert_eq!(header(&again, "idempotency-key"), key);
    let told: Value = serde_json::from_str(&body).expect("it is data");
    assert_eq!(key, told["id"].to_string());
    age(&workspace);
    workspace.run(&["remind"]).exits(0).says(nothing);
}

#[test]
fn a_chat_whose_sender_is_killed_is_not_told_twice() {
    let workspace = workspace();
    workspace.run(&["ingest"]).exits(1);
    killed_while_it_tells(&workspace, "slack");
    let (port, taken) = hook(vec![200]);
    redirect(&workspace, WEBHOOK, port);
    age(&workspace);
    workspace
        .run(&["remind"])
        .exits(0)
        .says("nothing is new for anybody");
    drop(workspace);
    assert!(taken.try_recv().is_err());
}

#[test]
fn mail_whose_sender_is_killed_is_sent_again_under_the_same_id() {
    let workspace = workspace();
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port can be taken");
    let port = listener.local_addr().expect("it has an address").port();
    set(&workspace, &mail_by(port));
    let mut process = workspace.start(&["remind"]);
    // A mail server that has not said a word yet.
    let (stream, _) = listener.accept().expect("it comes");
    process.kill().expect("it runs");
    process.wait().expect("it has ended");
    drop((stream, listener));
    age(&workspace);
    let mut server = MailServer::start();
    redirect(&workspace, MAIL, server.port);
    workspace.run(&["remind"]).exits(0).says("(again:");
    let message = server.message();
    let id = header(&message, "message-id");
    assert!(id.ends_with("@example.jp>") && id.len() == 45, "{id}");
    assert_eq!(server.rest().matches("MESSAGE").count(), 0);
}

#[test]
fn no_message_goes_to_a_private_address_unless_that_is_allowed() {
    let workspace = workspace();
    let (port, _taken) = hook(Vec::new());
    set(
        &workspace,
        &format!(
            "[[webhooks]]\nname = \"chat\"\nform = \"slack\"\nurl = \"https://127.0.0.1:{port}/hook\"\n"
        ),
    );
    workspace.run(&["ingest"]).exits(1);
    workspace.run(&["remind"]).exits(1).complains("127.0.0.1");
}

#[test]
fn a_password_of_mail_is_not_sent_unencrypted() {
    let workspace = workspace();
    set(
        &workspace,
        "[mail]\nserver = \"mail.example.jp\"\nsecurity = \"none\"\nfrom = \"keiki@example.jp\"\nuser = \"keiki\"\n\
         password = { env = \"NOWHERE\" }\n",
    );
    workspace
        .run(&["check"])
        .exits(1)
        .complains("the password would be sent unencrypted");
}
