//! The header of a datagram, row by row as the reference daemon accepts and refuses it.

use std::time::Duration;

use e2e::fake_xray::FakeXray;
use e2e::{DaemonOptions, HEADER, Numbered};

const SOON: Duration = Duration::from_secs(20);

const ACCEPTED: [(&str, &str); 13] = [
    ("as it is written", r#"{"format":"json","version":1}"#),
    ("with blanks", r#"{"format": "json", "version": 1}"#),
    ("the format in capitals", r#"{"format":"JSON","version":1}"#),
    ("names in another case", r#"{"Format":"json","VERSION":1}"#),
    ("other keys", r#"{"version":1,"extra":{"a":[1,2]},"format":"json"}"#),
    ("the other order", r#"{"version":1,"format":"json"}"#),
    ("blanks around it", " \t{\"format\":\"json\",\"version\":1}  "),
    ("a carriage return at the end", "{\"format\":\"json\",\"version\":1}\r"),
    ("a key twice, the last one right", r#"{"version":2,"format":"json","version":1}"#),
    ("an escaped name", r#"{"form\u0061t":"json","version":1}"#),
    ("a null that changes nothing", r#"{"format":"json","version":1,"format":null}"#),
    ("blanks within", "{ \"format\" :\t\"json\" , \"version\" : 1 }"),
    ("other keys of every kind", r#"{"a":null,"b":-1.5e3,"c":"\"","format":"json","version":1}"#),
];

const REFUSED: [(&str, &str); 19] = [
    ("1.0", r#"{"format":"json","version":1.0}"#),
    ("1e0", r#"{"format":"json","version":1e0}"#),
    ("a text", r#"{"format":"json","version":"1"}"#),
    ("version 2", r#"{"format":"json","version":2}"#),
    ("version 0", r#"{"format":"json","version":0}"#),
    ("a version below 0", r#"{"format":"json","version":-1}"#),
    ("format xml", r#"{"format":"xml","version":1}"#),
    ("an empty format", r#"{"format":"","version":1}"#),
    ("no version", r#"{"format":"json"}"#),
    ("no format", r#"{"version":1}"#),
    ("nothing in it", "{}"),
    ("no JSON", "json 1"),
    ("empty", ""),
    ("something behind it", r#"{"format":"json","version":1} trailing"#),
    ("two of them", r#"{"format":"json","version":1}{"format":"json","version":1}"#),
    ("a byte order mark", "\u{feff}{\"format\":\"json\",\"version\":1}"),
    ("a key twice, the last one wrong", r#"{"format":"json","version":1,"version":2}"#),
    ("a list", r#"[{"format":"json","version":1}]"#),
    ("null", "null"),
];

#[tokio::test]
async fn each_header_that_the_reference_accepts_brings_its_document_through() {
    let xray = FakeXray::start().await;
    let daemon = DaemonOptions::uploading_to(&xray).start().await;
    let run = Numbered::new();
    for (number, (row, header)) in ACCEPTED.iter().enumerate() {
        let document = run.document(number as u64);
        daemon.send(format!("{header}\n{document}"));
        daemon.wait_for_metric("segments_received_total", "", number as f64 + 1.0).await;
        let rejected = daemon.metrics().await.sum("segments_rejected_total", "");
        assert_eq!(rejected, 0.0, "refused: {row}");
    }
    let mut received = xray.wait_for_documents(ACCEPTED.len(), SOON).await;
    received.sort_unstable();
    let mut sent: Vec<_> = (0..ACCEPTED.len() as u64).map(|number| run.document(number)).collect();
    sent.sort_unstable();
    assert_eq!(received, sent);
}

#[tokio::test]
async fn each_header_that_the_reference_refuses_is_counted_as_rejected() {
    let xray = FakeXray::start().await;
    let daemon = DaemonOptions::uploading_to(&xray).start().await;
    for (number, (row, header)) in REFUSED.iter().enumerate() {
        let before = number as f64;
        daemon.send(format!("{header}\n{{\"id\":\"1\"}}"));
        daemon.wait_for_metric("segments_received_total", "", before + 1.0).await;
        let rejected = daemon.metrics().await.sum("segments_rejected_total", "reason=\"header\"");
        assert_eq!(rejected, before + 1.0, "accepted: {row}");
    }
    assert_eq!(xray.document_count(), 0);
}

#[tokio::test]
async fn a_datagram_without_a_document_is_rejected_and_an_empty_one_is_none() {
    let daemon = DaemonOptions::local().start().await;
    daemon.send(b"");
    daemon.send(HEADER.trim_end());
    daemon.send(HEADER);
    daemon.wait_for_metric("segments_received_total", "", 2.0).await;
    let metrics = daemon.metrics().await;
    assert_eq!(metrics.sum("segments_rejected_total", "reason=\"no_newline\""), 1.0);
    assert_eq!(metrics.sum("segments_rejected_total", "reason=\"no_document\""), 1.0);
}

#[tokio::test]
async fn several_lines_behind_the_header_are_one_document() {
    let xray = FakeXray::start().await;
    let daemon = DaemonOptions::uploading_to(&xray).start().await;
    let document = "{\"id\":\"1\"}\n{\"id\":\"2\"}\n";
    daemon.send([HEADER, document].concat());
    assert_eq!(xray.wait_for_documents(1, SOON).await, [document]);
}
