//! Volumes as objects of their own: making, removing, mounting, counting them.

use std::path::{Path, PathBuf};

use super::{holders, store};
use crate::container::volumes::{self, all_users, users};
use crate::engine::{self, Engine, containers, enter_userns};
use crate::error::{Error, Kind, Result};
use crate::storage::atomic::Durability;
use crate::storage::{id, usage as disk};
use crate::volume::{New, Options, Record, Volume, attach, fill};

/// Makes a volume; without a name it gets one.
///
/// # Errors
/// [`Kind::InUse`] when there is one of this name.
pub fn create(engine: &Engine, mut new: New) -> Result<Record> {
    if new.name.is_empty() {
        new.name = id::random_id()?;
    }
    if !id::is_valid_name(&new.name) {
        return Err(Error::new(
            "running volume create option: names must match [a-zA-Z0-9][a-zA-Z0-9_.-]*: invalid argument",
        ));
    }
    let options = Options::parse(&new.options)?;
    if (options.uid, options.gid) != (None, None) {
        enter_userns(engine)?;
    }
    store(engine).create(new, Durability::Power)
}

/// How to remove a volume.
#[derive(Debug, Clone, Default)]
pub struct RemoveOptions {
    /// The containers that use it first.
    pub force: bool,
    /// Seconds of grace for those that run.
    pub timeout: Option<u32>,
}

/// Removes a volume.
///
/// # Errors
/// [`Kind::InUse`] when containers use it and force is not wanted.
pub fn remove(engine: &Engine, name: &str, options: &RemoveOptions) -> Result<()> {
    enter_userns(engine)?;
    let containers = containers(engine);
    let store = store(engine);
    loop {
        match store.detach(name, &|| all_users(&containers)) {
            Err(error) if error.kind() == Kind::InUse && options.force => {}
            detached => return detached?.delete(),
        }
        for id in all_users(&containers)?.remove(name).unwrap_or_default() {
            let how = engine::RemoveOptions { force: true, timeout: options.timeout, ..Default::default() };
            engine::remove(engine, &id, how)?;
        }
    }
}

/// The volumes that no container uses, oldest first.
pub fn unused(engine: &Engine) -> Result<Vec<Volume>> {
    let users = all_users(&containers(engine))?;
    let (mut all, _) = store(engine).list()?;
    all.retain(|volume| !users.contains_key(&volume.record.name));
    Ok(all)
}

/// Mounts a volume in this mount namespace, if there is anything to mount. Returns where its files are.
pub fn mount(engine: &Engine, name: &str) -> Result<PathBuf> {
    let store = store(engine);
    let volume = store.find(name)?;
    let name = &volume.record.name;
    let lock = store.lock(name)?;
    if fill::is_pending(&volume) {
        fill::move_in(&volume)?;
        fill::apply_owner(&volume.record, &volume.data())?;
    }
    if let Some(over) = volume.record.parsed()?.mount {
        attach::attach(&volume, &over, &holders(engine, name)?)?;
        attach::freeze(&volume, &over)?;
    }
    drop(lock);
    Ok(volume.data())
}

/// Takes the mount of a volume off, if it has any here. Returns its name.
pub fn unmount(engine: &Engine, name: &str) -> Result<String> {
    let volume = store(engine).find(name)?;
    attach::detach(&volume.data())?;
    Ok(volume.record.name)
}

/// A volume and its room.
#[derive(Debug, Clone, PartialEq)]
pub struct Usage {
    pub name: String,
    /// How many containers use it.
    pub links: usize,
    /// Bytes on disk of its directory.
    pub size: u64,
    /// Bytes that removing it would free: all, or none while a container uses it.
    pub reclaimable: u64,
}

/// Every volume and its room, by name. The caller is in the user namespace.
pub fn usage(engine: &Engine) -> Result<Vec<Usage>> {
    let store = store(engine);
    let sizes = disk::of_all(store.names()?.iter().map(|name| store.dir(name)).collect())?;
    usage_of(engine, &|dir| sizes.get(dir).copied().unwrap_or_default())
}

/// The same, where the directories have been counted already.
pub fn usage_of(engine: &Engine, size: &dyn Fn(&Path) -> u64) -> Result<Vec<Usage>> {
    let store = store(engine);
    let users = users(&containers(engine))?;
    let one = |name: String| {
        let links = users.get(&name).map_or(0, Vec::len);
        let size = size(&store.dir(&name));
        Usage { links, size, reclaimable: if links == 0 { size } else { 0 }, name }
    };
    Ok(store.names()?.into_iter().map(one).collect())
}

/// How many running containers have a volume mounted.
pub fn mount_counts(engine: &Engine) -> Result<std::collections::BTreeMap<String, usize>> {
    let mut counts = std::collections::BTreeMap::new();
    for container in containers(engine).list()? {
        if container.state.status.is_alive() {
            for mount in volumes::of(&container.record) {
                *counts.entry(mount.name.clone()).or_default() += 1;
            }
        }
    }
    Ok(counts)
}
