//! The workshop's own DaemonSet, with nothing but the image changed.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::Duration;

use e2e::fake_xray::FakeXray;
use e2e::{DaemonOptions, Missing, Numbered, binaries, require, run};

const SOON: Duration = Duration::from_secs(60);

/// `config.yaml` of the ConfigMap `xray-config`, which the manifest mounts at `/aws/xray`.
const CONFIG: &str = "TotalBufferSizeMB: 24\nSocket:\n  UDPAddress: \"0.0.0.0:2000\"\n  TCPAddress: \
                      \"0.0.0.0:2000\"\nVersion: 2\n";

/// A root with what image and ConfigMap put there.
fn root() -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    for folder in ["usr/bin", "aws/xray"] {
        fs::create_dir_all(root.path().join(folder)).unwrap();
    }
    symlink(&binaries().xray_daemon, root.path().join("usr/bin/xray")).unwrap();
    fs::write(root.path().join("aws/xray/config.yaml"), CONFIG).unwrap();
    root
}

fn config(root: &Path) -> String {
    root.join("aws/xray/config.yaml").to_string_lossy().into_owned()
}

#[tokio::test]
async fn its_file_is_valid_and_honoured() {
    let root = root();
    let file = config(root.path());
    let ran = DaemonOptions::new().args(["-c", &file, "--check-config"]).run().await;
    assert_eq!((ran.exit_code, ran.stdout), (Some(0), format!("{file}: valid\n")));
    let xray = FakeXray::start().await;
    // On ports of the test's: flags win over the file.
    let options = DaemonOptions::uploading_to(&xray).args(["-c", &file]);
    let daemon = options.start().await;
    assert!(daemon.log().contains("Using buffer memory limit of 24 MB"), "{}", daemon.log());
    let run = Numbered::new();
    daemon.send(run.datagram(0));
    assert_eq!(xray.wait_for_documents(1, SOON).await, [run.document(0)]);
}

/// In a network of its own, so that the ports are the manifest's: the command as it stands there,
/// a health check, a segment as anybody sends it from a shell, and what the daemon says of it.
const STORY: &str = r#"
set -eu
ip link set lo up
export AWS_REGION=eu-west-1 AWS_ACCESS_KEY_ID=a AWS_SECRET_ACCESS_KEY=b
"$ROOT/usr/bin/xray" -c "$ROOT/aws/xray/config.yaml" >"$ROOT/log" 2>&1 &
daemon=$!
until "$ROOT/usr/bin/xray" healthcheck >/dev/null 2>&1; do
  kill -0 "$daemon" || { cat "$ROOT/log"; exit 1; }
done
printf '%s\n%s' '{"format": "json", "version": 1}' '{"id": "1"}' >"$ROOT/datagram"
cat "$ROOT/datagram" >/dev/udp/127.0.0.1/2000
until "$ROOT/usr/bin/xray" healthcheck http://127.0.0.1:2001/metrics >"$ROOT/metrics" &&
  grep -q '^xray_daemon_segments_accepted_total.* 1$' "$ROOT/metrics"; do :; done
exec 3<>/dev/tcp/127.0.0.1/2000
kill -KILL "$daemon"
cat "$ROOT/log"
"#;

#[tokio::test]
async fn its_command_runs_as_it_stands_on_the_ports_that_it_names() {
    let able = run("sh", SOON, |sh| {
        sh.args(["-c", "unshare --user --map-root-user --net ip link set lo up && bash --version"]);
    });
    let reason = "no network of its own for a test; util-linux, iproute2 and bash bring it";
    let able = if able.await.exit_code == Some(0) { Ok(()) } else { Err(Missing(reason.into())) };
    let Some(()) = require(able) else { return };
    let root = root();
    let ran = run("unshare", SOON, |command| {
        command.args(["--user", "--map-root-user", "--net", "bash", "-c", STORY]);
        command.env("ROOT", root.path()).env("AWS_EC2_METADATA_DISABLED", "true");
    });
    let ran = ran.await;
    assert_eq!(ran.exit_code, Some(0), "{ran:?}");
    assert!(ran.stdout.contains("Using buffer memory limit of 24 MB"), "{}", ran.stdout);
    assert!(ran.stdout.contains("Listening for segments on UDP 0.0.0.0:2000"), "{}", ran.stdout);
}
