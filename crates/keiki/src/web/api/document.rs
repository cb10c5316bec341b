//! The `OpenAPI` document: made of the handlers, the table of routes and the texts, so that it cannot say anything else than they do.

use std::sync::LazyLock;

use axum::http::{Method, Uri};
use keiki_model::text::Language;
use serde_json::{Map, Value, json};
use utoipa::OpenApi;

use super::{
    catalogue, changing, closing, difference, evidence, figures, people, problem, programme,
    requests, rows, said, submitting, system, tokens, uploads,
};
use crate::web::routes::{self, Need, RouteFacts};
use crate::web::words::Words;

#[derive(OpenApi)]
#[openapi(
    paths(
        people::show_me,
        catalogue::list_periods,
        catalogue::list_org_units,
        catalogue::list_org_history,
        catalogue::list_kpis,
        catalogue::show_kpi,
        figures::show_scorecard,
        figures::list_measurements,
        said::list_remarks,
        said::list_actions,
        said::step_action,
        said::note_instruction,
        rows::list_rows,
        difference::show_difference,
        catalogue::list_statements,
        system::load_statement,
        submitting::explain_figure,
        submitting::show_todo,
        submitting::preview_file,
        submitting::list_previews,
        submitting::show_preview,
        submitting::discard_preview,
        submitting::confirm_preview,
        submitting::submit_file,
        submitting::submit_nil,
        submitting::submit_total,
        evidence::list_owed,
        evidence::list_sources,
        evidence::list_batches,
        evidence::show_batch,
        evidence::load_file,
        evidence::list_rejects,
        programme::list_standings,
        programme::export_programme,
        closing::show_close,
        closing::close_period,
        closing::reopen_period,
        closing::request_close,
        changing::preview_change,
        changing::make_change,
        closing::certify_company,
        requests::list_requests,
        requests::decide_request,
        people::list_users,
        people::add_user,
        people::change_role,
        people::renew_password,
        people::disable_user,
        people::enable_user,
        people::end_sessions,
        people::remove_second_factor,
        people::list_sessions,
        people::end_session,
        people::list_log,
        uploads::list_upload_links,
        uploads::make_upload_link,
        uploads::revoke_upload_link,
        tokens::list_tokens,
        tokens::make_token,
        tokens::revoke_token,
        system::show_system,
        system::make_backup,
        system::verify_books,
        system::load_audit_pack,
    ),
    components(schemas(
        problem::Problem,
        figures::MeasurementItem,
        figures::CoverageItem,
        figures::HeadcountItem
    ))
)]
struct Described;

/// What any request may come to: status and the id of its words.
const PROBLEMS: [(&str, &str); 10] = [
    ("400", "failure-refused"),
    ("401", "failure-unauthorised"),
    ("403", "failure-forbidden"),
    ("404", "failure-absent"),
    ("409", "failure-conflict"),
    ("413", "failure-too-large"),
    ("415", "failure-refused"),
    ("422", "failure-refused"),
    ("500", "failure-internal"),
    ("503", "failure-slow"),
];

/// A file that somebody may send, as `dataset:assets`.
const FILE_EXAMPLE: &str = "asset_id,org_unit,kind,name,is_in_scope\nA9,JP1,hardware,nine,true\n";

/// What follows on from what is answered: the operation, where a value stands in its answer, the operation that takes the value, and
/// the parameter in which it does. *Source*: `OpenAPI` 3.1.1, Link Object; RFC 6901.
const LINKS: [(&str, &str, &str, &str); 15] = [
    ("preview_file", "/token", "show_preview", "token"),
    ("preview_file", "/token", "confirm_preview", "token"),
    ("preview_file", "/token", "discard_preview", "token"),
    ("list_previews", "/0/token", "show_preview", "token"),
    ("list_batches", "/items/0/seq", "show_batch", "seq"),
    ("list_kpis", "/0/no", "show_kpi", "no"),
    ("list_kpis", "/0/no", "list_rows", "no"),
    ("list_kpis", "/0/no", "explain_figure", "no"),
    ("list_periods", "/0/period", "show_close", "period"),
    ("list_requests", "/items/0/id", "decide_request", "id"),
    ("make_token", "/id", "revoke_token", "id"),
    ("make_upload_link", "/id", "revoke_upload_link", "id"),
    ("list_sessions", "/items/0/id", "end_session", "id"),
    ("list_actions", "/items/0/number", "step_action", "number"),
    ("note_instruction", "/number", "step_action", "number"),
];

static JAPANESE: LazyLock<Value> = LazyLock::new(|| made(Language::Ja));
static ENGLISH: LazyLock<Value> = LazyLock::new(|| made(Language::En));

/// The document in a reader's language.
pub(super) fn document(language: Language) -> &'static Value {
    match language {
        Language::Ja => &JAPANESE,
        Language::En => &ENGLISH,
    }
}

/// The methods and paths that it describes.
#[must_use]
pub fn paths() -> Vec<(String, String)> {
    let paths = ENGLISH["paths"].as_object().into_iter().flatten();
    let listed = paths.flat_map(|(path, methods)| {
        let methods = methods.as_object().into_iter().flatten();
        methods.map(|(method, _)| (method.to_uppercase(), path.clone()))
    });
    listed.collect()
}

/// A parameter of an address that a route does not know; `None` where it knows them all, or is not described.
pub(super) fn unknown_parameter(path: &str, method: &Method, uri: &Uri) -> Option<String> {
    let method = method.as_str().to_lowercase();
    let operation = ENGLISH["paths"].get(path)?.get(method)?;
    let known = operation["parameters"].as_array();
    let is_known = |name: &str| {
        let mut known = known.into_iter().flatten();
        known.any(|one| one["in"] == "query" && one["name"] == name)
    };
    let query = uri.query().unwrap_or_default();
    let mut names = url::form_urlencoded::parse(query.as_bytes());
    let unknown = names.find(|(name, _)| !is_known(name));
    unknown.map(|(name, _)| name.into_owned())
}

fn made(language: Language) -> Value {
    let words = Words(language);
    let mut document = serde_json::to_value(Described::openapi())
        .expect("what handlers say of themselves is JSON");
    document["openapi"] = json!("3.1.0");
    document["info"] = json!({
        "title": words.say("api-title"),
        "description": words.say("api-about"),
        "version": env!("CARGO_PKG_VERSION"),
        "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
    });
    document["components"]["securitySchemes"] = json!({ "token": { "type": "http", "scheme": "bearer", "description": words.say("api-token") } });
    document["security"] = json!([{ "token": [] }]);
    for route in routes::facts() {
        let method = route.method.to_lowercase();
        let operation = document["paths"].get_mut(route.path);
        if let Some(operation) = operation.and_then(|methods| methods.get_mut(&method)) {
            describe(operation, &route, words);
        }
    }
    fill(&mut document);
    document
}

/// A character that is no space, to whatever reads patterns: what `answering::filled` asks for.
const FILLED: &str = r"[^\s\u0085]";

/// Says of texts that may not be empty that spaces alone are empty too.
fn fill(part: &mut Value) {
    match part {
        Value::Array(parts) => parts.iter_mut().for_each(fill),
        Value::Object(fields) => {
            let is_filled = fields.get("minLength") == Some(&json!(1));
            if is_filled && !fields.contains_key("maxLength") {
                fields.entry("pattern").or_insert(json!(FILLED));
            }
            fields.values_mut().for_each(fill);
        }
        _ => {}
    }
}

/// Puts words, needs and problems to what the handler says of itself.
fn describe(operation: &mut Value, route: &RouteFacts, words: Words) {
    let id = operation["operationId"].as_str().unwrap_or_default();
    let id = id.to_owned();
    let needs = need(route.need, words);
    operation["summary"] = json!(words.say(&format!("api-{}", id.replace('_', "-"))));
    operation["description"] = json!(words.tell("api-needs", &[("right", &needs)]));
    operation["tags"] = json!([tag(route.path)]);
    let parameters = operation
        .get_mut("parameters")
        .and_then(Value::as_array_mut);
    for parameter in parameters.into_iter().flatten() {
        let name = parameter["name"].as_str().unwrap_or_default();
        let name = name.to_lowercase().replace('_', "-");
        parameter["description"] = json!(words.say(&format!("api-parameter-{name}")));
        // What may be left out is left out, not sent as null.
        if let Some(schema) = parameter["schema"].as_object_mut() {
            plain(schema);
        }
    }
    let binary = json!({ "application/octet-stream": { "schema": { "type": "string", "format": "binary" } } });
    for body in ["/requestBody/content", "/responses/200/content"] {
        if let Some(content) = operation.pointer_mut(body)
            && content.get("application/octet-stream").is_some()
        {
            *content = binary.clone();
            if body == "/requestBody/content" {
                content["application/octet-stream"]["example"] = json!(FILE_EXAMPLE);
            }
        }
    }
    operation["responses"]["200"]["description"] = json!(words.say("api-done"));
    let links = LINKS.iter().filter(|(from, ..)| *from == id);
    for (_, place, to, parameter) in links {
        let value = format!("$response.body#{place}");
        operation["responses"]["200"]["links"][*to] =
            json!({ "operationId": to, "parameters": { *parameter: value } });
    }
    for (status, id) in PROBLEMS {
        operation["responses"][status] = json!({
            "description": words.say(id),
            "content": { "application/problem+json": { "schema": { "$ref": "#/components/schemas/Problem" } } },
        });
    }
}

/// A schema without the null that stands for leaving out.
fn plain(schema: &mut Map<String, Value>) {
    let Some(kinds) = schema.get("type").and_then(Value::as_array) else {
        return;
    };
    if let Some(kind) = kinds.iter().find(|kind| *kind != "null").cloned() {
        schema.insert("type".to_owned(), kind);
    }
}

/// What a route needs, in words.
fn need(need: Need, words: Words) -> String {
    match need {
        Need::Nothing => words.say("api-needs-nothing"),
        Need::Account => words.say("api-needs-account"),
        Need::Right(right) => right.title().get(words.0).to_owned() + " (" + right.code() + ")",
        Need::Whole(right) => {
            let title = right.title();
            let title = format!("{} ({})", title.get(words.0), right.code());
            words.tell("api-needs-whole", &[("right", &title)])
        }
    }
}

/// The subject of a path.
fn tag(path: &str) -> &str {
    path.split('/').nth(3).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_in_the_document_has_its_words_in_both_languages() {
        for language in [Language::Ja, Language::En] {
            let text = document(language).to_string();
            let id = text
                .find("\"api-")
                .map(|at| &text[at..(at + 60).min(text.len())]);
            assert_eq!(id, None, "{language:?}");
        }
    }

    #[test]
    fn links_lead_from_operations_to_parameters_that_there_are() {
        let document = document(Language::En);
        let operations: Vec<&Value> = document["paths"]
            .as_object()
            .into_iter()
            .flatten()
            .flat_map(|(_, methods)| methods.as_object().into_iter().flatten())
            .map(|(_, one)| one)
            .collect();
        let of = |id: &str| operations.iter().find(|one| one["operationId"] == id);
        for (from, _, to, parameter) in LINKS {
            let link = &of(from).expect("it is an operation")["responses"]["200"]["links"][to];
            assert!(link.is_object(), "{from} {to}");
            let taken = of(to).expect("it is an operation")["parameters"].as_array();
            let mut taken = taken.into_iter().flatten();
            assert!(
                taken.any(|one| one["name"] == parameter && one["in"] == "path"),
                "{to} {parameter}"
            );
        }
    }

    #[test]
    fn nothing_in_the_document_is_null_but_what_may_come_back_as_null() {
        let paths = document(Language::En)["paths"].as_object();
        for (path, methods) in paths.into_iter().flatten() {
            for (method, one) in methods.as_object().into_iter().flatten() {
                let fields = one.as_object().into_iter().flatten();
                for (field, value) in fields {
                    assert!(!value.is_null(), "{method} {path} {field}");
                }
            }
        }
    }

    #[test]
    fn a_text_of_spaces_alone_is_no_text_to_the_document_either() {
        let nil = &document(Language::En)["components"]["schemas"]["NilReturn"]["properties"];
        assert_eq!(nil["dataset"]["pattern"], FILLED);
        let key = json!({ "schema": { "minLength": 1, "maxLength": 200 } });
        let mut same = key.clone();
        fill(&mut same);
        assert_eq!(same, key);
    }

    #[test]
    fn a_parameter_that_a_route_does_not_know_is_found() {
        let uri: Uri = "/api/v1/measurements?period=2026-05&untt=JP1"
            .parse()
            .expect("it is an address");
        let found = unknown_parameter("/api/v1/measurements", &Method::GET, &uri);
        assert_eq!(found.as_deref(), Some("untt"));
    }
}
