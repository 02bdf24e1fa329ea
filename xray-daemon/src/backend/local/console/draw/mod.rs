//! Geometry of the drawings: rings, columns, histograms, sparklines.
//!
//! In: numbers. Out: coordinates as text, ready for attributes of SVG elements; the elements
//! themselves stand in the templates, where escaping is on. Owns nothing.

mod columns;
mod histogram;
mod point;
mod ring;
mod spark;

pub(crate) use columns::{Column, ColumnPlot, Slice, columns};
pub(crate) use histogram::{Bin, Histogram, Mark, Plot, Tick};
pub(crate) use point::{pct, px};
pub(crate) use ring::{Arc, Shares, arcs};
pub(crate) use spark::Spark;
