//! Who may use which route, and of which org units somebody learns anything.

use keiki::web::{Need, facts};
use keiki_model::access::Role;

use crate::house::House;

/// Every route with the roles that may use it; `*` = whoever is signed in, `-` = everybody.
const TABLE: &str = "
GET  /                   *
GET  /sign-in            -
POST /sign-in            -
POST /sign-out           *
GET  /welcome/{token}    -
POST /welcome/{token}    -
POST /language           -
GET  /scorecard          executive programme_office data_owner approver auditor
GET  /kpis               executive programme_office data_owner approver auditor
GET  /kpis/{no}          executive programme_office data_owner approver auditor
GET  /kpis/{no}/rows     executive programme_office data_owner approver auditor
POST /kpis/{no}/explain  programme_office data_owner
GET  /todo               programme_office data_owner
GET  /submit             programme_office data_owner
POST /submit             programme_office data_owner
POST /submit/{token}/confirm    programme_office data_owner
POST /submit/nil         programme_office data_owner
POST /submit/total       programme_office data_owner
GET  /evidence           programme_office data_owner approver auditor
GET  /batches/{seq}      programme_office data_owner approver auditor
GET  /batches/{seq}/files/{position} programme_office data_owner approver auditor
GET  /programme          executive programme_office data_owner approver auditor
GET  /close              programme_office data_owner approver auditor
POST /close              programme_office
POST /close/request      programme_office
GET  /requests           programme_office data_owner approver auditor
POST /requests/{id}      programme_office data_owner approver auditor
POST /close/certify      programme_office data_owner
GET  /users              administrator
POST /users              administrator
POST /users/{name}/roles        administrator
POST /users/{name}/password     administrator
POST /users/{name}/disable      administrator
POST /users/{name}/enable       administrator
POST /users/{name}/end-sessions administrator
GET  /log                auditor administrator
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
        ("{seq}", "1"),
        ("{position}", "9"),
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
        let is_asked = answer.header("location").starts_with("/sign-in?next=");
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
        "/kpis",
        "/kpis/1?period=2026-05",
        "/kpis/1/rows?period=2026-05",
        "/evidence",
        "/programme",
        "/todo",
        "/submit",
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
        for page in ["/scorecard", "/kpis/1", "/kpis/1/rows"] {
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
