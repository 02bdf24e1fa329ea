//! What is remembered of one segment or subsegment: its record, values and exceptions.
//!
//! In: values from spans and capture layers. Out: the same, to the assembler. Owns no text: that is
//! in the [`Body`](super::body::Body). Names and keys that are known when the program is built are
//! kept as pointers.

use std::ops::Range;

/// A span of the text buffer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Text {
    start: u32,
    bytes: u32,
}

impl Text {
    pub(super) fn new(start: usize, bytes: usize) -> Self {
        // Bodies are cut long before 4 GB.
        Self { start: start as u32, bytes: bytes as u32 }
    }

    pub(super) fn range(self) -> Range<usize> {
        let start = self.start as usize;
        start..start + self.bytes as usize
    }

    /// Stands `by` bytes further on.
    pub(super) fn shift(&mut self, by: u32) {
        self.start += by;
    }
}

/// No record, no field.
pub(crate) const NONE: u32 = u32::MAX;

/// Facts about a record that are either true or not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Flags(u16);

impl Flags {
    /// The segment itself; every other record is a subsegment.
    pub(crate) const ROOT: Self = Self(1);
    pub(crate) const CLOSED: Self = Self(1 << 1);
    pub(crate) const FAULT: Self = Self(1 << 2);
    pub(crate) const ERROR: Self = Self(1 << 3);
    pub(crate) const THROTTLE: Self = Self(1 << 4);
    /// Namespace `remote`.
    pub(crate) const REMOTE: Self = Self(1 << 5);
    /// A database call: what sqlx says about it belongs here.
    pub(crate) const SQL: Self = Self(1 << 6);
    /// Made by a capture layer, which alone says when it ends.
    pub(crate) const CAPTURED: Self = Self(1 << 8);
    /// Values came more than once: some may stand for earlier ones.
    pub(crate) const SAID_MORE: Self = Self(1 << 9);
    /// Namespace `aws`: a call of an AWS service.
    pub(crate) const AWS: Self = Self(1 << 10);
    /// Links, precursors or metadata with a namespace are among its values.
    pub(crate) const RARE: Self = Self(1 << 11);
    /// Left behind when the closed records of its body were taken.
    pub(crate) const STAYS: Self = Self(1 << 7);

    pub(crate) fn has(self, flag: Self) -> bool {
        self.0 & flag.0 != 0
    }

    pub(crate) fn set(&mut self, flags: Self) {
        self.0 |= flags.0;
    }

    pub(crate) fn with(self, flags: Self) -> Self {
        Self(self.0 | flags.0)
    }

    /// Rule: 429 is a throttled error, other 4xx an error, 5xx a fault.
    pub(crate) fn of_status(status: u16) -> Self {
        match status {
            429 => Self::ERROR.with(Self::THROTTLE),
            400..=499 => Self::ERROR,
            500..=599 => Self::FAULT,
            _ => Self::default(),
        }
    }
}

/// One segment or subsegment in the making.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Record {
    /// Its segment id; also what other threads know it by.
    pub(crate) id: u64,
    /// The registry's id of its span; 0 without one, and once that is closed.
    pub(crate) span: u64,
    /// Index of the parent in the same body, or [`NONE`].
    pub(crate) parent: u32,
    /// Segment id of a parent that is not in the body; 0 without one.
    pub(crate) parent_id: u64,
    pub(crate) name: Name,
    /// Nanoseconds since the trace began.
    pub(crate) start_ns: u64,
    /// Its last exit so far; 0 before the first.
    pub(crate) end_ns: u64,
    pub(crate) flags: Flags,
    /// First and last of its chain of fields.
    pub(super) first_field: u32,
    pub(super) last_field: u32,
    /// Id of an exception that another record describes; 0 without one.
    pub(crate) cause_id: u64,
}

/// A name known when the program was built, or text of the body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Name {
    Static(&'static str),
    Text(Text),
}

impl Record {
    pub(crate) fn new(id: u64, name: Name, start_ns: u64) -> Self {
        Self {
            id,
            span: 0,
            parent: NONE,
            parent_id: 0,
            name,
            start_ns,
            end_ns: 0,
            flags: Flags::default(),
            first_field: NONE,
            last_field: NONE,
            cause_id: 0,
        }
    }

    pub(crate) fn is_open(&self) -> bool {
        !self.flags.has(Flags::CLOSED)
    }
}

/// What a value is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Key {
    /// A field of a `tracing` span; its prefix says where it goes.
    Field(&'static str),
    /// The argument of `annotate`.
    Annotation(Text),
    /// The argument of `metadata`.
    Metadata(Text),
    /// The segment's user.
    User,
    Method,
    Url,
    UserAgent,
    ClientIp,
    ForwardedFor,
    Status,
    ContentLength,
    SqlUrl,
    SqlQuery,
    SqlDatabase,
    SqlUser,
    /// A member of the `aws` block.
    Aws(&'static str),
    /// The same, with a name that is made at run time.
    AwsNamed(Text),
    /// A member of metadata in a namespace of its own.
    MetadataIn {
        namespace: Text,
        key: Text,
    },
    /// Another trace, as JSON.
    Link,
    /// The id of a subsegment that this one waited for.
    Precursor,
}

impl Key {
    /// Most records have none of these, and need not be searched for them.
    pub(crate) fn is_rare(self) -> bool {
        matches!(self, Self::Link | Self::Precursor | Self::MetadataIn { .. })
    }
}

/// A value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Value {
    Signed(i64),
    Unsigned(u64),
    Float(f64),
    Bool(bool),
    Text(Text),
    /// Text that is JSON already.
    Json(Text),
}

/// A value on its record's chain.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Field {
    pub(crate) key: Key,
    pub(crate) value: Value,
    pub(super) next: u32,
}

impl Field {
    pub(super) fn shift_text(&mut self, by: u32) {
        match &mut self.key {
            Key::Annotation(text) | Key::Metadata(text) | Key::AwsNamed(text) => text.shift(by),
            Key::MetadataIn { namespace, key } => {
                namespace.shift(by);
                key.shift(by);
            }
            _ => {}
        }
        if let Value::Text(text) | Value::Json(text) = &mut self.value {
            text.shift(by);
        }
    }
}

/// An error that a record met.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ExceptionRecord {
    /// Index of the record.
    pub(crate) record: u32,
    pub(crate) id: u64,
    pub(crate) kind: Text,
    pub(crate) message: Text,
    /// The next exception in the body is what caused this one.
    pub(crate) has_cause: bool,
    /// It happened in the service that was called.
    pub(crate) is_remote: bool,
    /// What the event said besides; empty without.
    pub(crate) comment: Text,
    pub(crate) file: Option<Name>,
    pub(crate) line: u32,
    /// Module.
    pub(crate) label: Option<Name>,
}

impl ExceptionRecord {
    pub(super) fn shift_text(&mut self, by: u32) {
        for text in [&mut self.kind, &mut self.message, &mut self.comment] {
            text.shift(by);
        }
        for name in [&mut self.file, &mut self.label] {
            if let Some(Name::Text(text)) = name {
                text.shift(by);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_set_the_flags_of_the_rule() {
        let (none, error, fault) = (Flags::default(), Flags::ERROR, Flags::FAULT);
        for (status, flags) in [(200, none), (302, none), (404, error), (499, error), (503, fault)]
        {
            assert_eq!(Flags::of_status(status), flags, "{status}");
        }
        assert_eq!(Flags::of_status(429), error.with(Flags::THROTTLE));
    }
}
