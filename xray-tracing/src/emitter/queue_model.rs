//! Every order in which threads can push while the sender falls asleep, tried out on a model.
//!
//! In: the steps of [`Queue::push`](super::Queue::push) and [`Queue::wait`](super::Queue::wait), each
//! atomic as there. Out: whether some order leaves an item with a sender that sleeps. Owns the model;
//! a change of those two functions must be made here as well.

use std::collections::HashSet;

const PUSHERS: usize = 3;

/// Where the sender is in its loop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Sender {
    Take,
    SetAsleep,
    LookAgain,
    Park,
    SetAwake,
}

/// Where a pusher is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Pusher {
    Push,
    ReadAsleep,
    SwapAsleep,
    Unpark,
    Done,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct State {
    items: usize,
    asleep: bool,
    /// What `unpark` leaves for the next `park`.
    token: bool,
    sender: Sender,
    pushers: [Pusher; PUSHERS],
}

/// Whether the sender looks once more after it said that it sleeps.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Looks {
    Again,
    Once,
}

impl State {
    fn start() -> Self {
        let pushers = [Pusher::Push; PUSHERS];
        Self { items: 0, asleep: false, token: false, sender: Sender::Take, pushers }
    }

    /// The sender's next step; `None` while it is parked.
    fn sender_step(&self, looks: Looks) -> Option<Self> {
        let mut next = self.clone();
        next.sender = match self.sender {
            Sender::Take if self.items > 0 => {
                next.items = 0;
                Sender::Take
            }
            Sender::Take => Sender::SetAsleep,
            Sender::SetAsleep => {
                next.asleep = true;
                if looks == Looks::Again { Sender::LookAgain } else { Sender::Park }
            }
            Sender::LookAgain if self.items == 0 => Sender::Park,
            Sender::LookAgain => Sender::SetAwake,
            Sender::Park if self.token => {
                next.token = false;
                Sender::SetAwake
            }
            Sender::Park => return None,
            Sender::SetAwake => {
                next.asleep = false;
                Sender::Take
            }
        };
        Some(next)
    }

    /// The next step of a pusher; `None` when it is done.
    fn pusher_step(&self, at: usize) -> Option<Self> {
        let mut next = self.clone();
        next.pushers[at] = match self.pushers[at] {
            Pusher::Push => {
                next.items += 1;
                Pusher::ReadAsleep
            }
            Pusher::ReadAsleep if self.asleep => Pusher::SwapAsleep,
            Pusher::SwapAsleep => {
                next.asleep = false;
                if self.asleep { Pusher::Unpark } else { Pusher::Done }
            }
            Pusher::ReadAsleep => Pusher::Done,
            Pusher::Unpark => {
                next.token = true;
                Pusher::Done
            }
            Pusher::Done => return None,
        };
        Some(next)
    }
}

/// Goes through all states that can be reached; returns how many, and one in which an item is left
/// while nobody will move any more.
fn explore(looks: Looks) -> (usize, Option<State>) {
    let mut seen = HashSet::from([State::start()]);
    let mut left = vec![State::start()];
    while let Some(state) = left.pop() {
        let steps = (0..PUSHERS).filter_map(|at| state.pusher_step(at));
        let steps: Vec<State> = steps.chain(state.sender_step(looks)).collect();
        if steps.is_empty() && state.items > 0 {
            return (seen.len(), Some(state));
        }
        left.extend(steps.into_iter().filter(|next| seen.insert(next.clone())));
    }
    (seen.len(), None)
}

#[test]
fn no_order_of_steps_leaves_an_item_with_a_sender_that_sleeps() {
    let (states, lost) = explore(Looks::Again);
    assert_eq!(lost, None);
    assert!(states > 500, "{states}");
}

#[test]
fn without_the_second_look_some_order_does() {
    let (_, lost) = explore(Looks::Once);
    let lost = lost.unwrap();
    assert_eq!((lost.sender, lost.token), (Sender::Park, false));
}
