//! What containers have besides their wires: rules, names, published ports. Each change of a bridge or a container goes to
//! all of them, from here.

use std::net::IpAddr;

use super::attach::Container;
use super::outer::Outer;
use super::uplink;
use crate::error::Result;
use crate::network::config::{Isolate, Network};
use crate::network::dns::{self, Dns};
use crate::network::firewall::{self, Firewall};
use crate::network::forward::{Forwarder, Listener, Target};
use crate::network::netlink::Socket;
use crate::network::netlink::route::{link, routes, rule};

/// The table that leads packets of the forwarder's transparent sockets to them.
const TABLE: u32 = 100;

pub(super) struct Services {
    firewall: Firewall,
    dns: Dns,
    /// Started with the first published port.
    forwarder: Option<Forwarder>,
}

impl Services {
    /// Sets up what is there without any container. The caller is in the inner namespace.
    pub(super) fn start(outer: &Outer, socket: &mut Socket) -> Result<Services> {
        lead_transparent(socket)?;
        let firewall = Firewall::install(uplink::INTERFACE)?;
        let dns = Dns::start(|body| outer.spawn("dns", body), Some(firewall.control().clone()))?;
        Ok(Services { firewall, dns, forwarder: None })
    }

    /// A bridge is there, or its network has changed.
    pub(super) fn set_bridge(&mut self, network: &Network) -> Result<()> {
        let subnets: Vec<(IpAddr, u8)> =
            network.subnets.iter().map(|subnet| (subnet.subnet.network().address, subnet.subnet.prefix)).collect();
        let own = network.subnets.iter().filter_map(|subnet| Some((subnet.gateway?, subnet.subnet.prefix))).collect();
        self.firewall.set_bridge(&firewall::Bridge {
            interface: network.network_interface.clone(),
            network: network.name.clone(),
            subnets: own,
            internal: network.internal,
            isolate: match network.isolate() {
                Isolate::No => firewall::Isolate::No,
                Isolate::Yes => firewall::Isolate::Yes,
                Isolate::Strict => firewall::Isolate::Strict,
            },
        })?;
        self.dns.set_bridge(dns::Bridge {
            network: network.name.clone(),
            addresses: network.gateways().collect(),
            subnets,
            names: network.dns_enabled,
            servers: network.network_dns_servers.clone(),
            internal: network.internal,
        })
    }

    /// A bridge is gone, or about to be.
    pub(super) fn remove_bridge(&mut self, network: &Network) {
        self.dns.remove_bridge(&network.name);
        let _ = self.firewall.remove_bridge(&network.network_interface);
    }

    /// A container is connected, or is so in another way than before.
    pub(super) fn set_container(&mut self, container: &Container, listeners: Vec<Listener>) -> Result<()> {
        let wanted = &container.wanted;
        let networks = container.wires.iter().map(|wire| dns::Membership {
            network: wire.interface.network.clone(),
            addresses: wire.interface.addresses.iter().map(|(ip, _)| *ip).collect(),
            aliases: wire.asked.aliases.clone(),
        });
        let names = dns::Container {
            name: wanted.name.clone(),
            hostname: wanted.hostname.clone(),
            networks: networks.collect(),
            servers: wanted.dns.clone(),
            restricted: container.held,
        };
        self.dns.set_container(&wanted.id, names)?;
        match &mut self.forwarder {
            None if listeners.is_empty() => {}
            None => self.forwarder.insert(Forwarder::start()?).set(&wanted.id, target(container), listeners)?,
            Some(forwarder) => forwarder.set(&wanted.id, target(container), listeners)?,
        }
        Ok(())
    }

    /// The rules.
    pub(super) fn firewall(&mut self) -> &mut Firewall {
        &mut self.firewall
    }

    /// A container has ended.
    pub(super) fn remove_container(&mut self, id: &str) {
        let _ = self.firewall.remove_container(id);
        self.dns.remove_container(id);
        if let Some(forwarder) = &self.forwarder {
            forwarder.remove(id);
        }
    }
}

impl std::fmt::Debug for Services {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Services").finish_non_exhaustive()
    }
}

/// Where callers of published ports are led to: the network with the container's default route, or the first.
fn target(container: &Container) -> Target {
    let with_route = container.wires.iter().find(|wire| !wire.interface.gateways.is_empty());
    let mut target = Target { keep_source: with_route.is_some(), ..Target::default() };
    for wire in with_route.or(container.wires.first()).into_iter() {
        for (ip, _) in &wire.interface.addresses {
            match ip {
                IpAddr::V4(ip) => target.v4 = target.v4.or(Some(*ip)),
                IpAddr::V6(ip) => target.v6 = target.v6.or(Some(*ip)),
            }
        }
    }
    target.subnets = container.wires.iter().flat_map(|wire| wire.interface.addresses.iter().copied()).collect();
    target
}

/// Answers to transparent sockets carry a mark, and are for this host whatever their address.
fn lead_transparent(socket: &mut Socket) -> Result<()> {
    let Some(loopback) = link::find(socket, "lo")? else { return Ok(()) };
    for v6 in [false, true] {
        let made = socket.request(&[
            rule::add_mark(v6, firewall::TRANSPARENT, firewall::TRANSPARENT, TABLE, TABLE),
            routes::set(&rule::everything_is_local(v6, loopback.index, TABLE)),
        ]);
        match made {
            // This host has no IPv6.
            Err(_) if v6 => {}
            made => made?,
        }
    }
    Ok(())
}
