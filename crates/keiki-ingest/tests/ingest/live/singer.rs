//! Singer taps.

use super::{Live, SECRET, problems};

const SOURCE: &str = r#"
name = "live"
kind = "singer"
dataset = "assets"

[fetch]
command = ["python3", "tap.py"]
stream = "machines"

[fetch.config]
start_date = "2026-01-01"
page_size = 50
deep = { api_token = { env = "SECRET" } }

[columns]
asset_id = "id"
org_unit = "'JP1'"
kind = "'hardware'"
"#;

/// A tap that counts on from its state, and says what it was given.
const TAP: &str = r#"
import json, os, sys
a = sys.argv
config = json.load(open(a[a.index("--config") + 1]))
assert config["page_size"] == 50 and config["deep"]["api_token"] == "opensesame+42/x", config
assert "HOME" not in os.environ and "PATH" in os.environ, os.environ
state = json.load(open(a[a.index("--state") + 1])) if "--state" in a else {"last": 0}
say = lambda m: print(json.dumps(m), flush=True)
print("INFO starting", file=sys.stderr)
print("this line is no message")
say({"type": "SCHEMA", "stream": "machines", "schema": {}, "key_properties": ["id"]})
say({"type": "SCHEMA", "stream": "others", "schema": {}, "key_properties": []})
for i in range(state["last"] + 1, state["last"] + 3):
    say({"type": "RECORD", "stream": "machines", "record": {"id": "A%d" % i, "n": 1.10}})
    say({"type": "RECORD", "stream": "others", "record": {"id": "B%d" % i}})
    say({"type": "STATE", "value": {"last": i}})
if os.path.exists("fail"):
    print("cannot log in with " + config["deep"]["api_token"], file=sys.stderr)
    sys.exit(3)
"#;

fn live() -> Live {
    let live = Live::new();
    std::fs::write(live.path().join("tap.py"), TAP).expect("it can be written");
    live
}

#[tokio::test]
async fn the_records_of_one_stream_are_evidence_and_the_state_is_given_back() {
    let live = live();
    let first = live.read(SOURCE, None).await.expect("the tap runs");
    assert_eq!(first.evidence.rows.num_rows(), 2);
    assert_eq!(first.cursor.as_deref(), Some("{\"last\": 2}"));
    assert!(
        !first.texts[0].contains('B') && first.texts[0].contains("\"A2\""),
        "{}",
        first.texts[0]
    );
    let next = live
        .read(SOURCE, first.cursor.as_deref())
        .await
        .expect("the tap runs");
    assert_eq!(next.cursor.as_deref(), Some("{\"last\": 4}"));
    assert!(next.texts[0].contains("\"A4\""), "{}", next.texts[0]);
}

#[tokio::test]
async fn a_tap_that_fails_shows_what_it_said_without_the_secret() {
    let live = live();
    std::fs::write(live.path().join("fail"), "").expect("it can be written");
    let fault = live.fault(SOURCE).await;
    assert!(fault.contains("exit status: 3"), "{fault}");
    assert!(fault.contains("cannot log in with ***"), "{fault}");
    let none = live.fault(&SOURCE.replace("python3", "no-such-tap")).await;
    assert!(none.contains("no-such-tap: cannot be reached"), "{none}");
}

#[tokio::test]
async fn a_stream_must_be_one_of_those_that_come() {
    let live = live();
    let fault = live
        .fault(&SOURCE.replace("\"machines\"", "\"printers\""))
        .await;
    assert!(
        fault.contains("no stream printers; streams: machines, others"),
        "{fault}"
    );
    let fault = live
        .fault(&SOURCE.replace("stream = \"machines\"\n", ""))
        .await;
    assert!(fault.contains("several streams came"), "{fault}");
}

#[tokio::test]
async fn a_tap_without_end_is_cut_off() {
    let mut live = Live::new();
    let endless = "import json\nprint(json.dumps({'type':'SCHEMA','stream':'machines'}))\n\
                   while True: print(json.dumps({'type':'RECORD','stream':'machines','record':{'id':'A'*1000}}))\n";
    std::fs::write(live.path().join("tap.py"), endless).expect("it can be written");
    live.limits.fetch_bytes = 1 << 20;
    let fault = live.fault(SOURCE).await;
    assert!(
        fault.contains("more than the limit of 1048576 bytes"),
        "{fault}"
    );
    live.amount = keiki_ingest::live::Amount::Sample(10);
    live.limits.fetch_bytes = 1 << 30;
    let tried = live.read(SOURCE, None).await.expect("ten rows are enough");
    assert_eq!(tried.texts[0].matches("\"id\"").count(), 10);
    std::fs::write(live.path().join("tap.py"), "print('x' * 3000000)").expect("it can be written");
    live.limits.answer_bytes = 1 << 20;
    let fault = live.fault(SOURCE).await;
    assert!(fault.contains("bytes in one answer"), "{fault}");
}

#[test]
fn a_secret_in_a_command_or_configuration_is_a_problem() {
    let config = SOURCE.replace("{ env = \"SECRET\" }", &format!("\"{SECRET}\""));
    assert!(
        problems(&config).contains("`api_token` is a secret"),
        "{}",
        problems(&config)
    );
    let command = SOURCE.replace(
        "\"tap.py\"",
        &format!("\"tap.py\", \"--password={SECRET}\""),
    );
    assert!(problems(&command).contains("must not stand in a command: --password"));
}
