//! The figures of the periods before, by their place, and what they say of a figure.

use std::collections::{HashMap, HashSet};

use keiki_model::calendar::{Period, parse_day};
use keiki_model::calendars::Calendars;
use keiki_model::catalogue::Catalogue;
use keiki_model::fraction::Fraction;
use keiki_model::judgement::{self, Backtest, Bounds, Frame, Judgement, Observation};
use keiki_model::kpi::Indicator;
use keiki_model::measurement::Measurement;

use super::Earlier;
use super::figure::defined;

/// How many periods before its own a report draws; it judges by all that it is given.
pub(super) const DRAWN: usize = 12;

/// The figure of an earlier period.
#[derive(Debug, Clone, Copy)]
pub(super) struct Past<'s> {
    /// As it was reported first, else as it was known.
    pub(super) measurement: &'s Measurement,
    pub(super) is_reported: bool,
    /// What a later revision says, where that is another value.
    pub(super) restated: Option<&'s Measurement>,
}

/// KPI, indicator, org unit.
type Key<'s> = (u32, &'s str, &'s str);

fn key(one: &Measurement) -> Key<'_> {
    (one.no, &one.indicator, &one.org_unit)
}

/// The figures of one period.
struct OfPeriod<'s> {
    code: &'s str,
    period: Option<Period>,
    figures: HashMap<Key<'s>, Past<'s>>,
}

/// The figures of the periods before, by their place.
pub(super) struct History<'s> {
    catalogue: &'s Catalogue,
    calendars: &'s Calendars,
    periods: Vec<OfPeriod<'s>>,
}

impl<'s> History<'s> {
    /// The history of figures that are shown: of other org units it has none.
    pub(super) fn new(
        earlier: &'s [Earlier],
        shown: &[Measurement],
        (catalogue, calendars): (&'s Catalogue, &'s Calendars),
    ) -> Self {
        let org_units: HashSet<&str> = shown.iter().map(|one| &*one.org_unit).collect();
        let is_shown = |one: &&Measurement| org_units.contains(&*one.org_unit);
        let of = |earlier: &'s Earlier| {
            let later = earlier.restated.iter().flat_map(|of| &*of.measurements);
            let later: HashMap<Key<'s>, &Measurement> =
                later.filter(is_shown).map(|one| (key(one), one)).collect();
            let figures = earlier.measurements.iter().filter(is_shown);
            let figures = figures.map(|measurement| {
                let restated = later.get(&key(measurement)).copied();
                let past = Past {
                    measurement,
                    is_reported: earlier.revision.is_some(),
                    restated: restated.filter(|one| one.value != measurement.value),
                };
                (key(measurement), past)
            });
            OfPeriod {
                code: &earlier.period,
                period: Period::parse(&earlier.period).ok(),
                figures: figures.collect(),
            }
        };
        Self {
            catalogue,
            calendars,
            periods: earlier.iter().map(of).collect(),
        }
    }

    /// The figure in each period that is drawn, oldest first.
    pub(super) fn drawn<'h>(
        &'h self,
        one: &'h Measurement,
    ) -> impl Iterator<Item = (&'s str, Option<Past<'s>>)> + 'h {
        let from = self.periods.len().saturating_sub(DRAWN);
        self.periods[from..]
            .iter()
            .map(move |of| (of.code, of.figures.get(&key(one)).copied()))
    }

    /// The figure in the period just before.
    pub(super) fn previous(&self, one: &Measurement) -> Option<&'s Measurement> {
        let figures = &self.periods.last()?.figures;
        figures.get(&key(one)).map(|past| past.measurement)
    }

    fn observations(&self, one: &Measurement, indicator: &Indicator) -> Vec<Observation> {
        let before = self.periods.iter().filter_map(|of| {
            let past = of.figures.get(&key(one));
            Some((of.period?, past.map(|past| past.measurement)))
        });
        let own = Period::parse(&one.period).ok().map(|own| (own, Some(one)));
        judgement::observe(before.chain(own), indicator, self.calendars.group())
    }

    /// What a figure is judged by; `None` where the day on which it was cut is not known, as of figures that a board saw before
    /// the books were kept: whose fiscal year it follows cannot be told then.
    fn frame(&self, one: &Measurement, indicator: &Indicator) -> Option<Frame<'s>> {
        let calendars = self.calendars;
        let number = calendars.of_evidence(&one.org_unit, parse_day(&one.cut_on)?);
        Some(Frame::of(one, indicator, calendars.numbered(number)))
    }

    /// How a figure differs from the period before and from a year ago.
    pub(super) fn changes(&self, one: &Measurement) -> Judgement {
        let Some((_, indicator)) = defined(self.catalogue, one) else {
            return Judgement::default();
        };
        let frame = self.frame(one, indicator);
        frame.map_or_else(Judgement::default, |frame| {
            judgement::judge_changes(&self.observations(one, indicator), &frame)
        })
    }

    /// All that the values of a figure say together.
    pub(super) fn judgement(&self, one: &Measurement) -> Judgement {
        let Some((_, indicator)) = defined(self.catalogue, one) else {
            return Judgement::default();
        };
        let frame = self.frame(one, indicator);
        frame.map_or_else(Judgement::default, |frame| {
            judgement::judge_series(&self.observations(one, indicator), &frame)
        })
    }

    /// How good forecasts of a figure would have been.
    pub(super) fn backtest(&self, one: &Measurement) -> Option<Backtest> {
        let (_, indicator) = defined(self.catalogue, one)?;
        let observations = self.observations(one, indicator);
        let run = judgement::run_of(&observations, self.calendars.group());
        let bounds = Bounds::of(indicator.unit);
        let tested = judgement::backtest(run, bounds, judgement::PERIODS_TRIED);
        (!tested.trials.is_empty()).then_some(tested)
    }
}

/// How far one value is from another.
pub(super) fn moved_by(from: &Measurement, to: &Measurement) -> Option<Fraction> {
    to.value?.plus(from.value?.times(Fraction::whole(-1))?)
}
