//! Root causes: where a fault, an error or the time began, and the path from there to the client.
//!
//! In: an assembled trace. Out: causes, as `GetTraceSummaries` answers them. Owns nothing. For
//! faults and errors only the flags count that documents carry, an HTTP status does not. Every
//! entity is looked at a fixed number of times.

use std::collections::HashMap;

use serde_json::{Value, json};
use xray_tracing::document::{Cause as EntityCause, Entity, Exception};

use super::{Entry, EntryIndex, ServiceId, Trace};

/// Most causes of one kind. A worker that survives a thousand failures has a thousand.
const MAX_CAUSES: usize = 100;

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

impl Cause {
    /// Where the faults of `trace` began.
    pub fn of_faults(trace: &Trace) -> Vec<Self> {
        Search::new(trace, |entity| entity.fault).causes()
    }

    /// Where the errors of `trace` began.
    pub fn of_errors(trace: &Trace) -> Vec<Self> {
        Search::new(trace, |entity| entity.error).causes()
    }

    /// Where the time of `trace` went: one path along the longest parts, or none.
    pub fn of_response_time(trace: &Trace) -> Vec<Self> {
        longest_path(trace).into_iter().collect()
    }

    /// The members as the API names them.
    pub fn to_json(&self) -> Value {
        let services: Vec<_> = self.services.iter().map(CauseService::to_json).collect();
        json!({"ClientImpacting": self.client_impacting, "Services": services})
    }
}

impl CauseService {
    fn to_json(&self) -> Value {
        let path: Vec<_> = self.entity_path.iter().map(CauseEntity::to_json).collect();
        json!({
            "Name": self.name, "Names": [self.name], "Type": self.service_type,
            "AccountId": self.account_id, "Inferred": self.inferred, "EntityPath": path,
        })
    }

    /// A service on the path, with no entity yet.
    fn new(service: ServiceId, inferred: bool) -> Self {
        let ServiceId { name, service_type, account_id } = service;
        let service_type = service_type.unwrap_or_default();
        Self { name, service_type, account_id, inferred, entity_path: Vec::new() }
    }
}

impl CauseEntity {
    fn to_json(&self) -> Value {
        if let Some(coverage) = self.coverage {
            return json!({"Name": self.name, "Coverage": coverage, "Remote": self.remote});
        }
        let exceptions: Vec<_> = self
            .exceptions
            .iter()
            .map(|exception| json!({"Name": exception.name, "Message": exception.message}))
            .collect();
        json!({"Name": self.name, "Exceptions": exceptions, "Remote": self.remote})
    }

    fn new(entry: &Entry) -> Self {
        Self {
            name: entry.entity.name.clone(),
            exceptions: exceptions(&entry.entity).iter().map(CauseException::new).collect(),
            coverage: None,
            remote: entry.callee().is_some(),
        }
    }
}

impl CauseException {
    fn new(exception: &Exception) -> Self {
        Self {
            name: exception.exception_type.clone().unwrap_or_default(),
            message: exception.message.clone().unwrap_or_default(),
        }
    }
}

fn exceptions(entity: &Entity) -> &[Exception] {
    match &entity.cause {
        Some(EntityCause::Detail(detail)) => &detail.exceptions,
        _ => &[],
    }
}

/// What a path ends with; a callee that did not report is preferred to an exception.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Leaf {
    Exception,
    Inferred,
}

/// How a path goes on from an entity.
#[derive(Clone, Copy, Debug)]
struct Way {
    leaf: Leaf,
    /// The next entity, a child or the owner of the exception; none at the leaf itself.
    next: Option<EntryIndex>,
}

/// The search for the causes of one flag.
struct Search<'a> {
    trace: &'a Trace,
    flag: fn(&Entity) -> bool,
    /// Of each entity; none where no path leads on, or the flag is not set.
    ways: Vec<Option<Way>>,
    /// Below a segment that carries the flag.
    covered: Vec<bool>,
}

impl<'a> Search<'a> {
    fn new(trace: &'a Trace, flag: fn(&Entity) -> bool) -> Self {
        let entries = trace.entries();
        let mut search = Self {
            trace,
            flag,
            ways: vec![None; entries.len()],
            covered: vec![false; entries.len()],
        };
        if entries.iter().any(|entry| flag(&entry.entity)) {
            search.find_ways();
            search.find_covered();
        }
        search
    }

    /// Children come after their parents, so from the end every child is known before its parent.
    fn find_ways(&mut self) {
        let mut owners = HashMap::new();
        for (index, entry) in self.trace.indexed().rev() {
            for exception in exceptions(&entry.entity) {
                if let Some(id) = &exception.id {
                    owners.insert(id.as_str(), index);
                }
            }
        }
        for (index, entry) in self.trace.indexed().rev() {
            if (self.flag)(&entry.entity) {
                let way = self.way(index, entry, &owners);
                if let Some(slot) = self.ways.get_mut(index.at()) {
                    *slot = way;
                }
            }
        }
    }

    fn way(
        &self,
        index: EntryIndex,
        entry: &Entry,
        owners: &HashMap<&str, EntryIndex>,
    ) -> Option<Way> {
        if let Some(EntityCause::ExceptionId(id)) = &entry.entity.cause {
            let below = index.at() + 1..=index.at() + entry.descendants;
            let owner = owners.get(id.as_str()).filter(|owner| below.contains(&owner.at()))?;
            return Some(Way { leaf: Leaf::Exception, next: Some(*owner) });
        }
        // Of equal ones the last: after a retry, what it ended with.
        let leaf_of =
            |child: &EntryIndex| Some((self.ways.get(child.at())?.as_ref()?.leaf, *child));
        if let Some((leaf, child)) = entry.children.iter().filter_map(leaf_of).max() {
            return Some(Way { leaf, next: Some(child) });
        }
        let raised = !exceptions(&entry.entity).is_empty();
        let leaf = match self.trace.inferred(index) {
            Some(_) => Leaf::Inferred,
            None if raised => Leaf::Exception,
            None => return None,
        };
        Some(Way { leaf, next: None })
    }

    fn find_covered(&mut self) {
        for (index, entry) in self.trace.indexed() {
            let Some(parent) = entry.parent else { continue };
            let covers = |parent: &Entry| parent.is_segment() && (self.flag)(&parent.entity);
            let covered = self.covered.get(parent.at()).is_some_and(|covered| *covered)
                || self.trace.entry(parent).is_some_and(covers);
            if let Some(slot) = self.covered.get_mut(index.at()) {
                *slot = covered;
            }
        }
    }

    fn causes(&self) -> Vec<Cause> {
        let starts = self.trace.indexed().filter_map(|(index, entry)| self.cause(index, entry));
        starts.take(MAX_CAUSES).collect()
    }

    /// The cause that starts at the entity, if one does.
    fn cause(&self, index: EntryIndex, entry: &Entry) -> Option<Cause> {
        let way = self.ways.get(index.at())?.as_ref()?;
        if self.covered.get(index.at()).is_none_or(|covered| *covered) {
            return None;
        }
        if entry.is_segment() {
            let services = self.services(index);
            return Some(Cause { client_impacting: self.trace.root() == Some(index), services });
        }
        // A failed call whose caller took no harm: the callee alone, if it said nothing itself.
        let holder = &self.trace.entry(entry.segment?)?.entity;
        let received = way.next.is_none() && way.leaf == Leaf::Inferred && !(self.flag)(holder);
        let services = vec![self.inferred(index).filter(|_| received)?];
        Some(Cause { client_impacting: false, services })
    }

    /// The services on the path from the segment at `start`.
    fn services(&self, start: EntryIndex) -> Vec<CauseService> {
        let mut services = Vec::new();
        let mut at = Some(start);
        while let Some(index) = at {
            self.step(index, &mut services);
            let way = self.ways.get(index.at()).copied().flatten();
            at = way.and_then(|way| way.next);
            match (way, at) {
                (Some(Way { leaf: Leaf::Inferred, .. }), None) => {
                    services.extend(self.inferred(index))
                }
                (_, Some(next)) if !self.is_child(index, next) => {
                    self.descend(index, next, &mut services);
                    return services;
                }
                _ => {}
            }
        }
        services
    }

    fn is_child(&self, index: EntryIndex, next: EntryIndex) -> bool {
        self.trace.entry(next).is_some_and(|next| next.parent == Some(index))
    }

    /// The path from below `above` to the owner of its exception, which ends it.
    fn descend(&self, above: EntryIndex, owner: EntryIndex, services: &mut Vec<CauseService>) {
        let mut path = Vec::new();
        let mut at = Some(owner);
        while let Some(index) = at.filter(|index| *index != above) {
            path.push(index);
            at = self.trace.entry(index).and_then(|entry| entry.parent);
        }
        for index in path.into_iter().rev() {
            self.step(index, services);
        }
    }

    /// Adds the entity, a segment as the beginning of a service.
    fn step(&self, index: EntryIndex, services: &mut Vec<CauseService>) {
        let Some(entry) = self.trace.entry(index) else { return };
        if entry.is_segment() {
            services.extend(self.trace.service(index).map(|id| CauseService::new(id, false)));
        }
        if let Some(service) = services.last_mut() {
            service.entity_path.push(CauseEntity::new(entry));
        }
    }

    fn inferred(&self, call: EntryIndex) -> Option<CauseService> {
        inferred_service(self.trace, call, None)
    }
}

/// The callee that did not report, as the end of a path.
fn inferred_service(
    trace: &Trace,
    call: EntryIndex,
    coverage: Option<f64>,
) -> Option<CauseService> {
    let callee = trace.inferred(call)?;
    let name = trace.entry(call)?.entity.name.clone();
    let mut service = CauseService::new(callee.service, true);
    service.entity_path.push(CauseEntity { name, coverage, ..CauseEntity::default() });
    Some(service)
}

/// From the root along the longest child, while that takes over half of the root's time and not
/// more than all of it (what takes more goes on without the root).
fn longest_path(trace: &Trace) -> Option<Cause> {
    let root = trace.root()?;
    let root_us = trace.entry(root)?.duration_us()?;
    let mut services: Vec<CauseService> = Vec::new();
    let mut at = root;
    loop {
        let entry = trace.entry(at)?;
        let coverage = share(entry.duration_us()?, root_us);
        if entry.is_segment() {
            services.push(CauseService::new(trace.service(at)?, false));
        }
        let entity = CauseEntity {
            exceptions: Vec::new(),
            coverage: Some(coverage),
            ..CauseEntity::new(entry)
        };
        services.last_mut()?.entity_path.push(entity);
        services.extend(inferred_service(trace, at, Some(coverage)));
        let time = |child: &EntryIndex| Some((trace.entry(*child)?.duration_us()?, *child));
        let long = entry
            .children
            .iter()
            .filter_map(time)
            .filter(|(us, _)| us * 2 > root_us && *us <= root_us);
        match long.max_by_key(|(us, child)| (*us, std::cmp::Reverse(*child))) {
            Some((_, child)) => at = child,
            None => break,
        }
    }
    let only_the_root =
        services.iter().map(|service| service.entity_path.len()).sum::<usize>() == 1;
    (!only_the_root).then_some(Cause { client_impacting: true, services })
}

/// To four digits: times come with noise in the last bits.
fn share(part_us: u64, whole_us: u64) -> f64 {
    if whole_us == 0 {
        return 1.0;
    }
    (part_us as f64 / whole_us as f64 * 1e4).round() / 1e4
}
