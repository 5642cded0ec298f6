//! Removing containers.

use std::time::{Duration, Instant};

use super::{Engine, containers, enter_userns, lifecycle, settle};
use crate::container::Status;
use crate::container::store::Store;
use crate::container::volumes::{Going, detach_anonymous};
use crate::error::{Error, Kind, Result};

/// How long others may hold the lock of a container that does not run.
const LOCK_DEADLINE: Duration = Duration::from_secs(2);

/// How to remove.
#[derive(Debug, Clone, Default)]
pub struct RemoveOptions {
    /// Even if it runs.
    pub force: bool,
    /// Anonymous volumes as well; those of a container of `--rm` go in any case.
    pub volumes: bool,
    /// Seconds of grace for one that runs.
    pub timeout: Option<u32>,
    /// Containers that depend on it as well, and first.
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
        // Damaged, so that nobody knows what it is: it goes if it does not run.
        Err(error) if error.kind() != Kind::NoSuch && options.force && !store.monitor_is_alive(id) => {
            enter_userns(engine)?;
            return match store.detach_unreadable(id)? {
                Some(trash) => trash.delete(),
                None => Err(error),
            };
        }
        Err(error) => return Err(error),
    };
    if options.depend {
        for other in super::dependents(&store, id)? {
            remove(engine, &other, RemoveOptions { depend: false, ..options.clone() })?;
        }
    } else {
        super::depend::check_not_needed(&store, id)?;
    }
    let running = container.state.status.is_alive() || store.monitor_is_alive(id);
    if running && !options.force && container.state.status != Status::Initialized {
        let alive = container.state.status.is_alive();
        let state = if alive { container.state.status.as_str() } else { "about to be started again" };
        return Err(Error::of(
            Kind::InUse,
            format!(
                "cannot remove container {id} as it is {state} - running or paused containers cannot be removed without force: container state improper"
            ),
        ));
    }
    // Where it is mounted here (`mount`), it could not be removed; and once this process has left this mount namespace, it
    // could not be unmounted.
    if nix::unistd::geteuid().is_root() {
        let _ = super::container_mount::unmount(engine, id, true);
    }
    // Files of the container may belong to any of the mapped IDs.
    enter_userns(engine)?;
    if running {
        let grace = options.timeout.unwrap_or(container.record.stop_timeout);
        lifecycle::end(engine, &container, Duration::from_secs(u64::from(grace)))?;
    }
    let deadline = Instant::now() + LOCK_DEADLINE;
    loop {
        let volumes = || match options.volumes || container.record.auto_remove {
            true => detach_anonymous(&store, &container.record),
            false => Ok(Going::none()),
        };
        match store.detach_idle_after(&container.record, volumes) {
            Ok((trash, volumes)) => return volumes.delete().and(trash.delete()),
            // Somebody else, perhaps its own monitor, was quicker.
            Err(_) if is_gone(&store, id) => return Ok(()),
            // Another command is at it for a moment, or somebody has started it.
            Err(error) if error.kind() == Kind::InUse && Instant::now() < deadline => {
                if options.force {
                    lifecycle::end(engine, &container, Duration::ZERO)?;
                }
                let _ = rustix::event::poll(&mut [], Some(&rustix::event::Timespec { tv_sec: 0, tv_nsec: 1_000_000 }));
            }
            Err(error) => return Err(error),
        }
    }
}

fn is_gone(store: &Store, id: &str) -> bool {
    store.load(id).is_err_and(|error| error.kind() == Kind::NoSuch)
}
