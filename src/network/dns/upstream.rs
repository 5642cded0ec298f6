//! What is known of resolvers from asking them: which one to ask first, and when to lose patience.
//!
//! The order of the list has a meaning, because often only the first knows the names of an intranet. So a resolver that works is
//! asked in its place, however fast another one is; only those that did not answer lately go to the end, the fastest first.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// After so many questions without an answer a resolver is not asked first.
const FAILURES: u32 = 2;
/// For so long; then it is tried again.
const REST: Duration = Duration::from_secs(20);
/// How long the next one waits for the one before: at least, usually, at most.
const PATIENCE: (Duration, Duration, Duration) =
    (Duration::from_millis(80), Duration::from_millis(200), Duration::from_millis(400));
/// How many resolvers are remembered.
const MAX_KNOWN: usize = 256;

/// All resolvers that were asked.
#[derive(Default)]
pub(super) struct Upstreams {
    known: HashMap<SocketAddr, Known>,
}

#[derive(Default)]
struct Known {
    /// How long an answer takes.
    usual: Option<Duration>,
    /// Questions without an answer, since the last one with.
    failures: u32,
    failed: Option<Instant>,
    /// It does not give names back in the case that they were asked in.
    changes_case: bool,
}

impl Known {
    fn is_resting(&self, now: Instant) -> bool {
        self.failures >= FAILURES && self.failed.is_some_and(|failed| now.duration_since(failed) < REST)
    }
}

impl Upstreams {
    /// Brings a list into the order in which it is to be asked.
    pub(super) fn sort(&self, servers: &mut [SocketAddr], now: Instant) {
        servers.sort_by_key(|server| match self.known.get(server) {
            Some(known) if known.is_resting(now) => (true, known.usual.unwrap_or(REST)),
            _ => (false, Duration::ZERO),
        });
    }

    /// Whether a resolver is believed to answer.
    pub(super) fn works(&self, server: SocketAddr, now: Instant) -> bool {
        self.known.get(&server).is_none_or(|known| !known.is_resting(now))
    }

    /// How long to wait for it before the next one is asked too.
    pub(super) fn patience(&self, server: SocketAddr) -> Duration {
        let (least, usual, most) = PATIENCE;
        match self.known.get(&server) {
            Some(known) if known.failures > 0 => least,
            Some(Known { usual: Some(time), .. }) => (*time * 3).clamp(least, most),
            _ => usual,
        }
    }

    pub(super) fn changes_case(&self, server: SocketAddr) -> bool {
        self.known.get(&server).is_some_and(|known| known.changes_case)
    }

    pub(super) fn answered(&mut self, server: SocketAddr, after: Duration) {
        let known = self.entry(server);
        known.failures = 0;
        // The newest counts for a quarter.
        known.usual = Some(known.usual.map_or(after, |usual| (usual * 3 + after) / 4));
    }

    pub(super) fn failed(&mut self, server: SocketAddr, now: Instant) {
        let known = self.entry(server);
        known.failures = known.failures.saturating_add(1);
        known.failed = Some(now);
    }

    pub(super) fn changed_case(&mut self, server: SocketAddr) {
        self.entry(server).changes_case = true;
    }

    fn entry(&mut self, server: SocketAddr) -> &mut Known {
        if self.known.len() >= MAX_KNOWN && !self.known.contains_key(&server) {
            self.known.clear();
        }
        self.known.entry(server).or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_counts_until_one_fails() {
        let [a, b, c]: [SocketAddr; 3] = ["192.0.2.1:53", "192.0.2.2:53", "192.0.2.3:53"].map(|s| s.parse().unwrap());
        let now = Instant::now();
        let mut upstreams = Upstreams::default();
        let sorted = |upstreams: &Upstreams, now| {
            let mut servers = [a, b, c];
            upstreams.sort(&mut servers, now);
            servers
        };
        upstreams.answered(a, Duration::from_millis(300));
        upstreams.answered(b, Duration::from_millis(1));
        assert_eq!(sorted(&upstreams, now), [a, b, c], "slow is not broken");
        upstreams.failed(a, now);
        assert_eq!(sorted(&upstreams, now), [a, b, c], "a packet may be lost");
        assert_eq!(upstreams.patience(a), PATIENCE.0, "but we wait for less long");
        upstreams.failed(a, now);
        assert_eq!(sorted(&upstreams, now), [b, c, a]);
        assert!(!upstreams.works(a, now));
        for _ in 0..2 {
            upstreams.failed(b, now);
        }
        assert_eq!(sorted(&upstreams, now), [c, b, a], "the faster of those");
        assert_eq!(sorted(&upstreams, now + REST), [a, b, c], "tried again");
        upstreams.answered(a, Duration::from_millis(1));
        assert_eq!(sorted(&upstreams, now), [a, c, b]);
    }

    #[test]
    fn memory_is_bounded() {
        let mut upstreams = Upstreams::default();
        for port in 0..2000 {
            upstreams.changed_case(SocketAddr::from(([192, 0, 2, 1], port)));
        }
        assert!(upstreams.known.len() <= MAX_KNOWN);
    }
}
