//! Calls libraries that panic over broken files: what they panic over is bad evidence, and no fault of the program.

use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;

use keiki_model::text::Text;

/// What is said of a file over which a library panicked.
pub(crate) fn broken() -> Text {
    Text::new(
        "想定外の壊れ方をしています",
        "it is damaged in a way that the reader does not know",
    )
}

thread_local! {
    /// How many such calls this thread is in.
    static DEPTH: Cell<usize> = const { Cell::new(0) };
}

static QUIET: Once = Once::new();

/// Runs a call into a library; `None` where it panicked.
///
/// What the call changes must not be used again then.
pub(crate) fn guarded<T>(call: impl FnOnce() -> T) -> Option<T> {
    QUIET.call_once(|| {
        let otherwise = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if DEPTH.get() == 0 {
                otherwise(info);
            }
        }));
    });
    DEPTH.set(DEPTH.get() + 1);
    let outcome = panic::catch_unwind(AssertUnwindSafe(call));
    DEPTH.set(DEPTH.get() - 1);
    outcome.ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_that_panics_comes_to_nothing_and_the_next_is_as_before() {
        assert_eq!(guarded(|| panic!("broken")), None::<u8>);
        assert_eq!(guarded(|| guarded(|| 1)), Some(Some(1)));
        assert_eq!(DEPTH.get(), 0);
    }
}
