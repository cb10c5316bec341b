//! Every figure on every page leads to what it is made of: to a page that answers and shows the same number.

use std::collections::{BTreeMap, BTreeSet};

use keiki::web::facts;
use keiki_model::access::Role;
use serde_json::{Value, json};

use crate::browser::{Browser, Driver};
use crate::house::House;

/// What pages set as figures: bold and large ones, cells of tables that stand to the right, and what looks as the text around it.
const MARKED: &str = ".v, .big, .number, td.r";

/// What is at the end of the way: records and what was reported in their place, each with the reading that brought it.
const RECORDS: &str = "table.records";

/// Pages with figures, and what is asked of them.
const WITH_FIGURES: [(&str, &str); 6] = [
    ("/scorecard", "/scorecard?period=2026-05"),
    (
        "/compare",
        "/compare?period=2026-05&unit=JP1&with_unit=HD&with_period=2026-05",
    ),
    ("/kpis/{no}", "/kpis/1?period=2026-05"),
    ("/kpis/{no}/rows", "/kpis/1/rows?period=2026-05"),
    (
        "/kpis/{no}/difference",
        "/kpis/1/difference?period=2026-05&unit=JP1&with_unit=HD",
    ),
    ("/evidence", "/evidence"),
];

/// Pages without figures of the programme, and why.
const WITHOUT: [(&str, &[&str]); 7] = [
    (
        "a door, or one's own",
        &[
            "/",
            "/sign-in",
            "/sign-in/openid-connect",
            "/sign-in/openid-connect/return",
            "/welcome/{token}",
            "/account",
            "/submit",
        ],
    ),
    (
        "a file, or data for programs",
        &[
            "/statement/{file}",
            "/batches/{seq}/files/{position}",
            "/kpis/{no}/audit-pack",
            "/upload/{token}/workbook",
            "/healthz",
            "/metrics",
        ],
    ),
    (
        "what is set, not measured",
        &[
            "/kpis",
            "/programme",
            "/programme/organisation",
            "/programme/change",
        ],
    ),
    (
        "at the end of the way: what one reading, or a check of all of them, counted",
        &["/batches/{seq}", "/verification"],
    ),
    (
        "what would become of a file that is not in the books yet, beside its rows",
        &["/submit/{token}", "/upload/{token}/{file}"],
    ),
    (
        "lists of what is to be done",
        &["/todo", "/close", "/requests", "/actions"],
    ),
    (
        "who does what, and how the server is",
        &[
            "/upload-links",
            "/upload/{token}",
            "/users",
            "/log",
            "/system",
        ],
    ),
];

/// Looks from page to page, each once.
struct Walk<'w> {
    browser: &'w Browser,
    /// What is to be found, by address.
    wanted: BTreeMap<String, BTreeSet<String>>,
    wrong: Vec<String>,
}

impl Walk<'_> {
    async fn ask(&self, call: &str, arguments: Vec<Value>) -> Value {
        let script = include_str!("figures.js");
        let script = format!(
            "const [MARKED, RECORDS, ...asked] = arguments; const done = asked.pop();\n{script}\n{call}(...asked).then(done, (error) => done({{ status: String(error), figures: [], missing: [] }}));"
        );
        let mut all = vec![json!(MARKED), json!(RECORDS)];
        all.extend(arguments);
        self.browser.run(&script, all).await
    }

    /// Collects the figures of a page. Returns how many there are.
    async fn collect(&mut self, path: &str) -> usize {
        let found = self.ask("figures", vec![json!(path)]).await;
        if found["status"] != 200 {
            self.wrong
                .push(format!("{path} answers {}", found["status"]));
        }
        let figures = found["figures"].as_array().expect("a list").clone();
        for figure in &figures {
            let text = figure["text"].as_str().expect("a text").to_owned();
            match figure["href"].as_str().expect("an address") {
                "" => self.wrong.push(format!("{path}: {text} leads nowhere")),
                href => {
                    let here = path.split('#').next().unwrap_or_default();
                    let href = if href.starts_with('#') {
                        format!("{here}{href}")
                    } else {
                        href.to_owned()
                    };
                    self.wanted.entry(href).or_default().insert(text);
                }
            }
        }
        figures.len()
    }

    /// Goes wherever the figures lead.
    async fn follow(&mut self) {
        for (path, texts) in std::mem::take(&mut self.wanted) {
            let found = self.ask("shows", vec![json!(path), json!(texts)]).await;
            if found["status"] != 200 || found["missing"] != json!([]) {
                let (status, missing) = (&found["status"], &found["missing"]);
                self.wrong
                    .push(format!("{path} answers {status} without {missing}"));
            }
        }
    }
}

impl<'w> Walk<'w> {
    fn new(browser: &'w Browser) -> Self {
        Self {
            browser,
            wanted: BTreeMap::new(),
            wrong: Vec::new(),
        }
    }
}

#[test]
fn every_page_is_known_to_have_figures_or_to_have_none() {
    let with = WITH_FIGURES.iter().map(|(route, _)| *route);
    let without = WITHOUT
        .iter()
        .flat_map(|(_, routes)| routes.iter().copied());
    let listed: BTreeSet<&str> = with.chain(without).collect();
    let pages = facts().into_iter();
    let pages = pages.filter(|route| route.method == "GET" && !route.path.starts_with("/api/"));
    let served: BTreeSet<&str> = pages.map(|route| route.path).collect();
    assert_eq!(listed, served);
}

/// What somebody sees who sees everything.
const ROLES: [(Role, &str); 3] = [
    (Role::ProgrammeOffice, "HD"),
    (Role::Auditor, "HD"),
    (Role::PersonalReader, "HD"),
];

#[tokio::test(flavor = "multi_thread")]
async fn every_figure_leads_to_a_page_that_shows_it() {
    let driver = Driver::start();
    let house = House::new().await;
    house.account("office", &ROLES).await;
    let browser = driver.browser("en").await;
    browser.sign_in(&house, "office").await;
    let mut walk = Walk::new(&browser);
    for (_, path) in WITH_FIGURES {
        let count = walk.collect(path).await;
        assert!(count > 0, "{path} has no figures");
    }
    walk.follow().await;
    assert!(walk.wrong.is_empty(), "{:#?}", walk.wrong);
    browser.close().await;
}
