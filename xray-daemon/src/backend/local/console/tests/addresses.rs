//! What each address answers.

use super::fixtures::{Console, TRACE, plain, shop};
use crate::backend::local::LocalConfig;
use crate::backend::local::console::state::now_s;

#[tokio::test]
async fn before_the_first_segment_pages_say_how_to_connect() {
    let console = Console::open().await;
    for address in ["/", "/traces"] {
        let answer = console.get(address).await;
        assert_eq!(answer.status, 200);
        assert!(answer.body.contains("Waiting for the first segment"), "{address}");
        assert!(answer.body.contains("xray_tracing::init"), "{address}");
        assert!(answer.body.contains("data-events=\"/events?page=empty"), "{address}");
    }
    assert!(console.get("/?lang=es").await.body.contains("Esperando el primer segmento"));
}

#[tokio::test]
async fn the_map_shows_every_service_and_the_panel_what_is_picked() {
    let console = Console::open().await;
    console.put(&shop(now_s() - 3.0)).await;
    let map = console.get("/").await.body;
    for service in ["Frontend", "Product-Catalog", "Product-Detail", "products@db", "Client"] {
        assert!(map.contains(&format!(">{service}</text>")), "{service}");
    }
    assert!(map.contains("All traces</h2>"));
    let panel = console.get("/?node=Product-Detail").await.body;
    assert!(panel.contains(">Product-Detail</h2>"), "{panel}");
    let edge = console.get("/?node=Product-Catalog&callee=Product-Detail").await.body;
    assert!(edge.contains("call from Product-Catalog"));
    let fixed = format!("/?from={}&to={}", now_s() - 60.0, now_s() + 60.0);
    let fixed = console.get(&format!("{fixed}&node=Product-Catalog&callee=Product-Detail")).await;
    assert!(fixed.body.contains("call from Product-Catalog"), "an edge in a fixed range");
    let closed = console.get("/?panel=0").await.body;
    assert!(!closed.contains("id=\"node-h\""));
}

#[tokio::test]
async fn a_wrong_filter_keeps_the_last_list_and_offers_a_fix() {
    let console = Console::open().await;
    console.put(&shop(now_s() - 3.0)).await;
    let answer = console.get("/traces?filter=responstime+%3E+1&last=fault").await;
    assert_eq!(answer.status, 200);
    assert!(answer.body.contains("aria-invalid=\"true\""));
    assert!(answer.body.contains("At character 1."));
    assert!(answer.body.contains("filter=responsetime+%3E+1"), "the fix is a link");
    assert!(answer.body.contains(&format!("/trace/{TRACE}")), "the list is still there");
}

#[tokio::test]
async fn when_nothing_matches_the_page_says_what_is_close() {
    let console = Console::open().await;
    console.put(&shop(now_s() - 3.0)).await;
    let address = "/traces?filter=service(%22Frontend%22)+%7B+throttle+%7D";
    let answer = console.get(address).await;
    assert!(answer.body.contains("No trace matches"), "{}", answer.body);
    assert!(answer.body.contains("service(&#34;Frontend&#34;) { throttle }"));
    assert!(answer.body.contains("Nearest:"));
}

#[tokio::test]
async fn health_checks_are_hidden_until_asked_for() {
    let console = Console::open().await;
    let mut probe = plain(7, 2.0);
    probe["http"]["request"]["url"] = "http://shop:9000/healthz".into();
    console.put(&[probe, plain(8, 1.0)]).await;
    let hidden = console.get("/traces").await.body;
    assert!(!hidden.contains("/healthz</span>"));
    assert!(hidden.contains("1 trace, 1 health check not shown"), "{hidden}");
    assert!(console.get("/traces?health=1").await.body.contains("/healthz</span>"));
}

#[tokio::test]
async fn the_list_goes_on_with_the_older_page() {
    let console = Console::open().await;
    let traces: Vec<_> = (1..=30).map(|n| plain(n, 60.0 - n as f64)).collect();
    console.put(&traces).await;
    let first = console.get("/traces?rows=20").await.body;
    assert!(first.contains("1–20 of 30"));
    let next = first.split("href=\"").find_map(|part| {
        part.split_once('"').map(|(href, _)| href).filter(|href| href.contains("after="))
    });
    let next = next.unwrap().replace("&#38;", "&");
    let second = console.get(&next).await.body;
    assert!(second.contains("21–30 of 30"), "{next}");
    assert!(!second.contains(">Older<svg"), "the end has no further page");
    let slowest = console.get("/traces?rows=20&sort=slowest").await.body;
    assert!(slowest.contains("aria-sort=\"descending\""));
}

#[tokio::test]
async fn a_trace_is_found_in_both_forms_of_its_id_and_as_a_file() {
    let console = Console::open().await;
    console.put(&shop(now_s() - 3.0)).await;
    let page = console.get(&format!("/trace/{TRACE}")).await;
    assert_eq!(page.status, 200);
    assert!(page.body.contains("POST /products/14"));
    let w3c = console.get("/trace/67891233abcdef012345678912345678").await;
    assert_eq!(w3c.status, 200);
    let moved = console.get(&format!("/traces/{TRACE}?range=1h")).await;
    assert_eq!(moved.status, 308);
    assert_eq!(moved.headers["location"], format!("/trace/{TRACE}?range=1h"));
    let file = console.get(&format!("/trace/{TRACE}/json")).await;
    assert_eq!(
        file.headers["content-disposition"],
        format!("attachment; filename=\"trace-{TRACE}.json\"")
    );
    let file: serde_json::Value = serde_json::from_str(&file.body).unwrap();
    assert_eq!(file["Id"], TRACE);
    assert!(file["Segments"].as_array().unwrap().len() >= 5);
    assert_eq!(console.get("/trace/1-67891233-ffffffffffffffffffffffff").await.status, 404);
    assert_eq!(console.get("/trace/nonsense").await.status, 400);
}

#[tokio::test]
async fn a_rule_is_made_changed_tried_and_deleted() {
    let console = Console::open().await;
    let form = "name=write&priority=100&reservoir=1&rate=50&service=*&type=*&host=*&method=POST\
                &path=%2Fproducts*&arn=*";
    let made = console.post("/sampling/rules", form).await;
    assert_eq!(
        (made.status.as_u16(), &made.headers["location"]),
        (303, &"/sampling?saved=write".parse().unwrap())
    );
    let tried = console.get("/sampling?method=POST&path=/products/1&service=a").await.body;
    assert!(tried.contains("<li class=\"hit\"><span class=\"step\">100</span><b>write</b>"));
    assert!(tried.contains("not asked"));
    let changed =
        console.post("/sampling/rules/write", &form.replace("rate=50", "rate=12.5")).await;
    assert_eq!(changed.status, 303);
    assert!(console.get("/sampling").await.body.contains("12.5%"));
    let wrong = console.post("/sampling/rules/write", &form.replace("rate=50", "rate=500")).await;
    assert_eq!(wrong.status, 422);
    assert!(wrong.body.contains("A rate is a number from 0 to 100."));
    assert_eq!(console.post("/sampling/rules/write/delete", "").await.status, 303);
    assert!(!console.get("/sampling").await.body.contains("<b>write</b>"));
    assert_eq!(console.post("/sampling/rules/Default/delete", "").await.status, 409);
}

#[tokio::test]
async fn clearing_empties_the_store_unless_it_is_read_only() {
    let console = Console::open().await;
    console.put(&[plain(1, 1.0)]).await;
    assert!(console.get("/daemon").await.body.contains("action=\"/daemon/clear\""));
    assert_eq!(console.post("/daemon/clear", "").await.status, 303);
    assert!(console.get("/").await.body.contains("Waiting for the first segment"));

    let fixed = Console::with(LocalConfig { read_only: true, ..LocalConfig::default() }).await;
    fixed.put(&[plain(1, 1.0)]).await;
    assert!(!fixed.get("/daemon").await.body.contains("/daemon/clear"));
    assert_eq!(fixed.post("/daemon/clear", "").await.status, 403);
    assert_eq!(fixed.post("/sampling/rules", "name=x").await.status, 403);
}

#[tokio::test]
async fn completions_know_the_services_and_annotations_of_the_store() {
    let console = Console::open().await;
    console.put(&shop(now_s() - 3.0)).await;
    let items = |text: &'static str| {
        let console = &console;
        async move {
            let text = text.replace(' ', "+").replace('"', "%22");
            let uri = format!("/complete?text={text}&at=99");
            let answer: serde_json::Value =
                serde_json::from_str(&console.get(&uri).await.body).unwrap();
            let items = answer["items"].as_array().unwrap().clone();
            let inserts = items.iter().map(|item| item["insert"].as_str().unwrap().to_owned());
            inserts.collect::<Vec<_>>()
        }
    };
    assert_eq!(
        items("service(\"Prod").await,
        ["\"Product-Catalog\"", "\"Product-Detail\"", "\"products@db\""]
    );
    assert_eq!(items("annotation.").await, ["injected", "product_id"]);
    assert_eq!(items("annotation.product_id = ").await, ["14"]);
}

#[tokio::test]
async fn the_page_to_sign_in_shows_nothing_else() {
    let config = LocalConfig { console_token: Some("s3cret".into()), ..LocalConfig::default() };
    let console = Console::with(config).await;
    let login = console.get("/login").await.body;
    assert!(login.contains("name=\"token\"") && !login.contains("s3cret"));
    assert!(!login.contains("href=\"/traces\""));
    assert!(console.get("/login?wrong").await.body.contains("That is not the token."));
    assert_eq!(Console::open().await.get("/login").await.status, 303);
}

#[tokio::test]
async fn choosing_a_language_or_theme_is_remembered() {
    let console = Console::open().await;
    let spanish = console.get("/sampling?lang=es").await;
    assert!(spanish.body.starts_with("<!doctype html>\n<html lang=\"es\""));
    let cookie = spanish.headers["set-cookie"].to_str().unwrap();
    assert!(cookie.starts_with("lang=es;"));
    let dark = console.get("/sampling?theme=dark").await.body;
    assert!(dark.contains("<html lang=\"en\" data-theme=\"dark\""));
    assert!(dark.contains("href=\"/sampling?theme=light\""));
}
