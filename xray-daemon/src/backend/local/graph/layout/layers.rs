//! Ranks nodes: each stands right of all that call it.
//!
//! In: nodes and who calls whom. Out: layers of items, an item being a node or a bend of an edge
//! that passes a layer. Owns nothing. Where calls go round in rings one call of each is turned
//! round for the ranking, the one that closes the ring when followed from the clients.

use std::collections::{BTreeMap, VecDeque};

/// Most bends. Beyond, long edges run straight through: such a graph is read as a table.
const MAX_BENDS: usize = 4000;

/// Nodes as layers, with edges from layer to next layer only.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Layers {
    /// Items of each layer.
    pub(super) layers: Vec<Vec<usize>>,
    /// Layer of each item: nodes first, then bends.
    pub(super) layer_of: Vec<usize>,
    /// Neighbours of each item in the layer before.
    pub(super) before: Vec<Vec<usize>>,
    /// Neighbours of each item in the layer after.
    pub(super) after: Vec<Vec<usize>>,
    /// Bends between two nodes, from the lower to the higher layer.
    pub(super) bends: BTreeMap<(usize, usize), Vec<usize>>,
    pub(super) nodes: usize,
}

impl Layers {
    /// `calls` are pairs of caller and callee; `is_client` says which nodes others start from.
    pub(super) fn of(nodes: usize, calls: &[(usize, usize)], is_client: &[bool]) -> Self {
        let ways = without_rings(nodes, calls, is_client);
        let ranks = ranks(nodes, &ways, is_client);
        let mut layers = Self {
            layers: vec![Vec::new(); ranks.iter().max().map_or(0, |rank| rank + 1)],
            before: vec![Vec::new(); nodes],
            after: vec![Vec::new(); nodes],
            layer_of: ranks,
            bends: BTreeMap::new(),
            nodes,
        };
        for (node, rank) in layers.layer_of.iter().enumerate() {
            if let Some(layer) = layers.layers.get_mut(*rank) {
                layer.push(node);
            }
        }
        for way in &ways {
            layers.add_way(*way);
        }
        layers
    }

    pub(super) fn is_bend(&self, item: usize) -> bool {
        item >= self.nodes
    }

    pub(super) fn rank(&self, item: usize) -> usize {
        self.layer_of.get(item).copied().unwrap_or(0)
    }

    /// Joins two nodes, with a bend in each layer between.
    fn add_way(&mut self, (from, to): (usize, usize)) {
        let (first, last) = (self.rank(from) + 1, self.rank(to));
        let room = MAX_BENDS.saturating_sub(self.layer_of.len() - self.nodes);
        if last.saturating_sub(first) > room {
            return;
        }
        let mut bends = Vec::new();
        let mut at = from;
        for rank in first..last {
            let bend = self.layer_of.len();
            self.layer_of.push(rank);
            self.before.push(Vec::new());
            self.after.push(Vec::new());
            if let Some(layer) = self.layers.get_mut(rank) {
                layer.push(bend);
            }
            self.join(at, bend);
            bends.push(bend);
            at = bend;
        }
        self.join(at, to);
        self.bends.insert((from, to), bends);
    }

    fn join(&mut self, one: usize, next: usize) {
        if let Some(after) = self.after.get_mut(one) {
            after.push(next);
        }
        if let Some(before) = self.before.get_mut(next) {
            before.push(one);
        }
    }
}

/// Callees of each node.
fn callees(nodes: usize, calls: &[(usize, usize)]) -> Vec<Vec<usize>> {
    let mut callees = vec![Vec::new(); nodes];
    for (from, to) in calls {
        if let Some(of_caller) = callees.get_mut(*from) {
            of_caller.push(*to);
        }
    }
    callees
}

/// The calls, those that close a ring turned round; each pair once, no node to itself.
fn without_rings(
    nodes: usize,
    calls: &[(usize, usize)],
    is_client: &[bool],
) -> Vec<(usize, usize)> {
    let callees = callees(nodes, calls);
    let mut called = vec![false; nodes];
    for (from, to) in calls.iter().filter(|(from, to)| from != to) {
        debug_assert!(*from < nodes);
        if let Some(called) = called.get_mut(*to) {
            *called = true;
        }
    }
    let flag = |flags: &[bool], node: &usize| flags.get(*node).copied().unwrap_or(false);
    let mut starts: Vec<usize> = (0..nodes).collect();
    starts.sort_by_key(|node| (!flag(is_client, node), flag(&called, node), *node));
    let mut states = vec![State::Unseen; nodes];
    let mut ways = Vec::with_capacity(calls.len());
    for start in starts {
        walk(start, &callees, &mut states, &mut ways);
    }
    ways.sort_unstable();
    ways.dedup();
    ways
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Unseen,
    /// On the way from the start.
    Open,
    Done,
}

/// Follows all calls from `start`, deepest first, and notes each as a way.
fn walk(
    start: usize,
    callees: &[Vec<usize>],
    states: &mut [State],
    ways: &mut Vec<(usize, usize)>,
) {
    if states.get(start) != Some(&State::Unseen) {
        return;
    }
    // Node and how many of its callees were followed.
    let mut path = vec![(start, 0)];
    set(states, start, State::Open);
    while let Some((node, followed)) = path.last_mut() {
        let from = *node;
        let Some(to) = callees.get(from).and_then(|callees| callees.get(*followed)).copied() else {
            set(states, from, State::Done);
            path.pop();
            continue;
        };
        *followed += 1;
        match states.get(to) {
            _ if to == from => {}
            Some(State::Open) => ways.push((to, from)),
            Some(State::Unseen) => {
                ways.push((from, to));
                set(states, to, State::Open);
                path.push((to, 0));
            }
            _ => ways.push((from, to)),
        }
    }
}

fn set(states: &mut [State], node: usize, state: State) {
    if let Some(slot) = states.get_mut(node) {
        *slot = state;
    }
}

/// The longest way to each node; what nobody calls stands right before its first callee.
fn ranks(nodes: usize, ways: &[(usize, usize)], is_client: &[bool]) -> Vec<usize> {
    let callees = callees(nodes, ways);
    let mut callers_left = vec![0_usize; nodes];
    for (_, to) in ways {
        if let Some(left) = callers_left.get_mut(*to) {
            *left += 1;
        }
    }
    let sources: Vec<usize> =
        (0..nodes).filter(|node| callers_left.get(*node) == Some(&0)).collect();
    // Beside clients, a service without caller stands where services do.
    let service_rank = usize::from(is_client.contains(&true));
    let first = |node: &usize| match is_client.get(*node) {
        Some(true) => 0,
        _ => service_rank,
    };
    let mut ranks: Vec<usize> = vec![0; nodes];
    for source in &sources {
        if let Some(rank) = ranks.get_mut(*source) {
            *rank = first(source);
        }
    }
    let mut ready: VecDeque<usize> = sources.iter().copied().collect();
    while let Some(node) = ready.pop_front() {
        let next = ranks.get(node).map_or(0, |rank| rank + 1);
        for callee in callees.get(node).into_iter().flatten() {
            if let (Some(rank), Some(left)) =
                (ranks.get_mut(*callee), callers_left.get_mut(*callee))
            {
                *rank = next.max(*rank);
                *left -= 1;
                if *left == 0 {
                    ready.push_back(*callee);
                }
            }
        }
    }
    for source in sources {
        let of_callees = callees.get(source).into_iter().flatten();
        let nearest = of_callees.filter_map(|callee| ranks.get(*callee)).min().copied();
        if let (Some(nearest), Some(rank)) = (nearest, ranks.get_mut(source)) {
            *rank = nearest.saturating_sub(1);
        }
    }
    ranks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_node_stands_right_of_its_callers() {
        let layers = Layers::of(
            5,
            &[(0, 1), (1, 2), (1, 3), (2, 3), (3, 4), (1, 4)],
            &[true, false, false, false, false],
        );
        assert_eq!(layers.layer_of, [0, 1, 2, 3, 4, 2, 2, 3]);
        assert_eq!(layers.layers, [vec![0], vec![1], vec![2, 5, 6], vec![3, 7], vec![4]]);
        assert_eq!(layers.bends[&(1, 4)], [6, 7]);
        assert_eq!(layers.bends[&(1, 3)], [5]);
    }

    #[test]
    fn the_call_that_closes_a_ring_is_turned_round() {
        let layers =
            Layers::of(4, &[(0, 1), (1, 2), (2, 3), (3, 1), (2, 2)], &[true, false, false, false]);
        assert_eq!(layers.layer_of[..4], [0, 1, 2, 3]);
        assert!(layers.bends.contains_key(&(1, 3)));
    }

    #[test]
    fn what_nobody_calls_stands_right_before_its_callee() {
        let calls = [(0, 1), (1, 2), (2, 3), (4, 3), (5, 3)];
        let is_client = [true, false, false, false, true, false];
        assert_eq!(Layers::of(6, &calls, &is_client).layer_of[..6], [0, 1, 2, 3, 2, 2]);
        assert_eq!(Layers::of(2, &[], &[true, false]).layer_of, [0, 1]);
        assert_eq!(Layers::of(0, &[], &[]), Layers::default());
    }
}
