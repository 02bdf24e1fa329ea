//! The daemon's own page, ready to print: where segments are, what was lost, who sends.
//!
//! In: the counters at one moment, their history, the store. Out: text. Owns nothing.

use askama::Template;

use super::daemon_refused::RefusedRow;
use super::daemon_senders::SenderRow;
use super::empty_view::Connect;
use crate::backend::local::console::draw::{Spark, px};
use crate::backend::local::console::format;
use crate::backend::local::console::frame::Frame;
use crate::backend::local::console::history::History;
use crate::backend::local::console::text::fill;
use crate::backend::local::store::StoreStats;
use crate::counters::{BackendSnapshot, DropReason, RejectReason, Snapshot};

/// Width of sparklines and gauges in user units.
const WIDTH: f64 = 220.0;
/// Height of sparklines.
const HEIGHT: f64 = 40.0;

/// The page.
#[derive(Debug, Template)]
#[template(path = "pages/daemon.html")]
pub(crate) struct DaemonPageView {
    pub(crate) frame: Frame,
    pub(crate) events: Option<String>,
    pub(crate) notice: Option<&'static str>,
    /// None where the store is served without a daemon around it.
    pub(crate) daemon: Option<DaemonPart>,
    pub(crate) upstream: Vec<UpstreamRow>,
    pub(crate) documents: Vec<RefusedRow>,
    pub(crate) connect: Connect,
    pub(crate) clear: Option<Clear>,
}

/// What only a daemon has.
#[derive(Debug)]
pub(crate) struct DaemonPart {
    pub(crate) not_ready: Option<String>,
    /// `up 3 h 12 min · 7.4 MB · backend`
    pub(crate) about: String,
    pub(crate) backends: String,
    pub(crate) metrics: String,
    pub(crate) stages: Vec<Stage>,
    pub(crate) sums: Sums,
    pub(crate) lost: Lost,
    pub(crate) senders: Vec<SenderRow>,
    pub(crate) senders_note: String,
    pub(crate) refused: Vec<RefusedRow>,
}

/// One of the four places where segments are.
#[derive(Debug)]
pub(crate) struct Stage {
    pub(crate) name: &'static str,
    pub(crate) value: String,
    pub(crate) unit: &'static str,
    /// A line of the last minutes, or how full it is.
    pub(crate) picture: Picture,
    pub(crate) note: String,
}

/// The drawing of a stage.
#[derive(Debug)]
pub(crate) enum Picture {
    Line(Spark),
    Gauge(String),
}

/// The sums since the start; the last line must be 0.
#[derive(Debug)]
pub(crate) struct Sums {
    pub(crate) received: String,
    pub(crate) refused: String,
    /// Names of the backends; with one alone its name is not said.
    pub(crate) heads: Vec<&'static str>,
    pub(crate) rows: Vec<(&'static str, Vec<String>)>,
    pub(crate) unaccounted: Vec<String>,
}

/// What did not arrive, by reason.
#[derive(Debug)]
pub(crate) struct Lost {
    pub(crate) total: String,
    pub(crate) rows: Vec<LostRow>,
}

/// One reason.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct LostRow {
    pub(crate) name: String,
    pub(crate) count: String,
    /// Width of its bar; none for 0.
    pub(crate) bar: Option<String>,
}

/// A backend, or the store.
#[derive(Debug)]
pub(crate) struct UpstreamRow {
    pub(crate) name: String,
    pub(crate) text: String,
    /// Class of a status, with its word.
    pub(crate) state: Option<(&'static str, &'static str)>,
    pub(crate) error: Option<String>,
}

/// The way to an empty store.
#[derive(Debug)]
pub(crate) struct Clear {
    pub(crate) note: String,
}

impl DaemonPart {
    /// The stages, left to right.
    pub(crate) fn stages(frame: &Frame, snapshot: &Snapshot, history: &History) -> Vec<Stage> {
        let (t, lang) = (&frame.t.daemon, frame.lang);
        let n = |n: u64| format::count(lang, n);
        let spark = |rates: Vec<f64>| Picture::Line(Spark::new(&rates, WIDTH, HEIGHT));
        let peak = history.peak().map(|(rate, at_s)| {
            fill(t.peak_of, &[&format::rate(lang, rate), &format::clock(at_s, frame.zone)])
        });
        let sum = |value: fn(&BackendSnapshot) -> u64| -> u64 {
            snapshot.backends.iter().map(value).sum()
        };
        let held = [snapshot.held_bytes, snapshot.buffer_limit_bytes];
        let uploads = [sum(|it| it.uploads_running), sum(|it| it.uploads_limit)];
        let slowest = snapshot.backends.iter().filter_map(|it| it.latency.quantile_s(0.9));
        let slowest_s = slowest.reduce(f64::max);
        vec![
            Stage {
                name: t.incoming,
                value: format::rate(lang, history.received_per_second()),
                unit: t.per_second,
                picture: spark(history.received_rates()),
                note: peak.unwrap_or_default(),
            },
            Stage {
                name: t.queue,
                value: n(sum(|it| it.queued)),
                unit: t.segments,
                picture: gauge(held),
                note: fill(
                    t.of_of,
                    &held.map(|it| format::bytes(lang, it)).each_ref().map(|it| it.as_str()),
                ),
            },
            Stage {
                name: t.in_flight,
                value: n(sum(|it| it.in_flight)),
                unit: t.segments,
                picture: gauge(uploads),
                note: fill(t.uploads_of, &uploads.map(n).each_ref().map(|it| it.as_str())),
            },
            Stage {
                name: t.sent,
                value: format::rate(lang, history.sent_per_second()),
                unit: t.per_second,
                picture: spark(history.sent_rates()),
                note: slowest_s
                    .map(|s| fill(t.batch_of, &[&format::duration(lang, s)]))
                    .unwrap_or_default(),
            },
        ]
    }
}

fn gauge([part, whole]: [u64; 2]) -> Picture {
    let share = if whole == 0 { 0.0 } else { (part as f64 / whole as f64).min(1.0) };
    // What is not empty is seen.
    let least = if part == 0 { 0.0 } else { 2.0 };
    Picture::Gauge(px((share * WIDTH).max(least)))
}

impl Sums {
    /// All segments since the start, by backend.
    pub(crate) fn new(frame: &Frame, snapshot: &Snapshot) -> Self {
        let (t, lang) = (&frame.t.daemon, frame.lang);
        let backends = &snapshot.backends;
        let row = |name, value: fn(&BackendSnapshot) -> u64| {
            (name, backends.iter().map(|it| format::count(lang, value(it))).collect())
        };
        let heads = backends.iter().map(|it| it.name);
        let mut rows = vec![
            row(t.sent, |it| it.sent),
            row(t.refused, BackendSnapshot::refused_total),
            row(t.dropped, BackendSnapshot::dropped_total),
            row(t.waiting, |it| it.queued + it.in_flight),
            row(t.retried, |it| it.retried),
        ];
        if backends.iter().any(|it| it.spool_bytes + it.spool_written + it.replayed > 0) {
            rows.insert(4, row(t.spooled, |it| it.spooled));
            rows.push(row(t.replayed, |it| it.replayed));
        }
        Self {
            received: format::count(lang, snapshot.intake.received),
            refused: format::count(lang, snapshot.intake.rejected_total()),
            heads: if backends.len() > 1 { heads.collect() } else { Vec::new() },
            rows,
            unaccounted: backends.iter().map(|it| format::signed(lang, it.unaccounted())).collect(),
        }
    }
}

impl Lost {
    /// All reasons, those that occurred first.
    pub(crate) fn new(frame: &Frame, snapshot: &Snapshot) -> Self {
        let t = &frame.t.daemon;
        let intake = &snapshot.intake;
        let mut reasons: Vec<(String, u64)> = RejectReason::ALL
            .map(|reason| (reject_word(frame, reason).to_owned(), intake.rejected(reason)))
            .into();
        reasons.push((t.reason_kernel.to_owned(), intake.kernel_drops));
        for reason in DropReason::ALL {
            let count = snapshot.backends.iter().map(|it| it.dropped(reason)).sum();
            reasons.push((drop_word(frame, reason).to_owned(), count));
        }
        for backend in &snapshot.backends {
            for code in &backend.refused {
                reasons.push((format!("{}: {}", backend.name, code.code), code.count));
            }
        }
        reasons.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        let most = reasons.first().map_or(0, |(_, count)| *count);
        let row = |(name, count): (String, u64)| LostRow {
            name,
            count: format::count(frame.lang, count),
            bar: (count > 0).then(|| px((count as f64 / most as f64 * 100.0).max(1.0))),
        };
        let total = reasons.iter().map(|(_, count)| count).sum();
        Self {
            total: format::count(frame.lang, total),
            rows: reasons.into_iter().map(row).take(16).collect(),
        }
    }
}

fn reject_word(frame: &Frame, reason: RejectReason) -> &'static str {
    let t = &frame.t.daemon;
    match reason {
        RejectReason::Header => t.reason_header,
        RejectReason::NoNewline => t.reason_newline,
        RejectReason::NoDocument => t.reason_empty,
        RejectReason::Oversize => t.reason_size,
        RejectReason::SpanIds => t.reason_span_ids,
        RejectReason::OtlpRequest => t.reason_otlp,
        #[expect(unreachable_patterns, reason = "for reasons that are still to come")]
        other => other.label(),
    }
}

fn drop_word(frame: &Frame, reason: DropReason) -> &'static str {
    let t = &frame.t.daemon;
    match reason {
        DropReason::BufferFull => t.reason_buffer,
        DropReason::DrainTimeout => t.reason_shutdown,
        DropReason::SpoolFull => t.reason_spool_full,
        DropReason::SpoolExpired => t.reason_spool_old,
        DropReason::SpoolDamaged => t.reason_spool_damaged,
        DropReason::SpoolFailed => t.reason_spool_failed,
        #[expect(unreachable_patterns, reason = "for reasons that are still to come")]
        other => other.label(),
    }
}

impl UpstreamRow {
    /// A backend that delivery sends to.
    pub(crate) fn backend(frame: &Frame, backend: &BackendSnapshot, now_s: f64) -> Self {
        let t = &frame.t.daemon;
        let epoch_s = |at: std::time::SystemTime| {
            at.duration_since(std::time::UNIX_EPOCH).unwrap_or_default().as_secs_f64()
        };
        let success_s = backend.last_success.map(epoch_s);
        let failed = backend.last_error.as_ref().map(|(at, text)| (epoch_s(*at), text));
        let failing = failed.filter(|(at_s, _)| success_s.is_none_or(|success| *at_s > success));
        let ago = success_s.map(|s| fill(frame.t.sampling.ago_of, &[&format::age(now_s - s)]));
        let mut text =
            ago.map_or_else(|| t.nothing_sent.to_owned(), |ago| fill(t.took_of, &[&ago]));
        if let Some(valid) = backend.credentials_valid {
            let word = if valid { t.credentials_found } else { t.credentials_missing };
            text = format!("{text}, {word}");
        }
        Self {
            name: backend.name.to_owned(),
            text,
            state: match (failing, success_s) {
                (Some(_), _) => Some(("fault", t.failing)),
                (None, Some(_)) => Some(("ok", t.connected)),
                (None, None) => None,
            },
            error: failing.map(|(_, text)| text.clone()),
        }
    }

    /// The local store.
    pub(crate) fn store(frame: &Frame, stats: &StoreStats, now_s: f64) -> Self {
        let (t, lang) = (&frame.t.daemon, frame.lang);
        let size = fill(
            t.of_of,
            &[&format::bytes(lang, stats.bytes), &format::bytes(lang, stats.max_bytes)],
        );
        let oldest = stats.oldest_s.map(|oldest_s| format::age(now_s - oldest_s));
        let n = [stats.traces, stats.segments].map(|n| format::count(lang, n));
        let text = match oldest {
            Some(oldest) => {
                format!("{size}; {}", fill(t.store_traces_of, &[&n[0], &n[1], &oldest]))
            }
            None => format!("{size}; {}", frame.t.empty.store_empty),
        };
        Self { name: t.local_store.to_owned(), text, state: None, error: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::local::console::visitor::Visitor;
    use crate::counters::Counters;

    fn frame() -> Frame {
        Frame::new(&Visitor::default(), None, "")
    }

    #[test]
    fn the_sums_say_where_every_segment_is() {
        let snapshot = Counters::new(["aws", "local"]).snapshot();
        let sums = Sums::new(&frame(), &snapshot);
        assert_eq!(sums.heads, ["aws", "local"]);
        assert_eq!(sums.unaccounted, ["0", "0"]);
        let names: Vec<_> = sums.rows.iter().map(|(name, _)| *name).collect();
        assert_eq!(names, ["Sent", "Refused", "Dropped", "Waiting", "Retried"]);
        let counters = Counters::new(["aws"]);
        counters.backends()[0].set_spooled(3, 3_000);
        let rows = Sums::new(&frame(), &counters.snapshot()).rows;
        assert_eq!(rows[4], ("On disk", vec!["3".to_owned()]));
        assert_eq!(rows[6].0, "From an earlier run");
        let alone = Sums::new(&frame(), &Counters::new(["local"]).snapshot());
        assert_eq!(alone.heads, Vec::<&str>::new());
    }

    #[test]
    fn every_reason_stands_there_also_with_nothing_lost() {
        let lost = Lost::new(&frame(), &Counters::new(["local"]).snapshot());
        assert_eq!(lost.total, "0");
        assert_eq!(lost.rows.len(), 13);
        assert!(lost.rows.iter().all(|row| row.bar.is_none()));
    }

    #[test]
    fn a_backend_that_never_answered_has_no_state_yet() {
        let snapshot = Counters::new(["aws"]).snapshot();
        let row = UpstreamRow::backend(&frame(), &snapshot.backends[0], 0.0);
        assert_eq!((row.text.as_str(), row.state), ("nothing sent yet", None));
    }

    #[test]
    fn the_store_says_how_full_it_is() {
        let stats = StoreStats {
            segments: 12_345,
            traces: 3_375,
            bytes: 40 << 20,
            max_bytes: 2 << 30,
            oldest_s: Some(1_000.0),
            ..StoreStats::default()
        };
        let text = UpstreamRow::store(&frame(), &stats, 1_900.0).text.replace('\u{a0}', " ");
        assert_eq!(text, "40 MB of 2 GB; 3,375 traces, 12,345 segments, oldest 15 min");
    }
}
