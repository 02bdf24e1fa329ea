//! Checks the SigV4 signature of an API call, so that AWS CLI, boto3 and Grafana work unchanged:
//! access key `local`, the console's token as secret, any region.
//!
//! In: a request with its body. Out: whether whoever sent it knows the token. Rule: AWS general
//! reference, "Create a signed AWS API request".

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use sha2::{Digest, Sha256};

use super::hmac::{hex, hmac_sha256, is_equal};
use crate::backend::local::api::{ApiError, MAX_BODY_BYTES};

/// The access key that calls are signed with.
const ACCESS_KEY: &str = "local";
const ALGORITHM: &str = "AWS4-HMAC-SHA256";
/// How far the clocks may differ, as AWS allows.
const MAX_SKEW_S: i64 = 15 * 60;

/// The secret, if calls must be signed with it.
#[derive(Clone, Debug)]
pub(super) struct Secret(pub(super) Option<Arc<str>>);

/// Passes calls on that are signed with the secret; all of them where there is none.
pub(super) async fn check(State(secret): State<Secret>, request: Request, next: Next) -> Response {
    let Some(secret) = secret.0 else { return next.run(request).await };
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, MAX_BODY_BYTES).await else {
        return ApiError::TooLarge { most_bytes: MAX_BODY_BYTES }.into_response();
    };
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    match verify(&parts, &body, &secret, now.as_secs().cast_signed()) {
        Ok(()) => next.run(Request::from_parts(parts, Body::from(body))).await,
        Err(why) => ApiError::AccessDenied(format!(
            "{why}; sign calls with access key local and the --console-token as secret key"
        ))
        .into_response(),
    }
}

/// What `Authorization` says.
struct Authorization<'a> {
    /// `20261124/eu-west-1/xray/aws4_request`
    scope: &'a str,
    signed_headers: &'a str,
    signature: &'a str,
}

impl<'a> Authorization<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let members = text.strip_prefix(ALGORITHM)?;
        let member = |name: &str| {
            members.split(',').find_map(|part| part.trim().strip_prefix(name)?.strip_prefix('='))
        };
        let (access_key, scope) = member("Credential")?.split_once('/')?;
        let signed_headers = member("SignedHeaders")?;
        (access_key == ACCESS_KEY).then_some(())?;
        Some(Self { scope, signed_headers, signature: member("Signature")? })
    }
}

fn verify(parts: &Parts, body: &Bytes, secret: &str, now_s: i64) -> Result<(), &'static str> {
    let header = |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok());
    let authorization = header("authorization")
        .and_then(Authorization::parse)
        .ok_or("The call is not signed by SigV4")?;
    let date = header("x-amz-date").ok_or("The call has no X-Amz-Date")?;
    let signed_s = epoch_s(date).ok_or("X-Amz-Date is no date")?;
    if now_s.abs_diff(signed_s) > MAX_SKEW_S.unsigned_abs() {
        return Err("The signature has expired, or the clocks differ");
    }
    let mut scope = authorization.scope.split('/');
    let (day, region, service, end) = (scope.next(), scope.next(), scope.next(), scope.next());
    let (Some(day), Some(region), Some(service), Some("aws4_request")) =
        (day, region, service, end)
    else {
        return Err("The credential has no scope");
    };
    if !date.starts_with(day) {
        return Err("The credential is of another day");
    }
    let names: Vec<_> = authorization.signed_headers.split(';').collect();
    if !names.contains(&"host") {
        return Err("The host is not signed");
    }
    let canonical = canonical_request(parts, body, &names, authorization.signed_headers);
    let to_sign = format!(
        "{ALGORITHM}\n{date}\n{}\n{}",
        authorization.scope,
        hex(&Sha256::digest(canonical.as_bytes()))
    );
    let key = [day, region, service, "aws4_request"]
        .iter()
        .fold(format!("AWS4{secret}").into_bytes(), |key, part| {
            hmac_sha256(&key, part.as_bytes()).to_vec()
        });
    let expected = hex(&hmac_sha256(&key, to_sign.as_bytes()));
    if is_equal(expected.as_bytes(), authorization.signature.as_bytes()) {
        Ok(())
    } else {
        Err("The signature does not match")
    }
}

fn canonical_request(parts: &Parts, body: &Bytes, names: &[&str], signed: &str) -> String {
    let mut text = format!("{}\n{}\n", parts.method, parts.uri.path());
    let mut query: Vec<_> = parts.uri.query().unwrap_or_default().split('&').collect();
    query.sort_unstable();
    text.push_str(&query.join("&"));
    text.push('\n');
    for name in names {
        let values = parts.headers.get_all(*name).iter();
        let values: Vec<_> = values
            .filter_map(|value| value.to_str().ok())
            .map(|value| value.split_whitespace().collect::<Vec<_>>().join(" "))
            .collect();
        text.push_str(&format!("{name}:{}\n", values.join(",")));
    }
    text.push_str(&format!("\n{signed}\n{}", hex(&Sha256::digest(body))));
    text
}

/// Reads `20261124T101500Z`.
fn epoch_s(date: &str) -> Option<i64> {
    let date = date.strip_suffix('Z').filter(|date| date.len() == 15 && date.is_ascii())?;
    let number = |from: usize, to: usize| date.get(from..to)?.parse::<i64>().ok();
    let (year, month, day) = (number(0, 4)?, number(4, 6)?, number(6, 8)?);
    let (hour, minute, second) = (number(9, 11)?, number(11, 13)?, number(13, 15)?);
    // Days from the civil date: the year begins in March, so that leap days come last.
    let shifted = if month <= 2 { year - 1 } else { year };
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let days = shifted * 365 + shifted.div_euclid(4) - shifted.div_euclid(100)
        + shifted.div_euclid(400)
        + day_of_year
        - 719_468;
    Some(((days * 24 + hour) * 60 + minute) * 60 + second)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Signed by botocore 1.43 with access key `local`, secret `s3cret`, region eu-west-1, at
    /// 2026-11-24 10:15:00 UTC.
    const SIGNED_AT_S: i64 = 1_795_515_300;
    const SIGNATURE: &str = "573e5a1ce51aa3215936419283098320389ef123ff93649d7a5ead1638c910ce";

    fn parts(signature: &str) -> Parts {
        let authorization = format!(
            "AWS4-HMAC-SHA256 Credential=local/20261124/eu-west-1/xray/aws4_request, \
             SignedHeaders=content-type;host;x-amz-date, Signature={signature}"
        );
        let request = Request::post("http://127.0.0.1:2002/TraceSummaries")
            .header("host", "127.0.0.1:2002")
            .header("content-type", "application/json")
            .header("x-amz-date", "20261124T101500Z")
            .header("authorization", authorization);
        request.body(()).unwrap().into_parts().0
    }

    const BODY: &[u8] = br#"{"StartTime": 1, "EndTime": 2}"#;

    #[test]
    fn a_call_signed_by_an_sdk_passes() {
        let verified =
            verify(&parts(SIGNATURE), &Bytes::from_static(BODY), "s3cret", SIGNED_AT_S + 60);
        assert_eq!(verified, Ok(()));
    }

    #[test]
    fn another_secret_body_or_time_does_not() {
        let verify = |body: &'static [u8], secret, now_s| {
            verify(&parts(SIGNATURE), &Bytes::from_static(body), secret, now_s)
        };
        let differs = Err("The signature does not match");
        assert_eq!(verify(BODY, "other", SIGNED_AT_S), differs);
        assert_eq!(verify(b"{}", "s3cret", SIGNED_AT_S), differs);
        let expired = Err("The signature has expired, or the clocks differ");
        assert_eq!(verify(BODY, "s3cret", SIGNED_AT_S + 901), expired);
        assert_eq!(verify(BODY, "s3cret", SIGNED_AT_S - 901), expired);
    }

    #[test]
    fn unsigned_and_odd_calls_are_told_apart() {
        let (mut parts, _) = Request::post("/").body(()).unwrap().into_parts();
        let body = Bytes::new();
        assert_eq!(verify(&parts, &body, "s", 0), Err("The call is not signed by SigV4"));
        for text in ["", "Bearer x", "AWS4-HMAC-SHA256 Credential=AKIA/1/2/3/4", ALGORITHM] {
            parts.headers.insert("authorization", text.parse().unwrap());
            assert!(verify(&parts, &body, "s", 0).is_err(), "{text}");
        }
    }

    #[test]
    fn dates_are_read() {
        assert_eq!(epoch_s("19700101T000000Z"), Some(0));
        assert_eq!(epoch_s("20000229T235959Z"), Some(951_868_799));
        assert_eq!(epoch_s("20261124T101500Z"), Some(SIGNED_AT_S));
        for text in ["", "2026-11-24T10:15Z", "20261124T101500", "ü0261124T10150Z"] {
            assert_eq!(epoch_s(text), None, "{text}");
        }
    }
}
