//! What the pages show.

use keiki_model::access::Role;
use reqwest::Method;

use crate::house::House;

#[tokio::test(flavor = "multi_thread")]
async fn a_figure_leads_from_the_scorecard_to_its_records() {
    let house = House::new().await;
    let auditor = house.visitor("auditor", &[(Role::Auditor, "HD")]).await;
    let front = auditor.get("/").await.is(303);
    assert_eq!(front.header("location"), "/scorecard");
    let scorecard = auditor.get("/scorecard").await.is(200);
    // The latest month with evidence is shown where none is asked for.
    let scorecard = scorecard.says("May 2026").says("50.0 %").says("2 / 4");
    let rows = "/kpis/1/rows?period=2026-05&#38;unit=HD&#38;indicator=inventory_ratio";
    scorecard
        .says(rows)
        .says("/kpis/1?period=2026-05&#38;unit=HD");
    auditor
        .get("/kpis/1?period=2026-05")
        .await
        .is(200)
        .says("<svg")
        .says("Table of this chart")
        .says("American Branch");
    auditor
        .get(&rows.replace("&#38;", "&"))
        .await
        .is(200)
        .says("A1")
        .says("= 50.0 %");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_workspace_says_what_to_do_next() {
    let house = House::without_evidence().await;
    let office = house
        .visitor("office", &[(Role::ProgrammeOffice, "HD")])
        .await;
    office
        .get("/scorecard")
        .await
        .is(200)
        .says("appear here once evidence is taken in");
    let none = house.visitor("none", &[]).await;
    none.get("/").await.is(200).says("Ask an administrator");
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_speak_the_language_of_their_reader() {
    let house = House::new().await;
    let one = house.visitor("one", &[(Role::Executive, "HD")]).await;
    one.get("/scorecard")
        .await
        .is(200)
        .says("<html lang=\"en\">");
    one.post("/language", &[("language", "ja"), ("next", "/scorecard")])
        .await
        .is(303);
    one.get("/scorecard")
        .await
        .is(200)
        .says("<html lang=\"ja\">")
        .says("2026年5月度 KPI報告書")
        .says("架空親会社");
    let nobody = house.nobody();
    let asked = nobody.request(&reqwest::Method::GET, "/sign-in");
    let page = nobody
        .send(asked.header("accept-language", "fr, ja;q=0.5"))
        .await;
    page.is(200).says("サインイン");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_names_people_is_for_who_may_read_it_and_the_look_is_on_record() {
    let house = House::new().await;
    let auditor = house.visitor("auditor", &[(Role::Auditor, "HD")]).await;
    let rows = "/kpis/1/rows?period=2026-05";
    auditor.get(rows).await.is(200).says("•••");
    auditor.get("/batches/1").await.is(200).says("assets.csv");
    auditor.get("/batches/1/files/0").await.is(403);
    let both = [(Role::Auditor, "HD"), (Role::PersonalReader, "HD")];
    let reader = house.visitor("reader", &both).await;
    reader.get(rows).await.is(200).says_nothing_of("•••");
    let file = reader.get("/batches/1/files/0").await.is(200);
    assert!(
        file.header("content-disposition")
            .starts_with("attachment; ")
    );
    assert_eq!(file.header("content-type"), "application/octet-stream");
    file.says("secret of America");
    auditor
        .get("/log")
        .await
        .is(200)
        .says("looked at rows that name people")
        .says("took a raw file that names people");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_figure_is_seen_as_it_was_known_at_any_instant_down_to_its_rows() {
    let house = House::new().await;
    let auditor = house.visitor("auditor", &[(Role::Auditor, "HD")]).await;
    let journal = house
        .workspace
        .journal(keiki::config::Opening::Existing)
        .await;
    let journal = journal.expect("there is a journal");
    let snapshot = journal.snapshot().await.expect("it can be read");
    let first = snapshot.batches()[0].known_at;
    let instant = |at: i64| keiki_model::calendar::instant_text(at).replace('+', "%2B");
    // What comes later is known later.
    let owner = house.visitor("owner", &[(Role::DataOwner, "HD")]).await;
    let nil = [
        ("into", "dataset:assets"),
        ("unit", "US1"),
        ("as_of", "2026-05-31"),
    ];
    owner.post("/submit/nil", &nil).await.is(200);
    let total = [
        ("indicator", "1:inventory_ratio"),
        ("unit", "JP1"),
        ("period", "2026-05"),
        ("numerator", "70"),
        ("denominator", "80"),
        ("attachment", "memo.pdf"),
    ];
    owner
        .post_parts("/submit/total", &total, None)
        .await
        .is(200);
    let now = auditor.get("/scorecard?period=2026-05&unit=JP1").await;
    now.is(200).says("70 / 80");
    let then = format!("period=2026-05&unit=JP1&revision={}", instant(first));
    let page = auditor.get(&format!("/scorecard?{then}")).await.is(200);
    // The links of the page stay at that instant.
    page.says("2 / 3")
        .says_nothing_of("70 / 80")
        .says("revision=20");
    auditor
        .get(&format!("/kpis/1?{then}"))
        .await
        .is(200)
        .says("66.7 %");
    auditor
        .get(&format!("/kpis/1/rows?{then}"))
        .await
        .is(200)
        .says("A1")
        .says("/batches/1");
    let program = house
        .program("auditor", &[keiki_model::access::Right::See])
        .await;
    let figures = program.get(&format!("/api/v1/measurements?{then}")).await;
    let figures = figures.is(200).data();
    let mut items = figures["items"].as_array().expect("a list").iter();
    let figure =
        items.find(|one| one["indicator"] == "inventory_ratio" && one["org_unit"] == "JP1");
    assert_eq!(figure.expect("it is measured")["numerator"], 2.0);
    // Before anything came in nothing was known; what is still to come is no instant of knowledge.
    let before = format!("/scorecard?period=2026-05&revision={}", instant(first - 1));
    auditor.get(&before).await.is(200).says_nothing_of("2 / 3");
    for wrong in ["2999-01-01", "yesterday", "-1"] {
        let path = format!("/scorecard?period=2026-05&revision={wrong}");
        auditor.get(&path).await.is(404);
    }
    // A sibling learns nothing by it either.
    let us = house.visitor("us", &[(Role::DataOwner, "US1")]).await;
    us.get(&format!("/scorecard?{then}")).await.is(404);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_scorecard_counts_how_kpis_stand_and_shows_each_in_every_company() {
    let house = House::new().await;
    let reader = house.visitor("reader", &[(Role::Executive, "HD")]).await;
    reader
        .get("/scorecard?period=2026-05")
        .await
        .is(200)
        .says("<ul class=\"strip\"")
        .says("<table class=\"heat\">")
        // A cell leads to the KPI of its company, and says in words how it stands.
        .says("/kpis/1?period=2026-05&#38;unit=US1")
        .says("/statement/board.pdf?period=2026-05")
        .says("/compare?period=2026-05");
    reader
        .get("/kpis/1?period=2026-05")
        .await
        .is(200)
        .says("/kpis/1/rows?period=2026-05&#38;unit=US1&#38;indicator=inventory_ratio");
}

#[tokio::test(flavor = "multi_thread")]
async fn periods_and_org_units_are_compared_within_what_a_reader_may_see() {
    let house = House::new().await;
    let reader = house.visitor("reader", &[(Role::Executive, "HD")]).await;
    let units = "/compare?period=2026-05&unit=JP1&with_period=2026-05&with_unit=HD";
    reader
        .get(units)
        .await
        .is(200)
        .says("66.7 %")
        .says("50.0 %")
        .says("+16.7 pt")
        .says("<a class=\"better\" href=\"/kpis/1/difference?");
    // Where nothing is said of the other side it is the period before.
    reader
        .get("/compare?period=2026-05")
        .await
        .is(200)
        .says("value=\"2026-04\" selected");
    let owner = house.visitor("owner", &[(Role::DataOwner, "JP1")]).await;
    owner.get(units).await.is(404);
    owner
        .get("/compare?period=2026-05")
        .await
        .is(200)
        .says_nothing_of("American Branch");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_is_taken_along_as_a_file_of_what_its_reader_may_see() {
    let house = House::new().await;
    let reader = house.visitor("reader", &[(Role::Executive, "HD")]).await;
    for (file, kind, begins) in [
        ("board.pdf", "application/pdf", "%PDF-"),
        ("full.pdf", "application/pdf", "%PDF-"),
        (
            "figures.xlsx",
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            "PK",
        ),
    ] {
        let path = format!("/statement/{file}?period=2026-05");
        let answer = reader.get(&path).await.is(200);
        assert_eq!(answer.header("content-type"), kind);
        let name = format!("attachment; filename*=UTF-8''statement-2026-05-{file}");
        assert_eq!(answer.header("content-disposition"), name);
        assert!(answer.text.starts_with(begins), "{file}");
    }
    let page = "/statement/board.html?period=2026-05";
    let group = reader.get(page).await.is(200);
    group.says("American Branch").says("50.0 %");
    let owner = house.visitor("owner", &[(Role::DataOwner, "JP1")]).await;
    let own = owner.get(page).await.is(200);
    own.says("Manufacturing")
        .says_nothing_of("American Branch")
        .says_nothing_of("50.0 %");
    owner.get(&format!("{page}&unit=HD")).await.is(404);
    let nobody = house.nobody();
    let asked = nobody.request(&Method::GET, page);
    nobody.send(asked).await.is(303);
    reader.get("/statement/board.docx").await.is(404);
}
