//! One file of a log: appends blocks, reads them back, finds its way past damage.
//!
//! In: blocks as bytes; a file that may end or break anywhere. Out: headers and payloads whose
//! checksums hold, and the numbers of what is lost. Owns the open file, its length and the place of
//! reading.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::ops::Range;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::format::{self, BLOCK_HEADER_BYTES, BLOCK_MAGIC, BlockHeader, FILE_HEADER_BYTES};

/// What a name ends in.
const SUFFIX: &str = ".spool";

/// A file, from its first number on.
#[derive(Debug)]
pub(super) struct SpoolFile {
    path: PathBuf,
    first: u64,
    /// The number behind the last one in it.
    end: u64,
    bytes: u64,
    /// Segments in it that are nowhere else.
    pub(super) unread: u64,
    /// When its last block was written, in milliseconds of the epoch.
    pub(super) newest_ms: u64,
    /// Where reading goes on, and the number that is expected there.
    read_at: u64,
    read_number: u64,
    /// Open while it is written or read.
    open: Option<File>,
}

/// What is at the place of reading.
#[derive(Debug, PartialEq)]
pub(super) enum Step {
    /// A block that is whole.
    Block(BlockHeader, Vec<u8>),
    /// Numbers that cannot be read.
    Damaged(Range<u64>),
    /// Nothing more.
    End,
}

impl SpoolFile {
    /// Makes the file of a log that begins with number `first`.
    pub(super) fn create(folder: &Path, first: u64, now_ms: u64) -> io::Result<Self> {
        let path = folder.join(format!("{first:016x}{SUFFIX}"));
        let mut options = OpenOptions::new();
        let file = options.read(true).write(true).create_new(true).mode(0o600).open(&path)?;
        if let Err(error) = file.write_all_at(&format::file_header(first, now_ms), 0) {
            fs::remove_file(&path).ok();
            return Err(error);
        }
        Ok(Self { open: Some(file), newest_ms: now_ms, ..Self::at(path, first) })
    }

    /// Knows a file by its name; `None`: it is not one of ours.
    pub(super) fn known(path: PathBuf) -> Option<Self> {
        let name = path.file_name()?.to_str()?.strip_suffix(SUFFIX)?;
        let first = u64::from_str_radix(name, 16).ok().filter(|_| name.len() == 16)?;
        Some(Self::at(path, first))
    }

    fn at(path: PathBuf, first: u64) -> Self {
        let start = FILE_HEADER_BYTES as u64;
        Self {
            path,
            first,
            end: first,
            bytes: start,
            unread: 0,
            newest_ms: 0,
            read_at: start,
            read_number: first,
            open: None,
        }
    }

    pub(super) fn numbers(&self) -> Range<u64> {
        self.first..self.end
    }

    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Adds a block whose segments follow those that are there.
    pub(super) fn append(&mut self, block: &[u8], segments: u64, now_ms: u64) -> io::Result<()> {
        let bytes = self.bytes;
        let file = self.file()?;
        if let Err(error) = file.write_all_at(block, bytes) {
            // A part of a block would be taken for damage.
            file.set_len(bytes).ok();
            return Err(error);
        }
        self.bytes += block.len() as u64;
        self.end += segments;
        self.unread += segments;
        self.newest_ms = now_ms;
        Ok(())
    }

    /// Looks for all blocks of a file of an earlier run, by their headers; `found` is told of each.
    /// Returns the numbers that are lost as far as they can be told.
    pub(super) fn scan(&mut self, mut found: impl FnMut(&BlockHeader)) -> io::Result<Lost> {
        self.bytes = fs::metadata(&self.path)?.len();
        let mut lost = Lost::default();
        let mut at = FILE_HEADER_BYTES as u64;
        while at < self.bytes {
            match self.header_at(at)? {
                Some(header) if header.first >= self.end => {
                    lost.add(self.end..header.first);
                    self.end = header.numbers().end;
                    at += header.block_bytes();
                    if at > self.bytes {
                        lost.add(header.numbers());
                        lost.torn = true;
                        break;
                    }
                    self.newest_ms = self.newest_ms.max(header.written_ms);
                    found(&header);
                }
                _ => match self.next_header(at + 1, self.end)? {
                    Some(next) => at = next,
                    None => {
                        lost.torn = true;
                        break;
                    }
                },
            }
        }
        self.open = None;
        Ok(lost)
    }

    /// Whether reading has not come to the end.
    pub(super) fn has_more(&self) -> bool {
        self.read_at < self.bytes || self.read_number < self.end
    }

    /// Reads on.
    pub(super) fn read(&mut self) -> io::Result<Step> {
        while self.read_at < self.bytes {
            let number = self.read_number;
            let header = self.header_at(self.read_at)?.filter(|header| {
                header.first >= number && self.read_at + header.block_bytes() <= self.bytes
            });
            let Some(header) = header else {
                self.read_at = self.next_header(self.read_at + 1, number)?.unwrap_or(self.bytes);
                continue;
            };
            if header.first > number {
                self.read_number = header.first;
                return Ok(Step::Damaged(number..header.first));
            }
            let mut payload = vec![0; header.payload_bytes as usize];
            let at = self.read_at + BLOCK_HEADER_BYTES as u64;
            // Whatever comes of it, the next step is behind this block.
            self.read_at += header.block_bytes();
            self.read_number = header.numbers().end;
            let read = self.file()?.read_exact_at(&mut payload, at);
            let whole = read.is_ok() && header.fits(&payload);
            let numbers = header.numbers();
            return Ok(if whole { Step::Block(header, payload) } else { Step::Damaged(numbers) });
        }
        let rest = self.skip_to_end();
        Ok(if rest.is_empty() { Step::End } else { Step::Damaged(rest) })
    }

    /// Gives up reading, where the disk fails; returns the numbers that were not read.
    pub(super) fn skip_to_end(&mut self) -> Range<u64> {
        let rest = self.read_number..self.end;
        (self.read_at, self.read_number) = (self.bytes, self.end);
        rest
    }

    pub(super) fn sync(&mut self) -> io::Result<()> {
        self.file()?.sync_data()
    }

    pub(super) fn close(&mut self) {
        self.open = None;
    }

    pub(super) fn remove(&mut self) -> io::Result<()> {
        self.open = None;
        fs::remove_file(&self.path)
    }

    fn header_at(&mut self, at: u64) -> io::Result<Option<BlockHeader>> {
        let mut bytes = [0; BLOCK_HEADER_BYTES];
        if at + BLOCK_HEADER_BYTES as u64 > self.bytes {
            return Ok(None);
        }
        self.file()?.read_exact_at(&mut bytes, at)?;
        Ok(BlockHeader::decode(&bytes))
    }

    /// Where the next header stands whose checksum holds, from `at` on.
    fn next_header(&mut self, at: u64, number: u64) -> io::Result<Option<u64>> {
        let rest = usize::try_from(self.bytes.saturating_sub(at)).unwrap_or_default();
        let mut bytes = vec![0; rest];
        self.file()?.read_exact_at(&mut bytes, at)?;
        let sound = |found: &usize| {
            let header = bytes.get(*found..).and_then(BlockHeader::decode);
            header.is_some_and(|header| header.first >= number)
        };
        let found = memchr::memmem::find_iter(&bytes, BLOCK_MAGIC).find(sound);
        Ok(found.map(|found| at + found as u64))
    }

    fn file(&mut self) -> io::Result<&File> {
        let file = match self.open.take() {
            Some(file) => file,
            None => OpenOptions::new().read(true).write(true).open(&self.path)?,
        };
        Ok(self.open.insert(file))
    }
}

/// What a scan did not find.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Lost {
    pub(super) numbers: Vec<Range<u64>>,
    /// The end of the file is no whole block.
    pub(super) torn: bool,
}

impl Lost {
    fn add(&mut self, numbers: Range<u64>) {
        if !numbers.is_empty() {
            self.numbers.push(numbers);
        }
    }
}
