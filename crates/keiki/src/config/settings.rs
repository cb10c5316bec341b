//! `keiki.toml`: the organisation, its fiscal years, zone and language, and where its books are.

mod address;
mod close;
mod database;
mod engine;
mod notify;
mod object_store;
mod sign_in;

use std::path::{Component, Path, PathBuf};

use jiff::tz::TimeZone;
use keiki_model::business_days::{BusinessDays, Closure, Holidays};
use keiki_model::calendar::{Calendar, FiscalYear, Month, Period};
use keiki_model::calendars::EntityCalendar;
use keiki_model::disclosure;
use keiki_model::document::{Node, read_document};
use keiki_model::problem::Problem;
use keiki_model::text::{Language, Text};
use url::Url;

pub use address::Link;
pub use close::{Certifier, CloseDays, CloseSettings};
pub use database::{DEFAULT_DATABASE, DatabaseSettings};
pub use engine::{ClusterSettings, EngineSettings, TOKEN_VARIABLE};
pub use notify::{Digest, MailSecurity, MailSettings, NotifySettings, Webhook, WebhookForm};
pub use object_store::ObjectStoreSettings;
pub use sign_in::{OpenIdSettings, Passwords, SignInSettings};

/// The name of the file.
pub const FILE: &str = "keiki.toml";

/// Where the journal lies where nothing else is said.
pub const JOURNAL: &str = ".keiki/journal";
const FIRST_MONTH: i64 = 4;
/// Files of a table after which they are put together.
const TABLE_FILES: usize = 64;
const LANGUAGES: [(&str, Language); 2] = [("ja", Language::Ja), ("en", Language::En)];

/// What `keiki.toml` says.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The organisation's name.
    pub name: Text,
    /// The workspace's language, for users whose own is not known.
    pub language: Language,
    /// The zone in which instants become dates.
    pub zone: TimeZone,
    /// The group's fiscal calendar.
    pub calendar: Calendar,
    /// Fiscal calendars that entities have of their own.
    pub entity_calendars: Vec<EntityCalendar>,
    /// The days on which work is done.
    pub business_days: BusinessDays,
    /// Path or URL of the journal.
    pub journal: String,
    /// How the journal is read where it lies on an object store.
    pub object_store: ObjectStoreSettings,
    /// What reads the journal to measure.
    pub engine: EngineSettings,
    /// Where the operational database is.
    pub database: DatabaseSettings,
    /// For how many days raw files with personal data are kept; absent = for ever.
    pub personal_files_days: Option<i32>,
    /// Of whom figures may speak, and who sees all of them.
    pub people: PeopleSettings,
    /// How periods are closed.
    pub close: CloseSettings,
    /// By what people and other systems are told.
    pub notify: NotifySettings,
    /// How somebody signs in to the pages.
    pub sign_in: SignInSettings,
    /// The folder into which backups are made from a page; `None` = they are made by `keiki backup` alone.
    pub backup_folder: Option<String>,
    /// How many files a table of the journal gathers before an ingest puts them together; `None` = only `keiki compact` does.
    pub table_files: Option<usize>,
}

/// What `[people]` says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeopleSettings {
    /// The fewest people of whom something is said; 0 or 1 = no figure is withheld.
    pub fewest: u32,
    /// The users from whom nothing is withheld.
    pub shown_to: Vec<String>,
}

impl Default for PeopleSettings {
    fn default() -> Self {
        Self {
            fewest: disclosure::FEWEST,
            shown_to: Vec::new(),
        }
    }
}

impl Settings {
    /// Reads the file.
    ///
    /// # Errors
    /// Every fault, each with its place.
    pub fn read(file: &str, text: &str) -> Result<Self, Vec<Problem>> {
        read_document(file, text, settings)
    }

    /// An instant in the workspace's zone, to the minute.
    #[must_use]
    pub fn local(&self, micros: i64) -> String {
        jiff::Timestamp::from_microsecond(micros).map_or_else(
            |_| micros.to_string(),
            |instant| {
                instant
                    .to_zoned(self.zone.clone())
                    .strftime("%Y-%m-%d %H:%M")
                    .to_string()
            },
        )
    }

    /// The address of the journal; a path is taken from the workspace's root.
    ///
    /// # Errors
    /// The path cannot be an address.
    pub fn journal_url(&self, root: &Path) -> Result<Url, Problem> {
        let wrong = || {
            Problem::new(
                keiki_model::problem::Place::file(FILE),
                Text::new(
                    format!("証跡台帳の場所として使えません: {}", self.journal),
                    format!("the journal has no usable address: {}", self.journal),
                ),
            )
            .hint(Text::new(
                "パス(例: .keiki/journal)またはURL(例: s3://bucket/journal)を書いてください",
                "write a path such as .keiki/journal, or a URL such as s3://bucket/journal",
            ))
        };
        if self.journal.contains("://") {
            let mut url = Url::parse(&self.journal).map_err(|_| wrong())?;
            if !url.path().ends_with('/') {
                // Tables lie below it, not beside it.
                let folder = format!("{}/", url.path());
                url.set_path(&folder);
            }
            return Ok(url);
        }
        let place = without_detours(&root.join(&self.journal));
        Url::from_directory_path(place).map_err(|()| wrong())
    }
}

/// A path without `.` and `..`, which addresses do not know.
fn without_detours(path: &Path) -> PathBuf {
    let mut straight = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => _ = straight.pop(),
            Component::CurDir => {}
            part => straight.push(part),
        }
    }
    straight
}

fn settings(node: &Node<'_>) -> Option<Settings> {
    let name = if let Some(table) = node.table("organisation") {
        let name = table.required_text("name");
        table.finish();
        name
    } else {
        if !node.has("organisation") {
            node.report(
                Problem::new(
                    node.place(),
                    Text::new(
                        "表 `[organisation]` がありません",
                        "missing table `[organisation]`",
                    ),
                )
                .hint(Text::new(
                    "name = { ja = \"…\", en = \"…\" } を持つ [organisation] を加えてください",
                    "add [organisation] with name = { ja = \"…\", en = \"…\" }",
                )),
            );
        }
        None
    };
    let language = node.choice("language", &LANGUAGES).unwrap_or(Language::Ja);
    let zone = zone(node);
    let (calendar, entity_calendars) = calendars(node);
    let journal = node.string("journal").unwrap_or_else(|| JOURNAL.to_owned());
    let personal_files_days = retention(node);
    let business_days = business_days(node);
    let people = people(node);
    let table_files = table_files(node);
    let backup_folder = backup_folder(node);
    Some(Settings {
        name: name?,
        language,
        zone: zone?,
        calendar: calendar?,
        entity_calendars,
        business_days: business_days?,
        journal,
        object_store: object_store::object_store(node),
        engine: engine::engine(node),
        database: database::database(node),
        personal_files_days,
        people,
        close: close::close(node),
        notify: notify::notify(node),
        sign_in: sign_in::sign_in(node),
        backup_folder,
        table_files,
    })
}

/// Reads `[backup]`.
fn backup_folder(node: &Node<'_>) -> Option<String> {
    let table = node.table("backup")?;
    let folder = table.required_string("folder");
    table.finish();
    folder
}

/// Reads `[people]`.
fn people(node: &Node<'_>) -> PeopleSettings {
    let mut settings = PeopleSettings::default();
    let Some(table) = node.table("people") else {
        return settings;
    };
    if let Some(fewest) = table.integer("fewest") {
        match u32::try_from(fewest) {
            Ok(fewest) => settings.fewest = fewest,
            Err(_) => table.report(
                Problem::new(
                    table.place_of("fewest"),
                    Text::new(
                        format!("人数にはなりません: {fewest}"),
                        format!("not a number of people: {fewest}"),
                    ),
                )
                .hint(Text::new(
                    "0以上の整数を書いてください(0は秘匿なし)",
                    "write 0 or more; 0 withholds nothing",
                )),
            ),
        }
    }
    settings.shown_to = table.strings("shown_to");
    table.finish();
    settings
}

/// Reads `[retention]`.
fn retention(node: &Node<'_>) -> Option<i32> {
    let table = node.table("retention")?;
    let days = table.required_integer("personal_files_days");
    table.finish();
    let days = days?;
    let sound = i32::try_from(days).ok().filter(|days| *days >= 1);
    if sound.is_none() {
        let message = Text::new(
            format!("保持日数として使えません: {days}"),
            format!("not a number of days: {days}"),
        );
        let problem = Problem::new(table.place_of("personal_files_days"), message);
        node.report(problem.hint(Text::new(
            "1以上の日数を書いてください。無期限に保持する場合は [retention] を外します",
            "write 1 or more; to keep them for ever, leave [retention] out",
        )));
    }
    sound
}

/// Reads `[business_days]`.
fn business_days(node: &Node<'_>) -> Option<BusinessDays> {
    let Some(table) = node.table("business_days") else {
        return (!node.has("business_days")).then(BusinessDays::default);
    };
    let holidays = table.choice("holidays", &Holidays::CHOICES);
    let mut closures = Vec::new();
    let mut is_sound = true;
    let place = table.place_of("closed");
    for text in table.strings("closed") {
        match Closure::parse(&text, &place) {
            Ok(closure) => closures.push(closure),
            Err(problem) => {
                table.report(problem);
                is_sound = false;
            }
        }
    }
    table.finish();
    match BusinessDays::new(holidays.unwrap_or_default(), closures, &place) {
        Ok(days) => is_sound.then_some(days),
        Err(problem) => {
            table.report(problem);
            None
        }
    }
}

/// Reads `[compaction]`: 0 files = never by itself.
fn table_files(node: &Node<'_>) -> Option<usize> {
    let Some(table) = node.table("compaction") else {
        return Some(TABLE_FILES);
    };
    let count = table.required_integer("table_files");
    table.finish();
    let count = count?;
    let sound = usize::try_from(count).ok().filter(|count| *count != 1);
    if sound.is_none() {
        let message = Text::new(
            format!("ファイル数として使えません: {count}"),
            format!("not a number of files: {count}"),
        );
        let problem = Problem::new(table.place_of("table_files"), message);
        node.report(problem.hint(Text::new(
            "2以上のファイル数を書いてください。0とすると、keiki compact を実行したときだけ統合します",
            "write 2 or more; with 0 only keiki compact puts files together",
        )));
    }
    sound.filter(|count| *count > 0)
}

fn zone(node: &Node<'_>) -> Option<TimeZone> {
    let name = node.required_string("zone")?;
    let zone = TimeZone::get(&name).ok();
    if zone.is_none() {
        node.report(
            Problem::new(
                node.place_of("zone"),
                Text::new(
                    format!("時間帯がありません: `{name}`"),
                    format!("unknown time zone: `{name}`"),
                ),
            )
            .hint(Text::new(
                "IANAの名前を使ってください(例: Asia/Tokyo、UTC)",
                "use a name of the IANA database, such as Asia/Tokyo or UTC",
            )),
        );
    }
    zone
}

/// Reads `[fiscal]` and the `[[fiscal.entities]]` in it.
fn calendars(node: &Node<'_>) -> (Option<Calendar>, Vec<EntityCalendar>) {
    let Some(fiscal) = node.table("fiscal") else {
        return (Some(Calendar::default()), Vec::new());
    };
    let group = calendar(&fiscal);
    let entities = fiscal.list("entities");
    let entities = entities.iter().filter_map(entity_calendar).collect();
    fiscal.finish();
    (group, entities)
}

fn entity_calendar(table: &Node<'_>) -> Option<EntityCalendar> {
    let org_unit = table.required_string("org_unit");
    let calendar = calendar(table);
    table.finish();
    Some(EntityCalendar {
        org_unit: org_unit?,
        calendar: calendar?,
        place: table.place(),
    })
}

/// Reads `first_month` and `years`. Years are added one by one, so that a problem stands where the year that makes it stands.
fn calendar(fiscal: &Node<'_>) -> Option<Calendar> {
    let first_month = fiscal.integer("first_month").unwrap_or(FIRST_MONTH);
    let first_month = i32::try_from(first_month).unwrap_or(i32::MAX);
    let mut calendar = match Calendar::new(first_month, Vec::new(), &fiscal.place_of("first_month"))
    {
        Ok(calendar) => Some(calendar),
        Err(problems) => {
            for problem in problems {
                fiscal.report(problem);
            }
            None
        }
    };
    let mut listed = Vec::new();
    for table in fiscal.list("years") {
        let Some(year) = fiscal_year(&table) else {
            calendar = None;
            continue;
        };
        let mut with = listed.clone();
        with.push(year);
        match Calendar::new(first_month.clamp(1, 12), with.clone(), &table.place()) {
            Ok(next) => {
                listed = with;
                calendar = calendar.map(|_| next);
            }
            Err(problems) => {
                for problem in problems {
                    table.report(problem);
                }
                calendar = None;
            }
        }
    }
    calendar
}

fn fiscal_year(table: &Node<'_>) -> Option<FiscalYear> {
    let name = table.required_integer("name");
    let first = month(table, "first");
    let last = month(table, "last");
    table.finish();
    Some(FiscalYear {
        name: i32::try_from(name?).ok()?,
        first: first?,
        last: last?,
    })
}

fn month(table: &Node<'_>, key: &str) -> Option<Month> {
    let text = table.required_string(key)?;
    if let Ok(Period::Month(month)) = Period::parse(&text) {
        return Some(month);
    }
    table.report(
        Problem::new(
            table.place_of(key),
            Text::new(
                format!("月として読めません: `{text}`"),
                format!("not a month: `{text}`"),
            ),
        )
        .hint(Text::new(
            "\"2026-04\" のように書いてください",
            "write it as \"2026-04\"",
        )),
    );
    None
}

/// A whole number of a table that is not less than another; `None` where there is none, or where it is, which is reported.
fn number(table: &Node<'_>, key: &str, least: u64) -> Option<u64> {
    let count = table.integer(key)?;
    let sound = u64::try_from(count).ok().filter(|count| *count >= least);
    if sound.is_none() {
        let message = Text::new(
            format!("`{key}` の値として使えません: {count}"),
            format!("not a value for `{key}`: {count}"),
        );
        let hint = Text::new(
            format!("{least}以上の整数を書いてください"),
            format!("write a whole number, {least} or more"),
        );
        table.report(Problem::new(table.place_of(key), message).hint(hint));
    }
    sound
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(text: &str) -> Vec<String> {
        Settings::read(FILE, text)
            .expect_err("the settings are wrong")
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    #[test]
    fn all_problems_come_at_once_and_each_has_its_place() {
        let found = problems(
            "zone = \"Asia/Tokio\"\nlanguage = \"fr\"\nfiscal = { first_month = 13 }\njurnal = \"x\"\n",
        );
        assert_eq!(found.len(), 5, "{found:?}");
        assert!(
            found
                .iter()
                .any(|p| p.starts_with("keiki.toml:1:8: unknown time zone")),
            "{found:?}"
        );
        assert!(
            found.iter().any(|p| p.contains("did you mean `journal`?")),
            "{found:?}"
        );
    }

    #[test]
    fn closed_days_are_read_and_a_wrong_one_is_named() {
        let text = |closed: &str| {
            format!(
                "zone = \"Asia/Tokyo\"\n[organisation]\nname = {{ ja = \"架空\", en = \"Fictional\" }}\n\
                 [business_days]\nclosed = [{closed}]\n"
            )
        };
        let read = Settings::read(FILE, &text("\"12-29..01-03\"")).expect("it is sound");
        let day = |text| keiki_model::calendar::parse_day(text).expect("a date");
        let next = read.business_days.after(day("2026-12-28"), 1);
        assert_eq!(next, day("2027-01-04"));
        let found = problems(&text("\"12-29..01-03\", \"13-01\""));
        let wrong = "keiki.toml:5:10: not a day of closure: `13-01`\n";
        assert!(found.len() == 1 && found[0].starts_with(wrong), "{found:?}");
    }

    #[test]
    fn an_overlapping_fiscal_year_is_named_where_it_stands() {
        let found = problems(
            "zone = \"UTC\"\n[organisation]\nname = { ja = \"架空\", en = \"Fictional\" }\n\
             [[fiscal.years]]\nname = 2026\nfirst = \"2026-04\"\nlast = \"2027-03\"\n\
             [[fiscal.years]]\nname = 2027\nfirst = \"2027-03\"\nlast = \"2028-02\"\n",
        );
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].starts_with("keiki.toml:8:"), "{found:?}");
    }
}
