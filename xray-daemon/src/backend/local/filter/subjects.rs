//! What conditions are asked of: a trace, a segment of a service, a call, a part of a cause.
//!
//! In: a trace with its summary. Out: the values of keywords there. Owns the topology of the
//! trace, made when a condition first asks for it.

use std::cell::RefCell;
use std::collections::HashMap;

use xray_tracing::document::Entity;

use super::evaluate::{Look, Subject, Value, body_holds};
use super::expression_tree::{
    CauseOf, CausePart, Condition, Expression, GroupBy, NodePattern, Side,
};
use super::keyword::Field;
use super::view::TraceView;
use super::{Filter, cause_json};
use crate::backend::local::trace::{
    Call, Cause, CauseEntity, CauseException, CauseService, Entry, EntryIndex, Flags, Node,
    ServiceId, Trace,
};

/// Most groups that are asked for one trace.
const MAX_GROUPS: usize = 64;

/// What was found out about a trace while it was asked.
#[derive(Default)]
pub(super) struct Known {
    /// Whether the trace is in a group; none while that is being found out.
    groups: RefCell<HashMap<*const Filter, Option<bool>>>,
}

/// A whole trace.
pub(super) struct TraceSubject<'a> {
    pub(super) view: &'a TraceView<'a>,
    pub(super) known: &'a Known,
}

impl TraceSubject<'_> {
    fn service(&self, pattern: Option<&NodePattern>, body: Option<&Expression>) -> bool {
        let fits = |service: &ServiceId| pattern.is_none_or(|pattern| pattern.fits(service));
        let Some(body) = body else {
            return self.view.summary.service_ids.iter().any(fits);
        };
        let Some(trace) = self.view.trace else { return false };
        let nodes = trace.topology().nodes.iter().filter(|(service, _)| fits(service));
        let subjects = nodes.flat_map(|(service, node)| {
            let entities = node.segments.iter().chain(&node.inferred_from);
            entities.map(move |index| NodeSubject { trace, service, node, index: *index })
        });
        subjects.into_iter().any(|subject| body_holds(Some(body), &subject))
    }

    fn edge(&self, from: &NodePattern, to: &NodePattern, body: Option<&Expression>) -> bool {
        let Some(trace) = self.view.trace else { return false };
        let calls = trace.topology().calls.iter();
        calls
            .filter(|call| from.fits(&call.from) && to.fits(&call.to))
            .any(|call| body_holds(body, &EdgeSubject { trace, call }))
    }

    fn causes(&self, of: CauseOf) -> &[Cause] {
        match of {
            CauseOf::Fault => &self.view.summary.fault_root_causes,
            CauseOf::Error => &self.view.summary.error_root_causes,
            CauseOf::ResponseTime => &self.view.summary.response_time_root_causes,
        }
    }

    fn group(&self, by: GroupBy, equal: bool, value: &str) -> bool {
        let group = match by {
            GroupBy::Name => self.view.groups.by_name(value),
            GroupBy::Arn => self.view.groups.by_arn(value),
        };
        group.and_then(|group| self.is_in(group)).is_some_and(|is_in| is_in == equal)
    }

    /// Whether the trace is in `group`; none if that depends on itself.
    fn is_in(&self, group: &Filter) -> Option<bool> {
        let key: *const Filter = group;
        let known = self.known.groups.borrow().get(&key).copied();
        if let Some(known) = known {
            return known;
        }
        if self.known.groups.borrow().len() == MAX_GROUPS {
            return None;
        }
        self.known.groups.borrow_mut().insert(key, None);
        let is_in = group.matches_knowing(self.view, self.known);
        self.known.groups.borrow_mut().insert(key, Some(is_in));
        Some(is_in)
    }
}

impl Subject for TraceSubject<'_> {
    fn any(&self, field: Field, look: Look<'_>) -> bool {
        let summary = self.view.summary;
        let texts =
            |texts: &[String], look: Look<'_>| texts.iter().any(|text| look(Value::Text(text)));
        let text = |text: &Option<String>, look: Look<'_>| {
            text.as_deref().is_some_and(|text| look(Value::Text(text)))
        };
        let number = |number: Option<f64>, look: Look<'_>| {
            number.is_some_and(|number| look(Value::Number(number)))
        };
        match field {
            Field::Ok => {
                look(Value::Flag(!(summary.has_fault || summary.has_error || summary.has_throttle)))
            }
            Field::Fault => look(Value::Flag(summary.has_fault)),
            Field::Error => look(Value::Flag(summary.has_error)),
            Field::Throttle => look(Value::Flag(summary.has_throttle)),
            Field::Partial => look(Value::Flag(summary.is_partial)),
            Field::Inferred => look(Value::Flag(summary.has_inferred)),
            Field::ResponseTime => number(summary.response_time_s, look),
            Field::Duration => number(summary.duration_s, look),
            Field::HttpStatus => number(summary.http.status.map(f64::from), look),
            Field::HttpUrl => text(&summary.http.url, look),
            Field::HttpMethod => text(&summary.http.method, look),
            Field::HttpUserAgent => text(&summary.http.user_agent, look),
            Field::HttpClientIp => text(&summary.http.client_ip, look),
            Field::User => summary.users.iter().any(|user| look(Value::Text(&user.name))),
            Field::AvailabilityZone => texts(&summary.availability_zones, look),
            Field::InstanceId => texts(&summary.instance_ids, look),
            Field::ResourceArn => texts(&summary.resource_arns, look),
            _ => false,
        }
    }

    fn any_annotation(&self, _side: Side, key: &str, look: Look<'_>) -> bool {
        let values = self.view.summary.annotations.get(key);
        values.is_some_and(|values| values.iter().any(|value| look((&value.value).into())))
    }

    fn holds(&self, condition: &Condition) -> bool {
        match condition {
            Condition::Service { node, body } => self.service(node.as_ref(), body.as_deref()),
            Condition::Edge { from, to, body } => self.edge(from, to, body.as_deref()),
            Condition::Cause { of, part, body } => {
                self.causes(*of).iter().any(|cause| cause_has(cause, *part, body.as_deref()))
            }
            Condition::CauseJson { equal, pattern } => {
                let all = [CauseOf::Fault, CauseOf::Error, CauseOf::ResponseTime];
                let mut lists = all.into_iter().map(|of| self.causes(of));
                let any = lists.clone().any(|causes| !causes.is_empty());
                any && lists.any(|causes| cause_json::fits(pattern, causes)) == *equal
            }
            Condition::Group { by, equal, value } => self.group(*by, *equal, value),
            Condition::Field { .. } | Condition::Annotation { .. } => false,
        }
    }
}

impl NodePattern {
    fn fits(&self, service: &ServiceId) -> bool {
        let fits = |wanted: &Option<String>, found: Option<&str>| {
            wanted.as_deref().is_none_or(|wanted| found == Some(wanted))
        };
        fits(&self.name, Some(&service.name))
            && fits(&self.service_type, service.service_type.as_deref())
            && fits(&self.account_id, service.account_id.as_deref())
    }
}

/// Values that any entity has.
fn any_of_entity(entry: &Entry, field: Field, look: Look<'_>) -> bool {
    let flags = Flags::of(&entry.entity);
    let http = entry.entity.http.as_ref();
    let text =
        |text: Option<&String>, look: Look<'_>| text.is_some_and(|text| look(Value::Text(text)));
    match field {
        Field::Ok => look(Value::Flag(flags.ok())),
        Field::Fault => look(Value::Flag(flags.fault)),
        Field::Error => look(Value::Flag(flags.error)),
        Field::Throttle => look(Value::Flag(flags.throttle)),
        Field::ResponseTime | Field::Duration => {
            let time_s = entry.duration_s().map(|time_s| (time_s * 1e3).round() / 1e3);
            time_s.is_some_and(|time_s| look(Value::Number(time_s)))
        }
        Field::HttpStatus => http
            .and_then(|http| http.response.status)
            .is_some_and(|status| look(Value::Number(f64::from(status)))),
        Field::HttpUrl => text(http.and_then(|http| http.request.url.as_ref()), look),
        Field::HttpMethod => text(http.and_then(|http| http.request.method.as_ref()), look),
        Field::HttpUserAgent => text(http.and_then(|http| http.request.user_agent.as_ref()), look),
        Field::HttpClientIp => text(http.and_then(|http| http.request.client_ip.as_ref()), look),
        _ => false,
    }
}

fn any_annotation_of(entity: &Entity, key: &str, look: Look<'_>) -> bool {
    entity.annotations.iter().any(|(name, value)| name == key && look(value.into()))
}

/// Annotations of the segment at `segment` and of its own subsegments.
fn any_annotation_within(trace: &Trace, segment: EntryIndex, key: &str, look: Look<'_>) -> bool {
    let entries = trace.subtree(segment).iter();
    let mut own = entries.filter(|entry| entry.segment == Some(segment));
    own.any(|entry| any_annotation_of(&entry.entity, key, look))
}

/// A segment of a service, or a call to one that did not report.
struct NodeSubject<'a> {
    trace: &'a Trace,
    service: &'a ServiceId,
    node: &'a Node,
    index: EntryIndex,
}

impl NodeSubject<'_> {
    /// Of any segment of the service.
    fn any_segment(&self, value: impl Fn(&Entry) -> Option<&str>, look: Look<'_>) -> bool {
        let entries = self.node.segments.iter().filter_map(|index| self.trace.entry(*index));
        let mut values = entries.filter_map(&value);
        values.any(|text| look(Value::Text(text)))
    }
}

impl Subject for NodeSubject<'_> {
    fn any(&self, field: Field, look: Look<'_>) -> bool {
        match field {
            Field::Name => look(Value::Text(&self.service.name)),
            Field::Type => {
                let service_type = self.service.service_type.as_deref();
                service_type.is_some_and(|service_type| look(Value::Text(service_type)))
            }
            Field::Root => look(Value::Flag(self.node.holds_root)),
            Field::Inferred => look(Value::Flag(self.node.segments.is_empty())),
            Field::User => self.any_segment(|entry| entry.entity.user.as_deref(), look),
            Field::ResourceArn => {
                self.any_segment(|entry| entry.entity.resource_arn.as_deref(), look)
            }
            Field::InstanceId => self.any_segment(|entry| entry.ec2("instance_id"), look),
            Field::AvailabilityZone => {
                self.any_segment(|entry| entry.ec2("availability_zone"), look)
            }
            _ => {
                self.trace.entry(self.index).is_some_and(|entry| any_of_entity(entry, field, look))
            }
        }
    }

    fn any_annotation(&self, _side: Side, key: &str, look: Look<'_>) -> bool {
        let Some(entry) = self.trace.entry(self.index) else { return false };
        match entry.is_segment() {
            true => any_annotation_within(self.trace, self.index, key, look),
            false => any_annotation_of(&entry.entity, key, look),
        }
    }
}

/// A call.
struct EdgeSubject<'a> {
    trace: &'a Trace,
    call: &'a Call,
}

impl EdgeSubject<'_> {
    /// The caller's subsegment, or the callee's segment where there is none.
    fn says(&self) -> Option<&Entry> {
        self.trace.entry(self.call.subsegment.or(self.call.segment)?)
    }

    /// The segment of the caller; none of a client.
    fn source(&self) -> Option<EntryIndex> {
        let below = self.call.subsegment.or_else(|| self.trace.entry(self.call.segment?)?.parent);
        self.trace.entry(below?)?.segment
    }
}

impl Subject for EdgeSubject<'_> {
    fn any(&self, field: Field, look: Look<'_>) -> bool {
        self.says().is_some_and(|entry| any_of_entity(entry, field, look))
    }

    fn any_annotation(&self, side: Side, key: &str, look: Look<'_>) -> bool {
        let within = match side {
            Side::Own => {
                return self.says().is_some_and(|says| any_annotation_of(&says.entity, key, look));
            }
            Side::Source => self.source(),
            Side::Destination => self.call.segment,
        };
        within.is_some_and(|segment| any_annotation_within(self.trace, segment, key, look))
    }
}

/// Whether one part of `cause` satisfies `body`.
fn cause_has(cause: &Cause, part: CausePart, body: Option<&Expression>) -> bool {
    fn any<T: Listed>(items: &[T], body: Option<&Expression>) -> bool {
        let last = items.len().saturating_sub(1);
        let at = |(index, item)| CauseSubject { item, index, is_last: index == last };
        items.iter().enumerate().map(at).any(|subject| body_holds(body, &subject))
    }
    let entities = || cause.services.iter().flat_map(|service| &service.entity_path);
    match part {
        CausePart::Service => any(&cause.services.iter().collect::<Vec<_>>(), body),
        CausePart::Entity => any(&entities().collect::<Vec<_>>(), body),
        CausePart::Exception => {
            any(&entities().flat_map(|entity| &entity.exceptions).collect::<Vec<_>>(), body)
        }
    }
}

/// A part of a cause that stands in a list.
trait Listed {
    fn value(&self, field: Field) -> Option<Value<'_>>;
}

impl Listed for &CauseService {
    fn value(&self, field: Field) -> Option<Value<'_>> {
        match field {
            Field::Name => Some(Value::Text(&self.name)),
            Field::Type => {
                Some(Value::Text(&self.service_type)).filter(|_| !self.service_type.is_empty())
            }
            Field::Inferred => Some(Value::Flag(self.inferred)),
            _ => None,
        }
    }
}

impl Listed for &CauseEntity {
    fn value(&self, field: Field) -> Option<Value<'_>> {
        match field {
            Field::Name => Some(Value::Text(&self.name)),
            Field::Remote => Some(Value::Flag(self.remote)),
            Field::Coverage => self.coverage.map(Value::Number),
            _ => None,
        }
    }
}

impl Listed for &CauseException {
    fn value(&self, field: Field) -> Option<Value<'_>> {
        match field {
            Field::Name => Some(Value::Text(&self.name)),
            Field::Message => Some(Value::Text(&self.message)),
            _ => None,
        }
    }
}

struct CauseSubject<'a, T> {
    item: &'a T,
    index: usize,
    is_last: bool,
}

impl<T: Listed> Subject for CauseSubject<'_, T> {
    fn any(&self, field: Field, look: Look<'_>) -> bool {
        let value = match field {
            Field::First => Some(Value::Flag(self.index == 0)),
            Field::Last => Some(Value::Flag(self.is_last)),
            Field::Index => Some(Value::Number(self.index as f64)),
            _ => self.item.value(field),
        };
        value.is_some_and(look)
    }
}
