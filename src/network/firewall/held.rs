//! The chains of a held container in the table of everything: what it may reach, and who may reach it.
//!
//! ```text
//! from-N       its own connections, answers          back
//!              neighbours that are held the same way let-N
//!              list-N-0, list-N-1 ...                each must say yes (back), or no-N
//!              let-N                                 the connection is marked as its own
//! to-N         connections that are marked           back
//!              neighbours that are held the same way let-N
//!              from-list-N-0 ...                     each must say yes, or no-to-N
//! no-N         logged, refused
//! ```
//!
//! "Back" leads on to the rules that hold for everybody. Established connections are known by the mark that their first packet
//! got: addresses are given again, numbers are not.

use std::net::IpAddr;

use super::base::{self, HELD, PORTS, REFUSED, TO4, TO6};
use super::{NUMBER, Veth};
use crate::network::egress::{GROUP, MAX_OPEN, Policy, Ports, What, mask4, mask6, open4, open6};
use crate::network::nft::{Batch, Chain, Element, Field, Rule, Set, Verdict, state};

/// One container, as its rules need it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Held<'a> {
    pub number: u32,
    pub policy: &'a Policy,
    pub veths: &'a [Veth],
    /// The number of those that are held by the same policy.
    pub class: u32,
    pub log: bool,
}

/// The set of addresses of containers that are held the same way.
pub(super) fn class4(class: u32) -> String {
    format!("same4-{class}")
}

pub(super) fn class6(class: u32) -> String {
    format!("same6-{class}")
}

/// Makes the sets of a class.
pub(super) fn add_class(batch: &mut Batch, class: u32) {
    batch.add_set(&Set::new(class4(class), &[Field::IP4_TO])).add_set(&Set::new(class6(class), &[Field::IP6_TO]));
}

/// Removes them.
pub(super) fn remove_class(batch: &mut Batch, class: u32) {
    batch.delete_set(&class4(class)).delete_set(&class6(class));
}

fn addresses(veths: &[Veth]) -> impl Iterator<Item = IpAddr> {
    veths.iter().flat_map(|veth| veth.addresses.iter().copied())
}

fn element(address: IpAddr) -> Element {
    match address {
        IpAddr::V4(address) => Element::new(&[&address.octets()]),
        IpAddr::V6(address) => Element::new(&[&address.octets()]),
    }
}

/// The sets of addresses that names open.
fn sets(held: &Held<'_>) -> Vec<(String, Field)> {
    let mut sets = Vec::new();
    for (number, list) in held.policy.lists.iter().enumerate() {
        for place in 0..list.ports_of_names().len() {
            sets.push((open4(held.number, number, place), Field::IP4_TO));
            sets.push((open6(held.number, number, place), Field::IP6_TO));
        }
    }
    sets
}

/// The chains' names, those that others refer to last.
fn chains(held: &Held<'_>) -> Vec<String> {
    let n = held.number;
    let lists = 0..held.policy.lists.len();
    let mut names = vec![format!("from-{n}"), format!("to-{n}")];
    names.extend(lists.clone().map(|k| format!("list-{n}-{k}")));
    names.extend(lists.map(|k| format!("from-list-{n}-{k}")));
    names.extend([format!("let-{n}"), format!("no-{n}"), format!("no-to-{n}")]);
    names
}

/// Makes everything. The table is the current one of the batch.
pub(super) fn add(batch: &mut Batch, held: &Held<'_>) {
    let n = held.number;
    for (set, field) in sets(held) {
        batch.add_set(&Set::new(set, &[field]).timeout(MAX_OPEN));
    }
    for chain in chains(held).iter().rev() {
        batch.add_chain(&Chain::new(chain.as_str()));
    }
    add_rules(batch, held);
    batch.map(HELD, &[&n.to_ne_bytes()], Verdict::Jump(format!("from-{n}")));
    batch.map(REFUSED, &[&n.to_ne_bytes()], Verdict::Goto(format!("no-{n}")));
    add_addresses(batch, held);
}

/// Removes everything.
pub(super) fn remove(batch: &mut Batch, held: &Held<'_>) {
    remove_addresses(batch, held);
    remove_without_addresses(batch, held);
}

/// The same where the addresses have gone already.
pub(super) fn remove_without_addresses(batch: &mut Batch, held: &Held<'_>) {
    let n = held.number;
    for map in [HELD, REFUSED] {
        batch.delete_elements(map, &[Element::new(&[&n.to_ne_bytes()])]);
    }
    let chains = chains(held);
    for chain in &chains {
        batch.flush_chain(chain);
    }
    for chain in &chains {
        batch.delete_chain(chain);
    }
    for (set, _) in sets(held) {
        batch.delete_set(&set);
    }
}

/// Its addresses, in the map of who may reach it and in the sets of its class.
pub(super) fn add_addresses(batch: &mut Batch, held: &Held<'_>) {
    for address in addresses(held.veths) {
        let (map, class) = if address.is_ipv4() { (TO4, class4(held.class)) } else { (TO6, class6(held.class)) };
        batch.add_elements(map, &[element(address).verdict(Verdict::Jump(format!("to-{}", held.number)))]);
        batch.add_elements(&class, &[element(address)]);
    }
}

pub(super) fn remove_addresses(batch: &mut Batch, held: &Held<'_>) {
    for address in addresses(held.veths) {
        let (map, class) = if address.is_ipv4() { (TO4, class4(held.class)) } else { (TO6, class6(held.class)) };
        batch.delete_elements(map, &[element(address)]);
        batch.delete_elements(&class, &[element(address)]);
    }
}

fn add_rules(batch: &mut Batch, held: &Held<'_>) {
    let n = held.number;
    let (no, no_to, let_it) = (format!("no-{n}"), format!("no-to-{n}"), format!("let-{n}"));
    let mut add = |chain: &str, rules: Vec<Rule>| {
        for rule in rules {
            batch.add_rule(chain, &rule);
        }
    };
    for (chain, direction) in [(&no, "out"), (&no_to, "in")] {
        let log = held.log.then(|| Rule::new().limit(20, 50).log(GROUP, &format!("{n} {direction}"), 128));
        add(chain, log.into_iter().chain(base::refuse()).collect());
    }
    // The first one who knows the connection gives it its mark.
    add(&let_it, vec![Rule::new().masked(Field::CT_MARK, &NUMBER.to_ne_bytes(), &[0; 4]).set_ct_mark(n)]);

    let known = || Rule::new().state(state::ESTABLISHED | state::RELATED);
    // On the same bridge only: elsewhere it depends on the networks whether they reach each other.
    let neighbour = |four: Field, six: Field| {
        let same = || Rule::new().in_set(&[Field::IN, Field::OUT], base::SAME);
        [
            same().ip4().in_set(&[four], &class4(held.class)).goto(&let_it),
            same().ip6().in_set(&[six], &class6(held.class)).goto(&let_it),
        ]
    };
    let mut from = vec![
        Rule::new().state(state::INVALID).drop(),
        known().is(Field::CT_MARK, &n.to_ne_bytes()).back(),
        known().is(Field::CT_DIRECTION, &[1]).any_bit(Field::CT_MARK, NUMBER).back(),
    ];
    from.extend(neighbour(Field::IP4_TO, Field::IP6_TO));
    let mut to = vec![known().any_bit(Field::CT_MARK, NUMBER).back()];
    to.extend(neighbour(Field::IP4_FROM, Field::IP6_FROM));
    for (k, list) in held.policy.lists.iter().enumerate() {
        let (name, from_name) = (format!("list-{n}-{k}"), format!("from-list-{n}-{k}"));
        from.push(Rule::new().jump(&name));
        to.push(Rule::new().jump(&from_name));
        let (mut out, mut inward) = (Vec::new(), Vec::new());
        for entry in &list.entries {
            if let What::Net { address, prefix } = entry.what {
                out.push(ports(within(Rule::new(), address, prefix, true), entry.ports).back());
                if entry.ports.is_none() {
                    inward.push(within(Rule::new(), address, prefix, false).back());
                }
            }
        }
        for (place, some) in list.ports_of_names().into_iter().enumerate() {
            let (four, six) = (open4(n, k, place), open6(n, k, place));
            out.push(ports(Rule::new().ip4().in_set(&[Field::IP4_TO], &four), some).back());
            out.push(ports(Rule::new().ip6().in_set(&[Field::IP6_TO], &six), some).back());
            if some.is_none() {
                inward.push(Rule::new().ip4().in_set(&[Field::IP4_FROM], &four).back());
                inward.push(Rule::new().ip6().in_set(&[Field::IP6_FROM], &six).back());
            }
        }
        out.push(Rule::new().goto(&no));
        inward.push(Rule::new().goto(&no_to));
        add(&name, out);
        add(&from_name, inward);
    }
    for (mut rules, chain) in [(from, "from"), (to, "to")] {
        rules.push(Rule::new().goto(&let_it));
        add(&format!("{chain}-{n}"), rules);
    }
}

fn ports(rule: Rule, ports: Option<Ports>) -> Rule {
    match ports {
        Some(ports) => rule.in_set(&[Field::L4PROTO], PORTS).between(
            Field::TO_PORT,
            &ports.first.to_be_bytes(),
            &ports.last.to_be_bytes(),
        ),
        None => rule,
    }
}

/// The packet's destination, or its source, is in a net.
fn within(rule: Rule, address: IpAddr, prefix: u8, destination: bool) -> Rule {
    match address {
        IpAddr::V4(address) => {
            let field = if destination { Field::IP4_TO } else { Field::IP4_FROM };
            let rule = rule.ip4();
            match prefix {
                0 => rule,
                32 => rule.is(field, &address.octets()),
                _ => rule.masked(field, &mask4(prefix).to_be_bytes(), &address.octets()),
            }
        }
        IpAddr::V6(address) => {
            let field = if destination { Field::IP6_TO } else { Field::IP6_FROM };
            let rule = rule.ip6();
            match prefix {
                0 => rule,
                128 => rule.is(field, &address.octets()),
                _ => rule.masked(field, &mask6(prefix).to_be_bytes(), &address.octets()),
            }
        }
    }
}
