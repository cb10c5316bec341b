//! Hostile input: what comes from outside does no harm, whatever it is.

use std::io::{Read, Write};
use std::net::TcpStream;

use keiki_model::access::Role;
use reqwest::Method;

use crate::house::{House, PASSWORD, SCRIPT, Visitor, form};

#[tokio::test(flavor = "multi_thread")]
async fn evidence_is_text_and_never_markup() {
    let house = House::new().await;
    let auditor = house.visitor("auditor", &[(Role::Auditor, "HD")]).await;
    let rows = "/kpis/1/rows?period=2026-05&indicator=inventory_ratio";
    for part in ["", "&part=in_scope"] {
        let page = auditor.get(&format!("{rows}{part}")).await.is(200);
        page.says_nothing_of(SCRIPT).says_nothing_of("<img src=x");
    }
    auditor
        .get(rows)
        .await
        .is(200)
        .says("&#60;script&#62;alert(1)");
    for address in [
        "/scorecard?unit=%3Cscript%3Ealert(1)%3C/script%3E",
        "/scorecard?period=%3Cscript%3E",
        "/kpis/1/rows?part=%22%3E%3Cscript%3E",
        "/sign-in?next=%22%3E%3Cscript%3E",
        "/%3Cscript%3E",
    ] {
        let page = auditor.get(address).await;
        assert!(!page.text.contains("<script"), "{address}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_changes_something_is_taken_from_own_pages_alone() {
    let house = House::without_evidence().await;
    let one = house.visitor("one", &[(Role::Executive, "HD")]).await;
    let fields = [("language", "ja"), ("next", "/")];
    for headers in [
        vec![],
        vec![("origin", "https://evil.example")],
        vec![("origin", "null")],
        vec![("sec-fetch-site", "cross-site")],
        vec![
            ("origin", house.url.as_str()),
            ("sec-fetch-site", "same-site"),
        ],
    ] {
        let cookie = one.cookie.clone().expect("one is signed in");
        let url = format!("{}/language", house.url);
        let plain = one.request(&Method::GET, "/language").build();
        let mut request = plain.expect("it is a request");
        *request.method_mut() = Method::POST;
        let client = reqwest_client();
        let mut builder = client
            .post(url)
            .header("cookie", format!("keiki-session={cookie}"));
        for (name, value) in &headers {
            builder = builder.header(*name, *value);
        }
        one.send(form(builder, &fields)).await.is(403);
    }
    one.post("/language", &fields).await.is(303);
}

#[expect(
    clippy::disallowed_methods,
    reason = "the tests' own client speaks to the server in this process"
)]
fn reqwest_client() -> reqwest::Client {
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none());
    client.build().expect("a client can be made")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_was_put_there_before_is_not_taken_over() {
    let house = House::without_evidence().await;
    house.account("one", &[(Role::Executive, "HD")]).await;
    let mut visitor = house.nobody();
    let planted = "ab".repeat(32);
    visitor.cookie = Some(planted.clone());
    let answer = visitor.sign_in("one", PASSWORD, "/").await.is(303);
    let session = answer.cookie("keiki-session").expect("a session begins");
    assert_ne!(session, planted);
    let cookie = answer.header("set-cookie");
    assert!(
        cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax"),
        "{cookie}"
    );
    visitor.get("/scorecard").await.is(303);
    visitor.cookie = Some(session);
    visitor.get("/scorecard").await.is(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_sent_elsewhere_and_no_header_is_made_up() {
    let house = House::without_evidence().await;
    house.account("one", &[(Role::Executive, "HD")]).await;
    let nobody = house.nobody();
    for next in [
        "https://evil.example/",
        "//evil.example",
        "/\\evil.example",
        "/\r\nset-cookie: planted=1",
    ] {
        let answer = nobody.sign_in("one", PASSWORD, next).await.is(303);
        assert_eq!(answer.header("location"), "/", "{next}");
        assert_eq!(answer.cookie("planted"), None);
        let fields = [("language", "en"), ("next", next)];
        let answer = nobody.post("/language", &fields).await.is(303);
        assert_eq!(answer.header("location"), "/", "{next}");
    }
    let own = nobody
        .sign_in("one", PASSWORD, "/kpis/1?period=2026-05")
        .await;
    assert_eq!(own.header("location"), "/kpis/1?period=2026-05");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_carries_the_security_headers_and_no_path_leads_out() {
    let house = House::without_evidence().await;
    let nobody = house.nobody();
    for path in [
        "/sign-in",
        "/nowhere",
        "/static/0/keiki.css",
        "/static/0/..%2f..%2fCargo.toml",
        "/static/..%2f..%2fkeiki.toml/x",
        "/..%2fkeiki.toml",
        "/.keiki/keiki.db",
        "/kpis/..%2f..%2f",
    ] {
        let answer = nobody.get(path).await;
        let policy = answer.header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'"), "{path}");
        assert!(!policy.contains("unsafe"), "{path}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(answer.header("x-frame-options"), "DENY", "{path}");
        assert_eq!(answer.header("cache-control"), "no-store", "{path}");
        assert!(!answer.text.contains("[organisation]"), "{path}");
        assert_eq!(answer.status.is_success(), path == "/sign-in", "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_large_is_refused_with_a_page() {
    let house = House::without_evidence().await;
    let large = "x".repeat(300 << 10);
    let nobody = house.nobody();
    nobody
        .sign_in("one", &large, "/")
        .await
        .is(413)
        .says("too large");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_fails_shows_a_number_and_never_the_cause() {
    let house = House::without_evidence().await;
    let one = house.visitor("one", &[(Role::Executive, "HD")]).await;
    one.get("/scorecard").await.is(200);
    let file = house.workspace.root.join("programme.toml");
    std::fs::write(file, "[adopted]\nkpis = [\"the cause\"]\n").expect("it can be written");
    // The files are looked at again after a moment.
    let mut answer = one.get("/scorecard").await;
    while answer.status == 200 {
        answer = one.get("/scorecard").await;
    }
    answer
        .is(500)
        .says("Give an administrator the number")
        .says_nothing_of("the cause")
        .says_nothing_of("programme.toml");
}

/// The lines of an answer to what is written to a server, which is read until the server ends the connection.
fn answer_to(house: &House, written: &str) -> String {
    let host = house.url.trim_start_matches("http://");
    let mut stream = TcpStream::connect(host).expect("the server listens");
    stream
        .write_all(written.as_bytes())
        .expect("it can be written");
    let mut answer = Vec::new();
    // Nothing more is sent: the server is the one who has to lose patience.
    stream.read_to_end(&mut answer).expect("the server ends it");
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn who_sends_headers_or_a_body_drop_by_drop_is_not_waited_for() {
    let house = House::in_a_hurry_for_headers().await;
    let headers = answer_to(&house, "GET /sign-in HTTP/1.1\r\nHost: keiki\r\nX-Slow: ");
    assert!(!headers.contains("200 OK"), "{headers}");
    let house = House::in_a_hurry_for_bodies().await;
    let body = format!(
        "POST /sign-in HTTP/1.1\r\nHost: keiki\r\nOrigin: {}\r\nSec-Fetch-Site: same-origin\r\nAccept-Language: en\r\n\
         Connection: close\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 1000\r\n\r\nname=a",
        "http://keiki"
    );
    let body = answer_to(&house, &body);
    assert!(body.starts_with("HTTP/1.1 503"), "{body}");
    assert!(body.contains("took too long"), "{body}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_never_ends_is_cut_and_leaves_nothing() {
    let house = House::without_evidence().await;
    let owner = house.visitor("owner", &[(Role::DataOwner, "JP1")]).await;
    let session = owner.cookie.clone().expect("owner is signed in");
    let host = house.url.trim_start_matches("http://").to_owned();
    let url = house.url.clone();
    let written = tokio::task::spawn_blocking(move || {
        let mut stream = TcpStream::connect(&host).expect("the server listens");
        let head = format!(
            "POST /submit HTTP/1.1\r\nHost: {host}\r\nOrigin: {url}\r\nCookie: keiki-session={session}\r\n\
             Content-Type: multipart/form-data; boundary=edge\r\nTransfer-Encoding: chunked\r\n\r\n"
        );
        let part =
            "--edge\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.csv\"\r\n\r\n";
        let first = format!("{:x}\r\n{part}\r\n", part.len());
        stream
            .write_all(head.as_bytes())
            .expect("it can be written");
        stream
            .write_all(first.as_bytes())
            .expect("it can be written");
        let bytes = "x".repeat(1 << 20);
        let chunk = format!("{:x}\r\n{bytes}\r\n", bytes.len());
        let mut count = 0_usize;
        // Far more than any file may hold; the server stops listening before.
        while count < 1024 && stream.write_all(chunk.as_bytes()).is_ok() {
            count += 1;
        }
        count
    });
    let written = written.await.expect("it comes to its end");
    assert!(written < 1024, "{written} MB were taken in");
    let waiting = house.workspace.root.join(".keiki/waiting");
    let mut left = usize::MAX;
    while left > 0 {
        owner.get("/account").await.is(200);
        left = std::fs::read_dir(&waiting).expect("it is there").count();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_anothers_is_told_from_what_is_not_by_nothing() {
    let house = House::without_evidence().await;
    let one = house.visitor("one", &[(Role::DataOwner, "JP1")]).await;
    let two = house.visitor("two", &[(Role::DataOwner, "JP1")]).await;
    let data = one.get("/api/v1/sessions").await.is(200).data();
    let session = data["items"][0]["id"]
        .as_str()
        .expect("it has an id")
        .to_owned();
    let asked = serde_json::json!({ "name": "mine", "rights": ["see"] });
    let made = one.tell("/api/v1/tokens", &asked).await.is(200).data();
    let token = made["id"].as_str().expect("it has an id").to_owned();
    for (path, id) in [("/account/sessions/", session), ("/account/tokens/", token)] {
        let anothers = two.post(&format!("{path}{id}"), &[]).await.is(404);
        let unknown = "0123456789abcdef";
        let nobodys = two.post(&format!("{path}{unknown}"), &[]).await.is(404);
        assert_eq!(
            anothers.text.replace(&id, ""),
            nobodys.text.replace(unknown, "")
        );
    }
    one.get("/account").await.is(200).says("mine");
}

#[tokio::test(flavor = "multi_thread")]
async fn fields_that_a_form_does_not_have_change_nothing() {
    let house = House::without_evidence().await;
    let admin = house.visitor("admin", &[(Role::Administrator, "HD")]).await;
    let fields = [
        ("name", "new"),
        ("shown_name", ""),
        ("role", "executive"),
        ("unit", "JP1"),
        ("id", "1"),
        ("password", "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$AAAA"),
        ("grants", "administrator@HD"),
        ("created_at", "0"),
    ];
    admin.post("/users", &fields).await.is(200);
    let new = house.registry.named("new").await.expect("it was made");
    assert_eq!(new.password, None);
    assert_eq!(
        new.grants,
        crate::house::grants(&[(Role::Executive, "JP1")])
    );
    let one = house.visitor("one", &[(Role::Executive, "JP1")]).await;
    let fields = [
        ("language", "ja"),
        ("next", "/"),
        ("role", "administrator"),
        ("unit", "HD"),
    ];
    one.post("/language", &fields).await.is(303);
    let token = [
        ("name", "mine"),
        ("days", "1"),
        ("right", "see"),
        ("account", "admin"),
        ("expires_at", "9"),
    ];
    one.post("/account/tokens", &token).await.is(200);
    let one_account = house.registry.named("one").await.expect("it is there");
    assert_eq!(
        one_account.grants,
        crate::house::grants(&[(Role::Executive, "JP1")])
    );
    one.get("/users").await.is(403);
    // Data with a field that nobody knows is refused as a whole.
    let data = serde_json::json!({ "name": "mine", "rights": ["see"], "account": "admin" });
    one.tell("/api/v1/tokens", &data).await.is(400);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_line_of_the_log_and_no_header_is_made_up() {
    let house = House::new().await;
    let roles = [(Role::ProgrammeOffice, "HD"), (Role::PersonalReader, "HD")];
    let office = house.visitor("office", &roles).await;
    let nobody = house.nobody();
    let events = async || {
        let log = house.registry.log().before(None, 100).await;
        log.expect("the log can be read")
    };
    // A name that would be a line of its own is none.
    let before = events().await.len();
    nobody
        .sign_in("x\r\n2026-01-01 admin sign_in", PASSWORD, "/")
        .await
        .is(401);
    assert_eq!(events().await.len(), before);
    // Nobody says from where they come who is not a proxy that is known.
    let request = nobody.request(&Method::POST, "/sign-in");
    let request = request.header("x-forwarded-for", "203.0.113.7");
    let fields = [("name", "nobody"), ("password", PASSWORD)];
    nobody.send(form(request, &fields)).await.is(401);
    assert_eq!(events().await[0].event.address, "127.0.0.1");
    // A file's name goes into headers and log as a name.
    let name = "a\"b\r\nSet-Cookie: planted=1\r\n.csv";
    let query: String = url::form_urlencoded::byte_serialize(name.as_bytes()).collect();
    let path = format!("/api/v1/submissions?into=dataset:assets&unit=US1&name={query}");
    let request = office.request(&Method::POST, &path);
    let text = "asset_id,org_unit,kind,name,is_in_scope\nA8,US1,hardware,one,true\n";
    let taken = office
        .send(request.header("content-type", "text/csv").body(text))
        .await;
    let seq = taken.is(200).data()["seq"].as_i64().expect("it was new");
    let event = events().await[0].event.clone();
    assert_eq!(event.action, "submit");
    assert!(!event.detail.contains(['\r', '\n', '"']), "{event:?}");
    let file = office
        .get(&format!("/api/v1/batches/{seq}/files/0"))
        .await
        .is(200);
    assert_eq!(file.cookie("planted"), None);
    let disposition = file.header("content-disposition");
    assert!(disposition.starts_with("attachment;"), "{disposition}");
    assert_eq!(disposition.matches('"').count() % 2, 0, "{disposition}");
    assert_eq!(
        house.registry.log().broken().await.expect("it can be read"),
        None
    );
}

/// What ends a text and begins markup.
const HOSTILE: &str = "\"><script>alert('x')</script><img src=x onerror=alert(1)>";

/// Sends rows into every dataset, with markup in every text.
async fn send_hostile_rows(house: &House, office: &Visitor<'_>) {
    use keiki_model::dataset::ColumnType;
    // Every text column of every dataset, in rows that are taken in and in rows that are not, with hostile names of columns and files.
    for dataset in house.workspace.catalogue.datasets.values() {
        if dataset.distinct.is_some() {
            continue;
        }
        let columns = dataset.columns.iter();
        let value = |column: &keiki_model::dataset::Column| match column.kind {
            ColumnType::Text if column.name == "org_unit" => "JP1".to_owned(),
            ColumnType::Text => HOSTILE.replace('"', "\"\""),
            ColumnType::Integer | ColumnType::Decimal { .. } => "1".to_owned(),
            ColumnType::Date => "2026-05-01".to_owned(),
            ColumnType::Instant => "2026-05-01T00:00:00Z".to_owned(),
            ColumnType::Boolean => "true".to_owned(),
        };
        let names: Vec<&str> = columns.clone().map(|one| one.name.as_str()).collect();
        let good: Vec<String> = columns
            .clone()
            .map(|one| format!("\"{}\"", value(one)))
            .collect();
        let bad: Vec<String> = columns
            .map(|_| format!("\"{}\"", HOSTILE.replace('"', "\"\"")))
            .collect();
        let text = format!(
            "{}\n{}\n{}\n",
            names.join(","),
            good.join(","),
            bad.join(",")
        );
        let path = format!(
            "/api/v1/submissions?into=dataset:{}&name=%3Cscript%3Ealert(1)%3C%2Fscript%3E.csv&as_of=2026-05-31",
            dataset.name
        );
        let request = office.request(&Method::POST, &path).body(text);
        let answer = office.send(request).await;
        assert!(
            !answer.status.is_server_error(),
            "{} {answer:?}",
            dataset.name
        );
    }
}

/// Says hostile words wherever people write some.
async fn write_hostile_words(office: &Visitor<'_>) {
    // Words that people write.
    let explanation = serde_json::json!({
        "period": "2026-05", "unit": "HD", "indicator": "inventory_ratio", "cause": HOSTILE, "action": HOSTILE,
        "owner": HOSTILE,
    });
    let said = office
        .tell("/api/v1/kpis/1/explanations", &explanation)
        .await;
    assert!(!said.status.is_server_error(), "{said:?}");
    let link = [
        ("holder", HOSTILE),
        ("unit", "JP1"),
        ("into", "dataset:assets"),
        ("period", "2026-05"),
        ("days", "1"),
    ];
    office.post("/upload-links", &link).await.is(200);
    let total = [
        ("indicator", "1:inventory_ratio"),
        ("unit", "US1"),
        ("period", "2026-05"),
        ("numerator", "7"),
        ("denominator", "8"),
        ("attachment", HOSTILE),
    ];
    office
        .post_parts("/submit/total", &total, None)
        .await
        .is(200);
    let owner = [
        ("kind", "owner"),
        ("kpi", "1"),
        ("org_unit", "HD"),
        ("from", "2026-04-01"),
        ("owner", HOSTILE),
        ("reason", HOSTILE),
        ("act", "make"),
    ];
    office.post("/programme/change", &owner).await.is(303);
    let close = [("period", "2026-05"), ("reason", HOSTILE)];
    office.post("/close/request", &close).await.is(303);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_field_that_somebody_fills_in_is_shown_as_text() {
    let house = House::new().await;
    let office = house
        .visitor("office", &[(Role::ProgrammeOffice, "HD")])
        .await;
    let personal = [(Role::Auditor, "HD"), (Role::PersonalReader, "HD")];
    let auditor = house.visitor("auditor", &personal).await;
    let seen = async |visitor: &Visitor<'_>, path: &str| {
        let page = visitor.get(path).await;
        assert!(page.status.is_success(), "{path} {}", page.status);
        for markup in ["<script>alert", "<img src=x", "onerror=alert(1)>"] {
            assert!(!page.text.contains(markup), "{markup} in {path}");
        }
    };
    send_hostile_rows(&house, &office).await;
    write_hostile_words(&office).await;
    for path in [
        "/scorecard?period=2026-05",
        "/kpis/1?period=2026-05",
        "/kpis/1/rows?period=2026-05",
        "/evidence",
        "/programme",
        "/programme/organisation",
        "/close?period=2026-05",
        "/requests",
        "/log",
    ] {
        seen(&auditor, path).await;
    }
    seen(&office, "/upload-links").await;
    seen(&office, "/todo").await;
    let batches = auditor
        .get("/api/v1/batches?limit=1000")
        .await
        .is(200)
        .data();
    let batches = batches["items"].as_array().expect("a list").clone();
    assert!(batches.len() > 10, "{}", batches.len());
    for one in &batches {
        let seq = one["seq"].as_i64().expect("a number");
        seen(&auditor, &format!("/batches/{seq}")).await;
    }
}
