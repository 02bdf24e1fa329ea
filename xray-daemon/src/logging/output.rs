//! Where lines go: standard output, or a file, that can be another one from now on.
//!
//! In: whole lines. Out: the same, to one place. Owns the file. Shared by all threads; a line is
//! never cut in two by another.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use xray_daemon::config::LogSettings;

use super::file::LogFile;

/// A place for lines; its clones are the same place.
#[derive(Clone, Debug)]
pub(super) struct Output(Arc<Mutex<Place>>);

#[derive(Debug)]
enum Place {
    Stdout(io::Stdout),
    File(LogFile),
}

impl Output {
    /// Opens what `settings` name.
    pub(super) fn open(settings: &LogSettings) -> io::Result<Self> {
        Place::open(settings).map(|place| Self(Arc::new(Mutex::new(place))))
    }

    /// Opens it again: another file, or the same name after somebody has moved the file aside. On
    /// an error lines go on where they went.
    pub(super) fn reopen(&self, settings: &LogSettings) -> io::Result<()> {
        let place = Place::open(settings)?;
        *self.place() = place;
        Ok(())
    }

    fn place(&self) -> MutexGuard<'_, Place> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    fn open(settings: &LogSettings) -> io::Result<Self> {
        match &settings.path {
            None => Ok(Self::Stdout(io::stdout())),
            Some(path) => LogFile::open(path, settings.rotate).map(Self::File),
        }
    }
}

impl Write for Output {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        match &mut *self.place() {
            Place::Stdout(stdout) => stdout.write(line),
            Place::File(file) => file.write(line),
        }
    }

    fn write_all(&mut self, line: &[u8]) -> io::Result<()> {
        // One lock for the whole line.
        match &mut *self.place() {
            Place::Stdout(stdout) => stdout.write_all(line),
            Place::File(file) => file.write_all(line),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut *self.place() {
            Place::Stdout(stdout) => stdout.flush(),
            Place::File(file) => file.flush(),
        }
    }
}
