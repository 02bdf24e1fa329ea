//! How much memory the daemon may use for segments and for receive buffers.
//!
//! In: what the machine and the container allow. Out: bounds in bytes. Owns nothing. The smaller of
//! the cgroup's limit and the machine's memory counts: the limit of a container is what gets a
//! process killed.

use std::fs;
use std::path::{Path, PathBuf};

/// Smallest buffer that can be asked for. Rule: the reference daemon 3.6.6.
pub(crate) const MIN_BUFFER_BYTES: usize = 3 << 20;
/// Smallest buffer by default: 16,000 segments of 1 kB.
const MIN_DEFAULT_BUFFER_BYTES: usize = 16 << 20;
/// Most bytes of all receive buffers together.
const MAX_RECEIVE_BYTES: usize = 32 << 20;
/// Smallest receive buffers: one socket's usual one.
const MIN_RECEIVE_BYTES: usize = 256 << 10;
/// Where Linux says how much memory there is, and what control group a process is in.
const PROC: &str = "/proc";
/// Where control groups are.
const CGROUPS: &str = "/sys/fs/cgroup";

/// What the machine and the container allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Memory {
    /// Bytes of the machine.
    machine_bytes: Option<u64>,
    /// Bytes that the container may use.
    limit_bytes: Option<u64>,
}

impl Memory {
    /// Reads what the system says.
    pub(crate) fn of_this_process() -> Self {
        Self::read(Path::new(PROC), Path::new(CGROUPS))
    }

    fn read(proc: &Path, cgroups: &Path) -> Self {
        let meminfo = fs::read_to_string(proc.join("meminfo")).unwrap_or_default();
        let membership = fs::read_to_string(proc.join("self/cgroup")).unwrap_or_default();
        let limits = limit_files(&membership, cgroups);
        let limits = limits.iter().filter_map(|file| fs::read_to_string(file).ok());
        let machine_bytes = machine_bytes(&meminfo);
        // Version 1 writes a number beyond all machines where there is no limit.
        let is_limit = |bytes: &u64| machine_bytes.is_none_or(|machine| *bytes < machine);
        let limits = limits.filter_map(|text| text.trim().parse().ok());
        Self { machine_bytes, limit_bytes: limits.filter(is_limit).min() }
    }

    /// Bytes that the container may use, if it has a limit.
    pub(crate) fn limit_bytes(self) -> Option<u64> {
        self.limit_bytes
    }

    /// A container of this size on a machine of any.
    #[cfg(test)]
    pub(crate) fn with_limit(limit_bytes: u64) -> Self {
        Self { machine_bytes: None, limit_bytes: Some(limit_bytes) }
    }

    /// 1 % of the memory there is, at least 16 MB.
    pub(crate) fn default_buffer_bytes(self) -> usize {
        let there_is = self.machine_bytes.into_iter().chain(self.limit_bytes).min();
        let hundredth = there_is.map_or(0, |bytes| usize::try_from(bytes / 100).unwrap_or(0));
        hundredth.max(MIN_DEFAULT_BUFFER_BYTES)
    }

    /// The buffer to use: what was asked for or the default, at most half of the container's limit,
    /// or segments would get the process killed before the buffer is full.
    pub(crate) fn buffer_bytes(self, asked_bytes: Option<usize>) -> usize {
        let bytes = asked_bytes.unwrap_or_else(|| self.default_buffer_bytes());
        let half = self.limit_bytes.and_then(|bytes| usize::try_from(bytes / 2).ok());
        half.map_or(bytes, |half| bytes.min(half.max(MIN_BUFFER_BYTES)))
    }

    /// A quarter of the container's limit, at most 32 MiB.
    pub(crate) fn receive_bytes(self) -> usize {
        let quarter = self.limit_bytes.and_then(|bytes| usize::try_from(bytes / 4).ok());
        quarter.unwrap_or(MAX_RECEIVE_BYTES).clamp(MIN_RECEIVE_BYTES, MAX_RECEIVE_BYTES)
    }
}

fn machine_bytes(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kilobytes.checked_mul(1024)
}

/// Files that hold a limit for this process: its group's and those above it, version 2 and 1.
fn limit_files(membership: &str, cgroups: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for line in membership.lines() {
        let mut parts = line.splitn(3, ':').skip(1);
        let (Some(controllers), Some(group)) = (parts.next(), parts.next()) else { continue };
        let (root, file) = match controllers {
            "" => (cgroups.to_path_buf(), "memory.max"),
            names if names.split(',').any(|name| name == "memory") => {
                (cgroups.join("memory"), "memory.limit_in_bytes")
            }
            _ => continue,
        };
        // In a container the group's path is often that of the host; its own files are at the root.
        let group = Path::new(group.trim_start_matches('/'));
        files.extend(group.ancestors().map(|above| root.join(above).join(file)));
    }
    files
}

#[cfg(test)]
mod tests {
    use super::*;

    const MEMINFO: &str = "MemTotal:       24599236 kB\nMemFree:        1 kB\n";

    fn read(membership: &str, limits: &[(&str, &str)]) -> Memory {
        let folder = tempfile::tempdir().unwrap();
        let (proc, cgroups) = (folder.path().join("proc"), folder.path().join("cgroup"));
        fs::create_dir_all(proc.join("self")).unwrap();
        fs::write(proc.join("meminfo"), MEMINFO).unwrap();
        fs::write(proc.join("self/cgroup"), membership).unwrap();
        for (file, text) in limits {
            let file = cgroups.join(file);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, text).unwrap();
        }
        Memory::read(&proc, &cgroups)
    }

    #[test]
    fn without_a_limit_one_percent_of_the_machine_is_used() {
        let memory = read("0::/\n", &[("memory.max", "max\n")]);
        assert_eq!(memory.default_buffer_bytes(), 251_896_176);
        assert_eq!(memory.receive_bytes(), 32 << 20);
    }

    #[test]
    fn the_containers_limit_counts() {
        let memory = read("0::/\n", &[("memory.max", "67108864\n")]);
        assert_eq!(memory.default_buffer_bytes(), 16 << 20);
        assert_eq!(memory.receive_bytes(), 16 << 20);
        let memory = read("0::/\n", &[("memory.max", "4294967296\n")]);
        assert_eq!(memory.default_buffer_bytes(), 42_949_672);
    }

    #[test]
    fn the_lowest_limit_on_the_way_up_counts() {
        let limits =
            [("a/b/memory.max", "max"), ("a/memory.max", "100000000"), ("memory.max", "max")];
        assert_eq!(read("0::/a/b\n", &limits).limit_bytes, Some(100_000_000));
    }

    #[test]
    fn limits_of_version_1_are_read() {
        let membership = "5:cpu,cpuacct:/x\n4:memory:/docker/1f\n";
        let limits = [("memory/memory.limit_in_bytes", "536870912")];
        assert_eq!(read(membership, &limits).limit_bytes, Some(536_870_912));
        let none = [("memory/memory.limit_in_bytes", "9223372036854771712")];
        assert_eq!(read(membership, &none).limit_bytes, None);
    }

    #[test]
    fn a_buffer_takes_at_most_half_of_the_container() {
        let memory = |limit_bytes| Memory { machine_bytes: Some(24 << 30), limit_bytes };
        let (asked, default) = (Some(512 << 20), None);
        assert_eq!(memory(None).buffer_bytes(asked), 512 << 20);
        assert_eq!(memory(Some(64 << 20)).buffer_bytes(asked), 32 << 20);
        assert_eq!(memory(Some(64 << 20)).buffer_bytes(Some(24 << 20)), 24 << 20);
        assert_eq!(memory(Some(20 << 20)).buffer_bytes(default), 10 << 20);
        assert_eq!(memory(Some(1 << 20)).buffer_bytes(default), 3 << 20);
    }

    #[test]
    fn a_system_that_says_nothing_gets_the_floor() {
        let nothing = Memory { machine_bytes: None, limit_bytes: None };
        assert_eq!(nothing.default_buffer_bytes(), 16 << 20);
        let tiny = Memory { machine_bytes: None, limit_bytes: Some(1 << 19) };
        assert_eq!(tiny.receive_bytes(), MIN_RECEIVE_BYTES);
    }
}
