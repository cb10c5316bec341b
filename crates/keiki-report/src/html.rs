//! The HTML edition of a statement: one file that needs no network and no script, for screens, light and dark, and for paper.
//!
//! Every chart is drawn into the page with its text alternative and followed by its table. *Source*: WCAG 2.2 level AA.

mod front;
mod groups;

use crate::chart::{Chart, Shown, Theme};
use crate::pdf::Edition;
use crate::report::{Report, Standing};

/// The style sheet.
/// The colours of all pages, those of the server too, as variables of a style sheet.
pub const PALETTE: &str = include_str!("html/palette.css");

const STYLE: &str = concat!(
    include_str!("html/palette.css"),
    include_str!("html/page.css")
);

/// Draws the edition as one HTML file.
#[must_use]
pub fn draw(report: &Report<'_>, edition: Edition) -> String {
    let mut page = Page {
        report,
        out: String::new(),
        charts: 0,
    };
    page.begin();
    page.front();
    page.scorecard();
    page.heat();
    page.groups(edition);
    page.restated();
    page.glossary();
    page.end();
    page.out
}

/// Makes a text one that stands in HTML or SVG as it is.
#[must_use]
pub fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            // What XML does not allow is not written.
            c if c.is_control() && !matches!(c, '\n' | '\t') => {}
            c => out.push(c),
        }
    }
    out
}

/// A page on its way.
struct Page<'p, 's> {
    report: &'p Report<'s>,
    out: String,
    charts: usize,
}

impl Page<'_, '_> {
    fn push(&mut self, html: &str) {
        self.out.push_str(html);
    }

    fn say<'t>(&self, ja: &'t str, en: &'t str) -> &'t str {
        self.report.say(ja, en)
    }

    /// A chart drawn into the page.
    fn svg(&mut self, chart: &Chart) -> String {
        self.charts += 1;
        chart.svg(Theme::Screen, &format!("c{}", self.charts))
    }

    /// A chart with its table below.
    fn figure(&mut self, chart: &Chart) -> String {
        let svg = self.svg(chart);
        self.with_table(chart, &svg)
    }

    /// The same, of a chart that small screens show a part at a time.
    fn wide_figure(&mut self, chart: &Chart) -> String {
        let svg = self.svg(chart);
        let svg = format!("<div class=\"scroll wide\" tabindex=\"0\">{svg}</div>");
        self.with_table(chart, &svg)
    }

    fn with_table(&self, chart: &Chart, svg: &str) -> String {
        let word = self.say("この図の表", "Table of this chart");
        let table = shown(&chart.title, &chart.shown);
        format!(
            "<figure>{svg}<details><summary>{word}</summary><div class=\"scroll\" tabindex=\"0\">{table}</div></details></figure>"
        )
    }

    fn begin(&mut self) {
        let head = &self.report.head;
        let language = self.say("ja", "en");
        let title = escaped(&head.title);
        let (organisation, scope) = (escaped(&head.organisation), escaped(&head.scope));
        let (kind, finality) = (escaped(&head.kind), escaped(&head.finality));
        let journal = self.say("証跡台帳", "journal");
        let skip = self.say("本文へ", "Skip to content");
        let contents = self.say("目次", "Contents");
        let html = format!(
            "<!doctype html>\n<html lang=\"{language}\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
             <title>{title} — {organisation}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n\
             <a class=\"skip\" href=\"#main\">{skip}</a>\n<header>\n\
             <div class=\"org\"><span>{organisation}</span><span class=\"soft\">KPI</span></div>\n<h1>{title}</h1>\n\
             <p class=\"meta\">{scope} · <b>{kind}</b> · {finality} · {journal} {}</p>\n\
             <nav aria-label=\"{contents}\"><ul>",
            head.journal_version
        );
        self.push(&html);
        let link = |id: &str, ja, en| (id.to_owned(), self.say(ja, en).to_owned());
        let mut links = vec![link("scorecard", "スコアカード", "Scorecard")];
        if self.report.heat.is_some() {
            links.push(link("companies", "会社別", "By company"));
        }
        let groups = self.report.groups.iter();
        links.extend(groups.map(|group| (format!("g{}", group.number), group.title.clone())));
        if self.has_restated() {
            links.push(link("restated", "遡及訂正", "Restatements"));
        }
        links.push(link("words", "用語", "Words"));
        for (id, title) in links {
            self.push(&format!(
                "<li><a href=\"#{id}\">{}</a></li>",
                escaped(&title)
            ));
        }
        self.push("</ul></nav>\n</header>\n<main id=\"main\">\n");
    }

    fn heat(&mut self) {
        let report = self.report;
        let Some(heat) = &report.heat else { return };
        let title = self.say("会社別", "By company");
        let figure = self.wide_figure(heat);
        self.push(&format!(
            "<section aria-labelledby=\"companies\"><h2 id=\"companies\">{title}</h2>{figure}</section>\n"
        ));
    }

    fn has_restated(&self) -> bool {
        self.report.restated.is_some() || !self.report.reliance.restated_before.is_empty()
    }

    fn restated(&mut self) {
        let report = self.report;
        let before = &report.reliance.restated_before;
        if !self.has_restated() {
            return;
        }
        let title = self.say("遡及訂正", "Restatements").to_owned();
        self.push(&format!("<section><h2 id=\"restated\">{title}</h2>"));
        if !before.is_empty() {
            let table = restated_before(report);
            let title = self.say("これまでの期の訂正", "Restated of the periods before");
            let table = shown(title, &table);
            self.push(&format!(
                "<div class=\"scroll\" tabindex=\"0\">{table}</div>"
            ));
        }
        let Some(restated) = &report.restated else {
            self.push("</section>\n");
            return;
        };
        if restated.is_empty() {
            let nothing = self.say(
                "前の版から変わった値はありません。",
                "No figure differs from the revision before.",
            );
            self.push(&format!("<p>{nothing}</p></section>"));
            return;
        }
        let word = |ja: &str, en: &str| report.say(ja, en).to_owned();
        let table = Shown {
            columns: vec![
                word("指標", "Indicator"),
                word("組織", "Org unit"),
                word("訂正前", "Before"),
                word("訂正後", "After"),
                word("証跡による差", "By evidence"),
                word("定義等による差", "By definitions"),
                word("組織による差", "By org tree"),
            ],
            rows: restated
                .iter()
                .map(|one| {
                    vec![
                        format!("{} {}", one.no, one.name),
                        one.org_unit.clone(),
                        one.before.clone(),
                        one.after.clone(),
                        one.by_evidence.clone(),
                        one.by_definitions.clone(),
                        one.by_tree.clone(),
                    ]
                })
                .collect(),
        };
        self.push(&format!(
            "<div class=\"scroll\" tabindex=\"0\">{}</div>",
            shown(&title, &table)
        ));
        for one in restated
            .iter()
            .filter_map(|one| one.bridge.as_ref())
            .take(BRIDGES)
        {
            let figure = self.figure(one);
            self.push(&figure);
        }
        self.push("</section>\n");
    }

    fn glossary(&mut self) {
        let report = self.report;
        let title = self.say("用語", "Words");
        self.push(&format!(
            "<section><h2 id=\"words\">{title}</h2><dl class=\"glossary\">"
        ));
        for entry in &report.glossary {
            let term = entry
                .status
                .as_ref()
                .map_or_else(|| escaped(&entry.term), standing);
            self.push(&format!(
                "<dt>{term}</dt><dd>{}</dd>",
                escaped(&entry.meaning)
            ));
        }
        self.push("</dl></section>\n");
    }

    fn end(&mut self) {
        let remarks: Vec<String> = self
            .report
            .head
            .remarks
            .iter()
            .map(|one| escaped(one))
            .collect();
        self.push(&format!(
            "</main>\n<footer>{}</footer>\n</body>\n</html>\n",
            remarks.join("<br>")
        ));
    }
}

/// What was restated of the periods before.
fn restated_before(report: &Report<'_>) -> Shown {
    let word = |ja: &str, en: &str| report.say(ja, en).to_owned();
    let row = |one: &crate::report::RestatedPeriod| {
        vec![
            one.period.clone(),
            one.revision.to_string(),
            one.figures.to_string(),
            one.largest.clone(),
        ]
    };
    Shown {
        columns: vec![
            word("対象期間", "Period"),
            word("版", "Revision"),
            word("訂正した指標", "Figures restated"),
            word("最大の差", "Largest difference"),
        ],
        rows: report.reliance.restated_before.iter().map(row).collect(),
    }
}

/// The most restatements that are drawn; all of them are in the table.
const BRIDGES: usize = 6;

/// Shape and word of a status on its ground.
fn standing(status: &Standing) -> String {
    format!(
        "<span class=\"st {}\"><span aria-hidden=\"true\">{}</span> {}</span>",
        status.colour,
        status.shape,
        escaped(&status.word)
    )
}

/// What a chart shows, as a table.
fn shown(title: &str, shown: &Shown) -> String {
    let cells = |row: &[String], first: &str, rest: &str| -> String {
        row.iter()
            .enumerate()
            .map(|(at, cell)| {
                let open = if at == 0 { first } else { rest };
                let close = if open.starts_with("th") { "th" } else { "td" };
                format!("<{open}>{}</{close}>", escaped(cell))
            })
            .collect()
    };
    let heading = cells(&shown.columns, "th scope=\"col\"", "th scope=\"col\"");
    let rows: String = shown
        .rows
        .iter()
        .map(|row| format!("<tr>{}</tr>", cells(row, "th scope=\"row\"", "td")))
        .collect();
    format!(
        "<table><caption>{}</caption><thead><tr>{heading}</tr></thead><tbody>{rows}</tbody></table>",
        escaped(title)
    )
}
