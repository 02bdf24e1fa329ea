//! Calls Product-Catalog for a person's request: with a deadline, and again when it is throttled.
//!
//! In: checked ids and names. Out: the catalogue's answer, or a [`CatalogError`] that knows what the
//! catalogue said about its own callees. Owns: what the last 30 seconds of calls met.

use std::time::{Duration, Instant};

use axum::http::{Method, StatusCode};
use reqwest::Url;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::prodcatalog::{Problem, ProductList};
use crate::proddetail::CatalogDetail;
use crate::product::{ProductId, ProductName};
use crate::service::hops::{HopReport, HopWindow, Outcome, Symptom};
use crate::service::http;

/// Longest wait for one answer. Above the catalogue's own for Product-Detail, twice.
const TIMEOUT: Duration = Duration::from_secs(5);
/// Waits before the second and third try of a throttled call; up to half as much again is added.
const THROTTLED_WAITS: [Duration; 2] = [Duration::from_millis(150), Duration::from_millis(350)];

/// A call that failed.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct CatalogError {
    pub(crate) symptom: Symptom,
    /// What the catalogue said about it, if it said anything.
    pub(crate) problem: Option<Problem>,
    pub(crate) tries: usize,
    pub(crate) took: Duration,
}

/// One product with its detail.
#[derive(Debug, Deserialize)]
pub(crate) struct Found {
    pub(crate) name: String,
    pub(crate) details: CatalogDetail,
}

#[derive(Debug, Deserialize)]
struct Named {
    name: String,
}

#[derive(Debug, Serialize)]
struct NewName<'a> {
    name: &'a str,
}

/// The way to Product-Catalog.
#[derive(Debug)]
pub(crate) struct Catalog {
    client: xray_tracing::reqwest::Client,
    /// `…/products/`
    base: Url,
    window: HopWindow,
}

impl Catalog {
    /// `base` is the address of the product list, with or without its last slash.
    pub(crate) fn new(client: reqwest::Client, mut base: Url) -> Self {
        if !base.path().ends_with('/') {
            base.set_path(&format!("{}/", base.path()));
        }
        Self { client: client.into(), base, window: HopWindow::new(Instant::now()) }
    }

    /// All products and the vendors.
    pub(crate) async fn list(&self) -> Result<ProductList, CatalogError> {
        self.call(Method::GET, self.base.clone(), None).await
    }

    /// One product; `None` if there is none.
    pub(crate) async fn one(&self, id: ProductId) -> Result<Option<Found>, CatalogError> {
        match self.call(Method::GET, self.product(id), None).await {
            Err(err) if err.symptom == Symptom::Status(404) => Ok(None),
            found => found.map(Some),
        }
    }

    pub(crate) async fn insert(
        &self,
        id: ProductId,
        name: &ProductName,
    ) -> Result<(), CatalogError> {
        self.call::<Named>(Method::POST, self.product(id), Some(name)).await.map(drop)
    }

    pub(crate) async fn rename(
        &self,
        id: ProductId,
        name: &ProductName,
    ) -> Result<(), CatalogError> {
        self.call::<Named>(Method::PUT, self.product(id), Some(name)).await.map(drop)
    }

    /// Takes a product out and returns its name.
    pub(crate) async fn remove(&self, id: ProductId) -> Result<String, CatalogError> {
        self.call(Method::DELETE, self.product(id), None).await.map(|Named { name }| name)
    }

    /// Takes out every product that was not there from the start.
    pub(crate) async fn remove_inserted(&self) -> Result<(), CatalogError> {
        self.call::<serde_json::Value>(Method::DELETE, self.base.clone(), None).await.map(drop)
    }

    /// What the last 30 seconds of calls met.
    pub(crate) fn report(&self, now: Instant) -> HopReport {
        self.window.report(now)
    }

    /// `http://prodcatalog:5000`, where its other routes are.
    pub(crate) fn origin(&self) -> String {
        self.base.origin().ascii_serialization()
    }

    fn product(&self, id: ProductId) -> Url {
        let mut url = self.base.clone();
        url.set_path(&format!("{}{id}", self.base.path()));
        url
    }

    /// Calls up to three times, as long as the answer is 429: nothing was done then.
    async fn call<T: DeserializeOwned>(
        &self,
        method: Method,
        url: Url,
        name: Option<&ProductName>,
    ) -> Result<T, CatalogError> {
        let began = Instant::now();
        let mut tries = 0;
        loop {
            tries += 1;
            let (symptom, problem) = match self.attempt(method.clone(), url.clone(), name).await {
                Ok(answer) => return Ok(answer),
                Err(failed) => failed,
            };
            let wait = THROTTLED_WAITS.get(tries - 1).filter(|_| symptom == Symptom::Status(429));
            match wait {
                Some(wait) => tokio::time::sleep(wait.mul_f64(1.0 + fastrand::f64() / 2.0)).await,
                None => {
                    return Err(CatalogError { symptom, problem, tries, took: began.elapsed() });
                }
            }
        }
    }

    async fn attempt<T: DeserializeOwned>(
        &self,
        method: Method,
        url: Url,
        name: Option<&ProductName>,
    ) -> Result<T, (Symptom, Option<Problem>)> {
        let began = Instant::now();
        let result = self.exchange(method, url, name).await;
        let outcome = match &result {
            Ok(_) => Outcome::Fine,
            Err((Symptom::Status(code), _)) => Outcome::of_status(
                StatusCode::from_u16(*code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
            ),
            Err((symptom, _)) => Outcome::fault(*symptom),
        };
        self.window.record(Instant::now(), began.elapsed(), outcome);
        result
    }

    async fn exchange<T: DeserializeOwned>(
        &self,
        method: Method,
        url: Url,
        name: Option<&ProductName>,
    ) -> Result<T, (Symptom, Option<Problem>)> {
        let mut request = self.client.request(method, url).timeout(TIMEOUT);
        if let Some(name) = name {
            request = request.json(&NewName { name: name.as_str() });
        }
        let no_answer = |err: reqwest::Error| {
            (if err.is_timeout() { Symptom::Timeout } else { Symptom::Unreachable }, None)
        };
        let response = request.send().await.map_err(no_answer)?;
        let status = response.status();
        if status.is_success() {
            return http::json(response).await.map_err(|_| (Symptom::Unreachable, None));
        }
        // A body that is no error body says nothing; the status does.
        Err((Symptom::Status(status.as_u16()), http::json(response).await.ok()))
    }
}

impl CatalogError {
    /// The status that the person gets.
    pub(crate) fn status(&self) -> StatusCode {
        match self.symptom {
            Symptom::Status(504) | Symptom::Timeout => StatusCode::GATEWAY_TIMEOUT,
            Symptom::Status(code @ 400..=499) => {
                StatusCode::from_u16(code).unwrap_or(StatusCode::BAD_GATEWAY)
            }
            Symptom::Status(507) => StatusCode::INSUFFICIENT_STORAGE,
            Symptom::Status(_) | Symptom::Unreachable | Symptom::Statement => {
                StatusCode::BAD_GATEWAY
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_catalogue_says_decides_what_the_person_gets() {
        for (symptom, status) in [
            (Symptom::Status(500), 502),
            (Symptom::Status(502), 502),
            (Symptom::Status(504), 504),
            (Symptom::Timeout, 504),
            (Symptom::Unreachable, 502),
            (Symptom::Status(429), 429),
            (Symptom::Status(404), 404),
        ] {
            let took = Duration::from_millis(402);
            let err = CatalogError { symptom, problem: None, tries: 1, took };
            assert_eq!(err.status().as_u16(), status, "{symptom:?}");
        }
    }

    #[test]
    fn a_base_without_its_slash_gets_one() {
        for base in ["http://prodcatalog:5000/products", "http://prodcatalog:5000/products/"] {
            let catalog = Catalog::new(reqwest::Client::new(), base.parse().unwrap());
            let id = "7".parse().unwrap();
            assert_eq!(catalog.product(id).as_str(), "http://prodcatalog:5000/products/7");
            assert_eq!(catalog.origin(), "http://prodcatalog:5000");
        }
    }
}
