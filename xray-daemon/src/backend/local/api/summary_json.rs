//! A summary as `GetTraceSummaries` writes it.

use serde_json::{Map, Value, json};
use xray_tracing::document::AnnotationValue;

use crate::backend::local::trace::{Cause, CauseEntity, CauseService, ServiceId, Summary};

/// `matched_event_time_s`: when the update was received that brought the trace into the range.
pub(super) fn summary(summary: &Summary, matched_event_time_s: Option<f64>) -> Value {
    let http = &summary.http;
    let named = |key: &str, texts: &[String]| -> Vec<Value> {
        texts.iter().map(|text| json!({ key: text })).collect()
    };
    let users: Vec<_> = summary
        .users
        .iter()
        .map(|user| json!({ "UserName": user.name, "ServiceIds": services(&user.service_ids) }))
        .collect();
    json!({
        "Id": summary.id.to_string(),
        "StartTime": summary.start_time_s,
        "Duration": summary.duration_s,
        "ResponseTime": summary.response_time_s,
        "HasFault": summary.has_fault,
        "HasError": summary.has_error,
        "HasThrottle": summary.has_throttle,
        "IsPartial": summary.is_partial,
        // Always an object: Grafana reads its members without looking.
        "Http": {
            "HttpURL": http.url,
            "HttpStatus": http.status,
            "HttpMethod": http.method,
            "UserAgent": http.user_agent,
            "ClientIp": http.client_ip,
        },
        "Annotations": annotations(summary),
        "Users": users,
        "ServiceIds": services(&summary.service_ids),
        "ResourceARNs": named("ARN", &summary.resource_arns),
        "InstanceIds": named("Id", &summary.instance_ids),
        "AvailabilityZones": named("Name", &summary.availability_zones),
        "EntryPoint": summary.entry_point.as_ref().map(service),
        "FaultRootCauses": causes(&summary.fault_root_causes, exceptions),
        "ErrorRootCauses": causes(&summary.error_root_causes, exceptions),
        "ResponseTimeRootCauses": causes(&summary.response_time_root_causes, coverage),
        "Revision": summary.revision,
        "MatchedEventTime": matched_event_time_s,
    })
}

pub(super) fn service(service: &ServiceId) -> Value {
    json!({
        "Name": service.name,
        "Names": [service.name],
        "AccountId": service.account_id,
        "Type": service.service_type,
    })
}

fn services(ids: &[ServiceId]) -> Vec<Value> {
    ids.iter().map(service).collect()
}

fn annotations(summary: &Summary) -> Map<String, Value> {
    let said = |key: &String, values: &[crate::backend::local::trace::AnnotationSummary]| {
        let values: Vec<_> = values
            .iter()
            .map(|said| {
                json!({
                    "AnnotationValue": annotation(&said.value),
                    "ServiceIds": services(&said.service_ids),
                })
            })
            .collect();
        (key.clone(), Value::from(values))
    };
    summary.annotations.iter().map(|(key, values)| said(key, values)).collect()
}

fn annotation(value: &AnnotationValue) -> Value {
    match value {
        AnnotationValue::String(text) => json!({ "StringValue": text }),
        AnnotationValue::Number(number) => json!({ "NumberValue": number }),
        AnnotationValue::Bool(flag) => json!({ "BooleanValue": flag }),
    }
}

fn causes(causes: &[Cause], entity: fn(&CauseEntity) -> Value) -> Vec<Value> {
    let of_service = |service: &CauseService| {
        json!({
            "Name": service.name,
            "Names": [service.name],
            "Type": service.service_type,
            "AccountId": service.account_id,
            "EntityPath": service.entity_path.iter().map(entity).collect::<Vec<_>>(),
            "Inferred": service.inferred,
        })
    };
    causes
        .iter()
        .map(|cause| {
            json!({
                "Services": cause.services.iter().map(of_service).collect::<Vec<_>>(),
                "ClientImpacting": cause.client_impacting,
            })
        })
        .collect()
}

fn exceptions(entity: &CauseEntity) -> Value {
    let exceptions: Vec<_> = entity
        .exceptions
        .iter()
        .map(|exception| json!({ "Name": exception.name, "Message": exception.message }))
        .collect();
    json!({ "Name": entity.name, "Exceptions": exceptions, "Remote": entity.remote })
}

fn coverage(entity: &CauseEntity) -> Value {
    json!({ "Name": entity.name, "Coverage": entity.coverage, "Remote": entity.remote })
}
