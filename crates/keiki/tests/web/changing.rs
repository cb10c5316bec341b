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

/// Names and values of a form.
type Fields = &'static [(&'static str, &'static str)];

/// What each kind of change that decides which figure counts as met says, and the line that tells it in the file.
const AGREED: [(&str, Fields, &str); 4] = [
    (
        "parameter",
        &[
            ("kpi", "1"),
            ("name", "cycle_months"),
            ("org_unit", "HD"),
            ("from", "2026-04-01"),
            ("value", "6"),
        ],
        "value = \"6\"",
    ),
    (
        "cadence",
        &[
            ("kpi", "1"),
            ("org_unit", "JP1"),
            ("from", "2026-04-01"),
            ("frequency", "half_yearly"),
        ],
        "frequency = \"half_yearly\"",
    ),
    (
        "applicability",
        &[
            ("kpi", "1"),
            ("org_unit", "US1"),
            ("from", "2026-04-01"),
            ("last_day", "2026-09-30"),
            ("applies", "false"),
            ("reason_ja", "親会社が管理"),
            ("reason_en", "kept by the parent"),
        ],
        "reason = { ja = \"親会社が管理\", en = \"kept by the parent\" }",
    ),
    (
        "waiver",
        &[
            ("kpi", "1"),
            ("org_unit", "JP1"),
            ("from", "2026-04-01"),
            ("last_day", "2026-06-30"),
            ("reason_ja", "工場の移転中"),
            ("reason_en", "the plant moves"),
        ],
        "until = \"2026-07-01\"",
    ),
];

#[tokio::test(flavor = "multi_thread")]
async fn parameters_cadences_exemptions_and_waivers_take_two_people_on_pages() {
    let house = House::new().await;
    let office = office(&house).await;
    // Whoever asks may be an approver: of others' requests, not of their own.
    let both = [(Role::ProgrammeOffice, "HD"), (Role::Approver, "HD")];
    let both = house.visitor("both", &both).await;
    for (kind, fields, line) in AGREED {
        let before = file(&house, "programme.toml");
        let form = |act| {
            let given = fields.iter().copied();
            let rest = [("kind", kind), ("reason", "as agreed"), ("act", act)];
            given.chain(rest).collect::<Vec<_>>()
        };
        let seen = both.post("/programme/change", &form("preview")).await;
        let shown = format!("+ {}", line.replace('"', "&#34;"));
        seen.is(200).says(&shown).says("Ask for it");
        both.post("/programme/change", &form("make")).await.is(303);
        let own = both.get("/requests").await.is(200);
        let path = open_request(&own.text);
        // No button, and no way around it.
        own.says_nothing_of("value=\"agree\"");
        both.post(&path, &[("act", "agree")]).await.is(403);
        office.post(&path, &[("act", "agree")]).await.is(403);
        assert_eq!(file(&house, "programme.toml"), before);
        both.post(&path, &[("act", "withdraw")]).await.is(303);
        office
            .post("/programme/change", &form("make"))
            .await
            .is(303);
        let path = open_request(&both.get("/requests").await.is(200).text);
        both.post(&path, &[("act", "refuse")]).await.is(303);
        assert_eq!(file(&house, "programme.toml"), before);
        office
            .post("/programme/change", &form("make"))
            .await
            .is(303);
        let path = open_request(&both.get("/requests").await.is(200).text);
        both.post(&path, &[("act", "agree")]).await.is(303);
        let after = file(&house, "programme.toml");
        assert!(after.contains(line), "{after}");
        let approvals = after.matches("approved_by = \"both\"").count();
        let before = before.matches("approved_by = \"both\"").count();
        // A parameter has no field of its own for who agreed; the ledger and the log tell it.
        assert_eq!(approvals, before + usize::from(kind != "parameter"));
    }
    office
        .get("/programme")
        .await
        .is(200)
        .says("kept by the parent")
        .says("half-yearly")
        .says("the plant moves");
    let figures = office
        .get("/api/v1/measurements?period=2026-05&unit=US1")
        .await;
    figures.is(200).says("\"status\":\"not_applicable\"");
    let auditor = house.visitor("auditor", &[(Role::Auditor, "HD")]).await;
    auditor.get("/log").await.is(200).says("cycle_months");
}

#[tokio::test(flavor = "multi_thread")]
async fn parameters_cadences_exemptions_and_waivers_take_two_people_by_programs_too() {
    let house = House::new().await;
    let both = [(Role::ProgrammeOffice, "HD"), (Role::Approver, "HD")];
    house.account("asks", &both).await;
    house.account("agrees", &both).await;
    let rights = [
        Right::See,
        Right::SeeEvidence,
        Right::Define,
        Right::Approve,
    ];
    let asks = house.program("asks", &rights).await;
    let agrees = house.program("agrees", &rights).await;
    for (kind, fields, line) in AGREED {
        let fields: serde_json::Value = fields.iter().copied().collect();
        let change = json!({ "kind": kind, "fields": fields, "reason": "as agreed" });
        let came = asks.tell("/api/v1/programme/changes", &change).await;
        assert_eq!(came.is(200).data()["came"], "asked");
        let open = agrees.get("/api/v1/requests").await.is(200).data();
        let open = open["items"].as_array().expect("a list").clone();
        let open = open.iter().find(|one| one["decision"] == "open");
        let id = open.expect("one is open")["id"].as_str().expect("an id");
        let path = format!("/api/v1/requests/{id}/decide");
        let agree = json!({ "verdict": "agree" });
        asks.tell(&path, &agree).await.is(403);
        assert!(!file(&house, "programme.toml").contains(line));
        agrees.tell(&path, &agree).await.is(200);
        assert!(file(&house, "programme.toml").contains(line));
        agrees.tell(&path, &agree).await.is(403);
    }
    let standing = agrees.get("/api/v1/programme").await.is(200);
    standing
        .says("kept by the parent")
        .says("the plant moves")
        .says("\"frequency\":\"half_yearly\"")
        .says("\"name\":\"cycle_months\"");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_form_of_a_new_org_unit_says_its_kind() {
    let house = House::new().await;
    let office = office(&house).await;
    let fields = |act: &'static str| {
        [
            ("kind", "unit_add"),
            ("id", "JP2"),
            ("parent_id", "HD"),
            ("name_ja", "架空商事"),
            ("name_en", "Trading"),
            ("unit_kind", "subsidiary"),
            ("country", "JP"),
            ("from", "2026-04-01"),
            ("reason", "founded"),
            ("act", act),
        ]
    };
    office
        .get("/programme/change?kind=unit_add")
        .await
        .is(200)
        .says("name=\"unit_kind\"");
    office
        .post("/programme/change", &fields("preview"))
        .await
        .is(200)
        .says("+ JP2,HD,架空商事,Trading,subsidiary,JP,2026-04-01,,")
        .says("<option value=\"subsidiary\" selected>");
    office
        .post("/programme/change", &fields("make"))
        .await
        .is(303);
    office
        .get("/programme/organisation")
        .await
        .is(200)
        .says("Trading");
}

#[tokio::test(flavor = "multi_thread")]
async fn after_files_that_could_not_be_read_figures_are_those_of_the_files_of_now() {
    let house = House::new().await;
    let office = office(&house).await;
    let figures = "/api/v1/measurements?period=2026-05&unit=US1";
    let write = |text: &str| {
        let file = house.workspace.root.join("programme.toml");
        std::fs::write(file, text).expect("it can be written");
    };
    // The files are looked at again after a moment.
    let until = async |status: u16| loop {
        let answer = office.get(figures).await;
        if answer.status == status {
            return answer;
        }
    };
    let before = until(200).await;
    before.says("\"status\":\"behind\"");
    write("[adopted]\nkpis = [\"no number\"]\n");
    until(500).await;
    let exempt = "[[applicability]]\nkpi = 1\norg_unit = \"US1\"\nfrom = \"2026-04-01\"\napplies = false\napproved_by = \"tests\"\nreason = { ja = \"対象外\", en = \"out of scope\" }\n";
    write(&format!("[adopted]\nkpis = [1]\n\n{exempt}"));
    until(200).await.says("\"status\":\"not_applicable\"");
}

#[tokio::test(flavor = "multi_thread")]
async fn programs_are_told_the_cadence_that_pages_show_beside_the_frequency_of_the_catalogue() {
    let house = House::new().await;
    let place = house.workspace.root.join("programme.toml");
    let cadence = "\n[[cadences]]\nkpi = 1\norg_unit = \"JP1\"\nfrom = \"2026-04-01\"\n\
                   frequency = \"half_yearly\"\napproved_by = \"board\"\n";
    let before = file(&house, "programme.toml");
    std::fs::write(place, format!("{before}{cadence}")).expect("it can be written");
    let house = house.restarted().await;
    let office = office(&house).await;
    let told = async |visitor: &Visitor<'_>, path: &str| {
        let one = visitor.get(path).await.is(200).data();
        let one = if one.is_array() { one[0].clone() } else { one };
        (one["frequency"].clone(), one["cadence"].clone())
    };
    let catalogue = (json!("monthly"), json!("monthly"));
    let stated = (json!("monthly"), json!("half_yearly"));
    for path in ["/api/v1/kpis", "/api/v1/kpis/1"] {
        assert_eq!(told(&office, path).await, catalogue);
        assert_eq!(told(&office, &format!("{path}?unit=US1")).await, catalogue);
        // It is handed down the tree.
        assert_eq!(told(&office, &format!("{path}?unit=JP1-IT")).await, stated);
    }
    let owner = house.visitor("owner", &[(Role::DataOwner, "JP1")]).await;
    assert_eq!(told(&owner, "/api/v1/kpis/1").await, stated);
    owner.get("/kpis").await.is(200).says("half-yearly");
    owner.get("/api/v1/kpis/1?unit=US1").await.is(404);
}
