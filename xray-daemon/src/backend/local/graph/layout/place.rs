//! Gives the items of each layer their places across the flow.
//!
//! In: ordered layers. Out: a coordinate an item. Owns nothing. Each wants to stand in the middle
//! of its neighbours; within a layer order and distances are kept, and the sum of squared
//! deviations is the least (pool adjacent violators).

use super::layers::Layers;

/// Passes over all layers, both ways.
const SWEEPS: usize = 12;
/// How much more a bend insists than a node: long edges run straight.
const BEND_WEIGHT: f64 = 4.0;

/// Centres across the flow. `pitch` is the distance that two neighbours need.
pub(super) fn place(layers: &Layers, pitch: impl Fn(usize, usize) -> f64) -> Vec<f64> {
    let mut places = vec![0.0; layers.layer_of.len()];
    for layer in &layers.layers {
        let offsets = offsets(layer, &pitch);
        let middle = offsets.last().map_or(0.0, |last| last / 2.0);
        put(layer, offsets.iter().map(|offset| offset - middle), &mut places);
    }
    for _ in 0..SWEEPS {
        for layer in layers.layers.iter().skip(1) {
            settle(layers, layer, &layers.before, &pitch, &mut places);
        }
        for layer in layers.layers.iter().rev().skip(1) {
            settle(layers, layer, &layers.after, &pitch, &mut places);
        }
    }
    places
}

/// Distances from the first item, as close as allowed.
fn offsets(layer: &[usize], pitch: &impl Fn(usize, usize) -> f64) -> Vec<f64> {
    let mut offset = 0.0;
    let mut offsets = Vec::with_capacity(layer.len());
    offsets.extend(layer.first().map(|_| 0.0));
    for pair in layer.windows(2) {
        if let [one, next] = pair {
            offset += pitch(*one, *next);
            offsets.push(offset);
        }
    }
    offsets
}

fn put(layer: &[usize], coordinates: impl Iterator<Item = f64>, places: &mut [f64]) {
    for (item, coordinate) in layer.iter().zip(coordinates) {
        if let Some(place) = places.get_mut(*item) {
            *place = coordinate;
        }
    }
}

/// Moves the items of a layer towards the middle of their neighbours on one side.
fn settle(
    layers: &Layers,
    layer: &[usize],
    side: &[Vec<usize>],
    pitch: &impl Fn(usize, usize) -> f64,
    places: &mut [f64],
) {
    let wish = |item: &usize| {
        let own = places.get(*item).copied().unwrap_or(0.0);
        let neighbours = side.get(*item).map(Vec::as_slice).unwrap_or_default();
        let sum: f64 = neighbours.iter().filter_map(|neighbour| places.get(*neighbour)).sum();
        match neighbours.len() {
            // Out of the way of those that have a wish.
            0 => (own, 0.2),
            count if layers.is_bend(*item) => (sum / count as f64, BEND_WEIGHT),
            count => (sum / count as f64, 1.0),
        }
    };
    let wishes: Vec<_> = layer.iter().map(wish).collect();
    let settled = nearest_in_order(&wishes, &offsets(layer, pitch));
    put(layer, settled.into_iter(), places);
}

/// The coordinates nearest to the wishes (value and weight) that are apart by the offsets.
pub(super) fn nearest_in_order(wishes: &[(f64, f64)], offsets: &[f64]) -> Vec<f64> {
    // Without the offsets, the order alone must be kept: groups that would violate it become one.
    let mut groups: Vec<(f64, f64, usize)> = Vec::with_capacity(wishes.len());
    for ((wish, weight), offset) in wishes.iter().zip(offsets) {
        let mut group = (wish - offset, *weight, 1);
        while let Some(last) = groups.pop_if(|last| last.0 > group.0) {
            let weight = last.1 + group.1;
            group = ((last.0 * last.1 + group.0 * group.1) / weight, weight, last.2 + group.2);
        }
        groups.push(group);
    }
    let values = groups.into_iter().flat_map(|(value, _, count)| std::iter::repeat_n(value, count));
    values.zip(offsets).map(|(value, offset)| value + offset).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wishes_are_met_as_far_as_the_distances_allow() {
        let equal = |wishes: &[f64]| wishes.iter().map(|wish| (*wish, 1.0)).collect::<Vec<_>>();
        assert_eq!(nearest_in_order(&equal(&[0.0, 100.0]), &[0.0, 10.0]), [0.0, 100.0]);
        assert_eq!(nearest_in_order(&equal(&[5.0, 5.0]), &[0.0, 10.0]), [0.0, 10.0]);
        assert_eq!(nearest_in_order(&equal(&[9.0, 0.0, 0.0]), &[0.0, 1.0, 2.0]), [2.0, 3.0, 4.0]);
        assert_eq!(nearest_in_order(&[(0.0, 3.0), (0.0, 1.0)], &[0.0, 8.0]), [-2.0, 6.0]);
        assert_eq!(nearest_in_order(&[], &[]), [0.0; 0]);
    }

    #[test]
    fn a_caller_stands_in_the_middle_of_its_callees_and_a_chain_is_straight() {
        // 0 calls 1, which calls 2, 3 and 4; 4 calls 5.
        let layers = Layers::of(6, &[(0, 1), (1, 2), (1, 3), (1, 4), (4, 5)], &[true]);
        let places = place(&layers, |_, _| 10.0);
        let rounded: Vec<_> = places.iter().map(|place| place.round()).collect();
        assert_eq!(rounded[0], rounded[1]);
        assert_eq!(rounded[1], rounded[3]);
        assert_eq!((rounded[2], rounded[4]), (rounded[3] - 10.0, rounded[3] + 10.0));
        assert_eq!(rounded[4], rounded[5]);
    }
}
