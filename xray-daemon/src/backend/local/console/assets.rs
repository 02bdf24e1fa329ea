//! Static files, compiled in.
//!
//! In: a name below `/static/`. Out: the file with its type, or 304 for who has it already. Owns
//! the bytes. A file's tag is a hash of its content, so that a new daemon's files replace the old.

use std::hash::{DefaultHasher, Hash, Hasher};

use axum::extract::Path;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};

const CSS: &str = "text/css; charset=utf-8";
const JS: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";

/// A file of ours.
struct Asset {
    name: &'static str,
    content_type: &'static str,
    bytes: &'static [u8],
}

macro_rules! asset {
    ($name:literal, $content_type:expr) => {
        Asset {
            name: $name,
            content_type: $content_type,
            bytes: include_bytes!(concat!("static/", $name)),
        }
    };
}

const ASSETS: &[Asset] = &[
    asset!("tokens.css", CSS),
    asset!("base.css", CSS),
    asset!("console.css", CSS),
    asset!("icon.svg", SVG),
    asset!("console.js", JS),
    asset!("brush.js", JS),
    asset!("controls.js", JS),
    asset!("dom.js", JS),
    asset!("keys.js", JS),
    asset!("live.js", JS),
    asset!("map.js", JS),
    asset!("query.js", JS),
    asset!("rules.js", JS),
    asset!("tabs.js", JS),
    asset!("tree.js", JS),
];

/// `GET /static/{name}`.
pub(crate) async fn asset(Path(name): Path<String>, headers: HeaderMap) -> Response {
    let Some(asset) = ASSETS.iter().find(|asset| asset.name == name) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let tag = tag(asset.bytes);
    let known = headers.get(IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == tag.as_bytes());
    let about = [(CACHE_CONTROL, "no-cache".to_owned()), (ETAG, tag)];
    if known {
        return (StatusCode::NOT_MODIFIED, about).into_response();
    }
    (about, [(CONTENT_TYPE, asset.content_type)], asset.bytes).into_response()
}

fn tag(bytes: &[u8]) -> String {
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    format!("\"{:016x}\"", hasher.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn get(name: &str, known: Option<&str>) -> Response {
        let mut headers = HeaderMap::new();
        if let Some(known) = known {
            headers.insert(IF_NONE_MATCH, known.parse().unwrap());
        }
        asset(Path(name.to_owned()), headers).await
    }

    #[tokio::test]
    async fn a_file_is_sent_once_and_then_known() {
        let first = get("tokens.css", None).await;
        assert_eq!(first.status(), 200);
        assert_eq!(first.headers()["content-type"], CSS);
        let tag = first.headers()["etag"].to_str().unwrap().to_owned();
        assert_eq!(get("tokens.css", Some(&tag)).await.status(), 304);
        assert_eq!(get("tokens.css", Some("\"old\"")).await.status(), 200);
    }

    #[tokio::test]
    async fn only_our_own_files_are_served() {
        assert_eq!(get("../mod.rs", None).await.status(), 404);
        assert_eq!(get("", None).await.status(), 404);
    }

    #[test]
    fn no_file_loads_anything_from_elsewhere() {
        for asset in ASSETS {
            let text = std::str::from_utf8(asset.bytes).unwrap();
            let text = text.replace("http://www.w3.org/", "");
            assert!(!text.contains("http://") && !text.contains("https://"), "{}", asset.name);
        }
    }
}
