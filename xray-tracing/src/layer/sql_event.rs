//! Makes SQL subsegments of the event that sqlx emits at the end of every query.
//!
//! In: events of target `sqlx::query` and the place of the span they belong to. Out: a finished
//! subsegment, or more about the one that `Database::call` made for
//! the same query. Owns nothing. Rule: sqlx 0.9, `QueryLogger::finish`.

use std::fmt;

use tracing_core::field::Visit;
use tracing_core::{Event, Field, Metadata};

use super::clock;
use super::open_trace::Place;
use super::record::{Flags, Key, Name, Record, Value};
use super::scratch::Scratch;
use super::tracer::Tracer;
use crate::capture::sql_text;

const TARGET: &str = "sqlx::query";
/// Name of the subsegment where no `Database` gave another.
const UNNAMED: &str = "sqlx";

pub(crate) fn is_query(metadata: &Metadata<'_>) -> bool {
    cfg!(feature = "sqlx") && metadata.target() == TARGET && !metadata.is_span()
}

/// Records the query that has just ended.
pub(crate) fn record(tracer: &Tracer, event: &Event<'_>, place: Place) {
    Scratch::with(|scratch| {
        let collects_sql = tracer.settings.collects_sql;
        let mut query = Query { scratch, elapsed_s: 0.0, has_statement: false, collects_sql };
        event.record(&mut query);
        let elapsed_ns = (query.elapsed_s.max(0.0) * 1e9) as u64;
        if tracer.has_flag(place, Flags::SQL) {
            return tracer.enrich(place, scratch, Flags::default());
        }
        let now_ns = clock::now_ns();
        let name = name(scratch);
        let mut record =
            Record::new(fastrand::u64(1..), name, now_ns.saturating_sub(elapsed_ns).max(1));
        record.end_ns = now_ns;
        record.flags = Flags::REMOTE.with(Flags::SQL);
        tracer.add_ended(place, record, scratch);
    });
}

/// The database's name, where the process said which one it is.
fn name(scratch: &mut Scratch) -> Name {
    #[cfg(feature = "sqlx")]
    if let Some(database) = crate::capture::sqlx::Database::of_events() {
        database.describe(scratch);
        return Name::Text(scratch.body.add_text(database.name()));
    }
    let _: &mut Scratch = scratch;
    Name::Static(UNNAMED)
}

struct Query<'a> {
    scratch: &'a mut Scratch,
    elapsed_s: f64,
    has_statement: bool,
    collects_sql: bool,
}

impl Query<'_> {
    /// The statement in full, where the summary is not all of it already.
    fn statement(&mut self, field: &Field, text: &str) {
        let is_statement = match field.name() {
            "db.statement" => !text.trim().is_empty(),
            "summary" => !self.has_statement,
            _ => return,
        };
        if is_statement && self.collects_sql {
            self.has_statement |= field.name() == "db.statement";
            let sanitized = sql_text::sanitize(text.trim());
            self.scratch.add_text(Key::SqlQuery, &sanitized);
        }
    }
}

impl Visit for Query<'_> {
    fn record_f64(&mut self, field: &Field, value: f64) {
        if field.name() == "elapsed_secs" {
            self.elapsed_s = value;
        }
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        if matches!(field.name(), "rows_affected" | "rows_returned") {
            self.scratch.add(Key::Field(field.name()), Value::Unsigned(value));
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.statement(field, value);
    }

    fn record_debug(&mut self, _: &Field, _: &dyn fmt::Debug) {}
}
