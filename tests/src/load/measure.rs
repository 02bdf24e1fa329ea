//! CPU time and memory of a process, from `/proc`.

use std::fs;
use std::time::Duration;

/// User and system time so far, all threads, ended ones too. Resolution: 10 ms.
pub(super) fn cpu_time(process_id: u32) -> Option<Duration> {
    let stat = fs::read_to_string(format!("/proc/{process_id}/stat")).ok()?;
    // The name in brackets may contain blanks; `utime` and `stime` are the 12th and 13th after it.
    let mut fields = stat.rsplit_once(')')?.1.split_ascii_whitespace().skip(11);
    let ticks = fields.next()?.parse::<u64>().ok()? + fields.next()?.parse::<u64>().ok()?;
    let per_second = rustix::param::clock_ticks_per_second();
    Some(Duration::from_secs_f64(ticks as f64 / per_second as f64))
}

/// A line of `/proc/PID/status` in MB, such as `VmHWM` (peak resident) or `RssAnon` (private).
pub(super) fn memory_mb(process_id: u32, line: &str) -> Option<f64> {
    let status = fs::read_to_string(format!("/proc/{process_id}/status")).ok()?;
    let mut lines = status.lines();
    let value = lines.find_map(|each| each.strip_prefix(line)?.strip_prefix(':'))?;
    let kilobytes = value.trim().strip_suffix("kB")?.trim().parse::<f64>().ok()?;
    Some(kilobytes / 1024.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_has_used_time_and_memory() {
        let process_id = std::process::id();
        assert!(cpu_time(process_id).unwrap() < Duration::from_secs(3_600));
        let peak = memory_mb(process_id, "VmHWM").unwrap();
        let private = memory_mb(process_id, "RssAnon").unwrap();
        assert!(private > 0.1 && private < peak, "{private} MB of {peak}");
    }
}
