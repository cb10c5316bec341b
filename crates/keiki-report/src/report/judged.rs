//! What the values of a figure say together: has it moved by more than noise, is it on its way, where is it heading.
//!
//! *Source*: decision 0038; the statistics are those of `keiki_model::judgement`.

use keiki_model::judgement::{Backtest, Change, Judgement};
use keiki_model::measurement::Measurement;
use keiki_model::text::Text;
use serde::Serialize;

use super::{Source, period_name};
use crate::{format, judgement};

/// A movement against an earlier period, and whether it is more than noise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Movement {
    /// The earlier period as written.
    #[serde(skip)]
    pub period: String,
    /// The earlier period in words.
    pub against: String,
    /// By how much, with its sign.
    pub by: String,
    /// What it means, in data: `better`, `worse`, `moved`, `within_noise`, `too_little_history`.
    pub verdict: &'static str,
    /// The same as a shape.
    pub mark: &'static str,
    /// The same as a word.
    pub word: String,
    /// What the colour stands for: `good`, `bad`, `plain` or `faint`.
    pub colour: &'static str,
}

impl Movement {
    pub(super) fn new(source: &Source<'_>, one: &Measurement, change: &Change) -> Self {
        let language = source.names.language;
        let (mark, paint) = judgement::mark(change.verdict);
        Self {
            period: change.against.to_string(),
            against: period_name(&change.against, language),
            by: format::difference(change.by, one.unit, language),
            verdict: judgement::code(change.verdict),
            mark,
            word: judgement::verdict(change.verdict).get(language).to_owned(),
            colour: paint.name(),
        }
    }
}

/// What a figure's values say together.
#[derive(Debug, Clone, Serialize)]
pub struct Judged {
    /// The indicator's code.
    pub indicator: String,
    /// The indicator's title.
    pub name: String,
    /// The trend in a sentence; empty with too little history.
    pub trend: String,
    /// The pace against a target that is due later; empty where none is.
    pub pace: String,
    /// What is to be expected on the day on which the target is due, or at the fiscal year's end; empty with too little history.
    pub forecast: String,
    /// How good earlier forecasts of it would have been; empty where that was not tried.
    pub tested: String,
    /// All of it as numbers.
    #[serde(skip)]
    pub judgement: Judgement,
    /// How good earlier forecasts would have been, as numbers.
    #[serde(skip)]
    pub backtest: Option<Backtest>,
}

impl Judged {
    pub(super) fn new(
        source: &Source<'_>,
        one: &Measurement,
        judgement: Judgement,
        backtest: Option<Backtest>,
    ) -> Self {
        let language = source.names.language;
        let said = |text: Option<Text>| {
            text.map_or_else(String::new, |text| text.get(language).to_owned())
        };
        let tested = backtest
            .as_ref()
            .and_then(|of| judgement::tested(of, one.unit));
        Self {
            indicator: one.indicator.to_string(),
            name: super::figure::name(source, one.no, &one.indicator),
            trend: said(
                judgement
                    .trend
                    .as_ref()
                    .map(|of| judgement::trend(of, one.unit)),
            ),
            pace: said(
                judgement
                    .pace
                    .as_ref()
                    .and_then(|of| judgement::pace(of, one.unit)),
            ),
            forecast: said(
                judgement
                    .forecast
                    .as_ref()
                    .map(|of| judgement::forecast(of, one.unit)),
            ),
            tested: said(tested),
            judgement,
            backtest,
        }
    }

    /// Tells whether it says nothing beyond the changes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.trend.is_empty() && self.pace.is_empty() && self.forecast.is_empty()
    }
}
