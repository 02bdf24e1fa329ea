//! Labels along an axis of time.

use super::time::{Zone, clock, day_month};
use crate::backend::local::console::text::Lang;
use crate::backend::local::store::Window;

/// Labels at equal distances over `window`, the first at its start and the last at its end. Days
/// where it is long, seconds only at the end or where it is short.
pub(crate) fn axis(lang: Lang, window: Window, zone: Zone, parts: u32) -> Vec<String> {
    let length_s = window.end_s - window.start_s;
    let minutes = |moment_s: f64| {
        let mut text = clock(moment_s, zone);
        text.truncate(5);
        text
    };
    (0..=parts)
        .map(|part| {
            let moment_s = window.start_s + length_s * f64::from(part) / f64::from(parts);
            match length_s {
                length_s if length_s > 2.0 * 86_400.0 => day_month(lang, moment_s, zone),
                length_s if length_s < 600.0 || part == parts => clock(moment_s, zone),
                _ => minutes(moment_s),
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(length_s: f64) -> Vec<String> {
        // Ends on 24 Nov 2026, 10:19:45 UTC.
        let end_s = 1_795_515_585.0;
        axis(Lang::En, Window { start_s: end_s - length_s, end_s }, Zone::default(), 3)
    }

    #[test]
    fn the_longer_the_window_the_coarser_the_labels() {
        assert_eq!(labels(300.0), ["10:14:45", "10:16:25", "10:18:05", "10:19:45"]);
        assert_eq!(labels(900.0), ["10:04", "10:09", "10:14", "10:19:45"]);
        assert_eq!(labels(9.0 * 86_400.0), ["15 Nov", "18 Nov", "21 Nov", "24 Nov"]);
    }
}
