//! `GET /complete`: what can be written at the cursor of the filter field.
//!
//! In: the text and the cursor's place. Out: JSON with the stretch to replace and what can stand
//! there, at most [`MAX_ITEMS`]. Owns nothing.

use axum::Json;
use axum::extract::{Query, State};
use serde::{Deserialize, Serialize};

use super::completion_place::{Place, Wanted};
use crate::backend::local::console::scope::quoted;
use crate::backend::local::console::state::ConsoleState;
use crate::backend::local::console::text::{QueryText, Text};
use crate::backend::local::console::visitor::Visitor;

/// Most choices.
const MAX_ITEMS: usize = 8;
/// Longest text that is looked at.
const MAX_BYTES: usize = 16_000;

/// The address's words.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct CompleteQuery {
    text: String,
    /// In units of JavaScript's strings.
    at: usize,
}

/// The answer.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Completions {
    /// What a choice replaces, in units of JavaScript's strings.
    from: usize,
    to: usize,
    items: Vec<Item>,
}

/// A choice.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Item {
    /// What is written; the cursor goes where `…` stands.
    insert: String,
    hint: &'static str,
}

/// `GET /complete`.
pub(crate) async fn complete(
    State(console): State<ConsoleState>,
    visitor: Visitor,
    Query(query): Query<CompleteQuery>,
) -> Json<Completions> {
    if query.text.len() > MAX_BYTES {
        return Json(Completions::default());
    }
    let (before, after) = query.text.split_at(byte_of_utf16(&query.text, query.at));
    let place = Place::at_end(before);
    let items = choices(&console, visitor.text(), &place).await;
    Json(Completions {
        from: query.text.split_at(place.from).0.encode_utf16().count(),
        to: before.encode_utf16().count() + rest_of_word(&place, after),
        items,
    })
}

/// The byte at which so many units of UTF-16 end.
fn byte_of_utf16(text: &str, units: usize) -> usize {
    let mut seen = 0;
    let place = text.char_indices().find(|(_, c)| {
        let reached = seen >= units;
        seen += c.len_utf16();
        reached
    });
    place.map_or(text.len(), |(at, _)| at)
}

/// What of the word or string under the cursor stands behind it, in units of UTF-16.
fn rest_of_word(place: &Place, after: &str) -> usize {
    if place.begun.is_empty() {
        return 0;
    }
    let word = |c: char| c.is_alphanumeric() || c == '_';
    let length = after.find(|c| !word(c)).unwrap_or(after.len());
    let quote = usize::from(after.split_at(length).1.starts_with('"') && place.quotes());
    after.split_at(length).0.encode_utf16().count() + quote
}

impl Place {
    /// What is written here stands in quotes.
    fn quotes(&self) -> bool {
        matches!(
            self.wanted,
            Wanted::Service | Wanted::Group | Wanted::Method | Wanted::AnnotationValue(_)
        )
    }
}

async fn choices(console: &ConsoleState, t: &Text, place: &Place) -> Vec<Item> {
    let t = &t.query;
    let store = console.store();
    let all: Vec<(String, &'static str)> = match &place.wanted {
        Wanted::Keyword => keywords(t),
        Wanted::Operator => operators(t),
        Wanted::Service => {
            // A store that does not answer has no suggestions; the page itself says why.
            let services = store.services().await.unwrap_or_default();
            let mut names: Vec<_> = services.into_iter().map(|id| id.name).collect();
            names.dedup();
            names.into_iter().map(|name| (quoted(&name), t.hint_known_service)).collect()
        }
        Wanted::AnnotationKey => {
            let keys = store.annotation_keys().await.unwrap_or_default();
            keys.into_iter().map(|key| (key, t.hint_annotation)).collect()
        }
        Wanted::AnnotationValue(key) => {
            let values = store.annotation_values(key).await.unwrap_or_default();
            values.into_iter().map(|value| (value, t.hint_text)).collect()
        }
        Wanted::Group => {
            let names = console.groups().into_iter();
            names.map(|name| (quoted(&name), t.hint_group)).collect()
        }
        Wanted::Method => {
            ["GET", "POST", "PUT", "DELETE", "PATCH"].map(|it| (quoted(it), t.hint_text)).into()
        }
        Wanted::Bool => ["true", "false"].map(|it| (it.to_owned(), t.hint_flag)).into(),
        Wanted::Nothing => Vec::new(),
    };
    pick(all, &place.begun)
}

/// What begins with the text written first, then what contains it; nothing that is there already.
fn pick(all: Vec<(String, &'static str)>, begun: &str) -> Vec<Item> {
    let wanted = begun.to_lowercase();
    let plain = |insert: &str| insert.trim_matches('"').to_lowercase();
    let (mut first, mut second) = (Vec::new(), Vec::new());
    for (insert, hint) in all {
        let text = plain(&insert);
        if text.starts_with(&wanted) {
            first.push(Item { insert, hint });
        } else if text.contains(&wanted) {
            second.push(Item { insert, hint });
        }
    }
    first.append(&mut second);
    let complete = |item: &Item| item.insert == begun;
    first.retain(|item| !complete(item) || begun.is_empty());
    first.truncate(MAX_ITEMS);
    first
}

fn keywords(t: &QueryText) -> Vec<(String, &'static str)> {
    [
        ("service(\"…\")", t.hint_service),
        ("edge(\"…\", \"\")", t.hint_edge),
        ("fault", t.hint_flag),
        ("error", t.hint_flag),
        ("responsetime > …", t.hint_seconds),
        ("annotation.", t.hint_annotation),
        ("http.url CONTAINS \"…\"", t.hint_text),
        ("http.status = …", t.hint_number),
        ("throttle", t.hint_flag),
        ("ok", t.hint_flag),
        ("duration > …", t.hint_seconds),
        ("user = \"…\"", t.hint_text),
        ("http.method = \"…\"", t.hint_text),
        ("http.useragent CONTAINS \"…\"", t.hint_text),
        ("http.clientip = \"…\"", t.hint_text),
        ("partial", t.hint_flag),
        ("inferred", t.hint_flag),
        ("instance.id = \"…\"", t.hint_text),
        ("availabilityzone = \"…\"", t.hint_text),
        ("resource.arn = \"…\"", t.hint_text),
        ("group.name = \"…\"", t.hint_group),
        ("rootcause.fault.service { name = \"…\" }", t.hint_service),
        ("rootcause.fault.exception { message CONTAINS \"…\" }", t.hint_text),
        ("rootcause.responsetime.service { name = \"…\" }", t.hint_service),
        ("name = \"…\"", t.hint_text),
        ("root", t.hint_flag),
    ]
    .map(|(insert, hint)| (insert.to_owned(), hint))
    .into()
}

fn operators(t: &QueryText) -> Vec<(String, &'static str)> {
    ["AND ", "OR ", "{ … }", "= ", "!= ", "> ", "< ", "CONTAINS \"…\"", "BEGINSWITH \"…\""]
        .map(|insert| (insert.to_owned(), t.hint_operator))
        .into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::local::console::text::Lang;

    fn picked(begun: &str) -> Vec<String> {
        let all = keywords(&Lang::En.text().query);
        pick(all, begun).into_iter().map(|item| item.insert).collect()
    }

    #[test]
    fn what_begins_with_the_text_stands_first() {
        assert_eq!(
            picked("resp"),
            ["responsetime > …", "rootcause.responsetime.service { name = \"…\" }"]
        );
        assert_eq!(picked("HTTP.M"), ["http.method = \"…\""]);
        assert_eq!(picked("").len(), MAX_ITEMS);
        assert_eq!(picked("zzz"), Vec::<String>::new());
    }

    #[test]
    fn what_is_written_in_full_is_not_offered_again() {
        assert!(!picked("fault").contains(&"fault".to_owned()));
    }

    #[test]
    fn places_are_counted_as_browsers_count() {
        assert_eq!(byte_of_utf16("a😀b", 3), 5);
        assert_eq!(byte_of_utf16("a😀b", 2), 5, "inside a pair: behind it");
        assert_eq!(byte_of_utf16("aé", 9), 3);
        let place = Place::at_end("service(\"Fr");
        assert_eq!(rest_of_word(&place, "ont\") AND ok"), 4);
        assert_eq!(rest_of_word(&Place::at_end("fau"), "lt AND"), 2);
    }
}
