//! Who is where under which name. Only looked up and changed, each as a whole, under a lock.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use super::{Bridge, Container};

/// How much of an ID is a name as well.
const SHORT_ID: usize = 12;

/// All networks and containers.
#[derive(Default)]
pub(super) struct Table {
    networks: HashMap<String, Network>,
    containers: HashMap<Arc<str>, Arc<Container>>,
    owners: HashMap<IpAddr, Arc<str>>,
}

/// One network: its bridge, once it is known, and the names on it.
#[derive(Default)]
struct Network {
    bridge: Option<Bridge>,
    names: HashMap<String, Vec<Named>>,
}

/// A container that a name stands for.
struct Named {
    id: Arc<str>,
    /// The name is given by nothing but the container's host name: what was meant for the network goes before.
    weak: bool,
    addresses: Vec<IpAddr>,
}

/// Who asks.
#[derive(Clone)]
pub(super) struct Asker {
    pub id: Arc<str>,
    pub container: Arc<Container>,
}

/// Who is behind a name.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Found {
    /// The best first.
    pub addresses: Vec<IpAddr>,
    /// It is the asker, and nobody else.
    pub itself: bool,
}

/// Where a question goes that is not answered here.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// Nowhere: all networks of the asker are internal.
    None,
    /// To the host's resolvers.
    Host,
    /// To these.
    Servers(Vec<IpAddr>),
}

impl Table {
    pub(super) fn set_bridge(&mut self, bridge: Bridge) {
        let network = self.networks.entry(bridge.network.clone()).or_default();
        network.bridge = Some(bridge);
    }

    pub(super) fn remove_bridge(&mut self, network: &str) {
        if let Some(entry) = self.networks.get_mut(network) {
            entry.bridge = None;
            if entry.names.is_empty() {
                self.networks.remove(network);
            }
        }
    }

    pub(super) fn set_container(&mut self, id: &str, container: Container) {
        self.remove_container(id);
        let id: Arc<str> = id.into();
        for membership in &container.networks {
            let network = self.networks.entry(membership.network.clone()).or_default();
            let mut add = |name: &str, weak: bool| {
                let name = key(name);
                if name.is_empty() {
                    return;
                }
                let named = network.names.entry(name).or_default();
                match named.iter_mut().find(|other| other.id == id) {
                    Some(known) => known.weak &= weak,
                    None => named.push(Named { id: Arc::clone(&id), weak, addresses: membership.addresses.clone() }),
                }
            };
            add(&container.name, false);
            add(id.get(..SHORT_ID).unwrap_or(&id), false);
            membership.aliases.iter().for_each(|alias| add(alias, false));
            add(&container.hostname, true);
            for &address in &membership.addresses {
                self.owners.insert(address, Arc::clone(&id));
            }
        }
        self.containers.insert(id, Arc::new(container));
    }

    pub(super) fn remove_container(&mut self, id: &str) {
        let Some(container) = self.containers.remove(id) else { return };
        for membership in &container.networks {
            for address in &membership.addresses {
                // It may be another one's by now.
                if self.owners.get(address).is_some_and(|owner| **owner == *id) {
                    self.owners.remove(address);
                }
            }
            let Some(network) = self.networks.get_mut(&membership.network) else { continue };
            let short = id.get(..SHORT_ID).unwrap_or(id);
            let names = [&*container.name, short, &*container.hostname].into_iter();
            for name in names.chain(membership.aliases.iter().map(String::as_str)) {
                let name = key(name);
                if let Some(named) = network.names.get_mut(&name) {
                    named.retain(|named| *named.id != *id);
                    if named.is_empty() {
                        network.names.remove(&name);
                    }
                }
            }
            if network.names.is_empty() && network.bridge.is_none() {
                self.networks.remove(&membership.network);
            }
        }
    }

    /// The container that has this address.
    pub(super) fn asker(&self, address: IpAddr) -> Option<Asker> {
        let id = self.owners.get(&address)?;
        Some(Asker { id: Arc::clone(id), container: Arc::clone(self.containers.get(id)?) })
    }

    /// Whether containers are known by name on any network of the asker's.
    pub(super) fn has_names(&self, asker: &Asker) -> bool {
        self.bridges_of(asker, "").any(|(bridge, _)| bridge.names)
    }

    /// Who a name (lower case, without the dot at the end) stands for on the asker's networks. Addresses on the network that the
    /// question came over stand first; of several containers it is another one's turn each time.
    pub(super) fn find(&self, asker: &Asker, over: &str, name: &str, turn: usize) -> Option<Found> {
        let everybody = || {
            self.bridges_of(asker, over)
                .filter(|(bridge, _)| bridge.names)
                .filter_map(|(_, network)| network.names.get(name))
        };
        let strong = everybody().flatten().any(|named| !named.weak);
        let mut found = Found { addresses: Vec::new(), itself: true };
        for named in everybody() {
            let fits = |named: &&Named| named.weak != strong;
            let count = named.iter().filter(fits).count();
            let turned = named.iter().filter(fits).cycle().skip(turn % count.max(1)).take(count);
            for one in turned {
                found.itself &= one.id == asker.id;
                for address in &one.addresses {
                    if !found.addresses.contains(address) {
                        found.addresses.push(*address);
                    }
                }
            }
        }
        everybody().next().map(|_| found)
    }

    /// The name and short ID of the container that has an address on one of the asker's networks.
    pub(super) fn reverse(&self, asker: &Asker, address: IpAddr) -> Option<(String, String)> {
        let id = self.owners.get(&address)?;
        let container = self.containers.get(id)?;
        let shared = self.bridges_of(asker, "").filter(|(bridge, _)| bridge.names).any(|(bridge, _)| {
            container.networks.iter().any(|m| m.network == bridge.network && m.addresses.contains(&address))
        });
        shared.then(|| (container.name.clone(), id.get(..SHORT_ID).unwrap_or(id).to_owned()))
    }

    /// Whether an address is of one of our subnets, so that nobody outside knows anything of it.
    pub(super) fn is_ours(&self, address: IpAddr) -> bool {
        let bridges = self.networks.values().filter_map(|network| network.bridge.as_ref());
        bridges.flat_map(|bridge| &bridge.subnets).any(|&subnet| contains(subnet, address))
    }

    /// Where the asker's questions go.
    pub(super) fn way(&self, asker: &Asker, over: &str) -> Way {
        if self.bridges_of(asker, over).all(|(bridge, _)| bridge.internal) {
            return Way::None;
        }
        let own = [&asker.container.servers].into_iter();
        let networks = self.bridges_of(asker, over).map(|(bridge, _)| &bridge.servers);
        // One of our gateways would ask the same again.
        let usable = |servers: &Vec<IpAddr>| -> Vec<IpAddr> {
            servers.iter().copied().filter(|server| !self.is_gateway(*server)).collect()
        };
        let servers = own.chain(networks).map(usable).find(|servers| !servers.is_empty());
        servers.map_or(Way::Host, Way::Servers)
    }

    fn is_gateway(&self, address: IpAddr) -> bool {
        let mut bridges = self.networks.values().filter_map(|network| network.bridge.as_ref());
        bridges.any(|bridge| bridge.addresses.contains(&address))
    }

    /// The asker's networks that have a bridge, the one called `first` before the others.
    fn bridges_of<'a>(&'a self, asker: &'a Asker, first: &'a str) -> impl Iterator<Item = (&'a Bridge, &'a Network)> {
        let get = |name: &str| {
            let network = self.networks.get(name)?;
            Some((network.bridge.as_ref()?, network))
        };
        let names = move |is_first: bool| {
            let memberships = asker.container.networks.iter().map(|membership| membership.network.as_str());
            memberships.filter(move |name| (*name == first) == is_first)
        };
        names(true).chain(names(false)).filter_map(get)
    }
}

/// A name as it is looked up.
fn key(name: &str) -> String {
    name.trim_end_matches('.').to_ascii_lowercase()
}

/// Whether an address is in a subnet, given by any of its addresses and the length of the prefix.
fn contains((subnet, length): (IpAddr, u8), address: IpAddr) -> bool {
    match (subnet, address) {
        (IpAddr::V4(subnet), IpAddr::V4(address)) => {
            let mask = u32::MAX.checked_shl(32u32.saturating_sub(length.into())).unwrap_or(0);
            subnet.to_bits() & mask == address.to_bits() & mask
        }
        (IpAddr::V6(subnet), IpAddr::V6(address)) => {
            let mask = u128::MAX.checked_shl(128u32.saturating_sub(length.into())).unwrap_or(0);
            subnet.to_bits() & mask == address.to_bits() & mask
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::dns::Membership;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn bridge(network: &str, number: u8) -> Bridge {
        Bridge {
            network: network.into(),
            addresses: vec![ip(&format!("10.89.{number}.1"))],
            subnets: vec![(ip(&format!("10.89.{number}.0")), 24)],
            names: true,
            ..Bridge::default()
        }
    }

    fn container(name: &str, networks: &[(&str, &str, &[&str])]) -> Container {
        let membership = |(network, address, aliases): &(&str, &str, &[&str])| Membership {
            network: (*network).into(),
            addresses: vec![ip(address)],
            aliases: aliases.iter().map(|&alias| alias.to_owned()).collect(),
        };
        Container {
            name: name.into(),
            hostname: format!("{name}-host"),
            networks: networks.iter().map(membership).collect(),
            ..Container::default()
        }
    }

    /// Two networks, a container on both and one on each.
    fn sample() -> Table {
        let mut table = Table::default();
        table.set_bridge(bridge("a", 1));
        table.set_bridge(bridge("b", 2));
        table.set_container("aaaaaaaaaaaa1111", container("Web", &[("a", "10.89.1.2", &["shop"])]));
        table.set_container(
            "bbbbbbbbbbbb2222",
            container("both", &[("a", "10.89.1.3", &["shop"]), ("b", "10.89.2.3", &["x.y"])]),
        );
        table.set_container("cccccccccccc3333", container("db", &[("b", "10.89.2.4", &[])]));
        table
    }

    fn find(table: &Table, from: &str, over: &str, name: &str, turn: usize) -> Option<Vec<IpAddr>> {
        table.find(&table.asker(ip(from)).unwrap(), over, name, turn).map(|found| found.addresses)
    }

    #[test]
    fn a_container_is_found_by_name_alias_short_id_and_host_name_on_shared_networks() {
        let table = sample();
        for name in ["web", "aaaaaaaaaaaa", "web-host"] {
            assert_eq!(find(&table, "10.89.1.3", "a", name, 0), Some(vec![ip("10.89.1.2")]), "{name}");
            assert_eq!(find(&table, "10.89.2.4", "b", name, 0), None, "{name}: no network in common");
        }
        assert_eq!(find(&table, "10.89.2.4", "b", "x.y", 0), Some(vec![ip("10.89.2.3")]));
        assert_eq!(find(&table, "10.89.1.2", "a", "x.y", 0), None, "an alias is for its network");
        assert_eq!(find(&table, "10.89.1.2", "a", "both", 0), Some(vec![ip("10.89.1.3")]));
        // Itself on both networks: the one that the question came over first.
        assert_eq!(find(&table, "10.89.1.3", "b", "both", 0), Some(vec![ip("10.89.2.3"), ip("10.89.1.3")]));
        assert_eq!(find(&table, "10.89.1.3", "a", "both", 0), Some(vec![ip("10.89.1.3"), ip("10.89.2.3")]));
        assert!(table.asker(ip("10.89.1.9")).is_none());
    }

    #[test]
    fn an_alias_of_several_takes_turns() {
        let table = sample();
        assert_eq!(find(&table, "10.89.1.3", "a", "shop", 0), Some(vec![ip("10.89.1.2"), ip("10.89.1.3")]));
        assert_eq!(find(&table, "10.89.1.3", "a", "shop", 1), Some(vec![ip("10.89.1.3"), ip("10.89.1.2")]));
        assert_eq!(find(&table, "10.89.1.3", "a", "shop", usize::MAX).map(|found| found.len()), Some(2));
    }

    #[test]
    fn a_host_name_gives_way_to_a_name() {
        let mut table = sample();
        table.set_container("dddddddddddd4444", container("web-host", &[("a", "10.89.1.5", &[])]));
        assert_eq!(find(&table, "10.89.1.3", "a", "web-host", 0), Some(vec![ip("10.89.1.5")]));
        table.remove_container("dddddddddddd4444");
        assert_eq!(find(&table, "10.89.1.3", "a", "web-host", 0), Some(vec![ip("10.89.1.2")]));
    }

    #[test]
    fn changes_replace_and_leave_nothing() {
        let mut table = sample();
        table.set_container("aaaaaaaaaaaa1111", container("web2", &[("b", "10.89.2.7", &[])]));
        assert_eq!(find(&table, "10.89.1.3", "a", "web", 0), None);
        assert_eq!(find(&table, "10.89.1.3", "a", "web2", 0), Some(vec![ip("10.89.2.7")]));
        // Its old address goes to another before it is taken away: it stays the other's.
        table.set_container("eeeeeeeeeeee5555", container("new", &[("b", "10.89.2.7", &[])]));
        table.remove_container("aaaaaaaaaaaa1111");
        assert_eq!(&*table.asker(ip("10.89.2.7")).unwrap().id, "eeeeeeeeeeee5555");
        for id in ["bbbbbbbbbbbb2222", "cccccccccccc3333", "eeeeeeeeeeee5555"] {
            table.remove_container(id);
        }
        table.remove_bridge("a");
        table.remove_bridge("b");
        assert!(table.networks.is_empty() && table.containers.is_empty() && table.owners.is_empty());
    }

    #[test]
    fn reverse_names_are_those_of_shared_networks() {
        let table = sample();
        let asker = table.asker(ip("10.89.1.2")).unwrap();
        assert_eq!(table.reverse(&asker, ip("10.89.1.3")), Some(("both".into(), "bbbbbbbbbbbb".into())));
        assert_eq!(table.reverse(&asker, ip("10.89.2.3")), None);
        assert!(table.is_ours(ip("10.89.2.200")) && !table.is_ours(ip("10.89.3.1")) && !table.is_ours(ip("::1")));
    }

    #[test]
    fn ways_out() {
        let mut table = sample();
        let way = |table: &Table, from: &str| table.way(&table.asker(ip(from)).unwrap(), "b");
        assert_eq!(way(&table, "10.89.2.4"), Way::Host);
        table.set_bridge(Bridge { servers: vec![ip("10.89.2.1"), ip("192.0.2.1")], ..bridge("b", 2) });
        assert_eq!(way(&table, "10.89.2.4"), Way::Servers(vec![ip("192.0.2.1")]), "a gateway is no server");
        let own = Container { servers: vec![ip("192.0.2.9")], ..container("db", &[("b", "10.89.2.4", &[])]) };
        table.set_container("cccccccccccc3333", own);
        assert_eq!(way(&table, "10.89.2.4"), Way::Servers(vec![ip("192.0.2.9")]));
        table.set_bridge(Bridge { internal: true, ..bridge("b", 2) });
        assert_eq!(way(&table, "10.89.2.4"), Way::None);
        assert_eq!(way(&table, "10.89.1.3"), Way::Host, "its other network is not internal");
    }

    #[test]
    fn subnets() {
        for (subnet, length, address, inside) in [
            ("10.0.0.0", 8, "10.255.0.1", true),
            ("10.0.0.1", 31, "10.0.0.2", false),
            ("0.0.0.0", 0, "192.0.2.1", true),
            ("10.0.0.1", 32, "10.0.0.1", true),
            ("fd00::", 64, "fd00::1:2", true),
            ("fd00::", 64, "fd00:0:0:1::", false),
            ("::", 0, "2001:db8::1", true),
            ("::", 0, "192.0.2.1", false),
        ] {
            assert_eq!(contains((ip(subnet), length), ip(address)), inside, "{address} in {subnet}/{length}");
        }
    }
}
