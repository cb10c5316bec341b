//! The report, and what is rendered from it.

use keiki_model::measurement::Basis;
use keiki_model::text::Language;
use keiki_report::pdf::Edition;
use keiki_report::report::{Earlier, Finality, Later, Report, Testing};
use keiki_report::{html, json, oscal, parquet, pdf, scorecard, workbook};

use crate::group::{EVIL, Group, measurements};

const LANGUAGES: [Language; 2] = [Language::Ja, Language::En];

#[test]
fn the_first_page_says_what_a_director_asks_in_ten_figures_at_most() {
    let group = Group::new();
    let source = group.source(Language::En);
    let report = Report::new(&source);
    let front = &report.front;
    assert!(front.figure_count() <= 10, "{front:?}");
    let worse = &front.worse[0];
    assert_eq!((worse.no, worse.before.as_str()), (1, "96.0 %"));
    assert_eq!(worse.figure.value, "92.0 %");
    assert!(
        worse.cause.contains(EVIL) && worse.cause.contains("−15.0 pt"),
        "{}",
        worse.cause
    );
    assert_eq!(front.lags[0].org_unit, EVIL);
    assert_eq!(front.reliance[0].value, "100.0 %");
}

#[test]
fn the_loss_and_outage_of_serious_incidents_are_said_and_what_is_not_known_is_never_zero() {
    let group = Group::new().with_serious_incidents(2);
    let source = group.source(Language::En);
    let facts = &Report::new(&source).front.incidents;
    let said: Vec<(&str, &str)> = facts
        .iter()
        .map(|fact| (fact.value.as_str(), fact.note.as_str()))
        .collect();
    let company = format!("{EVIL} 3");
    let partly = "over the 2 of which it is known; of 1 it is not";
    assert_eq!(
        said,
        [
            ("3", company.as_str()),
            ("¥1,250,000", partly),
            ("10.0 h", partly),
        ]
    );
    let group = Group::new().with_serious_incidents(0);
    let source = group.source(Language::Ja);
    let report = Report::new(&source);
    let said: Vec<&str> = report.front.incidents[1..]
        .iter()
        .map(|fact| fact.value.as_str())
        .collect();
    assert_eq!(said, ["不明", "不明"]);
    let data = report.front.serious[0].to_json();
    assert_eq!(data["loss"], serde_json::Value::Null);
    assert_eq!(
        (&data["count"], &data["loss_unknown"]),
        (&3.into(), &3.into())
    );
    assert!(report.front.figure_count() <= 10);
}

#[test]
fn figures_that_nobody_has_closed_say_so_with_the_day_of_their_knowledge() {
    let group = Group::new();
    let said = |language| {
        let mut source = group.source(language);
        source.finality = Finality::NotClosed("2026-11-26".to_owned());
        let report = Report::new(&source);
        (
            report.head.finality.clone(),
            html::draw(&report, Edition::Board),
        )
    };
    let (ja, page) = said(Language::Ja);
    assert_eq!(ja, "未締め・2026年11月26日現在");
    assert!(page.contains(&ja), "the page says otherwise");
    let (en, _) = said(Language::En);
    assert_eq!(en, "not closed, as known on 2026-11-26");
}

#[test]
fn a_figure_changes_its_words_with_the_language_and_nothing_else() {
    let group = Group::new();
    let [ja, en] = LANGUAGES.map(|language| {
        let source = group.source(language);
        let report = Report::new(&source);
        let figure = report.groups[0].kpis[0].figures[0].clone();
        (
            figure.value,
            figure.previous.map(|moved| moved.by).unwrap_or_default(),
            figure.status.word,
            figure.status.shape,
        )
    });
    assert_eq!(
        ja,
        ("92.0%".into(), "−4.0ポイント".into(), "未達".into(), "▼")
    );
    assert_eq!(
        en,
        ("92.0 %".into(), "−4.0 pt".into(), "missed".into(), "▼")
    );
}

#[test]
fn the_same_report_gives_the_same_pdf() {
    let group = Group::new();
    for language in LANGUAGES {
        let source = group.source(language);
        let draw = || {
            let report = Report::new(&source);
            pdf::draw(&report, Edition::Board).expect("it can be set")
        };
        let first = draw();
        assert!(first.starts_with(b"%PDF-1.7"), "it is no PDF 1.7");
        assert!(first == draw(), "the same report gives other bytes");
    }
}

#[test]
fn both_editions_can_be_set_in_both_languages_whatever_names_hold() {
    let group = Group::new();
    for language in LANGUAGES {
        let source = group.source(language);
        let report = Report::new(&source);
        let board = pdf::draw(&report, Edition::Board).expect("the board edition can be set");
        let full = pdf::draw(&report, Edition::Full).expect("the full edition can be set");
        assert!(board != full, "the editions are one");
    }
}

#[test]
fn names_never_become_markup_of_the_page() {
    let group = Group::new();
    for language in LANGUAGES {
        let source = group.source(language);
        let page = html::draw(&Report::new(&source), Edition::Full);
        assert!(!page.contains("<b> "), "a name became a tag");
        assert!(
            page.contains("#pagebreak() $x$ *a* &lt;b&gt; &quot;]"),
            "the name is gone"
        );
        assert!(!page.contains("<script"), "the page has a script");
    }
}

#[test]
fn assessment_results_carry_facts_and_judge_no_control() {
    let group = Group::new();
    let source = group.source(Language::En);
    let results = oscal::assessment_results(&Report::new(&source));
    let result = &results["assessment-results"]["results"][0];
    assert_eq!(result["observations"].as_array().map(Vec::len), Some(3));
    assert!(result.get("findings").is_none(), "a finding was made up");
    let facts = result["observations"][0]["props"].to_string();
    assert!(
        facts.contains(r#""name":"value","ns":"urn:keiki:measurement:1","value":"0.92""#),
        "{facts}"
    );
}

#[test]
fn tables_for_programs_and_spreadsheets_are_written() {
    let group = Group::new();
    let source = group.source(Language::Ja);
    let table = parquet::measurements(source.measurements.all()).expect("it can be written");
    assert!(
        table.starts_with(b"PAR1") && table.ends_with(b"PAR1"),
        "it is no Parquet"
    );
    let book = workbook::draw(&Report::new(&source)).expect("it can be drawn");
    assert!(book.starts_with(b"PK"), "it is no workbook");
}

/// The months from October 2025 to August 2026, closed once each, with the group's value in each.
fn months(values: [&str; 11]) -> Vec<Earlier> {
    let month = |(at, value): (u32, &str)| {
        let number = 2025 * 12 + 9 + at;
        let period = format!("{}-{:02}", number / 12, number % 12 + 1);
        Earlier {
            measurements: measurements(&period, [value, "0.97", "0.80"]).into(),
            period: period.into(),
            revision: Some(1),
            restated: None,
        }
    };
    (0..).zip(values).map(month).collect()
}

/// Values that move by one or two points a month, to 92 % in September.
const RESTLESS: [&str; 11] = [
    "0.93", "0.94", "0.93", "0.92", "0.94", "0.93", "0.94", "0.93", "0.92", "0.94", "0.93",
];

/// Values that rise by one point a month; in September they have fallen.
const RISING: [&str; 11] = [
    "0.86", "0.87", "0.88", "0.89", "0.90", "0.91", "0.92", "0.93", "0.94", "0.96", "0.97",
];

#[test]
fn what_is_no_more_than_noise_is_not_called_worse() {
    let restless = Group::new().after(months(RESTLESS));
    let source = restless.source(Language::En);
    let report = Report::new(&source);
    assert!(report.front.worse.is_empty(), "{:?}", report.front.worse);
    let previous = report.groups[0].kpis[0].figures[0].previous.clone();
    let previous = previous.expect("there is a period before");
    assert_eq!((previous.verdict, previous.mark), ("within_noise", "≈"));

    let rising = Group::new().after(months(RISING));
    let source = rising.source(Language::En);
    let report = Report::new(&source);
    let worse = report.front.worse.first().expect("it got worse");
    let previous = worse.figure.previous.clone().expect("it moved");
    assert_eq!(
        (previous.by.as_str(), previous.verdict),
        ("−5.0 pt", "worse")
    );
    assert_eq!(previous.against, "August 2026");
}

#[test]
fn a_forecast_is_said_drawn_and_tried_with_enough_history_only() {
    let short = Group::new();
    let source = short.source(Language::Ja);
    let report = Report::tested(&source, Testing::Tested);
    let judged = &report.groups[0].kpis[0].judged[0];
    assert_eq!((judged.forecast.as_str(), judged.tested.as_str()), ("", ""));

    let long = Group::new().after(months(RESTLESS));
    let source = long.source(Language::Ja);
    let report = Report::tested(&source, Testing::Tested);
    let kpi = &report.groups[0].kpis[0];
    let judged = &kpi.judged[0];
    assert!(
        judged.forecast.starts_with("2027年3月31日の予測値は"),
        "{}",
        judged.forecast
    );
    assert!(
        judged.tested.contains("回の予測のうち"),
        "{}",
        judged.tested
    );
    let last = kpi.trend.shown.rows.last().expect("the chart has a table");
    assert_eq!(last[0], "2027年3月31日");
    let page = html::draw(&report, Edition::Full);
    for said in [&judged.forecast, &judged.tested, &judged.trend] {
        assert!(page.contains(said.as_str()), "the page does not say {said}");
    }
}

#[test]
fn a_restated_month_is_drawn_as_it_was_reported_with_the_later_value_beside_it() {
    let mut earlier = months(RESTLESS);
    earlier[10].restated = Some(Later {
        revision: 2,
        measurements: measurements("2026-08", ["0.98", "0.97", "0.80"]).into(),
    });
    let group = Group::new().after(earlier);
    let source = group.source(Language::En);
    let report = Report::new(&source);
    let kpi = &report.groups[0].kpis[0];
    let rows = &kpi.trend.shown.rows;
    let august = rows
        .iter()
        .find(|row| row[0] == "August 2026")
        .expect("it is shown");
    assert_eq!(
        august[1..],
        ["93.0 %", "as reported", "98.0 %"].map(str::to_owned)
    );
    let previous = kpi.figures[0]
        .previous
        .clone()
        .expect("there is a period before");
    assert_eq!(
        previous.by, "−1.0 pt",
        "it is held against what was reported"
    );
    let restated = &report.reliance.restated_before;
    assert_eq!((restated[0].figures, restated[0].revision), (1, 2));
    assert_eq!(restated[0].largest, "+5.0 pt (KPI 1)");
    assert!(
        report.front.reliance[2]
            .note
            .contains("1 figure of 1 of the 11 periods before restated"),
        "{}",
        report.front.reliance[2].note
    );
}

#[test]
fn a_bridge_has_the_parts_that_the_restatement_has() {
    let group = Group::new();
    let source = group.source(Language::En);
    let report = Report::new(&source);
    let restated = report
        .restated
        .as_ref()
        .expect("there is a revision before");
    let parts = [
        &restated[0].by_evidence,
        &restated[0].by_definitions,
        &restated[0].by_tree,
    ];
    assert_eq!(parts, ["+2.0 pt", "0.0 pt", "0.0 pt"]);
    let page = html::draw(&report, Edition::Board);
    assert!(
        page.contains("By org tree"),
        "the table leaves the tree out"
    );
}

#[test]
fn how_long_things_took_is_drawn_from_what_the_statement_carries() {
    let group = Group::new().with_incidents();
    for language in LANGUAGES {
        let source = group.source(language);
        let report = Report::new(&source);
        let kpis = report.groups.iter().flat_map(|group| &group.kpis);
        let charts: Vec<_> = kpis
            .map(|kpi| (kpi.no, kpi.distribution.as_ref(), kpi.survival.as_ref()))
            .collect();
        let [(1, None, None), (23, Some(distribution), Some(survival))] = charts.as_slice() else {
            unreachable!("other KPIs have charts of durations: {charts:?}");
        };
        let spans: Vec<&str> = distribution
            .shown
            .rows
            .iter()
            .map(|row| row[1].as_str())
            .collect();
        assert_eq!(
            (
                spans[0],
                spans.iter().filter(|count| **count != "0").count()
            ),
            ("4", 3)
        );
        // Three of eight are still open after five hours, one of which was never seen to end.
        let steps: Vec<&str> = survival
            .shown
            .rows
            .iter()
            .map(|row| row[2].as_str())
            .collect();
        assert_eq!(
            steps,
            ["0", "0", "1"],
            "the curve goes on where few are at risk"
        );
        let page = html::draw(&report, Edition::Board);
        for chart in [distribution, survival] {
            assert!(
                page.contains(&html::escaped(&chart.title)),
                "{} is not drawn",
                chart.title
            );
        }
        pdf::draw(&report, Edition::Board).expect("it can be set");
    }
}

#[test]
fn a_kpi_of_two_figures_stands_as_the_worse_of_them_everywhere() {
    let group = Group::new().with_security_headcount();
    let source = group.source(Language::En);
    let report = Report::new(&source);
    let kpis = report.groups.iter().flat_map(|group| &group.kpis);
    let headcount = kpis.clone().find(|kpi| kpi.no == 8).expect("KPI 8");
    let codes: Vec<&str> = headcount
        .figures
        .iter()
        .map(|one| one.status.code)
        .collect();
    assert_eq!(
        (codes, headcount.status.code),
        (vec!["met", "missed"], "missed")
    );
    let companies: Vec<(&str, &str, &str)> = headcount
        .companies
        .iter()
        .map(|one| (&*one.id, one.status.code, one.kpi_status.code))
        .collect();
    assert_eq!(companies, [("A", "met", "met"), ("B", "met", "missed")]);
    let page = html::draw(&report, Edition::Board);
    let article = page
        .split("<article id=\"k8\"")
        .nth(1)
        .expect("KPI 8 has a part of the page");
    let heading = article
        .split("<div class=\"kpi\">")
        .next()
        .unwrap_or_default();
    assert!(
        heading.contains("missed") && !heading.contains("met<"),
        "{heading}"
    );
    let measured = &group.statement.measurements;
    let data = json::with_trends(measured, &[], &[]);
    let data = serde_json::to_value(&data).expect("it is data");
    let of = |indicator: &str, unit: &str| {
        let mut all = data.as_array().expect("an array").iter();
        let one = all.find(|one| one["indicator"] == indicator && one["org_unit"] == unit);
        one.expect("it is there")["kpi_status"].clone()
    };
    assert_eq!(of("security_to_it_ratio", "HD"), "missed");
    assert_eq!(of("security_to_it_ratio", "A"), "met");
}

#[test]
fn a_figure_without_a_value_is_not_marked_as_resting_on_totals() {
    let mut group = Group::new();
    for one in &mut group.statement.measurements {
        one.basis = Basis::Reported;
        if one.org_unit == *"HD" {
            one.value = None;
        }
    }
    let source = group.source(Language::En);
    let report = Report::new(&source);
    let first = &report.groups[0].kpis[0].figures[0];
    assert_eq!((&*first.value, &*first.basis), ("–", ""));
    let value = |unit: &str| {
        let mut all = group.statement.measurements.iter();
        let one = all.find(|one| one.org_unit == *unit).expect("it is there");
        scorecard::value(one, Language::En)
    };
    assert_eq!(value("HD"), "–");
    assert!(value("A").ends_with(" *"), "{}", value("A"));
}

#[test]
fn of_very_many_companies_those_that_lag_most_are_drawn_and_it_is_said_where_all_are() {
    const COUNT: usize = 150;
    let group = Group::new().with_companies(COUNT);
    for (language, drawn, printed, missing) in [
        (
            Language::En,
            "The 20 of 152 org units that lag most.",
            "At most 100 of 152 companies",
            "138 more",
        ),
        (
            Language::Ja,
            "全152組織のうち、遅れの大きい20組織",
            "全152社のうち",
            "ほか138組織",
        ),
    ] {
        let source = group.source(language);
        let report = Report::new(&source);
        let kpi = &report.groups[0].kpis[0];
        let comparison = kpi.comparison.as_ref().expect("companies are compared");
        assert!(
            comparison.description.contains(drawn),
            "{}",
            comparison.description
        );
        assert_eq!(comparison.shown.rows.len(), COUNT + 2);
        let worst = &comparison.shown.rows[0][0];
        assert_eq!((worst.as_str(), kpi.printed[0].id.as_str()), (EVIL, "B"));
        assert_eq!((kpi.companies.len(), kpi.printed.len()), (COUNT + 2, 100));
        assert!(kpi.printed_note.contains(printed), "{}", kpi.printed_note);
        let heat = report.heat.as_ref().expect("there are companies");
        assert_eq!(heat.shown.columns.len(), 1 + COUNT + 2);
        assert!(heat.description.contains("24"), "{}", heat.description);
        let note = &report.front.reliance[0].note;
        assert!(note.contains(missing), "{note}");
        let page = html::draw(&report, Edition::Board);
        let last = source.names.org_unit(&format!("C{}", COUNT - 1));
        assert!(page.contains(&format!("<th scope=\"row\">{last}</th>")));
        assert!(page.contains(drawn.trim_end_matches('.')));
        for edition in [Edition::Board, Edition::Full] {
            pdf::draw(&report, edition).expect("it can be set");
        }
        workbook::draw(&report).expect("it can be drawn");
    }
}

#[test]
fn what_is_written_item_by_item_is_the_same_data() {
    let group = Group::new().with_security_headcount();
    let measured = &group.statement.measurements;
    let written = serde_json::to_string_pretty(&json::measurements(measured));
    let written = written.expect("it is data");
    let data: serde_json::Value = serde_json::from_str(&written).expect("it can be read");
    assert_eq!(format!("{data:#}"), written);
    assert_eq!(data.as_array().map(Vec::len), Some(measured.len()));
    let whole = serde_json::json!({ "period": "2026-09", "measurements": null, "by": "x" });
    let whole = json::With {
        object: &whole,
        field: ("measurements", json::measurements(measured)),
    };
    let whole = serde_json::to_value(&whole).expect("it is data");
    assert_eq!(whole["measurements"], data);
    assert_eq!(
        (&whole["period"], &whole["by"]),
        (&"2026-09".into(), &"x".into())
    );
}
