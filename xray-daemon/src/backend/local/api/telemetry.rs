//! `PutTelemetryRecords`: what daemons say of themselves.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use axum::extract::State;
use serde::Deserialize;
use serde_json::json;

use super::input::{Checks, Input};
use super::output::{Answer, Output};
use super::{ApiError, ApiState};

/// Records kept, of all daemons together.
const MAX_KEPT: usize = 200;

/// What daemons said last.
#[derive(Debug, Default)]
pub(in crate::backend::local) struct Telemetry {
    kept: Mutex<VecDeque<TelemetryRecord>>,
}

/// What a daemon says of itself with `PutTelemetryRecords`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TelemetryRecord {
    /// Host or instance; hostile text.
    pub from: Option<String>,
    /// Epoch seconds, as the daemon says.
    pub timestamp_s: f64,
    /// Segments it received since its last record.
    pub received: i64,
    /// Segments it sent.
    pub sent: i64,
    /// Segments for which it had no room.
    pub spilled: i64,
    /// Segments that were refused.
    pub rejected: i64,
}

impl Telemetry {
    /// The records that came last, newest first.
    pub(in crate::backend::local) fn newest(&self) -> Vec<TelemetryRecord> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }

    fn add(&self, records: impl IntoIterator<Item = TelemetryRecord>) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        for record in records {
            kept.truncate(MAX_KEPT - 1);
            kept.push_front(record);
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Request {
    telemetry_records: Option<Vec<Option<Record>>>,
    #[serde(rename = "EC2InstanceId")]
    ec2_instance_id: Option<String>,
    hostname: Option<String>,
    #[serde(rename = "ResourceARN")]
    resource_arn: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Record {
    timestamp: Option<f64>,
    segments_received_count: Option<i64>,
    segments_sent_count: Option<i64>,
    segments_spillover_count: Option<i64>,
    segments_rejected_count: Option<i64>,
}

pub(super) async fn put_telemetry_records(
    State(state): State<ApiState>,
    Input(request): Input<Request>,
) -> Answer {
    let mut checks = Checks::default();
    let records = checks.required("telemetryRecords", request.telemetry_records);
    let instance = checks.length("EC2InstanceId", request.ec2_instance_id, 0, 20);
    let host = checks.length("hostname", request.hostname, 0, 255);
    checks.length("resourceARN", request.resource_arn, 0, 500);
    let records = records.unwrap_or_default();
    let from = host.or(instance).filter(|from| !from.is_empty());
    let mut read = Vec::with_capacity(records.len().min(MAX_KEPT));
    for (record, number) in records.iter().zip(1..) {
        let place = format!("telemetryRecords.{number}.member");
        let Some(record) = checks.required(&place, record.as_ref()) else { continue };
        let timestamp_s = checks.required(&format!("{place}.timestamp"), record.timestamp);
        read.push(TelemetryRecord {
            from: from.clone(),
            timestamp_s: timestamp_s.unwrap_or_default(),
            received: record.segments_received_count.unwrap_or_default(),
            sent: record.segments_sent_count.unwrap_or_default(),
            spilled: record.segments_spillover_count.unwrap_or_default(),
            rejected: record.segments_rejected_count.unwrap_or_default(),
        });
    }
    checks.done()?;
    if records.is_empty() {
        return Err(ApiError::invalid("Telemetry records cannot be empty"));
    }
    state.telemetry.add(read);
    Ok(Output(json!({})))
}

/// Epoch seconds now.
pub(super) fn now_s() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64()
}
