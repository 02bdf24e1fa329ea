//! Asks Product-Detail for version and vendors: with a deadline, one more try, and a canary.
//!
//! In: `GET /catalogDetail` of version 1 and, for every tenth call, of version 2. Out: the detail, or
//! who failed and how. A failed canary is made good by version 1; a timeout is not tried again,
//! because the reader has waited long enough.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use axum::http::StatusCode;
use reqwest::Url;
use tracing::debug;

use super::answer::Try;
use crate::proddetail::{CatalogDetail, Version};
use crate::service::hops::{HopWindow, Outcome, Symptom};
use crate::service::http;
use crate::service::topology::{Hop, Target};

/// Longest wait for an answer. The frontend waits longer than this, so that it gets our 504.
const TIMEOUT: Duration = Duration::from_secs(2);
/// Every so many calls one goes to the canary: 10 %.
const CANARY_INTERVAL: u64 = 10;
const CANARY_PERCENT: u8 = 10;

/// Why there is no detail.
#[derive(Debug)]
pub(crate) struct DetailError {
    pub(crate) symptom: Symptom,
    /// Every try, in order; the last one decided.
    pub(crate) tries: Vec<Try>,
}

impl fmt::Display for DetailError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let callee = self.tries.last().map_or("Product-Detail", |last| last.callee.as_str());
        match self.symptom {
            Symptom::Status(code) => write!(f, "{callee} answered {code}")?,
            Symptom::Timeout => write!(f, "{callee} did not answer within 2 s")?,
            Symptom::Unreachable | Symptom::Statement => write!(f, "{callee} cannot be reached")?,
        }
        if self.tries.len() > 1 { f.write_str(", twice") } else { Ok(()) }
    }
}

impl std::error::Error for DetailError {}

#[derive(Debug)]
struct Callee {
    name: &'static str,
    url: Url,
    window: HopWindow,
}

/// The way to Product-Detail.
#[derive(Debug)]
pub(crate) struct Vendors {
    client: xray_tracing::reqwest::Client,
    stable: Callee,
    canary: Option<Callee>,
    calls: AtomicU64,
}

impl Vendors {
    /// `stable` and `canary` are the full addresses of `/catalogDetail`.
    pub(crate) fn new(client: reqwest::Client, stable: Url, canary: Option<Url>) -> Self {
        let now = Instant::now();
        let callee = |version: Version, url| Callee {
            name: version.segment_name(),
            url,
            window: HopWindow::new(now),
        };
        Self {
            client: client.into(),
            stable: callee(Version::One, stable),
            canary: canary.map(|url| callee(Version::Two, url)),
            calls: AtomicU64::new(0),
        }
    }

    /// Asks once, and once more if the first answer is a fault.
    ///
    /// # Errors
    /// When both fail, or the first in a way that a second try cannot help.
    pub(crate) async fn ask(&self) -> Result<CatalogDetail, DetailError> {
        let mut tries = Vec::with_capacity(2);
        let first = self.pick();
        let symptom = match self.call(first, &mut tries).await {
            Ok(detail) => return Ok(detail),
            Err(symptom) => symptom,
        };
        if !matches!(symptom, Symptom::Status(500..) | Symptom::Unreachable) {
            return Err(DetailError { symptom, tries });
        }
        debug!(callee = first.name, ?symptom, "Product-Detail failed, asking once more");
        self.call(&self.stable, &mut tries).await.map_err(|symptom| DetailError { symptom, tries })
    }

    fn pick(&self) -> &Callee {
        let call = self.calls.fetch_add(1, Ordering::Relaxed);
        match &self.canary {
            Some(canary) if call % CANARY_INTERVAL == CANARY_INTERVAL - 1 => canary,
            _ => &self.stable,
        }
    }

    async fn call(&self, callee: &Callee, tries: &mut Vec<Try>) -> Result<CatalogDetail, Symptom> {
        let began = Instant::now();
        let result = self.fetch(callee).await;
        let took = began.elapsed();
        let outcome = match &result {
            Ok(_) => Outcome::Fine,
            Err(Symptom::Status(code)) => Outcome::of_status(
                StatusCode::from_u16(*code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
            ),
            Err(symptom) => Outcome::fault(*symptom),
        };
        callee.window.record(Instant::now(), took, outcome);
        let took_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        tries.push(Try { callee: callee.name.to_owned(), took_ms });
        result
    }

    async fn fetch(&self, callee: &Callee) -> Result<CatalogDetail, Symptom> {
        let response =
            self.client.get(callee.url.clone()).timeout(TIMEOUT).send().await.map_err(|err| {
                if err.is_timeout() { Symptom::Timeout } else { Symptom::Unreachable }
            })?;
        let status = response.status();
        if !status.is_success() {
            return Err(Symptom::Status(status.as_u16()));
        }
        // An answer that cannot be read is as good as none.
        http::json(response).await.map_err(|_| Symptom::Unreachable)
    }

    /// The hops to both versions.
    pub(crate) fn hops(&self, now: Instant) -> Vec<Hop> {
        let canary_percent = if self.canary.is_some() { CANARY_PERCENT } else { 0 };
        let hop = |callee: &Callee, share_percent| Hop {
            to: callee.name.to_owned(),
            target: Target::Service(callee.url.origin().ascii_serialization()),
            share_percent,
            last_30_s: callee.window.report(now),
        };
        let stable = hop(&self.stable, 100 - canary_percent);
        let canary = self.canary.as_ref().map(|callee| hop(callee, canary_percent));
        std::iter::once(stable).chain(canary).collect()
    }
}
