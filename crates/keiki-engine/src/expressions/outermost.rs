//! `least` and `greatest` over dates, which most definitions use: one pass over the rows. All other types are `DataFusion`'s.

use std::sync::Arc;

use arrow::array::{Array, AsArray, Date32Array};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{DataType, Date32Type};
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
};
use keiki_model::calendar::Day;

use crate::dates::filled;

/// One of the two functions.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Outermost {
    general: Arc<ScalarUDF>,
    pick: Pick,
}

/// Which of two dates is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Pick {
    Least,
    Greatest,
}

impl Outermost {
    /// Takes the place of the general function, and asks it wherever there is more than columns of dates.
    pub(super) fn replacing(general: Arc<ScalarUDF>, pick: Pick) -> ScalarUDF {
        ScalarUDF::new_from_impl(Self { general, pick })
    }
}

impl ScalarUDFImpl for Outermost {
    fn name(&self) -> &str {
        self.general.name()
    }

    fn signature(&self) -> &Signature {
        self.general.signature()
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        self.general.inner().return_type(types)
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        self.general.inner().coerce_types(types)
    }

    fn invoke_with_args(&self, call: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let dates: Option<Vec<&Date32Array>> = call.args.iter().map(dates).collect();
        match dates.as_deref() {
            Some([first, rest @ ..]) => {
                let whole = rest.iter().fold((*first).clone(), |kept, other| {
                    self.pick.of_each(&kept, other)
                });
                Ok(ColumnarValue::Array(Arc::new(whole)))
            }
            _ => self.general.inner().invoke_with_args(call),
        }
    }
}

fn dates(value: &ColumnarValue) -> Option<&Date32Array> {
    match value {
        ColumnarValue::Array(array) => array.as_primitive_opt::<Date32Type>(),
        ColumnarValue::Scalar(_) => None,
    }
}

impl Pick {
    /// Row by row; a null gives way to a date.
    fn of_each(self, left: &Date32Array, right: &Date32Array) -> Date32Array {
        match self {
            Self::Least => of_each(left, right, Day::MAX, Ord::min),
            Self::Greatest => of_each(left, right, Day::MIN, Ord::max),
        }
    }
}

fn of_each(
    left: &Date32Array,
    right: &Date32Array,
    absent: Day,
    pick: impl Fn(Day, Day) -> Day,
) -> Date32Array {
    let is_absent = |dates: &Date32Array| dates.null_count() == dates.len();
    match (is_absent(left), is_absent(right)) {
        (_, true) => return left.clone(),
        (true, false) => return right.clone(),
        _ => {}
    }
    let mut days = filled(left, absent).into_owned();
    for (day, other) in days.iter_mut().zip(filled(right, absent).iter()) {
        *day = pick(*day, *other);
    }
    let known = left
        .nulls()
        .zip(right.nulls())
        .map(|(left, right)| NullBuffer::new(left.inner() | right.inner()));
    Date32Array::new(days.into(), known)
}
