//! Which spans are the inner life of a library: below a segment they are welcome, but none of them
//! opens one.
//!
//! In: the target of a span (its module path). Out: yes or no. Owns the list.

/// Whether `target` belongs to a crate whose own spans never stand for a request or a job of the
/// service.
pub(crate) fn contain(target: &str) -> bool {
    let end = target.bytes().position(|byte| byte == b':').unwrap_or(target.len());
    match target.get(..end).unwrap_or(target) {
        "h2" | "hyper" | "hyper_util" | "hyper_rustls" | "reqwest" | "rustls" => true,
        "tower" | "tower_http" | "tonic" | "axum" | "axum_core" => true,
        "tokio" | "tokio_util" | "mio" | "runtime" => true,
        "sqlx" | "sqlx_core" | "sqlx_postgres" | "sqlx_sqlite" | "sqlx_mysql" | "redis" => true,
        "opentelemetry" | "opentelemetry_sdk" | "opentelemetry_otlp" => true,
        "tungstenite" | "tokio_tungstenite" | "rdkafka" | "kube_client" | "kube_runtime" => true,
        name => name.starts_with("aws_") && is_of_aws(name),
    }
}

/// The AWS SDK is a family of crates; a service may well be called `aws_tools`.
fn is_of_aws(name: &str) -> bool {
    let families = ["aws_sdk_", "aws_smithy_", "aws_config", "aws_runtime", "aws_credential_"];
    families.iter().any(|family| name.starts_with(family))
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
