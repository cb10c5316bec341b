//! The group's assets: a state of each for its purchase and for each stocktake that found it.

use keiki_model::calendar::Day;
use serde_json::json;

use super::dice::Dice;
use super::sheet::{Sheet, american, day, iso, slashed};
use super::tables::{Row, YEARS, is_chosen, percent_of, rows};

const TABLE: &str = include_str!("tables/assets.csv");

/// Days between which states begin that an export holds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Span {
    /// The first day.
    pub(super) from: Day,
    /// The last day.
    pub(super) until: Day,
}

/// One state of an asset.
struct State {
    number: String,
    unit: &'static str,
    kind: &'static str,
    name: String,
    /// Where the register says that it stands; empty where it does not say.
    site: &'static str,
    owner: String,
    owned_on: Option<Day>,
    found_on: Day,
    stocktake_on: Option<Day>,
    is_declared: bool,
    monitored_on: Option<Day>,
    disposed_on: Option<Day>,
    effective_on: Day,
}

/// The Japanese companies but Fictional Logistics: the configuration database's states, but for mobile devices and cloud.
pub(super) fn register(span: Span) -> String {
    let mut sheet = Sheet::new(
        "資産番号,管理組織,区分,資産名,拠点,棚卸対象,管理責任者,責任者決定日,申告日,検出日,棚卸日,棚卸方法,監視開始日,廃棄日,変更日",
    );
    let is_ours = |row: &Row| {
        !is_overseas(row.text(0))
            && row.text(0) != "JP3"
            && !matches!(row.text(1), "mobile" | "cloud")
    };
    for state in states(span, is_ours) {
        let [declared, discovered] = state.ways();
        sheet.row(&[
            &state.number,
            state.unit,
            if state.kind == "software" {
                "ソフトウェア"
            } else {
                "ハードウェア"
            },
            &state.name,
            state.site,
            "はい",
            if state.owned_on.is_some() {
                &state.owner
            } else {
                ""
            },
            &maybe(state.owned_on, iso),
            &maybe(declared, iso),
            &maybe(discovered, iso),
            &state.stocktake_as_typed(),
            match (state.stocktake_on, state.is_declared) {
                (None, _) => "",
                (Some(_), true) => "申告",
                (Some(_), false) => "資産管理ツール",
            },
            &maybe(state.monitored_on, iso),
            &maybe(state.disposed_on, iso),
            &iso(state.effective_on),
        ]);
    }
    sheet.text()
}

/// The declarations of Fictional Logistics, of all kinds.
pub(super) fn declarations(span: Span) -> String {
    let mut sheet =
        Sheet::new("番号,種類,機器名,責任者,責任者決定日,申告日,棚卸日,監視開始日,廃棄日,記入日");
    for state in states(span, |row| row.text(0) == "JP3") {
        let kind = match state.kind {
            "software" => "ソフト",
            "mobile" => "携帯",
            "cloud" => "クラウド",
            _ => "機器",
        };
        sheet.row(&[
            &state.number,
            kind,
            &state.name,
            if state.owned_on.is_some() {
                &state.owner
            } else {
                ""
            },
            &maybe(state.owned_on, slashed),
            &maybe(state.stocktake_on, slashed),
            &maybe(state.stocktake_on, slashed),
            &maybe(state.monitored_on, slashed),
            &maybe(state.disposed_on, slashed),
            &slashed(state.effective_on),
        ]);
    }
    sheet.text()
}

/// The overseas entities' inventory tool.
pub(super) fn overseas(span: Span) -> String {
    let mut sheet = Sheet::new(
        "Tag,Entity,Class,Description,Owner,Owner since,First seen,Verified,Monitored since,Retired,Changed",
    );
    let is_ours =
        |row: &Row| is_overseas(row.text(0)) && !matches!(row.text(1), "mobile" | "cloud");
    for state in states(span, is_ours) {
        sheet.row(&[
            &state.number,
            state.unit,
            if state.kind == "software" {
                "Software"
            } else {
                "Hardware"
            },
            &state.name,
            if state.owned_on.is_some() {
                &state.owner
            } else {
                ""
            },
            &maybe(state.owned_on, american),
            &american(state.found_on),
            &maybe(state.stocktake_on, american),
            &maybe(state.monitored_on, american),
            &maybe(state.disposed_on, american),
            &american(state.effective_on),
        ]);
    }
    sheet.text()
}

/// The management tool of mobile devices, one object per line.
pub(super) fn mobiles(span: Span) -> String {
    lines(states(span, |row| {
        row.text(1) == "mobile" && row.text(0) != "JP3"
    }))
}

/// The list of cloud services out of the web gateway, one object per line.
pub(super) fn clouds(span: Span) -> String {
    lines(states(span, |row| {
        row.text(1) == "cloud" && row.text(0) != "JP3"
    })) + undecided(span).as_str()
}

fn lines(states: impl Iterator<Item = State>) -> String {
    let line = |state: State| {
        json!({
            "id": state.number,
            "org": state.unit,
            "label": state.name,
            "user": state.owned_on.map(|_| state.owner.clone()),
            "assigned": state.owned_on.map(iso),
            "enrolled": iso(state.found_on),
            "checked": state.stocktake_on.map(iso),
            "protected": state.monitored_on.map(iso),
            "wiped": state.disposed_on.map(iso),
            "updated": iso(state.effective_on),
        })
        .to_string()
            + "\n"
    };
    states.map(line).collect()
}

/// Services that the gateway saw and of which nobody has decided yet; most were decided by the summer, six of the rest are those
/// of Fictional Asia.
fn undecided(span: Span) -> String {
    let mut text = String::new();
    for index in 0..34 {
        let unit = match index {
            0..6 => "SG1",
            6..16 => "JP2-IT",
            16..26 => "JP1-RD",
            _ => "JP4",
        };
        let seen = day(2026, 1, 8) + index * 5;
        let decided = (index >= 6 && index % 9 != 7).then(|| day(2026, 7, 20) + index * 2);
        for (effective_on, triaged) in [(Some(seen), None), (decided, decided)] {
            let Some(effective_on) = effective_on.filter(|on| span.holds(*on)) else {
                continue;
            };
            let line = json!({
                "id": format!("CASB-{:03}", index + 1), "org": unit, "label": "unsanctioned file sharing",
                "enrolled": iso(seen), "triaged": triaged.map(iso), "undecided": triaged.is_none(),
                "updated": iso(effective_on),
            });
            text.push_str(&format!("{line}\n"));
        }
    }
    text
}

/// What the network scanner saw in the west plant and nobody owned: 23 devices; 16 were declared by June, 4 scrapped, 3 are left.
pub(super) fn discovered(span: Span) -> String {
    let mut text = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<inventory scanner=\"network scanner\">\n <site id=\"JP1-FAC2\">\n".to_owned();
    for index in 0..23 {
        let seen = day(2026, 2, 11) + index * 2;
        let host = match index {
            0 => "maintenance-gw".to_owned(),
            1..9 => format!("plc-{index:02}"),
            9..16 => format!("camera-{index:02}"),
            _ => format!("unknown-{index:02}"),
        };
        let settled = match index {
            0 | 21 | 22 => None,
            17..21 => Some(day(2026, 7, 3) + index),
            _ => Some(day(2026, 4, 20) + index * 4),
        };
        for on in [Some(seen), settled].into_iter().flatten() {
            if !span.holds(on) {
                continue;
            }
            let is_settled = Some(on) == settled;
            let is_scrapped = is_settled && index > 16;
            let outcome = match (is_settled, is_scrapped) {
                (false, _) => String::new(),
                (true, true) => format!("<gone>{}</gone>", iso(on)),
                (true, false) => format!("<declared>{}</declared>", iso(on)),
            };
            text.push_str(&format!(
                "  <device mac=\"02-00-5e-10-00-{index:02x}\" at=\"{}\"><hostname>{host}</hostname><firstSeen>{}</firstSeen>{outcome}</device>\n",
                iso(on),
                iso(seen),
            ));
        }
    }
    text + " </site>\n</inventory>\n"
}

impl Span {
    fn holds(self, on: Day) -> bool {
        (self.from..=self.until).contains(&on)
    }
}

impl State {
    /// The stocktake's day as it stands in the register: one in four hundred is a day that does not exist, at Fictional
    /// Precision one in forty in its first months.
    fn stocktake_as_typed(&self) -> String {
        let typed = maybe(self.stocktake_on, iso);
        let (year, month, last) = TYPED_UNTIL;
        let is_new = self.unit == "JP5" && self.effective_on < day(2025, 1, 1);
        let sides = if is_new { 40 } else { 400 };
        let thrown = Dice::of(&format!("typed {} {typed}", self.number)).below(sides);
        if typed.is_empty() || thrown > 0 || self.effective_on > day(year, month, last) {
            return typed;
        }
        // The day and the month have changed places.
        format!(
            "{}-{:02}-{}",
            &typed[..4],
            13 + self.found_on % 15,
            &typed[5..7]
        )
    }

    /// The day of the declaration and the day on which a tool saw it.
    fn ways(&self) -> [Option<Day>; 2] {
        // What nobody owns was at least declared, or the scanner's devices would not stand out.
        if self.is_declared || self.owned_on.is_none() {
            [self.stocktake_on.or(Some(self.found_on)), None]
        } else {
            [None, Some(self.found_on)]
        }
    }
}

/// Days before which slips of the pen are found: later ones were asked about at once.
const TYPED_UNTIL: (i16, i8, i8) = (2026, 3, 31);

/// Tells whether whoever registers the asset has to name its owner.
fn has_owners(unit: &str, kind: &str) -> bool {
    is_overseas(unit) || matches!(kind, "mobile" | "cloud")
}

fn is_overseas(unit: &str) -> bool {
    matches!(unit, "US1" | "SG1" | "CN1" | "DE1")
}

fn maybe(on: Option<Day>, form: fn(Day) -> String) -> String {
    on.map_or_else(String::new, form)
}

/// The states of the chosen rows that begin within a span.
fn states(span: Span, is_wanted: impl Fn(&Row) -> bool) -> impl Iterator<Item = State> {
    let wanted: Vec<Row> = rows(TABLE).filter(is_wanted).collect();
    wanted
        .into_iter()
        .flat_map(move |row| (0..row.number(2)).flat_map(move |index| of_slot(row, index, span)))
}

/// The states of the one or two assets that have held a place. A fifth of the places saw one replaced.
fn of_slot(row: Row, index: i32, span: Span) -> Vec<State> {
    let (unit, kind) = (row.text(0), row.text(1));
    let letter = kind.chars().next().unwrap_or('h').to_ascii_uppercase();
    let mut dice = Dice::of(&format!("{unit} {kind} {index}"));
    let first = if unit == "JP5" {
        day(2024, 10, 1)
    } else {
        day(2023, 4, 1)
    };
    let replaced_on = (index % 5 == 0).then(|| day(2025, 4, 4) + dice.below(420));
    let lives = [
        (first, replaced_on, ""),
        (replaced_on.unwrap_or(first), None, "B"),
    ];
    let is_replaced = replaced_on.is_some();
    let mut states = Vec::new();
    for (begin, end, mark) in lives.into_iter().take(1 + usize::from(is_replaced)) {
        let mut state = State {
            number: format!("{letter}-{unit}-{:04}{mark}", index + 1),
            unit,
            kind,
            name: name_of(kind, unit, index),
            site: site(unit, kind, index),
            owner: format!("E{:05}", 10_000 + dice.below(6_000)),
            owned_on: (!dice.percent(2) || has_owners(unit, kind)).then_some(begin),
            found_on: begin,
            stocktake_on: None,
            is_declared: dice.percent(55),
            monitored_on: None,
            disposed_on: None,
            effective_on: begin,
        };
        push(&mut states, &state, span);
        for (at, year) in YEARS.into_iter().enumerate() {
            let Some(on) = stocktake(row, index, at, &mut dice) else {
                continue;
            };
            if on < begin || end.is_some_and(|end| on >= end) {
                continue;
            }
            state.stocktake_on = Some(on);
            state.owned_on = state.owned_on.or(Some(on));
            state.monitored_on = state
                .monitored_on
                .or_else(|| rolled_out(state.site, index).filter(|live| *live <= on))
                .or_else(|| monitoring(kind, index, year).then_some(on));
            state.effective_on = on;
            push(&mut states, &state, span);
        }
        if let Some(end) = end {
            state.disposed_on = Some(end);
            state.effective_on = end;
            push(&mut states, &state, span);
        }
    }
    states
}

/// The day of a year's stocktake on which a place was found, if it was: from May on, most before the autumn.
fn stocktake(row: Row, index: i32, at: usize, dice: &mut Dice) -> Option<Day> {
    let year = YEARS[at];
    let (count, salt) = (row.number(2), i32::from(year));
    let quota = percent_of(count, row.number(3 + at));
    let start = if row.text(0) == "JP5" && year == 2024 {
        day(2024, 10, 7)
    } else {
        day(year, 5, 7)
    };
    let span = match year {
        2026 => day(2026, 9, 28) - start,
        _ => day(year + 1, 3, 27) - start,
    };
    // The thrown day is used up in any case, so that other years stay as they are.
    let on = start + dice.below(span);
    is_chosen(index, count, quota, salt).then_some(on)
}

/// Whether a stocktake of the year finds the asset watched: more of them every year.
fn monitoring(kind: &str, index: i32, year: i16) -> bool {
    let percent = match year {
        2023 => 30,
        2024 => 48,
        2025 => 64,
        _ => 74,
    };
    kind != "software" && is_chosen(index, 100, percent, 3)
}

/// Where the register of a company that has several sites says that a machine stands.
fn site(unit: &str, kind: &str, index: i32) -> &'static str {
    match (unit, index) {
        _ if kind != "hardware" => "",
        ("JP1-FAC2", _) => "西工場",
        // Of machines that are exchanged often, Fictional Solutions does not write down where they stand.
        ("JP4", 0..150) if index % 5 > 0 => "大阪事業所",
        ("JP4", 150..400) if index % 5 > 0 => "開発センター",
        _ => "",
    }
}

/// The day on which the roll-out of the monitoring reached a machine of a site.
fn rolled_out(site: &str, index: i32) -> Option<Day> {
    match site {
        "開発センター" => Some(day(2024, 3, 29) - index % 28),
        "大阪事業所" => Some(day(2025, 6, 10) - index % 26),
        _ => None,
    }
}

fn push(states: &mut Vec<State>, state: &State, span: Span) {
    // What changes on the day of the purchase is the purchase.
    let same =
        |last: &State| last.number == state.number && last.effective_on == state.effective_on;
    states.pop_if(|last| same(last));
    if span.holds(state.effective_on) {
        states.push(State {
            number: state.number.clone(),
            name: state.name.clone(),
            owner: state.owner.clone(),
            ..*state
        });
    }
}

fn name_of(kind: &str, unit: &str, index: i32) -> String {
    let is_plant = unit.contains("FAC");
    let names: [&str; 4] = match (kind, is_overseas(unit), is_plant) {
        ("software", _, _) => ["CAD", "office suite", "database", "backup agent"],
        ("mobile", _, _) => ["smartphone", "tablet", "smartphone", "handheld"],
        ("cloud", _, _) => ["file sharing", "CRM", "build service", "web conference"],
        (_, true, _) => ["workstation", "server", "laptop", "switch"],
        (_, _, true) => ["生産設備端末", "制御装置", "検査装置", "監視カメラ"],
        _ => ["業務端末", "サーバ", "ノートPC", "ネットワーク機器"],
    };
    names[usize::try_from(index % 4).unwrap_or(0)].to_owned()
}
