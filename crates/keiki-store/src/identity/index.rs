//! Which records have which identifiers, and on which days.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use arrow::datatypes::Date32Type;
use keiki_model::calendar::Day;
use keiki_model::dataset::{Dataset, IdentityValidity, MINTED, is_minted};

use super::events::Events;
use super::{Merge, SharedIdentifier, identifiers_of};
use crate::batches::Snapshot;
use crate::error::Result;
use crate::heads::{primitive, seqs, strings};
use crate::journal::{Journal, in_order};
use crate::schema::{EFFECTIVE_ON, RECORD_KEY, SOURCE, WORD};

/// Days on which a record has an identifier: from the first until before the second.
type Span = (Day, Day);

/// All days.
const ALWAYS: Span = (Day::MIN, Day::MAX);

/// What one source said of one record between two merges: by day, the identifiers that it may lose again.
type Sayings = BTreeMap<Day, Vec<String>>;

/// Which records have which identifiers.
#[derive(Debug, Default)]
pub(crate) struct Index {
    /// Records by identifier, with the days on which they have it, in order.
    records: BTreeMap<String, BTreeMap<String, Vec<Span>>>,
    /// Identifiers by record whose key was made from one.
    minted: BTreeMap<String, BTreeSet<String>>,
    /// By record, the identifiers that nothing takes away. *Shape*: filled where the dataset has others too.
    lasting: HashMap<String, BTreeSet<String>>,
    /// Records of which a source speaks.
    alive: HashSet<String>,
    events: Events,
    /// The weight of each identifier, and how long it is valid.
    weights: BTreeMap<String, (usize, IdentityValidity)>,
}

/// What is asked of an index: identifiers, and the day on which something has them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked<'i> {
    /// The weightiest first.
    pub(crate) identifiers: &'i [String],
    pub(crate) day: Day,
}

impl Index {
    /// Reads what was ever said of a dataset's records.
    pub(crate) async fn read(
        journal: &Journal,
        snapshot: &Snapshot,
        dataset: &Dataset,
    ) -> Result<Self> {
        let table = journal.assertions(&dataset.name).await?;
        let said = journal
            .read_visible(table.as_ref(), snapshot, 0, snapshot.seq())
            .await?;
        let mut index = Self {
            events: Events::of(snapshot, &dataset.name),
            ..Self::default()
        };
        let passes = |weight| dataset.validity_of(weight) == IdentityValidity::WhileSaid;
        let has_passing = (0..dataset.identity.len()).any(passes);
        let mut speaks: HashMap<(String, String), bool> = HashMap::new();
        let mut sayings: BTreeMap<(String, String, usize), Sayings> = BTreeMap::new();
        for rows in in_order(said)? {
            let (keys, sources, words) = (
                strings(&rows, RECORD_KEY)?,
                strings(&rows, SOURCE)?,
                strings(&rows, WORD)?,
            );
            let days = primitive::<Date32Type>(&rows, EFFECTIVE_ON)?;
            let numbers = seqs(&rows)?;
            let identifiers = identifiers_of(&rows, dataset)?;
            for (row, identifiers) in identifiers.into_iter().enumerate() {
                let (key, word) = (keys.value(row), words.value(row));
                if word == "absent" {
                    continue;
                }
                let of = (key.to_owned(), sources.value(row).to_owned());
                speaks.insert(of.clone(), word == "says");
                let identifiers = if word == "says" {
                    identifiers
                } else {
                    Vec::new()
                };
                let (record, life) = index.events.standing(key, numbers.value(row));
                let record = record.to_owned();
                let passing = index.add(&record, identifiers, dataset, has_passing);
                if has_passing {
                    let of = sayings.entry((of.0, of.1, life)).or_default();
                    of.insert(days.value(row), passing);
                }
            }
        }
        index.settle(sayings);
        let alive = speaks.into_iter().filter(|(_, speaks)| *speaks);
        index.alive = alive.map(|((key, _), _)| key).collect();
        Ok(index)
    }

    /// Notes the lasting identifiers of a record; gives back the others.
    fn add(
        &mut self,
        record: &str,
        identifiers: Vec<String>,
        dataset: &Dataset,
        has_passing: bool,
    ) -> Vec<String> {
        let mut passing = Vec::new();
        for identifier in identifiers {
            let validity = self.validity(&identifier, dataset);
            if is_minted(record) {
                let of = self.minted.entry(record.to_owned()).or_default();
                of.insert(identifier.clone());
            }
            if validity == IdentityValidity::WhileSaid {
                passing.push(identifier);
                continue;
            }
            if has_passing {
                let of = self.lasting.entry(record.to_owned()).or_default();
                of.insert(identifier.clone());
            }
            let records = self.records.entry(identifier).or_default();
            records.insert(record.to_owned(), vec![ALWAYS]);
        }
        passing
    }

    fn validity(&mut self, identifier: &str, dataset: &Dataset) -> IdentityValidity {
        if let Some((_, validity)) = self.weights.get(identifier) {
            return *validity;
        }
        let weight = dataset.weight_of(identifier);
        let validity = dataset.validity_of(weight);
        self.weights
            .insert(identifier.to_owned(), (weight, validity));
        validity
    }

    /// Makes spans of days of what each source said by day, and joins those of one record.
    fn settle(&mut self, sayings: BTreeMap<(String, String, usize), Sayings>) {
        for ((key, _, life), by_day) in sayings {
            let record = self.events.standing_of_life(&key, life).to_owned();
            let mut open: BTreeMap<String, Day> = BTreeMap::new();
            for (day, identifiers) in by_day {
                let ended: Vec<String> = open
                    .keys()
                    .filter(|one| !identifiers.contains(*one))
                    .cloned()
                    .collect();
                for identifier in ended {
                    let from = open.remove(&identifier).unwrap_or(day);
                    self.span(identifier, &record, (from, day));
                }
                for identifier in identifiers {
                    open.entry(identifier).or_insert(day);
                }
            }
            for (identifier, from) in open {
                self.span(identifier, &record, (from, Day::MAX));
            }
        }
        for spans in self.records.values_mut().flat_map(BTreeMap::values_mut) {
            spans.sort_unstable();
            let mut joined: Vec<Span> = Vec::with_capacity(spans.len());
            for (from, until) in spans.drain(..) {
                match joined.last_mut() {
                    Some(last) if last.1 >= from => last.1 = last.1.max(until),
                    _ => joined.push((from, until)),
                }
            }
            *spans = joined;
        }
    }

    fn span(&mut self, identifier: String, record: &str, span: Span) {
        let records = self.records.entry(identifier).or_default();
        records.entry(record.to_owned()).or_default().push(span);
    }

    /// The records that have an identifier on a day, of those that are admitted: where it passes from one to the other, who
    /// had it last; before anybody had it, who had it first after that.
    fn holders(&self, identifier: &str, day: Day, admits: &dyn Fn(&str) -> bool) -> BTreeSet<&str> {
        let records = self.records.get(identifier).into_iter().flatten();
        let spans = records
            .filter(|(record, _)| admits(record))
            .flat_map(|(record, spans)| spans.iter().map(move |span| (*span, record.as_str())));
        let spans: Vec<(Span, &str)> = spans.collect();
        let now = spans
            .iter()
            .filter(|((from, until), _)| *from <= day && day < *until);
        let last = now.map(|((from, _), _)| *from).max();
        let next = || {
            let later = spans.iter().map(|((from, _), _)| *from);
            later.filter(|from| *from > day).min()
        };
        let Some(since) = last.or_else(next) else {
            return BTreeSet::new();
        };
        let had = spans.iter().filter(|((from, _), _)| *from == since);
        had.map(|(_, record)| *record).collect()
    }

    /// The declared record among those that have an identifier, if it is one alone; of several, the one of which somebody
    /// still speaks.
    fn declared<'r>(&self, holders: &BTreeSet<&'r str>) -> Option<&'r str> {
        let declared: Vec<&str> = holders
            .iter()
            .copied()
            .filter(|key| !is_minted(key))
            .collect();
        match declared.as_slice() {
            [only] => Some(only),
            several => {
                let mut alive = several.iter().filter(|key| self.alive.contains(**key));
                let first = alive.next()?;
                alive.next().is_none().then_some(*first)
            }
        }
    }

    /// Tells whether something with these identifiers may be a record by one of them. What a person took apart stays apart.
    /// An identifier that passes on does not make two of what lasting identifiers tell apart.
    fn may_be(&self, record: &str, identifiers: &[String], by: &str) -> bool {
        if self.events.bars(identifiers, record) {
            return false;
        }
        let passes = self
            .weights
            .get(by)
            .is_some_and(|(_, validity)| *validity == IdentityValidity::WhileSaid);
        !passes || !self.differs(record, identifiers)
    }

    /// Tells whether a record has another lasting identifier of a kind than these.
    fn differs(&self, record: &str, identifiers: &[String]) -> bool {
        let Some(own) = self.lasting.get(record) else {
            return false;
        };
        let kind = |identifier: &str| identifier.split('=').next().map(str::to_owned);
        let lasting = identifiers.iter().filter(|one| {
            let known = self.weights.get(*one).map(|(_, validity)| *validity);
            known.unwrap_or_else(|| self.validity_by_kind(one)) == IdentityValidity::Always
        });
        let kinds: BTreeSet<Option<String>> = lasting.map(|one| kind(one)).collect();
        kinds.iter().any(|of| {
            let mut theirs = own.iter().filter(|one| kind(one) == *of).peekable();
            theirs.peek().is_some() && !theirs.any(|one| identifiers.contains(one))
        })
    }

    /// How long an identifier that nobody said yet is valid, as others of its kind.
    fn validity_by_kind(&self, identifier: &str) -> IdentityValidity {
        let kind = identifier.split('=').next().unwrap_or_default();
        let from = format!("{kind}=");
        let mut others = self.weights.range(from.clone()..);
        let other = others.next().filter(|(other, _)| other.starts_with(&from));
        other.map_or(IdentityValidity::WhileSaid, |(_, (_, validity))| *validity)
    }

    /// The record that something with these identifiers is; `None` where nobody knows it.
    pub(crate) fn record(&self, asked: Asked<'_>) -> Option<&str> {
        let of = |identifier: &String| {
            let admits = |record: &str| self.may_be(record, asked.identifiers, identifier);
            self.holders(identifier, asked.day, &admits)
        };
        let holders: Vec<BTreeSet<&str>> = asked.identifiers.iter().map(of).collect();
        let declared = holders.iter().find_map(|holders| self.declared(holders));
        declared.or_else(|| {
            let minted = holders.into_iter().flatten().filter(|key| is_minted(key));
            minted.min_by_key(|key| self.rank(key))
        })
    }

    /// The record that a made key stands for on a day.
    pub(crate) fn record_of_key(&self, key: &str, day: Day) -> Option<&str> {
        let identifier = key.strip_prefix(MINTED)?.to_owned();
        self.record(Asked {
            identifiers: &[identifier],
            day,
        })
    }

    /// The order in which made keys give way to each other: the weightier identifier stands.
    fn rank<'k>(&self, key: &'k str) -> (usize, &'k str) {
        let identifier = key.strip_prefix(MINTED).unwrap_or(key);
        let weight = self.weights.get(identifier).map(|(weight, _)| *weight);
        (weight.unwrap_or(usize::MAX), key)
    }

    /// The identifiers of a made record, the weightiest first.
    pub(crate) fn weighed(&self, key: &str) -> Vec<String> {
        let mut found: Vec<&String> = self.minted.get(key).into_iter().flatten().collect();
        found.sort_by_key(|one| (self.weights.get(*one).map(|(weight, _)| *weight), *one));
        found.into_iter().cloned().collect()
    }

    /// Tells whether a source speaks of a record.
    pub(crate) fn is_alive(&self, record: &str) -> bool {
        self.alive.contains(record)
    }

    /// The spans of days on which a record has an identifier.
    fn spans(&self, identifier: &str, record: &str) -> &[Span] {
        let records = self.records.get(identifier);
        records
            .and_then(|records| records.get(record))
            .map_or(&[], Vec::as_slice)
    }

    /// What is found to be one: made records that share an identifier with a declared one, and those that share one with each
    /// other. *Shape*: nothing is absorbed into what is absorbed itself.
    pub(crate) fn merges(&self) -> Vec<Merge> {
        let mut merges = Vec::new();
        let mut left: BTreeSet<&str> = BTreeSet::new();
        for key in self.minted.keys().filter(|key| self.alive.contains(*key)) {
            match self.declared_of(key) {
                Some((identifier, into)) => merges.push(Merge {
                    absorbed: key.clone(),
                    into: into.to_owned(),
                    identifier,
                    reason: None,
                }),
                None => {
                    left.insert(key);
                }
            }
        }
        merges.extend(self.merges_among(&left));
        merges.sort();
        merges
    }

    /// The declared record that a made one is, and the identifier that says so.
    fn declared_of(&self, key: &str) -> Option<(String, &str)> {
        let identifiers = self.weighed(key);
        identifiers.iter().find_map(|identifier| {
            let admits =
                |record: &str| !is_minted(record) && self.may_be(record, &identifiers, identifier);
            let mut days = self.spans(identifier, key).iter().map(|(from, _)| *from);
            let into =
                days.find_map(|day| self.declared(&self.holders(identifier, day, &admits)))?;
            Some((identifier.clone(), into))
        })
    }

    /// Merges among made records. Each gives way to the one of highest rank that it reaches by shared identifiers.
    fn merges_among(&self, left: &BTreeSet<&str>) -> Vec<Merge> {
        let mut by_rank: Vec<&str> = left.iter().copied().collect();
        by_rank.sort_by_key(|key| self.rank(key));
        let mut taken: HashSet<&str> = HashSet::new();
        let mut merges = Vec::new();
        for into in by_rank {
            if !taken.insert(into) {
                continue;
            }
            let mut open = vec![into];
            while let Some(at) = open.pop() {
                for identifier in self.weighed(at) {
                    let others = self.records.get(&identifier).into_iter().flatten();
                    for other in others.map(|(other, _)| other.as_str()) {
                        let is_new = left.contains(other) && !taken.contains(other);
                        if is_new && self.are_one(at, into, other, &identifier) {
                            taken.insert(other);
                            open.push(other);
                            merges.push(Merge {
                                absorbed: other.to_owned(),
                                into: into.to_owned(),
                                identifier: identifier.clone(),
                                reason: None,
                            });
                        }
                    }
                }
            }
        }
        merges
    }

    /// Tells whether a made record shares an identifier with one that belongs to another, at the same time.
    fn are_one(&self, at: &str, into: &str, other: &str, identifier: &str) -> bool {
        let overlaps = self.spans(identifier, at).iter().any(|(from, until)| {
            let theirs = self.spans(identifier, other).iter();
            theirs
                .clone()
                .any(|(begins, ends)| begins < until && from < ends)
        });
        overlaps
            && self.may_be(into, &self.weighed(other), identifier)
            && self.may_be(other, &self.weighed(into), identifier)
    }

    /// The identifiers that several declared records have at once, so that they decide nothing.
    pub(crate) fn shared(&self) -> Vec<SharedIdentifier> {
        let shared = |(identifier, spans): (&String, &BTreeMap<String, Vec<Span>>)| {
            let admits = |record: &str| {
                let own = std::slice::from_ref(identifier);
                !is_minted(record) && self.is_alive(record) && !self.events.bars(own, record)
            };
            let of = spans.iter().filter(|(record, _)| admits(record));
            let day = of
                .flat_map(|(_, spans)| spans)
                .map(|(from, _)| *from)
                .max()?;
            let records = self.holders(identifier, day, &admits);
            (records.len() > 1).then(|| SharedIdentifier {
                identifier: identifier.clone(),
                records: records.into_iter().map(str::to_owned).collect(),
            })
        };
        self.records.iter().filter_map(shared).collect()
    }

    /// What was decided of the records.
    pub(crate) fn events(&self) -> &Events {
        &self.events
    }
}
