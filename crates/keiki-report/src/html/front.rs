//! The first part of the page: what a director asks, in that order.

use super::groups::movement;
use super::{Page, escaped, standing};
use crate::report::{Fact, Item};

impl Page<'_, '_> {
    pub(super) fn front(&mut self) {
        self.unresolved();
        let report = self.report;
        let front = &report.front;
        let question = |number: u8, ja: &str, en: &str, body: &str| {
            format!(
                "<section class=\"asked\"><h3><span>{number}</span>{}</h3><div>{body}</div></section>\n",
                report.say(ja, en)
            )
        };
        let note = format!("<p class=\"soft\">{}</p>", escaped(&front.incidents_note));
        let incidents = facts(&front.incidents) + &note;
        let worse = self.worse();
        let lags = self.lags();
        let nothing_asked = report.say(
            "この報告書で決裁を求める事項はありません。",
            "This statement asks for no decision.",
        );
        let nothing_instructed = report.say(
            "前回までに記録された指示はありません。",
            "No earlier instructions are on record.",
        );
        let html = [
            question(1, "重大インシデント", "Serious incidents", &incidents),
            question(2, "悪化した指標と原因", "What got worse, and why", &worse),
            question(3, "遅れている会社", "Companies that lag", &lags),
            question(
                4,
                "決裁を求める事項",
                "Decisions asked for",
                &items(&front.asked, nothing_asked),
            ),
            question(
                5,
                "前回の指示への対応",
                "Last time's instructions",
                &items(&front.instructed, nothing_instructed),
            ),
            question(
                6,
                "数字の確からしさ",
                "How far to rely on this",
                &facts(&front.reliance),
            ),
        ];
        self.push(&html.concat());
    }

    fn unresolved(&mut self) {
        let head = &self.report.head;
        if head.obstacles.is_empty() {
            return;
        }
        let mut html = format!(
            "<div class=\"unresolved\"><strong>{}</strong> ",
            self.say(
                "次の事項が解消しないまま締めました。",
                "It was closed although this was unresolved."
            )
        );
        if let Some(reason) = &head.reason {
            html.push_str(&format!(
                "{}: {} ",
                self.say("理由", "Reason"),
                escaped(reason)
            ));
        }
        if let Some(second) = &head.agreed_by {
            html.push_str(&format!(
                "({}: {})",
                self.say("同意", "agreed"),
                escaped(second)
            ));
        }
        let items = |lines: &[String]| -> String {
            let lines = lines.iter();
            lines
                .map(|one| format!("<li>{}</li>", escaped(one)))
                .collect()
        };
        html.push_str(&format!("<ul>{}</ul>", items(&head.obstacles_in_brief)));
        if head.obstacles_in_brief.len() < head.obstacles.len() {
            html.push_str(&format!(
                "<details><summary>{}</summary><ul>{}</ul></details>",
                self.say("一つずつ", "One by one"),
                items(&head.obstacles)
            ));
        }
        html.push_str("</div>\n");
        self.push(&html);
    }

    fn worse(&mut self) -> String {
        let report = self.report;
        if report.front.worse.is_empty() {
            return format!(
                "<p class=\"soft\">{}</p>",
                report.say(
                    "通常の変動を超えて悪化した指標も、新たに目標を外れた指標もありません。",
                    "No indicator got worse by more than noise, and none newly misses its target."
                )
            );
        }
        let mut rows = String::new();
        for one in &report.front.worse {
            let figure = &one.figure;
            let spark = figure
                .spark
                .as_ref()
                .map_or_else(String::new, |chart| self.svg(chart));
            rows.push_str(&format!(
                "<tr><th scope=\"row\"><a href=\"#k{no}\">{no} {name}</a><span class=\"parts\">{cause}</span></th>\
                 <td class=\"r\">{before} → <span class=\"v\">{value}</span>{change}</td><td>{spark}</td><td>{status}</td></tr>",
                no = one.no,
                name = escaped(&figure.name),
                cause = escaped(&one.cause),
                before = escaped(&one.before),
                value = escaped(&figure.value),
                change = movement(figure.previous.as_ref(), ""),
                status = standing(&figure.status),
            ));
        }
        format!("<table><tbody>{rows}</tbody></table>")
    }

    fn lags(&self) -> String {
        let lags = &self.report.front.lags;
        if lags.is_empty() {
            return format!(
                "<p class=\"soft\">{}</p>",
                self.say(
                    "目標に届かない指標のある会社はありません。",
                    "No company misses a target."
                )
            );
        }
        let rows: String = lags
            .iter()
            .map(|one| {
                format!(
                    "<tr><th scope=\"row\" class=\"fixed\">{}</th><td class=\"v fixed\">{}</td><td class=\"soft\">{}</td></tr>",
                    escaped(&one.org_unit),
                    escaped(&one.missed),
                    escaped(&one.indicators)
                )
            })
            .collect();
        format!("<table><tbody>{rows}</tbody></table>")
    }
}

fn facts(facts: &[Fact]) -> String {
    let one = |fact: &Fact| {
        let note = if fact.note.is_empty() {
            String::new()
        } else {
            format!("<dd class=\"n\">{}</dd>", escaped(&fact.note))
        };
        format!(
            "<div><dt>{}</dt><dd class=\"v\">{}</dd>{note}</div>",
            escaped(&fact.label),
            escaped(&fact.value)
        )
    };
    format!(
        "<dl class=\"facts\">{}</dl>",
        facts.iter().map(one).collect::<String>()
    )
}

fn items(items: &[Item], nothing: &str) -> String {
    if items.is_empty() {
        return format!("<p class=\"soft\">{nothing}</p>");
    }
    let one = |item: &Item| {
        format!(
            "<li>{}<span class=\"parts\">{}</span></li>",
            escaped(&item.what),
            escaped(&item.note)
        )
    };
    format!("<ul>{}</ul>", items.iter().map(one).collect::<String>())
}
