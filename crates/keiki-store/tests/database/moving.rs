//! A file moves into a server: everything of it, or nothing.

use keiki_model::access::{Grant, Role};
use keiki_model::text::Text;
use keiki_store::{
    Accounts, AuditEvent, AuditLog, FailedReading, Fault, Move, Readings, RequestKind, Requests,
    Seals, Sessions, StoredRequest, StoredSession, Tried,
};

use crate::Place;

fn audit(number: i64) -> AuditEvent {
    AuditEvent {
        at: number,
        actor: "佐藤".to_owned(),
        action: "sign_in".to_owned(),
        object: String::new(),
        detail: format!("{number}"),
        address: "192.0.2.1".to_owned(),
    }
}

fn failed(file: Option<&str>) -> FailedReading {
    FailedReading {
        source: "assets".to_owned(),
        dataset: "assets".to_owned(),
        at: 1_790_000_000_000_000,
        as_of: None,
        file: file.map(str::to_owned),
        reason: Text::new("理由", "reason"),
        author: "somebody".to_owned(),
        tried: Tried::Source,
        fault: Fault::Evidence,
    }
}

fn asked(id: &str) -> StoredRequest {
    StoredRequest {
        id: id.to_owned(),
        kind: RequestKind::Close,
        subject: "2026-05".to_owned(),
        change: "{}".to_owned(),
        reason: "because".to_owned(),
        asked_by: "sato".to_owned(),
        asked_at: 1,
        decision: keiki_store::Decision::Open,
        decided_by: String::new(),
    }
}

#[tokio::test]
async fn everything_of_a_file_is_in_the_server_afterwards_and_goes_on_there() {
    let (from, into) = (Place::file(), Place::server());
    let accounts = Accounts::open(&from.database).await.unwrap();
    let grants = [Grant {
        role: Role::Approver,
        org_unit: "HD".to_owned(),
    }];
    let id = accounts
        .add("sato", "佐藤", &grants, 7)
        .await
        .unwrap()
        .unwrap();
    accounts.set_password(&id, "hash").await.unwrap();
    let session = StoredSession {
        token_sha256: "x".to_owned(),
        account_id: id.clone(),
        created_at: 1,
        seen_at: 2,
        expires_at: 1_790_000_000_000_000,
        agent: "ブラウザー".to_owned(),
    };
    let sessions = Sessions::open(&from.database).await.unwrap();
    sessions.add(&session).await.unwrap();
    let log = AuditLog::open(&from.database).await.unwrap();
    // More than are sent at once.
    for number in 1..=250 {
        log.add(&audit(number)).await.unwrap();
    }
    let readings = Readings::open(&from.database).await.unwrap();
    for file in [None, Some("a.csv")] {
        readings.failed(&failed(file)).await.unwrap();
    }
    let requests = Requests::open(&from.database).await.unwrap();
    requests.add(&asked("one")).await.unwrap();
    // A book in which nothing was written, and one whose table a look has made in the server already.
    Seals::open(&from.database).await.unwrap();
    Sessions::open(&into.database).await.unwrap();

    let moved = from.database.move_into(&into.database).await.unwrap();
    let tables = match moved {
        Move::Done(tables) => tables,
        Move::NotEmpty(_) => Vec::new(),
    };
    let rows = |name: &str| tables.iter().find(|one| one.name == name).unwrap().rows;
    assert_eq!(
        (rows("accounts"), rows("audit_log"), rows("seals")),
        (1, 250, 0)
    );
    assert_eq!((rows("failed_readings"), rows("sessions")), (2, 1));

    let there = into.again();
    let found = Accounts::open(&there).await.unwrap();
    let found = found.named("sato").await.unwrap().unwrap();
    assert_eq!(
        (found.shown_name.as_str(), found.grants),
        ("佐藤", grants.to_vec())
    );
    assert_eq!(
        (found.language, found.mail, found.created_at),
        (None, None, 7)
    );
    let there_sessions = Sessions::open(&there).await.unwrap();
    assert_eq!(there_sessions.find("x", 5).await.unwrap(), Some(session));
    let there_log = AuditLog::open(&there).await.unwrap();
    assert_eq!(
        there_log.before(None, 300).await.unwrap(),
        log.before(None, 300).await.unwrap()
    );
    // Numbers and hashes go on after the last.
    there_log.add(&audit(251)).await.unwrap();
    assert_eq!(there_log.before(None, 1).await.unwrap()[0].number, 251);
    assert_eq!(there_log.broken().await.unwrap(), None);
    let there_readings = Readings::open(&there).await.unwrap();
    assert_eq!(
        there_readings.all().await.unwrap(),
        readings.all().await.unwrap()
    );
    there_readings.failed(&failed(None)).await.unwrap();
    // What may be there once may be there once.
    let there_requests = Requests::open(&there).await.unwrap();
    assert!(!there_requests.add(&asked("two")).await.unwrap());
    // The file stays as it was.
    assert_eq!(log.before(None, 1).await.unwrap()[0].number, 250);
}

#[tokio::test]
async fn nothing_moves_into_a_server_that_holds_something() {
    let (from, into) = (Place::file(), Place::server());
    let log = AuditLog::open(&from.database).await.unwrap();
    log.add(&audit(1)).await.unwrap();
    let accounts = Accounts::open(&into.database).await.unwrap();
    accounts.add("sato", "", &[], 1).await.unwrap().unwrap();
    let moved = from.database.move_into(&into.database).await.unwrap();
    assert_eq!(moved, Move::NotEmpty(vec!["accounts".to_owned()]));
    let there = AuditLog::open(&into.again()).await.unwrap();
    assert_eq!(there.before(None, 9).await.unwrap(), []);
    // A server moves nowhere, and a file takes nothing.
    assert!(into.database.move_into(&from.database).await.is_err());
}
