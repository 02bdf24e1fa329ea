//! Who sends: address, rate, and what their segments say of them.
//!
//! In: the table of senders, some recent traces. Out: rows. Owns nothing. A sender's service and SDK
//! are read from the newest segments that came from its address, so an unknown one stays unknown.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::UNIX_EPOCH;

use serde_json::Value;
use xray_tracing::document::Entity;

use crate::backend::local::console::draw::Spark;
use crate::backend::local::console::format;
use crate::backend::local::console::frame::Frame;
use crate::backend::local::console::service::cut;
use crate::backend::local::store::FoundTrace;
use crate::counters::SenderSnapshot;

/// Rows at most: the busiest.
const MAX_ROWS: usize = 50;
/// A sender silent for longer is left out.
const MAX_SILENCE_S: f64 = 300.0;

/// A sender.
#[derive(Debug)]
pub(crate) struct SenderRow {
    pub(crate) service: Option<String>,
    pub(crate) from: String,
    pub(crate) sdk: Option<String>,
    pub(crate) per_second: String,
    pub(crate) line: String,
    pub(crate) refused: String,
    pub(crate) some_refused: bool,
    pub(crate) seen: String,
}

/// What a sender's segments say of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Known {
    service: String,
    sdk: Option<String>,
}

/// What these traces say of who sent them.
pub(super) fn known(traces: &[FoundTrace]) -> HashMap<SocketAddr, Known> {
    let mut known = HashMap::new();
    for FoundTrace { trace, .. } in traces {
        for entry in trace.entries().iter().filter(|entry| entry.is_segment()) {
            let Some(sender) = trace.source(entry).and_then(|source| source.sender) else {
                continue;
            };
            known.entry(sender).or_insert_with(|| Known {
                service: cut(&entry.entity.name, 60),
                sdk: sdk(&entry.entity),
            });
        }
    }
    known
}

/// `xray-tracing 0.1.0, rustc`.
fn sdk(entity: &Entity) -> Option<String> {
    let xray = entity.aws.as_ref()?.extra.get("xray")?;
    let text = |key| xray.get(key).and_then(Value::as_str);
    let runtime = entity.service.as_ref().and_then(|it| it.extra.get("runtime"));
    let parts = [text("sdk"), text("sdk_version")];
    let name: Vec<_> = parts.into_iter().flatten().collect();
    let name = (!name.is_empty()).then(|| name.join(" "))?;
    let runtime = runtime.and_then(Value::as_str);
    Some(cut(&runtime.map_or_else(|| name.clone(), |runtime| format!("{name}, {runtime}")), 60))
}

/// The senders of the last minutes, the busiest first.
pub(super) fn rows(
    frame: &Frame,
    senders: &[SenderSnapshot],
    known: &HashMap<SocketAddr, Known>,
    now_s: f64,
) -> Vec<SenderRow> {
    let silent_s = |sender: &SenderSnapshot| {
        now_s - sender.last_seen.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64()
    };
    let recent = senders.iter().filter(|sender| silent_s(sender) <= MAX_SILENCE_S);
    let row = |sender: &SenderSnapshot| {
        let known = known.get(&sender.sender);
        // The last point is still being filled.
        let whole = sender.history.len().saturating_sub(1);
        let rates: Vec<f64> = sender.history.iter().take(whole).map(|n| f64::from(*n)).collect();
        SenderRow {
            service: known.map(|known| known.service.clone()),
            from: sender.sender.to_string(),
            sdk: known.and_then(|known| known.sdk.clone()),
            per_second: format::rate(frame.lang, sender.per_second),
            line: Spark::new(&rates, 96.0, 18.0).line,
            refused: format::count(frame.lang, sender.refused),
            some_refused: sender.refused > 0,
            seen: format::age(silent_s(sender)),
        }
    };
    recent.take(MAX_ROWS).map(row).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::backend::local::console::visitor::Visitor;

    fn sender(port: u16, last_seen_s: u64) -> SenderSnapshot {
        let last_seen = UNIX_EPOCH + Duration::from_secs(last_seen_s);
        SenderSnapshot {
            sender: ([127, 0, 0, 1], port).into(),
            segments: 100,
            refused: 9,
            per_second: 71.04,
            history: vec![1, 2, 3],
            first_seen: last_seen,
            last_seen,
        }
    }

    #[test]
    fn a_sender_shows_what_its_segments_say() {
        let frame = Frame::new(&Visitor::default(), None, "");
        let said = Known { service: "Frontend".into(), sdk: Some("xray-tracing 0.1.0".into()) };
        let known = HashMap::from([(sender(1, 0).sender, said)]);
        let rows = rows(&frame, &[sender(1, 998), sender(2, 1_000), sender(3, 1)], &known, 1_000.0);
        assert_eq!(rows.len(), 2, "who is silent for long is left out");
        assert_eq!(rows[0].service.as_deref(), Some("Frontend"));
        assert_eq!((rows[0].per_second.as_str(), rows[0].seen.as_str()), ("71", "2\u{a0}s"));
        assert_eq!(rows[0].line, "M0 10.5L96 3");
        assert_eq!((rows[1].service.as_ref(), rows[1].refused.as_str()), (None, "9"));
    }
}
