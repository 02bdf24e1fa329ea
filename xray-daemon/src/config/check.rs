//! `--check-config`: everything that is wrong with flags, environment and file, at once.
//!
//! In: what the daemon would be started with. Out: one line a fault, and whether the daemon would
//! start. Owns nothing. Found out in rounds: a value that is refused is passed over, and the rest
//! is looked at again, so that the rules stand in one place.

use std::collections::BTreeSet;
use std::path::Path;

use super::environment::Environment;
use super::error::ConfigError;
use super::file::FileConfig;
use super::flags::Flags;
use super::logging;
use super::resolve::{Sources, resolve};
use super::settings::DaemonConfig;
use super::table::{self, OPTIONS};

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Report {
    /// For these the daemon does not start.
    errors: Vec<String>,
    /// These it takes, though they look like a mistake.
    warnings: Vec<String>,
    /// What was looked at.
    file: Option<String>,
}

impl Report {
    /// Looks at everything.
    pub(super) fn of(flags: &Flags, environment: &Environment, folder: &Path) -> Self {
        let mut report = Self::default();
        let asked = flags.get("config").filter(|path| !path.is_empty());
        let file = report.file(asked.map(Path::new), folder);
        let variable = |name: &str| environment.get(name).map(str::to_owned);
        let sources = Sources::new(flags, &variable, &file);
        if let Some(config) = report.values(&sources) {
            report.meaning(&config);
        }
        report.log_level(&sources);
        report.variables(environment);
        report
    }

    /// Whether the daemon would start.
    pub(super) fn is_good(&self) -> bool {
        self.errors.is_empty()
    }

    /// One line a fault, and a last one that sums up.
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        let (errors, warnings) = (&self.errors, &self.warnings);
        errors.iter().for_each(|error| text.push_str(&format!("error: {error}\n")));
        warnings.iter().for_each(|warning| text.push_str(&format!("warning: {warning}\n")));
        let file = self.file.as_deref().unwrap_or("flags and environment (there is no file)");
        let verdict = match errors.len() {
            0 => "valid".to_owned(),
            1 => "not valid, 1 error".to_owned(),
            many => format!("not valid, {many} errors"),
        };
        text.push_str(&format!("{file}: {verdict}\n"));
        text
    }

    fn file(&mut self, asked: Option<&Path>, folder: &Path) -> FileConfig {
        let (file, faults) = match FileConfig::examine(asked, folder) {
            Ok(examined) => examined,
            Err(refused) => {
                self.file = asked.map(|path| path.display().to_string());
                self.errors.push(refused.to_string());
                return FileConfig::default();
            }
        };
        self.file = file.path.as_ref().map(|path| path.display().to_string());
        for fault in faults {
            let text = match &fault.error {
                // Its own text names the file.
                ConfigError::Unreadable { reason, .. } => reason.clone(),
                error => error.to_string(),
            };
            let text = self.located(fault.line, &text);
            match fault.stops {
                true => self.errors.push(text),
                false => self.warnings.push(text),
            }
        }
        file
    }

    /// The configuration, where every value that was refused is left out.
    fn values(&mut self, sources: &Sources<'_>) -> Option<DaemonConfig> {
        // Each round takes one name out; there are not more of them.
        for _ in 0..4 * OPTIONS.len() {
            match resolve(sources) {
                Ok((config, _)) => return Some(config),
                Err(refused) => {
                    let ConfigError::Value { name, .. } = &refused else {
                        self.errors.push(refused.to_string());
                        return None;
                    };
                    let line = sources.file.get(name).and_then(|_| sources.file.line(name));
                    let text = match line {
                        Some(_) => self.located(line, &refused.to_string()),
                        None => refused.to_string(),
                    };
                    self.errors.push(text);
                    if !sources.passed_over.borrow_mut().insert(name.clone()) {
                        return None;
                    }
                }
            }
        }
        None
    }

    /// Values that are well-formed and still cannot work.
    fn meaning(&mut self, config: &DaemonConfig) {
        for kind in &config.backends {
            if !kind.is_built() {
                self.errors.push(format!("backend {kind} is not part of this build"));
            }
        }
        let urls = [("Endpoint", &config.aws.endpoint), ("proxy", &config.aws.proxy)];
        for (name, url) in urls {
            let Some(url) = url else { continue };
            let valid = url.parse::<http::Uri>().is_ok_and(|url| url.host().is_some());
            if !valid {
                self.errors.push(format!("{name} {url:?} is not valid; it takes a URL"));
            }
        }
        if let Some(role) = &config.aws.role_arn
            && !(role.starts_with("arn:") && role.contains(":role/"))
        {
            let form = "arn:aws:iam::123456789012:role/NAME";
            self.warnings.push(format!("role {role:?} does not look like {form}"));
        }
        if config.aws.no_verify_ssl {
            self.warnings
                .push("NoVerifySSL is set: whoever answers in the name of AWS is believed".into());
        }
    }

    /// Words that the reference takes without a complaint.
    fn log_level(&mut self, sources: &Sources<'_>) {
        let flag = sources.flags.get("log-level").filter(|word| logging::level(word).is_none());
        if let Some(word) = flag {
            self.warnings.push(format!("--log-level {word:?} is no level and is passed over"));
        }
        let key = "Logging.LogLevel";
        let word = sources.file.get(key).filter(|word| logging::level(word).is_none());
        if let Some(word) = word {
            let text = format!("{key} {word:?} is no level: everything is logged");
            let text = self.located(sources.file.line(key), &text);
            self.warnings.push(text);
        }
    }

    /// Variables that look like ours and are not.
    fn variables(&mut self, environment: &Environment) {
        let known: BTreeSet<_> = OPTIONS.iter().filter_map(table::variable).collect();
        for (name, _) in environment.iter() {
            // Kubernetes sets such names for Services, the reference two of its own.
            let of_others = name.contains("_SERVICE_")
                || name.contains("_PORT")
                || name.starts_with("XRAY_DAEMON_")
                || name.starts_with("XRAY_TEST");
            if name.starts_with("XRAY_") && !of_others && !known.contains(name) {
                self.warnings.push(format!("{name} is no variable of the daemon"));
            }
        }
    }

    fn located(&self, line: Option<usize>, text: &str) -> String {
        match (&self.file, line) {
            (Some(file), Some(line)) => format!("{file}:{line}: {text}"),
            (Some(file), None) => format!("{file}: {text}"),
            (None, _) => text.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use crate::config::{Command, load};

    /// The lines of the report, the file's folder left out, and whether all is well.
    fn checked(line: &str, variables: &[(&str, &str)], file: &str) -> (Vec<String>, bool) {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("cfg.yaml"), file).unwrap();
        let folder_text = format!("{}/", folder.path().display());
        let line = line.replace("FILE", &format!("{folder_text}cfg.yaml"));
        let arguments = ["--check-config"].into_iter().chain(line.split_whitespace());
        let environment = variables.iter().copied().collect();
        let command = load(arguments.map(str::to_owned), &environment, folder.path()).unwrap();
        let (text, good) = match command {
            Command::Print(text) => (text, true),
            Command::Fail(text) => (text, false),
            other => panic!("{other:?}"),
        };
        (text.replace(&folder_text, "").lines().map(str::to_owned).collect(), good)
    }

    #[test]
    fn a_good_file_is_valid() {
        let file = "TotalBufferSizeMB: 24\nVersion: 2\n";
        assert_eq!(checked("-c FILE", &[], file), (vec!["cfg.yaml: valid".into()], true));
        assert_eq!(checked("", &[], file), (vec!["cfg.yaml: valid".into()], true));
    }

    #[test]
    fn every_fault_is_named_with_its_line() {
        let file = "Version: 2\nTotalBufferSizeMB: 1\nSocket:\n  UDPAddress: nowhere\n  X: \
                    1\nLocalMode: 7\nExtensions:\n  DrainTimeout: soon\n  Bakend: aws\n";
        let (lines, good) = checked("-c FILE --admin x", &[("XRAY_DRAIN_LINGER", "1")], file);
        let expected = [
            "error: cfg.yaml:5: Socket.X flag is invalid. Please refer to AWS X-Ray Documentation \
             for more information.",
            "error: cfg.yaml:9: Extensions.Bakend flag is invalid. The usage (-h) names what there \
             is.",
            "error: cfg.yaml:6: LocalMode: takes true or false",
            "error: cfg.yaml:4: Socket.UDPAddress \"nowhere\" is not valid; it takes host:port, \
             such as 127.0.0.1:2000, :2000 or [::]:2000",
            "error: --admin \"x\" is not valid; it takes host:port, such as 127.0.0.1:2000, :2000 \
             or [::]:2000",
            "error: cfg.yaml:2: TotalBufferSizeMB \"1\" is not valid; it takes the memory for \
             segments in MB. Min Buffers Memory required: 3 MB.",
            "error: cfg.yaml:8: Extensions.DrainTimeout \"soon\" is not valid; it takes a duration \
             such as 250ms, 20s, 1m30s or 6h",
            "error: XRAY_DRAIN_LINGER \"1\" is not valid; it takes a duration such as 250ms, 20s, \
             1m30s or 6h",
            "cfg.yaml: not valid, 8 errors",
        ];
        assert_eq!(
            (lines.iter().map(String::as_str).collect::<Vec<_>>(), good),
            (expected.into(), false)
        );
    }

    #[test]
    fn what_the_daemon_takes_though_it_looks_like_a_mistake_is_a_warning() {
        let file = "Version: 1\nStrange: 1\nLogging:\n  LogLevel: loud\n";
        let variables =
            [("XRAY_DRAIN_TIMOUT", "1s"), ("XRAY_SERVICE_PORT_2000_TCP", "tcp://10.0.0.1:2000")];
        let (lines, good) = checked("-l strange -r admin", &variables, file);
        let expected = [
            "warning: cfg.yaml:2: Strange flag is invalid. Please refer to AWS X-Ray Documentation \
             for more information.",
            "warning: role \"admin\" does not look like arn:aws:iam::123456789012:role/NAME",
            "warning: --log-level \"strange\" is no level and is passed over",
            "warning: cfg.yaml:4: Logging.LogLevel \"loud\" is no level: everything is logged",
            "warning: XRAY_DRAIN_TIMOUT is no variable of the daemon",
            "cfg.yaml: valid",
        ];
        assert_eq!(
            (lines.iter().map(String::as_str).collect::<Vec<_>>(), good),
            (expected.into(), true)
        );
    }

    #[test]
    fn a_file_that_is_no_yaml_is_named_with_the_place() {
        let (lines, good) = checked("-c FILE", &[], "Version: [2\n");
        assert!(!good);
        assert!(lines[0].starts_with("error: Error occur when using config flag: "), "{lines:?}");
        assert!(lines[0].contains("line 2"), "{lines:?}");
        assert_eq!(lines[1], "cfg.yaml: not valid, 1 error");
    }
}
