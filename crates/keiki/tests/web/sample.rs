//! Each role's main journey on the sample group, in a real browser, in both languages.

use keiki_model::access::Role;

use crate::browser::{Browser, Driver, SAID, Said, close_together};
use crate::house::House;

const GOOD: &str = "hardware,one,true,E1,2026-04-01,2026-07-20,2026-07-20,declaration,";
const BAD: &str = "hardware,two,true,,,31 June 2026,,,";

/// Who works on the sample group, and as what.
const ACCOUNTS: [(&str, Role, &str); 6] = [
    ("executive", Role::Executive, "HD"),
    ("office", Role::ProgrammeOffice, "HD"),
    ("owner", Role::DataOwner, "JP1"),
    ("approver", Role::Approver, "HD"),
    ("auditor", Role::Auditor, "HD"),
    ("admin", Role::Administrator, "HD"),
];

#[tokio::test(flavor = "multi_thread")]
async fn each_role_walks_its_main_journey_on_the_sample_group() {
    let driver = Driver::start();
    let house = House::sample().await;
    for (name, role, unit) in ACCOUNTS {
        house.account(name, &[(role, unit)]).await;
    }
    // Each language closes a month of its own.
    for (said, month, day) in [
        (&SAID[0], "2026-08", "2026-08-31"),
        (&SAID[1], "2026-09", "2026-09-30"),
    ] {
        let browser = async |name: &str| {
            let browser = driver.browser(said.language).await;
            browser.sign_in(&house, name).await;
            browser
        };
        let executive = browser("executive").await;
        look(&executive, &house, month).await;
        let owner = browser("owner").await;
        submit(&driver, &house, &owner, (said, day)).await;
        let (office, approver) = (browser("office").await, browser("approver").await);
        let both = (&office, &approver);
        close_together(&house, both, month).await;
        office.says(said.closed).await;
        office
            .write("form[action='/close'] textarea", "one asset more")
            .await;
        office.click("button[value=reopen]").await;
        office.says(said.open).await;
        let late = format!("{}-3,JP1,{GOOD}", said.language);
        owner.send(&driver, &house, "JP1", (day, &late)).await;
        owner.click("main form button.main").await;
        owner.says(said.taken).await;
        close_together(&house, both, month).await;
        office.says(said.reported_again).await;
        let scorecard = format!("/scorecard?period={month}");
        office.open(&house, &scorecard).await;
        office.says(said.restated).await;
        let auditor = browser("auditor").await;
        auditor.open(&house, &scorecard).await;
        auditor
            .click("table.figures a[href*='/kpis/7/rows?']")
            .await;
        auditor.click("main table a[href^='/batches/']").await;
        auditor.find("main table a[download]").await;
        auditor.open(&house, "/log").await;
        auditor.says("approver").await;
        let admin = browser("admin").await;
        admin.open(&house, "/users").await;
        admin
            .click("form[action='/users/executive/end-sessions'] button")
            .await;
        executive.open(&house, &scorecard).await;
        executive.says(said.sign_in).await;
        for browser in [executive, owner, office, approver, auditor, admin] {
            browser.close().await;
        }
    }
}

/// An executive sees where the group stands, opens a KPI in a company, and its records.
async fn look(executive: &Browser, house: &House, month: &str) {
    executive
        .open(house, &format!("/scorecard?period={month}"))
        .await;
    executive.find("ul.strip li.bad a b").await;
    // Fictional China meets the first figure of KPI 8 and misses the second.
    let of_china = "table.heat td a.bad[href*='/kpis/8?'][href*='unit=CN1']";
    executive.click(of_china).await;
    executive.find("h1 span.st.bad").await;
    executive
        .open(house, &format!("/scorecard?period={month}"))
        .await;
    executive.click("table.heat td a.bad").await;
    executive.find("figure svg").await;
    executive.click("main a.big[href*='/rows?']").await;
    executive.find("div.formula").await;
}

/// The owner of a company's evidence sends a file with a mistake, sees it, and mends it.
async fn submit(driver: &Driver, house: &House, owner: &Browser, (said, day): (&Said, &str)) {
    owner.open(house, "/todo").await;
    let tag = said.language;
    let good = format!("{tag}-1,JP1,{GOOD}");
    let bad = format!("{good}\n{tag}-2,JP1,{BAD}");
    owner.send(driver, house, "JP1", (day, &bad)).await;
    owner.says("31 June 2026").await;
    owner.click("main form a").await;
    owner.send(driver, house, "JP1", (day, &good)).await;
    owner.click("main form button.main").await;
    owner.says(said.taken).await;
}
