//! Limits on what comes from outside, so that a hostile or broken file costs a rejected row and not
//! the machine.

/// Bounds of one reading.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Longest record; a longer one is skipped and rejected, and never held in memory.
    pub record_bytes: usize,
    /// Longest field of a record; a record with a longer one is rejected.
    pub field_bytes: usize,
    /// Longest JSON array element nesting; a deeper record is rejected.
    pub json_depth: usize,
    /// Most columns of a reading; more is an error.
    pub column_count: usize,
    /// Most files of a reading; more is an error.
    pub file_count: usize,
    /// Most rows of a reading; more is an error.
    pub row_count: usize,
    /// Most text in one column of a reading; more is an error.
    pub column_bytes: usize,
}

/// 1 MiB.
pub const RECORD_BYTES: usize = 1 << 20;
/// 256 KiB.
pub const FIELD_BYTES: usize = 256 << 10;
/// 64 levels.
pub const JSON_DEPTH: usize = 64;
/// 2,000 columns.
pub const COLUMN_COUNT: usize = 2_000;
/// 10,000 files.
pub const FILE_COUNT: usize = 10_000;
/// 50 million rows.
pub const ROW_COUNT: usize = 50_000_000;
/// 2 GiB less one byte, the most that an Arrow text column of 32-bit offsets holds.
pub const COLUMN_BYTES: usize = i32::MAX as usize;

impl Default for Limits {
    fn default() -> Self {
        Self {
            record_bytes: RECORD_BYTES,
            field_bytes: FIELD_BYTES,
            json_depth: JSON_DEPTH,
            column_count: COLUMN_COUNT,
            file_count: FILE_COUNT,
            row_count: ROW_COUNT,
            column_bytes: COLUMN_BYTES,
        }
    }
}
