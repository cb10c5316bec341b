//! `keiki collect export`

use std::path::PathBuf;

use keiki_model::text::{Language, Text};

use crate::cli::Exit;
use crate::cli::session::Session;
use crate::environment;
use crate::error::Result;
use crate::operations::collect::{self, Asked, Export, Made, Reach};
use crate::operations::period;

/// Write a workbook for each org unit with what it owes for a period
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Org units
    #[arg(long, required = true, value_name = "ID", num_args = 1.., value_delimiter = ',')]
    org: Vec<String>,
    /// Every entity below them too, a workbook each
    #[arg(long)]
    below: bool,
    /// The period
    #[arg(long)]
    period: String,
    /// Datasets [default: those that are owed and that no source sends]
    #[arg(long, value_name = "DATASET", num_args = 1.., value_delimiter = ',')]
    datasets: Vec<String>,
    /// KPIs to be reported as totals [default: those that were, in the last twelve periods]
    #[arg(long, value_name = "NO|CODE", num_args = 1.., value_delimiter = ',')]
    totals: Vec<String>,
    /// The day by which the workbooks are to be back: a date, or "business day 5" after the period's end
    #[arg(long, value_name = "DATE|BUSINESS DAY")]
    due: Option<String>,
    /// The folder for the workbooks [default: forms/PERIOD in the workspace]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

impl Args {
    pub(crate) async fn run(self, session: &Session) -> Result<Exit> {
        let workspace = session.workspace()?;
        let asked = Asked {
            units: self.org,
            reach: if self.below {
                Reach::Below
            } else {
                Reach::Named
            },
            period: period::period(&self.period)?,
            datasets: self.datasets,
            totals: self.totals,
            language: session.language(),
            due: self.due,
            folder: self.out,
            author: environment::author(),
            now: environment::now(),
        };
        let export = collect::export(&workspace, &asked).await?;
        let language = session.language();
        for made in &export.made {
            let file = made.file.strip_prefix(&workspace.root);
            let file = file.unwrap_or(&made.file).display().to_string();
            session.line(written(made, &file).get(language));
        }
        owes_nothing(&export, session, language);
        Ok(Exit::Fine)
    }
}

fn written(made: &Made, file: &str) -> Text {
    let sheets: Vec<String> = made
        .sheets
        .iter()
        .map(|(dataset, rows)| match rows {
            0 => dataset.clone(),
            rows => format!("{dataset} ({rows})"),
        })
        .collect();
    let sheets = sheets.join(", ");
    Text::new(
        format!("{}  {file}  様式番号 {}  {sheets}", made.org_unit, made.id),
        format!("{}  {file}  form {}  {sheets}", made.org_unit, made.id),
    )
}

fn owes_nothing(export: &Export, session: &Session, language: Language) {
    if export.nothing_owed.is_empty() {
        return;
    }
    let units = export.nothing_owed.join(", ");
    let said = Text::new(
        format!(
            "収集票で集めるものがありません(取得元が届けるか、この期間は収集の対象外のため): {units}。--datasets で指定すれば作成します"
        ),
        format!(
            "nothing is owed by workbook, since sources send it or it is not asked for in this period: {units}; name --datasets to make a form all the same"
        ),
    );
    session.note(said.get(language));
}
