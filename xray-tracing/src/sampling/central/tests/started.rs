//! The poller's thread against a daemon on a real port, as `builder` starts it.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread;
use std::time::{Duration, Instant};

use super::{rule, rules};
use crate::builder;
use crate::sampling::RuleSource;

#[test]
fn a_layer_asks_the_daemon_by_itself_and_starts_without_waiting_for_it() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    // Nobody has answered yet: the layer is there all the same.
    let options = builder("orders").without_environment().daemon_address(address.to_string());
    let (_layer, guard) = options.find_resource(false).build().unwrap();
    assert_eq!(guard.sampling()[0].source, RuleSource::Local);

    let daemon = thread::spawn(move || {
        let mut stream = listener.accept().unwrap().0;
        let mut request = Vec::new();
        while !request.ends_with(b"{}") {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            request.push(byte[0]);
        }
        let body = rules(&[rule("base", 7, 1, 0.5), rule("Default", 10_000, 1, 0.05)]).to_string();
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
        stream.write_all(format!("{head}{body}").as_bytes()).unwrap();
        String::from_utf8(request).unwrap()
    });
    assert!(daemon.join().unwrap().starts_with("POST /GetSamplingRules HTTP/1.1\r\n"));
    let until = Instant::now() + Duration::from_secs(30);
    while guard.sampling()[0].source == RuleSource::Local {
        assert!(Instant::now() < until, "the rules have not come");
        thread::yield_now();
    }
    let names: Vec<_> = guard.sampling().into_iter().map(|rule| rule.name.to_string()).collect();
    assert_eq!(names, ["base", "Default"]);
}

#[test]
fn with_a_sink_or_when_told_so_nobody_is_asked() {
    let options = builder("orders").without_environment();
    let (_layer, guard) = options.sink(crate::MemorySink::new()).build().unwrap();
    assert_eq!(guard.sampling(), []);
    let options = builder("orders").without_environment().central_sampling(false);
    let (_layer, guard) = options.find_resource(false).build().unwrap();
    assert_eq!(guard.sampling(), []);
}
