//! The variables that the process was started with.
//!
//! In: the process's environment, or pairs in a test. Out: values by name. Owns a copy: nothing
//! here depends on what the process does to its environment later.

use std::collections::BTreeMap;

/// Variables by name. Bytes that are no UTF-8 are replaced.
#[derive(Clone, Debug, Default)]
pub struct Environment(BTreeMap<String, String>);

impl Environment {
    /// Of this process.
    pub fn of_this_process() -> Self {
        let variables = std::env::vars_os();
        variables
            .map(|(name, value)| {
                (name.to_string_lossy().into_owned(), value.to_string_lossy().into_owned())
            })
            .collect()
    }

    /// The value of `name`; an empty one counts as none.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// All that are set and not empty, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        let pairs = self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        pairs.filter(|(_, value)| !value.is_empty())
    }
}

impl<N: Into<String>, V: Into<String>> FromIterator<(N, V)> for Environment {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(pairs: I) -> Self {
        Self(pairs.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_variable_is_none() {
        let environment: Environment = [("A", "1"), ("B", "")].into_iter().collect();
        assert_eq!(environment.get("A"), Some("1"));
        assert_eq!((environment.get("B"), environment.get("C")), (None, None));
        assert_eq!(environment.iter().collect::<Vec<_>>(), [("A", "1")]);
    }
}
