//! How often evidence is asked for: as the catalogue has it, or as the programme says; what is due follows it.

use crate::workspace::{ASSETS_HEADER, Workspace};

const ROW: &str = "A1,JP1,hardware,one,true,E1,2019-04-01,2020-03-01,2020-03-01,declaration,\n";

/// Evidence of March 2020 for everybody, and a programme that asks for it as often as it says.
fn asked(frequency: &str) -> Workspace {
    let workspace = Workspace::new();
    let stated = match frequency {
        "" => String::new(),
        stated => format!(
            "\n[[cadences]]\nkpi = 1\norg_unit = \"HD\"\nfrom = \"2019-04-01\"\nfrequency = \"{stated}\"\napproved_by = \"CISO\"\n"
        ),
    };
    workspace.write("programme.toml", format!("[adopted]\nkpis = [1]\n{stated}"));
    workspace.write("evidence/assets.csv", format!("{ASSETS_HEADER}{ROW}"));
    let read = [
        "ingest",
        "--dataset",
        "assets",
        "evidence/assets.csv",
        "--as-of",
        "2020-03-31",
        "--covers",
        "HD",
    ];
    workspace.run(&read).exits(0);
    workspace
}

fn status(workspace: &Workspace, period: &str) -> serde_json::Value {
    let asked = [
        "measure", "--kpi", "1", "--org", "HD", "--period", period, "--format", "json",
    ];
    workspace.run(&asked).exits(0).json()[0]["status"].clone()
}

#[test]
fn between_the_ends_of_its_quarters_a_kpi_is_not_due_and_hinders_no_close() {
    let workspace = asked("quarterly");
    // What there was in March speaks until May, and the next quarter ends with June.
    assert_eq!(status(&workspace, "2020-05"), "not_due");
    assert_eq!(status(&workspace, "2020-06"), "no_data");
    workspace.run(&["close", "2020-05"]).exits(0);
    workspace
        .run(&["close", "2020-06"])
        .exits(1)
        .complains("Fictional Manufacturing");
    let monthly = asked("");
    assert_eq!(status(&monthly, "2020-05"), "no_data");
    monthly.run(&["close", "2020-05"]).exits(1);
}

#[test]
fn what_is_owed_says_for_which_period_it_is_asked() {
    for (frequency, word, form) in [
        ("", "monthly", "9999-99"),
        ("quarterly", "quarterly", "FY9999-Q9"),
        ("half_yearly", "half_yearly", "FY9999-H9"),
        ("yearly", "yearly", "FY9999"),
    ] {
        let workspace = asked(frequency);
        let owed = workspace
            .run(&["sources", "--coverage", "--org", "JP1", "--format", "json"])
            .exits(0)
            .json();
        assert_eq!(owed[0]["frequency"], word);
        assert_eq!(owed[0]["state"], "overdue", "{owed}");
        let period = owed[0]["asked_for"].as_str().expect("it is asked for");
        assert_eq!(period.replace(|c: char| c.is_ascii_digit(), "9"), form);
    }
    asked("quarterly")
        .run(&["sources", "--coverage"])
        .exits(0)
        .says("quarterly");
}

#[test]
fn a_form_asks_for_what_is_due_in_its_period() {
    let workspace = asked("quarterly");
    let export =
        |period: &str| workspace.run(&["collect", "export", "--org", "JP1", "--period", period]);
    export("2020-05").exits(0).complains("nothing is owed");
    export("2020-06").exits(0).says("assets");
    export("FY2020-Q1").exits(0).says("assets");
}

#[test]
fn a_cadence_is_asked_for_like_a_target_and_a_wrong_one_is_told_with_its_place() {
    let workspace = asked("");
    let change = |frequency: &str, more: &[&str]| {
        let frequency = format!("frequency={frequency}");
        let fields = ["kpi=1", "org_unit=JP1", "from=2026-04-01", &frequency];
        workspace.run(&[&["programme", "change", "cadence"], &fields[..], more].concat())
    };
    change("half_yearly", &["--dry-run"])
        .exits(0)
        .says("+ [[cadences]]")
        .says("+ frequency = \"half_yearly\"");
    change("half_yearly", &["--reason", "the plant moves"])
        .exits(0)
        .says("an approver agrees");
    change("weekly", &["--reason", "x"])
        .exits(1)
        .complains("`frequency` cannot be `weekly`")
        .complains("monthly, quarterly, half_yearly, yearly");
    workspace.write(
        "programme.toml",
        "[[cadences]]\nkpi = 99\norg_unit = \"JP9\"\nfrom = \"2026-04-01\"\nfrequency = \"yearly\"\n",
    );
    workspace
        .run(&["check"])
        .exits(1)
        .complains("unknown org unit: JP9")
        .complains("unknown KPI: 99");
}
