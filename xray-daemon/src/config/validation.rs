//! Checks the keys of a configuration file, and its version.
//!
//! In: the file as a YAML mapping. Out: every fault, in the text of the reference daemon. Owns the lists of keys. Only one level below the top is looked at, as there.

use yaml_serde::{Mapping, Value};

use super::error::ConfigError;
use super::table::{OPTIONS, OptionSpec, Origin};

/// Keys of the file that no flag has.
const FILE_KEYS: [&str; 9] = [
    "Version",
    "Endpoint",
    "NoVerifySSL",
    "Concurrency",
    "Logging.LogRotation",
    "proxyserver.idleconntimeout",
    "proxyserver.maxidleconnsperhost",
    "proxyserver.maxidleconns",
    "Extensions",
];
/// Keys of old versions that are gone.
const GONE: [&str; 5] = [
    "Profile.CPU",
    "Profile.Memory",
    "Socket.BufferSizeKB",
    "Logging.LogFormat",
    "Processor.BatchProcessorQueueSize",
];
/// Keys of old versions that have another name now.
const RENAMED: [&str; 5] =
    ["LogRotation", "Processor.Region", "Processor.Endpoint", "Processor.Routine", "MemoryLimit"];

const MIGRATE: &str = "Use X-Ray Daemon Config Migration Script to update the config file. Please \
                       refer to AWS X-Ray Documentation for more information.";
const REFER: &str = "Please refer to AWS X-Ray Documentation for more information.";

/// What is wrong in a file, and where.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Fault {
    /// The key, from the top of the file.
    pub(super) key: String,
    /// The text of the reference daemon.
    pub(super) error: ConfigError,
}

/// Every key that is not one of the daemon's, and a version that is missing, in the order in which
/// the reference finds them.
pub(super) fn key_faults(file: &Mapping) -> Vec<Fault> {
    let mut faults = Vec::new();
    if !file.is_empty() && !file.contains_key("Version") {
        let text = format!("Config Version is missing. {MIGRATE}");
        faults.push(Fault { key: "Version".into(), error: ConfigError::File(text) });
    }
    for (key, value) in file {
        let key = text_of(key);
        match value {
            Value::Mapping(ours) if key == "Extensions" => faults.extend(our_key_faults(ours)),
            Value::Mapping(below) => {
                let names = below.keys().map(|name| format!("{key}.{}", text_of(name)));
                faults.extend(names.filter_map(|key| key_fault(&key)));
            }
            _ => faults.extend(key_fault(&key)),
        }
    }
    faults
}

/// A version that is not 1 or 2; a file without one is of none.
pub(super) fn version_fault(file: &Mapping) -> Option<Fault> {
    let version = file.get("Version").and_then(Value::as_u64);
    let wrong = !matches!(version, Some(1 | 2));
    let text = format!("Config Version Setting is not correct. {MIGRATE}");
    wrong.then(|| Fault { key: "Version".into(), error: ConfigError::File(text) })
}

fn text_of(key: &Value) -> String {
    match key {
        Value::String(text) => text.clone(),
        Value::Bool(value) => value.to_string(),
        Value::Number(number) => number.to_string(),
        _ => "?".to_owned(),
    }
}

fn key_fault(key: &str) -> Option<Fault> {
    let sections = ["Socket", "Logging", "proxyserver"];
    let mut reference = OPTIONS.iter().filter(|option| option.origin == Origin::Reference);
    let known = FILE_KEYS.contains(&key)
        || sections.contains(&key)
        || reference.any(|option| option.key == Some(key));
    if known {
        None
    } else if GONE.contains(&key) {
        Some(refused(key, "flag is not supported any more.", REFER))
    } else if RENAMED.contains(&key) {
        Some(refused(key, "flag is not supported.", MIGRATE))
    } else {
        Some(refused(key, "flag is invalid.", REFER))
    }
}

/// Our keys; a word that is none would be a setting that somebody relies on and that does nothing.
fn our_key_faults(ours: &Mapping) -> impl Iterator<Item = Fault> {
    ours.keys().filter_map(|key| {
        let key = text_of(key);
        let known = |option: &&OptionSpec| option.key == Some(key.as_str());
        let mut own = OPTIONS.iter().filter(|option| option.origin == Origin::Ours);
        let advice = "The usage (-h) names what there is.";
        own.all(|option| !known(&option))
            .then(|| refused(&format!("Extensions.{key}"), "flag is invalid.", advice))
    })
}

fn refused(key: &str, fault: &str, advice: &str) -> Fault {
    let error = ConfigError::File(format!("{key} {fault} {advice}"));
    Fault { key: key.to_owned(), error }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(text: &str) -> String {
        let file: Mapping = yaml_serde::from_str(text).unwrap();
        let first = key_faults(&file).into_iter().chain(version_fault(&file)).next();
        first.map_or_else(|| "valid".into(), |fault| fault.error.to_string())
    }

    #[test]
    fn files_of_both_versions_are_valid() {
        let first = "TotalBufferSizeMB: 0\nConcurrency: 8\nRegion: \"\"\nEndpoint: \"\"\n\
                     Socket:\n  UDPAddress: \"127.0.0.1:2000\"\nLogging:\n  LogRotation: true\n  \
                     LogLevel: \"prod\"\n  LogPath: \"\"\nLocalMode: false\nResourceARN: \"\"\n\
                     RoleARN: \"\"\nNoVerifySSL: false\nVersion: 1\n";
        assert_eq!(fault(first), "valid");
        let second = "Socket:\n  UDPAddress: \"0.0.0.0:2000\"\n  TCPAddress: \"0.0.0.0:2000\"\n\
                      ProxyAddress: \"\"\nproxyserver:\n  idleconntimeout: 30\nVersion: 2\n\
                      Extensions:\n  Backend: both\n  DrainLinger: 3s\n";
        assert_eq!(fault(second), "valid");
    }

    #[test]
    fn every_fault_is_found() {
        let text = "Regio: x\nSocket:\n  X: 1\n  Y: 2\nExtensions:\n  Bakend: x\n  Backend: aws\n";
        let faults = key_faults(&yaml_serde::from_str(text).unwrap());
        let keys: Vec<_> = faults.iter().map(|fault| fault.key.as_str()).collect();
        assert_eq!(keys, ["Version", "Regio", "Socket.X", "Socket.Y", "Extensions.Bakend"]);
    }

    #[test]
    fn an_empty_file_has_no_version_and_nothing_else_amiss() {
        assert_eq!(key_faults(&Mapping::new()), []);
        assert!(version_fault(&Mapping::new()).is_some());
    }

    #[test]
    fn faults_are_named_in_the_words_of_the_reference() {
        for (text, words) in [
            ("Region: x\n", "Config Version is missing. Use X-Ray Daemon Config Migration Script"),
            ("Version: 3\n", "Config Version Setting is not correct. Use X-Ray"),
            ("Version: \"2\"\n", "Config Version Setting is not correct."),
            ("Version: 3\nABCDE: 1\n", "ABCDE flag is invalid."),
            ("Version: 2\nProfile:\n  CPU: x\n", "Profile.CPU flag is not supported any more. "),
            ("Version: 2\nSocket:\n  BufferSizeKB: 1\n", "Socket.BufferSizeKB flag is not supp"),
            ("Version: 2\nMemoryLimit: 9\n", "MemoryLimit flag is not supported. Use X-Ray"),
            ("Version: 2\nProcessor:\n  Region: x\n", "Processor.Region flag is not supported. "),
            ("Version: 2\nABCDE: 1\n", "ABCDE flag is invalid. Please refer to AWS X-Ray Doc"),
            ("Version: 2\nregion: x\n", "region flag is invalid."),
            ("Version: 2\nSocket:\n  X: 1\n", "Socket.X flag is invalid."),
            ("Version: 2\nExtensions:\n  Bakend: x\n", "Extensions.Bakend flag is invalid."),
        ] {
            let fault = fault(text);
            assert!(fault.starts_with(words), "{text:?}: {fault}");
        }
    }
}
