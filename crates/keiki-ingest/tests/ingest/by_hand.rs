//! Temporary.
use crate::fixture::{dataset, read};
use keiki_ingest::{Limits, place, read_source};
use keiki_model::evidence::RejectedRow;
use std::collections::BTreeMap;
use std::path::PathBuf;

fn count(rows: &[RejectedRow]) -> BTreeMap<String, usize> {
    let mut m = BTreeMap::new();
    for r in rows {
        *m.entry(format!(
            "{} {} {}",
            r.reason.code(),
            r.reason.column().unwrap_or(""),
            r.reason.message().en.split(':').next().unwrap()
        ))
        .or_default() += 1;
    }
    m
}
#[test]
fn by_hand() {
    let mut out = String::new();
    use std::fmt::Write as _;
    let s = read_source(
        "veris.toml",
        "name='veris'\nkind='veris'\nplace='x'\n[columns]\norg_unit = \"'HD'\"\n",
    )
    .unwrap();
    let f = place::named(&[PathBuf::from("/work/shared/data/vcdb")]).unwrap();
    let mut d = dataset("incidents");
    let e = read(&s, &d, &f, Limits::default()).unwrap();
    writeln!(
        out,
        "veris: {} files, accepted {}, rejected {:#?} unknown {:#?}",
        f.len(),
        e.rows.num_rows(),
        count(&e.rejected),
        count(&e.left_unknown)
    )
    .unwrap();
    for c in &mut d.columns {
        if c.name == "detected_at" {
            c.required = false;
        }
    }
    let e = read(&s, &d, &f, Limits::default()).unwrap();
    let n = |c: &str| {
        let a = e.rows.column_by_name(c).unwrap();
        a.len() - a.null_count()
    };
    writeln!(out, "veris optional: accepted {}, rejected {:#?} unknown {:#?} intruded {} detected {} contained {}", e.rows.num_rows(), count(&e.rejected), count(&e.left_unknown), n("intruded_at"), n("detected_at"), n("contained_at")).unwrap();
    for c in [
        "kind",
        "detected_by",
        "had_intrusion",
        "was_data_leaked",
        "country",
    ] {
        let Some(a) = e.rows.column_by_name(c) else {
            continue;
        };
        let mut m: BTreeMap<String, usize> = BTreeMap::new();
        for i in 0..a.len() {
            *m.entry(arrow::util::display::array_value_to_string(a, i).unwrap())
                .or_default() += 1;
        }
        writeln!(out, "{c}: {m:?}").unwrap();
    }
    let s = read_source("kev.toml", "name='kev'\nkind='kev'\nplace='x'\n").unwrap();
    let f = place::named(&[PathBuf::from("/work/shared/data/kev")]).unwrap();
    let e = read(
        &s,
        &dataset("exploited_vulnerabilities"),
        &f,
        Limits::default(),
    )
    .unwrap();
    writeln!(
        out,
        "kev: accepted {}, rejected {:#?} unknown {}",
        e.rows.num_rows(),
        count(&e.rejected),
        e.left_unknown.len()
    )
    .unwrap();
    std::fs::write("/tmp/by_hand.out", out).unwrap();
}
#[test]
fn speed() {
    let dir = tempfile::tempdir().unwrap();
    let mut t = String::from(
        "thing_id,org_unit,kind,amount,item_count,held_on,disposed_on,checked_at,is_critical,owner_id\n",
    );
    use std::fmt::Write as _;
    for i in 0..1_000_000u32 {
        writeln!(t, "T{i},HD{},hardware,{}.{:02},{},2026-04-{:02},2027-01-01,2026-04-01T09:00:{:02}Z,yes,p1", i%300, i, i%100, i, i%28+1, i%60).unwrap();
    }
    std::fs::write(dir.path().join("a.csv"), t).unwrap();
    let f = place::named(&[dir.path().join("a.csv")]).unwrap();
    let d = dataset("things");
    let s = keiki_ingest::Source::by_name("f", keiki_ingest::SourceKind::Csv, "things");
    let at = std::time::Instant::now();
    let e = read(&s, &d, &f, Limits::default()).unwrap();
    let took = at.elapsed();
    std::fs::write(
        "/tmp/speed.out",
        format!(
            "{} rows, {} rejected, {took:?}",
            e.rows.num_rows(),
            e.rejected.len()
        ),
    )
    .unwrap();
}
