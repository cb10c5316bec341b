//! The scorecard, and the KPIs of each group.

use super::{Page, escaped, shown, standing};
use crate::chart::Shown;
use crate::pdf::Edition;
use crate::report::{CounterPart, Figure, KpiPart, Movement, ReferencePart};

impl Page<'_, '_> {
    pub(super) fn scorecard(&mut self) {
        let report = self.report;
        let columns = [
            ("No.", "No."),
            ("指標", "Indicator"),
            ("実績", "Value"),
            ("目標との比較", "Against target"),
            ("推移", "Trend"),
            ("前期差", "Change"),
            ("状態", "Status"),
            ("充足", "Cover"),
        ];
        let columns: String = columns
            .iter()
            .map(|(ja, en)| {
                let class = if matches!(*en, "Value" | "Change" | "Cover") {
                    " class=\"r\""
                } else {
                    ""
                };
                format!("<th scope=\"col\"{class}>{}</th>", report.say(ja, en))
            })
            .collect();
        let title = report.say("スコアカード", "Scorecard");
        self.push(&format!(
            "<section><h2 id=\"scorecard\">{title}</h2><div class=\"scroll\" tabindex=\"0\"><table><thead><tr>{columns}</tr></thead>"
        ));
        for group in &report.groups {
            self.push(&format!(
                "<tbody><tr class=\"group\"><th scope=\"rowgroup\" colspan=\"8\">{} {}</th></tr>",
                group.number,
                escaped(&group.title)
            ));
            for kpi in &group.kpis {
                for figure in &kpi.figures {
                    let row = self.line(kpi, figure);
                    self.push(&row);
                }
            }
            self.push("</tbody>");
        }
        self.push("</table></div></section>\n");
    }

    fn line(&mut self, kpi: &KpiPart, figure: &Figure) -> String {
        let bullet = match &figure.bullet {
            Some(chart) if !figure.target.is_empty() => self.svg(chart),
            _ => String::new(),
        };
        let spark = figure
            .spark
            .as_ref()
            .map_or_else(String::new, |chart| self.svg(chart));
        let name = if kpi.figures.len() > 1 {
            &figure.name
        } else {
            &kpi.name
        };
        format!(
            "<tr><td class=\"soft\">{no}</td><th scope=\"row\"><a href=\"#k{no}\">{name}</a></th>\
             <td class=\"r\"><span class=\"v\">{value}</span><span class=\"parts\">{parts}</span></td>\
             <td>{bullet}<span class=\"parts\">{target}</span></td><td>{spark}</td>\
             <td class=\"r\">{change}</td><td>{status}</td><td class=\"r soft\">{coverage}</td></tr>",
            no = kpi.no,
            name = escaped(name),
            value = escaped(&figure.value),
            parts = escaped(&figure.parts),
            target = escaped(&figure.target),
            change = self.changes(figure),
            status = standing(&figure.status),
            coverage = escaped(&figure.coverage),
        )
    }

    /// How a value moved against the period before, and below against a year ago.
    fn changes(&self, figure: &Figure) -> String {
        let ago = self.say("前年", "year ago");
        movement(figure.previous.as_ref(), "") + &movement(figure.year_before.as_ref(), ago)
    }

    pub(super) fn groups(&mut self, edition: Edition) {
        let report = self.report;
        for group in &report.groups {
            self.push(&format!(
                "<section><h2 id=\"g{number}\">{number} {}</h2>\n",
                escaped(&group.title),
                number = group.number
            ));
            for kpi in &group.kpis {
                self.kpi(kpi, edition);
            }
            self.push("</section>\n");
        }
    }

    fn kpi(&mut self, kpi: &KpiPart, edition: Edition) {
        let figures = self.figures(kpi);
        let trend = self.figure(&kpi.trend);
        let comparison = kpi
            .comparison
            .as_ref()
            .map_or_else(String::new, |chart| self.figure(chart));
        let durations: String = [&kpi.distribution, &kpi.survival]
            .into_iter()
            .flatten()
            .map(|chart| {
                let figure = self.figure(chart);
                format!(
                    "<div><p class=\"soft\">{}</p>{figure}</div>",
                    escaped(&chart.title)
                )
            })
            .collect();
        let durations = if durations.is_empty() {
            durations
        } else {
            format!("<div class=\"pair\">{durations}</div>")
        };
        let sentences = kpi.sentences.iter();
        let sentences: String = sentences
            .map(|one| format!("<p>{}</p>", escaped(one)))
            .collect();
        self.push(&format!(
            "<article id=\"k{no}\" aria-labelledby=\"k{no}-t\"><div class=\"head\"><h3 id=\"k{no}-t\"><span class=\"no\">{no}</span>{name}</h3>{status}</div>\
             <div class=\"kpi\"><div>{figures}</div><div>{trend}</div><div>{comparison}</div></div>{durations}{sentences}",
            no = kpi.no,
            name = escaped(&kpi.name),
            status = standing(&kpi.status),
        ));
        self.judged(kpi, edition);
        self.said(kpi);
        self.counters(kpi);
        self.published(kpi);
        self.beside(kpi);
        if edition == Edition::Full {
            self.definition(kpi);
        }
        self.push("</article>\n");
    }

    fn figures(&self, kpi: &KpiPart) -> String {
        let one = |(at, figure): (usize, &Figure)| {
            let name = if at == 0 && kpi.figures.len() == 1 {
                String::new()
            } else {
                format!("<p class=\"soft\">{}</p>", escaped(&figure.name))
            };
            let pair = |ja: &str, en: &str, text: &str| {
                if text.is_empty() {
                    return String::new();
                }
                format!("<dt>{}</dt><dd>{text}</dd>", self.say(ja, en))
            };
            format!(
                "{name}<div class=\"big\">{}</div><span class=\"parts\">{}</span><dl>{}{}{}{}{}{}</dl>",
                escaped(&figure.value),
                escaped(&figure.parts),
                pair("目標", "Target", &escaped(&figure.target)),
                pair("前期差", "Change", &movement(figure.previous.as_ref(), "")),
                pair(
                    "前年同期差",
                    "Year ago",
                    &movement(figure.year_before.as_ref(), "")
                ),
                pair("件数", "Records", &escaped(&figure.n)),
                pair("充足", "Cover", &escaped(&figure.coverage)),
                pair("根拠", "Basis", &escaped(&figure.basis)),
            )
        };
        kpi.figures.iter().enumerate().map(one).collect()
    }

    /// Trend, pace and forecast; without the trend of each figure for the board.
    fn judged(&mut self, kpi: &KpiPart, edition: Edition) {
        let mut html = String::new();
        for one in &kpi.judged {
            let parts = match edition {
                Edition::Board => [&*one.pace, &*one.forecast, "", ""],
                Edition::Full => [&*one.trend, &*one.pace, &*one.forecast, &*one.tested],
            };
            let said: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
            if said.is_empty() {
                continue;
            }
            let word = self.say("変化と見通し", "Change and outlook");
            let name = if kpi.judged.len() > 1 {
                format!("<span class=\"soft\">{}</span> ", escaped(&one.name))
            } else {
                String::new()
            };
            let said = escaped(&said.join(" "));
            html.push_str(&format!("<p><strong>{word}</strong> {name}{said}</p>"));
        }
        self.push(&html);
    }

    /// What must not get worse with the KPI, side by side.
    fn counters(&mut self, kpi: &KpiPart) {
        if kpi.counters.is_empty() {
            return;
        }
        let title = self.say("併せて見る指標", "Not to get worse with it");
        let worse = self.say("悪化", "got worse");
        let one = |counter: &CounterPart| {
            let must_not = if counter.must_not.is_empty() {
                String::new()
            } else {
                format!(" ({})", escaped(&counter.must_not))
            };
            let is_said = counter
                .previous
                .as_ref()
                .is_some_and(|by| by.colour == "bad");
            let mark = if counter.has_got_worse && !is_said {
                format!("<span class=\"st bad\"><span aria-hidden=\"true\">▼</span> {worse}</span>")
            } else {
                String::new()
            };
            format!(
                "<div><dt><a href=\"#k{no}\">{no} {name}</a>{must_not}</dt><dd><span class=\"v\">{value}</span> {previous} {mark}</dd><dd class=\"n\">{why}</dd></div>",
                no = counter.no,
                name = escaped(&counter.name),
                value = escaped(&counter.value),
                previous = movement(counter.previous.as_ref(), ""),
                why = escaped(&counter.why),
            )
        };
        let counters: String = kpi.counters.iter().map(one).collect();
        self.push(&format!(
            "<div class=\"counters\"><h4>{title}</h4><dl class=\"facts\">{counters}</dl></div>"
        ));
    }

    /// Published figures with who published them.
    fn published(&mut self, kpi: &KpiPart) {
        let word = self.say("公表値", "Published");
        let one = |of: &ReferencePart| {
            format!(
                "<p class=\"soft\">{word} {}: {}, {}</p>",
                of.number,
                escaped(&of.value),
                escaped(&of.source)
            )
        };
        let html: String = kpi.references.iter().map(one).collect();
        self.push(&html);
    }

    /// What people said of the figures, and what is done about them.
    fn said(&mut self, kpi: &KpiPart) {
        let mut html = String::new();
        for cause in &kpi.explanations {
            let word = self.say("原因", "Cause");
            html.push_str(&format!(
                "<p><strong>{word}</strong> {}</p>",
                escaped(cause)
            ));
        }
        for action in &kpi.actions {
            let word = self.say("是正", "Action");
            html.push_str(&format!(
                "<p><strong>{word} {}</strong> {} <span class=\"soft\">{}</span></p>",
                action.number,
                escaped(&action.what),
                escaped(&action.note)
            ));
        }
        self.push(&html);
    }

    /// The figures beside the KPI's own.
    fn beside(&mut self, kpi: &KpiPart) {
        if kpi.companions.is_empty() {
            return;
        }
        let report = self.report;
        let title = report.say("補助指標", "Beside it");
        let row = |figure: &Figure| {
            vec![
                figure.name.clone(),
                figure.value.clone(),
                figure.parts.clone(),
            ]
        };
        let table = Shown {
            columns: vec![
                title.to_owned(),
                report.say("実績", "Value").to_owned(),
                report.say("分子 / 分母", "Num. / den.").to_owned(),
            ],
            rows: kpi.companions.iter().map(row).collect(),
        };
        let table = shown(&kpi.name, &table);
        self.push(&format!(
            "<details><summary>{title}</summary><div class=\"scroll\" tabindex=\"0\">{table}</div></details>"
        ));
    }

    fn definition(&mut self, kpi: &KpiPart) {
        let report = self.report;
        let formulas: String = kpi
            .formulas
            .iter()
            .map(|one| format!("<p class=\"formula\">{}</p>", escaped(one)))
            .collect();
        let part = |ja: &str, en: &str, text: &str| {
            format!("<dt>{}</dt><dd>{}</dd>", report.say(ja, en), escaped(text))
        };
        let html = format!(
            "{formulas}<details><summary>{}</summary><dl class=\"glossary\">{}{}{}{}</dl></details>",
            report.say("定義", "Definition"),
            part("目的", "Purpose", &kpi.purpose),
            part(
                "原表の読み方",
                "How the published row is read",
                &kpi.reading
            ),
            part("証跡", "Evidence", &kpi.evidence),
            part("定義の版", "Version", &kpi.version),
        );
        self.push(&html);
    }
}

/// How a value moved, with a shape and a word for whether that is more than noise; nothing where it cannot be told.
pub(super) fn movement(one: Option<&Movement>, label: &str) -> String {
    let Some(one) = one else {
        return String::new();
    };
    let label = if label.is_empty() {
        String::new()
    } else {
        format!("{label} ")
    };
    format!(
        "<span class=\"moved {}\" title=\"{}\">{label}{} <span aria-hidden=\"true\">{}</span> {}</span>",
        one.colour,
        escaped(&one.against),
        escaped(&one.by),
        one.mark,
        escaped(&one.word)
    )
}
