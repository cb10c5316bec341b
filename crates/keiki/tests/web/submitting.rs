//! Sending evidence: what would become of it is seen before it is taken in, and only of one's own org units.

use keiki_model::access::Role;
use reqwest::Method;

use crate::house::{Answer, House, Visitor, actor, grants};

const HEADER: &str = "asset_id,org_unit,kind,name,is_in_scope,owner_id,owner_assigned_on,declared_on,inventoried_on,inventoried_by,disposed_on";

/// Sends a file as a form does.
async fn send(visitor: &Visitor<'_>, name: &str, text: &str, fields: &[(&str, &str)]) -> Answer {
    let mut body = String::new();
    for (field, value) in fields {
        body.push_str(&format!(
            "--edge\r\nContent-Disposition: form-data; name=\"{field}\"\r\n\r\n{value}\r\n"
        ));
    }
    body.push_str(&format!(
        "--edge\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\
         Content-Type: text/csv\r\n\r\n{text}\r\n--edge--\r\n"
    ));
    let request = visitor.request(&Method::POST, "/submit");
    let request = request.header("content-type", "multipart/form-data; boundary=edge");
    let answer = visitor.send(request.body(body)).await;
    // The page has an address of its own.
    match answer.header("location") {
        "" => answer,
        path => visitor.get(path).await,
    }
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
    owner.post("/submit/total", &total).await.is(404);
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
        ("attachment", "memo.pdf"),
    ];
    owner
        .post("/submit/total", &total)
        .await
        .is(200)
        .says("was taken in");
    owner
        .get("/scorecard?period=2026-05")
        .await
        .is(200)
        .says("70 / 80");
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
