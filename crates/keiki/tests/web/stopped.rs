//! What was agreed to when the program was killed: nothing is lost, and nothing is done twice.

use keiki::config::Workspace;
use keiki::operations::changes::{self, Change, ChangeKind};
use keiki::operations::{programme, statement, verify};
use keiki::progress::Silent;
use keiki_model::access::Role;
use keiki_store::{Decision, Event, PutText, Requests};

use sha2::{Digest, Sha256};

use crate::house::{Answer, House, Visitor};

const TARGET: [(&str, &str); 6] = [
    ("kind", "target"),
    ("kpi", "1"),
    ("org_unit", "JP1"),
    ("from", "2026-04-01"),
    ("at_least", "0.9"),
    ("reason", "agreed by the board"),
];

/// The id of the request that a page shows a form for.
fn id(page: &Answer) -> String {
    let mark = "action=\"/requests/";
    let at = page.text.find(mark).expect("there is a form");
    let rest = &page.text[at + mark.len()..];
    rest[..rest.find('"').expect("it ends")].to_owned()
}

async fn book(house: &House) -> Requests {
    let database = house.workspace.database().expect("there is one");
    Requests::open(&database).await.expect("it opens")
}

async fn standing(house: &House, id: &str) -> Option<Decision> {
    let all = book(house).await.all().await.expect("they are read");
    let found = all.into_iter().find(|one| one.id == id);
    found.map(|one| one.decision)
}

/// Asks for a target. Returns the request's id.
async fn ask(house: &House, office: &Visitor<'_>) -> String {
    let asked: Vec<(&str, &str)> = TARGET.into_iter().chain([("act", "make")]).collect();
    office.post("/programme/change", &asked).await.is(303);
    let all = book(house).await.all().await.expect("they are read");
    all[0].id.clone()
}

fn programme_of(house: &House) -> String {
    let path = house.workspace.root.join("programme.toml");
    std::fs::read_to_string(path).expect("it can be read")
}

async fn is_sound(house: &House) {
    let found = verify::verify(&house.workspace, &Silent).await;
    let findings = found.expect("the books can be verified").findings;
    assert!(findings.is_empty(), "{findings:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_was_agreed_to_when_the_program_was_killed_is_shown_and_done_once() {
    let house = House::new().await;
    let office = [(Role::ProgrammeOffice, "HD")];
    let office = house.visitor("office", &office).await;
    let approver = house.visitor("approver", &[(Role::Approver, "HD")]).await;
    let asked = ask(&house, &office).await;
    // This is where it is killed: it is agreed to, and that is all.
    let agreed = book(&house).await.agree(&asked, "approver").await;
    assert!(agreed.expect("it is written").is_some());
    let (by, of) = (approver.cookie.clone(), office.cookie.clone());
    let house = house.restarted().await;
    let (approver, office) = (house.still(by), house.still(of));
    let page = approver.get("/requests").await.is(200);
    let page = page.says("agreed, not yet done").says("value=\"do\"");
    assert_eq!(id(&page), asked);
    let page = page.says_nothing_of("value=\"refuse\"");
    drop(page.says_nothing_of("value=\"agree\""));
    // The same is not asked for beside it.
    let again: Vec<(&str, &str)> = TARGET.into_iter().chain([("act", "make")]).collect();
    office.post("/programme/change", &again).await.is(422);
    let reader = house.visitor("reader", &[(Role::Executive, "HD")]).await;
    let path = format!("/requests/{asked}");
    reader.post(&path, &[("act", "do")]).await.is(403);
    let ways = tokio::join!(
        approver.post(&path, &[("act", "do")]),
        office.post(&path, &[("act", "do")])
    );
    let done = [ways.0.status.as_u16(), ways.1.status.as_u16()];
    assert!(done.contains(&303), "{ways:?}");
    approver.post(&path, &[("act", "do")]).await.is(403);
    let text = programme_of(&house);
    assert_eq!(text.matches("at_least = \"0.9\"").count(), 1, "{text}");
    assert!(text.contains("approved_by = \"approver\""), "{text}");
    assert_eq!(standing(&house, &asked).await, Some(Decision::Agreed));
    let editions = programme::editions(&house.workspace).await;
    let editions = editions.expect("the ledger can be read");
    let made = editions.iter();
    let made = made.filter(|one| one.reason.as_deref() == Some("agreed by the board"));
    let authors: Vec<&str> = made.map(|one| one.author.as_str()).collect();
    assert_eq!(authors, ["office"]);
    is_sound(&house).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_whose_text_was_put_in_its_place_and_not_recorded_is_not_made_twice() {
    for is_seen_meanwhile in [false, true] {
        let house = House::new().await;
        let office = [(Role::ProgrammeOffice, "HD")];
        let office = house.visitor("office", &office).await;
        let approver = house.visitor("approver", &[(Role::Approver, "HD")]).await;
        let asked = ask(&house, &office).await;
        let book = book(&house).await;
        let agreed = book.agree(&asked, "approver").await;
        let agreed = agreed.expect("it is written").expect("it is open");
        let given = TARGET
            .into_iter()
            .filter(|(name, _)| !["kind", "reason"].contains(name));
        let given = given.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let change = Change::read(ChangeKind::Target, given).expect("it is a change");
        let run = programme::Run {
            author: "tests".to_owned(),
            now: keiki::environment::now(),
        };
        let before = programme::record(&house.workspace, &run, None).await;
        let texts = changes::texts_with(&house.workspace, &change, "approver");
        let texts = texts.expect("it can be");
        let put = PutText {
            file: "programme.toml".to_owned(),
            sha256: format!("{:x}", Sha256::digest(&texts["programme.toml"])),
            after_edition: before.expect("it is recorded").number,
        };
        book.will_put(&agreed, &put).await.expect("it is written");
        let place = house.workspace.root.join("programme.toml");
        std::fs::write(&place, &texts["programme.toml"]).expect("it can be written");
        // This is where it is killed: the file has it, the ledger does not.
        if is_seen_meanwhile {
            let seen = Workspace::load(&house.workspace.root).expect("it is sound");
            let recorded = programme::record(&seen, &run, None).await;
            assert!(recorded.expect("it is recorded").number > put.after_edition);
        }
        let path = format!("/requests/{asked}");
        approver.post(&path, &[("act", "do")]).await.is(303);
        assert_eq!(programme_of(&house), texts["programme.toml"]);
        assert_eq!(standing(&house, &asked).await, Some(Decision::Agreed));
        let ledger = house.workspace.ledger().await.expect("it opens");
        let number = ledger.edition_with(&put).await.expect("it is read");
        let recorded = ledger.texts(number.expect("it is recorded")).await;
        assert_eq!(recorded.expect("they are read"), texts);
        is_sound(&house).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_close_that_was_agreed_to_when_the_program_was_killed_is_done_once() {
    let house = House::new().await;
    let office = [(Role::ProgrammeOffice, "HD")];
    let office = house.visitor("office", &office).await;
    let approver = house.visitor("approver", &[(Role::Approver, "HD")]).await;
    let why = [("period", "2026-05"), ("reason", "June brings the rest")];
    office.post("/close/request", &why).await.is(303);
    let asked = id(&approver.get("/requests").await.is(200));
    let agreed = book(&house).await.agree(&asked, "approver").await;
    assert!(agreed.expect("it is written").is_some());
    let path = format!("/requests/{asked}");
    office.post(&path, &[("act", "do")]).await.is(303);
    office.post(&path, &[("act", "do")]).await.is(403);
    let events = statement::events(&house.workspace).await;
    let events = events.expect("they are read");
    let closed = events.iter().filter_map(|one| match &one.event {
        Event::Closed(closed) => Some(closed),
        _ => None,
    });
    let closed: Vec<_> = closed.collect();
    assert_eq!((closed.len(), events.len()), (1, 1), "{events:?}");
    let closed = closed[0];
    // It is as it was agreed to, whoever pressed the button.
    assert_eq!(closed.closed_by, "office");
    assert_eq!(closed.agreed_by.as_deref(), Some("approver"));
    assert_eq!(closed.reason.as_deref(), Some("June brings the rest"));
    // What cannot be done any more waits again for an answer.
    let why = [("period", "2026-04"), ("reason", "it never was")];
    office.post("/close/request", &why).await.is(303);
    let asked = id(&approver.get("/requests").await.is(200));
    let agreed = book(&house).await.agree(&asked, "approver").await;
    assert!(agreed.expect("it is written").is_some());
    let program = house.workspace.statements().await.expect("it opens");
    let other = Event::Closed(keiki_model::statement::Statement {
        period: "2026-04".into(),
        ..closed.clone()
    });
    program.add(&other, None).await.expect("it is written");
    let path = format!("/requests/{asked}");
    approver.post(&path, &[("act", "do")]).await.is(422);
    assert_eq!(standing(&house, &asked).await, Some(Decision::Open));
    let refuse = [("act", "refuse")];
    approver.post(&path, &refuse).await.is(303);
}
