//! What stands in the way of a close, in words.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

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
            let dataset = names.dataset(dataset);
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

/// From how many on what stood in the way is said by kind where room is short.
const MANY: usize = 5;

/// Says by kind what stood in the way, where it is much; else each by itself.
#[must_use]
pub fn obstacles_in_brief(obstacles: &[Obstacle], names: &Names<'_>) -> Vec<Text> {
    if obstacles.len() < MANY {
        return obstacles.iter().map(|one| obstacle(one, names)).collect();
    }
    let mut owed: BTreeMap<&str, BTreeSet<u32>> = BTreeMap::new();
    let mut old: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    let mut kinds: BTreeMap<Kind, Vec<String>> = BTreeMap::new();
    for one in obstacles {
        match one {
            Obstacle::Missing { kpi, org_units } => {
                for unit in org_units {
                    owed.entry(unit).or_default().insert(*kpi);
                }
            }
            Obstacle::Overdue { dataset, org_units } => {
                for unit in org_units {
                    old.entry(unit).or_default().insert(dataset);
                }
            }
            other => {
                let (kind, what) = kind(other, names);
                kinds.entry(kind).or_default().push(what);
            }
        }
    }
    let counted = |counts: Vec<(&str, usize)>, ja: &str, en: &str| {
        let (mut in_japanese, mut in_english) = (Vec::new(), Vec::new());
        let mut counts = counts;
        counts.sort_by_key(|(_, count)| Reverse(*count));
        for (unit, count) in counts {
            in_japanese.push(format!("{}({count})", names.org_unit(unit)));
            in_english.push(format!("{} ({count})", names.org_unit(unit)));
        }
        Text::new(
            format!("{ja}: {}", in_japanese.join("、")),
            format!("{en}: {}", in_english.join(", ")),
        )
    };
    let mut said = Vec::new();
    if !owed.is_empty() {
        let counts = owed.iter().map(|(unit, kpis)| (*unit, kpis.len()));
        said.push(counted(
            counts.collect(),
            "未報告(KPI数)",
            "not reported (KPIs)",
        ));
    }
    if !old.is_empty() {
        let counts = old.iter().map(|(unit, datasets)| (*unit, datasets.len()));
        let (ja, en) = (
            "期限を過ぎた証跡(データ種別数)",
            "evidence too old (datasets)",
        );
        said.push(counted(counts.collect(), ja, en));
    }
    said.extend(kinds.into_iter().map(|(kind, what)| {
        let title = kind.title();
        Text::new(
            format!("{}: {}", title.ja, what.join("、")),
            format!("{}: {}", title.en, what.join(", ")),
        )
    }));
    said
}

/// What stands in the way, other than what is owed or too old.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Rejected,
    NoData,
    Failed,
    Unassigned,
    Unexplained,
    Uncertified,
}

impl Kind {
    fn title(self) -> Text {
        match self {
            Self::Rejected => Text::new("未解決の取込エラー行", "rejected rows, unresolved"),
            Self::NoData => Text::new("データなし", "no data"),
            Self::Failed => Text::new("読み取れていない取得元", "sources that could not be read"),
            Self::Unassigned => Text::new("組織不明の証跡", "evidence of unknown org units"),
            Self::Unexplained => Text::new("差異の説明なし", "nobody said why a target was missed"),
            Self::Uncertified => Text::new("未確認の会社", "not certified"),
        }
    }
}

fn kind(obstacle: &Obstacle, names: &Names<'_>) -> (Kind, String) {
    match obstacle {
        Obstacle::Rejected { source, rows } => (Kind::Rejected, format!("{source} {rows}")),
        Obstacle::Failed { source, .. } => (Kind::Failed, source.clone()),
        Obstacle::Unexplained { kpi, org_unit, .. } => {
            let unit = names.org_unit(org_unit);
            (Kind::Unexplained, format!("KPI {kpi} {unit}"))
        }
        Obstacle::Uncertified { org_unit, .. } => (Kind::Uncertified, names.org_unit(org_unit)),
        Obstacle::Unassigned { kpi } => (Kind::Unassigned, format!("KPI {kpi}")),
        Obstacle::NoData { kpi } | Obstacle::Missing { kpi, .. } => {
            (Kind::NoData, format!("KPI {kpi}"))
        }
        Obstacle::Overdue { dataset, .. } => (Kind::NoData, names.dataset(dataset)),
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
