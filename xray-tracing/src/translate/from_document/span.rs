//! Makes the span of one segment or subsegment.

use std::borrow::Cow;

use serde_json::Value as Json;

use super::blocks::{aws_of, http_of, sql_of};
use super::cause::{events_of, message_of};
use super::values::{annotations_of, metadata_of};
use crate::document::{Entity, Kind, Link, Object};
use crate::translate::json_value::from_object;
use crate::translate::metadata::{TRACING, kind_name};
use crate::translate::time::epoch_ns;
use crate::translate::to_document::converted;
use crate::translate::{
    Attribute, Dropped, Event, ParentPlace, Resource, Scope, SpanKind, SpanLink, SpanView, Status,
    overlay,
};
use crate::{SegmentId, TraceId};

/// Where an entity stands.
pub(super) struct Place {
    pub(super) trace_id: TraceId,
    pub(super) id: SegmentId,
    pub(super) parent_id: Option<SegmentId>,
    pub(super) is_embedded: bool,
}

/// The span of `entity` alone.
pub(super) fn span_of<'a>(entity: &'a Entity, place: &Place, resource: &Resource) -> SpanView<'a> {
    let details = Details::of(entity);
    let mut span = SpanView {
        parent_id: place.parent_id,
        parent: match entity.kind {
            _ if place.is_embedded => ParentPlace::Local,
            Kind::Subsegment => ParentPlace::Local,
            Kind::Segment => ParentPlace::Remote,
        },
        kind: kind_of(entity, place, &details),
        trace_state: details.text("trace_state"),
        start_ns: entity.start_time_s.map_or(0, epoch_ns),
        end_ns: details
            .end_ns()
            .or(entity.end_time_s.map(epoch_ns))
            .unwrap_or_else(|| last_known_ns(entity)),
        links: entity.links.iter().filter_map(link_of).collect(),
        dropped: details.dropped(),
        scope: details.scope(),
        ..SpanView::new(place.trace_id, place.id, details.name(entity))
    };
    span.status = status_of(entity, span.kind, &details);
    span.events = details.events();
    span.events.extend(events_of(entity, span.end_ns.max(span.start_ns)));
    span.attributes = attributes_of(entity, span.kind);
    carry_the_rest(&mut span, entity, place, resource);
    span
}

/// For work that goes on: the last time that its document knows. A span without an end would last
/// for ever, or end in 1970.
fn last_known_ns(entity: &Entity) -> u64 {
    let own = [entity.start_time_s, entity.end_time_s].into_iter().flatten().map(epoch_ns);
    own.chain(entity.subsegments.iter().map(last_known_ns)).max().unwrap_or(0)
}

/// Translates the span back, and carries what does not come out as it went in.
fn carry_the_rest(span: &mut SpanView<'_>, entity: &Entity, place: &Place, resource: &Resource) {
    let Some(made) = converted(span, resource).into_iter().next() else { return };
    let meant = Entity {
        kind: if place.is_embedded { Kind::Subsegment } else { entity.kind },
        subsegments: Vec::new(),
        ..entity.clone()
    };
    span.attributes.extend(overlay::differences(&meant, &made));
}

fn kind_of(entity: &Entity, place: &Place, details: &Details<'_>) -> SpanKind {
    const KINDS: [SpanKind; 5] = [
        SpanKind::Internal,
        SpanKind::Server,
        SpanKind::Client,
        SpanKind::Producer,
        SpanKind::Consumer,
    ];
    let said = details.text("kind");
    let said = KINDS.into_iter().find(|kind| kind_name(*kind) == said);
    let is_segment = entity.kind == Kind::Segment && !place.is_embedded;
    match said {
        // A call without parent would be read as two documents.
        Some(SpanKind::Client | SpanKind::Producer) if is_segment || place.parent_id.is_none() => {}
        Some(SpanKind::Server) if !is_segment => {}
        Some(kind) => return kind,
        None => {}
    }
    let calls = matches!(entity.namespace.as_deref(), Some("aws" | "remote"));
    match entity.kind {
        _ if is_segment => SpanKind::Server,
        _ if calls && place.parent_id.is_some() => SpanKind::Client,
        _ => SpanKind::Internal,
    }
}

fn status_of<'a>(entity: &'a Entity, kind: SpanKind, details: &Details<'_>) -> Status<'a> {
    let code = entity.http.as_ref().and_then(|http| http.response.status);
    // A server that answers 4xx has not failed.
    let is_answered = kind == SpanKind::Server && code.is_some_and(|code| code < 500);
    if entity.fault || (entity.error && !is_answered) {
        Status::Error(Cow::Borrowed(message_of(entity)))
    } else if details.text("status") == "ok" {
        Status::Ok
    } else {
        Status::Unset
    }
}

fn attributes_of(entity: &Entity, kind: SpanKind) -> Vec<Attribute<'_>> {
    let mut attributes = Vec::new();
    if entity.in_progress {
        attributes.push(Attribute::new("aws.xray.inprogress", true));
    }
    if let Some(http) = &entity.http {
        http_of(http, kind, &mut attributes);
    }
    aws_of(entity, &mut attributes);
    if let Some(sql) = &entity.sql {
        sql_of(sql, &mut attributes);
    }
    if kind == SpanKind::Client && entity.namespace.as_deref() == Some("remote") {
        attributes.push(Attribute::new("peer.service", entity.name.as_str()));
    }
    if let Some(user) = &entity.user {
        attributes.push(Attribute::new("user.id", user.as_str()));
    }
    annotations_of(entity, &mut attributes);
    metadata_of(entity, &mut attributes);
    attributes
}

fn link_of(link: &Link) -> Option<SpanLink<'_>> {
    let attributes = link.extra.get("attributes").and_then(Json::as_object);
    Some(SpanLink {
        trace_id: link.trace_id?,
        id: link.id.filter(|id| id.to_u64() != 0)?,
        trace_state: text(&link.extra, "trace_state"),
        attributes: attributes.map(from_object).unwrap_or_default(),
    })
}

/// What the span said that a document was made of: the metadata of the namespace `tracing`.
struct Details<'a> {
    said: Option<&'a Object>,
}

impl<'a> Details<'a> {
    fn of(entity: &'a Entity) -> Self {
        Self { said: entity.metadata.get(TRACING).and_then(Json::as_object) }
    }

    fn get(&self, key: &str) -> Option<&'a Json> {
        self.said?.get(key)
    }

    fn text(&self, key: &str) -> Cow<'a, str> {
        self.said.map_or(Cow::Borrowed(""), |said| text(said, key))
    }

    fn name(&self, entity: &'a Entity) -> Cow<'a, str> {
        match self.text("span") {
            name if name.is_empty() => Cow::Borrowed(&entity.name),
            name => name,
        }
    }

    /// The end that lies before the start.
    fn end_ns(&self) -> Option<u64> {
        self.get("end_time")?.as_f64().map(epoch_ns)
    }

    fn events(&self) -> Vec<Event<'a>> {
        let events = self.get("events").and_then(Json::as_array).into_iter().flatten();
        let event = |event: &'a Json| {
            let event = event.as_object()?;
            let attributes = event.get("attributes").and_then(Json::as_object);
            Some(Event {
                name: text(event, "name"),
                time_ns: epoch_ns(event.get("time")?.as_f64()?),
                attributes: attributes.map(from_object).unwrap_or_default(),
            })
        };
        events.filter_map(event).collect()
    }

    fn scope(&self) -> Scope<'a> {
        let Some(scope) = self.get("scope").and_then(Json::as_object) else {
            return Scope::default();
        };
        let attributes = scope.get("attributes").and_then(Json::as_object);
        Scope {
            name: text(scope, "name"),
            version: text(scope, "version"),
            attributes: attributes.map(from_object).unwrap_or_default(),
        }
    }

    fn dropped(&self) -> Dropped {
        let count = |key: &str| {
            let count = self.get("dropped")?.get(key)?.as_u64()?;
            u32::try_from(count).ok()
        };
        Dropped {
            attributes: count("attributes").unwrap_or(0),
            events: count("events").unwrap_or(0),
            links: count("links").unwrap_or(0),
        }
    }
}

fn text<'a>(object: &'a Object, key: &str) -> Cow<'a, str> {
    Cow::Borrowed(object.get(key).and_then(Json::as_str).unwrap_or_default())
}
