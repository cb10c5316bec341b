//! The tables of a journal as they were last read, each behind a lock of its own, so that several are opened at a time.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex as Lock, PoisonError};

use tokio::sync::Mutex;

use crate::error::Result;
use crate::place::Place;
use crate::table::Table;

/// Tables as they were last read.
#[derive(Debug, Default)]
pub(super) struct Tables {
    /// How often it was looked what is visible. Files are part of their tables before their batch shows, so that a table that was
    /// read after a look has all that was seen by it, and is not read again.
    looks: AtomicU64,
    kept: Cells<Table>,
    /// The names of the tables in a folder.
    folders: Cells<HashSet<String>>,
}

type Cells<T> = Lock<HashMap<String, Arc<Mutex<Seen<T>>>>>;

/// What was found of something, and after which look.
#[derive(Debug)]
struct Seen<T> {
    found: Option<T>,
    look: Option<u64>,
}

fn cell<T>(cells: &Cells<T>, name: &str) -> Arc<Mutex<Seen<T>>> {
    let mut cells = cells.lock().unwrap_or_else(PoisonError::into_inner);
    let cell = cells.entry(name.to_owned()).or_insert_with(|| {
        Arc::new(Mutex::new(Seen {
            found: None,
            look: None,
        }))
    });
    Arc::clone(cell)
}

impl Tables {
    /// Notes that it was looked what is visible.
    pub(super) fn looked(&self) {
        self.looks.fetch_add(1, Ordering::SeqCst);
    }

    /// A table, read since the last look; `None` if there is none.
    pub(super) async fn get(&self, place: &Place, name: &str) -> Result<Option<Table>> {
        let look = self.looks.load(Ordering::SeqCst);
        let cell = cell(&self.kept, name);
        let mut kept = cell.lock().await;
        if kept.look >= Some(look) {
            return Ok(kept.found.clone());
        }
        let known = kept.found.take();
        kept.found = match known {
            Some(mut table) => {
                table.refresh().await?;
                Some(table)
            }
            None => self.opened(place, name, look).await?,
        };
        kept.look = Some(look);
        Ok(kept.found.clone())
    }

    async fn opened(&self, place: &Place, name: &str, look: u64) -> Result<Option<Table>> {
        if self.is_missing(place, name, look).await? {
            return Ok(None);
        }
        Table::open(place, name).await
    }

    /// Keeps a table as it is known now.
    pub(super) async fn keep(&self, name: &str, table: &Table) {
        let cell = cell(&self.kept, name);
        let mut kept = cell.lock().await;
        let known = kept.found.as_ref();
        if known.is_none_or(|known| known.version() <= table.version()) {
            kept.found = Some(table.clone());
        }
    }

    /// A table as far as it was read.
    pub(super) async fn known(&self, name: &str) -> Option<Table> {
        cell(&self.kept, name).lock().await.found.clone()
    }

    /// Tells whether a table is known not to be there by a list of its folder: most kinds of evidence are not kept in a journal, and
    /// all tables are asked for.
    async fn is_missing(&self, place: &Place, name: &str, look: u64) -> Result<bool> {
        let Some((folder, table)) = name.rsplit_once('/') else {
            return Ok(false);
        };
        let cell = cell(&self.folders, folder);
        let mut listed = cell.lock().await;
        if listed.look < Some(look) {
            listed.found = place.tables_in(folder).await?;
            listed.look = Some(look);
        }
        let tables = listed.found.as_ref();
        Ok(tables.is_some_and(|tables| !tables.contains(table)))
    }
}

#[cfg(all(test, feature = "s3"))]
mod tests {
    use arrow::array::{Int64Array, RecordBatch};
    use arrow::datatypes::{DataType, Field, Schema, SchemaRef};

    use super::*;
    use crate::parallel::together;
    use crate::place::counted::Counted;

    const TABLES: usize = 12;
    const REQUESTS: usize = 8;

    fn schema() -> SchemaRef {
        Arc::new(Schema::new(vec![Field::new("seq", DataType::Int64, false)]))
    }

    fn rows() -> RecordBatch {
        let column = Arc::new(Int64Array::from(vec![1, 2, 3]));
        RecordBatch::try_new(schema(), vec![column]).expect("rows")
    }

    fn name(number: usize) -> String {
        format!("entries/kind{number}")
    }

    /// Makes tables of one file each, and forgets what was asked for that.
    async fn tables() -> (Counted, Place) {
        let store = Counted::default();
        let place = store.place(REQUESTS);
        for number in 0..TABLES {
            let made = Table::open_or_create(&place, &name(number), &schema()).await;
            let mut table = made.expect("a table");
            let appended = table.append("a.parquet", &rows(), &schema()).await;
            appended.expect("a file");
        }
        store.asked();
        (store, place)
    }

    async fn files(tables: &Tables, place: &Place, count: usize) -> Vec<Option<usize>> {
        let opened = (0..count).map(|number| async move {
            let table = tables.get(place, &name(number)).await?;
            table.map(|table| Ok(table.files()?.len())).transpose()
        });
        together(count, opened).await.expect("tables")
    }

    #[tokio::test]
    async fn tables_are_opened_together_within_the_bound_and_each_log_is_listed_once() {
        let (store, place) = tables().await;
        let kept = Tables::default();
        let of_all = files(&kept, &place, TABLES).await;
        assert_eq!(of_all, [Some(1); TABLES]);
        let (asked, most) = store.asked();
        assert_eq!(most, REQUESTS, "{asked:?}");
        let logs = asked
            .iter()
            .filter(|what| what.starts_with("list journal/entries/"));
        assert_eq!(logs.count(), TABLES, "{asked:?}");
        // One list of all tables, and for each its log and the two commits in it.
        assert_eq!(asked.len(), 1 + TABLES * 3, "{asked:?}");
    }

    #[tokio::test]
    async fn what_was_read_since_the_last_look_is_not_read_again() {
        let (store, place) = tables().await;
        let kept = Tables::default();
        files(&kept, &place, TABLES).await;
        store.asked();
        files(&kept, &place, TABLES).await;
        assert_eq!(store.asked().0, [""; 0]);
        let other = Table::open(&place, &name(0)).await.expect("it is read");
        let mut other = other.expect("a table");
        let appended = other.append("b.parquet", &rows(), &schema()).await;
        appended.expect("a file");
        store.asked();
        kept.looked();
        assert_eq!(files(&kept, &place, 2).await, [Some(2), Some(1)]);
        let (asked, most) = store.asked();
        // The next commit, and where the log is summed up; of the first table there is one more.
        assert_eq!((asked.len(), most), (5, 4), "{asked:?}");
    }

    #[tokio::test]
    async fn tables_that_are_not_there_cost_one_list_for_all() {
        let (store, place) = tables().await;
        let kept = Tables::default();
        let (kept_by, at) = (&kept, &place);
        let opened =
            (TABLES..TABLES + 20).map(|number| async move { kept_by.get(at, &name(number)).await });
        let found = together(REQUESTS, opened).await;
        let found = found.expect("they are looked for");
        assert!(found.iter().all(Option::is_none));
        assert_eq!(store.asked().0, ["list journal/entries"]);
    }

    #[tokio::test]
    async fn a_file_is_added_without_reading_the_log_again() {
        let (store, place) = tables().await;
        let opened = Table::open(&place, &name(0)).await.expect("it is read");
        let mut table = opened.expect("a table");
        store.asked();
        let appended = table.append("b.parquet", &rows(), &schema()).await;
        appended.expect("a file");
        let commit = format!("journal/{}/_delta_log/{:020}.json", name(0), 2);
        let file = format!("journal/{}/b.parquet", name(0));
        assert_eq!(
            store.asked().0,
            [format!("put {file}"), format!("put {commit}")]
        );
    }
}
