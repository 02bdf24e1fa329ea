//! The rules that AWS answered last, by question.
//!
//! In: answers, and what targets say of changes. Out: an answer that is fresh, or one that is
//! better than none. Owns them, bounded in number and bytes. No I/O and no clock: callers pass
//! `now`.

use std::collections::HashMap;
use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;

use super::answer::Answer;

/// How long an answer is fresh. SDKs refresh every 5 minutes and each when it starts.
const FRESH: Duration = Duration::from_secs(10);
/// Different questions kept: one for each page of rules.
const MAX_ENTRIES: usize = 64;
/// Bytes of questions and answers kept. A page of rules takes some 10 kB.
const MAX_BYTES: usize = 8 << 20;

/// What is in memory for a question.
#[derive(Debug)]
pub(super) enum Found {
    Fresh(Answer, Duration),
    /// To be used while the service fails.
    Old(Answer, Duration),
    Nothing,
}

#[derive(Debug, Default)]
pub(super) struct Cache {
    entries: HashMap<Bytes, Entry>,
    bytes: usize,
    /// Grows when rules change; answers that were asked for before are not fresh.
    generation: u64,
    /// The latest change that targets told of, in seconds of the epoch.
    modified_s: Option<f64>,
}

#[derive(Debug)]
struct Entry {
    answer: Answer,
    asked_at: Instant,
    generation: u64,
}

impl Cache {
    pub(super) fn find(&self, question: &Bytes, now: Instant) -> Found {
        let Some(entry) = self.entries.get(question) else { return Found::Nothing };
        let age = now.saturating_duration_since(entry.asked_at);
        let answer = entry.answer.clone();
        if entry.generation == self.generation && age < FRESH {
            Found::Fresh(answer, age)
        } else {
            Found::Old(answer, age)
        }
    }

    /// The generation that a question belongs to which is asked now.
    pub(super) fn generation(&self) -> u64 {
        self.generation
    }

    /// Keeps the answer to a question that was asked at `asked_at`, in `generation`.
    pub(super) fn keep(
        &mut self,
        question: Bytes,
        answer: Answer,
        asked_at: Instant,
        generation: u64,
    ) {
        let size = question.len() + answer.size_bytes();
        if size > MAX_BYTES {
            return;
        }
        self.remove(&question);
        while self.entries.len() >= MAX_ENTRIES || self.bytes + size > MAX_BYTES {
            let oldest = self.entries.iter().min_by_key(|(_, entry)| entry.asked_at);
            let Some(oldest) = oldest.map(|(question, _)| question.clone()) else { break };
            self.remove(&oldest);
        }
        self.bytes += size;
        self.entries.insert(question, Entry { answer, asked_at, generation });
    }

    /// Targets say that rules were changed at `modified_s`; true if that is news.
    pub(super) fn modified(&mut self, modified_s: f64) -> bool {
        let news = self.modified_s.is_none_or(|known| modified_s > known);
        if news {
            self.modified_s = Some(modified_s);
            self.generation += 1;
        }
        news
    }

    fn remove(&mut self, question: &Bytes) {
        if let Some(entry) = self.entries.remove(question) {
            self.bytes -= question.len() + entry.answer.size_bytes();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::counters::UpstreamEnd;

    fn answer(body: &str) -> Answer {
        Answer::fake(200, body, UpstreamEnd::Answered)
    }

    /// `fresh`, `old` or nothing, with the body.
    fn found(cache: &Cache, question: &'static str, now: Instant) -> String {
        let text = |body: Bytes| String::from_utf8(body.to_vec()).unwrap();
        match cache.find(&Bytes::from_static(question.as_bytes()), now) {
            Found::Fresh(answer, _) => format!("fresh {}", text(answer.body)),
            Found::Old(answer, _) => format!("old {}", text(answer.body)),
            Found::Nothing => "nothing".to_owned(),
        }
    }

    #[test]
    fn rules_are_fresh_for_ten_seconds_and_kept_beyond() {
        let (mut cache, start) = (Cache::default(), Instant::now());
        cache.keep("{}".into(), answer("a"), start, 0);
        assert_eq!(found(&cache, "{}", start + FRESH - Duration::from_nanos(1)), "fresh a");
        assert_eq!(found(&cache, "{}", start + FRESH), "old a");
        assert_eq!(found(&cache, "{\"NextToken\":\"2\"}", start), "nothing");
    }

    #[test]
    fn a_change_that_targets_tell_of_ends_freshness_at_once_and_once() {
        let (mut cache, now) = (Cache::default(), Instant::now());
        assert!(cache.modified(100.0), "nothing was known before");
        cache.keep("{}".into(), answer("a"), now, cache.generation());
        assert!(!cache.modified(100.0));
        assert!(!cache.modified(99.0), "another SDK's older answer");
        assert_eq!(found(&cache, "{}", now), "fresh a");
        let before = cache.generation();
        assert!(cache.modified(100.5));
        assert_eq!(found(&cache, "{}", now), "old a");
        // An answer to a question asked before the change came to be known.
        cache.keep("{}".into(), answer("b"), now, before);
        assert_eq!(found(&cache, "{}", now), "old b");
        cache.keep("{}".into(), answer("c"), now, cache.generation());
        assert_eq!(found(&cache, "{}", now), "fresh c");
    }

    #[test]
    fn the_oldest_makes_room_by_number_and_by_bytes() {
        let (mut cache, start) = (Cache::default(), Instant::now());
        for number in 0..=MAX_ENTRIES as u64 {
            let question = Bytes::from(format!("{number}"));
            cache.keep(question, answer("x"), start + Duration::from_millis(number), 0);
        }
        assert_eq!(cache.entries.len(), MAX_ENTRIES);
        assert_eq!(found(&cache, "0", start), "nothing");
        assert_eq!(found(&cache, "1", start), "fresh x");
        let half = "y".repeat(MAX_BYTES / 2);
        for question in ["a", "b"] {
            cache.keep(question.into(), answer(&half), start + FRESH, 0);
        }
        assert_eq!(cache.entries.len(), 1);
        assert_eq!(cache.bytes, MAX_BYTES / 2 + 1);
        cache.keep("c".into(), answer(&"z".repeat(MAX_BYTES)), start + FRESH, 0);
        assert_eq!(cache.entries.len(), 1, "what has no room at all is not kept");
    }
}
