//! The columns of the journal's tables.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use keiki_model::dataset::{ColumnType, Dataset};

/// Signed count of the entry: -1 what was, +1 what is.
pub const WEIGHT: &str = "weight";
/// First day on which it was so.
pub const EFFECTIVE_ON: &str = "effective_on";
/// When it became known.
pub const KNOWN_AT: &str = "known_at";
/// The commit that brought it.
pub const SEQ: &str = "seq";
/// The batch that brought it.
pub(crate) const BATCH_ID: &str = "batch_id";
/// The source that said it.
pub const SOURCE: &str = "source";
/// The record's key.
pub const RECORD_KEY: &str = "record_key";
/// What a source said: `says`, `ended`, `silent`, or `absent` (a full export left the record out and nothing follows).
pub(crate) const WORD: &str = "word";

/// The type of instants.
pub(crate) fn instant() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
}

/// The type of texts that repeat: read back as dictionaries, so that equal texts are compared by number.
pub(crate) fn dictionary() -> DataType {
    DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8))
}

/// A schema with texts as they are in the place of dictionaries.
pub(crate) fn plain(schema: &SchemaRef) -> SchemaRef {
    let field = |field: &Arc<Field>| match field.data_type() {
        DataType::Dictionary(_, value) => {
            let plain = field.as_ref().clone();
            Arc::new(plain.with_data_type(value.as_ref().clone()))
        }
        _ => Arc::clone(field),
    };
    Arc::new(Schema::new(
        schema.fields().iter().map(field).collect::<Vec<_>>(),
    ))
}

/// The schema of a dataset's entries: its journalled columns, texts as dictionaries, and the journal's own.
#[must_use]
pub fn entries_schema(dataset: &Dataset) -> SchemaRef {
    let mut fields = dataset_fields(dataset);
    fields.extend([
        Field::new(WEIGHT, DataType::Int32, false),
        Field::new(EFFECTIVE_ON, DataType::Date32, false),
        Field::new(KNOWN_AT, instant(), false),
        Field::new(SEQ, DataType::Int64, false),
        Field::new(BATCH_ID, dictionary(), false),
        Field::new(SOURCE, dictionary(), false),
        Field::new(RECORD_KEY, DataType::Utf8, false),
    ]);
    Arc::new(Schema::new(fields))
}

/// The schema of what a dataset's sources said.
pub(crate) fn assertions_schema(dataset: &Dataset) -> SchemaRef {
    let mut fields = dataset_fields(dataset);
    fields.extend([
        Field::new(WORD, dictionary(), false),
        Field::new(EFFECTIVE_ON, DataType::Date32, false),
        Field::new(KNOWN_AT, instant(), false),
        Field::new(SEQ, DataType::Int64, false),
        Field::new(BATCH_ID, dictionary(), false),
        Field::new(SOURCE, dictionary(), false),
        Field::new(RECORD_KEY, DataType::Utf8, false),
    ]);
    Arc::new(Schema::new(fields))
}

fn dataset_fields(dataset: &Dataset) -> Vec<Field> {
    dataset
        .journalled()
        .map(|column| {
            let kind = if column.kind == ColumnType::Text {
                dictionary()
            } else {
                column.kind.arrow()
            };
            Field::new(&column.name, kind, true)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use keiki_model::dataset::{RESERVED, read_dataset};

    #[test]
    fn the_journals_own_columns_are_reserved() {
        let text = r#"
            name = "things"
            kind = "fact"
            title = { ja = "物", en = "Things" }
            description = { ja = "物", en = "Things" }
            key = ["id"]
            freshness_days = 1
            [columns.id]
            type = "text"
            title = { ja = "番号", en = "Number" }
            description = { ja = "番号", en = "Number" }
        "#;
        let dataset = read_dataset("things.toml", text).expect("a dataset");
        for schema in [entries_schema(&dataset), assertions_schema(&dataset)] {
            for field in schema.fields() {
                let name = field.name().as_str();
                assert!(name == "id" || RESERVED.contains(&name), "{name}");
            }
        }
    }
}
