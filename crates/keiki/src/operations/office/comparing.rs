//! Two looks at the figures side by side: periods, org units, or both.

use keiki_model::fraction::Fraction;
use keiki_model::kpi::Direction;
use keiki_model::measurement::Measurement;
use keiki_report::format;
use keiki_report::report::Figure;

use super::Desk;
use super::figures::{Board, Look, Looked};
use crate::error::Result;

/// What a difference means for who reads it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meaning {
    /// The first is better.
    Better,
    /// The first is worse.
    Worse,
    /// They are the same, or neither way is better.
    Neither,
}

/// An indicator on both sides.
#[derive(Debug, Clone)]
pub struct ComparedLine {
    /// The KPI.
    pub no: u32,
    /// The indicator's code.
    pub indicator: String,
    /// The indicator.
    pub name: String,
    /// Its figures; `None` where a side has none.
    pub figures: [Option<Figure>; 2],
    /// By how much the first is more than the second; empty where one of them is not known.
    pub by: String,
    /// What that means.
    pub meaning: Meaning,
}

/// Two looks side by side.
#[derive(Debug, Clone)]
pub struct Compared {
    /// The looks.
    pub sides: [Looked; 2],
    /// The indicators of both, in the order of the catalogue.
    pub lines: Vec<ComparedLine>,
}

impl Desk {
    /// Holds two looks side by side. A look that names no period, or no org unit, is at the same as the first.
    ///
    /// # Errors
    /// They may not see one of them.
    pub async fn compare(&self, first: &Look, second: &Look) -> Result<Compared> {
        let one = self.look(first).await?;
        let second = second.beside((&one.sheet.period, &one.sheet.unit));
        let other = self.look(&second).await?;
        let boards = [self.board(first).await?, self.board(&second).await?];
        let sides = [one, other];
        let mut lines: Vec<ComparedLine> = Vec::new();
        for (at, side) in sides.iter().enumerate() {
            let kpis = side.sheet.groups.iter().flat_map(|group| &group.kpis);
            for (kpi, figure) in kpis.flat_map(|kpi| kpi.figures.iter().map(move |of| (kpi, of))) {
                let found = lines
                    .iter_mut()
                    .find(|line| line.no == kpi.no && line.indicator == figure.indicator);
                if let Some(line) = found {
                    line.figures[at] = Some(figure.clone());
                    continue;
                }
                let mut line = ComparedLine {
                    no: kpi.no,
                    indicator: figure.indicator.clone(),
                    name: figure.name.clone(),
                    figures: [None, None],
                    by: String::new(),
                    meaning: Meaning::Neither,
                };
                line.figures[at] = Some(figure.clone());
                lines.push(line);
            }
        }
        lines.sort_by_key(|line| line.no);
        for line in &mut lines {
            if line.figures.iter().any(Option::is_none) {
                continue;
            }
            let [one, other] = [0, 1].map(|at| {
                let unit = &sides[at].sheet.unit;
                boards[at].shown(line.no, &line.indicator, unit)
            });
            (line.by, line.meaning) = self.difference((line.no, &line.indicator), one, other);
        }
        Ok(Compared { sides, lines })
    }

    /// By how much a figure is more than another of the same indicator, and what that means; nothing where one of them is not known.
    pub(super) fn difference(
        &self,
        (no, indicator): (u32, &str),
        one: Option<&Measurement>,
        other: Option<&Measurement>,
    ) -> (String, Meaning) {
        let nothing = (String::new(), Meaning::Neither);
        let known = |one: &Measurement| Some((one.value?, one.unit));
        let (Some((one, unit)), Some((other, its_unit))) =
            (one.and_then(known), other.and_then(known))
        else {
            return nothing;
        };
        let Some(by) = less(one, other).filter(|_| unit == its_unit) else {
            return nothing;
        };
        let catalogue = &self.books.workspace.catalogue;
        let kpi = catalogue.kpi(&no.to_string());
        let indicator = kpi.and_then(|kpi| {
            let mut indicators = kpi.indicators.iter();
            indicators.find(|one| one.code == indicator)
        });
        let zero = Fraction::whole(0);
        let meaning = match indicator.map(|one| one.direction) {
            Some(Direction::Higher) if by > zero => Meaning::Better,
            Some(Direction::Lower) if by < zero => Meaning::Better,
            Some(Direction::Higher | Direction::Lower) if by != zero => Meaning::Worse,
            _ => Meaning::Neither,
        };
        (format::difference(by, unit, self.language()), meaning)
    }
}

impl Look {
    /// The same; what it leaves open is as at another look, of a period and an org unit.
    pub(super) fn beside(&self, (period, unit): (&str, &str)) -> Self {
        let same = |asked: &Option<String>, other: &str| {
            let asked = asked.clone().filter(|text| !text.is_empty());
            asked.or_else(|| Some(other.to_owned()))
        };
        Self {
            period: same(&self.period, period),
            unit: same(&self.unit, unit),
            revision: self.revision.clone(),
        }
    }
}

impl Board {
    /// A figure that is shown.
    fn shown(&self, no: u32, indicator: &str, unit: &str) -> Option<&Measurement> {
        let mut figures = self.figures();
        figures.find(|one| {
            one.no == no
                && one.indicator == *indicator
                && one.org_unit == *unit
                && !one.is_companion
                && !one.is_withheld()
        })
    }
}

/// A number less another; `None` where the difference is too long to be written.
pub(super) fn less(one: Fraction, other: Fraction) -> Option<Fraction> {
    one.plus(other.times(Fraction::whole(-1))?)
}
