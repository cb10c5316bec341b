//! Deviations are explained, actions are followed until done, and statements carry both.

use crate::workspace::{ASSETS_HEADER, Workspace};

const SOURCE: &str = "name = \"assets\"\nkind = \"csv\"\ndataset = \"assets\"\nplace = \"evidence/assets.csv\"\n\
                      covers = [\"HD\"]\n";

/// One of two assets is inventoried, and the cycle is over: the target is missed.
const ROWS: &str = "A1,JP1,hardware,one,true,E1,2026-01-01,2026-02-01,2026-02-01,declaration,\n\
                    A3,JP1,hardware,three,true,E1,2026-01-01,,,,\n";

fn measured() -> Workspace {
    let workspace = Workspace::new();
    workspace.write("sources/assets.toml", SOURCE);
    workspace.write("programme.toml", "[adopted]\nkpis = [1]\n");
    workspace.write("evidence/assets.csv", format!("{ASSETS_HEADER}{ROWS}"));
    workspace.run(&["ingest", "--as-of", "2026-03-31"]).exits(0);
    workspace
}

/// Closes a period although its evidence is too old.
fn close(workspace: &Workspace, period: &str) {
    let close = [
        "close",
        period,
        "--reason",
        "backlog",
        "--agreed-by",
        "ciso",
    ];
    workspace.run(&close).exits(0);
}

/// What the statement of a period carries.
fn remarks(workspace: &Workspace, period: &str) -> serde_json::Value {
    let arguments = ["statement", period, "--format", "json"];
    workspace.run(&arguments).exits(0).json()["remarks"].clone()
}

#[test]
fn an_explanation_and_its_action_are_carried_into_the_statement_and_stay_as_they_were() {
    let workspace = measured();
    workspace
        .run(&["notes", "list", "2026-03"])
        .exits(0)
        .says("not explained yet");
    workspace
        .run(&[
            "notes",
            "explain",
            "1",
            "--org",
            "HD",
            "--period",
            "2026-03",
            "--cause",
            "the stocktake of the plant was late",
            "--action",
            "count the plant",
            "--owner",
            "ito",
            "--due",
            "2026-05-15",
        ])
        .exits(0)
        .says("action 1");
    workspace
        .run(&[
            "notes",
            "instruct",
            "report leased devices too",
            "--period",
            "2026-03",
            "--owner",
            "kato",
        ])
        .exits(0)
        .says("action 2");
    workspace.run(&["close", "2026-03"]).exits(0);
    let carried = remarks(&workspace, "2026-03");
    assert_eq!(
        carried["explanations"][0]["cause"]["en"],
        "the stocktake of the plant was late"
    );
    assert_eq!(carried["actions"][0]["due_on"], "2026-05-15");
    assert_eq!(carried["actions"][0]["state"], "open");
    workspace
        .run(&["notes", "done", "1", "--note", "counted on 2 May"])
        .exits(0);
    workspace
        .run(&["notes", "done", "1"])
        .exits(1)
        .complains("action 1 is done already");
    assert_eq!(
        remarks(&workspace, "2026-03"),
        carried,
        "a statement never changes"
    );
    // The next statement shows what became of both; the one after shows only what is still open.
    close(&workspace, "2026-04");
    let next = remarks(&workspace, "2026-04");
    assert_eq!(next["actions"][0]["state"], "done");
    assert_eq!(next["actions"][1]["number"], 2);
    close(&workspace, "2026-05");
    let last = remarks(&workspace, "2026-05");
    let numbers: Vec<u64> = last["actions"].as_array().map_or_else(Vec::new, |all| {
        all.iter()
            .filter_map(|one| one["number"].as_u64())
            .collect()
    });
    assert_eq!(numbers, [2]);
    workspace
        .run(&["verify"])
        .exits(0)
        .says("the books balance");
}

#[test]
fn a_list_is_filled_in_and_imported_and_taking_it_twice_adds_nothing() {
    let workspace = measured();
    let listed = workspace
        .run(&["notes", "list", "2026-03", "--format", "csv"])
        .exits(0);
    let waiting = "explanation,,1,inventory_ratio,HD,2026-03,,,,,,,,";
    assert!(listed.out.contains(waiting), "{listed:#?}");
    let filled = listed.out.replace(
        waiting,
        "explanation,,1,inventory_ratio,HD,2026-03,工場の棚卸が遅れた,the plant was late,,,,,,\n\
         action,,1,,HD,2026-03,工場を棚卸する,count the plant,ito,2026-06-30,,,,\n\
         instruction,,,,,2026-03,,report leased devices,kato,,,,,",
    );
    workspace.write("notes.csv", &filled);
    workspace
        .run(&["notes", "import", "notes.csv"])
        .exits(0)
        .says("noted 3 things");
    let listed = workspace
        .run(&["notes", "list", "--all", "--format", "csv"])
        .exits(0);
    workspace.write(
        "notes.csv",
        listed
            .out
            .replace(",ito,2026-06-30,open,", ",sato,2026-07-31,open,"),
    );
    workspace
        .run(&["notes", "import", "notes.csv"])
        .exits(0)
        .says("noted 1 things");
    workspace
        .run(&["notes", "import", "notes.csv"])
        .exits(0)
        .says("noted 0 things");
    workspace
        .run(&["notes", "list"])
        .exits(0)
        .says("sato")
        .says("2026-07-31")
        .says("Board 2026-03");
    workspace.write(
        "notes.csv",
        "kind,number,kpi,org_unit,period,text_en,owner\naction,,1,HDX,2026-03,count,ito\n\
         wish,,1,HD,2026-03,count,ito\naction,,1,HD,2026-03,count,\n",
    );
    workspace
        .run(&["notes", "import", "notes.csv"])
        .exits(1)
        .complains("notes.csv:2: unknown org unit HDX")
        .complains("notes.csv:3: kind cannot be wish")
        .complains("notes.csv:4: no value in owner");
}
