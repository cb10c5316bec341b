//! The SQL functions that read CVSS vectors: version, base score, environmental score.
//!
//! *Source*: FIRST, Common Vulnerability Scoring System: "A Complete Guide to the Common Vulnerability
//! Scoring System Version 2.0" (2007), "Specification Document" of versions 3.0 (2015), 3.1 (2019) and 4.0 (2023). The equations
//! are those of the crate `cvss`.
//! *Units*: scores in tenths, as decimal(3,1). A vector that is not one, or lacks a base metric, has no score: null.
//! Scanners write vectors of version 2 as `CVSS2#AV:N/…` or in brackets; both are read.

use std::sync::Arc;

use arrow::array::{ArrayRef, Decimal128Array, StringArray};
use arrow::datatypes::DataType;
use cvss::Cvss;
use datafusion::error::Result;

use super::{Arguments, texts};

const PRECISION: u8 = 3;
const SCALE: i8 = 1;

/// The type of a score.
pub(super) const SCORE: DataType = DataType::Decimal128(PRECISION, SCALE);

/// The base metrics of version 4.0.
const BASE_OF_4: [&str; 11] = [
    "AV", "AC", "AT", "PR", "UI", "VC", "VI", "VA", "SC", "SI", "SA",
];

/// The base metrics of versions 3.0 and 3.1.
const BASE_OF_3: [&str; 8] = ["AV", "AC", "PR", "UI", "S", "C", "I", "A"];

/// Reads a vector; the crate lets base metrics be absent, which would score as no impact.
fn parsed(vector: &str) -> Option<Cvss> {
    let parsed: Cvss = vector.parse().ok()?;
    let needed: &[&str] = match parsed {
        Cvss::CvssV30(_) | Cvss::CvssV31(_) => &BASE_OF_3,
        Cvss::CvssV40(_) => &BASE_OF_4,
        _ => &[],
    };
    let has = |metric: &&str| {
        let names = vector.split('/').filter_map(|part| part.split_once(':'));
        names.into_iter().any(|(name, _)| name == *metric)
    };
    needed.iter().all(has).then_some(parsed)
}

/// The score of the base metrics alone.
pub(super) fn base_score(arguments: &Arguments) -> Result<ArrayRef> {
    scores(arguments, |vector| match parsed(vector)? {
        Cvss::CvssV20(vector) => Some(vector.score().value()),
        Cvss::CvssV30(vector) | Cvss::CvssV31(vector) => Some(vector.base_score().value()),
        Cvss::CvssV40(_) => match only(vector, &BASE_OF_4).parse().ok()? {
            Cvss::CvssV40(base) => Some(base.score().value()),
            _ => None,
        },
        _ => None,
    })
}

/// The score with the environmental metrics, and with those of threat or time where they are given; null where no
/// environmental metric is.
pub(super) fn environmental_score(arguments: &Arguments) -> Result<ArrayRef> {
    scores(arguments, |vector| {
        if !has_environmental_metric(vector) {
            return None;
        }
        match parsed(vector)? {
            Cvss::CvssV20(vector) => Some(vector.environmental_score().value()),
            Cvss::CvssV30(vector) | Cvss::CvssV31(vector) => {
                Some(vector.environmental_score().value())
            }
            Cvss::CvssV40(vector) => Some(vector.score().value()),
            _ => None,
        }
    })
}

/// The version of a vector: 2.0, 3.0, 3.1 or 4.0.
pub(super) fn version(arguments: &Arguments) -> Result<ArrayRef> {
    let vectors = texts(arguments, 0)?;
    let versions: StringArray = vectors
        .iter()
        .map(|vector| match parsed(plain(vector?))? {
            Cvss::CvssV20(_) => Some("2.0"),
            Cvss::CvssV30(_) => Some("3.0"),
            Cvss::CvssV31(_) => Some("3.1"),
            Cvss::CvssV40(_) => Some("4.0"),
            _ => None,
        })
        .collect();
    Ok(Arc::new(versions))
}

fn scores(arguments: &Arguments, score: impl Fn(&str) -> Option<f64>) -> Result<ArrayRef> {
    let vectors = texts(arguments, 0)?;
    let tenths: Decimal128Array = vectors
        .iter()
        .map(|vector| tenths(score(plain(vector?))?))
        .collect();
    Ok(Arc::new(tenths.with_precision_and_scale(PRECISION, SCALE)?))
}

/// A score has one decimal by definition, so that its tenths are a whole number.
#[expect(
    clippy::cast_possible_truncation,
    reason = "a score lies between 0 and 10"
)]
fn tenths(score: f64) -> Option<i128> {
    (0.0..=10.0)
        .contains(&score)
        .then(|| i128::from((score * 10.0).round() as i64))
}

/// The vector without what scanners put around it.
fn plain(vector: &str) -> &str {
    let vector = vector.trim();
    let vector = vector.strip_prefix("CVSS2#").unwrap_or(vector);
    vector
        .strip_prefix('(')
        .and_then(|rest| rest.strip_suffix(')'))
        .unwrap_or(vector)
}

/// The vector with its prefix and only some of its metrics.
fn only(vector: &str, metrics: &[&str]) -> String {
    let parts = vector.split('/').enumerate().filter(|(number, part)| {
        *number == 0 || metrics.contains(&part.split(':').next().unwrap_or(part))
    });
    parts.map(|(_, part)| part).collect::<Vec<_>>().join("/")
}

fn has_environmental_metric(vector: &str) -> bool {
    vector
        .split('/')
        .filter_map(|part| part.split_once(':'))
        .any(|(metric, value)| {
            let is_environmental = matches!(metric, "CR" | "IR" | "AR" | "CDP" | "TD")
                || (metric.starts_with('M') && metric.len() <= 3);
            is_environmental && !matches!(value, "X" | "ND")
        })
}

#[cfg(test)]
mod tests {
    use arrow::array::Array as _;

    use super::*;

    type Function = fn(&Arguments) -> Result<ArrayRef>;

    fn of(function: Function, vector: &str) -> Option<String> {
        let arguments = Arguments {
            arrays: vec![Arc::new(StringArray::from(vec![vector]))],
            rows: 1,
        };
        let result = function(&arguments).expect("text is an argument");
        let is_known = result.is_valid(0);
        is_known.then(|| {
            arrow::util::display::array_value_to_string(&result, 0).expect("a value can be shown")
        })
    }

    fn check(vector: &str, version_of: &str, base: &str, environmental: Option<&str>) {
        assert_eq!(of(version, vector).as_deref(), Some(version_of), "{vector}");
        assert_eq!(of(base_score, vector).as_deref(), Some(base), "{vector}");
        let found = of(environmental_score, vector);
        assert_eq!(found.as_deref(), environmental, "{vector}");
    }

    /// The worked examples of section 3.3 of the guide to version 2.0.
    #[test]
    fn vectors_of_version_2_score_as_the_guide_works_them_out() {
        // CVE-2002-0392, CVE-2003-0818, CVE-2003-0062, each with its environmental range.
        let apache = "AV:N/AC:L/Au:N/C:N/I:N/A:C/E:F/RL:OF/RC:C";
        check(apache, "2.0", "7.8", None);
        let high = format!("{apache}/CDP:H/TD:H/CR:M/IR:M/AR:H");
        check(&high, "2.0", "7.8", Some("9.2"));
        check(
            "AV:N/AC:L/Au:N/C:C/I:C/A:C/E:F/RL:OF/RC:C/CDP:H/TD:H/CR:M/IR:M/AR:L",
            "2.0",
            "10.0",
            Some("9.0"),
        );
        check(
            "AV:L/AC:H/Au:N/C:C/I:C/A:C/E:POC/RL:OF/RC:C/CDP:H/TD:H/CR:M/IR:M/AR:M",
            "2.0",
            "6.2",
            Some("7.5"),
        );
        check("CVSS2#AV:N/AC:L/Au:N/C:N/I:N/A:C", "2.0", "7.8", None);
        check("(AV:N/AC:L/Au:N/C:N/I:N/A:C)", "2.0", "7.8", None);
    }

    /// Examples that FIRST publishes with version 3.1.
    #[test]
    fn vectors_of_version_3_score_as_the_examples_say() {
        let published = [
            ("CVSS:3.1/AV:N/AC:L/PR:L/UI:N/S:C/C:L/I:L/A:N", "6.4"), // CVE-2013-0375
            ("CVSS:3.1/AV:N/AC:H/PR:N/UI:R/S:U/C:L/I:N/A:N", "3.1"), // CVE-2014-3566
            ("CVSS:3.1/AV:N/AC:L/PR:L/UI:N/S:C/C:H/I:H/A:H", "9.9"), // CVE-2012-1516
            ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N", "7.5"), // CVE-2014-0160
            ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", "9.8"), // CVE-2014-6271
        ];
        for (vector, base) in published {
            check(vector, "3.1", base, None);
        }
        check(
            "CVSS:3.0/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H",
            "3.0",
            "9.8",
            None,
        );
        // Reachable from the inside only, by the same vector's other metrics: 8.22 x 0.62 x 0.77 x 0.85 x 0.85 = 2.84, 5.87 + 2.84.
        check(
            "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H/MAV:A",
            "3.1",
            "9.8",
            Some("8.8"),
        );
        let undefined = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H/MAV:X/CR:X";
        check(undefined, "3.1", "9.8", None);
    }

    /// Examples that FIRST publishes with version 4.0.
    #[test]
    fn vectors_of_version_4_score_as_the_examples_say() {
        let base = "CVSS:4.0/AV:L/AC:L/AT:P/PR:L/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N";
        check(base, "4.0", "7.3", None); // CVE-2022-41741
        let with_threat = format!("{base}/E:U");
        check(&with_threat, "4.0", "7.3", None);
        let worst = "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:H/SI:H/SA:H";
        check(worst, "4.0", "10.0", None);
        let inside = format!("{worst}/MAV:P");
        let found = of(environmental_score, &inside).expect("an environmental metric is given");
        assert!(found.as_str() < "9", "{found}");
        assert_eq!(of(base_score, &inside).as_deref(), Some("10.0"));
    }

    #[test]
    fn what_is_no_vector_has_no_score() {
        for text in [
            "",
            "high",
            "CVSS:3.1/AV:N/AC:L",
            "CVSS:5.0/AV:N",
            "AV:N/AC:L/Au:N/C:N/I:N/A:Q",
        ] {
            for function in [base_score as Function, environmental_score, version] {
                assert_eq!(of(function, text), None, "{text}");
            }
        }
    }
}
