//! Identity: what several tools see is one record, whatever the order in which they come.

use std::collections::BTreeMap;

use arrow::array::AsArray;
use keiki_model::evidence::{Extent, Missing};
use keiki_model::measurement::Measurement;
use keiki_store::{IdentityReport, Receipt};
use proptest::prelude::*;

use crate::world::{Reading, World, block_on, day, end_of, repository};

const HEADER: &str = "asset_id,org_unit,kind,name,is_in_scope,discovered_on,serial_number,mac_address,host_name,domain\n";

/// Books about hardware, as an inventory and several tools see it.
pub(crate) struct Sightings(pub(crate) World);

/// Runs a test over books of its own.
pub(crate) fn with_sightings(test: impl AsyncFnOnce(Sightings)) {
    block_on(async {
        test(Sightings::new().await).await;
    });
}

impl Sightings {
    pub(crate) async fn new() -> Self {
        let kpi = repository().join("catalogue/security_department/01_hardware_inventory");
        Self(World::of_kpi(&kpi).await)
    }

    /// A reading of a source on a day; inventory wins over tools.
    pub(crate) async fn say(&self, source: &str, on: &str, rows: &[String]) -> Receipt {
        let mut reading = Reading::new("assets", day(on));
        reading.source = source.to_owned();
        reading.precedence = if source == "inventory" { 10 } else { 100 };
        reading.extent = Extent::Part;
        let text = format!("{HEADER}{}", rows.concat());
        self.0.commit_csv(&reading, &text).await
    }

    /// The inventory has an asset no more.
    async fn withdraw_inventory(&self, on: &str) {
        let mut gone = Reading::new("assets", day(on));
        gone.source = "inventory".into();
        gone.precedence = 10;
        gone.missing = Missing::Withdraw;
        gone.is_missing_confirmed = true;
        self.0.commit_csv(&gone, HEADER).await;
    }

    /// The names of the records that there are, by key, as known at the end of a day.
    pub(crate) async fn records(&self, known_on: &str) -> BTreeMap<String, String> {
        let known = end_of(day(known_on));
        let query = format!(
            "select record_key, name from assets where arrow_cast(known_at, 'Int64') <= {known} \
             group by record_key, name having sum(weight) > 0"
        );
        let found = self.0.engine.sql(&self.0.journal, &query).await;
        let mut records = BTreeMap::new();
        for rows in found.unwrap_or_else(|e| unreachable!("{e}")) {
            let text = |column: usize| {
                let texts =
                    arrow::compute::cast(rows.column(column), &arrow::datatypes::DataType::Utf8);
                texts.expect("texts").as_string::<i32>().clone()
            };
            let (keys, names) = (text(0), text(1));
            for row in 0..rows.num_rows() {
                records.insert(keys.value(row).to_owned(), names.value(row).to_owned());
            }
        }
        records
    }

    /// The group's figures of April, as known at the end of a day.
    async fn april(&self, known_on: &str) -> Vec<Measurement> {
        let known = end_of(day(known_on));
        self.0.measure(1, "HD", "2026-04", known).await
    }

    async fn report(&self) -> IdentityReport {
        let snapshot = self.0.journal.snapshot().await.expect("a list");
        let assets = self.0.dataset("assets");
        let report = self.0.journal.identity(&snapshot, &assets).await;
        report.expect("a report")
    }

    pub(crate) async fn assert_balanced(&self) {
        let datasets: Vec<_> = self.0.catalogue.datasets.values().cloned().collect();
        let found = self.0.journal.verify(&datasets).await;
        let found = found.expect("it can be read");
        assert!(found.findings.is_empty(), "{:#?}", found.findings);
    }
}

pub(crate) fn declared(id: &str, serial: &str) -> String {
    format!("{id},JP1,hardware,declared,true,,{serial},,,\n")
}

/// What a tool sees of a machine that it has no number for.
pub(crate) fn seen(name: &str, serial: &str, mac: &str, host: &str) -> String {
    format!(",JP1,hardware,{name},true,2026-04-02,{serial},{mac},{host},\n")
}

#[test]
fn a_tool_without_our_number_speaks_of_the_asset_that_has_its_identifiers() {
    with_sightings(async |books| {
        let inventory = [declared("A1", "S-1")];
        books.say("inventory", "2026-04-01", &inventory).await;
        let rows = [
            seen("tool", "s-1", "00:11:22:33:44:55", ""),
            seen("stranger", "S-9", "", ""),
        ];
        let receipt = books.say("scanner", "2026-04-02", &rows).await;
        assert!(receipt.merged.is_empty());
        let found = books.records("2026-04-30").await;
        let expected = [("A1", "declared"), ("seen:serial_number=s-9", "stranger")];
        let expected: BTreeMap<_, _> = expected.map(|(a, b)| (a.into(), b.into())).into();
        assert_eq!(found, expected);
        // Another tool sees nothing but the address.
        let rows = [seen("edr", "", "0011.2233.4455", "")];
        books.say("edr", "2026-04-03", &rows).await;
        assert_eq!(books.records("2026-04-30").await, expected);
        // Without the inventory's word, the scanner's stands: it came first by name among equals.
        books.withdraw_inventory("2026-04-04").await;
        assert_eq!(books.records("2026-04-30").await["A1"], "edr");
        books.assert_balanced().await;
    });
}

#[test]
fn what_a_tool_saw_first_becomes_the_asset_that_is_declared_later_and_what_was_known_stays() {
    with_sightings(async |books| {
        let first = [seen("tool", "S-1", "", "")];
        let named = [seen("tool", "S-1", "", "pc1.example.com")];
        books.say("scanner", "2026-04-02", &first).await;
        books.say("scanner", "2026-04-20", &named).await;
        let before = books.april("2026-04-30").await;
        let inventory = [declared("A1", "S-1")];
        let receipt = books.say("inventory", "2026-05-01", &inventory).await;
        assert_eq!(receipt.merged.len(), 1);
        assert_eq!(receipt.merged[0].into, "A1");
        let found = books.records("2026-05-31").await;
        assert_eq!(found.keys().collect::<Vec<_>>(), ["A1"]);
        assert_eq!(books.records("2026-04-30").await.len(), 1);
        let again = books.april("2026-04-30").await;
        let figures = |measured: &[Measurement]| -> Vec<_> {
            let figure = |m: &Measurement| (m.value, m.numerator, m.denominator, m.status);
            measured.iter().map(figure).collect()
        };
        assert_eq!(figures(&before), figures(&again));
        // The asset was there in April already, as the tool saw it.
        let now = books.april("2026-05-31").await;
        assert_eq!(now[0].denominator, before[0].denominator);
        // The next reading of the tool says nothing new, and nothing more is found.
        let receipt = books.say("scanner", "2026-05-02", &named).await;
        assert_eq!((receipt.counts.changed, receipt.merged.len()), (0, 0));
        books.assert_balanced().await;
        let report = books.report().await;
        assert_eq!(report.commits.len(), 1);
        assert!(report.differing.iter().any(|one| one.column == "name"
            && one.said[0] == ("inventory".to_owned(), "declared".to_owned())));
    });
}

#[test]
fn an_identifier_of_two_declared_assets_decides_nothing_and_is_listed() {
    with_sightings(async |books| {
        let rows = [declared("A1", "S-1"), declared("A2", "S-1")];
        books.say("inventory", "2026-04-01", &rows).await;
        let rows = [seen("tool", "S-1", "", "")];
        books.say("scanner", "2026-04-02", &rows).await;
        assert_eq!(books.records("2026-04-30").await.len(), 3);
        let shared = books.report().await.shared;
        assert_eq!(shared.len(), 1);
        assert_eq!(shared[0].records, ["A1", "A2"]);
    });
}

#[test]
fn a_row_without_key_and_identifier_is_rejected() {
    with_sightings(async |books| {
        let serial = "To be filled by O.E.M.";
        let row = seen("nobody", serial, "00:00:00:00:00:00", "pc1");
        let receipt = books.say("scanner", "2026-04-02", &[row]).await;
        assert_eq!(receipt.rejected.len(), 1);
        let reason = receipt.rejected[0].reason.message().en;
        assert!(
            reason.starts_with("there is neither `asset_id` nor an identifier"),
            "{reason}"
        );
    });
}

/// A machine, and which of its identifiers each of three tools sees.
#[derive(Debug, Clone)]
struct Machine {
    is_declared: bool,
    /// Per tool: serial, address, host; a tool that sees none has no row.
    sees: [[bool; 3]; 3],
}

fn machine() -> impl Strategy<Value = Machine> {
    (any::<bool>(), any::<[[bool; 3]; 3]>())
        .prop_map(|(is_declared, sees)| Machine { is_declared, sees })
}

/// All rows as (source, row).
fn rows_of(machines: &[Machine]) -> Vec<(&'static str, String)> {
    let mut rows = Vec::new();
    for (number, machine) in machines.iter().enumerate() {
        if machine.is_declared {
            rows.push((
                "inventory",
                declared(&format!("A{number}"), &format!("S{number}")),
            ));
        }
        for (tool, sees) in ["edr", "scanner", "sniffer"].into_iter().zip(machine.sees) {
            let shown = |at: usize, text: String| if sees[at] { text } else { String::new() };
            let serial = shown(0, format!("S{number}"));
            let mac = shown(1, format!("00:00:00:00:01:{number:02}"));
            let host = shown(2, format!("pc{number}.example.com"));
            if sees.contains(&true) {
                rows.push((
                    tool,
                    seen(&format!("{tool} {number}"), &serial, &mac, &host),
                ));
            }
        }
    }
    rows
}

/// The records that a person would find: rows that share an identifier, directly or through others, are one.
fn expected(machines: &[Machine]) -> usize {
    let mut count = 0;
    for machine in machines {
        let mut groups: Vec<[bool; 3]> = machine
            .sees
            .into_iter()
            .filter(|s| s.contains(&true))
            .collect();
        if machine.is_declared {
            groups.push([true, false, false]);
        }
        let mut joined: Vec<[bool; 3]> = Vec::new();
        for group in groups {
            let touches = |other: &[bool; 3]| (0..3).any(|at| group[at] && other[at]);
            let (one, rest): (Vec<_>, Vec<_>) = joined.into_iter().partition(touches);
            let mut whole = group;
            for other in one {
                for at in 0..3 {
                    whole[at] |= other[at];
                }
            }
            joined = rest;
            joined.push(whole);
        }
        count += joined.len();
    }
    count
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn order_of_arrival_and_batch_split_change_no_record(
        machines in proptest::collection::vec(machine(), 1..4),
        seed in any::<u64>(),
        batch in 1_usize..4,
    ) {
        let rows = rows_of(&machines);
        let mut names = Vec::new();
        for (step, batch) in [(1, usize::MAX), (seed | 1, batch)] {
            let mut order: Vec<usize> = (0..rows.len()).collect();
            order.sort_by_key(|at| (*at as u64 + 1).wrapping_mul(step).rotate_left(17));
            with_sightings(async |books| {
                for chunk in order.chunks(batch.min(order.len().max(1))) {
                    for source in ["inventory", "edr", "scanner", "sniffer"] {
                        let of = chunk.iter().filter(|at| rows[**at].0 == source);
                        let of: Vec<String> = of.map(|at| rows[*at].1.clone()).collect();
                        if !of.is_empty() {
                            books.say(source, "2026-04-02", &of).await;
                        }
                    }
                }
                books.assert_balanced().await;
                let found = books.records("2026-04-30").await;
                assert_eq!(found.len(), expected(&machines), "{machines:?} {found:?}");
                let mut of: Vec<String> = found.into_values().collect();
                of.sort();
                names.push(of);
            });
        }
        assert_eq!(&names[0], &names[1]);
    }
}
