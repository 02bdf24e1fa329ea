//! Packs spans into requests that the endpoint takes.
//!
//! In: the spans of each segment. Out: the bodies of `ExportTraceServiceRequest`, and which segments
//! are in each. Owns the limits. Rule: X-Ray's OTLP endpoint takes 5 MB and 10,000 spans; collectors
//! take more. The spans of a segment stay together unless they alone are too many.

use std::io::Write;

use bytes::Bytes;
use flate2::Compression as Level;
use flate2::write::GzEncoder;

use super::outgoing::{Part, Span};
use crate::config::Compression;
use crate::otlp;

/// Most bytes of a body before it is compressed, and most spans in it.
const MAX_BYTES: usize = 4_500_000;
const MAX_SPANS: usize = 10_000;
/// Most bytes of tags and lengths around a span, and around what spans share.
const AROUND_SPAN: usize = 6;
const AROUND_CONTEXT: usize = 36;

/// A request, ready to be posted.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Request {
    pub(super) body: Bytes,
    pub(super) spans: usize,
    /// Places in the batch of the segments whose spans it has.
    pub(super) places: Vec<usize>,
}

/// Packs `parts` in their order.
pub(super) fn pack(parts: &[Part], compression: Compression) -> Vec<Request> {
    let mut packer = Packer { compression, requests: Vec::new(), filling: Filling::default() };
    for part in parts {
        packer.add(part);
    }
    packer.close();
    packer.requests
}

struct Packer<'p> {
    compression: Compression,
    requests: Vec<Request>,
    filling: Filling<'p>,
}

#[derive(Default)]
struct Filling<'p> {
    spans: Vec<&'p Span>,
    size_bytes: usize,
    places: Vec<usize>,
}

impl<'p> Packer<'p> {
    fn add(&mut self, part: &'p Part) {
        let size_bytes = part.spans.iter().map(size_bytes).sum::<usize>();
        if !self.filling.has_room(size_bytes, part.spans.len()) {
            self.close();
        }
        for span in &part.spans {
            if !self.filling.has_room(self::size_bytes(span), 1) {
                self.close();
            }
            self.filling.add(span, part.place);
        }
    }

    fn close(&mut self) {
        let Filling { spans, places, .. } = std::mem::take(&mut self.filling);
        if spans.is_empty() {
            return;
        }
        let lent = spans.iter().map(|span| (&*span.message, &*span.context));
        let body = compressed(otlp::request(lent), self.compression);
        self.requests.push(Request { body, spans: spans.len(), places });
    }
}

impl<'p> Filling<'p> {
    /// Whether that much fits; into an empty one anything does.
    fn has_room(&self, size_bytes: usize, spans: usize) -> bool {
        self.spans.is_empty()
            || (self.size_bytes + size_bytes <= MAX_BYTES && self.spans.len() + spans <= MAX_SPANS)
    }

    fn add(&mut self, span: &'p Span, place: usize) {
        self.size_bytes += size_bytes(span);
        self.spans.push(span);
        if self.places.last() != Some(&place) {
            self.places.push(place);
        }
    }
}

/// Bytes that a span takes at most, as if it shared nothing.
fn size_bytes(span: &Span) -> usize {
    let context = &span.context;
    let shared = context.resource.len()
        + context.resource_schema_url.len()
        + context.scope.len()
        + context.scope_schema_url.len();
    span.message.len() + shared + AROUND_SPAN + AROUND_CONTEXT
}

fn compressed(body: Vec<u8>, compression: Compression) -> Bytes {
    if compression == Compression::None {
        return body.into();
    }
    let mut encoder = GzEncoder::new(Vec::with_capacity(body.len() / 4), Level::fast());
    // Writing to memory cannot fail.
    match encoder.write_all(&body).and_then(|()| encoder.finish()) {
        Ok(compressed) => compressed.into(),
        Err(_) => body.into(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::otlp::{SpanContext, split};
    use crate::segment::Payload;

    fn part(place: usize, sizes: &[usize]) -> Part {
        let context = Arc::new(SpanContext { resource: "r".into(), ..SpanContext::default() });
        let span = |size: &usize| Span { message: vec![0; *size].into(), context: context.clone() };
        Part { place, spans: sizes.iter().map(span).collect() }
    }

    fn packed(parts: &[Part]) -> Vec<(usize, Vec<usize>)> {
        let requests = pack(parts, Compression::None);
        assert!(requests.iter().all(|it| it.body.len() <= MAX_BYTES || it.spans == 1));
        requests.into_iter().map(|it| (it.spans, it.places)).collect()
    }

    #[test]
    fn what_fits_is_one_request() {
        assert_eq!(packed(&[part(0, &[9, 9]), part(2, &[9])]), [(3, vec![0, 2])]);
        assert_eq!(packed(&[part(0, &[])]), []);
    }

    #[test]
    fn a_segment_without_room_opens_the_next_request() {
        let large = MAX_BYTES / 2 - 500;
        let parts = [part(0, &[large]), part(1, &[large / 2, large]), part(2, &[large / 4])];
        assert_eq!(packed(&parts), [(1, vec![0]), (3, vec![1, 2])]);
        let spans = [part(0, &[1; 6000]), part(1, &[1; 6000])];
        assert_eq!(packed(&spans), [(6000, vec![0]), (6000, vec![1])]);
    }

    #[test]
    fn a_segment_that_is_too_large_alone_is_split() {
        let parts = [part(7, &[1; 25_000]), part(8, &[1])];
        assert_eq!(packed(&parts), [(10_000, vec![7]), (10_000, vec![7]), (5_001, vec![7, 8])]);
        let huge = [part(0, &[1, MAX_BYTES + 1, 1])];
        assert_eq!(packed(&huge), [(1, vec![0]), (1, vec![0]), (1, vec![0])]);
    }

    #[test]
    fn a_body_is_the_spans_as_they_came() {
        let context = |name: &'static str| {
            Arc::new(SpanContext {
                resource: name.into(),
                scope: "s".into(),
                scope_schema_url: "u".into(),
                ..SpanContext::default()
            })
        };
        // Ids are all that is looked at.
        let message = |id: u8| {
            let mut message = otlp::Message::default();
            message.set_bytes(1, &[7; 16]);
            message.set_bytes(2, &[id; 8]);
            Bytes::from(message.into_bytes())
        };
        let (one, two) = (context("a"), context("b"));
        let spans: Vec<_> = [(1, &one), (2, &one), (3, &two)]
            .map(|(id, context)| Span { message: message(id), context: Arc::clone(context) })
            .into();
        let [request] = &pack(&[Part { place: 0, spans }], Compression::Gzip)[..] else { panic!() };
        let mut body = Vec::new();
        std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(&*request.body), &mut body)
            .unwrap();
        let segments = split(&body.into(), None).unwrap().segments;
        let found: Vec<_> = segments
            .iter()
            .map(|segment| match segment.payload() {
                Payload::Span(message, context) => (message.clone(), (**context).clone()),
                Payload::Document(_) => panic!(),
            })
            .collect();
        let meant = [(message(1), &one), (message(2), &one), (message(3), &two)];
        assert_eq!(found, meant.map(|(message, context)| (message, (**context).clone())));
    }
}
