//! The programme around the KPIs, and the ledger that keeps what was in force.

use crate::workspace::{ASSETS_HEADER, Ran, Workspace};

const SOURCE: &str = "name = \"assets\"\nkind = \"csv\"\ndataset = \"assets\"\nplace = \"evidence/assets.csv\"\n\
                      covers = [\"HD\"]\n";

/// Two of JP1's three assets are inventoried, and none of US1's one.
const ROWS: &str = "A1,JP1,hardware,one,true,E1,2026-04-01,2026-05-01,2026-05-01,declaration,\n\
                    A2,JP1-IT,hardware,two,true,E1,2026-04-01,2026-05-01,2026-05-01,declaration,\n\
                    A3,JP1,hardware,three,true,E1,2026-04-01,,,,\n\
                    A4,US1,hardware,four,true,,,,,,\n";

fn with(programme: &str) -> Workspace {
    let workspace = Workspace::new();
    workspace.write("sources/assets.toml", SOURCE);
    workspace.write("evidence/assets.csv", format!("{ASSETS_HEADER}{ROWS}"));
    if !programme.is_empty() {
        workspace.write("programme.toml", programme);
    }
    workspace.run(&["ingest", "--as-of", "2026-05-31"]).exits(0);
    workspace
}

/// Value, status and target of KPI 1 for an org unit in May.
fn inventory(workspace: &Workspace, org_unit: &str) -> serde_json::Value {
    let arguments = [
        "measure", "--kpi", "1", "--org", org_unit, "--period", "2026-05", "--format", "json",
    ];
    let found = workspace.run(&arguments).exits(0).json();
    let first = found
        .as_array()
        .and_then(|all| all.iter().find(|m| m["indicator"] == "inventory_ratio"));
    first.cloned().expect("KPI 1 is measured")
}

fn explained(workspace: &Workspace, org_unit: &str) -> Ran {
    workspace
        .run(&["explain", "1", "--org", org_unit, "--period", "2026-05"])
        .exits(0)
}

#[test]
fn a_target_is_inherited_until_something_nearer_is_said() {
    let workspace = with(
        "[[targets]]\nkpi = 1\norg_unit = \"HD\"\nfrom = \"2026-04-01\"\nat_least = \"0.5\"\ndue = \"period\"\n\n\
         [[targets]]\nkpi = 1\norg_unit = \"US1\"\nfrom = \"2026-05-01\"\nnone = true\n",
    );
    let group = inventory(&workspace, "HD");
    assert_eq!(
        (&group["value"], &group["status"]),
        (&0.5.into(), &"met".into())
    );
    let department = inventory(&workspace, "JP1-IT");
    assert_eq!(department["target"]["at_least"], 0.5);
    assert_eq!(inventory(&workspace, "US1")["status"], "no_target");
    explained(&workspace, "US1").says("No target is set.");
}

/// Two devices are inventoried, one in each of two companies; none is undeclared.
#[test]
fn a_number_to_be_reached_is_the_groups_own_unless_each_is_to_reach_it() {
    let statuses = |keys: &str| {
        let workspace = with(&format!(
            "[[targets]]\nkpi = 1\nindicator = \"undeclared_count\"\norg_unit = \"HD\"\nfrom = \"2026-04-01\"\n\
             due = \"period\"\n{keys}\n"
        ));
        ["HD", "JP1", "JP1-IT"].map(|org_unit| {
            let arguments = [
                "measure", "--kpi", "1", "--org", org_unit, "--period", "2026-05", "--format",
                "json",
            ];
            let figures = workspace.run(&arguments).exits(0).json();
            let figures = figures.as_array().expect("a list").clone();
            let one = figures
                .into_iter()
                .find(|one| one["indicator"] == "undeclared_count")
                .expect("the companion is measured");
            let status = one["status"].as_str().expect("a word").to_owned();
            (status, one["target"].is_null())
        })
    };
    let of = |one: &str, has_none| (one.to_owned(), has_none);
    assert_eq!(
        statuses("at_least = \"1\""),
        [
            of("missed", false),
            of("no_target", true),
            of("no_target", true)
        ]
    );
    assert_eq!(
        statuses("at_least = \"1\"\neach = true"),
        [
            of("missed", false),
            of("missed", false),
            of("missed", false)
        ]
    );
    // What the whole does not exceed, no part does.
    assert_eq!(
        statuses("at_most = \"0\""),
        [of("met", false), of("met", false), of("met", false)]
    );
}

#[test]
fn whom_a_kpi_does_not_concern_is_in_no_figure_and_owes_nothing() {
    let workspace = with(
        "[[applicability]]\nkpi = 1\norg_unit = \"US1\"\napplies = false\nfrom = \"2026-04-01\"\n\
         reason = { ja = \"持株会社が管理\", en = \"kept by the holding\" }\napproved_by = \"CISO\"\n",
    );
    let group = inventory(&workspace, "HD");
    assert_eq!(
        (&group["numerator"], &group["denominator"]),
        (&2.into(), &3.into())
    );
    assert_eq!(group["coverage"]["expected"], 2);
    assert_eq!(inventory(&workspace, "US1")["status"], "not_applicable");
}

#[test]
fn a_miss_is_waived_until_the_waiver_expires() {
    let waiver = |until: &str| {
        format!(
            "[[targets]]\nkpi = 1\norg_unit = \"HD\"\nfrom = \"2026-04-01\"\nat_least = \"0.9\"\ndue = \"period\"\n\n\
             [[waivers]]\nkpi = 1\norg_unit = \"JP1\"\nfrom = \"2026-04-01\"\nuntil = \"{until}\"\n\
             reason = {{ ja = \"移転中\", en = \"moving\" }}\napproved_by = \"CISO\"\n"
        )
    };
    let workspace = with(&waiver("2026-07-01"));
    assert_eq!(inventory(&workspace, "JP1")["status"], "waived");
    assert_eq!(inventory(&workspace, "HD")["status"], "missed");
    explained(&workspace, "JP1").says("CISO has approved the exception until 2026-06-30 (moving)");
    workspace.write("programme.toml", waiver("2026-05-31"));
    assert_eq!(inventory(&workspace, "JP1")["status"], "missed");
}

#[test]
fn a_parameter_may_differ_by_org_unit_and_from_a_day() {
    // With a cycle of one month, what was inventoried in May counts in May and no longer in June.
    let workspace = with(
        "[[parameters]]\nkpi = 1\nname = \"cycle_months\"\norg_unit = \"JP1-IT\"\nfrom = \"2026-04-01\"\nvalue = \"1\"\n",
    );
    let june = |org_unit: &str| {
        let arguments = [
            "measure", "--kpi", "1", "--org", org_unit, "--period", "2026-06", "--format", "json",
        ];
        workspace.run(&arguments).exits(0).json()[0]["numerator"].clone()
    };
    assert_eq!(inventory(&workspace, "JP1-IT")["numerator"], 1);
    assert_eq!(june("JP1-IT"), 0);
    assert_eq!(june("JP1"), 1);
}

#[test]
fn what_the_programme_names_must_exist() {
    let workspace = Workspace::new();
    workspace.write(
        "programme.toml",
        "[[targets]]\nkpi = 99\norg_unit = \"JP2\"\nfrom = \"2026-04-01\"\nat_least = \"0.5\"\n\n\
         [[parameters]]\nkpi = 1\nname = \"cycle\"\norg_unit = \"HD\"\nfrom = \"2026-04-01\"\nvalue = \"1\"\n",
    );
    workspace
        .run(&["check"])
        .exits(1)
        .complains("programme.toml:1:1")
        .complains("unknown org unit: JP2")
        .complains("unknown KPI: 99")
        .complains("has no parameter `cycle`");
}

#[test]
fn an_edited_definition_changes_no_figure_as_it_was_known() {
    let workspace = with(
        "[[targets]]\nkpi = 1\norg_unit = \"HD\"\nfrom = \"2026-04-01\"\nat_least = \"0.5\"\ndue = \"period\"\n",
    );
    assert_eq!(inventory(&workspace, "HD")["status"], "met");
    let log = workspace
        .run(&["programme", "log", "--format", "json"])
        .exits(0)
        .json();
    assert_eq!(log.as_array().map(Vec::len), Some(1));
    let known = workspace
        .run(&[
            "sql",
            "select max(known_at) as at from batches",
            "--format",
            "json",
        ])
        .exits(0)
        .json();
    let before = known[0]["at"].as_str().expect("a time").to_owned();
    workspace.write(
        "programme.toml",
        "[[targets]]\nkpi = 1\norg_unit = \"HD\"\nfrom = \"2026-04-01\"\nat_least = \"0.9\"\ndue = \"period\"\n",
    );
    workspace
        .run(&["programme", "diff"])
        .exits(0)
        .says("changed  programme.toml")
        .says("    [[targets]]\n    kpi = 1\n    org_unit = \"HD\"")
        .says("- at_least = \"0.5\"")
        .says("+ at_least = \"0.9\"");
    workspace
        .run(&["programme", "import", "--reason", "the board raised it"])
        .exits(0)
        .says("recorded as edition 2");
    assert_eq!(inventory(&workspace, "HD")["status"], "missed");
    let then = workspace
        .run(&[
            "measure",
            "--kpi",
            "1",
            "--org",
            "HD",
            "--period",
            "2026-05",
            "--known-at",
            &before,
            "--format",
            "json",
        ])
        .exits(0);
    assert_eq!(then.json()[0]["status"], "met");
    workspace
        .run(&["programme", "log"])
        .exits(0)
        .says("the board raised it");
    workspace
        .run(&["programme", "export", "--edition", "1", "first"])
        .exits(0);
    let exported = |folder: &str| {
        let path = workspace.path().join(folder).join("programme.toml");
        std::fs::read_to_string(path).expect("it was written")
    };
    assert!(exported("first").contains("0.5"));
    // What is exported last comes back as it is: nothing differs.
    workspace.run(&["programme", "export", "last"]).exits(0);
    workspace.write("programme.toml", exported("last"));
    workspace
        .run(&["programme", "diff"])
        .exits(0)
        .says("no difference");
}

#[test]
fn a_unit_alone_and_an_older_tree_are_asked_for_and_said() {
    let workspace = with("");
    let ask = |further: &[&str]| {
        let arguments = [
            &[
                "measure", "--kpi", "1", "--org", "HD", "--period", "2026-05", "--format", "json",
            ],
            further,
        ]
        .concat();
        workspace.run(&arguments).exits(0).json()[0].clone()
    };
    assert_eq!(ask(&[])["denominator"], 4);
    let alone = ask(&["--stand-alone"]);
    assert_eq!(
        (&alone["scope"], &alone["coverage"]["expected"]),
        (&"stand_alone".into(), &1.into())
    );
    // The reading covers the holding itself too, which has none of its own.
    assert_eq!(alone["status"], "none_occurred");
    // From June on US1 belongs to JP1; on that tree JP1 has four assets in May too.
    let org = "id,parent_id,name_ja,name_en,kind,country,valid_from,valid_until,successor_id\n\
               HD,,架空グループ,Fictional Group,group,JP,,,\n\
               JP1,HD,架空製造,Fictional Manufacturing,subsidiary,JP,,,\n\
               JP1-IT,JP1,情報システム部,IT Department,department,JP,,,\n\
               US1,HD,架空アメリカ,Fictional America,overseas,US,,2026-06-01,\n\
               US1,JP1,架空アメリカ,Fictional America,overseas,US,2026-06-01,,\n";
    workspace.write("org.csv", org);
    let jp1 = |further: &[&str]| {
        let arguments = [
            &[
                "measure", "--kpi", "1", "--org", "JP1", "--period", "2026-05", "--format", "json",
            ],
            further,
        ]
        .concat();
        workspace.run(&arguments).exits(0).json()[0].clone()
    };
    assert_eq!(jp1(&[])["denominator"], 3);
    let comparative = jp1(&["--tree-on", "2026-06-30"]);
    assert_eq!(
        (&comparative["denominator"], &comparative["tree_on"]),
        (&4.into(), &"2026-06-30".into())
    );
    assert_eq!(
        jp1(&["--tree-on", "2026-06-30", "--stand-alone"])["denominator"],
        3
    );
}

const MILESTONES: &str = "milestone_id,org_unit,project,stage,plan_approved_on,planned_on\n";

/// The plan of all units for fiscal year 2025.
const PLAN: &str = "[[plans]]\ndataset = \"milestones\"\norg_unit = \"HD\"\nfiscal_year = \"FY2025\"\n\
                    approved_on = \"2025-04-01\"\napproved_by = \"the board\"\n";

#[test]
fn an_approved_plan_is_frozen_and_what_moves_is_shown_beside_it() {
    let workspace = Workspace::new();
    let ingest = |rows: &str| {
        workspace.write("milestones.csv", format!("{MILESTONES}{rows}"));
        workspace
            .run(&[
                "ingest",
                "--dataset",
                "milestones",
                "milestones.csv",
                "--as-of",
                "2026-03-31",
            ])
            .exits(0)
    };
    let plan = || {
        let found = workspace
            .run(&["programme", "plans", "--format", "json"])
            .exits(0)
            .json();
        let row = found[0].clone();
        [&row["items"], &row["revised"], &row["added"]].map(serde_json::Value::as_u64)
    };
    workspace
        .run(&["programme", "plans"])
        .exits(0)
        .says("no plan is approved");
    ingest(
        "M1,JP1,incident_procedure,approval,2025-04-01,2025-06-30\n\
         M2,US1,incident_procedure,approval,2025-04-01,2025-09-30\n",
    );
    workspace.write("programme.toml", PLAN);
    let moved = "M1,JP1,incident_procedure,approval,2025-04-01,2025-12-26\n\
                 M2,US1,incident_procedure,approval,2025-04-01,2025-09-30\n\
                 M3,JP1-IT,incident_procedure,approval,2025-11-01,2026-01-30\n";
    ingest(moved)
        .says("2 dates of approved plans kept as approved: keiki rejects --source files")
        .says("milestones.csv:2  the plan of FY2025 is approved: Planned on (baseline) (`planned_on`) stays 2025-06-30");
    assert_eq!(plan(), [Some(2), Some(1), Some(1)]);
    let listed = workspace
        .run(&["rejects", "--format", "json"])
        .exits(0)
        .json();
    assert_eq!(
        (&listed[0]["outcome"], &listed[1]["reason"]),
        (&"kept".into(), &"plan_frozen".into())
    );
    let figure = workspace
        .run(&[
            "explain", "41", "--org", "JP1", "--period", "2026-03", "--rows",
        ])
        .exits(0);
    figure.says("2025-06-30").says("2025-12-26");
    workspace
        .run(&["programme", "plans"])
        .exits(0)
        .says("the board")
        .says("2025-04-01");
    // Opened again by an edition that says so, the same file is taken as the plan.
    workspace.write(
        "programme.toml",
        format!("{PLAN}entered_until = \"2999-12-31\"\n"),
    );
    ingest(moved);
    assert_eq!(plan(), [Some(3), Some(0), Some(0)]);
    workspace.run(&["verify"]).exits(0);
}

#[test]
fn a_plan_names_what_exists_and_a_whole_year() {
    let workspace = Workspace::new();
    let plan = |dataset: &str, unit: &str, year: &str| {
        format!(
            "[[plans]]\ndataset = \"{dataset}\"\norg_unit = \"{unit}\"\nfiscal_year = \"{year}\"\n\
             approved_on = \"2026-04-01\"\napproved_by = \"CISO\"\n\n"
        )
    };
    workspace.write(
        "programme.toml",
        plan("milestone", "JP2", "FY2026") + &plan("assets", "HD", "FY2026"),
    );
    workspace
        .run(&["check"])
        .exits(1)
        .complains("programme.toml:2:12")
        .complains("unknown dataset `milestone`")
        .complains("did you mean `milestones`?")
        .complains("programme.toml:3:13")
        .complains("unknown org unit: JP2")
        .complains("dataset assets holds no plan");
    workspace.write("programme.toml", plan("milestones", "HD", "FY2026-Q1"));
    workspace
        .run(&["check"])
        .exits(1)
        .complains("programme.toml:4:16")
        .complains("`fiscal_year` is no fiscal year: FY2026-Q1");
    let twice = plan("milestones", "HD", "FY2026");
    workspace.write("programme.toml", format!("{twice}{twice}"));
    workspace
        .run(&["check"])
        .exits(1)
        .complains("is approved twice");
    workspace.write(
        "datasets/tasks.toml",
        "name = \"tasks\"\nkind = \"fact\"\ntitle = { ja = \"課題\", en = \"Tasks\" }\n\
         description = { ja = \"課題。\", en = \"Tasks.\" }\nkey = [\"task_id\"]\nfreshness_days = 30\n\n\
         [plan]\nbaseline = \"task_id\"\nrevision = \"moved_on\"\n\n\
         [columns.task_id]\ntype = \"text\"\ntitle = { ja = \"番号\", en = \"Number\" }\n\
         description = { ja = \"番号。\", en = \"Number.\" }\n\n\
         [columns.org_unit]\ntype = \"text\"\ntitle = { ja = \"組織\", en = \"Org unit\" }\n\
         description = { ja = \"組織。\", en = \"Org unit.\" }\n",
    );
    workspace
        .run(&["check"])
        .exits(1)
        .complains("a plan cannot be kept in this column: `task_id`")
        .complains("a plan cannot be kept in this column: `moved_on`");
}

#[test]
fn the_command_line_asks_for_what_pages_ask_for_and_agrees_to_nothing() {
    let workspace = with("# The programme of 2026.\n[adopted]\nkpis = [1]\n");
    let file = workspace.path().join("programme.toml");
    let text = || std::fs::read_to_string(&file).expect("it is there");
    let before = text();
    let waiver = [
        "programme",
        "change",
        "waiver",
        "kpi=1",
        "org_unit=JP1",
        "from=2026-04-01",
        "last_day=2026-06-30",
        "reason_ja=工場の移転中",
        "reason_en=the plant moves",
    ];
    let with_reason = [&waiver[..], &["--reason", "as agreed"]].concat();
    workspace
        .run(&[&waiver[..], &["--dry-run"]].concat())
        .exits(0)
        .says("+ [[waivers]]")
        .says("+ until = \"2026-07-01\"");
    workspace
        .run(&with_reason)
        .exits(0)
        .says("an approver agrees");
    assert_eq!(text(), before, "nothing stands before somebody else agrees");
    workspace
        .run(&with_reason)
        .exits(1)
        .complains("asked for already");
    for (kind, fields) in [
        (
            "parameter",
            vec![
                "kpi=1",
                "name=cycle_months",
                "org_unit=HD",
                "from=2026-04-01",
                "value=6",
            ],
        ),
        (
            "applicability",
            vec![
                "kpi=1",
                "org_unit=US1",
                "from=2026-04-01",
                "applies=false",
                "reason_ja=親会社が管理",
                "reason_en=kept by the parent",
            ],
        ),
        (
            "target",
            vec!["kpi=1", "org_unit=HD", "from=2026-04-01", "at_least=0.9"],
        ),
        ("adoption", vec!["kpis=1 12"]),
    ] {
        let asked = [
            &["programme", "change", kind][..],
            &fields,
            &["--reason", "as agreed"],
        ]
        .concat();
        workspace.run(&asked).exits(0).says("an approver agrees");
    }
    assert_eq!(text(), before);
    // Nobody says by a field that somebody has agreed; what would not be sound is not even asked for.
    let mut forged = with_reason.clone();
    forged.push("approved_by=me");
    workspace.run(&forged).exits(1).complains("unknown field");
    let unsound = [
        "programme",
        "change",
        "parameter",
        "kpi=1",
        "name=no_such",
        "org_unit=HD",
        "from=2026-04-01",
        "value=6",
        "--reason",
        "x",
    ];
    workspace.run(&unsound).exits(1).complains("no_such");
}

#[test]
fn who_answers_is_said_at_the_command_line_and_needs_nobody_else() {
    let workspace = with("# The programme of 2026.\n[adopted]\nkpis = [1]\n");
    let file = workspace.path().join("programme.toml");
    let text = || std::fs::read_to_string(&file).expect("it is there");
    let before = text();
    workspace
        .run(&[
            "programme",
            "change",
            "owner",
            "kpi=1",
            "org_unit=HD",
            "from=2026-04-01",
            "owner=Sato",
            "deputy=Suzuki",
            "--reason",
            "named",
        ])
        .exits(0)
        .says("recorded as edition");
    assert!(text().starts_with(before.trim_end()), "{}", text());
    workspace
        .run(&[
            "programme",
            "change",
            "hand_over",
            "from_owner=Sato",
            "to_owner=Tanaka",
            "from=2026-10-01",
            "--reason",
            "the change of October",
        ])
        .exits(0);
    assert!(text().contains("owner = \"Tanaka\""), "{}", text());
    workspace.run(&["check"]).exits(0);
}

#[test]
fn a_programme_is_changed_where_it_stands_however_it_is_written() {
    let workspace = with(concat!(
        "# Why so few.\n",
        "[adopted] # and when\n",
        "kpis = [1] # for now\n\n",
        "# The board of May.\n",
        "[[targets]]\n",
        "kpi = 1\n",
        "org_unit = 'HD' # the group\n",
        "from = \"2026-04-01\"\n",
        "at_least = \"0.5\"\n",
        "due = \"period\"\n\n",
        "# Who answers.\n",
        "[[owners]]\nkpi = 1\norg_unit = \"HD\"\nfrom = \"2026-04-01\"\nowner = \"Sato\"\n",
        "# The end.\n",
    ));
    let shown = |fields: &[&str]| {
        let asked = [&["programme", "change"][..], fields, &["--dry-run"]].concat();
        workspace.run(&asked).exits(0)
    };
    shown(&[
        "end",
        "of=target",
        "kpi=1",
        "org_unit=HD",
        "from=2026-04-01",
        "last_day=2027-03-31",
    ])
    .says("+ until = \"2027-04-01\"");
    shown(&["adoption", "kpis=1 12", "maturity=low"])
        .says("- kpis = [1] # for now")
        .says("+ maturity = [\"low\"]")
        .says("+ kpis = [1, 12]");
    let hand_over = [
        "programme",
        "change",
        "hand_over",
        "from_owner=Sato",
        "to_owner=Suzuki",
        "from=2026-10-01",
        "--reason",
        "October",
    ];
    workspace.run(&hand_over).exits(0);
    let text = std::fs::read_to_string(workspace.path().join("programme.toml"));
    let text = text.expect("it is there");
    for kept in [
        "# Why so few.",
        "[adopted] # and when",
        "org_unit = 'HD' # the group",
        "# The board of May.",
        "# Who answers.",
        "# The end.",
        "owner = \"Suzuki\"",
    ] {
        assert!(text.contains(kept), "{kept}\n{text}");
    }
    workspace.run(&["check"]).exits(0);
    // Rows that are written inline are rows too.
    let workspace = with(concat!(
        "targets = [{ kpi = 1, org_unit = \"HD\", from = \"2026-04-01\", at_least = \"0.5\", due = \"period\" }]\n",
        "adopted = { kpis = [1] }\n",
    ));
    for fields in [
        &[
            "end",
            "of=target",
            "kpi=1",
            "org_unit=HD",
            "from=2026-04-01",
            "last_day=2027-03-31",
        ][..],
        &[
            "target",
            "kpi=1",
            "org_unit=US1",
            "from=2026-04-01",
            "at_least=0.9",
        ],
        &["adoption", "kpis=1 12"],
    ] {
        let asked = [&["programme", "change"][..], fields, &["--dry-run"]].concat();
        workspace.run(&asked).exits(0).says("+ ");
    }
}
