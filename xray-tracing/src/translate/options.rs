//! What an operator decides about the translation.
//!
//! Owns the choices only.

/// Choices of the translation. Rule: the settings of the Collector's `awsxray` exporter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Options {
    /// Makes an annotation of every attribute that can be one. Default: no.
    pub index_all: bool,
    /// Attributes that become annotations; those of the resource as `otel.resource.` and their key.
    pub indexed: Vec<String>,
    /// CloudWatch log groups of services that name none.
    pub log_groups: Vec<String>,
}
