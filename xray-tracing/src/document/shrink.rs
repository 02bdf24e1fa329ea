//! Makes one entity small enough by leaving out what it says.
//!
//! In: an [`Entity`] without its subsegments. Out: the same, within a number of bytes, and what was
//! lost. Owns nothing. In order: stack frames, then the longest metadata and SQL text (cut, with a
//! mark), then whole members, the least telling first. Id, name, times and flags always stay.

use std::mem;
use std::ops::AddAssign;

use serde_json::Value;

use super::limits::MAX_NAME_CHARS;
use super::{Cause, Entity, Exception, Object, cut_bytes, cut_chars};

/// Room for an entity without its optional members: name, user, origin and namespace, every
/// character escaped, ids, times and flags.
pub(super) const MIN_BYTES: usize = 4_096;

/// Frames of each stack that are left, step by step.
const FRAMES_KEPT: [usize; 3] = [16, 4, 0];

/// Bytes of a text that are left, step by step: the beginning says most.
const TEXT_BYTES_KEPT: [usize; 3] = [4_096, 256, 0];

/// Room for the mark behind a text that was cut.
const MARK_BYTES: usize = 40;

/// What was left out of documents to make them fit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Losses {
    /// Frames of stacks. Their number is also in the exception's `truncated`.
    pub stack_frames: usize,
    /// Texts that were cut, with a mark.
    pub texts: usize,
    /// Members, such as `annotations` or one metadata entry, that were dropped.
    pub members: usize,
}

impl Losses {
    /// Nothing was lost.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl AddAssign for Losses {
    fn add_assign(&mut self, more: Self) {
        self.stack_frames += more.stack_frames;
        self.texts += more.texts;
        self.members += more.members;
    }
}

/// Shrinks `entity` to at most `max_bytes`, which must not be less than [`MIN_BYTES`]. Returns its
/// size in bytes.
pub(super) fn shrink(entity: &mut Entity, max_bytes: usize, losses: &mut Losses) -> usize {
    let mut bytes = encoded_bytes(entity);
    for kept in FRAMES_KEPT {
        if bytes <= max_bytes {
            return bytes;
        }
        drop_frames(entity, kept, losses);
        bytes = encoded_bytes(entity);
    }
    for kept_bytes in TEXT_BYTES_KEPT {
        if bytes <= max_bytes {
            return bytes;
        }
        cut_texts(entity, kept_bytes, bytes - max_bytes, losses);
        bytes = encoded_bytes(entity);
    }
    for drop_member in MEMBERS {
        if bytes <= max_bytes {
            return bytes;
        }
        losses.members += usize::from(drop_member(entity));
        bytes = encoded_bytes(entity);
    }
    bytes
}

fn encoded_bytes(entity: &Entity) -> usize {
    let mut document = Vec::new();
    entity.encode(&mut document);
    document.len()
}

fn drop_frames(entity: &mut Entity, kept: usize, losses: &mut Losses) {
    let Some(Cause::Detail(detail)) = &mut entity.cause else { return };
    for exception in &mut detail.exceptions {
        let dropped = exception.stack.len().saturating_sub(kept);
        if dropped > 0 {
            exception.stack.truncate(kept);
            count_truncated(exception, dropped);
            losses.stack_frames += dropped;
        }
    }
}

fn count_truncated(exception: &mut Exception, frames: usize) {
    let before = exception.truncated.unwrap_or(0);
    exception.truncated = Some(before.saturating_add(frames as u64));
}

/// Cuts the longest texts first, none below `kept_bytes`, until `over_bytes` are gone.
fn cut_texts(entity: &mut Entity, kept_bytes: usize, over_bytes: usize, losses: &mut Losses) {
    let mut texts = long_texts(entity, kept_bytes + MARK_BYTES);
    texts.sort_by_key(|(text_bytes, _)| std::cmp::Reverse(*text_bytes));
    let mut over_bytes = over_bytes;
    for (text_bytes, text) in texts {
        if over_bytes == 0 {
            return;
        }
        let wanted = text_bytes.saturating_sub(over_bytes + MARK_BYTES).max(kept_bytes);
        let after = text.cut(wanted);
        losses.texts += 1;
        over_bytes = over_bytes.saturating_sub(text_bytes.saturating_sub(after));
    }
}

/// A text that may be cut.
enum LongText<'a> {
    Metadata(&'a mut Value),
    Statement(&'a mut String),
    Message(&'a mut String),
}

/// Metadata entries, SQL and exception messages of more than `min_bytes`, with their size.
fn long_texts(entity: &mut Entity, min_bytes: usize) -> Vec<(usize, LongText<'_>)> {
    let mut texts = Vec::new();
    for value in entity.metadata.values_mut().filter_map(Value::as_object_mut) {
        texts.extend(value.values_mut().map(LongText::Metadata));
    }
    if let Some(query) = entity.sql.as_mut().and_then(|sql| sql.sanitized_query.as_mut()) {
        texts.push(LongText::Statement(query));
    }
    if let Some(Cause::Detail(detail)) = &mut entity.cause {
        let messages = detail.exceptions.iter_mut().filter_map(|it| it.message.as_mut());
        texts.extend(messages.map(LongText::Message));
    }
    let sized = texts.into_iter().map(|text| (text.bytes(), text));
    sized.filter(|(bytes, _)| *bytes > min_bytes).collect()
}

impl LongText<'_> {
    /// Bytes of it in the document.
    fn bytes(&self) -> usize {
        match self {
            Self::Metadata(value) => value.to_string().len(),
            Self::Statement(text) | Self::Message(text) => escaped_bytes(text),
        }
    }

    /// Leaves about `kept_bytes` of it, and a mark. Returns its bytes in the document then. What is
    /// no text is cut as its JSON, which becomes a text.
    fn cut(self, kept_bytes: usize) -> usize {
        match self {
            Self::Metadata(value) => {
                let text = match value.take() {
                    Value::String(text) => text,
                    other => other.to_string(),
                };
                let cut = cut_with_mark(&text, kept_bytes);
                let bytes = escaped_bytes(&cut);
                *value = Value::String(cut);
                bytes
            }
            Self::Statement(text) | Self::Message(text) => {
                *text = cut_with_mark(text, kept_bytes);
                escaped_bytes(text)
            }
        }
    }
}

/// The beginning of `text` that has at most `kept_bytes` once escaped, and how much was cut.
fn cut_with_mark(text: &str, kept_bytes: usize) -> String {
    let mut kept = cut_bytes(text, kept_bytes);
    while escaped_bytes(kept) > kept_bytes + 2 {
        let share = kept.len() * kept_bytes / escaped_bytes(kept);
        kept = cut_bytes(kept, share.min(kept.len().saturating_sub(1)));
    }
    format!("{kept}… ({} bytes cut)", text.len() - kept.len())
}

/// Bytes of the text in JSON, its quotes among them.
fn escaped_bytes(text: &str) -> usize {
    let mut escaped = Vec::with_capacity(text.len());
    super::json::escape_into(text, &mut escaped);
    escaped.len() + 2
}

/// Takes a member away, and says whether there was one.
type DropMember = fn(&mut Entity) -> bool;

/// Members that can be missed, the least telling first; at last texts that are too long.
const MEMBERS: [DropMember; 15] = [
    |entity| drop_object(&mut entity.extra),
    |entity| drop_object(&mut entity.metadata),
    |entity| entity.service.take().is_some(),
    |entity| drop_list(&mut entity.links),
    |entity| drop_list(&mut entity.precursor_ids),
    |entity| entity.sql.take().is_some(),
    |entity| entity.aws.take().is_some(),
    |entity| entity.cause.take().is_some(),
    |entity| drop_list(&mut entity.annotations),
    |entity| entity.http.take().is_some(),
    |entity| cut_member(&mut entity.user),
    |entity| cut_member(&mut entity.resource_arn),
    |entity| cut_member(&mut entity.origin),
    |entity| cut_member(&mut entity.namespace),
    |entity| cut_text(&mut entity.name, MAX_NAME_CHARS),
];

fn drop_object(object: &mut Object) -> bool {
    !mem::take(object).is_empty()
}

fn drop_list<T>(list: &mut Vec<T>) -> bool {
    !mem::take(list).is_empty()
}

/// A text without limit of its own loses all but its first 100 characters.
fn cut_member(member: &mut Option<String>) -> bool {
    const MAX_CHARS: usize = 100;
    member.as_mut().is_some_and(|text| cut_text(text, MAX_CHARS))
}

fn cut_text(text: &mut String, max_chars: usize) -> bool {
    let kept = cut_chars(text, max_chars).len();
    let cut = kept < text.len();
    text.truncate(kept);
    cut
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::{AnnotationValue, CauseDetail, Sql, StackFrame};
    use super::*;

    fn shrunk(entity: &Entity, max_bytes: usize) -> (Entity, Losses) {
        let (mut entity, mut losses) = (entity.clone(), Losses::default());
        let bytes = shrink(&mut entity, max_bytes, &mut losses);
        assert_eq!(entity.to_json().len(), bytes);
        assert!(bytes <= max_bytes, "{bytes} bytes");
        (entity, losses)
    }

    /// An exception with 100 frames of 100 bytes, and a text of that many bytes in metadata and in
    /// SQL.
    fn failed_query(metadata_bytes: usize, query_bytes: usize) -> Entity {
        let frame = StackFrame { label: Some("f".repeat(86)), ..StackFrame::default() };
        let exception =
            Exception { stack: vec![frame; 100], truncated: Some(5), ..Exception::default() };
        let detail = CauseDetail { exceptions: vec![exception], ..CauseDetail::default() };
        let mut entity = Entity {
            name: "db".into(),
            cause: Some(Cause::Detail(detail)),
            sql: Some(Sql { sanitized_query: Some("q".repeat(query_bytes)), ..Sql::default() }),
            annotations: vec![("kept".into(), AnnotationValue::Bool(true))],
            ..Entity::default()
        };
        entity.metadata.insert("default".into(), json!({"m": "m".repeat(metadata_bytes)}));
        entity
    }

    fn exception(entity: &Entity) -> &Exception {
        match &entity.cause {
            Some(Cause::Detail(detail)) => &detail.exceptions[0],
            other => panic!("{other:?}"),
        }
    }

    fn query(entity: &Entity) -> &str {
        entity.sql.as_ref().unwrap().sanitized_query.as_deref().unwrap()
    }

    #[test]
    fn what_fits_is_left_alone() {
        let entity = failed_query(100, 100);
        assert_eq!(shrunk(&entity, 60_000), (entity, Losses::default()));
    }

    #[test]
    fn frames_go_first_and_are_counted() {
        let (entity, losses) = shrunk(&failed_query(1_000, 2_000), 8_000);
        assert_eq!(
            (exception(&entity).stack.len(), exception(&entity).truncated),
            (16, Some(5 + 84))
        );
        assert_eq!(losses, Losses { stack_frames: 84, ..Losses::default() });
        let (entity, losses) = shrunk(&failed_query(1_000, 2_000), 4_096);
        assert_eq!((exception(&entity).stack.len(), losses.stack_frames), (4, 96));
    }

    #[test]
    fn then_the_longest_text_is_cut_with_a_mark_as_far_as_needed() {
        let (entity, losses) = shrunk(&failed_query(20_000, 30_000), 40_000);
        assert_eq!(losses, Losses { stack_frames: 100, texts: 1, members: 0 });
        let cut = query(&entity);
        assert!(cut.starts_with("qqqq") && cut.ends_with(" bytes cut)"), "{cut}");
        assert!(cut.len() > 19_500, "cut to {} bytes", cut.len());
        assert_eq!(entity.metadata["default"]["m"], "m".repeat(20_000));
    }

    #[test]
    fn texts_keep_their_beginnings_before_any_is_cut_shorter() {
        let (entity, losses) = shrunk(&failed_query(50_000, 50_000), 10_000);
        assert_eq!(losses, Losses { stack_frames: 100, texts: 2, members: 0 });
        assert!(query(&entity).starts_with(&"q".repeat(4_096)));
        assert!(entity.metadata["default"]["m"].as_str().unwrap().starts_with(&"m".repeat(4_096)));
    }

    #[test]
    fn metadata_that_is_no_text_is_cut_as_its_json() {
        let mut entity = failed_query(0, 0);
        entity.metadata.insert("debug".into(), json!({"rows": vec![json!({"n": 1}); 5_000]}));
        let (entity, _) = shrunk(&entity, 8_000);
        let rows = entity.metadata["debug"]["rows"].as_str().unwrap();
        assert!(
            rows.starts_with(r#"[{"n":1},{"n":1},"#) && rows.ends_with(" bytes cut)"),
            "{rows}"
        );
    }

    #[test]
    fn members_are_dropped_last_and_the_rest_stays() {
        let mut entity = failed_query(10, 10);
        entity.extra.insert("Dummy".into(), vec![1; 50_000].into());
        let (left, losses) = shrunk(&entity, 4_096);
        assert_eq!(losses, Losses { stack_frames: 100, texts: 0, members: 1 });
        assert_eq!((left.extra.len(), left.metadata.len(), left.annotations.len()), (0, 1, 1));
    }

    #[test]
    fn the_worst_entity_still_fits() {
        let worst = "\u{1}".repeat(70_000);
        let mut entity = Entity {
            name: worst.clone(),
            user: Some(worst.clone()),
            origin: Some(worst.clone()),
            resource_arn: Some(worst.clone()),
            namespace: Some(worst.clone()),
            annotations: vec![("k".into(), AnnotationValue::String(worst.clone()))],
            cause: Some(Cause::ExceptionId(worst.clone())),
            ..failed_query(0, 0)
        };
        entity.metadata.insert(worst.clone(), worst.into());
        let (left, losses) = shrunk(&entity, MIN_BYTES);
        assert_eq!(left.name, "\u{1}".repeat(200));
        assert_eq!(left.annotations, []);
        assert!(losses.members >= 8, "{losses:?}");
    }
}
