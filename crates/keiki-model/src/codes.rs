//! Code lists: what the codes of tools and forms stand for, as CSV files that mappings look up.

use std::collections::{BTreeMap, HashMap};

use crate::problem::{Place, Problem, nearest};
use crate::text::Text;

/// One code list. *Shape*: the first column holds the codes, each once; the others hold what they stand for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodeList {
    /// Its name, the same as the file's.
    pub name: String,
    /// The columns after the first, in order.
    columns: Vec<String>,
    rows: HashMap<String, Vec<Option<String>>>,
}

/// The code lists of a workspace, by name.
pub type CodeLists = BTreeMap<String, CodeList>;

impl CodeList {
    /// Reads a list.
    ///
    /// # Errors
    /// Every fault of the file: no column beside the codes, two columns of one name, rows of another length, a code given
    /// twice or not at all.
    pub fn read(name: &str, file: &str, text: &str) -> Result<Self, Vec<Problem>> {
        let (header, records) = read_table(file, text)?;
        let mut problems = header_problems(file, &header);
        let mut rows: HashMap<String, Vec<Option<String>>> = HashMap::new();
        let mut lines: HashMap<String, usize> = HashMap::new();
        for (line, record) in records {
            let place = at_line(file, line);
            if record.len() != header.len() {
                let message = Text::new(
                    format!(
                        "行の欄の数が見出しと一致しません(見出し{}、この行{})",
                        header.len(),
                        record.len()
                    ),
                    format!(
                        "the row should have {} fields like the header, found {}",
                        header.len(),
                        record.len()
                    ),
                );
                problems.push(Problem::new(place, message));
                continue;
            }
            let Some((code, values)) = record.split_first() else {
                continue;
            };
            if code.is_empty() {
                problems.push(
                    Problem::new(
                        place,
                        Text::new("行にコードがありません", "the row has no code"),
                    )
                    .hint(Text::new(
                        "最初の列にコードを書くか、行を削除してください",
                        "write the code into the first column, or take the row away",
                    )),
                );
                continue;
            }
            if let Some(first) = lines.insert(code.clone(), line) {
                let message = Text::new(
                    format!("コードが{first}行目と重複しています: {code}"),
                    format!("the code is already in line {first}: {code}"),
                );
                problems.push(Problem::new(place, message).hint(Text::new(
                    "一つのコードは一つのものを表します",
                    "a code stands for one thing",
                )));
                continue;
            }
            let values = values
                .iter()
                .map(|value| (!value.is_empty()).then(|| value.clone()));
            rows.insert(code.clone(), values.collect());
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        Ok(Self {
            name: name.to_owned(),
            columns: header.into_iter().skip(1).collect(),
            rows,
        })
    }

    /// The names of the columns beside the codes.
    #[must_use]
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// The position of a column.
    #[must_use]
    pub fn column(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column == name)
    }

    /// What a code stands for in the column of that position; `None` where the list does not say.
    #[must_use]
    pub fn value(&self, code: &str, column: usize) -> Option<&str> {
        self.rows.get(code.trim())?.get(column)?.as_deref()
    }
}

/// Finds a list and one of its columns, or says what is wrong with the names and how to mend it.
///
/// # Errors
/// There is no list or no column of that name.
pub fn find<'l>(
    lists: &'l CodeLists,
    name: &str,
    column: &str,
) -> Result<(&'l CodeList, usize), (Text, Text)> {
    let Some(list) = lists.get(name) else {
        let names: Vec<&str> = lists.keys().map(String::as_str).collect();
        let hint = match nearest(name, names.iter().copied()) {
            Some(near) => Text::new(
                format!("'{near}' ではありませんか"),
                format!("did you mean '{near}'?"),
            ),
            None if names.is_empty() => Text::new(
                format!("lists/{name}.csv に置いてください"),
                format!("put the list into lists/{name}.csv"),
            ),
            None => Text::new(
                format!(
                    "lists/{name}.csv に置いてください。既存のもの: {}",
                    names.join(", ")
                ),
                format!(
                    "put it into lists/{name}.csv; there are: {}",
                    names.join(", ")
                ),
            ),
        };
        let message = Text::new(
            format!("コード一覧 `{name}` はありません"),
            format!("unknown code list `{name}`"),
        );
        return Err((message, hint));
    };
    let Some(position) = list.column(column) else {
        let names = list.columns().iter().map(String::as_str);
        let hint = if let Some(near) = nearest(column, names.clone()) {
            Text::new(
                format!("'{near}' ではありませんか"),
                format!("did you mean '{near}'?"),
            )
        } else {
            let names = names.collect::<Vec<_>>().join(", ");
            Text::new(format!("列: {names}"), format!("its columns are {names}"))
        };
        let message = Text::new(
            format!("コード一覧 `{name}` に列 `{column}` はありません"),
            format!("code list `{name}` has no column `{column}`"),
        );
        return Err((message, hint));
    };
    Ok((list, position))
}

/// The fields of a row, trimmed, with its line.
type Record = (usize, Vec<String>);

/// Reads a small CSV file: its header and its rows, every field trimmed.
pub(crate) fn read_table(
    file: &str,
    text: &str,
) -> Result<(Vec<String>, Vec<Record>), Vec<Problem>> {
    let mut reader = csv::ReaderBuilder::new()
        .flexible(true)
        .trim(csv::Trim::All)
        .from_reader(text.trim_start_matches('\u{feff}').as_bytes());
    let fault = |error: &csv::Error| {
        let line = error.position().map_or(0, csv::Position::line);
        let place = at_line(file, usize::try_from(line).unwrap_or(0));
        Problem::new(
            place,
            Text::new(
                format!("読めません: {error}"),
                format!("cannot be read: {error}"),
            ),
        )
    };
    let owned = |record: &csv::StringRecord| record.iter().map(str::to_owned).collect();
    let header = reader.headers().map(owned).map_err(|e| vec![fault(&e)])?;
    let mut records = Vec::new();
    let mut problems = Vec::new();
    for record in reader.records() {
        match record {
            Err(error) => problems.push(fault(&error)),
            Ok(record) => {
                let line = record.position().map_or(0, csv::Position::line);
                records.push((usize::try_from(line).unwrap_or(0), owned(&record)));
            }
        }
    }
    if problems.is_empty() {
        Ok((header, records))
    } else {
        Err(problems)
    }
}

pub(crate) fn at_line(file: &str, line: usize) -> Place {
    Place {
        file: file.to_owned(),
        line,
        column: 0,
    }
}

fn header_problems(file: &str, header: &[String]) -> Vec<Problem> {
    let mut problems = Vec::new();
    let place = at_line(file, 1);
    if header.len() < 2 {
        problems.push(
            Problem::new(
                place.clone(),
                Text::new(
                    "コード一覧には、コード以外の列が必要です",
                    "a code list needs a column beside its codes",
                ),
            )
            .hint(Text::new(
                "最初の列にコードを、ほかの列にそれが表すものを書いてください",
                "the first column holds the codes, each other column what they stand for",
            )),
        );
    }
    for (position, name) in header.iter().enumerate() {
        if name.is_empty() {
            let message = Text::new(
                format!("{}列目に名前がありません", position + 1),
                format!("column {} has no name", position + 1),
            );
            problems.push(Problem::new(place.clone(), message));
        } else if header[..position].contains(name) {
            let message = Text::new(
                format!("同じ名前の列が二つあります: {name}"),
                format!("two columns have the name: {name}"),
            );
            problems.push(Problem::new(place.clone(), message));
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_stands_for_what_its_row_says() {
        let text = "code,org_unit,note\n 東京 ,JP1,\n大阪,JP2,second\n";
        let list = CodeList::read("sites", "lists/sites.csv", text).expect("the list is sound");
        let column = list.column("org_unit").expect("the column is there");
        assert_eq!(list.value(" 東京", column), Some("JP1"));
        assert_eq!(list.value("名古屋", column), None);
        assert_eq!(list.value("東京", column + 1), None);
    }

    #[test]
    fn every_fault_of_a_list_is_named_with_its_line() {
        let text = "code,a,a\nx,1,2\nx,3,4\n,5,6\ny,7\n";
        let found = CodeList::read("l", "lists/l.csv", text).expect_err("the list is faulty");
        let lines: Vec<usize> = found.iter().map(|problem| problem.place.line).collect();
        assert_eq!(lines, [1, 3, 4, 5], "{found:#?}");
    }

    #[test]
    fn a_name_that_is_not_there_is_answered_with_the_nearest() {
        let list = CodeList::read("sites", "lists/sites.csv", "code,org_unit\n").expect("sound");
        let lists = CodeLists::from([("sites".to_owned(), list)]);
        let (_, hint) = find(&lists, "site", "org_unit").expect_err("no such list");
        assert_eq!(hint.en, "did you mean 'sites'?");
        let (message, _) = find(&lists, "sites", "unit").expect_err("no such column");
        assert_eq!(message.en, "code list `sites` has no column `unit`");
    }
}
