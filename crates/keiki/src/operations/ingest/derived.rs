//! Sources whose rows follow from the books: their query, the order in which they are read, and what they may claim.

use std::collections::{BTreeMap, BTreeSet};

use keiki_engine::{Derivation, EngineError, Outline, Own};
use keiki_ingest::{InputFile, Source};
use keiki_model::calendar::{Day, local_day};
use keiki_model::dataset::OrgUnits;
use keiki_model::evidence::Claim;
use keiki_model::org::UNASSIGNED;
use keiki_model::problem::Problem;
use keiki_model::text::Text;
use keiki_store::Journal;

use super::Ingest;
use super::claims::Claims;
use crate::config::Workspace;
use crate::error::{Error, Result};
use crate::operations::coverage::last_of_each;

/// The result of a query as a file, which is gone when this is dropped.
pub(super) struct Derived {
    pub(super) file: InputFile,
    /// What the query reads.
    pub(super) outline: Outline,
    _folder: tempfile::TempDir,
}

impl Derived {
    /// Runs a source's query over what is known of the day.
    pub(super) async fn new(
        workspace: &Workspace,
        journal: &Journal,
        source: &Source,
        asked: &Ingest,
    ) -> Result<Self> {
        let today = local_day(asked.now, &workspace.settings.zone);
        let as_of = asked.as_of.unwrap_or(today);
        let engine = workspace.engine();
        let derivation = derivation(source);
        let outline = engine.outline(derivation).await;
        let outline = outline.map_err(|error| at(source, error))?;
        let rows = engine.derive(journal, derivation, as_of).await;
        let rows = rows.map_err(|error| at(source, error))?;
        let folder = tempfile::tempdir().map_err(Error::file(&workspace.root))?;
        let path = folder.path().join("derived.csv");
        let file = std::fs::File::create(&path).map_err(Error::file(&path))?;
        let mut writer = arrow::csv::WriterBuilder::new()
            .with_header(true)
            .build(file);
        for rows in &rows {
            let written = writer.write(rows);
            written.map_err(Error::stopped)?;
        }
        Ok(Self {
            file: InputFile::new(
                format!("{} ({})", source.name, inputs_text(&outline.inputs)),
                path,
            ),
            outline,
            _folder: folder,
        })
    }
}

fn inputs_text(inputs: &BTreeSet<String>) -> String {
    let names: Vec<&str> = inputs.iter().map(String::as_str).collect();
    names.join(", ")
}

fn derivation(source: &Source) -> Derivation<'_> {
    Derivation {
        source: &source.name,
        dataset: &source.dataset,
        query: source.query.as_ref().map_or("", |sql| &sql.value),
    }
}

/// A wrong query is a problem of the source's file.
fn at(source: &Source, error: EngineError) -> Error {
    match (error, &source.query) {
        (EngineError::Query(message), Some(query)) => Error::Problems {
            problems: vec![
                Problem::new(
                    query.place.clone(),
                    Text::new(
                        format!("問い合わせを実行できません: {}", message.ja),
                        format!("the query cannot be run: {}", message.en),
                    ),
                )
                .hint(Text::new(
                    "データ種別ごとにレコードの表があり、$as_of が基準日です",
                    "each dataset is a table of its records; $as_of is the day",
                )),
            ],
        },
        (error, _) => error.into(),
    }
}

/// The problems of all queries, found without reading anything.
pub(in crate::operations) async fn check(workspace: &Workspace) -> Result<Vec<Problem>> {
    let mut problems = Vec::new();
    let engine = workspace.engine();
    for source in workspace.sources.iter().filter(|s| s.query.is_some()) {
        match engine.outline(derivation(source)).await {
            Ok(_) => {}
            Err(error) => match at(source, error) {
                Error::Problems { problems: found } => problems.extend(found),
                other => return Err(other),
            },
        }
    }
    Ok(problems)
}

/// The sources that are derived, each after those on which it rests.
pub(super) struct Order<'w> {
    sources: Vec<&'w Source>,
    inputs: BTreeMap<&'w str, BTreeSet<String>>,
    /// Those whose query takes over what others say of its own dataset.
    over_own: BTreeSet<&'w str>,
}

impl<'w> Order<'w> {
    /// Orders them. A query that is wrong rests on nothing; reading it will say what is wrong.
    pub(super) async fn new(workspace: &'w Workspace) -> Result<Self> {
        let mut left: Vec<&Source> = workspace
            .sources
            .iter()
            .filter(|source| source.query.is_some())
            .collect();
        let mut order = Self {
            sources: Vec::new(),
            inputs: BTreeMap::new(),
            over_own: BTreeSet::new(),
        };
        if left.is_empty() {
            return Ok(order);
        }
        let engine = workspace.engine();
        for source in &left {
            let Ok(outline) = engine.outline(derivation(source)).await else {
                continue;
            };
            if outline.own == Own::Read {
                order.over_own.insert(&source.name);
            }
            order.inputs.insert(&source.name, outline.inputs);
        }
        while !left.is_empty() {
            let rests = |source: &Source| {
                let of_left = left.iter().filter(|other| other.name != source.name);
                of_left
                    .into_iter()
                    .any(|other| order.reads(source, &other.dataset))
            };
            // Where queries rest on each other, the first by name begins.
            let next = left.iter().position(|source| !rests(source)).unwrap_or(0);
            order.sources.push(left.remove(next));
        }
        Ok(order)
    }

    pub(super) fn sources(&self) -> &[&'w Source] {
        &self.sources
    }

    /// Tells whether what a source has brought into a dataset is something new to a query.
    pub(super) fn follows(&self, source: &Source, brought_by: &str, dataset: &str) -> bool {
        let is_own = dataset == source.dataset && brought_by != source.name;
        self.reads(source, dataset) || (is_own && self.over_own.contains(source.name.as_str()))
    }

    /// Tells whether a source's query reads a dataset, its own aside.
    fn reads(&self, source: &Source, dataset: &str) -> bool {
        let inputs = self.inputs.get(source.name.as_str());
        inputs.is_some_and(|inputs| inputs.contains(dataset))
    }
}

/// The days for which evidence speaks, and the last one on which it is fresh.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Speaks {
    from: Day,
    until: Day,
    fresh_until: Day,
}

/// What rows that follow from datasets may claim: the org units and days for which the evidence of every one of them speaks, and
/// no longer than the first of them ages; of its own dataset, where the query takes over what is said there, the evidence of the
/// other sources.
pub(super) async fn claims(
    workspace: &Workspace,
    journal: &Journal,
    (source, outline): (&Source, &Outline),
    as_of: Day,
) -> Result<Claims> {
    let snapshot = journal.snapshot().await?;
    let tree = workspace.organisation.tree(as_of);
    let all = Speaks {
        from: Day::MIN,
        until: as_of,
        fresh_until: Day::MAX,
    };
    let mut common: Vec<Option<Speaks>> = vec![Some(all); tree.nodes().len()];
    let mut has_units = false;
    let own = Some(&source.dataset).filter(|_| outline.own == Own::Read);
    for needed in outline.inputs.iter().chain(own) {
        let dataset = workspace.dataset(needed)?;
        if dataset.org_units == OrgUnits::None {
            continue;
        }
        has_units = true;
        let sent = dataset
            .distinct
            .as_ref()
            .map_or(needed.as_str(), |d| &d.dataset.value);
        // Its own word is not seen by the query, and speaks for nothing.
        let batches = snapshot.batches().iter();
        let of_others = batches.filter(|batch| batch.source != source.name);
        let last = last_of_each(of_others, sent, &tree, as_of);
        for (common, last) in common.iter_mut().zip(last) {
            *common = common.zip(last).map(|(common, last)| Speaks {
                from: common.from.max(last.from),
                until: common.until.min(last.until),
                fresh_until: common
                    .fresh_until
                    .min(last.fresh_until(dataset.freshness_days)),
            });
        }
    }
    let freshness_days = workspace.dataset(&source.dataset)?.freshness_days;
    let mut claims = Claims::default();
    if !has_units {
        return Ok(claims);
    }
    for (position, node) in tree.nodes().iter().enumerate() {
        let Some(speaks) = common[position].filter(|speaks| speaks.from <= speaks.until) else {
            continue;
        };
        // A claim covers all below it.
        let is_said = node
            .parent
            .is_some_and(|parent| common[parent] == common[position]);
        if !is_said && node.id != UNASSIGNED {
            claims.made.push(Claim {
                org_unit: node.id.clone(),
                from: speaks.from,
                until: speaks.until,
                known_from: i64::MIN,
                fresh_days: fewer(speaks.fresh_until - speaks.until, freshness_days),
            });
        }
    }
    Ok(claims)
}

/// For how many days more rows speak, where that is less than their dataset allows.
fn fewer(days: i32, freshness_days: i32) -> Option<i32> {
    Some(days.max(0)).filter(|days| *days < freshness_days)
}
