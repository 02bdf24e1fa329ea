//! The daemon under load: ours, or the reference's binary.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::scenario::{Scenario, Spooling};
use crate::daemon::{Daemon, DaemonOptions};
use crate::fake_xray::FakeXray;
use crate::wait::wait_until;

/// The line after which the reference daemon receives.
pub(super) const REFERENCE_LISTENS: &str = "Starting proxy http server";

/// The daemon under load.
#[derive(Clone, Debug)]
pub enum Program {
    /// Ours.
    Ours,
    /// The reference daemon's binary.
    Reference(PathBuf),
}

impl Program {
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Ours => "ours",
            Self::Reference(_) => "reference",
        }
    }

    pub(super) fn is_ours(&self) -> bool {
        matches!(self, Self::Ours)
    }

    /// Its options; `folder` is for a spool.
    pub(super) fn options(
        &self,
        xray: &FakeXray,
        scenario: Option<(&Scenario, &Path)>,
    ) -> DaemonOptions {
        let mut options = match self {
            Self::Ours => DaemonOptions::uploading_to(xray),
            Self::Reference(path) => DaemonOptions::reference(path, xray),
        };
        let Some((scenario, folder)) = scenario else { return options };
        if let Some(megabytes) = scenario.memory_mb {
            options = options.args(["-m".to_owned(), megabytes.to_string()]);
        }
        if self.is_ours() && scenario.spooling == Spooling::On {
            options = options.args(["--spool".into(), folder.to_string_lossy().into_owned()]);
        }
        options
    }

    /// Starts it and waits until it receives.
    pub(super) async fn start(&self, options: DaemonOptions) -> Daemon {
        match self {
            Self::Ours => options.start().await,
            Self::Reference(_) => {
                let daemon = options.launch();
                let listens = || async { daemon.log().contains(REFERENCE_LISTENS).then_some(()) };
                let longest = Duration::from_secs(20);
                wait_until("the reference daemon to listen", longest, listens).await;
                daemon
            }
        }
    }
}
