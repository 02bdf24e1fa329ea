//! Wall-clock seconds, in the two forms that the demo shows: a number and `HH:MM:SS`.

use std::time::{SystemTime, UNIX_EPOCH};

/// Seconds since 1970; 0 on a machine whose clock is set before it.
pub(crate) fn epoch_s() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// The time of day, UTC, that a page shows until its script puts the reader's own in place.
pub(crate) fn time_of_day(epoch_s: u64) -> String {
    let second_of_day = epoch_s % 86_400;
    let (hour, minute, second) =
        (second_of_day / 3_600, second_of_day / 60 % 60, second_of_day % 60);
    format!("{hour:02}:{minute:02}:{second:02}")
}

/// The whole moment, UTC, as `<time datetime>` wants it.
pub(crate) fn rfc3339(epoch_s: u64) -> String {
    let (year, month, day) = civil_date(epoch_s / 86_400);
    format!("{year:04}-{month:02}-{day:02}T{}Z", time_of_day(epoch_s))
}

/// Year, month and day of a day number since 1970 (Gregorian; counts years from 1 March, so that
/// the leap day comes last).
fn civil_date(days_since_1970: u64) -> (u64, u64, u64) {
    const DAYS_IN_400_YEARS: u64 = 146_097;
    const DAYS_FROM_0000_03_01_TO_1970: u64 = 719_468;
    let day = days_since_1970 + DAYS_FROM_0000_03_01_TO_1970;
    let era = day / DAYS_IN_400_YEARS;
    let day_of_era = day % DAYS_IN_400_YEARS;
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day_of_month = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    (year, month, day_of_month)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_written_in_both_forms() {
        assert_eq!(time_of_day(1_795_515_573), "10:19:33");
        assert_eq!(rfc3339(1_795_515_573), "2026-11-24T10:19:33Z");
    }

    #[test]
    fn leap_days_and_year_ends_are_right() {
        assert_eq!(rfc3339(0), "1970-01-01T00:00:00Z");
        assert_eq!(rfc3339(951_782_400), "2000-02-29T00:00:00Z");
        assert_eq!(rfc3339(1_735_689_599), "2024-12-31T23:59:59Z");
    }
}
