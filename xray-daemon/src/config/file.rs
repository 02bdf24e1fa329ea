//! The configuration file: finds it, reads it, gives its values as text.
//!
//! In: the path of `-c`, or the usual places. Out: values by key. Owns nothing. A file that was
//! found by itself is taken as it is; one that was asked for is checked. Empty text and 0 mean "not
//! set", so the default.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use yaml_serde::{Mapping, Value};

use super::error::ConfigError;
use super::table::{Kind, OPTIONS, Origin};
use super::validation;

/// Where the file is looked for; the first that is there is taken.
const PLACES: [&str; 3] =
    ["/etc/amazon/xray/cfg.yaml", "cfg.yaml", "github.com/aws/aws-xray-daemon/pkg/cfg.yaml"];
/// Longest file that is read.
const MAX_FILE_BYTES: u64 = 1 << 20;
/// Keys that no flag has.
const FILE_ONLY: [(&str, Kind); 4] = [
    ("Concurrency", Kind::Integer),
    ("Endpoint", Kind::Text),
    ("NoVerifySSL", Kind::Switch),
    ("Logging.LogRotation", Kind::Switch),
];

/// What a file says.
#[derive(Debug, Default, PartialEq)]
pub(super) struct FileConfig {
    /// The file, if there is one.
    pub(super) path: Option<PathBuf>,
    /// Values by key: `Socket.UDPAddress`, `Extensions.Backend`.
    values: BTreeMap<String, String>,
}

impl FileConfig {
    /// Reads the file that `-c` names, or the first of the usual places.
    pub(super) fn load(asked: Option<&Path>, folder: &Path) -> Result<Self, ConfigError> {
        if let Some(path) = asked {
            return Self::read(path, true);
        }
        let mut places = PLACES.iter().map(|place| folder.join(place));
        places
            .find(|place| place.is_file())
            .map_or(Ok(Self::default()), |path| Self::read(&path, false))
    }

    /// The value of `key`, if it is set.
    pub(super) fn get(&self, key: &str) -> Option<&str> {
        self.values.get(key).map(String::as_str)
    }

    fn read(path: &Path, checked: bool) -> Result<Self, ConfigError> {
        let unreadable = |reason: String| ConfigError::Unreadable { path: path.into(), reason };
        let too_long = fs::metadata(path).is_ok_and(|file| file.len() > MAX_FILE_BYTES);
        if too_long {
            return Err(unreadable("longer than 1 MiB".into()));
        }
        let text = fs::read_to_string(path).map_err(|error| unreadable(error.to_string()))?;
        let root = yaml_serde::from_str(&text).map_err(|error| unreadable(error.to_string()))?;
        let file = match root {
            Value::Mapping(file) => file,
            Value::Null => Mapping::new(),
            _ => return Err(unreadable("not a mapping of keys to values".into())),
        };
        if checked {
            validation::check(&file)?;
        }
        let values = values(&file).map_err(unreadable)?;
        Ok(Self { path: Some(path.into()), values })
    }
}

fn values(file: &Mapping) -> Result<BTreeMap<String, String>, String> {
    let mut values = BTreeMap::new();
    let options = OPTIONS.iter().filter_map(|option| {
        let key = option.key?;
        Some(match option.origin {
            Origin::Reference => (key.to_owned(), option.kind),
            Origin::Ours => (format!("Extensions.{key}"), option.kind),
        })
    });
    let file_only = FILE_ONLY.iter().map(|(key, kind)| ((*key).to_owned(), *kind));
    for (key, kind) in options.chain(file_only) {
        if let Some(value) = find(file, &key)
            && let Some(text) = text(value, kind).map_err(|fault| format!("{key}: {fault}"))?
        {
            values.insert(key, text);
        }
    }
    Ok(values)
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
        FileConfig::read(&path, checked).map_err(|error| error.to_string())
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
        assert!(read("Strange: 1\nRegion: x\n", true).is_err());
        assert_eq!(read("Strange: 1\nRegion: x\n", false).unwrap().get("Region"), Some("x"));
        assert_eq!(read("", false).unwrap().get("Region"), None);
    }

    #[test]
    fn the_file_beside_is_found_and_none_is_none() {
        let folder = tempfile::tempdir().unwrap();
        // A machine may have its own file in /etc, which comes first.
        if Path::new(PLACES[0]).exists() {
            return;
        }
        assert_eq!(FileConfig::load(None, folder.path()), Ok(FileConfig::default()));
        fs::write(folder.path().join("cfg.yaml"), "Region: here\n").unwrap();
        let found = FileConfig::load(None, folder.path()).unwrap();
        assert_eq!(found.get("Region"), Some("here"));
    }
}
