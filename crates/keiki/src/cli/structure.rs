//! The arguments that say how org units are put together in a figure.

use jiff::tz::TimeZone;
use keiki_engine::Structure;
use keiki_model::calendar::local_day;
use keiki_model::measurement::Scope;

use crate::error::Result;
use crate::operations::period;

/// How org units are put together.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct StructureArgs {
    /// A unit with its departments, without the entities below it
    #[arg(long)]
    stand_alone: bool,
    /// Along this hierarchy, a file of the folder hierarchies [default: the org tree]
    #[arg(long, value_name = "NAME", conflicts_with = "stand_alone")]
    hierarchy: Option<String>,
    /// On the org tree of this day, for comparatives on one structure [default: each period's last day]
    #[arg(long, value_name = "DATE")]
    tree_on: Option<String>,
}

impl StructureArgs {
    pub(super) fn structure(&self, zone: &TimeZone) -> Result<Structure> {
        let tree_on = self
            .tree_on
            .as_deref()
            .map(|text| period::instant(text, zone))
            .transpose()?;
        Ok(Structure {
            scope: if self.stand_alone {
                Scope::StandAlone
            } else {
                Scope::Consolidated
            },
            tree_on: tree_on.map(|instant| local_day(instant, zone)),
            hierarchy: self.hierarchy.clone(),
            ..Structure::default()
        })
    }
}
