//! Opening the namespaces that a container joins, at each of its starts.

use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::fs::{Mode, OFlags};

use crate::container::store::Store;
use crate::error::{Context, Error, Result};
use crate::runtime::joined::Joined;
use crate::runtime::launch::{Donor, Join};
use crate::runtime::open_process;

/// Opens them; those of one container by one pidfd.
///
/// # Errors
/// A container does not run, a path is no namespace's.
pub fn open(store: &Store, joins: &[Join]) -> Result<Vec<Joined>> {
    let mut opened: Vec<(&Donor, Joined)> = Vec::new();
    for join in joins {
        if let Some((_, known)) = opened.iter_mut().find(|(of, _)| *of == &join.of) {
            known.namespaces |= join.namespace;
            continue;
        }
        let joined = match &join.of {
            Donor::Container(id) => {
                let name = format!("container {id}");
                let fd = container(store, id).map_err(|e| e.wrap(format!("joining a namespace of {name}")))?;
                Joined { fd, namespaces: join.namespace, name }
            }
            Donor::Path(path) => {
                Joined { fd: file(path)?, namespaces: join.namespace, name: format!("`{}`", path.display()) }
            }
        };
        opened.push((&join.of, joined));
    }
    Ok(opened.into_iter().map(|(_, joined)| joined).collect())
}

fn file(path: &Path) -> Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    rustix::fs::open(path, flags, Mode::empty()).with_context(|| format!("opening the namespace `{}`", path.display()))
}

/// The first process of a running container. It is believed to be that one only if, after it was opened, its monitor
/// still holds its lock and the process began when the container's did: its PID may have become another's.
fn container(store: &Store, id: &str) -> Result<OwnedFd> {
    let dead = || {
        Error::new("the container is not running: container state improper")
            .hint(format!("start it: `coracle start {}`", id.get(..12).unwrap_or(id)))
    };
    let state = store.load(id)?.state;
    let pidfd = open_process(state.pid, state.pid_started).filter(|_| state.status.is_alive());
    pidfd.filter(|_| store.monitor_is_alive(id)).ok_or_else(dead)
}
