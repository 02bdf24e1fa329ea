//! Draws an edge: curves from the rim of one node to the rim of another.
//!
//! In: two circles and the bends between them. Out: the `d` of a path, and where its label stands.
//! Owns nothing.

use super::metrics::{Metrics, TallMetrics};
use super::plan::Place;

/// A curve, and the middle of its label.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Curve {
    pub(super) path: String,
    pub(super) label: (f64, f64),
    pub(super) straight: bool,
}

/// Farthest that a line leaves a node out of the flow, in radians.
const MAX_START_ANGLE: f64 = 0.7;
/// Farthest that lines of several callers reach a node out of the flow.
const MAX_END_ANGLE: f64 = 0.35;
/// How far a line back to a caller dips below both nodes.
const DIP: f64 = 64.0;

type Point = (f64, f64);

/// How a line meets the rim of its callee.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Arrival {
    /// The only one: in the middle of the rim.
    Alone,
    /// One of several: where it comes from.
    Among,
}

/// From left to right, through `bends`.
pub(super) fn forward(
    from: Place,
    to: Place,
    bends: &[Point],
    arrival: Arrival,
    metrics: &Metrics,
) -> Curve {
    let first = bends.first().copied().unwrap_or((to.x, to.y));
    let last = bends.last().copied().unwrap_or((from.x, from.y));
    let leave =
        ((first.1 - from.y).atan2(first.0 - from.x) * 0.7).clamp(-MAX_START_ANGLE, MAX_START_ANGLE);
    let reach = match arrival {
        Arrival::Alone => 0.0,
        Arrival::Among => {
            ((last.1 - to.y).atan2(to.x - last.0) * 0.4).clamp(-MAX_END_ANGLE, MAX_END_ANGLE)
        }
    };
    let (start_r, end_r) = (from.r + metrics.start_gap, to.r + metrics.end_gap);
    let start = (from.x + start_r * leave.cos(), from.y + start_r * leave.sin());
    let end = (to.x - end_r * reach.cos(), to.y + end_r * reach.sin());
    let mut points = vec![start];
    points.extend_from_slice(bends);
    points.push(end);
    let straight = bends.is_empty() && (from.y - to.y).abs() < 0.5;
    Curve { path: along(&points), label: middle(&points), straight }
}

/// Curves through the points: level at both ends, smooth at bends.
fn along(points: &[Point]) -> String {
    let mut path = String::new();
    let slope_at = |place: usize| {
        let before = place.checked_sub(1).and_then(|before| points.get(before));
        match (before, points.get(place), points.get(place + 1)) {
            (Some(before), Some(at), Some(after)) => slope(*before, *at, *after),
            _ => 0.0,
        }
    };
    for (place, pair) in points.windows(2).enumerate() {
        let [start, end] = pair else { continue };
        if path.is_empty() {
            move_to(&mut path, *start);
        }
        // A little past the middle: the curve turns between the layers, away from the nodes.
        let reach = (end.0 - start.0) * 0.55;
        let one = (start.0 + reach, start.1 + reach * slope_at(place));
        let two = (end.0 - reach, end.1 - reach * slope_at(place + 1));
        curve_to(&mut path, one, two, *end);
    }
    path
}

/// Slope at a bend that overshoots on neither side: level at a turning point, else the harmonic
/// mean of both sides.
fn slope(before: Point, at: Point, after: Point) -> f64 {
    let rise = |one: Point, next: Point| (next.1 - one.1) / (next.0 - one.0).max(1.0);
    let (left, right) = (rise(before, at), rise(at, after));
    if left * right <= 0.0 { 0.0 } else { 2.0 * left * right / (left + right) }
}

/// The middle of the middle piece.
fn middle(points: &[Point]) -> Point {
    let piece = (points.len().saturating_sub(1)) / 2;
    match (points.get(piece), points.get(piece + 1)) {
        (Some(start), Some(end)) => ((start.0 + end.0) / 2.0, (start.1 + end.1) / 2.0),
        _ => points.first().copied().unwrap_or_default(),
    }
}

/// Back to a caller: below both.
pub(super) fn backward(from: Place, to: Place, metrics: &Metrics) -> Curve {
    let start = (from.x - from.r * 0.5, from.y + from.r * 0.87 + metrics.start_gap);
    let end = (to.x + to.r * 0.5, to.y + to.r * 0.87 + metrics.end_gap);
    let dip = start.1.max(end.1) + DIP * metrics.r / 36.0;
    let mut path = String::new();
    move_to(&mut path, start);
    curve_to(&mut path, (start.0 - 12.0, dip), (end.0 + 12.0, dip), end);
    let label = ((start.0 + end.0) / 2.0, (start.1 + end.1) / 8.0 + dip * 0.75);
    Curve { path, label, straight: false }
}

/// From a node to itself: a loop at its upper right.
pub(super) fn around(node: Place, start_gap: f64, end_gap: f64) -> Curve {
    let at = |angle: f64, r: f64| (node.x + r * angle.cos(), node.y + r * angle.sin());
    let (start, end) = (at(-1.25, node.r + start_gap), at(-0.3, node.r + end_gap));
    let far = node.r * 2.4;
    let mut path = String::new();
    move_to(&mut path, start);
    curve_to(&mut path, at(-1.15, far), at(-0.4, far), end);
    Curve { path, label: at(-0.78, node.r * 2.1), straight: false }
}

/// From top to bottom, from below the name of one node to the rim of another.
pub(super) fn down(from: Place, to: Place, metrics: &TallMetrics) -> Curve {
    let name = if from.r < metrics.r { metrics.name - 18.0 } else { metrics.name };
    let start = (from.x, from.y + name);
    let end = (to.x, to.y - to.r - metrics.end_gap);
    let reach = (end.1 - start.1).max(0.0) / 2.0 + 8.0;
    let mut path = String::new();
    move_to(&mut path, start);
    curve_to(&mut path, (start.0, start.1 + reach), (end.0, end.1 - reach), end);
    let label = ((start.0 + end.0) / 2.0, (start.1 + end.1) / 2.0);
    Curve { path, label, straight: (from.x - to.x).abs() < 0.5 }
}

/// Up, or along a row: round the nearer side.
pub(super) fn up(from: Place, to: Place, metrics: &TallMetrics) -> Curve {
    let right = from.x + to.x >= metrics.width;
    let side = if right { 1.0 } else { -1.0 };
    let start = (from.x + side * (from.r + 5.0), from.y);
    let end = (to.x + side * (to.r + metrics.end_gap), to.y);
    let reach = if right {
        (start.0.max(end.0) + 40.0).min(metrics.width - 2.0)
    } else {
        (start.0.min(end.0) - 40.0).max(2.0)
    };
    let mut path = String::new();
    move_to(&mut path, start);
    curve_to(&mut path, (reach, start.1), (reach, end.1), end);
    Curve { path, label: (reach, (start.1 + end.1) / 2.0), straight: false }
}

fn move_to(path: &mut String, point: Point) {
    path.push('M');
    write_point(path, point);
}

fn curve_to(path: &mut String, one: Point, two: Point, end: Point) {
    for (letter, point) in [('C', one), (' ', two), (' ', end)] {
        path.push(letter);
        write_point(path, point);
    }
}

fn write_point(path: &mut String, (x, y): Point) {
    let tenths = |value: f64| (value * 10.0).round() / 10.0 + 0.0;
    path.push_str(&format!("{} {}", tenths(x), tenths(y)));
}

#[cfg(test)]
mod tests {
    use super::super::metrics::WIDE;
    use super::*;

    const A: Place = Place { x: 100.0, y: 100.0, r: 36.0 };

    #[test]
    fn a_level_call_is_a_straight_line_with_its_label_in_the_middle() {
        let to = Place { x: 290.0, ..A };
        let curve = forward(A, to, &[], Arrival::Alone, &WIDE);
        assert_eq!(curve.path, "M141 100C198.2 100 187.8 100 245 100");
        assert_eq!((curve.label, curve.straight), ((193.0, 100.0), true));
    }

    #[test]
    fn a_line_leaves_towards_its_callee_and_arrives_level() {
        let to = Place { x: 290.0, y: 246.0, r: 36.0 };
        let curve = forward(A, to, &[], Arrival::Alone, &WIDE);
        assert_eq!(curve.path, "M136.8 118.2C196.3 118.2 185.5 246 245 246");
        assert!(!curve.straight);
    }

    #[test]
    fn a_long_line_is_level_where_it_turns_and_sloped_where_it_goes_on() {
        let to = Place { x: 480.0, ..A };
        let curve = forward(A, to, &[(290.0, 180.0)], Arrival::Alone, &WIDE);
        assert_eq!(curve.path.matches('C').count(), 2);
        assert!(curve.path.contains(" 180 290 180C"), "{}", curve.path);
        assert_eq!(slope((0.0, 0.0), (10.0, 10.0), (20.0, 40.0)), 1.5);
        assert_eq!(slope((0.0, 0.0), (10.0, 10.0), (20.0, 0.0)), 0.0);
    }

    #[test]
    fn a_call_back_dips_below_both() {
        let curve = backward(Place { x: 290.0, ..A }, A, &WIDE);
        assert!(curve.label.1 > A.y + A.r, "{curve:?}");
    }
}
