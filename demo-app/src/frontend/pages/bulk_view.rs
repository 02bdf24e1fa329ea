//! The panel "Insert products", ready to print.

use super::super::bulk::Progress;
use super::super::words::{Lang, Words};

/// How many are offered.
const DEFAULT_COUNT: &str = "50";

#[derive(Debug)]
pub(crate) struct BulkView {
    pub(crate) words: &'static Words,
    pub(crate) count: String,
    pub(crate) bad: Option<&'static str>,
    pub(crate) progress: Option<ProgressView>,
}

/// A job that runs, or ran last.
#[derive(Debug)]
pub(crate) struct ProgressView {
    pub(crate) running: bool,
    pub(crate) asked: usize,
    pub(crate) done: usize,
    pub(crate) inserted: usize,
    pub(crate) out_of: String,
    pub(crate) per_s: String,
    pub(crate) failed: Option<String>,
}

impl BulkView {
    pub(super) fn new(lang: Lang, progress: Option<Progress>, refused: bool) -> Self {
        let words = lang.words();
        let asked = progress.map(|progress| progress.asked.to_string());
        Self {
            words,
            count: asked.unwrap_or_else(|| DEFAULT_COUNT.to_owned()),
            bad: refused.then_some(words.bad_count),
            progress: progress.map(|progress| ProgressView {
                running: progress.running,
                asked: progress.asked,
                done: progress.inserted + progress.failed,
                inserted: progress.inserted,
                out_of: lang.out_of(progress.asked),
                per_s: format!("{:.0}/s", progress.per_s),
                failed: (progress.failed > 0).then(|| lang.failed_count(progress.failed)),
            }),
        }
    }

    pub(super) fn is_running(&self) -> bool {
        self.progress.as_ref().is_some_and(|progress| progress.running)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_running_job_says_how_far_it_is() {
        let progress = Progress { asked: 50, inserted: 35, failed: 2, running: true, per_s: 11.8 };
        let view = BulkView::new(Lang::En, Some(progress), false);
        assert!(view.is_running());
        let shown = view.progress.unwrap();
        assert_eq!(
            (shown.done, shown.out_of.as_str(), shown.per_s.as_str()),
            (37, "of 50", "12/s")
        );
        assert_eq!(shown.failed.as_deref(), Some("2 failed"));
    }
}
