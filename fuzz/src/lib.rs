//! Reads bytes as a file of a kind, columns by name, as the targets do.

use keiki_ingest::{Context, InputFile, Kinds, Limits, Source, read_evidence};
use keiki_model::dataset::read_dataset;
use keiki_model::expression::{Expression, ExpressionError, Expressions};
use std::sync::Arc;

/// A dataset with a column of every type and no rule.
const DATASET: &str = r#"
name = "things"
kind = "fact"
title = { ja = "物", en = "Things" }
description = { ja = "試験用。", en = "For tests." }
key = ["thing_id"]
freshness_days = 35
[columns.thing_id]
type = "text"
title = { ja = "番号", en = "Number" }
description = { ja = "番号。", en = "The number." }
[columns.amount]
type = "decimal(12,2)"
title = { ja = "金額", en = "Amount" }
description = { ja = "金額。", en = "The amount." }
[columns.held_on]
type = "date"
title = { ja = "取得日", en = "Held on" }
description = { ja = "取得日。", en = "The day." }
[columns.checked_at]
type = "instant"
title = { ja = "確認日時", en = "Checked at" }
description = { ja = "確認日時。", en = "The time." }
"#;

/// No expression is compiled: columns map by name.
#[derive(Debug)]
struct NoExpressions;

impl Expressions for NoExpressions {
    fn compile(
        &self,
        _sql: &str,
        _schema: &arrow::datatypes::SchemaRef,
    ) -> Result<Arc<dyn Expression>, ExpressionError> {
        Err(ExpressionError {
            message: "nothing is compiled here".to_owned(),
            hint: None,
            offset: None,
        })
    }
}

/// Reads `data` as a file of the kind. Panics are what is looked for.
pub fn read(kind: &str, data: &[u8]) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("evidence");
    std::fs::write(&path, data).expect("the folder can be written to");
    let dataset = read_dataset("things.toml", DATASET).expect("the dataset is sound");
    let kind = Kinds::shipped().get(kind).expect("the kind is shipped");
    let source = Source::by_name("file", kind, "things");
    let context = Context {
        expressions: &NoExpressions,
        zone: jiff::tz::TimeZone::UTC,
        limits: Limits::default(),
    };
    let files = [InputFile::new("evidence", path)];
    let _outcome = read_evidence(&source, &dataset, &files, &context);
}
