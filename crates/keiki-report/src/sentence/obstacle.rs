//! What stands in the way of a close, in words.

use keiki_model::statement::Obstacle;
use keiki_model::text::Text;

use crate::scorecard::Names;

/// Says what stands, or stood, in the way.
#[must_use]
pub fn obstacle(obstacle: &Obstacle, names: &Names<'_>) -> Text {
    match obstacle {
        Obstacle::Missing { kpi, org_units } => {
            let units: Vec<String> = org_units.iter().map(|id| names.org_unit(id)).collect();
            let name = names.kpi(*kpi);
            Text::new(
                format!("KPI {kpi} {name}: 未報告 {}", units.join("、")),
                format!("KPI {kpi} {name}: not reported by {}", units.join(", ")),
            )
        }
        Obstacle::Rejected { source, rows } => Text::new(
            format!("取得元 {source}: 未解決の取込エラー行 {rows}件"),
            format!("source {source}: {rows} rejected rows, unresolved"),
        ),
        Obstacle::Unassigned { kpi } => {
            let name = names.kpi(*kpi);
            Text::new(
                format!("KPI {kpi} {name}: 組織不明の証跡あり"),
                format!("KPI {kpi} {name}: evidence of unknown org units"),
            )
        }
    }
}
