//! What befalls the group: three and a half years of incidents at four desks.

use keiki_model::calendar::{Day, Month};
use serde_json::{Value, json};

use super::dice::Dice;
use super::sheet::{Sheet, day, instant};

/// Incidents of each fiscal year by month, from April: a third more in December.
const BY_MONTH: [[i32; 12]; 4] = [
    [6, 5, 6, 5, 6, 5, 6, 6, 8, 6, 5, 6],
    [7, 6, 7, 7, 6, 7, 7, 7, 10, 7, 7, 7],
    [8, 7, 8, 8, 7, 8, 8, 8, 11, 8, 7, 8],
    [9, 9, 9, 6, 5, 6, 0, 0, 0, 0, 0, 0],
];

/// Mean hours to contain, mean effort and mean days until an intrusion was seen, by fiscal year.
const MEANS: [(i32, i32, i32); 4] = [(58, 46, 62), (47, 40, 50), (26, 33, 24), (19, 31, 19)];

/// The incident whose containment was later than Fictional Trading had said, by 41 hours.
const CORRECTED: &str = "INC-2026-009";

/// The day on which the correction came.
const CORRECTED_ON: Day = 20_683;

/// How long one in a hundred incidents takes beside the mean, in hundredths: few are very long. They add up to 1,200.
const SHAPE: [i32; 12] = [12, 340, 30, 65, 150, 20, 88, 40, 215, 55, 110, 75];

struct Incident {
    id: String,
    unit: &'static str,
    title: &'static str,
    kind: &'static str,
    severity: &'static str,
    seen_by: &'static str,
    on: Day,
    intruded: Option<i32>,
    is_intrusion: bool,
    detected: i32,
    contained: Option<i32>,
    completed: Option<i32>,
    hours: Option<i32>,
    /// What it cost, in the currency of its desk, once it is completed; some are never established.
    loss: Option<i32>,
    /// How long work stood still, once that is known.
    outage_hours: Option<i32>,
}

/// All incidents that began by a day.
fn all(today: Day) -> Vec<Incident> {
    let mut all = Vec::new();
    for (at, months) in BY_MONTH.iter().enumerate() {
        let start = Month::of(day(2023 + i16::try_from(at).unwrap_or(0), 4, 1));
        let mut number = 0;
        for (offset, count) in (0..).zip(months) {
            let month = start.plus(offset);
            for index in 0..*count {
                number += 1;
                let on = month.first_day() + 1 + (index * 27) / count;
                all.push(incident(at, number, on));
            }
        }
    }
    all.retain(|incident| incident.on <= today);
    all
}

fn incident(at: usize, number: i32, on: Day) -> Incident {
    let year = 2023 + i32::try_from(at).unwrap_or(0);
    let id = format!("INC-{year}-{number:03}");
    let mut dice = Dice::of(&id);
    let (hours, effort, days) = MEANS[at];
    let shape = SHAPE[usize::try_from((number * 5) % 12).unwrap_or(0)];
    let unit = unit(number, on);
    let (kind, title) = KINDS[usize::try_from((number * 7) % 8).unwrap_or(0)];
    let is_intrusion = matches!(kind, "unauthorised_access" | "malware") && number % 5 != 0;
    let detected = 8 * 60 + dice.below(10 * 60);
    let contained = detected + hours * 60 * shape / 100;
    let completed = contained + 24 * 60 + dice.below(9 * 24 * 60);
    let mut incident = Incident {
        unit,
        title,
        kind,
        severity: match shape {
            215.. => "高",
            60..215 => "中",
            _ => "低",
        },
        seen_by: ["監視", "従業員", "監視", "外部"][usize::try_from(number % 4).unwrap_or(0)],
        on,
        intruded: (is_intrusion && number % 3 != 0)
            .then(|| -(days * 24 * 60 * (40 + dice.below(120)) / 100)),
        is_intrusion,
        detected,
        contained: Some(contained),
        completed: Some(completed),
        hours: (unit != "JP3" || number % 2 == 0).then(|| effort * (50 + dice.below(101)) / 100),
        loss: None,
        outage_hours: None,
        id,
    };
    special(&mut incident);
    weigh(&mut incident);
    incident
}

/// What an incident cost, and how long work stood still.
fn weigh(incident: &mut Incident) {
    let mut dice = Dice::of(&format!("{} impact", incident.id));
    let (ten_thousands, hours) = match incident.severity {
        "致命的" | "高" => (60 + dice.below(540), 4 + dice.below(20)),
        "中" => (dice.below(30), dice.below(5)),
        _ => (0, 0),
    };
    let yen = ten_thousands * 10_000;
    // Fictional Logistics counts up no losses.
    incident.loss = match incident.unit {
        "JP3" => None,
        "US1" => Some(yen / 150),
        _ => Some(yen),
    };
    incident.outage_hours = match incident.id.as_str() {
        "INC-2026-043" => Some(31),
        _ => Some(hours),
    };
}

const KINDS: [(&str, &str); 8] = [
    ("phishing", "フィッシングサイトへの入力"),
    ("malware", "マルウェア検知"),
    ("loss", "端末紛失"),
    ("misdelivery", "メール誤送信"),
    ("unauthorised_access", "不正ログイン"),
    ("malware", "不審プログラムの実行"),
    ("phishing", "業務メール詐欺の着信"),
    ("denial_of_service", "会員サイトへの大量アクセス"),
];

/// Where an incident happened: Fictional China has one in some months only.
fn unit(number: i32, on: Day) -> &'static str {
    let units = [
        "JP1-IT", "JP2", "US1", "JP4", "JP1-FAC1", "JP2-IT", "JP3", "HD-IT", "US1", "SG1",
        "JP2-SAL", "JP1-RD", "JP5", "JP1-IT", "DE1", "JP2", "CN1", "JP3", "JP1-FAC2", "JP4",
    ];
    let found = units[usize::try_from((number * 3 + 1) % 20).unwrap_or(0)];
    match found {
        "JP5" if on < day(2024, 10, 1) => "JP1-IT",
        "CN1" if on >= day(2026, 4, 1) => "JP2",
        other => other,
    }
}

/// The incidents that the story tells of.
fn special(incident: &mut Incident) {
    let mut tell = |unit, kind, title, severity| {
        (
            incident.unit,
            incident.kind,
            incident.title,
            incident.severity,
        ) = (unit, kind, title, severity);
    };
    match incident.id.as_str() {
        "INC-2024-030" => {
            tell(
                "JP2-IT",
                "unauthorised_access",
                "会員サイト管理画面への侵入",
                "高",
            );
            incident.is_intrusion = true;
            incident.intruded = Some(-210 * 24 * 60);
        }
        "INC-2026-004" => {
            tell("JP4", "malware", "開発端末のマルウェア感染", "中");
            incident.completed = Some(71 * 24 * 60);
        }
        CORRECTED => tell(
            "JP2",
            "unauthorised_access",
            "取引先アカウントの不正利用",
            "中",
        ),
        "INC-2026-015" => open(
            incident,
            day(2026, 5, 19),
            ("JP3", "loss", "ハンディ端末の所在不明", "低"),
        ),
        "INC-2026-034" => open(
            incident,
            day(2026, 8, 3),
            ("JP5", "loss", "ノートPCの盗難", "中"),
        ),
        "INC-2026-043" => {
            open(
                incident,
                day(2026, 9, 22),
                (
                    "US1",
                    "ransomware",
                    "Ransomware at a dealer portal",
                    "致命的",
                ),
            );
            incident.is_intrusion = true;
        }
        _ => {}
    }
}

fn open(
    incident: &mut Incident,
    on: Day,
    told: (&'static str, &'static str, &'static str, &'static str),
) {
    (
        incident.unit,
        incident.kind,
        incident.title,
        incident.severity,
    ) = told;
    incident.on = on;
    (
        incident.contained,
        incident.completed,
        incident.hours,
        incident.intruded,
    ) = (None, None, None, None);
    incident.is_intrusion = false;
}

impl Incident {
    /// When it was contained, as far as was said by a day.
    fn contained_as_told(&self, told_on: Day) -> Option<i32> {
        let later = if self.id == CORRECTED && told_on < CORRECTED_ON {
            0
        } else {
            41 * 60
        };
        let extra = if self.id == CORRECTED { later } else { 0 };
        self.contained.map(|minutes| minutes + extra)
    }

    /// What had happened by a day, as it was told on another.
    fn by(&self, minutes: Option<i32>, today: Day) -> Option<String> {
        let came = |minutes: &i32| self.on + minutes.div_euclid(1440) <= today;
        minutes
            .filter(came)
            .map(|minutes| instant(self.on, minutes))
    }

    /// What it cost, as far as that is established.
    fn loss_by(&self, completed: Option<&String>) -> Option<i32> {
        self.loss.filter(|_| completed.is_some())
    }

    fn completed_as_told(&self, told_on: Day) -> Option<i32> {
        let contained = self.contained_as_told(told_on)?;
        self.completed.map(|completed| completed.max(contained))
    }
}

/// Until June the desk for Japan, Asia and Europe speaks for Fictional Asia too, which has its own from July.
fn is_of_the_log(incident: &Incident) -> bool {
    !matches!(incident.unit, "US1" | "CN1")
}

fn is_of_the_desk(incident: &Incident) -> bool {
    is_of_the_log(incident) && incident.unit != "SG1"
}

/// A version of an incident as the desk for Japan and Europe knew it.
fn version(incident: &Incident, today: Day, told_on: Day) -> Value {
    let contained = incident.by(incident.contained_as_told(told_on), today);
    let completed = incident.by(incident.completed_as_told(told_on), today);
    json!({
        "id": incident.id,
        "unit": incident.unit,
        "title": incident.title,
        "type": incident.kind,
        "severity": incident.severity,
        "seen_by": incident.seen_by,
        "intrusion": incident.is_intrusion,
        "timeline": {
            "intruded": incident.intruded.map(|minutes| instant(incident.on, incident.detected + minutes)),
            "detected": instant(incident.on, incident.detected),
            "contained": contained,
            "completed": completed,
        },
        "effort_hours": incident.hours.filter(|_| completed.is_some()),
        "impact": {
            "loss_yen": incident.loss_by(completed.as_ref()),
            "outage_hours": incident.outage_hours.filter(|_| contained.is_some()),
        },
    })
}

/// The desk's log of changes until a day: each version with the time at which it was entered.
pub(super) fn history(today: Day) -> String {
    let mut text = String::new();
    for incident in all(today).iter().filter(|incident| is_of_the_log(incident)) {
        let told = CORRECTED_ON - 1;
        let moments = [
            Some(incident.detected),
            incident.contained_as_told(told),
            incident.completed_as_told(told),
        ];
        for minutes in moments.into_iter().flatten() {
            let on = incident.on + minutes.div_euclid(1440);
            if on >= today {
                continue;
            }
            let mut version = version(incident, on, told);
            // A change is entered on the day after, when the desk's night shift has gone through it.
            version["entered"] = json!(instant(on + 1, 9 * 60));
            text.push_str(&format!("{version}\n"));
        }
    }
    text
}

/// The desk's export of a quarter's incidents and of those that were not completed before it.
pub(super) fn export(from: Day, today: Day) -> String {
    let is_current = |incident: &&Incident| {
        let completed = incident.completed_as_told(today);
        let done_on = completed.map_or(Day::MAX, |minutes| incident.on + minutes.div_euclid(1440));
        is_of_the_desk(incident) && done_on >= from
    };
    let rows: Vec<Value> = all(today)
        .iter()
        .filter(is_current)
        .map(|incident| version(incident, today, today))
        .collect();
    format!("{:#}\n", Value::Array(rows))
}

/// The correction that Fictional Trading sent in August, as a file with the one incident.
pub(super) fn correction() -> String {
    let found = all(CORRECTED_ON);
    let rows: Vec<Value> = found
        .iter()
        .filter(|incident| incident.id == CORRECTED)
        .map(|incident| version(incident, CORRECTED_ON, CORRECTED_ON))
        .collect();
    format!("{:#}\n", Value::Array(rows))
}

/// Fictional America's own desk, as `ServiceNow` exports its list; columns that begin with `u_` are its own.
pub(super) fn american(today: Day) -> String {
    let mut sheet = Sheet::new(
        "number,short_description,priority,category,u_intrusion,u_intruded_at,opened_at,u_contained_at,closed_at,u_effort_hours,u_loss_usd,u_outage_hours",
    );
    for incident in all(today).iter().filter(|incident| incident.unit == "US1") {
        let number = |value: Option<i32>| value.map_or_else(String::new, |value| value.to_string());
        let closed = incident.by(incident.completed, today);
        let loss = incident.loss_by(closed.as_ref());
        let hours = incident.hours.filter(|_| closed.is_some());
        sheet.row(&[
            &incident.id.replace("INC", "US"),
            title_in_english(incident),
            priority(incident),
            incident.kind,
            if incident.is_intrusion { "yes" } else { "no" },
            &incident.intruded.map_or_else(String::new, |minutes| {
                instant(incident.on, incident.detected + minutes)
            }),
            &instant(incident.on, incident.detected),
            &incident.by(incident.contained, today).unwrap_or_default(),
            &closed.unwrap_or_default(),
            &number(hours),
            &number(loss),
            &number(incident.outage_hours),
        ]);
    }
    sheet.text()
}

fn title_in_english(incident: &Incident) -> &'static str {
    match incident.kind {
        "ransomware" => "ransomware at a dealer portal",
        "loss" => "lost device",
        _ => "suspicious activity",
    }
}

fn priority(incident: &Incident) -> &'static str {
    match incident.severity {
        "致命的" => "1 - Critical",
        "高" => "2 - High",
        "中" => "3 - Moderate",
        _ => "4 - Low",
    }
}

fn severity_in_english(incident: &Incident) -> &'static str {
    match incident.severity {
        "致命的" => "Critical",
        "高" => "High",
        "中" => "Medium",
        _ => "Low",
    }
}

/// Fictional Asia's own list of the incidents of some days, out of the tool that it has until August.
pub(super) fn asian(from: Day, today: Day) -> String {
    of_asia(
        "Ref,Title,Category,Severity,Detected,Contained,Closed,Hours",
        from,
        today,
    )
}

/// The same out of Jira, which Fictional Asia has from September.
pub(super) fn asian_issues(from: Day, today: Day) -> String {
    of_asia(
        "Issue key,Summary,Labels,Priority,Created,Contained,Resolved,Effort hours",
        from,
        today,
    )
}

fn of_asia(header: &str, from: Day, today: Day) -> String {
    let mut sheet = Sheet::new(header);
    let found = all(today);
    let is_wanted = |incident: &&Incident| incident.unit == "SG1" && incident.on >= from;
    for incident in found.iter().filter(is_wanted) {
        sheet.row(&[
            &incident.id.replace("INC", "SG"),
            title_in_english(incident),
            incident.kind,
            severity_in_english(incident),
            &instant(incident.on, incident.detected),
            &incident.by(incident.contained, today).unwrap_or_default(),
            &incident.by(incident.completed, today).unwrap_or_default(),
            &incident
                .hours
                .map_or_else(String::new, |hours| hours.to_string()),
        ]);
    }
    sheet.text()
}

/// Fictional China's monthly sheet: in most months the header alone, which says that there was nothing.
pub(super) fn chinese(from: Day, today: Day) -> String {
    let mut sheet = Sheet::new("编号,类型,级别,发现时间,遏制时间,完成时间,工时");
    let found = all(today);
    for incident in found
        .iter()
        .filter(|incident| incident.unit == "CN1" && incident.on >= from)
    {
        sheet.row(&[
            &incident.id.replace("INC", "CN"),
            incident.kind,
            incident.severity,
            &instant(incident.on, incident.detected),
            &incident.by(incident.contained, today).unwrap_or_default(),
            &incident.by(incident.completed, today).unwrap_or_default(),
            &incident
                .hours
                .map_or_else(String::new, |hours| hours.to_string()),
        ]);
    }
    sheet.text()
}
