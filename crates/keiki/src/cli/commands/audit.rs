//! `keiki audit`

use std::path::PathBuf;

use keiki_model::text::Text;

use super::statement::revision_of;
use crate::cli::Exit;
use crate::cli::session::Session;
use crate::environment;
use crate::error::Result;
use crate::operations::audit::{self, Asked};
use crate::operations::period;
use crate::operations::programme::Run;
use crate::operations::rejects::Originals;
use crate::operations::statement::Revision;

/// Write the audit pack of a figure: a reproducible sample of its records with raw rows, who prepared and approved, the definition
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The KPI by number or code
    kpi: String,
    /// The org unit
    #[arg(long, value_name = "ID")]
    org: String,
    /// The period: 2026-09, FY2026-Q2, FY2026-H1 or FY2026
    #[arg(long)]
    period: String,
    /// The indicator [default: the KPI's first]
    #[arg(long, value_name = "CODE")]
    indicator: Option<String>,
    /// The revision, or `now` for today's figures [default: the last]
    #[arg(long, value_name = "NUMBER|now")]
    revision: Option<String>,
    /// How many records
    #[arg(long, value_name = "COUNT", default_value_t = 25)]
    sample: usize,
    /// What the drawing depends on [default: the names of the figure]
    #[arg(long, value_name = "TEXT")]
    seed: Option<String>,
    /// Raw rows of evidence that names people too
    #[arg(long)]
    personal: bool,
    /// The folder or zip file that is written
    #[arg(long, value_name = "PATH")]
    out: PathBuf,
}

impl Args {
    pub(crate) async fn run(self, session: &Session) -> Result<Exit> {
        let workspace = session.workspace()?;
        let language = session.language();
        let asked = Asked {
            kpi: self.kpi,
            indicator: self.indicator,
            org_unit: self.org,
            period: period::period(&self.period)?,
            revision: match self.revision.as_deref() {
                None => Revision::Last,
                Some(text) => revision_of(text)?,
            },
            count: self.sample,
            seed: self.seed,
            originals: if self.personal {
                Originals::All
            } else {
                Originals::Impersonal
            },
            language,
            run: Run {
                author: environment::author(),
                now: environment::now(),
            },
        };
        let written = audit::pack(&workspace, &asked, &self.out, session.progress()).await?;
        let (out, sampled, all) = (self.out.display(), written.sampled, written.population);
        let said = Text::new(
            format!("レコード{all}件から{sampled}件を抽出し、監査資料を書き出しました: {out}"),
            format!("drew {sampled} of {all} records and wrote the audit pack: {out}"),
        );
        session.line(said.get(language));
        Ok(Exit::Fine)
    }
}
