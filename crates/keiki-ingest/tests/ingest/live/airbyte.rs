//! Airbyte connectors.

use super::Live;

const SOURCE: &str = r#"
name = "live"
kind = "airbyte"
dataset = "assets"

[fetch]
command = ["python3", "source.py"]
stream = "machines"
config = { count = 2 }

[columns]
asset_id = "id"
org_unit = "'JP1'"
kind = "'hardware'"
"#;

/// A connector as Airbyte's are: discover, then read with a catalog and a list of states.
const CONNECTOR: &str = r#"
import json, os, sys
a = sys.argv
arg = lambda name: json.load(open(a[a.index(name) + 1]))
say = lambda m: print(json.dumps(m), flush=True)
say({"type": "LOG", "log": {"level": "INFO", "message": "hello"}})
assert arg("--config")["count"] == 2
if a[1] == "discover":
    say({"type": "CATALOG", "catalog": {"streams": [
        {"name": "machines", "json_schema": {}, "supported_sync_modes": ["full_refresh", "incremental"],
         "source_defined_cursor": True, "default_cursor_field": ["n"]},
        {"name": "others", "json_schema": {}, "supported_sync_modes": ["full_refresh"]}]}})
    sys.exit(0)
assert a[1] == "read"
streams = arg("--catalog")["streams"]
assert len(streams) == 1 and streams[0]["sync_mode"] == "incremental" and streams[0]["cursor_field"] == ["n"], streams
states = arg("--state") if "--state" in a else []
last = states[0]["stream"]["stream_state"]["n"] if states else 0
for i in range(last + 1, last + 3):
    say({"type": "RECORD", "record": {"stream": "machines", "data": {"id": "A%d" % i}, "emitted_at": 1}})
if os.path.exists("fail"):
    say({"type": "TRACE", "trace": {"type": "ERROR", "emitted_at": 1, "error": {"message": "no access", "internal_message": "HTTP 403"}}})
    sys.exit(1)
say({"type": "STATE", "state": {"type": "STREAM", "stream": {"stream_descriptor": {"name": "machines"}, "stream_state": {"n": last + 2}}}})
"#;

#[tokio::test]
async fn a_connector_is_discovered_and_read_and_goes_on_from_its_state() {
    let live = Live::new();
    std::fs::write(live.path().join("source.py"), CONNECTOR).expect("it can be written");
    let first = live.read(SOURCE, None).await.expect("the connector runs");
    assert_eq!(first.evidence.rows.num_rows(), 2);
    let next = live
        .read(SOURCE, first.cursor.as_deref())
        .await
        .expect("the connector runs");
    assert!(next.texts[0].contains("\"A4\""), "{}", next.texts[0]);
    let fault = live
        .fault(&SOURCE.replace("\"machines\"", "\"printers\""))
        .await;
    assert!(
        fault.contains("no stream printers; streams: machines, others"),
        "{fault}"
    );
}

#[tokio::test]
async fn the_error_that_a_connector_traces_is_the_reason() {
    let live = Live::new();
    std::fs::write(live.path().join("source.py"), CONNECTOR).expect("it can be written");
    std::fs::write(live.path().join("fail"), "").expect("it can be written");
    let fault = live.fault(SOURCE).await;
    assert!(fault.contains("refused: no access (HTTP 403)"), "{fault}");
}
