//! The console that pages link to, and one question to its X-Ray API.

use std::time::Duration;

use axum::http::{HeaderName, HeaderValue};
use reqwest::Url;
use serde::Deserialize;

use crate::service::clock::epoch_s;
use crate::service::http;

const TIMEOUT: Duration = Duration::from_secs(2);
/// How far back the workshop's traces can be: the store's own retention.
const LOOK_BACK_S: u64 = 6 * 3_600;
/// Longest that a page of summaries may be asked for.
const MAX_PAGES: usize = 20;

/// Where the console is.
#[derive(Debug)]
pub(crate) struct Console {
    client: reqwest::Client,
    /// Without a slash at its end.
    url: String,
    port: Option<u16>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Summaries {
    trace_summaries: Vec<Summary>,
    next_token: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Summary {
    id: String,
}

impl Console {
    pub(crate) fn new(client: reqwest::Client, url: Url) -> Self {
        let port = url.port_or_known_default();
        Self { client, url: url.as_str().trim_end_matches('/').to_owned(), port }
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// `:2002`.
    pub(crate) fn port(&self) -> Option<String> {
        self.port.map(|port| format!(":{port}"))
    }

    /// The source that a form of the shop may be sent on to, for the content security policy.
    pub(crate) fn origin(&self) -> Option<HeaderValue> {
        let origin = Url::parse(&self.url).ok()?.origin().ascii_serialization();
        HeaderValue::try_from(origin).ok()
    }

    /// Whether `filter` finds the trace `id`; `None` if the console does not answer.
    pub(crate) async fn finds(&self, filter: &str, id: &str) -> Option<bool> {
        let now_s = epoch_s();
        let mut token = None;
        for _ in 0..MAX_PAGES {
            let body = serde_json::json!({
                "StartTime": now_s.saturating_sub(LOOK_BACK_S),
                "EndTime": now_s + 1,
                "FilterExpression": filter,
                "NextToken": token,
            });
            let request = self.client.post(format!("{}/TraceSummaries", self.url)).json(&body);
            let response = request.timeout(TIMEOUT).send().await.ok()?;
            if !response.status().is_success() {
                return None;
            }
            let page: Summaries = http::json(response).await.ok()?;
            if page.trace_summaries.iter().any(|summary| summary.id == id) {
                return Some(true);
            }
            token = page.next_token;
            if token.is_none() {
                return Some(false);
            }
        }
        Some(false)
    }
}

/// What a page of the shop may load and where its forms may lead: itself, and by redirect the
/// console.
pub(crate) fn content_security_policy(console: Option<&Console>) -> (HeaderName, HeaderValue) {
    const RULES: &str = "default-src 'self'; style-src 'self'; script-src 'self'; img-src 'self'; \
                         base-uri 'none'; frame-ancestors 'none'; form-action 'self'";
    let origin = console.and_then(Console::origin);
    let origin = origin.as_ref().and_then(|origin| origin.to_str().ok()).unwrap_or_default();
    let value = HeaderValue::try_from(format!("{RULES} {origin}").trim_end())
        .unwrap_or(HeaderValue::from_static(RULES));
    (axum::http::header::CONTENT_SECURITY_POLICY, value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_may_lead_to_the_shop_and_the_console_alone() {
        let (_, alone) = content_security_policy(None);
        assert!(alone.to_str().unwrap().ends_with("form-action 'self'"));
        let url = "http://127.0.0.1:2002/".parse().unwrap();
        let console = Console::new(reqwest::Client::new(), url);
        let (_, both) = content_security_policy(Some(&console));
        assert!(both.to_str().unwrap().ends_with("form-action 'self' http://127.0.0.1:2002"));
        assert_eq!(console.port().as_deref(), Some(":2002"));
        assert_eq!(console.url(), "http://127.0.0.1:2002");
    }
}
