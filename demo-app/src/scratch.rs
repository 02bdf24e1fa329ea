//! A private folder that is gone when its owner is.

use std::fs::DirBuilder;
use std::io;
use std::path::{Path, PathBuf};

/// A folder under the system's temporary one that only this user can read. Removed on drop.
#[derive(Debug)]
pub(crate) struct Scratch {
    path: PathBuf,
}

impl Scratch {
    /// Makes a new folder.
    ///
    /// # Errors
    /// When the temporary folder cannot be written.
    pub(crate) fn new() -> io::Result<Self> {
        let name = format!("demo-app-{:016x}", fastrand::u64(..));
        let path = std::env::temp_dir().join(name);
        let mut builder = DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        // Fails if somebody made it before us, which is what we want.
        builder.create(&path)?;
        Ok(Self { path })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // Nobody is left to tell; the system empties the folder some day.
        std::fs::remove_dir_all(&self.path).ok();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_goes_with_its_owner() {
        let scratch = Scratch::new().unwrap();
        let path = scratch.path().to_owned();
        std::fs::write(path.join("products.db"), "x").unwrap();
        #[cfg(unix)]
        {
            let mode = std::fs::metadata(&path).unwrap();
            assert_eq!(std::os::unix::fs::PermissionsExt::mode(&mode.permissions()) & 0o777, 0o700);
        }
        drop(scratch);
        assert!(!path.exists());
    }
}
