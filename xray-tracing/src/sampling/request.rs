//! What is known of a request when its trace begins.

/// The facts that sampling rules look at.
///
/// ```
/// use xray_tracing::sampling::{HttpTarget, SamplingRequest};
/// let request = SamplingRequest {
///     service_name: "shop",
///     http: Some(HttpTarget { host: "shop.example", method: "POST", path: "/cart" }),
///     ..SamplingRequest::default()
/// };
/// # assert!(request.attributes.is_empty());
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SamplingRequest<'a> {
    /// Name of the segment that begins.
    pub service_name: &'a str,
    /// Type of the resource that runs the service (the segment's `origin`), such as
    /// `AWS::EKS::Container`. `None`, not known, is compared as empty text.
    pub service_type: Option<&'a str>,
    /// ARN of that resource. `None`, not known, matches only `*`.
    pub resource_arn: Option<&'a str>,
    /// The HTTP request; `None` for a trace that begins otherwise (a job, a message).
    pub http: Option<HttpTarget<'a>>,
    /// Attributes of the segment that are known when it begins, as text.
    pub attributes: &'a [(&'a str, &'a str)],
}

/// What an HTTP request asks for. What is not known is empty.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HttpTarget<'a> {
    /// The `Host` header or authority.
    pub host: &'a str,
    /// `GET` …
    pub method: &'a str,
    /// Path without query string.
    pub path: &'a str,
}
