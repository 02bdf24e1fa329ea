//! What the machine gives: kernel buffers, memory, folders, an address that others reach.
//!
//! In: a configuration, what the system says. Out: findings. Owns nothing.

use std::fs;
use std::net::Ipv4Addr;
use std::path::Path;

use super::ports::Running;
use super::report::Finding;
use crate::config::{DaemonConfig, Memory};
use crate::intake::{GroupLimits, SocketGroup};

/// Receive buffers that hold a burst of some thousand segments of 1 kB.
const GOOD_RECEIVE_BYTES: usize = 4 << 20;
/// Most sockets on the UDP port, as the daemon takes them.
const MAX_SOCKETS: usize = 64;

/// How much memory segments get, and whether that is what was asked for.
pub(super) fn memory(config: &DaemonConfig, memory: Memory) -> Finding {
    let check = "memory";
    let used_bytes = memory.buffer_bytes(config.buffer_bytes);
    let limit = memory.limit_bytes().map_or_else(
        || "no container limit".to_owned(),
        |bytes| format!("a container of {} MB", bytes >> 20),
    );
    let detail = format!("{} MB for segments, {limit}", used_bytes >> 20);
    match config.buffer_bytes.filter(|asked| *asked > used_bytes) {
        None => Finding::ok(check, detail),
        Some(asked) => Finding::warn(
            check,
            format!("{detail}, though {} MB are asked for", asked >> 20),
            "lower --buffer-memory to half of the container's limit, or raise that",
        ),
    }
}

/// How many bytes the kernel holds while nobody reads, and whether it has dropped any.
pub(super) fn kernel_buffers(memory: Memory, running: Option<&Running>) -> Finding {
    let check = "kernel buffers";
    let drops = running.map_or(0.0, |running| running.metrics.sum("kernel_drops_total", ""));
    if drops > 0.0 {
        let advice = "the daemon is short of processor time or of receive buffers: give it more \
                      CPU, or raise net.core.rmem_max";
        return Finding::warn(check, format!("the kernel has dropped {drops} datagrams"), advice);
    }
    let limits = GroupLimits { max_buffer_bytes: memory.receive_bytes(), max_sockets: MAX_SOCKETS };
    let group = match SocketGroup::bind((Ipv4Addr::LOCALHOST, 0).into(), limits) {
        Ok(group) => group,
        Err(refused) => {
            let advice = "allow the process to open UDP sockets";
            return Finding::fail(check, refused.to_string(), advice);
        }
    };
    let (sockets, bytes) = (group.len(), group.total_buffer_bytes());
    let detail = format!("{} kB in {sockets} sockets", bytes >> 10);
    if bytes < GOOD_RECEIVE_BYTES {
        let most = fs::read_to_string("/proc/sys/net/core/rmem_max").unwrap_or_default();
        let advice = format!(
            "bursts may be lost; raise the limit: sysctl -w net.core.rmem_max=4194304 (now {})",
            most.trim()
        );
        return Finding::warn(check, detail, advice);
    }
    Finding::ok(check, detail)
}

/// In a container, other containers do not reach a loopback address.
pub(super) fn binding(config: &DaemonConfig) -> Option<Finding> {
    let in_container = std::env::var_os("KUBERNETES_SERVICE_HOST").is_some()
        || std::env::var_os("ECS_CONTAINER_METADATA_URI_V4").is_some()
        || Path::new("/.dockerenv").exists();
    (in_container && config.udp.ip().is_loopback()).then(|| {
        Finding::warn(
            "address",
            format!("segments are received on {} alone, in a container", config.udp),
            "others than a sidecar do not reach that: -b 0.0.0.0:2000 -t 0.0.0.0:2000",
        )
    })
}

/// Whether the folders that the configuration names can be written.
pub(super) fn folders(config: &DaemonConfig) -> Vec<Finding> {
    named_folders(config).iter().map(|(flag, path)| folder(flag, path)).collect()
}

fn named_folders(config: &DaemonConfig) -> Vec<(&'static str, &Path)> {
    let spool = config.spool.as_ref().map(|spool| ("--spool", spool.folder.as_path()));
    spool.into_iter().chain(data_dir(config)).collect()
}

#[cfg(feature = "local")]
fn data_dir(config: &DaemonConfig) -> Option<(&'static str, &Path)> {
    let local = config.backends.contains(&crate::BackendKind::Local);
    let folder = config.local.data_dir.as_deref().filter(|_| local);
    folder.map(|path| ("--data-dir", path))
}

#[cfg(not(feature = "local"))]
fn data_dir(_config: &DaemonConfig) -> Option<(&'static str, &Path)> {
    None
}

fn folder(flag: &str, path: &Path) -> Finding {
    let written = fs::create_dir_all(path).and_then(|()| {
        let file = path.join(format!(".doctor-{}", std::process::id()));
        fs::write(&file, b"x").and_then(|()| fs::remove_file(&file))
    });
    match written {
        Ok(()) => Finding::ok(flag, format!("{} can be written", path.display())),
        Err(refused) => Finding::fail(
            flag,
            format!("{} cannot be written: {refused}", path.display()),
            format!("give {flag} a folder that this user can write, with room on its disk"),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Verdict;

    #[test]
    fn a_buffer_that_its_container_has_no_room_for_is_a_warning() {
        let config = |megabytes: usize| DaemonConfig {
            buffer_bytes: Some(megabytes << 20),
            ..DaemonConfig::default()
        };
        let container = Memory::with_limit(64 << 20);
        let expected = Finding::ok("memory", "24 MB for segments, a container of 64 MB");
        assert_eq!(memory(&config(24), container), expected);
        let warned = memory(&config(40), container);
        assert_eq!(warned.verdict, Verdict::Warn);
        let detail = "32 MB for segments, a container of 64 MB, though 40 MB are asked for";
        assert_eq!(warned.detail, detail);
    }

    #[test]
    fn a_folder_is_written_to_and_left_empty() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("made");
        assert_eq!(folder("--data-dir", &path).verdict, Verdict::Ok);
        assert_eq!(fs::read_dir(&path).unwrap().count(), 0);
        let file = place.path().join("file");
        fs::write(&file, "x").unwrap();
        let refused = folder("--data-dir", &file.join("below"));
        assert_eq!(refused.verdict, Verdict::Fail);
        assert!(refused.advice.unwrap().contains("--data-dir"));
    }
}
