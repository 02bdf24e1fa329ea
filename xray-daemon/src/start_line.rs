//! The one line that says what the daemon does.
//!
//! In: configuration, and what was found at start. Out: a line in the log. Owns nothing: region,
//! where it was found, where credentials were found, buffer, and where segments go.

use tracing::info;

#[cfg(feature = "aws")]
use crate::backend::aws::XRay;
use crate::config::DaemonConfig;
use crate::counters::Counters;

#[derive(Debug)]
pub(crate) struct StartLine {
    region: Option<String>,
    buffer_bytes: usize,
    sinks: Vec<String>,
}

impl StartLine {
    pub(crate) fn new(config: &DaemonConfig, counters: &Counters, buffer_bytes: usize) -> Self {
        let sinks = counters.backends().iter().map(|backend| match backend.name() {
            #[cfg(feature = "local")]
            "local" => match &config.local.data_dir {
                Some(folder) => format!("local ({})", folder.display()),
                None => "local (in memory)".to_owned(),
            },
            name => name.to_owned(),
        });
        let sinks = sinks.collect();
        #[cfg(not(feature = "local"))]
        let _ = config;
        Self { region: None, buffer_bytes, sinks }
    }

    /// Adds what is known of AWS.
    #[cfg(feature = "aws")]
    pub(crate) fn with_aws(mut self, service: &XRay) -> Self {
        for sink in self.sinks.iter_mut().filter(|sink| *sink == "aws") {
            *sink = format!("aws ({})", service.endpoint());
        }
        self.region = Some(service.region_and_source());
        self
    }

    /// Writes the line; `credentials` says where they come from.
    pub(crate) fn log(self, credentials: &str) {
        info!("{}", self.text(credentials));
    }

    fn text(&self, credentials: &str) -> String {
        let region = self.region.as_deref().unwrap_or("none needed");
        let (megabytes, sinks) = (self.buffer_bytes >> 20, self.sinks.join(", "));
        format!(
            "Started: region {region}, {credentials}, buffer {megabytes} MB, segments go to {sinks}"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_says_region_credentials_buffer_and_sinks() {
        let line = StartLine {
            region: Some("eu-west-1 (AWS_REGION)".into()),
            buffer_bytes: 24 << 20,
            sinks: vec!["aws (https://xray.eu-west-1.amazonaws.com)".into(), "local".into()],
        };
        assert_eq!(
            line.text("credentials from EKS Pod Identity"),
            "Started: region eu-west-1 (AWS_REGION), credentials from EKS Pod Identity, buffer 24 \
             MB, segments go to aws (https://xray.eu-west-1.amazonaws.com), local"
        );
    }

    #[test]
    fn a_daemon_without_aws_needs_no_region() {
        let line = StartLine::new(&DaemonConfig::default(), &Counters::new(["own"]), 16 << 20);
        assert_eq!(
            line.text("no credentials needed"),
            "Started: region none needed, no credentials needed, buffer 16 MB, segments go to own"
        );
    }
}
