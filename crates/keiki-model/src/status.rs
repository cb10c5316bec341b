//! How a measurement stands: the thirteen statuses and the rules that choose among them.

use serde::{Deserialize, Serialize};

use crate::fraction::Fraction;
use crate::kpi::{CoveredBy, Nothing, Target};
use crate::measurement::Coverage;
use crate::text::Text;

/// How a measurement stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// The target is met.
    Met,
    /// The target is missed by no more than the margin.
    Near,
    /// The target is missed.
    Missed,
    /// The target is due later and the pace suffices, or what is left open has its deadline still before it.
    OnPace,
    /// The target is due later and the pace does not suffice.
    Behind,
    /// Nothing was planned by then, or no evidence is asked for in the period.
    NotDue,
    /// Nothing of the kind happened.
    NoneOccurred,
    /// The KPI does not concern the org unit.
    NotApplicable,
    /// No target is set.
    NoTarget,
    /// Evidence is owed and not reported.
    NoData,
    /// Too few org units have reported for a judgement.
    Provisional,
    /// Too few records for a judgement.
    TooFew,
    /// The miss is approved for a time.
    Waived,
}

impl Status {
    const ALL: [(Self, &'static str, &'static str, &'static str); 13] = [
        (Self::Met, "met", "達成", "met"),
        (Self::Near, "near", "僅差未達", "near"),
        (Self::Missed, "missed", "未達", "missed"),
        (Self::OnPace, "on_pace", "計画どおり", "on pace"),
        (Self::Behind, "behind", "計画遅延", "behind"),
        (Self::NotDue, "not_due", "期限前", "not due"),
        (
            Self::NoneOccurred,
            "none_occurred",
            "該当なし",
            "none occurred",
        ),
        (
            Self::NotApplicable,
            "not_applicable",
            "対象外",
            "not applicable",
        ),
        (Self::NoTarget, "no_target", "目標未設定", "no target"),
        (
            Self::NoData,
            "no_data",
            "データなし(未報告)",
            "no data (not reported)",
        ),
        (Self::Provisional, "provisional", "暫定", "provisional"),
        (Self::TooFew, "too_few", "件数不足", "too few"),
        (Self::Waived, "waived", "例外承認済", "waived"),
    ];

    /// All of them, in the order of the screen.
    pub fn all() -> impl Iterator<Item = Self> {
        Self::ALL.iter().map(|row| row.0)
    }

    /// The statuses from the worst to the best: a known miss is worse than what is not known, and that is worse than what is met.
    const BY_WEIGHT: [Self; 13] = [
        Self::Missed,
        Self::Behind,
        Self::Near,
        Self::NoData,
        Self::Provisional,
        Self::TooFew,
        Self::Waived,
        Self::OnPace,
        Self::Met,
        Self::NoTarget,
        Self::NotDue,
        Self::NoneOccurred,
        Self::NotApplicable,
    ];

    /// The status of a KPI of several figures: the worst of theirs; `None` where there is none.
    #[must_use]
    pub fn worst(of: impl IntoIterator<Item = Self>) -> Option<Self> {
        let weight = |status: &Self| Self::BY_WEIGHT.iter().position(|other| other == status);
        of.into_iter().min_by_key(weight)
    }

    fn row(self) -> (&'static str, &'static str, &'static str) {
        let row = Self::ALL.iter().find(|row| row.0 == self);
        row.map_or(("", "", ""), |row| (row.1, row.2, row.3))
    }

    /// The word in data.
    #[must_use]
    pub fn code(self) -> &'static str {
        self.row().0
    }

    /// The word on screen.
    #[must_use]
    pub fn title(self) -> Text {
        Text::new(self.row().1, self.row().2)
    }
}

/// What there was to count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// Something.
    Records,
    /// Nothing.
    Nothing,
    /// Something, and all of its values are unknown.
    OnlyUnknown,
}

/// When the target is due, as the judgement sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// Now.
    Arrived,
    /// On a later day; the share of the way to it that should be done.
    Along(Fraction),
    /// Each item is due on a day of its own; the value that would be reached if all those whose day is still to come were done,
    /// `None` where it is not known how many they are.
    ByItem(Option<Fraction>),
}

/// What the judgement rests on.
#[derive(Debug, Clone, Copy)]
pub struct Facts {
    /// Which units have reported.
    pub coverage: Coverage,
    /// Share of them below which nothing is judged.
    pub coverage_at_least: Fraction,
    /// How that share is counted.
    pub covered_by: CoveredBy,
    /// The value.
    pub value: Option<Fraction>,
    /// What there was to count.
    pub found: Found,
    /// What it means that there was nothing.
    pub none_is: Nothing,
    /// Whether there are too few records.
    pub is_too_few: bool,
    /// The target.
    pub target: Option<Target>,
    /// The margin within which a miss is near.
    pub near_margin: Fraction,
    /// The number of items that must be zero for the target to be met; `None` where it is not known.
    pub unmet: Option<i128>,
    /// When the target is due.
    pub way: Way,
    /// Whether a miss is approved.
    pub is_waived: bool,
    /// Whether evidence is asked for in the period.
    pub is_asked: bool,
}

/// Chooses the status.
///
/// *Source*: own definition, in this order: concerned, reported, enough units, anything there, enough records, target.
#[must_use]
pub fn judge(facts: &Facts) -> Status {
    let status = unwaived(facts);
    let is_miss = matches!(status, Status::Missed | Status::Near | Status::Behind);
    if is_miss && facts.is_waived {
        Status::Waived
    } else {
        status
    }
}

fn unwaived(facts: &Facts) -> Status {
    let Coverage {
        covered, expected, ..
    } = facts.coverage;
    if expected == 0 {
        return Status::NotApplicable;
    }
    if covered == 0 {
        return if facts.is_asked {
            Status::NoData
        } else {
            Status::NotDue
        };
    }
    let share = facts.coverage.share(facts.covered_by);
    // What has just been made is compared where it is: to move it would take longer.
    if share
        .as_ref()
        .is_some_and(|share| *share < facts.coverage_at_least)
    {
        return Status::Provisional;
    }
    match (facts.found, facts.none_is) {
        (Found::Records, _) => {}
        (Found::OnlyUnknown, _) => return Status::NoData,
        (Found::Nothing, Nothing::NoneOccurred) => return Status::NoneOccurred,
        (Found::Nothing, Nothing::NotDue) => return Status::NotDue,
    }
    if facts.is_too_few {
        return Status::TooFew;
    }
    let Some(target) = facts.target else {
        return Status::NoTarget;
    };
    let Some(value) = facts.value else {
        return Status::NoData;
    };
    // Most targets are met, and that is seen without a difference.
    let is_within = target.at_least.is_none_or(|bound| value >= bound)
        && target.at_most.is_none_or(|bound| value <= bound);
    let shortfall = if is_within {
        Fraction::whole(0)
    } else {
        shortfall(value, target)
    };
    let is_reached = is_within || shortfall <= Fraction::whole(0);
    let is_met = is_reached && facts.unmet == Some(0);
    if let Way::Along(share) = facts.way {
        // What must not be exceeded by the due date and is exceeded already will not be met by going on.
        if target.at_most.is_some_and(|bound| value > bound) {
            return Status::Missed;
        }
        let is_behind = target
            .at_least
            .and_then(|bound| bound.times(share))
            .is_some_and(|pace| value < pace);
        return if is_met || !is_behind {
            Status::OnPace
        } else {
            Status::Behind
        };
    }
    if is_met {
        return Status::Met;
    }
    if let (Way::ByItem(in_time), Some(0)) = (facts.way, facts.unmet) {
        match in_time.map(|value| self::shortfall(value, target) <= Fraction::whole(0)) {
            // It may be on pace: how much of it is still before its deadline was not reported.
            None => return Status::Provisional,
            Some(true) => return Status::OnPace,
            Some(false) => {}
        }
    }
    if is_reached && facts.unmet.is_none() {
        // It would be met if nothing is left undone, and that was not reported.
        Status::Provisional
    } else if !is_reached && shortfall <= facts.near_margin {
        Status::Near
    } else {
        Status::Missed
    }
}

/// By how much a value misses a target; zero or less where it does not.
fn shortfall(value: Fraction, target: Target) -> Fraction {
    let minus = |a: Fraction, b: Fraction| b.times(Fraction::whole(-1)).and_then(|b| a.plus(b));
    let below = target.at_least.and_then(|bound| minus(bound, value));
    let above = target.at_most.and_then(|bound| minus(value, bound));
    below
        .into_iter()
        .chain(above)
        .max()
        .unwrap_or_else(|| Fraction::whole(0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measurement::Headcount;

    fn facts(value: &str) -> Facts {
        Facts {
            coverage: Coverage {
                covered: 3,
                expected: 3,
                headcount: None,
            },
            coverage_at_least: Fraction::whole(1),
            covered_by: CoveredBy::Units,
            value: Fraction::parse_decimal(value),
            found: Found::Records,
            none_is: Nothing::NoneOccurred,
            is_too_few: false,
            target: Some(Target {
                at_least: Fraction::parse_decimal("0.95"),
                at_most: None,
            }),
            near_margin: Fraction::parse_decimal("0.02").expect("a decimal"),
            unmet: Some(0),
            way: Way::Arrived,
            is_waived: false,
            is_asked: true,
        }
    }

    #[test]
    fn a_kpi_of_several_figures_stands_as_the_worst_of_them() {
        use Status::{Met, Missed, Near, NoData, NoTarget};
        assert_eq!(Status::worst([Met, Near]), Some(Near));
        assert_eq!(Status::worst([NoData, Met]), Some(NoData));
        assert_eq!(Status::worst([NoData, Missed]), Some(Missed));
        assert_eq!(Status::worst([NoTarget, Met]), Some(Met));
        assert_eq!(Status::worst([]), None);
        let of_all = Status::all().filter_map(|one| Status::worst([one]));
        assert_eq!(
            of_all.collect::<Vec<_>>(),
            Status::all().collect::<Vec<_>>()
        );
    }

    #[test]
    fn a_value_meets_nears_or_misses_its_target() {
        assert_eq!(judge(&facts("0.95")), Status::Met);
        assert_eq!(judge(&facts("0.93")), Status::Near);
        assert_eq!(judge(&facts("0.929")), Status::Missed);
    }

    #[test]
    fn an_item_left_undone_is_not_offset_by_early_ones() {
        assert_eq!(
            judge(&Facts {
                unmet: Some(1),
                ..facts("1.2")
            }),
            Status::Missed
        );
    }

    #[test]
    fn a_waiver_changes_a_miss_and_nothing_else() {
        let waived = |value: &str| Facts {
            is_waived: true,
            ..facts(value)
        };
        assert_eq!(judge(&waived("0.5")), Status::Waived);
        assert_eq!(judge(&waived("0.96")), Status::Met);
    }

    #[test]
    fn silence_is_no_data_and_half_a_group_is_provisional() {
        let silent = Coverage {
            covered: 0,
            expected: 3,
            headcount: None,
        };
        let part = Coverage {
            covered: 2,
            expected: 3,
            headcount: None,
        };
        assert_eq!(
            judge(&Facts {
                coverage: silent,
                ..facts("1")
            }),
            Status::NoData
        );
        assert_eq!(
            judge(&Facts {
                coverage: part,
                ..facts("1")
            }),
            Status::Provisional
        );
    }

    #[test]
    fn a_small_unit_that_is_silent_weighs_little_by_headcount() {
        let facts = |covered_by| Facts {
            coverage: Coverage {
                covered: 2,
                expected: 3,
                headcount: Some(Headcount {
                    covered: 990,
                    expected: 1_000,
                }),
            },
            coverage_at_least: Fraction::parse_decimal("0.9").expect("a decimal"),
            covered_by,
            ..facts("0.95")
        };
        assert_eq!(judge(&facts(CoveredBy::Units)), Status::Provisional);
        assert_eq!(judge(&facts(CoveredBy::Headcount)), Status::Met);
    }

    #[test]
    fn before_it_is_due_the_pace_counts() {
        let half = Way::Along(Fraction::new(1, 2).expect("a half"));
        assert_eq!(
            judge(&Facts {
                way: half,
                ..facts("0.5")
            }),
            Status::OnPace
        );
        assert_eq!(
            judge(&Facts {
                way: half,
                ..facts("0.4")
            }),
            Status::Behind
        );
    }

    #[test]
    fn what_is_open_before_its_own_deadline_is_on_pace() {
        let open = |in_time: &str, unmet| Facts {
            way: Way::ByItem(Fraction::parse_decimal(in_time)),
            unmet,
            ..facts("0.5")
        };
        assert_eq!(judge(&open("1", Some(0))), Status::OnPace);
        assert_eq!(judge(&open("1", Some(1))), Status::Missed);
        assert_eq!(judge(&open("0.75", Some(0))), Status::Missed);
        assert_eq!(judge(&open("", Some(0))), Status::Provisional);
        let done = Facts {
            way: Way::ByItem(Some(Fraction::whole(1))),
            ..facts("1")
        };
        assert_eq!(judge(&done), Status::Met);
    }

    #[test]
    fn what_is_exceeded_before_it_is_due_is_missed() {
        let band = Facts {
            target: Some(Target {
                at_least: Fraction::parse_decimal("0.95"),
                at_most: Some(Fraction::whole(1)),
            }),
            way: Way::Along(Fraction::new(11, 12).expect("not over zero")),
            ..facts("1.03")
        };
        assert_eq!(judge(&band), Status::Missed);
    }

    #[test]
    fn what_is_all_unknown_is_no_data_and_not_none() {
        let unknown = Facts {
            value: None,
            found: Found::OnlyUnknown,
            target: None,
            ..facts("1")
        };
        assert_eq!(judge(&unknown), Status::NoData);
    }
}
