//! What people and other systems are told when periods are closed: to whom it concerns.

use keiki::config::Workspace;
use keiki::environment;
use keiki::operations::programme::Run;
use keiki::operations::remind::{Occasion, Sending, remind};
use keiki_model::access::Role;
use serde_json::json;

use crate::house::{House, actor};

/// A mail server and another system that nothing is sent to, and a close calendar of one business day.
const SETTINGS: &str = "[mail]\nserver = \"127.0.0.1\"\nport = 9\nsecurity = \"none\"\nfrom = \"keiki@example.jp\"\n\
                        [[webhooks]]\nname = \"desk\"\nform = \"json\"\nurl = \"http://127.0.0.1:9/\"\nnetwork = \"internal\"\n\
                        [close]\ncut_off = 1\npreliminary = 1\nfinal = 1\n";

const DAY_MICROS: i64 = 86_400_000_000;

/// What would be told to somebody at an instant.
async fn told(house: &House, recipient: &str, now: i64) -> Vec<(Occasion, String)> {
    let workspace = Workspace::load(&house.workspace.root).expect("the workspace is sound");
    let run = Run {
        author: String::new(),
        now,
    };
    let all = remind(&workspace, &run, &environment::Here, Sending::List).await;
    let all = all.expect("what is due is found");
    let own = all.into_iter().filter(|one| one.recipient == recipient);
    let notices = own.flat_map(|one| one.notices);
    notices.map(|one| (one.occasion, one.text.en)).collect()
}

async fn addressed(house: &House, name: &str, roles: &[(Role, &str)]) {
    house.account(name, roles).await;
    let address = format!("{name}@example.jp");
    let set = house
        .registry
        .set_mail(name, &address, &actor("tests"))
        .await;
    set.expect("it is an address");
}

#[tokio::test(flavor = "multi_thread")]
async fn closing_opening_again_and_restating_a_period_are_told_to_who_sees_all_of_it() {
    let house = House::with(SETTINGS).await;
    addressed(&house, "reader", &[(Role::Executive, "HD")]).await;
    addressed(&house, "owner", &[(Role::DataOwner, "JP1")]).await;
    let office = house
        .visitor("office", &[(Role::ProgrammeOffice, "HD")])
        .await;
    let approver = house.visitor("approver", &[(Role::Approver, "HD")]).await;
    let close = async || {
        let asked = json!({ "reason": "the board meets" });
        let path = "/api/v1/closes/2026-05/request";
        office.tell(path, &asked).await.is(200);
        let open = approver.get("/api/v1/requests").await.is(200).data();
        let open = open["items"].as_array().expect("it is a list");
        let open = open.iter().find(|one| one["may_decide"] == true);
        let id = open.expect("one is open")["id"]
            .as_str()
            .expect("it has an id");
        let path = format!("/api/v1/requests/{id}/decide");
        approver
            .tell(&path, &json!({ "verdict": "agree" }))
            .await
            .is(200);
    };
    let occasions = async |who: &str| {
        let told = told(&house, who, environment::now()).await;
        let told = told.into_iter().map(|(occasion, _)| occasion);
        let of_statements = [Occasion::Closed, Occasion::Reopened, Occasion::Restated];
        told.filter(|one| of_statements.contains(one))
            .collect::<Vec<_>>()
    };
    assert_eq!(occasions("reader").await, []);
    close().await;
    assert_eq!(occasions("reader").await, [Occasion::Closed]);
    let reason = json!({ "reason": "a late correction" });
    office
        .tell("/api/v1/closes/2026-05/reopen", &reason)
        .await
        .is(200);
    close().await;
    let all = [Occasion::Closed, Occasion::Reopened, Occasion::Restated];
    assert_eq!(occasions("reader").await, all);
    assert_eq!(occasions("desk").await, all);
    // Statements are of the whole group, which the owner of a part does not see.
    assert_eq!(occasions("owner").await, []);
    let week = 8 * DAY_MICROS;
    let later = told(&house, "reader", environment::now() + week).await;
    assert_eq!(later, []);
}
