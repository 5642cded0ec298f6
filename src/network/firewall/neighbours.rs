//! Held containers and their neighbours on the same bridge.
//!
//! A bridge carries packets between its ports without asking anybody, and knows neither connections nor refusals. So the
//! port of a held container is cut off from all others: whatever it sends or is sent goes through the bridge's own interface, where the
//! rules for forwarded packets are. For that, the bridge answers when a held container looks for a neighbour, or a neighbour for a
//! held container (proxy ARP, RFC 1027 and the private VLANs of RFC 3069; proxy neighbour discovery, RFC 4389).
//!
//! ```text
//! forward   from a held port, to a held port    dropped
//! input     questions for addresses             only those about gateways and held containers, and those of held containers
//! ```
//!
//! Nothing of this is there before the first held container.

use std::net::IpAddr;

use super::{NUMBER, Veth};
use crate::error::Result;
use crate::network::netlink::route::link;
use crate::network::netlink::{Message, Socket};
use crate::network::nft::{Batch, Chain, Element, Family, Field, Hook, Rule, Set, Table, name};

/// Ports of held containers.
const HELD: &str = "held";
/// Addresses that the bridge answers for: gateways, and held containers.
const ASKED4: &str = "asked4";
const ASKED6: &str = "asked6";

pub(super) fn table() -> Table {
    Table::new(Family::Bridge, "coracle")
}

/// The whole table, made anew, with these gateways.
pub(super) fn install(batch: &mut Batch, gateways: &[IpAddr]) {
    batch.table(&table()).add_table().delete_table().add_table();
    batch.add_set(&Set::new(HELD, &[Field::OUT]));
    batch.add_set(&Set::new(ASKED4, &[Field::ARP_TO]));
    batch.add_set(&Set::new(ASKED6, &[Field::ND_TARGET]));
    batch.add_chain_of(
        &Chain::base("forward", Hook::Forward, 0),
        &[Rule::new().marked(NUMBER).drop(), Rule::new().in_set(&[Field::OUT], HELD).drop()],
    );
    let arp = || Rule::new().is(Field::ETHER_TYPE, &[8, 6]);
    let solicitation = || Rule::new().is(Field::ETHER_TYPE, &[0x86, 0xdd]).protocol(58).is(Field::ICMP_TYPE, &[135]);
    let mut link_local = [0; 16];
    link_local[..2].copy_from_slice(&[0xfe, 0x80]);
    let mut mask = [0; 16];
    mask[..2].copy_from_slice(&[0xff, 0xc0]);
    batch.add_chain_of(
        &Chain::base("input", Hook::Input, 0),
        &[
            Rule::new().marked(NUMBER).accept(),
            arp().is(Field::ARP_OPERATION, &[0, 1]).not_in_set(&[Field::ARP_TO], ASKED4).drop(),
            solicitation().masked(Field::ND_TARGET, &mask, &link_local).accept(),
            solicitation().not_in_set(&[Field::ND_TARGET], ASKED6).drop(),
        ],
    );
    add_asked(batch, gateways.iter().copied());
}

/// Removes it.
pub(super) fn uninstall(batch: &mut Batch) {
    batch.table(&table()).add_table().delete_table();
}

fn asked(address: IpAddr) -> (&'static str, Element) {
    match address {
        IpAddr::V4(address) => (ASKED4, Element::new(&[&address.octets()])),
        IpAddr::V6(address) => (ASKED6, Element::new(&[&address.octets()])),
    }
}

/// The bridge answers for these.
pub(super) fn add_asked(batch: &mut Batch, addresses: impl Iterator<Item = IpAddr>) {
    for address in addresses {
        let (set, element) = asked(address);
        batch.add_elements(set, &[element]);
    }
}

/// It does no more.
pub(super) fn remove_asked(batch: &mut Batch, addresses: impl Iterator<Item = IpAddr>) {
    for address in addresses {
        let (set, element) = asked(address);
        batch.delete_elements(set, &[element]);
    }
}

/// Cuts the ports of a held container off.
pub(super) fn add(batch: &mut Batch, veths: &[Veth]) {
    batch.table(&table());
    for veth in veths {
        batch.add_elements(HELD, &[Element::new(&[&name(&veth.host)])]);
        add_asked(batch, veth.addresses.iter().copied());
    }
}

/// Takes that back.
pub(super) fn remove(batch: &mut Batch, veths: &[Veth]) {
    batch.table(&table());
    for veth in veths {
        batch.delete_elements(HELD, &[Element::new(&[&name(&veth.host)])]);
        remove_asked(batch, veth.addresses.iter().copied());
    }
}

/// Lets a bridge answer for others, or no more.
pub(super) fn set_proxy(bridge: &str, on: bool) {
    let value = if on { "1" } else { "0" };
    for (path, value) in [
        // At once: the delay is for networks with several who could answer.
        (format!("ipv4/neigh/{bridge}/proxy_delay"), "0"),
        (format!("ipv6/neigh/{bridge}/proxy_delay"), "0"),
        (format!("ipv4/conf/{bridge}/proxy_arp_pvlan"), value),
        (format!("ipv6/conf/{bridge}/proxy_ndp"), value),
    ] {
        // Without, neighbours that are listed are not found, and nothing more is.
        let _ = std::fs::write(format!("/proc/sys/net/{path}"), value);
    }
}

/// Lets a bridge answer for an IPv6 address, or no more.
pub(super) fn proxy(socket: &mut Socket, bridge: &str, address: IpAddr, on: bool) -> Result<()> {
    // struct ndmsg: family, padding, interface, state, flags, type (linux/neighbour.h).
    const FLAG_PROXY: u8 = 8;
    const DESTINATION: u16 = 1;
    let Some(link) = link::find(socket, bridge)? else { return Ok(()) };
    let mut head = vec![libc::AF_INET6 as u8, 0, 0, 0];
    head.extend_from_slice(&link.index.to_ne_bytes());
    head.extend_from_slice(&[0, 0, FLAG_PROXY, 0]);
    let (kind, flags) = if on { (libc::RTM_NEWNEIGH, libc::NLM_F_CREATE) } else { (libc::RTM_DELNEIGH, 0) };
    let flags = u16::try_from(flags).unwrap_or(0);
    let message = Message::new(kind, flags, "answering for a neighbour").fixed(&head).ip(DESTINATION, address);
    match socket.request(&[message]) {
        Err(refused) if !on && refused.is(rustix::io::Errno::NOENT) => Ok(()),
        other => Ok(other?),
    }
}
