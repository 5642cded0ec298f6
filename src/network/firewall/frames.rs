//! Frames as a hostile container writes them: byte for byte, with all checksums right, so that only rules can refuse them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

pub(super) type Mac = [u8; 6];
pub(super) const EVERYBODY: Mac = [0xff; 6];

pub(super) fn ethernet(to: Mac, from: Mac, kind: u16, payload: &[u8]) -> Vec<u8> {
    let mut frame = [&to[..], &from, &kind.to_be_bytes(), payload].concat();
    frame.resize(frame.len().max(60), 0);
    frame
}

/// The sum that IP, TCP, UDP and ICMP have.
fn sum(parts: &[&[u8]]) -> u16 {
    let bytes = parts.concat();
    let words = bytes.chunks(2).map(|two| u32::from(two[0]) << 8 | u32::from(two.get(1).copied().unwrap_or(0)));
    let mut total: u32 = words.sum();
    while total > 0xffff {
        total = (total & 0xffff) + (total >> 16);
    }
    !(total as u16)
}

/// IPv4; `flags` are those of fragments with the offset, `options` a multiple of four bytes.
pub(super) fn ipv4_with(
    from: Ipv4Addr,
    to: Ipv4Addr,
    protocol: u8,
    flags: u16,
    options: &[u8],
    payload: &[u8],
) -> Vec<u8> {
    let head = 20 + options.len();
    let mut packet = vec![0x40 | (head / 4) as u8, 0];
    packet.extend_from_slice(&((head + payload.len()) as u16).to_be_bytes());
    packet.extend_from_slice(&[0x12, 0x34]);
    packet.extend_from_slice(&flags.to_be_bytes());
    packet.extend_from_slice(&[64, protocol, 0, 0]);
    packet.extend_from_slice(&from.octets());
    packet.extend_from_slice(&to.octets());
    packet.extend_from_slice(options);
    let checksum = sum(&[&packet]).to_be_bytes();
    packet[10..12].copy_from_slice(&checksum);
    packet.extend_from_slice(payload);
    packet
}

pub(super) fn ipv4(from: Ipv4Addr, to: Ipv4Addr, protocol: u8, payload: &[u8]) -> Vec<u8> {
    ipv4_with(from, to, protocol, 0, &[], payload)
}

pub(super) fn ipv6_with(from: Ipv6Addr, to: Ipv6Addr, next: u8, hops: u8, payload: &[u8]) -> Vec<u8> {
    let mut packet = vec![0x60, 0, 0, 0];
    packet.extend_from_slice(&(payload.len() as u16).to_be_bytes());
    packet.extend_from_slice(&[next, hops]);
    packet.extend_from_slice(&from.octets());
    packet.extend_from_slice(&to.octets());
    packet.extend_from_slice(payload);
    packet
}

pub(super) fn ipv6(from: Ipv6Addr, to: Ipv6Addr, next: u8, payload: &[u8]) -> Vec<u8> {
    ipv6_with(from, to, next, 64, payload)
}

/// The header that checksums of the transport layer count in.
fn pseudo(from: IpAddr, to: IpAddr, protocol: u8, length: usize) -> Vec<u8> {
    match (from, to) {
        (IpAddr::V4(from), IpAddr::V4(to)) => {
            [&from.octets()[..], &to.octets(), &[0, protocol], &(length as u16).to_be_bytes()].concat()
        }
        (IpAddr::V6(from), IpAddr::V6(to)) => {
            [&from.octets()[..], &to.octets(), &(length as u32).to_be_bytes(), &[0, 0, 0, protocol]].concat()
        }
        _ => unreachable!("one family"),
    }
}

fn with_sum(mut segment: Vec<u8>, at: usize, from: IpAddr, to: IpAddr, protocol: u8) -> Vec<u8> {
    let checksum = sum(&[&pseudo(from, to, protocol, segment.len()), &segment]).to_be_bytes();
    segment[at..at + 2].copy_from_slice(&checksum);
    segment
}

pub(super) fn udp(from: IpAddr, to: IpAddr, port: u16, payload: &[u8]) -> Vec<u8> {
    let mut segment = 40_000_u16.to_be_bytes().to_vec();
    segment.extend_from_slice(&port.to_be_bytes());
    segment.extend_from_slice(&((8 + payload.len()) as u16).to_be_bytes());
    segment.extend_from_slice(&[0, 0]);
    segment.extend_from_slice(payload);
    with_sum(segment, 6, from, to, 17)
}

pub(super) fn tcp(from: IpAddr, to: IpAddr, port: u16, flags: u8, payload: &[u8]) -> Vec<u8> {
    let mut segment = 40_001_u16.to_be_bytes().to_vec();
    segment.extend_from_slice(&port.to_be_bytes());
    segment.extend_from_slice(&[0, 0, 0, 1, 0, 0, 0, 1, 0x50, flags, 0xff, 0xff, 0, 0, 0, 0]);
    segment.extend_from_slice(payload);
    with_sum(segment, 16, from, to, 6)
}

/// An ICMP message; `rest` begins behind the checksum.
pub(super) fn icmp(kind: u8, code: u8, rest: &[u8]) -> Vec<u8> {
    let mut message = vec![kind, code, 0, 0];
    message.extend_from_slice(rest);
    let checksum = sum(&[&message]).to_be_bytes();
    message[2..4].copy_from_slice(&checksum);
    message
}

pub(super) fn icmp6(from: Ipv6Addr, to: Ipv6Addr, kind: u8, rest: &[u8]) -> Vec<u8> {
    let mut message = vec![kind, 0, 0, 0];
    message.extend_from_slice(rest);
    with_sum(message, 2, from.into(), to.into(), 58)
}

pub(super) fn arp(operation: u16, mac: Mac, from: Ipv4Addr, to: Ipv4Addr, trailer: &[u8]) -> Vec<u8> {
    let head = [0, 1, 8, 0, 6, 4];
    [&head[..], &operation.to_be_bytes(), &mac, &from.octets(), &[0; 6], &to.octets(), trailer].concat()
}
