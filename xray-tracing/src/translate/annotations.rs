//! Makes annotations of the attributes that shall be searchable.
//!
//! In: attributes, and which of them to index. Out: annotations within X-Ray's rules: keys
//! sanitised, at most 50, texts of at most 1,000 characters. Owns nothing. What an annotation
//! cannot say in full stays for metadata.

use std::collections::HashSet;

use super::attributes::Attributes;
use super::keys::Key;
use super::options::Options;
use super::view::Value;
use crate::document::limits::{MAX_ANNOTATION_VALUE_CHARS, MAX_ANNOTATIONS};
use crate::document::{AnnotationValue, cut_chars, sanitize_annotation_key};

/// Whole numbers up to here are exact as an annotation, which is a double.
const MAX_EXACT: u64 = 1 << 53;

/// Which attributes become annotations.
#[derive(Clone, Debug, Default)]
pub(super) struct Indexing {
    all: bool,
    keys: HashSet<String>,
}

impl Indexing {
    pub(super) fn new(options: &Options) -> Self {
        Self { all: options.index_all, keys: options.indexed.iter().cloned().collect() }
    }

    pub(super) fn index_all(&mut self, all: bool) {
        self.all |= all;
    }

    pub(super) fn add(&mut self, keys: &Value<'_>) {
        let texts = keys.as_list().into_iter().flatten().filter_map(Value::as_text);
        self.keys.extend(texts.map(str::to_owned));
    }

    pub(super) fn wants(&self, key: &str) -> bool {
        self.all || self.names(key)
    }

    /// Whether the key itself was named.
    fn names(&self, key: &str) -> bool {
        !self.keys.is_empty() && self.keys.contains(key)
    }
}

/// How much of a value an annotation says.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Said {
    All,
    NotAll,
}

/// The annotations of one document.
#[derive(Clone, Debug, Default)]
pub(super) struct Annotations {
    pub(super) list: Vec<(String, AnnotationValue)>,
}

impl Annotations {
    /// Adds one, if there is room, the value can be one and no other has its key.
    pub(super) fn add(&mut self, key: &str, value: &Value<'_>) -> Said {
        if self.list.len() >= MAX_ANNOTATIONS {
            return Said::NotAll;
        }
        let (annotation, said) = match value {
            Value::Text(text) => {
                let cut = cut_chars(text, MAX_ANNOTATION_VALUE_CHARS);
                let said = if cut.len() == text.len() { Said::All } else { Said::NotAll };
                (AnnotationValue::String(cut.to_owned()), said)
            }
            Value::Bool(value) => (AnnotationValue::Bool(*value), Said::All),
            Value::Int(value) => {
                let said = if value.unsigned_abs() <= MAX_EXACT { Said::All } else { Said::NotAll };
                (AnnotationValue::Number(*value as f64), said)
            }
            Value::Double(value) if value.is_finite() => {
                (AnnotationValue::Number(*value), Said::All)
            }
            _ => return Said::NotAll,
        };
        let key = sanitize_annotation_key(key);
        if self.list.iter().any(|(other, _)| *other == key) {
            return Said::NotAll;
        }
        self.list.push((key.into_owned(), annotation));
        said
    }
}

/// Moves the attributes of a span that shall be searchable into `annotations`. Those named one by
/// one are, even if the document says them elsewhere too.
pub(super) fn of_span(
    attributes: &mut Attributes<'_>,
    indexing: &Indexing,
    annotations: &mut Annotations,
) {
    let own = attributes.get(Key::XrayAnnotations).and_then(Value::as_list).unwrap_or_default();
    if !own.is_empty() {
        attributes.tick(Key::XrayAnnotations);
    }
    for (place, attribute) in attributes.iter() {
        let key = attribute.key.as_ref();
        let is_named = indexing.names(key)
            || own.iter().any(|own| own.as_text().is_some_and(|own| own == key));
        let wanted = is_named || (indexing.all && !attributes.is_said(place));
        if wanted && annotations.add(key, &attribute.value) == Said::All {
            attributes.tick_at(place);
        }
    }
}
