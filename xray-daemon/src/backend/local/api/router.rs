//! Which path is which operation.
//!
//! In: requests. Out: a router over all operations of the API's model, 2016-04-12.

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{MethodRouter, post};

use super::input::MAX_BODY_BYTES;
use super::{
    ApiError, ApiState, batch_get_traces, encryption, get_trace_summaries, groups, insights,
    policies, put_trace_segments, retrieval, sampling_rules, sampling_targets, service_graph,
    settings, tags, telemetry, time_series,
};

/// All operations.
pub(in crate::backend::local) fn router(state: ApiState) -> Router {
    [traces(), sampling(), group_operations(), rest()]
        .into_iter()
        .flatten()
        .fold(Router::new(), |router, (path, operation)| router.route(path, operation))
        .method_not_allowed_fallback(async || ApiError::UnknownOperation)
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .with_state(state)
}

/// The two operations that services ask the daemon for, on its own port.
pub(in crate::backend::local) fn sampling_router(state: ApiState) -> Router {
    Router::new()
        .route("/GetSamplingRules", post(sampling_rules::get_sampling_rules))
        .route("/SamplingTargets", post(sampling_targets::get_sampling_targets))
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .with_state(state)
}

type Operations = Vec<(&'static str, MethodRouter<ApiState>)>;

fn traces() -> Operations {
    vec![
        ("/TraceSegments", post(put_trace_segments::put_trace_segments)),
        ("/TraceSummaries", post(get_trace_summaries::get_trace_summaries)),
        ("/Traces", post(batch_get_traces::batch_get_traces)),
        ("/ServiceGraph", post(service_graph::get_service_graph)),
        ("/TraceGraph", post(service_graph::get_trace_graph)),
        ("/TimeSeriesServiceStatistics", post(time_series::get_time_series_service_statistics)),
        ("/StartTraceRetrieval", post(retrieval::start_trace_retrieval)),
        ("/ListRetrievedTraces", post(retrieval::list_retrieved_traces)),
        ("/GetRetrievedTracesGraph", post(retrieval::get_retrieved_traces_graph)),
        ("/CancelTraceRetrieval", post(retrieval::cancel_trace_retrieval)),
    ]
}

fn sampling() -> Operations {
    vec![
        ("/GetSamplingRules", post(sampling_rules::get_sampling_rules)),
        ("/CreateSamplingRule", post(sampling_rules::create_sampling_rule)),
        ("/UpdateSamplingRule", post(sampling_rules::update_sampling_rule)),
        ("/DeleteSamplingRule", post(sampling_rules::delete_sampling_rule)),
        ("/SamplingTargets", post(sampling_targets::get_sampling_targets)),
        ("/SamplingStatisticSummaries", post(sampling_targets::get_sampling_statistic_summaries)),
    ]
}

fn group_operations() -> Operations {
    vec![
        ("/Groups", post(groups::get_groups)),
        ("/GetGroup", post(groups::get_group)),
        ("/CreateGroup", post(groups::create_group)),
        ("/UpdateGroup", post(groups::update_group)),
        ("/DeleteGroup", post(groups::delete_group)),
        ("/ListTagsForResource", post(tags::list_tags_for_resource)),
        ("/TagResource", post(tags::tag_resource)),
        ("/UntagResource", post(tags::untag_resource)),
    ]
}

fn rest() -> Operations {
    vec![
        ("/TelemetryRecords", post(telemetry::put_telemetry_records)),
        ("/EncryptionConfig", post(encryption::get_encryption_config)),
        ("/PutEncryptionConfig", post(encryption::put_encryption_config)),
        ("/ListResourcePolicies", post(policies::list_resource_policies)),
        ("/PutResourcePolicy", post(policies::put_resource_policy)),
        ("/DeleteResourcePolicy", post(policies::delete_resource_policy)),
        ("/GetIndexingRules", post(settings::get_indexing_rules)),
        ("/UpdateIndexingRule", post(settings::update_indexing_rule)),
        ("/GetTraceSegmentDestination", post(settings::get_trace_segment_destination)),
        ("/UpdateTraceSegmentDestination", post(settings::update_trace_segment_destination)),
        ("/InsightSummaries", post(insights::get_insight_summaries)),
        ("/Insight", post(insights::get_insight)),
        ("/InsightEvents", post(insights::get_insight)),
        ("/InsightImpactGraph", post(insights::get_insight)),
    ]
}
