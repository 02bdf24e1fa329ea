//! Our request beside the SDK's, header by header.
//!
//! In: the same documents, identity and time. Out: nothing; what differs is named here and only
//! here.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_smithy_runtime_api::client::identity::Identity;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request};

use super::backend::{PATH, headers};
use super::service::XRay;
use super::{body, sdk};
use crate::config::AwsSettings;
use crate::counters::BackendCounters;
use crate::segment::Segment;

/// What the SDK sends for book-keeping of its own retries and features.
const SDK_ONLY: [&str; 3] = ["amz-sdk-invocation-id", "amz-sdk-request", "x-amz-user-agent"];
/// What differs from call to call, or by design.
const COMPARED_APART: [&str; 4] = ["authorization", "user-agent", "x-amz-date", "content-length"];

#[tokio::test]
async fn our_request_is_the_sdks_but_for_what_is_listed() {
    let config = aws_config::SdkConfig::builder()
        .behavior_version(aws_config::BehaviorVersion::latest())
        .region(aws_config::Region::new("eu-west-1"))
        .build();
    let theirs = sdk::sample_request(&config).await.unwrap();
    let service = service().await;
    let batch = [Segment::new("{}".into(), None)];
    let identity = Identity::from(Credentials::new("none", "none", None, None, "none"));
    let now = SystemTime::now();
    let ours = service.signed(request(HeaderMap::new(), &batch), &identity, now).unwrap();

    assert_eq!(ours.method().as_str(), theirs.method());
    assert_eq!(ours.uri().to_string(), theirs.uri());
    assert_eq!(&ours.body()[..], theirs.body().bytes().unwrap());
    let ours: BTreeMap<_, _> = ours
        .headers()
        .iter()
        .map(|(name, value)| (name.as_str(), value.to_str().unwrap()))
        .collect();
    let theirs: BTreeMap<_, _> = theirs.headers().iter().collect();
    for (name, value) in &theirs {
        if !SDK_ONLY.contains(name) && !COMPARED_APART.contains(name) {
            assert_eq!(ours.get(name), Some(value), "{name}");
        }
    }
    for name in ours.keys() {
        assert!(theirs.contains_key(name), "{name} is not in the SDK's request");
    }
    assert!(ours["user-agent"].starts_with(theirs["user-agent"]), "{}", ours["user-agent"]);
    let scope = |request: &BTreeMap<&str, &str>| {
        let authorization = request["authorization"].split(',').next().unwrap().to_owned();
        (authorization, request["x-amz-date"].len())
    };
    assert_eq!(scope(&ours), scope(&theirs));
}

#[tokio::test]
async fn calls_carry_what_the_reference_adds() {
    let service = service().await;
    let session = Credentials::new("AKID", "secret", Some("token".into()), None, "test");
    let now = SystemTime::UNIX_EPOCH + std::time::Duration::new(1_732_414_637, 5);
    let request = request(headers(now), &[]);
    let request = service.signed(request, &Identity::from(session), now).unwrap();
    let header = |name: &str| request.headers()[name].to_str().unwrap();
    assert_eq!(header("x-amzn-xray-timestamp"), "1732414637.000000005");
    assert_eq!(header("x-amz-date"), "20241124T021717Z");
    assert_eq!(header("x-amz-security-token"), "token");
    let agent = format!(" xray-agent/xray-daemon/{} exec-env/", env!("CARGO_PKG_VERSION"));
    assert!(header("user-agent").contains(&agent), "{}", header("user-agent"));
    let authorization = header("authorization");
    assert!(
        authorization.contains(
            "SignedHeaders=content-type;host;x-amz-date;x-amz-security-token;x-amzn-xray-timestamp,"
        ),
        "{authorization}"
    );
    assert!(authorization.contains("Credential=AKID/20241124/eu-west-1/xray/aws4_request,"));
}

/// What a call gives to be signed.
fn request(mut headers: HeaderMap, batch: &[Segment]) -> Request<Bytes> {
    headers.insert("content-type", HeaderValue::from_static("application/json"));
    let mut request = Request::post(PATH).body(body::write(batch)).unwrap();
    *request.headers_mut() = headers;
    request
}

async fn service() -> XRay {
    let settings = AwsSettings {
        region: Some("eu-west-1".into()),
        // No certificate is looked at here.
        no_verify_ssl: true,
        ..AwsSettings::default()
    };
    XRay::open(&settings, Arc::new(BackendCounters::new("aws"))).await.unwrap()
}
