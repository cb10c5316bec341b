//! The editions of a statement before a reader: documents and workbooks of what they may see.

use std::sync::Arc;

use keiki_report::report::{Report, Testing};
use keiki_report::{html, pdf, workbook};

use super::Desk;
use super::figures::{Look, SheetKey};
use crate::error::{Error, Result};

/// An edition that is a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Edition {
    /// A document for the board.
    Board,
    /// A document with every definition.
    Full,
    /// An Excel workbook.
    Workbook,
    /// The document for the board as a page in one file.
    Page,
}

impl Edition {
    /// Every edition with the end of its address and the type of its content.
    const ALL: [(Self, &'static str, &'static str); 4] = [
        (Self::Board, "board.pdf", "application/pdf"),
        (Self::Full, "full.pdf", "application/pdf"),
        (
            Self::Workbook,
            "figures.xlsx",
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        ),
        (Self::Page, "board.html", "text/html; charset=utf-8"),
    ];

    /// The edition of an address.
    #[must_use]
    pub fn from_file(file: &str) -> Option<Self> {
        let mut all = Self::ALL.into_iter();
        all.find(|(_, known, _)| *known == file)
            .map(|(edition, ..)| edition)
    }

    /// What its file is called, and the type of its content.
    #[must_use]
    pub fn file(self) -> (&'static str, &'static str) {
        let mut all = Self::ALL.into_iter();
        let found = all.find(|(edition, ..)| *edition == self);
        found.map_or(("", ""), |(_, file, kind)| (file, kind))
    }

    /// Whether forecasts are held against what came, as in the same edition of the command line.
    fn testing(self) -> Testing {
        match self {
            Self::Full | Self::Workbook => Testing::Tested,
            Self::Board | Self::Page => Testing::Untested,
        }
    }

    fn drawn(self, report: &Report<'_>) -> Result<Vec<u8>> {
        let set =
            |edition| pdf::draw(report, edition).map_err(|error| Error::stopped(error.message()));
        match self {
            Self::Board => set(pdf::Edition::Board),
            Self::Full => set(pdf::Edition::Full),
            Self::Workbook => {
                workbook::draw(report).map_err(|error| Error::stopped(error.message()))
            }
            Self::Page => Ok(html::draw(report, pdf::Edition::Board).into_bytes()),
        }
    }
}

/// Which drawn edition is meant.
pub(super) type EditionKey = (SheetKey, Edition);

impl Desk {
    /// An edition of the figures of a period as far as they may be seen, with the period that it is of.
    ///
    /// # Errors
    /// They may see none, or nothing of what is asked for; it cannot be drawn.
    pub async fn edition(&self, look: &Look, edition: Edition) -> Result<(String, Arc<Vec<u8>>)> {
        let board = self.board(look).await?;
        let (within, unit) = self.seen(&board, look)?;
        let period = board.period().to_string();
        let key = (self.sheet_key(&board, &within, &unit), edition);
        let editions = &self.office.kept.editions;
        if let Some(found) = editions.find(&key) {
            return Ok((period, found));
        }
        let one_at_a_time = self.office.setting.lock().await;
        if let Some(found) = editions.find(&key) {
            return Ok((period, found));
        }
        let earlier = self.before(&board, &unit).await?;
        let desk = self.clone();
        let drawn = tokio::task::spawn_blocking(move || {
            let of = (&within, unit.as_str());
            desk.reported((&board, &earlier), of, edition.testing(), |report| {
                edition.drawn(report)
            })
        });
        let drawn = drawn.await.map_err(Error::stopped)??;
        drop(one_at_a_time);
        Ok((period, editions.put(key, drawn)))
    }
}
