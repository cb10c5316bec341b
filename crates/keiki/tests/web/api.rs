//! What programs use: tokens, measurements, sending evidence, problems.

use keiki::operations::accounts::Chosen;
use keiki_model::access::{Right, Role};
use keiki_store::AccountStanding;
use reqwest::Method;
use serde_json::{Value, json};

use crate::house::{Answer, House, Visitor, actor};

const HEADER: &str = "asset_id,org_unit,kind,name,is_in_scope,owner_id,owner_assigned_on,declared_on,inventoried_on,inventoried_by,disposed_on";

const ROW: &str = "A7,JP1,hardware,seven,true,E1,2026-04-01,2026-05-20,2026-05-20,declaration,";

const PLACE: &str =
    "/api/v1/submissions?into=dataset:assets&name=assets.csv&unit=JP1&as_of=2026-05-31";

/// Sends a file as a program does, under a key of its own.
async fn send(program: &Visitor<'_>, path: &str, text: &str, key: &str) -> Answer {
    let request = program.request(&Method::POST, path);
    let request = request.header("content-type", "application/octet-stream");
    let request = request.header("idempotency-key", key);
    program.send(request.body(text.to_owned())).await
}

async fn owner(house: &House) {
    house.account("owner", &[(Role::DataOwner, "JP1")]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_has_its_own_rights_of_those_of_its_account_and_no_others() {
    let house = House::new().await;
    owner(&house).await;
    let reader = house.program("owner", &[Right::See, Right::Close]).await;
    let me = reader.get("/api/v1/me").await.is(200).data();
    assert_eq!(me["name"], "owner");
    assert_eq!(me["rights"], json!(["see"]));
    reader.get("/api/v1/measurements").await.is(200);
    reader.get("/api/v1/sources").await.is(403);
    let nil = json!({ "dataset": "assets", "unit": "JP1" });
    reader.tell("/api/v1/nil-returns", &nil).await.is(403);
    // A token opens what is made for programs, and no page.
    let page = reader.get("/scorecard").await.is(303);
    assert!(page.header("location").starts_with("/sign-in"), "{page:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_ends_when_it_is_revoked_or_its_account_is_disabled() {
    let house = House::new().await;
    let signed_in = house.visitor("owner", &[(Role::DataOwner, "JP1")]).await;
    let fields = [("name", "nightly"), ("right", "see"), ("days", "30")];
    let page = signed_in.post("/account/tokens", &fields).await.is(200);
    let at = page.text.find("keiki_").expect("the token is shown");
    let token = page.text[at..at + 70].to_owned();
    let mut program = house.nobody();
    program.token = Some(token.clone());
    program.get("/api/v1/me").await.is(200);
    signed_in
        .get("/account")
        .await
        .is(200)
        .says("nightly")
        .says_nothing_of(&token);
    let listed = program.get("/api/v1/tokens").await.is(200).data();
    let id = listed["items"][0]["id"]
        .as_str()
        .expect("it has an id")
        .to_owned();
    // Another's is neither seen nor taken away.
    house.account("other", &[(Role::DataOwner, "JP1")]).await;
    let other = house.program("other", &[Right::See]).await;
    other
        .get("/api/v1/tokens")
        .await
        .is(200)
        .says_nothing_of("nightly");
    other
        .tell(&format!("/api/v1/tokens/{id}/revoke"), &Value::Null)
        .await
        .is(403);
    let neighbour = house.visitor("neighbour", &[(Role::DataOwner, "JP1")]);
    neighbour
        .await
        .post(&format!("/account/tokens/{id}"), &[])
        .await
        .is(404);
    signed_in
        .post(&format!("/account/tokens/{id}"), &[])
        .await
        .is(303);
    program.get("/api/v1/me").await.is(401);
    house.account("admin", &[(Role::Administrator, "HD")]).await;
    let admin = house.program("admin", &[Right::Administer]).await;
    admin
        .tell("/api/v1/users/other/disable", &Value::Null)
        .await
        .is(200);
    other.get("/api/v1/me").await.is(401);
    let nobody = house.nobody().get("/api/v1/me").await.is(401);
    assert_eq!(nobody.header("www-authenticate"), "Bearer realm=\"keiki\"");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_opens_no_other_door() {
    let house = House::without_evidence().await;
    owner(&house).await;
    let admin = house.visitor("admin", &[(Role::Administrator, "HD")]).await;
    let program = house.program("admin", &[Right::Administer]).await;
    let token = json!({ "name": "more", "rights": ["administer"] });
    let user =
        json!({ "name": "another", "role": "administrator", "unit": "HD", "shown_name": null });
    let role = json!({ "role": "administrator", "unit": "HD" });
    for (path, data) in [
        ("/api/v1/tokens", &token),
        ("/api/v1/users", &user),
        ("/api/v1/users/owner/roles", &role),
        ("/api/v1/users/owner/password", &Value::Null),
    ] {
        program.tell(path, data).await.is(403);
        admin.tell(path, data).await.is(200);
    }
    let more = json!({ "name": "more", "rights": ["submit"] });
    admin.tell("/api/v1/tokens", &more).await.is(422);
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_do_not_outlive_a_new_password_or_the_end_of_their_account() {
    let house = House::without_evidence().await;
    owner(&house).await;
    let program = house.program("owner", &[Right::See]).await;
    let by = actor("tests");
    let registry = &house.registry;
    let link = registry.renew("owner", &by).await.expect("a link is made");
    program.get("/api/v1/me").await.is(200);
    let chosen = Chosen {
        name: "",
        password: "another horse battery",
        root: "HD",
    };
    let accepted = registry.accept(&link, &chosen, &by).await;
    accepted.expect("the password is taken");
    program.get("/api/v1/me").await.is(401);
    let program = house.program("owner", &[Right::See]).await;
    for standing in [AccountStanding::Disabled, AccountStanding::Active] {
        let done = registry.set_standing("owner", standing, &by).await;
        done.expect("it is done");
    }
    program.get("/api/v1/me").await.is(401);
}

#[tokio::test(flavor = "multi_thread")]
async fn rejected_rows_and_raw_files_of_siblings_are_not_shown() {
    let house = House::without_evidence().await;
    owner(&house).await;
    let roles = [(Role::DataOwner, "JP1"), (Role::PersonalReader, "JP1")];
    let reader = house.visitor("reader", &roles).await;
    let sent = |place: &str, unit: &str, key: &str| {
        let (house, place) = (&house, place.replace("JP1", unit));
        let (unit, key) = (unit.to_owned(), key.to_owned());
        async move {
            let name = format!("owner-of-{}", unit.to_lowercase());
            house.account(&name, &[(Role::DataOwner, &unit)]).await;
            let program = house.program(&name, &[Right::Submit]).await;
            let rows = format!("B1-{unit},{unit},hardware,bad,true,,,31 April 2026,,,\n");
            send(&program, &place, &format!("{HEADER}\n{rows}"), &key)
                .await
                .is(200)
        }
    };
    sent(PLACE, "US1", "one").await;
    let place = PLACE.replace("name=assets", "name=mine");
    let mine = sent(&place, "JP1-IT", "two").await.data();
    let listed = reader.get("/api/v1/rejects").await.is(200).data();
    let listed = listed["items"].as_array().expect("a list");
    // One name stands for all files that are sent; the last reading was of JP1.
    assert_eq!(listed.len(), 1, "{listed:#?}");
    assert_eq!(listed[0]["file"], "JP1-IT/mine.csv");
    reader.get("/evidence").await.is(200).says("mine.csv");
    // What others sent for the same org unit may hold more than it claims.
    let seq = &mine["seq"];
    reader
        .get(&format!("/batches/{seq}"))
        .await
        .is(200)
        .says("mine.csv")
        .says_nothing_of("/files/0");
    let file = format!("/batches/{seq}/files/0");
    reader.get(&file).await.is(403);
    let sender = house.program("reader", &[Right::Submit]).await;
    let department = PLACE.replace("JP1", "JP1-IT");
    let row = ROW.replace("JP1", "JP1-IT");
    let own = send(&sender, &department, &format!("{HEADER}\n{row}\n"), "three").await;
    let seq = own.is(200).data()["seq"].clone();
    let file = format!("/batches/{seq}/files/0");
    reader.get(&file).await.is(200).says("seven");
    // Nor is their own file theirs again where it held rows of others.
    let both = format!(
        "{HEADER}\n{}\nA9,US1,hardware,not mine,true,,,,,,\n",
        row.replace("A7", "A8")
    );
    let seq = send(&sender, &department, &both, "four")
        .await
        .is(200)
        .data()["seq"]
        .clone();
    let file = format!("/batches/{seq}/files/0");
    reader.get(&file).await.is(403);
}

/// The items of all parts of a list, and in how many parts they came.
async fn gathered(program: &Visitor<'_>, path: &str) -> (Vec<Value>, usize) {
    let mut items: Vec<Value> = Vec::new();
    let mut place = path.to_owned();
    for parts in 1.. {
        let part = program.get(&place).await.is(200).data();
        items.extend(part["items"].as_array().expect("a list").iter().cloned());
        match part["next"].as_str() {
            Some(next) => place = format!("{path}&cursor={next}"),
            None => return (items, parts),
        }
    }
    unreachable!("a list has an end");
}

#[tokio::test(flavor = "multi_thread")]
async fn many_rejected_rows_come_a_part_at_a_time_and_none_twice() {
    // One row of the first reading is out already.
    let house = House::new().await;
    let reader = house
        .visitor("office", &[(Role::ProgrammeOffice, "HD")])
        .await;
    let program = house.program("office", &[Right::Submit]).await;
    let row = |number: u32| format!("B{number},JP1,hardware,bad,true,,,31 April 2026,,,\n");
    let rows: String = (1..=250).map(row).collect();
    send(&program, PLACE, &format!("{HEADER}\n{rows}"), "many")
        .await
        .is(200);

    let (items, parts) = gathered(&reader, "/api/v1/rejects?limit=40").await;
    assert_eq!((items.len(), parts), (251, 7));
    let lines: Vec<u64> = items[..250]
        .iter()
        .filter_map(|one| one["row"].as_u64())
        .collect();
    let whole: Vec<u64> = (2..=251).collect();
    assert_eq!(
        lines, whole,
        "the latest commit comes first, in the order of its file"
    );
    assert_eq!(items[250]["source"], "assets");
    reader.get("/api/v1/rejects?cursor=6162").await.is(422);

    let place = |line: u32| format!("<td>JP1/assets.csv:{line}</td>");
    let linked = |page: &Answer, relation: &str| {
        let at = page
            .text
            .split_once(&format!("<a rel=\"{relation}\" href=\""));
        let link = at.and_then(|(_, rest)| rest.split_once("#rejects\""));
        link.map(|(link, _)| link.replace("&#38;", "&"))
    };
    let first = reader.get("/evidence").await.is(200);
    let first = first.says("1–100 / 251").says(&place(2)).says(&place(101));
    let first = first.says_nothing_of(&place(102));
    assert_eq!(linked(&first, "prev"), None);
    let second = reader
        .get(&linked(&first, "next").expect("a second page"))
        .await
        .is(200);
    let second = second
        .says("101–200 / 251")
        .says(&place(102))
        .says(&place(201));
    let third = reader
        .get(&linked(&second, "next").expect("a third page"))
        .await
        .is(200);
    let third = third
        .says("201–251 / 251")
        .says(&place(251))
        .says("evidence/assets.csv:6");
    assert_eq!(linked(&third, "next"), None);
    let again = reader
        .get(&linked(&third, "prev").expect("a page before"))
        .await
        .is(200);
    again.says("101–200 / 251");
    assert_eq!(linked(&second, "prev").as_deref(), Some("/evidence"));
    // What is mended meanwhile moves nothing that comes after it.
    let mended = format!("{HEADER}\n{}\n", ROW.replace("A7", "B150"));
    let place_of = PLACE.replace("name=assets", "name=mended");
    send(&program, &place_of, &mended, "mended").await.is(200);
    let later = reader
        .get(&linked(&second, "next").expect("a third page"))
        .await
        .is(200);
    later.says("200–250 / 250").says(&place(202));
    house.nobody().get("/evidence?seq=x&number=1").await.is(303);
    reader.get("/evidence?seq=x&number=1").await.is(400);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_comes_again_is_known_by_its_name_and_content() {
    let house = House::new().await;
    owner(&house).await;
    let program = house.program("owner", &[Right::Submit]).await;
    let text = format!("{HEADER}\n{ROW}\n");
    let first = send(&program, PLACE, &text, "one").await.is(200).data();
    assert!(first["seq"].is_number(), "{first}");
    let again = send(&program, PLACE, &text, "two").await.is(200).data();
    assert_eq!(again["seq"], Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cursor_of_another_list_is_refused_by_the_log() {
    let house = House::without_evidence().await;
    let auditor = house.visitor("auditor", &[(Role::Auditor, "HD")]).await;
    auditor.get("/api/v1/log?cursor=6162").await.is(422);
    auditor.get("/api/v1/log?limit=1").await.is(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn measurements_come_in_parts_and_of_ones_own_org_units_alone() {
    let house = House::new().await;
    owner(&house).await;
    let program = house.program("owner", &[Right::See]).await;
    let path = "/api/v1/measurements?period=2026-05&kpi=1&indicator=inventory_ratio";
    let all = program
        .get(path)
        .await
        .is(200)
        .says_nothing_of("US1")
        .data();
    let units: Vec<&str> = all["items"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|one| one["org_unit"].as_str())
        .collect();
    assert_eq!(units, ["JP1", "JP1-IT"]);
    let whole = &all["items"][0];
    assert_eq!(
        (&whole["numerator"], &whole["denominator"]),
        (&json!(2), &json!(3))
    );
    let first = program.get(&format!("{path}&limit=1")).await.is(200).data();
    let next = first["next"].as_str().expect("there is more").to_owned();
    let second = program
        .get(&format!("{path}&limit=1&cursor={next}"))
        .await
        .is(200)
        .data();
    assert_eq!(first["items"][0], all["items"][0]);
    assert_eq!(second["items"][0], all["items"][1]);
    assert_eq!(second["next"], Value::Null);
    for unit in ["US1", "HD", "NOWHERE"] {
        program.get(&format!("{path}&unit={unit}")).await.is(404);
    }
    let rows = "/api/v1/kpis/1/rows?period=2026-05";
    let rows = program
        .get(rows)
        .await
        .is(200)
        .says_nothing_of("US1")
        .data();
    assert_eq!(rows["records"].as_array().map(Vec::len), Some(2));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_not_changed_is_not_sent_again() {
    let house = House::new().await;
    owner(&house).await;
    let program = house.program("owner", &[Right::See]).await;
    let path = "/api/v1/scorecard?period=2026-05";
    let answer = program.get(path).await.is(200);
    let tag = answer.header("etag").to_owned();
    assert!(tag.starts_with("W/\""), "{answer:?}");
    let request = program
        .request(&Method::GET, path)
        .header("if-none-match", &tag);
    let again = program.send(request).await.is(304);
    assert_eq!(
        (again.text.as_str(), again.header("etag")),
        ("", tag.as_str())
    );
    let request = program
        .request(&Method::GET, path)
        .header("if-none-match", "W/\"other\"");
    program.send(request).await.is(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_sent_twice_under_one_key_is_taken_in_once() {
    let house = House::new().await;
    owner(&house).await;
    let program = house.program("owner", &[Right::See, Right::Submit]).await;
    let text = format!("{HEADER}\n{ROW}\n");
    let first = send(&program, PLACE, &text, "monday").await.is(200);
    assert_eq!(first.data()["accepted"], 1);
    assert_eq!(first.data()["changed"], 1);
    let again = send(&program, PLACE, &text, "monday").await.is(200);
    assert_eq!(again.text, first.text);
    assert_eq!(again.header("idempotent-replayed"), "true");
    let other = text.replace("A7", "A8");
    send(&program, PLACE, &other, "monday").await.is(422);
    // What failed may be sent again.
    let foreign = PLACE.replace("JP1", "US1");
    send(&program, &foreign, &text, "tuesday").await.is(404);
    send(&program, PLACE, &other, "tuesday").await.is(200);
    let path = "/api/v1/measurements?period=2026-05&kpi=1&indicator=inventory_ratio&limit=1";
    let measured = program.get(path).await.is(200).data();
    assert_eq!(measured["items"][0]["denominator"], 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_tried_then_taken_in() {
    let house = House::new().await;
    owner(&house).await;
    let program = house.program("owner", &[Right::Submit]).await;
    let path = PLACE.replace("submissions", "previews");
    let rows = format!("{HEADER}\n{ROW}\nA8,JP1,hardware,no day,true,,,31 April 2026,,,\n");
    let preview = send(&program, &path, &rows, "").await.is(200).data();
    assert_eq!(
        (&preview["accepted"], &preview["rejected"]),
        (&json!(1), &json!(1))
    );
    let token = preview["token"].as_str().expect("it has a token");
    let confirm = format!("/api/v1/previews/{token}/confirm");
    program.tell(&confirm, &Value::Null).await.is(200);
    program.tell(&confirm, &Value::Null).await.is(404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_problem_is_told_in_the_language_that_is_asked_for() {
    let house = House::new().await;
    owner(&house).await;
    let program = house.program("owner", &[Right::See]).await;
    for (language, word) in [("ja", "見つかりません"), ("en", "no such thing")] {
        let request = program.request(&Method::GET, "/api/v1/kpis/9999");
        let answer = program
            .send(request.header("accept-language", language))
            .await
            .is(404);
        assert_eq!(answer.header("content-type"), "application/problem+json");
        let problem = answer.data();
        assert_eq!(problem["status"], 404);
        assert_eq!(problem["detail"], word);
        assert_eq!(problem["type"], "/api/v1/docs#absent");
    }
    for wrong in [
        "/api/v1/measurements?untt=JP1",
        "/api/v1/measurements?unit=",
        "/api/v1/measurements?limit=0",
        "/api/v1/measurements?cursor=nonsense",
        "/api/v1/measurements?status=wonderful",
        "/api/v1/kpis/1/rows?page=0",
    ] {
        let problem = program.get(wrong).await.is(400).data();
        assert_eq!(problem["type"], "/api/v1/docs#refused", "{wrong}");
    }
    program
        .get("/api/v1/nothing")
        .await
        .is(404)
        .says("\"type\"");
    let request = program.request(&Method::DELETE, "/api/v1/me");
    let answer = program.send(request).await.is(405);
    assert!(answer.header("allow").contains("GET"), "{answer:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_serves_programs_too_but_not_from_other_pages() {
    let house = House::new().await;
    let owner = house.visitor("owner", &[(Role::DataOwner, "JP1")]).await;
    owner.get("/api/v1/me").await.is(200).says("owner");
    let nil = json!({ "dataset": "assets", "unit": "JP1" }).to_string();
    let request = house.nobody().request(&Method::POST, "/api/v1/nil-returns");
    let cookie = format!("keiki-session={}", owner.cookie.clone().unwrap_or_default());
    let request = request
        .header("cookie", cookie)
        .header("content-type", "application/json");
    let request = request.header("sec-fetch-site", "cross-site");
    owner.send(request.body(nil)).await.is(403);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_documentation_is_a_page_and_a_document_in_both_languages() {
    let house = House::new().await;
    let nobody = house.nobody();
    for (language, word) in [("ja", "ファイルの取込"), ("en", "Take in a file")] {
        for path in ["/api/v1/docs", "/api/v1/openapi.json"] {
            let request = nobody.request(&Method::GET, path);
            let answer = nobody
                .send(request.header("accept-language", language))
                .await;
            answer
                .is(200)
                .says(word)
                .says("/api/v1/measurements")
                .says_nothing_of("<script");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_close_takes_four_eyes_by_programs_as_by_pages() {
    let house = House::new().await;
    house
        .account("office", &[(Role::ProgrammeOffice, "HD")])
        .await;
    house
        .account(
            "approver",
            &[(Role::Approver, "HD"), (Role::ProgrammeOffice, "HD")],
        )
        .await;
    let office = house
        .program("office", &[Right::See, Right::SeeEvidence, Right::Close])
        .await;
    let approver = house
        .program("approver", &[Right::SeeEvidence, Right::Approve])
        .await;
    office
        .tell("/api/v1/closes/2026-05/close", &json!({ "kind": "final" }))
        .await
        .is(409);
    let why = json!({ "reason": "the rest comes in June" });
    office
        .tell("/api/v1/closes/2026-05/request", &why)
        .await
        .is(200);
    let listed = approver.get("/api/v1/requests").await.is(200).data();
    let id = listed["items"][0]["id"].as_str().expect("it has an id");
    let decide = format!("/api/v1/requests/{id}/decide");
    let agree = json!({ "verdict": "agree" });
    office.tell(&decide, &agree).await.is(403);
    approver.tell(&decide, &agree).await.is(200);
    let statements = office.get("/api/v1/statements").await.is(200).data();
    assert_eq!(statements["items"][0]["period"], "2026-05");
    assert_eq!(statements["items"][0]["revision"], 1);
    let close = office.get("/api/v1/closes/2026-05").await.is(200).data();
    assert_eq!(close["is_closed"], true);
    let reopen = json!({ "reason": "one more asset" });
    office
        .tell("/api/v1/closes/2026-05/reopen", &reopen)
        .await
        .is(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn prometheus_gets_the_figures_that_its_token_may_see() {
    let house = House::new().await;
    owner(&house).await;
    let program = house
        .program("owner", &[Right::See, Right::SeeEvidence])
        .await;
    let answer = program.get("/metrics").await.is(200);
    assert!(
        answer
            .header("content-type")
            .starts_with("text/plain; version=0.0.4")
    );
    let answer = answer
        .says("keiki_kpi_value{no=\"1\",indicator=\"inventory_ratio\",org_unit=\"JP1\",period=\"2026-05\",unit=\"ratio\"} 0.666666666667\n")
        .says("keiki_kpi_status{no=\"1\",indicator=\"inventory_ratio\",org_unit=\"JP1\",period=\"2026-05\",status=\"")
        .says("keiki_evidence_owed_count{timeliness=\"never\"}")
        .says_nothing_of("US1")
        .says_nothing_of("org_unit=\"HD\"");
    for line in answer.text.lines() {
        let is_sample = line.split_once("} ").or_else(|| line.split_once(' '));
        let value = is_sample.map_or("", |(_, value)| value);
        assert!(
            line.starts_with('#') || value.parse::<f64>().is_ok(),
            "{line}"
        );
    }
    house.nobody().get("/metrics").await.is(401);
}

/// Every metric that the dashboard asks for is one that the server gives.
#[tokio::test(flavor = "multi_thread")]
async fn the_dashboard_asks_for_what_there_is() {
    let dashboard = include_str!("../../../../docs/grafana/keiki.json");
    serde_json::from_str::<Value>(dashboard).expect("it is JSON");
    let house = House::new().await;
    house
        .account("office", &[(Role::ProgrammeOffice, "HD")])
        .await;
    let rights = [Right::See, Right::SeeEvidence];
    let program = house.program("office", &rights).await;
    let given = program.get("/metrics").await.is(200).text;
    let is_part = |one: char| one.is_ascii_lowercase() || one == '_';
    let asked: std::collections::BTreeSet<&str> = dashboard
        .match_indices("keiki_")
        .map(|(at, _)| &dashboard[at..])
        .map(|rest| &rest[..rest.find(|one| !is_part(one)).unwrap_or(rest.len())])
        .collect();
    assert!(asked.len() >= 8, "{asked:?}");
    for metric in asked {
        assert!(
            given.contains(&format!("# TYPE {metric} gauge")),
            "{metric}"
        );
    }
}

/// What pages show, programs read too: what was said, the org tree through time, editions; and what only a session does.
#[tokio::test(flavor = "multi_thread")]
async fn programs_read_what_was_said_the_org_tree_through_time_and_editions() {
    let house = House::new().await;
    house
        .account("office", &[(Role::ProgrammeOffice, "HD")])
        .await;
    owner(&house).await;
    let rights = [Right::See, Right::Explain];
    let office = house.program("office", &rights).await;
    let explanation = json!({
        "period": "2026-05", "unit": "US1", "indicator": "inventory_ratio", "cause": "secret of America",
        "action": "count them", "due_on": "2026-07-31",
    });
    let path = "/api/v1/kpis/1/explanations";
    office.tell(path, &explanation).await.is(200);
    let said = office.get("/api/v1/remarks?period=2026-05").await.is(200);
    let said = said.data();
    assert_eq!(said["explanations"][0]["cause"], "secret of America");
    assert_eq!(said["actions"][0]["due_on"], "2026-07-31");
    let theirs = house.program("owner", &[Right::See]).await;
    for path in [
        "/api/v1/remarks?period=2026-05",
        "/api/v1/org-units/history",
    ] {
        theirs
            .get(path)
            .await
            .is(200)
            .says_nothing_of("US1")
            .says_nothing_of("America");
    }
    let history = office.get("/api/v1/org-units/history").await.is(200).data();
    let row = history.as_array().expect("a list").iter();
    let of_unit = row.clone().find(|one| one["id"] == "JP1-IT");
    let of_unit = of_unit.expect("it is listed");
    assert_eq!(of_unit["parent_id"], "JP1");
    assert_eq!(of_unit["kind"], "department");
    for (file, begins) in [("board.html", "<!doctype html>"), ("figures.xlsx", "PK")] {
        let path = format!("/api/v1/statements/{file}?period=2026-05");
        let answer = theirs.get(&path).await.is(200);
        let begin = answer.text[..begins.len()].to_lowercase();
        assert_eq!(begin, begins.to_lowercase(), "{file}");
        assert!(answer.header("content-disposition").contains(file));
    }
    theirs.get("/api/v1/statements/other.pdf").await.is(404);
    // A second factor is taken away by administrators alone, a backup is made by somebody who is signed in.
    let admin = house.visitor("admin", &[(Role::Administrator, "HD")]).await;
    let path = "/api/v1/users/owner/second-factor/remove";
    theirs.tell(path, &Value::Null).await.is(403);
    // There is none to take away, which is no fault.
    admin.tell(path, &Value::Null).await.is(200);
    let program = house.program("admin", &[Right::Administer]).await;
    program
        .tell("/api/v1/system/backup", &Value::Null)
        .await
        .is(403);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_org_unit_is_none_and_never_the_uppermost() {
    let house = House::new().await;
    owner(&house).await;
    let program = house.program("owner", &[Right::Submit]).await;
    let total = json!({ "kpi": 1, "indicator": "inventory_ratio", "unit": "", "period": "2026-05", "numerator": "1" });
    program
        .tell("/api/v1/reported-totals", &total)
        .await
        .is(400);
    let nil = json!({ "dataset": "assets", "unit": " " });
    program.tell("/api/v1/nil-returns", &nil).await.is(400);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_total_comes_with_the_document_that_backs_it_and_once() {
    let house = House::new().await;
    // A total names who prepared it, so that its raw file is for who may read that.
    let roles = [(Role::DataOwner, "JP1"), (Role::PersonalReader, "JP1")];
    house.account("owner", &roles).await;
    let rights = [
        Right::See,
        Right::SeeEvidence,
        Right::SeePersonal,
        Right::Submit,
    ];
    let program = house.program("owner", &rights).await;
    let total = |content: &str| {
        json!({
            "kpi": 1, "indicator": "inventory_ratio", "unit": "JP1", "period": "2026-05", "numerator": "8", "denominator": "10",
            "document": { "name": "../minutes.pdf", "content": content },
        })
    };
    // As `printf '%%PDF-1.7 what backs it' | base64` says.
    let document = "JVBERi0xLjcgd2hhdCBiYWNrcyBpdA==";
    let send = async |content: &str| {
        let request = program.request(&Method::POST, "/api/v1/reported-totals");
        let request = request.header("idempotency-key", "of-may");
        let request = request.header("content-type", "application/json");
        program.send(request.body(total(content).to_string())).await
    };
    let taken = send(document).await.is(200).data();
    assert_eq!(taken["accepted"], 1, "{taken}");
    assert_eq!(send(document).await.is(200).data(), taken);
    // Under the same key no other document.
    send("JVBERi0xLjc=").await.is(422);
    for wrong in ["", "%PDF-1.7", "JVBERi0xLjc"] {
        let total = total(wrong);
        program
            .tell("/api/v1/reported-totals", &total)
            .await
            .is(400);
    }
    let batch = format!("/api/v1/batches/{}", taken["seq"]);
    program.get(&batch).await.is(200).says("minutes.pdf");
    let files = ["0", "1"].map(|position| format!("{batch}/files/{position}"));
    let mut found = Vec::new();
    for path in &files {
        found.push(program.get(path).await.is(200).text);
    }
    assert!(
        found.contains(&"%PDF-1.7 what backs it".to_owned()),
        "{found:?}"
    );
    // More than a document may have is refused before it is read as one.
    let large = "A".repeat(17 << 20);
    let request = program.request(&Method::POST, "/api/v1/reported-totals");
    let request = request.header("content-type", "application/json");
    let answer = program.send(request.body(total(&large).to_string())).await;
    answer.is(413);
}
