//! Links to other traces.
//!
//! In: the links of a span. Out: the first 20 as `links`, the others for metadata. Owns nothing.

use serde_json::{Value as Json, json};

use super::json_value::to_object;
use super::view::SpanLink;
use crate::document::limits::MAX_LINKS;
use crate::document::{Link, Object};

/// The links of a document.
pub(super) fn links(links: &[SpanLink<'_>]) -> Vec<Link> {
    let link = |link: &SpanLink<'_>| Link {
        trace_id: Some(link.trace_id),
        id: Some(link.id),
        extra: extra(link),
    };
    links.iter().take(MAX_LINKS).map(link).collect()
}

/// Those for which a document has no room.
pub(super) fn others(links: &[SpanLink<'_>]) -> Vec<Json> {
    let other = |link: &SpanLink<'_>| {
        let mut other = json!({"trace_id": link.trace_id.to_string(), "id": link.id.to_string()});
        if let Some(object) = other.as_object_mut() {
            object.extend(extra(link));
        }
        other
    };
    links.iter().skip(MAX_LINKS).map(other).collect()
}

fn extra(link: &SpanLink<'_>) -> Object {
    let mut extra = Object::new();
    if !link.attributes.is_empty() {
        extra.insert("attributes".to_owned(), Json::Object(to_object(&link.attributes)));
    }
    if !link.trace_state.is_empty() {
        extra.insert("trace_state".to_owned(), link.trace_state.as_ref().into());
    }
    extra
}
