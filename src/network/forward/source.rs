//! Whom the container sees as the caller, and at which of its addresses it is called.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// Where the callers of a container's published ports are led to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Target {
    /// The container's addresses on the network that it has its default route by.
    pub v4: Option<Ipv4Addr>,
    pub v6: Option<Ipv6Addr>,
    /// All networks that the container is on, as address and length of prefix. An answer to an address in one of them would
    /// not come by the gateway.
    pub subnets: Vec<(IpAddr, u8)>,
    /// Show the caller's address. Without it (the container has no default route) all callers are seen as the gateway.
    pub keep_source: bool,
}

/// One way to the container.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Route {
    pub(super) to: SocketAddr,
    /// The source to show; none: what the kernel takes, which is the bridge's address (the gateway).
    pub(super) from: Option<SocketAddr>,
}

impl Target {
    /// The way for this caller; `None` if the container has no address.
    pub(super) fn route(&self, caller: SocketAddr, port: u16) -> Option<Route> {
        let caller = SocketAddr::new(caller.ip().to_canonical(), caller.port());
        let (v4, v6) = (self.v4.map(IpAddr::V4), self.v6.map(IpAddr::V6));
        let to = if caller.is_ipv4() { v4.or(v6) } else { v6.or(v4) }?;
        let shown = self.keep_source && to.is_ipv4() == caller.is_ipv4() && self.is_elsewhere(caller.ip());
        Some(Route { to: SocketAddr::new(to, port), from: shown.then_some(caller) })
    }

    /// Whether this address means the same to the container as to the host.
    fn is_elsewhere(&self, ip: IpAddr) -> bool {
        let special = match ip {
            IpAddr::V4(v4) => {
                v4.octets()[0] == 0 || v4.is_loopback() || v4.is_link_local() || v4.is_multicast() || v4.is_broadcast()
            }
            IpAddr::V6(v6) => {
                v6.is_unspecified() || v6.is_loopback() || v6.is_unicast_link_local() || v6.is_multicast()
            }
        };
        !special && !self.subnets.iter().any(|(network, prefix)| contains(*network, *prefix, ip))
    }
}

fn contains(network: IpAddr, prefix: u8, ip: IpAddr) -> bool {
    match (network, ip) {
        (IpAddr::V4(network), IpAddr::V4(ip)) => {
            let differ = network.to_bits() ^ ip.to_bits();
            differ.checked_shr(32_u32.saturating_sub(prefix.into())).unwrap_or(0) == 0
        }
        (IpAddr::V6(network), IpAddr::V6(ip)) => {
            let differ = network.to_bits() ^ ip.to_bits();
            differ.checked_shr(128_u32.saturating_sub(prefix.into())).unwrap_or(0) == 0
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(v4: bool, v6: bool, keep_source: bool) -> Target {
        Target {
            v4: v4.then_some(Ipv4Addr::new(10, 88, 0, 2)),
            v6: v6.then(|| "fd00::2".parse().unwrap()),
            subnets: vec![("10.88.0.0".parse().unwrap(), 16), ("fd00::".parse().unwrap(), 64)],
            keep_source,
        }
    }

    fn shown(target: &Target, caller: &str) -> String {
        match target.route(caller.parse().unwrap(), 80) {
            None => "nowhere".to_owned(),
            Some(Route { to, from: None }) => format!("gateway -> {to}"),
            Some(Route { to, from: Some(from) }) => format!("{from} -> {to}"),
        }
    }

    #[test]
    fn callers_are_shown_where_their_address_means_something() {
        let both = target(true, true, true);
        for (caller, want) in [
            ("192.0.2.7:999", "192.0.2.7:999 -> 10.88.0.2:80"),
            ("[::ffff:192.0.2.7]:999", "192.0.2.7:999 -> 10.88.0.2:80"),
            ("[2001:db8::7]:999", "[2001:db8::7]:999 -> [fd00::2]:80"),
            ("127.0.0.1:999", "gateway -> 10.88.0.2:80"),
            ("[::ffff:127.0.0.9]:999", "gateway -> 10.88.0.2:80"),
            ("[::1]:999", "gateway -> [fd00::2]:80"),
            ("[fe80::1]:999", "gateway -> [fd00::2]:80"),
            ("169.254.1.1:999", "gateway -> 10.88.0.2:80"),
            ("10.88.255.255:999", "gateway -> 10.88.0.2:80"),
            ("10.89.0.1:999", "10.89.0.1:999 -> 10.88.0.2:80"),
            ("[fd00::ffff]:999", "gateway -> [fd00::2]:80"),
            ("[fd00:0:0:1::1]:999", "[fd00:0:0:1::1]:999 -> [fd00::2]:80"),
            ("0.0.0.0:999", "gateway -> 10.88.0.2:80"),
        ] {
            assert_eq!(shown(&both, caller), want, "{caller}");
        }
        assert_eq!(shown(&target(true, false, true), "[2001:db8::7]:999"), "gateway -> 10.88.0.2:80");
        assert_eq!(shown(&target(false, true, true), "192.0.2.7:999"), "gateway -> [fd00::2]:80");
        assert_eq!(shown(&target(true, true, false), "192.0.2.7:999"), "gateway -> 10.88.0.2:80");
        assert_eq!(shown(&target(false, false, true), "192.0.2.7:999"), "nowhere");
    }

    #[test]
    fn prefixes() {
        let ip = |text: &str| text.parse::<IpAddr>().unwrap();
        assert!(contains(ip("0.0.0.0"), 0, ip("192.0.2.1")));
        assert!(contains(ip("192.0.2.1"), 32, ip("192.0.2.1")));
        assert!(!contains(ip("192.0.2.1"), 32, ip("192.0.2.2")));
        assert!(contains(ip("::"), 0, ip("fe80::1")));
        assert!(!contains(ip("fd00::"), 128, ip("fd00::1")));
        assert!(contains(ip("10.0.0.0"), 255, ip("10.0.0.0")), "a prefix that is too long is the longest");
    }
}
