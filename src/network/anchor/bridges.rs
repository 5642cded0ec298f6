//! The bridges of the networks that are in use: made when the first container comes, removed some time after the last.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use super::addresses::{Addresses, mac_from};
use super::recover::{self, Reserved};
use super::services::Services;
use crate::error::{Error, Kind, Result};
use crate::network::config::{Location, Net, Network, Store};
use crate::network::netlink::Socket;
use crate::network::netlink::route::{address, link};

/// What the uplinks can take in one piece, and so the MTU of all that is before them.
pub(super) const MTU: u32 = 65520;
/// How long a bridge without containers stays: the next container finds it.
const LINGER: Duration = Duration::from_secs(2);

/// All bridges.
#[derive(Debug)]
pub(super) struct Bridges {
    all: HashMap<String, Bridge>,
    /// Addresses of containers that are expected to come back, and until when.
    reserved: Vec<Reserved>,
    reserved_until: Option<Instant>,
}

/// One bridge.
#[derive(Debug)]
pub(super) struct Bridge {
    /// As it was when the bridge was made, or read again.
    pub(super) network: Network,
    /// Where that was read.
    location: Location,
    pub(super) index: u32,
    /// It has had a port, and been told that packets may be as large as the ports let them be.
    wide: bool,
    pub(super) addresses: Addresses,
    users: usize,
    unused_since: Instant,
}

impl Bridge {
    pub(super) fn mtu(&self) -> u32 {
        self.network.mtu().unwrap_or(MTU)
    }

    /// The bridge's own addresses.
    pub(super) fn gateways(&self) -> Vec<(IpAddr, u8)> {
        let subnets = self.network.subnets.iter();
        subnets.filter_map(|subnet| Some((subnet.gateway?, subnet.subnet.prefix))).collect()
    }
}

impl Bridges {
    pub(super) fn new(reserved: Vec<Reserved>) -> Bridges {
        let until = (!reserved.is_empty()).then(|| Instant::now() + recover::FOR);
        Bridges { all: HashMap::new(), reserved, reserved_until: until }
    }

    /// One that is there.
    pub(super) fn get_mut(&mut self, network: &str) -> Option<&mut Bridge> {
        self.all.get_mut(network)
    }

    /// The networks of all bridges.
    pub(super) fn subnets(&self) -> Vec<Net> {
        self.all.values().flat_map(|bridge| bridge.network.subnets.iter().map(|subnet| subnet.subnet)).collect()
    }

    /// The bridge of a network for one more user; made if need be.
    ///
    /// # Errors
    /// There is no such network, or containers of this user cannot be on it.
    pub(super) fn enter(
        &mut self,
        socket: &mut Socket,
        services: &mut Services,
        location: &Location,
        name: &str,
    ) -> Result<&mut Bridge> {
        if let Some(bridge) = self.all.get(name).filter(|bridge| bridge.users > 0) {
            if bridge.location != *location && bridge.network.id != read(location, name)?.id {
                let others = bridge.location.dir.display();
                let message = format!("network {name} is another one in `{others}`, where containers use it");
                return Err(Error::of(Kind::InUse, message)
                    .hint("the networks of one run directory have one name each: give --runroot with --root"));
            }
        } else {
            let mut network = read(location, name)?;
            if let Some(bridge) = self.all.get(name).filter(|bridge| bridge.network.id == network.id) {
                // A default network that no file describes is always made just now.
                network.created = bridge.network.created;
            }
            if self.all.get(name).is_some_and(|bridge| bridge.network != network) {
                self.remove(socket, services, name);
            }
            if !self.all.contains_key(name) {
                self.make_room(socket, services, &network);
                let mut bridge = make(socket, services, network, location)?;
                for one in self.reserved.iter().filter(|one| one.network == name) {
                    bridge.addresses.reserve(one.address, &one.id);
                }
                self.all.insert(name.to_owned(), bridge);
            }
        }
        let bridge = self.all.get_mut(name).ok_or_else(|| Error::new("the bridge is gone"))?;
        bridge.users += 1;
        Ok(bridge)
    }

    /// Removes bridges that nobody uses and that stand where another one is to be: their networks may be gone.
    fn make_room(&mut self, socket: &mut Socket, services: &mut Services, network: &Network) {
        let in_the_way = |other: &Network| {
            let mut pairs =
                network.subnets.iter().flat_map(|a| other.subnets.iter().map(move |b| (a.subnet, b.subnet)));
            other.network_interface == network.network_interface || pairs.any(|(a, b)| a.overlaps(b))
        };
        let unused = self.all.iter().filter(|(_, bridge)| bridge.users == 0 && in_the_way(&bridge.network));
        let names: Vec<String> = unused.map(|(name, _)| name.clone()).collect();
        names.iter().for_each(|name| self.remove(socket, services, name));
    }

    /// The bridge has got a port.
    pub(super) fn widen(&mut self, socket: &mut Socket, name: &str) {
        if let Some(bridge) = self.all.get_mut(name).filter(|bridge| !bridge.wide) {
            bridge.wide = true;
            // A kernel that does not want to does without.
            let _ = socket.request(&[link::widen(bridge.index)]);
        }
    }

    /// One user less.
    pub(super) fn leave(&mut self, name: &str) {
        if let Some(bridge) = self.all.get_mut(name) {
            bridge.users = bridge.users.saturating_sub(1);
            bridge.unused_since = Instant::now();
        }
    }

    /// Reads the definition of a network again. Its addresses are for bridges that are made from now on.
    pub(super) fn reload(&mut self, services: &mut Services, name: &str) -> Result<()> {
        let Some(bridge) = self.all.get(name) else { return Ok(()) };
        let network = read(&bridge.location, name)?;
        services.set_bridge(&network)?;
        let Some(bridge) = self.all.get_mut(name) else { return Ok(()) };
        bridge.addresses.set(&network);
        bridge.network = network;
        Ok(())
    }

    /// Removes the bridges that nobody has used for a while.
    pub(super) fn sweep(&mut self, socket: &mut Socket, services: &mut Services) {
        let due = |bridge: &Bridge| bridge.users == 0 && bridge.unused_since.elapsed() >= LINGER;
        let names: Vec<String> = self.all.iter().filter(|(_, b)| due(b)).map(|(name, _)| name.clone()).collect();
        names.iter().for_each(|name| self.remove(socket, services, name));
        if self.reserved_until.is_some_and(|until| until <= Instant::now()) {
            self.reserved_until = None;
            self.reserved = Vec::new();
            self.all.values_mut().for_each(|bridge| bridge.addresses.expect_nobody());
        }
    }

    /// When [`Bridges::sweep`] has something to do.
    pub(super) fn next_sweep(&self) -> Option<Instant> {
        let unused = self.all.values().filter(|bridge| bridge.users == 0).map(|bridge| bridge.unused_since + LINGER);
        unused.chain(self.reserved_until).min()
    }

    fn remove(&mut self, socket: &mut Socket, services: &mut Services, name: &str) {
        let Some(bridge) = self.all.remove(name) else { return };
        services.remove_bridge(&bridge.network);
        let _ = socket.request(&[link::remove(&bridge.network.network_interface)]);
    }
}

fn read(location: &Location, name: &str) -> Result<Network> {
    let missing =
        || Error::of(Kind::NoSuch, format!("unable to find network with name or ID {name}: network not found"));
    let network = Store::at(location.clone()).by_name(name)?.ok_or_else(missing)?;
    if network.driver != "bridge" {
        return Err(Error::new(format!("network {name} has the driver `{}`", network.driver))
            .hint("without root, containers can only have networks with the driver `bridge`"));
    }
    Ok(network)
}

fn make(socket: &mut Socket, services: &mut Services, network: Network, location: &Location) -> Result<Bridge> {
    let failed = |error: Error| error.wrap(format!("making the bridge of network `{}`", network.name));
    let name = network.network_interface.as_str();
    let mac = mac_from(network.id.as_bytes());
    let mut bridge = Bridge {
        addresses: Addresses::new(&network),
        network: network.clone(),
        location: location.clone(),
        index: 0,
        wide: false,
        users: 0,
        unused_since: Instant::now(),
    };
    let mut made = None;
    let new = link::Bridge { name, mac, mtu: bridge.mtu() };
    let asked = socket.ask(&[link::add_bridge(&new), link::question(name)], |packet| made = link::parse(&packet));
    asked.map_err(|refused| failed(refused.into()))?;
    bridge.index = made.map_or(0, |link| link.index);
    let mut messages: Vec<_> =
        bridge.gateways().iter().map(|(ip, prefix)| address::add(bridge.index, *ip, *prefix)).collect();
    // Said apart from the making, or the bridge takes that of its ports, and has another one without any.
    messages.push(link::set_up(bridge.index, Some(bridge.mtu())));
    let ready = socket.request(&messages).map_err(Error::from).and_then(|()| services.set_bridge(&network));
    if let Err(error) = ready {
        services.remove_bridge(&network);
        let _ = socket.request(&[link::remove(name)]);
        return Err(failed(error));
    }
    Ok(bridge)
}
