//! A small group with a statement, from the shipped definitions.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use keiki_model::calendars::Calendars;
use keiki_model::catalogue::Catalogue;
use keiki_model::durations::{Durations, Form};
use keiki_model::fraction::Fraction;
use keiki_model::kpi::{Target, Unit};
use keiki_model::measurement::{Basis, Coverage, CoverageRule, Grounds, Measurement, Scope};
use keiki_model::org::Organisation;
use keiki_model::remark::Remarks;
use keiki_model::restatement::Bridge;
use keiki_model::statement::{Obstacle, Statement, restated};
use keiki_model::status::Status;
use keiki_model::survival::Span;
use keiki_model::text::{Language, Text};
use keiki_report::report::{Earlier, Finality, Moved, Placed, Source};
use keiki_report::scorecard::Names;

/// A company whose name would do harm if it were read as code.
pub(crate) const EVIL: &str = "#pagebreak() $x$ *a* <b> \"] #panic(1) \\ //";

pub(crate) struct Group {
    catalogue: Catalogue,
    calendars: Calendars,
    organisation: Organisation,
    pub(crate) statement: Statement,
    earlier: Vec<Earlier>,
    moved: Vec<Moved>,
}

impl Group {
    pub(crate) fn new() -> Self {
        let organisation = Organisation::read("org.csv", &org()).expect("the tree is sound");
        let now = measurements("2026-09", ["0.92", "0.97", "0.80"]);
        let before = measurements("2026-08", ["0.96", "0.97", "0.95"]);
        let first = measurements("2026-09", ["0.90", "0.97", "0.75"]);
        let moved = restated(&first, &now).into_iter().map(|restated| Moved {
            bridge: Bridge {
                evidence: restated.moved_by(),
                definitions: Some(Fraction::whole(0)),
                tree: Some(Fraction::whole(0)),
            },
            restated,
        });
        let moved = moved.collect();
        Self {
            catalogue: catalogue(),
            calendars: Calendars::default(),
            organisation,
            statement: Statement {
                period: "2026-09".into(),
                revision: 2,
                closed_at: 1_791_936_000_000_000,
                closed_by: "yamada".to_owned(),
                agreed_by: Some("suzuki".to_owned()),
                reason: Some(EVIL.to_owned()),
                journal_version: 66,
                edition: Some(1),
                edition_sha256: None,
                journal_sha256: None,
                coverage_rule: CoverageRule::default(),
                obstacles: vec![Obstacle::Rejected {
                    source: "kev".to_owned(),
                    rows: 2,
                }],
                remarks: Remarks::default(),
                restatement: None,
                durations: durations(),
                measurements: now,
            },
            earlier: vec![
                Earlier {
                    period: "2026-07".into(),
                    revision: None,
                    measurements: [].into(),
                    restated: None,
                },
                Earlier {
                    period: "2026-08".into(),
                    revision: Some(1),
                    measurements: before.into(),
                    restated: None,
                },
            ],
            moved,
        }
    }

    /// The same group with other periods before, in order.
    pub(crate) fn after(mut self, earlier: Vec<Earlier>) -> Self {
        self.earlier = earlier;
        self
    }

    /// The same group with figures of how long incidents took.
    pub(crate) fn with_incidents(mut self) -> Self {
        for (indicator, value, is_companion) in [
            ("containment_hours_mean", "5", false),
            ("containment_hours_median", "1", true),
            ("containment_hours_p90", "25", true),
        ] {
            self.statement.measurements.push(Measurement {
                no: 23,
                code: "1.11.2".into(),
                indicator: indicator.into(),
                is_companion,
                unit: Unit::Hours,
                target: None,
                status: Status::NoTarget,
                ..measurement("2026-09", "HD", value)
            });
        }
        self
    }

    /// The same group with so many companies more, none of which has reported.
    pub(crate) fn with_companies(mut self, count: usize) -> Self {
        let rows: String = (0..count)
            .map(|at| format!("C{at},HD,会社{at}号,Company {at},company,JP,2018-04-01,,\n"))
            .collect();
        let org = org() + &rows;
        self.organisation = Organisation::read("org.csv", &org).expect("the tree is sound");
        let ids: Vec<String> = (0..count).map(|at| format!("C{at}")).collect();
        let of_root = &mut self.statement.measurements[0];
        of_root.grounds = Arc::new(Grounds {
            missing: ids.clone(),
            ..Grounds::default()
        });
        let companies = ids.iter().map(|id| Measurement {
            value: None,
            status: Status::NoData,
            ..measurement("2026-09", id, "0")
        });
        self.statement.measurements.extend(companies);
        self
    }

    /// The same group with both figures of KPI 8: the first is met everywhere, the second missed in the group and in B.
    pub(crate) fn with_security_headcount(mut self) -> Self {
        for unit in ["HD", "A", "B"] {
            for (indicator, status) in [
                ("security_to_it_ratio", Status::Met),
                (
                    "security_to_all_ratio",
                    if unit == "A" {
                        Status::Met
                    } else {
                        Status::Missed
                    },
                ),
            ] {
                self.statement.measurements.push(Measurement {
                    no: 8,
                    code: "1.4.1".into(),
                    indicator: indicator.into(),
                    status,
                    ..measurement("2026-09", unit, "0.06")
                });
            }
        }
        self
    }

    /// The same group with serious incidents of which not everything is known.
    pub(crate) fn with_serious_incidents(mut self, known: i128) -> Self {
        let one = |indicator: &str, org_unit: &str, value: Option<i128>, n: i128, unit: Unit| {
            let whole = value.map(Fraction::whole);
            Measurement {
                no: 23,
                code: "1.11.2".into(),
                indicator: indicator.into(),
                is_companion: true,
                unit,
                target: None,
                status: Status::NoTarget,
                value: whole,
                numerator: whole.filter(|_| n > 0),
                denominator: None,
                n: Some(n),
                ..measurement("2026-09", org_unit, "0")
            }
        };
        let sum = (known > 0).then_some(1_250_000);
        let seconds = (known > 0).then_some(36_000);
        for (unit, count) in [("HD", 3), ("A", 0), ("B", 3)] {
            let (loss, outage) = (Unit::Currency, Unit::Hours);
            let count = one("serious_count", unit, Some(count), count, Unit::Count);
            self.statement.measurements.extend([
                count,
                one("serious_loss_mean", unit, sum, known, loss),
                one("serious_outage_hours_mean", unit, seconds, known, outage),
            ]);
        }
        self
    }

    pub(crate) fn source(&self, language: Language) -> Source<'_> {
        Source {
            statement: &self.statement,
            kind: Text::new("訂正値(第2版)", "as restated (revision 2)"),
            finality: Finality::Closed("2026-10-14".to_owned()),
            remarks: vec!["2026-10-14 yamada".to_owned()],
            names: Names {
                catalogue: &self.catalogue,
                organisation: &self.organisation,
                hierarchies: &[],
                language,
            },
            calendars: &self.calendars,
            organisation: "架空グループ",
            root: "HD",
            measurements: Placed::new(&self.statement.measurements, &self.organisation),
            earlier: &self.earlier,
            restated: Some(&self.moved),
        }
    }
}

fn org() -> String {
    format!(
        "id,parent_id,name_ja,name_en,kind,country,valid_from,valid_until,successor_id\n\
         HD,,架空ホールディングス,Fictional Holdings,group,JP,2018-04-01,,\n\
         A,HD,架空製造,Fictional Manufacturing,subsidiary,JP,2018-04-01,,\n\
         B,HD,\"{evil}\",\"{evil}\",subsidiary,JP,2018-04-01,,\n",
        evil = EVIL.replace('"', "\"\"")
    )
}

/// How long incidents took to be contained, and the curve of those still open.
fn durations() -> Vec<Durations> {
    let one = |indicator: &str, form: Form| Durations {
        no: 23,
        indicator: indicator.into(),
        org_unit: "HD".into(),
        form,
    };
    let spans = (1..=8).map(|hours| Span {
        entry: 0,
        exit: hours,
        is_finished: hours != 3,
        count: 1,
    });
    let spans: Vec<Span> = spans.collect();
    vec![
        one(
            "containment_hours_median",
            Form::distribution(&[(3_600, 4), (7_200, 2), (90_000, 1)]),
        ),
        one(
            "containment_hours_survival_median",
            Form::survival(&spans, 3_600),
        ),
    ]
}

/// The shipped definitions.
fn catalogue() -> Catalogue {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../catalogue");
    let mut files: Vec<PathBuf> = Vec::new();
    let mut open = vec![root];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(&folder).expect("the catalogue is there") {
            let path = entry.expect("it can be read").path();
            if path.is_dir() {
                open.push(path);
            } else if path.ends_with("kpi.toml") {
                files.push(path);
            }
        }
    }
    let read = |path: &PathBuf| {
        let text = std::fs::read_to_string(path).expect("it is text");
        (path.display().to_string(), text)
    };
    let files: Vec<(String, String)> = files.iter().map(read).collect();
    Catalogue::read(&[], &files).expect("the shipped definitions are sound")
}

/// KPI 1 in the group, and in both companies.
pub(crate) fn measurements(period: &str, values: [&str; 3]) -> Vec<Measurement> {
    let units = ["HD", "A", "B"];
    let one = |(unit, value): (&str, &str)| measurement(period, unit, value);
    units.into_iter().zip(values).map(one).collect()
}

fn measurement(period: &str, unit: &str, value: &str) -> Measurement {
    let value = Fraction::parse_decimal(value);
    let at_least = Fraction::parse_decimal("0.95");
    Measurement {
        no: 1,
        code: "1.1.1".into(),
        indicator: "inventory_ratio".into(),
        is_companion: false,
        org_unit: unit.into(),
        hierarchy: None,
        scope: Scope::Consolidated,
        tree_on: None,
        period: period.into(),
        cut_on: "2026-09-30".into(),
        own_periods: Vec::new(),
        known_at: "2026-10-14T00:00:00Z".into(),
        value,
        unit: Unit::Ratio,
        numerator: value.and_then(|value| value.times(Fraction::whole(1000))),
        denominator: Some(Fraction::whole(1000)),
        n: Some(1000),
        target: Some(Target {
            at_least,
            at_most: None,
        }),
        status: if value < at_least {
            Status::Missed
        } else {
            Status::Met
        },
        coverage: Coverage {
            covered: 2,
            expected: 2,
            headcount: None,
        },
        basis: Basis::Rows,
        definition_version: "abc".into(),
        journal_version: 66,
        statistics: std::sync::Arc::default(),
        grounds: std::sync::Arc::default(),
    }
}
