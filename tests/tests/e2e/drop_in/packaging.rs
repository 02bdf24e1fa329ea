//! What a Linux package holds: the unit, the default file; and the talk with systemd.

use std::fs;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::time::Duration;

use e2e::{DaemonOptions, Missing, Numbered, Ran, Signal, binaries, require, run, wait_until};

const SOON: Duration = Duration::from_secs(30);

fn packaging(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../xray-daemon/packaging").join(name)
}

/// Runs `systemd-analyze`, where there is one that knows what is asked.
async fn analyze(args: &[&str]) -> Option<Ran> {
    let known = run("sh", SOON, |sh| {
        sh.args(["-c", "systemd-analyze security --help | grep -q -e --offline"]);
    });
    let reason = "no systemd-analyze that works offline; systemd 250 or later brings it";
    let found = if known.await.exit_code == Some(0) { Ok(()) } else { Err(Missing(reason.into())) };
    require(found)?;
    Some(
        run("systemd-analyze", SOON, |command| {
            command.args(args);
        })
        .await,
    )
}

/// The unit, with the program where it was built.
fn unit(folder: &Path) -> String {
    let text = fs::read_to_string(packaging("xray.service")).unwrap();
    let program = binaries().xray_daemon.to_string_lossy().into_owned();
    assert!(text.contains("\nExecStart=/usr/bin/xray -f /var/log/xray/xray.log\n"));
    let path = folder.join("xray.service");
    fs::write(&path, text.replace("/usr/bin/xray ", &format!("{program} "))).unwrap();
    path.to_string_lossy().into_owned()
}

#[tokio::test]
async fn systemd_finds_no_fault_in_the_unit() {
    let folder = tempfile::tempdir().unwrap();
    let Some(ran) = analyze(&["verify", "--man=no", &unit(folder.path())]).await else { return };
    // It also looks at what the unit refers to, which is the machine's.
    let own: Vec<_> = ran.stderr.lines().filter(|line| line.contains("xray.service")).collect();
    assert_eq!((ran.exit_code, own), (Some(0), vec![]), "{ran:?}");
}

#[tokio::test]
async fn the_unit_is_locked_in() {
    let folder = tempfile::tempdir().unwrap();
    // Of 100; a service without any of it has 96, "ok" begins at 50.
    let args = ["security", "--offline=true", "--threshold=20", "--no-pager", &unit(folder.path())];
    let Some(ran) = analyze(&args).await else { return };
    assert_eq!(ran.exit_code, Some(0), "{}{}", ran.stdout, ran.stderr);
}

#[tokio::test]
async fn the_default_file_is_valid_and_changes_nothing() {
    let file = packaging("cfg.yaml");
    let file = file.to_str().unwrap();
    let ran = DaemonOptions::new().args(["--check-config", "-c", file]).run().await;
    assert_eq!((ran.exit_code, ran.stdout), (Some(0), format!("{file}: valid\n")));

    let values = |text: &str| {
        let rows = text.lines().skip(2).map(|line| {
            let mut cells = line.split("  ").map(str::trim).filter(|cell| !cell.is_empty());
            (cells.next().unwrap_or_default().to_owned(), cells.next().unwrap_or("").to_owned())
        });
        rows.collect::<Vec<_>>()
    };
    let with = DaemonOptions::new().args(["--explain", "-c", file]).run().await;
    let without = DaemonOptions::new().args(["--explain"]).run().await;
    assert!(with.stdout.lines().count() > 20, "{}", with.stdout);
    assert_eq!(values(&with.stdout), values(&without.stdout));
}

#[tokio::test]
async fn what_the_default_file_shows_commented_is_valid_as_well() {
    let text = fs::read_to_string(packaging("cfg.yaml")).unwrap();
    let (before, extensions) = text.split_once("#Extensions:").unwrap();
    let text = format!("{before}Extensions:{}", extensions.replace("\n#", "\n"));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("cfg.yaml");
    fs::write(&file, text).unwrap();
    let ran =
        DaemonOptions::new().args(["--check-config", "-c", file.to_str().unwrap()]).run().await;
    assert_eq!(ran.exit_code, Some(0), "{}", ran.stdout);
}

/// What systemd was told so far, one state a line.
struct Heard {
    socket: UnixDatagram,
    text: String,
}

impl Heard {
    fn listen(path: &Path) -> Self {
        let socket = UnixDatagram::bind(path).unwrap();
        socket.set_nonblocking(true).unwrap();
        Self { socket, text: String::new() }
    }

    /// Waits for `words` in what comes from now on, and forgets all up to then.
    async fn next(&mut self, words: &str) -> String {
        let Self { socket, text } = self;
        wait_until(&format!("{words:?} for systemd"), SOON, || {
            let mut state = [0; 4096];
            while let Ok(length) = socket.recv(&mut state) {
                text.push_str(&String::from_utf8_lossy(&state[..length]));
                text.push('\n');
            }
            let said = text.find(words).map(|at| text.split_off(at));
            if said.is_some() {
                text.clear();
            }
            async move { said }
        })
        .await
    }
}

#[tokio::test]
async fn systemd_is_told_of_start_life_reload_and_end() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notify");
    let mut heard = Heard::listen(&path);
    let options = DaemonOptions::local()
        .env("NOTIFY_SOCKET", path.to_string_lossy())
        .env("WATCHDOG_USEC", "200000");
    let mut daemon = options.start().await;
    let ready = heard.next("READY=1").await;
    assert!(ready.contains("STATUS="), "{ready}");
    heard.next("WATCHDOG=1").await;
    daemon.send(Numbered::new().datagram(1));
    let status = format!("STATUS=UDP {}: 1 received; local: 1 sent, 0 waiting", daemon.address());
    heard.next(&status).await;
    daemon.process().signal(Signal::HUP);
    let reloading = heard.next("RELOADING=1").await;
    assert!(reloading.contains("MONOTONIC_USEC="), "{reloading}");
    // It may have come in the same look.
    if !reloading.contains("READY=1") {
        heard.next("READY=1").await;
    }
    daemon.process().signal(Signal::TERM);
    heard.next("STOPPING=1").await;
    assert_eq!(daemon.process().wait(SOON).await.code(), Some(0));
}
