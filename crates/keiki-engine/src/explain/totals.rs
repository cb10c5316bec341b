//! What org units reported in the place of rows, as the parts of a figure that they are.

use std::collections::BTreeMap;

use arrow::datatypes::Int32Type;
use keiki_model::dataset::{ORG_UNIT, ORG_UNIT_SEPARATOR, REPORTED_FIGURES};
use keiki_model::fraction::Fraction;
use keiki_model::kpi::{Formula, Indicator};
use keiki_model::measurement::{Basis, Measurement, Scope};
use keiki_model::org::{Arrangement, Tree};
use keiki_store::{Journal, WEIGHT};

use super::{Detail, Net, Sums, Texts, primitive};
use crate::engine::{Engine, Knowledge};
use crate::error::Result;
use crate::evaluate::{Bearing, Slot, Stands, Subtrees};

/// A total that stands in the place of the rows of an org unit and all below it, or a ratio that stands alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportedTotal {
    /// The record's key in the dataset of reported figures.
    pub record_key: String,
    /// The org unit that reported it.
    pub org_unit: String,
    /// Above the line, in the measure's own unit; absent in a reference value.
    pub numerator: Option<Fraction>,
    /// Below the line; of a mean, the count.
    pub denominator: Option<Fraction>,
    /// A ratio without its parts, which is shown and never added up.
    pub value: Option<Fraction>,
    /// The token of who made it up.
    pub prepared_by: Option<String>,
    /// The document that backs it.
    pub attachment: Option<String>,
    /// Its source.
    pub source: String,
    /// The commit that brought it.
    pub seq: i64,
    /// When it became known, UTC microseconds.
    pub known_at: i64,
}

/// What an org unit reported for the two figures of a comparison, where that differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TotalDifference {
    /// The org unit.
    pub org_unit: String,
    /// What stands in the figure compared with; absent = its rows do.
    pub before: Option<ReportedTotal>,
    /// What stands in the figure asked for.
    pub after: Option<ReportedTotal>,
}

impl ReportedTotal {
    fn new(net: &Net) -> Self {
        let text = |name: &str| {
            let found = net.row.columns.iter().find(|(column, _)| column == name);
            found.map(|(_, value)| value.clone())
        };
        let decimal = |name: &str| text(name).and_then(|value| Fraction::parse_decimal(&value));
        Self {
            record_key: net.row.record_key.clone(),
            org_unit: text(ORG_UNIT).unwrap_or_default(),
            numerator: decimal("numerator"),
            denominator: decimal("denominator"),
            value: decimal("value"),
            prepared_by: text("prepared_by"),
            attachment: text("attachment"),
            source: net.row.source.clone(),
            seq: net.row.seq,
            known_at: net.latest.0,
        }
    }

    fn figures(&self) -> [Option<Fraction>; 3] {
        [self.numerator, self.denominator, self.value]
    }
}

/// The totals that are in a figure, with the org units whose rows they replace.
pub(super) struct Totals {
    listed: Vec<ReportedTotal>,
    replaced: Subtrees,
}

impl Totals {
    /// Takes from the reported figures those that are in a measurement at a node, as the evaluation does.
    pub(super) fn new(
        reported: Vec<ReportedTotal>,
        measurement: &Measurement,
        arrangement: &Arrangement,
        scope: Scope,
        node: usize,
    ) -> Self {
        if measurement.basis == Basis::Reference {
            let is_reference = |figure: &ReportedTotal| {
                figure.numerator.is_none() && measurement.org_unit == figure.org_unit
            };
            return Self {
                listed: reported.into_iter().filter(is_reference).collect(),
                replaced: Subtrees::default(),
            };
        }
        let main = arrangement.main();
        let of_unit = |total: ReportedTotal| {
            let position = main.position(&total.org_unit);
            Some((position.filter(|_| total.numerator.is_some())?, total))
        };
        let (units, mut totals): (Vec<usize>, Vec<Option<ReportedTotal>>) = reported
            .into_iter()
            .filter_map(of_unit)
            .map(|(unit, total)| (unit, Some(total)))
            .unzip();
        let kept = Stands::new(arrangement, &units).bearing_on(arrangement, scope, node);
        // Below the unit that reported a total, nothing is known of how it divides.
        let within = kept
            .iter()
            .filter(|(_, bearing)| *bearing == Bearing::Within);
        Self {
            listed: within
                .filter_map(|(total, _)| totals[*total].take())
                .collect(),
            replaced: Subtrees::new(main, kept.iter().map(|(total, _)| units[*total])),
        }
    }

    pub(super) fn listed(self) -> Vec<ReportedTotal> {
        self.listed
    }

    /// The org units of a row for which no total stands, separated as in the row.
    pub(super) fn left(&self, tree: &Tree, units: &str) -> String {
        let left = units
            .split(ORG_UNIT_SEPARATOR)
            .filter(|unit| !self.replaced.hold(tree.position_of_evidence(unit)));
        left.collect::<Vec<_>>()
            .join(&ORG_UNIT_SEPARATOR.to_string())
    }
}

/// What the totals add to the measure at a position of an indicator's formula.
pub(super) fn added(indicator: &Indicator, position: usize, totals: &[ReportedTotal]) -> Fraction {
    let pick: fn(&ReportedTotal) -> Option<Fraction> = match (&indicator.formula, position) {
        (Formula::Ratio { .. } | Formula::Mean(_) | Formula::Sum(_), 0) => |total| total.numerator,
        (Formula::Ratio { .. }, 1) => |total| total.denominator,
        _ => |_| None,
    };
    let mut amounts = totals.iter().filter_map(pick);
    let sum = amounts.try_fold(Fraction::whole(0), Fraction::plus);
    sum.unwrap_or_else(|| Fraction::whole(0))
}

/// The org units whose reported totals differ between two figures.
pub(super) fn differences(
    before: &[ReportedTotal],
    after: &[ReportedTotal],
) -> Vec<TotalDifference> {
    let mut by_unit: BTreeMap<&str, [Option<&ReportedTotal>; 2]> = BTreeMap::new();
    for (side, totals) in [before, after].into_iter().enumerate() {
        for total in totals {
            by_unit.entry(&total.org_unit).or_default()[side] = Some(total);
        }
    }
    by_unit
        .into_iter()
        .filter(|(_, [was, is])| was.map(ReportedTotal::figures) != is.map(ReportedTotal::figures))
        .map(|(org_unit, [was, is])| TotalDifference {
            org_unit: org_unit.to_owned(),
            before: was.cloned(),
            after: is.cloned(),
        })
        .collect()
}

impl Engine {
    /// All that was reported for an indicator in a slot's period, by record key.
    pub(super) async fn reported_totals(
        &self,
        journal: &Journal,
        knowledge: &Knowledge,
        (no, indicator): (u32, &Indicator),
        slot: &Slot,
    ) -> Result<Vec<ReportedTotal>> {
        let Some(dataset) = self.setting.catalogue.datasets.get(REPORTED_FIGURES) else {
            return Ok(Vec::new());
        };
        let batches = self
            .entries(journal, knowledge, dataset, None, None)
            .await?;
        let wanted = [
            ("kpi_no", no.to_string()),
            ("indicator", indicator.code.clone()),
            ("period", slot.period.to_string()),
        ];
        let mut sums = Sums::default();
        for batch in &batches {
            let texts = Texts::new(batch, Detail::Columns)?;
            for row in 0..batch.num_rows() {
                let is_wanted = wanted
                    .iter()
                    .all(|(name, value)| texts.says(row, name, value));
                if is_wanted {
                    let weight = primitive::<Int32Type>(batch, WEIGHT, row);
                    sums.add(&texts, row, 0, i64::from(weight));
                }
            }
            sums.texts.push(texts);
        }
        let mut records = sums.nets();
        records.retain(|_, net| net.count > 0);
        Ok(records.values().map(ReportedTotal::new).collect())
    }
}
