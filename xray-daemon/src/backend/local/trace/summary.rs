//! The summary of a trace: every member that `GetTraceSummaries` answers, and what lists show.
//!
//! In: an assembled trace. Out: a [`Summary`]. Owns nothing.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::Hash;

use xray_tracing::TraceId;
use xray_tracing::document::{AnnotationValue, Http};

use super::words::{request, span_name};
use super::{Cause, Entry, Flags, ServiceId, Status, Trace};

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
        let root = trace.root().and_then(|root| trace.entry(root));
        let flags = root.map(|root| Flags::of(&root.entity)).unwrap_or_default();
        let http = root.map(SummaryHttp::of).unwrap_or_default();
        let topology = trace.topology();
        let count = |is_one: fn(&Entry) -> bool| {
            trace.entries().iter().filter(|entry| is_one(entry)).count()
        };
        let segments = count(Entry::is_segment);
        let orphans = count(|entry| entry.orphan);
        let in_progress = trace.entries().iter().any(|entry| entry.end_s.is_none());
        let worst = trace.entries().iter().map(Entry::status).max().unwrap_or_default();
        Self {
            id: trace.id(),
            start_time_s: trace.start_time_s(),
            duration_s: trace.duration_s().map(to_milliseconds),
            response_time_s: trace.response_time_s().map(to_milliseconds),
            has_fault: flags.fault,
            has_error: flags.error,
            has_throttle: flags.throttle,
            is_partial: orphans > 0 || in_progress,
            title: title(trace),
            http,
            annotations: annotations(trace),
            users: users(trace),
            entry_point: trace.root().and_then(|root| trace.service(root)),
            resource_arns: distinct(trace, |entry| entry.entity.resource_arn.as_deref()),
            instance_ids: distinct(trace, |entry| entry.ec2("instance_id")),
            availability_zones: distinct(trace, |entry| entry.ec2("availability_zone")),
            fault_root_causes: Cause::of_faults(trace),
            error_root_causes: Cause::of_errors(trace),
            response_time_root_causes: Cause::of_response_time(trace),
            revision: trace.revision(),
            worst,
            has_inferred: topology.nodes.values().any(|node| !node.inferred_from.is_empty()),
            service_ids: topology.nodes.keys().cloned().collect(),
            segments,
            subsegments: trace.entries().len() - segments,
            orphans,
            updated_at_s: trace.updated_at_s(),
        }
    }
}

impl SummaryHttp {
    fn of(root: &Entry) -> Self {
        let Some(Http { request, response, .. }) = &root.entity.http else {
            return Self::default();
        };
        Self {
            url: request.url.clone(),
            status: response.status,
            method: request.method.clone(),
            user_agent: request.user_agent.clone(),
            client_ip: request.client_ip.clone(),
        }
    }
}

/// As the service gives durations.
fn to_milliseconds(time_s: f64) -> f64 {
    (time_s * 1e3).round() / 1e3
}

/// `POST /products`, else the name of the root's span, else of whatever is there.
fn title(trace: &Trace) -> String {
    let Some(first) = trace.tops().first().and_then(|first| trace.entry(*first)) else {
        return String::new();
    };
    let request = first.entity.http.as_ref().and_then(request);
    let span_name = || span_name(&first.entity).unwrap_or(&first.entity.name).to_owned();
    request.unwrap_or_else(span_name)
}

fn annotations(trace: &Trace) -> BTreeMap<String, Vec<AnnotationSummary>> {
    let mut values: BTreeMap<String, Distinct<Comparable, AnnotationValue>> = BTreeMap::new();
    for (index, entry) in trace.indexed() {
        for (key, value) in &entry.entity.annotations {
            // Not `entry()`: that would copy the key for each entity.
            if !values.contains_key(key) {
                values.insert(key.clone(), Distinct::default());
            }
            if let Some(of_key) = values.get_mut(key) {
                of_key.add(Comparable::of(value), value, trace.service(index));
            }
        }
    }
    let summary = |(value, service_ids)| AnnotationSummary { value, service_ids };
    values.into_iter().map(|(key, of_key)| (key, of_key.map(summary))).collect()
}

fn users(trace: &Trace) -> Vec<UserSummary> {
    let mut users = Distinct::default();
    for (index, entry) in trace.indexed() {
        if let Some(user) = &entry.entity.user {
            users.add(user.clone(), user, trace.service(index));
        }
    }
    users.map(|(name, service_ids)| UserSummary { name, service_ids })
}

fn distinct(trace: &Trace, member: impl Fn(&Entry) -> Option<&str>) -> Vec<String> {
    let mut values = Distinct::default();
    for entry in trace.entries().iter().filter(|entry| entry.is_segment()) {
        if let Some(value) = member(entry).filter(|value| !value.is_empty()) {
            values.add(value.to_owned(), &value.to_owned(), None);
        }
    }
    values.map(|(value, _)| value)
}

/// Values in the order of their first occurrence, each with the services that said it.
struct Distinct<K, V> {
    places: HashMap<K, usize>,
    values: Vec<(V, BTreeSet<ServiceId>)>,
}

impl<K, V> Default for Distinct<K, V> {
    fn default() -> Self {
        Self { places: HashMap::new(), values: Vec::new() }
    }
}

impl<K: Hash + Eq, V: Clone> Distinct<K, V> {
    fn add(&mut self, key: K, value: &V, service: Option<ServiceId>) {
        let place = *self.places.entry(key).or_insert(self.values.len());
        if place == self.values.len() {
            self.values.push((value.clone(), BTreeSet::new()));
        }
        if let (Some((_, services)), Some(service)) = (self.values.get_mut(place), service) {
            services.insert(service);
        }
    }

    fn map<T>(self, summary: impl Fn((V, Vec<ServiceId>)) -> T) -> Vec<T> {
        let sorted = |(value, services): (V, BTreeSet<ServiceId>)| {
            summary((value, services.into_iter().collect()))
        };
        self.values.into_iter().map(sorted).collect()
    }
}

/// A value by which equal ones are found; numbers by their bits.
#[derive(PartialEq, Eq, Hash)]
enum Comparable {
    Text(String),
    Number(u64),
    Bool(bool),
}

impl Comparable {
    fn of(value: &AnnotationValue) -> Self {
        match value {
            AnnotationValue::String(text) => Self::Text(text.clone()),
            AnnotationValue::Number(number) => Self::Number(number.to_bits()),
            AnnotationValue::Bool(bool) => Self::Bool(*bool),
        }
    }
}
