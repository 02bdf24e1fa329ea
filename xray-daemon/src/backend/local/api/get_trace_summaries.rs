//! `GetTraceSummaries`: pages of traces that a filter lets through.

use axum::extract::State;
use serde::Deserialize;
use serde_json::json;
use sha2::{Digest, Sha256};

use super::input::{Input, excerpt, required};
use super::output::{Answer, Output};
use super::summary_json;
use super::{ApiError, ApiState};
use crate::backend::local::filter::Filter;
use crate::backend::local::store::{Key, TimeRange, TraceQuery, Window};

/// Traces in a page.
const PAGE: usize = 100;
/// How far `ApproximateTime` lies before the range of `Service`.
const SERVICE_LEAD_S: f64 = 60.0;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Request {
    start_time: Option<f64>,
    end_time: Option<f64>,
    time_range_type: Option<String>,
    sampling: Option<bool>,
    sampling_strategy: Option<Strategy>,
    filter_expression: Option<String>,
    next_token: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Strategy {
    name: Option<String>,
    value: Option<f64>,
}

pub(super) async fn get_trace_summaries(
    State(state): State<ApiState>,
    Input(request): Input<Request>,
) -> Answer {
    let window = window(request.start_time, request.end_time)?;
    let range = range(request.time_range_type.as_deref())?;
    let rate = rate(request.sampling, request.sampling_strategy.as_ref(), range)?;
    let filter = Filter::parse(request.filter_expression.as_deref().unwrap_or_default())?;
    let query = TraceQuery { window, range, filter, rate, after: None, limit: PAGE };
    let binding = binding(&query);
    let after = request.next_token.map(|token| read_token(&token, &binding)).transpose()?;
    let page = state.store.traces(TraceQuery { after, ..query }).await?;
    let summaries: Vec<_> = page
        .items
        .iter()
        .map(|summary| {
            let matched = (range != TimeRange::TraceId).then_some(summary.updated_at_s);
            summary_json::summary(summary, matched)
        })
        .collect();
    let lead_s = if range == TimeRange::Service { SERVICE_LEAD_S } else { 0.0 };
    Ok(Output(json!({
        "TraceSummaries": summaries,
        "ApproximateTime": window.start_s.floor() - lead_s,
        "TracesProcessedCount": page.processed,
        "NextToken": page.next.map(|key| write_token(key, &binding)),
    })))
}

/// The range of an operation.
pub(super) fn window(start_s: Option<f64>, end_s: Option<f64>) -> Result<Window, ApiError> {
    let (start_s, end_s) = (required("startTime", start_s)?, required("endTime", end_s)?);
    if end_s < start_s {
        return Err(ApiError::invalid("End time cannot be earlier than start time"));
    }
    Ok(Window { start_s, end_s })
}

fn range(name: Option<&str>) -> Result<TimeRange, ApiError> {
    match name {
        None | Some("TraceId") => Ok(TimeRange::TraceId),
        Some("Event") => Ok(TimeRange::Event),
        Some("Service") => Ok(TimeRange::Service),
        Some(other) => Err(not_one_of("timeRangeType", other, "[Event, TraceId, Service]")),
    }
}

/// Of which share of the traces to answer.
fn rate(
    sampling: Option<bool>,
    strategy: Option<&Strategy>,
    range: TimeRange,
) -> Result<f64, ApiError> {
    let (Some(true), Some(strategy)) = (sampling, strategy) else { return Ok(1.0) };
    match strategy.name.as_deref() {
        None | Some("PartialScan") => Ok(1.0),
        Some("FixedRate") if range != TimeRange::Event => {
            let name = if range == TimeRange::TraceId { "TraceId" } else { "Service" };
            Err(ApiError::InvalidRequest(format!(
                "Cannot use FixedRate with input time range type: {name}. \
                 Please try using time range type: Event"
            )))
        }
        Some("FixedRate") => match strategy.value {
            Some(value) if (0.0..=1.0).contains(&value) => Ok(value),
            _ => Err(ApiError::invalid(
                "sampling rate must be specified and its value must be between [0, 1]",
            )),
        },
        Some(other) => Err(not_one_of("samplingStrategy.name", other, "[PartialScan, FixedRate]")),
    }
}

fn not_one_of(place: &str, value: &str, names: &str) -> ApiError {
    let mut checks = super::input::Checks::default();
    let shown = format!("'{}'", excerpt(value));
    checks.fail(place, &shown, &format!("must satisfy enum value set: {names}"));
    checks.done().err().unwrap_or(ApiError::UnknownOperation)
}

/// What ties a token to its question: with another question it is no token.
fn binding(query: &TraceQuery) -> String {
    let TraceQuery { window, range, filter, rate, .. } = query;
    let question =
        format!("{:?} {:?} {range:?} {rate:?} {}", window.start_s, window.end_s, filter.text());
    let hash = Sha256::digest(question.as_bytes());
    hash.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

fn write_token(Key { time_us, trace }: Key, binding: &str) -> String {
    format!("{binding}{time_us:016x}{trace:016x}")
}

fn read_token(token: &str, binding: &str) -> Result<Key, ApiError> {
    let read = || {
        let rest = token.strip_prefix(binding).filter(|rest| rest.len() == 32)?;
        let (time, trace) = rest.split_at_checked(16)?;
        Some(Key {
            time_us: i64::from_str_radix(time, 16).ok()?,
            trace: i64::from_str_radix(trace, 16).ok()?,
        })
    };
    read().ok_or_else(|| ApiError::InvalidRequest(format!("Invalid token {}", excerpt(token))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(filter: &str) -> TraceQuery {
        let window = Window { start_s: 1.0, end_s: 2.5 };
        TraceQuery::new(window, Filter::parse(filter).unwrap())
    }

    #[test]
    fn a_token_works_for_its_own_question_alone() {
        let key = Key { time_us: 1_790_158_405_900_000, trace: 77 };
        let token = write_token(key, &binding(&query("fault")));
        assert_eq!(read_token(&token, &binding(&query("fault"))), Ok(key));
        let refused = ApiError::InvalidRequest(format!("Invalid token {token}"));
        assert_eq!(read_token(&token, &binding(&query("error"))), Err(refused));
        for token in ["", "abc", "ü", &format!("{}{}", binding(&query("")), "x".repeat(32))] {
            assert!(read_token(token, &binding(&query(""))).is_err(), "{token}");
        }
    }

    #[test]
    fn a_fixed_rate_needs_events_and_a_share() {
        let strategy = |name: &str, value| Strategy { name: Some(name.to_owned()), value };
        let fixed = strategy("FixedRate", Some(0.5));
        assert_eq!(rate(Some(true), Some(&fixed), TimeRange::Event), Ok(0.5));
        assert_eq!(rate(None, Some(&fixed), TimeRange::TraceId), Ok(1.0));
        let Err(ApiError::InvalidRequest(message)) =
            rate(Some(true), Some(&fixed), TimeRange::TraceId)
        else {
            panic!("accepted")
        };
        assert_eq!(
            message,
            "Cannot use FixedRate with input time range type: TraceId. \
             Please try using time range type: Event"
        );
        let without = strategy("FixedRate", None);
        assert!(rate(Some(true), Some(&without), TimeRange::Event).is_err());
        let scan = strategy("PartialScan", Some(9.0));
        assert_eq!(rate(Some(true), Some(&scan), TimeRange::TraceId), Ok(1.0));
    }
}
