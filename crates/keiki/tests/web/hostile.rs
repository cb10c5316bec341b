//! Hostile input: what comes from outside does no harm, whatever it is.

use keiki_model::access::Role;
use reqwest::Method;

use crate::house::{House, PASSWORD, SCRIPT, form};

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
