//! Ready-to-print pieces that several pages share: a moment, a trace.

use super::words::Lang;
use crate::service::clock;
use crate::service::trace::TraceRef;

/// A moment, for `<time>`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Moment {
    /// `2026-11-24T10:19:33Z`
    pub(crate) datetime: String,
    /// `10:19:33`, UTC; the page's script puts the reader's own time in place.
    pub(crate) clock: String,
}

impl Moment {
    pub(crate) fn of(epoch_s: u64) -> Self {
        Self { datetime: clock::rfc3339(epoch_s), clock: clock::time_of_day(epoch_s) }
    }
}

/// A trace, as a page names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TraceView {
    pub(crate) id: String,
    /// Its page in the console; `None` if it is not recorded, or no console is known.
    pub(crate) link: Option<String>,
    /// Why it is not recorded, if so.
    pub(crate) unsampled: Option<String>,
}

impl TraceView {
    pub(crate) fn new(trace: &TraceRef, lang: Lang, console: Option<&str>) -> Self {
        let unsampled = (!trace.sampled).then(|| match &trace.rule {
            Some(rule) => lang.not_sampled(rule),
            None => lang.not_sampled_upstream(),
        });
        let link = console
            .filter(|_| trace.sampled)
            .map(|console| format!("{console}/trace/{}", trace.id));
        Self { id: trace.id.clone(), link, unsampled }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unsampled_trace_has_its_rule_in_place_of_a_link() {
        let id = "1-6b0564b5-7be260d19f03a8c4512e6b77".to_owned();
        let mut trace = TraceRef { id, sampled: true, rule: Some("Default".to_owned()) };
        let console = Some("http://127.0.0.1:2002");
        let recorded = TraceView::new(&trace, Lang::En, console);
        assert_eq!(
            recorded.link.as_deref(),
            Some("http://127.0.0.1:2002/trace/1-6b0564b5-7be260d19f03a8c4512e6b77")
        );
        assert_eq!(recorded.unsampled, None);
        trace.sampled = false;
        let left_out = TraceView::new(&trace, Lang::En, console);
        assert_eq!(left_out.link, None);
        assert_eq!(left_out.unsampled.as_deref(), Some("not recorded, by sampling rule Default"));
    }
}
