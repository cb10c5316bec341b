//! Taking evidence in: a file that waits, a file at once, a nil return, a total in the place of rows.

use std::io::Write;
use std::path::{Path, PathBuf};

use keiki_model::access::Right;
use keiki_model::calendar::Day;
use keiki_model::dataset::REPORTED_FIGURES;
use keiki_model::text::Text;
use keiki_store::{DeskFolder, StoreError, WaitingFile};

use super::trying::{Meant, Shape, Tried, of_sender, units_of};
use super::{Preview, Said, Taken, TakenPart, Total};
use crate::config::Opening;
use crate::error::{Error, Result};
use crate::operations::collect::{self, Import, Outcome};
use crate::operations::ingest::{self, Confirmation, Ingest, SentInto, What};
use crate::operations::office::Desk;
use crate::operations::office::waiting::{LookedAt, TakenFile};
use crate::progress::Silent;

/// How often a file is looked at where something comes in between a look and the commit.
const LOOKS: usize = 4;

impl Desk {
    /// Takes in a file that waits, if what would become of it is still what was seen: `seen` is the version of the preview that
    /// they looked at; absent = the one that was made last.
    ///
    /// # Errors
    /// It waits no longer, it is another's, it cannot be used, or something else would become of it than was seen.
    pub async fn confirm(&self, token: &str, seen: Option<&str>) -> Result<Taken> {
        let chosen = self.chosen(token, seen).await?;
        let taken = self.take_in(&chosen).await?;
        self.office.waiting.remove(token).await?;
        Ok(taken)
    }

    /// A file that waits, taken so that nobody else takes it in meanwhile, with the version of the preview that was seen.
    pub(in crate::operations::office) async fn chosen(
        &self,
        token: &str,
        seen: Option<&str>,
    ) -> Result<(TakenFile, String)> {
        self.who.scope.need(Right::Submit)?;
        let own = (token, self.who.actor.name.as_str());
        let waiting = &self.office.waiting;
        let seen = match seen {
            Some(version) => version.to_owned(),
            None => waiting.version(own).await?,
        };
        Ok((waiting.take(own, self.who.actor.now).await?, seen))
    }

    /// Takes in a file that waits. It goes on waiting, for whoever asked for it to take it away.
    pub(in crate::operations::office) async fn take_in(
        &self,
        (taken, seen): &(TakenFile, String),
    ) -> Result<Taken> {
        let LookedAt { file, path, .. } = &taken.looked_at;
        // Roles, records, and what files are read by may have changed since it was looked at.
        let meant = self.meant_of(file)?;
        self.as_seen(&meant, path, Some((file, seen.as_str())))
            .await
    }

    /// Takes in a file at once.
    ///
    /// # Errors
    /// They may not send it, or it cannot be used.
    pub async fn submit(&self, folder: DeskFolder, path: PathBuf, said: &Said) -> Result<Taken> {
        let meant = self.meant(said)?;
        let (_, within) = self.within(Right::Submit)?;
        // Who speaks for everybody takes over nothing, and the file need not be looked at beforehand.
        let is_trusted = within.is_whole() && matches!(meant.shape, Shape::Rows(_));
        let taken = if is_trusted {
            self.write(&meant, &path, None).await
        } else {
            self.as_seen(&meant, &path, None).await
        };
        drop(folder);
        taken
    }

    /// Looks at a file and takes it in, if nothing came into the books between the look and the commit; else it is looked at again.
    async fn as_seen(
        &self,
        meant: &Meant,
        path: &Path,
        shown: Option<(&WaitingFile, &str)>,
    ) -> Result<Taken> {
        for _ in 0..LOOKS {
            let seen = self.version_now().await?;
            let tried = self.tried(meant, path).await?;
            if let Some(shown) = shown {
                self.is_as_shown(shown, (meant, &tried), path).await?;
            }
            match self.write(meant, path, Some(seen)).await {
                Err(Error::Store(StoreError::NotAsSeen(_))) => {}
                came => return came,
            }
        }
        Err(changed())
    }

    /// Refuses a file of which something else would become than was seen, and keeps that for the next look.
    async fn is_as_shown(
        &self,
        (file, version): (&WaitingFile, &str),
        (meant, tried): (&Meant, &Tried),
        path: &Path,
    ) -> Result<()> {
        let preview = self.shown(tried, file);
        if preview.version == version {
            return Ok(());
        }
        let effects = self.effects(meant, tried, path).await;
        let preview = Preview { effects, ..preview };
        let waiting = &self.office.waiting;
        waiting.renew(&preview, self.who.language).await?;
        Err(changed())
    }

    /// The number of the last commit, as it is now.
    async fn version_now(&self) -> Result<i64> {
        match self.books.workspace.journal(Opening::Existing).await {
            Ok(journal) => Ok(journal.snapshot().await?.seq()),
            Err(Error::Store(StoreError::NoJournal(_))) => Ok(0),
            Err(error) => Err(error),
        }
    }

    /// Takes in a file that was looked at.
    async fn write(&self, meant: &Meant, path: &Path, as_seen: Option<i64>) -> Result<Taken> {
        let (_, within) = self.within(Right::Submit)?;
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let name = name.into_owned();
        let Shape::Rows(into) = &meant.shape else {
            return self.write_workbook(path, &name, as_seen).await;
        };
        let what = What::Sent {
            into: into.clone(),
            org_units: units_of(&within),
            files: vec![path.to_owned()],
            attachments: Vec::new(),
            as_seen,
        };
        let taken = self
            .take(what, meant.covers.clone(), meant.as_of, &name)
            .await;
        taken.map_err(of_sender)
    }

    /// Takes in a workbook: each sheet is a reading of its own.
    async fn write_workbook(&self, path: &Path, name: &str, as_seen: Option<i64>) -> Result<Taken> {
        let asked = self.import_of(path, as_seen);
        let workspace = &self.books.workspace;
        let returned = Box::pin(collect::import(workspace, &asked, &Silent)).await?;
        self.office.kept.look_again().await;
        let returned = returned.into_iter().next().ok_or(Error::Absent)?;
        let sheets = returned.result?;
        let is_late = |sheet: &collect::Taken| {
            let Outcome::Failed(Error::Store(StoreError::NotAsSeen(seen))) = &sheet.outcome else {
                return None;
            };
            Some(*seen)
        };
        let is_in = sheets
            .iter()
            .any(|sheet| matches!(sheet.outcome, Outcome::Read(_)));
        if let Some(seen) = sheets.iter().find_map(is_late).filter(|_| !is_in) {
            return Err(Error::Store(StoreError::NotAsSeen(seen)));
        }
        let parts: Vec<TakenPart> = sheets
            .into_iter()
            .map(|sheet| self.taken_sheet(sheet))
            .collect();
        if !parts.iter().any(|part| part.is_in) {
            return Err(nothing_in(&parts));
        }
        for part in parts.iter().filter(|part| part.is_in) {
            self.note("submit", &part.name, name).await?;
        }
        Ok(Taken {
            into: self.title_of(super::WORKBOOK),
            seq: parts.iter().filter_map(|part| part.seq).max(),
            accepted: parts.iter().map(|part| part.accepted).sum(),
            changed: parts.iter().map(|part| part.changed).sum(),
            rejected: parts.iter().map(|part| part.rejected).sum(),
            parts,
        })
    }

    /// What is asked for where a workbook is taken in.
    pub(super) fn import_of(&self, path: &Path, as_seen: Option<i64>) -> Import {
        Import {
            files: vec![path.to_owned()],
            marked: None,
            confirmation: Confirmation::Ask,
            as_seen,
            author: self.who.actor.name.clone(),
            now: self.who.actor.now,
        }
    }

    fn taken_sheet(&self, sheet: collect::Taken) -> TakenPart {
        let language = self.who.language;
        let mut part = TakenPart {
            title: self.dataset_title(&sheet.dataset),
            name: sheet.dataset,
            ..TakenPart::default()
        };
        match &sheet.outcome {
            Outcome::Read(report) => {
                let counts = &report.receipt.counts;
                part.is_in = true;
                part.seq = report.receipt.seq;
                part.accepted = counts.accepted;
                part.changed = counts.changed;
                part.rejected = counts.rejected;
            }
            Outcome::Open(why) | Outcome::Refused(why) => {
                part.said.push(why.get(language).to_owned());
            }
            Outcome::Failed(error) => part.said.push(error.message().get(language).to_owned()),
            Outcome::Checked { .. } => {}
        }
        let notes = sheet.notes.iter();
        part.said
            .extend(notes.map(|note| note.get(language).to_owned()));
        part
    }

    /// What is asked for where rows are taken in.
    pub(super) fn ingest_of(&self, what: What, covers: Vec<String>, as_of: Day) -> Ingest {
        Ingest {
            what,
            as_of: Some(as_of),
            covers,
            extent: None,
            missing: None,
            confirmation: Confirmation::Ask,
            surroundings: &crate::environment::Here,
            author: self.who.actor.name.clone(),
            now: self.who.actor.now,
        }
    }

    async fn take(&self, what: What, covers: Vec<String>, as_of: Day, name: &str) -> Result<Taken> {
        let asked = self.ingest_of(what, covers, as_of);
        let outcomes = ingest::ingest(&self.books.workspace, &asked, &Silent).await?;
        self.office.kept.look_again().await;
        let outcome = outcomes.into_iter().next().ok_or(Error::Absent)?;
        let report = outcome.result?;
        self.note("submit", &outcome.dataset, name).await?;
        let counts = &report.receipt.counts;
        Ok(Taken {
            into: self.dataset_title(&outcome.dataset),
            seq: report.receipt.seq,
            accepted: counts.accepted,
            changed: counts.changed,
            rejected: counts.rejected,
            parts: Vec::new(),
        })
    }

    /// Says that an org unit has nothing of a dataset to send for a day: a file with headings alone.
    ///
    /// # Errors
    /// They may not, or there is no such dataset.
    pub async fn nil_return(&self, said: &Said) -> Result<Taken> {
        let (_, within) = self.within(Right::Submit)?;
        let unit = within.chosen(Some(&said.unit))?.to_owned();
        let SentInto::Dataset(name) = self.into(&said.into, &within)? else {
            return Err(Error::Absent);
        };
        let dataset = self.books.workspace.dataset(&name)?;
        let columns = dataset.columns.iter().map(|column| column.name.clone());
        let rows = [columns.collect::<Vec<_>>()];
        let of = (unit, self.as_of(&said.as_of)?, Vec::new());
        self.take_rows(&name, &rows, of).await
    }

    /// Reports a total in the place of rows, with the document that backs it where there is one.
    ///
    /// # Errors
    /// They may not, or something does not fit.
    pub async fn report_total(&self, total: &Total, document: Option<PathBuf>) -> Result<Taken> {
        let (_, within) = self.within(Right::Submit)?;
        let unit = within.chosen(Some(&total.unit))?.to_owned();
        let period = self.period(Some(&total.period))?;
        let calendar = &self.books.workspace.settings.calendar;
        let (_, last) = period.months(calendar).ok_or(Error::Absent)?;
        let (no, indicator) = total.indicator.split_once(':').ok_or(Error::Absent)?;
        let names = [
            "kpi_no",
            "indicator",
            "org_unit",
            "period",
            "numerator",
            "denominator",
            "prepared_by",
            "attachment",
        ];
        let period = period.to_string();
        let named = document.as_ref().and_then(|path| path.file_name());
        let named = named.map(|name| name.to_string_lossy().into_owned());
        let attachment = match total.attachment.trim() {
            "" => named.unwrap_or_default(),
            said => said.to_owned(),
        };
        let values = [
            no,
            indicator,
            &unit,
            &period,
            total.numerator.trim(),
            total.denominator.trim(),
            &self.who.actor.name,
            &attachment,
        ];
        let rows = [names, values].map(|row| row.map(str::to_owned).to_vec());
        let as_of = last.last_day().min(self.today());
        let of = (unit.clone(), as_of, document.into_iter().collect());
        self.take_rows(REPORTED_FIGURES, &rows, of).await
    }

    /// Takes in rows that were typed: a file like any other.
    async fn take_rows(
        &self,
        dataset: &str,
        rows: &[Vec<String>],
        (unit, as_of, attachments): (String, Day, Vec<PathBuf>),
    ) -> Result<Taken> {
        let (_, within) = self.within(Right::Submit)?;
        let (folder, path) = self.begin_file(&format!("{dataset}.csv"))?;
        let mut written = csv::Writer::from_writer(Vec::new());
        for row in rows {
            written.write_record(row).map_err(Error::stopped)?;
        }
        let bytes = written.into_inner().map_err(Error::stopped)?;
        let mut file = std::fs::File::create(&path).map_err(Error::file(&path))?;
        file.write_all(&bytes).map_err(Error::file(&path))?;
        let what = What::Sent {
            into: SentInto::Dataset(dataset.to_owned()),
            org_units: units_of(&within),
            files: vec![path],
            attachments,
            as_seen: None,
        };
        let taken = self.take(what, vec![unit], as_of, dataset).await;
        drop(folder);
        taken
    }
}

/// That something else would become of a file than was seen.
fn changed() -> Error {
    Error::user(
        Text::new(
            "確認した後に、取込の定義または台帳が変わったため、取り込んでいません",
            "nothing was taken in: how the file is read, or what the books hold, has changed since you looked",
        ),
        Text::new(
            "内容をもう一度確認してから取り込んでください",
            "look again at what becomes of it, then take it in",
        ),
    )
}

/// That no sheet of a workbook was taken in, and why.
fn nothing_in(parts: &[TakenPart]) -> Error {
    let why = parts.iter().map(|part| {
        let said = part.said.join(" / ");
        format!("{}: {said}", part.title)
    });
    let why = why.collect::<Vec<_>>().join("; ");
    Error::user(
        Text::new(
            format!("取り込めるシートがありません: {why}"),
            format!("no sheet could be taken in: {why}"),
        ),
        Text::new(
            "収集票を直して、もう一度送ってください",
            "mend the workbook and send it again",
        ),
    )
}
