//! Where and how spans leave by OTLP.
//!
//! In: `--otlp-endpoint`, and the variables that every OpenTelemetry SDK reads. Out: valid
//! [`OtlpSettings`]. Owns nothing. A variable for traces (`OTEL_EXPORTER_OTLP_TRACES_…`) wins over
//! the one for all signals. Rule: OpenTelemetry specification, "OTLP Exporter Configuration". Unlike
//! there bodies are compressed unless `none` is asked for, as the Collector does it.

use std::path::PathBuf;
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, Uri};
use hyper_util::client::proxy::matcher::Matcher;

use super::error::ConfigError;
use super::resolve::{Given, Source, Sources};
use crate::http::percent_decoded;

/// Where requests go unless something else is said.
const DEFAULT_ENDPOINT: &str = "http://localhost:4318";
/// Path of traces below an endpoint for all signals.
const TRACES_PATH: &str = "/v1/traces";
/// Longest that a request may take. Rule: OTLP exporters.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);

const ENDPOINT_RULE: &str = "it takes a URL such as http://collector:4318 or \
                             https://xray.eu-west-1.amazonaws.com/v1/traces, without user and \
                             password: what identifies us goes into OTEL_EXPORTER_OTLP_HEADERS";

/// Where and how spans leave by OTLP. Every value is valid.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct OtlpSettings {
    /// URL that requests are posted to.
    pub endpoint: Uri,
    /// Headers of every request.
    pub headers: HeaderMap,
    /// How bodies are compressed.
    pub compression: Compression,
    /// Longest that a request may take.
    pub timeout: Duration,
    /// PEM file of the authorities that vouch for the endpoint; `None`: the system's.
    pub certificate: Option<PathBuf>,
    /// PEM files of the certificate and the key that we show.
    pub client_identity: Option<(PathBuf, PathBuf)>,
    /// HTTP proxy to the endpoint.
    pub proxy: Option<String>,
}

/// How bodies are compressed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Compression {
    /// By gzip.
    #[default]
    Gzip,
    /// Not at all.
    None,
}

impl Default for OtlpSettings {
    fn default() -> Self {
        Self {
            endpoint: Uri::from_static("http://localhost:4318/v1/traces"),
            headers: HeaderMap::new(),
            compression: Compression::default(),
            timeout: DEFAULT_TIMEOUT,
            certificate: None,
            client_identity: None,
            proxy: None,
        }
    }
}

impl OtlpSettings {
    /// Posts to `endpoint`; `/v1/traces` is added unless it ends so.
    ///
    /// # Errors
    /// It is no URL of a server.
    pub fn to(endpoint: &str) -> Result<Self, ConfigError> {
        let (name, value) = ("--otlp-endpoint".to_owned(), endpoint.to_owned());
        let given = Given { name, value, source: Source::Flag };
        Ok(Self { endpoint: base(&given)?, ..Self::default() })
    }
}

/// The settings that all sources make.
pub(super) fn resolve(sources: &Sources<'_>) -> Result<OtlpSettings, ConfigError> {
    protocol(sources)?;
    let mut settings = OtlpSettings { endpoint: endpoint(sources)?, ..OtlpSettings::default() };
    if let Some(given) = standard(sources, "HEADERS") {
        settings.headers = headers(&given)?;
    }
    if let Some(given) = standard(sources, "COMPRESSION") {
        settings.compression = match given.value.as_str() {
            "gzip" => Compression::Gzip,
            "none" => Compression::None,
            _ => return Err(given.refuse("it takes gzip or none")),
        };
    }
    if let Some(given) = standard(sources, "TIMEOUT") {
        let millis = given.value.trim().parse().ok().filter(|millis| *millis > 0);
        let rule = "it takes the milliseconds that a request may take, such as 10000";
        settings.timeout = Duration::from_millis(millis.ok_or_else(|| given.refuse(rule))?);
    }
    let file = |name| standard(sources, name).map(|given| PathBuf::from(given.value));
    settings.certificate = file("CERTIFICATE");
    settings.client_identity = file("CLIENT_CERTIFICATE").zip(file("CLIENT_KEY"));
    settings.proxy = proxy(sources, &settings.endpoint);
    Ok(settings)
}

/// The standard variable of that name, the one for traces first.
fn standard(sources: &Sources<'_>, name: &str) -> Option<Given> {
    let names = [format!("OTEL_EXPORTER_OTLP_TRACES_{name}"), format!("OTEL_EXPORTER_OTLP_{name}")];
    names.into_iter().find_map(|name| sources.variable(&name))
}

fn protocol(sources: &Sources<'_>) -> Result<(), ConfigError> {
    match standard(sources, "PROTOCOL") {
        Some(given) if given.value != "http/protobuf" => Err(given.refuse(
            "it takes http/protobuf, which is how spans leave; collectors take that on port 4318",
        )),
        _ => Ok(()),
    }
}

fn endpoint(sources: &Sources<'_>) -> Result<Uri, ConfigError> {
    if let Some(given) = sources.option("otlp-endpoint") {
        return base(&given);
    }
    if let Some(given) = sources.variable("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") {
        return url(&given, given.value.trim());
    }
    let given = sources.variable("OTEL_EXPORTER_OTLP_ENDPOINT");
    base(&given.unwrap_or_else(|| Given {
        name: "OTEL_EXPORTER_OTLP_ENDPOINT".to_owned(),
        value: DEFAULT_ENDPOINT.to_owned(),
        source: Source::Variable,
    }))
}

/// An endpoint for all signals, or for traces as its path says.
fn base(given: &Given) -> Result<Uri, ConfigError> {
    let text = given.value.trim().trim_end_matches('/');
    let path = if text.ends_with(TRACES_PATH) { "" } else { TRACES_PATH };
    url(given, &format!("{text}{path}"))
}

fn url(given: &Given, text: &str) -> Result<Uri, ConfigError> {
    let parsed: Uri = text.parse().map_err(|_| given.refuse(ENDPOINT_RULE))?;
    let known = matches!(parsed.scheme_str(), Some("http" | "https"));
    let host = parsed.host().is_some_and(|host| !host.is_empty());
    if known && host && !parsed.authority().is_some_and(|it| it.as_str().contains('@')) {
        return Ok(parsed);
    }
    let shown = given.value.rsplit_once('@').map_or(given.value.as_str(), |(_, shown)| shown);
    Err(given.shown_as(shown).refuse(ENDPOINT_RULE))
}

/// `key=value,key=value`, the values with `%20` and its like.
fn headers(given: &Given) -> Result<HeaderMap, ConfigError> {
    let mut headers = HeaderMap::new();
    for pair in given.value.split(',').map(str::trim).filter(|pair| !pair.is_empty()) {
        // The value may be a secret and is never shown.
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        let named = given.shown_as(key.trim());
        let refused = || named.refuse("it takes key=value pairs with commas between");
        let key: HeaderName = key.trim().parse().map_err(|_| refused())?;
        if !pair.contains('=') {
            return Err(refused());
        }
        let value = percent_decoded(value.trim());
        let mut value = HeaderValue::from_bytes(&value).map_err(|_| refused())?;
        value.set_sensitive(true);
        headers.append(key, value);
    }
    Ok(headers)
}

/// The proxy for this endpoint: the daemon's, unless `NO_PROXY` names the host. What speaks plain
/// HTTP is a neighbour.
fn proxy(sources: &Sources<'_>, endpoint: &Uri) -> Option<String> {
    if endpoint.scheme_str() != Some("https") {
        return None;
    }
    let asked = sources.option("proxy-address").map(|given| given.value);
    let variable = |name: &str| sources.variable(name).map(|given| given.value);
    let proxy = asked.or_else(|| variable("HTTPS_PROXY")).or_else(|| variable("https_proxy"))?;
    let excepted = variable("NO_PROXY").or_else(|| variable("no_proxy")).unwrap_or_default();
    let matcher = Matcher::builder().https(proxy.as_str()).no(excepted).build();
    // A proxy that is no URL is for the client to refuse.
    let is_valid = proxy.parse::<Uri>().is_ok();
    (!is_valid || matcher.intercept(endpoint).is_some()).then_some(proxy)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::file::FileConfig;
    use crate::config::flags;

    fn settings(line: &str, variables: &[(&str, &str)]) -> Result<OtlpSettings, String> {
        let flags = flags::parse(line.split_whitespace().map(str::to_owned)).unwrap();
        let variable = |name: &str| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        let file = FileConfig::default();
        resolve(&Sources::new(&flags, &variable, &file)).map_err(|error| error.to_string())
    }

    #[test]
    fn the_endpoint_is_found_where_sdks_look_for_it() {
        let traces = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://tempo:3200/otlp");
        let all = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318/");
        let flag = "--otlp-endpoint https://otlp.example/otlp";
        for (line, variables, endpoint) in [
            ("", &[][..], "http://localhost:4318/v1/traces"),
            ("", &[all], "http://collector:4318/v1/traces"),
            ("", &[all, traces], "http://tempo:3200/otlp"),
            (flag, &[all, traces], "https://otlp.example/otlp/v1/traces"),
            (
                "--otlp-endpoint https://xray.eu-west-1.amazonaws.com/v1/traces",
                &[],
                "https://xray.eu-west-1.amazonaws.com/v1/traces",
            ),
            ("", &[("XRAY_OTLP_ENDPOINT", "http://[::1]:9"), all], "http://[::1]:9/v1/traces"),
        ] {
            assert_eq!(settings(line, variables).unwrap().endpoint.to_string(), endpoint);
        }
    }

    #[test]
    fn headers_are_unescaped_and_kept_secret() {
        let all = ("OTEL_EXPORTER_OTLP_HEADERS", "x-other=1");
        let traces =
            ("OTEL_EXPORTER_OTLP_TRACES_HEADERS", " Authorization=Basic%20YTpi== , x-org = 7,");
        let settings = settings("", &[all, traces]).unwrap();
        assert_eq!(settings.headers["authorization"], "Basic YTpi==");
        assert_eq!(
            (settings.headers.len(), &settings.headers["x-org"]),
            (2, &"7".parse().unwrap())
        );
        assert!(!format!("{settings:?}").contains("YTpi"));
    }

    #[test]
    fn other_choices_are_read_and_refused() {
        let all = [
            ("OTEL_EXPORTER_OTLP_COMPRESSION", "none"),
            ("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "2500"),
            ("OTEL_EXPORTER_OTLP_CERTIFICATE", "/ca.pem"),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"),
        ];
        let found = settings("", &all).unwrap();
        assert_eq!(found.compression, Compression::None);
        assert_eq!(found.timeout, Duration::from_millis(2500));
        assert_eq!(found.certificate, Some(PathBuf::from("/ca.pem")));
        for (name, value, error) in [
            (
                "OTEL_EXPORTER_OTLP_PROTOCOL",
                "grpc",
                "OTEL_EXPORTER_OTLP_PROTOCOL \"grpc\" is not valid; it takes http/protobuf, which \
                 is how spans leave; collectors take that on port 4318",
            ),
            (
                "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL",
                "http/json",
                "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL \"http/json\" is not valid; it takes",
            ),
            ("OTEL_EXPORTER_OTLP_COMPRESSION", "zstd", "OTEL_EXPORTER_OTLP_COMPRESSION \"zstd\""),
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "10s", "OTEL_EXPORTER_OTLP_TIMEOUT \"10s\" is not"),
            ("OTEL_EXPORTER_OTLP_HEADERS", "secret", "OTEL_EXPORTER_OTLP_HEADERS \"secret\" is"),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4318", "OTEL_EXPORTER_OTLP_ENDPOINT \"coll"),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "ftp://a/", "OTEL_EXPORTER_OTLP_ENDPOINT \"ftp://a/\""),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://me:pw@h", "OTEL_EXPORTER_OTLP_ENDPOINT \"h\""),
        ] {
            let refused = settings("", &[(name, value)]).unwrap_err();
            assert!(refused.starts_with(error), "{refused}");
            assert!(!refused.contains("pw"), "{refused}");
        }
    }

    #[test]
    fn a_proxy_is_for_what_lies_outside() {
        let proxy = |endpoint, variables: &[_]| {
            settings(&format!("--otlp-endpoint {endpoint}"), variables).unwrap().proxy
        };
        let outside = ("HTTPS_PROXY", "http://proxy:3128");
        let excepted = ("NO_PROXY", ".example");
        assert_eq!(proxy("https://a.b", &[outside]).as_deref(), Some("http://proxy:3128"));
        assert_eq!(proxy("http://a.b", &[outside]), None);
        assert_eq!(proxy("https://a.example", &[outside, excepted]), None);
        assert_eq!(proxy("https://a.b", &[excepted]), None);
        assert_eq!(proxy("https://a.b", &[("HTTPS_PROXY", "odd")]).as_deref(), Some("odd"));
    }
}
