//! A KPI's definition: its base measures, indicators, companions, parameters, texts and sources.

use crate::dataset::{ColumnType, content_version};
use crate::document::{Located, Node, read_document};
use crate::fraction::Fraction;
use crate::org::UnitKind;
use crate::problem::{Place, Problem, nearest};
use crate::text::Text;

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
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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

/// The words of a definition's closed lists: key, value and what it is called.
type Words<T> = [(&'static str, T)];

const DIRECTIONS: &Words<Direction> = &[
    ("higher", Direction::Higher),
    ("lower", Direction::Lower),
    ("none", Direction::None),
];
const DUES: &Words<Due> = &[
    ("period", Due::Period),
    ("cycle_end", Due::CycleEnd),
    ("fiscal_year_end", Due::FiscalYearEnd),
];
const TAGS: &Words<Tag> = &[
    ("implementation", Tag::Implementation),
    ("effectiveness", Tag::Effectiveness),
    ("impact", Tag::Impact),
];
const RESOLUTIONS: &Words<Resolution> = &[
    ("minute", Resolution::Minute),
    ("hour", Resolution::Hour),
    ("day", Resolution::Day),
];
const NOTHING: &Words<Nothing> = &[
    ("none_occurred", Nothing::NoneOccurred),
    ("not_due", Nothing::NotDue),
];

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
    /// A measure that must be zero for the target to be met.
    pub unmet: Option<String>,
    /// The kinds of org unit that owe it; empty = all entities.
    pub applies_to: Vec<UnitKind>,
    /// What an empty denominator means.
    pub none_is: Nothing,
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
    pub frequency: String,
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
    /// The seed's cells, by column.
    pub seed: Vec<(String, String)>,
    /// Published sources.
    pub references: Vec<Reference>,
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

const FREQUENCIES: [&str; 4] = ["monthly", "quarterly", "half_yearly", "yearly"];

impl Kpi {
    /// Finds a base measure.
    #[must_use]
    pub fn measure(&self, name: &str) -> Option<&Measure> {
        self.measures.iter().find(|measure| measure.name == name)
    }
}

/// Reads a KPI definition.
///
/// # Errors
/// Every fault of the file, each with its place.
pub fn read_kpi(file: &str, text: &str) -> Result<Kpi, Vec<Problem>> {
    read_document(file, text, |node| kpi(node, file, text))
}

fn kpi(node: &Node<'_>, file: &str, text: &str) -> Option<Kpi> {
    let no = node
        .required_integer("no")
        .and_then(|no| u32::try_from(no).ok());
    let code = node.required_string("code");
    let seed_code = node.string("seed_code");
    let group = one_of(node, "group", &GROUPS.map(|g| g.0));
    let class = one_of(node, "class", &CLASSES.map(|c| c.0));
    let maturity = one_of(node, "maturity", &MATURITIES.map(|m| m.0));
    let frequency = one_of(node, "frequency", &FREQUENCIES);
    let name = node.required_text("name");
    let middle_item = node.required_text("middle_item");
    let purpose = node.required_text("purpose");
    let evidence = node.required_text("evidence");
    let reading = node.required_text("reading");
    let coverage = decimal(node, "coverage_at_least").unwrap_or_else(|| Fraction::whole(1));
    let seed = node
        .table("seed")
        .map(|seed| seed.all_strings())
        .unwrap_or_default();
    let references = node
        .list("references")
        .iter()
        .filter_map(reference)
        .collect();
    let parameters = node
        .tables("parameters")
        .iter()
        .filter_map(|(n, t)| parameter(n, t))
        .collect();
    let measures: Vec<Measure> = node
        .tables("measures")
        .iter()
        .filter_map(|(n, t)| measure(n, t))
        .collect();
    let indicators: Vec<Indicator> = node
        .list("indicators")
        .iter()
        .filter_map(|table| indicator(table, &measures))
        .collect();
    if indicators.iter().all(|indicator| indicator.is_companion) {
        node.report(
            Problem::new(
                node.place(),
                "a KPI needs an indicator that is no companion",
            )
            .hint("add [[indicators]] with code, title, kind, unit, direction, tag"),
        );
    }
    Some(Kpi {
        no: no?,
        code: code?,
        seed_code,
        group: group?,
        class: class?,
        maturity: maturity?,
        frequency: frequency?,
        name: name?,
        middle_item: middle_item?,
        purpose: purpose?,
        evidence: evidence?,
        reading: reading?,
        coverage_at_least: coverage,
        seed: seed
            .into_iter()
            .map(|(key, cell)| (key, cell.value))
            .collect(),
        references,
        parameters,
        measures,
        indicators,
        version: content_version(text),
        file: file.to_owned(),
    })
}

fn one_of(node: &Node<'_>, key: &str, names: &[&'static str]) -> Option<String> {
    let choices: Vec<(&str, &str)> = names.iter().map(|name| (*name, *name)).collect();
    node.required_choice(key, &choices).map(str::to_owned)
}

fn decimal(node: &Node<'_>, key: &str) -> Option<Fraction> {
    let found = node.located(key)?;
    let value = Fraction::parse_decimal(&found.value);
    if value.is_none() {
        node.report(
            Problem::new(
                found.place,
                format!("`{key}` is not a decimal: {}", found.value),
            )
            .hint("write a plain decimal in quotes, for example \"0.95\""),
        );
    }
    value
}

fn reference(node: &Node<'_>) -> Option<Reference> {
    let title = node.required_text("title");
    let (year, is_lapsed) = (node.integer("year"), node.flag("lapsed"));
    let (value, url) = (node.text("value"), node.string("url"));
    node.finish();
    Some(Reference {
        title: title?,
        year,
        is_lapsed,
        value,
        url,
    })
}

fn parameter(name: &str, node: &Node<'_>) -> Option<Parameter> {
    let kind = node.located("type");
    let default = node.located("default");
    let title = node.required_text("title");
    node.finish();
    let parsed = kind
        .as_ref()
        .and_then(|kind| ColumnType::parse(&kind.value));
    if parsed.is_none() {
        node.report(
            Problem::new(
                node.place_of("type"),
                format!("parameter `{name}` has no known type"),
            )
            .hint("types are text, integer, decimal(precision,scale), date, instant, boolean"),
        );
    }
    if default.is_none() && !node.has("default") {
        node.report(Problem::new(
            node.place(),
            format!("parameter `{name}` has no default"),
        ));
    }
    Some(Parameter {
        name: name.to_owned(),
        kind: parsed?,
        default: default?,
        title: title?,
    })
}

fn measure(name: &str, node: &Node<'_>) -> Option<Measure> {
    let title = node.required_text("title");
    let dataset = located(node, "dataset");
    let filter = node.located("where");
    let value = node.located("value");
    let group = node.located("group");
    let resolution = node
        .choice("resolution", RESOLUTIONS)
        .unwrap_or(Resolution::One);
    let clock = match node.required_choice("clock", &[("stock", 0), ("flow", 1), ("spell", 2)]) {
        Some(0) => Some(Clock::Stock {
            from: node.located("from"),
            until: node.located("until"),
        }),
        Some(1) => located(node, "on").map(|on| Clock::Flow { on }),
        Some(_) => {
            let (begins, ends) = (located(node, "begins"), located(node, "ends"));
            begins
                .zip(ends)
                .map(|(begins, ends)| Clock::Spell { begins, ends })
        }
        None => None,
    };
    node.finish();
    Some(Measure {
        name: name.to_owned(),
        title: title?,
        dataset: dataset?,
        filter,
        value,
        clock: clock?,
        group,
        resolution,
    })
}

fn located(node: &Node<'_>, key: &str) -> Option<Located> {
    let value = node.located(key);
    if value.is_none() && !node.has(key) {
        node.report(
            Problem::new(node.place(), format!("missing key `{key}`"))
                .hint(format!("add `{key} = \"…\"`")),
        );
    }
    value
}

fn indicator(node: &Node<'_>, measures: &[Measure]) -> Option<Indicator> {
    let code = node.required_string("code");
    let title = node.required_text("title");
    let formula = formula(node, measures);
    let unit = node.required_choice("unit", &Unit::NAMES);
    let direction = node.required_choice("direction", DIRECTIONS);
    let tag = node.required_choice("tag", TAGS);
    let is_companion = node.flag("companion");
    let target = node.table("target").and_then(|table| target(&table));
    let near_margin = decimal(node, "near_margin").unwrap_or_else(|| Fraction::whole(0));
    let due = node.choice("due", DUES).unwrap_or(Due::Period);
    let is_sample = node.flag("sample");
    let minimum_n = node.integer("minimum_n").unwrap_or(0);
    let unmet = node
        .has("unmet")
        .then(|| measure_name(node, "unmet", measures))
        .flatten();
    let none_is = node
        .choice("none_is", NOTHING)
        .unwrap_or(Nothing::NoneOccurred);
    let kinds = node.strings("applies_to");
    let mut applies_to = Vec::new();
    for kind in kinds {
        match UnitKind::NAMES.iter().find(|(name, _)| *name == kind) {
            Some((_, kind)) => applies_to.push(*kind),
            None => node.report(Problem::new(
                node.place_of("applies_to"),
                format!("unknown kind of org unit: {kind}"),
            )),
        }
    }
    if is_companion && target.is_some() {
        node.report(
            Problem::new(node.place_of("target"), "a companion carries no target")
                .hint("remove the target, or the line `companion = true`"),
        );
    }
    node.finish();
    Some(Indicator {
        code: code?,
        title: title?,
        formula: formula?,
        unit: unit?,
        direction: direction?,
        tag: tag?,
        is_companion,
        target,
        near_margin,
        due,
        is_sample,
        minimum_n: i128::from(minimum_n),
        unmet,
        applies_to,
        none_is,
    })
}

fn target(node: &Node<'_>) -> Option<Target> {
    let (at_least, at_most) = (decimal(node, "at_least"), decimal(node, "at_most"));
    let between: Vec<Option<Fraction>> = node
        .strings("between")
        .iter()
        .map(|text| Fraction::parse_decimal(text))
        .collect();
    node.finish();
    let target = match between.as_slice() {
        [] => Target { at_least, at_most },
        [Some(low), Some(high)] if low <= high => Target {
            at_least: Some(*low),
            at_most: Some(*high),
        },
        _ => {
            node.report(Problem::new(
                node.place_of("between"),
                "`between` needs two decimals in order",
            ));
            return None;
        }
    };
    if target.at_least.is_none() && target.at_most.is_none() {
        node.report(
            Problem::new(node.place(), "a target needs at_least, at_most or between")
                .hint("for example target = { at_least = \"0.95\" }"),
        );
        return None;
    }
    Some(target)
}

fn measure_name(node: &Node<'_>, key: &str, measures: &[Measure]) -> Option<String> {
    let found = located(node, key)?;
    if !measures.iter().any(|measure| measure.name == found.value) {
        let names = measures.iter().map(|measure| measure.name.as_str());
        let hint = nearest(&found.value, names.clone()).map_or_else(
            || {
                format!(
                    "measures of this KPI: {}",
                    names.collect::<Vec<_>>().join(", ")
                )
            },
            |near| format!("did you mean `{near}`?"),
        );
        node.report(
            Problem::new(
                found.place,
                format!("`{key}` names no measure of this KPI: `{}`", found.value),
            )
            .hint(hint),
        );
        return None;
    }
    Some(found.value)
}

fn formula(node: &Node<'_>, measures: &[Measure]) -> Option<Formula> {
    type Make = fn(String) -> Formula;
    let simple: [(&str, Make); 8] = [
        ("sum", Formula::Sum),
        ("mean", Formula::Mean),
        ("survival_median", Formula::SurvivalMedian),
        ("lowest", Formula::Lowest),
        ("highest", Formula::Highest),
        ("latest", Formula::Latest),
        ("days_late", Formula::DaysLate),
        ("entities", Formula::Entities),
    ];
    let mut kinds: Vec<(&str, usize)> = simple
        .iter()
        .enumerate()
        .map(|(i, (name, _))| (*name, i))
        .collect();
    kinds.extend([
        ("ratio", 10),
        ("median", 11),
        ("quantile", 12),
        ("share_within", 13),
    ]);
    let kind = node.required_choice("kind", &kinds)?;
    if kind == 10 {
        let numerator = measure_name(node, "numerator", measures);
        let denominator = measure_name(node, "denominator", measures);
        return Some(Formula::Ratio {
            numerator: numerator?,
            denominator: denominator?,
        });
    }
    let name = measure_name(node, "measure", measures);
    let formula = match kind {
        11 => Formula::Quantile {
            measure: name?,
            at: Fraction::new(1, 2)?,
        },
        12 => {
            let at = decimal(node, "quantile");
            if at.is_none_or(|at| at <= Fraction::whole(0) || at >= Fraction::whole(1)) {
                node.report(
                    Problem::new(node.place_of("quantile"), "a quantile lies between 0 and 1")
                        .hint("for example quantile = \"0.9\""),
                );
                return None;
            }
            Formula::Quantile {
                measure: name?,
                at: at?,
            }
        }
        13 => {
            let limit = node
                .required_string("limit")
                .and_then(|limit| limit.parse().ok());
            if limit.is_none() {
                node.report(Problem::new(
                    node.place_of("limit"),
                    "`limit` is not a whole number in quotes",
                ));
            }
            Formula::ShareWithin {
                measure: name?,
                limit: limit?,
            }
        }
        index => simple[index].1(name?),
    };
    check_clock(node, &formula, measures);
    Some(formula)
}

/// Checks that the measure's clock fits the formula.
fn check_clock(node: &Node<'_>, formula: &Formula, measures: &[Measure]) {
    let Some(measure) = measures
        .iter()
        .find(|measure| Some(&measure.name.as_str()) == formula.measures().first())
    else {
        return;
    };
    let is_spell = matches!(measure.clock, Clock::Spell { .. });
    let is_stock = matches!(measure.clock, Clock::Stock { .. });
    let fault = match formula {
        Formula::SurvivalMedian(_) if !is_spell => {
            Some("survival needs a measure with the clock `spell`")
        }
        Formula::SurvivalMedian(_) => None,
        _ if is_spell => Some("a measure with the clock `spell` serves survival only"),
        Formula::DaysLate(_) | Formula::Lowest(_) | Formula::Highest(_) | Formula::Latest(_)
            if !is_stock =>
        {
            Some("lowest, highest, latest and days_late need a measure with the clock `stock`")
        }
        Formula::Latest(_) if !matches!(measure.clock, Clock::Stock { from: Some(_), .. }) => {
            Some("latest needs a measure with `from`, the day of the value")
        }
        _ => None,
    };
    if let Some(fault) = fault {
        node.report(
            Problem::new(node.place_of("measure"), fault)
                .hint(format!("see measure `{}`", measure.name)),
        );
    }
}

/// Returns the place of a KPI as a whole.
#[must_use]
pub fn place_of(kpi: &Kpi) -> Place {
    Place::file(&kpi.file)
}
