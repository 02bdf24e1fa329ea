//! Walks the tree of a document.

use super::resource::resource_of;
use super::span::{Place, span_of};
use crate::document::Entity;
use crate::translate::ids::{Derived, derive};
use crate::translate::{Attribute, Options, Resource, SpanView};
use crate::{SegmentId, TraceId};

/// The spans of a document.
#[derive(Clone, Debug, PartialEq)]
pub struct Spans<'a> {
    /// Attributes of the resource.
    pub resource: Vec<Attribute<'a>>,
    /// One for each segment and subsegment, parents first.
    pub spans: Vec<SpanView<'a>>,
}

/// Why a document has no spans.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotASpan {
    /// No trace id, or none that can be read.
    #[error("the document has no valid trace_id, which every span needs")]
    NoTraceId,
    /// No id, or none that can be read.
    #[error("the document has no valid id, which every span needs")]
    NoId,
}

/// The spans of `entity` and its subsegments.
///
/// ```
/// use xray_tracing::document::Entity;
/// use xray_tracing::translate::{Options, Resource, from_document, to_documents};
/// let document = br#"{"id":"70de5b6f19ff9a0a","trace_id":"1-5f29ab21-d4ebf299219a65bd5c31d6da",
///     "name":"shop","start_time":1.5,"end_time":2,"fault":true,"origin":"AWS::EC2::Instance"}"#;
/// let segment = Entity::parse(document)?;
/// let spans = from_document(&segment)?;
/// let resource = Resource::new(spans.resource, &Options::default());
/// assert_eq!(to_documents(&spans.spans[0], &resource), [segment.clone()]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// The document has no trace id or no id.
pub fn from_document(entity: &Entity) -> Result<Spans<'_>, NotASpan> {
    let trace_id = trace_id_of(entity).ok_or(NotASpan::NoTraceId)?;
    let id = entity.id.filter(|id| id.to_u64() != 0).ok_or(NotASpan::NoId)?;
    let resource = resource_of(entity);
    let prepared = Resource::new(resource.clone(), &Options::default());
    let mut spans = Vec::new();
    let mut waiting = vec![Node { entity, id, parent_id: entity.parent_id, is_embedded: false }];
    while let Some(node) = waiting.pop() {
        spans.push(span_of(node.entity, &node.place(trace_id), &prepared));
        // The last is taken first: children come in their order.
        waiting.extend(node.children(trace_id).rev());
    }
    Ok(Spans { resource, spans })
}

/// The trace id, also one in W3C form, or one that lost leading zeros of a part. Such ids are kept as
/// text, since X-Ray takes them not.
fn trace_id_of(entity: &Entity) -> Option<TraceId> {
    let text = || entity.extra.get("trace_id")?.as_str().map(str::trim);
    entity.trace_id.or_else(|| trace_id_from(text()?))
}

fn trace_id_from(text: &str) -> Option<TraceId> {
    let digits = match text.strip_prefix("1-").and_then(|parts| parts.split_once('-')) {
        Some((epoch, unique)) => format!("{}{}", padded(epoch, 8)?, padded(unique, 24)?),
        None => text.to_owned(),
    };
    let is_hex = digits.len() == 32 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    let bits = u128::from_str_radix(&digits, 16).ok().filter(|bits| is_hex && *bits != 0)?;
    Some(TraceId::from_bytes(bits.to_be_bytes()))
}

fn padded(digits: &str, length: usize) -> Option<String> {
    let fits = (1..=length).contains(&digits.len()) && digits.is_ascii();
    fits.then(|| format!("{digits:0>length$}"))
}

struct Node<'a> {
    entity: &'a Entity,
    id: SegmentId,
    parent_id: Option<SegmentId>,
    is_embedded: bool,
}

impl<'a> Node<'a> {
    fn place(&self, trace_id: TraceId) -> Place {
        let Self { id, parent_id, is_embedded, .. } = *self;
        Place { trace_id, id, parent_id, is_embedded }
    }

    fn children(&self, trace_id: TraceId) -> impl DoubleEndedIterator<Item = Node<'a>> {
        let parent_id = self.id;
        self.entity.subsegments.iter().enumerate().map(move |(place, entity)| {
            let own = entity.id.filter(|id| id.to_u64() != 0);
            let id = own.unwrap_or_else(|| derive(trace_id, parent_id, Derived::Child(place)));
            Node { entity, id, parent_id: Some(parent_id), is_embedded: true }
        })
    }
}
