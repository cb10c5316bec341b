//! Evidence by workbook: the form goes out, is filled in, and comes back.

use std::path::{Path, PathBuf};

use crate::guide::follow_with;
use crate::spreadsheet::{Cell, Sheet, Spreadsheet, formulas};
use crate::workspace::{ASSETS_HEADER, Workspace};

/// A register with a column of every type.
const THINGS: &str = r#"name = "things"
kind = "register"
title = { ja = "もの", en = "Things" }
description = { ja = "あらゆる型の項目を持つ台帳。", en = "A register with a column of every type." }
key = ["thing_id"]
freshness_days = 35

[columns.thing_id]
type = "text"
required = true
title = { ja = "番号", en = "Number" }
description = { ja = "番号。", en = "The number." }

[columns.org_unit]
type = "text"
title = { ja = "組織", en = "Org unit" }
description = { ja = "組織。", en = "The org unit." }

[columns.note]
type = "text"
title = { ja = "備考", en = "Note" }
description = { ja = "備考。", en = "A note." }

[columns.class]
type = "text"
values = ["a", "b"]
title = { ja = "区分", en = "Class" }
description = { ja = "区分。", en = "The class." }

[columns.pieces]
type = "integer"
title = { ja = "個数", en = "Pieces" }
description = { ja = "個数。", en = "How many." }

[columns.amount]
type = "decimal(30,6)"
title = { ja = "金額", en = "Amount" }
description = { ja = "金額。", en = "The amount." }

[columns.bought_on]
type = "date"
title = { ja = "購入日", en = "Bought on" }
description = { ja = "購入日。", en = "The day." }

[columns.seen_at]
type = "instant"
title = { ja = "確認日時", en = "Seen at" }
description = { ja = "確認日時。", en = "The instant." }

[columns.is_open]
type = "boolean"
title = { ja = "未了", en = "Open" }
description = { ja = "未了か。", en = "Whether it is open." }

[columns.owner_id]
type = "text"
personal = true
title = { ja = "担当者", en = "Owner" }
description = { ja = "担当者。", en = "Who answers for it." }

[[rules]]
require = "pieces >= 0"
message = { ja = "個数が負になっている。", en = "The number of pieces is negative." }
"#;

const THINGS_CSV: &str = "thing_id,org_unit,note,class,pieces,amount,bought_on,seen_at,is_open,owner_id\n\
    00123,JP1,架空の端末（検収済）,a,7,0.1,2026-04-01,2026-04-01T09:00:00.5+09:00,true,E-7\n\
    00124,JP1-IT,=1+1,b,9007199254740993,123456789012345678901234.000001,1999-12-31,2026-10-25T00:00:00Z,false,\n\
    -5,JP1,\"two words, \"\"quoted\"\"\",,,-12.5,,,,E-8\n\
    X9,US1,elsewhere,a,1,1,,,,E-9\n";

const MONTH: [&str; 2] = ["--period", "2026-10"];

fn with_things() -> Workspace {
    let workspace = Workspace::new();
    workspace.write("datasets/things.toml", THINGS);
    let file = workspace.write("things.csv", THINGS_CSV);
    let file = file.to_str().expect("a plain path").to_owned();
    let ingest = [
        "ingest",
        "--dataset",
        "things",
        &file,
        "--as-of",
        "2026-09-30",
    ];
    workspace.run(&ingest).exits(0).says("accepted 4");
    workspace
}

/// Makes the form of an org unit and returns its path.
fn export(workspace: &Workspace, unit: &str, datasets: &str) -> PathBuf {
    let asked = ["collect", "export", "--org", unit, "--datasets", datasets];
    workspace
        .run(&[&asked[..], &MONTH[..]].concat())
        .exits(0)
        .says(unit);
    workspace
        .path()
        .join(format!("forms/2026-10/{unit}_2026-10.xlsx"))
}

fn import(workspace: &Workspace, file: &Path) -> crate::workspace::Ran {
    workspace.run(&["collect", "import", file.to_str().expect("a plain path")])
}

fn owners(workspace: &Workspace) -> serde_json::Value {
    let query = "select thing_id, owner_id, sum(weight) as n from things \
                 group by thing_id, owner_id having sum(weight) > 0 order by thing_id";
    workspace
        .run_as("ciso", &["sql", query, "--format", "json"])
        .exits(0)
        .json()
}

/// How many entries the journal has.
fn entries(workspace: &Workspace) -> serde_json::Value {
    let counted = workspace.run(&[
        "sql",
        "select count(*) as n from things",
        "--format",
        "json",
    ]);
    counted.exits(0).json()[0]["n"].clone()
}

const GUIDES: [(&str, &str); 2] = [
    ("en", include_str!("../../../../docs/guides/collect.md")),
    ("ja", include_str!("../../../../docs/guides/collect.ja.md")),
];

/// Goes through the guide in each language, and fills the workbook in where the guide says that it is.
pub(crate) fn the_guide_is_as_written(sample: &Path) {
    for (language, guide) in GUIDES {
        follow_with(sample, language, guide, &|command| {
            if command.starts_with("collect check") {
                fill_in(sample, language);
            }
        });
    }
}

fn fill_in(sample: &Path, language: &str) {
    let (nothing, complete) = match language {
        "ja" => ("該当なし", "記入済み"),
        _ => ("nothing to report", "complete"),
    };
    let mut form = Spreadsheet::open(&sample.join("forms/2026-10/JP5_2026-10.xlsx"));
    let incidents = form.of("incidents");
    for (row, severity) in [(0, "high"), (1, "extreme")] {
        let number = format!("JP5-2026-10-{row}-{language}");
        incidents.set(row, "incident_id", number.as_str());
        incidents.set(row, "severity", severity);
        incidents.set(row, "detected_at", Cell::Moment(46_300.5));
    }
    form.of("exercises").answer(nothing);
    let controls = form.of("system_controls");
    controls.set(0, "done_on", Cell::Moment(46_310.0));
    controls.answer(complete);
    let folder = sample.join("evidence/collected");
    std::fs::create_dir_all(&folder).expect("a folder can be made");
    form.save(&folder.join("JP5.xlsx"));
}

#[test]
fn a_register_goes_out_with_its_records_and_comes_back_without_loss() {
    let workspace = with_things();
    let file = workspace.path().join("keiki.toml");
    let settings = std::fs::read_to_string(file).expect("there are settings");
    workspace.write(
        "keiki.toml",
        format!("{settings}\n[people]\nshown_to = [\"ciso\"]\n"),
    );
    let form = export(&workspace, "JP1", "things");
    let mut sent = Spreadsheet::open(&form);
    let listed = sent.of("things").records();
    assert_eq!(listed.len(), 3, "those of US1 are not JP1's");
    assert_eq!(listed[0]["thing_id"], "-5".into());
    assert_eq!(listed[1]["thing_id"], "00123".into());
    assert_eq!(listed[1]["amount"], 0.1.into());
    assert_eq!(listed[1]["is_open"], "yes".into());
    assert_eq!(listed[2]["note"], "=1+1".into(), "text stays text");
    assert_eq!(listed[2]["pieces"], "9007199254740993".into());
    assert_eq!(
        listed[2]["amount"],
        "123456789012345678901234.000001".into(),
        "more digits than a spreadsheet keeps stay text"
    );
    let before = owners(&workspace);
    sent.of("things").answer("complete");
    let filled = sent.save(&workspace.path().join("back.xlsx"));
    import(&workspace, &filled).exits(0).says("accepted 3");
    assert_eq!(owners(&workspace), before, "whom the books know stays");
    assert_eq!(
        entries(&workspace),
        4,
        "nothing changed, so nothing was entered"
    );
    import(&workspace, &filled)
        .exits(0)
        .says("the same reading");
    let mut again = Spreadsheet::open(&export(&workspace, "JP1", "things"));
    assert_eq!(again.of("things").records(), listed);
    workspace.run(&["verify"]).exits(0);
}

#[test]
fn no_token_and_no_name_of_a_person_leaves_in_a_form() {
    let workspace = with_things();
    let mut form = Spreadsheet::open(&export(&workspace, "JP1", "things"));
    for sheet in &form.sheets {
        for cell in sheet.cells.values() {
            let Cell::Text(text) = cell else { continue };
            assert!(!text.contains("E-7") && !text.starts_with("p-"), "{text}");
        }
    }
    let records = form.of("things").records();
    assert_eq!(records[1]["owner_id"], "(on file)".into());
    assert!(!records[2].contains_key("owner_id"), "nobody is known");
}

#[test]
fn what_is_entered_comes_out_again_as_it_was_entered() {
    let workspace = with_things();
    let mut form = Spreadsheet::open(&export(&workspace, "JP1", "things"));
    let entered: [(&str, Cell); 9] = [
        ("thing_id", "0007".into()),
        ("org_unit", "JP1-IT".into()),
        ("note", "+81-3-0000-0000".into()),
        ("class", "b".into()),
        ("pieces", 42.0.into()),
        ("amount", 1_234.567_891.into()),
        ("bought_on", Cell::Moment(46_296.0)),
        ("seen_at", Cell::Moment(46_296.5)),
        ("is_open", "no".into()),
    ];
    let sheet = form.of("things");
    sheet.enter(3, &entered);
    sheet.enter(4, &[("thing_id", "新規１".into())]);
    sheet.answer("complete");
    let filled = form.save(&workspace.path().join("back.xlsx"));
    import(&workspace, &filled).exits(0).says("accepted 5");
    let mut again = Spreadsheet::open(&export(&workspace, "JP1", "things"));
    let records = again.of("things").records();
    let found = records
        .iter()
        .find(|record| record["thing_id"] == "0007".into())
        .expect("the row is in the books");
    for (column, value) in entered {
        assert_eq!(found[column], value, "{column}");
    }
    let short = records
        .iter()
        .find(|record| record["thing_id"] == "新規１".into())
        .expect("the row is in the books");
    assert_eq!(short["org_unit"], "JP1".into(), "the form's own org unit");
}

#[test]
fn a_rearranged_workbook_is_recognised() {
    let workspace = with_things();
    let mut form = Spreadsheet::open(&export(&workspace, "JP1", "things"));
    let sheet = form.of("things");
    sheet.answer("complete");
    sheet.set(0, "pieces", 8.0);
    // Rows above the table, a column that was moved to the end, one of the user's own, other names.
    sheet.rearrange(|(row, column)| match column {
        1 => (row + 3, 30),
        _ => (row + 3, column),
    });
    sheet.cells.insert((9, 20), "my own notes".into());
    sheet.name = "renamed".to_owned();
    form.sheets.reverse();
    let filled = form.save(&workspace.path().join("まったく別の名前.xlsx"));
    let path = filled.to_str().expect("a plain path");
    workspace
        .run(&["ingest", path])
        .exits(0)
        .says("JP1 2026-10")
        .says("accepted 3");
    assert_eq!(
        entries(&workspace),
        6,
        "one record changed: what was, and what is"
    );
}

#[test]
fn nothing_to_report_is_zero_and_no_answer_is_no_report() {
    let workspace = Workspace::new();
    let status = |unit: &str| {
        let asked = ["measure", "--kpi", "23", "--org", unit, "--format", "json"];
        let json = workspace
            .run(&[&asked[..], &MONTH[..]].concat())
            .exits(0)
            .json();
        json[0]["status"].clone()
    };
    let mut form = Spreadsheet::open(&export(&workspace, "US1", "incidents"));
    let open = form.save(&workspace.path().join("open.xlsx"));
    import(&workspace, &open).exits(0).says("not reported");
    assert_eq!(status("US1"), "no_data");
    form.of("incidents").answer("nothing to report");
    let nil = form.save(&workspace.path().join("nil.xlsx"));
    import(&workspace, &nil).exits(0).says("accepted 0");
    assert_eq!(status("US1"), "none_occurred");
    assert_eq!(status("JP1"), "no_data");
    form.of("incidents").set(0, "incident_id", "I-1");
    let both = form.save(&workspace.path().join("both.xlsx"));
    import(&workspace, &both)
        .exits(3)
        .says("the answer is “nothing to report”, but there are rows");
}

#[test]
fn a_list_that_nobody_confirmed_is_no_report() {
    let workspace = with_things();
    let form = Spreadsheet::open(&export(&workspace, "JP1", "things"));
    let untouched = form.save(&workspace.path().join("untouched.xlsx"));
    import(&workspace, &untouched)
        .exits(0)
        .says("the list is not confirmed");
}

#[test]
fn a_row_that_was_emptied_ends_once_that_is_confirmed() {
    let workspace = with_things();
    let mut form = Spreadsheet::open(&export(&workspace, "JP1", "things"));
    form.of("things").answer("complete");
    let first = form.save(&workspace.path().join("first.xlsx"));
    import(&workspace, &first).exits(0);
    form.of("things").empty(1);
    let second = form.save(&workspace.path().join("second.xlsx"));
    import(&workspace, &second)
        .exits(0)
        .says("retirement waits");
    let path = second.to_str().expect("a plain path");
    workspace
        .run(&["collect", "import", path, "--confirm-missing"])
        .exits(0)
        .says("retired 1");
    let mut again = Spreadsheet::open(&export(&workspace, "JP1", "things"));
    assert_eq!(again.of("things").records().len(), 2);
    let mut other = Spreadsheet::open(&export(&workspace, "US1", "things"));
    assert_eq!(other.of("things").records().len(), 1, "another's stay");
}

/// A form with a fault of every kind.
fn faulty(workspace: &Workspace) -> PathBuf {
    let mut form = Spreadsheet::open(&export(workspace, "JP1", "things"));
    let sheet = form.of("things");
    sheet.answer("complete");
    sheet.set(0, "pieces", -1.0);
    sheet.set(0, "class", "z");
    sheet.set(1, "bought_on", "someday");
    sheet.set(1, "amount", Cell::Formula("=1/2", "0.5"));
    sheet.enter(3, &[("thing_id", "T-1".into()), ("org_unit", "US1".into())]);
    sheet.enter(4, &[("note", "no number".into())]);
    form.sheets.push(Sheet {
        name: "Own notes".to_owned(),
        cells: [
            ((0, 0), "asked Suzuki".into()),
            ((4, 2), Cell::Formula("=1/2", "0.5")),
        ]
        .into(),
    });
    form.save(&workspace.path().join("faulty.xlsx"))
}

#[test]
fn every_problem_is_marked_in_its_cell() {
    let workspace = with_things();
    let file = faulty(&workspace);
    let asked = ["collect", "check", file.to_str().expect("a plain path")];
    let copy = workspace.path().join("marked.xlsx");
    let to = ["--marked", copy.to_str().expect("a plain path")];
    workspace
        .run(&[&asked[..], &to[..]].concat())
        .exits(3)
        .says("acceptable 1  rejected 4")
        .says("(`class`) should be one of a, b, found `z`")
        .says("cells with formulas: 1")
        .says("places to mend")
        .says("the copy has their values, the file that came their looks and formulas: Own notes");
    let mut marked = Spreadsheet::open(&copy);
    let own = marked.sheets.iter().find(|sheet| sheet.name == "Own notes");
    let own = own.expect("nothing of the user's is lost");
    assert_eq!(
        own.cells,
        [((0, 0), "asked Suzuki".into()), ((4, 2), 0.5.into())].into()
    );
    let list = marked.sheets[1].clone();
    assert_eq!(list.name, "To be mended");
    let said = |cell: &str, reason: &str| {
        let row = list.cells.iter().find(|((_, column), value)| {
            *column == 5 && matches!(value, Cell::Text(text) if text.contains(reason))
        });
        let row = row
            .unwrap_or_else(|| unreachable!("not listed: {reason}"))
            .0
            .0;
        assert_eq!(list.cells[&(row, 2)], cell.into(), "{reason}");
    };
    said("F8", "The number of pieces is negative.");
    said("E8", "should be one of a, b");
    said("H9", "should be date");
    said("G9", "a formula");
    said("C11", "US1");
    said("B12", "(`thing_id`) is required, found nothing");
    let kept = marked.of("things").records();
    assert_eq!(
        kept[0]["pieces"],
        (-1.0).into(),
        "what was entered stands there"
    );
    assert_eq!(kept[4]["note"], "no number".into());
    // Nothing was taken in.
    let batches = workspace.run(&[
        "sql",
        "select count(*) as n from batches",
        "--format",
        "json",
    ]);
    assert_eq!(batches.json()[0]["n"], 1);
}

#[test]
fn what_begins_like_a_formula_leaves_in_a_workbook_as_text() {
    let workspace = with_things();
    let empty = export(&workspace, "JP1", "things");
    // The form's own, by which its first sheet shows what is answered.
    let own = formulas(&empty);
    let mut form = Spreadsheet::open(&empty);
    let sheet = form.of("things");
    sheet.answer("complete");
    let evil = ["=1+1", "+1", "-1+2", "@SUM(A1)", "=HYPERLINK(\"http://x\")"];
    for (row, text) in (0..).zip(evil) {
        sheet.set(row, "note", text);
        let id = format!("E-{row}");
        sheet.enter(
            row,
            &[("thing_id", id.as_str().into()), ("org_unit", "JP1".into())],
        );
    }
    sheet.set(0, "class", "z");
    let file = form.save(&workspace.path().join("evil.xlsx"));
    let copy = workspace.path().join("marked.xlsx");
    let (file, to) = (file.to_str().expect("plain"), copy.to_str().expect("plain"));
    workspace
        .run(&["collect", "import", file, "--marked", to])
        .exits(3);
    // The marked copy, and the next form with what the books hold now.
    for workbook in [copy.clone(), export(&workspace, "JP1", "things")] {
        assert_eq!(formulas(&workbook), own, "{}", workbook.display());
        let mut read = Spreadsheet::open(&workbook);
        let notes: Vec<Cell> = read
            .of("things")
            .cells
            .values()
            .filter(|cell| {
                evil.iter()
                    .any(|text| **cell == Cell::Text((*text).to_owned()))
            })
            .cloned()
            .collect();
        assert!(notes.len() >= evil.len() - 1, "{notes:?}");
    }
}

#[test]
fn a_marked_copy_is_mended_and_comes_back() {
    let workspace = with_things();
    let file = faulty(&workspace);
    let copy = workspace.path().join("marked.xlsx");
    let (file, to) = (file.to_str().expect("plain"), copy.to_str().expect("plain"));
    workspace
        .run(&["collect", "import", file, "--marked", to])
        .exits(3)
        .says("rejected 4")
        .says("places to mend");
    let mut marked = Spreadsheet::open(&copy);
    let sheet = marked.of("things");
    sheet.set(0, "pieces", 1.0);
    sheet.set(0, "class", "a");
    sheet.set(1, "bought_on", Cell::Moment(46_296.0));
    sheet.set(3, "org_unit", "JP1");
    sheet.set(4, "thing_id", "T-2");
    let mended = marked.save(&workspace.path().join("mended.xlsx"));
    import(&workspace, &mended)
        .exits(0)
        .says("accepted 5")
        .says("rejected 0");
}

#[test]
fn what_is_no_form_of_this_workspace_is_refused_with_a_reason() {
    let workspace = with_things();
    let form = Spreadsheet::open(&export(&workspace, "JP1", "things"));
    let mut plain = form.clone();
    plain.sheets.retain(|sheet| sheet.name != "_keiki");
    let plain = plain.save(&workspace.path().join("plain.xlsx"));
    import(&workspace, &plain)
        .exits(1)
        .complains("not a collection workbook");
    let mut forged = form.clone();
    for cell in forged
        .sheets
        .iter_mut()
        .flat_map(|of| of.cells.values_mut())
    {
        if let Cell::Text(text) = cell {
            *text = text.replace("\"org_unit\":\"JP1\"", "\"org_unit\":\"US1\"");
        }
    }
    let forged = forged.save(&workspace.path().join("forged.xlsx"));
    import(&workspace, &forged)
        .exits(1)
        .complains("the signature was changed");
    let text = workspace.write("text.xlsx", "thing_id\n1\n");
    import(&workspace, &text)
        .exits(1)
        .complains("cannot be read as an Excel workbook");
    workspace.write(
        "org.csv",
        "id,parent_id,name_ja,name_en,kind,country,valid_from,valid_until,successor_id\n\
                     HD,,架空,Fictional,group,JP,,,\n",
    );
    let gone = form.save(&workspace.path().join("gone.xlsx"));
    import(&workspace, &gone)
        .exits(1)
        .complains("the org unit of the form is unknown: JP1");
}

#[test]
fn a_form_of_an_older_definition_is_read_where_its_columns_still_fit() {
    let workspace = with_things();
    let mut form = Spreadsheet::open(&export(&workspace, "JP1", "things"));
    form.of("things").answer("complete");
    let file = form.save(&workspace.path().join("old.xlsx"));
    let wider = format!(
        "{THINGS}\n[columns.colour]\ntype = \"text\"\ntitle = {{ ja = \"色\", en = \"Colour\" }}\n\
         description = {{ ja = \"色。\", en = \"The colour.\" }}\n"
    );
    workspace.write("datasets/things.toml", &wider);
    import(&workspace, &file)
        .exits(0)
        .says("accepted 3")
        .says("the definition has changed since the form was made");
    workspace.write(
        "datasets/things.toml",
        wider.replace(
            "[columns.colour]\ntype = \"text\"",
            "[columns.colour]\ntype = \"text\"\nrequired = true",
        ),
    );
    import(&workspace, &file)
        .exits(3)
        .says("the form lacks a column that is required now: colour");
    workspace.write("datasets/things.toml", THINGS.replace("pieces", "items"));
    import(&workspace, &file)
        .exits(3)
        .says("the form has a column that the dataset no longer has: pieces");
}

#[test]
fn the_drop_folder_is_read_once() {
    let workspace = with_things();
    let mut form = Spreadsheet::open(&export(&workspace, "JP1", "things"));
    form.of("things").answer("complete");
    std::fs::create_dir_all(workspace.path().join("evidence/collected")).expect("a folder");
    form.save(&workspace.path().join("evidence/collected/jp1.xlsx"));
    workspace.run(&["ingest"]).exits(0).says("accepted 3");
    workspace
        .run(&["ingest"])
        .exits(0)
        .says("there is no new workbook");
}

#[test]
fn status_says_what_was_sent_what_came_back_and_what_is_missing() {
    let workspace = with_things();
    let mut form = Spreadsheet::open(&export(&workspace, "JP1", "things,incidents"));
    let sheet = form.of("things");
    sheet.answer("complete");
    sheet.set(0, "class", "z");
    form.of("incidents").answer("nothing to report");
    let file = form.save(&workspace.path().join("back.xlsx"));
    import(&workspace, &file).exits(3);
    export(&workspace, "US1", "incidents");
    let asked = ["collect", "status", "--format", "json", "--org", "JP1,US1"];
    let json = workspace
        .run(&[&asked[..], &MONTH[..]].concat())
        .exits(0)
        .json();
    let state = |unit: &str, dataset: &str| {
        let mut rows = json.as_array().expect("an array").iter();
        let row = rows.find(|row| row["org_unit"] == unit && row["dataset"] == dataset);
        row.map(|row| row["state"].clone()).expect("a row")
    };
    assert_eq!(state("JP1", "things"), "partly");
    assert_eq!(state("JP1", "incidents"), "nothing");
    assert_eq!(state("US1", "incidents"), "missing");
    assert_eq!(state("US1", "assets"), "not_sent");
}

#[test]
fn totals_are_asked_for_with_what_was_reported_before() {
    let workspace = Workspace::new();
    let totals = workspace.write(
        "totals.csv",
        "kpi_no,indicator,org_unit,period,numerator,denominator,prepared_by\n\
         1,inventory_ratio,US1,2026-09,52,260,E-1\n",
    );
    let path = totals.to_str().expect("a plain path");
    let ingest = ["ingest", "--dataset", "reported_figures", path];
    workspace.run(&ingest).exits(0);
    let asked = [
        "collect",
        "export",
        "--org",
        "US1",
        "--datasets",
        "reported_figures",
    ];
    workspace.run(&[&asked[..], &MONTH[..]].concat()).exits(0);
    let mut form = Spreadsheet::open(&workspace.path().join("forms/2026-10/US1_2026-10.xlsx"));
    let sheet = form.of("reported_figures");
    assert_eq!(sheet.get(0, "kpi_no"), Some(&1.0.into()));
    let beside: Vec<&Cell> = sheet
        .cells
        .iter()
        .filter(|((row, column), _)| *row == 7 && *column > 10)
        .map(|(_, cell)| cell)
        .collect();
    assert_eq!(beside, [&52.0.into(), &260.0.into()], "of September");
    sheet.set(0, "numerator", 60.0);
    sheet.set(0, "denominator", 240.0);
    sheet.set(0, "prepared_by", "E-1");
    let file = form.save(&workspace.path().join("totals.xlsx"));
    import(&workspace, &file).exits(0).says("accepted 1");
    let asked = ["measure", "--kpi", "1", "--org", "US1", "--format", "json"];
    let json = workspace
        .run(&[&asked[..], &MONTH[..]].concat())
        .exits(0)
        .json();
    assert_eq!(json[0]["value"], 0.25);
}

#[test]
fn a_parent_is_asked_for_its_own_departments_and_speaks_for_nobody_below() {
    let workspace = Workspace::new();
    let assets = workspace.write(
        "assets.csv",
        format!("{ASSETS_HEADER}A1,JP1,hardware,one,true,,,,,,\n"),
    );
    let path = assets.to_str().expect("a plain path");
    workspace
        .run(&[
            "ingest",
            "--dataset",
            "assets",
            path,
            "--as-of",
            "2026-09-30",
        ])
        .exits(0);
    let mut form = Spreadsheet::open(&export(&workspace, "HD", "assets"));
    assert!(form.of("assets").records().is_empty(), "JP1's are not HD's");
    form.of("assets").answer("nothing to report");
    let file = form.save(&workspace.path().join("hd.xlsx"));
    import(&workspace, &file).exits(0);
    let asked = ["measure", "--kpi", "1", "--all-orgs", "--format", "json"];
    let json = workspace
        .run(&[&asked[..], &MONTH[..]].concat())
        .exits(0)
        .json();
    let us = json
        .as_array()
        .expect("an array")
        .iter()
        .find(|m| m["org_unit"] == "US1")
        .expect("a figure");
    assert_eq!(us["status"], "no_data");
}
