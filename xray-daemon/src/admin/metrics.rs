//! The counters in Prometheus' text format.
//!
//! In: a [`Snapshot`]. Out: the body of `/metrics`. Owns the names, which dashboards and alerts
//! rely on. Label values that come from a service are escaped.

use std::fmt::{Display, Write};

use crate::counters::{BackendSnapshot, LATENCY_BOUNDS_S, SamplingSnapshot, Snapshot};

/// Version 0.0.4 of the text format.
pub(super) const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Renders all metrics.
pub(super) fn render(snapshot: &Snapshot) -> String {
    let mut page = Page { text: String::with_capacity(8 * 1024) };
    build(&mut page);
    intake(&mut page, snapshot);
    segments(&mut page, &snapshot.backends);
    gauges(&mut page, &snapshot.backends);
    uploads(&mut page, &snapshot.backends);
    memory(&mut page, snapshot);
    sampling(&mut page, &snapshot.sampling);
    page.text
}

fn build(page: &mut Page) {
    page.head("build_info", "gauge", "Version of the daemon; always 1.");
    page.sample("build_info", &[("version", env!("CARGO_PKG_VERSION"))], 1);
}

fn intake(page: &mut Page, snapshot: &Snapshot) {
    let intake = &snapshot.intake;
    let help = "Datagrams received, refused ones included, empty ones not.";
    page.head("segments_received_total", "counter", help);
    page.sample("segments_received_total", &[], intake.received);
    page.head("segments_rejected_total", "counter", "Datagrams refused at intake.");
    for (reason, count) in intake.rejected {
        page.sample("segments_rejected_total", &[("reason", reason.label())], count);
    }
    let help = "Datagrams that the kernel dropped because the receive buffers were full.";
    page.head("kernel_drops_total", "counter", help);
    page.sample("kernel_drops_total", &[], intake.kernel_drops);
    page.head("received_bytes_total", "counter", "Bytes of the datagrams received.");
    page.sample("received_bytes_total", &[], intake.received_bytes);
}

fn segments(page: &mut Page, backends: &[BackendSnapshot]) {
    let name = "segments_accepted_total";
    page.each(backends, name, "counter", "Segments put into the backend's queue.", |backend| {
        backend.accepted
    });
    let name = "segments_sent_total";
    page.each(backends, name, "counter", "Segments that the backend took.", |backend| backend.sent);
    let name = "segments_retried_total";
    page.each(
        backends,
        name,
        "counter",
        "Times that a segment went back to the queue.",
        |backend| backend.retried,
    );
    let name = "segments_possibly_repeated_total";
    let help = "Segments sent again though the service may have taken them.";
    page.each(backends, name, "counter", help, |backend| backend.possibly_repeated);
    let name = "segments_replayed_total";
    let help = "Segments that an earlier run had left in the spool.";
    page.each(backends, name, "counter", help, |backend| backend.replayed);
    let name = "segments_refused_total";
    page.head(name, "counter", "Segments that the service refused for good, by its code.");
    for backend in backends {
        for refused in &backend.refused {
            let labels = [("backend", backend.name), ("code", refused.code.as_str())];
            page.sample(name, &labels, refused.count);
        }
    }
    let name = "segments_dropped_total";
    page.head(name, "counter", "Segments that the daemon gave up.");
    for backend in backends {
        for (reason, count) in backend.dropped {
            page.sample(name, &[("backend", backend.name), ("reason", reason.label())], count);
        }
    }
}

fn gauges(page: &mut Page, backends: &[BackendSnapshot]) {
    page.each(backends, "segments_queued", "gauge", "Segments waiting.", |backend| backend.queued);
    let name = "queue_bytes";
    page.each(backends, name, "gauge", "Bytes of the segments waiting.", |backend| {
        backend.queue_bytes
    });
    let name = "segments_in_flight";
    page.each(backends, name, "gauge", "Segments in an upload.", |backend| backend.in_flight);
    let name = "segments_spooled";
    page.each(backends, name, "gauge", "Segments in the spool, not in memory.", |backend| {
        backend.spooled
    });
    let name = "spool_bytes";
    page.each(backends, name, "gauge", "Bytes of the spool's files.", |backend| {
        backend.spool_bytes
    });
    let name = "spool_written_total";
    let help = "Times that a segment was written to the spool.";
    page.each(backends, name, "counter", help, |backend| backend.spool_written);
    let name = "spool_read_total";
    let help = "Times that a segment came back from the spool.";
    page.each(backends, name, "counter", help, |backend| backend.spool_read);
    let name = "credentials_valid";
    page.head(name, "gauge", "1: credentials were found; 0: not.");
    for backend in backends {
        if let Some(valid) = backend.credentials_valid {
            page.sample(name, &[("backend", backend.name)], u8::from(valid));
        }
    }
}

fn uploads(page: &mut Page, backends: &[BackendSnapshot]) {
    let name = "uploads_total";
    page.head(name, "counter", "Calls of the backend that ended.");
    for backend in backends {
        for (result, count) in backend.uploads {
            page.sample(name, &[("backend", backend.name), ("result", result.label())], count);
        }
    }
    let name = "uploads_running";
    page.each(backends, name, "gauge", "Calls of the backend that run.", |backend| {
        backend.uploads_running
    });
    let name = "uploads_limit";
    page.each(backends, name, "gauge", "Most calls of the backend that may run now.", |backend| {
        backend.uploads_limit
    });
    let name = "connection_errors_total";
    page.head(name, "counter", "Calls of the backend that failed, by the kind of failure.");
    for backend in backends {
        for (kind, count) in backend.connection_errors {
            page.sample(name, &[("backend", backend.name), ("kind", kind.label())], count);
        }
    }
    page.head("upload_duration_seconds", "histogram", "How long calls of the backend took.");
    for backend in backends {
        histogram(page, backend);
    }
}

fn histogram(page: &mut Page, backend: &BackendSnapshot) {
    let mut below = 0;
    for (count, bound) in backend.latency.counts.iter().zip(LATENCY_BOUNDS_S) {
        below += count;
        let labels = [("backend", backend.name), ("le", &bound.to_string())];
        page.sample("upload_duration_seconds_bucket", &labels, below);
    }
    let (count, labels) = (backend.latency.count(), [("backend", backend.name)]);
    let infinite = [("backend", backend.name), ("le", "+Inf")];
    page.sample("upload_duration_seconds_bucket", &infinite, count);
    page.sample("upload_duration_seconds_sum", &labels, backend.latency.sum_s);
    page.sample("upload_duration_seconds_count", &labels, count);
}

fn memory(page: &mut Page, snapshot: &Snapshot) {
    let name = "buffer_held_bytes";
    page.head(name, "gauge", "Bytes of received datagrams in memory, those in flight included.");
    page.sample(name, &[], snapshot.held_bytes);
    page.head("buffer_limit_bytes", "gauge", "Bytes above which the oldest segments are dropped.");
    page.sample("buffer_limit_bytes", &[], snapshot.buffer_limit_bytes);
}

fn sampling(page: &mut Page, sampling: &SamplingSnapshot) {
    let name = "sampling_requests_total";
    page.head(name, "counter", "Requests on the port for sampling calls, by what became of them.");
    for (call, result, count) in &sampling.requests {
        page.sample(name, &[("call", call.label()), ("result", result.label())], count);
    }
    let name = "sampling_upstream_calls_total";
    page.head(name, "counter", "Calls of the service that these requests caused.");
    for (call, count, failed) in &sampling.upstream {
        page.sample(name, &[("call", call.label()), ("result", "answered")], count - failed);
        page.sample(name, &[("call", call.label()), ("result", "failed")], failed);
    }
}

struct Page {
    text: String,
}

impl Page {
    fn head(&mut self, name: &str, kind: &str, help: &str) {
        // Writing to a string cannot fail.
        write!(self.text, "# HELP xray_daemon_{name} {help}\n# TYPE xray_daemon_{name} {kind}\n")
            .ok();
    }

    fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: impl Display) {
        write!(self.text, "xray_daemon_{name}").ok();
        for (place, (label, text)) in labels.iter().enumerate() {
            let open = if place == 0 { '{' } else { ',' };
            write!(self.text, "{open}{label}=\"{}\"", escape(text)).ok();
        }
        let close = if labels.is_empty() { "" } else { "}" };
        writeln!(self.text, "{close} {value}").ok();
    }

    /// A metric with one sample for each backend.
    fn each(
        &mut self,
        backends: &[BackendSnapshot],
        name: &str,
        kind: &str,
        help: &str,
        value: impl Fn(&BackendSnapshot) -> u64,
    ) {
        self.head(name, kind, help);
        for backend in backends {
            self.sample(name, &[("backend", backend.name)], value(backend));
        }
    }
}

fn escape(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::counters::{
        ConnectionError, Counters, DropReason, SamplingCall, SamplingResult, UploadResult,
        UpstreamEnd,
    };

    fn page() -> String {
        let counters = Counters::new(["aws", "local"]);
        counters.intake().add_received(121, 5000);
        let aws = counters.backend("aws").unwrap();
        aws.add_accepted(120);
        aws.add_sent(110);
        aws.add_refused("Missing\"Name\n", 3);
        aws.add_dropped(DropReason::BufferFull, 2);
        aws.add_possibly_repeated(5);
        aws.add_replayed(7);
        aws.set_spooled(6, 6000);
        aws.set_queued(4, 400);
        aws.start_flight(1);
        aws.add_upload(UploadResult::Ok, Duration::from_millis(20));
        aws.add_connection_error(ConnectionError::Timeout);
        counters.sampling().add(SamplingCall::Rules, SamplingResult::Stale);
        counters.sampling().add_upstream(SamplingCall::Rules, UpstreamEnd::Failed);
        render(&counters.snapshot())
    }

    #[test]
    fn every_promised_name_is_there_with_its_labels() {
        let page = page();
        for line in [
            "xray_daemon_segments_received_total 121",
            "xray_daemon_segments_rejected_total{reason=\"header\"} 0",
            "xray_daemon_segments_sent_total{backend=\"aws\"} 110",
            "xray_daemon_segments_sent_total{backend=\"local\"} 0",
            "xray_daemon_segments_refused_total{backend=\"aws\",code=\"Missing\\\"Name\\n\"} 3",
            "xray_daemon_segments_dropped_total{backend=\"aws\",reason=\"buffer_full\"} 2",
            "xray_daemon_segments_retried_total{backend=\"aws\"} 0",
            "xray_daemon_segments_possibly_repeated_total{backend=\"aws\"} 5",
            "xray_daemon_segments_replayed_total{backend=\"aws\"} 7",
            "xray_daemon_segments_dropped_total{backend=\"aws\",reason=\"spool_full\"} 0",
            "xray_daemon_segments_spooled{backend=\"aws\"} 6",
            "xray_daemon_spool_bytes{backend=\"aws\"} 6000",
            "xray_daemon_segments_queued{backend=\"aws\"} 4",
            "xray_daemon_queue_bytes{backend=\"aws\"} 400",
            "xray_daemon_segments_in_flight{backend=\"aws\"} 1",
            "xray_daemon_kernel_drops_total 0",
            "xray_daemon_uploads_total{backend=\"aws\",result=\"ok\"} 1",
            "xray_daemon_upload_duration_seconds_bucket{backend=\"aws\",le=\"0.01\"} 0",
            "xray_daemon_upload_duration_seconds_bucket{backend=\"aws\",le=\"0.025\"} 1",
            "xray_daemon_upload_duration_seconds_bucket{backend=\"aws\",le=\"+Inf\"} 1",
            "xray_daemon_connection_errors_total{backend=\"aws\",kind=\"timeout\"} 1",
            "xray_daemon_sampling_requests_total{call=\"rules\",result=\"stale\"} 1",
            "xray_daemon_sampling_upstream_calls_total{call=\"rules\",result=\"failed\"} 1",
            "xray_daemon_sampling_upstream_calls_total{call=\"rules\",result=\"answered\"} 0",
            "xray_daemon_upload_duration_seconds_sum{backend=\"aws\"} 0.02",
        ] {
            assert!(page.lines().any(|found| found == line), "{line} is not in\n{page}");
        }
        let build =
            format!("xray_daemon_build_info{{version=\"{}\"}} 1", env!("CARGO_PKG_VERSION"));
        assert!(page.contains(&build));
    }

    #[test]
    fn every_line_is_a_comment_or_a_sample_of_the_metric_above_it() {
        let mut current = String::new();
        for line in page().lines() {
            if let Some(head) = line.strip_prefix("# TYPE ") {
                current = head.split(' ').next().unwrap().to_owned();
            } else if !line.starts_with('#') {
                assert!(line.starts_with(&current), "{line} is not of {current}");
                assert!(line.rsplit(' ').next().unwrap().parse::<f64>().is_ok(), "{line}");
            }
        }
    }
}
