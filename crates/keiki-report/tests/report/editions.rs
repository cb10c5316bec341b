//! The report, and what is rendered from it.

use keiki_model::text::Language;
use keiki_report::pdf::Edition;
use keiki_report::report::Report;
use keiki_report::{html, oscal, parquet, pdf, workbook};

use crate::group::{EVIL, Group};

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
    let table = parquet::measurements(source.measurements).expect("it can be written");
    assert!(
        table.starts_with(b"PAR1") && table.ends_with(b"PAR1"),
        "it is no Parquet"
    );
    let book = workbook::draw(&Report::new(&source)).expect("it can be drawn");
    assert!(book.starts_with(b"PK"), "it is no workbook");
}
