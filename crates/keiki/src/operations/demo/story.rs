//! When which export arrives.
//!
//! What lies before July 2026 comes in as a load of history on 5 July; from then on every system and every list comes month by
//! month. Fictional Logistics reports a quarter at a time, and late; its plans come once the half-year has ended. On 18 August two
//! figures of the quarter before are corrected. Of August, Fictional Asia sends no incidents at all. On 5 October Fictional China's
//! sheet is a file without a byte, which is refused; it comes again.

use jiff::tz::TimeZone;
use keiki_model::calendar::{Day, Month, date_of};

use super::assets::{self, Span};
use super::lists::{self, LATE_LISTS, LISTS, List};
use super::people::{self, Of};
use super::sheet::day;
use super::{budgets, incidents, vulnerabilities, whole};

/// The month that the scorecard is about.
pub(super) const LAST_MONTH: Month = Month(2026 * 12 + 8);

/// The day before anything happened.
const BEGINNING: Day = 0;

/// What Fictional Europe reports in the place of rows, for all periods.
const TOTALS: &str = include_str!("files/evidence/totals_de1.csv");

/// The periods of it that end in September.
const TOTALS_LAST: [&str; 3] = [",FY2026-Q2,", ",FY2026-H1,", ",2026-09,"];

/// What becomes of an export.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// It is taken in.
    Taken,
    /// It cannot be used, and leaves nothing behind.
    Refused,
}

/// An export that arrives.
#[derive(Debug, Clone)]
pub(super) struct Delivery {
    /// The source.
    pub(super) source: &'static str,
    /// Its files in the workspace with what they hold; none where they stand ready.
    pub(super) files: Vec<(String, String)>,
    /// The day that it speaks for.
    pub(super) as_of: Day,
    /// When it arrives, UTC microseconds.
    pub(super) arrives_at: i64,
    /// What becomes of it.
    pub(super) fate: Fate,
}

/// All exports in the order of their arrival.
pub(super) fn deliveries(zone: &TimeZone) -> Vec<Delivery> {
    let mut plan = Plan {
        zone,
        as_of: day(2026, 6, 30),
        on: day(2026, 7, 5),
        all: Vec::new(),
    };
    plan.history();
    plan.at(day(2026, 7, 15), day(2026, 6, 30));
    plan.logistics_until_june();
    plan.at(day(2026, 8, 5), day(2026, 7, 31));
    plan.month(day(2026, 6, 30));
    plan.asia();
    plan.china();
    plan.at(day(2026, 8, 18), day(2026, 8, 17));
    plan.corrections();
    plan.at(day(2026, 9, 5), day(2026, 8, 31));
    plan.month(day(2026, 7, 31));
    plan.china();
    plan.drills();
    plan.at(day(2026, 10, 5), day(2026, 9, 30));
    plan.month(day(2026, 8, 31));
    plan.half_year();
    plan.at(day(2026, 10, 7), day(2026, 9, 30));
    plan.china();
    plan.at(day(2026, 10, 14), day(2026, 9, 30));
    plan.logistics_until_september();
    plan.all
}

/// The instant at which the story ends, UTC microseconds: the day after the last arrival.
pub(super) fn end(zone: &TimeZone) -> i64 {
    instant(day(2026, 10, 15), zone)
}

/// The instant on a day at which things arrive, UTC microseconds.
pub(super) fn instant(day: Day, zone: &TimeZone) -> i64 {
    let local = date_of(day).at(9, 0, 0, 0).to_zoned(zone.clone());
    local.map_or(0, |local| local.timestamp().as_microsecond())
}

/// The timetable in the making.
struct Plan<'z> {
    zone: &'z TimeZone,
    as_of: Day,
    on: Day,
    all: Vec<Delivery>,
}

impl Plan<'_> {
    /// What comes next arrives on a day and speaks for another.
    fn at(&mut self, on: Day, as_of: Day) {
        (self.on, self.as_of) = (on, as_of);
    }

    fn ready(&mut self, source: &'static str) {
        self.several(source, Vec::new());
    }

    fn file(&mut self, source: &'static str, file: &str, text: String) {
        self.several(source, vec![(format!("evidence/{file}"), text)]);
    }

    fn several(&mut self, source: &'static str, files: Vec<(String, String)>) {
        self.all.push(Delivery {
            source,
            files,
            as_of: self.as_of,
            arrives_at: instant(self.on, self.zone),
            fate: Fate::Taken,
        });
    }

    /// A file without a byte, which says neither that there was something nor that there was nothing.
    fn refused(&mut self, source: &'static str, file: &str) {
        self.file(source, file, String::new());
        if let Some(last) = self.all.last_mut() {
            last.fate = Fate::Refused;
        }
    }

    fn history(&mut self) {
        self.ready("kev");
        self.ready("plan_rates");
        self.assets(day(2023, 4, 1));
        self.file(
            "incidents_log",
            "incidents_log.ndjson",
            incidents::history(self.as_of),
        );
        self.america();
        self.file(
            "incidents_cn1",
            "cn1/incidents.csv",
            incidents::chinese(day(2023, 4, 1), self.as_of),
        );
        self.file("trainings", "trainings.csv", people::trainings(Of::Others));
        self.phishing(day(2023, 4, 1));
        self.totals();
        self.lists(BEGINNING);
    }

    /// Fictional Europe's totals of the periods that have ended.
    fn totals(&mut self) {
        let is_over = self.as_of >= LAST_MONTH.last_day();
        let is_known =
            |line: &&str| is_over || !TOTALS_LAST.iter().any(|period| line.contains(period));
        let lines = TOTALS
            .lines()
            .filter(is_known)
            .map(|line| format!("{line}\n"));
        self.file("totals_de1", "totals_de1.csv", lines.collect());
    }

    fn logistics_until_june(&mut self) {
        let span = Span {
            from: day(2023, 4, 1),
            until: self.as_of,
        };
        self.file("assets_jp3", "jp3/assets.csv", assets::declarations(span));
        self.file(
            "trainings_jp3",
            "jp3/trainings.csv",
            people::trainings(Of::Late),
        );
        self.logistics_lists(day(2023, 4, 1));
    }

    /// One month: what has changed in the registers since the quarter began, the desks, and the lists.
    fn month(&mut self, before: Day) {
        self.assets(self.quarter().from);
        self.incidents();
        self.lists(before);
    }

    /// The lists, what was found vulnerable and what was spent, and the changes of plans since the day before.
    fn lists(&mut self, before: Day) {
        let found = vulnerabilities::found(Of::Others, self.as_of);
        self.file("vulnerabilities", "vulnerabilities.ndjson", found);
        let tickets = vulnerabilities::tickets(self.as_of);
        self.file("tickets_jp2", "jp2/tickets.csv", tickets);
        self.several("budgets", budgets::files(self.as_of));
        let log = lists::entered(whole("milestones.csv"), before, self.as_of);
        self.file("milestones", "milestones.csv", log);
        for list in &LISTS {
            self.list(list);
        }
    }

    fn list(&mut self, list: &List) {
        let text = list.as_of(whole(list.file), self.as_of);
        self.file(list.source, list.file, text);
    }

    fn phishing(&mut self, from: Day) {
        let drills = people::drills(Of::Others, from, self.as_of);
        self.file("phishing", "phishing.csv", drills);
    }

    /// The drills of the quarter.
    fn drills(&mut self) {
        self.phishing(self.quarter().from);
    }

    fn corrections(&mut self) {
        self.file("incidents", "incidents.json", incidents::correction());
        self.file(
            "trainings",
            "trainings.csv",
            people::withdrawn_attendances(),
        );
    }

    /// What the end of September brings beside the month's own.
    fn half_year(&mut self) {
        self.file(
            "incidents_sg1_portal",
            "sg1/portal.csv",
            incidents::asian_issues(day(2026, 9, 1), self.as_of),
        );
        self.refused("incidents_cn1", "cn1/incidents.csv");
        self.file(
            "trainings",
            "trainings.csv",
            people::trainings_since(Of::Others),
        );
        self.drills();
        self.totals();
    }

    fn logistics_until_september(&mut self) {
        let span = self.quarter();
        self.file("assets_jp3", "jp3/assets.csv", assets::declarations(span));
        self.file(
            "trainings_jp3",
            "jp3/trainings.csv",
            people::trainings_since(Of::Late),
        );
        self.logistics_lists(span.from);
        self.ready("milestones_jp3");
        self.ready("reviews_jp3");
    }

    fn logistics_lists(&mut self, from: Day) {
        let drills = people::drills(Of::Late, from, self.as_of);
        self.file("phishing_jp3", "jp3/phishing.csv", drills);
        let found = vulnerabilities::found(Of::Late, self.as_of);
        self.file("vulnerabilities_jp3", "jp3/vulnerabilities.ndjson", found);
        for list in &LATE_LISTS {
            self.list(list);
        }
    }

    fn assets(&mut self, from: Day) {
        let span = Span {
            from,
            until: self.as_of,
        };
        self.file("assets_cmdb", "assets_cmdb.csv", assets::register(span));
        self.file(
            "assets_overseas",
            "assets_overseas.csv",
            assets::overseas(span),
        );
        self.file(
            "assets_mobiles",
            "assets_mobiles.ndjson",
            assets::mobiles(span),
        );
        self.file(
            "assets_clouds",
            "assets_clouds.ndjson",
            assets::clouds(span),
        );
        self.file(
            "assets_scanner",
            "assets_scanner.xml",
            assets::discovered(span),
        );
    }

    fn incidents(&mut self) {
        let from = self.quarter().from;
        self.file(
            "incidents",
            "incidents.json",
            incidents::export(from, self.as_of),
        );
        self.america();
    }

    fn america(&mut self) {
        self.file(
            "incidents_us1",
            "us1/incidents.csv",
            incidents::american(self.as_of),
        );
    }

    /// Fictional Asia's tool until August, when it was put out of use.
    fn asia(&mut self) {
        self.file(
            "incidents_sg1",
            "sg1/incidents.csv",
            incidents::asian(self.quarter().from, self.as_of),
        );
    }

    fn china(&mut self) {
        self.file(
            "incidents_cn1",
            "cn1/incidents.csv",
            incidents::chinese(self.quarter().from, self.as_of),
        );
    }

    /// The quarter until the day that is spoken for.
    fn quarter(&self) -> Span {
        Span {
            from: day(2026, 7, 1),
            until: self.as_of,
        }
    }
}
