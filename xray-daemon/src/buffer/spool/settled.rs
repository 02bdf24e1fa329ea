//! The numbers of segments that need not be sent again, and the file that remembers them.
//!
//! In: ranges of numbers. Out: whether a range is settled, and how much of it. Owns the ranges,
//! merged: the first one reaches from 0 to the cursor, the few behind it are what was taken ahead of
//! the rest. The file has two places that are written in turn, each with a checksum, so that a torn
//! write costs one step.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io;
use std::ops::Range;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;

/// Bytes of one place of the file.
const PLACE_BYTES: usize = 4096;
/// Stands before the ranges: checksum, count, generation.
const HEAD_BYTES: usize = 16;
/// Ranges that a place holds; of more, the later ones would be sent again.
const MAX_RANGES: usize = (PLACE_BYTES - HEAD_BYTES) / 16;

/// Ranges that do not touch.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Settled {
    /// End by start.
    ranges: BTreeMap<u64, u64>,
}

impl Settled {
    pub(super) fn insert(&mut self, range: Range<u64>) {
        let Range { mut start, mut end } = range;
        if start >= end {
            return;
        }
        // All ranges that touch the new one become one with it.
        while let Some((known_start, known_end)) = self.ranges.range(..=end).next_back()
            && *known_end >= start
        {
            (start, end) = (start.min(*known_start), end.max(*known_end));
            let known_start = *known_start;
            self.ranges.remove(&known_start);
        }
        self.ranges.insert(start, end);
    }

    /// How many numbers of `range` are settled.
    pub(super) fn count_in(&self, range: &Range<u64>) -> u64 {
        let from = self.ranges.range(..=range.start).next_back().map_or(range.start, |(s, _)| *s);
        let touching = self.ranges.range(from..range.end.max(from));
        touching.map(|(s, e)| e.min(&range.end).saturating_sub(*s.max(&range.start))).sum()
    }

    pub(super) fn covers(&self, range: &Range<u64>) -> bool {
        self.count_in(range) == range.end.saturating_sub(range.start)
    }

    /// The number behind the first range: the cursor.
    pub(super) fn first_end(&self) -> u64 {
        self.ranges.first_key_value().map_or(0, |(_, end)| *end)
    }

    /// The number behind the last settled one.
    pub(super) fn end(&self) -> u64 {
        self.ranges.last_key_value().map_or(0, |(_, end)| *end)
    }
}

/// The file.
#[derive(Debug)]
pub(super) struct SettledFile {
    file: File,
    generation: u64,
}

impl SettledFile {
    /// Opens the file in `folder`, made where it is missing; nothing is settled then.
    pub(super) fn open(folder: &Path) -> io::Result<(Self, Settled)> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false).mode(0o600);
        let file = options.open(folder.join("settled"))?;
        // Its place on a disk that fills up later is taken now.
        if file.metadata()?.len() < 2 * PLACE_BYTES as u64 {
            file.write_all_at(&[0; 2 * PLACE_BYTES], 0)?;
        }
        let mut bytes = [0; 2 * PLACE_BYTES];
        file.read_exact_at(&mut bytes, 0)?;
        let (first, second) = bytes.split_at(PLACE_BYTES);
        let newest = [first, second].into_iter().filter_map(decode).max_by_key(|(it, _)| *it);
        let (generation, settled) = newest.unwrap_or_default();
        Ok((Self { file, generation }, settled))
    }

    pub(super) fn save(&mut self, settled: &Settled) -> io::Result<()> {
        self.generation += 1;
        let place = self.generation % 2 * PLACE_BYTES as u64;
        self.file.write_all_at(&encode(self.generation, settled), place)
    }

    pub(super) fn sync(&self) -> io::Result<()> {
        self.file.sync_data()
    }
}

fn encode(generation: u64, settled: &Settled) -> Vec<u8> {
    let ranges = settled.ranges.iter().take(MAX_RANGES);
    let mut bytes = vec![0; 4];
    bytes.extend_from_slice(&(ranges.len() as u32).to_le_bytes());
    bytes.extend_from_slice(&generation.to_le_bytes());
    for (start, end) in ranges {
        bytes.extend_from_slice(&start.to_le_bytes());
        bytes.extend_from_slice(&end.to_le_bytes());
    }
    let crc = crc32fast::hash(bytes.get(4..).unwrap_or_default());
    bytes.splice(..4, crc.to_le_bytes());
    bytes
}

fn decode(place: &[u8]) -> Option<(u64, Settled)> {
    let (head, rest) = place.split_at_checked(HEAD_BYTES)?;
    let crc = u32::from_le_bytes(head.get(..4)?.try_into().ok()?);
    let count = u32::from_le_bytes(head.get(4..8)?.try_into().ok()?) as usize;
    let generation = u64::from_le_bytes(head.get(8..16)?.try_into().ok()?);
    let checked = place.get(4..HEAD_BYTES + count.checked_mul(16)?)?;
    if generation == 0 || crc32fast::hash(checked) != crc {
        return None;
    }
    let mut settled = Settled::default();
    for range in rest.chunks_exact(16).take(count) {
        let number = |bytes: &[u8]| bytes.try_into().map(u64::from_le_bytes).ok();
        settled.insert(number(range.get(..8)?)?..number(range.get(8..)?)?);
    }
    Some((generation, settled))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settled(ranges: &[(u64, u64)]) -> Settled {
        let mut settled = Settled::default();
        ranges.iter().for_each(|(start, end)| settled.insert(*start..*end));
        settled
    }

    #[test]
    fn ranges_that_touch_become_one() {
        assert_eq!(settled(&[(0, 5), (8, 9), (5, 8)]), settled(&[(0, 9)]));
        assert_eq!(settled(&[(3, 4), (1, 2), (0, 9)]), settled(&[(0, 9)]));
        assert_eq!(settled(&[(0, 9), (3, 4), (7, 7)]), settled(&[(0, 9)]));
        assert_eq!(settled(&[(0, 2), (4, 6)]).ranges.len(), 2);
    }

    #[test]
    fn settled_numbers_of_a_range_are_counted() {
        let settled = settled(&[(0, 5), (8, 12)]);
        for ((start, end), count) in
            [((0, 5), 5), ((3, 9), 3), ((5, 8), 0), ((11, 40), 1), ((2, 20), 7), ((4, 4), 0)]
        {
            let range = start..end;
            assert_eq!(settled.count_in(&range), count, "{range:?}");
            assert_eq!(settled.covers(&range), count == range.end - range.start);
        }
        assert_eq!(settled.end(), 12);
    }

    #[test]
    fn what_was_saved_is_there_again_and_a_torn_write_costs_one_step() {
        let folder = tempfile::tempdir().unwrap();
        let (mut file, known) = SettledFile::open(folder.path()).unwrap();
        assert_eq!(known, Settled::default());
        file.save(&settled(&[(0, 5)])).unwrap();
        file.save(&settled(&[(0, 9), (20, 30)])).unwrap();
        let (file, known) = SettledFile::open(folder.path()).unwrap();
        assert_eq!((file.generation, known), (2, settled(&[(0, 9), (20, 30)])));
        file.file.write_all_at(&[7; 20], 0).unwrap();
        let (file, known) = SettledFile::open(folder.path()).unwrap();
        assert_eq!((file.generation, known), (1, settled(&[(0, 5)])));
    }

    #[test]
    fn any_bytes_are_survived() {
        for byte in [0, 1, 0xff] {
            assert!(decode(&[byte; PLACE_BYTES]).is_none());
        }
        assert!(decode(&[]).is_none());
    }

    #[test]
    fn more_ranges_than_a_place_holds_lose_the_last() {
        let many = settled(&(0..400).map(|n| (n * 2, n * 2 + 1)).collect::<Vec<_>>());
        let bytes = encode(1, &many);
        assert!(bytes.len() <= PLACE_BYTES);
        let mut place = vec![0; PLACE_BYTES];
        place.splice(..bytes.len(), bytes);
        assert_eq!(decode(&place).unwrap().1.ranges.len(), MAX_RANGES);
    }
}
