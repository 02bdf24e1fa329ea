//! How many uploads may run, and when the next may start.
//!
//! In: how uploads end. Out: whether another may start now. Owns the limit and the pause. No clock
//! and no chance: callers pass `now` and `random`. A slow service gets more uploads at once, since
//! the limit grows while it is used; a failing one gets few and later ones: the limit is halved,
//! nothing starts during the pause, and after it one upload shows whether it works again.

use std::time::Duration;

use tokio::time::Instant;

use super::backoff;

/// Uploads at once to begin with. Rule: `Concurrency` of the reference daemon 3.6.6.
const FIRST_LIMIT: usize = 8;

#[derive(Debug)]
pub(super) struct Pacer {
    max_uploads: usize,
    limit: usize,
    /// Most uploads that ran at once since the last failure.
    peak: usize,
    /// Failures since the last success; uploads that fail together count as one.
    failures: u32,
    /// No upload starts before.
    pause_until: Option<Instant>,
}

impl Pacer {
    pub(super) fn new(max_uploads: usize) -> Self {
        let max_uploads = max_uploads.max(1);
        let limit = max_uploads.min(FIRST_LIMIT);
        Self { max_uploads, limit, peak: 0, failures: 0, pause_until: None }
    }

    /// Uploads that may run at once now.
    pub(super) fn limit(&self) -> usize {
        // After a failure one goes ahead alone.
        if self.failures > 0 { 1 } else { self.limit }
    }

    /// Whether the last upload failed.
    pub(super) fn is_failing(&self) -> bool {
        self.failures > 0
    }

    /// When uploads may start again, while they are paused at `now`.
    pub(super) fn pause(&self, now: Instant) -> Option<Instant> {
        self.pause_until.filter(|until| *until > now)
    }

    /// An upload has started; with it `running` run.
    pub(super) fn started(&mut self, running: usize) {
        self.peak = self.peak.max(running);
    }

    /// An upload was taken. Up to twice as many as ran so far may run: where all of them are used,
    /// the limit doubles in the time that one upload takes.
    pub(super) fn succeeded(&mut self) {
        self.failures = 0;
        self.pause_until = None;
        if self.limit < 2 * self.peak {
            self.limit = (self.limit + 1).min(self.max_uploads);
        }
    }

    /// An upload failed, in a way that another one would too; returns how long the pause is.
    pub(super) fn failed(
        &mut self,
        now: Instant,
        asked: Option<Duration>,
        random: f64,
    ) -> Duration {
        let alone = self.pause(now).is_none();
        if alone {
            self.failures = self.failures.saturating_add(1);
            self.limit = (self.limit / 2).max(1);
            self.peak = 0;
        }
        let wait = backoff::wait(self.failures, asked, random);
        if alone || asked.is_some() {
            self.pause_until = self.pause_until.max(Some(now + wait));
        }
        self.pause(now).map_or(Duration::ZERO, |until| until - now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slow_service_gets_more_uploads_at_once() {
        let mut pacer = Pacer::new(256);
        assert_eq!(pacer.limit(), 8);
        // Twice as many after each round in which all were used.
        for expected in [16, 32, 64, 128, 256, 256] {
            let round = pacer.limit();
            (1..=round).for_each(|running| pacer.started(running));
            (1..=round).for_each(|_| pacer.succeeded());
            assert_eq!(pacer.limit(), expected);
        }
    }

    #[test]
    fn a_limit_that_is_not_used_stays() {
        let mut pacer = Pacer::new(256);
        pacer.started(3);
        pacer.succeeded();
        assert_eq!(pacer.limit(), 8);
        assert_eq!(Pacer::new(2).limit(), 2);
        assert_eq!(Pacer::new(0).limit(), 1);
    }

    #[test]
    fn uploads_that_fail_together_are_one_failure() {
        let now = Instant::now();
        let mut pacer = Pacer::new(8);
        for _ in 0..8 {
            pacer.failed(now, None, 1.0);
        }
        assert_eq!(pacer.pause(now), Some(now + Duration::from_millis(250)));
        assert_eq!(pacer.limit(), 1);
    }

    #[test]
    fn after_the_pause_one_upload_shows_whether_it_works_again() {
        let mut now = Instant::now();
        let mut pacer = Pacer::new(8);
        for expected in [250, 500, 1000] {
            let wait = pacer.failed(now, None, 1.0);
            assert_eq!(wait, Duration::from_millis(expected));
            now += wait;
            assert_eq!(pacer.pause(now), None);
            assert_eq!(pacer.limit(), 1);
        }
        pacer.started(1);
        pacer.succeeded();
        assert_eq!(pacer.limit(), 2);
    }

    #[test]
    fn a_longer_pause_that_the_service_asks_for_counts_at_once() {
        let now = Instant::now();
        let mut pacer = Pacer::new(8);
        pacer.failed(now, None, 0.5);
        let wait = pacer.failed(now, Some(Duration::from_secs(5)), 0.0);
        assert_eq!(wait, Duration::from_secs(5));
        assert_eq!(pacer.failed(now, Some(Duration::from_secs(1)), 0.0), Duration::from_secs(5));
    }
}
