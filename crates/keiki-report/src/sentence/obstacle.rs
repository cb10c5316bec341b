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
        Obstacle::Overdue { dataset, org_units } => {
            let units: Vec<String> = org_units.iter().map(|id| names.org_unit(id)).collect();
            Text::new(
                format!("{dataset}: 期限を過ぎた証跡 {}", units.join("、")),
                format!("{dataset}: evidence is too old of {}", units.join(", ")),
            )
        }
        Obstacle::NoData { kpi } => {
            let name = names.kpi(*kpi);
            Text::new(
                format!("KPI {kpi} {name}: データなし"),
                format!("KPI {kpi} {name}: no data"),
            )
        }
        Obstacle::Failed { source, reason } => Text::new(
            format!("取得元 {source}: 読み取れていません: {}", reason.ja),
            format!("source {source}: could not be read: {}", reason.en),
        ),
        Obstacle::Unexplained {
            kpi,
            indicator,
            org_unit,
        } => {
            let figure = names.indicator(*kpi, indicator);
            let unit = names.org_unit(org_unit);
            Text::new(
                format!("KPI {kpi} {figure} {unit}: 差異の説明なし"),
                format!("KPI {kpi} {figure} {unit}: nobody said why it misses its target"),
            )
        }
        Obstacle::Uncertified {
            org_unit,
            person,
            lapsed,
        } => uncertified(&names.org_unit(org_unit), person, lapsed.as_deref()),
        Obstacle::Unassigned { kpi } => {
            let name = names.kpi(*kpi);
            Text::new(
                format!("KPI {kpi} {name}: 組織不明の証跡あり"),
                format!("KPI {kpi} {name}: evidence of unknown org units"),
            )
        }
    }
}

fn uncertified(unit: &str, person: &str, lapsed: Option<&str>) -> Text {
    match lapsed {
        None => Text::new(
            format!("{unit}: 確認責任者 {person} が未確認"),
            format!("{unit}: not certified by {person}"),
        ),
        Some(by) => Text::new(
            format!("{unit}: {by} の確認後に数値が変わったため、再確認が必要"),
            format!("{unit}: the figures have changed since {by} certified them"),
        ),
    }
}
