//! Where the host has routes to: a network that overlaps would hide what is there. From /proc/net/route and
//! /proc/net/ipv6_route (proc(5)).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::Path;

use super::net::Net;
use crate::error::Result;
use crate::storage::fs;

/// A VPN that wants everything has two routes of one bit each: these are default routes, and no networks.
const DEFAULT_BITS: u8 = 2;

/// The host's routes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HostRoutes {
    /// To networks in which the host has an address.
    pub connected: Vec<Net>,
    /// These, and those behind routers.
    pub all: Vec<Net>,
}

impl HostRoutes {
    /// Those of this process's network namespace.
    pub fn read() -> Result<HostRoutes> {
        let text = |path: &str| -> Result<String> {
            Ok(String::from_utf8_lossy(&fs::read_optional(Path::new(path))?.unwrap_or_default()).into_owned())
        };
        let mut routes = HostRoutes::default();
        text("/proc/net/route")?.lines().skip(1).filter_map(ipv4).for_each(|route| routes.add(route));
        text("/proc/net/ipv6_route")?.lines().filter_map(ipv6).for_each(|route| routes.add(route));
        Ok(routes)
    }

    fn add(&mut self, (net, connected): (Net, bool)) {
        if net.prefix < DEFAULT_BITS || self.all.contains(&net) {
            return;
        }
        self.all.push(net);
        if connected {
            self.connected.push(net);
        }
    }
}

/// One line: interface, destination, gateway, flags, three numbers, mask.
fn ipv4(line: &str) -> Option<(Net, bool)> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let number = |i: usize| u32::from_str_radix(words.get(i)?, 16).ok();
    // In the machine's byte order.
    let address = |i: usize| Some(Ipv4Addr::from(number(i)?.to_ne_bytes()));
    let mask = address(7)?.to_bits();
    let net = Net::new(IpAddr::V4(address(1)?), u8::try_from(mask.leading_ones()).ok()?);
    Some((net.network(), number(2)? == 0))
}

/// One line: destination, prefix, source, prefix, next hop, metric, counters, flags, interface.
fn ipv6(line: &str) -> Option<(Net, bool)> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let address = |i: usize| Some(Ipv6Addr::from_bits(u128::from_str_radix(words.get(i)?, 16).ok()?));
    let destination = address(0)?;
    if *words.last()? == "lo" || destination.is_multicast() || destination.is_unicast_link_local() {
        return None;
    }
    let net = Net::new(IpAddr::V6(destination), u8::from_str_radix(words.get(1)?, 16).ok()?);
    Some((net.network(), address(4)?.is_unspecified()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn lines() {
        let one = |route: Option<(Net, bool)>| route.map(|(net, connected)| format!("{net} {connected}"));
        for (line, want) in [
            ("eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0", Some("0.0.0.0/0 false")),
            ("eth0\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0", Some("192.0.2.0/24 true")),
            ("tun0\t0000000A\t0100A8C0\t0003\t0\t0\t0\t000000FF\t0\t0\t0", Some("10.0.0.0/8 false")),
            ("eth0\tzz", None),
            ("", None),
        ] {
            assert_eq!(one(ipv4(line)).as_deref(), want, "{line}");
        }
        let zero = "0".repeat(32);
        let line = |destination: &str, prefix: &str, hop: &str, interface: &str| {
            format!("{destination} {prefix} {zero} 00 {hop} 00000100 00000001 00000000 00000001     {interface}")
        };
        let fd = "fd000000000000000000000000000000";
        assert_eq!(one(ipv6(&line(fd, "40", &zero, "eth0"))).as_deref(), Some("fd00::/64 true"));
        assert_eq!(one(ipv6(&line(fd, "40", fd, "eth0"))).as_deref(), Some("fd00::/64 false"));
        assert_eq!(one(ipv6(&line(fd, "40", &zero, "lo"))), None);
        assert_eq!(one(ipv6(&line("fe800000000000000000000000000000", "40", &zero, "eth0"))), None);
    }

    #[test]
    fn a_default_route_is_no_network() {
        let mut routes = HostRoutes::default();
        for text in ["0.0.0.0/0", "0.0.0.0/1", "128.0.0.0/1", "10.0.0.0/8", "10.0.0.0/8"] {
            routes.add((text.parse().unwrap(), false));
        }
        assert_eq!(routes, HostRoutes { connected: vec![], all: vec!["10.0.0.0/8".parse().unwrap()] });
        HostRoutes::read().unwrap();
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(line in "[0-9a-fA-F \\t]{0,120}") {
            let _ = (ipv4(&line), ipv6(&line));
        }
    }
}
