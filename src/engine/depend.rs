//! Containers that need others: whose namespaces they join, or which they require.

use std::borrow::Cow;
use std::time::{Duration, Instant};

use super::{Engine, containers, launch, monitor, settle};
use crate::container::namespaces::{IpcMode, Sharing};
use crate::container::options::CreateOptions;
use crate::container::spec::JoinedNetwork;
use crate::container::store::{Container, Store};
use crate::container::{Record, Status, userns};
use crate::error::{Context as _, Error, Kind, Result};
use crate::monitor::protocol::kind;

/// What a new container has of the others that it needs.
#[derive(Debug, Clone, Default)]
pub struct Needs {
    /// Their IDs.
    pub ids: Vec<String>,
    /// The host name of the one whose UTS namespace is joined.
    pub hostname: Option<String>,
    /// The one whose IPC namespace is joined has a /dev/shm.
    pub shm: bool,
    /// Whose network is shared with `--network container:`.
    pub network: Option<JoinedNetwork>,
}

/// Looks up the containers that the options name, and puts their IDs in place of what was typed.
///
/// # Errors
/// There is no such container, or it does not share what is wanted.
pub fn resolve<'a>(store: &Store, options: &'a CreateOptions) -> Result<(Cow<'a, CreateOptions>, Needs)> {
    let mut needs = Needs::default();
    let mut resolved = Cow::Borrowed(options);
    let mut find = |name: &str, kind: &str| -> Result<Container> {
        let found = store.find(name).with_context(|| format!("looking up container to share {kind} namespace with"))?;
        if !needs.ids.contains(&found.record.id) {
            needs.ids.push(found.record.id.clone());
        }
        Ok(found)
    };
    if let Sharing::Container(name) = &options.pid {
        let id = find(name, "pid")?.record.id;
        resolved.to_mut().pid = Sharing::Container(id);
    }
    if let IpcMode::Container(name) = &options.ipc {
        let record = find(name, "ipc")?.record;
        if record.ipc_mode == "private" {
            return Err(Error::new(format!(
                "joining IPC of container {} is not allowed: non-shareable IPC (hint: use IpcMode:shareable for the donor container)",
                record.id
            )));
        }
        needs.shm = record.ipc_mode != "none";
        resolved.to_mut().ipc = IpcMode::Container(record.id);
    }
    let mut network = None;
    if let [flag] = options.network.as_slice()
        && let Some(name) = flag.strip_prefix("container:").filter(|name| !name.is_empty())
    {
        let record = find(name, "net")?.record;
        resolved.to_mut().network = vec![format!("container:{}", record.id)];
        let (joined, owner) = joined_network(store, record)?;
        // What holds its sockets holds those of all who share them.
        resolved.to_mut().restricted |= owner.restricted;
        if owner.restricted && owner.is_on_bridge() && resolved.userns.mode == userns::Mode::Host {
            if !resolved.userns.typed.is_empty() {
                return Err(Error::new(format!(
                    "`--userns=host` does not go with the network of container {}: it is restricted, and what holds it would be owned",
                    owner.name
                ))
                .hint("leave --userns out: the user namespace of that container is shared as well"));
            }
            // Its network namespace belongs to a user namespace of its own, which has to be joined as well.
            resolved.to_mut().userns.mode = userns::Mode::Container(owner.id);
        }
        network = Some(joined);
    }
    let mut hostname = None;
    if let Sharing::Container(name) = &options.uts {
        let record = find(name, "uts")?.record;
        hostname = Some(record.hostname);
        resolved.to_mut().uts = Sharing::Container(record.id);
    }
    if let Sharing::Container(name) = &options.cgroup {
        let id = find(name, "cgroup")?.record.id;
        resolved.to_mut().cgroup = Sharing::Container(id);
    }
    for name in &options.requires {
        let found = store.find(name);
        let id = found
            .with_context(|| format!("\"{name}\" is not a valid container, cannot be used as a dependency"))?
            .record
            .id;
        if !needs.ids.contains(&id) {
            needs.ids.push(id);
        }
    }
    needs.hostname = hostname;
    needs.network = network;
    Ok((resolved, needs))
}

/// How many containers may share a network one through the other.
const MAX_CHAIN: usize = 32;

/// What it means to share the network of a container, which may itself share another's, and whose it is in the end.
fn joined_network(store: &Store, mut owner: Record) -> Result<(JoinedNetwork, Record)> {
    for _ in 0..MAX_CHAIN {
        match owner.network.strip_prefix("container:") {
            Some(id) => owner = store.load(id)?.record,
            None => {
                let dir = store.roots().container(&owner.id);
                let own_resolv_conf = owner.dns.first().is_none_or(|dns| dns != "none");
                let joined = JoinedNetwork {
                    is_host: owner.network == "host",
                    hosts: (!owner.no_hosts).then(|| dir.join("hosts")),
                    resolv_conf: own_resolv_conf.then(|| dir.join("resolv.conf")),
                };
                return Ok((joined, owner));
            }
        }
    }
    Err(Error::new("too many containers share a network one through the other"))
}

/// Marks the containers that a new one needs, before it is there.
pub fn mark(store: &Store, ids: &[String]) -> Result<()> {
    ids.iter().try_for_each(|id| store.mark_needed(id))
}

/// The containers that need this one, directly or not, in the order in which they can be removed.
pub fn dependents(store: &Store, id: &str) -> Result<Vec<String>> {
    store.dependents(id)
}

/// Refuses to remove a container that others need.
pub fn check_not_needed(store: &Store, id: &str) -> Result<()> {
    let dependents = dependents(store, id)?;
    if dependents.is_empty() {
        return Ok(());
    }
    Err(Error::new(format!(
        "container {id} has dependent containers which must be removed before it: {}: container already exists",
        dependents.join(", ")
    ))
    .hint("`rm --depend` removes them as well"))
}

/// How long another command may take to start a container.
const START_DEADLINE: Duration = Duration::from_secs(20);

/// Whether another command was quicker, and the container runs, or soon does.
fn comes_up(engine: &Engine, id: &str) -> Result<bool> {
    let (store, deadline) = (containers(engine), Instant::now() + START_DEADLINE);
    loop {
        let alive = store.monitor_is_alive(id);
        let status = store.load(id)?.state.status;
        if status == Status::Running || !alive || Instant::now() > deadline {
            return Ok(status == Status::Running);
        }
        let _ = rustix::event::poll(&mut [], Some(&rustix::event::Timespec { tv_sec: 0, tv_nsec: 2_000_000 }));
    }
}

/// Starts the containers that this one needs, where they do not run.
pub fn start_needed(engine: &Engine, record: &Record) -> Result<()> {
    for id in &record.dependencies {
        let failed = |e: Error| e.wrap(format!("starting container {id}, which `{}` depends on", record.name));
        let container = settle(engine, id).map_err(failed)?;
        match container.state.status {
            Status::Running => {}
            Status::Initialized => {
                let answer = monitor::request(&engine.roots, id, &[kind::START]).map_err(failed)?;
                answer.map_err(|errno| failed(Error::new(nix::errno::Errno::from_raw(errno).desc())))?;
            }
            Status::Created | Status::Exited => {
                if let Err(error) = launch::start(engine, &container, launch::How::default())
                    && !comes_up(engine, id).map_err(failed)?
                {
                    return Err(failed(error));
                }
            }
            other => {
                return Err(failed(Error::of(
                    Kind::InUse,
                    format!("it is {}: container state improper", other.as_str()),
                )));
            }
        }
    }
    Ok(())
}
