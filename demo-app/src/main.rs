//! Starts the whole demo.

fn main() {}
