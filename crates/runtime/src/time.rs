//! The time of a record.

use dropcap_policy::Date;
use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

/// A second in UTC, as RFC 3339 writes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Time {
    day: Date,
    second: u64,
}

impl Time {
    /// Now, by the system's clock.
    pub(crate) fn now() -> Self {
        const SECONDS_A_DAY: u64 = 24 * 60 * 60;
        let now = SystemTime::now();
        let since = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        Self { day: Date::of(now), second: since % SECONDS_A_DAY }
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { day, second } = self;
        write!(f, "{day}T{:02}:{:02}:{:02}Z", second / 3600, second / 60 % 60, second % 60)
    }
}
