//! Sending evidence: what would become of it is seen before it is taken in, and only of one's own org units.

use keiki_model::access::{Right, Role};

use crate::house::{Answer, House, Visitor, actor, grants};

const HEADER: &str = "asset_id,org_unit,kind,name,is_in_scope,owner_id,owner_assigned_on,declared_on,inventoried_on,inventoried_by,disposed_on";

/// A document that backs a figure.
const DOCUMENT: &[u8] = b"%PDF-1.7 what the auditor wants to see";

/// Sends a file as a form does.
async fn send(visitor: &Visitor<'_>, name: &str, text: &str, fields: &[(&str, &str)]) -> Answer {
    let file = Some((name, text.as_bytes()));
    visitor
        .post_parts_and_follow("/submit", fields, file)
        .await
        .0
}

/// The path of the form that confirms.
fn confirming(answer: &Answer) -> String {
    let before = "action=\"";
    let at = answer.text.find(&format!("{before}/submit/"));
    let rest = &answer.text[at.expect("there is a form") + before.len()..];
    rest[..rest.find('"').expect("it ends")].to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_seen_before_it_is_taken_in() {
    let house = House::new().await;
    let owner = house.visitor("owner", &[(Role::DataOwner, "JP1")]).await;
    let rows = "A7,JP1,hardware,seven,true,E1,2026-04-01,2026-05-20,2026-05-20,declaration,\n\
                A9,US1,hardware,not mine,true,E1,2026-04-01,2026-05-20,2026-05-20,declaration,\n\
                A8,JP1,hardware,no day,true,,,31 April 2026,,,\n";
    let fields = [
        ("into", "dataset:assets"),
        ("unit", "JP1"),
        ("as_of", "2026-05-31"),
    ];
    let text = format!("{HEADER}\n{rows}");
    let seen = send(&owner, "../../assets.csv", &text, &fields)
        .await
        .is(200);
    let seen = seen.says("31 April 2026").says_nothing_of("not mine");
    owner
        .get("/scorecard?period=2026-05&revision=now")
        .await
        .is(200)
        .says("2 / 3");
    // Another's file cannot be taken in.
    let office = house
        .visitor("office", &[(Role::ProgrammeOffice, "HD")])
        .await;
    office.post(&confirming(&seen), &[]).await.is(404);
    owner
        .post(&confirming(&seen), &[])
        .await
        .is(200)
        .says("was taken in");
    owner.post(&confirming(&seen), &[]).await.is(404);
    owner
        .get("/scorecard?period=2026-05")
        .await
        .is(200)
        .says("3 / 4");
    office
        .get("/scorecard?period=2026-05")
        .await
        .is(200)
        .says("3 / 5");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_sends_for_others() {
    let house = House::new().await;
    let owner = house.visitor("owner", &[(Role::DataOwner, "JP1")]).await;
    let text = format!("{HEADER}\n");
    for fields in [
        // A source that speaks for the whole group.
        [("into", "source:assets"), ("unit", "")],
        [("into", "dataset:assets"), ("unit", "US1")],
        [("into", "dataset:nowhere"), ("unit", "JP1")],
    ] {
        send(&owner, "assets.csv", &text, &fields).await.is(404);
    }
    // Nor is a record of another's taken over by naming its key.
    let taken = format!("{HEADER}\nA4,JP1,hardware,mine now,true,,,,,,\n");
    let fields = [("into", "dataset:assets"), ("unit", "JP1")];
    send(&owner, "assets.csv", &taken, &fields)
        .await
        .is(422)
        .says("A4")
        .says_nothing_of("secret of America");
    let nil = [("into", "dataset:assets"), ("unit", "US1"), ("as_of", "")];
    owner.post("/submit/nil", &nil).await.is(404);
    let total = [
        ("indicator", "1:inventory_ratio"),
        ("unit", "US1"),
        ("period", "2026-05"),
        ("numerator", "1"),
        ("denominator", "1"),
        ("attachment", ""),
    ];
    owner
        .post_parts("/submit/total", &total, None)
        .await
        .is(404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_of_others_is_not_taken_over_by_its_serial_number() {
    let house = House::new().await;
    let office = house
        .visitor("office", &[(Role::ProgrammeOffice, "HD")])
        .await;
    let owner = house.visitor("owner", &[(Role::DataOwner, "JP1")]).await;
    let header = "asset_id,org_unit,kind,name,is_in_scope,serial_number";
    let fields = |unit| [("into", "dataset:assets"), ("unit", unit)];
    let text = format!("{header}\nB1,US1,hardware,theirs,true,S-100\n");
    let seen = send(&office, "theirs.csv", &text, &fields("US1")).await;
    office.post(&confirming(&seen.is(200)), &[]).await.is(200);
    let text = format!("{header}\n,JP1,hardware,mine now,true,S-100\n");
    send(&owner, "mine.csv", &text, &fields("JP1"))
        .await
        .is(422)
        .says("records of other org units");
    let text = text.replace("S-100", "S-200");
    let seen = send(&owner, "mine.csv", &text, &fields("JP1")).await;
    owner.post(&confirming(&seen.is(200)), &[]).await.is(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_is_looked_at_again_when_it_is_confirmed() {
    let house = House::new().await;
    let owner = house.visitor("owner", &[(Role::DataOwner, "JP1")]).await;
    let text = format!("{HEADER}\nA7,JP1,hardware,seven,true,,,,,,\n");
    let fields = [("into", "dataset:assets"), ("unit", "JP1")];
    let seen = send(&owner, "assets.csv", &text, &fields).await.is(200);
    let elsewhere = grants(&[(Role::DataOwner, "US1")]);
    let changed = house
        .registry
        .set_grants("owner", &elsewhere, &actor("tests"))
        .await;
    changed.expect("the role is changed");
    owner.post(&confirming(&seen), &[]).await.is(404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_total_takes_the_place_of_rows() {
    let house = House::new().await;
    let owner = house.visitor("owner", &[(Role::DataOwner, "JP1")]).await;
    let total = [
        ("indicator", "1:inventory_ratio"),
        ("unit", "JP1"),
        ("period", "2026-05"),
        ("numerator", "70"),
        ("denominator", "80"),
        ("attachment", ""),
    ];
    owner
        .post_parts("/submit/total", &total, Some(("memo.pdf", DOCUMENT)))
        .await
        .is(200)
        .says("was taken in");
    owner
        .get("/scorecard?period=2026-05")
        .await
        .is(200)
        .says("70 / 80");
    // The document that backs it lies beside it, as it was, for who may read what names people.
    let batch = owner.get("/batches/2").await.is(200);
    batch.says("memo.pdf").says_nothing_of(".keiki");
    owner.get("/batches/2/files/1").await.is(403);
    let personal = [(Role::Auditor, "HD"), (Role::PersonalReader, "HD")];
    let auditor = house.visitor("auditor", &personal).await;
    let document = auditor.get("/batches/2/files/1").await.is(200);
    assert_eq!(document.text.as_bytes(), DOCUMENT);
    let disposition = document.header("content-disposition");
    assert!(disposition.contains("memo.pdf"), "{disposition}");
    let other = house.visitor("other", &[(Role::DataOwner, "US1")]).await;
    other.get("/batches/2/files/1").await.is(404);
    let nil = [
        ("into", "dataset:assets"),
        ("unit", "JP1"),
        ("as_of", "2026-05-31"),
    ];
    owner.post("/submit/nil", &nil).await.is(200);
}

/// The path of the request that a page offers to agree to or take back.
fn open_request(page: &Answer, act: &str) -> String {
    let button = page.text.find(&format!("value=\"{act}\""));
    let before = &page.text[..button.expect("one is open")];
    let at = before.rfind("/requests/").expect("it has a form");
    let path = &before[at..];
    path[..path.find('"').expect("it ends")].to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_month_is_closed_and_opened_again() {
    let house = House::new().await;
    let office = house
        .visitor("office", &[(Role::ProgrammeOffice, "HD")])
        .await;
    let partly = house
        .visitor("partly", &[(Role::ProgrammeOffice, "JP1")])
        .await;
    let close = [("period", "2026-05"), ("act", "close")];
    partly.post("/close", &close).await.is(403);
    // A rejected row stands in the way, which who sees a part of the group is not told.
    partly
        .get("/close?period=2026-05")
        .await
        .is(200)
        .says("Nothing stands in the way");
    office
        .post("/close", &close)
        .await
        .is(422)
        .says("stands in the way")
        .says("1 rejected rows");
    // Who asks for it all the same needs somebody else to agree.
    let all_the_same = [("period", "2026-05"), ("reason", "the board meets")];
    office.post("/close/request", &all_the_same).await.is(303);
    let asked = office.get("/requests").await.is(200);
    let path = open_request(&asked.says("the board meets"), "withdraw");
    office.post(&path, &[("act", "agree")]).await.is(403);
    let approver = house.visitor("approver", &[(Role::Approver, "HD")]).await;
    approver.post(&path, &[("act", "refuse")]).await.is(303);
    approver.post(&path, &[("act", "agree")]).await.is(403);
    office.post("/close/request", &all_the_same).await.is(303);
    let path = open_request(&approver.get("/requests").await.is(200), "agree");
    approver.post(&path, &[("act", "agree")]).await.is(303);
    office
        .get("/close?period=2026-05")
        .await
        .is(200)
        .says("closed (revision 1)");
    let open = [
        ("period", "2026-05"),
        ("act", "reopen"),
        ("reason", "to mend the row"),
    ];
    office.post("/close", &open).await.is(303);
    let text = format!("{HEADER}\nA5,JP1,hardware,mended,true,,,,,,\n");
    let fields = [
        ("into", "source:assets"),
        ("unit", ""),
        ("as_of", "2026-05-31"),
    ];
    let seen = send(&office, "assets.csv", &text, &fields).await.is(200);
    office.post(&confirming(&seen), &[]).await.is(200);
    office.post("/close", &close).await.is(303);
    office
        .get("/close?period=2026-05")
        .await
        .is(200)
        .says("closed (revision 2)");
    office
        .get("/scorecard?period=2026-05")
        .await
        .is(200)
        .says("as restated (revision 2)");
    let open = [
        ("period", "2026-05"),
        ("act", "reopen"),
        ("reason", "a late correction"),
    ];
    office.post("/close", &open).await.is(303);
    office
        .get("/close?period=2026-05")
        .await
        .is(200)
        .says("not closed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_without_the_columns_of_what_it_is_read_as_is_its_senders_to_mend() {
    let house = House::new().await;
    let owner = house.visitor("owner", &[(Role::DataOwner, "JP1")]).await;
    let fields = [("into", "dataset:assets"), ("unit", "JP1"), ("as_of", "")];
    send(&owner, "assets.csv", "a,b\n1,2\n", &fields)
        .await
        .is(422)
        .says("org_unit")
        .says("check the headings");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_names_a_person_is_not_taken_over_either() {
    let house = House::new().await;
    let office = house
        .visitor("office", &[(Role::ProgrammeOffice, "HD")])
        .await;
    let owner = house.visitor("owner", &[(Role::DataOwner, "JP1")]).await;
    let header = "course_id,person_id,org_unit,kind,course,audience_on";
    let fields = |unit| [("into", "dataset:trainings"), ("unit", unit)];
    let text = format!("{header}\nC1,U100,US1,course,Phishing,2026-04-01\n");
    let seen = send(&office, "theirs.csv", &text, &fields("US1")).await;
    office.post(&confirming(&seen.is(200)), &[]).await.is(200);
    let text = format!("{header}\nC1, U100 ,JP1,course,Phishing,2026-04-01\n");
    send(&owner, "mine.csv", &text, &fields("JP1"))
        .await
        .is(422)
        .says("records of other org units");
    // Somebody else's training, and the same person's other one, are theirs to send.
    for row in ["C1,U101", "C2,U100"] {
        let text = format!("{header}\n{row},JP1,course,Phishing,2026-04-01\n");
        let seen = send(&owner, "mine.csv", &text, &fields("JP1")).await;
        owner.post(&confirming(&seen.is(200)), &[]).await.is(200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_file_does_to_the_figures_is_seen_before_it_is_taken_in() {
    let house = House::new().await;
    let owner = house.visitor("owner", &[(Role::DataOwner, "JP1")]).await;
    let text = format!(
        "{HEADER}\nA7,JP1,hardware,seven,true,E1,2026-04-01,2026-05-20,2026-05-20,declaration,\n"
    );
    let fields = [
        ("into", "dataset:assets"),
        ("unit", "JP1"),
        ("as_of", "2026-05-31"),
    ];
    let seen = send(&owner, "assets.csv", &text, &fields).await.is(200);
    // Two of three, and three of four: of nobody's figures but their own.
    let seen = seen
        .says("What it does to the figures")
        .says("66.7 %")
        .says("75.0 %")
        .says_nothing_of("American");
    // The books are as they were.
    let before = house
        .registry
        .log()
        .before(None, 100)
        .await
        .expect("the log is read");
    assert!(before.iter().all(|one| one.event.action != "submit"));
    owner
        .get("/scorecard?period=2026-05")
        .await
        .is(200)
        .says("2 / 3");
    owner.get("/batches/2").await.is(404);
    owner.post(&confirming(&seen), &[]).await.is(200);
    owner
        .get("/scorecard?period=2026-05")
        .await
        .is(200)
        .says("3 / 4");
    // The same once more moves nothing.
    let again = send(&owner, "assets.csv", &text, &fields).await;
    again.is(200).says("No figure moves.");
    // A program is told the numbers.
    let program = house.program("owner", &[Right::Submit, Right::See]).await;
    let path = "/api/v1/previews?into=dataset:assets&name=a.csv&unit=JP1&as_of=2026-05-31";
    let body = text.replace("A7", "A8");
    let request = program.request(&reqwest::Method::POST, path).body(body);
    let told = program.send(request).await.is(200).data();
    let figure = &told["effects"]["figures"][0];
    assert_eq!(figure["indicator"], "inventory_ratio", "{told}");
    assert_eq!(
        (&figure["value_before"], &figure["value_after"]),
        (&0.75.into(), &0.8.into()),
        "{told}"
    );
    let blind = house.program("owner", &[Right::Submit]).await;
    let request = blind.request(&reqwest::Method::POST, path).body(text);
    let told = blind.send(request).await.is(200).data();
    assert!(told["effects"].is_null(), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_came_in_between_the_last_look_and_the_commit_keeps_a_file_out() {
    use keiki::operations::ingest::{Confirmation, Ingest, SentInto, What, ingest};
    let house = House::new().await;
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let place = folder.path().join("assets.csv");
    let text = format!("{HEADER}\nA7,JP1,hardware,seven,true,,,,,,\n");
    std::fs::write(&place, text).expect("it can be written");
    let by = actor("owner");
    let asked = |as_seen| Ingest {
        surroundings: &keiki::environment::Here,
        what: What::Sent {
            into: SentInto::Dataset("assets".to_owned()),
            org_units: vec!["JP1".to_owned()],
            files: vec![place.clone()],
            attachments: Vec::new(),
            as_seen: Some(as_seen),
        },
        as_of: Some(keiki_model::calendar::parse_day("2026-05-31").expect("it is a day")),
        covers: vec!["JP1".to_owned()],
        extent: None,
        missing: None,
        confirmation: Confirmation::Ask,
        author: by.name.clone(),
        now: by.now,
    };
    let take = async |as_seen| {
        let outcomes = ingest(&house.workspace, &asked(as_seen), &keiki::progress::Silent).await;
        let outcome = outcomes.expect("it is read").remove(0);
        outcome.result.map(|report| report.receipt.seq)
    };
    // Commit 1 is there; who looked before it takes nothing in.
    let refused = take(0).await.expect_err("something came in meanwhile");
    assert_eq!(refused.kind_on_server(), keiki::error::Kind::User);
    assert!(refused.message().en.contains("something was committed"));
    assert_eq!(take(1).await.expect("it is as seen"), Some(2));
    take(1).await.expect_err("that was the second");
    // Two who confirm at the same time look again, and both files come in.
    let owner = house.visitor("one", &[(Role::DataOwner, "JP1")]).await;
    let other = house.visitor("two", &[(Role::DataOwner, "US1")]).await;
    let fields = |unit| [("into", "dataset:assets"), ("unit", unit)];
    let text = format!("{HEADER}\nA8,JP1,hardware,eight,true,,,,,,\n");
    let one = send(&owner, "one.csv", &text, &fields("JP1")).await.is(200);
    let text = format!("{HEADER}\nA9,US1,hardware,nine,true,,,,,,\n");
    let two = send(&other, "two.csv", &text, &fields("US1")).await.is(200);
    let (of_one, of_two) = (confirming(&one), confirming(&two));
    let (one, two) = tokio::join!(owner.post(&of_one, &[]), other.post(&of_two, &[]));
    one.is(200).says("was taken in");
    two.is(200).says("was taken in");
}
