//! `GetTimeSeriesServiceStatistics`: requests, errors and times in the course of time.

use axum::extract::State;
use serde::Deserialize;
use serde_json::{Value, json};

use super::get_trace_summaries::window;
use super::groups::filter_of;
use super::input::{Input, excerpt};
use super::output::{Answer, Output};
use super::{ApiError, ApiState, graph_json, selector};
use crate::backend::local::store::{Period, SeriesPart, SeriesPoint, SeriesQuery};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Request {
    start_time: Option<f64>,
    end_time: Option<f64>,
    group_name: Option<String>,
    #[serde(rename = "GroupARN")]
    group_arn: Option<String>,
    entity_selector_expression: Option<String>,
    period: Option<i64>,
    next_token: Option<String>,
}

pub(super) async fn get_time_series_service_statistics(
    State(state): State<ApiState>,
    Input(request): Input<Request>,
) -> Answer {
    let window = window(request.start_time, request.end_time)?;
    if let Some(token) = request.next_token {
        return Err(ApiError::InvalidRequest(format!("Invalid token {}", excerpt(&token))));
    }
    let period = match request.period {
        None | Some(60) => Period::Minute,
        Some(300) => Period::FiveMinutes,
        Some(_) => return Err(ApiError::invalid("Time period must be one of [60, 300]")),
    };
    let part = selector::part(request.entity_selector_expression.as_deref().unwrap_or_default())?;
    let filter = filter_of(&state, request.group_name, request.group_arn).await?;
    let of_service = matches!(part, SeriesPart::Service(_));
    let points = state.store.series(SeriesQuery { window, filter, period, part }).await?;
    let points: Vec<_> = points.iter().map(|point| point_json(point, of_service)).collect();
    Ok(Output(json!({
        "TimeSeriesServiceStatistics": points,
        "ContainsOldGroupVersions": false,
        "NextToken": null,
    })))
}

/// One of the two statistics is null.
fn point_json(point: &SeriesPoint, of_service: bool) -> Value {
    let statistics = graph_json::statistics(&point.counts);
    json!({
        "Timestamp": point.end_s,
        "EdgeSummaryStatistics": (!of_service).then_some(&statistics),
        "ServiceSummaryStatistics": of_service.then_some(&statistics),
        "ServiceForecastStatistics": {},
        "ResponseTimeHistogram": graph_json::bins(&point.response),
    })
}
