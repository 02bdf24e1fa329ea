//! The memory of this process, where the system tells it.

/// Resident memory in bytes; none where `/proc` does not exist.
pub(super) fn resident_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    resident_of(&status)
}

fn resident_of(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kilobytes.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::resident_of;

    #[test]
    fn the_line_of_resident_memory_is_read() {
        assert_eq!(resident_of("VmPeak:\t  9000 kB\nVmRSS:\t    7577 kB\n"), Some(7_758_848));
        assert_eq!(resident_of("VmRSS: many kB"), None);
        assert_eq!(resident_of(""), None);
    }
}
