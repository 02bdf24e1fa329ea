//! The summary of a trace: every member that `GetTraceSummaries` answers, and what lists show.
//!
//! In: an assembled trace. Out: a [`Summary`]. Owns nothing.

use std::collections::BTreeMap;

use xray_tracing::TraceId;
use xray_tracing::document::AnnotationValue;

use super::{Cause, ServiceId, Status, Trace};

/// What a list of traces says of one.
#[derive(Clone, Debug, PartialEq)]
pub struct Summary {
    /// The trace.
    pub id: TraceId,
    /// Epoch seconds of the earliest segment; of the earliest subsegment where there is no segment.
    pub start_time_s: f64,
    /// From the first start to the last end of all that hangs together with the root; none while
    /// any of it is in progress, or without root. Rounded to milliseconds.
    pub duration_s: Option<f64>,
    /// The root segment's own time; none while it is in progress, or without root. Rounded to
    /// milliseconds.
    pub response_time_s: Option<f64>,
    /// The root ended in a fault.
    pub has_fault: bool,
    /// The root ended in an error, and was not throttled.
    pub has_error: bool,
    /// The root was throttled.
    pub has_throttle: bool,
    /// A parent is missing, or something is in progress.
    pub is_partial: bool,
    /// The root's request; members empty where there is none.
    pub http: SummaryHttp,
    /// Key to the distinct values over all entities.
    pub annotations: BTreeMap<String, Vec<AnnotationSummary>>,
    /// Distinct users over all segments.
    pub users: Vec<UserSummary>,
    /// Every node of the trace's graph, the client too; sorted.
    pub service_ids: Vec<ServiceId>,
    /// The root's service.
    pub entry_point: Option<ServiceId>,
    /// Distinct ARNs over all segments.
    pub resource_arns: Vec<String>,
    /// Distinct EC2 instances over all segments.
    pub instance_ids: Vec<String>,
    /// Distinct zones over all segments.
    pub availability_zones: Vec<String>,
    /// Where faults began.
    pub fault_root_causes: Vec<Cause>,
    /// Where errors began.
    pub error_root_causes: Vec<Cause>,
    /// Where the time went.
    pub response_time_root_causes: Vec<Cause>,
    /// Update calls that were accepted for the trace, from 1.
    pub revision: u64,
    /// What a person calls it: `POST /products`, or the name of the root where there is no HTTP.
    pub title: String,
    /// The worst status of any entity, the root's or not.
    pub worst: Status,
    /// A callee that nobody reported, seen through the call alone.
    pub has_inferred: bool,
    /// Segments that were reported.
    pub segments: usize,
    /// Subsegments in them, and orphans.
    pub subsegments: usize,
    /// Segments and subsegments whose parent was never received.
    pub orphans: usize,
    /// Epoch seconds of the last update.
    pub updated_at_s: f64,
}

/// The request that started the trace.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SummaryHttp {
    /// What was asked.
    pub url: Option<String>,
    /// What was answered.
    pub status: Option<u16>,
    /// `GET` …
    pub method: Option<String>,
    /// The `User-Agent` header.
    pub user_agent: Option<String>,
    /// Address of the client.
    pub client_ip: Option<String>,
}

/// A value of an annotation, with the services that said it.
#[derive(Clone, Debug, PartialEq)]
pub struct AnnotationSummary {
    /// The value.
    pub value: AnnotationValue,
    /// Sorted, distinct.
    pub service_ids: Vec<ServiceId>,
}

/// A user, with the services that named them.
#[derive(Clone, Debug, PartialEq)]
pub struct UserSummary {
    /// The user.
    pub name: String,
    /// Sorted, distinct.
    pub service_ids: Vec<ServiceId>,
}

impl Summary {
    /// The summary of `trace`.
    pub fn of(trace: &Trace) -> Self {
        Self {
            id: trace.id(),
            start_time_s: trace.start_time_s(),
            duration_s: None,
            response_time_s: None,
            has_fault: false,
            has_error: false,
            has_throttle: false,
            is_partial: false,
            http: SummaryHttp::default(),
            annotations: BTreeMap::new(),
            users: Vec::new(),
            service_ids: Vec::new(),
            entry_point: None,
            resource_arns: Vec::new(),
            instance_ids: Vec::new(),
            availability_zones: Vec::new(),
            fault_root_causes: Vec::new(),
            error_root_causes: Vec::new(),
            response_time_root_causes: Vec::new(),
            revision: trace.revision(),
            title: String::new(),
            worst: Status::Ok,
            has_inferred: false,
            segments: 0,
            subsegments: 0,
            orphans: 0,
            updated_at_s: trace.updated_at_s(),
        }
    }
}
