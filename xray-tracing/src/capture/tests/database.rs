//! Queries of sqlx, against SQLite.

use sqlx::SqlitePool;
use tracing::instrument::WithSubscriber;
use tracing::{Instrument, Level, info_span};

use crate::builder;
use crate::document::{Cause, Entity};
use crate::sampling::LocalRules;
use crate::sqlx::Database;
use crate::testing::Capture;

const URL: &str = "sqlite:data/products.db?mode=rwc";

/// One connection: a database in memory is its own.
async fn pool() -> SqlitePool {
    let options = sqlx::sqlite::SqlitePoolOptions::new().max_connections(1);
    let pool = options.connect("sqlite::memory:").await.unwrap();
    sqlx::query("CREATE TABLE products (id INTEGER PRIMARY KEY, name TEXT)")
        .execute(&pool)
        .await
        .unwrap();
    pool
}

/// The subsegments that `work` makes inside a root.
async fn traced(work: impl Future<Output = ()>) -> Vec<Entity> {
    let capture = Capture::new();
    async { work.instrument(info_span!("root")).await }
        .with_subscriber(capture.subscriber().clone())
        .await;
    let mut documents = capture.documents();
    assert_eq!(documents.len(), 1);
    documents.remove(0).subsegments
}

#[tokio::test]
async fn a_call_is_a_subsegment_named_after_the_database() {
    let (pool, database) = (pool().await, Database::from_url(URL));
    let subsegments = traced(async {
        let sql = "INSERT INTO products (name) VALUES ('secret'), (?)";
        database.call(sql, sqlx::query(sql).bind("other").execute(&pool)).await.unwrap();
    })
    .await;
    let [call] = &subsegments[..] else { panic!("{subsegments:?}") };
    assert_eq!((&*call.name, call.namespace.as_deref()), ("products", Some("remote")));
    let sql = call.sql.as_ref().unwrap();
    assert_eq!(sql.url.as_deref(), Some("sqlite:data/products.db"));
    assert_eq!(sql.database_type.as_deref(), Some("SQLite"));
    let query = "INSERT INTO products (name) VALUES (?), (?)";
    assert_eq!(sql.sanitized_query.as_deref(), Some(query));
    assert!(!call.fault && call.cause.is_none());
}

#[tokio::test]
async fn an_error_is_recorded_and_handed_on() {
    let (pool, database) = (pool().await, Database::from_url(URL));
    let subsegments = traced(async {
        let sql = "INSERT INTO products (id) VALUES (?)";
        for _ in 0..2 {
            let insert = sqlx::query(sql).bind(1).execute(&pool);
            drop(database.call(sql, insert).await);
        }
    })
    .await;
    let [first, second] = &subsegments[..] else { panic!("{subsegments:?}") };
    assert!(!first.fault && second.fault);
    let Some(Cause::Detail(cause)) = &second.cause else { panic!("{second:?}") };
    let message = cause.exceptions[0].message.as_deref().unwrap();
    assert!(message.contains("UNIQUE constraint failed"), "{message}");
    assert_eq!(cause.exceptions[0].exception_type.as_deref(), Some("Database"));
}

#[tokio::test]
async fn an_unsampled_trace_costs_its_queries_nothing() {
    let (pool, database) = (pool().await, Database::from_url(URL));
    let options = builder("orders").sampler(LocalRules::record_none()).max_level(Level::TRACE);
    let capture = Capture::with(options);
    async {
        let work = async {
            let sql = "SELECT name FROM products";
            database.call(sql, sqlx::query(sql).fetch_all(&pool)).await.unwrap();
        };
        work.instrument(info_span!("root")).await;
    }
    .with_subscriber(capture.subscriber().clone())
    .await;
    assert_eq!(capture.documents(), []);
    assert_eq!(capture.stats().roots_unsampled, 1);
}
