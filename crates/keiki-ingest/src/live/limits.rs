//! Limits on what a live system may send, each with its unit.

/// Bounds of one fetching.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FetchLimits {
    /// Longest time for all of it; then it is given up.
    pub fetch_seconds: u64,
    /// Longest time for one answer or statement, from asking to its last byte.
    pub answer_seconds: u64,
    /// Most bytes of one answer; also of one message of a command.
    pub answer_bytes: usize,
    /// Most bytes of all answers together.
    pub fetch_bytes: usize,
    /// Most rows.
    pub row_count: usize,
    /// Most answers, one page each.
    pub page_count: usize,
    /// Most attempts to get one answer.
    pub attempt_count: u32,
    /// Longest wait between two attempts that a system may ask for.
    pub wait_seconds: u64,
}

impl Default for FetchLimits {
    fn default() -> Self {
        Self {
            fetch_seconds: 30 * 60,
            answer_seconds: 60,
            answer_bytes: 64 << 20,
            fetch_bytes: 2 << 30,
            row_count: 5_000_000,
            page_count: 10_000,
            attempt_count: 5,
            wait_seconds: 120,
        }
    }
}
