//! Root causes: where a fault, an error or the time began, and the path from there to the client.

/// One cause: a path of services, the first nearest to the client.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Cause {
    /// The path starts at the root of the trace, so its client saw the trouble.
    pub client_impacting: bool,
    /// The services on the path.
    pub services: Vec<CauseService>,
}

/// A service on the path, with the entities of it that lie on the path.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CauseService {
    /// Name of the service.
    pub name: String,
    /// Its type; `""` where nobody said (Grafana does not take null).
    pub service_type: String,
    /// AWS account, where a document names it.
    pub account_id: Option<String>,
    /// The service did not report; a call to it is all that is known.
    pub inferred: bool,
    /// Segment first, then subsegments inwards. Never empty.
    pub entity_path: Vec<CauseEntity>,
}

/// An entity on the path.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CauseEntity {
    /// Name of the segment or subsegment.
    pub name: String,
    /// What it raised (faults and errors).
    pub exceptions: Vec<CauseException>,
    /// Its share of the root's time, 0–1 (response time).
    pub coverage: Option<f64>,
    /// A call to another service.
    pub remote: bool,
}

/// An exception on the path.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CauseException {
    /// Its type.
    pub name: String,
    /// What went wrong.
    pub message: String,
}
