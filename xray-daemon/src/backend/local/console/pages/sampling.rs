//! `GET /sampling` and the forms on it: rules, what they did, and a request to try.
//!
//! In: which rule is edited, a request to try, the fields of a rule. Out: the page, or a redirect to
//! it after a change. Owns nothing.

use axum::Form;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::events::events_link;
use super::sampling_form::{FormErrors, RuleForm, change};
use super::sampling_try::{TryQuery, verdicts};
use super::sampling_view::{
    ClientRow, Editor, Effect, Notice, RuleRow, SamplingView, Tried, rule_link, summary,
};
use crate::backend::local::console::frame::{Frame, Tab, render};
use crate::backend::local::console::scope::{Query as Address, Scope, link};
use crate::backend::local::console::state::{ConsoleState, now_s};
use crate::backend::local::console::text::fill;
use crate::backend::local::console::visitor::Visitor;
use crate::backend::local::sampling::{RuleCounts, SamplingError, SamplingRule};

/// The address's words.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct SamplingQuery {
    /// The rule in the editor.
    rule: String,
    /// `1`: the editor makes a rule.
    new: String,
    saved: String,
    deleted: String,
}

/// `GET /sampling`.
pub(crate) async fn sampling(
    State(console): State<ConsoleState>,
    visitor: Visitor,
    Query(query): Query<SamplingQuery>,
    Query(tried): Query<TryQuery>,
) -> Response {
    let page = SamplingPage { console: &console, visitor: &visitor };
    let editor = page.editor(&query);
    page.print(page.notice(&query), editor, tried, StatusCode::OK)
}

/// `POST /sampling/rules`: makes a rule.
pub(crate) async fn create_rule(
    State(console): State<ConsoleState>,
    visitor: Visitor,
    Form(form): Form<RuleForm>,
) -> Response {
    let page = SamplingPage { console: &console, visitor: &visitor };
    if !page.writable() {
        return page.refuse();
    }
    let taken: Vec<_> = page.rules().into_iter().map(|(rule, _)| rule.rule_name).collect();
    match form.read(&visitor.text().sampling, &taken) {
        Err(errors) => page.again(None, form, *errors, None),
        Ok(rule) => match console.sampling().create(rule).await {
            Ok(made) => done("saved", &made.sampling_rule.rule_name),
            Err(error) => page.again(None, form, FormErrors::default(), Some(error)),
        },
    }
}

/// `POST /sampling/rules/{name}`: changes a rule.
pub(crate) async fn update_rule(
    State(console): State<ConsoleState>,
    visitor: Visitor,
    Path(name): Path<String>,
    Form(form): Form<RuleForm>,
) -> Response {
    let page = SamplingPage { console: &console, visitor: &visitor };
    if !page.writable() {
        return page.refuse();
    }
    let Some((old, _)) = page.rules().into_iter().find(|(rule, _)| rule.rule_name == name) else {
        return Redirect::to("/sampling").into_response();
    };
    let mut form = RuleForm { name: name.clone(), ..form };
    if old.is_default() {
        // Its form has no other fields.
        let numbers = (form.reservoir, form.rate);
        form = RuleForm::of(visitor.lang, &SamplingRule { priority: 9_999, ..old.clone() });
        (form.reservoir, form.rate) = numbers;
    }
    match form.read(&visitor.text().sampling, &[]) {
        Err(errors) => page.again(Some(&old), form, *errors, None),
        Ok(new) => match console.sampling().update(name.clone(), change(&old, new)).await {
            Ok(_) => done("saved", &name),
            Err(error) => page.again(Some(&old), form, FormErrors::default(), Some(error)),
        },
    }
}

/// `POST /sampling/rules/{name}/delete`: removes a rule.
pub(crate) async fn delete_rule(
    State(console): State<ConsoleState>,
    visitor: Visitor,
    Path(name): Path<String>,
) -> Response {
    let page = SamplingPage { console: &console, visitor: &visitor };
    if !page.writable() {
        return page.refuse();
    }
    match console.sampling().delete(name.clone()).await {
        Ok(_) => done("deleted", &name),
        Err(error) => {
            let notice = Notice { class: "fault", text: error.to_string() };
            page.print(Some(notice), None, TryQuery::default(), StatusCode::CONFLICT)
        }
    }
}

fn done(what: &str, name: &str) -> Response {
    let mut query = Address::default();
    query.add(what, name);
    Redirect::to(&link("/sampling", &query.into_text())).into_response()
}

struct SamplingPage<'a> {
    console: &'a ConsoleState,
    visitor: &'a Visitor,
}

impl SamplingPage<'_> {
    /// Rules are changed here unless the daemon forbids it, or has its rules from AWS.
    fn writable(&self) -> bool {
        !self.console.config().read_only && !self.console.sends_to_aws()
    }

    /// The rules in the order in which they are asked, with what they did.
    fn rules(&self) -> Vec<(SamplingRule, RuleCounts)> {
        let sampling = self.console.sampling();
        let records = &sampling.rules().records;
        let mut rules: Vec<_> = records.iter().map(|record| record.sampling_rule.clone()).collect();
        rules.sort_by(|a, b| (a.priority, &a.rule_name).cmp(&(b.priority, &b.rule_name)));
        rules.into_iter().map(|rule| (rule.clone(), sampling.recent(&rule.rule_name))).collect()
    }

    fn frame(&self) -> Frame {
        let title = self.visitor.text().sampling.title;
        self.console.frame(self.visitor, Some(Tab::Sampling), title, None)
    }

    fn notice(&self, query: &SamplingQuery) -> Option<Notice> {
        let t = &self.visitor.text().sampling;
        let ok = |pattern, name: &String| Notice { class: "ok", text: fill(pattern, &[name]) };
        if self.console.sends_to_aws() {
            return Some(Notice { class: "error", text: t.rules_of_aws.to_owned() });
        }
        if self.console.config().read_only {
            return Some(Notice { class: "error", text: t.read_only.to_owned() });
        }
        match query {
            SamplingQuery { saved, .. } if !saved.is_empty() => Some(ok(t.saved_of, saved)),
            SamplingQuery { deleted, .. } if !deleted.is_empty() => Some(ok(t.deleted_of, deleted)),
            _ => None,
        }
    }

    fn editor(&self, query: &SamplingQuery) -> Option<Editor> {
        if !self.writable() {
            return None;
        }
        let rules = self.rules();
        if query.new == "1" {
            let custom = rules.iter().filter(|(rule, _)| !rule.is_default());
            let last = custom.map(|(rule, _)| rule.priority).max().unwrap_or(0);
            let form = RuleForm::blank(self.visitor.lang, (last / 100 * 100 + 100).min(9_999));
            return Some(self.form(None, RuleCounts::default(), form, FormErrors::default()));
        }
        let named = |name: &str| rules.iter().find(|(rule, _)| rule.rule_name == name);
        let shown = [query.rule.as_str(), query.saved.as_str()].into_iter().find_map(named);
        let (rule, counts) = shown.or_else(|| rules.first())?;
        let form = RuleForm::of(self.visitor.lang, rule);
        Some(self.form(Some(rule), *counts, form, FormErrors::default()))
    }

    fn form(
        &self,
        rule: Option<&SamplingRule>,
        counts: RuleCounts,
        form: RuleForm,
        errors: FormErrors,
    ) -> Editor {
        let t = &self.visitor.text().sampling;
        let action = |end: &str| rule.map(|rule| rule_action(&rule.rule_name, end));
        let is_default = rule.is_some_and(SamplingRule::is_default);
        Editor {
            title: rule.map_or_else(|| t.new_rule.to_owned(), |rule| rule.rule_name.clone()),
            action: action("").unwrap_or_else(|| "/sampling/rules".to_owned()),
            delete: action("/delete").filter(|_| !is_default),
            delete_label: fill(t.delete_of, &[&form.name]),
            is_new: rule.is_none(),
            is_default,
            effect: rule.and_then(|rule| Effect::new(&self.frame(), rule, counts)),
            form,
            errors,
        }
    }

    /// The form once more, with what is wrong.
    fn again(
        &self,
        rule: Option<&SamplingRule>,
        form: RuleForm,
        errors: FormErrors,
        error: Option<SamplingError>,
    ) -> Response {
        let notice = error.map(|error| Notice { class: "fault", text: error.to_string() });
        let counts = rule.map(|rule| self.console.sampling().recent(&rule.rule_name));
        let editor = self.form(rule, counts.unwrap_or_default(), form, errors);
        let status = StatusCode::UNPROCESSABLE_ENTITY;
        self.print(notice, Some(editor), TryQuery::default(), status)
    }

    fn refuse(&self) -> Response {
        let notice = self.notice(&SamplingQuery::default());
        self.print(notice, None, TryQuery::default(), StatusCode::FORBIDDEN)
    }

    fn print(
        &self,
        notice: Option<Notice>,
        editor: Option<Editor>,
        tried: TryQuery,
        status: StatusCode,
    ) -> Response {
        let frame = self.frame();
        let rules = self.rules();
        let edited = editor.as_ref().filter(|editor| !editor.is_new);
        let edited = edited.map(|editor| editor.form.name.clone()).unwrap_or_default();
        let engine: Vec<_> = rules.iter().filter_map(|(rule, _)| rule.to_engine().ok()).collect();
        let verdicts = match tried.is_asked() {
            true => verdicts(&frame.t.sampling, &engine, &tried),
            false => Vec::new(),
        };
        let listed: Vec<_> = rules.iter().map(|(rule, counts)| (rule, *counts)).collect();
        let now_s = now_s();
        let clients = self.console.sampling().clients();
        let page = SamplingView {
            summary: summary(&frame, rules.iter().map(|(_, counts)| *counts)),
            rules: listed.iter().map(|(it, n)| RuleRow::new(&frame, it, *n, &edited)).collect(),
            tried: Tried::new(&frame, tried, &listed, verdicts),
            clients: clients.iter().map(|it| ClientRow::new(&frame, it, now_s)).collect(),
            events: events_link(&Scope::default(), "sampling"),
            writable: self.writable(),
            notice,
            editor,
            frame,
        };
        let mut response = render(self.visitor, &page);
        *response.status_mut() = status;
        response
    }
}

/// The address that a form of rule `name` is sent to.
fn rule_action(name: &str, end: &str) -> String {
    // The link's encoding of the name, as a part of the path.
    let encoded = rule_link(name);
    let (_, name) = encoded.split_once('=').unwrap_or_default();
    format!("/sampling/rules/{}{end}", name.replace('/', "%2F").replace('+', "%20"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_part_of_the_path_whatever_is_in_it() {
        assert_eq!(
            rule_action("products-write", "/delete"),
            "/sampling/rules/products-write/delete"
        );
        assert_eq!(rule_action("a/b c?", ""), "/sampling/rules/a%2Fb%20c%3F");
    }
}
