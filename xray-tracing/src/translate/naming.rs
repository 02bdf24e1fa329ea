//! Names documents: a segment after its service, a subsegment after whom it calls.
//!
//! In: a span's attributes. Out: a name that X-Ray accepts. Owns nothing. The first hit wins. Rule:
//! the Collector's `awsxray` exporter, whose order this keeps; beyond it: every segment is named
//! after its service, the new conventions count like the old, every name is sanitised.

use std::borrow::Cow;

use super::attributes::Attributes;
use super::keys::Key;
use super::resource::Resource;
use super::role::{Role, is_aws_api};
use super::sql;
use super::url::split;
use super::view::{SpanKind, SpanView};
use crate::document::sanitize_name;

/// The name of the service that a segment is the work of.
pub(super) fn service_name(
    span: &SpanView<'_>,
    attributes: &Attributes<'_>,
    resource: &Resource,
) -> String {
    let name = attributes.text(Key::AwsLocalService).or(resource.service_name.as_deref());
    sanitize_name(name.unwrap_or(&span.name)).into_owned()
}

/// The name of a subsegment.
pub(super) fn callee_name(span: &SpanView<'_>, attributes: &Attributes<'_>, role: Role) -> String {
    let name = called(span, attributes, role);
    sanitize_name(name.as_deref().unwrap_or(&span.name)).into_owned()
}

fn called<'s>(
    span: &SpanView<'_>,
    attributes: &Attributes<'s>,
    role: Role,
) -> Option<Cow<'s, str>> {
    let simple = remote_service(span, attributes, role)
        .or_else(|| attributes.first_text(&[Key::PeerService, Key::ServicePeerName]))
        .or_else(|| attributes.text(Key::AwsService));
    simple
        .map(Cow::Borrowed)
        .or_else(|| sql::database_name(attributes))
        .or_else(|| rpc_service(attributes).map(Cow::Borrowed))
        .or_else(|| destination(attributes).map(Cow::Borrowed))
        .or_else(|| host(attributes).map(Cow::Borrowed))
}

/// What the AWS distributions call the other side; for AWS services without their prefix.
fn remote_service<'s>(
    span: &SpanView<'_>,
    attributes: &Attributes<'s>,
    role: Role,
) -> Option<&'s str> {
    let may_call = matches!(span.kind, SpanKind::Client | SpanKind::Producer | SpanKind::Consumer);
    if !may_call && role != Role::CallAndService {
        return None;
    }
    let name = attributes.text(Key::AwsRemoteService)?;
    if !is_aws_api(attributes) {
        return Some(name);
    }
    let stripped = name.strip_prefix("AWS.SDK.").or_else(|| name.strip_prefix("AWS::"));
    Some(stripped.unwrap_or(name))
}

/// `rpc.service`, or what stands before the method in the full name of today's `rpc.method`.
fn rpc_service<'s>(attributes: &Attributes<'s>) -> Option<&'s str> {
    let in_method =
        || attributes.text(Key::RpcMethod)?.rsplit_once('/').map(|(service, _)| service);
    attributes.text(Key::RpcService).or_else(in_method).filter(|service| !service.is_empty())
}

/// The queue or topic: it says more than the broker's host.
fn destination<'s>(attributes: &Attributes<'s>) -> Option<&'s str> {
    attributes.text(Key::MessagingSystem)?;
    attributes.first_text(&[Key::MessagingDestinationName, Key::MessagingDestination])
}

fn host<'s>(attributes: &Attributes<'s>) -> Option<&'s str> {
    let in_url = || {
        let url = attributes.first_text(&[Key::UrlFull, Key::HttpUrl])?;
        split(url).map(|parts| parts.host).filter(|host| !host.is_empty())
    };
    let hosts = [Key::HttpHost, Key::NetPeerName, Key::ServerAddress];
    attributes.first_text(&hosts).or_else(in_url)
}
