//! Says in plain words whether traces arrive, and why not.
//!
//! In: a guard, perhaps a request. Out: text for people. Owns nothing. It asks the daemon, so that it
//! takes up to two seconds: for a command-line flag or a debugging session, not for every request.

use std::fmt;
use std::time::Duration;

use crate::emitter::Endpoint;
use crate::guard::Guard;
use crate::layer::clock;
use crate::plain_http::{Bounds, Request};
use crate::resource::Resource;
use crate::sampling::{HttpTarget, RuleSource, SamplingRequest};
use crate::{Stats, TraceHeader};

const BOUNDS: Bounds = Bounds {
    connect: Duration::from_secs(1),
    total: Duration::from_secs(2),
    max_body_bytes: 2 << 20,
};

/// What [`Guard::doctor`] found out; print it.
#[derive(Clone, Debug)]
pub struct Diagnosis {
    lines: Vec<Line>,
}

#[derive(Clone, Debug)]
struct Line {
    is_well: bool,
    text: String,
}

impl Diagnosis {
    /// Nothing was found that keeps traces from arriving.
    pub fn is_well(&self) -> bool {
        self.lines.iter().all(|line| line.is_well)
    }

    fn well(&mut self, text: String) {
        self.lines.push(Line { is_well: true, text });
    }

    fn unwell(&mut self, text: String) {
        self.lines.push(Line { is_well: false, text });
    }
}

impl fmt::Display for Diagnosis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for line in &self.lines {
            writeln!(f, "{} {}", if line.is_well { "ok  " } else { "BAD " }, line.text)?;
        }
        Ok(())
    }
}

impl Guard {
    /// Finds out whether traces arrive: asks the daemon, looks at what was lost, and says what a
    /// request (`"GET"`, `"http://shop.example/cart"`) would be decided on by. Takes up to two
    /// seconds.
    ///
    /// ```
    /// use xray_tracing::sampling::LocalRules;
    /// let options = xray_tracing::builder("orders").sampler(LocalRules::record_all());
    /// let (_layer, guard) = options.sink(xray_tracing::MemorySink::new()).build()?;
    /// let diagnosis = guard.doctor(Some(("GET", "http://shop.example/cart")));
    /// assert!(diagnosis.to_string().contains("GET http://shop.example/cart: rule \"Default\""));
    /// # Ok::<(), xray_tracing::InitError>(())
    /// ```
    pub fn doctor(&self, request: Option<(&str, &str)>) -> Diagnosis {
        let tracer = self.tracer();
        let mut found = Diagnosis { lines: Vec::new() };
        if tracer.queue.is_closed() {
            let text = "tracing is switched off: AWS_XRAY_SDK_ENABLED or AWS_XRAY_SDK_DISABLED";
            found.unwell(text.to_owned());
            return found;
        }
        found.well(format!("segments are named {:?}", &*tracer.settings.service_name));
        match tracer.resource.get().and_then(Resource::origin) {
            Some(origin) => found.well(format!("they run on {origin}")),
            None => found.well("no AWS compute was found here".to_owned()),
        }
        let udp = &tracer.settings.daemon.udp;
        found.well(format!("documents go to udp:{udp}"));
        ask_daemon(&mut found, &tracer.settings.daemon.tcp);
        self.rules(&mut found);
        if let Some((method, url)) = request {
            self.decision(&mut found, method, url);
        }
        losses(&mut found, &self.stats());
        found
    }

    fn rules(&self, found: &mut Diagnosis) {
        let rules = self.sampling();
        let Some(first) = rules.first() else {
            return found.well("a sampler of this program's own decides".to_owned());
        };
        let (count, source) = (rules.len(), first.source);
        match source {
            RuleSource::Central => found.well(format!("{count} of X-Ray's sampling rules hold")),
            RuleSource::Local => found.unwell(format!(
                "local sampling rules hold ({count}), since the daemon gave none of X-Ray's"
            )),
        }
    }

    fn decision(&self, found: &mut Diagnosis, method: &str, url: &str) {
        let tracer = self.tracer();
        let (host, path) = parts_of(url);
        let resource = tracer.resource.get();
        let request = SamplingRequest {
            service_name: &tracer.settings.service_name,
            service_type: resource.and_then(Resource::origin),
            resource_arn: resource.and_then(Resource::arn),
            http: Some(HttpTarget { host, method, path }),
            attributes: &[],
        };
        let rule = tracer.settings.sampler.rule_for(&request, clock::epoch_s());
        found.well(match rule {
            Some(rule) => format!(
                "{method} {url}: rule {:?} decides, {} a second and {} % of the others are recorded, \
                 unless the caller's {} says otherwise",
                &**rule.name(),
                rule.reservoir_per_s(),
                rule.fixed_rate() * 100.0,
                TraceHeader::NAME,
            ),
            None => format!("{method} {url}: the sampler does not say by what rule it decides"),
        });
    }
}

/// Whether the daemon answers on its TCP port: on UDP it never does.
fn ask_daemon(found: &mut Diagnosis, tcp: &Endpoint) {
    let request = Request {
        host: &tcp.host,
        port: tcp.port,
        method: "POST",
        path: "/GetSamplingRules",
        headers: &[("Content-Type", "application/json")],
        body: b"{}",
    };
    match request.send(BOUNDS) {
        Ok(answer) if answer.status == 200 => {
            found.well(format!("the daemon at tcp:{tcp} answers"));
        }
        Ok(answer) => found.unwell(format!(
            "the daemon at tcp:{tcp} answers status {}: its credentials or permissions may be missing",
            answer.status
        )),
        Err(error) => found.unwell(format!(
            "nobody answers at tcp:{tcp} ({error}); start xray-daemon there, or set \
             AWS_XRAY_DAEMON_ADDRESS"
        )),
    }
}

fn losses(found: &mut Diagnosis, stats: &Stats) {
    found.well(format!(
        "{} requests were recorded, {} were not; {} documents were sent",
        stats.roots_sampled, stats.roots_unsampled, stats.documents_sent
    ));
    let reasons = [
        (stats.dropped_unreachable, "nobody listened at the daemon's UDP address"),
        (stats.dropped_send_failed, "the socket refused them"),
        (stats.dropped_too_large, "they were too large for a datagram"),
        (stats.dropped_queue_full, "the sender could not keep up"),
        (stats.dropped_after_end, "they came after the end"),
        (stats.dropped_arena_full, "their trace held 1 MB that could not leave"),
        (stats.dropped_too_many_open, "too many traces were open at once"),
        (stats.dropped_never_closed, "their spans did not close for an hour"),
    ];
    for (lost, why) in reasons.into_iter().filter(|(lost, _)| *lost > 0) {
        found.unwell(format!("{lost} lost: {why}"));
    }
    if stats.context_missing > 0 {
        found.unwell(format!(
            "{} annotations were made outside any segment; start tasks with xray_tracing::spawn",
            stats.context_missing
        ));
    }
}

/// Host and path of a URL, or of a path alone.
fn parts_of(url: &str) -> (&str, &str) {
    let url = url.split(['?', '#']).next().unwrap_or_default();
    let Some((_, rest)) = url.split_once("://") else { return ("", url) };
    match rest.find('/') {
        Some(at) => rest.split_at(at),
        None => (rest, "/"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sampling::{LocalRules, Rule};
    use crate::{MemorySink, builder};

    #[test]
    fn what_keeps_traces_from_arriving_is_said() {
        let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let cart = Rule::named("cart").priority(1).path("/cart*").fixed_rate(0.25);
        let rules = LocalRules::builder().rule(cart.build().unwrap()).build();
        let options = builder("orders").without_environment().sampler(rules);
        let options = options.daemon_address(nobody.to_string()).sink(MemorySink::new());
        let (_layer, guard) = options.build().unwrap();
        let diagnosis = guard.doctor(Some(("POST", "https://shop.example/cart/7?x=1")));
        let text = diagnosis.to_string();
        assert!(!diagnosis.is_well());
        assert!(text.contains("ok   segments are named \"orders\"\n"), "{text}");
        assert!(text.contains(&format!("BAD  nobody answers at tcp:{nobody} (")), "{text}");
        let expected = "POST https://shop.example/cart/7?x=1: rule \"cart\" decides, 1 a second and \
                        25 % of the others are recorded";
        assert!(text.contains(expected), "{text}");
        assert!(text.contains("0 requests were recorded, 0 were not; 0 documents were sent"));
    }

    #[test]
    fn urls_have_a_host_and_a_path() {
        assert_eq!(parts_of("http://shop:80/cart?x=/y"), ("shop:80", "/cart"));
        assert_eq!(parts_of("http://shop"), ("shop", "/"));
        assert_eq!(parts_of("/cart"), ("", "/cart"));
    }

    #[test]
    fn one_that_is_switched_off_says_by_what() {
        let (_layer, guard) = builder("orders").without_environment().disabled().build().unwrap();
        let text = guard.doctor(None).to_string();
        let expected =
            "BAD  tracing is switched off: AWS_XRAY_SDK_ENABLED or AWS_XRAY_SDK_DISABLED\n";
        assert_eq!(text, expected);
    }
}
