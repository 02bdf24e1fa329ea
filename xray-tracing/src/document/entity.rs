//! A segment or subsegment with everything it can say.
//!
//! In: values. Out: values. Owns nothing. Every field but the name may be missing, since what
//! others send is kept as far as it goes; the validator says what is wrong with it. Rule: X-Ray
//! developer guide, "Segment documents". Times are epoch seconds, as on the wire.

use crate::{SegmentId, TraceId};

/// A JSON object whose members we do not interpret.
pub type Object = serde_json::Map<String, serde_json::Value>;

/// What the document is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Kind {
    /// A segment: the work of one service for one request.
    #[default]
    Segment,
    /// A subsegment, inside its parent or sent on its own (`"type": "subsegment"`).
    Subsegment,
}

/// A segment or subsegment ("entity" in the service's own messages).
///
/// ```
/// use xray_tracing::document::Entity;
/// let entity = Entity::parse(
///     br#"{"name":"cart","id":"70de5b6f19ff9a0a","start_time":1.5,"end_time":2,"color":"red"}"#,
/// )?;
/// assert_eq!((entity.name.as_str(), entity.end_time_s), ("cart", Some(2.0)));
/// assert_eq!(entity.extra["color"], "red"); // what the model does not know is kept
/// # Ok::<(), xray_tracing::document::ParseError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Entity {
    /// Segment or subsegment.
    pub kind: Kind,
    /// Service name of a segment, name of the callee or the work of a subsegment.
    pub name: String,
    /// Missing only in documents that the service would refuse.
    pub id: Option<SegmentId>,
    /// On segments and independent subsegments.
    pub trace_id: Option<TraceId>,
    /// The calling subsegment (of a segment), or the parent (of an independent subsegment).
    pub parent_id: Option<SegmentId>,
    /// Epoch seconds.
    pub start_time_s: Option<f64>,
    /// Epoch seconds; missing while in progress.
    pub end_time_s: Option<f64>,
    /// Work is still going on; then there is no end time.
    pub in_progress: bool,
    /// Made by the service for a callee that did not report (read back only, never sent).
    pub inferred: bool,
    /// `remote`, `aws` or `local`; subsegments only.
    pub namespace: Option<String>,
    /// AWS resource type that runs the segment, such as `AWS::EC2::Instance`.
    pub origin: Option<String>,
    /// ARN of the resource that runs the segment.
    pub resource_arn: Option<String>,
    /// Who sent the request; segments only.
    pub user: Option<String>,
    /// A server's failure (5xx).
    pub fault: bool,
    /// A client's mistake (4xx).
    pub error: bool,
    /// Too many requests (429).
    pub throttle: bool,
    /// Why `fault` or `error` is set.
    pub cause: Option<Cause>,
    /// The HTTP request, served or made.
    pub http: Option<Http>,
    /// The resource that runs the segment, or the AWS call of a subsegment.
    pub aws: Option<Aws>,
    /// The statement of a database call; subsegments only.
    pub sql: Option<Sql>,
    /// Version and runtime of the application; segments only.
    pub service: Option<Service>,
    /// Indexed values, in the order sent.
    pub annotations: Vec<(String, AnnotationValue)>,
    /// Namespace to object; what is not an object stands in `default`.
    pub metadata: Object,
    /// Other traces that led to this one, or that this one leads to.
    pub links: Vec<Link>,
    /// Subsegments that this one waited for.
    pub precursor_ids: Vec<SegmentId>,
    /// Embedded subsegments, in the order sent.
    pub subsegments: Vec<Entity>,
    /// Members that this model does not know, or that have a type it cannot use, as they came. Of
    /// a list or object of which only some parts are usable, the others stand here under its name.
    pub extra: Object,
}

/// Value of an annotation: what the filter expressions can compare.
#[derive(Clone, Debug, PartialEq)]
pub enum AnnotationValue {
    /// Text, up to 1,000 characters.
    String(String),
    /// A number; X-Ray keeps doubles.
    Number(f64),
    /// True or false.
    Bool(bool),
}

/// The `http` block.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Http {
    /// What was asked.
    pub request: HttpRequest,
    /// What was answered, if anything was.
    pub response: HttpResponse,
    /// Unknown members.
    pub extra: Object,
}

/// `http.request`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct HttpRequest {
    /// `GET` …
    pub method: Option<String>,
    /// Scheme, host and path; no query string.
    pub url: Option<String>,
    /// The `User-Agent` header.
    pub user_agent: Option<String>,
    /// Address of the client, without port.
    pub client_ip: Option<String>,
    /// `client_ip` comes from `X-Forwarded-For`; segments only.
    pub x_forwarded_for: bool,
    /// The callee reports a segment of its own; subsegments only.
    pub traced: bool,
    /// Unknown members.
    pub extra: Object,
}

/// `http.response`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct HttpResponse {
    /// 100–599.
    pub status: Option<u16>,
    /// Bytes of the body.
    pub content_length: Option<u64>,
    /// Unknown members.
    pub extra: Object,
}

/// The `aws` block: typed where we read it, everything else in `extra`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Aws {
    /// Operation called, such as `GetItem`; subsegments only.
    pub operation: Option<String>,
    /// Region of the resource, if not the segment's own.
    pub region: Option<String>,
    /// Account of the resource, if not the sender's own.
    pub account_id: Option<String>,
    /// Request id that the service answered.
    pub request_id: Option<String>,
    /// DynamoDB table.
    pub table_name: Option<String>,
    /// SQS queue.
    pub queue_url: Option<String>,
    /// Attempts after the first.
    pub retries: Option<u64>,
    /// Other members: `bucket_name`, `topic_arn`, `ec2`, `ecs`, `eks`, `elastic_beanstalk`, `xray`,
    /// `cloudwatch_logs`, `resource_names`…
    pub extra: Object,
}

/// The `cause` block.
#[derive(Clone, Debug, PartialEq)]
pub enum Cause {
    /// Id of an exception that a descendant describes.
    ExceptionId(String),
    /// The exceptions themselves.
    Detail(CauseDetail),
}

/// A `cause` that describes its exceptions.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CauseDetail {
    /// Where the process ran.
    pub working_directory: Option<String>,
    /// Paths to libraries in use.
    pub paths: Vec<String>,
    /// The exceptions, outermost first.
    pub exceptions: Vec<Exception>,
    /// Unknown members, `message` among them.
    pub extra: Object,
}

/// One exception.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Exception {
    /// 16 hex digits.
    pub id: Option<String>,
    /// What went wrong.
    pub message: Option<String>,
    /// Its type.
    pub exception_type: Option<String>,
    /// The callee raised it.
    pub remote: bool,
    /// Frames left out of `stack`.
    pub truncated: Option<u64>,
    /// Exceptions left out between this and the one it caused.
    pub skipped: Option<u64>,
    /// Id of the exception that led to this one.
    pub cause: Option<String>,
    /// Innermost frame first.
    pub stack: Vec<StackFrame>,
    /// Unknown members.
    pub extra: Object,
}

/// One frame of a stack.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StackFrame {
    /// Source file.
    pub path: Option<String>,
    /// Line in it, from 1.
    pub line: Option<u64>,
    /// Function.
    pub label: Option<String>,
    /// Unknown members.
    pub extra: Object,
}

/// The `sql` block. Nothing in it holds a password or a bound value.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sql {
    /// Connection string or the like, for databases without a URL.
    pub connection_string: Option<String>,
    /// URL of the database, without user and password.
    pub url: Option<String>,
    /// Statement with values replaced by placeholders.
    pub sanitized_query: Option<String>,
    /// `PostgreSQL`, `SQLite` …
    pub database_type: Option<String>,
    /// Version of the server.
    pub database_version: Option<String>,
    /// Name and version of the driver.
    pub driver_version: Option<String>,
    /// Database user.
    pub user: Option<String>,
    /// `call` or `statement`.
    pub preparation: Option<String>,
    /// Unknown members.
    pub extra: Object,
}

/// The `service` block.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Service {
    /// Version of the application.
    pub version: Option<String>,
    /// Unknown members: `runtime`, `runtime_version`, `name` …
    pub extra: Object,
}

/// A link to another trace.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Link {
    /// The other trace.
    pub trace_id: Option<TraceId>,
    /// The segment or subsegment in it.
    pub id: Option<SegmentId>,
    /// Everything else.
    pub extra: Object,
}
