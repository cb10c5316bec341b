//! The books of what was said, decided and closed.

use std::collections::BTreeMap;

use keiki_model::text::Text;
use keiki_store::{
    Answers, AuditEvent, AuditLog, Begun, Cursor, Database, Decision, EditionOf, Event,
    FailedReading, Fault, Forms, Ledger, NewEdition, Notices, PutText, Readings, RequestKind,
    Requests, Seal, SealKind, Seals, SeenStatus, SentForm, Statements, StoreError, StoredRequest,
    Tried, UnsettledMessage,
};

use crate::in_both;

fn reopened(period: &str, by: &str) -> Event {
    Event::Reopened {
        period: period.to_owned(),
        at: 1,
        by: by.to_owned(),
        reason: "訂正".to_owned(),
        cause: None,
    }
}

fn audit(actor: &str, at: i64) -> AuditEvent {
    AuditEvent {
        at,
        actor: actor.to_owned(),
        action: "sign_in".to_owned(),
        object: "山田".to_owned(),
        detail: String::new(),
        address: "192.0.2.1".to_owned(),
    }
}

fn failed(at: i64, tried: Tried) -> FailedReading {
    FailedReading {
        source: "assets".to_owned(),
        dataset: "assets".to_owned(),
        at,
        as_of: Some(20_000),
        file: None,
        reason: Text::new("理由", "reason"),
        author: "somebody".to_owned(),
        tried,
        fault: Fault::Evidence,
    }
}

fn asked(id: &str, subject: &str) -> StoredRequest {
    StoredRequest {
        id: id.to_owned(),
        kind: RequestKind::Close,
        subject: subject.to_owned(),
        change: "{}".to_owned(),
        reason: "because".to_owned(),
        asked_by: "sato".to_owned(),
        asked_at: 1_790_000_000_000_000,
        decision: Decision::Open,
        decided_by: String::new(),
    }
}

async fn log_of(database: &Database) -> AuditLog {
    AuditLog::open(database).await.expect("the log opens")
}

in_both! {

async fn of_two_who_close_a_period_at_the_same_time_one_does(place) {
    let one = Statements::open(&place.database).await.unwrap();
    let other = Statements::open(&place.again()).await.unwrap();
    let first = one.add(&reopened("2026-04", "a"), None).await.unwrap();
    let late = other.add(&reopened("2026-04", "b"), None).await;
    assert!(matches!(late, Err(StoreError::StatementMoved(_))), "{late:?}");
    // Another period is no other's matter.
    other.add(&reopened("2026-05", "b"), None).await.unwrap();
    one.add(&reopened("2026-04", "a"), Some(first.number)).await.unwrap();
    let numbers: Vec<i64> = one.of_period("2026-04").await.unwrap().iter().map(|one| one.number).collect();
    assert_eq!(numbers, [1, 3]);
    assert_eq!(other.last_number().await.unwrap(), Some(3));
    assert_eq!(other.broken().await.unwrap(), None);
}

async fn many_who_write_into_the_log_leave_it_unbroken(place) {
    let mut logs = vec![log_of(&place.database).await, log_of(&place.again()).await];
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..40 {
        let log = logs[number % 2].clone();
        let event = audit(if number % 3 == 0 { "sato" } else { "" }, i64::try_from(number).unwrap());
        tasks.spawn(async move { log.add(&event).await });
    }
    while let Some(done) = tasks.join_next().await {
        done.unwrap().expect("an event is added");
    }
    let log = logs.pop().unwrap();
    assert_eq!(log.broken().await.unwrap(), None);
    let all = log.before(None, 100).await.unwrap();
    assert_eq!(all.len(), 40);
    assert_eq!(all[0].number, 40);
    assert_eq!(log.before(Some(3), 100).await.unwrap().len(), 2);
}

async fn an_edition_is_recorded_once_and_read_as_it_was(place) {
    let ledger = Ledger::open(&place.database).await.unwrap();
    let texts = |text: &str| BTreeMap::from([("org.csv".to_owned(), text.to_owned()), ("keiki.toml".to_owned(), "日本".to_owned())]);
    let record = async |ledger: &Ledger, text: &str, now: i64, is_so_again: bool| {
        let texts = texts(text);
        let (author, reason) = if text == "b" { ("suzuki", Some("why")) } else { ("sato", None) };
        let new = NewEdition { texts: &texts, now, author, reason, fulfils: None };
        let recorded = ledger.record(new, || is_so_again).await.unwrap();
        (recorded.number, recorded.is_new)
    };
    assert_eq!(record(&ledger, "a", 5, false).await, (1, true));
    assert_eq!(record(&ledger, "a", 6, false).await, (1, false));
    let other = Ledger::open(&place.again()).await.unwrap();
    assert_eq!(record(&other, "b", 4, false).await, (2, true));
    // Who read the files before they were changed has the edition of then.
    assert_eq!(record(&ledger, "a", 8, false).await, (1, false));
    assert_eq!(record(&ledger, "a", 9, true).await, (3, true));
    let editions = ledger.editions().await.unwrap();
    // Knowledge never goes back.
    let known: Vec<i64> = editions.iter().map(|one| one.known_at).collect();
    assert_eq!(known, [5, 5, 9]);
    assert_eq!(ledger.texts(2).await.unwrap(), texts("b"));
    assert_eq!(ledger.at(8).await.unwrap().map(|one| one.number), Some(2));
    assert_eq!(ledger.digest(1).await.unwrap(), ledger.digest(3).await.unwrap());
    assert_eq!(ledger.broken().await.unwrap(), None);
    // What cannot be put in its place is not recorded.
    let put = texts("c");
    let new = NewEdition { texts: &put, now: 10, author: "sato", reason: None, fulfils: None };
    let full = || Err(StoreError::NoJournal("a full disk".to_owned()));
    assert!(ledger.record_as_put(new, full).await.is_err());
    // Who reads the texts as soon as they are there does not record them first.
    let mut reader = None;
    let put_and_read = || {
        let (other, texts) = (other.clone(), put.clone());
        reader = Some(tokio::spawn(async move {
            let new = NewEdition { texts: &texts, now: 10, author: "suzuki", reason: None, fulfils: None };
            other.record(new, || true).await.unwrap()
        }));
        Ok::<(), StoreError>(())
    };
    let edition = ledger.record_as_put(new, put_and_read).await.unwrap();
    assert_eq!(edition.new_number(), Some(4));
    assert_eq!(reader.unwrap().await.unwrap(), EditionOf { number: 4, is_new: false });
    assert_eq!(ledger.editions().await.unwrap()[3].author, "sato");
    assert_eq!(other.texts(4).await.unwrap(), put);
    let again = ledger.record_as_put(new, || Ok::<(), StoreError>(())).await.unwrap();
    assert_eq!(again.new_number(), None);
}

async fn what_failed_is_told_until_the_source_is_read(place) {
    let readings = Readings::open(&place.database).await.unwrap();
    for one in [failed(1, Tried::Source), failed(2, Tried::Source), failed(3, Tried::Files)] {
        readings.failed(&one).await.unwrap();
    }
    let state = readings.of("assets").await.unwrap();
    assert_eq!((state.failures, state.failed_at, state.succeeded_at), (2, Some(2), None));
    let cursor = Cursor { position: "p".to_owned(), definition: "d".to_owned() };
    readings.succeeded("assets", 4, Some(&cursor)).await.unwrap();
    let state = readings.of("assets").await.unwrap();
    assert_eq!((state.failures, state.failed_at, state.cursor), (0, None, Some(cursor)));
    assert_eq!(readings.refused().await.unwrap(), [failed(1, Tried::Source), failed(2, Tried::Source), failed(3, Tried::Files)]);
}

async fn of_two_who_ask_for_the_same_or_decide_one_does(place) {
    let one = Requests::open(&place.database).await.unwrap();
    let other = Requests::open(&place.again()).await.unwrap();
    assert!(one.add(&asked("1", "2026-04")).await.unwrap());
    assert!(!other.add(&asked("2", "2026-04")).await.unwrap());
    assert!(other.add(&asked("3", "2026-05")).await.unwrap());
    let agreed = one.agree("1", "suzuki").await.unwrap().expect("it is open");
    assert!(!other.decide("1", Decision::Refused, "tanaka").await.unwrap());
    // As long as it is not done, it might have to be agreed to again.
    assert!(!other.add(&asked("4", "2026-04")).await.unwrap());
    other.done(&agreed).await.unwrap();
    assert!(other.add(&asked("4", "2026-04")).await.unwrap());
    let all = one.all().await.unwrap();
    let of = |id: &str| all.iter().find(|one| one.id == id).map(|one| (one.decision, one.decided_by.as_str()));
    assert_eq!(of("1"), Some((Decision::Agreed, "suzuki")));
    assert_eq!(of("4"), Some((Decision::Open, "")));
}

async fn what_was_agreed_to_is_done_once_whoever_is_stopped(place) {
    let requests = Requests::open(&place.database).await.unwrap();
    let ledger = Ledger::open(&place.database).await.unwrap();
    let statements = Statements::open(&place.again()).await.unwrap();
    let other = Requests::open(&place.again()).await.unwrap();
    let standing = async |id: &str| {
        let all = other.all().await.unwrap();
        all.into_iter().find(|one| one.id == id).map(|one| one.decision)
    };
    let texts = |text: &str| BTreeMap::from([("programme.toml".to_owned(), text.to_owned())]);
    for id in ["1", "2"] {
        assert!(requests.add(&asked(id, id)).await.unwrap());
        assert!(requests.agree(id, "suzuki").await.unwrap().is_some());
        assert!(requests.agree(id, "tanaka").await.unwrap().is_none());
    }
    // Whoever agreed is stopped here. Somebody else, who has nothing but the id, fails at first.
    let agreed = other.undone("1").await.unwrap().expect("it is not done");
    let put = PutText { file: "programme.toml".to_owned(), sha256: "ab".to_owned(), after_edition: 0 };
    other.will_put(&agreed, &put).await.unwrap();
    assert_eq!(requests.text_of(&agreed).await.unwrap(), Some(put));
    let (one, two) = (texts("one"), texts("two"));
    let new = NewEdition { texts: &one, now: 1, author: "sato", reason: None, fulfils: Some(&agreed) };
    let full = || Err(StoreError::NoJournal("a full disk".to_owned()));
    assert!(ledger.record_as_put(new, full).await.is_err());
    assert_eq!(standing("1").await, Some(Decision::Undone));
    let made = ledger.record_as_put(new, || Ok::<(), StoreError>(())).await.unwrap();
    assert_eq!((made.new_number(), standing("1").await), (Some(1), Some(Decision::Agreed)));
    // Whoever comes late puts nothing anywhere, and opens nothing again.
    let mut has_put = false;
    let late = NewEdition { texts: &two, ..new };
    let refused = ledger.record_as_put(late, || { has_put = true; Ok::<(), StoreError>(()) }).await;
    assert!(matches!(refused, Err(StoreError::NotUndone)), "{refused:?}");
    assert!(!has_put);
    requests.reopen(&agreed).await.unwrap();
    assert_eq!(standing("1").await, Some(Decision::Agreed));
    assert!(requests.undone("1").await.unwrap().is_none());

    let agreed = other.undone("2").await.unwrap().expect("it is not done");
    let first = statements.add_as_agreed(&reopened("2026-04", "a"), None, Some(&agreed)).await.unwrap();
    let late = statements.add_as_agreed(&reopened("2026-04", "a"), Some(first.number), Some(&agreed)).await;
    assert!(matches!(late, Err(StoreError::NotUndone)), "{late:?}");
    assert_eq!(statements.events().await.unwrap().len(), 1);
    assert_eq!(standing("2").await, Some(Decision::Agreed));
    // What cannot be done waits again, and then holds nothing up.
    assert!(requests.add(&asked("3", "3")).await.unwrap());
    let agreed = requests.agree("3", "suzuki").await.unwrap().expect("it is open");
    other.reopen(&agreed).await.unwrap();
    let late = statements.add_as_agreed(&reopened("2026-05", "a"), None, Some(&agreed)).await;
    assert!(matches!(late, Err(StoreError::NotUndone)), "{late:?}");
    assert_eq!((standing("3").await, statements.events().await.unwrap().len()), (Some(Decision::Open), 1));
}

async fn a_request_that_is_sent_twice_is_done_once(place) {
    let one = Answers::open(&place.database).await.unwrap();
    let other = Answers::open(&place.again()).await.unwrap();
    let key = ("account", "key");
    assert_eq!(one.begin(key, "hash", 10, (0, 5)).await.unwrap(), Begun::New);
    assert_eq!(other.begin(key, "hash", 11, (0, 5)).await.unwrap(), Begun::Running);
    assert_eq!(other.begin(key, "else", 11, (0, 5)).await.unwrap(), Begun::Another);
    one.finish(key, "{\"seq\": 1}").await.unwrap();
    assert_eq!(other.begin(key, "hash", 12, (0, 5)).await.unwrap(), Begun::Done("{\"seq\": 1}".to_owned()));
    one.forget(key).await.unwrap();
    assert_eq!(other.begin(key, "else", 13, (0, 5)).await.unwrap(), Begun::New);
}

async fn nobody_is_told_the_same_twice(place) {
    let one = Notices::open(&place.database).await.unwrap();
    let other = Notices::open(&place.again()).await.unwrap();
    let told = |claimed: Option<UnsettledMessage>| claimed.map(|of| of.notices).unwrap_or_default();
    let first = one.claim("account:1", &["reminder"], 1).await.unwrap().expect("it is new");
    assert_eq!(told(other.claim("account:1", &["reminder", "late"], 2).await.unwrap()), ["late"]);
    one.release(&first).await.unwrap();
    let again = other.claim("account:1", &["reminder", "late"], 3).await.unwrap().expect("one is new");
    assert_eq!(again.notices, ["reminder"]);
    // The same told to the same is the same message, and to others another.
    assert_eq!(again.id, first.id);
    let others = one.claim("account:2", &["reminder"], 3).await.unwrap().expect("it is new");
    assert_ne!(others.id, first.id);
    assert!(one.is_sent("account:1", "reminder").await.unwrap());
    // Of a message that nobody settled, of two who take it upon themselves one does.
    let unsettled = other.unsettled().await.unwrap();
    assert_eq!(unsettled.len(), 3, "{unsettled:?}");
    let lost = unsettled.into_iter().find(|one| one.id == again.id).expect("it is there");
    assert_eq!(lost, again);
    assert!(one.claim_again(&lost, 9).await.unwrap());
    assert!(!other.claim_again(&lost, 9).await.unwrap());
    one.settle(&lost).await.unwrap();
    one.settle(&others).await.unwrap();
    let unsettled = other.unsettled().await.unwrap();
    assert_eq!(unsettled.iter().map(|one| one.notices.clone()).collect::<Vec<_>>(), [["late"]]);
    assert!(one.claim("account:1", &["reminder"], 10).await.unwrap().is_none());
    let seen = |before: Option<&str>| SeenStatus {
        period: "2026-04".to_owned(),
        status: "met".to_owned(),
        before: before.map(str::to_owned),
        since: 7,
    };
    one.see(&[("figure".to_owned(), seen(None))]).await.unwrap();
    one.see(&[("figure".to_owned(), seen(Some("missed")))]).await.unwrap();
    assert_eq!(other.statuses().await.unwrap(), BTreeMap::from([("figure".to_owned(), seen(Some("missed")))]));
}

async fn forms_and_seals_come_back_as_they_were_kept(place) {
    let forms = Forms::open(&place.database).await.unwrap();
    let form = |file: &str| SentForm {
        id: "F1".to_owned(),
        org_unit: "JP1".to_owned(),
        period: "2026-04".to_owned(),
        datasets: vec!["assets".to_owned(), "policy".to_owned()],
        file: file.to_owned(),
        issued_at: 1_790_000_000_000_000,
        due: None,
        author: "sato".to_owned(),
    };
    forms.add(&form("a.xlsx")).await.unwrap();
    forms.add(&form("b.xlsx")).await.unwrap();
    assert_eq!(forms.of_period("2026-04").await.unwrap(), [form("b.xlsx")]);

    let seals = Seals::open(&place.database).await.unwrap();
    let seal = Seal {
        event: 3,
        kind: SealKind::Signature,
        at: 1_790_000_000_000_000,
        by: "sato".to_owned(),
        key: "PEM".to_owned(),
        data: vec![0, 255, 1],
    };
    seals.add(&seal).await.unwrap();
    assert_eq!(seals.all().await.unwrap(), [seal]);
    let hash = seals.keep_listing("a\nb\n").await.unwrap();
    assert_eq!(seals.keep_listing("a\nb\n").await.unwrap(), hash);
    assert_eq!(seals.listing(&hash).await.unwrap().as_deref(), Some("a\nb\n"));
}

}
