//! Accepts or refuses a document as the X-Ray service does.
//!
//! In: the document that somebody sends. Out: its [`Entity`], or a refusal with the service's own
//! code and message. Owns nothing. The checks stand in the service's order, and the first that
//! fails decides; one bad embedded subsegment refuses the whole document. Rule: answers of
//! `PutTraceSegments`; the limit of 64 KiB with its message is ours.

use std::fmt;

use serde_json::Value;

use super::limits::{MAX_DOCUMENT_BYTES, MAX_NAME_CHARS};
use super::{Entity, Kind, ParseError, cut_chars};

/// Most characters of a sender's id that are given back to it.
const MAX_ECHOED_ID_CHARS: usize = 64;

/// The service's `ErrorCode` of an unprocessed document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RefusalCode {
    /// Not JSON, trailing bytes, or no object.
    ParseError,
    /// `type` is neither `segment` nor `subsegment`.
    UnknownType,
    /// No `id`.
    MissingId,
    /// `id` is not 16 hex digits.
    InvalidId,
    /// No `name`, or an empty one.
    MissingName,
    /// No `trace_id`.
    MissingTraceId,
    /// `trace_id` is not `1-` + 8 hex digits + `-` + 24 hex digits.
    InvalidTraceId,
    /// No `start_time`, or not a number.
    MissingStartTime,
    /// A segment has `end_time` and `in_progress`.
    InProgressSegmentHasEndTime,
    /// A subsegment has `end_time` and `in_progress`.
    InProgressSubsegmentHasEndTime,
    /// Neither `end_time` nor `in_progress`.
    MissingEndTime,
    /// A subsegment on its own without `parent_id`.
    MissingParentId,
    /// `parent_id` is not 16 hex digits.
    InvalidParentId,
    /// Too large.
    InvalidSegment,
}

impl RefusalCode {
    /// The code as the service writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ParseError => "ParseError",
            Self::UnknownType => "UnknownType",
            Self::MissingId => "MissingId",
            Self::InvalidId => "InvalidId",
            Self::MissingName => "MissingName",
            Self::MissingTraceId => "MissingTraceId",
            Self::InvalidTraceId => "InvalidTraceId",
            Self::MissingStartTime => "MissingStartTime",
            Self::InProgressSegmentHasEndTime => "InProgressSegmentHasEndTime",
            Self::InProgressSubsegmentHasEndTime => "InProgressSubsegmentHasEndTime",
            Self::MissingEndTime => "MissingEndTime",
            Self::MissingParentId => "MissingParentId",
            Self::InvalidParentId => "InvalidParentId",
            Self::InvalidSegment => "InvalidSegment",
        }
    }
}

impl fmt::Display for RefusalCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why the service does not take a document: one item of `UnprocessedTraceSegments`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Refusal {
    /// `ErrorCode`.
    pub code: RefusalCode,
    /// `Message`, in the service's words.
    pub message: String,
    /// `Id` of the document's outermost entity as it was sent, up to 64 characters; `None` if it
    /// cannot be read.
    pub id: Option<String>,
}

/// Reads a document and checks it as `PutTraceSegments` does.
///
/// ```
/// use xray_tracing::document::{RefusalCode, accept};
/// let refusal = accept(br#"{"id":"70de5b6f19ff9a0a","name":"cart"}"#).unwrap_err();
/// assert_eq!(refusal.code, RefusalCode::MissingTraceId);
/// assert_eq!(refusal.message, "Invalid segment. ErrorCode: MissingTraceId");
/// assert_eq!(refusal.id.as_deref(), Some("70de5b6f19ff9a0a"));
/// ```
///
/// Names of more than 200 characters are cut, not refused.
///
/// # Errors
/// The service would not take the document; the refusal says why in its words.
pub fn accept(document: &[u8]) -> Result<Entity, Refusal> {
    let mut entity = Entity::parse(document).map_err(|error| unreadable(document, &error))?;
    match check(&mut entity, document.len()) {
        Ok(()) => Ok(entity),
        Err((code, message)) => Err(Refusal { code, message, id: sent_id(&entity) }),
    }
}

fn unreadable(document: &[u8], error: &ParseError) -> Refusal {
    // The service says "segment" of what began like one.
    let what = match error {
        ParseError::NotJson(_) if document.trim_ascii_start().starts_with(b"{") => "segment",
        ParseError::NotJson(_) | ParseError::NotAnObject { .. } => "entity",
    };
    let code = RefusalCode::ParseError;
    Refusal { code, message: format!("Invalid {what}. ErrorCode: {code}"), id: None }
}

fn check(entity: &mut Entity, size_bytes: usize) -> Result<(), (RefusalCode, String)> {
    if size_bytes > MAX_DOCUMENT_BYTES {
        let code = RefusalCode::InvalidSegment;
        let cause = format!("{size_bytes} bytes exceed the limit of {MAX_DOCUMENT_BYTES}");
        return Err((code, format!("Invalid segment. ErrorCode: {code}, Cause: {cause}")));
    }
    if entity.extra.get("type").is_some_and(Value::is_string) {
        return Err(entity_refused(RefusalCode::UnknownType));
    }
    check_entity(entity, Place::Document)
}

/// Where an entity stands: inside its parent it needs neither trace nor parent id.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Document,
    Embedded,
}

fn check_entity(entity: &mut Entity, place: Place) -> Result<(), (RefusalCode, String)> {
    if let Some(code) = first_fault(entity, place) {
        return Err(match entity.kind {
            Kind::Segment => (code, format!("Invalid segment. ErrorCode: {code}")),
            Kind::Subsegment => {
                (code, format!("Invalid subsegment. ErrorCode: {code}, Cause: null"))
            }
        });
    }
    let name_bytes = cut_chars(&entity.name, MAX_NAME_CHARS).len();
    entity.name.truncate(name_bytes);
    for child in &mut entity.subsegments {
        check_entity(child, Place::Embedded)?;
    }
    if entity.extra.get("subsegments").is_some_and(Value::is_array) {
        return Err(entity_refused(RefusalCode::ParseError)); // an element that is no object
    }
    Ok(())
}

fn first_fault(entity: &Entity, place: Place) -> Option<RefusalCode> {
    let independent = place == Place::Document;
    let sent = |key| entity.extra.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
    if entity.id.is_none() {
        return Some(if sent("id").is_some() {
            RefusalCode::InvalidId
        } else {
            RefusalCode::MissingId
        });
    }
    if entity.name.is_empty() {
        return Some(RefusalCode::MissingName);
    }
    if independent && entity.trace_id.is_none() {
        return Some(match sent("trace_id") {
            Some(_) => RefusalCode::InvalidTraceId,
            None => RefusalCode::MissingTraceId,
        });
    }
    if entity.start_time_s.is_none() {
        return Some(RefusalCode::MissingStartTime);
    }
    if entity.in_progress && entity.end_time_s.is_some() {
        return Some(match entity.kind {
            Kind::Segment => RefusalCode::InProgressSegmentHasEndTime,
            Kind::Subsegment => RefusalCode::InProgressSubsegmentHasEndTime,
        });
    }
    if !entity.in_progress && entity.end_time_s.is_none() {
        return Some(RefusalCode::MissingEndTime);
    }
    if independent && entity.parent_id.is_none() {
        if sent("parent_id").is_some() {
            return Some(RefusalCode::InvalidParentId);
        }
        if entity.kind == Kind::Subsegment {
            return Some(RefusalCode::MissingParentId);
        }
    }
    None
}

fn entity_refused(code: RefusalCode) -> (RefusalCode, String) {
    (code, format!("Invalid entity. ErrorCode: {code}"))
}

fn sent_id(entity: &Entity) -> Option<String> {
    let sent = entity.extra.get("id").and_then(Value::as_str);
    let sent = sent.map(|id| cut_chars(id, MAX_ECHOED_ID_CHARS).to_owned());
    entity.id.map(|id| id.to_string()).or(sent)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::super::arbitrary::odd_object;
    use super::*;

    const ID: &str = "70de5b6f19ff9a0a";

    /// A segment that the service takes.
    fn good() -> Value {
        json!({"id": ID, "name": "cart", "start_time": 1.5, "end_time": 2.5,
               "trace_id": "1-5f29ab21-d4ebf299219a65bd5c31d6da"})
    }

    /// The good segment with other values; `null` takes a member away.
    fn with(changes: Value) -> Value {
        let mut document = good();
        for (key, value) in changes.as_object().unwrap() {
            document[key] = value.clone();
        }
        document
    }

    fn with_child(changes: Value) -> Value {
        let mut child =
            json!({"id": "1111111111111111", "name": "db", "start_time": 1.6, "end_time": 1.7});
        for (key, value) in changes.as_object().unwrap() {
            child[key] = value.clone();
        }
        with(
            json!({"subsegments": [{"id": "2222222222222222", "name": "ok", "start_time": 1, "in_progress": true,
                                     "subsegments": [child]}]}),
        )
    }

    fn refusal(document: &str) -> Refusal {
        accept(document.as_bytes()).unwrap_err()
    }

    fn assert_refused(document: Value, code: RefusalCode, message: &str) {
        let refusal = refusal(&document.to_string());
        let id = document["id"].as_str().map(str::to_owned);
        assert_eq!(refusal, Refusal { code, message: message.into(), id }, "{document}");
    }

    #[test]
    fn what_is_complete_is_accepted() {
        let taken = [
            good(),
            with(json!({"type": "segment"})),
            with(json!({"type": ""})),
            with(json!({"type": "subsegment", "parent_id": "1111111111111111"})),
            with(json!({"end_time": null, "in_progress": true})),
            with(json!({"in_progress": false, "end_time": 0, "start_time": 99})),
            with(json!({"parent_id": ""})),
            with(json!({"trace_id": "1-5F29AB21-D4EBF299219A65BD5C31D6DA"})),
            with(json!({"subsegments": null, "annotations": [1], "http": "odd", "Dummy": false})),
            with_child(json!({"trace_id": "odd", "parent_id": "odd", "type": "odd"})),
        ];
        for document in taken {
            assert_eq!(accept(document.to_string().as_bytes()).err(), None, "{document}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_a_parse_error_of_what_it_looks_like() {
        let cases = [
            (r#"{"id":"#, "segment"),
            (" {]", "segment"),
            ("{} {}", "segment"),
            ("1 2", "entity"),
            ("", "entity"),
            ("garbage", "entity"),
            ("[]", "entity"),
            ("\"text\"", "entity"),
            ("12", "entity"),
        ];
        for (document, what) in cases {
            let message = format!("Invalid {what}. ErrorCode: ParseError");
            let expected = Refusal { code: RefusalCode::ParseError, message, id: None };
            assert_eq!(refusal(document), expected, "{document}");
        }
    }

    #[test]
    fn a_segment_is_refused_in_the_services_words() {
        use RefusalCode::*;
        let cases = [
            (json!({"id": null}), MissingId),
            (json!({"id": ""}), MissingId),
            (json!({"id": 17}), MissingId),
            (json!({"id": "short"}), InvalidId),
            (json!({"name": null}), MissingName),
            (json!({"name": ""}), MissingName),
            (json!({"name": 5}), MissingName),
            (json!({"trace_id": null}), MissingTraceId),
            (json!({"trace_id": ""}), MissingTraceId),
            (json!({"trace_id": "1-5f29ab21-d4ebf299219a65bd5c31d6d"}), InvalidTraceId),
            (json!({"start_time": null}), MissingStartTime),
            (json!({"start_time": "1.5"}), MissingStartTime),
            (json!({"in_progress": true}), InProgressSegmentHasEndTime),
            (json!({"end_time": null}), MissingEndTime),
            (json!({"end_time": "2.5"}), MissingEndTime),
            (json!({"parent_id": "odd"}), InvalidParentId),
        ];
        for (changes, code) in cases {
            assert_refused(with(changes), code, &format!("Invalid segment. ErrorCode: {code}"));
        }
        let message = "Invalid entity. ErrorCode: UnknownType";
        assert_refused(with(json!({"type": "span", "id": null})), UnknownType, message);
    }

    #[test]
    fn a_subsegment_is_refused_in_the_services_words() {
        use RefusalCode::*;
        let message = |code| format!("Invalid subsegment. ErrorCode: {code}, Cause: null");
        let independent = [
            (json!({}), MissingParentId),
            (json!({"parent_id": ""}), MissingParentId),
            (json!({"parent_id": "odd"}), InvalidParentId),
            (json!({"parent_id": ID, "in_progress": true}), InProgressSubsegmentHasEndTime),
            (json!({"parent_id": ID, "name": ""}), MissingName),
        ];
        for (mut changes, code) in independent {
            changes["type"] = "subsegment".into();
            assert_refused(with(changes), code, &message(code));
        }
        let embedded = [
            (json!({"id": null}), MissingId),
            (json!({"id": "odd"}), InvalidId),
            (json!({"name": null}), MissingName),
            (json!({"start_time": null}), MissingStartTime),
            (json!({"in_progress": true}), InProgressSubsegmentHasEndTime),
            (json!({"end_time": null}), MissingEndTime),
        ];
        for (changes, code) in embedded {
            assert_refused(with_child(changes), code, &message(code));
        }
        let message = "Invalid entity. ErrorCode: ParseError";
        assert_refused(with(json!({"subsegments": [7]})), ParseError, message);
    }

    #[test]
    fn the_first_check_that_fails_decides() {
        let everything_wrong = json!({"type": "subsegment", "in_progress": true, "end_time": 2});
        let refusal = refusal(&everything_wrong.to_string());
        assert_eq!((refusal.code, refusal.id), (RefusalCode::MissingId, None));
    }

    #[test]
    fn a_name_of_201_characters_is_cut_not_refused() {
        let long = "ü".repeat(201);
        let mut document = with_child(json!({"name": long}));
        document["name"] = long.into();
        let entity = accept(document.to_string().as_bytes()).unwrap();
        assert_eq!(entity.name, "ü".repeat(200));
        assert_eq!(entity.subsegments[0].subsegments[0].name, "ü".repeat(200));
    }

    #[test]
    fn a_document_of_64_kib_is_taken_and_one_byte_more_is_not() {
        let empty = with(json!({"user": ""})).to_string();
        let full = with(json!({"user": "x".repeat(65_536 - empty.len())})).to_string();
        assert_eq!((full.len(), accept(full.as_bytes()).is_ok()), (65_536, true));
        let refusal = refusal(&(full + " "));
        assert_eq!(refusal.code, RefusalCode::InvalidSegment);
        assert_eq!(
            refusal.message,
            "Invalid segment. ErrorCode: InvalidSegment, Cause: 65537 bytes exceed the limit of 65536"
        );
        assert_eq!(refusal.id.as_deref(), Some(ID));
    }

    proptest! {
        #[test]
        fn whatever_is_accepted_has_what_a_store_needs(document in odd_object()) {
            match accept(document.to_string().as_bytes()) {
                Ok(entity) => prop_assert!(
                    entity.id.is_some() && entity.trace_id.is_some() && entity.start_time_s.is_some()
                ),
                Err(refusal) => prop_assert!(refusal.message.contains(refusal.code.as_str())),
            }
        }
    }
}
