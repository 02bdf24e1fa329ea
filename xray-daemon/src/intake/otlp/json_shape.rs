//! Which members of OTLP's JSON are which fields of its protobuf.
//!
//! Owns the tables. Rule: `trace.proto`, `common.proto`, `trace_service.proto`, their names in
//! lowerCamelCase.

/// The members of a message.
#[derive(Debug)]
pub(super) struct Shape {
    pub(super) members: &'static [Member],
}

/// A member and its field.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) name: &'static str,
    pub(super) number: u64,
    pub(super) form: Form,
}

/// How a member is written.
#[derive(Clone, Copy, Debug)]
pub(super) enum Form {
    Text,
    /// Hex digits.
    Id,
    /// Base64.
    Bytes,
    Bool,
    /// A number, or its digits as a text.
    Signed,
    Unsigned,
    Fixed64,
    Fixed32,
    Double,
    /// A number, or a name with this beginning.
    Enum(&'static str, &'static [&'static str]),
    One(&'static Shape),
    Many(&'static Shape),
}

const fn member(name: &'static str, number: u64, form: Form) -> Member {
    Member { name, number, form }
}

pub(super) static REQUEST: Shape =
    Shape { members: &[member("resourceSpans", 1, Form::Many(&RESOURCE_SPANS))] };

static RESOURCE_SPANS: Shape = Shape {
    members: &[
        member("resource", 1, Form::One(&RESOURCE)),
        member("scopeSpans", 2, Form::Many(&SCOPE_SPANS)),
        member("schemaUrl", 3, Form::Text),
    ],
};

static RESOURCE: Shape = Shape {
    members: &[
        member("attributes", 1, Form::Many(&KEY_VALUE)),
        member("droppedAttributesCount", 2, Form::Unsigned),
    ],
};

static SCOPE_SPANS: Shape = Shape {
    members: &[
        member("scope", 1, Form::One(&SCOPE)),
        member("spans", 2, Form::Many(&SPAN)),
        member("schemaUrl", 3, Form::Text),
    ],
};

static SCOPE: Shape = Shape {
    members: &[
        member("name", 1, Form::Text),
        member("version", 2, Form::Text),
        member("attributes", 3, Form::Many(&KEY_VALUE)),
        member("droppedAttributesCount", 4, Form::Unsigned),
    ],
};

static SPAN: Shape = Shape {
    members: &[
        member("traceId", 1, Form::Id),
        member("spanId", 2, Form::Id),
        member("traceState", 3, Form::Text),
        member("parentSpanId", 4, Form::Id),
        member("name", 5, Form::Text),
        member("kind", 6, Form::Enum("SPAN_KIND_", &KINDS)),
        member("startTimeUnixNano", 7, Form::Fixed64),
        member("endTimeUnixNano", 8, Form::Fixed64),
        member("attributes", 9, Form::Many(&KEY_VALUE)),
        member("droppedAttributesCount", 10, Form::Unsigned),
        member("events", 11, Form::Many(&EVENT)),
        member("droppedEventsCount", 12, Form::Unsigned),
        member("links", 13, Form::Many(&LINK)),
        member("droppedLinksCount", 14, Form::Unsigned),
        member("status", 15, Form::One(&STATUS)),
        member("flags", 16, Form::Fixed32),
    ],
};

const KINDS: [&str; 6] = ["UNSPECIFIED", "INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER"];

static EVENT: Shape = Shape {
    members: &[
        member("timeUnixNano", 1, Form::Fixed64),
        member("name", 2, Form::Text),
        member("attributes", 3, Form::Many(&KEY_VALUE)),
        member("droppedAttributesCount", 4, Form::Unsigned),
    ],
};

static LINK: Shape = Shape {
    members: &[
        member("traceId", 1, Form::Id),
        member("spanId", 2, Form::Id),
        member("traceState", 3, Form::Text),
        member("attributes", 4, Form::Many(&KEY_VALUE)),
        member("droppedAttributesCount", 5, Form::Unsigned),
        member("flags", 6, Form::Fixed32),
    ],
};

static STATUS: Shape = Shape {
    members: &[
        member("message", 2, Form::Text),
        member("code", 3, Form::Enum("STATUS_CODE_", &["UNSET", "OK", "ERROR"])),
    ],
};

static KEY_VALUE: Shape =
    Shape { members: &[member("key", 1, Form::Text), member("value", 2, Form::One(&ANY_VALUE))] };

static ANY_VALUE: Shape = Shape {
    members: &[
        member("stringValue", 1, Form::Text),
        member("boolValue", 2, Form::Bool),
        member("intValue", 3, Form::Signed),
        member("doubleValue", 4, Form::Double),
        member("arrayValue", 5, Form::One(&ARRAY)),
        member("kvlistValue", 6, Form::One(&LIST)),
        member("bytesValue", 7, Form::Bytes),
    ],
};

static ARRAY: Shape = Shape { members: &[member("values", 1, Form::Many(&ANY_VALUE))] };

static LIST: Shape = Shape { members: &[member("values", 1, Form::Many(&KEY_VALUE))] };
