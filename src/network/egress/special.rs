//! Addresses that the answer to a listed name never opens. Whoever answers for a name could say any address: the host's
//! loopback, the router of the user's home, a neighbour (DNS rebinding). Who means such an address lists it as an address.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Whether it is in the global internet: the IANA registries of special-purpose addresses (RFC 6890) and multicast are not.
pub(super) fn is_global(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => is_global4(address),
        IpAddr::V6(address) => is_global6(address),
    }
}

fn is_global4(address: Ipv4Addr) -> bool {
    const SPECIAL: [(u32, u8); 15] = [
        (0x0000_0000, 8),  // this network
        (0x0a00_0000, 8),  // private
        (0x6440_0000, 10), // shared by providers
        (0x7f00_0000, 8),  // loopback
        (0xa9fe_0000, 16), // link-local, with the metadata services of clouds
        (0xac10_0000, 12), // private
        (0xc000_0000, 24), // protocols
        (0xc000_0200, 24), // documentation
        (0xc058_6300, 24), // 6to4 relays
        (0xc0a8_0000, 16), // private
        (0xc612_0000, 15), // benchmarks
        (0xc633_6400, 24), // documentation
        (0xcb00_7100, 24), // documentation
        (0xe000_0000, 4),  // multicast
        (0xf000_0000, 4),  // reserved, broadcast
    ];
    !SPECIAL.iter().any(|(net, prefix)| address.to_bits() & super::policy::mask4(*prefix) == *net)
}

fn is_global6(address: Ipv6Addr) -> bool {
    let [a, b, ..] = address.segments();
    // All of the global internet is in 2000::/3 today; of that, what is tunnelled or for paper is not.
    let embeds = a == 0x2002 || (a, b) == (0x2001, 0);
    a & 0xe000 == 0x2000 && !embeds && (a, b) != (0x2001, 0x0db8) && a != 0x3fff && !(a == 0x2001 && b < 0x0200)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_internet_is_global() {
        for text in
            ["1.1.1.1", "93.184.215.14", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "2a00::1", "::ffff:1.1.1.1"]
        {
            assert!(is_global(text.parse().unwrap()), "{text}");
        }
        for text in [
            "0.0.0.0",
            "10.0.2.2",
            "100.64.0.1",
            "127.0.0.1",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "192.0.2.1",
            "198.18.0.1",
            "224.0.0.251",
            "255.255.255.255",
            "::",
            "::1",
            "fe80::1",
            "fd00::2",
            "ff02::1",
            "::ffff:127.0.0.1",
            "64:ff9b::7f00:1",
            "2002:7f00:1::",
            "2001::1",
            "2001:db8::1",
            "3fff::1",
        ] {
            assert!(!is_global(text.parse().unwrap()), "{text}");
        }
    }
}
