//! The failures that the shop offers as switches, each one a fault in one service.
//!
//! In: a scenario, on or off. Out: one call of that service's `/chaos`, in the person's own trace.
//! Whether a scenario is on is read from the service, so a fault injected with curl shows as well.

use axum::http::Method;

use super::catalog::Catalog;
use super::live::Snapshot;
use super::words::{Lang, ScenarioWords};
use crate::chaos::{Fault, Faults, Kind};
use crate::prodcatalog;
use crate::proddetail::Version;

/// A failure on demand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scenario {
    FailingDetail,
    FailingDatabase,
    SlowDetail,
    ThrottledCatalog,
    Timeouts,
    BadV2,
}

/// From here on a latency is a callee that never answers: no caller waits so long.
const NEVER_MS: u64 = 30_000;

impl Scenario {
    /// In the order of the panel, and of [`Words::scenarios`](super::words::Words).
    pub(crate) const ALL: [Self; 6] = [
        Self::FailingDetail,
        Self::FailingDatabase,
        Self::SlowDetail,
        Self::ThrottledCatalog,
        Self::Timeouts,
        Self::BadV2,
    ];

    pub(crate) fn slug(self) -> &'static str {
        match self {
            Self::FailingDetail => "failing-detail",
            Self::FailingDatabase => "failing-database",
            Self::SlowDetail => "slow-detail",
            Self::ThrottledCatalog => "throttled-catalog",
            Self::Timeouts => "timeouts",
            Self::BadV2 => "bad-v2",
        }
    }

    pub(crate) fn from_slug(slug: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scenario| scenario.slug() == slug)
    }

    pub(crate) fn words(self, lang: Lang) -> &'static ScenarioWords {
        &lang.words().scenarios[self as usize]
    }

    /// The service that is broken.
    pub(crate) fn service(self) -> &'static str {
        match self {
            Self::FailingDetail | Self::SlowDetail | Self::Timeouts => Version::One.segment_name(),
            Self::FailingDatabase | Self::ThrottledCatalog => prodcatalog::SEGMENT_NAME,
            Self::BadV2 => Version::Two.segment_name(),
        }
    }

    fn fault(self) -> (Kind, u64) {
        match self {
            Self::FailingDetail | Self::BadV2 => (Kind::Status, 500),
            Self::FailingDatabase => (Kind::Database, 2),
            Self::SlowDetail => (Kind::Latency, 1_200),
            Self::ThrottledCatalog => (Kind::Throttle, 2),
            Self::Timeouts => (Kind::Latency, NEVER_MS),
        }
    }

    /// The fault, if it is on.
    pub(crate) fn state(self, snapshot: &Snapshot) -> Option<Fault> {
        let faults = snapshot.faults_of(self.service())?;
        match self {
            Self::FailingDetail | Self::BadV2 => faults.status,
            Self::FailingDatabase => faults.database,
            Self::ThrottledCatalog => faults.throttle,
            Self::SlowDetail => faults.latency.filter(|fault| fault.value < NEVER_MS),
            Self::Timeouts => faults.latency.filter(|fault| fault.value >= NEVER_MS),
        }
    }

    /// Whether its service is there at all; a switch without effect is not shown.
    pub(crate) fn is_possible(self, snapshot: &Snapshot) -> bool {
        snapshot.faults_of(self.service()).is_some()
    }
}

/// On or off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Switch {
    On,
    Off,
}

/// Why a scenario was not switched.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SwitchError {
    #[error("{0} is not running, so it cannot be broken")]
    NoSuchService(&'static str),
    #[error("{service} does not answer")]
    Unreachable { service: String, source: reqwest::Error },
    #[error("{service} answered {code}")]
    Refused { service: String, code: u16 },
}

/// Switches faults in the services, as calls of the current trace.
#[derive(Debug)]
pub(crate) struct Breaker {
    client: xray_tracing::reqwest::Client,
    catalog_origin: String,
}

impl Breaker {
    pub(crate) fn new(client: reqwest::Client, catalog: &Catalog) -> Self {
        Self { client: client.into(), catalog_origin: catalog.origin() }
    }

    /// Switches one scenario.
    ///
    /// # Errors
    /// When its service is not there or refuses.
    pub(crate) async fn switch(
        &self,
        scenario: Scenario,
        to: Switch,
        snapshot: &Snapshot,
    ) -> Result<(), SwitchError> {
        let service = scenario.service();
        let origin = self
            .origins(snapshot)
            .find(|(name, _)| *name == service)
            .map(|(_, origin)| origin)
            .ok_or(SwitchError::NoSuchService(service))?;
        let (kind, value) = scenario.fault();
        let (method, path) = match to {
            Switch::On => (Method::POST, format!("/chaos/{}/{value}", kind.as_str())),
            Switch::Off => (Method::DELETE, format!("/chaos/{}", kind.as_str())),
        };
        self.call(service, method, format!("{origin}{path}")).await
    }

    /// Switches everything off, in every service that has something on.
    ///
    /// # Errors
    /// The first failure, after all services were asked.
    pub(crate) async fn reset(&self, snapshot: &Snapshot) -> Result<(), SwitchError> {
        let broken: Vec<(&str, &str)> = self
            .origins(snapshot)
            .filter(|(name, _)| {
                snapshot.faults_of(name).is_some_and(|faults| *faults != Faults::default())
            })
            .collect();
        let mut result = Ok(());
        for (name, origin) in broken {
            result = result.and(self.call(name, Method::DELETE, format!("{origin}/chaos")).await);
        }
        result
    }

    /// Every service that can be broken, with its base URL.
    fn origins<'a>(&'a self, snapshot: &'a Snapshot) -> impl Iterator<Item = (&'a str, &'a str)> {
        let catalog =
            snapshot.catalog.iter().map(|it| (it.service.as_str(), self.catalog_origin.as_str()));
        catalog.chain(snapshot.details.iter().map(|(url, it)| (it.service.as_str(), url.as_str())))
    }

    async fn call(&self, service: &str, method: Method, url: String) -> Result<(), SwitchError> {
        let response = self
            .client
            .request(method, url)
            .timeout(std::time::Duration::from_secs(2))
            .send()
            .await
            .map_err(|source| SwitchError::Unreachable { service: service.to_owned(), source })?;
        if response.status().is_success() {
            Ok(())
        } else {
            let code = response.status().as_u16();
            Err(SwitchError::Refused { service: service.to_owned(), code })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::topology::Topology;

    fn snapshot(service: &str, faults: Faults) -> Snapshot {
        let topology = Topology {
            service: service.to_owned(),
            listen: "127.0.0.1:3000".to_owned(),
            instrumentation: String::new(),
            faults,
            hops: Vec::new(),
            rows: None,
        };
        let details = vec![("http://127.0.0.1:3000".to_owned(), topology)];
        Snapshot { details, ..Snapshot::default() }
    }

    #[test]
    fn a_latency_is_slow_or_a_timeout_by_its_length() {
        let latency =
            |value| Faults { latency: Some(Fault { value, since_s: 1 }), ..Faults::default() };
        let slow = snapshot("Product-Detail", latency(1_200));
        assert!(Scenario::SlowDetail.state(&slow).is_some());
        assert!(Scenario::Timeouts.state(&slow).is_none());
        let never = snapshot("Product-Detail", latency(NEVER_MS));
        assert!(Scenario::SlowDetail.state(&never).is_none());
        assert!(Scenario::Timeouts.state(&never).is_some());
    }

    #[test]
    fn without_the_canary_its_bad_deploy_is_not_offered() {
        let alone = snapshot("Product-Detail", Faults::default());
        assert!(Scenario::FailingDetail.is_possible(&alone));
        assert!(!Scenario::BadV2.is_possible(&alone));
        assert!(!Scenario::FailingDatabase.is_possible(&alone));
    }

    #[test]
    fn every_scenario_is_found_by_its_slug_and_has_words() {
        for scenario in Scenario::ALL {
            assert_eq!(Scenario::from_slug(scenario.slug()), Some(scenario));
            assert!(scenario.words(Lang::Es).what.contains(char::is_alphabetic));
        }
        assert_eq!(Scenario::from_slug("memory"), None);
    }
}
