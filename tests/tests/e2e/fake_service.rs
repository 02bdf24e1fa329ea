//! The fake X-Ray service, judged by a client that is not ours: boto3.

use e2e::fake_xray::{ACCESS_KEY, FakeXray, Fault, REGION, Refusal, SECRET_KEY};
use e2e::{Numbered, Python, Ran, require};
use serde_json::{Value, json};

async fn put(python: &Python, xray: &FakeXray, secret: &str, documents: &[&str]) -> Ran {
    let (endpoint, authority) = (xray.endpoint(), xray.authority_file());
    let args = [&[&endpoint, authority.to_str().unwrap()], documents].concat();
    let env = [
        ("AWS_ACCESS_KEY_ID", ACCESS_KEY),
        ("AWS_SECRET_ACCESS_KEY", secret),
        ("AWS_DEFAULT_REGION", REGION),
        ("AWS_MAX_ATTEMPTS", "3"),
    ];
    python.attempt("put_segments.py", &args, &env).await
}

#[tokio::test]
async fn boto3_is_understood_and_retries_what_failed() {
    let Some(python) = require(Python::with(&["boto3"])) else { return };
    let xray = FakeXray::start().await;
    xray.misbehave_for(1, &Fault::INTERNAL);
    xray.misbehave_for(1, &Fault::Reset);
    let documents = [Numbered::new().document(1), "{\"id\":\"ñ ☂ <&>\"}".to_owned()];
    let ran = put(&python, &xray, SECRET_KEY, &[&documents[0], &documents[1]]).await;
    assert_eq!(ran.stdout, "[]", "{}", ran.stderr);
    assert_eq!(xray.documents(), documents);
    let answers: Vec<_> = xray.calls().iter().map(|call| call.answered).collect();
    assert_eq!(answers, [Some(500), None, Some(200)]);
}

#[tokio::test]
async fn a_document_can_be_refused_and_the_rest_kept() {
    let Some(python) = require(Python::with(&["boto3"])) else { return };
    let xray = FakeXray::start().await;
    let code = "ThrottledException";
    xray.misbehave(Fault::Unprocessed { containing: "beta".to_owned(), code });
    let refused = r#"{"id":"00000000000000bb","name":"beta"}"#;
    let ran = put(&python, &xray, SECRET_KEY, &["alpha", refused]).await;
    let message = "Invalid segment. ErrorCode: ThrottledException";
    let expected = json!([{ "Id": "00000000000000bb", "ErrorCode": code, "Message": message }]);
    assert_eq!(serde_json::from_str::<Value>(&ran.stdout).unwrap(), expected);
    assert_eq!(xray.documents(), ["alpha"]);
}

#[tokio::test]
async fn a_wrong_secret_is_refused() {
    let Some(python) = require(Python::with(&["boto3"])) else { return };
    let xray = FakeXray::start().await;
    let stderr = put(&python, &xray, "wrong", &["{}"]).await.stderr;
    assert!(stderr.contains("InvalidSignatureException"), "{stderr}");
    let [call] = &xray.calls()[..] else { panic!("{} calls", xray.calls().len()) };
    assert!(matches!(call.signature, Err(Refusal::Mismatch { .. })), "{:?}", call.signature);
    assert_eq!(xray.document_count(), 0);
}
