//! The records of a trace with all that was said about them.
//!
//! In: values from spans and capture layers. Out: the same, to the assembler. Owns one buffer each
//! for records, fields and text, reused from trace to trace, so that recording a span allocates
//! nothing.

use super::record::{ExceptionRecord, Field, Flags, Key, NONE, Name, Record, Text, Value};

/// The records of one trace, or of a part of it.
#[derive(Debug, Default)]
pub(crate) struct Body {
    pub(crate) records: Vec<Record>,
    fields: Vec<Field>,
    pub(crate) exceptions: Vec<ExceptionRecord>,
    text: String,
}

/// Bytes that a document needs for a record without fields, and for a field without its text.
const RECORD_BYTES: usize = 150;
const FIELD_BYTES: usize = 30;

impl Body {
    /// Room for a small trace, so that its buffers need not grow step by step.
    pub(crate) fn with_room() -> Self {
        Self {
            records: Vec::with_capacity(16),
            fields: Vec::with_capacity(48),
            exceptions: Vec::new(),
            text: String::with_capacity(1_024),
        }
    }

    /// About how many bytes its documents will have.
    pub(crate) fn estimated_bytes(&self) -> usize {
        self.records.len() * RECORD_BYTES
            + (self.fields.len() + self.exceptions.len()) * FIELD_BYTES
            + self.text.len()
    }

    /// No values and no exceptions.
    pub(crate) fn is_silent(&self) -> bool {
        self.fields.is_empty() && self.exceptions.is_empty()
    }

    pub(crate) fn clear(&mut self) {
        self.records.clear();
        self.fields.clear();
        self.exceptions.clear();
        self.text.clear();
    }

    /// Bytes that its buffers hold on to.
    pub(crate) fn capacity_bytes(&self) -> usize {
        self.records.capacity() * size_of::<Record>()
            + self.fields.capacity() * size_of::<Field>()
            + self.exceptions.capacity() * size_of::<ExceptionRecord>()
            + self.text.capacity()
    }

    pub(crate) fn text(&self, text: Text) -> &str {
        self.text.get(text.range()).unwrap_or_default()
    }

    pub(crate) fn name(&self, name: Name) -> &str {
        match name {
            Name::Static(name) => name,
            Name::Text(text) => self.text(text),
        }
    }

    pub(crate) fn add_text(&mut self, text: &str) -> Text {
        let start = self.text.len();
        self.text.push_str(text);
        Text::new(start, text.len())
    }

    /// The text buffer, to be written to directly; see [`text_since`](Self::text_since).
    pub(crate) fn text_mut(&mut self) -> &mut String {
        &mut self.text
    }

    pub(crate) fn text_bytes(&self) -> usize {
        self.text.len()
    }

    /// What was written to the text buffer since it had `start` bytes.
    pub(crate) fn text_since(&self, start: usize) -> Text {
        Text::new(start, self.text.len() - start)
    }

    pub(crate) fn add_record(&mut self, record: Record) -> u32 {
        let index = self.records.len() as u32;
        self.records.push(record);
        index
    }

    /// Adds a value at the end of the record's chain.
    pub(crate) fn add_field(&mut self, record: u32, key: Key, value: Value) {
        let index = self.fields.len() as u32;
        let Some(record) = self.records.get_mut(record as usize) else { return };
        self.fields.push(Field { key, value, next: NONE });
        let last = std::mem::replace(&mut record.last_field, index);
        match self.fields.get_mut(last as usize) {
            Some(last) => {
                last.next = index;
                record.flags.set(Flags::SAID_MORE);
            }
            None => record.first_field = index,
        }
    }

    /// The values of a record, in the order they came.
    pub(crate) fn fields(&self, record: &Record) -> Fields<'_> {
        Fields { fields: &self.fields, next: record.first_field }
    }

    pub(crate) fn add_exception(&mut self, exception: ExceptionRecord) -> &mut ExceptionRecord {
        self.exceptions.push_mut(exception)
    }

    /// Copies everything that `from` says about its record to this body.
    pub(crate) fn copy_record(&mut self, from: &Body, index: usize, record: &Record) -> u32 {
        let mut copy = *record;
        (copy.first_field, copy.last_field) = (NONE, NONE);
        copy.name = self.copy_name(from, record.name);
        let copied = self.add_record(copy);
        for field in from.fields(record) {
            let (key, value) = self.copy_pair(from, field.key, field.value);
            self.add_field(copied, key, value);
        }
        for exception in from.exceptions.iter().filter(|e| e.record as usize == index) {
            self.copy_exception(from, copied, exception);
        }
        copied
    }

    /// Adds a value that belongs to no record yet; see [`absorb`](Self::absorb).
    pub(crate) fn add_loose_field(&mut self, key: Key, value: Value) {
        self.fields.push(Field { key, value, next: NONE });
    }

    /// Values that belong to no record yet.
    pub(crate) fn loose_fields(&self) -> impl Iterator<Item = (Key, Value)> {
        self.fields.iter().map(|field| (field.key, field.value))
    }

    /// Adds the loose values and the exceptions of `said` to a record, in one go.
    pub(crate) fn absorb(&mut self, said: &Body, record: u32) {
        let (text, first) = (self.text.len() as u32, self.fields.len() as u32);
        self.text.push_str(&said.text);
        for exception in &said.exceptions {
            let mut exception = ExceptionRecord { record, ..*exception };
            exception.shift_text(text);
            self.exceptions.push(exception);
        }
        let Some(record) = self.records.get_mut(record as usize) else { return };
        if said.fields.is_empty() {
            return;
        }
        self.fields.extend_from_slice(&said.fields);
        let last = self.fields.len() as u32 - 1;
        for (field, next) in self.fields.iter_mut().skip(first as usize).zip(first + 1..) {
            field.shift_text(text);
            field.next = if next > last { NONE } else { next };
        }
        if record.first_field == NONE {
            record.first_field = first;
        } else {
            record.flags.set(Flags::SAID_MORE);
            if let Some(before) = self.fields.get_mut(record.last_field as usize) {
                before.next = first;
            }
        }
        record.last_field = last;
    }

    /// The exception of a record below `index` that tells of the very error that `said` tells of, and
    /// of nothing else: the error was handed up.
    pub(crate) fn same_exception_below(&self, index: u32, said: &Body) -> Option<u64> {
        let error = said.exceptions.first()?;
        if !said.fields.is_empty() || !said.text(error.comment).is_empty() {
            return None;
        }
        let (kind, message) = (said.text(error.kind), said.text(error.message));
        let same = self.exceptions.iter().rev().find(|told| {
            self.text(told.message) == message
                && self.text(told.kind) == kind
                && told.record != index
                && self.is_below(told.record, index)
        })?;
        Some(same.id)
    }

    fn is_below(&self, record: u32, index: u32) -> bool {
        let parent = |of: &u32| self.records.get(*of as usize).map(|record| record.parent);
        // Deeper trees than this are cut in any case.
        std::iter::successors(Some(record), parent).take(64).any(|ancestor| ancestor == index)
    }

    /// Adds a value whose text stands in `from`.
    pub(crate) fn copy_field(&mut self, from: &Body, record: u32, key: Key, value: Value) {
        let (key, value) = self.copy_pair(from, key, value);
        self.add_field(record, key, value);
    }

    /// Adds an exception whose text stands in `from`.
    fn copy_exception(&mut self, from: &Body, record: u32, exception: &ExceptionRecord) {
        let copy = ExceptionRecord {
            record,
            kind: self.copy_text(from, exception.kind),
            message: self.copy_text(from, exception.message),
            comment: self.copy_text(from, exception.comment),
            file: exception.file.map(|name| self.copy_name(from, name)),
            label: exception.label.map(|name| self.copy_name(from, name)),
            ..*exception
        };
        self.exceptions.push(copy);
    }

    fn copy_pair(&mut self, from: &Body, key: Key, value: Value) -> (Key, Value) {
        let key = match key {
            Key::Annotation(text) => Key::Annotation(self.copy_text(from, text)),
            Key::Metadata(text) => Key::Metadata(self.copy_text(from, text)),
            Key::AwsNamed(text) => Key::AwsNamed(self.copy_text(from, text)),
            Key::MetadataIn { namespace, key } => Key::MetadataIn {
                namespace: self.copy_text(from, namespace),
                key: self.copy_text(from, key),
            },
            key => key,
        };
        let value = match value {
            Value::Text(text) => Value::Text(self.copy_text(from, text)),
            Value::Json(text) => Value::Json(self.copy_text(from, text)),
            value => value,
        };
        (key, value)
    }

    pub(crate) fn copy_name(&mut self, from: &Body, name: Name) -> Name {
        match name {
            Name::Text(text) => Name::Text(self.copy_text(from, text)),
            name => name,
        }
    }

    fn copy_text(&mut self, from: &Body, text: Text) -> Text {
        self.add_text(from.text(text))
    }
}

/// Iterates over the values of a record.
#[derive(Clone, Debug)]
pub(crate) struct Fields<'a> {
    fields: &'a [Field],
    next: u32,
}

impl<'a> Iterator for Fields<'a> {
    type Item = &'a Field;

    fn next(&mut self) -> Option<&'a Field> {
        let field = self.fields.get(self.next as usize)?;
        self.next = field.next;
        Some(field)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(name: &'static str) -> Record {
        Record::new(7, Name::Static(name), 0)
    }

    #[test]
    fn each_record_keeps_its_own_values_in_order() {
        let mut body = Body::default();
        let (a, b) = (body.add_record(record("a")), body.add_record(record("b")));
        for (of, value) in [(a, 1), (b, 10), (a, 2), (b, 20), (a, 3)] {
            body.add_field(of, Key::Status, Value::Unsigned(value));
        }
        let values = |of: u32| -> Vec<_> {
            body.fields(&body.records[of as usize]).map(|field| field.value).collect()
        };
        assert_eq!(values(a), [1, 2, 3].map(Value::Unsigned));
        assert_eq!(values(b), [10, 20].map(Value::Unsigned));
    }

    #[test]
    fn a_copied_record_says_the_same() {
        let mut from = Body::default();
        from.add_text("what stands before");
        let name = Name::Text(from.add_text("db@host"));
        let index = from.add_record(Record { name, ..record("") });
        let (key, value) = (from.add_text("tier"), from.add_text("gold"));
        from.add_field(index, Key::Annotation(key), Value::Text(value));
        let (kind, message) = (from.add_text("Io"), from.add_text("broken pipe"));
        let comment = Text::default();
        from.exceptions.push(ExceptionRecord {
            record: index,
            id: 9,
            kind,
            message,
            has_cause: false,
            is_remote: false,
            comment,
            file: None,
            line: 0,
            label: None,
        });

        let mut to = Body::default();
        to.add_record(record("other"));
        let copied = to.copy_record(&from, index as usize, &from.records[index as usize]);
        let record = to.records[copied as usize];
        assert_eq!(to.name(record.name), "db@host");
        let field = to.fields(&record).next().unwrap();
        let (Key::Annotation(key), Value::Text(value)) = (field.key, field.value) else {
            panic!("{field:?}")
        };
        assert_eq!((to.text(key), to.text(value)), ("tier", "gold"));
        let exception = to.exceptions[0];
        assert_eq!((exception.record, to.text(exception.message)), (copied, "broken pipe"));
    }
}
