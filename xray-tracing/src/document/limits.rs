//! How much a document may hold: every limit in one place, with the source that sets it.
//!
//! Characters are Unicode characters unless a name says bytes.

/// Bytes of a document. Rule: X-Ray developer guide, "Segment documents", 64 kB; read as 64 KiB.
pub const MAX_DOCUMENT_BYTES: usize = 64 * 1024;

/// Bytes of a UDP datagram over IPv4: 65,535 without the headers of IP (20) and UDP (8).
pub const MAX_DATAGRAM_BYTES: usize = 65_507;

/// What stands before the document in a datagram. Rule: X-Ray developer guide, "Sending segment
/// documents to the X-Ray daemon".
pub const DATAGRAM_HEADER: &[u8] = b"{\"format\":\"json\",\"version\":1}\n";

/// Bytes of a document that still fits into a datagram with its header.
pub const MAX_DATAGRAM_DOCUMENT_BYTES: usize = MAX_DATAGRAM_BYTES - DATAGRAM_HEADER.len();

/// Characters of a name. The service cuts longer ones. Rule: developer guide, `name`.
pub const MAX_NAME_CHARS: usize = 200;

/// Annotations that are indexed in a trace; more are kept but cannot be searched. Rule: developer
/// guide, `annotations`.
pub const MAX_ANNOTATIONS: usize = 50;

/// Characters of an annotation's key. Rule: developer guide, `annotations`.
pub const MAX_ANNOTATION_KEY_CHARS: usize = 500;

/// Characters of an annotation's text. Rule: developer guide, `annotations`.
pub const MAX_ANNOTATION_VALUE_CHARS: usize = 1_000;

/// Characters of a text in the `http` block: URL, user agent, address. Rule: developer guide,
/// "HTTP request data".
pub const MAX_HTTP_TEXT_CHARS: usize = 250;

/// Characters of `user`, `origin`, `resource_arn` and the texts of `service`. Rule: developer
/// guide, optional segment fields.
pub const MAX_TEXT_CHARS: usize = 250;

/// Links to other traces in a segment. Rule: developer guide, "Linking traces".
pub const MAX_LINKS: usize = 20;

/// Beginning of the metadata namespaces that AWS keeps for itself. Rule: developer guide,
/// `metadata`.
pub const RESERVED_METADATA_PREFIX: &str = "AWS.";
