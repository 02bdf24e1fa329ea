//! The Collector's translations beside ours: `XRAY_VECTORS=DIR` names the folder of
//! `otlp_to_segment.jsonl`. Each line has a request, and the documents that the Collector's
//! exporter makes of it.

use serde_json::{Value as Json, json};

use super::differences::{Difference, of, rewrite_all};
use super::otlp_json::each_span;
use crate::document::validate;
use crate::translate::{Options, to_documents};

#[test]
fn every_vector_is_ours_but_for_the_listed_differences() {
    let Ok(folder) = std::env::var("XRAY_VECTORS") else { return };
    let path = std::path::Path::new(&folder).join("otlp_to_segment.jsonl");
    let vectors = std::fs::read_to_string(&path).unwrap();
    let mut failures = Vec::new();
    let mut ids: Vec<String> = Vec::new();
    for line in vectors.lines() {
        let vector: Json = serde_json::from_str(line).unwrap();
        let id = vector["id"].as_str().unwrap();
        let meant = vector["expected_late"]["documents"].clone();
        let expected = expected(id, meant);
        let ours = ours(&vector);
        if ours != expected {
            failures.push(format!("{id}{}", difference(&ours, &expected)));
        }
        ids.push(id.to_owned());
    }
    assert!(failures.is_empty(), "{} of {}:\n{}", failures.len(), ids.len(), failures.join("\n"));
    assert!(ids.len() >= 88, "{} vectors in {path:?}", ids.len());
    for id in super::differences::ids() {
        assert!(ids.iter().any(|known| known == id), "no vector {id}: is the difference gone?");
    }
}

/// What the two have different, one line a member.
fn difference(ours: &Json, expected: &Json) -> String {
    fn walk(path: &str, ours: &Json, expected: &Json, found: &mut String) {
        match (ours, expected) {
            (Json::Object(left), Json::Object(right)) => {
                for key in left.keys().chain(right.keys().filter(|key| !left.contains_key(*key))) {
                    walk(&format!("{path}.{key}"), &ours[key], &expected[key], found);
                }
            }
            (Json::Array(left), Json::Array(right)) if left.len() == right.len() => {
                for (place, (left, right)) in left.iter().zip(right).enumerate() {
                    walk(&format!("{path}[{place}]"), left, right, found);
                }
            }
            _ if ours != expected => {
                *found += &format!("\n  {path}\n    ours      {ours}\n    expected  {expected}");
            }
            _ => {}
        }
    }
    let mut found = String::new();
    walk("", ours, expected, &mut found);
    found
}

/// What the Collector says, with our deliberate differences put in.
fn expected(id: &str, documents: Json) -> Json {
    let mut documents = rewrite_all(documents);
    for Difference { change, .. } in of(id) {
        change(&mut documents);
    }
    documents
}

/// What we say, in the vectors' words: generated ids by their order, flags that are false written.
fn ours(vector: &Json) -> Json {
    let options = Options {
        index_all: vector["options"]["index_all"].as_bool().unwrap_or(false),
        indexed: vector["options"]["indexed"]
            .as_str()
            .map_or(Vec::new(), |keys| keys.split(',').map(str::to_owned).collect()),
        ..Options::default()
    };
    let mut documents = Vec::new();
    each_span(&vector["input"], &options, |span, resource| {
        for document in to_documents(span, resource) {
            let text = document.to_json();
            assert_eq!(validate(&document, text.len()), [], "{text}");
            documents.push(serde_json::from_str(&text).unwrap());
        }
    });
    let mut documents = Json::Array(documents);
    number_ids(&mut documents);
    // The Collector has no such thing; `facts` check it.
    for document in documents.as_array_mut().unwrap() {
        for key in ["span", "kind"] {
            super::differences::remove_at(document, "/metadata/tracing", key);
        }
        super::differences::clean(document);
    }
    documents
}

/// Replaces ids that are not the span's own by their number.
fn number_ids(documents: &mut Json) {
    let mut exceptions: Vec<String> = Vec::new();
    for document in documents.as_array_mut().unwrap() {
        for key in ["id", "parent_id"] {
            let known = ["1a2b3c4d5e6f7081", "f0e1d2c3b4a59687"];
            if document[key].as_str().is_some_and(|id| !known.contains(&id)) {
                document[key] = json!("$GEN1");
            }
        }
        if document["cause"].is_string() {
            document["cause"] = json!("$EXC1");
            continue;
        }
        let Some(list) = document.pointer_mut("/cause/exceptions") else { continue };
        for exception in list.as_array().unwrap() {
            exceptions.push(exception["id"].as_str().unwrap().to_owned());
        }
        for exception in list.as_array_mut().unwrap() {
            for key in ["id", "cause"] {
                let Some(id) = exception.get(key).and_then(Json::as_str) else { continue };
                let place = exceptions.iter().position(|other| other == id).unwrap();
                exception[key] = format!("$EXC{}", place + 1).into();
            }
        }
    }
}
