//! Cuts a record every minute and sends what waits.
//!
//! In: the counters, the service. Out: calls. Owns the minute. A call that fails is tried again
//! with the next record: no one waits for telemetry.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use serde::Serialize;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at, timeout};
use tokio_util::sync::CancellationToken;
use tracing::debug;

use super::record::{Record, Totals};
use super::ring::Ring;
use crate::backend::aws::answer::NAME;
use crate::backend::aws::backend;
use crate::backend::aws::service::XRay;
use crate::config::AwsSettings;
use crate::counters::Counters;

const PATH: &str = "/TelemetryRecords";
/// Between two records.
const EVERY: Duration = Duration::from_secs(60);
/// Longest that the last call may hold up the end.
const LAST_CALL_TIMEOUT: Duration = Duration::from_secs(3);

/// Reports until `stop`, which comes when everything is delivered, and once more then.
pub(crate) async fn report(
    service: Arc<XRay>,
    counters: Arc<Counters>,
    settings: AwsSettings,
    stop: CancellationToken,
) {
    let mut minutes = interval_at(Instant::now() + EVERY, EVERY);
    minutes.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let calls = Calls { service, settings, machine: None };
    Reporter::new(counters, calls).run(&mut minutes, &stop).await;
}

/// Whether a call was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sent {
    Yes,
    No,
}

/// Where records go.
trait Take {
    fn take(&mut self, records: &[Record]) -> impl Future<Output = Sent> + Send;
}

/// Records go to X-Ray.
#[derive(Debug)]
struct Calls {
    service: Arc<XRay>,
    settings: AwsSettings,
    /// Asked for when the first record leaves.
    machine: Option<Machine>,
}

impl Take for Calls {
    async fn take(&mut self, records: &[Record]) -> Sent {
        let machine = match self.machine.take() {
            Some(machine) => machine,
            None => Machine::ask(&self.service, &self.settings).await,
        };
        let body = self.machine.insert(machine).body(records);
        let Some(body) = body else { return Sent::No };
        let headers = backend::headers(SystemTime::now());
        match self.service.call(PATH, headers, body).await {
            Ok(answer) if answer.status().is_success() => Sent::Yes,
            Ok(answer) => {
                debug!(status = answer.status().as_u16(), "telemetry was not taken");
                Sent::No
            }
            Err(error) => {
                debug!(error = &error as &dyn std::error::Error, "telemetry could not be sent");
                Sent::No
            }
        }
    }
}

/// Who reports.
#[derive(Debug, Serialize)]
struct Machine {
    #[serde(rename = "EC2InstanceId")]
    instance_id: String,
    #[serde(rename = "Hostname")]
    hostname: String,
    #[serde(rename = "ResourceARN")]
    resource_arn: String,
}

impl Machine {
    /// Name and id from the settings, else from the machine, which is asked only where it has been
    /// the source of more.
    async fn ask(service: &XRay, settings: &AwsSettings) -> Self {
        let asks = !settings.local_mode;
        let mut hostname = settings.hostname.clone();
        if hostname.is_none() && asks {
            hostname = service.ec2_metadata("/latest/meta-data/hostname").await;
        }
        let mut instance_id = settings.instance_id.clone();
        if instance_id.is_none() && asks {
            instance_id = service.ec2_metadata("/latest/meta-data/instance-id").await;
        }
        Self {
            hostname: hostname.unwrap_or_default(),
            instance_id: instance_id.unwrap_or_default(),
            resource_arn: settings.resource_arn.clone().unwrap_or_default(),
        }
    }

    fn body(&self, records: &[Record]) -> Option<Bytes> {
        #[derive(Serialize)]
        struct Body<'a> {
            #[serde(flatten)]
            machine: &'a Machine,
            #[serde(rename = "TelemetryRecords")]
            records: &'a [Record],
        }
        serde_json::to_vec(&Body { machine: self, records }).ok().map(Bytes::from)
    }
}

#[derive(Debug)]
struct Reporter<T> {
    counters: Arc<Counters>,
    last: Totals,
    ring: Ring,
    calls: T,
}

impl<T: Take> Reporter<T> {
    fn new(counters: Arc<Counters>, calls: T) -> Self {
        Self { counters, last: Totals::default(), ring: Ring::default(), calls }
    }

    async fn run(&mut self, minutes: &mut Interval, stop: &CancellationToken) {
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                _ = minutes.tick() => {}
            }
            self.cut();
            tokio::select! {
                () = stop.cancelled() => break,
                () = self.send_all() => {}
            }
        }
        self.cut();
        if timeout(LAST_CALL_TIMEOUT, self.send_all()).await.is_err() {
            debug!("the last telemetry could not be sent in time");
        }
    }

    /// Cuts a record, once a segment has ever come.
    fn cut(&mut self) {
        let now = Totals::of(&self.counters.snapshot(), NAME);
        if now.is_used() {
            self.ring.push(Record::between(&self.last, &now, SystemTime::now()));
            self.last = now;
        }
    }

    async fn send_all(&mut self) {
        loop {
            let records = self.ring.next();
            let count = records.len();
            if count == 0 || self.calls.take(&records).await == Sent::No {
                return;
            }
            self.ring.sent(count);
            debug!("Send {count} telemetry record(s)");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    /// When calls came (in seconds), and with how many records.
    type Came = Arc<Mutex<Vec<(u64, usize)>>>;

    /// Fails before a time, given in seconds.
    struct Service {
        start: Instant,
        healthy_from_s: u64,
        came: Came,
    }

    impl Take for Service {
        async fn take(&mut self, records: &[Record]) -> Sent {
            let seconds = self.start.elapsed().as_secs();
            self.came.lock().unwrap().push((seconds, records.len()));
            if seconds < self.healthy_from_s { Sent::No } else { Sent::Yes }
        }
    }

    /// Never answers.
    struct Hangs;

    impl Take for Hangs {
        async fn take(&mut self, _records: &[Record]) -> Sent {
            std::future::pending().await
        }
    }

    fn minutes() -> Interval {
        interval_at(Instant::now() + EVERY, EVERY)
    }

    /// The calls of a daemon that gets its first segment after a while, and is stopped a second
    /// after `last`.
    async fn calls(
        first_segment: Duration,
        healthy_from_s: u64,
        last: Duration,
    ) -> Vec<(u64, usize)> {
        let counters = Arc::new(Counters::new([NAME]));
        let (start, stop, came) = (Instant::now(), CancellationToken::new(), Came::default());
        let service = Service { start, healthy_from_s, came: Arc::clone(&came) };
        let mut reporter = Reporter::new(Arc::clone(&counters), service);
        let life = async {
            tokio::time::sleep(first_segment).await;
            counters.intake().add_received(1, 100);
            tokio::time::sleep_until(start + last + Duration::from_secs(1)).await;
            stop.cancel();
        };
        let mut minutes = minutes();
        tokio::join!(reporter.run(&mut minutes, &stop), life);
        came.lock().unwrap().clone()
    }

    #[tokio::test(start_paused = true)]
    async fn a_record_leaves_every_minute_from_the_first_segment_on_and_one_at_the_end() {
        let calls = calls(Duration::from_secs(90), 0, EVERY * 4).await;
        assert_eq!(calls, [(120, 1), (180, 1), (240, 1), (241, 1)]);
    }

    #[tokio::test(start_paused = true)]
    async fn records_that_were_not_taken_come_again_ten_a_call() {
        let calls = calls(Duration::ZERO, 12 * 60, EVERY * 12).await;
        let waiting: Vec<_> =
            (1..=11).map(|minute| (minute * 60, minute.min(10) as usize)).collect();
        assert_eq!(calls[..11], waiting);
        assert_eq!(calls[11..], [(720, 10), (720, 2), (721, 1)]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_daemon_that_nobody_uses_tells_nothing() {
        let last = Duration::from_secs(590);
        assert_eq!(calls(last, 0, last).await, [(591, 1)]);
        let (counters, stop) = (Arc::new(Counters::new([NAME])), CancellationToken::new());
        stop.cancel();
        let start = Instant::now();
        Reporter::new(counters, Hangs).run(&mut minutes(), &stop).await;
        assert_eq!(start.elapsed(), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn a_service_that_hangs_holds_up_the_end_for_three_seconds() {
        let counters = Arc::new(Counters::new([NAME]));
        counters.intake().add_received(1, 100);
        let stop = CancellationToken::new();
        stop.cancel();
        let start = Instant::now();
        Reporter::new(counters, Hangs).run(&mut minutes(), &stop).await;
        assert_eq!(start.elapsed(), LAST_CALL_TIMEOUT);
    }

    #[test]
    fn the_body_names_who_reports_even_where_nothing_is_known() {
        let machine = Machine {
            instance_id: "i-1".into(),
            hostname: String::new(),
            resource_arn: String::new(),
        };
        let body = machine.body(&[]).unwrap();
        let expected =
            r#"{"EC2InstanceId":"i-1","Hostname":"","ResourceARN":"","TelemetryRecords":[]}"#;
        assert_eq!(body, expected);
    }
}
