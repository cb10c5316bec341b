//! `/api/v1/docs` and `/api/v1/openapi.json`: what programs can ask for, for people and for programs.

use askama::Template;
use axum::Json;
use axum::response::Html;
use serde_json::Value;

use super::document::document;
use crate::web::failure::Answer;
use crate::web::layout::Layout;
use crate::web::visitor::Visitor;

#[derive(Template)]
#[template(path = "api.html")]
struct Page<'p> {
    layout: Layout<'p>,
    operations: Vec<Operation>,
    schemas: Vec<Schema>,
}

struct Operation {
    method: String,
    path: String,
    summary: String,
    needs: String,
    parameters: Vec<Field>,
    /// What is sent, and what comes back: schema, and where it is listed.
    sent: String,
    given: String,
}

struct Schema {
    name: String,
    about: String,
    fields: Vec<Field>,
}

struct Field {
    name: String,
    kind: String,
    about: String,
    is_required: bool,
}

/// The document as data.
pub(in crate::web) async fn load_document(visitor: Visitor) -> Json<&'static Value> {
    Json(document(visitor.language))
}

/// The document as a page.
pub(in crate::web) async fn show(visitor: Visitor) -> Answer {
    let document = document(visitor.language);
    let page = Page {
        layout: Layout::new(&visitor, "api-title"),
        operations: operations(document),
        schemas: schemas(document),
    };
    Ok(Html(page.render()?))
}

fn operations(document: &Value) -> Vec<Operation> {
    let paths = document["paths"].as_object().into_iter().flatten();
    let all = paths.flat_map(|(path, methods)| {
        let methods = methods.as_object().into_iter().flatten();
        methods.map(move |(method, one)| {
            let parameters = one["parameters"].as_array().into_iter().flatten();
            Operation {
                method: method.to_uppercase(),
                path: path.clone(),
                summary: text(&one["summary"]),
                needs: text(&one["description"]),
                parameters: parameters
                    .map(|parameter| Field {
                        name: text(&parameter["name"]),
                        kind: kind(&parameter["schema"]),
                        about: text(&parameter["description"]),
                        is_required: parameter["required"] == true,
                    })
                    .collect(),
                sent: content(&one["requestBody"]["content"]),
                given: content(&one["responses"]["200"]["content"]),
            }
        })
    });
    all.collect()
}

fn schemas(document: &Value) -> Vec<Schema> {
    let all = document["components"]["schemas"].as_object();
    let one = |(name, schema): (&String, &Value)| {
        let required = schema["required"].as_array();
        let is_required = |name: &str| required.into_iter().flatten().any(|one| one == name);
        let fields = schema["properties"].as_object().into_iter().flatten();
        Schema {
            name: name.clone(),
            about: text(&schema["description"]),
            fields: fields
                .map(|(name, field)| Field {
                    kind: kind(field),
                    about: text(&field["description"]),
                    is_required: is_required(name),
                    name: name.clone(),
                })
                .collect(),
        }
    };
    all.into_iter().flatten().map(one).collect()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// What a body is, by its media type.
fn content(content: &Value) -> String {
    let all = content.as_object().into_iter().flatten();
    let all = all.map(|(media, one)| match media.as_str() {
        "application/json" => kind(&one["schema"]),
        other => other.to_owned(),
    });
    all.collect::<Vec<_>>().join(", ")
}

/// A schema in short.
fn kind(schema: &Value) -> String {
    if let Some(reference) = schema["$ref"].as_str() {
        return reference.rsplit('/').next().unwrap_or_default().to_owned();
    }
    let many = schema["oneOf"].as_array();
    if let Some(many) = many {
        return many.iter().map(kind).collect::<Vec<_>>().join(" | ");
    }
    let items = || kind(&schema["items"]);
    match &schema["type"] {
        Value::String(name) if name == "array" => format!("[{}]", items()),
        Value::String(name) => name.clone(),
        Value::Array(names) => {
            let names = names.iter().map(text);
            let names = names.map(|name| {
                if name == "array" {
                    format!("[{}]", items())
                } else {
                    name
                }
            });
            names.collect::<Vec<_>>().join(" | ")
        }
        _ => "*".to_owned(),
    }
}
