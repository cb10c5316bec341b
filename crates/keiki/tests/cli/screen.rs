//! What is on screen: two languages, colour as an extra, completions.

use keiki::config::shipped;
use keiki_model::catalogue::Catalogue;

use crate::workspace::{Workspace, run_in};

#[test]
fn messages_are_in_the_language_that_is_asked_for() {
    let workspace = Workspace::new();
    workspace.run(&["check"]).exits(0).says("all is sound");
    workspace
        .run(&["check", "--language", "ja"])
        .exits(0)
        .says("問題はありません");
    workspace
        .run(&["--language", "ja", "measure", "--period", "2026-13"])
        .exits(1)
        .complains("対象期間として読めません: 2026-13");
    workspace
        .run(&["catalogue", "--language", "ja", "--maturity", "low"])
        .exits(0)
        .says("ハードウェア資産棚卸進捗率");
}

#[test]
fn the_catalogue_is_listed_by_group() {
    let workspace = Workspace::new();
    let list = workspace.run(&["catalogue"]).exits(0).out;
    let titles = ["[Security department]", "[Own systems]", "[Projects]"];
    let places: Vec<Option<usize>> = titles.iter().map(|title| list.find(title)).collect();
    assert!(
        places.iter().all(Option::is_some) && places.is_sorted(),
        "{list}"
    );
    assert!(list.contains("Hardware inventory progress"), "{list}");
    let asked = ["catalogue", "--maturity", "high", "--class", "assessment"];
    workspace
        .run(&[&asked, ["--language", "ja"].as_slice()].concat())
        .exits(0)
        .says("[取引先・サプライチェーン]")
        .says("M&A、提携先の評価回数");
    let json = workspace
        .run(&[&asked, ["--format", "json"].as_slice()].concat())
        .exits(0)
        .json();
    let numbers: Vec<_> = json
        .as_array()
        .expect("a list")
        .iter()
        .map(|kpi| &kpi["no"])
        .collect();
    assert_eq!(numbers, [16, 40]);
    workspace
        .run(&["catalogue", "--group", "projects", "--class", "assessment"])
        .exits(0)
        .says("no rows");
}

#[test]
fn the_shipped_catalogue_is_shown_where_there_is_no_workspace_too() {
    let nowhere = tempfile::tempdir().expect("a temporary folder can be made");
    let ask = |line: &str| {
        let arguments: Vec<&str> = line.split(' ').collect();
        run_in(nowhere.path(), &arguments)
    };
    ask("--language en catalogue 23")
        .exits(0)
        .says("Mean time to contain (MTTC)");
    ask("--language ja catalogue --class education_and_training")
        .exits(0)
        .says("標的型メール訓練");
    ask("--language en catalogue --road-map")
        .exits(1)
        .complains("no workspace");
    ask("--language en catalogue 23 --workspace nowhere")
        .exits(1)
        .complains("not a workspace");
    let left = std::fs::read_dir(nowhere.path()).expect("the folder can be read");
    assert_eq!(left.count(), 0, "nothing was written");
}

#[test]
fn a_filter_that_is_no_word_of_the_catalogue_is_told_with_the_nearest_and_all() {
    let workspace = Workspace::new();
    workspace
        .run(&["catalogue", "--group", "own_system"])
        .exits(1)
        .complains("error: unknown group: own_system")
        .complains("did you mean own_systems? those that exist: security_department, ");
    workspace
        .run(&["catalogue", "--maturity", "初期", "--language", "ja"])
        .exits(1)
        .complains("成熟度にありません: 初期")
        .complains("指定できるもの: low, middle, high");
    workspace
        .run(&["catalogue", "--class", "asessment"])
        .exits(1)
        .complains("did you mean assessment?");
    workspace
        .run(&["catalogue", "--help"])
        .exits(0)
        .says("[possible values: low, middle, high]");
}

/// The help of a command as it is printed, without blanks at the ends of lines.
fn help_of(command: &str, language: &str) -> String {
    let workspace = Workspace::new();
    let ran = workspace
        .run(&[command, "--help", "--language", language])
        .exits(0);
    ran.out
        .lines()
        .map(|line| format!("{}\n", line.trim_end()))
        .collect()
}

#[test]
fn the_help_of_a_command_is_in_the_readers_language() {
    assert_eq!(help_of("reopen", "en"), include_str!("help/reopen.en.txt"));
    assert_eq!(help_of("reopen", "ja"), include_str!("help/reopen.ja.txt"));
    assert_eq!(
        help_of("measure", "ja"),
        include_str!("help/measure.ja.txt")
    );
    let workspace = Workspace::new();
    workspace
        .run(&["--help", "--language", "ja"])
        .exits(0)
        .says("使い方: keiki [OPTIONS] <COMMAND>")
        .says("  measure ");
    let same = workspace
        .run(&["help", "reopen", "--language", "ja"])
        .exits(0);
    assert!(same.out.contains("締めを解除する"), "{same:#?}");
}

#[test]
fn what_is_wrong_with_a_workspace_is_said_in_its_language() {
    let workspace = Workspace::new();
    let settings = std::fs::read_to_string(workspace.path().join("keiki.toml")).expect("settings");
    workspace.write("keiki.toml", settings.replace("\"en\"", "\"ja\""));
    workspace.write("sources/a.toml", "kind = \"csv\"\n");
    workspace
        .run(&["check"])
        .exits(1)
        .complains("項目 `dataset` がありません")
        .complains("取得元に対応するデータ種別を dataset = \"…\" に書いてください");
    workspace
        .run(&["check", "--language", "en"])
        .exits(1)
        .complains("missing key `dataset`");
}

#[test]
fn one_kpi_is_shown_whole_in_both_languages() {
    let workspace = Workspace::new();
    workspace
        .run(&["catalogue", "1.1.1"])
        .exits(0)
        .says("棚卸を実施した情報資産数 ÷ 対象とする情報資産数")
        .says("inventoried / in_scope")
        .says("target ≥ 95 %  due stocktake cycle's end")
        .says("cycle_end(inventoried_on, 12)");
    workspace
        .run(&["catalogue", "10"])
        .exits(0)
        .says("(2011) [lapsed]");
    workspace
        .run(&["catalogue", "24", "--language", "ja"])
        .exits(0)
        .says("目的\n  緊急度の高い脆弱性にすばやく着手する")
        .says("$threshold  緊急とみなすCVSSの値(以上)\n    decimal(3,1)  既定値 9.0")
        .says("= quantile(start_seconds, 0.9)  日  低いほど良い  有効性")
        .says("vulnerabilities  脆弱性対応")
        .says("KPI算出方法: 緊急な脆弱性の公開から着手までの平均時間")
        .says("(2019)");
    workspace
        .run(&["catalogue", "48"])
        .exits(1)
        .complains("unknown KPI: 48");
}

#[test]
fn the_sql_of_every_measure_can_be_run() {
    let catalogue = Catalogue::read(&shipped::datasets(), &shipped::kpis()).expect("all is sound");
    let mut counts = Vec::new();
    for kpi in &catalogue.kpis {
        for measure in &kpi.measures {
            let sql = keiki_model::kpi::sql(kpi, measure).join("\n");
            let sql = [":day", ":first_day", ":last_day", ":begin", ":end"]
                .iter()
                .fold(sql, |sql, name| sql.replace(name, "date '2026-10-31'"));
            counts.push(format!("select count(*) from ({sql})"));
        }
    }
    assert!(counts.len() > 47);
    let workspace = Workspace::new();
    workspace.write(
        "a.csv",
        "asset_id,org_unit,kind,is_in_scope\nA1,JP1,hardware,true\n",
    );
    workspace
        .run(&[
            "ingest",
            "--dataset",
            "assets",
            "a.csv",
            "--as-of",
            "2026-10-31",
        ])
        .exits(0);
    let file = workspace.path().join("keiki.toml");
    let settings = std::fs::read_to_string(file).expect("there are settings");
    workspace.write("keiki.toml", format!("{settings}\n[people]\nfewest = 0\n"));
    for some in counts.chunks(32) {
        workspace
            .run(&["sql", &some.join("\nunion all\n")])
            .exits(0);
    }
}

#[test]
fn colour_is_never_forced_on_a_pipe_and_never_says_anything_alone() {
    let workspace = Workspace::new();
    let file = workspace.write(
        "a.csv",
        "asset_id,org_unit,kind,is_in_scope\nA1,JP1,hardware,true\n",
    );
    let file = file.to_str().expect("a plain path");
    workspace
        .run(&[
            "ingest",
            "--dataset",
            "assets",
            file,
            "--covers",
            "HD",
            "--as-of",
            "2026-10-31",
        ])
        .exits(0);
    let asked = ["measure", "--kpi", "1", "--period", "2026-10"];
    let plain = workspace.run(&asked).exits(0).out;
    assert!(!plain.contains('\u{1b}'), "{plain}");
    assert!(plain.contains("▼ behind"), "{plain}");
    let coloured = workspace
        .run(&[&asked, ["--color", "always"].as_slice()].concat())
        .exits(0)
        .out;
    assert!(coloured.contains("\u{1b}[31m▼ behind"), "{coloured}");
}

/// Runs a command in bash with the completions loaded, and returns what it prints.
fn in_bash(script: &std::path::Path, typed: &[&str]) -> String {
    let words: Vec<String> = typed.iter().map(|word| format!("'{word}'")).collect();
    let current = typed.last().copied().unwrap_or_default();
    let before = typed.iter().rev().nth(1).unwrap_or(&"keiki");
    let line = format!(
        "source '{}'; COMP_WORDS=(keiki {}); COMP_CWORD={}; _keiki keiki '{current}' '{before}'; \
         printf '%s\\n' \"${{COMPREPLY[@]}}\"",
        script.display(),
        words.join(" "),
        typed.len(),
    );
    let output = std::process::Command::new("bash")
        .args(["--norc", "-c", &line])
        .output()
        .expect("bash can be run");
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).expect("words are UTF-8")
}

#[test]
fn completions_of_every_shell_know_the_commands_and_their_options() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let script = run_in(folder.path(), &["completions", shell]).exits(0).out;
        for word in [
            "measure",
            "explain",
            "ingest",
            "known-at",
            "confirm-missing",
        ] {
            assert!(script.contains(word), "{shell} does not know {word}");
        }
    }
    run_in(folder.path(), &["completions", "tcsh"])
        .exits(2)
        .complains("hint: one of bash, elvish, fish, powershell, zsh");
}

#[test]
fn bash_completes_a_command_an_option_and_a_value() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let script = folder.path().join("keiki.bash");
    let text = run_in(folder.path(), &["completions", "bash"]).exits(0).out;
    std::fs::write(&script, text).expect("the file can be written");
    assert_eq!(in_bash(&script, &["measu"]), "measure\n");
    assert_eq!(in_bash(&script, &["measure", "--known"]), "--known-at\n");
    let formats = in_bash(&script, &["measure", "--format", ""]);
    assert_eq!(
        formats.split_whitespace().collect::<Vec<_>>(),
        ["table", "json", "csv"]
    );
}
