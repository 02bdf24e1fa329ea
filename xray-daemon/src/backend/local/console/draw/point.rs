//! Coordinates as text.

/// A coordinate with one decimal at most: `12`, `0.5`, `-3.1`. What is not a number is 0, so that
/// no drawing breaks.
pub(crate) fn px(value: f64) -> String {
    if !value.is_finite() {
        return "0".to_owned();
    }
    let text = format!("{value:.1}");
    let text = text.strip_suffix(".0").unwrap_or(&text);
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}

/// A share of 1 as percent with two decimals at most, for attributes: `62.81%`.
pub(crate) fn pct(share: f64) -> String {
    let share = if share.is_finite() { share.clamp(0.0, 1.0) } else { 0.0 };
    let text = format!("{:.2}", share * 100.0);
    let text = text.trim_end_matches('0').trim_end_matches('.');
    format!("{text}%")
}

#[cfg(test)]
mod tests {
    use super::{pct, px};

    #[test]
    fn shares_stay_within_the_drawing() {
        let texts = [0.0, 0.62812, 0.1, 1.0, 7.0, -1.0, f64::NAN].map(pct);
        assert_eq!(texts, ["0%", "62.81%", "10%", "100%", "100%", "0%", "0%"]);
    }

    #[test]
    fn coordinates_have_one_decimal_at_most() {
        let texts = [12.0, 0.5, -3.12, 0.04, -0.04, f64::NAN, f64::INFINITY].map(px);
        assert_eq!(texts, ["12", "0.5", "-3.1", "0", "0", "0", "0"]);
    }
}
