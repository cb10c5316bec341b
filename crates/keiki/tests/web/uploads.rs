//! Files that wait for a confirmation, and links by which somebody without an account sends one.

use keiki::operations::upload_links::{self, NewUploadLink};
use keiki_model::access::{Right, Role};
use reqwest::Method;

use crate::house::{Answer, House, Visitor, actor};

const HEADER: &str = "asset_id,org_unit,kind,name,is_in_scope,owner_id,owner_assigned_on,declared_on,inventoried_on,inventoried_by,disposed_on";

/// A good row, one of another org unit, and one without a day.
const ROWS: &str = "A7,JP1,hardware,seven,true,E1,2026-04-01,2026-05-20,2026-05-20,declaration,\n\
                    A9,US1,hardware,not theirs,true,E1,2026-04-01,2026-05-20,2026-05-20,declaration,\n\
                    A8,JP1,hardware,no day,true,,,31 April 2026,,,\n";

/// Sends a file as a form does, and goes where that leads. Returns the page and its path.
async fn send(visitor: &Visitor<'_>, path: &str, fields: &[(&str, &str)]) -> (Answer, String) {
    send_rows(visitor, path, fields, ROWS).await
}

async fn send_rows(
    visitor: &Visitor<'_>,
    path: &str,
    fields: &[(&str, &str)],
    rows: &str,
) -> (Answer, String) {
    let text = format!("{HEADER}\n{rows}");
    let file = Some(("assets.csv", text.as_bytes()));
    visitor.post_parts_and_follow(path, fields, file).await
}

const SAID: [(&str, &str); 3] = [
    ("into", "dataset:assets"),
    ("unit", "JP1"),
    ("as_of", "2026-05-31"),
];

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_waits_outlives_reload_and_restart_and_is_its_senders_alone() {
    let house = House::new().await;
    let owner = house.visitor("owner", &[(Role::DataOwner, "JP1")]).await;
    let (page, path) = send(&owner, "/submit", &SAID).await;
    page.is(200).says("31 April 2026");
    let (_, thrown_away) = send(&owner, "/submit", &SAID).await;
    let cookie = owner.cookie.clone();
    let house = house.restarted().await;
    let owner = house.still(cookie);
    owner.get("/submit").await.is(200).says(&path);
    owner
        .get(&path)
        .await
        .is(200)
        .says("31 April 2026")
        .says("assets.csv");
    // In another language it is read again.
    let language = [("language", "ja"), ("next", "/")];
    owner.post("/language", &language).await.is(303);
    let (one, other) = tokio::join!(owner.get(&path), owner.get(&path));
    for page in [one, other] {
        page.is(200).says("受け入れない行とその理由");
    }
    let other = house.visitor("other", &[(Role::DataOwner, "JP1")]).await;
    other.get("/submit").await.is(200).says_nothing_of(&path);
    other.get(&path).await.is(404);
    for act in ["confirm", "discard"] {
        other.post(&format!("{path}/{act}"), &[]).await.is(404);
    }
    owner
        .post(&format!("{thrown_away}/discard"), &[])
        .await
        .is(303);
    owner.get(&thrown_away).await.is(404);
    owner.post(&format!("{path}/confirm"), &[]).await.is(200);
    owner.post(&format!("{path}/confirm"), &[]).await.is(404);
    owner
        .get("/scorecard?period=2026-05")
        .await
        .is(200)
        .says("3 / 4");
    // Nothing of it is left on the disk.
    let waiting = house.workspace.root.join(".keiki/waiting");
    let left = std::fs::read_dir(waiting).expect("the folder is there");
    assert_eq!(left.count(), 0);
}

const LINK: [(&str, &str); 5] = [
    ("holder", "Tanaka of the plant"),
    ("unit", "JP1"),
    ("into", "dataset:assets"),
    ("period", "2026-05"),
    ("days", "14"),
];

/// The link that a page shows.
fn link(page: &Answer) -> String {
    let before = "<code class=\"link\">";
    let at = page.text.find(before).expect("a link was made");
    let rest = &page.text[at + before.len()..];
    rest[..rest.find('<').expect("it ends")].to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn links_are_shown_whole_where_the_settings_know_the_servers_address() {
    let mail = "[mail]\nserver = \"127.0.0.1\"\nsecurity = \"none\"\nfrom = \"keiki@example.jp\"\n\
                pages = \"https://keiki.example.jp/\"\n";
    let houses = [House::with(mail).await, House::new().await];
    let roles = [(Role::ProgrammeOffice, "HD"), (Role::Administrator, "HD")];
    let known = houses[0].visitor("office", &roles).await;
    let unknown = houses[1].visitor("office", &roles).await;
    let user = [
        ("name", "newcomer"),
        ("shown_name", "Newcomer"),
        ("role", "executive"),
        ("unit", "HD"),
    ];
    for (path, fields, begin) in [
        ("/upload-links", &LINK[..], "/upload/"),
        ("/users", &user[..], "/welcome/"),
    ] {
        let made = known.post(path, fields).await.is(200);
        let made = made.says_nothing_of("keiki.toml");
        let whole = format!("https://keiki.example.jp{begin}");
        assert!(link(&made).starts_with(&whole), "{}", link(&made));
        let made = unknown.post(path, fields).await.is(200);
        let made = made.says("as pages under [mail]");
        assert!(link(&made).starts_with(begin), "{}", link(&made));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_no_account_sends_one_file_by_a_link_and_sees_nothing_else() {
    let house = House::new().await;
    let office = house
        .visitor("office", &[(Role::ProgrammeOffice, "HD")])
        .await;
    let made = office.post("/upload-links", &LINK).await.is(200);
    let path = link(&made.says("Tanaka of the plant"));
    // Who looks into the database learns no link.
    let token = path.trim_start_matches("/upload/").as_bytes();
    for file in ["keiki.db", "keiki.db-wal"] {
        let bytes = std::fs::read(house.workspace.root.join(".keiki").join(file));
        let bytes = bytes.unwrap_or_default();
        assert!(
            !bytes.windows(token.len()).any(|part| part == token),
            "{file}"
        );
    }
    let holder = house.nobody();
    let page = holder.get(&path).await.is(200);
    page.says("Manufacturing")
        .says("Tanaka of the plant")
        .says_nothing_of("American Branch");
    // What the form adds to the file is the link's to say.
    let other = [
        ("into", "source:assets"),
        ("unit", "US1"),
        ("as_of", "2026-04-30"),
    ];
    let (page, file) = send(&holder, &path, &other).await;
    page.is(200)
        .says("31 April 2026")
        .says("2026-05-31")
        .says_nothing_of("not theirs")
        .says_nothing_of("href=\"/scorecard");
    holder.get("/scorecard").await.is(303);
    holder
        .get(&file.replace("/upload/", "/submit/"))
        .await
        .is(404);
    office
        .get("/scorecard?period=2026-05")
        .await
        .is(200)
        .says("2 / 4");
    // Another link's holder, and who made the link, cannot take it in.
    let second = link(&office.post("/upload-links", &LINK).await.is(200));
    let id = file.rsplit('/').next().expect("it has parts").to_owned();
    holder.get(&format!("{second}/{id}")).await.is(404);
    holder
        .post(&format!("{second}/{id}/confirm"), &[])
        .await
        .is(404);
    office
        .post(&format!("/submit/{id}/confirm"), &[])
        .await
        .is(404);
    let taken = holder.post(&format!("{file}/confirm"), &[]).await.is(200);
    taken
        .says("was taken in")
        .says_nothing_of("href=\"/evidence");
    office
        .get("/scorecard?period=2026-05")
        .await
        .is(200)
        .says("3 / 5");
    // It holds once.
    holder.get(&path).await.is(404).says("does not hold");
    holder.post(&format!("{file}/confirm"), &[]).await.is(404);
    let (page, _) = send(&holder, &path, &[]).await;
    page.is(404);
    let log = house.registry.log().before(None, 1).await;
    let event = &log.expect("the log can be read")[0].event;
    assert!(event.actor.starts_with("link "), "{event:?}");
    assert!(event.actor.ends_with(" Tanaka of the plant"), "{event:?}");
    assert_eq!(
        (event.action.as_str(), event.address.as_str()),
        ("submit", "127.0.0.1")
    );
    office
        .get("/upload-links")
        .await
        .is(200)
        .says("used")
        .says("holds");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_that_holds_no_longer_is_told_from_one_that_never_was_by_nothing() {
    let house = House::without_evidence().await;
    let office = house
        .visitor("office", &[(Role::ProgrammeOffice, "HD")])
        .await;
    let revoked = link(&office.post("/upload-links", &LINK).await.is(200));
    let page = office.get("/upload-links").await.is(200);
    let at = page
        .text
        .find("/upload-links/")
        .expect("it can be taken back");
    let action = &page.text[at..];
    let action = &action[..action.find('"').expect("it ends")];
    office.post(action, &[]).await.is(303);
    office.post(action, &[]).await.is(422);
    let links = upload_links::open(&house.workspace)
        .await
        .expect("they open");
    let new = NewUploadLink {
        holder: "Tanaka".to_owned(),
        org_unit: "JP1".to_owned(),
        into: "dataset:assets".to_owned(),
        period: "2026-05".to_owned(),
        days: 1,
    };
    let mut by = actor("tests");
    by.now -= 2 * 86_400_000_000;
    let expired = upload_links::make(&house.workspace, &links, &new, &by).await;
    let (_, expired) = expired.expect("it is made");
    let nobody = house.nobody();
    let unknown = format!("/upload/{}", "ab".repeat(32));
    let plain = |page: &Answer, path: &str| page.text.replace(path, "");
    let expected = plain(&nobody.get(&unknown).await.is(404), &unknown);
    for path in [revoked, format!("/upload/{expired}")] {
        let page = nobody.get(&path).await.is(404);
        assert_eq!(plain(&page, &path), expected);
        let (page, _) = send(&nobody, &path, &[]).await;
        page.is(404);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn links_are_made_by_the_programme_office_for_its_own_org_units_by_nobodys_program() {
    let house = House::without_evidence().await;
    let partly = house
        .visitor("partly", &[(Role::ProgrammeOffice, "JP1")])
        .await;
    partly.post("/upload-links", &LINK).await.is(200);
    let mut elsewhere = LINK;
    elsewhere[1].1 = "US1";
    partly.post("/upload-links", &elsewhere).await.is(404);
    let us = house.visitor("us", &[(Role::ProgrammeOffice, "US1")]).await;
    us.get("/upload-links")
        .await
        .is(200)
        .says_nothing_of("Tanaka");
    for (at, value) in [
        (0, ""),
        (0, "a\r\nb"),
        (2, "dataset:nowhere"),
        // A source that speaks for the whole group.
        (2, "source:assets"),
        (2, "assets"),
        (3, "2999-01"),
        (3, "May"),
        (4, "61"),
        (4, "soon"),
    ] {
        let mut wrong = LINK;
        wrong[at].1 = value;
        partly.post("/upload-links", &wrong).await.is(422);
    }
    let program = house.program("partly", &[Right::Close]).await;
    program
        .get("/api/v1/upload-links")
        .await
        .is(200)
        .says("Tanaka");
    let asked = serde_json::json!({
        "holder": "Tanaka", "unit": "JP1", "into": "dataset:assets", "period": "2026-05",
    });
    program.tell("/api/v1/upload-links", &asked).await.is(403);
    let made = partly.tell("/api/v1/upload-links", &asked).await.is(200);
    let made = made.data();
    let path = made["path"].as_str().expect("it is a path").to_owned();
    house.nobody().get(&path).await.is(200);
    let id = made["id"].as_str().expect("it is an id");
    partly
        .tell(
            &format!("/api/v1/upload-links/{id}/revoke"),
            &serde_json::json!({}),
        )
        .await
        .is(200);
    house.nobody().get(&path).await.is(404);
}

/// What a page says in a field that it hides.
fn hidden<'p>(page: &'p Answer, name: &str) -> &'p str {
    let mark = format!("name=\"{name}\" value=\"");
    let at = page.text.find(&mark).expect("it has the field") + mark.len();
    let rest = &page.text[at..];
    &rest[..rest.find('"').expect("it ends")]
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_confirmed_is_what_was_seen_or_nothing_is_taken_in() {
    let house = House::new().await;
    let office = house
        .visitor("office", &[(Role::ProgrammeOffice, "HD")])
        .await;
    let said = [("into", "dataset:assets"), ("as_of", "2026-05-31")];
    // Of the rows one is of an org unit that the tree does not know.
    let strange = ROWS.replace("US1", "JP9");
    let (page, path) = send_rows(&office, "/submit", &said, &strange).await;
    let seen = hidden(&page.is(200).says("JP9"), "seen").to_owned();
    let cookie = office.cookie.clone();
    let place = house.workspace.root.join("org.csv");
    let tree = std::fs::read_to_string(&place).expect("it is there");
    let grown = format!("{tree}JP9,HD,新会社,New Company,subsidiary,JP,,,\n");
    std::fs::write(&place, grown).expect("it can be written");
    let house = house.restarted().await;
    let office = house.still(cookie);
    let confirm = format!("{path}/confirm");
    let fields = [("seen", seen.as_str())];
    let page = office.post(&confirm, &fields).await.is(422);
    let page = page.says("has changed since you looked");
    let now = hidden(&page, "seen").to_owned();
    assert_ne!(now, seen);
    // Whoever still has the page of before is told so again.
    office.post(&confirm, &fields).await.is(422);
    office
        .get("/scorecard?period=2026-05")
        .await
        .is(200)
        .says("2 / 4");
    office.post(&confirm, &[("seen", &now)]).await.is(200);
    // A program that names no version confirms what was found last.
    let program = house
        .program("office", &[Right::Submit, Right::SeeEvidence])
        .await;
    let asked = "/api/v1/previews?into=dataset:assets&name=a.csv&as_of=2026-05-31";
    let body = format!("{HEADER}\n{strange}").replace("A9", "A10");
    let request = program.request(&Method::POST, asked).body(body);
    let preview = program.send(request).await.is(200).data();
    let confirm = format!(
        "/api/v1/previews/{}/confirm",
        preview["token"].as_str().expect("it is a token")
    );
    let old = format!("{confirm}?version={seen}");
    let nothing = serde_json::json!({});
    program.tell(&old, &nothing).await.is(422);
    program.tell(&confirm, &nothing).await.is(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ninth_file_takes_the_place_of_the_oldest_that_waits() {
    let house = House::without_evidence().await;
    let owner = house.visitor("owner", &[(Role::DataOwner, "JP1")]).await;
    let mut paths = Vec::new();
    for _ in 0..9 {
        let (page, path) = send(&owner, "/submit", &SAID).await;
        page.is(200);
        paths.push(path);
    }
    let waiting = owner.get("/submit").await.is(200);
    let shown = paths.iter().filter(|path| waiting.text.contains(*path));
    assert_eq!(shown.count(), 8);
    owner.get(&paths[8]).await.is(200);
}
