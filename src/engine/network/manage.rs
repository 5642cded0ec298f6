//! Networks as objects of their own: making, removing, changing them, and who is on them.

use std::collections::BTreeMap;

use super::{Engine, store, store_of};
use crate::bail;
use crate::container::network::{Attachment, Interface, Wanted};
use crate::container::record::Record;
use crate::container::store::Container;
use crate::engine::{self, containers};
use crate::error::{Error, Kind, Result};
use crate::network::anchor::client;
use crate::network::config::create::{Around, New, create as make};
use crate::network::config::{HostRoutes, Network};
use crate::storage::id;

/// IDs of containers by the names of the networks that they want.
pub type Users = BTreeMap<String, Vec<String>>;

/// Makes a network.
///
/// # Errors
/// [`Kind::InUse`] when there is one of this name; what was asked for cannot be.
pub fn create(engine: &Engine, new: New) -> Result<Network> {
    let conf = super::conf(engine)?;
    let store = store_of(engine, conf);
    let routes = HostRoutes::read()?;
    let (id, random) = (id::random_id()?, id::random()?);
    let lock = store.lock()?;
    let networks = store.list()?.networks;
    let network = make(new, id, random, &Around { networks: &networks, routes: &routes, pools: &conf.pools })?;
    store.create(&network, &lock)?;
    Ok(network)
}

/// What a container wants of its networks; `None` where it has no bridge network.
pub fn wanted(engine: &Engine, record: &Record) -> Result<Option<Wanted>> {
    if !record.is_on_bridge() {
        return Ok(None);
    }
    Ok(Some(Wanted::read(&engine.roots.container(&record.id))?.unwrap_or_default()))
}

/// Who uses which network.
///
/// # Errors
/// The record of a container cannot be read, so that nobody knows what it uses.
pub fn users(engine: &Engine) -> Result<Users> {
    let (list, damaged) = containers(engine).list_with_damaged()?;
    if let Some(error) = damaged.into_iter().next() {
        return Err(error
            .wrap("finding out which networks are in use")
            .hint("remove the damaged container with `coracle rm --force ID`"));
    }
    let mut users = Users::new();
    for container in list {
        for one in wanted(engine, &container.record)?.unwrap_or_default().networks {
            users.entry(one.network).or_default().push(container.record.id.clone());
        }
    }
    Ok(users)
}

/// What `inspect` shows of a container's networks.
#[derive(Debug, Clone, Default)]
pub struct Shown {
    /// With bridges: its networks, each with its ID (empty where it is gone).
    pub networks: Vec<(Attachment, String)>,
    /// The container whose network it shares, where that is another one.
    pub of: Option<Box<Container>>,
}

/// Gathers what `inspect` shows; what cannot be found is left out.
pub fn shown(engine: &Engine, container: &Container) -> Result<Shown> {
    let mut of = None;
    let mut owner = container.clone();
    for _ in 0..MAX_CHAIN {
        let Some(id) = owner.record.network.strip_prefix("container:") else { break };
        match containers(engine).load(id) {
            Ok(found) => owner = found,
            Err(_) => return Ok(Shown::default()),
        }
        of = Some(Box::new(owner.clone()));
    }
    let Some(wanted) = wanted(engine, &owner.record)? else { return Ok(Shown { networks: Vec::new(), of }) };
    let store = store(engine)?;
    let with_id = |one: Attachment| {
        let id = store.get(&one.network).map(|network| network.id).unwrap_or_default();
        (one, id)
    };
    Ok(Shown { networks: wanted.networks.into_iter().map(with_id).collect(), of })
}

/// How many containers may share a network one through the other.
const MAX_CHAIN: usize = 32;

/// How to remove a network.
#[derive(Debug, Clone, Default)]
pub struct RemoveOptions {
    /// The containers on it first, and no word about a network that is not there.
    pub force: bool,
    /// Seconds of grace for those that run.
    pub timeout: Option<u32>,
}

/// Removes a network.
///
/// # Errors
/// [`Kind::NoSuch`]; [`Kind::InUse`] when containers are on it and force is not wanted.
pub fn remove(engine: &Engine, name: &str, options: &RemoveOptions) -> Result<()> {
    let store = store(engine)?;
    let network = store.get(name)?;
    if store.is_default(&network.name) {
        bail!("default network {} cannot be removed", network.name);
    }
    loop {
        let lock = store.lock()?;
        let on_it = users(engine)?.remove(&network.name).unwrap_or_default();
        if on_it.is_empty() {
            return store.remove(&network.name, &lock);
        }
        drop(lock);
        if !options.force {
            return Err(Error::of(
                Kind::InUse,
                format!(
                    "{name:?} has associated containers with it. Use -f to forcibly delete containers and pods: network is being used"
                ),
            ));
        }
        for id in on_it {
            for needed_by in engine::dependents(&containers(engine), &id)?.into_iter().chain([id]) {
                let how = engine::RemoveOptions { force: true, timeout: options.timeout, ..Default::default() };
                match engine::remove(engine, &needed_by, how) {
                    Err(error) if error.kind() == Kind::NoSuch => {}
                    removed => removed?,
                }
            }
        }
    }
}

/// The networks that no container uses, but for the default one.
pub fn unused(engine: &Engine) -> Result<Vec<Network>> {
    let store = store(engine)?;
    let users = users(engine)?;
    let mut all = store.list()?.networks;
    all.retain(|network| !users.contains_key(&network.name) && !store.is_default(&network.name));
    Ok(all)
}

/// Who is connected to a network now: the interface of each running container.
pub fn connected(engine: &Engine, network: &str) -> Result<Vec<(Container, Interface)>> {
    let mut found = Vec::new();
    for container in containers(engine).list()? {
        if !container.state.status.is_alive() {
            continue;
        }
        if let Some(interface) = container.state.network.iter().find(|one| one.network == network) {
            let interface = interface.clone();
            found.push((container, interface));
        }
    }
    Ok(found)
}

/// Changes the resolvers of a network: those to drop first, then those to add.
pub fn update(engine: &Engine, name: &str, add: &[std::net::IpAddr], drop: &[std::net::IpAddr]) -> Result<()> {
    let store = store(engine)?;
    let lock = store.lock()?;
    let mut network = store.get(name)?;
    let before = network.network_dns_servers.clone();
    network.network_dns_servers.retain(|server| !drop.contains(server));
    for server in add {
        if !network.network_dns_servers.contains(server) {
            network.network_dns_servers.push(*server);
        }
    }
    if network.network_dns_servers == before {
        return Ok(());
    }
    store.replace(&network, &lock)?;
    std::mem::drop(lock);
    announce(engine, &network.name)
}

/// Tells the anchor, if there is one, that the definition of a network has changed.
fn announce(engine: &Engine, network: &str) -> Result<()> {
    match client::connect(&super::anchor::find_place(engine)?)? {
        Some(anchor) => anchor.reload(network),
        None => Ok(()),
    }
}
