//! The door of a held container: what its veth receives is from its own hardware address and its own addresses, is IP or
//! ARP, and is marked with the container's number. Nothing else comes in.
//!
//! Here, and not further inside, because here the packet is known by the wire that it came through; what is written in it
//! is the container's.
//!
//! ```text
//! in-VETH    hardware address not its own         forged
//!            IPv4 -> v4-VETH: no options, own source, one destination     -> marked
//!            ARP  -> arp-VETH: own sender                                  -> marked
//!            IPv6 -> v6-VETH: no options, own source, one destination     -> marked
//!                    nd-VETH: neighbour discovery about itself             -> marked, and CHECKED
//!            tagged, or anything else             dropped
//! ```

use std::net::{IpAddr, Ipv6Addr};

use super::base::ICMP6;
use super::{CHECKED, Veth};
use crate::network::egress::GROUP;
use crate::network::nft::{Batch, Chain, Family, Field, Hook, Rule, Table};

/// Before everything else that could look at a packet.
const PRIORITY: i32 = -500;
const SOLICITATION: u8 = 135;
const ADVERTISEMENT: u8 = 136;

/// What is forged is in the chain of this name.
const FORGED: &str = "forged";

/// The table of one container.
pub(super) fn table(number: u32) -> Table {
    Table::new(Family::Netdev, format!("coracle-{number}"))
}

/// Makes the doors of a container, or makes them anew: at every moment there is one in force.
pub(super) fn add(batch: &mut Batch, number: u32, veths: &[Veth], log: bool) {
    batch.table(&table(number)).add_table().delete_table().add_table();
    batch.add_chain(&Chain::new(FORGED));
    if log {
        batch.add_rule(FORGED, &Rule::new().limit(10, 20).log(GROUP, &format!("{number} forged"), 64));
    }
    batch.add_rule(FORGED, &Rule::new().drop());
    for veth in veths {
        one(batch, number, veth);
    }
}

/// Removes them.
pub(super) fn remove(batch: &mut Batch, number: u32) {
    batch.table(&table(number)).add_table().delete_table();
}

fn one(batch: &mut Batch, number: u32, veth: &Veth) {
    let chain = |kind: &str| format!("{kind}-{}", veth.host);
    let (v4, ok4, arp, v6, ok6, nd) = (chain("v4"), chain("ok4"), chain("arp"), chain("v6"), chain("ok6"), chain("nd"));
    let door = Chain::base(chain("in"), Hook::Ingress(veth.host.clone()), PRIORITY).dropping();
    for name in [&ok4, &v4, &arp, &nd, &ok6, &v6] {
        batch.add_chain(&Chain::new(name.as_str()));
    }
    let mut add = |name: &str, rules: Vec<Rule>| {
        for rule in rules {
            batch.add_rule(name, &rule);
        }
    };
    add(&v4, ipv4(veth, &ok4));
    add(&ok4, vec![Rule::new().set_mark(number).accept()]);
    add(&arp, arp_rules(veth, number));
    add(&v6, ipv6(veth, &ok6, &nd));
    add(&ok6, ipv6_ok(number, &nd));
    add(&nd, discovery(veth, number));
    let rules = [
        Rule::new().is_not(Field::ETHER_FROM, &veth.mac).goto(FORGED),
        // The type in the frame and the type that the kernel goes by: they differ in tagged frames.
        Rule::new().is(Field::ETHER_TYPE, &[8, 0]).is(Field::PROTOCOL, &[8, 0]).goto(&v4),
        Rule::new().is(Field::ETHER_TYPE, &[8, 6]).is(Field::PROTOCOL, &[8, 6]).goto(&arp),
        Rule::new().is(Field::ETHER_TYPE, &[0x86, 0xdd]).is(Field::PROTOCOL, &[0x86, 0xdd]).goto(&v6),
        Rule::new().goto(FORGED),
    ];
    batch.add_chain_of(&door, &rules);
}

/// A frame to one: the lowest bit of the first byte is that of broadcast and multicast.
fn to_many(rule: Rule) -> Rule {
    rule.masked_not(Field::ETHER_TO, &[1, 0, 0, 0, 0, 0], &[0; 6])
}

fn ipv4(veth: &Veth, ok: &str) -> Vec<Rule> {
    let mut rules = vec![
        // Options could name a way that leads elsewhere.
        Rule::new().is_not(Field::IP4_HEAD, &[0x45]).goto(FORGED),
        to_many(Rule::new()).drop(),
        Rule::new().masked(Field::IP4_TO, &[0xe0, 0, 0, 0], &[0xe0, 0, 0, 0]).drop(),
    ];
    for address in &veth.addresses {
        if let IpAddr::V4(address) = address {
            rules.push(Rule::new().is(Field::IP4_FROM, &address.octets()).goto(ok));
        }
    }
    rules.push(Rule::new().goto(FORGED));
    rules
}

fn arp_rules(veth: &Veth, number: u32) -> Vec<Rule> {
    let mut rules = vec![
        // Ethernet and IPv4, with the lengths of their addresses.
        Rule::new().is_not(Field::ARP_HEAD, &[0, 1, 8, 0, 6, 4]).goto(FORGED),
        Rule::new().is_not(Field::ARP_FROM_MAC, &veth.mac).goto(FORGED),
    ];
    for address in &veth.addresses {
        if let IpAddr::V4(address) = address {
            rules.push(Rule::new().is(Field::ARP_FROM, &address.octets()).set_mark(number).accept());
        }
    }
    // Who looks whether an address is free has none yet.
    rules.push(Rule::new().is(Field::ARP_FROM, &[0; 4]).drop());
    rules.push(Rule::new().goto(FORGED));
    rules
}

fn ipv6(veth: &Veth, ok: &str, nd: &str) -> Vec<Rule> {
    let mut rules = Vec::new();
    for address in &veth.addresses {
        if let IpAddr::V6(address) = address {
            rules.push(Rule::new().is(Field::IP6_FROM, &address.octets()).goto(ok));
        }
    }
    rules.extend([
        Rule::new().is(Field::IP6_FROM, &link_local(veth.mac).octets()).goto(nd),
        // Multicast memberships, and whether an address is free. Nobody else has the container's.
        Rule::new().is(Field::IP6_FROM, &[0; 16]).drop(),
        Rule::new().masked(Field::IP6_FROM, &LINK_LOCAL_MASK, &LINK_LOCAL).drop(),
        Rule::new().goto(FORGED),
    ]);
    rules
}

const LINK_LOCAL: [u8; 16] = [0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
const LINK_LOCAL_MASK: [u8; 16] = [0xff, 0xc0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];

fn ipv6_ok(number: u32, nd: &str) -> Vec<Rule> {
    let icmp = |kind: u8| Rule::new().is(Field::IP6_NEXT, &[ICMP6]).is(Field::ICMP_TYPE, &[kind]);
    let mut rules = vec![icmp(SOLICITATION).goto(nd), icmp(ADVERTISEMENT).goto(nd)];
    // Routers' business: solicitations, advertisements, redirects; multicast memberships.
    rules.extend([133, 134, 137, 130, 131, 132, 143].map(|kind| icmp(kind).drop()));
    // Hop-by-hop options, routing, options, mobility, host identity, shim: they could name a way that leads elsewhere.
    rules.extend([0, 43, 60, 135, 139, 140].map(|next| Rule::new().is(Field::IP6_NEXT, &[next]).goto(FORGED)));
    let mut multicast = [0; 16];
    multicast[0] = 0xff;
    rules.extend([
        to_many(Rule::new()).drop(),
        Rule::new().masked(Field::IP6_TO, &multicast, &multicast).drop(),
        Rule::new().set_mark(number).accept(),
    ]);
    rules
}

/// Solicitations and advertisements of neighbours, about its own addresses and its own hardware address.
fn discovery(veth: &Veth, number: u32) -> Vec<Rule> {
    // Only from the same link (RFC 4861, 7.1). What else comes from its link-local address is noise of its kernel.
    let mut rules =
        vec![Rule::new().is_not(Field::IP6_NEXT, &[ICMP6]).drop(), Rule::new().is_not(Field::IP6_HOPS, &[255]).drop()];
    let option = Field::Payload(2, 24, 8);
    let [a, b, c, d, e, f] = veth.mac;
    // Header 40, message 24, one option of 8 or none.
    let (without, with) = (64_u32.to_ne_bytes(), 72_u32.to_ne_bytes());
    let of = |kind: u8| Rule::new().is(Field::ICMP_TYPE, &[kind]);
    let pass = |rule: Rule| rule.set_mark(number | CHECKED).accept();
    rules.extend([
        pass(of(SOLICITATION).is(Field::LENGTH, &without)),
        pass(of(SOLICITATION).is(Field::LENGTH, &with).is(option, &[1, 1, a, b, c, d, e, f])),
    ]);
    let own = veth.addresses.iter().filter_map(|address| match address {
        IpAddr::V6(address) => Some(*address),
        IpAddr::V4(_) => None,
    });
    for address in own.chain([link_local(veth.mac)]) {
        let about = || of(ADVERTISEMENT).is(Field::ND_TARGET, &address.octets());
        rules.extend([
            pass(about().is(Field::LENGTH, &without)),
            pass(about().is(Field::LENGTH, &with).is(option, &[2, 1, a, b, c, d, e, f])),
        ]);
    }
    rules.push(of(SOLICITATION).goto(FORGED));
    rules.push(of(ADVERTISEMENT).goto(FORGED));
    rules.push(Rule::new().drop());
    rules
}

/// The address that an interface with this hardware address gives itself (RFC 4291, appendix A).
fn link_local(mac: [u8; 6]) -> Ipv6Addr {
    let [a, b, c, d, e, f] = mac;
    Ipv6Addr::from([0xfe, 0x80, 0, 0, 0, 0, 0, 0, a ^ 2, b, c, 0xff, 0xfe, d, e, f])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn link_local_addresses() {
        assert_eq!(link_local([0x02, 0x42, 10, 88, 0, 2]).to_string(), "fe80::42:aff:fe58:2");
    }
}
