//! Two servers over one workspace, whose operational database is one `PostgreSQL`.

use keiki::operations::relocation;
use keiki::progress::Silent;
use keiki_model::access::{Right, Role};
use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::house::{House, PASSWORD};
use crate::postgresql::Postgresql;

const ROW: &str = "asset_id,org_unit,kind,name,is_in_scope,owner_id,owner_assigned_on,declared_on,inventoried_on,inventoried_by,disposed_on\n\
                   A7,JP1,hardware,seven,true,E1,2026-04-01,2026-05-20,2026-05-20,declaration,\n";

#[tokio::test(flavor = "multi_thread")]
async fn what_one_server_keeps_holds_at_the_other() {
    let one = House::with_postgresql().await;
    let other = one.another().await;

    // A session opens both, and ends at both.
    let reader = one.visitor("reader", &[(Role::Executive, "HD")]).await;
    let there = reader.at(&other);
    there.get("/scorecard").await.is(200);
    there.post("/sign-out", &[]).await.is(303);
    let gone = reader.get("/scorecard").await.is(303);
    assert!(gone.header("location").starts_with("/sign-in"), "{gone:?}");

    // Wrong passwords count wherever they are tried.
    for at in [&one, &other, &one, &other, &one] {
        at.nobody().sign_in("reader", "wrong", "/").await.is(401);
    }
    for at in [&one, &other] {
        let refused = at.nobody().sign_in("reader", PASSWORD, "/").await;
        assert_ne!(refused.status, StatusCode::SEE_OTHER, "{refused:?}");
    }

    // A file that is sent to both under one key is taken in once.
    one.account("owner", &[(Role::DataOwner, "JP1")]).await;
    let program = one
        .program("owner", &[Right::Submit, Right::SeeEvidence])
        .await;
    let send = async |at: &House| {
        let path =
            "/api/v1/submissions?into=dataset:assets&name=assets.csv&unit=JP1&as_of=2026-05-31";
        let program = program.at(at);
        let request = program.request(&Method::POST, path);
        let request = request.header("content-type", "application/octet-stream");
        let request = request.header("idempotency-key", "june-1");
        program.send(request.body(ROW)).await.is(200).data()
    };
    let sent = send(&one).await;
    assert_eq!(send(&other).await, sent);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_servers_that_close_a_month_one_does() {
    let one = House::with_postgresql().await;
    let other = one.another().await;
    let office = [(Role::ProgrammeOffice, "HD"), (Role::Approver, "HD")];
    one.account("office", &office).await;
    one.account("approver", &office).await;
    let rights = [Right::See, Right::SeeEvidence, Right::Close, Right::Approve];
    let asking = one.program("office", &rights).await;
    let why = json!({ "reason": "the rest comes in June" });
    let place = "/api/v1/closes/2026-05/request";
    asking.tell(place, &why).await.is(200);
    let listed = asking.at(&other).get("/api/v1/requests").await.is(200);
    let listed = listed.data();
    let id = listed["items"][0]["id"].as_str().expect("it has an id");
    let decide = format!("/api/v1/requests/{id}/decide");
    let agree = json!({ "verdict": "agree" });
    let approver = one.program("approver", &rights).await;
    let there = approver.at(&other);
    let (here, there) = tokio::join!(approver.tell(&decide, &agree), there.tell(&decide, &agree));
    let mut statuses = [here.status.as_u16(), there.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses[0], 200, "{here:?} {there:?}");
    assert!(
        statuses[1] >= 400 && statuses[1] < 500,
        "{here:?} {there:?}"
    );
    let statements = asking.at(&other).get("/api/v1/statements").await.is(200);
    let statements = statements.data();
    let items = statements["items"].as_array().expect("it is a list");
    assert_eq!(items.len(), 1, "{statements}");
    // The log of both is one, and unbroken.
    let findings = keiki::operations::verify::verify(&one.workspace, &Silent).await;
    let findings = findings.expect("the books can be verified").findings;
    assert!(findings.is_empty(), "{findings:?}");
}

/// The values of figures, whenever they were asked for.
fn values(figures: &serde_json::Value) -> Vec<(String, String)> {
    let items = figures["items"].as_array().expect("it is a list");
    let value = |one: &serde_json::Value| (one["org_unit"].to_string(), one["value"].to_string());
    items.iter().map(value).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_workspace_moves_into_a_postgresql_with_its_sessions_tokens_requests_and_log() {
    let house = House::in_a_file().await;
    let refused = relocation::move_into_server(&house.workspace, None).await;
    assert!(refused.is_err(), "{refused:?}");
    let office = [(Role::ProgrammeOffice, "HD")];
    let office = house.visitor("office", &office).await;
    let auditor = house.visitor("auditor", &[(Role::Auditor, "HD")]).await;
    let rights = [Right::See, Right::SeeEvidence];
    let program = house.program("office", &rights).await;
    let why = [("period", "2026-05"), ("reason", "June brings the rest")];
    office.post("/close/request", &why).await.is(303);
    let what = "/api/v1/measurements?period=2026-05";
    let figures = values(&program.get(what).await.is(200).data());
    let log = auditor.get("/api/v1/log").await.is(200).data();
    let (session, token) = (auditor.cookie.clone(), program.token.clone());

    let server = Postgresql::start();
    let (house, rows) = Box::pin(house.moved_into(&server)).await;
    assert!(rows > 20, "{rows}");
    // Whoever was signed in still is, a program's token still holds, and what waits still waits.
    let auditor = house.still(session);
    let logged = auditor.get("/api/v1/log").await.is(200).data();
    let (before, after) = (&log["items"], &logged["items"]);
    let count = before.as_array().map_or(0, Vec::len);
    let after = after.as_array().expect("it is a list");
    assert_eq!(
        before.as_array().expect("it is a list"),
        &after[after.len() - count..]
    );
    let mut program = house.nobody();
    program.token = token;
    assert_eq!(values(&program.get(what).await.is(200).data()), figures);
    let approver = house.visitor("approver", &[(Role::Approver, "HD")]).await;
    let waiting = approver.get("/requests").await.is(200);
    waiting.says("June brings the rest").says("value=\"agree\"");
    let findings = keiki::operations::verify::verify(&house.workspace, &Silent).await;
    let findings = findings.expect("the books can be verified").findings;
    assert!(findings.is_empty(), "{findings:?}");
}
