//! Who may use which route, and of which org units somebody learns anything.

use keiki::web::{Need, described_paths, facts};
use keiki_model::access::Role;

use crate::house::House;

/// Every route with the roles that may use it; `*` = whoever is signed in, `-` = everybody.
const TABLE: &str = "
GET  /                   *
GET  /sign-in            -
POST /sign-in            -
GET  /sign-in/openid-connect -
GET  /sign-in/openid-connect/return -
POST /sign-out           *
GET  /welcome/{token}    -
POST /welcome/{token}    -
POST /language           -
GET  /account            *
POST /account/sessions/{id} *
POST /account/tokens     *
POST /account/tokens/{id}   *
POST /account/second-factor *
POST /account/second-factor/confirm *
POST /account/second-factor/remove  *
GET  /scorecard          executive programme_office data_owner approver auditor
GET  /compare            executive programme_office data_owner approver auditor
GET  /statement/{file}   executive programme_office data_owner approver auditor
GET  /kpis               executive programme_office data_owner approver auditor
GET  /kpis/{no}          executive programme_office data_owner approver auditor
GET  /kpis/{no}/rows     executive programme_office data_owner approver auditor
GET  /kpis/{no}/difference executive programme_office data_owner approver auditor
POST /kpis/{no}/explain  programme_office data_owner
GET  /actions            executive programme_office data_owner approver auditor
POST /actions/{number}/steps programme_office data_owner
POST /instructions       programme_office data_owner
GET  /todo               programme_office data_owner
GET  /submit             programme_office data_owner
POST /submit             programme_office data_owner
GET  /submit/{token}     programme_office data_owner
POST /submit/{token}/confirm    programme_office data_owner
POST /submit/{token}/discard    programme_office data_owner
POST /submit/nil         programme_office data_owner
POST /submit/total       programme_office data_owner
GET  /evidence           programme_office data_owner approver auditor
GET  /batches/{seq}      programme_office data_owner approver auditor
GET  /batches/{seq}/files/{position} programme_office data_owner approver auditor
GET  /programme          executive programme_office data_owner approver auditor
GET  /programme/organisation executive programme_office data_owner approver auditor
GET  /programme/change   programme_office
POST /programme/change   programme_office
GET  /close              programme_office data_owner approver auditor
POST /close              programme_office
POST /close/request      programme_office
GET  /requests           programme_office data_owner approver auditor
POST /requests/{id}      programme_office data_owner approver auditor
POST /close/certify      programme_office data_owner
GET  /upload-links       programme_office
POST /upload-links       programme_office
POST /upload-links/{id}/revoke programme_office
GET  /upload/{token}     -
POST /upload/{token}     -
GET  /upload/{token}/workbook -
GET  /upload/{token}/{file} -
POST /upload/{token}/{file}/confirm -
POST /upload/{token}/{file}/discard -
GET  /users              administrator
POST /users              administrator
POST /users/{name}/roles        administrator
POST /users/{name}/password     administrator
POST /users/{name}/disable      administrator
POST /users/{name}/enable       administrator
POST /users/{name}/end-sessions administrator
POST /users/{name}/second-factor administrator
POST /tokens/{id}/revoke administrator
GET  /log                auditor administrator
GET  /verification       auditor administrator
POST /verification       auditor administrator
GET  /kpis/{no}/audit-pack programme_office data_owner approver auditor
GET  /system             administrator
POST /system/backup      administrator
GET  /healthz            -
GET  /metrics            executive programme_office data_owner approver auditor
GET  /api/v1/docs -
GET  /api/v1/openapi.json -
GET  /api/v1/me *
GET  /api/v1/periods executive programme_office data_owner approver auditor
GET  /api/v1/org-units executive programme_office data_owner approver auditor
GET  /api/v1/org-units/history executive programme_office data_owner approver auditor
GET  /api/v1/remarks executive programme_office data_owner approver auditor
GET  /api/v1/actions executive programme_office data_owner approver auditor
GET  /api/v1/statements/{file} executive programme_office data_owner approver auditor
GET  /api/v1/kpis executive programme_office data_owner approver auditor
GET  /api/v1/kpis/{no} executive programme_office data_owner approver auditor
GET  /api/v1/scorecard executive programme_office data_owner approver auditor
GET  /api/v1/measurements executive programme_office data_owner approver auditor
GET  /api/v1/kpis/{no}/rows executive programme_office data_owner approver auditor
GET  /api/v1/kpis/{no}/difference executive programme_office data_owner approver auditor
GET  /api/v1/statements executive programme_office data_owner approver auditor
GET  /api/v1/programme executive programme_office data_owner approver auditor
GET  /api/v1/programme/export executive programme_office data_owner approver auditor
GET  /api/v1/owed programme_office data_owner approver auditor
GET  /api/v1/sources programme_office data_owner approver auditor
GET  /api/v1/batches programme_office data_owner approver auditor
GET  /api/v1/batches/{seq} programme_office data_owner approver auditor
GET  /api/v1/batches/{seq}/files/{position} programme_office data_owner approver auditor
GET  /api/v1/rejects programme_office data_owner approver auditor
GET  /api/v1/closes/{period} programme_office data_owner approver auditor
GET  /api/v1/requests programme_office data_owner approver auditor
POST /api/v1/requests/{id}/decide programme_office data_owner approver auditor
GET  /api/v1/sessions *
POST /api/v1/sessions/{id}/end *
GET  /api/v1/tokens *
POST /api/v1/tokens *
POST /api/v1/tokens/{id}/revoke *
GET  /api/v1/todo programme_office data_owner
GET  /api/v1/previews programme_office data_owner
GET  /api/v1/previews/{token} programme_office data_owner
POST /api/v1/previews programme_office data_owner
POST /api/v1/previews/{token}/confirm programme_office data_owner
POST /api/v1/previews/{token}/discard programme_office data_owner
POST /api/v1/submissions programme_office data_owner
POST /api/v1/nil-returns programme_office data_owner
POST /api/v1/reported-totals programme_office data_owner
POST /api/v1/kpis/{no}/explanations programme_office data_owner
POST /api/v1/actions/{number}/steps programme_office data_owner
POST /api/v1/instructions programme_office data_owner
POST /api/v1/closes/{period}/close programme_office
POST /api/v1/closes/{period}/reopen programme_office
POST /api/v1/closes/{period}/request programme_office
POST /api/v1/closes/{period}/certify programme_office data_owner
GET  /api/v1/upload-links programme_office
POST /api/v1/upload-links programme_office
POST /api/v1/upload-links/{id}/revoke programme_office
POST /api/v1/programme/previews programme_office
POST /api/v1/programme/changes programme_office
GET  /api/v1/users administrator
POST /api/v1/users administrator
POST /api/v1/users/{name}/roles administrator
POST /api/v1/users/{name}/password administrator
POST /api/v1/users/{name}/disable administrator
POST /api/v1/users/{name}/enable administrator
POST /api/v1/users/{name}/end-sessions administrator
POST /api/v1/users/{name}/second-factor/remove administrator
POST /api/v1/system/backup administrator
GET  /api/v1/log auditor administrator
POST /api/v1/verification auditor administrator
GET  /api/v1/kpis/{no}/audit-pack programme_office data_owner approver auditor
GET  /api/v1/system administrator
";

/// The rows of the table: method, path, who.
fn table() -> Vec<(&'static str, &'static str, Vec<&'static str>)> {
    let lines = TABLE.lines().filter(|line| !line.is_empty());
    let row = |line: &'static str| {
        let mut words = line.split_whitespace();
        let method = words.next().expect("a row has a method");
        let path = words.next().expect("a row has a path");
        (method, path, words.collect())
    };
    lines.map(row).collect()
}

/// A route's path with something in the place of each value.
fn filled(path: &str) -> String {
    let values = [
        ("{no}", "1"),
        ("{token}", "nothing"),
        ("{name}", "nobody"),
        ("{id}", "nothing"),
        ("{file}", "nothing"),
        ("{seq}", "1"),
        ("{position}", "9"),
        ("{period}", "2026-05"),
        ("{number}", "1"),
    ];
    let fill = |path: String, (part, value): (&str, &str)| path.replace(part, value);
    values.into_iter().fold(path.to_owned(), fill)
}

#[test]
fn the_table_lists_every_route_with_what_it_needs() {
    let facts = facts();
    let table = table();
    let listed: Vec<_> = table
        .iter()
        .map(|(method, path, _)| (*method, *path))
        .collect();
    let known: Vec<_> = facts
        .iter()
        .map(|route| (route.method, route.path))
        .collect();
    assert_eq!(known, listed);
    for (route, (_, path, who)) in facts.iter().zip(&table) {
        let roles = Role::ALL.into_iter();
        let expected: Vec<&str> = match route.need {
            Need::Nothing => vec!["-"],
            Need::Account => vec!["*"],
            Need::Right(right) | Need::Whole(right) => roles
                .filter(|(_, role)| role.rights().contains(&right))
                .map(|(code, _)| code)
                .collect(),
        };
        assert_eq!(*who, expected, "{path}");
    }
}

#[test]
fn the_document_describes_every_route_that_is_made_for_programs() {
    let mut described = described_paths();
    let routes = facts().into_iter().filter(|route| {
        // These two are the document itself.
        let is_document = ["/api/v1/docs", "/api/v1/openapi.json"].contains(&route.path);
        route.path.starts_with("/api/") && !is_document
    });
    let mut served: Vec<_> = routes
        .map(|route| (route.method.to_owned(), route.path.to_owned()))
        .collect();
    described.sort();
    served.sort();
    assert_eq!(described, served);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_role_walks_every_route_and_meets_what_the_table_says() {
    let house = House::new().await;
    let nobody = house.nobody();
    for (method, path, who) in table() {
        let path = filled(path);
        let answer = match method {
            "GET" => nobody.get(&path).await,
            _ => nobody.post(&path, &[]).await,
        };
        // A program is told so; a browser is led to where one signs in.
        let is_asked = match path.as_str() {
            path if path.starts_with("/api/") || path == "/metrics" => answer.status == 401,
            _ => answer.header("location").starts_with("/sign-in?next="),
        };
        assert_eq!(is_asked, who != ["-"], "{method} {path} {answer:?}");
    }
    for (code, role) in Role::ALL {
        let visitor = house.visitor(code, &[(role, "HD")]).await;
        for (method, path, who) in table() {
            if path == "/sign-out" {
                continue;
            }
            let path = filled(path);
            let answer = match method {
                "GET" => visitor.get(&path).await,
                _ => visitor.post(&path, &[]).await,
            };
            let is_refused = answer.status == 403;
            let may = who == ["-"] || who == ["*"] || who.contains(&code);
            assert_eq!(is_refused, !may, "{code} {method} {path} {}", answer.status);
            assert!(
                !answer.status.is_server_error(),
                "{code} {method} {path} {answer:?}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_in_charge_of_one_subsidiary_learns_nothing_of_its_siblings() {
    let house = House::new().await;
    let owner = house.visitor("owner", &[(Role::DataOwner, "JP1")]).await;
    let office = house
        .visitor("office", &[(Role::ProgrammeOffice, "HD")])
        .await;
    for path in [
        "/scorecard?period=2026-05",
        "/compare?period=2026-05",
        "/statement/board.html?period=2026-05",
        "/kpis",
        "/kpis/1?period=2026-05",
        "/kpis/1/rows?period=2026-05",
        "/kpis/1/difference?period=2026-05&with_period=2026-04",
        "/evidence",
        "/actions",
        "/programme",
        "/todo",
        "/submit",
        "/api/v1/statements/board.html?period=2026-05",
        "/api/v1/scorecard?period=2026-05",
        "/api/v1/measurements?period=2026-05",
        "/api/v1/kpis/1/rows?period=2026-05",
        "/api/v1/kpis/1/difference?period=2026-05&with_period=2026-04",
        "/api/v1/remarks?period=2026-05",
        "/api/v1/actions",
        "/api/v1/org-units",
    ] {
        let page = owner.get(path).await.is(200);
        page.says_nothing_of("American Branch")
            .says_nothing_of("US1")
            .says_nothing_of("Parent Company")
            .says_nothing_of("secret of America");
    }
    office
        .get("/scorecard?period=2026-05")
        .await
        .is(200)
        .says("Parent Company")
        .says("American Branch")
        .says("2 / 4");
    office
        .get("/api/v1/statements/board.html?period=2026-05")
        .await
        .is(200)
        .says("American Branch");
    owner
        .get("/api/v1/statements/board.html?period=2026-05")
        .await
        .is(200)
        .says("Manufacturing");
    owner
        .get("/scorecard?period=2026-05")
        .await
        .is(200)
        .says("Manufacturing")
        .says("2 / 3")
        .says_nothing_of("2 / 4");
    let unknown = owner
        .get("/scorecard?period=2026-05&unit=NOWHERE")
        .await
        .is(404);
    for unit in ["US1", "HD", "unassigned"] {
        for page in [
            "/scorecard",
            "/kpis/1",
            "/kpis/1/rows",
            "/kpis/1/difference",
        ] {
            let path = format!("{page}?period=2026-05&unit={unit}");
            let answer = owner.get(&path).await.is(404);
            // Whether there is such an org unit is not told: but for the address, the pages are one.
            let plain = |text: &str, path: &str| {
                let text = text.replace(&path.replace('&', "&#38;"), "");
                text.replace(" aria-current=\"page\"", "")
            };
            assert_eq!(
                plain(&answer.text, &path),
                plain(&unknown.text, "/scorecard?period=2026-05&unit=NOWHERE"),
                "{path}"
            );
        }
    }
    // What is about the whole tree is neither offered nor open to who holds a role for a part of it.
    let auditor = house.visitor("auditor", &[(Role::Auditor, "JP1")]).await;
    auditor
        .get("/evidence")
        .await
        .is(200)
        .says_nothing_of("/log");
    auditor.get("/log").await.is(403);
}
