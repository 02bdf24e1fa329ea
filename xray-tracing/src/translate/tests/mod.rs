//! Whole spans: what the translator makes of each.
//!
//! `facts` are our own, always run. `vectors` are the Collector's, run where `XRAY_VECTORS=DIR` is
//! set, with every deliberate difference listed. `properties` hold for any span, `round_trip` for
//! any document.

mod collector_losses;
mod differences;
mod otlp_json;
mod vectors;

mod facts;
mod properties;
mod round_trip;
