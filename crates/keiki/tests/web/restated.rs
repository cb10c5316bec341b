//! What lies between two revisions of a statement, opened down to the entries: when they became known, and in which batch.

use keiki_model::access::Role;
use reqwest::Method;
use serde_json::{Value, json};

use crate::house::{House, Visitor};

const HEADER: &str = "asset_id,org_unit,kind,name,is_in_scope,owner_id,owner_assigned_on,declared_on,inventoried_on,inventoried_by,disposed_on";

/// Closes May: somebody asks, and somebody else agrees.
async fn close(office: &Visitor<'_>, approver: &Visitor<'_>) {
    let asked = json!({ "reason": "the board meets" });
    let path = "/api/v1/closes/2026-05/request";
    office.tell(path, &asked).await.is(200);
    let listed = approver.get("/api/v1/requests").await.is(200).data();
    let mut all = listed["items"].as_array().expect("it is a list").iter();
    let open = all.find(|one| one["may_decide"] == true);
    let id = open.expect("one is open")["id"].as_str().expect("a text");
    let path = format!("/api/v1/requests/{id}/decide");
    let agreed = approver.tell(&path, &json!({ "verdict": "agree" })).await;
    agreed.is(200);
}

async fn send(owner: &Visitor<'_>, rows: &str) {
    let path = "/api/v1/submissions?into=dataset:assets&unit=JP1&as_of=2026-05-31&name=a.csv";
    let request = owner.request(&Method::POST, path);
    let request = request.header("content-type", "application/octet-stream");
    let request = request.body(format!("{HEADER}\n{rows}"));
    owner.send(request).await.is(200);
}

fn entries(bridge: &Value) -> Vec<[String; 4]> {
    let all = bridge["entries"].as_array().expect("it is a list").iter();
    let text = |one: &Value, name: &str| one[name].as_str().unwrap_or_default().to_owned();
    let mut found: Vec<[String; 4]> = all
        .map(|one| ["part", "record_key", "before", "after"].map(|name| text(one, name)))
        .collect();
    found.sort();
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn what_lies_between_two_revisions_opens_down_to_the_entries_and_their_batch() {
    let house = House::new().await;
    let office = [(Role::ProgrammeOffice, "HD")];
    let office = house.visitor("office", &office).await;
    let approver = house.visitor("approver", &[(Role::Approver, "HD")]).await;
    let owner = house.visitor("owner", &[(Role::DataOwner, "JP1")]).await;
    close(&office, &approver).await;
    send(
        &owner,
        "A7,JP1,hardware,late,true,E1,2026-04-01,2026-05-20,2026-05-20,declaration,\n",
    )
    .await;
    let why = json!({ "reason": "evidence of the plant came late" });
    let path = "/api/v1/closes/2026-05/reopen";
    office.tell(path, &why).await.is(200);
    close(&office, &approver).await;
    let figure = "period=2026-05&unit=HD&indicator=inventory_ratio";
    let between = format!("/kpis/1/difference?{figure}&revision=2&with_revision=1");
    let page = office.get(&between).await.is(200);
    let page = page
        .says("id=\"bridge\"")
        .says("Entries that became known meanwhile")
        .says("late evidence")
        .says("as reported (revision 1)")
        .says("as restated (revision 2)")
        .says("+10.0 pt")
        .says("href=\"/batches/2\"");
    let told = office
        .get(&format!("/api/v1{between}"))
        .await
        .is(200)
        .data();
    let bridge = &told["bridge"];
    assert_eq!(
        (
            &bridge["by_evidence"],
            &bridge["by_definitions"],
            &bridge["by_tree"]
        ),
        (&json!(0.1), &json!(0.0), &json!(0.0)),
        "{told}"
    );
    assert_eq!(bridge["causes"], json!(["late_evidence"]));
    let found = entries(bridge);
    assert!(
        !found.is_empty() && found.len() == bridge["count"],
        "{told}"
    );
    assert!(
        found
            .iter()
            .all(|[_, key, before, after]| key == "A7" && before == "–" && after == "1"),
        "{found:?}"
    );
    let batch = office.get("/api/v1/batches/2").await.is(200).data();
    for one in bridge["entries"].as_array().into_iter().flatten() {
        assert_eq!(one["seq"], 2);
        assert_eq!(one["known_at"], batch["known_at"], "{one} {batch}");
        let id = one["batch_id"].as_str().expect("a text");
        assert!(!id.is_empty() && page.text.contains(id), "{id}");
    }
    // It is the same way, from whichever end it is looked at.
    let back = format!("/api/v1/kpis/1/difference?{figure}&revision=1&with_revision=2");
    let back = office.get(&back).await.is(200).data();
    assert_eq!(back["bridge"], *bridge);
    assert_ne!(back["by"], told["by"]);
    let early = format!("/kpis/1/difference?{figure}&revision=2&with_revision=2026-06-30");
    let page = office.get(&early).await.is(200);
    page.says("as known on").says("id=\"bridge\"");
    // Where nothing was restated, and between other points, there is none.
    for other in [
        "period=2026-05&unit=HD&revision=2&with_revision=now",
        "period=2026-05&unit=HD&with_unit=JP1",
        "period=2026-05&unit=US1&revision=2&with_revision=1",
    ] {
        let path = format!("/api/v1/kpis/1/difference?{other}");
        let told = office.get(&path).await.is(200).data();
        assert_eq!(told["bridge"], Value::Null, "{other}: {told}");
    }
    // The statement's own list of what was restated leads there.
    let page = office
        .get("/scorecard?period=2026-05&unit=HD")
        .await
        .is(200);
    page.says("with_revision=1").says("#bridge");
    let japanese = [("language", "ja"), ("next", "/")];
    owner.post("/language", &japanese).await.is(303);
    let own = between.replace("unit=HD", "unit=JP1");
    let page = owner.get(&own).await.is(200);
    page.says("その間に認識した記帳")
        .says("証跡の遅れ")
        .says("A7");
}
