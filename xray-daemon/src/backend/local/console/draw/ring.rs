//! The ring around a node: shares of error, fault and throttle from 12 o'clock, the rest ok.

use std::f64::consts::TAU;

use super::point::px;

/// Least part of the ring that trouble gets, so that one fault in a thousand is still seen.
const LEAST_SHARE: f64 = 0.035;
/// Left free at both ends of an arc, in radians: 1.5 units on a ring of radius 34.5.
const GAP: f64 = 0.0435;

/// Requests of a node or edge, each counted once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Shares {
    pub(crate) ok: u64,
    pub(crate) error: u64,
    pub(crate) fault: u64,
    pub(crate) throttle: u64,
}

impl Shares {
    /// All requests.
    pub(crate) fn total(self) -> u64 {
        self.ok + self.error + self.fault + self.throttle
    }
}

/// One arc of a ring. Without a path the ring is closed: all requests are of this class.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Arc {
    /// Class of a status: `ok`, `error`, `fault`, `throttle`.
    pub(crate) class: &'static str,
    /// Data of a `<path>`.
    pub(crate) path: Option<String>,
}

/// The arcs of a ring with centre and radius in user units. Nothing counted: a plain ok ring.
pub(crate) fn arcs(cx: f64, cy: f64, radius: f64, shares: Shares) -> Vec<Arc> {
    let total = shares.total() as f64;
    let trouble: Vec<_> =
        [("error", shares.error), ("fault", shares.fault), ("throttle", shares.throttle)]
            .into_iter()
            .filter(|(_, count)| *count > 0)
            .map(|(class, count)| (class, (count as f64 / total).max(LEAST_SHARE)))
            .collect();
    let troubled: f64 = trouble.iter().map(|(_, share)| share).sum();
    let ok = if shares.ok > 0 { (1.0 - troubled).max(LEAST_SHARE) } else { 0.0 };
    match trouble.as_slice() {
        [] => return vec![Arc { class: "ok", path: None }],
        [(class, _)] if shares.ok == 0 => return vec![Arc { class, path: None }],
        _ => {}
    }
    // Enlarged small shares can sum to more than the ring.
    let scale = 1.0 / (troubled + ok);
    let mut from = 0.0;
    let mut arcs = Vec::with_capacity(trouble.len() + 1);
    for (class, share) in trouble.into_iter().chain((ok > 0.0).then_some(("ok", ok))) {
        let to = from + share * scale * TAU;
        arcs.push(Arc { class, path: Some(arc(cx, cy, radius, from + GAP, to - GAP)) });
        from = to;
    }
    arcs
}

/// Clockwise from angle to angle, measured from 12 o'clock.
fn arc(cx: f64, cy: f64, radius: f64, from: f64, to: f64) -> String {
    let at = |angle: f64| (px(cx + radius * angle.sin()), px(cy - radius * angle.cos()));
    let ((x0, y0), (x1, y1)) = (at(from), at(to));
    let large = u8::from(to - from > TAU / 2.0);
    let r = px(radius);
    format!("M{x0} {y0}A{r} {r} 0 {large} 1 {x1} {y1}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn classes(shares: Shares) -> Vec<&'static str> {
        arcs(0.0, 0.0, 34.5, shares).iter().map(|arc| arc.class).collect()
    }

    #[test]
    fn a_ring_without_trouble_is_closed() {
        let healthy = Shares { ok: 9, ..Shares::default() };
        assert_eq!(arcs(0.0, 0.0, 34.5, healthy), [Arc { class: "ok", path: None }]);
        assert_eq!(arcs(0.0, 0.0, 34.5, Shares::default()), [Arc { class: "ok", path: None }]);
        let broken = Shares { fault: 3, ..Shares::default() };
        assert_eq!(arcs(0.0, 0.0, 34.5, broken), [Arc { class: "fault", path: None }]);
    }

    #[test]
    fn trouble_begins_at_twelve_and_the_rest_is_ok() {
        let shares = Shares { ok: 2_976, error: 8, fault: 194, throttle: 0 };
        assert_eq!(classes(shares), ["error", "fault", "ok"]);
        let drawn = arcs(238.0, 300.0, 34.5, shares);
        assert_eq!(drawn[0].path.as_deref(), Some("M239.5 265.5A34.5 34.5 0 0 1 244.1 266"));
        assert_eq!(drawn[2].path.as_deref(), Some("M258.8 272.5A34.5 34.5 0 1 1 236.5 265.5"));
    }

    #[test]
    fn a_sliver_of_ok_or_of_trouble_is_still_drawn() {
        assert_eq!(classes(Shares { ok: 1, fault: 100_000, ..Shares::default() }), ["fault", "ok"]);
        let all = Shares { ok: 1, error: 1, fault: 100_000, throttle: 1 };
        assert_eq!(classes(all), ["error", "fault", "throttle", "ok"]);
    }
}
