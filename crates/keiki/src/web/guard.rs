//! What is asked of every request, and said with every response, whatever the route.
//!
//! A request that changes something comes from a page of this server: its `Origin` is the server's own, or the browser says so in
//! `Sec-Fetch-Site`. With cookies that are `SameSite=Lax` that needs no token in forms. *Source*: decision 0044; OWASP CSRF
//! Prevention Cheat Sheet; Fetch Metadata.

use axum::extract::{Request, State};
use axum::http::header::{self, HeaderName};
use axum::http::{HeaderMap, HeaderValue, Method};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use url::Url;

use super::failure::Failure;
use super::routes::Need;
use super::site::{Shared, Transport};
use super::visitor::Visitor;
use crate::error::Error;
use crate::operations::openid_connect::Provider;

/// What a page may load: its own style sheets, scripts and pictures, and nothing from elsewhere or from within itself.
const POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self'; font-src 'self'; script-src 'self'; \
                      connect-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'";

const HEADERS: [(HeaderName, &str); 6] = [
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "same-origin"),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    ),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    ),
    (
        HeaderName::from_static("permissions-policy"),
        "camera=(), microphone=(), geolocation=(), payment=()",
    ),
];

/// What a page may load. The form that signs out may lead on to the provider of sign-ins, where there is one.
pub(super) fn policy(provider: Option<&Provider>) -> HeaderValue {
    let origin = provider.map(Provider::origin).unwrap_or_default();
    let policy = HeaderValue::from_str(format!("{POLICY} {origin}").trim_end());
    policy.unwrap_or_else(|_| HeaderValue::from_static(POLICY))
}

/// Puts the security headers on every response.
pub(super) async fn headers(State(site): State<Shared>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.insert(header::CONTENT_SECURITY_POLICY, site.policy.clone());
    if site.way.transport == Transport::Tls {
        let value = HeaderValue::from_static("max-age=31536000");
        headers.insert(header::STRICT_TRANSPORT_SECURITY, value);
    }
    // What a page says is for whoever asked, and for now.
    let value = HeaderValue::from_static("no-store");
    headers.entry(header::CACHE_CONTROL).or_insert(value);
    response
}

/// Refuses what would change something and does not come from a page of this server.
pub(super) async fn own_origin(request: Request, next: Next) -> Response {
    let reads = matches!(
        *request.method(),
        Method::GET | Method::HEAD | Method::OPTIONS
    );
    // HTTP/2 names the server in the address, HTTP/1.1 in a header.
    let authority = request
        .uri()
        .authority()
        .map(axum::http::uri::Authority::as_str);
    let visitor = request.extensions().get::<Visitor>();
    let is_harmless = visitor.is_some_and(|visitor| !visitor.could_be_forged());
    if reads || is_harmless || is_own(request.headers(), authority) {
        return next.run(request).await;
    }
    Failure::from(Error::Forbidden).into_response()
}

fn is_own(headers: &HeaderMap, authority: Option<&str>) -> bool {
    let text = |name: HeaderName| headers.get(name).map(|value| value.to_str().unwrap_or(""));
    let fetched = text(HeaderName::from_static("sec-fetch-site"));
    let origin = text(header::ORIGIN);
    let host = text(header::HOST).or(authority).unwrap_or("");
    if fetched.is_some_and(|site| site != "same-origin") {
        return false;
    }
    match origin {
        Some(origin) => Url::parse(origin).is_ok_and(|origin| {
            let port = origin.port();
            let name = origin.host_str().unwrap_or("");
            let authority = port.map_or_else(|| name.to_owned(), |port| format!("{name}:{port}"));
            matches!(origin.scheme(), "http" | "https") && authority.eq_ignore_ascii_case(host)
        }),
        None => fetched.is_some(),
    }
}

/// Lets through who may use a route; who is not signed in is asked to do so.
pub(super) async fn admitted(need: Need, request: Request, next: Next) -> Response {
    let Some(visitor) = request.extensions().get::<Visitor>() else {
        return Failure::internal().into_response();
    };
    let is_reading = *request.method() == Method::GET;
    match need {
        Need::Nothing => next.run(request).await,
        _ if visitor.signed_in.is_none() && visitor.is_program() => {
            Failure::unauthorised().into_response()
        }
        _ if visitor.signed_in.is_none() => {
            let next = if is_reading {
                visitor.path.as_str()
            } else {
                "/"
            };
            let query: String = url::form_urlencoded::byte_serialize(next.as_bytes()).collect();
            Redirect::to(&format!("/sign-in?next={query}")).into_response()
        }
        need if need.is_met_by(&visitor.scope(), &visitor.root) => next.run(request).await,
        _ => Failure::from(Error::Forbidden).into_response(),
    }
}

/// A place on this server to go on to, from what a visitor says; the front page where it is anything else.
pub(super) fn local(next: Option<&str>) -> String {
    const FRONT: &str = "/";
    let Some(next) = next.filter(|next| next.starts_with('/')) else {
        return FRONT.to_owned();
    };
    let here = Url::parse("http://keiki.invalid").ok();
    let joined = here.as_ref().and_then(|here| here.join(next).ok());
    let is_plain = !next.contains(['\\', '\r', '\n', '\t', '\0']);
    match joined.filter(|joined| is_plain && joined.origin() == here_origin(here.as_ref())) {
        Some(joined) => match joined.query() {
            Some(query) => format!("{}?{query}", joined.path()),
            None => joined.path().to_owned(),
        },
        None => FRONT.to_owned(),
    }
}

fn here_origin(here: Option<&Url>) -> url::Origin {
    here.map_or_else(url::Origin::new_opaque, Url::origin)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(of: &[(&'static str, &'static str)]) -> HeaderMap {
        let pair = |(name, value): &(&'static str, &'static str)| {
            (
                HeaderName::from_static(name),
                HeaderValue::from_static(value),
            )
        };
        of.iter().map(pair).collect()
    }

    #[test]
    fn what_changes_something_comes_from_a_page_of_this_server() {
        let host = ("host", "keiki.example:8080");
        for own in [
            headers(&[host, ("origin", "http://keiki.example:8080")]),
            headers(&[host, ("sec-fetch-site", "same-origin")]),
        ] {
            assert!(is_own(&own, None), "{own:?}");
        }
        for foreign in [
            headers(&[host]),
            headers(&[host, ("origin", "null")]),
            headers(&[host, ("origin", "http://keiki.example")]),
            headers(&[host, ("origin", "http://keiki.example.evil:8080")]),
            headers(&[host, ("sec-fetch-site", "same-site")]),
            headers(&[
                host,
                ("origin", "http://keiki.example:8080"),
                ("sec-fetch-site", "cross-site"),
            ]),
        ] {
            assert!(!is_own(&foreign, None), "{foreign:?}");
        }
    }

    #[test]
    fn over_http_2_the_address_names_the_server() {
        let own = headers(&[("origin", "https://keiki.example")]);
        assert!(is_own(&own, Some("keiki.example")));
        assert!(!is_own(&own, Some("other.example")));
        assert!(!is_own(&own, None));
    }

    #[test]
    fn nobody_is_sent_elsewhere() {
        assert_eq!(
            local(Some("/kpis/1?period=2026-09")),
            "/kpis/1?period=2026-09"
        );
        for elsewhere in [
            "https://evil.example/",
            "//evil.example/",
            "/\\evil.example/",
            "/\t/evil.example",
            "\\\\evil.example",
            "javascript:alert(1)",
            "",
            "/\r\nSet-Cookie: a=b",
        ] {
            assert_eq!(local(Some(elsewhere)), "/", "{elsewhere}");
        }
        assert_eq!(local(None), "/");
    }
}
