//! What was agreed to or begun when the program was killed: nothing is lost, and nothing is done twice.

use std::process::Command;

use keiki::config::{Opening, Workspace};
use keiki::operations::changes::{self, Change, ChangeKind};
use keiki::operations::ingest::{self, Confirmation, Ingest, SentInto, What};
use keiki::operations::upload_links::{self, NewUploadLink};
use keiki::operations::{programme, statement, verify};
use keiki::progress::Silent;
use keiki_model::access::Role;
use keiki_store::{Decision, Event, LinkUse, PutText, Requests, StoredUploadLink, UploadLinks};

use sha2::{Digest, Sha256};

use crate::house::{Answer, House, Visitor, actor};

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

/// Has the database do something, as its owner may.
fn in_database(house: &House, statement: &str) {
    let place = house.workspace.root.join(".keiki/keiki.db");
    let script = "import sqlite3, sys\n\
                  with sqlite3.connect(sys.argv[1], timeout=60) as books: books.execute(sys.argv[2])\n";
    let done = Command::new("python3")
        .args(["-c", script])
        .arg(place)
        .arg(statement)
        .status();
    assert!(done.expect("python3 is there").success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_is_in_its_place_and_cannot_be_recorded_now_is_not_refused() {
    let house = House::in_a_file().await;
    let office = [(Role::ProgrammeOffice, "HD")];
    let office = house.visitor("office", &office).await;
    let approver = house.visitor("approver", &[(Role::Approver, "HD")]).await;
    let asked = ask(&house, &office).await;
    in_database(
        &house,
        "CREATE TRIGGER full BEFORE INSERT ON editions WHEN new.reason = 'agreed by the board' \
         BEGIN SELECT raise(ABORT, 'the disk is full'); END",
    );
    let path = format!("/requests/{asked}");
    let failed = approver.post(&path, &[("act", "agree")]).await;
    assert!(!failed.status.is_redirection(), "{failed:?}");
    let put = programme_of(&house);
    assert_eq!(put.matches("at_least = \"0.9\"").count(), 1, "{put}");
    assert_eq!(standing(&house, &asked).await, Some(Decision::Undone));
    approver.post(&path, &[("act", "refuse")]).await.is(403);
    in_database(&house, "DROP TRIGGER full");
    approver.post(&path, &[("act", "do")]).await.is(303);
    assert_eq!(programme_of(&house), put);
    assert_eq!(standing(&house, &asked).await, Some(Decision::Agreed));
    is_sound(&house).await;
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

const HEADER: &str = "asset_id,org_unit,kind,name,is_in_scope,owner_id,owner_assigned_on,declared_on,inventoried_on,inventoried_by,disposed_on";

/// A link for a file of one org unit: its path, and what is kept of it.
async fn link(house: &House, links: &UploadLinks) -> (String, StoredUploadLink) {
    let new = NewUploadLink {
        holder: "Tanaka".to_owned(),
        org_unit: "JP1".to_owned(),
        into: "dataset:assets".to_owned(),
        period: "2026-05".to_owned(),
        days: 14,
    };
    let made = upload_links::make(&house.workspace, links, &new, &actor("tests")).await;
    let (link, token) = made.expect("it is made");
    (format!("/upload/{token}"), link)
}

/// Sends a file of one asset by a link. Returns the path of its page, and its identity.
async fn send(holder: &Visitor<'_>, path: &str, asset: &str) -> (String, String) {
    let row =
        format!("{asset},JP1,hardware,one,true,E1,2026-04-01,2026-05-20,2026-05-20,declaration,");
    let text = format!("{HEADER}\n{row}\n");
    let file = Some(("assets.csv", text.as_bytes()));
    let (page, place) = holder.post_parts_and_follow(path, &[], file).await;
    page.is(200);
    let id = place.rsplit('/').next().expect("it has parts").to_owned();
    (place, id)
}

/// How many readings are in the books by a link.
async fn readings(house: &House, link: &StoredUploadLink) -> usize {
    let journal = house.workspace.journal(Opening::Existing).await;
    let snapshot = journal.expect("it opens").snapshot().await;
    let by = upload_links::name(link);
    let snapshot = snapshot.expect("it is read");
    snapshot
        .batches()
        .iter()
        .filter(|one| one.author == by)
        .count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_by_which_a_file_was_being_taken_in_is_for_that_file_alone() {
    let house = House::new().await;
    let links = upload_links::open(&house.workspace).await;
    let links = links.expect("they open");
    let (path, of) = link(&house, &links).await;
    let holder = house.nobody();
    let (one, id) = send(&holder, &path, "A7").await;
    let (other, _) = send(&holder, &path, "A8").await;
    // This is where it is killed: nothing is in the books yet.
    let begun = links.begin(&of.id, &id, keiki::environment::now()).await;
    assert_eq!(begun.expect("it is written"), LinkUse::New);
    let house = house.restarted().await;
    let holder = house.nobody();
    holder.get(&path).await.is(200).says("is not complete");
    let refused = holder.post(&format!("{other}/confirm"), &[]).await.is(422);
    refused.says("another file is being taken in");
    assert_eq!(readings(&house, &of).await, 0);
    holder.post(&format!("{one}/confirm"), &[]).await.is(200);
    holder.get(&path).await.is(404);
    assert_eq!(readings(&house, &of).await, 1);
    is_sound(&house).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_is_used_up_with_what_came_in_by_it_and_given_back_where_nothing_did() {
    for is_in_books in [true, false] {
        for goes_on in [true, false] {
            let house = House::new().await;
            let links = upload_links::open(&house.workspace).await;
            let links = links.expect("they open");
            let (path, of) = link(&house, &links).await;
            let (place, id) = send(&house.nobody(), &path, "A7").await;
            let begun = links.begin(&of.id, &id, keiki::environment::now()).await;
            assert_eq!(begun.expect("it is written"), LinkUse::New);
            if is_in_books {
                take_in(&house, &of).await;
            }
            // This is where it is killed: whether or not the file is in the books, the database does not say so.
            let house = house.restarted().await;
            let holder = house.nobody();
            holder.get(&path).await.is(200).says("is not complete");
            let act = if goes_on { "confirm" } else { "discard" };
            let status = if goes_on { 200 } else { 303 };
            holder.post(&format!("{place}/{act}"), &[]).await.is(status);
            let holds = !goes_on && !is_in_books;
            let page = holder.get(&path).await.is(if holds { 200 } else { 404 });
            page.says_nothing_of("is not complete");
            assert_eq!(readings(&house, &of).await, usize::from(!holds));
            let office = [(Role::ProgrammeOffice, "HD")];
            let office = house.visitor("office", &office).await;
            let standing = if holds { "open" } else { "used" };
            let listed = office.get("/api/v1/upload-links").await.is(200).data();
            assert_eq!(listed["items"][0]["standing"], standing, "{listed}");
            if holds {
                let (place, _) = send(&holder, &path, "A9").await;
                holder.post(&format!("{place}/confirm"), &[]).await.is(200);
                holder.get(&path).await.is(404);
            }
            is_sound(&house).await;
        }
    }
}

/// Takes the file of a link in as its holder does, and does nothing else.
async fn take_in(house: &House, link: &StoredUploadLink) {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let file = folder.path().join("assets.csv");
    let row = "A7,JP1,hardware,one,true,E1,2026-04-01,2026-05-20,2026-05-20,declaration,";
    std::fs::write(&file, format!("{HEADER}\n{row}\n")).expect("it can be written");
    let asked = Ingest {
        what: What::Sent {
            into: SentInto::Dataset("assets".to_owned()),
            org_units: vec!["JP1".to_owned(), "JP1-IT".to_owned()],
            files: vec![file],
            attachments: Vec::new(),
            as_seen: None,
        },
        as_of: Some(link.as_of),
        covers: vec!["JP1".to_owned()],
        extent: None,
        missing: None,
        confirmation: Confirmation::Ask,
        surroundings: &keiki::environment::Here,
        author: upload_links::name(link),
        now: keiki::environment::now(),
    };
    let outcomes = ingest::ingest(&house.workspace, &asked, &Silent).await;
    let outcomes = outcomes.expect("it is read");
    assert!(
        outcomes.iter().all(|one| one.result.is_ok()),
        "{outcomes:?}"
    );
}
