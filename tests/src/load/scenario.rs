//! What is sent, how fast, what the service does meanwhile, and how the daemon ends.

use std::time::Duration;

use crate::fake_xray::Fault;

/// How fast documents are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rate {
    /// Documents a second.
    PerSecond(u64),
    /// As fast as one thread can.
    Full,
}

/// What the service does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// Answers at once.
    None,
    /// Answers each call after this time.
    Slow(Duration),
    /// Fails in this way for this long, in the middle of the run.
    Outage(Fault, Duration),
    /// Fails until the daemon has ended.
    Down,
}

/// How the daemon ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// By SIGTERM when everything has come.
    Settled,
    /// By SIGTERM at once when everything is sent.
    Term,
    /// By kill -9 in the middle; then it is started again.
    Kill,
}

/// Whether ours has a spool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spooling {
    /// Memory alone.
    Off,
    /// In a fresh folder.
    On,
}

/// One run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scenario {
    /// Name on the command line and in the table.
    pub name: &'static str,
    /// How fast.
    pub rate: Rate,
    /// How many documents.
    pub documents: u64,
    /// Bytes of each.
    pub size_bytes: usize,
    /// What goes wrong.
    pub trouble: Trouble,
    /// How the daemon ends.
    pub ending: Ending,
    /// Whether ours has a spool.
    pub spooling: Spooling,
    /// `-m`; `None`: the default.
    pub memory_mb: Option<u32>,
}

impl Scenario {
    /// Documents of 1 kB at a rate, and nothing goes wrong.
    pub fn steady(name: &'static str, rate: u64, documents: u64) -> Self {
        Self {
            name,
            rate: Rate::PerSecond(rate),
            documents,
            size_bytes: 1_024,
            trouble: Trouble::None,
            ending: Ending::Settled,
            spooling: Spooling::Off,
            memory_mb: None,
        }
    }

    /// How long sending takes.
    pub fn lasts(&self) -> Duration {
        match self.rate {
            Rate::PerSecond(rate) => Duration::from_secs_f64(self.documents as f64 / rate as f64),
            Rate::Full => Duration::ZERO,
        }
    }
}

/// How long the steady runs and the long outage are.
#[derive(Clone, Copy, Debug)]
pub struct Lengths {
    /// Seconds of a run at a steady rate.
    pub steady_s: u64,
    /// Seconds of an outage that memory alone bridges.
    pub outage_s: u64,
    /// Seconds of an outage for the spool.
    pub long_outage_s: u64,
}

impl Default for Lengths {
    fn default() -> Self {
        Self { steady_s: 10, outage_s: 10, long_outage_s: 600 }
    }
}

/// The scenarios of the table, in its order.
pub fn scenarios(lengths: Lengths) -> Vec<Scenario> {
    let steady = |name, rate| Scenario::steady(name, rate, rate * lengths.steady_s);
    let slow = Trouble::Slow(Duration::from_millis(200));
    let outage_time = Duration::from_secs(lengths.outage_s);
    let outage = |name, fault| Scenario {
        trouble: Trouble::Outage(fault, outage_time),
        ..Scenario::steady(name, 1_000, 2_000 * lengths.outage_s)
    };
    let long_outage = Duration::from_secs(lengths.long_outage_s);
    vec![
        steady("1k", 1_000),
        steady("5k", 5_000),
        steady("20k", 20_000),
        steady("50k", 50_000),
        Scenario { rate: Rate::Full, ..Scenario::steady("burst", 1, 200_000) },
        Scenario { trouble: slow.clone(), ..steady("slow", 20_000) },
        outage("outage-500", Fault::INTERNAL),
        outage("outage-429", Fault::THROTTLED),
        outage("outage-hang", Fault::Hang),
        outage("outage-reset", Fault::Reset),
        Scenario {
            trouble: Trouble::Outage(Fault::INTERNAL, long_outage),
            spooling: Spooling::On,
            ..Scenario::steady("spool", 1_000, 1_100 * lengths.long_outage_s)
        },
        Scenario {
            trouble: Trouble::Down,
            ending: Ending::Kill,
            spooling: Spooling::On,
            memory_mb: Some(3),
            ..steady("kill", 5_000)
        },
        Scenario {
            trouble: slow,
            ending: Ending::Term,
            ..Scenario::steady("term", 50_000, 10_000)
        },
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_name_stands_once_and_an_outage_lies_within_its_run() {
        let all = scenarios(Lengths::default());
        let names: std::collections::BTreeSet<_> = all.iter().map(|it| it.name).collect();
        assert_eq!(names.len(), all.len());
        for scenario in &all {
            if let Trouble::Outage(_, time) = scenario.trouble {
                assert!(scenario.lasts() > time, "{}", scenario.name);
            }
        }
        assert_eq!(all[6].lasts(), Duration::from_secs(20));
    }
}
