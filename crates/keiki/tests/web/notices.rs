//! What people and other systems are told when time passes and periods are closed: each occasion, to whom it concerns, and once.

use keiki::config::Workspace;
use keiki::environment;
use keiki::operations::programme::Run;
use keiki::operations::remind::{Occasion, Sending, remind};
use keiki_model::access::Role;
use keiki_model::calendar::{Month, date_of, local_day, parse_day};
use keiki_store::Notices;
use reqwest::Method;
use serde_json::json;

use crate::house::{House, actor};

/// A mail server and another system that nothing is sent to, and a close calendar of one business day.
const SETTINGS: &str = "[mail]\nserver = \"127.0.0.1\"\nport = 9\nsecurity = \"none\"\nfrom = \"keiki@example.jp\"\n\
                        [[webhooks]]\nname = \"desk\"\nform = \"json\"\nurl = \"http://127.0.0.1:9/\"\nnetwork = \"internal\"\n\
                        [close]\ncut_off = 1\npreliminary = 1\nfinal = 1\n";

const DAY_MICROS: i64 = 86_400_000_000;

/// Noon of a day.
fn noon(day: &str) -> i64 {
    let day = parse_day(day).expect("it is a day");
    i64::from(day) * DAY_MICROS + DAY_MICROS / 8
}

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

fn of(told: &[(Occasion, String)], occasion: Occasion) -> Vec<&str> {
    let of = told.iter().filter(|(one, _)| *one == occasion);
    of.map(|(_, text)| text.as_str()).collect()
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
async fn evidence_that_is_asked_for_overdue_or_stale_is_told_to_who_owes_it() {
    let house = House::with(SETTINGS).await;
    addressed(&house, "owner", &[(Role::DataOwner, "JP1")]).await;
    addressed(&house, "reader", &[(Role::Executive, "HD")]).await;
    // The evidence of May is there: nothing is owed.
    let june = told(&house, "owner", noon("2026-06-20")).await;
    assert_eq!(june, []);
    // That of June is not, when the cut-off has passed and what was there has become too old.
    let july = told(&house, "owner", noon("2026-07-10")).await;
    let late = of(&july, Occasion::Late);
    assert!(
        late.len() == 1 && late[0].contains("Manufacturing"),
        "{july:?}"
    );
    let stale = of(&july, Occasion::Stale);
    assert!(
        stale.len() == 1 && stale[0].contains("2026-05-31"),
        "{july:?}"
    );
    assert!(!format!("{july:?}").contains("American"), "{july:?}");
    // Who reads figures alone owes nothing and explains nothing.
    assert_eq!(told(&house, "reader", noon("2026-07-10")).await, []);
    let desk = told(&house, "desk", noon("2026-07-10")).await;
    assert!(
        of(&desk, Occasion::Late)
            .iter()
            .any(|text| text.contains("American")),
        "{desk:?}"
    );
    // Before the cut-off somebody is asked, and after it told so: one of these at a time.
    let first = told(&house, "owner", noon("2026-07-01")).await;
    assert!(of(&first, Occasion::Late).is_empty(), "{first:?}");
    assert_eq!(of(&first, Occasion::Reminder).len(), 1, "{first:?}");
    assert!(
        told(&house, "desk", noon("2026-07-01"))
            .await
            .iter()
            .all(|(one, _)| *one != Occasion::Reminder)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_digest_comes_once_a_day_with_all_that_was_new_meanwhile() {
    let settings = SETTINGS.replace("[mail]", "[mail]\ndigest = \"daily\"");
    let house = House::with(&settings).await;
    addressed(&house, "owner", &[(Role::DataOwner, "JP1")]).await;
    let morning = noon("2026-07-10");
    let new = told(&house, "owner", morning).await;
    assert!(new.len() > 1, "{new:?}");
    // One of these was told in the morning: the others wait for the next day.
    let accounts = house.registry.all().await.expect("they can be read");
    let owner = accounts.iter().find(|one| one.name == "owner");
    let recipient = format!("account:{}", owner.expect("it was added").id);
    let database = house.workspace.database().expect("there is one");
    let ledger = Notices::open(&database).await.expect("it opens");
    let claimed = ledger.claim(&recipient, &["something"], morning).await;
    let sent = claimed.expect("it can be written").expect("it is new");
    ledger.settle(&sent).await.expect("it can be written");
    let hour = DAY_MICROS / 24;
    assert_eq!(told(&house, "owner", morning + hour).await, []);
    assert_eq!(
        told(&house, "owner", morning + DAY_MICROS).await.len(),
        new.len()
    );
    // Other systems are told at once.
    assert!(!told(&house, "desk", morning + hour).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_status_that_changed_is_told_to_who_explains_it() {
    let house = House::with(SETTINGS).await;
    addressed(&house, "reader", &[(Role::Executive, "HD")]).await;
    let owner = house.visitor("owner", &[(Role::DataOwner, "JP1")]).await;
    let set = house
        .registry
        .set_mail("owner", "owner@example.jp", &actor("tests"))
        .await;
    set.expect("it is an address");
    // At first how figures stand is remembered: of the month before this one nothing is known.
    let now = environment::now();
    let changes = async |who: &str, now: i64| {
        let told = told(&house, who, now).await;
        let changes = of(&told, Occasion::StatusChanged).into_iter();
        changes.map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(changes("owner", now).await, [""; 0]);
    let today = local_day(now, &house.workspace.settings.zone);
    let month_end = date_of(Month::of(today).plus(-1).last_day());
    let path = format!(
        "/api/v1/submissions?into=dataset:assets&unit=JP1&as_of={month_end}&name=assets.csv"
    );
    let rows = "asset_id,org_unit,kind,name,is_in_scope\nA1,JP1,hardware,one,true\n";
    let request = owner.request(&Method::POST, &path).body(rows);
    let request = request.header("content-type", "application/octet-stream");
    owner.send(request).await.is(200);
    let now = environment::now();
    let changed = changes("owner", now).await;
    assert!(!changed.is_empty());
    assert!(
        changed.iter().all(|text| text.contains("Manufacturing")),
        "{changed:?}"
    );
    assert_eq!(changes("reader", now).await, [""; 0]);
    assert!(!changes("desk", now).await.is_empty());
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

#[tokio::test(flavor = "multi_thread")]
async fn a_message_of_which_nobody_knows_whether_it_was_sent_is_shown_to_administrators() {
    let chat = "[[webhooks]]\nname = \"chat\"\nform = \"slack\"\nurl = \"http://127.0.0.1:9/\"\nnetwork = \"internal\"\n";
    let house = House::with(&format!("{SETTINGS}{chat}")).await;
    addressed(&house, "owner", &[(Role::DataOwner, "JP1")]).await;
    let admin = house.visitor("admin", &[(Role::Administrator, "HD")]).await;
    let page = admin.get("/system").await.is(200);
    page.says_nothing_of("Messages that are not known to be sent");
    let accounts = house.registry.all().await.expect("they can be read");
    let owner = accounts.iter().find(|one| one.name == "owner");
    let owner = format!("account:{}", owner.expect("it was added").id);
    let database = house.workspace.database().expect("there is one");
    let ledger = Notices::open(&database).await.expect("it opens");
    let now = environment::now();
    let hour = DAY_MICROS / 24;
    for (recipient, at) in [
        (owner.as_str(), now),
        ("webhook:desk", now - hour),
        ("webhook:chat", now - hour),
    ] {
        let claimed = ledger.claim(recipient, &["one", "two"], at).await;
        assert!(claimed.expect("it is written").is_some());
    }
    let page = admin.get("/system").await.is(200);
    page.says("Messages that are not known to be sent")
        .says("being sent")
        .says("it is sent again")
        .says("it is not sent again");
    let told = admin.get("/api/v1/system").await.is(200).data();
    let messages = told["messages"].as_array().expect("it is a list");
    let found: Vec<[String; 2]> = messages
        .iter()
        .map(|one| {
            ["recipient", "standing"].map(|name| one[name].as_str().unwrap_or("").to_owned())
        })
        .collect();
    let expected = [
        ("owner", "sending"),
        ("chat", "unknown_for_good"),
        ("desk", "unknown"),
    ];
    assert_eq!(found, expected.map(|(a, b)| [a.to_owned(), b.to_owned()]));
    assert!(messages.iter().all(|one| one["notices"] == 2), "{told}");
}
