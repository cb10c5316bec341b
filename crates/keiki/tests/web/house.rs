//! A small workspace with its server, accounts, and visitors who send requests as browsers do.

#![expect(
    clippy::disallowed_methods,
    reason = "the tests' own client speaks to the server in this process"
)]

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use keiki::operations::accounts::{Actor, Chosen, NewAccount, NewApiToken, Registry};
use keiki::operations::demo;
use keiki::operations::ingest::{self, Confirmation, Ingest, What};
use keiki::operations::relocation;
use keiki::progress::Silent;
use keiki::web::{Options, Schedules, Security, Server};
use keiki::{config::Workspace, environment};
use keiki_model::access::{Grant, Right, Role};
use reqwest::header::{HeaderMap, HeaderValue};
use reqwest::redirect::Policy;
use reqwest::{Client, Method, RequestBuilder, StatusCode};
use tempfile::TempDir;
use tokio::sync::oneshot;

use crate::postgresql::{PASSWORD as DATABASE_PASSWORD, Postgresql};

const SETTINGS: &str = "language = \"en\"\nzone = \"Asia/Tokyo\"\n\n[organisation]\n\
                        name = { ja = \"架空\", en = \"Fictional\" }\n";

const ORG: &str = "id,parent_id,name_ja,name_en,kind,country,valid_from,valid_until,successor_id\n\
                   HD,,架空親会社,Parent Company,group,JP,,,\n\
                   JP1,HD,架空製造,Manufacturing,subsidiary,JP,,,\n\
                   JP1-IT,JP1,情報システム部,IT Department,department,JP,,,\n\
                   US1,HD,架空アメリカ,American Branch,overseas,US,,,\n";

const SOURCE: &str = "name = \"assets\"\nkind = \"csv\"\ndataset = \"assets\"\nplace = \"evidence/assets.csv\"\n\
                      covers = [\"HD\"]\n";

/// What hostile evidence holds in the place of a name.
pub(crate) const SCRIPT: &str = "<script>alert(1)</script>";

const ASSETS: &str = "asset_id,org_unit,kind,name,is_in_scope,owner_id,owner_assigned_on,declared_on,inventoried_on,inventoried_by,disposed_on\n\
                      A1,JP1,hardware,<script>alert(1)</script>,true,E1,2026-04-01,2026-05-01,2026-05-01,declaration,\n\
                      A2,JP1-IT,hardware,\"\"\"><img src=x onerror=alert(2)>\",true,E1,2026-04-01,2026-05-01,2026-05-01,declaration,\n\
                      A3,JP1,hardware,{{ 7 * 7 }},true,E1,2026-04-01,,,,\n\
                      A4,US1,hardware,secret of America,true,,,,,,\n\
                      A5,JP1,hardware,no such day,true,,,31 April 2026,,,\n";

/// How long a request may take, however slow the computer is on which the tests run.
pub(crate) const UNHURRIED: Duration = Duration::from_hours(1);
/// The same where it is to be over soon.
const HURRIED: Duration = Duration::from_millis(500);

/// The password of every account of the tests.
pub(crate) const PASSWORD: &str = "correct horse battery";

/// A workspace with its server.
pub(crate) struct House {
    pub(crate) workspace: Workspace,
    pub(crate) url: String,
    pub(crate) registry: Registry,
    client: Client,
    stop: Option<oneshot::Sender<()>>,
    folder: Arc<Folder>,
}

/// The files of a workspace, and the server of its database where it has one.
struct Folder {
    folder: TempDir,
    _server: Option<Postgresql>,
}

/// Where the operational database of a workspace is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Books {
    File,
    Server,
}

impl Books {
    /// As whoever runs the tests asks for: all of them run on `PostgreSQL` where this says so.
    fn asked_for() -> Self {
        match std::env::var("KEIKI_TEST_DATABASE").as_deref() {
            Ok("postgresql") => Self::Server,
            _ => Self::File,
        }
    }
}

/// What `keiki.toml` says of a server.
fn addressed(server: &Postgresql) -> String {
    format!(
        "database = \"{}\"\ndatabase_password = {{ file = \"password\" }}\n",
        server.address()
    )
}

/// The files of a workspace.
fn folder(books: Books) -> Folder {
    let server = (books == Books::Server).then(Postgresql::start);
    let database = server.as_ref().map(addressed);
    let settings = format!("{}{SETTINGS}", database.unwrap_or_default());
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    for (name, text) in [
        ("keiki.toml", settings.as_str()),
        ("password", DATABASE_PASSWORD),
        ("org.csv", ORG),
        ("programme.toml", "[adopted]\nkpis = [1]\n"),
        ("sources/assets.toml", SOURCE),
        ("evidence/assets.csv", ASSETS),
    ] {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().expect("a file lies in a folder"))
            .expect("a folder can be made");
        std::fs::write(path, text).expect("the file can be written");
    }
    Folder {
        folder,
        _server: server,
    }
}

impl House {
    /// A workspace with the evidence of one month, and its server. The evidence is in before the server looks at the books.
    pub(crate) async fn new() -> Self {
        Self::with("").await
    }

    /// The same, with more in its settings, and a secret in a file.
    pub(crate) async fn with(more: &str) -> Self {
        let at = folder(Books::asked_for());
        let place = at.folder.path().join("keiki.toml");
        let settings = std::fs::read_to_string(&place).expect("the settings are there");
        let secret = at.folder.path().join("secret");
        for (place, text) in [
            (place, format!("{settings}{more}")),
            (secret, "a secret of the tests\n".to_owned()),
        ] {
            std::fs::write(place, text).expect("the file can be written");
        }
        Self::with_evidence(at).await
    }

    /// A workspace whose database is a file, whatever is asked for, with the evidence of one month, and its server.
    pub(crate) async fn in_a_file() -> Self {
        Self::with_evidence(folder(Books::File)).await
    }

    /// The same workspace after its file has moved into a `PostgreSQL`, with a new server, and the rows that moved.
    pub(crate) async fn moved_into(self, server: &Postgresql) -> (Self, u64) {
        let at = Arc::clone(&self.folder);
        drop(self);
        let place = at.folder.path().join("keiki.toml");
        let settings = std::fs::read_to_string(&place).expect("the settings are there");
        let database = addressed(server);
        std::fs::write(&place, format!("{database}{settings}")).expect("it can be written");
        let workspace = Workspace::load(at.folder.path()).expect("the workspace is sound");
        let moved = relocation::move_into_server(&workspace, None).await;
        let moved = moved.expect("everything moves");
        let again = relocation::move_into_server(&workspace, None).await;
        assert!(again.is_err(), "{again:?}");
        let rows = moved.iter().map(|table| table.rows).sum();
        (Self::serve(at).await, rows)
    }

    /// A workspace whose database is in a `PostgreSQL`, with the evidence of one month, and its server.
    pub(crate) async fn with_postgresql() -> Self {
        Self::with_evidence(folder(Books::Server)).await
    }

    async fn with_evidence(at: Folder) -> Self {
        let folder = at.folder.path();
        let workspace = Workspace::load(folder).expect("the workspace is sound");
        let asked = Ingest {
            surroundings: &environment::Here,
            what: What::Sources(Vec::new()),
            as_of: Some(keiki_model::calendar::parse_day("2026-05-31").expect("it is a day")),
            covers: Vec::new(),
            extent: None,
            missing: None,
            confirmation: Confirmation::Ask,
            author: "tests".to_owned(),
            now: environment::now(),
        };
        let outcomes = ingest::ingest(&workspace, &asked, &Silent).await;
        let outcomes = outcomes.expect("the evidence can be read");
        assert!(
            outcomes.iter().all(|one| one.result.is_ok()),
            "{outcomes:?}"
        );
        Self::serve(Arc::new(at)).await
    }

    /// The sample group, and its server.
    pub(crate) async fn sample() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let played = demo::demo(folder.path(), (demo::Books::Open, None), &Silent).await;
        played.expect("the sample group can be made");
        let at = Folder {
            folder,
            _server: None,
        };
        Self::serve(Arc::new(at)).await
    }

    /// A workspace that has read nothing, and its server.
    pub(crate) async fn without_evidence() -> Self {
        Self::serve(Arc::new(folder(Books::asked_for()))).await
    }

    /// A workspace that has read nothing and whose database is in a `PostgreSQL`, and a server that leaves its schedules to others.
    pub(crate) async fn leaving_schedules() -> Self {
        let at = Arc::new(folder(Books::Server));
        let (limits, security) = ((UNHURRIED, UNHURRIED), Security::Loopback);
        Self::serve_with(at, limits, security, Schedules::Leave).await
    }

    /// A server that waits for nobody's headers for long.
    pub(crate) async fn in_a_hurry_for_headers() -> Self {
        Self::in_a_hurry(UNHURRIED, HURRIED).await
    }

    /// A server that waits for no request for long once it has its headers.
    pub(crate) async fn in_a_hurry_for_bodies() -> Self {
        Self::in_a_hurry(HURRIED, UNHURRIED).await
    }

    async fn in_a_hurry(request: Duration, headers: Duration) -> Self {
        let at = Arc::new(folder(Books::asked_for()));
        let (limits, security) = ((request, headers), Security::Loopback);
        Self::serve_with(at, limits, security, Schedules::Read).await
    }

    /// The same workspace with a new server, as after a restart.
    pub(crate) async fn restarted(self) -> Self {
        let folder = Arc::clone(&self.folder);
        drop(self);
        Self::serve(folder).await
    }

    /// Another server over the same workspace, as another program.
    pub(crate) async fn another(&self) -> Self {
        Self::serve(Arc::clone(&self.folder)).await
    }

    /// The same workspace with a new server that others reach, by TLS or behind proxies.
    pub(crate) async fn open_to_others(self, security: Security) -> Self {
        let folder = Arc::clone(&self.folder);
        drop(self);
        Self::serve_by(folder, security).await
    }

    async fn serve(at: Arc<Folder>) -> Self {
        Self::serve_by(at, Security::Loopback).await
    }

    async fn serve_by(at: Arc<Folder>, security: Security) -> Self {
        Self::serve_with(at, (UNHURRIED, UNHURRIED), security, Schedules::Read).await
    }

    async fn serve_with(
        at: Arc<Folder>,
        (request_limit, header_limit): (Duration, Duration),
        security: Security,
        schedules: Schedules,
    ) -> Self {
        let folder = at.folder.path();
        let options = Options {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            security,
            request_limit,
            header_limit,
            schedules,
        };
        let server = Server::bind(folder, &options).await;
        let server = server.expect("a free port can be taken");
        let url = server.url();
        let workspace = Workspace::load(folder).expect("the workspace is sound");
        let registry = Registry::open(&workspace).await;
        let (stop, stopped) = oneshot::channel::<()>();
        tokio::spawn(server.run(async move {
            drop(stopped.await);
        }));
        let client = Client::builder().redirect(Policy::none()).build();
        Self {
            workspace,
            url,
            folder: at,
            registry: registry.expect("the accounts can be opened"),
            client: client.expect("a client can be made"),
            stop: Some(stop),
        }
    }

    /// Makes an account with roles and a password.
    pub(crate) async fn account(&self, name: &str, roles: &[(Role, &str)]) {
        let by = actor("tests");
        let new = NewAccount {
            name: name.to_owned(),
            shown_name: String::new(),
            grants: grants(roles),
        };
        let token = self.registry.add(&new, &by).await.expect("it is added");
        let chosen = Chosen {
            name: "",
            password: PASSWORD,
            root: "HD",
        };
        let accepted = self.registry.accept(&token, &chosen, &by).await;
        accepted.expect("the password is taken");
    }

    /// Somebody who is signed in with roles.
    pub(crate) async fn visitor(&self, name: &str, roles: &[(Role, &str)]) -> Visitor<'_> {
        self.account(name, roles).await;
        let answer = self.nobody().sign_in(name, PASSWORD, "/").await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{answer:?}");
        Visitor {
            house: self,
            cookie: answer.cookie("keiki-session"),
            token: None,
        }
    }

    /// A program that acts for an account with a token of some rights.
    pub(crate) async fn program(&self, account: &str, rights: &[Right]) -> Visitor<'_> {
        let new = NewApiToken {
            name: "tests".to_owned(),
            rights: rights.to_vec(),
            days: 1,
            until: None,
        };
        let by = actor(account);
        let made = self.registry.make_api_token(account, &new, &by).await;
        let (_, token) = made.expect("the token is made");
        Visitor {
            house: self,
            cookie: None,
            token: Some(token),
        }
    }

    /// Somebody who goes on with a session of before.
    pub(crate) fn still(&self, cookie: Option<String>) -> Visitor<'_> {
        Visitor {
            house: self,
            cookie,
            token: None,
        }
    }

    /// Somebody who is not signed in.
    pub(crate) fn nobody(&self) -> Visitor<'_> {
        Visitor {
            house: self,
            cookie: None,
            token: None,
        }
    }
}

impl Drop for House {
    fn drop(&mut self) {
        // A server that has stopped already needs no word.
        self.stop.take().map(|stop| stop.send(()).is_ok());
    }
}

pub(crate) fn actor(name: &str) -> Actor {
    Actor {
        name: name.to_owned(),
        address: String::new(),
        now: environment::now(),
    }
}

pub(crate) fn grants(roles: &[(Role, &str)]) -> Vec<Grant> {
    let grant = |(role, unit): &(Role, &str)| Grant {
        role: *role,
        org_unit: (*unit).to_owned(),
    };
    roles.iter().map(grant).collect()
}

/// Somebody with a browser.
pub(crate) struct Visitor<'h> {
    house: &'h House,
    /// The session's token.
    pub(crate) cookie: Option<String>,
    /// The token of a program.
    pub(crate) token: Option<String>,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    /// A header as text; empty where there is none.
    pub(crate) fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name);
        value.and_then(|value| value.to_str().ok()).unwrap_or("")
    }

    /// The value of a cookie that was set.
    pub(crate) fn cookie(&self, name: &str) -> Option<String> {
        let all = self.headers.get_all("set-cookie").iter();
        let mut all = all.filter_map(|value| value.to_str().ok());
        all.find_map(|value| {
            let (key, rest) = value.split_once('=')?;
            let value = rest.split(';').next()?;
            (key == name && !value.is_empty()).then(|| value.to_owned())
        })
    }

    /// What came back as data.
    pub(crate) fn data(&self) -> serde_json::Value {
        serde_json::from_str(&self.text).expect("the answer is data")
    }

    pub(crate) fn is(self, status: u16) -> Self {
        assert_eq!(self.status.as_u16(), status, "{self:#?}");
        self
    }

    pub(crate) fn says(self, text: &str) -> Self {
        assert!(self.text.contains(text), "not found: {text}\n{}", self.text);
        self
    }

    pub(crate) fn says_nothing_of(self, text: &str) -> Self {
        assert!(!self.text.contains(text), "found: {text}\n{}", self.text);
        self
    }
}

impl Visitor<'_> {
    /// The same somebody at another server.
    pub(crate) fn at<'o>(&self, house: &'o House) -> Visitor<'o> {
        Visitor {
            house,
            cookie: self.cookie.clone(),
            token: self.token.clone(),
        }
    }

    /// A request, with the session and, where it changes something, with what browsers say of their page.
    pub(crate) fn request(&self, method: &Method, path: &str) -> RequestBuilder {
        let url = format!("{}{path}", self.house.url);
        let mut request = self.house.client.request(method.clone(), url);
        if let Some(cookie) = &self.cookie {
            request = request.header("cookie", format!("keiki-session={cookie}"));
        }
        if let Some(token) = &self.token {
            return request.header("authorization", format!("Bearer {token}"));
        }
        if *method != Method::GET {
            request = request.header("origin", &self.house.url);
        }
        request
    }

    /// Sends data as a program does.
    pub(crate) async fn tell(&self, path: &str, data: &serde_json::Value) -> Answer {
        let request = self.request(&Method::POST, path);
        let request = request.header("content-type", "application/json");
        self.send(request.body(data.to_string())).await
    }

    pub(crate) async fn send(&self, request: RequestBuilder) -> Answer {
        let response = request.send().await.expect("the server answers");
        Answer {
            status: response.status(),
            headers: response.headers().clone(),
            text: response.text().await.expect("the answer is text"),
        }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(self.request(&Method::GET, path)).await
    }

    pub(crate) async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        self.send(form(self.request(&Method::POST, path), fields))
            .await
    }

    /// Sends a form with parts, and a file in it where there is one.
    pub(crate) async fn post_parts(
        &self,
        path: &str,
        fields: &[(&str, &str)],
        file: Option<(&str, &[u8])>,
    ) -> Answer {
        let mut body = Vec::new();
        for (name, value) in fields {
            let head = format!("Content-Disposition: form-data; name=\"{name}\"");
            body.extend(format!("--edge\r\n{head}\r\n\r\n{value}\r\n").bytes());
        }
        if let Some((name, bytes)) = file {
            let head =
                format!("Content-Disposition: form-data; name=\"file\"; filename=\"{name}\"");
            body.extend(format!("--edge\r\n{head}\r\n\r\n").bytes());
            body.extend_from_slice(bytes);
            body.extend_from_slice(b"\r\n");
        }
        body.extend_from_slice(b"--edge--\r\n");
        let request = self.request(&Method::POST, path);
        let request = request.header("content-type", "multipart/form-data; boundary=edge");
        self.send(request.body(body)).await
    }

    /// The same, then goes where that leads, since what waits has an address of its own. Returns the page and its path.
    pub(crate) async fn post_parts_and_follow(
        &self,
        path: &str,
        fields: &[(&str, &str)],
        file: Option<(&str, &[u8])>,
    ) -> (Answer, String) {
        let answer = self.post_parts(path, fields, file).await;
        match answer.header("location").to_owned() {
            path if path.is_empty() => (answer, path),
            path => (self.get(&path).await, path),
        }
    }

    pub(crate) async fn sign_in(&self, name: &str, password: &str, next: &str) -> Answer {
        let fields = [("name", name), ("password", password), ("next", next)];
        self.post("/sign-in", &fields).await
    }
}

/// Puts a form into a request.
pub(crate) fn form(request: RequestBuilder, fields: &[(&str, &str)]) -> RequestBuilder {
    let mut body = url::form_urlencoded::Serializer::new(String::new());
    body.extend_pairs(fields);
    let kind = HeaderValue::from_static("application/x-www-form-urlencoded");
    request.header("content-type", kind).body(body.finish())
}
