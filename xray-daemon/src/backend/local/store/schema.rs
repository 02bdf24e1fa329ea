//! The tables, and how a connection to them is opened.
//!
//! In: the path of the file. Out: connections, on a file that is ours and of a version we know.
//!
//! ```text
//! trace     one row a trace: what lists and filters ask first, its summary, its share of the graph
//! segment   the documents as they came, by trace and segment id
//! term      annotations and users, by key, value and start of the trace
//! term_key  names of the keys
//! service   names of services, for the mask in `trace.services`
//! node      names and types on the service map
//! node_minute, edge_minute   the service graph, summed up a minute
//! setting   sampling rules, groups, tags and the like, as JSON
//! ```
//!
//! Keys are integers in order of arrival, which keeps inserts at the end of the trees. What a list
//! scans (times, flags, the mask of services) lies in one covering index; texts do not.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::super::LocalError;
use super::location::Location;

/// `XRay`: marks a SQLite file as ours.
const APPLICATION_ID: i64 = 0x5852_6179;
/// Version of the tables below.
const SCHEMA_VERSION: i64 = 2;
/// Statements kept compiled on each connection.
const CACHED_STATEMENTS: usize = 64;
/// Pages of 8 KiB after which the writer moves the log into the file by itself; in quiet moments it
/// does so earlier.
const CHECKPOINT_PAGES: u32 = 4096;
/// How long to wait for a lock. Only a checkpoint can hold one, since one thread writes.
const BUSY: Duration = Duration::from_secs(5);

const TABLES: &str = "
CREATE TABLE trace (
  key INTEGER PRIMARY KEY,
  id BLOB NOT NULL UNIQUE,
  start_us INTEGER NOT NULL,
  first_end_us INTEGER,
  last_end_us INTEGER,
  root_end_us INTEGER,
  updated_us INTEGER NOT NULL,
  first_minute INTEGER NOT NULL,
  last_minute INTEGER NOT NULL,
  flags INTEGER NOT NULL,
  services INTEGER NOT NULL,
  faulty_services INTEGER NOT NULL,
  duration_s REAL,
  response_s REAL,
  status INTEGER,
  revision INTEGER NOT NULL,
  documents INTEGER NOT NULL,
  bytes INTEGER NOT NULL,
  url TEXT,
  summary BLOB NOT NULL,
  graph BLOB NOT NULL
) STRICT;
CREATE INDEX trace_start
  ON trace (
    start_us, flags, services, faulty_services, duration_s, response_s, status, first_end_us,
    last_end_us);
CREATE INDEX trace_url ON trace (start_us, url);
CREATE INDEX trace_updated ON trace (updated_us, documents);
CREATE INDEX trace_first_minute ON trace (first_minute) WHERE first_minute <> last_minute;
CREATE INDEX trace_last_minute ON trace (last_minute) WHERE first_minute <> last_minute;

CREATE TABLE segment (
  trace INTEGER NOT NULL,
  id INTEGER NOT NULL,
  kind INTEGER NOT NULL,
  arrival INTEGER NOT NULL,
  received_us INTEGER NOT NULL,
  in_progress INTEGER NOT NULL,
  sender TEXT,
  document BLOB NOT NULL,
  PRIMARY KEY (trace, id, kind)
) STRICT, WITHOUT ROWID;

CREATE TABLE term_key (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE
) STRICT;
CREATE TABLE term (
  key INTEGER NOT NULL,
  value ANY NOT NULL,
  start_us INTEGER NOT NULL,
  trace INTEGER NOT NULL,
  PRIMARY KEY (key, value, start_us, trace)
) STRICT, WITHOUT ROWID;

CREATE TABLE service (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE
) STRICT;
CREATE TABLE node (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL,
  type TEXT NOT NULL,
  account TEXT NOT NULL,
  UNIQUE (name, type, account)
) STRICT;
CREATE TABLE setting (
  kind TEXT NOT NULL,
  name TEXT NOT NULL,
  value TEXT NOT NULL,
  PRIMARY KEY (kind, name)
) STRICT, WITHOUT ROWID;
";

/// Sums of health checks (`sort` 1) beside those of other requests (0).
const SUMS: &str = "
CREATE TABLE node_minute (
  first_minute INTEGER NOT NULL,
  last_minute INTEGER NOT NULL,
  node INTEGER NOT NULL,
  sort INTEGER NOT NULL,
  stats BLOB NOT NULL,
  PRIMARY KEY (first_minute, last_minute, node, sort)
) STRICT, WITHOUT ROWID;
CREATE TABLE edge_minute (
  first_minute INTEGER NOT NULL,
  last_minute INTEGER NOT NULL,
  source INTEGER NOT NULL,
  target INTEGER NOT NULL,
  kind INTEGER NOT NULL,
  sort INTEGER NOT NULL,
  stats BLOB NOT NULL,
  PRIMARY KEY (first_minute, last_minute, source, target, kind, sort)
) STRICT, WITHOUT ROWID;
CREATE INDEX node_last_minute ON node_minute (last_minute) WHERE first_minute <> last_minute;
CREATE INDEX edge_last_minute ON edge_minute (last_minute) WHERE first_minute <> last_minute;
";

/// Takes the sums of version 1, which had no `sort`, over. Their traces bear no mark of a health
/// check, and stay among the others until they are too old.
const FROM_VERSION_1: [&str; 2] = [
    "DROP INDEX node_last_minute;
     DROP INDEX edge_last_minute;
     ALTER TABLE node_minute RENAME TO node_minute_1;
     ALTER TABLE edge_minute RENAME TO edge_minute_1;",
    "INSERT INTO node_minute SELECT first_minute, last_minute, node, 0, stats FROM node_minute_1;
     INSERT INTO edge_minute
       SELECT first_minute, last_minute, source, target, kind, 0, stats FROM edge_minute_1;
     DROP TABLE node_minute_1;
     DROP TABLE edge_minute_1;",
];

/// Opens the connection that writes; makes the tables in a new file.
pub(super) fn open_writer(location: &Location) -> Result<Connection, LocalError> {
    let path = location.database();
    let failed = |source| refused(&path, source);
    let connection = Connection::open(&path).map_err(failed)?;
    let age = age_of(&connection, &path)?;
    if age == Age::New {
        // Both must stand before the first page is written.
        connection.pragma_update(None, "page_size", 8192).map_err(failed)?;
        connection.pragma_update(None, "auto_vacuum", "INCREMENTAL").map_err(failed)?;
    }
    // A private file is gone after a crash anyway: nothing in it needs to reach the disk in time.
    let synchronous = if location.is_private() { "OFF" } else { "NORMAL" };
    settle(&connection, 32 * 1024, synchronous).map_err(failed)?;
    match age {
        Age::New => make_tables(&connection).map_err(failed)?,
        Age::Version1 => take_over(&connection).map_err(failed)?,
        Age::Ours => {}
    }
    Ok(connection)
}

/// Opens a connection that only reads.
pub(super) fn open_reader(path: &Path) -> Result<Connection, LocalError> {
    let failed = |source| refused(path, source);
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(failed)?;
    connection.busy_timeout(BUSY).map_err(failed)?;
    connection.pragma_update(None, "cache_size", -8 * 1024).map_err(failed)?;
    connection.pragma_update(None, "temp_store", "MEMORY").map_err(failed)?;
    connection.set_prepared_statement_cache_capacity(CACHED_STATEMENTS);
    Ok(connection)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Age {
    /// An empty file.
    New,
    /// Ours, before health checks were summed up apart.
    Version1,
    /// Ours, as we write it.
    Ours,
}

/// Looks at the file's marks before anything in it is touched.
fn age_of(connection: &Connection, path: &Path) -> Result<Age, LocalError> {
    let failed = |source| refused(path, source);
    let read = |pragma| connection.pragma_query_value(None, pragma, |row| row.get::<_, i64>(0));
    let (mark, version) =
        (read("application_id").map_err(failed)?, read("user_version").map_err(failed)?);
    if mark != APPLICATION_ID {
        let objects: i64 = connection
            .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
            .map_err(failed)?;
        return match objects {
            0 => Ok(Age::New),
            _ => Err(LocalError::Foreign { path: path.to_owned() }),
        };
    }
    if version > SCHEMA_VERSION {
        let path = path.to_owned();
        return Err(LocalError::Newer { path, found: version, known: SCHEMA_VERSION });
    }
    Ok(if version == 1 { Age::Version1 } else { Age::Ours })
}

fn settle(connection: &Connection, cache_kib: i64, synchronous: &str) -> rusqlite::Result<()> {
    connection.busy_timeout(BUSY)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", synchronous)?;
    connection.pragma_update(None, "cache_size", -cache_kib)?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    connection.pragma_update(None, "wal_autocheckpoint", CHECKPOINT_PAGES)?;
    // After a burst the log is cut back to this many bytes.
    connection.pragma_update(None, "journal_size_limit", 8 * 1024 * 1024)?;
    connection.set_prepared_statement_cache_capacity(CACHED_STATEMENTS);
    Ok(())
}

fn make_tables(connection: &Connection) -> rusqlite::Result<()> {
    let transaction = connection.unchecked_transaction()?;
    transaction.execute_batch(TABLES)?;
    transaction.execute_batch(SUMS)?;
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", SCHEMA_VERSION)?;
    transaction.commit()
}

fn take_over(connection: &Connection) -> rusqlite::Result<()> {
    let transaction = connection.unchecked_transaction()?;
    let [before, after] = FROM_VERSION_1;
    for step in [before, SUMS, after] {
        transaction.execute_batch(step)?;
    }
    transaction.pragma_update(None, "user_version", SCHEMA_VERSION)?;
    transaction.commit()
}

/// Tells a file that is no database from one that cannot be read.
fn refused(path: &Path, source: rusqlite::Error) -> LocalError {
    let path = path.to_owned();
    match source.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => LocalError::Foreign { path },
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => LocalError::Locked { path },
        _ => LocalError::Open { path, source },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn location() -> (tempfile::TempDir, Location) {
        let directory = tempfile::tempdir().unwrap();
        let location = Location::claim(Some(directory.path())).unwrap();
        (directory, location)
    }

    #[test]
    fn a_new_file_gets_tables_and_opens_again() {
        let (_directory, location) = location();
        drop(open_writer(&location).unwrap());
        let again = open_writer(&location).unwrap();
        let vacuum: i64 = again.pragma_query_value(None, "auto_vacuum", |row| row.get(0)).unwrap();
        assert_eq!(vacuum, 2, "incremental");
        let reader = open_reader(&location.database()).unwrap();
        let traces: i64 =
            reader.query_row("SELECT count(*) FROM trace", [], |row| row.get(0)).unwrap();
        assert_eq!(traces, 0);
    }

    #[test]
    fn a_reader_cannot_write() {
        let (_directory, location) = location();
        let _writer = open_writer(&location).unwrap();
        let reader = open_reader(&location.database()).unwrap();
        let err = reader.execute("DELETE FROM trace", []).unwrap_err();
        assert_eq!(err.sqlite_error_code(), Some(ErrorCode::ReadOnly));
    }

    #[test]
    fn text_in_place_of_a_database_is_foreign() {
        let (_directory, location) = location();
        std::fs::write(location.database(), "no database, but long enough to be one".repeat(99))
            .unwrap();
        let err = open_writer(&location).unwrap_err();
        assert!(matches!(err, LocalError::Foreign { .. }), "{err:?}");
    }

    #[test]
    fn the_database_of_another_program_is_foreign_and_untouched() {
        let (_directory, location) = location();
        let other = Connection::open(location.database()).unwrap();
        other.execute_batch("CREATE TABLE theirs (x)").unwrap();
        drop(other);
        let before = std::fs::read(location.database()).unwrap();
        let err = open_writer(&location).unwrap_err();
        assert!(matches!(err, LocalError::Foreign { .. }), "{err:?}");
        assert_eq!(std::fs::read(location.database()).unwrap(), before);
    }

    #[test]
    fn sums_of_version_1_are_taken_over() {
        let (_directory, location) = location();
        let writer = open_writer(&location).unwrap();
        writer
            .execute_batch(
                "DROP TABLE node_minute; DROP TABLE edge_minute;
                 CREATE TABLE node_minute (first_minute INTEGER NOT NULL,
                   last_minute INTEGER NOT NULL, node INTEGER NOT NULL, stats BLOB NOT NULL,
                   PRIMARY KEY (first_minute, last_minute, node)) STRICT, WITHOUT ROWID;
                 CREATE TABLE edge_minute (first_minute INTEGER NOT NULL,
                   last_minute INTEGER NOT NULL, source INTEGER NOT NULL,
                   target INTEGER NOT NULL, kind INTEGER NOT NULL, stats BLOB NOT NULL,
                   PRIMARY KEY (first_minute, last_minute, source, target, kind))
                   STRICT, WITHOUT ROWID;
                 CREATE INDEX node_last_minute ON node_minute (last_minute);
                 CREATE INDEX edge_last_minute ON edge_minute (last_minute);
                 INSERT INTO node_minute VALUES (1, 1, 9, x'05');
                 INSERT INTO edge_minute VALUES (1, 2, 9, 8, 0, x'06');
                 PRAGMA user_version = 1;",
            )
            .unwrap();
        drop(writer);
        let writer = open_writer(&location).unwrap();
        let read = |sql| writer.query_row(sql, [], |row| row.get::<_, String>(0)).unwrap();
        let node = "SELECT concat_ws(' ', first_minute, last_minute, node, sort, hex(stats))
                    FROM node_minute";
        assert_eq!(read(node), "1 1 9 0 05");
        let edge = "SELECT concat_ws(' ', first_minute, last_minute, source, target, kind, sort,
                    hex(stats)) FROM edge_minute";
        assert_eq!(read(edge), "1 2 9 8 0 0 06");
        drop(writer);
        assert_eq!(age_of(&open_writer(&location).unwrap(), Path::new("x")).unwrap(), Age::Ours);
    }

    #[test]
    fn a_newer_schema_is_named() {
        let (_directory, location) = location();
        let writer = open_writer(&location).unwrap();
        writer.pragma_update(None, "user_version", 7).unwrap();
        drop(writer);
        let err = open_writer(&location).unwrap_err();
        assert!(matches!(err, LocalError::Newer { found: 7, known: 2, .. }), "{err:?}");
    }
}
