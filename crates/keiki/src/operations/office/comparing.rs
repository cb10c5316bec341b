//! Two looks at the figures side by side: periods, org units, or both.

use keiki_model::fraction::Fraction;
use keiki_model::kpi::Direction;
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
        let same = |asked: &Option<String>, other: &str| {
            let asked = asked.clone().filter(|text| !text.is_empty());
            asked.or_else(|| Some(other.to_owned()))
        };
        let second = Look {
            period: same(&second.period, &one.sheet.period),
            unit: same(&second.unit, &one.sheet.unit),
            revision: second.revision.clone(),
        };
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
            self.measure_difference(line, &boards, &sides);
        }
        Ok(Compared { sides, lines })
    }

    /// Says by how much the first figure of a line is more than the second, and what that means.
    fn measure_difference(
        &self,
        line: &mut ComparedLine,
        boards: &[std::sync::Arc<Board>; 2],
        sides: &[Looked; 2],
    ) {
        if line.figures.iter().any(Option::is_none) {
            return;
        }
        let value = |at: usize| {
            let mut figures = boards[at].figures();
            let found = figures.find(|one| {
                one.no == line.no
                    && one.indicator == *line.indicator
                    && one.org_unit == *sides[at].sheet.unit
                    && !one.is_companion
                    && !one.is_withheld()
            });
            found.and_then(|one| Some((one.value?, one.unit)))
        };
        let (Some((one, unit)), Some((other, its_unit))) = (value(0), value(1)) else {
            return;
        };
        let negative = other.times(Fraction::whole(-1));
        let by = negative.and_then(|negative| one.plus(negative));
        let Some(by) = by.filter(|_| unit == its_unit) else {
            return;
        };
        line.by = format::difference(by, unit, self.language());
        let catalogue = &self.books.workspace.catalogue;
        let kpi = catalogue.kpi(&line.no.to_string());
        let indicator = kpi.and_then(|kpi| {
            let mut indicators = kpi.indicators.iter();
            indicators.find(|one| one.code == line.indicator)
        });
        let nothing = Fraction::whole(0);
        line.meaning = match indicator.map(|one| one.direction) {
            Some(Direction::Higher) if by > nothing => Meaning::Better,
            Some(Direction::Lower) if by < nothing => Meaning::Better,
            Some(Direction::Higher | Direction::Lower) if by != nothing => Meaning::Worse,
            _ => Meaning::Neither,
        };
    }
}
