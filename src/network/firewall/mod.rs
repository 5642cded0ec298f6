//! What packets may do in the anchor's network namespace: the way out, bridges apart from each other, and what holds a
//! container that may not reach everything.
//!
//! ```text
//! base.rs        the table that is always there; bridges in it
//! held.rs        what a held container may reach, and who may reach it
//! ingress.rs     what comes from a held container is its own
//! neighbours.rs  its port is cut off from the others of the bridge
//! members.rs     who is connected and held, and the order of all that
//! ```
//!
//! All changes are transactions. A container without restrictions costs none.

#[cfg(test)]
mod attacks;
mod base;
#[cfg(test)]
mod frames;
mod held;
mod ingress;
#[cfg(test)]
mod lab;
mod members;
mod neighbours;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use super::egress::{Control, Journal, Policy};
use super::netlink::{Protocol, Socket};
use super::nft::Batch;
use crate::error::{Context as _, Result};

/// Bit of a packet's mark: it belongs to a transparent socket of this process, and is routed to it.
pub const TRANSPARENT: u32 = 0x8000_0000;
/// Bit of a packet's mark: neighbour discovery of a held container, looked through.
const CHECKED: u32 = 0x4000_0000;
/// Bits of a packet's mark: the number of the held container that it came from.
const NUMBER: u32 = 0x00ff_ffff;

/// A bridge, as its rules need it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bridge {
    /// The interface's name.
    pub interface: String,
    /// The network's name.
    pub network: String,
    /// The bridge's own addresses with the length of their prefixes; they are the gateways.
    pub subnets: Vec<(IpAddr, u8)>,
    /// There is no way out.
    pub internal: bool,
    pub isolate: Isolate,
}

impl Bridge {
    fn gateways(&self) -> impl Iterator<Item = IpAddr> {
        self.subnets.iter().map(|(address, _)| *address)
    }
}

/// Whom containers of a network reach on other networks: the option `isolate`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Isolate {
    /// All, and all them.
    #[default]
    No,
    /// Not those that are isolated as well.
    Yes,
    /// Nobody, and nobody them.
    Strict,
}

/// One end of a container's connection, as its rules need it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Veth {
    /// The interface's name on this side.
    pub host: String,
    /// The hardware address on the container's side.
    pub mac: [u8; 6],
    /// The container's addresses.
    pub addresses: Vec<IpAddr>,
    /// The bridge's interface.
    pub bridge: String,
}

/// The rules, and what they were made of.
#[derive(Debug)]
pub struct Firewall {
    socket: Socket,
    bridges: BTreeMap<String, Bridge>,
    members: members::Members,
    control: Arc<Control>,
    helpers: Vec<IpAddr>,
}

impl Firewall {
    /// Sets the rules up in the network namespace of the calling thread. `uplink` is the name of the interface to the world,
    /// which need not be there yet.
    pub fn install(uplink: &str) -> Result<Firewall> {
        let mut socket = Socket::open(Protocol::Netfilter)?;
        base::install(uplink).commit(&mut socket).context("setting the firewall up")?;
        settings();
        let control = Control::new(base::table())?;
        let (bridges, members) = (BTreeMap::new(), members::Members::default());
        Ok(Firewall { socket, bridges, members, control, helpers: Vec::new() })
    }

    /// What the uplink's program answers itself, whatever the host has at these addresses. They are none that a list of private
    /// networks could mean, and a resolver among them knows all names: who is held does not reach them.
    pub fn set_helpers(&mut self, helpers: Vec<IpAddr>) -> Result<()> {
        if self.helpers != helpers {
            let mut batch = Batch::new(&base::table());
            base::set_helpers(&mut batch, &helpers);
            batch.commit(&mut self.socket).context("setting the rules of the uplink")?;
            self.helpers = helpers;
        }
        Ok(())
    }

    /// Makes a bridge known, or known as it is now. Before that, nothing is forwarded from it or to it.
    pub fn set_bridge(&mut self, bridge: &Bridge) -> Result<()> {
        let known = self.bridges.get(&bridge.interface);
        if known == Some(bridge) {
            return Ok(());
        }
        let mut batch = Batch::new(&base::table());
        if let Some(known) = known {
            base::remove_bridge(&mut batch, known);
        }
        base::add_bridge(&mut batch, bridge);
        if self.members.anyone_held() {
            batch.table(&neighbours::table());
            neighbours::remove_asked(&mut batch, known.into_iter().flat_map(Bridge::gateways));
            neighbours::add_asked(&mut batch, bridge.gateways());
        }
        let what = || format!("setting the rules of network `{}`", bridge.network);
        batch.commit(&mut self.socket).with_context(what)?;
        self.bridges.insert(bridge.interface.clone(), bridge.clone());
        Ok(())
    }

    /// Forgets a bridge.
    pub fn remove_bridge(&mut self, interface: &str) -> Result<()> {
        let Some(bridge) = self.bridges.get(interface) else { return Ok(()) };
        let mut batch = Batch::new(&base::table());
        base::remove_bridge(&mut batch, bridge);
        if self.members.anyone_held() {
            batch.table(&neighbours::table());
            neighbours::remove_asked(&mut batch, bridge.gateways());
        }
        let what = || format!("removing the rules of network `{}`", bridge.network);
        batch.commit(&mut self.socket).with_context(what)?;
        self.bridges.remove(interface);
        Ok(())
    }

    /// Makes a container known with all its connections, or known as it is now. One with a policy is held from here on: it must
    /// be called before the veths' near ends are up. `journal` is where it is written down what was refused.
    ///
    /// # Errors
    /// The container must not get a network then.
    pub fn set_container(
        &mut self,
        id: &str,
        veths: &[Veth],
        policy: Option<&Policy>,
        journal: Option<&Arc<Journal>>,
    ) -> Result<()> {
        self.members.set(&mut self.socket, &self.control, &self.bridges, id, veths, policy.map(|p| (p, journal)))
    }

    /// Forgets a container. Its veths may be gone already.
    pub fn remove_container(&mut self, id: &str) -> Result<()> {
        self.members.remove(&mut self.socket, &self.control, &self.bridges, id)
    }

    /// What decides on names, and opens their addresses.
    pub fn control(&self) -> &Arc<Control> {
        &self.control
    }
}

/// What the kernel has as settings and not as rules. All of it makes things better and nothing depends on it.
fn settings() {
    for (path, value) in [
        // Who is refused hears it each time, and not once in a second.
        ("ipv4/icmp_ratelimit", "0"),
        ("ipv6/icmp/ratelimit", "0"),
        // What stays on a bridge does not come through the rules for what is forwarded; there only if the module is loaded.
        ("bridge/bridge-nf-call-iptables", "0"),
        ("bridge/bridge-nf-call-ip6tables", "0"),
        ("bridge/bridge-nf-call-arptables", "0"),
    ] {
        let _ = std::fs::write(format!("/proc/sys/net/{path}"), value);
    }
}
