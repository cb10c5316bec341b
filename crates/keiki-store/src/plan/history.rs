//! Sets late rows against the whole history of their records.

mod apart;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use arrow::array::RecordBatch;
use arrow::datatypes::{Date32Type, TimestampMicrosecondType};
use keiki_model::calendar::Day;
use keiki_model::evidence::{Extent, Reason};
use keiki_model::timeline::{Assertion, Change, Said, Word, difference};

use super::{Output, Pick, Reading, knowledge_reason, word_of};
use crate::batches::Batch;
use crate::error::Result;
use crate::heads::{primitive, seqs, strings};
use crate::schema::{EFFECTIVE_ON, KNOWN_AT, RECORD_KEY, SOURCE, WORD};
pub(crate) use apart::Apart;

/// What was said of the records with late rows: all their assertions, and the full readings that may have repeated them.
#[derive(Debug)]
pub(crate) struct History<'b> {
    /// Assertions by key, in order of their commits.
    said: HashMap<String, Vec<Line>>,
    /// The full readings of the dataset that assert by presence, in order.
    full: Vec<&'b Batch>,
}

#[derive(Debug, Clone)]
struct Line {
    source: String,
    seq: i64,
    order: u32,
    day: Day,
    known_at: i64,
    /// `None` where a full reading left the record out and nothing follows.
    word: Option<Word<Pick>>,
}

/// The order within its commit of an assertion that a full reading made by presence alone.
const REPEATED: u32 = u32::MAX;

/// Tells whether the values at a pick lie in the scope of a batch.
pub(crate) type InScope<'s> = dyn Fn(&Batch, Pick) -> bool + 's;

impl<'b> History<'b> {
    /// Collects assertions. *Shape*: rows in the schema of the dataset's assertions, `values` the number under which the
    /// same rows were added to the output.
    pub(crate) fn new(
        assertions: &[(RecordBatch, u32)],
        batches: &'b [Batch],
        dataset: &str,
    ) -> Result<Self> {
        let mut said: HashMap<String, Vec<Line>> = HashMap::new();
        for (rows, values) in assertions {
            let (keys, sources, words) = (
                strings(rows, RECORD_KEY)?,
                strings(rows, SOURCE)?,
                strings(rows, WORD)?,
            );
            let days = primitive::<Date32Type>(rows, EFFECTIVE_ON)?;
            let known = primitive::<TimestampMicrosecondType>(rows, KNOWN_AT)?;
            let numbers = seqs(rows)?;
            for row in 0..rows.num_rows() {
                let position = u32::try_from(row).unwrap_or(u32::MAX);
                said.entry(keys.value(row).to_owned())
                    .or_default()
                    .push(Line {
                        source: sources.value(row).to_owned(),
                        seq: numbers.value(row),
                        order: position,
                        day: days.value(row),
                        known_at: known.value(row),
                        word: (words.value(row) != "absent")
                            .then(|| word_of(words.value(row), (*values, position))),
                    });
            }
        }
        for lines in said.values_mut() {
            lines.sort_by_key(|line| (line.seq, line.order));
        }
        let full = batches
            .iter()
            .filter(|b| b.dataset == dataset && b.extent == Extent::Full && !b.has_own_days)
            .collect();
        Ok(Self { said, full })
    }

    /// Takes the rows of one record, or its being left out, into the output; it is left out where `missing_from` says that a
    /// full reading would hold it. Returns rows whose time of knowledge is out
    /// of order, and how many rows changed something.
    pub(crate) fn take(
        &self,
        reading: &Reading,
        key: &str,
        said_now: &[(Option<u32>, Word<Pick>, Day, i64)],
        (seq, missing_from): (i64, &dyn Fn(Pick) -> bool),
        in_scope: &InScope<'_>,
        output: &mut Output,
    ) -> (Vec<(u32, Reason)>, u64) {
        let mut record = RecordHistory::new(reading);
        let latest = record.replay(self, key, in_scope, output);
        let (mut rejected, mut changed) = (Vec::new(), 0);
        for (order, (row, word, day, known_at)) in said_now.iter().enumerate() {
            if let (Some(row), Some(latest)) = (row, latest)
                && *known_at < latest
            {
                rejected.push((*row, knowledge_reason(*known_at, latest)));
                continue;
            }
            let own = record.position(&reading.source);
            if row.is_none() && !record.is_missing(own, *day, missing_from) {
                continue;
            }
            let before = record.said.clone();
            let number = record.intern(*word, output);
            let order = (seq, u32::try_from(order).unwrap_or(u32::MAX));
            record.said[own].add(Assertion {
                day: *day,
                order,
                word: number,
            });
            let changes = difference(&before, &record.said);
            output.assert(key, *word, *day, *known_at);
            changed += u64::from(!changes.is_empty());
            for change in changes {
                let values = record.picks[change.values as usize];
                output.enter(
                    key,
                    Change {
                        values,
                        effective_on: change.effective_on,
                        weight: change.weight,
                    },
                    *known_at,
                );
            }
        }
        record.make_plain(key, reading, output);
        (rejected, changed)
    }

    /// Tells whether a full reading misses a record: its source spoke of it on the day, as something that the reading would
    /// hold.
    pub(crate) fn misses(
        &self,
        reading: &Reading,
        key: &str,
        would_hold: &dyn Fn(Pick) -> bool,
        in_scope: &InScope<'_>,
        output: &Output,
    ) -> bool {
        let mut record = RecordHistory::new(reading);
        record.replay(self, key, in_scope, output);
        let own = record.position(&reading.source);
        record.is_missing(own, reading.as_of, would_hold)
    }

    /// Moves all that was said of some records to the one that they are: under their own keys every source falls silent, on
    /// each day on which it said something. Where a source speaks of the record itself, what it said of the others holds until
    /// then only.
    #[expect(
        clippy::too_many_arguments,
        reason = "the parts of one commit in the making"
    )]
    pub(crate) fn unite(
        &self,
        reading: &Reading,
        into: &str,
        absorbed: &BTreeSet<&str>,
        renamed: &dyn Fn(Pick) -> Pick,
        seq: i64,
        in_scope: &InScope<'_>,
        output: &mut Output,
    ) {
        let mut record = RecordHistory::new(reading);
        record.replay(self, into, in_scope, output);
        let before = record.said.clone();
        let mut order = 0;
        for key in absorbed {
            let mut old = RecordHistory::new(reading);
            old.replay(self, key, in_scope, output);
            let nothing: Vec<Said<u32>> = old.said.iter().map(|_| Said::default()).collect();
            let changes = difference(&old.said, &nothing);
            old.enter(key, changes, reading, output);
            for at in 0..old.sources.len() {
                output.let_speak(&old.sources[at]);
                let own = record.said[at].assertions().first().map(|first| first.day);
                for (day, word) in last_of_each_day(&old.said[at]) {
                    output.assert(key, Word::Silent, day, reading.known_at);
                    if own.is_some_and(|own| own <= day) {
                        continue;
                    }
                    let word = match word {
                        Word::Says(number) => Word::Says(renamed(old.picks[number as usize])),
                        Word::Ended => Word::Ended,
                        Word::Silent => Word::Silent,
                    };
                    output.assert(into, word, day, reading.known_at);
                    let assertion = Assertion {
                        day,
                        order: (seq, order),
                        word: record.intern(word, output),
                    };
                    record.said[at].add(assertion);
                    order += 1;
                }
            }
        }
        let changes = difference(&before, &record.said);
        record.enter(into, changes, reading, output);
    }
}

/// What a source said last on each day on which it said something.
fn last_of_each_day(said: &Said<u32>) -> Vec<(Day, Word<u32>)> {
    let mut last: BTreeMap<Day, Word<u32>> = BTreeMap::new();
    for assertion in said.assertions() {
        last.insert(assertion.day, assertion.word);
    }
    last.into_iter().collect()
}

/// One record as every source told it; values are numbered so that equal values have equal numbers.
struct RecordHistory {
    sources: Vec<String>,
    said: Vec<Said<u32>>,
    picks: Vec<Pick>,
    numbers: BTreeMap<Vec<u8>, u32>,
}

impl RecordHistory {
    fn new(reading: &Reading) -> Self {
        let mut sources: Vec<String> = reading.precedence.keys().cloned().collect();
        if !sources.contains(&reading.source) {
            sources.push(reading.source.clone());
        }
        sources.sort_by_key(|source| reading.rank(source));
        let said = sources.iter().map(|_| Said::default()).collect();
        Self {
            sources,
            said,
            picks: Vec::new(),
            numbers: BTreeMap::new(),
        }
    }

    /// Writes entries of a record, by the first of its sources that speaks.
    fn enter(&self, key: &str, changes: Vec<Change<u32>>, reading: &Reading, output: &mut Output) {
        let speaks = |said: &Said<u32>| {
            let last = said.assertions().last();
            last.is_some_and(|last| matches!(last.word, Word::Says(_)))
        };
        let at = self.said.iter().position(speaks);
        output.let_speak(at.map_or(reading.source.as_str(), |at| &self.sources[at]));
        for change in changes {
            let change = Change {
                values: self.picks[change.values as usize],
                effective_on: change.effective_on,
                weight: change.weight,
            };
            output.enter(key, change, reading.known_at);
        }
    }

    fn position(&self, source: &str) -> usize {
        self.sources.iter().position(|s| s == source).unwrap_or(0)
    }

    fn intern(&mut self, word: Word<Pick>, output: &Output) -> Word<u32> {
        match word {
            Word::Ended => Word::Ended,
            Word::Silent => Word::Silent,
            Word::Says(pick) => {
                let bytes = output.values().bytes(pick).to_vec();
                let picks = &mut self.picks;
                let number = *self.numbers.entry(bytes).or_insert_with(|| {
                    picks.push(pick);
                    u32::try_from(picks.len() - 1).unwrap_or(u32::MAX)
                });
                Word::Says(number)
            }
        }
    }

    /// Replays what was said before this reading; returns the record's latest time of knowledge.
    fn replay(
        &mut self,
        history: &History<'_>,
        key: &str,
        in_scope: &InScope<'_>,
        output: &Output,
    ) -> Option<i64> {
        let lines = history.said.get(key).map_or(&[] as &[Line], Vec::as_slice);
        self.replay_lines(history, lines, in_scope, output)
    }

    /// Replays some lines as if they were all that was said.
    fn replay_lines(
        &mut self,
        history: &History<'_>,
        lines: &[Line],
        in_scope: &InScope<'_>,
        output: &Output,
    ) -> Option<i64> {
        let mut full = history.full.iter().peekable();
        let mut latest = None;
        for line in lines {
            while let Some(batch) = full.next_if(|batch| batch.seq < line.seq) {
                self.repeat(batch, lines, in_scope);
            }
            if let Some(word) = line.word {
                latest = latest.max(Some(line.known_at));
                let number = self.intern(word, output);
                let at = self.position(&line.source);
                self.said[at].add(Assertion {
                    day: line.day,
                    order: (line.seq, line.order),
                    word: number,
                });
            }
        }
        for batch in full {
            self.repeat(batch, lines, in_scope);
        }
        latest
    }

    /// Tells whether a source spoke of the record on a day, as something that a full reading would hold.
    fn is_missing(&self, source: usize, day: Day, would_hold: &dyn Fn(Pick) -> bool) -> bool {
        match self.said[source].on(day) {
            Word::Says(number) => would_hold(self.picks[number as usize]),
            Word::Ended | Word::Silent => false,
        }
    }

    /// Where a full reading's silent repetition is now the last that the source said, it is written out, so that the heads
    /// show it.
    fn make_plain(&self, key: &str, reading: &Reading, output: &mut Output) {
        let own = self.position(&reading.source);
        let Some(last) = self.said[own]
            .assertions()
            .last()
            .filter(|last| last.order.1 == REPEATED)
        else {
            return;
        };
        if let Word::Says(number) = last.word {
            output.assert(
                key,
                Word::Says(self.picks[number as usize]),
                last.day,
                reading.known_at,
            );
        }
    }

    /// A full reading asserts every record in its scope, changed or not.
    fn repeat(&mut self, batch: &Batch, lines: &[Line], in_scope: &InScope<'_>) {
        let has_said_so = lines
            .iter()
            .any(|line| line.seq == batch.seq && line.source == batch.source);
        let at = self.position(&batch.source);
        let word = self.said[at].on(batch.as_of);
        if let Word::Says(number) = word
            && !has_said_so
            && in_scope(batch, self.picks[number as usize])
        {
            self.said[at].add(Assertion {
                day: batch.as_of,
                order: (batch.seq, REPEATED),
                word,
            });
        }
    }
}
