//! Figures that a board saw before Keiki kept the books: they come in as statements of revision 0.

use std::collections::BTreeMap;
use std::path::Path;

use keiki_model::calendar::Period;
use keiki_model::fraction::Fraction;
use keiki_model::kpi::{Due, Indicator, Kpi, Unit};
use keiki_model::measurement::{Basis, Coverage, Measurement, Scope};
use keiki_model::problem::{Place, Problem, nearest};
use keiki_model::statement::Statement;
use keiki_model::status::{Facts, Found, Status, Way, judge};
use keiki_model::text::Text;
use keiki_store::Event;

use super::period;
use super::programme::Run;
use crate::config::Workspace;
use crate::error::{Error, Result};

/// The columns that a file may have; the first four and `value` it must have.
const COLUMNS: [&str; 8] = [
    "period",
    "kpi",
    "org_unit",
    "value",
    "indicator",
    "numerator",
    "denominator",
    "status",
];

/// Reads a CSV file of figures by period and files each period as a statement. Returns the periods with how many figures.
///
/// # Errors
/// The file cannot be read, something in it is wrong (all problems at once), or a period has been closed already; nothing is
/// filed then.
pub async fn import(workspace: &Workspace, file: &Path, run: &Run) -> Result<Vec<(String, usize)>> {
    let text = std::fs::read_to_string(file).map_err(Error::file(file))?;
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let by_period = read(workspace, &name, &text)?;
    let book = workspace.statements().await?;
    for period in by_period.keys() {
        if !book.of_period(period).await?.is_empty() {
            return Err(Error::user(
                Text::new(
                    format!("{period} にはすでに報告書があります"),
                    format!("{period} has a statement already"),
                ),
                Text::new(
                    "その期間の行をファイルから除いてください。何も取り込んでいません",
                    "take its rows out of the file; nothing was filed",
                ),
            ));
        }
    }
    let mut filed = Vec::new();
    for (period, measurements) in by_period {
        filed.push((period.clone(), measurements.len()));
        let statement = Statement {
            closed_by: run.author.clone(),
            reason: Some(name.to_string()),
            measurements,
            ..Statement::without_books(&period, run.now)
        };
        book.add(&Event::Closed(statement), None).await?;
    }
    Ok(filed)
}

fn read(
    workspace: &Workspace,
    file: &str,
    text: &str,
) -> Result<BTreeMap<String, Vec<Measurement>>> {
    let mut reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .from_reader(text.trim_start_matches('\u{feff}').as_bytes());
    let broken = |error: csv::Error| {
        let line = error.position().map_or(1, csv::Position::line);
        problem(
            file,
            line,
            Text::new(format!("読めません: {error}"), error.to_string()),
        )
    };
    let header = reader
        .headers()
        .map_err(|error| Error::Problems {
            problems: vec![broken(error)],
        })?
        .clone();
    let mut problems = check_header(file, &header);
    let mut by_period: BTreeMap<String, Vec<Measurement>> = BTreeMap::new();
    if problems.is_empty() {
        for record in reader.records() {
            let record = match record {
                Ok(record) => record,
                Err(error) => {
                    problems.push(broken(error));
                    continue;
                }
            };
            let row = Row {
                file,
                line: record.position().map_or(0, csv::Position::line),
                header: &header,
                record: &record,
            };
            match row.measurement(workspace) {
                Ok(one) => {
                    let of_period = by_period.entry(one.period.to_string()).or_default();
                    let is_twice = of_period.iter().any(|other| {
                        (other.no, &other.indicator, &other.org_unit)
                            == (one.no, &one.indicator, &one.org_unit)
                    });
                    if is_twice {
                        problems.push(row.problem(Text::new(
                            "同じ数値が二つあります",
                            "the figure is there twice",
                        )));
                    }
                    of_period.push(one);
                }
                Err(problem) => problems.push(*problem),
            }
        }
    }
    if problems.is_empty() && by_period.is_empty() {
        problems.push(problem(
            file,
            1,
            Text::new("ファイルに数値がありません", "the file has no figures"),
        ));
    }
    if problems.is_empty() {
        Ok(by_period)
    } else {
        Err(Error::Problems { problems })
    }
}

fn problem(file: &str, line: u64, message: Text) -> Problem {
    let place = Place {
        file: file.to_owned(),
        line: usize::try_from(line).unwrap_or(0),
        column: 0,
    };
    Problem::new(place, message)
}

fn check_header(file: &str, header: &csv::StringRecord) -> Vec<Problem> {
    let unknown = header.iter().filter(|name| !COLUMNS.contains(name));
    let missing = COLUMNS[..4]
        .iter()
        .filter(|name| !header.iter().any(|h| h == **name));
    unknown
        .map(|name| {
            problem(
                file,
                1,
                Text::new(
                    format!("列 {name} は使えません"),
                    format!("unknown column {name}"),
                ),
            )
        })
        .chain(missing.map(|name| {
            problem(
                file,
                1,
                Text::new(
                    format!("列 {name} がありません"),
                    format!("no column {name}"),
                ),
            )
        }))
        .map(|problem| {
            problem.hint(Text::new(
                format!("列: {}", COLUMNS.join(", ")),
                format!("columns: {}", COLUMNS.join(", ")),
            ))
        })
        .collect()
}

/// One row of the file.
struct Row<'r> {
    file: &'r str,
    line: u64,
    header: &'r csv::StringRecord,
    record: &'r csv::StringRecord,
}

type Outcome<T> = std::result::Result<T, Box<Problem>>;

impl Row<'_> {
    fn problem(&self, message: Text) -> Problem {
        problem(self.file, self.line, message)
    }

    fn text(&self, column: &str) -> Option<&str> {
        let at = self.header.iter().position(|name| name == column)?;
        self.record.get(at).filter(|text| !text.is_empty())
    }

    fn needed(&self, column: &str) -> Outcome<&str> {
        self.text(column).ok_or_else(|| {
            Box::new(self.problem(Text::new(
                format!("{column} に値がありません"),
                format!("no value in {column}"),
            )))
        })
    }

    fn measurement(&self, workspace: &Workspace) -> Outcome<Measurement> {
        let asked = Period::parse(self.needed("period")?).map_err(|error| {
            let found = &error.found;
            let message = Text::new(
                format!("対象期間として読めません: {found}"),
                error.to_string(),
            );
            self.problem(message).hint(period::forms(&error))
        })?;
        let (kpi, indicator) = self.indicator(workspace)?;
        let org_unit = self.org_unit(workspace)?;
        let value = self.number("value", indicator.unit)?;
        if value.is_none() {
            return Err(Box::new(
                self.problem(Text::new("value に値がありません", "no value in value")),
            ));
        }
        let coverage = Coverage {
            covered: 1,
            expected: 1,
            headcount: None,
        };
        let cut = asked
            .months(&workspace.settings.calendar)
            .map(|(_, last)| keiki_model::calendar::date_of(last.last_day()).to_string());
        Ok(Measurement {
            no: kpi.no,
            code: kpi.code.as_str().into(),
            indicator: indicator.code.as_str().into(),
            is_companion: indicator.is_companion,
            org_unit: org_unit.into(),
            scope: Scope::Consolidated,
            tree_on: None,
            hierarchy: None,
            period: asked.to_string().into(),
            cut_on: cut.unwrap_or_default().into(),
            own_periods: Vec::new(),
            known_at: "".into(),
            value,
            unit: indicator.unit,
            numerator: self.number("numerator", Unit::Count)?,
            denominator: self.number("denominator", Unit::Count)?,
            n: None,
            target: indicator.target,
            status: self.status(kpi, indicator, coverage, value)?,
            coverage,
            basis: Basis::Reference,
            definition_version: "".into(),
            journal_version: 0,
            statistics: std::sync::Arc::default(),
            grounds: std::sync::Arc::default(),
        })
    }

    fn indicator<'w>(&self, workspace: &'w Workspace) -> Outcome<(&'w Kpi, &'w Indicator)> {
        let text = self.needed("kpi")?;
        let Some(kpi) = workspace.catalogue.kpi(text) else {
            let problem = self.problem(Text::new(
                format!("KPI {text} はありません"),
                format!("no KPI {text}"),
            ));
            return Err(Box::new(problem.hint(Text::new(
                "`keiki catalogue` で一覧できます",
                "`keiki catalogue` lists them",
            ))));
        };
        let code = self.text("indicator");
        let found = match code {
            None => kpi.indicators.first(),
            Some(code) => kpi.indicators.iter().find(|one| one.code == code),
        };
        found.map(|found| (kpi.as_ref(), found)).ok_or_else(|| {
            let codes: Vec<&str> = kpi.indicators.iter().map(|one| one.code.as_str()).collect();
            let message = Text::new(
                format!(
                    "KPI {} に指標 {} はありません",
                    kpi.no,
                    code.unwrap_or_default()
                ),
                format!(
                    "KPI {} has no indicator {}",
                    kpi.no,
                    code.unwrap_or_default()
                ),
            );
            Box::new(self.problem(message).hint(Text::new(
                format!("指標: {}", codes.join(", ")),
                format!("indicators: {}", codes.join(", ")),
            )))
        })
    }

    fn org_unit(&self, workspace: &Workspace) -> Outcome<&str> {
        let id = self.needed("org_unit")?;
        let ids = || {
            workspace
                .organisation
                .rows()
                .iter()
                .map(|row| row.id.as_str())
        };
        if ids().any(|known| known == id) {
            return Ok(id);
        }
        let problem = self.problem(Text::new(
            format!("組織 {id} がありません"),
            format!("unknown org unit {id}"),
        ));
        Err(Box::new(match nearest(id, ids()) {
            Some(near) => problem.hint(Text::new(
                format!("{near} ではありませんか"),
                format!("did you mean {near}?"),
            )),
            None => problem.hint(Text::new(
                "org.csv で確かめてください",
                "org.csv lists them",
            )),
        }))
    }

    /// A number, or a percentage where the unit is a ratio.
    fn number(&self, column: &str, unit: Unit) -> Outcome<Option<Fraction>> {
        let Some(text) = self.text(column) else {
            return Ok(None);
        };
        let plain = text.replace(',', "");
        let read = match plain.strip_suffix('%').filter(|_| unit == Unit::Ratio) {
            Some(percent) => {
                Fraction::parse_decimal(percent.trim()).and_then(|value| value.divided_by(100))
            }
            None => Fraction::parse_decimal(&plain),
        };
        let Some(value) = read else {
            let hint = Text::new(
                "比率は 0.95 または 95%、その他は 12.5 のように単位なしで書いてください",
                "write 0.95 or 95% for a ratio, 12.5 for all else, without a unit",
            );
            let message = Text::new(
                format!("{column} が数値ではありません: {text}"),
                format!("{column} is not a number: {text}"),
            );
            return Err(Box::new(self.problem(message).hint(hint)));
        };
        Ok(Some(value))
    }

    /// The status that was reported, or as the definition's target has it.
    fn status(
        &self,
        kpi: &Kpi,
        indicator: &Indicator,
        coverage: Coverage,
        value: Option<Fraction>,
    ) -> Outcome<Status> {
        let Some(text) = self.text("status") else {
            return Ok(judge(&Facts {
                coverage,
                coverage_at_least: kpi.coverage_at_least,
                covered_by: kpi.covered_by,
                value,
                found: Found::Records,
                none_is: indicator.none_is,
                is_too_few: false,
                target: indicator.target,
                near_margin: indicator.near_margin,
                unmet: Some(0),
                way: match indicator.due {
                    Due::Deadline => Way::ByItem(None),
                    _ => Way::Arrived,
                },
                is_waived: false,
                is_asked: true,
            }));
        };
        Status::all()
            .find(|status| status.code() == text)
            .ok_or_else(|| {
                let codes: Vec<&str> = Status::all().map(Status::code).collect();
                Box::new(
                    self.problem(Text::new(
                        format!("状態 {text} はありません"),
                        format!("unknown status {text}"),
                    ))
                    .hint(Text::new(
                        format!("選べる値: {}", codes.join(", ")),
                        format!("one of {}", codes.join(", ")),
                    )),
                )
            })
    }
}
