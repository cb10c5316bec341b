//! What figures say beyond their last value: change, trend, pace and forecast; counter-indicators; road map and frameworks.

use std::fmt::Write;
use std::path::Path;

use serde_json::Value;

use crate::workspace::{ASSETS_HEADER, Workspace, run_in};

const SOURCE: &str = "name = \"assets\"\nkind = \"csv\"\ndataset = \"assets\"\nplace = \"evidence/assets.csv\"\n\
                      covers = [\"HD\"]\n";

/// A hundred assets, of which so many are inventoried in each month from April on; read at the end of each.
fn inventoried(by_month: &[u32]) -> Workspace {
    let workspace = Workspace::new();
    workspace.write("sources/assets.toml", SOURCE);
    workspace.write("programme.toml", "[adopted]\nkpis = [1]\n");
    let first = jiff::civil::date(2025, 4, 1);
    let mut done = Vec::new();
    for (at, count) in (0..).zip(by_month) {
        let month = first.saturating_add(jiff::Span::new().months(at));
        done.extend(std::iter::repeat_n(month.to_string(), *count as usize));
        let mut rows = ASSETS_HEADER.to_owned();
        for asset in 0..100 {
            let on = done.get(asset).map_or("", String::as_str);
            let by = if on.is_empty() { "" } else { "declaration" };
            writeln!(
                rows,
                "A{asset},JP1,hardware,one,true,E1,2025-04-01,{on},{on},{by},"
            )
            .expect("it is memory");
        }
        workspace.write("evidence/assets.csv", rows);
        let as_of = month.last_of_month().to_string();
        workspace.run(&["ingest", "--as-of", &as_of]).exits(0);
    }
    workspace
}

fn judged(workspace: &Workspace) -> Value {
    let arguments = [
        "measure", "--kpi", "1", "--org", "HD", "--period", "2025-12", "--trend", "6", "--format",
        "json",
    ];
    let found = workspace.run(&arguments).exits(0).json();
    let mut all = found.as_array().expect("an array").iter();
    let one = all.find(|one| one["indicator"] == "inventory_ratio");
    one.expect("KPI 1 is measured").clone()
}

#[test]
fn progress_through_a_year_has_pace_trend_and_forecast() {
    let workspace = inventoried(&[8, 9, 8, 7, 9, 8, 8, 9, 8]);
    let one = judged(&workspace);
    assert_eq!(one["trend"].as_array().map(Vec::len), Some(6));
    let judgement = &one["judgement"];
    assert_eq!(judgement["previous"]["against"], "2025-11");
    assert_eq!(judgement["previous"]["by"], 0.08);
    assert_eq!(judgement["previous"]["verdict"], "within_noise");
    assert_eq!(judgement["trend"]["verdict"], "better");
    assert_eq!(judgement["trend"]["n"], 9);
    assert_eq!(judgement["pace"]["due_on"], "2026-03-31");
    assert_eq!(judgement["pace"]["periods_left"], 3);
    assert_eq!(judgement["pace"]["needed_per_period"], 0.07);
    let forecast = &judgement["forecast"];
    assert_eq!(forecast["periods_ahead"], 3);
    let value = forecast["value"].as_f64().expect("a number");
    assert!((0.9..=1.0).contains(&value), "{forecast}");
}

#[test]
fn an_explanation_says_it_in_sentences_and_shows_what_stands_beside() {
    let workspace = inventoried(&[8, 9, 8, 7, 9, 8, 8, 9, 8]);
    let arguments = ["explain", "1", "--org", "HD", "--period", "2025-12"];
    workspace
        .run(&arguments)
        .exits(0)
        .says("Against the period before (November 2025): +8.0 pt; no more than noise")
        .says("Due on 2026-03-31 (3 periods left): each has to bring +7.0 pt; so far each brought +8.3 pt.")
        .says("Forecast for 2026-03-31:")
        .says("Other figures of the KPI")
        .says("What must not get worse with it")
        .says("must not rise");
    let mut japanese = vec!["--language", "ja"];
    japanese.extend(arguments);
    workspace
        .run(&japanese)
        .exits(0)
        .says("達成には1期あたり+7.0ポイントが必要です");
}

#[test]
fn forecasts_are_held_against_what_came() {
    let workspace = inventoried(&[8, 9, 8, 7, 9, 8, 8, 9, 8]);
    let arguments = [
        "measure",
        "--kpi",
        "1",
        "--org",
        "HD",
        "--period",
        "2025-12",
        "--trend",
        "--back-test",
    ];
    workspace
        .run(&arguments)
        .exits(0)
        .says("back-test")
        .says("1/1");
}

/// The guides with their language, the word for all figures, and how they say what share of the forecasts was right.
const GUIDES: [(&str, &str, &str, [&str; 2]); 2] = [
    (
        "en",
        include_str!("../../../../docs/guides/judgement.md"),
        "All",
        ["About ", " % of what came"],
    ),
    (
        "ja",
        include_str!("../../../../docs/guides/judgement.ja.md"),
        "合計",
        ["95%区間に入ったのは約", "%"],
    ),
];

/// The table of how good forecasts would have been is that of the sample group, in both languages.
pub(crate) fn the_guides_table_is_what_is_printed(sample: &Path) {
    let line = "measure --period 2026-09 --trend --back-test";
    for (language, guide, all, share) in GUIDES {
        assert!(guide.contains(line), "{language}");
        let arguments = ["--language", language].into_iter().chain(line.split(' '));
        let printed = run_in(sample, &arguments.collect::<Vec<_>>()).exits(0).out;
        let written: Vec<String> = guide.lines().filter_map(row).collect();
        // The last table; each of its rows ends in hits and forecasts, and names the org unit.
        let lines: Vec<&str> = printed.lines().map(str::trim).collect();
        let last = lines.iter().rposition(|line| line.starts_with(all));
        let last = last.unwrap_or_else(|| unreachable!("{printed}"));
        let first = lines[..last]
            .iter()
            .rposition(|line| line.starts_with("No."));
        let first = first.unwrap_or_else(|| unreachable!("{printed}"));
        let rows = lines[first + 1..=last].iter();
        let found: Vec<String> = rows
            .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
            .map(|line| line.replacen(" HD ", " ", 1))
            .filter(|line| line.chars().any(char::is_alphanumeric))
            .collect();
        let table = lines[first..=last].join("\n");
        assert_eq!(written, found, "{language}:\n{table}");
        let counts = found.last().and_then(|row| row.rsplit(' ').next());
        let counts = counts.and_then(|counts| counts.split_once('/'));
        let (hits, trials) = counts.expect("hits and forecasts");
        let count = |text: &str| text.parse::<u32>().expect("a count");
        let percent = (count(hits) * 200 + count(trials)) / (count(trials) * 2);
        let said = format!("{}{percent}{}", share[0], share[1]);
        assert!(guide.contains(&said), "{language}: {said}");
    }
}

/// The cells of a row of a guide's table of forecasts, in one line.
fn row(line: &str) -> Option<String> {
    let cells: Vec<&str> = line.strip_prefix('|')?.split('|').map(str::trim).collect();
    let is_of_table = cells.len() == 7 && cells[5].contains('/');
    let text = cells.join(" ");
    is_of_table.then(|| text.split_whitespace().collect::<Vec<_>>().join(" "))
}

#[test]
fn the_road_map_says_what_the_next_stage_adds_and_what_evidence_is_there() {
    let workspace = inventoried(&[8]);
    workspace.write("programme.toml", "[adopted]\nmaturity = [\"low\"]\n");
    let shown = workspace
        .run(&["catalogue", "--road-map", "--format", "json"])
        .exits(0)
        .json();
    let find = |no: u32| {
        let stages = shown.as_array().expect("stages").iter();
        let mut kpis = stages.flat_map(|stage| stage["kpis"].as_array().expect("KPIs"));
        kpis.find(|kpi| kpi["no"] == no)
            .expect("it is there")
            .clone()
    };
    assert_eq!(
        (&find(1)["adoption"], &find(1)["ready"]),
        (&"adopted".into(), &true.into())
    );
    assert_eq!(
        (&find(4)["adoption"], &find(4)["ready"]),
        (&"next".into(), &true.into())
    );
    assert_eq!(
        (&find(34)["adoption"], &find(34)["ready"]),
        (&"next".into(), &false.into())
    );
    assert_eq!(find(16)["adoption"], "later");
    workspace
        .run(&["catalogue", "--road-map"])
        .exits(0)
        .says("next stage")
        .says("● ");
}

#[test]
fn a_framework_shows_its_gaps() {
    let workspace = inventoried(&[8]);
    let shown = workspace
        .run(&["catalogue", "--framework", "csf", "--format", "json"])
        .exits(0)
        .json();
    let items = shown["items"].as_array().expect("items");
    assert_eq!(items.len(), 106);
    let find = |id: &str| {
        items
            .iter()
            .find(|item| item["id"] == id)
            .expect("it is there")
    };
    assert_eq!(find("ID.AM-01")["served"], "adopted");
    assert_eq!(find("GV.RR-03")["served"], "not_adopted");
    assert_eq!(find("PR.DS-02")["served"], "no_kpi");
    for (code, count) in [("iso27001", 93), ("meti", 10), ("cis", 153)] {
        let shown = workspace.run(&["catalogue", "--framework", code, "--format", "json"]);
        let items = shown.exits(0).json()["items"].as_array().map(Vec::len);
        assert_eq!(items, Some(count), "{code}");
    }
    workspace
        .run(&["catalogue", "--framework", "meti"])
        .exits(0)
        .complains("of 10 items");
}

#[test]
fn a_framework_is_reported_for_the_period_and_org_unit_asked_for() {
    let workspace = inventoried(&[8]);
    let of = |further: &[&str]| {
        let asked = ["catalogue", "--framework", "csf", "--format", "json"];
        let shown = workspace.run(&[&asked[..], further].concat());
        let shown = shown.exits(0).json();
        (shown["period"].clone(), shown["org_unit"].clone())
    };
    let said = |period: &str, unit: &str| (period.into(), unit.into());
    assert_eq!(of(&["--period", "2026-05"]), said("2026-05", "HD"));
    let quarter = ["--period", "FY2026-Q1", "--org", "JP1"];
    assert_eq!(of(&quarter), said("FY2026-Q1", "JP1"));
    workspace
        .run(&["catalogue", "--period", "2026-05"])
        .exits(2);
}

#[test]
fn what_a_definition_names_has_to_exist() {
    let workspace = Workspace::new();
    let own = include_str!("../../../../catalogue/staff_education/35_phishing_drills/kpi.toml");
    let own = own
        .replace("no = 35\n", "no = 1035\n")
        .replace("code = \"4.3.1\"\nseed_code", "code = \"X.1\"\nseed_code")
        .replace(
            "indicator = \"retest_open_ratio\"",
            "indicator = \"retest_opn_ratio\"",
        )
        .replace("must_not = \"fall\"\n", "")
        .replace("\"14.2\"", "\"14.22\"");
    workspace.write("kpis/own/kpi.toml", own);
    workspace
        .run(&["check"])
        .exits(1)
        .complains("KPI 36 has no indicator `retest_opn_ratio`")
        .complains("neither way is better for that indicator")
        .complains("CIS Controls has no item `14.22`");
}
