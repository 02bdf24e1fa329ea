//! Traffic in time: one column a slice, trouble on the base line so that its heights compare.

use super::point::px;
use super::ring::Shares;

/// Least height of a part that is not empty, in user units.
const LEAST_HEIGHT: f64 = 2.0;
/// Left free between columns.
const GAP: f64 = 2.0;

/// A slice of time with what happened in it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Slice {
    /// Where it begins, epoch seconds.
    pub(crate) start_s: f64,
    /// Requests by status.
    pub(crate) shares: Shares,
}

/// One rectangle of the plot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Column {
    /// Class of a status.
    pub(crate) class: &'static str,
    pub(crate) x: String,
    pub(crate) y: String,
    pub(crate) width: String,
    pub(crate) height: String,
}

/// Size of the drawing in user units.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ColumnPlot {
    pub(crate) width: f64,
    pub(crate) height: f64,
}

/// The rectangles of all slices, from the base line up: fault, throttle, error, ok.
pub(crate) fn columns(slices: &[Slice], plot: ColumnPlot) -> Vec<Column> {
    let highest = slices.iter().map(|slice| slice.shares.total()).max().unwrap_or(0);
    if highest == 0 {
        return Vec::new();
    }
    let step = plot.width / slices.len() as f64;
    let width = px((step - GAP).max(step * 0.6));
    let mut columns = Vec::with_capacity(slices.len() * 2);
    for (i, slice) in slices.iter().enumerate() {
        let x = px(i as f64 * step + GAP / 2.0);
        let mut base = plot.height;
        let Shares { ok, error, fault, throttle } = slice.shares;
        for (class, count) in
            [("fault", fault), ("throttle", throttle), ("error", error), ("ok", ok)]
        {
            if count == 0 {
                continue;
            }
            let height = (count as f64 / highest as f64 * plot.height).max(LEAST_HEIGHT);
            let height = height.min(base);
            base -= height;
            columns.push(Column {
                class,
                x: x.clone(),
                y: px(base),
                width: width.clone(),
                height: px(height),
            });
        }
    }
    columns
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slice(ok: u64, fault: u64) -> Slice {
        Slice { start_s: 0.0, shares: Shares { ok, fault, ..Shares::default() } }
    }

    #[test]
    fn the_highest_slice_fills_the_plot_and_trouble_stands_on_the_base_line() {
        let drawn = columns(&[slice(10, 0), slice(3, 1)], ColumnPlot { width: 40.0, height: 50.0 });
        let flat: Vec<_> = drawn
            .iter()
            .map(|c| (c.class, c.x.as_str(), c.y.as_str(), c.height.as_str()))
            .collect();
        assert_eq!(
            flat,
            [("ok", "1", "0", "50"), ("fault", "21", "45", "5"), ("ok", "21", "30", "15")]
        );
        assert_eq!(drawn[0].width, "18");
    }

    #[test]
    fn one_fault_among_thousands_is_seen() {
        let drawn = columns(&[slice(5_000, 1)], ColumnPlot { width: 10.0, height: 50.0 });
        assert_eq!((drawn[0].class, drawn[0].height.as_str()), ("fault", "2"));
        assert_eq!((drawn[1].class, drawn[1].y.as_str()), ("ok", "0"));
    }

    #[test]
    fn nothing_counted_draws_nothing() {
        assert_eq!(columns(&[slice(0, 0)], ColumnPlot { width: 10.0, height: 50.0 }), []);
        assert_eq!(columns(&[], ColumnPlot { width: 10.0, height: 50.0 }), []);
    }
}
