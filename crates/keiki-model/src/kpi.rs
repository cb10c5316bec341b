//! A KPI's definition: its base measures, indicators, companions, parameters, texts and sources.

mod context;
mod read;
mod sql;

use serde::{Deserialize, Serialize};

use crate::dataset::ColumnType;
use crate::document::Located;
use crate::fraction::Fraction;
use crate::frequency::Frequency;
use crate::org::UnitKind;
use crate::problem::Place;
use crate::text::Text;

pub use context::{Counter, FrameworkItem, ReferenceFigure, Worse};
pub use read::read_kpi;
pub(crate) use read::read_kpi_in_part;
pub(crate) use read::{read_due, read_margin, read_target};
pub use sql::{Known, Reach, sql, statement};

/// When a base measure counts a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Clock {
    /// On day T the records in force, from `from` (absent: from the entry's own day) until before `until`.
    Stock {
        /// First day counted; null = not counted.
        from: Option<Located>,
        /// First day not counted; null = never.
        until: Option<Located>,
    },
    /// In the period in which the date falls (facts only).
    Flow {
        /// The date.
        on: Located,
    },
    /// As a case that is open from onset to finish (facts only), for survival.
    Spell {
        /// Onset, an instant or a date.
        begins: Located,
        /// Finish, an instant or a date; null = still open.
        ends: Located,
    },
}

/// The resolution at which durations are kept in histograms. *Units*: seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resolution {
    /// The value's own unit.
    One,
    /// Sixty seconds.
    Minute,
    /// 3 600 seconds.
    Hour,
    /// 86 400 seconds.
    Day,
}

impl Resolution {
    /// How many units of the value make one step.
    #[must_use]
    pub fn step(self) -> i64 {
        match self {
            Self::One => 1,
            Self::Minute => 60,
            Self::Hour => 3_600,
            Self::Day => 86_400,
        }
    }
}

/// A base measure: a sum over one dataset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Measure {
    /// Name within the KPI.
    pub name: String,
    /// Heading.
    pub title: Text,
    /// The dataset that it sums.
    pub dataset: Located,
    /// Which records (boolean SQL); NULL counts as unknown. Absent = all.
    pub filter: Option<Located>,
    /// What is summed (SQL); absent = 1. NULL counts as unknown.
    pub value: Option<Located>,
    /// When a record counts.
    pub clock: Clock,
    /// By what lowest, highest, latest and medians are kept apart (SQL text).
    pub group: Option<Located>,
    /// Resolution of durations in histograms.
    pub resolution: Resolution,
    /// Whether it counts the people by whom coverage may be weighed.
    pub is_headcount: bool,
}

/// How an indicator comes from base measures that have been added up. Names refer to measures of the same KPI.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Formula {
    /// One sum over another.
    Ratio {
        /// Above the line.
        numerator: String,
        /// Below it.
        denominator: String,
    },
    /// The sum itself.
    Sum(String),
    /// Sum of the values over their number.
    Mean(String),
    /// A quantile of the values.
    Quantile {
        /// The measure.
        measure: String,
        /// The quantile, between 0 and 1.
        at: Fraction,
    },
    /// Share of the values at or below a limit.
    ShareWithin {
        /// The measure.
        measure: String,
        /// The limit, in the value's unit.
        limit: i64,
    },
    /// Kaplan-Meier median over the trailing twelve months.
    SurvivalMedian(String),
    /// Least value in force.
    Lowest(String),
    /// Greatest value in force.
    Highest(String),
    /// Most recent value in force.
    Latest(String),
    /// Days from the oldest date in force to the cut day.
    DaysLate(String),
    /// Entities whose own level is above zero over entities.
    Entities(String),
}

impl Formula {
    /// The measures that it reads.
    #[must_use]
    pub fn measures(&self) -> Vec<&str> {
        match self {
            Self::Ratio {
                numerator,
                denominator,
            } => vec![numerator, denominator],
            Self::Quantile { measure, .. } | Self::ShareWithin { measure, .. } => vec![measure],
            Self::Sum(m)
            | Self::Mean(m)
            | Self::SurvivalMedian(m)
            | Self::Lowest(m)
            | Self::Highest(m)
            | Self::Latest(m)
            | Self::DaysLate(m)
            | Self::Entities(m) => vec![m],
        }
    }

    /// The name of its kind, as definitions write it.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Ratio { .. } => "ratio",
            Self::Sum(_) => "sum",
            Self::Mean(_) => "mean",
            Self::Quantile { at, .. } if at.numerator() * 2 == at.denominator() => "median",
            Self::Quantile { .. } => "quantile",
            Self::ShareWithin { .. } => "share_within",
            Self::SurvivalMedian(_) => "survival_median",
            Self::Lowest(_) => "lowest",
            Self::Highest(_) => "highest",
            Self::Latest(_) => "latest",
            Self::DaysLate(_) => "days_late",
            Self::Entities(_) => "entities",
        }
    }

    /// Tells whether it reads the histogram of its measure.
    #[must_use]
    pub fn needs_histogram(&self) -> bool {
        matches!(
            self,
            Self::Quantile { .. }
                | Self::ShareWithin { .. }
                | Self::Lowest(_)
                | Self::Highest(_)
                | Self::Latest(_)
                | Self::DaysLate(_)
        )
    }
}

/// The unit in which an indicator is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// 0..=1 in data; percent where shown.
    Ratio,
    /// A number of things.
    Count,
    /// Hours; seconds in the measure.
    Hours,
    /// Days; seconds in the measure (days late: days).
    Days,
    /// Hours of work.
    PersonHours,
    /// Points of a scale.
    Score,
    /// An amount of the group's currency.
    Currency,
}

impl Unit {
    /// The units by the names that definitions use.
    pub const NAMES: [(&'static str, Self); 7] = [
        ("ratio", Self::Ratio),
        ("count", Self::Count),
        ("hours", Self::Hours),
        ("days", Self::Days),
        ("person_hours", Self::PersonHours),
        ("score", Self::Score),
        ("currency", Self::Currency),
    ];

    /// The name as definitions and data write it.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::NAMES
            .iter()
            .find(|(_, unit)| *unit == self)
            .map_or("count", |(name, _)| name)
    }

    /// How many of the measure's units make one of the indicator's.
    #[must_use]
    pub fn divisor(self) -> i128 {
        match self {
            Self::Hours => 3_600,
            Self::Days => 86_400,
            _ => 1,
        }
    }
}

/// Which way is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// More is better.
    Higher,
    /// Less is better.
    Lower,
    /// Neither.
    None,
}

/// A default target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    /// The least value that meets it.
    pub at_least: Option<Fraction>,
    /// The greatest value that meets it.
    pub at_most: Option<Fraction>,
}

/// When a target is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Due {
    /// At each period's end.
    Period,
    /// At the end of the stocktake cycle.
    CycleEnd,
    /// At the end of the fiscal year.
    FiscalYearEnd,
    /// Of each item on its own, at its own deadline.
    Deadline,
}

/// What an indicator speaks of. *Source*: NIST SP 800-55 Rev. 1, section 3.3.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tag {
    /// Whether something is done.
    Implementation,
    /// Whether it works.
    Effectiveness,
    /// What it means for the business.
    Impact,
}

/// How coverage is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CoveredBy {
    /// By number of org units.
    #[default]
    Units,
    /// By number of people.
    Headcount,
}

/// What it means that nothing was there to count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nothing {
    /// Nothing of the kind happened.
    NoneOccurred,
    /// Nothing was planned by then.
    NotDue,
}

/// One figure of a KPI.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Indicator {
    /// Name within the KPI.
    pub code: String,
    /// Heading.
    pub title: Text,
    /// How it is computed.
    pub formula: Formula,
    /// Its unit.
    pub unit: Unit,
    /// Which way is better.
    pub direction: Direction,
    /// What it speaks of.
    pub tag: Tag,
    /// Whether it stands beside the KPI's own figure.
    pub is_companion: bool,
    /// The default target.
    pub target: Option<Target>,
    /// How far a value may miss the target and still be near. *Units*: the indicator's.
    pub near_margin: Fraction,
    /// When the target is due.
    pub due: Due,
    /// Whether it samples behaviour.
    pub is_sample: bool,
    /// The fewest records for a sample's figure to be judged.
    pub minimum_n: i128,
    /// A measure, over the denominator, that a plan has for each day before the target is due; absent = in step with time.
    pub pace: Option<String>,
    /// A measure that must be zero for the target to be met.
    pub unmet: Option<String>,
    /// A measure of items that are not done and whose own deadline is still to come.
    pub pending: Option<String>,
    /// The kinds of org unit that owe it; empty = all entities.
    pub applies_to: Vec<UnitKind>,
    /// What an empty denominator means.
    pub none_is: Nothing,
}

impl Indicator {
    /// The measures that it reads: those of its formula, then those that are held beside it.
    #[must_use]
    pub fn measures(&self) -> Vec<&str> {
        let mut named = self.formula.measures();
        named.extend(self.beside());
        named
    }

    /// The measures that are held beside its formula.
    pub fn beside(&self) -> impl Iterator<Item = &str> {
        let beside = [&self.pace, &self.unmet, &self.pending];
        beside.into_iter().filter_map(|name| name.as_deref())
    }
}

/// A named value that expressions use as `$name`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parameter {
    /// Name.
    pub name: String,
    /// Type.
    pub kind: ColumnType,
    /// Default, as text.
    pub default: Located,
    /// Values of their own that org units have, each with the ids of those units.
    pub by_unit: Vec<(String, Vec<String>)>,
    /// What it is.
    pub title: Text,
}

/// A published source of a KPI.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// Title.
    pub title: Text,
    /// Year of publication.
    pub year: Option<i64>,
    /// Whether it is no longer in force.
    pub is_lapsed: bool,
    /// What it says.
    pub value: Option<Text>,
    /// Address.
    pub url: Option<String>,
    /// What it says in figures of this KPI.
    pub figures: Vec<ReferenceFigure>,
}

/// A KPI.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kpi {
    /// Identity: 1..=47 in the published catalogue, an organisation's own from 1000.
    pub no: u32,
    /// Dotted number.
    pub code: String,
    /// Dotted number as the seed prints it.
    pub seed_code: Option<String>,
    /// Group of the catalogue.
    pub group: String,
    /// Class of the catalogue.
    pub class: String,
    /// Maturity that it suits.
    pub maturity: String,
    /// How often it is measured.
    pub frequency: Frequency,
    /// Name.
    pub name: Text,
    /// Middle item of the catalogue.
    pub middle_item: Text,
    /// What it is for.
    pub purpose: Text,
    /// How to collect its evidence.
    pub evidence: Text,
    /// How the seed's row is read.
    pub reading: Text,
    /// Share of expected org units below which nothing is met.
    pub coverage_at_least: Fraction,
    /// How that share is counted.
    pub covered_by: CoveredBy,
    /// The seed's cells, by column.
    pub seed: Vec<(String, String)>,
    /// Published sources.
    pub references: Vec<Reference>,
    /// What must not get worse with it.
    pub counters: Vec<Counter>,
    /// What it serves in published frameworks.
    pub frameworks: Vec<FrameworkItem>,
    /// Whether it says something of people although no key of its evidence names one.
    pub is_about_people: bool,
    /// Parameters.
    pub parameters: Vec<Parameter>,
    /// Base measures.
    pub measures: Vec<Measure>,
    /// Indicators, companions after the KPI's own.
    pub indicators: Vec<Indicator>,
    /// Content hash of the definition.
    pub version: String,
    /// The file it was read from.
    pub file: String,
}

/// The groups of the catalogue, in order, with their titles.
pub const GROUPS: [(&str, &str, &str); 6] = [
    (
        "security_department",
        "セキュリティ部門の施策",
        "Security department",
    ),
    (
        "executive_involvement",
        "経営層の巻き込み",
        "Executive involvement",
    ),
    ("own_systems", "自社システム", "Own systems"),
    ("staff_education", "社員教育", "Staff education"),
    (
        "supply_chain",
        "取引先・サプライチェーン",
        "Partners and supply chain",
    ),
    ("projects", "プロジェクト", "Projects"),
];

/// The classes of the catalogue with their titles.
pub const CLASSES: [(&str, &str, &str); 5] = [
    ("legal_compliance", "法令順守", "Legal compliance"),
    ("assessment", "評価・アセスメント", "Assessment"),
    (
        "education_and_training",
        "教育・トレーニング",
        "Education and training",
    ),
    (
        "information_sharing",
        "業界内の情報共有・連携",
        "Information sharing",
    ),
    (
        "organisation_and_process",
        "組織・プロセス",
        "Organisation and process",
    ),
];

/// The levels of maturity with their titles.
pub const MATURITIES: [(&str, &str, &str); 3] = [
    ("low", "成熟度「低」(初期段階)", "Low (initial)"),
    ("middle", "成熟度「中」(改善段階)", "Middle (improving)"),
    ("high", "成熟度「高」(最適化段階)", "High (optimising)"),
];

impl Measure {
    /// Its SQL expressions.
    #[must_use]
    pub fn expressions(&self) -> Vec<&Located> {
        let mut all: Vec<&Located> = Vec::new();
        all.extend(&self.filter);
        all.extend(&self.value);
        all.extend(&self.group);
        match &self.clock {
            Clock::Stock { from, until } => all.extend(from.iter().chain(until)),
            Clock::Flow { on } => all.push(on),
            Clock::Spell { begins, ends } => all.extend([begins, ends]),
        }
        all
    }
}

impl Kpi {
    /// Finds a base measure.
    #[must_use]
    pub fn measure(&self, name: &str) -> Option<&Measure> {
        self.measures.iter().find(|measure| measure.name == name)
    }
}

/// Returns the place of a KPI as a whole.
#[must_use]
pub fn place_of(kpi: &Kpi) -> Place {
    Place::file(&kpi.file)
}
