//! What the pages show.

use keiki_model::access::Role;

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
