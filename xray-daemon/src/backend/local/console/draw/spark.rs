//! A line of recent values, with the area below it.

use std::fmt::Write;

use super::point::px;

/// Data of two `<path>` elements.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Spark {
    pub(crate) line: String,
    pub(crate) area: String,
}

impl Spark {
    /// `values` from left to right over the whole width, scaled from 0 to their maximum. Fewer
    /// than two values draw nothing.
    pub(crate) fn new(values: &[f64], width: f64, height: f64) -> Self {
        if values.len() < 2 {
            return Self::default();
        }
        let highest = values.iter().copied().fold(0.0, f64::max);
        // Room for the stroke at the top.
        let scale = if highest > 0.0 { (height - 3.0) / highest } else { 0.0 };
        let step = width / (values.len() - 1) as f64;
        let mut line = String::with_capacity(values.len() * 12);
        for (i, value) in values.iter().enumerate() {
            let command = if i == 0 { 'M' } else { 'L' };
            let (x, y) = (px(i as f64 * step), px(height - value * scale));
            // Writing to a String cannot fail.
            write!(line, "{command}{x} {y}").unwrap_or_default();
        }
        let area = format!("{line}L{} {}L0 {}z", px(width), px(height), px(height));
        Self { line, area }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_highest_value_touches_the_top_and_zero_the_base() {
        let spark = Spark::new(&[0.0, 10.0, 5.0], 20.0, 43.0);
        assert_eq!(spark.line, "M0 43L10 3L20 23");
        assert_eq!(spark.area, "M0 43L10 3L20 23L20 43L0 43z");
    }

    #[test]
    fn too_few_or_only_zero_values_draw_no_noise() {
        assert_eq!(Spark::new(&[4.0], 20.0, 40.0), Spark::default());
        assert_eq!(Spark::new(&[0.0, 0.0], 20.0, 40.0).line, "M0 40L20 40");
    }
}
