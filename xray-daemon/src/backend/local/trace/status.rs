//! How an entity ended: flags as sent, or by the HTTP status where there are none.

use xray_tracing::document::Entity;

use super::Entry;

/// The three flags of an entity. A throttled request is no error besides.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Flags {
    /// A server's failure (5xx).
    pub fault: bool,
    /// A client's mistake (4xx but 429).
    pub error: bool,
    /// Too many requests (429).
    pub throttle: bool,
}

impl Flags {
    /// The flags that `entity` carries, or those that its HTTP status means if it carries none.
    pub fn of(entity: &Entity) -> Self {
        let Entity { fault, error, throttle, .. } = *entity;
        if fault || error || throttle {
            return Self { fault, error: error && !throttle, throttle };
        }
        match entity.http.as_ref().and_then(|http| http.response.status) {
            Some(429) => Self { throttle: true, ..Self::default() },
            Some(400..=499) => Self { error: true, ..Self::default() },
            Some(500..=599) => Self { fault: true, ..Self::default() },
            _ => Self::default(),
        }
    }

    /// None of the three.
    pub fn ok(self) -> bool {
        self == Self::default()
    }

    /// The one word for it, counted once: throttle before fault before error.
    pub fn status(self) -> Status {
        match self {
            Self { throttle: true, .. } => Status::Throttle,
            Self { fault: true, .. } => Status::Fault,
            Self { error: true, .. } => Status::Error,
            _ => Status::Ok,
        }
    }
}

/// How something ended, in one word. In order of gravity.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Status {
    /// Ended well.
    #[default]
    Ok,
    /// Not ended yet.
    InProgress,
    /// 429.
    Throttle,
    /// 4xx.
    Error,
    /// 5xx.
    Fault,
}

impl Status {
    /// The word as a CSS class: `ok`, `pending`, `throttle`, `error`, `fault`.
    pub fn class(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::InProgress => "pending",
            Self::Throttle => "throttle",
            Self::Error => "error",
            Self::Fault => "fault",
        }
    }
}

impl Entry {
    /// How it ended, if it did.
    pub fn status(&self) -> Status {
        match Flags::of(&self.entity).status() {
            Status::Ok if self.end_s.is_none() => Status::InProgress,
            status => status,
        }
    }
}
