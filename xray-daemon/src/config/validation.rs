//! Checks the keys of a configuration file that was asked for by `-c`.
//!
//! In: the file as a YAML mapping. Out: nothing, or the text of the reference daemon for what is
//! wrong. Owns the lists of keys. Only one level below the top is looked at, as there.

use yaml_serde::{Mapping, Value};

use super::error::ConfigError;
use super::table::{OPTIONS, Origin};

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

/// Checks version and keys.
pub(super) fn check(file: &Mapping) -> Result<(), ConfigError> {
    check_version(file)?;
    for (key, value) in file {
        let Some(key) = key.as_str() else {
            return Err(refused(&format!("{key:?}"), "flag is invalid.", REFER));
        };
        match value {
            Value::Mapping(below) if key != "Extensions" => {
                for name in below.keys() {
                    let name = name.as_str().unwrap_or("?");
                    check_key(&format!("{key}.{name}"))?;
                }
            }
            Value::Mapping(ours) => check_extensions(ours)?,
            _ => check_key(key)?,
        }
    }
    Ok(())
}

fn check_version(file: &Mapping) -> Result<(), ConfigError> {
    match file.get("Version") {
        None | Some(Value::Null) => {
            Err(ConfigError::File(format!("Config Version is missing. {MIGRATE}")))
        }
        Some(version) if matches!(version.as_u64(), Some(1 | 2)) => Ok(()),
        Some(_) => {
            Err(ConfigError::File(format!("Config Version Setting is not correct. {MIGRATE}")))
        }
    }
}

fn check_key(key: &str) -> Result<(), ConfigError> {
    let sections = ["Socket", "Logging", "proxyserver"];
    let mut reference = OPTIONS.iter().filter(|option| option.origin == Origin::Reference);
    let known = FILE_KEYS.contains(&key)
        || sections.contains(&key)
        || reference.any(|option| option.key == Some(key));
    if known {
        Ok(())
    } else if GONE.contains(&key) {
        Err(refused(key, "flag is not supported any more.", REFER))
    } else if RENAMED.contains(&key) {
        Err(refused(key, "flag is not supported.", MIGRATE))
    } else {
        Err(refused(key, "flag is invalid.", REFER))
    }
}

/// Our keys; a word that is none would be a setting that somebody relies on and that does nothing.
fn check_extensions(ours: &Mapping) -> Result<(), ConfigError> {
    for key in ours.keys() {
        let key = key.as_str().unwrap_or("?");
        let known = |option: &super::table::OptionSpec| option.key == Some(key);
        if !OPTIONS.iter().filter(|option| option.origin == Origin::Ours).any(known) {
            let key = format!("Extensions.{key}");
            return Err(refused(&key, "flag is invalid.", "The usage (-h) names what there is."));
        }
    }
    Ok(())
}

fn refused(key: &str, fault: &str, advice: &str) -> ConfigError {
    ConfigError::File(format!("{key} {fault} {advice}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(text: &str) -> String {
        let file: Mapping = yaml_serde::from_str(text).unwrap();
        check(&file).map_or_else(|error| error.to_string(), |()| "valid".into())
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
    fn faults_are_named_in_the_words_of_the_reference() {
        for (text, words) in [
            ("Region: x\n", "Config Version is missing. Use X-Ray Daemon Config Migration Script"),
            ("Version: 3\n", "Config Version Setting is not correct. Use X-Ray"),
            ("Version: \"2\"\n", "Config Version Setting is not correct."),
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
