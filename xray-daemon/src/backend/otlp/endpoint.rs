//! Tells X-Ray's own OTLP endpoint from all others, and the daemon's own intake.
//!
//! In: a URL. Out: the region to sign for. Owns the partitions' domains. Rule: CloudWatch user guide,
//! "OTLP endpoints": `https://xray.REGION.amazonaws.com/v1/traces`.

use std::net::{IpAddr, SocketAddr};

use http::Uri;

/// Domains of the partitions, with and without IPv6.
const DOMAINS: [&str; 8] = [
    "amazonaws.com",
    "amazonaws.com.cn",
    "amazonaws.eu",
    "api.aws",
    "api.amazonwebservices.com.cn",
    "api.amazonwebservices.eu",
    "c2s.ic.gov",
    "sc2s.sgov.gov",
];

/// The region of X-Ray's own endpoint; `None` for any other.
pub(super) fn xray_region(endpoint: &Uri) -> Option<&str> {
    if endpoint.scheme_str() != Some("https") || endpoint.path() != "/v1/traces" {
        return None;
    }
    let (service, rest) = endpoint.host()?.split_once('.')?;
    let (region, domain) = rest.split_once('.')?;
    let is_region = region.contains('-')
        && region.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    let is_xray = ["xray", "xray-fips"].contains(&service) && DOMAINS.contains(&domain);
    (is_xray && is_region).then_some(region)
}

/// Whether `endpoint` is the daemon's own intake, which listens on `own`.
pub(super) fn is_own(endpoint: &Uri, own: Option<SocketAddr>) -> bool {
    let Some(own) = own else { return false };
    let default = if endpoint.scheme_str() == Some("https") { 443 } else { 80 };
    let host = endpoint.host().unwrap_or_default().trim_matches(['[', ']']);
    let address: Option<IpAddr> = host.parse().ok();
    let is_here = host.eq_ignore_ascii_case("localhost")
        || address.is_some_and(|address| address.is_loopback() || address == own.ip());
    endpoint.port_u16().unwrap_or(default) == own.port() && is_here
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_daemons_own_intake_is_known() {
        let own = Some(([127, 0, 0, 1], 4318).into());
        for (url, expected) in [
            ("http://localhost:4318/v1/traces", true),
            ("http://127.0.0.1:4318/v1/traces", true),
            ("http://[::1]:4318/v1/traces", true),
            ("http://localhost:4319/v1/traces", false),
            ("http://collector:4318/v1/traces", false),
            ("http://localhost/v1/traces", false),
        ] {
            assert_eq!(is_own(&url.parse().unwrap(), own), expected, "{url}");
        }
        assert!(!is_own(&"http://localhost:4318/".parse().unwrap(), None));
    }

    #[test]
    fn x_rays_own_endpoint_names_its_region() {
        for (url, region) in [
            ("https://xray.eu-west-1.amazonaws.com/v1/traces", Some("eu-west-1")),
            ("https://xray-fips.us-gov-west-1.amazonaws.com/v1/traces", Some("us-gov-west-1")),
            ("https://xray.cn-north-1.amazonaws.com.cn:443/v1/traces", Some("cn-north-1")),
            ("https://xray.us-east-1.api.aws/v1/traces", Some("us-east-1")),
            ("http://xray.eu-west-1.amazonaws.com/v1/traces", None),
            ("https://xray.eu-west-1.amazonaws.com/", None),
            ("https://logs.eu-west-1.amazonaws.com/v1/traces", None),
            ("https://xray.eu-west-1.amazonaws.com.evil.example/v1/traces", None),
            ("https://xray.amazonaws.com/v1/traces", None),
            ("https://collector:4318/v1/traces", None),
        ] {
            assert_eq!(xray_region(&url.parse().unwrap()), region, "{url}");
        }
    }
}
