//! `SQLite`.

use super::{Live, problems};
use crate::fixture::shown;
use crate::live::servers::run;

const SOURCE: &str = r#"
name = "live"
kind = "sqlite"
dataset = "assets"

[fetch]
place = "cmdb.db"
query = "select id, unit, 'hardware' as kind, name, owned from machines"
incremental = { column = "id", start = "0" }

[columns]
asset_id = "'A' || id"
org_unit = "unit"
owner_assigned_on = "owned"
"#;

fn database(live: &Live, sql: &str) {
    let path = live.path().join("cmdb.db").display().to_string();
    run(
        "python3",
        &[
            "-c",
            "import sqlite3,sys; c=sqlite3.connect(sys.argv[1]); c.executescript(sys.argv[2]); c.commit()",
            &path,
            sql,
        ],
    );
}

const TABLE: &str = "create table machines (id integer, unit text, name text, owned text);";

#[tokio::test]
async fn the_rows_of_a_query_are_evidence_and_the_next_reading_goes_on() {
    let live = Live::new();
    database(
        &live,
        &format!(
            "{TABLE} insert into machines values (1,'JP1','one','2026-04-01'),(2,'JP1','two','soon');"
        ),
    );
    let first = live.read(SOURCE, None).await.expect("it can be read");
    let text = shown(&first.evidence);
    assert!(
        text.contains("accepted: 1\n") && text.contains("asset_id=A1"),
        "{text}"
    );
    assert!(
        text.contains("rejected: 1\n") && text.contains("soon"),
        "{text}"
    );
    assert_eq!(first.cursor.as_deref(), Some("2"));
    database(&live, "insert into machines values (10,'JP1','ten',null);");
    let next = live
        .read(SOURCE, first.cursor.as_deref())
        .await
        .expect("it can be read");
    // The row at the cursor comes again, and 10 is after 2 as a number.
    assert_eq!(
        next.texts[0].matches("\"id\"").count(),
        2,
        "{}",
        next.texts[0]
    );
    assert_eq!(next.cursor.as_deref(), Some("10"));
}

#[tokio::test]
async fn values_keep_every_digit_and_binary_ones_are_refused() {
    let live = Live::new();
    database(
        &live,
        &format!(
            "{TABLE} create table v (a, b, c); insert into v values (9223372036854775807, 0.1, null);"
        ),
    );
    let of = |query: &str| {
        SOURCE
            .replace(
                "select id, unit, 'hardware' as kind, name, owned from machines",
                query,
            )
            .replace("incremental = { column = \"id\", start = \"0\" }\n", "")
            .replace("'A' || id", "a")
            .replace("\"unit\"", "\"'JP1'\"")
            .replace(
                "owner_assigned_on = \"owned\"",
                "kind = \"'hardware'\"\nname = \"b\"",
            )
    };
    let read = live
        .read(&of("select * from v"), None)
        .await
        .expect("it can be read");
    assert!(
        read.texts[0].contains(r#"{"a":"9223372036854775807","b":"0.1","c":null}"#),
        "{}",
        read.texts[0]
    );
    let fault = live.fault(&of("select x'00' as a, 1 as b")).await;
    assert!(
        fault.contains("column a is of a type that is not taken: BLOB"),
        "{fault}"
    );
    let fault = live.fault(&of("select 1 as a, 2 as a")).await;
    assert!(fault.contains("two columns named a"), "{fault}");
    let fault = live.fault(&of("select 1 as a; delete from v")).await;
    assert!(
        fault.contains("refused") || fault.contains("not usable"),
        "{fault}"
    );
    let kept = live
        .read(&of("select * from v"), None)
        .await
        .expect("nothing was deleted");
    assert_eq!(kept.evidence.rows.num_rows(), 1);
}

#[tokio::test]
async fn a_query_that_never_ends_is_given_up_and_one_without_rows_is_a_nil_return() {
    let mut live = Live::new();
    database(&live, TABLE);
    let nothing = live.read(SOURCE, None).await.expect("it can be read");
    assert_eq!(
        (nothing.evidence.rows.num_rows(), nothing.cursor),
        (0, None)
    );
    live.limits.answer_seconds = 0;
    let endless = SOURCE.replace(
        "select id, unit, 'hardware' as kind, name, owned from machines",
        "with recursive n(id) as (select 1 union all select id + 1 from n) select max(id) as id from n",
    );
    let fault = live.fault(&endless).await;
    assert!(fault.contains("interrupted"), "{fault}");
}

#[test]
fn what_a_definition_gets_wrong_is_said_at_its_place() {
    let wrong = SOURCE
        .replace("select id", "delete from x where id")
        .replace("place = \"cmdb.db\"", "plaice = \"cmdb.db\"");
    let found = problems(&wrong);
    assert!(found.contains("the query should be a select"), "{found}");
    assert!(found.contains("did you mean `place`?"), "{found}");
    let full = SOURCE.replace("dataset =", "extent = \"full\"\ndataset =");
    assert!(
        problems(&full).contains("an incremental reading is a part"),
        "{}",
        problems(&full)
    );
}
