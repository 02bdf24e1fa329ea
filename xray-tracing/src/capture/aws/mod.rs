//! A subsegment for each call of the AWS SDK for Rust.
//!
//! In: the SDK's hooks. Out: a subsegment of namespace `aws` with service, operation, region, request
//! id, retries, status, the table, queue, bucket or topic, and the parameters that X-Ray's SDKs
//! record; the trace header on every attempt. Owns what is under way, in the call's own
//! configuration. What is recorded is read off the wire: no type of any service is needed.
//!
//! ```text
//! read_before_execution ─▶ Subsegment ─▶ modify_before_signing: header ─▶ attempts …
//!                                     ─▶ read_after_execution: parameters, reply, error ─▶ end
//! ```

mod interceptor;
mod parameters;
mod reply;
mod resources;

#[cfg(test)]
mod tests;

pub use interceptor::Interceptor;

/// Makes a client of an SDK crate whose calls are seen in the trace.
///
/// ```ignore
/// let config = aws_config::load_from_env().await;
/// let dynamodb = xray_tracing::aws::client!(aws_sdk_dynamodb, &config);
/// ```
#[doc(hidden)]
#[macro_export]
macro_rules! __aws_client {
    ($sdk:ident, $config:expr) => {
        $sdk::Client::from_conf(
            $sdk::config::Builder::from($config)
                .interceptor($crate::aws::Interceptor::new())
                .build(),
        )
    };
}

#[doc(inline)]
pub use __aws_client as client;
