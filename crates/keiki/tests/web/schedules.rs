//! What the server does by itself: it reads sources when their schedules say so.

use std::time::Duration;

use keiki::config::Workspace;
use keiki::environment;
use keiki::operations::ingest::due;
use keiki_model::access::Role;
use serde_json::Value;

use crate::house::House;

/// What never comes is a fault; how long it takes is nobody's concern.
const PATIENCE: Duration = Duration::from_mins(5);

fn source(name: &str, file: &str, schedule: &str) -> String {
    format!(
        "name = \"{name}\"\nkind = \"csv\"\ndataset = \"assets\"\nplace = \"evidence/{file}\"\n{schedule}\n"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn the_server_reads_what_is_due_and_one_that_fails_stops_no_other() {
    let house = House::without_evidence().await;
    let daily = "schedule = \"daily at 06:00\"";
    for (name, text) in [
        ("gone", source("gone", "gone.csv", daily)),
        ("timed", source("timed", "assets.csv", daily)),
        ("untimed", source("untimed", "assets.csv", "")),
    ] {
        let place = house.workspace.root.join(format!("sources/{name}.toml"));
        std::fs::write(place, text).expect("the file can be written");
    }
    let house = house.restarted().await;
    let auditor = house.visitor("auditor", &[(Role::Auditor, "HD")]).await;
    let of = |listed: &Value, name: &str| {
        let mut all = listed.as_array().expect("a list").iter();
        let found = all.find(|one| one["name"] == name).cloned();
        found.expect("it is listed")
    };
    let read = async {
        loop {
            let listed = auditor.get("/api/v1/sources").await.is(200).data();
            // Readings are listed as of the moment when the books were looked at last.
            let batches = auditor.get("/api/v1/batches").await.is(200).data();
            let author = batches["items"][0]["author"].clone();
            let is_read = of(&listed, "timed")["seq"].is_i64() && author.is_string();
            if of(&listed, "gone")["trouble"].is_string() && is_read {
                return (listed, author);
            }
        }
    };
    let listed = tokio::time::timeout(PATIENCE, read).await;
    let (listed, author) = listed.expect("what is due is read");
    assert_eq!(author, "keiki serve");
    assert_eq!(of(&listed, "timed")["accepted"], 4);
    assert!(of(&listed, "untimed")["seq"].is_null());
    let trouble = of(&listed, "gone")["trouble"].to_string();
    assert!(trouble.contains("no file matches"), "{trouble}");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_programs_that_find_a_source_due_one_reads_it_and_a_server_may_leave_it_to_them() {
    let daily = "schedule = \"daily at 06:00\"";
    let house = House::leaving_schedules().await;
    let root = &house.workspace.root;
    for name in ["one", "two", "three"] {
        let place = root.join(format!("sources/{name}.toml"));
        let text = source(name, "assets.csv", daily);
        std::fs::write(place, text).expect("the file can be written");
    }
    // What the server runs upon its start has run, should it read after all.
    let auditor = house.visitor("auditor", &[(Role::Auditor, "HD")]).await;
    auditor.get("/api/v1/sources").await.is(200);
    // Each with connections of its own, as on another machine.
    let read = async |author: &str| {
        let workspace = Workspace::load(root).expect("the workspace is sound");
        let now = environment::now();
        let read = due::read(&workspace, &environment::Here, author, now).await;
        let read = read.expect("the books can be opened");
        assert!(read.iter().all(|one| one.result.is_ok()), "{read:?}");
        read.into_iter().map(|one| one.source).collect::<Vec<_>>()
    };
    let (mut all, other) = tokio::join!(read("here"), read("there"));
    all.extend(other);
    all.sort();
    assert_eq!(all, ["one", "three", "two"]);
    // What is read is not due again, and nobody keeps a claim.
    assert_eq!(read("here").await, Vec::<String>::new());
    let readings = house.workspace.readings().await.expect("the book opens");
    for name in ["one", "two", "three"] {
        let claimed = readings.claim(name, "somebody", environment::now()).await;
        assert!(claimed.expect("the book can be written"), "{name}");
    }
}
