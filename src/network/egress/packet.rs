//! What a refused packet was: read from its first bytes, which a container has written.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// As far as it can be told.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Flow {
    /// `tcp`, `udp`, `icmp`, `arp`, or the number of the protocol.
    pub protocol: String,
    pub source: Option<IpAddr>,
    pub source_port: Option<u16>,
    pub destination: Option<IpAddr>,
    pub port: Option<u16>,
}

/// Reads a packet from the network layer's header on. `protocol` is that of the frame (ETH_P_*).
pub fn parse(protocol: u16, packet: &[u8]) -> Flow {
    let flow = match protocol {
        0x0800 => ipv4(packet),
        0x86dd => ipv6(packet),
        0x0806 => arp(packet),
        _ => None,
    };
    flow.unwrap_or_else(|| Flow { protocol: format!("ethertype 0x{protocol:04x}"), ..Flow::default() })
}

fn array<const N: usize>(packet: &[u8], at: usize) -> Option<[u8; N]> {
    packet.get(at..)?.first_chunk().copied()
}

fn v4(packet: &[u8], at: usize) -> Option<IpAddr> {
    array::<4>(packet, at).map(|bytes| Ipv4Addr::from(bytes).into())
}

fn v6(packet: &[u8], at: usize) -> Option<IpAddr> {
    array::<16>(packet, at).map(|bytes| Ipv6Addr::from(bytes).into())
}

fn arp(packet: &[u8]) -> Option<Flow> {
    let (source, destination) = (Some(v4(packet, 14)?), Some(v4(packet, 24)?));
    Some(Flow { protocol: "arp".into(), source, destination, ..Flow::default() })
}

fn ipv4(packet: &[u8]) -> Option<Flow> {
    let header = usize::from(packet.first()? & 0xf) * 4;
    let later = u16::from_be_bytes(array(packet, 6)?) & 0x1fff != 0;
    let ends = (Some(v4(packet, 12)?), Some(v4(packet, 16)?));
    let rest = packet.get(header..).filter(|_| !later).unwrap_or_default();
    Some(transport(*packet.get(9)?, rest, ends))
}

fn ipv6(packet: &[u8]) -> Option<Flow> {
    let mut protocol = *packet.get(6)?;
    let ends = (Some(v6(packet, 8)?), Some(v6(packet, 24)?));
    let mut rest = packet.get(40..).unwrap_or_default();
    // Extension headers (RFC 8200); there is no reason for more than these.
    for _ in 0..8 {
        let length = match protocol {
            0 | 43 | 60 | 135 => (usize::from(rest.get(1).copied().unwrap_or(0)) + 1) * 8,
            44 => {
                if array(rest, 2).is_some_and(|offset| u16::from_be_bytes(offset) & 0xfff8 != 0) {
                    protocol = *rest.first()?;
                    rest = &[];
                    break;
                }
                8
            }
            _ => break,
        };
        let Some(next) = rest.first() else { break };
        protocol = *next;
        rest = rest.get(length..).unwrap_or_default();
    }
    Some(transport(protocol, rest, ends))
}

fn transport(protocol: u8, rest: &[u8], (source, destination): (Option<IpAddr>, Option<IpAddr>)) -> Flow {
    let (name, has_ports) = match protocol {
        1 => ("icmp", false),
        6 => ("tcp", true),
        17 => ("udp", true),
        58 => ("icmpv6", false),
        132 => ("sctp", true),
        33 => ("dccp", true),
        136 => ("udplite", true),
        2 => ("igmp", false),
        4 => ("ipip", false),
        41 => ("ipv6", false),
        47 => ("gre", false),
        50 => ("esp", false),
        51 => ("ah", false),
        _ => ("", false),
    };
    let port = |at| array(rest, at).map(u16::from_be_bytes).filter(|_| has_ports);
    let protocol = if name.is_empty() { protocol.to_string() } else { name.to_owned() };
    Flow { protocol, source, source_port: port(0), destination, port: port(2) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet4(protocol: u8, fragment: u16, rest: &[u8]) -> Vec<u8> {
        let mut packet = vec![0x45, 0, 0, 0, 0, 0];
        packet.extend_from_slice(&fragment.to_be_bytes());
        packet.extend_from_slice(&[64, protocol, 0, 0, 10, 88, 0, 2, 1, 1, 1, 1]);
        packet.extend_from_slice(rest);
        packet
    }

    #[test]
    fn packets() {
        let tcp = parse(0x0800, &packet4(6, 0, &[0x9c, 0x40, 1, 0xbb]));
        assert_eq!((tcp.protocol.as_str(), tcp.source_port, tcp.port), ("tcp", Some(40000), Some(443)));
        assert_eq!(tcp.destination, Some("1.1.1.1".parse().unwrap()));
        assert_eq!(parse(0x0800, &packet4(6, 1, &[1, 2, 3, 4])).port, None, "a later fragment");
        assert_eq!(parse(0x0800, &packet4(47, 0, &[])).protocol, "gre");
        assert_eq!(parse(0x0800, &packet4(200, 0, &[])).protocol, "200");
        assert_eq!(parse(0x88cc, &[]).protocol, "ethertype 0x88cc");
        let mut six = vec![0x60, 0, 0, 0, 0, 0, 0, 64];
        six.extend_from_slice(&[1; 16]);
        six.extend_from_slice(&[2; 16]);
        // Hop-by-hop options, then a first fragment of UDP.
        six.extend_from_slice(&[44, 0, 0, 0, 0, 0, 0, 0, 17, 0, 0, 1, 0, 0, 0, 0, 0, 53, 0, 53]);
        let udp = parse(0x86dd, &six);
        assert_eq!((udp.protocol.as_str(), udp.port), ("udp", Some(53)));
    }

    proptest::proptest! {
        #[test]
        fn no_packet_makes_it_panic(protocol in proptest::sample::select(vec![0x0800_u16, 0x86dd, 0x0806, 0]), bytes: Vec<u8>) {
            let _ = parse(protocol, &bytes);
        }
    }
}
