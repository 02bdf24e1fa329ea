//! One backend's log: its files, oldest first, and what of them is settled.
//!
//! In: segments to keep, numbers that are settled. Out: blocks, oldest first. Owns the files and the
//! count of segments in them that are nowhere else.

use std::collections::VecDeque;
use std::fs;
use std::io;
use std::ops::Range;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use tracing::warn;

use super::file::{SpoolFile, Step};
use super::format::{self, BlockHeader};
use super::settled::{Settled, SettledFile};
use crate::counters::DropReason;
use crate::segment::Segment;

/// The files of one backend.
#[derive(Debug)]
pub(super) struct Log {
    folder: PathBuf,
    /// Oldest first.
    files: VecDeque<SpoolFile>,
    /// Whether the last file takes more blocks.
    appending: bool,
    max_file_bytes: u64,
    /// The number of the next segment.
    next: u64,
    settled: Settled,
    settled_file: SettledFile,
    settled_changed: bool,
    unsynced: bool,
}

/// What an earlier run has left.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Found {
    /// Segments that are to be sent, the damaged ones included.
    pub(super) segments: u64,
    /// Those that cannot be read.
    pub(super) damaged: u64,
}

/// What reading brought.
#[derive(Debug, PartialEq)]
pub(super) enum Read {
    /// A block to be sent.
    Block(BlockHeader, Vec<u8>),
    /// So many segments are not worth sending any more, or cannot be.
    Dropped(u64, DropReason),
}

impl Log {
    /// Opens the log in `folder`, made where it is missing.
    pub(super) fn open(folder: PathBuf, max_file_bytes: u64) -> io::Result<Self> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder)?;
        let (settled_file, mut settled) = SettledFile::open(&folder)?;
        // There is no number 0, and the first range is the cursor.
        settled.insert(0..1);
        Ok(Self {
            folder,
            files: VecDeque::new(),
            appending: false,
            max_file_bytes,
            next: settled.end(),
            settled,
            settled_file,
            settled_changed: false,
            unsynced: false,
        })
    }

    /// Looks what an earlier run has left. Reads headers only: a document is looked at when it is
    /// to be sent.
    pub(super) fn scan(&mut self) -> io::Result<Found> {
        let mut paths = Vec::new();
        for entry in fs::read_dir(&self.folder)? {
            paths.push(entry?.path());
        }
        let mut files: Vec<_> = paths.into_iter().filter_map(SpoolFile::known).collect();
        files.sort_by_key(|file| file.numbers().start);
        let mut found = Found::default();
        for mut file in files {
            let first = file.numbers().start;
            // Between two files there is none, unless somebody has removed one.
            match self.files.back() {
                Some(before) => self.lose(before.numbers().end..first, &mut found),
                None if self.settled.end() > 1 => {
                    self.lose(self.next_unsettled()..first, &mut found)
                }
                None => self.settle(0..first),
            }
            self.scan_file(&mut file, &mut found);
            self.next = self.next.max(file.numbers().end);
            if file.numbers().is_empty() || self.settled.covers(&file.numbers()) {
                remove(&mut file);
            } else {
                self.files.push_back(file);
            }
        }
        Ok(found)
    }

    fn scan_file(&mut self, file: &mut SpoolFile, found: &mut Found) {
        let mut unread = 0;
        let settled = &self.settled;
        let lost = file.scan(|header| {
            let numbers = header.numbers();
            let known = settled.count_in(&numbers);
            // A block is read as a whole or not at all.
            unread += if known == 0 { numbers.end - numbers.start } else { 0 };
        });
        file.unread = unread;
        found.segments += unread;
        match lost {
            Ok(lost) => {
                if lost.torn {
                    warn!(path = ?file.path(), "spool file ends in the middle of a block");
                }
                lost.numbers.into_iter().for_each(|numbers| self.lose(numbers, found));
            }
            Err(error) => warn!(path = ?file.path(), %error, "spool file cannot be read whole"),
        }
    }

    /// The first number that may have to be sent.
    fn next_unsettled(&self) -> u64 {
        self.settled.first_end()
    }

    fn lose(&mut self, numbers: Range<u64>, found: &mut Found) {
        if numbers.start < numbers.end {
            let lost = numbers.end - numbers.start - self.settled.count_in(&numbers);
            found.segments += lost;
            found.damaged += lost;
            self.settle(numbers);
        }
    }

    /// Segments that are nowhere else.
    pub(super) fn unread(&self) -> u64 {
        self.files.iter().map(|file| file.unread).sum()
    }

    pub(super) fn bytes(&self) -> u64 {
        self.files.iter().map(SpoolFile::bytes).sum()
    }

    /// Writes a batch behind all others; a file that does not take it is left for a new one.
    pub(super) fn append(&mut self, segments: &[Segment], now_ms: u64) -> io::Result<()> {
        let block = format::block(self.next, now_ms, segments)
            .ok_or_else(|| io::Error::other("a batch is larger than a block can be"))?;
        if self.appending {
            let full = self.files.back().is_none_or(|file| {
                let empty = file.numbers().is_empty();
                !empty && file.bytes() + block.len() as u64 > self.max_file_bytes
            });
            if full || self.append_here(&block, segments.len(), now_ms).is_err() {
                self.finish_file();
            }
        }
        if !self.appending {
            let file = SpoolFile::create(&self.folder, self.next, now_ms)?;
            self.files.push_back(file);
            self.appending = true;
            if let Err(error) = self.append_here(&block, segments.len(), now_ms) {
                self.finish_file();
                self.remove_settled();
                return Err(error);
            }
        }
        self.next += segments.len() as u64;
        self.unsynced = true;
        Ok(())
    }

    fn append_here(&mut self, block: &[u8], segments: usize, now_ms: u64) -> io::Result<()> {
        match self.files.back_mut() {
            Some(file) => file.append(block, segments as u64, now_ms),
            None => Ok(()),
        }
    }

    /// The last file takes nothing more.
    fn finish_file(&mut self) {
        if let Some(file) = self.files.back_mut() {
            if let Err(error) = file.sync() {
                warn!(path = ?file.path(), %error, "spool file cannot be synced to disk");
            }
            file.close();
        }
        self.appending = false;
    }

    /// Reads on; blocks written before `oldest_ms` are given up. `None`: there is nothing.
    pub(super) fn read(&mut self, oldest_ms: u64) -> Option<Read> {
        loop {
            let place = self.files.iter().position(SpoolFile::has_more)?;
            let file = self.files.get_mut(place)?;
            let step = file.read().unwrap_or_else(|error| {
                warn!(path = ?file.path(), %error, "spool file cannot be read");
                Step::Damaged(file.skip_to_end())
            });
            let (numbers, read) = match step {
                Step::End => continue,
                Step::Block(header, _) if self.settled.count_in(&header.numbers()) > 0 => continue,
                Step::Damaged(numbers) => (numbers, None),
                Step::Block(header, payload) => (header.numbers(), Some((header, payload))),
            };
            let count = numbers.end - numbers.start - self.settled.count_in(&numbers);
            file.unread = file.unread.saturating_sub(count);
            let reason = match read {
                Some((header, payload)) if header.written_ms >= oldest_ms => {
                    return Some(Read::Block(header, payload));
                }
                Some(_) => DropReason::SpoolExpired,
                None => DropReason::SpoolDamaged,
            };
            self.settle(numbers);
            if count > 0 {
                return Some(Read::Dropped(count, reason));
            }
        }
    }

    /// Numbers that need not be sent again.
    pub(super) fn settle(&mut self, numbers: Range<u64>) {
        self.settled.insert(numbers);
        self.settled_changed = true;
    }

    /// Removes files that have nothing left, remembers what is settled in the others.
    pub(super) fn save(&mut self) {
        if !std::mem::take(&mut self.settled_changed) {
            return;
        }
        if let Err(error) = self.settled_file.save(&self.settled) {
            warn!(
                folder = ?self.folder, %error,
                "spool cannot note what was sent; after a crash it would be sent again"
            );
        }
        self.unsynced = true;
        self.remove_settled();
    }

    fn remove_settled(&mut self) {
        let (settled, last) = (&self.settled, self.files.len().saturating_sub(1));
        let (mut place, mut last_gone) = (0, false);
        self.files.retain_mut(|file| {
            let gone = settled.covers(&file.numbers());
            if gone {
                remove(file);
                last_gone |= place == last;
            }
            place += 1;
            !gone
        });
        self.appending &= !last_gone;
    }

    /// Gives up the oldest file; returns how many segments were in it that are nowhere else.
    /// `None`: there is no file.
    pub(super) fn drop_oldest_file(&mut self) -> Option<u64> {
        let mut file = self.files.pop_front()?;
        self.appending &= !self.files.is_empty();
        remove(&mut file);
        self.settle(file.numbers());
        Some(file.unread)
    }

    /// Gives up files whose last block was written before `oldest_ms`.
    pub(super) fn expire(&mut self, oldest_ms: u64) -> u64 {
        let mut expired = 0;
        while self.files.front().is_some_and(|file| file.newest_ms < oldest_ms) {
            expired += self.drop_oldest_file().unwrap_or_default();
        }
        expired
    }

    /// Whether there is something that the end of the machine would cost.
    pub(super) fn is_unsynced(&self) -> bool {
        self.unsynced
    }

    pub(super) fn sync(&mut self) -> io::Result<()> {
        self.unsynced = false;
        if self.appending
            && let Some(file) = self.files.back_mut()
        {
            file.sync()?;
        }
        self.settled_file.sync()
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }
}

fn remove(file: &mut SpoolFile) {
    if let Err(error) = file.remove() {
        warn!(path = ?file.path(), %error, "spool file cannot be removed");
    }
}
