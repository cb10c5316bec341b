//! `/programme/change`: a change of the programme or the org tree, looked at before it is made; `/programme/organisation`: the org tree.

use askama::Template;
use axum::Form;
use axum::extract::Query;
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Redirect, Response};
use keiki_model::frequency::Frequency;
use keiki_model::org::UnitKind;

use crate::error::{Error, Result};
use crate::operations::changes::{Came, Change, ChangeKind};
use crate::operations::office::Desk;
use crate::operations::office::changing::{Choosable, UnitLine};
use crate::operations::programme::Difference;
use crate::web::failure::{Answer, Failure};
use crate::web::layout::Layout;
use crate::web::visitor::Visitor;

/// What is no field of a change.
const AROUND: [&str; 3] = ["kind", "act", "reason"];
/// The field of an org unit's kind, and what forms call it: there the kind of the change has that name.
const UNIT_KIND: (&str, &str) = ("kind", "unit_kind");

/// The fields that need words on how they are filled in.
const WITH_HINT: [&str; 8] = [
    "indicator",
    "org_unit",
    "at_least",
    "near_margin",
    "frequency",
    "maturity",
    "kpis",
    "country",
];

/// The id of what is said of a field.
pub(super) fn said(what: &str, name: &str) -> String {
    format!("change-{what}-{}", name.replace('_', "-"))
}

/// A field of the form.
struct Input {
    name: &'static str,
    label: String,
    /// How it is filled in; empty where that needs no words.
    hint: String,
    value: String,
    is_needed: bool,
    /// `text` or `date`; of no weight where there are options.
    kind: &'static str,
    /// What can be chosen, as written and in words; empty where anything can be written.
    options: Vec<(String, String)>,
}

#[derive(Template)]
#[template(path = "changing.html")]
struct Page<'p> {
    layout: Layout<'p>,
    kind: &'static str,
    takes_four_eyes: bool,
    inputs: Vec<Input>,
    reason: String,
    differences: Option<Vec<Difference>>,
    problem: String,
    hint: String,
}

#[derive(Template)]
#[template(path = "organisation.html")]
struct Organisation<'p> {
    layout: Layout<'p>,
    lines: Vec<UnitLine>,
    may_define: bool,
}

type Fields = Vec<(String, String)>;

fn value<'f>(fields: &'f Fields, name: &str) -> &'f str {
    let found = fields.iter().find(|(key, _)| key == name);
    found.map_or("", |(_, value)| value)
}

fn kind_of(fields: &Fields) -> Result<ChangeKind> {
    ChangeKind::from_code(value(fields, "kind")).ok_or(Error::Absent)
}

pub(in crate::web) async fn organisation(visitor: Visitor, desk: Desk) -> Answer {
    let page = Organisation {
        layout: Layout::new(&visitor, "organisation-title"),
        lines: desk.org_history()?,
        may_define: desk.may_define(),
    };
    Ok(Html(page.render()?))
}

pub(in crate::web) async fn show(
    visitor: Visitor,
    desk: Desk,
    Query(fields): Query<Fields>,
) -> Answer {
    let kind = kind_of(&fields)?;
    Ok(Html(page(&visitor, &desk, kind, &fields)?.render()?))
}

pub(in crate::web) async fn act(
    visitor: Visitor,
    desk: Desk,
    Form(fields): Form<Fields>,
) -> Answer<Response> {
    let kind = kind_of(&fields)?;
    let given = fields
        .iter()
        .filter(|(name, _)| !AROUND.contains(&name.as_str()));
    let given = given.map(|(name, value)| match name.as_str() {
        name if name == UNIT_KIND.1 => (UNIT_KIND.0.to_owned(), value.clone()),
        name => (name.to_owned(), value.clone()),
    });
    let change = Change::read(kind, given);
    let came = match (change, value(&fields, "act")) {
        (Ok(change), "preview") => desk.preview_change(&change).map(Err),
        (Ok(change), "make") => desk.change(&change, value(&fields, "reason")).await.map(Ok),
        (Ok(_), _) => Err(Error::Absent),
        (Err(error), _) => Err(error),
    };
    let mut page = page(&visitor, &desk, kind, &fields)?;
    let status = match came {
        Ok(Ok(Came::Asked)) => return Ok(Redirect::to("/requests").into_response()),
        Ok(Ok(Came::Made(_))) => {
            let next = match kind {
                ChangeKind::UnitAdd | ChangeKind::UnitMove | ChangeKind::UnitEnd => {
                    "/programme/organisation"
                }
                _ => "/programme",
            };
            return Ok(Redirect::to(next).into_response());
        }
        Ok(Err(differences)) => {
            page.differences = Some(differences);
            StatusCode::OK
        }
        Err(error) => {
            let (message, hint) = Failure::of_form(error)?;
            message.get(visitor.language).clone_into(&mut page.problem);
            if let Some(hint) = hint {
                hint.get(visitor.language).clone_into(&mut page.hint);
            }
            StatusCode::UNPROCESSABLE_ENTITY
        }
    };
    Ok((status, Html(page.render()?)).into_response())
}

fn page<'p>(
    visitor: &'p Visitor,
    desk: &Desk,
    kind: ChangeKind,
    fields: &Fields,
) -> Answer<Page<'p>> {
    let layout = Layout::new(
        visitor,
        &format!("change-{}", kind.code().replace('_', "-")),
    );
    let choosable = desk.choosable()?;
    let input = |(name, is_needed): &(&'static str, bool)| {
        let (type_of, options) = choices(name, &choosable, &layout);
        let called = if *name == UNIT_KIND.0 {
            UNIT_KIND.1
        } else {
            name
        };
        Input {
            name: called,
            label: layout.say(&said("field", name)),
            hint: if WITH_HINT.contains(name) {
                layout.say(&said("hint", name))
            } else {
                String::new()
            },
            value: value(fields, called).to_owned(),
            is_needed: *is_needed,
            kind: type_of,
            options,
        }
    };
    Ok(Page {
        kind: kind.code(),
        takes_four_eyes: kind.takes_four_eyes(),
        inputs: kind.fields().iter().map(input).collect(),
        reason: value(fields, "reason").to_owned(),
        differences: None,
        problem: String::new(),
        hint: String::new(),
        layout,
    })
}

/// How a field is filled in: the kind of its input, and what can be chosen.
fn choices(
    name: &str,
    choosable: &Choosable,
    layout: &Layout<'_>,
) -> (&'static str, Vec<(String, String)>) {
    let words = |codes: &[&str]| {
        let codes = codes.iter();
        codes
            .map(|code| ((*code).to_owned(), in_words(name, code, layout)))
            .collect()
    };
    let options = match name {
        "from" | "last_day" => return ("date", Vec::new()),
        "kpi" => {
            let kpis = choosable.kpis.iter();
            kpis.map(|(no, title)| (no.to_string(), format!("{no} {title}")))
                .collect()
        }
        "org_unit" | "parent_id" | "successor_id" => {
            let units = choosable.units.iter();
            units
                .map(|unit| {
                    let indent = "\u{2003}".repeat(unit.depth);
                    (
                        unit.id.clone(),
                        format!("{indent}{} ({})", unit.name, unit.id),
                    )
                })
                .collect()
        }
        "from_owner" => {
            let owners = choosable.owners.iter();
            owners.map(|one| (one.clone(), one.clone())).collect()
        }
        "frequency" => {
            let frequencies = Frequency::NAMES.into_iter();
            frequencies
                .map(|(code, _)| (code.to_owned(), in_words(name, code, layout)))
                .collect()
        }
        "applies" => words(&["false", "true"]),
        "of" => words(&[
            "target",
            "parameter",
            "cadence",
            "applicability",
            "waiver",
            "owner",
        ]),
        "kind" => words(&UnitKind::NAMES.map(|(code, _)| code)),
        _ => Vec::new(),
    };
    ("text", options)
}

/// The code that a field holds, in words; as it is where it is no code.
pub(super) fn in_words(name: &str, code: &str, layout: &Layout<'_>) -> String {
    let group = match name {
        "applies" | "of" => name,
        "kind" => "unit-kind",
        "frequency" => {
            let mut known = Frequency::NAMES.into_iter();
            let found = known.find(|(one, _)| *one == code);
            return found.map_or_else(
                || code.to_owned(),
                |(_, one)| one.title().get(layout.reads_in()).to_owned(),
            );
        }
        "from" | "last_day" => return layout.moment(code),
        _ => return code.to_owned(),
    };
    layout.say(&said(group, code))
}
