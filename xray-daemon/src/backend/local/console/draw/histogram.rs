//! A histogram of response times with its axis, percentiles and chosen range.
//!
//! In: values with counts, as the service graph has them. Out: bins of equal width on an axis of
//! round numbers. Owns nothing.

use super::point::px;
use crate::backend::local::console::format;
use crate::backend::local::console::text::Lang;

/// Bins over the whole axis.
const BINS: usize = 40;
/// Least height of a bin that is not empty.
const LEAST_HEIGHT: f64 = 1.5;

/// Response times with how often each occurred, ascending; and what follows from them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Histogram {
    values: Vec<(f64, u64)>,
    total: u64,
}

/// Size of the drawing in user units; the bins stand in the `height` below `top`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plot {
    pub(crate) width: f64,
    pub(crate) top: f64,
    pub(crate) height: f64,
}

/// One bar.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Bin {
    pub(crate) x: String,
    pub(crate) y: String,
    pub(crate) width: String,
    pub(crate) height: String,
    /// Its middle lies in the chosen range.
    pub(crate) chosen: bool,
}

/// A percentile on the axis.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mark {
    pub(crate) name: &'static str,
    pub(crate) x: String,
    /// Where its name stands.
    pub(crate) text_x: String,
}

/// A number on the axis.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Tick {
    pub(crate) x: String,
    pub(crate) label: String,
}

impl Histogram {
    /// From values in any order; what is not a time is left out.
    pub(crate) fn new(values: impl IntoIterator<Item = (f64, u64)>) -> Self {
        let mut values: Vec<_> = values
            .into_iter()
            .filter(|(seconds, count)| seconds.is_finite() && *seconds >= 0.0 && *count > 0)
            .collect();
        values.sort_by(|a, b| a.0.total_cmp(&b.0));
        let total = values.iter().map(|(_, count)| count).sum();
        Self { values, total }
    }

    /// How many times.
    pub(crate) fn total(&self) -> u64 {
        self.total
    }

    /// The value that `share` of all do not exceed; `None` if there is none.
    pub(crate) fn percentile_s(&self, share: f64) -> Option<f64> {
        let rank = ((self.total as f64 * share).ceil() as u64).max(1);
        let mut seen = 0;
        self.values.iter().find_map(|(seconds, count)| {
            seen += count;
            (seen >= rank).then_some(*seconds)
        })
    }

    /// How many lie in the range, both ends included.
    pub(crate) fn between(&self, from_s: f64, to_s: f64) -> u64 {
        let inside = |(seconds, _): &&(f64, u64)| (from_s..=to_s).contains(seconds);
        self.values.iter().filter(inside).map(|(_, count)| count).sum()
    }

    /// Where the axis ends: the next round number above nearly all values. The slowest hundredth
    /// may lie beyond it; then it is counted in the last bin.
    pub(crate) fn axis_end_s(&self) -> f64 {
        let p99 = self.percentile_s(0.99).unwrap_or(0.0);
        let slowest = self.values.last().map_or(0.0, |(seconds, _)| *seconds);
        round_up((p99 * 1.25).min(slowest).max(p99))
    }

    /// The bars.
    pub(crate) fn bins(&self, plot: Plot, chosen_s: Option<(f64, f64)>) -> Vec<Bin> {
        let end_s = self.axis_end_s();
        let mut counts = [0_u64; BINS];
        for (seconds, count) in &self.values {
            // What lies on the edge of two bins belongs to the upper one, whatever the last bit.
            let bin = (seconds / end_s * BINS as f64 + 1e-9) as usize;
            counts[bin.min(BINS - 1)] += count;
        }
        let highest = counts.iter().copied().max().unwrap_or(0).max(1) as f64;
        let step = plot.width / BINS as f64;
        let bars = counts.iter().enumerate().filter(|(_, count)| **count > 0);
        bars.map(|(i, count)| {
            let height = (*count as f64 / highest * plot.height).max(LEAST_HEIGHT);
            let middle_s = (i as f64 + 0.5) / BINS as f64 * end_s;
            Bin {
                x: px(i as f64 * step + 0.75),
                y: px(plot.top + plot.height - height),
                width: px(step - 1.5),
                height: px(height),
                chosen: chosen_s.is_some_and(|(from, to)| (from..=to).contains(&middle_s)),
            }
        })
        .collect()
    }

    /// p50, p90 and p99, left out where two would overlap.
    pub(crate) fn marks(&self, plot: Plot) -> Vec<Mark> {
        let end_s = self.axis_end_s();
        let mut marks = Vec::with_capacity(3);
        let mut free_from = 0.0;
        for (name, share) in [("p50", 0.5), ("p90", 0.9), ("p99", 0.99)] {
            let Some(seconds) = self.percentile_s(share) else { continue };
            let x = (seconds / end_s * plot.width).min(plot.width);
            let text_x = (x + 2.6).min(plot.width - 18.0);
            if text_x >= free_from {
                marks.push(Mark { name, x: px(x), text_x: px(text_x) });
                free_from = text_x + 22.0;
            }
        }
        marks
    }

    /// Five numbers along the axis, the last with the unit of all.
    pub(crate) fn ticks(&self, lang: Lang, plot: Plot, parts: usize) -> Vec<Tick> {
        let end_s = self.axis_end_s();
        let (scale, unit) = if end_s < 2.0 { (1000.0, "ms") } else { (1.0, "s") };
        (0..=parts)
            .map(|i| {
                let at = i as f64 / parts as f64;
                let mut label = format::decimal(lang, end_s * at * scale, 3);
                if i == parts {
                    label = format!("{label}{}{unit}", format::NBSP);
                }
                Tick { x: px(at * plot.width), label }
            })
            .collect()
    }
}

/// The next of 1, 1.2, 1.6, 2, 2.4, 3.2, 4, 6, 8 times a power of ten, so that quarters are round.
fn round_up(seconds: f64) -> f64 {
    const STEPS: [f64; 10] = [1.0, 1.2, 1.6, 2.0, 2.4, 3.2, 4.0, 6.0, 8.0, 10.0];
    if seconds <= 0.0 {
        return 0.001;
    }
    let power = 10_f64.powf(seconds.log10().floor());
    let step = STEPS.into_iter().find(|step| step * power >= seconds * 0.999_999);
    // To the nanosecond: what is finer is noise of doubles, and would be printed.
    (step.unwrap_or(10.0) * power * 1e9).round() / 1e9
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLOT: Plot = Plot { width: 320.0, top: 12.0, height: 88.0 };

    /// 90 requests of 20 ms, 9 of 150 ms, 1 of 200 ms.
    fn sample() -> Histogram {
        Histogram::new([(0.15, 9), (0.02, 90), (0.2, 1), (f64::NAN, 5)])
    }

    #[test]
    fn percentiles_are_values_that_occurred() {
        let sample = sample();
        assert_eq!(sample.total(), 100);
        let found = [0.0, 0.5, 0.9, 0.91, 0.99, 1.0].map(|share| sample.percentile_s(share));
        assert_eq!(found, [0.02, 0.02, 0.02, 0.15, 0.15, 0.2].map(Some));
        assert_eq!(Histogram::default().percentile_s(0.5), None);
    }

    #[test]
    fn the_axis_ends_at_a_round_number_above_the_p99() {
        assert_eq!(sample().axis_end_s(), 0.2);
        assert_eq!(Histogram::new([(0.206, 100)]).axis_end_s(), 0.24);
        assert_eq!(Histogram::new([(3.0, 1)]).axis_end_s(), 3.2);
        assert_eq!(Histogram::new([(0.0, 1)]).axis_end_s(), 0.001);
        assert_eq!(Histogram::default().axis_end_s(), 0.001);
    }

    #[test]
    fn bins_count_every_value_and_know_the_chosen_range() {
        let bins = sample().bins(PLOT, Some((0.1, 0.21)));
        let flat: Vec<_> =
            bins.iter().map(|b| (b.x.as_str(), b.height.as_str(), b.chosen)).collect();
        assert_eq!(flat, [("32.8", "88", false), ("240.8", "8.8", true), ("312.8", "1.5", true)]);
        assert_eq!(sample().between(0.1, 0.2), 10);
    }

    #[test]
    fn ticks_carry_the_unit_once_and_marks_do_not_overlap() {
        let ticks = sample().ticks(Lang::En, PLOT, 4);
        let labels: Vec<_> = ticks.iter().map(|tick| tick.label.as_str()).collect();
        assert_eq!(labels, ["0", "50", "100", "150", "200\u{a0}ms"]);
        let names: Vec<_> = sample().marks(PLOT).iter().map(|mark| mark.name).collect();
        assert_eq!(names, ["p50", "p99"]);
    }

    #[test]
    fn long_requests_are_told_in_seconds() {
        let slow = Histogram::new([(12.0, 3)]);
        let labels: Vec<_> =
            slow.ticks(Lang::Es, PLOT, 4).into_iter().map(|tick| tick.label).collect();
        assert_eq!(labels, ["0", "3", "6", "9", "12\u{a0}s"]);
    }
}
