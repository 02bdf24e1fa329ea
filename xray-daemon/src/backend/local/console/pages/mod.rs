//! The pages: of each the handler, the view and the template.

mod map;
mod map_graph;
mod map_panel;
mod map_table;
mod map_view;
mod pick;

mod annotation;
mod traces;
mod traces_query;
mod traces_refine;
mod traces_view;

mod trace;
mod trace_detail;
mod trace_exceptions;
mod trace_map;
mod trace_resources;
mod trace_rows;
mod trace_view;

mod empty;
mod empty_view;
mod nearest;

mod events;

pub(crate) use events::events;
pub(crate) use map::map;
pub(crate) use trace::{trace, trace_json};
pub(crate) use traces::{trace_redirect, traces};
