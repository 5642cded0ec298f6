//! Containers whose monitor was killed: what it would have done at the end is done by whoever comes next.

use std::fs::File;

use super::{Engine, containers};
use crate::container::State;
use crate::container::store::Container;
use crate::error::{Error, Result};
use crate::storage::atomic::Durability;
use crate::storage::fs;
use crate::sys::{lock, process};

/// The container, after what a killed monitor left has been tidied up: a process that outlived it is killed, the end is
/// written, and a container of `--rm` is removed.
///
/// # Errors
/// There is no such container (any more).
pub fn settle(engine: &Engine, id: &str) -> Result<Container> {
    let store = containers(engine);
    let container = store.load(id)?;
    if !container.is_lost {
        return Ok(container);
    }
    let run_dir = engine.roots.run_container(id);
    fs::create_private_dir_all(&run_dir)?;
    let Ok(file) = File::options().read(true).write(true).create(true).truncate(false).open(run_dir.join("lock"))
    else {
        return Ok(container);
    };
    if lock::hold(&file).is_err() {
        // A new monitor is just taking over.
        return store.load(id);
    }
    let Some(written) = store.written_state(id)? else { return store.load(id) };
    kill_leftover(&written);
    if container.record.pid_mode != "private" {
        // Its processes did not end with the first one. Now, as the user that owns all of the user's namespaces: the one
        // that we would make anew has no power over another that the dead monitor was in.
        crate::monitor::stray::kill_by_id(id);
    }
    if container.record.is_on_bridge() {
        super::network::anchor::wait_for_end(engine, id);
    }
    let _ = fs::remove_file_if_exists(&run_dir.join("ctl"));
    store.write_state(id, &container.state, Durability::Process)?;
    drop(file);
    if container.record.auto_remove {
        super::enter_userns(engine)?;
        let volumes = || crate::container::volumes::detach_anonymous(&store, &container.record);
        match store.detach_idle_after(&container.record, volumes) {
            Ok((trash, volumes)) => volumes.delete().and(trash.delete())?,
            // Another command was quicker; the caller is told below.
            Err(_) if store.load(id).is_err() => {}
            Err(error) => return Err(error),
        }
    }
    store.load(id)
}

/// Kills the container's PID 1 if it is still that process: its start time must be the one recorded.
fn kill_leftover(state: &State) {
    if let Some(pidfd) = crate::runtime::open_process(state.pid, state.pid_started) {
        let _ = process::pidfd_kill(&pidfd, libc::SIGKILL);
    }
}

/// All containers, oldest first, and what is wrong with those that cannot be read. Those whose monitor was killed are
/// tidied up on the way.
pub fn list(engine: &Engine) -> Result<(Vec<Container>, Vec<Error>)> {
    let store = containers(engine);
    let (all, damaged) = store.list_with_damaged()?;
    if !all.iter().any(|container| container.is_lost) {
        return Ok((all, damaged));
    }
    for container in all.iter().filter(|container| container.is_lost) {
        // What cannot be tidied up is still shown; the command that is to change it says why.
        let _ = settle(engine, &container.record.id);
    }
    store.list_with_damaged()
}
