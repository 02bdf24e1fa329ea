//! Makes one valid configuration of flags, environment and file.
//!
//! In: the three, as text. Out: a [`DaemonConfig`]. Owns the precedence. What a value must be is
//! checked here, once; a refusal names where the value came from.

use std::cell::RefCell;
use std::collections::BTreeSet;
#[cfg(any(feature = "local", feature = "otlp-out"))]
use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;

use tracing::level_filters::LevelFilter;

use super::error::ConfigError;
use super::file::FileConfig;
use super::flags::Flags;
use super::logging::{self, LogFormat, LogSettings};
use super::memory::MIN_BUFFER_BYTES;
use super::settings::{DaemonConfig, OnBusy, SpoolSettings};
use super::table;
use super::{address, duration};
use crate::backend::BackendKind;
#[cfg(any(feature = "local", feature = "otlp-out"))]
use crate::sampling;

/// Where values come from.
pub(super) struct Sources<'a> {
    pub(super) flags: &'a Flags,
    pub(super) variable: &'a dyn Fn(&str) -> Option<String>,
    pub(super) file: &'a FileConfig,
    /// Names whose values are passed over: they are known to be wrong, and the rest is looked at.
    pub(super) passed_over: RefCell<BTreeSet<String>>,
}

/// A value and the name that it was given by.
#[derive(Debug)]
pub(super) struct Given {
    /// Flag, variable or key.
    pub(super) name: String,
    pub(super) value: String,
    pub(super) source: Source,
}

/// What a value was given by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    Flag,
    Variable,
    File,
}

/// Makes one configuration of all sources.
pub(super) fn resolve(sources: &Sources<'_>) -> Result<(DaemonConfig, LogSettings), ConfigError> {
    let mut config = DaemonConfig::default();
    if let Some(given) = sources.option("backend") {
        config.backends = BackendKind::parse_list(&given.value)
            .map_err(|_| given.refuse("it takes a list of aws, local and otlp, or both"))?;
    }
    addresses(sources, &mut config)?;
    if let Some(given) = sources.option("buffer-memory") {
        config.buffer_bytes = buffer_bytes(&given)?;
    }
    config.spool = spool(sources)?;
    if let Some(given) = sources.option("drain-timeout") {
        config.drain_timeout = given.duration()?;
    }
    if let Some(given) = sources.option("drain-linger") {
        config.drain_linger = given.duration()?;
    }
    config.ready_requires_credentials = sources.switch("ready-requires-credentials")?;
    config.proxy_allow_all = sources.switch("proxy-allow-all")?;
    aws(sources, &mut config)?;
    local(sources, &mut config)?;
    otlp(sources, &mut config)?;
    sampling_rules(sources, &mut config)?;
    Ok((config, log(sources)?))
}

fn addresses(sources: &Sources<'_>, config: &mut DaemonConfig) -> Result<(), ConfigError> {
    // As the reference: segments are worth more than sampling calls.
    config.tcp_on_busy = OnBusy::GoWithout;
    // A port that the reference has not must not keep a drop-in from starting.
    config.admin_on_busy = OnBusy::GoWithout;
    if let Some(given) = sources.option("bind") {
        config.udp = given.address()?;
    }
    if let Some(given) = sources.option("bind-tcp") {
        config.tcp = given.address()?;
    }
    if let Some(given) = sources.option("admin") {
        config.admin = given.address()?;
        config.admin_on_busy = OnBusy::Fail;
    }
    if let Some(given) = sources.option("otlp-grpc") {
        config.otlp_grpc = Some(given.address()?);
    }
    if let Some(given) = sources.option("otlp-http") {
        config.otlp_http = Some(given.address()?);
    }
    if let Some(given) = sources.option("console") {
        config.console = given.address()?;
    }
    Ok(())
}

fn buffer_bytes(given: &Given) -> Result<Option<usize>, ConfigError> {
    let rule = "it takes the memory for segments in MB. Min Buffers Memory required: 3 MB.";
    let megabytes: i64 = given.value.parse().map_err(|_| given.refuse(rule))?;
    if megabytes <= 0 {
        // As in the reference: the default.
        return Ok(None);
    }
    let bytes =
        usize::try_from(megabytes).ok().and_then(|megabytes| megabytes.checked_mul(1 << 20));
    bytes.filter(|bytes| *bytes >= MIN_BUFFER_BYTES).map(Some).ok_or_else(|| given.refuse(rule))
}

fn spool(sources: &Sources<'_>) -> Result<Option<SpoolSettings>, ConfigError> {
    let mut spool = SpoolSettings::in_folder(sources.text("spool").unwrap_or_default());
    if let Some(given) = sources.option("spool-max-mb") {
        let megabytes: Option<u64> = given.value.parse().ok().filter(|megabytes| *megabytes >= 1);
        let bytes = megabytes.and_then(|megabytes| megabytes.checked_mul(1 << 20));
        spool.max_bytes = bytes.ok_or_else(|| given.refuse("it takes MB on disk, 1 or more"))?;
    }
    if let Some(given) = sources.option("spool-max-age") {
        spool.max_age = given.duration()?;
        if spool.max_age.is_zero() {
            return Err(given.refuse("it takes how long segments are kept, such as 24h"));
        }
    }
    // Bounds without a folder are those of a chart that may have one.
    Ok(Some(spool).filter(|spool| !spool.folder.as_os_str().is_empty()))
}

fn aws(sources: &Sources<'_>, config: &mut DaemonConfig) -> Result<(), ConfigError> {
    let aws = &mut config.aws;
    aws.region = sources.text("region");
    aws.role_arn = sources.text("role-arn");
    aws.resource_arn = sources.text("resource-arn");
    aws.endpoint = sources.file.get("Endpoint").map(str::to_owned);
    aws.no_verify_ssl = sources.file.get("NoVerifySSL") == Some("true");
    aws.local_mode = sources.switch("local-mode")?;
    aws.role_external_id = sources.text("role-external-id");
    aws.proxy =
        sources.text("proxy-address").or_else(|| sources.first(&["HTTPS_PROXY", "https_proxy"]));
    aws.no_proxy = sources.first(&["NO_PROXY", "no_proxy"]);
    aws.ca_bundle = sources.first(&["AWS_CA_BUNDLE"]).map(PathBuf::from);
    aws.hostname = sources.first(&["AWS_HOSTNAME"]);
    aws.instance_id = sources.first(&["AWS_INSTANCE_ID"]);
    let concurrency = sources.option("concurrency").or_else(|| sources.file_key("Concurrency"));
    if let Some(given) = concurrency {
        let uploads = given.value.parse().ok().filter(|uploads| (1..=4096).contains(uploads));
        let rule = "it takes the number of uploads at once, 1 to 4096";
        aws.concurrency = Some(uploads.ok_or_else(|| given.refuse(rule))?);
    }
    Ok(())
}

#[cfg(feature = "local")]
fn local(sources: &Sources<'_>, config: &mut DaemonConfig) -> Result<(), ConfigError> {
    let local = &mut config.local;
    local.data_dir = sources.text("data-dir").map(PathBuf::from);
    local.console_token = sources.text("console-token");
    local.read_only = sources.switch("read-only")?;
    if let Some(hosts) = sources.text("allow-host") {
        let hosts = hosts.split(',').map(str::trim).filter(|host| !host.is_empty());
        local.allow_hosts = hosts.map(str::to_owned).collect();
    }
    if let Some(given) = sources.option("retention") {
        local.retention = given.duration()?;
        if local.retention < Duration::from_secs(60) {
            return Err(given.refuse("it takes how long traces are kept, 1m or more"));
        }
    }
    if let Some(given) = sources.option("max-store-mb") {
        let megabytes: Option<u64> = given.value.parse().ok().filter(|megabytes| *megabytes >= 16);
        let bytes = megabytes.and_then(|megabytes| megabytes.checked_mul(1 << 20));
        let rule = "it takes the most MB of the store, 16 or more";
        local.max_store_bytes = bytes.ok_or_else(|| given.refuse(rule))?;
    }
    let open = config.backends.contains(&BackendKind::Local) && !config.console.ip().is_loopback();
    if open && local.console_token.is_none() {
        let value = config.console.to_string();
        let given = Given { name: "--console".into(), value, source: Source::Flag };
        return Err(given.refuse(
            "an address that others can reach needs --console-token, or everybody could read all \
             traces",
        ));
    }
    Ok(())
}

#[cfg(not(feature = "local"))]
fn local(_sources: &Sources<'_>, _config: &mut DaemonConfig) -> Result<(), ConfigError> {
    Ok(())
}

#[cfg(feature = "otlp-out")]
fn otlp(sources: &Sources<'_>, config: &mut DaemonConfig) -> Result<(), ConfigError> {
    if config.backends.contains(&BackendKind::Otlp) {
        config.otlp = super::otlp::resolve(sources)?;
    }
    Ok(())
}

#[cfg(not(feature = "otlp-out"))]
fn otlp(_sources: &Sources<'_>, _config: &mut DaemonConfig) -> Result<(), ConfigError> {
    Ok(())
}

/// The file's rules, for whoever answers sampling calls.
#[cfg(any(feature = "local", feature = "otlp-out"))]
fn sampling_rules(sources: &Sources<'_>, config: &mut DaemonConfig) -> Result<(), ConfigError> {
    let Some(given) = sources.option("sampling-rules") else { return Ok(()) };
    if config.backends.contains(&BackendKind::Aws) {
        return Err(given.refuse(
            "it is for --backend local or otlp: with aws the rules are those of AWS, where they can \
             be changed",
        ));
    }
    let rules = sampling::read_file(Path::new(&given.value)).map_err(|error| {
        let (name, value) = (&given.name, &given.value);
        ConfigError::File(format!("{name} {value:?} cannot be used: {error}"))
    })?;
    #[cfg(feature = "local")]
    config.local.sampling_rules.extend(rules.iter().cloned());
    #[cfg(feature = "otlp-out")]
    config.sampling_rules.clone_from(&rules);
    Ok(())
}

#[cfg(not(any(feature = "local", feature = "otlp-out")))]
fn sampling_rules(_sources: &Sources<'_>, _config: &mut DaemonConfig) -> Result<(), ConfigError> {
    Ok(())
}

fn log(sources: &Sources<'_>) -> Result<LogSettings, ConfigError> {
    // An unknown word means everything in the file, and nothing on the command line.
    let in_file = sources.file.get("Logging.LogLevel");
    let in_file = in_file.map(|name| logging::level(name).unwrap_or(LevelFilter::TRACE));
    let by_flag = sources.flags.get("log-level").and_then(|name| logging::level(name));
    let format = match sources.option("log-format") {
        None => LogFormat::Text,
        Some(given) => match given.value.as_str() {
            "text" => LogFormat::Text,
            "json" => LogFormat::Json,
            _ => return Err(given.refuse("it takes text or json")),
        },
    };
    Ok(LogSettings {
        path: sources.text("log-file").map(PathBuf::from),
        rotate: sources.file.get("Logging.LogRotation") != Some("false"),
        level: by_flag.or(in_file).unwrap_or(LevelFilter::INFO),
        format,
    })
}

impl<'a> Sources<'a> {
    /// Of flags, environment and file.
    pub(super) fn new(
        flags: &'a Flags,
        variable: &'a dyn Fn(&str) -> Option<String>,
        file: &'a FileConfig,
    ) -> Self {
        Self { flags, variable, file, passed_over: RefCell::default() }
    }

    /// The value of the option of that long name; empty text counts as none.
    pub(super) fn option(&self, long: &str) -> Option<Given> {
        let option = table::find(long)?;
        let flag = || {
            let value = self.flags.get(long)?.clone();
            Some(Given { name: format!("--{long}"), value, source: Source::Flag })
        };
        let variable = || {
            let name = table::variable(option)?;
            let value = (self.variable)(&name)?;
            Some(Given { name, value, source: Source::Variable })
        };
        let taken = |given: &Given| !given.value.is_empty() && self.takes(&given.name);
        flag()
            .filter(taken)
            .or_else(|| variable().filter(taken))
            .or_else(|| self.file_key(&table::file_key(option)?))
    }

    pub(super) fn file_key(&self, key: &str) -> Option<Given> {
        let value = self.file.get(key)?.to_owned();
        let given = Given { name: key.to_owned(), value, source: Source::File };
        self.takes(key).then_some(given)
    }

    fn takes(&self, name: &str) -> bool {
        !self.passed_over.borrow().contains(name)
    }

    /// A variable that others have named; an empty one counts as none.
    #[cfg(feature = "otlp-out")]
    pub(super) fn variable(&self, name: &str) -> Option<Given> {
        let value = (self.variable)(name).filter(|value| !value.is_empty())?;
        let given = Given { name: name.to_owned(), value, source: Source::Variable };
        self.takes(name).then_some(given)
    }

    /// The first of these variables that is set.
    fn first(&self, names: &[&str]) -> Option<String> {
        names.iter().find_map(|name| (self.variable)(name).filter(|value| !value.is_empty()))
    }

    fn text(&self, long: &str) -> Option<String> {
        self.option(long).map(|given| given.value)
    }

    fn switch(&self, long: &str) -> Result<bool, ConfigError> {
        let Some(given) = self.option(long) else { return Ok(false) };
        match given.value.to_ascii_lowercase().as_str() {
            "true" | "1" => Ok(true),
            "false" | "0" => Ok(false),
            _ => Err(given.refuse("it takes true or false")),
        }
    }
}

impl Given {
    fn address(&self) -> Result<std::net::SocketAddr, ConfigError> {
        address::parse(&self.value).ok_or_else(|| self.refuse(address::RULE))
    }

    fn duration(&self) -> Result<Duration, ConfigError> {
        duration::parse(&self.value).ok_or_else(|| self.refuse(duration::RULE))
    }

    /// The same with a value that may be shown.
    #[cfg(feature = "otlp-out")]
    pub(super) fn shown_as(&self, value: &str) -> Self {
        Self { name: self.name.clone(), value: value.to_owned(), source: self.source }
    }

    pub(super) fn refuse(&self, rule: &'static str) -> ConfigError {
        ConfigError::Value { name: self.name.clone(), value: self.value.clone(), rule }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::config::{Command, load};

    /// What the program does with these arguments, variables and file.
    fn command(line: &str, variables: &[(&str, &str)], file: &str) -> Result<Command, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("asked.yaml");
        fs::write(&path, format!("Version: 2\n{file}")).unwrap();
        let mut arguments: Vec<_> = line.split_whitespace().map(str::to_owned).collect();
        arguments.splice(0..0, ["-c".to_owned(), path.to_string_lossy().into_owned()]);
        let environment = variables.iter().copied().collect();
        load(arguments, &environment, folder.path()).map_err(|error| error.to_string())
    }

    fn run(line: &str, variables: &[(&str, &str)], file: &str) -> (DaemonConfig, LogSettings) {
        match command(line, variables, file).unwrap() {
            Command::Run(loaded) => (loaded.daemon, loaded.log),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn without_a_word_the_defaults_are_those_of_the_reference() {
        let (config, log) = run("", &[], "");
        assert_eq!(config.backends, [BackendKind::Aws]);
        assert_eq!(config.udp.to_string(), "127.0.0.1:2000");
        assert_eq!(config.tcp.to_string(), "127.0.0.1:2000");
        assert_eq!(config.admin.to_string(), "127.0.0.1:2001");
        assert_eq!((config.buffer_bytes, config.aws.concurrency), (None, None));
        assert_eq!(config.drain_timeout, Duration::from_secs(20));
        assert_eq!((log.level, log.rotate, log.path), (LevelFilter::INFO, true, None));
    }

    #[test]
    fn a_flag_wins_over_the_variable_and_that_over_the_file() {
        let file = "Extensions:\n  DrainTimeout: 1s\n";
        let variables = [("XRAY_DRAIN_TIMEOUT", "2s")];
        let timeout = |line, variables: &[_]| run(line, variables, file).0.drain_timeout.as_secs();
        assert_eq!(timeout("", &[]), 1);
        assert_eq!(timeout("", &variables), 2);
        assert_eq!(timeout("--drain-timeout 3s", &variables), 3);
        assert_eq!(timeout("", &[("XRAY_DRAIN_TIMEOUT", "")]), 1);
    }

    #[test]
    fn the_workshops_file_is_understood() {
        let file = "TotalBufferSizeMB: 24\nSocket:\n  UDPAddress: 0.0.0.0:2000\n  TCPAddress: \
                    0.0.0.0:2000\n";
        let (config, _) = run("-n us-west-2", &[], file);
        assert_eq!(config.buffer_bytes, Some(24 << 20));
        assert_eq!(config.udp.to_string(), "0.0.0.0:2000");
        assert_eq!(config.tcp.to_string(), "0.0.0.0:2000");
        assert_eq!(config.aws.region.as_deref(), Some("us-west-2"));
    }

    #[test]
    fn a_spool_needs_a_folder_and_has_bounds() {
        assert_eq!(run("--spool-max-mb 5", &[], "").0.spool, None);
        let spool = run("--spool /x", &[], "").0.spool.unwrap();
        assert_eq!(spool, SpoolSettings::in_folder("/x"));
        let file = "Extensions:\n  Spool: /y\n  SpoolMaxMB: 7\n";
        let spool = run("", &[("XRAY_SPOOL_MAX_AGE", "90m")], file).0.spool.unwrap();
        assert_eq!(spool.folder, PathBuf::from("/y"));
        assert_eq!((spool.max_bytes, spool.max_age.as_secs()), (7 << 20, 5_400));
        let error = command("--spool /x --spool-max-mb 0", &[], "").unwrap_err();
        assert_eq!(error, "--spool-max-mb \"0\" is not valid; it takes MB on disk, 1 or more");
    }

    #[test]
    fn what_aws_needs_comes_from_flags_file_and_environment() {
        let file = "Endpoint: https://localhost:4566\nNoVerifySSL: true\nConcurrency: 4\n";
        let variables = [("HTTPS_PROXY", "http://proxy:3128")];
        let aws = run("-o -r arn:aws:iam::1:role/x", &variables, file).0.aws;
        assert_eq!(aws.endpoint.as_deref(), Some("https://localhost:4566"));
        assert_eq!((aws.no_verify_ssl, aws.local_mode, aws.concurrency), (true, true, Some(4)));
        assert_eq!(aws.role_arn.as_deref(), Some("arn:aws:iam::1:role/x"));
        assert_eq!(aws.proxy.as_deref(), Some("http://proxy:3128"));
        let aws = run("-p http://other:1", &variables, "").0.aws;
        assert_eq!(aws.proxy.as_deref(), Some("http://other:1"));
    }

    #[test]
    fn what_the_sdks_are_told_by_variables_is_understood_too() {
        let variables = [
            ("https_proxy", "http://proxy:3128"),
            ("NO_PROXY", "sts.example"),
            ("no_proxy", "not looked at"),
            ("AWS_CA_BUNDLE", "/etc/ours.pem"),
            ("AWS_HOSTNAME", "here"),
            ("AWS_INSTANCE_ID", "i-1"),
            ("XRAY_PROXY_ALLOW_ALL", "true"),
        ];
        let (config, _) = run("", &variables, "Extensions:\n  RoleExternalID: ours\n");
        let aws = config.aws;
        assert_eq!(aws.proxy.as_deref(), Some("http://proxy:3128"));
        assert_eq!(aws.no_proxy.as_deref(), Some("sts.example"));
        assert_eq!(aws.ca_bundle, Some(PathBuf::from("/etc/ours.pem")));
        assert_eq!(
            (aws.hostname.as_deref(), aws.instance_id.as_deref()),
            (Some("here"), Some("i-1"))
        );
        assert_eq!(aws.role_external_id.as_deref(), Some("ours"));
        assert!(config.proxy_allow_all);
        assert!(!run("", &[], "").0.proxy_allow_all);
    }

    #[test]
    fn log_levels_have_the_names_and_the_gaps_of_the_reference() {
        let level = |line, file| run(line, &[], file).1.level;
        assert_eq!(level("-l dev", ""), LevelFilter::TRACE);
        assert_eq!(level("-l error", "Logging:\n  LogLevel: debug\n"), LevelFilter::ERROR);
        assert_eq!(level("-l strange", "Logging:\n  LogLevel: debug\n"), LevelFilter::DEBUG);
        assert_eq!(level("", "Logging:\n  LogLevel: strange\n"), LevelFilter::TRACE);
        assert_eq!(run("--log-format json", &[], "").1.format, LogFormat::Json);
    }

    #[test]
    fn a_value_that_is_not_valid_is_named_with_where_it_stands() {
        for (line, variables, file, text) in [
            (
                "-m 2",
                &[][..],
                "",
                "--buffer-memory \"2\" is not valid; it takes the memory for segments in MB. Min \
                 Buffers Memory required: 3 MB.",
            ),
            (
                "",
                &[("XRAY_DRAIN_TIMEOUT", "soon")],
                "",
                "XRAY_DRAIN_TIMEOUT \"soon\" is not valid; it takes a duration such as 250ms, 20s, \
                 1m30s or 6h",
            ),
            (
                "",
                &[],
                "Socket:\n  UDPAddress: nowhere\n",
                "Socket.UDPAddress \"nowhere\" is not valid; it takes host:port, such as \
                 127.0.0.1:2000, :2000 or [::]:2000",
            ),
            (
                "--backend jaeger",
                &[],
                "",
                "--backend \"jaeger\" is not valid; it takes a list of aws, local and otlp, or both",
            ),
        ] {
            assert_eq!(command(line, variables, file).unwrap_err(), text);
        }
    }

    #[cfg(feature = "local")]
    #[test]
    fn the_local_x_ray_is_told_what_it_needs() {
        let line = "--backend both --data-dir /x --retention 2h --max-store-mb 100 --read-only \
                    --allow-host a.example,b.example --console 0.0.0.0:2002 --console-token s";
        let (config, _) = run(line, &[], "");
        assert_eq!(config.backends, [BackendKind::Aws, BackendKind::Local]);
        assert_eq!(config.local.retention, Duration::from_secs(7200));
        assert_eq!(config.local.max_store_bytes, 100 << 20);
        assert_eq!(config.local.allow_hosts, ["a.example", "b.example"]);
        assert!(config.local.read_only);
    }

    #[cfg(feature = "otlp-out")]
    #[test]
    fn sampling_rules_are_read_for_whoever_answers_by_them() {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(
            file.path(),
            r#"{"version": 2, "default": {"fixed_target": 2, "rate": 0.5}, "rules": []}"#,
        )
        .unwrap();
        let line = |backend: &str| {
            format!("--backend {backend} --sampling-rules {}", file.path().display())
        };
        let (config, _) = run(&line("otlp"), &[], "");
        let rules: Vec<_> =
            config.sampling_rules.iter().map(|rule| (&*rule.rule_name, rule.fixed_rate)).collect();
        assert_eq!(rules, [("Default", 0.5)]);
        let refused = command(&line("aws,otlp"), &[], "").unwrap_err();
        assert!(refused.contains("with aws the rules are those of AWS"), "{refused}");
        let missing = command("--backend otlp --sampling-rules /nowhere", &[], "").unwrap_err();
        assert!(missing.starts_with("--sampling-rules \"/nowhere\" cannot be used: the file is"));
    }

    #[cfg(feature = "local")]
    #[test]
    fn a_console_that_others_can_reach_needs_a_token() {
        let error = command("--backend local --console :2002", &[], "").unwrap_err();
        assert!(error.contains("needs --console-token"), "{error}");
        assert!(command("--backend aws --console :2002", &[], "").is_ok());
    }

    #[test]
    fn help_and_version_are_printed() {
        let Ok(Command::Print(usage)) = command("-h", &[], "") else { panic!() };
        assert!(usage.starts_with("Usage: X-Ray [options]\n"));
        let Ok(Command::Print(version)) = command("-v", &[], "") else { panic!() };
        assert_eq!(version, format!("AWS X-Ray daemon version: {}\n", env!("CARGO_PKG_VERSION")));
        // A file that is not valid comes before the version.
        assert!(command("-v", &[], "Strange: 1\n").is_err());
    }
}
