//! The products: one table in SQLite or PostgreSQL, by URL.
//!
//! In: checked ids and names. Out: rows. Owns: the pool, and what the last 30 seconds of statements
//! met. Each statement of a request is a subsegment named after the database, and can be made to
//! fail for real: it then asks for a table that is not there.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use sqlx::any::AnyPoolOptions;
use sqlx::{Any, AnyConnection, AnyPool, Connection, Executor};
use xray_tracing::sqlx::Database;

use crate::chaos::Chaos;
use crate::product::{Product, ProductId, ProductName};
use crate::service::hops::{HopReport, HopWindow, Outcome, Symptom};
use crate::service::topology::Rows;

/// Most products. The list is sent whole, as the workshop's is.
const MAX_PRODUCTS: u64 = 10_000;
/// All opened at the start: what a connection does first is no part of anybody's request.
const CONNECTIONS: u32 = 4;
/// Longest wait for a connection; a database that is gone is then an error, not a hang.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(2);

/// What an empty catalogue starts with.
const SEED: [&str; 6] =
    ["Table", "Chair", "Bookshelf", "Desk lamp", "Coffee mug, blue", "Notebook, A5"];

const CREATE: &str = "CREATE TABLE IF NOT EXISTS products \
    (id BIGINT PRIMARY KEY, name TEXT NOT NULL, seeded INTEGER NOT NULL DEFAULT 0)";
const SEED_ONE: &str =
    "INSERT INTO products (id, name, seeded) VALUES ($1, $2, 1) ON CONFLICT DO NOTHING";
const COUNT: &str = "SELECT COUNT(*), COUNT(CASE WHEN seeded = 0 THEN 1 END), \
    MAX(CASE WHEN seeded = 0 THEN id END) FROM products";

/// A statement, and the same one against a table that does not exist.
struct Statement {
    sound: &'static str,
    broken: &'static str,
}

macro_rules! statement {
    ($before:literal, $after:literal) => {
        Statement {
            sound: concat!($before, "products", $after),
            broken: concat!($before, "products_gone", $after),
        }
    };
}

const LIST: Statement = statement!("SELECT id, name FROM ", " ORDER BY id");
const FIND: Statement = statement!("SELECT name FROM ", " WHERE id = $1");
const INSERT: Statement =
    statement!("INSERT INTO ", " (id, name) VALUES ($1, $2) ON CONFLICT DO NOTHING");
const RENAME: Statement = statement!("UPDATE ", " SET name = $2 WHERE id = $1");
const REMOVE: Statement = statement!("DELETE FROM ", " WHERE id = $1 RETURNING name");
const REMOVE_INSERTED: Statement = statement!("DELETE FROM ", " WHERE seeded = 0");

/// Why the store could not do what was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum StoreError {
    #[error(
        "database {url:?} cannot be opened; --database takes sqlite:PATH or \
         postgres://USER@HOST/NAME"
    )]
    Open { url: String, source: sqlx::Error },
    #[error("{database} refused the statement")]
    Statement { database: String, took_ms: u64, source: sqlx::Error },
    #[error("the catalogue holds 10000 products, which is all it can; delete some first")]
    Full,
}

/// Readers then go on while somebody writes. The file remembers it; it is set before there are
/// several connections, since SQLite refuses the change while another one is at work.
async fn keep_a_write_ahead_log(url: &str) -> Result<(), sqlx::Error> {
    let mut connection = AnyConnection::connect(url).await?;
    connection.execute("PRAGMA journal_mode = WAL").await?;
    connection.close().await
}

/// Whether a product was inserted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Inserted {
    Yes,
    /// There is one with this id.
    Taken,
}

/// The table of products.
#[derive(Debug)]
pub(crate) struct Store {
    pool: AnyPool,
    kind: &'static str,
    database: Database,
    chaos: Arc<Chaos>,
    window: HopWindow,
    /// Products as of the last look, and of what was done since: good enough for a limit.
    total: AtomicU64,
}

impl Store {
    /// Opens the database at `url`, and puts the first products into an empty one.
    ///
    /// # Errors
    /// When it cannot be opened, or refuses the first statements.
    pub(crate) async fn open(url: &str, chaos: Arc<Chaos>) -> Result<Self, StoreError> {
        sqlx::any::install_default_drivers();
        let kind = if url.starts_with("postgres") { "PostgreSQL" } else { "SQLite" };
        let unopened = |source| StoreError::Open { url: without_password(url), source };
        if kind == "SQLite" {
            keep_a_write_ahead_log(url).await.map_err(unopened)?;
        }
        let pool = AnyPoolOptions::new()
            .min_connections(CONNECTIONS)
            .max_connections(CONNECTIONS)
            .idle_timeout(None)
            .max_lifetime(None)
            .acquire_timeout(ACQUIRE_TIMEOUT)
            .after_connect(move |connection, _| {
                Box::pin(async move {
                    if kind == "SQLite" {
                        // With the log beside it a write costs no flush.
                        connection.execute("PRAGMA synchronous = NORMAL").await?;
                    }
                    Ok(())
                })
            })
            .connect(url)
            .await
            .map_err(unopened)?;
        let database = Database::from_url(url);
        let window = HopWindow::new(Instant::now());
        let store = Self { pool, kind, database, chaos, window, total: AtomicU64::new(0) };
        store.prepare().await.map_err(|source| StoreError::Statement {
            database: store.name().to_owned(),
            took_ms: 0,
            source,
        })?;
        Ok(store)
    }

    async fn prepare(&self) -> Result<(), sqlx::Error> {
        sqlx::query(CREATE).execute(&self.pool).await?;
        if self.rows().await?.total == 0 {
            for (id, name) in (1_i64..).zip(SEED) {
                sqlx::query(SEED_ONE).bind(id).bind(name).execute(&self.pool).await?;
            }
        }
        Ok(())
    }

    /// Ends all connections; SQLite then has everything in its one file.
    pub(crate) async fn close(&self) {
        self.pool.close().await;
    }

    /// The database's name, as the map shows it.
    pub(crate) fn name(&self) -> &str {
        self.database.name()
    }

    /// `SQLite` or `PostgreSQL`.
    pub(crate) fn kind(&self) -> &'static str {
        self.kind
    }

    /// What the last 30 seconds of statements met.
    pub(crate) fn report(&self, now: Instant) -> HopReport {
        self.window.report(now)
    }

    /// All products, by id.
    pub(crate) async fn list(&self) -> Result<Vec<Product>, StoreError> {
        let rows = self
            .run(&LIST, |sql| sqlx::query_as::<Any, (i64, String)>(sql).fetch_all(&self.pool))
            .await?;
        // A row that somebody else put there with an id of theirs is not a product of ours.
        let product = |(id, name)| Some(Product { id: ProductId::try_from(id).ok()?, name });
        Ok(rows.into_iter().filter_map(product).collect())
    }

    /// The name of product `id`, if there is one.
    pub(crate) async fn find(&self, id: ProductId) -> Result<Option<String>, StoreError> {
        let row: Option<(String,)> = self
            .run(&FIND, |sql| sqlx::query_as(sql).bind(id.get()).fetch_optional(&self.pool))
            .await?;
        Ok(row.map(|(name,)| name))
    }

    /// Adds a product.
    pub(crate) async fn insert(
        &self,
        id: ProductId,
        name: &ProductName,
    ) -> Result<Inserted, StoreError> {
        if self.total.load(Ordering::Relaxed) >= MAX_PRODUCTS {
            return Err(StoreError::Full);
        }
        let done = self
            .run(&INSERT, |sql| {
                sqlx::query(sql).bind(id.get()).bind(name.as_str()).execute(&self.pool)
            })
            .await?;
        if done.rows_affected() == 0 {
            return Ok(Inserted::Taken);
        }
        self.total.fetch_add(1, Ordering::Relaxed);
        Ok(Inserted::Yes)
    }

    /// Gives product `id` another name; false if there is none.
    pub(crate) async fn rename(
        &self,
        id: ProductId,
        name: &ProductName,
    ) -> Result<bool, StoreError> {
        let done = self
            .run(&RENAME, |sql| {
                sqlx::query(sql).bind(id.get()).bind(name.as_str()).execute(&self.pool)
            })
            .await?;
        Ok(done.rows_affected() > 0)
    }

    /// Takes product `id` out and returns its name; `None` if there is none.
    pub(crate) async fn remove(&self, id: ProductId) -> Result<Option<String>, StoreError> {
        let row: Option<(String,)> = self
            .run(&REMOVE, |sql| sqlx::query_as(sql).bind(id.get()).fetch_optional(&self.pool))
            .await?;
        Ok(row.map(|(name,)| name))
    }

    /// Takes out every product that was not there from the start; returns how many.
    pub(crate) async fn remove_inserted(&self) -> Result<u64, StoreError> {
        let done = self.run(&REMOVE_INSERTED, |sql| sqlx::query(sql).execute(&self.pool)).await?;
        Ok(done.rows_affected())
    }

    /// How many products there are. Asked for the drawing, so no part of any trace.
    pub(crate) async fn rows(&self) -> Result<Rows, sqlx::Error> {
        let (total, inserted, newest): (i64, i64, Option<i64>) =
            sqlx::query_as(COUNT).fetch_one(&self.pool).await?;
        self.total.store(total.unsigned_abs(), Ordering::Relaxed);
        Ok(Rows { total: total.unsigned_abs(), inserted: inserted.unsigned_abs(), newest })
    }

    /// Runs one statement as a subsegment, or its broken twin while the database is to fail.
    async fn run<T, F: Future<Output = Result<T, sqlx::Error>>>(
        &self,
        statement: &Statement,
        work: impl FnOnce(&'static str) -> F,
    ) -> Result<T, StoreError> {
        let sql =
            if self.chaos.next_statement_fails() { statement.broken } else { statement.sound };
        let began = Instant::now();
        let result = self.database.call(sql, work(sql)).await;
        let took = began.elapsed();
        let outcome =
            if result.is_ok() { Outcome::Fine } else { Outcome::fault(Symptom::Statement) };
        self.window.record(Instant::now(), took, outcome);
        result.map_err(|source| StoreError::Statement {
            database: self.name().to_owned(),
            took_ms: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
            source,
        })
    }
}

/// `url` with its password masked, for messages.
fn without_password(url: &str) -> String {
    match reqwest::Url::parse(url) {
        Ok(mut parsed) if parsed.password().is_some() => {
            // Only a URL without a host refuses one, and that has no password.
            parsed.set_password(Some("…")).ok();
            parsed.to_string()
        }
        _ => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chaos::Kind;

    fn id(number: i64) -> ProductId {
        ProductId::try_from(number).unwrap()
    }

    fn name(text: &str) -> ProductName {
        text.parse().unwrap()
    }

    async fn store(folder: &tempfile::TempDir, chaos: &Arc<Chaos>) -> Store {
        let url = format!("sqlite://{}/products.db?mode=rwc", folder.path().display());
        Store::open(&url, Arc::clone(chaos)).await.unwrap()
    }

    #[tokio::test]
    async fn an_empty_catalogue_starts_with_a_table_and_a_chair() {
        let folder = tempfile::tempdir().unwrap();
        let store = store(&folder, &Arc::default()).await;
        let list = store.list().await.unwrap();
        let names: Vec<_> = list.iter().map(|row| (row.id.get(), row.name.as_str())).collect();
        assert_eq!(names.len(), SEED.len());
        assert_eq!(names[..2], [(1, "Table"), (2, "Chair")]);
        assert_eq!(store.rows().await.unwrap(), Rows { total: 6, inserted: 0, newest: None });
        assert_eq!(store.name(), "products");
    }

    #[tokio::test]
    async fn products_come_change_and_go() {
        let folder = tempfile::tempdir().unwrap();
        let store = store(&folder, &Arc::default()).await;
        assert_eq!(store.insert(id(7), &name("Plant")).await.unwrap(), Inserted::Yes);
        assert_eq!(store.insert(id(7), &name("Other")).await.unwrap(), Inserted::Taken);
        assert_eq!(store.find(id(7)).await.unwrap().as_deref(), Some("Plant"));
        assert!(store.rename(id(7), &name("Office plant")).await.unwrap());
        assert!(!store.rename(id(8), &name("None")).await.unwrap());
        assert_eq!(store.remove(id(7)).await.unwrap().as_deref(), Some("Office plant"));
        assert_eq!(store.remove(id(7)).await.unwrap(), None);
        assert_eq!(store.find(id(7)).await.unwrap(), None);
    }

    #[tokio::test]
    async fn a_restart_keeps_what_was_inserted_and_seeds_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let first = store(&folder, &Arc::default()).await;
        first.insert(id(70), &name("Kept")).await.unwrap();
        first.remove(id(1)).await.unwrap();
        first.close().await;
        let second = store(&folder, &Arc::default()).await;
        assert_eq!(second.rows().await.unwrap(), Rows { total: 6, inserted: 1, newest: Some(70) });
        assert_eq!(second.remove_inserted().await.unwrap(), 1);
        assert_eq!(second.rows().await.unwrap(), Rows { total: 5, inserted: 0, newest: None });
    }

    #[tokio::test]
    async fn a_broken_database_refuses_every_second_statement_for_real() {
        let folder = tempfile::tempdir().unwrap();
        let chaos = Arc::<Chaos>::default();
        let store = store(&folder, &chaos).await;
        chaos.set(Kind::Database, 2).unwrap();
        assert!(store.list().await.is_ok());
        let err = store.list().await.unwrap_err();
        let StoreError::Statement { database, source, .. } = err else { panic!("{err}") };
        assert_eq!(database, "products");
        assert!(source.to_string().contains("no such table: products_gone"), "{source}");
        assert!(store.list().await.is_ok());
        let trouble = store.report(Instant::now()).trouble.unwrap();
        assert_eq!((trouble.symptom, trouble.calls), (Symptom::Statement, 1));
    }

    #[tokio::test]
    async fn a_full_catalogue_takes_no_more() {
        let folder = tempfile::tempdir().unwrap();
        let store = store(&folder, &Arc::default()).await;
        store.total.store(MAX_PRODUCTS, Ordering::Relaxed);
        let err = store.insert(id(70), &name("One too many")).await.unwrap_err();
        assert!(matches!(err, StoreError::Full), "{err}");
        // The next look says how many there are.
        store.rows().await.unwrap();
        assert_eq!(store.insert(id(70), &name("Room again")).await.unwrap(), Inserted::Yes);
    }

    #[tokio::test]
    async fn a_database_that_cannot_be_opened_is_named_without_its_password() {
        let url = "postgres://demo:secret@127.0.0.1:1/shop";
        let err = Store::open(url, Arc::default()).await.unwrap_err();
        let said = err.to_string();
        assert!(said.contains("postgres://demo:"), "{said}");
        assert!(!said.contains("secret"), "{said}");
    }
}
