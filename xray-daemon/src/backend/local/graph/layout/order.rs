//! Orders the items of each layer so that few edges cross.
//!
//! In: layers. Out: the same in a better order. Owns nothing. Each layer is sorted by the middle of
//! its neighbours, back and forth; then neighbours are exchanged while that helps. The best order
//! seen is kept. No chance is involved: the same graph always gets the same order.

use super::layers::Layers;

/// Passes over all layers, each way in turn.
const SWEEPS: usize = 8;
/// Most items in layers for which single exchanges are tried.
const MAX_EXCHANGED: usize = 600;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Direction {
    Forward,
    Backward,
}

pub(super) fn reduce_crossings(layers: &mut Layers) {
    let mut positions = vec![0; layers.layer_of.len()];
    sweep(layers, &mut positions, Direction::Forward);
    let mut best = layers.layers.clone();
    let mut fewest = crossings(layers, &positions);
    for round in 0..SWEEPS {
        if fewest == 0 {
            break;
        }
        let direction = if round % 2 == 0 { Direction::Backward } else { Direction::Forward };
        sweep(layers, &mut positions, direction);
        if layers.layer_of.len() <= MAX_EXCHANGED {
            exchange(layers, &mut positions);
        }
        let found = crossings(layers, &positions);
        if found < fewest {
            fewest = found;
            best.clone_from(&layers.layers);
        }
    }
    layers.layers = best;
}

fn number(layer: &[usize], positions: &mut [usize]) {
    for (position, item) in layer.iter().enumerate() {
        if let Some(slot) = positions.get_mut(*item) {
            *slot = position;
        }
    }
}

/// Sorts each layer by the middle of its neighbours in the layer before it on the way.
fn sweep(layers: &mut Layers, positions: &mut [usize], direction: Direction) {
    let count = layers.layers.len();
    let ranks: Vec<usize> = match direction {
        Direction::Forward => (0..count).collect(),
        Direction::Backward => (0..count).rev().collect(),
    };
    for rank in ranks {
        let Some(mut layer) = layers.layers.get_mut(rank).map(std::mem::take) else { continue };
        number(&layer, positions);
        let neighbours = match direction {
            Direction::Forward => &layers.before,
            Direction::Backward => &layers.after,
        };
        let middle = |item: &usize| middle(neighbours.get(*item), positions);
        let mut keyed: Vec<(f64, usize)> = Vec::with_capacity(layer.len());
        // What has no neighbour stays beside the one that it stood behind.
        let mut last = f64::MIN;
        for item in &layer {
            last = middle(item).unwrap_or(last);
            keyed.push((last, *item));
        }
        keyed.sort_by(|(one, _), (other, _)| one.total_cmp(other));
        layer.clear();
        layer.extend(keyed.into_iter().map(|(_, item)| item));
        number(&layer, positions);
        if let Some(slot) = layers.layers.get_mut(rank) {
            *slot = layer;
        }
    }
}

/// Median position of the neighbours, of an even number the mean of the middle two.
fn middle(neighbours: Option<&Vec<usize>>, positions: &[usize]) -> Option<f64> {
    let mut places: Vec<usize> =
        neighbours?.iter().filter_map(|item| positions.get(*item).copied()).collect();
    places.sort_unstable();
    let upper = *places.get(places.len() / 2)?;
    let lower = *places.get((places.len() - 1) / 2)?;
    Some((lower + upper) as f64 / 2.0)
}

/// Exchanges neighbours in a layer while fewer edges cross for it.
fn exchange(layers: &mut Layers, positions: &mut [usize]) {
    for rank in 0..layers.layers.len() {
        let Some(mut layer) = layers.layers.get_mut(rank).map(std::mem::take) else { continue };
        for left in 0..layer.len().saturating_sub(1) {
            let (Some(one), Some(other)) = (layer.get(left).copied(), layer.get(left + 1).copied())
            else {
                continue;
            };
            let both = [&layers.before, &layers.after];
            let as_is: usize = both.iter().map(|side| crossed(side, one, other, positions)).sum();
            let changed: usize = both.iter().map(|side| crossed(side, other, one, positions)).sum();
            if changed < as_is {
                layer.swap(left, left + 1);
                number(&layer, positions);
            }
        }
        if let Some(slot) = layers.layers.get_mut(rank) {
            *slot = layer;
        }
    }
}

/// Crossings of the edges of `upper` with those of `lower` on one side.
fn crossed(side: &[Vec<usize>], upper: usize, lower: usize, positions: &[usize]) -> usize {
    let places = |item: usize| {
        let neighbours = side.get(item).into_iter().flatten();
        neighbours.filter_map(|neighbour| positions.get(*neighbour).copied())
    };
    places(upper).map(|above| places(lower).filter(|below| *below < above).count()).sum()
}

/// Crossings between all layers.
fn crossings(layers: &Layers, positions: &[usize]) -> usize {
    layers.layers.iter().map(|layer| crossings_after(layer, &layers.after, positions)).sum()
}

/// Crossings of the edges that leave `layer`: pairs that stand in the other order at their ends.
fn crossings_after(layer: &[usize], after: &[Vec<usize>], positions: &[usize]) -> usize {
    let mut ends = Vec::new();
    for item in layer {
        let from = ends.len();
        let neighbours = after.get(*item).into_iter().flatten();
        ends.extend(neighbours.filter_map(|neighbour| positions.get(*neighbour).copied()));
        ends.get_mut(from..).unwrap_or_default().sort_unstable();
    }
    // A tree of partial sums over the positions: each edge asks how many ended below it.
    let mut tree = vec![0_usize; ends.iter().max().map_or(0, |last| last + 2)];
    let mut crossings = 0;
    for (seen, end) in ends.into_iter().enumerate() {
        let mut at_or_above = 0;
        let mut place = end + 1;
        while place > 0 {
            at_or_above += tree.get(place).copied().unwrap_or(0);
            place &= place - 1;
        }
        crossings += seen - at_or_above;
        let mut place = end + 1;
        while let Some(sum) = tree.get_mut(place) {
            *sum += 1;
            place += place & place.wrapping_neg();
        }
    }
    crossings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn crossings_of(layers: &Layers) -> usize {
        let mut positions = vec![0; layers.layer_of.len()];
        layers.layers.iter().for_each(|layer| number(layer, &mut positions));
        crossings(layers, &positions)
    }

    #[test]
    fn crossings_are_counted() {
        // Two by two, both ways crossed, and a third edge over both.
        let layers = Layers::of(4, &[(0, 3), (1, 2), (0, 2)], &[true, true, false, false]);
        assert_eq!(crossings_of(&layers), 1);
        let full = Layers::of(
            6,
            &[(0, 3), (0, 4), (0, 5), (1, 3), (1, 4), (1, 5), (2, 3), (2, 4), (2, 5)],
            &[true, true, true, false, false, false],
        );
        assert_eq!(crossings_of(&full), 9);
    }

    #[test]
    fn a_tree_is_drawn_without_crossings() {
        // Children in the worst order.
        let calls = [(0, 1), (0, 2), (1, 6), (1, 4), (2, 3), (2, 5), (3, 8), (6, 7)];
        let mut layers = Layers::of(9, &calls, &[true]);
        reduce_crossings(&mut layers);
        assert_eq!(crossings_of(&layers), 0);
    }

    #[test]
    fn nothing_is_lost_or_doubled() {
        let calls: Vec<_> =
            (0..40).flat_map(|from| [(from, from * 7 % 41), (from, from * 3 % 37)]).collect();
        let mut layers = Layers::of(41, &calls, &[]);
        let before = crossings_of(&layers);
        reduce_crossings(&mut layers);
        assert!(crossings_of(&layers) <= before);
        let mut items: Vec<_> = layers.layers.concat();
        items.sort_unstable();
        assert_eq!(items, (0..layers.layer_of.len()).collect::<Vec<_>>());
    }
}
