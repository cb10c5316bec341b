//! How what is sent is kept from others: a certificate of its own, or proxies that are declared.

use std::process::Command;

use keiki::web::Security;
use keiki_model::access::Role;

use crate::house::{House, PASSWORD};

/// A certificate for this computer, with its key.
fn certificate(house: &House) -> Security {
    let at = |name: &str| house.workspace.root.join(name);
    let (certificate, key) = (at("certificate.pem"), at("key.pem"));
    let made = Command::new("openssl")
        .args([
            "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
        ])
        .args([
            "-subj",
            "/CN=localhost",
            "-addext",
            "subjectAltName=IP:127.0.0.1",
        ])
        .arg("-keyout")
        .arg(&key)
        .arg("-out")
        .arg(&certificate)
        .output();
    let made = made.expect("openssl is installed");
    assert!(made.status.success(), "{made:?}");
    Security::Tls { certificate, key }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the tests' own client speaks to the server in this process"
)]
fn client() -> reqwest::Client {
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none());
    // The certificate is the test's own.
    let client = client.tls_danger_accept_invalid_certs(true);
    client.build().expect("a client can be made")
}

/// What the server says where somebody signs in: the session's cookie, and whether browsers are to come by TLS alone.
async fn sign_in(url: &str, origin: &str) -> (String, bool) {
    let fields = format!("name=one&password={}&next=/", PASSWORD.replace(' ', "+"));
    let request = client()
        .post(format!("{url}/sign-in"))
        .header("origin", origin)
        .header("content-type", "application/x-www-form-urlencoded");
    let answer = request.body(fields).send().await;
    let answer = answer.expect("the server answers");
    assert_eq!(answer.status(), 303, "{answer:?}");
    let headers = answer.headers();
    let cookie = headers["set-cookie"].to_str().expect("it is text");
    let is_strict = headers.contains_key("strict-transport-security");
    (cookie.to_owned(), is_strict)
}

#[tokio::test(flavor = "multi_thread")]
async fn by_a_certificate_of_its_own_a_session_is_the_hosts_alone() {
    let house = House::without_evidence().await;
    house.account("one", &[(Role::Executive, "HD")]).await;
    let security = certificate(&house);
    let house = house.open_to_others(security).await;
    assert!(house.url.starts_with("https://"), "{}", house.url);
    let (cookie, is_strict) = sign_in(&house.url, &house.url).await;
    assert!(cookie.starts_with("__Host-"), "{cookie}");
    for part in ["; Secure", "; HttpOnly", "; Path=/", "; SameSite=Lax"] {
        assert!(cookie.contains(part), "{part}: {cookie}");
    }
    assert!(!cookie.contains("Domain"), "{cookie}");
    assert!(is_strict);
    // Nobody is served in the clear there.
    let plain = house.url.replace("https://", "http://");
    let answer = client().get(format!("{plain}/sign-in")).send().await;
    assert!(!answer.is_ok_and(|answer| answer.status().is_success()));
}

#[tokio::test(flavor = "multi_thread")]
async fn behind_a_declared_proxy_a_session_is_the_hosts_and_its_word_about_addresses_counts() {
    let house = House::without_evidence().await;
    house.account("one", &[(Role::Executive, "HD")]).await;
    let house = house.open_to_others(Security::Proxies(1)).await;
    let inside = house.url.replace("https://", "http://");
    let host = inside.trim_start_matches("http://").to_owned();
    let (cookie, _) = sign_in(&inside, &format!("https://{host}")).await;
    assert!(cookie.starts_with("__Host-"), "{cookie}");
    assert!(cookie.contains("; Secure"), "{cookie}");
    // Of what the headers say only the word of the last proxy counts.
    let wrong = client()
        .post(format!("{inside}/sign-in"))
        .header("origin", format!("https://{host}"))
        .header("x-forwarded-for", "192.0.2.66, 203.0.113.9")
        .header("content-type", "application/x-www-form-urlencoded")
        .body("name=one&password=wrong+horse+battery&next=/");
    let answer = wrong.send().await.expect("the server answers");
    assert_eq!(answer.status(), 401);
    let log = house.registry.log().before(None, 1).await;
    let log = log.expect("the log can be read");
    assert_eq!(log[0].event.address, "203.0.113.9");
}
