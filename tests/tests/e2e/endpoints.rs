//! Where calls go: partitions, FIPS, dual stack, an endpoint of one's own, and through which proxy.
//! Uploads and sampling calls go the same way.

use std::fs;
use std::time::Duration;

use e2e::fake_xray::{ACCESS_KEY, FakeXray, SECRET_KEY};
use e2e::stand_ins::ConnectProxy;
use e2e::{Daemon, DaemonOptions, Numbered, wait_until};

const SOON: Duration = Duration::from_secs(30);

/// Keys, and trust in `xray`; no region and no endpoint.
fn options(xray: &FakeXray) -> DaemonOptions {
    DaemonOptions::new()
        .args(["--backend", "aws"])
        .env("SSL_CERT_FILE", xray.authority_file().to_string_lossy())
        .env("AWS_ACCESS_KEY_ID", ACCESS_KEY)
        .env("AWS_SECRET_ACCESS_KEY", SECRET_KEY)
}

/// Sends a document and a sampling call; returns the hosts that the two kinds of calls were made
/// to, by what stands in their `Host`.
async fn hosts(xray: &FakeXray, daemon: &Daemon) -> Vec<String> {
    daemon.send(Numbered::new().datagram(0));
    let url = format!("http://{}/GetSamplingRules", daemon.address());
    reqwest::Client::new().post(url).body("{}").send().await.unwrap();
    let came = |path: &'static str| async move {
        let calls = || async { xray.calls().into_iter().find(|call| call.path() == path) };
        wait_until(path, SOON, calls).await.header("host").to_owned()
    };
    vec![came("/TraceSegments").await, came("/GetSamplingRules").await]
}

async fn goes_to(region: &str, variables: &[(&str, &str)], host: &str) {
    let xray = FakeXray::start_as(&[host]).await;
    let proxy = ConnectProxy::leading_to(xray.address()).await;
    let mut options = options(&xray).args(["-n", region]).env("HTTPS_PROXY", proxy.url());
    for (name, value) in variables {
        options = options.env(*name, *value);
    }
    let daemon = options.start().await;
    assert_eq!(hosts(&xray, &daemon).await, [host, host], "{region}");
    let through = proxy.targets();
    assert!(through.iter().all(|target| *target == format!("{host}:443")), "{through:?}");
    let line = format!("HTTP Proxy server using X-Ray Endpoint : https://{host}");
    assert!(daemon.log().contains(&line), "{}", daemon.log());
}

#[tokio::test]
async fn the_commercial_regions_china_and_govcloud_have_their_hosts() {
    goes_to("eu-west-1", &[], "xray.eu-west-1.amazonaws.com").await;
    goes_to("cn-north-1", &[], "xray.cn-north-1.amazonaws.com.cn").await;
    goes_to("us-gov-west-1", &[], "xray.us-gov-west-1.amazonaws.com").await;
}

#[tokio::test]
async fn sovereign_partitions_have_theirs() {
    goes_to("eusc-de-east-1", &[], "xray.eusc-de-east-1.amazonaws.eu").await;
    goes_to("us-iso-east-1", &[], "xray.us-iso-east-1.c2s.ic.gov").await;
    goes_to("us-isof-south-1", &[], "xray.us-isof-south-1.csp.hci.ic.gov").await;
}

#[tokio::test]
async fn fips_and_dual_stack_are_asked_for_by_the_sdks_variables() {
    let fips = [("AWS_USE_FIPS_ENDPOINT", "true")];
    goes_to("us-east-1", &fips, "xray-fips.us-east-1.amazonaws.com").await;
    let dual_stack = [("AWS_USE_DUALSTACK_ENDPOINT", "true")];
    goes_to("us-east-1", &dual_stack, "xray.us-east-1.api.aws").await;
}

#[tokio::test]
async fn an_endpoint_in_the_file_takes_both_kinds_of_calls_below_its_path() {
    let xray = FakeXray::start().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("cfg.yaml");
    let endpoint = format!("{}/behind/a/gateway/", xray.endpoint());
    fs::write(&file, format!("Endpoint: {endpoint}\nRegion: eu-west-1\nVersion: 2\n")).unwrap();
    let daemon = options(&xray).args(["-c", &file.to_string_lossy()]).start().await;
    daemon.send(Numbered::new().datagram(0));
    let url = format!("http://{}/GetSamplingRules", daemon.address());
    reqwest::Client::new().post(url).body("{}").send().await.unwrap();
    for path in ["/behind/a/gateway/TraceSegments", "/behind/a/gateway/GetSamplingRules"] {
        let signed = || async { xray.calls_to(path).pop().map(|call| call.signature.is_ok()) };
        assert!(wait_until(path, SOON, signed).await, "{path}");
    }
}

#[tokio::test]
async fn a_bundle_of_certificates_is_believed_instead_of_the_systems() {
    let xray = FakeXray::start().await;
    let bundle = xray.authority_file();
    let daemon = DaemonOptions::uploading_to(&xray)
        .env("SSL_CERT_FILE", "/nowhere/none.pem")
        .env("AWS_CA_BUNDLE", bundle.to_string_lossy())
        .start()
        .await;
    daemon.send(Numbered::new().datagram(0));
    xray.wait_for_documents(1, SOON).await;
}

#[tokio::test]
async fn a_bundle_that_cannot_be_used_is_named_and_the_daemon_ends() {
    let xray = FakeXray::start().await;
    let ran = DaemonOptions::uploading_to(&xray)
        .args(["-b", "127.0.0.1:0", "-t", "127.0.0.1:0", "--admin", "127.0.0.1:0"])
        .env("AWS_CA_BUNDLE", "/nowhere/ours.pem")
        .run()
        .await;
    assert_eq!(ran.exit_code, Some(1), "{ran:?}");
    let text = format!("{}{}", ran.stdout, ran.stderr);
    assert!(text.contains("/nowhere/ours.pem") && text.contains("PEM"), "{text}");
}

#[tokio::test]
async fn hosts_in_no_proxy_are_reached_without_the_proxy() {
    let xray = FakeXray::start().await;
    let proxy = ConnectProxy::leading_to(xray.address()).await;
    let daemon = DaemonOptions::uploading_to(&xray)
        .env("HTTPS_PROXY", proxy.url())
        .env("NO_PROXY", "internal.example,localhost")
        .start()
        .await;
    daemon.send(Numbered::new().datagram(0));
    xray.wait_for_documents(1, SOON).await;
    assert_eq!(proxy.targets(), Vec::<String>::new());
}

#[tokio::test]
async fn the_flag_for_the_proxy_wins_over_the_variable() {
    let xray = FakeXray::start().await;
    let proxy = ConnectProxy::leading_to(xray.address()).await;
    let daemon = DaemonOptions::uploading_to(&xray)
        .args(["-p", &proxy.url()])
        .env("HTTPS_PROXY", format!("http://127.0.0.1:{}", e2e::free_port()))
        .start()
        .await;
    daemon.send(Numbered::new().datagram(0));
    xray.wait_for_documents(1, SOON).await;
    let expected = format!("localhost:{}", xray.address().port());
    assert!(proxy.targets().contains(&expected), "{:?}", proxy.targets());
}

#[tokio::test]
async fn a_role_is_asked_for_at_the_sts_of_the_region_through_the_proxy() {
    let sts = "sts.cn-north-1.amazonaws.com.cn";
    let xray = FakeXray::start_as(&[sts]).await;
    let proxy = ConnectProxy::leading_to(xray.address()).await;
    let daemon = options(&xray)
        .args(["-n", "cn-north-1", "-r", "arn:aws-cn:iam::111122223333:role/x"])
        .env("HTTPS_PROXY", proxy.url())
        .launch();
    let expected = format!("{sts}:443");
    let asked = || async { proxy.targets().contains(&expected).then_some(()) };
    wait_until("a connection to STS", SOON, asked).await;
    let calls = xray.calls();
    assert!(calls.iter().all(|call| call.header("host") == sts), "{calls:?}");
    drop(daemon);
}

#[tokio::test]
async fn no_verify_ssl_believes_whoever_answers() {
    let xray = FakeXray::start().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("cfg.yaml");
    fs::write(&file, "NoVerifySSL: true\nVersion: 2\n").unwrap();
    let daemon = DaemonOptions::uploading_to(&xray)
        .args(["-c", &file.to_string_lossy()])
        .env("SSL_CERT_FILE", "/nowhere/none.pem")
        .start()
        .await;
    daemon.send(Numbered::new().datagram(0));
    xray.wait_for_documents(1, SOON).await;
    assert!(daemon.log().contains("NoVerifySSL is set"), "{}", daemon.log());
}
