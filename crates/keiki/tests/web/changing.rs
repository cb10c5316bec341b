//! The programme office changes the programme and the org tree: looked at first, agreed to where that is asked, recorded.

use keiki::operations::programme::editions;
use keiki_model::access::{Right, Role};
use serde_json::json;

use crate::house::{House, Visitor};

fn file(house: &House, name: &str) -> String {
    let path = house.workspace.root.join(name);
    std::fs::read_to_string(path).expect("the file can be read")
}

async fn office(house: &House) -> Visitor<'_> {
    let role = [(Role::ProgrammeOffice, "HD")];
    house.visitor("office", &role).await
}

/// The path of the first open request.
fn open_request(page: &str) -> String {
    let at = page.find("action=\"/requests/").expect("a request is open");
    let path = &page[at + "action=\"".len()..];
    path[..path.find('"').expect("it ends")].to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_target_stands_once_somebody_else_agrees() {
    let house = House::new().await;
    let office = office(&house).await;
    let approver = house.visitor("approver", &[(Role::Approver, "HD")]).await;
    let before = file(&house, "programme.toml");
    let of = |act: &'static str| {
        [
            ("kind", "target"),
            ("kpi", "1"),
            ("org_unit", "JP1"),
            ("from", "2026-04-01"),
            ("last_day", "2027-03-31"),
            ("at_least", "0.9"),
            ("reason", "agreed by the board"),
            ("act", act),
        ]
    };
    office
        .get("/programme/change?kind=target")
        .await
        .is(200)
        .says("Somebody else has to agree");
    office
        .post("/programme/change", &of("preview"))
        .await
        .is(200)
        .says("+ until = &#34;2027-04-01&#34;")
        .says("+ at_least = &#34;0.9&#34;")
        .says("Ask for it");
    assert_eq!(file(&house, "programme.toml"), before);
    office.post("/programme/change", &of("make")).await.is(303);
    assert_eq!(file(&house, "programme.toml"), before);
    // Nobody agrees to their own, and the same is asked for once.
    office.post("/programme/change", &of("make")).await.is(422);
    let asked = approver
        .get("/requests")
        .await
        .is(200)
        .says("agreed by the board");
    let path = open_request(&asked.text);
    office.post(&path, &[("act", "agree")]).await.is(403);
    approver.post(&path, &[("act", "agree")]).await.is(303);
    let after = file(&house, "programme.toml");
    assert!(after.starts_with(before.trim_end()), "{after}");
    assert!(after.contains("approved_by = \"approver\""), "{after}");
    office
        .get("/programme")
        .await
        .is(200)
        .says("2027-03-31")
        .says("approver");
    let editions = editions(&house.workspace)
        .await
        .expect("the ledger can be read");
    let last = editions.last().expect("there is one");
    assert_eq!(
        (last.author.as_str(), last.reason.as_deref()),
        ("office", Some("agreed by the board"))
    );
    let auditor = house.visitor("auditor", &[(Role::Auditor, "HD")]).await;
    auditor
        .get("/log")
        .await
        .is(200)
        .says("asked for a change of the programme")
        .says("changed the programme");
}

#[tokio::test(flavor = "multi_thread")]
async fn owners_are_named_and_hand_over_in_bulk() {
    let house = House::new().await;
    let office = office(&house).await;
    office
        .get("/programme")
        .await
        .is(200)
        .says("1 KPIs without an owner");
    for unit in ["HD", "JP1"] {
        let owner = [
            ("kind", "owner"),
            ("kpi", "1"),
            ("org_unit", unit),
            ("from", "2026-04-01"),
            ("owner", "Sato \"the\" Elder"),
            ("reason", "named"),
            ("act", "make"),
        ];
        office.post("/programme/change", &owner).await.is(303);
    }
    office
        .get("/programme")
        .await
        .is(200)
        .says("Sato &#34;the&#34; Elder")
        .says_nothing_of("without an owner");
    let hand_over = |from_owner: &'static str| {
        [
            ("kind", "hand_over"),
            ("from_owner", from_owner),
            ("to_owner", "Suzuki"),
            ("deputy", "Tanaka"),
            ("from", "2026-10-01"),
            ("reason", "the change of October"),
            ("act", "make"),
        ]
    };
    office
        .post("/programme/change", &hand_over("nobody"))
        .await
        .is(422)
        .says("nothing is answered for by nobody");
    office
        .post("/programme/change", &hand_over("Sato \"the\" Elder"))
        .await
        .is(303);
    let text = file(&house, "programme.toml");
    assert_eq!(text.matches("owner = \"Suzuki\"").count(), 2, "{text}");
    assert_eq!(text.matches("deputy = \"Tanaka\"").count(), 2, "{text}");
    // What would not be sound is refused, and nothing is written.
    let unknown = [
        ("kind", "owner"),
        ("kpi", "1"),
        ("org_unit", "NOWHERE"),
        ("from", "2026-04-01"),
        ("owner", "x"),
        ("reason", "x"),
        ("act", "make"),
    ];
    office
        .post("/programme/change", &unknown)
        .await
        .is(422)
        .says("NOWHERE");
    assert_eq!(file(&house, "programme.toml"), text);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_org_unit_is_added_moved_and_ended() {
    let house = House::new().await;
    house
        .account("office", &[(Role::ProgrammeOffice, "HD")])
        .await;
    let program = house.program("office", &[Right::See, Right::Define]).await;
    let change = async |kind: &str, fields: serde_json::Value| {
        let asked = json!({ "kind": kind, "fields": fields, "reason": "reorganisation" });
        program.tell("/api/v1/programme/changes", &asked).await
    };
    let new = json!({ "id": "JP2", "parent_id": "HD", "name_ja": "架空商事", "name_en": "Trading, Ltd.",
                      "kind": "subsidiary", "country": "JP", "from": "2026-04-01" });
    let made = change("unit_add", new.clone()).await.is(200).data();
    assert_eq!(made["came"], "made");
    change("unit_add", new)
        .await
        .is(422)
        .says("of that id already");
    let moved = json!({ "id": "JP1-IT", "parent_id": "JP2", "from": "2026-07-01" });
    change("unit_move", moved).await.is(200);
    let ended = json!({ "id": "US1", "last_day": "2026-09-30", "successor_id": "HD" });
    change("unit_end", ended).await.is(200);
    let lost = json!({ "id": "JP2", "last_day": "2026-09-30", "successor_id": "NOWHERE" });
    change("unit_end", lost).await.is(422);
    let text = file(&house, "org.csv");
    for line in [
        "JP2,HD,架空商事,\"Trading, Ltd.\",subsidiary,JP,2026-04-01,,",
        "JP1-IT,JP1,情報システム部,IT Department,department,JP,,2026-07-01,",
        "JP1-IT,JP2,情報システム部,IT Department,department,JP,2026-07-01,,",
        "US1,HD,架空アメリカ,American Branch,overseas,US,,2026-10-01,HD",
    ] {
        assert!(text.lines().any(|one| one == line), "{line}\n{text}");
    }
    let reader = house.visitor("reader", &[(Role::Executive, "JP1")]).await;
    reader
        .get("/programme/organisation")
        .await
        .is(200)
        .says("Manufacturing")
        .says_nothing_of("American Branch");
    let data_owner = house.visitor("owner", &[(Role::DataOwner, "HD")]).await;
    data_owner
        .get("/programme/change?kind=target")
        .await
        .is(403);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_adopted_and_what_ends_is_changed_where_it_stands() {
    let house = House::new().await;
    house
        .account("office", &[(Role::ProgrammeOffice, "HD")])
        .await;
    let program = house.program("office", &[Right::See, Right::Define]).await;
    let owner = json!({ "kind": "owner", "reason": "named", "fields":
        { "kpi": "1", "org_unit": "HD", "from": "2026-04-01", "owner": "Sato" } });
    program
        .tell("/api/v1/programme/changes", &owner)
        .await
        .is(200);
    let lines = async |kind: &str, fields: serde_json::Value| {
        let asked = json!({ "kind": kind, "fields": fields });
        let seen = program.tell("/api/v1/programme/previews", &asked).await;
        let seen = seen.is(200).data();
        assert_eq!(seen["takes_four_eyes"], true);
        seen["files"][0]["lines"].clone()
    };
    let adopted = lines("adoption", json!({ "maturity": "low", "kpis": "1, 12" })).await;
    assert_eq!(
        adopted,
        json!(["-kpis = [1]", "+maturity = [\"low\"]", "+kpis = [1, 12]"])
    );
    let ended = json!({ "of": "owner", "kpi": "1", "org_unit": "HD", "from": "2026-04-01", "last_day": "2027-03-31" });
    assert_eq!(
        lines("end", ended).await,
        json!(["+until = \"2027-04-01\""])
    );
    let wrong = json!({ "kind": "target", "fields": { "approved_by": "me" } });
    program
        .tell("/api/v1/programme/previews", &wrong)
        .await
        .is(422)
        .says("unknown field");
}
