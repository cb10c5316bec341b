//! Signing in by `OpenID` Connect, against oidc-provider, the certified provider of the npm registry.

#![expect(
    clippy::disallowed_methods,
    reason = "the tests' own client speaks to the servers of the tests"
)]

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use keiki_model::access::Role;
use keiki_store::AccountStanding;
use reqwest::redirect::Policy;
use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};
use url::Url;

use crate::house::{Answer, House, PASSWORD, actor, form};
use crate::packages::installed;

const PACKAGE: &str = include_str!("openid/package.json");
const LOCK: &str = include_str!("openid/package-lock.json");
const SCRIPT: &str = include_str!("openid/provider.mjs");
/// How often somebody is led on at most.
const STEPS_MOST: usize = 12;

/// A provider, for one test.
pub(crate) struct Provider {
    process: Child,
    pub(crate) issuer: String,
    client: Client,
}

impl Provider {
    pub(crate) fn start() -> Self {
        let process = Command::new("node")
            .args(["--input-type=module", "--eval", SCRIPT])
            .current_dir(installed("openid-provider", PACKAGE, LOCK))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn();
        let mut process = process.expect("nodejs is installed");
        let lines = BufReader::new(process.stdout.take().expect("it is piped")).lines();
        let mut lines = lines.map_while(Result::ok);
        let issuer = lines.find_map(|line| line.strip_prefix("listening on ").map(str::to_owned));
        let client = Client::builder().redirect(Policy::none()).build();
        Self {
            issuer: issuer.expect("the provider says its address"),
            process,
            client: client.expect("a client can be made"),
        }
    }

    /// What a workspace says that uses it. An office that sees everything, and owners of one company.
    pub(crate) fn settings(&self, more: &str) -> String {
        format!(
            "{more}\n[openid_connect]\nissuer = \"{}\"\nclient_id = \"keiki\"\nclient_secret = {{ file = \"secret\" }}\n\
             network = \"internal\"\nscopes = [\"profile\", \"groups\"]\nname = {{ ja = \"社員アカウント\", en = \"Staff account\" }}\n\
             [openid_connect.groups]\noffice = [\"programme_office\"]\nowners = [\"data_owner@JP1\"]\n",
            self.issuer
        )
    }

    /// Tells it something.
    pub(crate) async fn say(&self, word: &str, said: &Value) {
        let request = self.client.post(format!("{}/test/{word}", self.issuer));
        let answer = request.body(said.to_string()).send().await;
        let status = answer.expect("the provider answers").status();
        assert_eq!(status, StatusCode::OK, "{word}");
    }

    /// Tells it where a server's pages are.
    pub(crate) async fn knows(&self, house: &House) {
        let client = json!({
            "client_id": "keiki", "client_secret": "a secret of the tests",
            "redirect_uris": [format!("{}/sign-in/openid-connect/return", house.url)],
            "post_logout_redirect_uris": [format!("{}/sign-in", house.url)],
        });
        self.say("client", &client).await;
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        // One that has ended already needs no word.
        self.process.kill().unwrap_or_default();
        self.process.wait().map(drop).unwrap_or_default();
    }
}

/// Somebody's browser, which keeps the cookies of both servers.
struct Browser<'h> {
    house: &'h House,
    client: Client,
    name: &'static str,
    cookies: BTreeMap<(String, String), String>,
}

impl<'h> Browser<'h> {
    fn new(house: &'h House, name: &'static str) -> Self {
        let client = Client::builder().redirect(Policy::none()).build();
        Self {
            house,
            client: client.expect("a client can be made"),
            name,
            cookies: BTreeMap::new(),
        }
    }

    async fn ask(&mut self, method: Method, url: &str, fields: &[(&str, &str)]) -> Answer {
        let host = origin(url);
        let mut request = self.client.request(method.clone(), url);
        let own = self.cookies.iter().filter(|((of, _), _)| *of == host);
        let cookies: Vec<String> = own
            .map(|((_, name), value)| format!("{name}={value}"))
            .collect();
        request = request.header("cookie", cookies.join("; "));
        if method == Method::POST {
            request = form(request.header("origin", &host), fields);
        }
        let response = request.send().await.expect("the server answers");
        for cookie in response.headers().get_all("set-cookie") {
            let text = cookie.to_str().expect("it is text");
            let (name, rest) = text.split_once('=').expect("a cookie has a value");
            let value = rest.split(';').next().unwrap_or_default();
            self.cookies
                .insert((host.clone(), name.to_owned()), value.to_owned());
        }
        Answer {
            status: response.status(),
            headers: response.headers().clone(),
            text: response.text().await.expect("the answer is text"),
        }
    }

    async fn get(&mut self, path: &str) -> Answer {
        let url = format!("{}{path}", self.house.url);
        self.ask(Method::GET, &url, &[]).await
    }

    /// Where the pages send somebody who wants to sign in.
    async fn begin(&mut self, next: &str) -> String {
        let answer = self
            .get(&format!("/sign-in/openid-connect?next={next}"))
            .await;
        answer.is(303).header("location").to_owned()
    }

    /// Signs in at the provider, and comes back with the address to which it leads.
    async fn at_provider(&mut self, url: &str) -> String {
        let mut url = url.to_owned();
        let mut answer = self.ask(Method::GET, &url, &[]).await;
        for _ in 0..STEPS_MOST {
            if answer.status.is_redirection() {
                let next = Url::parse(&url).expect("an address");
                url = next
                    .join(answer.header("location"))
                    .expect("an address")
                    .into();
                if url.starts_with(&self.house.url) {
                    return url;
                }
                answer = self.ask(Method::GET, &url, &[]).await;
            } else {
                let action = between(&answer.text, "action=\"", "\"").to_owned();
                let login = [("prompt", "login"), ("login", self.name), ("password", "x")];
                let is_login = answer.text.contains("name=\"login\"");
                let consent = [("prompt", "consent")];
                let fields = if is_login { &login[..] } else { &consent[..] };
                let next = Url::parse(&url).expect("an address");
                url = next.join(&action).expect("an address").into();
                answer = self.ask(Method::POST, &url, fields).await;
            }
        }
        unreachable!("the provider leads nowhere: {answer:?}")
    }

    /// Comes back to the pages.
    async fn come_back(&mut self, url: &str) -> Answer {
        self.ask(Method::GET, url, &[]).await
    }

    async fn sign_in(&mut self, next: &str) -> Answer {
        let there = self.begin(next).await;
        let back = self.at_provider(&there).await;
        self.come_back(&back).await
    }
}

fn origin(url: &str) -> String {
    let url = Url::parse(url).expect("an address");
    url.origin().ascii_serialization()
}

/// The text between two others.
fn between<'t>(text: &'t str, before: &str, after: &str) -> &'t str {
    let at = text.find(before).expect("it is there") + before.len();
    let rest = &text[at..];
    &rest[..rest.find(after).expect("it ends")]
}

/// A server that knows a provider, which knows it, with people in groups.
async fn acquainted(more: &str) -> (Provider, House) {
    let provider = Provider::start();
    let house = House::with(&provider.settings(more)).await;
    provider.knows(&house).await;
    let groups = json!({ "hanako": ["owners", "others"], "taro": ["others"] });
    provider.say("groups", &groups).await;
    (provider, house)
}

#[tokio::test(flavor = "multi_thread")]
async fn whom_the_provider_names_gets_the_roles_of_their_groups_at_each_sign_in() {
    let (provider, house) = acquainted("").await;
    let mut hanako = Browser::new(&house, "hanako");
    let page = hanako.get("/sign-in?next=/kpis").await.is(200);
    page.says("Sign in with Staff account");
    let answer = hanako.sign_in("%2Fkpis%3Fperiod%3D2026-05").await.is(303);
    assert_eq!(answer.header("location"), "/kpis?period=2026-05");
    let page = hanako.get("/scorecard?period=2026-05").await.is(200);
    page.says("Manufacturing")
        .says("hanako &#60;of the tests&#62;")
        .says_nothing_of("American Branch");
    let account = house.registry.named("hanako").await.expect("it was made");
    assert_eq!((account.password, account.mail), (None, None));
    // More of the group is seen once the group says so, and by the same account.
    provider
        .say("groups", &json!({ "hanako": ["owners", "office"] }))
        .await;
    hanako.get("/close").await.is(200);
    let mut again = Browser::new(&house, "hanako");
    again.sign_in("/").await.is(303);
    again
        .get("/scorecard?period=2026-05")
        .await
        .is(200)
        .says("American Branch");
    // Whose groups are fewer loses what they gave, also where they are still signed in.
    provider
        .say("groups", &json!({ "hanako": ["owners"] }))
        .await;
    let mut third = Browser::new(&house, "hanako");
    third.sign_in("/").await.is(303);
    third
        .get("/scorecard?period=2026-05")
        .await
        .is(200)
        .says_nothing_of("American Branch");
    again.get("/scorecard").await.is(303);
    provider.say("groups", &json!({ "hanako": [] })).await;
    let mut last = Browser::new(&house, "hanako");
    last.sign_in("/").await.is(401).says("none of your groups");
    third.get("/scorecard").await.is(303);
    let all = house.registry.all().await.expect("they can be read");
    let names: Vec<&str> = all.iter().map(|one| one.name.as_str()).collect();
    assert_eq!(names, ["hanako"]);
    // Who has no role is nobody here, and no account is made for them.
    let mut taro = Browser::new(&house, "taro");
    taro.sign_in("/").await.is(401).says("none of your groups");
    assert_eq!(
        house.registry.all().await.expect("they can be read").len(),
        1
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_is_found_by_its_subject_and_by_no_name() {
    let (_provider, house) = acquainted("").await;
    house
        .account("hanako", &[(Role::Administrator, "HD")])
        .await;
    let mut hanako = Browser::new(&house, "hanako");
    hanako.sign_in("/").await.is(303);
    // The local account of that name stays its owner's.
    hanako.get("/users").await.is(403);
    hanako.get("/todo").await.is(200);
    let local = house.registry.named("hanako").await.expect("it is there");
    assert_eq!(local.grants.len(), 1);
    let all = house.registry.all().await.expect("they can be read");
    let other = all.iter().find(|one| one.name.starts_with("oidc-"));
    let other = other.expect("an account was made").name.clone();
    // Disabled stays disabled, whatever the provider says.
    let disabled = AccountStanding::Disabled;
    let done = house
        .registry
        .set_standing(&other, disabled, &actor("tests"))
        .await;
    done.expect("it is disabled");
    hanako.get("/todo").await.is(303);
    Browser::new(&house, "hanako").sign_in("/").await.is(401);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_back_belongs_to_what_was_asked_or_nobody_is_signed_in() {
    let (provider, house) = acquainted("").await;
    let refused = async |browser: &mut Browser<'_>, url: &str| {
        let answer = browser.come_back(url).await.is(401);
        assert_eq!(answer.cookie("keiki-session"), None);
        browser.get("/scorecard").await.is(303);
    };
    // Another state than that of this browser.
    let mut one = Browser::new(&house, "hanako");
    let there = one.begin("/").await;
    let back = one.at_provider(&there).await;
    let wrong = back.replace("state=", "state=0");
    refused(&mut one, &wrong).await;
    // What the browser kept is of use once.
    refused(&mut one, &back).await;
    // The address of a sign-in, opened in the browser of somebody else.
    let mut two = Browser::new(&house, "hanako");
    let there = two.begin("/").await;
    let back = two.at_provider(&there).await;
    let mut victim = Browser::new(&house, "taro");
    refused(&mut victim, &back).await;
    victim.begin("/").await;
    refused(&mut victim, &back).await;
    // Another nonce than the one that was asked for.
    let mut three = Browser::new(&house, "hanako");
    let there = three.begin("/").await;
    let nonce = between(&there, "nonce=", "&").to_owned();
    let back = three.at_provider(&there.replace(&nonce, "0000")).await;
    refused(&mut three, &back).await;
    // A code that was asked for with another secret of PKCE.
    let mut four = Browser::new(&house, "hanako");
    let there = four.begin("/").await;
    let challenge = between(&there, "code_challenge=", "&").to_owned();
    let other = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
    let back = four.at_provider(&there.replace(&challenge, other)).await;
    refused(&mut four, &back).await;
    // Somebody else's word, and none at all.
    let mut five = Browser::new(&house, "hanako");
    let there = five.begin("/").await;
    let back = five.at_provider(&there).await;
    let issuer: String = url::form_urlencoded::byte_serialize(provider.issuer.as_bytes()).collect();
    refused(
        &mut five,
        &back.replace(&issuer, "https%3A%2F%2Fevil.example"),
    )
    .await;
    let nothing = format!("{}/sign-in/openid-connect/return", house.url);
    refused(&mut five, &nothing).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_id_token_that_does_not_hold_signs_nobody_in() {
    let (provider, house) = acquainted("").await;
    for (untrue, flaw) in [
        (json!({ "exp": 1_000_000_000 }), "expired"),
        (json!({ "nbf": 4_000_000_000_u64 }), "not yet"),
        (json!({ "aud": "another" }), "audience"),
        (json!({ "aud": ["keiki", "another"] }), "audience"),
        (json!({ "iss": "https://evil.example" }), "issuer"),
        (json!({ "sub": "" }), "subject"),
    ] {
        provider.say("untrue", &untrue).await;
        let mut hanako = Browser::new(&house, "hanako");
        let answer = hanako.sign_in("/").await.is(401);
        assert_eq!(answer.cookie("keiki-session"), None, "{untrue}");
        let log = house.registry.log().before(None, 1).await;
        let log = log.expect("the log can be read");
        assert_eq!(log[0].event.detail, format!("id_token: {flaw}"));
    }
    // What the provider says elsewhere is of the same person, or is not believed.
    provider.say("untrue", &json!({ "sub": "taro" })).await;
    Browser::new(&house, "hanako").sign_in("/").await.is(503);
    provider.say("untrue", &json!({})).await;
    Browser::new(&house, "hanako").sign_in("/").await.is(303);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_may_change_its_keys() {
    let (provider, house) = acquainted("").await;
    Browser::new(&house, "hanako").sign_in("/").await.is(303);
    provider.say("keys", &json!({})).await;
    Browser::new(&house, "hanako").sign_in("/").await.is(303);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_sent_elsewhere_by_signing_in_at_the_provider() {
    let (_provider, house) = acquainted("").await;
    for next in [
        "https%3A%2F%2Fevil.example",
        "%2F%2Fevil.example",
        "%2F%5Cevil.example",
    ] {
        let answer = Browser::new(&house, "hanako").sign_in(next).await.is(303);
        assert_eq!(answer.header("location"), "/", "{next}");
    }
    // Nor by what a browser says that it kept.
    let mut hanako = Browser::new(&house, "hanako");
    let there = hanako.begin("/").await;
    let key = (house.url.clone(), "keiki-openid".to_owned());
    let kept = hanako.cookies[&key].clone();
    let (kept, _) = kept.rsplit_once('.').expect("it has parts");
    // `//evil.example`
    let planted = format!("{kept}.Ly9ldmlsLmV4YW1wbGU");
    hanako.cookies.insert(key, planted);
    let back = hanako.at_provider(&there).await;
    let answer = hanako.come_back(&back).await.is(303);
    assert_eq!(answer.header("location"), "/");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_signs_out_leaves_the_provider_too_and_passwords_can_be_for_administrators_alone() {
    let (provider, house) = acquainted("[sign_in]\npasswords = \"administrators\"\n").await;
    let mut hanako = Browser::new(&house, "hanako");
    hanako.sign_in("/").await.is(303);
    let out = format!("{}/sign-out", house.url);
    let answer = hanako.ask(Method::POST, &out, &[]).await.is(303);
    let to = answer.header("location");
    assert!(
        to.starts_with(&format!("{}/session/end?id_token_hint=", provider.issuer)),
        "{to}"
    );
    let policy = answer.header("content-security-policy");
    assert!(
        policy.contains(&format!("form-action 'self' {}", provider.issuer)),
        "{policy}"
    );
    hanako.get("/todo").await.is(303);
    hanako.ask(Method::GET, to, &[]).await.is(200);
    house.account("owner", &[(Role::DataOwner, "JP1")]).await;
    house.account("admin", &[(Role::Administrator, "HD")]).await;
    let nobody = house.nobody();
    let page = nobody.get("/sign-in").await.is(200);
    page.says("<summary>With a password (administrators)");
    let unknown = nobody.sign_in("unknown", PASSWORD, "/").await.is(401);
    let refused = nobody.sign_in("owner", PASSWORD, "/").await.is(401);
    assert_eq!(refused.text, unknown.text);
    nobody.sign_in("admin", PASSWORD, "/").await.is(303);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_is_away_is_told_and_passwords_still_hold() {
    let provider = Provider::start();
    let house = House::with(&provider.settings("")).await;
    drop(provider);
    house.account("one", &[(Role::Executive, "HD")]).await;
    let nobody = house.nobody();
    let page = nobody.get("/sign-in/openid-connect").await.is(503);
    page.says("cannot be reached").says_nothing_of("127.0.0.1");
    nobody.sign_in("one", PASSWORD, "/").await.is(303);
}
