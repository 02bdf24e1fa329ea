//! Says whether traces would arrive from here, and by which rule a request would be decided on.
//!
//! ```sh
//! AWS_XRAY_DAEMON_ADDRESS=127.0.0.1:2000 \
//!     cargo run -p xray-tracing --example doctor -- GET http://shop.example/cart
//! ```

use std::time::{Duration, Instant};

use xray_tracing::InitError;
use xray_tracing::sampling::RuleSource;

fn main() -> Result<(), InitError> {
    let xray = xray_tracing::init("doctor")?;
    tracing::info_span!("visit").in_scope(|| xray_tracing::annotate("reason", "a check"));
    // The daemon is asked in the background: a moment for its answer.
    let until = Instant::now() + Duration::from_secs(2);
    while Instant::now() < until
        && xray.sampling().first().is_some_and(|rule| rule.source == RuleSource::Local)
    {
        std::thread::park_timeout(Duration::from_millis(20));
    }
    xray.flush(Duration::from_secs(1));
    let mut arguments = std::env::args().skip(1);
    let request = arguments.next().zip(arguments.next());
    let request = request.as_ref().map(|(method, url)| (method.as_str(), url.as_str()));
    eprint!("{}", xray.doctor(request));
    Ok(())
}
