//! Numbers as people read them: counts, shares, rates, sizes.
//!
//! In: numbers. Out: text with its unit, in the reader's language. Owns nothing. English writes
//! `1,284,761` and `6.1%`, Spanish `1.284.761` and `6,1 %` (four digits stay together there).

use crate::backend::local::console::text::Lang;

/// Keeps a number and its unit on one line.
pub(crate) const NBSP: char = '\u{a0}';

/// `1284761` → `1,284,761`.
pub(crate) fn count(lang: Lang, n: u64) -> String {
    let digits = n.to_string();
    let (separator, shortest) = match lang {
        Lang::En => (',', 4),
        Lang::Es => ('.', 5),
    };
    if digits.len() < shortest {
        return digits;
    }
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            grouped.push(separator);
        }
        grouped.push(digit);
    }
    grouped
}

/// A count that may be negative.
pub(crate) fn signed(lang: Lang, n: i64) -> String {
    let sign = if n < 0 { "−" } else { "" };
    format!("{sign}{}", count(lang, n.unsigned_abs()))
}

/// A number with at most `decimals` decimals; zeros at the end go.
pub(crate) fn decimal(lang: Lang, value: f64, decimals: usize) -> String {
    let plain = format!("{value:.decimals$}");
    let (whole, fraction) = match plain.split_once('.') {
        Some((whole, fraction)) => (whole, fraction.trim_end_matches('0')),
        None => (plain.as_str(), ""),
    };
    let (sign, digits) = match whole.strip_prefix('-') {
        Some(digits) => ("−", digits),
        None => ("", whole),
    };
    let grouped = digits.parse().map_or_else(|_| digits.to_owned(), |n| count(lang, n));
    let sign = if grouped == "0" && fraction.is_empty() { "" } else { sign };
    match (fraction, lang) {
        ("", _) => format!("{sign}{grouped}"),
        (_, Lang::En) => format!("{sign}{grouped}.{fraction}"),
        (_, Lang::Es) => format!("{sign}{grouped},{fraction}"),
    }
}

/// A share of 1 as percent with one decimal: `6.1%`, `50%`, `<0.1%`, `99.9%`.
///
/// Never says 0% or 100% of what is not exactly none or all.
pub(crate) fn percent(lang: Lang, share: f64) -> String {
    percent_to(lang, share, 1)
}

/// A share of 1 as percent without decimals, for what is an estimate: `74%`, `<1%`.
pub(crate) fn percent_whole(lang: Lang, share: f64) -> String {
    percent_to(lang, share, 0)
}

fn percent_to(lang: Lang, share: f64, decimals: i32) -> String {
    let sign = match lang {
        Lang::En => "%".to_owned(),
        Lang::Es => format!("{NBSP}%"),
    };
    let percent = share * 100.0;
    if !percent.is_finite() {
        return "–".to_owned();
    }
    let step = 10_f64.powi(-decimals);
    let less = if percent > 0.0 && percent < step / 2.0 { "<" } else { "" };
    let shown = match percent {
        p if !less.is_empty() => p.max(step),
        p if p < 100.0 => p.min(100.0 - step),
        p => p,
    };
    format!("{less}{}{sign}", decimal(lang, shown, decimals.unsigned_abs() as usize))
}

/// `part` of `whole` as percent; `–` where there is no part, as in a table of shares.
pub(crate) fn share(lang: Lang, part: u64, whole: u64) -> String {
    if part == 0 || whole == 0 {
        return "–".to_owned();
    }
    percent(lang, part as f64 / whole as f64)
}

/// A rate without its unit: one decimal below 10.
pub(crate) fn rate(lang: Lang, per_unit: f64) -> String {
    if per_unit > 0.0 && per_unit < 0.05 {
        return format!("<{}", decimal(lang, 0.1, 1));
    }
    decimal(lang, per_unit, if per_unit < 10.0 { 1 } else { 0 })
}

/// A size in bytes: `0 B`, `41 KB`, `1.3 MB`. A kilobyte is 1,024 bytes, as in the daemon's flags.
pub(crate) fn bytes(lang: Lang, bytes: u64) -> String {
    const UNITS: [&str; 5] = ["B", "KB", "MB", "GB", "TB"];
    let mut value = bytes as f64;
    let mut unit = 0;
    while value >= 1023.5 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    let decimals = if unit > 0 && value < 9.95 { 1 } else { 0 };
    format!("{}{NBSP}{}", decimal(lang, value, decimals), UNITS[unit])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_grouped_by_thousands() {
        let en = [0, 999, 1_000, 12_127, 1_284_761].map(|n| count(Lang::En, n));
        assert_eq!(en, ["0", "999", "1,000", "12,127", "1,284,761"]);
        let es = [0, 999, 1_000, 12_127, 1_284_761].map(|n| count(Lang::Es, n));
        assert_eq!(es, ["0", "999", "1000", "12.127", "1.284.761"]);
    }

    #[test]
    fn decimals_end_without_zeros_and_minus_is_a_minus_sign() {
        assert_eq!(decimal(Lang::En, 1.5, 2), "1.5");
        assert_eq!(decimal(Lang::En, 2.0, 2), "2");
        assert_eq!(decimal(Lang::Es, 1234.25, 2), "1234,25");
        assert_eq!(decimal(Lang::En, -2.0, 0), "−2");
        assert_eq!(decimal(Lang::En, -0.01, 1), "0");
    }

    #[test]
    fn percent_says_none_and_all_only_of_none_and_all() {
        let en = [0.0, 0.0003, 0.003, 0.061, 0.116, 0.74, 0.936, 0.99999, 1.0]
            .map(|share| percent(Lang::En, share));
        assert_eq!(en, ["0%", "<0.1%", "0.3%", "6.1%", "11.6%", "74%", "93.6%", "99.9%", "100%"]);
        let whole = [0.0, 0.003, 0.361, 0.999, 1.0].map(|share| percent_whole(Lang::En, share));
        assert_eq!(whole, ["0%", "<1%", "36%", "99%", "100%"]);
        assert_eq!(percent(Lang::Es, 0.061), "6,1\u{a0}%");
        assert_eq!(percent(Lang::En, f64::NAN), "–");
    }

    #[test]
    fn a_share_of_nothing_is_a_dash() {
        assert_eq!(share(Lang::En, 0, 3_178), "–");
        assert_eq!(share(Lang::En, 194, 3_178), "6.1%");
        assert_eq!(share(Lang::En, 1, 0), "–");
    }

    #[test]
    fn rates_have_a_decimal_below_ten() {
        assert_eq!(
            [0.0, 0.01, 1.42, 9.96, 212.4].map(|r| rate(Lang::En, r)),
            ["0", "<0.1", "1.4", "10", "212"]
        );
    }

    #[test]
    fn sizes_use_binary_units() {
        let en = [0, 12, 1_023, 1_024, 42_000, 1_363_149, 16 << 20, 3 << 40]
            .map(|n| bytes(Lang::En, n).replace(NBSP, " "));
        assert_eq!(en, ["0 B", "12 B", "1,023 B", "1 KB", "41 KB", "1.3 MB", "16 MB", "3 TB"]);
        assert_eq!(bytes(Lang::Es, 1_363_149), "1,3\u{a0}MB");
    }
}
