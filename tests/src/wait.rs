//! Waits for something to come true: polls until a deadline, never for a fixed time.
//!
//! In: a question. Out: its answer, or a failed test that says what was waited for.

use std::future::Future;
use std::time::Duration;

use tokio::time::{Instant, sleep};

/// Between two looks. Short against what is waited for, long against a look's own cost.
const POLL_EVERY: Duration = Duration::from_millis(25);

/// Asks `look` until it answers `Some`, and returns that.
///
/// # Panics
/// After `longest`, naming `what` did not come true.
pub async fn wait_until<T, F>(what: &str, longest: Duration, mut look: impl FnMut() -> F) -> T
where
    F: Future<Output = Option<T>>,
{
    let deadline = Instant::now() + longest;
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(Instant::now() < deadline, "waited {longest:?} in vain for {what}");
        sleep(POLL_EVERY).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn returns_the_first_answer() {
        let mut looks = 0;
        let found = wait_until("the third look", Duration::from_secs(5), || {
            looks += 1;
            let answer = (looks == 3).then_some(looks);
            async move { answer }
        });
        assert_eq!(found.await, 3);
    }

    #[tokio::test]
    #[should_panic(expected = "waited 1ms in vain for godot")]
    async fn a_deadline_names_what_was_waited_for() {
        wait_until("godot", Duration::from_millis(1), || async { None::<()> }).await;
    }
}
