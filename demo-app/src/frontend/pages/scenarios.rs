//! The panel "Break something", and its switches: `POST /products/break/{scenario}`.
//!
//! They stand under `/products` because what a person does is always traced, and the rule
//! `workshop-actions` knows it by that path.

use std::sync::Arc;
use std::time::Instant;

use axum::extract::{Path, State};
use serde::Deserialize;

use super::super::action::{Deed, LastAction};
use super::super::fields::Fields;
use super::super::format::Moment;
use super::super::live::Snapshot;
use super::super::scenarios::{Scenario, Switch};
use super::super::shop::Shop;
use super::super::visitor::Visitor;
use super::super::words::{Lang, ScenarioWords, Words};
use super::failure::{not_found_page, switch_failed};
use super::shell::{PageResult, back_path, see};

#[derive(Debug)]
pub(crate) struct ScenariosView {
    pub(crate) words: &'static Words,
    pub(crate) scenarios: Vec<ScenarioView>,
    pub(crate) any_on: bool,
    /// The console's map.
    pub(crate) map: Option<String>,
}

#[derive(Debug)]
pub(crate) struct ScenarioView {
    pub(crate) slug: &'static str,
    pub(crate) words: &'static ScenarioWords,
    /// Since when it is on, if it is.
    pub(crate) since: Option<Moment>,
}

impl ScenariosView {
    pub(super) fn new(lang: Lang, snapshot: &Snapshot, console: Option<&str>) -> Self {
        let scenarios: Vec<ScenarioView> = Scenario::ALL
            .into_iter()
            .filter(|scenario| scenario.is_possible(snapshot))
            .map(|scenario| ScenarioView {
                slug: scenario.slug(),
                words: scenario.words(lang),
                since: scenario.state(snapshot).map(|fault| Moment::of(fault.since_s)),
            })
            .collect();
        let any_on = scenarios.iter().any(|scenario| scenario.since.is_some());
        Self { words: lang.words(), scenarios, any_on, map: console.map(str::to_owned) }
    }
}

#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct SwitchForm {
    #[serde(default)]
    to: String,
    back: Option<String>,
}

pub(crate) async fn switch_scenario(
    State(shop): State<Arc<Shop>>,
    visitor: Visitor,
    Path(slug): Path<String>,
    Fields(form): Fields<SwitchForm>,
) -> PageResult {
    let began = Instant::now();
    let Some(scenario) = Scenario::from_slug(&slug) else {
        return not_found_page(&shop, &visitor);
    };
    let (to, deed) = match form.to.as_str() {
        "off" => (Switch::Off, Deed::Mended(slug)),
        _ => (Switch::On, Deed::Broke(slug)),
    };
    xray_tracing::annotate("scenario", scenario.slug());
    match shop.breaker.switch(scenario, to, &shop.live.snapshot()).await {
        Ok(()) => {
            let last = LastAction::now(deed, began.elapsed());
            shop.live.refresh().await;
            Ok(see(back_path(form.back.as_deref()), Some(&last)))
        }
        Err(err) => switch_failed(&shop, &visitor, began, &err),
    }
}

pub(crate) async fn reset_scenarios(
    State(shop): State<Arc<Shop>>,
    visitor: Visitor,
    Fields(form): Fields<SwitchForm>,
) -> PageResult {
    let began = Instant::now();
    let snapshot = shop.live.refresh().await;
    match shop.breaker.reset(&snapshot).await {
        Ok(()) => {
            let last = LastAction::now(Deed::ResetAll, began.elapsed());
            shop.live.refresh().await;
            Ok(see(back_path(form.back.as_deref()), Some(&last)))
        }
        Err(err) => switch_failed(&shop, &visitor, began, &err),
    }
}

#[cfg(test)]
mod tests {
    use super::super::architecture_view::healthy;
    use super::*;
    use crate::chaos::Fault;

    #[test]
    fn the_panel_shows_what_is_on_and_since_when() {
        let (_, mut snapshot) = healthy();
        let console = Some("http://127.0.0.1:2002");
        let view = ScenariosView::new(Lang::En, &snapshot, console);
        assert_eq!((view.scenarios.len(), view.any_on), (6, false));
        let broken = Some(Fault { value: 500, since_s: 1_795_515_285 });
        snapshot.details[1].1.faults.status = broken;
        let view = ScenariosView::new(Lang::En, &snapshot, console);
        assert!(view.any_on);
        let on: Vec<(&str, &str)> = view
            .scenarios
            .iter()
            .filter_map(|it| Some((it.slug, it.since.as_ref()?.clock.as_str())))
            .collect();
        assert_eq!(on, [("bad-v2", "10:14:45")]);
    }
}
