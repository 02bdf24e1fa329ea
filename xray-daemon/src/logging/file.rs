//! The log file: appended to, and moved aside when it is long.
//!
//! In: lines. Out: `xray.log`, and the one before as `xray.log.N`. Owns the file. Rule: the
//! reference daemon 3.6.6 moves a file of 50 MB aside, counts N up, and keeps one old file.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Length from which on the file is moved aside.
const MAX_FILE_BYTES: u64 = 50 << 20;

/// A log file.
#[derive(Debug)]
pub(super) struct LogFile {
    path: PathBuf,
    file: File,
    written_bytes: u64,
    /// `None`: it grows without bound.
    max_bytes: Option<u64>,
}

impl LogFile {
    /// Opens the file, and makes its folder.
    pub(super) fn open(path: &Path, rotate: bool) -> io::Result<Self> {
        Self::with_limit(path, rotate.then_some(MAX_FILE_BYTES))
    }

    fn with_limit(path: &Path, max_bytes: Option<u64>) -> io::Result<Self> {
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            fs::create_dir_all(folder)?;
        }
        let file = append(path)?;
        let written_bytes = file.metadata()?.len();
        Ok(Self { path: path.into(), file, written_bytes, max_bytes })
    }

    fn rotate(&mut self) -> io::Result<()> {
        let old = self.old_numbers();
        let next = old.iter().max().map_or(1, |last| last.saturating_add(1));
        fs::rename(&self.path, self.old(next))?;
        self.file = append(&self.path)?;
        self.written_bytes = 0;
        // One that cannot be removed is tried again next time.
        old.into_iter().for_each(|number| drop(fs::remove_file(self.old(number))));
        Ok(())
    }

    fn old(&self, number: u32) -> PathBuf {
        let mut path = OsString::from(&self.path);
        path.push(format!(".{number}"));
        path.into()
    }

    /// Which old files there are.
    fn old_numbers(&self) -> Vec<u32> {
        let folder = self.path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let Ok(entries) = fs::read_dir(folder.unwrap_or(Path::new("."))) else { return Vec::new() };
        let name = self.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let names = entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned());
        names.filter_map(|old| old.strip_prefix(&name)?.strip_prefix('.')?.parse().ok()).collect()
    }
}

fn append(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).append(true).open(path)
}

impl Write for LogFile {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let full = self.max_bytes.is_some_and(|most| self.written_bytes >= most);
        if full && self.rotate().is_err() {
            // Rather a long file than no log.
            self.max_bytes = None;
        }
        let written = self.file.write(line)?;
        self.written_bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_file_is_moved_aside_and_one_old_one_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("made/xray.log");
        let mut log = LogFile::with_limit(&path, Some(10)).unwrap();
        for line in ["one 45678\n", "two 45678\n", "three\n"] {
            log.write_all(line.as_bytes()).unwrap();
        }
        assert_eq!(fs::read_to_string(&path).unwrap(), "three\n");
        let old = folder.path().join("made/xray.log.2");
        assert_eq!(fs::read_to_string(old).unwrap(), "two 45678\n");
        assert_eq!(fs::read_dir(folder.path().join("made")).unwrap().count(), 2);
    }

    #[test]
    fn what_is_there_is_appended_to() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("xray.log");
        fs::write(&path, "before\n").unwrap();
        LogFile::open(&path, false).unwrap().write_all(b"after\n").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "before\nafter\n");
    }
}
