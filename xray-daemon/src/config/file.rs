//! The configuration file: finds it, reads it, gives its values as text.
//!
//! In: the path of `-c`, or the usual places. Out: values by key, and what is wrong with them. Owns
//! nothing. Of a file that was found by itself unknown keys are passed over; of one that was asked
//! for they stop the daemon. Empty text and 0 mean "not set", so the default.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use yaml_serde::{Mapping, Value};

use super::error::ConfigError;
use super::lines;
use super::table::{self, FILE_ONLY, Kind, OPTIONS};
use super::validation::{self, Fault};

/// Where the file is looked for; the first that is there is taken.
const PLACES: [&str; 3] =
    ["/etc/amazon/xray/cfg.yaml", "cfg.yaml", "github.com/aws/aws-xray-daemon/pkg/cfg.yaml"];
/// Longest file that is read.
const MAX_FILE_BYTES: u64 = 1 << 20;
/// What a file says.
#[derive(Debug, Default, PartialEq)]
pub(super) struct FileConfig {
    /// The file, if there is one.
    pub(super) path: Option<PathBuf>,
    /// Values by key: `Socket.UDPAddress`, `Extensions.Backend`.
    values: BTreeMap<String, String>,
    text: String,
}

/// What is wrong in a file.
#[derive(Debug, PartialEq)]
pub(super) struct FileFault {
    pub(super) error: ConfigError,
    /// Line of the key, where it can be told.
    pub(super) line: Option<usize>,
    /// Whether the daemon does not start for it.
    pub(super) stops: bool,
}

impl FileConfig {
    /// Reads the file that `-c` names, or the first of the usual places.
    pub(super) fn load(asked: Option<&Path>, folder: &Path) -> Result<Self, ConfigError> {
        let (file, faults) = Self::examine(asked, folder)?;
        let first = faults.into_iter().find(|fault| fault.stops);
        first.map_or(Ok(file), |fault| Err(fault.error))
    }

    /// The same, with everything that is wrong.
    ///
    /// # Errors
    /// When the file cannot be read, or is no YAML.
    pub(super) fn examine(
        asked: Option<&Path>,
        folder: &Path,
    ) -> Result<(Self, Vec<FileFault>), ConfigError> {
        if let Some(path) = asked {
            return Self::read(path, true);
        }
        let mut places = PLACES.iter().map(|place| folder.join(place));
        let found = places.find(|place| place.is_file());
        found.map_or_else(|| Ok((Self::default(), Vec::new())), |path| Self::read(&path, false))
    }

    /// The value of `key`, if it is set.
    pub(super) fn get(&self, key: &str) -> Option<&str> {
        self.values.get(key).map(String::as_str)
    }

    /// The line of `key`, where it can be told.
    pub(super) fn line(&self, key: &str) -> Option<usize> {
        lines::line_of(&self.text, key)
    }

    fn read(path: &Path, asked_for: bool) -> Result<(Self, Vec<FileFault>), ConfigError> {
        let unreadable = |reason: String| ConfigError::Unreadable { path: path.into(), reason };
        let too_long = fs::metadata(path).is_ok_and(|file| file.len() > MAX_FILE_BYTES);
        if too_long {
            return Err(unreadable("longer than 1 MiB".into()));
        }
        let text = fs::read_to_string(path).map_err(|error| unreadable(error.to_string()))?;
        let root = yaml_serde::from_str(&text).map_err(|error| unreadable(error.to_string()))?;
        let content = match root {
            Value::Mapping(content) => content,
            Value::Null => Mapping::new(),
            _ => return Err(unreadable("not a mapping of keys to values".into())),
        };
        let (values, type_faults) = values(&content);
        let file = Self { path: Some(path.into()), values, text };
        let fault = |stops: bool| {
            let file = &file;
            move |Fault { key, error }| FileFault { line: file.line(&key), error, stops }
        };
        let type_faults = type_faults
            .into_iter()
            .map(|(key, reason)| Fault { error: unreadable(format!("{key}: {reason}")), key });
        let mut faults: Vec<_> =
            validation::key_faults(&content).into_iter().map(fault(asked_for)).collect();
        faults.extend(type_faults.chain(validation::version_fault(&content)).map(fault(true)));
        Ok((file, faults))
    }
}

/// The values of all known keys, and which of them are of another type.
fn values(file: &Mapping) -> (BTreeMap<String, String>, Vec<(String, String)>) {
    let (mut values, mut faults) = (BTreeMap::new(), Vec::new());
    for option in OPTIONS.iter().chain(FILE_ONLY) {
        let Some(key) = table::file_key(option) else { continue };
        let Some(value) = find(file, &key) else { continue };
        match text(value, option.kind) {
            Ok(Some(text)) => {
                values.insert(key, text);
            }
            Ok(None) => {}
            Err(fault) => faults.push((key, fault)),
        }
    }
    (values, faults)
}

fn find<'a>(file: &'a Mapping, key: &str) -> Option<&'a Value> {
    match key.split_once('.') {
        Some((section, name)) => file.get(section)?.as_mapping()?.get(name),
        None => file.get(key),
    }
}

/// The value as text; `None` for what means "not set".
fn text(value: &Value, kind: Kind) -> Result<Option<String>, String> {
    let text = match (value, kind) {
        (Value::Null, _) => return Ok(None),
        (Value::Bool(value), Kind::Text | Kind::Switch) => value.to_string(),
        (Value::Number(value), Kind::Text) => value.to_string(),
        (Value::Number(value), Kind::Integer) if value.as_i64().is_some() => value.to_string(),
        (Value::String(value), Kind::Text) => value.clone(),
        (Value::String(value), Kind::Switch) => switch(value)?.to_string(),
        (Value::Sequence(list), Kind::Text) => joined(list)?,
        _ => return Err(format!("takes {}", expected(kind))),
    };
    let unset = text.is_empty() || (kind == Kind::Integer && text == "0");
    Ok((!unset).then_some(text))
}

/// A list of words, for options that take several.
fn joined(list: &[Value]) -> Result<String, String> {
    let words: Option<Vec<_>> = list.iter().map(Value::as_str).collect();
    words.map(|words| words.join(",")).ok_or_else(|| "takes a list of texts".to_owned())
}

/// The words of YAML 1.1, which the reference reads.
fn switch(value: &str) -> Result<bool, String> {
    match value {
        "yes" | "Yes" | "YES" | "on" | "On" | "ON" | "y" | "Y" => Ok(true),
        "no" | "No" | "NO" | "off" | "Off" | "OFF" | "n" | "N" => Ok(false),
        _ => Err(format!("takes {}", expected(Kind::Switch))),
    }
}

fn expected(kind: Kind) -> &'static str {
    match kind {
        Kind::Text => "a text",
        Kind::Integer => "a whole number",
        Kind::Switch => "true or false",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, checked: bool) -> Result<FileConfig, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cfg.yaml");
        fs::write(&path, text).unwrap();
        let (file, faults) = FileConfig::read(&path, checked).map_err(|error| error.to_string())?;
        let first = faults.into_iter().find(|fault| fault.stops);
        first.map_or(Ok(file), |fault| Err(fault.error.to_string()))
    }

    #[test]
    fn values_are_found_at_their_keys() {
        let file = read(
            "TotalBufferSizeMB: 24\nRegion: us-west-2\nSocket:\n  UDPAddress: 0.0.0.0:2000\n\
             LocalMode: yes\nNoVerifySSL: true\nConcurrency: 4\nVersion: 2\n\
             Extensions:\n  Backend: [aws, local]\n  ReadOnly: true\n",
            true,
        );
        let file = file.unwrap();
        for (key, value) in [
            ("TotalBufferSizeMB", "24"),
            ("Region", "us-west-2"),
            ("Socket.UDPAddress", "0.0.0.0:2000"),
            ("LocalMode", "true"),
            ("NoVerifySSL", "true"),
            ("Concurrency", "4"),
            ("Extensions.Backend", "aws,local"),
            ("Extensions.ReadOnly", "true"),
        ] {
            assert_eq!(file.get(key), Some(value), "{key}");
        }
        assert_eq!(file.get("Socket.TCPAddress"), None);
    }

    #[test]
    fn empty_and_zero_mean_not_set() {
        let file = read("TotalBufferSizeMB: 0\nRegion: \"\"\nEndpoint:\nVersion: 2\n", true);
        let file = file.unwrap();
        for key in ["TotalBufferSizeMB", "Region", "Endpoint"] {
            assert_eq!(file.get(key), None);
        }
    }

    #[test]
    fn a_value_of_another_type_is_named() {
        let error = read("TotalBufferSizeMB: many\nVersion: 2\n", true).unwrap_err();
        assert!(error.starts_with("Error occur when using config flag: "), "{error}");
        assert!(error.ends_with("TotalBufferSizeMB: takes a whole number"), "{error}");
        assert!(read("LocalMode: 1\nVersion: 2\n", false).unwrap_err().ends_with("true or false"));
        assert!(read("- a\n- b\n", false).unwrap_err().contains("not a mapping"));
        assert!(read("a: [1\n", false).unwrap_err().starts_with("Error occur when using config"));
    }

    #[test]
    fn a_file_found_by_itself_is_not_checked() {
        let text = "Strange: 1\nRegion: x\nVersion: 1\n";
        assert!(read(text, true).is_err());
        assert_eq!(read(text, false).unwrap().get("Region"), Some("x"));
        // Its version counts all the same, as in the reference.
        for text in ["", "Region: x\n"] {
            let fault = read(text, false).unwrap_err();
            assert!(fault.starts_with("Config Version Setting is not correct."), "{fault}");
        }
    }

    #[test]
    fn faults_have_their_lines_and_those_of_a_file_found_by_itself_do_not_stop() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cfg.yaml");
        fs::write(&path, "Version: 2\nStrange: 1\nSocket:\n  X: 1\nLocalMode: 7\n").unwrap();
        let lines = |asked| {
            let (_, faults) = FileConfig::read(&path, asked).unwrap();
            faults.iter().map(|fault| (fault.line, fault.stops)).collect::<Vec<_>>()
        };
        assert_eq!(lines(true), [(Some(2), true), (Some(4), true), (Some(5), true)]);
        assert_eq!(lines(false), [(Some(2), false), (Some(4), false), (Some(5), true)]);
    }

    #[test]
    fn the_file_beside_is_found_and_none_is_none() {
        let folder = tempfile::tempdir().unwrap();
        // A machine may have its own file in /etc, which comes first.
        if Path::new(PLACES[0]).exists() {
            return;
        }
        assert_eq!(FileConfig::load(None, folder.path()), Ok(FileConfig::default()));
        fs::write(folder.path().join("cfg.yaml"), "Region: here\nVersion: 1\n").unwrap();
        let found = FileConfig::load(None, folder.path()).unwrap();
        assert_eq!(found.get("Region"), Some("here"));
    }
}
