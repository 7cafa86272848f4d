//! How often a text is parsed, for tests of how that grows with the file.

use std::cell::Cell;

thread_local! {
    static COUNT: Cell<usize> = const { Cell::new(0) };
}

/// Something was parsed.
pub(crate) fn count() {
    COUNT.set(COUNT.get() + 1);
}

/// How often this parses something.
pub(crate) fn of(work: impl FnOnce()) -> usize {
    let before = COUNT.get();
    work();
    COUNT.get() - before
}
