//! Who has which address of a network.
//!
//! It is in memory only: the connections of the containers prove it. An address that was freed is given again only after
//! all others, so that whoever remembers it does not reach a stranger.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::error::{Error, Result};
use crate::network::config::{Network, Subnet};

/// The addresses of one network.
#[derive(Debug)]
pub(super) struct Addresses {
    network: String,
    subnets: Vec<Range>,
    taken: Taken,
}

/// Addresses, and the IDs of the containers that have them.
#[derive(Debug, Default)]
struct Taken {
    given: HashMap<IpAddr, String>,
    /// Of containers that had them, and are expected to come back.
    reserved: HashMap<IpAddr, String>,
}

impl Taken {
    /// Another container that has an address.
    fn by_other(&self, address: IpAddr, id: &str) -> Option<&str> {
        let has = [&self.given, &self.reserved].map(|all| all.get(&address).map(String::as_str));
        has.into_iter().flatten().find(|other| *other != id)
    }

    /// Whether a container may have it that has none yet.
    fn is_free(&self, address: IpAddr, id: &str) -> bool {
        !self.given.contains_key(&address) && self.by_other(address, id).is_none()
    }

    fn give(&mut self, address: IpAddr, id: &str) {
        self.reserved.remove(&address);
        self.given.insert(address, id.to_owned());
    }

    fn len(&self) -> usize {
        self.given.len() + self.reserved.len()
    }
}

/// What can be given of one subnet.
#[derive(Debug)]
struct Range {
    subnet: Subnet,
    first: u128,
    last: u128,
    /// The one that was given last.
    cursor: u128,
}

impl Addresses {
    /// All of them free.
    pub(super) fn new(network: &Network) -> Addresses {
        let mut addresses = Addresses { network: network.name.clone(), subnets: Vec::new(), taken: Taken::default() };
        addresses.set(network);
        addresses
    }

    /// The network's definition has changed. What was given stays given.
    pub(super) fn set(&mut self, network: &Network) {
        let ranges = network.subnets.iter().filter(|_| network.has_addresses()).map(Range::new);
        self.subnets = ranges.collect();
    }

    /// Gives a container addresses: those that it `must` have, those that it `had` if they are free, and one of each
    /// further subnet (but one address family is not given twice unless the network has it twice).
    ///
    /// # Errors
    /// A wanted address is not in the network, or taken; there is none left. Nothing is given then.
    pub(super) fn give(&mut self, id: &str, must: &[IpAddr], had: &[IpAddr]) -> Result<Vec<(IpAddr, u8)>> {
        let mut given: Vec<(IpAddr, u8)> = Vec::new();
        let result = self.try_give(id, must, had, &mut given);
        if let Err(error) = result {
            given.iter().for_each(|(address, _)| self.free(*address));
            return Err(error);
        }
        Ok(given)
    }

    fn try_give(&mut self, id: &str, must: &[IpAddr], had: &[IpAddr], given: &mut Vec<(IpAddr, u8)>) -> Result<()> {
        for address in must {
            let Some(range) = self.subnets.iter().find(|range| range.subnet.subnet.contains(*address)) else {
                let name = &self.network;
                return Err(Error::new(format!("requested static ip {address} not in any subnet on network {name}")));
            };
            if range.subnet.gateway == Some(*address) {
                let message = format!("requested ip address {address} is the gateway of network {}", self.network);
                return Err(Error::new(message));
            }
            if let Some(other) = self.taken.by_other(*address, id) {
                let message = format!("requested ip address {address} is already allocated to container ID {other}");
                return Err(Error::new(message).wrap("IPAM error"));
            }
            let prefix = range.subnet.subnet.prefix;
            self.taken.give(*address, id);
            given.push((*address, prefix));
        }
        for range in &mut self.subnets {
            let net = range.subnet.subnet;
            if given.iter().any(|(address, _)| net.contains(*address)) {
                continue;
            }
            // As the reference: a wanted address of a family is the only one of that family.
            if must.iter().any(|address| address.is_ipv4() == net.is_ipv4()) {
                continue;
            }
            let again = had.iter().find(|ip| net.contains(**ip) && self.taken.by_other(**ip, id).is_none());
            let address = match again {
                Some(address) => *address,
                None => range.next(&self.taken, id).ok_or_else(|| {
                    Error::new(format!("no free addresses left in subnet {net} of network {}", self.network))
                })?,
            };
            self.taken.give(address, id);
            given.push((address, net.prefix));
        }
        Ok(())
    }

    /// Says once more that a container has an address.
    pub(super) fn keep(&mut self, address: IpAddr, id: &str) {
        self.taken.give(address, id);
    }

    /// Takes an address back.
    pub(super) fn free(&mut self, address: IpAddr) {
        self.taken.given.remove(&address);
    }

    /// Keeps an address for a container that had it, until [`Addresses::expect_nobody`].
    pub(super) fn reserve(&mut self, address: IpAddr, id: &str) {
        self.taken.reserved.insert(address, id.to_owned());
    }

    /// Whoever has not come back has lost what was reserved.
    pub(super) fn expect_nobody(&mut self) {
        self.taken.reserved.clear();
    }

    /// Who has an address.
    #[cfg(test)]
    fn owner(&self, address: IpAddr) -> Option<&str> {
        self.taken.by_other(address, "")
    }
}

impl Range {
    fn new(subnet: &Subnet) -> Range {
        let net = subnet.subnet;
        let (mut first, mut last) = (number(net.first()), number(net.last()));
        if net.is_ipv4() && net.prefix < 31 {
            // The broadcast address.
            last = last.saturating_sub(1);
        } else if net.prefix >= if net.is_ipv4() { 31 } else { 127 } {
            first = number(net.network().address);
        }
        let lease = subnet.lease_range.unwrap_or_default();
        let within = |bound: Option<IpAddr>| bound.filter(|ip| net.contains(*ip)).map(number);
        first = within(lease.start_ip).map_or(first, |start| start.max(first));
        last = within(lease.end_ip).map_or(last, |end| end.min(last));
        Range { subnet: subnet.clone(), first, last, cursor: last }
    }

    /// The next free address after the one that was given last.
    fn next(&mut self, taken: &Taken, id: &str) -> Option<IpAddr> {
        let size = self.last.checked_sub(self.first)?.saturating_add(1);
        // Among so many, one is free: only those that are taken and the gateway are not.
        let tries = size.min(taken.len() as u128 + 2);
        for _ in 0..tries {
            self.cursor = if (self.first..self.last).contains(&self.cursor) { self.cursor + 1 } else { self.first };
            let address = address(self.cursor, self.subnet.subnet.is_ipv4());
            if Some(address) != self.subnet.gateway && taken.is_free(address, id) {
                return Some(address);
            }
        }
        None
    }
}

fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => address.to_bits().into(),
        IpAddr::V6(address) => address.to_bits(),
    }
}

fn address(number: u128, v4: bool) -> IpAddr {
    if v4 { Ipv4Addr::from_bits(number as u32).into() } else { Ipv6Addr::from_bits(number).into() }
}

/// A hardware address that belongs to an address, so that who is given a freed one is found under what neighbours
/// remember of it.
pub(super) fn mac_of(addresses: &[(IpAddr, u8)], id: &str) -> [u8; 6] {
    match addresses.first() {
        Some((IpAddr::V4(address), _)) => {
            let [a, b, c, d] = address.octets();
            [0x02, 0x42, a, b, c, d]
        }
        Some((IpAddr::V6(address), _)) => mac_from(&address.octets()),
        None => mac_from(id.as_bytes()),
    }
}

/// A locally administered hardware address made of a text's FNV-1a hash.
pub(super) fn mac_from(text: &[u8]) -> [u8; 6] {
    let hash = text
        .iter()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3));
    let [_, _, a, b, c, d, e, f] = hash.to_be_bytes();
    [a & 0xfc | 0x02, b, c, d, e, f]
}

/// `02:42:0a:58:00:02`
pub(super) fn mac_text(mac: [u8; 6]) -> String {
    let [a, b, c, d, e, f] = mac;
    format!("{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{f:02x}")
}

/// The hardware address that a text means.
pub(super) fn parse_mac(text: &str) -> Result<[u8; 6]> {
    let mut mac = [0; 6];
    let mut parts = text.split([':', '-']);
    for byte in &mut mac {
        let part = parts.next().filter(|part| part.len() == 2 && part.bytes().all(|b| b.is_ascii_hexdigit()));
        let value = part.and_then(|part| u8::from_str_radix(part, 16).ok());
        *byte = value.ok_or_else(|| Error::new(format!("invalid MAC address `{text}`")))?;
    }
    if parts.next().is_some() || mac.first().is_some_and(|byte| byte & 1 == 1) || mac == [0; 6] {
        return Err(Error::new(format!("invalid MAC address `{text}`")));
    }
    Ok(mac)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::config::LeaseRange;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn network(subnets: &[(&str, Option<(&str, &str)>)]) -> Network {
        let subnets = subnets
            .iter()
            .map(|(net, range)| {
                let subnet: crate::network::config::Net = net.parse().unwrap();
                let range = range.map(|(start, end)| LeaseRange { start_ip: Some(ip(start)), end_ip: Some(ip(end)) });
                Subnet { subnet, gateway: Some(subnet.first()), lease_range: range }
            })
            .collect();
        Network { name: "n".into(), subnets, ..Network::default() }
    }

    fn give(addresses: &mut Addresses, id: &str, must: &[&str], had: &[&str]) -> Result<String> {
        let list = |texts: &[&str]| texts.iter().map(|text| ip(text)).collect::<Vec<_>>();
        let given = addresses.give(id, &list(must), &list(had))?;
        let texts: Vec<String> = given.iter().map(|(ip, prefix)| format!("{ip}/{prefix}")).collect();
        Ok(texts.join(" "))
    }

    #[test]
    fn what_is_given_twice_and_freed_once_is_kept() {
        let mut all = Addresses::new(&network(&[("10.1.0.0/29", None)]));
        assert_eq!(give(&mut all, "a", &[], &[]).unwrap(), "10.1.0.2/29");
        // The network was left and entered again at once.
        assert_eq!(give(&mut all, "a", &[], &["10.1.0.2"]).unwrap(), "10.1.0.2/29");
        all.free(ip("10.1.0.2"));
        all.keep(ip("10.1.0.2"), "a");
        assert!(give(&mut all, "b", &["10.1.0.2"], &[]).is_err());
    }

    #[test]
    fn round_robin_past_the_gateway_and_what_is_taken() {
        let mut all = Addresses::new(&network(&[("10.1.0.0/29", None)]));
        for expected in ["10.1.0.2/29", "10.1.0.3/29", "10.1.0.4/29"] {
            assert_eq!(give(&mut all, "a", &[], &[]).unwrap(), expected);
        }
        all.free(ip("10.1.0.2"));
        assert_eq!(give(&mut all, "b", &[], &[]).unwrap(), "10.1.0.5/29", "a freed one is the last to be given");
        assert_eq!(give(&mut all, "b", &[], &[]).unwrap(), "10.1.0.6/29");
        assert_eq!(give(&mut all, "b", &[], &[]).unwrap(), "10.1.0.2/29");
        let error = give(&mut all, "c", &[], &[]).unwrap_err().to_string();
        assert_eq!(error, "no free addresses left in subnet 10.1.0.0/29 of network n");
        assert_eq!(all.owner(ip("10.1.0.2")), Some("b"));
    }

    #[test]
    fn wanted_addresses() {
        let mut all = Addresses::new(&network(&[("10.1.0.0/24", None), ("fd01::/64", None)]));
        assert_eq!(give(&mut all, "a", &["10.1.0.9"], &[]).unwrap(), "10.1.0.9/24 fd01::2/64");
        for (must, expected) in [
            ("10.1.0.9", "IPAM error: requested ip address 10.1.0.9 is already allocated to container ID a"),
            ("10.1.0.1", "requested ip address 10.1.0.1 is the gateway of network n"),
            ("10.2.0.1", "requested static ip 10.2.0.1 not in any subnet on network n"),
        ] {
            assert_eq!(give(&mut all, "b", &["fd01::7", must], &[]).unwrap_err().to_string(), expected);
            assert_eq!(all.owner(ip("fd01::7")), None, "nothing is kept");
        }
        assert_eq!(give(&mut all, "b", &[], &["10.1.0.9", "fd01::5"]).unwrap(), "10.1.0.2/24 fd01::5/64");
    }

    #[test]
    fn reserved_addresses_are_for_those_who_had_them() {
        let mut all = Addresses::new(&network(&[("10.1.0.0/29", None)]));
        all.reserve(ip("10.1.0.2"), "a");
        all.reserve(ip("10.1.0.4"), "b");
        assert_eq!(give(&mut all, "new", &[], &[]).unwrap(), "10.1.0.3/29");
        assert!(give(&mut all, "new", &["10.1.0.2"], &[]).unwrap_err().to_string().contains("container ID a"));
        assert_eq!(give(&mut all, "a", &["10.1.0.2"], &[]).unwrap(), "10.1.0.2/29");
        assert_eq!(give(&mut all, "new", &[], &["10.1.0.4"]).unwrap(), "10.1.0.5/29");
        assert_eq!(give(&mut all, "b", &[], &["10.1.0.4"]).unwrap(), "10.1.0.4/29");
        all.reserve(ip("10.1.0.6"), "c");
        assert!(give(&mut all, "new", &[], &[]).is_err());
        all.expect_nobody();
        assert_eq!(give(&mut all, "new", &[], &[]).unwrap(), "10.1.0.6/29");
    }

    #[test]
    fn ranges() {
        let mut all = Addresses::new(&network(&[("10.1.0.0/24", Some(("10.1.0.64", "10.1.0.65")))]));
        assert_eq!(give(&mut all, "a", &[], &[]).unwrap(), "10.1.0.64/24");
        assert_eq!(give(&mut all, "a", &["10.1.0.7"], &[]).unwrap(), "10.1.0.7/24");
        assert_eq!(give(&mut all, "a", &[], &[]).unwrap(), "10.1.0.65/24");
        assert!(give(&mut all, "a", &[], &[]).is_err());
        for (net, expected) in
            [("fd00::/126", "fd00::2/126"), ("10.0.0.0/30", "10.0.0.2/30"), ("0.0.0.0/0", "0.0.0.2/0")]
        {
            assert_eq!(give(&mut Addresses::new(&network(&[(net, None)])), "a", &[], &[]).unwrap(), expected);
        }
        assert_eq!(give(&mut Addresses::new(&network(&[])), "a", &[], &[]).unwrap(), "");
    }

    #[test]
    fn hardware_addresses() {
        assert_eq!(mac_text(mac_of(&[(ip("10.88.0.2"), 16)], "x")), "02:42:0a:58:00:02");
        let one = mac_of(&[(ip("fd00::2"), 64)], "x");
        assert!(one[0] & 3 == 2 && one != mac_of(&[(ip("fd00::3"), 64)], "x"));
        assert_eq!(parse_mac("02:42:AC-11:00:02").unwrap(), [2, 0x42, 0xac, 0x11, 0, 2]);
        for bad in
            ["", "02:42:ac:11:00", "02:42:ac:11:00:02:03", "01:00:00:00:00:00", "00:00:00:00:00:00", "2:42:ac:11:00:02"]
        {
            assert!(parse_mac(bad).is_err(), "{bad}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_panic(text: String) {
            let _ = parse_mac(&text);
        }
    }
}
