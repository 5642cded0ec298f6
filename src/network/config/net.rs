//! An address and the length of its prefix, as in `10.88.0.0/16`.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// `10.88.0.0/16`, `fd00::/64`. As JSON it is that text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Net {
    pub address: IpAddr,
    /// At most 32 or 128.
    pub prefix: u8,
}

impl Net {
    /// A network; the prefix is cut to what the family has.
    pub fn new(address: IpAddr, prefix: u8) -> Net {
        Net { address, prefix: prefix.min(width(address)) }
    }

    /// All bits of the address, in the upper end of an IPv6 address's 128.
    fn bits(address: IpAddr) -> u128 {
        match address {
            IpAddr::V4(ip) => u128::from(ip.to_bits()) << 96,
            IpAddr::V6(ip) => ip.to_bits(),
        }
    }

    fn from_bits(bits: u128, like: IpAddr) -> IpAddr {
        match like {
            IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::from_bits((bits >> 96) as u32)),
            IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::from_bits(bits)),
        }
    }

    /// The bits that all its addresses have in common are 1.
    fn mask(self) -> u128 {
        u128::MAX.checked_shl(128 - u32::from(self.prefix)).unwrap_or(0)
    }

    /// The step between two neighbouring addresses.
    fn unit(self) -> u128 {
        if self.is_ipv4() { 1 << 96 } else { 1 }
    }

    pub fn is_ipv4(self) -> bool {
        self.address.is_ipv4()
    }

    /// The same without the bits of the host.
    pub fn network(self) -> Net {
        Net { address: Self::from_bits(Self::bits(self.address) & self.mask(), self.address), prefix: self.prefix }
    }

    /// Whether an address lies in it.
    pub fn contains(self, address: IpAddr) -> bool {
        self.is_ipv4() == address.is_ipv4() && (Self::bits(self.address) ^ Self::bits(address)) & self.mask() == 0
    }

    /// Whether they have an address in common.
    pub fn overlaps(self, other: Net) -> bool {
        let wider = if self.prefix < other.prefix { self } else { other };
        self.is_ipv4() == other.is_ipv4() && wider.contains(self.address) && wider.contains(other.address)
    }

    /// The first address that a host can have: the network's own plus one.
    pub fn first(self) -> IpAddr {
        Self::from_bits(Self::bits(self.network().address).saturating_add(self.unit()), self.address)
    }

    /// The last address; IPv4's broadcast address.
    pub fn last(self) -> IpAddr {
        Self::from_bits(Self::bits(self.address) | !self.mask(), self.address)
    }

    /// The network of the same size behind this one; `None` at the end of the address space.
    pub fn next(self) -> Option<Net> {
        let step = self.unit().checked_shl(u32::from(width(self.address) - self.prefix)).filter(|step| *step != 0)?;
        let bits = Self::bits(self.network().address).checked_add(step)?;
        Some(Net { address: Self::from_bits(bits, self.address), prefix: self.prefix })
    }
}

/// The bits of an address of this family.
fn width(address: IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

impl fmt::Display for Net {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

impl FromStr for Net {
    type Err = Error;

    fn from_str(text: &str) -> Result<Net> {
        let parse = || {
            let (address, prefix) = text.split_once('/')?;
            let address: IpAddr = address.parse().ok()?;
            let digits = (1..=3).contains(&prefix.len()) && prefix.bytes().all(|b| b.is_ascii_digit());
            let prefix = if digits { prefix.parse::<u8>().ok()? } else { return None };
            (prefix <= width(address)).then_some(Net { address, prefix })
        };
        parse().ok_or_else(|| Error::new(format!("invalid CIDR address: {text}")))
    }
}

impl TryFrom<String> for Net {
    type Error = Error;

    fn try_from(text: String) -> Result<Net> {
        text.parse()
    }
}

impl From<Net> for String {
    fn from(net: Net) -> String {
        net.to_string()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn net(text: &str) -> Net {
        text.parse().unwrap()
    }

    #[test]
    fn sums() {
        for (text, network, first, last, next) in [
            ("10.88.0.7/16", "10.88.0.0/16", "10.88.0.1", "10.88.255.255", Some("10.89.0.0/16")),
            ("10.89.0.0/24", "10.89.0.0/24", "10.89.0.1", "10.89.0.255", Some("10.89.1.0/24")),
            ("255.255.255.0/24", "255.255.255.0/24", "255.255.255.1", "255.255.255.255", None),
            ("0.0.0.0/0", "0.0.0.0/0", "0.0.0.1", "255.255.255.255", None),
            ("1.2.3.4/32", "1.2.3.4/32", "1.2.3.5", "1.2.3.4", Some("1.2.3.5/32")),
            ("fd00::5/64", "fd00::/64", "fd00::1", "fd00::ffff:ffff:ffff:ffff", Some("fd00:0:0:1::/64")),
            ("::/0", "::/0", "::1", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", None),
        ] {
            let this = net(text);
            assert_eq!(this.network().to_string(), network);
            assert_eq!(this.first().to_string(), first);
            assert_eq!(this.last().to_string(), last);
            assert_eq!(this.next().map(|n| n.to_string()).as_deref(), next, "{text}");
            assert!(this.contains(this.last()) && this.contains(this.address), "{text}");
        }
    }

    #[test]
    fn overlaps() {
        for (a, b, want) in [
            ("10.88.0.0/16", "10.88.5.0/24", true),
            ("10.88.0.0/16", "10.89.0.0/16", false),
            ("10.88.5.0/24", "10.0.0.0/8", true),
            ("0.0.0.0/0", "9.9.9.9/32", true),
            ("::/0", "9.9.9.9/32", false),
            ("fd00::/64", "fd00::1/128", true),
        ] {
            assert_eq!(net(a).overlaps(net(b)), want, "{a} {b}");
            assert_eq!(net(b).overlaps(net(a)), want, "{b} {a}");
        }
    }

    #[test]
    fn what_is_none() {
        for text in ["", "10.0.0.0", "10.0.0.0/", "10.0.0.0/33", "fd00::/129", "10.0.0.0/+8", "10.0.0.0/0008", "a/8"] {
            assert_eq!(text.parse::<Net>().unwrap_err().to_string(), format!("invalid CIDR address: {text}"));
        }
    }

    proptest! {
        #[test]
        fn any_text(text in "[0-9a-f:./]{0,24}") {
            if let Ok(net) = text.parse::<Net>() {
                let _ = (net.next(), net.first());
                prop_assert!(net.contains(net.last()) && net.overlaps(net.network()));
                prop_assert_eq!(net.to_string().parse::<Net>().unwrap(), net);
            }
        }
    }
}
