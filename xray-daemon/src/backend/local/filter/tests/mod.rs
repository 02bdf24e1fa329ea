//! What expressions select, refuse and print.

mod fixtures;
mod invalid;
mod pushdown;
mod round_trip;
mod selection;
