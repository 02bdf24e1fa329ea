//! The fixed texts of the shop, one field each.

/// All texts of a language that take no number or name.
#[derive(Debug)]
pub(crate) struct Words {
    // Every page.
    pub(crate) skip_to_content: &'static str,
    pub(crate) main_nav: &'static str,
    pub(crate) products: &'static str,
    pub(crate) workshop: &'static str,
    pub(crate) console: &'static str,
    pub(crate) language: &'static str,
    pub(crate) dark_or_light: &'static str,
    pub(crate) copy: &'static str,
    pub(crate) copied: &'static str,
    // The drawing.
    pub(crate) architecture: &'static str,
    pub(crate) architecture_note: &'static str,
    pub(crate) browser: &'static str,
    pub(crate) you: &'static str,
    /// How all three services are traced.
    pub(crate) native_layer: &'static str,
    pub(crate) daemon_takes: &'static str,
    pub(crate) console_port: &'static str,
    pub(crate) same_drawing: &'static str,
    pub(crate) no_calls: &'static str,
    pub(crate) unreachable: &'static str,
    pub(crate) timeout: &'static str,
    pub(crate) refused: &'static str,
    // The catalogue.
    pub(crate) catalog: &'static str,
    pub(crate) product_id: &'static str,
    pub(crate) product_name: &'static str,
    pub(crate) name: &'static str,
    pub(crate) actions: &'static str,
    pub(crate) add: &'static str,
    pub(crate) save: &'static str,
    pub(crate) cancel: &'static str,
    pub(crate) new: &'static str,
    pub(crate) no_products: &'static str,
    pub(crate) previous: &'static str,
    pub(crate) next: &'static str,
    pub(crate) bad_id: &'static str,
    pub(crate) name_empty: &'static str,
    pub(crate) name_too_long: &'static str,
    pub(crate) name_control: &'static str,
    // Detail and bulk.
    pub(crate) detail: &'static str,
    pub(crate) version: &'static str,
    pub(crate) vendors: &'static str,
    pub(crate) insert_products: &'static str,
    pub(crate) how_many: &'static str,
    pub(crate) insert: &'static str,
    pub(crate) stop: &'static str,
    pub(crate) inserting: &'static str,
    pub(crate) insert_note: &'static str,
    pub(crate) bad_count: &'static str,
    // Failures on demand.
    pub(crate) break_something: &'static str,
    pub(crate) reset_all: &'static str,
    pub(crate) look_for: &'static str,
    pub(crate) on_since: &'static str,
    pub(crate) see_on_map: &'static str,
    // In the order of `Scenario::ALL`.
    pub(crate) scenarios: [ScenarioWords; 6],
    // The bar at the foot.
    pub(crate) last_action: &'static str,
    pub(crate) trace: &'static str,
    pub(crate) see_its_trace: &'static str,
    pub(crate) undo: &'static str,
    pub(crate) nothing_yet: &'static str,
    pub(crate) untraced: &'static str,
    // The failure page.
    pub(crate) trace_heading: &'static str,
    pub(crate) see_the_trace: &'static str,
    pub(crate) copy_id: &'static str,
    pub(crate) try_again: &'static str,
    pub(crate) back_to_products: &'static str,
    pub(crate) where_it_broke: &'static str,
    pub(crate) what_services_said: &'static str,
    pub(crate) reset_it: &'static str,
    pub(crate) products_safe: &'static str,
    pub(crate) nothing_saved: &'static str,
    pub(crate) maybe_saved: &'static str,
    pub(crate) not_found_title: &'static str,
    pub(crate) not_found_lead: &'static str,
    // The workshop.
    pub(crate) tour_intro: &'static str,
    pub(crate) steps_done: &'static str,
    pub(crate) here: &'static str,
    pub(crate) in_terminal: &'static str,
    pub(crate) checks: &'static str,
    pub(crate) open_list: &'static str,
    pub(crate) skip: &'static str,
    pub(crate) skipped: &'static str,
    pub(crate) start_over: &'static str,
    pub(crate) start_over_note: &'static str,
    pub(crate) all_done: &'static str,
    pub(crate) all_done_note: &'static str,
    // In the order of `Step::ALL`.
    pub(crate) steps: [StepWords; 5],
}

/// A failure on demand.
#[derive(Debug)]
pub(crate) struct ScenarioWords {
    pub(crate) title: &'static str,
    pub(crate) what: &'static str,
    /// Goes on after "Look for".
    pub(crate) look_for: &'static str,
}

/// A step of the workshop.
#[derive(Debug)]
pub(crate) struct StepWords {
    pub(crate) title: &'static str,
    /// Beside the title while the step is ahead.
    pub(crate) teaser: &'static str,
    pub(crate) text: &'static str,
    /// The button that does it.
    pub(crate) button: &'static str,
    pub(crate) hint_title: &'static str,
    pub(crate) hint: &'static str,
}
