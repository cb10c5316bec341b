//! Collection workbooks that come back by a page, by a link, and by a program.

use std::path::Path;

use keiki::operations::collect::{self, Asked, Reach};
use keiki_model::access::{Right, Role};
use keiki_model::calendar::Period;
use keiki_model::text::Language;
use reqwest::Method;

use crate::house::{Answer, House, Visitor, actor};
use crate::spreadsheet::{Cell, Spreadsheet};

/// A form of an org unit, filled in: what is on file, a new asset and, where asked for, one with a day that does not exist.
async fn filled(house: &House, unit: &str, period: &str, wrong: Wrong) -> Vec<u8> {
    let by = actor("tests");
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let asked = Asked {
        units: vec![unit.to_owned()],
        reach: Reach::Named,
        period: Period::parse(period).expect("it is a period"),
        datasets: vec!["assets".to_owned()],
        totals: Vec::new(),
        language: Language::En,
        due: None,
        folder: Some(folder.path().to_owned()),
        author: by.name,
        now: by.now,
    };
    let made = collect::export(&house.workspace, &asked).await;
    let made = made.expect("the form is made").made;
    let mut form = Spreadsheet::open(&made[0].file);
    let sheet = form.of("assets");
    let next = u32::try_from(sheet.records().len()).expect("few rows");
    sheet.enter(next, &asset("A7", Cell::Moment(46_162.0)));
    if wrong == Wrong::ADay {
        sheet.enter(next + 1, &asset("A8", "31 April 2026".into()));
    }
    sheet.answer("complete");
    bytes(&form.save(&folder.path().join("filled.xlsx")))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wrong {
    Nothing,
    ADay,
}

fn asset(id: &str, day: Cell) -> [(&'static str, Cell); 9] {
    [
        ("asset_id", id.into()),
        ("kind", "hardware".into()),
        ("name", "typed into a form".into()),
        ("is_in_scope", "yes".into()),
        ("owner_id", "E1".into()),
        ("owner_assigned_on", Cell::Moment(46_113.0)),
        ("declared_on", day.clone()),
        ("inventoried_on", day),
        ("inventoried_by", "declaration".into()),
    ]
}

fn bytes(path: &Path) -> Vec<u8> {
    std::fs::read(path).expect("it can be read")
}

/// Sends a workbook as a form does, and goes where that leads. Returns the page and its path.
async fn send(visitor: &Visitor<'_>, path: &str, workbook: &[u8]) -> (Answer, String) {
    let fields = [("into", "workbook"), ("unit", ""), ("as_of", "")];
    let file = Some(("JP1.xlsx", workbook));
    visitor.post_parts_and_follow(path, &fields, file).await
}

/// The path of a new link by which somebody sends what JP1 has of May.
async fn link(office: &Visitor<'_>, into: &str) -> String {
    let asked = serde_json::json!({
        "holder": "Tanaka", "unit": "JP1", "into": into, "period": "2026-05",
    });
    let made = office.tell("/api/v1/upload-links", &asked).await.is(200);
    made.data()["path"].as_str().expect("a path").to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_workbook_is_looked_at_sheet_by_sheet_before_it_is_taken_in() {
    let house = House::new().await;
    let owner = house.visitor("owner", &[(Role::DataOwner, "JP1")]).await;
    let workbook = filled(&house, "JP1", "2026-05", Wrong::ADay).await;
    let (page, path) = send(&owner, "/submit", &workbook).await;
    page.is(200)
        .says("collection workbook")
        .says("2026-05-31")
        .says("31 April 2026")
        .says("typed into a form")
        .says("What it does to the figures of")
        .says_nothing_of("secret of America");
    owner
        .get("/scorecard?period=2026-05")
        .await
        .is(200)
        .says("2 / 3");
    let taken = owner.post(&format!("{path}/confirm"), &[]).await.is(200);
    taken.says("was taken in");
    owner
        .get("/scorecard?period=2026-05")
        .await
        .is(200)
        .says("3 / 4");
    // What came by the workbook is told with its own name and its sender's.
    let office = house
        .visitor("office", &[(Role::ProgrammeOffice, "HD")])
        .await;
    office
        .get("/batches/2")
        .await
        .is(200)
        .says("JP1.xlsx")
        .says("owner")
        .says_nothing_of(".keiki");
    let log = house.registry.log().before(None, 10).await;
    let log = log.expect("the log can be read");
    let is_noted = log
        .iter()
        .any(|one| (one.event.action.as_str(), one.event.actor.as_str()) == ("submit", "owner"));
    assert!(is_noted, "{log:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_workbook_of_others_is_told_from_one_of_nobody_by_nothing() {
    let house = House::new().await;
    let owner = house.visitor("owner", &[(Role::DataOwner, "JP1")]).await;
    let theirs = filled(&house, "US1", "2026-05", Wrong::Nothing).await;
    let (page, _) = send(&owner, "/submit", &theirs).await;
    page.is(422).says("not of an org unit for which you send");
    // A form that names records of others takes none over.
    let own = filled(&house, "JP1", "2026-05", Wrong::Nothing).await;
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let place = folder.path().join("own.xlsx");
    std::fs::write(&place, own).expect("it can be written");
    let mut form = Spreadsheet::open(&place);
    form.of("assets").set(3, "asset_id", "A4");
    let (page, _) = send(&owner, "/submit", &bytes(&form.save(&place))).await;
    page.is(422).says("records of other org units");
    // What is no form says so, and nothing waits.
    let (page, _) = send(&owner, "/submit", b"a,b\n1,2\n").await;
    page.is(422);
    owner
        .get("/submit")
        .await
        .is(200)
        .says_nothing_of("wait for you");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_workbook_comes_back_by_a_link_of_its_org_unit_and_period() {
    let house = House::new().await;
    let office = house
        .visitor("office", &[(Role::ProgrammeOffice, "HD")])
        .await;
    let path = link(&office, "workbook").await;
    office
        .get("/upload-links")
        .await
        .is(200)
        .says("collection workbook");
    let holder = house.nobody();
    holder
        .get(&path)
        .await
        .is(200)
        .says("collection workbook")
        .says("Manufacturing");
    let theirs = filled(&house, "US1", "2026-05", Wrong::Nothing).await;
    let (page, _) = send(&holder, &path, &theirs).await;
    page.is(422).says("not of an org unit for which you send");
    let earlier = filled(&house, "JP1", "2026-04", Wrong::Nothing).await;
    let (page, _) = send(&holder, &path, &earlier).await;
    page.is(422).says("of another period");
    let workbook = filled(&house, "JP1", "2026-05", Wrong::ADay).await;
    let (page, file) = send(&holder, &path, &workbook).await;
    page.is(200)
        .says("31 April 2026")
        .says_nothing_of("What it does to the figures")
        .says_nothing_of("href=\"/scorecard");
    let confirm = format!("{file}/confirm");
    holder
        .post(&confirm, &[])
        .await
        .is(200)
        .says("The link has done its work");
    holder.get(&path).await.is(404);
    office
        .get("/scorecard?period=2026-05")
        .await
        .is(200)
        .says("3 / 5");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_a_link_downloads_its_form_fills_it_in_and_sends_it_back() {
    let house = House::new().await;
    // What a source of the workspace sends is asked for by no form.
    std::fs::remove_file(house.workspace.root.join("sources/assets.toml")).expect("it is there");
    let house = house.restarted().await;
    let office = house
        .visitor("office", &[(Role::ProgrammeOffice, "HD")])
        .await;
    let path = link(&office, "workbook").await;
    let holder = house.nobody();
    holder
        .get(&path)
        .await
        .is(200)
        .says(&format!("href=\"{path}/workbook\""));
    let request = holder.request(&Method::GET, &format!("{path}/workbook"));
    let response = request.send().await.expect("the server answers");
    assert_eq!(response.status().as_u16(), 200);
    let name = response.headers()["content-disposition"].to_str();
    assert_eq!(
        name.ok(),
        Some("attachment; filename*=UTF-8''JP1_2026-05.xlsx")
    );
    let workbook = response.bytes().await.expect("it comes");
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let place = folder.path().join("form.xlsx");
    std::fs::write(&place, workbook).expect("it can be written");
    let mut form = Spreadsheet::open(&place);
    let sheet = form.of("assets");
    // What is on file of the org unit is listed, and nothing of others.
    let listed = format!("{:?}", sheet.records());
    assert!(
        listed.contains("A1") && !listed.contains("secret of America"),
        "{listed}"
    );
    let next = u32::try_from(sheet.records().len()).expect("few rows");
    sheet.enter(next, &asset("A7", Cell::Moment(46_162.0)));
    sheet.answer("complete");
    let (page, file) = send(&holder, &path, &bytes(&form.save(&place))).await;
    page.is(200).says("typed into a form");
    holder.post(&format!("{file}/confirm"), &[]).await.is(200);
    office
        .get("/scorecard?period=2026-05")
        .await
        .is(200)
        .says("3 / 5");
    // With the link its form goes; a link for something else has none.
    holder.get(&format!("{path}/workbook")).await.is(404);
    let path = link(&office, "dataset:assets").await;
    holder.get(&path).await.is(200).says_nothing_of("/workbook");
    holder.get(&format!("{path}/workbook")).await.is(404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_workbook_in_which_nothing_is_said_is_not_taken_in_and_the_link_holds_on() {
    let house = House::new().await;
    let office = house
        .visitor("office", &[(Role::ProgrammeOffice, "HD")])
        .await;
    let path = link(&office, "workbook").await;
    let workbook = filled(&house, "JP1", "2026-05", Wrong::Nothing).await;
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let place = folder.path().join("open.xlsx");
    std::fs::write(&place, workbook).expect("it can be written");
    let mut form = Spreadsheet::open(&place);
    form.of("assets").answer("");
    let holder = house.nobody();
    let (page, file) = send(&holder, &path, &bytes(&form.save(&place))).await;
    page.is(200).says("the list is not confirmed");
    holder
        .post(&format!("{file}/confirm"), &[])
        .await
        .is(422)
        .says("no sheet could be taken in");
    holder.get(&path).await.is(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_sends_a_workbook_too() {
    let house = House::new().await;
    house.account("owner", &[(Role::DataOwner, "JP1")]).await;
    let program = house.program("owner", &[Right::Submit]).await;
    let workbook = filled(&house, "JP1", "2026-05", Wrong::ADay).await;
    for (path, accepted) in [("previews", 4), ("submissions", 4)] {
        let path = format!("/api/v1/{path}?into=workbook&name=JP1.xlsx");
        let request = program.request(&Method::POST, &path);
        let answer = program.send(request.body(workbook.clone())).await.is(200);
        let answer = answer.data();
        assert_eq!(answer["accepted"], accepted, "{answer}");
        assert_eq!(answer["rejected"], 1, "{answer}");
        assert_eq!(answer["parts"][0]["rejected"], 1, "{answer}");
    }
}
