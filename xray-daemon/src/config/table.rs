//! The options of the daemon: names, kinds, defaults, help. The one place where they stand.
//!
//! In: nothing. Out: the table that the parser, the usage, the file reader and `--explain` go by.
//! Owns the names, which outsiders rely on.

/// What a flag takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Any text.
    Text,
    /// A whole number.
    Integer,
    /// Nothing, or `=true` and `=false`.
    Switch,
}

/// One option.
#[derive(Debug)]
pub(super) struct OptionSpec {
    /// Name of one letter, for those of the reference daemon.
    pub(super) short: Option<&'static str>,
    /// Name, without dashes; for ours also the variable, in capitals behind `XRAY_`.
    pub(super) long: &'static str,
    /// Key in the configuration file; for ours within `Extensions`.
    pub(super) key: Option<&'static str>,
    pub(super) kind: Kind,
    /// Whose it is.
    pub(super) origin: Origin,
    pub(super) help: &'static str,
    /// What counts without it, for `--explain`; empty: nothing.
    pub(super) default: &'static str,
    /// What the reference daemon does otherwise without it; empty: the same.
    pub(super) differs: &'static str,
    /// Whether its value is shown to nobody.
    pub(super) secret: bool,
    /// Whether SIGHUP changes it in a running daemon.
    pub(super) reloaded: bool,
}

impl OptionSpec {
    const fn new(long: &'static str, kind: Kind, origin: Origin, help: &'static str) -> Self {
        Self {
            short: None,
            long,
            key: None,
            kind,
            origin,
            help,
            default: "",
            differs: "",
            secret: false,
            reloaded: false,
        }
    }

    const fn by_default(self, default: &'static str) -> Self {
        Self { default, ..self }
    }

    const fn differs(self, differs: &'static str) -> Self {
        Self { differs, ..self }
    }

    const fn secret(self) -> Self {
        Self { secret: true, ..self }
    }

    const fn reloaded(self) -> Self {
        Self { reloaded: true, ..self }
    }

    /// Whether it tells the program to do something else than to run.
    pub(super) fn is_question(&self) -> bool {
        matches!(self.long, "config" | "version" | "help" | "check-config" | "explain")
    }
}

/// Whose option it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// Of the reference daemon: no variable of its own, a key at the top of the file.
    Reference,
    /// Added here.
    Ours,
    /// Added here, for the command line alone.
    Question,
}

const fn reference(
    short: &'static str,
    long: &'static str,
    key: Option<&'static str>,
    kind: Kind,
    help: &'static str,
) -> OptionSpec {
    OptionSpec { short: Some(short), key, ..OptionSpec::new(long, kind, Origin::Reference, help) }
}

const fn ours(long: &'static str, key: &'static str, kind: Kind, help: &'static str) -> OptionSpec {
    OptionSpec { key: Some(key), ..OptionSpec::new(long, kind, Origin::Ours, help) }
}

/// A question that only a person at the command line asks: no variable, no key.
const fn question(long: &'static str, help: &'static str) -> OptionSpec {
    OptionSpec::new(long, Kind::Switch, Origin::Question, help)
}

const fn file_only(key: &'static str, kind: Kind) -> OptionSpec {
    OptionSpec { key: Some(key), ..OptionSpec::new(key, kind, Origin::Reference, "") }
}

/// All options, in the order of the usage.
pub(super) static OPTIONS: &[OptionSpec] = &[
    reference(
        "a",
        "resource-arn",
        Some("ResourceARN"),
        Kind::Text,
        "ARN of the AWS resource that runs the daemon.",
    ),
    reference(
        "o",
        "local-mode",
        Some("LocalMode"),
        Kind::Switch,
        "Don't ask the machine's metadata (EC2, ECS).",
    )
    .by_default("false"),
    reference(
        "m",
        "buffer-memory",
        Some("TotalBufferSizeMB"),
        Kind::Integer,
        "Memory for segments in MB, 3 or more. Default: 1 % of the memory there is, 16 at least.",
    )
    .differs("1 % of the host, a container's limit ignored")
    .reloaded(),
    reference("n", "region", Some("Region"), Kind::Text, "AWS region to send segments to."),
    reference(
        "b",
        "bind",
        Some("Socket.UDPAddress"),
        Kind::Text,
        "UDP address for segments. Default: 127.0.0.1:2000.",
    )
    .by_default("127.0.0.1:2000"),
    reference(
        "t",
        "bind-tcp",
        Some("Socket.TCPAddress"),
        Kind::Text,
        "TCP address for sampling calls. Default: 127.0.0.1:2000.",
    )
    .by_default("127.0.0.1:2000"),
    reference("r", "role-arn", Some("RoleARN"), Kind::Text, "IAM role to assume for uploads."),
    reference("c", "config", None, Kind::Text, "Configuration file to load and check."),
    reference(
        "f",
        "log-file",
        Some("Logging.LogPath"),
        Kind::Text,
        "File to log to. Default: standard output.",
    )
    .by_default("standard output")
    .reloaded(),
    reference(
        "l",
        "log-level",
        Some("Logging.LogLevel"),
        Kind::Text,
        "Least level that is logged: dev, debug, info, warn, error, prod. Default: prod (info).",
    )
    .by_default("prod")
    .reloaded(),
    reference(
        "p",
        "proxy-address",
        Some("ProxyAddress"),
        Kind::Text,
        "HTTP proxy to reach AWS through.",
    ),
    reference("v", "version", None, Kind::Switch, "Show the version."),
    reference("h", "help", None, Kind::Switch, "Show this text."),
    question("check-config", "Check flags, environment and file, name every fault, and end."),
    question(
        "explain",
        "Show each value, where it comes from and what the reference has, and end.",
    ),
    ours(
        "backend",
        "Backend",
        Kind::Text,
        "Where segments go: a list of aws, local and otlp, or both. Default: aws.",
    )
    .by_default("aws"),
    ours(
        "admin",
        "Admin",
        Kind::Text,
        "TCP address for /healthz, /readyz and /metrics. Default: 127.0.0.1:2001.",
    )
    .by_default("127.0.0.1:2001"),
    ours(
        "otlp-grpc",
        "OtlpGrpc",
        Kind::Text,
        "TCP address for OpenTelemetry spans by gRPC, such as 127.0.0.1:4317. Default: none.",
    ),
    ours(
        "otlp-http",
        "OtlpHttp",
        Kind::Text,
        "TCP address for OpenTelemetry spans by HTTP, such as 127.0.0.1:4318. Default: none.",
    ),
    ours(
        "spool",
        "Spool",
        Kind::Text,
        "Folder for segments that do not fit in memory. Default: none, the oldest are dropped.",
    ),
    ours("spool-max-mb", "SpoolMaxMB", Kind::Integer, "Most MB on disk. Default: 1024.")
        .by_default("1024"),
    ours(
        "spool-max-age",
        "SpoolMaxAge",
        Kind::Text,
        "How long segments on disk are worth sending. Default: 24h.",
    )
    .by_default("24h"),
    ours(
        "sampling-rules",
        "SamplingRules",
        Kind::Text,
        "File of sampling rules, for --backend local or otlp: as SDKs have it, or the API's answer.",
    ),
    ours(
        "otlp-endpoint",
        "OtlpEndpoint",
        Kind::Text,
        "URL for --backend otlp. Default: OTEL_EXPORTER_OTLP_ENDPOINT, or http://localhost:4318.",
    )
    .by_default("http://localhost:4318"),
    ours(
        "drain-timeout",
        "DrainTimeout",
        Kind::Text,
        "Longest that sending what is left may take at shutdown. Default: 20s.",
    )
    .by_default("20s")
    .reloaded(),
    ours(
        "drain-linger",
        "DrainLinger",
        Kind::Text,
        "How long datagrams are still read after the signal to stop. Default: 0s.",
    )
    .by_default("0s")
    .reloaded(),
    ours(
        "ready-requires-credentials",
        "ReadyRequiresCredentials",
        Kind::Switch,
        "Not ready before AWS credentials are found, however long that takes.",
    )
    .by_default("false"),
    ours(
        "role-external-id",
        "RoleExternalID",
        Kind::Text,
        "External id that the role of --role-arn asks for.",
    ),
    ours(
        "proxy-allow-all",
        "ProxyAllowAll",
        Kind::Switch,
        "Sign and pass on every call on the TCP address, as the reference does.",
    )
    .by_default("false")
    .differs("every call is signed and passed on, with the headers that meshes add"),
    ours("log-format", "LogFormat", Kind::Text, "How lines are written: text or json.")
        .by_default("text"),
    ours(
        "console",
        "Console",
        Kind::Text,
        "TCP address of the local X-Ray's API and console. Default: 127.0.0.1:2002.",
    )
    .by_default("127.0.0.1:2002"),
    ours(
        "allow-host",
        "AllowHost",
        Kind::Text,
        "Names, with commas between, that the console may be called by.",
    ),
    ours(
        "console-token",
        "ConsoleToken",
        Kind::Text,
        "What callers of API and console must know; needed off loopback.",
    )
    .secret(),
    ours("read-only", "ReadOnly", Kind::Switch, "API and console change nothing.")
        .by_default("false"),
    ours(
        "data-dir",
        "DataDir",
        Kind::Text,
        "Folder of the local X-Ray's store. Default: gone at exit.",
    )
    .by_default("a temporary file"),
    ours(
        "retention",
        "Retention",
        Kind::Text,
        "How long the local X-Ray keeps traces. Default: 6h.",
    )
    .by_default("6h"),
    ours(
        "max-store-mb",
        "MaxStoreMB",
        Kind::Integer,
        "Most MB that the local X-Ray's store may take. Default: 2048.",
    )
    .by_default("2048"),
    ours(
        "concurrency",
        "Concurrency",
        Kind::Integer,
        "Most uploads at once. Default: as many as are needed, up to 256.",
    )
    .by_default("up to 256, by latency")
    .differs("8"),
];

/// Keys of the file that no flag has.
pub(super) static FILE_ONLY: &[OptionSpec] = &[
    file_only("Concurrency", Kind::Integer).by_default("up to 256, by latency").differs("8"),
    file_only("Endpoint", Kind::Text),
    file_only("NoVerifySSL", Kind::Switch).by_default("false"),
    file_only("Logging.LogRotation", Kind::Switch).by_default("true").reloaded(),
];

/// The option of that name, without dashes.
pub(super) fn find(name: &str) -> Option<&'static OptionSpec> {
    OPTIONS.iter().find(|option| option.long == name || option.short == Some(name))
}

/// The key in the file, from its top.
pub(super) fn file_key(option: &OptionSpec) -> Option<String> {
    let key = option.key?;
    Some(match option.origin {
        Origin::Ours => format!("Extensions.{key}"),
        Origin::Reference | Origin::Question => key.to_owned(),
    })
}

/// The name of the variable of one of our options.
pub(super) fn variable(option: &OptionSpec) -> Option<String> {
    let ours = option.origin == Origin::Ours;
    ours.then(|| format!("XRAY_{}", option.long.to_uppercase().replace('-', "_")))
}

/// The usage.
pub(super) fn usage() -> String {
    let mut text = String::from("Usage: X-Ray [options]\n");
    for OptionSpec { short, long, help, .. } in OPTIONS {
        let short = short.map(|short| format!("-{short}")).unwrap_or_default();
        let tabs = if long.len() <= 4 { "\t\t" } else { "\t" };
        text.push_str(&format!("\t{short}\t--{long}{tabs}{help}\n"));
    }
    text
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_name_stands_twice() {
        let names = OPTIONS.iter().flat_map(|option| option.short.into_iter().chain([option.long]));
        let names: Vec<_> = names.collect();
        assert_eq!(names.iter().collect::<HashSet<_>>().len(), names.len());
    }

    #[test]
    fn the_usage_has_the_layout_of_the_reference() {
        let usage = usage();
        let lines: Vec<_> = usage.lines().collect();
        assert_eq!(lines[0], "Usage: X-Ray [options]");
        assert!(lines[1].starts_with("\t-a\t--resource-arn\tARN"));
        assert!(lines[5].starts_with("\t-b\t--bind\t\tUDP"));
        assert!(usage.contains("\n\t\t--backend\tWhere"));
    }

    #[test]
    fn our_options_have_a_variable_and_the_references_have_none() {
        assert_eq!(variable(find("drain-timeout").unwrap()).unwrap(), "XRAY_DRAIN_TIMEOUT");
        assert_eq!(variable(find("n").unwrap()), None);
    }
}
