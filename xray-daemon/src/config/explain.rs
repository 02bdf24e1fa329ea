//! Every value of a daemon, where it comes from, and what the reference daemon would do.
//!
//! In: flags, environment, file. Out: the table of `--explain`, and what changes between two
//! readings, for SIGHUP. Owns the values as they were given. Secrets are compared, never shown.

use std::fmt;
use std::path::PathBuf;

use super::environment::Environment;
use super::memory::Memory;
use super::resolve::{Given, Source, Sources};
use super::table::{self, FILE_ONLY, OPTIONS, OptionSpec, Origin};

/// What stands for a secret.
const HIDDEN: &str = "(hidden)";
/// Parts of names of variables whose values are shown to nobody.
const SECRET_WORDS: [&str; 3] = ["SECRET", "TOKEN", "ACCESS_KEY"];

/// The values of all options.
#[derive(Clone, Debug, Default)]
pub struct Options {
    file: Option<PathBuf>,
    rows: Vec<Row>,
}

/// One option.
#[derive(Clone)]
struct Row {
    spec: &'static OptionSpec,
    /// What counts, as it was given; a default in words.
    value: String,
    from: String,
    is_default: bool,
}

/// What is different in a newer reading of flags, environment and file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Changes {
    /// What a running daemon takes over: `drain-timeout 20s → 5s`.
    pub now: Vec<String>,
    /// What counts from the next start on.
    pub at_next_start: Vec<String>,
}

impl Options {
    pub(super) fn read(sources: &Sources<'_>) -> Self {
        let rows = OPTIONS.iter().filter(|spec| !spec.is_question()).map(|spec| {
            let given = sources.option(spec.long).or_else(|| elsewhere(spec, sources));
            Row::new(spec, given, sources)
        });
        let file_only = FILE_ONLY.iter().filter(|spec| table::find(spec.long).is_none());
        let file_only = file_only
            .filter(|spec| spec.long != "Concurrency")
            .map(|spec| Row::new(spec, sources.file_key(spec.long), sources));
        Self { file: sources.file.path.clone(), rows: rows.chain(file_only).collect() }
    }

    /// Which file was read, and how many values are not defaults.
    pub fn summary(&self) -> String {
        let given = self.rows.iter().filter(|row| !row.is_default).count();
        match &self.file {
            Some(path) => format!("{} is valid, {given} values are given", path.display()),
            None => format!("no file, {given} values are given"),
        }
    }

    /// What is different in `newer`.
    pub fn changes(&self, newer: &Self) -> Changes {
        let mut changes = Changes::default();
        for (old, new) in self.rows.iter().zip(&newer.rows) {
            if old.value == new.value {
                continue;
            }
            let text = format!("{} {} → {}", old.spec.long, old.shown(), new.shown());
            let list =
                if old.spec.reloaded { &mut changes.now } else { &mut changes.at_next_start };
            list.push(text);
        }
        changes
    }

    /// The table of `--explain`.
    pub(super) fn table(&self, environment: &Environment) -> String {
        let mut rows = vec![["OPTION", "VALUE", "FROM", "REFERENCE DAEMON"].map(str::to_owned)];
        rows.extend(self.rows.iter().map(Row::cells));
        let mut text = match &self.file {
            Some(path) => format!("Configuration file: {}\n\n", path.display()),
            None => "Configuration file: none\n\n".to_owned(),
        };
        text.push_str(&aligned(&rows));
        let aws: Vec<_> = environment.iter().filter(|(name, _)| is_read_by_sdk(name)).collect();
        if !aws.is_empty() {
            text.push_str("\nAlso set, and read by the AWS SDK:\n");
        }
        for (name, value) in aws {
            let secret = SECRET_WORDS.iter().any(|word| name.contains(word));
            let value = if secret { HIDDEN } else { value };
            text.push_str(&format!("{name}={}\n", without_password(value)));
        }
        text
    }
}

/// The places that some options of the reference have besides their flag.
fn elsewhere(spec: &OptionSpec, sources: &Sources<'_>) -> Option<Given> {
    let variable = |name: &str| {
        let value = (sources.variable)(name).filter(|value| !value.is_empty())?;
        Some(Given { name: name.to_owned(), value, source: Source::Variable })
    };
    match spec.long {
        "region" => variable("AWS_REGION"),
        "proxy-address" => variable("HTTPS_PROXY").or_else(|| variable("https_proxy")),
        "otlp-endpoint" => variable("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
            .or_else(|| variable("OTEL_EXPORTER_OTLP_ENDPOINT")),
        "concurrency" => sources.file_key("Concurrency"),
        _ => None,
    }
}

impl Row {
    fn new(spec: &'static OptionSpec, given: Option<Given>, sources: &Sources<'_>) -> Self {
        let is_automatic = |given: &Given| {
            spec.long == "buffer-memory"
                && given.value.parse().is_ok_and(|megabytes: i64| megabytes <= 0)
        };
        let Some(given) = given.filter(|given| !is_automatic(given)) else {
            let (value, from) = default(spec);
            return Self { spec, value, from, is_default: true };
        };
        let from = match given.source {
            Source::Flag => "flag".to_owned(),
            Source::Variable => format!("environment, {}", given.name),
            Source::File => match sources.file.line(&given.name) {
                Some(line) => format!("file, line {line}"),
                None => "file".to_owned(),
            },
        };
        Self { spec, value: given.value, from, is_default: false }
    }

    fn shown(&self) -> String {
        if self.spec.secret && !self.is_default {
            HIDDEN.to_owned()
        } else if self.value.is_empty() {
            "-".to_owned()
        } else {
            without_password(&self.value)
        }
    }

    fn cells(&self) -> [String; 4] {
        let long = self.spec.long;
        let option = match (self.spec.short, FILE_ONLY.iter().any(|spec| spec.long == long)) {
            (Some(short), _) => format!("-{short}, --{long}"),
            (None, true) => long.to_owned(),
            (None, false) => format!("--{long}"),
        };
        let reference = match self.spec.origin {
            Origin::Ours if long == "concurrency" => "8; in the file alone",
            Origin::Ours | Origin::Question => "has no such option",
            Origin::Reference if self.is_default => self.spec.differs,
            Origin::Reference => "",
        };
        [option, self.shown(), self.from.clone(), reference.to_owned()]
    }
}

impl fmt::Debug for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} = {} ({})", self.spec.long, self.shown(), self.from)
    }
}

/// A default, and how it comes about.
fn default(spec: &OptionSpec) -> (String, String) {
    match spec.long {
        "buffer-memory" => {
            let megabytes = Memory::of_this_process().buffer_bytes(None) >> 20;
            (megabytes.to_string(), "default, 1 % of memory, at least 16".into())
        }
        "region" => (String::new(), "looked up at start: ECS, EC2, profile".into()),
        "concurrency" => ("up to 256, by latency".into(), "default".into()),
        _ => (spec.default.to_owned(), "default".into()),
    }
}

/// Hides user and password of a URL.
fn without_password(text: &str) -> String {
    let Some((scheme, rest)) = text.split_once("://") else { return text.to_owned() };
    let authority_len = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let at = rest.get(..authority_len).and_then(|authority| authority.rfind('@'));
    match at.and_then(|at| rest.get(at + 1..)) {
        Some(rest) => format!("{scheme}://{HIDDEN}@{rest}"),
        None => text.to_owned(),
    }
}

fn is_read_by_sdk(name: &str) -> bool {
    let others = ["HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "https_proxy", "no_proxy"];
    let certificates = ["SSL_CERT_FILE", "SSL_CERT_DIR"];
    name.starts_with("AWS_") || others.contains(&name) || certificates.contains(&name)
}

/// Columns under each other, two blanks between, none at the end of a line.
fn aligned(rows: &[[String; 4]]) -> String {
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max();
    let widths: [usize; 4] = std::array::from_fn(|column| width(column).unwrap_or(0));
    let mut text = String::new();
    for row in rows {
        let cells = row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}"));
        let line = cells.collect::<Vec<_>>().join("  ");
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::config::{Command, Loaded, load};

    /// What the program makes of arguments, variables, and `cfg.yaml` in its folder.
    fn command(line: &str, variables: &[(&str, &str)], file: &str) -> Command {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("cfg.yaml"), format!("Version: 2\n{file}")).unwrap();
        let arguments = line.split_whitespace().map(str::to_owned);
        load(arguments, &variables.iter().copied().collect(), folder.path()).unwrap()
    }

    fn explained(line: &str, variables: &[(&str, &str)], file: &str) -> String {
        match command(&format!("--explain {line}"), variables, file) {
            Command::Print(text) => text,
            other => panic!("{other:?}"),
        }
    }

    fn loaded(line: &str, file: &str) -> Loaded {
        match command(line, &[], file) {
            Command::Run(loaded) => *loaded,
            other => panic!("{other:?}"),
        }
    }

    /// The cells of the row of `option`.
    fn row(text: &str, option: &str) -> Vec<String> {
        let line = text.lines().find(|line| {
            line.split("  ").next().is_some_and(|cell| cell.split(", ").any(|name| name == option))
        });
        let cells = line.unwrap_or_else(|| panic!("no {option} in\n{text}")).split("  ");
        cells.map(|cell| cell.trim().to_owned()).filter(|cell| !cell.is_empty()).collect()
    }

    #[test]
    fn each_value_says_where_it_comes_from() {
        let file = "TotalBufferSizeMB: 24\nSocket:\n  UDPAddress: 0.0.0.0:2000\n";
        let variables = [("XRAY_DRAIN_TIMEOUT", "5s"), ("AWS_REGION", "eu-west-1")];
        let text = explained("-t 127.0.0.1:2001 --admin :2003", &variables, file);
        assert_eq!(row(&text, "--buffer-memory"), ["-m, --buffer-memory", "24", "file, line 2"]);
        assert_eq!(row(&text, "--bind"), ["-b, --bind", "0.0.0.0:2000", "file, line 4"]);
        assert_eq!(row(&text, "--bind-tcp"), ["-t, --bind-tcp", "127.0.0.1:2001", "flag"]);
        assert_eq!(
            row(&text, "--region"),
            ["-n, --region", "eu-west-1", "environment, AWS_REGION"]
        );
        assert_eq!(row(&text, "--admin"), ["--admin", ":2003", "flag", "has no such option"]);
        assert_eq!(
            row(&text, "--drain-timeout"),
            ["--drain-timeout", "5s", "environment, XRAY_DRAIN_TIMEOUT", "has no such option"]
        );
        assert_eq!(row(&text, "Logging.LogRotation"), ["Logging.LogRotation", "true", "default"]);
        assert!(text.contains("\nAlso set, and read by the AWS SDK:\nAWS_REGION=eu-west-1\n"));
    }

    #[test]
    fn what_the_reference_does_otherwise_is_said() {
        let text = explained("", &[], "");
        let memory = row(&text, "--buffer-memory");
        assert_eq!(memory[3], "1 % of the host, a container's limit ignored");
        assert_eq!(row(&text, "--concurrency")[3], "8; in the file alone");
        assert_eq!(row(&text, "--bind").len(), 3);
    }

    #[test]
    fn secrets_are_shown_to_nobody() {
        let variables = [
            ("AWS_SECRET_ACCESS_KEY", "s3cr3t"),
            ("AWS_SESSION_TOKEN", "s3cr3t"),
            ("HTTPS_PROXY", "http://ada:s3cr3t@proxy:3128/"),
        ];
        let text = explained("--console-token s3cr3t", &variables, "");
        assert!(!text.contains("s3cr3t"), "{text}");
        assert_eq!(row(&text, "--console-token")[1], HIDDEN);
        assert_eq!(row(&text, "--proxy-address")[1], "http://(hidden)@proxy:3128/");
        let options = loaded("--console-token s3cr3t", "").options;
        assert!(!format!("{options:?}").contains("s3cr3t"));
    }

    #[test]
    fn changes_are_told_by_what_takes_them_over() {
        let old = loaded("", "Region: a\nLogging:\n  LogLevel: prod\n");
        let new = loaded("", "Region: b\nLogging:\n  LogLevel: debug\n");
        let changes = old.options.changes(&new.options);
        assert_eq!(changes.now, ["log-level prod → debug"]);
        assert_eq!(changes.at_next_start, ["region a → b"]);
        assert_eq!(old.options.changes(&old.options), Changes::default());
    }
}
