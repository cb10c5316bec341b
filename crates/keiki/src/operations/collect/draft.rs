//! Makes forms: what an org unit owes, with what the books hold of it.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use keiki_model::calendar::{Day, Period, date_of, local_day};
use keiki_model::collection::{
    Answer, FORM_VERSION, Form, FormColumn, FormSheet, Reference, SheetKind, Signature,
    SignedSheet, Value, asked as asked_columns,
};
use keiki_model::dataset::{
    Column, ColumnType, Dataset, DatasetKind, ORG_UNIT, OrgUnits, REPORTED_FIGURES,
};
use keiki_model::kpi::{Formula, Indicator, Kpi};
use keiki_model::org::Tree;
use keiki_model::text::{Language, Text};
use keiki_store::{Journal, SentForm, Snapshot, StoreError};

use super::records::{self, Wanted};
use super::{FORMS_FOLDER, as_of, before, forms, owed, span};
use crate::config::{Opening, Workspace, suggestion};
use crate::error::{Error, Result};
use crate::operations::catalogue;
use crate::operations::ingest::scope::check_units;
use crate::operations::period;

/// How many things of the period before are shown.
const REFERENCE_ROWS_MAX: usize = 200;
/// For how many periods back a total that was reported is asked for again.
const TOTALS_PERIODS: usize = 12;

/// Which org units are asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Those that are named.
    Named,
    /// Those, and every entity below them.
    Below,
}

/// The forms that are asked for.
#[derive(Debug, Clone)]
pub struct Asked {
    /// The org units.
    pub units: Vec<String>,
    /// Whether the entities below them are asked too.
    pub reach: Reach,
    /// The period.
    pub period: Period,
    /// Datasets; empty = those that are owed.
    pub datasets: Vec<String>,
    /// KPIs that are to be reported as totals; empty = those that were.
    pub totals: Vec<String>,
    /// The language of the forms.
    pub language: Language,
    /// When they are to be back: a date, or a business day after the period's end.
    pub due: Option<String>,
    /// The folder for the forms; absent = the workspace's own.
    pub folder: Option<PathBuf>,
    /// Who makes them.
    pub author: String,
    /// Now, UTC microseconds.
    pub now: i64,
}

/// A form that was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    /// The org unit.
    pub org_unit: String,
    /// The form's number.
    pub id: String,
    /// The file.
    pub file: PathBuf,
    /// Its datasets, with the number of rows that each lists.
    pub sheets: Vec<(String, usize)>,
}

/// What was made.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Export {
    /// The forms.
    pub made: Vec<Made>,
    /// Org units that owe nothing by workbook.
    pub nothing_owed: Vec<String>,
}

/// What a form is made from.
struct Draft<'d> {
    workspace: &'d Workspace,
    journal: Option<Journal>,
    snapshot: Option<Snapshot>,
    tree: Tree,
    asked: &'d Asked,
    as_of: Day,
    due: Option<Day>,
}

/// Writes a form for each org unit, and notes that it was made.
///
/// # Errors
/// Something asked for does not exist, or the files cannot be written.
pub async fn export(workspace: &Workspace, asked: &Asked) -> Result<Export> {
    check_units(workspace, &asked.units)?;
    for dataset in &asked.datasets {
        workspace.dataset(dataset)?;
    }
    let as_of = as_of(workspace, asked.period, asked.now)?;
    let (_, last) = span(workspace, asked.period)?;
    let business_days = &workspace.settings.business_days;
    let due = asked.due.as_deref();
    let due = due.map(|due| period::due(due, last, business_days));
    let due = due.transpose()?;
    let journal = match workspace.journal(Opening::Existing).await {
        Ok(journal) => Some(journal),
        Err(Error::Store(StoreError::NoJournal(_))) => None,
        Err(error) => return Err(error),
    };
    let snapshot = match &journal {
        Some(journal) => Some(journal.snapshot().await?),
        None => None,
    };
    let draft = Draft {
        tree: workspace.organisation.tree(as_of),
        workspace,
        journal,
        snapshot,
        asked,
        as_of,
        due,
    };
    let book = forms(workspace).await?;
    let folder = match &asked.folder {
        Some(folder) => folder.clone(),
        None => workspace
            .root
            .join(FORMS_FOLDER)
            .join(asked.period.to_string()),
    };
    std::fs::create_dir_all(&folder).map_err(Error::file(&folder))?;
    let mut export = Export::default();
    for unit in draft.units()? {
        let id = draft.tree.nodes()[unit].id.clone();
        let form = draft.form(unit).await?;
        if form.sheets.is_empty() {
            export.nothing_owed.push(id);
            continue;
        }
        let bytes = keiki_report::collection::draw(&form, &[])
            .map_err(|error| Error::stopped(error.message()))?;
        let file = folder.join(file_name(&id, asked.period));
        std::fs::write(&file, bytes).map_err(Error::file(&file))?;
        let sent = SentForm {
            id: form.signature.id(),
            org_unit: id.clone(),
            period: asked.period.to_string(),
            datasets: form
                .sheets
                .iter()
                .map(|sheet| sheet.dataset.name.clone())
                .collect(),
            file: file
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned(),
            issued_at: asked.now,
            due: draft.due.map(|due| date_of(due).to_string()),
            author: asked.author.clone(),
        };
        book.add(&sent).await?;
        let sheets = form
            .sheets
            .iter()
            .map(|sheet| (sheet.dataset.name.clone(), sheet.rows.len()))
            .collect();
        export.made.push(Made {
            org_unit: id,
            id: sent.id,
            file,
            sheets,
        });
    }
    Ok(export)
}

/// A file's name from an org unit's id, whatever stands in it.
fn file_name(org_unit: &str, period: Period) -> String {
    let safe: String = org_unit
        .chars()
        .map(|c| {
            if c.is_alphanumeric() || c == '-' {
                c
            } else {
                '_'
            }
        })
        .collect();
    format!("{safe}_{period}.xlsx")
}

impl Draft<'_> {
    fn units(&self) -> Result<Vec<usize>> {
        let mut units = BTreeSet::new();
        for id in &self.asked.units {
            let Some(unit) = self.tree.position(id) else {
                return Err(Error::user(
                    Text::new(
                        format!("その期間の末日には存在しない組織です: {id}"),
                        format!("the org unit does not exist on the period's last day: {id}"),
                    ),
                    suggestion(id, self.tree.nodes().iter().map(|node| node.id.as_str())),
                ));
            };
            match self.asked.reach {
                Reach::Named => {
                    units.insert(unit);
                }
                Reach::Below => units.extend(owed::entities_at_and_below(&self.tree, unit)),
            }
        }
        Ok(units.into_iter().collect())
    }

    async fn form(&self, unit: usize) -> Result<Form> {
        let node = &self.tree.nodes()[unit];
        let own = owed::own_units(self.workspace, &self.tree, unit);
        let totals = self.totals(unit, &own).await?;
        let reported: BTreeSet<u32> = totals.iter().map(|(kpi, _)| kpi.no).collect();
        let mut datasets = Vec::new();
        if self.asked.datasets.is_empty() {
            let snapshot = self.snapshot.as_ref();
            datasets.extend(owed::datasets(
                self.workspace,
                snapshot,
                &self.tree,
                unit,
                (self.asked.period, &reported),
            ));
        }
        for name in &self.asked.datasets {
            let dataset = self.workspace.dataset(name)?;
            check_is_asked(&dataset)?;
            if dataset.name != REPORTED_FIGURES {
                datasets.push(dataset);
            }
        }
        let mut sheets = Vec::new();
        for dataset in datasets {
            sheets.push(self.sheet(dataset, &own, &node.id).await?);
        }
        if !totals.is_empty() {
            sheets.push(self.totals_sheet(&totals, &own).await?);
        }
        let signature = Signature {
            form: FORM_VERSION,
            org_unit: node.id.clone(),
            period: self.asked.period.to_string(),
            language: self.asked.language,
            issued_at: self.asked.now,
            sheets: sheets
                .iter()
                .map(|sheet: &FormSheet| SignedSheet {
                    dataset: sheet.dataset.name.clone(),
                    version: sheet.version.clone(),
                    kind: sheet.kind,
                    as_of: (sheet.kind == SheetKind::Register && is_listed(&sheet.dataset))
                        .then_some(self.as_of),
                })
                .collect(),
        };
        Ok(Form {
            own: Vec::new(),
            signature,
            organisation: self.workspace.settings.name.clone(),
            org_unit: node.name.clone(),
            zone: super::zone_name(self.workspace),
            span: span(self.workspace, self.asked.period)?,
            due: self.due,
            issued_on: local_day(self.asked.now, &self.workspace.settings.zone),
            sheets,
        })
    }

    async fn sheet(&self, dataset: Arc<Dataset>, own: &[String], unit: &str) -> Result<FormSheet> {
        let is_register = dataset.kind == DatasetKind::Register;
        let mut rows = Vec::new();
        let mut reference = None;
        if let Some(journal) = &self.journal {
            let earlier = before(self.asked.period);
            let wanted = Wanted {
                units: own,
                day: self.as_of,
                between: if is_register {
                    None
                } else {
                    Some(span(self.workspace, earlier)?)
                },
                filter: None,
            };
            let found = records::read(self.workspace, journal, &dataset, &wanted).await?;
            let values = found.into_iter().map(|record| record.values);
            if !is_register {
                reference = Some(Reference {
                    period: earlier.to_string(),
                    titles: asked_columns(&dataset)
                        .map(|column| column.title.clone())
                        .collect(),
                    rows: values.take(REFERENCE_ROWS_MAX).collect(),
                });
            } else if is_listed(&dataset) {
                rows = values.collect();
            }
        }
        Ok(FormSheet {
            version: dataset.version.clone(),
            kind: if is_register {
                SheetKind::Register
            } else {
                SheetKind::Facts
            },
            columns: columns(&dataset, own, unit),
            rows,
            answer: Answer::Open,
            reference,
            dataset,
        })
    }

    /// The indicators that a unit reports as totals.
    async fn totals(&self, unit: usize, own: &[String]) -> Result<Vec<(&Arc<Kpi>, &Indicator)>> {
        let concerning = owed::indicators(self.workspace, &self.tree, unit);
        let mut wanted: BTreeSet<(u32, String)> = BTreeSet::new();
        for named in &self.asked.totals {
            let kpi = catalogue::find(&self.workspace.catalogue, named)?;
            let own_indicators = kpi.indicators.iter().filter(|of| !of.is_companion);
            wanted.extend(own_indicators.map(|of| (kpi.no, of.code.clone())));
        }
        let is_chosen = self
            .asked
            .datasets
            .iter()
            .any(|name| name == REPORTED_FIGURES);
        let is_open = self.asked.datasets.is_empty()
            && !owed::is_sent_by_a_system(
                self.workspace,
                self.snapshot.as_ref(),
                REPORTED_FIGURES,
                &self.tree,
                unit,
            );
        if wanted.is_empty() && (is_chosen || is_open) {
            let mut period = self.asked.period;
            let mut periods = Vec::new();
            for _ in 0..TOTALS_PERIODS {
                period = before(period);
                periods.push(period.to_string());
            }
            wanted = self.reported(own, &periods).await?.into_keys().collect();
        }
        let mut totals = Vec::new();
        for (kpi, indicators) in concerning {
            for indicator in indicators {
                if wanted.contains(&(kpi.no, indicator.code.clone()))
                    && parts(kpi, &indicator.formula).is_some()
                {
                    totals.push((kpi, indicator));
                }
            }
        }
        Ok(totals)
    }

    /// Totals that were reported for periods, by KPI and indicator.
    async fn reported(
        &self,
        own: &[String],
        periods: &[String],
    ) -> Result<std::collections::BTreeMap<(u32, String), (Value, Value)>> {
        let mut found = std::collections::BTreeMap::new();
        let Some(journal) = &self.journal else {
            return Ok(found);
        };
        let dataset = self.workspace.dataset(REPORTED_FIGURES)?;
        let list: Vec<String> = periods.iter().map(|period| format!("'{period}'")).collect();
        let wanted = Wanted {
            units: own,
            day: self.as_of,
            between: None,
            filter: Some(format!("\"period\" in ({})", list.join(", "))),
        };
        let names: Vec<&str> = asked_columns(&dataset)
            .map(|column| column.name.as_str())
            .collect();
        for record in records::read(self.workspace, journal, &dataset, &wanted).await? {
            let value = |name: &str| {
                let at = names.iter().position(|known| *known == name);
                at.and_then(|at| record.values.get(at))
                    .cloned()
                    .unwrap_or_default()
            };
            if let Ok(no) = value("kpi_no").evidence().parse() {
                let key = (no, value("indicator").evidence());
                found.insert(key, (value("numerator"), value("denominator")));
            }
        }
        Ok(found)
    }

    async fn totals_sheet(
        &self,
        totals: &[(&Arc<Kpi>, &Indicator)],
        own: &[String],
    ) -> Result<FormSheet> {
        let dataset = self.workspace.dataset(REPORTED_FIGURES)?;
        let earlier = before(self.asked.period).to_string();
        let last = self.reported(own, std::slice::from_ref(&earlier)).await?;
        let columns = totals_columns(&dataset);
        let mut rows = Vec::new();
        let mut beside = Vec::new();
        for (kpi, indicator) in totals {
            rows.push(totals_row(
                kpi,
                indicator,
                &self.asked.period.to_string(),
                self.asked.language,
            ));
            let key = (kpi.no, indicator.code.clone());
            let (above, below) = last.get(&key).cloned().unwrap_or_default();
            beside.push(vec![above, below]);
        }
        Ok(FormSheet {
            version: dataset.version.clone(),
            kind: SheetKind::Totals,
            columns,
            rows,
            answer: Answer::Open,
            reference: Some(Reference {
                titles: vec![
                    Text::new(
                        format!("前期の分子({earlier})"),
                        format!("Numerator of {earlier}"),
                    ),
                    Text::new(
                        format!("前期の分母({earlier})"),
                        format!("Denominator of {earlier}"),
                    ),
                ],
                period: earlier,
                rows: beside,
            }),
            dataset,
        })
    }
}

/// Refuses a dataset that no org unit can be asked for.
fn check_is_asked(dataset: &Dataset) -> Result<()> {
    if dataset.kind != DatasetKind::Derived && dataset.org_units != OrgUnits::None {
        return Ok(());
    }
    Err(Error::user(
        Text::new(
            format!("組織ごとに集めるデータ種別ではありません: {}", dataset.name),
            format!(
                "no org unit can be asked for this dataset: {}",
                dataset.name
            ),
        ),
        Text::new(
            "組織の項目を持つデータ種別を指定してください",
            "name a dataset whose records belong to org units",
        ),
    ))
}

/// Tells whether a register can be listed: its records are told apart without naming people.
fn is_listed(dataset: &Dataset) -> bool {
    let mut key = dataset.key.iter().filter_map(|name| dataset.column(name));
    !key.any(|column| column.personal)
}

/// The columns of a dataset's sheet.
pub(super) fn columns(dataset: &Dataset, own: &[String], unit: &str) -> Vec<FormColumn> {
    asked_columns(dataset)
        .map(|column| {
            let is_unit = column.name == ORG_UNIT;
            let description = if is_unit {
                Text::new(
                    format!("{}空欄なら{unit}とみなします。", column.description.ja),
                    format!("{} Empty stands for {unit}.", column.description.en),
                )
            } else {
                column.description.clone()
            };
            FormColumn {
                name: Some(column.name.clone()),
                kind: column.kind,
                title: column.title.clone(),
                description,
                choices: if is_unit && dataset.org_units == OrgUnits::One {
                    own.to_vec()
                } else {
                    column.values.clone()
                },
                is_required: column.required && !is_unit,
                is_locked: false,
            }
        })
        .collect()
}

/// The columns of the sheet of totals.
pub(super) fn totals_columns(dataset: &Dataset) -> Vec<FormColumn> {
    let of = |name: &str, is_locked: bool| {
        let column: Option<&Column> = dataset.column(name);
        FormColumn {
            name: Some(name.to_owned()),
            kind: column.map_or(ColumnType::Text, |column| column.kind),
            title: column
                .map(|column| column.title.clone())
                .unwrap_or_default(),
            description: column
                .map(|column| column.description.clone())
                .unwrap_or_default(),
            choices: Vec::new(),
            is_required: !is_locked && matches!(name, "numerator" | "denominator"),
            is_locked,
        }
    };
    let shown = |ja: &str, en: &str| FormColumn {
        name: None,
        kind: ColumnType::Text,
        title: Text::new(ja, en),
        description: Text::default(),
        choices: Vec::new(),
        is_required: false,
        is_locked: true,
    };
    vec![
        of("kpi_no", true),
        shown("KPI", "KPI"),
        of("indicator", true),
        of("period", true),
        shown("分子とするもの", "What the numerator counts"),
        of("numerator", false),
        shown("分母とするもの", "What the denominator counts"),
        of("denominator", false),
        of("prepared_by", false),
        of("attachment", false),
    ]
}

/// The row of an indicator that is reported as a total.
pub(super) fn totals_row(
    kpi: &Kpi,
    indicator: &Indicator,
    period: &str,
    language: Language,
) -> Vec<Value> {
    let text = |text: &Text| Value::Text(text.get(language).to_owned());
    let (above, below) = parts(kpi, &indicator.formula).unwrap_or_default();
    vec![
        Value::Number(kpi.no.to_string()),
        text(&kpi.name),
        Value::Text(indicator.code.clone()),
        Value::Text(period.to_owned()),
        text(&above),
        Value::Empty,
        text(&below),
        Value::Empty,
        Value::Empty,
        Value::Empty,
    ]
}

/// What stands above and below the line; `None` for a formula that totals say nothing of.
fn parts(kpi: &Kpi, formula: &Formula) -> Option<(Text, Text)> {
    let title = |name: &str| {
        kpi.measure(name)
            .map(|measure| measure.title.clone())
            .unwrap_or_default()
    };
    match formula {
        Formula::Ratio {
            numerator,
            denominator,
        } => Some((title(numerator), title(denominator))),
        Formula::Mean(measure) => Some((title(measure), Text::new("件数", "Their number"))),
        Formula::Sum(measure) => Some((title(measure), Text::new("(記入不要)", "(leave empty)"))),
        _ => None,
    }
}
