//! Where credentials come from, each place by a stand-in of its endpoint. X-Ray knows one key: a
//! document that arrives there was signed with what the stand-in gave out.

use std::fs;
use std::path::Path;
use std::time::Duration;

use e2e::fake_xray::{ACCESS_KEY, FakeXray, REGION, SECRET_KEY};
use e2e::stand_ins::{
    ContainerEndpoint, Expiry, INSTANCE_HOSTNAME, INSTANCE_ID, SESSION_TOKEN, SsoHome, imds, sso,
    sts,
};
use e2e::{Daemon, DaemonOptions, Numbered, Signal, wait_until};

const SOON: Duration = Duration::from_secs(30);
const HOUR: Expiry = Expiry(Duration::from_secs(3600));
const ROLE: &str = "arn:aws:iam::111122223333:role/tracer";

/// Sends a document, waits until it arrives, and returns the log.
async fn arrives(xray: &FakeXray, daemon: &Daemon) -> String {
    let before = xray.document_count();
    daemon.send(Numbered::new().datagram(before as u64));
    xray.wait_for_documents(before + 1, SOON).await;
    daemon.log()
}

/// The token that the last upload bore.
fn session_token(xray: &FakeXray) -> String {
    let call = xray.calls_to("/TraceSegments").pop().unwrap();
    call.header("x-amz-security-token").to_owned()
}

fn assert_start_line(log: &str, credentials: &str) {
    let line = log.lines().find(|line| line.contains("Started: region "));
    let line = line.unwrap_or_else(|| panic!("no start line in\n{log}"));
    assert!(line.contains(&format!(", {credentials}, buffer ")), "{line}");
}

#[tokio::test]
async fn keys_in_the_environment_need_nothing_else_and_the_metadata_service_is_left_alone() {
    let xray = FakeXray::start().await;
    let imds = imds().await;
    let options = DaemonOptions::uploading_to(&xray)
        .env("AWS_EC2_METADATA_DISABLED", "false")
        .env("AWS_EC2_METADATA_SERVICE_ENDPOINT", imds.url());
    let mut daemon = options.start().await;
    let log = arrives(&xray, &daemon).await;
    let endpoint = xray.endpoint();
    let line = log.lines().find(|line| line.contains("Started: ")).unwrap();
    assert!(
        line.contains(&format!(
            "Started: region {REGION} (--region or configuration file), credentials from \
             environment, buffer "
        )),
        "{line}"
    );
    assert!(line.ends_with(&format!("MB, segments go to aws ({endpoint})")), "{line}");
    // Telemetry leaves at the end, and would like to know the machine's name.
    daemon.end(Signal::TERM, SOON).await;
    assert_eq!(xray.calls_to("/TelemetryRecords").len(), 1);
    assert_eq!(imds.asked().len(), 0, "{:?}", imds.asked());
}

#[tokio::test]
async fn the_region_of_the_environment_is_named_as_such_and_the_file_wins_over_it() {
    let xray = FakeXray::start().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("cfg.yaml");
    fs::write(&file, format!("Region: {REGION}\nVersion: 2\n")).unwrap();
    let keys = |options: DaemonOptions| {
        options
            .args(["--backend", "aws"])
            .env("AWS_ENDPOINT_URL_XRAY", xray.endpoint())
            .env("SSL_CERT_FILE", xray.authority_file().to_string_lossy())
            .env("AWS_ACCESS_KEY_ID", ACCESS_KEY)
            .env("AWS_SECRET_ACCESS_KEY", SECRET_KEY)
    };
    let daemon = keys(DaemonOptions::new()).env("AWS_REGION", REGION).start().await;
    let log = arrives(&xray, &daemon).await;
    assert!(log.contains(&format!("Started: region {REGION} (AWS_REGION), ")), "{log}");
    drop(daemon);
    let options = keys(DaemonOptions::new()).env("AWS_REGION", "us-east-1");
    let daemon = options.args(["-c", &file.to_string_lossy()]).start().await;
    let log = arrives(&xray, &daemon).await;
    assert!(log.contains(&format!("Using region: {REGION}\n")), "{log}");
}

#[tokio::test]
async fn a_task_of_ecs_knows_its_region_by_the_metadata_file() {
    let xray = FakeXray::start().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("metadata.json");
    let arn = format!("arn:aws:ecs:{REGION}:111122223333:task/default/1");
    fs::write(&file, format!(r#"{{"Cluster":"default","TaskARN":"{arn}"}}"#)).unwrap();
    let options = DaemonOptions::new()
        .args(["--backend", "aws"])
        .env("AWS_ENDPOINT_URL_XRAY", xray.endpoint())
        .env("SSL_CERT_FILE", xray.authority_file().to_string_lossy())
        .env("AWS_ACCESS_KEY_ID", ACCESS_KEY)
        .env("AWS_SECRET_ACCESS_KEY", SECRET_KEY)
        .env("ECS_ENABLE_CONTAINER_METADATA", "true")
        .env("ECS_CONTAINER_METADATA_FILE", file.to_string_lossy());
    let daemon = options.start().await;
    let log = arrives(&xray, &daemon).await;
    assert!(log.contains(&format!("Started: region {REGION} (ECS metadata file), ")), "{log}");
}

#[tokio::test]
async fn without_any_region_it_ends_with_the_words_of_the_reference() {
    let ran = DaemonOptions::new().args(["-t", "127.0.0.1:0", "-b", "127.0.0.1:0"]).run().await;
    assert_eq!(ran.exit_code, Some(1), "{ran:?}");
    let words = "Cannot fetch region variable from config file, environment variables, ecs \
                 metadata, or ec2 metadata. Use local-mode to use the local config region.";
    assert!(format!("{}{}", ran.stdout, ran.stderr).contains(words), "{ran:?}");
}

fn write_profile(home: &Path, secret: &str) {
    fs::create_dir_all(home.join(".aws")).unwrap();
    let keys =
        format!("[default]\naws_access_key_id = {ACCESS_KEY}\naws_secret_access_key = {secret}\n");
    fs::write(home.join(".aws/credentials"), keys).unwrap();
}

#[tokio::test]
async fn a_profile_whose_keys_are_replaced_is_read_again() {
    let xray = FakeXray::start().await;
    let home = tempfile::tempdir().unwrap();
    write_profile(home.path(), "an old secret");
    let options = DaemonOptions::without_key(&xray).env("HOME", home.path().to_string_lossy());
    let daemon = options.start().await;
    daemon.send(Numbered::new().datagram(0));
    let refused = || async { (!xray.calls_to("/TraceSegments").is_empty()).then_some(()) };
    wait_until("a call with the old key", SOON, refused).await;
    write_profile(home.path(), SECRET_KEY);
    xray.wait_for_documents(1, SOON).await;
    assert_start_line(&daemon.log(), "credentials from profile default");
}

#[tokio::test]
async fn who_has_signed_in_by_sso_uploads_with_that_role() {
    let xray = FakeXray::start().await;
    let (portal, home) = (sso().await, SsoHome::signed_in());
    let options = DaemonOptions::without_key(&xray)
        .env("HOME", home.path().to_string_lossy())
        .env("AWS_PROFILE", "dev")
        .env("AWS_ENDPOINT_URL_SSO", portal.url());
    let daemon = options.start().await;
    assert_start_line(&arrives(&xray, &daemon).await, "credentials from profile dev");
    assert_eq!(session_token(&xray), SESSION_TOKEN);
    assert_eq!(portal.asked().len(), 1);
}

#[tokio::test]
async fn web_identity_is_shown_to_sts_in_the_region() {
    let xray = FakeXray::start().await;
    let sts = sts().await;
    let folder = tempfile::tempdir().unwrap();
    let token = folder.path().join("token");
    fs::write(&token, "eyJhbGciOi.of.kubernetes").unwrap();
    let options = DaemonOptions::without_key(&xray)
        .env("AWS_ENDPOINT_URL_STS", sts.url())
        .env("AWS_ROLE_ARN", ROLE)
        .env("AWS_WEB_IDENTITY_TOKEN_FILE", token.to_string_lossy());
    let daemon = options.start().await;
    assert_start_line(&arrives(&xray, &daemon).await, "credentials from web identity (IRSA)");
    assert_eq!(session_token(&xray), SESSION_TOKEN);
    let [asked] = &sts.asked()[..] else { panic!("{:?}", sts.asked()) };
    assert_eq!(asked.field("Action"), "AssumeRoleWithWebIdentity");
    assert_eq!(asked.field("WebIdentityToken"), "eyJhbGciOi.of.kubernetes");
    assert_eq!(asked.field("RoleArn"), "arn%3Aaws%3Aiam%3A%3A111122223333%3Arole%2Ftracer");
}

#[tokio::test]
async fn pod_identity_reads_its_token_again_when_it_was_replaced() {
    let xray = FakeXray::start().await;
    let agent = ContainerEndpoint::start(Expiry(Duration::from_secs(4))).await;
    let options = DaemonOptions::without_key(&xray)
        .env("AWS_CONTAINER_CREDENTIALS_FULL_URI", agent.url())
        .env("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", agent.token_file().to_string_lossy());
    let daemon = options.start().await;
    assert_start_line(&arrives(&xray, &daemon).await, "credentials from EKS Pod Identity");
    agent.rotate("token-1");
    let rotated = || async { agent.tokens().contains(&"token-1".to_owned()).then_some(()) };
    wait_until("the new token at the agent", SOON, rotated).await;
    arrives(&xray, &daemon).await;
    assert_eq!(session_token(&xray), SESSION_TOKEN);
    daemon.wait_for_metric("credentials_valid", "", 1.0).await;
}

#[tokio::test]
async fn a_task_on_fargate_starts_at_once_and_without_a_line_of_error() {
    let xray = FakeXray::start().await;
    let endpoint = ContainerEndpoint::start(HOUR).await;
    let options = DaemonOptions::new()
        .args(["--backend", "aws"])
        .env("AWS_REGION", REGION)
        .env("AWS_EXECUTION_ENV", "AWS_ECS_FARGATE")
        .env("AWS_ENDPOINT_URL_XRAY", xray.endpoint())
        .env("SSL_CERT_FILE", xray.authority_file().to_string_lossy())
        .env("AWS_CONTAINER_CREDENTIALS_FULL_URI", endpoint.url())
        .env("AWS_CONTAINER_AUTHORIZATION_TOKEN", "token-0")
        // There is no metadata service on Fargate: nobody answers at this address.
        .env("AWS_EC2_METADATA_DISABLED", "false")
        .env("AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://192.0.2.1");
    let mut daemon = options.start().await;
    assert_start_line(&arrives(&xray, &daemon).await, "credentials from container endpoint");
    daemon.end(Signal::TERM, SOON).await;
    let log = daemon.log();
    for word in ["[Error]", "[Warn]"] {
        assert!(!log.contains(word), "{log}");
    }
    let agent = xray.calls_to("/TraceSegments").pop().unwrap().header("user-agent").to_owned();
    assert!(agent.contains(" exec-env/AWS_ECS_FARGATE "), "{agent}");
}

#[tokio::test]
async fn an_instance_of_ec2_tells_region_role_and_name_by_version_two() {
    let xray = FakeXray::start().await;
    let imds = imds().await;
    let options = DaemonOptions::new()
        .args(["--backend", "aws"])
        .env("AWS_ENDPOINT_URL_XRAY", xray.endpoint())
        .env("SSL_CERT_FILE", xray.authority_file().to_string_lossy())
        .env("AWS_EC2_METADATA_DISABLED", "false")
        .env("AWS_EC2_METADATA_SERVICE_ENDPOINT", imds.url());
    let mut daemon = options.start().await;
    let log = arrives(&xray, &daemon).await;
    assert!(log.contains(&format!("Started: region {REGION} (EC2 metadata), ")), "{log}");
    assert_start_line(&log, "credentials from EC2 metadata");
    assert_eq!(session_token(&xray), SESSION_TOKEN);
    daemon.end(Signal::TERM, SOON).await;
    let told: serde_json::Value =
        serde_json::from_slice(&xray.calls_to("/TelemetryRecords").pop().unwrap().body).unwrap();
    assert_eq!(told["Hostname"], INSTANCE_HOSTNAME);
    assert_eq!(told["EC2InstanceId"], INSTANCE_ID);
    let tokens = imds.asked().iter().filter(|asked| asked.target == "/latest/api/token").count();
    assert_eq!(tokens, 1, "one token serves for its life");
}

#[tokio::test]
async fn in_local_mode_the_machine_is_not_asked_for_region_or_name() {
    let xray = FakeXray::start().await;
    let imds = imds().await;
    let options = DaemonOptions::new()
        .args(["--backend", "aws", "-o"])
        .env("AWS_DEFAULT_REGION", REGION)
        .env("AWS_ENDPOINT_URL_XRAY", xray.endpoint())
        .env("SSL_CERT_FILE", xray.authority_file().to_string_lossy())
        .env("AWS_ACCESS_KEY_ID", ACCESS_KEY)
        .env("AWS_SECRET_ACCESS_KEY", SECRET_KEY)
        .env("AWS_EC2_METADATA_DISABLED", "false")
        .env("AWS_EC2_METADATA_SERVICE_ENDPOINT", imds.url());
    let mut daemon = options.start().await;
    let log = arrives(&xray, &daemon).await;
    assert!(log.contains("(AWS_DEFAULT_REGION or profile), "), "{log}");
    daemon.end(Signal::TERM, SOON).await;
    assert_eq!(imds.asked().len(), 0, "{:?}", imds.asked());
}

#[tokio::test]
async fn a_role_is_assumed_in_the_region_under_the_references_name_with_the_external_id() {
    let xray = FakeXray::start().await;
    let sts = sts().await;
    let options = DaemonOptions::uploading_to(&xray)
        .args(["-r", ROLE, "--role-external-id", "ours-4711"])
        .env("AWS_ENDPOINT_URL_STS", sts.url());
    let daemon = options.start().await;
    let from = format!("credentials from role {ROLE}, assumed with environment");
    assert_start_line(&arrives(&xray, &daemon).await, &from);
    assert_eq!(session_token(&xray), SESSION_TOKEN);
    let [asked] = &sts.asked()[..] else { panic!("{:?}", sts.asked()) };
    assert_eq!(asked.field("Action"), "AssumeRole");
    assert_eq!(asked.field("RoleSessionName"), "xray-daemon");
    assert_eq!(asked.field("ExternalId"), "ours-4711");
    let scope = format!("Credential={ACCESS_KEY}/");
    let authorization = asked.header("authorization");
    assert!(authorization.contains(&scope), "{authorization}");
    assert!(authorization.contains(&format!("/{REGION}/sts/aws4_request")), "{authorization}");
}

#[tokio::test]
async fn what_fails_is_said_and_tried_again() {
    let xray = FakeXray::start().await;
    let agent = ContainerEndpoint::start(HOUR).await;
    agent.rotate("not what the daemon shows");
    let options = DaemonOptions::without_key(&xray)
        .env("AWS_CONTAINER_CREDENTIALS_FULL_URI", agent.url())
        .env("AWS_CONTAINER_AUTHORIZATION_TOKEN", "token-0");
    let daemon = options.launch();
    let reason = "no AWS credentials were found";
    let said = || async { daemon.log().contains(reason).then_some(()) };
    wait_until("the reason in the log", SOON, said).await;
    let log = daemon.log();
    assert_start_line(&log, "no credentials yet");
    let line = log.lines().find(|line| line.contains(reason)).unwrap();
    assert!(line.contains("container endpoint") && line.contains("[Warn]"), "{line}");
    daemon.wait_for_metric("credentials_valid", "", 0.0).await;
    let unready = reqwest::get(daemon.admin_url("/readyz")).await.unwrap().text().await.unwrap();
    assert!(unready.contains("waiting for AWS credentials"), "{unready}");

    daemon.send(Numbered::new().datagram(0));
    agent.rotate("token-0");
    xray.wait_for_documents(1, SOON).await;
    daemon.wait_for_metric("credentials_valid", "", 1.0).await;
    let ready = reqwest::get(daemon.admin_url("/readyz")).await.unwrap();
    assert_eq!((ready.status().as_u16(), ready.text().await.unwrap().as_str()), (200, "ready\n"));
}

#[tokio::test]
async fn credentials_that_are_still_good_are_used_on_while_their_source_fails() {
    let xray = FakeXray::start().await;
    let agent = ContainerEndpoint::start(Expiry(Duration::from_secs(20))).await;
    let options = DaemonOptions::without_key(&xray)
        .env("AWS_CONTAINER_CREDENTIALS_FULL_URI", agent.url())
        .env("AWS_CONTAINER_AUTHORIZATION_TOKEN", "token-0");
    let daemon = options.start().await;
    arrives(&xray, &daemon).await;
    agent.set_failing(true);
    let asked = agent.tokens().len();
    let again = || async { (agent.tokens().len() > asked).then_some(()) };
    wait_until("a look-up that fails", SOON, again).await;
    arrives(&xray, &daemon).await;
    daemon.wait_for_metric("credentials_valid", "", 1.0).await;
}
