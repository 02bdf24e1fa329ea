//! Reads the small notations of the command line.

use std::time::Duration;

/// `500ms`, `10s`, `5m`, `1h`; at most a day.
pub(crate) fn duration(text: &str) -> Option<Duration> {
    const MAX: Duration = Duration::from_secs(24 * 3_600);
    let split = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = text.split_at_checked(split)?;
    let number: u64 = number.parse().ok()?;
    let duration = match unit {
        "ms" => Duration::from_millis(number),
        "s" => Duration::from_secs(number),
        "m" => Duration::from_secs(number.checked_mul(60)?),
        "h" => Duration::from_secs(number.checked_mul(3_600)?),
        _ => return None,
    };
    (duration <= MAX).then_some(duration)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_has_a_number_and_a_unit() {
        assert_eq!(duration("500ms"), Some(Duration::from_millis(500)));
        assert_eq!(duration("10s"), Some(Duration::from_secs(10)));
        assert_eq!(duration("24h"), Some(Duration::from_secs(86_400)));
        for bad in ["", "10", "s", "-1s", "1.5s", "25h", "1d", "99999999999999999999s"] {
            assert_eq!(duration(bad), None, "{bad:?}");
        }
    }
}
