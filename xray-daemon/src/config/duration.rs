//! Durations as Go writes them: `20s`, `1m30s`, `6h`, `250ms`.
//!
//! In: text. Out: a duration. Owns nothing.

use std::time::Duration;

/// What an option of this kind takes.
pub(super) const RULE: &str = "it takes a duration such as 250ms, 20s, 1m30s or 6h";

/// Reads a duration as Go writes it: `250ms`, `20s`, `1m30s`, `6h`; `0` needs no unit.
pub fn parse(text: &str) -> Option<Duration> {
    if text == "0" {
        return Some(Duration::ZERO);
    }
    let mut rest = text;
    let mut total = Duration::ZERO;
    loop {
        let number_len = rest.find(|letter: char| !letter.is_ascii_digit() && letter != '.')?;
        let (number, unit_on) = rest.split_at_checked(number_len)?;
        let unit_len = unit_on
            .find(|letter: char| letter.is_ascii_digit() || letter == '.')
            .unwrap_or(unit_on.len());
        let (unit, next) = unit_on.split_at_checked(unit_len)?;
        let seconds = number.parse::<f64>().ok()? * unit_s(unit)?;
        total = total.checked_add(Duration::try_from_secs_f64(seconds).ok()?)?;
        if next.is_empty() {
            return Some(total);
        }
        rest = next;
    }
}

fn unit_s(unit: &str) -> Option<f64> {
    Some(match unit {
        "ms" => 0.001,
        "s" => 1.0,
        "m" => 60.0,
        "h" => 3600.0,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_go_reads_them() {
        for (text, millis) in [
            ("0", 0),
            ("0s", 0),
            ("250ms", 250),
            ("20s", 20_000),
            ("1.5s", 1500),
            ("1m30s", 90_000),
            ("6h", 21_600_000),
            ("1h2m3s4ms", 3_723_004),
        ] {
            assert_eq!(parse(text), Some(Duration::from_millis(millis)), "{text}");
        }
    }

    #[test]
    fn what_is_no_duration_is_refused() {
        for text in
            ["", "5", "s", "5 s", "-1s", "5x", "5s5", "1.2.3s", "99999999999999999999h", "é"]
        {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
