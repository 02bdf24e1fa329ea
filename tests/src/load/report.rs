//! Rows of figures, and the tables that the README shows.

use std::fmt::Write as _;
use std::fs;
use std::thread;
use std::time::Duration;

/// What one scenario cost one daemon.
#[derive(Clone, Debug)]
pub struct Row {
    /// Name of the scenario.
    pub scenario: &'static str,
    /// `ours` or `reference`.
    pub program: &'static str,
    /// Documents sent.
    pub sent: u64,
    /// How long sending took.
    pub sent_in: Duration,
    /// Different documents at the service.
    pub received: u64,
    /// Documents that came again.
    pub repeats: u64,
    /// Calls that brought them.
    pub calls: u64,
    /// CPU time of the daemon, where it lived through the whole run.
    pub cpu: Option<Duration>,
    /// Most memory resident, in MB.
    pub peak_mb: Option<f64>,
    /// Private memory at the end, in MB.
    pub private_mb: Option<f64>,
    /// What else there is to say.
    pub remark: String,
}

impl Row {
    pub(super) fn new(scenario: &'static str, program: &'static str) -> Self {
        Self {
            scenario,
            program,
            sent: 0,
            sent_in: Duration::ZERO,
            received: 0,
            repeats: 0,
            calls: 0,
            cpu: None,
            peak_mb: None,
            private_mb: None,
            remark: String::new(),
        }
    }

    /// Documents that never came.
    pub fn lost(&self) -> u64 {
        self.sent.saturating_sub(self.received)
    }

    /// Of segments received: what was lost cost little.
    fn cpu_us_per_segment(&self) -> Option<f64> {
        self.cpu.map(|cpu| cpu.as_secs_f64() * 1e6 / self.received.max(1) as f64)
    }

    fn line(&self) -> String {
        let per_s = self.sent as f64 / self.sent_in.as_secs_f64();
        let percent = self.lost() as f64 * 100.0 / self.sent.max(1) as f64;
        let number = |value: Option<f64>, decimals| {
            value.map_or("–".to_owned(), |value| format!("{value:.decimals$}"))
        };
        format!(
            "| {} | {} | {} | {per_s:.0} | {} ({percent:.2} %) | {} | {} | {} | {} | {} | {} |",
            self.scenario,
            self.program,
            self.sent,
            self.lost(),
            self.repeats,
            self.calls,
            number(self.cpu_us_per_segment(), 1),
            number(self.peak_mb, 0),
            number(self.private_mb, 1),
            self.remark,
        )
    }
}

/// The rows as a Markdown table.
pub fn table(rows: &[Row]) -> String {
    let mut table = String::from(
        "| scenario | daemon | sent | sent/s | lost | repeated | calls | CPU µs/segment | peak RSS MB | private MB | |\n\
         |---|---|--:|--:|--:|--:|--:|--:|--:|--:|---|\n",
    );
    for row in rows {
        writeln!(table, "{}", row.line()).ok();
    }
    table
}

/// What a daemon takes to start, and while it does nothing.
#[derive(Clone, Debug)]
pub struct RestRow {
    /// `ours` or `reference`.
    pub program: &'static str,
    /// From the start of the process until it is ready, each time.
    pub starts: Vec<Duration>,
    /// Resident memory after one upload, in MB.
    pub resident_mb: Option<f64>,
    /// Private memory then, in MB.
    pub private_mb: Option<f64>,
    /// Share of a processor while it does nothing.
    pub idle_cpu: f64,
}

/// The rows as a Markdown table.
pub fn rest_table(rows: &[RestRow]) -> String {
    let mut table = String::from(
        "| daemon | start to ready ms (median, worst) | idle RSS MB | idle private MB | idle CPU % |\n\
         |---|--:|--:|--:|--:|\n",
    );
    for row in rows {
        let mut starts = row.starts.clone();
        starts.sort();
        let ms = |at: usize| starts.get(at).map_or(0.0, |it| it.as_secs_f64() * 1e3);
        writeln!(
            table,
            "| {} | {:.1}, {:.1} of {} | {:.1} | {:.1} | {:.2} |",
            row.program,
            ms(starts.len() / 2),
            ms(starts.len().saturating_sub(1)),
            starts.len(),
            row.resident_mb.unwrap_or_default(),
            row.private_mb.unwrap_or_default(),
            row.idle_cpu * 100.0,
        )
        .ok();
    }
    table
}

/// The machine in one line, without which no figure says much.
pub fn machine() -> String {
    let model = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = model.lines().find_map(|line| line.strip_prefix("model name"));
    let model = model.map_or("unknown processor", |it| it.trim_start_matches([' ', '\t', ':']));
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let rmem = fs::read_to_string("/proc/sys/net/core/rmem_max").unwrap_or_default();
    format!(
        "{model}, {cores} cores shared by sender, daemon and service; Linux {}, rmem_max {}; HTTPS",
        kernel.trim(),
        rmem.trim()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row() -> Row {
        Row {
            sent: 2_000,
            sent_in: Duration::from_secs(2),
            received: 1_500,
            repeats: 1,
            calls: 40,
            cpu: Some(Duration::from_millis(30)),
            peak_mb: Some(9.6),
            private_mb: Some(3.2),
            remark: "dropped 500".to_owned(),
            ..Row::new("1k", "ours")
        }
    }

    #[test]
    fn a_row_shows_loss_and_cost() {
        let table = table(&[row()]);
        let expected =
            "| 1k | ours | 2000 | 1000 | 500 (25.00 %) | 1 | 40 | 20.0 | 10 | 3.2 | dropped 500 |";
        assert_eq!(table.lines().last(), Some(expected));
    }

    #[test]
    fn what_was_not_measured_is_a_dash() {
        let table = table(&[Row { cpu: None, peak_mb: None, private_mb: None, ..row() }]);
        assert!(table.contains("| 40 | – | – | – |"), "{table}");
    }

    #[test]
    fn starts_are_shown_by_their_median_and_the_worst() {
        let row = RestRow {
            program: "ours",
            starts: [30, 10, 20].map(Duration::from_millis).to_vec(),
            resident_mb: Some(7.96),
            private_mb: Some(2.5),
            idle_cpu: 0.0012,
        };
        let expected = "| ours | 20.0, 30.0 of 3 | 8.0 | 2.5 | 0.12 |";
        assert_eq!(rest_table(&[row]).lines().last(), Some(expected));
    }
}
