//! The shop's pages: for each a handler, a view with ready-to-print text, and a template.

mod architecture;
mod architecture_view;
mod bulk;
mod bulk_view;
mod drawing;
mod failure;
mod failure_view;
mod products;
mod products_view;
mod scenarios;
mod shell;
mod tour;
mod tour_view;

#[cfg(test)]
mod snapshots_test;

pub(super) use architecture::architecture;
pub(super) use architecture_view::OwnView;
pub(super) use bulk::{bulk, start_bulk, stop_bulk};
pub(super) use failure::not_found;
pub(super) use products::{add, home, reload, remove, rename, show_one};
pub(super) use scenarios::{reset_scenarios, switch_scenario};
pub(super) use shell::theme;
pub(super) use tour::{answer, checks, filter, open_trace, opened, skip, start_over, tour};
