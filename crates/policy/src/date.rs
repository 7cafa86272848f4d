//! A day, as waivers and provenance carry it.

use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

/// A day of the Gregorian calendar, in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date {
    /// The year.
    pub year: u16,
    /// The month, from 1.
    pub month: u8,
    /// The day, from 1.
    pub day: u8,
}

impl Date {
    /// Today, by the system's clock.
    pub fn today() -> Self {
        Self::of(SystemTime::now())
    }

    /// The day that `time` falls on.
    pub fn of(time: SystemTime) -> Self {
        const SECONDS_A_DAY: u64 = 24 * 60 * 60;
        let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
        Self::from_days(since.as_secs() / SECONDS_A_DAY)
    }

    /// The day that is `days` after 1970-01-01.
    fn from_days(days: u64) -> Self {
        let mut left = days;
        let mut year = 1970u16;
        while left >= days_in_year(year) {
            left -= days_in_year(year);
            year += 1;
        }
        let mut month = 1u8;
        while left >= days_in_month(year, month) {
            left -= days_in_month(year, month);
            month += 1;
        }
        Self { year, month, day: left as u8 + 1 }
    }
}

const fn is_leap(year: u16) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

const fn days_in_year(year: u16) -> u64 {
    if is_leap(year) { 366 } else { 365 }
}

const fn days_in_month(year: u16, month: u8) -> u64 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if is_leap(year) => 29,
        2 => 28,
        _ => 31,
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_counted_over_leap_years() {
        // From `date -u -d @SECONDS +%F`.
        for (days, text) in [
            (0, "1970-01-01"),
            (11_016, "2000-02-29"),
            (11_017, "2000-03-01"),
            (20_779, "2026-11-22"),
            (47_540, "2100-02-28"),
            (47_541, "2100-03-01"),
        ] {
            assert_eq!(Date::from_days(days).to_string(), text);
        }
    }
}
