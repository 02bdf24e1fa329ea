//! Durations, ages, clocks and dates.
//!
//! In: seconds (of duration, or since 1970). Out: text in the reader's language and time zone.
//! Owns nothing and reads no clock. The zone is the browser's, as a cookie tells it; without one
//! times are UTC.

use std::fmt;

use super::number::{NBSP, decimal};
use crate::backend::local::console::text::Lang;

/// Minutes east of UTC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Zone {
    east_min: i32,
}

impl Zone {
    /// From minutes east of UTC; `None` beyond what the world uses (±18 h).
    pub(crate) fn east_of_utc(east_min: i32) -> Option<Self> {
        (east_min.abs() <= 18 * 60).then_some(Self { east_min })
    }

    /// Minutes east of UTC.
    pub(crate) fn east_min(self) -> i32 {
        self.east_min
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (hours, minutes) = (self.east_min.abs() / 60, self.east_min.abs() % 60);
        match (self.east_min.signum(), minutes) {
            (0, _) => f.write_str("UTC"),
            (1, 0) => write!(f, "UTC+{hours}"),
            (1, _) => write!(f, "UTC+{hours}:{minutes:02}"),
            (_, 0) => write!(f, "UTC−{hours}"),
            (_, _) => write!(f, "UTC−{hours}:{minutes:02}"),
        }
    }
}

/// How long something took: `0.4 ms`, `9 ms`, `402 ms`, `1.25 s`, `12.3 s`, `2 min 5 s`.
pub(crate) fn duration(lang: Lang, seconds: f64) -> String {
    let (value, unit) = duration_parts(lang, seconds);
    if unit.is_empty() { value } else { format!("{value}{NBSP}{unit}") }
}

/// A duration as value and unit, for figures that print the unit smaller. Above a minute the value
/// holds its units itself.
pub(crate) fn duration_parts(lang: Lang, seconds: f64) -> (String, &'static str) {
    if !seconds.is_finite() {
        return ("–".to_owned(), "");
    }
    let sign = if seconds < 0.0 { "−" } else { "" };
    let ms = (seconds * 1000.0).abs();
    let (value, unit) = match ms {
        ms if ms < 0.095 => (decimal(lang, ms, 2), "ms"),
        ms if ms < 9.95 => (decimal(lang, ms, 1), "ms"),
        ms if ms < 999.5 => (decimal(lang, ms, 0), "ms"),
        ms if ms < 9_995.0 => (decimal(lang, ms / 1000.0, 2), "s"),
        ms if ms < 59_950.0 => (decimal(lang, ms / 1000.0, 1), "s"),
        ms => (long_span((ms / 1000.0).round() as u64), ""),
    };
    (format!("{sign}{value}"), unit)
}

/// A span of whole seconds in its two largest units: `14 s`, `3 min 20 s`, `3 h 12 min`, `2 d 4 h`.
pub(crate) fn long_span(seconds: u64) -> String {
    let parts = match seconds {
        0..60 => [(seconds, "s"), (0, "")],
        60..3_600 => [(seconds / 60, "min"), (seconds % 60, "s")],
        3_600..86_400 => [(seconds / 3_600, "h"), (seconds % 3_600 / 60, "min")],
        _ => [(seconds / 86_400, "d"), (seconds % 86_400 / 3_600, "h")],
    };
    match parts {
        [(first, unit), (0, _)] => format!("{first}{NBSP}{unit}"),
        [(first, unit), (second, smaller)] => {
            format!("{first}{NBSP}{unit}{NBSP}{second}{NBSP}{smaller}")
        }
    }
}

/// How long ago, in one unit: `0 s`, `48 s`, `3 min`, `5 h`, `2 d`.
pub(crate) fn age(seconds: f64) -> String {
    let seconds = seconds.max(0.0) as u64;
    let (value, unit) = match seconds {
        0..60 => (seconds, "s"),
        60..3_600 => (seconds / 60, "min"),
        3_600..86_400 => (seconds / 3_600, "h"),
        _ => (seconds / 86_400, "d"),
    };
    format!("{value}{NBSP}{unit}")
}

/// A change of a duration, with its sign: `+29 ms`, `−2 ms`, `0 ms`.
pub(crate) fn change(lang: Lang, seconds: f64) -> String {
    let text = duration(lang, seconds);
    let is_something = text.contains(|c: char| ('1'..='9').contains(&c));
    if seconds > 0.0 && is_something { format!("+{text}") } else { text }
}

/// A range of response times: `120 – 186 ms`, `0.9 – 1.4 s`.
pub(crate) fn range_ms(lang: Lang, from_s: f64, to_s: f64) -> String {
    let (low, low_unit) = duration_parts(lang, from_s);
    let (high, high_unit) = duration_parts(lang, to_s);
    let same = low_unit == high_unit || from_s == 0.0;
    let unit = |unit: &str| if unit.is_empty() { String::new() } else { format!("{NBSP}{unit}") };
    if same {
        format!("{low} – {high}{}", unit(high_unit))
    } else {
        format!("{low}{} – {high}{}", unit(low_unit), unit(high_unit))
    }
}

/// Time of day: `10:19:42`.
pub(crate) fn clock(epoch_s: f64, zone: Zone) -> String {
    let local = Local::of(epoch_s, zone);
    format!("{:02}:{:02}:{:02}", local.hour, local.minute, local.second)
}

/// Time of day with milliseconds: `10:19:42.318`, in Spanish `10:19:42,318`.
pub(crate) fn clock_ms(lang: Lang, epoch_s: f64, zone: Zone) -> String {
    let local = Local::of(epoch_s, zone);
    let point = match lang {
        Lang::En => '.',
        Lang::Es => ',',
    };
    format!(
        "{:02}:{:02}:{:02}{point}{:03}",
        local.hour, local.minute, local.second, local.millisecond
    )
}

/// Date and time: `24 Nov 2026, 10:19:42.318`.
pub(crate) fn date_time(lang: Lang, epoch_s: f64, zone: Zone) -> String {
    let year = Local::of(epoch_s, zone).year;
    format!("{} {year}, {}", day_month(lang, epoch_s, zone), clock_ms(lang, epoch_s, zone))
}

/// Day and month: `24 Nov`.
pub(crate) fn day_month(lang: Lang, epoch_s: f64, zone: Zone) -> String {
    let local = Local::of(epoch_s, zone);
    let months = match lang {
        Lang::En => "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec",
        Lang::Es => "ene feb mar abr may jun jul ago sept oct nov dic",
    };
    let month = months.split(' ').nth(local.month as usize - 1).unwrap_or("?");
    format!("{} {month}", local.day)
}

/// For the `datetime` attribute: `2026-11-24T10:19:42.318Z`.
pub(crate) fn iso(epoch_s: f64) -> String {
    let utc = Local::of(epoch_s, Zone::default());
    format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z",
        utc.year, utc.month, utc.day, utc.hour, utc.minute, utc.second, utc.millisecond
    )
}

/// For a `datetime-local` field: `2026-11-24T10:19`.
pub(crate) fn field_time(epoch_s: f64, zone: Zone) -> String {
    let local = Local::of(epoch_s, zone);
    format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}",
        local.year, local.month, local.day, local.hour, local.minute
    )
}

/// Reads what a `datetime-local` field sends, seconds being optional; `None` if it is not that.
pub(crate) fn parse_field_time(text: &str, zone: Zone) -> Option<f64> {
    let (date, time) = text.split_once('T')?;
    let mut date = date.splitn(3, '-').map(str::parse::<i64>);
    let mut time = time.splitn(3, ':').map(str::parse::<i64>);
    let (year, month, day) = (date.next()?.ok()?, date.next()?.ok()?, date.next()?.ok()?);
    let (hour, minute) = (time.next()?.ok()?, time.next()?.ok()?);
    let second = time.next().transpose().ok()?.unwrap_or(0);
    let valid = (1970..10_000).contains(&year)
        && (1..=12).contains(&month)
        && (1..=31).contains(&day)
        && (0..24).contains(&hour)
        && (0..60).contains(&minute)
        && (0..60).contains(&second);
    let seconds = days_from_civil(year, month, day) * 86_400 + hour * 3_600 + minute * 60 + second;
    valid.then_some((seconds - i64::from(zone.east_min) * 60) as f64)
}

/// Offset from the start of a trace: `+238 ms`.
pub(crate) fn offset(lang: Lang, seconds: f64) -> String {
    format!("+{}", duration(lang, seconds.max(0.0)))
}

/// A moment taken apart, in some zone.
struct Local {
    year: i64,
    month: i64,
    day: i64,
    hour: i64,
    minute: i64,
    second: i64,
    millisecond: i64,
}

impl Local {
    fn of(epoch_s: f64, zone: Zone) -> Self {
        // Beyond the year 9999 (or NaN) nothing is worth printing: clamp, so that no sum overflows.
        let epoch_s = if epoch_s.is_finite() { epoch_s.clamp(0.0, 253_402_300_799.0) } else { 0.0 };
        let epoch_ms = (epoch_s * 1000.0).round() as i64 + i64::from(zone.east_min) * 60_000;
        let (days, of_day_ms) = (epoch_ms.div_euclid(86_400_000), epoch_ms.rem_euclid(86_400_000));
        let (year, month, day) = civil_from_days(days);
        Self {
            year,
            month,
            day,
            hour: of_day_ms / 3_600_000,
            minute: of_day_ms / 60_000 % 60,
            second: of_day_ms / 1_000 % 60,
            millisecond: of_day_ms % 1_000,
        }
    }
}

/// Days since 1970-01-01 to year, month, day in the Gregorian calendar. Years are counted from
/// March, so that the leap day comes last; an era is 400 years of 146,097 days.
fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let since_era_zero = days + 719_468;
    let era = since_era_zero.div_euclid(146_097);
    let of_era = since_era_zero.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
    (era * 400 + year_of_era + i64::from(month <= 2), month, day)
}

/// The inverse of [`civil_from_days`].
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let march_month = (month + 9) % 12;
    let of_year = (153 * march_month + 2) / 5 + day - 1;
    let of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + of_year;
    era * 146_097 + of_era - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 24 Nov 2026, 10:19:42.318 UTC.
    const MOMENT: f64 = 1_795_515_582.318;

    fn spaced(text: String) -> String {
        text.replace(NBSP, " ")
    }

    #[test]
    fn durations_keep_three_digits_at_most() {
        let cases = [
            (0.0, "0 ms"),
            (0.000_004, "0 ms"),
            (0.000_04, "0.04 ms"),
            (0.000_4, "0.4 ms"),
            (0.001_8, "1.8 ms"),
            (0.009, "9 ms"),
            (0.009_96, "10 ms"),
            (0.402, "402 ms"),
            (0.999_6, "1 s"),
            (1.25, "1.25 s"),
            (12.34, "12.3 s"),
            (59.96, "1 min"),
            (125.0, "2 min 5 s"),
            (11_520.0, "3 h 12 min"),
            (-0.002, "−2 ms"),
        ];
        for (seconds, text) in cases {
            assert_eq!(spaced(duration(Lang::En, seconds)), text, "{seconds}");
        }
        assert_eq!(spaced(duration(Lang::Es, 1.25)), "1,25 s");
        assert_eq!(duration(Lang::En, f64::INFINITY), "–");
    }

    #[test]
    fn ages_have_one_unit() {
        let texts = [-1.0, 0.4, 48.9, 60.0, 3_599.0, 7_200.0, 200_000.0].map(|s| spaced(age(s)));
        assert_eq!(texts, ["0 s", "0 s", "48 s", "1 min", "59 min", "2 h", "2 d"]);
    }

    #[test]
    fn a_change_shows_its_sign_unless_it_rounds_to_nothing() {
        let texts = [0.029, -0.002, 0.0, 0.000_001, 0.000_4]
            .map(|seconds| spaced(change(Lang::En, seconds)));
        assert_eq!(texts, ["+29 ms", "−2 ms", "0 ms", "0 ms", "+0.4 ms"]);
        assert_eq!(spaced(change(Lang::Es, 0.000_4)), "+0,4 ms");
    }

    #[test]
    fn a_range_names_its_unit_once_if_it_can() {
        assert_eq!(spaced(range_ms(Lang::En, 0.12, 0.186)), "120 – 186 ms");
        assert_eq!(spaced(range_ms(Lang::En, 0.0, 1.5)), "0 – 1.5 s");
        assert_eq!(spaced(range_ms(Lang::En, 0.9, 1.5)), "900 ms – 1.5 s");
        assert_eq!(spaced(range_ms(Lang::Es, 1.25, 1.5)), "1,25 – 1,5 s");
    }

    #[test]
    fn clocks_and_dates_follow_language_and_zone() {
        let bogota = Zone::east_of_utc(-300).unwrap();
        assert_eq!(clock(MOMENT, Zone::default()), "10:19:42");
        assert_eq!(clock_ms(Lang::En, MOMENT, bogota), "05:19:42.318");
        assert_eq!(clock_ms(Lang::Es, MOMENT, bogota), "05:19:42,318");
        assert_eq!(date_time(Lang::En, MOMENT, Zone::default()), "24 Nov 2026, 10:19:42.318");
        assert_eq!(date_time(Lang::Es, MOMENT, Zone::default()), "24 nov 2026, 10:19:42,318");
        assert_eq!(iso(MOMENT), "2026-11-24T10:19:42.318Z");
    }

    #[test]
    fn a_nonsense_moment_is_still_printed() {
        assert_eq!(iso(f64::NAN), "1970-01-01T00:00:00.000Z");
        assert_eq!(iso(-5.0), "1970-01-01T00:00:00.000Z");
        assert_eq!(iso(1e300), "9999-12-31T23:59:59.000Z");
    }

    #[test]
    fn field_times_go_out_and_come_back_in_the_readers_zone() {
        let madrid = Zone::east_of_utc(60).unwrap();
        assert_eq!(field_time(MOMENT, madrid), "2026-11-24T11:19");
        assert_eq!(parse_field_time("2026-11-24T11:19:42", madrid), Some(1_795_515_582.0));
        assert_eq!(parse_field_time("2026-11-24T11:19", madrid), Some(1_795_515_540.0));
        assert_eq!(parse_field_time("2024-02-29T00:00", Zone::default()), Some(1_709_164_800.0));
        for bad in ["", "2026-11-24", "2026-13-01T00:00", "2026-11-24T24:00", "aT1", "1-1-1T0:0"] {
            assert_eq!(parse_field_time(bad, madrid), None, "{bad}");
        }
    }

    #[test]
    fn zones_print_as_offset_from_utc() {
        let texts = [0, 120, 330, -300, -210].map(|m| Zone::east_of_utc(m).unwrap().to_string());
        assert_eq!(texts, ["UTC", "UTC+2", "UTC+5:30", "UTC−5", "UTC−3:30"]);
        assert_eq!(Zone::east_of_utc(5_000), None);
    }
}
