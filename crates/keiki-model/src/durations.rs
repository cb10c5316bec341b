//! How long things took, as a statement carries it for its charts: counts by duration, and the curve of cases still open.
//!
//! *Units*: seconds. Counts are exact; where there are many different durations, neighbouring ones are counted together.

use serde::{Deserialize, Serialize};

use crate::name::Name;
use crate::survival::{MINIMUM_AT_RISK, Span};

/// The most spans of a distribution, and the most steps of a curve.
const PLACES_MOST: usize = 96;

/// Widths by which neighbouring durations are counted together, in seconds.
const WIDTHS: [i64; 13] = [
    60, 300, 900, 3_600, 7_200, 21_600, 43_200, 86_400, 172_800, 604_800, 1_209_600, 2_592_000,
    7_776_000,
];

/// How long the things behind a figure took.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Durations {
    /// The KPI.
    pub no: u32,
    /// The indicator: a median, or a median of survival.
    pub indicator: Name,
    /// The org unit.
    pub org_unit: Name,
    /// What is counted.
    pub form: Form,
}

/// What is counted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Form {
    /// How many took how long.
    Distribution {
        /// How wide a span is; 0 where each duration is counted by itself.
        width_seconds: i64,
        /// Where a span begins, and how many fall into it, in order.
        counts: Vec<(i64, i64)>,
    },
    /// The share of cases still open after a time, open cases taken as censored.
    Survival {
        /// The steps, in order of time.
        steps: Vec<Step>,
    },
}

/// A step of a survival curve.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// After how long.
    pub after_seconds: i64,
    /// The share still open from then on, in millionths.
    pub open_millionths: u32,
    /// How many were at risk just before.
    pub at_risk: i64,
    /// How many open cases were censored since the step before.
    pub censored: i64,
}

impl Form {
    /// Counts durations, given as seconds with how many took so long, in order.
    #[must_use]
    pub fn distribution(counts: &[(i64, i64)]) -> Self {
        let narrowest = WIDTHS
            .iter()
            .copied()
            .map(|width| (width, gathered(counts, width)));
        let (width_seconds, counts) = std::iter::once((0, counts.to_vec()))
            .chain(narrowest)
            .find(|(width, counts)| {
                counts.len() <= PLACES_MOST || *width == WIDTHS[WIDTHS.len() - 1]
            })
            .unwrap_or_default();
        Self::Distribution {
            width_seconds,
            counts,
        }
    }

    /// Draws the curve of cases as they are seen through a window, with the seconds of a step of their ages. It ends where fewer
    /// are at risk than the median is trusted with.
    ///
    /// *Source*: Kaplan and Meier (1958), doi:10.1080/01621459.1958.10501452; delayed entry as in `survival`.
    #[must_use]
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the curve is drawn: a millionth is finer than a line, and a share lies between nought and one"
    )]
    pub fn survival(spans: &[Span], step_seconds: i64) -> Self {
        let mut events: Vec<(i64, [i64; 3])> = Vec::new();
        for span in spans {
            if span.entry > 0 {
                events.push((span.entry, [span.count, 0, 0]));
            }
            let leaves = if span.is_finished {
                [0, span.count, 0]
            } else {
                [0, 0, span.count]
            };
            events.push((span.exit, leaves));
        }
        events.sort_unstable_by_key(|(age, _)| *age);
        let from_start = spans.iter().filter(|span| span.entry == 0);
        let mut at_risk: i64 = from_start.map(|span| span.count).sum();
        let (mut share, mut censored_since) = (1.0_f64, 0);
        let mut steps = Vec::new();
        for same_age in events.chunk_by(|a, b| a.0 == b.0) {
            let sum = |at: usize| same_age.iter().map(|(_, counts)| counts[at]).sum::<i64>();
            let [entered, finished, censored] = [sum(0), sum(1), sum(2)];
            if finished > 0 {
                if at_risk < MINIMUM_AT_RISK {
                    break;
                }
                share *= (at_risk - finished) as f64 / at_risk as f64;
                steps.push(Step {
                    after_seconds: same_age[0].0.saturating_mul(step_seconds),
                    open_millionths: (share * 1e6).round() as u32,
                    at_risk,
                    censored: censored_since,
                });
                censored_since = 0;
            }
            censored_since += censored;
            at_risk += entered - finished - censored;
        }
        Self::Survival {
            steps: thinned(steps),
        }
    }

    /// Tells whether there is nothing to draw.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        match self {
            Self::Distribution { counts, .. } => counts.is_empty(),
            Self::Survival { steps } => steps.is_empty(),
        }
    }
}

/// Counts by the beginning of the span that they fall into.
fn gathered(counts: &[(i64, i64)], width: i64) -> Vec<(i64, i64)> {
    let mut spans: Vec<(i64, i64)> = Vec::new();
    for (value, count) in counts {
        let begin = value.div_euclid(width) * width;
        match spans.last_mut() {
            Some(last) if last.0 == begin => last.1 += count,
            _ => spans.push((begin, *count)),
        }
    }
    spans
}

/// Leaves out steps that are close to the one after them, until there are few; what was censored at them counts at the next.
fn thinned(steps: Vec<Step>) -> Vec<Step> {
    let Some(last) = steps.last().map(|step| step.after_seconds) else {
        return steps;
    };
    if steps.len() <= PLACES_MOST {
        return steps;
    }
    let places = i64::try_from(PLACES_MOST).unwrap_or(i64::MAX) - 1;
    let place = |step: &Step| step.after_seconds.saturating_mul(places) / last.max(1);
    let mut kept: Vec<Step> = Vec::new();
    for step in steps {
        match kept.last_mut() {
            Some(before) if place(before) == place(&step) => {
                *before = Step {
                    censored: before.censored + step.censored,
                    at_risk: before.at_risk,
                    ..step
                };
            }
            _ => kept.push(step),
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(entry: i64, exit: i64, is_finished: bool, count: i64) -> Span {
        Span {
            entry,
            exit,
            is_finished,
            count,
        }
    }

    #[test]
    fn few_durations_are_counted_one_by_one_and_many_by_span() {
        let few = [(60, 2), (120, 1)];
        assert_eq!(
            Form::distribution(&few),
            Form::Distribution {
                width_seconds: 0,
                counts: few.to_vec()
            }
        );
        let many: Vec<(i64, i64)> = (0..1_000).map(|at| (at * 60, 1)).collect();
        let Form::Distribution {
            width_seconds,
            counts,
        } = Form::distribution(&many)
        else {
            panic!("a distribution was asked for");
        };
        assert_eq!((width_seconds, counts.len()), (900, 67));
        assert_eq!(counts.iter().map(|(_, count)| count).sum::<i64>(), 1_000);
        assert_eq!(counts[1], (900, 15));
    }

    #[test]
    fn a_curve_takes_open_cases_as_censored_and_ends_where_few_are_at_risk() {
        // Ten cases: four finish at 2, two are still open at 3, and of the other four each finishes by itself.
        let mut spans = vec![span(0, 2, true, 4), span(0, 3, false, 2)];
        spans.extend((4..8).map(|age| span(0, age, true, 1)));
        let Form::Survival { steps } = Form::survival(&spans, 86_400) else {
            panic!("a curve was asked for");
        };
        // After the open ones are gone, four are at risk, which is fewer than a median is trusted with.
        assert_eq!(
            steps,
            [Step {
                after_seconds: 172_800,
                open_millionths: 600_000,
                at_risk: 10,
                censored: 0
            }]
        );
    }

    #[test]
    fn a_long_curve_keeps_few_steps_and_its_end() {
        let spans: Vec<Span> = (1..=2_000).map(|age| span(0, age, true, 1)).collect();
        let Form::Survival { steps } = Form::survival(&spans, 60) else {
            panic!("a curve was asked for");
        };
        assert!(steps.len() <= 96, "{}", steps.len());
        let last = steps.last().expect("there are steps");
        assert_eq!(
            (last.after_seconds, last.open_millionths),
            (1_996 * 60, 2_000)
        );
    }
}
