//! The rules that are there as long as the anchor is. What changes with networks and containers are sets and maps.
//!
//! ```text
//! prerouting   belongs to a transparent socket?  -> mark TRANSPARENT, which routes it to this machine
//! input        loopback, TRANSPARENT, CHECKED     accepted
//!              @local   bridge -> its chain       port 53 of its own gateways, with not too many questions
//!              @refused number -> its chain       a held container gets nothing else
//!              answers, neighbour discovery, echo accepted; the rest refused
//! forward      what the uplink itself offers      refused for held containers
//!              @held    number -> its chain       what it may reach         (returns or refuses)
//!              @to4 @to6 address -> its chain     who may reach it          (returns or refuses)
//!              answers                            accepted
//!              from the uplink                    dropped
//!              the same bridge                    accepted
//!              bridges with a way out             to the uplink; to each other if not isolated
//! postrouting  into the uplink                    masqueraded
//! ```

use std::net::IpAddr;

use super::{CHECKED, Isolate, NUMBER, TRANSPARENT};
use crate::network::nft::{Batch, Chain, Element, Family, Field, Hook, Reject, Rule, Set, Table, name, state};

const TCP: u8 = 6;
const UDP: u8 = 17;
pub(super) const ICMP: u8 = 1;
pub(super) const ICMP6: u8 = 58;

/// Neighbour discovery: solicitations of routers, of neighbours, advertisements of neighbours.
const ND_TYPES: [u8; 3] = [133, 135, 136];
const ROUTER_ADVERTISEMENT: u8 = 134;

/// The table of everything but ingress and bridges.
pub(super) fn table() -> Table {
    Table::new(Family::Inet, "coracle")
}

/// Protocols with ports.
pub(super) const PORTS: &str = "ports";
/// Map: number of a held container to its chain, for what it sends.
pub(super) const HELD: &str = "held";
/// Map: number of a held container to the chain that refuses.
pub(super) const REFUSED: &str = "refused";
/// Maps: address of a held container to its chain, for what it is sent.
pub(super) const TO4: &str = "to4";
pub(super) const TO6: &str = "to6";
/// Map: bridge to the chain of its gateways.
const LOCAL: &str = "local";
/// Set: bridge, bridge.
pub(super) const SAME: &str = "same";
/// Sets of bridges: with a way out, isolated, isolated from all.
const OPEN: &str = "open";
const ISOLATED: &str = "isolated";
const STRICT: &str = "strict";

/// Sets: who asks names how often.
const ASKS4: &str = "asks4";
const ASKS6: &str = "asks6";
/// So many questions a second are one container's, and so many at once. More of them would fill the queue of the gateway's socket, in
/// which others' are as well.
const QUESTIONS: (u64, u32) = (5000, 500);

/// Refuses a held container what the uplink itself offers.
const HELPER: &str = "helper";

/// Refuses what comes here, at once.
pub(super) const REFUSE: &str = "refuse";

/// The last rules of a chain that refuses.
pub(super) fn refuse() -> [Rule; 2] {
    [Rule::new().protocol(TCP).reject(Reject::Reset), Rule::new().reject(Reject::Prohibited)]
}

/// The whole table, made anew.
pub(super) fn install(uplink: &str) -> Batch {
    let table = table();
    let mut batch = Batch::new(&table);
    // There is nothing to delete but where this process has been here before; the first line makes the second one true.
    batch.add_table().delete_table().add_table();
    batch.add_set(&Set::new(PORTS, &[Field::L4PROTO]));
    batch.add_elements(PORTS, &[Element::new(&[&[TCP]]), Element::new(&[&[UDP]])]);
    for (map, key) in
        [(HELD, Field::MARK), (REFUSED, Field::MARK), (TO4, Field::IP4_TO), (TO6, Field::IP6_TO), (LOCAL, Field::IN)]
    {
        batch.add_set(&Set::new(map, &[key]).map());
    }
    batch.add_set(&Set::new(SAME, &[Field::IN, Field::OUT]));
    for set in [OPEN, ISOLATED, STRICT] {
        batch.add_set(&Set::new(set, &[Field::IN]));
    }
    for (set, key) in [(ASKS4, Field::IP4_FROM), (ASKS6, Field::IP6_FROM)] {
        batch.add_set(&Set::new(set, &[key]).counting(10, 65_536));
    }
    batch.add_chain_of(&Chain::new(REFUSE), &refuse());
    batch.add_chain(&Chain::new(HELPER));
    batch.add_chain_of(&Chain::base("prerouting", Hook::Prerouting, -150), &prerouting(uplink));
    batch.add_chain_of(&Chain::base("input", Hook::Input, 0).dropping(), &input(uplink));
    batch.add_chain_of(&Chain::base("forward", Hook::Forward, 0).dropping(), &forward(uplink));
    batch.add_chain_of(&Chain::base("output", Hook::Output, 0), &output());
    batch.add_chain_of(&Chain::nat("postrouting", Hook::Postrouting, 100), &[Rule::new().to(uplink).masquerade()]);
    batch
}

fn prerouting(uplink: &str) -> Vec<Rule> {
    vec![
        Rule::new().from(uplink).accept(),
        Rule::new().in_set(&[Field::L4PROTO], PORTS).is(Field::TRANSPARENT, &[1]).mark(TRANSPARENT),
    ]
}

fn input(uplink: &str) -> Vec<Rule> {
    let answers = || Rule::new().state(state::ESTABLISHED);
    let mut rules = vec![
        Rule::new().from("lo").accept(),
        Rule::new().marked(TRANSPARENT | CHECKED).accept(),
        Rule::new().map(&[Field::IN], LOCAL),
        // Answers to what this machine has asked; a held container can have asked nothing but names.
        answers().is(Field::CT_DIRECTION, &[1]).accept(),
        Rule::new().map_bits(Field::MARK, NUMBER, REFUSED),
        Rule::new().marked(NUMBER).goto(REFUSE),
        Rule::new().state(state::ESTABLISHED | state::RELATED).accept(),
    ];
    rules.extend(ND_TYPES.map(|kind| Rule::new().protocol(ICMP6).is(Field::ICMP_TYPE, &[kind]).accept()));
    rules.extend([
        Rule::new().from(uplink).protocol(ICMP6).is(Field::ICMP_TYPE, &[ROUTER_ADVERTISEMENT]).accept(),
        Rule::new().from(uplink).drop(),
        Rule::new().protocol(ICMP).is(Field::ICMP_TYPE, &[8]).accept(),
        Rule::new().protocol(ICMP6).is(Field::ICMP_TYPE, &[128]).accept(),
        Rule::new().goto(REFUSE),
    ]);
    rules
}

fn forward(uplink: &str) -> Vec<Rule> {
    vec![
        Rule::new().marked(NUMBER).to(uplink).jump(HELPER),
        Rule::new().map_bits(Field::MARK, NUMBER, HELD),
        Rule::new().ip4().map(&[Field::IP4_TO], TO4),
        Rule::new().ip6().map(&[Field::IP6_TO], TO6),
        Rule::new().state(state::ESTABLISHED | state::RELATED).accept(),
        Rule::new().state(state::INVALID).drop(),
        Rule::new().from(uplink).drop(),
        Rule::new().in_set(&[Field::IN, Field::OUT], SAME).accept(),
        Rule::new().not_in_set(&[Field::IN], OPEN).goto(REFUSE),
        Rule::new().to(uplink).accept(),
        Rule::new().not_in_set(&[Field::OUT], OPEN).goto(REFUSE),
        Rule::new().in_set(&[Field::IN], STRICT).goto(REFUSE),
        Rule::new().in_set(&[Field::OUT], STRICT).goto(REFUSE),
        Rule::new().in_set(&[Field::IN], ISOLATED).in_set(&[Field::OUT], ISOLATED).goto(REFUSE),
        Rule::new().accept(),
    ]
}

/// Nobody is told of a shorter way: packets of held containers come through here although they could go directly.
fn output() -> Vec<Rule> {
    vec![
        Rule::new().protocol(ICMP).is(Field::ICMP_TYPE, &[5]).drop(),
        Rule::new().protocol(ICMP6).is(Field::ICMP_TYPE, &[137]).drop(),
    ]
}

/// The chain of a bridge's gateways.
fn chain_of(interface: &str) -> String {
    format!("local-{interface}")
}

/// Makes a bridge known.
pub(super) fn add_bridge(batch: &mut Batch, bridge: &super::Bridge) {
    let chain = chain_of(&bridge.interface);
    let interface = name(&bridge.interface);
    let mut rules = Vec::new();
    let (each_second, burst) = QUESTIONS;
    for (address, _) in &bridge.subnets {
        let (from, set) = if address.is_ipv4() { (Field::IP4_FROM, ASKS4) } else { (Field::IP6_FROM, ASKS6) };
        let question = to(Rule::new(), *address).protocol(UDP).to_port(53);
        rules.push(question.over(from, set, each_second, burst).drop());
        for protocol in [UDP, TCP] {
            rules.push(to(Rule::new(), *address).protocol(protocol).to_port(53).accept());
        }
    }
    batch.add_chain_of(&Chain::new(chain.as_str()), &rules);
    batch.map(LOCAL, &[&interface], crate::network::nft::Verdict::Jump(chain));
    batch.add_elements(SAME, &[Element::new(&[&interface, &interface])]);
    for set in sets_of(bridge) {
        batch.add_elements(set, &[Element::new(&[&interface])]);
    }
}

/// Takes it back.
pub(super) fn remove_bridge(batch: &mut Batch, bridge: &super::Bridge) {
    let interface = name(&bridge.interface);
    let chain = chain_of(&bridge.interface);
    batch.delete_elements(LOCAL, &[Element::new(&[&interface])]);
    batch.delete_elements(SAME, &[Element::new(&[&interface, &interface])]);
    for set in sets_of(bridge) {
        batch.delete_elements(set, &[Element::new(&[&interface])]);
    }
    batch.flush_chain(&chain).delete_chain(&chain);
}

fn sets_of(bridge: &super::Bridge) -> impl Iterator<Item = &'static str> {
    let open = (!bridge.internal).then_some(OPEN);
    let isolated = (bridge.isolate != Isolate::No).then_some(ISOLATED);
    let strict = (bridge.isolate == Isolate::Strict).then_some(STRICT);
    open.into_iter().chain(isolated).chain(strict)
}

/// Refuses held containers these addresses behind the uplink, and no others.
pub(super) fn set_helpers(batch: &mut Batch, helpers: &[IpAddr]) {
    batch.flush_chain(HELPER);
    for helper in helpers {
        batch.add_rule(HELPER, &to(Rule::new(), *helper).map_bits(Field::MARK, NUMBER, REFUSED));
    }
}

/// What is sent to this address.
pub(super) fn to(rule: Rule, address: IpAddr) -> Rule {
    match address {
        IpAddr::V4(address) => rule.ip4().is(Field::IP4_TO, &address.octets()),
        IpAddr::V6(address) => rule.ip6().is(Field::IP6_TO, &address.octets()),
    }
}
