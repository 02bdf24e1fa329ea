//! A whole service as its author writes it: `init`, axum, reqwest and sqlx, on many threads.
//!
//! One subscriber for the process, as in production; each test tells its segments by their name.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::net::SocketAddr;
use std::sync::LazyLock;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use axum::Router;
use axum::routing::get;
use sqlx::SqlitePool;
use tracing::{Instrument, info, info_span, instrument};
use xray_tracing::document::Entity;
use xray_tracing::reqwest::Client;
use xray_tracing::sampling::LocalRules;
use xray_tracing::sqlx::Database;
use xray_tracing::tower::ServerLayer;
use xray_tracing::{Guard, MemorySink, TraceHeader};

struct Service {
    sink: MemorySink,
    guard: Guard,
    seen: Mutex<Vec<Entity>>,
}

static SERVICE: LazyLock<Service> = LazyLock::new(|| {
    let sink = MemorySink::new();
    let options = xray_tracing::builder("service").sampler(LocalRules::record_all());
    let guard = options.sink(sink.clone()).init().unwrap();
    Service { sink, guard, seen: Mutex::new(Vec::new()) }
});

/// Held by the test that runs: a flush sends what has ended in everybody's open segments, and one
/// test must not cut another's documents in parts.
static ALONE: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// Waits for `count` complete documents of that name.
fn documents(name: &str, count: usize) -> Vec<Entity> {
    let until = Instant::now() + Duration::from_secs(30);
    loop {
        assert!(SERVICE.guard.flush(Duration::from_secs(20)));
        let mut seen = SERVICE.seen.lock().unwrap();
        seen.extend(SERVICE.sink.take().iter().map(|document| Entity::parse(document).unwrap()));
        let of_name = |entity: &&Entity| entity.name == name && !entity.in_progress;
        let found: Vec<_> = seen.iter().filter(of_name).cloned().collect();
        if found.len() >= count {
            return found;
        }
        drop(seen);
        assert!(Instant::now() < until, "{count} of {name} expected, found {found:?}");
        std::thread::yield_now();
    }
}

async fn serve(app: Router) -> SocketAddr {
    LazyLock::force(&SERVICE);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async { axum::serve(listener, app).await.unwrap() });
    address
}

#[instrument]
async fn load_products() -> &'static str {
    tokio::task::yield_now().await;
    info!("loaded");
    "three"
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_requests_at_once_keep_apart() {
    let _alone = ALONE.lock().await;
    let app = Router::new()
        .route("/products", get(load_products))
        .layer(ServerLayer::new().service_name("many"));
    let address = serve(app).await;
    let client = reqwest::Client::new();
    let url = format!("http://{address}/products");
    let requests: Vec<_> = (0..100).map(|_| tokio::spawn(client.get(&url).send())).collect();
    for request in requests {
        assert_eq!(request.await.unwrap().unwrap().text().await.unwrap(), "three");
    }
    let segments = documents("many", 100);
    assert_eq!(segments.len(), 100);
    for segment in &segments {
        let names: Vec<_> = segment.subsegments.iter().map(|child| &*child.name).collect();
        assert_eq!(names, ["load_products"]);
        let http = segment.http.as_ref().unwrap();
        assert_eq!(http.request.url.as_deref(), Some(&*url));
        assert_eq!((http.response.status, http.response.content_length), (Some(200), Some(5)));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_trace_runs_from_service_to_service() {
    let _alone = ALONE.lock().await;
    let back = Router::new()
        .route("/detail", get(|| async { "detail" }))
        .layer(ServerLayer::new().service_name("back"));
    let back = serve(back).await;
    let client = Client::from(reqwest::Client::new());
    let handler = move || {
        let client = client.clone();
        async move {
            let answer = client.get(format!("http://{back}/detail?q=1")).send().await.unwrap();
            answer.text().await.unwrap()
        }
    };
    let front =
        Router::new().route("/", get(handler)).layer(ServerLayer::new().service_name("front"));
    let front = serve(front).await;
    let root = "1-5759e988-bd862e3fe1be46a994272793";
    let request = reqwest::Client::new().get(format!("http://{front}/"));
    let header = format!("Root={root};Sampled=?");
    let answer = request.header(TraceHeader::NAME, header).send().await.unwrap();
    let told = answer.headers()[TraceHeader::NAME].to_str().unwrap().to_owned();
    assert_eq!(told, format!("Root={root};Sampled=1"));
    assert_eq!(answer.text().await.unwrap(), "detail");

    let (front, back) = (documents("front", 1).remove(0), documents("back", 1).remove(0));
    assert_eq!(front.trace_id.unwrap().to_string(), root);
    assert_eq!(back.trace_id, front.trace_id);
    let call = &front.subsegments[0];
    assert_eq!((&*call.name, call.namespace.as_deref()), ("127.0.0.1", Some("remote")));
    assert_eq!(back.parent_id, call.id);
    assert_eq!(back.http.unwrap().request.url, call.http.as_ref().unwrap().request.url);
}

/// One connection: a database in memory is its own.
async fn pool() -> SqlitePool {
    let options = sqlx::sqlite::SqlitePoolOptions::new().max_connections(1);
    let pool = options.connect("sqlite::memory:").await.unwrap();
    let sql = "CREATE TABLE products (id INTEGER PRIMARY KEY, name TEXT)";
    sqlx::query(sql).execute(&pool).await.unwrap();
    pool
}

/// The subsegments that `work` makes inside a request to the service called `name`.
async fn traced(name: &'static str, work: impl Future<Output = ()> + Send) -> Vec<Entity> {
    use tower::ServiceExt;
    LazyLock::force(&SERVICE);
    let work = std::sync::Arc::new(tokio::sync::Mutex::new(Some(Box::pin(work))));
    let service = tower::ServiceBuilder::new()
        .layer(ServerLayer::new().service_name(name))
        .service_fn(|_: axum::extract::Request| async {
            work.lock().await.take().unwrap().await;
            Ok::<_, std::convert::Infallible>(axum::response::Response::new(String::new()))
        });
    drop(service.oneshot(axum::extract::Request::default()).await.unwrap());
    documents(name, 1).remove(0).subsegments
}

#[tokio::test]
async fn a_query_is_seen_by_the_event_of_sqlx() {
    let _alone = ALONE.lock().await;
    let pool = pool().await;
    let subsegments = traced("event", async {
        let sql = "SELECT name FROM products WHERE id = 7 AND name <> 'secret'";
        let query = sqlx::query(sql).fetch_all(&pool).instrument(info_span!("load"));
        assert_eq!(query.await.unwrap().len(), 0);
    })
    .await;
    let [load] = &subsegments[..] else { panic!("{subsegments:?}") };
    let [query] = &load.subsegments[..] else { panic!("{load:?}") };
    assert_eq!((&*query.name, query.namespace.as_deref()), ("sqlx", Some("remote")));
    let text = query.sql.as_ref().unwrap().sanitized_query.as_deref();
    assert_eq!(text, Some("SELECT name FROM products WHERE id = ? AND name <> ?"));
    assert_eq!(query.metadata["default"]["rows_returned"], 0);
    assert!(query.start_time_s < query.end_time_s);
    assert!(load.start_time_s <= query.start_time_s);
}

#[tokio::test]
async fn of_a_query_made_with_call_the_event_only_tells_more() {
    let _alone = ALONE.lock().await;
    let (pool, database) = (pool().await, Database::from_url("sqlite:data/products.db"));
    let subsegments = traced("call", async {
        let sql = "INSERT INTO products (name) VALUES ('secret'), (?)";
        database.call(sql, sqlx::query(sql).bind("x").execute(&pool)).await.unwrap();
    })
    .await;
    let [call] = &subsegments[..] else { panic!("{subsegments:?}") };
    assert_eq!((&*call.name, call.subsegments.len()), ("products", 0));
    let sql = call.sql.as_ref().unwrap();
    let query = "INSERT INTO products (name) VALUES (?), (?)";
    assert_eq!(sql.sanitized_query.as_deref(), Some(query));
    assert_eq!(call.metadata["default"]["rows_affected"], 2);
}

#[tokio::test]
async fn a_second_init_says_what_to_do() {
    let _alone = ALONE.lock().await;
    LazyLock::force(&SERVICE);
    assert_eq!(
        xray_tracing::init("again").unwrap_err().to_string(),
        "a tracing subscriber is installed already; call init once and first, or add the layer of \
         xray_tracing::builder to your own subscriber"
    );
}
