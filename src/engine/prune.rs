//! Removing what nobody uses: containers that do not run, and with `system prune` images and rubbish as well.
//!
//! Everything is looked at again where it is removed: a container that is started meanwhile stays, and so does what it
//! stands on.

use super::{Engine, RemoveOptions, containers, enter_userns, list, network, remove, volumes};
use crate::container::store::Container;
use crate::container::{Status, usage};
use crate::error::{Error, Kind, Result};
use crate::image::{Image, mounts};
use crate::network::config::Network;
use crate::storage::usage as disk;
use crate::volume::Volume;

/// What was removed.
#[derive(Debug, Default)]
pub struct Pruned {
    /// IDs of containers or images, names of volumes.
    pub names: Vec<String>,
    /// Bytes on disk that are free now.
    pub reclaimed: u64,
    pub errors: Vec<Error>,
}

/// Removes the containers that do not run and that are `wanted`.
pub fn containers_that_rest(engine: &Engine, wanted: &dyn Fn(&Container) -> bool) -> Result<Pruned> {
    let mut pruned = Pruned::default();
    let (all, _) = list(engine)?;
    let mut resting: Vec<Container> =
        all.into_iter().filter(|container| rests(container) && wanted(container)).collect();
    if resting.iter().any(|container| !container.record.dependencies.is_empty()) {
        // Whoever needs another one is younger, and goes before it.
        resting.reverse();
    }
    if resting.is_empty() {
        return Ok(pruned);
    }
    enter_userns(engine)?;
    for container in resting {
        let id = container.record.id.clone();
        // One that rests before its policy starts it again has a monitor; one that `run` has just made will have one.
        if containers(engine).is_wanted(&id) || containers(engine).monitor_is_alive(&id) {
            continue;
        }
        // Others that stay need it.
        if !containers(engine).dependents(&id)?.is_empty() {
            continue;
        }
        let dir = engine.roots.container(&id);
        let size = disk::of_all(vec![dir.clone()])?.remove(&dir).unwrap_or_default();
        // As in the reference, volumes without a name stay: they are removed with `rm -v`, or as volumes.
        match remove(engine, &id, RemoveOptions::default()) {
            Ok(()) => {
                pruned.reclaimed += size;
                pruned.names.push(id);
            }
            // Started or removed meanwhile.
            Err(error) if matches!(error.kind(), Kind::InUse | Kind::NoSuch) => {}
            Err(error) => pruned.errors.push(error),
        }
    }
    Ok(pruned)
}

fn rests(container: &Container) -> bool {
    matches!(container.state.status, Status::Created | Status::Exited)
}

/// Removes the volumes that no container uses and that are `wanted`.
pub fn unused_volumes(engine: &Engine, wanted: &dyn Fn(&Volume) -> bool) -> Result<Pruned> {
    let mut pruned = Pruned::default();
    let store = volumes::store(engine);
    for volume in volumes::unused(engine)?.into_iter().filter(wanted) {
        enter_userns(engine)?;
        let name = volume.record.name;
        let dir = store.dir(&name);
        let size = disk::of_all(vec![dir.clone()])?.remove(&dir).unwrap_or_default();
        match volumes::remove(engine, &name, &volumes::RemoveOptions::default()) {
            Ok(()) => {
                pruned.reclaimed += size;
                pruned.names.push(name);
            }
            // Somebody uses it now, or has removed it.
            Err(error) if matches!(error.kind(), Kind::InUse | Kind::NoSuch) => {}
            Err(error) => pruned.errors.push(error),
        }
    }
    Ok(pruned)
}

/// Removes the networks that no container uses.
pub fn unused_networks(engine: &Engine, wanted: &dyn Fn(&Network) -> bool) -> Result<Pruned> {
    let mut pruned = Pruned::default();
    for network in network::unused(engine)?.into_iter().filter(|network| wanted(network)) {
        match network::remove(engine, &network.name, &network::RemoveOptions::default()) {
            Ok(()) => pruned.names.push(network.name),
            Err(error) if matches!(error.kind(), Kind::InUse | Kind::NoSuch) => {}
            Err(error) => pruned.errors.push(error),
        }
    }
    Ok(pruned)
}

/// What `system prune` removes of the images, and with them what no image needs.
pub struct ImagesToPrune<'a> {
    /// All without a container, and not only those without a name.
    pub all: bool,
    pub wanted: &'a dyn Fn(&Image) -> bool,
    /// Rubbish as well.
    pub rubbish: bool,
}

/// Removes images that no container uses.
pub fn images(engine: &Engine, what: &ImagesToPrune<'_>) -> Result<Pruned> {
    let mut pruned = Pruned::default();
    let store = containers(engine);
    mounts::live(&engine.roots)?;
    enter_userns(engine)?;
    let before = taken(engine)?;
    let images = super::images(engine)?;
    let users = usage::users(&store)?;
    let is_used = |image: &Image| users.containers.contains_key(&image.id) || users.mounts.contains_key(&image.id);
    let wanted = |image: &Image| (what.all || image.is_dangling()) && !is_used(image) && (what.wanted)(image);
    let in_use = || usage::users(&store);
    pruned.names = images.prune(&wanted, &in_use)?;
    if what.rubbish {
        images.prune_rubbish(&in_use)?;
        super::sweep(engine)?;
    }
    pruned.reclaimed = before.saturating_sub(taken(engine)?);
    Ok(pruned)
}

/// Bytes that images and rubbish take on disk.
fn taken(engine: &Engine) -> Result<u64> {
    let roots = &engine.roots;
    Ok(disk::of_all(vec![roots.images(), roots.layers(), roots.tmp()])?.values().sum())
}
