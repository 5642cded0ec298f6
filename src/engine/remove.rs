//! Removing containers.

use std::time::Duration;

use super::{Engine, containers, enter_userns, lifecycle, settle};
use crate::container::Status;
use crate::error::{Error, Kind, Result};

/// How to remove.
#[derive(Debug, Clone, Default)]
pub struct RemoveOptions {
    /// Even if it runs.
    pub force: bool,
    /// Anonymous volumes as well. They live in the container's directory, so they always go with it.
    pub volumes: bool,
    /// Seconds of grace for one that runs.
    pub timeout: Option<u32>,
    /// Containers that depend on it as well; none can yet.
    pub depend: bool,
}

/// Removes a container: its record, its files, its name.
///
/// # Errors
/// [`Kind::InUse`] when it runs and force is not wanted.
pub fn remove(engine: &Engine, id: &str, options: RemoveOptions) -> Result<()> {
    let store = containers(engine);
    let container = match settle(engine, id) {
        Ok(container) => container,
        // Its own monitor, or another command, was quicker: it is gone, as wanted.
        Err(error) if error.kind() == Kind::NoSuch && options.force => return Ok(()),
        Err(error) => return Err(error),
    };
    let running = container.state.status.is_alive() || store.monitor_is_alive(id);
    if running && !options.force && container.state.status != Status::Initialized {
        let state = container.state.status.as_str();
        return Err(Error::of(
            Kind::InUse,
            format!(
                "cannot remove container {id} as it is {state} - running or paused containers cannot be removed without force: container state improper"
            ),
        ));
    }
    // Files of the container may belong to any of the mapped IDs.
    enter_userns(engine)?;
    if running {
        let grace = options.timeout.unwrap_or(container.record.stop_timeout);
        lifecycle::end(engine, &container, Duration::from_secs(u64::from(grace)))?;
    }
    match store.detach(&container.record) {
        Ok(trash) => trash.delete(),
        Err(_) if store.load(id).is_err() => Ok(()),
        Err(error) => Err(error),
    }
}
