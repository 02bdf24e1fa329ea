//! What is sent, how fast, and what the service does meanwhile.

use std::time::Duration;

/// How fast documents are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rate {
    /// Documents a second.
    PerSecond(u64),
    /// As fast as one thread can.
    Full,
}

/// What the service does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// Answers at once.
    None,
    /// Answers each call after this time.
    Slow(Duration),
    /// Fails for this long, from a quarter of the run on.
    Outage(Duration),
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
}

/// The scenarios of the table, each steady one `seconds` long.
pub fn scenarios(seconds: u64) -> Vec<Scenario> {
    let steady = |name, rate| Scenario {
        name,
        rate: Rate::PerSecond(rate),
        documents: rate * seconds,
        size_bytes: 1_024,
        trouble: Trouble::None,
    };
    let slow = Trouble::Slow(Duration::from_millis(200));
    let outage_s = (seconds / 2).clamp(1, 10);
    let outage = Trouble::Outage(Duration::from_secs(outage_s));
    vec![
        steady("1k", 1_000),
        steady("5k", 5_000),
        steady("20k", 20_000),
        steady("50k", 50_000),
        Scenario { rate: Rate::Full, documents: 200_000, ..steady("burst", 1) },
        Scenario { trouble: slow, ..steady("slow", 20_000) },
        Scenario { trouble: outage, ..steady("outage", 1_000) },
    ]
}
