//! Who is restricted by what, and the opening of addresses that listed names have.
//!
//! The firewall puts containers in and takes them out; the DNS server asks before it asks others, and opens what it is about
//! to answer. Both share the lock, so that nothing is opened in sets that are being removed.

use std::collections::HashMap;
use std::net::{IpAddr, UdpSocket};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use rustix::io::Errno;

use super::journal::{Journal, Refusal};
use super::packet::Flow;
use super::policy::{List, Policy};
use super::special;
use crate::bail;
use crate::error::{Context as _, Result};
use crate::network::dns::Gate;
use crate::network::netlink::{Protocol, Socket};
use crate::network::nft::{Batch, Element, Table, forget_connections};

/// An answer is used by programs that connect somewhat later, and by those that keep it a while against the rules.
const LEAST: u32 = 60;
/// One day, as resolvers do.
const MOST: u32 = 86_400;
/// What is open for so long at least need not be opened again.
const SLACK: Duration = Duration::from_secs(10);
/// So many addresses of names are open at once for one container, in each of its sets.
pub(in crate::network) const MAX_OPEN: u32 = 4096;
/// So many names are remembered for what is written down.
const MAX_NAMES: usize = 4096;

/// The bits of a connection's mark that say whose it is.
const MARKS: u32 = 0x00ff_ffff;

/// The search domain of user-defined networks: `db.dns.podman` is `db`.
const SEARCH: &str = ".dns.podman";

/// The set of IPv4 addresses that are open for a container by names of list `list`, with its `ports`th ports.
pub(in crate::network) fn open4(number: u32, list: usize, ports: usize) -> String {
    format!("open4-{number}-{list}-{ports}")
}

/// The same for IPv6.
pub(in crate::network) fn open6(number: u32, list: usize, ports: usize) -> String {
    format!("open6-{number}-{list}-{ports}")
}

/// All restricted containers.
#[derive(Debug)]
pub struct Control {
    state: Mutex<State>,
}

/// The inside of [`Control`], locked.
#[derive(Debug)]
pub(in crate::network) struct State {
    socket: Socket,
    table: Table,
    held: HashMap<String, Held>,
    /// Whose an address is, or was last: a name opened it for that one.
    owners: HashMap<IpAddr, String>,
    /// There has been somebody whose connections are marked.
    marked: bool,
    /// Seconds that an address stays open at least.
    pub(in crate::network) least: u32,
}

/// One container.
#[derive(Debug)]
pub(in crate::network) struct Held {
    pub number: u32,
    pub policy: Policy,
    pub journal: Option<Arc<Journal>>,
    /// Its own.
    pub addresses: Vec<IpAddr>,
    /// Until when: set, address.
    open: HashMap<(String, IpAddr), Instant>,
    /// By which name an address was learned.
    names: HashMap<IpAddr, String>,
}

impl Control {
    /// `table` is where the sets are. Called in the anchor's network namespace.
    pub fn new(table: Table) -> Result<Arc<Control>> {
        let socket = Socket::open(Protocol::Netfilter)?;
        let (held, owners) = (HashMap::new(), HashMap::new());
        Ok(Arc::new(Control { state: Mutex::new(State { socket, table, held, owners, marked: false, least: LEAST }) }))
    }

    pub(in crate::network) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Whether a container may learn what is behind a name (lower case, without a dot at the end). What it may not is
    /// written down.
    pub fn may_ask(&self, container: &str, name: &str) -> bool {
        let state = self.lock();
        // Whoever is not known is not restricted yet, or not any more: then nothing is opened for it either.
        let Some(held) = state.held.get(container) else { return false };
        if held.policy.lists.iter().all(|list| entries(list, name).next().is_some()) {
            return true;
        }
        let journal = held.journal.clone();
        drop(state);
        if let Some(journal) = journal {
            journal.write(&Refusal::name(name));
        }
        false
    }

    /// Opens the addresses that a name has, each for so many seconds. `ours`: they are containers' addresses as this engine
    /// knows them; of what others answer, only addresses of the internet are opened.
    ///
    /// # Errors
    /// The kernel refuses, or too many are open; the container must not get the answer then.
    pub fn open(&self, container: &str, name: &str, addresses: &[(IpAddr, u32)], ours: bool) -> Result<()> {
        let mut state = self.lock();
        let State { socket, table, held, least, .. } = &mut *state;
        let Some(held) = held.get_mut(container) else { bail!("container `{container}` is not restricted") };
        let now = Instant::now();
        let mut wanted: Vec<(String, IpAddr, Duration)> = Vec::new();
        for (address, seconds) in addresses {
            held.remember(*address, name);
            if !ours && !may_open(*address) {
                if !held.policy.lists.iter().all(|list| list.has_net_of(*address))
                    && let Some(journal) = &held.journal
                {
                    journal.write(&Refusal::private(name, *address));
                }
                continue;
            }
            let time = Duration::from_secs((*seconds).clamp(*least, MOST).into());
            for set in held.sets_of(name, *address) {
                let until = held.open.get(&(set.clone(), *address));
                let enough = until.is_some_and(|until| *until > now + time.saturating_sub(SLACK));
                if !enough && !wanted.iter().any(|(other, a, _)| *other == set && a == address) {
                    wanted.push((set, *address, time));
                }
            }
        }
        if wanted.is_empty() {
            return Ok(());
        }
        add(socket, table, &wanted, &held.open).with_context(|| format!("opening what `{name}` is"))?;
        held.open.retain(|_, until| *until > now);
        // What comes later than it should closes later, never earlier.
        held.open.extend(wanted.into_iter().map(|(set, address, time)| ((set, address), now + time)));
        Ok(())
    }

    /// A packet was refused: written down, with the name that it was meant for if there was one.
    pub(super) fn refused(&self, number: u32, direction: &str, flow: &Flow) {
        let state = self.lock();
        let Some(held) = state.held.values().find(|held| held.number == number) else { return };
        let Some(journal) = held.journal.clone() else { return };
        let other = if direction == "in" { flow.source } else { flow.destination };
        let name = other.and_then(|address| held.names.get(&address)).cloned();
        drop(state);
        journal.write(&Refusal::packet(flow, direction, name));
    }
}

impl Gate for Control {
    fn may_meet(&self, container: &str, addresses: &[IpAddr]) -> bool {
        let state = self.lock();
        let Some(own) = state.held.get(container) else { return false };
        let same = |held: &&Held| held.policy.lists == own.policy.lists;
        let peers: Vec<IpAddr> = state.held.values().filter(same).flat_map(|held| held.addresses.clone()).collect();
        !addresses.is_empty() && addresses.iter().all(|address| peers.contains(address))
    }

    fn may_ask(&self, container: &str, name: &str) -> bool {
        Control::may_ask(self, container, name)
    }

    fn open(&self, container: &str, name: &str, addresses: &[(IpAddr, u32)], ours: bool) -> Result<()> {
        Control::open(self, container, name, addresses, ours)
    }
}

impl State {
    pub(in crate::network) fn set(
        &mut self,
        container: &str,
        number: u32,
        policy: &Policy,
        journal: Option<Arc<Journal>>,
    ) {
        self.marked = true;
        let policy = policy.clone();
        let (open, names, addresses) = (HashMap::new(), HashMap::new(), Vec::new());
        self.held.insert(container.to_owned(), Held { number, policy, journal, addresses, open, names });
    }

    pub(in crate::network) fn set_addresses(&mut self, container: &str, addresses: Vec<IpAddr>) {
        if let Some(held) = self.held.get_mut(container) {
            held.addresses = addresses;
        }
    }

    pub(in crate::network) fn remove(&mut self, container: &str) {
        self.held.remove(container);
    }

    /// A container has these addresses from now on. What names have opened of them was meant for who had them before, and is closed.
    pub(in crate::network) fn own(&mut self, container: &str, addresses: impl Iterator<Item = IpAddr>) -> Result<()> {
        for address in addresses {
            let before = self.owners.insert(address, container.to_owned());
            if before.as_ref().is_none_or(|before| before != container) {
                self.close(address)?;
            }
            // Connections are known by a mark: one that was allowed with somebody else is none of the new one's. Where the kernel
            // cannot be asked for them, they are left to end by themselves.
            if self.marked && before.is_some_and(|before| before != container) {
                let _ = forget_connections(&mut self.socket, address, MARKS);
            }
        }
        Ok(())
    }

    /// The container is gone. Its addresses may be open still, for it and nobody else, and connections to them known.
    pub(in crate::network) fn disown(&mut self, container: &str) {
        if !self.marked {
            self.owners.retain(|_, owner| owner != container);
        }
    }

    /// Nobody reaches this address by a name any more.
    fn close(&mut self, address: IpAddr) -> Result<()> {
        let State { socket, table, held, .. } = self;
        for held in held.values_mut() {
            let sets: Vec<String> =
                held.open.keys().filter(|(_, open)| *open == address).map(|(set, _)| set.clone()).collect();
            for set in sets {
                let mut batch = Batch::new(table);
                batch.delete_elements(&set, &[element(address)]);
                match batch.commit(socket) {
                    // Its time is over already.
                    Err(refused) if refused.is(Errno::NOENT) => {}
                    done => done.with_context(|| format!("closing {address} for others"))?,
                }
                held.open.remove(&(set, address));
            }
            held.names.remove(&address);
        }
        Ok(())
    }

    /// Nobody is restricted.
    pub(in crate::network) fn is_empty(&self) -> bool {
        self.held.is_empty()
    }
}

impl Held {
    /// The sets that the address of a name belongs in.
    fn sets_of(&self, name: &str, address: IpAddr) -> Vec<String> {
        let mut sets = Vec::new();
        for (list_number, list) in self.policy.lists.iter().enumerate() {
            let ports = list.ports_of_names();
            for entry in entries(list, name) {
                if let Some(place) = ports.iter().position(|ports| *ports == entry.ports) {
                    let set = if address.is_ipv4() { open4 } else { open6 };
                    sets.push(set(self.number, list_number, place));
                }
            }
        }
        sets
    }

    fn remember(&mut self, address: IpAddr, name: &str) {
        if self.names.len() >= MAX_NAMES {
            self.names.clear();
        }
        self.names.insert(address, name.to_owned());
    }
}

/// The entries that a name matches, as it is or without the search domain.
fn entries<'a>(list: &'a List, name: &'a str) -> impl Iterator<Item = &'a super::policy::Entry> {
    let short = name.strip_suffix(SEARCH).filter(|short| !short.is_empty());
    list.entries_of(name).chain(short.into_iter().flat_map(|short| list.entries_of(short)))
}

/// Whether an address that others have said may be opened.
fn may_open(address: IpAddr) -> bool {
    special::is_global(address) && !is_of_this_machine(address)
}

/// Whether the machine has this address itself: then what is sent from it to this address comes from this address. Looked up in
/// the network namespace of the thread, which is the host's for the one that answers questions.
fn is_of_this_machine(address: IpAddr) -> bool {
    let any: IpAddr = if address.is_ipv4() { [0; 4].into() } else { [0; 16].into() };
    // Nothing is sent: to connect such a socket only looks up the route.
    let look = || -> std::io::Result<IpAddr> {
        let socket = UdpSocket::bind((any, 0))?;
        socket.connect((address, 9))?;
        Ok(socket.local_addr()?.ip())
    };
    look().is_ok_and(|own| own == address)
}

/// Adds elements for some time. Those that are there and shall stay longer are replaced, as older kernels leave them as they are.
fn add(
    socket: &mut Socket,
    table: &Table,
    wanted: &[(String, IpAddr, Duration)],
    open: &HashMap<(String, IpAddr), Instant>,
) -> Result<()> {
    let batch = |replace: bool| {
        let mut batch = Batch::new(table);
        for (set, address, time) in wanted {
            let element = element(*address);
            if replace && open.contains_key(&(set.clone(), *address)) {
                batch.delete_elements(set, std::slice::from_ref(&element));
            }
            let seconds = u32::try_from(time.as_secs()).unwrap_or(MOST);
            batch.add_elements(set, &[element.for_seconds(seconds)]);
        }
        batch
    };
    match batch(true).commit(socket) {
        // It has gone by itself meanwhile.
        Err(refused) if refused.is(Errno::NOENT) => Ok(batch(false).commit(socket)?),
        other => Ok(other?),
    }
}

fn element(address: IpAddr) -> Element {
    match address {
        IpAddr::V4(address) => Element::new(&[&address.octets()]),
        IpAddr::V6(address) => Element::new(&[&address.octets()]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held(text: &str) -> Held {
        let policy =
            text.split(';').map(|list| Policy::from(List::parse(&[list]).unwrap())).reduce(Policy::and).unwrap();
        Held { number: 7, policy, journal: None, addresses: Vec::new(), open: HashMap::new(), names: HashMap::new() }
    }

    #[test]
    fn a_name_opens_the_sets_of_its_ports() {
        let held = held("a.example,*.example:443,b.example:80,10.0.0.0/8;*.example,c");
        let sets = |name: &str, address: &str| held.sets_of(name, address.parse().unwrap());
        assert_eq!(sets("a.example", "1.1.1.1"), ["open4-7-0-0", "open4-7-0-1", "open4-7-1-0"]);
        assert_eq!(sets("b.example", "2a00::1"), ["open6-7-0-1", "open6-7-0-2", "open6-7-1-0"]);
        assert_eq!(sets("c.dns.podman", "1.1.1.1"), ["open4-7-1-0"]);
        assert!(sets("example", "1.1.1.1").is_empty());
        assert!(sets("dns.podman", "1.1.1.1").is_empty());
    }

    #[test]
    fn addresses_of_the_machine() {
        assert!(is_of_this_machine("127.0.0.1".parse().unwrap()));
        assert!(!is_of_this_machine("192.0.2.1".parse().unwrap()));
        assert!(!may_open("127.0.0.1".parse().unwrap()));
    }
}
