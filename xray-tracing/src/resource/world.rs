//! What a detector may look at.
//!
//! In: names of variables and files, requests. Out: what is there, bounded in size and time. Owns
//! nothing; a test puts another world in its place.

use std::fs::File;
use std::io::Read;
use std::time::Duration;

use crate::emitter::Endpoint;
use crate::plain_http::{Answer, Bounds, Request};

/// Longest file that is read: a token, a list of mounts.
const MAX_FILE_BYTES: u64 = 64 * 1024;
/// Of one call to a metadata service. Rule: 1 s, as the X-Ray SDKs.
const BOUNDS: Bounds = Bounds {
    connect: Duration::from_secs(1),
    total: Duration::from_secs(1),
    max_body_bytes: 64 * 1024,
};

/// How variables and files are read.
pub(super) type ReadText = Box<dyn Fn(&str) -> Option<String> + Send>;

pub(super) struct World {
    pub(super) variable: ReadText,
    pub(super) file: ReadText,
    /// The machine's metadata service.
    pub(super) imds: Endpoint,
}

impl World {
    /// The real one.
    pub(super) fn of_process() -> Self {
        Self {
            variable: Box::new(|name| std::env::var(name).ok()),
            file: Box::new(read_file),
            imds: Endpoint { host: "169.254.169.254".to_owned(), port: 80 },
        }
    }

    /// A variable that is set, and not to nothing.
    pub(super) fn variable(&self, name: &str) -> Option<String> {
        (self.variable)(name).filter(|value| !value.trim().is_empty())
    }

    /// Text of a file.
    pub(super) fn file(&self, path: &str) -> Option<String> {
        (self.file)(path)
    }

    /// The name of the machine, which in a container is that of the container or pod.
    pub(super) fn host_name(&self) -> Option<String> {
        let name = self.variable("HOSTNAME").or_else(|| self.file("/etc/hostname"))?;
        let name = name.trim();
        (!name.is_empty()).then(|| name.to_owned())
    }

    /// Makes a call; `None` if nobody answers.
    pub(super) fn call(
        endpoint: &Endpoint,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
    ) -> Option<Answer> {
        let (host, port) = (endpoint.host.as_str(), endpoint.port);
        Request { host, port, method, path, headers, body: b"" }.send(BOUNDS).ok()
    }
}

fn read_file(path: &str) -> Option<String> {
    let mut text = Vec::new();
    File::open(path).ok()?.take(MAX_FILE_BYTES).read_to_end(&mut text).ok()?;
    Some(String::from_utf8_lossy(&text).into_owned())
}
