//! What an administrator watches over, and what an auditor verifies and takes along.

use keiki_model::access::{Right, Role};
use reqwest::StatusCode;

use crate::house::House;

const SCHEDULED: &str = "name = \"logs\"\nkind = \"csv\"\ndataset = \"assets\"\nplace = \"evidence/none.csv\"\n\
                         covers = [\"HD\"]\nschedule = \"daily at 06:00\"\n";

#[tokio::test(flavor = "multi_thread")]
async fn an_administrator_sees_sources_schedules_channels_and_backups_and_no_figure() {
    let more = "\n[backup]\nfolder = \"../backups\"\n\n[[webhooks]]\nname = \"chat\"\nform = \"slack\"\n\
                url = \"https://hooks.example/services/as-secret-as-a-password\"\n";
    let house = House::with(more).await;
    let place = house.workspace.root.join("sources/logs.toml");
    std::fs::write(place, SCHEDULED).expect("it can be written");
    let house = house.restarted().await;
    let root = house.workspace.root.clone();
    let admin = house.visitor("admin", &[(Role::Administrator, "HD")]).await;
    admin
        .get("/system")
        .await
        .is(200)
        .says("daily at 06:00")
        .says("assets")
        .says("hooks.example")
        .says_nothing_of("as-secret-as-a-password")
        .says("There is no backup yet.")
        .says_nothing_of("no backup of the last seven days");
    let program = house.program("admin", &[Right::Administer]).await;
    let told = program.get("/api/v1/system").await.is(200).data();
    if told["database"] == "postgresql" {
        // A server is dumped by its own tools.
        let answer = admin.post("/system/backup", &[]).await;
        answer.is(422).says("pg_dump");
        return;
    }
    admin
        .post("/system/backup", &[])
        .await
        .is(200)
        .says("A backup was made, as of commit 1.");
    admin
        .get("/system")
        .await
        .is(200)
        .says_nothing_of("no backup of the last seven days");
    let made = std::fs::read_dir(root.join("../backups")).expect("there are backups");
    let made: Vec<_> = made.map(|one| one.expect("it is there").path()).collect();
    assert_eq!(made.len(), 1, "{made:?}");
    assert!(made[0].join("backup.json").is_file());
    // A program of theirs reads it, and makes no backup.
    let told = program.get("/api/v1/system").await.is(200).data();
    assert_eq!(told["backup"]["journal_version"], 1, "{told}");
    assert!(told["sources"].as_array().is_some_and(|all| all.len() == 2));
    let nothing = serde_json::json!({});
    let refused = program.tell("/system/backup", &nothing).await;
    assert!(!refused.status.is_success(), "{refused:?}");
    let auditor = house.visitor("auditor", &[(Role::Auditor, "HD")]).await;
    auditor.get("/system").await.is(403);
    auditor.get("/log").await.is(200).says("made a backup");
    std::fs::remove_dir_all(root.join("../backups")).expect("it goes away");
}

#[tokio::test(flavor = "multi_thread")]
async fn whether_the_server_is_well_is_told_to_whoever_asks_and_nothing_else() {
    let house = House::new().await;
    let answer = house.nobody().get("/healthz").await.is(200);
    assert_eq!(answer.text, "ok\n");
    assert!(answer.cookie("keiki-session").is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_auditor_verifies_the_books_and_finds_what_somebody_altered() {
    let house = House::new().await;
    let auditor = house.visitor("auditor", &[(Role::Auditor, "HD")]).await;
    auditor
        .get("/verification")
        .await
        .is(200)
        .says("Verify now");
    auditor
        .post("/verification", &[])
        .await
        .is(200)
        .says("The books are what they were.");
    let program = house.program("auditor", &[Right::Audit]).await;
    let nothing = serde_json::json!({});
    let told = program.tell("/api/v1/verification", &nothing).await;
    assert_eq!(told.is(200).data()["is_sound"], true);
    let raw = house.workspace.root.join(".keiki/journal/entries/assets");
    let altered = std::fs::read_dir(raw).expect("there are entries");
    let mut files = altered.map(|one| one.expect("it is there").path());
    let file = files.find(|path| path.extension().is_some_and(|end| end == "parquet"));
    let file = file.expect("there are entries");
    let bytes = std::fs::read(&file).expect("it can be read");
    std::fs::write(&file, &bytes[..bytes.len() / 2]).expect("it can be written");
    let told = program.tell("/api/v1/verification", &nothing).await;
    let told = told.is(200).data();
    assert_eq!(told["is_sound"], false, "{told}");
    let log = house.registry.log().before(None, 1).await;
    let log = log.expect("the log can be read");
    let event = &log[0].event;
    assert_eq!(
        (event.action.as_str(), event.object.as_str()),
        ("verify", "unsound")
    );
    // Who is in charge of a part verifies nothing of the whole.
    let partly = house.visitor("partly", &[(Role::Auditor, "JP1")]).await;
    partly.post("/verification", &[]).await.is(403);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_figure_is_taken_along_with_all_that_belongs_to_it() {
    let house = House::new().await;
    let auditor = house.visitor("auditor", &[(Role::Auditor, "HD")]).await;
    let rows = auditor.get("/kpis/1/rows?period=2026-05").await.is(200);
    rows.says("/kpis/1/audit-pack?period=2026-05");
    let program = house
        .program("auditor", &[Right::See, Right::SeeEvidence])
        .await;
    for (visitor, path) in [
        (&auditor, "/kpis/1/audit-pack?period=2026-05&unit=JP1"),
        (
            &program,
            "/api/v1/kpis/1/audit-pack?period=2026-05&unit=JP1",
        ),
    ] {
        let request = visitor.request(&reqwest::Method::GET, path);
        let response = request.send().await.expect("the server answers");
        assert_eq!(response.status(), StatusCode::OK);
        let kind = response.headers()["content-type"].clone();
        assert_eq!(kind, "application/zip");
        let bytes = response.bytes().await.expect("it comes");
        assert!(bytes.starts_with(b"PK"));
        let names = String::from_utf8_lossy(&bytes).into_owned();
        for name in ["cover.md", "sample.csv", "records.csv", "raw_rows.csv"] {
            assert!(names.contains(name), "{name}");
        }
    }
    auditor.get("/kpis/99/audit-pack").await.is(404);
    let executive = house.visitor("executive", &[(Role::Executive, "HD")]).await;
    executive.get("/kpis/1/audit-pack").await.is(403);
    let partly = house.visitor("partly", &[(Role::Auditor, "JP1")]).await;
    partly.get("/kpis/1/audit-pack").await.is(403);
    partly
        .get("/kpis/1/rows?period=2026-05")
        .await
        .is(200)
        .says_nothing_of("audit-pack");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_administrator_sees_and_takes_away_the_tokens_of_all() {
    let house = House::without_evidence().await;
    house.account("one", &[(Role::Executive, "HD")]).await;
    let program = house.program("one", &[Right::See]).await;
    program.get("/api/v1/me").await.is(200);
    let admin = house.visitor("admin", &[(Role::Administrator, "HD")]).await;
    let page = admin.get("/users").await.is(200).says("Tokens of programs");
    let at = page.text.find("/tokens/").expect("it can be taken away");
    let path = &page.text[at..];
    let path = path[..path.find('"').expect("it ends")].to_owned();
    let other = house.visitor("other", &[(Role::Executive, "HD")]).await;
    other.post(&path, &[]).await.is(403);
    program.get("/api/v1/me").await.is(200);
    admin.post(&path, &[]).await.is(303);
    program.get("/api/v1/me").await.is(401);
    admin
        .get("/users")
        .await
        .is(200)
        .says_nothing_of("Tokens of programs");
}
