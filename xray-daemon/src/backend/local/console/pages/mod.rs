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

mod sampling;
mod sampling_form;
mod sampling_try;
mod sampling_view;

mod daemon;
mod daemon_refused;
mod daemon_senders;
mod daemon_view;

mod complete;
mod completion_place;

mod empty;
mod empty_view;
mod nearest;

mod events;
mod login;

pub(crate) use complete::complete;
pub(crate) use daemon::{clear, daemon};
pub(crate) use events::events;
pub(crate) use login::login;
pub(crate) use map::map;
pub(crate) use sampling::{create_rule, delete_rule, sampling, update_rule};
pub(crate) use trace::{trace, trace_json};
pub(crate) use traces::{trace_redirect, traces};
