//! The books of people: accounts, sessions, second factors, tokens, and who stands behind a token of the journal.

use keiki_model::access::{Grant, Right, Role};
use keiki_model::text::Language;
use keiki_store::{
    AccountStanding, Accounts, ApiTokens, LinkFor, PersonEvent, PersonLog, SecondFactors, Sessions,
    StoredApiToken, StoredSession, Tokens,
};

use crate::in_both;

fn grant(role: Role, org_unit: &str) -> Grant {
    Grant {
        role,
        org_unit: org_unit.to_owned(),
    }
}

in_both! {

async fn an_account_comes_back_as_it_was_kept(place) {
    let accounts = Accounts::open(&place.database).await.unwrap();
    let grants = [grant(Role::DataOwner, "JP1"), grant(Role::Approver, "HD")];
    let id = accounts.add("sato", "佐藤", &grants, 1_790_000_000_000_000).await.unwrap().unwrap();
    assert_eq!(accounts.add("sato", "other", &[], 2).await.unwrap(), None);
    accounts.add("Zeta", "", &[], 2).await.unwrap().unwrap();
    accounts.set_password(&id, "hash").await.unwrap();
    accounts.set_language(&id, Language::En).await.unwrap();
    accounts.set_mail(&id, Some("a@example.jp")).await.unwrap();
    accounts.set_mail(&id, Some("b@example.jp")).await.unwrap();
    let found = accounts.named("sato").await.unwrap().unwrap();
    assert_eq!((found.shown_name.as_str(), found.language, found.mail.as_deref()), ("佐藤", Some(Language::En), Some("b@example.jp")));
    assert_eq!(found.grants, [grant(Role::Approver, "HD"), grant(Role::DataOwner, "JP1")]);
    assert_eq!(found.created_at, 1_790_000_000_000_000);
    accounts.set_mail(&id, None).await.unwrap();
    accounts.set_standing(&id, AccountStanding::Disabled).await.unwrap();
    accounts.set_grants(&id, &[]).await.unwrap();
    let found = accounts.of_id(&id).await.unwrap().unwrap();
    assert_eq!((found.standing, found.mail, found.grants.len()), (AccountStanding::Disabled, None, 0));
    // Names are in the order of their bytes, whatever the database's own order.
    let names: Vec<String> = accounts.all().await.unwrap().into_iter().map(|one| one.name).collect();
    assert_eq!(names, ["Zeta", "sato"]);
}

async fn a_link_holds_once_and_attempts_are_counted_for_all(place) {
    let one = Accounts::open(&place.database).await.unwrap();
    let other = Accounts::open(&place.again()).await.unwrap();
    one.add_link("first", &LinkFor::FirstAdministrator, 100).await.unwrap();
    one.add_link("second", &LinkFor::FirstAdministrator, 100).await.unwrap();
    assert_eq!(other.link("first", 1).await.unwrap(), None);
    assert_eq!(other.link("second", 1).await.unwrap(), Some(LinkFor::FirstAdministrator));
    assert_eq!(other.link("second", 100).await.unwrap(), None);
    assert_eq!(other.take_link("second", 1).await.unwrap(), Some(LinkFor::FirstAdministrator));
    assert_eq!(one.take_link("second", 1).await.unwrap(), None);
    for at in 1..=4 {
        let at_either = if at % 2 == 0 { &one } else { &other };
        at_either.note_failure("sato", at, 0).await.unwrap();
    }
    assert_eq!(one.failures("sato").await.unwrap().count, 4);
    other.clear_failures("sato").await.unwrap();
    assert_eq!(one.failures("sato").await.unwrap().count, 0);
}

async fn a_session_that_is_ended_is_ended_everywhere(place) {
    let one = Sessions::open(&place.database).await.unwrap();
    let other = Sessions::open(&place.again()).await.unwrap();
    let session = |token: &str, seen_at: i64| StoredSession {
        token_sha256: token.to_owned(),
        account_id: "a".to_owned(),
        created_at: 1,
        seen_at,
        expires_at: 1_790_000_000_000_000,
        agent: "ブラウザー".to_owned(),
    };
    one.add(&session("x", 1)).await.unwrap();
    one.add(&session("y", 2)).await.unwrap();
    assert_eq!(other.find("x", 5).await.unwrap(), Some(session("x", 1)));
    other.touch("x", 9).await.unwrap();
    let tokens: Vec<String> = one.of_account("a", 5).await.unwrap().into_iter().map(|one| one.token_sha256).collect();
    assert_eq!(tokens, ["x", "y"]);
    other.end("x").await.unwrap();
    assert_eq!(one.find("x", 5).await.unwrap(), None);
    other.end_all_of("a").await.unwrap();
    assert_eq!(one.find("y", 5).await.unwrap(), None);
}

async fn a_code_holds_once(place) {
    let factors = SecondFactors::open(&place.database).await.unwrap();
    assert!(factors.begin("a", "SECRET").await.unwrap());
    assert!(factors.begin("a", "OTHER").await.unwrap());
    assert!(factors.confirm("a", 10, &["c1".to_owned(), "c2".to_owned()]).await.unwrap());
    assert!(!factors.begin("a", "THIRD").await.unwrap());
    let found = factors.find("a").await.unwrap().unwrap();
    assert_eq!((found.secret.as_str(), found.last_step, found.codes), ("OTHER", Some(10), 2));
    assert!(factors.take_step("a", 11).await.unwrap());
    assert!(!factors.take_step("a", 11).await.unwrap());
    assert!(factors.take_code("a", "c1").await.unwrap());
    assert!(!factors.take_code("a", "c1").await.unwrap());
    factors.remove("a").await.unwrap();
    assert_eq!(factors.find("a").await.unwrap(), None);
}

async fn a_token_of_a_program_comes_back_until_it_is_revoked(place) {
    let tokens = ApiTokens::open(&place.database).await.unwrap();
    let token = StoredApiToken {
        id: "t".to_owned(),
        token_sha256: "hash".to_owned(),
        account_id: "a".to_owned(),
        name: "監視".to_owned(),
        rights: vec![Right::See],
        created_at: 1,
        expires_at: 100,
        seen_at: None,
    };
    tokens.add(&token).await.unwrap();
    tokens.touch("t", 7).await.unwrap();
    let seen = StoredApiToken { seen_at: Some(7), ..token };
    assert_eq!(tokens.find("hash", 50).await.unwrap(), Some(seen.clone()));
    assert_eq!(tokens.all(50).await.unwrap(), [seen]);
    assert_eq!(tokens.find("hash", 100).await.unwrap(), None);
    assert!(tokens.revoke("t").await.unwrap());
    assert!(!tokens.revoke("t").await.unwrap());
}

async fn what_was_done_about_people_is_in_order(place) {
    let log = PersonLog::open(&place.database).await.unwrap();
    let event = |at: i64, token: Option<&str>| PersonEvent {
        at,
        author: "sato".to_owned(),
        action: "erase".to_owned(),
        token: token.map(str::to_owned),
        reason: "本人の請求".to_owned(),
        count: 3,
    };
    log.add(&event(2, Some("p-1"))).await.unwrap();
    log.add(&event(1, None)).await.unwrap();
    assert_eq!(log.events().await.unwrap(), [event(2, Some("p-1")), event(1, None)]);
}

async fn nobody_is_found_where_nobody_was_named(place) {
    let tokens = Tokens::open(&place.database).await.unwrap();
    assert_eq!(tokens.find("%").await.unwrap(), []);
    assert_eq!(tokens.of_token("p-0").await.unwrap(), None);
    assert!(!tokens.erase("nobody").await.unwrap());
}

}
