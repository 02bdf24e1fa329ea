//! Whether a fault, an error or a throttle began in an entity or was passed on to it from below.
//!
//! In: an assembled trace. Out: a word for each entity. Owns that list.

use super::{Entry, EntryIndex, Status, Trace};

/// Where trouble of a row began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Trouble {
    /// There is none.
    #[default]
    None,
    /// Here: drawn solid.
    BeganHere,
    /// Below, and it was passed on: drawn outlined.
    PassedOn,
}

/// The troubles of a trace, entity by entity.
#[derive(Clone, Debug)]
pub(super) struct Troubles {
    below: Vec<Below>,
}

/// What an entity shows of itself and of what is below it.
#[derive(Clone, Copy, Debug, Default)]
struct Below {
    /// The gravest status of all.
    worst: Status,
    /// The statuses that can have reached the parent, as bits.
    surfaces: u8,
    /// Those of its children.
    reached_by: u8,
}

impl Troubles {
    pub(super) fn of(trace: &Trace) -> Self {
        let mut below = vec![Below::default(); trace.entries().len()];
        for (index, entry) in trace.indexed().rev() {
            let status = entry.status();
            let Some(own) = below.get_mut(index.at()) else { continue };
            own.worst = own.worst.max(status);
            own.surfaces = match status {
                Status::Fault | Status::Error | Status::Throttle => bit(status),
                // Many libraries mark calls, but not the work around them.
                _ if !entry.is_segment() && entry.callee().is_none() => own.reached_by,
                // A call that went well hides what happened behind it.
                _ => 0,
            };
            let (worst, surfaces) = (own.worst, own.surfaces);
            if let Some(parent) = entry.parent.and_then(|parent| below.get_mut(parent.at())) {
                parent.worst = parent.worst.max(worst);
                parent.reached_by |= surfaces;
            }
        }
        Self { below }
    }

    /// The gravest status of the entity and all below.
    pub(super) fn worst_below(&self, index: EntryIndex) -> Status {
        self.below.get(index.at()).map_or(Status::Ok, |below| below.worst)
    }

    pub(super) fn of_entry(&self, index: EntryIndex, entry: &Entry) -> Trouble {
        let reached_by = self.below.get(index.at()).map_or(0, |below| below.reached_by);
        let passed_on = match entry.status() {
            Status::Ok | Status::InProgress => return Trouble::None,
            // A service that answers a refused call with 500 has failed by itself; a throttled one
            // leaves no choice.
            Status::Fault => bit(Status::Fault) | bit(Status::Throttle),
            Status::Error => bit(Status::Fault) | bit(Status::Throttle) | bit(Status::Error),
            Status::Throttle => bit(Status::Throttle),
        };
        if reached_by & passed_on == 0 { Trouble::BeganHere } else { Trouble::PassedOn }
    }
}

fn bit(status: Status) -> u8 {
    match status {
        Status::Ok | Status::InProgress => 0,
        Status::Throttle => 1,
        Status::Error => 2,
        Status::Fault => 4,
    }
}
