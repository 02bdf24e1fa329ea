//! Real components that tests talk to, where they are on this machine.
//!
//! Out: each as something to run, or a [`Missing`] that says what brings it. `.ci/run` installs
//! all of them; what it leaves in `tests/.tools` and `tests/node/node_modules` is found again.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::process::{Process, Ran, run};
use crate::require::Missing;
use crate::wait::wait_until;

/// Longest that a script or an AWS CLI call may take on a busy machine.
const SCRIPT_WITHIN: Duration = Duration::from_secs(300);

/// The folder of this package.
pub(crate) fn package_folder() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A Python that has the modules asked for.
#[derive(Clone, Debug)]
pub struct Python(PathBuf);

impl Python {
    /// Looks in the virtual environment that `.ci/run` makes, then on the path.
    ///
    /// # Errors
    /// When no Python has all of `modules`.
    pub fn with(modules: &[&str]) -> Result<Self, Missing> {
        Self::in_environment("py", modules)
    }

    /// The same, with the virtual environment of the AWS distribution of OpenTelemetry, which pins
    /// versions of its own.
    ///
    /// # Errors
    /// When no Python has it.
    pub fn with_aws_distribution() -> Result<Self, Missing> {
        Self::in_environment("adot", &["amazon.opentelemetry.distro"])
    }

    fn in_environment(name: &str, modules: &[&str]) -> Result<Self, Missing> {
        let import = format!("import {}", modules.join(", "));
        let own = package_folder().join(".tools").join(name).join("bin/python");
        let mut found = [own, "python3".into()].into_iter();
        found
            .find(|python| succeeds(Command::new(python).args(["-c", &import])))
            .map(Self)
            .ok_or_else(|| missing(&format!("no Python with {}", modules.join(", "))))
    }

    /// Starts a script of `tests/python`, ready when it says `listening PORT`.
    pub async fn serve(&self, script: &str, env: &[(&str, &str)]) -> Service {
        Service::start(&self.0, &package_folder().join("python").join(script), env).await
    }

    /// Runs a script of `tests/python` and reads the JSON it prints.
    ///
    /// # Panics
    /// When it fails or prints something else.
    pub async fn json(&self, script: &str, args: &[&str], env: &[(&str, &str)]) -> Value {
        printed_json(script, self.attempt(script, args, env).await)
    }

    /// Runs a script of `tests/python` to its end, whatever that is.
    pub async fn attempt(&self, script: &str, args: &[&str], env: &[(&str, &str)]) -> Ran {
        let script = package_folder().join("python").join(script);
        run_script(&self.0, &[&[script.into_os_string()], &*owned(args)].concat(), env).await
    }
}

/// The AWS command line interface.
#[derive(Clone, Debug)]
pub struct AwsCli(PathBuf);

impl AwsCli {
    /// Looks in the virtual environment that `.ci/run` makes, then on the path.
    ///
    /// # Errors
    /// When there is none.
    pub fn find() -> Result<Self, Missing> {
        let own = package_folder().join(".tools/py/bin/aws");
        let mut found = [own, "aws".into()].into_iter();
        found
            .find(|aws| succeeds(Command::new(aws).arg("--version")))
            .map(Self)
            .ok_or_else(|| missing("no AWS CLI"))
    }

    /// Runs `aws xray ARGS --endpoint-url ENDPOINT` with keys that nobody knows.
    ///
    /// # Panics
    /// When it fails.
    pub async fn xray(&self, endpoint: &str, args: &[&str]) -> Value {
        printed_json(&args.join(" "), self.attempt_xray(endpoint, args).await)
    }

    /// The same, to its end, whatever that is.
    pub async fn attempt_xray(&self, endpoint: &str, args: &[&str]) -> Ran {
        let all = [&["xray"], args, &["--endpoint-url", endpoint, "--output", "json"]].concat();
        run_script(&self.0, &owned(&all), &AWS_SETTINGS).await
    }
}

/// Enough for an AWS client to send a signed request.
pub const AWS_SETTINGS: [(&str, &str); 3] = [
    ("AWS_ACCESS_KEY_ID", "local"),
    ("AWS_SECRET_ACCESS_KEY", "local"),
    ("AWS_DEFAULT_REGION", "eu-west-1"),
];

/// Node, with the packages of `tests/node`.
#[derive(Clone, Debug)]
pub struct Node(());

impl Node {
    /// Looks for `node` and for `packages` in `tests/node/node_modules`.
    ///
    /// # Errors
    /// When either is missing.
    pub fn with(packages: &[&str]) -> Result<Self, Missing> {
        if !succeeds(Command::new("node").arg("--version")) {
            return Err(missing("no node"));
        }
        let modules = package_folder().join("node/node_modules");
        match packages.iter().find(|package| !modules.join(package).is_dir()) {
            Some(package) => Err(missing(&format!("no {package} in {modules:?}"))),
            None => Ok(Self(())),
        }
    }

    /// Starts a script of `tests/node`, ready when it says `listening PORT`.
    pub async fn serve(&self, script: &str, env: &[(&str, &str)]) -> Service {
        Service::start("node".as_ref(), &package_folder().join("node").join(script), env).await
    }

    /// Runs a script of `tests/node` and reads the JSON it prints.
    ///
    /// # Panics
    /// When it fails or prints something else.
    pub async fn json(&self, script: &str, args: &[&str], env: &[(&str, &str)]) -> Value {
        let path = package_folder().join("node").join(script);
        let args = [&[path.into_os_string()], &*owned(args)].concat();
        printed_json(script, run_script("node".as_ref(), &args, env).await)
    }
}

/// The full path of Chromium.
///
/// # Errors
/// When there is none.
pub fn chromium() -> Result<PathBuf, Missing> {
    let path = env::var_os("PATH").unwrap_or_default();
    let names = ["chromium", "chromium-browser", "google-chrome"];
    let mut places = env::split_paths(&path).flat_map(|folder| names.map(|name| folder.join(name)));
    places.find(|place| place.is_file()).ok_or_else(|| missing("no Chromium"))
}

/// A script that serves HTTP.
#[derive(Debug)]
pub struct Service {
    process: Process,
    port: u16,
}

impl Service {
    async fn start(program: &Path, script: &Path, env: &[(&str, &str)]) -> Self {
        let mut process = Process::start(program, |command| {
            command.arg(script).envs(env.iter().copied());
        });
        let what = format!("`listening PORT` of {script:?}");
        let port = wait_until(&what, SCRIPT_WITHIN, || {
            assert_eq!(process.ended(), None, "{script:?} ended before it served");
            let log = process.log();
            async move { log.lines().find_map(|line| line.strip_prefix("listening ")?.parse().ok()) }
        });
        let port = port.await;
        Self { process, port }
    }

    /// URL of a path of it.
    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// What it printed so far.
    pub fn log(&self) -> String {
        self.process.log()
    }
}

fn owned(args: &[&str]) -> Vec<OsString> {
    args.iter().map(OsString::from).collect()
}

async fn run_script(program: &Path, args: &[OsString], env: &[(&str, &str)]) -> Ran {
    let ran = run(program, SCRIPT_WITHIN, |command| {
        command.args(args).envs(env.iter().copied());
    });
    ran.await
}

fn printed_json(what: &str, ran: Ran) -> Value {
    assert_eq!(ran.exit_code, Some(0), "{what}:\n{}{}", ran.stdout, ran.stderr);
    serde_json::from_str(&ran.stdout)
        .unwrap_or_else(|err| panic!("{what}: {err} in {:?}", ran.stdout))
}

fn succeeds(command: &mut Command) -> bool {
    let command = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

fn missing(what: &str) -> Missing {
    Missing(format!("{what}; `bash .ci/run tools` installs it"))
}
