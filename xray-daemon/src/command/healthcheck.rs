//! `xray-daemon healthcheck`: is the daemon beside us ready? For images without a shell.
//!
//! In: arguments and environment of the daemon, or a URL. Out: exit code 0 where the answer is 200,
//! 1 where it is another or none, 2 for a command line that is not understood. Owns nothing.

use std::io;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use xray_daemon::config::{Command, Environment, load, parse_duration};
use xray_daemon::{ProbeError, probe};

use super::arguments::Arguments;
use crate::print;

const USAGE: &str = "Usage: xray-daemon healthcheck [URL] [options] [the daemon's own options]
\t--live\t\tAsk /healthz (is it alive?) instead of /readyz (can it take segments?).
\t--timeout\tLongest that the answer may take. Default: 2s.
Without a URL the daemon's own options, XRAY_ADMIN and its file tell the port. Exit code 0: it is
well; 1: it is not, or does not answer; 2: the command line is not understood.
";
/// Where the daemon is asked, when nothing says otherwise.
const DEFAULT_ADMIN: &str = "127.0.0.1:2001";

/// Asks, and tells by the exit code.
pub(crate) fn healthcheck(arguments: Vec<String>, environment: &Environment) -> ExitCode {
    let mut own = Arguments::new(arguments);
    if own.switch("h") || own.switch("help") {
        print(io::stdout(), USAGE);
        return ExitCode::SUCCESS;
    }
    let asked = match Asked::of(own, environment) {
        Ok(asked) => asked,
        Err(refused) => {
            print(io::stderr(), &format!("{refused}\n"));
            print(io::stdout(), USAGE);
            return ExitCode::from(2);
        }
    };
    match asked.answer() {
        Ok(text) => {
            print(io::stdout(), &text);
            ExitCode::SUCCESS
        }
        Err(reason) => {
            print(io::stderr(), &format!("{}\n", reason.trim_end()));
            ExitCode::FAILURE
        }
    }
}

/// What is asked.
#[derive(Debug, PartialEq)]
struct Asked {
    url: String,
    within: Duration,
}

impl Asked {
    fn of(mut own: Arguments, environment: &Environment) -> Result<Self, String> {
        let path = if own.switch("live") { "healthz" } else { "readyz" };
        let within = match own.value("timeout")? {
            None => Duration::from_secs(2),
            Some(text) => parse_duration(&text)
                .ok_or_else(|| format!("invalid value {text:?} for flag -timeout: parse error"))?,
        };
        if let Some(url) = own.first(|word| word.contains("://")) {
            return Ok(Self { url, within });
        }
        let admin = admin(own.rest(), environment)?;
        Ok(Self { url: format!("http://{admin}/{path}"), within })
    }

    /// The text of a good answer; else why it is none.
    fn answer(&self) -> Result<String, String> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| error.to_string())?;
        let answer = runtime.block_on(probe(&self.url, self.within));
        // A name server that does not answer must not hold up the end.
        runtime.shutdown_background();
        match answer {
            Ok(answer) if answer.status == 200 => Ok(answer.text),
            Ok(answer) => Err(answer.text),
            Err(ProbeError::Unreachable { url, source }) => Err(format!(
                "{url} does not answer ({source}); is the daemon running, with this address as its \
                 --admin?"
            )),
            Err(refused) => Err(refused.to_string()),
        }
    }
}

/// The address where the daemon's admin port is reached. A daemon runs on with the file that it has
/// read, so one that is not valid any more is no reason to call it ill.
fn admin(arguments: Vec<String>, environment: &Environment) -> Result<String, String> {
    match load(arguments, environment, Path::new(".")) {
        Ok(Command::Run(loaded)) => Ok(loaded.daemon.reached_admin().to_string()),
        Err(refused) if refused.usage().is_some() => Err(refused.to_string()),
        _ => Ok(environment.get("XRAY_ADMIN").unwrap_or(DEFAULT_ADMIN).to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(line: &str, variables: &[(&str, &str)]) -> Result<Asked, String> {
        let arguments = line.split_whitespace().map(str::to_owned).collect();
        Asked::of(Arguments::new(arguments), &variables.iter().copied().collect())
    }

    fn url(line: &str, variables: &[(&str, &str)]) -> String {
        asked(line, variables).unwrap().url
    }

    #[test]
    fn the_daemons_own_flags_and_variables_tell_the_port() {
        assert_eq!(url("", &[]), "http://127.0.0.1:2001/readyz");
        assert_eq!(url("--live", &[]), "http://127.0.0.1:2001/healthz");
        assert_eq!(url("", &[("XRAY_ADMIN", "0.0.0.0:9001")]), "http://127.0.0.1:9001/readyz");
        let line = "-o -n eu-west-1 --admin 127.0.0.1:9002 --live";
        assert_eq!(url(line, &[]), "http://127.0.0.1:9002/healthz");
    }

    #[test]
    fn a_file_that_is_not_valid_any_more_is_no_reason_to_give_up() {
        assert_eq!(url("-c /nowhere.yaml", &[]), "http://127.0.0.1:2001/readyz");
        let variables = [("XRAY_ADMIN", "127.0.0.1:9003")];
        assert_eq!(url("-c /nowhere.yaml", &variables), "http://127.0.0.1:9003/readyz");
    }

    #[test]
    fn a_url_and_a_time_may_be_given() {
        let expected =
            Asked { url: "http://10.0.0.7:1/x".into(), within: Duration::from_millis(500) };
        assert_eq!(asked("http://10.0.0.7:1/x --timeout 500ms", &[]), Ok(expected));
    }

    #[test]
    fn mistakes_are_named() {
        assert_eq!(asked("-bogus", &[]).unwrap_err(), "flag provided but not defined: -bogus");
        let error = asked("--timeout soon", &[]).unwrap_err();
        assert_eq!(error, "invalid value \"soon\" for flag -timeout: parse error");
    }
}
