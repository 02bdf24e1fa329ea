//! The command line, read as Go's `flag` package reads it.
//!
//! In: arguments. Out: the value of each flag that was given, still text. Owns nothing. `-x v`,
//! `-x=v`, `--x v` and `--x=v` are the same; switches take a value only behind `=`; what follows
//! the first argument that is no flag is ignored.

use std::collections::BTreeMap;

use super::error::ConfigError;
use super::table::{self, Kind};

/// Values by the long name of their flag.
pub(super) type Flags = BTreeMap<&'static str, String>;

/// Reads `arguments`, without the program's name.
pub(super) fn parse(arguments: impl IntoIterator<Item = String>) -> Result<Flags, ConfigError> {
    let mut flags = Flags::new();
    let mut arguments = arguments.into_iter();
    while let Some(argument) = arguments.next() {
        let Some((name, value)) = split(&argument)? else { break };
        let option = table::find(name)
            .ok_or_else(|| ConfigError::Usage(format!("flag provided but not defined: -{name}")))?;
        let value = match (option.kind, value) {
            (Kind::Switch, value) => switch(name, value.unwrap_or("true"))?.to_string(),
            (_, Some(value)) => value.to_owned(),
            (_, None) => arguments
                .next()
                .ok_or_else(|| ConfigError::Usage(format!("flag needs an argument: -{name}")))?,
        };
        if option.kind == Kind::Integer && value.parse::<i64>().is_err() {
            let text = format!("invalid value {value:?} for flag -{name}: parse error");
            return Err(ConfigError::Usage(text));
        }
        flags.insert(option.long, value);
    }
    Ok(flags)
}

/// Name and value of an argument; `None`: it is no flag.
fn split(argument: &str) -> Result<Option<(&str, Option<&str>)>, ConfigError> {
    let Some(flag) = argument.strip_prefix('-').filter(|rest| !rest.is_empty()) else {
        return Ok(None);
    };
    let flag = flag.strip_prefix('-').unwrap_or(flag);
    if flag.is_empty() {
        // `--` ends the flags.
        return Ok(None);
    }
    if flag.starts_with(['-', '=']) {
        return Err(ConfigError::Usage(format!("bad flag syntax: {argument}")));
    }
    Ok(Some(match flag.split_once('=') {
        Some((name, value)) => (name, Some(value)),
        None => (flag, None),
    }))
}

fn switch(name: &str, value: &str) -> Result<bool, ConfigError> {
    match value {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(false),
        _ => Err(ConfigError::Usage(format!(
            "invalid boolean value {value:?} for -{name}: parse error"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse_line(line: &str) -> Result<Vec<(&'static str, String)>, String> {
        let arguments = line.split_whitespace().map(str::to_owned);
        parse(arguments).map(|flags| flags.into_iter().collect()).map_err(|error| error.to_string())
    }

    fn given(flags: &[(&'static str, &str)]) -> Result<Vec<(&'static str, String)>, String> {
        Ok(flags.iter().map(|(name, value)| (*name, (*value).to_owned())).collect())
    }

    #[test]
    fn one_dash_and_two_blank_and_equals_sign_are_the_same() {
        for line in ["-n eu-west-1", "-n=eu-west-1", "--n eu-west-1", "--n=eu-west-1"] {
            assert_eq!(parse_line(line), given(&[("region", "eu-west-1")]), "{line}");
        }
        for line in ["-region x", "-region=x", "--region x", "--region=x"] {
            assert_eq!(parse_line(line), given(&[("region", "x")]), "{line}");
        }
        assert_eq!(parse_line("-n a=b"), given(&[("region", "a=b")]));
        assert_eq!(parse_line("-n="), given(&[("region", "")]));
        assert_eq!(parse_line("-n a -n b"), given(&[("region", "b")]));
    }

    #[test]
    fn a_switch_takes_its_value_behind_an_equals_sign_only() {
        assert_eq!(parse_line("-o"), given(&[("local-mode", "true")]));
        assert_eq!(parse_line("-o=F"), given(&[("local-mode", "false")]));
        // `false` is the first argument that is no flag, so the region is ignored.
        assert_eq!(parse_line("-o false -n x"), given(&[("local-mode", "true")]));
        assert_eq!(
            parse_line("-o=maybe").unwrap_err(),
            "invalid boolean value \"maybe\" for -o: parse error"
        );
    }

    #[test]
    fn reading_stops_at_the_first_argument_that_is_no_flag() {
        for line in ["-n x word -bogus", "-n x - -bogus", "-n x -- -bogus"] {
            assert_eq!(parse_line(line), given(&[("region", "x")]), "{line}");
        }
    }

    #[test]
    fn mistakes_are_named_in_the_words_of_go() {
        for (line, words) in [
            ("-bogus", "flag provided but not defined: -bogus"),
            ("--bogus=1", "flag provided but not defined: -bogus"),
            ("-nv", "flag provided but not defined: -nv"),
            ("-n", "flag needs an argument: -n"),
            ("-m many", "invalid value \"many\" for flag -m: parse error"),
            ("---n x", "bad flag syntax: ---n"),
            ("-=x", "bad flag syntax: -=x"),
        ] {
            assert_eq!(parse_line(line).unwrap_err(), words, "{line}");
        }
    }
}
