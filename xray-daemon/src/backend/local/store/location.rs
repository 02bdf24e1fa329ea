//! Where the store's file lies, and that nobody else uses it.
//!
//! In: `--data-dir`, or nothing. Out: a directory that is locked for this process. Owns: the lock,
//! and without `--data-dir` the directory itself, which is removed when this is dropped. What a
//! killed process left behind is removed by the next one that starts: its lock is free.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use super::super::LocalError;

/// Name of the database in its directory.
const DATABASE: &str = "traces.db";
/// Name of the file whose lock says that the directory is in use.
const LOCK: &str = "traces.lock";
/// How private directories begin, under the system's directory for temporary files.
const PRIVATE_PREFIX: &str = "xray-daemon-";
/// Most left-over directories looked at when starting.
const MAX_LEFTOVERS: usize = 64;

/// A directory that this process alone uses.
#[derive(Debug)]
pub(super) struct Location {
    directory: PathBuf,
    lifetime: Lifetime,
    /// Held, never read: closing it gives the lock back.
    _lock: File,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lifetime {
    /// Given by `--data-dir`: stays.
    Kept,
    /// Made by us: removed at exit.
    Private,
}

impl Location {
    /// Locks `data_dir`, or a new private directory.
    pub(super) fn claim(data_dir: Option<&Path>) -> Result<Self, LocalError> {
        match data_dir {
            Some(directory) => Self::kept(directory),
            None => Self::private(&std::env::temp_dir()),
        }
    }

    /// The database file; it need not be there yet.
    pub(super) fn database(&self) -> PathBuf {
        self.directory.join(DATABASE)
    }

    /// Whether the file must survive a crash of the machine.
    pub(super) fn is_private(&self) -> bool {
        self.lifetime == Lifetime::Private
    }

    fn kept(directory: &Path) -> Result<Self, LocalError> {
        let unusable = |source| LocalError::Directory { path: directory.to_owned(), source };
        owner_only(&mut DirBuilder::new()).recursive(true).create(directory).map_err(unusable)?;
        let lock = lock(directory).map_err(|err| match err {
            TryLockError::WouldBlock => LocalError::Locked { path: directory.to_owned() },
            TryLockError::Error(source) => unusable(source),
        })?;
        Ok(Self { directory: directory.to_owned(), lifetime: Lifetime::Kept, _lock: lock })
    }

    fn private(parent: &Path) -> Result<Self, LocalError> {
        let name = format!("{PRIVATE_PREFIX}{}-{:08x}", std::process::id(), fastrand::u32(..));
        let directory = parent.join(name);
        let unusable = |source| LocalError::Directory { path: directory.clone(), source };
        owner_only(&mut DirBuilder::new()).create(&directory).map_err(unusable)?;
        let lock = lock(&directory).map_err(|err| unusable(err.into()))?;
        remove_leftovers(parent, &directory);
        Ok(Self { directory, lifetime: Lifetime::Private, _lock: lock })
    }
}

impl Drop for Location {
    fn drop(&mut self) {
        if self.is_private()
            && let Err(err) = fs::remove_dir_all(&self.directory)
        {
            tracing::warn!(
                error = &err as &dyn std::error::Error,
                directory = %self.directory.display(),
                "the temporary store could not be removed"
            );
        }
    }
}

/// Opens the lock file and locks it, without waiting.
fn lock(directory: &Path) -> Result<File, TryLockError> {
    let mut options = OpenOptions::new();
    options.create(true).truncate(false).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(directory.join(LOCK)).map_err(TryLockError::Error)?;
    file.try_lock()?;
    Ok(file)
}

/// Segments may hold what is nobody else's business.
fn owner_only(builder: &mut DirBuilder) -> &mut DirBuilder {
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(builder, 0o700);
    builder
}

/// Removes private directories of processes that were killed; `ours` is in use.
fn remove_leftovers(parent: &Path, ours: &Path) {
    let (Ok(entries), Ok(metadata)) = (fs::read_dir(parent), fs::symlink_metadata(ours)) else {
        return;
    };
    let leftovers = entries.flatten().filter(|entry| {
        entry.file_name().to_string_lossy().starts_with(PRIVATE_PREFIX)
            && entry.path() != ours
            && is_of_same_owner(entry, &metadata)
    });
    for entry in leftovers.take(MAX_LEFTOVERS) {
        let directory = entry.path();
        // Without a lock file it is either not ours or is being made right now.
        if !directory.join(LOCK).is_file() {
            continue;
        }
        if let Ok(held) = lock(&directory) {
            let removed = fs::remove_dir_all(&directory);
            drop(held);
            tracing::debug!(directory = %directory.display(), ?removed, "left-over store");
        }
    }
}

/// A real directory (no symbolic link) of the same user: the parent is shared with others, who
/// could lead us elsewhere.
fn is_of_same_owner(entry: &fs::DirEntry, ours: &fs::Metadata) -> bool {
    let Ok(theirs) = entry.metadata() else { return false };
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        theirs.is_dir() && theirs.uid() == ours.uid()
    }
    #[cfg(not(unix))]
    {
        theirs.is_dir() && ours.is_dir()
    }
}

/// Bytes of the database and the files beside it.
pub(super) fn bytes_on_disk(database: &Path) -> io::Result<u64> {
    let mut bytes = fs::metadata(database)?.len();
    for suffix in ["-wal", "-shm"] {
        let mut beside = database.as_os_str().to_owned();
        beside.push(suffix);
        bytes += fs::metadata(PathBuf::from(beside)).map_or(0, |file| file.len());
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_private_directory_goes_with_its_owner() {
        let parent = tempfile::tempdir().unwrap();
        let location = Location::private(parent.path()).unwrap();
        fs::write(location.database(), b"x").unwrap();
        assert_eq!(fs::read_dir(parent.path()).unwrap().count(), 1);
        drop(location);
        assert_eq!(fs::read_dir(parent.path()).unwrap().count(), 0);
    }

    #[test]
    fn what_a_killed_process_left_is_removed_and_a_living_one_is_not() {
        let parent = tempfile::tempdir().unwrap();
        let living = Location::private(parent.path()).unwrap();
        let dead = parent.path().join("xray-daemon-1-dead");
        fs::create_dir(&dead).unwrap();
        fs::write(dead.join(LOCK), b"").unwrap();
        let foreign = parent.path().join("xray-daemon-notes");
        fs::create_dir(&foreign).unwrap();

        let next = Location::private(parent.path()).unwrap();

        assert!(!dead.exists());
        assert!(foreign.exists());
        assert!(living.directory.exists() && next.directory.exists());
    }

    #[test]
    fn a_data_directory_is_made_and_kept_and_used_once() {
        let parent = tempfile::tempdir().unwrap();
        let directory = parent.path().join("deep/er");
        let first = Location::claim(Some(&directory)).unwrap();
        let second = Location::claim(Some(&directory)).unwrap_err();
        assert!(matches!(second, LocalError::Locked { path } if path == directory));
        drop(first);
        assert!(Location::claim(Some(&directory)).is_ok());
        assert!(directory.exists());
    }

    #[cfg(unix)]
    #[test]
    fn nobody_else_can_read_a_private_directory() {
        use std::os::unix::fs::PermissionsExt;
        let parent = tempfile::tempdir().unwrap();
        let location = Location::private(parent.path()).unwrap();
        let mode = fs::metadata(&location.directory).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
    }

    #[test]
    fn a_directory_that_cannot_be_made_is_named() {
        let parent = tempfile::tempdir().unwrap();
        let file = parent.path().join("file");
        fs::write(&file, b"").unwrap();
        let err = Location::claim(Some(&file)).unwrap_err();
        assert_eq!(
            err.to_string(),
            format!(
                "data directory {file:?} cannot be used; --data-dir needs one this user can write"
            )
        );
    }
}
