//! Connecting one container: what it wants against what it has.
//!
//! ```text
//! container's namespace            inner namespace
//!   eth0 10.88.0.2/16  -- veth --  v1 -- podman0 10.88.0.1/16
//! ```
//!
//! Two rounds with the kernel are all that a start needs: the pairs on this side, then addresses and routes on that one.

use std::net::IpAddr;
use std::os::fd::{AsFd as _, OwnedFd};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::io::Errno;

use super::addresses::{mac_of, mac_text, parse_mac};
use super::bridges::Bridges;
use super::namespace::Inner;
use super::protocol::Attach;
use super::services::Services;
use crate::container::network::{Attachment, Interface, Wanted};
use crate::error::{Context as _, Error, Result};
use crate::network::config::Location;
use crate::network::egress;
use crate::network::forward::Listener;
use crate::network::netlink::route::{address, link, routes};
use crate::network::netlink::{Message, Socket};

/// The metric of a container's first default route, as in the reference; those of further networks are higher.
const METRIC: u32 = 100;
/// The kernel removes the pairs of a container that has ended, with its namespace. Only where that lives on (another
/// container shares it) they have to be removed, and that is not hurried: it costs some milliseconds.
const GRACE: Duration = Duration::from_millis(500);

/// Everything that connects containers.
#[derive(Debug)]
pub(super) struct Wiring {
    inner: Inner,
    socket: Socket,
    pub(super) services: Services,
    pub(super) bridges: Bridges,
    /// Pairs of containers that have ended.
    leaving: Vec<Leaving>,
    /// For names: none is used twice.
    made: u64,
}

#[derive(Debug)]
struct Leaving {
    host: String,
    addresses: Vec<(IpAddr, u8)>,
    network: String,
    at: Instant,
}

/// A container that is connected, or about to be.
#[derive(Debug, Default)]
pub(super) struct Container {
    pub(super) wanted: Wanted,
    /// The container's directory.
    pub(super) dir: PathBuf,
    /// It is restricted.
    pub(super) held: bool,
    pub(super) wires: Vec<Wire>,
}

/// One network of a container.
#[derive(Debug)]
pub(super) struct Wire {
    pub(super) asked: Attachment,
    /// The end on this side.
    pub(super) host: String,
    metric: u32,
    pub(super) mac: [u8; 6],
    pub(super) internal: bool,
    pub(super) interface: Interface,
}

impl Container {
    /// As the container sees it.
    pub(super) fn interfaces(&self) -> Vec<Interface> {
        self.wires.iter().map(|wire| wire.interface.clone()).collect()
    }

    /// Whether anything of it leads out.
    pub(super) fn reaches_out(&self) -> bool {
        self.wires.iter().any(|wire| !wire.internal)
    }
}

impl Wiring {
    pub(super) fn new(inner: Inner, socket: Socket, services: Services, bridges: Bridges) -> Wiring {
        Wiring { inner, socket, services, bridges, leaving: Vec::new(), made: 0 }
    }

    /// The socket in the anchor's own namespace.
    pub(super) fn socket(&mut self) -> &mut Socket {
        &mut self.socket
    }

    /// Gives `container` what is wanted now, and takes away what is not. `listeners` are the sockets of its published
    /// ports.
    ///
    /// # Errors
    /// Nothing has changed then, but for names and ports, if it was these.
    pub(super) fn connect(
        &mut self,
        container: &mut Container,
        attach: Attach,
        namespace: &OwnedFd,
        listeners: Vec<Listener>,
    ) -> Result<()> {
        let Attach { wanted, location, had, dir, .. } = attach;
        let (kept, dropped): (Vec<Wire>, Vec<Wire>) =
            std::mem::take(&mut container.wires).into_iter().partition(|wire| wanted.networks.contains(&wire.asked));
        let new: Vec<&Attachment> =
            wanted.networks.iter().filter(|asked| !kept.iter().any(|wire| wire.asked == **asked)).collect();
        let mut planned = Vec::new();
        let old: Vec<&Wire> = kept.iter().chain(&dropped).collect();
        let result = self.add((&wanted, &dir, &location), &new, &old, &had, namespace, &mut planned);
        container.wires = kept;
        if let Err(error) = result {
            container.wires.extend(dropped);
            for wire in planned {
                self.remove(&wire);
            }
            self.hold_as_before(container, &wanted.id);
            return Err(error);
        }
        for wire in dropped {
            self.remove(&wire);
        }
        for wire in &planned {
            // A network may have been left and entered again: what it had is what it has.
            self.keep(wire, &wanted.id);
        }
        container.wires.extend(planned);
        let place = |wire: &Wire| wanted.networks.iter().position(|asked| *asked == wire.asked);
        container.wires.sort_by_key(place);
        (container.wanted, container.dir) = (wanted, dir);
        let policy = self.policy(&container.wanted, container.wires.iter())?;
        if policy.is_some() {
            egress::check_owner(namespace.as_fd())?;
        }
        container.held |= policy.is_some();
        self.hold(&container.wanted, &container.dir, policy.as_ref(), container.wires.iter())?;
        container.held = policy.is_some();
        self.services.set_container(container, listeners)
    }

    /// The definition of a network has changed.
    pub(super) fn reload(&mut self, network: &str) -> Result<()> {
        self.bridges.reload(&mut self.services, network)
    }

    /// The container has ended.
    pub(super) fn disconnect(&mut self, container: Container) {
        if container.held {
            // Who shares the namespace and lives on must not be connected when nothing holds it any more.
            let gone: Vec<Message> = container.wires.iter().map(|wire| link::remove(&wire.host)).collect();
            let _ = self.socket.request(&gone);
        }
        self.services.remove_container(&container.wanted.id);
        for wire in container.wires {
            self.release(&wire);
            self.leaving.push(Leaving {
                host: wire.host,
                addresses: wire.interface.addresses,
                network: wire.interface.network,
                at: Instant::now() + GRACE,
            });
        }
    }

    /// Removes what is due of the containers that have ended.
    pub(super) fn sweep(&mut self) {
        let now = Instant::now();
        let (due, later): (Vec<Leaving>, Vec<Leaving>) =
            std::mem::take(&mut self.leaving).into_iter().partition(|leaving| leaving.at <= now);
        self.leaving = later;
        // Mostly they are gone already, and to find that out by removing them waits for all that the kernel does with
        // interfaces meanwhile.
        let left = due.iter().filter(|leaving| link::exists(&self.socket, &leaving.host));
        let messages: Vec<Message> = left.map(|leaving| link::remove(&leaving.host)).collect();
        if !messages.is_empty() {
            let _ = self.socket.request(&messages);
        }
    }

    /// Removes bridges that nobody uses any more.
    pub(super) fn sweep_bridges(&mut self) {
        self.bridges.sweep(&mut self.socket, &mut self.services);
    }

    /// When [`Wiring::sweep`] has something to do.
    pub(super) fn next_sweep(&self) -> Option<Instant> {
        self.leaving.iter().map(|leaving| leaving.at).min()
    }

    fn add(
        &mut self,
        (wanted, dir, location): (&Wanted, &Path, &Location),
        new: &[&Attachment],
        old: &[&Wire],
        had: &[Interface],
        namespace: &OwnedFd,
        planned: &mut Vec<Wire>,
    ) -> Result<()> {
        let mut near = Vec::new();
        for asked in new {
            let wire = self
                .plan((&wanted.id, location), asked, old, had, planned)
                .with_context(|| format!("connecting the container to network `{}`", asked.network))?;
            planned.push(wire);
        }
        if planned.is_empty() {
            return Ok(());
        }
        let policy = self.policy(wanted, old.iter().copied().chain(planned.iter()))?;
        if policy.is_some() {
            egress::check_owner(namespace.as_fd())?;
        }
        for wire in planned.iter() {
            let bridge = self.bridges.get_mut(&wire.interface.network).ok_or_else(gone)?;
            near.push(link::add_veth(&link::Veth {
                name: &wire.host,
                mac: near_mac(wire.mac),
                master: bridge.index,
                up: policy.is_none(),
                mtu: bridge.mtu(),
                far_name: &wire.interface.interface,
                far_mac: wire.mac,
                far_namespace: namespace.as_fd(),
            }));
            near.push(link::question(&wire.host));
        }
        let mut far = self.inner.socket_in(namespace.as_fd())?;
        let mut indices = self.make_pairs(&near);
        if let Err(refused) = &indices
            && refused.is(Errno::EXIST)
        {
            // Left by an anchor that has died; the kernel is slow to clean up after it. In a container that this one has
            // connected before, what had no such name then is the container's own.
            let known = |wire: &Wire| had.iter().any(|had| had.interface == wire.interface.interface);
            let ours = |wire: &&Wire| old.is_empty() || known(wire);
            let stale = planned.iter().filter(ours).map(|wire| link::remove(&wire.interface.interface));
            let stale: Vec<Message> = stale.collect();
            if !stale.is_empty() {
                let _ = far.request(&stale);
            }
            let made: Vec<Message> = planned.iter().map(|wire| link::remove(&wire.host)).collect();
            let _ = self.socket.request(&made);
            indices = self.make_pairs(&near);
        }
        let indices = indices.map_err(|refused| Error::from(refused).wrap("connecting the container"))?;
        for wire in planned.iter() {
            self.bridges.widen(&mut self.socket, &wire.interface.network);
        }
        if policy.is_some() {
            self.hold(wanted, dir, policy.as_ref(), old.iter().copied().chain(planned.iter()))?;
            let up: Vec<Message> = planned.iter().map(|wire| link::set_up_by_name(&wire.host)).collect();
            self.socket.request(&up).map_err(|refused| Error::from(refused).wrap("connecting the container"))?;
        }
        let mut messages = Vec::new();
        for (wire, index) in planned.iter().zip(indices) {
            self.configure(wire, index, &mut messages);
        }
        far.request(&messages).map_err(|refused| Error::from(refused).wrap("connecting the container"))?;
        Ok(())
    }

    /// Sends the messages; the indices that the far ends have in the container.
    fn make_pairs(&mut self, messages: &[Message]) -> std::result::Result<Vec<u32>, crate::network::netlink::Refused> {
        let mut indices = Vec::new();
        self.socket.ask(messages, |packet| indices.extend(link::parse(&packet).and_then(|link| link.peer)))?;
        Ok(indices)
    }

    /// Takes addresses, a name and a hardware address for one network.
    fn plan(
        &mut self,
        (id, location): (&str, &Location),
        asked: &Attachment,
        old: &[&Wire],
        had: &[Interface],
        planned: &[Wire],
    ) -> Result<Wire> {
        let mac = if asked.mac.is_empty() { None } else { Some(parse_mac(&asked.mac)?) };
        let bridge = self.bridges.enter(&mut self.socket, &mut self.services, location, &asked.network)?;
        let had = had.iter().find(|interface| interface.network == asked.network);
        let before: Vec<IpAddr> = had.map(|had| had.addresses.iter().map(|(ip, _)| *ip).collect()).unwrap_or_default();
        let addresses = match bridge.addresses.give(id, &asked.addresses, &before) {
            Ok(addresses) => addresses,
            Err(error) => {
                self.bridges.leave(&asked.network);
                return Err(error);
            }
        };
        let network = &bridge.network;
        let used: Vec<u32> = old.iter().copied().chain(planned).map(|wire| wire.metric).collect();
        let metric = network.metric().or_else(|| (METRIC..).find(|metric| !used.contains(metric))).unwrap_or(METRIC);
        let leads_out = !network.internal && !network.no_default_route();
        let gateways = network.gateways().filter(|_| leads_out).collect();
        let internal = network.internal;
        self.hurry(&asked.network, &addresses);
        self.made += 1;
        let had_mac = had.filter(|had| had.addresses == addresses).and_then(|had| parse_mac(&had.mac).ok());
        let mac = mac.or(had_mac).unwrap_or_else(|| mac_of(&addresses, id));
        let interface = Interface {
            network: asked.network.clone(),
            interface: asked.interface.clone(),
            mac: mac_text(mac),
            addresses,
            gateways,
        };
        Ok(Wire { asked: asked.clone(), host: format!("v{}", self.made), metric, mac, internal, interface })
    }

    /// Removes the pair of a container that has ended, if it had one of these addresses.
    fn hurry(&mut self, network: &str, addresses: &[(IpAddr, u8)]) {
        let now = Instant::now();
        let mut any = false;
        for leaving in &mut self.leaving {
            if leaving.network == network && leaving.addresses.iter().any(|address| addresses.contains(address)) {
                leaving.at = now;
                any = true;
            }
        }
        if any {
            self.sweep();
        }
    }

    /// What is to be done in the container for one network. Addresses come before the interface is up: then it has them
    /// when neighbours first hear of it.
    fn configure(&mut self, wire: &Wire, index: u32, messages: &mut Vec<Message>) {
        for (ip, prefix) in &wire.interface.addresses {
            messages.push(address::add(index, *ip, *prefix));
        }
        messages.push(link::set_up(index, None));
        let has = |gateway: &IpAddr| wire.interface.addresses.iter().any(|(ip, _)| ip.is_ipv4() == gateway.is_ipv4());
        for gateway in wire.interface.gateways.iter().filter(|gateway| has(gateway)) {
            let route = routes::Route::default_by(*gateway);
            messages.push(routes::set(&routes::Route { metric: Some(wire.metric), link: Some(index), ..route }));
        }
        let Some(bridge) = self.bridges.get_mut(&wire.interface.network) else { return };
        for route in bridge.network.routes.iter().filter(|route| has(&route.gateway)) {
            let destination = route.destination.network();
            messages.push(routes::set(&routes::Route {
                gateway: Some(route.gateway),
                metric: Some(route.metric.unwrap_or(METRIC)),
                ..routes::Route::to(destination.address, destination.prefix)
            }));
        }
    }

    /// Takes one network away from a container that lives on.
    fn remove(&mut self, wire: &Wire) {
        let _ = self.socket.request(&[link::remove(&wire.host)]);
        self.release(wire);
    }

    fn keep(&mut self, wire: &Wire, id: &str) {
        if let Some(bridge) = self.bridges.get_mut(&wire.interface.network) {
            wire.interface.addresses.iter().for_each(|(ip, _)| bridge.addresses.keep(*ip, id));
        }
    }

    fn release(&mut self, wire: &Wire) {
        if let Some(bridge) = self.bridges.get_mut(&wire.interface.network) {
            wire.interface.addresses.iter().for_each(|(ip, _)| bridge.addresses.free(*ip));
        }
        self.bridges.leave(&wire.interface.network);
    }
}

/// The near end's hardware address is nobody's.
fn near_mac(far: [u8; 6]) -> [u8; 6] {
    let [a, rest @ ..] = far;
    let [b, c, d, e, f] = rest;
    [(a ^ 0x08) & 0xfe | 0x02, b, c, d, e, f]
}

fn gone() -> Error {
    Error::new("the bridge is gone")
}
