//! A remote subsegment for each request made with reqwest, and the trace header on it.
//!
//! In: requests. Out: the same with `X-Amzn-Trace-Id`, sampled or not; their responses; a subsegment
//! named after the host. Owns nothing between calls. Query strings and passwords are not recorded.
//! A subsegment ends with the head of the response: when its body is read is up to the caller.

use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, Method};
use reqwest::{Body, IntoUrl, Request, Response, Url};
use serde::Serialize;
use tracing::Instrument;

use super::subsegment::Subsegment;
use crate::layer::current;
use crate::layer::record::{Flags, Key, Value};

/// A [`reqwest::Client`] whose calls are seen in the trace.
///
/// ```no_run
/// # async fn f() -> Result<(), reqwest::Error> {
/// let client = xray_tracing::reqwest::Client::from(reqwest::Client::new());
/// let products = client.get("http://prodcatalog:5000/products/").send().await?.text().await?;
/// # Ok(()) }
/// ```
#[derive(Clone, Debug, Default)]
pub struct Client {
    inner: reqwest::Client,
}

impl From<reqwest::Client> for Client {
    fn from(inner: reqwest::Client) -> Self {
        Self { inner }
    }
}

impl Client {
    /// Starts a `GET`.
    pub fn get(&self, url: impl IntoUrl) -> RequestBuilder {
        self.request(Method::GET, url)
    }

    /// Starts a `POST`.
    pub fn post(&self, url: impl IntoUrl) -> RequestBuilder {
        self.request(Method::POST, url)
    }

    /// Starts a `PUT`.
    pub fn put(&self, url: impl IntoUrl) -> RequestBuilder {
        self.request(Method::PUT, url)
    }

    /// Starts a `DELETE`.
    pub fn delete(&self, url: impl IntoUrl) -> RequestBuilder {
        self.request(Method::DELETE, url)
    }

    /// Starts a request with any method.
    pub fn request(&self, method: Method, url: impl IntoUrl) -> RequestBuilder {
        RequestBuilder { inner: self.inner.request(method, url) }
    }
}

/// A request being built.
#[derive(Debug)]
#[must_use = "nothing is sent before send() is awaited"]
pub struct RequestBuilder {
    inner: reqwest::RequestBuilder,
}

impl RequestBuilder {
    /// Anything that reqwest's own builder can do.
    pub fn map(
        self,
        change: impl FnOnce(reqwest::RequestBuilder) -> reqwest::RequestBuilder,
    ) -> Self {
        Self { inner: change(self.inner) }
    }

    /// Adds a header.
    pub fn header<K, V>(self, name: K, value: V) -> Self
    where
        HeaderName: TryFrom<K>,
        <HeaderName as TryFrom<K>>::Error: Into<http::Error>,
        HeaderValue: TryFrom<V>,
        <HeaderValue as TryFrom<V>>::Error: Into<http::Error>,
    {
        self.map(|request| request.header(name, value))
    }

    /// Adds headers, replacing those of the same name.
    pub fn headers(self, headers: HeaderMap) -> Self {
        self.map(|request| request.headers(headers))
    }

    /// Sets the body.
    pub fn body(self, body: impl Into<Body>) -> Self {
        self.map(|request| request.body(body))
    }

    /// Sets the body to `value` as JSON.
    pub fn json(self, value: &(impl Serialize + ?Sized)) -> Self {
        self.map(|request| request.json(value))
    }

    /// Longest that the whole exchange may take.
    pub fn timeout(self, timeout: Duration) -> Self {
        self.map(|request| request.timeout(timeout))
    }

    /// Sends the request and waits for the head of the response.
    ///
    /// # Errors
    /// As [`reqwest::RequestBuilder::send`].
    pub async fn send(self) -> Result<Response, reqwest::Error> {
        let (client, request) = self.inner.build_split();
        let mut request = request?;
        let Some(call) = begin(&mut request) else { return client.execute(request).await };
        let answer = client.execute(request).instrument(call.span().clone()).await;
        match answer {
            Ok(response) => {
                end(call, &response);
                Ok(response)
            }
            Err(error) => Err(fail(call, error)),
        }
    }
}

/// Puts the header on the request; begins a subsegment if the trace is recorded.
fn begin(request: &mut Request) -> Option<Subsegment> {
    let (headers, call) = current::with_current(|tracer, root, place| {
        let call = place.and_then(|parent| {
            let host = request.url().host_str().unwrap_or_default();
            Subsegment::begin(tracer, parent, host, Flags::default(), |scratch| {
                scratch.add_text(Key::Method, request.method().as_str());
                scratch.add_text(Key::Url, &shown_url(request.url()));
            })
        });
        let parent = match (&call, place) {
            (Some(call), _) => call.id(),
            (None, Some(place)) => crate::SegmentId::from_u64(place.id),
            (None, None) => root.segment_id,
        };
        (root.outgoing_headers(tracer, parent), call)
    })??;
    for (name, value) in headers {
        if let Ok(value) = HeaderValue::try_from(value) {
            request.headers_mut().insert(HeaderName::from_static(name), value);
        }
    }
    call
}

fn end(call: Subsegment, response: &Response) {
    let status = response.status().as_u16();
    call.end(Flags::of_status(status), |scratch| {
        scratch.add(Key::Status, Value::Unsigned(status.into()));
        if let Some(bytes) = response.content_length() {
            scratch.add(Key::ContentLength, Value::Unsigned(bytes));
        }
    });
}

/// Records the error without the URL in it, whose query string may hold secrets.
fn fail(call: Subsegment, error: reqwest::Error) -> reqwest::Error {
    let url = error.url().cloned();
    let error = error.without_url();
    call.fail(&error);
    match url {
        Some(url) => error.with_url(url),
        None => error,
    }
}

/// The URL without query string and fragment. (reqwest has made a header of user and password.)
fn shown_url(url: &Url) -> String {
    let mut shown = url.clone();
    shown.set_query(None);
    shown.set_fragment(None);
    shown.into()
}
