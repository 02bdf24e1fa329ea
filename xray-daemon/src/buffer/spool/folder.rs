//! The spool's folder: made, locked, its logs opened.
//!
//! In: the path and the names of the backends. Out: a folder that is ours alone. Owns the lock,
//! which the system lets go at the end of the process, however that comes.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::error::SpoolError;
use super::log::Log;
use crate::config::SpoolSettings;

/// Largest file: what is given up at once when the spool is full.
const MAX_FILE_BYTES: u64 = 8 << 20;
/// Files that a small spool has at least.
const LEAST_FILES: u64 = 8;

/// A folder that is ours alone.
#[derive(Debug)]
pub(crate) struct SpoolFolder {
    pub(super) settings: SpoolSettings,
    /// In the order of the backends.
    pub(super) logs: Vec<Log>,
    /// Held as long as the folder is used.
    _lock: File,
}

impl SpoolFolder {
    /// Opens the folder for backends of these names.
    ///
    /// # Errors
    /// When it cannot be written, or another daemon uses it.
    pub(crate) fn open(settings: &SpoolSettings, names: &[&str]) -> Result<Self, SpoolError> {
        let folder = &settings.folder;
        let opens = |path: &Path, source| SpoolError::Open { path: path.to_owned(), source };
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)
            .map_err(|source| opens(folder, source))?;
        let lock = lock(folder)?;
        let max_file_bytes = MAX_FILE_BYTES.min(settings.max_bytes / LEAST_FILES);
        let mut logs = Vec::new();
        for name in names {
            let folder = folder.join(file_name(name));
            let log = Log::open(folder.clone(), max_file_bytes);
            logs.push(log.map_err(|source| opens(&folder, source))?);
        }
        Ok(Self { settings: settings.clone(), logs, _lock: lock })
    }
}

fn lock(folder: &Path) -> Result<File, SpoolError> {
    let path = folder.join("lock");
    let opens = |source| SpoolError::Open { path: path.clone(), source };
    let mut options = OpenOptions::new();
    let options = options.read(true).write(true).create(true).truncate(false).mode(0o600);
    let mut file = options.open(&path).map_err(opens)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let path = PathBuf::from(folder);
            return Err(SpoolError::InUse { path, process: holder(&mut file) });
        }
        Err(TryLockError::Error(source)) => return Err(opens(source)),
    }
    // For the message to the next one; nothing depends on it.
    file.set_len(0).and_then(|()| write!(file, "{}", std::process::id())).ok();
    Ok(file)
}

/// The process that has written its id into the lock.
fn holder(file: &mut File) -> Option<String> {
    let mut id = String::new();
    let read: io::Result<_> = file.take(20).read_to_string(&mut id);
    read.ok().filter(|_| !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit()))?;
    Some(id)
}

/// Backends of a program's own may have any name.
fn file_name(name: &str) -> String {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "-_".contains(letter);
    name.chars().map(|letter| if plain(letter) { letter } else { '_' }).collect()
}
