//! A SQL subsegment for each database call.
//!
//! In: queries under way. Out: their results, unchanged; a remote subsegment named after the
//! database. Owns a database's name. Queries made without [`Database::call`] are seen by the event
//! that sqlx emits (`layer/sql_event.rs`); of a query made with it, that event only adds to the
//! subsegment. Needs no crate: any future of any driver will do.

use std::error::Error;
use std::sync::{PoisonError, RwLock};

use tracing::Instrument;

use super::sql_text;
use super::subsegment::Subsegment;
use crate::layer::current;
use crate::layer::record::{Flags, Key};
use crate::layer::scratch::Scratch;

/// A database by name, as the service map shows it.
///
/// ```
/// use xray_tracing::sqlx::Database;
/// let database = Database::from_url("postgres://shop:secret@db.example:5432/products?ssl=on");
/// assert_eq!(database.name(), "products@db.example");
/// assert_eq!(Database::from_url("sqlite:data/products.db?mode=rwc").name(), "products");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Database {
    name: String,
    /// Without user, password and parameters.
    url: String,
    kind: &'static str,
    user: Option<String>,
}

/// What the process said of its databases.
enum Announced {
    Nothing,
    One(Database),
    Several,
}

static ANNOUNCED: RwLock<Announced> = RwLock::new(Announced::Nothing);

impl Database {
    /// From the URL that the pool was opened with. Password and parameters are not kept.
    pub fn from_url(url: &str) -> Self {
        let (scheme, rest) = url.split_once(':').unwrap_or(("", url));
        let rest = rest.split(['?', '#']).next().unwrap_or_default();
        let kind = kind_of(scheme);
        if kind == "SQLite" {
            let path = rest.strip_prefix("//").unwrap_or(rest);
            let url = format!("sqlite:{path}");
            return Self { name: stem(path).to_owned(), url, kind, user: None };
        }
        let rest = rest.strip_prefix("//").unwrap_or(rest);
        let (authority, database) = rest.split_once('/').unwrap_or((rest, ""));
        // A password may hold an `@` that somebody forgot to encode.
        let (login, address) = match authority.rsplit_once('@') {
            Some((login, address)) => (Some(login), address),
            None => (None, authority),
        };
        let user = login.map(|login| login.split(':').next().unwrap_or_default().to_owned());
        let host = host_of(address);
        let name = if database.is_empty() { host.to_owned() } else { format!("{database}@{host}") };
        Self { name, url: format!("{scheme}://{address}/{database}"), kind, user }
    }

    /// Names the queries that are made without [`call`](Self::call), too: the events of sqlx do not
    /// say where they went. Of two databases that are announced, neither is meant.
    ///
    /// ```
    /// use xray_tracing::sqlx::Database;
    /// let database = Database::from_url("postgres://db.example/products").name_events();
    /// assert_eq!(database.name(), "products@db.example");
    /// ```
    #[must_use]
    pub fn name_events(self) -> Self {
        let mut announced = ANNOUNCED.write().unwrap_or_else(PoisonError::into_inner);
        match &*announced {
            Announced::Nothing => *announced = Announced::One(self.clone()),
            Announced::One(other) if *other == self => {}
            _ => *announced = Announced::Several,
        }
        drop(announced);
        self
    }

    /// The one that is meant where an event does not say.
    pub(crate) fn of_events() -> Option<Self> {
        match &*ANNOUNCED.read().unwrap_or_else(PoisonError::into_inner) {
            Announced::One(database) => Some(database.clone()),
            Announced::Nothing | Announced::Several => None,
        }
    }

    pub(crate) fn describe(&self, scratch: &mut Scratch) {
        scratch.add_text(Key::SqlUrl, &self.url);
        scratch.add_text(Key::SqlDatabase, self.kind);
        if let Some(user) = &self.user {
            scratch.add_text(Key::SqlUser, user);
        }
    }

    /// `db@host`, or for SQLite the file's stem.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Runs `future`, which executes `query`, inside a subsegment; an error is recorded on it.
    /// Literals in `query` are not recorded.
    ///
    /// ```no_run
    /// # async fn f(pool: sqlx::SqlitePool) -> Result<(), sqlx::Error> {
    /// let database = xray_tracing::sqlx::Database::from_url("sqlite:products.db");
    /// let sql = "SELECT name FROM products";
    /// let rows = database.call(sql, sqlx::query(sql).fetch_all(&pool)).await?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// Those of `future`.
    pub async fn call<T, E: Error + 'static>(
        &self,
        query: &str,
        future: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        let Some(call) = self.begin(query) else { return future.await };
        let result = future.instrument(call.span().clone()).await;
        match &result {
            Ok(_) => call.end(Flags::default(), |_| {}),
            Err(error) => call.fail(error),
        }
        result
    }

    fn begin(&self, query: &str) -> Option<Subsegment> {
        let call = current::with_current(|tracer, _, place| {
            Subsegment::begin(tracer, place?, &self.name, Flags::SQL, |scratch| {
                self.describe(scratch);
                if tracer.settings.collects_sql {
                    scratch.add_text(Key::SqlQuery, &sql_text::sanitize(query));
                }
            })
        });
        call.flatten().flatten()
    }
}

fn kind_of(scheme: &str) -> &'static str {
    match scheme {
        "postgres" | "postgresql" => "PostgreSQL",
        "mysql" => "MySQL",
        "mariadb" => "MariaDB",
        "sqlite" => "SQLite",
        "mssql" | "sqlserver" => "Microsoft SQL Server",
        _ => "SQL",
    }
}

/// `data/products.db` is `products`; a database in memory has no file.
fn stem(path: &str) -> &str {
    let file = path.rsplit(['/', '\\']).next().unwrap_or(path);
    let stem = file.rsplit_once('.').map_or(file, |(stem, _)| stem);
    if stem.is_empty() || stem.starts_with(':') { "sqlite" } else { stem }
}

/// The address without port.
fn host_of(address: &str) -> &str {
    match address.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((ipv6, _)) => ipv6,
        None => address.rsplit_once(':').map_or(address, |(host, _)| host),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(url: &str, name: &str, shown: &str, kind: &str) {
        let database = Database::from_url(url);
        assert_eq!((database.name(), &*database.url, database.kind), (name, shown, kind), "{url}");
    }

    #[test]
    fn databases_are_named_after_base_and_host() {
        check(
            "postgres://u:p@ss@db.example:5432/shop?sslmode=require",
            "shop@db.example",
            "postgres://db.example:5432/shop",
            "PostgreSQL",
        );
        check("mysql://db/shop", "shop@db", "mysql://db/shop", "MySQL");
        check("postgres://[::1]:5432/shop", "shop@::1", "postgres://[::1]:5432/shop", "PostgreSQL");
        check("postgres://u@db", "db", "postgres://db/", "PostgreSQL");
        check("nonsense", "nonsense", "://nonsense/", "SQL");
    }

    #[test]
    fn sqlite_is_named_after_its_file() {
        check("sqlite:products.db", "products", "sqlite:products.db", "SQLite");
        check(
            "sqlite:///var/lib/products.db?mode=ro",
            "products",
            "sqlite:/var/lib/products.db",
            "SQLite",
        );
        check("sqlite::memory:", "sqlite", "sqlite::memory:", "SQLite");
        check("sqlite:", "sqlite", "sqlite:", "SQLite");
    }

    #[test]
    fn user_names_are_kept_and_passwords_are_not() {
        let database = Database::from_url("postgres://shop:se@cr:et@db/products");
        assert_eq!(database.user.as_deref(), Some("shop"));
        assert!(!format!("{database:?}").contains("cr:et"), "{database:?}");
    }
}
