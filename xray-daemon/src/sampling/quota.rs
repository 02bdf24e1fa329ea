//! Divides a rule's reservoir among the clients that ask.
//!
//! In: reports of clients, with the time. Out: how many requests a second each may sample. Owns the
//! reports and leases of one rule. No clock and no I/O: callers pass `now_s`.
//!
//! A client's demand is what it saw a second in its last closed window of 10 s. Each gets its demand
//! up to a fair share; what some leave, the others get; what nobody asks for is spread as well, so
//! that a burst finds room. A lease that others still hold is not given twice.

use std::collections::BTreeMap;

/// Length of a window, and time between two reports of a client.
pub(super) const WINDOW_S: u64 = 10;
/// How long a quota may be used without a new one.
const LEASE_S: u64 = 300;
/// A client that was silent for longer has gone: a process that starts again has another id.
const SILENCE_S: u64 = 30;
/// Most clients of a rule that can hold a quota.
const MAX_CLIENTS: usize = 1_000;

/// What a client may sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Quota {
    /// Requests a second.
    pub(super) per_s: u32,
    /// Epoch seconds until which it holds.
    pub(super) until_s: u64,
}

/// The clients of one rule.
#[derive(Debug, Default)]
pub(super) struct Clients {
    /// By client id: the order in which what cannot be divided is given out.
    clients: BTreeMap<String, Client>,
}

#[derive(Debug)]
struct Client {
    /// Window of the latest report.
    window: u64,
    /// Requests in it.
    requests: u64,
    /// Requests in the last window that has closed, if one has.
    closed_requests: Option<u64>,
    seen_s: u64,
    lease: Option<Quota>,
}

impl Client {
    fn demand_per_s(&self) -> u64 {
        self.closed_requests.unwrap_or(self.requests).max(self.requests).div_ceil(WINDOW_S)
    }
}

impl Clients {
    /// Takes the report of a client; its quota, once a window of it has closed.
    pub(super) fn report(
        &mut self,
        client: &str,
        requests: u64,
        reservoir_per_s: u32,
        now_s: u64,
    ) -> Option<Quota> {
        self.clients.retain(|_, known| now_s.saturating_sub(known.seen_s) <= SILENCE_S);
        if self.clients.len() >= MAX_CLIENTS && !self.clients.contains_key(client) {
            return None;
        }
        let window = now_s / WINDOW_S;
        let known = self.clients.entry(client.to_owned()).or_insert(Client {
            window,
            requests: 0,
            closed_requests: None,
            seen_s: now_s,
            lease: None,
        });
        if known.window < window {
            known.closed_requests = Some(known.requests);
            known.window = window;
        }
        // A newer report of the same window takes the place of the older.
        known.requests = requests;
        known.seen_s = now_s;
        known.closed_requests?;
        let quota =
            Quota { per_s: self.share(client, reservoir_per_s, now_s), until_s: now_s + LEASE_S };
        if let Some(known) = self.clients.get_mut(client) {
            known.lease = Some(quota);
        }
        Some(quota)
    }

    /// Clients that reported lately.
    pub(super) fn active(&self, now_s: u64) -> impl Iterator<Item = (&str, Option<Quota>, u64)> {
        let is_active = move |client: &Client| now_s.saturating_sub(client.seen_s) <= SILENCE_S;
        let active = self.clients.iter().filter(move |(_, client)| is_active(client));
        active.map(|(id, client)| (id.as_str(), client.lease, client.seen_s))
    }

    /// The part of the reservoir for `client`, as far as others do not hold it.
    fn share(&self, client: &str, reservoir_per_s: u32, now_s: u64) -> u32 {
        let demands: Vec<_> = self.clients.values().map(Client::demand_per_s).collect();
        let shares = divide(u64::from(reservoir_per_s), &demands);
        let place = self.clients.keys().position(|id| id == client);
        let fair = place.and_then(|place| shares.get(place)).copied().unwrap_or(0);
        let others = self.clients.iter().filter(|(id, _)| *id != client);
        let held: u64 = others
            .filter_map(|(_, other)| other.lease.filter(|lease| lease.until_s > now_s))
            .map(|lease| u64::from(lease.per_s))
            .sum();
        let free = u64::from(reservoir_per_s).saturating_sub(held);
        u32::try_from(fair.min(free)).unwrap_or(u32::MAX)
    }
}

/// Divides `total` by demand: everyone up to a fair share first, then what is left, evenly, the
/// earliest first where it does not come out even.
fn divide(total: u64, demands: &[u64]) -> Vec<u64> {
    let mut shares = vec![0; demands.len()];
    let mut left = total;
    let mut waiting: Vec<usize> = (0..demands.len()).collect();
    // Those whose demand is below the fair share get it all, which raises the share of the rest.
    while !waiting.is_empty() {
        let fair = left / waiting.len() as u64;
        let (modest, greedy): (Vec<_>, Vec<_>) =
            waiting.iter().copied().partition(|place| demands[*place] <= fair);
        if modest.is_empty() {
            spread(left, &greedy, &mut shares);
            return shares;
        }
        for place in modest {
            shares[place] = demands[place];
            left -= demands[place];
        }
        waiting = greedy;
    }
    let all: Vec<_> = (0..demands.len()).collect();
    spread(left, &all, &mut shares);
    shares
}

/// Adds `left` to the shares at `places`, evenly.
fn spread(left: u64, places: &[usize], shares: &mut [u64]) {
    let count = places.len() as u64;
    for (order, place) in places.iter().enumerate() {
        let one_more = u64::from((order as u64) < left % count.max(1));
        shares[*place] += left / count.max(1) + one_more;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn shares_follow_demand_up_to_what_is_fair() {
        assert_eq!(divide(10, &[100, 100]), [5, 5]);
        assert_eq!(divide(10, &[2, 100]), [2, 8]);
        assert_eq!(divide(10, &[2, 2]), [5, 5]);
        assert_eq!(divide(11, &[9, 9, 9]), [4, 4, 3]);
        assert_eq!(divide(1, &[9, 9]), [1, 0]);
        assert_eq!(divide(10, &[0]), [10]);
        assert_eq!(divide(10, &[]), [0; 0]);
    }

    proptest! {
        #[test]
        fn nothing_is_given_twice_and_nothing_kept(
            total in 0..10_000_u64,
            demands in prop::collection::vec(0..5_000_u64, 1..20),
        ) {
            prop_assert_eq!(divide(total, &demands).iter().sum::<u64>(), total);
        }

        #[test]
        fn leases_never_exceed_the_reservoir(
            reservoir in 0..50_u32,
            reports in prop::collection::vec((0..4_u8, 0..1_000_u64, 0..15_u64), 1..60),
        ) {
            let mut clients = Clients::default();
            let mut now_s = 1_000;
            for (client, requests, later_s) in reports {
                now_s += later_s;
                clients.report(&client.to_string(), requests, reservoir, now_s);
                let held: u32 = clients
                    .active(now_s)
                    .filter_map(|(_, lease, _)| lease)
                    .map(|lease| lease.per_s)
                    .sum();
                prop_assert!(held <= reservoir, "{held} of {reservoir}");
            }
        }
    }

    #[test]
    fn the_first_report_brings_no_quota_and_the_next_window_does() {
        let mut clients = Clients::default();
        assert_eq!(clients.report("a", 50, 10, 1_000), None);
        assert_eq!(clients.report("a", 60, 10, 1_005), None);
        assert_eq!(clients.report("a", 50, 10, 1_010), Some(Quota { per_s: 10, until_s: 1_310 }));
    }

    #[test]
    fn two_clients_share_once_the_first_lets_go() {
        let mut clients = Clients::default();
        clients.report("a", 100, 10, 1_000);
        clients.report("b", 100, 10, 1_001);
        let per_s = |quota: Option<Quota>| quota.map(|quota| quota.per_s);
        assert_eq!(per_s(clients.report("a", 100, 10, 1_010)), Some(5));
        assert_eq!(per_s(clients.report("b", 100, 10, 1_011)), Some(5));
    }

    #[test]
    fn a_client_that_is_gone_frees_its_lease_after_30_s() {
        let mut clients = Clients::default();
        clients.report("a", 100, 10, 1_000);
        assert_eq!(clients.report("a", 100, 10, 1_010).map(|quota| quota.per_s), Some(10));
        clients.report("b", 100, 10, 1_012);
        assert_eq!(clients.report("b", 100, 10, 1_022).map(|quota| quota.per_s), Some(0));
        assert_eq!(clients.report("b", 100, 10, 1_041).map(|quota| quota.per_s), Some(10));
    }
}
