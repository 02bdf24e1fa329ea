//! Decides what a span becomes: segment, subsegment, or both.
//!
//! In: a span. Out: its [`Role`]. Owns nothing. Rule: the Collector's `awsxray` exporter; beyond it:
//! where the span says that its parent is in another process, or has none, it is the first of its
//! own process and opens a segment, so that every service is a node of the map.

use super::attributes::Attributes;
use super::keys::Key;
use super::view::{ParentPlace, SpanKind, SpanView};

/// What becomes of a span.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// A segment: the work of this service.
    Segment,
    /// A subsegment of its own document.
    Subsegment,
    /// A call that is also the first span of its service: a subsegment for the call, below a
    /// segment for the service.
    CallAndService,
}

/// The role of a span.
pub(super) fn role(span: &SpanView<'_>, attributes: &Attributes<'_>) -> Role {
    let is_marked = is_local_root(attributes);
    let is_first = span.parent_id.is_none() || span.parent == ParentPlace::Remote;
    match span.kind {
        SpanKind::Server => Role::Segment,
        SpanKind::Consumer if is_marked => Role::CallAndService,
        SpanKind::Consumer if span.parent == ParentPlace::Local && !is_first => Role::Subsegment,
        SpanKind::Consumer => Role::Segment,
        SpanKind::Client | SpanKind::Producer if is_marked || is_first => Role::CallAndService,
        SpanKind::Unspecified if is_marked => Role::CallAndService,
        SpanKind::Internal if is_marked => Role::Segment,
        SpanKind::Internal | SpanKind::Unspecified if is_first => Role::Segment,
        SpanKind::Internal | SpanKind::Unspecified | SpanKind::Client | SpanKind::Producer => {
            Role::Subsegment
        }
    }
}

/// Marked by the AWS distributions of OpenTelemetry as the first span of its service.
fn is_local_root(attributes: &Attributes<'_>) -> bool {
    attributes.text(Key::AwsSpanKind) == Some("LOCAL_ROOT")
}

/// The namespace of a subsegment.
pub(super) fn namespace(
    span: &SpanView<'_>,
    attributes: &Attributes<'_>,
    role: Role,
) -> Option<&'static str> {
    let has_remote_service = attributes.text(Key::AwsRemoteService).is_some();
    match span.kind {
        _ if is_aws_call(attributes) => Some("aws"),
        SpanKind::Client | SpanKind::Producer => Some("remote"),
        _ if role == Role::CallAndService => Some("remote"),
        SpanKind::Consumer if has_remote_service => Some("remote"),
        _ => None,
    }
}

/// A call of the AWS SDK.
pub(super) fn is_aws_call(attributes: &Attributes<'_>) -> bool {
    is_aws_api(attributes) || attributes.text(Key::AwsService).is_some()
}

/// The instrumentation of an AWS SDK made the span.
pub(super) fn is_aws_api(attributes: &Attributes<'_>) -> bool {
    let system = [Key::RpcSystem, Key::RpcSystemName];
    attributes.first_text(&system) == Some("aws-api")
}
