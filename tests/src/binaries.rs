//! The programs under test, built by the cargo that built the test.
//!
//! Out: paths of `xray-daemon` and `demo-app`, of the profile the test itself was built with. A
//! workspace test builds no binary of its siblings, and `cargo test -p e2e` not even their
//! libraries; so the first test that needs one asks cargo, once a process.

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use serde::Deserialize;

/// Where the programs are.
#[derive(Clone, Debug)]
pub struct Binaries {
    /// The daemon.
    pub xray_daemon: PathBuf,
    /// The demo.
    pub demo_app: PathBuf,
}

/// Builds both programs on first use and returns their paths.
///
/// # Panics
/// When cargo cannot build them; its output is in the message.
pub fn binaries() -> &'static Binaries {
    static BINARIES: OnceLock<Binaries> = OnceLock::new();
    BINARIES.get_or_init(build)
}

fn build() -> Binaries {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    // `--examples` brings the same dependency features as `cargo test --workspace`: dev-
    // dependencies count. Without it cargo would build tokio and all above it a second time.
    cargo
        .args(["build", "--workspace", "--bins", "--examples", "--locked", "--quiet"])
        .args(["--message-format", "json-render-diagnostics", "--profile", profile()])
        .current_dir(workspace)
        .stdin(Stdio::null());
    // What cargo tells a test about its package would look like settings of the build.
    for (name, _) in env::vars_os() {
        let name = name.to_string_lossy().into_owned();
        if name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_") {
            cargo.env_remove(name);
        }
    }
    let output = cargo.output().expect("cargo starts; set CARGO to its path");
    assert!(
        output.status.success(),
        "cargo cannot build the programs under test:\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let built = executables(&String::from_utf8_lossy(&output.stdout));
    let path = |name: &str| {
        let found = built.iter().find(|(built_name, _)| built_name == name);
        found.unwrap_or_else(|| panic!("cargo built no `{name}`, only {built:?}")).1.clone()
    };
    Binaries { xray_daemon: path("xray-daemon"), demo_app: path("demo-app") }
}

/// The profile of the running test: its folder is `target/[TRIPLE/]PROFILE/deps`.
fn profile() -> &'static str {
    static PROFILE: OnceLock<String> = OnceLock::new();
    PROFILE.get_or_init(|| {
        let program = env::current_exe().unwrap_or_default();
        let mut folders = program.ancestors().skip(1).filter_map(Path::file_name);
        let folder = folders.find(|folder| *folder != "deps" && *folder != "examples");
        match folder.and_then(|folder| folder.to_str()) {
            None | Some("debug") => "dev".to_owned(),
            Some(folder) => folder.to_owned(),
        }
    })
}

/// Names and paths of the binaries in cargo's messages, one JSON object a line.
fn executables(messages: &str) -> Vec<(String, PathBuf)> {
    #[derive(Deserialize)]
    struct Message {
        reason: String,
        target: Option<Target>,
        executable: Option<PathBuf>,
    }
    #[derive(Deserialize)]
    struct Target {
        name: String,
        kind: Vec<String>,
    }
    let messages = messages.lines().filter_map(|line| serde_json::from_str::<Message>(line).ok());
    let built = messages.filter(|message| message.reason == "compiler-artifact");
    built
        .filter_map(|message| {
            let target = message.target?;
            target
                .kind
                .iter()
                .any(|kind| kind == "bin")
                .then_some((target.name, message.executable?))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cargo_messages_name_the_binaries() {
        let messages = concat!(
            r#"{"reason":"compiler-artifact","target":{"name":"xray_daemon","kind":["lib"]},"executable":null}"#,
            "\n",
            r#"{"reason":"compiler-artifact","target":{"name":"xray-daemon","kind":["bin"]},"executable":"/t/debug/xray-daemon"}"#,
            "\n",
            r#"{"reason":"build-finished","success":true}"#,
        );
        let expected = vec![("xray-daemon".to_owned(), PathBuf::from("/t/debug/xray-daemon"))];
        assert_eq!(executables(messages), expected);
    }
}
