//! Publishing ports of containers that exist, whether they run or not.

use super::network::change;
use super::{Engine, containers};
use crate::container::record::Record;
use crate::container::store::Container;
use crate::error::{Error, Kind, Result};
use crate::network::ports::{self, PortMapping, Request, Unpublish};

/// Publishes ports of a container, at once if it runs; returns those that are new.
///
/// # Errors
/// The container has no bridge network; a port is in use. Nothing has changed then.
pub fn add(engine: &Engine, container: &str, requests: Vec<Request>) -> Result<Vec<PortMapping>> {
    let found = containers(engine).find(container)?;
    check_mode(&found.record)?;
    let mut added = Vec::new();
    apply(engine, &found, |current| {
        let (all, new) = ports::add(current, requests)?;
        added = new;
        Ok(all)
    })?;
    Ok(added)
}

/// Takes back published ports of a container, at once if it runs: connections by these ports end.
///
/// # Errors
/// The container has no bridge network; a port is not published. Nothing has changed then.
pub fn remove(engine: &Engine, container: &str, gone: &[Unpublish]) -> Result<()> {
    let found = containers(engine).find(container)?;
    check_mode(&found.record)?;
    apply(engine, &found, |current| ports::remove(current, gone))
}

fn apply(
    engine: &Engine,
    container: &Container,
    edit: impl FnOnce(&[PortMapping]) -> Result<Vec<PortMapping>>,
) -> Result<()> {
    let changed = change(engine, container, |wanted| {
        wanted.ports = edit(&wanted.ports)?;
        Ok(())
    });
    // A port in use is what ends a start with another code.
    changed.map_err(|error| match error.kind() {
        Kind::CannotInvoke => error.with_kind(Kind::InUse),
        _ => error,
    })?;
    // Also after a change that was none: somebody may have been killed right here.
    containers(engine).copy_networks(&container.record.id)
}

fn check_mode(record: &Record) -> Result<()> {
    if record.is_on_bridge() {
        return Ok(());
    }
    let mode = record.network.split(':').next().unwrap_or_default();
    Err(Error::new(format!("changing the ports of container `{}`: its network is {mode}", record.name))
        .hint("ports can be changed later for containers on bridge networks, which is the default"))
}
