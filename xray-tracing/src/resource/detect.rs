//! Asks every detector, on a thread of its own.
//!
//! In: the world. Out: a [`Resource`], into the place that everybody reads. Owns the thread: it is
//! over after a few calls of at most a second each.

use std::io;
use std::sync::{Arc, OnceLock};
use std::thread;

use super::found::{Found, LogGroup, Resource};
use super::world::World;
use super::{beanstalk, ec2, ecs, eks};

/// Starts to find out where the process runs.
///
/// # Errors
/// When the system has no thread left.
pub(crate) fn start(into: Arc<OnceLock<Resource>>) -> io::Result<()> {
    thread::Builder::new().name("xray-resource".to_owned()).spawn(move || {
        let resource = detect(&World::of_process());
        tracing::debug!(origin = resource.origin(), "where the process runs is known");
        // Nobody else sets it.
        into.get_or_init(|| resource);
    })?;
    Ok(())
}

pub(super) fn detect(world: &World) -> Resource {
    let mut found: Vec<Found> = Vec::new();
    // What an operator says comes before what is found.
    if let Some(name) = world.variable("AWS_LOG_GROUP") {
        let log_groups = vec![LogGroup { name: name.trim().to_owned(), arn: None }];
        found.push(Found { log_groups, ..Found::default() });
    }
    let detectors = [beanstalk::detect, eks::detect, ecs::detect, ec2::detect];
    found.extend(detectors.iter().filter_map(|detect| detect(world)));
    Resource::of(found)
}
