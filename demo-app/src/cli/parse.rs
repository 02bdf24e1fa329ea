//! Turns arguments and environment into a [`Command`].

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use lexopt::{Arg, Parser, ValueExt};
use reqwest::Url;

use super::help::Topic;
use super::text::duration;
use crate::load::{LoadOptions, Mix};
use crate::proddetail::Version;
use crate::service::listen::IfTaken;
use crate::service::stop::Parent;
use crate::service::trace::{TraceHealth, Untraced};

/// Looks a variable up; the process's own outside tests.
type Env<'a> = &'a dyn Fn(&str) -> Option<String>;

/// What was asked for.
#[derive(Debug)]
pub(crate) enum Command {
    Up(UpOptions),
    Frontend(FrontendOptions),
    Prodcatalog(CatalogOptions),
    Proddetail(DetailOptions),
    Load(LoadOptions),
    Help(Topic),
    Version,
}

/// Why the command line was refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum CommandError {
    #[error("there is no command {0:?}; there are up, frontend, prodcatalog, proddetail and load")]
    NoSuchCommand(String),
    #[error("{name} {value:?}: {rule}")]
    Value { name: &'static str, value: String, rule: &'static str },
    #[error("{0}; --help lists what there is")]
    Usage(#[from] lexopt::Error),
}

/// Everything on one machine.
#[derive(Debug)]
pub(crate) struct UpOptions {
    pub(crate) shop: SocketAddr,
    pub(crate) console: SocketAddr,
    pub(crate) load: bool,
    pub(crate) database: Option<String>,
    pub(crate) data_dir: Option<PathBuf>,
    /// For ports that may move.
    pub(crate) if_taken: IfTaken,
}

/// What every service takes.
#[derive(Debug)]
pub(crate) struct ServiceOptions {
    pub(crate) listen: SocketAddr,
    pub(crate) if_taken: IfTaken,
    pub(crate) parent: Parent,
    pub(crate) allowed_hosts: Vec<String>,
    pub(crate) log_format: LogFormat,
    pub(crate) untraced: Untraced,
}

/// How log lines are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum LogFormat {
    #[default]
    Text,
    Json,
}

#[derive(Debug)]
pub(crate) struct FrontendOptions {
    pub(crate) service: ServiceOptions,
    pub(crate) catalog: Url,
    pub(crate) console: Option<Url>,
    pub(crate) daemon_metrics: Option<Url>,
    /// From `AWS_XRAY_DAEMON_ADDRESS`, for the drawing.
    pub(crate) daemon_port: Option<u16>,
}

#[derive(Debug)]
pub(crate) struct CatalogOptions {
    pub(crate) service: ServiceOptions,
    pub(crate) detail: Url,
    pub(crate) canary: Option<Url>,
    pub(crate) database: Option<String>,
}

#[derive(Debug)]
pub(crate) struct DetailOptions {
    pub(crate) service: ServiceOptions,
    pub(crate) version: Version,
}

/// Reads the command line, without the program's name.
///
/// # Errors
/// When an argument or a variable is not what it must be.
pub(crate) fn parse(
    args: impl IntoIterator<Item = OsString>,
    env: Env<'_>,
) -> Result<Command, CommandError> {
    let mut args: Vec<OsString> = args.into_iter().collect();
    let named = args.first().is_some_and(|first| !first.to_string_lossy().starts_with('-'));
    let command =
        if named { args.remove(0).to_string_lossy().into_owned() } else { "up".to_owned() };
    let mut parser = Parser::from_args(args);
    match command.as_str() {
        "up" => up(&mut parser),
        "frontend" => frontend(&mut parser, env),
        "prodcatalog" => prodcatalog(&mut parser, env),
        "proddetail" => proddetail(&mut parser, env),
        "load" => load(&mut parser),
        _ => Err(CommandError::NoSuchCommand(command)),
    }
}

fn up(parser: &mut Parser) -> Result<Command, CommandError> {
    let mut options = UpOptions {
        shop: SocketAddr::from(([127, 0, 0, 1], 9_000)),
        console: SocketAddr::from(([127, 0, 0, 1], 2_002)),
        load: true,
        database: None,
        data_dir: None,
        if_taken: IfTaken::TakeFree,
    };
    while let Some(arg) = parser.next()? {
        match arg {
            Arg::Long("shop" | "frontend") => options.shop = address(parser, "--shop")?,
            Arg::Long("console") => options.console = address(parser, "--console")?,
            Arg::Long("no-load") => options.load = false,
            Arg::Long("database") => {
                options.database = Some(database("--database", &text(parser)?)?);
            }
            Arg::Long("data-dir") => options.data_dir = Some(parser.value()?.into()),
            Arg::Long("strict-ports") => options.if_taken = IfTaken::Fail,
            Arg::Short('h') | Arg::Long("help") => return Ok(Command::Help(Topic::Up)),
            Arg::Short('V') | Arg::Long("version") => return Ok(Command::Version),
            other => return Err(other.unexpected().into()),
        }
    }
    Ok(Command::Up(options))
}

fn frontend(parser: &mut Parser, env: Env<'_>) -> Result<Command, CommandError> {
    let mut service = ServiceOptions::new(9_000, env);
    let mut catalog = variable_url("BASE_URL", env)?;
    let mut console = variable_url("CONSOLE_URL", env)?;
    let mut daemon_metrics = variable_url("DAEMON_METRICS_URL", env)?;
    while let Some(arg) = parser.next()? {
        match arg {
            Arg::Long("base-url") => catalog = Some(url("--base-url", &text(parser)?)?),
            Arg::Long("console") => console = Some(url("--console", &text(parser)?)?),
            Arg::Long("daemon-metrics") => {
                daemon_metrics = Some(url("--daemon-metrics", &text(parser)?)?);
            }
            Arg::Short('h') | Arg::Long("help") => return Ok(Command::Help(Topic::Frontend)),
            other => {
                let other = OwnedArg::from(other);
                service.take(parser, other)?;
            }
        }
    }
    let catalog = match catalog {
        Some(catalog) => catalog,
        None => url("--base-url", "http://127.0.0.1:5000/products/")?,
    };
    let daemon_port = env("AWS_XRAY_DAEMON_ADDRESS").as_deref().and_then(udp_port);
    Ok(Command::Frontend(FrontendOptions {
        service,
        catalog,
        console,
        daemon_metrics,
        daemon_port,
    }))
}

fn prodcatalog(parser: &mut Parser, env: Env<'_>) -> Result<Command, CommandError> {
    let mut service = ServiceOptions::new(5_000, env);
    let mut detail = variable_url("AGG_APP_URL", env)?;
    let mut canary = variable_url("AGG_APP_V2_URL", env)?;
    // The workshop's chart sets a bare host name here, which its application never read.
    let mut store = env("DATABASE_SERVICE_URL").and_then(|url| database("", &url).ok());
    while let Some(arg) = parser.next()? {
        match arg {
            Arg::Long("detail-url") => detail = Some(url("--detail-url", &text(parser)?)?),
            Arg::Long("canary-url") => canary = Some(url("--canary-url", &text(parser)?)?),
            Arg::Long("database") => store = Some(database("--database", &text(parser)?)?),
            Arg::Short('h') | Arg::Long("help") => return Ok(Command::Help(Topic::Prodcatalog)),
            other => {
                let other = OwnedArg::from(other);
                service.take(parser, other)?;
            }
        }
    }
    let detail = match detail {
        Some(detail) => detail,
        None => url("--detail-url", "http://127.0.0.1:3000/catalogDetail")?,
    };
    Ok(Command::Prodcatalog(CatalogOptions { service, detail, canary, database: store }))
}

fn proddetail(parser: &mut Parser, env: Env<'_>) -> Result<Command, CommandError> {
    let mut service = ServiceOptions::new(3_000, env);
    let mut version = Version::One;
    while let Some(arg) = parser.next()? {
        match arg {
            Arg::Long("version") => version = checked(parser, "--version", "a version is 1 or 2")?,
            Arg::Short('h') | Arg::Long("help") => return Ok(Command::Help(Topic::Proddetail)),
            other => {
                let other = OwnedArg::from(other);
                service.take(parser, other)?;
            }
        }
    }
    Ok(Command::Proddetail(DetailOptions { service, version }))
}

fn load(parser: &mut Parser) -> Result<Command, CommandError> {
    let mut options = LoadOptions::gentle(url("--url", "http://127.0.0.1:9000")?);
    while let Some(arg) = parser.next()? {
        match arg {
            Arg::Long("url") => options.shop = url("--url", &text(parser)?)?,
            Arg::Long("rate") => {
                options.rate_per_s = checked(parser, "--rate", RATE_RULE)?;
                if !(0.1..=200.0).contains(&options.rate_per_s) {
                    return Err(value("--rate", options.rate_per_s, RATE_RULE));
                }
            }
            Arg::Long("mix") => options.mix = checked::<Mix>(parser, "--mix", MIX_RULE)?,
            Arg::Long("busy") => options.busy = time(parser, "--busy")?,
            Arg::Long("pause") => options.pause = time(parser, "--pause")?,
            Arg::Long("for") => options.longest = Some(time(parser, "--for")?),
            Arg::Long("visits") => {
                options.visits = Some(checked(parser, "--visits", "a number of visits is whole")?);
            }
            Arg::Short('h') | Arg::Long("help") => return Ok(Command::Help(Topic::Load)),
            other => return Err(other.unexpected().into()),
        }
    }
    Ok(Command::Load(options))
}

const RATE_RULE: &str = "a rate is 0.1 to 200 visits a second";
const MIX_RULE: &str = "a mix is a list like browse:8,product:2,add:1,missing:1";

impl ServiceOptions {
    fn new(port: u16, env: Env<'_>) -> Self {
        let trace_health = match env("XRAY_TRACE_HEALTH").as_deref() {
            Some("1" | "true" | "TRUE" | "yes" | "on") => TraceHealth::Yes,
            _ => TraceHealth::No,
        };
        let untraced = match (trace_health, env("XRAY_IGNORE_PATHS")) {
            (TraceHealth::No, Some(paths)) => Untraced::listed(&paths),
            _ => Untraced::health(trace_health),
        };
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], port)),
            if_taken: IfTaken::Fail,
            parent: Parent::None,
            allowed_hosts: Vec::new(),
            log_format: LogFormat::Text,
            untraced,
        }
    }

    /// Takes an option that every service has.
    fn take(&mut self, parser: &mut Parser, arg: OwnedArg) -> Result<(), CommandError> {
        match arg {
            OwnedArg::Long(name) if name == "listen" => self.listen = address(parser, "--listen")?,
            OwnedArg::Long(name) if name == "allow-host" => self.allowed_hosts.push(text(parser)?),
            OwnedArg::Long(name) if name == "log-format" => {
                self.log_format = checked(parser, "--log-format", "a format is text or json")?;
            }
            // What `up` tells its children; people have no use for them.
            OwnedArg::Long(name) if name == "or-free-port" => self.if_taken = IfTaken::TakeFree,
            OwnedArg::Long(name) if name == "end-with-stdin" => self.parent = Parent::OnStdin,
            OwnedArg::Long(name) => {
                return Err(lexopt::Error::UnexpectedOption(format!("--{name}")).into());
            }
            OwnedArg::Short(name) => {
                return Err(lexopt::Error::UnexpectedOption(format!("-{name}")).into());
            }
            OwnedArg::Value(value) => {
                return Err(lexopt::Error::UnexpectedArgument(value).into());
            }
        }
        Ok(())
    }
}

/// An argument that no longer borrows the parser.
enum OwnedArg {
    Short(char),
    Long(String),
    Value(OsString),
}

impl From<Arg<'_>> for OwnedArg {
    fn from(arg: Arg<'_>) -> Self {
        match arg {
            Arg::Short(name) => Self::Short(name),
            Arg::Long(name) => Self::Long(name.to_owned()),
            Arg::Value(value) => Self::Value(value),
        }
    }
}

impl FromStr for LogFormat {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            _ => Err(()),
        }
    }
}

fn text(parser: &mut Parser) -> Result<String, CommandError> {
    Ok(parser.value()?.string()?)
}

fn value(name: &'static str, value: impl ToString, rule: &'static str) -> CommandError {
    CommandError::Value { name, value: value.to_string(), rule }
}

fn checked<T: FromStr>(
    parser: &mut Parser,
    name: &'static str,
    rule: &'static str,
) -> Result<T, CommandError> {
    let text = text(parser)?;
    text.parse().map_err(|_| value(name, &text, rule))
}

fn address(parser: &mut Parser, name: &'static str) -> Result<SocketAddr, CommandError> {
    checked(parser, name, "an address is IP:PORT, for example 127.0.0.1:9001")
}

fn time(parser: &mut Parser, name: &'static str) -> Result<Duration, CommandError> {
    let text = text(parser)?;
    duration(&text).ok_or_else(|| value(name, &text, "a time is written 500ms, 10s, 5m or 1h"))
}

fn url(name: &'static str, text: &str) -> Result<Url, CommandError> {
    const RULE: &str = "an address is written http://HOST:PORT/PATH";
    let url: Url = text.parse().map_err(|_| value(name, text, RULE))?;
    if url.scheme() == "http" && url.has_host() { Ok(url) } else { Err(value(name, text, RULE)) }
}

fn variable_url(name: &'static str, env: Env<'_>) -> Result<Option<Url>, CommandError> {
    env(name).filter(|text| !text.is_empty()).map(|text| url(name, &text)).transpose()
}

fn database(name: &'static str, text: &str) -> Result<String, CommandError> {
    const RULE: &str = "a database is sqlite:PATH or postgres://USER:PASSWORD@HOST/NAME";
    let known = ["sqlite:", "postgres:", "postgresql:"];
    let is_known = known.iter().any(|scheme| text.starts_with(scheme));
    is_known.then(|| text.to_owned()).ok_or_else(|| value(name, text, RULE))
}

/// The port in `host:port` or `tcp:host:port udp:host:port`.
fn udp_port(address: &str) -> Option<u16> {
    let udp = address.split_whitespace().find(|part| part.starts_with("udp:"));
    udp.unwrap_or(address).rsplit_once(':')?.1.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command(line: &str) -> Result<Command, CommandError> {
        with_env(line, &[])
    }

    fn with_env(line: &str, env: &[(&str, &str)]) -> Result<Command, CommandError> {
        let lookup = |name: &str| {
            env.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        };
        parse(line.split_whitespace().map(OsString::from), &lookup)
    }

    #[test]
    fn without_a_command_everything_starts() {
        for line in ["", "up"] {
            let Ok(Command::Up(up)) = command(line) else { panic!("{line:?}") };
            assert_eq!(up.shop.to_string(), "127.0.0.1:9000");
            assert_eq!(up.console.to_string(), "127.0.0.1:2002");
            assert!(up.load);
            assert_eq!(up.if_taken, IfTaken::TakeFree);
        }
        let line = "--shop 127.0.0.1:9001 --no-load --strict-ports --database sqlite:/tmp/p.db";
        let Ok(Command::Up(up)) = command(line) else { panic!() };
        assert_eq!((up.shop.port(), up.load, up.if_taken), (9_001, false, IfTaken::Fail));
        assert_eq!(up.database.as_deref(), Some("sqlite:/tmp/p.db"));
    }

    #[test]
    fn an_argument_beats_its_variable() {
        let env = [
            ("BASE_URL", "http://prodcatalog.workshop:5000/products/"),
            ("AWS_XRAY_DAEMON_ADDRESS", "tcp:10.0.0.1:2001 udp:10.0.0.1:2005"),
        ];
        let Ok(Command::Frontend(options)) = with_env("frontend", &env) else { panic!() };
        assert_eq!(options.catalog.as_str(), "http://prodcatalog.workshop:5000/products/");
        assert_eq!(options.daemon_port, Some(2_005));
        let line = "frontend --base-url http://127.0.0.1:5001/products --listen 0.0.0.0:80";
        let Ok(Command::Frontend(options)) = with_env(line, &env) else { panic!() };
        assert_eq!(options.catalog.as_str(), "http://127.0.0.1:5001/products");
        assert_eq!(options.service.listen.to_string(), "0.0.0.0:80");
    }

    #[test]
    fn the_workshops_bare_database_host_is_no_database() {
        let env = [("DATABASE_SERVICE_URL", "mysql.workshop")];
        let Ok(Command::Prodcatalog(options)) = with_env("prodcatalog", &env) else { panic!() };
        assert_eq!(options.database, None);
        assert!(command("prodcatalog --database mysql.workshop").is_err());
    }

    #[test]
    fn health_checks_are_traced_when_they_are_asked_for() {
        let service = |env: &[(&str, &str)]| match with_env("proddetail --version 2", env) {
            Ok(Command::Proddetail(options)) => options.service.untraced,
            other => panic!("{other:?}"),
        };
        assert_eq!(service(&[]), Untraced::health(TraceHealth::No));
        assert_eq!(service(&[("XRAY_TRACE_HEALTH", "true")]), Untraced::health(TraceHealth::Yes));
        let listed = service(&[("XRAY_IGNORE_PATHS", "/healthz")]);
        assert_eq!(listed, Untraced::listed("/healthz"));
    }

    #[test]
    fn what_is_refused_is_named_with_its_rule() {
        for (line, said) in [
            ("start", "there is no command \"start\""),
            ("--shop 9001", "--shop \"9001\": an address is IP:PORT"),
            ("up --colour", "invalid option '--colour'"),
            ("proddetail --version 3", "--version \"3\": a version is 1 or 2"),
            ("load --rate 0", "--rate \"0\": a rate is 0.1 to 200"),
            ("load --mix browse", "--mix \"browse\": a mix is"),
            ("load --busy 10", "--busy \"10\": a time is"),
            ("load --url ftp://shop", "--url \"ftp://shop\": an address is written http"),
            ("frontend surplus", "unexpected argument \"surplus\""),
        ] {
            let err = command(line).unwrap_err().to_string();
            assert!(err.starts_with(said), "{line:?}: {err}");
        }
    }

    #[test]
    fn help_is_there_for_every_command() {
        for line in ["--help", "frontend -h", "prodcatalog --help", "proddetail -h", "load -h"] {
            assert!(matches!(command(line), Ok(Command::Help(_))), "{line}");
        }
    }
}
