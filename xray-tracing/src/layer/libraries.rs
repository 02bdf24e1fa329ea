//! Which spans are the inner life of a library: below a segment they are welcome, but none of them
//! opens one.
//!
//! In: the target of a span (its module path). Out: yes or no. Owns the list.

/// Crates whose own spans never stand for a request or a job of the service.
const LIBRARIES: &[&str] = &[
    "h2",
    "hyper",
    "hyper_util",
    "hyper_rustls",
    "reqwest",
    "rustls",
    "tower",
    "tower_http",
    "tonic",
    "axum",
    "axum_core",
    "tokio",
    "tokio_util",
    "mio",
    "runtime",
    "sqlx",
    "sqlx_core",
    "sqlx_postgres",
    "sqlx_sqlite",
    "sqlx_mysql",
    "opentelemetry",
    "opentelemetry_sdk",
    "opentelemetry_otlp",
    "redis",
    "tungstenite",
    "tokio_tungstenite",
    "rdkafka",
    "kube_client",
    "kube_runtime",
];
/// Families of crates: the AWS SDK.
const FAMILIES: &[&str] =
    &["aws_sdk_", "aws_smithy_", "aws_config", "aws_runtime", "aws_credential_"];

/// Whether `target` belongs to one of them.
pub(crate) fn contain(target: &str) -> bool {
    let name = target.split("::").next().unwrap_or(target);
    LIBRARIES.contains(&name) || FAMILIES.iter().any(|family| name.starts_with(family))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libraries_are_known_by_their_crate() {
        for target in ["hyper", "hyper::proto::h1", "aws_sdk_dynamodb::operation", "sqlx::query"] {
            assert!(contain(target), "{target}");
        }
        for target in ["orders", "hyperdrive", "my::hyper", "aws_tools", ""] {
            assert!(!contain(target), "{target}");
        }
    }
}
