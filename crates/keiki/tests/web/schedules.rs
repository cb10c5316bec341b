//! What the server does by itself: it reads sources when their schedules say so.

use std::time::Duration;

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
