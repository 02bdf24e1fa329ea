//! Traces in one SQLite file: written by one thread, read by a few.
//!
//! In: documents, from delivery and from the API; questions, from the API and the console. Out:
//! traces, pages of summaries, service graphs, numbers. Owns: the file, its lock, the thread that
//! writes and the connections that read.
//!
//! ```text
//! put ─▶ intake (checks) ─▶ channel ─▶ writer: one transaction for up to 1,000 documents
//!                                        open_trace   what the store has of a trace + what came
//!                                        documents    rows of `segment`, as they came
//!                                        row, terms, sums   what lists, filters and maps ask first
//!                                        retention    the oldest go when it is time
//! questions ─▶ readers (3 connections) ─▶ selection (SQL) ─▶ candidates (filter) ─▶ list, survey
//!                                         graph, completions
//! ```
//!
//! What must stay true: documents are kept byte for byte; everything else is made from them and can
//! be made again. Only the writer writes. A call is answered when its documents can be asked for. Each
//! question is bounded in time and rows.

mod error;
mod location;
mod query;
mod schema;
mod settings;

mod intake;
mod writer;

mod documents;
mod links;
mod names;
mod open_trace;
mod retention;
mod row;
mod sums;
mod terms;

mod readers;
mod selection;

mod candidates;
mod completions;
mod graph;
mod list;
mod series;
mod survey;

mod groups;
#[expect(clippy::module_inception, reason = "the type that gives the folder its name")]
mod store;

pub use error::StoreError;
pub use groups::Group;
pub use intake::Incoming;
pub use query::{
    Bucket, Key, LatencyBin, NodeMatch, Page, Period, RefusedDocument, SeriesPart, SeriesPoint,
    SeriesQuery, StatusCounts, StoreStats, Survey, SurveyQuery, TimeRange, TraceQuery, Unstored,
    Window,
};
pub(super) use settings::{SettingKind, Settings};
pub use store::{FoundTrace, Store};
pub use writer::Changes;

#[cfg(test)]
mod tests;
