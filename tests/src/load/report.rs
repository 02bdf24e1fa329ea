//! Rows of figures, and the table that the README shows.

use std::fmt::Write as _;
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
    /// CPU time of the daemon.
    pub cpu: Duration,
    /// Most memory resident, in MB.
    pub peak_mb: f64,
    /// Private memory at the end, in MB.
    pub private_mb: f64,
}

impl Row {
    fn lost_percent(&self) -> f64 {
        (self.sent - self.received.min(self.sent)) as f64 * 100.0 / self.sent as f64
    }

    /// Of segments received: what was lost cost little.
    fn cpu_us_per_segment(&self) -> f64 {
        self.cpu.as_secs_f64() * 1e6 / self.received.max(1) as f64
    }
}

/// The rows as a Markdown table.
pub fn table(rows: &[Row]) -> String {
    let mut table = String::from(
        "| scenario | daemon | sent | sent/s | lost | repeated | calls | CPU µs/segment | peak RSS MB | private MB |\n\
         |---|---|--:|--:|--:|--:|--:|--:|--:|--:|\n",
    );
    for row in rows {
        writeln!(
            table,
            "| {} | {} | {} | {:.0} | {:.2} % | {} | {} | {:.1} | {:.0} | {:.0} |",
            row.scenario,
            row.program,
            row.sent,
            row.sent as f64 / row.sent_in.as_secs_f64(),
            row.lost_percent(),
            row.repeats,
            row.calls,
            row.cpu_us_per_segment(),
            row.peak_mb,
            row.private_mb,
        )
        .ok();
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_shows_loss_and_cost() {
        let row = Row {
            scenario: "1k",
            program: "ours",
            sent: 2_000,
            sent_in: Duration::from_secs(2),
            received: 1_500,
            repeats: 1,
            calls: 40,
            cpu: Duration::from_millis(30),
            peak_mb: 9.6,
            private_mb: 3.2,
        };
        let line = table(&[row]).lines().last().unwrap().to_owned();
        assert_eq!(line, "| 1k | ours | 2000 | 1000 | 25.00 % | 1 | 40 | 20.0 | 10 | 3 |");
    }
}
