//! Ways to narrow the list: what the shown traces have in common, as links.
//!
//! In: the summaries of a page. Out: services, URLs, users and annotations with how often each
//! occurs, the most frequent first. Owns nothing.

use std::collections::BTreeMap;

use super::annotation;
use super::traces_query::TracesState;
use crate::backend::local::console::frame::Frame;
use crate::backend::local::console::scope::{Scope, quoted};
use crate::backend::local::console::service::{Look, cut, in_filter};
use crate::backend::local::graph::NodeState;
use crate::backend::local::trace::Summary;

/// Choices of each kind.
const MAX_CHOICES: usize = 6;

/// Choices of one kind.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Refinement {
    pub(crate) title: &'static str,
    pub(crate) choices: Vec<Choice>,
}

/// A condition to add.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Choice {
    pub(crate) name: String,
    pub(crate) count: u64,
    pub(crate) href: String,
}

/// All kinds that occur.
pub(crate) fn refinements(
    frame: &Frame,
    scope: &Scope,
    state: &TracesState,
    items: &[Summary],
) -> Vec<Refinement> {
    let (t, lang) = (&frame.t.traces, frame.lang);
    let services = items.iter().flat_map(|summary| &summary.service_ids);
    let services = services.filter(|id| !id.is_client()).map(|id| {
        let name = Look::of(lang, id, NodeState::Unknown).name;
        (name, format!("service({})", in_filter(id)))
    });
    let urls = items.iter().filter_map(|summary| summary.http.url.as_ref());
    let urls = urls.map(|url| (url.clone(), format!("http.url = {}", quoted(url))));
    let users = items.iter().flat_map(|summary| &summary.users);
    let users = users.map(|user| (user.name.clone(), format!("user = {}", quoted(&user.name))));
    let annotations = items.iter().flat_map(|summary| &summary.annotations);
    let annotations = annotations.flat_map(|(key, values)| {
        values.iter().map(move |it| {
            let shown = annotation::shown(lang, &it.value);
            (format!("{key} {shown}"), annotation::condition(key, &it.value))
        })
    });
    let link = |condition: &str| state.first_page().link(&scope.and(condition));
    [
        (t.refine_service, most_frequent(services, link)),
        (t.refine_url, most_frequent(urls, link)),
        (t.refine_user, most_frequent(users, link)),
        (t.refine_annotation, most_frequent(annotations, link)),
    ]
    .into_iter()
    .filter(|(_, choices)| !choices.is_empty())
    .map(|(title, choices)| Refinement { title, choices })
    .collect()
}

fn most_frequent(
    found: impl Iterator<Item = (String, String)>,
    link: impl Fn(&str) -> String,
) -> Vec<Choice> {
    let mut counts = BTreeMap::<(String, String), u64>::new();
    for choice in found {
        *counts.entry(choice).or_default() += 1;
    }
    let mut sorted: Vec<_> = counts.into_iter().collect();
    // Stable: the same count stays in alphabetical order.
    sorted.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    sorted.truncate(MAX_CHOICES);
    sorted
        .into_iter()
        .map(|((name, condition), count)| Choice {
            name: cut(&name, 48),
            count,
            href: link(&condition),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_frequent_stands_first_and_the_list_is_short() {
        let found = ["b", "a", "b", "c", "d", "e", "f", "g"];
        let found = found.into_iter().map(|name| (name.to_owned(), format!("user = {name}")));
        let choices = most_frequent(found, |condition| format!("?{condition}"));
        let names: Vec<_> = choices.iter().map(|it| (it.name.as_str(), it.count)).collect();
        assert_eq!(names, [("b", 2), ("a", 1), ("c", 1), ("d", 1), ("e", 1), ("f", 1)]);
        assert_eq!(choices[0].href, "?user = b");
    }
}
