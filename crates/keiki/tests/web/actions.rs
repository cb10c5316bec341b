//! Actions and the board's instructions: opened, followed until they are done, by pages and by programs.

use keiki_model::access::{Right, Role};
use serde_json::{Value, json};

use crate::house::{House, Visitor};

/// Opens an action about the figure of an org unit.
async fn open(visitor: &Visitor<'_>, unit: &str, what: &str) {
    let fields = [
        ("period", "2026-05"),
        ("unit", unit),
        ("indicator", "inventory_ratio"),
        ("cause", "moved house"),
        ("action", what),
        ("owner", "ito"),
        ("due_on", "2026-06-30"),
    ];
    visitor.post("/kpis/1/explain", &fields).await.is(303);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_action_is_followed_until_it_is_done_and_opened_again() {
    let house = House::new().await;
    let owner = house.visitor("owner", &[(Role::DataOwner, "JP1")]).await;
    open(&owner, "JP1", "count the servers").await;
    let page = owner.get("/actions").await.is(200);
    page.says("count the servers")
        .says("/kpis/1?period=2026-05&#38;unit=JP1")
        .says("overdue");
    let step = |fields: &'static [(&'static str, &'static str)]| {
        let owner = &owner;
        async move { owner.post("/actions/1/steps", fields).await }
    };
    // Nothing is said, or it is given up without a word why.
    step(&[]).await.is(422).says("something is missing");
    step(&[("state", "dropped")]).await.is(422);
    step(&[("state", "finished")])
        .await
        .is(422)
        .says("not a state");
    step(&[("due_on", "soon")]).await.is(422);
    step(&[
        ("note", "half of them"),
        ("owner", "kato"),
        ("due_on", "2999-01-31"),
    ])
    .await
    .is(303);
    let page = owner.get("/actions").await.is(200);
    page.says("half of them")
        .says("kato")
        .says_nothing_of("overdue</span>");
    step(&[("note", "all of them"), ("state", "done")])
        .await
        .is(303);
    owner.get("/actions").await.is(200).says("Open it again");
    // What has ended stays so until it is opened again.
    step(&[("note", "more")]).await.is(422);
    step(&[("state", "open")]).await.is(303);
    step(&[("note", "found two more")]).await.is(303);
    let program = house.program("owner", &[Right::See]).await;
    let told = program.get("/api/v1/actions").await.is(200).data();
    let action = &told["items"][0];
    assert_eq!(action["state"], "open");
    assert_eq!(action["owner"], "kato");
    assert_eq!(action["steps"].as_array().map(Vec::len), Some(4));
    assert_eq!(action["steps"][0]["note"], "half of them");
    assert_eq!(action["steps"][2]["note"], Value::Null);
    let auditor = house.visitor("auditor", &[(Role::Auditor, "HD")]).await;
    auditor
        .get("/log")
        .await
        .is(200)
        .says("followed up an action");
    auditor
        .get("/actions")
        .await
        .is(200)
        .says("found two more")
        .says_nothing_of("/actions/1/steps");
}

#[tokio::test(flavor = "multi_thread")]
async fn programs_follow_actions_of_their_own_org_units_once() {
    let house = House::new().await;
    let office = house
        .visitor("office", &[(Role::ProgrammeOffice, "HD")])
        .await;
    open(&office, "US1", "look for America's servers").await;
    open(&office, "JP1", "look for Japan's servers").await;
    house.account("owner", &[(Role::DataOwner, "JP1")]).await;
    let owner = house.program("owner", &[Right::See, Right::Explain]).await;
    let told = owner.get("/api/v1/actions").await.is(200);
    let told = told.says_nothing_of("America").data();
    assert_eq!(told["items"][0]["number"], 2);
    let done = json!({ "note": "found", "state": "done" });
    // Of another's it is not told whether there is one.
    for number in [1, 7] {
        let path = format!("/api/v1/actions/{number}/steps");
        owner.tell(&path, &done).await.is(404);
    }
    let path = "/api/v1/actions/2/steps";
    let twice = || {
        let request = owner.request(&reqwest::Method::POST, path);
        let request = request.header("content-type", "application/json");
        let request = request.header("idempotency-key", "june");
        owner.send(request.body(done.to_string()))
    };
    twice().await.is(200);
    twice().await.is(200);
    owner.tell(path, &done).await.is(422);
    let told = owner.get("/api/v1/actions").await.is(200).data();
    assert_eq!(told["items"][0]["state"], "done");
    assert_eq!(told["items"][0]["steps"].as_array().map(Vec::len), Some(1));
    // It takes the right to explain, of the token too.
    let reader = house.program("owner", &[Right::See]).await;
    reader.tell(path, &done).await.is(403);
    let vague = json!({ "note": "found", "status": "done" });
    owner.tell(path, &vague).await.is(400);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_board_asked_for_is_noted_and_followed_by_who_speaks_for_the_whole() {
    let house = House::new().await;
    let office = house
        .visitor("office", &[(Role::ProgrammeOffice, "HD")])
        .await;
    let owner = house.visitor("owner", &[(Role::DataOwner, "JP1")]).await;
    let fields = [
        ("period", "2026-05"),
        ("what", "drill the whole group"),
        ("owner", "ito"),
        ("due_on", "2026-09-30"),
    ];
    owner.post("/instructions", &fields).await.is(403);
    office.post("/instructions", &fields).await.is(303);
    office
        .get("/actions")
        .await
        .is(200)
        .says("drill the whole group")
        .says("asked for by the board");
    office
        .get("/scorecard?period=2026-05")
        .await
        .is(200)
        .says("drill the whole group");
    owner
        .get("/actions")
        .await
        .is(200)
        .says_nothing_of("drill the whole group");
    let done = [("note", "held"), ("state", "done")];
    owner.post("/actions/1/steps", &done).await.is(404);
    office.post("/actions/1/steps", &done).await.is(303);
    let program = house.program("office", &[Right::See, Right::Explain]).await;
    let asked = json!({ "period": "2026-05", "what": "report again", "owner": "kato" });
    let noted = program.tell("/api/v1/instructions", &asked).await.is(200);
    assert_eq!(noted.data()["number"], 2);
    for wrong in [
        json!({ "period": "2026-05", "what": " ", "owner": "kato" }),
        json!({ "period": "2026-05", "what": "report again" }),
    ] {
        program.tell("/api/v1/instructions", &wrong).await.is(400);
    }
    let told = program.get("/api/v1/actions").await.is(200).data();
    assert_eq!(told["items"][0]["kpi"], Value::Null);
    assert_eq!(told["items"][1]["state"], "done");
}
