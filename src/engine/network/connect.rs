//! Connecting containers that exist to networks, whether they run or not.

use super::choose::{attachment, name_interfaces};
use super::{Engine, Facts, store};
use crate::bail;
use crate::container::Record;
use crate::container::network::Wanted;
use crate::container::store::Container;
use crate::engine::{containers, enter_userns, launch, monitor};
use crate::error::{Error, Kind, Result};
use crate::network::Asked;

/// Connects a container to a network, at once if it runs. A second time is no error where nothing else is asked for.
///
/// # Errors
/// There is no such network or container; an address is taken. Nothing has changed then.
pub fn connect(engine: &Engine, name: &str, container: &str, asked: Asked) -> Result<()> {
    let found = containers(engine).find(container)?;
    let network = store(engine)?.get(name)?;
    check_mode(&found.record)?;
    let plain = asked == Asked { name: asked.name.clone(), ..Asked::default() };
    super::egress::check_made_for(&found.record, std::slice::from_ref(&network))?;
    let new = attachment(&network, asked)?;
    let changed = change(engine, &found, |wanted| {
        if wanted.networks.iter().any(|one| one.network == network.name) {
            if plain {
                return Ok(());
            }
            bail!(
                "container {} is already connected to network {}: network is already connected",
                found.record.id,
                network.name
            );
        }
        wanted.networks.push(new);
        name_interfaces(&mut wanted.networks)
    });
    // Also after a change that was none: somebody may have been killed right here.
    changed.and_then(|()| containers(engine).copy_networks(&found.record.id))
}

/// Disconnects a container from a network, at once if it runs.
///
/// # Errors
/// There is no such network or container, or it is not connected.
pub fn disconnect(engine: &Engine, name: &str, container: &str, force: bool) -> Result<()> {
    let found = containers(engine).find(container)?;
    // A network that is gone can still stand in a container.
    let name = match store(engine)?.get(name) {
        Ok(network) => network.name,
        Err(error) if error.kind() == Kind::NoSuch && force => name.to_owned(),
        Err(error) => return Err(error),
    };
    check_mode(&found.record)?;
    change(engine, &found, |wanted| {
        let before = wanted.networks.len();
        wanted.networks.retain(|one| one.network != name);
        if wanted.networks.len() == before {
            bail!("container {} is not connected to network {name}", found.record.name);
        }
        Ok(())
    })?;
    containers(engine).copy_networks(&found.record.id)
}

/// Connects a running container anew: what is missing in the anchor is made again.
///
/// # Errors
/// It does not run, or has no bridge network.
pub fn reload(engine: &Engine, id: &str) -> Result<()> {
    let found = containers(engine).load(id)?;
    if !found.state.status.is_alive() || !found.record.is_on_bridge() {
        bail!("cannot reload network unless container network has been configured: container state improper");
    }
    monitor::network_changed(&engine.roots, id)
}

/// Tells names servers of a container's new name.
pub(in crate::engine) fn renamed(engine: &Engine, id: &str, name: &str) -> Result<()> {
    let found = containers(engine).load(id)?;
    if !found.record.is_on_bridge() {
        return Ok(());
    }
    change(engine, &found, |wanted| {
        name.clone_into(&mut wanted.name);
        Ok(())
    })
}

fn check_mode(record: &Record) -> Result<()> {
    if record.is_on_bridge() {
        return Ok(());
    }
    let mode = record.network.split(':').next().unwrap_or_default();
    Err(Error::new(format!("{mode:?} is not supported: invalid network mode"))
        .hint("only a container that was made with bridge networks can be connected to others"))
}

/// Changes what a container wants of its networks and, if it runs, what it has.
pub(in crate::engine) fn change(
    engine: &Engine,
    container: &Container,
    edit: impl FnOnce(&mut Wanted) -> Result<()>,
) -> Result<()> {
    let (store, id) = (containers(engine), &container.record.id);
    let dir = engine.roots.container(id);
    let (before, after) = Wanted::change(&dir, edit)?;
    if before == after || !store.monitor_is_alive(id) {
        return Ok(());
    }
    if let Err(error) = monitor::network_changed(&engine.roots, id) {
        if !store.monitor_is_alive(id) {
            // It has ended meanwhile, and will have its networks when it starts again.
            return Ok(());
        }
        Wanted::change(&dir, |wanted| {
            if *wanted == after {
                wanted.clone_from(&before);
            }
            Ok(())
        })?;
        return Err(error);
    }
    let facts = Facts::gather(engine, &container.record)?;
    enter_userns(engine)?;
    launch::rewrite_resolv_conf(&container.record, &facts, &dir)
}
