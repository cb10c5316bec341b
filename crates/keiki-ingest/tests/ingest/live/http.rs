//! HTTP.

use super::servers::{Http, json};
use super::{Live, SECRET, problems};

fn source(url: &str, more: &str) -> String {
    format!(
        "name = \"live\"\nkind = \"http\"\ndataset = \"assets\"\n[fetch]\nurl = \"{url}/items\"\nnetwork = \"internal\"\n{more}\n\
         [format]\nrecords = \"items\"\n[columns]\nasset_id = \"id\"\norg_unit = \"'JP1'\"\nkind = \"'hardware'\"\n"
    )
}

/// A list of items with these ids.
fn items(ids: &[u32], more: &str) -> String {
    let items: Vec<String> = ids
        .iter()
        .map(|id| format!("{{\"id\":\"A{id}\",\"changed\":\"2026-04-{id:02}T00:00:00Z\"}}"))
        .collect();
    format!("{{\"items\":[{}]{more}}}", items.join(","))
}

/// The value of a parameter in a request's head.
fn parameter(head: &str, name: &str) -> Option<String> {
    let path = head.split(' ').nth(1)?;
    let url = url::Url::parse("http://x").ok()?.join(path).ok()?;
    let found = url.query_pairs().find(|(key, _)| key == name)?;
    Some(found.1.into_owned())
}

#[tokio::test]
async fn every_way_of_paging_leads_to_the_last_page() {
    let pages: [&[u32]; 3] = [&[1, 2], &[3, 4], &[5]];
    let page = move |number: usize| -> &[u32] { pages.get(number).copied().unwrap_or(&[]) };
    let server = Http::start(move |head, _| {
        let number = |name: &str| parameter(head, name).and_then(|text| text.parse::<usize>().ok());
        let at = number("page")
            .map(|page| page - 1)
            .or(number("offset").map(|at| at.div_ceil(2)));
        let at = at
            .or(parameter(head, "token").map(|token| token.len()))
            .unwrap_or(0);
        let next = at + 1 < 3;
        let more = if next {
            format!(
                ",\"next\":\"/items?page={}\",\"meta\":{{\"token\":\"{}\"}},\"total\":5",
                at + 2,
                "x".repeat(at + 1)
            )
        } else {
            ",\"next\":null,\"total\":5".to_owned()
        };
        let link = if next {
            format!("link: </items?page={}>; rel=\"next\"\r\n", at + 2)
        } else {
            String::new()
        };
        json("200 OK", &link, &items(page(at), &more))
    });
    let live = Live::new();
    for (paging, requests) in [
        ("by = \"page\"", 4),
        ("by = \"page\", total = \"total\"", 3),
        ("by = \"offset\", size = 2, size_parameter = \"limit\"", 4),
        ("by = \"next\", path = \"next\"", 3),
        ("by = \"link\"", 3),
        (
            "by = \"cursor\", path = \"meta.token\", parameter = \"token\"",
            3,
        ),
    ] {
        let before = server.requests().len();
        let read = live
            .read(
                &source(&server.url, &format!("paging = {{ {paging} }}")),
                None,
            )
            .await;
        let read = read.unwrap_or_else(|e| unreachable!("{paging}: {e}"));
        assert_eq!(read.evidence.rows.num_rows(), 5, "{paging}");
        assert_eq!(server.requests().len() - before, requests, "{paging}");
        assert_eq!(
            read.texts.len(),
            requests,
            "each answer is kept as it came: {paging}"
        );
    }
}

#[tokio::test]
async fn a_busy_server_is_asked_again_after_the_time_that_it_names() {
    let server = Http::start(|_, number| match number {
        1 => json("429 Too Many Requests", "retry-after: 7\r\n", "{}"),
        2 => json("503 Service Unavailable", "", "{}"),
        3 => Vec::new(),
        _ => json("200 OK", "", &items(&[1], "")),
    });
    let live = Live::new();
    let read = live
        .read(&source(&server.url, ""), None)
        .await
        .expect("it is patient");
    assert_eq!(read.evidence.rows.num_rows(), 1);
    assert_eq!(
        *live.still.waits.lock().expect("nobody panicked"),
        [7, 2, 4]
    );
}

#[tokio::test]
async fn patience_has_an_end() {
    let server = Http::start(|_, _| json("500 Oh No", "", "{\"error\":\"broken\"}"));
    let live = Live::new();
    let fault = live.fault(&source(&server.url, "")).await;
    assert!(
        fault.contains("refused: 500") && fault.contains("broken"),
        "{fault}"
    );
    assert_eq!(server.requests().len(), 5);
    let long = Http::start(|_, _| json("429 Slow Down", "retry-after: 86400\r\n", ""));
    assert!(live.fault(&source(&long.url, "")).await.contains("429"));
    assert_eq!(long.requests().len(), 1);
    let denied = Http::start(|_, _| json("403 Forbidden", "", ""));
    assert!(live.fault(&source(&denied.url, "")).await.contains("403"));
    assert_eq!(denied.requests().len(), 1);
}

#[tokio::test]
async fn a_secret_goes_to_the_server_and_into_no_text() {
    let server = Http::start(|head, _| {
        json(
            "401 Unauthorized",
            "",
            &format!("you sent {}", head.replace("\r\n", " ")),
        )
    });
    let live = Live::new();
    let more = "token = { env = \"SECRET\" }\nparameters = { key = { env = \"SECRET\" } }\nheaders = { \"X-Own\" = { file = \"own\" } }";
    std::fs::write(live.path().join("own"), format!("{SECRET}\n")).expect("it can be written");
    let fault = live.fault(&source(&server.url, more)).await;
    assert!(fault.contains("***"), "{fault}");
    let head = &server.requests()[0];
    assert!(
        head.contains(&format!("authorization: Bearer {SECRET}")),
        "{head}"
    );
    assert!(head.contains(&format!("x-own: {SECRET}")), "{head}");
    assert!(head.contains("key=opensesame%2B42%2Fx"), "{head}");
    let basic = "user = \"me\"\npassword = { env = \"SECRET\" }";
    let fault = live.fault(&source(&server.url, basic)).await;
    assert!(fault.contains("401"), "{fault}");
    assert!(server.requests()[1].contains("authorization: Basic bWU6b3BlbnNlc2FtZSs0Mi94"));
    let missing = live
        .fault(&source(&server.url, "token = { env = \"NOT_SET\" }"))
        .await;
    assert!(missing.contains("NOT_SET"), "{missing}");
}

#[tokio::test]
async fn redirects_and_links_to_elsewhere_are_refused() {
    let live = Live::new();
    let within = Http::start(|head, _| {
        if head.starts_with("GET /items ") {
            json("302 Found", "location: /moved\r\n", "")
        } else {
            json("200 OK", "", &items(&[1], ""))
        }
    });
    assert!(live.read(&source(&within.url, ""), None).await.is_ok());
    let away = Http::start(|_, _| {
        json(
            "302 Found",
            "location: http://169.254.169.254/latest\r\n",
            "",
        )
    });
    let fault = live.fault(&source(&away.url, "")).await;
    assert!(
        fault.contains("sends elsewhere: http://169.254.169.254"),
        "{fault}"
    );
    let link = Http::start(|_, _| {
        json(
            "200 OK",
            "",
            &items(&[1], ",\"next\":\"http://127.0.0.1:1/x\""),
        )
    });
    let fault = live
        .fault(&source(
            &link.url,
            "paging = { by = \"next\", path = \"next\" }",
        ))
        .await;
    assert!(fault.contains("sends elsewhere"), "{fault}");
    let round = Http::start(|_, _| json("200 OK", "", &items(&[1], ",\"next\":\"/items\"")));
    let fault = live
        .fault(&source(
            &round.url,
            "paging = { by = \"next\", path = \"next\" }",
        ))
        .await;
    assert!(fault.contains("read already"), "{fault}");
}

#[tokio::test]
async fn an_own_network_is_reached_only_where_the_source_says_so() {
    let server = Http::start(|_, _| json("200 OK", "", &items(&[1], "")));
    let live = Live::new();
    for url in [
        server.url.clone(),
        server.url.replace("127.0.0.1", "localhost"),
    ] {
        let public = source(&url, "").replace("network = \"internal\"\n", "");
        let fault = live.fault(&public).await;
        assert!(fault.contains("not a public one"), "{fault}");
    }
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn an_answer_without_end_is_cut_off() {
    let server = Http::start(|_, _| {
        let mut answer = b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n{\"items\":[".to_vec();
        answer.resize(4 << 20, b' ');
        answer
    });
    let mut live = Live::new();
    live.limits.answer_bytes = 1 << 20;
    let fault = live.fault(&source(&server.url, "")).await;
    assert!(
        fault.contains("more than the limit of 1048576 bytes in one answer"),
        "{fault}"
    );
    let endless = Http::start(|_, number| {
        json(
            "200 OK",
            "",
            &items(&[1], &format!(",\"next\":\"/items?{number}\"")),
        )
    });
    live.limits.page_count = 20;
    let fault = live
        .fault(&source(
            &endless.url,
            "paging = { by = \"next\", path = \"next\" }",
        ))
        .await;
    assert!(fault.contains("more than the limit of 20 pages"), "{fault}");
}

#[tokio::test]
async fn an_answer_that_never_comes_is_given_up() {
    // The thread of the server keeps the connection open and says nothing.
    let silent = Http::start(|_, _| {
        loop {
            std::thread::park();
        }
    });
    let mut live = Live::new();
    live.limits.answer_seconds = 1;
    let fault = live.fault(&source(&silent.url, "")).await;
    assert!(fault.contains("1 seconds"), "{fault}");
    // However patient each answer is waited for, all of it has an end.
    live.limits.answer_seconds = 600;
    live.limits.fetch_seconds = 2;
    let fault = live.fault(&source(&silent.url, "")).await;
    assert!(
        fault.contains("more than the limit of 2 seconds"),
        "{fault}"
    );
}

#[tokio::test]
async fn an_answer_that_is_not_what_was_asked_for_is_described() {
    let live = Live::new();
    let page = Http::start(|_, _| json("200 OK", "", "<html>log in</html>"));
    assert!(
        live.fault(&source(&page.url, ""))
            .await
            .contains("not JSON")
    );
    let other = Http::start(|_, _| json("200 OK", "", "{\"error\":1,\"data\":[]}"));
    let fault = live.fault(&source(&other.url, "")).await;
    assert!(
        fault.contains("no list at items; its keys are: error, data"),
        "{fault}"
    );
}

#[tokio::test]
async fn only_what_is_new_is_asked_for() {
    let server = Http::start(|head, _| {
        let since = parameter(head, "since").unwrap_or_default();
        let ids: &[u32] = if since.contains("04-03") {
            &[3, 4]
        } else {
            &[1, 3, 2]
        };
        json("200 OK", "", &items(ids, ""))
    });
    let more = "incremental = { column = \"changed\", parameter = \"since\", form = \">={}\" }";
    let live = Live::new();
    let first = live
        .read(&source(&server.url, more), None)
        .await
        .expect("it can be read");
    assert_eq!(first.cursor.as_deref(), Some("2026-04-03T00:00:00Z"));
    let next = live
        .read(&source(&server.url, more), first.cursor.as_deref())
        .await;
    let next = next.expect("it can be read");
    assert_eq!(next.cursor.as_deref(), Some("2026-04-04T00:00:00Z"));
    assert!(server.requests()[1].contains("since=%3E%3D2026-04-03T00%3A00%3A00Z"));
}

#[test]
fn a_secret_that_stands_in_a_definition_is_a_problem_and_is_not_repeated() {
    for (more, said) in [
        (
            format!("token = \"{SECRET}\""),
            "`token` is a secret and must not stand in a file",
        ),
        (
            format!("user = \"me\"\npassword = \"{SECRET}\""),
            "`password` is a secret",
        ),
        (
            format!("headers = {{ Authorization = \"{SECRET}\" }}"),
            "`Authorization` is a secret",
        ),
        (
            format!("parameters = {{ api_key = \"{SECRET}\" }}"),
            "`api_key` is a secret",
        ),
    ] {
        let found = problems(&source("https://x.example", &more));
        assert!(
            found.contains(said) && found.contains("env = \"NAME\""),
            "{found}"
        );
    }
    let found = problems(&source("https://me:pw@x.example", ""));
    assert!(found.contains("must not stand in an address"), "{found}");
    let plain = source("http://x.example", "token = { env = \"SECRET\" }")
        .replace("network = \"internal\"\n", "");
    assert!(problems(&plain).contains("unencrypted"));
}
