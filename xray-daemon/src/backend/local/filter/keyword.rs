//! The keywords: what each is called, what it holds, where it may stand.
//!
//! In: words. Out: fields. Owns the one table of them, which the parser, the hints and the search
//! box's completions share. Keywords are read in any case.

/// A keyword that has a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Field {
    Ok,
    Error,
    Throttle,
    Fault,
    Partial,
    Inferred,
    Root,
    Remote,
    First,
    Last,
    Index,
    Coverage,
    ResponseTime,
    Duration,
    HttpStatus,
    HttpUrl,
    HttpMethod,
    HttpUserAgent,
    HttpClientIp,
    User,
    AvailabilityZone,
    InstanceId,
    ResourceArn,
    Name,
    Type,
    Message,
}

/// What a field holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FieldKind {
    /// True or false; stands for itself.
    Flag,
    /// A number.
    Number,
    /// A text.
    Text,
}

/// Where in an expression something stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Place {
    /// Outside of any braces.
    Trace,
    /// In `service(…) {…}`.
    Node,
    /// In `edge(…) {…}`.
    Edge,
    /// In `rootcause.….service {…}`.
    CauseService,
    /// In `rootcause.fault.entity {…}` or that of errors.
    CauseEntity,
    /// In `rootcause.responsetime.entity {…}`.
    TimedEntity,
    /// In `rootcause.….exception {…}`.
    CauseException,
}

/// A keyword for the search box.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keyword {
    /// As it is written.
    pub text: &'static str,
    /// What it holds.
    pub kind: FieldKind,
    /// What it says of a trace, a service or an edge.
    pub meaning: &'static str,
    field: Field,
    places: &'static [Place],
}

use Place::{CauseEntity, CauseException, CauseService, Edge, Node, TimedEntity, Trace};

const ENTITIES: &[Place] = &[Trace, Node, Edge];
const LISTED: &[Place] = &[CauseService, CauseEntity, TimedEntity, CauseException];

const fn keyword(
    text: &'static str,
    field: Field,
    kind: FieldKind,
    places: &'static [Place],
    meaning: &'static str,
) -> Keyword {
    Keyword { text, kind, meaning, field, places }
}

use FieldKind::{Flag, Number, Text};

/// All keywords with a value.
pub static KEYWORDS: &[Keyword] = &[
    keyword("ok", Field::Ok, Flag, ENTITIES, "no error, throttle or fault"),
    keyword("error", Field::Error, Flag, ENTITIES, "4xx, but not 429"),
    keyword("throttle", Field::Throttle, Flag, ENTITIES, "429"),
    keyword("fault", Field::Fault, Flag, ENTITIES, "5xx"),
    keyword("partial", Field::Partial, Flag, &[Trace], "a part is missing or in progress"),
    keyword(
        "inferred",
        Field::Inferred,
        Flag,
        &[Trace, Node, CauseService],
        "known by calls to it alone",
    ),
    keyword("root", Field::Root, Flag, &[Node], "the trace starts here"),
    keyword("remote", Field::Remote, Flag, &[CauseEntity, TimedEntity], "a call to a service"),
    keyword("first", Field::First, Flag, LISTED, "nearest to the client"),
    keyword("last", Field::Last, Flag, LISTED, "farthest from the client"),
    keyword("index", Field::Index, Number, LISTED, "place on the path, from 0"),
    keyword(
        "coverage",
        Field::Coverage,
        Number,
        &[TimedEntity],
        "share of the root's time, 0 to 1",
    ),
    keyword("responsetime", Field::ResponseTime, Number, ENTITIES, "seconds until the response"),
    keyword(
        "duration",
        Field::Duration,
        Number,
        ENTITIES,
        "seconds with all that runs on after it",
    ),
    keyword("http.status", Field::HttpStatus, Number, ENTITIES, "status code"),
    keyword("http.url", Field::HttpUrl, Text, ENTITIES, "URL asked for"),
    keyword("http.method", Field::HttpMethod, Text, ENTITIES, "GET, POST …"),
    keyword("http.useragent", Field::HttpUserAgent, Text, ENTITIES, "the client's User-Agent"),
    keyword("http.clientip", Field::HttpClientIp, Text, ENTITIES, "the client's address"),
    keyword("user", Field::User, Text, &[Trace, Node], "who asked"),
    keyword("availabilityzone", Field::AvailabilityZone, Text, &[Trace, Node], "zone of a host"),
    keyword("instance.id", Field::InstanceId, Text, &[Trace, Node], "EC2 instance"),
    keyword("resource.arn", Field::ResourceArn, Text, &[Trace, Node], "ARN of a resource"),
    keyword(
        "name",
        Field::Name,
        Text,
        &[Node, CauseService, CauseEntity, TimedEntity, CauseException],
        "its name",
    ),
    keyword("type", Field::Type, Text, &[Node, CauseService], "its type, such as AWS::SQS::Queue"),
    keyword("message", Field::Message, Text, &[CauseException], "what the exception says"),
];

impl Field {
    /// The field of this keyword.
    pub(super) fn of(word: &str) -> Option<Self> {
        let is_it = |keyword: &&Keyword| keyword.text.eq_ignore_ascii_case(word);
        KEYWORDS.iter().find(is_it).map(|keyword| keyword.field)
    }

    pub(super) fn text(self) -> &'static str {
        self.keyword().map_or("", |keyword| keyword.text)
    }

    pub(super) fn kind(self) -> FieldKind {
        self.keyword().map_or(Flag, |keyword| keyword.kind)
    }

    pub(super) fn may_stand(self, place: Place) -> bool {
        self.keyword().is_some_and(|keyword| keyword.places.contains(&place))
    }

    fn keyword(self) -> Option<&'static Keyword> {
        KEYWORDS.iter().find(|keyword| keyword.field == self)
    }
}

/// Words that mean more than a value, or join others.
pub(super) static OTHER_WORDS: &[&str] = &[
    "AND",
    "OR",
    "CONTAINS",
    "BEGINSWITH",
    "ENDSWITH",
    "true",
    "false",
    "service",
    "edge",
    "annotation.",
    "annotation[",
    "source.annotation.",
    "source.annotation[",
    "destination.annotation.",
    "destination.annotation[",
    "group.name",
    "group.arn",
    "rootcause.json",
    "rootcause.fault.service",
    "rootcause.fault.entity",
    "rootcause.fault.exception",
    "rootcause.error.service",
    "rootcause.error.entity",
    "rootcause.error.exception",
    "rootcause.responsetime.service",
    "rootcause.responsetime.entity",
];

/// Every word that an expression can hold.
pub(super) fn all_words() -> impl Iterator<Item = &'static str> {
    KEYWORDS.iter().map(|keyword| keyword.text).chain(OTHER_WORDS.iter().copied())
}

impl Place {
    /// Words that can begin a condition here.
    pub(super) fn words(self) -> impl Iterator<Item = &'static str> {
        let fields = KEYWORDS.iter().filter(move |keyword| keyword.places.contains(&self));
        let complex: &[&str] = match self {
            Trace => &["service", "edge", "annotation", "group.name", "rootcause.json"],
            Node => &["annotation"],
            Edge => &["annotation", "source.annotation", "destination.annotation"],
            CauseService | CauseEntity | TimedEntity | CauseException => &[],
        };
        fields.map(|keyword| keyword.text).chain(complex.iter().copied())
    }

    /// Annotations can be asked for here.
    pub(super) fn has_annotations(self) -> bool {
        matches!(self, Trace | Node | Edge)
    }
}
