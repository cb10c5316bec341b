//! Signing in and out: links, sessions, wrong passwords.

use keiki_model::access::{Right, Role};
use keiki_store::AccountStanding;

use crate::house::{House, PASSWORD, actor, form};

#[tokio::test(flavor = "multi_thread")]
async fn the_first_administrator_signs_up_by_a_link_that_holds_once() {
    let house = House::without_evidence().await;
    let token = house.registry.first_link(keiki::environment::now()).await;
    let token = token
        .expect("the database can be read")
        .expect("nobody is there");
    let path = format!("/welcome/{token}");
    let nobody = house.nobody();
    nobody.get(&path).await.is(200).says("first administrator");
    let weak = [
        ("name", "admin"),
        ("password", "password1234"),
        ("again", "password1234"),
    ];
    nobody
        .post(&path, &weak)
        .await
        .is(422)
        .says("easy to guess");
    let other = [
        ("name", "admin"),
        ("password", PASSWORD),
        ("again", "something else"),
    ];
    nobody
        .post(&path, &other)
        .await
        .is(422)
        .says("not the same");
    let good = [
        ("name", "Admin"),
        ("password", PASSWORD),
        ("again", PASSWORD),
    ];
    nobody.post(&path, &good).await.is(303);
    nobody.get(&path).await.is(404);
    nobody.post(&path, &good).await.is(404);
    nobody.sign_in("ADMIN", PASSWORD, "/").await.is(303);
    let again = house.registry.first_link(keiki::environment::now()).await;
    assert_eq!(again.expect("the database can be read"), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_the_first_administrator_where_there_is_an_account() {
    let house = House::without_evidence().await;
    let token = house.registry.first_link(keiki::environment::now()).await;
    let token = token
        .expect("the database can be read")
        .expect("nobody is there");
    house.account("one", &[(Role::Administrator, "HD")]).await;
    let path = format!("/welcome/{token}");
    let nobody = house.nobody();
    nobody.get(&path).await.is(404);
    let good = [
        ("name", "admin"),
        ("password", PASSWORD),
        ("again", PASSWORD),
    ];
    nobody.post(&path, &good).await.is(404);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_administrator_keeps_the_role() {
    let house = House::without_evidence().await;
    let role = [(Role::Administrator, "HD")];
    let admin = house.visitor("admin", &role).await;
    let fields = [("role", "administrator"), ("unit", "HD")];
    admin
        .post("/users/admin/roles", &fields)
        .await
        .is(422)
        .says("the last administrator stays");
    house.account("second", &role).await;
    admin.post("/users/admin/roles", &fields).await.is(303);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_ends_when_it_is_signed_out_or_its_account_is_disabled() {
    let house = House::without_evidence().await;
    let one = house.visitor("one", &[(Role::Executive, "HD")]).await;
    one.get("/scorecard").await.is(200).says("one");
    one.post("/sign-out", &[]).await.is(303);
    one.get("/scorecard").await.is(303);
    let two = house.visitor("two", &[(Role::Executive, "HD")]).await;
    two.get("/scorecard").await.is(200);
    let disabled = AccountStanding::Disabled;
    let done = house
        .registry
        .set_standing("two", disabled, &actor("tests"))
        .await;
    done.expect("it is disabled");
    two.get("/scorecard").await.is(303);
    house.nobody().sign_in("two", PASSWORD, "/").await.is(401);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_learns_who_has_an_account_and_guessing_is_locked_out() {
    let house = House::without_evidence().await;
    house.account("known", &[(Role::Executive, "HD")]).await;
    let nobody = house.nobody();
    let wrong = nobody
        .sign_in("known", "wrong horse battery", "/")
        .await
        .is(401);
    let unknown = nobody
        .sign_in("unknown", "wrong horse battery", "/")
        .await
        .is(401);
    assert_eq!(wrong.text, unknown.text);
    for _ in 0..4 {
        nobody
            .sign_in("known", "wrong horse battery", "/")
            .await
            .is(401);
    }
    // The right password comes too late, and is told from a wrong one by nothing.
    let locked = nobody.sign_in("known", PASSWORD, "/").await.is(401);
    assert_eq!(locked.text, wrong.text);
    // What is tried meanwhile is counted, and fills neither the log nor the database; nor does what can be no name.
    let log = house.registry.log();
    let before = log.before(None, 100).await.expect("the log can be read");
    nobody.sign_in("known", PASSWORD, "/").await.is(401);
    let impossible = "x".repeat(65);
    let answer = nobody.sign_in(&impossible, PASSWORD, "/").await.is(401);
    assert_eq!(answer.text, wrong.text);
    let after = log.before(None, 100).await.expect("the log can be read");
    assert_eq!(before.len(), after.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn who_did_what_is_written_down_and_bound() {
    let house = House::without_evidence().await;
    let one = house.visitor("one", &[(Role::Executive, "HD")]).await;
    one.post("/sign-out", &[]).await.is(303);
    house
        .nobody()
        .sign_in("one", "wrong horse battery", "/")
        .await
        .is(401);
    let log = house.registry.log();
    let events = log.before(None, 10).await.expect("the log can be read");
    let words: Vec<&str> = events.iter().map(|one| one.event.action.as_str()).collect();
    assert_eq!(
        words,
        [
            "sign_in_refused",
            "sign_out",
            "sign_in",
            "password_set",
            "account_add"
        ]
    );
    assert_eq!(log.broken().await.expect("the log can be read"), None);
}

/// The code that a program shows for a secret, some steps from now.
fn code(secret: &str, steps: i64) -> String {
    let secret = totp_rs::Secret::try_from_base32(secret).expect("it is a secret");
    let totp = totp_rs::Builder::new().with_secret(secret).build();
    let seconds = keiki::environment::now() / 1_000_000 + 30 * steps;
    let seconds = u64::try_from(seconds).expect("it is after 1970");
    totp.expect("it is sound").generate(seconds).to_string()
}

/// The text between two others.
fn between<'t>(text: &'t str, before: &str, after: &str) -> &'t str {
    let at = text.find(before).expect("it is there") + before.len();
    let rest = &text[at..];
    &rest[..rest.find(after).expect("it ends")]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_factor_is_asked_for_and_each_of_its_codes_holds_once() {
    let house = House::without_evidence().await;
    let one = house.visitor("one", &[(Role::Executive, "HD")]).await;
    one.post("/account/second-factor", &[]).await.is(303);
    let page = one.get("/account").await.is(200);
    let secret = between(&page.text, "<br><code>", "</code>").to_owned();
    // A telephone reads the same from the page, in which nothing is loaded from elsewhere.
    assert!(between(&page.text, "<svg class=\"code\"", "</svg>").contains("<path d=\"M"));
    let confirm = "/account/second-factor/confirm";
    one.post(confirm, &[("code", "000000")])
        .await
        .is(422)
        .says("the code is wrong");
    // It does not count before a code of it was shown.
    house.nobody().sign_in("one", PASSWORD, "/").await.is(303);
    let now = code(&secret, 0);
    let page = one.post(confirm, &[("code", &now)]).await.is(200);
    let recovery = between(&page.text, "<li><code>", "</code>").to_owned();
    let nobody = house.nobody();
    let with = async |code: &str| {
        let fields = [("name", "one"), ("password", PASSWORD), ("code", code)];
        nobody.post("/sign-in", &fields).await
    };
    with("").await.is(401);
    with(&now).await.is(401);
    with(&code(&secret, 1)).await.is(303);
    with(&recovery).await.is(303);
    with(&recovery).await.is(401);
    one.post(confirm, &[("code", "1")]).await.is(422);
    // Nor is it guessed away: the right code comes too late after five wrong ones.
    let remove = "/account/second-factor/remove";
    for _ in 0..5 {
        one.post(remove, &[("code", "1")]).await.is(422);
    }
    let another = between(
        &page.text,
        &format!("<li><code>{recovery}</code></li>"),
        "</ul>",
    );
    let another = between(another, "<li><code>", "</code>");
    one.post(remove, &[("code", another)]).await.is(422);
    let log = house.registry.log();
    let events = log.before(None, 1).await.expect("the log can be read");
    assert_eq!(events[0].event.action, "second_factor_refused");
    // Who lost everything asks an administrator.
    let admin = house.visitor("admin", &[(Role::Administrator, "HD")]).await;
    admin.post("/users/one/second-factor", &[]).await.is(303);
    with("").await.is(303);
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_sees_where_they_are_signed_in_and_ends_what_they_do_not_know() {
    let house = House::without_evidence().await;
    let here = house.visitor("one", &[(Role::Executive, "HD")]).await;
    let fields = [("name", "one"), ("password", PASSWORD)];
    let nobody = house.nobody();
    let request = nobody.request(&reqwest::Method::POST, "/sign-in");
    let request = request.header("user-agent", "<b>Another</b> browser");
    let there = nobody.send(form(request, &fields)).await.is(303);
    let there = house.still(there.cookie("keiki-session"));
    there.get("/scorecard").await.is(200);
    let page = here.get("/account").await.is(200);
    let page = page
        .says("&#60;b&#62;Another")
        .says("<span class=\"pill\">here</span>");
    // The latest comes first, and is the other one.
    let action = between(&page.text, "action=\"/account/sessions/", "\"");
    let path = format!("/account/sessions/{action}");
    here.post(&path, &[]).await.is(303);
    there.get("/scorecard").await.is(303);
    here.get("/scorecard").await.is(200);
    here.post(&path, &[]).await.is(404);
    let log = house.registry.log();
    let events = log.before(None, 1).await.expect("the log can be read");
    assert_eq!(events[0].event.action, "session_end");
    // A program lists them and ends none.
    let program = house.program("one", &[Right::See]).await;
    let listed = program.get("/api/v1/sessions").await.is(200).data();
    let id = listed["items"][0]["id"]
        .as_str()
        .expect("one is left")
        .to_owned();
    let end = format!("/api/v1/sessions/{id}/end");
    program.tell(&end, &serde_json::json!({})).await.is(403);
    here.tell(&end, &serde_json::json!({})).await.is(200);
    here.get("/scorecard").await.is(303);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_token_touches_a_second_factor() {
    let house = House::without_evidence().await;
    let roles = [(Role::Administrator, "HD")];
    let one = house.visitor("one", &roles).await;
    one.post("/account/second-factor", &[]).await.is(303);
    let page = one.get("/account").await.is(200);
    let secret = between(&page.text, "<code>", "</code>");
    let now = code(secret, 0);
    let every = Right::ALL.map(|(_, right)| right);
    let program = house.program("one", &every).await;
    // The pages take a session, whatever a token's rights are, and there is no such thing for programs.
    for path in ["", "/confirm", "/remove"] {
        let page = format!("/account/second-factor{path}");
        let answer = program.post(&page, &[("code", &now)]).await;
        assert_ne!(answer.status, 200, "{answer:?}");
        for prefix in ["/api/v1/me", "/api/v1/account"] {
            let path = format!("{prefix}/second-factor{path}");
            let given = serde_json::json!({ "code": now });
            program.tell(&path, &given).await.is(404);
        }
    }
    one.post("/account/second-factor/confirm", &[("code", &now)])
        .await
        .is(200);
    // Nor does a token with the right to administer take one away, its own account's least of all.
    let remove = "/api/v1/users/one/second-factor/remove";
    program.tell(remove, &serde_json::json!({})).await.is(403);
    house.nobody().sign_in("one", PASSWORD, "/").await.is(401);
    one.tell(remove, &serde_json::json!({})).await.is(200);
    house.nobody().sign_in("one", PASSWORD, "/").await.is(303);
}
