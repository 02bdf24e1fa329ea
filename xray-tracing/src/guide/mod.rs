//! Pages for people who come from somewhere: from OpenTelemetry, from another X-Ray SDK, from nothing.

#[doc = include_str!("from_nothing.md")]
pub mod from_nothing {}

#[doc = include_str!("from_opentelemetry_aws.md")]
pub mod from_opentelemetry_aws {}

#[doc = include_str!("from_other_sdks.md")]
pub mod from_other_sdks {}
