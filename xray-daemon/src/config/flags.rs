//! The command line, read as Go's `flag` package reads it.
//!
//! In: arguments. Out: the value of each flag that was given, still text. Owns nothing. `-x v`,
//! `-x=v`, `--x v` and `--x=v` are the same; switches take a value only behind `=`; what follows
//! the first argument that is no flag is ignored. Whoever asks for help gets it as soon as that is
//! read, whatever follows.

use std::collections::BTreeMap;
use std::num::IntErrorKind;

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
        if matches!(name, "h" | "help") {
            flags.insert("help", "true".to_owned());
            break;
        }
        let option = table::find(name)
            .ok_or_else(|| ConfigError::Usage(format!("flag provided but not defined: -{name}")))?;
        let value = match (option.kind, value) {
            (Kind::Switch, value) => switch(name, value.unwrap_or("true"))?.to_string(),
            (_, Some(value)) => value.to_owned(),
            (_, None) => arguments
                .next()
                .ok_or_else(|| ConfigError::Usage(format!("flag needs an argument: -{name}")))?,
        };
        let value = if option.kind == Kind::Integer { integer(name, &value)? } else { value };
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

/// A whole number as Go's literals have it: `24`, `0x18`, `0b11000`, `0o30`, `030`, `1_000`; in
/// decimal digits.
fn integer(name: &str, text: &str) -> Result<String, ConfigError> {
    let fault = |fault: &str| {
        ConfigError::Usage(format!("invalid value {text:?} for flag -{name}: {fault}"))
    };
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", text.strip_prefix('+').unwrap_or(text)),
    };
    let lower = digits.to_ascii_lowercase();
    let prefixes = [("0x", 16), ("0b", 2), ("0o", 8), ("0", 8)];
    let prefixed = prefixes.iter().find_map(|(prefix, radix)| {
        lower.strip_prefix(prefix).filter(|rest| !rest.is_empty()).map(|rest| (rest, *radix))
    });
    let (digits, radix) = prefixed.unwrap_or((&lower, 10));
    let grouped = !digits.contains("__") && !digits.ends_with('_');
    if !grouped || (radix == 10 && digits.starts_with('_')) || digits.contains(['+', '-']) {
        return Err(fault("parse error"));
    }
    match i64::from_str_radix(&format!("{sign}{}", digits.replace('_', "")), radix) {
        Ok(number) => Ok(number.to_string()),
        Err(error) => Err(fault(match error.kind() {
            IntErrorKind::PosOverflow | IntErrorKind::NegOverflow => "value out of range",
            _ => "parse error",
        })),
    }
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
    fn whole_numbers_are_read_as_go_reads_them() {
        for (text, number) in [
            ("24", "24"),
            ("-1", "-1"),
            ("+7", "7"),
            ("0", "0"),
            ("0x18", "24"),
            ("0b11000", "24"),
            ("0o30", "24"),
            ("030", "24"),
            ("1_000", "1000"),
        ] {
            assert_eq!(parse_line(&format!("-m {text}")), given(&[("buffer-memory", number)]));
        }
    }

    #[test]
    fn help_is_given_whatever_follows_it() {
        for line in ["-h -bogus", "--help", "-help=x word", "-h"] {
            assert_eq!(parse_line(line), given(&[("help", "true")]), "{line}");
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
            ("-m 1.5", "invalid value \"1.5\" for flag -m: parse error"),
            ("-m 1__0", "invalid value \"1__0\" for flag -m: parse error"),
            (
                "-m 99999999999999999999",
                "invalid value \"99999999999999999999\" for flag -m: value out of range",
            ),
            ("-bogus -h", "flag provided but not defined: -bogus"),
            ("---n x", "bad flag syntax: ---n"),
            ("-=x", "bad flag syntax: -=x"),
        ] {
            assert_eq!(parse_line(line).unwrap_err(), words, "{line}");
        }
    }
}
