//! Which service: the identity of a node of the service graph.

/// Name, type and account together say which service it is. Sorted as the API sorts nodes: by
/// name, then by type (none first), byte by byte.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ServiceId {
    /// Name of the service, the database (`db@host`) or the resource (a table, a queue's URL).
    pub name: String,
    /// `AWS::EC2::Instance`, `Database::SQL`, `remote`, `client` …; none where nobody said.
    pub service_type: Option<String>,
    /// AWS account, where a document names it.
    pub account_id: Option<String>,
}

impl ServiceId {
    /// Type of the node that stands for whoever sent the first request.
    pub const CLIENT: &'static str = "client";

    /// A service of this name and type, without account.
    pub fn new(name: impl Into<String>, service_type: Option<&str>) -> Self {
        Self { name: name.into(), service_type: service_type.map(str::to_owned), account_id: None }
    }

    /// Whether it stands for whoever sent the first request.
    pub fn is_client(&self) -> bool {
        self.service_type.as_deref() == Some(Self::CLIENT)
    }
}
