//! Netlink: no bytes make the reader panic, and what it reads lies within them.
#![no_main]

use coracle::network::netlink::route::{address, link, routes};
use coracle::network::netlink::{Attributes, Packets};
use libfuzzer_sys::fuzz_target;

fn walk(attributes: Attributes<'_>, depth: u32, room: usize) {
    for attribute in attributes {
        assert!(attribute.value.len() <= room);
        let _ = (attribute.u16(), attribute.be32(), attribute.u64(), attribute.text(), attribute.ip(), attribute.mac());
        if depth < 8 {
            walk(attribute.nested(), depth + 1, attribute.value.len());
        }
    }
}

fuzz_target!(|bytes: &[u8]| {
    for packet in Packets::new(bytes) {
        let _ = (link::parse(&packet), address::parse(&packet), routes::parse(&packet));
        for fixed in [0, 4, 8, 12, 16] {
            if let Some((_, attributes)) = packet.split(fixed) {
                walk(attributes, 0, packet.payload.len());
            }
        }
    }
});
