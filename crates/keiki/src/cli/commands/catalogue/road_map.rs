//! The way through the stages of maturity on screen and as data.

use keiki_model::calendar::date_of;
use keiki_model::text::{Language, Text};
use keiki_report::format;
use keiki_report::table::{Cell, Column, Paint, Table};
use serde_json::{Value, json};

use crate::cli::Format;
use crate::cli::grid::{Grid, print_json};
use crate::cli::session::Session;
use crate::error::Result;
use crate::operations::road_map::{Adoption, Evidence, Stage, Step};
use crate::words;

/// Prints the stages.
pub(super) fn show(stages: &[Stage], format: Format, session: &Session) -> Result<()> {
    let language = session.language();
    match format {
        Format::Json => print_json(&data(stages, language), session),
        Format::Csv => grid(stages, language).print(format, session)?,
        Format::Table => {
            session.table(&table(stages, language));
            session.note(
                Text::new(
                    "● 証跡台帳にあり(最終基準日)  ○ 証跡台帳になし",
                    "● in the journal, with its last day  ○ not in the journal",
                )
                .get(language),
            );
        }
    }
    Ok(())
}

fn adoption(adoption: Adoption) -> (Text, Paint) {
    match adoption {
        Adoption::Adopted => (Text::new("採用済", "adopted"), Paint::Good),
        Adoption::Next => (Text::new("次の段階", "next stage"), Paint::Warning),
        Adoption::Later => (Text::new("以降の段階", "later"), Paint::Faint),
    }
}

fn code(adoption: Adoption) -> &'static str {
    match adoption {
        Adoption::Adopted => "adopted",
        Adoption::Next => "next",
        Adoption::Later => "later",
    }
}

fn table(stages: &[Stage], language: Language) -> Table {
    let title = |ja: &str, en: &str| Text::new(ja, en).get(language).to_owned();
    let mut table = Table::new(vec![
        Column::figure(title("No.", "No.")),
        Column::text("KPI", 24).wrapped(3),
        Column::text(title("採用", "Adoption"), 10),
        Column::text(title("必要な証跡", "Evidence that it needs"), 30).wrapped(6),
    ]);
    for stage in stages {
        let adopted = stage
            .steps
            .iter()
            .filter(|step| step.adoption == Adoption::Adopted);
        let ready = stage.steps.iter().filter(|step| step.is_ready()).count();
        let (adopted, all) = (adopted.count(), stage.steps.len());
        let maturity = words::maturity(stage.maturity);
        let heading = Text::new(
            format!(
                "[{}] 採用 {adopted}/{all}、証跡あり {ready}/{all}",
                maturity.ja
            ),
            format!(
                "[{}] adopted {adopted}/{all}, with evidence {ready}/{all}",
                maturity.en
            ),
        );
        if !table.is_empty() {
            table.push(vec![Cell::default()]);
        }
        table.push(vec![
            Cell::default(),
            Cell::painted(heading.get(language).to_owned(), Paint::Faint),
        ]);
        for step in &stage.steps {
            table.push(row(step, language));
        }
    }
    table
}

fn row(step: &Step, language: Language) -> Vec<Cell> {
    let (word, paint) = adoption(step.adoption);
    let evidence: Vec<String> = step.evidence.iter().map(|of| said(of, language)).collect();
    vec![
        step.kpi.no.to_string().into(),
        step.kpi.name.get(language).into(),
        Cell::painted(word.get(language).to_owned(), paint),
        evidence.join("  ").into(),
    ]
}

fn said(evidence: &Evidence, language: Language) -> String {
    let title = evidence.dataset.title.get(language);
    match evidence.until {
        None => format!("○ {title}"),
        Some(until) => {
            let until = format::day(&date_of(until).to_string(), language);
            format!("● {title} ({until})")
        }
    }
}

fn data(stages: &[Stage], language: Language) -> Value {
    let stage = |stage: &Stage| {
        let kpis = stage.steps.iter().map(|step| {
            let evidence = step.evidence.iter().map(|of| {
                json!({
                    "dataset": of.dataset.name,
                    "in_journal": of.until.is_some(),
                    "until": of.until.map(|until| date_of(until).to_string()),
                })
            });
            json!({
                "no": step.kpi.no,
                "code": step.kpi.code,
                "name": step.kpi.name.get(language),
                "adoption": code(step.adoption),
                "ready": step.is_ready(),
                "evidence": evidence.collect::<Vec<_>>(),
            })
        });
        json!({ "maturity": stage.maturity, "kpis": kpis.collect::<Vec<_>>() })
    };
    stages.iter().map(stage).collect()
}

fn grid(stages: &[Stage], language: Language) -> Grid {
    let mut rows = Vec::new();
    for stage in stages {
        for step in &stage.steps {
            for of in &step.evidence {
                rows.push(vec![
                    json!(stage.maturity),
                    json!(step.kpi.no),
                    json!(step.kpi.name.get(language)),
                    json!(code(step.adoption)),
                    json!(of.dataset.name),
                    json!(of.until.map(|until| date_of(until).to_string())),
                ]);
            }
        }
    }
    Grid {
        names: vec!["maturity", "no", "name", "adoption", "dataset", "until"],
        columns: Vec::new(),
        rows,
    }
}
