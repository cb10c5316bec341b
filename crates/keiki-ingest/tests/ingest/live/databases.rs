//! `PostgreSQL`, `MariaDB` and `MySQL`, started in temporary folders.

#[cfg(all(feature = "databases", target_arch = "x86_64"))]
use super::database_servers::Mysql;
#[cfg(feature = "databases")]
use super::database_servers::{Mariadb, Postgresql};
use super::{Live, SECRET, problems};
#[cfg(feature = "databases")]
use crate::fixture::shown;

fn source(kind: &str, port: u16, query: &str, more: &str) -> String {
    format!(
        "name = \"live\"\nkind = \"{kind}\"\ndataset = \"assets\"\n[fetch]\nhost = \"127.0.0.1\"\nport = {port}\ndatabase = \"cmdb\"\n\
         user = \"keiki\"\npassword = {{ env = \"SECRET\" }}\ntls = \"off\"\nquery = \"\"\"{query}\"\"\"\n{more}\n\
         [columns]\nasset_id = \"id\"\norg_unit = \"'JP1'\"\nkind = \"'hardware'\"\n"
    )
}

#[cfg(feature = "databases")]
const TYPES_POSTGRESQL: &str = "select 1 as id, 12345678901234567890.1234567890::numeric as exact, 0.1::float8 as d, 0.1::float4 as f, \
    1e300::float8 as big, true as b, date '2026-04-01' as day, timestamptz '2026-04-01 09:00:00.5+09' as at, \
    timestamp '2026-04-01 09:00' as local, '山田'::text as t, null::int as n, array[1,2] as a, '{\"x\": 1}'::jsonb as j";

#[cfg(feature = "databases")]
#[tokio::test]
async fn postgresql_gives_every_type_as_exact_text_and_goes_on_where_it_was() {
    let server = Postgresql::start(
        "create sequence numbers; create table m (id bigint, changed timestamptz); insert into m values (1, '2026-04-01 00:00+00'), (2, '2026-04-02 00:00+00'), (3, null);",
    );
    let live = Live::new();
    let of = |query: &str, more: &str| source("postgresql", server.port, query, more);
    let types = live
        .read(&of(TYPES_POSTGRESQL, ""), None)
        .await
        .expect("it can be read");
    let expected = r#"{"id":"1","exact":"12345678901234567890.1234567890","d":"0.1","f":"0.1","big":"1e+300","b":"true","day":"2026-04-01","at":"2026-04-01 00:00:00.5Z","local":"2026-04-01 09:00:00","t":"山田","n":null,"a":"{1,2}","j":"{\"x\": 1}"}"#;
    assert!(types.texts[0].contains(expected), "{}", types.texts[0]);

    let more = "incremental = { column = \"changed\" }";
    let first = live
        .read(&of("select * from m", more), None)
        .await
        .expect("it can be read");
    assert_eq!(
        (first.evidence.rows.num_rows(), first.cursor.as_deref()),
        (3, Some("2026-04-02 00:00:00Z"))
    );
    let next = live
        .read(&of("select * from m;", more), first.cursor.as_deref())
        .await
        .expect("it can be read");
    assert!(
        shown(&next.evidence).contains("accepted: 1\n  1: asset_id=2"),
        "{}",
        shown(&next.evidence)
    );
    assert_eq!(next.cursor, first.cursor);

    for (query, said) in [
        (
            "with gone as (delete from m returning *) select id from gone",
            "data-modifying statement",
        ),
        ("select nextval('numbers') as id", "read-only transaction"),
        ("select 1 as id) as q; drop table m; --", "refused"),
        (
            "select '\\\\\\\\x00'::bytea as id",
            "column id is of a type that is not taken: BYTEA",
        ),
        ("select 1 as id, 2 as id", "two columns named id"),
        ("select nothing from m", "does not exist"),
    ] {
        let fault = live.fault(&of(query, "")).await;
        assert!(fault.contains(said), "{query}: {fault}");
    }
    let fault = live
        .fault(&of("select 1 as id", "").replace("\"keiki\"", "\"nobody\""))
        .await;
    assert!(
        fault.contains("refused") && fault.contains("nobody"),
        "{fault}"
    );
    check_tls(&of("select 1 as id", ""), |name| server.authority(name)).await;
    let mut short = Live::new();
    short.limits.answer_seconds = 1;
    let fault = short
        .fault(&of(
            "select count(*) as id from generate_series(1, 100000000000)",
            "",
        ))
        .await;
    assert!(fault.contains("statement timeout"), "{fault}");
    short.limits.row_count = 2;
    let fault = short.fault(&of("select * from m", "")).await;
    assert!(fault.contains("more than the limit of 2 rows"), "{fault}");
    let kept = live
        .read(&of("select * from m", ""), None)
        .await
        .expect("nothing was deleted");
    assert_eq!(kept.evidence.rows.num_rows(), 3);
}

#[cfg(feature = "databases")]
const TYPES_MYSQL: &str = "select 1 as id, cast(12345678901234567890.1234567890 as decimal(40,10)) as exact, d, f, day, at, local, t, n, u, bits from v";

#[cfg(feature = "databases")]
#[tokio::test]
async fn mariadb_gives_every_type_as_exact_text_and_goes_on_where_it_was() {
    let server = Mariadb::start(
        "create table m (id bigint unsigned, changed datetime(3)); insert into m values (1, '2026-04-01 00:00:00'), (18446744073709551615, '2026-04-02 00:00:00.5'), (3, null); \
         create table v (d double, f float, day date, at timestamp(1), local datetime, t varchar(9), n int, u bigint unsigned, bits bit(3)); \
         set time_zone = '+09:00'; \
         insert into v values (0.1, 0.1, '2026-04-01', '2026-04-01 09:00:00.5', '2026-04-01 09:00:00', '山田', null, 18446744073709551615, b'101');",
    );
    let live = Live::new();
    let of = |query: &str, more: &str| source("mysql", server.port, query, more);
    let types = live
        .read(&of(TYPES_MYSQL, ""), None)
        .await
        .expect("it can be read");
    let expected = r#"{"id":"1","exact":"12345678901234567890.1234567890","d":"0.1","f":"0.1","day":"2026-04-01","at":"2026-04-01 00:00:00.5Z","local":"2026-04-01 09:00:00","t":"山田","n":null,"u":"18446744073709551615","bits":"5"}"#;
    assert!(types.texts[0].contains(expected), "{}", types.texts[0]);

    let by_time = "incremental = { column = \"changed\" }";
    let first = live
        .read(&of("select * from m", by_time), None)
        .await
        .expect("it can be read");
    assert_eq!(
        (first.evidence.rows.num_rows(), first.cursor.as_deref()),
        (3, Some("2026-04-02 00:00:00.500"))
    );
    let next = live
        .read(&of("select * from m", by_time), first.cursor.as_deref())
        .await
        .expect("it can be read");
    assert_eq!(next.evidence.rows.num_rows(), 1);
    let by_id = "incremental = { column = \"id\", start = \"3\" }";
    let large = live
        .read(&of("select * from m", by_id), None)
        .await
        .expect("it can be read");
    assert_eq!(
        (large.evidence.rows.num_rows(), large.cursor.as_deref()),
        (2, Some("18446744073709551615"))
    );

    for (query, said) in [
        (
            "select x'00' as id",
            "column id is of a type that is not taken",
        ),
        ("select 1 as id, 2 as id", "two columns named id"),
        ("select nothing from m", "nothing"),
    ] {
        let fault = live.fault(&of(query, "")).await;
        assert!(fault.contains(said), "{query}: {fault}");
    }
    let mut short = Live::new();
    short.limits.answer_seconds = 1;
    let fault = short
        .fault(&of(
            "select count(*) as id from seq_1_to_1000000000 a, seq_1_to_1000000000 b",
            "",
        ))
        .await;
    assert!(fault.contains("max_statement_time"), "{fault}");
    check_tls(&of("select 1 as id", ""), |name| server.authority(name)).await;
    let fault = live
        .fault(&of("select 1 as id", "").replace("\"SECRET\"", "\"PATH\""))
        .await;
    assert!(fault.contains("Access denied"), "{fault}");
}

/// The oldest `MySQL` that is still met. It knows no limit of a statement's time, and TLS only of a version that nobody should speak.
#[cfg(all(feature = "databases", target_arch = "x86_64"))]
#[tokio::test]
async fn mysql_itself_gives_every_type_as_exact_text_and_goes_on_where_it_was() {
    let server = Mysql::start(
        "create table m (id bigint unsigned, changed datetime(3)); insert into m values (1, '2026-04-01 00:00:00'), (18446744073709551615, '2026-04-02 00:00:00.5'), (3, null); \
         create table v (d double, f float, day date, at timestamp(1) null, local datetime, t varchar(9), n int, u bigint unsigned, bits bit(3)); \
         set time_zone = '+09:00'; \
         insert into v values (0.1, 0.1, '2026-04-01', '2026-04-01 09:00:00.5', '2026-04-01 09:00:00', '山田', null, 18446744073709551615, b'101');",
    );
    let live = Live::new();
    let of = |query: &str, more: &str| source("mysql", server.port, query, more);
    let version = live.read(&of("select version() as id", ""), None).await;
    let version = version.expect("it can be read").texts.remove(0);
    assert!(version.contains("\"5.6.24\""), "{version}");
    let types = live
        .read(&of(TYPES_MYSQL, ""), None)
        .await
        .expect("it can be read");
    let expected = r#"{"id":"1","exact":"12345678901234567890.1234567890","d":"0.1","f":"0.1","day":"2026-04-01","at":"2026-04-01 00:00:00.5Z","local":"2026-04-01 09:00:00","t":"山田","n":null,"u":"18446744073709551615","bits":"5"}"#;
    assert!(types.texts[0].contains(expected), "{}", types.texts[0]);

    let by_time = "incremental = { column = \"changed\" }";
    let first = live
        .read(&of("select * from m", by_time), None)
        .await
        .expect("it can be read");
    assert_eq!(
        (first.evidence.rows.num_rows(), first.cursor.as_deref()),
        (3, Some("2026-04-02 00:00:00.500"))
    );
    let next = live
        .read(&of("select * from m", by_time), first.cursor.as_deref())
        .await
        .expect("it can be read");
    assert_eq!(next.evidence.rows.num_rows(), 1);

    for (query, said) in [
        (
            "select x'00' as id",
            "column id is of a type that is not taken",
        ),
        ("select nothing from m", "nothing"),
    ] {
        let fault = live.fault(&of(query, "")).await;
        assert!(fault.contains(said), "{query}: {fault}");
    }
    let mut short = Live::new();
    short.limits.answer_seconds = 1;
    let endless = "select count(*) as id from m a, m b, (select sleep(30)) c";
    let fault = short.fault(&of(endless, "")).await;
    assert!(fault.contains("more than the limit of 1 second"), "{fault}");
    let plain = of("select 1 as id", "").replace("tls = \"off\"", "tls = \"require\"");
    let fault = live.fault(&plain).await;
    assert!(fault.contains("cannot be reached"), "{fault}");
    let fault = live
        .fault(&of("select 1 as id", "").replace("\"SECRET\"", "\"PATH\""))
        .await;
    assert!(fault.contains("Access denied"), "{fault}");
}

/// Who a server says it is, is checked against the stated authority, and its name too; `require` checks neither.
#[cfg(feature = "databases")]
async fn check_tls(source: &str, authority: impl Fn(&str) -> String) {
    let live = Live::new();
    let with = |tls: &str, more: &str| {
        source.replace("tls = \"off\"", &format!("tls = \"{tls}\"\n{more}"))
    };
    let ca = |name: &str| format!("ca = \"{}\"", authority(name));
    for good in [with("verify", &ca("ca")), with("require", "")] {
        let read = live.read(&good, None).await;
        let read = read.unwrap_or_else(|e| unreachable!("{good}: {e}"));
        assert_eq!(read.evidence.rows.num_rows(), 1);
    }
    let elsewhere = with("verify", &ca("ca")).replace("127.0.0.1", "localhost");
    for bad in [with("verify", &ca("other")), with("verify", ""), elsewhere] {
        let fault = live.fault(&bad).await;
        assert!(fault.contains("cannot be reached"), "{bad}: {fault}");
        assert!(fault.contains("certificate"), "{bad}: {fault}");
    }
}

#[test]
fn a_password_in_a_definition_is_a_problem() {
    let literal = source("postgresql", 5432, "select 1", "")
        .replace("{ env = \"SECRET\" }", &format!("\"{SECRET}\""));
    assert!(
        problems(&literal).contains("`password` is a secret"),
        "{}",
        problems(&literal)
    );
    let write = source("mysql", 3306, "update m set id = 1", "");
    assert!(
        problems(&write).contains("the query should be a select"),
        "{}",
        problems(&write)
    );
}

#[cfg(not(feature = "databases"))]
#[tokio::test]
async fn a_program_without_the_clients_says_so() {
    let fault = Live::new()
        .fault(&source("mysql", 3306, "select 1 as id", ""))
        .await;
    assert!(
        fault.contains("built without the feature databases"),
        "{fault}"
    );
}
