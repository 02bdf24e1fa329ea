//! A map that forgets.
//!
//! In: keys and values. Out: the values of the keys that came last. Owns them; the key that has been
//! there longest makes room for a new one.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;

#[derive(Debug)]
pub(super) struct Recent<K, V> {
    most: usize,
    values: HashMap<K, V>,
    /// In the order in which they came.
    keys: VecDeque<K>,
}

impl<K: Copy + Eq + Hash, V> Recent<K, V> {
    /// Holds up to `most` keys.
    pub(super) fn of(most: usize) -> Self {
        Self { most, values: HashMap::new(), keys: VecDeque::new() }
    }

    pub(super) fn insert(&mut self, key: K, value: V) {
        if self.values.insert(key, value).is_some() {
            return;
        }
        self.keys.push_back(key);
        if self.keys.len() > self.most
            && let Some(oldest) = self.keys.pop_front()
        {
            self.values.remove(&oldest);
        }
    }

    pub(super) fn get(&self, key: &K) -> Option<&V> {
        self.values.get(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_key_makes_room() {
        let mut recent = Recent::of(2);
        for (key, value) in [(1, 'a'), (2, 'b'), (1, 'c'), (3, 'd')] {
            recent.insert(key, value);
        }
        assert_eq!([1, 2, 3].map(|key| recent.get(&key).copied()), [None, Some('b'), Some('d')]);
    }
}
