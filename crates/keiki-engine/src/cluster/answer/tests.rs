//! What is no whole answer is not taken, and it is said why.

use arrow::compute::concat_batches;
use keiki_model::calendar::{Month, parse_day};

use super::*;
use crate::error::EngineError;

/// Rows of each file; each is a part of its own.
const ROWS: u64 = 5;

fn axis(months: u16) -> Axis {
    let open = Month::of(parse_day("2026-09-01").expect("a day"));
    Axis::new(open.plus(-i32::from(months)), open)
}

fn parts(count: usize) -> Vec<Vec<FilePart>> {
    let file = |number: usize| FilePart {
        path: format!("{number}.parquet"),
        size_bytes: 100,
        rows: ROWS,
        first_seq: 1,
        last_seq: 1,
        bytes: None,
    };
    (0..count).map(|number| vec![file(number)]).collect()
}

fn read(cube: Cube, rows: u64) -> PartRead {
    PartRead {
        cube,
        rows,
        bytes: 90,
    }
}

fn cube() -> Cube {
    Cube::new(axis(3), &[true, false])
}

/// What a worker writes of a part that it has read.
fn of_part(part: u32) -> Vec<RecordBatch> {
    let cpu = Duration::from_micros(7);
    rows("one", part, Ok(read(cube(), ROWS)), cpu).expect("rows")
}

/// What comes of answers to work of two parts.
fn taken(batches: &[RecordBatch]) -> Outcome<Vec<Cube>> {
    let mut answers = Answers::default();
    for batch in batches {
        answers.take(batch)?;
    }
    let (axis, parts) = (axis(3), parts(2));
    answers.cubes(&Asked {
        axis: &axis,
        has_value: &[true, false],
        parts: &parts,
    })
}

/// What is said of an answer that is not taken, and which may be another the next time.
fn passing(batches: &[RecordBatch]) -> String {
    match taken(batches) {
        Err(Failure::Passing(error)) => error.to_string(),
        Err(other) => unreachable!("{other:?}"),
        Ok(cubes) => unreachable!("{} cubes were taken", cubes.len()),
    }
}

/// A row with another value in one column.
fn with(row: &RecordBatch, name: &str, value: Arc<dyn Array>) -> RecordBatch {
    let at = row.schema().index_of(name).expect("a column");
    let mut columns = row.columns().to_vec();
    columns[at] = value;
    RecordBatch::try_new(row.schema(), columns).expect("a row")
}

#[test]
fn a_whole_answer_is_taken_in_whatever_order_it_comes() {
    let whole = [of_part(1), of_part(0)].concat();
    assert_eq!(taken(&whole).expect("cubes").len(), 2);
    let together = concat_batches(&schema(), &whole).expect("rows");
    assert_eq!(taken(&[together]).expect("cubes").len(), 2);
}

#[test]
fn a_piece_that_comes_twice_is_not_taken() {
    let twice = [of_part(0), of_part(1), of_part(1)].concat();
    assert!(passing(&twice).contains("(piece 0 of part 1 came twice)"));
}

#[test]
fn a_missing_part_and_one_that_nobody_asked_for_are_seen() {
    let words = "the answer is not whole: 1 of 2 parts, 5 of 10 rows; it was not used";
    assert!(passing(&of_part(0)).contains(words));
    let other = [of_part(0), of_part(2)].concat();
    assert!(passing(&other).contains("the answer is not whole: 2 of 2 parts"));
    assert!(passing(&[]).contains("0 of 2 parts, 0 of 10 rows"));
}

#[test]
fn other_rows_than_the_log_knows_of_are_seen() {
    let fewer = rows("one", 1, Ok(read(cube(), ROWS - 1)), Duration::ZERO).expect("rows");
    let found = passing(&[of_part(0), fewer].concat());
    assert!(found.contains("2 of 2 parts, 9 of 10 rows"), "{found}");
}

#[test]
fn bytes_that_are_not_those_that_were_hashed_are_seen() {
    let row = of_part(1).remove(0);
    let mut bytes = row["bytes"].as_binary::<i32>().value(0).to_vec();
    bytes[0] ^= 1;
    let altered = with(
        &row,
        "bytes",
        Arc::new(BinaryArray::from_vec(vec![bytes.as_slice()])),
    );
    let found = passing(&[of_part(0).remove(0), altered]);
    assert!(found.contains("(another SHA-256)"), "{found}");
}

#[test]
fn a_missing_piece_is_seen() {
    let row = of_part(1).remove(0);
    let first = with(&row, "pieces", Arc::new(UInt32Array::from(vec![2])));
    let found = passing(&[of_part(0).remove(0), first.clone()]);
    assert!(found.contains("(1 of 2 pieces)"), "{found}");
    let last = with(&first, "piece", Arc::new(UInt32Array::from(vec![2])));
    let found = passing(&[of_part(0).remove(0), first, last]);
    assert!(found.contains("(2 of 2 pieces)"), "{found}");
}

#[test]
fn a_cube_of_another_form_is_not_taken() {
    let words = "(a cube of another form than was asked for)";
    for other in [
        Cube::new(axis(4), &[true, false]),
        Cube::new(axis(3), &[true, true]),
        Cube::new(axis(3), &[true]),
    ] {
        let of_other = rows("one", 1, Ok(read(other, ROWS)), Duration::ZERO).expect("rows");
        let found = passing(&[of_part(0), of_other].concat());
        assert!(found.contains(words), "{found}");
    }
    // Bytes with the right hash that are no cube at all.
    let bytes = b"no cube";
    let row = with(
        &of_part(1)[0],
        "bytes",
        Arc::new(BinaryArray::from_vec(vec![&bytes[..]])),
    );
    let sha256 = Sha256::digest(bytes);
    let sha256 = Arc::new(BinaryArray::from_vec(vec![sha256.as_slice()]));
    let row = with(&row, "sha256", sha256);
    assert!(passing(&[of_part(0).remove(0), row]).contains(words));
}

#[test]
fn what_no_worker_writes_is_not_taken() {
    let row = of_part(0).remove(0);
    let found = passing(&[row.project(&[0, 1, 2, 3]).expect("some columns")]);
    assert!(found.contains("(not as workers write it)"), "{found}");
}

#[test]
fn a_part_that_a_worker_refuses_is_said_to_be_and_by_whom() {
    let refuse = |part, why| rows("two", part, Err(why), Duration::ZERO).expect("rows");
    let stays = || not_on_cluster("x", "it runs another version");
    let full = datafusion::error::DataFusionError::ResourcesExhausted("memory".to_owned());
    match taken(&[of_part(0), refuse(1, stays())].concat()) {
        Err(Failure::Lasting(error)) => assert_eq!(
            error.to_string(),
            "the cluster could not measure: worker two: it runs another version"
        ),
        other => unreachable!("{:?}", other.map(|cubes| cubes.len())),
    }
    let found = passing(&[of_part(0), refuse(1, EngineError::from(full))].concat());
    assert!(
        found.contains("worker two: ") && found.contains("memory"),
        "{found}"
    );
    // One reason that stays is enough.
    let full = datafusion::error::DataFusionError::ResourcesExhausted("memory".to_owned());
    let both = [refuse(0, stays()), refuse(1, full.into())].concat();
    assert!(matches!(taken(&both), Err(Failure::Lasting(_))));
}

#[test]
fn what_each_worker_did_is_added_up() {
    let mut answers = Answers::default();
    let mut shuffled_bytes = 0;
    for batch in [of_part(0), of_part(1)].concat() {
        shuffled_bytes += batch["bytes"].as_binary::<i32>().value(0).len() as u64;
        assert!(answers.take(&batch).is_ok());
    }
    let expected = Work {
        parts: 2,
        rows: 10,
        read_bytes: 180,
        shuffled_bytes,
        cpu_micros: 14,
    };
    assert_eq!(answers.work(), BTreeMap::from([("one", expected)]));
}
