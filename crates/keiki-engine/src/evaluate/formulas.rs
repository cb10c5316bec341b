//! Figures that are sums and quotients of sums, from rows or from totals that were reported in their place.

use keiki_model::fraction::Fraction;
use keiki_model::kpi::{Formula, Indicator};

use super::bearing::{Bearing, Subtrees};
use super::standing::{Total, owing_for};
use super::{At, Figure, View};
use crate::cube::Cell;
use crate::reported::ReportedFigure;

pub(super) fn ratio(above: Fraction, below: Cell, view: &View<'_>) -> Figure {
    let denominator = view.fraction(below);
    let value = Fraction::new(
        above.numerator() * denominator.denominator(),
        above.denominator() * denominator.numerator(),
    );
    Figure {
        value,
        numerator: Some(above),
        denominator: Some(denominator),
        n: Some(i128::from(below.count)),
        is_nothing: value.is_none(),
        ..Figure::default()
    }
}

pub(super) fn mean(view: &View<'_>, total: Cell, indicator: &Indicator) -> Figure {
    let sum = view.fraction(total);
    let n = i128::from(total.count);
    let value = if n == 0 {
        None
    } else {
        sum.divided_by(n)
            .and_then(|mean| mean.divided_by(indicator.unit.divisor()))
    };
    Figure {
        value,
        numerator: Some(sum),
        denominator: Some(Fraction::whole(n)),
        n: Some(n),
        is_nothing: n == 0,
        ..Figure::default()
    }
}

/// Counts entities whose own level, departments included, is above zero.
pub(super) fn entities(view: &View<'_>, at: &At<'_>) -> Figure {
    let owing = owing_for(at);
    let own = view.own_levels();
    let units = owing
        .iter()
        .filter_map(|node| at.arrangement.stands_for(*node));
    let with = units.filter(|unit| own[*unit] > 0).count() as i128;
    let all = owing.len() as i128;
    Figure {
        value: Fraction::new(with, all),
        numerator: Some(Fraction::whole(with)),
        denominator: Some(Fraction::whole(all)),
        n: Some(all),
        is_nothing: all == 0,
        ..Figure::default()
    }
}

/// The figure from rows; what a histogram gives is given.
pub(super) fn figure(at: &At<'_>, counted: Option<&mut Figure>) -> Figure {
    let At {
        indicator,
        node,
        views,
        in_formula,
        ..
    } = *at;
    let Some(first) = views.first() else {
        return Figure::default();
    };
    let total = first.total(node);
    let mut figure = match &indicator.formula {
        Formula::Ratio { .. } => match views.get(1) {
            Some(second) => ratio(first.fraction(total), second.total(node), second),
            None => Figure::default(),
        },
        Formula::Sum(_) => {
            let value = first.fraction(total).divided_by(indicator.unit.divisor());
            Figure {
                value,
                n: Some(i128::from(total.count)),
                ..Figure::default()
            }
        }
        Formula::Mean(_) => mean(first, total, indicator),
        Formula::Entities(_) => entities(first, at),
        _ => match counted {
            Some(counted) => std::mem::take(counted),
            None => Figure {
                is_nothing: true,
                ..Figure::default()
            },
        },
    };
    figure.statistics.unknown = views
        .iter()
        .take(in_formula)
        .map(|v| i128::from(v.total(node).unknown))
        .max()
        .unwrap_or(0);
    // A ratio has nothing to count where its denominator has none.
    let counted = views.get(in_formula - 1);
    figure.is_unknown = counted.is_some_and(|view| view.total(node).unknown > 0);
    figure.statistics.undated = i128::from(first.undated(node));
    figure
}

/// Puts reported totals in the place of the rows of their org units and all below them.
pub(super) fn with_totals(at: &At<'_>, totals: &[Total<'_>]) -> Figure {
    let At {
        indicator,
        node,
        views,
        ..
    } = *at;
    let Some(first) = views.first() else {
        return Figure::default();
    };
    // Below the unit that reported a total, nothing is known of how it divides.
    if totals.iter().any(|total| total.bearing == Bearing::Above) {
        return Figure {
            is_nothing: true,
            ..Figure::default()
        };
    }
    let reported = |pick: fn(&ReportedFigure) -> Option<Fraction>| {
        totals
            .iter()
            .filter(|total| total.counts())
            .filter_map(|total| pick(total.figure))
            .try_fold(Fraction::whole(0), Fraction::plus)
    };
    let replaced = Subtrees::new(at.arrangement.main(), totals.iter().map(|total| total.unit));
    let rest = |view: &View<'_>| view.fraction(view.total_without(node, &replaced));
    let above = reported(|f| f.numerator).and_then(|reported| rest(first).plus(reported));
    let below_rest = match &indicator.formula {
        Formula::Mean(_) => Some(Fraction::whole(i128::from(
            first.total_without(node, &replaced).count,
        ))),
        _ => views.get(1).map(|second| rest(second)),
    };
    let below = below_rest
        .and_then(|rest| reported(|f| f.denominator).and_then(|reported| rest.plus(reported)));
    match &indicator.formula {
        Formula::Sum(_) => Figure {
            value: above.and_then(|sum| sum.divided_by(indicator.unit.divisor())),
            ..Figure::default()
        },
        Formula::Ratio { .. } | Formula::Mean(_) => {
            let quotient = above.zip(below).and_then(|(a, b)| {
                Fraction::new(
                    a.numerator() * b.denominator(),
                    a.denominator() * b.numerator(),
                )
            });
            let divisor = if matches!(indicator.formula, Formula::Mean(_)) {
                indicator.unit.divisor()
            } else {
                1
            };
            Figure {
                value: quotient.and_then(|value| value.divided_by(divisor)),
                numerator: above,
                denominator: below,
                n: below.map(|below| below.numerator() / below.denominator()),
                is_nothing: quotient.is_none(),
                ..Figure::default()
            }
        }
        _ => Figure {
            is_nothing: true,
            ..Figure::default()
        },
    }
}
