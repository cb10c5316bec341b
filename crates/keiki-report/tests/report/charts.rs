//! Every form of chart, as SVG.

use keiki_model::kpi::Unit;
use keiki_model::status::Status;
use keiki_model::text::Language;
use keiki_report::chart::{
    Bin, Bridge, Bullet, Cell, Chart, Comparison, Distribution, Forecast, Heat, Line, Order, Place,
    Row, Spark, Step, Survival, SurvivalStep, Theme, Trend,
};

/// The chart on paper, a tag a line.
fn lines(chart: &Chart) -> String {
    chart.svg(Theme::Print, "c").replace("><", ">\n<")
}

fn place(label: &str, value: Option<f64>) -> Place {
    Place {
        label: label.to_owned(),
        period: format!("2026年{label}度"),
        value,
        words: value.map_or_else(|| "–".to_owned(), |value| format!("{value:.1}時間")),
        is_reported: label != "9月",
        is_reference: label == "4月",
        restated: (label == "7月").then(|| (30.0, "30.0時間".to_owned())),
    }
}

fn trend() -> Trend {
    Trend {
        name: "封じ込めまでの平均時間".to_owned(),
        unit: Unit::Hours,
        language: Language::Ja,
        places: vec![
            place("4月", Some(52.0)),
            place("5月", Some(47.0)),
            place("6月", None),
            place("7月", Some(38.0)),
            place("8月", Some(35.0)),
            place("9月", Some(31.5)),
        ],
        beside: Some((
            "中央値".to_owned(),
            vec![
                Some(14.0),
                Some(13.0),
                None,
                Some(11.0),
                Some(10.0),
                Some(9.2),
            ],
        )),
        target: Some((None, Some(24.0), "≤ 24.0時間".to_owned())),
        references: vec![(40.0, "公表値 40時間".to_owned())],
        forecast: Some(Forecast {
            label: "27年3月".to_owned(),
            period: "2027年3月31日".to_owned(),
            ahead: 3,
            range: (18.0, 24.5, 35.0),
            words: "24.5時間 (18.0時間–35.0時間)".to_owned(),
        }),
        size: (240.0, 110.0),
    }
}

fn row(name: &str, value: Option<f64>, status: Status) -> Row {
    Row {
        name: name.to_owned(),
        value,
        words: value.map_or_else(|| "–".to_owned(), |value| format!("{:.1} %", value * 100.0)),
        count: "12".to_owned(),
        status,
        target: Some(0.95),
    }
}

fn comparison() -> Comparison {
    Comparison {
        name: "Share of inventoried assets".to_owned(),
        unit: Unit::Ratio,
        language: Language::En,
        rows: vec![
            row("Fictional America", Some(0.71), Status::Missed),
            row("Fictional Logistics", Some(0.94), Status::Near),
            row("Fictional Trading", Some(0.99), Status::Met),
            row("Fictional Asia", None, Status::NoData),
        ],
        order: Order::WorstFirst,
        width: 200.0,
        row_height: 10.0,
    }
}

fn heat() -> Heat {
    let cell = |status| Cell {
        status,
        words: "94.0%".to_owned(),
    };
    Heat {
        title: "会社別の状態".to_owned(),
        language: Language::Ja,
        columns: vec![
            "架空製造".to_owned(),
            "架空ソリューションズ株式会社".to_owned(),
        ],
        rows: vec![
            (
                "1".to_owned(),
                "ハードウェア資産棚卸進捗率".to_owned(),
                vec![cell(Some(Status::Met)), cell(Some(Status::Missed))],
            ),
            (
                "7".to_owned(),
                "監督官庁の指摘事項対応完了率".to_owned(),
                vec![cell(None), cell(Some(Status::Waived))],
            ),
        ],
        width: 240.0,
        row_height: 13.0,
    }
}

fn distribution() -> Distribution {
    let bin = |from: f64, count: u64| Bin {
        from,
        until: from + 12.0,
        count,
    };
    let line = |name: &str, value: f64| Line {
        name: name.to_owned(),
        value,
        words: format!("{value} h"),
    };
    Distribution {
        name: "Time to contain".to_owned(),
        unit: Unit::Hours,
        language: Language::En,
        bins: vec![
            bin(0.0, 9),
            bin(12.0, 6),
            bin(24.0, 3),
            bin(36.0, 0),
            bin(48.0, 1),
        ],
        lines: vec![line("median", 9.2), line("mean", 18.4), line("p90", 44.0)],
        size: (220.0, 100.0),
    }
}

fn survival() -> Survival {
    let step = |after: f64, open_share: f64, censored: u64| SurvivalStep {
        after,
        open_share,
        censored,
    };
    Survival {
        name: "Time to contain, open incidents included".to_owned(),
        unit: Unit::Hours,
        language: Language::En,
        steps: vec![step(4.0, 0.8, 0), step(10.0, 0.5, 1), step(30.0, 0.25, 2)],
        median: Some((10.0, "10.0 h".to_owned())),
        size: (220.0, 100.0),
    }
}

fn bridge() -> Bridge {
    let step = |name: &str, by: f64| Step {
        name: name.to_owned(),
        by,
        words: format!("{by:+.1}時間"),
    };
    Bridge {
        name: "封じ込めまでの平均時間".to_owned(),
        unit: Unit::Hours,
        language: Language::Ja,
        before: ("訂正前".to_owned(), 30.0, "30.0時間".to_owned()),
        steps: vec![step("証跡", 4.5), step("定義等", -2.0)],
        after: ("訂正後".to_owned(), 32.5, "32.5時間".to_owned()),
        size: (220.0, 90.0),
    }
}

fn bullet(status: Status) -> Bullet {
    Bullet {
        name: "棚卸進捗率".to_owned(),
        unit: Unit::Ratio,
        language: Language::Ja,
        value: Some(0.88),
        words: "88.0%".to_owned(),
        target: Some((Some(0.95), None, "≥ 95%".to_owned())),
        status,
        size: (84.0, 9.0),
    }
}

fn spark(values: Vec<Option<f64>>) -> Spark {
    Spark {
        title: "推移".to_owned(),
        description: "4月 52、5月 47".to_owned(),
        values,
        status: Status::Met,
        size: (62.0, 12.0),
    }
}

fn all() -> Vec<(&'static str, Chart)> {
    vec![
        ("trend", trend().draw()),
        ("comparison", comparison().draw()),
        ("heat", heat().draw()),
        ("distribution", distribution().draw()),
        ("survival", survival().draw()),
        ("bridge", bridge().draw()),
        ("bullet", bullet(Status::Near).draw()),
        (
            "spark",
            spark(vec![Some(1.0), None, Some(3.0), Some(2.0)]).draw(),
        ),
    ]
}

#[test]
fn every_form_of_chart_is_drawn_as_it_was() {
    for (name, chart) in all() {
        insta::assert_snapshot!(name, lines(&chart));
    }
}

#[test]
fn a_long_name_takes_two_lines_and_is_not_cut() {
    let english = "Company-wide rollout of the disclosure criteria";
    let japanese = "外部委託先に対する情報の管理の状況の定期的な点検の実施の確認";
    for (name, lines) in [
        (
            english,
            ["Company-wide rollout of", "the disclosure criteria"],
        ),
        (
            japanese,
            [
                "外部委託先に対する情報の管理の",
                "状況の定期的な点検の実施の確認",
            ],
        ),
    ] {
        let mut heat = heat();
        heat.width = 360.0;
        let before = heat.draw().height();
        heat.rows[0].1 = name.to_owned();
        let chart = heat.draw();
        let svg = chart.svg(Theme::Print, "x");
        for line in lines {
            assert!(svg.contains(&format!(">{line}</text>")), "{line}: {svg}");
        }
        assert!(chart.height() > before, "the row did not grow");
    }
}

#[test]
fn every_chart_says_in_words_what_it_shows() {
    for (name, chart) in all() {
        let svg = chart.svg(Theme::Screen, "x7");
        assert!(svg.contains("<title id=\"x7-t\">"), "{name} has no title");
        assert!(
            svg.contains("<desc id=\"x7-d\">"),
            "{name} has no description"
        );
        assert!(!chart.description.is_empty(), "{name} describes nothing");
        assert!(
            name == "spark" || !chart.shown.rows.is_empty(),
            "{name} has no table"
        );
    }
}

#[test]
fn what_is_missing_is_a_gap_in_the_line() {
    let whole = spark(vec![Some(1.0), Some(2.0), Some(3.0), Some(2.0)]).draw();
    let broken = spark(vec![Some(1.0), Some(2.0), None, Some(3.0), Some(2.0)]).draw();
    let paths = |chart: &Chart| lines(chart).matches("<path").count();
    assert_eq!((paths(&whole), paths(&broken)), (1, 2));
}

#[test]
fn statuses_are_told_apart_without_colour() {
    let grey = |status| {
        let svg = lines(&bullet(status).draw());
        // Colours and the status's word taken away, something has to be left that differs.
        let mut out = String::new();
        for line in svg.lines().filter(|line| !line.contains("<desc")) {
            let mut rest = line;
            while let Some(at) = rest.find('#') {
                out.push_str(&rest[..at]);
                rest = rest.get(at + 7..).unwrap_or_default();
            }
            out.push_str(rest);
        }
        for word in ["met", "near", "missed"] {
            out = out.replace(word, "");
        }
        out
    };
    let (met, near, missed) = (grey(Status::Met), grey(Status::Near), grey(Status::Missed));
    assert_ne!(met, near);
    assert_ne!(near, missed);
    assert_ne!(met, missed);
}

#[test]
fn names_never_become_markup() {
    let mut chart = comparison();
    chart.rows[0].name = "<script>&\"'\u{1}".to_owned();
    let svg = chart.draw().svg(Theme::Print, "c");
    assert!(!svg.contains("<script"), "{svg}");
    assert!(svg.contains("&lt;script&gt;&amp;&quot;&#39;"), "{svg}");
}
