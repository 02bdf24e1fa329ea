//! Reads the file of local rules that the X-Ray SDKs share, version 1 and 2.
//!
//! In: the file's bytes. Out: [`LocalRules`] in the order of the file, or what is wrong with it.
//! Owns nothing. Strict: a member that no SDK knows is refused, since it is a typing error that
//! would change what is recorded.
//!
//! ```json
//! {
//!   "version": 2,
//!   "default": {"fixed_target": 1, "rate": 0.05},
//!   "rules": [
//!     {"description": "players", "host": "*", "http_method": "GET", "url_path": "/api/move/*",
//!      "fixed_target": 0, "rate": 0.05}
//!   ]
//! }
//! ```
//!
//! Version 1 says `service_name` for `host`.

use serde_json::{Map, Value};

use super::{LocalRules, Rule, RuleBuilder};

/// What is wrong with a file of local rules.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LocalRulesError {
    /// Not JSON.
    #[error("the sampling rules are not JSON; they are one object with version, default and rules")]
    NotJson(#[source] serde_json::Error),
    /// JSON of another form.
    #[error("{place} of the sampling rules is {found}; it must be {wanted}")]
    Form {
        /// Which part: `rules[2].rate` …
        place: String,
        /// What stands there.
        found: String,
        /// What is allowed there.
        wanted: &'static str,
    },
    /// A member that does not belong there.
    #[error("{place} of the sampling rules is not known; allowed are {wanted}")]
    UnknownMember {
        /// Which member.
        place: String,
        /// Those allowed.
        wanted: String,
    },
}

impl LocalRules {
    /// Reads a file of local rules as the X-Ray SDKs have it, version 1 or 2. Rules are asked in
    /// the order of the file. A rule is named by its `description` if that has up to 32 characters,
    /// else `local-1`, `local-2` …
    ///
    /// ```
    /// use xray_tracing::sampling::LocalRules;
    /// let rules = LocalRules::from_json(
    ///     br#"{"version": 2, "default": {"fixed_target": 1, "rate": 0.1}}"#,
    /// )?;
    /// assert_eq!(rules.counts().next().unwrap().0.fixed_rate(), 0.1);
    /// let error = LocalRules::from_json(br#"{"version": 2, "default": {"rate": 2}}"#).unwrap_err();
    /// assert_eq!(
    ///     error.to_string(),
    ///     "default.fixed_target of the sampling rules is missing; it must be a whole number from 0"
    /// );
    /// # Ok::<(), xray_tracing::sampling::LocalRulesError>(())
    /// ```
    ///
    /// # Errors
    /// The file is not JSON, or not of that form; the message names the place.
    pub fn from_json(file: &[u8]) -> Result<Self, LocalRulesError> {
        let file: Value = serde_json::from_slice(file).map_err(LocalRulesError::NotJson)?;
        let file = Place::root(&file).object()?;
        file.refuse_others(&["version", "default", "rules"])?;
        let members = match file.get("version").value.and_then(Value::as_f64) {
            Some(1.0) => &MEMBERS_V1,
            Some(2.0) => &MEMBERS_V2,
            _ => return Err(file.get("version").refused("1 or 2")),
        };
        let mut rules = Vec::new();
        if let Some(listed) = file.get("rules").value {
            let Value::Array(listed) = listed else {
                return Err(file.get("rules").refused("a list of rules"));
            };
            for (index, rule) in listed.iter().enumerate() {
                let place = Place { path: format!("rules[{index}]"), value: Some(rule) };
                rules.push(read_rule(&place.object()?, members, index)?);
            }
        }
        rules.push(read_default(&file.get("default").object()?)?);
        Ok(Self::in_order(rules))
    }
}

const MEMBERS_V1: [&str; 6] =
    ["description", "service_name", "http_method", "url_path", "fixed_target", "rate"];
const MEMBERS_V2: [&str; 6] =
    ["description", "host", "http_method", "url_path", "fixed_target", "rate"];

fn read_rule(
    rule: &Members<'_>,
    members: &[&str; 6],
    index: usize,
) -> Result<Rule, LocalRulesError> {
    rule.refuse_others(members)?;
    let [description, host, method, path, ..] = *members;
    let name = match rule.get(description).value {
        Some(Value::String(text)) if (1..=32).contains(&text.chars().count()) => text.clone(),
        _ => format!("local-{}", index + 1),
    };
    let builder = Rule::named(name)
        .host(rule.get(host).text()?)
        .method(rule.get(method).text()?)
        .path(rule.get(path).text()?);
    with_target_and_rate(rule, builder)
}

fn read_default(default: &Members<'_>) -> Result<Rule, LocalRulesError> {
    default.refuse_others(&["fixed_target", "rate"])?;
    with_target_and_rate(default, Rule::named("Default"))
}

fn with_target_and_rate(rule: &Members<'_>, builder: RuleBuilder) -> Result<Rule, LocalRulesError> {
    let target = rule.get("fixed_target");
    let per_s = target.value.and_then(Value::as_u64).and_then(|per_s| u32::try_from(per_s).ok());
    let per_s = per_s.ok_or_else(|| target.refused("a whole number from 0"))?;
    let rate = rule.get("rate");
    let share = rate.value.and_then(Value::as_f64).unwrap_or(f64::NAN);
    let built = builder.reservoir_per_s(per_s).fixed_rate(share).build();
    built.map_err(|_| rate.refused("a number from 0 to 1"))
}

/// A part of the file, or the place where it should be.
struct Place<'a> {
    path: String,
    value: Option<&'a Value>,
}

impl<'a> Place<'a> {
    fn root(value: &'a Value) -> Self {
        Self { path: String::new(), value: Some(value) }
    }

    fn object(self) -> Result<Members<'a>, LocalRulesError> {
        match self.value {
            Some(Value::Object(members)) => Ok(Members { path: self.path, members }),
            _ => Err(self.refused("an object")),
        }
    }

    fn text(self) -> Result<&'a str, LocalRulesError> {
        self.value.and_then(Value::as_str).ok_or_else(|| self.refused("text"))
    }

    fn refused(&self, wanted: &'static str) -> LocalRulesError {
        let found = self.value.map_or("missing".to_owned(), |value| match value {
            Value::Object(_) => "an object".to_owned(),
            Value::Array(_) => "a list".to_owned(),
            other => other.to_string().chars().take(64).collect(),
        });
        let place = if self.path.is_empty() { "the whole".into() } else { self.path.clone() };
        LocalRulesError::Form { place, found, wanted }
    }
}

struct Members<'a> {
    path: String,
    members: &'a Map<String, Value>,
}

impl<'a> Members<'a> {
    fn get(&self, key: &str) -> Place<'a> {
        Place { path: self.path_of(key), value: self.members.get(key) }
    }

    fn path_of(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    fn refuse_others(&self, wanted: &[&str]) -> Result<(), LocalRulesError> {
        match self.members.keys().find(|key| !wanted.contains(&key.as_str())) {
            None => Ok(()),
            Some(key) => {
                let key: String = key.chars().take(64).collect();
                let place = self.path_of(&key);
                Err(LocalRulesError::UnknownMember { place, wanted: wanted.join(", ") })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::{HttpTarget, Sampler, SamplingRequest};
    use super::*;

    const V2: &str = r#"{"version": 2, "default": {"fixed_target": 3, "rate": 0.25}, "rules": [
        {"description": "moves", "host": "game.*", "http_method": "GET", "url_path": "/api/*",
         "fixed_target": 0, "rate": 0},
        {"description": "a description that is longer than the name of a rule may be", "host": "*",
         "http_method": "*", "url_path": "*", "fixed_target": 7, "rate": 1.0}]}"#;

    fn get(host: &'static str, path: &'static str) -> SamplingRequest<'static> {
        let http = Some(HttpTarget { host, method: "GET", path });
        SamplingRequest { http, ..SamplingRequest::default() }
    }

    fn refusal(file: &str) -> String {
        LocalRules::from_json(file.as_bytes()).unwrap_err().to_string()
    }

    #[test]
    fn version_2_is_read_in_the_order_of_the_file() {
        let rules = LocalRules::from_json(V2.as_bytes()).unwrap();
        let read: Vec<(&str, u32, f64)> = rules
            .counts()
            .map(|(rule, _)| (&**rule.name(), rule.reservoir_per_s(), rule.fixed_rate()))
            .collect();
        assert_eq!(read, [("moves", 0, 0.0), ("local-2", 7, 1.0), ("Default", 3, 0.25)]);
        let decided = |request| rules.decide(&request, 1_700_000_000);
        assert!(!decided(get("game.example", "/api/move")).sampled);
        assert!(decided(get("game.example", "/other")).sampled);
    }

    #[test]
    fn version_1_says_service_name_for_host() {
        let file = r#"{"version": 1, "default": {"fixed_target": 0, "rate": 0}, "rules": [
            {"service_name": "shop.*", "http_method": "*", "url_path": "*",
             "fixed_target": 0, "rate": 1}]}"#;
        let rules = LocalRules::from_json(file.as_bytes()).unwrap();
        assert!(rules.decide(&get("shop.example", "/"), 1).sampled);
        assert!(!rules.decide(&get("other.example", "/"), 1).sampled);
    }

    #[test]
    fn a_file_that_is_wrong_says_where_and_what_is_right() {
        assert_eq!(
            refusal("{"),
            "the sampling rules are not JSON; they are one object with version, default and rules"
        );
        assert_eq!(
            refusal("[]"),
            "the whole of the sampling rules is a list; it must be an object"
        );
        assert_eq!(refusal("{}"), "version of the sampling rules is missing; it must be 1 or 2");
        assert_eq!(
            refusal(r#"{"version":3}"#),
            "version of the sampling rules is 3; it must be 1 or 2"
        );
        assert_eq!(
            refusal(r#"{"version":2}"#),
            "default of the sampling rules is missing; it must be an object"
        );
        assert_eq!(
            refusal(&V2.replace("\"url_path\": \"/api/*\",", "")),
            "rules[0].url_path of the sampling rules is missing; it must be text"
        );
        assert_eq!(
            refusal(&V2.replace("0.25", "25")),
            "default.rate of the sampling rules is 25; it must be a number from 0 to 1"
        );
        assert_eq!(
            refusal(&V2.replace("\"fixed_target\": 7", "\"fixed_target\": -7")),
            "rules[1].fixed_target of the sampling rules is -7; it must be a whole number from 0"
        );
        assert_eq!(
            refusal(&V2.replace("\"host\": \"*\"", "\"service_name\": \"*\"")),
            "rules[1].service_name of the sampling rules is not known; allowed are description, \
             host, http_method, url_path, fixed_target, rate"
        );
        assert_eq!(
            refusal(r#"{"version":2,"default":{"fixed_target":1,"rate":1},"rules":{}}"#),
            "rules of the sampling rules is an object; it must be a list of rules"
        );
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..256)) {
            prop_assert!(LocalRules::from_json(&bytes).is_err());
        }

        #[test]
        fn a_changed_file_never_panics(at in 0..V2.len(), byte in any::<u8>()) {
            let mut file = V2.as_bytes().to_vec();
            file[at] = byte;
            if let Ok(rules) = LocalRules::from_json(&file) {
                prop_assert_eq!(rules.counts().count(), 3);
            }
        }
    }
}
