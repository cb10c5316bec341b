//! Redmine: answered for by a small server with answers of Redmine's form, and Debian's own.

use super::servers::{Http, Redmine, json};
use super::{Live, SECRET, problems};
use crate::fixture::shown;

const ISSUE: &str = r#"{"id":7,"project":{"id":1,"name":"Security"},"tracker":{"id":1,"name":"Finding"},
"status":{"id":5,"name":"Closed","is_closed":true},"priority":{"id":2,"name":"High"},"author":{"id":9,"name":"A"},
"subject":"Old TLS","done_ratio":100,"custom_fields":[{"id":3,"name":"Unit","value":"JP1"}],
"created_on":"2026-04-01T00:00:00Z","updated_on":"2026-05-01T00:00:00Z","closed_on":"2026-05-01T00:00:00Z",
"journals":[
 {"id":1,"created_on":"2026-04-10T00:00:00Z","details":[{"property":"attr","name":"status_id","old_value":"1","new_value":"5"}]},
 {"id":2,"created_on":"2026-04-11T00:00:00Z","notes":"only a note","details":[]},
 {"id":3,"created_on":"2026-04-20T00:00:00Z","details":[{"property":"attr","name":"status_id","old_value":"5","new_value":"2"},
   {"property":"cf","name":"3","old_value":"","new_value":"JP1"}]},
 {"id":4,"created_on":"2026-05-01T00:00:00Z","details":[{"property":"attr","name":"status_id","old_value":"2","new_value":"5"}]}]}"#;

fn source(url: &str) -> String {
    format!(
        r#"
name = "live"
kind = "redmine"
dataset = "findings"
[fetch]
url = "{url}/redmine"
network = "internal"
key = {{ env = "SECRET" }}
parameters = {{ project_id = "security" }}
[columns]
finding_id = "id"
org_unit = "coalesce(\"custom.3.Unit\", 'JP1')"
title = "status || ' ' || subject"
raised_on = "substr(created_on, 1, 10)"
closed_on = "substr(closed_on, 1, 10)"
[history]
known_at = "known_at"
order = "version"
"#
    )
}

fn server() -> Http {
    Http::start(|head, _| {
        let date = "date: Sun, 31 May 2026 00:00:00 GMT\r\n";
        assert!(
            head.contains(&format!("x-redmine-api-key: {SECRET}")),
            "{head}"
        );
        let path = head.split(' ').nth(1).unwrap_or_default();
        let body = match path.split('?').next().unwrap_or_default() {
            "/redmine/issue_statuses.json" => r#"{"issue_statuses":[{"id":1,"name":"New","is_closed":false},{"id":2,"name":"Open","is_closed":false},{"id":5,"name":"Closed","is_closed":true}]}"#.to_owned(),
            "/redmine/users/current.json" => r#"{"user":{"id":1}}"#.to_owned(),
            "/redmine/trackers.json" => r#"{"trackers":[]}"#.to_owned(),
            "/redmine/enumerations/issue_priorities.json" => r#"{"issue_priorities":[]}"#.to_owned(),
            "/redmine/issues.json" if path.contains("offset=0") => r#"{"issues":[{"id":7,"updated_on":"2026-05-01T00:00:00Z"}],"total_count":1}"#.to_owned(),
            "/redmine/issues.json" => r#"{"issues":[],"total_count":1}"#.to_owned(),
            "/redmine/issues/7.json" => format!("{{\"issue\":{ISSUE}}}"),
            other => return json("404 Not Found", date, other),
        };
        json("200 OK", date, &body)
    })
}

#[tokio::test]
async fn every_version_of_an_issue_comes_with_the_time_at_which_it_was_known() {
    let server = server();
    let live = Live::new();
    let read = live
        .read(&source(&server.url), None)
        .await
        .expect("it can be read");
    insta::assert_snapshot!(shown(&read.evidence));
    assert_eq!(read.cursor.as_deref(), Some("2026-05-01T00:00:00Z"));
    let next = live
        .read(&source(&server.url), Some("2026-04-15T00:00:00Z"))
        .await;
    let next = next.expect("it can be read");
    assert_eq!(
        next.evidence.rows.num_rows(),
        2,
        "what was known by then is not read again"
    );
    let asked = server.requests();
    assert!(
        asked
            .iter()
            .any(|head| head.contains("updated_on=%3E%3D2026-04-15")
                && head.contains("project_id=security"))
    );
}

#[test]
fn a_key_is_needed_and_does_not_stand_in_the_file() {
    let literal =
        source("https://x.example").replace("{ env = \"SECRET\" }", &format!("\"{SECRET}\""));
    assert!(
        problems(&literal).contains("`key` is a secret"),
        "{}",
        problems(&literal)
    );
}

const SEED: &str = r"
Setting.notified_events = []
Setting.rest_api_enabled = '1'
admin = User.find_by_login('admin')
admin.update!(must_change_passwd: false)
Token.create!(user: admin, action: 'api')
Token.where(user_id: admin.id, action: 'api').update_all(value: ENV['REDMINE_TEST_KEY'])
User.current = admin
project = Project.create!(name: 'Security', identifier: 'security', trackers: Tracker.all)
issue = Issue.new(project: project, tracker: Tracker.first, author: admin, subject: 'Old TLS', priority: IssuePriority.first)
issue.status = IssueStatus.find_by_name('New')
issue.save!
issue = Issue.find(issue.id)
issue.init_journal(admin, 'done')
issue.status = IssueStatus.find_by_name('Closed')
issue.save!
issue.update_columns(created_on: Time.utc(2026, 4, 1), updated_on: Time.utc(2026, 4, 10))
issue.journals.first.update_columns(created_on: Time.utc(2026, 4, 10))
";

const REOPEN: &str = r"
Setting.notified_events = []
issue = Issue.first
issue.init_journal(User.find_by_login('admin'), 'again')
issue.status = IssueStatus.find_by_name('In Progress')
issue.save!
issue.update_columns(updated_on: Time.utc(2026, 5, 2))
issue.journals.last.update_columns(created_on: Time.utc(2026, 5, 2))
";

#[tokio::test]
async fn a_real_redmine_gives_its_history_and_then_what_changed() {
    let server = Redmine::start(SEED);
    let mut live = Live::new();
    let key = ("REDMINE_KEY".to_owned(), Redmine::KEY.to_owned());
    live.still.variables.extend([key]);
    let definition = source(&server.url)
        .replace("/redmine\"", "\"")
        .replace("\"SECRET\"", "\"REDMINE_KEY\"");
    let first = live.read(&definition, None).await.expect("it can be read");
    let text = shown(&first.evidence);
    assert!(
        text.starts_with("accepted: 2\n") && text.contains("rejected: 0\n"),
        "{text}"
    );
    assert!(
        text.contains(
            "title=New Old TLS | raised_on=2026-04-01\n     known_at=2026-04-01T00:00:00Z"
        ),
        "{text}"
    );
    assert!(
        text.contains("title=Closed Old TLS | raised_on=2026-04-01 | closed_on=2026-04-10"),
        "{text}"
    );
    server.run(REOPEN);
    let next = live
        .read(&definition, first.cursor.as_deref())
        .await
        .expect("it can be read");
    let text = shown(&next.evidence);
    assert!(
        text.starts_with("accepted: 1\n") && text.contains("title=In Progress Old TLS"),
        "{text}"
    );
    let denied = live
        .fault(&definition.replace("\"REDMINE_KEY\"", "\"SECRET\""))
        .await;
    assert!(denied.contains("refused: 401"), "{denied}");
}
