//! Checks a Signature Version 4, from the rules of the AWS General Reference.
//!
//! In: method, target, headers and body as received. Out: who signed for what, or the reason why
//! the service would refuse the call. Written apart from the library that makes signatures.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_lc_rs::{digest, hmac};
use http::{HeaderMap, Method};

use super::{ACCESS_KEY, REGION, SECRET_KEY};

/// How far the date of a call may be from the clock.
const MAX_SKEW: Duration = Duration::from_secs(5 * 60);

/// What a valid signature says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    /// The region signed for.
    pub region: String,
    /// Names of the headers signed, in order, lower case.
    pub signed_headers: Vec<String>,
}

/// Why a signature does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// There is none, or it has not the form.
    Missing(String),
    /// It is for another key, region or service.
    Scope(String),
    /// It is too old, or from the future.
    Skewed,
    /// A header that must be signed is not.
    Unsigned(String),
    /// It was computed over something else; what we computed it over.
    Mismatch {
        /// The canonical request of what arrived.
        canonical_request: String,
    },
}

impl Refusal {
    /// Name of the service's error.
    pub(super) fn code(&self) -> &'static str {
        match self {
            Self::Missing(_) => "MissingAuthenticationTokenException",
            Self::Scope(_) => "UnrecognizedClientException",
            Self::Skewed | Self::Unsigned(_) | Self::Mismatch { .. } => "InvalidSignatureException",
        }
    }
}

/// Checks the signature of a call received at `now`.
pub(crate) fn verify(
    method: &Method,
    target: &str,
    headers: &HeaderMap,
    body: &[u8],
    now: SystemTime,
) -> Result<Signature, Refusal> {
    let authorization = Authorization::parse(headers)?;
    let date = text(headers, "x-amz-date");
    let signed_at = epoch(&date).ok_or_else(|| Refusal::Missing(format!("x-amz-date {date:?}")))?;
    let skew = now.duration_since(signed_at).unwrap_or_else(|err| err.duration());
    if skew > MAX_SKEW {
        return Err(Refusal::Skewed);
    }
    authorization.check_scope(&date)?;
    check_signed(headers, &authorization.signed_headers)?;

    let canonical_request =
        canonical_request(method, target, headers, &authorization.signed_headers, body);
    let to_sign = format!(
        "AWS4-HMAC-SHA256\n{date}\n{}\n{}",
        authorization.scope.join("/"),
        sha256_hex(canonical_request.as_bytes()),
    );
    if hex::encode(mac(&signing_key(&authorization.scope), &to_sign)) != authorization.signature {
        return Err(Refusal::Mismatch { canonical_request });
    }
    let [_, region, ..] = authorization.scope;
    Ok(Signature { region, signed_headers: authorization.signed_headers })
}

/// The `Authorization` header, taken apart.
struct Authorization {
    access_key: String,
    /// Date, region, service, `aws4_request`.
    scope: [String; 4],
    signed_headers: Vec<String>,
    signature: String,
}

impl Authorization {
    fn parse(headers: &HeaderMap) -> Result<Self, Refusal> {
        let value = text(headers, "authorization");
        let missing = || Refusal::Missing(format!("authorization {value:?}"));
        let fields = value.strip_prefix("AWS4-HMAC-SHA256 ").ok_or_else(missing)?;
        let field = |name: &str| {
            let mut fields = fields.split(',').map(str::trim);
            fields.find_map(|field| field.strip_prefix(name)?.strip_prefix('='))
        };
        let mut credential = field("Credential").ok_or_else(missing)?.split('/').map(str::to_owned);
        let access_key = credential.next().ok_or_else(missing)?;
        let scope: Vec<_> = credential.collect();
        Ok(Self {
            access_key,
            scope: scope.try_into().map_err(|_| missing())?,
            signed_headers: field("SignedHeaders")
                .ok_or_else(missing)?
                .split(';')
                .map(str::to_owned)
                .collect(),
            signature: field("Signature").ok_or_else(missing)?.to_owned(),
        })
    }

    fn check_scope(&self, date: &str) -> Result<(), Refusal> {
        let [day, region, service, end] = &self.scope;
        let right = self.access_key == ACCESS_KEY
            && date.starts_with(day.as_str())
            && region == REGION
            && service == "xray"
            && end == "aws4_request";
        let scope = || format!("{}/{}", self.access_key, self.scope.join("/"));
        if right { Ok(()) } else { Err(Refusal::Scope(scope())) }
    }
}

/// Host, and every `x-amz-` header that came, must be signed; names sorted.
fn check_signed(headers: &HeaderMap, signed: &[String]) -> Result<(), Refusal> {
    let must = headers.keys().map(http::HeaderName::as_str);
    let must = must.filter(|name| *name == "host" || name.starts_with("x-amz-"));
    for name in must {
        if !signed.iter().any(|signed| signed == name) {
            return Err(Refusal::Unsigned(name.to_owned()));
        }
    }
    if !signed.is_sorted() || !signed.iter().any(|name| name == "host") {
        return Err(Refusal::Unsigned(format!("host, in sorted names, not {signed:?}")));
    }
    Ok(())
}

fn canonical_request(
    method: &Method,
    target: &str,
    headers: &HeaderMap,
    signed: &[String],
    body: &[u8],
) -> String {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let mut query: Vec<_> = query.split('&').filter(|pair| !pair.is_empty()).collect();
    query.sort_unstable();
    let mut canonical = format!("{method}\n{}\n{}\n", path.replace('%', "%25"), query.join("&"));
    for name in signed {
        let values: Vec<_> = headers.get_all(name).iter().collect();
        let values: Vec<_> = values.iter().map(|value| squeezed(value.as_bytes())).collect();
        canonical.push_str(&format!("{name}:{}\n", values.join(",")));
    }
    canonical.push_str(&format!("\n{}\n{}", signed.join(";"), sha256_hex(body)));
    canonical
}

/// A header value without blanks around it and with single ones inside.
fn squeezed(value: &[u8]) -> String {
    String::from_utf8_lossy(value).split_whitespace().collect::<Vec<_>>().join(" ")
}

fn signing_key(scope: &[String; 4]) -> Vec<u8> {
    let first = format!("AWS4{SECRET_KEY}").into_bytes();
    scope.iter().fold(first, |key, part| mac(&key, part))
}

fn mac(key: &[u8], text: &str) -> Vec<u8> {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key);
    hmac::sign(&key, text.as_bytes()).as_ref().to_vec()
}

fn sha256_hex(bytes: &[u8]) -> String {
    hex::encode(digest::digest(&digest::SHA256, bytes))
}

fn text(headers: &HeaderMap, name: &str) -> String {
    let value = headers.get(name).and_then(|value| value.to_str().ok());
    value.unwrap_or_default().to_owned()
}

/// The moment that `20261124T103000Z` names.
fn epoch(date: &str) -> Option<SystemTime> {
    let form = date.len() == 16 && date.get(8..9) == Some("T") && date.ends_with('Z');
    let number = |from: usize, to: usize| date.get(from..to)?.parse::<u64>().ok();
    let (year, month, day) = (number(0, 4)?, number(4, 6)?, number(6, 8)?);
    let (hour, minute, second) = (number(9, 11)?, number(11, 13)?, number(13, 15)?);
    if !form || year < 1970 || !(1..=12).contains(&month) || day == 0 {
        return None;
    }
    // Days since 0000-03-01: with the year begun in March the leap day comes last.
    let (years, months) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let leaps = years / 4 - years / 100 + years / 400;
    let days = years * 365 + leaps + (months * 153 + 2) / 5 + day - 1;
    let days = days.checked_sub(719_468)?;
    Some(UNIX_EPOCH + Duration::from_secs(days * 86_400 + hour * 3600 + minute * 60 + second))
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use aws_credential_types::Credentials;
    use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
    use aws_sigv4::sign::v4;

    use super::*;

    const BODY: &[u8] = br#"{"TraceSegmentDocuments":["{}"]}"#;

    /// A request as the AWS libraries sign it.
    fn signed(region: &str, secret: &str, at: SystemTime) -> HeaderMap {
        let identity = Credentials::new(ACCESS_KEY, secret, Some("token".into()), None, "t").into();
        let params = v4::SigningParams::builder()
            .identity(&identity)
            .region(region)
            .name("xray")
            .time(at)
            .settings(SigningSettings::default())
            .build()
            .unwrap();
        let sent = [("host", "localhost:1"), ("content-type", "application/json")];
        let uri = "https://localhost:1/TraceSegments";
        let request =
            SignableRequest::new("POST", uri, sent.into_iter(), SignableBody::Bytes(BODY)).unwrap();
        let (signature, _) = sign(request, &params.into()).unwrap().into_parts();
        let mut request = http::Request::post(uri).body(()).unwrap();
        for (name, value) in sent {
            request.headers_mut().insert(name, value.parse().unwrap());
        }
        signature.apply_to_request_http1x(&mut request);
        request.headers().clone()
    }

    fn check(headers: &HeaderMap, body: &[u8], now: SystemTime) -> Result<Signature, Refusal> {
        verify(&Method::POST, "/TraceSegments", headers, body, now)
    }

    #[test]
    fn what_the_aws_libraries_sign_is_valid() {
        let now = SystemTime::now();
        let signature = check(&signed(REGION, SECRET_KEY, now), BODY, now).unwrap();
        assert_eq!(signature.region, REGION);
        let names = ["content-type", "host", "x-amz-date", "x-amz-security-token"];
        assert_eq!(signature.signed_headers, names);
    }

    #[test]
    fn a_changed_body_or_header_or_another_secret_is_a_mismatch() {
        let now = SystemTime::now();
        let headers = signed(REGION, SECRET_KEY, now);
        let mismatch = |result| matches!(result, Err(Refusal::Mismatch { .. }));
        assert!(mismatch(check(&headers, b"{}", now)));
        assert!(mismatch(check(&signed(REGION, "other", now), BODY, now)));
        let mut changed = headers;
        changed.insert("content-type", "text/plain".parse().unwrap());
        assert!(mismatch(check(&changed, BODY, now)));
    }

    #[test]
    fn another_region_is_out_of_scope_and_ten_minutes_are_too_many() {
        let now = SystemTime::now();
        let elsewhere = check(&signed("us-east-1", SECRET_KEY, now), BODY, now);
        assert!(matches!(elsewhere, Err(Refusal::Scope(_))));
        let late = now + Duration::from_secs(600);
        assert_eq!(check(&signed(REGION, SECRET_KEY, now), BODY, late), Err(Refusal::Skewed));
    }

    #[test]
    fn an_amz_header_must_be_signed() {
        let now = SystemTime::now();
        let mut headers = signed(REGION, SECRET_KEY, now);
        headers.insert("x-amz-meta", "added on the way".parse().unwrap());
        let refused = Err(Refusal::Unsigned("x-amz-meta".to_owned()));
        assert_eq!(check(&headers, BODY, now), refused);
    }

    #[test]
    fn dates_are_read_across_leap_days() {
        let second = |date| epoch(date).unwrap().duration_since(UNIX_EPOCH).unwrap().as_secs();
        assert_eq!(second("19700101T000000Z"), 0);
        assert_eq!(second("20240229T235959Z"), 1_709_251_199);
        assert_eq!(second("20240301T000000Z"), 1_709_251_200);
        assert_eq!(epoch("2024-03-01T00:00"), None);
    }
}
