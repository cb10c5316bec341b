//! What stands around records: the fields of the objects or elements that enclose them, put beside each record below them.

use crate::error::IngestError;
use crate::extract::ExtractBuilder;

/// Begins the names of fields around records; what follows is their path from the first step of
/// `format.records`.
pub(crate) const ROOT: &str = "$";

/// Joins several values of one field.
const SEPARATOR: &str = ";";

/// Texts of no more bytes are used again.
const KEPT_BYTES: usize = 4 << 10;

/// Values by column; several of one column are joined.
#[derive(Debug, Default)]
pub(crate) struct Fields {
    values: Vec<(usize, String)>,
    /// So many of them are in use; the texts of the others are used again.
    used: usize,
    bytes: usize,
}

impl Fields {
    /// Adds a value of a column.
    pub(crate) fn add(&mut self, column: usize, value: &str) {
        self.bytes += value.len() + SEPARATOR.len();
        let used = &mut self.values[..self.used];
        if let Some((_, values)) = used.iter_mut().find(|(number, _)| *number == column) {
            values.push_str(SEPARATOR);
            values.push_str(value);
            return;
        }
        match self.values.get_mut(self.used) {
            Some((number, values)) => {
                *number = column;
                values.clear();
                values.push_str(value);
            }
            None => self.values.push((column, value.to_owned())),
        }
        self.used += 1;
    }

    /// The bytes of all values.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Stages all values for the row that is being read.
    pub(crate) fn stage(&self, builder: &mut ExtractBuilder<'_>) {
        for (column, value) in &self.values[..self.used] {
            let _first = builder.stage(*column, value);
        }
    }

    pub(crate) fn clear(&mut self) {
        for (_, value) in &mut self.values[..self.used] {
            if value.capacity() > KEPT_BYTES {
                *value = String::new();
            }
        }
        self.used = 0;
        self.bytes = 0;
    }
}

/// The objects or elements that are open around the records, the outermost first.
#[derive(Debug, Default)]
pub(crate) struct Enclosing {
    levels: Vec<Level>,
}

#[derive(Debug)]
struct Level {
    first_row: usize,
    early: Fields,
    /// What came behind the first record of this level.
    late: Fields,
}

impl Enclosing {
    /// Begins a level.
    pub(crate) fn open(&mut self, builder: &mut ExtractBuilder<'_>) {
        builder.hold();
        self.levels.push(Level {
            first_row: builder.row_count(),
            early: Fields::default(),
            late: Fields::default(),
        });
    }

    /// Adds a field of the innermost level.
    ///
    /// # Errors
    /// More columns, or more text around records, than the limits.
    pub(crate) fn add(
        &mut self,
        name: &str,
        value: &str,
        builder: &mut ExtractBuilder<'_>,
    ) -> Result<(), IngestError> {
        let Some(level) = self.levels.last_mut() else {
            return Ok(());
        };
        let Some(column) = builder.wanted_column(name)? else {
            return Ok(());
        };
        let is_late = builder.row_count() > level.first_row;
        let fields = if is_late {
            &mut level.late
        } else {
            &mut level.early
        };
        fields.add(column, value);
        builder.check_around(level.early.bytes() + level.late.bytes())
    }

    /// Stages what is known of all levels for the row that is being read.
    ///
    /// # Errors
    /// More text than the limit.
    pub(crate) fn stage(&mut self, builder: &mut ExtractBuilder<'_>) -> Result<(), IngestError> {
        for level in &mut self.levels {
            level.settle(builder)?;
            level.early.stage(builder);
        }
        Ok(())
    }

    /// Ends the innermost level: what came behind its records is theirs too.
    ///
    /// # Errors
    /// More text than the limit.
    pub(crate) fn close(&mut self, builder: &mut ExtractBuilder<'_>) -> Result<(), IngestError> {
        match self.levels.pop() {
            Some(mut level) => {
                level.settle(builder)?;
                builder.release()
            }
            None => Ok(()),
        }
    }
}

impl Level {
    /// Puts what came behind records into their rows.
    fn settle(&mut self, builder: &mut ExtractBuilder<'_>) -> Result<(), IngestError> {
        for (column, value) in &self.late.values[..self.late.used] {
            builder.fill(*column, self.first_row, value)?;
            self.early.add(*column, value);
        }
        self.late.clear();
        Ok(())
    }
}
