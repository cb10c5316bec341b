//! `keiki catalogue`

mod whole;

use keiki_model::kpi::{CLASSES, GROUPS, MATURITIES};
use keiki_model::text::{Language, Text};
use keiki_report::table::Column;
use serde_json::json;

use crate::cli::grid::Grid;
use crate::cli::session::Session;
use crate::cli::{Exit, Format};
use crate::error::Result;
use crate::messages;
use crate::operations::catalogue::{self, Filter};

/// List the KPIs, or show one whole
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// A KPI by number or code
    #[arg(value_name = "NO")]
    kpi: Option<String>,
    /// Only this group
    #[arg(long, value_parser = GROUPS.map(|group| group.0), conflicts_with = "kpi")]
    group: Option<String>,
    /// Only those that suit this maturity
    #[arg(long, value_parser = MATURITIES.map(|maturity| maturity.0), conflicts_with = "kpi")]
    maturity: Option<String>,
    /// Only this class
    #[arg(long, value_parser = CLASSES.map(|class| class.0), conflicts_with = "kpi")]
    class: Option<String>,
    /// How to print the list
    #[arg(
        long,
        default_value = "table",
        value_name = "FORMAT",
        conflicts_with = "kpi"
    )]
    format: Format,
}

impl Args {
    pub(crate) fn run(self, session: &Session) -> Result<Exit> {
        let workspace = session.workspace()?;
        let language = session.language();
        if let Some(kpi) = &self.kpi {
            session.print(&whole::text(
                catalogue::find(&workspace.catalogue, kpi)?.as_ref(),
                language,
            ));
            return Ok(Exit::Fine);
        }
        let filter = Filter {
            group: self.group,
            maturity: self.maturity,
            class: self.class,
        };
        let is_table = self.format == Format::Table;
        let shown = |list: &[(&str, &str, &str)], code: &str| {
            if is_table {
                title(list, code, language)
            } else {
                code.to_owned()
            }
        };
        let rows = catalogue::list(&workspace.catalogue, &filter)
            .iter()
            .map(|kpi| {
                vec![
                    json!(kpi.no),
                    json!(kpi.code),
                    json!(kpi.name.get(language)),
                    json!(shown(&GROUPS, &kpi.group)),
                    json!(shown(&MATURITIES, &kpi.maturity)),
                    json!(shown(&CLASSES, &kpi.class)),
                    json!(if is_table {
                        frequency(&kpi.frequency).get(language).to_owned()
                    } else {
                        kpi.frequency.clone()
                    }),
                    json!(kpi.version),
                ]
            })
            .collect();
        let mut grid = Grid {
            names: vec![
                "no",
                "code",
                "name",
                "group",
                "maturity",
                "class",
                "frequency",
                "definition_version",
            ],
            columns: vec![
                Column::figure(messages::NUMBER.get(language)),
                Column::text(messages::CODE.get(language), 6),
                Column::text(messages::NAME.get(language), 16),
                Column::text(Text::new("区分", "Group").get(language), 10).spare(),
                Column::text(messages::MATURITY.get(language), 8),
                Column::text(messages::CLASS.get(language), 8).spare(),
                Column::text(messages::FREQUENCY.get(language), 6),
            ],
            rows,
        };
        if is_table {
            grid.rows
                .iter_mut()
                .for_each(|row| row.truncate(grid.columns.len()));
        }
        grid.print(self.format, session)?;
        Ok(Exit::Fine)
    }
}

/// The title of a word of a closed list.
fn title(list: &[(&str, &str, &str)], code: &str, language: Language) -> String {
    let found = list.iter().find(|row| row.0 == code);
    found.map_or_else(
        || code.to_owned(),
        |row| Text::new(row.1, row.2).get(language).to_owned(),
    )
}

fn frequency(code: &str) -> Text {
    match code {
        "monthly" => Text::new("月次", "monthly"),
        "quarterly" => Text::new("四半期", "quarterly"),
        "half_yearly" => Text::new("半期", "half-yearly"),
        "yearly" => Text::new("年次", "yearly"),
        other => Text::new(other, other),
    }
}
