//! The workshop: five steps, which of them are done, and by what evidence.
//!
//! In: what the services say now, and what the visitor did. Out: a tour that has ticked every step
//! whose check holds, in order. It lives in a cookie. No I/O here.

use serde::{Deserialize, Serialize};

use super::live::Snapshot;
use super::scenarios::Scenario;
use super::words::{Lang, StepWords};
use crate::proddetail::Version;
use crate::service::hops::Verdict;
use crate::service::trace;

/// How many products the first step asks for.
pub(crate) const PRODUCTS_ASKED: u64 = 10;

/// A step of the workshop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    InsertProducts,
    FindTrace,
    BreakDetail,
    FindNode,
    Filter,
}

impl Step {
    /// In their order, which is also that of [`Words::steps`](super::words::Words).
    pub(crate) const ALL: [Self; 5] =
        [Self::InsertProducts, Self::FindTrace, Self::BreakDetail, Self::FindNode, Self::Filter];

    pub(crate) fn words(self, lang: Lang) -> &'static StepWords {
        &lang.words().steps[self as usize]
    }

    pub(crate) fn number(self) -> usize {
        self as usize + 1
    }
}

/// What ticked a step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Evidence {
    Skipped,
    Inserted(u64),
    /// The id of a trace that was opened, or found by the filter.
    Trace(String),
    /// When the fault was injected, in seconds since 1970.
    FaultAt(u64),
    Node,
}

/// What the services say that a step may wait for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Facts {
    /// Products that were not there from the start.
    pub(crate) inserted: u64,
    /// Since when Product-Detail is broken, if it is.
    pub(crate) fault_since_s: Option<u64>,
    /// Whether a fault of Product-Detail has reached the catalogue within 30 seconds.
    pub(crate) fault_reached: bool,
    /// The id of the product inserted last.
    pub(crate) newest: Option<i64>,
}

impl Facts {
    pub(crate) fn of(snapshot: &Snapshot) -> Self {
        let catalog = snapshot.catalog.as_ref();
        let rows = catalog.and_then(|catalog| catalog.rows).unwrap_or_default();
        let hops = catalog.map(|catalog| catalog.hops.as_slice()).unwrap_or_default();
        let detail = hops.iter().find(|hop| hop.to == Version::One.segment_name());
        Self {
            inserted: rows.inserted,
            fault_since_s: Scenario::FailingDetail.state(snapshot).map(|fault| fault.since_s),
            fault_reached: detail.is_some_and(|hop| hop.last_30_s.verdict() == Verdict::Fault),
            newest: rows.newest,
        }
    }
}

/// How far somebody is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Tour {
    /// One per step done, in order.
    done: Vec<Evidence>,
}

impl Tour {
    pub(super) fn to_cookie(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// What cannot be read is a tour that has not begun.
    pub(super) fn from_cookie(text: &str) -> Self {
        let tour: Self = serde_json::from_str(text).unwrap_or_default();
        let ids_are_ids = tour.done.iter().all(|evidence| match evidence {
            Evidence::Trace(id) => trace::checked_id(id).is_some(),
            _ => true,
        });
        if tour.done.len() <= Step::ALL.len() && ids_are_ids { tour } else { Self::default() }
    }

    /// Ticks every step from the current one on that `facts` show as done.
    pub(crate) fn advance(&mut self, facts: Facts) {
        while let Some(evidence) = self.current().and_then(|step| shown(step, facts)) {
            self.done.push(evidence);
        }
    }

    /// Ticks `step`, if it is the current one.
    pub(crate) fn tick(&mut self, step: Step, evidence: Evidence) {
        if self.current() == Some(step) {
            self.done.push(evidence);
        }
    }

    /// The step to do next; `None` when all are done.
    pub(crate) fn current(&self) -> Option<Step> {
        Step::ALL.get(self.done.len()).copied()
    }

    /// What an open page compares to see that something has changed: steps done, and how far the
    /// current one is.
    pub(crate) fn mark(&self, facts: Facts) -> String {
        let within = match self.current() {
            Some(Step::InsertProducts) => facts.inserted,
            Some(Step::BreakDetail) => u64::from(facts.fault_since_s.is_some()),
            _ => 0,
        };
        format!("{}.{within}", self.done_count())
    }

    pub(crate) fn evidence(&self, step: Step) -> Option<&Evidence> {
        self.done.get(step as usize)
    }

    pub(crate) fn done_count(&self) -> usize {
        self.done.len()
    }
}

/// The evidence that `facts` hold for `step`, if its check is met by them alone.
fn shown(step: Step, facts: Facts) -> Option<Evidence> {
    match step {
        Step::InsertProducts => {
            (facts.inserted >= PRODUCTS_ASKED).then_some(Evidence::Inserted(facts.inserted))
        }
        Step::BreakDetail => {
            facts.fault_since_s.filter(|_| facts.fault_reached).map(Evidence::FaultAt)
        }
        Step::FindTrace | Step::FindNode | Step::Filter => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "1-6b0564b5-7be260d19f03a8c4512e6b77";

    #[test]
    fn a_step_ticks_when_its_check_holds_and_not_before() {
        let mut tour = Tour::default();
        tour.advance(Facts { inserted: 9, ..Facts::default() });
        assert_eq!(tour.current(), Some(Step::InsertProducts));
        tour.advance(Facts { inserted: 12, ..Facts::default() });
        assert_eq!(tour.evidence(Step::InsertProducts), Some(&Evidence::Inserted(12)));
        assert_eq!(tour.current(), Some(Step::FindTrace));
    }

    #[test]
    fn a_broken_detail_counts_once_it_has_reached_the_catalogue() {
        let mut tour = Tour::from_cookie(r#"["skipped","skipped"]"#);
        let broken = Facts { fault_since_s: Some(5), ..Facts::default() };
        tour.advance(broken);
        assert_eq!(tour.current(), Some(Step::BreakDetail));
        tour.advance(Facts { fault_reached: true, ..broken });
        assert_eq!(tour.evidence(Step::BreakDetail), Some(&Evidence::FaultAt(5)));
    }

    #[test]
    fn the_mark_changes_with_a_step_and_within_one() {
        let mut tour = Tour::default();
        let facts = |inserted| Facts { inserted, ..Facts::default() };
        assert_eq!(
            (tour.mark(facts(0)), tour.mark(facts(9))),
            ("0.0".to_owned(), "0.9".to_owned())
        );
        tour.advance(facts(10));
        assert_eq!(tour.mark(facts(10)), "1.0");
    }

    #[test]
    fn a_step_out_of_turn_does_not_tick() {
        let mut tour = Tour::default();
        tour.tick(Step::FindNode, Evidence::Node);
        assert_eq!(tour.done_count(), 0);
        for step in Step::ALL {
            tour.tick(step, Evidence::Skipped);
        }
        assert_eq!(tour.current(), None);
    }

    #[test]
    fn a_tour_comes_back_from_its_cookie_and_a_forged_one_does_not() {
        let mut tour = Tour::default();
        tour.tick(Step::InsertProducts, Evidence::Inserted(10));
        tour.tick(Step::FindTrace, Evidence::Trace(ID.to_owned()));
        assert_eq!(Tour::from_cookie(&tour.to_cookie()), tour);
        assert_eq!(Tour::from_cookie(r#"[{"trace":"<script>"}]"#), Tour::default());
        let six = serde_json::to_string(&vec!["skipped"; 6]).unwrap();
        assert_eq!(Tour::from_cookie(&six), Tour::default());
    }
}
