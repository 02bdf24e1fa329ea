//! The whole shop over real sockets: Frontend, Product-Catalog on SQLite, Product-Detail.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use reqwest::{Method, RequestBuilder, StatusCode};
use tokio::net::TcpListener;

use super::{Places, Shop, router};
use crate::prodcatalog::{self, Store, Vendors};
use crate::proddetail::{self, Version};
use crate::run::sqlite_url;
use crate::service::server::Common;
use crate::service::trace::{TraceHealth, Untraced};

/// A running shop and what it calls.
struct Town {
    shop: String,
    catalog: String,
    detail: String,
    client: reqwest::Client,
    _folder: tempfile::TempDir,
}

/// What the shop answered.
struct Answer {
    status: u16,
    location: String,
    cookies: Vec<String>,
    text: String,
}

async fn bind() -> (TcpListener, std::net::SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

fn common(name: &'static str, listen: std::net::SocketAddr) -> Common {
    Common::new(name, listen, &[], Untraced::health(TraceHealth::No))
}

fn serve(listener: TcpListener, router: Router) {
    tokio::spawn(async move { axum::serve(listener, router).await });
}

impl Town {
    async fn open() -> Self {
        let (listener, detail) = bind().await;
        let version = Version::One;
        serve(
            listener,
            proddetail::router(version, detail, &common(version.segment_name(), detail)),
        );

        let (listener, catalog) = bind().await;
        let folder = tempfile::tempdir().unwrap();
        let of_catalog = common(prodcatalog::SEGMENT_NAME, catalog);
        let url = sqlite_url(&folder.path().join("products.db"));
        let store = Store::open(&url, Arc::clone(&of_catalog.chaos)).await.unwrap();
        let detail_url = format!("http://{detail}/catalogDetail").parse().unwrap();
        let vendors = Vendors::new(reqwest::Client::new(), detail_url, None);
        serve(
            listener,
            prodcatalog::router(Arc::new(store), Arc::new(vendors), catalog, &of_catalog),
        );

        let shop = open_shop(&format!("http://{catalog}/products/")).await;
        let client =
            reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        let [catalog, detail] = [catalog, detail].map(|address| format!("http://{address}"));
        Self { shop, catalog, detail, client, _folder: folder }
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.shop))
    }

    async fn get(&self, path: &str) -> Answer {
        answer(self.request(Method::GET, path)).await
    }

    async fn post(&self, path: &str, form: &str) -> Answer {
        answer(self.form(path, form)).await
    }

    fn form(&self, path: &str, form: &str) -> RequestBuilder {
        self.request(Method::POST, path)
            .header("content-type", "application/x-www-form-urlencoded")
            .body(form.to_owned())
    }

    /// Breaks or mends a service.
    async fn chaos(&self, method: Method, url: String) {
        assert!(self.client.request(method, url).send().await.unwrap().status().is_success());
    }
}

/// A shop whose catalogue is at `catalog`; returns its URL.
async fn open_shop(catalog: &str) -> String {
    let (listener, address) = bind().await;
    let places = Places {
        catalog: catalog.parse().unwrap(),
        console: Some("http://127.0.0.1:2002".parse().unwrap()),
        daemon_metrics: None,
        daemon_port: Some(2_000),
    };
    let shop = Arc::new(Shop::new(places, address, common("Frontend", address)).unwrap());
    shop.live.refresh().await;
    serve(listener, router(&shop));
    format!("http://{address}")
}

async fn answer(request: RequestBuilder) -> Answer {
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    let headers = response.headers().clone();
    assert!(headers.contains_key("x-amzn-trace-id"), "every response names its trace");
    let policy = headers.get("content-security-policy").map(|it| it.to_str().unwrap());
    assert!(policy.is_none_or(|policy| policy.starts_with("default-src 'self';")), "{policy:?}");
    let text = |value: &reqwest::header::HeaderValue| value.to_str().unwrap().to_owned();
    Answer {
        status,
        location: headers.get("location").map(text).unwrap_or_default(),
        cookies: headers.get_all("set-cookie").iter().map(text).collect(),
        text: response.text().await.unwrap(),
    }
}

impl Answer {
    fn shows(&self, text: &str) -> bool {
        self.text.contains(text)
    }

    /// The cookie called `name`, as a browser sends it back.
    fn cookie(&self, name: &str) -> String {
        let start = format!("{name}=");
        let cookie = self.cookies.iter().find(|cookie| cookie.starts_with(&start));
        cookie.and_then(|cookie| cookie.split(';').next()).unwrap_or_default().to_owned()
    }
}

#[tokio::test]
async fn the_first_page_shows_the_first_products_and_their_vendors() {
    let town = Town::open().await;
    let page = town.get("/").await;
    assert_eq!(page.status, 200);
    for text in ["Table", "Chair", "ABC.com", "6 products", "1–6 of 6", "Break something"] {
        assert!(page.shows(text), "{text}");
    }
    assert!(!page.shows("Bad deploy of v2"), "there is no version 2 here");
    assert!(!page.shows("style="), "the policy forbids inline styles");
}

#[tokio::test]
async fn adding_leads_to_the_page_that_shows_it() {
    let town = Town::open().await;
    let added = town.post("/products", "id=42&name=%3Cb%3ELamp+%26+co").await;
    assert_eq!((added.status, added.location.as_str()), (303, "/?show=42"));
    let page =
        answer(town.request(Method::GET, &added.location).header("cookie", added.cookie("last")))
            .await;
    assert!(page.shows("Added product 42"), "{}", page.text);
    assert!(page.shows("&#60;b&#62;Lamp &#38; co"), "names are escaped");
    assert!(page.shows("<span class=\"chip\">new</span>"));
}

#[tokio::test]
async fn what_cannot_be_added_is_said_beside_its_field() {
    let town = Town::open().await;
    let taken = town.post("/products", "id=2&name=Stool").await;
    assert_eq!(taken.status, 409);
    assert!(taken.shows("2 is taken; edit it below") && taken.shows("value=\"Stool\""));
    for (form, reason) in [
        ("id=two&name=Stool", "a number, 1 to 999,999,999"),
        ("id=7&name=+", "a name has at least one character"),
        ("", "a number, 1 to 999,999,999"),
    ] {
        let refused = town.post("/products", form).await;
        assert_eq!(refused.status, 400, "{form}");
        assert!(refused.shows(reason), "{form}");
    }
}

#[tokio::test]
async fn a_product_is_changed_in_its_row() {
    let town = Town::open().await;
    let open = town.get("/?edit=2").await;
    assert!(open.shows("action=\"/products/2\"") && open.shows("value=\"Chair\""));
    let refused = town.post("/products/2", "name=").await;
    assert_eq!(refused.status, 400);
    assert!(refused.shows("a name has at least one character"));
    assert_eq!(town.post("/products/2", "name=Armchair").await.location, "/?show=2");
    assert!(town.get("/").await.shows("Armchair"));
    assert_eq!(town.post("/products/99", "name=Nobody").await.status, 404);
}

#[tokio::test]
async fn a_deletion_can_be_undone_from_the_foot_of_the_page() {
    let town = Town::open().await;
    let deleted = town.post("/products/2/delete", "page=1").await;
    assert_eq!((deleted.status, deleted.location.as_str()), (303, "/?page=1"));
    let last = deleted.cookie("last");
    let page = answer(town.request(Method::GET, "/").header("cookie", last)).await;
    assert!(page.shows("Deleted product 2") && page.shows(">Undo<"), "{}", page.text);
    assert!(!page.shows("Delete Chair"));
    let undone = town.post("/products", "id=2&name=Chair&undo=1").await;
    assert_eq!(undone.status, 303);
    assert!(undone.cookie("last").contains("restored"));
    assert!(town.get("/").await.shows("Delete Chair"));
    assert_eq!(town.post("/products/77/delete", "page=1").await.status, 404);
}

#[tokio::test]
async fn an_id_that_is_none_goes_nowhere() {
    let town = Town::open().await;
    for path in ["/products/abc/delete", "/products/..%2F..%2Fchaos/delete", "/products/0/delete"] {
        let refused = town.post(path, "page=1").await;
        assert_eq!(refused.status, 400, "{path}");
        assert!(refused.shows("That is no product id"), "{path}");
    }
    assert_eq!(town.get("/?product=abc").await.status, 400);
    assert_eq!(town.get("/?product=999").await.status, 404);
    assert_eq!(town.get("/products/3").await.location, "/?product=3");
    assert!(town.get("/?product=3").await.shows("Bookshelf"));
}

#[tokio::test]
async fn a_failing_detail_fails_every_caller_and_the_page_says_so() {
    let town = Town::open().await;
    let on = town.post("/products/break/failing-detail", "to=on").await;
    assert_eq!((on.status, on.location.as_str()), (303, "/"));
    let page = town.get("/").await;
    assert_eq!(page.status, 502);
    assert!(page.shows("asked Product-Detail twice and got an error both times"), "{}", page.text);
    assert!(page.shows("GET / failed after") && page.shows("Your products are safe."));
    assert!(page.shows("“Failing detail” is on since"));
    let added = town.post("/products", "id=50&name=Lamp").await;
    assert_eq!(added.status, 502);
    assert!(added.shows("Nothing was saved."));
    let catalog = town.client.get(format!("{}/products/", town.catalog)).send().await.unwrap();
    assert_eq!(catalog.status(), StatusCode::INTERNAL_SERVER_ERROR);
    let ping = town.client.get(format!("{}/ping", town.detail)).send().await.unwrap();
    assert_eq!(ping.status(), StatusCode::OK, "a fault is no ill health");
    assert_eq!(town.post("/products/break/reset", "").await.status, 303);
    assert_eq!(town.get("/").await.status, 200);
    assert!(!town.get("/").await.shows("Lamp"), "the refused product is not there");
}

#[tokio::test]
async fn a_throttled_catalogue_is_asked_three_times() {
    let town = Town::open().await;
    town.chaos(Method::POST, format!("{}/chaos/throttle/1", town.catalog)).await;
    // The first second's only request.
    town.client.get(format!("{}/products/", town.catalog)).send().await.unwrap();
    let page = town.get("/").await;
    let metrics = town.client.get(format!("{}/metrics", town.catalog)).send().await.unwrap();
    let metrics = metrics.text().await.unwrap();
    let refused = metrics
        .lines()
        .find(|line| line.starts_with("http_requests_total") && line.contains("status=\"429\""))
        .and_then(|line| line.rsplit(' ').next()?.parse::<u32>().ok())
        .unwrap_or_default();
    // On a slow machine the last try may fall into the next second, and is let through then.
    match page.status {
        429 => assert!(page.shows("Frontend tried 3 times") && refused == 3, "{refused}"),
        status => assert!(status == 200 && (1..3).contains(&refused), "{status}, {refused}"),
    }
}

#[tokio::test]
async fn a_broken_database_names_the_statement_that_failed() {
    let town = Town::open().await;
    town.chaos(Method::POST, format!("{}/chaos/database/1", town.catalog)).await;
    let page = town.get("/").await;
    assert_eq!(page.status, 502);
    assert!(page.shows("its database products, which refused the statement"), "{}", page.text);
    assert!(page.shows("no such table: products_gone"));
    town.chaos(Method::DELETE, format!("{}/chaos/database", town.catalog)).await;
    assert_eq!(town.get("/").await.status, 200);
}

#[tokio::test]
async fn a_detail_that_is_slow_to_death_is_a_504() {
    let town = Town::open().await;
    town.chaos(Method::POST, format!("{}/chaos/latency/30000", town.detail)).await;
    let began = Instant::now();
    let page = town.get("/").await;
    assert_eq!(page.status, 504);
    assert!(page.shows("which waited 2.0 s for Product-Detail and got no answer"), "{}", page.text);
    assert!(began.elapsed() < Duration::from_secs(5), "nobody is left hanging");
}

#[tokio::test]
async fn a_catalogue_that_is_gone_is_a_page_and_no_hang() {
    let (listener, nobody) = bind().await;
    drop(listener);
    let shop = open_shop(&format!("http://{nobody}/products/")).await;
    let response = reqwest::get(&shop).await.unwrap();
    assert_eq!(response.status(), StatusCode::BAD_GATEWAY);
    assert!(response.text().await.unwrap().contains("Frontend cannot reach Product-Catalog."));
}

#[tokio::test]
async fn many_products_are_inserted_one_by_one() {
    let town = Town::open().await;
    assert_eq!(town.post("/products/bulk", "count=501").await.status, 400);
    assert_eq!(town.post("/products/bulk", "count=x").await.status, 400);
    let started = town.post("/products/bulk", "count=5&back=%2Ftour").await;
    assert_eq!((started.status, started.location.as_str()), (303, "/tour"));
    let deadline = Instant::now() + Duration::from_secs(20);
    while town.get("/bulk").await.shows("data-running") {
        assert!(Instant::now() < deadline, "the job did not end");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(town.get("/bulk").await.shows("<b>5</b> of 5"));
    assert!(town.get("/").await.shows("11 products"));
}

#[tokio::test]
async fn language_and_theme_are_kept() {
    let town = Town::open().await;
    let spanish = town.get("/?lang=es").await;
    assert!(spanish.shows("Catálogo de productos") && spanish.shows("<html lang=\"es\">"));
    assert_eq!(spanish.cookie("lang"), "lang=es");
    let dark = town.post("/theme", "back=%2Ftour").await;
    assert_eq!((dark.location.as_str(), dark.cookie("theme").as_str()), ("/tour", "theme=dark"));
    let cookies = "lang=es; theme=dark";
    let page = answer(town.request(Method::GET, "/tour").header("cookie", cookies)).await;
    assert!(page.shows("<html lang=\"es\" data-theme=\"dark\">"));
}

#[tokio::test]
async fn the_tour_follows_what_really_happened() {
    let town = Town::open().await;
    let page = town.get("/tour").await;
    assert!(page.shows("0 so far; looks every 2 s"), "{}", page.text);
    let skip = town.post("/tour/skip", "").await;
    let one = skip.cookie("tour");
    let two = answer(town.form("/tour/skip", "").header("cookie", one)).await.cookie("tour");
    town.post("/products/break/failing-detail", "to=on").await;
    let ask = || town.request(Method::GET, "/tour").header("cookie", two.clone());
    let page = answer(ask()).await;
    assert!(page.shows("Fault injection is on"));
    assert!(page.cookie("tour").is_empty(), "no fault has reached the catalogue yet");
    assert_eq!(town.post("/products/reload", "").await.status, 502);
    // The picture is taken anew with the next switch.
    town.post("/products/break/failing-detail", "to=on").await;
    let page = answer(ask()).await;
    let three = page.cookie("tour");
    assert!(page.shows("3 of 5 done"), "{}", page.text);
    let wrong = answer(town.form("/tour/answer", "node=Frontend").header("cookie", &three)).await;
    assert_eq!(wrong.location, "/tour?wrong=Frontend");
    let right =
        answer(town.form("/tour/answer", "node=Product-Detail").header("cookie", &three)).await;
    let four = right.cookie("tour");
    let page = answer(town.request(Method::GET, "/tour").header("cookie", four)).await;
    assert!(page.shows("4 of 5 done"), "{}", page.text);
}

#[tokio::test]
async fn starting_over_mends_and_empties() {
    let town = Town::open().await;
    town.post("/products", "id=60&name=Mine").await;
    town.post("/products/break/slow-detail", "to=on").await;
    let over = town.post("/products/start-over", "").await;
    assert_eq!((over.status, over.location.as_str()), (303, "/tour"));
    let page = town.get("/").await;
    assert!(page.shows("6 products") && !page.shows("Mine"));
    assert!(!page.shows("aria-checked=\"true\""));
}

#[tokio::test]
async fn a_post_without_a_form_is_an_empty_form() {
    let town = Town::open().await;
    town.post("/products/break/slow-detail", "to=on").await;
    let reset = answer(town.request(Method::POST, "/products/break/reset")).await;
    assert_eq!(reset.status, 303);
    assert!(!town.get("/").await.shows("aria-checked=\"true\""));
    let json = town.request(Method::POST, "/products").json(&serde_json::json!({ "id": 9 }));
    let refused = answer(json).await;
    assert_eq!(refused.status, 400);
    assert!(refused.shows("a number, 1 to 999,999,999"));
}

#[tokio::test]
async fn a_foreign_page_may_post_nothing() {
    let town = Town::open().await;
    let foreign = town.form("/products", "id=66&name=Planted").header("origin", "http://evil.test");
    assert_eq!(foreign.send().await.unwrap().status(), StatusCode::FORBIDDEN);
    assert!(!town.get("/").await.shows("Planted"));
}

#[tokio::test]
async fn what_the_shop_does_not_have_is_a_page_that_leads_back() {
    let town = Town::open().await;
    let page = town.get("/nothing/here").await;
    assert_eq!(page.status, 404);
    assert!(page.shows("There is no such page") && page.shows("Back to the products"));
    assert_eq!(town.get("/ping").await.text, "\"Healthy\"");
    assert_eq!(town.get("/favicon.ico").await.status, 200);
}
