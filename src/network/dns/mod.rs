//! The DNS server of the networks: the names of containers, and everything else from the resolvers of the host.
//!
//! One thread in the host's network namespace does the work, with non-blocking sockets and one epoll. It listens on port 53
//! of every bridge's gateways with sockets that were made in the inner namespace and given to it, and asks resolvers with
//! sockets of its own. So a resolver on the host's loopback works (systemd-resolved), and questions never take the
//! uplink's way.
//!
//! ```text
//!  container -- UDP, TCP --> gateway:53   listen    sockets; they stay while containers come and go
//!                               |         question  what is asked, or why it is not answered
//!                            decide       local     localhost, names of containers, reverse; what must not leave
//!                            /     \
//!                      table        forward         one question at several resolvers (`upstream`), with deadlines
//!                            \     /    `-- host    the host's resolv.conf, followed
//!                             answer                built here, or the resolver's own bytes
//! ```
//!
//! Who asks is known by the address that the question came from: nobody else than containers is answered, and each sees the
//! names of its own networks only. [`Dns::set_container`] and the like change a table under a lock that is held for
//! microseconds; no socket is touched, so that no question is lost.
//!
//! A server that containers are to use and that is itself a container (its address is in the subnet of a bridge) cannot be
//! reached from the host's namespace. Sockets for it are made by a small thread in the inner one (`inside`).
//!
//! Not here: what a restricted container may ask ([`Gate`]), and rules that keep a container from using another one's
//! address (the firewall).

mod answer;
mod connection;
mod follow;
mod forward;
mod host;
mod inside;
mod listen;
mod local;
#[doc(hidden)]
pub mod probe;
mod question;
mod reply;
mod serve;
mod share;
mod table;
#[cfg(test)]
mod tests;
mod upstream;

use std::collections::HashMap;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustix::event::{EventfdFlags, eventfd};

use crate::error::{Context as _, Result};
use listen::Sockets;
use table::Table;

/// The bridge of a network, as far as names are concerned.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Bridge {
    /// The network's name.
    pub network: String,
    /// The gateways: where containers send their questions.
    pub addresses: Vec<IpAddr>,
    /// The network's subnets. What is in one of them is reached from the inner namespace only.
    pub subnets: Vec<(IpAddr, u8)>,
    /// Whether containers are known by name here.
    pub names: bool,
    /// Asked instead of the host's resolvers.
    pub servers: Vec<IpAddr>,
    /// Nothing is asked of the outside for a container that has only such networks.
    pub internal: bool,
}

/// A container, as far as names are concerned.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Container {
    pub name: String,
    pub hostname: String,
    pub networks: Vec<Membership>,
    /// Asked instead of the networks' servers and the host's resolvers (`--dns`).
    pub servers: Vec<IpAddr>,
    /// Whether the [`Gate`] is to be asked.
    pub restricted: bool,
}

/// A container on one network.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Membership {
    pub network: String,
    pub addresses: Vec<IpAddr>,
    /// Names besides its own, its short ID and its host name.
    pub aliases: Vec<String>,
}

/// What holds the questions of restricted containers. Called by the thread that answers, so it must be quick.
pub trait Gate: Send + Sync {
    /// Whether a container may learn what is behind a name (lower case, no dot at the end).
    fn may_ask(&self, container: &str, name: &str) -> bool;

    /// Whether a container reaches the containers with these addresses under any name, as nothing holds them apart.
    fn may_meet(&self, _container: &str, _addresses: &[IpAddr]) -> bool {
        false
    }

    /// Opens what is about to be answered, for so many seconds. `ours`: the addresses are those of containers, as this engine knows
    /// them, and not what somebody outside says. After an error the container gets a failure instead.
    fn open(&self, container: &str, name: &str, addresses: &[(IpAddr, u32)], ours: bool) -> Result<()>;
}

/// A running server. It ends when this is dropped.
pub struct Dns {
    shared: Arc<Shared>,
    /// Which addresses are listened on, and for which network.
    bound: Mutex<HashMap<IpAddr, String>>,
    port: u16,
}

/// What is different in tests.
#[derive(Debug, Clone)]
struct Settings {
    /// Where gateways listen.
    port: u16,
    /// Where resolvers listen.
    upstream_port: u16,
    /// The host's.
    resolv_conf: PathBuf,
}

impl Default for Settings {
    fn default() -> Self {
        Settings { port: 53, upstream_port: 53, resolv_conf: PathBuf::from("/etc/resolv.conf") }
    }
}

/// What the thread and those who change the table have in common.
struct Shared {
    table: Mutex<Table>,
    orders: Mutex<Vec<Order>>,
    /// An eventfd that says that there are orders.
    wake: std::os::fd::OwnedFd,
    inside: inside::Maker,
}

enum Order {
    Listen { network: Arc<str>, address: IpAddr, sockets: Sockets },
    Close { address: IpAddr },
    End,
}

impl Dns {
    /// Starts the server. `spawn` runs what it is given on a new thread in the host's network namespace; this thread's own
    /// namespace is the one that the bridges are in.
    pub fn start(
        spawn: impl FnOnce(Box<dyn FnOnce() + Send>) -> Result<()>,
        gate: Option<Arc<dyn Gate>>,
    ) -> Result<Dns> {
        Dns::start_with(Settings::default(), spawn, gate)
    }

    fn start_with(
        settings: Settings,
        spawn: impl FnOnce(Box<dyn FnOnce() + Send>) -> Result<()>,
        gate: Option<Arc<dyn Gate>>,
    ) -> Result<Dns> {
        let wake = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK).context("creating an eventfd")?;
        let port = settings.port;
        let shared = Arc::new(Shared {
            table: Mutex::new(Table::default()),
            orders: Mutex::new(Vec::new()),
            wake,
            inside: inside::Maker::default(),
        });
        let server = serve::Server::new(Arc::clone(&shared), settings, gate)?;
        spawn(Box::new(move || server.run())).context("starting the DNS server")?;
        Ok(Dns { shared, bound: Mutex::new(HashMap::new()), port })
    }

    /// Makes a network's bridge known, or changes what is known of it. Sockets whose address stays are kept.
    pub fn set_bridge(&self, bridge: Bridge) -> Result<()> {
        let mut bound = lock(&self.bound);
        let network: Arc<str> = bridge.network.as_str().into();
        let mut opened = Vec::new();
        for &address in &bridge.addresses {
            if bound.get(&address) != Some(&bridge.network) {
                let sockets = listen::open(address, self.port)
                    .with_context(|| format!("listening for DNS on {address} of network `{}`", bridge.network))?;
                opened.push((address, sockets));
            }
        }
        self.make_inside(&bridge.servers)?;
        let mut orders: Vec<Order> = Vec::new();
        bound.retain(|&address, owner| {
            let stays = *owner != bridge.network || bridge.addresses.contains(&address);
            if !stays {
                orders.push(Order::Close { address });
            }
            stays
        });
        for (address, sockets) in opened {
            bound.insert(address, bridge.network.clone());
            orders.push(Order::Listen { network: Arc::clone(&network), address, sockets });
        }
        self.shared.table().set_bridge(bridge);
        self.shared.order(orders);
        Ok(())
    }

    /// Forgets a network.
    pub fn remove_bridge(&self, network: &str) {
        let mut orders = Vec::new();
        lock(&self.bound).retain(|&address, owner| {
            if owner == network {
                orders.push(Order::Close { address });
            }
            owner != network
        });
        self.shared.table().remove_bridge(network);
        self.shared.order(orders);
    }

    /// Makes a container known by its full ID, or changes what is known of it, in one step.
    pub fn set_container(&self, id: &str, container: Container) -> Result<()> {
        self.make_inside(&container.servers)?;
        self.shared.table().set_container(id, container);
        Ok(())
    }

    /// Forgets a container.
    pub fn remove_container(&self, id: &str) {
        self.shared.table().remove_container(id);
    }

    /// A server of the user's own may be on a bridge: then its sockets must come from this thread's namespace.
    fn make_inside(&self, servers: &[IpAddr]) -> Result<()> {
        if servers.is_empty() { Ok(()) } else { self.shared.inside.start() }
    }
}

impl Drop for Dns {
    fn drop(&mut self) {
        self.shared.order(vec![Order::End]);
    }
}

impl Shared {
    fn table(&self) -> MutexGuard<'_, Table> {
        lock(&self.table)
    }

    fn order(&self, orders: Vec<Order>) {
        if !orders.is_empty() {
            lock(&self.orders).extend(orders);
            // It can fail only when 2^64 are pending, and then the thread wakes up anyway.
            let _ = rustix::io::write(&self.wake, &1u64.to_ne_bytes());
        }
    }
}

/// A lock that survives a panic of its holder (in tests: elsewhere a panic is the end of the process).
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
