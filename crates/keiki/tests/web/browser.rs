//! The main journeys in a real browser without a window: Debian's Chromium through its driver, in both languages.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use keiki_model::access::Role;
use tempfile::TempDir;
use thirtyfour::prelude::*;

use crate::house::{House, PASSWORD, UNHURRIED};
use crate::openid::Provider;

const HEADER: &str = "asset_id,org_unit,kind,name,is_in_scope,owner_id,owner_assigned_on,declared_on,inventoried_on,inventoried_by,disposed_on";

/// The day of the small workspace's evidence.
const DAY: &str = "2026-05-31";

/// Chromium's driver, for one test.
pub(crate) struct Driver {
    process: Child,
    url: String,
    /// What browsers keep, and files that are sent.
    folder: TempDir,
}

impl Driver {
    pub(crate) fn start() -> Self {
        let process = Command::new("chromedriver")
            .arg("--port=0")
            .stdout(Stdio::piped())
            .spawn();
        let mut process = process.expect("chromium-driver is installed");
        let lines = BufReader::new(process.stdout.take().expect("it is piped")).lines();
        let started = lines.map_while(Result::ok).find_map(|line| {
            let port = line.split("started successfully on port ").nth(1)?;
            Some(port.trim_end_matches('.').to_owned())
        });
        let port = started.expect("the driver says its port");
        Self {
            url: format!("http://127.0.0.1:{port}"),
            folder: tempfile::tempdir().expect("a temporary folder can be made"),
            process,
        }
    }

    /// Opens a browser in which nobody is signed in, of somebody who reads a language.
    pub(crate) async fn browser(&self, language: &str) -> Browser {
        self.opened(language, serde_json::json!({})).await
    }

    /// The same, of somebody whose browser runs no script of a page.
    pub(crate) async fn browser_without_scripts(&self, language: &str) -> Browser {
        let refused = 2;
        let wishes =
            serde_json::json!({ "profile.managed_default_content_settings.javascript": refused });
        let browser = self.opened(language, wishes).await;
        // What stands there is a part of the page only where no script runs.
        let page = "data:text/html,<noscript><p>no script</p></noscript>";
        browser.0.goto(page).await.expect("the page opens");
        browser.find("p").await;
        browser
    }

    async fn opened(&self, language: &str, wishes: serde_json::Value) -> Browser {
        let mut capabilities = DesiredCapabilities::chrome();
        for argument in [
            "--headless=new",
            "--no-sandbox",
            "--disable-dev-shm-usage",
            "--window-size=1280,1000",
            &format!("--lang={language}"),
            &format!("--accept-lang={language}"),
        ] {
            capabilities.add_arg(argument).expect("it is an argument");
        }
        let taken = capabilities.add_experimental_option("prefs", wishes);
        taken.expect("it is an option");
        let driver = WebDriver::new(&self.url, capabilities).await;
        Browser(driver.expect("chromium is installed"))
    }

    fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, text).expect("the file can be written");
        path
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        // A driver that has ended already needs no word.
        self.process.kill().unwrap_or_default();
        self.process.wait().map(drop).unwrap_or_default();
    }
}

/// How often a page that is on its way is looked for; a look takes some milliseconds.
const LOOKS_MAX: usize = 10_000;

/// A browser.
pub(crate) struct Browser(WebDriver);

impl Browser {
    pub(crate) async fn open(&self, house: &House, path: &str) {
        let url = format!("{}{path}", house.url);
        self.0.goto(url).await.expect("the page opens");
    }

    pub(crate) async fn find(&self, css: &str) -> WebElement {
        let found = self.0.find(By::Css(css.to_owned())).await.ok();
        let page = match &found {
            Some(_) => String::new(),
            None => self.text().await,
        };
        assert!(found.is_some(), "not found: {css}\n{page}");
        found.expect("it was found")
    }

    /// Finds what a script puts into the page after a while.
    async fn find_at_last(&self, css: &str) {
        let mut looks = 0;
        while self.0.find(By::Css(css.to_owned())).await.is_err() {
            looks += 1;
            assert!(looks < LOOKS_MAX, "not found: {css}");
        }
    }

    /// Clicks what leads to another page, and comes back when that page is there.
    pub(crate) async fn click(&self, css: &str) {
        let before = self.document().await;
        self.pick(css).await;
        let mut looks = 0;
        loop {
            let now = self.document().await;
            if now.is_some() && now != before {
                return;
            }
            looks += 1;
            assert!(looks < LOOKS_MAX, "no page came after {css}");
        }
    }

    /// Clicks what leaves the page as it is.
    pub(crate) async fn pick(&self, css: &str) {
        let element = self.find(css).await;
        element.click().await.expect("it can be clicked");
    }

    /// What the browser calls the document that is loaded; nothing while one is on its way.
    async fn document(&self) -> Option<String> {
        let found = self.0.find(By::Tag("html")).await.ok()?;
        let state = self.0.execute("return document.readyState", Vec::new());
        let state = state.await.ok()?;
        (state.json().as_str() == Some("complete")).then(|| found.element_id().to_string())
    }

    pub(crate) async fn write(&self, css: &str, text: &str) {
        let element = self.find(css).await;
        element
            .send_keys(text)
            .await
            .expect("it can be written into");
    }

    pub(crate) async fn choose(&self, css: &str, value: &str) {
        self.pick(&format!("{css} option[value='{value}']")).await;
    }

    /// Puts a value into a field whose keys depend on the reader's country, as a date's do.
    pub(crate) async fn set(&self, css: &str, value: &str) {
        let element = self.find(css).await;
        let element = element.to_json().expect("it is an element");
        let arguments = vec![element, serde_json::json!(value)];
        let set = self
            .0
            .execute("arguments[0].value = arguments[1]", arguments);
        set.await.expect("it takes a value");
    }

    /// Sends rows of assets for an org unit, up to the page that shows what would become of them.
    pub(crate) async fn send(
        &self,
        driver: &Driver,
        house: &House,
        unit: &str,
        sent: (&str, &str),
    ) {
        let (as_of, rows) = sent;
        self.open(house, "/submit").await;
        self.choose("form[enctype] select[name=into]", "dataset:assets")
            .await;
        self.choose("form[enctype] select[name=unit]", unit).await;
        self.set("form[enctype] input[name=as_of]", as_of).await;
        let file = driver.file("assets.csv", &format!("{HEADER}\n{rows}\n"));
        self.write("input[type=file]", &file.display().to_string())
            .await;
        self.click("form[enctype] button.main").await;
    }

    /// Runs a script that calls its last argument with what came of it.
    pub(crate) async fn run(
        &self,
        script: &str,
        arguments: Vec<serde_json::Value>,
    ) -> serde_json::Value {
        let unhurried = self.0.set_script_timeout(UNHURRIED).await;
        unhurried.expect("a script may take long");
        let done = self.0.execute_async(script, arguments).await;
        let done = done.expect("the script comes to its end");
        done.json().clone()
    }

    pub(crate) async fn text(&self) -> String {
        let body = self.0.find(By::Tag("body")).await.expect("there is a page");
        body.text().await.expect("it has a text")
    }

    pub(crate) async fn says(&self, text: &str) {
        let page = self.text().await;
        assert!(page.contains(text), "not found: {text}\n{page}");
    }

    pub(crate) async fn sign_in(&self, house: &House, name: &str) {
        self.open(house, "/sign-in").await;
        self.write("input[name=name]", name).await;
        self.write("input[name=password]", PASSWORD).await;
        self.click("main button.main").await;
    }

    pub(crate) async fn close(self) {
        self.0.quit().await.expect("the browser closes");
    }
}

/// The words of a language that a journey looks for.
pub(crate) struct Said {
    pub(crate) language: &'static str,
    pub(crate) rejected: &'static str,
    pub(crate) taken: &'static str,
    pub(crate) closed: &'static str,
    pub(crate) open: &'static str,
    pub(crate) sign_in: &'static str,
    pub(crate) staff_account: &'static str,
    pub(crate) restated: &'static str,
    pub(crate) reported_again: &'static str,
    pub(crate) not_here: &'static str,
}

pub(crate) const SAID: [Said; 2] = [
    Said {
        language: "ja",
        rejected: "受け入れない行とその理由",
        taken: "取り込みました",
        closed: "第1版",
        open: "未確定",
        sign_in: "サインイン",
        staff_account: "社員アカウントでサインイン",
        restated: "遡及訂正",
        reported_again: "第2版",
        not_here: "見つかりません",
    },
    Said {
        language: "en",
        rejected: "31 April 2026",
        taken: "It was taken in",
        closed: "revision 1",
        open: "not closed",
        sign_in: "Sign in",
        staff_account: "Sign in with Staff account",
        restated: "Restatements",
        reported_again: "revision 2",
        not_here: "There is no such page",
    },
];

#[tokio::test(flavor = "multi_thread")]
async fn a_data_owner_sends_a_file_with_mistakes_mends_it_and_opens_a_figure_to_its_record() {
    let driver = Driver::start();
    for said in SAID {
        let house = House::new().await;
        house.account("owner", &[(Role::DataOwner, "JP1")]).await;
        let browser = driver.browser(said.language).await;
        browser.sign_in(&house, "owner").await;
        let good = "A7,JP1,hardware,seven,true,E1,2026-04-01,2026-05-20,2026-05-20,declaration,";
        let bad = "A8,JP1,hardware,eight,true,,,31 April 2026,,,";
        let send = async |rows: &str| browser.send(&driver, &house, "JP1", (DAY, rows)).await;
        send(&format!("{good}\n{bad}")).await;
        browser.says(said.rejected).await;
        browser.click("main form a").await;
        send(&format!(
            "{good}\n{}",
            bad.replace("31 April 2026", "2026-05-30")
        ))
        .await;
        browser.click("main form button.main").await;
        browser.says(said.taken).await;
        browser
            .open(&house, "/scorecard?period=2026-05&revision=now")
            .await;
        browser.click("main a[href*='/rows?']").await;
        browser.says("A1").await;
        browser.close().await;
    }
}

/// The programme office asks for a close, and an approver agrees.
pub(crate) async fn close_together(
    house: &House,
    (office, approver): (&Browser, &Browser),
    month: &str,
) {
    let page = format!("/close?period={month}");
    office.open(house, &page).await;
    office
        .write(
            "form[action='/close/request'] textarea",
            "June brings the rest",
        )
        .await;
    office.click("form[action='/close/request'] button").await;
    approver.open(house, "/requests").await;
    approver.click("button[value=agree]").await;
    office.open(house, &page).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_month_is_closed_opened_and_restated_by_two_without_scripts_and_a_session_is_ended() {
    let driver = Driver::start();
    for said in SAID {
        let house = House::new().await;
        for (name, role) in [
            ("office", Role::ProgrammeOffice),
            ("approver", Role::Approver),
            ("admin", Role::Administrator),
            ("owner", Role::DataOwner),
        ] {
            house.account(name, &[(role, "HD")]).await;
        }
        let office = driver.browser_without_scripts(said.language).await;
        office.sign_in(&house, "office").await;
        let approver = driver.browser_without_scripts(said.language).await;
        approver.sign_in(&house, "approver").await;
        close_together(&house, (&office, &approver), "2026-05").await;
        office.says(said.closed).await;
        office
            .write("form[action='/close'] textarea", "one asset more")
            .await;
        office.click("button[value=reopen]").await;
        office.says(said.open).await;
        // What was missing comes, and the month is closed as its second revision, beside which the first stands.
        let owner = driver.browser(said.language).await;
        owner.sign_in(&house, "owner").await;
        let late = "A9,JP1,hardware,nine,true,E1,2026-04-01,2026-05-20,2026-05-20,declaration,";
        owner.send(&driver, &house, "JP1", (DAY, late)).await;
        owner.click("main form button.main").await;
        owner.says(said.taken).await;
        close_together(&house, (&office, &approver), "2026-05").await;
        office.says(said.reported_again).await;
        office.open(&house, "/scorecard?period=2026-05").await;
        office.says(said.restated).await;
        office.says("50.0").await;
        office.says("60.0").await;
        let admin = driver.browser(said.language).await;
        admin.sign_in(&house, "admin").await;
        admin.open(&house, "/users").await;
        admin
            .click("form[action='/users/office/end-sessions'] button")
            .await;
        office.open(&house, "/scorecard").await;
        office.says(said.sign_in).await;
        for browser in [office, approver, owner, admin] {
            browser.close().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_executive_sees_where_the_group_stands_and_goes_down_to_a_record() {
    let driver = Driver::start();
    for said in SAID {
        let house = House::new().await;
        house.account("executive", &[(Role::Executive, "HD")]).await;
        let browser = driver.browser(said.language).await;
        browser.sign_in(&house, "executive").await;
        browser.find("ul.strip li a b").await;
        // From a company's cell of the heat map to its KPI, to the table of the chart, to the group, to a record.
        browser.click("table.heat td a[href*='unit=US1']").await;
        browser.pick("figure summary").await;
        browser.find("figure table").await;
        browser.choose("select[name=unit]", "HD").await;
        browser.click("form.chooser button").await;
        browser.click("main a.big").await;
        browser.says("A1").await;
        // Two org units side by side.
        browser.open(&house, "/scorecard?period=2026-05").await;
        browser.click("main a[href^='/compare?']").await;
        browser.choose("select[name=with_period]", "2026-05").await;
        browser.choose("select[name=with_unit]", "JP1").await;
        browser.click("form.chooser button").await;
        browser.says("66.7").await;
        // What is not theirs is not there.
        browser.open(&house, "/users").await;
        assert!(browser.0.find(By::Css("main table")).await.is_err());
        browser.open(&house, "/nowhere").await;
        browser.says(said.not_here).await;
        browser.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_auditor_follows_a_figure_to_its_raw_file_and_reads_the_log() {
    let driver = Driver::start();
    for said in SAID {
        let house = House::new().await;
        let roles = [(Role::Auditor, "HD"), (Role::PersonalReader, "HD")];
        house.account("auditor", &roles).await;
        let browser = driver.browser(said.language).await;
        browser.sign_in(&house, "auditor").await;
        browser.open(&house, "/scorecard?period=2026-05").await;
        browser.click("table.figures a[href*='/rows?']").await;
        browser.click("main table a[href^='/batches/']").await;
        let file = browser.find("a[download]").await;
        let href = file.attr("href").await.expect("it has an address");
        let fetch = "const done = arguments[1]; fetch(arguments[0]).then((answer) => answer.text()).then(done);";
        let arguments = vec![serde_json::json!(href.expect("it leads to the file"))];
        let text = browser.0.execute_async(fetch, arguments).await;
        let text = text.expect("the file comes");
        let text = text.json().as_str().unwrap_or_default();
        assert!(text.starts_with(HEADER), "{text}");
        browser.open(&house, "/log").await;
        browser.says("assets.csv").await;
        browser.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_programme_office_sets_a_target_that_an_approver_agrees_to_and_adds_an_org_unit() {
    let driver = Driver::start();
    for said in SAID {
        let house = House::new().await;
        house
            .account("office", &[(Role::ProgrammeOffice, "HD")])
            .await;
        house.account("approver", &[(Role::Approver, "HD")]).await;
        let office = driver.browser(said.language).await;
        office.sign_in(&house, "office").await;
        office.open(&house, "/programme").await;
        office
            .click("main a[href='/programme/change?kind=target']")
            .await;
        office.choose("select[name=kpi]", "1").await;
        office.choose("select[name=org_unit]", "JP1").await;
        office.set("input[name=from]", "2026-04-01").await;
        office.write("input[name=at_least]", "0.6").await;
        office
            .write("textarea[name=reason]", "the board of May")
            .await;
        office.click("button[value=preview]").await;
        office.says("at_least").await;
        office.click("button[value=make]").await;
        let approver = driver.browser(said.language).await;
        approver.sign_in(&house, "approver").await;
        approver.open(&house, "/requests").await;
        approver.says("the board of May").await;
        approver.click("button[value=agree]").await;
        office.open(&house, "/programme").await;
        office.says("approver").await;
        office.open(&house, "/programme/organisation").await;
        office
            .click("main a[href='/programme/change?kind=unit_add']")
            .await;
        for (name, text) in [
            ("id", "JP2"),
            ("name_ja", "架空商事"),
            ("name_en", "Trading"),
            ("country", "JP"),
        ] {
            office.write(&format!("input[name={name}]"), text).await;
        }
        office.choose("select[name=parent_id]", "HD").await;
        office.choose("select[name=unit_kind]", "subsidiary").await;
        office.set("input[name=from]", "2026-10-01").await;
        office.write("textarea[name=reason]", "founded").await;
        office.click("button[value=preview]").await;
        office.click("button[value=make]").await;
        office.says("JP2").await;
        for browser in [office, approver] {
            browser.close().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_signs_in_and_out_by_their_organisations_account() {
    let driver = Driver::start();
    for said in SAID {
        let provider = Provider::start();
        let house = House::with(&provider.settings("")).await;
        provider.knows(&house).await;
        let groups = serde_json::json!({ "hanako": ["owners"] });
        provider.say("groups", &groups).await;
        let browser = driver.browser(said.language).await;
        browser.open(&house, "/scorecard?period=2026-05").await;
        browser.says(said.staff_account).await;
        browser.click("a.button.main").await;
        browser.write("input[name=login]", "hanako").await;
        browser.write("input[name=password]", "x").await;
        browser.click("button[type=submit]").await;
        browser.click("button[type=submit]").await;
        browser.says("hanako").await;
        browser.click("form[action='/sign-out'] button").await;
        // The provider asks whether one leaves it too, and leads back.
        browser.click("button[name=logout]").await;
        browser.says(said.staff_account).await;
        browser.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_no_account_sends_a_file_by_a_link_with_scripts_at_work() {
    let driver = Driver::start();
    for said in SAID {
        let house = House::new().await;
        house
            .account("office", &[(Role::ProgrammeOffice, "HD")])
            .await;
        let office = driver.browser(said.language).await;
        office.sign_in(&house, "office").await;
        office.open(&house, "/upload-links").await;
        office.write("input[name=holder]", "Tanaka").await;
        office.choose("select[name=unit]", "JP1").await;
        office.choose("select[name=into]", "dataset:assets").await;
        office.choose("select[name=period]", "2026-05").await;
        office.click("form[action='/upload-links'] button").await;
        let link = office.find("p.note code").await;
        let link = link.text().await.expect("it is shown");
        let holder = driver.browser(said.language).await;
        holder.open(&house, &link).await;
        // What cannot be used is said on the page, which stays where it is.
        let file = driver.file("assets.csv", "a,b\n1,2\n");
        holder
            .write("input[type=file]", &file.display().to_string())
            .await;
        holder.pick("form[enctype] button.main").await;
        holder.find_at_last("p.problem").await;
        let good = "A7,JP1,hardware,seven,true,E1,2026-04-01,2026-05-20,2026-05-20,declaration,";
        let file = driver.file("assets.csv", &format!("{HEADER}\n{good}\n"));
        holder
            .write("input[type=file]", &file.display().to_string())
            .await;
        holder.click("form[enctype] button.main").await;
        // The page of the file can be loaded again.
        holder.0.refresh().await.expect("the page loads again");
        holder.click("main form button.main").await;
        holder.says(said.taken).await;
        for browser in [office, holder] {
            browser.close().await;
        }
    }
}
