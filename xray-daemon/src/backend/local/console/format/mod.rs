//! How values become text: numbers, durations, clocks, ids.
//!
//! Every page says a value the same way, with its unit, in the reader's language.

mod axis;
mod number;
mod time;

pub(crate) use axis::axis;
pub(crate) use number::{NBSP, bytes, count, decimal, percent, percent_whole, rate, share, signed};
pub(crate) use time::{
    Zone, age, change, clock, clock_ms, date_time, duration, duration_parts, field_time, iso,
    long_span, offset, parse_field_time, range_ms,
};
