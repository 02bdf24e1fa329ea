//! Tells a subcommand's own flags from those of the daemon.
//!
//! In: arguments. Out: values of flags by name, the rest untouched. Owns the arguments. The syntax
//! is that of the daemon's flags: one dash or two, a blank or an equals sign.

/// Arguments that nobody has taken yet.
#[derive(Debug)]
pub(super) struct Arguments(Vec<String>);

impl Arguments {
    pub(super) fn new(arguments: Vec<String>) -> Self {
        Self(arguments)
    }

    /// Takes the first argument, where `wanted` says it is one.
    pub(super) fn first(&mut self, wanted: impl Fn(&str) -> bool) -> Option<String> {
        let found = self.0.first().is_some_and(|first| wanted(first));
        found.then(|| self.0.remove(0))
    }

    /// Takes a switch; whether it was there.
    pub(super) fn switch(&mut self, name: &str) -> bool {
        let before = self.0.len();
        self.0.retain(|argument| {
            argument.strip_prefix("--").or(argument.strip_prefix('-')) != Some(name)
        });
        self.0.len() < before
    }

    /// Takes a flag with its value; the last one counts. `Err`: it has none.
    pub(super) fn value(&mut self, name: &str) -> Result<Option<String>, String> {
        let mut value = None;
        while let Some(place) = self.0.iter().position(|argument| flag(argument, name).is_some()) {
            let argument = self.0.remove(place);
            value = Some(match flag(&argument, name).flatten() {
                Some(value) => value.to_owned(),
                None if place < self.0.len() => self.0.remove(place),
                None => return Err(format!("flag needs an argument: -{name}")),
            });
        }
        Ok(value)
    }

    /// What is the daemon's.
    pub(super) fn rest(self) -> Vec<String> {
        self.0
    }
}

/// Whether `argument` is the flag `name`, and its value where it holds that itself.
fn flag<'a>(argument: &'a str, name: &str) -> Option<Option<&'a str>> {
    let rest = argument.strip_prefix("--").or(argument.strip_prefix('-'))?.strip_prefix(name)?;
    if rest.is_empty() { Some(None) } else { rest.strip_prefix('=').map(Some) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arguments(line: &str) -> Arguments {
        Arguments::new(line.split_whitespace().map(str::to_owned).collect())
    }

    #[test]
    fn own_flags_are_taken_from_between_those_of_the_daemon() {
        let mut own = arguments("-c x.yaml --timeout 3s -live --admin :2001 -timeout=5s");
        assert_eq!(own.value("timeout"), Ok(Some("5s".into())));
        assert!(own.switch("live"));
        assert!(!own.switch("live"));
        assert_eq!(own.rest(), ["-c", "x.yaml", "--admin", ":2001"]);
    }

    #[test]
    fn a_flag_that_only_begins_alike_is_left() {
        let mut own = arguments("--format-x 1 --format");
        assert_eq!(own.value("format"), Err("flag needs an argument: -format".into()));
        assert_eq!(own.rest(), ["--format-x", "1"]);
    }

    #[test]
    fn a_first_word_is_taken_where_it_is_wanted() {
        let mut own = arguments("http://x -o");
        assert_eq!(own.first(|word| word.starts_with("http://")), Some("http://x".into()));
        assert_eq!(own.first(|word| word.starts_with("http://")), None);
    }
}
