//! The shop's style sheets, script and icon, embedded in the binary.
//!
//! Each is served under a name with a fingerprint of its bytes, so a browser may keep it for good.

use axum::Router;
use axum::http::header;
use axum::response::IntoResponse;
use axum::routing::get;

/// A file of the shop.
#[derive(Debug)]
pub(crate) struct Asset {
    path: &'static str,
    content_type: &'static str,
    bytes: &'static [u8],
    fingerprint: u64,
}

macro_rules! asset {
    ($file:literal, $content_type:literal) => {
        Asset {
            path: concat!("/assets/", $file),
            content_type: $content_type,
            bytes: include_bytes!(concat!("assets/", $file)),
            fingerprint: fingerprint(include_bytes!(concat!("assets/", $file))),
        }
    };
}

static TOKENS: Asset = asset!("tokens.css", "text/css; charset=utf-8");
static BASE: Asset = asset!("base.css", "text/css; charset=utf-8");
static SHOP: Asset = asset!("shop.css", "text/css; charset=utf-8");
static SCRIPT: Asset = asset!("shop.js", "text/javascript; charset=utf-8");
static ICON: Asset = asset!("icon.svg", "image/svg+xml");
static ALL: [&Asset; 5] = [&TOKENS, &BASE, &SHOP, &SCRIPT, &ICON];

/// Where browsers look for an icon unasked.
const FAVICON: &str = "/favicon.ico";

/// The addresses that every page links.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AssetUrls {
    pub(crate) styles: [String; 3],
    pub(crate) script: String,
    pub(crate) icon: String,
}

impl AssetUrls {
    pub(crate) fn new() -> Self {
        Self {
            styles: [&TOKENS, &BASE, &SHOP].map(Asset::url),
            script: SCRIPT.url(),
            icon: ICON.url(),
        }
    }
}

impl Asset {
    fn url(&self) -> String {
        format!("{}?v={:x}", self.path, self.fingerprint)
    }
}

/// FNV-1a, 64 bits: tells one version of a file from the next, no more.
const fn fingerprint(bytes: &[u8]) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    let mut at = 0;
    while at < bytes.len() {
        hash = (hash ^ bytes[at] as u64).wrapping_mul(0x0000_0100_0000_01b3);
        at += 1;
    }
    hash
}

/// The paths that `routes` serves, which no segment is opened for.
pub(crate) fn paths() -> impl Iterator<Item = &'static str> {
    ALL.iter().map(|asset| asset.path).chain([FAVICON])
}

/// One route per file.
pub(crate) fn routes() -> Router {
    let serve = |asset: &'static Asset| {
        get(async move || {
            let headers = [
                (header::CONTENT_TYPE, asset.content_type),
                (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
            ];
            (headers, asset.bytes).into_response()
        })
    };
    ALL.iter()
        .fold(Router::new(), |router, asset| router.route(asset.path, serve(asset)))
        .route(FAVICON, serve(&ICON))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_changes_gets_another_address() {
        assert_ne!(fingerprint(b"a{}"), fingerprint(b"b{}"));
        let urls = AssetUrls::new();
        assert!(urls.script.starts_with("/assets/shop.js?v="), "{}", urls.script);
    }

    #[test]
    fn nothing_is_loaded_from_elsewhere() {
        for asset in ALL {
            let text = std::str::from_utf8(asset.bytes).unwrap();
            let outside = text.replace("http://www.w3.org/2000/svg", "");
            assert!(!outside.contains("://"), "{}", asset.path);
        }
    }
}
