//! When the daemon is asked for what, and what becomes of the answers.
//!
//! In: the time, and a way to call the daemon. Out: new rules and targets in [`CentralRules`], and
//! when to come back. Owns the schedule. No clock and no I/O of its own. Rule: as all X-Ray SDKs,
//! rules every 300 s and targets every 10 s, each a little later by chance, so that the processes of
//! a cluster do not all ask at once.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use super::rules::CentralRules;
use super::wire::{self, BoostReport, MAX_DOCUMENTS, Report, RulesPage, Target, Targets};
use crate::sampling::Lease;

const RULES_EVERY: Duration = Duration::from_secs(300);
const RULES_JITTER: Duration = Duration::from_secs(5);
const TARGETS_EVERY: Duration = Duration::from_secs(10);
const TARGETS_JITTER: Duration = Duration::from_millis(100);
/// How long after a failure rules are asked for again; twice as long after each, up to
/// [`RULES_EVERY`]: a daemon that starts later than its services is found soon.
const FIRST_RETRY: Duration = Duration::from_secs(10);
/// Least time between two calls for rules because some answer said that they changed.
const LEAST_REFRESH: Duration = Duration::from_secs(1);
/// Seconds between two reports of a rule, if the service says nothing else.
const DEFAULT_INTERVAL_S: u64 = 10;
/// Longest interval that is followed.
const MAX_INTERVAL_S: u64 = 300;
/// Most pages of rules, and rules in all. An account may have 25.
const MAX_PAGES: usize = 40;
const MAX_RULES: usize = 1_000;

/// A moment: how long after the start, and where that is since 1970.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment {
    pub(super) since_start: Duration,
    pub(super) epoch_s: u64,
}

/// The daemon's TCP port, or one in a test.
pub(super) trait Daemon {
    /// Posts `body`; gives the body of a successful answer.
    fn post(&mut self, path: &str, body: &[u8]) -> io::Result<Vec<u8>>;
}

/// What came of a turn, for the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum News {
    /// Rules came, for the first time or again after failures.
    Arrived { rules: usize },
    /// They did not come, for the first time in a row.
    Failed(String),
    /// Some rules of the answer cannot be used.
    Refused { rules: usize },
}

pub(super) struct Poller {
    central: Arc<CentralRules>,
    client_id: String,
    rules_due: Duration,
    targets_due: Duration,
    /// Pauses after failures; `None` while rules come.
    retry: Option<Duration>,
    had_rules: bool,
    /// By rule: when its next report is due, seconds since 1970, and its interval.
    reporting: HashMap<Arc<str>, Reporting>,
    chance: fastrand::Rng,
}

#[derive(Clone, Copy, Debug)]
struct Reporting {
    refreshed_at_s: u64,
    interval_s: u64,
}

impl Poller {
    pub(super) fn new(central: Arc<CentralRules>, mut chance: fastrand::Rng) -> Self {
        // 12 random bytes, new with every process.
        let client_id = format!("{:024x}", chance.u128(..) >> 32);
        Self {
            central,
            client_id,
            rules_due: Duration::ZERO,
            targets_due: TARGETS_EVERY,
            retry: None,
            had_rules: false,
            reporting: HashMap::new(),
            chance,
        }
    }

    /// Does what is due; returns when something is due again, after the start.
    pub(super) fn turn(
        &mut self,
        now: Moment,
        daemon: &mut dyn Daemon,
        tell: &mut dyn FnMut(News),
    ) -> Duration {
        if now.since_start >= self.rules_due {
            self.refresh_rules(now, daemon, tell);
        }
        if now.since_start >= self.targets_due {
            if self.report(now, daemon) {
                let soon = now.since_start + LEAST_REFRESH;
                self.rules_due = self.rules_due.min(soon);
            }
            let jitter = self.jitter(TARGETS_JITTER);
            self.targets_due = now.since_start + TARGETS_EVERY + jitter;
        }
        self.rules_due.min(self.targets_due)
    }

    fn refresh_rules(&mut self, now: Moment, daemon: &mut dyn Daemon, tell: &mut dyn FnMut(News)) {
        match fetch_rules(daemon) {
            Ok(page) => {
                if !self.had_rules || self.retry.is_some() {
                    tell(News::Arrived { rules: page.rules.len() });
                }
                if page.refused > 0 {
                    tell(News::Refused { rules: page.refused });
                }
                (self.had_rules, self.retry) = (true, None);
                self.central.replace(page.rules, now.epoch_s);
                self.forget_vanished();
                let jitter = self.jitter(RULES_JITTER);
                self.rules_due = now.since_start + RULES_EVERY + jitter;
            }
            Err(error) => {
                if self.retry.is_none() {
                    tell(News::Failed(error.to_string()));
                }
                let pause = self.retry.map_or(FIRST_RETRY, |last| (last * 2).min(RULES_EVERY));
                self.retry = Some(pause);
                let jitter = self.jitter(FIRST_RETRY / 10);
                self.rules_due = now.since_start + pause + jitter;
            }
        }
    }

    /// Reports what is due, in parts; returns whether rules should be asked for soon.
    fn report(&mut self, now: Moment, daemon: &mut dyn Daemon) -> bool {
        let (mut reports, mut boosts) = self.due_reports(now.epoch_s);
        let mut refresh = false;
        while !reports.is_empty() || !boosts.is_empty() {
            let part = take_part(&mut reports);
            let boost_part = take_part(&mut boosts);
            let body = wire::targets_request(&self.client_id, now.epoch_s, &part, &boost_part);
            let answer = daemon.post(wire::TARGETS_PATH, &body);
            match answer.ok().and_then(|body| wire::read_targets(&body)) {
                Some(targets) => refresh |= self.apply(&targets, &part, &boost_part, now.epoch_s),
                None => self.give_back(&part, &boost_part, |_| true),
            }
        }
        refresh
    }

    /// Takes the counts of rules whose interval is over.
    fn due_reports(&self, now_s: u64) -> (Vec<Report>, Vec<BoostReport>) {
        let (mut reports, mut boosts) = (Vec::new(), Vec::new());
        for (name, moving) in self.central.set().by_name() {
            let is_due = self.reporting.get(name).is_none_or(|reporting| {
                // A clock that was set back must not silence a rule.
                now_s >= reporting.refreshed_at_s + reporting.interval_s
                    || now_s < reporting.refreshed_at_s
            });
            if !is_due {
                continue;
            }
            if moving.state.counts().requests > 0 {
                let counts = moving.state.take_counts();
                reports.push(Report { rule_name: Arc::clone(name), counts });
            }
            for (service_name, counts) in moving.anomalies.take() {
                if counts.total > 0 && moving.has_boost() {
                    let rule_name = Arc::clone(name);
                    boosts.push(BoostReport { rule_name, service_name, counts });
                }
            }
        }
        (reports, boosts)
    }

    /// Applies an answer; returns whether rules should be asked for soon.
    fn apply(
        &mut self,
        answer: &Targets,
        reports: &[Report],
        boosts: &[BoostReport],
        now_s: u64,
    ) -> bool {
        for target in &answer.targets {
            self.apply_target(target, now_s);
        }
        // What the service could not take now it may take later; what it refused, never.
        self.give_back(reports, boosts, |name| {
            let mut refused = answer.unprocessed.iter();
            refused.any(|unprocessed| unprocessed.rule_name == name && !unprocessed.is_our_fault)
        });
        let refreshed_at_s = self.central.refreshed_at_s().unwrap_or(0);
        answer.rules_changed_at_s.is_some_and(|at_s| at_s > refreshed_at_s as f64)
            || answer.unprocessed.iter().any(|unprocessed| unprocessed.is_our_fault)
    }

    fn apply_target(&mut self, target: &Target, now_s: u64) {
        let set = self.central.set();
        let found = set.by_name().find(|(name, _)| ***name == *target.rule_name);
        let Some((name, moving)) = found else { return };
        if let Some(rate) = target.fixed_rate {
            moving.state.set_fixed_rate(rate);
        }
        if target.quota_per_s.is_some() || target.quota_until_s.is_some() {
            let before = moving.state.lease();
            moving.state.set_lease(Lease {
                quota_per_s: target.quota_per_s.unwrap_or(before.quota_per_s),
                until_s: target.quota_until_s.unwrap_or(before.until_s),
            });
        }
        if let Some((rate, until_s)) = target.boost {
            moving.state.set_boost(rate, until_s);
        }
        let before = self.reporting.get(name).map_or(DEFAULT_INTERVAL_S, |known| known.interval_s);
        let interval_s = target.interval_s.unwrap_or(before).min(MAX_INTERVAL_S);
        let reporting = Reporting { refreshed_at_s: now_s, interval_s };
        self.reporting.insert(Arc::clone(name), reporting);
    }

    /// Gives counts back to rules that `is_lost` names: they are reported next time.
    fn give_back(
        &self,
        reports: &[Report],
        boosts: &[BoostReport],
        is_lost: impl Fn(&str) -> bool,
    ) {
        let set = self.central.set();
        for report in reports.iter().filter(|report| is_lost(&report.rule_name)) {
            if let Some(moving) = set.moving(&report.rule_name) {
                moving.state.add_counts(report.counts);
            }
        }
        for boost in boosts.iter().filter(|boost| is_lost(&boost.rule_name)) {
            if let Some(moving) = set.moving(&boost.rule_name) {
                moving.anomalies.add(&boost.service_name, boost.counts);
            }
        }
    }

    fn forget_vanished(&mut self) {
        let set = self.central.set();
        self.reporting.retain(|name, _| set.moving(name).is_some());
    }

    fn jitter(&mut self, longest: Duration) -> Duration {
        longest.mul_f64(self.chance.f64())
    }
}

/// All pages of rules.
fn fetch_rules(daemon: &mut dyn Daemon) -> io::Result<RulesPage> {
    let mut all = RulesPage::default();
    for _ in 0..MAX_PAGES {
        let body = wire::rules_request(all.next.as_deref());
        let answer = daemon.post(wire::RULES_PATH, &body)?;
        let page = wire::read_rules(&answer).ok_or_else(|| {
            io::Error::new(io::ErrorKind::InvalidData, "the answer holds no sampling rules")
        })?;
        all.rules.extend(page.rules);
        all.refused += page.refused;
        all.next = page.next;
        if all.next.is_none() || all.rules.len() >= MAX_RULES {
            break;
        }
    }
    all.rules.truncate(MAX_RULES);
    Ok(all)
}

fn take_part<T>(list: &mut Vec<T>) -> Vec<T> {
    list.drain(..list.len().min(MAX_DOCUMENTS)).collect()
}
